//! `plae merge`: joins shards and archives into one archive with one memory and one report.

use super::Status;
use super::args::Merge;
use super::printer::Printer;
use super::words::counted;
use crate::archive::{INDEX, merge};
use crate::error::{Error, Result};

pub fn run(args: &Merge, printer: &Printer) -> Result<Status> {
    let (output, inputs) = match (&args.output, args.inputs.as_slice()) {
        (Some(output), inputs) => (output, inputs),
        (None, [output]) => (output, &[][..]),
        (None, _) => {
            return Err(Error::usage("several archives need a directory to join them in").hint("name it with -o"));
        }
    };
    let merged = merge(output, inputs)?;
    printer.note(format!(
        "{} joined: {}, {} new to the memory",
        counted(merged.parts, "part"),
        counted(merged.articles, "article"),
        counted(merged.translations, "translation"),
    ));
    if merged.kept > 0 {
        printer.note(format!(
            "{} stood in several, with other content or another model: the first is kept",
            counted(merged.kept, "article")
        ));
    }
    printer.note(format!("all articles: {}", output.join(INDEX).display()));
    Ok(Status::Done)
}
