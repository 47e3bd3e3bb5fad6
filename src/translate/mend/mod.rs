//! Mending: numbers and dates of a finished translation are put right in its text, without decoding.
//!
//! Mending takes a source and a translation and looks at nothing else, so it may be applied to a translation that a
//! memory made long ago, and twice in a row changes nothing more. It does four things, in this order:
//!
//! 1. Thai digits become Arabic ones (`text`).
//! 2. Years of the Buddhist era that were carried over or counted twice become years of the common era (`years`).
//! 3. A value that disagrees with the one value of the source that it can stand for is written anew, in the style of the
//!    translation; and so is a unit that disagrees after a number that is right (`values`).
//! 4. The years that the source names are written in the era that the user wants (`years`).
//!
//! Whatever makes a value right is reported as [`Flag::Mended`], with the text that stood there before.

mod rule;
#[cfg(test)]
mod tests;
mod text;
mod values;
mod years;

pub use rule::translate_by_rule;
pub use text::MendedText;

use crate::document::{Era, Finding, Findings, Flag};

/// Mends the numbers and dates of a translation of `source`, and writes its years in `era`.
///
/// `check` returns the findings of a text as a translation of `source`. A value is written anew only if no kind of
/// warning becomes more frequent by it. Text that is no translation, such as a loop, is left as it is.
pub fn mend_translation(source: &str, target: MendedText, era: Era, check: &dyn Fn(&str) -> Findings) -> MendedText {
    if check(target.text()).has_failure() {
        return target;
    }
    let mut target = target;
    target.write_arabic_digits();
    // Values are compared and mended in the common era.
    let target = years::write_years(source, target, Era::Ce);
    let target = values::mend_values(source, target, check);
    let target = values::mend_units(source, target, check);
    years::write_years(source, target, era)
}

/// Lists the texts that a machine's translation `target` of `source` may have become in an output: mended, in each era,
/// and what the rules for lines of dates and numbers make of the source.
pub fn list_mended_forms(source: &str, target: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for era in Era::ALL {
        forms.extend(translate_by_rule(source, era));
        let unmended = MendedText::new(target.to_owned(), Vec::new());
        // Without checks, more is mended than with them, and nothing else.
        forms.push(
            mend_translation(source, unmended, era, &|_| Findings::default())
                .into_parts()
                .0,
        );
        let unmended = MendedText::new(target.to_owned(), Vec::new());
        forms.push(years::write_years(source, unmended, era).into_parts().0);
    }
    forms
}

/// Whether no kind of warning is more frequent in `after` than in `before`.
fn adds_no_warning(before: &Findings, after: &Findings) -> bool {
    let count = |findings: &Findings, flag: Flag| findings.iter().filter(|finding| finding.flag == flag).count();
    after
        .warnings()
        .all(|finding: &Finding| count(after, finding.flag) <= count(before, finding.flag))
}
