//! Comparison: which quantities of a Thai text its English translation lacks, adds or changes.
//!
//! Each value of the source is assigned to at most one value of the translation, the best agreement first. What is left
//! over on one side is forgiven if the other side says it in another way (in parts, a second time, or in a word such as
//! both); the rest is paired up with what is left over on the other side.

use super::soft::{is_said_in_words, may_be_left_out};
use super::{Language, Quantity, QuantityPrecision, QuantityValue, find_quantities};
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
    /// What kind of quantity differs.
    pub kind: MismatchKind,
}

/// What differs in a [`Mismatch`].
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

/// Compares the quantities of a Thai text with those of its English translation.
///
/// Returns what differs in the order of the source, and then what the translation adds, in its order. Takes time nearly
/// proportional to the length of the texts. Quantities that a translation need not keep, such as the number one, which
/// may be an article or a pronoun, are reported only beside a quantity that contradicts them.
pub fn compare_quantities(source: &str, target: &str) -> Vec<Mismatch> {
    let mut comparison = Comparison::new(Side::new(source, Language::Thai), Side::new(target, Language::English));
    comparison.assign_best_pairs();
    comparison.swap_into_pairs();
    let mut mismatches = comparison.compare_date_parts();
    comparison.explain_by_parts();
    mismatches.extend(comparison.pair_up_rest());
    mismatches.sort_by_key(|mismatch| {
        let start = |quantity: &Option<Quantity>| quantity.as_ref().map_or(usize::MAX, |quantity| quantity.span.start);
        (start(&mismatch.source), start(&mismatch.target))
    });
    mismatches.dedup();
    mismatches
}

/// A value of a text that is to be matched. A range, a score or a ratio gives two.
struct Item {
    /// Index of its quantity in [`Side::quantities`].
    quantity: usize,
    value: QuantityValue,
    /// Whether the other text has been found to say this value.
    is_matched: bool,
}

/// One of the two texts, with its quantities and their values.
struct Side<'a> {
    text: &'a str,
    language: Language,
    quantities: Vec<Quantity>,
    items: Vec<Item>,
}

impl<'a> Side<'a> {
    fn new(text: &'a str, language: Language) -> Self {
        let quantities = find_quantities(text, language);
        let items = quantities
            .iter()
            .enumerate()
            .flat_map(|(index, quantity)| {
                quantity.one_or_two_values().map(move |value| Item {
                    quantity: index,
                    value: value.clone(),
                    is_matched: false,
                })
            })
            .collect();
        Self {
            text,
            language,
            quantities,
            items,
        }
    }

    fn quantity(&self, item: usize) -> &Quantity {
        &self.quantities[self.items[item].quantity]
    }

    /// Lists the indices of the items that are not matched yet.
    fn left_over(&self) -> Vec<usize> {
        (0..self.items.len())
            .filter(|&item| !self.items[item].is_matched)
            .collect()
    }

    /// Makes a quantity of one item: of a range, only the value that the item has, with the span of the whole.
    fn single(&self, item: usize) -> Quantity {
        Quantity {
            value: self.items[item].value.clone(),
            second: None,
            ..self.quantity(item).clone()
        }
    }
}

/// Number of values on each side of the expected position among which a match is looked for, which bounds the time that
/// long texts take.
const SEARCH_WINDOW: usize = 48;

/// The state of a comparison of two texts.
struct Comparison<'a> {
    source: Side<'a>,
    target: Side<'a>,
    /// Pairs of an item of the source and an item of the target that agree.
    pairs: Vec<(usize, usize)>,
}

impl<'a> Comparison<'a> {
    fn new(source: Side<'a>, target: Side<'a>) -> Self {
        Self {
            source,
            target,
            pairs: Vec::new(),
        }
    }

    /// Lists the items of the target near the position that item `source` has in the source.
    fn nearby(&self, source: usize) -> std::ops::Range<usize> {
        let (here, there) = (self.source.items.len(), self.target.items.len());
        let expected = source * there / here.max(1);
        expected.saturating_sub(SEARCH_WINDOW)..(expected + SEARCH_WINDOW).min(there)
    }

    /// Rates how well two items agree; 0 if they do not.
    fn rate(&self, source: usize, target: usize) -> u32 {
        let (a, b) = (&self.source.items[source].value, &self.target.items[target].value);
        let is_vague = [self.source.quantity(source), self.target.quantity(target)]
            .iter()
            .any(|quantity| quantity.precision == QuantityPrecision::Several);
        match (a, b) {
            _ if a == b => 20,
            (QuantityValue::Date(a), QuantityValue::Date(b)) if a.agrees_with(*b) => 10 + a.count_common_parts(*b),
            _ if a.agrees_with(b) => 10,
            _ if is_vague && a.has_same_power_of_ten(b) => 5,
            _ if a.contains_number(b) || b.contains_number(a) => 1,
            _ => 0,
        }
    }

