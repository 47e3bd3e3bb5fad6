//! Reader of Markdown (CommonMark, with tables, footnotes, task lists, strikethrough and front matter).
//!
//! Code blocks, HTML blocks, front matter, images with their alternative text, link destinations and reference
//! definitions are left as they are. A soft line break becomes one space, as browsers display it: editors wrap Thai at
//! its spaces, and a needless space does less harm than two phrases run together. A hard line break ends the block.

use super::builder::BlockBuilder;
use super::html::{self, TagEffect};
use super::script::Script;
use super::{BlockKind, ReaderOutput};
use crate::span::Span;
use crate::thai::{is_invisible, is_no_break_space};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::borrow::Cow;
use std::ops::Range;

/// Reads a Markdown source into blocks.
pub(super) fn read_markdown(source: &str) -> ReaderOutput {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_GFM;
    let mut reader = MarkdownReader {
        source,
        builder: BlockBuilder::new(source),
        containers: Vec::new(),
        list_depth: 0,
        leaf: None,
        untranslated: 0,
        hidden: None,
        script: None,
        omitted: Vec::new(),
        cursor: 0,
    };
    let start = front_matter_length(source);
    let parsed = ParsedText::new(&source[start..]);
    for (event, range) in Parser::new_ext(&parsed.text, options).into_offset_iter() {
        let range = parsed.source_range(range);
        reader.handle_event(event, start + range.start..start + range.end);
    }
    reader.end_block();
    ReaderOutput {
        blocks: reader.builder.finish(),
        unwrapped: false,
        omitted: reader.omitted,
    }
}

/// The text that the parser reads: the source, without the invisible characters before a block marker such as `#` or `-`,
/// and with a space for a no-break space after one. Either would hide the marker from the parser.
struct ParsedText<'a> {
    text: Cow<'a, str>,
    /// The places at which source bytes are left out: the byte offset in `text`, and the number of bytes that are left
    /// out up to there.
    gaps: Vec<(usize, usize)>,
}

impl<'a> ParsedText<'a> {
    /// Makes the text that the parser reads of a source.
    fn new(source: &'a str) -> Self {
        let is_hiding = |c: char| is_invisible(c) || is_no_break_space(c);
        if !source.contains(is_hiding) {
            return Self {
                text: Cow::Borrowed(source),
                gaps: Vec::new(),
            };
        }
        let mut parsed = Self {
            text: Cow::Owned(String::with_capacity(source.len())),
            gaps: Vec::new(),
        };
        for line in source.split_inclusive('\n') {
            let body = line.trim_start_matches(|c| matches!(c, ' ' | '\t' | '>') || is_hiding(c));
            let (marker, rest) = body.split_at(block_marker_length(body));
            let content = rest.trim_start_matches(|c| !marker.is_empty() && is_hiding(c));
            for c in line[..line.len() - body.len()].chars() {
                if is_invisible(c) || !marker.is_empty() && is_no_break_space(c) {
                    parsed.leave_out(c.len_utf8());
                } else {
                    parsed.text.to_mut().push(c);
                }
            }
            parsed.text.to_mut().push_str(marker);
            let mut hidden = rest.len() - content.len();
            if rest[..hidden].contains(is_no_break_space) {
                parsed.text.to_mut().push(' ');
                hidden -= 1;
            }
            parsed.leave_out(hidden);
            parsed.text.to_mut().push_str(content);
        }
        parsed
    }

    /// Leaves out source bytes at the end of the text so far.
    fn leave_out(&mut self, bytes: usize) {
        let before = self.gaps.last().map_or(0, |(_, left_out)| *left_out);
        if bytes > 0 {
            self.gaps.push((self.text.len(), before + bytes));
        }
    }

    /// Maps a byte range of the text to the source. What is left out at an end of the range is not in the result.
    fn source_range(&self, range: Range<usize>) -> Range<usize> {
        let left_out = |count: usize| count.checked_sub(1).map_or(0, |last| self.gaps[last].1);
        let start = range.start + left_out(self.gaps.partition_point(|(at, _)| *at <= range.start));
        let end = range.end + left_out(self.gaps.partition_point(|(at, _)| *at < range.end));
        start..end.max(start)
    }
}

