//! `plae translate --from jsonl`: reads a stream of JSON objects with texts, and writes the same objects with their
//! translations, in the same order.

use super::args;
use super::config::Config;
use super::inputs::{LazyMemory, inputs_or_stdin, resolve_pipeline_options};
use super::plan::{self, InputSource, PlanRequest, RunPlan, TranslationTask};
use super::printer::{Printer, is_broken_pipe};
use super::session::ModelSession;
use super::words::format_count;
use super::{CommandStatus, interrupt, is_single_file_error, progress};
use crate::document::{Format, Segment};
use crate::error::{Error, ErrorKind, Result};
use crate::file;
use crate::pipeline::{self, PreparedDocument};
use crate::render::{JsonRow, OutputFormat};
use crate::thai::has_thai;
use crate::translate::{MemoryTranslator, Progress, Translation};
use std::io::{self, BufRead, BufReader, Seek, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Maximum number of Thai segments, or of lines, that are collected before the model is called: enough for several
/// batches, and few enough that results appear soon.
const MAX_POOL_SEGMENTS: usize = 512;
/// Maximum number of lines that are read and cut into segments ahead of the model.
const MAX_READ_AHEAD_LINES: usize = MAX_POOL_SEGMENTS;
/// The most bytes of a line.
const MAX_LINE_BYTES: u64 = 32 << 20;
/// How long to wait for another line before the lines that were read so far are translated.
const MAX_NEXT_LINE_WAIT: Duration = Duration::from_millis(5);
/// The longest time until a run that waits for a line notices Ctrl-C.
const MAX_INTERRUPT_DELAY: Duration = Duration::from_millis(100);

pub fn run(args: &args::TranslateArgs, config: &Config, printer: &Printer) -> Result<CommandStatus> {
    let plan = plan_jsonl_inputs(args)?;
    let reading = args::ReadingArgs {
        from: None,
        ..args.reading.clone()
    };
    let mut options = resolve_pipeline_options(&reading, &args.decoding, config)?;
    // JSON is UTF-8, so the texts in it are Unicode.
    if options.encoding.replace("utf-8".to_owned()).is_some() {
        return Err(Error::usage("JSON is UTF-8 always").hint("take --encoding away"));
    }
    let mut filter = JsonlFilter {
        options,
        force: args.output.force,
        dry_run: args.dry_run,
        session: ModelSession::new(config, printer),
        memory: args.memory.memory.clone().map(LazyMemory::new),
        printer,
        failed: plan.failures.len(),
        tally: JsonlCounts::default(),
        finished_lines: 0,
    };
    for failure in &plan.failures {
        printer.print_error(&failure.error);
    }
    let ended = filter.translate_inputs(&plan);
    if !ended.as_ref().is_err_and(is_broken_pipe) {
        filter.print_summary();
    }
    ended?;
    Ok(match filter.failed + filter.tally.refused {
        0 => CommandStatus::Done,
        _ => CommandStatus::Failed,
    })
}

fn plan_jsonl_inputs(args: &args::TranslateArgs) -> Result<RunPlan> {
    let inputs = inputs_or_stdin(&args.inputs)?;
    if let Some(directory) = inputs.iter().find(|input| input.is_dir()) {
        return Err(Error::usage("is a directory")
            .path(directory)
            .hint("--from jsonl reads files and standard input"));
    }
    if args.output.format.iter().any(|format| *format != OutputFormat::Jsonl) {
        return Err(Error::usage("what is read with --from jsonl is written as jsonl").hint("use --format jsonl"));
    }
    plan::plan_tasks(&PlanRequest {
        inputs: &inputs,
        from: Some(Format::Text),
        output: args.output.output.as_deref(),
        formats: &[OutputFormat::Jsonl],
        force: args.output.force,
    })
}

/// Returns a path beside `path` that no file has, for the results of an interrupted run: `NAME.partial`, otherwise
/// `NAME.partial-2` and so on.
fn free_partial_path(path: &Path) -> PathBuf {
    let numbered = |number: usize| {
        let mut name = path.as_os_str().to_owned();
        name.push(".partial");
        if number > 1 {
            name.push(format!("-{number}"));
        }
        PathBuf::from(name)
    };
    let mut number = 1;
    while numbered(number).symlink_metadata().is_ok() {
        number += 1;
    }
    numbered(number)
}

/// One line of an input: a JSON object with a text.
struct JsonlInputLine {
    /// Line number in the input, from 1.
    number: usize,
    row: JsonRow,
    text: Result<PreparedDocument>,
}

impl JsonlInputLine {
    /// Returns the number of the line's segments that contain Thai, which the model translates.
    fn count_thai_segments(&self) -> usize {
        let segments = self.text.as_ref().map(PreparedDocument::segments).unwrap_or_default();
        segments.iter().filter(|segment| has_thai(&segment.source)).count()
    }
}

/// Reads the lines of an input, cuts their texts into segments, and sends them to `to`, until the input ends or `to`
/// is closed.
fn read_lines(input: &InputSource, options: &pipeline::Options, to: &SyncSender<Result<JsonlInputLine>>) {
    let opened: Result<Box<dyn BufRead>> = match input {
        InputSource::Stdin => Ok(Box::new(io::stdin().lock())),
        InputSource::File(path) => match std::fs::File::open(path) {
            Ok(file) => Ok(Box::new(BufReader::new(file))),
            Err(error) => Err(input_read_error(input, error)),
        },
    };
    let mut lines = match opened {
        Ok(lines) => lines,
        Err(error) => return drop(to.send(Err(error))),
    };
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        match file::read_line(&mut lines, &mut line, MAX_LINE_BYTES) {
            Ok(Some(0)) => return,
            Ok(Some(_)) => {}
            Ok(None) => {
                let limit = file::format_byte_size(MAX_LINE_BYTES);
                let error = Error::input(format!("a line of more than {limit}"))
                    .path(input.to_string())
                    .place(format!("line {number}"))
                    .hint("each line is one object with one text");
                return drop(to.send(Err(error)));
            }
            Err(error) => return drop(to.send(Err(input_read_error(input, error)))),
        }
        let bytes = match number {
            1 => line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&line),
            _ => &line,
        };
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        if to.send(Ok(prepare_line(number, bytes, options))).is_err() {
            return;
        }
    }
}

