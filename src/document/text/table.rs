//! Detection of tables in plain text: adjacent lines with tabs between cells, or with columns aligned by runs of
//! spaces.

use super::is_space;
use super::line::{is_horizontal_rule, list_marker_length};
use std::ops::Range;
use unicode_width::UnicodeWidthStr;

/// The widest line, in terminal columns, that may be a row of a table aligned by spaces.
const MAX_TABLE_LINE_COLUMNS: usize = 160;
/// Lines aligned by spaces are taken as a table only if the cells of each row average at most this many characters.
const MAX_MEAN_CELL_CHARS: usize = 40;

/// The cells of a line, as byte ranges in the line.
type CellRanges = Vec<Range<usize>>;

/// Finds the cells of each line; a line that is no row of a table gets no cells. The lines must keep their indentation;
/// `None` stands for a blank line.
pub(super) fn find_table_rows(lines: &[Option<&str>]) -> Vec<CellRanges> {
    let mut rows = vec![Vec::new(); lines.len()];
    // The last line that is no horizontal rule: its index, its text, and its cells cut at tabs and at runs of spaces.
    let mut before: Option<(usize, &str, [CellRanges; 2])> = None;
    for (index, line) in lines.iter().enumerate() {
        let Some(line) = line else {
            before = None;
            continue;
        };
        if is_horizontal_rule(line) {
            continue;
        }
        let tabbed = split_into_cells(line, |gap| gap.contains('\t'));
        let spaced = if line.width() <= MAX_TABLE_LINE_COLUMNS {
            split_into_cells(line, |gap| gap.chars().count() > 1)
        } else {
            Vec::new()
        };
        let both = [tabbed, spaced];
        if let Some((number, text, other)) = &before {
            let way = if is_table_row(line, &both[0]) && is_table_row(text, &other[0]) {
                Some(0)
            } else {
                are_rows_aligned((text, &other[1]), (line, &both[1])).then_some(1)
            };
            if let Some(way) = way {
                rows[*number] = other[way].clone();
                rows[index] = both[way].clone();
            }
        }
        before = Some((index, line, both));
    }
    rows
}

/// Whether a line has more than one cell, not counting the marker of a list item.
fn is_table_row(line: &str, cells: &[Range<usize>]) -> bool {
    let text = line.trim_start_matches(is_space);
    let marker = line.len() - text.len() + list_marker_length(text);
    cells
        .iter()
        .filter(|cell| cell.start >= marker || cell.end > marker)
        .count()
        > 1
}

/// Cuts a line into cells at each stretch of white space for which `is_gap` is true.
fn split_into_cells(line: &str, is_gap: impl Fn(&str) -> bool) -> CellRanges {
    let mut cells = CellRanges::new();
    let (mut start, mut end) = (0, 0);
    for piece in line.split_inclusive(is_space) {
        let word = start..start + piece.trim_end_matches(is_space).len();
        start += piece.len();
        if word.is_empty() {
            continue;
        }
        end = match cells.last_mut() {
            Some(cell) if !is_gap(&line[end..word.start]) => {
                cell.end = word.end;
                word.end
            }
            _ => {
                cells.push(word.clone());
                word.end
            }
        };
    }
    cells
}

/// Whether two lines are rows of one table: each cell after the first, in the line with fewer cells, begins or ends
/// where a cell of the other line begins or ends, counted in terminal columns or in characters. If a line has several
/// such cells, a difference of one column is allowed, as typists align by eye.
fn are_rows_aligned(a: (&str, &[Range<usize>]), b: (&str, &[Range<usize>])) -> bool {
    let (fewer, more) = if a.1.len() <= b.1.len() { (a, b) } else { (b, a) };
    let measures: [fn(&str) -> usize; 2] = [UnicodeWidthStr::width, |text| text.chars().count()];
    let is_short = |(line, cells): (&str, &[Range<usize>])| line.chars().count() <= MAX_MEAN_CELL_CHARS * cells.len();
    let slack = usize::from(fewer.1.len() > 2);
    let agree = |measure: fn(&str) -> usize| {
        let places = |(line, cells): (&str, &[Range<usize>])| -> Vec<(usize, usize)> {
            cells[1..]
                .iter()
                .map(|cell| (measure(&line[..cell.start]), measure(&line[..cell.end])))
                .collect()
        };
        let others = places(more);
        places(fewer).iter().all(|(start, end)| {
            let is_near = |other: &(usize, usize)| other.0.abs_diff(*start) <= slack || other.1.abs_diff(*end) <= slack;
            others.iter().any(is_near)
        })
    };
    is_table_row(a.0, a.1)
        && is_table_row(b.0, b.1)
        && is_short(fewer)
        && is_short(more)
        && measures.into_iter().any(agree)
}
