//! The reader: finds the quantities of a text by trying each kind at each token.
//!
//! The grammar of each kind is an `impl Reader` block in a file of its own: `date`, `year`, `time`, `code`, `fraction`,
//! `ordinal`, and `measure` over `number`. A position `at` is the index of a token.

use super::kind::{Numeral, TokenKind};
use super::token::{self, Token, is_digit};
use super::{Language, Precision, Quantity, Value};
use crate::span::Span;
use crate::thai::lexicon::{CLASSIFIERS, UNITS};

/// A text cut into tokens, read in one language.
pub struct Reader<'a> {
    text: &'a str,
    pub tokens: Vec<Token>,
    pub language: Language,
}

/// A quantity that was found at a token.
pub struct Found {
    pub value: Value,
    /// The second value of a range, a score or a ratio.
    pub second: Option<Value>,
    /// The precision that the number's own words express, as in thousands. If it is `Exact`, the reader looks at the words
    /// beside the quantity.
    pub precision: Precision,
    /// The token after the quantity.
    pub end: usize,
}

impl Found {
    /// A single value that ends before the token `end`.
    pub fn new(value: Value, end: usize) -> Self {
        Self::pair(value, None, end)
    }

    /// A value, and the second value of a pair if there is one.
    pub fn pair(value: Value, second: Option<Value>, end: usize) -> Self {
        Self {
            value,
            second,
            precision: Precision::Exact,
            end,
        }
    }
}

impl<'a> Reader<'a> {
    /// Cuts a text into tokens.
    pub fn new(text: &'a str, language: Language) -> Self {
        Self {
            text,
            tokens: token::tokens(text),
            language,
        }
    }

    /// All quantities of the text, in order and without overlap.
    pub fn read(&self) -> Vec<Quantity> {
        let mut quantities = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let found = self
                .date(at)
                .or_else(|| self.time(at))
                .or_else(|| self.code(at))
                .or_else(|| self.fraction(at))
                .or_else(|| self.ordinal(at))
                .or_else(|| self.counted(at));
            let Some(found) = found else {
                at += 1;
                continue;
            };
            let span = Span::new(self.tokens[at].start, self.tokens[found.end - 1].end);
            quantities.push(Quantity {
                span,
                precision: match found.precision {
                    Precision::Exact => self.precision(at, found.end),
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

    /// The kind of a token; a line break beyond the end of the text.
    pub fn kind(&self, at: usize) -> TokenKind {
        self.tokens.get(at).map_or(TokenKind::LineBreak, |token| token.kind)
    }

    /// The text of a token; empty beyond the end of the text.
    pub fn token_text(&self, at: usize) -> &'a str {
        self.tokens
            .get(at)
            .map_or("", |token| &self.text[token.start..token.end])
    }

    /// Whether a token is one of these words, ignoring the case of ASCII letters.
    pub fn is_one_of(&self, at: usize, words: &[&str]) -> bool {
        let text = self.token_text(at);
        words.iter().any(|word| word.eq_ignore_ascii_case(text))
    }

    /// Whether there is no white space between a token and the one before it.
    pub fn is_glued(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is_glued)
    }

    /// The numeral at a token, if it is one.
    pub fn numeral(&self, at: usize) -> Option<Numeral> {
        match self.kind(at) {
            TokenKind::Numeral(numeral) => Some(numeral),
            _ => None,
        }
    }

    /// The text up to a token, without the spaces before it.
    pub fn text_before(&self, at: usize) -> &'a str {
        let start = self.tokens.get(at).map_or(self.text.len(), |token| token.start);
        self.text[..start].trim_end_matches([' ', '\u{a0}'])
    }

    /// The text from the start of a token on.
    pub fn text_from(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| &self.text[token.start..])
    }

    /// Whether the text is read as Thai.
    pub fn is_thai(&self) -> bool {
        self.language == Language::Thai
    }

    /// Whether a Thai unit of measure or classifier begins at a token.
    pub fn is_unit(&self, at: usize) -> bool {
        let text = self.text_from(at);
        // The word must end where a token ends: ตร. (square) is a unit, ตรง (straight) is not.
        let ends = |unit: &str| {
            (at..at + 4)
                .filter_map(|at| self.tokens.get(at))
                .any(|token| token.end == self.tokens[at].start + unit.len())
        };
        self.is_thai()
            && UNITS
                .iter()
                .chain(CLASSIFIERS.iter())
                .any(|unit| text.starts_with(unit) && ends(unit))
    }
}
