//! Renderer of the `plain` format: the translation in place of the Thai, in the lines of the source, or for HTML with
//! one line per block.

use super::escape;
use super::parts::{is_copied_segment, join_block_texts, segment_target, visible_blocks};
use crate::document::{BilingualDocument, MarkupAmount, Segment};

/// Renders the translation of `doc` without its source.
pub(super) fn render_plain(doc: &BilingualDocument) -> String {
    // With `--split line`, markup was not interpreted: every line of the file is a segment.
    let by_line = doc.header.parameters.split == "line";
    match doc.header.format.markup_amount() {
        MarkupAmount::Tags if !by_line => render_one_line_per_block(doc),
        MarkupAmount::Light if !by_line => replace_segments_by_targets(doc, escape::escape_markdown_after),
        _ => replace_segments_by_targets(doc, |target, _| escape::put_on_one_line(target).into_owned()),
    }
}

/// Renders each block as one line, with a blank line between blocks.
fn render_one_line_per_block(doc: &BilingualDocument) -> String {
    let lines: Vec<String> = visible_blocks(doc)
        .map(|block| join_block_texts(&block, segment_target) + "\n")
        .collect();
    lines.join("\n")
}

/// Replaces each segment in the source by its translation; a copied segment keeps its source bytes. `escape(target,
/// before)` escapes a translation that will follow the output `before`.
fn replace_segments_by_targets(doc: &BilingualDocument, escape: impl Fn(&str, &str) -> String) -> String {
    let mut out = String::new();
    let mut previous: Option<&Segment> = None;
    for segment in &doc.segments {
        out.push_str(&segment.before);
        if previous.is_some_and(|previous| needs_space_between(previous, segment)) {
            out.push(' ');
        }
        if is_copied_segment(segment) {
            out.push_str(segment.raw.as_deref().unwrap_or(&segment.source));
        } else {
            let target = escape(&segment.target, &out);
            out.push_str(&target);
        }
        previous = Some(segment);
    }
    out.push_str(&doc.header.tail);
    out
}

/// Whether two adjacent segments need a space between their translations. Thai writes none between sentences, English
/// does.
fn needs_space_between(a: &Segment, b: &Segment) -> bool {
    a.block == b.block
        && b.before.is_empty()
        && !(is_copied_segment(a) && is_copied_segment(b))
        && a.target.ends_with(|c: char| !c.is_whitespace())
        && b.target.starts_with(|c: char| !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{make_document, make_segment};
    use super::*;
    use crate::document::{FinishReason, Format};

    #[test]
    fn lines_stay_lines() {
        let mut doc = make_document(
            Format::Text,
            vec![
                make_segment(0, "สวัสดี", "Hello,\r\nworld\u{2028}again\u{85}and\u{b}again"),
                make_segment(1, "", ""),
                make_segment(2, "a\u{2028}b", "a\u{2028}b"),
                make_segment(3, "ลาก่อน", ""),
            ],
        );
        doc.header.parameters.split = "line".into();
        for segment in &mut doc.segments[1..] {
            segment.before = "\r\n".into();
        }
        doc.header.tail = "\n".into();
        let text = render_plain(&doc);
        assert_eq!(text, "Hello, world again and again\r\n\r\na\u{2028}b\r\n\n");
        assert_eq!(text.lines().count(), doc.rebuild_source().lines().count());
    }

    #[test]
    fn markup_is_not_interpreted_by_line() {
        for format in [Format::Markdown, Format::Html] {
            let mut doc = make_document(format, vec![make_segment(0, "<b>ดี</b>", "<b>*Good*</b>")]);
            doc.header.parameters.split = "line".into();
            assert_eq!(render_plain(&doc), "<b>*Good*</b>");
        }
    }

    #[test]
    fn touching_sentences_get_a_space() {
        let mut doc = make_document(
            Format::Text,
            vec![
                make_segment(0, "ไปไหม?", "Will you go?"),
                make_segment(1, "ไม่ไป", "I will not."),
            ],
        );
        doc.segments[1].block = 0;
        assert_eq!(render_plain(&doc), "Will you go? I will not.");
        doc.segments[1].before = "   ".into();
        assert_eq!(render_plain(&doc), "Will you go?   I will not.");
    }

    #[test]
    fn copies_reproduce_the_source() {
        let mut doc = make_document(
            Format::Markdown,
            vec![make_segment(0, "a & b", "a & b"), make_segment(1, "c", "c")],
        );
        doc.segments[0].raw = Some("**a** &amp; b".into());
        doc.segments[0].before = "# ".into();
        doc.segments[0].finish = FinishReason::Copy;
        doc.segments[1].block = 0;
        doc.header.tail = "\n\n```\ncode\n```\n".into();
        assert_eq!(render_plain(&doc), doc.rebuild_source());
    }

    #[test]
    fn markdown_keeps_its_markup_and_escapes_the_rest() {
        let mut doc = make_document(
            Format::Markdown,
            vec![
                make_segment(0, "หัวข้อ", "1. Topic"),
                make_segment(1, "ข้อ", "# *Item*"),
                make_segment(2, "ช่อง", "a | b"),
            ],
        );
        doc.segments[0].before = "# ".into();
        doc.segments[1].before = "\n\n* ".into();
        doc.segments[2].before = "\n\n| x | ".into();
        doc.header.tail = " |\n".into();
        assert_eq!(
            render_plain(&doc),
            "# 1. Topic\n\n* \\# \\*Item\\*\n\n| x | a \\| b |\n"
        );
    }

    #[test]
    fn html_gives_one_line_a_block() {
        let mut doc = make_document(
            Format::Html,
            vec![
                make_segment(0, "หนึ่ง", "One."),
                make_segment(1, "สอง", "Two\nlines."),
                make_segment(2, "สาม", "Three."),
            ],
        );
        doc.segments[1].block = 0;
        doc.segments[1].before = "<br>".into();
        doc.segments[2].before = "</p><p>".into();
        assert_eq!(render_plain(&doc), "One. Two lines.\n\nThree.\n");
    }
}
