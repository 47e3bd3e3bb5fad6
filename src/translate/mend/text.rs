//! The text of a translation while it is mended, with what was mended.

use crate::document::{Finding, Flag};
use crate::span::Span;

/// A translation, with a finding for each place that was mended.
#[derive(Clone, Debug)]
pub struct MendedText {
    text: String,
    findings: Vec<Finding>,
}

impl MendedText {
    /// Takes a translation, and the findings of an earlier mending of it. Other findings are dropped.
    pub fn new(text: String, findings: Vec<Finding>) -> Self {
        let is_inside = |span: Option<Span>| span.is_none_or(|span| text.get(span.start..span.end).is_some());
        let findings = findings
            .into_iter()
            .filter(|finding| finding.flag == Flag::Mended && is_inside(finding.target))
            .collect();
        Self { text, findings }
    }

    /// Returns the text as it is now.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the text, and the findings of what was mended.
    pub fn into_parts(self) -> (String, Vec<Finding>) {
        (self.text, self.findings)
    }

    /// Replaces a byte range of the text, which changes how a value is written but not the value.
    pub fn rewrite(&mut self, span: Span, new: &str) {
        self.text.replace_range(span.start..span.end, new);
        let shifted = |at: usize| at - span.end + span.start + new.len();
        let start_after = |at: usize| {
            if at >= span.end {
                shifted(at)
            } else {
                at.min(span.start)
            }
        };
        let end_after = |at: usize| match at {
            _ if at >= span.end => shifted(at),
            _ if at <= span.start => at,
            _ => span.start + new.len(),
        };
        for finding in &mut self.findings {
            let moved = |target: Span| Span::new(start_after(target.start), end_after(target.end));
            finding.target = finding.target.map(moved);
        }
    }

    /// Replaces a wrong value at a byte range of the text. `source` is the place of the right value in the source.
    pub fn mend(&mut self, span: Span, new: &str, source: Option<Span>) {
        let overlaps = |finding: &Finding| {
            finding
                .target
                .is_some_and(|target| target.start < span.end && span.start < target.end)
        };
        let mended_before = self.findings.iter().position(overlaps);
        let old = span.of(&self.text).to_owned();
        self.rewrite(span, new);
        let target = Some(Span::new(span.start, span.start + new.len()));
        match mended_before {
            // The detail keeps what stood there at first.
            Some(index) => {
                let finding = &mut self.findings[index];
                finding.target = target;
                finding.source = source.or(finding.source);
            }
            None => {
                let detail = format!("before: {old}");
                self.findings.push(Finding::new(Flag::Mended, source, target, detail));
            }
        }
    }

    /// Replaces Thai digits by Arabic ones.
    pub fn write_arabic_digits(&mut self) {
        /// The most numbers that are replaced, so that a long text of digits takes little time.
        const MAX_NUMBERS: usize = 64;
        let is_thai_digit = |c: char| matches!(c, '๐'..='๙');
        let is_inside = |c: char| is_thai_digit(c) || matches!(c, ',' | '.' | '/' | '-' | ':');
        for _ in 0..MAX_NUMBERS {
            let Some(start) = self.text.find(is_thai_digit) else {
                return;
            };
            let rest = &self.text[start..];
            let run = &rest[..rest.find(|c| !is_inside(c)).unwrap_or(rest.len())];
            let run = run.trim_end_matches(|c| !is_thai_digit(c));
            let digit = |c: char| match c {
                '๐'..='๙' => char::from(b'0' + (c as u32 - '๐' as u32) as u8),
                _ => c,
            };
            let new: String = run.chars().map(digit).collect();
            self.mend(Span::new(start, start + run.len()), &new, None);
        }
    }
}
