//! Normalisation: Thai text as a model expects it; the source kept for output stays as it is.

use super::is_letter;
use std::borrow::Cow;

/// The text as a model gets it: one spelling for what looks the same, no invisible characters, single spaces.
///
/// Applies, in this order: old fonts' glyphs, Thai digits and invisible characters; white space; the order of vowels and
/// tone marks; the spacing of ๆ. NFKC is not applied: it would take SARA AM apart.
pub fn normalise(text: &str) -> Cow<'_, str> {
    let normal = repetition_mark(&marks(&spaces(&characters(text))));
    if normal == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(normal)
    }
}

/// Glyphs that old fonts and PDF text layers keep in the private use area, Thai digits, and characters without width.
fn characters(text: &str) -> String {
    text.chars()
        .filter(|&c| !is_invisible(c))
        .map(|c| glyph(digit(c)))
        .collect()
}

/// Zero-width characters, soft hyphens, direction marks and byte-order marks.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// ๐ to ๙ as 0 to 9.
fn digit(c: char) -> char {
    match c {
        '๐'..='๙' => char::from(b'0' + (c as u32 - '๐' as u32) as u8),
        _ => c,
    }
}

/// Windows' and Macintosh's shifted marks and consonants without their lower part (the table of HarfBuzz's
/// `hb-ot-shaper-thai.cc`, read backwards).
fn glyph(c: char) -> char {
    match c {
        '\u{f700}' | '\u{f89e}' => 'ฐ',
        '\u{f70f}' | '\u{f89a}' => 'ญ',
        '\u{f701}' | '\u{f885}' => '\u{e34}',
        '\u{f702}' | '\u{f886}' => '\u{e35}',
        '\u{f703}' | '\u{f887}' => '\u{e36}',
        '\u{f704}' | '\u{f888}' => '\u{e37}',
        '\u{f710}' | '\u{f884}' => '\u{e31}',
        '\u{f711}' | '\u{f899}' => '\u{e4d}',
        '\u{f712}' | '\u{f889}' => '\u{e47}',
        '\u{f705}' | '\u{f70a}' | '\u{f713}' | '\u{f88a}' | '\u{f88b}' | '\u{f88c}' => '\u{e48}',
        '\u{f706}' | '\u{f70b}' | '\u{f714}' | '\u{f88d}' | '\u{f88e}' | '\u{f88f}' => '\u{e49}',
        '\u{f707}' | '\u{f70c}' | '\u{f715}' | '\u{f890}' | '\u{f891}' | '\u{f892}' => '\u{e4a}',
        '\u{f708}' | '\u{f70d}' | '\u{f716}' | '\u{f893}' | '\u{f894}' | '\u{f895}' => '\u{e4b}',
        '\u{f709}' | '\u{f70e}' | '\u{f717}' | '\u{f896}' | '\u{f897}' | '\u{f898}' => '\u{e4c}',
        '\u{f718}' | '\u{f89b}' => '\u{e38}',
        '\u{f719}' | '\u{f89c}' => '\u{e39}',
        '\u{f71a}' | '\u{f89d}' => '\u{e3a}',
        _ => c,
    }
}

/// Each run of white space and control characters as one space; none at either end.
fn spaces(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
    {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

const SARA_AA: char = '\u{e32}';
const SARA_AM: char = '\u{e33}';
const NIKHAHIT: char = '\u{e4d}';

/// Vowels and tone marks: `เเ` to แ, decomposed SARA AM to ำ, each mark once, vowel before tone, tone before ำ.
fn marks(text: &str) -> String {
    let mut out: Vec<char> = Vec::with_capacity(text.len() / 2);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            'เ' if chars.next_if_eq(&'เ').is_some() => push_once(&mut out, 'แ'),
            'แ'..='ไ' | 'ะ' | SARA_AA => push_once(&mut out, c),
            SARA_AM => push_sara_am(&mut out, &mut chars),
            _ if is_mark(c) => {
                let mut run = vec![c];
                while let Some(mark) = chars.next_if(|&next| is_mark(next)) {
                    run.push(mark);
                }
                let mut ahead = chars.clone();
                ahead.next_if_eq(&' ');
                let am = run.contains(&NIKHAHIT) && ahead.next() == Some(SARA_AA);
                push_run(&mut out, &run);
                if am {
                    chars = ahead;
                    push_sara_am(&mut out, &mut chars);
                }
            }
            _ => out.push(c),
        }
    }
    out.into_iter().collect()
}

/// Writes the marks of one letter, each once: vowels, then the last tone mark, then the signs that silence or shorten.
fn push_run(out: &mut Vec<char>, run: &[char]) {
    let tone = run.iter().rfind(|&&mark| is_tone(mark)).copied();
    let last = |mark: char| matches!(mark, '\u{e4c}' | '\u{e4e}');
    let vowels = run.iter().copied().filter(|&mark| !is_tone(mark) && !last(mark));
    let signs = run.iter().copied().filter(|&mark| last(mark));
    let start = out.len();
    for mark in vowels.chain(tone).chain(signs) {
        if !out[start..].contains(&mark) {
            out.push(mark);
        }
    }
}

/// Writes ำ, and before it the marks that wrongly follow it in the text; a nikhahit is a part of ำ.
fn push_sara_am(out: &mut Vec<char>, chars: &mut std::iter::Peekable<std::str::Chars>) {
    let start = out.iter().rposition(|&c| !is_mark(c)).map_or(0, |at| at + 1);
    let mut run = out.split_off(start);
    while let Some(next) = chars.next_if(|&next| is_mark(next) || next == SARA_AM) {
        run.push(next);
    }
    run.retain(|&mark| !matches!(mark, SARA_AM | NIKHAHIT));
    push_run(out, &run);
    push_once(out, SARA_AM);
}

