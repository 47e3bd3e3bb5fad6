//! Parts that several output formats share: a document's blocks as a reader sees them, its title, its closing note, and
//! the warnings of a segment in words.

use super::escape::put_on_one_line;
use crate::document::{BilingualDocument, BlockKind, CLOSING_NOTE_OPENINGS, Finding, FinishReason, Header, Segment};
use std::borrow::Cow;
use unicode_width::UnicodeWidthStr;

/// Returns the segments of each block, without blank segments and blocks (empty lines are segments with `--split
/// line`).
pub(super) fn visible_blocks(doc: &BilingualDocument) -> impl Iterator<Item = Vec<&Segment>> {
    doc.segments_by_block().filter_map(|block| {
        let visible: Vec<&Segment> = block.iter().filter(|segment| !is_blank_segment(segment)).collect();
        (!visible.is_empty()).then_some(visible)
    })
}

fn is_blank_segment(segment: &Segment) -> bool {
    segment.source.trim().is_empty() && segment.target.trim().is_empty()
}

/// Whether the translation of a segment equals its source, so that showing both would repeat the text.
pub(super) fn is_copied_segment(segment: &Segment) -> bool {
    segment.source == segment.target
}

/// Returns a segment's source text. A function to pass to [`join_block_texts`].
pub(super) fn segment_source(segment: &Segment) -> &str {
    &segment.source
}

/// Returns a segment's translation. A function to pass to [`join_block_texts`].
pub(super) fn segment_target(segment: &Segment) -> &str {
    &segment.target
}

/// Joins the sources or the translations of a block to one line, with a space between segments.
pub(super) fn join_block_texts<'a>(block: &[&'a Segment], side: fn(&'a Segment) -> &'a str) -> String {
    let parts: Vec<Cow<str>> = block.iter().map(|segment| put_on_one_line(side(segment))).collect();
    let parts: Vec<&str> = parts
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(" ")
}

/// Returns the document's title: its first heading in both languages, else the name of its source file, else the name
/// of the program.
pub(super) fn document_title(doc: &BilingualDocument) -> String {
    let Header { file, tool, .. } = &doc.header;
    match visible_blocks(doc).find(|block| block[0].kind == BlockKind::Heading) {
        Some(block) if block.iter().all(|segment| is_copied_segment(segment)) => {
            join_block_texts(&block, segment_target)
        }
        Some(block) => format!(
            "{} – {}",
            join_block_texts(&block, segment_target),
            join_block_texts(&block, segment_source)
        ),
        None => file.as_ref().unwrap_or(tool).clone(),
    }
}

/// Returns the names of a segment's warnings in brackets, for plain formats: `[! truncated, untranslated]`. None without
/// warnings.
pub(super) fn warning_names(segment: &Segment) -> Option<String> {
    let flags = segment.findings.flags().filter(|flag| flag.is_warning());
    let names: Vec<&str> = flags.map(|flag| flag.name()).collect();
    (!names.is_empty()).then(|| format!("[! {}]", names.join(", ")))
}

/// Returns a sentence that tells a reader what to check in a segment, for formats with room for a sentence. None
/// without warnings.
pub(super) fn warning_sentence(segment: &Segment) -> Option<String> {
    let reasons: Vec<String> = segment.warnings().map(Finding::meaning_in_words).collect();
    (!reasons.is_empty()).then(|| format!("Check: {}.", reasons.join("; ")))
}

/// Whether the model translated any segment. In a document without Thai, all segments are copies.
pub(super) fn is_translated(doc: &BilingualDocument) -> bool {
    doc.segments.iter().any(|segment| segment.finish != FinishReason::Copy)
}

/// Returns the closing note for readers: that a machine translated the document, with which model, and when.
pub(super) fn closing_note(doc: &BilingualDocument) -> String {
    let header = &doc.header;
    let mut details = Vec::new();
    if let Some(revision) = &header.revision {
        details.push(format!("revision {}", revision.chars().take(12).collect::<String>()));
    }
    if let Some(licence) = &header.licence {
        details.push(format!("licence {licence}"));
    }
    let details = if details.is_empty() {
        String::new()
    } else {
        format!(" ({})", details.join(", "))
    };
    let date = header.date.split('T').next().unwrap_or_default();
    let file = header
        .file
        .iter()
        .map(|file| format!(" Source: {file}."))
        .collect::<String>();
    let Header { version, model, .. } = header;
    let [translated, copied] = CLOSING_NOTE_OPENINGS;
    let note = if is_translated(doc) {
        format!("{translated}{version} with {model}{details} on {date}.{file}")
    } else {
        format!("{copied}{version} found no Thai on {date}.{file}")
    };
    put_on_one_line(&note).into_owned()
}

/// Appends spaces to `text` until it is `width` terminal columns wide; a wider text stays unchanged.
pub(super) fn pad_to_width(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}
