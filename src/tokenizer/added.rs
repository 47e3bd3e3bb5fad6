//! Added tokens, which have ids of their own and are cut out of a text before sentencepiece cuts the rest
//! (`tokens_trie` of transformers).

use super::cleanup::is_space;
use super::config::AddedToken;
use super::control::{is_marker, overlaps};
use super::search::build_token_search;
use crate::error::{Error, Result};
use aho_corasick::AhoCorasick;
use hashbrown::{HashMap, HashSet};
use std::ops::Range;

/// The added tokens of one tokenizer, which can be looked up by id or by text, and cut out of texts.
pub struct AddedVocabulary {
    tokens: HashMap<u32, AddedToken>,
    /// The id of each added token, by its text.
    ids: HashMap<String, u32>,
    /// The ids of tokens that decoding skips.
    special: HashSet<u32>,
    /// The ids of tokens that can be looked up by name but are not cut out of a source; see
    /// [`AddedVocabulary::add_named_token`].
    name_ids: HashMap<String, u32>,
    /// The automaton that finds added tokens in a text, and the id of each of its patterns; `None` if added tokens are
    /// not cut out.
    search: Option<(AhoCorasick, Vec<u32>)>,
}

/// One part of a text that was split at its added tokens.
pub enum TextPart {
    /// The bytes between two added tokens.
    Text(Range<usize>),
    /// The id of an added token.
    Token(u32),
}

impl AddedVocabulary {
    /// Collects the added tokens in `given`, with their ids, and the special tokens of the tokenizer.
    ///
    /// A special token that is not in `given` gets the id that `find` returns for its text in the model's vocabulary.
    /// If `find` returns none, the token gets the next free id after the `vocabulary` ids of the model and those of
    /// `given`.
    ///
    /// # Errors
    /// Kind `Model` if there are too many tokens.
    pub fn new(
        given: Vec<(u32, AddedToken)>,
        special: &[AddedToken],
        vocabulary: usize,
        find: impl Fn(&str) -> Option<u32>,
    ) -> Result<Self> {
        let mut this = Self {
            tokens: HashMap::new(),
            ids: HashMap::new(),
            special: HashSet::new(),
            name_ids: HashMap::new(),
            search: None,
        };
        for (id, token) in given {
            this.insert_token(id, token);
        }
        let beyond = |(token, id): &(&String, &u32)| **id as usize >= vocabulary && find(token).is_none();
        let mut next = vocabulary + this.ids.iter().filter(beyond).count();
        for token in special.iter().filter(|token| !token.content.is_empty()) {
            let id = match this.ids.get(&token.content).copied().or_else(|| find(&token.content)) {
                Some(id) => id,
                None => {
                    next += 1;
                    u32::try_from(next - 1).map_err(|_| Error::model("too many tokens"))?
                }
            };
            if !this.ids.contains_key(&token.content) {
                this.insert_token(id, token.clone());
            }
            this.special.insert(id);
        }
        Ok(this)
    }

    /// Adds a token under an id.
    fn insert_token(&mut self, id: u32, token: AddedToken) {
        self.ids.insert(token.content.clone(), id);
        self.tokens.insert(id, token);
    }

    /// Makes [`AddedVocabulary::split_at_tokens`] cut the added tokens out of texts; without this call, it leaves texts whole.
    ///
    /// # Errors
    /// Kind `Model` if a token is too long, or if there are too many, for the search.
    pub fn with_token_search(mut self) -> Result<Self> {
        let (texts, ids): (Vec<_>, Vec<_>) = self.ids.iter().filter(|(text, _)| !text.is_empty()).unzip();
        if !texts.is_empty() {
            let search = build_token_search(&texts).map_err(Error::model)?;
            self.search = Some((search, ids.into_iter().copied().collect()));
        }
        Ok(self)
    }

    /// Adds a token that [`AddedVocabulary::token_to_id`] finds but that is not cut out of texts. Decoding skips its
    /// id.
    pub fn add_named_token(&mut self, token: &str, id: u32) {
        self.add_token_name(token, id);
        self.leave_out_of_text(id);
    }

    /// Gives a token of the vocabulary a name that [`AddedVocabulary::token_to_id`] finds.
    pub fn add_token_name(&mut self, token: &str, id: u32) {
        self.name_ids.insert(token.to_owned(), id);
    }

    /// Makes decoding skip an id.
    pub fn leave_out_of_text(&mut self, id: u32) {
        self.special.insert(id);
    }

    /// Returns the id of an added token.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.name_ids.get(token).or_else(|| self.ids.get(token)).copied()
    }

    /// Returns the text of the added token with this id.
    pub fn id_to_token(&self, id: u32) -> Option<&str> {
        self.tokens.get(&id).map(|token| token.content.as_str())
    }

    /// Returns the ids of the tokens that can be cut out of texts, in no particular order.
    pub fn token_ids(&self) -> impl Iterator<Item = u32> {
        self.tokens.keys().copied()
    }

    /// Returns the ids of the tokens that [`AddedVocabulary::add_named_token`] added, in no particular order.
    pub fn named_token_ids(&self) -> impl Iterator<Item = u32> {
        self.name_ids.values().copied()
    }

    /// Whether decoding skips the token with this id.
    pub fn is_special(&self, id: u32) -> bool {
        self.special.contains(&id)
    }

    /// Splits a text into added tokens and the text between them. Empty parts are left out, and so is white space that
    /// an added token drops (`lstrip`, `rstrip`). Control tokens that touch the bytes `source` are text.
    pub fn split_at_tokens(&self, text: &str, source: &Range<usize>) -> Vec<TextPart> {
        let mut parts = Vec::new();
        let mut start = 0;
        // Whether the token before drops white space after it.
        let mut rstrip = false;
        let push = |parts: &mut Vec<TextPart>, Range { mut start, mut end }: Range<usize>, left: bool, right: bool| {
            if left {
                start = end - text[start..end].trim_start_matches(is_space).len();
            }
            if right {
                end = start + text[start..end].trim_end_matches(is_space).len();
            }
            if start < end {
                parts.push(TextPart::Text(start..end));
            }
        };
        if let Some((search, ids)) = &self.search {
            for found in search.find_iter(text) {
                let id = ids[found.pattern().as_usize()];
                let token = self.tokens.get(&id);
                let is_control = self.is_special(id) || token.is_some_and(|token| is_marker(&token.content));
                if is_control && overlaps(&found.range(), source) {
                    continue;
                }
                let lstrip = token.is_some_and(|token| token.lstrip);
                push(&mut parts, start..found.start(), rstrip, lstrip);
                parts.push(TextPart::Token(id));
                start = found.end();
                rstrip = token.is_some_and(|token| token.rstrip);
            }
        }
        push(&mut parts, start..text.len(), rstrip, false);
        parts
    }
}
