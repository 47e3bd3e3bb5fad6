//! The reading of quantities from tokens: numbers with their units, fractions, ordinals, codes and pairs of them.

use super::amount::Amount;
use super::lexicon::{self, Kind};
use super::number::Number;
use super::token::{self, Numeral, Token, is_digit};
use super::{Language, Precision, Quantity, Value};
use crate::span::Span;
use crate::thai::is_letter;
use crate::thai::lexicon::{CLASSIFIERS, UNITS as MEASURES};

pub struct Reader<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    pub language: Language,
}

/// What was read at a token, and the token after it.
pub struct Found {
    pub value: Value,
    pub to: Option<Value>,
    /// Where the words themselves say it; otherwise it is looked for beside them.
    pub precision: Precision,
    pub end: usize,
}

impl Found {
    pub fn new(value: Value, end: usize) -> Self {
        Self::pair(value, None, end)
    }

    pub fn pair(value: Value, to: Option<Value>, end: usize) -> Self {
        Self {
            value,
            to,
            precision: Precision::Exact,
            end,
        }
    }
}

/// What is counted in a value of its own.
#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Percent,
    Points(u64),
    Money(&'static str),
}

/// Words before a number that qualify it, or look so. Where one ends with another the longer is meant.
const BEFORE: &[(Precision, &str)] = &[
    (Precision::Exact, "งบประมาณ"),
    (
        Precision::About,
        "ประมาณ|ราว|ราวๆ|ราว ๆ|คร่าวๆ|เฉลี่ย|ใกล้เคียง|about|around|approximately|roughly|some|circa|approx.|an estimated",
    ),
    (
        Precision::Over,
        "กว่า|มากกว่า|สูงกว่า|นานกว่า|เกิน|เกินกว่า|ไม่น้อยกว่า|ไม่ต่ำกว่า|อย่างน้อย|ทะลุ|over|more than|at least|above|exceeding|no less than|no fewer than|not less than",
    ),
    (
        Precision::Under,
        "เกือบ|เกือบถึง|น้อยกว่า|ต่ำกว่า|ไม่เกิน|ไม่เกินกว่า|ไม่ถึง|ไม่มากกว่า|สูงสุด|มากสุด|อย่างมาก|nearly|almost|less than|fewer than|under|below|up to|no more than|not more than|at most|close to",
    ),
];

/// Words after a number that qualify it.
const AFTER: &[(Precision, &str)] = &[
    (Precision::Over, "กว่า|เศษ|ขึ้นไป|+|-odd|or more|-plus"),
    (Precision::About, "โดยประมาณ|or so"),
    (Precision::Under, "ลงมา|or less|or fewer"),
];

/// Words before a number that is dialled.
const DIALLED: &[&str] = &[
    "สายด่วน",
    "โทร",
    "โทร.",
    "โทรศัพท์",
    "hotline",
    "Hotline",
    "call",
    "Call",
    "dial",
    "tel",
    "Tel",
    "tel.",
    "Tel.",
    "Call Center",
    "Call Centre",
    "call center",
];

/// Names that have a number, however it is joined.
const NUMBERED: &[&str] = &["โควิด", "covid"];

/// Units that Latin letters glued to digits are, beside those that the lexicon knows.
const GLUED: &[&str] = &[
    "m", "km", "cm", "mm", "kg", "g", "mg", "l", "ml", "ha", "ft", "mi", "lb", "lbs", "oz", "kph", "mph", "kW", "kWh",
    "MW", "GW", "W", "V", "Hz", "kHz", "MHz", "GHz", "kB", "KB", "MB", "GB", "TB", "Mbps", "Gbps", "hr", "hrs", "h",
    "min", "s", "sec", "yr", "yrs", "x", "th", "st", "nd", "rd", "ml",
];

impl<'a> Reader<'a> {
    pub fn new(text: &'a str, language: Language) -> Self {
        Self {
            text,
            tokens: token::tokens(text),
            language,
        }
    }

