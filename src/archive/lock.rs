//! One run at a time for one output directory.

use super::shard::Site;
use crate::error::{Error, Result};
use crate::file;
use std::fs::{File, TryLockError};
use std::path::Path;

/// The system's own lock on a file, gone with the process that holds it, however that ends.
const FILE: &str = "lock";
/// Who holds it, for the messages of others.
const HOLDER: &str = "holder";

/// An output directory, or a shard of it, that is this process's as long as this lives.
pub struct Lock {
    _files: Vec<File>,
}

impl Lock {
    /// Takes an output directory, and makes it where it is missing. The shards of one exclude whoever wants the whole, and
    /// not each other.
    ///
    /// # Errors
    /// Of kind `Usage`, where another run holds it; of kind `Output`, where it cannot be written.
    pub fn take(site: &Site) -> Result<Self> {
        let mut files = Vec::new();
        let whole = site.whole();
        if site.shard().is_some() {
            let shared = open(whole.home())?;
            told(shared.try_lock_shared(), &whole)?;
            files.push(shared);
        }
        let own = open(site.home())?;
        told(own.try_lock(), site)?;
        files.push(own);
        let host = gethostname::gethostname();
        let holder = format!("process {} on {}\n", std::process::id(), host.to_string_lossy());
        // Only a message: the lock holds without it.
        let _ = std::fs::write(site.home().join(HOLDER), holder);
        Ok(Self { _files: files })
    }
}

fn open(home: &Path) -> Result<File> {
    let path = home.join(FILE);
    let failed = |error| file::failure(&path, error);
    std::fs::create_dir_all(home).map_err(failed)?;
    let mut options = File::options();
    // Network file systems want both, for locks of either kind.
    options.create(true).truncate(false).read(true).write(true);
    options.open(&path).map_err(failed)
}

/// Says of an attempt that failed, why.
fn told(locked: std::result::Result<(), TryLockError>, site: &Site) -> Result<()> {
    match locked {
        Ok(()) => Ok(()),
        Err(TryLockError::Error(error)) => Err(file::failure(&site.home().join(FILE), error)),
        Err(TryLockError::WouldBlock) => {
            let (holder, place) = holder(site);
            Err(Error::usage(format!("{holder} is at work in {place}"))
                .path(site.output())
                .hint("wait for it or end it, or write elsewhere with -o"))
        }
    }
}

/// Who is at work, and where.
fn holder(site: &Site) -> (String, String) {
    let is_held = |site: &Site| {
        let file = open(site.home());
        file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    };
    // Whoever holds a shard keeps others off the whole.
    let shard = match site.shard() {
        Some(_) => None,
        None => site.shards().unwrap_or_default().into_iter().find(is_held),
    };
    let site = shard.as_ref().unwrap_or(site);
    let holder = std::fs::read_to_string(site.home().join(HOLDER)).unwrap_or_default();
    let holder = match holder.trim() {
        "" => "another process".to_owned(),
        holder => holder.to_owned(),
    };
    match site.shard() {
        None => (holder, "this directory".to_owned()),
        Some(shard) => (holder, format!("shard {shard} of this directory")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_second_run_is_told_who_holds_the_directory() {
        let home = tempfile::tempdir().unwrap();
        let whole = Site::new(home.path(), None);
        let first = Lock::take(&whole).unwrap();
        let Err(error) = Lock::take(&whole) else {
            panic!("taken twice")
        };
        assert_eq!(error.kind, Kind::Usage);
        assert!(
            error.message.contains(&format!("process {} on ", std::process::id())),
            "{error}"
        );
        drop(first);
        Lock::take(&whole).unwrap();
    }

    #[test]
    fn shards_exclude_the_whole_and_not_each_other() {
        let home = tempfile::tempdir().unwrap();
        let whole = Site::new(home.path(), None);
        let [a, b] = ["0/2", "1/2"].map(|shard| Site::new(home.path(), Some(shard.parse().unwrap())));
        let first = Lock::take(&a).unwrap();
        let second = Lock::take(&b).unwrap();
        for site in [&whole, &a] {
            let Err(error) = Lock::take(site) else {
                panic!("taken twice")
            };
            assert!(error.message.contains("in shard 0/2"), "{error}");
        }
        drop(first);
        let Err(error) = Lock::take(&whole) else {
            panic!("taken from a shard")
        };
        assert!(error.message.contains("in shard 1/2"), "{error}");
        drop(second);
        let all = Lock::take(&whole).unwrap();
        assert!(Lock::take(&b).is_err());
        drop(all);
        Lock::take(&b).unwrap();
    }
}
