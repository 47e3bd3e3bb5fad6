//! Reader of sentencepiece model files, which are in protobuf's wire format: the fields of `ModelProto`
//! (sentencepiece_model.proto) that encoding and decoding need.

use super::pieces::PieceType;
use crate::error::{Error, Result};
use std::path::Path;

/// The algorithm by which a sentencepiece model cuts a text into pieces (`TrainerSpec.ModelType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelType {
    /// A unigram language model, which takes the most likely sequence of pieces.
    #[default]
    Unigram,
    /// Byte-pair encoding.
    Bpe,
    /// An algorithm that no translation model uses, by its number: 3 cuts words, 4 cuts characters.
    Other(u64),
}

/// One entry of a sentencepiece vocabulary (`SentencePiece` in sentencepiece_model.proto).
#[derive(Clone, Debug, Default)]
pub struct PieceProto {
    pub text: String,
    /// The log probability of the piece (unigram), or the negated rank of its merge (BPE).
    pub score: f32,
    pub piece_type: PieceType,
}

/// The rules for normalising a text (`NormalizerSpec` in sentencepiece_model.proto).
#[derive(Clone, Debug)]
pub struct NormalizerSpec {
    /// The replacements of characters, compiled to a double array; empty if there are none.
    pub precompiled_charsmap: Vec<u8>,
    /// Whether a space is put before a text.
    pub add_dummy_prefix: bool,
    /// Whether spaces at both ends of a text are dropped, and repeated spaces become one.
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

/// The content of a sentencepiece model file (`ModelProto` in sentencepiece_model.proto).
#[derive(Clone, Debug)]
pub struct ModelProto {
    /// The vocabulary, in the order of ids.
    pub pieces: Vec<PieceProto>,
    pub model_type: ModelType,
    /// Whether the dummy space of `add_dummy_prefix` is put after a text instead of before it.
    pub treat_whitespace_as_suffix: bool,
    /// Whether characters without a piece are cut into byte pieces.
    pub byte_fallback: bool,
    /// The text to which the unknown token is decoded (`unk_surface`).
    pub unknown_surface: String,
    /// The rules for normalising a text before it is cut (`normalizer_spec`).
    pub normalizer: NormalizerSpec,
    /// The rules for normalising decoded text (`denormalizer_spec`); few models have any.
    pub denormalizer: NormalizerSpec,
}

impl ModelProto {
    /// Reads a sentencepiece model file.
    ///
    /// # Errors
    /// Kind `Model` if the file cannot be read or parsed.
    pub fn open(path: &Path) -> Result<Self> {
        Self::parse(&super::config::read_file(path)?).map_err(|e| e.path(path))
    }

    /// Parses the bytes of a sentencepiece model file.
    ///
    /// # Errors
    /// Kind `Model` if the bytes are not a `ModelProto` message; the error's place is the byte offset of the damage.
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
                (1, ProtobufValue::Bytes(bytes, at)) => this.pieces.push(parse_piece(bytes, at)?),
                (2, ProtobufValue::Bytes(bytes, at)) => for_each_field(bytes, at, &mut |number, value| {
                    match (number, value) {
                        (3, ProtobufValue::Integer(1)) => this.model_type = ModelType::Unigram,
                        (3, ProtobufValue::Integer(2)) => this.model_type = ModelType::Bpe,
                        (3, ProtobufValue::Integer(other)) => this.model_type = ModelType::Other(other),
                        (24, ProtobufValue::Integer(value)) => this.treat_whitespace_as_suffix = value != 0,
                        (35, ProtobufValue::Integer(value)) => this.byte_fallback = value != 0,
                        (44, value @ ProtobufValue::Bytes(..)) => this.unknown_surface = value.into_text()?,
                        _ => {}
                    }
                    Ok(())
                })?,
                (3, ProtobufValue::Bytes(bytes, at)) => parse_normalizer_spec(bytes, at, &mut this.normalizer)?,
                (5, ProtobufValue::Bytes(bytes, at)) => parse_normalizer_spec(bytes, at, &mut this.denormalizer)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(this)
    }
}

