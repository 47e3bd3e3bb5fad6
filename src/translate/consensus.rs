//! Minimum Bayes risk: which of several translations of a text agrees best with the others.
//!
//! The utility is chrF2 of two sentences, the other taken for the reference, as in Eikema and Aziz (2022) and Freitag et al. (2022).

use std::cmp::Ordering;

/// The longest n-gram of characters that counts, as in `score`.
const ORDERS: usize = 6;
/// Bits of a character.
const BITS: u32 = 21;

/// The n-grams of a text, white space left out: of each order, ascending, as numbers.
struct Grams([Vec<u128>; ORDERS]);

impl Grams {
    fn of(text: &str) -> Self {
        let chars: Vec<u128> = text
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(|c| u128::from(u32::from(c)))
            .collect();
        Self(std::array::from_fn(|order| {
            let number = |gram: &[u128]| gram.iter().fold(0, |number, c| number << BITS | c);
            let mut grams: Vec<u128> = chars.windows(order + 1).map(number).collect();
            grams.sort_unstable();
            grams
        }))
    }

    /// chrF2 against a reference, from 0 to 1.
    fn likeness(&self, reference: &Self) -> f64 {
        let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
        for (left, right) in self.0.iter().zip(&reference.0) {
            if !left.is_empty() && !right.is_empty() {
                let both = common(left, right) as f64;
                precision += both / left.len() as f64;
                recall += both / right.len() as f64;
                orders += 1.0;
            }
        }
        match precision + recall > 0.0 {
            true => 5.0 * precision * recall / (4.0 * precision + recall) / orders,
            false => 0.0,
        }
    }
}

/// How many items two ascending lists share, each as often as both have it.
fn common(left: &[u128], right: &[u128]) -> usize {
    let (mut i, mut j, mut both) = (0, 0, 0);
    while let (Some(a), Some(b)) = (left.get(i), right.get(j)) {
        match a.cmp(b) {
            Ordering::Less => i += 1,
            Ordering::Greater => j += 1,
            Ordering::Equal => (i, j, both) = (i + 1, j + 1, both + 1),
        }
    }
    both
}

/// Which of these texts is the best translation of one source: by its mean chrF2 against all of them, from 0 to 1, and `weight`
/// times its own score. The first of equals, none of none.
pub fn consensus(texts: &[(&str, f64)], weight: f64) -> Option<usize> {
    let mut distinct: Vec<(usize, f64, Grams)> = Vec::new();
    for (index, (text, _)) in texts.iter().enumerate() {
        match distinct.iter_mut().find(|(other, ..)| texts[*other].0 == *text) {
            Some((_, votes, _)) => *votes += 1.0,
            None => distinct.push((index, 1.0, Grams::of(text))),
        }
    }
    let worth = |(index, _, grams): &(usize, f64, Grams)| -> f64 {
        let votes = distinct
            .iter()
            .map(|(_, votes, reference)| votes * grams.likeness(reference));
        votes.sum::<f64>() / texts.len() as f64 + weight * texts[*index].1
    };
    let scored = distinct.iter().map(|one| (worth(one), one.0));
    let best = scored.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, index)| index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::score;

    #[test]
    fn likeness_is_chrf2_of_one_sentence() {
        let texts = [
            "The Cabinet approved a plan on March 12.",
            "On 12 March the cabinet approved the plan",
            "ฝนตกหนัก in Bangkok",
            "aaaa",
            "a",
        ];
        for left in texts {
            for right in texts {
                let expected = score(&[left], &[right]).expect("a score").chrf2 / 100.0;
                let got = Grams::of(left).likeness(&Grams::of(right));
                assert!((got - expected).abs() < 1e-12, "{left} {right}: {got} {expected}");
            }
        }
        assert_eq!(Grams::of("").likeness(&Grams::of("a")), 0.0);
        assert_eq!(Grams::of("a").likeness(&Grams::of(" ")), 0.0);
    }

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
