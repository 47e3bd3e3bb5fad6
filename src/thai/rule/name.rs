//! Names: a title, the parts of the name after it, and what the person is.

use super::{Rule, begins_with, is_consonant, is_digit, is_year};
use crate::thai::is_letter;
use crate::thai::lexicon::{
    APPOSITIONS, DEGREES, FAMILIES, LINKS, NEVER_IN_NAMES, NOT_NAMES, NOT_TITLES, OFFICES, OPENERS, PARTICLES,
    PERSONAL, TITLES,
};
use crate::thai::line::Line;

/// How much of a name stands before a gap.
#[derive(Clone, Copy)]
enum State {
    /// None.
    Outside,
    /// A title.
    Titled,
    /// An office, which may be no title.
    Office,
    /// This many parts.
    Named(u8),
}

/// Bars the gaps between a title and a name, between the parts of a name, and before an apposition.
pub fn bar(line: &Line, bars: &mut [Option<Rule>]) {
    firms(line, bars);
    let mut state = State::Outside;
    for (gap, bar) in bars.iter_mut().enumerate() {
        let chunk = line.chunk(gap);
        state = match (state, title_in(line, gap)) {
            // A nickname in brackets or quotation marks.
            (state, _) if is_aside(chunk) => state,
            (_, Some((State::Office, rest))) if !rest.is_empty() && NOT_NAMES.contains(first_word(line, gap, rest)) => {
                State::Outside
            }
            (_, Some((_, rest))) if is_part(line, gap, rest) => State::Named(1),
            (_, Some((title, ""))) => title,
            (State::Named(_), None) if PARTICLES.contains(&chunk) => state,
            (State::Titled | State::Office, None) if is_part(line, gap, chunk) => State::Named(1),
            (State::Named(parts), None) if is_part(line, gap, chunk) => State::Named(parts + 1),
            (_, None) if FAMILIES.contains(chunk) => State::Named(1),
            _ => State::Outside,
        };
        let next = line.chunk(gap + 1);
        let goes_on = match state {
            State::Outside => {
                DEGREES.iter().any(|degree| line.ends_with(gap, degree)) && begins_with_title(line, gap + 1)
            }
            State::Titled => begins_name(line, gap + 1),
            State::Office => {
                begins_with_title(line, gap + 1)
                    || next.chars().take(13).count() <= 12 && begins_name(line, gap + 1) && is_part(line, gap + 1, next)
            }
            State::Named(parts) => {
                let more = match parts {
                    1 => true,
                    // Names of three single syllables.
                    2 => is_syllable(chunk),
                    _ => false,
                };
                more && begins_name(line, gap + 1)
                    || PARTICLES.contains(&next)
                    || PARTICLES.contains(&chunk)
                    || begins_with(line, gap + 1, &APPOSITIONS)
            }
        };
        let aside = is_aside(next) && !matches!(state, State::Outside);
        if goes_on || aside {
            bar.get_or_insert(Rule::Name);
        }
    }
}

/// Bars the gaps of a firm's name, from บริษัท to จำกัด.
fn firms(line: &Line, bars: &mut [Option<Rule>]) {
    for gap in 0..bars.len() {
        let chunk = line.chunk(gap);
        let Some(start) = chunk
            .rfind("บริษัท")
            .filter(|&start| chunk[start..].chars().take(31).count() <= 30)
        else {
            continue;
        };
        let ahead = gap..bars.len().min(gap + 6);
        if let Some(limited) = ahead.clone().find(|&gap| line.chunk(gap + 1).starts_with("จำกัด")) {
            bars[gap..=limited]
                .iter_mut()
                .for_each(|bar| *bar = bar.or(Some(Rule::Name)));
        } else if chunk[start..].len() == "บริษัท".len() && !begins_with(line, gap + 1, &OPENERS) {
            bars[gap].get_or_insert(Rule::Name);
        }
    }
}

/// `(แพร)`, `“ต้น”`.
fn is_aside(chunk: &str) -> bool {
    let opens = chunk.starts_with(['(', '“', '"', '‘', '\'']);
    opens && chunk.ends_with([')', '”', '"', '’', '\'']) && chunk.chars().take(17).count() <= 16
}

