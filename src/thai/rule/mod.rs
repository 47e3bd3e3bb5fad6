//! The rules that no score may break: where a space must not become a sentence boundary, and why.

mod abbreviation;
mod enclosure;
mod name;
mod pattern;
#[cfg(test)]
mod tests;

use super::is_letter;
use super::lexicon::{
    CLASSIFIERS, COUNTING, ERAS, LABELS, LEADERS, MEASURES, MONTH_LETTERS, MONTHS, NOT_LEADERS, SCALES, SHORT_MONTHS,
};
use super::line::Line;
use abbreviation::abbreviation;
use serde::Serialize;
use std::collections::HashSet;

/// Why a place is no boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Before ๆ or ฯ.
    Mark,
    /// Next to punctuation that belongs to what stands on its other side.
    Punctuation,
    /// After a bullet or an item's number.
    Item,
    /// Inside a date.
    Date,
    /// Inside a time of day.
    Time,
    /// Inside a range or a comparison of two numbers.
    Range,
    /// Between a number and its unit, or before a number.
    Number,
    /// Between the parts of an address.
    Address,
    /// After an abbreviation's dot.
    Abbreviation,
    /// Between a title and a name, inside a name, or between a name and what the person is.
    Name,
    /// After a word that leads a phrase or a sentence in: a conjunction, a relative pronoun, `เช่น`, `อย่างไรก็ตาม`.
    Leader,
    /// Inside a run of Latin words, or before an address of the net.
    Latin,
    /// Inside quotation marks that fit the cap.
    Quote,
    /// Before a bracket, or inside brackets that fit the cap.
    Bracket,
}

impl Rule {
    /// Whether the rule yields where a stretch without any other space would exceed the cap. The others yield only
    /// where not even a word boundary is left.
    pub fn is_soft(self) -> bool {
        matches!(
            self,
            Rule::Latin | Rule::Quote | Rule::Bracket | Rule::Abbreviation | Rule::Leader
        )
    }
}

/// The rule that bars each gap of a line from being a boundary, if one does. `cap` is in characters.
pub(super) fn bars(line: &Line, cap: usize) -> Vec<Option<Rule>> {
    let leads = leads(line);
    let mut bars: Vec<Option<Rule>> = (0..line.gaps()).map(|gap| local(line, gap, &leads)).collect();
    name::bar(line, &mut bars);
    enclosure::bar(line, cap, &leads, &mut bars);
    bars
}

/// Whether a sentence ends in Latin punctuation before this gap.
pub(super) fn ends_sentence(line: &Line, gap: usize) -> bool {
    let left = line.chunk(gap).trim_end_matches(is_closing);
    match left.chars().next_back() {
        Some('!' | '?' | '。' | '！' | '？') => true,
        Some('.') => !left.ends_with("..") && abbreviation(line, gap).is_none(),
        _ => false,
    }
}

/// Whether an item of an enumeration starts with this chunk: `2.`, `(3)`, `๔)ข้อ`.
pub(super) fn starts_item(chunk: &str) -> bool {
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

/// The rules that need no more than the words around one gap.
fn local(line: &Line, gap: usize, leads: &[bool]) -> Option<Rule> {
    let (left, right) = (line.chunk(gap), line.chunk(gap + 1));
    let (last, first) = (left.chars().next_back()?, right.chars().next()?);
    if leads[gap] {
        return Some(Rule::Item);
    }
    let item = starts_item(right);
    if let Some(rule) = pattern::matched(line, gap) {
        return Some(rule);
    }
    if is_digit(last) && counts(line, gap) {
        return Some(Rule::Number);
    }
    if is_dash(left) || is_dash(right) && !leads[gap + 1] && (is_digit(last) || left.chars().count() < 24) {
        return Some(Rule::Range);
    }
    if last == '.'
        && let Some(rule) = abbreviation::bar(line, gap)
    {
        return Some(rule);
    }
    if ends_sentence(line, gap) || item {
        return None;
    }
    if is_digit(first) {
        return Some(Rule::Number);
    }
    if first == '(' && !leads[gap + 1] {
        return Some(Rule::Bracket);
    }
    if last == ':' {
        return Some(Rule::Punctuation);
    }
    let scaled = SCALES.iter().any(|scale| line.ends_with(gap, scale))
        || left == "กว่า" && gap > 0 && line.chunk(gap - 1).ends_with(is_digit);
    if scaled && (begins_with(line, gap + 1, &MEASURES) || begins_with(line, gap + 1, &CLASSIFIERS)) {
        return Some(Rule::Number);
    }
    let ends_with_one_of = |words: &[&str]| words.iter().any(|word| left.ends_with(word));
    if ends_with_one_of(LEADERS) && !ends_with_one_of(NOT_LEADERS) {
        return Some(Rule::Leader);
    }
    let latin = is_latin(last) && (is_latin(first) || first.is_ascii_digit());
    if latin || last.is_ascii_digit() && is_latin(first) && !is_year(line, gap) {
        return Some(Rule::Latin);
    }
    None
}

/// Whether the number before this gap counts what comes after it.
fn counts(line: &Line, gap: usize) -> bool {
    if is_year(line, gap) {
        return false;
    }
    let (number, before) = number(line, gap);
    let counted = gap > 0 && number == line.chunk(gap) && COUNTING.iter().any(|word| line.ends_with(gap - 1, word));
    let label = || {
        let quantity = ["อยู่ที่", "ปิดที่", "เปิดที่", "คงที่", "ยืนที่"];
        let plate = before
            .trim_end_matches(is_consonant)
            .trim_end_matches(is_digit)
            .trim_end();
        // `COVID-19`, `G7`.
        let word = before.strip_suffix('-').unwrap_or(before);
        plate.ends_with("ทะเบียน")
            || word.ends_with(is_latin)
            || word.len() < before.len() && word.ends_with(is_letter)
            || LABELS.iter().any(|label| before.ends_with(label)) && !quantity.iter().any(|verb| before.ends_with(verb))
    };
    counted || begins_with(line, gap + 1, &MEASURES) || begins_with(line, gap + 1, &CLASSIFIERS) && !label()
}

/// Whether the number before this gap is a year, which counts nothing.
fn is_year(line: &Line, gap: usize) -> bool {
    let (number, before) = number(line, gap);
    let abbreviated = MONTH_LETTERS.iter().any(|(first, last)| {
        let head = before.strip_suffix('.').unwrap_or(before).strip_suffix(last);
        head.and_then(|head| head.trim_end().strip_suffix('.'))
            .is_some_and(|head| head.ends_with(first))
    });
    let months = || MONTHS.split_whitespace().chain(SHORT_MONTHS.split_whitespace());
    match number.chars().count() {
        2 => abbreviated || before.ends_with("ปี") && !before.trim_end_matches("ปี").trim_end().ends_with(is_digit),
        4 => {
            abbreviated
                || before.ends_with("ปี")
                || ERAS.iter().any(|era| before.ends_with(era))
                || months().any(|month| before.ends_with(month))
        }
        _ => false,
    }
}

/// The digits that end the chunk before a gap, and the text before them.
fn number<'a>(line: &Line<'a>, gap: usize) -> (&'a str, &'a str) {
    let left = line.chunk(gap);
    let head = left.trim_end_matches(is_digit);
    let start = line.chunks[gap].start + head.len();
    (&left[head.len()..], line.text[..start].trim_end())
}

