//! Added tokens: they have ids of their own and are cut out of a text before sentencepiece cuts the rest (`tokens_trie` of
//! transformers).

use super::cleanup::is_space;
use super::config::AddedToken;
use crate::error::{Error, Result};
use aho_corasick::{AhoCorasick, MatchKind};
use hashbrown::{HashMap, HashSet};

/// The added tokens of one tokenizer, found by id, by text, and in texts.
pub struct AddedVocabulary {
    tokens: HashMap<u32, AddedToken>,
    /// Ids by text.
    ids: HashMap<String, u32>,
    /// Ids that decoding leaves out.
    special: HashSet<u32>,
    /// Ids of tokens that are known by name only and stay text in a source; see [`AddedVocabulary::add_name`].
    name_ids: HashMap<String, u32>,
    /// The search for added tokens in a text, with the id of each pattern; `None` if they are not cut out.
    search: Option<(AhoCorasick, Vec<u32>)>,
}

/// A part of a text.
pub enum Part<'a> {
    /// Text between added tokens.
    Text(&'a str),
    /// The id of an added token.
    Token(u32),
}

impl AddedVocabulary {
    /// Collects the tokens of `given`, which have ids, and the special tokens.
    ///
    /// A special token that is not in `given` gets the id that `find` gives for its text in the model's vocabulary. If it is
    /// not there either, it gets the next free id after the `vocabulary` ids of the model and those of `given`.
    ///
    /// # Errors
    /// Of kind `Model` if there are too many tokens.
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
            this.insert(id, token);
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
                this.insert(id, token.clone());
            }
            this.special.insert(id);
        }
        Ok(this)
    }

    /// Adds a token under its id.
    fn insert(&mut self, id: u32, token: AddedToken) {
        self.ids.insert(token.content.clone(), id);
        self.tokens.insert(id, token);
    }

    /// Makes [`AddedVocabulary::split`] cut the tokens out of texts; without this, it does not.
    ///
    /// # Errors
    /// Of kind `Model` if there are too many tokens for the search.
    pub fn with_search(mut self) -> Result<Self> {
        let (texts, ids): (Vec<_>, Vec<_>) = self.ids.iter().filter(|(text, _)| !text.is_empty()).unzip();
        if !texts.is_empty() {
            let search = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(texts);
            let search = search.map_err(|e| Error::model("too many added tokens").source(e))?;
            self.search = Some((search, ids.into_iter().copied().collect()));
        }
        Ok(self)
    }

    /// Adds a token that [`AddedVocabulary::token_to_id`] finds but that is not cut out of texts. Decoding leaves it out.
    pub fn add_name(&mut self, token: &str, id: u32) {
        self.name_ids.insert(token.to_owned(), id);
        self.special.insert(id);
    }

    /// The id of an added token.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.name_ids.get(token).or_else(|| self.ids.get(token)).copied()
    }

    /// The text of the added token with this id.
    pub fn id_to_token(&self, id: u32) -> Option<&str> {
        self.tokens.get(&id).map(|token| token.content.as_str())
    }

    /// The ids of the tokens that can be cut out of texts, in no order.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.tokens.keys().copied()
    }

    /// The ids that [`AddedVocabulary::add_name`] gave, in no order.
    pub fn name_ids(&self) -> impl Iterator<Item = u32> {
        self.name_ids.values().copied()
    }

    /// Whether decoding leaves out the token with this id.
    pub fn is_special(&self, id: u32) -> bool {
        self.special.contains(&id)
    }

    /// Cuts a text into added tokens and the text between them. No part is empty; white space that a token drops is gone.
    pub fn split<'a>(&self, text: &'a str) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        let mut start = 0;
        // Whether the token before drops white space after it.
        let mut rstrip = false;
        let push = |parts: &mut Vec<Part<'a>>, part: &'a str, left: bool, right: bool| {
            let part = if left { part.trim_start_matches(is_space) } else { part };
            let part = if right { part.trim_end_matches(is_space) } else { part };
            if !part.is_empty() {
                parts.push(Part::Text(part));
            }
        };
        if let Some((search, ids)) = &self.search {
            for found in search.find_iter(text) {
                let id = ids[found.pattern().as_usize()];
                let token = self.tokens.get(&id);
                let lstrip = token.is_some_and(|token| token.lstrip);
                push(&mut parts, &text[start..found.start()], rstrip, lstrip);
                parts.push(Part::Token(id));
                start = found.end();
                rstrip = token.is_some_and(|token| token.rstrip);
            }
        }
        push(&mut parts, &text[start..], rstrip, false);
        parts
    }
}
