//! Jobs: a job is a distinct text that a call decodes, with its outputs so far. A plan says which jobs make up the
//! translation of a source.

use super::mend::translate_by_rule;
use super::prompt::{EncodedSource, Prompter};
use super::{DecodeOptions, Translator};
use crate::decode::{Hypothesis, TokenConstraint};
use crate::error::{Error, Result};
use crate::span::Span;
use crate::thai::split::split_to_fit;
use crate::thai::{has_thai, normalise_thai};
use std::borrow::Cow;
use std::collections::HashMap;

/// Number of source tokens above which a sentence is translated in parts, whatever the model's own limit: few sentences
/// are longer, and models translate them poorly.
const MAX_SOURCE_TOKENS: usize = 512;
/// Number of source tokens above which a sentence is translated in parts with [`DecodeOptions::plain_search`], so that
/// attention does not run out of memory.
const MAX_PLAIN_SOURCE_TOKENS: usize = 4096;

/// How the translation of one source is made.
pub(super) enum SourcePlan {
    /// The source has no Thai and is copied.
    Copy,
    /// The source is only dates, times and numbers, and this is its translation.
    Rule(String),
    /// The outputs of these jobs, given by their indices, are joined to the source's translation. A text that occurs
    /// twice in the source gives the same index twice.
    Jobs(Vec<usize>),
}

/// A text to decode, with the outputs found for it so far.
pub(super) struct DecodeJob {
    /// The text to translate, normalised if the options say so.
    pub text: String,
    /// The token ids that the model reads for this text, its prompt included.
    pub encoded: EncodedSource,
    /// The most tokens of one output.
    pub max_tokens: usize,
    /// Indices of the sources whose translation needs this job; a source that has the text twice is listed twice. Empty
    /// for a part of another job's text.
    pub sources: Vec<usize>,
    /// Index, in the list of passes, of the pass that decodes this job next; none once the result is final.
    pub next_pass: Option<usize>,
    /// Outputs of the last decoding: one, or as many as were sampled.
    pub outputs: Vec<Hypothesis>,
    /// The best output so far.
    pub result: Option<Hypothesis>,
    /// Indices of the jobs of this text's parts, if their results together replace `result`; otherwise empty.
    pub parts: Vec<usize>,
    /// The constraint under which the text is decoded.
    pub constraint: TokenConstraint,
    /// Number of tokens of the output that the model reads at the end of `encoded`, and goes on from.
    pub begun: usize,
    /// Places, in the text, of expected texts that decoding again did not help.
    pub given_up: Vec<Span>,
}

impl DecodeJob {
    /// Splits the ids that the model reads into the fixed beginning that other jobs share, and the rest.
    pub fn split_ids(&self) -> (&[u32], &[u32]) {
        self.encoded.split_ids()
    }

    /// Returns the random stream for sampling this job's outputs: the FNV-1a hash of its text, so that the draws do not
    /// depend on the other jobs of a batch.
    pub fn random_stream(&self) -> u64 {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        self.text.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, step)
    }
}

/// Returns the mean natural log-probability of all tokens of these outputs; none if they have no tokens.
pub(super) fn mean_log_probability<'a>(outputs: impl Iterator<Item = &'a Hypothesis>) -> Option<f64> {
    let (total, tokens) = outputs.fold((0.0, 0), |(total, tokens), output| {
        (total + output.log_probability, tokens + output.log_probabilities.len())
    });
    (tokens > 0).then(|| total / tokens as f64)
}

