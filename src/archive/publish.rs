//! The one rule for files below an archive's output directory: a path is written only if nothing stands there, or if
//! what stands there is known to be plae's.

use super::find::is_own_output;
use super::place::{output_from_path, place_from_path};
use super::record::ArticleRecord;
use super::shard::ArchiveDir;
use super::state::{ArchiveState, KnownOutput};
use super::{ArticleList, INDEX_FILE_NAME, REPORT};
use crate::error::{Error, Hint, Result};
use crate::file::{self, Existing};
use crate::memory::{EditedFormat, read_edited};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// Name of the directory in which edited outputs are kept once the memory has learned their edits and they are written
/// again, below [`super::ARCHIVE_DIR_NAME`].
pub const EDITED_DIR_NAME: &str = "edited";

/// The outputs that a run may overwrite even if plae did not write them or somebody edited them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// None of them.
    #[default]
    Nothing,
    /// All of them; and the outputs of unchanged articles are written again, too.
    Everything,
    /// The outputs in the set, by their paths below the output directory. They are also written again if they are
    /// unchanged.
    Outputs(HashSet<String>),
}

impl Overwrite {
    /// Finds the outputs that `names` stand for: each name is the path of an output below the output directory, or of
    /// an article below the input directory, for all its outputs; both may also be given with these directories.
    ///
    /// # Errors
    /// `Usage` for a name of no article and no output.
    pub fn named(names: &[PathBuf], dir: &ArchiveDir, articles: &ArticleList) -> Result<Self> {
        let mut wanted: HashMap<String, usize> = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            let whole = file::resolve_path(name);
            let roots = [dir.output_dir(), articles.root()];
            let below = roots.iter().filter_map(|root| name.strip_prefix(root).ok());
            let really_below = roots
                .iter()
                .filter_map(|root| whole.strip_prefix(file::resolve_path(root)).ok());
            let forms = below.chain(really_below).chain([name.as_path()]);
            for form in forms {
                wanted.extend([place_from_path(form), output_from_path(form)].map(|form| (form, index)));
            }
        }
        let mut is_found = vec![false; names.len()];
        let mut take = |name: &str| {
            let index = wanted.get(name);
            index.inspect(|index| is_found[**index] = true).is_some()
        };
        let mut outputs = HashSet::new();
        for article in articles.iter() {
            let is_named = take(&article.place);
            let named = article.outputs.into_iter().map(|(_, output)| output);
            outputs.extend(named.filter(|output| take(output) || is_named));
        }
        outputs.extend(
            [INDEX_FILE_NAME, REPORT]
                .map(str::to_owned)
                .into_iter()
                .filter(|report| take(report)),
        );
        match is_found.iter().position(|found| !found) {
            Some(index) => Err(Error::usage("no article and no output has this name").path(&names[index])),
            None => Ok(Self::Outputs(outputs)),
        }
    }

    /// Whether the output at this path below the output directory may be overwritten.
    pub fn covers(&self, output: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Outputs(outputs) => outputs.contains(output),
        }
    }
}

/// The state of the file at the path of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutputStanding {
    Missing,
    /// A file that plae wrote and that nobody has changed since.
    Own,
    /// Something else than plae wrote there last: a file that was edited, a link, a directory.
    Edited,
    /// Something that plae never wrote.
    Foreign,
}

/// The files that one output may replace, besides a file that plae wrote and nobody has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Replaceable {
    /// Nothing.
    OwnOnly,
    /// The edited file with this SHA-256, whose edits the memory has learned. A copy of it is kept.
    Learned(String),
    /// Anything inside the output directory.
    Anything,
}

/// Writes files below the output directory of an archive.
pub(super) struct OutputPublisher<'a> {
    dir: &'a ArchiveDir,
    state: &'a ArchiveState,
    /// Directory in which files are written before they are renamed to their final path.
    staging: PathBuf,
}

impl<'a> OutputPublisher<'a> {
    pub fn new(dir: &'a ArchiveDir, state: &'a ArchiveState, staging: PathBuf) -> Self {
        Self { dir, state, staging }
    }

    /// Returns the path of the file for an output.
    pub fn path_of(&self, output: &str) -> PathBuf {
        self.dir.output_dir().join(output)
    }

    /// Finds out what stands at the path of an output.
    pub fn find_standing(&self, output: &str) -> Result<OutputStanding> {
        self.compare_with_known(output, &self.state.find_known_output(output)?)
    }

