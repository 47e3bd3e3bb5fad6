//! Writes dates and times of day in English.

use super::super::{Date, Time};
use super::amount::ordinal_ending;

/// Names of the months.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Names of the days of the week, from Monday.
pub const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// Returns the name of a month, numbered from 1.
pub fn month_name(month: u8) -> Option<&'static str> {
    MONTHS.get(usize::from(month).checked_sub(1)?).copied()
}

/// Returns the name of a day of the week, numbered from 1 for Monday.
pub fn weekday_name(weekday: u8) -> Option<&'static str> {
    WEEKDAYS.get(usize::from(weekday).checked_sub(1)?).copied()
}

/// Writes a year of the common era; years before it get BC.
pub fn year_text(year: i32) -> String {
    match year {
        ..0 => format!("{} BC", -i64::from(year)),
        // A year of fewer than four digits would be read as a number.
        0..1000 => format!("AD {year}"),
        _ => year.to_string(),
    }
}

/// Computes the day of the week of a date, from 1 for Monday, by Sakamoto's method. Returns `None` for a date that is
/// not complete or not in the calendar.
pub fn weekday_of(date: Date) -> Option<u8> {
    let (Some(year @ 1583..10_000), Some(month @ 1..=12), Some(day @ 1..=31)) = (date.year, date.month, date.day)
    else {
        return None;
    };
    const SHIFTS: [i32; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let year = if month < 3 { year - 1 } else { year };
    let sum = year + year / 4 - year / 100 + year / 400 + SHIFTS[usize::from(month) - 1] + i32::from(day);
    // The sum is 0 for a Sunday.
    Some(if sum % 7 == 0 { 7 } else { (sum % 7) as u8 })
}

/// Lists the usual forms of a date, the best first.
pub fn date_forms(date: Date) -> Vec<String> {
    let bare = bare_date_forms(date);
    let Some(weekday) = date.weekday.and_then(weekday_name) else {
        return bare;
    };
    if bare.is_empty() {
        return vec![weekday.to_owned()];
    }
    let written_out = bare.iter().filter(|form| form.contains(char::is_alphabetic));
    let with_weekday = written_out.flat_map(|form| {
        [
            format!("{weekday}, {form}"),
            format!("{weekday} {form}"),
            format!("{}, {form}", &weekday[..3]),
        ]
    });
    // The forms with the full name before those with the abbreviated one.
    let mut forms: Vec<String> = with_weekday.collect();
    forms.sort_by_key(|form| !form.starts_with(weekday));
    forms
}

/// Lists the usual forms of a date without its day of the week.
fn bare_date_forms(date: Date) -> Vec<String> {
    let year = date.year.map(year_text);
    let Some(month) = date.month.and_then(month_name) else {
        return match (date.day, year) {
            (Some(day), None) => {
                let ending = ordinal_ending(day.into());
                vec![format!("the {day}{ending}"), format!("{day}{ending}"), day.to_string()]
            }
            (_, year) => year.into_iter().collect(),
        };
    };
    let mut names = vec![month.to_owned()];
    if month.len() > 4 {
        names.extend([format!("{}.", &month[..3]), month[..3].to_owned()]);
    }
    let mut forms = Vec::new();
    for name in names {
        match (date.day, &year) {
            (Some(day), year) => {
                let ending = ordinal_ending(day.into());
                let (before, after) = match year {
                    Some(year) => (format!(" {year}"), format!(", {year}")),
                    None => Default::default(),
                };
                forms.push(format!("{day} {name}{before}"));
                forms.push(format!("{name} {day}{after}"));
                forms.push(format!("{day}{ending} {name}{before}"));
                forms.push(format!("{name} {day}{ending}{after}"));
                if name == month {
                    forms.push(format!("{day}{ending} of {name}{before}"));
                    forms.push(format!("{day:02} {name}{before}"));
                }
            }
            (None, Some(year)) => forms.push(format!("{name} {year}")),
            (None, None) => forms.push(name),
        }
    }
    if let (Some(year @ 1000..), Some(month), Some(day)) = (date.year, date.month, date.day) {
        forms.push(format!("{year}-{month:02}-{day:02}"));
        forms.push(format!("{day:02}/{month:02}/{year}"));
        forms.push(format!("{day}/{month}/{year}"));
    }
    forms
}

/// Lists the usual forms of a range of dates, the best first.
pub fn date_range_forms(first: Date, last: Date) -> Vec<String> {
    let mut forms = Vec::new();
    let days = first
        .day
        .zip(last.day)
        .filter(|_| first.month == last.month && first.year == last.year);
    if let (Some((from, to)), Some(month)) = (days, first.month.and_then(month_name)) {
        let year = first.year.map(year_text);
        let (before, after) = match &year {
            Some(year) => (format!(" {year}"), format!(", {year}")),
            None => Default::default(),
        };
        for joint in ["-", "–", " to "] {
            forms.push(format!("{from}{joint}{to} {month}{before}"));
            forms.push(format!("{month} {from}{joint}{to}{after}"));
        }
        forms.push(format!("{from} and {to} {month}{before}"));
        return forms;
    }
    let (from, to) = (date_forms(first), date_forms(last));
    for joint in [" to ", "-", "–", " and "] {
        forms.extend(
            from.iter()
                .zip(&to)
                .take(2)
                .map(|(from, to)| format!("{from}{joint}{to}")),
        );
    }
    forms
}

/// Lists the usual forms of a time of day, the best first. A time of which it is not known whether it is before or
/// after noon is written as it is.
pub fn time_forms(time: Time) -> Vec<String> {
    let Time { hour, minute, .. } = time;
    let mut forms = vec![format!("{hour}:{minute:02}")];
    if hour < 10 {
        forms.push(format!("{hour:02}:{minute:02}"));
    }
    if !time.is_half_known {
        return forms;
    }
    let (twelve, late) = twelve_hour_clock(hour);
    let letter = if late { 'p' } else { 'a' };
    for half in [format!("{letter}.m."), format!("{letter}m")] {
        forms.push(format!("{twelve}:{minute:02} {half}"));
        if minute == 0 {
            forms.push(format!("{twelve} {half}"));
        }
    }
    match (hour, minute) {
        (12, 0) => forms.push("noon".to_owned()),
        (0 | 24, 0) => forms.push("midnight".to_owned()),
        _ => {}
    }
    forms
}

/// Returns an hour on the clock of twelve hours, and whether it is after noon.
pub fn twelve_hour_clock(hour: u8) -> (u8, bool) {
    ((hour + 11) % 12 + 1, (12..24).contains(&hour))
}
