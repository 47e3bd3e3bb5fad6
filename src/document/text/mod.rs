//! Plain text to blocks, by its layout alone.
//!
//! Each line gets a role by its own text (`line`), rows of tables are found (`table`), lines that were hard-wrapped are
//! joined (`wrap`), and headings are recognised by what stands around them (`heading`).

mod heading;
mod line;
mod table;
#[cfg(test)]
mod tests;
mod wrap;

use super::{Block, BlockKind, Paragraphs, ReaderOutput, is_space};
use crate::span::Span;
use line::{Role, is_thai, line_role, parse_number};
use unicode_width::UnicodeWidthStr;
use wrap::Wrapping;

/// The longest title, in characters. Headlines of Thai news have up to 210.
const MAX_TITLE: usize = 220;

/// Reads plain text into blocks.
pub(super) fn read(source: &str, paragraphs: Paragraphs) -> ReaderOutput {
    let lines = lines(source);
    let wrapping = match paragraphs {
        Paragraphs::Line => None,
        Paragraphs::Auto | Paragraphs::BlankLine => Wrapping::detect(&possible_wraps(source, &lines)),
    };
    let mut units = units(source, &lines, paragraphs, wrapping);
    let unwrapped = paragraphs == Paragraphs::Auto && units.iter().any(|unit| unit.pieces.len() > 1);
    mark_bylines(source, &mut units);
    heading::mark_headings(source, &mut units);
    let wrapped_at_spaces = wrapping.is_some_and(|wrapping| wrapping.at_spaces);
    ReaderOutput {
        blocks: units
            .iter()
            .map(|unit| unit.to_block(source, wrapped_at_spaces))
            .collect(),
        unwrapped,
    }
}

/// Tells the kind of a paragraph of any format by its text alone: a caption, metadata, or a paragraph.
pub(super) fn paragraph_kind(text: &str) -> BlockKind {
    match line::metadata_role(text) {
        Some(Role::Credit) => BlockKind::Caption,
        Some(Role::Metadata | Role::Date) => BlockKind::Metadata,
        _ => BlockKind::Paragraph,
    }
}

/// A line that is not blank.
struct TextLine {
    /// The line without its line end.
    whole: Span,
    /// The line without the white space around it.
    text: Span,
    role: Role,
    /// Whether a blank line, or the start of the source, stands before it.
    after_blank: bool,
    /// The cells of a table's row; empty for any other line.
    cells: Vec<Span>,
}

impl TextLine {
    /// The width of the white space at its start, in columns; a tab counts as eight.
    fn indent(&self, source: &str) -> usize {
        let space = &source[self.whole.start..self.text.start];
        space.width() + 7 * space.matches('\t').count()
    }

    /// The line without the white space at its end.
    fn visible<'a>(&self, source: &'a str) -> &'a str {
        &source[self.whole.start..self.text.end]
    }

    fn is_row(&self) -> bool {
        !self.cells.is_empty()
    }
}

/// A block in the making: one line, or several that belong together.
struct Unit {
    kind: BlockKind,
    level: u8,
    /// The role of its first line.
    role: Role,
    /// The text of each of its lines, without markers and outer white space.
    pieces: Vec<Span>,
    /// Its first line, with the marker of a list item or quotation.
    first_with_marker: Span,
    /// The indentation of its first line, in columns.
    indent: usize,
    /// Whether a blank line or a rule stands before it. The start of the source counts as one.
    after_blank: bool,
    /// Whether a blank line or a rule stands after it. The end of the source counts as one.
    before_blank: bool,
    /// The rule directly under it, if there is one.
    underline: Option<Span>,
}

impl Unit {
    /// The text of its first line. Headings and metadata have no other, and a paragraph is recognised by it.
    fn first_line<'a>(&self, source: &'a str) -> &'a str {
        self.pieces[0].of(source)
    }

    /// The length of its text, in characters.
    fn length(&self, source: &str) -> usize {
        self.pieces.iter().map(|piece| piece.of(source).chars().count()).sum()
    }

    /// Makes the block. Lines are joined with a space where one was; always where the text is `wrapped_at_spaces`.
    fn to_block(&self, source: &str, wrapped_at_spaces: bool) -> Block {
        let mut block = Block::verbatim(self.kind, self.level, source, self.pieces[0]);
        for piece in &self.pieces[1..] {
            let line_end = Span::new(block.span.end, piece.start);
            if wrapped_at_spaces || line_end_is_space(&source[..line_end.end], line_end, piece.of(source)) {
                block.push(" ", line_end);
            }
            block.push(piece.of(source), *piece);
        }
        block
    }
}

