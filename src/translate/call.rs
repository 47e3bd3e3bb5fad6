//! Calls: the options and sources of one call of the translator, the texts to decode (jobs), and the progress.

use super::job::{DecodeJob, SourcePlan, mean_log_probability};
use super::join::join_translations;
use super::mend::{MendedText, mend_translation};
use super::prompt::Prompter;
use super::{DecodeOptions, Observer, Progress, Quality, Translation, TranslationReceiver, Translator};
use crate::decode::{Hypothesis, SearchOptions};
use crate::document::{Era, Findings, FinishReason, Flag};
use crate::error::{Error, ErrorKind, Result};
use crate::quality::{self, CheckedPair};

/// Settings with which one pass decodes the texts of a call, by beam search or by sampling.
pub(super) struct SearchSettings<'a> {
    /// Settings for all rows of a batch. `max_tokens`, `expected` and the streams of `sampling` differ from row to row
    /// and are filled in for each batch.
    pub options: SearchOptions<'a>,
    /// Number of outputs that are sampled for each text; 1 without `sampling`.
    pub draws: usize,
    /// Maximum number of source tokens in a batch. A token counts once for each beam, and once for each output that
    /// is sampled for its text.
    pub budget: usize,
}

/// State of one call of [`Translator::translate_streaming`]: its options and sources, the texts to decode (jobs), and
/// the progress.
pub(super) struct TranslationCall<'a> {
    pub translator: &'a Translator,
    pub prompter: &'a Prompter,
    pub options: &'a DecodeOptions,
    /// The distinct texts to decode, each with its outputs so far.
    pub jobs: Vec<DecodeJob>,
    pub progress: Progress,
    pub observer: Observer<'a>,
    receiver: TranslationReceiver<'a>,
    sources: &'a [&'a str],
    /// For each source, whether it is copied or which jobs make up its translation.
    plans: Vec<SourcePlan>,
    /// For each source, the number of its jobs whose results are not final yet; a job that the source needs twice
    /// counts twice.
    unsettled: Vec<usize>,
    /// The translation of each source, once it is final.
    translations: Vec<Option<Translation>>,
}

