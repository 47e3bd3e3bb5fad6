//! Search over a model: which tokens to write.

mod beam;
pub mod generation;
mod row;
mod rules;
mod sample;

use crate::document::Finish;
use crate::error::{Error, Kind, Result};
use crate::model::{State, TranslationModel, candle_error, with_slice};
use beam::Search;
use candle_core::{Device, Tensor};
pub use generation::{EarlyStopping, Generation};
use rayon::prelude::*;
use rules::{Candidate, Place, Rules};
use std::ops::ControlFlow;

/// How a batch is searched. All counts of tokens leave the decoder's start token out and count a forced first token.
#[derive(Clone, Debug)]
pub struct SearchOptions<'a> {
    /// Beam width; 1 is greedy search. Default 1.
    pub beam: usize,
    /// How many hypotheses of each source are wanted, at most `beam`. Default 1.
    pub best: usize,
    /// The most tokens of each source's output, the end token included; at least 1; the model's positions where a
    /// source has none.
    pub max_tokens: &'a [usize],
    /// Tokens before an end is allowed, but for one that is forced. Default 0.
    pub min_tokens: usize,
    /// How many tokens each source's output is expected to have, where `length_prior` is not 0.
    pub expected: &'a [f32],
    /// What an end's logit gains for each standard deviation that an output is longer than expected, and loses for each that it is
    /// shorter, four at most. Default 0.
    pub length_prior: f32,
    /// Finished beams are ranked by `log-probability / length ^ penalty`. Default 1, as in transformers.
    pub length_penalty: f64,
    /// When live beams are given up.
    pub early_stopping: EarlyStopping,
    /// No sequence of this many tokens is written twice; 0, the default, for no such rule.
    pub no_repeat_ngram: usize,
    /// What the score of a token written before is multiplied with where it is negative, and divided by where it is
    /// not; the default 1 leaves it alone.
    pub repetition_penalty: f32,
    /// Whether the two rules before and the next look at what a decoder-only model has read, too, as in transformers; default
    /// true.
    pub prompt_counts: bool,
    /// Sequences of tokens that are never written. One that is a single end token does not count.
    pub bad_words: &'a [Vec<u32>],
    /// Tokens that are never written.
    pub suppress: &'a [u32],
    /// Tokens that are not written first, or first after a forced one.
    pub begin_suppress: &'a [u32],
    /// What alone may stand at the last position of an output that has not ended before; empty for no such rule.
    pub forced_end: &'a [u32],
    /// Log-probabilities are normalised again after all rules; matters to beams only. Default false.
    pub renormalize: bool,
    /// Ids that end an output besides the model's own end ids.
    pub stop: &'a [u32],
    /// End a row that repeats one phrase over and over, as [`Finish::Loop`]. Default false.
    pub loop_guard: bool,
    /// Draw tokens at random, with a beam of 1; `None`, the default, takes the best.
    pub sampling: Option<Sampling<'a>>,
}

impl Default for SearchOptions<'_> {
    fn default() -> Self {
        Self {
            beam: 1,
            best: 1,
            max_tokens: &[],
            min_tokens: 0,
            expected: &[],
            length_prior: 0.0,
            length_penalty: 1.0,
            early_stopping: EarlyStopping::default(),
            no_repeat_ngram: 0,
            repetition_penalty: 1.0,
            prompt_counts: true,
            bad_words: &[],
            suppress: &[],
            begin_suppress: &[],
            forced_end: &[],
            renormalize: false,
            stop: &[],
            loop_guard: false,
            sampling: None,
        }
    }
}

/// How tokens are drawn at random.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling<'a> {
    /// The same seed gives the same draws.
    pub seed: u64,
    /// What logits are divided by first; above 0; 1 leaves them alone.
    pub temperature: f64,
    /// Draw from this many most probable tokens; 0 for all.
    pub top_k: usize,
    /// Draw from the most probable tokens that together have this probability; 1 for all.
    pub top_p: f64,
    /// A number of each source's own, so that its draws do not depend on its batch; 0 where there is none.
    pub streams: &'a [u64],
}

/// One finished output.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// Without what stands before every output, and without the id that ended it.
    pub ids: Vec<u32>,
    /// Natural log-probability of each token written, the end included: with beams after all rules, as transformers
    /// counts, otherwise the model's own; 0 for an end that was forced.
    pub log_probabilities: Vec<f32>,
    /// Their sum.
    pub log_probability: f64,
    /// What ranked it among the hypotheses of its source: `log_probability / length ^ penalty`.
    pub rank: f64,
    pub finish: Finish,
}

impl Hypothesis {
    /// Mean natural log-probability of a token.
    pub fn score(&self) -> f64 {
        self.log_probability / self.log_probabilities.len().max(1) as f64
    }
}

