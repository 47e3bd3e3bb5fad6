//! Search over a model: which tokens to write.
//!
//! [`search()`] decodes one batch, greedily, with beams or by random draws. [`generation`] reads what a checkpoint says of its own
//! search; callers turn that into [`SearchOptions`].

mod beam;
pub mod generation;
mod row;
mod rules;
mod sample;

use crate::document::Finish;
use crate::error::{Error, Hint, Kind, Result};
use crate::model::{State, TranslationModel, candle_error, with_slice};
use beam::BeamSearch;
use candle_core::{Device, Tensor};
pub use generation::{EarlyStopping, GenerationConfig};
use rayon::prelude::*;
use rules::{Candidate, RowContext, Rules};
use std::ops::ControlFlow;

/// How a batch is searched. All counts of tokens leave the decoder's start token out and count a forced first token.
#[derive(Clone, Debug)]
pub struct SearchOptions<'a> {
    /// Beam width; 1 is greedy search. Default 1.
    pub beam: usize,
    /// The most tokens of each source's output, the end token included; at least 1. Default: the model's positions, where a source
    /// has no entry.
    pub max_tokens: &'a [usize],
    /// Tokens before an end is allowed, but for one that is forced. Default 0.
    pub min_tokens: usize,
    /// How many tokens each source's output is expected to have, where `length_prior` is not 0.
    pub expected: &'a [f32],
    /// Log-odds that an end's logit gains for each standard deviation that an output is longer than expected, and loses for each that
    /// it is shorter; four deviations count at most. Default 0.
    pub length_prior: f32,
    /// Finished beams are ranked by `log-probability / length ^ penalty`. Default 1, as in transformers.
    pub length_penalty: f64,
    /// When live beams are given up. Default [`EarlyStopping::Heuristic`].
    pub early_stopping: EarlyStopping,
    /// No sequence of this many tokens is written twice; 0, the default, for no such rule.
    pub no_repeat_ngram: usize,
    /// A factor for the scores of tokens written before: negative scores are multiplied by it, others divided. The default 1 leaves
    /// them alone.
    pub repetition_penalty: f32,
    /// Whether `no_repeat_ngram`, `repetition_penalty` and `bad_words` look at what a decoder-only model has read, too, as in
    /// transformers. Default true.
    pub prompt_counts: bool,
    /// Sequences of tokens that are never written. A single end token among them does not count.
    pub bad_words: &'a [Vec<u32>],
    /// Tokens that are never written.
    pub suppress: &'a [u32],
    /// Tokens that are not written first, or first after a forced one.
    pub begin_suppress: &'a [u32],
    /// Tokens that alone may stand at the last position of an output that has not ended before; empty for no such rule.
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
    /// The seed of all draws: the same seed gives the same ones.
    pub seed: u64,
    /// The divisor of logits before a draw, above 0; 1 leaves them alone.
    pub temperature: f64,
    /// A number of each source's own, so that its draws do not depend on its batch; 0 where a source has none.
    pub streams: &'a [u64],
}

/// One finished output.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// The output's ids, without those that every output begins with, and without the id that ended it.
    pub ids: Vec<u32>,
    /// Natural log-probability of each token written, the end included: with beams after all rules, as transformers
    /// counts, otherwise the model's own; 0 for an end that was forced.
    pub log_probabilities: Vec<f32>,
    /// The sum of `log_probabilities`.
    pub log_probability: f64,
    /// The score that ranked it among the hypotheses of its source: `log_probability / length ^ penalty`.
    pub rank: f64,
    /// Why it ended.
    pub finish: Finish,
}

impl Hypothesis {
    /// Mean natural log-probability of a token.
    pub fn score(&self) -> f64 {
        self.log_probability / self.log_probabilities.len().max(1) as f64
    }
}

/// A source's fixed beginning: its ids, and the model's state after them.
pub type Prefix<'a> = (&'a [u32], &'a State);

/// Searches one batch: the best hypothesis of each source, in the order of sources.
///
/// `prefixes` holds what each source goes on from, if anything; empty where none does.
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
    prefixes: &[Option<Prefix>],
    sources: &[&[u32]],
    options: &SearchOptions,
    observe: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Vec<Hypothesis>> {
    let searches = finished_searches(model, prefixes, sources, options, observe)?;
    Ok(searches.iter().map(BeamSearch::best).collect())
}

