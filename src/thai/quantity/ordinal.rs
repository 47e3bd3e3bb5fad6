//! Reads ordinals: ครั้งที่ 9, `3rd`, twenty-first, Louis XIV.

use super::QuantityValue;
use super::kind::TokenKind;
use super::reader::{FoundQuantity, QuantityReader};

impl QuantityReader<'_> {
    /// Whether the word ที่ before a number makes the number an ordinal: ครั้งที่ 9 (the ninth time), but not อยู่ที่ 9
    /// (is at 9). `at` is the number's token.
    pub fn is_thai_ordinal(&self, at: usize) -> bool {
        let text = self.text_before(at);
        text.ends_with("ที่")
            && !["อยู่ที่", "ไว้ที่", "คงที่", "ราคาที่", "เพิ่มที่"]
                .iter()
                .any(|word| text.ends_with(word))
    }

    /// Reads an ordinal in English or a Roman numeral that starts at token `at`: `3rd`, third, twenty-first, XIV.
    pub fn read_ordinal(&self, at: usize) -> Option<FoundQuantity> {
        self.read_english_ordinal(at)
            .or_else(|| Some((self.read_roman_numeral(at)?, at + 1)))
            .map(|(number, end)| FoundQuantity::new(QuantityValue::Ordinal(number), end))
    }

    /// Reads a Roman numeral from 2 to 39 after a name, as in Louis XIV. I (one) is left out, since it is also the
    /// pronoun.
    fn read_roman_numeral(&self, at: usize) -> Option<u64> {
        const ROMAN_ONES: [&str; 10] = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"];
        let text = self.token_text(at);
        // World War I and II.
        let name = match at {
            3.. if self.is_one_of(at - 1, &["and", "or"]) && text.len() > 1 => at - 3,
            1.. => at - 1,
            _ => return None,
        };
        let after_name = !self.is_joined_to_previous(at) && self.token_text(name).starts_with(char::is_uppercase);
        let is_joined_to_digits = self.is_joined_to_previous(at + 1) && self.read_numeral(at + 1).is_some();
        if self.reads_thai_text()
            || !after_name
            || is_joined_to_digits
            || text.len() > 7
            || self.token_kind(at) != TokenKind::Word
        {
            return None;
        }
        let ones = text.trim_start_matches('X');
        let tens = text.len() - ones.len();
        let ones = ROMAN_ONES.iter().position(|&numeral| numeral == ones)?;
        u64::try_from(tens * 10 + ones)
            .ok()
            .filter(|&number| (2..40).contains(&number))
    }

    /// Reads an English ordinal (`3rd`, third, twenty-first) that starts at token `at`. Returns its value and the index
    /// of the token after it.
    pub fn read_english_ordinal(&self, at: usize) -> Option<(u64, usize)> {
        if self.reads_thai_text() {
            return None;
        }
        match self.token_kind(at) {
            TokenKind::Numeral(numeral)
                if self.is_joined_to_previous(at + 1) && self.is_one_of(at + 1, &["st", "nd", "rd", "th"]) =>
            {
                Some((numeral.value_if_only_digits()?, at + 2))
            }
            // After a number, per or every, second is the unit of time.
            TokenKind::Ordinal(2)
                if at > 0
                    && (matches!(
                        self.token_kind(at - 1),
                        TokenKind::Numeral(_) | TokenKind::SmallNumber(_)
                    ) || matches!(self.token_kind(at - 1), TokenKind::Symbol('-' | '/'))
                        && self.is_joined_to_previous(at)
                        || self.is_one_of(at - 1, &["per", "every", "each", "split"])) =>
            {
                None
            }
            TokenKind::Ordinal(number) => Some((number, at + 1)),
            TokenKind::SmallNumber(tens @ 20..) => {
                let next = if matches!(self.token_kind(at + 1), TokenKind::Symbol('-')) {
                    at + 2
                } else {
                    at + 1
                };
                match self.token_kind(next) {
                    TokenKind::Ordinal(unit @ 1..10) => Some((tens + unit, next + 1)),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}
