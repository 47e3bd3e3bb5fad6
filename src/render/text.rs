//! Renderer of the `text` format: Thai and English lines in pairs for pipes and files; two columns or wrapped lines on
//! a terminal.

use super::escape::put_on_one_line;
use super::parts::{closing_note, pad_to_width, segment_source, segment_target, visible_blocks, warnings_in_brackets};
use super::{Layout, RenderOptions};
use crate::document::{BilingualDocument, Segment};
use icu_segmenter::{GraphemeClusterSegmenter, GraphemeClusterSegmenterBorrowed};
use icu_segmenter::{LineSegmenter, LineSegmenterBorrowed};
use unicode_width::UnicodeWidthStr;

/// The separator between the Thai and the English column.
const GUTTER: &str = " │ ";
/// The indentation of English lines below wrapped Thai lines, to tell the two apart.
const ENGLISH_LINE_INDENT: &str = "  ";
/// The narrowest terminal, in columns, on which Thai and English stand side by side.
const MIN_SIDE_BY_SIDE_COLUMNS: usize = 40;

/// Renders `doc` as text. `options.width` is the width of the terminal in columns; without a width, lines are not
/// wrapped.
pub(super) fn render_text(doc: &BilingualDocument, options: &RenderOptions) -> String {
    let wrapper = LineWrapper::new();
    let mut out = String::new();
    for block in visible_blocks(doc) {
        match (options.layout, options.width) {
            (Layout::Target, width) => {
                let sentences: Vec<String> = block.iter().map(|segment| english_text(segment)).collect();
                push_lines(&mut out, wrapper.wrap_text(&sentences.join(" "), width));
            }
            (Layout::SideBySide, Some(width)) if width >= MIN_SIDE_BY_SIDE_COLUMNS => {
                for segment in block {
                    push_lines(&mut out, paired_columns(&wrapper, segment, width));
                }
            }
            (_, width) => {
                let indent = if width.is_some() { ENGLISH_LINE_INDENT } else { "" };
                for segment in block {
                    push_lines(
                        &mut out,
                        wrapper.wrap_text(&put_on_one_line(segment_source(segment)), width),
                    );
                    let english = wrapper.wrap_text(
                        &english_text(segment),
                        width.map(|width| width.saturating_sub(indent.len())),
                    );
                    push_lines(&mut out, english.into_iter().map(|line| format!("{indent}{line}")));
                }
            }
        }
        out.push('\n');
    }
    push_lines(
        &mut out,
        wrapper.wrap_text(&format!("[{}]", closing_note(doc)), options.width),
    );
    out
}

