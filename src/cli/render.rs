//! `plae render`: converts an output of plae, edited or not, to other formats, without a model.

use super::args::RenderArgs;
use super::config::Config;
use super::plan::{self, InputSource, PlanRequest, PlannedOutput, RunPlan};
use super::printer::Printer;
use super::words::format_count;
use super::writer::DocumentWriter;
use super::{CommandStatus, describe_io_error};
use crate::document::{BilingualDocument, Format};
use crate::error::{Error, Hint, Result};
use crate::memory::{EditedFormat, read_edited};
use crate::render::read_jsonl;

pub fn run(args: &RenderArgs, config: &Config, printer: &Printer) -> Result<CommandStatus> {
    if args.input.is_dir() {
        let phrase = describe_io_error(&std::io::ErrorKind::IsADirectory.into());
        return Err(Error::input(phrase).path(&args.input));
    }
    let RunPlan { tasks, failures, .. } = plan::plan_tasks(&PlanRequest {
        inputs: std::slice::from_ref(&args.input),
        // Outputs of every format are read, tables too.
        from: Some(Format::Text),
        output: args.output.output.as_deref(),
        formats: &args.output.format,
        force: args.output.force,
    })?;
    if let Some(failure) = failures.into_iter().next() {
        return Err(failure.error);
    }
    let writer = DocumentWriter::new(&tasks, config.layout, args.output.force, printer)?;
    for task in &tasks {
        let document =
            read_output(&task.input, config.date.as_deref()).map_err(|error| error.path(task.input.to_string()))?;
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

/// Reads an output of plae in the format that its name tells; any other is taken for JSONL. `date` is the date of a
/// document that has none.
fn read_output(input: &InputSource, date: Option<&str>) -> Result<BilingualDocument> {
    let bytes = input.read()?;
    let format = match input {
        InputSource::File(path) => path.extension().and_then(|extension| extension.to_str()),
        InputSource::Stdin => None,
    };
    match format.and_then(EditedFormat::from_extension) {
        None | Some(EditedFormat::Jsonl) => read_jsonl(&bytes),
        Some(format) => {
            let edited = read_edited(&bytes, format).map_err(|mut error| {
                if let Some(Hint::OwnOutput { purpose, .. }) = error.hint.as_deref_mut() {
                    *purpose = "rendered";
                }
                error
            })?;
            let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            Ok(edited.into_document(None, date.unwrap_or(&now)))
        }
    }
}
