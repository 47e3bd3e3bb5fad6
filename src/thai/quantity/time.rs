//! Reads times of day in digits and in words.

use super::kind::{TimeWord, TokenKind};
use super::reader::{FoundQuantity, QuantityReader};
use super::{QuantityValue, Time};

impl QuantityReader<'_> {
    /// Reads a time of day, or a range of times, that starts at token `at`.
    pub fn read_time(&self, at: usize) -> Option<FoundQuantity> {
        let (first, end, marked) = self.read_single_time(at)?;
        let joins = matches!(self.token_kind(end), TokenKind::Symbol('-' | '–' | '—'))
            || self.is_one_of(end, &["ถึง", "to", "until"]);
        let second = if joins { self.read_single_time(end + 1) } else { None };
        let Some((second, second_end, second_marked)) = second else {
            return marked.then(|| FoundQuantity::new(QuantityValue::Time(first), end));
        };
        if !marked && !second_marked {
            return None;
        }
        // In 9-11 a.m., a.m. holds for both hours; 11-1 p.m. is from 11 to 13, since the first time cannot be the later
        // one.
        let first = match (first.is_half_known, second.is_half_known) {
            (false, true) if self.reads_thai_text() => Time {
                is_half_known: true,
                ..first
            },
            (false, true) if first.hour <= 12 => {
                let same = |hour: u8| Time {
                    hour,
                    is_half_known: true,
                    ..first
                };
                let (morning, evening) = (first.hour % 12, first.hour % 12 + 12);
                if second.hour >= 12 && evening <= second.hour {
                    same(evening)
                } else {
                    same(morning)
                }
            }
            _ => first,
        };
        Some(FoundQuantity::from_values(
            QuantityValue::Time(first),
            Some(QuantityValue::Time(second)),
            second_end,
        ))
    }

    /// Reads one time of day. Returns the time, the index of the token after it, and whether anything but its one or
    /// two numbers shows that it is a time.
    fn read_single_time(&self, at: usize) -> Option<(Time, usize, bool)> {
        if self.is_in_name(at) && !matches!(self.token_kind(at + 1), TokenKind::TimeWord(_)) {
            return None;
        }
        match self.language {
            super::Language::Thai => self.read_thai_time(at),
            super::Language::English => self.read_english_time(at),
        }
        .map(|(time, end)| (time, end, true))
        .or_else(|| self.read_time_in_digits(at))
    }

    /// Reads a time of day in digits: `10.30 น.`, `10:30`, `5 น.`, `9 am`, `0230 UTC`. Returns the time, the index of
    /// the token after it, and whether anything but its one or two numbers shows that it is a time.
    fn read_time_in_digits(&self, at: usize) -> Option<(Time, usize, bool)> {
        let numeral = self.read_numeral(at)?;
        let whole = u8::try_from(numeral.whole).ok().filter(|&hour| hour <= 24);
        let colon = matches!(self.token_kind(at + 1), TokenKind::Symbol(':'))
            && self.is_joined_to_previous(at + 1)
            && self.is_joined_to_previous(at + 2);
        let (hour, minute, end, sure) = if let Some((minute, 2)) = numeral.decimals {
            (whole?, minute, at + 1, false)
        } else if numeral.value_if_only_digits().is_none() {
            return None;
        } else if colon {
            let minute = self.read_numeral(at + 2)?.value_if_digit_count(2)?;
            // With a third part after another colon or a point, it is a duration or a ratio.
            if self.is_joined_to_previous(at + 3) && matches!(self.token_kind(at + 3), TokenKind::Symbol(':' | '.')) {
                return None;
            }
            (whole?, minute, at + 3, true)
        } else if numeral.digits == 4 {
            let named = !self.reads_thai_text()
                && matches!(self.token_kind(at + 1), TokenKind::TimeWord(TimeWord::TwentyFourHour));
            let hour = u8::try_from(numeral.whole / 100).ok()?;
            (hour, numeral.whole % 100, at + 1, named)
        } else {
            (whole?, 0, at + 1, false)
        };
        if hour > 24 || numeral.digits > 2 && !(numeral.digits == 4 && sure) {
            return None;
        }
        let minute = u8::try_from(minute).ok().filter(|&minute| minute < 60)?;
        let time = |hour, is_half_known| Time {
            hour,
            minute,
            is_half_known,
        };
        match self.token_kind(end) {
            TokenKind::TimeWord(TimeWord::TwentyFourHour)
                if self.reads_thai_text() || !self.is_one_of(end, &["hrs"]) || sure =>
            {
                Some((time(hour, true), end + 1, true))
            }
            TokenKind::TimeWord(TimeWord::Morning | TimeWord::Afternoon)
                if !self.reads_thai_text() || !self.is_one_of(end, &["เช้า", "บ่าย"]) =>
            {
                let late = matches!(self.token_kind(end), TokenKind::TimeWord(TimeWord::Afternoon));
                Some((time(to_24_hours(hour, late), true), end + 1, true))
            }
            TokenKind::TimeWord(TimeWord::Oclock) if !self.reads_thai_text() => {
                self.apply_morning_or_afternoon(time(hour, false), end + 1)
            }
            _ => {
                let told = !self.reads_thai_text() && numeral.decimals.is_none() && sure
                    || self.reads_thai_text()
                        && (sure || numeral.decimals.is_some() && self.text_before(at).ends_with("เวลา"));
                let known = hour == 0 || hour > 12;
                // An hour after a preposition: at 9 in the morning.
                if !self.reads_thai_text()
                    && !told
                    && at > 0
                    && self.is_one_of(at - 1, &["at", "around", "about", "by", "until", "till", "from"])
                    && hour <= 12
                {
                    return self
                        .apply_morning_or_afternoon(time(hour, known), end)
                        .filter(|&(_, after, _)| after > end);
                }
                if told && !self.reads_thai_text() {
                    return self.apply_morning_or_afternoon(time(hour, known), end);
                }
                Some((time(hour, known), end, told))
            }
        }
    }

    /// Reads the English words after a time that say whether it is before or after noon: in the morning, in the
    /// afternoon, at night. `end` is the token after the time. Returns the time on the clock of 24 hours, the index of
    /// the token after the words, and `true`. Without such words, returns the time unchanged, `end` and `true`.
    fn apply_morning_or_afternoon(&self, time: Time, end: usize) -> Option<(Time, usize, bool)> {
        let (at, late) = match () {
            () if self.is_one_of(end, &["in"]) && self.is_one_of(end + 1, &["the"]) => match () {
                () if self.is_one_of(end + 2, &["morning"]) => (end + 3, false),
                () if self.is_one_of(end + 2, &["afternoon", "evening"]) => (end + 3, true),
                () => return Some((time, end, true)),
            },
            () if self.is_one_of(end, &["at"]) && self.is_one_of(end + 1, &["night"]) => {
                (end + 2, time.hour > 5 && time.hour < 12)
            }
            () => return Some((time, end, true)),
        };
        let hour = to_24_hours(time.hour, late);
        Some((
            Time {
                hour,
                is_half_known: true,
                ..time
            },
            at,
            true,
        ))
    }

    /// Reads a time of day in Thai words: ตีสอง, บ่ายสามโมง, 3 ทุ่มครึ่ง, เที่ยงคืน. Returns the time and the index of
    /// the token after it.
    fn read_thai_time(&self, at: usize) -> Option<(Time, usize)> {
        let full = |hour: u8, end: usize| {
            Some(self.add_minutes(
                Time {
                    hour,
                    minute: 0,
                    is_half_known: true,
                },
                end,
            ))
        };
        let hour = |at: usize| -> Option<(u8, usize)> {
            let number = self.read_number(at)?;
            let hour = u8::try_from(number.amount.to_integer()?).ok()?;
            ((1..=12).contains(&hour) && number.scale.is_none_or(|_| hour >= 10)).then_some((hour, number.end))
        };
        match self.token_kind(at) {
            TokenKind::TimeWord(TimeWord::NamedHour(hour)) => full(hour, at + 1),
            TokenKind::TimeWord(TimeWord::AfterMidnight) => {
                let (hour, end) = hour(at + 1).filter(|&(hour, _)| hour <= 6)?;
                full(hour, end)
            }
            TokenKind::TimeWord(TimeWord::Afternoon) if self.is_one_of(at, &["บ่าย"]) => {
                match self.token_kind(at + 1) {
                    TokenKind::TimeWord(TimeWord::Oclock) => full(13, at + 2),
                    _ => {
                        let (hour, end) = hour(at + 1).filter(|&(hour, _)| hour <= 5)?;
                        let end = if matches!(self.token_kind(end), TokenKind::TimeWord(TimeWord::Oclock)) {
                            end + 1
                        } else {
                            end
                        };
                        full(hour + 12, end)
                    }
                }
            }
            TokenKind::TimeWord(TimeWord::Evening) if self.is_one_of(at + 1, &["หนึ่ง", "นึง"]) => {
                full(19, at + 2)
            }
            TokenKind::Numeral(_) | TokenKind::SmallNumber(_) | TokenKind::Scale(_) => {
                let (hour, end) = hour(at)?;
                match self.token_kind(end) {
                    TokenKind::TimeWord(TimeWord::Evening) if hour <= 6 => {
                        full(hour % 6 + 18, end + 1).map(|(time, end)| {
                            // The sixth hour of the evening is midnight.
                            (
                                Time {
                                    hour: if hour == 6 { 0 } else { time.hour },
                                    ..time
                                },
                                end,
                            )
                        })
                    }
                    TokenKind::TimeWord(TimeWord::Oclock) => match self.token_kind(end + 1) {
                        // The morning hours are counted from six: สามโมงเช้า is nine o'clock.
                        TokenKind::TimeWord(TimeWord::Morning) => full(if hour < 6 { hour + 6 } else { hour }, end + 2),
                        TokenKind::TimeWord(TimeWord::EarlyEvening) if hour <= 7 => full(hour + 12, end + 2),
                        _ if hour == 6 => Some(self.add_minutes(
                            Time {
                                hour,
                                minute: 0,
                                is_half_known: false,
                            },
                            end + 1,
                        )),
                        _ => full(if hour < 6 { hour + 12 } else { hour }, end + 1),
                    },
                    TokenKind::TimeWord(TimeWord::TwentyFourHour)
                        if self.is_one_of(end, &["นาฬิกา"]) && self.read_numeral(at).is_none() =>
                    {
                        full(hour, end + 1)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Adds the word ครึ่ง (half) or a number of นาที (minutes) at token `end` to a time. Returns the time and the
    /// index of the token after it.
    fn add_minutes(&self, time: Time, end: usize) -> (Time, usize) {
        if matches!(self.token_kind(end), TokenKind::Half) && self.is_one_of(end, &["ครึ่ง"]) {
            return (Time { minute: 30, ..time }, end + 1);
        }
        let minutes = self
            .read_number(end)
            .filter(|number| self.is_one_of(number.end, &["นาที"]))
            .and_then(|number| Some((u8::try_from(number.amount.to_integer()?).ok()?, number.end + 1)));
        match minutes {
            Some((minute @ 0..60, end)) => (Time { minute, ..time }, end),
            _ => (time, end),
        }
    }

    /// Reads a time of day in English words: noon, five o'clock, half past three, a quarter to five. Returns the time
    /// and the index of the token after it.
    fn read_english_time(&self, at: usize) -> Option<(Time, usize)> {
        let hour = |at: usize| -> Option<(u8, usize)> {
            let number = self.read_number(at)?;
            let hour = u8::try_from(number.amount.to_integer()?).ok()?;
            ((1..=12).contains(&hour) && number.end == at + 1).then_some((hour, number.end))
        };
        let told = |time: Time, end: usize| -> Option<(Time, usize)> {
            let end = if matches!(self.token_kind(end), TokenKind::TimeWord(TimeWord::Oclock)) {
                end + 1
            } else {
                end
            };
            if let TokenKind::TimeWord(half @ (TimeWord::Morning | TimeWord::Afternoon)) = self.token_kind(end) {
                let hour = to_24_hours(time.hour, half == TimeWord::Afternoon);
                return Some((
                    Time {
                        hour,
                        is_half_known: true,
                        ..time
                    },
                    end + 1,
                ));
            }
            let (time, end, _) = self.apply_morning_or_afternoon(time, end)?;
            Some((time, end))
        };
        match self.token_kind(at) {
            TokenKind::TimeWord(TimeWord::NamedHour(hour)) => Some((
                Time {
                    hour,
                    minute: 0,
                    is_half_known: true,
                },
                at + 1,
            )),
            TokenKind::Half | TokenKind::Denominator(4) => {
                let half = matches!(self.token_kind(at), TokenKind::Half);
                let past = self.is_one_of(at + 1, &["past"]);
                let before = !half && self.is_one_of(at + 1, &["to"]);
                let (hour, end) = hour(at + 2).filter(|_| past || before)?;
                let time = match (half, past) {
                    (true, _) => Time {
                        hour,
                        minute: 30,
                        is_half_known: false,
                    },
                    (false, true) => Time {
                        hour,
                        minute: 15,
                        is_half_known: false,
                    },
                    (false, false) => Time {
                        hour: (hour + 10) % 12 + 1,
                        minute: 45,
                        is_half_known: false,
                    },
                };
                told(time, end)
            }
            TokenKind::SmallNumber(_) => {
                let (hour, end) = hour(at)?;
                matches!(
                    self.token_kind(end),
                    TokenKind::TimeWord(TimeWord::Oclock | TimeWord::Morning | TimeWord::Afternoon)
                )
                .then(|| {
                    told(
                        Time {
                            hour,
                            minute: 0,
                            is_half_known: false,
                        },
                        end,
                    )
                })?
            }
            _ => None,
        }
    }
}

/// Converts an hour from 1 to 12 to the clock of 24 hours; `late` says that it is p.m. Other hours are returned
/// unchanged.
fn to_24_hours(hour: u8, late: bool) -> u8 {
    match (hour, late) {
        (12, false) => 0,
        (1..12, true) => hour + 12,
        _ => hour,
    }
}
