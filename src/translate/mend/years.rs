//! Writes the years of a source in the era that the user wants, and years that were carried over or counted twice in
//! the right one.

use super::text::MendedText;
use crate::document::Era;
use crate::span::Span;
use crate::thai::quantity::{Language, Quantity, QuantityValue, find_quantities};

/// An era in which texts write years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WrittenEra {
    Common,
    Buddhist,
    /// รัตนโกสินทร์ศก (R.S.), counted from 1782, the founding of Bangkok.
    Rattanakosin,
    /// จุลศักราช (C.S.), counted from 638.
    Chula,
}

impl WrittenEra {
    /// Returns what is added to a year of this era for a year of the common era.
    fn offset(self) -> i32 {
        match self {
            Self::Common => 0,
            Self::Buddhist => -543,
            Self::Rattanakosin => 1781,
            Self::Chula => 638,
        }
    }

    /// Returns the abbreviation before a year of this era.
    fn mark(self) -> &'static str {
        match self {
            Self::Common => "",
            Self::Buddhist => "B.E. ",
            Self::Rattanakosin => "R.S. ",
            Self::Chula => "C.S. ",
        }
    }
}

/// The marks that may stand before or after a year in English, with the era that they name.
const MARKS: &[(&str, WrittenEra)] = &[
    ("Buddhist Era", WrittenEra::Buddhist),
    ("Buddhist era", WrittenEra::Buddhist),
    ("B.E.", WrittenEra::Buddhist),
    ("BE", WrittenEra::Buddhist),
    ("R.S.", WrittenEra::Rattanakosin),
    ("C.S.", WrittenEra::Chula),
    ("A.D.", WrittenEra::Common),
    ("AD", WrittenEra::Common),
    ("C.E.", WrittenEra::Common),
    ("CE", WrittenEra::Common),
];

/// A year that the source names.
#[derive(Debug)]
struct SourceYear {
    /// The year of the common era.
    year: i32,
    /// The eras in which the source writes it: one, or two as in พ.ศ. 2566 (ค.ศ. 2023).
    eras: Vec<WrittenEra>,
    span: Span,
}

/// A year with its mark in a translation: `2566`, `B.E. 2566`, `2566 BE`.
struct MarkedYear {
    number: i32,
    mark: Option<WrittenEra>,
    /// Byte range of the digits.
    digits: Span,
    /// Byte range with the mark.
    span: Span,
}

/// The way in which a number in a translation stands for a year of the source.
#[derive(Clone, Copy, PartialEq)]
enum Reading {
    /// The year is right: of the common era, or of another that is named.
    Right,
    /// The year is of the Buddhist era, and nothing says so.
    CarriedOver,
    /// The offset of the era was added, added twice, or subtracted from a year of the common era.
    Miscounted,
}

/// The years that are looked at. Earlier ones are rare, and their digits may be anything.
const YEARS: std::ops::Range<i32> = 1000..2600;
/// The most years of a translation that are looked at, so that a long text of years takes little time.
const MAX_YEARS: usize = 64;

/// Writes each year of `target` that the source names in the wanted era. What is no year of the source, and a year that
/// is marked as A.D. or C.E., stays as it is. The result depends only on which years the target names, not on the era
/// that they were written in before.
pub fn write_years(source: &str, mut target: MendedText, era: Era) -> MendedText {
    let quantities = find_quantities(source, Language::Thai);
    let years = list_source_years(source, &quantities);
    if years.is_empty() {
        return target;
    }
    write_short_years(source, &mut target, &quantities);
    let mut at = 0;
    for _ in 0..MAX_YEARS {
        let Some((span, year, reading)) = next_year(target.text(), at, &years, &quantities) else {
            break;
        };
        let new = write_year(year, era);
        at = span.start + new.len();
        if span.of(target.text()) == new {
            continue;
        }
        match reading {
            Reading::Right => target.rewrite(span, &new),
            _ => target.mend(span, &new, Some(year.span)),
        }
    }
    target
}

