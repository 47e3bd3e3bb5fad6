//! Tables of tab-separated values: as plae and others write them, with or without a spreadsheet's quotes.

use std::borrow::Cow;

/// The rows of a table, each with the number of its first line; lines without any text are passed over.
///
/// Spreadsheets quote fields that hold quotation marks, tabs or line ends, and double the marks in them. A table is read so
/// where that reading fits every mark in it; else marks are text, and each line is a row.
pub(super) struct Rows<'a> {
    rest: &'a str,
    line: usize,
    quoted: bool,
}

impl<'a> Rows<'a> {
    pub fn new(text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut rest = text;
        let mut quoted = true;
        while quoted && !rest.is_empty() {
            quoted = quoted_row(&mut rest).is_some();
        }
        Self {
            rest: text,
            line: 1,
            quoted,
        }
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = (usize, Vec<Cow<'a, str>>);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let before = self.rest;
            let row = if self.quoted {
                quoted_row(&mut self.rest)?
            } else {
                plain_row(&mut self.rest)
            };
            let line = self.line;
            let read = &before[..before.len() - self.rest.len()];
            self.line += read.matches('\n').count();
            if !read.trim().is_empty() {
                return Some((line, row));
            }
        }
        None
    }
}

fn plain_row<'a>(rest: &mut &'a str) -> Vec<Cow<'a, str>> {
    let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
    *rest = after;
    line.strip_suffix('\r')
        .unwrap_or(line)
        .split('\t')
        .map(Cow::Borrowed)
        .collect()
}

/// A row in a spreadsheet's way; none where a quotation mark does not fit.
fn quoted_row<'a>(rest: &mut &'a str) -> Option<Vec<Cow<'a, str>>> {
    let mut row = Vec::new();
    loop {
        let field = match rest.strip_prefix('"') {
            Some(inner) => {
                let mut end = 0;
                loop {
                    end += inner[end..].find('"')?;
                    if inner[end + 1..].starts_with('"') {
                        end += 2
                    } else {
                        break;
                    }
                }
                *rest = &inner[end + 1..];
                Cow::Owned(inner[..end].replace("\"\"", "\""))
            }
            None => {
                let end = rest.find(['\t', '\n']).unwrap_or(rest.len());
                let (mut field, after) = rest.split_at(end);
                if after.starts_with('\n') {
                    field = field.strip_suffix('\r').unwrap_or(field);
                }
                *rest = after;
                if field.contains('"') {
                    return None;
                }
                Cow::Borrowed(field)
            }
        };
        row.push(field);
        if let Some(after) = rest.strip_prefix('\t') {
            *rest = after;
            continue;
        }
        let end = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'));
        match end {
            Some(after) => *rest = after,
            None if rest.is_empty() => {}
            None => return None,
        }
        return Some(row);
    }
}

/// A field as [`Rows`] reads it back.
pub(super) fn field(text: &str) -> Cow<'_, str> {
    if text.contains(['\t', '\n', '\r', '"']) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(text)
    }
}

/// Where the columns of these names stand in a row of column names, capitals or not.
pub(super) fn columns<const N: usize>(row: &[Cow<str>], names: [&str; N]) -> [Option<usize>; N] {
    names.map(|name| row.iter().position(|column| column.trim().eq_ignore_ascii_case(name)))
}
