//! Reads years, alone and in ranges, and decades.

use super::kind::{BUDDHIST_ERA_OFFSET_YEARS, MonthForm, Numeral, TokenKind};
use super::reader::{FoundQuantity, QuantityReader};
use super::{Date, Language, QuantityValue};

impl QuantityReader<'_> {
    /// Returns the year of the common era that a number of two or four digits stands for if no era is named beside it.
    /// `digits` is the number of digits.
    pub fn year_from_digits(&self, year: u64, digits: u8) -> Option<i32> {
        let number = i32::try_from(year).ok()?;
        let common = match (self.language, digits) {
            (Language::Thai, 4) if (2200..2700).contains(&number) => number - BUDDHIST_ERA_OFFSET_YEARS,
            (_, 4) if (1000..2700).contains(&number) => number,
            (Language::Thai, 2) if number > 30 => 2500 - BUDDHIST_ERA_OFFSET_YEARS + number,
            (Language::English, 2) if number > 30 => 1900 + number,
            (_, 2) => 2000 + number,
            _ => return None,
        };
        Some(common)
    }

    /// Whether an English s right after the numeral at token `at` makes it a decade: `1990s`, `90's`.
    pub fn is_decade(&self, at: usize) -> bool {
        !self.reads_thai_text() && self.read_numeral(at).is_some() && {
            let apostrophe = usize::from(matches!(self.token_kind(at + 1), TokenKind::Symbol('\'' | '’')));
            (1..=1 + apostrophe).all(|next| self.is_joined_to_previous(at + next))
                && self.token_text(at + 1 + apostrophe) == "s"
        }
    }

    /// Reads a decade that starts at token `at`: `1990s`, `'90s`, the nineties, ทศวรรษ 1990, ยุค 90.
    pub fn read_decade(&self, at: usize) -> Option<FoundQuantity> {
        if let TokenKind::Decade(year) = self.token_kind(at) {
            return Some(FoundQuantity::new(QuantityValue::Decade(year), at + 1));
        }
        let numeral = self.read_numeral(at)?;
        let year = numeral.value_if_only_digits().filter(|year| year % 10 == 0)?;
        if !matches!(numeral.digits, 2 | 4) {
            return None;
        }
        let end = if self.is_decade(at) {
            if self.token_text(at + 1) == "s" { at + 2 } else { at + 3 }
        } else {
            let text = self.text_before(at);
            let named = ["ทศวรรษ", "ทศวรรษที่", "ยุค", "ยุคปี", "ช่วงปี"]
                .iter()
                .any(|word| text.ends_with(word));
            // ช่วงปี 1990 is a year, ช่วงปี 90 is a decade.
            if !named || text.ends_with("ปี") && numeral.digits == 4 {
                return None;
            }
            at + 1
        };
        let first = if numeral.digits == 4 {
            self.year_from_digits(year, 4)?
        } else {
            i32::try_from(year).ok()?
        };
        Some(FoundQuantity::new(QuantityValue::Decade(first), end))
    }

    /// Reads a year that an era, an apostrophe or a month marks as one; `month` is how the month before it is written,
    /// if there is one. After a Thai month, two digits are enough. Returns the year of the common era and the index of
    /// the token after it.
    pub fn read_year(&self, at: usize, month: Option<MonthForm>) -> Option<(i32, usize)> {
        let at = if self.reads_thai_text() && self.is_one_of(at, &["ปี"]) && month.is_some() {
            at + 1
        } else {
            at
        };
        let (era, at) = match self.token_kind(at) {
            TokenKind::Era(era) => (Some(era), at + 1),
            _ => (None, at),
        };
        if !self.reads_thai_text()
            && matches!(self.token_kind(at), TokenKind::Symbol('\'' | '’' | '‘'))
            && self.is_joined_to_previous(at + 1)
            && !(at > 0 && self.is_joined_to_previous(at) && self.read_numeral(at - 1).is_some())
            && let Some(year) = self
                .read_numeral(at + 1)
                .and_then(|numeral| numeral.value_if_digit_count(2))
        {
            return (!self.is_decade(at + 1)).then_some((self.year_from_digits(year, 2)?, at + 2));
        }
        let numeral = self.read_numeral(at).filter(|_| !self.is_in_name(at))?;
        let number = i32::try_from(numeral.value_if_only_digits()?).ok()?;
        let (era, end) = match (era, self.token_kind(at + 1)) {
            // The fifth century BC (ศตวรรษที่ 5 ก่อนคริสตกาล) is a century, not a year.
            (None, TokenKind::Bce) if self.is_thai_ordinal(at) => return None,
            (None, TokenKind::Bce) => return Some((-number, at + 2)),
            // C.S. after a year are mostly somebody's initials.
            (None, TokenKind::Era(era)) if !self.reads_thai_text() && era <= 0 => (Some(era), at + 2),
            _ => (era, at + 1),
        };
        if let Some(era) = era {
            // พ.ศ. 66 means 2566.
            let number = match (era, numeral.digits) {
                (_, 2) if era == -BUDDHIST_ERA_OFFSET_YEARS => 2500 + number,
                _ => number,
            };
            return (1..=4).contains(&numeral.digits).then(|| (number + era, end));
        }
        match (numeral.digits, month) {
            // Two digits after a month may also be a time, a share or a sum.
            (2, Some(_)) if self.reads_thai_text() => {
                if self.is_unit(end)
                    || self.is_other_quantity(end)
                    || matches!(self.token_kind(end), TokenKind::Symbol('.' | ',' | '/'))
                        && self.is_joined_to_previous(end + 1)
                {
                    return None;
                }
                if month == Some(MonthForm::Spoken) {
                    return Some((2500 - BUDDHIST_ERA_OFFSET_YEARS + number, end));
                }
                Some((self.year_from_digits(numeral.whole, 2)?, end))
            }
            (4, Some(_))
                if !matches!(
                    self.token_kind(end),
                    TokenKind::Scale(_) | TokenKind::Percent | TokenKind::Currency(_)
                ) =>
            {
                Some((self.year_from_digits(numeral.whole, 4)?, end))
            }
            _ => None,
        }
    }

    /// Reads a year or a range of years: `พ.ศ. 2566`, `ปี 66`, `2557-2560`, `2566/67`, `in 2008`.
    pub fn read_years(&self, at: usize) -> Option<FoundQuantity> {
        let (first, end) = self.read_recognised_year(at)?;
        let numeral = self.read_numeral(end.checked_sub(1)?);
        let slash = matches!(self.token_kind(end), TokenKind::Symbol('/'))
            && self.is_joined_to_previous(end)
            && self.is_joined_to_previous(end + 1);
        let next = if slash {
            Some(end + 1)
        } else {
            self.skip_range_word(end)
        };
        let second = next.and_then(|next| {
            let skip = usize::from(self.is_one_of(next, &["ปี"]));
            if let TokenKind::Era(_) = self.token_kind(next + skip) {
                return self.read_year(next + skip, None);
            }
            let (numeral, last) = (
                numeral?,
                self.read_numeral(next + skip)
                    .filter(|_| !self.is_in_name(next + skip))?,
            );
            let last_number = i32::try_from(last.value_if_only_digits()?).ok()?;
            let first_number = i32::try_from(numeral.whole).ok()?;
            let years = match last.digits {
                // The second year is of the same era as the first.
                4 => last_number - first_number,
                2 if self.is_joined_to_previous(next) => last_number - first_number % 100,
                _ => return None,
            };
            let other = self.is_unit(next + skip + 1) && last.digits == 2;
            ((1..200).contains(&years) && !other).then_some((first + years, next + skip + 1))
        });
        Self::date_pair(
            Date::of_year(first),
            second.map(|(year, end)| (Date::of_year(year), end)),
            end,
        )
    }

    /// Reads a year that an era, a word beside it or its own value shows to be one. Returns the year of the common era
    /// and the index of the token after it.
    fn read_recognised_year(&self, at: usize) -> Option<(i32, usize)> {
        if let TokenKind::Era(_) = self.token_kind(at) {
            return self.read_year(at, None);
        }
        if let Some(year) = self.read_year(at, None) {
            return Some(year);
        }
        let numeral = self.read_numeral(at)?;
        let (number, end) = (numeral.value_if_only_digits()?, at + 1);
        let scaled = matches!(
            self.token_kind(end),
            TokenKind::Scale(_)
                | TokenKind::ScaleLetter(_)
                | TokenKind::Percent
                | TokenKind::PercentagePoints(_)
                | TokenKind::Currency(_)
                | TokenKind::AndMore
        );
        if scaled || at > 0 && matches!(self.token_kind(at - 1), TokenKind::Currency(_) | TokenKind::PerHundred) {
            return None;
        }
        let text = self.text_before(at);
        let full = self.year_from_digits(number, numeral.digits)?;
        if self.reads_thai_text() {
            const YEAR_WORDS: &[&str] = &["ปี", "ปีงบประมาณ", "ปีการศึกษา", "ปีการผลิต", "ฤดูกาล", "ปีภาษี", "ศก"];
            let marked = YEAR_WORDS.iter().any(|mark| text.ends_with(mark));
            return match numeral.digits {
                4 if marked => Some((full, end)),
                // After an abbreviation, four digits are the number of a road or a form: สฎ.2007.
                4 if matches!(number, 1800..2100 | 2440..2600)
                    && !self.is_unit(end)
                    && !(self.is_joined_to_previous(at) && text.ends_with('.')) =>
                {
                    Some((full, end))
                }
                2 if marked && !self.is_unit(end) && number >= 10 && !self.ends_count_of_years(at) => Some((full, end)),
                _ => None,
            };
        }
        const YEAR_WORDS: &[&str] = &[
            "in", "since", "until", "till", "during", "by", "from", "year", "early", "late", "mid", "before", "after",
            "season",
        ];
        let marked = at > 0
            && (self.is_one_of(at - 1, YEAR_WORDS)
                || matches!(self.token_kind(at - 1), TokenKind::Symbol('-'))
                    && at > 1
                    && self.is_one_of(at - 2, YEAR_WORDS));
        let next = self.token_text(end);
        let counted = !marked
            && (self.is_one_of(end, &["people", "men", "women", "children", "per"])
                || next.len() > 3
                    && next.ends_with('s')
                    && next.starts_with(|c: char| c.is_lowercase())
                    && !self.is_one_of(end, &["was", "this", "does"]));
        match numeral.digits {
            4 if marked || matches!(number, 1700..2100) && !counted => Some((full, end)),
            _ => None,
        }
    }

    /// Whether the word ปี (year) before the number at token `at` ends a count of years: 3 ปี 12 วัน (3 years 12 days).
    fn ends_count_of_years(&self, at: usize) -> bool {
        at > 1
            && matches!(
                self.token_kind(at - 2),
                TokenKind::Numeral(_) | TokenKind::SmallNumber(_) | TokenKind::Scale(_)
            )
    }

    /// Returns the year that four digits stand for in a pair of numbers such as `2/2566`, or `None` if they are
    /// unlikely to be a year.
    pub fn year_in_slashed_pair(&self, numeral: &Numeral) -> Option<Date> {
        let year = numeral.value_if_digit_count(4)?;
        matches!(year, 1900..2100 | 2440..2600)
            .then(|| self.year_from_digits(year, 4))
            .flatten()
            .map(Date::of_year)
    }

    /// Whether the token after a number makes the number an hour, a share or a sum of money, so that it is no day or
    /// year. `end` is that token.
    pub fn is_other_quantity(&self, end: usize) -> bool {
        matches!(
            self.token_kind(end),
            TokenKind::Percent | TokenKind::Scale(_) | TokenKind::TimeWord(_) | TokenKind::Currency(_)
        ) || matches!(self.token_kind(end), TokenKind::Symbol(':')) && self.is_joined_to_previous(end + 1)
    }
}
