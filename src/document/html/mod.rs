//! Reader of HTML: the inline content of block-level elements, and the text between block-level elements, become
//! blocks.
//!
//! The crate html5gum cuts the source into tokens. A small stack of open elements takes the place of a tree builder: it
//! knows only what is needed for kinds of blocks, optional end tags and untranslated elements.
//!
//! Scripts, styles, templates, preformatted text, drawings, formulas, form fields, comments and attributes are left as
//! they are. So is a whole block that is marked as not to be translated (`translate="no"`, class `notranslate`); text
//! that is marked so inside a sentence stays part of the sentence. On `html` and `body` these attributes are ignored,
//! since there they only keep browsers from offering a translation.

mod elements;
#[cfg(test)]
mod tests;

use super::builder::BlockBuilder;
use super::{Block, is_blank};
use crate::span::Span;
use elements::{ElementStack, TextTreatment, is_block_element, is_opaque_element, is_void_element};
use html5gum::{Emitter, State, Tokenizer, naive_next_state};
use std::convert::Infallible;

/// Reads an HTML source into blocks.
pub(super) fn read_html(source: &str) -> Vec<Block> {
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
    };
    let Ok(()) = Tokenizer::new_with_emitter(source, &mut reader).finish();
    reader.builder.finish()
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

/// The tag that the tokenizer is reading.
#[derive(Default)]
struct CurrentTag {
    start: usize,
    name: Vec<u8>,
    is_end: bool,
    self_closing: bool,
    /// Whether an attribute of the tag asks for no translation (`translate="no"` or the class `notranslate`).
    is_fixed: bool,
    attribute: Vec<u8>,
    value: Vec<u8>,
}

impl CurrentTag {
    /// Ends the attribute that is being read, and records whether the attribute asks for no translation.
    fn end_attribute(&mut self) {
        self.is_fixed |= match self.attribute.as_slice() {
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
            match self.elements.innermost_element().mode {
                TextTreatment::Opaque => {}
                _ if decoded.trim_ascii().is_empty() => self.builder.space(span),
                mode => {
                    self.builder.decoded(decoded, span);
                    self.is_translatable |= mode == TextTreatment::Translate && !is_blank(decoded);
                }
            }
        }
        self.cursor = end;
    }

    /// Passes the pending verbatim text to the builder.
    fn flush_text(&mut self) {
        let span = std::mem::replace(&mut self.pending, Span::new(self.position, self.position));
        let mode = self.elements.innermost_element().mode;
        let Some(text) = self
            .source
            .get(span.start..span.end)
            .filter(|_| mode != TextTreatment::Opaque)
        else {
            return;
        };
        self.builder.flow(span);
        self.is_translatable |= mode == TextTreatment::Translate && !is_blank(text);
    }

    /// Opens the element of the start tag that was read. Returns the tokenizer state that the element's content needs,
    /// such as the state for scripts.
    fn handle_start_tag(&mut self) -> Option<State> {
        let name = std::mem::take(&mut self.tag.name);
        let is_block_element = is_block_element(&name);
        if is_block_element && self.elements.innermost_element().mode != TextTreatment::Opaque {
            self.end_block();
            self.elements.close_elements_ended_by(&name);
        }
        let span = Span::new(self.tag.start, self.position);
        let parent = self.elements.innermost_element();
        let is_empty = is_void_element(&name)
            || self.tag.self_closing
                && (self.is_xml || parent.mode == TextTreatment::Opaque || matches!(&name[..], b"svg" | b"math"));
        let mode = match parent.mode {
            TextTreatment::Opaque => TextTreatment::Opaque,
            _ if is_opaque_element(&name) => TextTreatment::Opaque,
            TextTreatment::Fixed => TextTreatment::Fixed,
            TextTreatment::Translate if self.tag.is_fixed && !matches!(&name[..], b"html" | b"body") => {
                TextTreatment::Fixed
            }
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
            self.elements.open_element(&name, mode);
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
