//! Whether a text is hard-wrapped: its lines broken near one width by a program or a typist, and not where paragraphs end.

use super::{is_space, is_thai};
use icu_segmenter::LineSegmenter;
use unicode_width::UnicodeWidthStr;

/// Widths that people and programs wrap at; longer lines are paragraphs, shorter ones names or verse.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=130;
/// Line breaks after which more would tell nothing new.
const ENOUGH: usize = 2000;
/// The longest word that is expected to have been moved to the next line, in columns.
const WORD: usize = 16;

/// How a text was wrapped.
#[derive(Clone, Copy)]
pub(super) struct Wrapping {
    width: usize,
    measure: fn(&str) -> usize,
    /// Lines were broken at spaces only, so that each break stands for one.
    pub at_spaces: bool,
}

impl Wrapping {
    /// What most of the `breaks` agree on: pairs of lines that follow each other, the first of them with its indentation.
    ///
    /// A line that was wrapped has no room for what the next one begins with: a word, or where a program knows no Thai
    /// words a whole phrase. Chance makes a line as full as that for a word in one case of ten, for a phrase in one of two.
    pub fn of(breaks: &[(&str, &str)]) -> Option<Self> {
        let breaks = &breaks[..breaks.len().min(ENOUGH)];
        // A program counts either columns or characters, and Thai has marks that are characters without a column.
        let measures: [fn(&str) -> usize; 2] = [UnicodeWidthStr::width, |line| line.chars().count()];
        let words: Vec<&str> = breaks.iter().map(|(_, next)| first_word(next)).collect();
        let is_torn = breaks.iter().any(|(line, next)| is_torn(line, next));
        let mut best: Option<(usize, Self)> = None;
        for at_spaces in [false, true] {
            for measure in measures {
                // A line that cannot be broken may be too long.
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
                    // Headers, addresses and signatures have short lines in any text.
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

    /// Whether the beginning of `next` had no room on `line`, as far as words are known.
    pub fn is_full(&self, line: &str, next: &str) -> bool {
        let phrase = first_phrase(next);
        let length = (self.measure)(phrase);
        let moved = if self.at_spaces || !phrase.starts_with(is_thai) {
            length
        } else {
            length.min(WORD)
        };
        (self.measure)(line) + moved + 1 > self.width
    }
}

/// Whether a sentence goes over a line end for sure: no sentence ends or begins with such a word.
fn is_torn(line: &str, next: &str) -> bool {
    const OPEN: [&str; 20] = [
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
    const CLOSING: [&str; 17] = [
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
    OPEN.iter().any(|word| line.ends_with(word))
        || CLOSING.iter().any(|word| next.starts_with(word))
        || next.starts_with(char::is_lowercase)
}

/// All before the first space.
fn first_phrase(line: &str) -> &str {
    line.trim_start_matches(is_space)
        .split(is_space)
        .next()
        .unwrap_or_default()
}

/// The first piece that a program which knows Thai words would not break.
fn first_word(line: &str) -> &str {
    let phrase = first_phrase(line);
    // No word is longer, and lines may be.
    let phrase = &phrase[..phrase.floor_char_boundary(90)];
    let end = LineSegmenter::new_dictionary(Default::default())
        .segment_str(phrase)
        .find(|end| *end > 0);
    &phrase[..end.unwrap_or(phrase.len())]
}
