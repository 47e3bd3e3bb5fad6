//! Rows of a JSON stream: reads an object with a text, and writes the object with the translation added.

use super::{jsonl, plain};
use crate::document::{BilingualDocument, Flag, Segment};
use crate::error::{Error, Result};
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// The key of the text to translate in a row, which is a JSON object.
const TEXT_KEY: &str = "text";
/// The keys that translation adds to a row. Values that the row already had under these keys are dropped.
const ADDED_FIELD_KEYS: [&str; 4] = ["translation", "flags", "segments", "error"];

/// A row of a JSON stream: an object whose keys keep their order, and whose values keep their bytes.
#[derive(Debug, Default)]
pub struct JsonRow(Vec<(String, Box<RawValue>)>);

/// The fields that translation adds to a row of the stream. Their names are in [`ADDED_FIELD_KEYS`].
#[derive(Serialize)]
#[serde(untagged)]
enum AddedFields<'a> {
    Done {
        translation: String,
        flags: BTreeSet<Flag>,
        segments: Vec<Segment>,
    },
    Failed {
        error: &'a str,
    },
}

impl JsonRow {
    /// Parses one line of a JSON stream.
    ///
    /// # Errors
    /// Kind `Input` where the line is no JSON object; the message tells the column.
    pub fn parse(line: &[u8]) -> Result<Self> {
        serde_json::from_slice(line).map_err(|error| {
            // serde_json counts lines from the start of `line`; only the caller knows the number in the stream.
            let message = error.to_string();
            let message = message.replace(&format!(" at line {} ", error.line()), " at ");
            Error::input(format!("no JSON object: {message}")).source(error)
        })
    }

    /// Returns the text to translate, the value of the row's key `text`.
    ///
    /// # Errors
    /// Kind `Input` where there is no `text`, or where it is no string.
    pub fn text_to_translate(&self) -> Result<String> {
        // The last of repeated keys counts, as for most readers of JSON.
        let Some((_, value)) = self.0.iter().rfind(|(key, _)| key == TEXT_KEY) else {
            return Err(Error::input("no `text` in this object"));
        };
        serde_json::from_str(value.get()).map_err(|error| {
            let message = if value.get().starts_with('"') {
                "`text` is no Unicode string"
            } else {
                "`text` is no string"
            };
            Error::input(message).source(error)
        })
    }

    /// Writes the row with its translation, as one line with a line end. The added keys are `translation` (as in the
    /// `plain` format), `flags` (the flags that any segment has) and `segments` (as in the `jsonl` format).
    ///
    /// # Errors
    /// Kind `Output` where the document has a number that JSON cannot hold.
    pub fn translated_line(&self, document: &BilingualDocument) -> Result<Vec<u8>> {
        self.to_line(&AddedFields::Done {
            translation: plain::render_plain(document),
            flags: document
                .segments
                .iter()
                .flat_map(|segment| segment.findings.flags())
                .collect(),
            segments: document.segments.iter().map(jsonl::round_segment_score).collect(),
        })
    }

    /// Writes the row with an error message under `error`, as one line with a line end.
    ///
    /// # Errors
    /// The errors of [`Self::translated_line`].
    pub fn failed_line(&self, error: &str) -> Result<Vec<u8>> {
        self.to_line(&AddedFields::Failed { error })
    }

    fn to_line(&self, answer: &AddedFields) -> Result<Vec<u8>> {
        #[derive(Serialize)]
        struct RowWithAnswer<'a> {
            #[serde(flatten)]
            row: &'a JsonRow,
            #[serde(flatten)]
            answer: &'a AddedFields<'a>,
        }
        let mut line = serde_json::to_vec(&RowWithAnswer { row: self, answer })
            .map_err(|error| Error::output("cannot be written as JSON").source(error))?;
        line.push(b'\n');
        Ok(line)
    }
}

impl<'de> Deserialize<'de> for JsonRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct JsonRowVisitor;
        impl<'de> Visitor<'de> for JsonRowVisitor {
            type Value = JsonRow;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<JsonRow, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(JsonRow(fields))
            }
        }
        deserializer.deserialize_map(JsonRowVisitor)
    }
}

impl Serialize for JsonRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self
            .0
            .iter()
            .filter(|(key, _)| !ADDED_FIELD_KEYS.contains(&key.as_str()))
        {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample_document;
    use super::*;

    fn failed_line_and_message(line: &[u8]) -> (String, String) {
        let (row, error) = match JsonRow::parse(line) {
            Ok(row) => {
                let error = row.text_to_translate().unwrap_err();
                (row, error)
            }
            Err(error) => (JsonRow::default(), error),
        };
        let line = String::from_utf8(row.failed_line(&error.message).unwrap()).unwrap();
        (error.message, line)
    }

    #[test]
    fn values_pass_as_they_were_written() {
        let line = r#"{"id":12345678901234567890123,"n":1.10,"text":"ก\n","error":"old","z":{"b":[1, 2],"a":"\u0e01"},"id":1e400}"#;
        let row = JsonRow::parse(line.as_bytes()).unwrap();
        assert_eq!(row.text_to_translate().unwrap(), "ก\n");
        let answer = String::from_utf8(row.failed_line("new").unwrap()).unwrap();
        assert_eq!(
            answer,
            "{\"id\":12345678901234567890123,\"n\":1.10,\"text\":\"ก\\n\",\"z\":{\"b\":[1, 2],\"a\":\"\\u0e01\"},\
             \"id\":1e400,\"error\":\"new\"}\n"
        );
    }

    #[test]
    fn an_answer_has_the_segments_of_a_document() {
        let document = sample_document();
        let row = JsonRow::parse(br#"{"text":"","translation":"old","k":null}"#).unwrap();
        let answer = String::from_utf8(row.translated_line(&document).unwrap()).unwrap();
        assert!(answer.starts_with(r#"{"text":"","k":null,"translation":"#), "{answer}");
        let value: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(value["translation"], plain::render_plain(&document));
        let segments: Vec<Segment> = serde_json::from_value(value["segments"].clone()).unwrap();
        assert_eq!(segments.len(), document.segments.len());
        assert!(value.get("error").is_none());
    }

    #[test]
    fn what_is_no_row_is_told() {
        for (line, message) in [
            (&b"{"[..], "no JSON object: EOF while parsing an object at column 1"),
            (
                b"[]",
                "no JSON object: invalid type: sequence, expected an object at column 0",
            ),
            (
                b"{\"text\":\"\xff\"}",
                "no JSON object: invalid unicode code point at column 10",
            ),
            (b"{\"id\":1}", "no `text` in this object"),
            (b"{\"text\":null}", "`text` is no string"),
            (br#"{"text":"\ud800"}"#, "`text` is no Unicode string"),
        ] {
            assert_eq!(failed_line_and_message(line).0, message);
        }
        assert_eq!(
            failed_line_and_message(br#"{"id":1}"#).1,
            "{\"id\":1,\"error\":\"no `text` in this object\"}\n"
        );
        assert!(
            failed_line_and_message(b"x")
                .1
                .starts_with("{\"error\":\"no JSON object")
        );
    }
}
