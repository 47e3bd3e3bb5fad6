//! TSV: translation units as a table of tab-separated values, with or without a spreadsheet's quotes.

use super::fields::{error_at_line, flag_names, input_read_error, json_name, parse_machine_details, plae_output_error};
use crate::document::spreadsheet::{TableRows, find_columns, quote_field};
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
        let fields: Vec<Cow<str>> = fields.iter().map(|text| quote_field(text, '\t')).collect();
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
    let mut rows = TableRows::new(&text, '\t').peekable();
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
