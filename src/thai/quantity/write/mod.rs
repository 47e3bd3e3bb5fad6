//! Writes quantities in English: in all their usual forms, or in the style of the text that they replace.

mod amount;
mod date;
mod style;

pub use style::write_in_style;

use super::{Amount, Quantity, QuantityPrecision, QuantityValue};
use amount::{in_words, number_forms, ordinal_ending, ordinal_in_words};

/// Lists the forms in which English usually writes a quantity, the best first: a date as `9 November 2023`, `November 9,
/// 2023`, `9 Nov. 2023` and so on. Each form is read as a quantity that agrees with this one. The list is empty for a
/// number that is only vaguely known (thousands) and for one that English has no short form for.
pub fn english_forms(quantity: &Quantity) -> Vec<String> {
    if quantity.precision == QuantityPrecision::Several {
        return Vec::new();
    }
    match &quantity.second {
        None => value_forms(&quantity.value),
        Some(second) => range_forms(&quantity.value, second),
    }
}

/// Lists the usual forms of one value, the best first.
fn value_forms(value: &QuantityValue) -> Vec<String> {
    match value {
        QuantityValue::Number(amount) => number_forms(*amount),
        QuantityValue::Ordinal(number) => {
            let digits = format!("{number}{}", ordinal_ending(*number));
            std::iter::once(digits).chain(ordinal_in_words(*number)).collect()
        }
        QuantityValue::Fraction(part, whole) => fraction_forms(*part, *whole),
        QuantityValue::Percent(amount) => with_unit(*amount, |number| {
            vec![
                format!("{number}%"),
                format!("{number} percent"),
                format!("{number} per cent"),
            ]
        }),
        QuantityValue::PercentagePoints(amount) => {
            with_unit(*amount, |number| vec![format!("{number} percentage points")])
        }
        QuantityValue::Money(amount, currency) => money_forms(*amount, currency),
        QuantityValue::Time(time) => date::time_forms(*time),
        QuantityValue::Date(date) => date::date_forms(*date),
        QuantityValue::Decade(year @ 0..100) => vec![format!("{year}s"), format!("'{year}s")],
        QuantityValue::Decade(year) => vec![format!("{year}s")],
        QuantityValue::Code(code) => code_forms(code),
    }
}

/// Lists the forms of an amount with a unit; `write` adds the unit to each form of the number.
fn with_unit(amount: Amount, write: impl Fn(&str) -> Vec<String>) -> Vec<String> {
    let numbers = number_forms(amount);
    let is_digits = |number: &&String| number.starts_with(|c: char| c.is_ascii_digit());
    numbers
        .iter()
        .filter(is_digits)
        .flat_map(|number| write(number))
        .collect()
}

/// Lists the forms of a fraction: `3/4`, `three quarters`, `3 out of 4`.
fn fraction_forms(part: u64, whole: u64) -> Vec<String> {
    let mut forms = Vec::new();
    match (part, whole) {
        (1, 2) => forms.extend(["one half".to_owned(), "half of".to_owned()]),
        (1, 4) => forms.extend(["a quarter".to_owned(), "one quarter".to_owned()]),
        (_, 4) => forms.extend(in_words(part).map(|part| format!("{part} quarters"))),
        (1, 3..=10) => {
            let ordinal = ordinal_in_words(whole);
            forms.extend(ordinal.map(|ordinal| format!("one {ordinal}")));
        }
        (2.., 3..=10) => {
            let ordinal = ordinal_in_words(whole);
            forms.extend(
                in_words(part)
                    .zip(ordinal)
                    .map(|(part, whole)| format!("{part} {whole}s")),
            );
        }
        _ => {}
    }
    forms.extend([format!("{part} out of {whole}"), format!("{part} in {whole}")]);
    forms
}

