//! Compares GGUF files whose metadata is written in other ways with llama.cpp: the ends of a generation, and the ids of
//! greedy search (`tests/golden/metadata.py`).

use super::Tokenizer;
use crate::error::Result;
use crate::model::decoder::load_from_gguf;
use crate::model::weights::gguf::{GgufFile, Value};
use crate::model::weights::{put_together, take_apart};
use crate::model::{ActivationPrecision, OutputTokenIds, TranslationModel};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

const DECODERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/decoder");

/// The golden file that `tests/golden/metadata.py` writes.
#[derive(serde::Deserialize)]
struct Golden {
    max_tokens: usize,
    /// The ids of the lines that each file is asked.
    sources: HashMap<String, Vec<Vec<u32>>>,
    variants: Vec<Variant>,
}

/// A file with changes, and what llama.cpp makes of it.
#[derive(serde::Deserialize)]
struct Variant {
    name: String,
    file: String,
    #[serde(default)]
    set: HashMap<String, serde_json::Value>,
    #[serde(default)]
    remove: Vec<String>,
    /// New texts of tokens.
    #[serde(default)]
    texts: HashMap<usize, String>,
    /// New types of tokens.
    #[serde(default)]
    types: HashMap<usize, i64>,
    #[serde(default)]
    refused: bool,
    #[serde(default)]
    ends: Vec<u32>,
    #[serde(default)]
    lines: Vec<Line>,
}

#[derive(serde::Deserialize)]
struct Line {
    greedy: Vec<u32>,
    /// The smallest difference between the two best logits at any step.
    margin: f32,
}

/// Two logits that differ by less than this may change their order: llama.cpp rounds the activation to float16.
const NEAR_TIE: f32 = 5e-3;

fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Bool(flag) => Value::Boolean(*flag),
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Array(values) => Value::List(values.iter().map(value).collect()),
        number if number.is_i64() => Value::Integer(number.as_i64().expect("an integer")),
        number => Value::Float(number.as_f64().expect("a number")),
    }
}

/// Writes a file of `tests/golden/decoder` with changes in its metadata.
fn write(directory: &Path, file: &str, change: impl FnOnce(&mut HashMap<String, Value>)) -> PathBuf {
    let bytes = std::fs::read(format!("{DECODERS}/{file}.gguf")).expect(file);
    let (mut metadata, tensors) = take_apart(&bytes);
    change(&mut metadata);
    let path = directory.join("variant.gguf");
    std::fs::write(&path, put_together(&metadata, &tensors)).expect("a file");
    path
}

fn load(path: &Path) -> Result<(Box<dyn TranslationModel>, Vec<u32>)> {
    let gguf = GgufFile::open(path)?;
    let ends = Tokenizer::gguf_end_ids(&gguf)?;
    Tokenizer::from_gguf(&gguf)?;
    let ids = OutputTokenIds {
        end: ends.clone(),
        ..OutputTokenIds::default()
    };
    Ok((load_from_gguf(&gguf, ids, ActivationPrecision::F32)?, ends))
}

/// Runs greedy search for at most `most` steps, up to the first end id.
fn search(model: &dyn TranslationModel, source: &[u32], ends: &[u32], most: usize) -> Vec<u32> {
    let (mut state, mut logits) = model.begin_decoding(&[], &[source]).expect("begin");
    let mut written = Vec::new();
    loop {
        let row = &logits.to_vec2::<f32>().expect("logits")[0];
        let best = (1..row.len()).fold(0, |best, id| if row[id] > row[best] { id } else { best }) as u32;
        if written.len() == most || ends.contains(&best) {
            return written;
        }
        written.push(best);
        logits = model.decode_step(&[best], &mut state).expect("step");
    }
}

/// Variants that plae refuses although llama.cpp runs them, by the name of the variant and the place of the refusal.
const REFUSED_HERE: [(&str, &str); 4] = [
    ("a part of each head rotated", "key gemma3.rope.dimension_count"),
    ("experts", "key gemma3.expert_count"),
    ("Gemma 2 with a factor of type none", "key gemma2.rope.scaling.type"),
    ("an end beyond the tokens", "key tokenizer.ggml.eos_token_id"),
];

