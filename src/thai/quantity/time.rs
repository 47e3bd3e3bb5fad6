//! Times of day.

use super::lexicon::{Hour, Kind};
use super::reader::{Found, Reader};
use super::{Time, Value};

impl Reader<'_> {
    pub fn time(&self, at: usize) -> Option<Found> {
        let (first, end, marked) = self.clock(at)?;
        let joins = matches!(self.kind(end), Kind::Symbol('-' | '–' | '—')) || self.is(end, &["ถึง", "to", "until"]);
        let second = if joins { self.clock(end + 1) } else { None };
        let Some((second, second_end, second_marked)) = second else {
            return marked.then(|| Found::new(Value::Time(first), end));
        };
        if !marked && !second_marked {
            return None;
        }
        // 9-11 a.m.: what is said of the second is true of the first, unless that is the later hour.
        let first = match (first.half, second.half) {
            (false, true) if self.is_thai() => Time { half: true, ..first },
            (false, true) if first.hour <= 12 => {
                let same = |hour: u8| Time {
                    hour,
                    half: true,
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
        Some(Found::pair(Value::Time(first), Some(Value::Time(second)), second_end))
    }

    /// A time, the token after it, and whether anything but two numbers with a dot, or one, says that it is one.
    fn clock(&self, at: usize) -> Option<(Time, usize, bool)> {
        if self.is_label(at) && !matches!(self.kind(at + 1), Kind::Hour(_)) {
            return None;
        }
        match self.language {
            super::Language::Thai => self.thai_words(at),
            super::Language::English => self.english_words(at),
        }
        .map(|(time, end)| (time, end, true))
        .or_else(|| self.numerals(at))
    }

    /// `10.30 น.`, `10:30`, `5 น.`, `9 am`, `0230 UTC`.
    fn numerals(&self, at: usize) -> Option<(Time, usize, bool)> {
        let numeral = self.numeral(at)?;
        let whole = u8::try_from(numeral.whole).ok().filter(|&hour| hour <= 24);
        let colon = matches!(self.kind(at + 1), Kind::Symbol(':')) && self.glued(at + 1) && self.glued(at + 2);
        let (hour, minute, end, sure) = if let Some((minute, 2)) = numeral.tail {
            (whole?, minute, at + 1, false)
        } else if numeral.plain().is_none() {
            return None;
        } else if colon {
            let minute = self.numeral(at + 2)?.of_digits(2)?;
            // A third part is a time of running or a ratio.
            if self.glued(at + 3) && matches!(self.kind(at + 3), Kind::Symbol(':' | '.')) {
                return None;
            }
            (whole?, minute, at + 3, true)
        } else if numeral.digits == 4 {
            let named = !self.is_thai() && matches!(self.kind(at + 1), Kind::Hour(Hour::Clock));
            let hour = u8::try_from(numeral.whole / 100).ok()?;
            (hour, numeral.whole % 100, at + 1, named)
        } else {
            (whole?, 0, at + 1, false)
        };
        if hour > 24 || numeral.digits > 2 && !(numeral.digits == 4 && sure) {
            return None;
        }
        let minute = u8::try_from(minute).ok().filter(|&minute| minute < 60)?;
        let time = |hour, half| Time { hour, minute, half };
        match self.kind(end) {
            Kind::Hour(Hour::Clock) if self.is_thai() || !self.is(end, &["hrs"]) || sure => {
                Some((time(hour, true), end + 1, true))
            }
            Kind::Hour(Hour::Morning | Hour::Afternoon) if !self.is_thai() || !self.is(end, &["เช้า", "บ่าย"]) =>
            {
                let late = matches!(self.kind(end), Kind::Hour(Hour::Afternoon));
                Some((time(on_half(hour, late), true), end + 1, true))
            }
            Kind::Hour(Hour::Oclock) if !self.is_thai() => self.with_half(time(hour, false), end + 1),
            _ => {
                let told = !self.is_thai() && numeral.tail.is_none() && sure
                    || self.is_thai() && (sure || numeral.tail.is_some() && self.before(at).ends_with("เวลา"));
                let known = hour == 0 || hour > 12;
                // At 9 in the morning.
                if !self.is_thai()
                    && !told
                    && at > 0
                    && self.is(at - 1, &["at", "around", "about", "by", "until", "till", "from"])
                    && hour <= 12
                {
                    return self
                        .with_half(time(hour, known), end)
                        .filter(|&(_, after, _)| after > end);
                }
                if told && !self.is_thai() {
                    return self.with_half(time(hour, known), end);
                }
                Some((time(hour, known), end, told))
            }
        }
    }

    /// In the morning, in the afternoon, at night.
    fn with_half(&self, time: Time, end: usize) -> Option<(Time, usize, bool)> {
        let (at, late) = match () {
            () if self.is(end, &["in"]) && self.is(end + 1, &["the"]) => match () {
                () if self.is(end + 2, &["morning"]) => (end + 3, false),
                () if self.is(end + 2, &["afternoon", "evening"]) => (end + 3, true),
                () => return Some((time, end, true)),
            },
            () if self.is(end, &["at"]) && self.is(end + 1, &["night"]) => (end + 2, time.hour > 5 && time.hour < 12),
            () => return Some((time, end, true)),
        };
        let hour = on_half(time.hour, late);
        Some((
            Time {
                hour,
                half: true,
                ..time
            },
            at,
            true,
        ))
    }

    /// ตีสอง, บ่ายสามโมง, 3 ทุ่มครึ่ง, เที่ยงคืน.
    fn thai_words(&self, at: usize) -> Option<(Time, usize)> {
        let full = |hour: u8, end: usize| {
            Some(self.with_minutes(
                Time {
                    hour,
                    minute: 0,
                    half: true,
                },
                end,
            ))
        };
        let hour = |at: usize| -> Option<(u8, usize)> {
            let number = self.number(at)?;
            let hour = u8::try_from(number.amount.to_whole()?).ok()?;
            ((1..=12).contains(&hour) && number.scale.is_none_or(|_| hour >= 10)).then_some((hour, number.end))
        };
        match self.kind(at) {
            Kind::Hour(Hour::Named(hour)) => full(hour, at + 1),
            Kind::Hour(Hour::Night) => {
                let (hour, end) = hour(at + 1).filter(|&(hour, _)| hour <= 6)?;
                full(hour, end)
            }
            Kind::Hour(Hour::Afternoon) if self.is(at, &["บ่าย"]) => match self.kind(at + 1) {
                Kind::Hour(Hour::Oclock) => full(13, at + 2),
                _ => {
                    let (hour, end) = hour(at + 1).filter(|&(hour, _)| hour <= 5)?;
                    let end = if matches!(self.kind(end), Kind::Hour(Hour::Oclock)) {
                        end + 1
                    } else {
                        end
                    };
                    full(hour + 12, end)
                }
            },
            Kind::Hour(Hour::Evening) if self.is(at + 1, &["หนึ่ง", "นึง"]) => full(19, at + 2),
            Kind::Numeral(_) | Kind::Small(_) | Kind::Scale(_) => {
                let (hour, end) = hour(at)?;
                match self.kind(end) {
                    Kind::Hour(Hour::Evening) if hour <= 6 => full(hour % 6 + 18, end + 1).map(|(time, end)| {
                        // Six is midnight.
                        (
                            Time {
                                hour: if hour == 6 { 0 } else { time.hour },
                                ..time
                            },
                            end,
                        )
                    }),
                    Kind::Hour(Hour::Oclock) => match self.kind(end + 1) {
                        // The old count from six: สามโมงเช้า is nine.
                        Kind::Hour(Hour::Morning) => full(if hour < 6 { hour + 6 } else { hour }, end + 2),
                        Kind::Hour(Hour::Dusk) if hour <= 7 => full(hour + 12, end + 2),
                        _ if hour == 6 => Some(self.with_minutes(
                            Time {
                                hour,
                                minute: 0,
                                half: false,
                            },
                            end + 1,
                        )),
                        _ => full(if hour < 6 { hour + 12 } else { hour }, end + 1),
                    },
                    Kind::Hour(Hour::Clock) if self.is(end, &["นาฬิกา"]) && self.numeral(at).is_none() => {
                        full(hour, end + 1)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// ครึ่ง or so many นาที after an hour.
    fn with_minutes(&self, time: Time, end: usize) -> (Time, usize) {
        if matches!(self.kind(end), Kind::Half) && self.is(end, &["ครึ่ง"]) {
            return (Time { minute: 30, ..time }, end + 1);
        }
        let minutes = self
            .number(end)
            .filter(|number| self.is(number.end, &["นาที"]))
            .and_then(|number| Some((u8::try_from(number.amount.to_whole()?).ok()?, number.end + 1)));
        match minutes {
            Some((minute @ 0..60, end)) => (Time { minute, ..time }, end),
            _ => (time, end),
        }
    }

    /// noon, five o'clock, half past three, a quarter to five.
    fn english_words(&self, at: usize) -> Option<(Time, usize)> {
        let hour = |at: usize| -> Option<(u8, usize)> {
            let number = self.number(at)?;
            let hour = u8::try_from(number.amount.to_whole()?).ok()?;
            ((1..=12).contains(&hour) && number.end == at + 1).then_some((hour, number.end))
        };
        let told = |time: Time, end: usize| -> Option<(Time, usize)> {
            let end = if matches!(self.kind(end), Kind::Hour(Hour::Oclock)) {
                end + 1
            } else {
                end
            };
            if let Kind::Hour(half @ (Hour::Morning | Hour::Afternoon)) = self.kind(end) {
                let hour = on_half(time.hour, half == Hour::Afternoon);
                return Some((
                    Time {
                        hour,
                        half: true,
                        ..time
                    },
                    end + 1,
                ));
            }
            let (time, end, _) = self.with_half(time, end)?;
            Some((time, end))
        };
        match self.kind(at) {
            Kind::Hour(Hour::Named(hour)) => Some((
                Time {
                    hour,
                    minute: 0,
                    half: true,
                },
                at + 1,
            )),
            Kind::Half | Kind::Part(4) => {
                let half = matches!(self.kind(at), Kind::Half);
                let past = self.is(at + 1, &["past"]);
                let before = !half && self.is(at + 1, &["to"]);
                let (hour, end) = hour(at + 2).filter(|_| past || before)?;
                let time = match (half, past) {
                    (true, _) => Time {
                        hour,
                        minute: 30,
                        half: false,
                    },
                    (false, true) => Time {
                        hour,
                        minute: 15,
                        half: false,
                    },
                    (false, false) => Time {
                        hour: (hour + 10) % 12 + 1,
                        minute: 45,
                        half: false,
                    },
                };
                told(time, end)
            }
            Kind::Small(_) => {
                let (hour, end) = hour(at)?;
                matches!(
                    self.kind(end),
                    Kind::Hour(Hour::Oclock | Hour::Morning | Hour::Afternoon)
                )
                .then(|| {
                    told(
                        Time {
                            hour,
                            minute: 0,
                            half: false,
                        },
                        end,
                    )
                })?
            }
            _ => None,
        }
    }
}

/// An hour of twelve on the clock of 24.
fn on_half(hour: u8, late: bool) -> u8 {
    match (hour, late) {
        (12, false) => 0,
        (1..12, true) => hour + 12,
        _ => hour,
    }
}
