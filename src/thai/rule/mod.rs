//! The rules of the sentence splitter that forbid a cut: where a space must not become a sentence boundary, whatever
//! its score.
//!
//! Rules that need only the words around one space are in this file and, as patterns, in `pattern`; `abbreviation`,
//! `name` and `enclosure` look further. A chunk is a run of text without white space, and a gap is the white space
//! between two chunks; see [`Line`].

mod abbreviation;
mod enclosure;
mod name;
mod pattern;
#[cfg(test)]
mod tests;

use super::is_letter;
use super::lexicon::{
    CLASSIFIER_WORDS, CONNECTIVE_WORDS, COUNTING_WORDS, ERA_NAMES, MONTH_ABBREVIATION_LETTERS, MONTH_NAMES,
    NUMBER_LABELS, POWER_OF_TEN_WORDS, SHORT_MONTHS, UNIT_WORDS, WORDS_LIKE_CONNECTIVES,
};
use super::line::Line;
use abbreviation::abbreviation_before_gap;
use serde::Serialize;
use std::collections::HashSet;

/// Why a space cannot be a sentence boundary. Users see the name of the rule in kebab case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoCutRule {
    /// The space stands before ๆ or ฯ, or another sign that cannot start a word.
    Mark,
    /// The space stands before or after punctuation that belongs to the text on the other side.
    Punctuation,
    /// The space stands after a bullet or after the number of a list item.
    Item,
    /// The space is inside a date.
    Date,
    /// The space is inside a time of day.
    Time,
    /// The space is inside a range or a comparison of two numbers.
    Range,
    /// The space stands between a number and its unit, or before a number.
    Number,
    /// The space stands between two parts of an address.
    Address,
    /// The space stands after the dot of an abbreviation.
    Abbreviation,
    /// The space stands between a title and a name, inside a name, or between a name and an apposition to it.
    Name,
    /// The space stands after a word that introduces a phrase or a sentence: a conjunction, a relative pronoun, `เช่น`,
    /// `อย่างไรก็ตาม`.
    Leader,
    /// The space is inside a run of Latin words, or stands before a web or e-mail address.
    Latin,
    /// The space is inside quotation marks. A quotation longer than the longest allowed segment may be cut.
    Quote,
    /// The space stands before a bracket or inside brackets. Brackets with more text than the longest allowed segment
    /// may be cut.
    Bracket,
}

impl NoCutRule {
    /// Whether the rule is soft: in a stretch that would otherwise be longer than the longest allowed segment, a cut
    /// may break it before word boundaries are tried. A strict rule may be broken only if there is no word boundary to
    /// cut at either.
    pub fn is_soft_rule(self) -> bool {
        matches!(
            self,
            NoCutRule::Latin | NoCutRule::Quote | NoCutRule::Bracket | NoCutRule::Abbreviation | NoCutRule::Leader
        )
    }
}

/// Finds for each gap of a line (the white space between two chunks of text) the rule, if any, that forbids a cut
/// there. `max_chars` is the most characters that a segment may have.
pub(super) fn forbidden_cuts(line: &Line, max_chars: usize) -> Vec<Option<NoCutRule>> {
    let markers = list_item_markers(line);
    let mut forbidden: Vec<Option<NoCutRule>> = (0..line.space_count())
        .map(|gap| find_rule_by_neighbouring_words(line, gap, &markers))
        .collect();
    name::forbid_cuts_in_names(line, &mut forbidden);
    enclosure::forbid_cuts_in_enclosures(line, max_chars, &markers, &mut forbidden);
    forbidden
}

/// Whether punctuation before a gap (the white space between two chunks of text) ends a sentence: `!`, `?`, their
/// full-width forms, or a full stop that belongs to no abbreviation.
pub(super) fn ends_sentence(line: &Line, gap: usize) -> bool {
    let left = line.chunk(gap).trim_end_matches(is_closing_sign);
    match left.chars().next_back() {
        Some('!' | '?' | '。' | '！' | '？') => true,
        Some('.') => !left.ends_with("..") && abbreviation_before_gap(line, gap).is_none(),
        _ => false,
    }
}

/// Whether a chunk (run of text without white space) starts with the number of a list item: `2.`, `(3)`, `๔)ข้อ`.
pub(super) fn starts_list_item(chunk: &str) -> bool {
    let (open, rest) = chunk.strip_prefix('(').map_or((false, chunk), |rest| (true, rest));
    let after = rest.trim_start_matches(is_digit);
    let digits = rest[..rest.len() - after.len()].chars().count();
    let closed = if open {
        after.strip_prefix(')')
    } else {
        after.strip_prefix(['.', ')'])
    };
    (1..=2).contains(&digits) && closed.is_some_and(|rest| !rest.starts_with(is_digit))
}

