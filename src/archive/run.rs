//! One run over an archive: the data that its threads share, the reading of articles and the writing of outputs.

use super::record::{ArticleRecord, WrittenOutput};
use super::state::{ArchiveState, OutputOwnership};
use super::{ArchiveDir, ArchiveOptions, Article, ArticleList, RunCallbacks, RunCounts};
use crate::document::BilingualDocument;
use crate::error::{Error, ErrorKind, Hint, Result};
use crate::file::{self, to_hexadecimal};
use crate::pipeline::{self, PreparedDocument};
use crate::render::render;
use sha2::{Digest, Sha256};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};

/// An article that has been read and cut into segments, and is to be translated.
pub(super) struct PreparedArticle {
    pub article: Article,
    /// Size of the source in bytes.
    pub bytes: u64,
    pub prepared: PreparedDocument,
}

/// The outcome of reading one article.
pub(super) enum ArticleReadOutcome {
    /// The article is to be translated.
    Ready(Box<PreparedArticle>),
    /// The article was translated in an earlier run, and neither its source nor the settings have changed since.
    Unchanged {
        /// Whether somebody has edited one of the outputs since plae wrote it.
        edited: bool,
        /// Size of the source in bytes.
        bytes: u64,
    },
    /// The article could not be read, or one of its outputs must not be overwritten.
    Failed {
        article: Article,
        /// Size of the source in bytes; 0 if unknown.
        bytes: u64,
        error: Box<Error>,
    },
}

/// A translated article whose outputs are to be written.
pub(super) struct TranslatedArticle {
    pub article: Article,
    /// Size of the source in bytes.
    pub bytes: u64,
    pub document: BilingualDocument,
}

/// The data of one run over an archive, shared by the threads that read, translate and write.
pub(super) struct ArchiveRun<'a> {
    dir: &'a ArchiveDir,
    /// Directory in which outputs are written before they are renamed to their final path.
    staging: PathBuf,
    articles: &'a ArticleList,
    pub options: &'a ArchiveOptions,
    state: &'a ArchiveState,
    /// The settings that outputs depend on ([`ArchiveOptions::manner`]) as JSON, the form in which the database stores them.
    manner: String,
    /// Index in `articles` of the next article to read.
    next: AtomicUsize,
    /// Whether the threads that read articles should stop.
    pub stop: AtomicBool,
    pub counts: Mutex<RunCounts>,
    /// Errors of single articles that have not been passed to [`RunCallbacks::on_article_failed`] yet.
    failures: Mutex<Vec<Error>>,
    /// The error that ends the run, such as a full disk or a database that cannot be written; none while it may go on.
    pub fatal: Mutex<Option<Error>>,
}

impl<'a> ArchiveRun<'a> {
    /// Creates the shared data of a run that has not read any article yet.
    pub fn new(
        dir: &'a ArchiveDir,
        staging: PathBuf,
        articles: &'a ArticleList,
        options: &'a ArchiveOptions,
        state: &'a ArchiveState,
    ) -> Result<Self> {
        Ok(Self {
            dir,
            staging,
            articles,
            options,
            state,
            manner: serialize_settings(options)?,
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            counts: Mutex::default(),
            failures: Mutex::default(),
            fatal: Mutex::default(),
        })
    }

    /// Runs a reading thread: reads articles and sends the outcomes to `to`, until none is left or `to` is closed.
    pub fn read_articles(&self, to: &SyncSender<ArticleReadOutcome>) {
        while !self.stop.load(Relaxed) {
            let index = self.next.fetch_add(1, Relaxed);
            let Some(article) = self.articles.get(index) else {
                return;
            };
            let read = self
                .read_article(&article)
                .unwrap_or_else(|error| ArticleReadOutcome::Failed {
                    // The size of the source if it exists, so that progress counts it.
                    bytes: std::fs::metadata(&article.path).map_or(0, |file| file.len()),
                    article,
                    error: Box::new(error),
                });
            if to.send(read).is_err() {
                return;
            }
        }
    }

