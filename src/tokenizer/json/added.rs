//! Added tokens of tokenizer.json, cut out of a text as `AddedVocabulary` of the `tokenizers` crate does, except that
//! control tokens in a source are text.

use crate::tokenizer::control::{is_marker, overlaps};
use crate::tokenizer::search::build_token_search;
use aho_corasick::AhoCorasick;
use hashbrown::HashMap;
use regex::Regex;
use std::ops::Range;
use tokenizers::normalizer::Range as Referential;
use tokenizers::{AddedToken, NormalizedString, Normalizer, Token, Tokenizer};

/// The added tokens of a tokenizer, ready to be cut out of texts.
pub struct AddedTokens {
    tokens: HashMap<u32, AddedToken>,
    /// Finds the tokens that are searched for in the text as it is.
    plain: TokenSearch,
    /// Finds the tokens that are searched for in the normalised text.
    normalized: TokenSearch,
    /// Whether special tokens are text everywhere (`split_special_tokens`).
    splits_special: bool,
    /// Matches a character that is part of a word.
    word: Regex,
}

/// An automaton that finds tokens in a text, with the id of each of its patterns.
struct TokenSearch(Option<(AhoCorasick, Vec<u32>)>);

/// A part of a text, with the added token that it is, if it is one.
pub type CutPart = (NormalizedString, Option<Vec<Token>>);

impl TokenSearch {
    /// Builds the automaton for these tokens.
    fn new(tokens: Vec<(String, u32)>) -> tokenizers::Result<Self> {
        let (texts, ids): (Vec<_>, Vec<_>) = tokens.into_iter().filter(|(text, _)| !text.is_empty()).unzip();
        if texts.is_empty() {
            return Ok(Self(None));
        }
        let search = build_token_search(&texts)?;
        Ok(Self(Some((search, ids))))
    }
}

impl AddedTokens {
    /// Collects the added tokens of a tokenizer.
    ///
    /// # Errors
    /// Errors if a token cannot be normalised, or there are too many for a search.
    pub fn new(tokenizer: &Tokenizer) -> tokenizers::Result<Self> {
        let tokens = tokenizer
            .get_added_tokens_decoder()
            .into_iter()
            .collect::<HashMap<_, _>>();
        let (mut plain, mut normalized) = (Vec::new(), Vec::new());
        for (id, token) in &tokens {
            if token.normalized {
                let mut text = NormalizedString::from(token.content.as_str());
                if let Some(normalizer) = tokenizer.get_normalizer() {
                    normalizer.normalize(&mut text)?;
                }
                normalized.push((text.get().to_owned(), *id));
            } else {
                plain.push((token.content.clone(), *id));
            }
        }
        Ok(Self {
            tokens,
            plain: TokenSearch::new(plain)?,
            normalized: TokenSearch::new(normalized)?,
            splits_special: tokenizer.get_encode_special_tokens(),
            word: Regex::new(r"^\w")?,
        })
    }

    /// Whether a token is an added one that stands for no text.
    pub fn is_control(&self, id: u32) -> bool {
        let token = self.tokens.get(&id);
        token.is_some_and(|token| token.special || is_marker(&token.content))
    }

    /// Returns the ids of all added tokens, in no particular order.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.tokens.keys().copied()
    }

    /// Cuts the tokens that are searched for in the text as it is out of a part of it. Control tokens that touch the
    /// bytes `source` of the whole text are left in.
    pub fn cut_plain(&self, part: &NormalizedString, source: &Range<usize>) -> Vec<CutPart> {
        self.cut(&self.plain, part, source)
    }

    /// Cuts the tokens that are searched for in the normalised text out of a part of it; see [`Self::cut_plain`].
    pub fn cut_normalized(&self, part: &NormalizedString, source: &Range<usize>) -> Vec<CutPart> {
        self.cut(&self.normalized, part, source)
    }

    /// Cuts the tokens that `search` finds out of a part of a text.
    fn cut(&self, search: &TokenSearch, part: &NormalizedString, source: &Range<usize>) -> Vec<CutPart> {
        let text = part.get();
        let mut cuts: Vec<(Range<usize>, Option<u32>)> = Vec::new();
        let mut done = 0;
        if let Some((search, ids)) = &search.0 {
            for found in search.find_iter(text) {
                let id = ids[found.pattern().as_usize()];
                let Some(token) = self.tokens.get(&id) else { continue };
                let Range { mut start, mut end } = found.range();
                let in_source = || overlaps(&original_range(part, found.range()), source);
                if (self.splits_special && token.special) || (self.is_control(id) && in_source()) {
                    continue;
                }
                if token.single_word && self.is_inside_word(text, &found.range()) {
                    continue;
                }
                if token.lstrip {
                    start = text[..start].trim_end().len().max(done);
                }
                if token.rstrip {
                    end = text.len() - text[end..].trim_start().len();
                }
                if done < start {
                    cuts.push((done..start, None));
                }
                cuts.push((start..end, Some(id)));
                done = end;
            }
        }
        if done < text.len() {
            cuts.push((done..text.len(), None));
        }
        let cut = |(range, id): (Range<usize>, Option<u32>)| {
            let slice = part.slice(Referential::Normalized(range))?;
            let token = id.map(|id| vec![Token::new(id, slice.get().to_owned(), (0, slice.get().len()))]);
            Some((slice, token))
        };
        cuts.into_iter().filter_map(cut).collect()
    }

    /// Whether a character of a word stands right before or right after a range of a text.
    fn is_inside_word(&self, text: &str, range: &Range<usize>) -> bool {
        let before = text[..range.start].char_indices().next_back();
        before.is_some_and(|(at, _)| self.word.is_match(&text[at..])) || self.word.is_match(&text[range.end..])
    }
}

/// Returns the bytes of the whole text that `range`, which counts in the normalised text of `part`, stands for.
pub fn original_range(part: &NormalizedString, range: Range<usize>) -> Range<usize> {
    let (start, end) = part.offsets_original();
    match part.convert_offsets(Referential::Normalized(range)) {
        Some(found) => start + found.start..start + found.end,
        None => start..end,
    }
}
