//! One run through an archive: what its threads share, reading articles before the model and writing outputs after it.

use super::record::{Record, Written};
use super::state::{Ownership, State};
use super::{ArchiveDir, Article, Articles, Counts, Host, Options};
use crate::document::Bilingual;
use crate::error::{Error, Hint, Kind, Result};
use crate::file::{self, hexadecimal};
use crate::pipeline::{self, Prepared};
use crate::render::render;
use sha2::{Digest, Sha256};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};

/// An article that is read and cut into segments, and needs a translation.
pub(super) struct PreparedArticle {
    pub article: Article,
    /// Size of the source.
    pub bytes: u64,
    pub prepared: Prepared,
}

/// The outcome of reading an article; `bytes` is the size of its source.
pub(super) enum ReadOutcome {
    Ready(Box<PreparedArticle>),
    /// The article was done before; `edited` says whether somebody has changed an output since.
    Unchanged {
        edited: bool,
        bytes: u64,
    },
    Failed {
        article: Article,
        bytes: u64,
        error: Box<Error>,
    },
}

/// A translated article on its way to its outputs.
pub(super) struct TranslatedArticle {
    pub article: Article,
    /// Size of the source.
    pub bytes: u64,
    pub document: Bilingual,
}

/// A run through the articles of a plan, shared by all its threads.
pub(super) struct Run<'a> {
    dir: &'a ArchiveDir,
    /// Where outputs are written before they are renamed.
    staging: PathBuf,
    articles: &'a Articles,
    pub options: &'a Options,
    state: &'a State,
    /// The options' manner as the state stores it.
    manner: String,
    /// Number of the next article to read.
    next: AtomicUsize,
    /// Set when no more articles are to be read.
    pub stop: AtomicBool,
    pub counts: Mutex<Counts>,
    /// Failures of single articles that the host has not heard of.
    failures: Mutex<Vec<Error>>,
    /// The failure that ends the run: the disk is full, the database is gone.
    pub fatal: Mutex<Option<Error>>,
}

impl<'a> Run<'a> {
    /// Sets a run up.
    pub fn new(
        dir: &'a ArchiveDir,
        staging: PathBuf,
        articles: &'a Articles,
        options: &'a Options,
        state: &'a State,
    ) -> Result<Self> {
        Ok(Self {
            dir,
            staging,
            articles,
            options,
            state,
            manner: stored_manner(options)?,
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            counts: Mutex::default(),
            failures: Mutex::default(),
            fatal: Mutex::default(),
        })
    }

    /// Reads articles and sends them on, until there are no more or nobody takes them.
    pub fn read_articles(&self, to: &SyncSender<ReadOutcome>) {
        while !self.stop.load(Relaxed) {
            let index = self.next.fetch_add(1, Relaxed);
            let Some(article) = self.articles.get(index) else {
                return;
            };
            let read = self.read_article(&article).unwrap_or_else(|error| ReadOutcome::Failed {
                // Its size, where that is known at least.
                bytes: std::fs::metadata(&article.path).map_or(0, |file| file.len()),
                article,
                error: Box::new(error),
            });
            if to.send(read).is_err() {
                return;
            }
        }
    }

    /// Reads an article, unless it is done already; refuses it where an output of it is somebody else's.
    fn read_article(&self, article: &Article) -> Result<ReadOutcome> {
        let source = file::read(&article.path)?;
        let bytes = source.len() as u64;
        let (mut missing, mut edited) = (false, None);
        for (_, output) in &article.outputs {
            let path = self.dir.output_dir().join(output);
            match self.state.ownership(output).map_err(|error| self.end_run(error))? {
                Ownership::NotOurs => return Err(self.dir.not_ours(&path)),
                Ownership::Unwritten => missing = true,
                Ownership::Written(hash) => match std::fs::read(&path) {
                    Ok(bytes) if self::hash(&bytes) == hash => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => missing = true,
                    _ => edited = Some(path),
                },
            }
        }
        let done = self
            .state
            .article(&article.place)
            .map_err(|error| self.end_run(error))?;
        let unchanged = match done {
            Some(done) if done.sha256 == hash(&source) => self.is_current(&article.place, &done.manner)?,
            _ => false,
        };
        if !self.options.force {
            if unchanged && !missing {
                let edited = edited.is_some();
                return Ok(ReadOutcome::Unchanged { edited, bytes });
            }
            if let Some(path) = edited {
                return Err(
                    Error::output("the output was edited since plae wrote it, and would now be another: its source, the options or what people taught the memory have changed")
                        .path(path)
                        .hint(Hint::LearnEdits),
                );
            }
        }
        let options = pipeline::Options {
            format: article.format,
            ..self.options.reading.clone()
        };
        let name = article.path.file_name().map(|name| name.to_string_lossy());
        let prepared =
            pipeline::prepare(name.as_deref(), &source, &options).map_err(|error| error.path(&article.path))?;
        Ok(ReadOutcome::Ready(Box::new(PreparedArticle {
            article: article.clone(),
            bytes,
            prepared,
        })))
    }

