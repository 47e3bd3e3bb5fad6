//! An edited output as an aligned document, so that it can be rendered in other formats.

use super::{EditedOutput, EditedSegment};
use crate::document::{
    BilingualDocument, BlockKind, CLOSING_NOTE_OPENINGS, Findings, FinishReason, Format, Header, Parameters, SCHEMA,
    Segment,
};
use crate::file::to_hexadecimal;
use crate::thai::has_thai;
use sha2::{Digest, Sha256};

impl EditedOutput {
    /// Makes an aligned document of the segments. It has no flags and scores, since people have read the translations,
    /// and its source is plain text, with a blank line between blocks. `file` is the name of the source if the note does
    /// not tell it, `date` the time if it does not.
    pub fn into_document(self, file: Option<&str>, date: &str) -> BilingualDocument {
        let mut segments: Vec<Segment> = Vec::with_capacity(self.segments.len());
        let mut position = 0;
        for (id, edited) in self.segments.into_iter().enumerate() {
            let before = text_before(segments.last(), &edited);
            position += before.len();
            let EditedSegment {
                source,
                target,
                block,
                kind,
                level,
            } = edited;
            let start = position;
            position += source.len();
            let is_copy = source == target || !has_thai(&source);
            segments.push(Segment {
                id,
                block,
                kind,
                level,
                source,
                target,
                span: (start, position).into(),
                before,
                raw: None,
                score: None,
                finish: if is_copy {
                    FinishReason::Copy
                } else {
                    FinishReason::Stop
                },
                findings: Findings::default(),
                trust: None,
                similar: None,
                source_ids: None,
                target_ids: None,
            });
        }
        let note = self.note.as_deref().and_then(parse_note).unwrap_or_default();
        let or = |text: &str, other: &str| {
            if text.is_empty() {
                other.to_owned()
            } else {
                text.to_owned()
            }
        };
        let mut document = BilingualDocument {
            header: Header {
                schema: SCHEMA,
                tool: "plae".to_owned(),
                version: or(note.version, env!("CARGO_PKG_VERSION")),
                model: or(note.model, "an unknown model"),
                revision: note.revision.map(str::to_owned),
                licence: note.licence.map(str::to_owned),
                file: note.file.or(file).map(str::to_owned),
                format: Format::Text,
                encoding: "UTF-8".to_owned(),
                sha256: String::new(),
                date: or(note.date, date),
                parameters: Parameters::default(),
                segments: segments.len(),
                tail: "\n".to_owned(),
            },
            segments,
        };
        document.header.sha256 = to_hexadecimal(&Sha256::digest(document.rebuild_source()));
        document
    }
}

/// Returns the text of a plain document between one segment and the next.
fn text_before(last: Option<&Segment>, next: &EditedSegment) -> String {
    let gap = match last {
        Some(last) if last.block == next.block => return " ".to_owned(),
        Some(last) if last.kind == BlockKind::ListItem && next.kind == BlockKind::ListItem => "\n",
        Some(_) => "\n\n",
        None => "",
    };
    match next.kind {
        BlockKind::ListItem => format!("{gap}{}- ", "  ".repeat(usize::from(next.level.max(1)) - 1)),
        _ => gap.to_owned(),
    }
}

/// The contents of the note at the end of an output; a part that the note lacks is empty.
#[derive(Debug, Default, PartialEq, Eq)]
struct Note<'a> {
    version: &'a str,
    model: &'a str,
    revision: Option<&'a str>,
    licence: Option<&'a str>,
    date: &'a str,
    file: Option<&'a str>,
}

/// Parses a note: `OPENING VERSION with MODEL (revision R, licence L) on DATE. Source: FILE.`
fn parse_note(note: &str) -> Option<Note<'_>> {
    let note = note.trim().strip_suffix('.')?.strip_prefix(CLOSING_NOTE_OPENINGS[0])?;
    let (version, rest) = note.split_once(" with ")?;
    let (made, file) = match rest.split_once(". Source: ") {
        Some((made, file)) => (made, Some(file)),
        None => (rest, None),
    };
    let (model, date) = made.rsplit_once(" on ")?;
    let (model, details) = match model.strip_suffix(')').and_then(|model| model.rsplit_once(" (")) {
        Some((name, details)) => (name, details),
        None => (model, ""),
    };
    let detail = |name: &str| details.split(", ").find_map(|detail| detail.strip_prefix(name));
    Some(Note {
        version,
        model,
        revision: detail("revision "),
        licence: detail("licence "),
        date,
        file,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{EditedFormat, read_edited};
    use crate::render::{Layout, OutputFormat, RenderOptions, read_jsonl, render};

    /// Issue 19, kind 16: an edited output of any format becomes the clean text of its translation.
    #[test]
    fn an_output_is_rendered_again_from_what_people_left_in_it() {
        let mut document = read_jsonl(include_bytes!("../../../tests/it/article.jsonl")).unwrap();
        let edited = "Edited: <a> & \"b\" *c*";
        let first = document
            .segments
            .iter()
            .position(|one| one.kind == BlockKind::Paragraph)
            .unwrap();
        document.segments[first].target = edited.to_owned();
        let options = |layout| RenderOptions { layout, width: None };
        for format in EditedFormat::ALL {
            let Some(output) = OutputFormat::from_extension(format.name()) else {
                continue;
            };
            for layout in [Layout::SideBySide, Layout::Interleaved] {
                let bytes = render(&document, output, &options(layout)).unwrap();
                let again = read_edited(&bytes, format).unwrap();
                let again = again.into_document(None, "2026-01-01T00:00:00Z");
                let pairs = |document: &BilingualDocument| -> Vec<(String, String)> {
                    let pair = |one: &Segment| (one.source.clone(), one.target.clone());
                    document.segments.iter().map(pair).collect()
                };
                assert_eq!(pairs(&again), pairs(&document), "{format:?}");
                let clean = render(&again, OutputFormat::Text, &options(Layout::Target)).unwrap();
                let clean = String::from_utf8(clean).unwrap();
                assert!(clean.contains(edited), "{format:?}: {clean}");
                assert!(
                    !has_thai(&clean) && !clean.contains("[!") && !clean.contains("Check:"),
                    "{clean}"
                );
                let known = !matches!(format, EditedFormat::Tsv | EditedFormat::Csv | EditedFormat::Jsonl);
                let Header { model, file, .. } = &document.header;
                let expected = if known {
                    (model.as_str(), file.clone())
                } else {
                    ("an unknown model", None)
                };
                assert_eq!(
                    (again.header.model.as_str(), again.header.file.clone()),
                    expected,
                    "{format:?}"
                );
                let last = again.segments.last().unwrap();
                assert_eq!(last.span.of(&again.rebuild_source()), last.source);
            }
        }
    }

    #[test]
    fn what_a_note_says_is_known_again() {
        let note = "Machine translated from Thai by plae 0.1.0 with a with b (revision 12ab, licence MIT) on 2026-01-01. Source: x on y.txt.";
        let expected = Note {
            version: "0.1.0",
            model: "a with b",
            revision: Some("12ab"),
            licence: Some("MIT"),
            date: "2026-01-01",
            file: Some("x on y.txt"),
        };
        assert_eq!(parse_note(note), Some(expected));
        assert_eq!(
            parse_note("Nothing was translated: plae 0.1.0 found no Thai on 2026-01-01."),
            None
        );
    }
}
