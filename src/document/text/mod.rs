//! Reader of plain text, which finds blocks by layout alone.
//!
//! Each line gets a role by its own words (`line`), rows of tables are found (`table`), hard-wrapped lines are joined
//! (`wrap`), also across the break of a page (`page`), and headings are recognised by the lines around them (`heading`).

mod heading;
mod line;
mod page;
mod table;
#[cfg(test)]
mod tests;
mod wrap;

use super::{Block, BlockKind, ParagraphRule, ReaderOutput, is_space};
use crate::span::Span;
use crate::thai::VisibleText;
use line::{LineRole, is_thai, line_role, parse_item_number};
use unicode_width::UnicodeWidthStr;
use wrap::HardWrapping;

/// The longest line that may be a title, in characters. Headlines of Thai news have up to 210.
const MAX_TITLE_CHARS: usize = 220;

/// Reads plain text into blocks. The layout is told from the visible text, so that invisible characters in the source
/// make no table and hide no list marker.
pub(super) fn read_plain_text(source: &str, paragraphs: ParagraphRule) -> ReaderOutput {
    let visible = VisibleText::new(source);
    let text = visible.text();
    let mut lines = find_text_lines(text);
    let wrapping = match paragraphs {
        ParagraphRule::Line => None,
        ParagraphRule::Auto | ParagraphRule::BlankLine => {
            HardWrapping::detect_hard_wrapping(&pairs_of_joinable_lines(text, &lines))
        }
    };
    if paragraphs != ParagraphRule::Line {
        lines = page::join_pages(text, lines, wrapping);
    }
    let mut units = join_lines_to_blocks(text, &lines, paragraphs, wrapping);
    let unwrapped =
        paragraphs == ParagraphRule::Auto && wrapping.is_some() && units.iter().any(|unit| unit.pieces.len() > 1);
    mark_bylines(text, &mut units);
    heading::mark_headings(text, &mut units);
    let wrapped_at_spaces = wrapping.is_some_and(|wrapping| wrapping.at_spaces);
    ReaderOutput {
        blocks: units
            .iter()
            .map(|unit| unit.to_block(source, &visible, wrapped_at_spaces))
            .collect(),
        unwrapped,
        omitted: Vec::new(),
    }
}

/// Classifies a paragraph of any format by its words alone, as a caption, metadata or an ordinary paragraph.
pub(super) fn paragraph_kind(text: &str) -> BlockKind {
    match line::metadata_role(VisibleText::new(text).text()) {
        Some(LineRole::Credit) => BlockKind::Caption,
        Some(LineRole::Metadata | LineRole::Date) => BlockKind::Metadata,
        _ => BlockKind::Paragraph,
    }
}

/// A line of the source that is not blank.
struct TextLine {
    /// The byte range of the line without its line end.
    whole: Span,
    /// The byte range of the line without white space at its ends.
    text: Span,
    role: LineRole,
    /// Whether the line follows a blank line or is the first of the source.
    after_blank: bool,
    /// Whether the line goes on with the sentence of the line before it, on another page.
    continues_page: bool,
    /// The byte ranges of the cells if the line is a row of a table; empty for other lines.
    cells: Vec<Span>,
}

impl TextLine {
    /// Returns the width of the white space at the start of the line, in terminal columns; a tab counts as eight.
    fn indent_columns(&self, source: &str) -> usize {
        let space = &source[self.whole.start..self.text.start];
        space.width() + 7 * space.matches('\t').count()
    }

    /// Returns the line with its indentation, without white space at its end.
    fn visible_text<'a>(&self, source: &'a str) -> &'a str {
        &source[self.whole.start..self.text.end]
    }

    fn is_table_row(&self) -> bool {
        !self.cells.is_empty()
    }
}

/// A block under construction: one line of plain text, or several lines that are joined.
struct UnfinishedBlock {
    kind: BlockKind,
    level: u8,
    /// The role of the first line of this block under construction.
    role: LineRole,
    /// The byte range of the text of each line of the block, without list markers, quotation marks (`>`) and white
    /// space at its ends.
    pieces: Vec<Span>,
    /// The byte range of the block's first line, including the marker of a list item or quotation.
    first_with_marker: Span,
    /// The indentation of the block's first line, in terminal columns.
    indent: usize,
    /// Whether the block follows a blank line or a horizontal rule, or is the first of the source.
    after_blank: bool,
    /// Whether the block is followed by a blank line, a horizontal rule or the end of the source.
    before_blank: bool,
    /// The byte range of the horizontal rule directly below the block, if there is one.
    underline: Option<Span>,
}