    /// Reads an article and cuts it into segments, unless it is unchanged since an earlier run.
    ///
    /// # Errors
    /// The source cannot be read, or an output exists that plae did not write, or that somebody edited and that would
    /// now be overwritten.
    fn read_article(&self, article: &Article) -> Result<ArticleReadOutcome> {
        let source = file::read_file(&article.path)?;
        let bytes = source.len() as u64;
        let (mut missing, mut edited) = (false, None);
        for (_, output) in &article.outputs {
            let path = self.dir.output_dir().join(output);
            match self
                .state
                .find_output_ownership(output)
                .map_err(|error| self.end_run_with_error(error))?
            {
                OutputOwnership::NotOurs => return Err(self.dir.foreign_output_error(&path)),
                OutputOwnership::Unwritten => missing = true,
                OutputOwnership::Written(hash) => match std::fs::read(&path) {
                    Ok(bytes) if self::sha256_hex(&bytes) == hash => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => missing = true,
                    _ => edited = Some(path),
                },
            }
        }
        let done = self
            .state
            .find_done_article(&article.place)
            .map_err(|error| self.end_run_with_error(error))?;
        let unchanged = match done {
            Some(done) if done.sha256 == sha256_hex(&source) => {
                self.has_current_settings(&article.place, &done.manner)?
            }
            _ => false,
        };
        if !self.options.force {
            if unchanged && !missing {
                let edited = edited.is_some();
                return Ok(ArticleReadOutcome::Unchanged { edited, bytes });
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
        let prepared = pipeline::prepare_document(name.as_deref(), &source, &options)
            .map_err(|error| error.path(&article.path))?;
        Ok(ArticleReadOutcome::Ready(Box::new(PreparedArticle {
            article: article.clone(),
            bytes,
            prepared,
        })))
    }

    /// Whether the settings `stored` in the database for the article at `place` equal this run's. If they do, but an
    /// older version of plae wrote them in another form, also replaces them by today's JSON.
    fn has_current_settings(&self, place: &str, stored: &str) -> Result<bool> {
        if stored == self.manner {
            return Ok(true);
        }
        if self.options.former_manner.as_deref() != Some(stored) {
            return Ok(false);
        }
        self.state
            .set_article_settings(place, &self.manner)
            .map_err(|error| self.end_run_with_error(error))?;
        Ok(true)
    }

    /// Makes the whole run end with `error`. Returns an error of the same kind and message for the current article.
    fn end_run_with_error(&self, error: Error) -> Error {
        self.stop.store(true, Relaxed);
        let same = Error::new(error.kind, error.message.clone());
        lock_mutex(&self.fatal).get_or_insert(error);
        same
    }

    /// Runs a writing thread: receives translated articles and writes their outputs, until the sender is gone.
    pub fn write_outputs(&self, from: &Mutex<Receiver<TranslatedArticle>>) {
        loop {
            // The lock is held while waiting for an article, and released once one has arrived.
            let received = lock_mutex(from).recv();
            let Ok(finished) = received else { return };
            if lock_mutex(&self.fatal).is_some() {
                continue;
            }
            match self.write_article_outputs(&finished) {
                Ok(record) => {
                    let mut counts = lock_mutex(&self.counts);
                    counts.done += 1;
                    counts.bytes += finished.bytes;
                    counts.segments += record.segments;
                    counts.flagged += record.flagged;
                }
                Err(error) if is_fatal_error(&error) => drop(self.end_run_with_error(error)),
                Err(error) => self.fail_article(&finished.article, finished.bytes, error),
            }
        }
    }

    /// Writes all outputs of an article, and then records the article as done in the database.
    fn write_article_outputs(&self, finished: &TranslatedArticle) -> Result<ArticleRecord> {
        let article = &finished.article;
        let mut outputs = Vec::with_capacity(article.outputs.len());
        for (format, output) in &article.outputs {
            let path = self.dir.output_dir().join(output);
            let bytes = render(&finished.document, *format, &self.options.render).map_err(|error| error.path(&path))?;
            file::write_file_with(&path, Some(&self.staging), true, &mut |out| out.write_all(&bytes))?;
            outputs.push(WrittenOutput {
                format: format.name().to_owned(),
                path: output.clone(),
                sha256: sha256_hex(&bytes),
            });
        }
        let record = ArticleRecord::new(article, finished.bytes, &finished.document, outputs);
        self.state
            .store_article_record(&record, &self.manner)
            .map_err(|error| self.end_run_with_error(error))?;
        Ok(record)
    }

    /// Records an article as failed in the database, counts it, and keeps its error for [`Self::report_failures`].
    pub fn fail_article(&self, article: &Article, bytes: u64, error: Error) {
        if lock_mutex(&self.fatal).is_some() {
            return;
        }
        if let Err(error) = self
            .state
            .store_article_record(&ArticleRecord::from_failure(article, &error), "")
        {
            self.end_run_with_error(error);
        }
        {
            let mut counts = lock_mutex(&self.counts);
            counts.failed += 1;
            counts.bytes += bytes;
        }
        lock_mutex(&self.failures).push(error);
    }

    /// Passes the errors of articles that failed since the last call to [`RunCallbacks::on_article_failed`].
    pub fn report_failures(&self, callbacks: &dyn RunCallbacks) {
        let failures = std::mem::take(&mut *lock_mutex(&self.failures));
        failures.iter().for_each(|error| callbacks.on_article_failed(error));
    }
}

/// Formats the settings that outputs depend on as JSON, the form in which the database stores them.
fn serialize_settings(options: &ArchiveOptions) -> Result<String> {
    serde_json::to_string(&options.manner).map_err(|error| Error::output(error.to_string()).source(error))
}

/// Locks a mutex, even if a thread panicked while holding it.
pub(super) fn lock_mutex<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the SHA-256 of `bytes` in hexadecimal.
fn sha256_hex(bytes: &[u8]) -> String {
    to_hexadecimal(&Sha256::digest(bytes))
}

/// Whether an error should end the run, because every other article would fail with it too, as with a full disk.
fn is_fatal_error(error: &Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    let is_full = source.is_some_and(|error| matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem));
    is_full || !matches!(error.kind, ErrorKind::Input | ErrorKind::Output)
}
