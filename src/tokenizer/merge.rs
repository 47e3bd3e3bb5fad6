//! Byte-pair encoding by piece scores: of all neighbours that form a piece, the best is merged first, the leftmost of equals.

use std::collections::BinaryHeap;

const NONE: usize = usize::MAX;

/// A stretch `start..end` of the text; empty once it has been merged into the one before it.
pub struct Symbol {
    pub start: usize,
    pub end: usize,
    previous: usize,
    next: usize,
}

/// A merge that could be made; ordered by score, then leftmost first.
struct Merge {
    score: f32,
    left: usize,
    right: usize,
    len: usize,
}

impl Ord for Merge {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Merge {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Merge {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Merge {}

/// Merges the characters of a stretch of text that begins at `start`, given by their ends, as far as `score` allows.
///
/// `score(start, middle, end)` is the score of the piece that `start..middle` and `middle..end` form, if they form one.
/// Returns the symbols that are left, in order; takes time in proportion to `n log n`.
pub fn merge(
    mut start: usize,
    ends: &[usize],
    mut score: impl FnMut(usize, usize, usize) -> Option<f32>,
) -> Vec<Symbol> {
    let mut list: Vec<Symbol> = Vec::with_capacity(ends.len());
    for (index, &end) in ends.iter().enumerate() {
        list.push(Symbol {
            start,
            end,
            previous: index.checked_sub(1).unwrap_or(NONE),
            next: index + 1,
        });
        start = end;
    }
    if let Some(last) = list.last_mut() {
        last.next = NONE;
    }
    let mut propose = |list: &[Symbol], left: usize, right: usize| {
        let (a, b) = (&list[left], &list[right]);
        score(a.start, b.start, b.end).map(|score| Merge {
            score,
            left,
            right,
            len: b.end - a.start,
        })
    };
    let all = 0..list.len().saturating_sub(1);
    let mut queue = BinaryHeap::from_iter(all.filter_map(|left| propose(&list, left, left + 1)));
    while let Some(Merge { left, right, len, .. }) = queue.pop() {
        // A symbol that was merged away, or has grown, makes the proposal stale.
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
        if next != NONE {
            list[next].previous = left;
            queue.extend(propose(&list, left, next));
        }
        let previous = list[left].previous;
        if previous != NONE {
            queue.extend(propose(&list, previous, left));
        }
    }
    list.retain(|symbol| symbol.start < symbol.end);
    list
}
