//! Plain text: lines and blank lines to blocks, the layout saying what each is.

mod heading;
mod line;
mod table;
mod wrap;

use super::{Block, BlockKind, Paragraphs, is_space};
use crate::span::Span;
use line::{Role, is_thai, number, role};
use unicode_width::UnicodeWidthStr;
use wrap::Wrapping;

/// The longest title, in characters: headlines of Thai news reach 210.
const TITLE: usize = 220;

/// The blocks of a text, and whether lines were joined because they look hard-wrapped.
pub(super) fn read(source: &str, paragraphs: Paragraphs) -> (Vec<Block>, bool) {
    let lines = lines(source);
    let wrapping = match paragraphs {
        Paragraphs::Line => None,
        Paragraphs::Auto | Paragraphs::BlankLine => Wrapping::of(&breaks(source, &lines)),
    };
    let mut units = units(source, &lines, paragraphs, wrapping);
    let unwrapped = paragraphs == Paragraphs::Auto && units.iter().any(|unit| unit.pieces.len() > 1);
    settle_bylines(source, &mut units);
    heading::mark(source, &mut units);
    let at_spaces = wrapping.is_some_and(|wrapping| wrapping.at_spaces);
    (
        units.iter().map(|unit| unit.block(source, at_spaces)).collect(),
        unwrapped,
    )
}

/// The kind of a paragraph of any format, by its text alone.
pub(super) fn paragraph_kind(text: &str) -> BlockKind {
    match line::metadata(text) {
        Some(Role::Credit) => BlockKind::Caption,
        Some(Role::Metadata | Role::Date) => BlockKind::Metadata,
        _ => BlockKind::Paragraph,
    }
}

/// A line that is not blank.
struct Line {
    /// The whole of it, without its end.
    whole: Span,
    /// Without the white space around it.
    text: Span,
    role: Role,
    /// Whether a blank line, or the start of the text, stands before it.
    after_blank: bool,
    /// The cells, where it is a row of a table.
    cells: Vec<Span>,
}

impl Line {
    /// Its white space at the start, in columns.
    fn indent(&self, source: &str) -> usize {
        let space = &source[self.whole.start..self.text.start];
        space.width() + 7 * space.matches('\t').count()
    }

    /// The whole of it but the white space at its end.
    fn visible<'a>(&self, source: &'a str) -> &'a str {
        &source[self.whole.start..self.text.end]
    }

    fn is_row(&self) -> bool {
        !self.cells.is_empty()
    }
}

/// One block to be.
struct Unit {
    kind: BlockKind,
    level: u8,
    role: Role,
    /// Its text, line by line, without markers and outer white space.
    pieces: Vec<Span>,
    /// Its first line, with the marker.
    first: Span,
    /// Columns before that line.
    indent: usize,
    /// Whether a blank line or a rule stands before it, and after it; the ends of the text count as one.
    after_blank: bool,
    before_blank: bool,
    /// The rule directly under it, if there is one.
    underline: Option<Span>,
}

impl Unit {
    fn text<'a>(&self, source: &'a str) -> &'a str {
        // Headings and metadata have one line; of a paragraph the first is enough to tell.
        self.pieces[0].of(source)
    }

    fn length(&self, source: &str) -> usize {
        self.pieces.iter().map(|piece| piece.of(source).chars().count()).sum()
    }

    fn block(&self, source: &str, at_spaces: bool) -> Block {
        let mut block = Block::verbatim(self.kind, self.level, source, self.pieces[0]);
        for piece in &self.pieces[1..] {
            let line_end = Span::new(block.span.end, piece.start);
            if at_spaces || has_space(&source[..line_end.end], line_end, piece.of(source)) {
                block.push(" ", line_end);
            }
            block.push(piece.of(source), *piece);
        }
        block
    }
}

/// Whether a space belongs between two lines that were one: not inside Thai, which is broken between words without one,
/// unless the line still has it at its end; and not beside a bracket, a dash or a slash that joins.
fn has_space(before: &str, line_end: Span, next: &str) -> bool {
    let (text, gap) = (&before[..line_end.start], line_end.of(before));
    let last = text.chars().next_back().unwrap_or_default();
    let first = next.chars().next().unwrap_or_default();
    let is_joint =
        matches!(last, '(' | '[' | '“' | '‘' | '/' | '-') || matches!(first, ')' | ']' | '”' | '’' | ',' | '.' | '/');
    let kept = gap.starts_with(|c: char| is_space(c) && !is_end(c));
    kept || !(is_joint || is_thai(last) && is_thai(first))
}

