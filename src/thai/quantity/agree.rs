//! Agreement: whether a quantity in a Thai text and one in its translation can be the same.

use super::{Amount, Date, Quantity, QuantityPrecision, QuantityValue, Time};

/// Compares the quantities of a source text and of its translation.
///
/// Returns the quantities of the source with which no quantity of the translation agrees, and those of the translation
/// with which no quantity of the source agrees. The number one and the ordinal first are left out, since in the other
/// language they may be an article, a pronoun or the word แรก. Takes time proportional to the product of the numbers of
/// quantities in the two texts.
pub fn unmatched_quantities<'a>(
    source: &'a [Quantity],
    target: &'a [Quantity],
) -> (Vec<&'a Quantity>, Vec<&'a Quantity>) {
    (quantities_not_in(source, target), quantities_not_in(target, source))
}

/// Returns the quantities in `these` that do not agree with any quantity in `others`.
fn quantities_not_in<'a>(these: &'a [Quantity], others: &[Quantity]) -> Vec<&'a Quantity> {
    these
        .iter()
        .filter(|quantity| !quantity.is_one() && !is_among(quantity, others))
        .collect()
}

/// Whether the quantities in `others` express each value of `quantity`, as one value or in parts.
fn is_among(quantity: &Quantity, others: &[Quantity]) -> bool {
    let has = |value: &QuantityValue| {
        others.iter().any(|other| {
            let is_vague = [quantity.precision, other.precision].contains(&QuantityPrecision::Several);
            other.one_or_two_values().any(|other| {
                value.agrees_with(other)
                    || other.contains_number(value)
                    || is_vague && value.has_same_power_of_ten(other)
            })
        })
    };
    quantity.one_or_two_values().all(|value| {
        has(value)
            || match value {
                QuantityValue::Fraction(part, whole) => [part, whole]
                    .into_iter()
                    .all(|&part| has(&QuantityValue::Number(Amount::from_integer(part)))),
                QuantityValue::Date(date) => {
                    date.known_date_parts().count() > 1
                        && date.known_date_parts().all(|part| has(&QuantityValue::Date(part)))
                }
                _ => false,
            }
    })
}

impl Quantity {
    /// Whether the quantity is the number one or the ordinal first, alone.
    fn is_one(&self) -> bool {
        self.second.is_none()
            && (self.value == QuantityValue::Number(Amount::from_integer(1)) || self.value == QuantityValue::Ordinal(1))
    }

    /// Lists the value of the quantity, and its second value if it has one.
    pub fn one_or_two_values(&self) -> impl Iterator<Item = &QuantityValue> {
        std::iter::once(&self.value).chain(&self.second)
    }

    /// Whether the values of both quantities agree, the first with the first and the second with the second. Their
    /// precision does not matter.
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.value.agrees_with(&other.value)
            && match (&self.second, &other.second) {
                (Some(to), Some(other)) => to.agrees_with(other),
                (None, None) => true,
                _ => false,
            }
    }
}

impl QuantityValue {
    /// Whether one value may be a translation of the other. Equal values agree, and so do:
    ///
    /// - a number and an ordinal; a fifth as an ordinal and as a fraction;
    /// - a share as a percentage, a fraction and a decimal (25 %, a quarter, 0.25, but not 25); percentages and
    ///   percentage points;
    /// - an amount of money and a plain number, since one text may not name the currency;
    /// - dates whose common parts are equal; a date and a number that is its year or its day;
    /// - times of which one does not say whether it is before or after noon; a time and a decimal that looks like it
    ///   (23.45);
    /// - decades of which one does not say the century, and decades that begin less than ten years apart, because those
    ///   of the Buddhist era begin in years such as 1977; a decade and its first year;
    /// - a code and a number or time with the same digits.
    pub fn agrees_with(&self, other: &Self) -> bool {
        use QuantityValue::{Code, Date, Decade, Fraction, Money, Number, Ordinal, Percent, PercentagePoints, Time};
        match (self, other) {
            (Money(a, currency), Money(b, other)) => a == b && currency == other,
            (Time(a), Time(b)) => a.agrees_with(*b),
            (Date(a), Date(b)) => a.agrees_with(*b),
            (Decade(a), Decade(b)) if *a >= 100 && *b >= 100 => a.abs_diff(*b) < 10,
            (Decade(a), Decade(b)) => a % 100 == b % 100,
            (Decade(decade), Date(date)) | (Date(date), Decade(decade)) => date.year == Some(*decade),
            (Decade(decade), Number(number)) | (Number(number), Decade(decade)) => {
                u64::try_from(*decade).is_ok_and(|decade| number.to_integer() == Some(decade))
            }
            (Code(a), Code(b)) => a == b,
            (Code(code), Number(number)) | (Number(number), Code(code)) => {
                number.to_integer().is_some_and(|number| code.parse() == Ok(number))
            }
            (Time(time), Code(code)) | (Code(code), Time(time)) => {
                *code == format!("{:02}{:02}", time.hour, time.minute)
            }
            (Time(time), Number(number)) | (Number(number), Time(time)) => Some(*number) == time.time_as_decimal(),
            (Ordinal(whole), Fraction(1, other)) | (Fraction(1, other), Ordinal(whole)) => whole == other,
            (Date(date), other) | (other, Date(date)) => date.is_written_as(other.written_amount()),
            (Percent(a) | PercentagePoints(a), Percent(b) | PercentagePoints(b)) => a == b,
            (a, b) => a.meant_amount().is_some() && a.meant_amount() == b.meant_amount(),
        }
    }

