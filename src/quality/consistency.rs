//! Quality checks of whole documents: the same person or the same sentence, translated in two ways.

use crate::document::{Finding, Flag};
use crate::span::Span;
use regex::Regex;
use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

/// A Thai title with the given name after it, up to a space.
static THAI_PERSON: LazyLock<Regex> = LazyLock::new(|| {
    let titles = "นางสาว|น\\.ส\\.|นาย|นาง|ดร\\.|ผศ\\.|รศ\\.|พล\\.[ตอ]\\.[อทต]\\.|พ\\.ต\\.[อทต]\\.";
    Regex::new(&format!("(?:{titles}) ?([ก-๎]{{3,20}}) ")).expect("a pattern")
});
/// An English title with the first name after it.
static ENGLISH_PERSON: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Gen|Maj|Lt|Col|Capt)\b\.? ([A-Z][A-Za-z'’-]+)").expect("a pattern")
});
/// A capitalised English word that does not begin the text.
static CAPITALISED_WORD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[a-z,;] ([A-Z][A-Za-z'’-]+)").expect("a pattern"));
/// Words that follow a title of [`THAI_PERSON`] without being names, such as those of offices: นายก is a prime minister.
const NOT_NAMES: [&str; 12] = [
    "กรัฐมนตรี",
    "กสมาคม",
    "กเทศมนตรี",
    "กองค์การ",
    "จ้าง",
    "ทะเบียน",
    "ทุน",
    "หน้า",
    "แพทย์",
    "อำเภอ",
    "ทหาร",
    "ตำรวจ",
];

/// Checks the pairs of source and translation of one document together, and returns the findings that no pair shows by
/// itself, each with the index of its pair.
///
/// Found are a person, named once with a title on each side, whose English name differs from that at the first place;
/// and a sentence that is repeated with other capitalised names. Takes time proportional to the length of the document.
pub fn check_document(pairs: &[(&str, &str)]) -> Vec<(usize, Finding)> {
    let mut findings = Vec::new();
    let mut persons: HashMap<&str, (usize, &str)> = HashMap::new();
    let mut sentences: HashMap<&str, usize> = HashMap::new();
    for (index, (source, target)) in pairs.iter().enumerate() {
        if let Some((name, span, english)) = only_person(source, target) {
            match persons.get(name) {
                None => drop(persons.insert(name, (index, english))),
                Some((_, other)) if is_same_name(english, other) => {}
                Some((first, other)) => {
                    let detail = format!("{english} here, {other} in segment {first}");
                    findings.push((index, Finding::new(Flag::Inconsistent, Some(span), None, detail)));
                }
            }
        }
        match sentences.get(source) {
            None => drop(sentences.insert(source, index)),
            Some(first) if pairs[*first].1 == *target => {}
            Some(first) => {
                let (here, there) = (capitalised_words(target), capitalised_words(pairs[*first].1));
                if !here.is_empty() && !there.is_empty() && here.is_disjoint(&there) {
                    let words: Vec<&str> = there.into_iter().collect();
                    let detail = format!("{} in segment {first}, which has the same source", words.join(", "));
                    findings.push((index, Finding::new(Flag::Inconsistent, None, None, detail)));
                }
            }
        }
    }
    findings
}

/// Returns the Thai name, its place and the English name, if exactly one person with a title is named on each side.
fn only_person<'a>(source: &'a str, target: &'a str) -> Option<(&'a str, Span, &'a str)> {
    let mut thai = THAI_PERSON.captures_iter(source).filter_map(|person| person.get(1));
    let name = thai.next().filter(|_| thai.next().is_none())?;
    let mut english = ENGLISH_PERSON.captures_iter(target).filter_map(|person| person.get(1));
    let other = english.next().filter(|_| english.next().is_none())?;
    let is_name = !NOT_NAMES.iter().any(|word| name.as_str().starts_with(word));
    is_name.then(|| (name.as_str(), Span::from(name.range()), other.as_str()))
}

/// Whether two spellings may stand for one name: they begin alike, apart from vowels and doubled letters.
fn is_same_name(a: &str, b: &str) -> bool {
    let skeleton = |name: &str| {
        let mut letters: Vec<char> = name
            .to_lowercase()
            .chars()
            .filter(|c| !"aeiouyhw'’-".contains(*c))
            .collect();
        letters.dedup();
        letters.truncate(2);
        letters
    };
    let (a, b) = (skeleton(a), skeleton(b));
    a.starts_with(&b) || b.starts_with(&a)
}

fn capitalised_words(text: &str) -> BTreeSet<&str> {
    let words = CAPITALISED_WORD.captures_iter(text);
    words.filter_map(|word| word.get(1)).map(|word| word.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_person_has_one_english_name() {
        let pairs = [
            ("นายสมชาย ใจดี กล่าวว่า ฝนจะตก", "Mr. Somchai Jaidee said it would rain."),
            ("ทั้งนี้ นายสมชาย เสริมว่า น้ำจะท่วม", "Mr. Somchay added that it would flood."),
            ("นายสมชาย กลับบ้านแล้ว", "Mr. Chai went home."),
            ("นายกรัฐมนตรี เดินทาง", "Mr. Prayut travels."),
            ("นายกรัฐมนตรี กลับ", "Mr. Srettha returns."),
            ("เขากลับบ้านแล้ว", "He went home."),
        ];
        let found = check_document(&pairs);
        assert_eq!(found.len(), 1);
        let (index, finding) = &found[0];
        assert_eq!((*index, finding.flag), (2, Flag::Inconsistent));
        assert_eq!(finding.source.unwrap().of(pairs[2].0), "สมชาย");
        assert_eq!(finding.detail, "Chai here, Somchai in segment 0");
    }

    #[test]
    fn a_sentence_that_is_said_again_has_the_same_names() {
        let source = "งานจัดที่เชียงใหม่";
        let found = check_document(&[
            (source, "It is held in Chiang Mai."),
            (source, "It is held in Phuket."),
            (source, "The event takes place in Chiang Mai."),
        ]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, 1);
        assert_eq!(found[0].1.detail, "Chiang in segment 0, which has the same source");
    }

    proptest! {
        #[test]
        fn any_document_can_be_checked(texts in proptest::collection::vec((any::<String>(), any::<String>()), 0..8)) {
            let pairs: Vec<(&str, &str)> = texts.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            for (index, finding) in check_document(&pairs) {
                if let Some(span) = finding.source {
                    prop_assert!(pairs[index].0.get(span.start..span.end).is_some());
                }
            }
        }
    }
}
