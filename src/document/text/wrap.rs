//! Detection of hard-wrapped text, whose lines were broken near one width by a program or a typist.

use super::{is_space, is_thai};
use icu_segmenter::LineSegmenter;
use unicode_width::UnicodeWidthStr;

/// The widths that texts are wrapped at. Texts with longer lines have a paragraph per line; texts with shorter ones are
/// lists of names, or verse.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=130;
/// The most line breaks that are looked at; more would tell nothing new.
const MAX_BREAKS: usize = 2000;
/// The longest Thai word that is expected to have moved to the next line, in columns.
const MAX_MOVED_WORD: usize = 16;

/// The way in which a text was wrapped.
#[derive(Clone, Copy)]
pub(super) struct Wrapping {
    /// The length of the longest line, as `measure` counts.
    width: usize,
    /// Counts a line's length in columns or in characters.
    measure: fn(&str) -> usize,
    /// Whether lines were broken at spaces only, so that each break stands for a space.
    pub at_spaces: bool,
}

impl Wrapping {
    /// Detects the wrapping that most of the `breaks` agree on. These are pairs of adjacent lines, the first with its
    /// indentation. None where the text is not evidently wrapped.
    ///
    /// A wrapped line has no room for the first word of the next line, or for its first phrase where the program that
    /// wrapped it does not know Thai words. By chance, one line of ten is that full for a word, and one of two for a phrase.
    pub fn detect(breaks: &[(&str, &str)]) -> Option<Self> {
        let breaks = &breaks[..breaks.len().min(MAX_BREAKS)];
        // A program counts either columns or characters, and Thai has marks that are characters without a column.
        let measures: [fn(&str) -> usize; 2] = [UnicodeWidthStr::width, |line| line.chars().count()];
        let words: Vec<&str> = breaks.iter().map(|(_, next)| first_word(next)).collect();
        let is_torn = breaks.iter().any(|(line, next)| is_torn(line, next));
        let mut best: Option<(usize, Self)> = None;
        for at_spaces in [false, true] {
            for measure in measures {
                // A line without a possible break may be longer than the width, so it tells nothing about it.
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
                    false if is_torn => full >= 3 && full * 2 >= breaks.len() && full * 4 >= long * 3,
                    false => full >= 12 && full * 10 >= breaks.len() * 9,
                    true => {
                        let phrases: usize = breaks.iter().map(|(line, _)| line.split_whitespace().count()).sum();
                        breaks.len() >= 10
                            && full * 20 >= breaks.len() * 19
                            && phrases * 2 >= breaks.len() * 5
                            && lengths.len() * 3 >= breaks.len() * 2
                    }
                };
                if WIDTHS.contains(&width) && is_evident && best.is_none_or(|(most, _)| full > most) {
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

    /// Whether `line` had no room for the beginning of `next`. A Thai word is taken to be no wider than
    /// [`MAX_MOVED_WORD`].
    pub fn is_full(&self, line: &str, next: &str) -> bool {
        let phrase = first_phrase(next);
        let length = (self.measure)(phrase);
        let moved = if self.at_spaces || !phrase.starts_with(is_thai) {
            length
        } else {
            length.min(MAX_MOVED_WORD)
        };
        (self.measure)(line) + moved + 1 > self.width
    }
}

/// Whether a sentence certainly continues from `line` to `next`: no sentence ends or begins with such a word.
fn is_torn(line: &str, next: &str) -> bool {
    const NEVER_LAST: [&str; 20] = [
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
    const NEVER_FIRST: [&str; 17] = [
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
    NEVER_LAST.iter().any(|word| line.ends_with(word))
        || NEVER_FIRST.iter().any(|word| next.starts_with(word))
        || next.starts_with(char::is_lowercase)
}

/// The text before the first space.
fn first_phrase(line: &str) -> &str {
    line.trim_start_matches(is_space)
        .split(is_space)
        .next()
        .unwrap_or_default()
}

/// The first piece that a program which knows Thai words would keep on one line.
fn first_word(line: &str) -> &str {
    let phrase = first_phrase(line);
    // No word is longer than 90 bytes, and a phrase may be very long.
    let phrase = &phrase[..phrase.floor_char_boundary(90)];
    let end = LineSegmenter::new_dictionary(Default::default())
        .segment_str(phrase)
        .find(|end| *end > 0);
    &phrase[..end.unwrap_or(phrase.len())]
}
