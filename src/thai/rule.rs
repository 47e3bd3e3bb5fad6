//! The rules that no score may break: where a space must not become a sentence boundary, and why.

use super::is_letter;
use super::lexicon::{
    COUNTING, ERAS, HOURS, LATIN_ABBREVIATIONS, LEADING, LETTERS, MONTHS, PERSONAL, SCALES, TITLES, TRAILING, UNITS,
    WEEKDAYS,
};
use super::split::Line;
use serde::Serialize;

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
    /// After an abbreviation's dot.
    Abbreviation,
    /// Between a title and a name, or inside a name with a title.
    Name,
    /// Inside a run of Latin words.
    Latin,
    /// Inside quotation marks that fit the cap.
    Quote,
    /// Inside brackets that fit the cap.
    Bracket,
}

impl Rule {
    /// Whether the rule yields where a stretch without any other space would exceed the cap. The others yield only
    /// where not even a word boundary is left.
    pub fn is_soft(self) -> bool {
        matches!(self, Rule::Latin | Rule::Quote | Rule::Bracket | Rule::Abbreviation)
    }
}

/// The rule that bars each gap of a line from being a boundary, if one does. `cap` is in characters.
pub(super) fn bars(line: &Line, cap: usize) -> Vec<Option<Rule>> {
    let mut bars: Vec<Option<Rule>> = (0..line.gaps()).map(|gap| local(line, gap)).collect();
    names(line, &mut bars);
    enclosures(line, cap, &mut bars);
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
fn local(line: &Line, gap: usize) -> Option<Rule> {
    let (left, right) = (line.chunk(gap), line.chunk(gap + 1));
    let (last, first) = (left.chars().next_back()?, right.chars().next()?);
    if matches!(first, 'ๆ' | 'ฯ') {
        return Some(Rule::Mark);
    }
    if is_bullet(left) {
        return Some(Rule::Item);
    }
    let item = starts_item(right);
    if is_digit(last)
        && let Some(rule) = after_number(line, gap)
    {
        return Some(rule);
    }
    if let Some(rule) = in_date(line, gap) {
        return Some(rule);
    }
    if gap == 0 && is_dash(left) {
        return Some(Rule::Item);
    }
    if is_dash(right) && (is_digit(last) || left.chars().count() < 24) || is_dash(left) {
        return Some(Rule::Range);
    }
    if CLINGS_LEFT.contains(first) || CLINGS_RIGHT.contains(last) {
        return Some(Rule::Punctuation);
    }
    if last == '.'
        && let Some(rule) = after_dot(line, gap)
    {
        return Some(rule);
    }
    if ends_sentence(line, gap) {
        return None;
    }
    if is_currency(first) || is_digit(first) && !item {
        return Some(Rule::Number);
    }
    if SCALES.iter().any(|scale| line.ends_with(gap, scale)) && UNITS.iter().any(|unit| right.starts_with(unit)) {
        return Some(Rule::Number);
    }
    if line.ends_with(gap, "บริษัท") || right.starts_with("จำกัด (มหาชน)") || right == "จำกัด"
    {
        return Some(Rule::Name);
    }
    if is_latin(last) && (is_latin(first) || first.is_ascii_digit()) || last.is_ascii_digit() && is_latin(first) {
        return Some(Rule::Latin);
    }
    None
}

/// Rules for a gap after a digit.
fn after_number(line: &Line, gap: usize) -> Option<Rule> {
    let right = line.chunk(gap + 1);
    if let Some(rest) = RANGE.iter().find_map(|word| right.strip_prefix(word)) {
        let next = rest.chars().next().or_else(|| {
            line.chunks
                .get(gap + 2)
                .and_then(|_| line.chunk(gap + 2).chars().next())
        });
        if next.is_some_and(is_digit) {
            return Some(Rule::Range);
        }
    }
    if HOURS.iter().any(|hour| right.starts_with(hour)) {
        return Some(Rule::Time);
    }
    let spaced = ["มี. ", "เม. ", "มิ. "]
        .iter()
        .any(|part| line.text[line.chunks[gap + 1].start..].starts_with(part));
    if spaced || MONTHS.iter().any(|month| right.starts_with(month)) {
        return Some(Rule::Date);
    }
    let counted =
        gap > 0 && line.chunk(gap).chars().all(is_digit) && COUNTING.iter().any(|word| line.ends_with(gap - 1, word));
    if counted || !is_year(line, gap) && UNITS.iter().any(|unit| right.starts_with(unit)) {
        return Some(Rule::Number);
    }
    None
}

/// Whether the number before this gap is a year, so that the word after it is no unit.
fn is_year(line: &Line, gap: usize) -> bool {
    let left = line.chunk(gap);
    let head = left.trim_end_matches(is_digit);
    if left[head.len()..].chars().count() != 4 {
        return false;
    }
    let before = if head.is_empty() && gap > 0 {
        line.chunk(gap - 1)
    } else {
        head
    };
    before.ends_with("ปี") || ERAS.iter().any(|era| before.ends_with(era)) || ends_with_month(before)
}

fn ends_with_month(text: &str) -> bool {
    MONTHS.iter().any(|month| text.ends_with(month))
}

/// Rules for the words of a date that stand apart: `เดือน ตุลาคม`, `ตุลาคม พ.ศ.`, `วันพุธ ที่ 8`, `พ.ย. ถึง 10`.
fn in_date(line: &Line, gap: usize) -> Option<Rule> {
    let (left, right) = (line.chunk(gap), line.chunk(gap + 1));
    let digit_next = || {
        line.chunks
            .get(gap + 2)
            .is_some_and(|_| line.chunk(gap + 2).starts_with(is_digit))
    };
    let month_next = || MONTHS.iter().any(|month| right.starts_with(month));
    let era_next = || ERAS.iter().any(|era| right.starts_with(era));
    if line.ends_with(gap, "เดือน") && month_next()
        || line.ends_with(gap, "วัน") && WEEKDAYS.iter().any(|day| right.starts_with(day))
        || (line.ends_with(gap, "ปี") || ends_with_month(left)) && (era_next() || right == "ปี")
        || ends_with_month(left) && right.starts_with(is_digit)
    {
        return Some(Rule::Date);
    }
    if WEEKDAYS.iter().any(|day| left.ends_with(day))
        && (right.starts_with(is_digit) || matches!(right, "ที่" | "วันที่") && digit_next() || {
            let rest = right.trim_start_matches("วัน").strip_prefix("ที่");
            rest.is_some_and(|rest| rest.starts_with(is_digit))
        })
    {
        return Some(Rule::Date);
    }
    if ends_with_month(left)
        && let Some(rest) = ["ถึง", "-", "–", "—"].iter().find_map(|word| right.strip_prefix(word))
    {
        let rest = rest.strip_prefix("วันที่").unwrap_or(rest);
        if rest.starts_with(is_digit)
            || rest.is_empty() && digit_next()
            || MONTHS.iter().any(|month| rest.starts_with(month))
        {
            return Some(Rule::Range);
        }
    }
    None
}

/// Rules for a gap after a dot.
fn after_dot(line: &Line, gap: usize) -> Option<Rule> {
    let right = line.chunk(gap + 1);
    let mut next = right.chars();
    // An abbreviation written with spaces: `มี. ค.`, `พ. ศ.`
    if next.next().is_some_and(is_consonant)
        && next.next() == Some('.')
        && line.chunk(gap).chars().rev().nth(1).is_some_and(is_letter)
    {
        return Some(Rule::Abbreviation);
    }
    match abbreviation(line, gap)? {
        Abbreviation::Leading => Some(Rule::Abbreviation),
        Abbreviation::Trailing => (!super::cue::opens_strongly(line, gap)).then_some(Rule::Abbreviation),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Abbreviation {
    /// Always followed by what it belongs to.
    Leading,
    /// May be the last word of a sentence.
    Trailing,
}

/// The abbreviation whose dot ends the chunk before this gap.
fn abbreviation(line: &Line, gap: usize) -> Option<Abbreviation> {
    let left = line.chunk(gap).trim_end_matches(is_closing);
    if !left.ends_with('.') || left.ends_with("..") {
        return None;
    }
    let tail_at = left
        .char_indices()
        .rev()
        .take(24)
        .take_while(|&(_, c)| c == '.' || is_letter(c) && !matches!(c, 'ฯ' | 'ๆ'))
        .last()
        .map(|(at, _)| at)?;
    let (head, tail) = left.split_at(tail_at);
    if tail == "." {
        return latin_abbreviation(left, line.chunk(gap + 1));
    }
    let after_number =
        head.ends_with(is_digit) || head.is_empty() && gap > 0 && line.chunk(gap - 1).ends_with(is_digit);
    for (at, _) in tail.char_indices() {
        let form = &tail[at..];
        let dots = form.matches('.').count();
        // A short form glued to a word may as well be that word's end.
        let alone = at == 0 || tail[..at].ends_with('.');
        let word = alone
            || line
                .words
                .binary_search(&(line.chunks[gap].start + tail_at + at))
                .is_ok();
        if word && LETTERS.contains(form) {
            return Some(Abbreviation::Leading);
        }
        if !alone
            && dots < 2
            && form.chars().count() < 4
            && !(word && form.chars().count() == 3 && TRAILING.contains(form))
        {
            continue;
        }
        if PERSONAL.contains(form) || LEADING.contains(form) {
            return Some(if after_number {
                Abbreviation::Trailing
            } else {
                Abbreviation::Leading
            });
        }
        if TRAILING.contains(form) {
            return Some(Abbreviation::Trailing);
        }
        let consonants = form.chars().all(|c| c == '.' || is_consonant(c));
        let longest = form.split('.').map(|part| part.chars().count()).max().unwrap_or(0);
        if consonants && longest <= 5 && (dots > 1 || alone) {
            return Some(Abbreviation::Trailing);
        }
    }
    None
}

fn latin_abbreviation(left: &str, right: &str) -> Option<Abbreviation> {
    let word = left
        .trim_end_matches('.')
        .rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '.'))
        .next()?;
    let initial = word.len() == 1 && word.starts_with(|c: char| c.is_ascii_uppercase());
    let initials = word.len() <= 7 && word.split('.').all(|part| part.len() == 1) && !word.starts_with(is_digit);
    if initial || initials || LATIN_ABBREVIATIONS.contains(word.to_ascii_lowercase().as_str()) {
        return Some(Abbreviation::Leading);
    }
    // English goes on in lower case.
    (word.ends_with(is_latin) && right.starts_with(|c: char| c.is_ascii_lowercase())).then_some(Abbreviation::Leading)
}

/// Bars the gaps between a title and a name and between the parts of a name with a title.
fn names(line: &Line, bars: &mut [Option<Rule>]) {
    // How many more parts the name may have.
    let mut parts = 0;
    for (gap, bar) in bars.iter_mut().enumerate() {
        match title_in(line, gap) {
            Some("") => parts = 2,
            Some(rest) if is_name(line, gap, rest) => parts = 1,
            _ if parts > 0 && is_name(line, gap, line.chunk(gap)) => parts -= 1,
            _ => parts = 0,
        }
        if parts > 0 && starts_name(line, gap + 1) {
            bar.get_or_insert(Rule::Name);
        }
    }
}

/// What follows the last title in the chunk before a gap, if one stands near its end.
fn title_in<'a>(line: &Line<'a>, gap: usize) -> Option<&'a str> {
    let range = line.chunks[gap].clone();
    let chunk = line.chunk(gap);
    // Word by word from the end, no further than a long name reaches.
    let mut end = line.words.partition_point(|&word| word < range.end);
    let mut found = None;
    while end > 0 {
        end -= 1;
        let at = line.words[end];
        if at < range.start || chunk[at - range.start..].chars().count() > 34 {
            break;
        }
        let rest = &chunk[at - range.start..];
        // After a number นาย is a classifier.
        let counted = chunk[..at - range.start].ends_with(is_digit)
            || at == range.start && gap > 0 && line.chunk(gap - 1).ends_with(is_digit);
        if let (false, Some(title)) = (counted, longest_title(line, rest, at)) {
            found = Some(&rest[title..]);
        }
    }
    found
}