/// Returns the length in bytes of the marker of a heading or list item at the start of a line, for which only a space
/// may be missing after it; 0 without any.
fn block_marker_length(line: &str) -> usize {
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let hashes = line.len() - line.trim_start_matches('#').len();
    let length = match line.as_bytes() {
        [b'#', ..] if hashes <= 6 => hashes,
        [b'-' | b'*' | b'+', ..] => 1,
        bytes if (1..=9).contains(&digits) && matches!(bytes.get(digits), Some(b'.' | b')')) => digits + 1,
        _ => return 0,
    };
    let is_apart = |c: char| c == ' ' || c == '\t' || is_invisible(c) || is_no_break_space(c);
    if line[length..].starts_with(is_apart) {
        length
    } else {
        0
    }
}

/// Returns the length in bytes of the YAML or TOML front matter at the start of the source; 0 without any. The parser's
/// own option for front matter is not used, because it also takes text between two thematic breaks for metadata.
fn front_matter_length(source: &str) -> usize {
    let mut lines = source.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    let fence = first.trim_end();
    if !matches!(fence, "---" | "+++") {
        return 0;
    }
    let is_closing = |line: &str| line.trim_end() == fence || fence == "---" && line.trim_end() == "...";
    let mut length = first.len();
    for (index, line) in lines.enumerate() {
        length += line.len();
        match (is_closing(line), index) {
            (true, 0) => return 0,
            (true, _) => return length,
            (false, 0) if line.trim().is_empty() => return 0,
            (false, _) => {}
        }
    }
    0
}

/// Turns the events of the Markdown parser into calls of the builder of blocks.
struct MarkdownReader<'a> {
    source: &'a str,
    builder: BlockBuilder<'a>,
    /// The open quotations and list items, the innermost last.
    containers: Vec<BlockKind>,
    /// The number of list items among the open containers.
    list_depth: usize,
    /// The kind and level of the open heading or table cell, if one is open.
    leaf: Option<(BlockKind, u8)>,
    /// The number of open elements whose content is not translated: images, code blocks and HTML blocks.
    untranslated: usize,
    /// The open HTML element in the current block whose text is not shown: its name, and the number of open elements of
    /// this name.
    hidden: Option<(String, usize)>,
    /// Whether an open HTML element sets the text above or below the line.
    script: Option<Script>,
    /// The byte ranges of text that is not shown and was left out.
    omitted: Vec<Span>,
    /// The byte offset at which the last piece of text, or the last inline mark after it, ends.
    cursor: usize,
}

