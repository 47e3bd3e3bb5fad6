//! Detection of headings in plain text: the title, and lines that numbers, ornament or blank lines set apart from the
//! text below.
//!
//! A missed heading does little harm, as it is shown as a short paragraph; a paragraph shown as a heading is plainly
//! wrong. So a line that reads like a sentence is never a heading, whatever its layout.

use super::line::{LineRole, parse_item_number};
use super::{MAX_TITLE_CHARS, UnfinishedBlock, is_space};
use crate::document::BlockKind;
use crate::span::Span;
use regex::Regex;
use std::sync::LazyLock;
use unicode_width::UnicodeWidthStr;

/// The longest line, in characters, that may be a title although it reports what somebody said.
const MAX_QUOTING_TITLE_CHARS: usize = 100;
/// The longest line that may be a heading inside an article, in characters.
const MAX_HEADING_CHARS: usize = 60;
/// The longest line, in characters, that may be a heading only because blank lines stand around it.
const MAX_ISOLATED_HEADING_CHARS: usize = 45;
/// The length, in characters, from which a paragraph counts as body text below a heading.
const MIN_BODY_CHARS: usize = 80;

/// Finds those blocks under construction (`units`) that are headings, and changes their kind to heading.
pub(super) fn mark_headings(source: &str, units: &mut [UnfinishedBlock]) {
    mark_title(source, units);
    mark_numbered_headings(source, units);
    let headings: Vec<(usize, Span)> = isolated_headings(source, units)
        .chain(decorated_headings(source, units))
        .collect();
    for (index, piece) in headings {
        units[index].pieces = vec![piece];
        turn_into_heading(&mut units[index], 2);
    }
}

/// Changes a block under construction into a heading of this level.
fn turn_into_heading(unit: &mut UnfinishedBlock, level: u8) {
    (unit.kind, unit.level) = (BlockKind::Heading, level);
}

/// Whether a block under construction is a paragraph long enough to be the body text below a heading.
fn is_body_paragraph(source: &str, unit: &UnfinishedBlock) -> bool {
    unit.kind == BlockKind::Paragraph && unit.char_count(source) >= MIN_BODY_CHARS
}

/// Marks the title, which is the first line after any metadata, and the paragraphs directly below that repeat its end.
fn mark_title(source: &str, units: &mut [UnfinishedBlock]) {
    let head = units.iter().take_while(|unit| unit.kind == BlockKind::Metadata).count();
    let Some((title, rest)) = units.get_mut(head..).and_then(<[UnfinishedBlock]>::split_first_mut) else {
        return;
    };
    let Some(next) = rest.first() else { return };
    let length = title.char_count(source);
    let has_longer_body = rest
        .iter()
        .find(|unit| unit.kind == BlockKind::Paragraph)
        .is_some_and(|body| body.char_count(source) > length);
    let stands_out = title.before_blank || next.kind == BlockKind::Metadata;
    let text = title.first_line(source);
    // A title that reports what somebody said is short and has a longer paragraph below. Any other line that does so is
    // more likely the first sentence of a report.
    let is_sentence = REPORTED_SPEECH.is_match(text) && !(length <= MAX_QUOTING_TITLE_CHARS && has_longer_body)
        || LETTER_OPENING.is_match(text);
    let is_title =
        title.kind == BlockKind::Paragraph && title.pieces.len() < 3 && length <= MAX_TITLE_CHARS && !is_sentence;
    if !(is_title && stands_out && (head == 0 || has_longer_body)) {
        return;
    }
    turn_into_heading(title, 1);
    let letters = |unit: &UnfinishedBlock| -> String {
        unit.pieces
            .iter()
            .flat_map(|piece| piece.of(source).split(is_space))
            .collect()
    };
    let title = letters(title);
    for unit in rest {
        match unit.kind {
            BlockKind::Metadata | BlockKind::Caption => {}
            BlockKind::Paragraph if unit.char_count(source) > 9 && title.ends_with(&letters(unit)) => {
                turn_into_heading(unit, 2)
            }
            _ => break,
        }
    }
}