/// The length of the title that `rest`, at byte `at` of the line, starts with.
fn longest_title(line: &Line, rest: &str, at: usize) -> Option<usize> {
    let dotted = rest
        .match_indices('.')
        .map(|(dot, _)| dot + 1)
        .take(4)
        .take_while(|&end| end <= 36)
        .filter(|&end| PERSONAL.contains(&rest[..end]))
        .last();
    if dotted.is_some() {
        // Inside a longer abbreviation this is no title of its own.
        let inside = line.text[..at].ends_with(|c: char| is_letter(c) && c != 'ๆ' && c != 'ฯ')
            && rest.starts_with(is_consonant)
            && rest.chars().nth(1) == Some('.');
        return dotted.filter(|_| !inside);
    }
    let next = line.words.partition_point(|&word| word <= at);
    (0..6)
        .rev()
        .filter_map(|words| line.words.get(next + words))
        .map(|&end| end - at)
        .find(|&len| len <= rest.len() && TITLES.contains(&rest[..len]))
}

/// Whether `text`, the end of the chunk before a gap, can be one part of a name: short, Thai, without a function word.
fn is_name(line: &Line, gap: usize, text: &str) -> bool {
    let end = line.chunks[gap].end;
    let start = end - text.len();
    if text.chars().take(19).count() > 18 || !text.chars().all(|c| is_letter(c) && !matches!(c, 'ๆ' | 'ฯ')) {
        return false;
    }
    let from = line.words.partition_point(|&word| word < start);
    let to = line.words.partition_point(|&word| word <= end);
    !line.words[from..to]
        .windows(2)
        .any(|pair| super::cue::is_function_word(&line.text[pair[0]..pair[1]]))
}

