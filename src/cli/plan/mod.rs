//! The plan of a run: all inputs and the outputs of each, decided and checked before any input is translated.

mod name;
#[cfg(test)]
mod tests;
mod walk;

use super::file;
use super::typed::{is_web_address, web_address_hint};
use crate::archive::{InputFailure, SkippedFiles, input_format_of, output_is_input_error};
use crate::document::Format;
use crate::error::{Error, Result};
use crate::render::{OutputFormat, StreamSeparation};
use name::{name_outputs_by_file, name_outputs_in_directory};
use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use walk::gather_inputs;

/// The inputs, outputs and formats that the command line names.
#[derive(Clone, Copy, Debug)]
pub struct PlanRequest<'a> {
    /// Paths of files and directories; `-` means standard input.
    pub inputs: &'a [PathBuf],
    /// Input format to read every input as; none to use the format that each file's extension names.
    pub from: Option<Format>,
    /// Path of the output file or directory; `-` or none means standard output.
    pub output: Option<&'a Path>,
    pub formats: &'a [OutputFormat],
    /// Whether to overwrite outputs that exist.
    pub force: bool,
}

/// An input to read a text from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputSource {
    Stdin,
    File(PathBuf),
}

impl fmt::Display for InputSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputSource::Stdin => f.write_str("standard input"),
            InputSource::File(path) => path.display().fmt(f),
        }
    }
}

/// One output of one input: its format and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedOutput {
    pub format: OutputFormat,
    /// Path of the output file; none for standard output.
    pub path: Option<PathBuf>,
}

impl fmt::Display for PlannedOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            None => f.write_str("standard output"),
            Some(path) => path.display().fmt(f),
        }
    }
}

/// One input to translate, with all outputs to write for it.
#[derive(Clone, Debug)]
pub struct TranslationTask {
    pub input: InputSource,
    pub format: Format,
    pub outputs: Vec<PlannedOutput>,
}

impl InputSource {
    /// Converts a command-line argument to an input; `-` becomes standard input.
    pub fn from_argument(path: &Path) -> Self {
        if file::is_dash(path) {
            InputSource::Stdin
        } else {
            InputSource::File(path.to_path_buf())
        }
    }

    /// Reads all bytes of the input.
    pub fn read(&self) -> Result<Vec<u8>> {
        match self {
            InputSource::Stdin => file::read_stdin(),
            InputSource::File(path) => file::read_file(path),
        }
    }

    /// Checks that the input can be read in the format `from`, or in that which its name tells.
    ///
    /// # Errors
    /// `Input` for an address of the web, which plae does not fetch, and for a table with commas, unless `from` says
    /// how to read it.
    pub fn check_format(&self, from: Option<Format>) -> Result<()> {
        let InputSource::File(path) = self else {
            return Ok(());
        };
        if let Some(address) = path.to_str().filter(|text| is_web_address(text) && !path.exists()) {
            return Err(Error::input("is an address of the web, and plae reads files")
                .path(path)
                .hint(web_address_hint(address)));
        }
        let is_csv = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        if is_csv && from.is_none() && path.exists() {
            return Err(
                Error::input("is a table with commas, whose cells plae would not keep apart")
                    .path(path)
                    .hint("save the column with the Thai as text; --from text reads the table as it is"),
            );
        }
        Ok(())
    }

    /// Returns the file's path with links resolved, to compare it with other paths; none for standard input.
    pub fn resolved_file_path(&self) -> Option<PathBuf> {
        match self {
            InputSource::Stdin => None,
            InputSource::File(path) => Some(file::resolve_path(path)),
        }
    }

    /// Returns the format that the file's extension names; plain text for other files and for standard input.
    pub fn detect_format(&self) -> Format {
        match self {
            InputSource::Stdin => None,
            InputSource::File(path) => input_format_of(path),
        }
        .unwrap_or(Format::Text)
    }

    /// Returns the file's name without its directory; bytes that are not Unicode are replaced. None for standard input.
    pub fn file_name(&self) -> Option<Cow<'_, str>> {
        match self {
            InputSource::Stdin => None,
            InputSource::File(path) => path.file_name().map(OsStr::to_string_lossy),
        }
    }
}

/// The result of [`plan_tasks`]: the inputs to translate, and those that cannot be translated.
#[derive(Debug, Default)]
pub struct RunPlan {
    pub tasks: Vec<TranslationTask>,
    /// Inputs that cannot be translated, each with its error. They do not stop the others.
    pub failures: Vec<InputFailure>,
    /// Files of input directories that are passed over.
    pub skipped: SkippedFiles,
}

/// An input, and the path that its outputs get below an output directory, before the extension is replaced.
struct FoundInput {
    input: InputSource,
    place: PathBuf,
}

