//! HTML to blocks: the inline content of block-level elements, and what stands bare between them.
//!
//! The tokenizer is html5gum's; over it stands a small stack of open elements that knows as much of the tree builder as
//! kinds, optional end tags and untranslated elements need. Scripts, styles, templates, preformatted text, drawings,
//! formulas, form fields, comments and attributes are left as they are. Text that is marked as not to be translated
//! (`translate="no"`, class `notranslate`) stays in a sentence that it is part of, and is left alone where it is a whole
//! block; on `html` and `body` the marks are not heeded, since they are set there to keep browsers from offering what
//! the user of this program asks for.

use super::builder::Builder;
use super::{Block, BlockKind, is_blank};
use crate::span::Span;
use html5gum::{Emitter, State, Tokenizer, naive_next_state};
use std::collections::HashMap;
use std::convert::Infallible;

pub(super) fn read(source: &str) -> Vec<Block> {
    let mut reader = Reader {
        source,
        xml: source.trim_start().starts_with("<?xml"),
        builder: Builder::new(source),
        elements: Elements::default(),
        translatable: false,
        text: Span::new(0, 0),
        position: 0,
        cursor: 0,
        tag: Tag::default(),
        last_start_tag: Vec::new(),
    };
    let Ok(()) = Tokenizer::new_with_emitter(source, &mut reader).finish();
    reader.builder.finish()
}

/// What a tag in running text is to that text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Open,
    Close,
    /// It has no content, such as an image.
    Empty,
    /// A line break, which ends the block.
    Break,
    /// Nothing that is displayed.
    Comment,
}

/// Reads a tag that stands in running text of another format.
pub(super) fn mark(tag: &str) -> Mark {
    let (close, rest) = match tag.strip_prefix("</") {
        Some(rest) => (true, rest),
        None => (false, tag.trim_start_matches('<')),
    };
    let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    match rest[..length].to_ascii_lowercase().as_bytes() {
        b"" => Mark::Comment,
        b"br" => Mark::Break,
        _ if close => Mark::Close,
        name if is_void(name) || tag.ends_with("/>") => Mark::Empty,
        _ => Mark::Open,
    }
}

/// The tag that is being read.
#[derive(Default)]
struct Tag {
    start: usize,
    name: Vec<u8>,
    is_end: bool,
    self_closing: bool,
    /// Marked as not to be translated.
    fixed: bool,
    attribute: Vec<u8>,
    value: Vec<u8>,
}

impl Tag {
    fn end_attribute(&mut self) {
        self.fixed |= match self.attribute.as_slice() {
            b"translate" => self.value.eq_ignore_ascii_case(b"no"),
            b"class" => self
                .value
                .split(u8::is_ascii_whitespace)
                .any(|class| class == b"notranslate"),
            _ => false,
        };
        self.attribute.clear();
        self.value.clear();
    }
}

/// Receives the tokens. Only offsets are taken from them: what a verbatim piece says is read from the source.
struct Reader<'a> {
    source: &'a str,
    /// `<p/>` is a whole element.
    xml: bool,
    builder: Builder<'a>,
    elements: Elements,
    /// The block has text that may be translated.
    translatable: bool,
    /// Verbatim text that the builder has not got yet.
    text: Span,
    /// The end of what the tokenizer has consumed.
    position: usize,
    /// The end of the last token.
    cursor: usize,
    tag: Tag,
    last_start_tag: Vec<u8>,
}