/// Whether a space stood where a hard-wrapped line was broken. Thai is broken between words without a space, unless the
/// line still has the space at its end. Other text is broken at spaces, but beside a bracket, dash or slash there is none.
fn line_end_is_space(before: &str, line_end: Span, next: &str) -> bool {
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
fn lines(source: &str) -> Vec<TextLine> {
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
    for ((whole, content), cells) in wholes.iter().zip(&contents).zip(table::rows(&contents)) {
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
            cells: cells
                .iter()
                .map(|cell| Span::new(whole.start + cell.start, whole.start + cell.end))
                .collect(),
        });
        after_blank = false;
    }
    lines
}

/// The pairs of adjacent lines that may be one paragraph: the first with its indentation, the second without.
fn possible_wraps<'a>(source: &'a str, lines: &[TextLine]) -> Vec<(&'a str, &'a str)> {
    let goes_on = |a: &TextLine, b: &TextLine| {
        let follows = match (a.role, b.role) {
            (Role::Text, Role::Text) => b.indent(source) <= a.indent(source),
            (Role::Item(_), Role::Text) | (Role::Quote(_), Role::Quote(_)) => true,
            _ => false,
        };
        follows && !b.after_blank && !a.is_row() && !b.is_row()
    };
    let pairs = lines.windows(2).filter(|pair| goes_on(&pair[0], &pair[1]));
    pairs
        .map(|pair| (pair[0].visible(source), pair[1].text.of(source)))
        .collect()
}

/// Puts lines together to units, whose kinds follow from the roles of their lines.
fn units(source: &str, lines: &[TextLine], paragraphs: Paragraphs, wrapping: Option<Wrapping>) -> Vec<Unit> {
    let mut assembler = Assembler {
        source,
        paragraphs,
        wrapping,
        units: Vec::new(),
        list_number: Vec::new(),
        after_blank: true,
        previous: None,
    };
    for line in lines {
        assembler.add(line);
    }
    assembler.end_unit();
    assembler.units
}

/// Takes the lines of a source one after another and puts them together to units.
struct Assembler<'a> {
    source: &'a str,
    paragraphs: Paragraphs,
    wrapping: Option<Wrapping>,
    units: Vec<Unit>,
    /// The numbers of the last numbered list item: `[1, 2]` for `1.2`.
    list_number: Vec<u32>,
    /// Whether a blank line or a rule, or nothing, stands before the next line.
    after_blank: bool,
    /// The last line, unless it was a rule.
    previous: Option<&'a TextLine>,
}

impl<'a> Assembler<'a> {
    fn add(&mut self, line: &'a TextLine) {
        self.after_blank |= line.after_blank;
        if self.after_blank {
            self.end_unit();
        }
        if line.role == Role::Rule && !line.is_row() {
            self.add_rule(line);
            return;
        }
        let role = self.settled_role(line);
        let marker = match role {
            Role::Item(marker) | Role::Quote(marker) => marker,
            _ => 0,
        };
        let piece = Span::new(line.text.start + marker, line.text.end);
        let indent = line.indent(self.source);
        if self.continues_unit(line, role)
            && let Some(unit) = self.units.last_mut()
        {
            unit.pieces.push(piece);
        } else if line.is_row() {
            self.units.extend(line.cells.iter().map(|cell| Unit {
                kind: BlockKind::Cell,
                ..one_line_unit(*cell, Role::Text, indent, self.after_blank)
            }));
        } else {
            let mut unit = one_line_unit(piece, role, indent, self.after_blank);
            unit.first_with_marker = line.text;
            unit.kind = block_kind(role);
            if unit.kind == BlockKind::ListItem {
                let numbers = parse_number(line.text.of(self.source)).map_or(1, |(numbers, _)| numbers.len());
                unit.level = list_level(&self.units, indent, numbers);
            }
            self.units.push(unit);
        }
        (self.after_blank, self.previous) = (false, Some(line));
    }

