//! The SPM kind of GGUF vocabulary: sentencepiece BPE by piece scores, with byte fallback (llama.cpp `llm_tokenizer_spm`).

use crate::error::{Error, Result};
use crate::model::gguf::Gguf;
use aho_corasick::{AhoCorasick, MatchKind};
use candle_core::quantized::gguf_file::Value;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::collections::BinaryHeap;
use std::hash::BuildHasher;

/// sentencepiece's stand-in for a space.
const SPACE: &str = "\u{2581}";
const NONE: usize = usize::MAX;

/// A token's role, by its number in `tokenizer.ggml.token_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Byte,
}

/// A tokenizer over a vocabulary of scored pieces: the highest-scoring merge first, the leftmost of equals.
pub struct SpmTokenizer {
    /// All pieces, one after the other; `ends[i]` closes piece `i`.
    text: String,
    ends: Vec<u32>,
    scores: Vec<f32>,
    roles: Vec<Role>,
    by_text: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// Token of each byte value, for characters outside the vocabulary.
    bytes: Vec<Option<u32>>,
    /// User-defined tokens, matched (the leftmost, then the longest) before anything is merged.
    literals: AhoCorasick,
    literal_ids: Vec<u32>,
    unknown: Option<u32>,
    bos: Option<u32>,
    space_prefix: bool,
}

struct Symbol {
    start: usize,
    end: usize,
    previous: usize,
    next: usize,
}

/// A merge that could be made; ordered by score, then leftmost first.
struct Merge {
    score: f32,
    left: usize,
    right: usize,
    len: usize,
}

impl Ord for Merge {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Merge {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Merge {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Merge {}

impl SpmTokenizer {
    /// Builds the tokenizer from a GGUF file's `tokenizer.ggml.*` metadata.
    ///
    /// # Errors
    /// Of kind `Model` where the vocabulary is missing, of another kind, or inconsistent.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self> {
        let fail = |place: &str, message: String| Error::model(message).path(gguf.path()).place(place.to_owned());
        match gguf.string("tokenizer.ggml.model") {
            Some("llama") => {}
            other => {
                let kind = other.unwrap_or("none");
                return Err(fail(
                    "tokenizer.ggml.model",
                    format!("vocabulary of kind `{kind}`, `llama` expected"),
                ));
            }
        }
        let tokens = gguf.array("tokenizer.ggml.tokens")?;
        let types = gguf.array("tokenizer.ggml.token_type")?;
        let scores = gguf.array("tokenizer.ggml.scores")?;
        if types.len() != tokens.len() || scores.len() != tokens.len() {
            let message = format!(
                "{} tokens, {} types, {} scores",
                tokens.len(),
                types.len(),
                scores.len()
            );
            return Err(fail("tokenizer.ggml.tokens", message));
        }
        let mut this = Self {
            text: String::with_capacity(tokens.len() * 8),
            ends: Vec::with_capacity(tokens.len()),
            scores: Vec::with_capacity(tokens.len()),
            roles: Vec::with_capacity(tokens.len()),
            by_text: HashTable::with_capacity(tokens.len()),
            hasher: DefaultHashBuilder::default(),
            bytes: vec![None; 256],
            literals: automaton(&[]).map_err(|e| fail("tokenizer.ggml.tokens", e.to_string()))?,
            literal_ids: Vec::new(),
            unknown: None,
            bos: None,
            space_prefix: gguf.boolean("tokenizer.ggml.add_space_prefix").unwrap_or(true),
        };
        for (index, ((token, kind), score)) in tokens.iter().zip(types).zip(scores).enumerate() {
            let place = || format!("token {index}");
            let (Value::String(piece), Ok(kind), Ok(score)) = (token, kind.to_i32(), score.to_f32()) else {
                return Err(fail(&place(), "has a text, type or score of the wrong kind".into()));
            };
            let role = match kind {
                2 => Role::Unknown,
                3 => Role::Control,
                4 => Role::UserDefined,
                6 => Role::Byte,
                _ => Role::Normal,
            };
            let id = u32::try_from(index).map_err(|_| fail(&place(), "too many tokens".into()))?;
            this.text.push_str(piece);
            this.ends.push(this.text.len() as u32);
            this.scores.push(score);
            this.roles.push(role);
            match role {
                Role::Byte => {
                    let byte = piece.strip_prefix("<0x").and_then(|hex| hex.strip_suffix('>'));
                    if let Some(byte) = byte.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                        this.bytes[usize::from(byte)] = Some(id);
                    }
                }
                Role::UserDefined if !piece.is_empty() => this.literal_ids.push(id),
                _ => {}
            }
            let hash = this.hasher.hash_one(piece.as_str());
            let Self {
                text,
                ends,
                hasher,
                by_text,
                ..
            } = &mut this;
            let same = |other: &u32| piece_of(text, ends, *other) == piece;
            // As in llama.cpp, the first of two tokens with one text is the one that is found.
            if by_text.find(hash, same).is_none() {
                by_text.insert_unique(hash, id, |other| hasher.hash_one(piece_of(text, ends, *other)));
            }
        }
        let special = |key: &str| -> Result<Option<u32>> {
            match gguf.integer(key) {
                Some(id) if id >= tokens.len() => Err(fail(key, format!("{id} is not a token"))),
                id => Ok(id.map(|id| id as u32)),
            }
        };
        let unknown = special("tokenizer.ggml.unknown_token_id")?;
        let bos = special("tokenizer.ggml.bos_token_id")?;
        this.unknown = unknown;
        this.bos = bos.filter(|_| gguf.boolean("tokenizer.ggml.add_bos_token").unwrap_or(true));
        let pieces: Vec<&str> = this.literal_ids.iter().map(|id| this.piece(*id)).collect();
        this.literals = automaton(&pieces).map_err(|e| fail("tokenizer.ggml.tokens", e.to_string()))?;
        Ok(this)
    }

