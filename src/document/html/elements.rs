//! The stack of open HTML elements: kinds of blocks, optional end tags, and elements whose content is left alone.

use super::attributes::TagAttributes;
use crate::document::BlockKind;
use crate::document::script::Script;
use std::collections::HashMap;

/// Whether the reader translates the text inside an element, keeps it as it is, or ignores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextTreatment {
    /// The text is translated.
    Translate,
    /// The author asks for no translation: the text stays in a sentence that has other text, and is left unchanged
    /// elsewhere.
    Fixed,
    /// The text is not shown to a reader, so it is left out; the tags inside count.
    Hidden,
    /// The content is not text for a reader, for example a script.
    Opaque,
}

impl TextTreatment {
    /// Whether text is part of the document for a reader.
    pub fn is_shown(self) -> bool {
        matches!(self, Self::Translate | Self::Fixed)
    }
}

/// An open element, with the properties that it inherits from the elements around it.
#[derive(Clone, Copy)]
pub(super) struct OpenElement {
    /// The number of the element's name: its index in [`ElementStack::open`].
    name: usize,
    /// The kind of the blocks directly in the element.
    pub kind: BlockKind,
    /// The heading level or list depth of the blocks directly in the element; 0 for blocks of other kinds.
    pub level: u8,
    /// The number of lists around the element.
    list_depth: u8,
    pub mode: TextTreatment,
    /// Whether the text stands above or below the line; none for text on the line.
    pub script: Option<Script>,
    /// Whether a class of the element, or of one around it, says that it shows code.
    pub is_code: bool,
    /// Whether line ends are line breaks, as in `<pre>`.
    pub keeps_lines: bool,
    /// The stack index of the innermost open block-level element. End tags of inline elements close nothing outside it.
    block: usize,
    /// For each group of [`optional_end_tag_group`], the stack index of the open element that a start tag of this group closes;
    /// 0 if no such element is open.
    closed_by_group: [usize; END_TAG_GROUP_COUNT],
}

/// The stack of open elements, the root at index 0. Every operation takes amortised constant time.
pub(super) struct ElementStack {
    stack: Vec<OpenElement>,
    names: HashMap<Vec<u8>, usize>,
    /// The stack indices of the open elements of each name.
    open: Vec<Vec<usize>>,
}

impl Default for ElementStack {
    fn default() -> Self {
        Self {
            stack: vec![OpenElement {
                name: 0,
                kind: BlockKind::Paragraph,
                level: 0,
                list_depth: 0,
                mode: TextTreatment::Translate,
                script: None,
                is_code: false,
                keeps_lines: false,
                block: 0,
                closed_by_group: [0; END_TAG_GROUP_COUNT],
            }],
            names: HashMap::new(),
            open: vec![Vec::new()],
        }
    }
}

impl ElementStack {
    /// Returns the innermost open element.
    pub fn innermost_element(&self) -> OpenElement {
        self.stack[self.stack.len() - 1]
    }

    /// Opens an element, and derives the kind and level of its blocks from its name and from the elements around it.
    /// `attributes` are those of its start tag.
    pub fn open_element(&mut self, name: &[u8], mode: TextTreatment, attributes: &TagAttributes) {
        let index = self.stack.len();
        let parent = self.innermost_element();
        let own_script = Script::of_element(name).or(attributes.script);
        let mut element = OpenElement {
            mode,
            script: own_script.or(parent.script.filter(|_| !is_block_element(name))),
            is_code: parent.is_code || attributes.is_code,
            keeps_lines: parent.keeps_lines || name == b"pre",
            ..parent
        };
        element.name = match self.names.get(name) {
            Some(&id) => id,
            None => {
                self.open.push(Vec::new());
                self.names.insert(name.to_vec(), self.open.len() - 1);
                self.open.len() - 1
            }
        };
        if is_block_element(name) {
            element.block = index;
        }
        (element.kind, element.level) = match name {
            b"title" => (BlockKind::Heading, 1),
            [b'h', digit @ b'1'..=b'6'] => (BlockKind::Heading, digit - b'0'),
            b"li" => (BlockKind::ListItem, element.list_depth.max(1)),
            b"td" | b"th" => (BlockKind::Cell, 0),
            b"caption" | b"figcaption" => (BlockKind::Caption, 0),
            b"blockquote" => (BlockKind::Quote, 0),
            _ => (element.kind, element.level),
        };
        match name {
            b"ul" | b"ol" | b"menu" => {
                element.list_depth = element.list_depth.saturating_add(1);
                element.closed_by_group[LIST_ITEM_END_TAG_GROUP] = 0;
            }
            b"dl" | b"select" => element.closed_by_group[LIST_ITEM_END_TAG_GROUP] = 0,
            b"table" => element.closed_by_group = [0; END_TAG_GROUP_COUNT],
            _ => {}
        }
        if let Some(group) = optional_end_tag_group(name) {
            if group == TABLE_CELL_END_TAG_GROUP {
                element.closed_by_group[LIST_ITEM_END_TAG_GROUP] = 0;
            }
            element.closed_by_group[group] = index;
        }
        self.open[element.name].push(index);
        self.stack.push(element);
    }

