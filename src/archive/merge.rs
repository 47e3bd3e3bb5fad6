//! Merges the shards of one output directory, or several output directories, into one archive with one memory and
//! one report.

use super::name::is_output_path;
use super::record::WrittenOutput;
use super::{ArchiveDir, ArchiveLock, ArchiveState, Overwrite, create_staging_dir, write_report};
use crate::error::{Error, Hint, Result};
use crate::file::{self, Existing};
use crate::memory::Memory;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Numbers of archives, articles and translations that [`merge_archives`] processed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeCounts {
    /// Number of shards and whole archives that were merged into the target.
    pub parts: usize,
    /// Number of articles that were copied to the target.
    pub articles: usize,
    /// Number of articles that the target already had, made from another source or with other settings; the target's
    /// version was kept.
    pub kept: usize,
    /// Number of translations that were added to the target's memory.
    pub translations: usize,
}

/// Merges shards and other archives into the archive in the directory `output`.
///
/// The shards of `output` itself are merged first, and their directories are deleted. Then the archives in the
/// directories `inputs` and their shards are merged: their outputs are copied, and they stay unchanged. If several
/// archives have the same article, the first one's version is kept; within one archive, a shard's version replaces
/// the whole archive's. An interrupted merge can be repeated.
///
/// # Errors
/// `Usage` if a directory holds no archive or a run has locked it; `Output` if a file cannot be written; errors of the
/// databases.
pub fn merge_archives(output: &Path, inputs: &[PathBuf]) -> Result<MergeCounts> {
    let target = ArchiveDir::new(output, None);
    let mut dirs = vec![target.clone()];
    for input in inputs {
        if dirs
            .iter()
            .all(|dir| file::resolve_path(dir.output_dir()) != file::resolve_path(input))
        {
            dirs.push(ArchiveDir::new(input, None));
        }
    }
    // Checked first, so that nothing is written to a directory that holds no archive.
    let has_inputs = dirs.len() > 1;
    for dir in &dirs[usize::from(has_inputs)..] {
        if !dir.database_path().is_file() && dir.list_unmerged_shards()?.is_empty() {
            return Err(Error::usage("is no output directory of an archive").path(dir.output_dir()));
        }
    }
    let _locks = dirs.iter().map(ArchiveLock::acquire).collect::<Result<Vec<_>>>()?;
    let staging = create_staging_dir(&target)?;
    let memory = Memory::open(&target.database_path())?;
    let state = ArchiveState::open(&target.database_path())?;
    let mut merged = MergeCounts::default();
    for dir in &dirs {
        let is_own = dir.output_dir() == target.output_dir();
        let whole = (!is_own).then(|| dir.clone());
        // Shards come before the whole archive, because their articles are newer than the archive's.
        for part in dir.list_unmerged_shards()?.into_iter().chain(whole) {
            let database = part.database_path();
            if database.is_file() {
                merged.parts += 1;
                merged.translations += memory.absorb_memory(&database)?;
                let (taken, kept) = if is_own {
                    (state.import_shard(&database)?, 0)
                } else {
                    state.import_missing_articles(&database, &mut |output, replaced| {
                        copy_output(output, replaced, dir.output_dir(), target.output_dir(), &staging)
                    })?
                };
                merged.articles += taken;
                merged.kept += kept;
            }
            if is_own {
                let failed = |error| file::output_write_error(part.state_dir(), error);
                std::fs::remove_dir_all(part.state_dir()).map_err(failed)?;
            }
        }
    }
    // A file of another program keeps its name.
    let moved = |error: Error| match error.hint.as_deref() {
        Some(Hint::MoveForeign | Hint::LearnEdits | Hint::MoveEdited) => {
            merge_elsewhere_error(&error.path.unwrap_or_default())
        }
        _ => error,
    };
    write_report(&target, &state, &Overwrite::Nothing).map_err(moved)?;
    Ok(merged)
}

/// Copies an output file from the archive in the directory `from` to the one in `to`. Skips a missing one: the next run
/// writes it again. In `to`, only the file with the SHA-256 `replaced` may be overwritten.
fn copy_output(output: &WrittenOutput, replaced: Option<&str>, from: &Path, to: &Path, staging: &Path) -> Result<()> {
    let path = Path::new(&output.path);
    if !is_output_path(path) {
        return Err(Error::input("the archive names an output that leads out of it").path(from.join(path)));
    }
    let (source, target) = (from.join(path), to.join(path));
    if !std::fs::metadata(&source).is_ok_and(|metadata| metadata.is_file()) {
        return Ok(());
    }
    let bytes = file::read_file(&source)?;
    let sha256 = file::to_hexadecimal(&Sha256::digest(&bytes));
    // An output that a person edited is copied, too; what a link points to only if plae wrote it.
    if sha256 != output.sha256 && has_link(from, path) {
        return Err(
            Error::input("a link leads out of the archive, to a file that plae did not write")
                .path(source)
                .hint("remove the link, and the output is left out"),
        );
    }
    let standing = match std::fs::symlink_metadata(&target) {
        Ok(metadata) if metadata.is_file() => file::hash_file(&target).ok(),
        Ok(_) => return Err(merge_elsewhere_error(&target)),
        Err(_) => None,
    };
    if standing.as_ref() == Some(&sha256) {
        return Ok(());
    }
    let may_replace = standing.is_some() && standing.as_deref() == replaced;
    if standing.is_some() && !may_replace {
        return Err(merge_elsewhere_error(&target));
    }
    let mut fill = |out: &mut dyn Write| out.write_all(&bytes).map_err(file::failed_write_error);
    let existing = if may_replace { Existing::Replace } else { Existing::Keep };
    file::write_file_checked(&target, staging, &mut fill, &mut |_| Ok(existing)).map(drop)
}

fn merge_elsewhere_error(path: &Path) -> Error {
    Error::output("another file stands where an output would be copied")
        .path(path)
        .hint(Hint::MergeElsewhere)
}

/// Whether a part of `path`, a path below `root`, is a symbolic link.
fn has_link(root: &Path, path: &Path) -> bool {
    let mut at = root.to_path_buf();
    path.iter().any(|name| {
        at.push(name);
        std::fs::symlink_metadata(&at).is_ok_and(|metadata| metadata.is_symlink())
    })
}
