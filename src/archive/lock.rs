//! The lock on an output directory, so that only one run at a time writes to it.

use super::shard::ArchiveDir;
use crate::error::{Error, Hint, Result};
use crate::file;
use std::fs::{File, TryLockError};
use std::path::Path;

/// Name of the file on which the operating system's lock is taken. The system releases it when the process ends.
const LOCK_FILE_NAME: &str = "lock";
/// Name of the file in which the process that holds the lock is named, for the error messages of other processes.
const LOCK_HOLDER_FILE_NAME: &str = "holder";

/// An exclusive lock on an archive's output directory, or on one shard of it. Dropping the value releases the lock.
pub struct ArchiveLock {
    _files: Vec<File>,
}

impl ArchiveLock {
    /// Locks the output directory `dir`, and creates it if it is missing. A locked shard excludes runs over the whole
    /// archive, but not runs of other shards.
    ///
    /// # Errors
    /// `Usage` if another run holds the lock; `Output` if the lock's file cannot be written.
    pub fn acquire(dir: &ArchiveDir) -> Result<Self> {
        let mut files = Vec::new();
        let whole = dir.to_whole_archive();
        if dir.shard().is_some() {
            let shared = open_lock_file(whole.state_dir())?;
            explain_lock_failure(shared.try_lock_shared(), &whole)?;
            files.push(shared);
        }
        let own = open_lock_file(dir.state_dir())?;
        explain_lock_failure(own.try_lock(), dir)?;
        files.push(own);
        let host = gethostname::gethostname();
        let holder = format!("process {} on {}\n", std::process::id(), host.to_string_lossy());
        // Only a message: the lock holds without it.
        let _ = std::fs::write(dir.state_dir().join(LOCK_HOLDER_FILE_NAME), holder);
        Ok(Self { _files: files })
    }
}

fn open_lock_file(home: &Path) -> Result<File> {
    let path = home.join(LOCK_FILE_NAME);
    let failed = |error| file::output_write_error(&path, error);
    std::fs::create_dir_all(home).map_err(failed)?;
    let mut options = File::options();
    // Network file systems want both, for locks of either kind.
    options.create(true).truncate(false).read(true).write(true);
    options.open(&path).map_err(failed)
}

/// Turns a failed attempt to take a lock into an error that names the process holding it.
fn explain_lock_failure(locked: std::result::Result<(), TryLockError>, dir: &ArchiveDir) -> Result<()> {
    match locked {
        Ok(()) => Ok(()),
        Err(TryLockError::Error(error)) => Err(file::output_write_error(&dir.state_dir().join(LOCK_FILE_NAME), error)),
        Err(TryLockError::WouldBlock) => {
            let (holder, place) = describe_lock_holder(dir);
            Err(Error::usage(format!("{holder} is at work in {place}"))
                .path(dir.output_dir())
                .hint(Hint::WaitForOtherRun))
        }
    }
}

/// Returns the name of the process that holds the lock, and a phrase for the part of the directory that it has locked.
fn describe_lock_holder(dir: &ArchiveDir) -> (String, String) {
    let is_held = |dir: &ArchiveDir| {
        let file = open_lock_file(dir.state_dir());
        file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    };
    // The whole archive may be locked because a run holds one of its shards.
    let shard = match dir.shard() {
        Some(_) => None,
        None => dir.list_unmerged_shards().unwrap_or_default().into_iter().find(is_held),
    };
    let dir = shard.as_ref().unwrap_or(dir);
    let holder = std::fs::read_to_string(dir.state_dir().join(LOCK_HOLDER_FILE_NAME)).unwrap_or_default();
    let holder = match holder.trim() {
        "" => "another process".to_owned(),
        holder => holder.to_owned(),
    };
    match dir.shard() {
        None => (holder, "this directory".to_owned()),
        Some(shard) => (holder, format!("shard {shard} of this directory")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_second_run_is_told_who_holds_the_directory() {
        let home = tempfile::tempdir().unwrap();
        let whole = ArchiveDir::new(home.path(), None);
        let first = ArchiveLock::acquire(&whole).unwrap();
        let Err(error) = ArchiveLock::acquire(&whole) else {
            panic!("taken twice")
        };
        assert_eq!(error.kind, ErrorKind::Usage);
        assert!(
            error.message.contains(&format!("process {} on ", std::process::id())),
            "{error}"
        );
        drop(first);
        ArchiveLock::acquire(&whole).unwrap();
    }

    #[test]
    fn shards_exclude_the_whole_and_not_each_other() {
        let home = tempfile::tempdir().unwrap();
        let whole = ArchiveDir::new(home.path(), None);
        let [a, b] = ["0/2", "1/2"].map(|shard| ArchiveDir::new(home.path(), Some(shard.parse().unwrap())));
        let first = ArchiveLock::acquire(&a).unwrap();
        let second = ArchiveLock::acquire(&b).unwrap();
        for dir in [&whole, &a] {
            let Err(error) = ArchiveLock::acquire(dir) else {
                panic!("taken twice")
            };
            assert!(error.message.contains("in shard 0/2"), "{error}");
        }
        drop(first);
        let Err(error) = ArchiveLock::acquire(&whole) else {
            panic!("taken from a shard")
        };
        assert!(error.message.contains("in shard 1/2"), "{error}");
        drop(second);
        let all = ArchiveLock::acquire(&whole).unwrap();
        assert!(ArchiveLock::acquire(&b).is_err());
        drop(all);
        ArchiveLock::acquire(&b).unwrap();
    }
}
