//! Text as tokens: numerals, words that the lexicon knows, other words, symbols.

use super::amount::Amount;
use super::lexicon::{self, Kind};
use crate::thai::is_letter;
use icu_segmenter::WordSegmenter;

/// One token; white space lies between tokens.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    pub start: usize,
    pub end: usize,
    /// Whether it follows the token before it without white space.
    pub glued: bool,
    pub kind: Kind,
}

/// A number in digits as it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numeral {
    pub amount: Amount,
    /// The digits before the decimal point: their value and how many they are.
    pub whole: u64,
    pub digits: u8,
    /// The same of the digits after the point.
    pub tail: Option<(u64, u8)>,
    /// Whether commas group the thousands.
    pub grouped: bool,
}

impl Numeral {
    /// The number, if it has nothing but digits.
    pub fn plain(&self) -> Option<u64> {
        (self.tail.is_none() && !self.grouped).then_some(self.whole)
    }

    /// A number of exactly so many digits and nothing else.
    pub fn of_digits(&self, digits: u8) -> Option<u64> {
        self.plain().filter(|_| self.digits == digits)
    }
}

/// The digits before the point, and those after it, that an amount may have at most.
const MOST_DIGITS: (usize, usize) = (18, 12);

pub fn tokens(text: &str) -> Vec<Token> {
    let mut boundaries: Vec<usize> = WordSegmenter::new_dictionary(Default::default())
        .segment_str(text)
        .chain(lexicon::certain(text))
        .collect();
    boundaries.sort_unstable();
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    let mut glued = false;
    while let Some(c) = text[at..].chars().next() {
        let start = at;
        if c.is_whitespace() && c != '\n' || is_invisible(c) {
            at += c.len_utf8();
            glued &= is_invisible(c);
            continue;
        }
        let mut push = |kind, end| {
            tokens.push(Token {
                start: at,
                end,
                glued,
                kind,
            });
            (at, glued) = (end, true);
        };
        if is_digit(c) {
            let (kind, end) = numeral(text, start);
            push(kind, end);
        } else if is_letter(c) {
            let word_end = boundaries[boundaries.partition_point(|&boundary| boundary <= start)..]
                .first()
                .copied()
                .unwrap_or(text.len());
            let entries = entries(text, start, &boundaries);
            if entries.is_empty() {
                // Not past the Thai letters: the next may be digits.
                let thai = text[start..word_end].find(|c| !is_letter(c));
                push(Kind::Word, thai.map_or(word_end, |len| start + len));
            }
            for (kind, end) in entries {
                push(kind, end);
            }
        } else if c.is_alphabetic() {
            let end = latin_end(text, start);
            push(lexicon::latin(&text[start..end]), end);
        } else {
            let kind = match lexicon::currency(c) {
                Some(code) => Kind::Currency(code),
                None if c == '%' || c == '٪' || c == '％' => Kind::Percent,
                None if c == '\n' => Kind::Break,
                None => Kind::Symbol(c),
            };
            push(kind, start + c.len_utf8());
        }
    }
    tokens
}

/// The lexicon's entries that lie end to end from here up to a word boundary; none where they do not reach one.
fn entries(text: &str, start: usize, boundaries: &[usize]) -> Vec<(Kind, usize)> {
    /// Entries within one word of the segmenter's.
    const MOST: usize = 8;
    let mut found = Vec::new();
    let mut at = start;
    while found.len() < MOST {
        let Some((kind, end)) = lexicon::thai(text, at) else {
            return Vec::new();
        };
        found.push((kind, end));
        let next = text[end..].chars().next();
        let open = next.is_some_and(is_sign);
        // An abbreviation's dot is a boundary of its own.
        if !open
            && (boundaries.binary_search(&end).is_ok() || text[..end].ends_with('.') || !next.is_some_and(is_letter))
        {
            return found;
        }
        at = end;
    }
    Vec::new()
}

