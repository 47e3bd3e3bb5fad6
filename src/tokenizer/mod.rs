//! Tokenizers: text to ids and back, from a model's own files.

mod spm;

pub use spm::SpmTokenizer;
