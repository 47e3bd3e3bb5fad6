//! Tokenizers of encoder-decoder checkpoints with sentencepiece models. They give the results of the Python classes of
//! transformers 4.57: `MarianTokenizer`, `M2M100Tokenizer`, `NllbTokenizer`, `MBartTokenizer`, `MBart50Tokenizer` and
//! `T5Tokenizer`.

mod languages;
mod lists;
mod load;
mod vocabulary;

use super::added::{AddedVocabulary, TextPart};
use super::cleanup::{clean_up_tokenization, is_space};
use super::control::{is_marker, overlaps, range_in_part};
use super::pieces::{PieceType, SPACE_MARK};
use super::script::can_be_english;
use super::sentencepiece::SentencePiece;
use std::ops::Range;
use vocabulary::Vocabulary;

/// The tokenizer of an encoder-decoder checkpoint.
pub struct EncoderDecoder {
    /// The sentencepiece model that cuts the source text.
    source: SentencePiece,
    /// The sentencepiece model that joins the pieces of the output, if it is not the same as `source`.
    target: Option<SentencePiece>,
    vocabulary: Vocabulary,
    /// The vocabulary's id for each piece of the sentencepiece model `source`.
    piece_ids: Vec<u32>,
    /// The id of the unknown token.
    unknown: u32,
    unknown_token: String,
    added: AddedVocabulary,
    class: TokenizerClass,
    /// Whether decoding drops spaces before punctuation (`clean_up_tokenization_spaces`).
    cleans_up: bool,
}

/// The tokenizer class of transformers. Encoding and decoding differ between classes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TokenizerClass {
    Marian,
    M2m100,
    /// `NllbTokenizer` or `MBartTokenizer`. Decoding joins pieces without sentencepiece.
    Nllb,
    MBart50,
    T5 {
        legacy: bool,
        add_prefix_space: bool,
    },
}

impl EncoderDecoder {
    /// Whether the end token is added only if the source does not end with it; see
    /// [`super::Tokenizer::adds_eos_if_absent`].
    pub fn adds_eos_if_absent(&self) -> bool {
        matches!(self.class, TokenizerClass::T5 { .. })
    }

    /// Returns the number of token ids; see [`super::Tokenizer::len`].
    pub fn len(&self) -> usize {
        let own = match &self.vocabulary {
            Vocabulary::VocabJson { source, target } => {
                let target = target.as_ref().map_or(0, |target| target.tokens.len());
                source.tokens.len().max(target)
            }
            Vocabulary::Pieces { offset } => self.source.pieces().len() + *offset as usize,
        };
        self.added.token_ids().map(|id| id as usize + 1).fold(own, usize::max)
    }

