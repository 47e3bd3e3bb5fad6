//! Plain text: lines and blank lines to blocks, the layout saying what each is.

mod heading;
mod line;
mod table;
#[cfg(test)]
mod tests;
mod wrap;

use super::{Block, BlockKind, Paragraphs, Reading, is_space};
use crate::span::Span;
use line::{Role, is_thai, number, role};
use unicode_width::UnicodeWidthStr;
use wrap::Wrapping;

/// The longest title, in characters: headlines of Thai news reach 210.
const TITLE: usize = 220;

/// Reads plain text into blocks.
pub(super) fn read(source: &str, paragraphs: Paragraphs) -> Reading {
    let lines = lines(source);
    let wrapping = match paragraphs {
        Paragraphs::Line => None,
        Paragraphs::Auto | Paragraphs::BlankLine => Wrapping::of(&breaks(source, &lines)),
    };
    let mut units = units(source, &lines, paragraphs, wrapping);
    let unwrapped = paragraphs == Paragraphs::Auto && units.iter().any(|unit| unit.pieces.len() > 1);
    settle_bylines(source, &mut units);
    heading::mark(source, &mut units);
    let at_spaces = wrapping.is_some_and(|wrapping| wrapping.at_spaces);
    Reading {
        blocks: units.iter().map(|unit| unit.block(source, at_spaces)).collect(),
        unwrapped,
    }
}

/// The kind of a paragraph of any format, by its text alone.
pub(super) fn paragraph_kind(text: &str) -> BlockKind {
    match line::metadata(text) {
        Some(Role::Credit) => BlockKind::Caption,
        Some(Role::Metadata | Role::Date) => BlockKind::Metadata,
        _ => BlockKind::Paragraph,
    }
}

/// A line that is not blank.
struct Line {
    /// The whole of it, without its end.
    whole: Span,
    /// Without the white space around it.
    text: Span,
    role: Role,
    /// Whether a blank line, or the start of the text, stands before it.
    after_blank: bool,
    /// The cells, where it is a row of a table.
    cells: Vec<Span>,
}

impl Line {
    /// Its white space at the start, in columns.
    fn indent(&self, source: &str) -> usize {
        let space = &source[self.whole.start..self.text.start];
        space.width() + 7 * space.matches('\t').count()
    }

    /// The whole of it but the white space at its end.
    fn visible<'a>(&self, source: &'a str) -> &'a str {
        &source[self.whole.start..self.text.end]
    }

    fn is_row(&self) -> bool {
        !self.cells.is_empty()
    }
}

/// One block to be.
struct Unit {
    kind: BlockKind,
    level: u8,
    role: Role,
    /// Its text, line by line, without markers and outer white space.
    pieces: Vec<Span>,
    /// Its first line, with the marker.
    first: Span,
    /// Columns before that line.
    indent: usize,
    /// Whether a blank line or a rule stands before it, and after it; the ends of the text count as one.
    after_blank: bool,
    before_blank: bool,
    /// The rule directly under it, if there is one.
    underline: Option<Span>,
}

impl Unit {
    fn text<'a>(&self, source: &'a str) -> &'a str {
        // Headings and metadata have one line; of a paragraph the first is enough to tell.
        self.pieces[0].of(source)
    }

    fn length(&self, source: &str) -> usize {
        self.pieces.iter().map(|piece| piece.of(source).chars().count()).sum()
    }

    fn block(&self, source: &str, at_spaces: bool) -> Block {
        let mut block = Block::verbatim(self.kind, self.level, source, self.pieces[0]);
        for piece in &self.pieces[1..] {
            let line_end = Span::new(block.span.end, piece.start);
            if at_spaces || has_space(&source[..line_end.end], line_end, piece.of(source)) {
                block.push(" ", line_end);
            }
            block.push(piece.of(source), *piece);
        }
        block
    }
}

/// Whether a space belongs between two lines that were one: not inside Thai, which is broken between words without one,
/// unless the line still has it at its end; and not beside a bracket, a dash or a slash that joins.
fn has_space(before: &str, line_end: Span, next: &str) -> bool {
    let (text, gap) = (&before[..line_end.start], line_end.of(before));
    let last = text.chars().next_back().unwrap_or_default();
    let first = next.chars().next().unwrap_or_default();
    let is_joint =
        matches!(last, '(' | '[' | '“' | '‘' | '/' | '-') || matches!(first, ')' | ']' | '”' | '’' | ',' | '.' | '/');
    let kept = gap.starts_with(|c: char| is_space(c) && !is_end(c));
    kept || !(is_joint || is_thai(last) && is_thai(first))
}

