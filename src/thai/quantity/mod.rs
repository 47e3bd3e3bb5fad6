//! Numbers, money, times and dates in Thai and in English text, as values that can be compared across the two.
//!
//! [`find_quantities`] finds these quantities, each with its span. Values are normalised: years are of the common era
//! (2566 is 2023), ล้าน and million are multiplied out (3 แสนล้านบาท is 300 000 000 000 THB), and times are on the
//! clock of 24 hours. [`Quantity::agrees_with`] says whether two quantities can be the same in a text and its translation,
//! and [`compare_quantities`] lists what a translation lacks, adds or changes.
//!
//! A text is cut into tokens (`token`, with the words of `lexicon`), and `reader` tries each kind of quantity at each
//! token. The grammar of each kind is an `impl QuantityReader` block in its own file. Its methods call each other in circles,
//! as in any parser by recursive descent: a date may end in a number, and whether a number stands alone depends on the
//! date beside it.
//!
//! Reading is deterministic, takes time proportional to the length of the text, and looks only at the words beside a
//! number. Ambiguous texts are read as follows:
//!
//! - A Thai year of four digits is of the Buddhist era from 2200 to 2699 and of the common era otherwise. A Thai year
//!   of two digits is 2531 to 2599 of the Buddhist era for 31 to 99 and 2000 to 2030 of the common era for 00 to 30;
//!   after the spoken name of a month (`6 ตุลา 19`) it is always of the Buddhist era. An English year is as written
//!   unless B.E. stands beside it. Before 1941 the Thai year began in April, which is not taken into account.
//! - `8/11/2566` is day, month, year in both languages.
//! - A time that does not say whether it is before or after noon (`10:30`, `half past three`) agrees with either.
//! - หนึ่ง and `one` are numbers only before a unit or within a longer number; a word for a power of ten alone (พัน,
//!   แสน) is a number only before a unit.
//! - Signs are dropped: ลดลง 5 (fell by 5) may be −5 in the other language.

mod agree;
mod amount;
mod code;
mod compare;
mod context;
mod date;
mod fraction;
mod kind;
mod lexicon;
mod measure;
mod mismatch;
mod name;
mod number;
mod ordinal;
mod reader;
mod soft;
mod time;
mod token;
mod unit;
mod write;
mod year;

pub use amount::Amount;
pub use compare::compare_quantities;
pub use mismatch::{Mismatch, MismatchKind};
pub use unit::rename_english_unit;
pub use write::{english_forms, write_in_style};

use crate::span::Span;
use std::fmt;

/// The language whose number words and writing habits a text is read by. Digits and symbols are read alike in both
/// languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Thai, with Thai digits, years of the Buddhist era and words such as ล้าน (million).
    Thai,
    /// English, with years of the common era and words such as million.
    English,
}

/// A quantity in a text: one value, or two values that a dash, a colon or a word joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// Byte range of the quantity in the text. It contains units that belong to the value (`%`, บาท, น.), but not words
    /// that qualify it, such as about.
    pub span: Span,
    /// Normalised value; of a range, a score or a ratio, the first of the two values.
    pub value: QuantityValue,
    /// Second value of a range, a score or a ratio; `None` for a single value.
    pub second: Option<QuantityValue>,
    /// How exact the value is, according to words beside it such as about and more than.
    pub precision: QuantityPrecision,
    /// Whether the quantity is written with digits, wholly or in part, and not in words alone.
    pub has_digits: bool,
}

/// How exact a value is, according to the words beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QuantityPrecision {
    /// No word beside the value says that it is inexact.
    #[default]
    Exact,
    /// The value is approximate: about, ประมาณ.
    About,
    /// The value is a lower bound: more than, at least, กว่า, ไม่น้อยกว่า.
    Over,
    /// The value is an upper bound: less than, nearly, up to, เกือบ, ไม่เกิน.
    Under,
    /// The number meant is an unknown multiple of the value: thousands, หลายพัน.
    Several,
}

