//! Comparison: which quantities of a Thai text its English translation lacks, adds or changes.
//!
//! Each value of the source is assigned to at most one value of the translation, the best agreement first. What is left
//! over on one side is forgiven if the other side says it in another way (in parts, a second time, or in a word such as
//! both); the rest is paired up with what is left over on the other side.

use super::mismatch::{Mismatch, MismatchKind};
use super::name::find_digits_in_names;
use super::soft::{is_said_in_words, may_be_left_out};
use super::unit::{Unit, find_unit};
use super::{Language, Quantity, QuantityPrecision, QuantityValue, find_quantities};
use std::cmp::Reverse;
use std::ops::Range;

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
    mismatches.extend(comparison.compare_units());
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
    /// Unit of measure after the quantity; `None` if there is none, or if the value has a unit of its own, such as money.
    unit: Option<&'static Unit>,
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
        let mut quantities = find_quantities(text, language);
        let names = find_digits_in_names(text, &quantities);
        quantities.extend(names);
        let mut items = Vec::new();
        for (index, quantity) in quantities.iter().enumerate() {
            let unit = match quantity.value {
                QuantityValue::Number(_) | QuantityValue::Fraction(..) => {
                    find_unit(&text[quantity.span.end..], language)
                }
                _ => None,
            };
            items.extend(quantity.one_or_two_values().map(|value| Item {
                quantity: index,
                value: value.clone(),
                unit,
                is_matched: false,
            }));
        }
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

    /// Returns the part of the text that lies about where byte `at` of a text of `len` bytes lies: all of a text of usual
    /// length.
    fn text_near(&self, at: usize, len: usize) -> &'a str {
        const BYTES_ON_EACH_SIDE: usize = 2048;
        let expected = at * self.text.len() / len.max(1);
        let start = self
            .text
            .floor_char_boundary(expected.saturating_sub(BYTES_ON_EACH_SIDE));
        let end = self.text.floor_char_boundary(expected + BYTES_ON_EACH_SIDE);
        &self.text[start..end]
    }

    /// Lists the indices of the items that are not matched yet.
    fn left_over(&self) -> Vec<usize> {
        (0..self.items.len())
            .filter(|&item| !self.items[item].is_matched)
            .collect()
    }

    fn unit_symbol(&self, item: usize) -> Option<&'static str> {
        self.items[item].unit.map(|unit| unit.symbol)
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
const SEARCH_WINDOW: usize = 32;

