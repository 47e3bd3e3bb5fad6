//! Renderer of the `tsv` and `csv` formats: a row of column names, then one row per segment; see
//! [`super::OutputFormat::Tsv`] and [`super::OutputFormat::Csv`].

use super::escape::put_on_one_line;
use super::parts::name_with_values;
use crate::document::spreadsheet::{neutralise_formula, quote_field};
use crate::document::{BilingualDocument, Segment};
use serde::Serialize;
use std::borrow::Cow;

/// The names of the columns, in the order in which they are written.
const COLUMNS: [&str; 12] = [
    "id", "block", "kind", "source", "target", "score", "finish", "flags", "start", "end", "trust", "details",
];

/// Renders `doc` as tab-separated values without quotation marks around fields.
pub(super) fn render_tsv(doc: &BilingualDocument) -> String {
    let rows = doc.segments.iter().map(segment_row);
    let lines = std::iter::once(COLUMNS.map(str::to_owned)).chain(rows);
    lines.map(|row| row.join("\t") + "\n").collect()
}

/// Renders `doc` as comma-separated values by RFC 4180, after a byte-order mark by which Excel knows UTF-8.
pub(super) fn render_csv(doc: &BilingualDocument) -> String {
    let rows = doc.segments.iter().map(segment_row);
    let lines = std::iter::once(COLUMNS.map(str::to_owned)).chain(rows).map(|row| {
        let fields: Vec<Cow<str>> = row.iter().map(|field| quote_field(field, ',')).collect();
        fields.join(",") + "\r\n"
    });
    std::iter::once("\u{feff}".to_owned()).chain(lines).collect()
}

/// Returns the fields of a segment's row, each on one line. Texts that a spreadsheet program would run as formulas get
/// an apostrophe.
fn segment_row(segment: &Segment) -> [String; COLUMNS.len()] {
    let flags: Vec<&str> = segment.findings.flags().map(|flag| flag.name()).collect();
    let score = segment.score.filter(|score| score.is_finite());
    let detailed = segment.findings.iter().filter(|finding| !finding.detail.is_empty());
    let details: Vec<String> = detailed.map(name_with_values).collect();
    [
        segment.id.to_string(),
        segment.block.to_string(),
        json_enum_name(segment.kind),
        neutralise_formula(&put_on_one_line(&segment.source)).into_owned(),
        neutralise_formula(&put_on_one_line(&segment.target)).into_owned(),
        score.map(|score| format!("{score:.6}")).unwrap_or_default(),
        json_enum_name(segment.finish),
        flags.join(","),
        segment.span.start.to_string(),
        segment.span.end.to_string(),
        segment.trust.map(|trust| format!("{trust:.4}")).unwrap_or_default(),
        neutralise_formula(&details.join("; ")).into_owned(),
    ]
}

/// Returns the name that JSONL gives to an enum's value.
fn json_enum_name(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hostile_document, make_document, make_segment};
    use super::*;
    use crate::document::spreadsheet::TableRows;
    use crate::document::{Findings, Flag, Format};

    #[test]
    fn one_line_a_segment_and_twelve_fields_a_line() {
        let doc = hostile_document();
        let table = render_tsv(&doc);
        assert_eq!(table.split('\n').count(), 1 + doc.segments.len() + 1);
        assert!(table.lines().all(|line| line.split('\t').count() == 12), "{table}");
        assert!(
            !table.contains(|c: char| c.is_control() && !"\t\n".contains(c)),
            "{table:?}"
        );
    }

    /// Issue 19, kind 20: Excel reads a file as UTF-8 only with the mark, and RFC 4180 ends lines with CRLF.
    #[test]
    fn csv_is_what_spreadsheet_programs_read() {
        let mut doc = make_document(
            Format::Text,
            vec![
                make_segment(0, "ข้าว, \"หอม\"", "Rice, \"fragrant\""),
                make_segment(1, "สอง", "Two"),
            ],
        );
        doc.segments[1].findings = Findings::from_iter([Flag::Untranslated, Flag::Length]);
        let table = render_csv(&doc);
        assert!(table.starts_with("\u{feff}id,block,kind,source,target,"), "{table}");
        let row = "0,0,paragraph,\"ข้าว, \"\"หอม\"\"\",\"Rice, \"\"fragrant\"\"\",-0.250000,stop,,";
        assert!(table.contains(&format!("\r\n{row}")), "{table}");
        assert!(table.contains(",\"untranslated,length\","), "{table}");
        assert!(table.ends_with("\r\n") && table.matches('\n').count() == 3);
        let doc = hostile_document();
        let table = render_csv(&doc);
        let rows: Vec<_> = TableRows::new(&table, ',').map(|(_, row)| row).collect();
        assert_eq!(rows.len(), 1 + doc.segments.len());
        assert!(rows.iter().all(|row| row.len() == 12), "{table}");
    }

    /// Issue 19, kind 30. A negative score is a number, and stays one.
    #[test]
    fn no_cell_is_a_formula() {
        let formulas = ["=HYPERLINK(\"http://x.th\")", "+1", "-1", "@A1", "\t=1", "'=1", "＝1"];
        let segments = formulas
            .iter()
            .enumerate()
            .map(|(id, text)| make_segment(id, text, text));
        let doc = make_document(Format::Text, segments.collect());
        for (table, separator) in [(render_tsv(&doc), '\t'), (render_csv(&doc), ',')] {
            for (line, row) in TableRows::new(&table, separator).skip(1) {
                assert!(row[3..5].iter().all(|cell| cell.starts_with('\'')), "{line}: {row:?}");
                assert_eq!(row[5], "-0.250000");
            }
        }
    }
}
