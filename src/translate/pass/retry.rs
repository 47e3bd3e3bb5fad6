//! Retry: a text whose output is empty, cut or repeats itself is decoded once more, without repeated phrases.

use super::{Call, Pass, Search};
use crate::decode::SearchOptions;
use crate::document::Quality;
use crate::translate::job::Job;

/// Length, in tokens, of the phrases that a retry does not write twice.
const NO_REPEAT_NGRAM: usize = 3;

/// The retry pass: decodes texts with a failed output once more, and keeps the output with fewer flags; of equals, the
/// earlier one.
pub(super) struct Retry;

impl Pass for Retry {
    fn selects_job(&self, call: &Call, job: &Job) -> bool {
        call.guards_loops() && call.options.quality != Quality::Fast && call.is_failure(job)
    }

    fn search<'a>(&self, call: &Call<'a>) -> Search<'a> {
        let plain = call.plain_search();
        Search {
            options: SearchOptions {
                no_repeat_ngram: NO_REPEAT_NGRAM,
                // Phrases from the examples in the prompt may be written.
                prompt_counts: false,
                ..plain.options
            },
            ..plain
        }
    }

    fn accept_batch(&mut self, call: &mut Call, batch: &[usize]) -> Vec<usize> {
        for number in batch {
            let flags_before = call.flags(&call.jobs[*number]).len();
            let job = &mut call.jobs[*number];
            let before = std::mem::replace(&mut job.result, job.outputs.pop());
            if call.flags(&call.jobs[*number]).len() >= flags_before {
                call.jobs[*number].result = before;
            }
        }
        batch.to_vec()
    }
}