impl Reader<'_> {
    /// Sorts a piece of text by whether it stands in the source as it is or is what a character reference stands for.
    fn piece(&mut self, piece: &[u8]) {
        let end = self.position;
        let start = end.saturating_sub(piece.len());
        let bytes = self.source.as_bytes();
        let is_reference = bytes.get(self.cursor) == Some(&b'&') && bytes.get(self.cursor..end) != Some(piece);
        // The tokenizer hands on `\r` as a newline and drops a newline after it.
        let is_verbatim = bytes.get(start..end) == Some(piece) || piece == b"\n";
        if is_verbatim && !is_reference {
            let is_dropped = bytes.get(self.text.end.saturating_sub(1)..start) == Some(b"\r\n");
            if self.text.end != start && !is_dropped {
                self.end_text();
                self.text.start = start;
            }
            self.text.end = end;
        } else if is_reference && let Ok(decoded) = std::str::from_utf8(piece) {
            self.end_text();
            let span = Span::new(self.cursor, end);
            match self.elements.top().mode {
                Mode::Opaque => {}
                _ if decoded.trim_ascii().is_empty() => self.builder.space(span),
                mode => {
                    self.builder.decoded(decoded, span);
                    self.translatable |= mode == Mode::Translate && !is_blank(decoded);
                }
            }
        }
        self.cursor = end;
    }

    /// Passes on the verbatim text so far.
    fn end_text(&mut self) {
        let span = std::mem::replace(&mut self.text, Span::new(self.position, self.position));
        let mode = self.elements.top().mode;
        let Some(text) = self.source.get(span.start..span.end).filter(|_| mode != Mode::Opaque) else {
            return;
        };
        self.builder.flow(span);
        self.translatable |= mode == Mode::Translate && !is_blank(text);
    }

    fn start_tag(&mut self) -> Option<State> {
        let name = std::mem::take(&mut self.tag.name);
        let is_block = is_block(&name);
        if is_block && self.elements.top().mode != Mode::Opaque {
            self.end_block();
            self.elements.close_implied(&name);
        }
        let span = Span::new(self.tag.start, self.position);
        let parent = self.elements.top();
        let is_empty = is_void(&name)
            || self.tag.self_closing
                && (self.xml || parent.mode == Mode::Opaque || matches!(&name[..], b"svg" | b"math"));
        let mode = match parent.mode {
            Mode::Opaque => Mode::Opaque,
            _ if is_opaque(&name) => Mode::Opaque,
            Mode::Fixed => Mode::Fixed,
            Mode::Translate if self.tag.fixed && !matches!(&name[..], b"html" | b"body") => Mode::Fixed,
            Mode::Translate => Mode::Translate,
        };
        if mode != Mode::Opaque && !is_block {
            if is_empty {
                self.builder.mark(span);
            } else {
                self.builder.open(span.start);
            }
        }
        let state = if is_empty { None } else { naive_next_state(&name) };
        if !is_empty {
            self.elements.open(&name, mode);
        }
        self.last_start_tag = name;
        state
    }

    fn end_tag(&mut self) {
        let name = std::mem::take(&mut self.tag.name);
        let element = self.elements.find(&name);
        let mode = match element {
            Some(index) => self.elements.stack[index].mode,
            None => self.elements.top().mode,
        };
        match mode {
            Mode::Opaque => {}
            _ if is_block(&name) => self.end_block(),
            _ => self.builder.close(self.position),
        }
        if let Some(index) = element {
            self.elements.truncate(index);
        }
        self.last_start_tag.clear();
    }

    fn end_block(&mut self) {
        let element = self.elements.top();
        if self.translatable {
            self.builder.end(element.kind, element.level);
        } else {
            self.builder.discard();
        }
        self.translatable = false;
    }
}

impl Emitter for &mut Reader<'_> {
    type Token = Infallible;

    fn pop_token(&mut self) -> Option<Infallible> {
        None
    }

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    fn emit_error(&mut self, _: html5gum::Error) {}

    fn move_position(&mut self, offset: isize) {
        self.position = self.position.saturating_add_signed(offset);
    }

    fn emit_string(&mut self, piece: &[u8]) {
        self.piece(piece);
    }

    fn emit_eof(&mut self) {
        self.end_text();
        self.end_block();
    }

    fn start_open_tag(&mut self) {
        self.tag.start = self.position.saturating_sub(1);
    }

    fn init_start_tag(&mut self) {
        self.tag = Tag {
            start: self.tag.start,
            ..Tag::default()
        };
    }

    fn init_end_tag(&mut self) {
        self.init_start_tag();
        self.tag.is_end = true;
    }

    fn push_tag_name(&mut self, name: &[u8]) {
        self.tag.name.extend(name);
    }

    fn init_attribute(&mut self) {
        self.tag.end_attribute();
    }

    fn push_attribute_name(&mut self, name: &[u8]) {
        self.tag.attribute.extend(name);
    }

    fn push_attribute_value(&mut self, value: &[u8]) {
        // An embedded picture's bytes need not be copied.
        if matches!(self.tag.attribute.as_slice(), b"translate" | b"class") {
            self.tag.value.extend(value);
        }
    }

    fn set_self_closing(&mut self) {
        self.tag.self_closing = true;
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        self.tag.end_attribute();
        self.end_text();
        self.cursor = self.position;
        if self.tag.is_end {
            self.end_tag();
            None
        } else {
            self.start_tag()
        }
    }

    fn emit_current_comment(&mut self) {
        self.cursor = self.position;
    }

    fn emit_current_doctype(&mut self) {
        self.cursor = self.position;
    }

    fn set_last_start_tag(&mut self, name: Option<&[u8]>) {
        self.last_start_tag = name.unwrap_or_default().to_vec();
    }

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.tag.is_end && !self.last_start_tag.is_empty() && self.last_start_tag == self.tag.name
    }

    fn init_comment(&mut self) {}
    fn push_comment(&mut self, _: &[u8]) {}
    fn init_doctype(&mut self) {}
    fn push_doctype_name(&mut self, _: &[u8]) {}
    fn set_force_quirks(&mut self) {}
    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}
}

