//! Normalisation of words that PDF text layers tear apart with spaces.
//!
//! Two kinds of damage look alike. A font without a code for the vowel ำ leaves a space and า of it: น้ำ (water) becomes
//! `น ้า`, ทำงาน (work) `ท างาน`. Other text layers only put a space before each mark: ข้าว (rice) becomes `ข ้าว`. The
//! words that either reading gives decide; where both are words, the other torn words of the text do.

use super::{NIKHAHIT, SARA_AA, SARA_AM, SourceChar, enclosing_span, is_consonant, is_thai_mark, is_tone_mark};
use crate::thai::is_letter;
use icu_segmenter::{WordSegmenter, WordSegmenterBorrowed};

/// Number of letters on either side of a torn vowel among which words are looked for.
const CONTEXT_LETTERS: usize = 24;

/// Joins words that PDF text layers tear apart: drops spaces before a mark, ะ or ำ, which cannot start a word, and before
/// an า after a consonant or tone mark, which is read as ำ if the space stands for the lost upper part of that vowel.
pub fn join_torn_words(chars: Vec<SourceChar>) -> Vec<SourceChar> {
    let is_torn = |pair: &[SourceChar]| is_inline_space(pair[0].c) && depends_on_consonant(pair[1].c);
    if !chars.windows(2).any(is_torn) {
        return chars;
    }
    let torn = find_torn_vowels(&chars);
    let mut torn = torn.iter().zip(read_as_sara_am(&chars, &torn)).peekable();
    let mut out: Vec<SourceChar> = Vec::with_capacity(chars.len());
    let mut index = 0;
    while let Some(&char) = chars.get(index) {
        if let Some((vowel, is_am)) = torn.next_if(|(vowel, _)| vowel.consonant == index) {
            let run = &chars[index..vowel.sara_aa];
            out.extend(run.iter().filter(|char| !is_inline_space(char.c)));
            let mut last = chars[vowel.sara_aa];
            if let Some(space) = run.last().filter(|char| is_inline_space(char.c)) {
                last.source = enclosing_span(space.source, last.source);
            }
            last.c = if is_am { SARA_AM } else { SARA_AA };
            out.push(last);
            index = vowel.sara_aa + 1;
            continue;
        }
        let spaces = count_spaces(&chars[index..]);
        if spaces == 0 {
            out.push(char);
            index += 1;
            continue;
        }
        let after = &chars[index + spaces..];
        let carries_mark = out
            .last()
            .is_some_and(|last| is_consonant(last.c) || is_thai_mark(last.c));
        let is_torn = carries_mark
            && after.first().is_some_and(|next| match next.c {
                SARA_AA => ends_with_nikhahit(&out),
                'ะ' => !is_spelled_out(&out, &after[1..]),
                c => depends_on_consonant(c),
            });
        if !is_torn {
            out.extend(&chars[index..index + spaces]);
        }
        index += spaces;
    }
    out
}

/// An า with a space between it and its consonant, before or after the tone mark if there is one.
struct TornVowel {
    /// The index of the consonant.
    consonant: usize,
    /// The index of the า.
    sara_aa: usize,
    kind: TornKind,
}

/// The place of the space that tears an า from its consonant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TornKind {
    /// Before the tone mark: `น ้า`.
    BeforeMark,
    /// After the tone mark only: `น้ า`.
    AfterMark,
    /// After the consonant, which has no tone mark: `ท า`.
    Markless,
}

/// Finds all vowels า that a space separates from their consonant, in order.
fn find_torn_vowels(chars: &[SourceChar]) -> Vec<TornVowel> {
    let mut found = Vec::new();
    let mut index = 0;
    while index < chars.len() {
        let consonant = index;
        index += 1;
        if !is_consonant(chars[consonant].c) {
            continue;
        }
        let rest = &chars[index..];
        let before = count_spaces(rest);
        let tones = rest[before..].iter().take_while(|char| is_tone_mark(char.c)).count();
        let after = count_spaces(&rest[before + tones..]);
        let length = before + tones + after;
        let kind = match (before, tones, after) {
            (0, _, 0) => continue,
            (_, 0, _) => TornKind::Markless,
            (0, _, _) => TornKind::AfterMark,
            _ => TornKind::BeforeMark,
        };
        let is_vowel = rest.get(length).is_some_and(|char| char.c == SARA_AA);
        if is_vowel && !(kind == TornKind::Markless && is_spelled_out(&chars[..index], &rest[length + 1..])) {
            found.push(TornVowel {
                consonant,
                sara_aa: index + length,
                kind,
            });
        }
        index += length;
    }
    found
}

