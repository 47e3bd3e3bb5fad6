//! Expands the inputs of a run: directories are replaced by the files below them.

use super::{FoundInput, InputSource, PlanRequest, RunPlan};
use crate::archive::{InputFailure, find_articles, no_articles_failure};
use crate::cli::file;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// Lists the inputs of a request, with each directory replaced by the files below it that can be translated. Leaves
/// out the directory `output`. Adds files that cannot be read and the files that are passed over to `plan`.
pub fn gather_inputs(request: &PlanRequest, output: Option<&Path>, plan: &mut RunPlan) -> Result<Vec<FoundInput>> {
    let mut found = Vec::new();
    for input in request.inputs {
        if file::is_dash(input) {
            if found.iter().any(|found: &FoundInput| found.input == InputSource::Stdin) {
                return Err(Error::usage("standard input can be read once only"));
            }
            found.push(FoundInput {
                input: InputSource::Stdin,
                place: PathBuf::from("stdin"),
            });
        } else if input.is_dir() {
            // The files of a single input directory go straight into the output directory; with several inputs, each
            // directory keeps its name there.
            let base = match request.inputs {
                [_] => PathBuf::new(),
                _ => file::resolve_path(input)
                    .file_name()
                    .map(PathBuf::from)
                    .unwrap_or_default(),
            };
            let before = (found.len(), plan.failures.len());
            let below = find_articles(input, &[], output)?;
            found.extend(below.articles.into_iter().map(|article| FoundInput {
                place: base.join(article.place),
                input: InputSource::File(article.path),
            }));
            plan.failures.extend(below.failures);
            if before == (found.len(), plan.failures.len()) {
                plan.failures.push(no_articles_failure(input, &[], &below.skipped));
            }
            plan.skipped.add(below.skipped);
        } else {
            let source = InputSource::File(input.clone());
            match source.check_format(request.from) {
                Ok(()) => found.push(FoundInput {
                    input: source,
                    place: input.file_name().map(PathBuf::from).unwrap_or_default(),
                }),
                Err(error) => plan.failures.push(InputFailure {
                    input: source.to_string(),
                    error,
                }),
            }
        }
    }
    Ok(found)
}
