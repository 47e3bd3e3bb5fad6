//! Tests the faults that people have reported of tools that use the Hub, each by its kind.

use super::*;

/// Files of a decoder-only chat model, as transformers writes them now: the chat template has a file of its own.
const CHAT_MODEL: [(&str, &[u8]); 6] = [
    ("config.json", br#"{"model_type": "qwen3"}"#),
    ("generation_config.json", b"{}"),
    ("tokenizer_config.json", br#"{"added_tokens_decoder": {}}"#),
    ("chat_template.jinja", b"{{ messages }}"),
    ("tokenizer.json", br#"{"model": {}}"#),
    ("model.safetensors", b"weights"),
];

impl CatalogFixture {
    /// Gives the directory of the snapshot of `org/tiny` in the cache.
    fn snapshot_path(&self) -> PathBuf {
        self.repo_directory().join("snapshots").join(COMMIT)
    }

    /// Writes files into the cache as another tool would leave them, without blobs.
    fn write_cache(&self, files: &[(&str, &[u8])]) {
        for (name, content) in files {
            let path = self.snapshot_path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        std::fs::create_dir_all(self.repo_directory().join("refs")).unwrap();
        std::fs::write(self.repo_directory().join("refs/main"), COMMIT).unwrap();
    }

    /// Writes into the cache all files of [`CHAT_MODEL`] but those called `left_out`.
    fn write_cached_chat_model(&self, left_out: &[&str]) {
        let kept: Vec<_> = CHAT_MODEL
            .into_iter()
            .filter(|(name, _)| !left_out.contains(name))
            .collect();
        self.write_cache(&kept);
    }

    /// Lists all files below the Hub's cache, with the times of their last change.
    fn list_cache(&self) -> Vec<(PathBuf, std::time::SystemTime)> {
        fn walk(directory: &Path, found: &mut Vec<(PathBuf, std::time::SystemTime)>) {
            for entry in std::fs::read_dir(directory).unwrap().flatten() {
                let data = std::fs::symlink_metadata(entry.path()).unwrap();
                found.push((entry.path(), data.modified().unwrap()));
                if data.is_dir() {
                    walk(&entry.path(), found);
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.settings.hub_cache, &mut found);
        found.sort();
        found
    }
}

/// Names the requests of a log that fetched a file.
fn fetched(log: &[String]) -> Vec<&str> {
    let names = log.iter().filter(|line| line.starts_with("GET"));
    names
        .filter_map(|line| line.split("/resolve/").nth(1)?.split('/').next_back())
        .collect()
}

/// aiperf#1053: a cache that another tool has filled in part was taken for whole, and the model got another prompt or
/// other ends of generation. The Hub's list of files decides; what is missing is fetched, and nothing else.
#[test]
fn a_cache_filled_in_part_is_completed_from_the_hub() {
    let cases: [&[&str]; 4] = [
        &["chat_template.jinja"],
        &["generation_config.json"],
        &["generation_config.json", "chat_template.jinja"],
        &["tokenizer_config.json"],
    ];
    for left_out in cases {
        let hub = FakeHub::start(&CHAT_MODEL);
        let mut place = CatalogFixture::new(&hub.address);
        place.write_cached_chat_model(left_out);
        let located = place.locate("org/tiny").unwrap();
        // Byte for byte: it is printed.
        assert_eq!(located.path.as_os_str(), place.snapshot_path().as_os_str());
        assert_eq!(fetched(&hub.log()), left_out);
        for (name, content) in CHAT_MODEL {
            assert_eq!(std::fs::read(located.path.join(name)).unwrap(), content, "{name}");
        }
        // The answer is remembered.
        place.locate("org/tiny").unwrap();
        assert_eq!(hub.log(), [""; 0], "{left_out:?}");
    }
    // What the repository does not have is not asked for twice either.
    let hub = FakeHub::start(&CHAT_MODEL[4..]);
    hub.set(|state| {
        state.files.insert("config.json".into(), CHAT_MODEL[0].1.to_vec());
    });
    let mut place = CatalogFixture::new(&hub.address);
    place.write_cache(&[CHAT_MODEL[0], CHAT_MODEL[4], CHAT_MODEL[5]]);
    place.locate("org/tiny").unwrap();
    assert_eq!(hub.log().len(), 1);
    place.locate("org/tiny").unwrap();
    assert_eq!(hub.log(), [""; 0]);
}

/// aiperf#1053, unsloth#7845: files that a model cannot do without are named where the Hub cannot be asked, and fetched where it can.
#[test]
fn a_cache_without_needed_files_is_no_model() {
    for (left_out, message) in [
        ("tokenizer.json", "tokenizer.json is missing"),
        ("model.safetensors", "no weights"),
        ("config.json", "no model"),
    ] {
        let hub = FakeHub::start(&CHAT_MODEL);
        let mut place = CatalogFixture::new(&hub.address);
        place.write_cached_chat_model(&[left_out]);
        place.settings.offline = true;
        let error = place.locate("org/tiny").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Model);
        assert!(error.message.contains(message), "{left_out}: {error}");
        assert!(error.path.is_some_and(|path| path.starts_with(place.repo_directory())) && error.hint.is_some());
        assert_eq!(hub.log(), [""; 0]);
        place.settings.offline = false;
        place.locate("org/tiny").unwrap();
        let log = hub.log();
        assert!(fetched(&log).contains(&left_out), "{log:?}");
        assert_eq!(
            fetched(&log).contains(&"model.safetensors"),
            left_out == "model.safetensors"
        );
    }
    // A model whose tokenizer is another file needs that one only.
    let place = CatalogFixture::new(&refusing_address());
    place.write_cache(&[
        ("config.json", br#"{"model_type": "t5"}"#),
        ("spiece.model", b"pieces"),
        ("pytorch_model.bin", b"weights"),
    ]);
    let settings = Settings {
        offline: true,
        ..place.settings.clone()
    };
    locate(Some("org/tiny"), &settings, true, &mut |_| {}).unwrap();
}

/// aiperf#1053: without its chat template a chat model gets another prompt. It is refused where nobody can tell whether
/// there is one; other files that may exist are done without, aloud.
#[test]
fn no_other_prompt_stands_in_for_a_missing_chat_template() {
    let mut place = CatalogFixture::new(&refusing_address());
    place.write_cached_chat_model(&["chat_template.jinja"]);
    for offline in [false, true] {
        place.settings.offline = offline;
        let error = place.locate("org/tiny").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Model);
        assert!(error.message.contains("no chat template"), "{error}");
    }
    // A template in tokenizer_config.json is one; a manifest's prompt needs none; a mark says that there is none.
    let config = br#"{"added_tokens_decoder": {}, "chat_template": "{{ messages }}"}"#;
    place.write_cache(&[("tokenizer_config.json", config)]);
    place.locate("org/tiny").unwrap();
    place.write_cache(&[CHAT_MODEL[2]]);
    let marks = place.repo_directory().join(".no_exist").join(COMMIT);
    std::fs::create_dir_all(&marks).unwrap();
    std::fs::write(marks.join("chat_template.jinja"), "").unwrap();
    place.locate("org/tiny").unwrap();
    std::fs::remove_dir_all(&marks).unwrap();
    place.write_manifest(
        "mine",
        "[prompt]\ntemplate = \"{text}\"\nadd-bos = false\n[[hub]]\nrepo = \"org/tiny\"\nrevision = \"main\"\n",
    );
    place.locate("mine").unwrap();

    let mut place = CatalogFixture::new(&refusing_address());
    place.write_cached_chat_model(&["generation_config.json"]);
    place.locate("org/tiny").unwrap();
    assert_eq!(place.take_notice_words(), "unreachable:org/tiny");
    place.settings.offline = true;
    place.locate("org/tiny").unwrap();
    assert_eq!(place.take_notice_words(), "");
}

/// The list of a commit's files that newer versions of the Hub's own tools keep in the cache counts as the Hub's.
#[test]
fn a_list_of_files_in_the_cache_needs_no_hub() {
    let mut place = CatalogFixture::new(&refusing_address());
    place.write_cached_chat_model(&["chat_template.jinja"]);
    place.settings.offline = true;
    let trees = place.repo_directory().join("trees");
    std::fs::create_dir_all(&trees).unwrap();
    let write = |files: &str| {
        let list = format!("{{\"format_version\": 1, \"files\": {{{files}}}}}");
        std::fs::write(trees.join(format!("{COMMIT}.json")), list).unwrap();
    };
    write(r#""config.json": {"size": 1, "blob_id": "a"}"#);
    place.locate("org/tiny").unwrap();
    write(r#""chat_template.jinja": {"size": 1, "blob_id": "a"}"#);
    let error = place.locate("org/tiny").unwrap_err();
    assert!(error.message.contains("chat_template.jinja is missing"), "{error}");
}

/// A link of the cache to a blob that was cleaned away, and a file that was cut short, are no files.
#[cfg(unix)]
#[test]
fn a_broken_link_in_the_cache_is_no_file() {
    let hub = FakeHub::start(&CHAT_MODEL);
    let mut place = CatalogFixture::new(&hub.address);
    let located = place.locate("org/tiny").unwrap();
    hub.log();
    std::fs::remove_file(std::fs::canonicalize(located.path.join("tokenizer.json")).unwrap()).unwrap();
    place.locate("org/tiny").unwrap();
    assert_eq!(
        fetched(&hub.log()),
        ["config.json", "tokenizer_config.json", "tokenizer.json"],
        "the first two only to look"
    );
    std::fs::write(located.path.join("chat_template.jinja"), "").unwrap();
    pull_model("org/tiny", &place.settings, &mut |_| {}).unwrap();
    assert_eq!(
        std::fs::read(located.path.join("chat_template.jinja")).unwrap(),
        CHAT_MODEL[3].1
    );
}

/// The layouts of real repositories that were refused: nllb-200-3.3B (shards of a pickle, by their index), a Marian model
/// with a vocabulary for each language, shards under any name and in folders, and a checkpoint in a folder.
#[test]
fn checkpoints_come_in_every_layout() {
    let nllb: &[(&str, &[u8])] = &[
        ("config.json", br#"{"model_type": "m2m_100"}"#),
        ("sentencepiece.bpe.model", b"pieces"),
        ("tokenizer.json", b"{}"),
        ("tokenizer_config.json", br#"{"tokenizer_class": "NllbTokenizer"}"#),
        ("special_tokens_map.json", b"{}"),
        (
            "pytorch_model.bin.index.json",
            br#"{"weight_map": {"a": "pytorch_model-00001-of-00002.bin", "b": "pytorch_model-00002-of-00002.bin"}}"#,
        ),
        ("pytorch_model-00001-of-00002.bin", b"one"),
        ("pytorch_model-00002-of-00002.bin", b"two"),
    ];
    let marian: &[(&str, &[u8])] = &[
        ("config.json", br#"{"model_type": "marian"}"#),
        ("vocab.json", b"{}"),
        ("target_vocab.json", b"{}"),
        ("source.spm", b"s"),
        ("target.spm", b"t"),
        ("tokenizer_config.json", br#"{"separate_vocabs": true}"#),
        ("pytorch_model.bin", b"weights"),
    ];
    let shards: &[(&str, &[u8])] = &[
        CHAT_MODEL[0],
        CHAT_MODEL[4],
        (
            "model.safetensors.index.json",
            br#"{"weight_map": {"a": "weights/part-a.safetensors", "b": "part_2.safetensors"}}"#,
        ),
        ("weights/part-a.safetensors", b"one"),
        ("part_2.safetensors", b"two"),
    ];
    let folder: &[(&str, &[u8])] = &[
        ("hf/config.json", CHAT_MODEL[0].1),
        ("hf/tokenizer.json", b"{}"),
        ("hf/model.safetensors", b"weights"),
    ];
    for (files, inside) in [(nllb, ""), (marian, ""), (shards, ""), (folder, "hf")] {
        let hub = FakeHub::start(files);
        hub.set(|state| {
            state.files.insert("README.md".into(), b"read me".to_vec());
        });
        let mut place = CatalogFixture::new(&hub.address);
        let located = place.locate("org/tiny").unwrap();
        assert_eq!(located.path, place.snapshot_path().join(inside));
        for (name, content) in files {
            assert_eq!(
                std::fs::read(place.snapshot_path().join(name)).unwrap(),
                *content,
                "{name}"
            );
        }
        assert!(!place.snapshot_path().join("README.md").exists());
        hub.log();
        assert_eq!(place.locate("org/tiny").unwrap().path, located.path);
        assert_eq!(hub.log(), [""; 0]);
    }
}

/// GGUF repositories: parts in a folder, names in capitals, projections and importance matrices beside the model.
#[test]
fn gguf_models_come_in_every_layout() {
    let content = gguf_content();
    let split = [
        "Q4_K_M/Tiny-Q4_K_M-00001-of-00002.gguf",
        "Q4_K_M/Tiny-Q4_K_M-00002-of-00002.gguf",
    ];
    let cases: [&[&str]; 4] = [&["Tiny-Q8_0.GGUF"], &["gguf/tiny.gguf"], &["tiny-q4_k_m.gguf"], &split];
    for wanted in cases {
        let second = [&content[..], b"more"].concat();
        let contents = [&content[..], &second];
        let mut files: Vec<(&str, &[u8])> = wanted.iter().copied().zip(contents).collect();
        files.extend([
            ("mmproj-BF16.gguf", &b"eyes"[..]),
            ("tiny.mmproj-Q8_0.gguf", b"eyes"),
            ("imatrix_unsloth.gguf", b"importance"),
            ("config.json", br#"{"model_type": "gemma3"}"#),
        ]);
        if wanted == split {
            files.push(("Q8_0/Tiny-Q8_0-00001-of-00002.gguf", b"other"));
        }
        let hub = FakeHub::start(&files);
        hub.set(|state| state.description = ",\"gguf\":{\"architecture\":\"clip\"}".into());
        let mut place = CatalogFixture::new(&hub.address);
        let located = place.locate("org/tiny").unwrap();
        assert_eq!(located.path, place.snapshot_path().join(wanted[0]));
        assert_eq!(fetched(&hub.log()).len(), wanted.len());
        for (name, content) in &files[..wanted.len()] {
            assert_eq!(std::fs::read(place.snapshot_path().join(name)).unwrap(), *content);
        }
        place.locate("org/tiny").unwrap();
        assert_eq!(hub.log(), [""; 0]);
        // The directory is a model too, and so is each part.
        let directory = place.snapshot_path();
        for path in [directory.clone(), directory.join(wanted[wanted.len() - 1])] {
            assert_eq!(place.locate(path.to_str().unwrap()).unwrap().path, located.path);
        }
    }
    let hub = FakeHub::start(&[(split[0], &content)]);
    let mut place = CatalogFixture::new(&hub.address);
    let error = place.locate("org/tiny").unwrap_err();
    assert!(error.to_string().starts_with("org/tiny: lacks part 2 of 2"), "{error}");
}

/// A repository, or a directory, that plae cannot load: its files, what the error says, what the hint says.
type Unsupported = (&'static [(&'static str, &'static str)], &'static str, &'static str);

const UNSUPPORTED: &[Unsupported] = &[
    (
        &[(
            "config.json",
            r#"{"model_type": "qwen3", "quantization_config": {"quant_method": "awq", "bits": 4}}"#,
        )],
        "quantised with AWQ",
        "GGUF form",
    ),
    (
        &[(
            "config.json",
            r#"{"model_type": "qwen3", "_name_or_path": "Qwen/Qwen3-4B", "quantization_config": {"quant_method": "gptq"}}"#,
        )],
        "quantised with GPTQ",
        "take Qwen/Qwen3-4B",
    ),
    (
        &[
            ("config.json", r#"{"model_type": "llama"}"#),
            ("quantize_config.json", r#"{"bits": 4}"#),
        ],
        "quantised with GPTQ",
        "made from",
    ),
    (
        &[(
            "config.json",
            r#"{"model_type": "llama", "quantization_config": {"quant_method": "compressed-tensors", "format": "float-quantized"}}"#,
        )],
        "quantised with compressed-tensors",
        "made from",
    ),
    (
        &[(
            "config.json",
            r#"{"model_type": "llama", "compression_config": {"quant_method": "sparseml"}}"#,
        )],
        "quantised with sparseml",
        "made from",
    ),
    (
        &[(
            "config.json",
            r#"{"model_type": "gpt_oss", "quantization_config": {"quant_method": "mxfp4"}}"#,
        )],
        "quantised with MXFP4",
        "made from",
    ),
    (
        &[(
            "config.json",
            r#"{"model_type": "gemma3", "quantization_config": {"_load_in_4bit": true, "load_in_4bit": true}}"#,
        )],
        "quantised with bitsandbytes",
        "made from",
    ),
    (
        &[(
            "config.json",
            r#"{"model_type": "qwen3", "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}}"#,
        )],
        "quantised with FP8",
        "made from",
    ),
    (
        &[(
            "config.json",
            r#"{"model_type": "gemma3", "text_config": {"quantization_config": {"quant_method": "fbgemm_fp8"}}}"#,
        )],
        "quantised with FP8",
        "made from",
    ),
    (
        &[(
            "config.json",
            r#"{"model_type": "qwen3", "quantization": {"group_size": 64, "bits": 4}, "quantization_config": {"group_size": 64, "bits": 4}}"#,
        )],
        "quantised with MLX",
        "made from",
    ),
    (
        &[(
            "config.json",
            r#"{"model_type": "bitnet", "quantization_config": {"quant_method": "bitnet"}}"#,
        )],
        "is a BitNet model",
        "",
    ),
    (
        &[(
            "config.json",
            r#"{"model_type": "llama", "quantization_config": {"quant_method": "bitnet"}}"#,
        )],
        "is a BitNet model",
        "",
    ),
    (
        &[(
            "config.json",
            r#"{"model_type": "llama", "architectures": ["BitnetForCausalLM"], "weight_bits": 1}"#,
        )],
        "is a BitNet model",
        "",
    ),
];

/// Repositories that hold no weights which plae reads, as in [`UNSUPPORTED`].
const WITHOUT_WEIGHTS: &[Unsupported] = &[
    (
        &[
            (
                "adapter_config.json",
                r#"{"base_model_name_or_path": "google/gemma-2-2b", "peft_type": "LORA"}"#,
            ),
            ("adapter_model.safetensors", "weights"),
            ("tokenizer.json", "{}"),
        ],
        "is an adapter (LoRA) for google/gemma-2-2b",
        "take google/gemma-2-2b itself",
    ),
    (
        &[
            ("adapter_config.json", "{}"),
            ("adapter_model.bin", "weights"),
            ("config.json", r#"{"model_type": "llama"}"#),
        ],
        "is an adapter (LoRA), not a whole model",
        "merge",
    ),
    (
        &[
            (
                "adapter_config.json",
                r#"{"model": "Qwen/Qwen3-0.6B", "lora_layers": 16}"#,
            ),
            ("adapters.safetensors", "weights"),
        ],
        "is an adapter (LoRA) for Qwen/Qwen3-0.6B",
        "merge",
    ),
    (
        &[
            ("config.json", r#"{"model_type": "marian"}"#),
            ("flax_model.msgpack", "weights"),
        ],
        "for Flax only (flax_model.msgpack)",
        "from_flax=True",
    ),
    (
        &[
            ("config.json", r#"{"model_type": "marian"}"#),
            ("tf_model.h5", "weights"),
        ],
        "for TensorFlow only",
        "from_tf=True",
    ),
    (
        &[
            ("config.json", r#"{"model_type": "m2m_100"}"#),
            ("onnx/encoder_model.onnx", "weights"),
        ],
        "for ONNX only (onnx/encoder_model.onnx)",
        "safetensors",
    ),
    (
        &[
            ("config.json", r#"{"add_source_bos": false}"#),
            ("model.bin", "weights"),
            ("shared_vocabulary.json", "[]"),
        ],
        "for CTranslate2, but no tokenizer",
        "converted from",
    ),
    (&[("README.md", "a dataset")], "no weights", ""),
];

/// A model that plae cannot load is recognised by the list of files and the small files alone: no weights are fetched,
/// and nothing is left in the cache. A directory with the same files is refused in the same words.
#[test]
fn what_cannot_be_loaded_is_named_before_any_download() {
    let quantised = UNSUPPORTED.iter().map(|case| (case, true));
    for ((files, message, hint), weights) in quantised.chain(WITHOUT_WEIGHTS.iter().map(|case| (case, false))) {
        let mut files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        if weights {
            files.extend([("model.safetensors", &b"weights"[..]), ("tokenizer.json", b"{}")]);
        }
        let hub = FakeHub::start(&files);
        let mut place = CatalogFixture::new(&hub.address);
        let error = place.locate("org/tiny").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Model);
        assert!(error.to_string().starts_with("org/tiny: "), "{error}");
        let local = place.directory.path().join("local");
        for (name, content) in &files {
            let path = local.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let on_disk = place.locate(local.to_str().unwrap()).unwrap_err();
        assert_eq!(on_disk.path.as_ref(), Some(&local));
        for error in [&error, &on_disk] {
            assert!(error.message.contains(message), "{message}: {error}");
            let found = error.hint.as_ref().map(ToString::to_string).unwrap_or_default();
            assert!(found.contains(hint) && !found.is_empty(), "{message}: {found}");
        }
        let log = hub.log();
        let read = fetched(&log);
        assert!(
            read.iter()
                .all(|name| ["config.json", "adapter_config.json"].contains(name)),
            "{read:?}"
        );
        assert!(!log.iter().any(|line| line.starts_with("HEAD")));
        assert!(!place.settings.hub_cache.exists());
        // A cache that another tool filled is no other.
        place.write_cache(&files);
        place.settings.offline = true;
        let cached = place.locate("org/tiny").unwrap_err();
        assert!(cached.message.contains(message), "{message}: {cached}");
    }
}

/// The Hub's page of a quantised repository names the model that it was made from.
#[test]
fn the_model_that_a_quantised_one_was_made_from_is_named() {
    for base in [r#""Qwen/Qwen3-8B""#, r#"["Qwen/Qwen3-8B"]"#] {
        let (files, ..) = UNSUPPORTED[0];
        let hub = FakeHub::start(&[(files[0].0, files[0].1.as_bytes()), ("model.safetensors", b"weights")]);
        hub.set(|state| state.description = format!(",\"cardData\":{{\"base_model\":{base}}}"));
        let error = CatalogFixture::new(&hub.address).locate("org/tiny").unwrap_err();
        assert!(error.hint.unwrap().to_string().starts_with("take Qwen/Qwen3-8B, "));
    }
    // Where the repository has GGUF files too, they are taken.
    let (files, ..) = UNSUPPORTED[0];
    let content = gguf_content();
    let hub = FakeHub::start(&[
        (files[0].0, files[0].1.as_bytes()),
        ("model.safetensors", b"weights"),
        ("tiny.gguf", &content),
    ]);
    let mut place = CatalogFixture::new(&hub.address);
    assert!(place.locate("org/tiny").unwrap().path.ends_with("tiny.gguf"));
}

/// `quantization_config` may be there and say nothing, and an adapter's settings may lie beside the merged model.
#[test]
fn a_model_that_is_not_quantised_is_taken() {
    for config in [
        r#"{"model_type": "qwen3", "quantization_config": null}"#,
        r#"{"model_type": "qwen3", "quantization_config": {}}"#,
        r#"{"model_type": "qwen3", "quantization_config": {"quant_method": "none"}}"#,
    ] {
        let files: [(&str, &[u8]); 4] = [
            ("config.json", config.as_bytes()),
            ("tokenizer.json", b"{}"),
            ("model.safetensors", b"weights"),
            ("adapter_config.json", b"{}"),
        ];
        let hub = FakeHub::start(&files);
        CatalogFixture::new(&hub.address).locate("org/tiny").unwrap();
    }
}

/// A clone without Git LFS has pointers in place of large files: they are named, each with its path, whichever file of
/// the model is one, and whether it lies in a directory or comes from a mirror that keeps no large files.
#[test]
fn git_lfs_pointers_are_named() {
    const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";
    for name in ["model.safetensors", "tokenizer.json", "config.json"] {
        let mut place = CatalogFixture::new(&refusing_address());
        let local = place.directory.path().join("local");
        std::fs::create_dir(&local).unwrap();
        for (other, content) in CHAT_MODEL {
            std::fs::write(local.join(other), if other == name { POINTER } else { content }).unwrap();
        }
        // What the loader does not read may be a pointer.
        std::fs::write(local.join("pytorch_model.bin"), POINTER).unwrap();
        let error = place.locate(local.to_str().unwrap()).unwrap_err();
        assert!(error.message.contains("Git LFS pointer"), "{error}");
        assert_eq!(error.path, Some(local.join(name)));
        assert!(error.hint.unwrap().to_string().contains("git lfs pull"));
        std::fs::write(
            local.join(name),
            CHAT_MODEL.iter().find(|(other, _)| *other == name).unwrap().1,
        )
        .unwrap();
        place.locate(local.to_str().unwrap()).unwrap();
        let gguf = local.join("x.gguf");
        std::fs::write(&gguf, POINTER).unwrap();
        let error = place.locate(gguf.to_str().unwrap()).unwrap_err();
        assert!(error.message.contains("Git LFS pointer"), "{error}");
    }
    let mut files = CHAT_MODEL;
    files[5].1 = POINTER;
    let mut place = CatalogFixture::new(&refusing_address());
    place.settings.offline = true;
    place.write_cache(&files);
    let error = place.locate("org/tiny").unwrap_err();
    assert!(error.message.contains("Git LFS pointer"), "{error}");
    let hub = FakeHub::start(&files);
    let mut place = CatalogFixture::new(&hub.address);
    let error = place.locate("org/tiny").unwrap_err();
    assert!(
        error.message.contains("model.safetensors: is a Git LFS pointer"),
        "{error}"
    );
}

/// hf-hub#163, hf-hub#176, huggingface_hub#4637: mirrors redirect every request, with whole addresses, to another path of their own or to
/// another Hub. The token stays with the host that it was given for.
#[test]
fn mirrors_redirect_to_themselves_and_to_another_hub() {
    for own in [true, false] {
        let hub = FakeHub::start(&CHAT_MODEL);
        let mirror = if own { None } else { Some(FakeHub::start(&[])) };
        let asked = mirror.as_ref().unwrap_or(&hub);
        asked.set(|state| {
            state.redirect_all = Some(if own {
                format!("{}/real", asked.address)
            } else {
                hub.address.clone()
            });
        });
        let mut place = CatalogFixture::new(&asked.address);
        place.settings.token = Some(AccessToken("hf_x".into()));
        let located = place.locate("org/tiny").unwrap();
        for (name, content) in CHAT_MODEL {
            assert_eq!(std::fs::read(located.path.join(name)).unwrap(), content);
        }
        let log = asked.log();
        assert!(log.iter().all(|line| line.ends_with("Bearer hf_x")), "{log:?}");
        if !own {
            let log = hub.log();
            assert!(
                !log.is_empty() && log.iter().all(|line| !line.contains("Bearer")),
                "{log:?}"
            );
        }
    }
    let (hub, mirror) = (FakeHub::start(&CHAT_MODEL), FakeHub::start(&[]));
    hub.set(|state| state.refusal = Some((401, "GatedRepo")));
    mirror.set(|state| state.redirect_all = Some(hub.address.clone()));
    let mut place = CatalogFixture::new(&mirror.address);
    place.settings.token = Some(AccessToken("hf_x".into()));
    let error = place.locate("org/tiny").unwrap_err();
    assert!(error.message.contains("is gated"), "{error}");
    let hint = error.hint.unwrap().to_string();
    assert!(hint.contains(&format!("set HF_ENDPOINT to {}", hub.address)), "{hint}");

    let hub = FakeHub::start(&CHAT_MODEL);
    hub.set(|state| state.redirect_all = Some(hub.address.clone()));
    let error = CatalogFixture::new(&hub.address).locate("org/tiny").unwrap_err();
    assert!(error.message.contains("redirects without end"), "{error}");
    assert!(hub.log().len() < 20);
    hub.set(|state| state.redirect_all = Some("ftp://127.0.0.1".into()));
    let error = CatalogFixture::new(&hub.address).locate("org/tiny").unwrap_err();
    assert!(error.message.contains("redirects to no address"), "{error}");
}

/// hf-mirror-site#31: a mirror that tells a file's length only where it sends the file is asked for the file.
#[test]
fn a_mirror_may_tell_a_length_only_with_the_file() {
    let (hub, mut place, content) = tiny_hub();
    hub.set(|state| state.silent_heads = true);
    assert_eq!(std::fs::read(place.locate("tiny").unwrap().path).unwrap(), content);
}

/// Another port of the Hub's host is another server: the token is not for it.
#[test]
fn a_token_is_not_sent_to_another_port() {
    let (hub, mut place, content) = tiny_hub();
    let other = FakeHub::start(&[("tiny.gguf", &content)]);
    hub.set(|state| state.elsewhere = Some(other.address.clone()));
    place.settings.token = Some(AccessToken("hf_x".into()));
    place.locate("tiny").unwrap();
    assert_eq!(other.log(), [format!("GET /org/tiny/resolve/{COMMIT}/tiny.gguf")]);
    assert!(hub.log().iter().all(|line| line.ends_with("Bearer hf_x")));
}

/// A password in the Hub's address is sent to it, and shown to nobody.
#[test]
fn a_password_in_the_endpoint_is_sent_and_never_shown() {
    let (hub, mut place, _) = tiny_hub();
    let address = hub.address.replace("http://", "http://me:secret@");
    let from = |address: &str| Settings::from_vars(|name| (name == "HF_ENDPOINT").then(|| address.into()));
    let given = from(&address);
    (place.settings.endpoint, place.settings.login) = (given.endpoint, given.login);
    place.settings.token = Some(AccessToken("hf_x".into()));
    place.locate("tiny").unwrap();
    // `me:secret` in base 64.
    assert!(hub.log().iter().all(|line| line.ends_with("Basic bWU6c2VjcmV0")));
    for notice in &place.notices {
        assert!(!notice.to_string().contains("secret"), "{notice}");
    }
    place.settings.hub_cache = place.directory.path().join("other");
    place.settings.retries = 0;
    let refusing = refusing_address().replace("http://", "http://me:secret@");
    for address in [
        refusing.as_str(),
        "http://me:secret@no such host",
        "me:secret@host",
        "http://me:secret@hub.invalid",
    ] {
        let given = from(address);
        (place.settings.endpoint, place.settings.login) = (given.endpoint, given.login);
        let error = place.locate("tiny").unwrap_err();
        let mut all = format!("{error} {:?} {error:?} {:?}", error.hint, place.settings);
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            all += &error.to_string();
            source = error.source();
        }
        assert!(!all.contains("secret"), "{all}");
    }
    for status in [401, 403, 404, 500, 418] {
        let (hub, mut place, _) = tiny_hub();
        let given = from(&hub.address.replace("http://", "http://me:secret@"));
        (place.settings.endpoint, place.settings.login) = (given.endpoint, given.login);
        hub.set(|state| state.refusal = Some((status, "")));
        let error = place.locate("tiny").unwrap_err();
        assert!(!format!("{error} {:?}", error.hint).contains("secret"));
    }
}

/// A server that says how long to wait (`Retry-After`, in seconds or as a date) is asked again only then; one that wants
/// a wait beyond reason is not waited for.
#[test]
fn a_server_is_asked_again_when_it_says() {
    let waits = |retry_after: String| {
        let (hub, mut place, _) = tiny_hub();
        hub.set(|state| (state.troubles, state.retry_after) = (1, Some(retry_after)));
        let located = place.locate("tiny");
        let waits = place.notices.iter().filter_map(|notice| match notice {
            Notice::Retrying { wait, .. } => Some(*wait),
            _ => None,
        });
        (located, waits.collect::<Vec<_>>())
    };
    let (located, waited) = waits("1".into());
    assert!(located.is_ok() && waited == [Duration::from_secs(1)], "{waited:?}");
    let soon = jiff::Timestamp::now() + Duration::from_secs(3);
    let date = jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&soon)
        .unwrap();
    let (located, waited) = waits(date);
    assert!(located.is_ok() && waited.len() == 1, "{waited:?}");
    assert!(
        waited[0] > Duration::from_secs(1) && waited[0] <= Duration::from_secs(3),
        "{waited:?}"
    );
    for past in ["Wed, 21 Oct 2015 07:28:00 GMT", "soon", "-5", ""] {
        let (located, waited) = waits(past.into());
        assert!(
            located.is_ok() && waited == [Duration::from_millis(1)],
            "{past}: {waited:?}"
        );
    }
    for long in ["86400", "18446744073709551615"] {
        let (located, waited) = waits(long.into());
        let error = located.unwrap_err();
        assert_eq!((error.kind, waited), (ErrorKind::Network, vec![]));
        assert!(error.hint.unwrap().to_string().contains(long));
    }
}

/// A small file has Git's hash only, and is checked by it, when it is fetched and when it is verified.
#[test]
fn small_files_are_checked_by_gits_hash() {
    let hub = FakeHub::start(&CHAT_MODEL);
    let mut place = CatalogFixture::new(&hub.address);
    place.locate("org/tiny").unwrap();
    let verdicts = |place: &CatalogFixture| {
        let checks = verify_model("org/tiny", &place.settings, &mut |_| {}).unwrap();
        checks.into_iter().map(|check| check.verdict).collect::<Vec<_>>()
    };
    assert_eq!(verdicts(&place), vec![HashVerdict::Good; 6]);
    std::fs::write(
        place.repo_directory().join("blobs").join(git_hash(CHAT_MODEL[1].1)),
        "[]",
    )
    .unwrap();
    assert!(matches!(&verdicts(&place)[1], HashVerdict::Bad { expected, .. } if *expected == git_hash(b"{}")));

    let hub = FakeHub::start(&CHAT_MODEL);
    let mut place = CatalogFixture::new(&hub.address);
    place.settings.retries = 0;
    // The first answer about config.json is read for its architecture, the second is the one that is kept.
    hub.set(|state| {
        state
            .files
            .insert("config.json".into(), br#"{"model_type": "qwen3" }"#.to_vec());
        state.etag = Some("0123456789012345678901234567890123456789");
    });
    let error = place.locate("org/tiny").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Model);
    assert!(error.message.contains("wrong hash: git hash"), "{error}");
    assert!(place.blob_names().is_empty());
}

/// A cache that is whole is a success for `models pull`, and is not written to: it may be shared and read-only.
#[test]
fn a_whole_cache_is_not_written_to() {
    let hub = FakeHub::start(&CHAT_MODEL);
    let mut place = CatalogFixture::new(&hub.address);
    let located = place.locate("org/tiny").unwrap();
    let before = place.list_cache();
    assert_eq!(
        pull_model("org/tiny", &place.settings, &mut |_| {}).unwrap().path,
        located.path
    );
    place.locate("org/tiny").unwrap();
    assert_eq!(place.list_cache(), before);
    // Neither is a copy of a cache, which has files in place of links and no blobs.
    let copy = CatalogFixture::new(&hub.address);
    copy.write_cached_chat_model(&[]);
    let marks = copy.repo_directory().join(".no_exist").join(COMMIT);
    std::fs::create_dir_all(&marks).unwrap();
    let before = copy.list_cache();
    hub.log();
    pull_model("org/tiny", &copy.settings, &mut |_| {}).unwrap();
    assert_eq!(copy.list_cache(), before);
    assert_eq!(
        fetched(&hub.log()),
        ["config.json", "tokenizer_config.json"],
        "only to look"
    );
    // If the Hub cannot be asked for a newer one, the model is still there.
    place.settings.endpoint = refusing_address();
    place.settings.retries = 0;
    let mut told = Vec::new();
    pull_model("org/tiny", &place.settings, &mut |notice| told.push(notice)).unwrap();
    assert!(matches!(&told[..], [Notice::Unreachable { .. }]), "{told:?}");
}
