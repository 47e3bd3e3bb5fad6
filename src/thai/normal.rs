//! Normalisation: Thai text as a model expects it, tied to the bytes that it comes from; the source kept for output stays
//! as it is.

use super::is_letter;
use crate::span::Span;
use icu_normalizer::ComposingNormalizerBorrowed;
use std::borrow::Cow;
use std::ops::Range;

/// From characters to fewer or other ones, each with its source.
type Rule = fn(Vec<Char>) -> Vec<Char>;

/// The rules in the order in which they apply, each by itself idempotent, and so are all together.
///
/// Those that lose something, so that the source cannot be had back: `visible` (a zero-width space may mark a word's end,
/// a joiner means something in other scripts), `halves`, `digits`, `spaces` (tabs, no-break spaces, line ends, repeated
/// spaces), `torn` (a guess), `mark_order` and `doubled` (a mark or vowel repeated for emphasis; the first of two tone
/// marks), `repetition`. `glyphs`, `latin` and `sara_am` only choose one of several encodings of the same signs. NFKC is
/// not applied: it would take SARA AM apart. Quotation marks, dashes and ฯลฯ stay as they are.
const RULES: &[Rule] = &[
    glyphs, visible, halves, digits, latin, spaces, torn, sara_am, mark_order, doubled, repetition,
];

/// The text as a model gets it: one spelling for what looks the same, no invisible characters, single spaces.
pub fn normalise(text: &str) -> Cow<'_, str> {
    let normal = Normalised::new(text);
    if normal.text == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(normal.text)
    }
}

/// A normalised text that knows which bytes of its source each of its characters stands for.
///
/// ```
/// use plae::thai::Normalised;
///
/// let normal = Normalised::new("ปี  ๒๕๖๖");
/// assert_eq!(normal.text(), "ปี 2566");
/// let year = normal.text().find("2566").unwrap();
/// assert_eq!(normal.source_span(year..year + 4).of("ปี  ๒๕๖๖"), "๒๕๖๖");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normalised {
    text: String,
    /// For each character, where it starts in the text, and its source.
    chars: Vec<(usize, Span)>,
}

impl Normalised {
    /// Normalises `source` as [`normalise`] does.
    pub fn new(source: &str) -> Self {
        let chars = RULES.iter().fold(read(source), |chars, rule| rule(chars));
        let mut text = String::with_capacity(source.len());
        let chars = chars
            .into_iter()
            .map(|Char { c, source }| {
                text.push(c);
                (text.len() - c.len_utf8(), source)
            })
            .collect();
        Self { text, chars }
    }

    /// The normalised text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of the source that a byte range of the text comes from: from the first to the last byte of any of its
    /// characters, since marks may have changed places. Characters cut by the range count as inside; what was dropped at
    /// its ends is outside. An empty range gives the empty span before the next character.
    pub fn source_span(&self, range: Range<usize>) -> Span {
        let (start, end) = (range.start.min(self.text.len()), range.end.min(self.text.len()));
        let first = self.chars.partition_point(|&(at, _)| at <= start);
        let last = self.chars.partition_point(|&(at, _)| at < end);
        let inside = self.chars.get(first.saturating_sub(1)..last).unwrap_or_default();
        if start < end
            && let Some(span) = inside.iter().map(|&(_, source)| source).reduce(union)
        {
            return span;
        }
        let next = self.chars.get(self.chars.partition_point(|&(at, _)| at < start));
        let at = match next {
            Some((_, source)) => source.start,
            None => self.chars.iter().map(|(_, source)| source.end).max().unwrap_or(0),
        };
        Span::new(at, at)
    }
}

/// A character and the bytes of the source that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Char {
    c: char,
    source: Span,
}

fn read(source: &str) -> Vec<Char> {
    let char = |(at, c): (usize, char)| Char {
        c,
        source: Span::new(at, at + c.len_utf8()),
    };
    source.char_indices().map(char).collect()
}

