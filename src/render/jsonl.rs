//! Renderer and reader of the `jsonl` format: a header line, then one line per segment, with everything known of the
//! document. The file can be read back and rendered in every other format later, without a model.

use crate::document::{BilingualDocument, Header, SCHEMA, Segment};
use crate::error::{Error, Hint, Result};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One line of a JSONL file.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum JsonLine<'a> {
    Header(Cow<'a, Header>),
    Segment(Cow<'a, Segment>),
}

/// Those fields of the header line that tell whether this version can read the rest of the file.
#[derive(Deserialize)]
struct HeaderProbe {
    r#type: String,
    schema: u32,
}

/// Renders `doc` as JSON lines.
///
/// # Errors
/// Kind `Output` where the document has a value that JSON cannot hold.
pub(super) fn render_jsonl(doc: &BilingualDocument) -> Result<Vec<u8>> {
    let header = JsonLine::Header(Cow::Borrowed(&doc.header));
    let segments = doc
        .segments
        .iter()
        .map(|segment| JsonLine::Segment(Cow::Owned(round_segment_score(segment))));
    let mut out = Vec::new();
    for line in std::iter::once(header).chain(segments) {
        serde_json::to_writer(&mut out, &line).map_err(|e| Error::output("cannot be written as JSON").source(e))?;
        out.push(b'\n');
    }
    Ok(out)
}

/// Returns the segment as it is written, with its score and trust rounded to six decimals. More decimals carry no
/// meaning, and with six a reader gets back exactly the number that was written.
pub(super) fn round_segment_score(segment: &Segment) -> Segment {
    let round = |number: f64| (number * 1e6).round() / 1e6;
    Segment {
        score: segment.score.map(round),
        trust: segment.trust.map(round),
        ..segment.clone()
    }
}

/// Reads an aligned document from the bytes of the `jsonl` format. Unknown fields are ignored, and so are blank lines
/// and a byte-order mark.
///
/// # Errors
/// Kind `Input`, with the line number as the error's place: if the file is of another kind or of a newer schema, if
/// a line is damaged or out of order, or if there are fewer or more segments than the header says.
pub fn read_jsonl(bytes: &[u8]) -> Result<BilingualDocument> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut lines = bytes
        .split(|byte| *byte == b'\n')
        .enumerate()
        .filter(|(_, line)| !line.trim_ascii().is_empty());

    let (index, first) = lines
        .next()
        .ok_or_else(|| Error::input("the file is empty").hint(NOT_PLAE_OUTPUT_HINT))?;
    let bad_header = |e| {
        Error::input("not a header line of plae's JSONL")
            .place(line_number_place(index))
            .hint(NOT_PLAE_OUTPUT_HINT)
            .source(e)
    };
    let probe: HeaderProbe = serde_json::from_slice(first).map_err(bad_header)?;
    if probe.r#type == "header" && probe.schema > SCHEMA {
        return Err(Error::input(format!(
            "schema {} is newer than this plae reads ({SCHEMA})",
            probe.schema
        ))
        .place(line_number_place(index))
        .hint("update plae, or translate the source again with this one"));
    }
    let JsonLine::Header(header) = serde_json::from_slice(first).map_err(bad_header)? else {
        return Err(
            Error::input("the header line is missing: the file begins with a segment")
                .place(line_number_place(index))
                .hint(NOT_PLAE_OUTPUT_HINT),
        );
    };

    let mut segments: Vec<Segment> = Vec::new();
    for (index, line) in lines {
        let segment = match serde_json::from_slice(line) {
            Ok(JsonLine::Segment(segment)) => segment.into_owned(),
            Ok(JsonLine::Header(_)) => {
                return Err(Error::input("a second header line")
                    .place(line_number_place(index))
                    .hint("the file holds more than one document; render them one by one"));
            }
            Err(e) => {
                return Err(Error::input(format!("not a segment line: {e}"))
                    .place(line_number_place(index))
                    .hint("the file is damaged there; translate the source again")
                    .source(e));
            }
        };
        if segment.id != segments.len() {
            let message = format!("segment {} stands where {} belongs", segment.id, segments.len());
            return Err(Error::input(message)
                .place(line_number_place(index))
                .hint(LINES_LOST_HINT));
        }
        segments.push(segment);
    }
    if segments.len() != header.segments {
        let message = format!(
            "the header promises {} segments, {} follow",
            header.segments,
            segments.len()
        );
        return Err(Error::input(message).hint(LINES_LOST_HINT));
    }
    Ok(BilingualDocument {
        header: header.into_owned(),
        segments,
    })
}

