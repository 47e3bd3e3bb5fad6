//! Archives: the articles of a directory through one model, their sentences pooled, each finished once.

mod articles;
mod lock;
mod manner;
mod merge;
mod plan;
mod record;
mod report;
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
pub use shard::{Shard, Site};
pub use state::State;

use crate::document::{Bilingual, Format};
use crate::error::{Error, Kind, Result};
use crate::file;
use crate::file::hexadecimal;
use crate::memory::Memory;
use crate::pipeline::{self, Prepared};
use crate::render::{OutputFormat, RenderOptions, render};
use crate::translate::{Progress, Recaller, Translation, Translator};
use sha2::{Digest, Sha256};
use state::Claim;
use std::cell::Cell;
use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where plae keeps an archive's state, below its output directory.
pub const HOME: &str = ".plae";
/// The file of its state, and by default of its memory, below [`HOME`].
pub const DATABASE: &str = "memory.sqlite";
/// Where outputs are written before they are renamed, below [`HOME`].
const STAGING: &str = "staging";

/// Sentences that are translated together: enough that the last, smaller batch of each round costs little.
const POOL: usize = 768;
/// Articles that wait for the model, and for a writer.
const AHEAD: usize = 8;
const BEHIND: usize = 8;
/// Threads that write, at least: each waits for the disk at every output, and keeps some memory.
const WRITERS: usize = 4;

/// One article of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Article {
    /// Where it stands below the input directory, `/` between directories: its name in the state.
    pub place: String,
    pub path: PathBuf,
    pub format: Format,
    /// Below the output directory, `/` between directories.
    pub outputs: Vec<(OutputFormat, String)>,
}

/// How an archive is translated.
#[derive(Clone, Debug)]
pub struct Options {
    /// The format is each article's own.
    pub reading: pipeline::Options,
    pub render: RenderOptions,
    /// What outputs depend on besides their sources.
    pub manner: Manner,
    /// The text that stood for `manner` before there was a [`Manner`]: articles that have it count as done in `manner`.
    pub former_manner: Option<String>,
    /// Threads that read and write beside the model.
    pub jobs: usize,
    /// Do everything again from the memory, and replace outputs that are not plae's.
    pub force: bool,
}

/// What a run came to so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Articles translated and written.
    pub done: usize,
    /// Articles that were done before and have not changed.
    pub unchanged: usize,
    /// Of those, articles with outputs that somebody edited since; they are kept.
    pub edited: usize,
    pub failed: usize,
    /// Bytes of the sources that are done, unchanged or failed.
    pub bytes: u64,
    /// Segments of the articles that are done.
    pub segments: usize,
    /// Different sentences that the model translated.
    pub made: usize,
    /// Of the segments done, those that a reader should look at twice.
    pub flagged: usize,
    /// Output tokens.
    pub tokens: usize,
    /// Time in the model.
    pub busy: Duration,
}

/// Who runs an archive: gives the model when it is first needed, and hears what happens.
pub trait Host {
    /// The model, loaded at the first call.
    fn translator(&self) -> Result<&Translator>;
    /// Told every so often; `Break` ends the run after the batch in hand.
    fn progress(&self, counts: &Counts) -> ControlFlow<()>;
    /// An article that failed; the others go on.
    fn failed(&self, error: &Error);
}

/// An article that was read and needs a translation.
struct Ready {
    article: Article,
    bytes: u64,
    prepared: Prepared,
}

/// What became of reading an article.
enum Read {
    Ready(Box<Ready>),
    Unchanged { edited: bool, bytes: u64 },
    Failed { article: Article, bytes: u64, error: Error },
}

/// A translated article on its way to its outputs.
struct Finished {
    article: Article,
    bytes: u64,
    document: Bilingual,
}

/// What all threads of a run share.
struct Shared<'a> {
    site: &'a Site,
    staging: PathBuf,
    articles: &'a Articles,
    options: &'a Options,
    state: &'a State,
    /// The options' manner as it is stored.
    manner: String,
    next: AtomicUsize,
    /// No more articles are to be read.
    stop: AtomicBool,
    counts: Mutex<Counts>,
    failures: Mutex<Vec<Error>>,
    /// What ends the run: the disk is full, the database is gone.
    fatal: Mutex<Option<Error>>,
}

