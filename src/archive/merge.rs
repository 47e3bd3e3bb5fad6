//! Joining archives: the shards of one output directory, or several output directories, to one memory and one report.

use super::record::Record;
use super::{ArchiveDir, Lock, State, staging, write_report};
use crate::error::{Error, Hint, Result};
use crate::file;
use crate::memory::Memory;
use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Counts of a merge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Shards and whole archives that were joined.
    pub parts: usize,
    /// Articles that were taken over.
    pub articles: usize,
    /// Articles that the target had done in another manner or from another source: the target's stay.
    pub kept: usize,
    /// Translations that the memory did not have.
    pub translations: usize,
}

/// Joins into the archive of `output` its own shards, which are gone then, and the archives of `inputs` with theirs, which stay
/// as they are; their outputs are copied. Where several have an article, the first one stays, and a shard's own outranks what
/// its archive had. Broken off, it can be repeated.
///
/// # Errors
/// Of kind `Usage`, where a directory is no archive's or a run is at work in it; the database's; of kind `Output`.
pub fn merge(output: &Path, inputs: &[PathBuf]) -> Result<Merged> {
    let target = ArchiveDir::new(output, None);
    let mut dirs = vec![target.clone()];
    for input in inputs {
        if dirs.iter().all(|dir| file::real(dir.output_dir()) != file::real(input)) {
            dirs.push(ArchiveDir::new(input, None));
        }
    }
    // Nothing is written to a directory that is no archive's.
    let has_inputs = dirs.len() > 1;
    for dir in &dirs[usize::from(has_inputs)..] {
        if !dir.database().is_file() && dir.unmerged_shards()?.is_empty() {
            return Err(Error::usage("is no output directory of an archive").path(dir.output_dir()));
        }
    }
    let _locks = dirs.iter().map(Lock::take).collect::<Result<Vec<_>>>()?;
    let staging = staging(&target)?;
    let memory = Memory::open(&target.database())?;
    let state = State::open(&target.database())?;
    let mut merged = Merged::default();
    for dir in &dirs {
        let is_own = dir.output_dir() == target.output_dir();
        let whole = (!is_own).then(|| dir.clone());
        // What a shard did came after what its archive knew.
        for part in dir.unmerged_shards()?.into_iter().chain(whole) {
            let database = part.database();
            if database.is_file() {
                merged.parts += 1;
                merged.translations += memory.absorb(&database)?;
                let (taken, kept) = if is_own {
                    (state.take_over(&database)?, 0)
                } else {
                    state.import_missing(&database, &mut |record| {
                        copy_outputs(record, dir.output_dir(), target.output_dir(), &staging)
                    })?
                };
                merged.articles += taken;
                merged.kept += kept;
            }
            if is_own {
                let failed = |error| file::failure(part.state_dir(), error);
                std::fs::remove_dir_all(part.state_dir()).map_err(failed)?;
            }
        }
    }
    write_report(&target, &state)?;
    Ok(merged)
}

/// Copies an article's outputs; one that is missing is made again by the next run.
fn copy_outputs(record: &Record, from: &Path, to: &Path, staging: &Path) -> Result<()> {
    for output in &record.outputs {
        let path = Path::new(&output.path);
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(Error::input("the archive names an output that leads out of it").path(from.join(path)));
        }
        let (from, to) = (from.join(path), to.join(path));
        let Ok(mut source) = File::open(&from) else { continue };
        match std::fs::read(&to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Ok(bytes) if bytes == file::read(&from)? => continue,
            _ => {
                return Err(Error::output("another file stands where an output would be copied")
                    .path(to)
                    .hint(Hint::MergeElsewhere));
            }
        }
        file::stream(&to, Some(staging), false, &mut |out| {
            io::copy(&mut source, out).map(drop)
        })?;
    }
    Ok(())
}
