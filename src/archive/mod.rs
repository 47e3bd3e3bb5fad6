//! Archives: the articles of a directory translated by one model, interrupted at will, each article finished once.
//!
//! Threads read articles, the calling thread translates their pooled sentences, other threads write the outputs. The
//! [`State`] remembers which articles are done in which [`Manner`].

mod articles;
mod lock;
mod manner;
mod merge;
mod plan;
mod pool;
mod record;
mod report;
mod run;
mod shard;
mod state;

pub use articles::Articles;
pub use lock::Lock;
pub use manner::{Manner, Settings};
pub use merge::{Merged, merge};
pub use plan::{DEFAULT_TEMPLATE, Failure, Found, FoundArticle, Plan, PlanOptions, find_articles, format_of, plan};
pub(crate) use plan::{no_articles, output_is_input};
pub use record::{Quote, Record, Written};
pub use report::{INDEX, REPORT, write as write_report};
pub use shard::{ArchiveDir, Shard};
pub use state::State;

use crate::document::Format;
use crate::error::{Error, Result};
use crate::file;
use crate::memory::Memory;
use crate::pipeline;
use crate::render::{OutputFormat, RenderOptions};
use crate::translate::Translator;
use pool::SentencePool;
use run::Run;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Directory of an archive's state, below its output directory.
pub const HOME: &str = ".plae";
/// File of the state, and by default of the memory, below [`HOME`].
pub const DATABASE: &str = "memory.sqlite";
/// Directory of outputs that are not complete yet, below [`HOME`].
const STAGING: &str = "staging";

/// The most articles that are read and wait for the model.
const WAITING_FOR_MODEL: usize = 8;
/// The most articles that are translated and wait for a writer.
const WAITING_FOR_WRITERS: usize = 8;
/// The fewest threads that write: each waits for the disk at every output, and keeps some memory.
const MIN_WRITERS: usize = 4;

/// One article of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Article {
    /// Path below the input directory, `/` between directories: the article's name in the state.
    pub place: String,
    /// Path of the source.
    pub path: PathBuf,
    /// Format that the source is read in.
    pub format: Format,
    /// Path of each output below the output directory, `/` between directories.
    pub outputs: Vec<(OutputFormat, String)>,
}

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// How sources are read and translated; the format is each article's own.
    pub reading: pipeline::Options,
    /// How outputs are written.
    pub render: RenderOptions,
    /// Everything that outputs depend on besides their sources: an article that was done in another manner is done again.
    pub manner: Manner,
    /// The text that stood for `manner` before there was a [`Manner`]: an article that has it counts as done in `manner`.
    /// None where no former archive is expected.
    pub former_manner: Option<String>,
    /// Threads that read and write beside the model; at least one reads and four write.
    pub jobs: usize,
    /// Whether everything is done again from the memory, and outputs that are not plae's are replaced.
    pub force: bool,
}

/// Counts of a run so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Articles translated and written.
    pub done: usize,
    /// Articles that were done before and have not changed.
    pub unchanged: usize,
    /// Articles among the unchanged with outputs that somebody has edited since; the edits are kept.
    pub edited: usize,
    /// Articles that failed.
    pub failed: usize,
    /// Bytes of the sources that are done, unchanged or failed.
    pub bytes: u64,
    /// Segments of the articles that are done.
    pub segments: usize,
    /// Different sentences that the model translated.
    pub made: usize,
    /// Segments of the articles that are done that a reader should look at twice.
    pub flagged: usize,
    /// Tokens that the model wrote.
    pub tokens: usize,
    /// Time in the model.
    pub busy: Duration,
}

/// The caller of a run: gives the model when it is first needed, and hears what happens.
pub trait Host {
    /// Gives the model, and loads it at the first call.
    ///
    /// # Errors
    /// The model's; they end the run.
    fn translator(&self) -> Result<&Translator>;
    /// Hears of progress; `Break` ends the run after the batch that is being translated.
    fn progress(&self, counts: &Counts) -> ControlFlow<()>;
    /// Hears of an article that failed; the others go on.
    fn failed(&self, error: &Error);
}

