//! Shards, which divide an archive's articles among several runs, and the directories that an archive or shard uses.

use super::state::ArchiveState;
use super::{ARCHIVE_DIR_NAME, ArticleList, DATABASE_FILE_NAME};
use crate::error::{Error, Hint, Result};
use crate::file;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// One of several parts of an archive, with about equal numbers of articles, that separate runs can translate.
///
/// Only the bytes of an article and the number of shards decide which shard has it: renaming the article or adding
/// others does not move it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Index of the shard, from 0.
    index: u32,
    /// Number of shards that the archive is divided into.
    count: u32,
}

impl Shard {
    /// Whether the file at `path` is in this shard. Its bytes decide, or its path if it cannot be read.
    pub fn contains_file(self, path: &Path) -> bool {
        match std::fs::read(path) {
            Ok(bytes) => self.contains_bytes(&bytes),
            Err(_) => self.contains_bytes(path.as_os_str().as_encoded_bytes()),
        }
    }

    /// Whether an article with this content is in this shard: the first 8 bytes of its SHA-256, as a big-endian number,
    /// modulo the number of shards give the index.
    pub fn contains_bytes(self, bytes: &[u8]) -> bool {
        let hash = Sha256::digest(bytes);
        let number = hash
            .iter()
            .take(8)
            .fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        number % u64::from(self.count) == u64::from(self.index)
    }

    /// Returns the name of the shard's state directory below [`ARCHIVE_DIR_NAME`], such as `shard-0-of-8`.
    fn directory_name(self) -> String {
        format!("{PREFIX}{}-of-{}", self.index, self.count)
    }
}

/// The prefix of the name of each shard's state directory.
const PREFIX: &str = "shard-";

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    /// Parses `I/N`: the shard with index `I`, from 0, of `N` shards.
    fn from_str(word: &str) -> Result<Self, String> {
        let numbers = word.split_once('/').and_then(|(index, count)| {
            Some(Self {
                index: index.parse().ok()?,
                count: count.parse().ok()?,
            })
        });
        match numbers {
            None => Err("expected I/N, such as 0/8".to_owned()),
            Some(Self { count: 0, .. }) => Err("there is no shard of none".to_owned()),
            Some(shard) if shard.index >= shard.count => Err(format!(
                "shards are counted from 0: 0/{0} to {1}/{0}",
                shard.count,
                shard.count - 1
            )),
            Some(shard) => Ok(shard),
        }
    }
}

/// The output directory of an archive, seen by a run over the whole archive or over one shard.
///
/// It contains the outputs, and a state directory with the database, the lock and incomplete outputs. Each shard has
/// a state directory of its own, and shares only the outputs with other shards.
#[derive(Clone, Debug)]
pub struct ArchiveDir {
    output: PathBuf,
    state_dir: PathBuf,
    shard: Option<Shard>,
}

impl ArchiveDir {
    /// Describes the output directory of a whole archive, or of one shard of it. Does not access the file system.
    pub fn new(output: &Path, shard: Option<Shard>) -> Self {
        let whole = output.join(ARCHIVE_DIR_NAME);
        Self {
            output: output.to_path_buf(),
            state_dir: match shard {
                None => whole,
                Some(shard) => whole.join(shard.directory_name()),
            },
            shard,
        }
    }

    /// Returns the directory that the outputs are written to.
    pub fn output_dir(&self) -> &Path {
        &self.output
    }

    /// Returns the directory of the database, the lock and incomplete outputs: [`ARCHIVE_DIR_NAME`], or a directory below it for a
    /// shard.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Returns the shard that this value describes; none for a whole archive.
    pub fn shard(&self) -> Option<Shard> {
        self.shard
    }

    /// Returns the path of the database, which holds the archive's state and, by default, the translation memory.
    pub fn database_path(&self) -> PathBuf {
        self.state_dir.join(DATABASE_FILE_NAME)
    }

    /// Returns the description of the whole archive that this shard belongs to.
    pub fn to_whole_archive(&self) -> Self {
        Self::new(&self.output, None)
    }

    /// Lists the shards that have not been merged into the whole archive: those whose state directory still exists.
    /// They are sorted by number of shards, then by index.
    ///
    /// # Errors
    /// `Output` if the state directory cannot be read.
    pub fn list_unmerged_shards(&self) -> Result<Vec<Self>> {
        let whole = self.to_whole_archive();
        let failed = |error| file::output_write_error(&whole.state_dir, error);
        let entries = match std::fs::read_dir(&whole.state_dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut shards = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let numbers = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
            let shard = numbers.and_then(|numbers| numbers.replace("-of-", "/").parse().ok());
            shards.extend(shard.map(|shard| Self::new(&self.output, Some(shard))));
        }
        shards.sort_by_key(|site| site.shard.map(|shard| (shard.count, shard.index)));
        Ok(shards)
    }

