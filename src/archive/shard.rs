//! Shards: an archive's articles divided by their content, and where each run keeps its own.

use super::state::State;
use super::{Articles, DATABASE, HOME};
use crate::error::{Error, Result};
use crate::file;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// One of the equal parts of an archive.
///
/// Which articles it has depends on their bytes and the number of parts alone: a new name or a new neighbour moves none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    index: u32,
    count: u32,
}

impl Shard {
    /// Whether an article is in this part: by its bytes, or where it cannot be read, by its name.
    pub fn owns(self, path: &Path) -> bool {
        match std::fs::read(path) {
            Ok(bytes) => self.has(&bytes),
            Err(_) => self.has(path.as_os_str().as_encoded_bytes()),
        }
    }

    /// Whether these bytes are in this part.
    pub fn has(self, bytes: &[u8]) -> bool {
        let hash = Sha256::digest(bytes);
        let number = hash
            .iter()
            .take(8)
            .fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        number % u64::from(self.count) == u64::from(self.index)
    }

    /// The name of its directory.
    fn directory(self) -> String {
        format!("{PREFIX}{}-of-{}", self.index, self.count)
    }
}

const PREFIX: &str = "shard-";

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    /// Reads `I/N`.
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

/// Where an archive's outputs are, and where a run keeps its own: its state and memory, its lock, what is not whole yet.
#[derive(Clone, Debug)]
pub struct Site {
    output: PathBuf,
    home: PathBuf,
    shard: Option<Shard>,
}

impl Site {
    /// Of a whole archive, or of a shard of it, which shares nothing but the outputs with the others.
    pub fn new(output: &Path, shard: Option<Shard>) -> Self {
        let whole = output.join(HOME);
        Self {
            output: output.to_path_buf(),
            home: match shard {
                None => whole,
                Some(shard) => whole.join(shard.directory()),
            },
            shard,
        }
    }

    /// The directory of the outputs.
    pub fn output(&self) -> &Path {
        &self.output
    }

    /// The directory of what the run keeps.
    pub fn home(&self) -> &Path {
        &self.home
    }

    pub fn shard(&self) -> Option<Shard> {
        self.shard
    }

    /// The file of the state, and by default of the memory.
    pub fn database(&self) -> PathBuf {
        self.home.join(DATABASE)
    }

    /// The same archive, undivided.
    pub fn whole(&self) -> Self {
        Self::new(&self.output, None)
    }

    /// The shards that left something here and are not merged, in the order of their numbers.
    ///
    /// # Errors
    /// Of kind `Output`, where the directory cannot be read.
    pub fn shards(&self) -> Result<Vec<Self>> {
        let whole = self.whole();
        let failed = |error| file::failure(&whole.home, error);
        let entries = match std::fs::read_dir(&whole.home) {
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

    /// Refuses to begin beside shards of another division, whose outputs this run would take for a stranger's.
    ///
    /// # Errors
    /// Of kind `Usage`.
    pub fn check(&self) -> Result<()> {
        let count = |site: &Self| site.shard.map(|shard| shard.count);
        let shards = self.shards()?;
        // One that was refused, or killed at once, has nothing to merge.
        let is_other = |other: &&Self| count(other) != count(self) && other.database().is_file();
        match shards.iter().find(is_other) {
            Some(Site { shard: Some(shard), .. }) => Err(Error::usage(format!("shard {shard} is not merged yet"))
                .path(&self.output)
                .hint(format!("run `plae merge {}` first", self.output.display()))),
            _ => Ok(()),
        }
    }

    /// Gives a shard that begins what the archive knows: the memory, and the state of the shard's own articles.
    ///
    /// # Errors
    /// The database's, and of kind `Output`.
    pub fn seed(&self, articles: &Articles) -> Result<()> {
        let (from, to) = (self.whole().database(), self.database());
        if self.shard.is_none() || to.exists() || !from.exists() {
            return Ok(());
        }
        let new = self.home.join("new");
        let failed = |error| file::failure(&new, error);
        match std::fs::remove_dir_all(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => std::fs::create_dir_all(&new).map_err(failed)?,
        }
        // Nobody writes the archive's own file now; of a killed run's, the second part belongs to it.
        let copy = new.join(DATABASE);
        let log = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push("-wal");
            PathBuf::from(name)
        };
        std::fs::copy(&from, &copy).map_err(failed)?;
        if log(&from).exists() {
            std::fs::copy(log(&from), log(&copy)).map_err(failed)?;
        }
        State::open(&copy)?.keep_only(articles)?;
        std::fs::rename(&copy, &to).map_err(failed)?;
        std::fs::remove_dir_all(&new).map_err(failed)
    }

    /// The error for an output at `path` that is not this run's.
    pub fn foreign(&self, path: &Path) -> Error {
        match self.shard {
            None => file::exists(path),
            Some(_) => Error::output("the output exists").path(path).hint(format!(
                "if another shard wrote it before its source changed, run `plae merge {}` and then the shards again; \
                 --force overwrites it",
                self.output.display()
            )),
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
            let owners: Vec<usize> = (0..7).filter(|index| shards[*index].has(text.as_bytes())).collect();
            let [owner] = owners[..] else {
                panic!("{text} is in {owners:?}")
            };
            sizes[owner] += 1;
        }
        assert!(sizes.iter().all(|size| (900..1100).contains(size)), "{sizes:?}");
        // The division is part of what users rely on: it must not change from one version to the next.
        let owner = |text: &str| shards.iter().position(|shard| shard.has(text.as_bytes()));
        assert_eq!(owner("article 0"), Some(2));
        assert_eq!(owner("ข่าว"), Some(0));
    }
}
