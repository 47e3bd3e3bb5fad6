//! The pieces of a vocabulary in one block of memory, found by id or by text, and the roles they can have.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// sentencepiece's stand-in for a space.
pub const SPACE: &str = "\u{2581}";

/// What a piece is for: `SentencePiece.Type` of sentencepiece_model.proto, and `tokenizer.ggml.token_type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    #[default]
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

impl Role {
    /// The role of a number in a file; numbers that no format defines are normal pieces, as both readers have it.
    pub fn numbered(number: u64) -> Self {
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

/// The value of a byte piece, `<0x00>` to `<0xFF>`.
pub fn byte_of(piece: &str) -> Option<u8> {
    let hex = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    let digits = hex.len() == 2 && hex.bytes().all(|b| b.is_ascii_hexdigit());
    digits.then(|| u8::from_str_radix(hex, 16).ok()).flatten()
}

/// Texts numbered from 0.
#[derive(Default)]
pub struct Pieces {
    /// All texts, one after the other; `ends[i]` closes text `i`.
    text: String,
    ends: Vec<usize>,
    by_text: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Pieces {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Appends a piece; false where an earlier one has the same text, which then stays the one that is found.
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

    /// The text of `id`, which must be less than [`Pieces::len`].
    pub fn id_to_piece(&self, id: u32) -> &str {
        slice(&self.text, &self.ends, id)
    }

    pub fn piece_to_id(&self, piece: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(piece);
        self.by_text.find(hash, |id| self.id_to_piece(*id) == piece).copied()
    }

    /// All texts with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        (0..self.len() as u32).map(|id| (id, self.id_to_piece(id)))
    }
}

fn slice<'a>(text: &'a str, ends: &[usize], id: u32) -> &'a str {
    let id = id as usize;
    let start = if id == 0 { 0 } else { ends[id - 1] };
    &text[start..ends[id]]
}