/// Vowels and marks, which cannot open a word.
fn is_sign(c: char) -> bool {
    matches!(c, '\u{e30}'..='\u{e3a}' | '\u{e45}' | '\u{e47}'..='\u{e4e}')
}

/// Characters without width, which may stand inside a number's words.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

pub fn is_digit(c: char) -> bool {
    matches!(c, '0'..='9' | '๐'..='๙')
}

fn value(c: char) -> u64 {
    match c {
        '๐'..='๙' => u64::from(c as u32 - '๐' as u32),
        _ => u64::from(c.to_digit(10).unwrap_or(0)),
    }
}

/// Digits with what groups and divides them. Two points or more make a code of it.
fn numeral(text: &str, start: usize) -> (Kind, usize) {
    let run = |at: usize| text[at..].find(|c| !is_digit(c)).map_or(text.len(), |len| at + len);
    let count = |range: std::ops::Range<usize>| text[range].chars().count();
    let mut end = run(start);
    let mut grouped = false;
    while grouped || count(start..end) <= 3 {
        let Some(group) = text[end..].strip_prefix(',').map(|_| end + 1) else {
            break;
        };
        let next = run(group);
        if count(group..next) != 3 {
            break;
        }
        (end, grouped) = (next, true);
    }
    let whole_end = end;
    let mut points = 0;
    let mut tail = end..end;
    while text[end..].starts_with('.') && run(end + 1) > end + 1 {
        points += 1;
        tail = end + 1..run(end + 1);
        end = tail.end;
    }
    let digits = |range: std::ops::Range<usize>| text[range].chars().filter(|&c| c != ',').map(value);
    let (whole, fraction) = (digits(start..whole_end), digits(tail.clone()));
    let (whole_count, tail_count) = (whole.clone().count(), fraction.clone().count());
    if points > 1 || whole_count > MOST_DIGITS.0 || tail_count > MOST_DIGITS.1 {
        return (Kind::Code, end);
    }
    let fold = |digits: &mut dyn Iterator<Item = u64>| digits.fold(0u64, |sum, digit| sum * 10 + digit);
    let (mut whole, mut fraction) = (whole, fraction);
    let (whole, fraction) = (fold(&mut whole), fold(&mut fraction));
    let places = Amount::ratio(fraction.into(), 10u128.pow(tail_count as u32));
    let Some(amount) = places.and_then(|places| Amount::whole(whole).plus(places)) else {
        return (Kind::Code, end);
    };
    let numeral = Numeral {
        amount,
        whole,
        digits: whole_count as u8,
        tail: (points == 1).then_some((fraction, tail_count as u8)),
        grouped,
    };
    (Kind::Numeral(numeral), end)
}

/// The end of a Latin word: letters and marks, the apostrophe of o'clock, the dots of `a.m.`, the dollar of `US$`.
fn latin_end(text: &str, start: usize) -> usize {
    let is_part = |c: char| c.is_alphabetic() && !is_letter(c) || matches!(c, '\u{300}'..='\u{36f}');
    let letters = |at: usize| text[at..].find(|c| !is_part(c)).map_or(text.len(), |len| at + len);
    let mut end = letters(start);
    if text[start..end].eq_ignore_ascii_case("o") {
        for mark in ["'", "’"] {
            let clock = end + mark.len();
            if text[end..].starts_with(mark) && text[clock..].starts_with("clock") {
                return letters(clock);
            }
        }
    }
    let mut last = start;
    while text[last..end].chars().count() == 1 && text[end..].starts_with('.') && letters(end + 1) > end + 1 {
        last = end + 1;
        end = letters(last);
    }
    if last > start && text[end..].starts_with('.') && text[last..end].chars().count() == 1 {
        end += 1;
    }
    let dollar = &text[start..end];
    if text[end..].starts_with('$') && matches!(lexicon::latin(&format!("{dollar}$")), Kind::Currency(_)) {
        end += 1;
    }
    end
}
