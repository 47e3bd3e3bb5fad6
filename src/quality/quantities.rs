//! A quality check for numbers, dates, times, amounts of money and units that differ between the two texts.

use super::{CheckedPair, ExpectedText, Repair};
use crate::document::{Finding, Flag};
use crate::span::Span;
use crate::thai::quantity::{
    Language, Mismatch, MismatchKind, Quantity, compare_quantities, english_forms, find_quantities,
};

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
    let span = |quantity: &Option<Quantity>| quantity.as_ref().map(|quantity| quantity.span);
    Finding::new(
        flag,
        span(&mismatch.source),
        span(&mismatch.target),
        mismatch.to_string(),
    )
}

/// Lists the quantities of a source that English has forms for.
pub(super) fn list_expected_quantities(source: &str) -> Vec<ExpectedText> {
    let quantities = find_quantities(source, Language::Thai);
    quantities.iter().filter_map(expect_quantity).collect()
}

/// Lists the quantities that a translation lacks or changes and that English has forms for.
pub(super) fn list_quantity_repairs(source: &str, target: &str) -> Vec<Repair> {
    let mismatches = compare_quantities(source, target);
    let repairs = mismatches.iter().filter_map(|mismatch| {
        Some(Repair {
            expected: expect_quantity(mismatch.source.as_ref()?)?,
            unwanted: mismatch.target.as_ref().map(|quantity| quantity.span),
        })
    });
    repairs.collect()
}

/// Lists the places of the quantities in a translation.
pub(super) fn list_quantity_places(target: &str) -> Vec<Span> {
    let quantities = find_quantities(target, Language::English);
    quantities.iter().map(|quantity| quantity.span).collect()
}

fn expect_quantity(quantity: &Quantity) -> Option<ExpectedText> {
    let forms = english_forms(quantity);
    (!forms.is_empty()).then_some(ExpectedText {
        source: quantity.span,
        forms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::FinishReason;

    /// Lists the findings of a pair: flag, words in the source and in the target, and detail.
    fn list_findings(source: &str, target: &str) -> Vec<String> {
        let pair = CheckedPair {
            source,
            target,
            finish: FinishReason::Stop,
            examples: &[],
        };
        let words =
            |span: Option<crate::span::Span>, text: &str| span.map_or("-".to_owned(), |span| span.of(text).to_owned());
        check_quantities(&pair)
            .iter()
            .map(|finding| {
                let (source, target) = (words(finding.source, source), words(finding.target, target));
                format!("{}: {source} / {target} ({})", finding.flag.name(), finding.detail)
            })
            .collect()
    }

    #[test]
    fn findings_say_where_and_what() {
        for (source, target, findings) in [
            // The example article: the month is wrong and the year was guessed.
            (
                "แถลงข่าว วันพฤหัสบดี 09 พฤศจิกายน 2023",
                "Press release, Thursday, 09 January 2023",
                &[
                    "date: วันพฤหัสบดี 09 พฤศจิกายน 2023 / Thursday, 09 January 2023 (source Thu 2023-11-09, target Thu 2023-01-09)",
                ][..],
            ),
            (
                "การประชุมจัดขึ้นวันที่ 9 พฤศจิกายน 2566",
                "The meeting is on November 9, 2023.",
                &[],
            ),
            (
                "การประชุมจัดขึ้นวันที่ 9 พฤศจิกายน 2566",
                "The meeting is on November 9, 2566.",
                &[
                    "date: 9 พฤศจิกายน 2566 / November 9, 2566 (source 2023-11-09, target 2566-11-09 (year of the Buddhist era, not converted))",
                ],
            ),
            (
                "เริ่มเวลา ๑๐.๓๐ น. มีผู้ร่วมงาน ๒๕๐ คน",
                "It begins at 11:30 with 205 guests.",
                &[
                    "time: ๑๐.๓๐ น. / 11:30 (source 10:30, target 11:30?)",
                    "number: ๒๕๐ / 205 (source 250, target 205)",
                ],
            ),
            (
                "งบประมาณ 3 แสนล้านบาท โตร้อยละ 5",
                "A budget of 300 million baht, up five percent",
                &["money: 3 แสนล้านบาท / 300 million baht (source 300000000000 THB, target 300000000 THB)"],
            ),
            (
                "ห่างออกไป 12 กม.",
                "It is 12 miles away.",
                &["unit: 12 / 12 (source 12 km, target 12 mi)"],
            ),
            (
                "โทร 02-123-4567 ต่อ 15",
                "Call 02-123-4576, extension 15",
                &["number: 02-123-4567 / 02-123-4576 (source id 021234567, target id 021234576)"],
            ),
            (
                "มีแมว 3 ตัว",
                "There are cats.",
                &["number: 3 / - (source 3, missing in the target)"],
            ),
            (
                "มีแมว",
                "There are 3 cats.",
                &["number: - / 3 (target 3, not in the source)"],
            ),
        ] {
            assert_eq!(list_findings(source, target), findings, "{target}");
        }
    }
}
