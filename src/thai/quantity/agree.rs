//! Whether a quantity of one language may be one of the other.

use super::{Amount, Date, Precision, Quantity, Time, Value};

/// The quantities of each text that no quantity of the other agrees with: what a translation lacks, and what it has
/// added. One and first are never told, since they may be an article, a pronoun or แรก. Takes time in proportion to the product of the two numbers of quantities.
pub fn unmatched<'a>(source: &'a [Quantity], target: &'a [Quantity]) -> (Vec<&'a Quantity>, Vec<&'a Quantity>) {
    (without(source, target), without(target, source))
}

fn without<'a>(these: &'a [Quantity], others: &[Quantity]) -> Vec<&'a Quantity> {
    these
        .iter()
        .filter(|quantity| !quantity.is_one() && !is_among(quantity, others))
        .collect()
}

/// Whether all that a quantity says is said by the others: together, or value for value.
fn is_among(quantity: &Quantity, others: &[Quantity]) -> bool {
    let has = |value: &Value| {
        others.iter().any(|other| {
            let loose = [quantity.precision, other.precision].contains(&Precision::Several);
            other
                .values()
                .any(|other| value.agrees(other) || other.has_part(value) || loose && value.is_near(other))
        })
    };
    quantity.values().all(|value| {
        has(value)
            || match value {
                Value::Fraction(part, whole) => [part, whole]
                    .into_iter()
                    .all(|&part| has(&Value::Number(Amount::whole(part)))),
                Value::Date(date) => date.parts().count() > 1 && date.parts().all(|part| has(&Value::Date(part))),
                _ => false,
            }
    })
}

impl Quantity {
    fn is_one(&self) -> bool {
        self.to.is_none() && (self.value == Value::Number(Amount::whole(1)) || self.value == Value::Ordinal(1))
    }

    /// Its value, and the second where it has two.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        std::iter::once(&self.value).chain(&self.to)
    }

    /// Whether one may be the other in a translation: value for value, whatever qualifies them.
    pub fn agrees(&self, other: &Self) -> bool {
        self.value.agrees(&other.value)
            && match (&self.to, &other.to) {
                (Some(to), Some(other)) => to.agrees(other),
                (None, None) => true,
                _ => false,
            }
    }
}

impl Value {
    /// Whether one value may be the other in a translation.
    ///
    /// Equal values agree, and so do: numbers and ordinals; a share as percentage, fraction or decimal (25 %, a quarter,
    /// 0.25, but not 25); percentages and percentage points; money where one side names no currency; dates whose common
    /// parts are equal, and one part of a date with a number; times of which one does not say the half of the day, or
    /// which look like a number (`23.45`); decades with and without their century, and within ten years, since those of
    /// the Buddhist era begin in 1977; a fifth as an ordinal and as a fraction.
    pub fn agrees(&self, other: &Self) -> bool {
        use Value::{Code, Date, Decade, Fraction, Money, Number, Ordinal, Percent, Points, Time};
        match (self, other) {
            (Money(a, currency), Money(b, other)) => a == b && currency == other,
            (Time(a), Time(b)) => a.agrees(*b),
            (Date(a), Date(b)) => a.agrees(*b),
            (Decade(a), Decade(b)) if *a >= 100 && *b >= 100 => a.abs_diff(*b) < 10,
            (Decade(a), Decade(b)) => a % 100 == b % 100,
            (Decade(decade), Date(date)) | (Date(date), Decade(decade)) => date.year == Some(*decade),
            (Decade(decade), Number(number)) | (Number(number), Decade(decade)) => {
                u64::try_from(*decade).is_ok_and(|decade| number.to_whole() == Some(decade))
            }
            (Code(a), Code(b)) => a == b,
            (Code(code), Number(number)) | (Number(number), Code(code)) => {
                number.to_whole().is_some_and(|number| code.parse() == Ok(number))
            }
            (Time(time), Code(code)) | (Code(code), Time(time)) => {
                *code == format!("{:02}{:02}", time.hour, time.minute)
            }
            (Time(time), Number(number)) | (Number(number), Time(time)) => Some(*number) == time.decimal(),
            (Ordinal(whole), Fraction(1, other)) | (Fraction(1, other), Ordinal(whole)) => whole == other,
            (Date(date), other) | (other, Date(date)) => date.is_number(other.amount()),
            (Percent(a) | Points(a), Percent(b) | Points(b)) => a == b,
            (a, b) => a.share().is_some() && a.share() == b.share(),
        }
    }

    /// The number that is written.
    fn amount(&self) -> Option<Amount> {
        match self {
            Value::Number(amount) | Value::Percent(amount) | Value::Points(amount) | Value::Money(amount, _) => {
                Some(*amount)
            }
            Value::Ordinal(number) => Some(Amount::whole(*number)),
            Value::Fraction(part, whole) => Amount::ratio((*part).into(), (*whole).into()),
            _ => None,
        }
    }

    /// The number that is meant: a hundredth of what stands before a percent sign or percentage points.
    fn share(&self) -> Option<Amount> {
        match self {
            Value::Percent(amount) | Value::Points(amount) => amount.times(Amount::ratio(1, 100)?),
            _ => self.amount(),
        }
    }

    /// Whether this is written with a number: 3 ใน 9 คน is three of the nine, and a month may not have been understood.
    fn has_part(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Date(date), Value::Number(number)) => date.parts().any(|part| part.is_number(Some(*number))),
            (Value::Fraction(part, whole), Value::Number(number)) => {
                [Some(*part), Some(*whole)].contains(&number.to_whole())
            }
            _ => false,
        }
    }

    /// Whether both are of one power of ten.
    fn is_near(&self, other: &Self) -> bool {
        match (self.amount(), other.amount()) {
            (Some(a), Some(b)) => a.magnitude() == b.magnitude(),
            _ => false,
        }
    }
}

impl Time {
    /// As it looks with a dot and nothing beside it.
    fn decimal(self) -> Option<Amount> {
        Amount::ratio(u128::from(self.hour) * 100 + u128::from(self.minute), 100)
    }

    fn agrees(self, other: Self) -> bool {
        let hour = |time: Self| {
            if self.half && other.half {
                time.hour % 24
            } else {
                time.hour % 12
            }
        };
        self.minute == other.minute && hour(self) == hour(other)
    }
}

impl Date {
    /// Whether nothing that both say differs, and they say something in common.
    fn agrees(self, other: Self) -> bool {
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

    /// Each part that is said, as a date of its own.
    fn parts(self) -> impl Iterator<Item = Self> {
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

    /// Whether the date is no more than this number: a year, or a day of the month.
    fn is_number(self, amount: Option<Amount>) -> bool {
        let Some(number) = amount.and_then(Amount::to_whole) else {
            return false;
        };
        match (self.year, self.month, self.day) {
            (Some(year), None, None) => u64::try_from(year) == Ok(number),
            (None, _, Some(day)) => u64::from(day) == number,
            _ => false,
        }
    }
}
