//! Merges the shards of one output directory, or several output directories, into one archive with one memory and
//! one report.

use super::record::ArticleRecord;
use super::{ArchiveDir, ArchiveLock, ArchiveState, create_staging_dir, write_report};
use crate::error::{Error, Hint, Result};
use crate::file;
use crate::memory::Memory;
use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};

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
                    state.import_missing_articles(&database, &mut |record| {
                        copy_article_outputs(record, dir.output_dir(), target.output_dir(), &staging)
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
    write_report(&target, &state)?;
    Ok(merged)
}

/// Copies an article's output files from the directory `from` to the directory `to`. Skips missing ones: the next run
/// writes them again.
fn copy_article_outputs(record: &ArticleRecord, from: &Path, to: &Path, staging: &Path) -> Result<()> {
    for output in &record.outputs {
        let path = Path::new(&output.path);
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(Error::input("the archive names an output that leads out of it").path(from.join(path)));
        }
        let (from, to) = (from.join(path), to.join(path));
        let Ok(mut source) = File::open(&from) else { continue };
        match std::fs::read(&to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Ok(bytes) if bytes == file::read_file(&from)? => continue,
            _ => {
                return Err(Error::output("another file stands where an output would be copied")
                    .path(to)
                    .hint(Hint::MergeElsewhere));
            }
        }
        file::write_file_with(&to, Some(staging), false, &mut |out| {
            io::copy(&mut source, out).map(drop)
        })?;
    }
    Ok(())
}
