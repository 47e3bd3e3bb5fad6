//! Builder of blocks from a stream of text and inline marks. It decides which source bytes belong to which text.

use super::script::{Script, touches_figures};
use super::{Block, BlockKind, Run, is_space, text};
use crate::span::Span;

/// Builds blocks one after another from their inline content: text, and inline marks such as `<b>` or `**`.
///
/// Content must be added in the order of the source. Source bytes that are never added (block markup, comments,
/// escapes) belong to no run.
pub(super) struct BlockBuilder<'a> {
    source: &'a str,
    blocks: Vec<Block>,
    text: String,
    runs: Vec<Run>,
    /// The index of the last run with visible text, to which closing marks such as `</b>` are attached.
    visible: Option<usize>,
    /// Whether only inline marks, and no text or white space, have been added since the last run with visible text.
    touching: bool,
    /// The number of opening marks, such as `<b>`, that have no text after them yet.
    opened: usize,
    /// The byte offset of the first opening mark, such as `<b>`, that has no text after it yet.
    opened_at: usize,
    /// The value of `touching` before the first opening mark, such as `<b>`, that has no text after it yet.
    opened_touching: bool,
    /// The byte offset of the first mark without content (image, empty element) that directly precedes the next text.
    stray: Option<usize>,
}

impl<'a> BlockBuilder<'a> {
    pub fn new(source: &'a str) -> Self {
        Self {
            source,
            blocks: Vec::new(),
            text: String::new(),
            runs: Vec::new(),
            visible: None,
            touching: false,
            opened: 0,
            opened_at: 0,
            opened_touching: false,
            stray: None,
        }
    }

    /// Adds verbatim source, with its white space collapsed as a browser does.
    pub fn flow(&mut self, span: Span) {
        let mut start = span.start;
        for piece in span.of(self.source).split_inclusive(|c: char| c.is_ascii_whitespace()) {
            let word_end = start + piece.trim_ascii_end().len();
            let end = start + piece.len();
            if start < word_end {
                self.push_verbatim(Span::new(start, word_end));
            }
            if word_end < end {
                self.space(Span::new(word_end, end));
            }
            start = end;
        }
    }

    /// Adds verbatim source that stands above or below the line. Figures become superscripts or subscripts if they would
    /// run together with a figure beside them.
    pub fn flow_in_script(&mut self, span: Span, script: Script) {
        let text = span.of(self.source);
        if !touches_figures(text.trim_matches(is_space)) {
            self.flow(span);
            return;
        }
        for (offset, c) in text.char_indices() {
            let char_span = Span::new(span.start + offset, span.start + offset + c.len_utf8());
            match script.form_of(c) {
                // A form is atomic or as long as its source, so that their bytes correspond either way.
                Some(form) => self.push_visible(form.encode_utf8(&mut [0; 4]), char_span),
                None => self.flow(char_span),
            }
        }
    }

    /// Adds white space of any kind as one space; adds nothing after another space or at the start of a block.
    pub fn space(&mut self, span: Span) {
        self.touching = false;
        self.stray = None;
        if !self.text.is_empty() && !self.text.ends_with(' ') {
            self.push_run(" ", span, None);
        }
    }

    /// Adds verbatim source without collapsing its white space.
    fn push_verbatim(&mut self, span: Span) {
        let piece = span.of(self.source);
        let visible = piece.trim_start_matches(is_space);
        let (space, start) = (&piece[..piece.len() - visible.len()], span.end - visible.len());
        if !space.is_empty() {
            self.push_space(space, Span::new(span.start, start));
        }
        if !visible.is_empty() {
            self.push_visible(visible, Span::new(start, span.end));
        }
    }

    /// Adds text that the source spells in another way, such as a character reference. White space at both ends of the
    /// text is dropped, unless the text consists of white space only.
    pub fn decoded(&mut self, piece: &str, span: Span) {
        let visible = piece.trim_matches(is_space);
        // The span may include white space at both ends of its line.
        let raw = span.of(self.source).trim_end_matches(is_space);
        let end = span.start + raw.len();
        let raw = raw.trim_start_matches(is_space);
        let is_same = |(a, b): (u8, u8)| a == b || a.is_ascii_whitespace() && b == b' ';
        if visible.is_empty() {
            self.push_space(piece, span);
        } else if visible.len() == raw.len() && !raw.bytes().zip(visible.bytes()).all(is_same) {
            // A reference as long as its text (`&acE;`) would not count as atomic, so it stays undecoded.
            self.flow(span);
        } else {
            self.push_visible(visible, Span::new(end - raw.len(), end));
        }
    }

