//! `plae completions`: prints the completion script for a shell.

use super::Status;
use super::args::{Cli, Completions};
use super::printer::Printer;
use crate::error::Result;
use clap::CommandFactory;

pub fn run(args: &Completions, printer: &Printer) -> Result<Status> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "plae", &mut script);
    printer.write_data(script)?;
    Ok(Status::Done)
}
