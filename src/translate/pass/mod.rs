//! Passes: the searches of one call, one after the other, each over the jobs whose outputs so far call for it.
//!
//! A pass says which jobs it takes, how they are searched, and what of the outputs replaces what there was. A new repair is one
//! more type that does so, in a file of its own and on the list in [`run`].

mod consensus;
mod divide;
mod retry;
mod search;

use super::batch::Batches;
use super::call::{Call, Search};
use super::job::Job;
use crate::error::Result;

/// One search over some of a call's jobs.
trait Pass {
    /// Whether the pass takes a job, by what earlier passes have found for it. A job is settled when no later pass takes it.
    fn select(&self, call: &Call, job: &Job) -> bool;

    /// Whether it takes jobs that no fault can be seen in, too; then none counts as done before. Default: it takes faulty ones only.
    fn takes_sound_jobs(&self, call: &Call) -> bool {
        let _ = call;
        false
    }

    /// The numbers of the jobs that are decoded for the selected ones, ascending: by default these themselves. A pass may add jobs of
    /// its own making to the call.
    ///
    /// # Errors
    /// Those of making a job.
    fn expand(&mut self, call: &mut Call, selected: &[usize]) -> Result<Vec<usize>> {
        let _ = call;
        Ok(selected.to_vec())
    }

    /// How jobs are searched.
    fn search<'a>(&self, call: &Call<'a>) -> Search<'a>;

    /// Makes results of a batch's outputs, or leaves the old results where they are better. Gives the numbers of those of the
    /// selected jobs that the pass is through with.
    fn accept(&mut self, call: &mut Call, batch: &[usize]) -> Vec<usize>;
}

/// Runs all passes over a call's jobs, and hands each source's translation to the call's receiver as soon as it stands.
///
/// # Errors
/// Of kind `Interrupted` after the observer's `Break`; the model's and the receiver's.
pub(super) fn run(call: &mut Call) -> Result<()> {
    // In this order. What a pass finds, the passes after it may replace.
    let mut passes: [Box<dyn Pass>; 4] = [
        Box::new(search::FirstSearch),
        Box::new(retry::Retry),
        Box::new(divide::Divide::default()),
        Box::new(consensus::Consensus),
    ];
    for number in 0..call.jobs.len() {
        call.jobs[number].next_pass = passes.iter().position(|pass| pass.select(call, &call.jobs[number]));
    }
    let mut remaining = &mut passes[..];
    let mut index = 0;
    while let Some((pass, later)) = std::mem::take(&mut remaining).split_first_mut() {
        // By their numbers: whatever batches jobs came from, they are taken in the same order.
        let selected: Vec<usize> = (0..call.jobs.len())
            .filter(|number| call.jobs[*number].next_pass == Some(index))
            .collect();
        let numbers = pass.expand(call, &selected)?;
        // A row is a source done if it is a whole job and no later pass is sure to take it again.
        let rows_are_done = numbers == selected && !later.iter().any(|pass| pass.takes_sound_jobs(call));
        let mut batches = Batches::new(call, numbers, pass.search(call), rows_are_done)?;
        while let Some(batch) = batches.decode_next(call)? {
            let mut settled = pass.accept(call, &batch.jobs);
            settled.retain(|number| {
                let next = later.iter().position(|pass| pass.select(call, &call.jobs[*number]));
                call.jobs[*number].next_pass = next.map(|offset| index + 1 + offset);
                next.is_none()
            });
            call.settle(&settled, batch.done_before)?;
        }
        remaining = later;
        index += 1;
    }
    Ok(())
}