/// The last title in the chunk before a gap, if one stands near its end, as what it makes of the gap, and what follows
/// it in the chunk.
fn title_in<'a>(line: &Line<'a>, gap: usize) -> Option<(State, &'a str)> {
    let range = line.chunks[gap].clone();
    let chunk = line.chunk(gap);
    // From the end, no further than a long name reaches.
    chunk.char_indices().rev().take(34).find_map(|(start, _)| {
        let (before, rest) = chunk.split_at(start);
        let at = range.start + start;
        let word = line.words.binary_search(&at).is_ok();
        let linked = || rest.starts_with("นา") && LINKS.iter().any(|link| before.ends_with(link));
        // After a number นาย is a classifier.
        let counted = || {
            before.ends_with(is_digit)
                || before.is_empty() && gap > 0 && line.chunk(gap - 1).ends_with(is_digit) && !is_year(line, gap - 1)
        };
        // In transliterated words เซอร์ is a syllable.
        let syllable =
            rest.starts_with("เซอร์") && !before.is_empty() && !LINKS.iter().any(|link| before.ends_with(link));
        let (state, length) = match word && !syllable {
            true => longest_title(line, rest, at),
            false if linked() => glued_title(rest),
            false => None,
        }
        .filter(|_| !counted())?;
        let rest = &rest[length..];
        let rest = ["(พิเศษ)", "พิเศษ", "หญิง"]
            .iter()
            .find_map(|more| rest.strip_prefix(more))
            .unwrap_or(rest);
        Some((state, rest))
    })
}

/// The title that `rest` starts with where the dictionary sees no words.
fn glued_title(rest: &str) -> Option<(State, usize)> {
    let titles = ["นายกรัฐมนตรี", "นางสาว", "นาย", "นาง"];
    let title = titles.iter().find(|title| rest.starts_with(**title))?;
    let other = NOT_TITLES.iter().any(|word| rest.starts_with(word));
    (!other).then_some((State::Titled, title.len()))
}

/// The length of the title that `rest`, at byte `at` of the line, starts with.
fn longest_title(line: &Line, rest: &str, at: usize) -> Option<(State, usize)> {
    let dotted = rest
        .match_indices('.')
        .map(|(dot, _)| dot + 1)
        .take(4)
        .take_while(|&end| end <= 36)
        .filter(|&end| PERSONAL.contains(&rest[..end]))
        .last();
    if let Some(length) = dotted {
        // Inside a longer abbreviation this is no title of its own.
        let inside = line.text[..at].ends_with(|c: char| is_letter(c) && c != 'ๆ' && c != 'ฯ')
            && rest.starts_with(is_consonant)
            && rest.chars().nth(1) == Some('.');
        return (!inside).then_some((State::Titled, length));
    }
    if NOT_TITLES.iter().any(|word| rest.starts_with(word)) {
        return None;
    }
    let next = line.words.partition_point(|&word| word <= at);
    (0..6)
        .rev()
        .filter_map(|words| line.words.get(next + words))
        .map(|&end| end - at)
        .filter(|&length| length <= rest.len())
        .find_map(|length| match &rest[..length] {
            title if TITLES.contains(title) => Some((State::Titled, length)),
            office if OFFICES.contains(office) => Some((State::Office, length)),
            _ => None,
        })
}

fn begins_with_title(line: &Line, chunk: usize) -> bool {
    longest_title(line, line.chunk(chunk), line.chunks[chunk].start).is_some()
}

/// The first word of `text`, the end of a chunk.
fn first_word<'a>(line: &Line, chunk: usize, text: &'a str) -> &'a str {
    let start = line.chunks[chunk].end - text.len();
    let next = line.words.partition_point(|&word| word <= start);
    let end = line
        .words
        .get(next)
        .map_or(text.len(), |&word| (word - start).min(text.len()));
    &text[..end]
}

/// Whether `text`, the end of a chunk, can be one part of a name: short, Thai, without a function word.
fn is_part(line: &Line, chunk: usize, text: &str) -> bool {
    let end = line.chunks[chunk].end;
    let start = end - text.len();
    if text.is_empty()
        || text.chars().take(19).count() > 18
        || !text.chars().all(|c| is_letter(c) && !matches!(c, 'ๆ' | 'ฯ'))
    {
        return false;
    }
    let from = line.words.partition_point(|&word| word < start);
    let to = line.words.partition_point(|&word| word <= end);
    !line.words[from..to]
        .windows(2)
        .any(|pair| NEVER_IN_NAMES.contains(&line.text[pair[0]..pair[1]]))
}

/// Whether a chunk can begin with a part of a name: a Thai word that is no function word, unless it is a syllable of a
/// short one.
fn begins_name(line: &Line, chunk: usize) -> bool {
    let text = line.chunk(chunk);
    let short = || text.chars().take(13).count() <= 12 && !NOT_NAMES.contains(text) && is_part(line, chunk, text);
    text.starts_with(is_letter)
        && !begins_with(line, chunk, &OPENERS)
        && (!NOT_NAMES.contains(line.first_word(chunk)) || short())
}

/// Whether a word is short enough for one syllable: `คี`, `มุน`, `เซียน`.
fn is_syllable(word: &str) -> bool {
    let leading = |c: char| ('เ'..='ไ').contains(&c);
    word.chars().count() <= 5 && !word.chars().skip(1).any(leading)
}
