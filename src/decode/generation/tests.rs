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
        ("top_p", json!(1.5)),
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
    assert!(read(json!({"min_p": 0.1, "do_sample": true})).is_err());
    assert!(read(json!({"min_p": 0.1})).is_ok());
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
