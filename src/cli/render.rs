//! `plae render`: converts a jsonl output of plae to other formats, without a model.

use super::args::Render;
use super::config::Config;
use super::plan::{self, Output, Plan, Request};
use super::printer::Printer;
use super::words::format_count;
use super::writer::Writer;
use super::{Status, describe_io_error};
use crate::error::{Error, Result};
use crate::render::read_jsonl;

pub fn run(args: &Render, config: &Config, printer: &Printer) -> Result<Status> {
    if args.input.is_dir() {
        let phrase = describe_io_error(&std::io::ErrorKind::IsADirectory.into());
        return Err(Error::input(phrase).path(&args.input));
    }
    let Plan { tasks, failures, .. } = plan::plan(&Request {
        inputs: std::slice::from_ref(&args.input),
        from: None,
        output: args.output.output.as_deref(),
        formats: &args.output.format,
        force: args.output.force,
    })?;
    if let Some(failure) = failures.into_iter().next() {
        return Err(failure.error);
    }
    let writer = Writer::new(&tasks, config.layout, args.output.force, printer)?;
    for task in &tasks {
        let document = read_jsonl(&task.input.read()?).map_err(|error| error.path(task.input.to_string()))?;
        for output in &task.outputs {
            writer.write(&document, output)?;
        }
        let outputs: Vec<_> = task.outputs.iter().map(Output::to_string).collect();
        printer.note(format!(
            "{} -> {}: {}",
            task.input,
            outputs.join(", "),
            format_count(document.segments.len(), "segment")
        ));
    }
    Ok(Status::Done)
}