/// Writes years of the Buddhist era that were carried over as two digits after a day and a month: `5 March 64`.
fn write_short_years(source: &str, target: &mut MendedText, quantities: &[Quantity]) {
    let dates = quantities.iter().filter_map(|quantity| match quantity.value {
        QuantityValue::Date(date) if date.day.is_some() && date.month.is_some() => Some((quantity, date, date.year?)),
        _ => None,
    });
    for (quantity, date, year) in dates.take(MAX_YEARS) {
        let short = format!("{:02}", (year - WrittenEra::Buddhist.offset()).rem_euclid(100));
        if written_era(quantity.span.of(source), year) != Some(WrittenEra::Buddhist) {
            continue;
        }
        let found = find_quantities(target.text(), Language::English)
            .into_iter()
            .find_map(|other| {
                let QuantityValue::Date(found) = other.value else {
                    return None;
                };
                let is_same = found.year.is_none() && (found.day, found.month) == (date.day, date.month);
                let rest = &target.text()[other.span.end..];
                let gap = rest.len() - rest.trim_start_matches([' ', ',', '.']).len();
                let after = rest[gap..].strip_prefix(&short)?;
                let is_alone = !after.starts_with(|c: char| c.is_alphanumeric() || c == '%');
                (is_same && is_alone && (1..=2).contains(&gap)).then_some(other.span.end + gap)
            });
        if let Some(start) = found {
            target.mend(
                Span::new(start, start + short.len()),
                &year.to_string(),
                Some(quantity.span),
            );
        }
    }
}

/// Whether all of `quantities` are dates in digits of the Buddhist era, such as 9/11/2566.
pub fn are_buddhist_dates(text: &str, quantities: &[Quantity]) -> bool {
    quantities.iter().all(|quantity| match quantity.value {
        QuantityValue::Date(date) => {
            let year = date.year.filter(|_| date.day.is_some() && date.month.is_some());
            year.is_some_and(|year| written_era(quantity.span.of(text), year) == Some(WrittenEra::Buddhist))
        }
        _ => false,
    })
}

/// Writes a year of the source in the wanted era, with its year of the Bangkok or the Chula era if the source has that.
fn write_year(year: &SourceYear, era: Era) -> String {
    let in_era = |era: WrittenEra| format!("{}{}", era.mark(), year.year - era.offset());
    let others: Vec<WrittenEra> = year
        .eras
        .iter()
        .copied()
        .filter(|era| *era != WrittenEra::Common)
        .collect();
    let rare = others.iter().copied().find(|era| *era != WrittenEra::Buddhist);
    let has_common = year.eras.contains(&WrittenEra::Common);
    let mut written = match era {
        Era::Ce => vec![WrittenEra::Common],
        Era::Be => vec![WrittenEra::Buddhist],
        Era::Both => vec![WrittenEra::Common, WrittenEra::Buddhist],
        Era::Keep if has_common => vec![WrittenEra::Common],
        Era::Keep => Vec::new(),
    };
    match era {
        Era::Keep => written.extend(others),
        _ => written.extend(rare),
    }
    let first = in_era(written[0]);
    let rest: Vec<String> = written[1..].iter().map(|era| in_era(*era)).collect();
    match rest.is_empty() {
        true => first,
        false => format!("{first} ({})", rest.join(", ")),
    }
}

/// Lists the years that a source names, each once.
fn list_source_years(source: &str, quantities: &[Quantity]) -> Vec<SourceYear> {
    let mut years: Vec<SourceYear> = Vec::new();
    for quantity in quantities {
        let text = quantity.span.of(source);
        for value in quantity.one_or_two_values() {
            let QuantityValue::Date(date) = value else { continue };
            let Some(year) = date.year.filter(|year| YEARS.contains(year)) else {
                continue;
            };
            let Some(era) = written_era(text, year) else { continue };
            match years.iter_mut().find(|other| other.year == year) {
                Some(other) if other.eras.contains(&era) => {}
                Some(other) => other.eras.push(era),
                None => years.push(SourceYear {
                    year,
                    eras: vec![era],
                    span: quantity.span,
                }),
            }
        }
    }
    years
}

