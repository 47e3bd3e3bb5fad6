//! The kinds of tokens: what a word, a numeral or a symbol can mean in a number, a date or a time.

use super::amount::Amount;

/// The years by which the Buddhist era is ahead of the common era.
pub const BUDDHIST: i32 = 543;

/// The meaning of a token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TokenKind {
    /// A number in digits.
    Numeral(Numeral),
    /// Digits that are no number: a version, or more digits than an amount may have.
    Code,
    /// A number below a hundred in words.
    SmallNumber(u64),
    /// A word that multiplies the number before it: hundred, ล้าน.
    Scale(u64),
    /// A scale that is written as letters right after digits: `5k`, `2bn`.
    ScaleLetter(u64),
    /// A scale in the plural, as in thousands of people.
    PluralScale(u64),
    /// หลาย, several: an unknown number of the scale after it.
    Several,
    /// An ordinal in words: third.
    Ordinal(u64),
    /// A decade in words: nineties.
    Decade(i32),
    /// The denominator of a fraction in words: quarters.
    Denominator(u64),
    /// ครึ่ง, half.
    Half,
    /// จุด, point: the decimals follow in words.
    Point,
    /// กว่า, เศษ (and more): stands between a number and its scale, or after it.
    AndMore,
    /// A percent sign or word.
    Percent,
    /// Percentage points, or parts of them; the number says how many parts make one point (100 for basis points).
    PercentagePoints(u64),
    /// ร้อยละ (per cent), which stands before its number.
    PerHundred,
    /// A currency, by its ISO 4217 code.
    Currency(&'static str),
    /// A month, from 1, and how it is written.
    Month(u8, MonthForm),
    /// A weekday, from 1 for Monday. The flag is false if the word alone may mean something else (the sun).
    Weekday(u8, bool),
    /// An era; the number is added to a year of it to get a year of the common era.
    Era(i32),
    /// A mark for years before the common era.
    Bce,
    /// A word of a time of day.
    TimeWord(TimeWord),
    /// A word that only looks like a number: พันธุ์ (breed) begins like พัน (thousand).
    NotQuantity,
    /// Any other word; the reader compares its text where needed.
    Word,
    /// A character that is neither letter, digit nor white space.
    Symbol(char),
    /// The end of a line.
    LineBreak,
}

/// The written form of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MonthForm {
    /// In full, and the word has no other meaning.
    Full,
    /// In full or abbreviated, but the word may mean something else: it needs a day, a year or a preposition beside it.
    Short,
    /// Without its ending, as people say it: ตุลา.
    Spoken,
}

/// Words of a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeWord {
    /// น., นาฬิกา, hours: the hour is on the clock of 24 hours.
    TwentyFourHour,
    /// โมง, o'clock: the half of the day is not said.
    Oclock,
    /// ตี: the number after it counts hours after midnight.
    AfterMidnight,
    /// ทุ่ม: the number before it counts hours after 18:00.
    Evening,
    /// บ่าย, p.m.
    Afternoon,
    /// เช้า, a.m.
    Morning,
    /// เย็น: 16:00 to 18:00.
    EarlyEvening,
    /// A name of one hour: เที่ยง (12), midnight (0).
    NamedHour(u8),
}

/// A number in digits, with how it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numeral {
    /// Its value.
    pub amount: Amount,
    /// The value of the digits before the decimal point.
    pub whole: u64,
    /// The number of digits before the decimal point.
    pub digits: u8,
    /// The value and the number of the digits after the decimal point.
    pub decimals: Option<(u64, u8)>,
    /// Whether commas group the thousands.
    pub has_commas: bool,
}

impl Numeral {
    /// Its value if it is written with digits alone, without comma or point.
    pub fn as_plain_digits(&self) -> Option<u64> {
        (self.decimals.is_none() && !self.has_commas).then_some(self.whole)
    }

    /// Its value if it is written with exactly this many digits and nothing else.
    pub fn as_digits(&self, digits: u8) -> Option<u64> {
        self.as_plain_digits().filter(|_| self.digits == digits)
    }
}
