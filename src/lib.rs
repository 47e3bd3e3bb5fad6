//! Translation of Thai articles into English, and side-by-side bilingual documents, with open models on the user's own machine.
//!
//! # The way of one article
//!
//! bytes → [`thai::encoding`] (UTF-8 or an old Thai encoding) → [`document::read`] (blocks, each tied to its bytes) →
//! [`thai::split`] (sentences) → [`translate::Translator`] (normalise, put into the prompt, tokenize, batch by length,
//! search, detokenize, put back in order; [`quality`] says what looks wrong and is tried again) →
//! [`document::Bilingual`] (the aligned document) → [`render`] (any number of formats). [`pipeline`] joins the steps
//! for one document, [`archive`] for many, whose sentences it pools and keeps in the [`memory`]; [`cli`] does it for files
//! and directories. Every arrow goes one way.
//!
//! # Rooms
//!
//! | layer | module | responsibility | uses |
//! |---|---|---|---|
//! | 0 | [`error`], [`span`], [`mod@file`] | failure, position, files that are complete or absent | std |
//! | 1 | [`database`] | the SQLite file of memory and archive: opened, given their tables, its failures in words | 0 |
//! | 1 | [`document`] | bytes and blocks, the aligned document | 0 |
//! | 1 | [`thai`] | encodings, normalisation, sentences, numbers and dates | 0 |
//! | 1 | [`tokenizer`] | text and ids | 0 |
//! | 1 | [`model`] | manifests, files, devices, weights to logits; one file or directory an architecture | 0, candle |
//! | 1 | [`score`] | BLEU and chrF | 0 |
//! | 2 | [`decode`] | search over [`model::TranslationModel`] | `model` |
//! | 2 | [`quality`] | what looks wrong with a pair | `document`, `thai` |
//! | 2 | [`memory`] | finished segments on disk, found again by text and model; exchanged, searched, taught | `database`, `document`, `thai` |
//! | 3 | [`translate`] | many sentences in, as many translations out | all of 1 and 2 |
//! | 3 | [`render`] | an aligned document to bytes; knows no model | `document` |
//! | 4 | [`pipeline`] | one document, from bytes to alignment | all above |
//! | 5 | [`archive`] | many documents: pooled, each finished once, reported | all above |
//! | 6 | [`cli`] | arguments, configuration, printing, exit codes | everything public |
//!
//! # What always holds
//!
//! - Every byte of a source belongs to one segment or one gap: [`document::Bilingual::source`] is the file, byte for byte.
//! - The order out is the order in. What a sentence is batched with changes the speed, never the text: on a CPU each row
//!   of a batch is computed from its own values alone, in a fixed order. On a GPU and with 16-bit weights that holds but
//!   for the last digits, which may decide a near tie.
//! - Nothing is dropped or cut silently: what is too long is divided, and an output that is empty, cut or repeats itself
//!   is tried again and then flagged.
//! - Weights never change after loading; what changes while decoding is in [`model::State`].
//! - Only `cli` prints, reads the environment or chooses an exit code; only [`catalog`] uses the network.
//! - Ids, special tokens and prompts come from a model's own files and its manifest.

pub mod archive;
pub mod catalog;
pub mod cli;
pub mod database;
pub mod decode;
pub mod document;
pub mod error;
pub mod file;
pub mod memory;
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

#[cfg(test)]
mod tests;