    /// Tokens in the vocabulary.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The id that opens every prompt, where the model wants one.
    pub fn bos(&self) -> Option<u32> {
        self.bos
    }

    fn piece(&self, id: u32) -> &str {
        piece_of(&self.text, &self.ends, id)
    }

    fn find(&self, text: &str) -> Option<u32> {
        self.by_text
            .find(self.hasher.hash_one(text), |id| self.piece(*id) == text)
            .copied()
    }

    /// The tokens whose text holds any of these strings.
    pub fn ids_with(&self, strings: &[String]) -> Vec<u32> {
        let holds = |id: &u32| {
            let mut bytes = Vec::new();
            self.decode_bytes(*id, &mut bytes);
            let text = String::from_utf8_lossy(&bytes);
            strings.iter().any(|string| text.contains(string.as_str()))
        };
        (0..self.len() as u32)
            .filter(|id| !strings.is_empty() && holds(id))
            .collect()
    }

    /// Text to ids. Nothing is added in front; control tokens written in the text stay text.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::with_capacity(text.len() / 4 + 1);
        let mut start = 0;
        for found in self.literals.find_iter(text) {
            self.merge(&text[start..found.start()], start == 0, &mut ids);
            ids.push(self.literal_ids[found.pattern().as_usize()]);
            start = found.end();
        }
        self.merge(&text[start..], start == 0, &mut ids);
        ids
    }

    /// Appends the ids of a stretch without literals.
    fn merge(&self, text: &str, first: bool, ids: &mut Vec<u32>) {
        if text.is_empty() {
            return;
        }
        let mut escaped = String::with_capacity(text.len() + 16);
        if first && self.space_prefix {
            escaped.push_str(SPACE);
        }
        for (index, part) in text.split(' ').enumerate() {
            if index > 0 {
                escaped.push_str(SPACE);
            }
            escaped.push_str(part);
        }
        let text = escaped.as_str();
        let mut symbols: Vec<Symbol> = Vec::with_capacity(text.len());
        for (start, character) in text.char_indices() {
            let index = symbols.len();
            let previous = index.checked_sub(1).unwrap_or(NONE);
            symbols.push(Symbol {
                start,
                end: start + character.len_utf8(),
                previous,
                next: index + 1,
            });
        }
        if let Some(last) = symbols.last_mut() {
            last.next = NONE;
        }
        let mut queue = BinaryHeap::new();
        for left in 0..symbols.len().saturating_sub(1) {
            self.propose(text, &symbols, left, left + 1, &mut queue);
        }
        while let Some(Merge { left, right, len, .. }) = queue.pop() {
            // A symbol that was merged away, or has grown, makes the proposal stale.
            let stale = symbols[left].end == symbols[left].start
                || symbols[right].end == symbols[right].start
                || symbols[right].end - symbols[left].start != len;
            if stale {
                continue;
            }
            symbols[left].end = symbols[right].end;
            symbols[right].end = symbols[right].start;
            let next = symbols[right].next;
            symbols[left].next = next;
            if next != NONE {
                symbols[next].previous = left;
                self.propose(text, &symbols, left, next, &mut queue);
            }
            let previous = symbols[left].previous;
            if previous != NONE {
                self.propose(text, &symbols, previous, left, &mut queue);
            }
        }
        let mut at = if symbols.is_empty() { NONE } else { 0 };
        while at != NONE {
            let piece = &text[symbols[at].start..symbols[at].end];
            match self.find(piece) {
                Some(id) => ids.push(id),
                None => ids.extend(
                    piece
                        .bytes()
                        .filter_map(|byte| self.bytes[usize::from(byte)].or(self.unknown)),
                ),
            }
            at = symbols[at].next;
        }
    }

