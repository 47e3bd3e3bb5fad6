//! Edited tables (TSV, CSV) and edited JSONL.

use super::{EditedOutput, EditedSegment, no_pairs_error};
use crate::document::BlockKind;
use crate::document::spreadsheet::{TableRows, find_columns, restore_formula};
use crate::error::{Error, Hint, Result};
use crate::thai::encoding::decode_text;
use serde::Deserialize;
use std::borrow::Cow;

/// Names of the columns of plae's tables; the first two are needed to read a table, and earlier versions lack the last
/// two.
const COLUMN_NAMES: [&str; 12] = [
    "source", "target", "id", "block", "kind", "score", "finish", "flags", "start", "end", "trust", "details",
];
/// The characters that may separate columns: plae writes tabs or commas, some spreadsheet programs semicolons.
const SEPARATORS: [char; 3] = ['\t', ',', ';'];

pub(super) fn read_table(bytes: &[u8]) -> Result<EditedOutput> {
    let text = decode_text(bytes, None)?.text;
    let tables = SEPARATORS.iter().filter_map(|separator| {
        let mut rows = TableRows::new(&text, *separator);
        let (_, head) = rows.next()?;
        let columns = find_columns(&head, COLUMN_NAMES);
        columns[..2]
            .iter()
            .all(Option::is_some)
            .then_some((rows, head.len(), columns))
    });
    let Some((rows, width, columns)) = { tables }.next() else {
        let which = "a table that plae wrote with";
        return Err(no_pairs_error("no columns named source and target", which, "tsv"));
    };
    let mut output = EditedOutput {
        has_segments_only: width == columns.iter().flatten().count(),
        ..EditedOutput::default()
    };
    for (_, row) in rows {
        let [source, target, id, block, kind, ..] = columns.map(|column| column.and_then(|column| row.get(column)));
        let number = output.segments.len();
        let text_in = |cell: Option<&Cow<str>>| cell.map_or(String::new(), |cell| restore_formula(cell).to_owned());
        let number_in = |cell: Option<&Cow<str>>| cell.and_then(|cell| cell.trim().parse::<usize>().ok());
        output.has_segments_only &= number_in(id) == Some(number) && row.len() <= width;
        let kind = kind.and_then(|kind| serde_json::from_value(kind.trim().into()).ok());
        output.segments.push(EditedSegment {
            source: text_in(source),
            target: text_in(target),
            block: number_in(block).unwrap_or(number),
            kind: kind.unwrap_or(BlockKind::Paragraph),
            level: 0,
        });
    }
    Ok(output)
}

/// A line of plae's JSONL, with the fields that people edit and the segment's number.
#[derive(Deserialize)]
struct OutputLine {
    r#type: String,
    id: Option<usize>,
    block: Option<usize>,
    kind: Option<BlockKind>,
    #[serde(default)]
    level: u8,
    #[serde(default)]
    source: String,
    #[serde(default)]
    target: String,
}

pub(super) fn read_jsonl(bytes: &[u8]) -> Result<EditedOutput> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut output = EditedOutput {
        has_segments_only: true,
        ..EditedOutput::default()
    };
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let line: OutputLine = serde_json::from_slice(line).map_err(|error| {
            Error::input(format!("not a line of plae's JSONL: {error}"))
                .place(format!("line {}", index + 1))
                .hint(Hint::OwnOutput {
                    which: "a file that plae wrote with",
                    format: "jsonl",
                    purpose: "learned from",
                })
                .source(error)
        })?;
        if line.r#type == "segment" {
            let number = output.segments.len();
            output.has_segments_only &= line.id == Some(number);
            output.segments.push(EditedSegment {
                source: line.source,
                target: line.target,
                block: line.block.unwrap_or(number),
                kind: line.kind.unwrap_or(BlockKind::Paragraph),
                level: line.level,
            });
        }
    }
    Ok(output)
}
