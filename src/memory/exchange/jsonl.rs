//! JSONL: translation units as JSON objects, one in each line.

use super::fields::{error_at_line, plae_output_error, read_field_line};
use crate::error::Result;
use crate::file::failed_write_error;
use crate::memory::{Memory, TranslationUnit};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::io::{BufRead, Write};

/// Writes every translation unit of a memory as a line with a JSON object.
///
/// # Errors
/// The errors of the memory and of `out`.
pub(super) fn write(memory: &Memory, out: &mut dyn Write) -> Result<()> {
    memory.for_each_unit(&mut |unit| {
        serde_json::to_writer(&mut *out, unit).map_err(|error| failed_write_error(error.into()))?;
        out.write_all(b"\n").map_err(failed_write_error)
    })
}

#[derive(Deserialize)]
struct JsonLine {
    /// The `type` field: only lines of plae's outputs have one, and these cannot be read as a memory.
    r#type: Option<IgnoredAny>,
    #[serde(flatten)]
    unit: TranslationUnit,
}

/// Reads translation units line by line and calls `on_unit` with each.
///
/// # Errors
/// Kind `Input`, with the line, for a line that is no unit; those of `on_unit`.
pub(super) fn read(input: &mut dyn BufRead, on_unit: &mut dyn FnMut(TranslationUnit) -> Result<()>) -> Result<()> {
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        if read_field_line(input, &mut bytes, line)? == 0 {
            break;
        }
        let json = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        if json.trim_ascii().is_empty() {
            continue;
        }
        if json.starts_with(b"{\"type\":\"header\"") {
            return Err(plae_output_error(line));
        }
        let read: JsonLine = serde_json::from_slice(json).map_err(|error| {
            error_at_line(line, format!("not a translation unit: {error}"))
                .hint("each line is an object with \"source\" and \"target\"")
                .source(error)
        })?;
        if read.r#type.is_some() {
            return Err(plae_output_error(line));
        }
        on_unit(read.unit)?;
    }
    Ok(())
}
