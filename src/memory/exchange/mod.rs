//! Exchange: all units of a memory written to a file, and read from one.

mod fields;
mod jsonl;
mod tmx;
pub(super) mod tsv;

pub use fields::Skipped;

use super::{Memory, Unit};
use crate::error::Result;
use std::io::{BufRead, Write};

/// A kind of file that holds translation units.
///
/// A memory that is written in any of them and read again is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeFormat {
    /// TMX 1.4b, which other translation tools read and write.
    Tmx,
    /// A table of tab-separated values with a row of column names; fields are quoted as a spreadsheet does it.
    Tsv,
    /// One [`Unit`] in JSON a line.
    Jsonl,
}

impl ExchangeFormat {
    /// Every format, the preferred one first.
    pub const ALL: [Self; 3] = [Self::Tmx, Self::Tsv, Self::Jsonl];

    /// The format's name, which is also the extension of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tmx => "tmx",
            Self::Tsv => "tsv",
            Self::Jsonl => "jsonl",
        }
    }

    /// Finds the format by a file's extension, given without the dot and in any case.
    pub fn from_extension(extension: &str) -> Option<Self> {
        let extension = extension.to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| format.name() == extension)
    }
}

/// Writes every unit of a memory to `out`, people's translations first.
///
/// # Errors
/// The memory's, and of kind `Output`, without a path, where `out` fails.
pub fn write(memory: &Memory, format: ExchangeFormat, out: &mut dyn Write) -> Result<()> {
    match format {
        ExchangeFormat::Tmx => tmx::write(memory, out),
        ExchangeFormat::Tsv => tsv::write(memory, out),
        ExchangeFormat::Jsonl => jsonl::write(memory, out),
    }
}

/// Reads a file and hands its units one by one to `on_unit`. TMX and JSONL are read piecemeal, a TSV is read whole first.
///
/// A unit that no machine has signed is a person's; one without a date is taken as made now.
///
/// # Errors
/// Of kind `Input`, with line and column where they are known, for a file that is damaged or of another kind; those of
/// `on_unit`, which end the reading.
pub fn read(
    mut input: &mut dyn BufRead,
    format: ExchangeFormat,
    on_unit: &mut dyn FnMut(Unit) -> Result<()>,
) -> Result<Skipped> {
    match format {
        ExchangeFormat::Tmx => return tmx::read(&mut input, on_unit),
        ExchangeFormat::Tsv => tsv::read(input, on_unit)?,
        ExchangeFormat::Jsonl => jsonl::read(input, on_unit)?,
    }
    Ok(Skipped::default())
}
