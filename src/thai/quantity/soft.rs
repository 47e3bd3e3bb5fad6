//! Quantities that a translation may leave out or say in another word: one, ทั้งสอง (both), สองสาม (a few).

use super::{Amount, Language, Quantity, QuantityValue};

/// English words that say a small number or a fraction, by its numerator and denominator. A word counts alone and before
/// a hyphen.
const ENGLISH_NUMBER_WORDS: &[(u64, u64, &str)] = &[
    (
        1,
        1,
        "one first single sole once top only leading best lone another each per every initial debut premiere i",
    ),
    (
        2,
        1,
        "both couple pair pairs paired twin twins twice double doubled doubles dual duo duel either neither binary bilateral bilingual",
    ),
    (
        3,
        1,
        "triple tripled triples thrice trio triplets ternary trilateral triangle triangular",
    ),
    (4, 1, "quadruple quadrupled quarter quartet"),
    (10, 1, "decade decades"),
    (100, 1, "century centuries centennial"),
    (1, 2, "half halves halved middle mid midway"),
    (1, 4, "quarter quarters"),
];

/// Thai words that say a small number, in the same form; they count anywhere in the text.
const THAI_NUMBER_WORDS: &[(u64, u64, &str)] = &[
    (2, 1, "คู่ ทวิ แฝด สองเท่า เท่าตัว"),
    (3, 1, "ไตร ตรี"),
    (10, 1, "ทศวรรษ"),
    (12, 1, "โหล"),
    (100, 1, "ศตวรรษ"),
    (1, 2, "ครึ่ง กลาง ซีก"),
    (1, 4, "ไตรมาส"),
];

/// Thai words and signs before a number that tells things apart and does not count them.
const WORDS_BEFORE_A_MARK: &[&str] = &[
    "อันดับ",
    "ที่",
    "หมายเลข",
    "เบอร์",
    "ข้อ",
    "ชั้น",
    "บท",
    "รุ่น",
    "ช่อง",
    "ระดับ",
    "(",
    "+",
];

/// Names with digits that Thai texts often write without them, in lower case.
const NAMES_WITH_OPTIONAL_DIGITS: &[(&str, &str)] = &[
    ("19", "covid-"),
    ("19", "โควิด-"),
    ("2", "co"),
    ("2", "h"),
    ("2", "o"),
    ("2", "n"),
    ("3", "o"),
];

/// Whether a translation may leave out a quantity or say it without a number.
pub fn may_be_left_out(text: &str, quantity: &Quantity, value: &QuantityValue, language: Language) -> bool {
    let words = quantity.span.of(text);
    let before = &text[..quantity.span.start];
    // The digit 1 after such a word is a number or a mark, which a translation does not turn into an article.
    let is_mark = quantity.has_digits
        && language == Language::Thai
        && WORDS_BEFORE_A_MARK.iter().any(|word| before.trim_end().ends_with(word));
    match value {
        QuantityValue::Number(amount) if *amount == Amount::from_integer(1) => quantity.second.is_none() && !is_mark,
        QuantityValue::Ordinal(1) => quantity.second.is_none() && !is_mark,
        // A Roman numeral may be a letter of a name.
        QuantityValue::Ordinal(_) if words.bytes().all(|byte| b"IVX".contains(&byte)) => true,
        QuantityValue::Code(digits) => NAMES_WITH_OPTIONAL_DIGITS.iter().any(|(optional, name)| {
            let from = before.len().checked_sub(name.len()).and_then(|from| before.get(from..));
            digits == optional && from.is_some_and(|from| from.eq_ignore_ascii_case(name))
        }),
        _ if quantity.has_digits => false,
        QuantityValue::Number(amount) if amount.to_integer() == Some(0) => true,
        // ทั้งสอง is both, and สองสาม is a few.
        QuantityValue::Number(amount) if language == Language::Thai => {
            before.ends_with("ทั้ง") && amount.to_integer() == Some(2)
                || quantity.second.is_some() && !words.contains("ถึง") && !words.contains("หรือ")
        }
        // A name: Nine News.
        QuantityValue::Number(_) => {
            words.starts_with(char::is_uppercase)
                && before.ends_with([' ', '’'])
                && before
                    .trim_end_matches(' ')
                    .ends_with(|c: char| c.is_alphanumeric() || c == '’' || c == '\'')
        }
        QuantityValue::Fraction(1, 2) => true,
        _ => false,
    }
}

/// Whether a text says a value in a word that is not read as a quantity.
pub fn is_said_in_words(value: &QuantityValue, text: &str, language: Language) -> bool {
    let (part, whole) = match value {
        QuantityValue::Number(amount) => match amount.to_integer() {
            Some(number) => (number, 1),
            None => return false,
        },
        QuantityValue::Fraction(part, whole) => (*part, *whole),
        QuantityValue::Ordinal(1) => (1, 1),
        // A second is วินาที, and a third party is someone outside.
        QuantityValue::Ordinal(2) => {
            return language == Language::Thai && ["วินาที", "รอง", "คู่", "ถัด"].iter().any(|word| text.contains(word));
        }
        QuantityValue::Ordinal(3) => return language == Language::Thai && text.contains("ภายนอก"),
        _ => return false,
    };
    let says = |words: &[(u64, u64, &str)], is_in_text: &dyn Fn(&str) -> bool| {
        words
            .iter()
            .filter(|(first, second, _)| (*first, *second) == (part, whole))
            .any(|(.., words)| words.split(' ').any(is_in_text))
    };
    match language {
        Language::English => says(ENGLISH_NUMBER_WORDS, &|word| {
            text.split(|c: char| !c.is_alphabetic())
                .any(|other| other.eq_ignore_ascii_case(word))
        }),
        Language::Thai => says(THAI_NUMBER_WORDS, &|word| text.contains(word)),
    }
}