/// Decides for each torn vowel whether it is read as ำ.
fn read_as_sara_am(chars: &[SourceChar], torn: &[TornVowel]) -> Vec<bool> {
    /// A score from which the words alone decide.
    const CLEAR_SCORE: i32 = 2;
    /// The difference in number of other torn words from which these decide where the words alone do not.
    const CLEAR_EVIDENCE: i32 = 2;
    let spaces_in_words = find_spaces_in_words(chars);
    let segmenter = WordSegmenter::new_dictionary(Default::default());
    let scores: Vec<i32> = torn
        .iter()
        .map(|vowel| score_sara_am(chars, &spaces_in_words, vowel, &segmenter))
        .collect();
    let is_whole = |pair: &&[SourceChar]| pair[1].c == SARA_AM && is_letter(pair[0].c);
    let whole = chars.windows(2).filter(is_whole).take(8).count() as i32;
    let clear = scores.iter().filter(|score| score.abs() >= CLEAR_SCORE);
    let evidence = clear.map(|score| score.signum()).sum::<i32>() - whole;
    let decide = |(vowel, &score): (&TornVowel, &i32)| {
        if vowel.kind == TornKind::BeforeMark && score.abs() < CLEAR_SCORE && evidence.abs() >= CLEAR_EVIDENCE {
            evidence > 0
        } else {
            score > 0
        }
    };
    torn.iter().zip(&scores).map(decide).collect()
}

/// Finds for each character whether it is a space inside a word: one before a mark or vowel that cannot start a word.
fn find_spaces_in_words(chars: &[SourceChar]) -> Vec<bool> {
    let mut found = vec![false; chars.len()];
    for index in (0..chars.len().saturating_sub(1)).rev() {
        let is_inside = depends_on_consonant(chars[index + 1].c) || found[index + 1];
        found[index] = is_inside && is_inline_space(chars[index].c);
    }
    found
}

/// Scores whether a torn vowel is ำ: positive if so, and never 0. Each word less that the letters around it are made of
/// counts 2; an odd number is added for what is usual where the number of words is the same.
fn score_sara_am(
    chars: &[SourceChar],
    spaces_in_words: &[bool],
    vowel: &TornVowel,
    segmenter: &WordSegmenterBorrowed,
) -> i32 {
    /// Number of characters, spaces among them, that are looked at on either side of a torn vowel.
    const CONTEXT_CHARS: usize = 2 * CONTEXT_LETTERS;
    /// A score that no number of words outweighs.
    const NO_SUCH_WORD: i32 = -99;
    let is_in_word = |&index: &usize| spaces_in_words[index] || is_word_letter(chars[index].c);
    let is_letter_at = |&index: &usize| !is_inline_space(chars[index].c);
    let consonant = chars[vowel.consonant].c;
    let first = (0..vowel.consonant).rev().take(CONTEXT_CHARS).take_while(is_in_word);
    let first = first
        .filter(is_letter_at)
        .take(CONTEXT_LETTERS)
        .last()
        .unwrap_or(vowel.consonant);
    let before: String = (first..vowel.sara_aa)
        .filter(is_letter_at)
        .map(|index| chars[index].c)
        .skip_while(|&c| depends_on_consonant(c))
        .collect();
    let after = (vowel.sara_aa + 1..chars.len())
        .take(CONTEXT_CHARS)
        .take_while(is_in_word);
    let after = after.filter(is_letter_at).take(CONTEXT_LETTERS);
    let after: String = after.map(|index| chars[index].c).collect();
    let words = |vowel: char| segmenter.segment_str(&format!("{before}{vowel}{after}")).count() as i32;
    let usual = match vowel.kind {
        TornKind::Markless if after.is_empty() => {
            if matches!(
                consonant,
                'ก' | 'ข'
                    | 'ค'
                    | 'ง'
                    | 'จ'
                    | 'ช'
                    | 'ซ'
                    | 'ด'
                    | 'ต'
                    | 'ท'
                    | 'น'
                    | 'ย'
                    | 'ร'
                    | 'ล'
                    | 'อ'
            ) {
                1
            } else {
                -1
            }
        }
        // No text layer puts a space between a consonant and an า that stands beside it.
        TornKind::Markless => 3,
        TornKind::AfterMark => 1,
        TornKind::BeforeMark => match (consonant, before.chars().next_back()) {
            _ if !may_carry_toned_am(&before) => NO_SUCH_WORD,
            // น้ำ, ต่ำ, ซ้ำ and ย้ำ are common; but หน้า is more so, and with -ง it is ต่าง.
            ('น', _) if !before.trim_end_matches(is_tone_mark).ends_with("หน") => 1,
            ('ต', _) if !after.starts_with('ง') => 1,
            ('ซ' | 'ย', Some('\u{e49}')) => 1,
            _ => -1,
        },
    };
    2 * (words(SARA_AA) - words(SARA_AM)) + usual
}

