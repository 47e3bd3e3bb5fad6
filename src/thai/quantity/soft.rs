//! Quantities that a translation may leave out or say in another word: one, ทั้งสอง (both), สองสาม (a few).

use super::{Amount, Language, Quantity, QuantityPrecision, QuantityValue};

/// English words that say a small number.
const ENGLISH_NUMBER_WORDS: &[(u64, &str)] = &[
    (
        2,
        "both couple pair pairs twin twins twice double doubled dual duo either neither two-way second each",
    ),
    (3, "triple tripled thrice trio"),
    (4, "quadruple quarter"),
    (10, "decade decades"),
    (100, "century centuries"),
];

/// Whether a translation may leave out a quantity or say it without a number.
pub fn may_be_left_out(text: &str, quantity: &Quantity, value: &QuantityValue, language: Language) -> bool {
    let one = Amount::from_integer(1);
    match value {
        QuantityValue::Number(amount) if *amount == one && quantity.second.is_none() => true,
        QuantityValue::Ordinal(1) => quantity.second.is_none(),
        _ if quantity.precision == QuantityPrecision::Several => true,
        _ if quantity.has_digits => false,
        QuantityValue::Number(amount) if amount.to_integer() == Some(0) => true,
        // ทั้งสอง is both; สองสาม is a few.
        QuantityValue::Number(amount) if language == Language::Thai => {
            text[..quantity.span.start].ends_with("ทั้ง") && amount.to_integer() == Some(2)
                || quantity.second.is_some() && !quantity.span.of(text).contains("ถึง")
        }
        QuantityValue::Fraction(1, 2) => true,
        _ => false,
    }
}

/// Whether a text says a number in a word that is not read as a quantity.
pub fn is_said_in_words(value: &QuantityValue, text: &str, language: Language) -> bool {
    let QuantityValue::Number(amount) = value else {
        return false;
    };
    match language {
        Language::English => ENGLISH_NUMBER_WORDS
            .iter()
            .filter(|(number, _)| amount.to_integer() == Some(*number))
            .any(|(_, words)| {
                text.split(|c: char| !c.is_alphabetic() && c != '-')
                    .any(|word| words.split(' ').any(|other| other.eq_ignore_ascii_case(word)))
            }),
        Language::Thai => amount.to_integer() == Some(2) && text.contains("คู่"),
    }
}
