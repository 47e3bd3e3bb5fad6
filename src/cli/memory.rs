//! `plae memory`: describes, searches, imports, exports and prunes a translation memory, and learns people's edits.

use super::args::{MemoryArgs, MemoryCommand, PlainOrJson};
use super::plan::InputSource;
use super::printer::{FAINT_STYLE, Printer};
use super::words::{format_count, size};
use super::{CommandStatus, describe_io_error, file, is_single_file_error};
use crate::archive::{ARCHIVE_DIR_NAME, DATABASE_FILE_NAME};
use crate::error::{Error, ErrorKind, Result};
use crate::memory::{
    AddCounts, EditedFormat, ExchangeFormat, LearnCounts, Memory, MemoryStats, PruneFilter, TranslationUnit, UnitMatch,
    read, read_edited, write,
};
use crate::translate::list_mended_forms;
use jiff::{Span, Timestamp, Zoned};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

/// Number of translation units that are added in one transaction, during which other runs cannot write to the memory.
const UNITS_PER_BATCH: usize = 4096;

pub fn run(args: &MemoryArgs, printer: &Printer) -> Result<CommandStatus> {
    let path = resolve_memory_path(args.memory.as_deref());
    match &args.command {
        MemoryCommand::Stats { format } => {
            print_stats(&open_memory_for_reading(&path)?, format.unwrap_or_default(), printer)?
        }
        MemoryCommand::Search {
            text,
            fuzzy,
            limit,
            format,
        } => {
            let memory = open_memory_for_reading(&path)?;
            let found = match fuzzy {
                true => memory.find_nearest_units(text, *limit)?,
                false => memory.find_units_containing(text, *limit)?,
            };
            print_matches(&found, *limit, format.unwrap_or_default(), printer)?;
        }
        MemoryCommand::Export { output, format, force } => {
            let output = output.as_deref().filter(|path| !file::is_dash(path));
            let by_name = output.map(|path| format_by_extension(path, ExchangeFormat::from_extension));
            let format = match (format, by_name) {
                (Some(format), _) => *format,
                (None, Some(by_name)) => by_name
                    .ok_or_else(|| unknown_format_error(output, &ExchangeFormat::ALL.map(ExchangeFormat::name)))?,
                (None, None) => ExchangeFormat::Tmx,
            };
            export_memory(&open_memory_for_reading(&path)?, output, format, *force, printer)?;
        }
        MemoryCommand::Import { input, format } => {
            let format = format
                .or_else(|| format_by_extension(input, ExchangeFormat::from_extension))
                .ok_or_else(|| unknown_format_error(Some(input), &ExchangeFormat::ALL.map(ExchangeFormat::name)))?;
            import_into_memory(&path, input, format, printer)?;
        }
        MemoryCommand::Prune {
            older_than,
            system,
            flagged,
            human,
            dry_run,
        } => {
            let filter = PruneFilter {
                until: older_than.map(time_before_now).transpose()?,
                system: system.clone(),
                flagged: *flagged,
                human: *human,
            };
            prune_memory(&open_existing_memory(&path)?, &filter, *dry_run, printer)?;
        }
        MemoryCommand::Learn { inputs, all, format } => {
            return learn_edits(args.memory.as_deref(), inputs, *all, *format, printer);
        }
    }
    Ok(CommandStatus::Done)
}

/// Returns the path of the memory's file: `typed` itself, or the database of the archive in the directory `typed`, by
/// default the current directory.
fn resolve_memory_path(typed: Option<&Path>) -> PathBuf {
    let typed = typed.unwrap_or(Path::new(""));
    if typed.as_os_str().is_empty() || typed.is_dir() {
        typed.join(ARCHIVE_DIR_NAME).join(DATABASE_FILE_NAME)
    } else {
        typed.to_path_buf()
    }
}

/// Opens the memory at `path`, which must exist.
fn open_existing_memory(path: &Path) -> Result<Memory> {
    check_exists(path).and_then(|()| Memory::open(path))
}

/// Opens the memory at `path`, which must exist and need not be writable.
fn open_memory_for_reading(path: &Path) -> Result<Memory> {
    check_exists(path).and_then(|()| Memory::open_for_reading(path))
}

fn check_exists(path: &Path) -> Result<()> {
    if path.exists() {
        Ok(())
    } else {
        Err(Error::usage("no such translation memory")
            .path(path)
            .hint("name its file, or the output directory of an archive, with --memory"))
    }
}

fn format_by_extension<T>(path: &Path, from: fn(&str) -> Option<T>) -> Option<T> {
    path.extension().and_then(|extension| from(extension.to_str()?))
}

/// Creates the error for a file whose name does not show its format; `formats` are the names that `--format` takes.
fn unknown_format_error(path: Option<&Path>, formats: &[&str]) -> Error {
    let error = Error::usage("the name does not tell the format").hint(format!("add --format {}", formats.join("|")));
    match path {
        Some(path) => error.path(path),
        None => error,
    }
}