/// The advice in an error about a file that plae did not write in this format.
const NOT_PLAE_OUTPUT_HINT: Hint = Hint::OwnOutput {
    which: "files that plae wrote with",
    format: "jsonl",
    purpose: "rendered",
};
/// The advice in an error about a file with missing or surplus lines.
const LINES_LOST_HINT: &str = "lines were lost or added; translate the source again";

/// Returns the words by which an error names the line with this index, such as `line 1` for index 0.
fn line_number_place(index: usize) -> String {
    format!("line {}", index + 1)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{document_strategy, sample_document};
    use super::*;
    use crate::error::ErrorKind;
    use proptest::prelude::*;

    #[test]
    fn type_comes_first_and_text_is_not_escaped() {
        let text = String::from_utf8(render_jsonl(&sample_document()).unwrap()).unwrap();
        let mut lines = text.lines();
        assert!(
            lines
                .next()
                .unwrap()
                .starts_with(r#"{"type":"header","schema":3,"tool":"plae","#)
        );
        for line in lines {
            assert!(line.starts_with(r#"{"type":"segment","id":"#), "{line}");
        }
        assert!(text.contains("อินเทอร์เน็ต"));
    }

    #[test]
    fn unknown_fields_and_blank_lines_are_passed_over() {
        let doc = sample_document();
        let text = String::from_utf8(render_jsonl(&doc).unwrap()).unwrap();
        let text = text
            .replace(r#""id":"#, r#""later":{"a":[1]},"id":"#)
            .replace('\n', "\r\n\r\n");
        let text = format!("\u{FEFF}{}", text.replace(r#""schema":"#, r#""added":null,"schema":"#));
        assert_eq!(read_jsonl(text.as_bytes()).unwrap(), doc);
    }

    #[test]
    fn damage_is_told_with_its_place() {
        let text = String::from_utf8(render_jsonl(&sample_document()).unwrap()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let without = |n: usize| [&lines[..n], &lines[n + 1..]].concat().join("\n");
        let with = |n: usize, line: &str| [&lines[..n], &[line], &lines[n + 1..]].concat().join("\n");
        let torn_in_line = text[..text.len() - 20].to_owned();
        let cases = [
            (String::new(), None, "empty"),
            ("สวัสดี\n".into(), Some("line 1"), "not a header"),
            ("{\"a\":1}\n".into(), Some("line 1"), "not a header"),
            (
                with(0, r#"{"type":"header","schema":99}"#),
                Some("line 1"),
                "schema 99 is newer",
            ),
            (
                with(0, r#"{"type":"header","schema":1}"#),
                Some("line 1"),
                "not a header",
            ),
            (without(0), Some("line 1"), "not a header"),
            (without(2), Some("line 3"), "segment 2 stands where 1"),
            (without(lines.len() - 1), None, "the header promises"),
            (torn_in_line, Some("line 11"), "not a segment line"),
            (
                with(3, r#"{"type":"segment","source":"\ud800"}"#),
                Some("line 4"),
                "not a segment line",
            ),
            (with(3, r#"{"type":"footer"}"#), Some("line 4"), "not a segment line"),
            (format!("{text}{}", lines[0]), Some("line 12"), "second header"),
            (
                format!("{text}{}", lines[1]),
                Some("line 12"),
                "segment 0 stands where 10",
            ),
        ];
        for (text, place, message) in cases {
            let error = read_jsonl(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Input);
            assert_eq!(error.place.as_deref(), place, "{error}");
            assert!(error.message.contains(message), "{error}");
            assert!(error.hint.is_some(), "{error}");
        }
        assert!(read_jsonl(b"\xFF\xFE{}").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(doc in document_strategy()) {
            prop_assert_eq!(read_jsonl(&render_jsonl(&doc).unwrap()).unwrap(), doc);
        }

        #[test]
        fn any_score_survives_a_second_writing(score in -1e3..1e3f64) {
            let mut doc = sample_document();
            doc.segments[0].score = Some(score);
            let once = render_jsonl(&doc).unwrap();
            prop_assert_eq!(render_jsonl(&read_jsonl(&once).unwrap()).unwrap(), once);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>(), cut in any::<prop::sample::Index>()) {
            let _ = read_jsonl(&bytes);
            let whole = render_jsonl(&sample_document()).unwrap();
            let _ = read_jsonl(&whole[..cut.index(whole.len())]);
        }
    }
}
