//! Archives: translates all articles of a directory with one model. A run may be interrupted; the next run goes on.
//!
//! Some threads read articles, the calling thread translates the sentences of many articles together, and other
//! threads write the outputs. The [`ArchiveState`], a database, stores which articles are done and with which settings
//! ([`StoredSettings`]), so that a later run translates only articles that are new or changed.
//!
//! One rule holds for every file below the output directory: a path is written only if nothing stands there, or if its
//! content is known to be plae's. The state stores the hash of each file for that; `publish` holds the rule.

mod articles;
mod find;
mod gone;
mod lock;
mod manner;
mod merge;
mod name;
mod place;
mod plan;
mod pool;
mod publish;
mod record;
mod report;
mod run;
mod shard;
mod state;

pub use articles::ArticleList;
pub(crate) use find::no_articles_failure;
pub use find::{FoundArticle, FoundArticles, InputFailure, SkippedFiles, find_articles, input_format_of};
pub use gone::{GoneArticle, PrunedOutputs, find_gone_articles, prune_gone_articles};
pub use lock::ArchiveLock;
pub use manner::{RunSettings, StoredSettings};
pub use merge::{MergeCounts, merge_archives};
pub(crate) use name::{NameCollision, OutputStemForm, name_apart};
pub(crate) use plan::output_is_input_error;
pub use plan::{ArchivePlan, ArchivePlanOptions, DEFAULT_OUTPUT_TEMPLATE, plan_archive};
pub use publish::{EDITED_DIR_NAME, Overwrite};
pub use record::{ArticleRecord, GoneSource, QuotedSegment, WrittenOutput};
pub use report::{INDEX_FILE_NAME, REPORT, write_report};
pub use shard::{ArchiveDir, Shard};
pub use state::ArchiveState;

use crate::document::Format;
use crate::error::{Error, Result};
use crate::file;
use crate::memory::Memory;
use crate::pipeline::{self, ReadingNotice};
use crate::render::{OutputFormat, RenderOptions};
use crate::translate::Translator;
use pool::SentencePool;
use publish::OutputPublisher;
use run::ArchiveRun;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Name of the directory in which an archive keeps its database and lock, below its output directory.
pub const ARCHIVE_DIR_NAME: &str = ".plae";
/// Name of the database file below [`ARCHIVE_DIR_NAME`]: it holds the archive's [`ArchiveState`] and, by default, the translation memory.
pub const DATABASE_FILE_NAME: &str = "memory.sqlite";
/// Name of the directory in which outputs are written before they are renamed to their final path, below [`ARCHIVE_DIR_NAME`].
const STAGING_DIR_NAME: &str = "staging";

/// Maximum number of articles that have been read and wait in the channel to the translating thread.
const MAX_ARTICLES_WAITING_FOR_MODEL: usize = 8;
/// Maximum number of translated articles that wait in the channel to the threads that write outputs.
const MAX_ARTICLES_WAITING_FOR_WRITERS: usize = 8;
/// Minimum number of threads that write outputs. A writer mostly waits for the disk, so a few run even on one core.
const MIN_WRITER_THREADS: usize = 4;

/// Maximum number of threads that read articles, and of threads that write outputs. More only wait for each other.
const MAX_JOBS: usize = 256;

/// One input file that an archive translates, and the outputs to write for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Article {
    /// Path of the source below the input directory, with `/` between directories; the article's key in the database.
    /// Each byte that is no UTF-8 is written as U+FFFD and two hexadecimal digits.
    pub place: String,
    /// Path of the source file, by which it is opened.
    pub path: PathBuf,
    /// Input format that the source is parsed as.
    pub format: Format,
    /// Each output's format, and its path below the output directory with `/` between directories.
    pub outputs: Vec<(OutputFormat, String)>,
}

/// Settings of [`translate_archive()`].
#[derive(Clone, Debug)]
pub struct ArchiveOptions {
    /// Options for reading and translating sources. Their `format` is ignored: each [`Article`] names its own.
    pub reading: pipeline::Options,
    /// Options for rendering the outputs.
    pub render: RenderOptions,
    /// All settings that the outputs depend on. An article that was done with other settings is translated again.
    pub manner: StoredSettings,
    /// The text in which older versions of plae stored the settings of `manner`. An article stored with this text
    /// counts as done with `manner`. None if the archive cannot be that old.
    pub former_manner: Option<String>,
    /// Number of threads that read articles, and of further threads that write outputs; at least 1 reads, 4 write, and
    /// at most 256 do each.
    pub jobs: usize,
    /// The outputs to write again even if their articles are unchanged, and even over files that plae did not write or
    /// that were edited.
    pub overwrite: Overwrite,
}

/// Numbers of articles, segments and tokens that a [`translate_archive()`] has processed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Number of articles whose outputs were written in this run.
    pub done: usize,
    /// Number of articles that an earlier run had done and that have not changed since.
    pub unchanged: usize,
    /// Number of unchanged articles with an output that somebody has edited since plae wrote it; the edits are kept.
    pub edited: usize,
    /// Number of edited outputs that this run wrote again, because the memory has learned their edits; the edited files
    /// are kept in [`EDITED_DIR_NAME`].
    pub learned: usize,
    /// Number of articles that could not be read, translated or written.
    pub failed: usize,
    /// Total size in bytes of the sources of all articles that are done, unchanged or failed.
    pub bytes: u64,
    /// Number of segments in the articles that this run wrote.
    pub segments: usize,
    /// Number of distinct sentences that the model translated; sentences found in the memory do not count.
    pub made: usize,
    /// Number of segments with a warning flag in the articles that this run wrote.
    pub flagged: usize,
    /// Number of output tokens that the model generated.
    pub tokens: usize,
    /// Time spent translating with the model, without loading it.
    pub busy: Duration,
}