    /// Assigns items to each other, those that agree best first.
    fn assign_best_pairs(&mut self) {
        let mut candidates = Vec::new();
        for source in 0..self.source.items.len() {
            for target in self.nearby(source) {
                let rating = self.rate(source, target);
                if rating > 0 {
                    let distance = (source * self.target.items.len()).abs_diff(target * self.source.items.len());
                    candidates.push((std::cmp::Reverse(rating), distance, source, target));
                }
            }
        }
        candidates.sort_unstable();
        for (_, _, source, target) in candidates {
            if !self.source.items[source].is_matched && !self.target.items[target].is_matched {
                self.add_pair(source, target);
            }
        }
    }

    fn add_pair(&mut self, source: usize, target: usize) {
        self.source.items[source].is_matched = true;
        self.target.items[target].is_matched = true;
        self.pairs.push((source, target));
    }

    /// Matches two left-over items by way of a pair whose items agree with them.
    fn swap_into_pairs(&mut self) {
        let targets = self.target.left_over();
        for source in self.source.left_over() {
            let near = self.nearby(source);
            for &target in targets.iter().filter(|target| near.contains(target)) {
                if self.target.items[target].is_matched {
                    continue;
                }
                let swap = self
                    .pairs
                    .iter()
                    .position(|&(other, its)| self.rate(source, its) > 0 && self.rate(other, target) > 0);
                if let Some(swap) = swap {
                    let its = self.pairs[swap].1;
                    self.pairs[swap].1 = target;
                    self.target.items[target].is_matched = true;
                    self.source.items[source].is_matched = true;
                    self.pairs.push((source, its));
                    break;
                }
            }
        }
    }

    /// Looks at the parts (year, month, day, weekday) that only one date of a pair has. Returns the pairs with a part
    /// that the other text does not have elsewhere.
    fn compare_date_parts(&mut self) -> Vec<Mismatch> {
        let mut mismatches = Vec::new();
        for (source, target) in self.pairs.clone() {
            let (QuantityValue::Date(a), QuantityValue::Date(b)) =
                (&self.source.items[source].value, &self.target.items[target].value)
            else {
                continue;
            };
            let (a, b) = (*a, *b);
            let lacks = !a
                .parts_not_in(b)
                .all(|part| say_elsewhere(&mut self.target, &QuantityValue::Date(part)));
            let adds = !b
                .parts_not_in(a)
                .all(|part| say_elsewhere(&mut self.source, &QuantityValue::Date(part)));
            if lacks || adds {
                mismatches.push(self.mismatch(source, target));
            }
        }
        mismatches
    }

    /// Matches dates and fractions whose parts the other text has as quantities of their own.
    fn explain_by_parts(&mut self) {
        mark_parts(&mut self.source, &mut self.target);
        mark_parts(&mut self.target, &mut self.source);
    }

    /// Pairs up what is left over and returns it, without what is forgiven.
    fn pair_up_rest(&self) -> Vec<Mismatch> {
        let sources = self.source.left_over();
        let targets = self.target.left_over();
        let is_hard = |these: &Side, others: &Side, item: usize| {
            let quantity = these.quantity(item);
            let value = &these.items[item].value;
            !(may_be_left_out(these.text, quantity, value, these.language)
                || is_said_in_words(value, others.text, others.language)
                || others
                    .items
                    .iter()
                    .any(|other| other.is_matched && value.agrees_with(&other.value)))
        };
        let hard_sources: Vec<bool> = sources
            .iter()
            .map(|&item| is_hard(&self.source, &self.target, item))
            .collect();
        let hard_targets: Vec<bool> = targets
            .iter()
            .map(|&item| is_hard(&self.target, &self.source, item))
            .collect();
        let mut candidates = Vec::new();
        for (i, &source) in sources.iter().enumerate() {
            let near = self.nearby(source);
            for (j, &target) in targets.iter().enumerate().filter(|(_, target)| near.contains(target)) {
                let likeness = self.rate_likeness(source, target);
                if likeness > 0 && (hard_sources[i] || hard_targets[j]) {
                    let distance = (source * self.target.items.len()).abs_diff(target * self.source.items.len());
                    let certain = hard_sources[i] && hard_targets[j];
                    candidates.push((std::cmp::Reverse((certain, likeness)), distance, i, j));
                }
            }
        }
        candidates.sort_unstable();
        let (mut used_sources, mut used_targets) = (vec![false; sources.len()], vec![false; targets.len()]);
        let mut mismatches = Vec::new();
        for (_, _, i, j) in candidates {
            if !used_sources[i] && !used_targets[j] {
                (used_sources[i], used_targets[j]) = (true, true);
                mismatches.push(self.mismatch(sources[i], targets[j]));
            }
        }
        for (i, &source) in sources
            .iter()
            .enumerate()
            .filter(|&(i, _)| hard_sources[i] && !used_sources[i])
        {
            let _ = i;
            let quantity = self.source.single(source);
            mismatches.push(Mismatch {
                kind: kind_of(&quantity.value),
                source: Some(quantity),
                target: None,
            });
        }
        for (j, &target) in targets
            .iter()
            .enumerate()
            .filter(|&(j, _)| hard_targets[j] && !used_targets[j])
        {
            let _ = j;
            let quantity = self.target.single(target);
            mismatches.push(Mismatch {
                kind: kind_of(&quantity.value),
                source: None,
                target: Some(quantity),
            });
        }
        mismatches
    }