    /// Returns the id of a token; see [`super::Tokenizer::token_to_id`].
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        let own = || self.vocabulary.token_to_id(&self.source, token);
        self.added.token_to_id(token).or_else(own)
    }

    /// Returns the token that an id of an output stands for.
    fn id_to_token(&self, id: u32) -> Option<&str> {
        self.added.id_to_token(id).or_else(|| match &self.vocabulary {
            Vocabulary::VocabJson { source, target } => {
                let names = target.as_ref().unwrap_or(source);
                names.tokens.get(id as usize)?.as_deref()
            }
            Vocabulary::Pieces { offset } => {
                let id = id.checked_sub(*offset)?;
                let pieces = self.source.pieces();
                ((id as usize) < pieces.len()).then(|| pieces.id_to_piece(id))
            }
        })
    }

    /// Encodes a text to token ids; see [`super::Tokenizer::encode_prompt`].
    pub fn encode(&self, text: &str, source: &Range<usize>) -> Vec<u32> {
        let mut ids = Vec::with_capacity(text.len() / 6 + 4);
        if let TokenizerClass::T5 {
            legacy: false,
            add_prefix_space,
        } = self.class
        {
            self.encode_t5(text, source, add_prefix_space, &mut ids);
            return ids;
        }
        for part in self.added.split_at_tokens(text, source) {
            match part {
                TextPart::Token(id) => ids.push(id),
                TextPart::Text(part) => {
                    self.encode_text(&text[part.clone()], range_in_part(source, &part), &mut ids);
                }
            }
        }
        ids
    }

    /// Encodes a translation; see [`super::Tokenizer::encode_target`].
    pub fn encode_target(&self, text: &str) -> Vec<u32> {
        let all = 0..text.len();
        let (Some(model), Vocabulary::VocabJson { source, target }) = (&self.target, &self.vocabulary) else {
            return self.encode(text, &all);
        };
        let known = &target.as_ref().unwrap_or(source).ids;
        let mut ids = Vec::new();
        model.encode(text, &all, |piece, _| {
            let id = known.get(piece).filter(|_| !is_marker(piece));
            ids.push(id.copied().unwrap_or(self.unknown));
        });
        ids
    }

    /// Appends the ids of a text that has no added tokens. With Marian, a language code such as `>>eng<<` at the start
    /// of the text is one token, unless it touches the bytes `source`.
    fn encode_text(&self, mut text: &str, mut source: Range<usize>, ids: &mut Vec<u32>) {
        if self.class == TokenizerClass::Marian
            && text.starts_with(">>")
            && let Some(end) = text.find("<<")
            && !overlaps(&(0..end + 2), &source)
        {
            let (code, rest) = text.split_at(end + 2);
            ids.push(self.vocabulary.token_to_id(&self.source, code).unwrap_or(self.unknown));
            source = range_in_part(&source, &(code.len()..text.len()));
            text = rest;
        }
        self.source
            .encode(text, &source, |piece, id| ids.push(self.piece_id(piece, id)));
    }

    /// Returns the vocabulary's id of a piece that the source model cut, whose own id is `id`; the id of the unknown
    /// token if the vocabulary does not have the piece.
    fn piece_id(&self, piece: &str, id: Option<u32>) -> u32 {
        match id {
            Some(id) => self.piece_ids.get(id as usize).copied().unwrap_or(self.unknown),
            // Text without a piece may be spelled like a control token of vocab.json.
            None => Some(piece)
                .filter(|piece| !is_marker(piece))
                .and_then(|piece| self.vocabulary.piece_to_id(&self.source, None, piece))
                .unwrap_or(self.unknown),
        }
    }

    /// Appends the ids of a text as `T5Tokenizer` does if `legacy` is false: the text gets a space before it, but text
    /// after an added token gets none.
    fn encode_t5(&self, text: &str, source: &Range<usize>, add_prefix_space: bool, ids: &mut Vec<u32>) {
        if text.is_empty() {
            return;
        }
        let prefix = if add_prefix_space { SPACE_MARK } else { "" };
        let spaced = |part: Range<usize>| text[part].replace(SPACE_MARK, " ");
        let before = format!("{prefix}{}", spaced(0..source.start));
        let inside = spaced(source.clone());
        let text = format!("{before}{inside}{}", spaced(source.end..text.len()));
        let source = before.len()..before.len() + inside.len();
        let mut first_is_space = false;
        for (index, part) in self.added.split_at_tokens(&text, &source).into_iter().enumerate() {
            match part {
                TextPart::Token(id) => {
                    if index == 1 && first_is_space && ids.len() == 1 && self.added.is_special(id) {
                        ids.clear();
                    }
                    ids.push(id);
                }
                TextPart::Text(part) if text[part.clone()].starts_with([' ', '\u{2581}']) => {
                    // sentencepiece would strip the space. So the unknown token is put before the text, and its pieces
                    // are dropped afterwards.
                    let guard = &self.unknown_token;
                    let mut skip = 0;
                    self.source.encode(guard, &(0..0), |_, _| skip += 1);
                    let mut pieces = Vec::new();
                    let Range { start, end } = range_in_part(&source, &part);
                    let source = guard.len() + start..guard.len() + end;
                    self.source
                        .encode(&format!("{guard}{}", &text[part]), &source, |piece, id| {
                            pieces.push((self.piece_id(piece, id), piece == SPACE_MARK));
                        });
                    let kept = pieces.get(skip..).unwrap_or(&pieces);
                    first_is_space |= index == 0 && matches!(kept, [(_, true)]);
                    ids.extend(kept.iter().map(|(id, _)| id));
                }
                TextPart::Text(part) => {
                    self.encode_text(&text[part.clone()], range_in_part(&source, &part), ids);
                }
            }
        }
    }

    /// Decodes token ids to text; see [`super::Tokenizer::decode`].
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut texts: Vec<String> = Vec::new();
        let mut tokens: Vec<&str> = Vec::new();
        for &id in ids.iter().filter(|id| !self.added.is_special(**id)) {
            let Some(token) = self.id_to_token(id) else {
                continue;
            };
            if self
                .added
                .token_to_id(token)
                .is_some_and(|id| self.added.is_special(id))
            {
                continue;
            }
            if self.added.id_to_token(id).is_some() {
                self.push_joined_tokens(&mut tokens, &mut texts);
                texts.push(token.to_owned());
            } else {
                tokens.push(token);
            }
        }
        self.push_joined_tokens(&mut tokens, &mut texts);
        let text = texts.join(" ");
        let text = text.trim_matches(is_space);
        if self.cleans_up {
            clean_up_tokenization(text)
        } else {
            text.to_owned()
        }
    }

    /// Joins tokens to one text (`convert_tokens_to_string` of transformers), appends the text to `texts`, and clears
    /// `tokens`.
    fn push_joined_tokens(&self, tokens: &mut Vec<&str>, texts: &mut Vec<String>) {
        if tokens.is_empty() {
            return;
        }
        let text = match self.class {
            TokenizerClass::Marian => {
                let model = self.target.as_ref().unwrap_or(&self.source);
                model.decode(tokens.drain(..)).replace(SPACE_MARK, " ")
            }
            TokenizerClass::Nllb => tokens.concat().replace(SPACE_MARK, " "),
            TokenizerClass::T5 { add_prefix_space, .. } => {
                if let Some(first) = tokens.first_mut().filter(|_| add_prefix_space) {
                    *first = first.strip_prefix(SPACE_MARK).unwrap_or(first);
                }
                self.source.decode(tokens.drain(..))
            }
            TokenizerClass::M2m100 | TokenizerClass::MBart50 => self.source.decode(tokens.drain(..)),
        };
        tokens.clear();
        let text = text.trim_matches(is_space);
        if !text.is_empty() {
            texts.push(text.to_owned());
        }
    }

    /// Returns the ids that an English output can be made of; see [`super::Tokenizer::english_ids`].
    pub fn english_ids(&self) -> Vec<u32> {
        let output_pieces = self.target.as_ref().map(SentencePiece::pieces);
        let mut ids: Vec<u32> = (0..self.len() as u32)
            .filter(|id| match self.id_to_token(*id) {
                _ if self.added.id_to_token(*id).is_some() => true,
                Some(token) => {
                    can_be_english(token) && output_pieces.is_none_or(|pieces| pieces.piece_to_id(token).is_some())
                }
                None => false,
            })
            .collect();
        let model = self.target.as_ref().unwrap_or(&self.source);
        let kept = model.pieces().iter();
        let kept = kept.filter(|(id, _)| !matches!(model.piece_type(*id), PieceType::Normal | PieceType::Unused));
        ids.extend(kept.filter_map(|(id, piece)| match &self.vocabulary {
            Vocabulary::VocabJson { source, target } => target.as_ref().unwrap_or(source).ids.get(piece).copied(),
            Vocabulary::Pieces { offset } => Some(id + offset),
        }));
        ids.extend(self.added.named_token_ids());
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Returns the text that a token adds to an output; empty for special tokens.
    pub fn token_text(&self, id: u32) -> String {
        match self.id_to_token(id) {
            Some(token) if !self.added.is_special(id) => token.replace(SPACE_MARK, " "),
            _ => String::new(),
        }
    }
}