fn push_once(out: &mut Vec<char>, c: char) {
    if out.last() != Some(&c) {
        out.push(c);
    }
}

/// A sign above or below a consonant.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}')
}

fn is_tone(c: char) -> bool {
    matches!(c, '\u{e48}'..='\u{e4b}')
}

/// ๆ stands next to the word that it repeats, and a space after it.
fn repetition_mark(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' if chars.peek() == Some(&'ๆ') && out.ends_with(is_letter) => {}
            'ๆ' => {
                out.push(c);
                if chars.peek().is_some_and(|&next| is_letter(next) && next != 'ๆ') {
                    out.push(' ');
                }
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(rule: fn(&str) -> String, cases: &[(&str, &str)]) {
        for (text, normal) in cases {
            assert_eq!(&rule(text), normal, "{}", text.escape_unicode());
            assert_eq!(&rule(normal), normal, "again: {}", text.escape_unicode());
        }
    }

    #[test]
    fn characters_are_mapped_or_dropped() {
        check(
            characters,
            &[
                ("", ""),
                ("ปี ๒๕๖๖ และ 2023", "ปี 2566 และ 2023"),
                ("๐๑๒๓๔๕๖๗๘๙", "0123456789"),
                ("ภาษา\u{200b}ไทย\u{200d}", "ภาษาไทย"),
                ("\u{feff}หัวข้อ\u{ad}ข่าว\u{200e}", "หัวข้อข่าว"),
                ("ป\u{f701}", "ป\u{e34}"),
                ("ท\u{f70a}", "ท\u{e48}"),
                ("ป\u{f705}า ฝ\u{f710}", "ป\u{e48}า ฝ\u{e31}"),
                ("\u{f700}าน ห\u{f70f}\u{f70f}", "ฐาน หญญ"),
                ("ก\u{f718}\u{f88b}", "ก\u{e38}\u{e48}"),
                ("ฟ\u{f712} ป\u{f711}", "ฟ\u{e47} ป\u{e4d}"),
            ],
        );
    }

    #[test]
    fn spaces_are_single() {
        check(
            spaces,
            &[
                ("  ก  ข\t", "ก ข"),
                ("ก\u{a0}ข\u{3000}ค", "ก ข ค"),
                ("บรรทัดแรก\r\nบรรทัดสอง", "บรรทัดแรก บรรทัดสอง"),
                ("ก\u{0}\u{7f}\u{9c}ข", "ก ข"),
                (" \n ", ""),
            ],
        );
    }

    #[test]
    fn marks_are_put_in_order() {
        check(
            marks,
            &[
                // Decomposed SARA AM, alone, with the tone mark on either side, and torn apart by a PDF's space.
                ("ท\u{e4d}า", "ทำ"),
                ("น\u{e4d}\u{e49}า", "น\u{e49}ำ"),
                ("น\u{e49}\u{e4d}า", "น\u{e49}ำ"),
                ("ส\u{e4d} าคัญ", "สำคัญ"),
                ("น\u{e33}\u{e49}", "น\u{e49}ำ"),
                ("ก\u{e4d}", "ก\u{e4d}"),
                // Two เ are แ.
                ("เเต่", "แต่"),
                ("เเละเเม่", "และแม่"),
                ("เด็ก", "เด็ก"),
                // The tone mark comes after the vowel.
                ("ท\u{e48}\u{e35}", "ท\u{e35}\u{e48}"),
                ("ร\u{e39}\u{e49}", "ร\u{e39}\u{e49}"),
                ("พันธ\u{e4c}\u{e38}", "พันธ\u{e38}\u{e4c}"),
                // Each once; of two tone marks the last.
                ("ท\u{e35}\u{e35}\u{e48}\u{e48}", "ท\u{e35}\u{e48}"),
                ("ก\u{e48}\u{e49}า", "ก\u{e49}า"),
                ("มาา", "มา"),
                ("ค\u{e48}ะะ", "ค\u{e48}ะ"),
                ("โโรง", "โรง"),
                ("ทำำ", "ทำ"),
                ("ต่างๆ ฯลฯ ฤๅษี", "ต่างๆ ฯลฯ ฤๅษี"),
            ],
        );
    }

    #[test]
    fn the_repetition_mark_follows_its_word() {
        check(
            repetition_mark,
            &[
                ("ต่าง ๆ ที่", "ต่างๆ ที่"),
                ("ต่าง ๆที่", "ต่างๆ ที่"),
                ("เด็กๆ", "เด็กๆ"),
                ("ใด ๆ, อื่น ๆ)", "ใดๆ, อื่นๆ)"),
                ("5 ๆ", "5 ๆ"),
                ("ๆ ๆ", "ๆๆ"),
            ],
        );
    }

    #[test]
    fn normal_text_is_borrowed() {
        for text in ["น้ำใจของคนไทย 100% ที่ Bangkok", "", "a b"] {
            assert!(matches!(normalise(text), Cow::Borrowed(same) if same == text));
        }
        assert_eq!(
            normalise(" น\u{e4d}\u{200b}\u{e49}า\u{a0} ต่าง ๆ\n๕ เเก้ว "),
            "น\u{e49}ำ ต่างๆ 5 แก้ว"
        );
    }

    proptest! {
        #[test]
        fn twice_is_once(text in "[กนอเแโะาำัิีึืุู็่้๊๋์ํ๎ๆฯ ๑a\u{200b}\u{a0}\u{f70a}\u{f711}]{0,24}", other in any::<String>()) {
            for text in [text, other] {
                let once = normalise(&text).into_owned();
                prop_assert_eq!(normalise(&once).into_owned(), once.clone(), "{}", text.escape_unicode());
                prop_assert!(once.len() <= text.len() * 2);
            }
        }
    }
}
