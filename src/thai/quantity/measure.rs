//! Reads numbers with their units, and pairs of such numbers: ranges, scores and ratios.

use super::amount::Amount;
use super::kind::TokenKind;
use super::lexicon;
use super::number::Number;
use super::reader::{FoundQuantity, QuantityReader};
use super::{QuantityPrecision, QuantityValue};

/// A unit that gives a number a [`QuantityValue`] variant of its own: per cent, percentage points or money.
#[derive(Clone, Copy, PartialEq)]
pub enum MeasureUnit {
    /// Per cent, hundredths.
    Percent,
    /// Percentage points or parts of them. The number says how many parts make one percentage point: 100 for basis
    /// points.
    PercentagePoints(u64),
    /// A currency, with its ISO 4217 code.
    Money(&'static str),
}

impl QuantityReader<'_> {
    /// Returns the index of the token after a dash or word at token `at` that joins two values, or `None` if there is
    /// none. `first` is the token at which the first value starts.
    fn skip_joining_word(&self, at: usize, first: usize) -> Option<usize> {
        let between = || {
            let text = self.text_before(first);
            ["ระหว่าง", "between", "Between", "ทั้ง"]
                .iter()
                .any(|word| text.ends_with(word))
        };
        match self.token_kind(at) {
            TokenKind::Symbol('-' | '–' | '—' | '−' | '~' | '～') => Some(at + 1),
            _ if self.is_one_of(at, &["ถึง", "จนถึง", "ไปจนถึง", "to", "or", "หรือ"]) => {
                Some(at + 1)
            }
            _ if self.is_one_of(at, &["และ", "กับ", "and"]) && between() => Some(at + 1),
            _ => None,
        }
    }

    /// Reads the unit at token `at`, right after `number`. Returns the unit and the index of the token after it, or
    /// `None` and the index of the token after the number.
    pub fn read_unit(&self, at: usize, number: &Number) -> (Option<MeasureUnit>, usize) {
        let named = |at: usize| self.token_text(at).starts_with(char::is_alphabetic);
        let at = if matches!(self.token_kind(at), TokenKind::Symbol('-'))
            && named(at + 1)
            && matches!(self.token_kind(at + 1), TokenKind::Percent | TokenKind::Currency(_))
        {
            at + 1
        } else {
            at
        };
        let point = |at: usize| self.is_one_of(at, &["point", "points"]);
        match self.token_kind(at) {
            TokenKind::Percent if point(at + 1) => (Some(MeasureUnit::PercentagePoints(1)), at + 2),
            TokenKind::Percent => (Some(MeasureUnit::Percent), at + 1),
            TokenKind::PercentagePoints(part) => (Some(MeasureUnit::PercentagePoints(part)), at + 1),
            // After a small number, won is the verb.
            TokenKind::Currency("KRW") if self.is_one_of(at, &["won"]) && number.amount < Amount::from_integer(100) => {
                (None, number.end)
            }
            TokenKind::Currency(code) => (Some(MeasureUnit::Money(code)), at + 1),
            _ if number.precision == QuantityPrecision::Several && self.is_one_of(at, &["of"]) => {
                match self.token_kind(at + 1) {
                    TokenKind::Currency(code) => (Some(MeasureUnit::Money(code)), at + 2),
                    _ => (None, number.end),
                }
            }
            _ if self.is_one_of(at, &["per"]) && self.is_one_of(at + 1, &["cent"]) => {
                (Some(MeasureUnit::Percent), at + 2)
            }
            _ if self.is_one_of(at, &["percentage"]) && point(at + 1) => {
                (Some(MeasureUnit::PercentagePoints(1)), at + 2)
            }
            _ if self.is_one_of(at, &["basis"]) && point(at + 1) => (Some(MeasureUnit::PercentagePoints(100)), at + 2),
            _ => (1..=2)
                .find_map(|words| {
                    let TokenKind::Currency(code) = self.token_kind(at + words) else {
                        return None;
                    };
                    let named =
                        (at..at + words).all(|at| self.token_text(at).starts_with(|c: char| c.is_ascii_uppercase()));
                    let code = match lexicon::dollar_of_country(self.token_text(at + words - 1)) {
                        Some(other) if code == "USD" => other,
                        _ => code,
                    };
                    named.then_some((Some(MeasureUnit::Money(code)), at + words + 1))
                })
                .unwrap_or((None, number.end)),
        }
    }

    /// Reads a number with the unit before or after it, if there is one. Returns the number, the unit, whether the unit
    /// stands before the number, and the index of the token after both.
    fn read_number_with_unit(&self, at: usize) -> Option<(Number, Option<MeasureUnit>, bool, usize)> {
        let (prefix, start) = match self.token_kind(at) {
            TokenKind::PerHundred => (Some(MeasureUnit::Percent), at + 1),
            // A currency symbol or code stands before its number, a word after it.
            TokenKind::Currency(code)
                if self.read_numeral(at + 1).is_some()
                    && self
                        .token_text(at)
                        .starts_with(|c: char| !c.is_alphabetic() || c.is_uppercase()) =>
            {
                (Some(MeasureUnit::Money(code)), at + 1)
            }
            _ => (None, at),
        };
        let number = self.read_number(start)?;
        let (suffix, end) = self.read_unit(number.end, &number);
        Some(match (prefix, suffix) {
            (Some(MeasureUnit::Percent), _) => (number, prefix, true, number.end),
            (Some(_), Some(MeasureUnit::Money(_)) | None) => (number, prefix, true, end),
            _ => (number, suffix, false, end),
        })
    }