/// What becomes of an element's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Translate,
    /// Not to be translated, but part of the sentence around it.
    Fixed,
    /// Not text to a reader.
    Opaque,
}

/// An open element, and what it has from those around it.
#[derive(Clone, Copy)]
struct Element {
    name: usize,
    kind: BlockKind,
    level: u8,
    /// Lists around it.
    lists: u8,
    mode: Mode,
    /// The innermost open block-level element; end tags of inline elements close nothing beyond it.
    block: usize,
    /// The open elements that a tag may close unsaid, one for each of [`slot`]'s numbers; 0 where there is none.
    implied: [usize; SLOTS],
}

/// The open elements, the root at index 0. Every operation takes amortised constant time.
struct Elements {
    stack: Vec<Element>,
    names: HashMap<Vec<u8>, usize>,
    /// Where on the stack elements of each name stand.
    open: Vec<Vec<usize>>,
}

impl Default for Elements {
    fn default() -> Self {
        Self {
            stack: vec![Element {
                name: 0,
                kind: BlockKind::Paragraph,
                level: 0,
                lists: 0,
                mode: Mode::Translate,
                block: 0,
                implied: [0; SLOTS],
            }],
            names: HashMap::new(),
            open: vec![Vec::new()],
        }
    }
}

impl Elements {
    fn top(&self) -> Element {
        self.stack[self.stack.len() - 1]
    }

    fn open(&mut self, name: &[u8], mode: Mode) {
        let index = self.stack.len();
        let mut element = Element { mode, ..self.top() };
        element.name = match self.names.get(name) {
            Some(&id) => id,
            None => {
                self.open.push(Vec::new());
                self.names.insert(name.to_vec(), self.open.len() - 1);
                self.open.len() - 1
            }
        };
        if is_block(name) {
            element.block = index;
        }
        (element.kind, element.level) = match name {
            b"title" => (BlockKind::Heading, 1),
            [b'h', digit @ b'1'..=b'6'] => (BlockKind::Heading, digit - b'0'),
            b"li" => (BlockKind::ListItem, element.lists.max(1)),
            b"td" | b"th" => (BlockKind::Cell, 0),
            b"caption" | b"figcaption" => (BlockKind::Caption, 0),
            b"blockquote" => (BlockKind::Quote, 0),
            _ => (element.kind, element.level),
        };
        match name {
            b"ul" | b"ol" | b"menu" => {
                element.lists = element.lists.saturating_add(1);
                element.implied[ITEM] = 0;
            }
            b"dl" | b"select" => element.implied[ITEM] = 0,
            b"table" => element.implied = [0; SLOTS],
            _ => {}
        }
        if let Some(slot) = slot(name) {
            if slot == CELL {
                element.implied[ITEM] = 0;
            }
            element.implied[slot] = index;
        }
        self.open[element.name].push(index);
        self.stack.push(element);
    }

    /// Closes what the start tag of a block-level element closes without an end tag.
    fn close_implied(&mut self, name: &[u8]) {
        let implied = self.top().implied;
        if name == b"br" {
            return;
        }
        // Every other block-level tag ends a paragraph. A row's ends the cell in it too: it stands higher on the stack.
        let slots = match slot(name) {
            Some(slot @ ROWS..=CELL) => &implied[slot..=CELL],
            Some(ITEM) => &implied[ITEM..=ITEM],
            _ => &[],
        };
        let ended = slots
            .iter()
            .chain(&implied[PARAGRAPH..])
            .filter(|&&index| index > 0)
            .min();
        self.truncate(ended.copied().unwrap_or(usize::MAX));
    }

    /// The innermost open element of that name, if an end tag reaches it.
    fn find(&self, name: &[u8]) -> Option<usize> {
        let index = *self.open[*self.names.get(name)?].last()?;
        (is_block(name) || index > self.top().block).then_some(index)
    }

    /// Closes the element at an index of the stack, and all in it.
    fn truncate(&mut self, index: usize) {
        while self.stack.len() > index.max(1)
            && let Some(element) = self.stack.pop()
        {
            self.open[element.name].pop();
        }
    }
}