/// Turns the items of a numbered list into headings if each of them has body text directly below.
fn mark_numbered_headings(source: &str, units: &mut [UnfinishedBlock]) {
    let value = |unit: &UnfinishedBlock| match unit.role {
        LineRole::Item(_) => parse_item_number(unit.first_with_marker.of(source))
            .and_then(|(path, _)| (path.len() == 1).then_some(path[0])),
        _ => None,
    };
    let numbered: Vec<(usize, u32)> = units
        .iter()
        .enumerate()
        .filter_map(|(index, unit)| Some((index, value(unit)?)))
        .collect();
    for series in numbered.chunk_by(|(_, a), (_, b)| a + 1 == *b) {
        let stands_over = |&(index, _): &(usize, u32)| {
            let unit = &units[index];
            let next = units.get(index + 1);
            next.is_some_and(|next| is_body_paragraph(source, next))
                && unit.pieces.len() == 1
                && unit.char_count(source) <= MAX_HEADING_CHARS
                && !LIST_LEAD_IN.is_match(unit.first_line(source))
        };
        if series.len() > 1 && series[0].1 == 1 && series.iter().all(stands_over) {
            for (index, _) in series {
                let unit = &mut units[*index];
                unit.pieces = vec![unit.first_with_marker];
                turn_into_heading(unit, 2);
            }
        }
    }
}

/// Whether a block under construction is a paragraph of one line that is short enough for a heading.
fn is_short_line(source: &str, unit: &UnfinishedBlock) -> bool {
    unit.kind == BlockKind::Paragraph && unit.pieces.len() == 1 && unit.char_count(source) <= MAX_HEADING_CHARS
}

/// Finds short lines that are headings by ornament around them, by a chapter number, by a horizontal rule below, or
/// because they stand directly above a paragraph. Returns the index in `units` and the byte range of each heading,
/// without its ornament.
fn decorated_headings(source: &str, units: &[UnfinishedBlock]) -> impl Iterator<Item = (usize, Span)> {
    units.windows(3).enumerate().filter_map(move |(index, triple)| {
        let [before, unit, next] = triple else { return None };
        if !is_short_line(source, unit) || !unit.after_blank {
            return None;
        }
        let piece = unit.pieces[0];
        let text = piece.of(source);
        let over_text = is_body_paragraph(source, next) || next.kind == BlockKind::ListItem;
        if let Some(inner) = DECORATED_LINE.captures(text).and_then(|found| found.get(1)) {
            let words = inner.as_str().trim_matches(is_space);
            let start = piece.start + inner.start() + inner.as_str().find(words).unwrap_or_default();
            return (over_text && reads_like_heading(words))
                .then_some((index + 1, Span::new(start, start + words.len())));
        }
        let is_underlined = unit.underline.is_some_and(|rule| {
            let (rule, width) = (rule.of(source).width(), text.width());
            rule * 2 >= width && rule <= width * 3 / 2 + 4
        });
        let is_chapter = over_text && CHAPTER_NUMBER.is_match(text);
        let follows_text = matches!(
            before.kind,
            BlockKind::Paragraph | BlockKind::ListItem | BlockKind::Cell
        );
        let is_on_top = follows_text && !unit.before_blank && is_body_paragraph(source, next);
        (is_chapter || (is_underlined || is_on_top) && reads_like_heading(text)).then_some((index + 1, piece))
    })
}

/// Finds isolated short lines, those between blank lines, that are headings. They are taken as headings only if several
/// exist and each has body text below; if one of them cannot be a heading, none is taken. Returns the index in `units`
/// and the byte range of each heading.
fn isolated_headings(source: &str, units: &[UnfinishedBlock]) -> impl Iterator<Item = (usize, Span)> {
    // Lines after the last body text are signatures and addresses, not headings.
    let end = units
        .iter()
        .rposition(|unit| is_body_paragraph(source, unit))
        .map_or(0, |last| last + 1);
    let isolated: Vec<(usize, bool)> = units[..end]
        .windows(3)
        .enumerate()
        .filter(|(_, triple)| is_short_line(source, &triple[1]) && triple[1].after_blank && triple[1].before_blank)
        .filter(|(_, triple)| {
            !matches!(
                triple[0].kind,
                BlockKind::Heading | BlockKind::Metadata | BlockKind::Caption
            )
        })
        .map(|(index, triple)| {
            let text = triple[1].first_line(source);
            let fits = text.chars().nth(MAX_ISOLATED_HEADING_CHARS).is_none()
                && reads_like_heading(text)
                && is_body_paragraph(source, &triple[2]);
            (index + 1, fits)
        })
        .collect();
    let bodies = units.iter().filter(|unit| is_body_paragraph(source, unit)).count();
    let all_fit = isolated.len() > 1 && bodies >= 2 * isolated.len() && isolated.iter().all(|(_, fits)| *fits);
    let headings = isolated.into_iter().filter(move |_| all_fit);
    headings.map(|(index, _)| (index, units[index].pieces[0]))
}

