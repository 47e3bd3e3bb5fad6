//! Renderer of the `md` format: a table if all rows are short, otherwise each segment as a Thai quotation with the
//! English below.

use super::escape;
use super::parts::{
    closing_note, is_copied_segment, pad_to_width, segment_source, segment_target, visible_blocks, warnings_in_brackets,
};
use super::{Layout, plain};
use crate::document::{BilingualDocument, BlockKind, Format, Segment};
use unicode_width::UnicodeWidthStr;

/// The widest text, in terminal columns, that may stand in a table cell. A wider table is hard to read as text, and
/// cramped on a page.
const MAX_CELL_COLUMNS: usize = 40;

/// Renders `doc` as Markdown.
pub(super) fn render_markdown(doc: &BilingualDocument, layout: Layout) -> String {
    // A translated Markdown file replaces its source, so it gets no note at its end.
    if layout == Layout::Target && doc.header.format == Format::Markdown {
        return plain::render_plain(doc);
    }
    let blocks: Vec<Vec<&Segment>> = visible_blocks(doc).collect();
    let mut parts = Vec::new();
    let mut depth = 0;
    for section in blocks.chunk_by(|a, b| ![a[0].kind, b[0].kind].contains(&BlockKind::Heading)) {
        if layout == Layout::SideBySide && fits_table(section) {
            parts.push(section_table(section));
            depth = 0;
            continue;
        }
        for block in section {
            // An item more than one level deeper than the one before it would be read as code.
            depth = match block[0].kind {
                BlockKind::ListItem => usize::from(block[0].level).clamp(1, depth + 1),
                _ => 0,
            };
            parts.push(block_text(block, depth, layout));
        }
    }
    parts.push(format!("---\n\n*{}*\n", escape::escape_markdown(&closing_note(doc))));
    parts.join("\n\n")
}

/// Whether a section, the blocks between two headings, reads better as a table: it has several blocks, all of them
/// short, and none is a list item or a quotation.
fn fits_table(section: &[Vec<&Segment>]) -> bool {
    let is_row = |block: &Vec<&Segment>| !matches!(block[0].kind, BlockKind::ListItem | BlockKind::Quote);
    let fits =
        |segment: &&Segment| segment.source.width() <= MAX_CELL_COLUMNS && segment.target.width() <= MAX_CELL_COLUMNS;
    section.len() > 1 && section.iter().all(is_row) && section.iter().flatten().all(fits)
}

/// Renders a section, the blocks between two headings, as a table of two columns with one row per segment.
fn section_table(section: &[Vec<&Segment>]) -> String {
    let mut rows = vec![("Thai".to_owned(), "English".to_owned()), ("---".into(), "---".into())];
    let segments = section.iter().flatten();
    rows.extend(segments.map(|segment| (escape::escape_markdown(segment_source(segment)), english_text(segment))));
    let width = rows.iter().map(|(thai, _)| thai.width()).max().unwrap_or_default();
    let lines = rows
        .iter()
        .map(|(thai, english)| format!("| {} | {english} |", pad_to_width(thai, width)));
    lines.collect::<Vec<_>>().join("\n")
}

/// Renders a block: each segment quoted in Thai (unless its translation is a copy) with its English below, or the
/// English alone. `depth` is the nesting of a list item, from 1.
fn block_text(block: &[&Segment], depth: usize, layout: Layout) -> String {
    let kind = block[0].kind;
    let quoted = |segment: &Segment| {
        format!(
            "> {}",
            escape::escape_line_start(escape::escape_markdown(segment_source(segment)))
        )
    };
    let sentences: Vec<String> = block.iter().map(|segment| english_text(segment)).collect();
    let mut parts = Vec::new();
    if layout == Layout::Target || kind == BlockKind::Heading {
        if layout != Layout::Target {
            parts.extend(
                block
                    .iter()
                    .filter(|segment| !is_copied_segment(segment))
                    .map(|segment| quoted(segment)),
            );
        }
        let text = sentences.join(" ");
        parts.push(match kind {
            BlockKind::Heading => format!("{} {text}", "#".repeat(block[0].level.clamp(1, 6).into())),
            _ => escape::escape_line_start(text),
        });
    } else {
        for (segment, english) in block.iter().zip(sentences) {
            if !is_copied_segment(segment) {
                parts.push(quoted(segment));
            }
            parts.push(escape::escape_line_start(english));
        }
    }
    let text = parts.join("\n\n");
    match kind {
        BlockKind::ListItem => {
            let outer = "  ".repeat(depth.saturating_sub(1));
            prepend_to_lines(&text, &format!("{outer}- "), &format!("{outer}  "))
        }
        BlockKind::Quote => prepend_to_lines(&text, "> ", "> "),
        _ => text,
    }
}

/// Returns the translation of a segment, escaped for the middle of a Markdown line, followed by its
/// warnings.
fn english_text(segment: &Segment) -> String {
    let text = escape::escape_markdown(segment_target(segment));
    match warnings_in_brackets(segment) {
        Some(warnings) => format!("{text} **{}**", escape_warnings(&warnings))
            .trim_start()
            .to_owned(),
        None => text,
    }
}

/// Escapes warnings in brackets, whose own brackets are no markup: no link of that name is ever defined.
fn escape_warnings(warnings: &str) -> String {
    let inner = warnings.trim_start_matches('[').trim_end_matches(']');
    format!("[{}]", escape::escape_markdown(inner))
}

