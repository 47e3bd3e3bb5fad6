//! Sentencepiece models (`*.spm`, `*.model`): cuts a text into pieces and joins pieces to a text, with the results of
//! sentencepiece 0.2.

use super::control::{is_marker, overlaps};
use super::merge::merge_symbols;
use super::normalizer::Normalizer;
use super::pieces::{PieceTable, PieceType, SPACE_MARK, parse_byte_piece};
use super::proto::{ModelProto, ModelType};
use super::trie::Trie;
use crate::error::{Error, Result};
use hashbrown::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;

/// How much the score of an unknown character is below the lowest score of a piece (`kUnkPenalty`).
const UNKNOWN_PENALTY: f32 = 10.0;
/// The absolute score of a path from which scores are reset to 0, so that long texts keep their precision
/// (`kScoreResetThreshold`).
const SCORE_RESET_THRESHOLD: f32 = 100_000.0;
/// The maximum recursion depth when unused BPE pieces are cut into the pieces they were merged from
/// (`kMaxBpeResegmentDepth`).
const MAX_RESEGMENT_DEPTH: usize = 100;

/// A sentencepiece model, ready to encode and decode.
pub struct SentencePiece {
    pieces: PieceTable,
    scores: Vec<f32>,
    types: Vec<PieceType>,
    /// The id of the unknown piece.
    unknown: Option<u32>,
    unknown_surface: String,
    byte_fallback: bool,
    /// The user-defined pieces, which are never cut; `None` if there are none.
    user_defined: Option<Trie>,
    algorithm: SegmentationAlgorithm,
    normalizer: Normalizer,
    denormalizer: Option<Normalizer>,
    leading_spaces: LeadingSpaces,
}

/// The algorithm that cuts a text into pieces, with its data.
enum SegmentationAlgorithm {
    Unigram {
        /// All pieces that encoding may produce.
        trie: Trie,
        /// The score of an unknown character.
        unknown_score: f32,
    },
    Bpe {
        /// The pairs of characters that are adjacent in some piece. Other pairs of characters are never merged.
        neighbours: HashSet<(char, char)>,
    },
}

/// How many ▁ at the start of an output decoding drops.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LeadingSpaces {
    Keep,
    DropOne,
    DropAll,
}

impl SentencePiece {
    /// Reads a sentencepiece model file.
    ///
    /// # Errors
    /// Kind `Model` if the file cannot be read, is damaged, or contradicts itself.
    pub fn open(path: &Path) -> Result<Self> {
        Self::new(ModelProto::open(path)?).map_err(|e| e.path(path))
    }

