//! Rules that decide which tokens may follow, given a row of logits, in the order and by the definitions of
//! transformers 4.57.1 (`GenerationMixin._get_logits_processor`, `generation/logits_process.py`).

use super::row::{LogitPatch, LogitRow};
use super::{SearchOptions, TokenConstraint, sample};
use crate::error::{Error, Result};
use crate::model::ModelSpec;

/// Distance below the highest logit, after division by the temperature, from which a column is never drawn. Its weight
/// would be `exp(-30)`; all such columns together change less than the rounding of the other logits does.
const NEGLIGIBLE_DISTANCE: f32 = 30.0;

/// A token that may come next in an output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TokenCandidate {
    pub id: u32,
    /// Change of the beam's log-probability if this token is written.
    pub score: f32,
}

/// The tokens that may follow a beam.
#[derive(Default)]
pub(super) struct RankedTokens {
    /// The best tokens, best first.
    pub best: Vec<TokenCandidate>,
    /// The tokens of [`RowContext::wanted`] that may follow; empty in greedy search.
    pub wanted: Vec<TokenCandidate>,
    /// The best log-probability of each set of [`TokenConstraint::watched`]; empty in beam search.
    pub watched: Vec<f32>,
    /// Whether greedy search took a wanted token because it had to.
    pub is_forced: bool,
}

/// What the search knows of the beam that a row of logits belongs to.
pub(super) struct RowContext<'a> {
    /// All ids that rules such as `no_repeat_ngram` look at: those before the output, then the output's.
    pub history: &'a [u32],
    /// Number of the ids in `history` that belong to the output, a forced first one included.
    pub written: usize,
    /// Maximum number of tokens of the source's output.
    pub limit: usize,
    /// Index of the source in the batch.
    pub source: usize,
    /// Tokens that make progress towards what the source's output must contain.
    pub wanted: &'a [u32],
    /// Whether greedy search takes a wanted token now.
    pub is_forced: bool,
}

/// The search options of one batch, prepared for application to rows of logits.
pub(super) struct TokenRules<'a> {
    pub options: &'a SearchOptions<'a>,
    /// Number of tokens, after the decoder's start token, that every output is forced to begin with.
    pub forced: usize,
    /// Number of columns in a row of logits.
    pub width: usize,
    output: Option<&'a [u32]>,
    /// Ids that end an output, ascending.
    ends: Vec<u32>,
    /// Ids that may be forced at the last position of an output, ascending; those that are never written are left out.
    forced_end: Vec<u32>,
    /// Columns of tokens that are never written, ascending.
    banned: Vec<usize>,
    /// Forbidden sequences of two or more tokens (`bad_words`).
    phrases: Vec<&'a [u32]>,
    /// Maximum number of candidates of one source that are ranked in a step.
    pub count: usize,
}

impl<'a> TokenRules<'a> {
    /// Prepares the search options of a batch for a model.
    ///
    /// # Errors
    /// Kind `Model`, if the model's output leaves out one of its end tokens. Of kind `Usage`, for sampling with
    /// beams or with a temperature that is not a finite number above 0.
    pub fn new(spec: &'a ModelSpec, options: &'a SearchOptions<'a>) -> Result<Self> {
        let output = spec.output.as_deref();
        if let Some(output) = output
            && let Some(end) = spec.end.iter().find(|end| output.binary_search(end).is_err())
        {
            return Err(Error::model(format!(
                "the end token {end} is not among the output tokens"
            )));
        }
        if options.sampling.is_some() && options.beam > 1 {
            return Err(Error::usage("random draws and beams exclude each other").hint("set the beam width to 1"));
        }
        if let Some(sampling) = &options.sampling
            && !(sampling.temperature > 0.0 && sampling.temperature.is_finite())
        {
            let message = format!("a temperature of {} cannot be drawn with", sampling.temperature);
            return Err(Error::usage(message).hint("set it above 0, or take the best token without sampling"));
        }
        let mut ends: Vec<u32> = spec.end.iter().chain(options.stop).copied().collect();
        ends.sort_unstable();
        ends.dedup();
        let mut forced_end: Vec<u32> = options.forced_end.to_vec();
        forced_end.retain(|id| !options.suppress.contains(id));
        forced_end.sort_unstable();
        forced_end.dedup();
        let (words, phrases): (Vec<_>, Vec<_>) = options
            .bad_words
            .iter()
            .map(Vec::as_slice)
            .filter(|word| !word.is_empty())
            .partition(|word| word.len() == 1);
        let mut rules = Self {
            options,
            forced: spec.start.len().saturating_sub(1),
            width: output.map_or(spec.vocabulary, <[u32]>::len),
            output,
            count: match options.beam {
                0 | 1 => 1,
                beam => beam * (1 + ends.len()).max(2),
            },
            ends,
            forced_end,
            banned: Vec::new(),
            phrases,
        };
        let words = words.iter().map(|word| word[0]).filter(|id| !rules.is_end_token(*id));
        rules.banned = words
            .chain(options.suppress.iter().copied())
            .filter_map(|id| rules.column_of_id(id))
            .collect();
        rules.banned.sort_unstable();
        rules.banned.dedup();
        Ok(rules)
    }

