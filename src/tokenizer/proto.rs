//! Reader of sentencepiece model files: the fields of `ModelProto` in sentencepiece_model.proto that encoding needs, read
//! from protobuf's wire format.

use super::pieces::PieceType;
use crate::error::{Error, Result};
use std::path::Path;

/// The algorithm that cuts a text into pieces (`TrainerSpec.ModelType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelType {
    /// The most likely path through a unigram language model.
    #[default]
    Unigram,
    /// Byte-pair encoding.
    Bpe,
    /// The number of another algorithm: words (3) or characters (4), which no translation model uses.
    Other(u64),
}

/// One entry of the vocabulary (`SentencePiece`).
#[derive(Clone, Debug, Default)]
pub struct Piece {
    pub text: String,
    /// A log probability (unigram) or the negated rank of a merge (BPE).
    pub score: f32,
    pub piece_type: PieceType,
}

/// The normalisation of a text before it is cut (`NormalizerSpec`).
#[derive(Clone, Debug)]
pub struct NormalizerSpec {
    /// Replacements of characters, compiled to a double array; empty if there are none.
    pub precompiled_charsmap: Vec<u8>,
    /// Whether a space is put before a text.
    pub add_dummy_prefix: bool,
    /// Whether spaces at the ends are dropped and repeated spaces are joined.
    pub remove_extra_whitespaces: bool,
    /// Whether spaces are written as ▁.
    pub escape_whitespaces: bool,
}

impl Default for NormalizerSpec {
    fn default() -> Self {
        Self {
            precompiled_charsmap: Vec::new(),
            add_dummy_prefix: true,
            remove_extra_whitespaces: true,
            escape_whitespaces: true,
        }
    }
}

/// A sentencepiece model file (`ModelProto`).
#[derive(Clone, Debug)]
pub struct ModelProto {
    /// The vocabulary, in the order of ids.
    pub pieces: Vec<Piece>,
    pub model_type: ModelType,
    /// Whether the dummy space is put after a text instead of before it.
    pub treat_whitespace_as_suffix: bool,
    /// Whether characters without a piece are cut into byte pieces.
    pub byte_fallback: bool,
    /// The text to which the unknown token is decoded (`unk_surface`).
    pub unknown_surface: String,
    /// Normalisation of a text before it is cut (`normalizer_spec`).
    pub normalizer: NormalizerSpec,
    /// Normalisation of decoded text (`denormalizer_spec`); few models have one.
    pub denormalizer: NormalizerSpec,
}

impl ModelProto {
    /// Reads a model file.
    ///
    /// # Errors
    /// Of kind `Model` if the file cannot be read or parsed.
    pub fn open(path: &Path) -> Result<Self> {
        Self::parse(&super::config::read_file(path)?).map_err(|e| e.path(path))
    }

    /// Parses the bytes of a model file.
    ///
    /// # Errors
    /// Of kind `Model` if the bytes are no such message; the place is the byte offset of the damage.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut this = Self {
            pieces: Vec::new(),
            model_type: ModelType::default(),
            treat_whitespace_as_suffix: false,
            byte_fallback: false,
            unknown_surface: " \u{2047} ".to_owned(),
            normalizer: NormalizerSpec::default(),
            denormalizer: NormalizerSpec::default(),
        };
        for_each_field(bytes, 0, &mut |number, value| {
            match (number, value) {
                (1, Value::Bytes(bytes, at)) => this.pieces.push(parse_piece(bytes, at)?),
                (2, Value::Bytes(bytes, at)) => for_each_field(bytes, at, &mut |number, value| {
                    match (number, value) {
                        (3, Value::Integer(1)) => this.model_type = ModelType::Unigram,
                        (3, Value::Integer(2)) => this.model_type = ModelType::Bpe,
                        (3, Value::Integer(other)) => this.model_type = ModelType::Other(other),
                        (24, Value::Integer(value)) => this.treat_whitespace_as_suffix = value != 0,
                        (35, Value::Integer(value)) => this.byte_fallback = value != 0,
                        (44, value @ Value::Bytes(..)) => this.unknown_surface = value.text()?,
                        _ => {}
                    }
                    Ok(())
                })?,
                (3, Value::Bytes(bytes, at)) => parse_normalizer_spec(bytes, at, &mut this.normalizer)?,
                (5, Value::Bytes(bytes, at)) => parse_normalizer_spec(bytes, at, &mut this.denormalizer)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(this)
    }
}

/// Parses a `SentencePiece` message that begins at byte `at` of the file.
fn parse_piece(bytes: &[u8], at: usize) -> Result<Piece> {
    let mut this = Piece::default();
    for_each_field(bytes, at, &mut |number, value| {
        match (number, value) {
            (1, value @ Value::Bytes(..)) => this.text = value.text()?,
            (2, Value::Float(value)) => this.score = value,
            (3, Value::Integer(value)) => this.piece_type = PieceType::from_number(value),
            _ => {}
        }
        Ok(())
    })?;
    Ok(this)
}

/// Parses a `NormalizerSpec` message that begins at byte `at` of the file.
fn parse_normalizer_spec(bytes: &[u8], at: usize, spec: &mut NormalizerSpec) -> Result<()> {
    for_each_field(bytes, at, &mut |number, value| {
        match (number, value) {
            (2, Value::Bytes(bytes, _)) => spec.precompiled_charsmap = bytes.to_vec(),
            (3, Value::Integer(value)) => spec.add_dummy_prefix = value != 0,
            (4, Value::Integer(value)) => spec.remove_extra_whitespaces = value != 0,
            (5, Value::Integer(value)) => spec.escape_whitespaces = value != 0,
            _ => {}
        }
        Ok(())
    })
}

/// The value of a field, by its wire type.
#[derive(Clone, Copy)]
enum Value<'a> {
    /// A varint.
    Integer(u64),
    /// A 32-bit float.
    Float(f32),
    /// A string or message, and its byte offset in the file.
    Bytes(&'a [u8], usize),
    /// A 64-bit value, which no field that is read has.
    SixtyFourBit,
}

impl Value<'_> {
    /// The value as a string; empty if it is no string.
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

/// The error for damage at byte `at` of the file.
fn damage(at: usize, what: &str) -> Error {
    Error::model(format!("not a sentencepiece model: {what}")).place(format!("byte {at}"))
}

/// Calls `each` with the number and value of every field of a message that begins at byte `base` of the file.
fn for_each_field(bytes: &[u8], base: usize, each: &mut dyn FnMut(u64, Value) -> Result<()>) -> Result<()> {
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
                Value::SixtyFourBit
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

/// Reads the varint at byte `at` of a message and moves `at` behind it.
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