/// Runs the search of each source to its end; gives the searches in the order of sources.
///
/// # Errors
/// Those of [`search()`].
fn finished_searches(
    model: &dyn TranslationModel,
    prefixes: &[Option<Prefix>],
    sources: &[&[u32]],
    options: &SearchOptions,
    observe: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Vec<BeamSearch>> {
    let rules = Rules::new(model.spec(), options)?;
    let (mut live, mut finished): (Vec<_>, Vec<_>) = (0..sources.len())
        .map(|source| {
            let prefix = prefixes.get(source).copied().flatten();
            begin(
                model,
                prefix.map_or(&[][..], |(ids, _)| ids),
                sources[source],
                source,
                &rules,
            )
        })
        .partition(|search| rules.forced < search.limit);
    for search in &mut finished {
        search.finish_beams(Finish::Length, options);
    }
    if !live.is_empty() {
        let (mut state, mut logits) = read_sources(model, prefixes, sources, &live)?;
        loop {
            let (kept, written) = advance(&logits, &mut live, &mut finished, &rules)?;
            if observe(finished.len(), written).is_break() {
                return Err(Error::new(Kind::Interrupted, "interrupted"));
            }
            if live.is_empty() {
                break;
            }
            if !kept.is_unchanged() {
                state.select(&kept.rows);
            }
            logits = model.step(&kept.last_tokens, &mut state)?;
        }
    }
    finished.sort_by_key(|search| search.source);
    Ok(finished)
}

/// The search of one source before its first step.
fn begin(model: &dyn TranslationModel, prefix: &[u32], ids: &[u32], source: usize, rules: &Rules) -> BeamSearch {
    let (spec, options) = (model.spec(), rules.options);
    let limit = options.max_tokens.get(source).copied().unwrap_or(spec.max_positions);
    let history = if spec.is_decoder_only() && options.prompt_counts {
        [prefix, ids].concat()
    } else {
        spec.start.clone()
    };
    BeamSearch::new(source, limit.max(1), rules.forced, history)
}

/// Has the model read the sources of these searches: its state and the logits of their first tokens, a row each. Equal neighbours are
/// read once.
fn read_sources(
    model: &dyn TranslationModel,
    prefixes: &[Option<Prefix>],
    sources: &[&[u32]],
    searches: &[BeamSearch],
) -> Result<(State, Tensor)> {
    let prefix = |source: usize| prefixes.get(source).copied().flatten();
    let whole = |source: usize| (prefix(source).map_or(&[][..], |(ids, _)| ids), sources[source]);
    let mut distinct: Vec<usize> = Vec::with_capacity(searches.len());
    let mut rows: Vec<usize> = Vec::with_capacity(searches.len());
    for source in searches.iter().map(|search| search.source) {
        if distinct.last().is_none_or(|last| whole(*last) != whole(source)) {
            distinct.push(source);
        }
        rows.push(distinct.len() - 1);
    }
    let states = distinct.iter().filter(|source| **source < prefixes.len());
    let states: Vec<Option<&State>> = states.map(|source| prefix(*source).map(|(_, state)| state)).collect();
    let read: Vec<&[u32]> = distinct.iter().map(|source| sources[*source]).collect();
    let (mut state, mut logits) = model.begin(&states, &read)?;
    if distinct.len() < rows.len() {
        state.select(&rows);
        logits = select_rows(&logits, &rows).map_err(candle_error)?;
    }
    Ok((state, logits))
}

/// The rows of a batch that live on after a step.
#[derive(Default)]
struct KeptRows {
    /// Their numbers before the step.
    rows: Vec<usize>,
    /// The token that each has written in it.
    last_tokens: Vec<u32>,
    /// How many rows there were.
    rows_before: usize,
}

impl KeptRows {
    /// Whether every row stays where it was.
    fn is_unchanged(&self) -> bool {
        self.rows.len() == self.rows_before && self.rows.iter().enumerate().all(|(to, from)| to == *from)
    }
}

/// Takes one step of all live searches and moves those that end in it to `finished`; gives the rows that live on and how many tokens were
/// written.
fn advance(
    logits: &Tensor,
    live: &mut Vec<BeamSearch>,
    finished: &mut Vec<BeamSearch>,
    rules: &Rules,
) -> Result<(KeptRows, usize)> {
    let mut candidates = continuations(logits, live, rules)?.into_iter();
    let mut kept = KeptRows::default();
    let mut written = 0;
    let mut still_live = Vec::with_capacity(live.len());
    for mut search in live.drain(..) {
        let width = search.width();
        let beams = search.advance(candidates.by_ref().take(width).collect(), rules);
        written += search.width();
        let first_row = kept.rows_before;
        kept.rows_before += width;
        match beams {
            Some(beams) => {
                kept.rows.extend(beams.iter().map(|beam| first_row + beam));
                kept.last_tokens.extend(search.last_tokens());
                still_live.push(search);
            }
            None => finished.push(search),
        }
    }
    *live = still_live;
    Ok((kept, written))
}

/// Takes these rows of a matrix, in this order.
fn select_rows(matrix: &Tensor, rows: &[usize]) -> candle_core::Result<Tensor> {
    let rows: Vec<u32> = rows.iter().map(|row| *row as u32).collect();
    matrix.index_select(&Tensor::new(rows, matrix.device())?, 0)
}

/// Ranks what may follow each live beam, best first.
fn continuations(logits: &Tensor, searches: &[BeamSearch], rules: &Rules) -> Result<Vec<Vec<Candidate>>> {
    let logits = logits.to_device(&Device::Cpu).map_err(candle_error)?;
    let (rows, width) = logits.dims2().map_err(candle_error)?;
    let beams: Vec<(&BeamSearch, usize)> = searches
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
                let context = RowContext {
                    history: &search.history(beam),
                    written: search.written,
                    limit: search.limit,
                    source: search.source,
                };
                rules.candidates(row, &context)
            })
            .collect()
    })
    .map_err(candle_error)?;
    candidates
        .ok_or_else(|| Error::model("the model computed values that are no numbers").hint(Hint::UseF32OrFetchAgain))
}

/// Finds where the second round of an endless repetition starts, if `ids` ends in one: a phrase of up to 16 tokens, said at
/// least four times and over at least 16 tokens in all.
fn second_round(ids: &[u32]) -> Option<usize> {
    (1..=16).find_map(|n| {
        let rounds = 4.max(16usize.div_ceil(n));
        let start = ids.len().checked_sub(rounds * n)?;
        let tail = &ids[start..];
        (tail[n..] == tail[..tail.len() - n]).then_some(start + n)
    })
}

#[cfg(test)]
mod tests;