/// Callbacks that the caller of [`translate_archive()`] implements: they supply the model and receive progress and failures.
pub trait RunCallbacks {
    /// Returns the translator; the first call loads the model. Not called if no article needs a model.
    ///
    /// # Errors
    /// The model cannot be loaded. This ends the run.
    fn translator(&self) -> Result<&Translator>;
    /// Called regularly with the counts so far, and once at the end, however the run ends. Returning `Break` ends the
    /// run after the current batch of sentences.
    fn on_progress(&self, counts: &RunCounts) -> ControlFlow<()>;
    /// Called with the error of each article that failed. The run continues with the other articles.
    fn on_article_failed(&self, error: &Error);
    /// Called with what a user should know of how an article was read, if there is anything.
    fn on_article_notices(&self, _article: &Article, _notices: &[ReadingNotice]) {}
}

/// Translates the articles that are new or changed, writes their outputs below `dir`, and records them in `state`.
///
/// A failure of a single article is passed to [`RunCallbacks::on_article_failed`], and the run continues with the others. Outputs that are
/// complete when a run ends stay valid, and the next run continues from there.
///
/// # Errors
/// `Interrupted` if [`RunCallbacks::on_progress`] returned `Break`. Also errors of loading or running the model, of the database,
/// and of a disk that is full or read-only.
pub fn translate_archive(
    dir: &ArchiveDir,
    articles: &ArticleList,
    memory: Option<&Memory>,
    state: &ArchiveState,
    options: &ArchiveOptions,
    callbacks: &dyn RunCallbacks,
) -> Result<RunCounts> {
    let publisher = OutputPublisher::new(dir, state, create_staging_dir(dir)?);
    let run = ArchiveRun::new(publisher, articles, memory, options, state)?;
    let (finish, finished) = sync_channel(MAX_ARTICLES_WAITING_FOR_WRITERS);
    let finished = Mutex::new(finished);
    let result = std::thread::scope(|scope| {
        let (read, reads) = sync_channel(MAX_ARTICLES_WAITING_FOR_MODEL);
        let (run, finished) = (&run, &finished);
        let jobs = options.jobs.clamp(1, MAX_JOBS);
        for _ in 0..jobs {
            let read = read.clone();
            scope.spawn(move || run.read_articles(&read));
        }
        drop(read);
        let writers: Vec<_> = (0..jobs.max(MIN_WRITER_THREADS))
            .map(|_| scope.spawn(move || run.write_outputs(finished)))
            .collect();
        let result = SentencePool::new(run, memory, finish).translate_received_articles(&reads, callbacks);
        run.stop.store(true, Relaxed);
        drop(reads);
        for writer in writers {
            // A panic of a thread is one of the scope.
            drop(writer.join());
        }
        result
    });
    run.report_failures(callbacks);
    let fatal = run.fatal.into_inner().unwrap_or_else(PoisonError::into_inner);
    let counts = run.counts.into_inner().unwrap_or_else(PoisonError::into_inner);
    // The writers finish articles after the last report, also if the run ends with an error.
    let _ = callbacks.on_progress(&counts);
    match (fatal, result) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Ok(counts),
    }
}

/// Creates the empty [`STAGING_DIR_NAME`] directory; deletes what a killed run left in it.
fn create_staging_dir(dir: &ArchiveDir) -> Result<PathBuf> {
    let staging = dir.state_dir().join(STAGING_DIR_NAME);
    let failed = |error| file::output_write_error(&staging, error);
    match std::fs::remove_dir_all(&staging) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => std::fs::create_dir_all(&staging).map_err(failed)?,
    }
    Ok(staging)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A [`RunCallbacks`] that has no model, for tests with articles that contain no Thai.
    struct NoModel;

    impl RunCallbacks for NoModel {
        fn translator(&self) -> Result<&Translator> {
            Err(Error::model("none"))
        }

        fn on_progress(&self, _: &RunCounts) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }

        fn on_article_failed(&self, _: &Error) {}
    }

    #[test]
    fn articles_that_fail_count_with_their_bytes() {
        let home = tempfile::tempdir().unwrap();
        let article = |place: &str, text: &[u8], output: &str| {
            std::fs::write(home.path().join(place), text).unwrap();
            Article {
                place: place.to_owned(),
                path: home.path().join(place),
                format: Format::Text,
                outputs: vec![(OutputFormat::Plain, output.to_owned())],
            }
        };
        let mut articles = vec![
            article("good", b"No Thai.\n", "good.en"),
            article("binary", &[0; 100], "binary.en"),
            // `good.en` is a file, so nothing can be written below it.
            article("unwritten", &[b'a'; 1000], "good.en/below.en"),
            article("gone", b"", "gone.en"),
        ];
        articles.swap(0, 1);
        std::fs::remove_file(home.path().join("gone")).unwrap();
        let dir = ArchiveDir::new(&home.path().join("out"), None);
        std::fs::create_dir_all(dir.output_dir()).unwrap();
        std::fs::write(dir.output_dir().join("good.en"), "").unwrap();
        let state = ArchiveState::open(&dir.database_path()).unwrap();
        let options = ArchiveOptions {
            reading: pipeline::Options::new(Format::Text),
            render: RenderOptions::default(),
            manner: manner::sample_settings(),
            former_manner: None,
            jobs: 1,
            overwrite: Overwrite::Everything,
        };
        let mut plan = ArticleList::new(home.path().to_path_buf(), vec![OutputFormat::Plain]);
        articles.into_iter().for_each(|article| plan.push(article));
        let counts = translate_archive(&dir, &plan, None, &state, &options, &NoModel).unwrap();
        assert_eq!((counts.done, counts.failed, counts.bytes), (1, 3, 9 + 100 + 1000));
    }
}
