//! Added tokens: ids of their own, cut out of a text before sentencepiece sees it (`tokens_trie` of transformers).

use super::files::AddedToken;
use crate::error::{Error, Result};
use aho_corasick::{AhoCorasick, MatchKind};
use hashbrown::{HashMap, HashSet};

/// The added tokens of one tokenizer.
pub struct Added {
    tokens: HashMap<u32, AddedToken>,
    ids: HashMap<String, u32>,
    /// Ids that decoding leaves out.
    special: HashSet<u32>,
    /// Tokens whose id, asked for by name, is this, whatever they are in a source.
    named: HashMap<String, u32>,
    search: Option<(AhoCorasick, Vec<u32>)>,
}

/// A stretch of a text.
pub enum Part<'a> {
    Text(&'a str),
    Token(u32),
}

impl Added {
    /// From tokens that have ids, and the special tokens; those without an id get that of the same text in the vocabulary
    /// (`find`), or the next after it, of which there are `vocabulary` and those that `given` adds.
    ///
    /// # Errors
    /// Of kind `Model` where there are too many.
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
            named: HashMap::new(),
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

    fn insert(&mut self, id: u32, token: AddedToken) {
        self.ids.insert(token.content.clone(), id);
        self.tokens.insert(id, token);
    }

    /// Cuts added tokens out of texts from now on.
    ///
    /// # Errors
    /// Of kind `Model` where they are too many for the search.
    pub fn split_on(mut self) -> Result<Self> {
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

    /// Gives a token the id by which it is known outside of texts; if it is not among the added ones, it stays text in a
    /// source. It is left out of decoded text.
    pub fn name(&mut self, token: &str, id: u32) {
        self.named.insert(token.to_owned(), id);
        self.special.insert(id);
    }

    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.named.get(token).or_else(|| self.ids.get(token)).copied()
    }

    pub fn id_to_token(&self, id: u32) -> Option<&str> {
        self.tokens.get(&id).map(|token| token.content.as_str())
    }

    /// Ids of the added tokens.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.tokens.keys().copied()
    }

    /// Ids that [`Added::name`] gave.
    pub fn named(&self) -> impl Iterator<Item = u32> {
        self.named.values().copied()
    }

    pub fn is_special(&self, id: u32) -> bool {
        self.special.contains(&id)
    }

    /// The text in parts, none of them empty; spaces that a token eats are gone.
    pub fn split<'a>(&self, text: &'a str) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        let mut start = 0;
        // The token before eats spaces on its right.
        let mut eats = false;
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
                push(&mut parts, &text[start..found.start()], eats, lstrip);
                parts.push(Part::Token(id));
                start = found.end();
                eats = token.is_some_and(|token| token.rstrip);
            }
        }
        push(&mut parts, &text[start..], eats, false);
        parts
    }
}

/// White space as Python's `str.strip` has it.
pub fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}
