//! The paths of outputs, given the file or the directory that `-o` names.

use super::{PlannedOutput, output_format_of};
use crate::archive::{NameCollision, OutputStemForm, name_apart};
use crate::error::{Error, Result};
use crate::render::OutputFormat;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Names the outputs of one input by the file `path`. A single format is written to `path` itself. Of several formats,
/// each gets the stem of `path` with its own extension.
pub fn name_outputs_by_file(path: &Path, formats: &[OutputFormat]) -> Result<Vec<PlannedOutput>> {
    if let [format] = formats {
        return Ok(vec![PlannedOutput {
            format: *format,
            path: Some(path.to_path_buf()),
        }]);
    }
    if path.file_name().is_none() || (path.exists() && !path.is_file()) {
        return Err(Error::usage("several formats cannot go into one output").path(path));
    }
    let own = output_format_of(path);
    let stem = match own {
        Some(_) => path.with_extension(""),
        None => path.to_path_buf(),
    };
    Ok(formats
        .iter()
        .map(|format| PlannedOutput {
            format: *format,
            path: Some(if own == Some(*format) {
                path.to_path_buf()
            } else {
                append_extension(&stem, format.file_extension())
            }),
        })
        .collect())
}

/// Appends `.suffix` to a path, and keeps the extension that the path has.
fn append_extension(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// Names the outputs of several inputs below `directory`. `places` are the inputs' relative paths: the outputs get the
/// same paths with another extension, or with one more if two inputs would otherwise get the same output, on any file
/// system; if the names are still equal, a hash of the input's path is added.
///
/// # Errors
/// `Usage` if two inputs have the same path.
pub fn name_outputs_in_directory(
    directory: &Path,
    places: &[&Path],
    formats: &[OutputFormat],
) -> Result<Vec<Vec<PlannedOutput>>> {
    let name = |index: usize, form: OutputStemForm| {
        let stem = directory
            .join(places[index])
            .with_file_name(form.stem_of(places[index]));
        Ok(formats
            .iter()
            .map(|format| append_extension(&stem, format.file_extension()))
            .collect())
    };
    let collision = |NameCollision { first, second, path }: NameCollision| {
        Error::usage(format!(
            "two inputs would be written to it: {} and {}",
            places[first].display(),
            places[second].display()
        ))
        .path(path)
        .hint("translate them in two runs, into two directories")
    };
    let named = name_apart(places.len(), &[], &name, &collision)?;
    let to_output = |(format, path): (&OutputFormat, PathBuf)| PlannedOutput {
        format: *format,
        path: Some(path),
    };
    Ok(named
        .into_iter()
        .map(|paths| formats.iter().zip(paths).map(to_output).collect())
        .collect())
}
