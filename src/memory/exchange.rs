//! Exchange: a memory as a file of translation units, out and in.

use super::table::{Rows, columns, field};
use super::{Machine, Memory, Unit, tmx};
use crate::error::{Error, Result};
use crate::thai::encoding::decode;
use jiff::Timestamp;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::{self, BufRead, Write};

/// A kind of file that holds translation units. All give back exactly what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeFormat {
    /// TMX 1.4b, which other translation tools read and write.
    Tmx,
    /// A table with a row of column names; fields are quoted where a spreadsheet would.
    Tsv,
    /// A [`Unit`] in JSON a line.
    Jsonl,
}

impl ExchangeFormat {
    pub const ALL: [Self; 3] = [Self::Tmx, Self::Tsv, Self::Jsonl];

    /// Its name, which is also the extension of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tmx => "tmx",
            Self::Tsv => "tsv",
            Self::Jsonl => "jsonl",
        }
    }

    /// The format that a file's extension (without the dot, in any case) stands for.
    pub fn from_extension(extension: &str) -> Option<Self> {
        let extension = extension.to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| format.name() == extension)
    }
}

/// Units of a file that are no matter for a memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Without Thai or without English.
    pub languages: usize,
    /// Marked as a machine's by another tool, which does not say by which.
    pub machine: usize,
}

/// Writes all of a memory, people's translations first.
///
/// # Errors
/// The memory's; inside, those of `out`.
pub fn write(memory: &Memory, format: ExchangeFormat, out: &mut dyn Write) -> Result<io::Result<()>> {
    match format {
        ExchangeFormat::Tmx => tmx::write(memory, out),
        ExchangeFormat::Tsv => write_tsv(memory, out),
        ExchangeFormat::Jsonl => memory.each(&mut |unit| {
            serde_json::to_writer(&mut *out, unit)?;
            out.write_all(b"\n")
        }),
    }
}

/// Tells the units of a file one by one: TMX and JSONL as they are read, of a TSV when all of it is.
///
/// A unit without a machine's marks is a person's; one without a date is made now.
///
/// # Errors
/// Of kind `Input`, with line and column where they are known, for a file that is damaged or another kind; those of `tell`.
pub fn read(
    mut input: &mut dyn BufRead,
    format: ExchangeFormat,
    tell: &mut dyn FnMut(Unit) -> Result<()>,
) -> Result<Skipped> {
    match format {
        ExchangeFormat::Tmx => return tmx::read(&mut input, tell),
        ExchangeFormat::Tsv => read_tsv(input, tell)?,
        ExchangeFormat::Jsonl => read_jsonl(input, tell)?,
    }
    Ok(Skipped::default())
}

/// A failure to read, at a line.
fn at(line: usize, message: impl Into<String>) -> Error {
    Error::input(message).place(format!("line {line}"))
}

pub(super) fn failed(error: io::Error) -> Error {
    Error::input(crate::file::io_phrase(&error)).source(error)
}

/// What tells that a file is no memory but one of plae's outputs.
fn an_output(line: usize) -> Error {
    at(line, "an output of `plae translate`, no translation memory")
        .hint("`plae memory learn` takes from it what people edited")
}

#[derive(Deserialize)]
struct Line {
    /// Only outputs have it.
    r#type: Option<IgnoredAny>,
    #[serde(flatten)]
    unit: Unit,
}

fn read_jsonl(input: &mut dyn BufRead, tell: &mut dyn FnMut(Unit) -> Result<()>) -> Result<()> {
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        if input.read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
            break;
        }
        let json = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        if json.trim_ascii().is_empty() {
            continue;
        }
        if json.starts_with(b"{\"type\":\"header\"") {
            return Err(an_output(line));
        }
        let read: Line = serde_json::from_slice(json).map_err(|error| {
            at(line, format!("not a translation unit: {error}"))
                .hint("each line is an object with \"source\" and \"target\"")
                .source(error)
        })?;
        if read.r#type.is_some() {
            return Err(an_output(line));
        }
        tell(read.unit)?;
    }
    Ok(())
}

