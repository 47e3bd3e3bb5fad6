//! Documents to their outputs: files, or standard output.

use super::file;
use super::plan::{Output, Task};
use super::printer::Printer;
use crate::document::Bilingual;
use crate::error::{Error, Result};
use crate::render::{Layout, RenderOptions, Succession, render};
use std::cell::Cell;
use std::io::{self, IsTerminal};

/// Writes documents to their outputs.
pub struct Writer<'a> {
    layout: Layout,
    overwrite: bool,
    /// Columns of the terminal that standard output is.
    width: Option<usize>,
    /// Whether standard output has got a document already.
    begun: Cell<bool>,
    printer: &'a Printer,
}

impl<'a> Writer<'a> {
    /// Refuses what a terminal cannot show before any work is done.
    pub fn new(tasks: &[Task], layout: Layout, overwrite: bool, printer: &'a Printer) -> Result<Self> {
        let terminal = io::stdout().is_terminal();
        let is_binary = |output: &&Output| output.path.is_none() && output.format.is_binary();
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

    /// Writes every output, those after a failure too; the first failure is given back.
    pub fn all(&self, document: &Bilingual, outputs: &[Output]) -> Result<()> {
        outputs
            .iter()
            .map(|output| self.write(document, output))
            .fold(Ok(()), Result::and)
    }

    pub fn write(&self, document: &Bilingual, output: &Output) -> Result<()> {
        let options = RenderOptions {
            layout: self.layout,
            width: self.width.filter(|_| output.path.is_none()),
        };
        let bytes = render(document, output.format, &options).map_err(|error| error.path(output.to_string()))?;
        match &output.path {
            None => {
                let is_apart = output.format.succession() == Succession::BlankLine;
                if self.begun.replace(true) && is_apart {
                    self.printer.data("\n")?;
                }
                self.printer.data(bytes)
            }
            Some(path) => file::write(path, &bytes, self.overwrite),
        }
    }
}