/// Whether the words of a short line allow it to be a heading.
fn reads_like_heading(text: &str) -> bool {
    text.chars().nth(2).is_some()
        && text.chars().any(char::is_alphabetic)
        && text.split(' ').count() <= 4
        && ![
            &REPORTED_SPEECH,
            &LETTER_OPENING,
            &SENTENCE_OPENING,
            &LIST_LEAD_IN,
            &SENTENCE_ENDING,
        ]
        .iter()
        .any(|pattern| pattern.is_match(text))
}

/// Compiles a regular expression of this module.
fn compile_regex(text: &str) -> Regex {
    Regex::new(text).expect("the patterns are fixed and tested")
}

/// Matches words that report speech, and words that end a spoken sentence.
static REPORTED_SPEECH: LazyLock<Regex> = LazyLock::new(|| {
    compile_regex(r"(?:กล่าว(?:เพิ่มเติม|ต่อ|อีก)?ว่า|เปิดเผยว่า|ระบุว่า|รายงานว่า|บอกว่า|เผยว่า)|(?:ครับ|ค่ะ|คะ|จ้า|นะ)[.!]*$")
});

/// Matches words that begin a letter or a report.
static LETTER_OPENING: LazyLock<Regex> = LazyLock::new(|| {
    compile_regex(r"^(?:เมื่อ(?:วันที่|เวลา|คืน|เช้า|วาน|ช่วง)|วันที่ ?\d|วันนี้ ?\(|เรียน|กราบเรียน|ถึง |สวัสดี|Dear |Hi\b|Hello\b)")
});

/// Matches words and marks that begin or continue a sentence.
static SENTENCE_OPENING: LazyLock<Regex> = LazyLock::new(|| {
    compile_regex(concat!(
        r"^(?:[“”\x22'‘’(\[#@]|และ|แต่|หรือ|โดย|ซึ่ง|เพราะ|เนื่องจาก|ทั้งนี้|นอกจาก|อย่างไรก็|อนึ่ง|ดังนั้น|จากนั้น|ขณะ|ส่วน|ด้าน",
        r"|สำหรับ|เมื่อ|หลังจาก|ต่อมา|ต่อจาก|ล่าสุด|เขา|เธอ|ผม|ฉัน|ดิฉัน|เรา|พวก|นาย|นาง|น\.ส\.|พล\.|ดร\.|คุณ|วันนี้|วันที่|ขอ|โทร|หมายเหตุ|ที่มา|หาก|ถ้า|มี)",
    ))
});

/// Matches words and marks at the end of a line that introduces a list, or of an unfinished sentence.
static LIST_LEAD_IN: LazyLock<Regex> = LazyLock::new(|| compile_regex(r"(?:[:：;,.…]|ดังนี้|ได้แก่|อาทิ|เช่น|คือ)$"));

/// Matches words and marks that end a sentence, and words that occur only in sentences.
static SENTENCE_ENDING: LazyLock<Regex> = LazyLock::new(|| {
    compile_regex(concat!(
        r"(?:[!”\x22'’]|แล้ว|ด้วย|ต่อไป|เท่านั้น|นั้น|นี้|กัน|มาก|เลย|ๆ|ก่อน|ขึ้น|ลง|บาท|คน)$",
        r"|กล่าว|เปิดเผย|ว่า |ก็|ได้|จะ|เขา|ไม่มี|กำลัง|https?:|@|\d[:.]\d\d",
    ))
});

/// Matches the number of a chapter or part at the start of a line.
static CHAPTER_NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    compile_regex(r"^(?:บทที่|ตอนที่|หมวด(?:ที่)?|ส่วนที่|ภาคที่|ภาคผนวก|Chapter|Part)\s*(?:\d{1,3}|[ก-ฮA-Z])(?:$|\s*[:.–-]|\s)")
});

/// Matches a line between ornaments; the first group is the text between them.
static DECORATED_LINE: LazyLock<Regex> = LazyLock::new(|| {
    compile_regex(
        r"^(?:[=*~#_—–-]{2,}|[【\[<]{1,2}|[★☆◆■●]+)\s*([^\s=*~#].*[^\s=*~#_—–-]|\S)\s*(?:[=*~#_—–-]{2,}|[】\]>]{1,2}|[★☆◆■●]+)$",
    )
});
