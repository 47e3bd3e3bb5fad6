//! Writes a quantity in the style of the English text that it replaces: only what differs is written anew.

use super::super::kind::{MonthForm, TimeWord, TokenKind};
use super::super::token::{QuantityToken, cut_into_tokens};
use super::super::{Amount, Date, Quantity, QuantityPrecision, QuantityValue, Time};
use super::amount::{
    SCALES, best_scale, divide_by_scale, in_digits, in_words, ordinal_ending, ordinal_in_words, small_in_words,
};
use super::date::{month_name, twelve_hour_clock, weekday_name, weekday_of};
use super::{currency_words, english_forms};

/// Writes `new` in English as `old` is written. `new_text` is `new` as its own text, Thai or English, has it, and
/// `old_text` is the text of the span of `old`.
///
/// The parts that both quantities have in common stay as they are: `Thursday, 09 January 2023` becomes `Thursday, 09 November 2023`
/// for another month, `3 million baht` becomes `300 billion baht` for another amount. Parts that the old text does not
/// have, such as a year, are not added. Returns `None` if the two are of different kinds, or if the old text is written
/// in a way that cannot be taken over.
pub fn write_in_style(new: &Quantity, new_text: &str, old: &Quantity, old_text: &str) -> Option<String> {
    use QuantityValue::{Code, Date, Decade, Money, Number, Ordinal, Percent, PercentagePoints, Time};
    if [new.precision, old.precision].contains(&QuantityPrecision::Several)
        || new.second.is_some() != old.second.is_some()
    {
        return None;
    }
    let text = OldText {
        text: old_text,
        tokens: cut_into_tokens(old_text),
    };
    match (&new.value, &old.value) {
        (Date(first), Date(old_first)) => {
            let dates = [Some(*first), date_of(new.second.as_ref())];
            text.rewrite_dates(&dates, &[Some(*old_first), date_of(old.second.as_ref())])
        }
        (Date(_), Number(_)) if new.second.is_some() => text.rewrite_dates(
            &[date_of(Some(&new.value)), date_of(new.second.as_ref())],
            &[None, None],
        ),
        // The number of an issue and its year: 12/2566.
        (Number(_) | Ordinal(_), Number(_) | Ordinal(_)) if date_of(new.second.as_ref()).is_some() => {
            let year = date_of(new.second.as_ref())?.year?;
            let is_same = new.value.agrees_with(&old.value) && matches!(old.second, Some(Date(_)));
            is_same.then(|| Some(format!("{}/{year}", old_text.rsplit_once('/')?.0)))?
        }
        // A day alone may be written as a number or an ordinal, and a year as a number.
        (Date(date), Number(_) | Ordinal(_)) if new.second.is_none() => text.rewrite_day_or_year(*date),
        (Time(time), Time(_)) if new.second.is_none() => text.rewrite_time(*time),
        (Number(_), Number(_))
        | (Percent(_), Percent(_))
        | (PercentagePoints(_), PercentagePoints(_))
        | (Money(..), Money(..)) => text.rewrite_amounts(new, old),
        (Ordinal(number), Ordinal(_)) => text.rewrite_ordinal(*number),
        (Decade(year), Decade(_)) if new.second.is_none() => {
            let digits = text.only_numeral()?;
            let shown = if text.text_of(digits).len() == 2 {
                year % 100
            } else {
                *year
            };
            Some(text.with_token(digits, &format!("{shown:02}")))
        }
        (Code(_), Code(_)) => Some(new_text.chars().map(to_ascii_digit).collect()),
        (a, b) if std::mem::discriminant(a) == std::mem::discriminant(b) => english_forms(new).into_iter().next(),
        _ => None,
    }
}

/// Returns the ASCII digit for a Thai digit, and every other character unchanged.
fn to_ascii_digit(c: char) -> char {
    match c {
        '๐'..='๙' => char::from(b'0' + (c as u32 - '๐' as u32) as u8),
        _ => c,
    }
}

