//! `plae split`: shows how a text is cut into segments and, with `--explain`, why.

use super::args::{PlainOrJson, ReadingArgs, SplitArgs};
use super::config::Config;
use super::plan::InputSource;
use super::printer::{FAINT_STYLE, GOOD_STYLE, HINT_STYLE, Printer};
use super::{CommandStatus, inputs};
use crate::document::{self, Block};
use crate::error::{Error, Result};
use crate::pipeline::{self, SplitUnit};
use crate::thai::encoding::decode_text;
use crate::thai::split::{ConsideredCut, CutReason, SplitOptions, explain_cuts};
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

/// Number of characters of the text that `--explain` shows on each side of a possible cut.
const CUT_CONTEXT_CHARS: usize = 24;

pub fn run(args: &SplitArgs, config: &Config, printer: &Printer) -> Result<CommandStatus> {
    let split = args.reading.split.unwrap_or_default();
    if args.explain && matches!(split, SplitUnit::Line | SplitUnit::Block) {
        return Err(Error::usage(format!(
            "--split {} considers no cuts to explain",
            split.unit_name()
        )));
    }
    let input = match &args.input {
        Some(path) => InputSource::from_argument(path),
        None => inputs::stdin_unless_terminal()?,
    };
    input.check_format(args.reading.document_format()?)?;
    let listing = args.format.unwrap_or_default();
    printer.write_data(if args.explain {
        format_cut_candidates(&input, &args.reading, config, listing, printer)?
    } else {
        format_segments(&input, &args.reading, config, listing, printer)?
    })?;
    Ok(CommandStatus::Done)
}

