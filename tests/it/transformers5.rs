//! Checkpoints whose small files transformers 5 wrote (`tests/golden/transformers5.py`): ids in and ids out, whole.

use super::Sandbox;
use super::seq2seq::{LINES, ids, segments_of};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
const NAMES: [&str; 16] = [
    "gemma2",
    "gemma3",
    "gemma3-multimodal",
    "hunyuan",
    "llama",
    "m2m100",
    "marian-prefix",
    "marian-tied",
    "mbart50",
    "mistral",
    "nllb",
    "qwen3",
    "qwen3-yarn",
    "small100",
    "t5-madlad",
    "t5-tied",
];
/// Files that transformers 5 no longer writes, beside a tokenizer that it wrote.
const FORMER_FILES: [&str; 3] = ["special_tokens_map.json", "added_tokens.json", "tokenizer.model"];

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory").flatten() {
        let target = to.join(entry.file_name());
        let _ = fs::remove_file(&target);
        fs::copy(entry.path(), target).expect("a file");
    }
}

/// Makes a checkpoint of its former weights and the files that transformers 5 wrote; gives the folder of its golden
/// file.
fn make(name: &str, directory: &Path) -> &'static str {
    let folder = ["decoder", "seq2seq"]
        .into_iter()
        .find(|folder| Path::new(GOLDEN).join(folder).join(name).is_dir());
    let folder = folder.expect("a checkpoint");
    let newer = Path::new(GOLDEN).join("transformers5").join(name);
    copy(&Path::new(GOLDEN).join(folder).join(name), directory);
    copy(&newer, directory);
    if newer.join("tokenizer_config.json").exists() {
        for former in FORMER_FILES {
            let _ = fs::remove_file(directory.join(former));
        }
    }
    folder
}

/// Renames a tensor in a safetensors file.
fn rename_tensor(path: &Path, former: &str, name: &str) {
    let bytes = fs::read(path).expect("weights");
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("a length")) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..][..length]).expect("a header");
    let tensors = header.as_object_mut().expect("tensors");
    let tensor = tensors.remove(former).expect("the tensor");
    tensors.insert(name.to_owned(), tensor);
    let mut text = header.to_string();
    text.push_str(&" ".repeat(text.len().next_multiple_of(8) - text.len()));
    let whole = [
        &(text.len() as u64).to_le_bytes(),
        text.as_bytes(),
        &bytes[8 + length..],
    ]
    .concat();
    fs::write(path, whole).expect("weights");
}

/// Compares with the golden file of a checkpoint; `beam` only if it has an encoder.
fn compare(directory: &Path, name: &str, folder: &str) {
    let golden = json_of(&Path::new(GOLDEN).join(folder).join(format!("{name}.json")));
    let lines = golden["lines"].as_array().expect("lines");
    let most = golden["max_tokens"].to_string();
    let searches: &[(&str, &str)] = match folder {
        "decoder" => &[("1", "greedy")],
        _ => &[("1", "greedy"), ("4", "beam")],
    };
    for (beam, key) in searches {
        let prompt: &[&str] = if folder == "decoder" {
            &["--prompt", "{text}"]
        } else {
            &["--beam", beam]
        };
        let options = [prompt, &["--max-tokens", &most, "--precision", "f32"]].concat();
        let found = segments_of(&directory.display().to_string(), LINES, &options);
        let mut same = 0;
        for (found, line) in found.iter().zip(lines) {
            let key = if line["penalised"].is_array() { "penalised" } else { key };
            let margin = line[format!("{key}_margin")].as_f64().expect("a margin");
            let whole = ids(found, "source_ids").len() == line["source_ids"].as_array().map_or(0, Vec::len);
            // A text that does not fit is divided.
            if found["finish"] == "copy" || (name == "qwen3-yarn" && (!whole || ids(found, "source_ids").len() > 100)) {
                continue;
            }
            assert_eq!(found["source_ids"], line["source_ids"], "{name}: {}", found["source"]);
            assert!(
                found["target_ids"] == line[key] || margin < 1e-3,
                "{name}, beam {beam}: {}",
                found["source"]
            );
            same += usize::from(found["target_ids"] == line[key]);
        }
        assert!(
            same * 10 >= lines.len() * 8,
            "{name}, beam {beam}: only {same} lines agree"
        );
    }
}

