//! Translation of Thai articles into English, and side-by-side bilingual documents, with open models on the user's own machine.
//!
//! # The way of one article
//!
//! bytes → [`thai::encoding`] (UTF-8 or an old Thai encoding) → [`document::read`] (blocks, each tied to its bytes) →
//! [`thai::split`] (sentences) → [`translate::Translator`] (normalise, put into the prompt, tokenize, batch by length,
//! search, detokenize, put back in order; [`quality`] says what looks wrong and is tried again) →
//! [`document::BilingualDocument`] (the aligned document) → [`render`] (any number of formats). [`pipeline`] joins the steps
//! for one document, [`archive`] for many, whose sentences it pools and keeps in the [`memory`]; [`cli`] does it for files
//! and directories. Every arrow goes one way.
//!
//! # Rooms
//!
//! A room uses lower layers only, and exactly the rooms named; a test of the crate holds this table against the imports.
//!
//! | layer | module | responsibility | uses |
//! |---|---|---|---|
//! | 0 | [`error`] | failure: its kind, path, place in the file, and a hint | std |
//! | 0 | [`span`] | byte ranges of a source | std |
//! | 1 | [`mod@file`] | inputs read whole, outputs complete or absent | `error` |
//! | 1 | [`thai`] | Thai text: encodings, normalisation, sentences, numbers and dates | `error`, `span` |
//! | 1 | [`score`] | BLEU and chrF | `error` |
//! | 2 | [`document`] | bytes to blocks of text; the aligned document and its flags | `span`, `thai` |
//! | 2 | [`database`] | an SQLite file: opened, checked, brought to the present layout | `error`, `file` |
//! | 2 | [`model`] | architectures, weights on disk, kernels; token ids to logits | `error`, `file` |
//! | 3 | [`catalog`] | which models there are, and their files: manifests, the Hub, caches | `error`, `file`, `model` |
//! | 3 | [`tokenizer`] | text to token ids and back | `error`, `model` |
//! | 3 | [`decode`] | search over [`model::TranslationModel`]: greedy, beam, sampling, under constraints | `document`, `error`, `model` |
//! | 3 | [`quality`] | checks of translated segments and documents, which give findings and a trust score | `document`, `span`, `thai` |
//! | 3 | [`memory`] | translation memory: finished segments on disk, found again, exchanged, taught | `database`, `document`, `error`, `file`, `thai` |
//! | 3 | [`render`] | an aligned document to bytes, one file a format | `document`, `error` |
//! | 4 | [`translate`] | many sentences in, as many translations out, by a list of passes | `catalog`, `decode`, `document`, `error`, `file`, `memory`, `model`, `quality`, `score`, `span`, `thai`, `tokenizer` |
//! | 5 | [`pipeline`] | one document, from bytes to alignment | `document`, `error`, `file`, `quality`, `span`, `thai`, `translate` |
//! | 5 | [`check`] | anyone's translation: pairs from files, checked and reported | `document`, `error`, `memory`, `quality`, `render`, `span`, `thai`, `translate` |
//! | 6 | [`archive`] | many documents: planned, pooled, each sentence translated once, resumed, reported | `database`, `document`, `error`, `file`, `memory`, `pipeline`, `render`, `thai`, `translate` |
//! | 7 | [`cli`] | arguments, configuration, words, printing, exit codes | `archive`, `catalog`, `check`, `document`, `error`, `file`, `memory`, `model`, `pipeline`, `render`, `score`, `thai`, `translate` |
//!
//! # Where to add
//!
//! | to add | write | and name it in |
//! |---|---|---|
//! | an output format | a file in `render/` | the table of `render/mod.rs` |
//! | an input format | a file in `document/` | the table of `document/mod.rs` |
//! | a check of translations | a file in `quality/` | the list of `quality/mod.rs`, a variant in `document/flag.rs` |
//! | a repair of a wrong value by decoding | its functions in the file of its check | `REPAIRERS` in `quality/mod.rs` |
//! | another repair of translations | a file in `translate/pass/` | the list of `translate/pass/mod.rs` |
//! | a word of date lines | a row in `translate/mend/rule.rs` | |
//! | a decoder-only architecture | a constant in `model/decoder/variant.rs` | the table of `model/architecture.rs` |
//! | a form of weights on disk | a `WeightSource` in `model/weights/` | `model/weights/mod.rs` |
//! | a form of models that is refused by name | a row of a table in `catalog/unsupported.rs` | |
//! | a quantised kernel | a file in `model/cpu/quantized/` | `model/cpu/quantized/mod.rs` |
//! | a decoding option | a field of `DecodeOptions` in `translate/pass/mod.rs`, where the compiler asks whether memories depend on it | `cli/args.rs`, and the pass that obeys it |
//! | an exchange format of memories | a file in `memory/exchange/` | the table of `memory/exchange/mod.rs` |
//!
//! # What always holds
//!
//! - Every byte of a source belongs to one segment or one gap: [`document::BilingualDocument::rebuild_source`] is the file, byte for byte.
//! - The order out is the order in. What a sentence is batched with changes the speed, never the text: on a CPU each row
//!   of a batch is computed from its own values alone, in a fixed order. On a GPU and with 16-bit weights that holds but
//!   for the last digits, which may decide a near tie.
//! - Nothing is dropped or cut silently: what is too long is divided, and an output that is empty, cut or repeats itself
//!   is tried again and then flagged.
//! - Weights never change after loading; what changes while decoding is in [`model::DecodingState`]. One
//!   [`translate::Translator`] may be used by several threads at once.
//! - Only `cli` prints, reads the environment or chooses an exit code; only [`catalog`] uses the network.
//! - Ids, special tokens and prompts come from a model's own files and its manifest.
//! - Unsafe code is in `model/cpu`, and where files are mapped into memory.

#![cfg_attr(test, allow(clippy::print_stdout, clippy::print_stderr))]

pub mod archive;
pub mod catalog;
pub mod check;
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