#[test]
fn ends_and_greedy_ids_are_those_of_llama_cpp_or_the_file_is_refused() {
    let golden = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/metadata.json"));
    let golden: Golden = serde_json::from_slice(&golden.expect("golden file")).expect("golden JSON");
    let directory = tempfile::tempdir().expect("a directory");
    for variant in &golden.variants {
        let name = &variant.name;
        let path = write(directory.path(), &variant.file, |metadata| {
            metadata.extend(variant.set.iter().map(|(key, json)| (key.clone(), value(json))));
            metadata.retain(|key, _| !variant.remove.contains(key));
            let mut list = |key: &str, changes: Vec<(usize, Value)>| {
                let Some(Value::List(values)) = metadata.get_mut(key) else {
                    panic!("{key}")
                };
                for (index, value) in changes {
                    values[index] = value;
                }
            };
            let texts = variant.texts.iter().map(|(id, text)| (*id, Value::Text(text.clone())));
            list("tokenizer.ggml.tokens", texts.collect());
            let types = variant.types.iter().map(|(id, kind)| (*id, Value::Integer(*kind)));
            list("tokenizer.ggml.token_type", types.collect());
        });
        let (model, ends) = match load(&path) {
            Ok(loaded) => loaded,
            Err(error) => {
                let place = error.place.as_deref().unwrap_or_default();
                let known = REFUSED_HERE.contains(&(name.as_str(), place));
                assert!(variant.refused || known, "{name}: {error}");
                assert!(place.starts_with("key "), "{name}: {error}");
                continue;
            }
        };
        // llama.cpp ends its process where no layer has a window.
        if name == "every layer global" {
            continue;
        }
        assert!(!variant.refused, "{name} is not refused");
        assert_eq!(ends, variant.ends, "{name}");
        for (index, (source, line)) in golden.sources[&variant.file].iter().zip(&variant.lines).enumerate() {
            let got = search(&*model, source, &ends, golden.max_tokens);
            assert!(
                got == line.greedy || line.margin < NEAR_TIE,
                "{name}, line {index}: {got:?} for {:?}, margin {}",
                line.greedy,
                line.margin
            );
        }
    }
}

/// A key that llama.cpp ignores, or obeys in another way than plae computes, is refused by its name.
#[test]
fn a_key_that_changes_results_and_is_not_known_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let cases: [(&str, &str, Value); 18] = [
        ("gemma3", "gemma3.attention.new_thing", Value::Float(1.0)),
        ("gemma3", "gemma3.attention.scale", Value::Float(0.5)),
        ("gemma3", "gemma3.attn_logit_softcapping", Value::Float(50.0)),
        ("gemma3", "gemma3.attention.key_length_swa", Value::Integer(8)),
        ("gemma3", "gemma3.attention.causal", Value::Boolean(false)),
        ("gemma3", "gemma3.block_count", Value::Integer(u32::MAX.into())),
        ("gemma3", "gemma3.block_count", Value::Integer(0)),
        ("gemma3", "gemma3.context_length", Value::Text("many".to_owned())),
        ("llama", "llama.attention.head_count", Value::Integer(0)),
        ("qwen3", "qwen3.attention.key_length", Value::Integer(1 << 30)),
        (
            "qwen3",
            "tokenizer.ggml.eos_token_id",
            Value::List(vec![Value::Integer(1)]),
        ),
        ("llama", "llama.attention.head_count_kv", Value::Integer(3)),
        ("llama", "llama.logit_scale", Value::Float(0.5)),
        ("llama", "llama.expert_count", Value::Integer(8)),
        ("llama", "llama.rope.scaling.alpha", Value::Float(1000.0)),
        ("llama", "llama.final_logit_softcapping", Value::Float(30.0)),
        (
            "qwen3",
            "qwen3.rope.dimension_sections",
            Value::List(vec![Value::Integer(4)]),
        ),
        ("qwen3", "qwen3.rope.freq_base", Value::Float(f64::NAN)),
    ];
    for (file, key, value) in cases {
        let path = write(directory.path(), file, |metadata| {
            drop(metadata.insert(key.to_owned(), value.clone()))
        });
        let error = load(&path).err().expect(key);
        assert_eq!(error.place, Some(format!("key {key}")), "{error}");
        assert_eq!(error.path.as_deref(), Some(&*path));
    }
    for (file, key) in [
        ("gemma3", "gemma3.rope.freq_base"),
        ("llama", "tokenizer.ggml.eos_token_id"),
        ("llama", "tokenizer.ggml.bos_token_id"),
        ("qwen3", "qwen3.feed_forward_length"),
    ] {
        let path = write(directory.path(), file, |metadata| drop(metadata.remove(key)));
        let error = load(&path).err().expect(key);
        assert_eq!(error.place, Some(format!("key {key}")), "{error}");
    }
}