fn date_of(value: Option<&QuantityValue>) -> Option<Date> {
    match value {
        Some(QuantityValue::Date(date)) => Some(*date),
        _ => None,
    }
}

/// The text of a quantity that is to be written anew, with its tokens.
struct OldText<'a> {
    text: &'a str,
    tokens: Vec<QuantityToken>,
}

/// The part of a date that a token of its text is.
#[derive(Clone, Copy, PartialEq)]
enum DatePart {
    Year,
    Month,
    Day,
    Weekday,
}

impl OldText<'_> {
    fn text_of(&self, at: usize) -> &str {
        self.tokens
            .get(at)
            .map_or("", |token| &self.text[token.start..token.end])
    }

    fn kind(&self, at: usize) -> TokenKind {
        self.tokens.get(at).map_or(TokenKind::LineBreak, |token| token.kind)
    }

    /// Returns the text with the token at `at` replaced.
    fn with_token(&self, at: usize, new: &str) -> String {
        let token = self.tokens[at];
        format!("{}{new}{}", &self.text[..token.start], &self.text[token.end..])
    }

    /// Returns the index of the text's only numeral.
    fn only_numeral(&self) -> Option<usize> {
        let mut numerals = (0..self.tokens.len()).filter(|&at| matches!(self.kind(at), TokenKind::Numeral(_)));
        numerals.next().filter(|_| numerals.next().is_none())
    }

    /// Whether the token at `at` is the ending of an ordinal right after digits.
    fn is_ordinal_ending(&self, at: usize) -> bool {
        matches!(self.text_of(at), "st" | "nd" | "rd" | "th") && self.tokens[at].is_glued
    }

    /// Writes dates: one, or the two of a range.
    fn rewrite_dates(&self, new: &[Option<Date>; 2], old: &[Option<Date>; 2]) -> Option<String> {
        let parts = self.date_parts(old)?;
        let mut edits: Vec<(usize, usize, String)> = Vec::new();
        for (index, &(at, part)) in parts.iter().enumerate() {
            let place = parts[..index].iter().filter(|(_, other)| *other == part).count();
            let alike = parts.iter().filter(|(_, other)| *other == part).count();
            let value = |date: &Option<Date>| date.and_then(|date| part.value(date));
            let new_value = match (alike, new) {
                // One month or year may stand for both dates of a range.
                (1, [first, second]) => match (value(first), value(second)) {
                    (Some(a), Some(b)) if a != b => return None,
                    (a, b) => a.or(b),
                },
                (2, both) => value(&both[place]),
                _ => return None,
            };
            let weekday = || i32::from(weekday_of(new[0]?)?).into();
            let new_value = match part {
                // A day of the week that the source does not name follows from the date.
                DatePart::Weekday if alike == 1 => new_value.or_else(weekday),
                _ => new_value,
            };
            let Some(new_value) = new_value else { continue };
            if let Some(edit) = self.date_part_edit(at, part, new_value)? {
                edits.push(edit);
            }
        }
        Some(self.apply_edits(edits))
    }

    /// Returns the text with the given byte ranges, in ascending order, replaced.
    fn apply_edits(&self, edits: Vec<(usize, usize, String)>) -> String {
        let mut text = String::new();
        let mut done = 0;
        for (start, end, new) in edits {
            text.extend([&self.text[done..start], &new]);
            done = end;
        }
        text + &self.text[done..]
    }

    /// Makes the edit that gives one part of a date another value: the byte range and its new text. Returns `Some(None)`
    /// if the part has that value, and `None` if it cannot be written.
    #[allow(clippy::option_option, reason = "an edit, no edit, or a failure")]
    fn date_part_edit(&self, at: usize, part: DatePart, value: i32) -> Option<Option<(usize, usize, String)>> {
        let token = self.tokens[at];
        let old_text = self.text_of(at);
        let (mut start, mut end) = (token.start, token.end);
        let number = u8::try_from(value).ok();
        let new = match (self.kind(at), part) {
            (TokenKind::Month(old, _), _) if Some(old) == number => return Some(None),
            (TokenKind::Weekday(old, _), _) if Some(old) == number => return Some(None),
            (TokenKind::Month(old, form), _) => {
                let name = month_name(number?)?;
                // May is never abbreviated; whether the others are shows the length.
                let is_short = form == MonthForm::Short
                    && old_text.len() <= 4
                    && month_name(old) != Some("May")
                    && month_name(old).is_some_and(|full| full.len() != old_text.len());
                let dot = self.text[end..].starts_with('.');
                if name.len() <= 4 && is_short && dot {
                    end += 1;
                }
                match_case(if is_short && name.len() > 4 { &name[..3] } else { name }, old_text)
            }
            (TokenKind::Weekday(..), _) => {
                let name = weekday_name(number?)?;
                let is_plural = old_text.ends_with("days");
                let is_short = !old_text.to_lowercase().contains("day");
                let name = if is_short { &name[..3] } else { name };
                match_case(&format!("{name}{}", if is_plural { "s" } else { "" }), old_text)
            }
            (TokenKind::Numeral(_), DatePart::Year) => {
                let era = self.era_beside(at);
                let shown = value - era;
                let digits = old_text.len();
                let new = match digits {
                    2 => format!("{:02}", shown.rem_euclid(100)),
                    _ if shown > 0 => shown.to_string(),
                    _ => return None,
                };
                if new == old_text {
                    return Some(None);
                }
                new
            }
            (TokenKind::Numeral(numeral), _) => {
                if i32::try_from(numeral.whole).ok() == Some(value) {
                    return Some(None);
                }
                if self.is_ordinal_ending(at + 1) {
                    end = self.tokens[at + 1].end;
                    format!("{value}{}", ordinal_ending(number?.into()))
                } else if old_text.starts_with('0') || self.is_numeric_date() && old_text.len() == 2 {
                    format!("{value:02}")
                } else {
                    value.to_string()
                }
            }
            (TokenKind::Ordinal(old), _) => {
                if Some(old) == number.map(u64::from) {
                    return Some(None);
                }
                // Twenty-first is two words, of which the second is the token.
                if let Some(tens) = at
                    .checked_sub(1)
                    .filter(|&at| matches!(self.kind(at), TokenKind::SmallNumber(_)))
                {
                    start = self.tokens[tens].start;
                } else if matches!(self.kind(at.wrapping_sub(1)), TokenKind::Symbol('-')) {
                    start = self.tokens[at.checked_sub(2)?].start;
                }
                match_case(&ordinal_in_words(number?.into())?, &self.text[start..end])
            }
            _ => return None,
        };
        Some(Some((start, end, new)))
    }

    /// Returns what must be added to the year at token `at` for a year of the common era, by the era named beside it.
    fn era_beside(&self, at: usize) -> i32 {
        let era = |at: usize| match self.kind(at) {
            TokenKind::Era(era) => Some(era),
            _ => None,
        };
        at.checked_sub(1).and_then(era).or_else(|| era(at + 1)).unwrap_or(0)
    }

    /// Whether the text is a date in digits alone: three numerals and two signs.
    fn is_numeric_date(&self) -> bool {
        self.tokens.len() == 5
            && (0..5).all(|at| match self.kind(at) {
                TokenKind::Numeral(_) => at % 2 == 0,
                TokenKind::Symbol(_) => at % 2 == 1,
                _ => false,
            })
    }

    /// Lists the tokens that are parts of the dates `old`, in the order of the text.
    fn date_parts(&self, old: &[Option<Date>; 2]) -> Option<Vec<(usize, DatePart)>> {
        let numeral = |at: usize| match self.kind(at) {
            TokenKind::Numeral(numeral) => Some(numeral),
            _ => None,
        };
        if self.is_numeric_date() {
            let (first, second) = (numeral(0)?, numeral(2)?);
            use DatePart::{Day, Month, Year};
            let layout = match (first.digits, second.whole) {
                (4, _) => [Year, Month, Day],
                (_, 13..) => [Month, Day, Year],
                _ => [Day, Month, Year],
            };
            return Some(
                layout
                    .into_iter()
                    .enumerate()
                    .map(|(index, part)| (2 * index, part))
                    .collect(),
            );
        }
        let mut parts = Vec::new();
        for at in 0..self.tokens.len() {
            match self.kind(at) {
                TokenKind::Month(..) => parts.push((at, DatePart::Month)),
                TokenKind::Weekday(..) => parts.push((at, DatePart::Weekday)),
                TokenKind::Ordinal(_) => parts.push((at, DatePart::Day)),
                TokenKind::Numeral(numeral) => {
                    let value = i32::try_from(numeral.value_if_only_digits()?).ok()?;
                    let is_day = |date: &Option<Date>| date.is_some_and(|date| date.day.map(i32::from) == Some(value));
                    let is_marked = self.era_beside(at) != 0
                        || matches!(self.kind(at.wrapping_sub(1)), TokenKind::Symbol('\'' | '’' | '‘'));
                    let is_year = numeral.digits > 2 || is_marked || !old.iter().any(is_day);
                    parts.push((at, if is_year { DatePart::Year } else { DatePart::Day }));
                }
                _ => {}
            }
        }
        (!parts.is_empty()).then_some(parts)
    }

    /// Writes a day or a year that is written as a number or an ordinal alone.
    fn rewrite_day_or_year(&self, date: Date) -> Option<String> {
        match (date.year, date.month, date.day) {
            (Some(year @ 1000..), None, None) => Some(self.with_token(self.only_numeral()?, &year.to_string())),
            (None, None, Some(day)) if self.only_numeral().is_some() => self.rewrite_ordinal(day.into()),
            _ => None,
        }
    }

    /// Writes an ordinal: `3rd`, `third`, or digits alone.
    fn rewrite_ordinal(&self, number: u64) -> Option<String> {
        match self.only_numeral() {
            Some(at) if self.is_ordinal_ending(at + 1) => {
                let (start, end) = (self.tokens[at].start, self.tokens[at + 1].end);
                Some(self.apply_edits(vec![(start, end, format!("{number}{}", ordinal_ending(number)))]))
            }
            Some(at) => Some(self.with_token(at, &number.to_string())),
            None => {
                let words = ordinal_in_words(number);
                let new = words.unwrap_or_else(|| format!("{number}{}", ordinal_ending(number)));
                Some(match_case(&new, self.text))
            }
        }
    }

    /// Writes a time of day in digits on the clock, and with the separator, of the old text.
    fn rewrite_time(&self, time: Time) -> Option<String> {
        let first = match self.kind(0) {
            TokenKind::Numeral(numeral) => numeral,
            _ => return english_forms(&single(QuantityValue::Time(time))).into_iter().next(),
        };
        let half = self
            .tokens
            .iter()
            .position(|token| matches!(token.kind, TokenKind::TimeWord(TimeWord::Morning | TimeWord::Afternoon)));
        let (hour, late) = match half {
            Some(_) if time.is_half_known => twelve_hour_clock(time.hour),
            _ => (time.hour, false),
        };
        // The digits end where the word for the half of the day begins, or after the minutes.
        let has_colon = matches!(self.kind(1), TokenKind::Symbol(':'));
        let digits_end = self.tokens[if has_colon { 2 } else { 0 }].end;
        let old_digits = &self.text[..digits_end];
        let hour = if old_digits.starts_with('0') {
            format!("{hour:02}")
        } else {
            hour.to_string()
        };
        let digits = match (has_colon, first.decimals) {
            (true, _) => format!("{hour}:{:02}", time.minute),
            (_, Some(_)) => format!("{hour}.{:02}", time.minute),
            _ if first.digits == 4 => format!("{:02}{:02}", time.hour, time.minute),
            _ if time.minute == 0 => hour,
            _ => format!("{hour}:{:02}", time.minute),
        };
        let rest = &self.text[digits_end..];
        let Some(half) = half.filter(|_| time.is_half_known) else {
            return Some(format!("{digits}{rest}"));
        };
        let token = self.tokens[half];
        let letter = if late { "p" } else { "a" };
        let old = self.text_of(half);
        let new = match old.chars().next()? {
            'A' | 'P' => format!("{}{}", letter.to_uppercase(), &old[1..]),
            _ => format!("{letter}{}", &old[1..]),
        };
        Some(format!(
            "{digits}{}{new}{}",
            &self.text[digits_end..token.start],
            &self.text[token.end..]
        ))
    }

    /// Writes a number with its unit, or two joined numbers.
    fn rewrite_amounts(&self, new: &Quantity, old: &Quantity) -> Option<String> {
        let (new_currency, old_currency) = (currency_of(&new.value), currency_of(&old.value));
        if new_currency != old_currency && new.second.is_some() {
            return None;
        }
        let new_amounts = new.one_or_two_values().map(amount_of).collect::<Option<Vec<_>>>()?;
        let numbers = self.number_ranges();
        if numbers.len() != new_amounts.len() {
            return None;
        }
        // In `8-10 million`, the scale of the last number is that of all.
        let last = self.number_style(*numbers.last()?)?;
        let mut edits = Vec::new();
        for (&range, &amount) in numbers.iter().zip(&new_amounts) {
            let style = self.number_style(range)?;
            let shares_scale = numbers.len() > 1 && style.scale.is_none() && last.scale.is_some();
            if shares_scale {
                return None;
            }
            let (start, end) = (self.tokens[range.0].start, self.tokens[range.1 - 1].end);
            edits.push((start, end, style.write(amount)?));
        }
        if new_currency == old_currency {
            return Some(self.apply_edits(edits));
        }
        // Another currency: only the number's style stays.
        let (one, many, _) = currency_words(new_currency?)?;
        let word = if new_amounts[0] == Amount::from_integer(1) {
            one
        } else {
            many
        };
        Some(format!("{} {word}", edits[0].2))
    }

    /// Lists the numbers of the text, in digits or in words, each as the index of its first token and that of the token
    /// after it.
    fn number_ranges(&self) -> Vec<(usize, usize)> {
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for at in 0..self.tokens.len() {
            let is_word = matches!(
                self.kind(at),
                TokenKind::SmallNumber(_) | TokenKind::Scale(_) | TokenKind::ScaleLetter(_)
            );
            if !is_word && !matches!(self.kind(at), TokenKind::Numeral(_)) {
                continue;
            }
            // A hyphen between two words and an "and" after a scale join the words of one number.
            let joint = |last: usize| {
                last == at
                    || last + 1 == at
                        && (matches!(self.kind(last), TokenKind::Symbol('-'))
                            || self.text_of(last).eq_ignore_ascii_case("and")
                                && matches!(self.kind(last.wrapping_sub(1)), TokenKind::Scale(_)))
            };
            match ranges.last_mut() {
                Some((_, end)) if is_word && joint(*end) => *end = at + 1,
                _ => ranges.push((at, at + 1)),
            }
        }
        ranges
    }

    /// Returns how the number of the given tokens is written.
    fn number_style(&self, (first, end): (usize, usize)) -> Option<NumberStyle> {
        let scales: Vec<usize> = (first..end)
            .filter(|&at| matches!(self.kind(at), TokenKind::Scale(_) | TokenKind::ScaleLetter(_)))
            .collect();
        let text = &self.text[self.tokens[first].start..self.tokens[end - 1].end];
        let numeral = match self.kind(first) {
            TokenKind::Numeral(numeral) => Some(numeral),
            _ => None,
        };
        let scale = match *scales {
            [] => None,
            [at] => match self.kind(at) {
                TokenKind::Scale(factor) | TokenKind::ScaleLetter(factor) => {
                    let is_letter = matches!(self.kind(at), TokenKind::ScaleLetter(_));
                    Some((factor, is_letter, self.text[..self.tokens[at].start].ends_with(' ')))
                }
                _ => None,
            },
            // Three hundred thousand: written anew with digits.
            _ => None,
        };
        Some(NumberStyle {
            scale,
            is_words: numeral.is_none(),
            is_capitalised: numeral.is_none() && text.starts_with(char::is_uppercase),
            has_commas: numeral.is_none_or(|numeral| numeral.has_commas || numeral.digits < 4),
        })
    }
}

