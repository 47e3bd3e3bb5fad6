//! Dates, whole or in part, years and decades.

use super::lexicon::{BUDDHIST, Form, Kind};
use super::reader::{Found, Reader};
use super::token::Numeral;
use super::{Date, Language, Value};

/// A date and the token after it.
type Dated = (Date, usize);

impl Reader<'_> {
    pub fn date(&self, at: usize) -> Option<Found> {
        if self.is_label(at) && !self.is_decade(at) && !self.is_nth_day(at) {
            return None;
        }
        self.numeric(at)
            .or_else(|| self.decade(at))
            .or_else(|| self.weekday(at))
            .or_else(|| self.days(at))
            .or_else(|| self.months(at))
            .or_else(|| self.years(at))
    }

    fn is_nth_day(&self, at: usize) -> bool {
        self.glued(at + 1) && self.is(at + 1, &["st", "nd", "rd", "th"])
    }

    /// The token after a sign or a word of ranges.
    fn range(&self, at: usize) -> Option<usize> {
        let sign = matches!(self.kind(at), Kind::Symbol('-' | '–' | '—' | '−'));
        (sign || self.is(at, &["ถึง", "จนถึง", "ไปจนถึง", "to", "until", "through"])).then_some(at + 1)
    }

    /// The token after what joins two dates: also and.
    fn range_or_and(&self, at: usize) -> Option<usize> {
        self.range(at)
            .or_else(|| self.is(at, &["และ", "กับ", "and", "or", "หรือ"]).then_some(at + 1))
    }

    /// The token after what joins two days: also a comma.
    fn list(&self, at: usize) -> Option<usize> {
        self.range_or_and(at)
            .or_else(|| matches!(self.kind(at), Kind::Symbol(',')).then_some(at + 1))
    }

    fn pair(first: Date, second: Option<Dated>, end: usize) -> Option<Found> {
        let (to, end) = second.map_or((None, end), |(date, end)| (Some(Value::Date(date)), end));
        Some(Found::pair(Value::Date(first), to, end))
    }

    /// `8/11/2566`, `8-11-66`, `8.11.2566`, `2023-11-08`.
    fn numeric(&self, at: usize) -> Option<Found> {
        if let Kind::Code = self.kind(at) {
            let mut parts = [0u64; 3];
            let mut lengths = [0; 3];
            let mut count = 0;
            for part in self.slice(at).split('.') {
                let digits: String = part.chars().filter_map(digit).collect();
                *parts.get_mut(count)? = digits.parse().ok()?;
                lengths[count] = digits.len();
                count += 1;
            }
            if count != 3 || !(1..=2).contains(&lengths[0]) || !(1..=2).contains(&lengths[1]) || lengths[2] != 4 {
                return None;
            }
            let date = self.day_month_year(parts[0], parts[1], self.full_year(parts[2], 4)?)?;
            return Self::pair(date, None, at + 1);
        }
        let Kind::Symbol(sign @ ('/' | '-')) = self.kind(at + 1) else {
            return None;
        };
        if (at + 1..at + 5).any(|at| !self.glued(at)) || self.kind(at + 3) != Kind::Symbol(sign) {
            return None;
        }
        let [a, b, c] = [self.numeral(at)?, self.numeral(at + 2)?, self.numeral(at + 4)?];
        let (first, second, third) = (a.plain()?, b.plain()?, c.plain()?);
        let longer = self.glued(at + 5) && self.kind(at + 5) == Kind::Symbol(sign) && self.numeral(at + 6).is_some();
        if longer || b.digits > 2 {
            return None;
        }
        let date = match (a.digits, c.digits) {
            (4, 1 | 2) => self.day_month_year(third, second, self.full_year(first, 4)?)?,
            (1 | 2, 4) => self.day_month_year(first, second, self.full_year(third, 4)?)?,
            (1 | 2, 2) if sign == '/' => self.day_month_year(first, second, self.full_year(third, 2)?)?,
            _ => return None,
        };
        Self::pair(date, None, at + 5)
    }

    /// A date of numbers; in English the month may come first where nothing else is possible.
    fn day_month_year(&self, day: u64, month: u64, year: i32) -> Option<Date> {
        let (day, month) = if month > 12 && !self.is_thai() {
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

    /// The year that four or two digits mean without an era.
    fn full_year(&self, year: u64, digits: u8) -> Option<i32> {
        let number = i32::try_from(year).ok()?;
        let common = match (self.language, digits) {
            (Language::Thai, 4) if (2200..2700).contains(&number) => number - BUDDHIST,
            (_, 4) if (1000..2700).contains(&number) => number,
            (Language::Thai, 2) if number > 30 => 2500 - BUDDHIST + number,
            (Language::English, 2) if number > 30 => 1900 + number,
            (_, 2) => 2000 + number,
            _ => return None,
        };
        Some(common)
    }

    fn is_decade(&self, at: usize) -> bool {
        !self.is_thai() && self.numeral(at).is_some() && {
            let apostrophe = usize::from(matches!(self.kind(at + 1), Kind::Symbol('\'' | '’')));
            (1..=1 + apostrophe).all(|next| self.glued(at + next)) && self.slice(at + 1 + apostrophe) == "s"
        }
    }

    /// `1990s`, `'90s`, the nineties, ทศวรรษ 1990, ยุค 90.
    fn decade(&self, at: usize) -> Option<Found> {
        if let Kind::Tens(year) = self.kind(at) {
            return Some(Found::new(Value::Decade(year), at + 1));
        }
        let numeral = self.numeral(at)?;
        let year = numeral.plain().filter(|year| year % 10 == 0)?;
        if !matches!(numeral.digits, 2 | 4) {
            return None;
        }
        let end = if self.is_decade(at) {
            if self.slice(at + 1) == "s" { at + 2 } else { at + 3 }
        } else {
            let text = self.before(at);
            let named = ["ทศวรรษ", "ทศวรรษที่", "ยุค", "ยุคปี", "ช่วงปี"]
                .iter()
                .any(|word| text.ends_with(word));
            // ช่วงปี 1990 alone is a year.
            if !named || text.ends_with("ปี") && numeral.digits == 4 {
                return None;
            }
            at + 1
        };
        let first = if numeral.digits == 4 {
            self.full_year(year, 4)?
        } else {
            i32::try_from(year).ok()?
        };
        Some(Found::new(Value::Decade(first), end))
    }

    /// A weekday, with the date that follows it.
    fn weekday(&self, at: usize) -> Option<Found> {
        let Kind::Weekday(weekday, sure) = self.kind(at) else {
            return None;
        };
        let alone = Date {
            weekday: Some(weekday),
            ..Date::default()
        };
        let mut next = at + 1;
        while matches!(self.kind(next), Kind::Symbol(',' | '.')) || self.is(next, &["ที่", "วันที่", "the"])
        {
            next += 1;
            if next > at + 4 {
                break;
            }
        }
        let dated = self
            .days(next)
            .or_else(|| self.months(next).filter(|_| !self.is_thai()));
        if let Some(found) = dated
            && let Value::Date(date @ Date { day: Some(_), .. }) = found.value
        {
            let weekday = Some(weekday);
            return Some(Found {
                value: Value::Date(Date { weekday, ..date }),
                ..found
            });
        }
        if self.is(next - 1, &["ที่", "วันที่"])
            && let Some((day, end)) = self.day(next)
        {
            return Self::pair(
                Date {
                    day: Some(day),
                    ..alone
                },
                None,
                end,
            );
        }
        if let Some(next) = self.range(at + 1)
            && let Kind::Weekday(last, _) = self.kind(next)
        {
            let last = Date {
                weekday: Some(last),
                ..Date::default()
            };
            return Self::pair(alone, Some((last, next + 1)), next + 1);
        }
        if !sure {
            return None;
        }
        Self::pair(alone, None, at + 1)
    }

    /// A day of the month as a number, and the token after it.
    fn day(&self, at: usize) -> Option<(u8, usize)> {
        let numeral = self.numeral(at)?;
        let day = u8::try_from(numeral.plain()?)
            .ok()
            .filter(|day| (1..=31).contains(day))?;
        (numeral.digits <= 2).then_some((
            day,
            if self.is_nth_day(at) && !self.is_thai() {
                at + 2
            } else {
                at + 1
            },
        ))
    }

    /// The same, or an English ordinal.
    fn day_or_nth(&self, at: usize) -> Option<(u8, usize)> {
        self.day(at).or_else(|| {
            let (day, end) = self.nth(at)?;
            let day = u8::try_from(day).ok().filter(|day| (1..=31).contains(day))?;
            Some((day, end))
        })
    }

    /// A month, however written, and the token after it and its dot.
    fn month(&self, at: usize) -> Option<(u8, Form, usize)> {
        let Kind::Month(month, form) = self.kind(at) else {
            return None;
        };
        let dot = matches!(self.kind(at + 1), Kind::Symbol('.'))
            && self.glued(at + 1)
            && self.slice(at).len() <= 4
            && !self.is(at, &["may", "june", "july"]);
        Some((month, form, if dot { at + 2 } else { at + 1 }))
    }

    /// The month that a day has after it: `8 พฤศจิกายน`, `8th of November`.
    fn month_of_day(&self, at: usize) -> Option<(u8, Form, usize)> {
        let at = if self.is(at, &["เดือน", "of"]) {
            at + 1
        } else {
            at
        };
        self.month(at)
    }

    /// Day, month and perhaps year; ranges of days: `8-10 พ.ย. 2566`, `30 October to 2 November 2023`.
    fn days(&self, at: usize) -> Option<Found> {
        if self.is_thai() && self.before(at).ends_with("วันที่") {
            return self.days_of_month(at).or_else(|| self.bare_days(at));
        }
        self.days_of_month(at)
    }

    fn days_of_month(&self, at: usize) -> Option<Found> {
        let (day, next) = self.day_or_nth(at)?;
        if let Some((month, form, end)) = self.month_of_day(next) {
            let (year, end) = self.year_after(end, form);
            let first = Date {
                year,
                month: Some(month),
                day: Some(day),
                weekday: None,
            };
            let second = self.range_or_and(end).and_then(|next| {
                let (day, next) = self.day_or_nth(if self.is(next, &["วันที่"]) {
                    next + 1
                } else {
                    next
                })?;
                let (month, form, end) = self.month_of_day(next)?;
                let (year, end) = self.year_after(end, form);
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
            return Self::pair(Date { year, ..first }, second, end);
        }
        let next = self.list(next)?;
        let (last, next) = self.day_or_nth(if self.is(next, &["วันที่"]) {
            next + 1
        } else {
            next
        })?;
        let (month, form, end) = self.month_of_day(next)?;
        let (year, end) = self.year_after(end, form);
        let date = |day| Date {
            year,
            month: Some(month),
            day: Some(day),
            weekday: None,
        };
        Self::pair(date(day), Some((date(last), end)), end)
    }

    /// วันที่ 9, วันที่ 8-10.
    fn bare_days(&self, at: usize) -> Option<Found> {
        let (day, end) = self.day(at)?;
        let date = |day| Date {
            day: Some(day),
            ..Date::default()
        };
        let second = self
            .range(end)
            .and_then(|next| self.day(next))
            .map(|(day, end)| (date(day), end));
        Self::pair(date(day), second, end)
    }

    /// What may follow a month: a year, after a comma or of or ปี. The year and the token after it.
    fn year_after(&self, at: usize, form: Form) -> (Option<i32>, usize) {
        let comma = matches!(self.kind(at), Kind::Symbol(','))
            && self.numeral(at + 1).is_some_and(|year| year.digits == 4)
            || self.is(at, &["of"]);
        let next = if comma { at + 1 } else { at };
        match self.year(next, Some(form)) {
            Some((year, end)) => (Some(year), end),
            None => (None, at),
        }
    }

    /// A month first: `พฤศจิกายน 2566`, `ม.ค.-มี.ค. 2566`, `November 8-10, 2023`, `in May`.
    fn months(&self, at: usize) -> Option<Found> {
        let (month, form, end) = self.month(at)?;
        if self.is_latin(at)
            && let Some(found) = self.month_day(month, end)
        {
            return Some(found);
        }
        let (year, after) = self.year_after(end, form);
        let first = Date {
            year,
            month: Some(month),
            ..Date::default()
        };
        let second = self.range(after).and_then(|next| {
            let (month, form, end) = self.month(next)?;
            let (year, end) = self.year_after(end, form);
            // `May 3` is a day of its own.
            let day = self.is_latin(next) && year.is_none() && self.day(end).is_some();
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
            Form::Full => true,
            _ if year.is_some() || second.is_some() => true,
            Form::Short if !self.is_thai() => {
                const BEFORE: &[&str] = &[
                    "in", "since", "until", "till", "by", "from", "to", "late", "early", "mid", "last", "next", "this",
                    "during", "through", "between", "of", "on", "before", "after", "every", "each",
                ];
                at > 0
                    && (self.is(at - 1, BEFORE)
                        || matches!(self.kind(at - 1), Kind::Symbol('-')) && at > 1 && self.is(at - 2, BEFORE))
            }
            _ => {
                let text = self.before(at);
                let told = ["เดือน", "ต้น", "กลาง", "ปลาย", "สิ้น"]
                    .iter()
                    .any(|word| text.ends_with(word));
                told || form == Form::Short && self.is(end, &["นี้"])
            }
        };
        if !sure {
            return None;
        }
        let year = first.year.or(second.and_then(|(date, _)| date.year));
        Self::pair(Date { year, ..first }, second, after)
    }

    /// `November 8`, `Nov. 8-10, 2023`, `October 30 to November 2`.
    fn month_day(&self, month: u8, next: usize) -> Option<Found> {
        let next = if self.is(next, &["the"]) { next + 1 } else { next };
        let (day, end) = self
            .day_or_nth(next)
            .filter(|&(_, end)| !self.is_more_than_a_day(end))?;
        let date = |month, day, year| Date {
            year,
            month: Some(month),
            day: Some(day),
            weekday: None,
        };
        // The year first, so that a comma and a year are no list.
        let (year, year_end) = self.year_after(end, Form::Full);
        if year.is_none()
            && let Some(next) = self.list(end)
            && let Some((last, last_end)) = self.day_or_nth(next).filter(|&(_, end)| !self.is_more_than_a_day(end))
            && self.month_of_day(last_end).is_none()
            && (self.range(end).is_some() || self.is(end, &["and"]))
        {
            let (year, end) = self.year_after(last_end, Form::Full);
            return Self::pair(date(month, day, year), Some((date(month, last, year), end)), end);
        }
        let second = self.range_or_and(year_end).and_then(|next| {
            let (month, _, next) = self.month(next)?;
            let (day, end) = self.day_or_nth(next)?;
            let (year, end) = self.year_after(end, Form::Full);
            Some((date(month, day, year), end))
        });
        let year = year.or(second.and_then(|(date, _)| date.year));
        Self::pair(date(month, day, year), second, year_end)
    }

    /// Whether a number after a month is something else: an hour, a share, a sum.
    fn is_more_than_a_day(&self, end: usize) -> bool {
        matches!(
            self.kind(end),
            Kind::Percent | Kind::Scale(_) | Kind::Hour(_) | Kind::Currency(_)
        ) || matches!(self.kind(end), Kind::Symbol(':')) && self.glued(end + 1)
    }

    /// A year with all that marks it, of the common era, and the token after it. After a month two digits are enough.
    fn year(&self, at: usize, month: Option<Form>) -> Option<(i32, usize)> {
        let at = if self.is_thai() && self.is(at, &["ปี"]) && month.is_some() {
            at + 1
        } else {
            at
        };
        let (era, at) = match self.kind(at) {
            Kind::Era(era) => (Some(era), at + 1),
            _ => (None, at),
        };
        if !self.is_thai()
            && matches!(self.kind(at), Kind::Symbol('\'' | '’' | '‘'))
            && self.glued(at + 1)
            && let Some(year) = self.numeral(at + 1).and_then(|numeral| numeral.of_digits(2))
        {
            return (!self.is_decade(at + 1)).then_some((self.full_year(year, 2)?, at + 2));
        }
        let numeral = self.numeral(at).filter(|_| !self.is_label(at))?;
        let number = i32::try_from(numeral.plain()?).ok()?;
        let (era, end) = match (era, self.kind(at + 1)) {
            // ศตวรรษที่ 5 ก่อนคริสตกาล is no year.
            (None, Kind::Bce) if self.is_nth(at) => return None,
            (None, Kind::Bce) => return Some((-number, at + 2)),
            (None, Kind::Era(era)) if !self.is_thai() => (Some(era), at + 2),
            _ => (era, at + 1),
        };
        if let Some(era) = era {
            // พ.ศ. 66 is 2566.
            let number = match (era, numeral.digits) {
                (_, 2) if era == -BUDDHIST => 2500 + number,
                _ => number,
            };
            return (1..=4).contains(&numeral.digits).then(|| (number + era, end));
        }
        match (numeral.digits, month) {
            // A time, a share or a sum follows a month as well.
            (2, Some(_)) if self.is_thai() => {
                if self.is_unit(end)
                    || self.is_more_than_a_day(end)
                    || matches!(self.kind(end), Kind::Symbol('.' | ',' | '/')) && self.glued(end + 1)
                {
                    return None;
                }
                if month == Some(Form::Spoken) {
                    return Some((2500 - BUDDHIST + number, end));
                }
                Some((self.full_year(numeral.whole, 2)?, end))
            }
            (4, Some(_)) if !matches!(self.kind(end), Kind::Scale(_) | Kind::Percent | Kind::Currency(_)) => {
                Some((self.full_year(numeral.whole, 4)?, end))
            }
            _ => None,
        }
    }

    /// Years alone and in ranges: `พ.ศ. 2566`, `ปี 66`, `2557-2560`, `2566/67`, `in 2008`.
    fn years(&self, at: usize) -> Option<Found> {
        let (first, end) = self.marked_year(at)?;
        let numeral = self.numeral(end.checked_sub(1)?);
        let slash = matches!(self.kind(end), Kind::Symbol('/')) && self.glued(end) && self.glued(end + 1);
        let next = if slash { Some(end + 1) } else { self.range(end) };
        let second = next.and_then(|next| {
            let skip = usize::from(self.is(next, &["ปี"]));
            if let Kind::Era(_) = self.kind(next + skip) {
                return self.year(next + skip, None);
            }
            let (numeral, last) = (
                numeral?,
                self.numeral(next + skip).filter(|_| !self.is_label(next + skip))?,
            );
            let last_number = i32::try_from(last.plain()?).ok()?;
            let first_number = i32::try_from(numeral.whole).ok()?;
            let years = match last.digits {
                // Of the same era as the first.
                4 => last_number - first_number,
                2 if self.glued(next) => last_number - first_number % 100,
                _ => return None,
            };
            let other = self.is_unit(next + skip + 1) && last.digits == 2;
            ((1..200).contains(&years) && !other).then_some((first + years, next + skip + 1))
        });
        Self::pair(
            Date::of_year(first),
            second.map(|(year, end)| (Date::of_year(year), end)),
            end,
        )
    }

    /// A year that an era, a word or its own look marks as one.
    fn marked_year(&self, at: usize) -> Option<(i32, usize)> {
        if let Kind::Era(_) = self.kind(at) {
            return self.year(at, None);
        }
        if let Some(year) = self.year(at, None) {
            return Some(year);
        }
        let numeral = self.numeral(at)?;
        let (number, end) = (numeral.plain()?, at + 1);
        let scaled = matches!(
            self.kind(end),
            Kind::Scale(_) | Kind::Letter(_) | Kind::Percent | Kind::Points(_) | Kind::Currency(_) | Kind::More
        );
        if scaled || at > 0 && matches!(self.kind(at - 1), Kind::Currency(_) | Kind::PerHundred) {
            return None;
        }
        let text = self.before(at);
        let full = self.full_year(number, numeral.digits)?;
        if self.is_thai() {
            const MARKS: &[&str] = &["ปี", "ปีงบประมาณ", "ปีการศึกษา", "ปีการผลิต", "ฤดูกาล", "ปีภาษี", "ศก"];
            let marked = MARKS.iter().any(|mark| text.ends_with(mark));
            return match numeral.digits {
                4 if marked => Some((full, end)),
                // Roads and forms have numbers after an abbreviation: สฎ.2007.
                4 if matches!(number, 1800..2100 | 2440..2600)
                    && !self.is_unit(end)
                    && !(self.glued(at) && text.ends_with('.')) =>
                {
                    Some((full, end))
                }
                2 if marked && !self.is_unit(end) && number >= 10 && !self.counts_years(at) => Some((full, end)),
                _ => None,
            };
        }
        const MARKS: &[&str] = &[
            "in", "since", "until", "till", "during", "by", "from", "year", "early", "late", "mid", "before", "after",
            "season",
        ];
        let marked = at > 0
            && (self.is(at - 1, MARKS)
                || matches!(self.kind(at - 1), Kind::Symbol('-')) && at > 1 && self.is(at - 2, MARKS));
        let next = self.slice(end);
        let counted = !marked
            && (self.is(end, &["people", "men", "women", "children", "per"])
                || next.len() > 3
                    && next.ends_with('s')
                    && next.starts_with(|c: char| c.is_lowercase())
                    && !self.is(end, &["was", "this", "does"]));
        match numeral.digits {
            4 if marked || matches!(number, 1700..2100) && !counted => Some((full, end)),
            _ => None,
        }
    }

    /// Whether a word is in Latin letters, in a text of either language.
    fn is_latin(&self, at: usize) -> bool {
        self.slice(at).is_ascii()
    }

    /// Whether ปี before the number ends a count of years: 3 ปี 12 วัน.
    fn counts_years(&self, at: usize) -> bool {
        at > 1 && matches!(self.kind(at - 2), Kind::Numeral(_) | Kind::Small(_) | Kind::Scale(_))
    }

    /// The date of a year in digits, for pairs such as `2/2566`.
    pub fn year_of(&self, numeral: &Numeral) -> Option<Date> {
        let year = numeral.of_digits(4)?;
        matches!(year, 1900..2100 | 2440..2600)
            .then(|| self.full_year(year, 4))
            .flatten()
            .map(Date::of_year)
    }
}

/// A digit of either writing, as ASCII.
fn digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '๐'..='๙' => char::from_digit(c as u32 - '๐' as u32, 10),
        _ => None,
    }
}