    pub fn is_end_token(&self, id: u32) -> bool {
        self.ends.binary_search(&id).is_ok()
    }

    /// Returns the constraint of a source; `None` if it has none.
    pub fn constraint(&self, source: usize) -> Option<&'a TokenConstraint> {
        let constraint = self.options.constraints.get(source);
        constraint.filter(|constraint| !constraint.is_empty())
    }

    /// Returns the ids that end an output, ascending.
    pub fn end_ids(&self) -> &[u32] {
        &self.ends
    }

    /// Returns the column of a token in a row of logits; none for a token that the output leaves out.
    pub fn column_of_id(&self, id: u32) -> Option<usize> {
        match self.output {
            Some(output) => output.binary_search(&id).ok(),
            None => Some(id as usize).filter(|column| *column < self.width),
        }
    }

    fn id_of_column(&self, column: usize) -> u32 {
        self.output.map_or(column as u32, |output| output[column])
    }

    /// Ranks the tokens that may follow; `None` if the logits hold NaN or positive infinity, or nothing finite.
    pub fn rank_candidates(&self, logits: &[f32], context: &RowContext) -> Option<RankedTokens> {
        let options = self.options;
        let written = context.written;
        let first = written == self.forced;
        if written + 1 == context.limit && !options.forced_end.is_empty() {
            return Some(RankedTokens {
                best: self.forced_end_candidates(first),
                ..RankedTokens::default()
            });
        }
        let row = LogitRow::read(logits)?;
        let forbidden = self.forbidden_columns(context);
        if options.beam <= 1 {
            let patches = self.rule_patches(context, first, &forbidden, |column| row.logit_at(column));
            return Some(self.choose_token(&row, &patches, &forbidden, context));
        }
        let patches = self.rule_patches(context, first, &forbidden, |column| row.log_probability(column));
        let log_mass = if options.renormalize {
            row.log_total_probability(&patches)
        } else {
            0.0
        };
        let candidate = |(column, score): LogitPatch| TokenCandidate {
            id: self.id_of_column(column),
            score: score - log_mass,
        };
        let mut best = row.best_columns(self.count, &patches, |logit| row.to_log_probability(logit));
        best.truncate(self.count);
        let wanted = context.wanted.iter().filter_map(|id| {
            let column = self.column_of_id(*id)?;
            let patch = patches.binary_search_by_key(&column, |patch| patch.0);
            let score = patch.map_or_else(|_| row.log_probability(column), |at| patches[at].1);
            (score > f32::NEG_INFINITY).then_some((column, score))
        });
        Some(RankedTokens {
            wanted: wanted.map(candidate).collect(),
            best: best.into_iter().map(candidate).collect(),
            ..RankedTokens::default()
        })
    }

    /// Chooses the next token of an output without beams: the best one or a random one.
    ///
    /// One of the wanted tokens is chosen instead if the search is within a wanted sequence that it had to begin, if the
    /// best token is one of the columns `forbidden`, or if the output would end without what it must contain.
    fn choose_token(
        &self,
        row: &LogitRow,
        patches: &[LogitPatch],
        forbidden: &[usize],
        context: &RowContext,
    ) -> RankedTokens {
        let chosen = match &self.options.sampling {
            Some(sampling) => {
                let best = row.columns_within_range(NEGLIGIBLE_DISTANCE * sampling.temperature as f32, patches);
                let stream = sampling.streams.get(context.source).copied().unwrap_or_default();
                sample::draw_index(&best, sampling, stream, context.written as u64)
            }
            None => row.best_columns(1, patches, |logit| logit).first().map(|best| best.0),
        };
        let is_forced = !context.wanted.is_empty()
            && (context.is_forced
                || chosen.is_none_or(|chosen| {
                    let would_be_forbidden = |column: &usize| row.logit_at(*column) >= row.logit_at(chosen);
                    self.is_end_token(self.id_of_column(chosen)) || forbidden.iter().any(would_be_forbidden)
                }));
        let wanted = || {
            let columns = context.wanted.iter().filter_map(|id| self.column_of_id(*id));
            columns
                .filter(|column| match patches.binary_search_by_key(column, |patch| patch.0) {
                    Ok(at) => patches[at].1 > f32::NEG_INFINITY,
                    Err(_) => true,
                })
                .rev()
                .max_by(|a, b| row.logit_at(*a).total_cmp(&row.logit_at(*b)))
        };
        let wanted = is_forced.then(wanted).flatten();
        // Reports the model's own log-probability, even if a rule changed the logit.
        let own = |column| TokenCandidate {
            id: self.id_of_column(column),
            score: row.log_probability(column),
        };
        let watched = self
            .constraint(context.source)
            .map_or(&[][..], |constraint| &constraint.watched);
        let best_of_set = |set: &Vec<u32>| {
            let columns = set.iter().filter_map(|id| self.column_of_id(*id));
            columns
                .map(|column| row.log_probability(column))
                .fold(f32::NEG_INFINITY, f32::max)
        };
        RankedTokens {
            best: wanted.or(chosen).map(own).into_iter().collect(),
            wanted: Vec::new(),
            watched: watched.iter().map(best_of_set).collect(),
            is_forced: wanted.is_some(),
        }
    }

    /// Lists the columns that would complete a sequence that the source's output must not contain.
    fn forbidden_columns(&self, context: &RowContext) -> Vec<usize> {
        let Some(constraint) = self.constraint(context.source) else {
            return Vec::new();
        };
        let own = context.written - self.forced;
        let written = &context.history[context.history.len().saturating_sub(own)..];
        let last = constraint.forbidden.iter().filter_map(|sequence| {
            let (last, before) = sequence.split_last()?;
            (written.ends_with(before) && !self.is_end_token(*last)).then_some(*last)
        });
        last.filter_map(|id| self.column_of_id(id)).collect()
    }

    /// Gives the candidates for the last position of an output that must end. `first` says whether it is also the first
    /// position.
    fn forced_end_candidates(&self, first: bool) -> Vec<TokenCandidate> {
        let ids: Vec<u32> = self
            .forced_end
            .iter()
            .copied()
            .filter(|id| !first || !self.options.begin_suppress.contains(id))
            .collect();
        let score = if self.options.renormalize && self.options.beam > 1 {
            -(ids.len() as f32).ln()
        } else {
            0.0
        };
        ids.into_iter()
            .take(self.count)
            .map(|id| TokenCandidate { id, score })
            .collect()
    }

    /// Computes the values of all columns that a rule changes, ascending by column. A column that is forbidden by one
    /// rule stays forbidden whatever other rules say. `forbidden` lists the columns that the source's constraint forbids;
    /// `base` gives a column's unchanged value.
    fn rule_patches(
        &self,
        context: &RowContext,
        first: bool,
        forbidden: &[usize],
        base: impl Fn(usize) -> f32,
    ) -> Vec<LogitPatch> {
        let options = self.options;
        let RowContext { history, written, .. } = *context;
        let banned = self.banned.iter().chain(forbidden);
        let mut patches: Vec<LogitPatch> = banned.map(|column| (*column, f32::NEG_INFINITY)).collect();
        let mut ban = |ids: &mut dyn Iterator<Item = u32>| {
            patches.extend(
                ids.filter_map(|id| self.column_of_id(id))
                    .map(|column| (column, f32::NEG_INFINITY)),
            );
        };
        ban(&mut ids_repeating_ngram(history, options.no_repeat_ngram));
        // transformers never lets the first token of all be the beginning of a bad word.
        let later = &history[history.len().saturating_sub(written).min(1)..];
        ban(&mut self.phrases.iter().filter_map(|phrase| {
            let (last, before) = phrase.split_last()?;
            later.ends_with(before).then_some(*last)
        }));
        if written < options.min_tokens {
            ban(&mut self.ends.iter().copied());
        }
        if first {
            ban(&mut options.begin_suppress.iter().copied());
        }
        if options.length_prior != 0.0 {
            let longer = options
                .expected
                .get(context.source)
                .map_or(0.0, |expected| length_deviations(written, *expected));
            let gain = options.length_prior * longer.clamp(-4.0, 4.0);
            let ends = self.ends.iter().filter_map(|id| self.column_of_id(*id));
            patches.extend(ends.map(|column| (column, base(column) + gain)));
        }
        let penalty = options.repetition_penalty;
        if penalty != 1.0 {
            patches.extend(history.iter().filter_map(|id| self.column_of_id(*id)).map(|column| {
                let value = base(column);
                (column, if value < 0.0 { value * penalty } else { value / penalty })
            }));
        }
        // Sorted by value within a column, so that negative infinity, which forbids the token, comes first and stays.
        patches.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        patches.dedup_by_key(|patch| patch.0);
        patches
    }
}

/// Computes by how many standard deviations an output of `written` tokens is longer than expected. The standard
/// deviation, `2 + 0.12 * expected`, is about that of reference translations.
fn length_deviations(written: usize, expected: f32) -> f32 {
    (written as f32 - expected) / (2.0 + 0.12 * expected)
}

/// Finds the ids that, written next, would repeat an n-gram of `ids`.
fn ids_repeating_ngram(ids: &[u32], n: usize) -> impl Iterator<Item = u32> {
    let n = if ids.len() < n { 0 } else { n };
    let tail = &ids[(ids.len() + 1).saturating_sub(n.max(1))..];
    ids.windows(n.max(1))
        .filter(move |window| n > 0 && window[..n - 1] == *tail)
        .map(move |window| window[n - 1])
}
