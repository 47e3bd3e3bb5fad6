//! The automaton that finds added tokens in a text, which every kind of tokenizer uses.

use aho_corasick::{AhoCorasick, MatchKind};

/// The most bytes that a token to search for may have; the longest of published models have fewer than a hundred.
/// Building the automaton takes time in the square of a token's length.
const MAX_TOKEN_BYTES: usize = 1024;

/// Builds an automaton that finds these tokens in a text; of tokens that begin at one place, it finds the longest.
///
/// # Errors
/// A message if a token has more than [`MAX_TOKEN_BYTES`], or if there are too many tokens.
pub fn build_token_search<T: AsRef<str>>(tokens: &[T]) -> Result<AhoCorasick, String> {
    let longest = tokens.iter().map(|token| token.as_ref().len()).max().unwrap_or(0);
    if longest > MAX_TOKEN_BYTES {
        return Err(format!("an added token has {longest} bytes, {MAX_TOKEN_BYTES} allowed"));
    }
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(tokens.iter().map(AsRef::as_ref))
        .map_err(|error| error.to_string())
}