/// Keys of other converters, and keys that only repeat what is computed anyway, change nothing.
#[test]
fn harmless_keys_are_passed_over() {
    let directory = tempfile::tempdir().expect("a directory");
    for (file, key, value) in [
        ("gemma3", "gemma3.vision.block_count", Value::Integer(27)),
        ("gemma3", "gemma3.mm.tokens_per_image", Value::Integer(256)),
        ("gemma3", "gemma3.attention.key_length_swa", Value::Integer(12)),
        ("gemma3", "gemma3.attention.scale", Value::Float(12f64.sqrt().recip())),
        ("llama", "llama.logit_scale", Value::Float(1.0)),
        ("llama", "llama.expert_used_count", Value::Integer(0)),
        ("llama", "tokenizer.ggml.suppress_tokens", Value::List(Vec::new())),
        ("hunyuan", "hunyuan-dense.expert_count", Value::Integer(1)),
        ("qwen3", "general.sampling.temp", Value::Float(0.6)),
    ] {
        let path = write(directory.path(), file, |metadata| {
            drop(metadata.insert(key.to_owned(), value))
        });
        load(&path).map(drop).expect(key);
    }
    // The names that ollama's converter gives to the bases.
    let path = write(directory.path(), "gemma3", |metadata| {
        let base = metadata.remove("gemma3.rope.freq_base").expect("a base");
        metadata.insert("gemma3.rope.global.freq_base".to_owned(), base);
        metadata.insert("gemma3.rope.local.freq_base".to_owned(), Value::Float(10_000.0));
        let ends = vec![Value::Integer(1), Value::Integer(300)];
        metadata.insert("tokenizer.ggml.eos_token_ids".to_owned(), Value::List(ends));
    });
    let (model, ends) = load(&path).expect("a model");
    assert!(ends.contains(&300));
    let (plain, _) = load(Path::new(&format!("{DECODERS}/gemma3.gguf"))).expect("a model");
    let source = [2, 300, 301, 302];
    assert_eq!(search(&*model, &source, &[], 12), search(&*plain, &source, &[], 12));
}

/// A window that llama.cpp takes no notice of ends the texts that are given to the model at once.
#[test]
fn an_ignored_window_is_the_longest_text() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = write(directory.path(), "llama", |metadata| {
        metadata.insert("llama.attention.sliding_window".to_owned(), Value::Integer(64));
    });
    assert_eq!(load(&path).expect("a model").0.spec().max_positions, 64);
}

/// A tensor that the model does not use is of something that is not computed (llama.cpp: "wrong number of tensors").
#[test]
fn a_tensor_without_a_use_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("variant.gguf");
    let bytes = std::fs::read(format!("{DECODERS}/qwen3.gguf")).expect("a file");
    for (name, refused) in [
        ("blk.0.attn_q.input_scale", true),
        ("blk.7.attn_q.weight", true),
        ("v.blk.0.attn_q.weight", false),
    ] {
        let (metadata, mut tensors) = take_apart(&bytes);
        tensors.push((name.to_owned(), vec![1], 0, &[0; 4]));
        std::fs::write(&path, put_together(&metadata, &tensors)).expect("a file");
        let place = load(&path).err().map(|error| error.place.unwrap_or_default());
        assert_eq!(place, refused.then(|| format!("tensor {name}")));
    }
}
