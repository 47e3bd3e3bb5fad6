//! Search over a model: which tokens to write.

mod top;

use crate::document::Finish;
use crate::error::{Error, Kind, Result};
use crate::model::{State, TranslationModel, candle_error, with_slice};
use candle_core::{Device, Tensor};
use rayon::prelude::*;
use std::ops::ControlFlow;
use top::{Candidate, top_k};

/// How a batch is searched.
#[derive(Clone, Debug)]
pub struct SearchOptions<'a> {
    /// Beam width; 1 is greedy search.
    pub beam: usize,
    /// The most tokens of each row's output, the end token included; at least 1.
    pub max_tokens: &'a [usize],
    /// Tokens before an end is allowed.
    pub min_tokens: usize,
    /// Finished beams are ranked by `log-probability / length ^ penalty`; transformers' default is 1.
    pub length_penalty: f64,
    /// No sequence of this many tokens is written twice; 0 for no such rule.
    pub no_repeat_ngram: usize,
    /// Ids that end an output besides the model's own end ids.
    pub stop: &'a [u32],
    /// End a row that repeats one phrase over and over, as [`Finish::Loop`].
    pub loop_guard: bool,
}

/// One finished output.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// Without the id that ended it.
    pub ids: Vec<u32>,
    /// Sum of the natural log-probabilities of all tokens written, the end included.
    pub log_probability: f64,
    /// Tokens that `log_probability` counts.
    pub tokens: usize,
    pub finish: Finish,
}

impl Hypothesis {
    /// Mean natural log-probability of a token.
    pub fn score(&self) -> f64 {
        self.log_probability / self.tokens.max(1) as f64
    }
}

/// A beam that is still written.
#[derive(Clone)]
struct Beam {
    ids: Vec<u32>,
    log_probability: f64,
}

/// The search of one source: its live beams, which are adjacent rows of the batch, and what has finished.
struct Search {
    source: usize,
    beams: Vec<Beam>,
    finished: Vec<Hypothesis>,
}