    /// Notes that a blank line, a rule or the end of the source stands after the last unit.
    fn end_unit(&mut self) {
        if let Some(unit) = self.units.last_mut() {
            unit.before_blank = true;
        }
    }

    /// Adds a rule, which underlines the unit directly above it.
    fn add_rule(&mut self, line: &TextLine) {
        self.end_unit();
        if let Some(unit) = self.units.last_mut() {
            unit.underline = (!self.after_blank).then_some(line.text);
        }
        (self.after_blank, self.previous) = (true, None);
    }

    /// The role of a line in its list: `2.3` begins an item only after `2.2`, or after `2` if it is `2.1`; else it is text,
    /// such as a price or a time.
    fn settled_role(&mut self, line: &TextLine) -> Role {
        if let Role::Item(_) = line.role
            && let Some((numbers, _)) = parse_number(line.text.of(self.source))
        {
            if let [outer @ .., last] = &numbers[..]
                && !outer.is_empty()
            {
                let expected = self.list_number.get(outer.len()).map_or(1, |number| number + 1);
                if self.list_number.get(..outer.len()) != Some(outer) || *last != expected {
                    return Role::Text;
                }
            }
            self.list_number = numbers;
        }
        line.role
    }

    /// Whether a line of this role belongs to the last unit.
    fn continues_unit(&self, line: &TextLine, role: Role) -> bool {
        let (Some(previous), Some(unit)) = (self.previous, self.units.last()) else {
            return false;
        };
        if self.after_blank || line.is_row() || previous.is_row() {
            return false;
        }
        let fits = match unit.kind {
            BlockKind::Paragraph | BlockKind::ListItem => matches!(role, Role::Text | Role::Date | Role::Byline),
            BlockKind::Quote => matches!(role, Role::Quote(_)),
            _ => false,
        };
        let is_indented = unit.kind == BlockKind::Paragraph && line.indent(self.source) > previous.indent(self.source);
        fits && match (self.paragraphs, self.wrapping) {
            (Paragraphs::Line, _) | (Paragraphs::Auto, None) => false,
            (Paragraphs::BlankLine, _) => true,
            (Paragraphs::Auto, Some(wrapping)) => {
                !is_indented && wrapping.is_full(previous.visible(self.source), line.text.of(self.source))
            }
        }
    }
}

/// A paragraph of one line.
fn one_line_unit(piece: Span, role: Role, indent: usize, after_blank: bool) -> Unit {
    Unit {
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

/// The kind of a block that begins with a line of this role.
fn block_kind(role: Role) -> BlockKind {
    match role {
        Role::Text | Role::Rule | Role::Byline => BlockKind::Paragraph,
        Role::Item(_) => BlockKind::ListItem,
        Role::Quote(_) => BlockKind::Quote,
        Role::Credit => BlockKind::Caption,
        Role::Metadata | Role::Date => BlockKind::Metadata,
    }
}

/// The depth of a list item from 1, after the list items in `units`: the larger of its nesting by indentation and the
/// count of numbers in its marker (two in `1.2`).
fn list_level(units: &[Unit], indent: usize, numbers: usize) -> u8 {
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

/// Makes metadata of the bylines that stand beside a title, beside other metadata, or at the end. Elsewhere the same
/// words may end a sentence.
fn mark_bylines(source: &str, units: &mut [Unit]) {
    for index in 0..units.len() {
        let is_meta = |unit: &Unit| matches!(unit.kind, BlockKind::Metadata | BlockKind::Caption);
        let beside = units.get(index + 1).is_none_or(is_meta)
            || index
                .checked_sub(1)
                .is_none_or(|before| is_meta(&units[before]) || before == 0 && units[0].length(source) <= MAX_TITLE);
        let unit = &mut units[index];
        if unit.role == Role::Byline && unit.kind == BlockKind::Paragraph && unit.pieces.len() == 1 && beside {
            unit.kind = BlockKind::Metadata;
        }
    }
}
