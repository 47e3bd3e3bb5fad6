//! Search options of a checkpoint, read from its `generation_config.json` or `config.json`.
//!
//! This file is part of [`crate::decode`] because each field is an option that [`super::SearchOptions`] has too, or an
//! id that a model's [`crate::model::ModelSpec`] is made with.
//!
//! It follows `GenerationMixin` and `GenerationConfig` of transformers 4.57.1 (`generation/utils.py`,
//! `generation/configuration_utils.py`).

use crate::error::{Error, Result};
use crate::model::Architecture;
use crate::model::weights::harmless_keys::is_harmless;
use crate::model::weights::keys::{NeutralValue, is_empty, unknown_key_error};
use serde_json::{Value, json};
use std::path::Path;

/// When beam search finishes a source although live beams are left: `early_stopping` in transformers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EarlyStopping {
    /// Finishes when the best live beam, at its present length, scores no better than the worst of `beam` finished
    /// outputs (`false` in transformers).
    #[default]
    Heuristic,
    /// Finishes as soon as `beam` outputs have finished (`true` in transformers).
    Full,
    /// Finishes when no live beam can overtake at any length that the length penalty may favour (`"never"` in
    /// transformers).
    Never,
}

/// Search options that a checkpoint's files ask for; `None` or empty where they say nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GenerationConfig {
    /// Id that the decoder reads first: `decoder_start_token_id`, or else `bos_token_id`.
    pub start: Option<u32>,
    /// Ids that end an output: `eos_token_id`.
    pub end: Vec<u32>,
    /// Id of the first token of every output: `forced_bos_token_id`.
    pub forced_first: Option<u32>,
    /// The only ids that may stand at the last position of an output that has not ended before: `forced_eos_token_id`.
    pub forced_end: Vec<u32>,
    /// Beam width: `num_beams`; 1 is greedy search.
    pub beam: Option<usize>,
    /// Maximum number of tokens in an output, the decoder's start token included: `max_length`.
    pub max_length: Option<usize>,
    /// Maximum number of tokens in an output, without the decoder's start token: `max_new_tokens`. It overrides
    /// `max_length`.
    pub max_new_tokens: Option<usize>,
    /// Minimum number of tokens before an end token is allowed, the decoder's start token included: `min_length`.
    pub min_length: Option<usize>,
    /// Minimum number of tokens before an end token is allowed, without the decoder's start token: `min_new_tokens`. It
    /// overrides `min_length`.
    pub min_new_tokens: Option<usize>,
    /// Exponent `penalty` of the score that finished beams are ranked by, `log-probability / length ^ penalty`:
    /// `length_penalty`. transformers' default is 1.
    pub length_penalty: Option<f64>,
    /// When beam search gives up its live beams: `early_stopping`.
    pub early_stopping: EarlyStopping,
    /// Length in tokens of the sequences that an output never has twice: `no_repeat_ngram_size`; 0 allows repetition.
    pub no_repeat_ngram: Option<usize>,
    /// Factor for the logits of tokens that were written before: `repetition_penalty`. Negative logits are multiplied
    /// by it, others divided.
    pub repetition_penalty: Option<f32>,
    /// Sequences of tokens that are never written: `bad_words_ids`.
    pub bad_words: Vec<Vec<u32>>,
    /// Tokens that are never written: `suppress_tokens`.
    pub suppress: Vec<u32>,
    /// Tokens that are not written first: `begin_suppress_tokens`.
    pub begin_suppress: Vec<u32>,
    /// Whether scores are normalised again after all other options were applied: `renormalize_logits`.
    pub renormalize: bool,
    /// Maximum number of positions that the model has: `max_position_embeddings` in `config.json`. It only limits the
    /// default of [`GenerationConfig::max_tokens`].
    pub positions: Option<usize>,
}

