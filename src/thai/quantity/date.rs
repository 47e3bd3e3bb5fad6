//! Reads dates, complete or in part: days, months and weekdays. Years and decades are in `year`.

use super::kind::{MonthForm, TokenKind};
use super::reader::{FoundQuantity, QuantityReader};
use super::{Date, QuantityValue};

/// A date, and the index of the token after it.
type DateAndEnd = (Date, usize);

impl QuantityReader<'_> {
    /// Reads a date, year or decade that starts at token `at`.
    pub fn read_date(&self, at: usize) -> Option<FoundQuantity> {
        if self.is_in_name(at) && !self.is_decade(at) && !self.has_ordinal_ending(at) {
            return None;
        }
        self.read_numeric_date(at)
            .or_else(|| self.read_decade(at))
            .or_else(|| self.read_weekday(at))
            .or_else(|| self.read_days(at))
            .or_else(|| self.read_months(at))
            .or_else(|| self.read_years(at))
    }

    /// Whether the ending of an English ordinal (st, nd, rd, th) is written right after the numeral at token `at`:
    /// `8th`.
    pub fn has_ordinal_ending(&self, at: usize) -> bool {
        self.is_joined_to_previous(at + 1) && self.is_one_of(at + 1, &["st", "nd", "rd", "th"])
    }

    /// Returns the index of the token after a dash or a word of a range (to, ถึง) at token `at`, or `None` if there is
    /// none.
    pub fn skip_range_word(&self, at: usize) -> Option<usize> {
        let sign = matches!(self.token_kind(at), TokenKind::Symbol('-' | '–' | '—' | '−'));
        (sign || self.is_one_of(at, &["ถึง", "จนถึง", "ไปจนถึง", "to", "until", "through"])).then_some(at + 1)
    }

    /// Returns the index of the token after a dash, a word of a range, "and" or "or" at token `at`, or `None` if there
    /// is none.
    fn skip_conjunction(&self, at: usize) -> Option<usize> {
        self.skip_range_word(at)
            .or_else(|| self.is_one_of(at, &["และ", "กับ", "and", "or", "หรือ"]).then_some(at + 1))
    }

    /// Returns the index of the token after a dash, a word of a range, "and", "or" or a comma at token `at`, or `None`
    /// if there is none.
    fn skip_list_separator(&self, at: usize) -> Option<usize> {
        self.skip_conjunction(at)
            .or_else(|| matches!(self.token_kind(at), TokenKind::Symbol(',')).then_some(at + 1))
    }

    /// Makes a quantity of the date `first`, which ends before token `end`, or of two dates if `second` has a date,
    /// which then gives the end. Never `None`.
    pub fn date_pair(first: Date, second: Option<DateAndEnd>, end: usize) -> Option<FoundQuantity> {
        let (to, end) = second.map_or((None, end), |(date, end)| (Some(QuantityValue::Date(date)), end));
        Some(FoundQuantity::from_values(QuantityValue::Date(first), to, end))
    }

    /// Reads a date in digits: `8/11/2566`, `8/11/66`, `8.11.2566`, `2023-11-08`.
    fn read_numeric_date(&self, at: usize) -> Option<FoundQuantity> {
        if let TokenKind::Code = self.token_kind(at) {
            let mut parts = [0u64; 3];
            let mut lengths = [0; 3];
            let mut count = 0;
            for part in self.token_text(at).split('.') {
                let digits: String = part.chars().filter_map(ascii_digit).collect();
                *parts.get_mut(count)? = digits.parse().ok()?;
                lengths[count] = digits.len();
                count += 1;
            }
            if count != 3 || !(1..=2).contains(&lengths[0]) || !(1..=2).contains(&lengths[1]) || lengths[2] != 4 {
                return None;
            }
            let date = self.date_from_day_month_year(parts[0], parts[1], self.year_from_digits(parts[2], 4)?)?;
            return Self::date_pair(date, None, at + 1);
        }
        let TokenKind::Symbol(sign @ ('/' | '-')) = self.token_kind(at + 1) else {
            return None;
        };
        if (at + 1..at + 5).any(|at| !self.is_joined_to_previous(at))
            || self.token_kind(at + 3) != TokenKind::Symbol(sign)
        {
            return None;
        }
        let [a, b, c] = [
            self.read_numeral(at)?,
            self.read_numeral(at + 2)?,
            self.read_numeral(at + 4)?,
        ];
        let (first, second, third) = (
            a.value_if_only_digits()?,
            b.value_if_only_digits()?,
            c.value_if_only_digits()?,
        );
        let longer = self.is_joined_to_previous(at + 5)
            && self.token_kind(at + 5) == TokenKind::Symbol(sign)
            && self.read_numeral(at + 6).is_some();
        if longer || b.digits > 2 {
            return None;
        }
        let date = match (a.digits, c.digits) {
            (4, 1 | 2) => self.date_from_day_month_year(third, second, self.year_from_digits(first, 4)?)?,
            (1 | 2, 4) => self.date_from_day_month_year(first, second, self.year_from_digits(third, 4)?)?,
            (1 | 2, 2) if sign == '/' => {
                self.date_from_day_month_year(first, second, self.year_from_digits(third, 2)?)?
            }
            _ => return None,
        };
        Self::date_pair(date, None, at + 5)
    }

    /// Makes a date from the numbers of its day, month and year. If `month` is above 12, an English date is taken to
    /// have the month before the day. Returns `None` if there is no such day or month.
    fn date_from_day_month_year(&self, day: u64, month: u64, year: i32) -> Option<Date> {
        let (day, month) = if month > 12 && !self.reads_thai_text() {
            (month, day)
        } else {
            (day, month)
        };
        let date = Date {
            year: Some(year),
            month: u8::try_from(month).ok().filter(|month| (1..=12).contains(month)),
            day: u8::try_from(day).ok().filter(|day| (1..=31).contains(day)),
            weekday: None,
        };
        (date.month.is_some() && date.day.is_some()).then_some(date)
    }

    /// Reads a day of the week, with the date after it if there is one.
    fn read_weekday(&self, at: usize) -> Option<FoundQuantity> {
        let TokenKind::Weekday(weekday, sure) = self.token_kind(at) else {
            return None;
        };
        let alone = Date {
            weekday: Some(weekday),
            ..Date::default()
        };
        let mut next = at + 1;
        while matches!(self.token_kind(next), TokenKind::Symbol(',' | '.'))
            || self.is_one_of(next, &["ที่", "วันที่", "the"])
        {
            next += 1;
            if next > at + 4 {
                break;
            }
        }
        let dated = self
            .read_days(next)
            .or_else(|| self.read_months(next).filter(|_| !self.reads_thai_text()));
        if let Some(found) = dated
            && let QuantityValue::Date(date @ Date { day: Some(_), .. }) = found.value
        {
            let weekday = Some(weekday);
            return Some(FoundQuantity {
                value: QuantityValue::Date(Date { weekday, ..date }),
                ..found
            });
        }
        if self.is_one_of(next - 1, &["ที่", "วันที่"])
            && let Some((day, end)) = self.read_day_in_digits(next)
        {
            return Self::date_pair(
                Date {
                    day: Some(day),
                    ..alone
                },
                None,
                end,
            );
        }
        if let Some(next) = self.skip_range_word(at + 1)
            && let TokenKind::Weekday(last, _) = self.token_kind(next)
        {
            let last = Date {
                weekday: Some(last),
                ..Date::default()
            };
            return Self::date_pair(alone, Some((last, next + 1)), next + 1);
        }
        if !sure {
            return None;
        }
        Self::date_pair(alone, None, at + 1)
    }

    /// Reads a day of the month in digits. Returns the day and the index of the token after it.
    fn read_day_in_digits(&self, at: usize) -> Option<(u8, usize)> {
        let numeral = self.read_numeral(at)?;
        let day = u8::try_from(numeral.value_if_only_digits()?)
            .ok()
            .filter(|day| (1..=31).contains(day))?;
        (numeral.digits <= 2).then_some((
            day,
            if self.has_ordinal_ending(at) && !self.reads_thai_text() {
                at + 2
            } else {
                at + 1
            },
        ))
    }

    /// Reads a day of the month in digits or as an English ordinal. Returns the day and the index of the token after
    /// it.
    fn read_day(&self, at: usize) -> Option<(u8, usize)> {
        self.read_day_in_digits(at).or_else(|| {
            let (day, end) = self.read_english_ordinal(at)?;
            let day = u8::try_from(day).ok().filter(|day| (1..=31).contains(day))?;
            Some((day, end))
        })
    }

    /// Reads a day of the month, with or without the word วันที่ before it. Returns the day and the index of the token
    /// after it.
    fn read_day_with_word(&self, at: usize) -> Option<(u8, usize)> {
        self.read_day(at + usize::from(self.is_one_of(at, &["วันที่"])))
    }

    /// Reads the name of a month. Returns the month, how it is written, and the index of the token after it and its
    /// dot.
    fn read_month(&self, at: usize) -> Option<(u8, MonthForm, usize)> {
        let TokenKind::Month(month, form) = self.token_kind(at) else {
            return None;
        };
        let dot = matches!(self.token_kind(at + 1), TokenKind::Symbol('.'))
            && self.is_joined_to_previous(at + 1)
            && self.token_text(at).len() <= 4
            && !self.is_one_of(at, &["may", "june", "july"]);
        Some((month, form, if dot { at + 2 } else { at + 1 }))
    }

    /// Reads the month after a day, as in `8 พฤศจิกายน` and `8th of November`. Returns the month, how it is written,
    /// and the index of the token after it.
    fn read_month_after_day(&self, at: usize) -> Option<(u8, MonthForm, usize)> {
        let at = if self.is_one_of(at, &["เดือน", "of"]) {
            at + 1
        } else {
            at
        };
        self.read_month(at)
    }

    /// Reads a day or a range of days with the name of its month; in Thai, after the word วันที่, the month may be
    /// missing.
    fn read_days(&self, at: usize) -> Option<FoundQuantity> {
        if self.reads_thai_text() && self.text_before(at).ends_with("วันที่") {
            return self
                .read_days_with_month(at)
                .or_else(|| self.read_days_without_month(at));
        }
        self.read_days_with_month(at)
    }

    /// Reads a day or a range of days with its month and perhaps its year: `8-10 พ.ย. 2566`, `30 October to 2 November
    /// 2023`.
    fn read_days_with_month(&self, at: usize) -> Option<FoundQuantity> {
        let (day, next) = self.read_day(at)?;
        if let Some((month, form, end)) = self.read_month_after_day(next) {
            let (year, end) = self.read_year_after(end, form);
            let first = Date {
                year,
                month: Some(month),
                day: Some(day),
                weekday: None,
            };
            let second = self.skip_conjunction(end).and_then(|next| {
                let (day, next) = self.read_day_with_word(next)?;
                let (month, form, end) = self.read_month_after_day(next)?;
                let (year, end) = self.read_year_after(end, form);
                Some((
                    Date {
                        year,
                        month: Some(month),
                        day: Some(day),
                        weekday: None,
                    },
                    end,
                ))
            });
            let year = first.year.or(second.and_then(|(date, _)| date.year));
            return Self::date_pair(Date { year, ..first }, second, end);
        }
        let next = self.skip_list_separator(next)?;
        let (last, next) = self.read_day_with_word(next)?;
        let (month, form, end) = self.read_month_after_day(next)?;
        let (year, end) = self.read_year_after(end, form);
        let date = |day| Date {
            year,
            month: Some(month),
            day: Some(day),
            weekday: None,
        };
        Self::date_pair(date(day), Some((date(last), end)), end)
    }

    /// Reads a day or a range of days without a month: วันที่ 9, วันที่ 8-10.
    fn read_days_without_month(&self, at: usize) -> Option<FoundQuantity> {
        let (day, end) = self.read_day_in_digits(at)?;
        let date = |day| Date {
            day: Some(day),
            ..Date::default()
        };
        let second = self
            .skip_range_word(end)
            .and_then(|next| self.read_day_in_digits(next))
            .map(|(day, end)| (date(day), end));
        Self::date_pair(date(day), second, end)
    }

    /// Reads the year after a month, perhaps with a comma, "of" or ปี before it. Returns the year and the index of the
    /// token after it, or `None` and `at` if there is no year.
    fn read_year_after(&self, at: usize, form: MonthForm) -> (Option<i32>, usize) {
        let comma = matches!(self.token_kind(at), TokenKind::Symbol(','))
            && self.read_numeral(at + 1).is_some_and(|year| year.digits == 4)
            || self.is_one_of(at, &["of"]);
        let next = if comma { at + 1 } else { at };
        match self.read_year(next, Some(form)) {
            Some((year, end)) => (Some(year), end),
            None => (None, at),
        }
    }

    /// Reads a date that begins with a month: `พฤศจิกายน 2566`, `ม.ค.-มี.ค. 2566`, `November 8-10, 2023`, `in May`.
    fn read_months(&self, at: usize) -> Option<FoundQuantity> {
        let (month, form, end) = self.read_month(at)?;
        if self.is_ascii_token(at)
            && let Some(found) = self.read_days_after_month(month, end)
        {
            return Some(found);
        }
        let (year, after) = self.read_year_after(end, form);
        let first = Date {
            year,
            month: Some(month),
            ..Date::default()
        };
        let second = self.skip_range_word(after).and_then(|next| {
            let (month, form, end) = self.read_month(next)?;
            let (year, end) = self.read_year_after(end, form);
            // In `April to May 3`, May 3 is another date.
            let day = self.is_ascii_token(next) && year.is_none() && self.read_day_in_digits(end).is_some();
            (!day).then_some((
                Date {
                    year,
                    month: Some(month),
                    ..Date::default()
                },
                end,
            ))
        });
        let sure = match form {
            MonthForm::Full => true,
            _ if year.is_some() || second.is_some() => true,
            MonthForm::Short if !self.reads_thai_text() => {
                const WORDS_BEFORE_SHORT_MONTH: &[&str] = &[
                    "in", "since", "until", "till", "by", "from", "to", "late", "early", "mid", "last", "next", "this",
                    "during", "through", "between", "of", "on", "before", "after", "every", "each", "around", "about",
                ];
                at > 0
                    && (self.is_one_of(at - 1, WORDS_BEFORE_SHORT_MONTH)
                        // Between June and August.
                        || at > 2
                            && self.is_one_of(at - 1, &["and"])
                            && matches!(self.token_kind(at - 2), TokenKind::Month(..))
                            && self.is_one_of(at - 3, &["between", "in", "from"])
                        || matches!(self.token_kind(at - 1), TokenKind::Symbol('-'))
                            && at > 1
                            && self.is_one_of(at - 2, WORDS_BEFORE_SHORT_MONTH))
            }
            _ => {
                let text = self.text_before(at);
                let told = ["เดือน", "ต้น", "กลาง", "ปลาย", "สิ้น"]
                    .iter()
                    .any(|word| text.ends_with(word));
                told || form == MonthForm::Short && self.is_one_of(end, &["นี้"])
            }
        };
        if !sure {
            return None;
        }
        let year = first.year.or(second.and_then(|(date, _)| date.year));
        Self::date_pair(Date { year, ..first }, second, after)
    }

    /// Reads the days after a month in English: `November 8`, `Nov. 8-10, 2023`, `October 30 to November 2`. `next` is
    /// the token after the month.
    fn read_days_after_month(&self, month: u8, next: usize) -> Option<FoundQuantity> {
        let next = if self.is_one_of(next, &["the"]) { next + 1 } else { next };
        let (day, end) = self.read_day(next).filter(|&(_, end)| !self.is_other_quantity(end))?;
        let date = |month, day, year| Date {
            year,
            month: Some(month),
            day: Some(day),
            weekday: None,
        };
        // Look for a year first, so that a comma and a year are not taken for a list of days.
        let (year, year_end) = self.read_year_after(end, MonthForm::Full);
        if year.is_none()
            && let Some(next) = self.skip_list_separator(end)
            && let Some((last, last_end)) = self.read_day(next).filter(|&(_, end)| !self.is_other_quantity(end))
            && self.read_month_after_day(last_end).is_none()
            && (self.skip_range_word(end).is_some() || self.is_one_of(end, &["and"]))
        {
            let (year, end) = self.read_year_after(last_end, MonthForm::Full);
            return Self::date_pair(date(month, day, year), Some((date(month, last, year), end)), end);
        }
        let second = self.skip_conjunction(year_end).and_then(|next| {
            let (month, _, next) = self.read_month(next)?;
            let (day, end) = self.read_day(next)?;
            let (year, end) = self.read_year_after(end, MonthForm::Full);
            Some((date(month, day, year), end))
        });
        let year = year.or(second.and_then(|(date, _)| date.year));
        Self::date_pair(date(month, day, year), second, year_end)
    }

    /// Whether a token consists of ASCII characters, so that it is no Thai word.
    pub fn is_ascii_token(&self, at: usize) -> bool {
        self.token_text(at).is_ascii()
    }
}

/// Returns the ASCII digit for an Arabic or Thai digit, or `None` for any other character.
fn ascii_digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '๐'..='๙' => char::from_digit(c as u32 - '๐' as u32, 10),
        _ => None,
    }
}
