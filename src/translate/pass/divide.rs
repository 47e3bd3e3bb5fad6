//! Division: a text whose translation is improbable is also translated in parts, and the better of whole and parts is
//! kept.

use super::choose::{count_faults, take_best_output};
use super::{DecodingPass, SearchSettings, TranslationCall};
use crate::decode::Hypothesis;
use crate::document::Quality;
use crate::error::Result;
use crate::thai::split::split_to_fit;
use crate::translate::job::{DecodeJob, mean_log_probability};
use crate::translate::join::join_translations;

/// The fewest characters of a text that is translated in parts; a shorter one is hardly more than a clause.
const MIN_DIVIDED_CHARS: usize = 70;

/// The divide pass: translates the parts, usually two, of each text whose translation is improbable or has failed.
#[derive(Default)]
pub(super) struct DividePass {
    /// Jobs whose parts are not all decoded yet: the index of each job, ascending, with the indices of its parts' jobs.
    divided: Vec<(usize, Vec<usize>)>,
}

/// Returns the mean log-probability below which a translation counts as improbable; none if texts are never divided, as
/// with `Quality::Fast` or a plain search.
fn min_kept_score(call: &TranslationCall) -> Option<f64> {
    let asked = call.options.quality != Quality::Fast && !call.options.plain_search;
    call.translator.manifest.decoding.divide_below.filter(|_| asked)
}

/// Splits a job's text into parts of at most two thirds of its tokens, and makes a job of each part.
fn divide_job(call: &TranslationCall, job: &DecodeJob) -> Result<Vec<DecodeJob>> {
    let translator = call.translator;
    let count = |part: &str| translator.tokenizer.encode_source(part).len();
    let longest = (2 * count(&job.text)).div_ceil(3).max(1);
    let texts = split_to_fit(&job.text, longest, &count)
        .into_iter()
        .map(|range| &job.text[range]);
    texts
        .map(|text| translator.make_job(text, call.options, call.prompter))
        .collect()
}

/// Whether the translations of a text's parts are better than that of the whole text: no part has failed, and either
/// the whole has failed, or the parts have fewer wrong or missing values, or as many and together are more probable.
fn are_parts_better(call: &TranslationCall, parts: &[usize], whole: usize) -> bool {
    let score = |numbers: &[usize]| {
        let results = numbers.iter().filter_map(|number| call.jobs[*number].result.as_ref());
        mean_log_probability(results)
    };
    let is_failure = |number: &usize| call.is_failure(&call.jobs[*number]);
    let faults = |text: &str| {
        if call.options.mends_text() {
            count_faults(&call.jobs[whole].text, text)
        } else {
            0
        }
    };
    let is_preferred = || {
        let texts: Vec<String> = parts.iter().map(|part| call.job_text(&call.jobs[*part])).collect();
        let (before, after) = (
            faults(&call.job_text(&call.jobs[whole])),
            faults(&join_translations(&texts)),
        );
        after < before || after == before && score(parts) > score(&[whole])
    };
    !parts.iter().any(is_failure) && (is_failure(&whole) || is_preferred())
}

impl DecodingPass for DividePass {
    fn selects_job(&self, call: &TranslationCall, job: &DecodeJob) -> bool {
        let score = job.result.as_ref().map_or(0.0, Hypothesis::mean_token_log_probability);
        min_kept_score(call).is_some_and(|least| score < least || call.is_failure(job))
            && job.text.chars().count() >= MIN_DIVIDED_CHARS
    }

    fn takes_jobs_without_faults(&self, call: &TranslationCall) -> bool {
        min_kept_score(call).is_some()
    }

    fn make_jobs(&mut self, call: &mut TranslationCall, selected: &[usize]) -> Result<Vec<usize>> {
        let first = call.jobs.len();
        for number in selected {
            let before = call.jobs.len();
            let parts = divide_job(call, &call.jobs[*number])?;
            call.jobs.extend(parts);
            self.divided.push((*number, (before..call.jobs.len()).collect()));
        }
        Ok((first..call.jobs.len()).collect())
    }

    fn search_settings<'a>(&self, call: &TranslationCall<'a>) -> SearchSettings<'a> {
        call.plain_search_settings()
    }

    fn accept_batch(&mut self, call: &mut TranslationCall, batch: &[usize]) -> Vec<usize> {
        for number in batch {
            take_best_output(call, *number);
        }
        let mut whole = Vec::new();
        self.divided.retain_mut(|(number, parts)| {
            let is_ready = parts.iter().all(|part| call.jobs[*part].result.is_some());
            if is_ready {
                whole.push(*number);
                if are_parts_better(call, parts, *number) {
                    call.jobs[*number].parts = std::mem::take(parts);
                }
            }
            !is_ready
        });
        whole
    }
}