/// Formats the segments of an input, one per line, as text or JSON.
fn format_segments(
    input: &InputSource,
    reading: &ReadingArgs,
    config: &Config,
    listing: PlainOrJson,
    printer: &Printer,
) -> Result<String> {
    let options = pipeline::Options {
        split: reading.split.unwrap_or_default(),
        paragraphs: reading.paragraphs.unwrap_or(config.paragraphs),
        encoding: reading.encoding.clone(),
        date: None,
        ..pipeline::Options::new(reading.document_format()?.unwrap_or_else(|| input.detect_format()))
    };
    let prepared = pipeline::prepare_document(input.file_name().as_deref(), &input.read()?, &options)
        .map_err(|error| error.path(input.to_string()))?;
    // The others concern translations.
    let mut notices = prepared.notices(&options);
    notices.retain(|notice| {
        matches!(
            notice,
            pipeline::ReadingNotice::Encoding { .. } | pipeline::ReadingNotice::JoinedLines
        )
    });
    inputs::print_notices(input, &notices, printer);
    let mut page = String::new();
    for segment in prepared.segments() {
        let _ = match listing {
            PlainOrJson::Plain => writeln!(page, "{}", replace_controls_by_spaces(&segment.source)),
            PlainOrJson::Jsonl => writeln!(
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

/// Formats every position at which a cut between segments was considered, one per line. Plain output, unlike JSON, ends
/// with a summary.
fn format_cut_candidates(
    input: &InputSource,
    reading: &ReadingArgs,
    config: &Config,
    listing: PlainOrJson,
    printer: &Printer,
) -> Result<String> {
    let format = reading.document_format()?.unwrap_or_else(|| input.detect_format());
    let decoded =
        decode_text(&input.read()?, reading.encoding.as_deref()).map_err(|error| error.path(input.to_string()))?;
    let mark = decoded.byte_order_mark().len();
    let document = document::read(decoded.text, format, reading.paragraphs.unwrap_or(config.paragraphs));
    let mut page = String::new();
    let mut tally = CutCounts::default();
    for (number, block) in document.blocks.iter().enumerate() {
        tally.segments += usize::from(!block.text.trim().is_empty());
        for candidate in explain_cuts(&block.text, &SplitOptions::default()) {
            let (before, after) = context_around(&block.text, candidate.offset);
            let _ = match listing {
                PlainOrJson::Plain => {
                    tally.count_candidate(&candidate);
                    writeln!(page, "{}", format_candidate(&candidate, &before, &after, printer))
                }
                PlainOrJson::Jsonl => {
                    let object = serde_json::json!({
                        "block": number,
                        "offset": mark + to_source_offset(block, candidate.offset),
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
        if listing == PlainOrJson::Plain {
            page += "\n";
        }
    }
    if listing == PlainOrJson::Plain {
        let _ = writeln!(
            page,
            "{}",
            printer.paint_output(FAINT_STYLE, tally.format_summary_line())
        );
    }
    Ok(page)
}

/// Numbers of segments, and of positions at which a cut was considered, for the summary of `--explain`.
#[derive(Default)]
struct CutCounts {
    segments: usize,
    places: usize,
    cut: usize,
    barred: usize,
}

impl CutCounts {
    fn count_candidate(&mut self, candidate: &ConsideredCut) {
        self.places += 1;
        self.cut += usize::from(candidate.cut);
        self.segments += usize::from(candidate.cut);
        self.barred += usize::from(matches!(candidate.reason, CutReason::Rule(_)));
    }

    fn format_summary_line(&self) -> String {
        let s = |count: usize| if count == 1 { "" } else { "s" };
        format!(
            "{} segment{}; of {} place{} {} cut, {} kept by rules, {} by score or length",
            self.segments,
            s(self.segments),
            self.places,
            s(self.places),
            self.cut,
            self.barred,
            self.places - self.cut - self.barred,
        )
    }
}

/// Formats a possible cut for the terminal: whether it was made, its score, the reason, and the text around it. Cuts
/// and the names of rules are coloured.
fn format_candidate(candidate: &ConsideredCut, before: &str, after: &str, printer: &Printer) -> String {
    let reason = match serde_json::to_value(candidate.reason) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    };
    let pad = " ".repeat(CUT_CONTEXT_CHARS.saturating_sub(before.width()));
    let text = format!("{pad}{before}|{}", after.trim_start());
    let (verdict, score) = (
        if candidate.cut { "cut " } else { "keep" },
        format!("{:>6.2}", candidate.score),
    );
    let ruled = matches!(candidate.reason, CutReason::Rule(_));
    match (candidate.cut, ruled) {
        (true, _) => format!(
            "{} {text}",
            printer.paint_output(GOOD_STYLE, format!("{verdict} {score}  {reason:12}"))
        ),
        (false, true) => format!(
            "{}{}{}",
            printer.paint_output(FAINT_STYLE, format!("{verdict} {score}  ")),
            printer.paint_output(HINT_STYLE, format!("{reason:12}")),
            printer.paint_output(FAINT_STYLE, format!(" {text}")),
        ),
        (false, false) => printer.paint_output(FAINT_STYLE, format!("{verdict} {score}  {reason:12} {text}")),
    }
}

/// Converts a byte offset in a block's text to the byte offset in the document's source.
fn to_source_offset(block: &Block, offset: usize) -> usize {
    match offset {
        0 => block.span.start,
        offset => block.source_span(0..offset).end,
    }
}

/// Returns up to [`CUT_CONTEXT_CHARS`] characters before and after a byte offset in `text`.
fn context_around(text: &str, offset: usize) -> (String, String) {
    let (before, after) = text.split_at(offset);
    let start = before.char_indices().rev().take(CUT_CONTEXT_CHARS).last();
    let end = after.char_indices().nth(CUT_CONTEXT_CHARS);
    let before = &before[start.map_or(0, |(start, _)| start)..];
    let after = &after[..end.map_or(after.len(), |(end, _)| end)];
    // A vowel or tone mark without its consonant would be drawn over the character printed before it.
    (
        replace_controls_by_spaces(before.trim_start_matches(is_thai_mark)),
        replace_controls_by_spaces(after),
    )
}

/// Whether a character is a Thai vowel or tone mark drawn above or below the consonant before it.
fn is_thai_mark(c: char) -> bool {
    matches!(c, '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}')
}

/// Replaces each line end or other control character by one space, so that the text fits on one line.
fn replace_controls_by_spaces(text: &str) -> String {
    text.replace(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'), " ")
}

#[cfg(test)]
mod tests {
    use super::super::printer::{ColourChoice, ColourEnvironment, Verbosity};
    use super::*;
    use crate::thai::split::NoCutRule;

    #[test]
    fn context_is_cut_at_characters() {
        let text = "กขค งจฉ";
        assert_eq!(context_around(text, 9), ("กขค".into(), " งจฉ".into()));
        assert_eq!(context_around(text, 0), (String::new(), text.into()));
        let (before, _) = context_around(&"ที่".repeat(20), 180);
        assert!(before.starts_with('ท'), "{before}");
        let long = "ก".repeat(100);
        let (before, after) = context_around(&long, 150);
        assert_eq!(
            (before.chars().count(), after.chars().count()),
            (CUT_CONTEXT_CHARS, CUT_CONTEXT_CHARS)
        );
    }

    #[test]
    fn places_are_told_in_columns() {
        let printer = Printer::new(
            Verbosity::Default,
            ColourChoice::Never,
            ColourEnvironment::default(),
            false,
        );
        let text = "ปธน.สี จิ้นผิงของจีน เยือนไทย.  เขามา\nจบ";
        let places = [
            ("สี", -3.25, false, CutReason::Rule(NoCutRule::Name)),
            ("จีน", -0.5, false, CutReason::Score),
            ("ไทย.", 11.0, true, CutReason::Score),
            ("มา", 0.0, true, CutReason::Newline),
        ];
        let mut tally = CutCounts {
            segments: 1,
            ..CutCounts::default()
        };
        let mut page = String::new();
        for (last, score, cut, reason) in places {
            let offset = text.find(last).unwrap() + last.len();
            let candidate = ConsideredCut {
                offset,
                score,
                cut,
                reason,
            };
            tally.count_candidate(&candidate);
            let (before, after) = context_around(text, offset);
            page += &format_candidate(&candidate, &before, &after, &printer);
            page += "\n";
        }
        insta::assert_snapshot!(page + &tally.format_summary_line(), @r"
        keep  -3.25  name                            ปธน.สี|จิ้นผิงของจีน เยือนไทย.
        keep  -0.50  score                 ปธน.สี จิ้นผิงของจีน|เยือนไทย.  เขามา จบ
        cut   11.00  score              จิ้นผิงของจีน เยือนไทย.|เขามา จบ
        cut    0.00  newline        งของจีน เยือนไทย.  เขามา|จบ
        3 segments; of 4 places 2 cut, 1 kept by rules, 1 by score or length
        ");
    }

    #[test]
    fn cuts_and_rules_are_coloured() {
        let printer = Printer::new(
            Verbosity::Default,
            ColourChoice::Always,
            ColourEnvironment::default(),
            false,
        );
        let painted = |cut, reason| {
            let candidate = ConsideredCut {
                offset: 3,
                score: 1.0,
                cut,
                reason,
            };
            format_candidate(&candidate, "ก", " ข", &printer)
        };
        for (candidate, style) in [
            (painted(true, CutReason::Score), GOOD_STYLE),
            (painted(false, CutReason::Rule(NoCutRule::Date)), HINT_STYLE),
            (painted(false, CutReason::Length), FAINT_STYLE),
        ] {
            assert!(candidate.contains(&style.render().to_string()), "{candidate:?}");
        }
    }

    #[test]
    fn a_segment_stays_on_to_spaces() {
        assert_eq!(replace_controls_by_spaces("ก\r\nข\u{2028}ค"), "ก  ข ค");
    }
}
