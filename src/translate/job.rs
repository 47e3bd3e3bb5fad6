//! Jobs: the distinct texts that a call decodes, and what each source needs of them.

use super::prompt::{Encoded, Prompter};
use super::{DecodeOptions, Translator};
use crate::decode::Hypothesis;
use crate::error::{Error, Result};
use crate::thai::split::split_to_fit;
use crate::thai::{has_thai, normalise};
use std::borrow::Cow;
use std::collections::HashMap;

/// Source tokens above which a sentence is translated in parts, whatever the model's own limit: few are that long, and what
/// models write of them is poor.
const MAX_SOURCE: usize = 512;
/// Likewise in a plain search: as many source tokens as attention has memory for.
const MAX_PLAIN_SOURCE: usize = 4096;

/// What becomes of one source.
pub(super) enum Plan {
    /// It has no Thai and is copied.
    Copy,
    /// The outputs of these jobs, by their numbers, are joined to its translation. The same job may stand there more than once.
    Jobs(Vec<usize>),
}

/// A text to decode, and what has been found for it so far.
pub(super) struct Job {
    pub text: String,
    pub encoded: Encoded,
    /// The most tokens of an output.
    pub max_tokens: usize,
    /// The sources that wait for it, each as often as it has the text; none for a part of another job's text.
    pub sources: Vec<usize>,
    /// The pass that decodes it next, by its place in the list of passes; none once it is settled.
    pub next_pass: Option<usize>,
    /// The outputs of the last search: as many as were drawn, else one.
    pub outputs: Vec<Hypothesis>,
    /// The best output so far.
    pub result: Option<Hypothesis>,
    /// The jobs of its text's parts, where their results together stand for its own.
    pub parts: Vec<usize>,
}

impl Job {
    /// The ids of the fixed beginning that other jobs have too, and the ids after it.
    pub fn split_ids(&self) -> (&[u32], &[u32]) {
        self.encoded.ids.split_at(self.encoded.shared)
    }

    /// A number of its own for random draws, whatever it is batched with: FNV-1a of its text.
    pub fn random_stream(&self) -> u64 {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        self.text.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, step)
    }
}

/// The mean log-probability of the tokens of all these outputs; none without any token.
pub(super) fn mean_log_probability<'a>(outputs: impl Iterator<Item = &'a Hypothesis>) -> Option<f64> {
    let (total, tokens) = outputs.fold((0.0, 0), |(total, tokens), output| {
        (total + output.log_probability, tokens + output.log_probabilities.len())
    });
    (tokens > 0).then(|| total / tokens as f64)
}

impl Translator {
    /// Plans what each source needs, and makes a job of each distinct text. A text that is too long is divided.
    ///
    /// # Errors
    /// Those of [`Self::job`].
    pub(super) fn plan(
        &self,
        sources: &[&str],
        options: &DecodeOptions,
        prompter: &Prompter,
    ) -> Result<(Vec<Plan>, Vec<Job>)> {
        let longest = self.longest_source(options, prompter);
        // Hardly a byte becomes several tokens: a short text fits without counting.
        let count = |part: &str| match part.len() * 8 {
            most if most <= longest => most,
            _ => self.tokenizer.encode(part).len(),
        };
        let mut jobs: Vec<Job> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut plans = Vec::with_capacity(sources.len());
        for (index, source) in sources.iter().enumerate() {
            if !has_thai(source) {
                plans.push(Plan::Copy);
                continue;
            }
            let text = if options.normalize.unwrap_or(true) {
                normalise(source)
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
                        jobs.push(self.job(part, options, prompter)?);
                        jobs.len() - 1
                    }
                };
                jobs[number].sources.push(index);
                numbers.push(number);
            }
            plans.push(Plan::Jobs(numbers));
        }
        Ok((plans, jobs))
    }

    /// The most tokens of a text that is translated as a whole, its prompt left out.
    fn longest_source(&self, options: &DecodeOptions, prompter: &Prompter) -> usize {
        let room = self.model.spec().max_positions.saturating_sub(prompter.overhead());
        // A decoder-only model has source and output in the same positions, an encoder-decoder each in its own.
        let room = match (self.is_decoder_only(), options.max_tokens) {
            (false, _) => room,
            (true, Some(tokens)) if options.plain_search => room.saturating_sub(tokens).max(room / 3),
            (true, _) => room / 3,
        };
        let most = if options.plain_search {
            MAX_PLAIN_SOURCE
        } else {
            MAX_SOURCE
        };
        most.min(room).max(1)
    }

    /// Makes a job of a text, of no source yet.
    ///
    /// # Errors
    /// Of kind `Input` for a text with a token that the model has no embedding for.
    pub(super) fn job(&self, text: &str, options: &DecodeOptions, prompter: &Prompter) -> Result<Job> {
        let encoded = prompter.encode(text, &self.tokenizer);
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
        Ok(Job {
            text: text.to_owned(),
            encoded,
            max_tokens: most.clamp(1, room),
            sources: Vec::new(),
            next_pass: None,
            outputs: Vec::new(),
            result: None,
            parts: Vec::new(),
        })
    }

    /// Refuses a text with a token that the model has no embedding for: tokenizers may be larger than their models.
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
