//! TSV: translation units as a table of tab-separated values, with or without a spreadsheet's quotes.

use super::fields::{error_at_line, flag_names, input_read_error, json_name, parse_machine_details, plae_output_error};
use crate::error::Result;
use crate::file::failed_write_error;
use crate::memory::{MachineDetails, Memory, TranslationUnit};
use crate::thai::encoding::decode_text;
use jiff::Timestamp;
use std::borrow::Cow;
use std::io::{BufRead, Write};

/// Names of the table's columns, in the order in which they are written.
const TSV_COLUMN_NAMES: [&str; 9] = [
    "source",
    "target",
    "made",
    "system",
    "score",
    "finish",
    "flags",
    "source_tokens",
    "target_tokens",
];

/// Writes the column names, then a row for every translation unit of a memory.
///
/// # Errors
/// The errors of the memory and of `out`.
pub(super) fn write(memory: &Memory, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{}", TSV_COLUMN_NAMES.join("\t")).map_err(failed_write_error)?;
    memory.for_each_unit(&mut |unit| {
        let machine = unit.machine.as_ref();
        let field = |value: fn(&MachineDetails) -> String| machine.map(value).unwrap_or_default();
        let fields = [
            unit.source.clone(),
            unit.target.clone(),
            unit.made.to_string(),
            field(|machine| machine.system.clone()),
            field(|machine| machine.score.map(|score| score.to_string()).unwrap_or_default()),
            field(|machine| json_name(machine.finish)),
            field(flag_names),
            field(|machine| machine.source_tokens.to_string()),
            field(|machine| machine.target_tokens.to_string()),
        ];
        let fields: Vec<Cow<str>> = fields.iter().map(|text| quote_field(text)).collect();
        writeln!(out, "{}", fields.join("\t")).map_err(failed_write_error)
    })
}

/// Reads a table of translation units and calls `on_unit` with each. The table has column names in its first row, or
/// source and target in its first two columns.
///
/// # Errors
/// Kind `Input`, with the line, for a row that is no unit; those of `on_unit`.
pub(super) fn read(input: &mut dyn BufRead, on_unit: &mut dyn FnMut(TranslationUnit) -> Result<()>) -> Result<()> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(input_read_error)?;
    // Valid UTF-8 is taken as it is, control characters included; the detection of encodings would refuse them.
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => decode_text(error.as_bytes(), None)?.text,
    };
    let mut rows = TsvRows::new(&text).peekable();
    let mut positions = [Some(0), Some(1), None, None, None, None, None, None, None];
    if let Some((line, head)) = rows.peek() {
        let named = find_columns(head, TSV_COLUMN_NAMES);
        if find_columns(head, ["block", "kind", "span", "start"])[..2]
            .iter()
            .all(Option::is_some)
        {
            return Err(plae_output_error(*line));
        }
        if named[..2].iter().all(Option::is_some) {
            positions = named;
            rows.next();
        }
    }
    for (line, row) in rows {
        let [
            source,
            target,
            made,
            system,
            score,
            finish,
            flags,
            source_tokens,
            target_tokens,
        ] = positions.map(|position| position.and_then(|position| row.get(position)).map_or("", Cow::as_ref));
        if row.len() < 2 {
            return Err(error_at_line(line, "a row of one column")
                .hint("source and target stand in two columns, a tab between them"));
        }
        let made = match made {
            "" => Timestamp::now(),
            made => made
                .parse()
                .map_err(|error| error_at_line(line, format!("made: {error}")).source(error))?,
        };
        let machine = match system {
            "" => None,
            system => Some(
                parse_machine_details(system, score, finish, flags, [source_tokens, target_tokens]).map_err(
                    |error| {
                        let message = error.message.clone();
                        error_at_line(line, message).source(error)
                    },
                )?,
            ),
        };
        on_unit(TranslationUnit {
            source: source.to_owned(),
            target: target.to_owned(),
            made,
            machine,
        })?;
    }
    Ok(())
}

/// Iterates over the rows of a table, each with the number of its first line, counted from 1. Blank lines are skipped.
///
/// Spreadsheets quote fields that hold quotation marks, tabs or line ends, and double the marks within. A table is read
/// this way if all of its quotation marks agree with this rule; otherwise quotation marks are text, and each line is a
/// row.
pub(in crate::memory) struct TsvRows<'a> {
    /// The text of the rows that are not read yet.
    rest: &'a str,
    /// Number of the next line, counted from 1.
    line: usize,
    /// Whether fields may be quoted.
    quoted: bool,
}

impl<'a> TsvRows<'a> {
    /// Prepares to read the table `text`; a byte order mark at its start is skipped.
    pub fn new(text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut rest = text;
        let mut quoted = true;
        while quoted && !rest.is_empty() {
            quoted = take_quoted_row(&mut rest).is_some();
        }
        Self {
            rest: text,
            line: 1,
            quoted,
        }
    }
}

impl<'a> Iterator for TsvRows<'a> {
    type Item = (usize, Vec<Cow<'a, str>>);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let before = self.rest;
            let row = if self.quoted {
                take_quoted_row(&mut self.rest)?
            } else {
                take_unquoted_row(&mut self.rest)
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

/// Removes the first line from `rest` and returns its fields, in which quotation marks have no meaning.
fn take_unquoted_row<'a>(rest: &mut &'a str) -> Vec<Cow<'a, str>> {
    let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
    *rest = after;
    line.strip_suffix('\r')
        .unwrap_or(line)
        .split('\t')
        .map(Cow::Borrowed)
        .collect()
}

/// Removes the first row from `rest` and returns its fields, which may be quoted; none if a quotation mark is out of
/// place.
fn take_quoted_row<'a>(rest: &mut &'a str) -> Option<Vec<Cow<'a, str>>> {
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

/// Quotes a field if necessary, so that [`TsvRows`] reads it back unchanged.
fn quote_field(text: &str) -> Cow<'_, str> {
    if text.contains(['\t', '\n', '\r', '"']) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(text)
    }
}

/// Finds the columns called `names` in a table's row of column names, in upper or lower case. Returns the index of each
/// column, none for a missing one.
pub(in crate::memory) fn find_columns<const N: usize>(row: &[Cow<str>], names: [&str; N]) -> [Option<usize>; N] {
    names.map(|name| row.iter().position(|column| column.trim().eq_ignore_ascii_case(name)))
}
