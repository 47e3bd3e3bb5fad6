//! Constraints: token sequences that the output of one source must contain, and those that it must not contain.
//!
//! Progress is counted as in transformers 4.57.1 (`generation/beam_constraints.py`), with two repairs: a token that breaks
//! off a sequence may begin one itself, and progress is never shared between beams.

/// A constraint on the output of one source: token sequences that it must and must not contain, and tokens whose
/// probabilities are recorded while it is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenConstraint {
    /// Requirements: each lists alternative sequences, one of which the output must contain. None is the beginning of
    /// another: the shorter one would be complete first. An output that cannot meet all requirements is given without.
    pub required: Vec<Vec<Vec<u32>>>,
    /// Sequences that the output never has.
    pub forbidden: Vec<Vec<u32>>,
    /// Whether the output begins with an alternative of the first requirement. Only for greedy search.
    pub is_first: bool,
    /// Sets of tokens whose best log-probability is recorded at each position, as [`Hypothesis::watched`]. Only for greedy
    /// search.
    ///
    /// [`Hypothesis::watched`]: super::Hypothesis::watched
    pub watched: Vec<Vec<u32>>,
}

impl TokenConstraint {
    /// Whether this constraint asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.required.is_empty() && self.forbidden.is_empty() && self.watched.is_empty()
    }

    /// Returns the tokens of which one begins the output, if it begins with an alternative of the first requirement.
    pub(super) fn first_tokens(&self) -> Vec<u32> {
        let alternatives = self.required.first().map_or(&[][..], Vec::as_slice);
        distinct(alternatives.iter().filter_map(|tokens| tokens.first().copied()))
    }
}

/// The state of one output under a constraint: the requirements that it has met so far.
#[derive(Clone)]
pub(super) struct ConstraintProgress<'a> {
    required: &'a [Vec<Vec<u32>>],
    /// Number of requirements that are met.
    met: usize,
    /// Indices of the requirements that are not met and not begun.
    pending: Vec<usize>,
    /// The requirement that the last tokens have begun, with these tokens.
    begun: Option<(usize, Vec<u32>)>,
}

impl<'a> ConstraintProgress<'a> {
    /// Reads the tokens of an output. A requirement without a sequence of at least one token is ignored.
    pub fn after_tokens(required: &'a [Vec<Vec<u32>>], ids: &[u32]) -> Self {
        let is_possible = |index: &usize| required[*index].iter().any(|tokens| !tokens.is_empty());
        let mut progress = Self {
            required,
            met: 0,
            pending: (0..required.len()).filter(is_possible).collect(),
            begun: None,
        };
        for id in ids {
            progress.add_token(*id);
        }
        progress
    }

    /// Whether all requirements are met.
    pub fn is_complete(&self) -> bool {
        self.pending.is_empty() && self.begun.is_none()
    }

    /// Whether the last tokens have begun a sequence and not finished it.
    pub fn is_within_sequence(&self) -> bool {
        self.begun.is_some()
    }

    /// Returns the number of the bank that the output is in: the tokens of requirements that are met or begun, where every
    /// requirement counts as the longest sequence of all.
    pub fn bank(&self) -> usize {
        let longest = |alternatives: &[Vec<u32>]| alternatives.iter().map(Vec::len).max().unwrap_or_default();
        let most = self.required.iter().map(|one| longest(one)).max().unwrap_or_default();
        let begun = self.begun.as_ref().map_or(0, |(index, tokens)| {
            most + tokens.len() - longest(&self.required[*index])
        });
        self.met * most + begun
    }

    /// Returns the tokens that would make progress: those after the begun tokens, or else the first of each sequence that
    /// is still wanted.
    pub fn next_tokens(&self) -> Vec<u32> {
        match &self.begun {
            Some((index, tokens)) => self.continuations(*index, tokens),
            None => distinct(self.pending.iter().flat_map(|index| self.continuations(*index, &[]))),
        }
    }

