//! Repairs: which texts a translation should contain, as far as checks know it, and what stands there instead.
//!
//! The translator decodes again so that one of the forms is written. A check that knows what is right has a row in
//! `REPAIRERS`.

use super::REPAIRERS;
use crate::span::Span;

/// A text that every translation of a source should contain, in one of several forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedText {
    /// Its place in the source.
    pub source: Span,
    /// Its English forms, the best first; at least one.
    pub forms: Vec<String>,
}

/// A text that a translation lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The text that the translation should contain.
    pub expected: ExpectedText,
    /// The place, in the translation, of the wrong text that stands there instead; `None` if nothing does.
    pub unwanted: Option<Span>,
}

/// The functions of a check that knows which texts are right.
pub(super) struct Repairer {
    /// Lists the expected texts of a source.
    pub list_expected: fn(&str) -> Vec<ExpectedText>,
    /// Lists what is missing or wrong in the translation of a source.
    pub list_repairs: fn(&str, &str) -> Vec<Repair>,
    /// Lists the places of a translation where such texts stand, right or wrong.
    pub list_places: fn(&str) -> Vec<Span>,
}

/// Lists the texts that every translation of a source should contain.
pub fn list_expected_texts(source: &str) -> Vec<ExpectedText> {
    REPAIRERS
        .iter()
        .flat_map(|repairer| (repairer.list_expected)(source))
        .collect()
}

/// Lists the texts that a translation lacks, with what stands in their places.
pub fn list_repairs(source: &str, target: &str) -> Vec<Repair> {
    REPAIRERS
        .iter()
        .flat_map(|repairer| (repairer.list_repairs)(source, target))
        .collect()
}

/// Lists the places of a translation at which no missing text belongs, because another one stands there.
pub fn list_settled_places(target: &str) -> Vec<Span> {
    REPAIRERS
        .iter()
        .flat_map(|repairer| (repairer.list_places)(target))
        .collect()
}
