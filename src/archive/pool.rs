//! Collects sentences of many articles and translates them in one call, each distinct sentence once.

use super::RunCallbacks;
use super::run::{ArchiveRun, ArticleReadOutcome, PreparedArticle, TranslatedArticle, lock_mutex};
use crate::error::{Error, ErrorKind, Result};
use crate::memory::Memory;
use crate::translate::{MemoryTranslator, Progress, Translation, Translator};
use std::cell::Cell;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

/// Number of untranslated sentences, or of waiting articles, at which the pool calls the model. Large enough that the
/// incomplete batch at the end of each call costs little.
const MAX_POOL_SENTENCES: usize = 768;
/// Time between two progress reports ([`RunCallbacks::on_progress`]) while articles are read.
const PROGRESS_REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// The articles that wait for the model, and their distinct sentences, which are translated together.
pub(super) struct SentencePool<'a> {
    run: &'a ArchiveRun<'a>,
    memory: Option<&'a Memory>,
    finish: SyncSender<TranslatedArticle>,
    /// Articles that wait for the model, each with a translation per segment, which is `None` if the memory has none.
    waiting: Vec<(Box<PreparedArticle>, Vec<Option<Translation>>)>,
    /// The distinct sentences of waiting articles that the memory does not have.
    unknown: Vec<String>,
    /// For each sentence in `unknown`, its index there.
    numbers: HashMap<String, usize>,
}

impl<'a> SentencePool<'a> {
    /// Creates an empty pool that sends translated articles to `finish`.
    pub fn new(run: &'a ArchiveRun<'a>, memory: Option<&'a Memory>, finish: SyncSender<TranslatedArticle>) -> Self {
        Self {
            run,
            memory,
            finish,
            waiting: Vec::new(),
            unknown: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    /// Receives articles from the reading threads and translates them, until `reads` is closed and no article waits.
    pub fn translate_received_articles(
        mut self,
        reads: &Receiver<ArticleReadOutcome>,
        callbacks: &dyn RunCallbacks,
    ) -> Result<()> {
        // Reporting more often would be too fast to read.
        let mut reported = Instant::now();
        for read in reads {
            match read {
                ArticleReadOutcome::Unchanged { edited, bytes } => {
                    let mut counts = lock_mutex(&self.run.counts);
                    counts.unchanged += 1;
                    counts.edited += usize::from(edited);
                    counts.bytes += bytes;
                }
                ArticleReadOutcome::Failed { article, bytes, error } => self.run.fail_article(&article, bytes, *error),
                ArticleReadOutcome::Ready(ready) => {
                    if !ready.notices.is_empty() {
                        callbacks.on_article_notices(&ready.article, &ready.notices);
                    }
                    self.collect_sentences_of_article(ready, callbacks)?;
                }
            }
            // Many waiting articles may share the same few unknown sentences.
            if self.unknown.len().max(self.waiting.len()) >= MAX_POOL_SENTENCES {
                self.translate_waiting_articles(callbacks)?;
            }
            if reported.elapsed() > PROGRESS_REPORT_INTERVAL {
                reported = Instant::now();
                self.report_progress(callbacks)?;
            }
            if self.run.stop.load(Relaxed) {
                return Ok(());
            }
        }
        self.translate_waiting_articles(callbacks)
    }

    fn report_progress(&self, callbacks: &dyn RunCallbacks) -> Result<()> {
        self.run.report_failures(callbacks);
        let counts = *lock_mutex(&self.run.counts);
        match callbacks.on_progress(&counts) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::new(ErrorKind::Interrupted, "interrupted")),
        }
    }

    /// Sends an article to the writers if the memory translates all its sentences; else keeps it waiting for the model.
    fn collect_sentences_of_article(
        &mut self,
        ready: Box<PreparedArticle>,
        callbacks: &dyn RunCallbacks,
    ) -> Result<()> {
        let decode = &self.run.options.reading.decode;
        let prepared = &ready.prepared;
        if !prepared.needs_model() {
            let copies = prepared.copy_sources_as_translations(decode);
            return self.send_to_writers(*ready, None, copies);
        }
        let translator = callbacks.translator()?;
        let sources: Vec<&str> = prepared
            .segments()
            .iter()
            .map(|segment| segment.source.as_str())
            .collect();
        let mut found = MemoryTranslator::new(translator, self.memory, decode)?.recall_translations(&sources)?;
        for (source, found) in sources.iter().zip(&mut found) {
            match found {
                Some(_) => {}
                None if !crate::thai::has_thai(source) => {
                    *found = Some(Translation::from_copied_source(source, decode))
                }
                None if !self.numbers.contains_key(*source) => {
                    self.numbers.insert((*source).to_owned(), self.unknown.len());
                    self.unknown.push((*source).to_owned());
                }
                None => {}
            }
        }
        if found.iter().all(Option::is_some) {
            self.send_to_writers(*ready, Some(translator), found.into_iter().flatten().collect())
        } else {
            self.waiting.push((ready, found));
            Ok(())
        }
    }

    /// Translates the unknown sentences of all waiting articles, and sends these articles to the writers.
    fn translate_waiting_articles(&mut self, callbacks: &dyn RunCallbacks) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let decode = &self.run.options.reading.decode;
        let translator = callbacks.translator()?;
        let sources: Vec<&str> = self.unknown.iter().map(String::as_str).collect();
        let before = *lock_mutex(&self.run.counts);
        let start = Instant::now();
        let asked = Cell::new(false);
        let mut observe = |progress: Progress| {
            let counts = {
                let mut counts = lock_mutex(&self.run.counts);
                counts.made = before.made + progress.done;
                counts.tokens = before.tokens + progress.tokens;
                counts.busy = before.busy + start.elapsed();
                *counts
            };
            self.run.report_failures(callbacks);
            // The current batch is still finished and stored in the memory.
            asked.set(asked.get() || callbacks.on_progress(&counts).is_break());
            ControlFlow::Continue(())
        };
        let stop = || asked.get() || lock_mutex(&self.run.fatal).is_some();
        let made =
            MemoryTranslator::new(translator, self.memory, decode)?.translate_unknown(&sources, &mut observe, &stop)?;
        for (ready, mut found) in std::mem::take(&mut self.waiting) {
            for (segment, found) in ready.prepared.segments().iter().zip(&mut found) {
                if found.is_none() {
                    let number = self.numbers.get(&segment.source);
                    *found = number.and_then(|number| made.get(*number)).cloned();
                }
            }
            self.send_to_writers(*ready, Some(translator), found.into_iter().flatten().collect())?;
        }
        self.unknown.clear();
        self.numbers.clear();
        Ok(())
    }

    /// Aligns an article with its translations, and sends it to the threads that write outputs.
    fn send_to_writers(
        &self,
        ready: PreparedArticle,
        translator: Option<&Translator>,
        translations: Vec<Translation>,
    ) -> Result<()> {
        let decode = &self.run.options.reading.decode;
        let finished = TranslatedArticle {
            article: ready.article,
            bytes: ready.bytes,
            notices: ready.notices,
            replaceable: ready.replaceable,
            document: ready.prepared.align_translations(translator, decode, translations),
        };
        // The writers stop only after the pool is dropped, so this fails only if they panicked.
        let gone = |_| Error::output("the writers have stopped");
        self.finish.send(finished).map_err(gone)
    }
}