    /// Checks a sentencepiece model and prepares it for encoding and decoding.
    ///
    /// # Errors
    /// Kind `Model` if sentencepiece would refuse the model; the error's place is the piece, such as `piece 7`.
    pub fn new(model: ModelProto) -> Result<Self> {
        let mut pieces = PieceTable::default();
        let (mut scores, mut types) = (Vec::new(), Vec::new());
        let (mut user_defined, mut searched) = (Vec::new(), Vec::new());
        let mut unknown = None;
        let mut lowest = f32::MAX;
        let mut bytes = [false; 256];
        for (index, piece) in model.pieces.iter().enumerate() {
            let fail = |message: String| Error::model(message).place(format!("piece {index}"));
            let id = u32::try_from(index).map_err(|_| fail("too many pieces".into()))?;
            let mut piece_type = piece.piece_type;
            if piece.text == "\0" && (model.byte_fallback || piece_type == PieceType::Unused) {
                // Some converters write this piece besides `<0x00>`; sentencepiece ignores it.
                piece_type = PieceType::Unused;
            } else if piece.text.is_empty() || piece.text.contains('\0') {
                return Err(fail(format!("the text {:?} is no piece", piece.text)));
            }
            if !pieces.push(&piece.text) {
                return Err(fail(format!("`{}` is there twice", piece.text)));
            }
            if !piece.score.is_finite() {
                return Err(fail(format!("`{}` has the score {}", piece.text, piece.score)));
            }
            match piece_type {
                PieceType::Normal => lowest = lowest.min(piece.score),
                PieceType::Unknown if unknown.is_some() => return Err(fail("a second unknown piece".into())),
                PieceType::Unknown => unknown = Some(id),
                PieceType::UserDefined => user_defined.push((piece.text.as_bytes(), id)),
                PieceType::Byte => match parse_byte_piece(&piece.text).filter(|_| model.byte_fallback) {
                    Some(byte) => bytes[usize::from(byte)] = true,
                    None => return Err(fail(format!("`{}` is no byte of this model", piece.text))),
                },
                PieceType::Control | PieceType::Unused => {}
            }
            if matches!(piece_type, PieceType::Normal | PieceType::UserDefined) {
                searched.push((piece.text.as_bytes(), id));
            }
            scores.push(piece.score);
            types.push(piece_type);
        }
        if model.byte_fallback && bytes.contains(&false) {
            return Err(Error::model("not all bytes have a piece"));
        }
        if unknown.is_none() && !model.byte_fallback {
            return Err(Error::model("no unknown piece"));
        }
        let algorithm = match model.model_type {
            ModelType::Unigram => SegmentationAlgorithm::Unigram {
                trie: Trie::new(searched),
                unknown_score: lowest - UNKNOWN_PENALTY,
            },
            ModelType::Bpe => {
                let texts = model.pieces.iter().map(|piece| &piece.text);
                let neighbours = texts.flat_map(|text| text.chars().zip(text.chars().skip(1)));
                SegmentationAlgorithm::Bpe {
                    neighbours: neighbours.collect(),
                }
            }
            ModelType::Other(number) => {
                let message = format!("a sentencepiece model of type {number}; unigram (1) or BPE (2) expected");
                return Err(Error::model(message));
            }
        };
        Ok(Self {
            user_defined: (!user_defined.is_empty()).then(|| Trie::new(user_defined)),
            algorithm,
            normalizer: Normalizer::new(&model.normalizer, model.treat_whitespace_as_suffix)?,
            denormalizer: match model.denormalizer.precompiled_charsmap.as_slice() {
                [] => None,
                _ => Some(Normalizer::new(&model.denormalizer, false)?),
            },
            leading_spaces: match (
                model.normalizer.remove_extra_whitespaces,
                model.normalizer.add_dummy_prefix,
            ) {
                (true, _) => LeadingSpaces::DropAll,
                (false, true) => LeadingSpaces::DropOne,
                (false, false) => LeadingSpaces::Keep,
            },
            pieces,
            scores,
            types,
            unknown,
            unknown_surface: model.unknown_surface,
            byte_fallback: model.byte_fallback,
        })
    }

    /// Returns the pieces of the vocabulary with their ids.
    pub fn pieces(&self) -> &PieceTable {
        &self.pieces
    }

    /// Returns the id of the unknown piece, if the model has one.
    pub fn unknown_id(&self) -> Option<u32> {
        self.unknown
    }

    /// Returns the type of a piece; normal if there is no piece with this id.
    pub fn piece_type(&self, id: u32) -> PieceType {
        self.types.get(id as usize).copied().unwrap_or_default()
    }

    /// Cuts a text into pieces and calls `each` with every piece and its id, in order.
    ///
    /// Text that no piece covers is passed with the id `None`, adjacent characters together. With byte fallback, text
    /// that no other piece covers is cut into byte pieces instead.
    ///
    /// Control tokens that touch the bytes `source` are cut like other text, even if they are user-defined pieces.
    pub fn encode(&self, text: &str, source: &Range<usize>, mut each: impl FnMut(&str, Option<u32>)) {
        let literal = |rest: &str, at: usize| self.user_defined_at(rest, at, source).map(|(len, _)| len);
        let (text, source) = self.normalizer.normalize(text, source, literal);
        let mut unknown: Option<(usize, usize)> = None;
        let mut next = |start: usize, end: usize, id: Option<u32>| {
            let id = id.filter(|id| self.piece_type(*id) != PieceType::Unknown);
            if id.is_none() && !self.byte_fallback {
                unknown = Some((unknown.map_or(start, |(first, _)| first), end));
                return;
            }
            if let Some((start, end)) = unknown.take() {
                each(&text[start..end], None);
            }
            match id {
                Some(id) => each(&text[start..end], Some(id)),
                None => {
                    for byte in text[start..end].bytes() {
                        let piece = format!("<0x{byte:02X}>");
                        each(&piece, self.pieces.piece_to_id(&piece));
                    }
                }
            }
        };
        match &self.algorithm {
            SegmentationAlgorithm::Unigram { trie, unknown_score } => {
                self.encode_unigram(trie, *unknown_score, &text, &source, &mut next)
            }
            SegmentationAlgorithm::Bpe { neighbours } => self.encode_bpe(neighbours, &text, &source, &mut next),
        }
        if let Some((start, end)) = unknown {
            each(&text[start..end], None);
        }
    }

