//! `plae check`: checks anyone's translation and writes what looks wrong, without a model.

use super::args::{CHECK_FORMAT_WORDS, CheckArgs, CheckFormat, FlagChoice, look_up_word};
use super::config::Config;
use super::plan::InputSource;
use super::printer::{ERROR_STYLE, FAINT_STYLE, Printer, WARNING_STYLE, is_broken_pipe};
use super::progress::FileProgress;
use super::session::ModelSession;
use super::visible::{KeptControlCharacters, escape_control_characters};
use super::words::format_count;
use super::{CommandStatus, file};
use crate::check::{
    CheckSummary, FlagSelection, PairFormat, PairResult, TextPair, check_pairs, divide_at_findings, list_worst_first,
    pair_lines, read_pairs, write_report,
};
use crate::document::{Flag, Format};
use crate::error::{Error, Result};
use crate::memory::SkippedCounts;
use crate::thai::encoding::decode_text;
use crate::translate::{DecodeOptions, PairScore};
use clap::builder::styling::Style;
use std::ops::ControlFlow;
use std::path::Path;

/// Number of bytes of a report that are collected before they are written to standard output.
const CHUNK_BYTES: usize = 1 << 20;

/// Runs the command; `config` is there if a model is named.
pub fn run(args: &CheckArgs, config: Option<Config>, printer: &Printer) -> Result<CommandStatus> {
    let selection = FlagSelection {
        only: list_flags(&args.only),
        skip: list_flags(&args.skip),
    };
    check_usage(args, &selection)?;
    let format = choose_format(args)?;
    let source = InputSource::from_argument(&args.source);
    source.check_format(Some(Format::Text))?;
    match &args.target {
        Some(target) => {
            let target = InputSource::from_argument(target);
            target.check_format(Some(Format::Text))?;
            let texts = [
                read_text(&source, args.encoding.first())?,
                read_text(&target, args.encoding.get(1))?,
            ];
            let names = [source.to_string(), target.to_string()];
            let pairs = pair_lines([Path::new(&names[0]), Path::new(&names[1])], &texts[0], &texts[1])?;
            let title = format!("{}, {}", names[0], names[1]);
            let scores = score_with_model(&pairs, config, printer)?;
            write_results(args, &pairs, &scores, &selection, format, [&title, "line"], printer)
        }
        None => {
            let bytes = read_input(&source)?;
            let from = args.from.or_else(|| detect_format(&source, &bytes));
            let from = from.ok_or_else(|| one_language_error(&source))?;
            let read = read_pairs(&bytes, from).map_err(|error| error.path(source.to_string()))?;
            drop(bytes);
            print_skipped_units(&source, &read.skipped, printer);
            let place = [&source.to_string(), from.place_noun()];
            let scores = score_with_model(&read.pairs, config, printer)?;
            write_results(args, &read.pairs, &scores, &selection, format, place, printer)
        }
    }
}

fn list_flags(choices: &[FlagChoice]) -> Vec<Flag> {
    let flags = choices.iter().filter_map(|choice| match choice {
        FlagChoice::One(flag) => Some(*flag),
        FlagChoice::Any => None,
    });
    flags.collect()
}

/// Refuses arguments that contradict each other, before anything is read.
fn check_usage(args: &CheckArgs, selection: &FlagSelection) -> Result<()> {
    if let Some(flag) = list_flags(&args.fail_on)
        .into_iter()
        .find(|flag| !selection.includes(*flag))
    {
        return Err(Error::usage(format!(
            "--fail-on {0} can never happen, for --only or --skip leaves {0} out",
            flag.name()
        )));
    }
    if let Some(flag) = selection.only.iter().find(|flag| selection.skip.contains(flag)) {
        return Err(Error::usage(format!("{} is in --only and in --skip", flag.name())));
    }
    match &args.target {
        None if args.encoding.is_empty() => {}
        None => return Err(Error::usage("--encoding is for two files, one line a sentence")),
        Some(_) if args.from.is_some() => {
            return Err(Error::usage("--from is for one file with both languages")
                .hint("of two files the first is the Thai text, the second its translation, one line a sentence"));
        }
        Some(target) if file::is_dash(target) && file::is_dash(&args.source) => {
            return Err(Error::usage("standard input can be read once only"));
        }
        Some(target) if file::resolve_path(target) == file::resolve_path(&args.source) => {
            return Err(Error::usage("is both the source and the translation")
                .path(target)
                .hint("name the Thai text first, then its translation; a file with both languages is named once"));
        }
        Some(_) if args.encoding.len() > 2 => {
            return Err(Error::usage("--encoding is given more than twice, for two files"));
        }
        Some(_) => {}
    }
    Ok(())
}

