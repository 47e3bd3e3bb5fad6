//! Sentencepiece BPE tokenizers from GGUF metadata (`tokenizer.ggml.model` is `llama`), with byte fallback, like
//! `llm_tokenizer_spm` of llama.cpp.

use super::control::{is_marker, overlaps};
use super::gguf_vocabulary::{GgufVocabulary, token_id};
use super::merge::merge_symbols;
use super::pieces::{PieceTable, PieceType, SPACE_MARK, parse_byte_piece};
use super::search::build_token_search;
use crate::error::{Error, Result};
use crate::model::weights::gguf::GgufFile;
use aho_corasick::AhoCorasick;
use std::ops::Range;

/// The id of the begin token if a file names none, as sentencepiece numbers it unless told otherwise.
const DEFAULT_BOS: u32 = 1;

/// A BPE tokenizer over a vocabulary of scored pieces. It repeatedly merges the two neighbours whose joined piece has
/// the highest score, the leftmost of equals.
pub struct SpmTokenizer {
    pieces: PieceTable,
    scores: Vec<f32>,
    types: Vec<PieceType>,
    /// The id of the byte piece of each byte. Byte pieces encode characters without a piece.
    byte_ids: Vec<Option<u32>>,
    /// The automaton that finds control tokens and user-defined tokens in a text before the rest is merged: the
    /// leftmost first, of several the longest.
    literals: AhoCorasick,
    literal_ids: Vec<u32>,
    /// The id of the unknown token.
    unknown: Option<u32>,
    /// The id of the begin token (BOS) that opens every prompt, if the model uses one.
    bos: Option<u32>,
    /// Whether a space is put before each text between literal tokens (`add_space_prefix`).
    space_prefix: bool,
}

impl SpmTokenizer {
    /// Builds the tokenizer from the `tokenizer.ggml.*` metadata of a GGUF file.
    ///
    /// # Errors
    /// Kind `Model` if the vocabulary is missing, of another kind, or inconsistent.
    pub fn from_gguf(gguf: &GgufFile) -> Result<Self> {
        let fail = |place: &str, message: String| Error::model(message).path(gguf.path()).place(place.to_owned());
        match gguf.read_string("tokenizer.ggml.model") {
            Some("llama") => {}
            other => {
                let kind = other.unwrap_or("none");
                return Err(fail(
                    "tokenizer.ggml.model",
                    format!("vocabulary of kind `{kind}`, `llama` or `gpt2` expected"),
                ));
            }
        }
        let vocabulary = GgufVocabulary::read(gguf)?;
        let tokens = vocabulary.texts.len();
        let scores = gguf.read_array("tokenizer.ggml.scores")?;
        if scores.len() != tokens {
            let message = format!("{tokens} tokens, {} scores", scores.len());
            return Err(fail("tokenizer.ggml.tokens", message));
        }
        let bos = token_id(gguf, "bos_token_id", tokens)?.or((tokens > 1).then_some(DEFAULT_BOS));
        let mut this = Self {
            pieces: PieceTable::default(),
            scores: Vec::with_capacity(tokens),
            types: Vec::with_capacity(tokens),
            byte_ids: vec![None; 256],
            literals: build_token_search::<&str>(&[]).map_err(|message| fail("tokenizer.ggml.tokens", message))?,
            literal_ids: Vec::new(),
            unknown: token_id(gguf, "unknown_token_id", tokens)?,
            bos: bos.filter(|_| gguf.read_boolean("tokenizer.ggml.add_bos_token").unwrap_or(true)),
            space_prefix: gguf.read_boolean("tokenizer.ggml.add_space_prefix").unwrap_or(true),
        };
        for (id, ((piece, piece_type), score)) in (0..).zip(vocabulary.texts.iter().zip(vocabulary.types).zip(scores)) {
            let Some(score) = score.as_number() else {
                return Err(fail("tokenizer.ggml.scores", format!("token {id} has no number")));
            };
            // As in llama.cpp, the first of two tokens with the same text is the one that is found.
            this.pieces.push(piece);
            this.scores.push(score as f32);
            this.types.push(piece_type);
            match piece_type {
                PieceType::Byte => {
                    if let Some(byte) = parse_byte_piece(piece) {
                        this.byte_ids[usize::from(byte)] = Some(id);
                    }
                }
                PieceType::UserDefined | PieceType::Control | PieceType::Unknown if !piece.is_empty() => {
                    this.literal_ids.push(id)
                }
                _ => {}
            }
        }
        let pieces: Vec<&str> = this.literal_ids.iter().map(|id| this.pieces.id_to_piece(*id)).collect();
        this.literals = build_token_search(&pieces).map_err(|message| fail("tokenizer.ggml.tokens", message))?;
        Ok(this)
    }

    /// Returns the number of tokens.
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Returns the id of the begin token (BOS) that opens every prompt; see [`super::Tokenizer::bos_id`].
    pub fn bos_id(&self) -> Option<u32> {
        self.bos
    }

    /// Returns the id of a token.
    pub fn token_to_id(&self, piece: &str) -> Option<u32> {
        self.pieces.piece_to_id(piece)
    }

    /// Returns all pieces with their ids and types.
    pub fn pieces(&self) -> impl Iterator<Item = (u32, &str, PieceType)> {
        self.pieces
            .iter()
            .zip(&self.types)
            .map(|((id, piece), piece_type)| (id, piece, *piece_type))
    }

