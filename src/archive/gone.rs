//! Articles whose source is gone from the input directory: found, reported, and their outputs removed on request.

use super::name::is_output_path;
use super::place::path_from_place;
use super::publish::{OutputPublisher, OutputStanding};
use super::shard::ArchiveDir;
use super::state::ArchiveState;
use super::{ArticleList, create_staging_dir};
use crate::error::Result;
use crate::file;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// An article of the archive whose source is not in the input directory any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoneArticle {
    /// Path that the source had below the input directory.
    pub place: String,
    /// Path below the input directory of an article with the same content, if there is one: the source was renamed.
    pub renamed_to: Option<String>,
}

/// The result of [`prune_gone_articles`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrunedOutputs {
    /// Number of output files that were removed.
    pub removed: usize,
    /// Paths of outputs of gone articles that were kept, because somebody edited them.
    pub edited: Vec<PathBuf>,
}

/// Finds the articles whose source is gone, and stores them in the state for the report.
///
/// `articles` are those that the present run found. Articles that it left out, because a filter or a shard excludes
/// them, are not gone. An input directory without any article is more often one that is not mounted: then nothing is
/// found to be gone.
///
/// # Errors
/// Errors of the database.
pub fn find_gone_articles(articles: &ArticleList, state: &ArchiveState) -> Result<Vec<GoneArticle>> {
    if articles.is_empty() {
        return Ok(Vec::new());
    }
    let present: HashSet<String> = articles.iter().map(|article| article.place).collect();
    let is_gone = |place: &str| {
        let path = articles.root().join(path_from_place(place));
        !present.contains(place) && fs::symlink_metadata(path).is_err_and(|error| is_absence(&error))
    };
    let gone: Vec<GoneArticle> = state
        .list_places()?
        .into_iter()
        .filter(|place| is_gone(place))
        .map(|place| {
            let renamed_to = state.find_same_source(&place, &|other| present.contains(other))?;
            Ok(GoneArticle { place, renamed_to })
        })
        .collect::<Result<_>>()?;
    state.store_gone_articles(
        &gone
            .iter()
            .map(|gone| (&*gone.place, gone.renamed_to.as_deref()))
            .collect::<Vec<_>>(),
    )?;
    Ok(gone)
}

/// Removes the outputs of articles that [`find_gone_articles`] found, unless somebody edited them, and forgets the
/// articles that have no output left.
///
/// # Errors
/// `Output` if a file cannot be removed; errors of the database.
pub fn prune_gone_articles(dir: &ArchiveDir, gone: &[GoneArticle], state: &ArchiveState) -> Result<PrunedOutputs> {
    let publisher = OutputPublisher::new(dir, state, create_staging_dir(dir)?);
    let mut pruned = PrunedOutputs::default();
    if gone.is_empty() {
        return Ok(pruned);
    }
    // A renamed article may have the same output as before.
    let mut in_use = HashSet::new();
    state.for_each_record(&mut |record| {
        if record.gone.is_none() {
            in_use.extend(record.outputs.into_iter().map(|output| output.path));
        }
        Ok(())
    })?;
    for article in gone {
        let Some(mut done) = state.find_done_article(&article.place)? else {
            continue;
        };
        let mut kept = Vec::new();
        for output in std::mem::take(&mut done.record.outputs) {
            if in_use.contains(&output.path) || !is_output_path(Path::new(&output.path)) {
                continue;
            }
            match publisher.find_standing(&output.path)? {
                OutputStanding::Own => {
                    let path = publisher.path_of(&output.path);
                    fs::remove_file(&path).map_err(|error| file::output_write_error(&path, error))?;
                    remove_empty_directories(&path, dir.output_dir());
                    state.forget_output(&output.path)?;
                    pruned.removed += 1;
                }
                OutputStanding::Missing => state.forget_output(&output.path)?,
                OutputStanding::Edited | OutputStanding::Foreign => {
                    pruned.edited.push(publisher.path_of(&output.path));
                    kept.push(output);
                }
            }
        }
        if kept.is_empty() {
            state.forget_article(&article.place)?;
        } else {
            done.record.outputs = kept;
            state.store_article_record(&done.record, &done.manner)?;
        }
    }
    Ok(pruned)
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Removes the directories above a removed file that are empty now, as far as the output directory.
fn remove_empty_directories(path: &Path, output_dir: &Path) {
    let above = path.ancestors().skip(1);
    for directory in above.take_while(|directory| *directory != output_dir) {
        // One that is not empty, or a link, stays.
        if fs::remove_dir(directory).is_err() {
            return;
        }
    }
}