const ITEM: usize = 0;
const ROWS: usize = 1;
const ROW: usize = 2;
const CELL: usize = 3;
const PARAGRAPH: usize = 4;
const SLOTS: usize = 5;

/// The group of elements whose start tags close an open one of the group.
fn slot(name: &[u8]) -> Option<usize> {
    match name {
        b"li" | b"dt" | b"dd" | b"option" => Some(ITEM),
        b"thead" | b"tbody" | b"tfoot" | b"caption" => Some(ROWS),
        b"tr" => Some(ROW),
        b"td" | b"th" => Some(CELL),
        b"p" => Some(PARAGRAPH),
        _ => None,
    }
}

/// Elements that begin and end a block.
#[rustfmt::skip]
fn is_block(name: &[u8]) -> bool {
    matches!(
        name,
        b"address" | b"article" | b"aside" | b"blockquote" | b"body" | b"br" | b"caption" | b"center"
            | b"col" | b"colgroup" | b"dd" | b"details" | b"dialog" | b"dir" | b"div" | b"dl" | b"dt"
            | b"fieldset" | b"figcaption" | b"figure" | b"footer" | b"form" | b"frame" | b"frameset" | b"h1"
            | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"head" | b"header" | b"hgroup" | b"hr" | b"html"
            | b"legend" | b"li" | b"listing" | b"main" | b"menu" | b"nav" | b"noframes" | b"ol" | b"optgroup"
            | b"option" | b"p" | b"plaintext" | b"pre" | b"search" | b"section" | b"select" | b"summary"
            | b"table" | b"tbody" | b"td" | b"tfoot" | b"th" | b"thead" | b"title" | b"tr" | b"ul" | b"xmp"
    )
}

/// Elements without content or end tag.
#[rustfmt::skip]
fn is_void(name: &[u8]) -> bool {
    matches!(
        name,
        b"area" | b"base" | b"basefont" | b"bgsound" | b"br" | b"col" | b"embed" | b"frame" | b"hr" | b"img"
            | b"input" | b"keygen" | b"link" | b"meta" | b"param" | b"source" | b"track" | b"wbr"
    )
}

