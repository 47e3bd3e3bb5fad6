//! Decoding: the search for the tokens that a model writes.
//!
//! [`search()`] decodes one batch of sources, greedily, with beams or by random draws. [`generation`] reads what a
//! checkpoint's files say of its own search; callers turn that into [`SearchOptions`].

mod beam;
mod constraint;
pub mod generation;
mod row;
mod rules;
mod sample;
mod score;

use crate::document::FinishReason;
use crate::error::{Error, ErrorKind, Hint, Result};
use crate::model::{DecodingState, TranslationModel, candle_error, with_tensor_values};
use beam::BeamSearch;
use candle_core::{Device, Tensor};
use constraint::ConstraintProgress;
pub use constraint::TokenConstraint;
pub use generation::{EarlyStopping, GenerationConfig};
use rayon::prelude::*;
use rules::{RankedTokens, RowContext, TokenRules};
pub use score::score_outputs;
use std::ops::ControlFlow;

/// Options of the search of one batch. No count of tokens includes the decoder's start token; all include a forced
/// first token.
#[derive(Clone, Debug)]
pub struct SearchOptions<'a> {
    /// Beam width; 1, the default, is greedy search.
    pub beam: usize,
    /// Maximum number of tokens of each source's output, the end token included; at least 1. A source without an entry
    /// may have as many as the model has positions.
    pub max_tokens: &'a [usize],
    /// Minimum number of tokens before an end token is allowed, unless the end is forced. Default 0.
    pub min_tokens: usize,
    /// Number of tokens that each source's output is expected to have; used only if `length_prior` is not 0.
    pub expected: &'a [f32],
    /// Log-odds added to the logits of end tokens for each standard deviation by which an output is longer than
    /// expected, and subtracted for each by which it is shorter; at most four deviations count. Default 0.
    pub length_prior: f32,
    /// Exponent `penalty` of the score that finished beams are ranked by, `log-probability / length ^ penalty`. Default
    /// 1, as in transformers.
    pub length_penalty: f64,
    /// When beam search gives up its live beams. Default [`EarlyStopping::Heuristic`].
    pub early_stopping: EarlyStopping,
    /// Length in tokens of the sequences that an output never has twice; 0, the default, allows repetition.
    pub no_repeat_ngram: usize,
    /// Factor for the scores of tokens that were written before: negative scores are multiplied by it, others divided.
    /// The default 1 changes nothing.
    pub repetition_penalty: f32,
    /// Whether `no_repeat_ngram`, `repetition_penalty` and `bad_words` also look at the prompt that a decoder-only
    /// model has read, as in transformers. Default true.
    pub prompt_counts: bool,
    /// Sequences of tokens that are never written. A sequence that is a single end token is ignored.
    pub bad_words: &'a [Vec<u32>],
    /// Tokens that are never written.
    pub suppress: &'a [u32],
    /// Tokens that are not written first, or first after a forced first token.
    pub begin_suppress: &'a [u32],
    /// The only tokens that may stand at the last position of an output that has not ended before; empty, the default,
    /// allows any.
    pub forced_end: &'a [u32],
    /// Whether log-probabilities are normalised again after all other options were applied; matters to beam search
    /// only. Default false.
    pub renormalize: bool,
    /// Ids that end an output, in addition to the model's own end tokens.
    pub stop: &'a [u32],
    /// Whether an output that repeats one phrase endlessly is ended, as [`FinishReason::Loop`]. Default false.
    pub loop_guard: bool,
    /// How to draw tokens at random, with a beam width of 1; `None`, the default, takes the best token.
    pub sampling: Option<Sampling<'a>>,
    /// The constraint on the output of each source; a source without an entry may have any output.
    pub constraints: &'a [TokenConstraint],
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
            constraints: &[],
        }
    }
}

/// Options for drawing tokens at random.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling<'a> {
    /// Seed of all random draws: the same seed gives the same draws.
    pub seed: u64,
    /// Number that logits are divided by before a draw, above 0; 1 changes nothing.
    pub temperature: f64,
    /// A number for each source that, with the seed, decides its draws, so that they do not depend on the rest of the
    /// batch; 0 for a source without an entry.
    pub streams: &'a [u64],
}

/// One finished output of the search, with its score.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// Token ids of the output, without the start and forced first tokens and without the token that ended it.
    pub ids: Vec<u32>,
    /// Natural log-probability of each token, the end token included. With beams it is taken after all options, as
    /// transformers does; otherwise it is the model's own. A forced end has 0.
    pub log_probabilities: Vec<f32>,
    /// Sum of `log_probabilities`.
    pub log_probability: f64,
    /// Score by which this hypothesis was ranked among those of its source: `log_probability / length ^ penalty`.
    pub rank: f64,
    /// Why the output ended.
    pub finish: FinishReason,
    /// For each position, the best log-probability of each set of [`TokenConstraint::watched`]; empty if there are none.
    pub watched: Vec<Vec<f32>>,
}

