//! Headings of plain text: the title, and the lines that numbers, ornament or blank lines set over the text after them.
//!
//! A heading that is missed reads as a short paragraph, a paragraph taken for one stands out as what it is not: so words
//! that sentences are made of speak against a heading wherever layout speaks for it.

use super::line::{Role, number};
use super::{TITLE, Unit, is_space};
use crate::document::BlockKind;
use crate::span::Span;
use regex::Regex;
use std::sync::LazyLock;
use unicode_width::UnicodeWidthStr;

/// The longest title that may quote somebody, in characters.
const HEADLINE: usize = 100;
/// The longest heading inside an article, in characters.
const HEADING: usize = 60;
/// The longest that has nothing but blank lines to show what it is.
const BARE: usize = 45;
/// The fewest characters of a paragraph that a heading stands over.
const BODY: usize = 80;

/// Makes headings of the units that are.
pub(super) fn mark(source: &str, units: &mut [Unit]) {
    mark_title(source, units);
    mark_numbered(source, units);
    let places: Vec<(usize, Span)> = bare(source, units).chain(set_off(source, units)).collect();
    for (index, piece) in places {
        units[index].pieces = vec![piece];
        make(&mut units[index], 2);
    }
}

fn make(unit: &mut Unit, level: u8) {
    (unit.kind, unit.level) = (BlockKind::Heading, level);
}

fn is_body(source: &str, unit: &Unit) -> bool {
    unit.kind == BlockKind::Paragraph && unit.length(source) >= BODY
}

/// Finds the title, which is the first line but for dates and the like, and the lines after it that repeat it.
fn mark_title(source: &str, units: &mut [Unit]) {
    let head = units.iter().take_while(|unit| unit.kind == BlockKind::Metadata).count();
    let Some((title, rest)) = units.get_mut(head..).and_then(<[Unit]>::split_first_mut) else {
        return;
    };
    let Some(next) = rest.first() else { return };
    let length = title.length(source);
    let leads = rest
        .iter()
        .find(|unit| unit.kind == BlockKind::Paragraph)
        .is_some_and(|body| body.length(source) > length);
    let stands_out = title.before_blank || next.kind == BlockKind::Metadata;
    let text = title.text(source);
    // A headline may quote somebody, and then it is short and stands over more text; else that is how reports begin.
    let says = SAID.is_match(text) && !(length <= HEADLINE && leads) || GREETING.is_match(text);
    let is_title = title.kind == BlockKind::Paragraph && title.pieces.len() < 3 && length <= TITLE && !says;
    if !(is_title && stands_out && (head == 0 || leads)) {
        return;
    }
    make(title, 1);
    let bare = |unit: &Unit| -> String {
        unit.pieces
            .iter()
            .flat_map(|piece| piece.of(source).split(is_space))
            .collect()
    };
    let title = bare(title);
    for unit in rest {
        match unit.kind {
            BlockKind::Metadata | BlockKind::Caption => {}
            BlockKind::Paragraph if unit.length(source) > 9 && title.ends_with(&bare(unit)) => make(unit, 2),
            _ => break,
        }
    }
}

/// Makes headings of the items of a list whose every item stands over text of its own.
fn mark_numbered(source: &str, units: &mut [Unit]) {
    let value = |unit: &Unit| match unit.role {
        Role::Item(_) => number(unit.first.of(source)).and_then(|(path, _)| (path.len() == 1).then_some(path[0])),
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
            next.is_some_and(|next| is_body(source, next))
                && unit.pieces.len() == 1
                && unit.length(source) <= HEADING
                && !LEAD.is_match(unit.text(source))
        };
        if series.len() > 1 && series[0].1 == 1 && series.iter().all(stands_over) {
            for (index, _) in series {
                let unit = &mut units[*index];
                unit.pieces = vec![unit.first];
                make(unit, 2);
            }
        }
    }
}

/// A paragraph of one line that is short enough to be a heading.
fn is_short(source: &str, unit: &Unit) -> bool {
    unit.kind == BlockKind::Paragraph && unit.pieces.len() == 1 && unit.length(source) <= HEADING
}

/// Short lines that ornament, a chapter's number or their place directly over a paragraph shows to be headings, without
/// the ornament.
fn set_off(source: &str, units: &[Unit]) -> impl Iterator<Item = (usize, Span)> {
    units.windows(3).enumerate().filter_map(move |(index, triple)| {
        let [before, unit, next] = triple else { return None };
        if !is_short(source, unit) || !unit.after_blank {
            return None;
        }
        let piece = unit.pieces[0];
        let text = piece.of(source);
        let over_text = is_body(source, next) || next.kind == BlockKind::ListItem;
        if let Some(inner) = DECORATED.captures(text).and_then(|found| found.get(1)) {
            let words = inner.as_str().trim_matches(is_space);
            let start = piece.start + inner.start() + inner.as_str().find(words).unwrap_or_default();
            return (over_text && may_be_heading(words)).then_some((index + 1, Span::new(start, start + words.len())));
        }
        let is_underlined = unit.underline.is_some_and(|rule| {
            let (rule, width) = (rule.of(source).width(), text.width());
            rule * 2 >= width && rule <= width * 3 / 2 + 4
        });
        let is_chapter = over_text && CHAPTER.is_match(text);
        let follows_text = matches!(
            before.kind,
            BlockKind::Paragraph | BlockKind::ListItem | BlockKind::Cell
        );
        let is_on_top = follows_text && !unit.before_blank && is_body(source, next);
        (is_chapter || (is_underlined || is_on_top) && may_be_heading(text)).then_some((index + 1, piece))
    })
}

