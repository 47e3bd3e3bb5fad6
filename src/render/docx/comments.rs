//! Comments of a Word document: each finding stands at the words that it is about, by the author `plae`.
//!
//! A comment is a pair of marks around words in the document, a reference to its number after them, and its text in a
//! part of its own.

use super::{WORD, XML_DECLARATION, shown_findings, text_run};
use crate::document::{COMMENT_AUTHOR, Finding, Flag, Segment, Side};

/// The comments of a document, collected while its text is rendered.
pub(super) struct Comments {
    /// The attribute with the date of every comment, or nothing if the date is not known.
    date: String,
    /// The comments so far, as XML.
    xml: String,
    /// The number of comments so far; the number of the next one.
    count: usize,
}

impl Comments {
    /// Makes an empty list. `date` is the date of all comments, as Word reads it.
    pub fn new(date: Option<&str>) -> Self {
        Self {
            date: date.map(|date| format!(" w:date=\"{date}\"")).unwrap_or_default(),
            xml: String::new(),
            count: 0,
        }
    }

    /// Renders the part of the package with all comments.
    pub fn to_part(&self) -> String {
        format!(
            "{XML_DECLARATION}<w:comments xmlns:w=\"{WORD}\">{}</w:comments>",
            self.xml
        )
    }

    /// Adds a comment for a finding, and returns its number.
    fn add(&mut self, finding: &Finding, segment: &Segment) -> usize {
        let id = self.count;
        self.count += 1;
        let mut text = format!("{}: {}.", finding.flag.name(), finding.meaning_in_words());
        if let (Flag::Similar, Some(similar)) = (finding.flag, &segment.similar) {
            let percent = similar.similarity_percent();
            text += &format!(" {percent} % alike: {} – {}", similar.source, similar.target);
        }
        self.xml += &format!(
            "<w:comment w:id=\"{id}\" w:author=\"{COMMENT_AUTHOR}\"{} w:initials=\"p\"><w:p><w:pPr><w:pStyle w:val=\"CommentText\"/></w:pPr>\
             <w:r><w:rPr><w:rStyle w:val=\"CommentReference\"/></w:rPr><w:annotationRef/></w:r>{}</w:p></w:comment>",
            self.date,
            text_run("", &text),
        );
        id
    }

    /// Renders the text of a segment on one side, without blanks around it, and adds the comments of that side: a
    /// finding belongs to the words of the translation that it is about, else to those of the source if
    /// `source_is_shown`, else to the whole translation. `run` renders a stretch of text as a run.
    pub fn commented_runs(
        &mut self,
        segment: &Segment,
        side: Side,
        source_is_shown: bool,
        run: fn(&str) -> String,
    ) -> String {
        let text = match side {
            Side::Source => segment.source.as_str(),
            Side::Target => segment.target.as_str(),
        };
        let trimmed = text.trim_start();
        let inner = text.len() - trimmed.len()..text.trim_end().len().max(text.len() - trimmed.len());
        // At each byte offset, the marks of comments that begin (true) and end (false) there, by number.
        let mut edges: Vec<(usize, bool, usize)> = Vec::new();
        for finding in shown_findings(segment) {
            let in_target = finding.place_in(&segment.target, Side::Target);
            let in_source = finding.place_in(&segment.source, Side::Source);
            // An empty translation has no words to mark.
            let in_source = in_source.or_else(|| {
                let is_empty = segment.target.trim().is_empty();
                is_empty.then(|| (0, segment.source.len()).into())
            });
            let in_source = in_source.filter(|_| source_is_shown && in_target.is_none());
            let place = match side {
                Side::Source => in_source,
                Side::Target if in_source.is_some() => None,
                Side::Target => in_target.or(Some(inner.clone().into())),
            };
            if let Some(place) = place {
                let id = self.add(finding, segment);
                let within = |offset: usize| offset.clamp(inner.start, inner.end);
                edges.extend([(within(place.start), true, id), (within(place.end), false, id)]);
            }
        }
        // A comment on nothing, such as an empty translation, begins before it ends.
        edges.sort_by_key(|(offset, begins, id)| (*offset, *id, !begins));
        let mut runs = String::new();
        let mut start = inner.start;
        let edges = edges
            .into_iter()
            .map(|(offset, begins, id)| (offset, Some((begins, id))));
        for (end, mark) in edges.chain([(inner.end, None)]) {
            if start < end {
                runs += &run(&text[start..end]);
                start = end;
            }
            match mark {
                Some((true, id)) => runs += &format!("<w:commentRangeStart w:id=\"{id}\"/>"),
                Some((false, id)) => {
                    runs += &format!(
                        "<w:commentRangeEnd w:id=\"{id}\"/><w:r><w:rPr><w:rStyle w:val=\"CommentReference\"/></w:rPr>\
                         <w:commentReference w:id=\"{id}\"/></w:r>"
                    );
                }
                None => {}
            }
        }
        runs
    }
}
