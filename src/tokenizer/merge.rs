//! Byte-pair encoding by scores: repeatedly merges the two neighbours whose joined piece has the highest score, the
//! leftmost of equals, until no neighbours form a piece (bpe_model.cc of sentencepiece, `llm_tokenizer_spm` of
//! llama.cpp).

use std::collections::BinaryHeap;

/// The index that stands for no symbol, before the first and after the last.
const NO_NEIGHBOUR: usize = usize::MAX;

/// A symbol of byte-pair encoding: the piece `start..end` of the text, in bytes. Empty after it has been merged into
/// the symbol before it.
pub struct MergeSymbol {
    pub start: usize,
    pub end: usize,
    /// The index in the list of the symbol before this one, or [`NO_NEIGHBOUR`].
    previous: usize,
    /// The index in the list of the symbol after this one, or [`NO_NEIGHBOUR`].
    next: usize,
}

/// A possible merge of two neighbouring symbols. Merges are ordered by score; of equal scores, the leftmost is the
/// greatest.
struct MergeCandidate {
    score: f32,
    left: usize,
    right: usize,
    /// The length in bytes of the merged piece when the merge was proposed, to recognise proposals that have become
    /// stale.
    len: usize,
}

impl Ord for MergeCandidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for MergeCandidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for MergeCandidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for MergeCandidate {}

/// Merges the characters of a text from byte `start` on; `ends` has the byte offset at which each character ends.
///
/// `score(start, middle, end)` must return the score of the piece that `start..middle` and `middle..end` form, or
/// `None` if they form none. Returns the symbols that are left, in order. The time is proportional to n log n for n
/// characters.
pub fn merge_symbols(
    mut start: usize,
    ends: &[usize],
    mut score: impl FnMut(usize, usize, usize) -> Option<f32>,
) -> Vec<MergeSymbol> {
    let mut list: Vec<MergeSymbol> = Vec::with_capacity(ends.len());
    for (index, &end) in ends.iter().enumerate() {
        list.push(MergeSymbol {
            start,
            end,
            previous: index.checked_sub(1).unwrap_or(NO_NEIGHBOUR),
            next: index + 1,
        });
        start = end;
    }
    if let Some(last) = list.last_mut() {
        last.next = NO_NEIGHBOUR;
    }
    let mut propose = |list: &[MergeSymbol], left: usize, right: usize| {
        let (a, b) = (&list[left], &list[right]);
        score(a.start, b.start, b.end).map(|score| MergeCandidate {
            score,
            left,
            right,
            len: b.end - a.start,
        })
    };
    let all = 0..list.len().saturating_sub(1);
    let mut queue = BinaryHeap::from_iter(all.filter_map(|left| propose(&list, left, left + 1)));
    while let Some(MergeCandidate { left, right, len, .. }) = queue.pop() {
        // The proposal is stale if one of its symbols has been merged since.
        let stale = list[left].end == list[left].start
            || list[right].end == list[right].start
            || list[right].end - list[left].start != len;
        if stale {
            continue;
        }
        list[left].end = list[right].end;
        list[right].start = list[right].end;
        let next = list[right].next;
        list[left].next = next;
        if next != NO_NEIGHBOUR {
            list[next].previous = left;
            queue.extend(propose(&list, left, next));
        }
        let previous = list[left].previous;
        if previous != NO_NEIGHBOUR {
            queue.extend(propose(&list, previous, left));
        }
    }
    list.retain(|symbol| symbol.start < symbol.end);
    list
}
