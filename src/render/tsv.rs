//! TSV: a line of column names, then one line a segment; see [`super::OutputFormat::Tsv`].

use super::{line, name};
use crate::document::Bilingual;

pub(super) fn render(doc: &Bilingual) -> String {
    let mut out = String::from("id\tblock\tkind\tsource\ttarget\tscore\tfinish\tflags\tstart\tend\n");
    for segment in &doc.segments {
        let flags: Vec<String> = segment.flags.iter().map(name).collect();
        let score = segment.score.filter(|score| score.is_finite());
        let fields = [
            segment.id.to_string(),
            segment.block.to_string(),
            name(segment.kind),
            line(&segment.source).into_owned(),
            line(&segment.target).into_owned(),
            score.map(|score| format!("{score:.6}")).unwrap_or_default(),
            name(segment.finish),
            flags.join(","),
            segment.span.start.to_string(),
            segment.span.end.to_string(),
        ];
        out.push_str(&fields.join("\t"));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::hostile;
    use super::*;

    #[test]
    fn one_line_a_segment_and_ten_fields_a_line() {
        let doc = hostile();
        let table = render(&doc);
        assert_eq!(table.split('\n').count(), 1 + doc.segments.len() + 1);
        assert!(table.lines().all(|line| line.split('\t').count() == 10), "{table}");
        assert!(
            !table.contains(|c: char| c.is_control() && !"\t\n".contains(c)),
            "{table:?}"
        );
    }
}
