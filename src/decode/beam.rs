//! The search of one source: its live beams and what has finished, as transformers 4.57.1 keeps them
//! (`GenerationMixin._beam_search`). Greedy search is a beam of one with one candidate.

use super::EarlyStopping;
use super::rules::{Candidate, Rules};
use super::{Hypothesis, SearchOptions, loops};
use crate::document::Finish;

/// What transformers takes for the score of a place that nothing has finished in.
const UNFINISHED: f32 = -1e9;

/// A token that was written, and the one before it.
struct Node {
    parent: Option<usize>,
    id: u32,
    log_probability: f32,
}

/// An output that is still written; its tokens are a path in the tree of nodes.
#[derive(Clone, Copy)]
struct Beam {
    node: Option<usize>,
    /// In float32, as in torch: what decides between beams must round alike.
    score: f32,
}

struct Finished {
    node: Option<usize>,
    /// Log-probability of the token that ended it, where one did.
    end: Option<f32>,
    rank: f32,
    finish: Finish,
}

pub(super) struct Search {
    /// Which of the batch's sources this is.
    pub source: usize,
    /// The most tokens, the forced first one and the end included.
    pub limit: usize,
    /// Tokens of each live beam, the forced first one included.
    pub written: usize,
    /// What rules look at before a beam's own tokens: the start tokens, or what a decoder-only model has read.
    before: Vec<u32>,
    nodes: Vec<Node>,
    beams: Vec<Beam>,
    /// Best first, at most as many as beams are wanted.
    finished: Vec<Finished>,
}

impl Search {
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

    /// Live beams: adjacent rows of the batch.
    pub fn width(&self) -> usize {
        self.beams.len()
    }

    /// The last token of each live beam.
    pub fn last(&self) -> impl Iterator<Item = u32> {
        self.beams.iter().filter_map(|beam| Some(self.nodes[beam.node?].id))
    }

    /// What rules look at: what stood before, and the tokens of a live beam.
    pub fn history(&self, beam: usize) -> Vec<u32> {
        let mut ids = self.before.clone();
        ids.extend(self.ids(self.beams[beam].node));
        ids
    }

    fn ids(&self, node: Option<usize>) -> Vec<u32> {
        self.path(node)
            .map(|node| node.id)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect()
    }

    /// The tokens up to `node`, last first.
    fn path(&self, node: Option<usize>) -> impl Iterator<Item = &Node> {
        std::iter::successors(node.map(|node| &self.nodes[node]), |node| {
            node.parent.map(|parent| &self.nodes[parent])
        })
    }

    /// Takes one step with the candidates of each live beam: the beams that live on, by their number before it, or
    /// `None` when the source is done.
    pub fn advance(&mut self, candidates: Vec<Vec<Candidate>>, rules: &Rules) -> Option<Vec<usize>> {
        let options = rules.options;
        let width = options.beam.max(1);
        let mut ranked: Vec<(usize, Candidate, f32)> = Vec::new();
        for (index, (beam, candidates)) in self.beams.iter().zip(candidates).enumerate() {
            ranked.extend(candidates.into_iter().map(|c| (index, c, beam.score + c.score)));
        }
        if ranked.is_empty() {
            // Everything is forbidden: what has been written is all there can be.
            self.finish_beams(Finish::Length, options);
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
            let end = rules.is_end(candidate.id);
            // Only the best few may finish; the others are there to live on.
            if (end || last) && rank < width {
                let node = if end {
                    parent
                } else {
                    Some(self.grow(parent, candidate))
                };
                let (end, finish) = if end {
                    (Some(candidate.score), Finish::Stop)
                } else {
                    (None, Finish::Length)
                };
                self.finish(node, end, score, finish, options);
            } else if !end && !last && kept.len() < width {
                let node = Some(self.grow(parent, candidate));
                self.beams.push(Beam { node, score });
                kept.push(index);
            }
        }
        if last || self.settled(options) {
            return None;
        }
        let looping = |beam: &Beam| loops(&self.ids(beam.node)).is_some();
        if options.loop_guard && self.written > options.min_tokens && self.beams.iter().all(looping) {
            self.finish_beams(Finish::Loop, options);
            return None;
        }
        Some(kept)
    }

    /// The best `count` hypotheses, best first; at least one, which is empty where nothing could finish.
    pub fn hypotheses(&self, count: usize) -> Vec<Hypothesis> {
        let hypothesis = |finished: &Finished| {
            let mut ids = self.ids(finished.node);
            let mut log_probabilities: Vec<f32> = self.path(finished.node).map(|node| node.log_probability).collect();
            log_probabilities.reverse();
            log_probabilities.extend(finished.end);
            if finished.finish == Finish::Loop {
                ids.truncate(loops(&ids).unwrap_or(ids.len()));
            }
            Hypothesis {
                ids,
                log_probability: log_probabilities.iter().copied().map(f64::from).sum(),
                log_probabilities,
                rank: f64::from(finished.rank),
                finish: finished.finish,
            }
        };
        let nothing = Finished {
            node: None,
            end: None,
            rank: UNFINISHED,
            finish: Finish::Length,
        };
        match &self.finished[..] {
            [] => vec![hypothesis(&nothing)],
            finished => finished.iter().take(count.max(1)).map(hypothesis).collect(),
        }
    }

    fn grow(&mut self, parent: Option<usize>, candidate: Candidate) -> usize {
        self.nodes.push(Node {
            parent,
            id: candidate.id,
            log_probability: candidate.score,
        });
        self.nodes.len() - 1
    }

    fn finish(&mut self, node: Option<usize>, end: Option<f32>, score: f32, finish: Finish, options: &SearchOptions) {
        let rank = score / power(self.written, options);
        if rank > UNFINISHED {
            // After its equals, as it finished later.
            let at = self.finished.partition_point(|other| other.rank >= rank);
            self.finished.insert(
                at,
                Finished {
                    node,
                    end,
                    rank,
                    finish,
                },
            );
            self.finished.truncate(options.beam.max(1));
        }
    }

    /// All live beams finish as they are.
    pub fn finish_beams(&mut self, finish: Finish, options: &SearchOptions) {
        for beam in std::mem::take(&mut self.beams) {
            self.finish(beam.node, None, beam.score, finish, options);
        }
    }

    /// Whether no live beam could still be better than what has finished (`_check_early_stop_heuristic`,
    /// `_beam_search_has_unfinished_sequences`).
    fn settled(&self, options: &SearchOptions) -> bool {
        let Some(best) = self.beams.first() else { return true };
        let full = self.finished.len() >= options.beam.max(1);
        let length = match options.early_stopping {
            EarlyStopping::Full if full => return true,
            EarlyStopping::Never if options.length_penalty > 0.0 => self.limit,
            _ => self.written,
        };
        let worst = match self.finished.last() {
            Some(worst) if full => worst.rank,
            _ => UNFINISHED,
        };
        let hope = best.score / power(length, options);
        hope <= worst
    }
}

/// What the length penalty divides the log-probability of `length` tokens by; no tokens count as one.
fn power(length: usize, options: &SearchOptions) -> f32 {
    (length.max(1) as f64).powf(options.length_penalty) as f32
}