/// Returns the era in which `text` writes `year`, or `None` if its digits are of no era.
fn written_era(text: &str, year: i32) -> Option<WrittenEra> {
    use WrittenEra::{Buddhist, Chula, Common, Rattanakosin};
    let names = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let marked = match () {
        () if names(&["ร.ศ.", "รัตนโกสินทร์ศก"]) => Some(Rattanakosin),
        () if names(&["จ.ศ.", "จุลศักราช"]) => Some(Chula),
        () => None,
    };
    let value = |c: char| match c {
        '๐'..='๙' => Some(c as i32 - '๐' as i32),
        _ => c.to_digit(10).map(|digit| digit as i32),
    };
    let numbers = text.split(|c| value(c).is_none()).filter(|run| !run.is_empty());
    let numbers: Vec<(usize, i32)> = numbers
        .map(|run| (run.chars().count(), run))
        .filter(|(digits, _)| *digits <= 4)
        .map(|(digits, run)| {
            (
                digits,
                run.chars().filter_map(value).fold(0, |sum, digit| sum * 10 + digit),
            )
        })
        .collect();
    let is_written = |era: WrittenEra| {
        let number = year - era.offset();
        let is_short =
            |digits: usize, other: i32| digits == 2 && matches!(era, Common | Buddhist) && other == number % 100;
        numbers
            .iter()
            .any(|&(digits, other)| other == number || is_short(digits, other))
    };
    marked
        .into_iter()
        .chain([Buddhist, Common])
        .find(|era| is_written(*era))
}

/// Finds the first year from byte `at` on that stands for one of the source. Returns its byte range, with marks and with
/// the same year of another era in brackets after it.
fn next_year<'y>(
    text: &str,
    at: usize,
    years: &'y [SourceYear],
    in_source: &[Quantity],
) -> Option<(Span, &'y SourceYear, Reading)> {
    let mut from = at;
    let mut in_target = None;
    while let Some(found) = next_marked_year(text, from) {
        from = found.span.end;
        if found.span.start < at || !stands_alone(text, found.span) {
            continue;
        }
        let Some((year, reading)) = read_year(&found, years) else {
            continue;
        };
        let brackets = same_years_in_brackets(text, found.span.end, year);
        let span = Span::new(found.span.start, brackets.unwrap_or(found.span.end));
        // A year that is named in the common era by mark stays, unless it is written in two eras.
        if found.mark == Some(WrittenEra::Common) && brackets.is_none() {
            continue;
        }
        if found.mark.is_some() || brackets.is_some() {
            return Some((span, year, Reading::Right));
        }
        // Without a mark, the number must be one that is read as a year, or that can be nothing else of the source.
        let in_target = in_target.get_or_insert_with(|| find_quantities(text, Language::English));
        let covering = in_target
            .iter()
            .find(|quantity| quantity.span.start <= found.digits.start && found.digits.end <= quantity.span.end);
        let Some(covering) = covering else { continue };
        let is_date = matches!(covering.value, QuantityValue::Date(_));
        let is_number = matches!(covering.value, QuantityValue::Number(_));
        let is_in_source = || {
            in_source.iter().any(|other| {
                !matches!(other.value, QuantityValue::Date(_))
                    && covering.one_or_two_values().any(|value| other.value.agrees_with(value))
            })
        };
        match reading {
            Reading::Right if is_date => return Some((span, year, reading)),
            Reading::CarriedOver | Reading::Miscounted if (is_date || is_number) && !is_in_source() => {
                return Some((span, year, reading));
            }
            _ => {}
        }
    }
    None
}

/// Returns the year of the source that a year in the translation stands for.
fn read_year<'y>(found: &MarkedYear, years: &'y [SourceYear]) -> Option<(&'y SourceYear, Reading)> {
    let find = |year: i32| years.iter().find(|other| other.year == year);
    if let Some(era) = found.mark {
        return find(found.number + era.offset()).map(|year| (year, Reading::Right));
    }
    let offset = WrittenEra::Buddhist.offset();
    let is_buddhist = |year: &&SourceYear| year.eras.contains(&WrittenEra::Buddhist);
    let is_common = |year: &&SourceYear| year.eras == [WrittenEra::Common];
    find(found.number)
        .map(|year| (year, Reading::Right))
        .or_else(|| Some((find(found.number + offset).filter(is_buddhist)?, Reading::CarriedOver)))
        .or_else(|| {
            Some((
                find(found.number + 2 * offset).filter(is_buddhist)?,
                Reading::Miscounted,
            ))
        })
        // A year of the common era that was taken for a Buddhist one, or the other way round.
        .or_else(|| Some((find(found.number - offset).filter(is_common)?, Reading::Miscounted)))
        .or_else(|| Some((find(found.number + offset).filter(is_common)?, Reading::Miscounted)))
        .or_else(|| Some((find(found.number + 2 * offset).filter(is_common)?, Reading::Miscounted)))
        .filter(|_| found.digits.len() == 4)
}

