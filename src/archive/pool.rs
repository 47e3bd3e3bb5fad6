//! The pool: sentences of many articles translated together, each different one once.

use super::Host;
use super::run::{PreparedArticle, ReadOutcome, Run, TranslatedArticle, locked};
use crate::error::{Error, Kind, Result};
use crate::memory::Memory;
use crate::translate::{Progress, Recaller, Translation, Translator};
use std::cell::Cell;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

/// Sentences that are translated together: enough that the last, smaller batch of each round costs little.
const POOL_SENTENCES: usize = 768;
/// How often the host hears of progress while articles are read.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// Articles that wait for the model, and the sentences that are translated for them together.
pub(super) struct SentencePool<'a> {
    run: &'a Run<'a>,
    memory: Option<&'a Memory>,
    finish: SyncSender<TranslatedArticle>,
    /// Articles with sentences that no memory has; none for each such sentence.
    waiting: Vec<(Box<PreparedArticle>, Vec<Option<Translation>>)>,
    /// The different sentences that no memory has, and the index of each.
    unknown: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl<'a> SentencePool<'a> {
    /// Makes an empty pool, which sends what is translated to `finish`.
    pub fn new(run: &'a Run<'a>, memory: Option<&'a Memory>, finish: SyncSender<TranslatedArticle>) -> Self {
        Self {
            run,
            memory,
            finish,
            waiting: Vec::new(),
            unknown: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    /// Takes articles as they are read, until all of them are translated.
    pub fn translate_all(mut self, reads: &Receiver<ReadOutcome>, host: &dyn Host) -> Result<()> {
        // People read no faster.
        let mut reported = Instant::now();
        for read in reads {
            match read {
                ReadOutcome::Unchanged { edited, bytes } => {
                    let mut counts = locked(&self.run.counts);
                    counts.unchanged += 1;
                    counts.edited += usize::from(edited);
                    counts.bytes += bytes;
                }
                ReadOutcome::Failed { article, bytes, error } => self.run.fail_article(&article, bytes, *error),
                ReadOutcome::Ready(ready) => self.add(ready, host)?,
            }
            // Articles may have their unknown sentences in common.
            if self.unknown.len().max(self.waiting.len()) >= POOL_SENTENCES {
                self.translate_waiting(host)?;
            }
            if reported.elapsed() > REPORT_INTERVAL {
                reported = Instant::now();
                self.report_progress(host)?;
            }
            if self.run.stop.load(Relaxed) {
                return Ok(());
            }
        }
        self.translate_waiting(host)
    }

    fn report_progress(&self, host: &dyn Host) -> Result<()> {
        self.run.report_failures(host);
        let counts = *locked(&self.run.counts);
        match host.progress(&counts) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::new(Kind::Interrupted, "interrupted")),
        }
    }

    /// Sends an article on if all of it is known, else lets it wait for the model.
    fn add(&mut self, ready: Box<PreparedArticle>, host: &dyn Host) -> Result<()> {
        let decode = &self.run.options.reading.decode;
        let prepared = &ready.prepared;
        if !prepared.needs_model() {
            let copies = prepared.copies(decode);
            return self.send_to_writers(*ready, None, copies);
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
            self.send_to_writers(*ready, Some(translator), found.into_iter().flatten().collect())
        } else {
            self.waiting.push((ready, found));
            Ok(())
        }
    }

    /// Translates what waits, and sends it on.
    fn translate_waiting(&mut self, host: &dyn Host) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let decode = &self.run.options.reading.decode;
        let translator = host.translator()?;
        let sources: Vec<&str> = self.unknown.iter().map(String::as_str).collect();
        let before = *locked(&self.run.counts);
        let start = Instant::now();
        let asked = Cell::new(false);
        let mut observe = |progress: Progress| {
            let counts = {
                let mut counts = locked(&self.run.counts);
                counts.made = before.made + progress.done;
                counts.tokens = before.tokens + progress.tokens;
                counts.busy = before.busy + start.elapsed();
                *counts
            };
            self.run.report_failures(host);
            // The batch in hand is finished and kept all the same.
            asked.set(asked.get() || host.progress(&counts).is_break());
            ControlFlow::Continue(())
        };
        let stop = || asked.get() || locked(&self.run.fatal).is_some();
        let made = Recaller::new(translator, self.memory, decode)?.make(&sources, &mut observe, &stop)?;
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

    /// Hands a translated article to the writers.
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
            document: ready.prepared.align(translator, decode, translations),
        };
        // The writers end after the pool does.
        let gone = |_| Error::output("the writers have stopped");
        self.finish.send(finished).map_err(gone)
    }
}