fn is_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The lines of a source that are not blank.
fn lines(source: &str) -> Vec<Line> {
    let mut wholes: Vec<Span> = Vec::new();
    let mut start = 0;
    for line in source.split_inclusive(is_end) {
        let span = Span::new(start, start + line.trim_end_matches(is_end).len());
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
        lines.push(Line {
            whole: *whole,
            text: Span::new(start, start + text.len()),
            role: role(text),
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

/// The pairs of lines between which a paragraph may go on.
fn breaks<'a>(source: &'a str, lines: &[Line]) -> Vec<(&'a str, &'a str)> {
    let goes_on = |a: &Line, b: &Line| {
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

/// The lines put together, each with what it is by itself.
fn units(source: &str, lines: &[Line], paragraphs: Paragraphs, wrapping: Option<Wrapping>) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut numbers: Vec<u32> = Vec::new();
    let mut after_blank = true;
    let mut previous: Option<&Line> = None;
    for line in lines {
        after_blank |= line.after_blank;
        if after_blank && let Some(unit) = units.last_mut() {
            unit.before_blank = true;
        }
        let text = line.text.of(source);
        let indent = line.indent(source);
        if line.role == Role::Rule && !line.is_row() {
            if let Some(unit) = units.last_mut() {
                unit.before_blank = true;
                unit.underline = (!after_blank).then_some(line.text);
            }
            (after_blank, previous) = (true, None);
            continue;
        }
        let mut role = line.role;
        if let Role::Item(_) = role
            && let Some((path, _)) = number(text)
        {
            // An inner number follows its own kind, or the item that it is part of.
            let inner = |count: usize, last: u32| {
                numbers.get(..count) == Some(&path[..count]) && last == numbers.get(count).map_or(1, |n| n + 1)
            };
            match path[..] {
                [.., last] if path.len() > 1 && !inner(path.len() - 1, last) => role = Role::Text,
                _ => numbers = path,
            }
        }
        let joins = match (previous, units.last(), wrapping) {
            _ if line.is_row() || after_blank => false,
            (Some(before), Some(unit), wrapping) if !before.is_row() => {
                let goes_on = match unit.kind {
                    BlockKind::Paragraph | BlockKind::ListItem => {
                        matches!(role, Role::Text | Role::Date | Role::Byline)
                    }
                    BlockKind::Quote => matches!(role, Role::Quote(_)),
                    _ => false,
                };
                let is_indented = unit.kind == BlockKind::Paragraph && indent > before.indent(source);
                goes_on
                    && match (paragraphs, wrapping) {
                        (Paragraphs::Line, _) | (Paragraphs::Auto, None) => false,
                        (Paragraphs::BlankLine, _) => true,
                        (Paragraphs::Auto, Some(wrapping)) => {
                            !is_indented && wrapping.is_full(before.visible(source), text)
                        }
                    }
            }
            _ => false,
        };
        let marker = match role {
            Role::Item(marker) | Role::Quote(marker) => marker,
            _ => 0,
        };
        let piece = Span::new(line.text.start + marker, line.text.end);
        if joins && let Some(unit) = units.last_mut() {
            unit.pieces.push(piece);
        } else if line.is_row() {
            units.extend(line.cells.iter().map(|cell| Unit {
                kind: BlockKind::Cell,
                ..unit(*cell, Role::Text, indent, after_blank)
            }));
        } else {
            let mut new = unit(piece, role, indent, after_blank);
            new.first = line.text;
            new.kind = kind(role);
            if new.kind == BlockKind::ListItem {
                new.level = level(&units, indent, number(text).map_or(1, |(path, _)| path.len()));
            }
            units.push(new);
        }
        (after_blank, previous) = (false, Some(line));
    }
    if let Some(unit) = units.last_mut() {
        unit.before_blank = true;
    }
    units
}

fn unit(piece: Span, role: Role, indent: usize, after_blank: bool) -> Unit {
    Unit {
        kind: BlockKind::Paragraph,
        level: 0,
        role,
        pieces: vec![piece],
        first: piece,
        indent,
        after_blank,
        before_blank: false,
        underline: None,
    }
}

fn kind(role: Role) -> BlockKind {
    match role {
        Role::Text | Role::Rule | Role::Byline => BlockKind::Paragraph,
        Role::Item(_) => BlockKind::ListItem,
        Role::Quote(_) => BlockKind::Quote,
        Role::Credit => BlockKind::Caption,
        Role::Metadata | Role::Date => BlockKind::Metadata,
    }
}

/// The depth of a list item: how far it is indented among its neighbours, and how many numbers it has.
fn level(units: &[Unit], indent: usize, depth: usize) -> u8 {
    let (mut level, mut limit) = (1, indent);
    let items = units.iter().rev().take_while(|unit| unit.kind == BlockKind::ListItem);
    // Nobody nests so deeply that more would be needed, and long lists stay quick to read.
    for item in items.take(100) {
        if item.indent < limit {
            (level, limit) = (level + 1, item.indent);
        }
    }
    u8::try_from(level.max(depth)).unwrap_or(u8::MAX)
}

/// A byline is one beside a title, beside other metadata, and at the end.
fn settle_bylines(source: &str, units: &mut [Unit]) {
    for index in 0..units.len() {
        let is_meta = |unit: &Unit| matches!(unit.kind, BlockKind::Metadata | BlockKind::Caption);
        let beside = units.get(index + 1).is_none_or(is_meta)
            || index
                .checked_sub(1)
                .is_none_or(|before| is_meta(&units[before]) || before == 0 && units[0].length(source) <= TITLE);
        let unit = &mut units[index];
        if unit.role == Role::Byline && unit.kind == BlockKind::Paragraph && unit.pieces.len() == 1 && beside {
            unit.kind = BlockKind::Metadata;
        }
    }
}
