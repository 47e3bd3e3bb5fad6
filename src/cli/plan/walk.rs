//! Expands the inputs of a run: directories are replaced by the files below them.

use super::{FoundInput, InputSource, PlanRequest, RunPlan};
use crate::archive::{InputFailure, find_articles, no_articles_failure};
use crate::cli::file;
use crate::cli::typed::{is_web_address, web_address_hint};
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
        } else if let Some(error) = explain_unreadable_input(input, request) {
            plan.failures.push(InputFailure {
                input: input.display().to_string(),
                error,
            });
        } else {
            found.push(FoundInput {
                input: InputSource::File(input.clone()),
                place: input.file_name().map(PathBuf::from).unwrap_or_default(),
            });
        }
    }
    Ok(found)
}

/// Returns the error for an input that is known by its name not to be readable: an address of the web, or a table.
fn explain_unreadable_input(input: &Path, request: &PlanRequest) -> Option<Error> {
    let text = input.to_str()?;
    if is_web_address(text) && !input.exists() {
        return Some(
            Error::input("is an address of the web, and plae reads files")
                .path(input)
                .hint(web_address_hint(text)),
        );
    }
    let is_csv = input
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    if is_csv && request.from.is_none() && input.exists() {
        return Some(
            Error::input("is a table with commas, whose cells plae would not keep apart")
                .path(input)
                .hint("save the column with the Thai as text; --from text reads the table as it is"),
        );
    }
    None
}
