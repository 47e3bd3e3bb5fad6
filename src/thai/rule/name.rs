//! The rules for names of people and firms: forbids cuts between a title and a name, inside a name, and before an
//! apposition to a name.

use super::{NoCutRule, begins_with_word, is_consonant, is_digit, is_year_before_gap};
use crate::thai::is_letter;
use crate::thai::lexicon::{
    APPOSITION_WORDS, FAMILY_NAMES, NAME_PARTICLES, OFFICE_WORDS, PERSON_TITLES, SENTENCE_OPENERS, TITLE_ABBREVIATIONS,
    TITLE_MODIFIERS, WORDS_BEFORE_TITLES, WORDS_LIKE_TITLES, WORDS_NEVER_BEGINNING_NAMES, WORDS_NEVER_IN_NAMES,
};
use crate::thai::line::Line;

/// What part of a person's name stands right before a gap (the white space between two chunks of text).
#[derive(Clone, Copy)]
enum NameState {
    /// No title and no name stands before the gap.
    Outside,
    /// A title stands before the gap, so a name follows.
    Titled,
    /// An office such as president stands before the gap. A name may follow, or the office may be a plain noun.
    Office,
    /// This number of parts of a name, such as given name and family name, stand before the gap.
    Named(u8),
}

/// Forbids cuts between a title and a name, between the parts of a name, and before an apposition to a name.
/// `forbidden` has the rule that forbids a cut at each gap, if any.
pub fn forbid_cuts_in_names(line: &Line, forbidden: &mut [Option<NoCutRule>]) {
    forbid_cuts_in_company_names(line, forbidden);
    let mut state = NameState::Outside;
    for (gap, rule) in forbidden.iter_mut().enumerate() {
        let chunk = line.chunk(gap);
        state = match (state, title_before_gap(line, gap)) {
            // A nickname in brackets or quotation marks changes nothing.
            (state, _) if is_bracketed_remark(chunk) => state,
            (_, Some((NameState::Office, rest)))
                if !rest.is_empty() && WORDS_NEVER_BEGINNING_NAMES.contains(first_word(line, gap, rest)) =>
            {
                NameState::Outside
            }
            (_, Some((_, rest))) if is_name_part(line, gap, rest) => NameState::Named(1),
            (_, Some((title, ""))) => title,
            (NameState::Named(_), None) if NAME_PARTICLES.contains(&chunk) => state,
            (NameState::Titled | NameState::Office, None) if is_name_part(line, gap, chunk) => NameState::Named(1),
            (NameState::Named(parts), None) if is_name_part(line, gap, chunk) => NameState::Named(parts + 1),
            (_, None) if FAMILY_NAMES.contains(chunk) => NameState::Named(1),
            _ => NameState::Outside,
        };
        let next = line.chunk(gap + 1);
        let goes_on = match state {
            NameState::Outside => {
                TITLE_MODIFIERS
                    .iter()
                    .any(|degree| line.chunk_ends_with_word(gap, degree))
                    && begins_with_title(line, gap + 1)
            }
            NameState::Titled => begins_with_name(line, gap + 1),
            NameState::Office => {
                begins_with_title(line, gap + 1)
                    || next.chars().take(13).count() <= 12
                        && begins_with_name(line, gap + 1)
                        && is_name_part(line, gap + 1, next)
            }
            NameState::Named(parts) => {
                let more = match parts {
                    1 => true,
                    // Names of three single syllables.
                    2 => is_syllable(chunk),
                    _ => false,
                };
                more && begins_with_name(line, gap + 1)
                    || NAME_PARTICLES.contains(&next)
                    || NAME_PARTICLES.contains(&chunk)
                    || begins_with_word(line, gap + 1, &APPOSITION_WORDS)
            }
        };
        let aside = is_bracketed_remark(next) && !matches!(state, NameState::Outside);
        if goes_on || aside {
            rule.get_or_insert(NoCutRule::Name);
        }
    }
}