/// Translates what of `articles` is new or has changed into the outputs of `site`, and notes it in `state`.
///
/// An article's own failure is told to `host` and the others go on. Whatever ends the run, what is finished stays, and the
/// next run goes on from there.
///
/// # Errors
/// Of kind `Interrupted` where the host asks for it; the model's, the database's, and a full or read-only disk's.
pub fn run(
    site: &Site,
    articles: &Articles,
    memory: Option<&Memory>,
    state: &State,
    options: &Options,
    host: &dyn Host,
) -> Result<Counts> {
    let staging = staging(site)?;
    let paths = articles.iter().flat_map(|article| article.outputs);
    state.claim(paths.map(|(_, path)| path), &|path| {
        options.force || std::fs::symlink_metadata(site.output().join(path)).is_err()
    })?;
    let shared = Shared {
        site,
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
    };
    let (finish, finished) = sync_channel(BEHIND);
    let finished = Mutex::new(finished);
    let result = std::thread::scope(|scope| {
        let (read, reads) = sync_channel(AHEAD);
        let (shared, finished) = (&shared, &finished);
        for _ in 0..options.jobs.max(1) {
            let read = read.clone();
            scope.spawn(move || shared.read(&read));
        }
        drop(read);
        let writers: Vec<_> = (0..options.jobs.max(WRITERS))
            .map(|_| scope.spawn(move || shared.write(finished)))
            .collect();
        let result = Pool::new(shared, memory, finish).run(&reads, host);
        shared.stop.store(true, Relaxed);
        drop(reads);
        for writer in writers {
            // A panic of a thread is one of the scope.
            drop(writer.join());
        }
        result
    });
    shared.tell(host);
    let fatal = shared.fatal.into_inner().unwrap_or_else(PoisonError::into_inner);
    let counts = shared.counts.into_inner().unwrap_or_else(PoisonError::into_inner);
    match (fatal, result) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Ok(counts),
    }
}

/// An empty directory for outputs that are not whole yet; a killed run's are thrown away.
fn staging(site: &Site) -> Result<PathBuf> {
    let staging = site.home().join(STAGING);
    let failed = |error| file::failure(&staging, error);
    match std::fs::remove_dir_all(&staging) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => std::fs::create_dir_all(&staging).map_err(failed)?,
    }
    Ok(staging)
}