impl DatePart {
    /// Returns the value of this part of a date.
    fn value(self, date: Date) -> Option<i32> {
        match self {
            Self::Year => date.year,
            Self::Month => date.month.map(i32::from),
            Self::Day => date.day.map(i32::from),
            Self::Weekday => date.weekday.map(i32::from),
        }
    }
}

/// The style of a number in an English text.
struct NumberStyle {
    /// The scale word, by its factor, whether it is a letter right after digits (`5bn`), and whether a space is before
    /// it.
    scale: Option<(u64, bool, bool)>,
    /// Whether the number is written in words alone.
    is_words: bool,
    /// Whether the words begin with a capital letter.
    is_capitalised: bool,
    /// Whether commas separate thousands, or would if the number had any.
    has_commas: bool,
}

impl NumberStyle {
    /// Writes an amount in this style, or in the next best if it cannot be written so.
    fn write(&self, amount: Amount) -> Option<String> {
        let kept = self
            .scale
            .and_then(|(factor, _, _)| Some((divide_by_scale(amount, factor)?, factor)))
            .filter(|(quotient, _)| *quotient < Amount::from_integer(1_000))
            .and_then(|(quotient, factor)| {
                let index = SCALES.iter().position(|(scale, _, _)| *scale == factor)?;
                Some((quotient, index))
            });
        // A large round number gets a scale word even if the old one has none.
        let scaled = kept.or_else(|| {
            best_scale(amount).filter(|(quotient, _)| self.scale.is_some() || *quotient < Amount::from_integer(1_000))
        });
        let number = |amount: Amount| {
            let words = if self.is_words { small_in_words(amount) } else { None };
            words.or_else(|| in_digits(amount, self.has_commas))
        };
        let text = match scaled {
            Some((quotient, index)) => {
                let (_, word, letter) = SCALES[index];
                let (letters, space) = self.scale.map_or((false, true), |(_, letters, space)| (letters, space));
                let gap = if space || !letters { " " } else { "" };
                format!("{}{gap}{}", number(quotient)?, if letters { letter } else { word })
            }
            None if self.is_words => match amount.to_integer().and_then(in_words) {
                Some(words) => words,
                None => in_digits(amount, true)?,
            },
            None => in_digits(amount, self.has_commas)?,
        };
        if self.is_capitalised {
            return Some(match_case(&text, "A"));
        }
        Some(text)
    }
}

