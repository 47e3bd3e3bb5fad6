//! The paths of outputs, given the file or the directory that `-o` names.

use super::{PlannedOutput, output_format_of};
use crate::error::{Error, Result};
use crate::render::OutputFormat;
use std::collections::HashMap;
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
/// same paths with another extension, or with one more if two inputs would otherwise get the same output.
///
/// # Errors
/// `Usage` if two inputs would get the same output even with their extensions.
pub fn name_outputs_in_directory(
    directory: &Path,
    places: &[&Path],
    formats: &[OutputFormat],
) -> Result<Vec<Vec<PlannedOutput>>> {
    let short = |place: &Path| directory.join(place.with_extension(""));
    let mut uses: HashMap<PathBuf, usize> = HashMap::new();
    for place in places {
        *uses.entry(short(place)).or_default() += 1;
    }
    let mut taken: HashMap<PathBuf, &Path> = HashMap::new();
    let mut all = Vec::with_capacity(places.len());
    for place in places {
        let stem = match uses[&short(place)] {
            1 => short(place),
            _ => directory.join(place),
        };
        let mut outputs = Vec::with_capacity(formats.len());
        for format in formats {
            let path = append_extension(&stem, format.file_extension());
            if let Some(other) = taken.insert(path.clone(), place) {
                return Err(Error::usage(format!(
                    "two inputs would be written to it: {} and {}",
                    other.display(),
                    place.display()
                ))
                .path(path)
                .hint("translate them in two runs, into two directories"));
            }
            outputs.push(PlannedOutput {
                format: *format,
                path: Some(path),
            });
        }
        all.push(outputs);
    }
    Ok(all)
}