/// Returns the rule that forbids a cut at a gap (the white space between two chunks of text), among the rules that need
/// only the words around it. `markers` says for each chunk whether it is a bullet or the number of a list item.
fn find_rule_by_neighbouring_words(line: &Line, gap: usize, markers: &[bool]) -> Option<NoCutRule> {
    let (left, right) = (line.chunk(gap), line.chunk(gap + 1));
    let (last, first) = (left.chars().next_back()?, right.chars().next()?);
    if markers[gap] {
        return Some(NoCutRule::Item);
    }
    let item = starts_list_item(right);
    if let Some(rule) = pattern::matching_rule(line, gap) {
        return Some(rule);
    }
    if is_digit(last) && is_counting_number(line, gap) {
        return Some(NoCutRule::Number);
    }
    if is_dash(left) || is_dash(right) && !markers[gap + 1] && (is_digit(last) || left.chars().count() < 24) {
        return Some(NoCutRule::Range);
    }
    if last == '.'
        && let Some(rule) = abbreviation::forbid_cut_after_abbreviation(line, gap)
    {
        return Some(rule);
    }
    if ends_sentence(line, gap) || item {
        return None;
    }
    if is_digit(first) {
        return Some(NoCutRule::Number);
    }
    if first == '(' && !markers[gap + 1] {
        return Some(NoCutRule::Bracket);
    }
    if last == ':' {
        return Some(NoCutRule::Punctuation);
    }
    let scaled = POWER_OF_TEN_WORDS
        .iter()
        .any(|scale| line.chunk_ends_with_word(gap, scale))
        || left == "กว่า" && gap > 0 && line.chunk(gap - 1).ends_with(is_digit);
    if scaled && (begins_with_word(line, gap + 1, &UNIT_WORDS) || begins_with_word(line, gap + 1, &CLASSIFIER_WORDS)) {
        return Some(NoCutRule::Number);
    }
    let ends_with_one_of = |words: &[&str]| words.iter().any(|word| left.ends_with(word));
    if ends_with_one_of(CONNECTIVE_WORDS) && !ends_with_one_of(WORDS_LIKE_CONNECTIVES) {
        return Some(NoCutRule::Leader);
    }
    let latin = is_latin(last) && (is_latin(first) || first.is_ascii_digit());
    if latin || last.is_ascii_digit() && is_latin(first) && !is_year_before_gap(line, gap) {
        return Some(NoCutRule::Latin);
    }
    None
}

/// Whether the number before a gap (the white space between two chunks of text) counts what comes after the gap.
fn is_counting_number(line: &Line, gap: usize) -> bool {
    if is_year_before_gap(line, gap) {
        return false;
    }
    let (number, before) = number_before_gap(line, gap);
    let counted = gap > 0
        && number == line.chunk(gap)
        && COUNTING_WORDS
            .iter()
            .any(|word| line.chunk_ends_with_word(gap - 1, word));
    let label = || {
        let quantity = ["อยู่ที่", "ปิดที่", "เปิดที่", "คงที่", "ยืนที่"];
        let plate = before
            .trim_end_matches(is_consonant)
            .trim_end_matches(is_digit)
            .trim_end();
        // A number that is the end of a name: `COVID-19`, `G7`.
        let word = before.strip_suffix('-').unwrap_or(before);
        plate.ends_with("ทะเบียน")
            || word.ends_with(is_latin)
            || word.len() < before.len() && word.ends_with(is_letter)
            || NUMBER_LABELS.iter().any(|label| before.ends_with(label))
                && !quantity.iter().any(|verb| before.ends_with(verb))
    };
    counted
        || begins_with_word(line, gap + 1, &UNIT_WORDS)
        || begins_with_word(line, gap + 1, &CLASSIFIER_WORDS) && !label()
}

/// Whether the number before a gap (the white space between two chunks of text) is a year.
fn is_year_before_gap(line: &Line, gap: usize) -> bool {
    let (number, before) = number_before_gap(line, gap);
    let abbreviated = MONTH_ABBREVIATION_LETTERS.iter().any(|(first, last)| {
        let head = before.strip_suffix('.').unwrap_or(before).strip_suffix(last);
        head.and_then(|head| head.trim_end().strip_suffix('.'))
            .is_some_and(|head| head.ends_with(first))
    });
    let months = || MONTH_NAMES.split_whitespace().chain(SHORT_MONTHS.split_whitespace());
    match number.chars().count() {
        2 => abbreviated || before.ends_with("ปี") && !before.trim_end_matches("ปี").trim_end().ends_with(is_digit),
        4 => {
            abbreviated
                || before.ends_with("ปี")
                || ERA_NAMES.iter().any(|era| before.ends_with(era))
                || months().any(|month| before.ends_with(month))
        }
        _ => false,
    }
}

