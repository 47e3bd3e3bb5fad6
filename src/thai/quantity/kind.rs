//! The kinds of tokens: what a word, a numeral or a symbol can mean in a number, a date or a time.

use super::amount::Amount;

/// Number of years by which the Buddhist era is ahead of the common era: 2566 BE is 2023 CE.
pub const BUDDHIST_ERA_OFFSET_YEARS: i32 = 543;

/// What a token (a word, a numeral or a symbol) means in a quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TokenKind {
    /// A number in digits.
    Numeral(Numeral),
    /// Digits that are no number: a version such as `1.2.3`, or more digits than an amount may have.
    Code,
    /// A word for a number below a hundred.
    SmallNumber(u64),
    /// A word that multiplies the number before it by this factor: hundred, ล้าน (million).
    Scale(u64),
    /// Letters right after digits that multiply by this factor: `5k`, `2bn`.
    ScaleLetter(u64),
    /// A word for an unknown multiple of this factor: thousands, millions.
    PluralScale(u64),
    /// A word for an unknown number of what follows, such as several or หลาย before thousand.
    Several,
    /// A word for an ordinal: third.
    Ordinal(u64),
    /// A word for a decade of an unnamed century, with its first year in two digits: 90 for nineties.
    Decade(i32),
    /// A word for the denominator of a fraction: quarters.
    Denominator(u64),
    /// A word for a half: half, ครึ่ง.
    Half,
    /// A word for the decimal point, after which decimals follow in words: point, จุด.
    Point,
    /// A Thai word that means "and more" between a number and its scale, or after the number: กว่า, เศษ.
    AndMore,
    /// A sign or word for per cent.
    Percent,
    /// A word for percentage points or for parts of them. The number says how many parts make one percentage point: 100
    /// for basis points.
    PercentagePoints(u64),
    /// The word ร้อยละ (per cent), which stands before its number.
    PerHundred,
    /// A sign or word for a currency, with its ISO 4217 code.
    Currency(&'static str),
    /// The name of a month, with the month's number from 1, and how the name is written.
    Month(u8, MonthForm),
    /// The name of a day of the week, with the day's number from 1 for Monday. The flag is false if the word may also
    /// mean something else, such as sun.
    Weekday(u8, bool),
    /// The name of an era, with the number that turns a year of the era into a year of the common era when added to it.
    Era(i32),
    /// A word for years before the common era: BC, ก่อนคริสตกาล.
    Bce,
    /// A word that belongs to a time of day.
    TimeWord(TimeWord),
    /// A word that begins like a number but is none: พันธุ์ (breed) begins like พัน (thousand).
    NotQuantity,
    /// Any word that is in no other kind. The reader compares its text where a grammar needs it.
    Word,
    /// A character that is neither a letter, a digit nor white space, and has no other kind.
    Symbol(char),
    /// The end of a line.
    LineBreak,
}

/// How the name of a month is written, which decides whether it can stand for a month without a day or year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MonthForm {
    /// The name is written in full and has no other meaning.
    Full,
    /// The name, in full or abbreviated, can be another word, such as march. It counts only with a day, a year or a
    /// preposition beside it.
    Short,
    /// The Thai name without its last syllable, as people say it: ตุลา (October).
    Spoken,
}

/// A word that belongs to a time of day, by what it says about the hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeWord {
    /// The hour is on the clock of 24 hours: น., นาฬิกา, hrs, UTC.
    TwentyFourHour,
    /// The word does not say whether the hour is before or after noon: o'clock, โมง.
    Oclock,
    /// The number after the word counts hours after midnight: ตี.
    AfterMidnight,
    /// The number before the word counts hours after 18:00: ทุ่ม.
    Evening,
    /// The hour is after noon: บ่าย, p.m.
    Afternoon,
    /// The hour is before noon: เช้า, a.m.
    Morning,
    /// The hour is in the late afternoon or early evening: เย็น.
    EarlyEvening,
    /// A name for one hour, with the hour: เที่ยง (12), midnight (0).
    NamedHour(u8),
}

/// A number in digits, and how it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numeral {
    /// Value of the number.
    pub amount: Amount,
    /// Value of the digits before the decimal point.
    pub whole: u64,
    /// Number of digits before the decimal point.
    pub digits: u8,
    /// Value of the digits after the decimal point, and the number of these digits; `None` if there is no decimal
    /// point.
    pub decimals: Option<(u64, u8)>,
    /// Whether commas separate the thousands.
    pub has_commas: bool,
}

impl Numeral {
    /// Returns the value if the number is written with digits alone, without comma or decimal point.
    pub fn value_if_only_digits(&self) -> Option<u64> {
        (self.decimals.is_none() && !self.has_commas).then_some(self.whole)
    }

    /// Returns the value if the number is written with exactly `digits` digits and nothing else.
    pub fn value_if_digit_count(&self, digits: u8) -> Option<u64> {
        self.value_if_only_digits().filter(|_| self.digits == digits)
    }
}
