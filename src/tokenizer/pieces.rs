//! String interner for the pieces of a vocabulary, in which an id is the order of insertion; and the types that pieces
//! can have.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// The character that stands for a space in pieces, ▁ (`kSpaceSymbol` of sentencepiece).
pub const SPACE_MARK: &str = "\u{2581}";

/// The type of a piece: `SentencePiece.Type` of sentencepiece_model.proto, and `tokenizer.ggml.token_type` of GGUF.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PieceType {
    /// An ordinary piece of text.
    #[default]
    Normal,
    /// The unknown token.
    Unknown,
    /// A token that stands for no text, such as `</s>`.
    Control,
    /// A piece that is never cut, whatever the scores.
    UserDefined,
    /// A piece that encoding does not produce.
    Unused,
    /// A piece that stands for one byte, from `<0x00>` to `<0xFF>`.
    Byte,
}

impl PieceType {
    /// Returns the type for its number in a model file. Unknown numbers are taken for normal pieces, as sentencepiece
    /// and llama.cpp do.
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

/// Returns the byte that a piece from `<0x00>` to `<0xFF>` stands for; `None` for other pieces.
pub fn parse_byte_piece(piece: &str) -> Option<u8> {
    let hex = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    let digits = hex.len() == 2 && hex.bytes().all(|b| b.is_ascii_hexdigit());
    digits.then(|| u8::from_str_radix(hex, 16).ok()).flatten()
}

/// A string interner: texts numbered from 0 in the order of insertion, stored in one block of memory.
#[derive(Default)]
pub struct PieceTable {
    /// All texts, one after another.
    text: String,
    /// The byte offset in `text` at which each text ends.
    ends: Vec<usize>,
    /// The ids of the texts, by the hash of each text.
    by_text: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl PieceTable {
    /// Returns the number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Appends a text under the next id. Returns false if the text is in the vocabulary already; [`PieceTable::piece_to_id`] then
    /// keeps returning the earlier id.
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
        let new = by_text
            .find(hash, |other| piece_text(text, ends, *other) == piece)
            .is_none();
        if new {
            by_text.insert_unique(hash, id, |other| hasher.hash_one(piece_text(text, ends, *other)));
        }
        new
    }

    /// Returns the text of an id, which must be less than [`PieceTable::len`].
    pub fn id_to_piece(&self, id: u32) -> &str {
        piece_text(&self.text, &self.ends, id)
    }

    /// Returns the id of a text; `None` if the text is not interned.
    pub fn piece_to_id(&self, piece: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(piece);
        self.by_text.find(hash, |id| self.id_to_piece(*id) == piece).copied()
    }

    /// Returns all ids with their texts, in ascending order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        (0..self.len() as u32).map(|id| (id, self.id_to_piece(id)))
    }
}

/// Returns the text of `id`. `text` holds all texts one after another, and `ends` their ends.
fn piece_text<'a>(text: &'a str, ends: &[usize], id: u32) -> &'a str {
    let id = id as usize;
    let start = if id == 0 { 0 } else { ends[id - 1] };
    &text[start..ends[id]]
}