fn union(a: Span, b: Span) -> Span {
    Span::new(a.start.min(b.start), a.end.max(b.end))
}

/// Applies a mapping of single characters.
fn map(mut chars: Vec<Char>, to: fn(char) -> char) -> Vec<Char> {
    chars.iter_mut().for_each(|char| char.c = to(char.c));
    chars
}

/// Glyphs that old fonts and PDF text layers keep in the private use area.
fn glyphs(chars: Vec<Char>) -> Vec<Char> {
    map(chars, glyph)
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

/// No zero-width characters, soft hyphens, direction and byte-order marks.
fn visible(mut chars: Vec<Char>) -> Vec<Char> {
    let invisible = |c| matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    chars.retain(|char| !invisible(char.c));
    chars
}

/// Full-width Latin letters, digits and punctuation in the usual width.
fn halves(chars: Vec<Char>) -> Vec<Char> {
    map(chars, |c| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from((c as u32 - 0xfee0) as u8),
        _ => c,
    })
}

/// ๐ to ๙ as 0 to 9.
fn digits(chars: Vec<Char>) -> Vec<Char> {
    map(chars, |c| match c {
        '๐'..='๙' => char::from(b'0' + (c as u32 - '๐' as u32) as u8),
        _ => c,
    })
}

/// Letters with combining accents as composed letters, where there are such (NFC).
fn latin(chars: Vec<Char>) -> Vec<Char> {
    const NFC: ComposingNormalizerBorrowed = ComposingNormalizerBorrowed::new_nfc();
    let accent = |char: &Char| matches!(char.c, '\u{300}'..='\u{36f}');
    if !chars.iter().any(accent) {
        return chars;
    }
    let mut out = Vec::with_capacity(chars.len());
    for cluster in chars.chunk_by(|_, next| accent(next)) {
        match cluster.iter().map(|char| char.source).reduce(union) {
            Some(source) if cluster.len() > 1 => {
                let text: String = cluster.iter().map(|char| char.c).collect();
                match NFC.normalize(&text) {
                    composed if composed == text => out.extend(cluster),
                    composed => out.extend(composed.chars().map(|c| Char { c, source })),
                }
            }
            _ => out.extend(cluster),
        }
    }
    out
}

/// Each run of white space and control characters as one space; none at either end.
fn spaces(chars: Vec<Char>) -> Vec<Char> {
    let space = |c: char| c.is_whitespace() || c.is_control();
    let mut out: Vec<Char> = Vec::with_capacity(chars.len());
    for Char { c, source } in chars {
        if !space(c) {
            out.push(Char { c, source });
        } else if let Some(last) = out.last_mut() {
            match last.c {
                ' ' => last.source = union(last.source, source),
                _ => out.push(Char { c: ' ', source }),
            }
        }
    }
    out.pop_if(|last| last.c == ' ');
    out
}

const SARA_AA: char = '\u{e32}';
const SARA_AM: char = '\u{e33}';
const NIKHAHIT: char = '\u{e4d}';

/// No space before a sign that cannot start a word. In the text layers of PDF files a space and า, inside a word or after
/// a tone mark, are what is left of ำ.
fn torn(chars: Vec<Char>) -> Vec<Char> {
    let mut out: Vec<Char> = Vec::with_capacity(chars.len());
    let mut rest = chars.as_slice();
    while let [Char { c, source }, after @ ..] = rest {
        rest = after;
        let (before, next) = (out.last().map_or(' ', |last| last.c), after.first());
        let carried = is_consonant(before) || is_mark(before);
        match next {
            Some(&next) if *c == ' ' && carried && (is_mark(next.c) || next.c == SARA_AM) => {}
            Some(&next) if *c == ' ' && carried && next.c == SARA_AA => {
                let marks = || out.iter().rev().map(|char| char.c).take_while(|&c| is_mark(c));
                let nikhahit = marks().any(|c| c == NIKHAHIT);
                let toned = is_mark(before) && marks().all(is_tone);
                let inside = is_consonant(before)
                    && after
                        .get(1)
                        .is_some_and(|char| is_letter(char.c) && !matches!(char.c, 'ๆ' | 'ฯ'));
                if !nikhahit && (inside || toned) {
                    out.push(Char {
                        c: SARA_AM,
                        source: union(*source, next.source),
                    });
                    rest = &after[1..];
                } else if !nikhahit {
                    out.push(Char { c: *c, source: *source });
                }
            }
            _ => out.push(Char { c: *c, source: *source }),
        }
    }
    out
}