    /// Reads a number with or without a unit, or a pair of such numbers, that starts at token `at`.
    pub fn read_counted_quantity(&self, at: usize) -> Option<FoundQuantity> {
        let (mut first, mut unit, prefixed, mut end) = self.read_number_with_unit(at)?;
        let mut second = None;
        // สองสาม (two three) means two or three.
        let next = match self.skip_joining_word(end, at) {
            None if self.is_consecutive_digit(&first, end) => Some(end),
            joined => joined,
        };
        if let Some(next) = next
            && (unit.is_none() || prefixed || next > end)
            && let Some((other, other_unit, _, other_end)) = self.read_number_with_unit(next)
            && (unit == other_unit || unit.is_none() || prefixed && other_unit.is_none())
            && !(other.is_bare && other_unit.is_none())
            && self.read_date(next).is_none()
            && self.read_time(next).is_none()
        {
            if first.scale.is_none()
                && let Some(scale) = other.scale
                && first.amount <= other.factor
            {
                first.amount = first.amount.checked_mul(scale)?;
            }
            unit = unit.or(other_unit);
            second = Some(other.amount);
            end = other_end;
        }
        if second.is_none()
            && let Some((colon, ratio)) = self.read_ratio(at, &first, unit)
        {
            (second, end) = (Some(ratio), colon);
        }
        let value = |amount: Amount| {
            Some(match unit {
                None => QuantityValue::Number(amount),
                Some(MeasureUnit::Percent) => QuantityValue::Percent(amount),
                Some(MeasureUnit::PercentagePoints(part)) => {
                    QuantityValue::PercentagePoints(amount.checked_mul(Amount::from_ratio(1, part.into())?)?)
                }
                Some(MeasureUnit::Money(code)) => QuantityValue::Money(amount, code),
            })
        };
        if first.is_bare && unit.is_none() && second.is_none() && !self.is_number_in_context(at, end) {
            return None;
        }
        let mut found = FoundQuantity::new(value(first.amount)?, end);
        found.second = match second {
            Some(amount) => Some(value(amount)?),
            None => None,
        };
        found.precision = first.precision;
        if let (QuantityValue::Number(_), None, None) = (&found.value, &found.second, first.scale)
            && let Some(number) = first.amount.to_integer()
            && self.is_thai_ordinal(at)
        {
            found.value = QuantityValue::Ordinal(number);
        }
        Some(found)
    }

    /// Whether a Thai digit in words is followed by the next higher digit, as in สองสาม (two or three). `next` is the
    /// token after the first digit.
    fn is_consecutive_digit(&self, first: &Number, next: usize) -> bool {
        match (first.amount.to_integer(), self.token_kind(next)) {
            (Some(first), TokenKind::SmallNumber(second)) => {
                self.reads_thai_text() && self.is_joined_to_previous(next) && first < 9 && first + 1 == second
            }
            _ => false,
        }
    }

    /// Reads the rest of a ratio or score such as `1 : 100`, `2:1` or `3 ต่อ 2`, whose first number is `first`. Returns
    /// the index of the token after the second number, and that number.
    fn read_ratio(&self, at: usize, first: &Number, unit: Option<MeasureUnit>) -> Option<(usize, Amount)> {
        let colon = first.end;
        let joins = matches!(self.token_kind(colon), TokenKind::Symbol(':')) || self.is_one_of(colon, &["ต่อ"]);
        if unit.is_some() || !joins || self.read_numeral(at).is_none() || self.read_numeral(colon + 1).is_none() {
            return None;
        }
        let second = self.read_number(colon + 1)?;
        let plain = self.read_unit(second.end, &second).0.is_none() && !self.is_unit(second.end);
        plain.then_some((second.end, second.amount))
    }

    /// Whether the words around a scale word or the word one show that it is a number: a unit after it, or a word such
    /// as about beside it.
    fn is_number_in_context(&self, at: usize, end: usize) -> bool {
        if self.reads_thai_text() {
            return self.is_unit(end)
                || self.token_kind(at) == TokenKind::SmallNumber(1) && self.is_thai_ordinal(at)
                || self.precision_from_context(at, end) != QuantityPrecision::Exact;
        }
        const UNITS_AFTER_NUMBER_WORD: &[&str] = &[
            "year",
            "month",
            "week",
            "hour",
            "minute",
            "person",
            "people",
            "kilometre",
            "kilometer",
            "metre",
            "meter",
            "mile",
            "kilogram",
            "kilo",
            "tonne",
            "ton",
            "litre",
            "liter",
            "degree",
            "point",
            "goal",
            "vote",
            "seat",
            "child",
            "death",
            "case",
            "km",
            "kg",
        ];
        self.is_one_of(end, UNITS_AFTER_NUMBER_WORD)
            || matches!(self.token_kind(end), TokenKind::Symbol('-'))
                && self.is_one_of(end + 1, UNITS_AFTER_NUMBER_WORD)
    }
}