    /// Rates how likely it is that one item was meant to be the other; 0 if they are of kinds too different.
    fn rate_likeness(&self, source: usize, target: usize) -> u32 {
        let (a, b) = (&self.source.items[source].value, &self.target.items[target].value);
        let (first, second) = (kind_of(a), kind_of(b));
        let same_variant = std::mem::discriminant(a) == std::mem::discriminant(b);
        let numeric = |kind| matches!(kind, MismatchKind::Number | MismatchKind::Money);
        if first != second && !(numeric(first) && numeric(second)) {
            // A year that the other text does not show to be one.
            let year = |date: &QuantityValue, number: &QuantityValue| {
                matches!(date, QuantityValue::Date(date) if date.year.is_some() && date.day.is_none())
                    && matches!(number, QuantityValue::Number(number) if (1000..3000).contains(&number.to_integer().unwrap_or(0)))
            };
            return u32::from(year(a, b) || year(b, a));
        }
        let common = match (a, b) {
            (QuantityValue::Date(a), QuantityValue::Date(b)) => {
                2 * a.count_common_parts(*b) + u32::from(a.has_parts_of(*b))
            }
            _ => u32::from(a.has_same_power_of_ten(b)),
        };
        let whole = self.source.quantity(source).second.is_some() == self.target.quantity(target).second.is_some();
        1 + 4 * u32::from(same_variant) + 2 * common + u32::from(whole)
    }

    /// Makes a mismatch of two items. If both are of ranges, scores or ratios, these are given whole.
    fn mismatch(&self, source: usize, target: usize) -> Mismatch {
        let whole = self.source.quantity(source).second.is_some() && self.target.quantity(target).second.is_some();
        let (source, target) = if whole {
            (
                self.source.quantity(source).clone(),
                self.target.quantity(target).clone(),
            )
        } else {
            (self.source.single(source), self.target.single(target))
        };
        Mismatch {
            kind: kind_of(&source.value),
            source: Some(source),
            target: Some(target),
        }
    }
}

/// Whether a text says `value` in one of its quantities, which is then matched.
fn say_elsewhere(side: &mut Side, value: &QuantityValue) -> bool {
    let says = |item: &Item| value.agrees_with(&item.value) || item.value.contains_number(value);
    let found = side.items.iter().position(|item| !item.is_matched && says(item));
    match found.or_else(|| side.items.iter().position(says)) {
        Some(item) => {
            side.items[item].is_matched = true;
            true
        }
        None => false,
    }
}

/// Matches the left-over dates and fractions of a text of which the other text says all parts.
fn mark_parts(these: &mut Side, others: &mut Side) {
    for item in these.left_over() {
        let parts: Vec<QuantityValue> = these.items[item].value.list_parts();
        if parts.len() > 1
            && parts
                .iter()
                .all(|part| others.items.iter().any(|other| part.agrees_with(&other.value)))
        {
            for part in &parts {
                say_elsewhere(others, part);
            }
            these.items[item].is_matched = true;
        }
    }
}

/// Returns the kind of mismatch that a value of this kind is in.
fn kind_of(value: &QuantityValue) -> MismatchKind {
    match value {
        QuantityValue::Date(_) | QuantityValue::Decade(_) => MismatchKind::Date,
        QuantityValue::Time(_) => MismatchKind::Time,
        QuantityValue::Money(..) => MismatchKind::Money,
        _ => MismatchKind::Number,
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.source, &self.target) {
            (Some(source), Some(target)) => write!(f, "source {source}, target {target}"),
            (Some(source), None) => write!(f, "source {source}, not in the target"),
            (None, Some(target)) => write!(f, "target {target}, not in the source"),
            (None, None) => Ok(()),
        }
    }
}
