//! The search of one source: its live beams and its finished outputs, as transformers 4.57.1 keeps them
//! (`GenerationMixin._beam_search`). Greedy search is a beam of one with one candidate.

use super::EarlyStopping;
use super::rules::{TokenCandidate, TokenRules};
use super::{Hypothesis, SearchOptions, find_repetition_start};
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

    /// Takes one step, given the candidates for the next token of each live beam. Returns the indices that the
    /// continuing beams had before the step, or `None` if the source is done.
    pub fn advance_beams(&mut self, candidates: Vec<Vec<TokenCandidate>>, rules: &TokenRules) -> Option<Vec<usize>> {
        let options = rules.options;
        let width = options.beam.max(1);
        let mut ranked: Vec<(usize, TokenCandidate, f32)> = Vec::new();
        for (index, (beam, candidates)) in self.beams.iter().zip(candidates).enumerate() {
            ranked.extend(candidates.into_iter().map(|c| (index, c, beam.score + c.score)));
        }
        if ranked.is_empty() {
            // All tokens are forbidden: the output ends with what has been written.
            self.finish_beams(FinishReason::Length, options);
            return None;
        }
        // Stable, so that equal scores keep the order of beams and ids.
        ranked.sort_by(|a, b| b.2.total_cmp(&a.2));
        ranked.truncate(rules.count);
        let before = std::mem::take(&mut self.beams);
        let mut kept = Vec::new();
        self.written += 1;
        let last = self.written >= self.limit;
        for (rank, (index, candidate, score)) in ranked.into_iter().enumerate() {
            let parent = before[index].node;
            let end = rules.is_end_token(candidate.id);
            // Only the best `width` may finish; the others can only live on.
            if (end || last) && rank < width {
                let node = if end {
                    parent
                } else {
                    Some(self.push_token(parent, candidate))
                };
                let (end, finish) = if end {
                    (Some(candidate.score), FinishReason::Stop)
                } else {
                    (None, FinishReason::Length)
                };
                self.insert_finished(node, end, score, finish, options);
            } else if !end && !last && kept.len() < width {
                let node = Some(self.push_token(parent, candidate));
                self.beams.push(Beam { node, score });
                kept.push(index);
            }
        }
        if last || self.is_search_settled(options) {
            return None;
        }
        let looping = |beam: &Beam| find_repetition_start(&self.ids_up_to(beam.node)).is_some();
        if options.loop_guard && self.written > options.min_tokens && self.beams.iter().all(looping) {
            self.finish_beams(FinishReason::Loop, options);
            return None;
        }
        Some(kept)
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

    /// Gives all finished hypotheses, best first.
    #[cfg(test)]
    pub fn finished_hypotheses(&self) -> impl Iterator<Item = Hypothesis> {
        self.finished.iter().map(|finished| self.make_hypothesis(finished))
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
    fn is_search_settled(&self, options: &SearchOptions) -> bool {
        let Some(best) = self.beams.first() else { return true };
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
        let hope = best.score / length_divisor(length, options);
        hope <= worst
    }
}

/// Computes the divisor that the length penalty gives for the log-probability of `length` tokens; a length of 0 counts
/// as 1.
fn length_divisor(length: usize, options: &SearchOptions) -> f32 {
    (length.max(1) as f64).powf(options.length_penalty) as f32
}