/// Translates the articles that are new or have changed into the outputs of `dir`, and notes them in `state`.
///
/// An article's own failure is told to `host` and the others go on. Whatever ends the run, what is finished stays, and the
/// next run goes on from there.
///
/// # Errors
/// Of kind `Interrupted` where the host asks for it; the model's, the database's, and a full or read-only disk's.
pub fn run(
    dir: &ArchiveDir,
    articles: &Articles,
    memory: Option<&Memory>,
    state: &State,
    options: &Options,
    host: &dyn Host,
) -> Result<Counts> {
    let staging = staging(dir)?;
    let paths = articles.iter().flat_map(|article| article.outputs);
    state.claim_outputs(paths.map(|(_, path)| path), &|path| {
        options.force || std::fs::symlink_metadata(dir.output_dir().join(path)).is_err()
    })?;
    let run = Run::new(dir, staging, articles, options, state)?;
    let (finish, finished) = sync_channel(WAITING_FOR_WRITERS);
    let finished = Mutex::new(finished);
    let result = std::thread::scope(|scope| {
        let (read, reads) = sync_channel(WAITING_FOR_MODEL);
        let (run, finished) = (&run, &finished);
        for _ in 0..options.jobs.max(1) {
            let read = read.clone();
            scope.spawn(move || run.read_articles(&read));
        }
        drop(read);
        let writers: Vec<_> = (0..options.jobs.max(MIN_WRITERS))
            .map(|_| scope.spawn(move || run.write_outputs(finished)))
            .collect();
        let result = SentencePool::new(run, memory, finish).translate_all(&reads, host);
        run.stop.store(true, Relaxed);
        drop(reads);
        for writer in writers {
            // A panic of a thread is one of the scope.
            drop(writer.join());
        }
        result
    });
    run.report_failures(host);
    let fatal = run.fatal.into_inner().unwrap_or_else(PoisonError::into_inner);
    let counts = run.counts.into_inner().unwrap_or_else(PoisonError::into_inner);
    match (fatal, result) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Ok(counts),
    }
}

/// Makes an empty directory for outputs that are not complete yet; those of a killed run are deleted.
fn staging(dir: &ArchiveDir) -> Result<PathBuf> {
    let staging = dir.state_dir().join(STAGING);
    let failed = |error| file::failure(&staging, error);
    match std::fs::remove_dir_all(&staging) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => std::fs::create_dir_all(&staging).map_err(failed)?,
    }
    Ok(staging)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host without a model, which articles without Thai do not need.
    struct NoModel;

    impl Host for NoModel {
        fn translator(&self) -> Result<&Translator> {
            Err(Error::model("none"))
        }

        fn progress(&self, _: &Counts) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }

        fn failed(&self, _: &Error) {}
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
            // What stands there is no directory.
            article("unwritten", &[b'a'; 1000], "good.en/below.en"),
            article("gone", b"", "gone.en"),
        ];
        articles.swap(0, 1);
        std::fs::remove_file(home.path().join("gone")).unwrap();
        let dir = ArchiveDir::new(&home.path().join("out"), None);
        std::fs::create_dir_all(dir.output_dir()).unwrap();
        std::fs::write(dir.output_dir().join("good.en"), "").unwrap();
        let state = State::open(&dir.database()).unwrap();
        let options = Options {
            reading: pipeline::Options::new(Format::Text),
            render: RenderOptions::default(),
            manner: manner::sample(),
            former_manner: None,
            jobs: 1,
            force: true,
        };
        let mut plan = Articles::new(home.path().to_path_buf(), vec![OutputFormat::Plain]);
        articles.into_iter().for_each(|article| plan.push(article));
        let counts = run(&dir, &plan, None, &state, &options, &NoModel).unwrap();
        assert_eq!((counts.done, counts.failed, counts.bytes), (1, 3, 9 + 100 + 1000));
    }
}