/// Whether a chunk begins with one of these words, as a word.
fn begins_with(line: &Line, chunk: usize, words: &HashSet<&str>) -> bool {
    let range = line.chunks[chunk].clone();
    let next = line.words.partition_point(|&word| word <= range.start);
    (line.words[next..].iter())
        .take(6)
        .take_while(|&&end| end <= range.end)
        .any(|&end| words.contains(&line.text[range.start..end]))
}

/// For each chunk whether it is a bullet, or the number or letter of an item of a list.
fn leads(line: &Line) -> Vec<bool> {
    let chunks = || (0..line.chunks.len()).map(|index| line.chunk(index));
    let dashed = line.chunks.first().is_some_and(|_| is_dash(line.chunk(0)));
    // Numbers from the first item on, without a hole.
    let numbers: HashSet<u32> = chunks().filter_map(item_number).collect();
    let first = chunks().next().and_then(item_number).unwrap_or(1);
    let last = (first..)
        .take_while(|number| numbers.contains(number))
        .last()
        .unwrap_or(0);
    let listed = first < last;
    let letters = chunks().filter(|chunk| is_letter_item(chunk)).take(2).count() > 1;
    let before = |index: usize| index.checked_sub(1).map_or("", |before| line.chunk(before));
    chunks()
        .enumerate()
        .map(|(index, chunk)| {
            let opens = index == 0 || before(index).ends_with("ข้อ");
            if is_dash(chunk) {
                index == 0 || dashed && !before(index).ends_with(is_digit)
            } else if is_letter_item(chunk) {
                opens || letters
            } else if let Some(number) = item_number(chunk).filter(|_| !chunk.ends_with(is_letter)) {
                opens || listed && (first..=last).contains(&number)
            } else {
                BULLETS.contains(&chunk.trim_end_matches('\u{fe0f}'))
            }
        })
        .collect()
}

/// Signs that stand before the items of a list.
const BULLETS: &[&str] = &[
    "•", "*", "·", "▪", "○", "●", "◦", "■", "►", "▶", "➢", "➡", "✓", "✔", "✅", "☑", "❌", "📌", "📍", "👉", "🔴",
    "🟢", "🔵", "🔹", "🔸", "⭐",
];

/// The number of the item that starts with this chunk.
fn item_number(chunk: &str) -> Option<u32> {
    let digits = |c: char| {
        c.to_digit(10)
            .or_else(|| ('๐'..='๙').contains(&c).then(|| c as u32 - '๐' as u32))
    };
    let number = chunk.trim_start_matches('(').chars().map_while(digits);
    starts_item(chunk).then(|| number.fold(0, |number, digit| 10 * number + digit))
}

/// `ก)`, `(ข)`, `b)`.
fn is_letter_item(chunk: &str) -> bool {
    let mut letter = chunk.strip_prefix('(').unwrap_or(chunk).chars();
    letter.next().is_some_and(|c| is_consonant(c) || c.is_ascii_lowercase()) && letter.as_str() == ")"
}

fn is_dash(chunk: &str) -> bool {
    matches!(chunk, "-" | "–" | "—" | "~" | "−")
}

/// A digit of either script.
pub(super) fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || ('๐'..='๙').contains(&c)
}

fn is_consonant(c: char) -> bool {
    ('ก'..='ฮ').contains(&c)
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}')
}

fn is_closing(c: char) -> bool {
    matches!(c, ')' | ']' | '}' | '”' | '’' | '"' | '»' | '」' | '》')
}