fn print_stats(memory: &Memory, format: PlainOrJson, printer: &Printer) -> Result<()> {
    let stats = memory.read_stats()?;
    if format == PlainOrJson::Jsonl {
        let mut object = serde_json::to_value(&stats).unwrap_or_default();
        object["path"] = memory.path().display().to_string().into();
        return printer.write_data(format!("{object}\n"));
    }
    let MemoryStats {
        bytes,
        machine,
        human,
        sources,
        shared,
        oldest,
        newest,
        systems,
    } = stats;
    let day = |time: Option<Timestamp>| time.map_or("-".into(), |time| time.strftime("%Y-%m-%d").to_string());
    let mut page = String::new();
    let mut line = |key: &str, value: String| {
        let _ = writeln!(page, "{key:13} {value}");
    };
    line("path", memory.path().display().to_string());
    line("size", size(bytes));
    line("by machines", machine.to_string());
    line("by people", human.to_string());
    line(
        "sources",
        format!("{sources}, {shared} of them with several translations"),
    );
    line("made", format!("{} to {}", day(oldest), day(newest)));
    if !systems.is_empty() {
        let _ = writeln!(
            page,
            "\n{:>10}  {:>8}  {:10}  {:10}  system",
            "entries", "flagged", "first", "last"
        );
    }
    for system in systems {
        // The system's key starts with the model's name; the rest describes how the model was used.
        let rest = match system.system.strip_prefix(&system.model) {
            Some(rest) => rest.to_owned(),
            None => format!(" {}", system.system),
        };
        let _ = writeln!(
            page,
            "{:>10}  {:>8}  {:10}  {:10}  {}{}",
            system.entries,
            system.flagged,
            day(system.oldest),
            day(system.newest),
            system.model,
            printer.paint_output(FAINT_STYLE, rest)
        );
    }
    printer.write_page(page)
}

fn print_matches(found: &[UnitMatch], limit: usize, format: PlainOrJson, printer: &Printer) -> Result<()> {
    let mut page = String::new();
    for (index, one) in found.iter().enumerate() {
        if format == PlainOrJson::Jsonl {
            page += &serde_json::to_string(one).unwrap_or_default();
            page += "\n";
            continue;
        }
        let TranslationUnit {
            source, target, made, ..
        } = &one.unit;
        let similarity = one
            .similarity
            // Rounded down, so that only equal texts show 100 %.
            .map(|similarity| format!("{} %, ", (similarity * 100.0).floor()))
            .unwrap_or_default();
        let by = format!(
            "{similarity}by {}, {}",
            one.unit.maker_name(),
            made.strftime("%Y-%m-%d")
        );
        let gap = if index > 0 { "\n" } else { "" };
        let _ = writeln!(
            page,
            "{gap}{source}\n{target}\n{}",
            printer.paint_output(FAINT_STYLE, by)
        );
    }
    match format {
        PlainOrJson::Jsonl => printer.write_data(page)?,
        PlainOrJson::Plain => printer.write_page(page)?,
    }
    match found.len() {
        0 => printer.print_note("nothing found"),
        count if count == limit => printer.print_note(format!("the first {count}; --limit shows more")),
        _ => {}
    }
    Ok(())
}

fn export_memory(
    memory: &Memory,
    output: Option<&Path>,
    format: ExchangeFormat,
    force: bool,
    printer: &Printer,
) -> Result<()> {
    let Some(path) = output else {
        let mut out = io::BufWriter::new(io::stdout().lock());
        return write(memory, format, &mut out)
            .and_then(|()| out.flush().map_err(file::failed_write_error))
            .map_err(|error| error.path("standard output"));
    };
    file::try_write_file_with(path, None, force, &mut |out| write(memory, format, out))?;
    printer.print_note(format!("{} -> {}", memory.path().display(), path.display()));
    Ok(())
}

fn import_into_memory(path: &Path, input: &Path, format: ExchangeFormat, printer: &Printer) -> Result<()> {
    let name = if file::is_dash(input) {
        Path::new("standard input")
    } else {
        input
    };
    let mut reader: Box<dyn BufRead> = if file::is_dash(input) {
        Box::new(io::stdin().lock())
    } else {
        let opened = File::open(input).and_then(|file| {
            if file.metadata()?.is_dir() {
                Err(io::ErrorKind::IsADirectory.into())
            } else {
                Ok(file)
            }
        });
        let file = opened.map_err(|error| Error::input(describe_io_error(&error)).path(input).source(error))?;
        Box::new(BufReader::new(file))
    };
    let memory = Memory::open(path)?;
    let mut tally = AddCounts::default();
    let mut waiting: Vec<TranslationUnit> = Vec::new();
    let read = read(&mut reader, format, &mut |unit| {
        waiting.push(unit);
        if waiting.len() == UNITS_PER_BATCH {
            tally += memory.add_units(&waiting)?;
            waiting.clear();
        }
        Ok(())
    });
    tally += memory.add_units(&waiting)?;
    let skipped = read.map_err(|error| match error.kind {
        ErrorKind::Input => {
            if tally != AddCounts::default() {
                printer.print_note("what stands before the damage is added; mend the file and import it again");
            }
            error.path(name)
        }
        _ => error,
    })?;
    let mut line = format!("{} -> {}: {} new", name.display(), path.display(), tally.new);
    for (count, what) in [
        (tally.replaced, "replaced older ones"),
        (tally.known, "there already"),
        (tally.useless, "without Thai or without translation"),
        (
            tally.contradicted,
            "other translations of sentences that have a newer one",
        ),
        (skipped.without_thai, "without a Thai text"),
        (skipped.without_english, "without an English text"),
        (
            skipped.further_translations,
            "further English texts, the first is taken",
        ),
        (skipped.machine, "marked as a machine's, left out"),
    ] {
        if count > 0 {
            line += &format!(", {count} {what}");
        }
    }
    printer.print_note(line);
    Ok(())
}