/// Searches one batch: the hypotheses of each source, best first, in the order of sources; at least one each.
///
/// `prefixes` is what each source goes on from, if anything, by its ids and by the state after them; empty where none does.
///
/// Rows finish and leave the batch on their own, and no source's result depends on another's. Neighbours that are equal are read
/// once, so that several samples of one source cost no more to begin than one. `observe` is told after
/// each step how many sources have finished and how many tokens were written in that step; `Break` ends the call.
///
/// Greedy search and beams follow transformers 4.57.1, id for id. At each step the best `max(2, 1 + ends) * beam`
/// continuations of a source are ranked; ends among the best `beam` finish, as does at the last position whatever is
/// among them, and the best others live on. Of equal scores the lower beam wins, then the lower id.
///
/// # Errors
/// Those of the model; of kind `Model` for logits that are no numbers and for an end token that the model's output leaves
/// out; of kind `Usage` for sampling with beams or a temperature that is not above 0; of kind `Interrupted` after a
/// `Break`.
pub fn search(
    model: &dyn TranslationModel,
    prefixes: &[Option<(&[u32], &State)>],
    sources: &[&[u32]],
    options: &SearchOptions,
    observe: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Vec<Vec<Hypothesis>>> {
    let rules = Rules::new(model.spec(), options)?;
    let forced = rules.forced;
    let start = &model.spec().start;
    let before = |source: usize| prefixes.get(source).copied().flatten().map_or(&[][..], |(ids, _)| ids);
    let wanted = options.best.min(options.beam.max(1));
    let mut results: Vec<Vec<Hypothesis>> = vec![Vec::new(); sources.len()];
    let mut searches: Vec<Search> = Vec::with_capacity(sources.len());
    for (source, result) in results.iter_mut().enumerate() {
        let limit = options
            .max_tokens
            .get(source)
            .copied()
            .unwrap_or(model.spec().max_positions);
        let history = if model.spec().is_decoder_only() && options.prompt_counts {
            [before(source), sources[source]].concat()
        } else {
            start.clone()
        };
        let mut search = Search::new(source, limit.max(1), forced, history);
        if forced < search.limit {
            searches.push(search);
        } else {
            search.finish_beams(Finish::Length, options);
            *result = search.hypotheses(wanted);
        }
    }
    if searches.is_empty() {
        return Ok(results);
    }
    // Equal neighbours are read once.
    let whole = |source: usize| (before(source), sources[source]);
    let mut open: Vec<usize> = Vec::with_capacity(searches.len());
    let mut rows: Vec<usize> = Vec::with_capacity(searches.len());
    for source in searches.iter().map(|search| search.source) {
        if open.last().is_none_or(|last| whole(*last) != whole(source)) {
            open.push(source);
        }
        rows.push(open.len() - 1);
    }
    let states = open.iter().filter_map(|source| prefixes.get(*source));
    let states: Vec<Option<&State>> = states.map(|prefix| prefix.map(|(_, state)| state)).collect();
    let read: Vec<&[u32]> = open.iter().map(|source| sources[*source]).collect();
    let (mut state, mut logits) = model.begin(&states, &read)?;
    if open.len() < rows.len() {
        state.select(&rows);
        logits = repeated(&logits, &rows).map_err(candle_error)?;
    }
    loop {
        let mut candidates = continuations(&logits, &searches, &rules)?.into_iter();
        let (mut last, mut rows) = (Vec::new(), Vec::new());
        let (mut first_row, mut written) = (0, 0);
        searches.retain_mut(|search| {
            let width = search.width();
            let kept = search.advance(candidates.by_ref().take(width).collect(), &rules);
            written += search.width();
            match &kept {
                Some(kept) => {
                    rows.extend(kept.iter().map(|beam| first_row + beam));
                    last.extend(search.last());
                }
                None => results[search.source] = search.hypotheses(wanted),
            }
            first_row += width;
            kept.is_some()
        });
        let done = sources.len() - searches.len();
        if observe(done, written).is_break() {
            return Err(Error::new(Kind::Interrupted, "interrupted"));
        }
        if searches.is_empty() {
            return Ok(results);
        }
        if rows.len() != first_row || rows.iter().enumerate().any(|(to, from)| to != *from) {
            state.select(&rows);
        }
        logits = model.step(&last, &mut state)?;
    }
}

/// These rows of a matrix, in this order.
fn repeated(matrix: &Tensor, rows: &[usize]) -> candle_core::Result<Tensor> {
    let rows: Vec<u32> = rows.iter().map(|row| *row as u32).collect();
    matrix.index_select(&Tensor::new(rows, matrix.device())?, 0)
}

/// What may follow each live beam, best first.
fn continuations(logits: &Tensor, searches: &[Search], rules: &Rules) -> Result<Vec<Vec<Candidate>>> {
    let logits = logits.to_device(&Device::Cpu).map_err(candle_error)?;
    let (rows, width) = logits.dims2().map_err(candle_error)?;
    let beams: Vec<(&Search, usize)> = searches
        .iter()
        .flat_map(|search| (0..search.width()).map(move |beam| (search, beam)))
        .collect();
    if (rows, width) != (beams.len(), rules.width) {
        let message = format!(
            "the model gave {rows} rows of {width} logits for {} of {}",
            beams.len(),
            rules.width
        );
        return Err(Error::model(message));
    }
    let candidates: Option<Vec<_>> = with_slice(&logits, |logits| {
        logits
            .par_chunks(width)
            .zip(beams)
            .map(|(row, (search, beam))| {
                let place = Place {
                    history: &search.history(beam),
                    written: search.written,
                    limit: search.limit,
                    source: search.source,
                };
                rules.candidates(row, &place)
            })
            .collect()
    })
    .map_err(candle_error)?;
    candidates.ok_or_else(|| {
        Error::model("the model computed values that are no numbers")
            .hint("--precision f32 rounds least; where that fails too, the weights are damaged: fetch the model again")
    })
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

#[cfg(test)]
mod tests;
