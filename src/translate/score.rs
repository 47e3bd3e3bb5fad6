//! Scores of given translations: how probable a model finds them, with their sources and without.

use super::batch::{most_batch_rows, source_token_budget};
use super::prompt::{EncodedSource, Prompter};
use super::{DecodeOptions, Observer, Progress, Translator};
use crate::decode::score_outputs;
use crate::error::{Error, ErrorKind, Hint, Result};
use crate::thai::normalise_thai;
use std::borrow::Cow;
use std::cmp::Reverse;

/// The score that a model gives to a translation: natural logarithms of probabilities, each the mean over the tokens of
/// the translation and its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairScore {
    /// Log-probability of the translation, given its source.
    pub log_probability: f64,
    /// `log_probability` less the log-probability of the translation given an empty source: the evidence of the source for
    /// the translation, whatever its words. It is near 0 or below if the translation is of another text.
    pub contrastive: f64,
}

/// A translation to score, as token ids.
struct ScoredRow {
    /// The source, or the empty one, with the prompt around it.
    encoded: EncodedSource,
    target: Vec<u32>,
}

impl ScoredRow {
    /// Number of tokens that the model reads for this row alone.
    fn token_count(&self) -> usize {
        self.encoded.ids.len() - self.encoded.shared + self.target.len()
    }
}

/// The most tokens of a prompt and of a target that are scored, whatever the model has positions for, so that attention
/// does not run out of memory.
const MAX_SCORED_TOKENS: usize = 4096;

/// Computes the mean of the finite scores: those of tokens that the output vocabulary has.
fn mean_of_finite(scores: &[f32]) -> f64 {
    let finite = scores.iter().filter(|score| score.is_finite());
    let finite = finite.map(|score| f64::from(*score));
    finite.clone().sum::<f64>() / finite.count().max(1) as f64
}

impl Translator {
    /// Scores given translations, in pairs of source and target, without a search: the model reads each target once with
    /// its source and once with an empty one. Returns none for a pair that is blank on one side, or too long for the
    /// model. Of `options`, `normalize`, `prompt` and `batch_tokens` count.
    ///
    /// White space in a target counts as single spaces. Tokens that a restricted output vocabulary leaves out are passed
    /// over. The score of a pair does not depend on the others.
    ///
    /// # Errors
    /// The errors of [`Self::translate`].
    pub fn score_pairs(
        &self,
        pairs: &[(&str, &str)],
        options: &DecodeOptions,
        observer: Observer,
    ) -> Result<Vec<Option<PairScore>>> {
        let prompter = self.make_prompter(options)?;
        let mut rows: Vec<ScoredRow> = Vec::new();
        // The index of the first of a pair's two rows.
        let mut firsts: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
        for (source, target) in pairs {
            let source = if options.normalize.unwrap_or(true) {
                normalise_thai(source)
            } else {
                Cow::Borrowed(*source)
            };
            let target = target.split_whitespace().collect::<Vec<_>>().join(" ");
            let is_blank = source.trim().is_empty() || target.is_empty();
            let encoded = if is_blank {
                None
            } else {
                let encoded = prompter.encode_pair(&source, &target, &self.tokenizer, self.is_decoder_only())?;
                let encoded = encoded.map(|(encoded, target)| ScoredRow { encoded, target });
                encoded.iter().all(|row| self.has_room(row)).then_some(encoded)
            };
            firsts.push(encoded.is_some().then_some(rows.len()));
            rows.extend(encoded.into_iter().flatten());
        }
        let scores = self.score_rows(&rows, &prompter, options, observer)?;
        let scores = firsts.into_iter().map(|first| {
            let [with_source, without] = [first?, first? + 1].map(|row| mean_of_finite(&scores[row]));
            Some(PairScore {
                log_probability: with_source,
                contrastive: with_source - without,
            })
        });
        Ok(scores.collect())
    }

