//! Tests that a checkpoint's files are read as transformers reads them.

use super::*;
use serde::Deserialize;

/// A pair of configuration files and what transformers makes of them, written by `tests/golden/generation.py`.
#[derive(Deserialize)]
struct Golden {
    config: Value,
    generation: Option<Value>,
    expected: Value,
}

#[test]
fn files_are_read_as_transformers_reads_them() {
    let cases: Vec<Golden> = serde_json::from_str(include_str!("../../../tests/golden/generation.json")).unwrap();
    assert!(cases.len() >= 15);
    for case in cases {
        let read = GenerationConfig::read(Path::new(""), &case.config, case.generation.as_ref()).unwrap();
        let one_or_many = |ids: &[u32]| match ids {
            [] => Value::Null,
            [id] => json!(id),
            ids => json!(ids),
        };
        let got = json!({
            "start": read.start,
            "end": one_or_many(&read.end),
            "forced_first": read.forced_first,
            "forced_end": one_or_many(&read.forced_end),
            "beam": read.beam.unwrap_or(1),
            "max_tokens": read.max_tokens(),
            "min_tokens": read.min_tokens(),
            "length_penalty": read.length_penalty.unwrap_or(1.0),
            "early_stopping": match read.early_stopping {
                EarlyStopping::Heuristic => json!(false),
                EarlyStopping::Full => json!(true),
                EarlyStopping::Never => json!("never"),
            },
            "no_repeat_ngram": read.no_repeat_ngram.unwrap_or(0),
            "repetition_penalty": f64::from(read.repetition_penalty.unwrap_or(1.0)),
            "bad_words": read.bad_words,
            "suppress": read.suppress,
            "begin_suppress": read.begin_suppress,
            "renormalize": read.renormalize,
        });
        // plae draws in its own way, and pads nothing.
        let mut expected = case.expected;
        for key in ["pad", "sample", "temperature", "top_k", "top_p"] {
            expected.as_object_mut().and_then(|expected| expected.remove(key));
        }
        let files = (&case.config, &case.generation);
        assert_eq!(got, expected, "{files:?}");
    }
}

#[test]
fn wrong_types_and_unsupported_requests_name_their_key() {
    for (key, value) in [
        ("eos_token_id", json!("</s>")),
        ("eos_token_id", json!([1, -2])),
        ("decoder_start_token_id", json!([1])),
        ("num_beams", json!(0)),
        ("num_beams", json!(2.5)),
        ("max_length", json!("512")),
        ("length_penalty", json!(true)),
        ("early_stopping", json!("always")),
        ("bad_words_ids", json!([5])),
        ("suppress_tokens", json!(5)),
        ("repetition_penalty", json!(0)),
        ("renormalize_logits", json!(1)),
        ("num_beams", json!(100_000)),
        ("num_beams", json!(18_446_744_073_709_551_615_u64)),
        ("length_penalty", json!(1e300)),
        ("repetition_penalty", json!(1e300)),
        ("repetition_penalty", json!(1e-320)),
        ("encoder_no_repeat_ngram_size", json!(3)),
        ("num_beam_groups", json!(2)),
    ] {
        let mut file = json!({"eos_token_id": 1});
        file[key] = value;
        for (config, generation, name) in [
            (&json!({}), Some(&file), "model/generation_config.json"),
            (&file, None, "model/config.json"),
        ] {
            let error = GenerationConfig::read(Path::new("model"), config, generation).unwrap_err();
            assert_eq!(error.place, Some(format!("key {key}")), "{error}");
            assert_eq!(error.path.as_deref(), Some(Path::new(name)), "{error}");
        }
    }
    let read = |file| GenerationConfig::read(Path::new("model"), &json!({}), Some(&file));
    let error = read(json!([])).unwrap_err();
    assert_eq!(error.path.as_deref(), Some(Path::new("model/generation_config.json")));
}

#[test]
fn ids_outside_the_vocabulary_are_refused_where_they_would_be_used() {
    let config = json!({"vocab_size": 500, "decoder_vocab_size": 100});
    for key in [
        "decoder_start_token_id",
        "eos_token_id",
        "forced_bos_token_id",
        "forced_eos_token_id",
    ] {
        let read = |id: u32| GenerationConfig::read(Path::new("model"), &config, Some(&json!({key: id})));
        assert!(read(99).is_ok(), "{key}");
        let error = read(100).unwrap_err();
        assert_eq!(error.place, Some(format!("key {key}")), "{error}");
        assert_eq!(error.path.as_deref(), Some(Path::new("model/generation_config.json")));
    }
    let harmless = json!({"suppress_tokens": [100], "bad_words_ids": [[100]], "pad_token_id": 100});
    assert!(GenerationConfig::read(Path::new("model"), &config, Some(&harmless)).is_ok());
}

#[test]
fn nothing_said_is_the_default() {
    let read = |config| {
        GenerationConfig::read(Path::new(""), &config, Some(&json!({"num_beams": null}))).expect("a generation")
    };
    let unsaid = read(json!({}));
    assert_eq!(unsaid, GenerationConfig::default());
    assert_eq!((unsaid.max_tokens(), unsaid.min_tokens()), (20, 0));
    let lengths = [512, 8].map(|positions| read(json!({"max_position_embeddings": positions})).max_tokens());
    assert_eq!(lengths, [20, 7]);
}

/// Reads a `generation_config.json` beside a `config.json` without a word about the search.
fn read_alone(file: Value) -> Result<GenerationConfig> {
    GenerationConfig::read(Path::new("model"), &json!({}), Some(&file))
}

