//! Batches: texts that are decoded together, as many as make decoding faster and as the device's memory holds.

use super::call::{SearchSettings, TranslationCall};
use super::job::DecodeJob;
use super::prompt::Prompter;
use super::{DecodeOptions, Translator};
use crate::decode::{Sampling, SearchOptions, TokenConstraint, search_n_best};
use crate::error::{ErrorKind, Hint, Result};
use crate::model::{DecodingState, TranslationModel};
use std::sync::{Arc, Mutex, PoisonError};

/// Number of rows at which a batch on a CPU stops growing; each text has a row for every beam and draw. More rows are
/// no faster.
const MAX_CPU_ROWS: usize = 64;
/// Number of rows at which a batch on a GPU stops growing; each text has a row for every beam and draw. Fewer rows
/// leave units of the GPU idle.
const MAX_GPU_ROWS: usize = 256;

/// The most source tokens of a batch by default, for an encoder-decoder model on a CPU.
const BATCH_TOKENS: usize = 2048;
/// The most source tokens of a batch by default, for a decoder-only model, whose cache is larger for each token. Larger
/// batches are no faster.
const DECODER_BATCH_TOKENS: usize = 1536;
/// The most source tokens of a batch by default, for an encoder-decoder model on a GPU.
const GPU_BATCH_TOKENS: usize = 16_384;

/// Token ids of a fixed beginning that several sources share, and the model's state after reading these ids.
type CachedPrefix = (Vec<u32>, Arc<DecodingState>);

/// Caches the model's states after the fixed beginnings of a prompt, so that each state is computed once and then read
/// by every sentence and every thread.
#[derive(Default)]
pub(super) struct PrefixCache(Mutex<Vec<CachedPrefix>>);

impl PrefixCache {
    /// Returns the model's states after the fixed prompt `beginnings` of sources. Computes states that are missing from
    /// the cache, and drops those of other prompts.
    ///
    /// The cache stays locked until all states are computed, so that no two threads compute the same one. Decoding
    /// itself needs no lock.
    ///
    /// # Errors
    /// The errors of the model.
    pub(super) fn prefix_states(
        &self,
        model: &dyn TranslationModel,
        prompter: &Prompter,
        beginnings: &mut dyn Iterator<Item = &[u32]>,
    ) -> Result<Vec<CachedPrefix>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(ids, _)| prompter.is_shared_beginning(ids));
        for beginning in beginnings {
            if !beginning.is_empty() && known.iter().all(|(ids, _)| ids != beginning) {
                let (state, _) = model.begin_decoding(&[], &[beginning])?;
                known.push((beginning.to_vec(), Arc::new(state)));
            }
        }
        Ok(known.clone())
    }
}

/// Returns the maximum number of source tokens in a batch: the caller's, or what is fastest for the model and device.
pub(super) fn source_token_budget(translator: &Translator, options: &DecodeOptions) -> usize {
    let usual = if translator.is_decoder_only() {
        DECODER_BATCH_TOKENS
    } else if translator.device.is_cpu() {
        BATCH_TOKENS
    } else {
        GPU_BATCH_TOKENS
    };
    options.batch_tokens.unwrap_or(usual)
}

/// Returns the number of rows at which a batch stops growing on the translator's device.
pub(super) fn most_batch_rows(translator: &Translator) -> usize {
    if translator.device.is_cpu() {
        MAX_CPU_ROWS
    } else {
        MAX_GPU_ROWS
    }
}

/// Decodes the jobs (texts) of one pass batch by batch, the longest texts first.
pub(super) struct BatchDecoder<'a> {
    search: SearchSettings<'a>,
    /// Whether the progress counts a finished row as a finished source, even before the row's output is checked.
    rows_are_done: bool,
    prefixes: Vec<CachedPrefix>,
    /// Indices, in the call's list of jobs, of the jobs that are still to be decoded; the longest first.
    pending: Vec<usize>,
    /// The most jobs that a batch may have; lowered whenever a batch does not fit into the device's memory.
    fitting: usize,
}

/// A batch that has been decoded.
pub(super) struct DecodedBatch {
    /// Indices, in the call's list of jobs, of the batch's jobs. The outputs are stored in the jobs.
    pub jobs: Vec<usize>,
    /// Number of sources that were done before the batch was decoded.
    pub done_before: usize,
}

