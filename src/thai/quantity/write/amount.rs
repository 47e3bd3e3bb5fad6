//! Writes numbers in English: with digits, with a word for a power of a thousand, and in words.

use super::super::Amount;

/// Words for powers of a thousand, with the letters that may stand for them after digits, the largest first.
pub const SCALES: [(u64, &str, &str); 4] = [
    (1_000_000_000_000, "trillion", "tn"),
    (1_000_000_000, "billion", "bn"),
    (1_000_000, "million", "m"),
    (1_000, "thousand", "k"),
];

const UNITS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
const ORDINAL_UNITS: [&str; 20] = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];

/// Writes an integer below a hundred in words: `twenty-five`.
pub fn in_words(number: u64) -> Option<String> {
    let unit = |number: u64| UNITS[number as usize];
    Some(match number {
        0..20 => unit(number).to_owned(),
        20..100 if number.is_multiple_of(10) => TENS[number as usize / 10].to_owned(),
        20..100 => format!("{}-{}", TENS[number as usize / 10], unit(number % 10)),
        _ => return None,
    })
}

/// Writes an ordinal from 1 to 39 in words: `twenty-fifth`.
pub fn ordinal_in_words(number: u64) -> Option<String> {
    Some(match number {
        1..20 => ORDINAL_UNITS[number as usize].to_owned(),
        20 => "twentieth".to_owned(),
        30 => "thirtieth".to_owned(),
        21..40 => format!("{}-{}", TENS[number as usize / 10], ORDINAL_UNITS[number as usize % 10]),
        _ => return None,
    })
}

/// Returns the ending of an ordinal in digits: `st`, `nd`, `rd` or `th`.
pub fn ordinal_ending(number: u64) -> &'static str {
    match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    }
}

/// Writes an amount as a decimal, with commas between thousands if `commas` is set. Returns `None` for an amount whose
/// decimals do not end.
pub fn in_digits(amount: Amount, commas: bool) -> Option<String> {
    let text = amount.to_string();
    if text.contains('/') {
        return None;
    }
    let (whole, decimals) = text.split_once('.').map_or((&*text, None), |(a, b)| (a, Some(b)));
    let mut written = String::new();
    for (index, digit) in whole.char_indices() {
        if commas && index > 0 && (whole.len() - index).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    if let Some(decimals) = decimals {
        written.extend([".", decimals]);
    }
    Some(written)
}

/// Divides an amount by a power of a thousand. Returns the quotient if it is at least 1 and has at most three decimals.
pub fn divide_by_scale(amount: Amount, scale: u64) -> Option<Amount> {
    let quotient = amount.checked_mul(Amount::from_ratio(1, scale.into())?)?;
    let short = quotient
        .checked_mul(Amount::from_integer(1_000))?
        .to_integer()
        .is_some();
    (short && quotient >= Amount::from_integer(1)).then_some(quotient)
}

/// Returns the scale that suits an amount best: the largest by which it can be divided, a million or more.
pub fn best_scale(amount: Amount) -> Option<(Amount, usize)> {
    (0..3).find_map(|index| Some((divide_by_scale(amount, SCALES[index].0)?, index)))
}

/// Lists the usual forms of a number, the best first: `12,500`, `12500`, `5 million`, `three`.
pub fn number_forms(amount: Amount) -> Vec<String> {
    let mut forms = Vec::new();
    if let Some((quotient, index)) = best_scale(amount) {
        let word = SCALES[index].1;
        forms.extend(in_digits(quotient, true).map(|digits| format!("{digits} {word}")));
        forms.extend(small_in_words(quotient).map(|digits| format!("{digits} {word}")));
    }
    forms.extend(in_digits(amount, true));
    forms.extend(in_digits(amount, false));
    if let Some(thousands) = divide_by_scale(amount, 1_000).filter(|_| forms.len() == 2) {
        forms.extend(in_digits(thousands, true).map(|digits| format!("{digits} thousand")));
    }
    if let Some(words) = amount.to_integer().and_then(in_words) {
        forms.push(words);
    }
    let mut seen = Vec::new();
    for form in forms {
        if !seen.contains(&form) {
            seen.push(form);
        }
    }
    seen
}

/// Writes an integer up to twelve in words, as is usual before a word such as million.
pub fn small_in_words(amount: Amount) -> Option<String> {
    amount
        .to_integer()
        .filter(|number| (1..=12).contains(number))
        .and_then(in_words)
}