impl<'a> TranslationCall<'a> {
    /// Makes the jobs of a call from its sources, and reports the initial progress to the observer.
    ///
    /// # Errors
    /// Kind `Input` for a text with a token that the model has no embedding for, of kind `Interrupted` after the observer's
    /// `Break`.
    pub fn new(
        translator: &'a Translator,
        prompter: &'a Prompter,
        options: &'a DecodeOptions,
        sources: &'a [&'a str],
        observer: Observer<'a>,
        receiver: TranslationReceiver<'a>,
    ) -> Result<Self> {
        let (plans, jobs) = translator.plan_jobs(sources, options, prompter)?;
        let unsettled: Vec<usize> = plans
            .iter()
            .map(|plan| match plan {
                SourcePlan::Copy | SourcePlan::Rule(_) => 0,
                SourcePlan::Jobs(numbers) => numbers.len(),
            })
            .collect();
        let progress = Progress {
            done: unsettled.iter().filter(|jobs| **jobs == 0).count(),
            total: sources.len(),
            tokens: 0,
        };
        if observer(progress).is_break() {
            return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
        }
        let mut call = Self {
            translator,
            prompter,
            options,
            jobs,
            progress,
            observer,
            receiver,
            sources,
            plans,
            unsettled,
            translations: vec![None; sources.len()],
        };
        call.finish_sources_by_rule()?;
        Ok(call)
    }

    /// Hands the translations that were made by rule to the receiver.
    fn finish_sources_by_rule(&mut self) -> Result<()> {
        let by_rule = self
            .plans
            .iter_mut()
            .enumerate()
            .filter_map(|(source, plan)| match plan {
                SourcePlan::Rule(text) => Some((source, Translation::from_rule(std::mem::take(text)))),
                _ => None,
            });
        let ready: Vec<(usize, Translation)> = by_rule.collect();
        if !ready.is_empty() {
            (self.receiver)(&ready)?;
        }
        for (source, translation) in ready {
            self.translations[source] = Some(translation);
        }
        Ok(())
    }

    /// Returns the translations of all sources, in the order of the sources. All passes must have run before.
    pub fn into_translations(self) -> Vec<Translation> {
        let (sources, options) = (self.sources.iter(), self.options);
        sources
            .zip(self.translations)
            .map(|(source, translation)| {
                translation.unwrap_or_else(|| Translation::from_copied_source(source, options))
            })
            .collect()
    }

    /// Decodes the token ids of an output to text, up to the first stop string.
    pub fn text_of_output(&self, output: &Hypothesis) -> String {
        self.prompter
            .clean_output(&self.translator.tokenizer.decode(&output.ids))
    }

    /// Decodes a job's best output so far to text; empty if there is no output.
    pub fn job_text(&self, job: &DecodeJob) -> String {
        let ids = job.result.as_ref().map_or(&[][..], |result| &result.ids);
        self.prompter.clean_output(&self.translator.tokenizer.decode(ids))
    }

    /// Returns the findings about a job's best output so far: what looks wrong with the text.
    pub fn job_findings(&self, job: &DecodeJob) -> Findings {
        let finish = job.result.as_ref().map_or(FinishReason::Stop, |result| result.finish);
        self.check_text(&job.text, &self.job_text(job), finish)
    }

    /// Checks a translation that was decoded in this call.
    pub fn check_text(&self, source: &str, target: &str, finish: FinishReason) -> Findings {
        quality::check_translation(&CheckedPair {
            source,
            target,
            finish,
            examples: self.prompter.examples(),
        })
    }

    /// Returns the text that a translation has after its numbers and dates are mended, with years of the common era: what
    /// is decoded again does not depend on the era that is asked for.
    pub fn mend_text(&self, source: &str, text: &str) -> String {
        let check = |text: &str| self.check_text(source, text, FinishReason::Stop);
        let text = MendedText::new(text.to_owned(), Vec::new());
        mend_translation(source, text, Era::Ce, &check).into_parts().0
    }

    /// Whether a job's best output so far is cut, empty, or repeats itself.
    pub fn is_failure(&self, job: &DecodeJob) -> bool {
        self.job_findings(job).has_failure()
    }

    /// Whether several outputs are sampled for each text and the best is chosen: for a decoder-only model at
    /// [`Quality::Best`].
    pub fn samples_several_outputs(&self) -> bool {
        self.options.quality == Quality::Best && self.translator.is_decoder_only()
    }

    /// Makes the translation of each source whose last missing job is among `settled`, the indices of jobs whose
    /// results are now final. Hands the translations to the receiver and updates the progress. `done_before` is the
    /// number of sources that were done before the batch.
    pub fn finish_jobs(&mut self, settled: &[usize], done_before: usize) -> Result<()> {
        let mut ready = Vec::new();
        for source in settled.iter().flat_map(|job| &self.jobs[*job].sources) {
            self.unsettled[*source] -= 1;
            if let (0, SourcePlan::Jobs(numbers)) = (self.unsettled[*source], &self.plans[*source]) {
                ready.push((*source, self.assemble_translation(self.sources[*source], numbers)));
            }
        }
        (self.receiver)(&ready)?;
        let done = done_before + ready.len();
        for (source, translation) in ready {
            self.translations[source] = Some(translation);
        }
        self.progress.done = self.progress.done.max(done).min(self.progress.total);
        Ok(())
    }

    /// Makes the translation of `source` by joining the results of its jobs, given by their indices. A job that was
    /// better translated in parts contributes the results of its parts.
    fn assemble_translation(&self, source: &str, numbers: &[usize]) -> Translation {
        let numbers = numbers.iter().flat_map(|number| match &self.jobs[*number].parts[..] {
            [] => std::slice::from_ref(number),
            parts => parts,
        });
        let jobs: Vec<&DecodeJob> = numbers.map(|number| &self.jobs[*number]).collect();
        let results: Vec<&Hypothesis> = jobs.iter().filter_map(|job| job.result.as_ref()).collect();
        let severity = |finish: &FinishReason| match finish {
            FinishReason::Loop => 2,
            FinishReason::Length => 1,
            FinishReason::Stop | FinishReason::Copy | FinishReason::Rule => 0,
        };
        let finishes = results.iter().map(|result| result.finish);
        let finish = finishes.max_by_key(severity).unwrap_or(FinishReason::Stop);
        let texts: Vec<String> = jobs.iter().map(|job| self.job_text(job)).collect();
        let text = join_translations(&texts);
        let check = |text: &str| self.check_text(source, text, finish);
        let mut text = MendedText::new(text, Vec::new());
        if self.options.mends_text() {
            text = mend_translation(source, text, self.options.era, &check);
        }
        let (text, mended) = text.into_parts();
        let mut findings = check(&text);
        mended.into_iter().for_each(|finding| findings.add(finding));
        if jobs.len() > 1 {
            findings.add(Flag::Divided.into());
        }
        let source_ids = || jobs.iter().flat_map(|job| &job.encoded.ids).copied().collect();
        let target_ids = || results.iter().flat_map(|result| &result.ids).copied().collect();
        Translation {
            text,
            score: mean_log_probability(results.iter().copied()),
            finish,
            findings,
            similar: None,
            source_ids: self.options.ids.then(source_ids),
            target_ids: self.options.ids.then(target_ids),
            source_tokens: jobs.iter().map(|job| job.encoded.tokens).sum(),
            target_tokens: results.iter().map(|result| result.ids.len()).sum(),
        }
    }
}