/// Returns the digits right before a gap (the white space between two chunks of text), and the line's text before these
/// digits.
fn number_before_gap<'a>(line: &Line<'a>, gap: usize) -> (&'a str, &'a str) {
    let left = line.chunk(gap);
    let head = left.trim_end_matches(is_digit);
    let start = line.chunks[gap].start + head.len();
    (&left[head.len()..], line.text[..start].trim_end())
}

/// Whether a chunk (run of text without white space) begins with one of `words`, and a word boundary follows that word.
fn begins_with_word(line: &Line, chunk: usize, words: &HashSet<&str>) -> bool {
    let range = line.chunks[chunk].clone();
    let next = line.word_boundaries.partition_point(|&word| word <= range.start);
    (line.word_boundaries[next..].iter())
        .take(6)
        .take_while(|&&end| end <= range.end)
        .any(|&end| words.contains(&line.text[range.start..end]))
}

/// Finds for each chunk (run of text without white space) of a line whether it marks a list item: a bullet, a number or
/// a letter.
fn list_item_markers(line: &Line) -> Vec<bool> {
    let chunks = || (0..line.chunks.len()).map(|index| line.chunk(index));
    let starts_with_dash = line.chunks.first().is_some_and(|_| is_dash(line.chunk(0)));
    // The numbers of the list items; a list goes from the first number as long as no number is missing.
    let numbers: HashSet<u32> = chunks().filter_map(list_item_number).collect();
    let first = chunks().next().and_then(list_item_number).unwrap_or(1);
    let last = (first..)
        .take_while(|number| numbers.contains(number))
        .last()
        .unwrap_or(0);
    let listed = first < last;
    let letters = chunks().filter(|chunk| is_list_item_letter(chunk)).take(2).count() > 1;
    let before = |index: usize| index.checked_sub(1).map_or("", |before| line.chunk(before));
    chunks()
        .enumerate()
        .map(|(index, chunk)| {
            let opens = index == 0 || before(index).ends_with("ข้อ");
            if is_dash(chunk) {
                index == 0 || starts_with_dash && !before(index).ends_with(is_digit)
            } else if is_list_item_letter(chunk) {
                opens || letters
            } else if let Some(number) = list_item_number(chunk).filter(|_| !chunk.ends_with(is_letter)) {
                opens || listed && (first..=last).contains(&number)
            } else {
                LIST_BULLETS.contains(&chunk.trim_end_matches('\u{fe0f}'))
            }
        })
        .collect()
}

/// Signs that stand as bullets before the items of a list.
const LIST_BULLETS: &[&str] = &[
    "•", "*", "·", "▪", "○", "●", "◦", "■", "►", "▶", "➢", "➡", "✓", "✔", "✅", "☑", "❌", "📌", "📍", "👉", "🔴",
    "🟢", "🔵", "🔹", "🔸", "⭐",
];

/// Returns the number of the list item that starts with a chunk (run of text without white space), or `None` if none
/// starts there.
fn list_item_number(chunk: &str) -> Option<u32> {
    let digits = |c: char| {
        c.to_digit(10)
            .or_else(|| ('๐'..='๙').contains(&c).then(|| c as u32 - '๐' as u32))
    };
    let number = chunk.trim_start_matches('(').chars().map_while(digits);
    starts_list_item(chunk).then(|| number.fold(0, |number, digit| 10 * number + digit))
}

/// Whether a chunk (run of text without white space) is the letter of a list item: `ก)`, `(ข)`, `b)`.
fn is_list_item_letter(chunk: &str) -> bool {
    let mut letter = chunk.strip_prefix('(').unwrap_or(chunk).chars();
    letter.next().is_some_and(|c| is_consonant(c) || c.is_ascii_lowercase()) && letter.as_str() == ")"
}

fn is_dash(chunk: &str) -> bool {
    matches!(chunk, "-" | "–" | "—" | "~" | "−")
}

/// Whether a character is an Arabic or a Thai digit.
pub(super) fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || ('๐'..='๙').contains(&c)
}

fn is_consonant(c: char) -> bool {
    ('ก'..='ฮ').contains(&c)
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}')
}

fn is_closing_sign(c: char) -> bool {
    matches!(c, ')' | ']' | '}' | '”' | '’' | '"' | '»' | '」' | '》')
}
