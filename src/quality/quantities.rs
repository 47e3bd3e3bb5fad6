//! A quality check for numbers, dates, times, amounts of money and units that differ between the two texts.

use super::CheckedPair;
use crate::document::{Finding, Flag};
use crate::thai::quantity::{Mismatch, MismatchKind, compare_quantities};

/// Flags each quantity that the translation lacks, adds or changes, with its places and values.
pub(super) fn check_quantities(pair: &CheckedPair) -> Vec<Finding> {
    compare_quantities(pair.source, pair.target)
        .iter()
        .map(make_finding)
        .collect()
}

fn make_finding(mismatch: &Mismatch) -> Finding {
    let flag = match mismatch.kind {
        MismatchKind::Number => Flag::Number,
        MismatchKind::Date => Flag::Date,
        MismatchKind::Time => Flag::Time,
        MismatchKind::Money => Flag::Money,
        MismatchKind::Unit => Flag::Unit,
    };
    let span = |quantity: &Option<_>| {
        quantity
            .as_ref()
            .map(|quantity: &crate::thai::quantity::Quantity| quantity.span)
    };
    Finding::new(
        flag,
        span(&mismatch.source),
        span(&mismatch.target),
        mismatch.to_string(),
    )
}
