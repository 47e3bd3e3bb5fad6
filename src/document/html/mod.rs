//! Reader of HTML: the inline content of block-level elements, and the text between block-level elements, become
//! blocks.
//!
//! The crate html5gum cuts the source into tokens. A small stack of open elements takes the place of a tree builder: it
//! knows only what is needed for kinds of blocks, optional end tags and untranslated elements.
//!
//! Scripts, styles, templates, code, drawings, formulas, form fields, comments and attributes are left as they are, and so
//! is text that a browser does not show, or shows above a word as its reading (`<ruby>`). So is a whole block that is marked as not to be translated (`translate="no"`, class `notranslate`); text
//! that is marked so inside a sentence stays part of the sentence. On `html` and `body` these attributes are ignored,
//! since there they only keep browsers from offering a translation.

mod attributes;
mod elements;
mod oversized;
#[cfg(test)]
mod tests;

use super::builder::BlockBuilder;
use super::script::Script;
use super::{ParagraphRule, ReaderOutput, is_blank};
use crate::span::Span;
use attributes::TagAttributes;
use elements::{
    ElementStack, RUBY_PARTS, TextTreatment, is_block_element, is_opaque_element, is_ruby_reading, is_void_element,
};
use html5gum::{Emitter, State, Token, Tokenizer, naive_next_state};
pub(crate) use oversized::pieces_to_tokenize;
use std::convert::Infallible;

/// Reads an HTML source into blocks.
pub(super) fn read_html(source: &str) -> ReaderOutput {
    let mut reader = HtmlReader {
        source,
        is_xml: source.trim_start().starts_with("<?xml"),
        builder: BlockBuilder::new(source),
        elements: ElementStack::default(),
        is_translatable: false,
        pending: Span::new(0, 0),
        position: 0,
        cursor: 0,
        tag: CurrentTag::default(),
        last_start_tag: Vec::new(),
        read_up_to: 0,
        omitted: Vec::new(),
    };
    for piece in pieces_to_tokenize(source) {
        reader.start_piece(piece.start);
        let Ok(()) = Tokenizer::new_with_emitter(&source[piece], &mut reader).finish();
    }
    ReaderOutput {
        blocks: reader.builder.finish(),
        unwrapped: false,
        omitted: reader.omitted,
    }
}

/// The effect of an HTML tag on the running text around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TagEffect {
    /// The tag begins a stretch of inline markup, as `<b>` does.
    Open,
    /// The tag ends a stretch of inline markup, as `</b>` does.
    Close,
    /// The tag is an element without content, such as an image.
    Empty,
    /// The tag is a line break, which ends the block.
    Break,
    /// The tag is a comment or declaration, which displays nothing.
    Comment,
}

/// Classifies an HTML tag that stands in text of another format, such as Markdown. `tag` reaches from its `<` to its
/// `>`.
pub(super) fn classify_tag(tag: &str) -> TagEffect {
    let (close, rest) = match tag.strip_prefix("</") {
        Some(rest) => (true, rest),
        None => (false, tag.trim_start_matches('<')),
    };
    let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    match rest[..length].to_ascii_lowercase().as_bytes() {
        b"" => TagEffect::Comment,
        b"br" => TagEffect::Break,
        _ if close => TagEffect::Close,
        name if is_void_element(name) || tag.ends_with("/>") => TagEffect::Empty,
        _ => TagEffect::Open,
    }
}

/// An HTML tag in text of another format, such as Markdown, and its meaning for the text after it.
pub(super) struct InlineTag {
    /// The name of the element, in lower case.
    pub name: String,
    /// Whether a browser does not show the text of the element as part of a sentence.
    pub is_hidden: bool,
    /// Whether the text of the element stands above or below the line.
    pub script: Option<Script>,
}

/// Reads an HTML tag that stands in text of another format, from its `<` to its `>`. None if it is a comment or a
/// declaration, or has too many attributes.
pub(super) fn read_inline_tag(tag: &str) -> Option<InlineTag> {
    if pieces_to_tokenize(tag).len() > 1 {
        return None;
    }
    let mut attributes = TagAttributes::default();
    let name = Tokenizer::new(tag).find_map(|Ok(token)| match token {
        Token::StartTag(tag) => {
            for (name, value) in tag.attributes.iter().filter(|(name, _)| TagAttributes::is_known(name)) {
                attributes.read(name, value);
            }
            Some(tag.name)
        }
        Token::EndTag(tag) => Some(tag.name),
        _ => None,
    })?;
    Some(InlineTag {
        name: String::from_utf8_lossy(&name).into_owned(),
        is_hidden: attributes.is_hidden || is_opaque_element(&name) || is_ruby_reading(&name),
        script: Script::of_element(&name).or(attributes.script),
    })
}