    /// Cuts a text by a unigram model: a Viterbi search for the pieces with the highest sum of scores
    /// (`EncodeOptimized` of unigram_model.cc). Calls `next` with the start byte, end byte and id of each piece.
    fn encode_unigram(
        &self,
        trie: &Trie,
        unknown_score: f32,
        text: &str,
        source: &Range<usize>,
        next: &mut impl FnMut(usize, usize, Option<u32>),
    ) {
        /// The last piece of the best path to a byte offset. `len` is in bytes, and 0 if no path is known yet.
        #[derive(Clone, Copy, Default)]
        struct BestPathStep {
            score: f32,
            len: u32,
            id: Option<u32>,
        }
        let mut best = vec![BestPathStep::default(); text.len() + 1];
        let mut frontier = 0;
        for (start, character) in text.char_indices() {
            let mut base = best[start].score;
            if base.abs() > SCORE_RESET_THRESHOLD {
                for (at, step) in best[start..=frontier.max(start)].iter_mut().enumerate() {
                    if at == 0 || step.len > 0 {
                        step.score -= base;
                    }
                }
                base = 0.0;
            }
            let mut offer = |len: usize, score: f32, id: Option<u32>| {
                frontier = frontier.max(start + len);
                let step = &mut best[start + len];
                let score = score + base;
                if step.len == 0 || score > step.score {
                    *step = BestPathStep {
                        score,
                        len: len as u32,
                        id,
                    };
                }
            };
            let mut single = false;
            for (len, id) in trie.matching_prefixes(&text.as_bytes()[start..]) {
                if self.is_control(id) && overlaps(&(start..start + len), source) {
                    continue;
                }
                let score = match self.types[id as usize] {
                    // The bonus ensures that user-defined pieces are chosen.
                    PieceType::UserDefined => (0.1 * (len as f64 - 1.0)) as f32,
                    _ => self.scores[id as usize],
                };
                offer(len, score, Some(id));
                single |= len == character.len_utf8();
            }
            if !single {
                offer(character.len_utf8(), unknown_score, self.unknown);
            }
        }
        let mut path = Vec::with_capacity(text.len() / 4 + 1);
        let mut end = text.len();
        while end > 0 {
            let step = best[end];
            // Every character boundary is reached, by unknown characters if need be.
            let start = end - (step.len as usize).clamp(1, end);
            path.push((start, end, step.id));
            end = start;
        }
        for (start, end, id) in path.into_iter().rev() {
            next(start, end, id);
        }
    }

    /// Cuts a text by a BPE model (bpe_model.cc). Runs of characters between which merges are possible are merged
    /// separately. Calls `next` with the start byte, end byte and id of each piece.
    fn encode_bpe(
        &self,
        neighbours: &HashSet<(char, char)>,
        text: &str,
        source: &Range<usize>,
        next: &mut impl FnMut(usize, usize, Option<u32>),
    ) {
        let mut run = Vec::new();
        let (mut start, mut at) = (0, 0);
        let mut previous = None;
        while let Some(character) = text[at..].chars().next() {
            let literal = self.user_defined_at(&text[at..], at, source);
            let joins = previous.is_some_and(|previous| neighbours.contains(&(previous, character)));
            if !joins || literal.is_some() {
                self.merge_character_run(text, source, start, &run, next);
                run.clear();
                start = at;
            }
            match literal {
                Some((len, id)) => {
                    next(at, at + len, Some(id));
                    at += len;
                    start = at;
                    previous = None;
                }
                None => {
                    at += character.len_utf8();
                    run.push(at);
                    previous = Some(character);
                }
            }
        }
        self.merge_character_run(text, source, start, &run, next);
    }

    /// Merges the characters of a run that starts at byte `start`; `ends` has the byte offset at which each character
    /// ends. Calls `next` with the start byte, end byte and id of each piece.
    fn merge_character_run(
        &self,
        text: &str,
        source: &Range<usize>,
        start: usize,
        ends: &[usize],
        next: &mut impl FnMut(usize, usize, Option<u32>),
    ) {
        // For each unused piece, the byte at which it was joined. Unused pieces may be merged further but must not
        // remain.
        let mut joints: HashMap<&str, usize> = HashMap::new();
        let symbols = merge_symbols(start, ends, |start, middle, end| {
            let id = self.mergeable_piece_id(&text[start..end])?;
            if self.is_control(id) && overlaps(&(start..end), source) {
                return None;
            }
            if self.types[id as usize] == PieceType::Unused {
                joints.insert(&text[start..end], middle - start);
            }
            Some(self.scores[id as usize])
        });
        for symbol in symbols {
            self.resegment_unused_piece(text, symbol.start, symbol.end, &joints, 0, next);
        }
    }