/// Returns the format of the report, and checks that it can be written.
fn choose_format(args: &CheckArgs) -> Result<CheckFormat> {
    let Some(path) = output_path(args) else {
        return Ok(args.format.unwrap_or(CheckFormat::Text));
    };
    let inputs = [Some(&args.source), args.target.as_ref()];
    let is_input = |input: &&std::path::PathBuf| file::resolve_path(input) == file::resolve_path(path);
    if inputs.into_iter().flatten().any(|input| is_input(&input)) {
        return Err(Error::usage("the output is an input")
            .path(path)
            .hint("write elsewhere with -o"));
    }
    match std::fs::metadata(path) {
        Ok(standing) if standing.is_dir() => return Err(Error::output("is a directory").path(path)),
        Ok(standing) if standing.is_file() && !args.force => return Err(file::output_exists_error(path)),
        // A device or a named pipe.
        Ok(standing) if !standing.is_file() => return Ok(args.format.unwrap_or(CheckFormat::Text)),
        _ => file::check_writable(path)?,
    }
    let extension = path.extension().and_then(|extension| extension.to_str());
    let extension = extension.unwrap_or_default().to_ascii_lowercase();
    let by_name = match extension.as_str() {
        "txt" => Some(CheckFormat::Text),
        "htm" => look_up_word(CHECK_FORMAT_WORDS, "html"),
        extension => look_up_word(CHECK_FORMAT_WORDS, extension),
    };
    args.format.or(by_name).ok_or_else(|| {
        Error::usage("no format is known by this extension")
            .path(path)
            .hint("name one with --format: text, jsonl, html, tsv")
    })
}

/// Returns the path of the output file; none for standard output.
fn output_path(args: &CheckArgs) -> Option<&Path> {
    args.output.as_deref().filter(|path| !file::is_dash(path))
}

fn read_input(input: &InputSource) -> Result<Vec<u8>> {
    input.read().map_err(|error| match error.message.as_str() {
        "is a directory" => error.hint("name a file; directories are not searched"),
        _ => error,
    })
}

fn read_text(input: &InputSource, encoding: Option<&String>) -> Result<String> {
    let decoded = decode_text(&read_input(input)?, encoding.map(String::as_str));
    Ok(decoded.map_err(|error| error.path(input.to_string()))?.text)
}

fn detect_format(input: &InputSource, bytes: &[u8]) -> Option<PairFormat> {
    let extension = match input {
        InputSource::File(path) => path.extension().and_then(|extension| extension.to_str()),
        InputSource::Stdin => None,
    };
    { extension }
        .and_then(PairFormat::from_extension)
        .or_else(|| PairFormat::from_content(bytes))
}

fn one_language_error(input: &InputSource) -> Error {
    Error::input("is no file with both languages that plae knows")
        .path(input.to_string())
        .hint("name the translation too: `plae check SOURCE TARGET`, one line a sentence; --from names a format")
}

fn print_skipped_units(input: &InputSource, skipped: &SkippedCounts, printer: &Printer) {
    for (count, what) in [
        (skipped.without_thai, "without a Thai text"),
        (skipped.without_english, "without an English text"),
        (
            skipped.further_translations,
            "with a further English text, of which the first is taken",
        ),
    ] {
        if count > 0 {
            printer.print_note(format!("{input}: {} {what}", format_count(count, "unit")));
        }
    }
}

/// Lets the named model score all pairs; returns nothing if none is named.
fn score_with_model(pairs: &[TextPair], config: Option<Config>, printer: &Printer) -> Result<Vec<Option<PairScore>>> {
    let Some(config) = config else {
        return Ok(Vec::new());
    };
    let session = ModelSession::new(&config, printer);
    let translator = &session.loaded_model()?.translator;
    let texts: Vec<(&str, &str)> = pairs.iter().map(|pair| (&*pair.source, &*pair.target)).collect();
    let bytes = texts
        .iter()
        .map(|(source, target)| (source.len() + target.len()) as u64)
        .sum();
    let mut progress = FileProgress::new(printer, 1, bytes);
    progress.begin_file(bytes);
    translator.score_pairs(&texts, &DecodeOptions::default(), &mut |done| {
        progress.show_progress(done);
        ControlFlow::Continue(())
    })
}

