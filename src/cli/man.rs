//! `plae man`: writes the manual pages, made from the same texts as `--help`.

use super::args::{self, Cli};
use super::printer::Printer;
use super::words::format_count;
use super::{Status, describe_io_error, file};
use crate::error::{Error, Result};
use clap::CommandFactory;
use clap_mangen::Man;

pub fn run(args: &args::Man, printer: &Printer) -> Result<Status> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let Some(directory) = &args.output else {
        printer.write_data(render_page(&Man::new(command))?)?;
        return Ok(Status::Done);
    };
    let mut pages = Vec::new();
    collect_pages(&command, &mut pages);
    for page_of in &pages {
        file::write(&directory.join(page_of.get_filename()), &render_page(page_of)?, true)?;
    }
    printer.note(format!(
        "{} written to {}",
        format_count(pages.len(), "page"),
        directory.display()
    ));
    Ok(Status::Done)
}

/// Appends the manual pages of a command and of all its subcommands to `pages`.
fn collect_pages(command: &clap::Command, pages: &mut Vec<Man>) {
    pages.push(Man::new(command.clone()));
    for command in command.get_subcommands() {
        collect_pages(command, pages);
    }
}

fn render_page(man: &Man) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    man.render(&mut page)
        .map_err(|error| Error::output(describe_io_error(&error)).source(error))?;
    Ok(page)
}
