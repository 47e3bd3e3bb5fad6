//! The keys that plae wrote before it had [`SystemId`](super::SystemId): frozen, so that what was made then is found.
//!
//! A memory had a line of text for each system, and an archive another for the manner of each article; both hold Debug text
//! of structs of that time, which the structs here repeat. A row with such a text gets the new key when it is asked for.
//! Kept until `PROCESSING_VERSION` in `translate/identity.rs` is raised or plae has another version: translations made before are
//! out of date from then on, and nobody asks for them.

#![expect(dead_code, reason = "the structs are read by their Debug text alone")]

use crate::file::to_hexadecimal;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt::Debug;

/// The versions that every former key ends with: plae's own, 0.1.0, and that of its processing of text, 2. Frozen with
/// the keys.
const VERSION: &str = "0.1.0.2";

/// A manifest's prompt.
#[derive(Debug)]
pub struct Prompt<'a> {
    pub template: &'a str,
    pub shorter: Vec<Shorter<'a>>,
    pub chat: Option<&'a str>,
    pub stop: &'a [String],
    pub add_bos: bool,
}

/// A manifest's prompt for short sources.
#[derive(Debug)]
pub struct Shorter<'a> {
    pub below: usize,
    pub template: &'a str,
}

/// A manifest's languages.
#[derive(Debug)]
pub struct Languages<'a> {
    pub prefix: Option<&'a str>,
    pub encoder_token: Option<&'a str>,
    pub decoder_token: Option<&'a str>,
}

/// A manifest's decoding.
#[derive(Debug)]
pub struct Decoding {
    pub beam: Option<usize>,
    pub max_tokens: usize,
    pub length_ratio: f32,
    pub length_prior: f32,
    pub divide_below: Option<f64>,
    pub length_penalty: f64,
    pub no_repeat_ngram: usize,
    pub repetition_penalty: f32,
}

/// The parameters at the end of a system's description; `split` and `device` were empty there.
#[derive(Serialize)]
pub struct SystemParameters<'a, Quality> {
    pub split: &'a str,
    pub normalize: bool,
    pub beam: usize,
    /// None for the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    pub max_tokens: usize,
    pub min_tokens: usize,
    pub precision: &'a str,
    pub device: &'a str,
    pub vocabulary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<&'a str>,
}

/// The options of an article in an archive's manner.
#[derive(Debug)]
pub struct Options<'a> {
    pub format: &'a dyn Debug,
    pub split: &'a dyn Debug,
    pub paragraphs: &'a dyn Debug,
    pub encoding: &'a Option<String>,
    pub date: &'a Option<String>,
    pub decode: DecodeOptions<'a>,
}

/// The decode options in an archive's manner.
#[derive(Debug)]
pub struct DecodeOptions<'a> {
    pub quality: &'a dyn Debug,
    pub beam: Option<usize>,
    pub max_tokens: Option<usize>,
    pub min_tokens: Option<usize>,
    pub batch_tokens: Option<usize>,
    pub normalize: Option<bool>,
    pub prompt: &'a Option<String>,
    pub ids: bool,
}

/// The line of text that a model was identified by.
pub fn identity_line(
    name: &str,
    revision: &str,
    prompt: Option<&Prompt>,
    languages: &Languages,
    decoding: &Decoding,
) -> String {
    let manifest = to_hexadecimal(&Sha256::digest(format!("{prompt:?} {languages:?} {decoding:?}")));
    format!("{name} {revision} {manifest} {VERSION}")
}

/// The description of a system, after the [`identity_line`] of its model.
pub fn system_line(identity: &str, parameters: &SystemParameters<impl Serialize>) -> String {
    let parameters = serde_json::to_string(parameters).unwrap_or_default();
    format!("{identity} {parameters}")
}

/// The manner of an archive's articles, after the [`identity_line`] of their model.
pub fn manner_line(
    identity: &str,
    precision: &dyn Debug,
    vocabulary: &dyn Debug,
    options: &Options,
    layout: &dyn Debug,
    human_hash: Option<&str>,
) -> String {
    format!("{identity} {precision:?} {vocabulary:?} {options:?} {layout:?} {human_hash:?}")
}