/// Returns the end of brackets after byte `at` that hold the same year in other eras: ` (B.E. 2566)`, ` (2023)`.
fn same_years_in_brackets(text: &str, at: usize, year: &SourceYear) -> Option<usize> {
    let rest = &text[at..];
    let inside = rest.strip_prefix(" (").or_else(|| rest.strip_prefix('('))?;
    let close = inside.find(')').filter(|len| *len <= 40)?;
    let start = at + rest.len() - inside.len();
    let is_same = |part: &str| {
        let part = part.trim();
        next_marked_year(part, 0).is_some_and(|found| {
            found.span == Span::new(0, part.len())
                && match found.mark {
                    Some(era) => found.number + era.offset() == year.year,
                    None => [0, 543].contains(&(found.number - year.year)),
                }
        })
    };
    let parts = inside[..close].split([',', '/']);
    (close > 0 && parts.clone().all(is_same)).then_some(start + close + 1)
}

/// Finds the first run of two to four ASCII digits from byte `at` on, with a mark of an era beside it.
fn next_marked_year(text: &str, at: usize) -> Option<MarkedYear> {
    let mut from = at;
    loop {
        let start = from + text[from..].find(|c: char| c.is_ascii_digit())?;
        let len = text[start..].bytes().take_while(u8::is_ascii_digit).count();
        from = start + len;
        if !(2..=4).contains(&len) {
            continue;
        }
        let digits = Span::new(start, start + len);
        let number = digits.of(text).parse().ok()?;
        let before = text[at.min(start)..start].trim_end_matches([' ', '\u{a0}']);
        let mark_before = MARKS.iter().find_map(|(mark, era)| {
            let rest = before.strip_suffix(mark)?;
            let is_word = !rest.ends_with(|c: char| c.is_alphanumeric() || c == '.');
            (is_word && start - at - before.len() <= 2).then_some((*era, at + rest.len()))
        });
        let after = &text[digits.end..];
        let gap = after.len() - after.trim_start_matches([' ', '\u{a0}']).len();
        let mark_after = MARKS.iter().find_map(|(mark, era)| {
            let rest = after[gap..].strip_prefix(mark)?;
            let is_word = !rest.starts_with(char::is_alphanumeric);
            let is_usual = matches!(era, WrittenEra::Common | WrittenEra::Buddhist);
            (is_word && is_usual && gap <= 2).then_some((*era, digits.end + gap + mark.len()))
        });
        let (mark, span) = match (mark_before, mark_after) {
            (Some((era, start)), _) => (Some(era), Span::new(start, digits.end)),
            (None, Some((era, end))) => (Some(era), Span::new(digits.start, end)),
            // Fewer digits are no year without a mark.
            (None, None) if len < 4 => continue,
            (None, None) => (None, digits),
        };
        return Some(MarkedYear {
            number,
            mark,
            digits,
            span,
        });
    }
}

/// Whether a year is not part of a longer number, of a date in digits, of a code or of a name. It may be one end of a
/// range.
fn stands_alone(text: &str, span: Span) -> bool {
    let (before, after) = (&text[..span.start], &text[span.end..]);
    let is_dash = |c: char| matches!(c, '-' | '–' | '—');
    let is_digit = |c: char| c.is_ascii_digit();
    let is_clean_before = match before.chars().next_back() {
        Some(c) if is_dash(c) => {
            let first = &before[..before.len() - c.len_utf8()];
            let digits = first.len() - first.trim_end_matches(is_digit).len();
            first.ends_with(')') || digits == 4 && !first[..first.len() - 4].ends_with(['-', '/', '.', ','])
        }
        Some(c) => {
            !c.is_alphanumeric()
                && !matches!(
                    c,
                    '.' | ',' | '/' | ':' | '$' | '฿' | '€' | '£' | '¥' | '#' | '\'' | '’' | '+'
                )
        }
        None => true,
    };
    let mut rest = after.chars();
    let is_clean_after = match (rest.next(), rest.next()) {
        (Some(c), _) if is_dash(c) => {
            let other = &after[c.len_utf8()..];
            let other = MARKS
                .iter()
                .find_map(|(mark, _)| other.strip_prefix(mark))
                .map_or(other, str::trim_start);
            let digits = other.len() - other.trim_start_matches(is_digit).len();
            digits == 4 && !other[4..].starts_with(['-', '/'])
        }
        (Some('.' | ',' | ':'), Some(next)) => !next.is_alphanumeric(),
        (Some(c), _) => !c.is_alphanumeric() && !matches!(c, '/' | '%'),
        (None, _) => true,
    };
    is_clean_before && is_clean_after
}