/// Forbids cuts inside the name of a firm, from บริษัท (company) to จำกัด (limited).
fn forbid_cuts_in_company_names(line: &Line, forbidden: &mut [Option<NoCutRule>]) {
    for gap in 0..forbidden.len() {
        let chunk = line.chunk(gap);
        let Some(start) = chunk
            .rfind("บริษัท")
            .filter(|&start| chunk[start..].chars().take(31).count() <= 30)
        else {
            continue;
        };
        let ahead = gap..forbidden.len().min(gap + 6);
        if let Some(limited) = ahead.clone().find(|&gap| line.chunk(gap + 1).starts_with("จำกัด")) {
            forbidden[gap..=limited]
                .iter_mut()
                .for_each(|rule| *rule = rule.or(Some(NoCutRule::Name)));
        } else if chunk[start..].len() == "บริษัท".len() && !begins_with_word(line, gap + 1, &SENTENCE_OPENERS)
        {
            forbidden[gap].get_or_insert(NoCutRule::Name);
        }
    }
}

/// Whether a chunk (run of text without white space) is a nickname or a short remark in brackets or quotation marks:
/// `(แพร)`, `“ต้น”`.
fn is_bracketed_remark(chunk: &str) -> bool {
    let opens = chunk.starts_with(['(', '“', '"', '‘', '\'']);
    opens && chunk.ends_with([')', '”', '"', '’', '\'']) && chunk.chars().take(17).count() <= 16
}

/// Finds the last title near the end of the chunk before a gap (a chunk is a run of text without white space, a gap the
/// white space between two). Returns the kind of the title, and the rest of the chunk after it.
fn title_before_gap<'a>(line: &Line<'a>, gap: usize) -> Option<(NameState, &'a str)> {
    let range = line.chunks[gap].clone();
    let chunk = line.chunk(gap);
    // Search backwards from the end, no further than a long name reaches.
    chunk.char_indices().rev().take(34).find_map(|(start, _)| {
        let (before, rest) = chunk.split_at(start);
        let at = range.start + start;
        let word = line.word_boundaries.binary_search(&at).is_ok();
        let linked = || rest.starts_with("นา") && WORDS_BEFORE_TITLES.iter().any(|link| before.ends_with(link));
        // After a number นาย is a classifier.
        let counted = || {
            before.ends_with(is_digit)
                || before.is_empty()
                    && gap > 0
                    && line.chunk(gap - 1).ends_with(is_digit)
                    && !is_year_before_gap(line, gap - 1)
        };
        // In transliterated words เซอร์ is a syllable.
        let syllable = rest.starts_with("เซอร์")
            && !before.is_empty()
            && !WORDS_BEFORE_TITLES.iter().any(|link| before.ends_with(link));
        let title = if word && !syllable {
            longest_title(line, rest, at)
        } else if linked() {
            title_glued_to_word_before(rest)
        } else {
            None
        };
        let (state, length) = title.filter(|_| !counted())?;
        let rest = &rest[length..];
        let rest = ["(พิเศษ)", "พิเศษ", "หญิง"]
            .iter()
            .find_map(|more| rest.strip_prefix(more))
            .unwrap_or(rest);
        Some((state, rest))
    })
}

/// Finds the title that `rest` starts with, where the word segmenter has joined it with the word before. Returns its
/// kind and its length in bytes.
fn title_glued_to_word_before(rest: &str) -> Option<(NameState, usize)> {
    let titles = ["นายกรัฐมนตรี", "นางสาว", "นาย", "นาง"];
    let title = titles.iter().find(|title| rest.starts_with(**title))?;
    let other = WORDS_LIKE_TITLES.iter().any(|word| rest.starts_with(word));
    (!other).then_some((NameState::Titled, title.len()))
}