fn is_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The lines of a source that are not blank.
fn lines(source: &str) -> Vec<Line> {
    let mut wholes: Vec<Span> = Vec::new();
    let mut start = 0;
    for line in source.split_inclusive(is_end) {
        let span = Span::new(start, start + line.trim_end_matches(is_end).len());
        start += line.len();
        // The second half of `\r\n` is no blank line.
        if line != "\n" || !source[..span.start].ends_with('\r') {
            wholes.push(span);
        }
    }
    let contents: Vec<Option<&str>> = wholes
        .iter()
        .map(|span| Some(span.of(source)).filter(|line| !super::is_blank(line)))
        .collect();
    let mut after_blank = true;
    let mut lines = Vec::new();
    for ((whole, content), cells) in wholes.iter().zip(&contents).zip(table::rows(&contents)) {
        let Some(content) = content else {
            after_blank = true;
            continue;
        };
        let text = content.trim_matches(is_space);
        let start = whole.start + (content.trim_end_matches(is_space).len() - text.len());
        lines.push(Line {
            whole: *whole,
            text: Span::new(start, start + text.len()),
            role: role(text),
            after_blank,
            cells: cells
                .iter()
                .map(|cell| Span::new(whole.start + cell.start, whole.start + cell.end))
                .collect(),
        });
        after_blank = false;
    }
    lines
}

/// The pairs of lines between which a paragraph may go on.
fn breaks<'a>(source: &'a str, lines: &[Line]) -> Vec<(&'a str, &'a str)> {
    let goes_on = |a: &Line, b: &Line| {
        let follows = match (a.role, b.role) {
            (Role::Text, Role::Text) => b.indent(source) <= a.indent(source),
            (Role::Item(_), Role::Text) | (Role::Quote(_), Role::Quote(_)) => true,
            _ => false,
        };
        follows && !b.after_blank && !a.is_row() && !b.is_row()
    };
    let pairs = lines.windows(2).filter(|pair| goes_on(&pair[0], &pair[1]));
    pairs
        .map(|pair| (pair[0].visible(source), pair[1].text.of(source)))
        .collect()
}

/// The lines put together, each with what it is by itself.
fn units(source: &str, lines: &[Line], paragraphs: Paragraphs, wrapping: Option<Wrapping>) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut numbers: Vec<u32> = Vec::new();
    let mut after_blank = true;
    let mut previous: Option<&Line> = None;
    for line in lines {
        after_blank |= line.after_blank;
        if after_blank && let Some(unit) = units.last_mut() {
            unit.before_blank = true;
        }
        let text = line.text.of(source);
        let indent = line.indent(source);
        if line.role == Role::Rule && !line.is_row() {
            if let Some(unit) = units.last_mut() {
                unit.before_blank = true;
                unit.underline = (!after_blank).then_some(line.text);
            }
            (after_blank, previous) = (true, None);
            continue;
        }
        let mut role = line.role;
        if let Role::Item(_) = role
            && let Some((path, _)) = number(text)
        {
            // An inner number follows its own kind, or the item that it is part of.
            let inner = |count: usize, last: u32| {
                numbers.get(..count) == Some(&path[..count]) && last == numbers.get(count).map_or(1, |n| n + 1)
            };
            match path[..] {
                [.., last] if path.len() > 1 && !inner(path.len() - 1, last) => role = Role::Text,
                _ => numbers = path,
            }
        }
        let joins = match (previous, units.last(), wrapping) {
            _ if line.is_row() || after_blank => false,
            (Some(before), Some(unit), wrapping) if !before.is_row() => {
                let goes_on = match unit.kind {
                    BlockKind::Paragraph | BlockKind::ListItem => {
                        matches!(role, Role::Text | Role::Date | Role::Byline)
                    }
                    BlockKind::Quote => matches!(role, Role::Quote(_)),
                    _ => false,
                };
                let is_indented = unit.kind == BlockKind::Paragraph && indent > before.indent(source);
                goes_on
                    && match (paragraphs, wrapping) {
                        (Paragraphs::Line, _) | (Paragraphs::Auto, None) => false,
                        (Paragraphs::BlankLine, _) => true,
                        (Paragraphs::Auto, Some(wrapping)) => {
                            !is_indented && wrapping.is_full(before.visible(source), text)
                        }
                    }
            }
            _ => false,
        };
        let marker = match role {
            Role::Item(marker) | Role::Quote(marker) => marker,
            _ => 0,
        };
        let piece = Span::new(line.text.start + marker, line.text.end);
        if joins && let Some(unit) = units.last_mut() {
            unit.pieces.push(piece);
        } else if line.is_row() {
            units.extend(line.cells.iter().map(|cell| Unit {
                kind: BlockKind::Cell,
                ..unit(*cell, Role::Text, indent, after_blank)
            }));
        } else {
            let mut new = unit(piece, role, indent, after_blank);
            new.first = line.text;
            new.kind = kind(role);
            if new.kind == BlockKind::ListItem {
                new.level = level(&units, indent, number(text).map_or(1, |(path, _)| path.len()));
            }
            units.push(new);
        }
        (after_blank, previous) = (false, Some(line));
    }
    if let Some(unit) = units.last_mut() {
        unit.before_blank = true;
    }
    units
}

fn unit(piece: Span, role: Role, indent: usize, after_blank: bool) -> Unit {
    Unit {
        kind: BlockKind::Paragraph,
        level: 0,
        role,
        pieces: vec![piece],
        first: piece,
        indent,
        after_blank,
        before_blank: false,
        underline: None,
    }
}