/// vllm#42624, sglang#14745, transformers#48154: rotation, ties, types, layers, tokenizers and searches.
#[test]
fn checkpoints_of_transformers_5_give_the_same_ids() {
    for name in NAMES {
        let sandbox = Sandbox::new();
        // Not known by their names.
        let directory = sandbox.path("saved");
        let folder = make(name, &directory);
        compare(&directory, name, folder);
        // MADLAD's own files have the embedding under the decoder's name only (transformers#48154).
        if name == "t5-madlad" {
            rename_tensor(
                &directory.join("model.safetensors"),
                "shared.weight",
                "decoder.embed_tokens.weight",
            );
            compare(&directory, name, folder);
        }
    }
}

/// SMaLL-100 and M2M-100 are told apart by their files, under each other's names too.
#[test]
fn a_directorys_name_makes_no_small100() {
    let sandbox = Sandbox::new();
    for (name, called) in [
        ("small100", "m2m100_418M"),
        ("m2m100", "small100"),
        ("m2m100", "my-small100-copy"),
    ] {
        let directory = sandbox.path(called);
        let _ = fs::remove_dir_all(&directory);
        copy(&Path::new(GOLDEN).join("seq2seq").join(name), &directory);
        compare(&directory, name, "seq2seq");
    }
    // A tokenizer of its own says so, whatever the layers.
    let directory = sandbox.path("tuned");
    copy(&Path::new(GOLDEN).join("seq2seq/m2m100"), &directory);
    let file = directory.join("tokenizer_config.json");
    let mut config = json_of(&file);
    config["tokenizer_class"] = json!("SMALL100Tokenizer");
    fs::write(&file, config.to_string()).expect("a file");
    let found = segments_of(&directory.display().to_string(), "ฝนตก\n", &["--max-tokens", "4"]);
    let english = segments_of(&format!("{GOLDEN}/seq2seq/m2m100"), "ฝนตก\n", &["--max-tokens", "4"]);
    assert_ne!(found[0]["source_ids"][0], english[0]["source_ids"][0]);
}

/// Settings that are not known, or that no file can ask for, are refused with the path and the key; exit code 2.
#[test]
fn settings_that_may_change_the_output_are_refused_in_every_command() {
    for (name, file, key, value) in [
        ("llama", "config.json", "attention_multiplier", json!(0.5)),
        ("marian-tied", "config.json", "a_key_of_tomorrow", json!(false)),
        ("marian-tied", "generation_config.json", "num_beams", json!(100_000)),
        ("marian-tied", "generation_config.json", "guidance_scale", json!(2.0)),
        ("t5-tied", "config.json", "d_kv", json!(1_u64 << 60)),
    ] {
        let sandbox = Sandbox::with(&[("a.txt", super::THAI), ("articles/a.txt", super::THAI)]);
        make(name, &sandbox.path("model"));
        let path = sandbox.path("model").join(file);
        let mut config = json_of(&path);
        config.as_object_mut().expect("an object").remove("_from_model_config");
        config[key] = value;
        fs::write(&path, config.to_string()).expect("a file");
        for command in [
            &["translate", "--model", "model", "a.txt"][..],
            &["archive", "--model", "model", "articles", "-o", "out"],
            &["bench", "--model", "model", "a.txt"],
        ] {
            let outcome = sandbox.run(command);
            assert_eq!(outcome.code, Some(2), "{command:?}: {}", outcome.stderr);
            let told = outcome.stderr.contains(file) && outcome.stderr.contains(key);
            assert!(told, "{command:?}: {}", outcome.stderr);
        }
    }
}

/// Numbers that JSON cannot hold, and objects without end, are a damaged file, not a crash.
#[test]
fn damaged_configurations_are_refused() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    for text in [
        r#"{"model_type": "marian", "d_model": NaN}"#,
        r#"{"model_type": "marian", "d_model": Infinity}"#,
        r#"{"model_type": "marian", "d_model": 1e999}"#,
        &format!(r#"{{"model_type": "marian", "d_model": {deep}}}"#),
        "[]",
        "",
    ] {
        for file in ["config.json", "generation_config.json"] {
            let sandbox = Sandbox::with(&[("a.txt", super::THAI)]);
            make("marian-tied", &sandbox.path("model"));
            fs::write(sandbox.path("model").join(file), text).expect("a file");
            let outcome = sandbox.run(&["translate", "--model", "model", "a.txt"]);
            assert_eq!(outcome.code, Some(2), "{text:.60}: {}", outcome.stderr);
            assert!(outcome.stderr.contains(file), "{}", outcome.stderr);
        }
    }
}
