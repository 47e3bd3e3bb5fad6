//! Translation: many sentences in, as many translations out, in the same order.

use crate::document::{Finish, Flag};
use crate::error::{Error, Result};
use crate::model::Located;
use std::ops::ControlFlow;

/// Where a model computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first CUDA device, else Metal, else the CPU; only devices that this build supports are tried.
    #[default]
    Auto,
    Cpu,
    /// CUDA device number.
    Cuda(usize),
    Metal,
}

/// The number format that a model computes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// A GGUF file's own quantization; otherwise `f32` on a CPU and `bf16` on a GPU.
    #[default]
    Auto,
    F32,
    Bf16,
    F16,
    Int8,
}

/// How sentences are decoded. `None` stands for the model's own default.
#[derive(Clone, Debug, Default)]
pub struct DecodeOptions {
    /// Beam width; 1 is greedy search.
    pub beam: Option<usize>,
    /// The most output tokens for one sentence.
    pub max_tokens: Option<usize>,
    /// Output tokens before an end is allowed; default 0.
    pub min_tokens: Option<usize>,
    /// Source tokens, padding included, decoded together.
    pub batch_tokens: Option<usize>,
    /// Give the model normalised text; default true.
    pub normalize: Option<bool>,
    /// Replaces the manifest's prompt of a decoder-only model; must hold `{text}`.
    pub prompt: Option<String>,
    /// Keep the ids that went in and came out.
    pub ids: bool,
}

/// One sentence's translation.
#[derive(Clone, Debug, PartialEq)]
pub struct Translation {
    pub text: String,
    /// Mean natural log-probability of the output tokens.
    pub score: Option<f64>,
    pub finish: Finish,
    pub flags: Vec<Flag>,
    pub source_ids: Option<Vec<u32>>,
    pub target_ids: Option<Vec<u32>>,
    /// Tokens read and written for it, prompt included.
    pub source_tokens: usize,
    pub target_tokens: usize,
}

/// How far a call has come; sentences that need no model count as done from the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    pub done: usize,
    pub total: usize,
    /// Output tokens written so far.
    pub tokens: usize,
}

/// Told of progress; `Break` ends the call with an error of kind `Interrupted`.
pub type Observer<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// A loaded model with its tokenizer.
pub struct Translator {}

impl Translator {
    /// Loads a model's weights and tokenizer.
    pub fn load(_located: &Located, _device: DeviceChoice, _precision: Precision) -> Result<Self> {
        Err(Error::model("not built"))
    }

    /// Translates each source on its own; as many results as sources, in their order.
    pub fn translate(
        &self,
        _sources: &[&str],
        _options: &DecodeOptions,
        _observer: Observer,
    ) -> Result<Vec<Translation>> {
        Err(Error::model("not built"))
    }

    /// `cpu`, `cuda:0`, `metal`.
    pub fn device(&self) -> String {
        String::new()
    }

    /// `f32`, `bf16`, `f16`, `int8`, or a GGUF file's own type such as `q4_k_m`.
    pub fn precision(&self) -> String {
        String::new()
    }
}