    /// Encodes a text to token ids. No begin token is added. Control tokens that are written in the text become their
    /// ids, unless they touch the bytes `source`.
    pub fn encode(&self, text: &str, source: &Range<usize>) -> Vec<u32> {
        let mut ids = Vec::with_capacity(text.len() / 4 + 1);
        let mut start = 0;
        for found in self.literals.find_iter(text) {
            let id = self.literal_ids[found.pattern().as_usize()];
            if self.is_control(id) && overlaps(&found.range(), source) {
                continue;
            }
            self.encode_text(&text[start..found.start()], &mut ids);
            ids.push(id);
            start = found.end();
        }
        self.encode_text(&text[start..], &mut ids);
        ids
    }

    /// Whether a token stands for no text of its own.
    pub fn is_control(&self, id: u32) -> bool {
        match self.types.get(id as usize) {
            Some(PieceType::Normal | PieceType::Unused) | None => false,
            Some(PieceType::UserDefined) => is_marker(self.pieces.id_to_piece(id)),
            Some(PieceType::Control | PieceType::Unknown | PieceType::Byte) => true,
        }
    }

    /// Appends the ids of a text without control or user-defined tokens, with a space before the text if the model
    /// wants one.
    fn encode_text(&self, text: &str, ids: &mut Vec<u32>) {
        if text.is_empty() {
            return;
        }
        let mut escaped = String::with_capacity(text.len() + 16);
        if self.space_prefix {
            escaped.push_str(SPACE_MARK);
        }
        for (index, part) in text.split(' ').enumerate() {
            if index > 0 {
                escaped.push_str(SPACE_MARK);
            }
            escaped.push_str(part);
        }
        let text = escaped.as_str();
        let ends: Vec<usize> = text.char_indices().map(|(start, c)| start + c.len_utf8()).collect();
        let text_id = |piece: &str| self.token_to_id(piece).filter(|id| !self.is_control(*id));
        let symbols = merge_symbols(0, &ends, |start, _, end| {
            let id = text_id(&text[start..end])?;
            self.scores.get(id as usize).copied()
        });
        for symbol in symbols {
            let piece = &text[symbol.start..symbol.end];
            match text_id(piece) {
                Some(id) => ids.push(id),
                None => ids.extend(
                    piece
                        .bytes()
                        .filter_map(|byte| self.byte_ids[usize::from(byte)].or(self.unknown)),
                ),
            }
        }
    }

    /// Appends the bytes that a token adds to an output: none for control tokens.
    fn push_token_bytes(&self, id: u32, out: &mut Vec<u8>) {
        let Some(piece_type) = self.types.get(id as usize) else {
            return;
        };
        let piece = self.pieces.id_to_piece(id);
        match piece_type {
            PieceType::Control | PieceType::Unknown => {}
            PieceType::UserDefined => out.extend_from_slice(piece.as_bytes()),
            PieceType::Byte => {
                let byte = self.byte_ids.iter().position(|token| *token == Some(id));
                out.extend(byte.map(|byte| byte as u8));
            }
            PieceType::Normal | PieceType::Unused => {
                for (index, part) in piece.split(SPACE_MARK).enumerate() {
                    if index > 0 {
                        out.push(b' ');
                    }
                    out.extend_from_slice(part.as_bytes());
                }
            }
        }
    }

    /// Returns the text that a token adds to an output; for a control token, its name.
    pub fn token_text(&self, id: u32) -> String {
        match self.types.get(id as usize) {
            Some(PieceType::Control | PieceType::Unknown) => self.pieces.id_to_piece(id).to_owned(),
            _ => self.decode(&[id]),
        }
    }

    /// Decodes token ids to text. Bytes that form no character become U+FFFD. The space that encoding puts before a
    /// text is dropped.
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut bytes = Vec::with_capacity(ids.len() * 6);
        for &id in ids {
            self.push_token_bytes(id, &mut bytes);
        }
        let opened = self.space_prefix && bytes.first() == Some(&b' ');
        String::from_utf8_lossy(&bytes[usize::from(opened)..]).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::decoder::tests::TINY;

    #[test]
    fn pieces_merge_by_score_and_bytes_stand_in_for_the_rest() {
        let gguf = GgufFile::open(TINY.as_ref()).expect("the tiny model");
        let tokenizer = SpmTokenizer::from_gguf(&gguf).expect("a tokenizer");
        let pieces = |text: &str| {
            let ids = tokenizer.encode(text, &(0..0));
            ids.iter()
                .map(|id| tokenizer.pieces.id_to_piece(*id).to_owned())
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
            ("<eos", "<0x3C>|e|<0x6F>|<0x73>"),
        ] {
            assert_eq!(pieces(text), expected, "{text:?}");
            assert_eq!(tokenizer.decode(&tokenizer.encode(text, &(0..0))), text);
        }
        assert_eq!(
            tokenizer.encode("a<eos> te", &(0..0)),
            [
                &tokenizer.encode("a", &(0..0))[..],
                &[1],
                &tokenizer.encode(" te", &(0..0))
            ]
            .concat()
        );
        assert_eq!(
            tokenizer.decode(&[2, 1, 0, 99_999]),
            "",
            "control tokens and unknown ids are no text"
        );
    }
}