impl GenerationConfig {
    /// Reads the options from the contents of `config.json` and, if the checkpoint has one, of
    /// `generation_config.json`.
    ///
    /// If there is a `generation_config.json`, it alone counts. The exception is one that transformers before version 5
    /// derived from a `config.json` (`_from_model_config`): then a `config.json` that asks for anything unusual
    /// overrides it.
    /// `directory`, where the files are, is used in error messages.
    ///
    /// # Errors
    /// Kind `Model`, naming the file and the key, for a value of the wrong type, for the id of a start, end or first
    /// token that is not in the vocabulary, and for an option that this crate does not support and that would change
    /// the output.
    pub fn read(directory: &Path, config: &Value, generation: Option<&Value>) -> Result<Self> {
        let defaults = class_defaults(config["model_type"].as_str().unwrap_or_default());
        let legacy = ConfigKeys {
            values: config,
            defaults: &defaults,
        };
        let none = Value::Null;
        let (keys, file) = match generation {
            Some(values) if !is_derived(values) || !legacy.has_unusual_values() => (
                ConfigKeys {
                    values,
                    defaults: &none,
                },
                "generation_config.json",
            ),
            _ => (legacy, "config.json"),
        };
        // A model that also takes images has the sizes of its text part there.
        let text = |key: &str| config[key].as_u64().or_else(|| config["text_config"][key].as_u64());
        let vocabulary = text("decoder_vocab_size").or_else(|| text("vocab_size"));
        let read = || {
            // config.json is checked where the model's dimensions are read from it.
            let this = Self::from_keys(&keys)?;
            if file == "generation_config.json" {
                keys.refuse_unknown()?;
            }
            this.check_ids(vocabulary).map(|()| this)
        };
        let positions = text("max_position_embeddings");
        Ok(Self {
            positions: positions.and_then(|positions| usize::try_from(positions).ok()),
            ..read().map_err(|error| {
                error
                    .path(directory.join(file))
                    .hint("the file is damaged; fetch it again")
            })?
        })
    }

    /// Refuses ids outside the vocabulary; `vocabulary` is its size, if known.
    fn check_ids(&self, vocabulary: Option<u64>) -> Result<()> {
        let (start, first): (&[_], &[_]) = (self.start.as_slice(), self.forced_first.as_slice());
        let lists = [
            ("decoder_start_token_id", start),
            ("eos_token_id", &self.end),
            ("forced_bos_token_id", first),
            ("forced_eos_token_id", &self.forced_end),
        ];
        let size = vocabulary.unwrap_or(u64::MAX);
        for (key, ids) in lists {
            if let Some(id) = ids.iter().find(|id| u64::from(**id) >= size) {
                return Err(
                    Error::model(format!("{id} is not among the {size} tokens of the model's vocabulary"))
                        .place(format!("key {key}"))
                        .hint("the file is damaged, or not of this model"),
                );
            }
        }
        Ok(())
    }

    fn from_keys(keys: &ConfigKeys) -> Result<Self> {
        if !keys.values.is_object() {
            return Err(Error::model("is not a JSON object"));
        }
        keys.check_supported()?;
        Ok(Self {
            start: match keys.read_id("decoder_start_token_id")? {
                Some(start) => Some(start),
                None => keys.read_id("bos_token_id")?,
            },
            end: keys.read_ids("eos_token_id")?,
            forced_first: keys.read_id("forced_bos_token_id")?,
            forced_end: keys.read_ids("forced_eos_token_id")?,
            beam: keys.read(
                "num_beams",
                &format!("a whole number from 1 to {MOST_BEAMS}"),
                |value| {
                    let beams = usize::try_from(value.as_u64()?).ok()?;
                    (1..=MOST_BEAMS).contains(&beams).then_some(beams)
                },
            )?,
            max_length: keys.read_count("max_length", 1)?,
            max_new_tokens: keys.read_count("max_new_tokens", 1)?,
            min_length: keys.read_count("min_length", 0)?,
            min_new_tokens: keys.read_count("min_new_tokens", 0)?,
            length_penalty: keys.read_number("length_penalty", |x| x.abs() <= 100.0, "a number from -100 to 100")?,
            early_stopping: keys
                .read("early_stopping", "true, false or \"never\"", |value| match value {
                    Value::Bool(false) => Some(EarlyStopping::Heuristic),
                    Value::Bool(true) => Some(EarlyStopping::Full),
                    Value::String(text) if text == "never" => Some(EarlyStopping::Never),
                    _ => None,
                })?
                .unwrap_or_default(),
            no_repeat_ngram: keys.read_count("no_repeat_ngram_size", 0)?,
            repetition_penalty: keys
                .read_number(
                    "repetition_penalty",
                    |x| x > 0.0 && (x as f32).is_normal(),
                    "a number above 0",
                )?
                .map(|x| x as f32),
            bad_words: keys
                .read("bad_words_ids", "a list of lists of token ids", |value| {
                    value.as_array()?.iter().map(parse_id_list).collect()
                })?
                .unwrap_or_default(),
            suppress: keys
                .read("suppress_tokens", "a list of token ids", parse_id_list)?
                .unwrap_or_default(),
            begin_suppress: keys
                .read("begin_suppress_tokens", "a list of token ids", parse_id_list)?
                .unwrap_or_default(),
            renormalize: keys.read_flag("renormalize_logits")?,
            positions: None,
        })
    }