/// The normalised value of a quantity. [`fmt::Display`] writes each kind in one short form: `1.5`, `#3`, `3/4`, `25%`,
/// `0.25pp`, `500 THB`, `10:30`, `Wed 2023-11-08`, `2023 CE`, `1990s`, `id 1.2.3`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum QuantityValue {
    /// A plain number without a unit of money or per cent.
    Number(Amount),
    /// A position in an order: ที่ 3, third.
    Ordinal(u64),
    /// A fraction, as its numerator and denominator in the text: 2 of 4 is not reduced to 1 of 2.
    Fraction(u64, u64),
    /// A percentage: the amount is 25 for 25 %.
    Percent(Amount),
    /// A number of percentage points; a basis point is a hundredth of one.
    PercentagePoints(Amount),
    /// An amount of money and the ISO 4217 code of its currency; `$` and ดอลลาร์ alone are `USD`.
    Money(Amount, &'static str),
    /// A time of day.
    Time(Time),
    /// A date, complete or in part, such as a year alone.
    Date(Date),
    /// A decade, by its first year in the common era (1990), or by two digits (90) if the text does not name the
    /// century.
    Decade(i32),
    /// Digits that count nothing, such as a telephone number (its bare digits), a version or an identity number.
    Code(String),
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Time {
    /// Hour, from 0 to 24.
    pub hour: u8,
    /// Minute, from 0 to 59.
    pub minute: u8,
    /// Whether it is known which half of the day the time is in. If so, `hour` is on the clock of 24 hours; if not,
    /// `hour` is as written.
    pub is_half_known: bool,
}

/// A date, complete or in part; at least one field is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Date {
    /// Year of the common era; a year n before the common era is −n.
    pub year: Option<i32>,
    /// Month, from 1 to 12.
    pub month: Option<u8>,
    /// Day of the month, from 1 to 31; not checked against the length of the month.
    pub day: Option<u8>,
    /// Day of the week, from 1 (Monday) to 7 (Sunday).
    pub weekday: Option<u8>,
}

impl Date {
    /// Makes a date that consists of a year of the common era only.
    fn of_year(year: i32) -> Self {
        Self {
            year: Some(year),
            ..Self::default()
        }
    }
}

/// Finds all quantities in a text, in the order of the text and without overlap.
pub fn find_quantities(text: &str, language: Language) -> Vec<Quantity> {
    reader::QuantityReader::new(text, language).read_all_quantities()
}

impl fmt::Display for QuantityValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QuantityValue::Number(amount) => write!(f, "{amount}"),
            QuantityValue::Ordinal(number) => write!(f, "#{number}"),
            QuantityValue::Fraction(part, whole) => write!(f, "{part}/{whole}"),
            QuantityValue::Percent(amount) => write!(f, "{amount}%"),
            QuantityValue::PercentagePoints(amount) => write!(f, "{amount}pp"),
            QuantityValue::Money(amount, currency) => write!(f, "{amount} {currency}"),
            QuantityValue::Time(time) => write!(f, "{time}"),
            QuantityValue::Date(date) => write!(f, "{date}"),
            QuantityValue::Decade(year) => write!(f, "{year}s"),
            QuantityValue::Code(digits) => write!(f, "id {digits}"),
        }
    }
}

/// Writes a time as `10:30`, with a question mark after it if it may be before or after noon.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.is_half_known { "" } else { "?" };
        write!(f, "{:02}:{:02}{mark}", self.hour, self.minute)
    }
}

/// Writes a date as `Wed 2023-11-08`. A star stands for an unknown part before a known one (`*-11-08`, `*-*-08`); a
/// year alone is written `2023 CE`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WEEKDAY_ABBREVIATIONS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let weekday = self
            .weekday
            .and_then(|day| WEEKDAY_ABBREVIATIONS.get(usize::from(day).wrapping_sub(1)));
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

/// Writes the value of a quantity, with `~` (about), `>` (over), `<` (under) or `several` before it, and with `..` and
/// the second value after it if there are two values.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.precision {
            QuantityPrecision::Exact => "",
            QuantityPrecision::About => "~",
            QuantityPrecision::Over => ">",
            QuantityPrecision::Under => "<",
            QuantityPrecision::Several => "several ",
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
