//! Choice among outputs that are there already: those with fewer wrong or missing values go first, whatever their scores.

use super::TranslationCall;
use crate::quality::list_repairs;

/// Sets a job's result to its best output: of several beams the one with the fewest wrong or missing values, then the
/// fewest warnings, then the best score.
pub(super) fn take_best_output(call: &mut TranslationCall, number: usize) {
    let outputs = std::mem::take(&mut call.jobs[number].outputs);
    let source = &call.jobs[number].text;
    let mut best = 0;
    if outputs.len() > 1 && call.options.mends_text() {
        let rate = |index: usize| {
            let text = call.text_of_output(&outputs[index]);
            let findings = call.check_text(source, &text, outputs[index].finish);
            (
                findings.has_failure(),
                count_faults(source, &text),
                findings.warnings().count(),
                index,
            )
        };
        let first = rate(0);
        // Checked only where the best beam gives a reason.
        if first.1 > 0 {
            let others = (1..outputs.len()).map(rate);
            best = others.fold(first, |best, other| best.min(other)).3;
        }
    }
    call.jobs[number].result = outputs.into_iter().nth(best);
}

/// Counts the values that a translation lacks or has wrong.
pub(super) fn count_faults(source: &str, target: &str) -> usize {
    list_repairs(source, target).len()
}