/// Whether the chunk can start with a part of a name: a Thai word that is no function word.
fn starts_name(line: &Line, chunk: usize) -> bool {
    line.chunk(chunk).starts_with(is_letter) && !super::cue::is_function_word(line.first_word(chunk))
}

/// Bars the gaps inside matched quotation marks and brackets that fit the cap.
fn enclosures(line: &Line, cap: usize, bars: &mut [Option<Rule>]) {
    let mut open: Vec<(char, usize, usize)> = Vec::new();
    let mut previous = None;
    let mut chars = line.text.char_indices().peekable();
    let mut count = 0;
    while let Some((at, c)) = chars.next() {
        count += 1;
        let next = chars.peek().map(|&(_, c)| c);
        let close = match c {
            '(' => Some(')'),
            '[' => Some(']'),
            '{' => Some('}'),
            '“' | '„' => Some('”'),
            '‘' => Some('’'),
            '«' => Some('»'),
            '「' => Some('」'),
            '《' => Some('》'),
            '"' => {
                let spaced = previous.is_none_or(char::is_whitespace);
                let tight = next.is_some_and(|c| !c.is_whitespace());
                let pending = open.iter().any(|&(close, ..)| close == '"');
                (tight && (spaced || !pending)).then_some('"')
            }
            _ => None,
        };
        previous = Some(c);
        // What has been open for longer than the cap protects nothing.
        let stale = open.partition_point(|&(_, _, since)| count - since > cap);
        open.drain(..stale);
        if let Some(close) = close {
            // A second opening straight quote means that the first was none.
            if c == '"' {
                open.retain(|&(close, ..)| close != '"');
            }
            open.push((close, at, count));
        } else if let Some(depth) = open.iter().rposition(|&(close, ..)| close == c) {
            let (_, start, _) = open[depth];
            open.truncate(depth);
            let rule = if matches!(c, ')' | ']' | '}') {
                Rule::Bracket
            } else {
                Rule::Quote
            };
            let from = line.chunks.partition_point(|chunk| chunk.end <= start);
            for (gap, bar) in bars.iter_mut().enumerate().skip(from) {
                if line.chunks[gap].end >= at {
                    break;
                }
                bar.get_or_insert(rule);
            }
        }
    }
}

