//! Edited Markdown: each segment's Thai as a quotation with the English below, or both as a row of a table.

use super::{EditedOutput, EditedSegment, is_note, no_pairs_error};
use crate::document::BlockKind;
use crate::error::Result;
use crate::thai::encoding::decode_text;
use crate::thai::has_thai;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// A paragraph, heading or table cell.
struct Leaf {
    text: String,
    /// The level of a heading; 0 for other leaves.
    heading: u8,
    /// Number of quotations that the leaf stands in.
    quotes: usize,
    /// The number of the innermost quotation, by which leaves of the same quotation are known.
    quote: usize,
    /// The number and depth of the list item that the leaf stands in.
    item: Option<(usize, u8)>,
}

pub(super) fn read_markdown(bytes: &[u8]) -> Result<EditedOutput> {
    let text = decode_text(bytes, None)?.text;
    let mut page = Page::default();
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        page.handle_event(event);
    }
    page.end_leaf(0);
    page.pair_leaves();
    if page.segments.iter().all(|segment| segment.source == segment.target) {
        let which = "Markdown with both languages, by";
        return Err(no_pairs_error("no Thai quoted above English", which, "md"));
    }
    Ok(EditedOutput {
        // A paragraph that somebody added looks like one without Thai.
        has_segments_only: page.segments.iter().all(|segment| segment.source != segment.target),
        segments: page.segments,
        note: page.note,
        ..EditedOutput::default()
    })
}

/// State of reading a page.
#[derive(Default)]
struct Page {
    text: String,
    leaves: Vec<Leaf>,
    /// Numbers of the open quotations.
    quotes: Vec<usize>,
    /// Numbers of the open list items.
    items: Vec<usize>,
    /// Number of quotations and list items so far.
    count: usize,
    /// Cells of the open row of a table; none outside of tables' bodies.
    cells: Vec<String>,
    in_table_head: bool,
    segments: Vec<EditedSegment>,
    blocks: usize,
    note: Option<String>,
}

impl Page {
    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Text(text) | Event::Code(text) => self.text.push_str(&text),
            Event::SoftBreak | Event::HardBreak => self.text.push(' '),
            Event::Start(Tag::BlockQuote(_)) => {
                self.end_leaf(0);
                self.count += 1;
                self.quotes.push(self.count);
            }
            Event::End(TagEnd::BlockQuote(_)) => {
                self.end_leaf(0);
                self.quotes.pop();
            }
            Event::Start(Tag::Item) => {
                self.end_leaf(0);
                self.count += 1;
                self.items.push(self.count);
            }
            Event::End(TagEnd::Item) => {
                self.end_leaf(0);
                self.items.pop();
            }
            Event::Start(Tag::TableHead) => self.in_table_head = true,
            Event::End(TagEnd::TableHead) => {
                self.in_table_head = false;
                self.cells.clear();
            }
            Event::Start(Tag::Table(_)) => {
                self.end_leaf(0);
                self.pair_leaves();
            }
            Event::End(TagEnd::TableCell) => self.cells.push(std::mem::take(&mut self.text)),
            Event::End(TagEnd::TableRow) => {
                let cells = std::mem::take(&mut self.cells);
                if let [source, target, ..] = &cells[..] {
                    self.blocks += 1;
                    self.push_segment(source, target, BlockKind::Cell, 0);
                }
            }
            Event::End(TagEnd::Heading(level)) => self.end_leaf(level as u8),
            Event::Start(Tag::Paragraph | Tag::Heading { .. }) | Event::End(TagEnd::Paragraph) => self.end_leaf(0),
            _ => {}
        }
    }

    fn end_leaf(&mut self, heading: u8) {
        let text = std::mem::take(&mut self.text);
        if text.trim().is_empty() {
            return;
        }
        if is_note(&text) {
            self.note = Some(text);
            return;
        }
        self.leaves.push(Leaf {
            text,
            heading,
            quotes: self.quotes.len(),
            quote: self.quotes.last().copied().unwrap_or_default(),
            item: self.items.last().map(|item| (*item, self.items.len().min(9) as u8)),
        });
    }

    /// Makes segments of the leaves so far: a quotation of one Thai paragraph is the source of the text after it.
    fn pair_leaves(&mut self) {
        let leaves = std::mem::take(&mut self.leaves);
        let mut sources: Vec<String> = Vec::new();
        let mut last_item = None;
        for (index, leaf) in leaves.iter().enumerate() {
            let shares_quote =
                |other: Option<&Leaf>| other.is_some_and(|other| leaf.quotes > 0 && other.quote == leaf.quote);
            let before = index.checked_sub(1).and_then(|before| leaves.get(before));
            let is_source = leaf.quotes > 0
                && has_thai(&leaf.text)
                && !shares_quote(before)
                && !shares_quote(leaves.get(index + 1));
            if is_source {
                sources.push(leaf.text.clone());
                continue;
            }
            let (kind, level) = match (leaf.heading, leaf.item, leaf.quotes) {
                (0, Some((_, depth)), _) => (BlockKind::ListItem, depth),
                (0, None, 0) => (BlockKind::Paragraph, 0),
                (0, None, _) => (BlockKind::Quote, 0),
                (heading, ..) => (BlockKind::Heading, heading),
            };
            if leaf.item.is_none() || last_item != leaf.item {
                self.blocks += 1;
            }
            last_item = leaf.item;
            let target = without_warnings(&leaf.text);
            if kind == BlockKind::Heading && sources.len() > 1 {
                let source = sources.join(" ");
                self.push_segment(&source, target, kind, level);
            } else {
                // Of several quotations, only the last has a translation left.
                let source = sources.pop().unwrap_or_else(|| target.to_owned());
                for source in &sources {
                    self.push_segment(source, "", kind, level);
                }
                self.push_segment(&source, target, kind, level);
            }
            sources.clear();
        }
        for source in &sources {
            self.blocks += 1;
            self.push_segment(source, "", BlockKind::Paragraph, 0);
        }
    }

    fn push_segment(&mut self, source: &str, target: &str, kind: BlockKind, level: u8) {
        self.segments.push(EditedSegment {
            source: source.trim().to_owned(),
            target: without_warnings(target).to_owned(),
            block: self.blocks,
            kind,
            level,
        });
    }
}

/// Removes the warnings in brackets (`[! truncated]`) from the end of a translation.
fn without_warnings(text: &str) -> &str {
    let text = text.trim();
    let start = text.strip_suffix(']').and_then(|_| text.rfind("[! "));
    start.map_or(text, |start| text[..start].trim_end())
}