    /// Computes the maximum number of tokens after the decoder's start token.
    ///
    /// If the files say nothing about lengths, this is transformers' default of 20 new tokens, or fewer if the model
    /// has fewer positions. A file cannot ask for more than 4096 tokens, or as many as the model has positions.
    pub fn max_tokens(&self) -> usize {
        let tokens = match (self.max_new_tokens, self.max_length.unwrap_or(20)) {
            (Some(tokens), _) => tokens,
            (None, 20) => self.positions.unwrap_or(21).clamp(1, 21) - 1,
            (None, length) => length - 1,
        };
        tokens.min(self.positions.unwrap_or(0).max(MOST_TOKENS))
    }

    /// Computes the minimum number of tokens, after the decoder's start token, before an end token is allowed.
    pub fn min_tokens(&self) -> usize {
        self.min_new_tokens
            .unwrap_or_else(|| self.min_length.unwrap_or(0).saturating_sub(1))
    }
}

/// Whether a `generation_config.json` was derived from a `config.json` that still has the settings itself.
/// transformers 5 writes none into `config.json`.
fn is_derived(generation: &Value) -> bool {
    let version = generation["transformers_version"].as_str().unwrap_or_default();
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    generation["_from_model_config"] == json!(true) && major.is_none_or(|major| major < 5)
}

/// Gives the values that transformers' configuration class for a model type has for keys that `config.json` leaves out.
fn class_defaults(model_type: &str) -> Value {
    if matches!(model_type, "mt5" | "umt5") {
        return json!({"decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1});
    }
    let architecture = Architecture::from_model_type(model_type);
    let ids = architecture.map(Architecture::default_ids).unwrap_or_default();
    ids.iter()
        .map(|(key, id)| ((*key).to_owned(), Value::from(*id)))
        .collect()
}

/// Generation settings of `config.json`, each with its default. A file with another value sets how the model
/// generates, as transformers decides by `PretrainedConfig._get_global_generation_defaults`.
const GENERATION_DEFAULTS: &[(&str, NeutralValue)] = &[
    ("max_length", NeutralValue::Number(20.0)),
    ("min_length", NeutralValue::Number(0.0)),
    ("do_sample", NeutralValue::Flag(false)),
    ("early_stopping", NeutralValue::Flag(false)),
    ("num_beams", NeutralValue::Number(1.0)),
    ("temperature", NeutralValue::Number(1.0)),
    ("top_k", NeutralValue::Number(50.0)),
    ("top_p", NeutralValue::Number(1.0)),
    ("typical_p", NeutralValue::Number(1.0)),
    ("repetition_penalty", NeutralValue::Number(1.0)),
    ("length_penalty", NeutralValue::Number(1.0)),
    ("no_repeat_ngram_size", NeutralValue::Number(0.0)),
    ("encoder_no_repeat_ngram_size", NeutralValue::Number(0.0)),
    ("bad_words_ids", NeutralValue::Null),
    ("num_return_sequences", NeutralValue::Number(1.0)),
    ("output_scores", NeutralValue::Flag(false)),
    ("return_dict_in_generate", NeutralValue::Flag(false)),
    ("forced_bos_token_id", NeutralValue::Null),
    ("forced_eos_token_id", NeutralValue::Null),
    ("remove_invalid_values", NeutralValue::Flag(false)),
    ("exponential_decay_length_penalty", NeutralValue::Null),
    ("suppress_tokens", NeutralValue::Null),
    ("begin_suppress_tokens", NeutralValue::Null),
    ("num_beam_groups", NeutralValue::Number(1.0)),
    ("diversity_penalty", NeutralValue::Number(0.0)),
];

/// Keys of options that would change the output and are not supported, with the value of each that changes nothing.
const UNSUPPORTED_OPTIONS: &[(&str, NeutralValue)] = &[
    ("encoder_no_repeat_ngram_size", NeutralValue::Number(0.0)),
    ("encoder_repetition_penalty", NeutralValue::Number(1.0)),
    ("exponential_decay_length_penalty", NeutralValue::Null),
    ("sequence_bias", NeutralValue::Null),
    ("guidance_scale", NeutralValue::Number(1.0)),
    ("num_beam_groups", NeutralValue::Number(1.0)),
    ("constraints", NeutralValue::Null),
    ("force_words_ids", NeutralValue::Null),
    ("force_bos_token_to_be_generated", NeutralValue::Flag(false)),
    ("forced_decoder_ids", NeutralValue::Null),
    ("stop_strings", NeutralValue::Null),
    ("token_healing", NeutralValue::Flag(false)),
    ("watermarking_config", NeutralValue::Null),
];

/// Keys of options that are not supported and change greedy search alone: transformers' other ways to take one token
/// after another. Beam search ignores them.
const UNSUPPORTED_GREEDY_OPTIONS: &[(&str, NeutralValue)] = &[
    ("dola_layers", NeutralValue::Null),
    ("penalty_alpha", NeutralValue::Number(0.0)),
];

/// The widest beam that a file may ask for: none improves a translation, and each beam takes memory.
const MOST_BEAMS: usize = 100;
/// The most tokens of an output that a file may ask for, or as many as the model has positions.
const MOST_TOKENS: usize = 4096;

fn parse_id_list(value: &Value) -> Option<Vec<u32>> {
    value.as_array()?.iter().map(parse_id).collect()
}

fn parse_id(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|id| u32::try_from(id).ok())
}

/// The keys of one configuration file, with default values for those that the file leaves out.
struct ConfigKeys<'a> {
    values: &'a Value,
    defaults: &'a Value,
}

