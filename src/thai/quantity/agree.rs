//! Agreement: whether a quantity in a Thai text and one in its translation can be the same.

use super::{Amount, Date, Quantity, QuantityValue, Time};

impl Quantity {
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
                number.to_integer().is_some_and(|number| code.parse() == Ok(number)) || *code == number.to_string()
            }
            (Code(code), Ordinal(number)) | (Ordinal(number), Code(code)) => code.parse() == Ok(*number),
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

    /// Whether this value is a date that contains the number `other` as its year or day.
    pub(super) fn contains_number(&self, other: &Self) -> bool {
        match (self, other) {
            (QuantityValue::Date(date), QuantityValue::Number(number)) => {
                date.known_date_parts().any(|part| part.is_written_as(Some(*number)))
            }
            _ => false,
        }
    }

    /// Lists the values that a translation may give one by one instead of this value: the parts of a date that has more
    /// than one, or the two numbers of a fraction (3 ใน 9 คน may be three of the nine), without one.
    pub(super) fn list_parts(&self) -> Vec<Self> {
        let number = |number: u64| QuantityValue::Number(Amount::from_integer(number));
        match self {
            QuantityValue::Date(date) if date.known_date_parts().count() > 1 => {
                date.known_date_parts().map(QuantityValue::Date).collect()
            }
            QuantityValue::Fraction(1, whole @ 3..) => vec![number(*whole)],
            QuantityValue::Fraction(part @ 2.., whole) => vec![number(*part), number(*whole)],
            _ => Vec::new(),
        }
    }

    /// Returns the number of a plain number or fraction as a float, or `None` for other values.
    pub(super) fn approximate(&self) -> Option<f64> {
        match self {
            QuantityValue::Number(_) | QuantityValue::Fraction(..) => {
                let (numerator, denominator) = self.written_amount()?.numerator_and_denominator();
                Some(numerator as f64 / denominator as f64)
            }
            _ => None,
        }
    }

    /// Whether the leading digits of both values stand at the same power of ten, as in 300 and 900.
    pub(super) fn has_same_power_of_ten(&self, other: &Self) -> bool {
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
    /// Lists the year, the month, the day and the weekday, each `None` if it is not known.
    fn parts(self) -> [Option<i32>; 4] {
        [
            self.year,
            self.month.map(i32::from),
            self.day.map(i32::from),
            self.weekday.map(i32::from),
        ]
    }

    /// Whether two dates have at least one part (year, month, day or weekday) in common, and all common parts are
    /// equal.
    pub(super) fn agrees_with(self, other: Self) -> bool {
        let mut both = self
            .parts()
            .into_iter()
            .zip(other.parts())
            .filter_map(|(a, b)| Some((a?, b?)))
            .peekable();
        both.peek().is_some() && both.all(|(a, b)| a == b)
    }

    /// Counts the parts that both dates have and that are equal.
    pub(super) fn count_common_parts(self, other: Self) -> u32 {
        self.parts()
            .into_iter()
            .zip(other.parts())
            .map(|(a, b)| u32::from(a.is_some() && a == b))
            .sum()
    }

    /// Whether both dates have the same parts, with whatever values.
    pub(super) fn has_parts_of(self, other: Self) -> bool {
        self.parts().map(|part| part.is_some()) == other.parts().map(|part| part.is_some())
    }

    /// Lists the parts that this date has and `other` lacks, each as a date of its own.
    pub(super) fn parts_not_in(self, other: Self) -> impl Iterator<Item = Self> {
        self.known_date_parts().filter(move |part| {
            part.parts()
                .into_iter()
                .zip(other.parts())
                .all(|(a, b)| a.is_none() || b.is_none())
        })
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
