//! Writes a value that disagrees with the source anew, where there is only one value that it can stand for.

use super::adds_no_warning;
use super::text::MendedText;
use crate::document::Findings;
use crate::thai::quantity::{
    Date, MismatchKind, Quantity, QuantityValue, compare_quantities, rename_english_unit, write_in_style,
};
use std::mem::discriminant;

/// The most values of one translation that are mended.
const MAX_MENDED_VALUES: usize = 8;
/// The most disagreeing values on both sides together among which pairs are looked for.
const MAX_DISAGREEING: usize = 32;

/// Writes values of the translation anew that disagree with the source. A value is mended if it and a value of the
/// source are the only ones of their kind without a counterpart, or if the two are alike in a way that no others are:
/// dates with a part in common, amounts with the same digits.
pub fn mend_values(source: &str, mut target: MendedText, check: &dyn Fn(&str) -> Findings) -> MendedText {
    let mut before = Disagreement::find(source, target.text());
    for _ in 0..MAX_MENDED_VALUES {
        let better = before.pairs().into_iter().find_map(|(right, wrong)| {
            if is_part_of_compound(target.text(), wrong) || is_one(right) {
                return None;
            }
            let new = write_in_style(right, right.span.of(source), wrong, wrong.span.of(target.text()))?;
            let mut mended = target.clone();
            mended.mend(wrong.span, &new, Some(right.span));
            let after = Disagreement::find(source, mended.text());
            let is_better =
                after.count() < before.count() && adds_no_warning(&check(target.text()), &check(mended.text()));
            is_better.then_some((mended, after))
        });
        let Some((mended, after)) = better else { break };
        (target, before) = (mended, after);
    }
    target
}

/// Writes other units after numbers that are right, where the source has another unit of the same kind.
pub fn mend_units(source: &str, mut target: MendedText, check: &dyn Fn(&str) -> Findings) -> MendedText {
    let wrong_units = |target: &str| {
        let mut mismatches = compare_quantities(source, target);
        mismatches.retain(|mismatch| mismatch.kind == MismatchKind::Unit);
        mismatches
    };
    for _ in 0..MAX_MENDED_VALUES {
        let wrong = wrong_units(target.text());
        let better = wrong.iter().find_map(|mismatch| {
            let (right, number) = (mismatch.source.as_ref()?, mismatch.target.as_ref()?);
            let (from, to) = (mismatch.target_unit?, mismatch.source_unit?);
            let (place, name) = rename_english_unit(target.text(), number.span.end, from, to)?;
            let mut mended = target.clone();
            mended.mend(place, name, Some(right.span));
            let is_better = wrong_units(mended.text()).len() < wrong.len()
                && adds_no_warning(&check(target.text()), &check(mended.text()));
            is_better.then_some(mended)
        });
        let Some(better) = better else { break };
        target = better;
    }
    target
}

/// The quantities that a source and its translation do not have in common.
struct Disagreement {
    source: Vec<Quantity>,
    target: Vec<Quantity>,
}

impl Disagreement {
    fn find(source: &str, target: &str) -> Self {
        let mismatches = compare_quantities(source, target);
        let (source, target) = mismatches
            .into_iter()
            .map(|mismatch| (mismatch.source, mismatch.target))
            .unzip::<_, _, Vec<_>, Vec<_>>();
        // A range may be listed as a whole and by its values, and is mended as a whole.
        let distinct = |quantities: Vec<Option<Quantity>>| {
            let mut quantities: Vec<Quantity> = quantities.into_iter().flatten().collect();
            quantities.sort_by_key(|quantity| (quantity.span, quantity.second.is_none()));
            quantities.dedup_by_key(|quantity| quantity.span);
            quantities
        };
        Self {
            source: distinct(source),
            target: distinct(target),
        }
    }

    fn count(&self) -> usize {
        self.source.len() + self.target.len()
    }