impl ConfigKeys<'_> {
    /// Gives the value of a key or its default; `None` if that is null or if there is none.
    fn get(&self, key: &str) -> Option<&Value> {
        let value = self.values.get(key).unwrap_or(&self.defaults[key]);
        (!value.is_null()).then_some(value)
    }

    /// Whether any key of [`GENERATION_DEFAULTS`] has a value that is neither null nor the default.
    fn has_unusual_values(&self) -> bool {
        GENERATION_DEFAULTS.iter().any(|(key, usual)| {
            let value = &self.values[*key];
            let default = &self.defaults[*key];
            // An empty list is a value too.
            !value.is_null()
                && if default.is_null() {
                    is_empty(value) || !usual.matches(value)
                } else {
                    value != default
                }
        })
    }

    /// Refuses options that would change the output and are not supported. Options of random draws, of the cache and of
    /// other outputs than ids change nothing, whatever they say.
    fn check_supported(&self) -> Result<()> {
        let value = |key: &str| &self.values[key];
        let is_greedy = value("num_beams").as_u64().is_none_or(|beams| beams <= 1);
        // Contrastive search looks at more than one candidate, and is none if tokens are drawn.
        let is_contrastive =
            value("do_sample") != &json!(true) && value("top_k").as_i64().is_none_or(|count| count > 1);
        let greedy_options = UNSUPPORTED_GREEDY_OPTIONS
            .iter()
            .filter(|(key, _)| is_greedy && (*key != "penalty_alpha" || is_contrastive));
        match UNSUPPORTED_OPTIONS
            .iter()
            .chain(greedy_options)
            .find(|(key, usual)| !usual.matches(value(key)))
        {
            Some((key, _)) => Err(Error::model(format!("`{}` is not supported", value(key)))
                .place(format!("key {key}"))
                .hint("remove the key to translate without it")),
            None => Ok(()),
        }
    }

    /// Refuses a key that neither transformers nor plae knows. transformers takes over nothing but the keys that it
    /// knows from a file that was derived from a `config.json`.
    fn refuse_unknown(&self) -> Result<()> {
        if self.values["_from_model_config"] == json!(true) {
            return Ok(());
        }
        let mut keys = self.values.as_object().into_iter().flatten();
        match keys.find(|(key, value)| !is_empty(value) && !is_harmless(key)) {
            Some((key, value)) => Err(unknown_key_error(key, value)),
            None => Ok(()),
        }
    }

    fn read<T>(&self, key: &str, expected: &str, parse: impl Fn(&Value) -> Option<T>) -> Result<Option<T>> {
        self.get(key)
            .map(|value| {
                parse(value).ok_or_else(|| {
                    Error::model(format!("expected {expected}, found `{value}`")).place(format!("key {key}"))
                })
            })
            .transpose()
    }

    fn read_id(&self, key: &str) -> Result<Option<u32>> {
        self.read(key, "a token id", parse_id)
    }

    /// Reads the value of a key that is one token id or a list of them; empty if there is none.
    fn read_ids(&self, key: &str) -> Result<Vec<u32>> {
        let parse = |value: &Value| parse_id(value).map(|id| vec![id]).or_else(|| parse_id_list(value));
        Ok(self
            .read(key, "a token id or a list of them", parse)?
            .unwrap_or_default())
    }

    fn read_count(&self, key: &str, least: usize) -> Result<Option<usize>> {
        self.read(key, &format!("a whole number from {least} on"), |value| {
            let count = usize::try_from(value.as_u64()?).ok()?;
            (count >= least).then_some(count)
        })
    }

    fn read_number(&self, key: &str, fits: fn(f64) -> bool, expected: &str) -> Result<Option<f64>> {
        self.read(key, expected, |value| value.as_f64().filter(|number| fits(*number)))
    }

    fn read_flag(&self, key: &str) -> Result<bool> {
        Ok(self.read(key, "true or false", Value::as_bool)?.unwrap_or(false))
    }
}

#[cfg(test)]
mod tests;
