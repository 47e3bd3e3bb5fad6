//! The words beside a number: those that say how exact it is (about, more than), and names that it is a part of.

use super::QuantityPrecision;
use super::kind::TokenKind;
use super::reader::QuantityReader;
use crate::thai::is_letter;

/// Words before a number, separated by `|`, and the precision that they give the number; the longest word that matches
/// counts. งบประมาณ (budget) is listed because it ends like ประมาณ (about).
const PRECISION_WORDS_BEFORE: &[(QuantityPrecision, &str)] = &[
    (QuantityPrecision::Exact, "งบประมาณ"),
    (
        QuantityPrecision::About,
        "ประมาณ|ราว|ราวๆ|ราว ๆ|คร่าวๆ|เฉลี่ย|ใกล้เคียง|about|around|approximately|roughly|some|circa|approx.|an estimated",
    ),
    (
        QuantityPrecision::Over,
        "กว่า|มากกว่า|สูงกว่า|นานกว่า|เกิน|เกินกว่า|ไม่น้อยกว่า|ไม่ต่ำกว่า|อย่างน้อย|ทะลุ|over|more than|at least|above|exceeding|no less than|no fewer than|not less than",
    ),
    (
        QuantityPrecision::Under,
        "เกือบ|เกือบถึง|น้อยกว่า|ต่ำกว่า|ไม่เกิน|ไม่เกินกว่า|ไม่ถึง|ไม่มากกว่า|สูงสุด|มากสุด|อย่างมาก|nearly|almost|less than|fewer than|under|below|up to|no more than|not more than|at most|close to",
    ),
];

/// Words after a number, separated by `|`, and the precision that they give the number.
const PRECISION_WORDS_AFTER: &[(QuantityPrecision, &str)] = &[
    (QuantityPrecision::Over, "กว่า|เศษ|ขึ้นไป|+|-odd|or more|-plus"),
    (QuantityPrecision::About, "โดยประมาณ|or so"),
    (QuantityPrecision::Under, "ลงมา|or less|or fewer"),
];

/// Words that form a name with the number after them, with or without a dash: COVID-19.
const WORDS_WITH_NUMBER_IN_NAME: &[&str] = &["โควิด", "covid"];

/// Latin letters that are a unit or an ordinal ending when they stand right after digits, in addition to the units in
/// the lexicon.
const UNITS_AFTER_DIGITS: &[&str] = &[
    "m", "km", "cm", "mm", "kg", "g", "mg", "l", "ml", "ha", "ft", "mi", "lb", "lbs", "oz", "kph", "mph", "kW", "kWh",
    "MW", "GW", "W", "V", "Hz", "kHz", "MHz", "GHz", "kB", "KB", "MB", "GB", "TB", "Mbps", "Gbps", "hr", "hrs", "h",
    "min", "s", "sec", "yr", "yrs", "x", "th", "st", "nd", "rd", "ml",
];

impl QuantityReader<'_> {
    /// Returns the precision that words beside a quantity give it. The quantity starts at token `start` and ends before
    /// token `end`.
    pub fn precision_from_context(&self, start: usize, end: usize) -> QuantityPrecision {
        // A qualifier must begin where a token begins.
        let text = self.text_before(start);
        let ends_with = |text: &str, word: &str| {
            let Some(from) = text
                .len()
                .checked_sub(word.len())
                .filter(|&from| text.is_char_boundary(from))
            else {
                return false;
            };
            text[from..].eq_ignore_ascii_case(word)
                && (1..=4).any(|back| start.checked_sub(back).is_some_and(|at| self.tokens[at].start == from))
        };
        let before = PRECISION_WORDS_BEFORE
            .iter()
            .flat_map(|(precision, words)| words.split('|').map(move |word| (precision, word)))
            .filter(|(_, word)| ends_with(text, word))
            .max_by_key(|(_, word)| word.len());
        if let Some((precision, _)) = before {
            return *precision;
        }
        let text = self.text_from(end);
        if text.starts_with('+') && self.is_joined_to_previous(end + 1) && self.read_numeral(end + 1).is_some() {
            return QuantityPrecision::Exact;
        }
        PRECISION_WORDS_AFTER
            .iter()
            .find(|(_, words)| words.split('|').any(|word| text.starts_with(word)))
            .map_or(QuantityPrecision::Exact, |(precision, _)| *precision)
    }

    /// Whether the numeral at token `at` is part of a name: `A1`, `39C`, `COVID-19`.
    pub fn is_in_name(&self, at: usize) -> bool {
        let Some(numeral) = self.read_numeral(at) else {
            return false;
        };
        let dash = usize::from(at > 0 && matches!(self.token_kind(at - 1), TokenKind::Symbol('-' | '–')));
        if at > dash && self.is_one_of(at - 1 - dash, WORDS_WITH_NUMBER_IN_NAME) {
            return true;
        }
        let latin = |text: &str| text.ends_with(|c: char| c.is_alphabetic() && !is_letter(c));
        if at > 0 && self.is_joined_to_previous(at) {
            let before = self.token_text(at - 1);
            if latin(before) && !matches!(self.token_kind(at - 1), TokenKind::Currency(_)) {
                return true;
            }
            let joined = matches!(before, "-" | "–") && at > 1 && self.is_joined_to_previous(at - 1);
            if joined
                && matches!(
                    self.token_kind(at - 2),
                    TokenKind::Word | TokenKind::NotQuantity | TokenKind::Currency(_)
                )
                && self.token_text(at - 2).ends_with(char::is_alphanumeric)
                && !self.is_one_of(
                    at - 2,
                    &["mid", "early", "late", "pre", "post", "sub", "under", "over", "non"],
                )
            {
                return true;
            }
        }
        if !self.is_joined_to_previous(at + 1)
            || !latin(&self.token_text(at + 1)[..self.token_text(at + 1).chars().next().map_or(0, char::len_utf8)])
        {
            return false;
        }
        match self.token_kind(at + 1) {
            // `4K` and `5B` are names, `$4K` is not; `5M` and `3.8B` are numbers.
            TokenKind::ScaleLetter(_) => {
                matches!(self.token_text(at + 1), "K" | "B")
                    && numeral.decimals.is_none()
                    && !(at > 0 && matches!(self.token_kind(at - 1), TokenKind::Currency(_)))
            }
            TokenKind::Scale(_)
            | TokenKind::Currency(_)
            | TokenKind::TimeWord(_)
            | TokenKind::Era(_)
            | TokenKind::Bce
            | TokenKind::Percent
            | TokenKind::PercentagePoints(_) => false,
            // Degrees, but `JAS 39C`.
            _ if matches!(self.token_text(at + 1), "C" | "F") => {
                numeral.digits > 3
                    || at > 0
                        && (self.is_joined_to_previous(at) || self.token_text(at - 1).starts_with(char::is_uppercase))
            }
            _ => !UNITS_AFTER_DIGITS.contains(&self.token_text(at + 1)),
        }
    }
}