    /// Adds an opening mark, such as `<b>`, that starts at byte `start`. It belongs to the text after it.
    pub fn open(&mut self, start: usize) {
        if self.opened == 0 {
            self.opened_at = start;
            self.opened_touching = self.touching;
        }
        self.opened += 1;
    }

    /// Adds a closing mark, such as `</b>`, that ends at byte `end`. It belongs to the text before it.
    pub fn close(&mut self, end: usize) {
        match self.opened {
            0 => self.attach_marks_to_text(end),
            1 => {
                self.opened = 0;
                self.touching = self.opened_touching;
                self.mark(Span::new(self.opened_at, end));
            }
            _ => self.opened -= 1,
        }
    }

    /// Adds an inline mark without content, such as an image.
    pub fn mark(&mut self, span: Span) {
        if self.opened > 0 {
            // A mark inside other marks goes where they go.
        } else if self.touching {
            self.attach_marks_to_text(span.end);
        } else {
            self.stray.get_or_insert(span.start);
        }
    }

    /// Ends the current block, and keeps it if it has text.
    pub fn end(&mut self, kind: BlockKind, level: u8) {
        self.trim_block_end();
        if let (Some(first), Some(last)) = (self.runs.first(), self.runs.last()) {
            let kind = match kind {
                BlockKind::Paragraph => text::paragraph_kind(&self.text),
                kind => kind,
            };
            self.blocks.push(Block {
                kind,
                level,
                span: Span::new(first.outer.start, last.outer.end),
                text: std::mem::take(&mut self.text),
                runs: std::mem::take(&mut self.runs),
            });
        }
        self.discard();
    }

    /// Ends the current block without keeping it, so that its source stays untranslated.
    pub fn discard(&mut self) {
        self.text.clear();
        self.runs.clear();
        self.visible = None;
        self.touching = false;
        self.opened = 0;
        self.stray = None;
    }

    /// Keeps blocks that were made of the source by other means, after the blocks kept so far. No block may be open.
    pub fn keep_blocks(&mut self, blocks: impl IntoIterator<Item = Block>) {
        self.blocks.extend(blocks);
    }

    /// Returns all blocks that have been ended and kept.
    pub fn finish(self) -> Vec<Block> {
        self.blocks
    }

    fn push_space(&mut self, space: &str, span: Span) {
        self.touching = false;
        self.stray = None;
        if !self.text.is_empty() {
            self.push_run(space, span, None);
        }
    }

    fn push_visible(&mut self, piece: &str, span: Span) {
        let opened = (self.opened > 0).then_some(self.opened_at);
        // A stray mark that is still pending stands before the opened ones.
        self.push_run(piece, span, self.stray.or(opened));
        self.visible = Some(self.runs.len() - 1);
        self.touching = !piece.ends_with(is_space);
        self.opened = 0;
        self.stray = None;
    }

    fn push_run(&mut self, piece: &str, span: Span, marks: Option<usize>) {
        let start = self.text.len();
        self.text.push_str(piece);
        if let (None, Some(run)) = (marks, self.runs.last_mut())
            && run.outer.end == span.start
            && run.source.end == span.start
            && !run.is_indivisible()
            && piece.len() == span.len()
        {
            run.text.end += piece.len();
            run.source.end = span.end;
            run.outer.end = span.end;
            return;
        }
        self.runs.push(Run {
            text: start..self.text.len(),
            source: span,
            outer: Span::new(marks.unwrap_or(span.start), span.end),
        });
    }

    /// Attaches the inline marks up to byte `end` to the visible text before them.
    fn attach_marks_to_text(&mut self, end: usize) {
        let Some(index) = self.visible else { return };
        let run = &mut self.runs[index];
        let trimmed = self.text[run.text.clone()].trim_end_matches(is_space).len();
        if trimmed < run.text.len() && !run.is_indivisible() {
            // A segment that ends before this white space has to end at the end of a run to take the marks with it.
            let space = Run {
                text: run.text.start + trimmed..run.text.end,
                source: Span::new(run.source.start + trimmed, run.source.end),
                outer: Span::new(run.source.start + trimmed, run.source.end),
            };
            run.text.end = space.text.start;
            run.source.end = space.source.start;
            self.runs.insert(index + 1, space);
        }
        self.runs[index].outer.end = end;
        self.touching = true;
        self.stray = None;
    }

    fn trim_block_end(&mut self) {
        let end = self.text.trim_end_matches(is_space).len();
        self.text.truncate(end);
        while self.runs.pop_if(|run| run.text.start >= end).is_some() {}
        if let Some(run) = self.runs.last_mut() {
            // Only a verbatim run without marks after it can end in white space that follows visible text.
            let space = run.text.end - end;
            run.text.end = end;
            run.source.end -= space;
            run.outer.end -= space;
        }
    }
}