/// Returns the word for a currency in the singular and in the plural, and the sign before its number if it has one.
fn currency_words(currency: &str) -> Option<(&'static str, &'static str, Option<&'static str>)> {
    Some(match currency {
        "THB" => ("baht", "baht", Some("฿")),
        "USD" => ("dollar", "dollars", Some("$")),
        "SGD" => ("Singapore dollar", "Singapore dollars", Some("S$")),
        "AUD" => ("Australian dollar", "Australian dollars", Some("A$")),
        "CAD" => ("Canadian dollar", "Canadian dollars", Some("C$")),
        "HKD" => ("Hong Kong dollar", "Hong Kong dollars", Some("HK$")),
        "NZD" => ("New Zealand dollar", "New Zealand dollars", Some("NZ$")),
        "TWD" => ("Taiwan dollar", "Taiwan dollars", Some("NT$")),
        "CNY" => ("yuan", "yuan", None),
        "EUR" => ("euro", "euros", Some("€")),
        "GBP" => ("pound", "pounds", Some("£")),
        "JPY" => ("yen", "yen", Some("¥")),
        "KRW" => ("won", "won", Some("₩")),
        "INR" => ("rupee", "rupees", Some("₹")),
        "RUB" => ("rouble", "roubles", Some("₽")),
        "IDR" => ("rupiah", "rupiah", None),
        "MYR" => ("ringgit", "ringgit", None),
        "LAK" => ("kip", "kip", Some("₭")),
        "MMK" => ("kyat", "kyat", None),
        "VND" => ("dong", "dong", Some("₫")),
        "PHP" => ("peso", "pesos", Some("₱")),
        "CHF" => ("franc", "francs", None),
        _ => return None,
    })
}

/// Lists the forms of an amount of money: `300 billion baht`, `$5 million`, `5 million US dollars`.
fn money_forms(amount: Amount, currency: &str) -> Vec<String> {
    let Some((one, many, sign)) = currency_words(currency) else {
        return Vec::new();
    };
    let word = if amount == Amount::from_integer(1) { one } else { many };
    let mut forms = with_unit(amount, |number| {
        let mut forms = vec![format!("{number} {word}")];
        forms.extend(sign.map(|sign| format!("{sign}{number}")));
        if currency == "USD" {
            forms.swap(0, 1);
            forms.extend([format!("US${number}"), format!("{number} US {word}")]);
        }
        forms.push(format!("{currency} {number}"));
        forms
    });
    forms.extend(amount::small_in_words(amount).map(|number| format!("{number} {word}")));
    forms
}

/// Lists the forms of a telephone number or another code.
fn code_forms(code: &str) -> Vec<String> {
    let mut forms = Vec::new();
    // Thai telephone numbers: a trunk prefix of two digits and seven more for Bangkok, three and seven for others.
    let is_telephone = code.starts_with('0') && code.bytes().all(|byte| byte.is_ascii_digit());
    if is_telephone && matches!(code.len(), 9 | 10) {
        let (middle, last) = (code.len() - 7, code.len() - 4);
        forms.push(format!("{}-{}-{}", &code[..middle], &code[middle..last], &code[last..]));
    }
    forms.push(code.to_owned());
    forms
}

/// Lists the forms of two joined values: a range such as `8 to 10`, or a ratio such as `2:1`.
fn range_forms(first: &QuantityValue, second: &QuantityValue) -> Vec<String> {
    if let (QuantityValue::Date(first), QuantityValue::Date(second)) = (first, second) {
        return date::date_range_forms(*first, *second);
    }
    let (from, to) = (value_forms(first), value_forms(second));
    let mut forms = Vec::new();
    if let (Some(from), Some(to)) = (from.first(), to.first()) {
        match (first, second) {
            (QuantityValue::Percent(a), QuantityValue::Percent(b)) => {
                forms.extend([format!("{a}-{b}%"), format!("{a}–{b}%"), format!("{a} to {b} percent")]);
            }
            (QuantityValue::Money(a, currency), QuantityValue::Money(b, _)) => {
                let (a, b) = (number_forms(*a), number_forms(*b));
                if let (Some(a), Some(b), Some((_, many, _))) = (a.first(), b.first(), currency_words(currency)) {
                    forms.extend([format!("{a} to {b} {many}"), format!("{a}-{b} {many}")]);
                }
            }
            _ => {}
        }
        forms.extend([
            format!("{from} to {to}"),
            format!("{from}-{to}"),
            format!("{from}–{to}"),
        ]);
        if let (QuantityValue::Number(_), QuantityValue::Number(_)) = (first, second) {
            forms.extend([
                format!("{from}:{to}"),
                format!("{from} or {to}"),
                format!("between {from} and {to}"),
            ]);
        }
    }
    forms
}

#[cfg(test)]
mod tests;
