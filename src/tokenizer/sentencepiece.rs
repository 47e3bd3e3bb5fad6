//! sentencepiece models (`*.spm`, `*.model`): text to pieces and back, as sentencepiece 0.2 does both.

use super::merge::merge;
use super::normalizer::Normalizer;
use super::pieces::{Pieces, Role, SPACE, byte_of};
use super::proto::{Method, Model};
use super::trie::Trie;
use crate::error::{Error, Result};
use hashbrown::{HashMap, HashSet};
use std::path::Path;

/// How much worse than the worst piece an unknown character is (`kUnkPenalty`).
const UNKNOWN_PENALTY: f32 = 10.0;
/// Path scores are set back to 0 beyond this, so that a long text keeps its precision (`kScoreResetThreshold`).
const RESET: f32 = 100_000.0;
/// Unused BPE pieces are taken apart no deeper than this (`kMaxBpeResegmentDepth`).
const RESEGMENT_DEPTH: usize = 100;

/// A sentencepiece model.
pub struct SentencePiece {
    pieces: Pieces,
    scores: Vec<f32>,
    roles: Vec<Role>,
    unknown: Option<u32>,
    unknown_surface: String,
    byte_fallback: bool,
    /// User-defined pieces, which stay whole.
    literals: Option<Trie>,
    search: Search,
    normalizer: Normalizer,
    denormalizer: Option<Normalizer>,
    /// Decoding drops the space marks before the first text: all of them, or one.
    strip: Strip,
}

