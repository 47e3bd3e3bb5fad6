//! Passages: a text cut at the places of the findings about it, so that a page can mark them.

use super::{Finding, Flag};
use crate::span::Span;

/// A piece of a text, and the flags of the findings whose place covers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage<'t> {
    /// The piece; never empty.
    pub text: &'t str,
    /// The flags of the findings about it, each once; empty where nothing is said of it.
    pub flags: Vec<Flag>,
}

/// One of the two texts of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The Thai text.
    Source,
    /// The translation.
    Target,
}

impl Finding {
    /// Returns the byte range that the finding is about in `text`, which is the segment's text on that side. The range
    /// is cut off at the end of the text and widened to whole characters, since a file that somebody edited may have any
    /// numbers. None if it is about no place there, or about an empty one.
    pub fn place_in(&self, text: &str, side: Side) -> Option<Span> {
        let span = match side {
            Side::Source => self.source,
            Side::Target => self.target,
        }?;
        let start = text.floor_char_boundary(span.start);
        let end = text.ceil_char_boundary(span.end);
        (span.start < span.end && start < end).then_some(Span { start, end })
    }
}

/// Cuts `text`, a segment's text on one side, wherever the place of a finding begins or ends. Places may overlap. The
/// passages follow each other without a gap. The time is linear in the text, and a sort of the places.
pub fn divide_into_passages<'t, 'f>(
    text: &'t str,
    side: Side,
    findings: impl Iterator<Item = &'f Finding>,
) -> Vec<Passage<'t>> {
    // At each edge, the flags whose places begin (true) and end (false) there.
    let mut edges: Vec<(usize, bool, Flag)> = Vec::new();
    for finding in findings {
        if let Some(place) = finding.place_in(text, side) {
            edges.extend([(place.start, true, finding.flag), (place.end, false, finding.flag)]);
        }
    }
    edges.sort();
    let mut passages = Vec::new();
    let mut open = [0usize; Flag::ALL.len()];
    let mut start = 0;
    for (end, begins, flag) in edges.into_iter().chain([(text.len(), false, Flag::NoThai)]) {
        if start < end {
            let is_open = |flag: &Flag| open[*flag as usize] > 0;
            passages.push(Passage {
                text: &text[start..end],
                flags: Flag::ALL.into_iter().filter(is_open).collect(),
            });
            start = end;
        }
        let count = &mut open[flag as usize];
        *count = if begins { *count + 1 } else { count.saturating_sub(1) };
    }
    passages
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn finding(flag: Flag, target: (usize, usize)) -> Finding {
        Finding::new(flag, None, Some(target.into()), "")
    }

    fn divide<'t>(text: &'t str, findings: &[Finding]) -> Vec<(&'t str, Vec<Flag>)> {
        let passages = divide_into_passages(text, Side::Target, findings.iter());
        passages.into_iter().map(|one| (one.text, one.flags)).collect()
    }

    #[test]
    fn overlapping_places_are_told_apart() {
        let findings = [
            finding(Flag::Number, (6, 11)),
            finding(Flag::Date, (3, 9)),
            finding(Flag::Date, (3, 6)),
        ];
        assert_eq!(
            divide("on 9 January 2023", &findings),
            [
                ("on ", vec![]),
                ("9 J", vec![Flag::Date]),
                ("anu", vec![Flag::Date, Flag::Number]),
                ("ar", vec![Flag::Number]),
                ("y 2023", vec![]),
            ]
        );
        assert_eq!(divide("", &findings), []);
        assert_eq!(divide("ab", &[]), [("ab", vec![])]);
    }

    #[test]
    fn places_are_widened_to_characters_and_cut_at_the_end() {
        assert_eq!(
            divide("กขค", &[finding(Flag::Date, (4, 5))]),
            [("ก", vec![]), ("ข", vec![Flag::Date]), ("ค", vec![])]
        );
        assert_eq!(
            divide("ab", &[finding(Flag::Date, (1, usize::MAX))]),
            [("a", vec![]), ("b", vec![Flag::Date])]
        );
        for nowhere in [(1, 1), (2, 1), (2, 9), (7, 9)] {
            assert_eq!(
                divide("ab", &[finding(Flag::Date, nowhere)]),
                [("ab", vec![])],
                "{nowhere:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_is_lost_at_any_places(text in any::<String>(), places in prop::collection::vec((0usize..40, 0usize..40), 0..6)) {
            let findings: Vec<Finding> = Flag::ALL.into_iter().zip(places).map(|(flag, place)| finding(flag, place)).collect();
            let passages = divide(&text, &findings);
            prop_assert!(passages.iter().all(|(piece, _)| !piece.is_empty()));
            prop_assert_eq!(passages.iter().map(|(piece, _)| *piece).collect::<String>(), text);
        }
    }
}