impl MarkdownReader<'_> {
    fn handle_event(&mut self, event: Event, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.handle_start_tag(tag, range),
            Event::End(tag) => self.handle_end_tag(tag, range),
            Event::Rule => self.end_block(),
            _ if self.untranslated > 0 => {}
            Event::InlineHtml(tag) => self.add_inline_tag(&tag, range),
            Event::Text(_) | Event::Code(_) | Event::FootnoteReference(_) if self.hidden.is_some() => {
                self.omitted.push(range.into());
            }
            Event::HardBreak => self.end_block(),
            Event::Text(text) => self.add_text(&text, range),
            Event::SoftBreak => self.builder.space(range.into()),
            Event::Code(code) => self.add_code(&code, range),
            Event::FootnoteReference(_) if self.is_between_figures(&range) => self.builder.space(range.into()),
            Event::FootnoteReference(_) => self.add_inline_mark(TagEffect::Empty, range),
            // The box of a task stays in the source before the block. The parser emits mathematics only if asked to.
            Event::TaskListMarker(_) | Event::Html(_) | Event::InlineMath(_) | Event::DisplayMath(_) => {}
        }
    }

    fn handle_start_tag(&mut self, tag: Tag, range: Range<usize>) {
        match tag {
            Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Superscript | Tag::Subscript | Tag::Link { .. } => {
                if self.untranslated == 0 {
                    self.add_inline_mark(TagEffect::Open, range);
                }
                return;
            }
            Tag::Image { .. } => {
                if self.untranslated == 0 {
                    self.add_inline_mark(TagEffect::Empty, range);
                }
                self.untranslated += 1;
                return;
            }
            _ => self.end_block(),
        }
        match tag {
            Tag::Heading { level, .. } => self.leaf = Some((BlockKind::Heading, level as u8)),
            Tag::TableCell => self.leaf = Some((BlockKind::Cell, 0)),
            Tag::BlockQuote(_) => self.containers.push(BlockKind::Quote),
            Tag::Item => {
                self.containers.push(BlockKind::ListItem);
                self.list_depth += 1;
            }
            Tag::CodeBlock(_) | Tag::HtmlBlock => self.untranslated += 1,
            _ => {}
        }
    }

    fn handle_end_tag(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::Link => {
                if self.untranslated == 0 {
                    self.add_inline_mark(TagEffect::Close, range);
                }
                return;
            }
            TagEnd::Image => {
                self.untranslated = self.untranslated.saturating_sub(1);
                return;
            }
            _ => self.end_block(),
        }
        match tag {
            TagEnd::Heading(_) | TagEnd::TableCell => self.leaf = None,
            TagEnd::BlockQuote(_) => drop(self.containers.pop()),
            TagEnd::Item => {
                self.containers.pop();
                self.list_depth = self.list_depth.saturating_sub(1);
            }
            TagEnd::CodeBlock | TagEnd::HtmlBlock => self.untranslated = self.untranslated.saturating_sub(1),
            _ => {}
        }
    }

    /// Adds a piece of text. If a backslash escape stands before the piece, which the parser leaves out of `range`, the
    /// backslash becomes part of the text's source.
    fn add_text(&mut self, text: &str, range: Range<usize>) {
        let mut span = Span::from(range);
        let mut text = text;
        let escaped = span.start > self.cursor
            && self.source[..span.start].ends_with('\\')
            && text.starts_with(|c: char| c.is_ascii_punctuation());
        if escaped {
            self.builder
                .decoded(&text[..1], Span::new(span.start - 1, span.start + 1));
            text = &text[1..];
            span.start += 1;
        }
        match self.script {
            _ if span.of(self.source) != text => self.builder.decoded(text, span),
            Some(script) => self.builder.flow_in_script(span, script),
            None => self.builder.flow(span),
        }
        self.cursor = span.end;
    }

    /// Adds inline code, with its backticks as inline markup.
    fn add_code(&mut self, code: &str, range: Range<usize>) {
        let raw = &self.source[range.clone()];
        let ticks = raw.len() - raw.trim_start_matches('`').len();
        let inner = Span::new(range.start + ticks, (range.end - ticks).max(range.start + ticks));
        // One space on each side may separate a backtick in the code from the delimiter, and is no part of the code.
        let padded = Span::new(inner.start + 1, (inner.end - 1).max(inner.start + 1));
        self.add_inline_mark(TagEffect::Open, range.clone());
        if self.source.get(inner.start..inner.end) == Some(code) {
            self.builder.flow(inner);
        } else if self.source.get(padded.start..padded.end) == Some(code) {
            self.builder.flow(padded);
        } else {
            self.builder.decoded(code, inner);
        }
        self.add_inline_mark(TagEffect::Close, range);
    }

    /// Whether figures stand directly before and after a range of the source.
    fn is_between_figures(&self, range: &Range<usize>) -> bool {
        let before = self.source[..range.start].chars().next_back();
        let after = self.source[range.end..].chars().next();
        [before, after].into_iter().all(|c| c.is_some_and(char::is_numeric))
    }

    /// Adds an HTML tag, and takes note of an element whose text is not shown, or not on the line.
    fn add_inline_tag(&mut self, tag: &str, range: Range<usize>) {
        let effect = html::classify_tag(tag);
        let read = match effect {
            TagEffect::Open | TagEffect::Close => html::read_inline_tag(tag),
            TagEffect::Empty | TagEffect::Break | TagEffect::Comment => None,
        };
        match (&mut self.hidden, read, effect) {
            (Some((name, count)), Some(tag), TagEffect::Open) if *name == tag.name => *count += 1,
            (Some((name, count)), Some(tag), TagEffect::Close) if *name == tag.name => {
                *count -= 1;
                if *count == 0 {
                    self.hidden = None;
                }
            }
            (None, Some(tag), TagEffect::Open) if tag.is_hidden => self.hidden = Some((tag.name, 1)),
            (None, Some(tag), TagEffect::Open) => self.script = tag.script.or(self.script),
            (None, Some(_), TagEffect::Close) => self.script = None,
            _ => {}
        }
        self.add_inline_mark(effect, range);
    }

    fn add_inline_mark(&mut self, mark: TagEffect, range: Range<usize>) {
        self.cursor = if mark == TagEffect::Open {
            range.start
        } else {
            range.end
        };
        match mark {
            TagEffect::Open => self.builder.open(range.start),
            TagEffect::Close => self.builder.close(range.end),
            TagEffect::Empty => self.builder.mark(range.into()),
            TagEffect::Break => self.end_block(),
            TagEffect::Comment => {}
        }
    }

    /// Ends the current block. Its kind follows from the open heading or cell, else from the innermost list item or
    /// quotation.
    fn end_block(&mut self) {
        let (kind, level) = self.leaf.unwrap_or_else(|| match self.containers.last() {
            Some(BlockKind::ListItem) => (BlockKind::ListItem, u8::try_from(self.list_depth).unwrap_or(u8::MAX)),
            Some(&kind) => (kind, 0),
            None => (BlockKind::Paragraph, 0),
        });
        self.builder.end(kind, level);
        (self.hidden, self.script) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::outline};
    use insta::assert_snapshot;

    #[test]
    fn blocks_and_their_kinds() {
        let text = "---\ntitle: ก\n---\n\n# หัวข้อ *ใหญ่* {#id}\n\nหัวข้อรอง\n---\n\nย่อหน้าแรก\nต่อบรรทัด **เน้น**\n\n> คำพูด\n> ต่อ\n>\n> - รายการ\n\n1. หนึ่ง\n   - สอง\n\n     ย่อหน้าในรายการ\n2. สาม\n- [x] ทำแล้ว\n- [ ] ยัง\n\n| ชื่อ | จำนวน |\n|---|---|\n| ข้าว \\| ปลา | `๑\\|๒` |\n\nภาพ: ซินหัว\n\nเชิงอรรถ[^1] จบ\n\n[^1]: คำอธิบาย\n";
        assert_snapshot!(outline(text, Format::Markdown), @r#"
        Heading 1: หัวข้อ ใหญ่   <-- หัวข้อ *ใหญ่*
        Heading 2: หัวข้อรอง
        Paragraph 0: ย่อหน้าแรก ต่อบรรทัด เน้น   <-- ย่อหน้าแรก\nต่อบรรทัด **เน้น**
        Quote 0: คำพูด ต่อ   <-- คำพูด\n> ต่อ
        ListItem 1: รายการ
        ListItem 1: หนึ่ง
        ListItem 2: สอง
        ListItem 2: ย่อหน้าในรายการ
        ListItem 1: สาม
        ListItem 1: ทำแล้ว
        ListItem 1: ยัง
        Cell 0: ชื่อ
        Cell 0: จำนวน
        Cell 0: ข้าว | ปลา   <-- ข้าว \| ปลา
        Cell 0: ๑|๒   <-- `๑\|๒`
        Caption 0: ภาพ: ซินหัว
        Paragraph 0: เชิงอรรถ จบ   <-- เชิงอรรถ[^1] จบ
        Paragraph 0: คำอธิบาย
        "#);
    }

    #[test]
    fn what_is_not_running_text_is_left_alone() {
        let text = "```\nโค้ด\n```\n\n    โค้ด\n\n<div>\nกล่อง\n</div>\n\n![คำบรรยาย](x.png)\n\n<!-- หมายเหตุ -->\n\n[ก]: http://x.th \"ข\"\n\n***\n";
        assert_eq!(outline(text, Format::Markdown), "");
    }

    /// Byte-order marks inside a file, and no-break spaces that keyboards type after a marker (pythainlp#373).
    #[test]
    fn what_is_not_visible_hides_no_marker() {
        let text = "\u{feff}# หัวข้อ\n\n#\u{a0}สอง\n\n\u{200b}- ก\u{200b}ข\n\u{a0}- ค\n-\u{a0}\u{2060}ง **จ**\n\n> \u{ad}## ฉ\n\n\u{200b}ย่อหน้า\n\u{200b}ต่อ\n\n\u{a0}\u{a0}\u{a0}\u{a0}ช\n\n1.\u{a0}ซ\n";
        assert_snapshot!(outline(text, Format::Markdown).replace(['\u{200b}', '\u{a0}'], "_"), @r#"
        Heading 1: หัวข้อ
        Heading 1: สอง
        ListItem 1: ก_ข
        ListItem 1: ค
        ListItem 1: ง จ   <-- ง **จ**
        Heading 2: ฉ
        Paragraph 0: ย่อหน้า ต่อ   <-- ย่อหน้า\n_ต่อ
        Paragraph 0: ช
        ListItem 1: ซ
        "#);
    }

    #[test]
    fn front_matter_stands_only_at_the_start() {
        for (text, expected) in [
            ("---\nก: ข\n---\nค", "Paragraph 0: ค\n"),
            ("---\r\nก: ข\r\n...\r\nค", "Paragraph 0: ค\n"),
            ("+++\nก = 'ข'\n+++\n", ""),
            ("---\nก\n\n---\n\nข\n", "Paragraph 0: ข\n"),
            ("ก\n\n---\nข\n\n---\n", "Paragraph 0: ก\nParagraph 0: ข\n"),
            ("---\n\nก\n\n---\n", "Paragraph 0: ก\n"),
            ("---\n---\nก\n", "Paragraph 0: ก\n"),
            ("---\nก\n", "Paragraph 0: ก\n"),
            ("+++\nก", "Paragraph 0: +++ ก   <-- +++\\nก\n"),
        ] {
            assert_eq!(outline(text, Format::Markdown), expected, "{text:?}");
        }
    }

    #[test]
    fn inline_marks_are_not_text() {
        let text = "ดู [ที่นี่](http://x.th/?ก=ข \"ค\") หรือ <http://y.th> และ `ls -l` กับ `` ` `` ~~ลบ~~ <b>หนา</b> &amp; \\*ดาว\\*\n\nสอง  \nบรรทัด<br>สาม\\\nสี่ ![รูป](a.png) จบ\n";
        assert_snapshot!(outline(text, Format::Markdown), @r#"
        Paragraph 0: ดู ที่นี่ หรือ http://y.th และ ls -l กับ ` ลบ หนา & *ดาว*   <-- ดู [ที่นี่](http://x.th/?ก=ข "ค") หรือ <http://y.th> และ `ls -l` กับ `` ` `` ~~ลบ~~ <b>หนา</b> &amp; \*ดาว\*
        Paragraph 0: สอง
        Paragraph 0: บรรทัด
        Paragraph 0: สาม
        Paragraph 0: สี่ จบ   <-- สี่ ![รูป](a.png) จบ
        "#);
    }

    /// Issue 19, kind 12.
    #[test]
    fn footnotes_do_not_join_figures_and_hidden_text_is_left_out() {
        let text = "ปี 2566[^1]2567 มี 1,569[^1] คน\n\n<ruby>漢<rp>(</rp><rt>คัน</rt></ruby>ก <i hidden>ข *ง* `จ`</i>ค <sup>3\n\n4 ก\n\n[^1]: คำอธิบาย\n";
        assert_snapshot!(outline(text, Format::Markdown), @r#"
        Paragraph 0: ปี 2566 2567 มี 1,569 คน   <-- ปี 2566[^1]2567 มี 1,569[^1] คน
        Paragraph 0: 漢ก ค ³   <-- <ruby>漢<rp>(</rp><rt>คัน</rt></ruby>ก <i hidden>ข *ง* `จ`</i>ค <sup>3
        Paragraph 0: 4 ก
        Paragraph 0: คำอธิบาย
        "#);
        let omitted = super::read_markdown(text).omitted;
        let omitted: Vec<&str> = omitted.iter().map(|span| span.of(text)).collect();
        assert_eq!(omitted, ["(", "คัน", "ข ", "ง", " ", "`จ`"]);
    }
}