/// Decomposed SARA AM as ำ, also with a tone mark inside, and the tone mark before it.
fn sara_am(chars: Vec<Char>) -> Vec<Char> {
    let mut out: Vec<Char> = Vec::with_capacity(chars.len());
    let mut rest = chars.as_slice();
    while let [char, after @ ..] = rest {
        rest = after;
        let marks = out.iter().rev().take_while(|char| is_mark(char.c)).count();
        let decomposed = char.c == SARA_AA && out[out.len() - marks..].iter().any(|char| char.c == NIKHAHIT);
        if char.c != SARA_AM && !decomposed {
            out.push(*char);
            continue;
        }
        // All marks of the letter, those after ำ too; a nikhahit is a part of ำ.
        let mut run = out.split_off(out.len() - marks);
        let mut am = Char {
            c: SARA_AM,
            source: char.source,
        };
        let behind = rest
            .iter()
            .take_while(|char| is_mark(char.c) || char.c == SARA_AM)
            .count();
        run.extend(&rest[..behind]);
        rest = &rest[behind..];
        for mark in run {
            match mark.c {
                SARA_AM | NIKHAHIT => am.source = union(am.source, mark.source),
                _ => out.push(mark),
            }
        }
        out.push(am);
    }
    out
}

/// The marks of each letter once each, in order: vowels, one tone mark (the last), the signs that silence or shorten.
fn mark_order(chars: Vec<Char>) -> Vec<Char> {
    let place = |c: char| match c {
        '\u{e4c}' | '\u{e4e}' => 2,
        _ if is_tone(c) => 1,
        _ => 0,
    };
    let mut out: Vec<Char> = Vec::with_capacity(chars.len());
    for run in chars.chunk_by(|a, b| is_mark(a.c) && is_mark(b.c)) {
        let mut run = run.to_vec();
        if run.len() > 1 {
            run.sort_by_key(|mark| place(mark.c));
        }
        let start = out.len();
        for mark in run {
            let same = |kept: &&mut Char| kept.c == mark.c || is_tone(kept.c) && is_tone(mark.c);
            match out[start..].iter_mut().find(same) {
                Some(kept) => {
                    *kept = Char {
                        c: mark.c,
                        source: union(kept.source, mark.source),
                    }
                }
                None => out.push(mark),
            }
        }
    }
    out
}

/// `เเ` as แ, and each vowel that is a letter of its own once.
fn doubled(chars: Vec<Char>) -> Vec<Char> {
    let once = |c| matches!(c, 'แ'..='ไ' | 'ะ' | SARA_AA | SARA_AM);
    let merge = |kept: &mut Char, c: char, source: Span| {
        *kept = Char {
            c,
            source: union(kept.source, source),
        }
    };
    let mut out: Vec<Char> = Vec::with_capacity(chars.len());
    for Char { c, source } in chars {
        match out.last_mut() {
            Some(last) if c == 'เ' && last.c == 'เ' => merge(last, 'แ', source),
            Some(last) if c == last.c && once(c) => merge(last, c, source),
            _ => out.push(Char { c, source }),
        }
        // Of four เ.
        if let [.., before, last] = &mut out[..]
            && (before.c, last.c) == ('แ', 'แ')
        {
            merge(before, 'แ', last.source);
            out.pop();
        }
    }
    out
}

