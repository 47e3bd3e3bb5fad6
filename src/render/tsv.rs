//! Renderer of the `tsv` format: a line of column names, then one line per segment; see [`super::OutputFormat::Tsv`].

use super::escape::put_on_one_line;
use crate::document::spreadsheet::neutralise_formula;
use crate::document::{BilingualDocument, Flag};
use serde::Serialize;

/// Renders `doc` as tab-separated values.
pub(super) fn render_tsv(doc: &BilingualDocument) -> String {
    let mut out = String::from("id\tblock\tkind\tsource\ttarget\tscore\tfinish\tflags\tstart\tend\n");
    for segment in &doc.segments {
        let flags: Vec<&str> = segment.flags.iter().copied().map(Flag::name).collect();
        let score = segment.score.filter(|score| score.is_finite());
        let fields = [
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
        ];
        out.push_str(&fields.join("\t"));
        out.push('\n');
    }
    out
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
    use super::super::tests::hostile_document;
    use super::*;

    #[test]
    fn one_line_a_segment_and_ten_fields_a_line() {
        let doc = hostile_document();
        let table = render_tsv(&doc);
        assert_eq!(table.split('\n').count(), 1 + doc.segments.len() + 1);
        assert!(table.lines().all(|line| line.split('\t').count() == 10), "{table}");
        assert!(
            !table.contains(|c: char| c.is_control() && !"\t\n".contains(c)),
            "{table:?}"
        );
    }
}