    /// Whether an article was done in this run's manner, given what is stored of it. A former text gives way to today's.
    fn is_current(&self, place: &str, stored: &str) -> Result<bool> {
        if stored == self.manner {
            return Ok(true);
        }
        if self.options.former_manner.as_deref() != Some(stored) {
            return Ok(false);
        }
        self.state
            .set_manner(place, &self.manner)
            .map_err(|error| self.end_run(error))?;
        Ok(true)
    }

    /// Ends the run with an error; gives one in the same words for the article.
    fn end_run(&self, error: Error) -> Error {
        self.stop.store(true, Relaxed);
        let same = Error::new(error.kind, error.message.clone());
        locked(&self.fatal).get_or_insert(error);
        same
    }

    /// Writes the outputs of translated articles until no more come.
    pub fn write_outputs(&self, from: &Mutex<Receiver<TranslatedArticle>>) {
        loop {
            // The lock is held while waiting, and given back with what came.
            let received = locked(from).recv();
            let Ok(finished) = received else { return };
            if locked(&self.fatal).is_some() {
                continue;
            }
            match self.write_article(&finished) {
                Ok(record) => {
                    let mut counts = locked(&self.counts);
                    counts.done += 1;
                    counts.bytes += finished.bytes;
                    counts.segments += record.segments;
                    counts.flagged += record.flagged;
                }
                Err(error) if is_fatal(&error) => drop(self.end_run(error)),
                Err(error) => self.fail_article(&finished.article, finished.bytes, error),
            }
        }
    }

    /// Writes all outputs of an article, and then notes it as done.
    fn write_article(&self, finished: &TranslatedArticle) -> Result<Record> {
        let article = &finished.article;
        let mut outputs = Vec::with_capacity(article.outputs.len());
        for (format, output) in &article.outputs {
            let path = self.dir.output_dir().join(output);
            let bytes = render(&finished.document, *format, &self.options.render).map_err(|error| error.path(&path))?;
            file::stream(&path, Some(&self.staging), true, &mut |out| out.write_all(&bytes))?;
            outputs.push(Written {
                format: format.name().to_owned(),
                path: output.clone(),
                sha256: hash(&bytes),
            });
        }
        let record = Record::new(article, finished.bytes, &finished.document, outputs);
        self.state
            .record(&record, &self.manner)
            .map_err(|error| self.end_run(error))?;
        Ok(record)
    }

    /// Notes an article as failed.
    pub fn fail_article(&self, article: &Article, bytes: u64, error: Error) {
        if locked(&self.fatal).is_some() {
            return;
        }
        if let Err(error) = self.state.record(&Record::failed(article, &error), "") {
            self.end_run(error);
        }
        {
            let mut counts = locked(&self.counts);
            counts.failed += 1;
            counts.bytes += bytes;
        }
        locked(&self.failures).push(error);
    }

    /// Tells the host of the articles that failed since the last call.
    pub fn report_failures(&self, host: &dyn Host) {
        let failures = std::mem::take(&mut *locked(&self.failures));
        failures.iter().for_each(|error| host.failed(error));
    }
}

/// The manner of a run as the state stores it.
fn stored_manner(options: &Options) -> Result<String> {
    serde_json::to_string(&options.manner).map_err(|error| Error::output(error.to_string()).source(error))
}

/// Locks a mutex, also one whose last holder panicked.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// SHA-256 in hexadecimal.
fn hash(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Whether every other article would fail with the same error.
fn is_fatal(error: &Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    let is_full = source.is_some_and(|error| matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem));
    is_full || !matches!(error.kind, Kind::Input | Kind::Output)
}
