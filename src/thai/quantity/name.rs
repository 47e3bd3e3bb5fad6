//! Digits inside names, such as those of A320, F-16 and H5N1, which count nothing but must be kept in a translation.

use super::token::is_digit;
use super::{Quantity, QuantityPrecision, QuantityValue};
use crate::span::Span;

/// Finds the digits of a text that belong to none of its quantities, which must be in the order of the text. Each run of
/// digits, with a point inside, becomes a code.
pub fn find_digits_in_names(text: &str, quantities: &[Quantity]) -> Vec<Quantity> {
    let mut found = Vec::new();
    let gaps = std::iter::once(0)
        .chain(quantities.iter().map(|quantity| quantity.span.end))
        .zip(
            quantities
                .iter()
                .map(|quantity| quantity.span.start)
                .chain([text.len()]),
        );
    for (mut at, gap_end) in gaps {
        while let Some(offset) = text[at..gap_end].find(is_digit) {
            let start = at + offset;
            let rest = &text[start..gap_end];
            let mut len = rest.find(|c: char| !is_digit(c) && c != '.').unwrap_or(rest.len());
            len = rest[..len].trim_end_matches('.').len();
            at = start + len;
            if !is_exponent(&text[..start], &rest[..len]) && !is_entity(&text[..start], &text[at..]) {
                found.push(Quantity {
                    span: Span::new(start, at),
                    value: QuantityValue::Code(rest[..len].chars().map(to_ascii).collect()),
                    second: None,
                    precision: QuantityPrecision::Exact,
                    has_digits: true,
                });
            }
        }
    }
    found
}

/// Whether digits are the exponent of a unit of area or volume: km2, m3.
fn is_exponent(before: &str, digits: &str) -> bool {
    matches!(digits, "2" | "3") && ["km", "cm", "mm", " m", "ft"].iter().any(|unit| before.ends_with(unit))
}

/// Whether digits are the number of a character reference: &#39;
fn is_entity(before: &str, after: &str) -> bool {
    before.ends_with("&#") && after.starts_with(';')
}

fn to_ascii(c: char) -> char {
    match c {
        '๐'..='๙' => char::from(b'0' + (c as u32 - '๐' as u32) as u8),
        _ => c,
    }
}
