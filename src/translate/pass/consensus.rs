//! Consensus: samples several outputs of each text and chooses the one that agrees best with the others (minimum Bayes
//! risk).
//!
//! The agreement (utility) of two outputs is the chrF2 of one with the other as its reference, as in Eikema and Aziz
//! (2022) and Freitag et al. (2022).

use super::choose::count_faults;
use super::{DecodingPass, SearchSettings, TranslationCall};
use crate::decode::{Hypothesis, Sampling, SearchOptions};
use crate::score::sentence_chrf2;
use crate::translate::job::{DecodeJob, mean_log_probability};
use crate::translate::join::join_translations;

/// Number of outputs that are sampled for each text; tuned on FLORES dev, lines 1 to 500, with gemma-3-270m
/// (`models/gemma-3-270m.toml`).
const SAMPLED_OUTPUTS: usize = 8;
/// Settings with which outputs are sampled; tuned together with [`SAMPLED_OUTPUTS`].
const CONSENSUS_SAMPLING: Sampling = Sampling {
    seed: 0,
    temperature: 0.5,
    streams: &[],
};

/// Weight of an output's mean log-probability in its score, to which its mean chrF2 with the other outputs (0 to 1) is
/// added; tuned together with [`SAMPLED_OUTPUTS`].
const OWN_SCORE_WEIGHT: f64 = 0.1;

/// The consensus pass, for a decoder-only model at `Quality::Best`: samples outputs of every text and chooses among the
/// sampled outputs and the result so far.
pub(super) struct ConsensusPass;

impl DecodingPass for ConsensusPass {
    fn selects_job(&self, call: &TranslationCall, _: &DecodeJob) -> bool {
        call.samples_several_outputs()
    }

    fn takes_jobs_without_faults(&self, call: &TranslationCall) -> bool {
        call.samples_several_outputs()
    }

    fn search_settings<'a>(&self, call: &TranslationCall<'a>) -> SearchSettings<'a> {
        let plain = call.plain_search_settings();
        SearchSettings {
            options: SearchOptions {
                beam: 1,
                sampling: Some(CONSENSUS_SAMPLING),
                ..plain.options
            },
            draws: SAMPLED_OUTPUTS,
            ..plain
        }
    }

    fn accept_batch(&mut self, call: &mut TranslationCall, batch: &[usize]) -> Vec<usize> {
        for number in batch {
            choose_output(call, *number);
        }
        batch.to_vec()
    }
}

/// Sets a job's result to the candidate that agrees best with the others. Candidates are the sampled outputs, the
/// result so far, and the joined translations of the text's parts, if these had replaced the result. Failed outputs are
/// left out unless all outputs failed; then those with more wrong or missing values than others.
fn choose_output(call: &mut TranslationCall, number: usize) {
    let job = &mut call.jobs[number];
    let drawn = std::mem::take(&mut job.outputs);
    let mut outputs: Vec<Hypothesis> = job.result.take().into_iter().chain(drawn).collect();
    let parts = std::mem::take(&mut job.parts);
    let source = &call.jobs[number].text;
    let is_sound = |output: &Hypothesis| {
        !call
            .check_text(source, &call.text_of_output(output), output.finish)
            .has_failure()
    };
    if outputs.iter().any(is_sound) {
        outputs.retain(is_sound);
    }
    if call.options.mends_text() {
        let faults: Vec<usize> = outputs
            .iter()
            .map(|output| count_faults(source, &call.text_of_output(output)))
            .collect();
        let fewest = faults.iter().min().copied().unwrap_or_default();
        let mut faults = faults.into_iter();
        outputs.retain(|_| faults.next() == Some(fewest));
    }
    let mut candidates: Vec<(String, f64)> = outputs
        .iter()
        .map(|output| (call.text_of_output(output), output.mean_token_log_probability()))
        .collect();
    if !parts.is_empty() {
        let jobs = || parts.iter().map(|part| &call.jobs[*part]);
        let texts: Vec<String> = jobs().map(|part| call.job_text(part)).collect();
        let score = mean_log_probability(jobs().filter_map(|part| part.result.as_ref()));
        candidates.push((join_translations(&texts), score.unwrap_or_default()));
    }
    let scored: Vec<(&str, f64)> = candidates.iter().map(|(text, score)| (&text[..], *score)).collect();
    let job = &mut call.jobs[number];
    match choose_by_consensus(&scored, OWN_SCORE_WEIGHT) {
        Some(best) if best < outputs.len() => job.result = Some(outputs.swap_remove(best)),
        Some(_) => job.parts = parts,
        None => {}
    }
}

/// Returns the index of the best translation of one source among `texts`, which are pairs of a text and its score. The
/// best one has the highest sum of its mean chrF2 against all texts (0 to 1) and `weight` times its own score; of
/// equals, the first. Returns none if `texts` is empty.
pub fn choose_by_consensus(texts: &[(&str, f64)], weight: f64) -> Option<usize> {
    let mut distinct: Vec<(usize, f64)> = Vec::new();
    for (index, (text, _)) in texts.iter().enumerate() {
        match distinct.iter_mut().find(|(other, _)| texts[*other].0 == *text) {
            Some((_, votes)) => *votes += 1.0,
            None => distinct.push((index, 1.0)),
        }
    }
    let worth = |(index, _): &(usize, f64)| -> f64 {
        let votes = distinct
            .iter()
            .map(|(other, votes)| votes * sentence_chrf2(texts[*index].0, texts[*other].0) / 100.0);
        votes.sum::<f64>() / texts.len() as f64 + weight * texts[*index].1
    };
    let scored = distinct.iter().map(|one| (worth(one), one.0));
    let best = scored.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, index)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_most_agree_with_wins_unless_another_scores_far_better() {
        let texts = [
            ("The dog is barking at the moon.", -1.0),
            ("The cat sat on a mat.", -1.0),
            ("A cat sat on the mat.", -1.0),
            ("The cat sat on the mat.", -1.2),
            ("Stock prices fell.", -1.0),
        ];
        assert_eq!(choose_by_consensus(&texts, 0.0), Some(3));
        assert_eq!(choose_by_consensus(&texts, 0.2), Some(3));
        assert_eq!(choose_by_consensus(&texts, 2.0), Some(2));
        let plain =
            |texts: &[&str]| choose_by_consensus(&texts.iter().map(|text| (*text, 0.0)).collect::<Vec<_>>(), 1.0);
        assert_eq!(plain(&["b", "a", "a"]), Some(1));
        assert_eq!(plain(&["", ""]), Some(0));
        assert_eq!(plain(&[]), None);
    }
}
