//! Steps that the commands that read texts share: finding inputs, resolving options, reading, dry runs.

use super::args::{self, DecodingArgs, ReadingArgs};
use super::config::Config;
use super::plan::{self, InputSource, PlanRequest, PlannedOutput, RunPlan, TranslationTask};
use super::printer::Printer;
use super::words::format_count;
use super::{CommandStatus, is_single_file_error};
use crate::archive::SkippedFiles;
use crate::document::Format;
use crate::error::{Error, Result};
use crate::memory::Memory;
use crate::pipeline::{self, PreparedDocument, ReadingNotice};
use crate::render::OutputFormat;
use crate::thai::has_thai;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

/// Returns standard input as the input.
///
/// # Errors
/// `Usage` if standard input is a terminal: a user who names no file hardly wants to type the text.
pub fn stdin_unless_terminal() -> Result<InputSource> {
    if !io::stdin().is_terminal() {
        Ok(InputSource::Stdin)
    } else {
        Err(Error::usage("no input")
            .hint("name a file, or `-` to type the text and end it with Ctrl-D; --help shows examples"))
    }
}

/// Returns the inputs named on the command line, or standard input if none is named.
pub fn inputs_or_stdin(inputs: &[PathBuf]) -> Result<Cow<'_, [PathBuf]>> {
    Ok(if inputs.is_empty() {
        stdin_unless_terminal().map(|_| Cow::Owned(vec![PathBuf::from("-")]))?
    } else {
        Cow::Borrowed(inputs)
    })
}

/// Decides which inputs `plae translate` reads and which outputs it writes, from its arguments.
pub fn plan_translation(args: &args::TranslateArgs) -> Result<RunPlan> {
    plan::plan_tasks(&PlanRequest {
        inputs: &inputs_or_stdin(&args.inputs)?,
        from: args.reading.document_format()?,
        output: args.output.output.as_deref(),
        formats: &args.output.format,
        force: args.output.force,
    })
}

/// Decides which inputs a command reads that writes no translation.
pub fn plan_reading(inputs: &[PathBuf], reading: &ReadingArgs) -> Result<RunPlan> {
    plan::plan_tasks(&PlanRequest {
        inputs: &inputs_or_stdin(inputs)?,
        from: reading.document_format()?,
        output: None,
        formats: &[OutputFormat::Text],
        force: false,
    })
}

/// A translation memory that is opened on first use.
pub struct LazyMemory {
    path: PathBuf,
    memory: OnceCell<Memory>,
}

impl LazyMemory {
    /// Stores the path of the memory's file, without opening it.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            memory: OnceCell::new(),
        }
    }

    /// Returns the memory; the first call opens it.
    pub fn get(&self) -> Result<&Memory> {
        if let Some(memory) = self.memory.get() {
            return Ok(memory);
        }
        let memory = Memory::open(&self.path)?;
        Ok(self.memory.get_or_init(|| memory))
    }
}

/// Converts command-line arguments and configuration to validated options for reading and translating. Each task later
/// replaces the format by its own.
pub fn resolve_pipeline_options(
    reading: &ReadingArgs,
    decoding: &DecodingArgs,
    config: &Config,
) -> Result<pipeline::Options> {
    if let (Some(min), Some(max)) = (decoding.min_tokens, decoding.max_tokens)
        && min > max
    {
        return Err(Error::usage(format!(
            "--min-tokens {min} is more than --max-tokens {max}"
        )));
    }
    if let Some(prompt) = &decoding.prompt
        && prompt.matches("{text}").count() != 1
    {
        return Err(Error::usage("the prompt must hold {text} exactly once").hint("the sentence is put in its place"));
    }
    let mut decode = decoding.to_decode_options();
    if decoding.era.is_some() && !decode.mends_text() {
        let other = if decode.ids { "--ids" } else { "--quality fast" };
        return Err(Error::usage(format!(
            "--era is not for {other}, which leaves a model's output as it is"
        )));
    }
    decode.era = decoding.era.unwrap_or(config.era);
    Ok(pipeline::Options {
        format: reading.document_format()?.unwrap_or(Format::Text),
        split: reading.split.unwrap_or_default(),
        paragraphs: reading.paragraphs.unwrap_or(config.paragraphs),
        encoding: reading.encoding.clone(),
        date: config.date.clone(),
        decode,
    })
}