    fn compare_with_known(&self, output: &str, known: &KnownOutput) -> Result<OutputStanding> {
        let path = self.path_of(output);
        let failed = |error| file::output_write_error(&path, error);
        let metadata = match fs::symlink_metadata(&path) {
            // A file where a directory is needed is an error once the output is written.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(OutputStanding::Missing);
            }
            metadata => metadata.map_err(failed)?,
        };
        // The content decides. Older versions of plae stored none for their reports, nor for the outputs of a run that
        // was broken off.
        let is_own = metadata.is_file()
            && match known.hashes.as_slice() {
                [] => (known.is_claimed && is_own_output(&path)) || is_report_of_older_plae(output, &path),
                hashes => hashes.contains(&file::hash_file(&path).map_err(failed)?),
            };
        Ok(match (is_own, known.hashes.is_empty()) {
            (true, _) => OutputStanding::Own,
            (false, true) => OutputStanding::Foreign,
            (false, false) => OutputStanding::Edited,
        })
    }

    /// Writes an output with the contents that `fill` writes, and returns their SHA-256 in hexadecimal. What stands at
    /// its path is looked at right before it is replaced. The caller stores the hash in the state.
    ///
    /// # Errors
    /// `Output` if something stands there that must not be replaced, or if the file cannot be written; the errors of
    /// `fill` and of the state.
    pub fn publish(
        &self,
        output: &str,
        replaceable: &Replaceable,
        fill: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<String> {
        let path = self.path_of(output);
        file::write_file_checked(&path, &self.staging, fill, &mut |sha256| {
            let known = self.state.find_known_output(output)?;
            self.decide(output, &known, replaceable)?;
            // If the program is killed from here on, the next run knows the file as plae's.
            self.state.add_pending_output(output, sha256)?;
            // Looked at again, since storing takes a moment.
            self.decide(output, &known, replaceable)
        })
    }

    /// Decides whether an output that is ready may replace what stands at its path.
    fn decide(&self, output: &str, known: &KnownOutput, replaceable: &Replaceable) -> Result<Existing> {
        let path = self.path_of(output);
        let directory = self.resolve_directory_of(&path)?;
        let standing = self.compare_with_known(output, known)?;
        match (standing, replaceable) {
            (OutputStanding::Missing, _) => Ok(Existing::Keep),
            (OutputStanding::Own, _) => Ok(Existing::Replace),
            (_, Replaceable::Anything) if directory.is_inside => Ok(Existing::Replace),
            (_, Replaceable::Anything) => Err(Error::output(
                "a link leads out of the output directory, to a file that plae did not write",
            )
            .path(&path)
            .hint("move the file away; it is not overwritten through a link")),
            (OutputStanding::Edited, Replaceable::Learned(learned))
                if file::hash_file(&path).is_ok_and(|hash| hash == *learned) =>
            {
                self.keep_edited(output, learned)?;
                Ok(Existing::Replace)
            }
            _ => Err(self.refusal(output, standing)),
        }
    }

    /// Creates the error for an output that cannot be written because of what stands at its path.
    pub fn refusal(&self, output: &str, standing: OutputStanding) -> Error {
        let path = self.path_of(output);
        match standing {
            OutputStanding::Edited => {
                // Whether its edits can be learned depends on the format and the layout.
                let format = path
                    .extension()
                    .and_then(|extension| EditedFormat::from_extension(extension.to_str()?));
                let is_readable = format.is_some_and(|format| {
                    fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file())
                        && fs::read(&path).is_ok_and(|bytes| read_edited(&bytes, format).is_ok())
                });
                Error::output(
                    "the output was edited since plae wrote it, and would now be another: its source, the options or what \
                     people taught the memory have changed",
                )
                .path(path)
                .hint(if is_readable { Hint::LearnEdits } else { Hint::MoveEdited })
            }
            _ => self.dir.foreign_output_error(&path),
        }
    }

    /// Resolves the links in the directory of an output, which exists.
    fn resolve_directory_of(&self, path: &Path) -> Result<ResolvedDirectory> {
        let resolve = |path: &Path| fs::canonicalize(path).map_err(|error| file::output_write_error(path, error));
        let directory = resolve(path.parent().unwrap_or(path))?;
        let own = resolve(self.dir.to_whole_archive().state_dir())?;
        if directory.starts_with(own) {
            return Err(Error::output("a link leads into plae's own directory")
                .path(path)
                .hint("remove the link"));
        }
        Ok(ResolvedDirectory {
            is_inside: directory.starts_with(resolve(self.dir.output_dir())?),
        })
    }

    /// Keeps a copy of an edited output that is about to be replaced.
    fn keep_edited(&self, output: &str, sha256: &str) -> Result<()> {
        let edited = self.dir.to_whole_archive().state_dir().join(EDITED_DIR_NAME);
        let (directory, name) = output.rsplit_once('/').unwrap_or(("", output));
        // Another edition of the same output may have been kept before.
        let kept = edited.join(directory).join(format!("{}-{name}", &sha256[..8]));
        let failed = |error| file::output_write_error(&kept, error);
        fs::create_dir_all(kept.parent().unwrap_or(&edited)).map_err(failed)?;
        fs::copy(self.path_of(output), &kept).map(drop).map_err(failed)
    }
}

