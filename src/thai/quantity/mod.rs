//! Numbers, money, times and dates in Thai and in English text, as values that can be compared across the two.
//!
//! [`find_quantities`] finds them, each with its span. Values are normalised: years are of the common era (2566 is 2023),
//! ล้าน and million are multiplied out (3 แสนล้านบาท is 300 000 000 000 THB), and times are on the clock of 24 hours.
//! [`Quantity::agrees`] says whether two quantities can be the same in a text and its translation, and [`unmatched`] lists
//! those that only one of the texts has.
//!
//! A text is cut into tokens (`token`, with the words of `lexicon`), and `reader` tries each kind of quantity at each token.
//! The grammar of each kind is an `impl Reader` block in its own file. Its methods call each other in circles, as in any
//! parser by recursive descent: a date may end in a number, and whether a number stands alone depends on the date beside it.
//!
//! Reading is deterministic, takes time proportional to the length of the text, and looks only at the words beside a
//! number. Where writing is ambiguous, it decides so:
//!
//! - A year of four digits in Thai is of the Buddhist era from 2200 to 2699 and of the common era otherwise; with two
//!   digits it is 2531 to 2599 of the Buddhist era for 31 to 99 and 2000 to 2030 of the common era for 00 to 30, but
//!   after a month as people say it (`6 ตุลา 19`) always of the Buddhist era. A year in English is as written unless B.E. stands
//!   beside it. Before 1941 the Thai year began in April, which is not taken into account.
//! - `8/11/2566` is day, month, year in both languages.
//! - A time that does not say the half of the day (`10:30`, `half past three`) agrees with both.
//! - หนึ่ง and `one` are numbers only before a unit or within a longer number; a scale alone (พัน, แสน) is one only before a
//!   unit.
//! - Signs are dropped: ลดลง 5 (fell by 5) may be −5 in the other language.

mod agree;
mod amount;
mod code;
mod context;
mod date;
mod fraction;
mod kind;
mod lexicon;
mod measure;
mod number;
mod ordinal;
mod reader;
mod time;
mod token;
mod year;

pub use agree::unmatched;
pub use amount::Amount;

use crate::span::Span;
use std::fmt;

/// The language whose words and habits a text is read by. Digits and symbols are read alike in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Thai, with Thai digits, Buddhist years and words such as ล้าน.
    Thai,
    /// English.
    English,
}

/// A quantity in a text: one value, or two values that a dash, a colon or a word joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// Its bytes in the text, with units that belong to the value (`%`, บาท, น.), without words that qualify it (about).
    pub span: Span,
    /// Its normalised value; the first of two.
    pub value: Value,
    /// The second value of a range, a score or a ratio.
    pub second: Option<Value>,
    /// The precision that the words beside it give the value.
    pub precision: Precision,
    /// Whether it is written with digits, and not in words alone.
    pub has_digits: bool,
}

/// The precision of a value, by the words beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// No word says that it is not exact.
    #[default]
    Exact,
    /// About, ประมาณ.
    About,
    /// More than, at least, กว่า, ไม่น้อยกว่า.
    Over,
    /// Less than, nearly, up to, เกือบ, ไม่เกิน.
    Under,
    /// An unknown multiple of it: thousands, หลายพัน.
    Several,
}

/// A normalised value. [`fmt::Display`] writes each in one short form: `1.5`, `#3`, `3/4`, `25%`, `0.25pp`, `500 THB`,
/// `10:30`, `Wed 2023-11-08`, `2023 CE`, `1990s`, `id 1.2.3`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// A plain number.
    Number(Amount),
    /// A position in an order: ที่ 3, third.
    Ordinal(u64),
    /// Numerator and denominator as written: 2 of 4 is not reduced to 1 of 2.
    Fraction(u64, u64),
    /// A percentage: 25 for 25 %.
    Percent(Amount),
    /// Percentage points; a basis point is a hundredth of one.
    PercentagePoints(Amount),
    /// An amount of money and its ISO 4217 code; `$` and ดอลลาร์ alone are `USD`.
    Money(Amount, &'static str),
    /// A time of day.
    Time(Time),
    /// A date or a part of one.
    Date(Date),
    /// A decade by its first year, of the common era; by two digits (90) if the century is not said.
    Decade(i32),
    /// Digits that count nothing: telephone numbers (bare digits), versions, identity numbers.
    Code(String),
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Time {
    /// The hour, from 0 to 24.
    pub hour: u8,
    /// The minute, from 0 to 59.
    pub minute: u8,
    /// Whether the half of the day is known. If it is not, `hour` is as written.
    pub is_half_known: bool,
}

/// A date or a part of one; at least one field is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Date {
    /// The year of the common era; the nth year before it is −n.
    pub year: Option<i32>,
    /// The month, from 1.
    pub month: Option<u8>,
    /// The day of the month, from 1 to 31; not checked against the month.
    pub day: Option<u8>,
    /// The weekday, from 1 for Monday.
    pub weekday: Option<u8>,
}

impl Date {
    /// A year alone.
    fn of_year(year: i32) -> Self {
        Self {
            year: Some(year),
            ..Self::default()
        }
    }
}

/// Finds all quantities in a text, in its order and without overlap.
pub fn find_quantities(text: &str, language: Language) -> Vec<Quantity> {
    reader::Reader::new(text, language).read()
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(amount) => write!(f, "{amount}"),
            Value::Ordinal(number) => write!(f, "#{number}"),
            Value::Fraction(part, whole) => write!(f, "{part}/{whole}"),
            Value::Percent(amount) => write!(f, "{amount}%"),
            Value::PercentagePoints(amount) => write!(f, "{amount}pp"),
            Value::Money(amount, currency) => write!(f, "{amount} {currency}"),
            Value::Time(time) => write!(f, "{time}"),
            Value::Date(date) => write!(f, "{date}"),
            Value::Decade(year) => write!(f, "{year}s"),
            Value::Code(digits) => write!(f, "id {digits}"),
        }
    }
}

/// Writes `10:30`, with a question mark if the half of the day is not known.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.is_half_known { "" } else { "?" };
        write!(f, "{:02}:{:02}{mark}", self.hour, self.minute)
    }
}

/// Writes `Wed 2023-11-08`, with a star for an unknown part before a known one (`*-11-08`, `*-*-08`), and a year alone as
/// `2023 CE`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let weekday = self
            .weekday
            .and_then(|day| WEEKDAYS.get(usize::from(day).wrapping_sub(1)));
        let year = self.year.map_or("*".to_owned(), |year| format!("{year:04}"));
        let month = self.month.map_or("*".to_owned(), |month| format!("{month:02}"));
        let date = match (self.year, self.month, self.day) {
            (_, _, Some(day)) => Some(format!("{year}-{month}-{day:02}")),
            (_, Some(_), None) => Some(format!("{year}-{month}")),
            (Some(year), None, None) if year < 0 => Some(format!("{} BCE", -i64::from(year))),
            (Some(year), None, None) => Some(format!("{year} CE")),
            (None, None, None) => None,
        };
        f.write_str(weekday.copied().unwrap_or_default())?;
        if weekday.is_some() && date.is_some() {
            f.write_str(" ")?;
        }
        f.write_str(&date.unwrap_or_default())
    }
}

/// Writes the value after `~` (about), `>` (over), `<` (under) or `several`, and `..` with the second value if there is one.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.precision {
            Precision::Exact => "",
            Precision::About => "~",
            Precision::Over => ">",
            Precision::Under => "<",
            Precision::Several => "several ",
        })?;
        write!(f, "{}", self.value)?;
        match &self.second {
            Some(to) => write!(f, "..{to}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
