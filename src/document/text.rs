//! Plain text: every line that is not blank is a block, and its layout says what kind.

use super::{Block, BlockKind, is_space};
use crate::span::Span;

/// The longest title, in characters: headlines of Thai news reach 210.
const TITLE: usize = 220;
/// The longest photo credit, in characters.
const CREDIT: usize = 80;

pub(super) fn read(source: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut blank_after_first = false;
    for line in lines(source) {
        let text = line.of(source).trim_end_matches(is_space);
        let start = line.start + (text.len() - text.trim_start_matches(is_space).len());
        let text = text.trim_start_matches(is_space);
        if text.is_empty() {
            blank_after_first |= blocks.len() == 1;
            continue;
        }
        let (kind, level, marker) = match list_marker(text) {
            0 if is_credit(text) => (BlockKind::Caption, 0, 0),
            0 => (BlockKind::Paragraph, 0, 0),
            marker => (BlockKind::ListItem, 1, marker),
        };
        let span = Span::new(start + marker, start + text.len());
        blocks.push(Block::verbatim(kind, level, source, span));
    }
    if let [first, _, ..] = &mut blocks[..]
        && blank_after_first
        && first.kind == BlockKind::Paragraph
        && first.text.chars().nth(TITLE).is_none()
    {
        (first.kind, first.level) = (BlockKind::Heading, 1);
    }
    blocks
}

/// The lines of a source without their ends, of whatever kind those are.
fn lines(source: &str) -> impl Iterator<Item = Span> {
    let is_end = |c| matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let mut start = 0;
    source.split_inclusive(is_end).filter_map(move |line| {
        let span = Span::new(start, start + line.trim_end_matches(is_end).len());
        start += line.len();
        // The second half of `\r\n` is no blank line.
        let half = line == "\n" && source[..span.start].ends_with('\r');
        (!half).then_some(span)
    })
}

/// The bytes of a list marker at the start of a line, with the white space after it; 0 where there is none, or no text after it.
fn list_marker(line: &str) -> usize {
    let is_digit = |c: char| c.is_ascii_digit() || ('๐'..='๙').contains(&c);
    let rest = if let Some(rest) = line.strip_prefix(['•', '●', '○', '◦', '▪', '■', '‣', '·']) {
        rest
    } else if let Some(rest) = line.strip_prefix(['-', '–', '—', '*']) {
        match rest.chars().next() {
            Some(next) if is_space(next) || is_thai_letter(next) => rest,
            _ => return 0,
        }
    } else {
        let number = line.strip_prefix('(').unwrap_or(line);
        let after = number.trim_start_matches(is_digit);
        if !(1..=3).contains(&number[..number.len() - after.len()].chars().count()) {
            return 0;
        }
        let rest = match after.strip_prefix(')') {
            Some(rest) => rest,
            None if number.len() < line.len() => return 0,
            None => match after.strip_prefix('.') {
                Some(rest) => rest,
                None => return 0,
            },
        };
        match rest.chars().next() {
            Some(next) if is_space(next) || is_thai_letter(next) => rest,
            _ => return 0,
        }
    };
    match rest.trim_start_matches(is_space) {
        "" => 0,
        text => line.len() - text.len(),
    }
}

fn is_thai_letter(c: char) -> bool {
    ('ก'..='ฮ').contains(&c) || ('เ'..='ไ').contains(&c)
}

