//! `plae split`: how a text is cut into segments, and why.

use super::args::{Listing, Reading, SplitArgs};
use super::config::Config;
use super::plan::Input;
use super::printer::{FAINT, GOOD, Printer};
use super::{Status, translate};
use crate::document::{self, Block};
use crate::error::{Error, Result};
use crate::pipeline::{self, Split};
use crate::thai::encoding::decode;
use crate::thai::split::{Candidate, SplitOptions, explain};
use std::fmt::Write;

/// Characters shown on each side of a considered cut.
const CONTEXT: usize = 24;

pub fn run(args: &SplitArgs, config: &Config, printer: &Printer) -> Result<Status> {
    let split = args.reading.split.unwrap_or_default();
    if args.explain && matches!(split, Split::Line | Split::Block) {
        return Err(Error::usage(format!(
            "--split {} considers no cuts to explain",
            split.name()
        )));
    }
    let input = match &args.input {
        Some(path) => Input::from_argument(path),
        None => translate::stdin()?,
    };
    let listing = args.format.unwrap_or_default();
    printer.data(match args.explain {
        true => explained(&input, &args.reading, config, listing, printer)?,
        false => listed(&input, &args.reading, config, listing, printer)?,
    })?;
    Ok(Status::Done)
}

/// One line for each segment.
fn listed(input: &Input, reading: &Reading, config: &Config, listing: Listing, printer: &Printer) -> Result<String> {
    let options = pipeline::Options {
        split: reading.split.unwrap_or_default(),
        paragraphs: reading.paragraphs.unwrap_or(config.paragraphs),
        encoding: reading.encoding.clone(),
        ..pipeline::Options::new(reading.from.unwrap_or_else(|| input.format()))
    };
    let prepared = pipeline::prepare(input.name().as_deref(), &input.read()?, &options)
        .map_err(|error| error.path(input.to_string()))?;
    translate::tell_reading(input, &prepared, &options, printer);
    let mut page = String::new();
    for segment in prepared.segments() {
        let _ = match listing {
            Listing::Plain => writeln!(page, "{}", one_line(&segment.source)),
            Listing::Jsonl => writeln!(
                page,
                "{}",
                serde_json::json!({
                    "id": segment.id,
                    "block": segment.block,
                    "kind": segment.kind,
                    "source": segment.source,
                    "span": segment.span,
                })
            ),
        };
    }
    Ok(page)
}

/// One line for each place where a cut was considered.
fn explained(input: &Input, reading: &Reading, config: &Config, listing: Listing, printer: &Printer) -> Result<String> {
    let decoded = decode(&input.read()?, reading.encoding.as_deref()).map_err(|error| error.path(input.to_string()))?;
    let format = reading.from.unwrap_or_else(|| input.format());
    let mark = decoded.mark().len();
    let document = document::read(decoded.text, format, reading.paragraphs.unwrap_or(config.paragraphs));
    let mut page = String::new();
    for (number, block) in document.blocks.iter().enumerate() {
        for candidate in explain(&block.text, &SplitOptions::default()) {
            let (before, after) = context(&block.text, candidate.offset);
            let _ = match listing {
                Listing::Plain => {
                    let line = format!("{} {before}|{after}", verdict(&candidate));
                    let style = if candidate.cut { GOOD } else { FAINT };
                    writeln!(page, "{}", printer.paint(style, line))
                }
                Listing::Jsonl => {
                    let object = serde_json::json!({
                        "block": number,
                        "offset": mark + source_offset(block, candidate.offset),
                        "cut": candidate.cut,
                        "score": candidate.score,
                        "reason": candidate.reason,
                        "before": before,
                        "after": after,
                    });
                    writeln!(page, "{object}")
                }
            };
        }
        if listing == Listing::Plain && number + 1 < document.blocks.len() {
            page += "\n";
        }
    }
    Ok(page)
}

/// Whether it is a cut, its score, and what decided.
fn verdict(candidate: &Candidate) -> String {
    let reason = match serde_json::to_value(candidate.reason) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    };
    let cut = if candidate.cut { "cut " } else { "keep" };
    format!("{cut} {:>6.2} {reason:12}", candidate.score)
}

/// The byte of the document's source that an offset in a block's text stands for.
fn source_offset(block: &Block, offset: usize) -> usize {
    match offset {
        0 => block.span.start,
        offset => block.source_span(0..offset).end,
    }
}

/// What stands before and after an offset, as much as helps to see the place.
fn context(text: &str, offset: usize) -> (String, String) {
    let (before, after) = text.split_at(offset);
    let start = before.char_indices().rev().take(CONTEXT).last();
    let end = after.char_indices().nth(CONTEXT);
    let before = &before[start.map_or(0, |(start, _)| start)..];
    let after = &after[..end.map_or(after.len(), |(end, _)| end)];
    // A vowel or tone sign without its consonant would join what is printed before it.
    (one_line(before.trim_start_matches(is_mark)), one_line(after))
}

/// Whether a Thai sign stands above or below the character before it.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}')
}

/// `text` with spaces for line ends and other control characters.
fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'), " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_is_cut_at_characters() {
        let text = "กขค งจฉ";
        assert_eq!(context(text, 9), ("กขค".into(), " งจฉ".into()));
        assert_eq!(context(text, 0), (String::new(), text.into()));
        let (before, _) = context(&"ที่".repeat(20), 180);
        assert!(before.starts_with('ท'), "{before}");
        let long = "ก".repeat(100);
        let (before, after) = context(&long, 150);
        assert_eq!((before.chars().count(), after.chars().count()), (CONTEXT, CONTEXT));
    }

    #[test]
    fn a_segment_stays_on_one_line() {
        assert_eq!(one_line("ก\r\nข\u{2028}ค"), "ก  ข ค");
    }
}