/// Finds the longest title or office that `rest`, which starts at byte `at` of the line, starts with. Returns its kind
/// and its length in bytes.
fn longest_title(line: &Line, rest: &str, at: usize) -> Option<(NameState, usize)> {
    let dotted = rest
        .match_indices('.')
        .map(|(dot, _)| dot + 1)
        .take(4)
        .take_while(|&end| end <= 36)
        .filter(|&end| TITLE_ABBREVIATIONS.contains(&rest[..end]))
        .last();
    if let Some(length) = dotted {
        // Part of a longer abbreviation, such as พล.ต. in พล.ต.อ., is no title of its own.
        let inside = line.text[..at].ends_with(|c: char| is_letter(c) && c != 'ๆ' && c != 'ฯ')
            && rest.starts_with(is_consonant)
            && rest.chars().nth(1) == Some('.');
        return (!inside).then_some((NameState::Titled, length));
    }
    if WORDS_LIKE_TITLES.iter().any(|word| rest.starts_with(word)) {
        return None;
    }
    let next = line.word_boundaries.partition_point(|&word| word <= at);
    (0..6)
        .rev()
        .filter_map(|words| line.word_boundaries.get(next + words))
        .map(|&end| end - at)
        .filter(|&length| length <= rest.len())
        .find_map(|length| match &rest[..length] {
            title if PERSON_TITLES.contains(title) => Some((NameState::Titled, length)),
            office if OFFICE_WORDS.contains(office) => Some((NameState::Office, length)),
            _ => None,
        })
}

/// Whether a chunk (run of text without white space) begins with a title or an office.
fn begins_with_title(line: &Line, chunk: usize) -> bool {
    longest_title(line, line.chunk(chunk), line.chunks[chunk].start).is_some()
}

/// Returns the first word of `text`, which must be the end of the chunk (run of text without white space) with index
/// `chunk`.
fn first_word<'a>(line: &Line, chunk: usize, text: &'a str) -> &'a str {
    let start = line.chunks[chunk].end - text.len();
    let next = line.word_boundaries.partition_point(|&word| word <= start);
    let end = line
        .word_boundaries
        .get(next)
        .map_or(text.len(), |&word| (word - start).min(text.len()));
    &text[..end]
}

/// Whether `text`, which must be the end of the chunk with index `chunk`, can be one part of a name: it is short and
/// Thai, and contains no word that names never contain.
fn is_name_part(line: &Line, chunk: usize, text: &str) -> bool {
    let end = line.chunks[chunk].end;
    let start = end - text.len();
    if text.is_empty()
        || text.chars().take(19).count() > 18
        || !text.chars().all(|c| is_letter(c) && !matches!(c, 'ๆ' | 'ฯ'))
    {
        return false;
    }
    let from = line.word_boundaries.partition_point(|&word| word < start);
    let to = line.word_boundaries.partition_point(|&word| word <= end);
    !line.word_boundaries[from..to]
        .windows(2)
        .any(|pair| WORDS_NEVER_IN_NAMES.contains(&line.text[pair[0]..pair[1]]))
}

/// Whether a chunk (run of text without white space) can begin with a part of a name: its first word is Thai and no
/// function word, or the chunk is a short name in which such a word is only a syllable.
fn begins_with_name(line: &Line, chunk: usize) -> bool {
    let text = line.chunk(chunk);
    let short = || {
        text.chars().take(13).count() <= 12
            && !WORDS_NEVER_BEGINNING_NAMES.contains(text)
            && is_name_part(line, chunk, text)
    };
    text.starts_with(is_letter)
        && !begins_with_word(line, chunk, &SENTENCE_OPENERS)
        && (!WORDS_NEVER_BEGINNING_NAMES.contains(line.first_word(chunk)) || short())
}

/// Whether a word looks like a single syllable: `คี`, `มุน`, `เซียน`.
fn is_syllable(word: &str) -> bool {
    let leading = |c: char| ('เ'..='ไ').contains(&c);
    word.chars().count() <= 5 && !word.chars().skip(1).any(leading)
}