    /// Whether the model has positions and embeddings for all tokens of a row.
    fn has_room(&self, row: &ScoredRow) -> bool {
        let spec = self.model.spec();
        let (source, target) = (row.encoded.ids.len(), row.target.len() + spec.start.len());
        let longest = if self.is_decoder_only() {
            source + target
        } else {
            source.max(target)
        };
        let known = |ids: &[u32], size: usize| ids.iter().all(|id| (*id as usize) < size);
        source > 0
            && longest <= spec.max_positions.min(MAX_SCORED_TOKENS)
            && known(&row.encoded.ids, spec.source_vocabulary)
            && known(&row.target, spec.vocabulary)
    }

    /// Computes the log-probabilities of each row's target and its end, batch by batch, the longest targets first. A
    /// batch that does not fit into the device's memory is halved until it fits.
    fn score_rows(
        &self,
        rows: &[ScoredRow],
        prompter: &Prompter,
        options: &DecodeOptions,
        observer: Observer,
    ) -> Result<Vec<Vec<f32>>> {
        let model = self.model.as_ref();
        let mut beginnings = rows.iter().map(|row| row.encoded.split_ids().0);
        let prefixes = self.prefixes.prefix_states(model, prompter, &mut beginnings)?;
        let budget = source_token_budget(self, options);
        let mut pending: Vec<usize> = (0..rows.len()).collect();
        pending.sort_by_key(|row| Reverse((rows[*row].target.len(), rows[*row].token_count())));
        let mut pending = &pending[..];
        let mut fitting = most_batch_rows(self);
        let mut scores = vec![Vec::new(); rows.len()];
        while !pending.is_empty() {
            let mut tokens = 0;
            let fits = pending.iter().take(fitting).take_while(|row| {
                tokens += rows[**row].token_count();
                tokens <= budget
            });
            let batch = &pending[..fits.count().max(1)];
            let (beginnings, sources): (Vec<_>, Vec<_>) =
                batch.iter().map(|row| rows[*row].encoded.split_ids()).unzip();
            let prefix = |beginning| {
                let known = prefixes.iter().find(|(ids, _)| ids == beginning);
                known.map(|(ids, state)| (&ids[..], &**state))
            };
            let batch_prefixes: Vec<_> = beginnings.into_iter().map(prefix).collect();
            let targets: Vec<&[u32]> = batch.iter().map(|row| &rows[*row].target[..]).collect();
            match score_outputs(model, &batch_prefixes, &sources, &targets, prompter.stop_ids()) {
                Err(error) if error.kind == ErrorKind::Memory && batch.len() > 1 => {
                    fitting = batch.len() / 2;
                    continue;
                }
                Err(error) if error.kind == ErrorKind::Memory => return Err(error.hint(Hint::UseLessMemory)),
                scored => {
                    for (row, scored) in batch.iter().zip(scored?) {
                        scores[*row] = scored;
                    }
                }
            }
            pending = &pending[batch.len()..];
            // Both rows of a pair count for half.
            let progress = Progress {
                done: (rows.len() - pending.len()) / 2,
                total: rows.len() / 2,
                tokens: 0,
            };
            if observer(progress).is_break() {
                return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
            }
        }
        Ok(scores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{self, LocatedModel, Settings};
    use crate::document::FinishReason;
    use crate::translate::LoadOptions;
    use std::ops::ControlFlow;
    use std::path::Path;

    const SOURCES: [&str; 5] = ["การนำ", "กา", "การการ กา นำ ab", "ราก", "การนำ ab กา ราก นำ การ"];

    /// Opens the tiny checkpoint of this name under `tests/golden`.
    fn open(name: &str) -> Translator {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        let settings = Settings::default();
        let located: LocatedModel = catalog::locate(path.to_str(), &settings, false, &mut |_| ()).expect("a model");
        Translator::open(&located, LoadOptions::default()).expect("a translator")
    }

    const MODELS: [&str; 9] = [
        "decoder/gemma3.gguf",
        "decoder/qwen3.gguf",
        "decoder/llama",
        "seq2seq/marian-separate",
        "seq2seq/marian-tied",
        "seq2seq/nllb",
        "seq2seq/mbart50",
        "seq2seq/m2m100",
        "seq2seq/t5-madlad",
    ];

    /// Makes options with a prompt that the few positions of a tiny decoder-only model have room for.
    fn options_for(name: &str) -> DecodeOptions {
        DecodeOptions {
            prompt: name.starts_with("decoder").then(|| "การ: {text}\\nte:".to_owned()),
            ..DecodeOptions::default()
        }
    }

    fn quietly(_: Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    #[test]
    fn scores_are_those_that_the_search_reports_of_its_own_output() {
        for name in MODELS {
            let translator = open(name);
            let options = DecodeOptions {
                beam: Some(1),
                max_tokens: Some(9),
                plain_search: true,
                ids: true,
                ..options_for(name)
            };
            let found = translator.translate(&SOURCES, &options, &mut quietly).unwrap();
            let prompter = translator.make_prompter(&options).unwrap();
            let rows: Vec<ScoredRow> = SOURCES
                .iter()
                .zip(&found)
                .map(|(source, translation)| ScoredRow {
                    encoded: prompter
                        .encode_source(&normalise_thai(source), &translator.tokenizer)
                        .unwrap(),
                    target: translation.target_ids.clone().unwrap(),
                })
                .collect();
            let scores = translator.score_rows(&rows, &prompter, &options, &mut quietly).unwrap();
            for ((translation, scores), row) in found.iter().zip(&scores).zip(&rows) {
                assert_eq!(Some(&row.encoded.ids), translation.source_ids.as_ref(), "{name}");
                // The end counts where the search found it, and with 0 where it was forced at the last position.
                let (tokens, is_ended) = (row.target.len(), translation.finish == FinishReason::Stop);
                let first = translator.model.spec().start.len().saturating_sub(1);
                let is_forced = is_ended && first + tokens + 1 == 9 && !translator.generation.forced_end.is_empty();
                let scored = &scores[..tokens + usize::from(is_ended && !is_forced)];
                let sum = scored.iter().map(|score| f64::from(*score)).sum::<f64>();
                let expected = translation.score.unwrap() * (tokens + usize::from(is_ended)) as f64;
                assert!((sum - expected).abs() < 1e-6, "{name}: {sum} for {expected}");
            }
        }
    }

    #[test]
    fn a_pair_has_the_same_score_whatever_it_is_batched_with() {
        let targets = ["ab", "te ab ab", "a", "", "the end of ab"];
        let pairs: Vec<(&str, &str)> = SOURCES.into_iter().zip(targets).collect();
        for name in MODELS {
            let translator = open(name);
            let score = |pairs: &[(&str, &str)], batch_tokens| {
                let options = DecodeOptions {
                    batch_tokens,
                    ..options_for(name)
                };
                translator.score_pairs(pairs, &options, &mut quietly).unwrap()
            };
            let together = score(&pairs, None);
            assert_eq!(score(&pairs, Some(1)), together, "{name}");
            for (pair, expected) in pairs.iter().zip(&together) {
                assert_eq!(score(&[*pair], None), [*expected], "{name}");
                let is_scored = expected.is_some_and(|score| {
                    score.log_probability.is_finite() && score.log_probability < 0.0 && score.contrastive.is_finite()
                });
                assert_eq!(is_scored, !pair.1.is_empty(), "{name}: {expected:?}");
            }
            assert_eq!(score(&[], None), []);
            assert_eq!(
                score(&[("", "ab"), ("กา", &"ab te ".repeat(3000))], None),
                [None, None],
                "{name}"
            );
        }
    }

    #[test]
    fn whoever_watches_may_stop() {
        let translator = open(MODELS[0]);
        let options = DecodeOptions::default();
        let stopped = translator.score_pairs(&[("กา", "ab")], &options, &mut |_| ControlFlow::Break(()));
        assert_eq!(stopped.unwrap_err().kind, ErrorKind::Interrupted);
    }
}
