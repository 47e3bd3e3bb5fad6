//! Parts that several output formats share: a document's blocks as a reader sees them, its title, its closing note, and
//! the warnings of a segment in words.

use super::escape::put_on_one_line;
use crate::document::{
    BilingualDocument, BlockKind, CLOSING_NOTE_OPENINGS, Finding, FinishReason, Flag, Header, Segment,
};
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

/// Lists those findings of a segment that pages for readers show: warnings, and what was mended.
pub(super) fn shown_findings(segment: &Segment) -> impl Iterator<Item = &Finding> {
    let is_shown = |finding: &&Finding| finding.flag.is_warning() || finding.flag == Flag::Mended;
    segment.findings.iter().filter(is_shown)
}

/// Returns a segment's warnings in brackets, for plain formats, with the values that differ: `[! truncated,
/// untranslated]`, `[! date: source 2023-11-09, target 2023-01-09; untranslated]`. None without warnings.
pub(super) fn warnings_in_brackets(segment: &Segment) -> Option<String> {
    let mut warnings: Vec<String> = segment.warnings().map(name_with_values).collect();
    warnings.dedup();
    let separator = if segment.warnings().all(|warning| warning.detail.is_empty()) {
        ", "
    } else {
        "; "
    };
    // A bracket within would hide where the warnings end from `memory learn`.
    let warnings = warnings.join(separator).replace('[', "(").replace(']', ")");
    (!warnings.is_empty()).then(|| format!("[! {warnings}]"))
}

/// Returns the flag's name, with the values that differ after a colon: `date: source 2023-11-09, target 2023-01-09`.
pub(super) fn name_with_values(finding: &Finding) -> String {
    let name = finding.flag.name();
    match put_on_one_line(&finding.detail).trim() {
        "" => name.to_owned(),
        detail => format!("{name}: {detail}"),
    }
}

/// Describes how much of a text asks a reader to check it: `3 of 40 segments to check (7.5 %)`.
pub(super) fn describe_share(flagged: usize, segments: usize) -> String {
    let noun = if segments == 1 { "segment" } else { "segments" };
    let percent = 100.0 * flagged as f64 / segments.max(1) as f64;
    format!("{flagged} of {segments} {noun} to check ({percent:.1} %)")
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