impl UnfinishedBlock {
    /// Returns the text of the block's first line. Headings and metadata have no other line, and the first line tells
    /// what a paragraph is.
    fn first_line<'a>(&self, source: &'a str) -> &'a str {
        self.pieces[0].of(source)
    }

    /// Returns the length of the block's text, in characters.
    fn char_count(&self, source: &str) -> usize {
        self.pieces.iter().map(|piece| piece.of(source).chars().count()).sum()
    }

    /// Makes the finished block of the `source`, whose `visible` text the block under construction was found in. Two
    /// lines are joined with a space if a space stood between them, and always if the text is `wrapped_at_spaces`.
    fn to_block(&self, source: &str, visible: &VisibleText, wrapped_at_spaces: bool) -> Block {
        let in_source = |piece: Span| visible.source_span(piece.start..piece.end);
        let mut block = Block::from_source(self.kind, self.level, source, in_source(self.pieces[0]));
        for pair in self.pieces.windows(2) {
            let (text, line_end) = (visible.text(), Span::new(pair[0].end, pair[1].start));
            let piece = in_source(pair[1]);
            if wrapped_at_spaces || is_space_at_line_end(&text[..line_end.end], line_end, pair[1].of(text)) {
                block.push(" ", Span::new(block.span.end, piece.start));
            }
            block.push(piece.of(source), piece);
        }
        block
    }
}

/// Whether a space stood where a hard-wrapped text was broken at `line_end`, between the text `before` and the line
/// `next`. Thai is broken between words, where no space stood unless the line still ends with one. Other text is broken
/// at spaces, except beside a bracket, hyphen or slash.
fn is_space_at_line_end(before: &str, line_end: Span, next: &str) -> bool {
    let (text, gap) = (&before[..line_end.start], line_end.of(before));
    let last = text.chars().next_back().unwrap_or_default();
    let first = next.chars().next().unwrap_or_default();
    let is_tight =
        matches!(last, '(' | '[' | '“' | '‘' | '/' | '-') || matches!(first, ')' | ']' | '”' | '’' | ',' | '.' | '/');
    let has_kept_space = gap.starts_with(|c: char| is_space(c) && !is_line_end(c));
    has_kept_space || !(is_tight || is_thai(last) && is_thai(first))
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Finds the lines of a source that are not blank.
fn find_text_lines(source: &str) -> Vec<TextLine> {
    let mut wholes: Vec<Span> = Vec::new();
    let mut start = 0;
    for line in source.split_inclusive(is_line_end) {
        let span = Span::new(start, start + line.trim_end_matches(is_line_end).len());
        start += line.len();
        // The second half of `\r\n` is no blank line.
        if line != "\n" || !source[..span.start].ends_with('\r') {
            wholes.push(span);
        }
    }
    let contents: Vec<Option<&str>> = wholes
        .iter()
        .map(|span| Some(span.of(source)).filter(|line| !super::is_blank(line)))
        .collect();
    let mut after_blank = true;
    let mut lines = Vec::new();
    for ((whole, content), cells) in wholes.iter().zip(&contents).zip(table::find_table_rows(&contents)) {
        let Some(content) = content else {
            after_blank = true;
            continue;
        };
        let text = content.trim_matches(is_space);
        let start = whole.start + (content.trim_end_matches(is_space).len() - text.len());
        lines.push(TextLine {
            whole: *whole,
            text: Span::new(start, start + text.len()),
            role: line_role(text),
            after_blank,
            continues_page: false,
            cells: cells
                .iter()
                .map(|cell| Span::new(whole.start + cell.start, whole.start + cell.end))
                .collect(),
        });
        after_blank = false;
    }
    lines
}

/// Returns the pairs of adjacent lines that may belong to one paragraph, for the detection of hard-wrapped text. Each
/// pair has the first line with its indentation and the second without.
fn pairs_of_joinable_lines<'a>(source: &'a str, lines: &[TextLine]) -> Vec<(&'a str, &'a str)> {
    let goes_on = |a: &TextLine, b: &TextLine| {
        let follows = match (a.role, b.role) {
            (LineRole::Text, LineRole::Text) => b.indent_columns(source) <= a.indent_columns(source),
            (LineRole::Item(_), LineRole::Text) | (LineRole::Quote(_), LineRole::Quote(_)) => true,
            _ => false,
        };
        follows && !b.after_blank && !a.is_table_row() && !b.is_table_row()
    };
    let pairs = lines.windows(2).filter(|pair| goes_on(&pair[0], &pair[1]));
    pairs
        .map(|pair| (pair[0].visible_text(source), pair[1].text.of(source)))
        .collect()
}

