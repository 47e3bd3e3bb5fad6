//! The search of one source: its live beams and its finished outputs, as transformers 4.57.1 keeps them
//! (`GenerationMixin._beam_search`). Greedy search is a beam of one with one candidate.

use super::EarlyStopping;
use super::constraint::allocate_banks;
use super::rules::{RankedTokens, TokenCandidate, TokenRules};
use super::{ConstraintProgress, Hypothesis, SearchOptions, find_repetition_start};
use crate::document::FinishReason;

/// Score that transformers gives to an empty place in its list of finished outputs; lower scores never finish.
const UNFINISHED_SCORE: f32 = -1e9;

/// A token that was written, in a tree in which each token points to the one before it.
struct TokenNode {
    parent: Option<usize>,
    id: u32,
    log_probability: f32,
}

/// A live beam: an output that is still being written. Its tokens are a path in the tree of [`TokenNode`]s.
#[derive(Clone, Copy)]
struct Beam {
    node: Option<usize>,
    /// Sum of the log-probabilities of the beam's tokens; float32 as in torch, so that rounding ranks beams as in
    /// transformers.
    score: f32,
}

/// A token that may be added to a live beam.
struct Continuation {
    /// Index of the beam.
    beam: usize,
    token: TokenCandidate,
    /// Score of the beam with the token.
    score: f32,
}

/// An output that has ended.
struct FinishedOutput {
    node: Option<usize>,
    /// Log-probability of the token that ended the output; `None` if it ended without one.
    end: Option<f32>,
    rank: f32,
    finish: FinishReason,
}

/// The search of one source, from its first token until it is done.
pub(super) struct BeamSearch {
    /// Index of the source in the batch.
    pub source: usize,
    /// Maximum number of tokens of an output, a forced first token and the end token included.
    pub limit: usize,
    /// Number of tokens that each live beam has, a forced first token included.
    pub written: usize,
    /// Ids before a beam's own tokens that rules such as `no_repeat_ngram` look at: the decoder's start tokens, or the
    /// prompt of a decoder-only model.
    before: Vec<u32>,
    nodes: Vec<TokenNode>,
    beams: Vec<Beam>,
    /// Finished outputs, best first; at most as many as the beam width.
    finished: Vec<FinishedOutput>,
    /// Whether greedy search goes on with a required sequence that it had to begin.
    is_forced: bool,
    /// Recorded log-probabilities of watched tokens, for each position; see [`Hypothesis::watched`].
    watched: Vec<Vec<f32>>,
}

impl BeamSearch {
    /// Starts the search of a source with one empty beam. `forced` is the number of forced first tokens.
    pub fn new(source: usize, limit: usize, forced: usize, before: Vec<u32>) -> Self {
        Self {
            source,
            limit,
            written: forced,
            before,
            nodes: Vec::new(),
            beams: vec![Beam { node: None, score: 0.0 }],
            finished: Vec::new(),
            is_forced: false,
            watched: Vec::new(),
        }
    }

    /// Gives the number of live beams, which are adjacent rows of the batch.
    pub fn beam_count(&self) -> usize {
        self.beams.len()
    }

    /// Gives the last token of each live beam.
    pub fn last_tokens(&self) -> impl Iterator<Item = u32> {
        self.beams.iter().filter_map(|beam| Some(self.nodes[beam.node?].id))
    }

    /// Collects the ids that rules such as `no_repeat_ngram` look at for a live beam: those before the output, and the
    /// beam's own tokens.
    pub fn token_history(&self, beam: usize) -> Vec<u32> {
        let mut ids = self.before.clone();
        ids.extend(self.ids_up_to(self.beams[beam].node));
        ids
    }

    /// Collects the token ids on the path up to `node`, first to last.
    fn ids_up_to(&self, node: Option<usize>) -> Vec<u32> {
        self.nodes_up_to(node)
            .map(|node| node.id)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect()
    }

