//! Reads digits that count nothing: telephone numbers, versions, identity numbers.

use super::QuantityValue;
use super::kind::TokenKind;
use super::reader::{FoundQuantity, QuantityReader};

/// Words that stand before a telephone number, in Thai and English.
const TELEPHONE_WORDS: &[&str] = &[
    "สายด่วน",
    "โทร",
    "โทร.",
    "โทรศัพท์",
    "hotline",
    "Hotline",
    "call",
    "Call",
    "dial",
    "tel",
    "Tel",
    "tel.",
    "Tel.",
    "Call Center",
    "Call Centre",
    "call center",
];

impl QuantityReader<'_> {
    /// Reads a code that starts at token `at`: a telephone number, a version, or groups of digits joined by dashes or
    /// colons.
    pub fn read_code(&self, at: usize) -> Option<FoundQuantity> {
        let digits = |token: usize| -> String {
            let ascii = |c: char| match c {
                '๐'..='๙' => char::from(b'0' + (c as u32 - '๐' as u32) as u8),
                _ => c,
            };
            self.token_text(token)
                .chars()
                .filter(|&c| c != ',')
                .map(ascii)
                .collect()
        };
        let code = |digits: String, end: usize| Some(FoundQuantity::new(QuantityValue::Code(digits), end));
        let numeral = match self.token_kind(at) {
            TokenKind::Code => return code(digits(at), at + 1),
            TokenKind::Numeral(numeral) => numeral,
            _ => return None,
        };
        if at > 0 && self.is_joined_to_previous(at) && self.is_one_of(at - 1, &["v"]) {
            return code(digits(at), at + 1);
        }
        if self.is_in_name(at) {
            return None;
        }
        numeral.value_if_only_digits()?;
        // Groups of digits are joined by dashes or colons, or by spaces if the first begins with the trunk prefix 0.
        const MAX_DIGIT_GROUPS: usize = 8;
        let mut groups = vec![digits(at)];
        let foreign =
            at > 0 && self.is_joined_to_previous(at) && matches!(self.token_kind(at - 1), TokenKind::Symbol('+'));
        let trunk = foreign || groups[0].starts_with('0');
        let mut end = at + 1;
        let sign = self.token_kind(end);
        let mut joined = true;
        while groups.len() < MAX_DIGIT_GROUPS {
            let dash = matches!(sign, TokenKind::Symbol('-' | '–' | ':'))
                && self.token_kind(end) == sign
                && self.is_joined_to_previous(end)
                && self.is_joined_to_previous(end + 1);
            let next = if dash { end + 1 } else { end };
            let group = self
                .read_numeral(next)
                .filter(|group| group.value_if_only_digits().is_some());
            let wide = group.is_some_and(|group| (3..=4).contains(&group.digits) || foreign);
            if group.is_none() || !(dash || trunk && wide && !self.is_joined_to_previous(next)) {
                break;
            }
            joined &= dash;
            groups.push(digits(next));
            end = next + 1;
        }
        let total: usize = groups.iter().map(String::len).sum();
        if trunk && (9..=12).contains(&total) {
            return code(groups.concat(), end);
        }
        if groups.len() > 2 && joined {
            return code(groups.join(if sign == TokenKind::Symbol(':') { ":" } else { "-" }), end);
        }
        let text = self.text_before(at);
        let dialled = (3..=5).contains(&numeral.digits) && TELEPHONE_WORDS.iter().any(|word| text.ends_with(word));
        (dialled || groups[0].starts_with('0') && numeral.digits > 2)
            .then(|| FoundQuantity::new(QuantityValue::Code(digits(at)), at + 1))
    }
}