/// Joins lines to units, which are blocks under construction. The kind of a unit follows from the role of its first
/// line.
fn join_lines_to_blocks(
    source: &str,
    lines: &[TextLine],
    paragraphs: ParagraphRule,
    wrapping: Option<HardWrapping>,
) -> Vec<UnfinishedBlock> {
    let mut assembler = BlockAssembler {
        source,
        paragraphs,
        wrapping,
        units: Vec::new(),
        list_number: Vec::new(),
        after_blank: true,
        previous: None,
    };
    for line in lines {
        assembler.add_line(line);
    }
    assembler.end_last_block();
    assembler.units
}

/// Takes the lines of a source one after another and joins them to blocks under construction.
struct BlockAssembler<'a> {
    source: &'a str,
    paragraphs: ParagraphRule,
    wrapping: Option<HardWrapping>,
    units: Vec<UnfinishedBlock>,
    /// The numbers in the marker of the last numbered list item: `[1, 2]` for `1.2`.
    list_number: Vec<u32>,
    /// Whether the next line follows a blank line or a horizontal rule, or is the first of the source.
    after_blank: bool,
    /// The previous line, unless it was a horizontal rule.
    previous: Option<&'a TextLine>,
}

impl<'a> BlockAssembler<'a> {
    fn add_line(&mut self, line: &'a TextLine) {
        self.after_blank |= line.after_blank;
        if self.after_blank {
            self.end_last_block();
        }
        if line.role == LineRole::Rule && !line.is_table_row() {
            self.add_horizontal_rule(line);
            return;
        }
        let role = self.line_role_in_context(line);
        let marker = match role {
            LineRole::Item(marker) | LineRole::Quote(marker) => marker,
            _ => 0,
        };
        let piece = Span::new(line.text.start + marker, line.text.end);
        let indent = line.indent_columns(self.source);
        if self.continues_last_block(line, role)
            && let Some(unit) = self.units.last_mut()
        {
            unit.pieces.push(piece);
        } else if line.is_table_row() {
            self.units.extend(line.cells.iter().map(|cell| UnfinishedBlock {
                kind: BlockKind::Cell,
                ..make_one_line_block(*cell, LineRole::Text, indent, self.after_blank)
            }));
        } else {
            let mut unit = make_one_line_block(piece, role, indent, self.after_blank);
            unit.first_with_marker = line.text;
            unit.kind = block_kind(role);
            if unit.kind == BlockKind::ListItem {
                let numbers = parse_item_number(line.text.of(self.source)).map_or(1, |(numbers, _)| numbers.len());
                unit.level = list_item_level(&self.units, indent, numbers);
            }
            self.units.push(unit);
        }
        (self.after_blank, self.previous) = (false, Some(line));
    }

    /// Marks the last block under construction as followed by a blank line, a horizontal rule or the end of the source.
    fn end_last_block(&mut self) {
        if let Some(unit) = self.units.last_mut() {
            unit.before_blank = true;
        }
    }

    /// Adds a horizontal rule. It underlines the block directly above it, if there is one.
    fn add_horizontal_rule(&mut self, line: &TextLine) {
        self.end_last_block();
        if let Some(unit) = self.units.last_mut() {
            unit.underline = (!self.after_blank).then_some(line.text);
        }
        (self.after_blank, self.previous) = (true, None);
    }

