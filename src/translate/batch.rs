//! Batches: the jobs of a pass decoded together, as many at once as are worth it and as fit.

use super::call::{Call, Search};
use super::job::Job;
use super::prompt::Prompter;
use crate::decode::{Sampling, SearchOptions, search};
use crate::error::{Hint, Kind, Result};
use crate::model::{State, TranslationModel};
use std::sync::{Arc, Mutex, PoisonError};

/// Most rows, a beam each, that are decoded together on a CPU: past this it gains nothing.
const MAX_CPU_ROWS: usize = 64;
/// Likewise on a GPU, which has idle units below it.
const MAX_GPU_ROWS: usize = 256;

/// Ids that some sources begin with, and the model's state after them, which is only read from then on.
type Prefix = (Vec<u32>, Arc<State>);

/// The model's states after the fixed beginnings of a prompt: computed once, read by every sentence and by every thread.
#[derive(Default)]
pub(super) struct PrefixCache(Mutex<Vec<Prefix>>);

impl PrefixCache {
    /// The states after the beginnings of these jobs, those computed that are missing; those of other prompts are forgotten.
    ///
    /// The cache is locked meanwhile, so that each is computed once, and no longer: decoding needs no lock.
    ///
    /// # Errors
    /// Those of the model.
    fn states(
        &self,
        model: &dyn TranslationModel,
        prompter: &Prompter,
        jobs: &mut dyn Iterator<Item = &Job>,
    ) -> Result<Vec<Prefix>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(ids, _)| prompter.is_shared_beginning(ids));
        for job in jobs {
            let beginning = job.split_ids().0;
            if !beginning.is_empty() && known.iter().all(|(ids, _)| ids != beginning) {
                let (state, _) = model.begin(&[], &[beginning])?;
                known.push((beginning.to_vec(), Arc::new(state)));
            }
        }
        Ok(known.clone())
    }
}

/// The batches of one pass, longest jobs first.
pub(super) struct Batches<'a> {
    search: Search<'a>,
    /// Whether each row that finishes is one more source done, for all that is known before.
    rows_are_done: bool,
    prefixes: Vec<Prefix>,
    /// Numbers of the jobs that are still to be decoded.
    pending: Vec<usize>,
    /// Jobs that fit into the device's memory together, as far as is known.
    fitting: usize,
}

/// A batch that has been decoded.
pub(super) struct Batch {
    /// Numbers of its jobs, which have their outputs.
    pub jobs: Vec<usize>,
    /// Sources that were done before it.
    pub done_before: usize,
}

impl<'a> Batches<'a> {
    /// Orders these jobs and has the states ready that they begin with.
    ///
    /// # Errors
    /// Those of the model.
    pub fn new(call: &Call<'a>, mut numbers: Vec<usize>, search: Search<'a>, rows_are_done: bool) -> Result<Self> {
        // Equal lengths keep their order: the same call makes the same batches.
        numbers.sort_by_key(|number| std::cmp::Reverse(call.jobs[*number].split_ids().1.len()));
        let translator = call.translator;
        let mut jobs = numbers.iter().map(|number| &call.jobs[*number]);
        let prefixes = translator
            .prefixes
            .states(translator.model.as_ref(), call.prompter, &mut jobs)?;
        Ok(Self {
            search,
            rows_are_done,
            prefixes,
            pending: numbers,
            fitting: usize::MAX,
        })
    }

    /// Decodes the next batch and leaves the outputs in its jobs; none after the last. A batch that does not fit into the device's
    /// memory is halved until it does.
    ///
    /// # Errors
    /// Of kind `Memory` where not even one job fits, of kind `Interrupted` after the observer's `Break`, and the model's.
    pub fn decode_next(&mut self, call: &mut Call) -> Result<Option<Batch>> {
        while !self.pending.is_empty() {
            let count = self.count_next(call);
            let before = call.progress;
            match self.decode(call, count) {
                Err(error) if error.kind == Kind::Memory && count > 1 => {
                    self.fitting = count / 2;
                    call.progress = before;
                }
                Err(error) if error.kind == Kind::Memory => {
                    return Err(error.hint(Hint::UseSmallerBeam));
                }
                Err(error) => return Err(error),
                Ok(()) => {
                    return Ok(Some(Batch {
                        jobs: self.pending.drain(..count).collect(),
                        done_before: before.done,
                    }));
                }
            }
        }
        Ok(None)
    }

    /// How many of the pending jobs make the next batch: at least one.
    fn count_next(&self, call: &Call) -> usize {
        let rows = self.search.options.beam * self.search.draws;
        let most_rows = if call.translator.device.is_cpu() {
            MAX_CPU_ROWS
        } else {
            MAX_GPU_ROWS
        };
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

    /// Decodes the first `count` of the pending jobs.
    fn decode(&self, call: &mut Call, count: usize) -> Result<()> {
        let batch = &self.pending[..count];
        let draws = self.search.draws;
        // Each job as often as it is drawn, with the number of the draw.
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
        let expected: Vec<f32> = rows().map(|(job, _)| ratio * job.encoded.tokens as f32).collect();
        let max_tokens: Vec<usize> = rows().map(|(job, _)| job.max_tokens).collect();
        let streams: Vec<u64> = rows()
            .map(|(job, draw)| job.random_stream().wrapping_add(draw))
            .collect();
        let options = SearchOptions {
            max_tokens: &max_tokens,
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
        let mut outputs = search(model, &prefixes, &sources, &options, &mut observe)?.into_iter();
        for number in batch {
            call.jobs[*number].outputs = outputs.by_ref().take(draws).collect();
        }
        Ok(())
    }
}