    /// Checks that the directory has no unmerged shards of another number of shards (and for a whole archive, none at
    /// all): this run would take their outputs for another program's files.
    ///
    /// # Errors
    /// `Usage` if such shards exist.
    pub fn check_no_conflicting_shards(&self) -> Result<()> {
        let count = |site: &Self| site.shard.map(|shard| shard.count);
        let shards = self.list_unmerged_shards()?;
        // A shard without a database was refused or killed at once, and has nothing to merge.
        let is_other = |other: &&Self| count(other) != count(self) && other.database_path().is_file();
        match shards.iter().find(is_other) {
            Some(ArchiveDir { shard: Some(shard), .. }) => {
                Err(Error::usage(format!("shard {shard} is not merged yet"))
                    .path(&self.output)
                    .hint(Hint::MergeFirst(self.output.clone())))
            }
            _ => Ok(()),
        }
    }

    /// Initializes the database of a new shard: copies the whole archive's memory, and its state of the given articles.
    /// Does nothing if this is no shard, the shard has a database, or the whole archive has none.
    ///
    /// # Errors
    /// Errors of the database; `Output` if a file cannot be written.
    pub fn copy_state_from_whole_archive(&self, articles: &ArticleList) -> Result<()> {
        let (from, to) = (self.to_whole_archive().database_path(), self.database_path());
        if self.shard.is_none() || to.exists() || !from.exists() {
            return Ok(());
        }
        let new = self.state_dir.join("new");
        let failed = |error| file::output_write_error(&new, error);
        match std::fs::remove_dir_all(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => std::fs::create_dir_all(&new).map_err(failed)?,
        }
        // The lock keeps other writers off the database. A killed run leaves a write-ahead log, which belongs to it.
        let copy = new.join(DATABASE_FILE_NAME);
        let log = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push("-wal");
            PathBuf::from(name)
        };
        std::fs::copy(&from, &copy).map_err(failed)?;
        if log(&from).exists() {
            std::fs::copy(log(&from), log(&copy)).map_err(failed)?;
        }
        ArchiveState::open(&copy)?.keep_only_articles(articles)?;
        std::fs::rename(&copy, &to).map_err(failed)?;
        std::fs::remove_dir_all(&new).map_err(failed)
    }

    /// Creates the error for a file at `path`, the path of an output, that neither this archive nor this shard wrote.
    pub fn foreign_output_error(&self, path: &Path) -> Error {
        let exists = Error::output("the output exists").path(path);
        match self.shard {
            None => exists.hint(Hint::MoveForeign),
            Some(_) => exists.hint(Hint::MergeOrOverwrite(self.output.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_counted_from_nought() {
        for (word, expected) in [
            ("0/1", Ok("0/1")),
            ("7/8", Ok("7/8")),
            ("8/8", Err("0/8 to 7/8")),
            ("0/0", Err("no shard of none")),
            ("1", Err("I/N")),
            ("/8", Err("I/N")),
            ("-1/8", Err("I/N")),
            ("a/8", Err("I/N")),
        ] {
            match (word.parse::<Shard>(), expected) {
                (Ok(shard), Ok(expected)) => assert_eq!(shard.to_string(), expected),
                (Err(message), Err(expected)) => assert!(message.contains(expected), "{message}"),
                (result, _) => panic!("{word}: {result:?}"),
            }
        }
    }

    #[test]
    fn every_article_is_in_one_shard_and_stays_there() {
        let shards: Vec<Shard> = (0..7).map(|index| Shard { index, count: 7 }).collect();
        let mut sizes = [0; 7];
        for number in 0..7000 {
            let text = format!("article {number}");
            let owners: Vec<usize> = (0..7)
                .filter(|index| shards[*index].contains_bytes(text.as_bytes()))
                .collect();
            let [owner] = owners[..] else {
                panic!("{text} is in {owners:?}")
            };
            sizes[owner] += 1;
        }
        assert!(sizes.iter().all(|size| (900..1100).contains(size)), "{sizes:?}");
        // The division is part of what users rely on: it must not change from one version to the next.
        let owner = |text: &str| shards.iter().position(|shard| shard.contains_bytes(text.as_bytes()));
        assert_eq!(owner("article 0"), Some(2));
        assert_eq!(owner("ข่าว"), Some(0));
    }
}