    /// Calls `next` with the start byte, end byte and id of a piece. An unused piece is first cut into the pieces it
    /// was merged from; `joints` has the byte offset, for each unused piece, at which to cut.
    fn resegment_unused_piece(
        &self,
        text: &str,
        start: usize,
        end: usize,
        joints: &HashMap<&str, usize>,
        depth: usize,
        next: &mut impl FnMut(usize, usize, Option<u32>),
    ) {
        let piece = &text[start..end];
        let id = self.mergeable_piece_id(piece);
        let unused = id.is_some_and(|id| self.types[id as usize] == PieceType::Unused);
        match joints.get(piece).filter(|_| unused && depth <= MAX_RESEGMENT_DEPTH) {
            Some(middle) => {
                self.resegment_unused_piece(text, start, start + middle, joints, depth + 1, next);
                self.resegment_unused_piece(text, start + middle, end, joints, depth + 1, next);
            }
            None => next(start, end, id.filter(|_| !unused || depth > MAX_RESEGMENT_DEPTH)),
        }
    }

    /// Returns the length in bytes and the id of the longest user-defined piece that `rest`, the text from byte `at` on,
    /// begins with. Control tokens that touch the bytes `source` do not count.
    fn user_defined_at(&self, rest: &str, at: usize, source: &Range<usize>) -> Option<(usize, u32)> {
        let found = self.user_defined.as_ref()?.matching_prefixes(rest.as_bytes());
        let is_literal = |(len, id): &(usize, u32)| !self.is_control(*id) || !overlaps(&(at..at + len), source);
        found.filter(is_literal).last()
    }

    /// Whether a piece is a control token that the model calls user-defined, such as a language of MADLAD-400.
    fn is_control(&self, id: u32) -> bool {
        self.piece_type(id) == PieceType::UserDefined && is_marker(self.pieces.id_to_piece(id))
    }

    /// Returns the id of a piece if merging may form the piece: if it is a normal, user-defined or unused piece.
    fn mergeable_piece_id(&self, piece: &str) -> Option<u32> {
        let id = self.pieces.piece_to_id(piece)?;
        matches!(
            self.types[id as usize],
            PieceType::Normal | PieceType::UserDefined | PieceType::Unused
        )
        .then_some(id)
    }

    /// Joins pieces to a text (`Decode` of sentencepiece_processor.cc): ▁ becomes a space, byte pieces become
    /// characters, and control pieces are left out.
    pub fn decode<'a>(&self, pieces: impl IntoIterator<Item = &'a str>) -> String {
        let mut text = String::new();
        let mut bytes = Vec::new();
        let mut at_start = self.leading_spaces != LeadingSpaces::Keep;
        for piece in pieces {
            let id = self.pieces.piece_to_id(piece).or(self.unknown);
            let piece_type = id.map_or(PieceType::Unknown, |id| self.piece_type(id));
            if piece_type == PieceType::Byte {
                bytes.extend(parse_byte_piece(piece));
                continue;
            }
            flush_bytes(&mut bytes, &mut text);
            at_start &= text.is_empty();
            match piece_type {
                PieceType::Control => continue,
                PieceType::Unknown if id.is_some_and(|id| self.pieces.id_to_piece(id) == piece) => {
                    text.push_str(&self.unknown_surface);
                }
                PieceType::Unknown => text.push_str(piece),
                _ => {
                    let stripped = piece.strip_prefix(SPACE_MARK).filter(|_| at_start);
                    at_start &= !(stripped.is_some() && self.leading_spaces == LeadingSpaces::DropOne);
                    for (index, part) in stripped.unwrap_or(piece).split(SPACE_MARK).enumerate() {
                        if index > 0 {
                            text.push(' ');
                        }
                        text.push_str(part);
                    }
                }
            }
        }
        flush_bytes(&mut bytes, &mut text);
        match &self.denormalizer {
            Some(denormalizer) => denormalizer.normalize(&text, &(0..0), |_, _| None).0,
            None => text,
        }
    }
}

/// Appends the collected bytes to a text and clears them. Each byte that is not part of a character becomes U+FFFD.
fn flush_bytes(bytes: &mut Vec<u8>, text: &mut String) {
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        match std::str::from_utf8(rest) {
            Ok(valid) => {
                text.push_str(valid);
                break;
            }
            Err(e) => {
                let (valid, damaged) = rest.split_at(e.valid_up_to());
                text.push_str(&String::from_utf8_lossy(valid));
                text.push(char::REPLACEMENT_CHARACTER);
                rest = &damaged[1..];
            }
        }
    }
    bytes.clear();
}