/// Short lines between blank ones, where there are several, each over some text, and where all that stand between
/// paragraphs may be headings: else some are text, and the others may be text too.
fn bare(source: &str, units: &[Unit]) -> impl Iterator<Item = (usize, Span)> {
    // What stands after the last paragraph is a signature or an address.
    let end = units
        .iter()
        .rposition(|unit| is_body(source, unit))
        .map_or(0, |last| last + 1);
    let alone: Vec<(usize, bool)> = units[..end]
        .windows(3)
        .enumerate()
        .filter(|(_, triple)| is_short(source, &triple[1]) && triple[1].after_blank && triple[1].before_blank)
        .filter(|(_, triple)| {
            !matches!(
                triple[0].kind,
                BlockKind::Heading | BlockKind::Metadata | BlockKind::Caption
            )
        })
        .map(|(index, triple)| {
            let text = triple[1].text(source);
            let fits = text.chars().nth(BARE).is_none() && may_be_heading(text) && is_body(source, &triple[2]);
            (index + 1, fits)
        })
        .collect();
    let bodies = units.iter().filter(|unit| is_body(source, unit)).count();
    let is_usual = alone.len() > 1 && bodies >= 2 * alone.len() && alone.iter().all(|(_, fits)| *fits);
    let places = alone.into_iter().filter(move |_| is_usual);
    places.map(|(index, _)| (index, units[index].pieces[0]))
}

/// Whether a short line may be a heading, as far as its words say.
fn may_be_heading(text: &str) -> bool {
    text.chars().nth(2).is_some()
        && text.chars().any(char::is_alphabetic)
        && text.split(' ').count() <= 4
        && ![&SAID, &GREETING, &OPENING, &LEAD, &ENDING]
            .iter()
            .any(|pattern| pattern.is_match(text))
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns are fixed and tested")
}

/// What somebody says.
static SAID: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?:กล่าว(?:เพิ่มเติม|ต่อ|อีก)?ว่า|เปิดเผยว่า|ระบุว่า|รายงานว่า|บอกว่า|เผยว่า)|(?:ครับ|ค่ะ|คะ|จ้า|นะ)[.!]*$")
});

/// What greets a reader, or begins a report.
static GREETING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(?:เมื่อ(?:วันที่|เวลา|คืน|เช้า|วาน|ช่วง)|วันที่ ?\d|วันนี้ ?\(|เรียน|กราบเรียน|ถึง |สวัสดี|Dear |Hi\b|Hello\b)")
});

/// What begins a sentence, or goes on with one.
static OPENING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"^(?:[“”\x22'‘’(\[#@]|และ|แต่|หรือ|โดย|ซึ่ง|เพราะ|เนื่องจาก|ทั้งนี้|นอกจาก|อย่างไรก็|อนึ่ง|ดังนั้น|จากนั้น|ขณะ|ส่วน|ด้าน",
        r"|สำหรับ|เมื่อ|หลังจาก|ต่อมา|ต่อจาก|ล่าสุด|เขา|เธอ|ผม|ฉัน|ดิฉัน|เรา|พวก|นาย|นาง|น\.ส\.|พล\.|ดร\.|คุณ|วันนี้|วันที่|ขอ|โทร|หมายเหตุ|ที่มา|หาก|ถ้า|มี)",
    ))
});

/// What ends the words before a list, or an unfinished sentence.
static LEAD: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?:[:：;,.…]|ดังนี้|ได้แก่|อาทิ|เช่น|คือ)$"));

/// What ends a sentence, or stands only in sentences.
static ENDING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?:[!”\x22'’]|แล้ว|ด้วย|ต่อไป|เท่านั้น|นั้น|นี้|กัน|มาก|เลย|ๆ|ก่อน|ขึ้น|ลง|บาท|คน)$",
        r"|กล่าว|เปิดเผย|ว่า |ก็|ได้|จะ|เขา|ไม่มี|กำลัง|https?:|@|\d[:.]\d\d",
    ))
});

/// The number of a chapter or part.
static CHAPTER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(?:บทที่|ตอนที่|หมวด(?:ที่)?|ส่วนที่|ภาคที่|ภาคผนวก|Chapter|Part)\s*(?:\d{1,3}|[ก-ฮA-Z])(?:$|\s*[:.–-]|\s)")
});

/// A line between ornaments.
static DECORATED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:[=*~#_—–-]{2,}|[【\[<]{1,2}|[★☆◆■●]+)\s*([^\s=*~#].*[^\s=*~#_—–-]|\S)\s*(?:[=*~#_—–-]{2,}|[】\]>]{1,2}|[★☆◆■●]+)$",
    )
});