    /// Closes the elements whose end tags may be left out before the start tag of the block-level element `name`.
    pub fn close_elements_ended_by(&mut self, name: &[u8]) {
        let closed = self.innermost_element().closed_by_group;
        if name == b"br" {
            return;
        }
        // Every block-level tag but `br` ends a paragraph. A row also ends the cell before it, which stands higher on
        // the stack than the row before it.
        let closing = match optional_end_tag_group(name) {
            Some(group @ TABLE_SECTION_END_TAG_GROUP..=TABLE_CELL_END_TAG_GROUP) => {
                &closed[group..=TABLE_CELL_END_TAG_GROUP]
            }
            Some(LIST_ITEM_END_TAG_GROUP) => &closed[LIST_ITEM_END_TAG_GROUP..=LIST_ITEM_END_TAG_GROUP],
            _ => &[],
        };
        let ended = closing
            .iter()
            .chain(&closed[PARAGRAPH_END_TAG_GROUP..])
            .filter(|&&index| index > 0)
            .min();
        self.close_elements_from(ended.copied().unwrap_or(usize::MAX));
    }

    /// Closes the innermost element if it is a part of a ruby annotation whose end tag may be left out before the start
    /// tag of another part.
    pub fn close_ruby_part(&mut self) {
        let innermost = self.innermost_element().name;
        let is_innermost = |name: &[u8]| self.names.get(name) == Some(&innermost);
        if RUBY_PARTS.into_iter().any(is_innermost) {
            self.close_elements_from(self.stack.len() - 1);
        }
    }

    /// Returns the stack index of the innermost open element that the end tag of `name` closes; None if the end tag
    /// closes nothing.
    pub fn find_element_closed_by(&self, name: &[u8]) -> Option<usize> {
        let index = *self.open[*self.names.get(name)?].last()?;
        (is_block_element(name) || index > self.innermost_element().block).then_some(index)
    }

    /// Returns how the text of the element at a stack index is treated.
    pub fn text_treatment_at(&self, index: usize) -> TextTreatment {
        self.stack[index].mode
    }

    /// Closes the element at a stack index, and every element inside it.
    pub fn close_elements_from(&mut self, index: usize) {
        while self.stack.len() > index.max(1)
            && let Some(element) = self.stack.pop()
        {
            self.open[element.name].pop();
        }
    }
}

// Groups of elements whose end tag may be left out: a start tag of a group closes the open element of the group.
const LIST_ITEM_END_TAG_GROUP: usize = 0;
const TABLE_SECTION_END_TAG_GROUP: usize = 1;
const TABLE_ROW_END_TAG_GROUP: usize = 2;
const TABLE_CELL_END_TAG_GROUP: usize = 3;
const PARAGRAPH_END_TAG_GROUP: usize = 4;
const END_TAG_GROUP_COUNT: usize = 5;

/// Returns the group that the element `name` belongs to, if any: its start tag closes an open element of the group.
fn optional_end_tag_group(name: &[u8]) -> Option<usize> {
    match name {
        b"li" | b"dt" | b"dd" | b"option" => Some(LIST_ITEM_END_TAG_GROUP),
        b"thead" | b"tbody" | b"tfoot" | b"caption" => Some(TABLE_SECTION_END_TAG_GROUP),
        b"tr" => Some(TABLE_ROW_END_TAG_GROUP),
        b"td" | b"th" => Some(TABLE_CELL_END_TAG_GROUP),
        b"p" => Some(PARAGRAPH_END_TAG_GROUP),
        _ => None,
    }
}

/// Whether the element is block-level, so that its tags begin and end a block.
#[rustfmt::skip]
pub(super) fn is_block_element(name: &[u8]) -> bool {
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

/// Whether the element is the reading of a word, which stands above the word in a ruby annotation, or a bracket around it.
pub(super) fn is_ruby_reading(name: &[u8]) -> bool {
    matches!(name, b"rt" | b"rtc" | b"rp")
}

/// The elements inside `<ruby>` whose end tags may be left out before the next of them.
pub(super) const RUBY_PARTS: [&[u8]; 4] = [b"rb", b"rt", b"rtc", b"rp"];

/// Whether the element never has content nor an end tag.
#[rustfmt::skip]
pub(super) fn is_void_element(name: &[u8]) -> bool {
    matches!(
        name,
        b"area" | b"base" | b"basefont" | b"bgsound" | b"br" | b"col" | b"embed" | b"frame" | b"hr" | b"img"
            | b"input" | b"keygen" | b"link" | b"meta" | b"param" | b"source" | b"track" | b"wbr"
    )
}

/// Whether the content of the element is something other than running text, for example a script or a drawing.
#[rustfmt::skip]
pub(super) fn is_opaque_element(name: &[u8]) -> bool {
    matches!(
        name,
        b"iframe" | b"listing" | b"math" | b"noembed" | b"noframes" | b"noscript" | b"plaintext" | b"script" | b"style" | b"svg" | b"template" | b"textarea" | b"xmp"
    )
}
