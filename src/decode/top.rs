//! The best few of a row of logits, with their log-probabilities.

use crate::model::kernel::{log_sum_exp, maximum};

/// One possible next token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    pub id: u32,
    pub log_probability: f32,
}

/// The `count` most probable tokens of one row, best first, without the banned ones; the lowest id of equals wins.
///
/// Log-probabilities are those of the whole row, banned tokens included, as in transformers, whose processors run on
/// the log-probabilities. NaN is never chosen.
pub fn top_k(logits: &[f32], count: usize, banned: &[u32]) -> Vec<Candidate> {
    let normaliser = log_sum_exp(logits);
    let candidate = |id: usize| Candidate {
        id: id as u32,
        log_probability: logits[id] - normaliser,
    };
    if count == 1 && banned.is_empty() {
        let most = maximum(logits);
        return logits
            .iter()
            .position(|logit| *logit == most)
            .map(candidate)
            .into_iter()
            .collect();
    }
    let mut best: Vec<usize> = Vec::with_capacity(count + 1);
    let mut floor = f32::NEG_INFINITY;
    for (id, logit) in logits.iter().enumerate() {
        let enters = *logit > floor || (best.len() < count && !logit.is_nan());
        if enters && !banned.contains(&(id as u32)) {
            let at = best.partition_point(|other| logits[*other] >= *logit);
            best.insert(at, id);
            best.truncate(count);
            if best.len() == count {
                floor = logits[best[count - 1]];
            }
        }
    }
    best.into_iter().map(candidate).collect()
}
