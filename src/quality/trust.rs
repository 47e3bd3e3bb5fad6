//! The trust score: one number for what is known of a segment.

use crate::document::{Finding, Severity};

/// Computes how far a translation can be trusted by its findings and, if there is one, the mean natural log-probability
/// of its tokens: 1 if nothing looks wrong, near 0 if it is no translation.
pub fn trust_score(findings: &[Finding], mean_log_probability: Option<f64>) -> f64 {
    let kept = |finding: &Finding| match finding.flag.severity() {
        Severity::Note => 1.0,
        Severity::Warning => 0.3,
        Severity::Failure => 0.02,
    };
    let sound: f64 = findings.iter().map(kept).product();
    let sure = mean_log_probability.map_or(1.0, |score| 0.8 + 0.2 * score.min(0.0).exp());
    sound * sure
}
