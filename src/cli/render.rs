//! `plae render`: converts a jsonl output of plae to other formats, without a model.

use super::args::RenderArgs;
use super::config::Config;
use super::plan::{self, PlanRequest, PlannedOutput, RunPlan};
use super::printer::Printer;
use super::words::format_count;
use super::writer::DocumentWriter;
use super::{CommandStatus, describe_io_error};
use crate::error::{Error, Result};
use crate::render::read_jsonl;

pub fn run(args: &RenderArgs, config: &Config, printer: &Printer) -> Result<CommandStatus> {
    if args.input.is_dir() {
        let phrase = describe_io_error(&std::io::ErrorKind::IsADirectory.into());
        return Err(Error::input(phrase).path(&args.input));
    }
    let RunPlan { tasks, failures, .. } = plan::plan_tasks(&PlanRequest {
        inputs: std::slice::from_ref(&args.input),
        from: None,
        output: args.output.output.as_deref(),
        formats: &args.output.format,
        force: args.output.force,
    })?;
    if let Some(failure) = failures.into_iter().next() {
        return Err(failure.error);
    }
    let writer = DocumentWriter::new(&tasks, config.layout, args.output.force, printer)?;
    for task in &tasks {
        let document = read_jsonl(&task.input.read()?).map_err(|error| error.path(task.input.to_string()))?;
        for output in &task.outputs {
            writer.write_output(&document, output)?;
        }
        let outputs: Vec<_> = task.outputs.iter().map(PlannedOutput::to_string).collect();
        printer.print_note(format!(
            "{} -> {}: {}",
            task.input,
            outputs.join(", "),
            format_count(document.segments.len(), "segment")
        ));
    }
    Ok(CommandStatus::Done)
}
