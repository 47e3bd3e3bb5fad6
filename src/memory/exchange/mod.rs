//! Exchange: writes all translation units of a memory to a file, and reads units from a file.

mod entities;
mod fields;
mod jsonl;
mod table;
mod tmx;

pub use fields::SkippedCounts;

use super::{Memory, TranslationUnit};
use crate::error::Result;
use std::io::{BufRead, Write};

/// The most bytes of one field of a file: a text of TMX, a line of JSONL. A sentence, its translation and all that is
/// known of them take a few thousand.
const MAX_FIELD_BYTES: u64 = 16 << 20;

/// A file format for translation units.
///
/// A memory that is written to a file in any of the formats and read again has the same contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeFormat {
    /// TMX 1.4b, which other translation tools read and write.
    Tmx,
    /// A table of tab-separated values with a row of column names; fields are quoted as a spreadsheet does it.
    Tsv,
    /// A table of translations with commas, and with a byte-order mark for spreadsheet programs.
    Csv,
    /// One [`TranslationUnit`] as a JSON object in each line.
    Jsonl,
}

impl ExchangeFormat {
    /// Every format, the preferred one first.
    pub const ALL: [Self; 4] = [Self::Tmx, Self::Tsv, Self::Csv, Self::Jsonl];

    /// Returns the format's name, which is also the extension of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tmx => "tmx",
            Self::Tsv => "tsv",
            Self::Csv => "csv",
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
/// The errors of the memory; of kind `Output`, without a path, where `out` fails.
pub fn write(memory: &Memory, format: ExchangeFormat, out: &mut dyn Write) -> Result<()> {
    match format {
        ExchangeFormat::Tmx => tmx::write(memory, out),
        ExchangeFormat::Tsv => table::write(memory, '\t', out),
        ExchangeFormat::Csv => table::write(memory, ',', out),
        ExchangeFormat::Jsonl => jsonl::write(memory, out),
    }
}

/// Reads a file and calls `on_unit` with each of its units. TMX and JSONL are read piece by piece; a table is
/// first read into memory as a whole.
///
/// A unit that names no machine is taken as a person's translation, a unit without a date as made now.
///
/// # Errors
/// Kind `Input`, with line and column where they are known, for a file that is damaged or of another kind; those of
/// `on_unit`, which end the reading.
pub fn read(
    mut input: &mut dyn BufRead,
    format: ExchangeFormat,
    on_unit: &mut dyn FnMut(TranslationUnit) -> Result<()>,
) -> Result<SkippedCounts> {
    match format {
        ExchangeFormat::Tmx => return tmx::read(&mut input, false, on_unit),
        ExchangeFormat::Tsv => table::read(input, &['\t'], on_unit)?,
        // Where the comma is a decimal mark, spreadsheet programs put semicolons between columns.
        ExchangeFormat::Csv => table::read(input, &[',', ';', '\t'], on_unit)?,
        ExchangeFormat::Jsonl => jsonl::read(input, on_unit)?,
    }
    Ok(SkippedCounts::default())
}

/// Reads a TMX document like [`read`] for its texts: translations by a machine that is not named are read too, and look
/// like a person's.
///
/// # Errors
/// The errors of [`read`].
pub fn read_tmx_pairs(
    mut input: &mut dyn BufRead,
    on_unit: &mut dyn FnMut(TranslationUnit) -> Result<()>,
) -> Result<SkippedCounts> {
    tmx::read(&mut input, true, on_unit)
}