/// Checks the pairs and writes the report. `place` is the name of what is checked and the noun for the number of a pair.
fn write_results(
    args: &CheckArgs,
    pairs: &[TextPair],
    scores: &[Option<PairScore>],
    selection: &FlagSelection,
    format: CheckFormat,
    place: [&str; 2],
    printer: &Printer,
) -> Result<CommandStatus> {
    let results = check_pairs(pairs, scores, selection);
    let summary = CheckSummary::new(&results);
    let write = |painter: &dyn Painter, put: &mut dyn FnMut(&str) -> Result<()>| match format {
        CheckFormat::Text => write_text(pairs, &results, place[1], painter, put),
        CheckFormat::Report(format) => write_report(format, pairs, &results, place, put),
    };
    let written = match output_path(args) {
        Some(path) => file::try_write_file_with(path, None, args.force, &mut |out| {
            write(&NoPainter, &mut |text| {
                out.write_all(text.as_bytes()).map_err(file::failed_write_error)
            })
        }),
        None => {
            let mut waiting = String::new();
            let write_out = |text: &str| match format {
                CheckFormat::Text => printer.write_page(text),
                CheckFormat::Report(_) => printer.write_data(text),
            };
            let written = write(printer, &mut |text| {
                waiting += text;
                if waiting.len() >= CHUNK_BYTES {
                    write_out(&std::mem::take(&mut waiting))?;
                }
                Ok(())
            });
            written.and_then(|()| write_out(&waiting))
        }
    };
    match written {
        // The reader has seen enough; what was found stays found.
        Err(error) if is_broken_pipe(&error) => {}
        written => written?,
    }
    match output_path(args) {
        Some(path) => printer.print_note(format!("{} -> {}: {}", place[0], path.display(), summary.describe())),
        None if format != CheckFormat::Text => printer.print_note(format!("{}: {}", place[0], summary.describe())),
        None => {}
    }
    let is_failure = |choice: &FlagChoice| match choice {
        FlagChoice::Any => summary.flagged > 0,
        FlagChoice::One(flag) => summary.flags.contains_key(flag),
    };
    Ok(if args.fail_on.iter().any(is_failure) {
        CommandStatus::Failed
    } else {
        CommandStatus::Done
    })
}

/// Paints text for the place that it is written to.
trait Painter {
    fn paint(&self, style: Style, text: &str) -> String;
}

impl Painter for Printer {
    fn paint(&self, style: Style, text: &str) -> String {
        self.paint_output(style, text)
    }
}

/// Leaves text as it is, for files.
struct NoPainter;

impl Painter for NoPainter {
    fn paint(&self, _: Style, text: &str) -> String {
        text.to_owned()
    }
}

/// Writes the pairs to check, the worst first, and a line with the counts. Control characters of the texts are made
/// visible, in files too, which pagers show.
fn write_text(
    pairs: &[TextPair],
    results: &[PairResult],
    place_noun: &str,
    painter: &dyn Painter,
    put: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    for index in list_worst_first(results) {
        put(&format_pair(&pairs[index], &results[index], place_noun, painter))?;
    }
    put(&format!("{}\n", CheckSummary::new(results).describe()))
}

/// Formats a pair: its place and score, both texts with the places of findings painted, and each finding in words.
fn format_pair(pair: &TextPair, result: &PairResult, place_noun: &str, painter: &dyn Painter) -> String {
    let visible = |text: &str| escape_control_characters(text, KeptControlCharacters::default()).into_owned();
    let [source, target] = divide_at_findings(pair, result).map(|parts| {
        let parts = parts.into_iter().map(|(part, is_marked)| {
            let part = visible(part);
            if is_marked {
                painter.paint(WARNING_STYLE, &part)
            } else {
                part
            }
        });
        parts.collect::<String>()
    });
    let head = format!("{place_noun} {}, score {:.2}", pair.line, result.score);
    let mut page = format!("{}\n  {source}\n  {target}\n", painter.paint(FAINT_STYLE, &head),);
    for finding in result.findings.warnings() {
        let style = if finding.flag.is_failure() {
            ERROR_STYLE
        } else {
            WARNING_STYLE
        };
        page += &format!(
            "  {} {}\n",
            painter.paint(style, &format!("{}:", finding.flag.name())),
            visible(&finding.meaning_in_words())
        );
    }
    page + "\n"
}
