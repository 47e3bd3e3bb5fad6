//! What the exchange formats share: the fields of a machine's translation as text, and errors with their line.

use crate::error::{Error, Hint, Result};
use crate::memory::Machine;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;

/// Counts the units of a file that a memory has no use for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Units without Thai or without English.
    pub languages: usize,
    /// Units marked as a machine's by another tool, which does not say which machine.
    pub machine: usize,
}

/// An error of kind `Input` at a line, counted from 1.
pub(super) fn error_at(line: usize, message: impl Into<String>) -> Error {
    Error::input(message).place(format!("line {line}"))
}

/// The error for an input that the system fails to read.
pub(super) fn unreadable(error: io::Error) -> Error {
    Error::input(crate::file::io_phrase(&error)).source(error)
}

/// The error for one of plae's own outputs where a memory is expected.
pub(super) fn is_an_output(line: usize) -> Error {
    error_at(line, "an output of plae, no translation memory").hint(Hint::LearnFromOutput)
}

/// The name that a value has in JSON.
pub(super) fn json_name(value: impl Serialize) -> String {
    let json = serde_json::to_string(&value).unwrap_or_default();
    json.trim_matches('"').to_owned()
}

/// The value that has this name in JSON.
fn from_json_name<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::from(name)).ok()
}

/// Names of the flags, joined by commas.
pub(super) fn flag_names(machine: &Machine) -> String {
    let names: Vec<String> = machine.flags.iter().map(json_name).collect();
    names.join(",")
}

/// Reads a machine from the texts of its fields; an empty text stands for a value that is not known.
///
/// # Errors
/// Of kind `Input`, for a text that stands for no value.
pub(super) fn parse_machine(
    system: &str,
    score: &str,
    finish: &str,
    flags: &str,
    [source_tokens, target_tokens]: [&str; 2],
) -> Result<Machine> {
    let invalid = |field: &str, value: &str| Error::input(format!("{field} {value:?} means nothing"));
    let count = |value: &str| match value {
        "" => Ok(0),
        value => value
            .parse::<u32>()
            .map(|count| count as usize)
            .map_err(|_| invalid("a number of tokens", value)),
    };
    let flags = flags.split(',').map(str::trim).filter(|flag| !flag.is_empty());
    Ok(Machine {
        system: system.to_owned(),
        score: match score {
            "" => None,
            score => Some(score.parse().map_err(|_| invalid("score", score))?),
        },
        finish: from_json_name(finish).ok_or_else(|| invalid("finish", finish))?,
        flags: flags
            .map(|flag| from_json_name(flag).ok_or_else(|| invalid("flag", flag)))
            .collect::<Result<_>>()?,
        source_tokens: count(source_tokens)?,
        target_tokens: count(target_tokens)?,
    })
}
