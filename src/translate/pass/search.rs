//! The first pass: decodes every text with the settings of the options, the manifest and the model's own files.

use super::choose::take_best_output;
use super::{DecodingPass, SearchSettings, TranslationCall};
use crate::decode::SearchOptions;
use crate::translate::batch::source_token_budget;
use crate::translate::job::DecodeJob;

/// The first pass: decodes every text once, by beam search or greedy search.
pub(super) struct FirstPass;

impl DecodingPass for FirstPass {
    fn selects_job(&self, _: &TranslationCall, _: &DecodeJob) -> bool {
        true
    }

    fn search_settings<'a>(&self, call: &TranslationCall<'a>) -> SearchSettings<'a> {
        call.plain_search_settings()
    }

    fn accept_batch(&mut self, call: &mut TranslationCall, batch: &[usize]) -> Vec<usize> {
        for number in batch {
            take_best_output(call, *number);
        }
        batch.to_vec()
    }
}

impl<'a> TranslationCall<'a> {
    /// Returns the decoding settings that the options ask for; other passes vary them. Where the options say nothing,
    /// the model's own files decide, then the manifest; but the beam width comes from the manifest first.
    pub(super) fn plain_search_settings(&self) -> SearchSettings<'a> {
        let (translator, options) = (self.translator, self.options);
        let (decoding, own) = (&translator.manifest.decoding, &translator.generation);
        let own_min_tokens = || {
            if translator.is_decoder_only() {
                // The older setting, `min_length`, also counts the prompt, which is long enough by itself.
                own.min_new_tokens.unwrap_or(0)
            } else {
                own.min_tokens()
            }
        };
        SearchSettings {
            options: SearchOptions {
                beam: translator.beam_width(options),
                min_tokens: options.min_tokens.unwrap_or_else(own_min_tokens),
                length_prior: if options.plain_search {
                    0.0
                } else {
                    decoding.length_prior
                },
                length_penalty: own.length_penalty.unwrap_or(decoding.length_penalty),
                early_stopping: own.early_stopping,
                no_repeat_ngram: own.no_repeat_ngram.unwrap_or(decoding.no_repeat_ngram),
                repetition_penalty: own.repetition_penalty.unwrap_or(decoding.repetition_penalty),
                bad_words: &own.bad_words,
                suppress: &own.suppress,
                begin_suppress: &own.begin_suppress,
                forced_end: &own.forced_end,
                renormalize: own.renormalize,
                stop: self.prompter.stop_ids(),
                loop_guard: self.guards_loops(),
                ..SearchOptions::default()
            },
            draws: 1,
            budget: source_token_budget(translator, options),
        }
    }

    /// Whether an output that repeats one phrase over and over is ended early: not in a plain search, and not if the
    /// caller sets `max_tokens` and so decides how long outputs may run.
    pub(super) fn guards_loops(&self) -> bool {
        self.options.max_tokens.is_none() && !self.options.plain_search
    }
}