impl Translator {
    /// Plans how each source is translated, and makes a job of each distinct text. A text that is too long for the
    /// model is divided.
    ///
    /// # Errors
    /// The errors of [`Self::make_job`].
    pub(super) fn plan_jobs(
        &self,
        sources: &[&str],
        options: &DecodeOptions,
        prompter: &Prompter,
    ) -> Result<(Vec<SourcePlan>, Vec<DecodeJob>)> {
        let longest = self.max_source_tokens(options, prompter);
        // Hardly any byte becomes several tokens: a short text is known to fit without being tokenized.
        let count = |part: &str| match part.len() * 8 {
            most if most <= longest => most,
            _ => self.tokenizer.encode_source(part).len(),
        };
        let mut jobs: Vec<DecodeJob> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut plans = Vec::with_capacity(sources.len());
        for (index, source) in sources.iter().enumerate() {
            if !has_thai(source) {
                plans.push(SourcePlan::Copy);
                continue;
            }
            if options.mends_text()
                && let Some(text) = translate_by_rule(source, options.era)
            {
                plans.push(SourcePlan::Rule(text));
                continue;
            }
            let text = if options.normalize.unwrap_or(true) {
                normalise_thai(source)
            } else {
                Cow::Borrowed(*source)
            };
            let mut numbers = Vec::new();
            for part in split_to_fit(&text, longest, &count)
                .into_iter()
                .map(|range| &text[range])
            {
                let number = match known.get(part) {
                    Some(number) => *number,
                    None => {
                        known.insert(part.to_owned(), jobs.len());
                        jobs.push(self.make_job(part, options, prompter)?);
                        jobs.len() - 1
                    }
                };
                jobs[number].sources.push(index);
                numbers.push(number);
            }
            plans.push(SourcePlan::Jobs(numbers));
        }
        Ok((plans, jobs))
    }

    /// Returns the most tokens of a text, without its prompt, that is translated as a whole.
    fn max_source_tokens(&self, options: &DecodeOptions, prompter: &Prompter) -> usize {
        let room = self.model.spec().max_positions.saturating_sub(prompter.prompt_tokens());
        // A decoder-only model has source and output in the same positions, an encoder-decoder each in its own.
        let room = match (self.is_decoder_only(), options.max_tokens) {
            (false, _) => room,
            (true, Some(tokens)) if options.plain_search => room.saturating_sub(tokens).max(room / 3),
            (true, _) => room / 3,
        };
        let most = if options.plain_search {
            MAX_PLAIN_SOURCE_TOKENS
        } else {
            MAX_SOURCE_TOKENS
        };
        most.min(room).max(1)
    }

    /// Makes a job of a text, not yet assigned to any source.
    ///
    /// # Errors
    /// Kind `Input` for a text with a token that the model has no embedding for, and of kind `Model` for one that the
    /// tokenizer cannot cut.
    pub(super) fn make_job(&self, text: &str, options: &DecodeOptions, prompter: &Prompter) -> Result<DecodeJob> {
        let encoded = prompter.encode_source(text, &self.tokenizer)?;
        self.check_embeddings(text, &encoded.ids)?;
        let taken = if self.is_decoder_only() { encoded.ids.len() } else { 0 };
        let room = self.model.spec().max_positions.saturating_sub(taken).max(1);
        let usual = || {
            if options.plain_search && !self.is_decoder_only() {
                self.generation.max_tokens()
            } else {
                self.manifest.decoding.max_tokens.min(2 * encoded.tokens + 24)
            }
        };
        let most = options
            .max_tokens
            .unwrap_or_else(usual)
            .max(options.min_tokens.unwrap_or(0));
        Ok(DecodeJob {
            text: text.to_owned(),
            encoded,
            max_tokens: most.clamp(1, room),
            sources: Vec::new(),
            next_pass: None,
            outputs: Vec::new(),
            result: None,
            parts: Vec::new(),
            constraint: self.watch_expected_texts(text, options),
            begun: 0,
            given_up: Vec::new(),
        })
    }

    /// Errors if `text` has a token that the model has no embedding for: a tokenizer may know more tokens than its
    /// model.
    fn check_embeddings(&self, text: &str, ids: &[u32]) -> Result<()> {
        let size = self.model.spec().source_vocabulary;
        match ids.iter().find(|id| **id as usize >= size) {
            None => Ok(()),
            Some(id) => {
                let start: String = text.chars().take(40).collect();
                let message =
                    format!("`{start}` has token {id}, of which the model knows nothing: it has {size} tokens");
                let hint = format!("the tokenizer of {} is larger than its weights", self.path.display());
                Err(Error::input(message).hint(hint))
            }
        }
    }
}