const COLUMNS: [&str; 9] = [
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

fn write_tsv(memory: &Memory, out: &mut dyn Write) -> Result<io::Result<()>> {
    if let Err(error) = writeln!(out, "{}", COLUMNS.join("\t")) {
        return Ok(Err(error));
    }
    memory.each(&mut |unit| {
        let machine = unit.machine.as_ref();
        let of = |value: fn(&Machine) -> String| machine.map(value).unwrap_or_default();
        let fields = [
            unit.source.clone(),
            unit.target.clone(),
            unit.made.to_string(),
            of(|machine| machine.system.clone()),
            of(|machine| machine.score.map(|score| score.to_string()).unwrap_or_default()),
            of(|machine| name(machine.finish)),
            of(flags),
            of(|machine| machine.source_tokens.to_string()),
            of(|machine| machine.target_tokens.to_string()),
        ];
        let fields: Vec<Cow<str>> = fields.iter().map(|text| field(text)).collect();
        writeln!(out, "{}", fields.join("\t"))
    })
}

/// The name that a value has in JSON.
pub(super) fn name(value: impl Serialize) -> String {
    let json = serde_json::to_string(&value).unwrap_or_default();
    json.trim_matches('"').to_owned()
}

/// Names of the flags, joined by commas.
pub(super) fn flags(machine: &Machine) -> String {
    let names: Vec<String> = machine.flags.iter().map(name).collect();
    names.join(",")
}

fn read_tsv(input: &mut dyn BufRead, tell: &mut dyn FnMut(Unit) -> Result<()>) -> Result<()> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(failed)?;
    // Control characters in UTF-8 are text here, however odd.
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => decode(error.as_bytes(), None)?.text,
    };
    let mut rows = Rows::new(&text).peekable();
    let mut places = [Some(0), Some(1), None, None, None, None, None, None, None];
    if let Some((line, head)) = rows.peek() {
        let named = columns(head, COLUMNS);
        if columns(head, ["block", "kind", "span", "start"])[..2]
            .iter()
            .all(Option::is_some)
        {
            return Err(an_output(*line));
        }
        if named[..2].iter().all(Option::is_some) {
            places = named;
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
        ] = places.map(|place| place.and_then(|place| row.get(place)).map_or("", Cow::as_ref));
        if row.len() < 2 {
            return Err(
                at(line, "a row of one column").hint("source and target stand in two columns, a tab between them")
            );
        }
        let made = match made {
            "" => Timestamp::now(),
            made => made
                .parse()
                .map_err(|error| at(line, format!("made: {error}")).source(error))?,
        };
        let machine = match system {
            "" => None,
            system => Some(
                machine(system, score, finish, flags, [source_tokens, target_tokens]).map_err(|error| {
                    let message = error.message.clone();
                    at(line, message).source(error)
                })?,
            ),
        };
        tell(Unit {
            source: source.to_owned(),
            target: target.to_owned(),
            made,
            machine,
        })?;
    }
    Ok(())
}

/// A machine from the texts of its fields; what is empty is not known.
pub(super) fn machine(system: &str, score: &str, finish: &str, flags: &str, tokens: [&str; 2]) -> Result<Machine> {
    let bad = |field: &str, value: &str| Error::input(format!("{field} {value:?} means nothing"));
    let count = |value: &str| match value {
        "" => Ok(0),
        value => value
            .parse::<u32>()
            .map(|count| count as usize)
            .map_err(|_| bad("a number of tokens", value)),
    };
    let flags = flags.split(',').map(str::trim).filter(|flag| !flag.is_empty());
    Ok(Machine {
        system: system.to_owned(),
        score: match score {
            "" => None,
            score => Some(score.parse().map_err(|_| bad("score", score))?),
        },
        finish: word(finish).ok_or_else(|| bad("finish", finish))?,
        flags: flags
            .map(|flag| word(flag).ok_or_else(|| bad("flag", flag)))
            .collect::<Result<_>>()?,
        source_tokens: count(tokens[0])?,
        target_tokens: count(tokens[1])?,
    })
}

/// The value that has this name in JSONL.
fn word<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::from(name)).ok()
}
