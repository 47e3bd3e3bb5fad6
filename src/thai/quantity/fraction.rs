//! Reads fractions: halves and quarters, `3/4`, 3 ใน 4, three out of four.

use super::QuantityValue;
use super::amount::Amount;
use super::kind::TokenKind;
use super::lexicon;
use super::measure::MeasureUnit;
use super::number::Number;
use super::reader::{FoundQuantity, QuantityReader};

impl QuantityReader<'_> {
    /// Reads an integer up to 1000 that may be the numerator or denominator of a fraction. Returns the integer and the
    /// index of the token after it.
    fn read_fraction_part(&self, at: usize) -> Option<(u64, usize)> {
        const MAX_FRACTION_PART: u64 = 1000;
        let number = self.read_number(at)?;
        let whole = number.amount.to_integer().filter(|&whole| whole <= MAX_FRACTION_PART)?;
        Some((whole, number.end))
    }

    /// Reads a fraction that starts at token `at`: ครึ่ง, 3/4, 3 ใน 4, เศษ 3 ส่วน 4, three quarters, three out of four.
    pub fn read_fraction(&self, at: usize) -> Option<FoundQuantity> {
        match self.token_kind(at) {
            TokenKind::Half => return self.read_half(at),
            TokenKind::Symbol(c) => {
                let (part, whole) = lexicon::fraction_of_symbol(c)?;
                return Some(FoundQuantity::new(QuantityValue::Fraction(part, whole), at + 1));
            }
            TokenKind::AndMore if self.is_one_of(at, &["เศษ"]) => {
                let (part, end) = self
                    .read_fraction_part(at + 1)
                    .filter(|&(_, end)| self.is_one_of(end, &["ส่วน"]))?;
                let (whole, end) = self.read_fraction_part(end + 1)?;
                return Some(FoundQuantity::new(QuantityValue::Fraction(part, whole), end));
            }
            // One and a half after a noun: a year and a half.
            _ if self.is_one_of(at, &["a", "an"])
                && !matches!(self.token_kind(at + 1), TokenKind::Scale(_))
                && self.skip_and_a_half(at + 2).is_some() =>
            {
                let end = self.skip_and_a_half(at + 2)?;
                return Some(FoundQuantity::new(QuantityValue::Number(Amount::ONE_AND_HALF), end));
            }
            _ if self.is_one_of(at, &["a", "an"]) => {
                let (TokenKind::Denominator(whole) | TokenKind::Ordinal(whole @ 3..)) = self.token_kind(at + 1) else {
                    return None;
                };
                let quarter = matches!(self.token_kind(at + 1), TokenKind::Denominator(_))
                    && !self.is_one_of(at + 2, &["to", "past"]);
                return (quarter || self.is_one_of(at + 2, &["of"]))
                    .then(|| FoundQuantity::new(QuantityValue::Fraction(1, whole), at + 2));
            }
            _ => {}
        }
        if let Some(found) = self.read_slashed_numbers(at) {
            return Some(found);
        }
        let (part, end) = self.read_fraction_part(at)?;
        if self.reads_thai_text() {
            let (share, parted) = (self.is_one_of(end, &["ใน"]), self.is_one_of(end, &["ส่วน"]));
            let (whole, next) = self.read_fraction_part(end + 1).filter(|_| share || parted)?;
            let end = if share && self.is_one_of(next, &["ส่วน"]) {
                next + 1
            } else {
                next
            };
            return (part < whole).then(|| FoundQuantity::new(QuantityValue::Fraction(part, whole), end));
        }
        let hyphen = if matches!(self.token_kind(end), TokenKind::Symbol('-')) {
            end + 1
        } else {
            end
        };
        match self.token_kind(hyphen) {
            TokenKind::Denominator(whole) => {
                return Some(FoundQuantity::new(QuantityValue::Fraction(part, whole), hyphen + 1));
            }
            TokenKind::Ordinal(whole @ 3..) if part == 1 => {
                return Some(FoundQuantity::new(QuantityValue::Fraction(1, whole), hyphen + 1));
            }
            TokenKind::Half if part == 1 => return Some(FoundQuantity::new(QuantityValue::Fraction(1, 2), hyphen + 1)),
            _ => {}
        }
        let next = match () {
            () if self.is_one_of(end, &["in"]) => end + 1,
            () if self.is_one_of(end, &["out"]) && self.is_one_of(end + 1, &["of"]) => end + 2,
            () => return None,
        };
        let next = if self.is_one_of(next, &["every"]) {
            next + 1
        } else {
            next
        };
        let (whole, end) = self.read_fraction_part(next)?;
        (part < whole).then(|| FoundQuantity::new(QuantityValue::Fraction(part, whole), end))
    }

    /// Reads a fraction in digits with a usual denominator, such as `3/4`. Returns numerator, denominator, and the
    /// index of the token after it.
    pub fn read_simple_fraction(&self, at: usize) -> Option<(u64, u64, usize)> {
        let slash = matches!(self.token_kind(at + 1), TokenKind::Symbol('/' | '⁄'))
            && self.is_joined_to_previous(at + 1)
            && self.is_joined_to_previous(at + 2);
        let longer = self.is_joined_to_previous(at + 3) && matches!(self.token_kind(at + 3), TokenKind::Symbol('/'));
        let part = self
            .read_numeral(at)?
            .value_if_only_digits()
            .filter(|_| slash && !longer && !self.is_in_name(at))?;
        let whole = self.read_numeral(at + 2)?.value_if_only_digits()?;
        (part < whole && matches!(whole, 2..=10 | 12 | 16 | 100)).then_some((part, whole, at + 3))
    }

    /// Reads two numbers with a slash between them: a fraction, `3/4`, or a pair, `24/7`, `2/2566`.
    fn read_slashed_numbers(&self, at: usize) -> Option<FoundQuantity> {
        let part = self.read_numeral(at)?.value_if_only_digits()?;
        if let Some((part, whole, end)) = self.read_simple_fraction(at) {
            return Some(FoundQuantity::new(QuantityValue::Fraction(part, whole), end));
        }
        let slash = matches!(self.token_kind(at + 1), TokenKind::Symbol('/' | '⁄'))
            && self.is_joined_to_previous(at + 1)
            && self.is_joined_to_previous(at + 2);
        let below = self.read_numeral(at + 2).filter(|_| slash && !self.is_in_name(at))?;
        let whole = below.value_if_only_digits()?;
        if self.is_joined_to_previous(at + 3) && matches!(self.token_kind(at + 3), TokenKind::Symbol('/')) {
            return None;
        }
        let value = if self.is_thai_ordinal(at) {
            QuantityValue::Ordinal(part)
        } else {
            QuantityValue::Number(Amount::from_integer(part))
        };
        let to = match self.year_in_slashed_pair(&below) {
            Some(date) if below.digits == 4 => QuantityValue::Date(date),
            _ => QuantityValue::Number(Amount::from_integer(whole)),
        };
        Some(FoundQuantity::from_values(value, Some(to), at + 3))
    }

    /// Reads the word half or ครึ่ง at token `at`, if it means a half of something and is not part of half-time, the
    /// second half or half past.
    fn read_half(&self, at: usize) -> Option<FoundQuantity> {
        let scale_at = if self.is_one_of(at + 1, &["a"]) { at + 2 } else { at + 1 };
        if let TokenKind::Scale(scale) = self.token_kind(scale_at) {
            let amount = Amount::from_integer(scale).checked_mul(Amount::HALF)?;
            return match self.read_unit(scale_at + 1, &Number::without_scale_words(amount, scale_at + 1)) {
                (Some(MeasureUnit::Money(code)), end) => {
                    Some(FoundQuantity::new(QuantityValue::Money(amount, code), end))
                }
                _ => Some(FoundQuantity::new(QuantityValue::Number(amount), scale_at + 1)),
            };
        }
        if self.reads_thai_text() {
            let next = self.token_text(at + 1);
            let twice = self.is_joined_to_previous(at + 1) && next.starts_with(['ๆ', 'ฯ']);
            return (!twice).then(|| FoundQuantity::new(QuantityValue::Fraction(1, 2), at + 1));
        }
        let followed = self.is_one_of(
            at + 1,
            &[
                "of", "a", "an", "the", "its", "their", "his", "her", "our", "that", "this", "all",
            ],
        );
        let preceded = at > 0
            && self.is_one_of(
                at - 1,
                &["by", "than", "in", "nearly", "almost", "about", "over", "other"],
            );
        let named = at > 0 && matches!(self.token_kind(at - 1), TokenKind::Ordinal(_))
            || matches!(self.token_kind(at + 1), TokenKind::Symbol('-'));
        (!named && (followed || preceded)).then(|| FoundQuantity::new(QuantityValue::Fraction(1, 2), at + 1))
    }
}
