//! A quality check for translations that negate more than their source.

use super::CheckedPair;
use crate::document::{Finding, Flag};
use crate::span::Span;
use regex::Regex;
use std::sync::LazyLock;

/// English negations of a verb. An apostrophe may be written as a character reference.
static ENGLISH_NEGATION: LazyLock<Regex> = LazyLock::new(|| {
    let apostrophe = "(?:['’]|&#39;|&apos;|&rsquo;)";
    let pattern = format!(r"(?i)\bnot\b|n{apostrophe}t\b|\bcannot\b|\bnever\b|\bno longer\b");
    Regex::new(&pattern).expect("a pattern")
});
/// English phrases with a word of negation that negate nothing.
static ENGLISH_PHRASES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\bnot (?:only|just|merely|to mention)\b|\b(?:whether|if|or) not\b").expect("a pattern")
});
/// Thai words that negate, and verbs that say that something fails or is refused.
static THAI_NEGATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("[ไใ]ม่|มิ(?:ได้|ใช่|ให้|ควร|อาจ|ยอม)|ไร้|ปราศจาก|ห้าม|อย่า(?:[^ง]|$)|หาใช่|แทบจะ|ปฏิเสธ|ล้มเหลว|ยกเลิก")
        .expect("a pattern")
});
/// Thai phrases with a word of negation that English writes without: no matter, a few, soon, at least, at most.
static THAI_PHRASES: LazyLock<Regex> = LazyLock::new(|| {
    let phrases = "ไม่ว่า|ไม่กี่|ไม่นาน|ไม่(?:ต่ำ|น้อย|มาก)กว่า|ไม่เกิน|ไม่มากก็น้อย|ไม่ช้า|ไม่แพ้|ไม่ต่าง|ไม่(?:ใช่)?(?:แค่|เพียง(?:[^พ]|$))";
    Regex::new(phrases).expect("a pattern")
});

/// Flags a translation with more negations of verbs than its source has negations of any kind. Of 997 lines of FLORES
/// dev it flags at most one in each of three sound translations, on which the lists of words were chosen.
pub(super) fn check_negation(pair: &CheckedPair) -> Vec<Finding> {
    let phrases: Vec<_> = ENGLISH_PHRASES
        .find_iter(pair.target)
        .map(|phrase| phrase.range())
        .collect();
    let is_in_phrase = |at: usize| phrases.iter().any(|phrase| phrase.contains(&at));
    let english: Vec<_> = ENGLISH_NEGATION
        .find_iter(pair.target)
        .filter(|word| !is_in_phrase(word.start()))
        .collect();
    if english.is_empty() {
        return Vec::new();
    }
    let thai = THAI_NEGATION.find_iter(pair.source).count();
    let thai = thai.saturating_sub(THAI_PHRASES.find_iter(pair.source).count());
    if english.len() <= thai {
        return Vec::new();
    }
    let place = (thai == 0).then(|| Span::from(english[0].range()));
    let detail = format!("source {thai}, target {}", english.len());
    vec![Finding::new(Flag::Negation, None, place, detail)]
}