impl<'a> BatchDecoder<'a> {
    /// Sorts the jobs with the indices `numbers` by length, and computes the model's states after the prompt beginnings
    /// that they share.
    ///
    /// # Errors
    /// The errors of the model.
    pub fn new(
        call: &TranslationCall<'a>,
        mut numbers: Vec<usize>,
        search: SearchSettings<'a>,
        rows_are_done: bool,
    ) -> Result<Self> {
        // Equal lengths keep their order: the same call makes the same batches.
        numbers.sort_by_key(|number| std::cmp::Reverse(call.jobs[*number].split_ids().1.len()));
        let translator = call.translator;
        let mut beginnings = numbers.iter().map(|number| call.jobs[*number].split_ids().0);
        let prefixes = translator
            .prefixes
            .prefix_states(translator.model.as_ref(), call.prompter, &mut beginnings)?;
        Ok(Self {
            search,
            rows_are_done,
            prefixes,
            pending: numbers,
            fitting: usize::MAX,
        })
    }

    /// Decodes the next batch and stores the outputs in its jobs. Returns none after the last batch. A batch that does
    /// not fit into the device's memory is halved until it fits.
    ///
    /// # Errors
    /// Kind `Memory` where not even one job fits, of kind `Interrupted` after the observer's `Break`, and those of
    /// the model.
    pub fn decode_next(&mut self, call: &mut TranslationCall) -> Result<Option<DecodedBatch>> {
        while !self.pending.is_empty() {
            let count = self.next_batch_size(call);
            let before = call.progress;
            match self.decode_batch(call, count) {
                Err(error) if error.kind == ErrorKind::Memory && count > 1 => {
                    self.fitting = count / 2;
                    call.progress = before;
                }
                Err(error) if error.kind == ErrorKind::Memory => {
                    return Err(error.hint(Hint::UseSmallerBeam));
                }
                Err(error) => return Err(error),
                Ok(()) => {
                    return Ok(Some(DecodedBatch {
                        jobs: self.pending.drain(..count).collect(),
                        done_before: before.done,
                    }));
                }
            }
        }
        Ok(None)
    }

    /// Returns the number of pending jobs that form the next batch: at least one.
    fn next_batch_size(&self, call: &TranslationCall) -> usize {
        let rows = self.search.options.beam * self.search.draws;
        let most_rows = most_batch_rows(call.translator);
        let (mut count, mut tokens) = (0, 0);
        while count < self.pending.len().min(self.fitting) && count * rows < most_rows {
            tokens += call.jobs[self.pending[count]].split_ids().1.len() * rows;
            if count > 0 && tokens > self.search.budget {
                break;
            }
            count += 1;
        }
        count
    }

    /// Decodes the first `count` pending jobs as one batch and stores the outputs in them.
    fn decode_batch(&self, call: &mut TranslationCall, count: usize) -> Result<()> {
        let batch = &self.pending[..count];
        let draws = self.search.draws;
        // Each job once for every draw, with the number of the draw.
        let rows = || {
            let jobs = &call.jobs;
            batch
                .iter()
                .flat_map(move |number| (0..draws as u64).map(move |draw| (&jobs[*number], draw)))
        };
        let (beginnings, sources): (Vec<_>, Vec<_>) = rows().map(|(job, _)| job.split_ids()).unzip();
        let prefix = |beginning| {
            let known = self.prefixes.iter().find(|(ids, _)| ids == beginning);
            known.map(|(ids, state)| (&ids[..], &**state))
        };
        let prefixes: Vec<_> = beginnings.into_iter().map(prefix).collect();
        let ratio = call.translator.manifest.decoding.length_ratio;
        let expected = |job: &DecodeJob| (ratio * job.encoded.tokens as f32 - job.begun as f32).max(0.0);
        let expected: Vec<f32> = rows().map(|(job, _)| expected(job)).collect();
        let max_tokens: Vec<usize> = rows().map(|(job, _)| job.max_tokens).collect();
        let streams: Vec<u64> = rows()
            .map(|(job, draw)| job.random_stream().wrapping_add(draw))
            .collect();
        let mut constraints: Vec<TokenConstraint> = Vec::new();
        if rows().any(|(job, _)| !job.constraint.is_empty()) {
            constraints.extend(rows().map(|(job, _)| job.constraint.clone()));
        }
        let options = SearchOptions {
            max_tokens: &max_tokens,
            constraints: &constraints,
            expected: &expected,
            sampling: self.search.options.sampling.map(|sampling| Sampling {
                streams: &streams,
                ..sampling
            }),
            ..self.search.options.clone()
        };
        let done_before = call.progress.done;
        let (progress, observer) = (&mut call.progress, &mut call.observer);
        let mut observe = |finished: usize, written: usize| {
            progress.tokens += written;
            if self.rows_are_done {
                progress.done = (done_before + finished / draws).min(progress.total);
            }
            observer(*progress)
        };
        let model = call.translator.model.as_ref();
        let mut outputs = search_n_best(model, &prefixes, &sources, &options, &mut observe)?.into_iter();
        for number in batch {
            call.jobs[*number].outputs = outputs.by_ref().take(draws).flatten().collect();
        }
        Ok(())
    }
}
