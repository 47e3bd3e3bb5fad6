//! Shared by the exchange formats: the fields of a machine's translation as text, and errors that name a line.

use super::MAX_FIELD_BYTES;
use crate::error::{Error, Hint, Result};
use crate::file::{format_byte_size, read_line};
use crate::memory::MachineDetails;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, BufRead};

/// Counts the units of a file that were skipped, since a memory has no use for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkippedCounts {
    /// Number of units without a Thai text.
    pub without_thai: usize,
    /// Number of units with a Thai text, but without an English one.
    pub without_english: usize,
    /// Number of English texts of units that have several; the first of each unit is kept.
    pub further_translations: usize,
    /// Number of units that another tool marked as a machine's translation without saying which machine.
    pub machine: usize,
}

/// Makes an error of kind `Input` that names a line, counted from 1.
pub(super) fn error_at_line(line: usize, message: impl Into<String>) -> Error {
    Error::input(message).place(format!("line {line}"))
}

/// Makes the error for an input that the operating system fails to read.
pub(super) fn input_read_error(error: io::Error) -> Error {
    Error::input(crate::file::describe_io_error(&error)).source(error)
}

/// Appends the next line of `input`, with its line end, to `bytes`, and returns the number of bytes read; 0 at the end.
/// `number` is the line's number, counted from 1.
///
/// # Errors
/// Kind `Input` for a line of more than [`MAX_FIELD_BYTES`], and for an input that cannot be read.
pub(super) fn read_field_line(input: &mut dyn BufRead, bytes: &mut Vec<u8>, number: usize) -> Result<usize> {
    match read_line(input, bytes, MAX_FIELD_BYTES).map_err(input_read_error)? {
        Some(count) => Ok(count),
        None => {
            let limit = format_byte_size(MAX_FIELD_BYTES);
            Err(error_at_line(number, format!("a line of more than {limit}"))
                .hint("no sentence is that long: the file is damaged, or no translation memory"))
        }
    }
}

/// Makes the error for an output of plae, recognised at `line`, that is given where an exported memory is expected.
pub(super) fn plae_output_error(line: usize) -> Error {
    error_at_line(line, "an output of plae, no translation memory").hint(Hint::LearnFromOutput)
}

/// Returns the name of a value in JSON, without quotation marks.
pub(super) fn json_name(value: impl Serialize) -> String {
    let json = serde_json::to_string(&value).unwrap_or_default();
    json.trim_matches('"').to_owned()
}

/// Returns the value that has this name in JSON; none for an unknown name.
fn from_json_name<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::from(name)).ok()
}

/// Returns the names of a machine translation's flags in JSON, joined by commas.
pub(super) fn flag_names(machine: &MachineDetails) -> String {
    let names: Vec<String> = machine.flags.iter().map(|finding| json_name(finding.flag)).collect();
    names.join(",")
}

/// Parses the details of a machine's translation from text fields. An empty score or number of tokens is taken as
/// unknown, an empty list of flags as no flags.
///
/// # Errors
/// Kind `Input` for a field that cannot be parsed.
pub(super) fn parse_machine_details(
    system: &str,
    score: &str,
    finish: &str,
    flags: &str,
    [source_tokens, target_tokens]: [&str; 2],
) -> Result<MachineDetails> {
    let invalid = |field: &str, value: &str| Error::input(format!("{field} {value:?} means nothing"));
    let count = |value: &str| match value {
        "" => Ok(0),
        value => value
            .parse::<u32>()
            .map(|count| count as usize)
            .map_err(|_| invalid("a number of tokens", value)),
    };
    let flags = flags.split(',').map(str::trim).filter(|flag| !flag.is_empty());
    Ok(MachineDetails {
        system: system.to_owned(),
        score: match score {
            "" => None,
            score => {
                let number = score.parse().ok().filter(|number: &f64| number.is_finite());
                Some(number.ok_or_else(|| invalid("score", score))?)
            }
        },
        finish: from_json_name(finish).ok_or_else(|| invalid("finish", finish))?,
        flags: flags
            .map(|flag| from_json_name(flag).ok_or_else(|| invalid("flag", flag)))
            .collect::<Result<_>>()?,
        source_tokens: count(source_tokens)?,
        target_tokens: count(target_tokens)?,
    })
}
