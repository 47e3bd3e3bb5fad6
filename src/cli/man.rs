//! `plae man`: writes the manual pages, made from the same texts as `--help`.

use super::args::{self, Cli};
use super::printer::Printer;
use super::words::format_count;
use super::{CommandStatus, describe_io_error, file};
use crate::error::{Error, Result};
use clap::CommandFactory;
use clap_mangen::Man;

pub fn run(args: &args::ManArgs, printer: &Printer) -> Result<CommandStatus> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let Some(directory) = &args.output else {
        printer.write_data(render_man_page(&Man::new(command))?)?;
        return Ok(CommandStatus::Done);
    };
    let mut pages = Vec::new();
    collect_man_pages(&command, &mut pages);
    for page_of in &pages {
        file::write_file(
            &directory.join(page_of.get_filename()),
            &render_man_page(page_of)?,
            true,
        )?;
    }
    printer.print_note(format!(
        "{} written to {}",
        format_count(pages.len(), "page"),
        directory.display()
    ));
    Ok(CommandStatus::Done)
}

/// Appends the manual pages of a command and of all its subcommands to `pages`.
fn collect_man_pages(command: &clap::Command, pages: &mut Vec<Man>) {
    pages.push(Man::new(command.clone()));
    for command in command.get_subcommands() {
        collect_man_pages(command, pages);
    }
}

fn render_man_page(man: &Man) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    man.render(&mut page)
        .map_err(|error| Error::output(describe_io_error(&error)).source(error))?;
    Ok(page)
}
