//! The fields of sentencepiece_model.proto (`ModelProto`) that encoding needs, read from protobuf's wire format.

use super::pieces::Role;
use crate::error::{Error, Result};
use std::path::Path;

/// How a text is cut into pieces (`TrainerSpec.ModelType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    #[default]
    Unigram,
    Bpe,
    /// Words or characters, which no translation model uses.
    Other(u64),
}

/// One entry of the vocabulary.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    pub text: String,
    pub score: f32,
    pub role: Role,
}

/// Rules that change a text before it is cut (`NormalizerSpec`).
#[derive(Clone, Debug)]
pub struct Rules {
    pub charsmap: Vec<u8>,
    pub add_dummy_prefix: bool,
    pub remove_extra_whitespaces: bool,
    pub escape_whitespaces: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            charsmap: Vec::new(),
            add_dummy_prefix: true,
            remove_extra_whitespaces: true,
            escape_whitespaces: true,
        }
    }
}

/// A sentencepiece model as its file has it.
#[derive(Clone, Debug)]
pub struct Model {
    pub pieces: Vec<Piece>,
    pub method: Method,
    pub treat_whitespace_as_suffix: bool,
    pub byte_fallback: bool,
    /// What an unknown token is decoded to.
    pub unknown_surface: String,
    pub rules: Rules,
    /// Rules for decoded text; seldom there.
    pub denormalizer: Rules,
}

impl Model {
    /// Reads a file.
    ///
    /// # Errors
    /// As [`Model::read`], and where the file cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        Self::read(&super::files::read(path)?).map_err(|e| e.path(path))
    }

    /// Reads a file's bytes.
    ///
    /// # Errors
    /// Of kind `Model` where the bytes are no such message; the place is that of the damage.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut this = Self {
            pieces: Vec::new(),
            method: Method::default(),
            treat_whitespace_as_suffix: false,
            byte_fallback: false,
            unknown_surface: " \u{2047} ".to_owned(),
            rules: Rules::default(),
            denormalizer: Rules::default(),
        };
        fields(bytes, 0, &mut |number, value| {
            match (number, value) {
                (1, Value::Bytes(bytes, at)) => this.pieces.push(piece(bytes, at)?),
                (2, Value::Bytes(bytes, at)) => fields(bytes, at, &mut |number, value| {
                    match (number, value) {
                        (3, Value::Integer(1)) => this.method = Method::Unigram,
                        (3, Value::Integer(2)) => this.method = Method::Bpe,
                        (3, Value::Integer(other)) => this.method = Method::Other(other),
                        (24, Value::Integer(value)) => this.treat_whitespace_as_suffix = value != 0,
                        (35, Value::Integer(value)) => this.byte_fallback = value != 0,
                        (44, value @ Value::Bytes(..)) => this.unknown_surface = value.text()?,
                        _ => {}
                    }
                    Ok(())
                })?,
                (3, Value::Bytes(bytes, at)) => rules(bytes, at, &mut this.rules)?,
                (5, Value::Bytes(bytes, at)) => rules(bytes, at, &mut this.denormalizer)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(this)
    }
}

fn piece(bytes: &[u8], at: usize) -> Result<Piece> {
    let mut this = Piece::default();
    fields(bytes, at, &mut |number, value| {
        match (number, value) {
            (1, value @ Value::Bytes(..)) => this.text = value.text()?,
            (2, Value::Float(value)) => this.score = value,
            (3, Value::Integer(value)) => this.role = Role::numbered(value),
            _ => {}
        }
        Ok(())
    })?;
    Ok(this)
}

fn rules(bytes: &[u8], at: usize, rules: &mut Rules) -> Result<()> {
    fields(bytes, at, &mut |number, value| {
        match (number, value) {
            (2, Value::Bytes(bytes, _)) => rules.charsmap = bytes.to_vec(),
            (3, Value::Integer(value)) => rules.add_dummy_prefix = value != 0,
            (4, Value::Integer(value)) => rules.remove_extra_whitespaces = value != 0,
            (5, Value::Integer(value)) => rules.escape_whitespaces = value != 0,
            _ => {}
        }
        Ok(())
    })
}

/// A field's value, by wire type; bytes with their place in the file.
#[derive(Clone, Copy)]
enum Value<'a> {
    Integer(u64),
    Float(f32),
    Bytes(&'a [u8], usize),
    Wide,
}

impl Value<'_> {
    fn text(self) -> Result<String> {
        match self {
            Self::Bytes(bytes, at) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(text.to_owned()),
                Err(e) => Err(damage(at + e.valid_up_to(), "text that is not UTF-8")),
            },
            _ => Ok(String::new()),
        }
    }
}

fn damage(at: usize, what: &str) -> Error {
    Error::model(format!("not a sentencepiece model: {what}")).place(format!("byte {at}"))
}

/// Calls `each` with every field of a message that begins at byte `base` of the file.
fn fields(bytes: &[u8], base: usize, each: &mut dyn FnMut(u64, Value) -> Result<()>) -> Result<()> {
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let key = varint(bytes, base, &mut at)?;
        let take = |len: u64, at: &mut usize| {
            let end = usize::try_from(len).ok().and_then(|len| at.checked_add(len));
            let taken = end.and_then(|end| bytes.get(*at..end));
            let taken = taken.ok_or_else(|| damage(base + start, "a field runs past its end"))?;
            *at += taken.len();
            Ok::<_, Error>(taken)
        };
        let value = match key & 7 {
            0 => Value::Integer(varint(bytes, base, &mut at)?),
            1 => {
                take(8, &mut at)?;
                Value::Wide
            }
            2 => {
                let len = varint(bytes, base, &mut at)?;
                let begin = base + at;
                Value::Bytes(take(len, &mut at)?, begin)
            }
            5 => {
                let word: [u8; 4] = take(4, &mut at)?.try_into().unwrap_or_default();
                Value::Float(f32::from_le_bytes(word))
            }
            _ => return Err(damage(base + start, "a field of an unknown wire type")),
        };
        each(key >> 3, value)?;
    }
    Ok(())
}

fn varint(bytes: &[u8], base: usize, at: &mut usize) -> Result<u64> {
    let start = *at;
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let Some(byte) = bytes.get(*at) else {
            break;
        };
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(damage(base + start, "a number without an end"))
}