/// Whether a sample of preformatted HTML is prose rather than code: at least half of its letters are Thai, and no element
/// marks code.
fn is_prose(sample: &str) -> bool {
    let (mut thai, mut latin) = (0, 0);
    for (index, part) in sample.split('<').enumerate() {
        let is_code_tag = |name: &str| part.get(..name.len()).is_some_and(|tag| tag.eq_ignore_ascii_case(name));
        if index > 0 && ["code", "samp", "kbd"].into_iter().any(is_code_tag) {
            return false;
        }
        let text = if index > 0 {
            part.split_once('>').map_or("", |(_, text)| text)
        } else {
            part
        };
        thai += text.chars().filter(|c| ('ก'..='ฮ').contains(c)).count();
        latin += text.chars().filter(char::is_ascii_alphabetic).count();
    }
    thai >= latin
}

/// The tag that the tokenizer is reading.
#[derive(Default)]
struct CurrentTag {
    start: usize,
    name: Vec<u8>,
    is_end: bool,
    self_closing: bool,
    attributes: TagAttributes,
    /// The name of the attribute that is being read.
    attribute: Vec<u8>,
    /// The value of the attribute that is being read, if [`TagAttributes`] needs it.
    value: Vec<u8>,
}

impl CurrentTag {
    /// Ends the attribute that is being read, and takes note of it.
    fn end_attribute(&mut self) {
        self.attributes.read(&self.attribute, &self.value);
        self.attribute.clear();
        self.value.clear();
    }
}

/// Receives the tokens of an HTML source and passes text and inline markup to the builder of blocks. Verbatim text is
/// kept only as byte offsets; the builder takes the text itself from the source.
struct HtmlReader<'a> {
    source: &'a str,
    /// Whether the source is XHTML, where `<p/>` is a whole element.
    is_xml: bool,
    builder: BlockBuilder<'a>,
    elements: ElementStack,
    /// Whether the current block has text that may be translated.
    is_translatable: bool,
    /// The byte range of verbatim text that has not been passed to the builder yet.
    pending: Span,
    /// The byte offset up to which the tokenizer has consumed the source.
    position: usize,
    /// The byte offset of the end of the last token.
    cursor: usize,
    tag: CurrentTag,
    last_start_tag: Vec<u8>,
    /// The byte offset up to which preformatted text has become blocks already.
    read_up_to: usize,
    /// The byte ranges of text that is not shown to a reader and left out.
    omitted: Vec<Span>,
}