fn push_lines(out: &mut String, lines: impl IntoIterator<Item = String>) {
    for line in lines {
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// Returns the translation of a segment on one line, followed by its warnings.
fn english_text(segment: &Segment) -> String {
    match warnings_in_brackets(segment) {
        Some(warnings) => format!("{} {warnings}", put_on_one_line(segment_target(segment)))
            .trim_start()
            .to_owned(),
        None => put_on_one_line(segment_target(segment)).into_owned(),
    }
}

/// Lays out one segment in two columns, Thai and English, that begin on the same line. Returns the lines, `width`
/// terminal columns wide.
fn paired_columns(wrapper: &LineWrapper, segment: &Segment, width: usize) -> Vec<String> {
    let left = (width - GUTTER.width()) / 2;
    let right = width - GUTTER.width() - left;
    let thai = wrapper.wrap_text(&put_on_one_line(segment_source(segment)), Some(left));
    let english = wrapper.wrap_text(&english_text(segment), Some(right));
    let side = |lines: &[String], row: usize| lines.get(row).cloned().unwrap_or_default();
    (0..thai.len().max(english.len()))
        .map(|row| {
            format!(
                "{}{GUTTER}{}",
                pad_to_width(&side(&thai, row), left),
                side(&english, row)
            )
        })
        .collect()
}

/// Breaks lines where Unicode allows a break: in Thai between words, and inside a word only if the word is wider than a
/// line.
///
/// ICU's neural model finds the Thai words. ICU's dictionary is not used, because it takes the longest match and leaves
/// scraps of words (`ผลง/า/นท/า/งวิ/ทยา` for `ผลงาน/ทาง/วิทยา`), which are plain to see at the end of a line.
struct LineWrapper {
    line_breaks: LineSegmenterBorrowed<'static>,
    graphemes: GraphemeClusterSegmenterBorrowed<'static>,
}

impl LineWrapper {
    fn new() -> Self {
        Self {
            line_breaks: LineSegmenter::new_auto(Default::default()),
            graphemes: GraphemeClusterSegmenter::new(),
        }
    }

    /// Breaks `text` into lines of at most `width` terminal columns. Returns at least one line, and exactly one if
    /// `width` is `None`.
    fn wrap_text(&self, text: &str, width: Option<usize>) -> Vec<String> {
        let Some(width) = width else {
            return vec![text.to_owned()];
        };
        let mut lines = Vec::new();
        let mut line = String::new();
        let mut add = |line: &mut String, piece: &str| {
            if !line.is_empty() && line.width() + piece.trim_end().width() > width {
                lines.push(std::mem::take(line).trim_end().to_owned());
            }
            line.push_str(piece);
        };
        let mut start = 0;
        for end in self
            .line_breaks
            .segment_str(text)
            .filter(|end| *end > 0 && !would_split_word(text, *end))
        {
            let piece = &text[start..end];
            start = end;
            if piece.trim_end().width() <= width {
                add(&mut line, piece);
            } else {
                let mut start = 0;
                for end in self.graphemes.segment_str(piece).filter(|end| *end > 0) {
                    add(&mut line, &piece[start..end]);
                    start = end;
                }
            }
        }
        lines.push(line.trim_end().to_owned());
        lines
    }
}

/// Whether Thai spelling forbids a line break before byte `index`: no word ends with a vowel that is written before its
/// consonant, and no word begins with a vowel or mark that belongs to the letter before it. The word segmenter only
/// guesses at names and misspelt words, so it may suggest such a break.
fn would_split_word(text: &str, index: usize) -> bool {
    let (before, after) = text.split_at(index);
    let lacks_consonant = !after.is_empty() && before.ends_with(|c| matches!(c, 'เ'..='ไ'));
    lacks_consonant || after.starts_with(|c| matches!(c, 'ฯ'..='ฺ' | 'ๅ'..='๎'))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{make_document, make_segment};
    use super::*;
    use crate::document::{Findings, Flag, Format};
    use proptest::prelude::*;

    fn text(doc: &BilingualDocument, layout: Layout, width: Option<usize>) -> String {
        render_text(doc, &RenderOptions { layout, width })
    }

    #[test]
    fn pipes_get_paired_lines() {
        let mut doc = make_document(
            Format::Text,
            vec![
                make_segment(0, "หนึ่ง", "One\nline.\u{1b}[31m"),
                make_segment(1, "สอง", "Two."),
                make_segment(2, "", ""),
                make_segment(3, "สาม", ""),
            ],
        );
        doc.segments[1].block = 0;
        doc.segments[3].findings = Findings::from_iter([Flag::NoThai, Flag::Empty]);
        let head = "หนึ่ง\nOne line. [31m\nสอง\nTwo.\n\nสาม\n[! empty]\n\n[Machine translated from Thai by plae";
        for layout in [Layout::SideBySide, Layout::Interleaved] {
            let text = text(&doc, layout, None);
            assert!(text.starts_with(head), "{text}");
            assert!(text.ends_with("]\n"));
        }
        let text = text(&doc, Layout::Target, None);
        assert!(
            text.starts_with("One line. [31m Two.\n\n[! empty]\n\n[Machine"),
            "{text}"
        );
    }

    #[test]
    fn thai_breaks_between_words_and_marks_stay_on_their_letters() {
        let wrapper = LineWrapper::new();
        let lines = wrapper.wrap_text("การประชุมอินเทอร์เน็ตโลก", Some(10));
        assert_eq!(lines, ["การประชุม", "อินเทอร์เน็ต", "โลก"]);
        // A decomposed SARA AM, as in the example article, is one vowel all the same.
        let lines = wrapper.wrap_text("ผลงานทางวิทยาศาสตร์กระทํา", Some(9));
        assert_eq!(lines, ["ผลงานทาง", "วิทยาศาสตร์", "กระทํา"]);
        let lines = wrapper.wrap_text("กี้กี้กี้กี้", Some(2));
        assert_eq!(lines, ["กี้กี้", "กี้กี้"]);
        assert_eq!("น้ำ".width(), 2);
        assert_eq!(wrapper.wrap_text("เ", Some(2)), ["เ"]);
        assert_eq!(wrapper.wrap_text("", Some(2)), [""]);
    }

    #[test]
    fn columns_are_level() {
        let doc = make_document(
            Format::Text,
            vec![make_segment(
                0,
                "จีนสนับสนุนให้การพัฒนามาก่อน",
                "China supports putting development first",
            )],
        );
        let text = text(&doc, Layout::SideBySide, Some(43));
        let rows: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).collect();
        assert_eq!(rows.len(), 3, "{text}");
        for row in rows {
            assert_eq!(row[..row.find('│').unwrap()].width(), 21, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_letter_is_lost(text in "[ก-๛a-z .“”🙂\u{200B}]{0,80}", width in 2usize..40) {
            let text = put_on_one_line(&text).into_owned();
            let lines = LineWrapper::new().wrap_text(&text, Some(width));
            let whole = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(whole(&lines.concat()), whole(&text));
            for line in lines {
                let one = GraphemeClusterSegmenter::new().segment_str(&line).count() <= 2;
                prop_assert!(line.width() <= width || one, "{:?}", line);
            }
        }
    }
}
