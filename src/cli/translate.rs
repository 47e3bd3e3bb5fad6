//! `plae translate`: translates inputs with one model and writes the outputs of each; continues after a failure.

use super::args::{self, InputFormatChoice};
use super::config::Config;
use super::inputs::{
    LazyMemory, format_skipped_files, plan_translation, prepare_task, print_dry_run, print_notices,
    resolve_pipeline_options,
};
use super::plan::{InputSource, PlannedOutput, RunPlan, TranslationTask};
use super::printer::Printer;
use super::session::ModelSession;
use super::words::format_count;
use super::writer::DocumentWriter;
use super::{CommandStatus, filter, interrupt, is_single_file_error, progress};
use crate::archive;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline;
use crate::render::OutputFormat;
use crate::translate::{MemoryTranslator, Progress};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub fn run(args: &args::TranslateArgs, config: &Config, printer: &Printer) -> Result<CommandStatus> {
    if args.reading.from == Some(InputFormatChoice::Rows) {
        return filter::run(args, config, printer);
    }
    let plan = plan_translation(args)?;
    let options = resolve_pipeline_options(&args.reading, &args.decoding, config)?;
    check_token_ids_are_shown(args, &plan)?;
    if args.dry_run {
        return print_dry_run(&plan, &options, printer);
    }
    let mut run = TranslateRun {
        plan: &plan,
        options: &options,
        writer: DocumentWriter::new(&plan.tasks, config.layout, args.output.force, printer)?,
        session: ModelSession::new(config, printer),
        memory: resolve_memory_path(args, &plan).map(LazyMemory::new),
        printer,
        done: 0,
        failed: Vec::new(),
        segments: 0,
        flagged: 0,
        tokens: 0,
        time: Duration::ZERO,
    };
    let ended = run.translate_inputs();
    print_summary(&plan, &run, ended.is_ok(), printer);
    ended?;
    Ok(run.final_status())
}

/// Returns the path of the translation memory to use: that of `--memory`, else, if an input is a directory, the one in
/// the output directory. None to use no memory.
fn resolve_memory_path(args: &args::TranslateArgs, plan: &RunPlan) -> Option<PathBuf> {
    let typed = &args.memory;
    if typed.no_memory {
        return None;
    }
    let directories = args.inputs.iter().any(|input| input.is_dir());
    let output = args
        .output
        .output
        .as_ref()
        .filter(|_| directories && !plan.tasks.is_empty());
    let usual = output.map(|output| output.join(archive::ARCHIVE_DIR_NAME).join(archive::DATABASE_FILE_NAME));
    typed.memory.clone().or(usual)
}

/// Checks that with `--ids`, which records token ids, an output is JSON Lines, the only format that shows them.
fn check_token_ids_are_shown(args: &args::TranslateArgs, plan: &RunPlan) -> Result<()> {
    let shown = plan
        .tasks
        .iter()
        .flat_map(|task| &task.outputs)
        .any(|output| output.format == OutputFormat::Jsonl);
    if args.decoding.ids && !plan.tasks.is_empty() && !shown {
        Err(Error::usage("only jsonl shows the ids of --ids").hint("add --format jsonl"))
    } else {
        Ok(())
    }
}

/// The data of one run of `plae translate`, and the counts for its summary.
struct TranslateRun<'a> {
    plan: &'a RunPlan,
    options: &'a pipeline::Options,
    writer: DocumentWriter<'a>,
    session: ModelSession<'a>,
    memory: Option<LazyMemory>,
    printer: &'a Printer,
    /// Number of inputs that have been translated and written.
    done: usize,
    /// Names of the inputs that failed, including those that could not be planned.
    failed: Vec<String>,
    segments: usize,
    /// Number of segments with a warning flag, which a reader should check.
    flagged: usize,
    /// Number of output tokens that the model generated.
    tokens: usize,
    /// Time spent translating, without loading the model and without writing.
    time: Duration,
}

