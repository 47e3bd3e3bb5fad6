//! String interner; an id is the order of insertion. With the types that pieces of a vocabulary can have.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// The character that stands for a space in pieces, ▁ (`kSpaceSymbol` of sentencepiece).
pub const SPACE_MARK: &str = "\u{2581}";

/// The type of a piece: `SentencePiece.Type` of sentencepiece_model.proto, and `tokenizer.ggml.token_type` of GGUF.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PieceType {
    /// Ordinary text.
    #[default]
    Normal,
    /// The unknown token.
    Unknown,
    /// A token without text, such as `</s>`.
    Control,
    /// Text that is never cut.
    UserDefined,
    /// A piece that encoding does not produce.
    Unused,
    /// One byte, `<0x00>` to `<0xFF>`.
    Byte,
}

impl PieceType {
    /// The type for its number in a file. Unknown numbers are normal pieces, as in sentencepiece and llama.cpp.
    pub fn from_number(number: u64) -> Self {
        match number {
            2 => Self::Unknown,
            3 => Self::Control,
            4 => Self::UserDefined,
            5 => Self::Unused,
            6 => Self::Byte,
            _ => Self::Normal,
        }
    }
}

/// The byte that a piece from `<0x00>` to `<0xFF>` stands for; `None` for other pieces.
pub fn parse_byte_piece(piece: &str) -> Option<u8> {
    let hex = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    let digits = hex.len() == 2 && hex.bytes().all(|b| b.is_ascii_hexdigit());
    digits.then(|| u8::from_str_radix(hex, 16).ok()).flatten()
}

/// Interned texts, numbered from 0 in the order of insertion and stored in one block of memory.
#[derive(Default)]
pub struct Pieces {
    /// All texts, one after the other.
    text: String,
    /// Byte offset in `text` at which each text ends.
    ends: Vec<usize>,
    /// Ids by the hash of their text.
    by_text: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Pieces {
    /// The number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Appends a text under the next id. Returns false if an earlier id has the same text; [`Pieces::piece_to_id`] then still
    /// gives that earlier one.
    pub fn push(&mut self, piece: &str) -> bool {
        let id = self.ends.len() as u32;
        self.text.push_str(piece);
        self.ends.push(self.text.len());
        let hash = self.hasher.hash_one(piece);
        let Self {
            text,
            ends,
            by_text,
            hasher,
        } = self;
        let new = by_text.find(hash, |other| slice(text, ends, *other) == piece).is_none();
        if new {
            by_text.insert_unique(hash, id, |other| hasher.hash_one(slice(text, ends, *other)));
        }
        new
    }

    /// The text of an id, which must be less than [`Pieces::len`].
    pub fn id_to_piece(&self, id: u32) -> &str {
        slice(&self.text, &self.ends, id)
    }

    /// The id of a text.
    pub fn piece_to_id(&self, piece: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(piece);
        self.by_text.find(hash, |id| self.id_to_piece(*id) == piece).copied()
    }

    /// All ids with their texts, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        (0..self.len() as u32).map(|id| (id, self.id_to_piece(id)))
    }
}

/// The text of `id` in the block of all texts.
fn slice<'a>(text: &'a str, ends: &[usize], id: u32) -> &'a str {
    let id = id as usize;
    let start = if id == 0 { 0 } else { ends[id - 1] };
    &text[start..ends[id]]
}