/// The directory of an output, with all links resolved.
struct ResolvedDirectory {
    /// Whether it is in the output directory.
    is_inside: bool,
}

/// Whether a file is a report that an older version of plae wrote, which stored no hash of it.
fn is_report_of_older_plae(output: &str, path: &Path) -> bool {
    /// Number of bytes at the beginning of a report that are looked at: the head of the page, or a record.
    const SEARCHED_HEAD_BYTES: u64 = 1 << 20;
    const PAGE_MARK: &str = "<meta name=\"generator\" content=\"plae\">\n<title>Translated articles</title>";
    let Ok(opened) = fs::File::open(path) else {
        return false;
    };
    let mut head = BufReader::new(opened.take(SEARCHED_HEAD_BYTES));
    let mut text = Vec::new();
    match output {
        INDEX_FILE_NAME => {
            head.read_to_end(&mut text).is_ok()
                && text.windows(PAGE_MARK.len()).any(|part| part == PAGE_MARK.as_bytes())
        }
        REPORT => head.read_until(b'\n', &mut text).is_ok() && serde_json::from_slice::<ArticleRecord>(&text).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Publishes `text` as the output `a.tsv` of an archive in `home`; `meanwhile` runs while it is being written.
    fn publish(home: &Path, text: &str, replaceable: &Replaceable, meanwhile: &dyn Fn()) -> Result<()> {
        let dir = ArchiveDir::new(home, None);
        let state = ArchiveState::open(&dir.database_path())?;
        let publisher = OutputPublisher::new(&dir, &state, super::super::create_staging_dir(&dir)?);
        let sha256 = publisher.publish("a.tsv", replaceable, &mut |out| {
            meanwhile();
            out.write_all(text.as_bytes()).map_err(file::failed_write_error)
        })?;
        state.store_output("a.tsv", &sha256)
    }

    #[test]
    fn an_edit_while_the_run_is_on_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.tsv");
        let write = |text: &str| fs::write(&path, text).unwrap();
        let read = || fs::read_to_string(&path).unwrap();
        let own = Replaceable::OwnOnly;
        // A file that somebody puts there meanwhile.
        let error = publish(home.path(), "one", &own, &|| write("mine")).unwrap_err();
        assert_eq!((error.message.as_str(), read().as_str()), ("the output exists", "mine"));
        // It stays in the next run, too.
        publish(home.path(), "one", &own, &|| {}).unwrap_err();
        fs::remove_file(&path).unwrap();
        publish(home.path(), "one", &own, &|| {}).unwrap();
        publish(home.path(), "two", &own, &|| {}).unwrap();
        let error = publish(home.path(), "three", &own, &|| write("two, edited")).unwrap_err();
        assert!(error.message.contains("edited since plae wrote it"), "{error}");
        assert_eq!(read(), "two, edited");
        // Edits that the memory has learned, and those that came after.
        let learned = Replaceable::Learned(file::hash_file(&path).unwrap());
        publish(home.path(), "three", &learned, &|| write("edited again")).unwrap_err();
        assert_eq!(read(), "edited again");
        write("two, edited");
        publish(home.path(), "three", &learned, &|| {}).unwrap();
        assert_eq!(read(), "three");
        let kept = home.path().join(".plae").join(EDITED_DIR_NAME);
        let kept = fs::read_dir(kept).unwrap().next().unwrap().unwrap().path();
        assert_eq!(fs::read_to_string(kept).unwrap(), "two, edited");
    }

    #[test]
    fn a_file_that_a_killed_run_put_there_is_known() {
        let home = tempfile::tempdir().unwrap();
        let dir = ArchiveDir::new(home.path(), None);
        let state = ArchiveState::open(&dir.database_path()).unwrap();
        let publisher = OutputPublisher::new(&dir, &state, super::super::create_staging_dir(&dir).unwrap());
        for text in ["one", "two"] {
            // Killed before the hash is stored.
            publisher
                .publish("a.tsv", &Replaceable::OwnOnly, &mut |out| {
                    out.write_all(text.as_bytes()).map_err(file::failed_write_error)
                })
                .unwrap();
            assert_eq!(publisher.find_standing("a.tsv").unwrap(), OutputStanding::Own);
        }
        fs::write(home.path().join("a.tsv"), "mine").unwrap();
        assert_eq!(publisher.find_standing("a.tsv").unwrap(), OutputStanding::Edited);
    }
}
