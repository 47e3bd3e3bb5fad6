//! Retry: a text whose output is empty, cut or repeats itself is decoded once more, without repeated phrases.

use super::choose::take_best_output;
use super::{DecodingPass, SearchSettings, TranslationCall};
use crate::decode::SearchOptions;
use crate::document::Quality;
use crate::translate::job::DecodeJob;

/// Length, in tokens, of the phrases that a retry does not write twice.
const RETRY_NO_REPEAT_NGRAM: usize = 3;

/// The retry pass: decodes texts with a failed output once more, and keeps the output with fewer warnings; of equals, the
/// earlier one.
pub(super) struct RetryPass;

impl DecodingPass for RetryPass {
    fn selects_job(&self, call: &TranslationCall, job: &DecodeJob) -> bool {
        call.guards_loops() && call.options.quality != Quality::Fast && call.is_failure(job)
    }

    fn search_settings<'a>(&self, call: &TranslationCall<'a>) -> SearchSettings<'a> {
        let plain = call.plain_search_settings();
        SearchSettings {
            options: SearchOptions {
                no_repeat_ngram: RETRY_NO_REPEAT_NGRAM,
                // Phrases from the examples in the prompt may be written.
                prompt_counts: false,
                ..plain.options
            },
            ..plain
        }
    }

    fn accept_batch(&mut self, call: &mut TranslationCall, batch: &[usize]) -> Vec<usize> {
        for number in batch {
            let warnings = |call: &TranslationCall| call.job_findings(&call.jobs[*number]).warnings().count();
            let warnings_before = warnings(call);
            let before = call.jobs[*number].result.take();
            take_best_output(call, *number);
            if warnings(call) >= warnings_before {
                call.jobs[*number].result = before;
            }
        }
        batch.to_vec()
    }
}
