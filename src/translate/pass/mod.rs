//! Passes: the searches of one call, run one after the other. Each pass decodes the jobs (texts) whose results so far
//! need it, such as failed ones.
//!
//! A pass says which jobs it takes, how they are searched, and when a new output replaces the earlier result. To add a
//! repair, implement [`DecodingPass`] for a new type in a file of its own, and add it to the list in [`run_passes`].

mod choose;
mod consensus;
mod constrain;
mod divide;
mod retry;
mod search;

use super::batch::BatchDecoder;
use super::call::{SearchSettings, TranslationCall};
use super::job::DecodeJob;
use crate::error::Result;

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