/// ๆ next to the word that it repeats, and a space after it.
fn repetition(chars: Vec<Char>) -> Vec<Char> {
    let mut out: Vec<Char> = Vec::with_capacity(chars.len());
    for (index, &char) in chars.iter().enumerate() {
        let next = chars.get(index + 1).map(|next| next.c);
        match char.c {
            ' ' if next == Some('ๆ') && out.last().is_some_and(|last| is_letter(last.c)) => {}
            'ๆ' if next.is_some_and(|next| is_letter(next) && next != 'ๆ') => {
                let end = Span::new(char.source.end, char.source.end);
                out.extend([char, Char { c: ' ', source: end }]);
            }
            _ => out.push(char),
        }
    }
    out
}

fn is_consonant(c: char) -> bool {
    ('ก'..='ฮ').contains(&c)
}

/// A sign above or below a consonant.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}')
}

fn is_tone(c: char) -> bool {
    matches!(c, '\u{e48}'..='\u{e4b}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn apply(rule: Rule, text: &str) -> String {
        rule(read(text)).into_iter().map(|char| char.c).collect()
    }

    fn check(rule: Rule, cases: &[(&str, &str)]) {
        for (text, normal) in cases {
            assert_eq!(&apply(rule, text), normal, "{}", text.escape_unicode());
            assert_eq!(&apply(rule, normal), normal, "again: {}", text.escape_unicode());
        }
    }

    #[test]
    fn glyphs_of_old_fonts_are_mapped() {
        check(
            glyphs,
            &[
                ("", ""),
                ("ป\u{f701}", "ป\u{e34}"),
                ("ท\u{f70a}", "ท\u{e48}"),
                ("ป\u{f705}า ฝ\u{f710}", "ป\u{e48}า ฝ\u{e31}"),
                ("\u{f700}าน ห\u{f70f}\u{f70f}", "ฐาน หญญ"),
                ("ก\u{f718}\u{f88b}", "ก\u{e38}\u{e48}"),
                ("ฟ\u{f712} ป\u{f711}", "ฟ\u{e47} ป\u{e4d}"),
                (
                    "ป\u{f714} ป\u{f715} ป\u{f716} ป\u{f717}",
                    "ป\u{e49} ป\u{e4a} ป\u{e4b} ป\u{e4c}",
                ),
                ("ก\u{f8ff}", "ก\u{f8ff}"),
            ],
        );
    }

    #[test]
    fn invisible_characters_are_dropped() {
        check(
            visible,
            &[
                ("ภาษา\u{200b}ไทย\u{200d}", "ภาษาไทย"),
                ("\u{feff}หัวข้อ\u{ad}ข่าว\u{200e}", "หัวข้อข่าว"),
                ("ก\u{200c}ข\u{2060}ค\u{202a}ง\u{202c}", "กขคง"),
                ("ก ข", "ก ข"),
            ],
        );
    }

    #[test]
    fn widths_and_digits_are_the_usual() {
        check(
            halves,
            &[("ＡＢＣ ２０２３！", "ABC 2023!"), ("（ก）～", "(ก)~"), ("。ก", "。ก")],
        );
        check(
            digits,
            &[
                ("ปี ๒๕๖๖ และ 2023", "ปี 2566 และ 2023"),
                ("๐๑๒๓๔๕๖๗๘๙", "0123456789"),
                ("๏ ๚ ๛", "๏ ๚ ๛"),
            ],
        );
    }

    #[test]
    fn accents_are_composed() {
        check(
            latin,
            &[
                ("cafe\u{301} ร้านกาแฟ", "café ร้านกาแฟ"),
                ("\u{301}", "\u{301}"),
                ("q\u{301}", "q\u{301}"),
                ("e\u{323}\u{302}", "\u{1ec7}"),
                ("น\u{e49}ำ", "น\u{e49}ำ"),
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
    fn torn_words_are_joined() {
        check(
            torn,
            &[
                ("ส ำคัญ", "สำคัญ"),
                ("ท \u{e35}\u{e48}ดิน", "ท\u{e35}\u{e48}ดิน"),
                ("ส\u{e4d} าคัญ", "ส\u{e4d}าคัญ"),
                ("ด าเนินการท างาน", "ดำเนินการทำงาน"),
                ("น\u{e49} าใจ", "น\u{e49}ำใจ"),
                ("ดื่มน\u{e49} า", "ดื่มน\u{e49}ำ"),
                // Letters set apart, and signs by themselves.
                ("ก า ร", "ก า ร"),
                ("สระ า และ ำ", "สระ า และ ำ"),
                ("a า", "a า"),
                ("5 ำ", "5 ำ"),
                ("มา ำ", "มา ำ"),
                ("ท\u{e35}\u{e48} าง", "ท\u{e35}\u{e48} าง"),
            ],
        );
    }

    #[test]
    fn sara_am_is_one_character_after_the_tone_mark() {
        check(
            sara_am,
            &[
                ("ท\u{e4d}า", "ทำ"),
                ("น\u{e4d}\u{e49}า", "น\u{e49}ำ"),
                ("น\u{e49}\u{e4d}า", "น\u{e49}ำ"),
                ("น\u{e33}\u{e49}", "น\u{e49}ำ"),
                ("น\u{e4d}\u{e33}", "นำ"),
                ("ทำำ", "ทำ"),
                ("น\u{e49}ำ", "น\u{e49}ำ"),
                ("ก\u{e4d}", "ก\u{e4d}"),
                ("มา", "มา"),
            ],
        );
    }

    #[test]
    fn marks_are_put_in_order_once_each() {
        check(
            mark_order,
            &[
                ("ท\u{e48}\u{e35}", "ท\u{e35}\u{e48}"),
                ("ร\u{e39}\u{e49}", "ร\u{e39}\u{e49}"),
                ("พันธ\u{e4c}\u{e38}", "พันธ\u{e38}\u{e4c}"),
                ("ท\u{e35}\u{e35}\u{e48}\u{e48}", "ท\u{e35}\u{e48}"),
                ("ก\u{e48}\u{e49}า", "ก\u{e49}า"),
                ("ก\u{e49}\u{e38}\u{e48}ง", "ก\u{e38}\u{e48}ง"),
                ("เป\u{e47}น", "เป\u{e47}น"),
                ("กก", "กก"),
            ],
        );
    }

    #[test]
    fn doubled_vowels_are_single() {
        check(
            doubled,
            &[
                ("เเต่", "แต่"),
                ("เเละเเม่", "และแม่"),
                ("เเเเม", "แม"),
                ("เด็ก", "เด็ก"),
                ("มาา", "มา"),
                ("ค\u{e48}ะะ", "ค\u{e48}ะ"),
                ("โโรง ใในน ไไป", "โรง ในน ไป"),
                ("ต่างๆ ฯลฯ ฤๅษี", "ต่างๆ ฯลฯ ฤๅษี"),
            ],
        );
    }

    #[test]
    fn the_repetition_mark_follows_its_word() {
        check(
            repetition,
            &[
                ("ต่าง ๆ ที่", "ต่างๆ ที่"),
                ("ต่าง ๆที่", "ต่างๆ ที่"),
                ("ต่างๆที่", "ต่างๆ ที่"),
                ("เด็กๆ", "เด็กๆ"),
                ("ใด ๆ, อื่น ๆ)", "ใดๆ, อื่นๆ)"),
                ("5 ๆ", "5 ๆ"),
                ("ๆ ๆ", "ๆๆ"),
            ],
        );
    }

    #[test]
    fn normal_text_is_borrowed() {
        for text in [
            "น้ำใจของคนไทย 100% ที่ Bangkok",
            "",
            "a b",
            "“คำพูด” ‘ใน’ \"ข่าว\" – 'นี้' ฯลฯ",
        ] {
            assert!(matches!(normalise(text), Cow::Borrowed(same) if same == text), "{text}");
        }
        assert_eq!(
            normalise(" น\u{e4d}\u{200b}\u{e49}า\u{a0} ต่าง ๆ\n๕ เเก้ว "),
            "น\u{e49}ำ ต่างๆ 5 แก้ว"
        );
        assert_eq!(normalise("กระบวนการส\u{e4d}\u{a0}าคัญ"), "กระบวนการสำคัญ");
        // Found by random strings: one rule makes what another would have joined.
        for text in ["ก\u{e48}\u{e34} า", "ก\u{a0}า ๆ", "เเเเก", "ก\u{e4d} \u{e48}า"] {
            let once = normalise(text).into_owned();
            assert_eq!(normalise(&once), once, "{}", text.escape_unicode());
        }
    }

    #[test]
    fn normalised_text_knows_its_source() {
        let source = "\u{feff}ปี  ๒๕๖๖ น\u{e4d}\u{200b}\u{e49}า ต่าง ๆที่ cafe\u{301} เเก้ว";
        let normal = Normalised::new(source);
        assert_eq!(normal.text(), "ปี 2566 น\u{e49}ำ ต่างๆ ที่ café แก้ว");
        for (part, origin) in [
            ("ปี", "ปี"),
            ("2566", "๒๕๖๖"),
            ("66", "๖๖"),
            ("ปี 2566", "ปี  ๒๕๖๖"),
            ("น\u{e49}ำ", "น\u{e4d}\u{200b}\u{e49}า"),
            ("ต่างๆ", "ต่าง ๆ"),
            ("ๆ ที่", "ๆที่"),
            ("café", "cafe\u{301}"),
            ("แก้ว", "เเก้ว"),
            (normal.text(), source.trim_start_matches('\u{feff}')),
        ] {
            let at = normal.text().find(part).expect(part);
            assert_eq!(normal.source_span(at..at + part.len()).of(source), origin, "{part}");
        }
        assert_eq!(normal.source_span(0..0), Span::new(3, 3));
        let end = normal.text().len();
        assert_eq!(normal.source_span(end..end), Span::new(source.len(), source.len()));
        assert_eq!(Normalised::new(" ").source_span(0..0), Span::new(0, 0));
        assert_eq!(
            normal.source_span(end + 5..end + 9),
            Span::new(source.len(), source.len())
        );
    }

    const THAI: &str = "[กนอเแโะาำัิีึืุู็่้๊๋์ํ๎ๆฯ ๑１ae\u{301}\u{323}\u{200b}\u{a0}\u{f70a}\u{f711}]{0,24}";

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn twice_is_once(text in THAI, other in any::<String>()) {
            for text in [text, other] {
                let once = normalise(&text).into_owned();
                prop_assert_eq!(normalise(&once).into_owned(), once.clone(), "{}", text.escape_unicode());
                prop_assert!(once.len() <= text.len() * 2);
            }
        }

        #[test]
        fn every_rule_twice_is_once(text in THAI) {
            for (index, rule) in RULES.iter().enumerate() {
                let once = apply(*rule, &text);
                prop_assert_eq!(apply(*rule, &once), once.clone(), "rule {} {}", index, text.escape_unicode());
            }
        }

        #[test]
        fn every_character_has_its_source(text in THAI, other in any::<String>()) {
            for source in [text, other] {
                let normal = Normalised::new(&source);
                let mut end = 0;
                for (at, c) in normal.text().char_indices() {
                    let span = normal.source_span(at..at + c.len_utf8());
                    let part = source.get(span.start..span.end);
                    prop_assert!(part.is_some_and(|part| !part.is_empty() || c == ' '), "{c:?} {span:?}");
                    // What stands later never reaches further back than its cluster.
                    let until = normal.source_span(0..at + c.len_utf8()).end;
                    prop_assert!(until >= end);
                    end = until;
                }
                let whole = normal.source_span(0..normal.text().len());
                prop_assert_eq!(normalise(whole.of(&source)), normal.text());
                if normal.text() == source {
                    let same = normal.text().char_indices().all(|(at, c)| normal.source_span(at..at + c.len_utf8()) == Span::new(at, at + c.len_utf8()));
                    prop_assert!(same);
                }
            }
        }
    }
}
