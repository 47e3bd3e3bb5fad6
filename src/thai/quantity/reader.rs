//! The reader of quantities: finds the quantities of a text by trying each kind (date, time, money and so on) at each
//! token.
//!
//! The grammar of each kind is an `impl QuantityReader` block in a file of its own: `date`, `year`, `time`, `code`, `fraction`,
//! `ordinal`, and `measure` with `number`. A parameter `at` is always the index of a token in `QuantityReader::tokens`.

use super::kind::{Numeral, TokenKind};
use super::token::{self, QuantityToken, is_digit};
use super::{Language, Quantity, QuantityPrecision, QuantityValue};
use crate::span::Span;
use crate::thai::lexicon::{CLASSIFIER_WORDS, UNIT_WORDS};

/// Reads the quantities of a text: holds the text cut into tokens, and the language in which it is read.
pub struct QuantityReader<'a> {
    text: &'a str,
    pub tokens: Vec<QuantityToken>,
    pub language: Language,
}

/// A quantity that one of the grammars has read from a token on, without its span and without regard to the words
/// beside it.
pub struct FoundQuantity {
    pub value: QuantityValue,
    /// Second value of a range, a score or a ratio; `None` for a single value.
    pub second: Option<QuantityValue>,
    /// How exact the number's own words, such as thousands, say that it is. If it is `Exact`, the reader also looks at
    /// the words beside the quantity.
    pub precision: QuantityPrecision,
    /// Index of the token after the quantity.
    pub end: usize,
}

impl FoundQuantity {
    /// Makes a quantity of a single value that ends before token `end`.
    pub fn new(value: QuantityValue, end: usize) -> Self {
        Self::from_values(value, None, end)
    }

    /// Makes a quantity of one value, or of two values such as those of a range, that ends before token `end`.
    pub fn from_values(value: QuantityValue, second: Option<QuantityValue>, end: usize) -> Self {
        Self {
            value,
            second,
            precision: QuantityPrecision::Exact,
            end,
        }
    }
}

impl<'a> QuantityReader<'a> {
    /// Cuts a text into tokens, to be read in the given language.
    pub fn new(text: &'a str, language: Language) -> Self {
        Self {
            text,
            tokens: token::cut_into_tokens(text),
            language,
        }
    }

    /// Finds all quantities of the text, in the order of the text and without overlap.
    pub fn read_all_quantities(&self) -> Vec<Quantity> {
        let mut quantities = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let found = self
                .read_date(at)
                .or_else(|| self.read_time(at))
                .or_else(|| self.read_code(at))
                .or_else(|| self.read_fraction(at))
                .or_else(|| self.read_ordinal(at))
                .or_else(|| self.read_counted_quantity(at));
            let Some(found) = found else {
                at += 1;
                continue;
            };
            let span = Span::new(self.tokens[at].start, self.tokens[found.end - 1].end);
            quantities.push(Quantity {
                span,
                precision: match found.precision {
                    QuantityPrecision::Exact => self.precision_from_context(at, found.end),
                    precision => precision,
                },
                value: found.value,
                second: found.second,
                has_digits: span.of(self.text).contains(is_digit),
            });
            at = found.end;
        }
        quantities
    }

    /// Returns the kind of the token at `at`, or `LineBreak` beyond the end of the text.
    pub fn token_kind(&self, at: usize) -> TokenKind {
        self.tokens.get(at).map_or(TokenKind::LineBreak, |token| token.kind)
    }

    /// Returns the text of the token at `at`, or an empty text beyond the end of the text.
    pub fn token_text(&self, at: usize) -> &'a str {
        self.tokens
            .get(at)
            .map_or("", |token| &self.text[token.start..token.end])
    }

    /// Whether the token at `at` is one of `words`, ignoring the case of ASCII letters.
    pub fn is_one_of(&self, at: usize, words: &[&str]) -> bool {
        let text = self.token_text(at);
        words.iter().any(|word| word.eq_ignore_ascii_case(text))
    }

    /// Whether there is no white space between the token at `at` and the one before it.
    pub fn is_joined_to_previous(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is_glued)
    }

    /// Returns the numeral (number in digits) at token `at`, or `None` if the token is none.
    pub fn read_numeral(&self, at: usize) -> Option<Numeral> {
        match self.token_kind(at) {
            TokenKind::Numeral(numeral) => Some(numeral),
            _ => None,
        }
    }

    /// Returns the text from its start up to token `at`, without the spaces before that token.
    pub fn text_before(&self, at: usize) -> &'a str {
        let start = self.tokens.get(at).map_or(self.text.len(), |token| token.start);
        self.text[..start].trim_end_matches([' ', '\u{a0}'])
    }

    /// Returns the text from the start of token `at` to the end of the text.
    pub fn text_from(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| &self.text[token.start..])
    }

    /// Whether the text is read as Thai.
    pub fn reads_thai_text(&self) -> bool {
        self.language == Language::Thai
    }

    /// Whether a Thai unit of measure or classifier starts at token `at`.
    pub fn is_unit(&self, at: usize) -> bool {
        let text = self.text_from(at);
        // The word must end where a token ends: ตร. (square) is a unit, ตรง (straight) is not.
        let ends = |unit: &str| {
            (at..at + 4)
                .filter_map(|at| self.tokens.get(at))
                .any(|token| token.end == self.tokens[at].start + unit.len())
        };
        self.reads_thai_text()
            && UNIT_WORDS
                .iter()
                .chain(CLASSIFIER_WORDS.iter())
                .any(|unit| text.starts_with(unit) && ends(unit))
    }
}
