//! Detection of hard-wrapped text, whose lines a program or a typist broke near one width.

use super::{is_space, is_thai};
use icu_segmenter::LineSegmenter;
use unicode_width::UnicodeWidthStr;

/// The line widths, in columns or characters, of texts that may be hard-wrapped. Texts with longer lines have one
/// paragraph per line; texts with shorter lines are lists of names, or verse.
const WRAP_WIDTHS: std::ops::RangeInclusive<usize> = 40..=130;
/// The maximum number of line breaks that detection looks at; more would not change the result.
const MAX_LINE_BREAKS: usize = 2000;
/// The longest Thai word, in columns, that is assumed to have moved to the next line.
const MAX_MOVED_WORD_COLUMNS: usize = 16;

/// The width at which a text was hard-wrapped, and where its lines were broken.
#[derive(Clone, Copy)]
pub(super) struct HardWrapping {
    /// The length of the longest line, in terminal columns or characters, as `measure` counts.
    width: usize,
    /// The function that measures a line, in terminal columns or in characters.
    measure: fn(&str) -> usize,
    /// Whether lines were broken only at spaces, so that each line break stands for a space.
    pub at_spaces: bool,
}

impl HardWrapping {
    /// Detects how a text was wrapped, from its line breaks. Each of `breaks` is a pair of adjacent lines, the first
    /// with its indentation. Returns None if the text is not evidently wrapped.
    ///
    /// A wrapped line has no room for the first word of the next line; if the program that wrapped the text does not
    /// know Thai words, it has no room for the text before the next line's first space. In text that is not wrapped,
    /// about one line in ten has no room for the next word, and one in two has no room for the text before the next
    /// space.
    pub fn detect_hard_wrapping(breaks: &[(&str, &str)]) -> Option<Self> {
        let breaks = &breaks[..breaks.len().min(MAX_LINE_BREAKS)];
        // A program counts either columns or characters, and Thai has marks that are characters without a column.
        let measures: [fn(&str) -> usize; 2] = [UnicodeWidthStr::width, |line| line.chars().count()];
        let words: Vec<&str> = breaks.iter().map(|(_, next)| first_word(next)).collect();
        let is_sentence_broken_over_lines = breaks
            .iter()
            .any(|(line, next)| is_sentence_broken_over_lines(line, next));
        let mut best: Option<(usize, Self)> = None;
        for at_spaces in [false, true] {
            for measure in measures {
                // A line that cannot be broken may be longer than the width, so it tells nothing about the width.
                let is_breakable = |line: &str| line.contains(is_space) || !at_spaces && line.contains(is_thai);
                let breakable = breaks
                    .iter()
                    .filter(|(line, _)| is_breakable(line.trim_start_matches(is_space)));
                let lengths: Vec<usize> = breakable.map(|(line, _)| measure(line)).collect();
                let width = lengths.iter().copied().max().unwrap_or(0);
                let long = breaks.iter().filter(|(line, _)| measure(line) * 2 >= width).count();
                let is_full = |(&(line, next), word): (&(&str, &str), &&str)| {
                    let moved = if at_spaces {
                        measure(first_phrase(next))
                    } else {
                        measure(word)
                    };
                    measure(line) + moved + 1 > width
                };
                let full = breaks.iter().zip(&words).filter(|pair| is_full(*pair)).count();
                let is_evident = match at_spaces {
                    // Headers, addresses and signatures have short lines in wrapped text too.
                    false if is_sentence_broken_over_lines => {
                        full >= 3 && full * 2 >= breaks.len() && full * 4 >= long * 3
                    }
                    false => full >= 12 && full * 10 >= breaks.len() * 9,
                    true => {
                        let phrases: usize = breaks.iter().map(|(line, _)| line.split_whitespace().count()).sum();
                        breaks.len() >= 10
                            && full * 20 >= breaks.len() * 19
                            && phrases * 2 >= breaks.len() * 5
                            && lengths.len() * 3 >= breaks.len() * 2
                    }
                };
                if WRAP_WIDTHS.contains(&width) && is_evident && best.is_none_or(|(most, _)| full > most) {
                    best = Some((
                        full,
                        Self {
                            width,
                            measure,
                            at_spaces,
                        },
                    ));
                }
            }
            if best.is_some() {
                break;
            }
        }
        best.map(|(_, wrapping)| wrapping)
    }

    /// Whether `line` had no room for the beginning of `next`. The Thai word at the beginning of `next` is assumed to
    /// be at most [`MAX_MOVED_WORD_COLUMNS`] columns wide.
    pub fn is_line_full(&self, line: &str, next: &str) -> bool {
        let phrase = first_phrase(next);
        let length = (self.measure)(phrase);
        let moved = if self.at_spaces || !phrase.starts_with(is_thai) {
            length
        } else {
            length.min(MAX_MOVED_WORD_COLUMNS)
        };
        (self.measure)(line) + moved + 1 > self.width
    }
}

/// Whether a sentence certainly continues from `line` to `next`: `line` ends with a word that ends no sentence, or
/// `next` begins with a word or lower-case letter that begins none.
pub(super) fn is_sentence_broken_over_lines(line: &str, next: &str) -> bool {
    const WORDS_NEVER_LAST: [&str; 20] = [
        "และ",
        "หรือ",
        "ของ",
        "ว่า",
        "โดย",
        "ซึ่ง",
        "เพื่อ",
        "จะ",
        "ใน",
        "จาก",
        "แห่ง",
        "ระหว่าง",
        "เป็น",
        "กำลัง",
        "แต่",
        "ด้าน",
        "กับ",
        "แก่",
        "สำหรับ",
        "เมื่อ",
    ];
    const WORDS_NEVER_FIRST: [&str; 17] = [
        "ของ",
        "ว่า",
        "กับ",
        "แก่",
        "ไว้",
        "แล้ว",
        "อยู่",
        "นี้",
        "นั้น",
        "ๆ",
        "ด้วย",
        "ขึ้น",
        "กัน",
        "ดังกล่าว",
        "แห่ง",
        "จะ",
        "เพิ่มเติม",
    ];
    let (line, next) = (line.trim_end_matches(is_space), next.trim_start_matches(is_space));
    WORDS_NEVER_LAST.iter().any(|word| line.ends_with(word))
        || WORDS_NEVER_FIRST.iter().any(|word| next.starts_with(word))
        || next.starts_with(char::is_lowercase)
}

/// Returns the text of a line up to its first space.
fn first_phrase(line: &str) -> &str {
    line.trim_start_matches(is_space)
        .split(is_space)
        .next()
        .unwrap_or_default()
}

/// Returns the first word of a line: the text that a program that knows Thai words would not break.
fn first_word(line: &str) -> &str {
    let phrase = first_phrase(line);
    // No word is longer than 90 bytes, but the text before a space may be very long.
    let phrase = &phrase[..phrase.floor_char_boundary(90)];
    let end = LineSegmenter::new_dictionary(Default::default())
        .segment_str(phrase)
        .find(|end| *end > 0);
    &phrase[..end.unwrap_or(phrase.len())]
}