/// Makes a quantity of a value alone.
fn single(value: QuantityValue) -> Quantity {
    Quantity {
        span: crate::span::Span::new(0, 0),
        value,
        second: None,
        precision: QuantityPrecision::Exact,
        has_digits: true,
    }
}

fn amount_of(value: &QuantityValue) -> Option<Amount> {
    match value {
        QuantityValue::Number(amount)
        | QuantityValue::Percent(amount)
        | QuantityValue::PercentagePoints(amount)
        | QuantityValue::Money(amount, _) => Some(*amount),
        _ => None,
    }
}

fn currency_of(value: &QuantityValue) -> Option<&'static str> {
    match value {
        QuantityValue::Money(_, currency) => Some(currency),
        _ => None,
    }
}

/// Writes `new` in capitals if `old` is, with a capital letter first if `old` begins with one, and otherwise as it is.
fn match_case(new: &str, old: &str) -> String {
    let letters = || old.chars().filter(|c| c.is_alphabetic());
    if letters().count() > 1 && letters().all(char::is_uppercase) {
        return new.to_uppercase();
    }
    match new.chars().next() {
        Some(first) if old.starts_with(char::is_uppercase) => {
            format!("{}{}", first.to_uppercase(), &new[first.len_utf8()..])
        }
        _ => new.to_owned(),
    }
}