/// Puts `first` before the first line of `text`, and `rest` before every other line.
fn prepend_to_lines(text: &str, first: &str, rest: &str) -> String {
    let lines = text.lines().enumerate();
    let lines = lines.map(|(index, line)| {
        format!("{}{line}", if index == 0 { first } else { rest })
            .trim_end()
            .to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hostile_document, make_document, make_segment, sample_document};
    use super::*;
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    /// Returns the text that a Markdown reader displays, and whether paragraphs are the only markup it has.
    fn displayed_text(markdown: &str) -> (String, bool) {
        let mut text = String::new();
        let mut plain = true;
        for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
            match event {
                Event::Text(part) => text.push_str(&part),
                Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => {}
                _ => plain = false,
            }
        }
        (text, plain)
    }

    #[test]
    fn escapes_no_more_than_needed() {
        let cases = [
            (
                "a * b_c_ d_e `f` [g] <h> | ~i~ \\",
                r"a \* b_c\_ d_e \`f\` \[g\] &lt;h> \| \~i\~ \\",
            ),
            ("# x", r"\# x"),
            ("#hash #5 C#", "#hash #5 C#"),
            ("x ##", r"x \##"),
            ("1. x", r"1\. x"),
            ("2023) x", r"2023\) x"),
            ("1.5 x", "1.5 x"),
            ("- x", r"\- x"),
            ("-5 x", "-5 x"),
            ("---", r"\---"),
            ("===", r"\==="),
            ("> x", r"\> x"),
            ("AT&T &amp; &#3588; R&D;", "AT&T &amp;amp; &amp;#3588; R&amp;D;"),
            (" a\nb\u{0}c ", "a b c"),
        ];
        for (text, escaped) in cases {
            assert_eq!(escape::escape_line_start(escape::escape_markdown(text)), escaped);
        }
    }

    #[test]
    fn attacks_stay_text() {
        let structure = |doc: &BilingualDocument, layout| {
            let text = render_markdown(doc, layout);
            let events = Parser::new_ext(&text, Options::all());
            let events = events.filter(|event| !matches!(event, Event::Text(_) | Event::SoftBreak));
            events.map(|event| format!("{event:?}")).collect::<Vec<_>>()
        };
        let mut sample = sample_document();
        sample.header.format = Format::Text;
        let mut hostile_document = hostile_document();
        hostile_document.header.format = Format::Text;
        for layout in [Layout::Interleaved, Layout::Target] {
            assert_eq!(structure(&hostile_document, layout), structure(&sample, layout));
        }
    }

    #[test]
    fn rows_become_a_table_only_where_short() {
        let pairs = [("หนึ่ง", "One | two"), ("สอง", "Two")];
        let mut doc = make_document(
            Format::Text,
            pairs
                .iter()
                .enumerate()
                .map(|(id, (th, en))| make_segment(id, th, en))
                .collect(),
        );
        let text = render_markdown(&doc, Layout::SideBySide);
        assert!(
            text.starts_with("| Thai | English |\n| ---  | --- |\n| หนึ่ง  | One \\| two |\n| สอง  | Two |\n\n---\n"),
            "{text}"
        );
        assert!(
            render_markdown(&doc, Layout::Interleaved).starts_with("> หนึ่ง\n\nOne \\| two\n\n> สอง\n\nTwo\n\n---\n")
        );
        assert!(render_markdown(&doc, Layout::Target).starts_with("One \\| two\n\nTwo\n\n---\n"));
        doc.segments[1].target = "long ".repeat(20);
        assert!(render_markdown(&doc, Layout::SideBySide).starts_with("> หนึ่ง\n\n"));
    }

    #[test]
    fn lists_nest_without_becoming_code() {
        let mut segments: Vec<Segment> = (0..4).map(|id| make_segment(id, "ข้อ", "Item")).collect();
        for (segment, level) in segments.iter_mut().zip([3, 3, 3, 1]) {
            segment.kind = BlockKind::ListItem;
            segment.level = level;
        }
        let text = render_markdown(&make_document(Format::Text, segments), Layout::Interleaved);
        let items = "- > ข้อ\n\n  Item\n\n  - > ข้อ\n\n    Item\n\n    - > ข้อ\n\n      Item\n\n- > ข้อ\n\n  Item\n\n";
        assert!(text.starts_with(items), "{text}");
        let events = Parser::new(&text).filter(|event| matches!(event, Event::Start(Tag::CodeBlock(_))));
        assert_eq!(events.count(), 0);
    }

    proptest! {
        #[test]
        fn escaped_text_is_shown_as_it_is(text in "[a-c1-3ก &#;<>|*_~`=+.)(!:/\\\\\\[\\]\"'-]{0,24}") {
            let wanted = text.trim();
            let (displayed, plain) = displayed_text(&escape::escape_line_start(escape::escape_markdown(&text)));
            prop_assert!(plain || wanted.is_empty(), "{:?}", escape::escape_line_start(escape::escape_markdown(&text)));
            prop_assert_eq!(displayed.trim(), wanted);
        }

        #[test]
        fn escaped_text_is_shown_as_it_is_in_a_heading(text in "[a-c# *_-]{0,12}") {
            let heading = format!("# {}", escape::escape_markdown(&text));
            let mut seen = String::new();
            for event in Parser::new(&heading) {
                if let Event::Text(part) = event { seen.push_str(&part) }
            }
            prop_assert_eq!(seen.trim(), text.trim());
        }
    }
}