/// Parses a `SentencePiece` message that begins at byte `at` of the file.
fn parse_piece(bytes: &[u8], at: usize) -> Result<PieceProto> {
    let mut this = PieceProto::default();
    for_each_field(bytes, at, &mut |number, value| {
        match (number, value) {
            (1, value @ ProtobufValue::Bytes(..)) => this.text = value.into_text()?,
            (2, ProtobufValue::Float(value)) => this.score = value,
            (3, ProtobufValue::Integer(value)) => this.piece_type = PieceType::from_number(value),
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
            (2, ProtobufValue::Bytes(bytes, _)) => spec.precompiled_charsmap = bytes.to_vec(),
            (3, ProtobufValue::Integer(value)) => spec.add_dummy_prefix = value != 0,
            (4, ProtobufValue::Integer(value)) => spec.remove_extra_whitespaces = value != 0,
            (5, ProtobufValue::Integer(value)) => spec.escape_whitespaces = value != 0,
            _ => {}
        }
        Ok(())
    })
}

/// The value of a protobuf field, by its wire type.
#[derive(Clone, Copy)]
enum ProtobufValue<'a> {
    /// An integer of variable length (varint).
    Integer(u64),
    /// A 32-bit float.
    Float(f32),
    /// A string or an embedded message, with the byte offset in the file at which it begins.
    Bytes(&'a [u8], usize),
    /// A 64-bit value. None of the fields that are read has this type.
    SixtyFourBit,
}

impl ProtobufValue<'_> {
    /// Returns the value as a string; empty if the value is not a string.
    fn into_text(self) -> Result<String> {
        match self {
            Self::Bytes(bytes, at) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(text.to_owned()),
                Err(e) => Err(damage_error(at + e.valid_up_to(), "text that is not UTF-8")),
            },
            _ => Ok(String::new()),
        }
    }
}

/// Makes the error for damage at byte `at` of the file.
fn damage_error(at: usize, what: &str) -> Error {
    Error::model(format!("not a sentencepiece model: {what}")).place(format!("byte {at}"))
}

/// Calls `each` with the number and value of every field of a message. `base` is the byte offset in the file at which
/// the message begins.
fn for_each_field(bytes: &[u8], base: usize, each: &mut dyn FnMut(u64, ProtobufValue) -> Result<()>) -> Result<()> {
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let key = read_varint(bytes, base, &mut at)?;
        let take = |len: u64, at: &mut usize| {
            let end = usize::try_from(len).ok().and_then(|len| at.checked_add(len));
            let taken = end.and_then(|end| bytes.get(*at..end));
            let taken = taken.ok_or_else(|| damage_error(base + start, "a field runs past its end"))?;
            *at += taken.len();
            Ok::<_, Error>(taken)
        };
        let value = match key & 7 {
            0 => ProtobufValue::Integer(read_varint(bytes, base, &mut at)?),
            1 => {
                take(8, &mut at)?;
                ProtobufValue::SixtyFourBit
            }
            2 => {
                let len = read_varint(bytes, base, &mut at)?;
                let begin = base + at;
                ProtobufValue::Bytes(take(len, &mut at)?, begin)
            }
            5 => {
                let word: [u8; 4] = take(4, &mut at)?.try_into().unwrap_or_default();
                ProtobufValue::Float(f32::from_le_bytes(word))
            }
            _ => return Err(damage_error(base + start, "a field of an unknown wire type")),
        };
        each(key >> 3, value)?;
    }
    Ok(())
}

/// Reads the integer of variable length (varint) at byte `at` of a message, and moves `at` behind it. `base` is the
/// byte offset in the file at which the message begins.
fn read_varint(bytes: &[u8], base: usize, at: &mut usize) -> Result<u64> {
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
    Err(damage_error(base + start, "a number without an end"))
}