    /// Returns the role of a line, given the list items before it. `2.3` begins an item only after `2.2`, and `2.1`
    /// only after `2`; otherwise the line is text that starts with a number, such as a price or a time.
    fn line_role_in_context(&mut self, line: &TextLine) -> LineRole {
        if let LineRole::Item(_) = line.role
            && let Some((numbers, _)) = parse_item_number(line.text.of(self.source))
        {
            if let [outer @ .., last] = &numbers[..]
                && !outer.is_empty()
            {
                let expected = self.list_number.get(outer.len()).map_or(1, |number| number + 1);
                if self.list_number.get(..outer.len()) != Some(outer) || *last != expected {
                    return LineRole::Text;
                }
            }
            self.list_number = numbers;
        }
        line.role
    }

    /// Whether a line with this role is joined to the last block under construction.
    fn continues_last_block(&self, line: &TextLine, role: LineRole) -> bool {
        let (Some(previous), Some(unit)) = (self.previous, self.units.last()) else {
            return false;
        };
        if self.after_blank || line.is_table_row() || previous.is_table_row() {
            return false;
        }
        let fits = match unit.kind {
            BlockKind::Paragraph | BlockKind::ListItem => {
                matches!(role, LineRole::Text | LineRole::Date | LineRole::Byline)
            }
            BlockKind::Quote => matches!(role, LineRole::Quote(_)),
            _ => false,
        };
        let is_indented = unit.kind == BlockKind::Paragraph
            && line.indent_columns(self.source) > previous.indent_columns(self.source);
        fits && match (self.paragraphs, self.wrapping) {
            _ if line.continues_page => true,
            (ParagraphRule::Line, _) | (ParagraphRule::Auto, None) => false,
            (ParagraphRule::BlankLine, _) => true,
            (ParagraphRule::Auto, Some(wrapping)) => {
                !is_indented && wrapping.is_line_full(previous.visible_text(self.source), line.text.of(self.source))
            }
        }
    }
}

/// Makes a block under construction that is a paragraph of one line.
fn make_one_line_block(piece: Span, role: LineRole, indent: usize, after_blank: bool) -> UnfinishedBlock {
    UnfinishedBlock {
        kind: BlockKind::Paragraph,
        level: 0,
        role,
        pieces: vec![piece],
        first_with_marker: piece,
        indent,
        after_blank,
        before_blank: false,
        underline: None,
    }
}

/// Returns the kind of a block whose first line has this role.
fn block_kind(role: LineRole) -> BlockKind {
    match role {
        LineRole::Text | LineRole::Rule | LineRole::Byline => BlockKind::Paragraph,
        LineRole::Item(_) => BlockKind::ListItem,
        LineRole::Quote(_) => BlockKind::Quote,
        LineRole::Credit => BlockKind::Caption,
        LineRole::Metadata | LineRole::Date => BlockKind::Metadata,
    }
}

/// Returns the depth, from 1, of a list item that follows the blocks in `units`: its nesting by indentation or the
/// number of numbers in its marker (two in `1.2`), whichever is larger.
fn list_item_level(units: &[UnfinishedBlock], indent: usize, numbers: usize) -> u8 {
    let (mut level, mut limit) = (1, indent);
    let items = units.iter().rev().take_while(|unit| unit.kind == BlockKind::ListItem);
    // 100 items are enough for any real nesting, and keep long lists from taking quadratic time.
    for item in items.take(100) {
        if item.indent < limit {
            (level, limit) = (level + 1, item.indent);
        }
    }
    u8::try_from(level.max(numbers)).unwrap_or(u8::MAX)
}

/// Turns bylines into metadata if they stand next to a title, next to other metadata, or at the end. Elsewhere the same
/// words may be the end of a sentence.
fn mark_bylines(source: &str, units: &mut [UnfinishedBlock]) {
    for index in 0..units.len() {
        let is_meta = |unit: &UnfinishedBlock| matches!(unit.kind, BlockKind::Metadata | BlockKind::Caption);
        let beside = units.get(index + 1).is_none_or(is_meta)
            || index.checked_sub(1).is_none_or(|before| {
                is_meta(&units[before]) || before == 0 && units[0].char_count(source) <= MAX_TITLE_CHARS
            });
        let unit = &mut units[index];
        if unit.role == LineRole::Byline && unit.kind == BlockKind::Paragraph && unit.pieces.len() == 1 && beside {
            unit.kind = BlockKind::Metadata;
        }
    }
}