    pub fn read(&self) -> Vec<Quantity> {
        let mut quantities = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let found = self
                .date(at)
                .or_else(|| self.time(at))
                .or_else(|| self.code(at))
                .or_else(|| self.fraction(at))
                .or_else(|| self.ordinal(at))
                .or_else(|| self.counted(at));
            let Some(found) = found else {
                at += 1;
                continue;
            };
            let span = Span::new(self.tokens[at].start, self.tokens[found.end - 1].end);
            quantities.push(Quantity {
                span,
                precision: match found.precision {
                    Precision::Exact => self.precision(at, found.end),
                    precision => precision,
                },
                value: found.value,
                to: found.to,
                digits: span.of(self.text).contains(is_digit),
            });
            at = found.end;
        }
        quantities
    }

    pub fn kind(&self, at: usize) -> Kind {
        self.tokens.get(at).map_or(Kind::Break, |token| token.kind)
    }

    pub fn slice(&self, at: usize) -> &'a str {
        self.tokens
            .get(at)
            .map_or("", |token| &self.text[token.start..token.end])
    }

    /// Whether the token is one of these words, in any case.
    pub fn is(&self, at: usize, words: &[&str]) -> bool {
        let text = self.slice(at);
        words.iter().any(|word| word.eq_ignore_ascii_case(text))
    }

    /// Whether a token follows the one before it without a space.
    pub fn glued(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.glued)
    }

    pub fn numeral(&self, at: usize) -> Option<Numeral> {
        match self.kind(at) {
            Kind::Numeral(numeral) => Some(numeral),
            _ => None,
        }
    }

    /// The line's text before a token, without the space between.
    pub fn before(&self, at: usize) -> &'a str {
        let start = self.tokens.get(at).map_or(self.text.len(), |token| token.start);
        self.text[..start].trim_end_matches([' ', '\u{a0}'])
    }

    /// The text from a token on.
    fn after(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| &self.text[token.start..])
    }

    pub fn is_thai(&self) -> bool {
        self.language == Language::Thai
    }

    /// Whether a word that is counted stands here: a classifier or a unit.
    pub fn is_unit(&self, at: usize) -> bool {
        let text = self.after(at);
        // Up to the end of a token: ตร. is one, ตรง is not.
        let ends = |unit: &str| {
            (at..at + 4)
                .filter_map(|at| self.tokens.get(at))
                .any(|token| token.end == self.tokens[at].start + unit.len())
        };
        self.is_thai()
            && MEASURES
                .iter()
                .chain(CLASSIFIERS.iter())
                .any(|unit| text.starts_with(unit) && ends(unit))
    }

    fn precision(&self, start: usize, end: usize) -> Precision {
        // Whole words: งบประมาณ is not ประมาณ.
        let text = self.before(start);
        let ends_with = |text: &str, word: &str| {
            let Some(from) = text
                .len()
                .checked_sub(word.len())
                .filter(|&from| text.is_char_boundary(from))
            else {
                return false;
            };
            text[from..].eq_ignore_ascii_case(word)
                && (1..=4).any(|back| start.checked_sub(back).is_some_and(|at| self.tokens[at].start == from))
        };
        let before = BEFORE
            .iter()
            .flat_map(|(precision, words)| words.split('|').map(move |word| (precision, word)))
            .filter(|(_, word)| ends_with(text, word))
            .max_by_key(|(_, word)| word.len());
        if let Some((precision, _)) = before {
            return *precision;
        }
        let text = self.after(end);
        if text.starts_with('+') && self.glued(end + 1) && self.numeral(end + 1).is_some() {
            return Precision::Exact;
        }
        AFTER
            .iter()
            .find(|(_, words)| words.split('|').any(|word| text.starts_with(word)))
            .map_or(Precision::Exact, |(precision, _)| *precision)
    }

    /// Whether the numeral here is a part of a name: `A1`, `39C`, `COVID-19`.
    pub fn is_label(&self, at: usize) -> bool {
        let Some(numeral) = self.numeral(at) else {
            return false;
        };
        let dash = usize::from(at > 0 && matches!(self.kind(at - 1), Kind::Symbol('-' | '–')));
        if at > dash && self.is(at - 1 - dash, NUMBERED) {
            return true;
        }
        let latin = |text: &str| text.ends_with(|c: char| c.is_alphabetic() && !is_letter(c));
        if at > 0 && self.glued(at) {
            let before = self.slice(at - 1);
            if latin(before) && !matches!(self.kind(at - 1), Kind::Currency(_)) {
                return true;
            }
            let joined = matches!(before, "-" | "–") && at > 1 && self.glued(at - 1);
            if joined
                && matches!(self.kind(at - 2), Kind::Word | Kind::Not | Kind::Currency(_))
                && self.slice(at - 2).ends_with(char::is_alphanumeric)
                && !self.is(
                    at - 2,
                    &["mid", "early", "late", "pre", "post", "sub", "under", "over", "non"],
                )
            {
                return true;
            }
        }
        if !self.glued(at + 1)
            || !latin(&self.slice(at + 1)[..self.slice(at + 1).chars().next().map_or(0, char::len_utf8)])
        {
            return false;
        }
        match self.kind(at + 1) {
            // `4K` and `5B` are names, `$4K` is not; `5M` is a number.
            Kind::Letter(_) => {
                matches!(self.slice(at + 1), "K" | "B") && !(at > 0 && matches!(self.kind(at - 1), Kind::Currency(_)))
            }
            Kind::Scale(_)
            | Kind::Currency(_)
            | Kind::Hour(_)
            | Kind::Era(_)
            | Kind::Bce
            | Kind::Percent
            | Kind::Points(_) => false,
            // Degrees, but `JAS 39C`.
            _ if matches!(self.slice(at + 1), "C" | "F") => {
                numeral.digits > 3 || at > 0 && (self.glued(at) || self.slice(at - 1).starts_with(char::is_uppercase))
            }
            _ => !GLUED.contains(&self.slice(at + 1)),
        }
    }

    /// The token after what joins two values here; none where nothing does.
    fn joined(&self, at: usize, first: usize) -> Option<usize> {
        let between = || {
            let text = self.before(first);
            ["ระหว่าง", "between", "Between", "ทั้ง"]
                .iter()
                .any(|word| text.ends_with(word))
        };
        match self.kind(at) {
            Kind::Symbol('-' | '–' | '—' | '−' | '~' | '～') => Some(at + 1),
            _ if self.is(at, &["ถึง", "จนถึง", "ไปจนถึง", "to", "or", "หรือ"]) => {
                Some(at + 1)
            }
            _ if self.is(at, &["และ", "กับ", "and"]) && between() => Some(at + 1),
            _ => None,
        }
    }

    /// What gives a number its unit, and the token after it.
    fn unit(&self, at: usize, number: &Number) -> (Option<Unit>, usize) {
        let named = |at: usize| self.slice(at).starts_with(char::is_alphabetic);
        let at = if matches!(self.kind(at), Kind::Symbol('-'))
            && named(at + 1)
            && matches!(self.kind(at + 1), Kind::Percent | Kind::Currency(_))
        {
            at + 1
        } else {
            at
        };
        let point = |at: usize| self.is(at, &["point", "points"]);
        match self.kind(at) {
            Kind::Percent if point(at + 1) => (Some(Unit::Points(1)), at + 2),
            Kind::Percent => (Some(Unit::Percent), at + 1),
            Kind::Points(part) => (Some(Unit::Points(part)), at + 1),
            // A verb after a small number.
            Kind::Currency("KRW") if self.is(at, &["won"]) && number.amount < Amount::whole(100) => (None, number.end),
            Kind::Currency(code) => (Some(Unit::Money(code)), at + 1),
            _ if number.precision == Precision::Several && self.is(at, &["of"]) => match self.kind(at + 1) {
                Kind::Currency(code) => (Some(Unit::Money(code)), at + 2),
                _ => (None, number.end),
            },
            _ if self.is(at, &["per"]) && self.is(at + 1, &["cent"]) => (Some(Unit::Percent), at + 2),
            _ if self.is(at, &["percentage"]) && point(at + 1) => (Some(Unit::Points(1)), at + 2),
            _ if self.is(at, &["basis"]) && point(at + 1) => (Some(Unit::Points(100)), at + 2),
            _ => (1..=2)
                .find_map(|words| {
                    let Kind::Currency(code) = self.kind(at + words) else {
                        return None;
                    };
                    let named = (at..at + words).all(|at| self.slice(at).starts_with(|c: char| c.is_ascii_uppercase()));
                    let code = match lexicon::dollars(self.slice(at + words - 1)) {
                        Some(other) if code == "USD" => other,
                        _ => code,
                    };
                    named.then_some((Some(Unit::Money(code)), at + words + 1))
                })
                .unwrap_or((None, number.end)),
        }
    }

    /// A number with the unit before it or after it, and the token after both.
    fn measured(&self, at: usize) -> Option<(Number, Option<Unit>, bool, usize)> {
        let (prefix, start) = match self.kind(at) {
            Kind::PerHundred => (Some(Unit::Percent), at + 1),
            // A sign or a code; words come after their number.
            Kind::Currency(code)
                if self.numeral(at + 1).is_some()
                    && self
                        .slice(at)
                        .starts_with(|c: char| !c.is_alphabetic() || c.is_uppercase()) =>
            {
                (Some(Unit::Money(code)), at + 1)
            }
            _ => (None, at),
        };
        let number = self.number(start)?;
        let (suffix, end) = self.unit(number.end, &number);
        Some(match (prefix, suffix) {
            (Some(Unit::Percent), _) => (number, prefix, true, number.end),
            (Some(_), Some(Unit::Money(_)) | None) => (number, prefix, true, end),
            _ => (number, suffix, false, end),
        })
    }

    /// A number with what is counted, or a pair of them; or one alone.
    fn counted(&self, at: usize) -> Option<Found> {
        let (mut first, mut unit, prefixed, mut end) = self.measured(at)?;
        let mut second = None;
        // สองสาม is two or three.
        let next = match self.joined(end, at) {
            None if self.is_run_on(&first, end) => Some(end),
            joined => joined,
        };
        if let Some(next) = next
            && (unit.is_none() || prefixed || next > end)
            && let Some((other, other_unit, _, other_end)) = self.measured(next)
            && (unit == other_unit || unit.is_none() || prefixed && other_unit.is_none())
            && !(other.is_bare && other_unit.is_none())
            && self.date(next).is_none()
            && self.time(next).is_none()
        {
            if first.scale.is_none()
                && let Some(scale) = other.scale
                && first.amount <= other.head
            {
                first.amount = first.amount.times(scale)?;
            }
            unit = unit.or(other_unit);
            second = Some(other.amount);
            end = other_end;
        }
        if second.is_none()
            && let Some((colon, ratio)) = self.ratio(at, &first, unit)
        {
            (second, end) = (Some(ratio), colon);
        }
        let value = |amount: Amount| {
            Some(match unit {
                None => Value::Number(amount),
                Some(Unit::Percent) => Value::Percent(amount),
                Some(Unit::Points(part)) => Value::Points(amount.times(Amount::ratio(1, part.into())?)?),
                Some(Unit::Money(code)) => Value::Money(amount, code),
            })
        };
        if first.is_bare && unit.is_none() && second.is_none() && !self.has_company(at, end) {
            return None;
        }
        let mut found = Found::new(value(first.amount)?, end);
        found.to = match second {
            Some(amount) => Some(value(amount)?),
            None => None,
        };
        found.precision = first.precision;
        if let (Value::Number(_), None, None) = (&found.value, &found.to, first.scale)
            && let Some(number) = first.amount.to_whole()
            && self.is_nth(at)
        {
            found.value = Value::Ordinal(number);
        }
        Some(found)
    }

    /// Whether a Thai digit in words has the next one after it.
    fn is_run_on(&self, first: &Number, next: usize) -> bool {
        match (first.amount.to_whole(), self.kind(next)) {
            (Some(first), Kind::Small(second)) => {
                self.is_thai() && self.glued(next) && first < 9 && first + 1 == second
            }
            _ => false,
        }
    }

    /// The second number of `1 : 100`, `2:1` and `3 ต่อ 2`, and the token after it.
    fn ratio(&self, at: usize, first: &Number, unit: Option<Unit>) -> Option<(usize, Amount)> {
        let colon = first.end;
        let joins = matches!(self.kind(colon), Kind::Symbol(':')) || self.is(colon, &["ต่อ"]);
        if unit.is_some() || !joins || self.numeral(at).is_none() || self.numeral(colon + 1).is_none() {
            return None;
        }
        let second = self.number(colon + 1)?;
        let plain = self.unit(second.end, &second).0.is_none() && !self.is_unit(second.end);
        plain.then_some((second.end, second.amount))
    }

    /// Whether a scale or a one, alone, is a number: a unit follows it or a word before it says so.
    fn has_company(&self, at: usize, end: usize) -> bool {
        if self.is_thai() {
            return self.is_unit(end)
                || self.kind(at) == Kind::Small(1) && self.is_nth(at)
                || self.precision(at, end) != Precision::Exact;
        }
        const UNITS: &[&str] = &[
            "year",
            "month",
            "week",
            "hour",
            "minute",
            "person",
            "people",
            "kilometre",
            "kilometer",
            "metre",
            "meter",
            "mile",
            "kilogram",
            "kilo",
            "tonne",
            "ton",
            "litre",
            "liter",
            "degree",
            "point",
            "goal",
            "vote",
            "seat",
            "child",
            "death",
            "case",
            "km",
            "kg",
        ];
        self.is(end, UNITS) || matches!(self.kind(end), Kind::Symbol('-')) && self.is(end + 1, UNITS)
    }

    /// Whether ที่ before the number makes it an ordinal: ครั้งที่ 9, but not อยู่ที่ 9.
    pub fn is_nth(&self, at: usize) -> bool {
        let text = self.before(at);
        text.ends_with("ที่")
            && !["อยู่ที่", "ไว้ที่", "คงที่", "ราคาที่", "เพิ่มที่"]
                .iter()
                .any(|word| text.ends_with(word))
    }

    /// `3rd`, third, twenty-first.
    fn ordinal(&self, at: usize) -> Option<Found> {
        self.nth(at)
            .or_else(|| Some((self.roman(at)?, at + 1)))
            .map(|(number, end)| Found::new(Value::Ordinal(number), end))
    }

    /// A Roman numeral below 40 after a name: Louis XIV. One, which is the pronoun I, is not told.
    fn roman(&self, at: usize) -> Option<u64> {
        const ONES: [&str; 10] = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"];
        let text = self.slice(at);
        let after_name = at > 0 && !self.glued(at) && self.slice(at - 1).starts_with(char::is_uppercase);
        if self.is_thai() || !after_name || text.len() > 7 || self.kind(at) != Kind::Word {
            return None;
        }
        let ones = text.trim_start_matches('X');
        let tens = text.len() - ones.len();
        let ones = ONES.iter().position(|&numeral| numeral == ones)?;
        u64::try_from(tens * 10 + ones)
            .ok()
            .filter(|&number| (2..40).contains(&number))
    }

    /// An English ordinal and the token after it.
    pub fn nth(&self, at: usize) -> Option<(u64, usize)> {
        if self.is_thai() {
            return None;
        }
        match self.kind(at) {
            Kind::Numeral(numeral) if self.glued(at + 1) && self.is(at + 1, &["st", "nd", "rd", "th"]) => {
                Some((numeral.plain()?, at + 2))
            }
            // The unit of time: after a number, per, every.
            Kind::Nth(2)
                if at > 0
                    && (matches!(self.kind(at - 1), Kind::Numeral(_) | Kind::Small(_))
                        || matches!(self.kind(at - 1), Kind::Symbol('-' | '/')) && self.glued(at)
                        || self.is(at - 1, &["per", "every", "each", "split"])) =>
            {
                None
            }
            Kind::Nth(number) => Some((number, at + 1)),
            Kind::Small(tens @ 20..) => {
                let next = if matches!(self.kind(at + 1), Kind::Symbol('-')) {
                    at + 2
                } else {
                    at + 1
                };
                match self.kind(next) {
                    Kind::Nth(unit @ 1..10) => Some((tens + unit, next + 1)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// A whole number that may be a part of a fraction, and the token after it.
    fn part(&self, at: usize) -> Option<(u64, usize)> {
        const MOST: u64 = 1000;
        let number = self.number(at)?;
        let whole = number.amount.to_whole().filter(|&whole| whole <= MOST)?;
        Some((whole, number.end))
    }

    /// Halves, 3/4, 3 ใน 4, เศษ 3 ส่วน 4, three quarters, three out of four.
    fn fraction(&self, at: usize) -> Option<Found> {
        match self.kind(at) {
            Kind::Half => return self.half(at),
            Kind::Symbol(c) => {
                let (part, whole) = lexicon::vulgar(c)?;
                return Some(Found::new(Value::Fraction(part, whole), at + 1));
            }
            Kind::More if self.is(at, &["เศษ"]) => {
                let (part, end) = self.part(at + 1).filter(|&(_, end)| self.is(end, &["ส่วน"]))?;
                let (whole, end) = self.part(end + 1)?;
                return Some(Found::new(Value::Fraction(part, whole), end));
            }
            // A year and a half.
            _ if self.is(at, &["a", "an"])
                && !matches!(self.kind(at + 1), Kind::Scale(_))
                && self.and_a_half(at + 2).is_some() =>
            {
                let end = self.and_a_half(at + 2)?;
                return Some(Found::new(Value::Number(Amount::ONE_AND_HALF), end));
            }
            _ if self.is(at, &["a", "an"]) => {
                let (Kind::Part(whole) | Kind::Nth(whole @ 3..)) = self.kind(at + 1) else {
                    return None;
                };
                let quarter = matches!(self.kind(at + 1), Kind::Part(_)) && !self.is(at + 2, &["to", "past"]);
                return (quarter || self.is(at + 2, &["of"])).then(|| Found::new(Value::Fraction(1, whole), at + 2));
            }
            _ => {}
        }
        if let Some(found) = self.slashed(at) {
            return Some(found);
        }
        let (part, end) = self.part(at)?;
        if self.is_thai() {
            let (share, parted) = (self.is(end, &["ใน"]), self.is(end, &["ส่วน"]));
            let (whole, next) = self.part(end + 1).filter(|_| share || parted)?;
            let end = if share && self.is(next, &["ส่วน"]) {
                next + 1
            } else {
                next
            };
            return (part < whole).then(|| Found::new(Value::Fraction(part, whole), end));
        }
        let hyphen = if matches!(self.kind(end), Kind::Symbol('-')) {
            end + 1
        } else {
            end
        };
        match self.kind(hyphen) {
            Kind::Part(whole) => return Some(Found::new(Value::Fraction(part, whole), hyphen + 1)),
            Kind::Nth(whole @ 3..) if part == 1 => return Some(Found::new(Value::Fraction(1, whole), hyphen + 1)),
            Kind::Half if part == 1 => return Some(Found::new(Value::Fraction(1, 2), hyphen + 1)),
            _ => {}
        }
        let next = match () {
            () if self.is(end, &["in"]) => end + 1,
            () if self.is(end, &["out"]) && self.is(end + 1, &["of"]) => end + 2,
            () => return None,
        };
        let next = if self.is(next, &["every"]) { next + 1 } else { next };
        let (whole, end) = self.part(next)?;
        (part < whole).then(|| Found::new(Value::Fraction(part, whole), end))
    }

    /// `3/4`: a part, what it is a part of, and the token after both.
    pub fn simple_fraction(&self, at: usize) -> Option<(u64, u64, usize)> {
        let slash = matches!(self.kind(at + 1), Kind::Symbol('/' | '⁄')) && self.glued(at + 1) && self.glued(at + 2);
        let longer = self.glued(at + 3) && matches!(self.kind(at + 3), Kind::Symbol('/'));
        let part = self
            .numeral(at)?
            .plain()
            .filter(|_| slash && !longer && !self.is_label(at))?;
        let whole = self.numeral(at + 2)?.plain()?;
        (part < whole && matches!(whole, 2..=10 | 12 | 16 | 100)).then_some((part, whole, at + 3))
    }

    /// `3/4`, and the pairs that are no fraction: `24/7`, `9/11`, `2/2566`.
    fn slashed(&self, at: usize) -> Option<Found> {
        let part = self.numeral(at)?.plain()?;
        if let Some((part, whole, end)) = self.simple_fraction(at) {
            return Some(Found::new(Value::Fraction(part, whole), end));
        }
        let slash = matches!(self.kind(at + 1), Kind::Symbol('/' | '⁄')) && self.glued(at + 1) && self.glued(at + 2);
        let below = self.numeral(at + 2).filter(|_| slash && !self.is_label(at))?;
        let whole = below.plain()?;
        if self.glued(at + 3) && matches!(self.kind(at + 3), Kind::Symbol('/')) {
            return None;
        }
        let value = if self.is_nth(at) {
            Value::Ordinal(part)
        } else {
            Value::Number(Amount::whole(part))
        };
        let to = match self.year_of(&below) {
            Some(date) if below.digits == 4 => Value::Date(date),
            _ => Value::Number(Amount::whole(whole)),
        };
        Some(Found::pair(value, Some(to), at + 3))
    }

    /// Half of something; not half-time, the second half or half past.
    fn half(&self, at: usize) -> Option<Found> {
        let scale_at = if self.is(at + 1, &["a"]) { at + 2 } else { at + 1 };
        if let Kind::Scale(scale) = self.kind(scale_at) {
            let amount = Amount::whole(scale).times(Amount::HALF)?;
            return match self.unit(scale_at + 1, &Number::simple(amount, scale_at + 1)) {
                (Some(Unit::Money(code)), end) => Some(Found::new(Value::Money(amount, code), end)),
                _ => Some(Found::new(Value::Number(amount), scale_at + 1)),
            };
        }
        if self.is_thai() {
            let next = self.slice(at + 1);
            let twice = self.glued(at + 1) && next.starts_with(['ๆ', 'ฯ']);
            return (!twice).then(|| Found::new(Value::Fraction(1, 2), at + 1));
        }
        let followed = self.is(
            at + 1,
            &[
                "of", "a", "an", "the", "its", "their", "his", "her", "our", "that", "this", "all",
            ],
        );
        let preceded = at > 0
            && self.is(
                at - 1,
                &["by", "than", "in", "nearly", "almost", "about", "over", "other"],
            );
        let named =
            at > 0 && matches!(self.kind(at - 1), Kind::Nth(_)) || matches!(self.kind(at + 1), Kind::Symbol('-'));
        (!named && (followed || preceded)).then(|| Found::new(Value::Fraction(1, 2), at + 1))
    }

    /// Telephone numbers, versions and other digits that count nothing.
    fn code(&self, at: usize) -> Option<Found> {
        let digits = |token: usize| -> String {
            let ascii = |c: char| match c {
                '๐'..='๙' => char::from(b'0' + (c as u32 - '๐' as u32) as u8),
                _ => c,
            };
            self.slice(token).chars().filter(|&c| c != ',').map(ascii).collect()
        };
        let code = |digits: String, end: usize| Some(Found::new(Value::Code(digits), end));
        let numeral = match self.kind(at) {
            Kind::Code => return code(digits(at), at + 1),
            Kind::Numeral(numeral) => numeral,
            _ => return None,
        };
        if at > 0 && self.glued(at) && self.is(at - 1, &["v"]) {
            return code(digits(at), at + 1);
        }
        if self.is_label(at) {
            return None;
        }
        numeral.plain()?;
        // Groups joined by dashes or colons, or by spaces where the first is a trunk prefix.
        const MOST: usize = 8;
        let mut groups = vec![digits(at)];
        let foreign = at > 0 && self.glued(at) && matches!(self.kind(at - 1), Kind::Symbol('+'));
        let trunk = foreign || groups[0].starts_with('0');
        let mut end = at + 1;
        let sign = self.kind(end);
        let mut joined = true;
        while groups.len() < MOST {
            let dash = matches!(sign, Kind::Symbol('-' | '–' | ':'))
                && self.kind(end) == sign
                && self.glued(end)
                && self.glued(end + 1);
            let next = if dash { end + 1 } else { end };
            let group = self.numeral(next).filter(|group| group.plain().is_some());
            let wide = group.is_some_and(|group| (3..=4).contains(&group.digits) || foreign);
            if group.is_none() || !(dash || trunk && wide && !self.glued(next)) {
                break;
            }
            joined &= dash;
            groups.push(digits(next));
            end = next + 1;
        }
        let total: usize = groups.iter().map(String::len).sum();
        if trunk && (9..=12).contains(&total) {
            return code(groups.concat(), end);
        }
        if groups.len() > 2 && joined {
            return code(groups.join(if sign == Kind::Symbol(':') { ":" } else { "-" }), end);
        }
        let text = self.before(at);
        let dialled = (3..=5).contains(&numeral.digits) && DIALLED.iter().any(|word| text.ends_with(word));
        (dialled || groups[0].starts_with('0') && numeral.digits > 2)
            .then(|| Found::new(Value::Code(digits(at)), at + 1))
    }
}