/// Returns the time that lies `age` before now.
fn time_before_now(age: Span) -> Result<Timestamp> {
    let time = Zoned::now().checked_sub(age);
    time.map(|time| time.timestamp())
        .map_err(|error| Error::usage("--older-than reaches before the calendar").source(error))
}

fn prune_memory(memory: &Memory, filter: &PruneFilter, dry: bool, printer: &Printer) -> Result<()> {
    let before = memory.file_bytes();
    let count = memory.prune_translations(filter, dry)?;
    let what = format_count(usize::try_from(count).unwrap_or(usize::MAX), "translation");
    if dry {
        printer.print_note(format!("{what} would be deleted"));
        return Ok(());
    }
    // The entries are deleted even if their disk space cannot be freed now.
    let freed = match memory.compact_file() {
        Ok(()) => format!("{} freed", size(before.saturating_sub(memory.file_bytes()))),
        Err(error) => {
            printer.print_warning(&error);
            "their space is used again".to_owned()
        }
    };
    printer.print_note(format!("{what} deleted, {freed}"));
    Ok(())
}

fn learn_edits(
    named: Option<&Path>,
    inputs: &[PathBuf],
    all: bool,
    format: Option<EditedFormat>,
    printer: &Printer,
) -> Result<CommandStatus> {
    let mut sum = LearnCounts::default();
    let mut status = CommandStatus::Done;
    let mut made: Vec<PathBuf> = Vec::new();
    let mut last = None;
    for input in inputs {
        let path = match named {
            Some(_) => resolve_memory_path(named),
            None => find_memory_of_output(input),
        };
        let lesson = format
            .or_else(|| format_by_extension(input, EditedFormat::from_extension))
            .ok_or_else(|| unknown_format_error(Some(input), &EditedFormat::ALL.map(EditedFormat::name)))
            .and_then(|format| {
                let input = InputSource::from_argument(input);
                let edited = read_edited(&input.read()?, format).map_err(|error| error.path(input.to_string()))?;
                if !path.exists() {
                    printer.print_note(format!(
                        "{}: a new memory, with no machine's translations to compare with: every segment is taken",
                        path.display()
                    ));
                    made.push(path.clone());
                }
                Memory::open(&path)?.learn_edited(&edited, all || made.contains(&path), &list_mended_forms)
            });
        match lesson {
            Ok(lesson) => {
                let into = match named {
                    Some(_) => String::new(),
                    None => format!(" -> {}", path.display()),
                };
                printer.print_note(format!("{}{into}: {}", input.display(), describe_learn_counts(&lesson)));
                sum += lesson;
                last = Some(path);
            }
            Err(error) if is_single_file_error(&error) => {
                printer.print_error(&error);
                status = CommandStatus::Failed;
            }
            Err(error) => return Err(error),
        }
    }
    if inputs.len() > 1 {
        printer.print_note(format!(
            "{}: {}",
            format_count(inputs.len(), "file"),
            describe_learn_counts(&sum)
        ));
    }
    let Some(path) = last else { return Ok(status) };
    if sum.new > 0 && made.contains(&path) {
        printer.print_hint(format!("`plae translate --memory {}` uses them", path.display()));
    } else if sum.new > 0 {
        printer.print_hint("the same `plae archive` again writes them into its outputs");
    } else if sum.unknown > 0 && sum.same == 0 {
        printer.print_hint(
            "name with --memory the memory that the outputs were made with; --all takes every segment as a person's",
        );
    }
    Ok(status)
}

/// Returns the path of the memory of the archive that an output lies in; of the current directory's if it lies in none.
fn find_memory_of_output(output: &Path) -> PathBuf {
    let mut directories = output.ancestors().skip(1);
    let memory =
        directories.find_map(|directory| Some(resolve_memory_path(Some(directory))).filter(|path| path.is_file()));
    memory.unwrap_or_else(|| resolve_memory_path(None))
}

fn describe_learn_counts(lesson: &LearnCounts) -> String {
    let mut line = format!(
        "{} learned, {} as they were",
        format_count(lesson.new, "edit"),
        lesson.same
    );
    for (count, what) in [
        (lesson.unknown, "of sources that the memory does not have"),
        (lesson.empty, "without Thai or without translation"),
        (lesson.contradicted, "edited otherwise further down"),
    ] {
        if count > 0 {
            line += &format!(", {count} {what}");
        }
    }
    line
}