    fn propose(&self, text: &str, symbols: &[Symbol], left: usize, right: usize, queue: &mut BinaryHeap<Merge>) {
        let (start, end) = (symbols[left].start, symbols[right].end);
        if let Some(id) = self.find(&text[start..end]) {
            queue.push(Merge {
                score: self.scores[id as usize],
                left,
                right,
                len: end - start,
            });
        }
    }

    /// Ids to bytes: a piece's spaces restored, byte tokens as their byte, control tokens as nothing.
    pub fn decode_bytes(&self, id: u32, out: &mut Vec<u8>) {
        let Some(role) = self.roles.get(id as usize) else {
            return;
        };
        let piece = self.piece(id);
        match role {
            Role::Control | Role::Unknown => {}
            Role::UserDefined => out.extend_from_slice(piece.as_bytes()),
            Role::Byte => {
                let byte = self.bytes.iter().position(|token| *token == Some(id));
                out.extend(byte.map(|byte| byte as u8));
            }
            Role::Normal => {
                for (index, part) in piece.split(SPACE).enumerate() {
                    if index > 0 {
                        out.push(b' ');
                    }
                    out.extend_from_slice(part.as_bytes());
                }
            }
        }
    }

    /// Ids to text; bytes that form no character become U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut bytes = Vec::with_capacity(ids.len() * 6);
        for &id in ids {
            self.decode_bytes(id, &mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn automaton(pieces: &[&str]) -> Result<AhoCorasick, aho_corasick::BuildError> {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(pieces)
}

fn piece_of<'a>(text: &'a str, ends: &[u32], id: u32) -> &'a str {
    let id = id as usize;
    let start = if id == 0 { 0 } else { ends[id - 1] as usize };
    &text[start..ends[id] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::TINY;

    #[test]
    fn pieces_merge_by_score_and_bytes_stand_in_for_the_rest() {
        let gguf = Gguf::open(TINY.as_ref()).expect("the tiny model");
        let tokenizer = SpmTokenizer::from_gguf(&gguf).expect("a tokenizer");
        let pieces = |text: &str| {
            let ids = tokenizer.encode(text);
            ids.iter()
                .map(|id| tokenizer.piece(*id).to_owned())
                .collect::<Vec<_>>()
                .join("|")
        };
        for (text, expected) in [
            ("", ""),
            ("te", "t|e"),
            (" te", "\u{2581}te"),
            ("ab a", "ab|\u{2581}|a"),
            ("การกา", "การ|กา"),
            ("นำ", "นำ"),
            ("x", "<0x78>"),
            ("ก่", "ก|<0xE0>|<0xB9>|<0x88>"),
            ("a\n\n\nb", "a|\n\n|\n|b"),
            ("<eos>", "<0x3C>|e|<0x6F>|<0x73>|<0x3E>"),
        ] {
            assert_eq!(pieces(text), expected, "{text:?}");
            assert_eq!(tokenizer.decode(&tokenizer.encode(text)), text);
        }
        assert_eq!(
            tokenizer.decode(&[2, 1, 0, 99_999]),
            "",
            "control tokens and unknown ids are no text"
        );
    }
}