#[test]
fn what_greedy_and_beam_search_ignore_refuses_no_model() {
    let plain = read_alone(json!({"eos_token_id": 1, "num_beams": 4})).unwrap();
    for (key, value) in [
        ("do_sample", json!(true)),
        ("min_p", json!(0.1)),
        ("typical_p", json!(0.9)),
        ("top_k", json!(-1)),
        ("top_k", json!(null)),
        ("top_p", json!(1.5)),
        ("top_h", json!(0.4)),
        ("temperature", json!(-1)),
        ("epsilon_cutoff", json!(0.0003)),
        ("eta_cutoff", json!(0.0003)),
        ("pad_token_id", json!(-1)),
        ("num_return_sequences", json!(4)),
        ("diversity_penalty", json!(0.5)),
        ("penalty_alpha", json!(0.6)),
        ("dola_layers", json!("high")),
        ("num_beam_groups", json!(null)),
        ("use_cache", json!(false)),
        ("cache_implementation", json!("hybrid")),
        ("max_time", json!(30.0)),
        ("use_mtp", json!(true)),
        ("prompt_lookup_num_tokens", json!(10)),
        ("presence_penalty", json!(1.5)),
        ("trust_remote_code", json!(true)),
        ("chat_format", json!("chatml")),
        ("stop_strings", json!([])),
        ("stop_strings", json!("")),
        ("sequence_bias", json!({})),
        ("constraints", json!([])),
        ("force_words_ids", json!([])),
        ("bad_words_ids", json!([])),
        ("suppress_tokens", json!([])),
        ("forced_eos_token_id", json!([])),
        ("exponential_decay_length_penalty", json!([])),
        ("a_key_of_tomorrow", json!(null)),
    ] {
        let mut file = json!({"eos_token_id": 1, "num_beams": 4, "do_sample": true});
        file[key] = value.clone();
        assert_eq!(read_alone(file).expect(key), plain, "{key}: {value}");
        let legacy = json!({"model_type": "qwen3", "eos_token_id": 1, "num_beams": 4, key: value});
        assert_eq!(
            GenerationConfig::read(Path::new(""), &legacy, None).expect(key),
            plain,
            "{key}"
        );
    }
    // Without beams, these are other ways to take one token after another; drawn tokens are no contrastive search.
    assert!(read_alone(json!({"penalty_alpha": 0.6})).is_err());
    assert!(read_alone(json!({"penalty_alpha": 0.6, "top_k": 1})).is_ok());
    assert!(read_alone(json!({"penalty_alpha": 0.6, "do_sample": true})).is_ok());
    assert!(read_alone(json!({"dola_layers": "high"})).is_err());
}

#[test]
fn options_that_change_the_output_and_are_not_obeyed_name_their_key() {
    for (key, value) in [
        ("guidance_scale", json!(1.5)),
        ("sequence_bias", json!([[[5], -10.0]])),
        ("stop_strings", json!(["\n"])),
        ("token_healing", json!(true)),
        ("forced_decoder_ids", json!([[1, 5]])),
        ("force_bos_token_to_be_generated", json!(true)),
        ("exponential_decay_length_penalty", json!([15, 1.1])),
        ("watermarking_config", json!({"bias": 2.5})),
        ("a_key_of_tomorrow", json!(false)),
        ("entropy_penalty", json!(0.5)),
    ] {
        let error = read_alone(json!({"eos_token_id": 1, key: value})).unwrap_err();
        assert_eq!(error.place, Some(format!("key {key}")), "{error}");
        assert_eq!(error.path.as_deref(), Some(Path::new("model/generation_config.json")));
        // transformers takes over only what it knows from a file that it derived itself.
        let derived = read_alone(json!({"eos_token_id": 1, "_from_model_config": true, key: value}));
        assert_eq!(
            derived.is_ok(),
            key.contains("tomorrow") || key.contains("entropy"),
            "{key}"
        );
    }
}

#[test]
fn a_file_that_transformers_5_derived_counts_whatever_config_json_says() {
    let config = json!({"model_type": "marian", "forced_eos_token_id": 40, "decoder_start_token_id": 9});
    let generation = |version: &str| {
        json!({
            "_from_model_config": true, "num_beams": 6, "forced_eos_token_id": 40, "decoder_start_token_id": 9,
            "transformers_version": version,
        })
    };
    let beams = |version: &str| {
        let generation = generation(version);
        GenerationConfig::read(Path::new(""), &config, Some(&generation))
            .unwrap()
            .beam
    };
    assert_eq!(beams("5.24.0"), Some(6));
    assert_eq!(beams("5.0.0.dev0"), Some(6));
    assert_eq!(beams("4.57.1"), None);
}

#[test]
fn no_file_asks_for_more_tokens_than_a_model_has_positions() {
    let read = |config: Value| {
        let generation = json!({"max_new_tokens": u64::MAX});
        GenerationConfig::read(Path::new(""), &config, Some(&generation))
            .unwrap()
            .max_tokens()
    };
    assert_eq!(read(json!({})), 4096);
    assert_eq!(read(json!({"max_position_embeddings": 1024})), 4096);
    assert_eq!(
        read(json!({"text_config": {"max_position_embeddings": 32_768}})),
        32_768
    );
}

#[test]
fn the_files_of_published_models_are_read() {
    for (name, published) in crate::model::weights::published_configs::read_published_configs() {
        let generation = published.generation_config.as_ref();
        let read = GenerationConfig::read(Path::new(""), &published.config, generation);
        let alone = generation.is_none_or(|generation| read_alone(generation.clone()).is_ok());
        assert!(read.is_ok() && alone, "{name}: {read:?}");
    }
}