/// Prints which inputs would be translated to which outputs, without translating.
pub fn print_dry_run(plan: &RunPlan, options: &pipeline::Options, printer: &Printer) -> Result<CommandStatus> {
    let (failed, _) = print_task_previews(plan, options, &|_| String::new(), printer)?;
    printer.print_note(format!(
        "{} would be translated, {failed} would fail{}",
        format_count(plan.tasks.len() + plan.failures.len() - failed, "input"),
        format_skipped_files(&plan.skipped)
    ));
    Ok(match failed {
        0 => CommandStatus::Done,
        _ => CommandStatus::Failed,
    })
}

/// Prints a line for each input, with the text that `extra` adds about it.
///
/// Returns the number of inputs that would fail, and the number of segments with Thai in all others.
pub fn print_task_previews(
    plan: &RunPlan,
    options: &pipeline::Options,
    extra: &dyn Fn(&TranslationTask) -> String,
    printer: &Printer,
) -> Result<(usize, usize)> {
    let (mut failed, mut sentences) = (plan.failures.len(), 0);
    for failure in &plan.failures {
        printer.print_error(&failure.error);
    }
    for task in &plan.tasks {
        match prepare_task(task, options) {
            Err(error) if is_single_file_error(&error) => {
                printer.print_error(&error);
                failed += 1;
            }
            Err(error) => return Err(error),
            Ok(prepared) => {
                let segments = prepared.segments();
                let thai = segments.iter().filter(|segment| has_thai(&segment.source)).count();
                sentences += thai;
                let outputs: Vec<_> = task.outputs.iter().map(PlannedOutput::to_string).collect();
                printer.write_page(format!(
                    "{} -> {} ({}{}, {thai} with Thai)\n",
                    task.input,
                    outputs.join(", "),
                    extra(task),
                    format_count(segments.len(), "segment"),
                ))?;
            }
        }
    }
    Ok((failed, sentences))
}

/// Formats the end of a summary line that says which files were passed over; empty if none were.
pub fn format_skipped_files(skipped: &SkippedFiles) -> String {
    if skipped.is_empty() {
        String::new()
    } else {
        format!("; passed over: {skipped}")
    }
}

/// Formats what a user should know of how a source was read, with the option that reads it otherwise.
pub fn format_notice(notice: &ReadingNotice) -> String {
    match notice {
        ReadingNotice::Encoding { .. } => format!("{notice}; --encoding overrides"),
        ReadingNotice::JoinedLines => format!("{notice}; --paragraphs line keeps them apart"),
        _ => notice.to_string(),
    }
}

/// Prints what a user should know of how the source named `input` was read.
pub fn print_notices(input: &impl fmt::Display, notices: &[ReadingNotice], printer: &Printer) {
    for notice in notices {
        let line = format!("{input}: {}", format_notice(notice));
        match notice {
            ReadingNotice::AllThaiInMarkup { .. } | ReadingNotice::NoThai | ReadingNotice::Empty => {
                printer.print_warning(line)
            }
            _ if notice.is_minor() => printer.print_if_verbose(line),
            _ => printer.print_note(line),
        }
    }
}

/// Reads an input, decodes it, and cuts it into segments.
pub fn prepare_task(task: &TranslationTask, options: &pipeline::Options) -> Result<PreparedDocument> {
    let options = pipeline::Options {
        format: task.format,
        ..options.clone()
    };
    pipeline::prepare_document(task.input.file_name().as_deref(), &task.input.read()?, &options)
        .map_err(|error| error.path(task.input.to_string()))
}