/// Searches one batch: the best hypothesis of each source, in their order.
///
/// Rows finish and leave the batch on their own. `observe` is told after each step how many sources have finished and
/// how many tokens were written in that step; `Break` ends the call.
///
/// Beams follow transformers: at each step the best `2 * beam` continuations are ranked, ends among the best `beam`
/// finish, the best others live on; a source is done when no live beam can beat the worst of `beam` finished ones.
///
/// # Errors
/// Those of the model, and one of kind `Interrupted` after a `Break`.
pub fn search(
    model: &dyn TranslationModel,
    shared: Option<&State>,
    sources: &[&[u32]],
    options: &SearchOptions,
    observe: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Vec<Hypothesis>> {
    let spec = model.spec();
    let ends: Vec<u32> = spec.end.iter().chain(options.stop).copied().collect();
    let mut results: Vec<Option<Hypothesis>> = vec![None; sources.len()];
    if sources.is_empty() {
        return Ok(Vec::new());
    }
    let (mut state, mut logits) = model.begin(shared, sources)?;
    let start = |source| Search {
        source,
        beams: vec![Beam {
            ids: Vec::new(),
            log_probability: 0.0,
        }],
        finished: Vec::new(),
    };
    let mut searches: Vec<Search> = (0..sources.len()).map(start).collect();
    loop {
        let candidates = continuations(&logits, &searches, &ends, options)?;
        let (mut last, mut rows) = (Vec::new(), Vec::new());
        let (mut first_row, mut written) = (0, 0);
        let mut candidates = candidates.into_iter();
        searches.retain_mut(|search| {
            let width = search.beams.len();
            let mine: Vec<_> = candidates.by_ref().take(width).collect();
            let kept = advance(search, mine, &ends, options);
            written += search.beams.len();
            match &kept {
                Some(kept) => {
                    rows.extend(kept.iter().map(|beam| first_row + beam));
                    last.extend(search.beams.iter().filter_map(|beam| beam.ids.last()));
                }
                None => results[search.source] = best(search, options),
            }
            first_row += width;
            kept.is_some()
        });
        let done = sources.len() - searches.len();
        if observe(done, written).is_break() {
            return Err(Error::new(Kind::Interrupted, "interrupted"));
        }
        if searches.is_empty() {
            break;
        }
        if rows.len() != first_row || rows.iter().enumerate().any(|(to, from)| to != *from) {
            state.select(&rows);
        }
        logits = model.step(&last, &mut state)?;
    }
    results
        .into_iter()
        .map(|result| result.ok_or_else(|| Error::model("a source got no hypothesis")))
        .collect()
}

/// The best continuations of each live row, by their log-probability.
fn continuations(
    logits: &Tensor,
    searches: &[Search],
    ends: &[u32],
    options: &SearchOptions,
) -> Result<Vec<Vec<Candidate>>> {
    let logits = logits.to_device(&Device::Cpu).map_err(candle_error)?;
    let vocabulary = logits.dim(candle_core::D::Minus1).map_err(candle_error)?;
    let count = if options.beam == 1 { 1 } else { 2 * options.beam };
    let beams: Vec<&Beam> = searches.iter().flat_map(|search| &search.beams).collect();
    with_slice(&logits, |logits| {
        logits
            .par_chunks(vocabulary)
            .zip(beams)
            .map(|(row, beam)| {
                let mut banned = repeats(&beam.ids, options.no_repeat_ngram);
                if beam.ids.len() < options.min_tokens {
                    banned.extend(ends);
                }
                top_k(row, count, &banned)
            })
            .collect()
    })
    .map_err(candle_error)
}

/// The ids that would write an n-gram of `ids` a second time.
fn repeats(ids: &[u32], n: usize) -> Vec<u32> {
    if n == 0 || ids.len() < n {
        return Vec::new();
    }
    let tail = &ids[ids.len() + 1 - n..];
    ids.windows(n)
        .filter(|window| window[..n - 1] == *tail)
        .map(|window| window[n - 1])
        .collect()
}

/// Takes one step: the beams that live on, by their number before it, or `None` when the source is done.
fn advance(
    search: &mut Search,
    candidates: Vec<Vec<Candidate>>,
    ends: &[u32],
    options: &SearchOptions,
) -> Option<Vec<usize>> {
    let mut ranked: Vec<(usize, Candidate, f64)> = Vec::new();
    for (index, (beam, candidates)) in search.beams.iter().zip(candidates).enumerate() {
        let base = beam.log_probability;
        ranked.extend(
            candidates
                .into_iter()
                .map(|c| (index, c, base + f64::from(c.log_probability))),
        );
    }
    // Stable, so that equal scores keep the order of beams and ids.
    ranked.sort_by(|a, b| b.2.total_cmp(&a.2));
    let limit = options.max_tokens[search.source].max(1);
    let (mut next, mut kept) = (Vec::new(), Vec::new());
    let width = if options.beam == 1 { 1 } else { 2 * options.beam };
    for (rank, (index, candidate, log_probability)) in ranked.into_iter().take(width).enumerate() {
        let mut ids = search.beams[index].ids.clone();
        if ends.contains(&candidate.id) {
            if rank < options.beam {
                let tokens = ids.len() + 1;
                search.finished.push(Hypothesis {
                    ids,
                    log_probability,
                    tokens,
                    finish: Finish::Stop,
                });
            }
            continue;
        }
        if next.len() < options.beam {
            ids.push(candidate.id);
            next.push(Beam { ids, log_probability });
            kept.push(index);
        }
    }
    search.beams = next;
    let length = search.beams.first().map_or(0, |beam| beam.ids.len());
    if options.beam > 1 && search.finished.len() > options.beam {
        search
            .finished
            .sort_by(|a, b| rank(b, options).total_cmp(&rank(a, options)));
        search.finished.truncate(options.beam);
    }
    let settled = match options.beam {
        1 => !search.finished.is_empty(),
        beam => {
            let worst = search
                .finished
                .iter()
                .map(|h| rank(h, options))
                .fold(f64::INFINITY, f64::min);
            let hope = search
                .beams
                .iter()
                .map(|beam| beam.log_probability)
                .fold(f64::NEG_INFINITY, f64::max);
            search.finished.len() >= beam && worst >= hope / (length.max(1) as f64).powf(options.length_penalty)
        }
    };
    if settled || search.beams.is_empty() {
        return None;
    }
    let looping = |beam: &Beam| options.loop_guard && beam.ids.len() > options.min_tokens && loops(&beam.ids).is_some();
    if length >= limit || search.beams.iter().all(looping) {
        let looped = length < limit;
        for beam in &search.beams {
            let mut ids = beam.ids.clone();
            if looped {
                ids.truncate(loops(&ids).unwrap_or(ids.len()));
            }
            search.finished.push(Hypothesis {
                ids,
                log_probability: beam.log_probability,
                tokens: length,
                finish: if looped { Finish::Loop } else { Finish::Length },
            });
        }
        return None;
    }
    Some(kept)
}

/// Where the second round of an endless repetition starts, if `ids` ends in one: a phrase of up to 16 tokens, said at
/// least four times and over at least 16 tokens in all.
fn loops(ids: &[u32]) -> Option<usize> {
    (1..=16).find_map(|n| {
        let rounds = 4.max(16usize.div_ceil(n));
        let start = ids.len().checked_sub(rounds * n)?;
        let tail = &ids[start..];
        (tail[n..] == tail[..tail.len() - n]).then_some(start + n)
    })
}

fn rank(hypothesis: &Hypothesis, options: &SearchOptions) -> f64 {
    hypothesis.log_probability / (hypothesis.tokens.max(1) as f64).powf(options.length_penalty)
}

fn best(search: &mut Search, options: &SearchOptions) -> Option<Hypothesis> {
    // The first of equals, as it finished first.
    let finished = std::mem::take(&mut search.finished);
    finished
        .into_iter()
        .rev()
        .max_by(|a, b| rank(a, options).total_cmp(&rank(b, options)))
}

#[cfg(test)]
mod tests;
