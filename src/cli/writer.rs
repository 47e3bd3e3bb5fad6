//! Writes translated documents to files or to standard output.

use super::file;
use super::plan::{PlannedOutput, TranslationTask};
use super::printer::Printer;
use crate::document::BilingualDocument;
use crate::error::{Error, Result};
use crate::render::{Layout, RenderOptions, StreamSeparation, render};
use std::cell::Cell;
use std::io::{self, IsTerminal};

/// Renders documents and writes them to files or to standard output.
pub struct DocumentWriter<'a> {
    layout: Layout,
    overwrite: bool,
    /// Width of the terminal in columns if standard output is one, else none.
    width: Option<usize>,
    /// Whether a document has been written to standard output, so that the next may need a blank line before it.
    begun: Cell<bool>,
    printer: &'a Printer,
}

impl<'a> DocumentWriter<'a> {
    /// Creates a writer for the outputs of `tasks`.
    ///
    /// # Errors
    /// `Usage` if an output in a binary format would go to a terminal.
    pub fn new(tasks: &[TranslationTask], layout: Layout, overwrite: bool, printer: &'a Printer) -> Result<Self> {
        let terminal = io::stdout().is_terminal();
        let is_binary = |output: &&PlannedOutput| output.path.is_none() && output.format.is_binary();
        let mut outputs = tasks.iter().flat_map(|task| &task.outputs);
        if terminal && let Some(output) = outputs.find(is_binary) {
            let name = output.format.name();
            return Err(Error::usage(format!("{name} is not for a terminal")).hint("name a file with -o"));
        }
        let width = if terminal {
            terminal_size::terminal_size().map(|(width, _)| width.0.into())
        } else {
            None
        };
        Ok(Self {
            layout,
            overwrite,
            width,
            begun: Cell::new(false),
            printer,
        })
    }

    /// Writes a document to every output, continuing after a failure.
    ///
    /// # Errors
    /// The first error of the outputs that could not be written.
    pub fn write_outputs(&self, document: &BilingualDocument, outputs: &[PlannedOutput]) -> Result<()> {
        outputs
            .iter()
            .map(|output| self.write_output(document, output))
            .fold(Ok(()), Result::and)
    }

    pub fn write_output(&self, document: &BilingualDocument, output: &PlannedOutput) -> Result<()> {
        let options = RenderOptions {
            layout: self.layout,
            width: self.width.filter(|_| output.path.is_none()),
        };
        let bytes = render(document, output.format, &options).map_err(|error| error.path(output.to_string()))?;
        match &output.path {
            None => {
                let is_apart = output.format.stream_separation() == StreamSeparation::BlankLine;
                if self.begun.replace(true) && is_apart {
                    self.printer.write_data("\n")?;
                }
                self.printer.write_data(bytes)
            }
            Some(path) => file::write_file(path, &bytes, self.overwrite),
        }
    }
}