impl TranslateRun<'_> {
    /// Translates every input and writes its outputs. Prints the error of a single input and continues with the others.
    ///
    /// # Errors
    /// Errors that concern the whole run, such as of the model, and `Interrupted` after Ctrl-C.
    fn translate_inputs(&mut self) -> Result<()> {
        for failure in &self.plan.failures {
            self.printer.print_error(&failure.error);
            self.failed.push(failure.input.clone());
        }
        let size = |task: &TranslationTask| match &task.input {
            // The size of standard input is unknown; this is that of a short text.
            InputSource::Stdin => 1000,
            InputSource::File(path) => std::fs::metadata(path).map_or(0, |file| file.len()),
        };
        let sizes: Vec<u64> = self.plan.tasks.iter().map(size).collect();
        let mut bar = progress::FileProgress::new(self.printer, sizes.len(), sizes.iter().sum());
        for (index, (task, size)) in self.plan.tasks.iter().zip(sizes).enumerate() {
            if index > 0 && interrupt::is_stop_requested() {
                return Err(self.interruption_error());
            }
            bar.begin_file(size);
            let before = self.tokens;
            let result = self.translate_input(task, &mut bar);
            bar.end_file(self.tokens - before);
            match result {
                Ok(()) => self.done += 1,
                Err(error) if is_single_file_error(&error) => {
                    self.printer.print_error(&error);
                    self.failed.push(task.input.to_string());
                }
                Err(error) if error.kind == ErrorKind::Interrupted => return Err(self.interruption_error()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn translate_input(&mut self, task: &TranslationTask, bar: &mut progress::FileProgress) -> Result<()> {
        let prepared = prepare_task(task, self.options)?;
        let segments = prepared.segments().len();
        let (input, encoding) = (&task.input, prepared.encoding());
        self.printer
            .print_if_verbose(format!("{input}: {encoding}, {}", format_count(segments, "segment")));
        print_notices(input, &prepared.notices(self.options), self.printer);
        let translator = if prepared.needs_model() {
            Some(&self.session.loaded_model()?.translator)
        } else {
            None
        };
        // From here until the last output is written, Ctrl-C waits for the current step.
        let _patience = interrupt::defer_exit();
        let start = Instant::now();
        let mut tokens = 0;
        let decode = &self.options.decode;
        let mut observe = |progress: Progress| {
            tokens = progress.tokens;
            bar.show_progress(progress);
        };
        let document = match (translator, &self.memory) {
            (Some(translator), Some(memory)) => memory.get().and_then(|memory| {
                let sources: Vec<&str> = prepared
                    .segments()
                    .iter()
                    .map(|segment| segment.source.as_str())
                    .collect();
                let mut observe = |progress| {
                    observe(progress);
                    ControlFlow::Continue(())
                };
                // Ctrl-C waits until the current batch is stored in the memory.
                let recaller = MemoryTranslator::new(translator, Some(memory), decode)?;
                let translations = recaller.translate(&sources, &mut observe, &interrupt::is_stop_requested)?;
                Ok(prepared.align_translations(Some(translator), decode, translations))
            }),
            _ => prepared.translate(translator, decode, &mut |progress| {
                observe(progress);
                interrupt::break_if_stop_requested()
            }),
        };
        self.time += start.elapsed();
        self.tokens += tokens;
        let document = document.map_err(|error| match error.kind {
            ErrorKind::Input => error.path(input.to_string()),
            _ => error,
        })?;
        self.writer.write_outputs(&document, &task.outputs)?;
        self.segments += segments;
        self.flagged += document.segments.iter().filter(|segment| segment.is_flagged()).count();
        Ok(())
    }

    fn interruption_error(&self) -> Error {
        let files = match self.done {
            0 => "",
            _ => "finished files are written; ",
        };
        // A directory's memory is used without being named; then the same command goes on, as it does with files left.
        let next = match (&self.memory, self.plan.tasks.len() > 1) {
            (Some(_), _) => "finished sentences are in the memory, and the same command goes on from there",
            (None, true) => "run it again for the rest; --memory FILE keeps finished sentences too",
            (None, false) => "nothing of it is kept; --memory FILE keeps finished sentences",
        };
        Error::new(ErrorKind::Interrupted, "stopped before the end").hint(format!("{files}{next}"))
    }

    fn final_status(&self) -> CommandStatus {
        if self.failed.is_empty() {
            CommandStatus::Done
        } else {
            CommandStatus::Failed
        }
    }
}

/// Prints the summary of a run. `whole` says whether the run got to the end of its inputs.
fn print_summary(plan: &RunPlan, run: &TranslateRun, whole: bool, printer: &Printer) {
    let inputs = plan.tasks.len() + plan.failures.len();
    let mut line = match (plan.tasks.as_slice(), inputs) {
        ([task], 1) => {
            let outputs: Vec<_> = task.outputs.iter().map(PlannedOutput::to_string).collect();
            format!("{} -> {}", task.input, outputs.join(", "))
        }
        _ => format!("{} of {} translated", run.done, format_count(inputs, "input")),
    };
    line += &format!(": {}", format_count(run.segments, "segment"));
    if run.flagged > 0 {
        line += &format!(" ({} to check)", run.flagged);
    }
    if run.tokens > 0 {
        let seconds = run.time.as_secs_f64();
        let rate = run.tokens as f64 / seconds.max(1e-3);
        line += &format!(" in {seconds:.1} s, {rate:.0} tokens/s");
    }
    if run.done > 0 || (whole && inputs > 1) {
        printer.print_note(line + &format_skipped_files(&plan.skipped));
    }
    if inputs > 1 && !run.failed.is_empty() {
        let shown = run.failed.len().min(20);
        let mut names = run.failed[..shown].join(", ");
        if shown < run.failed.len() {
            names += &format!(" and {} more", run.failed.len() - shown);
        }
        printer.print_note(format!("{} failed: {names}", format_count(run.failed.len(), "input")));
    }
}
