//! Minimum Bayes risk: which of several translations of a text agrees best with the others.
//!
//! The utility is chrF2 of two sentences, the other taken for the reference, as in Eikema and Aziz (2022) and Freitag et al. (2022).

use crate::score::chrf2;

/// Which of these texts is the best translation of one source: by its mean chrF2 against all of them, from 0 to 1, and `weight`
/// times its own score. The first of equals, none of none.
pub fn consensus(texts: &[(&str, f64)], weight: f64) -> Option<usize> {
    let mut distinct: Vec<(usize, f64)> = Vec::new();
    for (index, (text, _)) in texts.iter().enumerate() {
        match distinct.iter_mut().find(|(other, _)| texts[*other].0 == *text) {
            Some((_, votes)) => *votes += 1.0,
            None => distinct.push((index, 1.0)),
        }
    }
    let worth = |(index, _): &(usize, f64)| -> f64 {
        let votes = distinct
            .iter()
            .map(|(other, votes)| votes * chrf2(texts[*index].0, texts[*other].0) / 100.0);
        votes.sum::<f64>() / texts.len() as f64 + weight * texts[*index].1
    };
    let scored = distinct.iter().map(|one| (worth(one), one.0));
    let best = scored.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, index)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_most_agree_with_wins_unless_another_scores_far_better() {
        let texts = [
            ("The dog is barking at the moon.", -1.0),
            ("The cat sat on a mat.", -1.0),
            ("A cat sat on the mat.", -1.0),
            ("The cat sat on the mat.", -1.2),
            ("Stock prices fell.", -1.0),
        ];
        assert_eq!(consensus(&texts, 0.0), Some(3));
        assert_eq!(consensus(&texts, 0.2), Some(3));
        assert_eq!(consensus(&texts, 2.0), Some(2));
        let plain = |texts: &[&str]| consensus(&texts.iter().map(|text| (*text, 0.0)).collect::<Vec<_>>(), 1.0);
        assert_eq!(plain(&["b", "a", "a"]), Some(1));
        assert_eq!(plain(&["", ""]), Some(0));
        assert_eq!(plain(&[]), None);
    }
}