/// Decides which inputs to read, in which formats, and which outputs to write for each.
///
/// # Errors
/// `Usage` for a request that makes no sense as a whole, such as two inputs for one output file. Problems of a single
/// input are in [`RunPlan::failures`] instead.
pub fn plan_tasks(request: &PlanRequest) -> Result<RunPlan> {
    let output = request.output.filter(|path| !file::is_dash(path));
    let directory = output.filter(|path| is_output_directory(path, request.inputs));
    if let Some(directory) = directory {
        check_output_directory(directory, request)?;
    }
    let formats = choose_output_formats(request, output, directory.is_some())?;
    let mut plan = RunPlan::default();
    let found = gather_inputs(request, directory, &mut plan)?;
    let outputs = match (directory, output) {
        (Some(directory), _) => {
            let places: Vec<_> = found.iter().map(|found| found.place.as_path()).collect();
            name_outputs_in_directory(directory, &places, &formats)?
        }
        (None, Some(path)) => vec![name_outputs_by_file(path, &formats)?; found.len()],
        (None, None) => {
            let [format] = formats[..] else {
                return Err(Error::usage("standard output takes one format only")
                    .hint("name an output with -o; each format gets its own extension"));
            };
            if found.len() > 1 && format.stream_separation() == StreamSeparation::Never {
                return Err(Error::usage(format!(
                    "several {} documents cannot follow each other on standard output",
                    format.name()
                ))
                .hint("name an output directory with -o"));
            }
            vec![vec![PlannedOutput { format, path: None }]; found.len()]
        }
    };
    let inputs: HashSet<_> = found
        .iter()
        .filter_map(|found| found.input.resolved_file_path())
        .collect();
    for (found, outputs) in found.into_iter().zip(outputs) {
        match check_outputs(&outputs, &inputs, directory.is_some(), request.force)? {
            Some(error) => plan.failures.push(InputFailure {
                input: found.input.to_string(),
                error,
            }),
            None => plan.tasks.push(TranslationTask {
                format: request.from.unwrap_or_else(|| found.input.detect_format()),
                input: found.input,
                outputs,
            }),
        }
    }
    Ok(plan)
}

/// Whether the path given with `-o` is meant as a directory: it ends in a separator, is an existing directory, or has
/// to hold the outputs of several inputs.
fn is_output_directory(output: &Path, inputs: &[PathBuf]) -> bool {
    ends_in_separator(output) || output.is_dir() || inputs.len() > 1 || inputs.iter().any(|input| input.is_dir())
}

fn ends_in_separator(path: &Path) -> bool {
    let last = path.as_os_str().as_encoded_bytes().last();
    last.is_some_and(|last| std::path::is_separator(char::from(*last)))
}

fn check_output_directory(directory: &Path, request: &PlanRequest) -> Result<()> {
    let hint = "name a directory with -o";
    if directory.exists() && !directory.is_dir() {
        return Err(Error::usage("several outputs cannot go into one file")
            .path(directory)
            .hint(hint));
    }
    // `plae translate a.txt b.txt -o out.html` is more often a mistake than a request for a directory of that name.
    if !directory.is_dir() && !ends_in_separator(directory) && output_format_of(directory).is_some() {
        return Err(Error::usage("several inputs cannot go into one output file")
            .path(directory)
            .hint(format!("{hint}; a final `/` makes any name one")));
    }
    let real = file::resolve_path(directory);
    match request
        .inputs
        .iter()
        .find(|input| input.is_dir() && file::resolve_path(input) == real)
    {
        None => Ok(()),
        Some(input) => Err(output_is_input_error(input)),
    }
}

/// Returns the output format that the extension of a path names; none if it names none.
fn output_format_of(path: &Path) -> Option<OutputFormat> {
    path.extension()
        .and_then(OsStr::to_str)
        .and_then(OutputFormat::from_extension)
}

/// Returns the requested output formats without duplicates. If none is requested: HTML for a directory, the format that
/// the extension names for a file, and text for standard output and devices.
fn choose_output_formats(request: &PlanRequest, output: Option<&Path>, directory: bool) -> Result<Vec<OutputFormat>> {
    let mut formats = Vec::new();
    for format in request.formats {
        if !formats.contains(format) {
            formats.push(*format);
        }
    }
    if !formats.is_empty() {
        return Ok(formats);
    }
    Ok(vec![match output {
        None => OutputFormat::Text,
        Some(_) if directory => OutputFormat::Html,
        // A device or a named pipe.
        Some(path) if path.exists() && !path.is_file() => OutputFormat::Text,
        Some(path) => output_format_of(path).ok_or_else(|| {
            let names: Vec<_> = OutputFormat::ALL.map(|format| format.name()).to_vec();
            Error::usage("no format is known by this extension")
                .path(path)
                .hint(format!("name one with --format: {}", names.join(", ")))
        })?,
    }])
}

/// Returns the reason why one of an input's outputs cannot be written; none if all can be. A link that the user named
/// is written through, but not one that stands in an output directory.
///
/// # Errors
/// `Usage` if an output is also an input: this stops the whole run.
fn check_outputs(
    outputs: &[PlannedOutput],
    inputs: &HashSet<PathBuf>,
    in_directory: bool,
    force: bool,
) -> Result<Option<Error>> {
    for path in outputs.iter().filter_map(|output| output.path.as_deref()) {
        if inputs.contains(&file::resolve_path(path)) {
            return Err(Error::usage("the output is an input")
                .path(path)
                .hint("write elsewhere with -o"));
        }
        if in_directory && std::fs::symlink_metadata(path).is_ok_and(|standing| standing.is_symlink()) {
            let error = Error::output("the output exists: a link, which is not written through").path(path);
            return Ok(Some(error.hint("remove the link, or write elsewhere with -o")));
        }
        match std::fs::metadata(path) {
            Ok(standing) if standing.is_dir() => {
                return Ok(Some(Error::output("is a directory").path(path)));
            }
            Ok(standing) if standing.is_file() => {
                if !force {
                    return Ok(Some(file::output_exists_error(path)));
                }
            }
            // A device or a named pipe.
            Ok(_) => continue,
            Err(_) => {}
        }
        if let Err(error) = file::check_writable(path) {
            return Ok(Some(error));
        }
    }
    Ok(None)
}
