//! One run over an archive: the data that its threads share, the reading of articles and the writing of outputs.

use super::publish::{OutputPublisher, OutputStanding, Replaceable};
use super::record::{ArticleRecord, WrittenOutput};
use super::state::{ArchiveState, DoneArticle};
use super::{ArchiveOptions, Article, ArticleList, RunCallbacks, RunCounts};
use crate::document::BilingualDocument;
use crate::error::{Error, ErrorKind, Result};
use crate::file::{self, to_hexadecimal};
use crate::memory::{EditedFormat, Memory, read_edited};
use crate::pipeline::{self, PreparedDocument, ReadingNotice};
use crate::render::{OutputFormat, render};
use crate::translate::list_mended_forms;
use sha2::{Digest, Sha256};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};

/// An article that has been read and cut into segments, and is to be translated.
pub(super) struct PreparedArticle {
    pub article: Article,
    /// Size of the source in bytes.
    pub bytes: u64,
    pub notices: Vec<ReadingNotice>,
    /// For each output of the article, what it may replace.
    pub replaceable: Vec<Replaceable>,
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
    pub notices: Vec<ReadingNotice>,
    /// For each output of the article, what it may replace.
    pub replaceable: Vec<Replaceable>,
    pub document: BilingualDocument,
}

/// The data of one run over an archive, shared by the threads that read, translate and write.
pub(super) struct ArchiveRun<'a> {
    publisher: OutputPublisher<'a>,
    articles: &'a ArticleList,
    memory: Option<&'a Memory>,
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
        publisher: OutputPublisher<'a>,
        articles: &'a ArticleList,
        memory: Option<&'a Memory>,
        options: &'a ArchiveOptions,
        state: &'a ArchiveState,
    ) -> Result<Self> {
        Ok(Self {
            publisher,
            articles,
            memory,
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
            let read = match self.read_article(&article) {
                Ok(read) => read,
                Err(error) if is_database_error(&error) => {
                    self.end_run_with_error(error);
                    return;
                }
                Err(error) => ArticleReadOutcome::Failed {
                    // The size of the source if it exists, so that progress counts it.
                    bytes: std::fs::metadata(&article.path).map_or(0, |file| file.len()),
                    article,
                    error: Box::new(error),
                },
            };
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
        let done = self.state.find_done_article(&article.place)?;
        let unchanged = match &done {
            Some(done) if done.record.sha256 == sha256_hex(&source) => {
                self.has_current_settings(&article.place, &done.manner)?
            }
            _ => false,
        };
        // What stands where the outputs would be written is known before the article is translated.
        let (mut edited, mut unlearned, mut stale, mut forced) = (false, None, false, false);
        let mut replaceable = Vec::with_capacity(article.outputs.len());
        for (format, output) in &article.outputs {
            let is_covered = self.options.overwrite.covers(output);
            let standing = self.publisher.find_standing(output)?;
            replaceable.push(match standing {
                _ if is_covered => Replaceable::Anything,
                OutputStanding::Missing | OutputStanding::Own => Replaceable::OwnOnly,
                OutputStanding::Foreign => return Err(self.publisher.refusal(output, standing)),
                OutputStanding::Edited => {
                    edited = true;
                    match self.find_learned_edits(*format, output)? {
                        Some(sha256) => Replaceable::Learned(sha256),
                        None => {
                            unlearned = Some(output);
                            Replaceable::OwnOnly
                        }
                    }
                }
            });
            let lists = |done: &DoneArticle| {
                let mut current = done.record.outputs.iter().filter(|written| !written.outdated);
                current.any(|written| written.path == *output)
            };
            forced |= is_covered;
            stale |= standing == OutputStanding::Missing || !done.as_ref().is_some_and(lists);
        }
        if unchanged && !stale && !forced {
            return Ok(ArticleReadOutcome::Unchanged { edited, bytes });
        }
        if let Some(output) = unlearned {
            return Err(self.publisher.refusal(output, OutputStanding::Edited));
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
            notices: prepared.notices(&options),
            replaceable,
            prepared,
        })))
    }

    /// Returns the SHA-256 of an edited output if the memory has learned all of its edits; none if it has not, or if
    /// edits of this format cannot be read.
    fn find_learned_edits(&self, format: OutputFormat, output: &str) -> Result<Option<String>> {
        let path = self.publisher.path_of(output);
        let (Some(memory), Some(format)) = (self.memory, EditedFormat::from_extension(format.name())) else {
            return Ok(None);
        };
        // A link or a directory is no edited output.
        if !std::fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            return Ok(None);
        }
        let bytes = file::read_file(&path)?;
        Ok(match read_edited(&bytes, format) {
            Ok(edited) if memory.has_learned(&edited, &list_mended_forms)? => Some(sha256_hex(&bytes)),
            _ => None,
        })
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
        self.state.set_article_settings(place, &self.manner)?;
        Ok(true)
    }

    /// Makes the whole run end with `error`.
    fn end_run_with_error(&self, error: Error) {
        self.stop.store(true, Relaxed);
        lock_mutex(&self.fatal).get_or_insert(error);
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
                Err(error) if is_fatal_error(&error) => self.end_run_with_error(error),
                Err(error) => self.fail_article(&finished.article, finished.bytes, error),
            }
        }
    }

    /// Writes all outputs of an article, and then records the article as done in the database.
    fn write_article_outputs(&self, finished: &TranslatedArticle) -> Result<ArticleRecord> {
        let article = &finished.article;
        let mut outputs = Vec::with_capacity(article.outputs.len());
        for ((format, output), replaceable) in article.outputs.iter().zip(&finished.replaceable) {
            let rendered = render(&finished.document, *format, &self.options.render);
            let bytes = rendered.map_err(|error| error.path(self.publisher.path_of(output)))?;
            let mut fill = |out: &mut dyn io::Write| out.write_all(&bytes).map_err(file::failed_write_error);
            outputs.push(WrittenOutput {
                format: format.name().to_owned(),
                path: output.clone(),
                sha256: self.publisher.publish(output, replaceable, &mut fill)?,
                outdated: false,
            });
            if matches!(replaceable, Replaceable::Learned(_)) {
                lock_mutex(&self.counts).learned += 1;
            }
        }
        let notices = finished.notices.clone();
        let mut record = ArticleRecord::new(article, finished.bytes, &finished.document, notices, outputs);
        if let Some(earlier) = self.find_earlier_outputs(article)? {
            let is_current = earlier.record.sha256 == record.sha256 && earlier.manner == self.manner;
            record.add_earlier_outputs(earlier.record.outputs, !is_current);
        }
        self.state.store_article_record(&record, &self.manner)?;
        Ok(record)
    }

    /// Returns what an earlier run stored of an article, with those of its outputs that still exist.
    fn find_earlier_outputs(&self, article: &Article) -> Result<Option<DoneArticle>> {
        let mut done = self.state.find_done_article(&article.place)?;
        if let Some(done) = &mut done {
            let exists = |output: &WrittenOutput| self.publisher.path_of(&output.path).symlink_metadata().is_ok();
            done.record.outputs.retain(exists);
        }
        Ok(done)
    }

    /// Records an article as failed in the database, counts it, and keeps its error for [`Self::report_failures`].
    pub fn fail_article(&self, article: &Article, bytes: u64, error: Error) {
        if lock_mutex(&self.fatal).is_some() {
            return;
        }
        let mut record = ArticleRecord::from_failure(article, &error);
        let stored = self.find_earlier_outputs(article).and_then(|earlier| {
            // What an earlier run wrote is still there.
            record.add_earlier_outputs(earlier.map(|done| done.record.outputs).unwrap_or_default(), true);
            self.state.store_article_record(&record, "")
        });
        if let Err(error) = stored {
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
    is_full || is_database_error(error) || !matches!(error.kind, ErrorKind::Input | ErrorKind::Output)
}

/// Whether an error is one of the archive's database or of the memory, which all articles use.
fn is_database_error(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<rusqlite::Error>())
}
