//! Thai text as such: encodings, normalisation, words, sentences.

pub mod encoding;
