//! `plae completions`: prints the completion script for a shell.

use super::CommandStatus;
use super::args::{Cli, CompletionsArgs};
use super::printer::Printer;
use crate::error::Result;
use clap::CommandFactory;

pub fn run(args: &CompletionsArgs, printer: &Printer) -> Result<CommandStatus> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "plae", &mut script);
    printer.write_data(script)?;
    Ok(CommandStatus::Done)
}