/// What a model's method needs to cut a text.
enum Search {
    Unigram {
        trie: Trie,
        unknown_score: f32,
    },
    /// Characters that are neighbours in some piece: between any others, nothing is ever merged.
    Bpe {
        neighbours: HashSet<(char, char)>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Strip {
    None,
    One,
    All,
}

impl SentencePiece {
    /// Reads a model file.
    ///
    /// # Errors
    /// Of kind `Model` where it cannot be read, is damaged, or contradicts itself.
    pub fn open(path: &Path) -> Result<Self> {
        Self::new(Model::open(path)?).map_err(|e| e.path(path))
    }

    /// # Errors
    /// Of kind `Model` where the model contradicts itself, as sentencepiece judges that; the place is the piece.
    pub fn new(model: Model) -> Result<Self> {
        let mut pieces = Pieces::default();
        let (mut scores, mut roles) = (Vec::new(), Vec::new());
        let (mut literals, mut searched) = (Vec::new(), Vec::new());
        let mut unknown = None;
        let mut lowest = f32::MAX;
        let mut bytes = [false; 256];
        for (index, piece) in model.pieces.iter().enumerate() {
            let fail = |message: String| Error::model(message).place(format!("piece {index}"));
            let id = u32::try_from(index).map_err(|_| fail("too many pieces".into()))?;
            let mut role = piece.role;
            if piece.text == "\0" && (model.byte_fallback || role == Role::Unused) {
                // Some converters write this piece beside `<0x00>`; sentencepiece leaves it out.
                role = Role::Unused;
            } else if piece.text.is_empty() || piece.text.contains('\0') {
                return Err(fail(format!("the text {:?} is no piece", piece.text)));
            }
            if !pieces.push(&piece.text) {
                return Err(fail(format!("`{}` is there twice", piece.text)));
            }
            if !piece.score.is_finite() {
                return Err(fail(format!("`{}` has the score {}", piece.text, piece.score)));
            }
            match role {
                Role::Normal => lowest = lowest.min(piece.score),
                Role::Unknown if unknown.is_some() => return Err(fail("a second unknown piece".into())),
                Role::Unknown => unknown = Some(id),
                Role::UserDefined => literals.push((piece.text.as_bytes(), id)),
                Role::Byte => match byte_of(&piece.text).filter(|_| model.byte_fallback) {
                    Some(byte) => bytes[usize::from(byte)] = true,
                    None => return Err(fail(format!("`{}` is no byte of this model", piece.text))),
                },
                Role::Control | Role::Unused => {}
            }
            if matches!(role, Role::Normal | Role::UserDefined) {
                searched.push((piece.text.as_bytes(), id));
            }
            scores.push(piece.score);
            roles.push(role);
        }
        if model.byte_fallback && bytes.contains(&false) {
            return Err(Error::model("not all bytes have a piece"));
        }
        if unknown.is_none() && !model.byte_fallback {
            return Err(Error::model("no unknown piece"));
        }
        let search = match model.method {
            Method::Unigram => Search::Unigram {
                trie: Trie::new(searched),
                unknown_score: lowest - UNKNOWN_PENALTY,
            },
            Method::Bpe => {
                let texts = model.pieces.iter().map(|piece| &piece.text);
                let neighbours = texts.flat_map(|text| text.chars().zip(text.chars().skip(1)));
                Search::Bpe {
                    neighbours: neighbours.collect(),
                }
            }
            Method::Other(number) => {
                let message = format!("a sentencepiece model of type {number}; unigram (1) or BPE (2) expected");
                return Err(Error::model(message));
            }
        };
        Ok(Self {
            literals: (!literals.is_empty()).then(|| Trie::new(literals)),
            search,
            normalizer: Normalizer::new(&model.rules, model.treat_whitespace_as_suffix)?,
            denormalizer: match model.denormalizer.charsmap.as_slice() {
                [] => None,
                _ => Some(Normalizer::new(&model.denormalizer, false)?),
            },
            strip: match (model.rules.remove_extra_whitespaces, model.rules.add_dummy_prefix) {
                (true, _) => Strip::All,
                (false, true) => Strip::One,
                (false, false) => Strip::None,
            },
            pieces,
            scores,
            roles,
            unknown,
            unknown_surface: model.unknown_surface,
            byte_fallback: model.byte_fallback,
        })
    }

    /// The vocabulary.
    pub fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    /// The id of what has no piece.
    pub fn unknown(&self) -> Option<u32> {
        self.unknown
    }

    pub fn role(&self, id: u32) -> Role {
        self.roles.get(id as usize).copied().unwrap_or_default()
    }

    /// Gives each piece of the text to `each`, with its id; none where it is unknown, neighbours of that kind as one.
    pub fn encode(&self, text: &str, mut each: impl FnMut(&str, Option<u32>)) {
        let text = self.normalizer.normalize(text, self.literals.as_ref());
        let mut unknown: Option<(usize, usize)> = None;
        let mut next = |start: usize, end: usize, id: Option<u32>| {
            let id = id.filter(|id| self.role(*id) != Role::Unknown);
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
        match &self.search {
            Search::Unigram { trie, unknown_score } => self.search(trie, *unknown_score, &text, &mut next),
            Search::Bpe { neighbours } => self.merge(neighbours, &text, &mut next),
        }
        if let Some((start, end)) = unknown {
            each(&text[start..end], None);
        }
    }

    /// The best path through a unigram model's pieces (`EncodeOptimized` of unigram_model.cc).
    fn search(&self, trie: &Trie, unknown_score: f32, text: &str, next: &mut impl FnMut(usize, usize, Option<u32>)) {
        /// The last piece of the best path to a place; of length 0 while there is none.
        #[derive(Clone, Copy, Default)]
        struct Step {
            score: f32,
            len: u32,
            id: Option<u32>,
        }
        let mut best = vec![Step::default(); text.len() + 1];
        let mut frontier = 0;
        for (start, character) in text.char_indices() {
            let mut base = best[start].score;
            if base.abs() > RESET {
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
                    *step = Step {
                        score,
                        len: len as u32,
                        id,
                    };
                }
            };
            let mut single = false;
            for (len, id) in trie.prefixes(&text.as_bytes()[start..]) {
                let score = match self.roles[id as usize] {
                    // A bonus that makes sure these are taken.
                    Role::UserDefined => (0.1 * (len as f64 - 1.0)) as f32,
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
            // Every place is reached, a character at a time if need be.
            let start = end - (step.len as usize).clamp(1, end);
            path.push((start, end, step.id));
            end = start;
        }
        for (start, end, id) in path.into_iter().rev() {
            next(start, end, id);
        }
    }

    /// The merges of a BPE model (bpe_model.cc), each run of possible neighbours by itself.
    fn merge(&self, neighbours: &HashSet<(char, char)>, text: &str, next: &mut impl FnMut(usize, usize, Option<u32>)) {
        let mut run = Vec::new();
        let (mut start, mut at) = (0, 0);
        let mut previous = None;
        while let Some(character) = text[at..].chars().next() {
            let literal = self
                .literals
                .as_ref()
                .and_then(|trie| trie.longest(&text.as_bytes()[at..]));
            let joins = previous.is_some_and(|previous| neighbours.contains(&(previous, character)));
            if !joins || literal.is_some() {
                self.merge_run(text, start, &run, next);
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
        self.merge_run(text, start, &run, next);
    }

    /// Merges the characters from `start` on, given by their ends.
    fn merge_run(&self, text: &str, start: usize, ends: &[usize], next: &mut impl FnMut(usize, usize, Option<u32>)) {
        // Where unused pieces, which may be merged further but not stay, were joined.
        let mut joints: HashMap<&str, usize> = HashMap::new();
        let symbols = merge(start, ends, |start, middle, end| {
            let id = self.mergeable(&text[start..end])?;
            if self.roles[id as usize] == Role::Unused {
                joints.insert(&text[start..end], middle - start);
            }
            Some(self.scores[id as usize])
        });
        for symbol in symbols {
            self.resegment(text, symbol.start, symbol.end, &joints, 0, next);
        }
    }

    fn resegment(
        &self,
        text: &str,
        start: usize,
        end: usize,
        joints: &HashMap<&str, usize>,
        depth: usize,
        next: &mut impl FnMut(usize, usize, Option<u32>),
    ) {
        let piece = &text[start..end];
        let id = self.mergeable(piece);
        let unused = id.is_some_and(|id| self.roles[id as usize] == Role::Unused);
        match joints.get(piece).filter(|_| unused && depth <= RESEGMENT_DEPTH) {
            Some(middle) => {
                self.resegment(text, start, start + middle, joints, depth + 1, next);
                self.resegment(text, start + middle, end, joints, depth + 1, next);
            }
            None => next(start, end, id.filter(|_| !unused || depth > RESEGMENT_DEPTH)),
        }
    }

    fn mergeable(&self, piece: &str) -> Option<u32> {
        let id = self.pieces.piece_to_id(piece)?;
        matches!(self.roles[id as usize], Role::Normal | Role::UserDefined | Role::Unused).then_some(id)
    }

    /// Pieces to text (`DecodeOptimized` of sentencepiece_processor.cc): spaces restored, bytes joined, controls left out.
    pub fn decode<'a>(&self, pieces: impl IntoIterator<Item = &'a str>) -> String {
        let mut text = String::new();
        let mut bytes = Vec::new();
        let mut begin = self.strip != Strip::None;
        for piece in pieces {
            let id = self.pieces.piece_to_id(piece).or(self.unknown);
            let role = id.map_or(Role::Unknown, |id| self.role(id));
            if role == Role::Byte {
                bytes.extend(byte_of(piece));
                continue;
            }
            flush(&mut bytes, &mut text);
            begin &= text.is_empty();
            match role {
                Role::Control => continue,
                Role::Unknown if id.is_some_and(|id| self.pieces.id_to_piece(id) == piece) => {
                    text.push_str(&self.unknown_surface);
                }
                Role::Unknown => text.push_str(piece),
                _ => {
                    let stripped = piece.strip_prefix(SPACE).filter(|_| begin);
                    begin &= !(stripped.is_some() && self.strip == Strip::One);
                    for (index, part) in stripped.unwrap_or(piece).split(SPACE).enumerate() {
                        if index > 0 {
                            text.push(' ');
                        }
                        text.push_str(part);
                    }
                }
            }
        }
        flush(&mut bytes, &mut text);
        match &self.denormalizer {
            Some(denormalizer) => denormalizer.normalize(&text, None),
            None => text,
        }
    }
}

/// Appends bytes as text, each that belongs to no character as U+FFFD.
fn flush(bytes: &mut Vec<u8>, text: &mut String) {
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