/// Whether a paragraph is a picture's credit: short, and opening as such lines do.
pub(super) fn is_credit(text: &str) -> bool {
    const OPENINGS: [&str; 10] = [
        "ภาพจาก",
        "ภาพโดย",
        "ภาพถ่ายโดย",
        "ภาพประกอบ",
        "ที่มาภาพ",
        "ที่มาของภาพ",
        "เครดิตภาพ",
        "ขอบคุณภาพ",
        "ภาพ",
        "ที่มา",
    ];
    let text = text.trim_start_matches(['(', '[']);
    text.chars().nth(CREDIT).is_none()
        && OPENINGS.iter().enumerate().any(|(index, opening)| {
            text.strip_prefix(opening).is_some_and(|rest| {
                // The two plain words open many a sentence; only a colon makes them a credit.
                index < 8 || rest.trim_start().starts_with([':', '：'])
            })
        })
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::outline};
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn the_example_article_is_whole() {
        let source = include_str!("../../examples/wuzhen-summit.txt");
        let blocks = read(source);
        let kinds: Vec<BlockKind> = blocks.iter().map(|block| block.kind).collect();
        let mut expected = vec![BlockKind::Heading, BlockKind::Paragraph, BlockKind::Caption];
        expected.resize(kinds.len(), BlockKind::Paragraph);
        assert_eq!(kinds, expected);
        let lines: Vec<&str> = source.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert_eq!(blocks.iter().map(|block| &*block.text).collect::<Vec<_>>(), lines);
    }

    #[test]
    fn every_line_is_a_block() {
        let text = "\u{feff}ข่าวเด่น\r\n\u{200b}\r\n  บรรทัดแรก \nบรรทัดสอง\u{200b}\rสาม\u{c}สี่\u{2028}(ภาพ: ซินหัว)\n";
        assert_snapshot!(outline(text, Format::Text), @r#"
        Heading 1: ข่าวเด่น
        Paragraph 0: บรรทัดแรก
        Paragraph 0: บรรทัดสอง
        Paragraph 0: สาม
        Paragraph 0: สี่
        Caption 0: (ภาพ: ซินหัว)
        "#);
    }

    #[test]
    fn list_markers_stay_outside() {
        let text = "ข้อเสนอมีดังนี้\n- ข้าว\n-ข้าว\n• ข้าว\n•ข้าว\n* ข้าว\n1. ข้าว\n1.ข้าว\n๑. ข้าว\n12) ข้าว\n(๓) ข้าว\n– ข้าว\n";
        let outline = outline(text, Format::Text);
        let lines: Vec<&str> = outline.lines().collect();
        assert_eq!(lines[0], "Paragraph 0: ข้อเสนอมีดังนี้");
        assert_eq!(lines[1..], ["ListItem 1: ข้าว"; 11]);
    }

    #[test]
    fn what_only_looks_like_a_list_marker_is_text() {
        for line in [
            "10.30 น.",
            "-5 องศา",
            "---",
            "-",
            "1.",
            "2566. ข้าว",
            "(1 ข้าว",
            "1,000 บาท",
        ] {
            assert_eq!(read(line)[0].text, line);
        }
    }

    #[test]
    fn only_a_short_first_line_before_a_blank_one_is_a_title() {
        let long = "ก".repeat(TITLE + 1);
        for (text, kind) in [
            ("ก\n\nข", BlockKind::Heading),
            ("\n\nก\n \nข", BlockKind::Heading),
            ("ก\r\n\r\nข", BlockKind::Heading),
            ("ก\nข\n\nค", BlockKind::Paragraph),
            ("ก\r\nข\r\n\r\nค", BlockKind::Paragraph),
            ("ก\n\n", BlockKind::Paragraph),
            ("- ก\n\nข", BlockKind::ListItem),
            ("ภาพจากซินหัว\n\nข", BlockKind::Caption),
            (&format!("{long}\n\nข"), BlockKind::Paragraph),
        ] {
            assert_eq!(read(text)[0].kind, kind, "{text:?}");
        }
    }

    #[test]
    fn credits_are_short_and_open_as_such() {
        for (text, expected) in [
            ("ภาพจากซินหัว", true),
            ("(ภาพโดย สำนักข่าวไทย)", true),
            ("ภาพ: เอเอฟพี", true),
            ("ภาพ : เอเอฟพี", true),
            ("ที่มา: กรมอุตุนิยมวิทยา", true),
            ("ขอบคุณภาพจากเพจท้องถิ่น", true),
            ("ภาพรวมเศรษฐกิจไทยดีขึ้น", false),
            ("ที่มาของปัญหานี้คือฝนแล้ง", false),
            (&format!("ภาพจาก{}", "ก".repeat(CREDIT)), false),
        ] {
            assert_eq!(is_credit(text), expected, "{text}");
        }
    }
}