impl HtmlReader<'_> {
    /// Adds a piece of text, which is either verbatim source or a decoded character reference.
    fn add_text(&mut self, piece: &[u8]) {
        let end = self.position;
        let start = end.saturating_sub(piece.len());
        let bytes = self.source.as_bytes();
        let is_reference = bytes.get(self.cursor) == Some(&b'&') && bytes.get(self.cursor..end) != Some(piece);
        // The tokenizer hands on `\r` as a newline and drops a newline after it.
        let is_verbatim = bytes.get(start..end) == Some(piece) || piece == b"\n";
        if is_verbatim && !is_reference {
            let is_dropped = bytes.get(self.pending.end.saturating_sub(1)..start) == Some(b"\r\n");
            if self.pending.end != start && !is_dropped {
                self.flush_text();
                self.pending.start = start;
            }
            self.pending.end = end;
        } else if is_reference && let Ok(decoded) = std::str::from_utf8(piece) {
            self.flush_text();
            let span = Span::new(self.cursor, end);
            let element = self.elements.innermost_element();
            if !element.mode.is_shown() {
                self.omit(span);
            } else if decoded.trim_ascii().is_empty() {
                self.builder.space(span);
            } else {
                let raise = |c: char| element.script.and_then(|script| script.form_of(c)).unwrap_or(c);
                self.builder
                    .decoded(&decoded.chars().map(raise).collect::<String>(), span);
                self.is_translatable |= element.mode == TextTreatment::Translate && !is_blank(decoded);
            }
        }
        self.cursor = end;
    }

    /// Passes the pending verbatim text to the builder.
    fn flush_text(&mut self) {
        let span = std::mem::replace(&mut self.pending, Span::new(self.position, self.position));
        let element = self.elements.innermost_element();
        let Some(text) = self.source.get(span.start..span.end) else {
            return;
        };
        if !element.mode.is_shown() {
            self.omit(span);
        } else if span.start >= self.read_up_to {
            let mut start = span.start;
            for line in text.split_inclusive(|c| c == '\n' && element.keeps_lines) {
                let line_span = Span::new(start, start + line.len());
                match element.script {
                    Some(script) => self.builder.flow_in_script(line_span, script),
                    None => self.builder.flow(line_span),
                }
                self.is_translatable |= element.mode == TextTreatment::Translate && !is_blank(line);
                if element.keeps_lines && line.ends_with('\n') {
                    self.end_block();
                }
                start = line_span.end;
            }
        }
    }

    /// Returns how the text of the preformatted element whose start tag was just read is treated: prose is translated,
    /// code is not. Prose without markup becomes blocks at once, by the reader of plain text, which knows hard-wrapped
    /// lines.
    fn read_preformatted(&mut self) -> TextTreatment {
        /// The number of bytes of preformatted text that show whether it is prose.
        const SAMPLE_BYTES: usize = 2048;
        let rest = &self.source[self.position..];
        let is_end = |at: usize| {
            rest.as_bytes()[at..]
                .get(..5)
                .is_some_and(|tag| tag.eq_ignore_ascii_case(b"</pre"))
        };
        let sample = &rest[..rest.floor_char_boundary(SAMPLE_BYTES)];
        let end = sample.match_indices('<').map(|(at, _)| at).find(|at| is_end(*at));
        let is_code = self.tag.attributes.is_code || self.elements.innermost_element().is_code;
        if is_code || !is_prose(&sample[..end.unwrap_or(sample.len())]) {
            return TextTreatment::Opaque;
        }
        if let Some(end) = rest.find(['<', '&']).filter(|end| is_end(*end)) {
            let blocks = super::text::read_plain_text(&rest[..end], ParagraphRule::Auto).blocks;
            let offset = self.position;
            self.builder
                .keep_blocks(blocks.into_iter().map(|block| block.moved_by(offset)));
            self.read_up_to = self.position + end;
        }
        TextTreatment::Translate
    }

    /// Leaves out text that is not shown.
    fn omit(&mut self, span: Span) {
        if self.elements.innermost_element().mode == TextTreatment::Hidden {
            self.omitted.push(span);
        }
    }

    /// Opens the element of the start tag that was read. Returns the tokenizer state that the element's content needs,
    /// such as the state for scripts.
    fn handle_start_tag(&mut self) -> Option<State> {
        let name = std::mem::take(&mut self.tag.name);
        let is_block_element = is_block_element(&name);
        if RUBY_PARTS.contains(&name.as_slice()) {
            self.elements.close_ruby_part();
        }
        if is_block_element && self.elements.innermost_element().mode != TextTreatment::Opaque {
            self.end_block();
            self.elements.close_elements_ended_by(&name);
        }
        let span = Span::new(self.tag.start, self.position);
        let parent = self.elements.innermost_element();
        let is_empty = is_void_element(&name)
            || self.tag.self_closing
                && (self.is_xml || parent.mode == TextTreatment::Opaque || matches!(&name[..], b"svg" | b"math"));
        // On the outermost elements, these attributes only keep a browser from showing an offer or an unfinished page.
        let attributes = match &name[..] {
            b"html" | b"body" => TagAttributes::default(),
            _ => self.tag.attributes,
        };
        let mode = match parent.mode {
            TextTreatment::Opaque => TextTreatment::Opaque,
            _ if is_opaque_element(&name) => TextTreatment::Opaque,
            TextTreatment::Hidden => TextTreatment::Hidden,
            _ if attributes.is_hidden || is_ruby_reading(&name) => TextTreatment::Hidden,
            TextTreatment::Fixed => TextTreatment::Fixed,
            TextTreatment::Translate if attributes.is_fixed => TextTreatment::Fixed,
            TextTreatment::Translate if name == b"pre" && !parent.keeps_lines => self.read_preformatted(),
            TextTreatment::Translate => TextTreatment::Translate,
        };
        if mode != TextTreatment::Opaque && !is_block_element {
            if is_empty {
                self.builder.mark(span);
            } else {
                self.builder.open(span.start);
            }
        }
        let state = if is_empty { None } else { naive_next_state(&name) };
        if !is_empty {
            self.elements.open_element(&name, mode, &attributes);
        }
        self.last_start_tag = name;
        state
    }

    /// Closes the element of the end tag that was read, if the element is open.
    fn handle_end_tag(&mut self) {
        let name = std::mem::take(&mut self.tag.name);
        let element = self.elements.find_element_closed_by(&name);
        let mode = match element {
            Some(index) => self.elements.text_treatment_at(index),
            None => self.elements.innermost_element().mode,
        };
        match mode {
            TextTreatment::Opaque => {}
            _ if is_block_element(&name) => self.end_block(),
            _ => self.builder.close(self.position),
        }
        if let Some(index) = element {
            self.elements.close_elements_from(index);
        }
        self.last_start_tag.clear();
    }

    /// Prepares for the piece of the source that starts at byte `start`.
    fn start_piece(&mut self, start: usize) {
        (self.position, self.cursor, self.pending) = (start, start, Span::new(start, start));
        self.last_start_tag.clear();
    }

    /// Ends the current block, and keeps it if it has text to translate.
    fn end_block(&mut self) {
        let element = self.elements.innermost_element();
        if self.is_translatable {
            self.builder.end(element.kind, element.level);
        } else {
            self.builder.discard();
        }
        self.is_translatable = false;
    }
}

impl Emitter for &mut HtmlReader<'_> {
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
        self.add_text(piece);
    }

    fn emit_eof(&mut self) {
        self.flush_text();
        self.end_block();
    }

    fn start_open_tag(&mut self) {
        self.tag.start = self.position.saturating_sub(1);
    }

    fn init_start_tag(&mut self) {
        self.tag = CurrentTag {
            start: self.tag.start,
            ..CurrentTag::default()
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
        if TagAttributes::is_known(&self.tag.attribute) {
            self.tag.value.extend(value);
        }
    }

    fn set_self_closing(&mut self) {
        self.tag.self_closing = true;
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        self.tag.end_attribute();
        self.flush_text();
        self.cursor = self.position;
        if self.tag.is_end {
            self.handle_end_tag();
            None
        } else {
            self.handle_start_tag()
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