/// Punctuation that belongs to what stands before it, and punctuation that belongs to what stands after it.
const CLINGS_LEFT: &str = ",.;:!?)]}%”’»›…/=+×°~&";
const CLINGS_RIGHT: &str = ",([{“‘«‹/=+×~&#@$€£¥฿";

/// What may stand between the two numbers of a range or comparison.
const RANGE: &[&str] = &[
    "ถึง",
    "จนถึง",
    "-",
    "–",
    "—",
    "~",
    "ต่อ",
    "และ",
    "หรือ",
    "เป็น",
    "กับ",
    "x",
    "X",
    "×",
    ":",
];

fn is_dash(chunk: &str) -> bool {
    matches!(chunk, "-" | "–" | "—" | "~" | "−")
}

/// A bullet, or an item's number or letter: `•`, `1.`, `(2)`, `ก)`.
fn is_bullet(chunk: &str) -> bool {
    matches!(chunk, "•" | "*" | "·" | "▪" | "○" | "●" | "◦" | "■" | "►" | "➢" | "✓")
        || starts_item(chunk) && chunk.chars().count() <= 4 && !chunk.ends_with(is_letter)
        || chunk.chars().count() == 2
            && chunk.starts_with(|c: char| is_consonant(c) || c.is_ascii_lowercase())
            && chunk.ends_with(')')
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

fn is_currency(c: char) -> bool {
    matches!(c, '$' | '€' | '£' | '¥' | '฿' | '₩' | '₹')
}

fn is_closing(c: char) -> bool {
    matches!(c, ')' | ']' | '}' | '”' | '’' | '"' | '»' | '」' | '》')
}