/// Whether a Thai word has ำ after the consonant and tone mark at the end of a text, as น้ำ and คว่ำ have.
fn may_carry_toned_am(before: &str) -> bool {
    let mut end = before.chars().rev();
    match (end.next(), end.next()) {
        (Some('\u{e48}'), Some('ว')) => end.next() == Some('ค'),
        (Some('\u{e48}'), Some(c)) => "กขคฉจดตบมยรลหอ".contains(c),
        (Some('\u{e49}'), Some(c)) => "กขคงจชซถนปยลหอ".contains(c),
        _ => false,
    }
}

/// Whether the consonant at the end of `before` and the vowel before `after` are letters spelled out one by one: `ก า ร`.
fn is_spelled_out(before: &[SourceChar], after: &[SourceChar]) -> bool {
    let is_apart = |char: Option<&SourceChar>| char.is_none_or(|char| !is_word_letter(char.c));
    let is_single = |char: &SourceChar| is_word_letter(char.c) && !depends_on_consonant(char.c);
    // The letter before the consonant, or the one after the vowel, stands alone, and no mark is torn from it.
    let single_before = || {
        let rest = &before[..before.len() - 1];
        let rest = &rest[..rest.len() - rest.iter().rev().take_while(|char| is_inline_space(char.c)).count()];
        rest.last().is_some_and(is_single) && is_apart(rest.iter().nth_back(1))
    };
    let single_after = || {
        let rest = &after[count_spaces(after)..];
        let next = rest.iter().skip(1).find(|char| !is_inline_space(char.c));
        rest.first().is_some_and(is_single)
            && is_apart(rest.get(1))
            && next.is_none_or(|next| !depends_on_consonant(next.c))
    };
    is_apart(before.iter().nth_back(1)) && is_apart(after.first()) && (single_before() || single_after())
}

/// Whether a character is a Thai letter or mark that words are made of.
fn is_word_letter(c: char) -> bool {
    is_letter(c) && !matches!(c, 'ๆ' | 'ฯ')
}

/// Whether the marks at the end of a text include a nikhahit, the upper part of ำ.
fn ends_with_nikhahit(text: &[SourceChar]) -> bool {
    text.iter()
        .rev()
        .take_while(|char| is_thai_mark(char.c))
        .any(|char| char.c == NIKHAHIT)
}

/// Whether a character is written above, below or after a consonant and cannot start a word.
fn depends_on_consonant(c: char) -> bool {
    is_thai_mark(c) || matches!(c, 'ะ' | SARA_AA | SARA_AM)
}

/// Counts the white-space characters at the start of a text, up to the end of its line.
fn count_spaces(chars: &[SourceChar]) -> usize {
    chars.iter().take_while(|char| is_inline_space(char.c)).count()
}

/// Whether a character is white space within a line.
pub fn is_inline_space(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}