    /// Lists the pairs of a quantity of the source and one of the translation that should be the same.
    fn pairs(&self) -> Vec<(&Quantity, &Quantity)> {
        if self.count() > MAX_DISAGREEING {
            return Vec::new();
        }
        let relations: [fn(&Quantity, &Quantity) -> bool; 4] =
            [is_alike, is_of_same_kind, is_year_as_number, is_number_of_other_kind];
        let mut pairs: Vec<(&Quantity, &Quantity)> = Vec::new();
        for relation in relations {
            for source in &self.source {
                let mut targets = self.target.iter().filter(|target| relation(source, target));
                let (Some(target), None) = (targets.next(), targets.next()) else {
                    continue;
                };
                let is_only = self.source.iter().filter(|other| relation(other, target)).count() == 1;
                if is_only && !pairs.contains(&(source, target)) {
                    pairs.push((source, target));
                }
            }
        }
        pairs
    }
}

/// Whether two values of one kind are alike though they disagree: dates with a part in common, amounts with the same
/// digits.
fn is_alike(a: &Quantity, b: &Quantity) -> bool {
    match (&a.value, &b.value) {
        (QuantityValue::Date(a), QuantityValue::Date(b)) => has_common_part(*a, *b),
        (a, b) => match (amount_digits(a), amount_digits(b)) {
            (Some(digits), Some(other)) => digits == other && discriminant(a) == discriminant(b),
            _ => false,
        },
    }
}

fn has_common_part(a: Date, b: Date) -> bool {
    a.year.is_some() && a.year == b.year || a.month.is_some() && a.month == b.month || a.day.is_some() && a.day == b.day
}

/// Returns the digits of an amount without the zeros around them: 3 for 300 and for 3 million.
fn amount_digits(value: &QuantityValue) -> Option<String> {
    let (QuantityValue::Number(amount) | QuantityValue::Money(amount, _) | QuantityValue::Percent(amount)) = value
    else {
        return None;
    };
    let digits: String = amount.to_string().chars().filter(char::is_ascii_digit).collect();
    Some(digits.trim_matches('0').to_owned())
}

fn is_of_same_kind(a: &Quantity, b: &Quantity) -> bool {
    discriminant(&a.value) == discriminant(&b.value)
}

/// Whether a year or a day of the source may be a number in the translation.
fn is_year_as_number(a: &Quantity, b: &Quantity) -> bool {
    let QuantityValue::Date(date) = a.value else {
        return false;
    };
    let number = match &b.value {
        QuantityValue::Number(number) => number.to_integer(),
        QuantityValue::Ordinal(number) => Some(*number),
        _ => None,
    };
    match (date.year, date.month, date.day) {
        (Some(_), None, None) => number.is_some_and(|number| (1000..3200).contains(&number)),
        (None, None, Some(_)) => number.is_some_and(|number| (1..=31).contains(&number)),
        _ => false,
    }
}

/// Whether the two are a number and an amount of money, of which the translation may have left out the currency.
fn is_number_of_other_kind(a: &Quantity, b: &Quantity) -> bool {
    use QuantityValue::{Money, Number, Ordinal};
    matches!(
        (&a.value, &b.value),
        (Money(..) | Number(_) | Ordinal(_), Money(..) | Number(_) | Ordinal(_))
    )
}

/// Whether a hyphen joins a plain number to its unit, as in 56-year-old: then it counts what the unit says, which the
/// value of the source need not.
fn is_part_of_compound(text: &str, quantity: &Quantity) -> bool {
    let rest = &text[quantity.span.end..];
    matches!(quantity.value, QuantityValue::Number(_))
        && rest
            .strip_prefix('-')
            .is_some_and(|rest| rest.starts_with(char::is_alphabetic))
}

/// Whether a quantity is the number one alone, which English mostly says in another way: 1 หลัง is a house.
fn is_one(quantity: &Quantity) -> bool {
    quantity.second.is_none()
        && matches!(&quantity.value, QuantityValue::Number(amount) if amount.to_integer() == Some(1))
}