/// Waits for the next line; none at the end of the input.
///
/// # Errors
/// `Interrupted` if Ctrl-C is pressed meanwhile.
fn receive_line(lines: &Receiver<Result<JsonlInputLine>>) -> Result<Option<Result<JsonlInputLine>>> {
    loop {
        match lines.recv_timeout(MAX_INTERRUPT_DELAY) {
            Ok(line) => return Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) if interrupt::is_stop_requested() => return Err(interruption()),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn interruption() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted")
}

fn input_read_error(input: &InputSource, error: io::Error) -> Error {
    Error::input(file::describe_io_error(&error))
        .path(input.to_string())
        .source(error)
}

fn prepare_line(number: usize, line: &[u8], options: &pipeline::Options) -> JsonlInputLine {
    match JsonRow::parse(line) {
        Ok(row) => JsonlInputLine {
            number,
            text: row
                .text_to_translate()
                .and_then(|text| pipeline::prepare_document(None, text.as_bytes(), options)),
            row,
        },
        Err(error) => JsonlInputLine {
            number,
            row: JsonRow::default(),
            text: Err(error),
        },
    }
}

/// Numbers of lines, segments and tokens that a run has processed, for the summary at its end.
#[derive(Clone, Copy, Default)]
struct JsonlCounts {
    /// Number of lines that were answered, failed ones included.
    rows: usize,
    refused: usize,
    segments: usize,
    flagged: usize,
    /// Number of output tokens that the model generated.
    tokens: usize,
    /// Time spent translating, without reading and writing.
    time: Duration,
}

/// A function that writes the resulting JSON lines to the output.
type OutputSink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<()>;

struct JsonlFilter<'a> {
    options: pipeline::Options,
    force: bool,
    dry_run: bool,
    session: ModelSession<'a>,
    memory: Option<LazyMemory>,
    printer: &'a Printer,
    /// Number of inputs that could not be read, or whose output could not be written.
    failed: usize,
    tally: JsonlCounts,
    /// Number of lines of the current input whose results are written.
    finished_lines: usize,
}

