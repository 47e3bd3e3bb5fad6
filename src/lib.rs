//! Translation of Thai articles into English, and side-by-side bilingual documents, with open models on the user's own machine.

pub mod cli;
pub mod decode;
pub mod document;
pub mod error;
pub mod model;
pub mod pipeline;
pub mod quality;
pub mod render;
pub mod score;
pub mod span;
pub mod thai;
pub mod tokenizer;
pub mod translate;

pub use error::{Error, Result};
