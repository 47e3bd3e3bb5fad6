//! A difference between a source and its translation: a quantity of one side, or a pair, with its wording for readers.

use super::kind::BUDDHIST_ERA_OFFSET_YEARS;
use super::{Quantity, QuantityValue};
use std::fmt;

/// A quantity that a source and its translation do not have in common.
///
/// If both sides are given, the translation has `target` where it should have `source`; if only one is given, the
/// translation lacks it or adds it. [`fmt::Display`] writes the values: `source 2023-11-09, target 2023-01-09`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The quantity of the source, with its span in the source; `None` if the translation adds a quantity.
    pub source: Option<Quantity>,
    /// The quantity of the translation, with its span in the translation; `None` if the translation lacks a quantity.
    pub target: Option<Quantity>,
    /// The kind of quantity that differs.
    pub kind: MismatchKind,
    /// Symbol of the unit of measure after the source's quantity, such as `km`; `None` if there is no known unit.
    pub source_unit: Option<&'static str>,
    /// Symbol of the unit of measure after the translation's quantity.
    pub target_unit: Option<&'static str>,
}

/// The kind of quantity that differs in a [`Mismatch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MismatchKind {
    /// A number, an ordinal, a fraction, a percentage or a code.
    Number,
    /// A date, a part of a date, or a decade.
    Date,
    /// A time of day.
    Time,
    /// An amount of money, or its currency.
    Money,
    /// A unit: the number is right and its unit is another.
    Unit,
}

impl Mismatch {
    /// Says in words how the year of the target came about, if it is off by the years between the two eras.
    fn explain_year(&self) -> Option<&'static str> {
        let year = |quantity: &Option<Quantity>| match quantity.as_ref()?.value {
            QuantityValue::Date(date) => date.year,
            QuantityValue::Number(amount) => i32::try_from(amount.to_integer()?).ok(),
            _ => None,
        };
        if self.kind != MismatchKind::Date {
            return None;
        }
        match year(&self.target)?.checked_sub(year(&self.source)?)? {
            BUDDHIST_ERA_OFFSET_YEARS => Some("year of the Buddhist era, not converted"),
            TWICE_THE_OFFSET => Some("543 years added instead of taken off"),
            NEGATIVE_OFFSET => Some("543 years taken off a year of the common era"),
            _ => None,
        }
    }
}

const TWICE_THE_OFFSET: i32 = 2 * BUDDHIST_ERA_OFFSET_YEARS;
const NEGATIVE_OFFSET: i32 = -BUDDHIST_ERA_OFFSET_YEARS;

/// Writes the values: `source 2023-11-09, target 2023-01-09`, `source 5 km, target 5 mi`, `source 250, missing in the
/// target`, `target 250, not in the source`.
impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with_unit = |quantity: &Quantity, unit: Option<&str>| match unit {
            Some(unit) => format!("{quantity} {unit}"),
            None => quantity.to_string(),
        };
        let source = self
            .source
            .as_ref()
            .map(|quantity| with_unit(quantity, self.source_unit));
        let target = self
            .target
            .as_ref()
            .map(|quantity| with_unit(quantity, self.target_unit));
        match (source, target) {
            (Some(source), Some(target)) => write!(f, "source {source}, target {target}"),
            (Some(source), None) => write!(f, "source {source}, missing in the target"),
            (None, Some(target)) => write!(f, "target {target}, not in the source"),
            (None, None) => Ok(()),
        }?;
        match self.explain_year() {
            Some(words) => write!(f, " ({words})"),
            None => Ok(()),
        }
    }
}
