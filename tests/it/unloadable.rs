//! Models that plae cannot load, or of which only a part is here: each command refuses them by name, and says what to do.

use super::{Sandbox, THAI};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/decoder/qwen3");
const SNAPSHOT: &str = ".cache/huggingface/hub/models--org--chat/snapshots/00112233445566778899aabbccddeeff00112233";

/// A directory with an article and a model's directory `model` of these files.
fn with_model(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::with(&[("a.txt", THAI), ("articles/a.txt", THAI)]);
    for (name, text) in files {
        sandbox.write(&format!("model/{name}"), text);
    }
    sandbox
}

#[test]
fn every_command_names_what_it_cannot_load() {
    let quantised = r#"{"model_type": "qwen3", "quantization_config": {"quant_method": "awq", "bits": 4}}"#;
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";
    type Files = [(&'static str, &'static str)];
    let cases: [(&Files, &[&str]); 4] = [
        (
            &[("config.json", quantised), ("model.safetensors", "x")],
            &["model: holds weights quantised with AWQ", "GGUF"],
        ),
        (
            &[(
                "adapter_config.json",
                r#"{"base_model_name_or_path": "google/gemma-2-2b"}"#,
            )],
            &[
                "model: is an adapter (LoRA) for google/gemma-2-2b",
                "take google/gemma-2-2b itself",
            ],
        ),
        (
            &[
                ("config.json", r#"{"model_type": "marian"}"#),
                ("model.safetensors", pointer),
            ],
            &["model/model.safetensors: is a Git LFS pointer", "git lfs pull"],
        ),
        (
            &[("config.json", r#"{"model_type": "marian"}"#), ("tf_model.h5", "x")],
            &["model: holds weights for TensorFlow only (tf_model.h5)", "from_tf=True"],
        ),
    ];
    for (files, messages) in cases {
        let sandbox = with_model(files);
        for args in [
            &["translate", "--model", "model", "a.txt"][..],
            &["archive", "--model", "model", "articles", "-o", "out"],
            &["bench", "--model", "model", "a.txt"],
            &["models", "info", "model"],
            &["models", "pull", "model"],
        ] {
            sandbox.run(args).ends(2, messages);
        }
    }
}

/// aiperf#1053: a model whose chat template another tool did not fetch is not asked in another way.
#[test]
fn a_cached_model_is_not_used_without_its_chat_template() {
    let sandbox = Sandbox::with(&[
        ("a.txt", THAI),
        (
            ".cache/huggingface/hub/models--org--chat/refs/main",
            "00112233445566778899aabbccddeeff00112233",
        ),
    ]);
    for name in [
        "config.json",
        "generation_config.json",
        "tokenizer_config.json",
        "tokenizer.json",
        "model.safetensors",
    ] {
        let content = std::fs::read(format!("{GOLDEN}/{name}")).expect(name);
        sandbox.write(&format!("{SNAPSHOT}/{name}"), content);
    }
    let args = [
        "translate",
        "--model",
        "org/chat",
        "a.txt",
        "--max-tokens",
        "1",
        "--prompt",
        "{text}",
    ];
    sandbox
        .run(&args)
        .ends(2, &["holds no chat template", "plae models pull org/chat"]);
    // In a directory of one's own nobody can tell: it is said that there is none.
    let args = [
        "translate",
        "--model",
        SNAPSHOT,
        "a.txt",
        "--max-tokens",
        "1",
        "--prompt",
        "{text}",
    ];
    sandbox.run(&args).ends(0, &["has no chat template"]);
}