    /// Iterates over the tokens on the path up to `node`, last to first.
    fn nodes_up_to(&self, node: Option<usize>) -> impl Iterator<Item = &TokenNode> {
        std::iter::successors(node.map(|node| &self.nodes[node]), |node| {
            node.parent.map(|parent| &self.nodes[parent])
        })
    }

    /// Returns the tokens that make progress towards what the source's output must contain, and whether greedy search must
    /// take one of them.
    pub fn wanted_tokens(&self, beam: usize, rules: &TokenRules) -> (Vec<u32>, bool) {
        match rules.constraint(self.source) {
            Some(constraint) if constraint.is_first && self.beams[beam].node.is_none() => {
                (constraint.first_tokens(), true)
            }
            Some(constraint) if !constraint.required.is_empty() => {
                let ids = self.ids_up_to(self.beams[beam].node);
                let progress = ConstraintProgress::after_tokens(&constraint.required, &ids);
                (progress.next_tokens(), self.is_forced)
            }
            _ => (Vec::new(), false),
        }
    }

    /// Takes one step, given the tokens that may follow each live beam. Returns the indices that the continuing beams had
    /// before the step, or `None` if the source is done.
    pub fn advance_beams(&mut self, mut tokens: Vec<RankedTokens>, rules: &TokenRules) -> Option<Vec<usize>> {
        let options = rules.options;
        let width = options.beam.max(1);
        let mut ranked: Vec<Continuation> = Vec::new();
        for (beam, row) in tokens.iter_mut().enumerate() {
            let candidates = std::mem::take(&mut row.best).into_iter();
            ranked.extend(candidates.map(|token| self.continue_beam(beam, token)));
        }
        if ranked.is_empty() {
            // All tokens are forbidden: the output ends with what has been written.
            self.finish_beams(FinishReason::Length, options);
            return None;
        }
        // Stable, so that equal scores keep the order of beams and ids.
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
        ranked.truncate(rules.count);
        let best_score = ranked[0].score;
        let progress = self.read_progress(rules);
        self.written += 1;
        let last = self.written >= self.limit;
        let mut live = Vec::new();
        for (rank, next) in ranked.into_iter().enumerate() {
            if rules.is_end_token(next.token.id) {
                // Only the best `width` may finish; the others can only live on.
                if rank < width
                    && progress
                        .as_ref()
                        .is_none_or(|progress| progress[next.beam].is_complete())
                {
                    let parent = self.beams[next.beam].node;
                    self.insert_finished(parent, Some(next.token.score), next.score, FinishReason::Stop, options);
                }
            } else if last && progress.is_none() {
                if rank < width {
                    self.finish_at_limit(next, options);
                }
            } else if live.len() < width {
                live.push(next);
            }
        }
        if let Some(progress) = &progress {
            live = self.share_out_beams(live, &tokens, progress, width);
            if last {
                let is_complete = |next: &Continuation| progress_after(progress, next).is_complete();
                // An output that lacks something is better than none.
                let any_is_complete = !self.finished.is_empty() || live.iter().any(is_complete);
                for next in live.drain(..).filter(|next| !any_is_complete || is_complete(next)) {
                    self.finish_at_limit(next, options);
                }
            }
        } else if let [row] = &mut tokens[..] {
            self.note_greedy_step(row, live.first(), rules);
        }
        self.take_beams(live, best_score, last, rules)
    }

    /// Lets the given continuations of the live beams live on, unless the source is done. Returns the indices that the
    /// beams had before the step, or `None` if the source is done. `best_score` is that of the best continuation of all.
    fn take_beams(
        &mut self,
        live: Vec<Continuation>,
        best_score: f32,
        last: bool,
        rules: &TokenRules,
    ) -> Option<Vec<usize>> {
        let options = rules.options;
        let before = std::mem::take(&mut self.beams);
        let mut kept = Vec::with_capacity(live.len());
        for next in live {
            let node = Some(self.push_token(before[next.beam].node, next.token));
            self.beams.push(Beam {
                node,
                score: next.score,
            });
            kept.push(next.beam);
        }
        if last || self.is_search_settled(best_score, rules) {
            return None;
        }
        let looping = |beam: &Beam| find_repetition_start(&self.ids_up_to(beam.node)).is_some();
        if options.loop_guard && self.written > options.min_tokens && self.beams.iter().all(looping) {
            self.finish_beams(FinishReason::Loop, options);
            return None;
        }
        Some(kept)
    }