impl JsonlFilter<'_> {
    /// Translates every input to its output; continues with the next one after a failure.
    fn translate_inputs(&mut self, plan: &RunPlan) -> Result<()> {
        for task in &plan.tasks {
            match self.translate_input(task) {
                Err(error) if is_single_file_error(&error) => {
                    self.printer.print_error(&error);
                    self.failed += 1;
                }
                ended => ended?,
            }
        }
        Ok(())
    }

    fn translate_input(&mut self, task: &TranslationTask) -> Result<()> {
        let printer = self.printer;
        let path = task.outputs.iter().find_map(|output| output.path.as_deref());
        let (Some(path), false) = (path, self.dry_run) else {
            let ended = self.translate_lines(&task.input, &mut |line| printer.write_data(line));
            return ended.map_err(|error| self.explain_interruption(error, &task.input, None));
        };
        if path.exists() && !path.is_file() {
            // A device or a named pipe, whose reader gets each result at once.
            return file::try_write_file_with(path, None, self.force, &mut |out| {
                let mut sink = |line: &[u8]| {
                    out.write_all(line)
                        .map_err(|error| file::output_write_error(path, error))
                };
                self.translate_lines(&task.input, &mut sink)
            })
            .map_err(|error| self.explain_interruption(error, &task.input, None));
        }
        // Results are collected in a nameless file, which even a killed run leaves nothing of. They become the output
        // when the input ends, or a partial output if the run is interrupted.
        let failed = |error| file::output_write_error(path, error);
        let directory = file::parent_directory(path);
        let mut collected = std::fs::create_dir_all(directory)
            .and_then(|()| tempfile::tempfile_in(directory))
            .map_err(failed)?;
        let ended = {
            let mut sink = |line: &[u8]| collected.write_all(line).map_err(failed);
            self.translate_lines(&task.input, &mut sink)
        };
        let mut copy_to = |path: &Path, overwrite| {
            collected.rewind().map_err(failed)?;
            file::write_file_with(path, None, overwrite, &mut |out| {
                io::copy(&mut collected, out).map(drop)
            })
        };
        match ended {
            Err(error) if error.kind == ErrorKind::Interrupted && self.finished_lines > 0 => {
                let partial = free_partial_path(path);
                copy_to(&partial, false)?;
                Err(self.explain_interruption(error, &task.input, Some(&partial)))
            }
            Err(error) => Err(self.explain_interruption(error, &task.input, None)),
            Ok(()) => copy_to(path, self.force),
        }
    }

    /// Says, if `error` is an interruption, what is finished of `input`, where it is kept, and how to go on.
    fn explain_interruption(&self, error: Error, input: &InputSource, partial: Option<&Path>) -> Error {
        if error.kind != ErrorKind::Interrupted {
            return error;
        }
        let lines = self.finished_lines;
        let finished = match (lines, partial) {
            (0, _) => String::new(),
            (_, Some(partial)) => format!("lines 1 to {lines} of {input} are finished, in {}; ", partial.display()),
            (_, None) => format!("lines 1 to {lines} of {input} are finished and written; "),
        };
        let next = match self.memory {
            Some(_) => "the same command takes what is finished from the memory",
            None => "with --memory FILE, the next run would take what is finished from there",
        };
        Error::new(ErrorKind::Interrupted, "stopped before the end").hint(finished + next)
    }

    /// Translates all lines of one input as they arrive, and writes the results to `sink`.
    fn translate_lines(&mut self, input: &InputSource, sink: OutputSink) -> Result<()> {
        self.finished_lines = 0;
        let (send, lines) = sync_channel(MAX_READ_AHEAD_LINES);
        let (reader, options) = (input.clone(), self.options.clone());
        // The thread is not joined: it may wait for a line that never comes.
        std::thread::spawn(move || read_lines(&reader, &options, &send));
        loop {
            // Once results wait for the end of the input, Ctrl-C must not throw them away.
            let patience = (self.finished_lines > 0).then(interrupt::defer_exit);
            let Some(first) = receive_line(&lines)? else {
                return Ok(());
            };
            let (pool, broken) = self.collect_lines(first, &lines)?;
            drop(patience);
            {
                // Ctrl-C waits for the current batch.
                let _patience = interrupt::defer_exit();
                self.translate_line_pool(input, pool, sink)?;
            }
            broken.map_or(Ok(()), Err)?;
            if interrupt::is_stop_requested() {
                return Err(interruption());
            }
        }
    }

    /// Collects the lines to translate in one call: `first` and the lines that arrive within [`MAX_NEXT_LINE_WAIT`] of each other,
    /// up to [`MAX_POOL_SEGMENTS`]. Also returns the error that ended the input, if there was one.
    fn collect_lines(
        &self,
        first: Result<JsonlInputLine>,
        lines: &Receiver<Result<JsonlInputLine>>,
    ) -> Result<(Vec<JsonlInputLine>, Option<Error>)> {
        let (mut pool, mut segments) = (Vec::new(), 0);
        let mut next = Some(first);
        while let Some(line) = next {
            match line {
                Err(error) => return Ok((pool, Some(error))),
                Ok(line) => {
                    let thai = line.count_thai_segments();
                    if thai > 0 && segments == 0 && !self.dry_run {
                        // More lines arrive while the model loads.
                        self.session.loaded_model()?;
                    }
                    segments += thai;
                    pool.push(line);
                }
            }
            // Lines without Thai take no time to translate, but they take memory.
            next = if segments < MAX_POOL_SEGMENTS && pool.len() < MAX_POOL_SEGMENTS {
                lines.recv_timeout(MAX_NEXT_LINE_WAIT).ok()
            } else {
                None
            };
        }
        Ok((pool, None))
    }

    /// Translates the lines in `pool` in one call, and writes the results to `sink`.
    fn translate_line_pool(
        &mut self,
        input: &InputSource,
        mut pool: Vec<JsonlInputLine>,
        sink: OutputSink,
    ) -> Result<()> {
        let texts = pool.iter().filter_map(|line| line.text.as_ref().ok());
        let sources: Vec<&str> = texts
            .filter(|text| text.needs_model())
            .flat_map(PreparedDocument::segments)
            .map(|segment| segment.source.as_str())
            .collect();
        let translations = if sources.is_empty() || self.dry_run {
            Ok(Vec::new())
        } else {
            self.translate_sources(&sources)
        };
        let mut translations = match (translations, pool.as_mut_slice()) {
            (Ok(translations), _) => translations.into_iter(),
            // The model cannot take one of the texts; each is translated alone to find out which.
            (Err(error), [line]) if error.kind == ErrorKind::Input => {
                line.text = Err(error);
                Vec::new().into_iter()
            }
            (Err(error), _) if error.kind == ErrorKind::Input => {
                return pool
                    .into_iter()
                    .try_for_each(|line| self.translate_line_pool(input, vec![line], sink));
            }
            (Err(error), _) => return Err(error),
        };
        let mut results = Vec::new();
        let last_line = pool.last().map(|line| line.number);
        for line in pool {
            self.tally.rows += 1;
            match line.text {
                Err(mut error) => {
                    results.extend(line.row.failed_line(&error.message)?);
                    self.tally.refused += 1;
                    error.place = Some(format!("line {}", line.number));
                    self.printer.print_error(&error.path(input.to_string()));
                }
                Ok(text) => {
                    self.tally.segments += text.segments().len();
                    if self.dry_run {
                        continue;
                    }
                    let decode = &self.options.decode;
                    let document = if text.needs_model() {
                        let own = translations.by_ref().take(text.segments().len()).collect();
                        text.align_translations(Some(&self.session.loaded_model()?.translator), decode, own)
                    } else {
                        let copies = text.copy_sources_as_translations(decode);
                        text.align_translations(None, decode, copies)
                    };
                    let is_flagged = |segment: &&Segment| segment.is_flagged();
                    self.tally.flagged += document.segments.iter().filter(is_flagged).count();
                    results.extend(line.row.translated_line(&document)?);
                }
            }
        }
        if !self.dry_run {
            sink(&results)?;
            self.finished_lines = last_line.unwrap_or(self.finished_lines);
        }
        Ok(())
    }

    fn translate_sources(&mut self, sources: &[&str]) -> Result<Vec<Translation>> {
        let translator = &self.session.loaded_model()?.translator;
        let memory = self.memory.as_ref().map(LazyMemory::get).transpose()?;
        let start = Instant::now();
        let bar = progress::JsonlProgress::new(self.printer);
        let (rows, mut tokens) = (self.tally.rows, 0);
        let mut observe = |progress: Progress| {
            tokens = progress.tokens;
            bar.show_progress(rows, progress, start.elapsed());
            ControlFlow::Continue(())
        };
        let recaller = MemoryTranslator::new(translator, memory, &self.options.decode)?;
        let translations = recaller.translate(sources, &mut observe, &interrupt::is_stop_requested);
        self.tally.tokens += tokens;
        self.tally.time += start.elapsed();
        translations
    }

    fn print_summary(&self) {
        let JsonlCounts {
            rows,
            refused,
            segments,
            flagged,
            tokens,
            time,
        } = self.tally;
        let mut line = format_count(rows, "row");
        if refused > 0 {
            line += &format!(" ({refused} failed)");
        }
        line += &format!(", {}", format_count(segments, "segment"));
        if flagged > 0 {
            line += &format!(" ({flagged} to check)");
        }
        if tokens > 0 {
            let seconds = time.as_secs_f64();
            line += &format!(" in {seconds:.1} s, {:.0} tokens/s", tokens as f64 / seconds.max(1e-3));
        }
        self.printer.print_note(line);
    }
}