/// Returns the range of `there` items among which a match of item `item` of `here` items is looked for: those at about
/// the same place in their text.
fn search_window(item: usize, here: usize, there: usize) -> Range<usize> {
    let expected = item * there / here.max(1);
    expected.saturating_sub(SEARCH_WINDOW)..(expected + SEARCH_WINDOW).min(there)
}

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

    /// Lists the items of the target among which a match of item `source` is looked for.
    fn nearby(&self, source: usize) -> Range<usize> {
        search_window(source, self.source.items.len(), self.target.items.len())
    }

    /// Rates how well two items agree; 0 if they do not.
    fn rate(&self, source: usize, target: usize) -> u32 {
        let (first, second) = (&self.source.items[source], &self.target.items[target]);
        let (a, b) = (&first.value, &second.value);
        // Thousands may be two thousand in words, but not 2,000.
        let is_vague = || {
            let quantities = [self.source.quantity(source), self.target.quantity(target)];
            quantities
                .iter()
                .any(|quantity| quantity.precision == QuantityPrecision::Several)
                && !quantities.iter().any(|quantity| quantity.has_digits)
        };
        let rating = match (a, b) {
            _ if a == b => 20,
            (QuantityValue::Date(a), QuantityValue::Date(b)) if a.agrees_with(*b) => 10 + a.count_common_parts(*b),
            _ if a.agrees_with(b) => 10,
            _ if a.contains_number(b) || b.contains_number(a) => 1,
            _ if is_vague() && a.has_same_power_of_ten(b) => 5,
            _ => return u32::from(self.is_same_duration(source, target)) * 8,
        };
        if self.units_differ(source, target) {
            rating.min(3)
        } else {
            rating
        }
    }

    /// Whether two items are the same length of time in two units: 48 hours and two days.
    fn is_same_duration(&self, source: usize, target: usize) -> bool {
        let (a, b) = (&self.source.items[source], &self.target.items[target]);
        match (a.unit, b.unit, a.value.approximate(), b.value.approximate()) {
            (Some(unit), Some(other), Some(a), Some(b)) => unit.is_same_duration(a, other, b),
            _ => false,
        }
    }

    /// Whether two items that agree as numbers have different units: kilometres and miles, per cent and percentage
    /// points, a unit of measure and money.
    fn units_differ(&self, source: usize, target: usize) -> bool {
        use QuantityValue::{Money, Percent, PercentagePoints};
        let (a, b) = (&self.source.items[source], &self.target.items[target]);
        match (&a.value, &b.value) {
            // ปอนด์ and pounds are money and a mass.
            (Money(_, currency), _) => b.unit.is_some_and(|unit| (*currency, unit.symbol) != ("GBP", "lb")),
            (_, Money(..)) => a.unit.is_some(),
            // A basis point is a hundredth of a percentage point, and Thai texts say per cent for both.
            (Percent(_), PercentagePoints(_)) | (PercentagePoints(_), Percent(_)) => {
                let in_basis_points = |side: &Side, item| {
                    let words = side.quantity(item).span.of(side.text);
                    ["basis", "bp", "เบสิส", "เบซิส", "พื้นฐาน"]
                        .iter()
                        .any(|name| words.contains(name))
                };
                !in_basis_points(&self.source, source) && !in_basis_points(&self.target, target)
            }
            _ => matches!((a.unit, b.unit), (Some(a), Some(b)) if a != b),
        }
    }

    /// Lists the pairs of equal numbers with different units.
    fn compare_units(&self) -> Vec<Mismatch> {
        self.pairs
            .iter()
            .filter(|&&(source, target)| self.units_differ(source, target) && !self.is_same_duration(source, target))
            .map(|&(source, target)| Mismatch {
                kind: MismatchKind::Unit,
                ..self.mismatch(source, target)
            })
            .collect()
    }

    /// Measures how far apart two items are in the order of the texts, to choose between pairs that agree equally well.
    fn distance(&self, source: usize, target: usize) -> usize {
        (source * self.target.items.len()).abs_diff(target * self.source.items.len())
    }

    /// Assigns items to each other, those that agree best first.
    fn assign_best_pairs(&mut self) {
        let mut candidates = Vec::new();
        for source in 0..self.source.items.len() {
            for target in self.nearby(source) {
                let rating = self.rate(source, target);
                if rating > 0 {
                    candidates.push((Reverse(rating), self.distance(source, target), source, target));
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
        let mut pair_of_target = vec![None; self.target.items.len()];
        for (index, &(_, target)) in self.pairs.iter().enumerate() {
            pair_of_target[target] = Some(index);
        }
        for source in self.source.left_over() {
            let near = self.nearby(source);
            let agreeing: Vec<usize> = near.clone().filter(|&target| self.rate(source, target) > 0).collect();
            let swap = near
                .filter(|&target| !self.target.items[target].is_matched)
                .find_map(|target| {
                    let mut pairs = agreeing.iter().filter_map(|&its| pair_of_target[its]);
                    let pair = pairs.find(|&pair| self.rate(self.pairs[pair].0, target) > 0)?;
                    Some((pair, target))
                });
            if let Some((pair, target)) = swap {
                let its = std::mem::replace(&mut self.pairs[pair].1, target);
                (pair_of_target[target], pair_of_target[its]) = (Some(pair), Some(self.pairs.len()));
                self.add_pair(source, its);
                self.target.items[target].is_matched = true;
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
            let (here, there) = (self.source.items.len(), self.target.items.len());
            let mut differs = false;
            for part in a.parts_not_in(b) {
                let near = search_window(source, here, there);
                differs |= !say_elsewhere(&mut self.target, near, &QuantityValue::Date(part));
            }
            for part in b.parts_not_in(a) {
                let near = search_window(target, there, here);
                differs |= !say_elsewhere(&mut self.source, near, &QuantityValue::Date(part));
            }
            if differs {
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
        let (source, target) = (&self.source, &self.target);
        let rest = |these: &Side, others: &Side| -> Vec<(usize, Weight)> {
            let items = these.left_over().into_iter();
            items.map(|item| (item, weigh(these, item, others))).collect()
        };
        let (sources, targets) = (rest(source, target), rest(target, source));
        let mut candidates = Vec::new();
        for (i, &(source, weight)) in sources.iter().enumerate() {
            let near = self.nearby(source);
            for (j, &(target, other_weight)) in targets
                .iter()
                .enumerate()
                .filter(|(_, (target, _))| near.contains(target))
            {
                let likeness = self.rate_likeness(source, target);
                let contradict = match (weight, other_weight) {
                    (Weight::Counts, _) | (_, Weight::Counts) => true,
                    (weight, other_weight) => weight == other_weight && weight != Weight::Optional,
                };
                if likeness > 0 && contradict {
                    let certainty = (weight.min(other_weight), likeness);
                    candidates.push((Reverse(certainty), self.distance(source, target), i, j));
                }
            }
        }
        candidates.sort_unstable();
        let (mut sources, mut targets): (Vec<_>, Vec<_>) = (
            sources.into_iter().map(Some).collect(),
            targets.into_iter().map(Some).collect(),
        );
        let mut mismatches = Vec::new();
        for (_, _, i, j) in candidates {
            if let (Some((source, _)), Some((target, _))) = (sources[i], targets[j]) {
                (sources[i], targets[j]) = (None, None);
                mismatches.push(self.mismatch(source, target));
            }
        }
        let alone = |items: Vec<Option<(usize, Weight)>>| {
            items
                .into_iter()
                .flatten()
                .filter(|&(_, weight)| weight == Weight::Counts)
        };
        mismatches.extend(alone(sources).map(|(item, _)| Mismatch {
            kind: kind_of(&source.items[item].value),
            source: Some(source.single(item)),
            target: None,
            source_unit: source.unit_symbol(item),
            target_unit: None,
        }));
        mismatches.extend(alone(targets).map(|(item, _)| Mismatch {
            kind: kind_of(&target.items[item].value),
            source: None,
            target: Some(target.single(item)),
            source_unit: None,
            target_unit: target.unit_symbol(item),
        }));
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
                    && matches!(number, QuantityValue::Number(number) if (1000..3300).contains(&number.to_integer().unwrap_or(0)))
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
        let (source_unit, target_unit) = (self.source.unit_symbol(source), self.target.unit_symbol(target));
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
            source_unit,
            target_unit,
        }
    }
}

/// The weight of an item that has no match in the other text, from the least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// The other text need not say the item, or says it in a word such as both, or in another unit beside the first.
    Optional,
    /// The number meant is unknown: thousands. It matters only beside another such number.
    Vague,
    /// The other text has said the value already. It matters only beside a value that is said once more on its side.
    Repeated,
    /// The item should have had a match.
    Counts,
}

/// Says how much it matters that item `item` has no match.
fn weigh(these: &Side, item: usize, others: &Side) -> Weight {
    let Item { value, unit, .. } = &these.items[item];
    let quantity = these.quantity(item);
    let near = &others.items[search_window(item, these.items.len(), others.items.len())];
    // A translator may add a conversion, but must not leave one out.
    let is_conversion = |other: &Item| match (unit, other.unit, value.approximate(), other.value.approximate()) {
        (Some(unit), Some(other_unit), Some(amount), Some(other)) if these.language == Language::English => {
            unit.converts(amount, other_unit, other)
        }
        _ => false,
    };
    if quantity.precision == QuantityPrecision::Several {
        Weight::Vague
    } else if may_be_left_out(these.text, quantity, value, these.language)
        || is_said_in_words(
            value,
            others.text_near(quantity.span.start, these.text.len()),
            others.language,
        )
        || near.iter().any(is_conversion)
    {
        Weight::Optional
    } else if !(quantity.has_digits && these.language == Language::Thai)
        && near
            .iter()
            .any(|other| other.is_matched && value.agrees_with(&other.value))
    {
        Weight::Repeated
    } else {
        Weight::Counts
    }
}

/// Whether a text says `value` in one of the items `near`, which is then matched.
fn say_elsewhere(side: &mut Side, near: Range<usize>, value: &QuantityValue) -> bool {
    let says = |item: &Item| value.agrees_with(&item.value) || item.value.contains_number(value);
    let items = &mut side.items[near];
    let found = items.iter().position(|item| !item.is_matched && says(item));
    match found.or_else(|| items.iter().position(says)) {
        Some(item) => {
            items[item].is_matched = true;
            true
        }
        None => false,
    }
}

/// Matches the left-over dates and fractions of a text of which the other text says all parts.
fn mark_parts(these: &mut Side, others: &mut Side) {
    for item in these.left_over() {
        let parts = these.items[item].value.list_parts();
        let near = search_window(item, these.items.len(), others.items.len());
        let says = |part: &QuantityValue| {
            let mut others = others.items[near.clone()].iter();
            others.any(|other| part.agrees_with(&other.value))
        };
        if !parts.is_empty() && parts.iter().all(says) {
            for part in &parts {
                say_elsewhere(others, near.clone(), part);
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