    fn continue_beam(&self, beam: usize, token: TokenCandidate) -> Continuation {
        Continuation {
            beam,
            score: self.beams[beam].score + token.score,
            token,
        }
    }

    /// Finishes an output at its maximum length, with a last token that is no end token.
    fn finish_at_limit(&mut self, next: Continuation, options: &SearchOptions) {
        let node = Some(self.push_token(self.beams[next.beam].node, next.token));
        self.insert_finished(node, None, next.score, FinishReason::Length, options);
    }

    /// Returns how far each live beam has met the source's requirements; `None` if there are none, and in greedy search,
    /// where all outputs may finish.
    fn read_progress<'a>(&self, rules: &TokenRules<'a>) -> Option<Vec<ConstraintProgress<'a>>> {
        let constraint = rules.constraint(self.source)?;
        if rules.options.beam <= 1 || constraint.required.is_empty() {
            return None;
        }
        let beams = self.beams.iter().map(|beam| self.ids_up_to(beam.node));
        Some(
            beams
                .map(|ids| ConstraintProgress::after_tokens(&constraint.required, &ids))
                .collect(),
        )
    }

    /// Chooses the beams that live on under requirements, among the best continuations `live` and those with a wanted token
    /// (`ConstrainedBeamSearchScorer.step_sentence_constraint`).
    fn share_out_beams(
        &self,
        mut live: Vec<Continuation>,
        tokens: &[RankedTokens],
        progress: &[ConstraintProgress],
        width: usize,
    ) -> Vec<Continuation> {
        for (beam, row) in tokens.iter().enumerate() {
            for token in &row.wanted {
                let is_known = |next: &Continuation| (next.beam, next.token.id) == (beam, token.id);
                if !live.iter().any(is_known) {
                    live.push(self.continue_beam(beam, *token));
                }
            }
        }
        let banks: Vec<(usize, f32)> = live
            .iter()
            .map(|next| (progress_after(progress, next).bank(), next.score))
            .collect();
        let mut live: Vec<Option<Continuation>> = live.into_iter().map(Some).collect();
        let chosen = allocate_banks(&banks, width).into_iter();
        chosen.filter_map(|index| live[index].take()).collect()
    }

    /// Records what greedy search needs of a step: the log-probabilities of watched tokens, and whether the next token must
    /// go on with a required sequence.
    fn note_greedy_step(&mut self, row: &mut RankedTokens, next: Option<&Continuation>, rules: &TokenRules) {
        if rules.options.beam > 1 {
            return;
        }
        if !row.watched.is_empty() {
            self.watched.push(std::mem::take(&mut row.watched));
        }
        self.is_forced = match (row.is_forced, next, rules.constraint(self.source)) {
            (true, Some(next), Some(constraint)) => {
                let mut ids = self.ids_up_to(self.beams[next.beam].node);
                ids.push(next.token.id);
                ConstraintProgress::after_tokens(&constraint.required, &ids).is_within_sequence()
            }
            _ => false,
        };
    }

    /// Gives the best finished hypothesis, or an empty one if none has finished.
    pub fn best_hypothesis(&self) -> Hypothesis {
        let nothing = FinishedOutput {
            node: None,
            end: None,
            rank: UNFINISHED_SCORE,
            finish: FinishReason::Length,
        };
        self.make_hypothesis(self.finished.first().unwrap_or(&nothing))
    }

    /// Gives all finished hypotheses, best first; an empty one if none has finished.
    pub fn finished_hypotheses(&self) -> Vec<Hypothesis> {
        if self.finished.is_empty() {
            return vec![self.best_hypothesis()];
        }
        self.finished
            .iter()
            .map(|finished| self.make_hypothesis(finished))
            .collect()
    }

    fn make_hypothesis(&self, finished: &FinishedOutput) -> Hypothesis {
        let mut ids = self.ids_up_to(finished.node);
        let mut log_probabilities: Vec<f32> = self
            .nodes_up_to(finished.node)
            .map(|node| node.log_probability)
            .collect();
        log_probabilities.reverse();
        log_probabilities.extend(finished.end);
        if finished.finish == FinishReason::Loop {
            ids.truncate(find_repetition_start(&ids).unwrap_or(ids.len()));
        }
        Hypothesis {
            ids,
            log_probability: log_probabilities.iter().copied().map(f64::from).sum(),
            log_probabilities,
            rank: f64::from(finished.rank),
            finish: finished.finish,
            watched: self.watched.clone(),
        }
    }

    /// Adds a token to the tree of nodes; returns the index of the new node.
    fn push_token(&mut self, parent: Option<usize>, candidate: TokenCandidate) -> usize {
        self.nodes.push(TokenNode {
            parent,
            id: candidate.id,
            log_probability: candidate.score,
        });
        self.nodes.len() - 1
    }

    /// Inserts an output that has ended into the list of finished ones, if its score is among the best.
    fn insert_finished(
        &mut self,
        node: Option<usize>,
        end: Option<f32>,
        score: f32,
        finish: FinishReason,
        options: &SearchOptions,
    ) {
        let rank = score / length_divisor(self.written, options);
        if rank > UNFINISHED_SCORE {
            // Placed after outputs of equal rank, which finished earlier.
            let at = self.finished.partition_point(|other| other.rank >= rank);
            self.finished.insert(
                at,
                FinishedOutput {
                    node,
                    end,
                    rank,
                    finish,
                },
            );
            self.finished.truncate(options.beam.max(1));
        }
    }

    /// Ends all live beams without an end token, for the given reason.
    pub fn finish_beams(&mut self, finish: FinishReason, options: &SearchOptions) {
        for beam in std::mem::take(&mut self.beams) {
            self.insert_finished(beam.node, None, beam.score, finish, options);
        }
    }

    /// Whether no live beam could still beat the finished outputs, so that the source is done
    /// (`_check_early_stop_heuristic`, `_beam_search_has_unfinished_sequences` in transformers).
    ///
    /// `best_score` is that of the step's best continuation. With requirements it decides, as in
    /// `BeamHypotheses.is_done`: the beams are not in the order of their scores then.
    fn is_search_settled(&self, best_score: f32, rules: &TokenRules) -> bool {
        let options = rules.options;
        let Some(best) = self.beams.first() else { return true };
        let has_requirements = rules
            .constraint(self.source)
            .is_some_and(|constraint| !constraint.required.is_empty());
        let best_score = if has_requirements { best_score } else { best.score };
        let full = self.finished.len() >= options.beam.max(1);
        let length = match options.early_stopping {
            EarlyStopping::Full if full => return true,
            EarlyStopping::Never if options.length_penalty > 0.0 => self.limit,
            _ => self.written,
        };
        let worst = match self.finished.last() {
            Some(worst) if full => worst.rank,
            _ => UNFINISHED_SCORE,
        };
        let hope = best_score / length_divisor(length, options);
        hope <= worst
    }
}

/// Returns how far a continuation has met the requirements, given the progress of each live beam.
fn progress_after<'a>(progress: &[ConstraintProgress<'a>], next: &Continuation) -> ConstraintProgress<'a> {
    let mut after = progress[next.beam].clone();
    after.add_token(next.token.id);
    after
}

/// Computes the divisor that the length penalty gives for the log-probability of `length` tokens; a length of 0 counts
/// as 1.
fn length_divisor(length: usize, options: &SearchOptions) -> f32 {
    (length.max(1) as f64).powf(options.length_penalty) as f32
}
