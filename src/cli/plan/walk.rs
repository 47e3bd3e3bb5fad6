//! The inputs of a run: files as they are named, directories as the articles below them.

use super::{Found, Input, Plan, Request};
use crate::archive::{find_articles, no_articles};
use crate::cli::file;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// Gives the inputs with their places, articles for directories; what cannot be read or is passed over goes to `plan`.
pub fn gather(request: &Request, output: Option<&Path>, plan: &mut Plan) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for input in request.inputs {
        if file::is_dash(input) {
            if found.iter().any(|found: &Found| found.input == Input::Stdin) {
                return Err(Error::usage("standard input can be read once only"));
            }
            found.push(Found {
                input: Input::Stdin,
                place: PathBuf::from("stdin"),
            });
        } else if input.is_dir() {
            // A single directory is mirrored by its contents; among others it keeps its name.
            let base = match request.inputs {
                [_] => PathBuf::new(),
                _ => file::real(input).file_name().map(PathBuf::from).unwrap_or_default(),
            };
            let before = (found.len(), plan.failures.len());
            let below = find_articles(input, &[], output)?;
            found.extend(below.articles.into_iter().map(|article| Found {
                place: base.join(article.place),
                input: Input::File(article.path),
            }));
            plan.failures.extend(below.failures);
            plan.skipped += below.skipped;
            if before == (found.len(), plan.failures.len()) {
                plan.failures.push(no_articles(input));
            }
        } else {
            found.push(Found {
                input: Input::File(input.clone()),
                place: input.file_name().map(PathBuf::from).unwrap_or_default(),
            });
        }
    }
    Ok(found)
}
