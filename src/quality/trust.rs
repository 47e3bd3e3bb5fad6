//! The trust score: one number for what is known of a segment.

use crate::document::{Finding, Flag};

/// Computes how far a translation can be trusted by its findings and, if there is one, the mean natural log-probability
/// of its tokens: 1 if nothing looks wrong, near 0 if it is no translation.
///
/// Each finding multiplies the score by what its flag leaves of it; a further finding of the same flag by the square root
/// of that. The weights are judged by how much of the meaning is at stake and how rarely the flag is wrong; they are not
/// measured. An improbable output loses at most a fifth.
pub fn trust_score(findings: &[Finding], mean_log_probability: Option<f64>) -> f64 {
    let kept = |(index, finding): (usize, &Finding)| {
        let weight = flag_weight(finding.flag);
        let is_first = findings[..index].iter().all(|other| other.flag != finding.flag);
        if is_first { weight } else { weight.sqrt() }
    };
    let sound: f64 = findings.iter().enumerate().map(kept).product();
    let sure = mean_log_probability.map_or(1.0, |score| 0.8 + 0.2 * score.min(0.0).exp());
    sound * sure
}

/// Returns the share of the trust in a translation that a flag leaves.
fn flag_weight(flag: Flag) -> f64 {
    match flag {
        Flag::Empty => 0.01,
        Flag::Repetition => 0.02,
        Flag::Truncated => 0.05,
        Flag::Encoding | Flag::Untranslated | Flag::CopiedExample => 0.2,
        Flag::Date | Flag::Money | Flag::Number | Flag::Time => 0.3,
        Flag::Omission => 0.4,
        Flag::Negation | Flag::Name | Flag::Length => 0.5,
        Flag::Unit | Flag::Addition => 0.6,
        Flag::Inconsistent => 0.7,
        Flag::Similar => 0.8,
        Flag::NoThai | Flag::Divided | Flag::Mended => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worse_flags_and_more_of_them_leave_less_trust() {
        let score = |flags: &[Flag]| {
            let findings: Vec<Finding> = flags.iter().copied().map(Finding::from).collect();
            trust_score(&findings, None)
        };
        assert_eq!(score(&[Flag::Divided, Flag::Mended]), 1.0);
        let worse = [
            score(&[]),
            score(&[Flag::Inconsistent]),
            score(&[Flag::Omission]),
            score(&[Flag::Number]),
            score(&[Flag::Number, Flag::Number]),
            score(&[Flag::Number, Flag::Date]),
            score(&[Flag::Repetition]),
            score(&[Flag::Empty]),
        ];
        assert!(worse.is_sorted_by(|a, b| a > b), "{worse:?}");
        assert!(trust_score(&[], Some(-0.1)) > trust_score(&[], Some(-2.0)));
        assert!(trust_score(&[], Some(-9.0)) > score(&[Flag::Similar]) - 1e-9);
    }
}