    /// Returns the number as it is written, such as 25 for 25 %, or `None` for a value that is no single number, such
    /// as a date.
    fn written_amount(&self) -> Option<Amount> {
        match self {
            QuantityValue::Number(amount)
            | QuantityValue::Percent(amount)
            | QuantityValue::PercentagePoints(amount)
            | QuantityValue::Money(amount, _) => Some(*amount),
            QuantityValue::Ordinal(number) => Some(Amount::from_integer(*number)),
            QuantityValue::Fraction(part, whole) => Amount::from_ratio((*part).into(), (*whole).into()),
            _ => None,
        }
    }

    /// Returns the number that is meant, such as 0.25 for 25 %, or `None` for a value that is no single number, such as
    /// a date.
    fn meant_amount(&self) -> Option<Amount> {
        match self {
            QuantityValue::Percent(amount) | QuantityValue::PercentagePoints(amount) => {
                amount.checked_mul(Amount::from_ratio(1, 100)?)
            }
            _ => self.written_amount(),
        }
    }

    /// Whether this value is a date or a fraction that is written with the number `other`: 3 ใน 9 คน may be translated
    /// as three of the nine.
    fn contains_number(&self, other: &Self) -> bool {
        match (self, other) {
            (QuantityValue::Date(date), QuantityValue::Number(number)) => {
                date.known_date_parts().any(|part| part.is_written_as(Some(*number)))
            }
            (QuantityValue::Fraction(part, whole), QuantityValue::Number(number)) => {
                [Some(*part), Some(*whole)].contains(&number.to_integer())
            }
            _ => false,
        }
    }

    /// Whether the leading digits of both values stand at the same power of ten, as in 300 and 900.
    fn has_same_power_of_ten(&self, other: &Self) -> bool {
        match (self.written_amount(), other.written_amount()) {
            (Some(a), Some(b)) => a.power_of_ten() == b.power_of_ten(),
            _ => false,
        }
    }
}

impl Time {
    /// Reads the time as a decimal: 10.30 may be the number 10.3.
    fn time_as_decimal(self) -> Option<Amount> {
        Amount::from_ratio(u128::from(self.hour) * 100 + u128::from(self.minute), 100)
    }

    /// Whether two times can be equal. If one of them does not say whether it is before or after noon, 8:30 and 20:30
    /// count as equal.
    fn agrees_with(self, other: Self) -> bool {
        let hour = |time: Self| {
            if self.is_half_known && other.is_half_known {
                time.hour % 24
            } else {
                time.hour % 12
            }
        };
        self.minute == other.minute && hour(self) == hour(other)
    }
}

impl Date {
    /// Whether two dates have at least one part (year, month, day or weekday) in common, and all common parts are
    /// equal.
    fn agrees_with(self, other: Self) -> bool {
        let pairs = [
            (self.year, other.year),
            (self.month.map(i32::from), other.month.map(i32::from)),
            (self.day.map(i32::from), other.day.map(i32::from)),
            (self.weekday.map(i32::from), other.weekday.map(i32::from)),
        ];
        let mut both = pairs
            .iter()
            .filter_map(|(a, b)| Some((a.as_ref()?, b.as_ref()?)))
            .peekable();
        both.peek().is_some() && both.all(|(a, b)| a == b)
    }

    /// Lists the known parts of the date, each as a date of its own.
    fn known_date_parts(self) -> impl Iterator<Item = Self> {
        let none = Self::default();
        [
            Self {
                year: self.year,
                ..none
            },
            Self {
                month: self.month,
                ..none
            },
            Self { day: self.day, ..none },
            Self {
                weekday: self.weekday,
                ..none
            },
        ]
        .into_iter()
        .filter(move |part| *part != none)
    }

    /// Whether the date may be written as the number `amount` alone: it is a year, or a day without a year.
    fn is_written_as(self, amount: Option<Amount>) -> bool {
        let Some(number) = amount.and_then(Amount::to_integer) else {
            return false;
        };
        match (self.year, self.month, self.day) {
            (Some(year), None, None) => u64::try_from(year) == Ok(number),
            (None, _, Some(day)) => u64::from(day) == number,
            _ => false,
        }
    }
}
