//! TSV and CSV: translation units as a table, with or without a spreadsheet's quotes.

use super::fields::{error_at_line, flag_names, json_name, parse_machine_details, plae_output_error, read_field_line};
use crate::document::spreadsheet::{TableRows, find_columns, neutralise_formula, quote_field, restore_formula};
use crate::error::{Error, Result};
use crate::file::{failed_write_error, format_byte_size};
use crate::memory::{MachineDetails, Memory, TranslationUnit};
use crate::thai::encoding::decode_text;
use jiff::Timestamp;
use std::borrow::Cow;
use std::io::{BufRead, Write};

/// The most bytes of a table, which is read into memory as a whole.
const MAX_TABLE_BYTES: u64 = 2 << 30;

/// Names of the table's columns, in the order in which they are written.
const COLUMN_NAMES: [&str; 9] = [
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
pub(super) fn write(memory: &Memory, separator: char, out: &mut dyn Write) -> Result<()> {
    let between = separator.to_string();
    // Spreadsheet programs take a CSV file without the mark for one in the system's old encoding.
    let mark = if separator == ',' { "\u{feff}" } else { "" };
    writeln!(out, "{mark}{}", COLUMN_NAMES.join(&between)).map_err(failed_write_error)?;
    memory.for_each_unit(&mut |unit| {
        let machine = unit.machine.as_ref();
        let field = |value: fn(&MachineDetails) -> String| machine.map(value).unwrap_or_default();
        let fields = [
            neutralise_formula(&unit.source).into_owned(),
            neutralise_formula(&unit.target).into_owned(),
            unit.made.to_string(),
            field(|machine| neutralise_formula(&machine.system).into_owned()),
            field(|machine| machine.score.map(|score| score.to_string()).unwrap_or_default()),
            field(|machine| json_name(machine.finish)),
            field(flag_names),
            field(|machine| machine.source_tokens.to_string()),
            field(|machine| machine.target_tokens.to_string()),
        ];
        let fields: Vec<Cow<str>> = fields.iter().map(|text| quote_field(text, separator)).collect();
        writeln!(out, "{}", fields.join(&between)).map_err(failed_write_error)
    })
}

/// Reads a table of translation units and calls `on_unit` with each. The table has column names in its first row, or
/// source and target in its first two columns. Of the `separators`, the first that its first line has stands between
/// columns.
///
/// # Errors
/// Kind `Input`, with the line, for a row that is no unit; those of `on_unit`.
pub(super) fn read(
    input: &mut dyn BufRead,
    separators: &[char],
    on_unit: &mut dyn FnMut(TranslationUnit) -> Result<()>,
) -> Result<()> {
    let mut bytes = Vec::new();
    for line in 1.. {
        if read_field_line(input, &mut bytes, line)? == 0 {
            break;
        }
        if bytes.len() as u64 > MAX_TABLE_BYTES {
            let message = format!("a table of more than {}", format_byte_size(MAX_TABLE_BYTES));
            return Err(Error::input(message).hint("tmx and jsonl are read piece by piece"));
        }
    }
    // Valid UTF-8 is taken as it is, control characters included; the detection of encodings would refuse them.
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => decode_text(error.as_bytes(), None)?.text,
    };
    let first = text.lines().next().unwrap_or_default();
    let has = |separator: &&char| first.contains(**separator);
    let separator = separators.iter().find(has).copied().unwrap_or(separators[0]);
    let mut rows = TableRows::new(&text, separator).peekable();
    let mut positions = [Some(0), Some(1), None, None, None, None, None, None, None];
    if let Some((line, head)) = rows.peek() {
        let named = find_columns(head, COLUMN_NAMES);
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
            return Err(error_at_line(line, "a row of one column").hint("source and target stand in two columns"));
        }
        let made = match made {
            "" => Timestamp::now(),
            made => made
                .parse()
                .map_err(|error| error_at_line(line, format!("made: {error}")).source(error))?,
        };
        let machine = match restore_formula(system) {
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
            source: restore_formula(source).to_owned(),
            target: restore_formula(target).to_owned(),
            made,
            machine,
        })?;
    }
    Ok(())
}
