//! One run at a time for one output directory.

use super::HOME;
use crate::error::{Error, Result};
use crate::file;
use std::fs::{File, TryLockError};
use std::path::Path;

/// The system's own lock on a file, gone with the process that holds it, however that ends.
const FILE: &str = "lock";
/// Who holds it, for the messages of others.
const HOLDER: &str = "holder";

/// An output directory that is this process's as long as this lives.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes an output directory, and makes it where it is missing.
    ///
    /// # Errors
    /// Of kind `Usage`, where another run holds it; of kind `Output`, where it cannot be written.
    pub fn take(directory: &Path) -> Result<Self> {
        let home = directory.join(HOME);
        let path = home.join(FILE);
        let failed = |error| file::failure(&path, error);
        std::fs::create_dir_all(&home).map_err(failed)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = std::fs::read_to_string(home.join(HOLDER)).unwrap_or_default();
                let holder = match holder.trim() {
                    "" => "another process",
                    holder => holder,
                };
                return Err(Error::usage(format!("{holder} is at work in this directory"))
                    .path(directory)
                    .hint("wait for it or end it, or write elsewhere with -o"));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let host = gethostname::gethostname();
        let holder = format!("process {} on {}\n", std::process::id(), host.to_string_lossy());
        // Only a message: the lock holds without it.
        let _ = std::fs::write(home.join(HOLDER), holder);
        Ok(Self { _file: lock })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_second_run_is_told_who_holds_the_directory() {
        let home = tempfile::tempdir().unwrap();
        let first = Lock::take(home.path()).unwrap();
        let Err(error) = Lock::take(home.path()) else {
            panic!("taken twice")
        };
        assert_eq!(error.kind, Kind::Usage);
        assert!(
            error.message.contains(&format!("process {} on ", std::process::id())),
            "{error}"
        );
        drop(first);
        Lock::take(home.path()).unwrap();
    }
}