impl Hypothesis {
    /// Computes the mean natural log-probability per token of this output.
    pub fn mean_token_log_probability(&self) -> f64 {
        self.log_probability / self.log_probabilities.len().max(1) as f64
    }
}

/// A token prefix that a source continues, already read by the model: its ids, and the model's state after them.
pub type PrefixWithState<'a> = (&'a [u32], &'a DecodingState);

/// Searches one batch and returns the best hypothesis of each source, in the order of sources.
///
/// `prefixes` has the prefix that each source continues, if any; it is empty if no source continues one. `observe` is
/// called after each step with the number of sources that have finished and the number of tokens that were written in
/// the step; `Break` ends the search.
///
/// Sources finish and leave the batch independently, and no source's result depends on another's. Adjacent sources that
/// are equal are read by the model only once, so that several samples of one source cost no more to begin than one.
///
/// With constraints, the beams are shared out among those that have made equal progress, and only those that have all
/// that is required finish, as in `ConstrainedBeamSearchScorer` of transformers. Greedy search writes a required sequence
/// where the best token is forbidden, or before the output would end.
///
/// Greedy search and beam search follow transformers 4.57.1, id for id. At each step the best `max(2, 1 + ends) * beam`
/// continuations of a source are ranked, where `ends` is the number of end tokens. Those among the best `beam` that are
/// end tokens finish; at the last position all of the best `beam` do. The best of the others live on. Of equal scores
/// the lower beam number wins, then the lower id.
///
/// # Errors
/// - Any error of the model.
/// - Of kind `Model`, for logits that are not numbers, and for an end token that the model's output leaves out.
/// - Of kind `Usage`, for sampling with beams or with a temperature that is not above 0.
/// - Of kind `Interrupted`, if `observe` returned `Break`.
pub fn search(
    model: &dyn TranslationModel,
    prefixes: &[Option<PrefixWithState>],
    sources: &[&[u32]],
    options: &SearchOptions,
    observe: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Vec<Hypothesis>> {
    let searches = run_searches(model, prefixes, sources, options, observe)?;
    Ok(searches.iter().map(BeamSearch::best_hypothesis).collect())
}

/// Searches one batch like [`search()`], and returns all finished hypotheses of each source, best first: at least one, and
/// at most as many as the beam width.
///
/// # Errors
/// The errors of [`search()`].
pub fn search_n_best(
    model: &dyn TranslationModel,
    prefixes: &[Option<PrefixWithState>],
    sources: &[&[u32]],
    options: &SearchOptions,
    observe: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Vec<Vec<Hypothesis>>> {
    let searches = run_searches(model, prefixes, sources, options, observe)?;
    Ok(searches.iter().map(BeamSearch::finished_hypotheses).collect())
}

/// Runs the search of each source to its end; returns the finished searches in the order of sources.
///
/// # Errors
/// The errors of [`search()`].
fn run_searches(
    model: &dyn TranslationModel,
    prefixes: &[Option<PrefixWithState>],
    sources: &[&[u32]],
    options: &SearchOptions,
    observe: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Vec<BeamSearch>> {
    let rules = TokenRules::new(model.spec(), options)?;
    let (mut live, mut finished): (Vec<_>, Vec<_>) = (0..sources.len())
        .map(|source| {
            let prefix = prefixes.get(source).copied().flatten();
            begin_search(
                model,
                prefix.map_or(&[][..], |(ids, _)| ids),
                sources[source],
                source,
                &rules,
            )
        })
        .partition(|search| rules.forced < search.limit);
    for search in &mut finished {
        search.finish_beams(FinishReason::Length, options);
    }
    if !live.is_empty() {
        let (mut state, mut logits) = read_sources(model, prefixes, sources, &live)?;
        loop {
            let (kept, written) = advance_searches(&logits, &mut live, &mut finished, &rules)?;
            if observe(finished.len(), written).is_break() {
                return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
            }
            if live.is_empty() {
                break;
            }
            if !kept.is_unchanged() {
                state.select_rows(&kept.rows);
            }
            logits = model.decode_step(&kept.last_tokens, &mut state)?;
        }
    }
    finished.sort_by_key(|search| search.source);
    Ok(finished)
}

/// Makes the search of one source as it is before its first step. `prefix` and `ids` are what a decoder-only model
/// reads.
fn begin_search(
    model: &dyn TranslationModel,
    prefix: &[u32],
    ids: &[u32],
    source: usize,
    rules: &TokenRules,
) -> BeamSearch {
    let (spec, options) = (model.spec(), rules.options);
    let limit = options.max_tokens.get(source).copied().unwrap_or(spec.max_positions);
    let history = if spec.is_decoder_only() && options.prompt_counts {
        [prefix, ids].concat()
    } else {
        spec.start.clone()
    };
    BeamSearch::new(source, limit.max(1), rules.forced, history)
}

/// Lets the model read the sources of some searches; returns its state and the logits of each source's first token, a
/// row for each source. Adjacent sources that are equal are read once.
fn read_sources(
    model: &dyn TranslationModel,
    prefixes: &[Option<PrefixWithState>],
    sources: &[&[u32]],
    searches: &[BeamSearch],
) -> Result<(DecodingState, Tensor)> {
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
    let states: Vec<Option<&DecodingState>> = states.map(|source| prefix(*source).map(|(_, state)| state)).collect();
    let read: Vec<&[u32]> = distinct.iter().map(|source| sources[*source]).collect();
    let (mut state, mut logits) = model.begin_decoding(&states, &read)?;
    if distinct.len() < rows.len() {
        state.select_rows(&rows);
        logits = select_rows(&logits, &rows).map_err(candle_error)?;
    }
    Ok((state, logits))
}

/// The rows of a batch (live beams of all sources) that continue after a step.
#[derive(Default)]
struct KeptBeamRows {
    /// Index that each continuing row had in the batch before the step.
    rows: Vec<usize>,
    /// Token that each continuing row has written in the step.
    last_tokens: Vec<u32>,
    /// Number of rows in the batch before the step.
    rows_before: usize,
}

impl KeptBeamRows {
    /// Whether every row of the batch continues, in the same order.
    fn is_unchanged(&self) -> bool {
        self.rows.len() == self.rows_before && self.rows.iter().enumerate().all(|(to, from)| to == *from)
    }
}

/// Takes one step of all live searches and moves those that end in it to `finished`. Returns the rows that continue and
/// the number of tokens that were written.
fn advance_searches(
    logits: &Tensor,
    live: &mut Vec<BeamSearch>,
    finished: &mut Vec<BeamSearch>,
    rules: &TokenRules,
) -> Result<(KeptBeamRows, usize)> {
    let mut candidates = rank_continuations(logits, live, rules)?.into_iter();
    let mut kept = KeptBeamRows::default();
    let mut written = 0;
    let mut still_live = Vec::with_capacity(live.len());
    for mut search in live.drain(..) {
        let width = search.beam_count();
        let beams = search.advance_beams(candidates.by_ref().take(width).collect(), rules);
        written += search.beam_count();
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

/// Copies the given rows of a matrix, in the order given.
fn select_rows(matrix: &Tensor, rows: &[usize]) -> candle_core::Result<Tensor> {
    let rows: Vec<u32> = rows.iter().map(|row| *row as u32).collect();
    matrix.index_select(&Tensor::new(rows, matrix.device())?, 0)
}

/// Ranks the tokens that may follow each live beam: an entry for each row of `logits`.
fn rank_continuations(logits: &Tensor, searches: &[BeamSearch], rules: &TokenRules) -> Result<Vec<RankedTokens>> {
    let logits = logits.to_device(&Device::Cpu).map_err(candle_error)?;
    let (rows, width) = logits.dims2().map_err(candle_error)?;
    let beams: Vec<(&BeamSearch, usize)> = searches
        .iter()
        .flat_map(|search| (0..search.beam_count()).map(move |beam| (search, beam)))
        .collect();
    if (rows, width) != (beams.len(), rules.width) {
        let message = format!(
            "the model gave {rows} rows of {width} logits for {} of {}",
            beams.len(),
            rules.width
        );
        return Err(Error::model(message));
    }
    let candidates: Option<Vec<_>> = with_tensor_values(&logits, |logits| {
        logits
            .par_chunks(width)
            .zip(beams)
            .map(|(row, (search, beam))| {
                let (wanted, is_forced) = search.wanted_tokens(beam, rules);
                let context = RowContext {
                    wanted: &wanted,
                    is_forced,
                    history: &search.token_history(beam),
                    written: search.written,
                    limit: search.limit,
                    source: search.source,
                };
                rules.rank_candidates(row, &context)
            })
            .collect()
    })
    .map_err(candle_error)?;
    candidates.ok_or_else(numberless_logits_error)
}

/// Makes the error for logits that are not numbers.
fn numberless_logits_error() -> Error {
    Error::model("the model computed values that are no numbers").hint(Hint::UseF32OrFetchAgain)
}

/// Finds the index at which the second round of an endless repetition starts, if `ids` ends in one: a phrase of up to
/// 16 tokens, repeated at least four times and over at least 16 tokens in all.
fn find_repetition_start(ids: &[u32]) -> Option<usize> {
    (1..=16).find_map(|n| {
        let rounds = 4.max(16usize.div_ceil(n));
        let start = ids.len().checked_sub(rounds * n)?;
        let tail = &ids[start..];
        (tail[n..] == tail[..tail.len() - n]).then_some(start + n)
    })
}

#[cfg(test)]
mod tests;