fn kind(role: Role) -> BlockKind {
    match role {
        Role::Text | Role::Rule | Role::Byline => BlockKind::Paragraph,
        Role::Item(_) => BlockKind::ListItem,
        Role::Quote(_) => BlockKind::Quote,
        Role::Credit => BlockKind::Caption,
        Role::Metadata | Role::Date => BlockKind::Metadata,
    }
}

/// The depth of a list item: how far it is indented among its neighbours, and how many numbers it has.
fn level(units: &[Unit], indent: usize, depth: usize) -> u8 {
    let (mut level, mut limit) = (1, indent);
    let items = units.iter().rev().take_while(|unit| unit.kind == BlockKind::ListItem);
    // Nobody nests so deeply that more would be needed, and long lists stay quick to read.
    for item in items.take(100) {
        if item.indent < limit {
            (level, limit) = (level + 1, item.indent);
        }
    }
    u8::try_from(level.max(depth)).unwrap_or(u8::MAX)
}

/// A byline is one beside a title, beside other metadata, and at the end.
fn settle_bylines(source: &str, units: &mut [Unit]) {
    for index in 0..units.len() {
        let is_meta = |unit: &Unit| matches!(unit.kind, BlockKind::Metadata | BlockKind::Caption);
        let beside = units.get(index + 1).is_none_or(is_meta)
            || index
                .checked_sub(1)
                .is_none_or(|before| is_meta(&units[before]) || before == 0 && units[0].length(source) <= TITLE);
        let unit = &mut units[index];
        if unit.role == Role::Byline && unit.kind == BlockKind::Paragraph && unit.pieces.len() == 1 && beside {
            unit.kind = BlockKind::Metadata;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{lay_out, outline};
    use super::super::{Document, Format};
    use super::*;
    use insta::assert_snapshot;

    fn document(text: &str, paragraphs: Paragraphs) -> Document {
        super::super::read(text.to_owned(), Format::Text, paragraphs)
    }

    fn kinds(text: &str) -> Vec<BlockKind> {
        document(text, Paragraphs::Auto)
            .blocks
            .iter()
            .map(|block| block.kind)
            .collect()
    }

    #[test]
    fn the_example_article_is_whole() {
        let source = include_str!("../../../examples/wuzhen-summit.txt");
        let blocks = document(source, Paragraphs::Auto).blocks;
        let kinds: Vec<BlockKind> = blocks.iter().map(|block| block.kind).collect();
        let mut expected = vec![BlockKind::Heading, BlockKind::Metadata, BlockKind::Caption];
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

    const BODY_TEXT: &str = "กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้";

    #[test]
    fn a_page_of_a_news_portal() {
        let text = format!(
            "ธปท.คงดอกเบี้ยร้อยละ 2.50 ต่อปี\n8 พ.ย. 2566 | 14:30 น. | ข่าวเศรษฐกิจ\nโดย สมชาย ใจดี\nแชร์\n\nภาพ: ธนาคารแห่งประเทศไทย\n\n\
             {BODY_TEXT}\n\nมติไม่เป็นเอกฉันท์\n\n{BODY_TEXT}\n\n{BODY_TEXT}\n\nทิศทางปีหน้า\n\n{BODY_TEXT}\n\n***\n#ดอกเบี้ย #เศรษฐกิจไทย\n\
             อ่านเพิ่มเติม: เงินเฟ้อเดือนตุลาคมติดลบ\nที่มา: https://example.org/a?b=1\n(ขอบคุณข้อมูลจาก ธปท.)\n-สำนักข่าวไทย\n"
        );
        assert_snapshot!(outline(&text, Format::Text), @r#"
        Heading 1: ธปท.คงดอกเบี้ยร้อยละ 2.50 ต่อปี
        Metadata 0: 8 พ.ย. 2566 | 14:30 น. | ข่าวเศรษฐกิจ
        Metadata 0: โดย สมชาย ใจดี
        Metadata 0: แชร์
        Caption 0: ภาพ: ธนาคารแห่งประเทศไทย
        Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
        Heading 2: มติไม่เป็นเอกฉันท์
        Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
        Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
        Heading 2: ทิศทางปีหน้า
        Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
        Metadata 0: #ดอกเบี้ย #เศรษฐกิจไทย
        Metadata 0: อ่านเพิ่มเติม: เงินเฟ้อเดือนตุลาคมติดลบ
        Metadata 0: ที่มา: https://example.org/a?b=1
        Metadata 0: (ขอบคุณข้อมูลจาก ธปท.)
        Metadata 0: -สำนักข่าวไทย
        "#);
    }

    #[test]
    fn a_press_release() {
        let text = format!(
            "ข่าวประชาสัมพันธ์\nข่าวที่ 12/2566\nวันที่ 9 พฤศจิกายน พ.ศ. 2566\n\nขนส่งฯ เปิดให้บริการต่อภาษีรถออนไลน์\n\n{BODY_TEXT}\n\
             ทั้งนี้ มีเงื่อนไขดังนี้\n1. รถยนต์อายุไม่เกิน 7 ปี\n   1.1 รถเก๋ง\n   1.2 รถกระบะ\n2. รถจักรยานยนต์อายุไม่เกิน 5 ปี\n\
             ก. จดทะเบียนแล้ว\nข. ชำระครบ\n✅ ค่าธรรมเนียม 1.50 บาท\n1.50 บาทต่อครั้ง\n\n---\nกลุ่มประชาสัมพันธ์ โทร. 0 2271 8888\n"
        );
        assert_snapshot!(outline(&text, Format::Text), @r#"
        Metadata 0: ข่าวประชาสัมพันธ์
        Metadata 0: ข่าวที่ 12/2566
        Metadata 0: วันที่ 9 พฤศจิกายน พ.ศ. 2566
        Heading 1: ขนส่งฯ เปิดให้บริการต่อภาษีรถออนไลน์
        Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
        Paragraph 0: ทั้งนี้ มีเงื่อนไขดังนี้
        ListItem 1: รถยนต์อายุไม่เกิน 7 ปี
        ListItem 2: รถเก๋ง
        ListItem 2: รถกระบะ
        ListItem 1: รถจักรยานยนต์อายุไม่เกิน 5 ปี
        ListItem 1: จดทะเบียนแล้ว
        ListItem 1: ชำระครบ
        ListItem 1: ค่าธรรมเนียม 1.50 บาท
        Paragraph 0: 1.50 บาทต่อครั้ง
        Paragraph 0: กลุ่มประชาสัมพันธ์ โทร. 0 2271 8888
        "#);
    }

    #[test]
    fn sections_with_numbers_rules_and_ornaments() {
        let text = format!(
            "รายงานสถานการณ์น้ำ\n==================\n\nบทที่ 1 ภาพรวม\n{BODY_TEXT}\n\nภาคเหนือ\n--------\n{BODY_TEXT}\n\n\
             == ภาคอีสาน ==\n\n{BODY_TEXT}\n\n【ภาคกลาง】\n{BODY_TEXT}\n\nลุ่มน้ำเจ้าพระยา\n{BODY_TEXT}\n\n\
             1. สาเหตุ\n{BODY_TEXT}\n2. แนวทางแก้ไข\n{BODY_TEXT}\n"
        );
        assert_snapshot!(outline(&text, Format::Text), @r#"
        Heading 1: รายงานสถานการณ์น้ำ
        Heading 2: บทที่ 1 ภาพรวม
        Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
        Heading 2: ภาคเหนือ
        Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
        Heading 2: ภาคอีสาน
        Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
        Heading 2: ภาคกลาง
        Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
        Heading 2: ลุ่มน้ำเจ้าพระยา
        Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
        Heading 2: 1. สาเหตุ
        Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
        Heading 2: 2. แนวทางแก้ไข
        Paragraph 0: กรมอุตุนิยมวิทยาประกาศเตือนประชาชนในภาคใต้ฝั่งตะวันออกให้ระวังอันตรายจากฝนที่ตกหนักและน้ำป่าไหลหลากในระยะนี้
        "#);
    }

    #[test]
    fn tables_by_tabs_and_by_columns() {
        let text = "ราคาผลผลิต\n\nสินค้า\tราคา\tหน่วย\nข้าวเปลือก\t11,500\tบาท/ตัน\nยางแผ่นดิบ\t\tบาท/กก.\n\n\
                    จังหวัด         ฝน (มม.)   วันที่\n--------------------------------\nเชียงใหม่           12.5   8 พ.ย.\nนครศรีธรรมราช     145.0   9 พ.ย.\n\
                    \nหมายเหตุ  ข้อมูลเบื้องต้น\n";
        assert_snapshot!(outline(text, Format::Text), @r#"
        Heading 1: ราคาผลผลิต
        Cell 0: สินค้า
        Cell 0: ราคา
        Cell 0: หน่วย
        Cell 0: ข้าวเปลือก
        Cell 0: 11,500
        Cell 0: บาท/ตัน
        Cell 0: ยางแผ่นดิบ
        Cell 0: บาท/กก.
        Cell 0: จังหวัด
        Cell 0: ฝน (มม.)
        Cell 0: วันที่
        Cell 0: เชียงใหม่
        Cell 0: 12.5
        Cell 0: 8 พ.ย.
        Cell 0: นครศรีธรรมราช
        Cell 0: 145.0
        Cell 0: 9 พ.ย.
        Paragraph 0: หมายเหตุ  ข้อมูลเบื้องต้น
        "#);
    }

    #[test]
    fn spaces_and_tabs_in_prose_make_no_table() {
        for text in [
            "ทั้งนี้  คณะกรรมการมีมติอนุมัติ  ดังนี้\nโดยให้กระทรวงการคลังเร่งดำเนินการ  และรายงานผลต่อไป",
            "1.\tรถยนต์\n2.\tรถจักรยานยนต์\n3.\tรถบรรทุก",
            "\tย่อหน้าแรกเยื้องด้วยแท็บ\n\tย่อหน้าสองก็เช่นกัน",
            "วันที่\t8 พฤศจิกายน",
        ] {
            assert!(!kinds(text).contains(&BlockKind::Cell), "{text}");
        }
    }

    #[test]
    fn a_mail_is_unwrapped() {
        let text = "เรียน ทุกท่าน\n\n\
            ตามที่กรมชลประทานได้แจ้งเตือนสถานการณ์น้ำในลุ่มน้ำเจ้าพระยา เมื่อวันที่\n\
            8 พฤศจิกายน 2566 นั้น ขณะนี้ระดับน้ำที่สถานีวัดน้ำ C.2 จังหวัดนครสวรรค์\n\
            ยังคงเพิ่มขึ้นอย่างต่อเนื่อง และคาดว่าจะสูงสุดในช่วงปลายสัปดาห์นี้\n\n\
            สิ่งที่ขอให้เตรียม\n\
            - กระสอบทรายและเครื่องสูบน้ำสำหรับบ้านเรือนที่อยู่ริมตลิ่งหรือในที่ลุ่มต่ำซึ่ง\n\
            \x20 เคยถูกน้ำท่วมในปี 2554\n\
            - น้ำดื่ม\n\n\
            > ขอทราบกำหนดการลงพื้นที่ของคณะทำงานว่าจะออกเดินทางวันใด และต้อง\n\
            > เตรียมเอกสารอะไรบ้าง เพื่อจะได้แจ้งผู้ว่าราชการจังหวัด\n\n\
            ขอแสดงความนับถือ\nสมหญิง\n";
        assert_snapshot!(outline(text, Format::Text), @r#"
        Paragraph 0: เรียน ทุกท่าน
        Paragraph 0: ตามที่กรมชลประทานได้แจ้งเตือนสถานการณ์น้ำในลุ่มน้ำเจ้าพระยา เมื่อวันที่ 8 พฤศจิกายน 2566 นั้น ขณะนี้ระดับน้ำที่สถานีวัดน้ำ C.2 จังหวัดนครสวรรค์ยังคงเพิ่มขึ้นอย่างต่อเนื่อง และคาดว่าจะสูงสุดในช่วงปลายสัปดาห์นี้   <-- ตามที่กรมชลประทานได้แจ้งเตือนสถานการณ์น้ำในลุ่มน้ำเจ้าพระยา เมื่อวันที่\n8 พฤศจิกายน 2566 นั้น ขณะนี้ระดับน้ำที่สถานีวัดน้ำ C.2 จังหวัดนครสวรรค์\nยังคงเพิ่มขึ้นอย่างต่อเนื่อง และคาดว่าจะสูงสุดในช่วงปลายสัปดาห์นี้
        Paragraph 0: สิ่งที่ขอให้เตรียม
        ListItem 1: กระสอบทรายและเครื่องสูบน้ำสำหรับบ้านเรือนที่อยู่ริมตลิ่งหรือในที่ลุ่มต่ำซึ่งเคยถูกน้ำท่วมในปี 2554   <-- กระสอบทรายและเครื่องสูบน้ำสำหรับบ้านเรือนที่อยู่ริมตลิ่งหรือในที่ลุ่มต่ำซึ่ง\n  เคยถูกน้ำท่วมในปี 2554
        ListItem 1: น้ำดื่ม
        Quote 0: ขอทราบกำหนดการลงพื้นที่ของคณะทำงานว่าจะออกเดินทางวันใด และต้องเตรียมเอกสารอะไรบ้าง เพื่อจะได้แจ้งผู้ว่าราชการจังหวัด   <-- ขอทราบกำหนดการลงพื้นที่ของคณะทำงานว่าจะออกเดินทางวันใด และต้อง\n> เตรียมเอกสารอะไรบ้าง เพื่อจะได้แจ้งผู้ว่าราชการจังหวัด
        Paragraph 0: ขอแสดงความนับถือ
        Paragraph 0: สมหญิง
        "#);
        assert!(document(text, Paragraphs::Auto).unwrapped);
        let line = document(text, Paragraphs::Line);
        assert!(!line.unwrapped);
        assert_eq!(line.blocks.len(), text.lines().filter(|line| !line.is_empty()).count());
    }

    #[test]
    fn paragraphs_end_where_they_are_said_to() {
        let text = "หนึ่ง\nสอง \nthree\n4\n- ห้า\nหก\nที่มา: เจ็ด\nแปด (\nเก้า)\n\nสิบ\r\n\r\nจบ";
        assert_eq!(kinds(text).len(), 11);
        assert_snapshot!(lay_out(&document(text, Paragraphs::BlankLine)), @r#"
        Paragraph 0: หนึ่งสอง three 4   <-- หนึ่ง\nสอง \nthree\n4
        ListItem 1: ห้าหก   <-- ห้า\nหก
        Metadata 0: ที่มา: เจ็ด
        Paragraph 0: แปด (เก้า)   <-- แปด (\nเก้า)
        Paragraph 0: สิบ
        Metadata 0: จบ
        "#);
        assert!(!document(text, Paragraphs::BlankLine).unwrapped);
    }

    #[test]
    fn only_what_is_evidently_wrapped_is_joined() {
        let cases = [
            // Headlines of one length.
            "นายกฯ สั่งเร่งช่วยน้ำท่วมใต้ ย้ำดูแลทั่วถึง\nส่งออก ต.ค. โต 8% สูงสุดรอบ 13 เดือน\nกทม. ฝุ่น PM2.5 เกินมาตรฐาน 12 เขตวันนี้\nหงส์แดงเปิดบ้านถล่มเบรนท์ฟอร์ด 3-0 ขึ้นที่สอง\n",
            // Verse.
            "แล้วสอนว่าอย่าไว้ใจมนุษย์\nมันแสนสุดลึกล้ำเหลือกำหนด\nถึงเถาวัลย์พันเกี่ยวที่เลี้ยวลด\nก็ไม่คดเหมือนหนึ่งในน้ำใจคน\n",
            // An address.
            "สำนักงานปลัดกระทรวงคมนาคม\nเลขที่ 38 ถนนราชดำเนินนอก\nแขวงวัดโสมนัส เขตป้อมปราบศัตรูพ่าย\nกรุงเทพมหานคร 10100\n",
        ];
        for text in cases {
            let read = document(text, Paragraphs::Auto);
            assert!(!read.unwrapped, "{text}");
            assert_eq!(read.blocks.len(), text.lines().count());
        }
    }

    #[test]
    fn spaces_go_where_a_line_end_stands_for_one() {
        for (first, second, joined) in [
            ("การพัฒนา", "ประเทศ", "การพัฒนาประเทศ"),
            ("การพัฒนา ", "ประเทศ", "การพัฒนา ประเทศ"),
            ("การพัฒนา\u{a0}", "ประเทศ", "การพัฒนา ประเทศ"),
            ("บริษัท", "SCG", "บริษัท SCG"),
            ("SCG", "ประกาศ", "SCG ประกาศ"),
            ("ปี", "2566", "ปี 2566"),
            ("๒๕๖๖", "มีผู้ชม", "๒๕๖๖ มีผู้ชม"),
            ("ต่าง", "ๆ นั้น", "ต่าง ๆ นั้น"),
            ("กรุงเทพฯ", "และปริมณฑล", "กรุงเทพฯ และปริมณฑล"),
            ("กล่าวว่า", "“จะ", "กล่าวว่า “จะ"),
            ("กล่าวว่า “", "จะ", "กล่าวว่า “จะ"),
            ("เมื่อวาน”", "ทั้งนี้", "เมื่อวาน” ทั้งนี้"),
            ("รฟท.", "(การรถไฟ", "รฟท. (การรถไฟ"),
            ("Open", "source", "Open source"),
        ] {
            let text = format!("{first}\n{second}\n");
            let read = document(&text, Paragraphs::BlankLine);
            assert_eq!(read.blocks.len(), 1);
            assert_eq!(read.blocks[0].text, joined);
        }
    }

    #[test]
    fn list_markers_stay_outside() {
        let markers = [
            "- ", "-", "• ", "•", "* ", "1. ", "1.", "๑. ", "12) ", "(๓) ", "– ", "ก) ", "(ข) ", "ค. ", "a) ", "✅ ",
            "✔️ ", "📌", "1️⃣ ", "→ ",
        ];
        for marker in markers {
            let text = format!("ข้อเสนอมีดังนี้\n{marker}ข้าว\n");
            assert_eq!(
                outline(&text, Format::Text),
                "Paragraph 0: ข้อเสนอมีดังนี้\nListItem 1: ข้าว\n",
                "{marker}"
            );
        }
    }

    #[test]
    fn what_only_looks_like_a_list_marker_is_text() {
        for line in [
            "10.30 น.",
            "1.5 ล้านบาท",
            "-5 องศา",
            "1.",
            "2566. ข้าว",
            "(1 ข้าว",
            "1,000 บาท",
            "จ. เชียงใหม่",
            "อ. เมือง",
            "น. ส. พ.",
        ] {
            let blocks = document(line, Paragraphs::Auto).blocks;
            assert_eq!((&*blocks[0].text, blocks[0].kind), (line, BlockKind::Paragraph));
        }
    }

    #[test]
    fn ornament_is_no_text() {
        for line in [
            "***",
            "---",
            "-",
            "....",
            ".",
            "///",
            "__________",
            "—————",
            "= = =",
            "•••",
            "๏๏๏",
            "─────",
        ] {
            assert!(kinds(line).is_empty(), "{line}");
        }
        for line in ["555", "!!!", "?", "🙏", "ๆๆๆ", "“", "1"] {
            assert_eq!(kinds(line).len(), 1, "{line}");
        }
    }

    #[test]
    fn titles_stand_first_and_alone() {
        let long = "ก".repeat(TITLE + 1);
        let body = BODY_TEXT;
        for (text, kind) in [
            ("ก\n\nข", BlockKind::Heading),
            ("\n\nก\n \nข", BlockKind::Heading),
            ("ก\r\n\r\nข", BlockKind::Heading),
            ("ก\n8 พ.ย. 2566\nข", BlockKind::Heading),
            ("ก\nโดย สมชาย ใจดี\nข", BlockKind::Heading),
            ("ก\n***\nข", BlockKind::Heading),
            ("ก\nข\n\nค", BlockKind::Paragraph),
            ("ก\r\nข\r\n\r\nค", BlockKind::Paragraph),
            ("ก\n\n", BlockKind::Paragraph),
            ("ก", BlockKind::Paragraph),
            ("- ก\n\nข", BlockKind::ListItem),
            ("ภาพจากซินหัว\n\nข", BlockKind::Caption),
            ("เรียน ท่านผู้ปกครอง\n\nข", BlockKind::Paragraph),
            ("สวัสดีครับ\n\nข", BlockKind::Paragraph),
            ("เมื่อวันที่ 8 พ.ย. เกิดเหตุไฟไหม้\n\nข", BlockKind::Paragraph),
            ("นายกฯ กล่าวว่าจะไม่ลาออก\n\nข", BlockKind::Paragraph),
            (&format!("{long}\n\nข"), BlockKind::Paragraph),
        ] {
            assert_eq!(kinds(text)[0], kind, "{text:?}");
        }
        let after_date = format!("8 พฤศจิกายน 2566\n\nฝนถล่มใต้\n\n{body}\n");
        assert_eq!(
            kinds(&after_date),
            [BlockKind::Metadata, BlockKind::Heading, BlockKind::Paragraph]
        );
        let repeated = format!("สำนักข่าว-ฝนถล่มภาคใต้  หลายพื้นที่\n\n8 พ.ย. 66\nฝนถล่มภาคใต้ หลายพื้นที่\n{body}\n");
        assert_eq!(kinds(&repeated)[2], BlockKind::Heading);
        let quoting = format!("ผลวิจัยระบุว่าคนไทยนอนน้อยลง\n\n{body}\n");
        assert_eq!(kinds(&quoting)[0], BlockKind::Heading);
    }

    #[test]
    fn a_paragraph_is_not_shown_as_a_heading() {
        let short = [
            "เขาไม่ได้ตอบ",
            "“เราจะสู้ต่อไป”",
            "ทั้งนี้ยังไม่มีผู้บาดเจ็บ",
            "ข้อเสนอมีดังนี้",
            "รายละเอียดเพิ่มเติม:",
            "โทร. 02-123-4567",
            "ไม่มีใครรู้มาก่อน",
            "นายสมชายกล่าว",
            "ขอบคุณครับ",
        ];
        for line in short {
            for text in [
                format!("หัวข้อข่าว\n\n{BODY_TEXT}\n\n{line}\n{BODY_TEXT}\n"),
                format!("หัวข้อข่าว\n\n{BODY_TEXT}\n\n{line}\n\n{BODY_TEXT}\n\n{line}\n\n{BODY_TEXT}\n"),
            ] {
                assert_eq!(
                    kinds(&text).iter().filter(|kind| **kind == BlockKind::Heading).count(),
                    1,
                    "{line}"
                );
            }
        }
        // One that could be a heading is none beside others that cannot.
        let mixed = format!(
            "ข่าว\n\n{BODY_TEXT}\n\nทิศทางปีหน้า\n\n{BODY_TEXT}\n\nเขาไม่ได้ตอบ\n\n{BODY_TEXT}\n\nบทเรียน\n\n{BODY_TEXT}\n"
        );
        assert_eq!(
            kinds(&mixed).iter().filter(|kind| **kind == BlockKind::Heading).count(),
            1
        );
        // Items over each other are a list.
        let items = "ก\n\n1. รถยนต์\n2. รถจักรยานยนต์\n3. รถบรรทุก\n";
        assert!(kinds(items)[1..].iter().all(|kind| *kind == BlockKind::ListItem));
    }

    #[test]
    fn lines_about_the_article() {
        use BlockKind::{Caption, Metadata, Paragraph};
        let long = format!("ภาพจาก{}", "ก".repeat(90));
        for (text, expected) in [
            ("วันพฤหัสบดีที่ 24 ธันวาคม 2563", Metadata),
            ("วันพุธ 8 พ.ย. 66", Metadata),
            ("๘ พฤศจิกายน ๒๕๖๖", Metadata),
            ("09/02/2566", Metadata),
            ("2023-11-09 14:30", Metadata),
            ("8 พ.ย. 2566 เวลา 14.30 น.", Metadata),
            ("เผยแพร่ : 8 พ.ย. 2566 14:30 น. ปรับปรุง: 9 พ.ย. 2566 08:00 น.", Metadata),
            ("โพสต์เมื่อ 8 พฤศจิกายน 2566", Metadata),
            ("อัปเดตล่าสุด 8 พ.ย. 2566", Metadata),
            ("(CRI)วันพฤหัสบดี 09 พฤศจิกายน 2023", Metadata),
            ("กรุงเทพฯ, 8 พ.ย. 2566", Metadata),
            ("November 8, 2023", Metadata),
            ("Wed, 8 Nov 2023", Metadata),
            ("พฤศจิกายน 2566", Metadata),
            ("ข่าวการเมือง | 8 พ.ย. 2566 | อ่าน 1,234", Metadata),
            ("ผู้เขียน: สมชาย ใจดี", Metadata),
            ("โดย : ทีมข่าวอาชญากรรม", Metadata),
            ("แปลและเรียบเรียงโดย สมหญิง", Metadata),
            ("เรื่องและภาพ: สมชาย ใจดี", Metadata),
            ("ที่มา : https://www.example.org/news/1", Metadata),
            ("ที่มา (URL source) : https://www.example.org/", Metadata),
            ("(ที่มา: สำนักข่าวซินหัว)", Metadata),
            ("แหล่งข่าว: รอยเตอร์", Metadata),
            ("อ้างอิง: กรมอุตุนิยมวิทยา", Metadata),
            ("Source: Reuters", Metadata),
            (
                "https://www.example.org/a/very/long/address/that/goes/on/and/on/and/on/and/on/and/on/and/on/and/on/1",
                Metadata,
            ),
            ("#ไทยคู่ฟ้า #รวมไทยสร้างชาติ", Metadata),
            ("พิมพ์", Metadata),
            ("ข่าวประชาสัมพันธ์", Metadata),
            ("- จบ -", Metadata),
            ("-สำนักข่าวไทย", Metadata),
            ("ภาพจากซินหัว", Caption),
            ("(ภาพโดย สำนักข่าวไทย)", Caption),
            ("ภาพ: เอเอฟพี", Caption),
            ("ภาพ : เอเอฟพี", Caption),
            ("รูปภาพจาก Pixabay", Caption),
            ("แฟ้มภาพ", Caption),
            ("ขอบคุณภาพจากเพจท้องถิ่น", Caption),
            ("Photo: Xinhua", Caption),
            ("ที่มาภาพ: รอยเตอร์", Caption),
            ("วันที่ 8 พฤศจิกายน นายกฯ เดินทางไปเชียงใหม่", Paragraph),
            ("วันนี้ (8 พ.ย. 66) เวลา 10.00 น. นายจุติ", Paragraph),
            ("รัฐบาลเริ่มโครงการ 8 พฤศจิกายน 2566", Paragraph),
            ("10.30 น.", Paragraph),
            ("2566", Paragraph),
            ("ภาพรวมเศรษฐกิจไทยดีขึ้น", Paragraph),
            ("ที่มาของปัญหานี้คือฝนแล้ง", Paragraph),
            ("ข้อมูลจากกรมอุตุนิยมวิทยาระบุว่าฝนจะตก", Paragraph),
            ("โดยนายหลี่ เค่อเฉียง กล่าวว่า จีนพร้อม", Paragraph),
            ("ผู้เขียนเดินทางไปเชียงใหม่", Paragraph),
            ("# กองเผยแพร่และประชาสัมพันธ์", Paragraph),
            ("พิมพ์ชนกคว้ารางวัล", Paragraph),
            (&long, Paragraph),
        ] {
            assert_eq!(kinds(&format!("ก\nข\n{text}\nค\nง"))[2], expected, "{text}");
        }
    }

    #[test]
    fn bylines_stand_beside_other_lines_about_the_article() {
        let body = BODY_TEXT;
        for (text, index, expected) in [
            (format!("ฝนถล่มใต้\nโดย สมชาย ใจดี\n\n{body}"), 1, BlockKind::Metadata),
            (format!("{body}\n\nโดย สมชาย ใจดี"), 1, BlockKind::Metadata),
            (
                format!("{body}\n{body}\nโดย สมชาย ใจดี\n{body}"),
                2,
                BlockKind::Paragraph,
            ),
            (format!("ฝนถล่มใต้\nโดย ครม. เผยมติวันนี้\n\n{body}"), 1, BlockKind::Paragraph),
        ] {
            assert_eq!(kinds(&text)[index], expected, "{text}");
        }
    }

    #[test]
    fn lists_nest_by_indentation_and_by_numbers() {
        let levels = |text: &str| -> Vec<u8> {
            document(text, Paragraphs::Auto)
                .blocks
                .iter()
                .map(|block| block.level)
                .collect()
        };
        assert_eq!(levels("- ก\n  - ข\n    - ค\n  - ง\n- จ"), [1, 2, 3, 2, 1]);
        assert_eq!(levels("1. ก\n1.1 ข\n1.2 ค\n1.2.1 ง\n2. จ\n2.1 ฉ"), [1, 2, 2, 3, 1, 2]);
        assert_eq!(levels("1. ก\n1.5 ล้านบาท\n2. ข"), [1, 0, 1]);
    }

    #[test]
    fn the_government_news_are_laid_out_alike() {
        let Ok(directory) = std::fs::read_dir("../shared/data/thaigov") else {
            return;
        };
        let mut count = 0;
        for path in directory
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        {
            let text = std::fs::read_to_string(&path).unwrap();
            let read = document(&text, Paragraphs::Auto);
            let kinds: Vec<BlockKind> = read.blocks.iter().map(|block| block.kind).collect();
            assert!(!read.unwrapped, "{path:?}");
            assert_eq!(kinds[..2], [BlockKind::Heading, BlockKind::Metadata], "{path:?}");
            assert_eq!(kinds[kinds.len() - 1], BlockKind::Metadata, "{path:?}");
            let title: String = read.blocks[0].text.split(char::is_whitespace).collect();
            for block in read
                .blocks
                .iter()
                .skip(1)
                .filter(|block| block.kind == BlockKind::Heading)
            {
                let line: String = block.text.split(char::is_whitespace).collect();
                assert!(title.ends_with(&line), "{path:?}: {}", block.text);
            }
            count += 1;
        }
        assert_eq!(count, 28);
    }
}
