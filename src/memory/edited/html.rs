//! Edited pages: the rows of plae's HTML, as a browser or an editor may have saved them.

use super::{EditedOutput, EditedSegment, no_pairs_error};
use crate::document::{BlockKind, pieces_to_tokenize};
use crate::error::Result;
use crate::thai::encoding::decode_text;
use html5gum::{StartTag, Token, Tokenizer};

/// The deepest nesting of elements that are read; plae's pages have a tenth of it.
const MAX_DEPTH: usize = 512;
/// Elements without content and without an end tag.
const VOID_ELEMENTS: [&[u8]; 14] = [
    b"area", b"base", b"br", b"col", b"embed", b"hr", b"img", b"input", b"link", b"meta", b"param", b"source",
    b"track", b"wbr",
];

/// The role of an element's text in plae's page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TextRole {
    /// Text that plae writes for the page: style sheet, title, switches, warnings.
    Page,
    /// The part of the page with the document, outside its segments.
    Main,
    /// A segment, outside its two texts.
    Row,
    Thai,
    English,
    /// The closing note.
    Note,
}

pub(super) fn read_html(bytes: &[u8]) -> Result<EditedOutput> {
    let text = decode_text(bytes, None)?.text;
    let mut page = Page {
        open: Vec::new(),
        blocks: 0,
        block: (BlockKind::Paragraph, 0),
        note: String::new(),
        has_other_text: false,
        segments: Vec::new(),
    };
    let pieces = pieces_to_tokenize(&text).into_iter();
    for Ok(token) in pieces.flat_map(|piece| Tokenizer::new(&text[piece])) {
        match token {
            Token::StartTag(tag) => page.handle_start_tag(&tag),
            Token::EndTag(tag) => {
                if let Some(index) = page.open.iter().rposition(|(name, _)| *name == tag.name.0) {
                    page.open.truncate(index);
                }
            }
            Token::String(text) => page.add_text(&String::from_utf8_lossy(&text)),
            _ => {}
        }
        if page.open.len() > MAX_DEPTH {
            break;
        }
    }
    if page.segments.iter().all(|segment| segment.source.is_empty()) {
        let which = "the page with both languages of";
        return Err(no_pairs_error("no Thai beside English", which, "html"));
    }
    Ok(EditedOutput {
        has_segments_only: !page.has_other_text,
        segments: page.segments,
        note: (!page.note.is_empty()).then_some(page.note),
        ..EditedOutput::default()
    })
}

/// State of reading a page.
struct Page {
    /// Names of the open elements and the roles of their texts, the outermost first.
    open: Vec<(Vec<u8>, TextRole)>,
    /// Number of blocks so far.
    blocks: usize,
    /// Kind and level of the last block.
    block: (BlockKind, u8),
    note: String,
    has_other_text: bool,
    segments: Vec<EditedSegment>,
}

impl Page {
    fn role(&self) -> TextRole {
        self.open.last().map_or(TextRole::Page, |(_, role)| *role)
    }

    fn handle_start_tag(&mut self, tag: &StartTag<()>) {
        let name = tag.name.0.as_slice();
        if name == b"br" {
            self.add_text(" ");
        }
        if VOID_ELEMENTS.contains(&name) || tag.self_closing {
            return;
        }
        let value = |name: &[u8]| {
            tag.attributes
                .get(name)
                .map(|value| value.0.as_slice())
                .unwrap_or_default()
        };
        let has_class = |class: &str| {
            let classes = value(b"class").split(u8::is_ascii_whitespace);
            { classes }.any(|one| one == class.as_bytes())
        };
        let inside = self.role();
        let role = match (inside, name, value(b"lang")) {
            (_, b"main", _) => TextRole::Main,
            (_, b"footer", _) => TextRole::Note,
            (TextRole::Main, ..) if has_class("check") => TextRole::Page,
            (TextRole::English, ..) if has_class("flag") => TextRole::Page,
            (TextRole::Row, _, b"th") => TextRole::Thai,
            (TextRole::Row, _, b"en") => TextRole::English,
            (TextRole::Main, ..) if has_class("row") => {
                let (kind, level) = self.block;
                self.segments.push(EditedSegment {
                    source: String::new(),
                    target: String::new(),
                    block: self.blocks,
                    kind,
                    level,
                });
                TextRole::Row
            }
            _ => inside,
        };
        if role == TextRole::Main && has_class("block") {
            self.blocks += 1;
            self.block = match name {
                [b'h', digit @ b'1'..=b'6'] => (BlockKind::Heading, digit - b'0'),
                b"li" => {
                    let level = (1..=6).find(|level| has_class(&format!("level-{level}")));
                    (BlockKind::ListItem, level.unwrap_or(1))
                }
                b"blockquote" => (BlockKind::Quote, 0),
                _ if has_class("cell") => (BlockKind::Cell, 0),
                _ if has_class("caption") => (BlockKind::Caption, 0),
                _ if has_class("metadata") => (BlockKind::Metadata, 0),
                _ => (BlockKind::Paragraph, 0),
            };
        }
        self.open.push((name.to_owned(), role));
    }

    fn add_text(&mut self, text: &str) {
        let role = self.role();
        let segment = self.segments.last_mut();
        match (role, segment) {
            (TextRole::Thai, Some(segment)) => segment.source.push_str(text),
            (TextRole::English, Some(segment)) => segment.target.push_str(text),
            (TextRole::Note, _) => self.note.push_str(text),
            (TextRole::Main | TextRole::Row, _) => self.has_other_text |= !text.trim().is_empty(),
            _ => {}
        }
    }
}
