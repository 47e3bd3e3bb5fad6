//! Passes: the searches of one call, run one after the other, and the options that choose them. Each pass decodes the
//! jobs (texts) whose results so far need it, such as failed ones.
//!
//! A pass says which jobs it takes, how they are searched, and when a new output replaces the earlier result. To add a
//! repair, implement [`DecodingPass`] for a new type in a file of its own, and add it to the list in [`run_passes`].

mod choose;
mod consensus;
mod constrain;
mod divide;
mod retry;
mod search;

use super::Quality;
use super::batch::BatchDecoder;
use super::call::{SearchSettings, TranslationCall};
use super::job::DecodeJob;
use crate::document::Era;
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// The options for decoding sentences. `None` stands for the model's own default.
#[derive(Clone, Debug, Default)]
pub struct DecodeOptions {
    /// The work that is done for a good translation, where the options below do not say otherwise.
    pub quality: Quality,
    /// Beam width; 1 is greedy search. Default: the manifest's, else what the model's own files say, else 1; with [`Quality::Fast`] 1.
    pub beam: Option<usize>,
    /// The most output tokens for one sentence. Default: twice its source tokens and 24, within the manifest's limit; in a plain search
    /// of an encoder-decoder what the model's own files say.
    pub max_tokens: Option<usize>,
    /// Output tokens before an end is allowed. Default: what the model's own files say, else 0.
    pub min_tokens: Option<usize>,
    /// Source tokens decoded together. Default: 2048, for a decoder-only model 1536, on a GPU 16384. What does not fit into a GPU's
    /// memory is divided.
    pub batch_tokens: Option<usize>,
    /// Whether the model is given normalised text. Default: true.
    pub normalize: Option<bool>,
    /// Replaces the requests in the manifest's prompt of a decoder-only model; for a model without a manifest it is all that
    /// stands around a text, and ends an output at its first newline if it has newlines itself. It must hold `{text}` once.
    pub prompt: Option<String>,
    /// Whether each source is searched once, as the model's authors would: no length is expected, and a bad or improbable output is
    /// not tried again. A source is divided only where it is longer than the model, or 4096 tokens; for a decoder-only model,
    /// where `max_tokens` would no longer fit after it. [`Quality::Best`] still draws and chooses among several outputs. Default:
    /// false.
    pub plain_search: bool,
    /// Whether translations keep the ids that went in and came out. They are the ids of the result alone: with `plain_search` those of
    /// one search. Default: false.
    pub ids: bool,
    /// The era in which the years of a source are written, where translations are mended. Default: the common era.
    pub era: Era,
}

/// The decode options that decide a text; none stands for the model's own default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DecodeOptionsId {
    /// The work that is done for a good translation.
    pub quality: Quality,
    /// Beam width.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beam: Option<usize>,
    /// The most output tokens for one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<usize>,
    /// Output tokens before an end is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_tokens: Option<usize>,
    /// Whether the model is given normalised text.
    pub normalize: bool,
    /// The prompt around each text, for a decoder-only model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Whether each source is searched once, without a second try.
    pub plain_search: bool,
}

impl DecodeOptions {
    /// Whether the numbers and dates of a finished translation are mended, and lines of dates translated by rule: not
    /// where the plain output of the model is wanted.
    pub(crate) fn mends_text(&self) -> bool {
        self.quality != Quality::Fast && !self.plain_search && !self.ids
    }

    /// The options that decide a text, as they are given: none stands for the model's own default.
    ///
    /// The pattern names every field: a new one does not compile until somebody decides whether it is part of the key.
    pub(crate) fn to_id(&self) -> DecodeOptionsId {
        let Self {
            quality,
            beam,
            max_tokens,
            min_tokens,
            // Batches change the speed, never a text.
            batch_tokens: _,
            normalize,
            prompt,
            plain_search,
            // A record of ids changes no text.
            ids: _,
            // Years are written anew in what a memory has.
            era: _,
        } = self;
        DecodeOptionsId {
            quality: *quality,
            beam: *beam,
            max_tokens: *max_tokens,
            min_tokens: *min_tokens,
            normalize: normalize.unwrap_or(true),
            prompt: prompt.clone(),
            plain_search: *plain_search,
        }
    }
}