    /// Returns the tokens that follow `tokens` in the sequences of a requirement.
    fn continuations(&self, requirement: usize, tokens: &[u32]) -> Vec<u32> {
        let sequences = self.required[requirement].iter();
        distinct(sequences.filter_map(|sequence| sequence.strip_prefix(tokens)?.first().copied()))
    }

    /// Takes note of the next token of the output.
    pub fn add_token(&mut self, id: u32) {
        if let Some((index, mut tokens)) = self.begun.take() {
            if self.continuations(index, &tokens).contains(&id) {
                tokens.push(id);
                self.set_begun(index, tokens);
                return;
            }
            self.pending.push(index);
        }
        let begins = |index: &usize| self.continuations(*index, &[]).contains(&id);
        if let Some(at) = self.pending.iter().position(begins) {
            let index = self.pending.remove(at);
            self.set_begun(index, vec![id]);
        }
    }

    fn set_begun(&mut self, requirement: usize, tokens: Vec<u32>) {
        if self.required[requirement].contains(&tokens) {
            self.met += 1;
        } else {
            self.begun = Some((requirement, tokens));
        }
    }
}

/// Chooses which beams live on by dynamic beam allocation (Post and Vilar, 2018, vectorised by Hu et al., 2019): the best
/// of each bank in turn, the banks that have made the most progress first, until `width` beams are chosen.
///
/// `beams` has a bank and a score for each beam. Returns indices of `beams`, in the order in which they are chosen.
pub(super) fn allocate_banks(beams: &[(usize, f32)], width: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..beams.len()).collect();
    order.sort_by(|a, b| beams[*b].0.cmp(&beams[*a].0).then(beams[*b].1.total_cmp(&beams[*a].1)));
    // The place of each beam within its bank.
    let mut chosen: Vec<(usize, usize)> = order
        .chunk_by(|a, b| beams[*a].0 == beams[*b].0)
        .flat_map(|bank| bank.iter().copied().enumerate())
        .collect();
    chosen.sort_by_key(|(place, _)| *place);
    chosen.into_iter().take(width).map(|(_, beam)| beam).collect()
}

/// Collects the ids without duplicates, in the order in which they first occur.
fn distinct(ids: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut kept = Vec::new();
    for id in ids {
        if !kept.contains(&id) {
            kept.push(id);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_follows_sequences_and_begins_anew() {
        let required = [vec![vec![5, 6, 7]], vec![vec![1, 2], vec![1, 3, 4], vec![8]]];
        let after = |ids: &[u32]| {
            let progress = ConstraintProgress::after_tokens(&required, ids);
            (progress.next_tokens(), progress.bank(), progress.is_complete())
        };
        assert_eq!(after(&[]), (vec![5, 1, 8], 0, false));
        assert_eq!(after(&[9, 5]), (vec![6], 1, false));
        // A token that breaks off a sequence may begin it anew.
        assert_eq!(after(&[5, 6, 5]), (vec![6], 1, false));
        assert_eq!(after(&[5, 6, 9]), (vec![1, 8, 5], 0, false));
        assert_eq!(after(&[1]), (vec![2, 3], 1, false));
        assert_eq!(after(&[1, 3, 4, 9]), (vec![5], 3, false));
        assert_eq!(after(&[8, 5, 6, 7, 9]), (vec![], 6, true));
        assert!(ConstraintProgress::after_tokens(&[vec![], vec![vec![]]], &[]).is_complete());
    }

    #[test]
    fn banks_take_turns() {
        let beams = [(0, -1.0), (2, -9.0), (0, -0.5), (2, -8.0), (1, -3.0)];
        assert_eq!(allocate_banks(&beams, 4), [3, 4, 2, 1]);
        assert_eq!(allocate_banks(&beams, 9), [3, 4, 2, 1, 0]);
        assert_eq!(allocate_banks(&[], 3), [0usize; 0]);
    }
}