/// The manner of a run as the state keeps it.
fn stored_manner(options: &Options) -> Result<String> {
    serde_json::to_string(&options.manner).map_err(|error| Error::output(error.to_string()).source(error))
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hash(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Whether every other output would fail too.
fn is_fatal(error: &Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    let full = source.is_some_and(|error| matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem));
    full || !matches!(error.kind, Kind::Input | Kind::Output)
}

impl Shared<'_> {
    /// Reads articles until there are no more, or nobody takes them.
    fn read(&self, to: &SyncSender<Read>) {
        while !self.stop.load(Relaxed) {
            let index = self.next.fetch_add(1, Relaxed);
            let Some(article) = self.articles.get(index) else {
                return;
            };
            let read = self.prepare(&article).unwrap_or_else(|error| Read::Failed {
                // Of what cannot be read, as much as is known.
                bytes: std::fs::metadata(&article.path).map_or(0, |file| file.len()),
                article,
                error,
            });
            if to.send(read).is_err() {
                return;
            }
        }
    }

    fn prepare(&self, article: &Article) -> Result<Read> {
        let source = file::read(&article.path)?;
        let bytes = source.len() as u64;
        let (mut missing, mut edited) = (false, None);
        for (_, output) in &article.outputs {
            let path = self.site.output().join(output);
            match self.state.owner(output).map_err(|error| self.end(error))? {
                Claim::Foreign => return Err(self.site.foreign(&path)),
                Claim::Open => missing = true,
                Claim::Written(hash) => match std::fs::read(&path) {
                    Ok(bytes) if self::hash(&bytes) == hash => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => missing = true,
                    _ => edited = Some(path),
                },
            }
        }
        let done = self.state.done(&article.place).map_err(|error| self.end(error))?;
        let unchanged = match done {
            Some(done) if done.sha256 == hash(&source) => self.is_current(&article.place, &done.manner)?,
            _ => false,
        };
        if !self.options.force {
            if unchanged && !missing {
                let edited = edited.is_some();
                return Ok(Read::Unchanged { edited, bytes });
            }
            if let Some(path) = edited {
                return Err(
                    Error::output("the output was edited since plae wrote it, and would now be another: its source, the options or what people taught the memory have changed")
                        .path(path)
                        .hint("keep its edits with `plae memory learn`, and overwrite it with --force, or move it away"),
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
        Ok(Read::Ready(Box::new(Ready {
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
            .map_err(|error| self.end(error))?;
        Ok(true)
    }

    /// Notes that the run has to end.
    fn end(&self, error: Error) -> Error {
        self.stop.store(true, Relaxed);
        let told = Error::new(error.kind, error.message.clone());
        locked(&self.fatal).get_or_insert(error);
        told
    }

    /// Writes what is finished until nothing comes any more.
    fn write(&self, from: &Mutex<Receiver<Finished>>) {
        loop {
            // The lock is held while waiting, and given back with what came.
            let received = locked(from).recv();
            let Ok(finished) = received else { return };
            if locked(&self.fatal).is_some() {
                continue;
            }
            match self.put(&finished) {
                Ok(record) => {
                    let mut counts = locked(&self.counts);
                    counts.done += 1;
                    counts.bytes += finished.bytes;
                    counts.segments += record.segments;
                    counts.flagged += record.flagged;
                }
                Err(error) if is_fatal(&error) => drop(self.end(error)),
                Err(error) => self.fail(&finished.article, finished.bytes, error),
            }
        }
    }

    fn put(&self, finished: &Finished) -> Result<Record> {
        let article = &finished.article;
        let mut outputs = Vec::with_capacity(article.outputs.len());
        for (format, output) in &article.outputs {
            let path = self.site.output().join(output);
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
            .map_err(|error| self.end(error))?;
        Ok(record)
    }

    fn fail(&self, article: &Article, bytes: u64, error: Error) {
        if locked(&self.fatal).is_some() {
            return;
        }
        if let Err(error) = self.state.record(&Record::failed(article, &error), "") {
            self.end(error);
        }
        {
            let mut counts = locked(&self.counts);
            counts.failed += 1;
            counts.bytes += bytes;
        }
        locked(&self.failures).push(error);
    }

    /// Tells the host of failures since the last call.
    fn tell(&self, host: &dyn Host) {
        let failures = std::mem::take(&mut *locked(&self.failures));
        failures.iter().for_each(|error| host.failed(error));
    }
}

/// Articles whose sentences are translated together.
struct Pool<'a> {
    shared: &'a Shared<'a>,
    memory: Option<&'a Memory>,
    finish: SyncSender<Finished>,
    waiting: Vec<(Box<Ready>, Vec<Option<Translation>>)>,
    /// The different sentences that no memory has, and the number of each.
    unknown: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl<'a> Pool<'a> {
    fn new(shared: &'a Shared<'a>, memory: Option<&'a Memory>, finish: SyncSender<Finished>) -> Self {
        Self {
            shared,
            memory,
            finish,
            waiting: Vec::new(),
            unknown: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    /// Takes articles as they are read, until all are through.
    fn run(mut self, reads: &Receiver<Read>, host: &dyn Host) -> Result<()> {
        // Nothing is shown faster than people read.
        let mut shown = Instant::now();
        for read in reads {
            match read {
                Read::Unchanged { edited, bytes } => {
                    let mut counts = locked(&self.shared.counts);
                    counts.unchanged += 1;
                    counts.edited += usize::from(edited);
                    counts.bytes += bytes;
                }
                Read::Failed { article, bytes, error } => self.shared.fail(&article, bytes, error),
                Read::Ready(ready) => self.take(ready, host)?,
            }
            // Articles may have their unknown sentences in common.
            if self.unknown.len().max(self.waiting.len()) >= POOL {
                self.flush(host)?;
            }
            if shown.elapsed() > Duration::from_millis(100) {
                shown = Instant::now();
                self.show(host)?;
            }
            if self.shared.stop.load(Relaxed) {
                return Ok(());
            }
        }
        self.flush(host)
    }

    fn show(&self, host: &dyn Host) -> Result<()> {
        self.shared.tell(host);
        let counts = *locked(&self.shared.counts);
        match host.progress(&counts) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::new(Kind::Interrupted, "interrupted")),
        }
    }

    /// Sends an article on if all of it is known, else lets it wait for the model.
    fn take(&mut self, ready: Box<Ready>, host: &dyn Host) -> Result<()> {
        let decode = &self.shared.options.reading.decode;
        let prepared = &ready.prepared;
        if !prepared.needs_model() {
            let copies = prepared.copies(decode);
            return self.send(*ready, None, copies);
        }
        let translator = host.translator()?;
        let sources: Vec<&str> = prepared
            .segments()
            .iter()
            .map(|segment| segment.source.as_str())
            .collect();
        let mut found = Recaller::new(translator, self.memory, decode)?.recall(&sources)?;
        for (source, found) in sources.iter().zip(&mut found) {
            match found {
                Some(_) => {}
                None if !crate::thai::has_thai(source) => *found = Some(Translation::copy(source, decode)),
                None if !self.numbers.contains_key(*source) => {
                    self.numbers.insert((*source).to_owned(), self.unknown.len());
                    self.unknown.push((*source).to_owned());
                }
                None => {}
            }
        }
        if found.iter().all(Option::is_some) {
            self.send(*ready, Some(translator), found.into_iter().flatten().collect())
        } else {
            self.waiting.push((ready, found));
            Ok(())
        }
    }

    /// Translates what waits, and sends it on.
    fn flush(&mut self, host: &dyn Host) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let decode = &self.shared.options.reading.decode;
        let translator = host.translator()?;
        let sources: Vec<&str> = self.unknown.iter().map(String::as_str).collect();
        let before = *locked(&self.shared.counts);
        let start = Instant::now();
        let asked = Cell::new(false);
        let mut observe = |progress: Progress| {
            let counts = {
                let mut counts = locked(&self.shared.counts);
                counts.made = before.made + progress.done;
                counts.tokens = before.tokens + progress.tokens;
                counts.busy = before.busy + start.elapsed();
                *counts
            };
            self.shared.tell(host);
            // The batch in hand is finished and kept all the same.
            asked.set(asked.get() || host.progress(&counts).is_break());
            ControlFlow::Continue(())
        };
        let stop = || asked.get() || locked(&self.shared.fatal).is_some();
        let made = Recaller::new(translator, self.memory, decode)?.make(&sources, &mut observe, &stop)?;
        for (ready, mut found) in std::mem::take(&mut self.waiting) {
            for (segment, found) in ready.prepared.segments().iter().zip(&mut found) {
                if found.is_none() {
                    let number = self.numbers.get(&segment.source);
                    *found = number.and_then(|number| made.get(*number)).cloned();
                }
            }
            self.send(*ready, Some(translator), found.into_iter().flatten().collect())?;
        }
        self.unknown.clear();
        self.numbers.clear();
        Ok(())
    }

    /// Hands a translated article to the writers.
    fn send(&self, ready: Ready, translator: Option<&Translator>, translations: Vec<Translation>) -> Result<()> {
        let decode = &self.shared.options.reading.decode;
        let finished = Finished {
            article: ready.article,
            bytes: ready.bytes,
            document: ready.prepared.align(translator, decode, translations),
        };
        // The writers end after this.
        let gone = |_| Error::output("the writers have stopped");
        self.finish.send(finished).map_err(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who has no model, and needs none for articles without Thai.
    struct Nobody;

    impl Host for Nobody {
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
        let site = Site::new(&home.path().join("out"), None);
        std::fs::create_dir_all(site.output()).unwrap();
        std::fs::write(site.output().join("good.en"), "").unwrap();
        let state = State::open(&site.database()).unwrap();
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
        let counts = run(&site, &plan, None, &state, &options, &Nobody).unwrap();
        assert_eq!((counts.done, counts.failed, counts.bytes), (1, 3, 9 + 100 + 1000));
    }
}
