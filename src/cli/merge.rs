//! `plae merge`: joins shards and archives into one archive with one memory and one report.

use super::CommandStatus;
use super::args::MergeArgs;
use super::printer::Printer;
use super::words::format_count;
use crate::archive::{INDEX_FILE_NAME, merge_archives};
use crate::error::{Error, Result};

pub fn run(args: &MergeArgs, printer: &Printer) -> Result<CommandStatus> {
    let (output, inputs) = match (&args.output, args.inputs.as_slice()) {
        (Some(output), inputs) => (output, inputs),
        (None, [output]) => (output, &[][..]),
        (None, _) => {
            return Err(Error::usage("several archives need a directory to join them in").hint("name it with -o"));
        }
    };
    let merged = merge_archives(output, inputs)?;
    printer.print_note(format!(
        "{} joined: {}, {} new to the memory",
        format_count(merged.parts, "part"),
        format_count(merged.articles, "article"),
        format_count(merged.translations, "translation"),
    ));
    if merged.kept > 0 {
        printer.print_note(format!(
            "{} stood in several, with other content or another model: the first is kept",
            format_count(merged.kept, "article")
        ));
    }
    printer.print_note(format!("all articles: {}", output.join(INDEX_FILE_NAME).display()));
    Ok(CommandStatus::Done)
}