/// One round of decoding over some of the jobs (texts) of a call, such as a retry of the failed ones.
trait DecodingPass {
    /// Whether this pass takes a job, judged by the job's result so far. A result is final when no later pass takes its
    /// job.
    fn selects_job(&self, call: &TranslationCall, job: &DecodeJob) -> bool;

    /// Whether this pass also takes jobs whose results show no fault. If so, no job counts as done before this pass has
    /// run. Default: false.
    fn takes_jobs_without_faults(&self, call: &TranslationCall) -> bool {
        let _ = call;
        false
    }

    /// Returns the indices of the jobs that are decoded for the selected jobs, ascending. By default these are the
    /// selected jobs themselves; a pass may instead add new jobs to the call, such as the parts of a text.
    ///
    /// # Errors
    /// The errors of making a job.
    fn make_jobs(&mut self, call: &mut TranslationCall, selected: &[usize]) -> Result<Vec<usize>> {
        let _ = call;
        Ok(selected.to_vec())
    }

    /// Returns the settings with which this pass decodes its jobs.
    fn search_settings<'a>(&self, call: &TranslationCall<'a>) -> SearchSettings<'a>;

    /// Turns the outputs of a decoded batch into results, or keeps the old results where they are better. Returns the
    /// indices of the selected jobs that this pass has finished.
    fn accept_batch(&mut self, call: &mut TranslationCall, batch: &[usize]) -> Vec<usize>;
}

/// Runs all passes over a call's jobs, and hands each source's translation to the call's receiver as soon as it is
/// final.
///
/// # Errors
/// Kind `Interrupted` after the observer's `Break`; those of the model and of the receiver.
pub(super) fn run_passes(call: &mut TranslationCall) -> Result<()> {
    // The passes run in this order. A later pass may replace the results of an earlier one.
    let mut passes: [Box<dyn DecodingPass>; 6] = [
        Box::new(search::FirstPass),
        Box::new(retry::RetryPass),
        Box::new(divide::DividePass::default()),
        Box::new(consensus::ConsensusPass),
        // Twice: a decoder-only model repairs one fault at a time.
        Box::new(constrain::ConstrainPass::default()),
        Box::new(constrain::ConstrainPass::default()),
    ];
    for number in 0..call.jobs.len() {
        call.jobs[number].next_pass = passes
            .iter()
            .position(|pass| pass.selects_job(call, &call.jobs[number]));
    }
    let mut remaining = &mut passes[..];
    let mut index = 0;
    while let Some((pass, later)) = std::mem::take(&mut remaining).split_first_mut() {
        // In ascending order of indices, whatever batches the jobs were decoded in.
        let selected: Vec<usize> = (0..call.jobs.len())
            .filter(|number| call.jobs[*number].next_pass == Some(index))
            .collect();
        let numbers = pass.make_jobs(call, &selected)?;
        // A finished row counts as a finished source if it decodes a whole job that no later pass is sure to take
        // again.
        let rows_are_done = numbers == selected && !later.iter().any(|pass| pass.takes_jobs_without_faults(call));
        let mut batches = BatchDecoder::new(call, numbers, pass.search_settings(call), rows_are_done)?;
        while let Some(batch) = batches.decode_next(call)? {
            let mut settled = pass.accept_batch(call, &batch.jobs);
            settled.retain(|number| {
                let next = later
                    .iter()
                    .position(|pass| pass.selects_job(call, &call.jobs[*number]));
                call.jobs[*number].next_pass = next.map(|offset| index + 1 + offset);
                next.is_none()
            });
            call.finish_jobs(&settled, batch.done_before)?;
        }
        remaining = later;
        index += 1;
    }
    Ok(())
}