/// Elements whose content is not running text.
#[rustfmt::skip]
fn is_opaque(name: &[u8]) -> bool {
    matches!(
        name,
        b"iframe" | b"listing" | b"math" | b"noembed" | b"noframes" | b"noscript" | b"plaintext" | b"pre"
            | b"script" | b"style" | b"svg" | b"template" | b"textarea" | b"xmp"
    )
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::outline};
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn blocks_and_their_kinds() {
        let text = "<!doctype html><html lang=th translate=no><head><title>หัวเรื่อง &amp; ข่าว</title><style>p{}</style></head>\n<body class='notranslate'><h2><a href='#ก'>หัวข้อ</a></h2>ข้อความเปล่า<p>ย่อหน้า\r\n   <b>เน้น</b>&nbsp;ต่อ<p>ย่อหน้าสอง<br>บรรทัดใหม่<ul><li>หนึ่ง<ol><li><p>สอง</ol><li>สาม</ul><blockquote><p>คำพูด</blockquote><table><caption>ตาราง<tr><td>ก<th>ข<tr><td>ค</table><figure><img alt='รูป'><figcaption>คำบรรยาย</figcaption></figure><p>ภาพ: ซินหัว</p>ท้าย";
        assert_snapshot!(outline(text, Format::Html), @r#"
        Heading 1: หัวเรื่อง & ข่าว   <-- หัวเรื่อง &amp; ข่าว
        Heading 2: หัวข้อ   <-- <a href='#ก'>หัวข้อ</a>
        Paragraph 0: ข้อความเปล่า
        Paragraph 0: ย่อหน้า เน้น ต่อ   <-- ย่อหน้า\r\n   <b>เน้น</b>&nbsp;ต่อ
        Paragraph 0: ย่อหน้าสอง
        Paragraph 0: บรรทัดใหม่
        ListItem 1: หนึ่ง
        ListItem 2: สอง
        ListItem 1: สาม
        Quote 0: คำพูด
        Caption 0: ตาราง
        Cell 0: ก
        Cell 0: ข
        Cell 0: ค
        Caption 0: คำบรรยาย
        Caption 0: ภาพ: ซินหัว
        Paragraph 0: ท้าย
        "#);
    }

    #[test]
    fn what_is_not_running_text_is_left_alone() {
        for text in [
            "<script>'ก' < 'ข'</script>",
            "<style>ก</style><noscript><p>ก</p></noscript><template><p>ก</p></template>",
            "<svg><title/><text>ก</text></svg><math><mi>ก</mi></math>",
            "<pre>ก <b>ข</b></pre><textarea><p>ก</textarea><iframe>ก</iframe>",
            "<!-- ก --><?php ก ?><![CDATA[ก]]><!doctype ก>",
            "<p translate=no>ก<br>ข</p><div class='a notranslate b'><p>ก</p>ข</div><p><b TRANSLATE='No'>ก</b>&nbsp;</p>",
            "<p><img alt='ก' title=\"ข\"><input value='ค'></p>",
            "&nbsp;<p>&#8203;\u{feff}</p>",
        ] {
            assert_eq!(outline(text, Format::Html), "", "{text}");
        }
    }

    #[test]
    fn tags_that_close_or_end_nothing_here_are_no_bounds() {
        for (text, expected) in [
            ("<ul><b><li>ก</b>ข</li></ul>", "ListItem 1: กข   <-- ก</b>ข\n"),
            (
                "<p>ก<template><p>ข</p></template>ค</p>",
                "Paragraph 0: กค   <-- ก<template><p>ข</p></template>ค\n",
            ),
            ("<h2>ก<svg><p></h2>ข", "Heading 2: ก\nParagraph 0: ข\n"),
            ("<li>ก</i></li>", "ListItem 1: ก   <-- ก</i>\n"),
        ] {
            assert_eq!(outline(text, Format::Html), expected, "{text}");
        }
    }

    #[test]
    fn an_element_that_is_left_open_does_not_swallow_what_follows() {
        for text in [
            "<p translate=no>ก<p>ข",
            "<ul><li translate=no>ก<ul><li>ก</ul><li>ข</ul>",
            "<table><tr><td translate=no>ก<td>ข</table>",
            "<table><tr translate=no><td>ก<tr><td>ข</table>",
            "<table><tbody translate=no><tr><td>ก<tbody><tr><td>ข</table>",
            "<p><span translate=no>ก</p>ข",
            "<div><svg><g>ก</div>ข",
            "<div><pre>ก</div>ข",
        ] {
            let outline = outline(text, Format::Html);
            assert!(
                outline.ends_with(": ข\n") && outline.lines().count() == 1,
                "{text}: {outline}"
            );
        }
    }

    #[test]
    fn inline_elements_and_references_are_decoded_in_place() {
        let text = "<p>ซื้อ <span translate=no>ปตท.</span> ที่<code>ร้าน</code> H<sub>2</sub>O &lt;b&gt; &#3585;&#xE02; &hellip; &bogus; a&b < 5 <!-- ก -->ค<script>x</script>ง <i\nclass=x>จ</i><p>น้ำ<wbr>ท่วม";
        assert_snapshot!(outline(text, Format::Html), @r#"
        Paragraph 0: ซื้อ ปตท. ที่ร้าน H2O <b> กข … &bogus; a&b < 5 คง จ   <-- ซื้อ <span translate=no>ปตท.</span> ที่<code>ร้าน</code> H<sub>2</sub>O &lt;b&gt; &#3585;&#xE02; &hellip; &bogus; a&b < 5 <!-- ก -->ค<script>x</script>ง <i\nclass=x>จ</i>
        Paragraph 0: น้ำท่วม   <-- น้ำ<wbr>ท่วม
        "#);
    }

    #[test]
    fn white_space_collapses_as_in_a_browser() {
        let text = "<p> ก \t\r\n ข<b> </b> ค <b> ง</b>&#32; จ&nbsp; ฉ </p>";
        assert_eq!(read(text)[0].text, "ก ข ค ง จ\u{a0} ฉ");
    }

    #[test]
    fn empty_element_tags_of_xhtml_are_whole() {
        let text = "<?xml version='1.0'?><html><script src='x'/><a id='x'/><p translate='no'/><p>ก</p></html>";
        assert_eq!(outline(text, Format::Html), "Paragraph 0: ก\n");
    }

    #[test]
    fn tags_of_other_formats_are_told_apart() {
        for (tag, expected) in [
            ("<b>", Mark::Open),
            ("<A href='/'>", Mark::Open),
            ("</b>", Mark::Close),
            ("<IMG src=x>", Mark::Empty),
            ("<x/>", Mark::Empty),
            ("<br>", Mark::Break),
            ("<BR />", Mark::Break),
            ("<!-- x -->", Mark::Comment),
            ("<?x?>", Mark::Comment),
        ] {
            assert_eq!(mark(tag), expected, "{tag}");
        }
    }
}
