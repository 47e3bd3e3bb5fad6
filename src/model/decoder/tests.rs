//! Compares models of tiny random weights, of each architecture, with transformers; tests batches, prefixes, windows
//! and damaged files on a Gemma 3.

use super::*;
use crate::model::DecodingState;
use crate::model::weights::gguf::GgufFile;
use crate::model::weights::published_configs::read_published_configs;
use candle_core::Tensor;
use serde_json::json;
use std::path::Path;

/// Path of a tiny Gemma 3 GGUF file with random weights, made by `tests/golden/gemma3.py`.
pub const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/tiny-gemma3.gguf");
/// The results of transformers for the model at [`TINY`], as JSON, made by `tests/golden/gemma3.py`.
const GOLDEN: &str = include_str!("../../../tests/golden/tiny-gemma3.json");
/// Number of positions in the sliding window of the model at [`TINY`].
const WINDOW_TOKENS: u32 = 6;

fn gemma3(activations: ActivationPrecision) -> Box<dyn TranslationModel> {
    let gguf = GgufFile::open(Path::new(TINY)).expect("the tiny model");
    load_from_gguf(&gguf, OutputTokenIds::default(), activations).expect("the tiny model")
}

/// The results of transformers for one text.
#[derive(serde::Deserialize)]
struct Golden {
    ids: Vec<u32>,
    /// The logits at the text's last position.
    logits: Vec<f32>,
    /// The token ids that greedy search writes after the text; the end token is forbidden.
    greedy: Vec<u32>,
}

fn argmax(logits: &[f32]) -> u32 {
    let best = (1..logits.len()).fold(
        0,
        |best, id| if logits[id] > logits[best] && id != 1 { id } else { best },
    );
    best as u32
}

#[test]
fn logits_and_greedy_ids_are_those_of_transformers() {
    let model = gemma3(ActivationPrecision::F32);
    let texts: Vec<Golden> = serde_json::from_str(GOLDEN).expect("golden JSON");
    for text in &texts {
        let (mut state, mut logits) = model.begin_decoding(&[], &[&text.ids]).expect("begin");
        for (id, (got, expected)) in logit_rows(&logits)[0].iter().zip(&text.logits).enumerate() {
            assert!(
                (got - expected).abs() < 1e-3,
                "{} tokens, id {id}: {got} for {expected}",
                text.ids.len()
            );
        }
        for (step, expected) in text.greedy.iter().enumerate() {
            let got = argmax(&logit_rows(&logits)[0]);
            assert_eq!(got, *expected, "{} tokens, step {step}", text.ids.len());
            logits = model.decode_step(&[got], &mut state).expect("step");
        }
    }
}

#[test]
fn rounded_activations_stay_close() {
    let (exact, rounded) = (gemma3(ActivationPrecision::F32), gemma3(ActivationPrecision::Int8));
    let (_, exact) = exact.begin_decoding(&[], &SOURCES).expect("begin");
    let (_, rounded) = rounded.begin_decoding(&[], &SOURCES).expect("begin");
    for (exact, rounded) in logit_rows(&exact).iter().zip(&logit_rows(&rounded)) {
        let error: f32 = exact.iter().zip(rounded).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
        let size: f32 = exact.iter().map(|a| a.powi(2)).sum::<f32>();
        assert!(error < 0.01 * size, "{error} of {size}");
    }
}

const SOURCES: [&[u32]; 4] = [
    &[2, 262, 263, 264],
    &[2, 270],
    &[2, 264, 265, 266, 267, 268, 269, 270, 271, 272, 273],
    &[7],
];

fn logit_rows(logits: &Tensor) -> Vec<Vec<f32>> {
    logits.to_vec2().expect("logits (rows, vocabulary)")
}

/// Computes the logits of three decoding steps; each row is given other tokens.
fn run_model(
    model: &dyn TranslationModel,
    prefixes: &[Option<&DecodingState>],
    sources: &[&[u32]],
) -> Vec<Vec<Vec<f32>>> {
    let (mut state, logits) = model.begin_decoding(prefixes, sources).expect("begin");
    let mut all = vec![logit_rows(&logits)];
    for step in 0..2 {
        let last: Vec<u32> = sources.iter().map(|source| source[0] + 260 + step).collect();
        all.push(logit_rows(&model.decode_step(&last, &mut state).expect("step")));
    }
    all
}

#[test]
fn a_row_is_the_same_bit_for_bit_alone_batched_and_in_another_order() {
    for activations in [ActivationPrecision::Int8, ActivationPrecision::F32] {
        alone_batched_and_reversed(&*gemma3(activations));
    }
}

#[test]
fn allowed_logits_are_a_choice_of_the_full_ones_from_a_file_and_a_checkpoint() {
    for activations in [ActivationPrecision::Int8, ActivationPrecision::F32] {
        let full = run_model(&*gemma3(activations), &[], &SOURCES);
        let ids = vec![40, 8, 21, u32::MAX];
        let gguf = GgufFile::open(Path::new(TINY)).expect("the tiny model");
        let model = load_from_gguf(
            &gguf,
            OutputTokenIds {
                end: vec![1],
                allowed: Some(ids.clone()),
                ..OutputTokenIds::default()
            },
            activations,
        )
        .expect("the tiny model");
        assert_is_choice(&*model, &full, &SOURCES);
        let sources: [&[u32]; 2] = [&[2, 12, 14], &[7, 9]];
        let full = run_model(&*checkpoint("gemma3", None, activations), &[], &sources);
        assert_is_choice(&*checkpoint("gemma3", Some(ids), activations), &full, &sources);
    }
}

/// Asserts that the logits of a model with a restricted output equal those of the full model, `full`, in the allowed
/// columns.
fn assert_is_choice(model: &dyn TranslationModel, full: &[Vec<Vec<f32>>], sources: &[&[u32]]) {
    let kept = model.spec().output.clone().expect("ids");
    assert!(kept.contains(&8) && kept.is_sorted() && kept.len() < 10);
    let chosen = |row: &Vec<f32>| kept.iter().map(|id| row[*id as usize]).collect();
    let chosen: Vec<Vec<Vec<f32>>> = full.iter().map(|step| step.iter().map(chosen).collect()).collect();
    assert_eq!(chosen, run_model(model, &[], sources));
}

/// Loads a checkpoint of `tests/golden/decoder`, with the output restricted to `allowed`, if given.
fn checkpoint(name: &str, allowed: Option<Vec<u32>>, activations: ActivationPrecision) -> Box<dyn TranslationModel> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/decoder")
        .join(name);
    let config = std::fs::read(directory.join("config.json")).expect("a configuration");
    let config: Value = serde_json::from_slice(&config).expect("a configuration");
    let name = config["model_type"].as_str().expect("a name");
    let architecture = Architecture::from_model_type(name).expect("an architecture");
    let ids = OutputTokenIds {
        allowed,
        ..OutputTokenIds::default()
    };
    load_from_directory(&directory, architecture, &config, ids, activations).expect(name)
}

fn alone_batched_and_reversed(model: &dyn TranslationModel) {
    let together = run_model(model, &[], &SOURCES);
    let reversed: Vec<&[u32]> = SOURCES.iter().rev().copied().collect();
    let backwards = run_model(model, &[], &reversed);
    for (index, source) in SOURCES.iter().enumerate() {
        let alone = run_model(model, &[], &[source]);
        for step in 0..3 {
            assert_eq!(together[step][index], alone[step][0], "row {index}, step {step}");
            assert_eq!(
                backwards[step][3 - index],
                alone[step][0],
                "row {index}, step {step}, reversed"
            );
        }
    }
}

#[test]
fn shared_prefixes_change_nothing() {
    let model = gemma3(ActivationPrecision::Int8);
    // One prefix is longer than the window, so that the window spans the prefix's end and the row's own tokens.
    let prefixes = [WINDOW_TOKENS + 3, 2].map(|len| (0..len).map(|i| 262 + i % 9).collect::<Vec<_>>());
    let states = prefixes
        .each_ref()
        .map(|prefix| model.begin_decoding(&[], &[prefix]).expect("a prefix").0);
    let shared = [Some(&states[0]), None, Some(&states[1]), Some(&states[0])];
    let first = run_model(&*model, &shared, &SOURCES);
    let again = run_model(&*model, &shared, &SOURCES);
    assert_eq!(first, again, "a prefix was changed by its use");
    for (index, source) in SOURCES.iter().enumerate() {
        let prefix = [Some(0), None, Some(1), Some(0)][index].map_or(&[][..], |it: usize| &prefixes[it]);
        let whole = [prefix, source].concat();
        let (mut state, logits) = model.begin_decoding(&[], &[&whole]).expect("begin");
        assert_eq!(logit_rows(&logits)[0], first[0][index]);
        let last = source[0] + 260;
        assert_eq!(
            logit_rows(&model.decode_step(&[last], &mut state).expect("step"))[0],
            first[1][index]
        );
    }
    let rows = model.begin_decoding(&shared, &SOURCES).expect("rows").0;
    assert!(model.begin_decoding(&shared[..3], &SOURCES).is_err());
    assert!(model.begin_decoding(&[Some(&rows); 4], &SOURCES).is_err());
}

#[test]
fn reading_at_once_equals_reading_step_by_step() {
    let model = gemma3(ActivationPrecision::Int8);
    let source: Vec<u32> = (0..3 * WINDOW_TOKENS).map(|i| 262 + (i * 5) % 16).collect();
    let (_, whole) = model.begin_decoding(&[], &[&source]).expect("begin");
    let (mut state, mut logits) = model.begin_decoding(&[], &[&source[..1]]).expect("begin");
    for id in &source[1..] {
        logits = model.decode_step(&[*id], &mut state).expect("step");
    }
    assert_eq!(logit_rows(&whole), logit_rows(&logits));
}

#[test]
fn rows_can_be_reordered_repeated_and_dropped() {
    let model = gemma3(ActivationPrecision::Int8);
    let (mut state, _) = model.begin_decoding(&[], &SOURCES).expect("begin");
    state.select_rows(&[2, 0, 2]);
    let after = logit_rows(&model.decode_step(&[263, 264, 263], &mut state).expect("step"));
    for (index, (source, last)) in [(2, 263), (0, 264), (2, 263)].into_iter().enumerate() {
        let (mut state, _) = model.begin_decoding(&[], &[SOURCES[source]]).expect("begin");
        assert_eq!(
            after[index],
            logit_rows(&model.decode_step(&[last], &mut state).expect("step"))[0]
        );
    }
}

#[test]
fn what_cannot_be_computed_is_an_error() {
    let model = gemma3(ActivationPrecision::Int8);
    let long = vec![262; 401];
    for sources in [&[&[][..]][..], &[&[99_999][..]], &[&long[..]]] {
        assert_eq!(
            model.begin_decoding(&[], sources).err().map(|e| e.kind),
            Some(crate::error::ErrorKind::Model)
        );
    }
    let (mut state, _) = model.begin_decoding(&[], &SOURCES).expect("begin");
    assert!(model.decode_step(&[1], &mut state).is_err(), "one token for four rows");
}

#[test]
fn a_file_cut_anywhere_is_refused_without_a_panic() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cut.gguf");
    let bytes = std::fs::read(TINY).expect("the file");
    for part in 0..60 {
        let cut = bytes.len() * part / 60;
        std::fs::write(&path, &bytes[..cut]).expect("a file");
        let result = GgufFile::open(&path)
            .and_then(|gguf| load_from_gguf(&gguf, OutputTokenIds::default(), ActivationPrecision::Int8).map(drop));
        let error = result.expect_err("a cut file");
        assert_eq!(error.path.as_deref(), Some(path.as_path()), "cut at {cut}");
    }
}

/// The results of transformers for one checkpoint, written by `tests/golden/decoder.py`.
#[derive(serde::Deserialize)]
struct Checkpoint {
    max_tokens: usize,
    lines: Vec<GoldenLine>,
}

#[derive(serde::Deserialize)]
struct GoldenLine {
    source_ids: Vec<u32>,
    greedy: Vec<u32>,
    /// The smallest difference between the two best logits at any step of the greedy search.
    greedy_margin: f32,
}

/// Reads the expected results for a checkpoint: the lines that fit into `positions` together with their output, and
/// the ids that end an output. Longer lines are left out: transformers goes on beyond a model's positions, where plae
/// divides the text.
fn read_golden(directory: &Path, name: &str, positions: usize) -> (Checkpoint, Vec<u32>) {
    let read = |path: &Path| std::fs::read(path).expect("a golden file");
    let mut golden: Checkpoint =
        serde_json::from_slice(&read(&directory.join(format!("{name}.json")))).expect("golden JSON");
    let most = golden.max_tokens;
    golden.lines.retain(|line| line.source_ids.len() + most <= positions);
    assert!(golden.lines.len() > 20, "{name}: only {} lines", golden.lines.len());
    let file = directory.join(name).join("generation_config.json");
    let generation: Value = serde_json::from_slice(&read(&file)).expect("a configuration");
    let end = match &generation["eos_token_id"] {
        Value::Array(ids) => ids.iter().filter_map(Value::as_u64).map(|id| id as u32).collect(),
        id => vec![id.as_u64().expect("an end id") as u32],
    };
    (golden, end)
}

/// Two logits that differ by less than this may change their order if sums are computed in another order.
const NEAR_TIE: f32 = 1e-3;

/// Runs greedy search for at most `most` steps; gives the ids of each row, up to the first end id and without it.
fn decode_greedily(model: &dyn TranslationModel, sources: &[&[u32]], most: usize, end: &[u32]) -> Vec<Vec<u32>> {
    let mut written = vec![Vec::new(); sources.len()];
    let mut ended = vec![false; sources.len()];
    let (mut state, mut logits) = model.begin_decoding(&[], sources).expect("begin");
    for _ in 0..most {
        let best: Vec<u32> = logit_rows(&logits)
            .iter()
            .map(|row| (1..row.len()).fold(0, |best, id| if row[id] > row[best] { id } else { best }) as u32)
            .collect();
        for (row, id) in best.iter().enumerate() {
            ended[row] |= end.contains(id);
            if !ended[row] {
                written[row].push(*id);
            }
        }
        logits = model.decode_step(&best, &mut state).expect("step");
    }
    written
}

#[test]
fn greedy_ids_of_every_architecture_are_those_of_transformers() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/decoder");
    for name in [
        "gemma2",
        "gemma3",
        "gemma3-multimodal",
        "hunyuan",
        "llama",
        "mistral",
        "qwen3",
        "qwen3-yarn",
    ] {
        let model = checkpoint(name, None, ActivationPrecision::F32);
        let (golden, end) = read_golden(&directory, name, model.spec().max_positions);
        let sources: Vec<&[u32]> = golden.lines.iter().map(|line| &line.source_ids[..]).collect();
        let together = decode_greedily(&*model, &sources, golden.max_tokens, &end);
        let mut same = 0;
        for (index, (got, line)) in together.iter().zip(&golden.lines).enumerate() {
            same += usize::from(*got == line.greedy);
            assert!(
                *got == line.greedy || line.greedy_margin < NEAR_TIE,
                "{name}, line {index}: {got:?} for {:?}, margin {}",
                line.greedy,
                line.greedy_margin
            );
        }
        assert!(same * 10 >= golden.lines.len() * 9, "{name}: {same} lines");
        for index in [0, 7, 20] {
            let alone = decode_greedily(&*model, &[sources[index]], golden.max_tokens, &end);
            assert_eq!(alone[0], together[index], "{name}, line {index} alone");
        }
    }
}

#[test]
fn a_gguf_file_gives_what_its_checkpoint_gives() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/decoder");
    for name in ["gemma3", "hunyuan", "llama", "qwen3"] {
        let gguf = GgufFile::open(&directory.join(format!("{name}.gguf"))).expect("a file");
        let model = load_from_gguf(&gguf, OutputTokenIds::default(), ActivationPrecision::F32).expect(name);
        let (golden, end) = read_golden(&directory, name, model.spec().max_positions);
        let sources: Vec<&[u32]> = golden.lines.iter().map(|line| &line.source_ids[..]).collect();
        for (index, (got, line)) in decode_greedily(&*model, &sources, golden.max_tokens, &end)
            .iter()
            .zip(&golden.lines)
            .enumerate()
        {
            assert!(
                *got == line.greedy || line.greedy_margin < NEAR_TIE,
                "{name}, line {index}: {got:?} for {:?}, margin {}",
                line.greedy,
                line.greedy_margin
            );
        }
    }
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a golden file")).expect("JSON")
}

/// Loads the weights of a checkpoint of `tests/golden/decoder` by another `config.json`.
fn load_with_config(name: &str, config: &Value) -> Result<Box<dyn TranslationModel>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/decoder")
        .join(name);
    let architecture = config["model_type"].as_str().and_then(Architecture::from_model_type);
    let architecture = architecture.expect("an architecture");
    let ids = OutputTokenIds::default();
    load_from_directory(&directory, architecture, config, ids, ActivationPrecision::F32)
}

/// The configuration of a checkpoint of `tests/golden/decoder` as transformers 5 saves it.
fn config_of_transformers_5(name: &str) -> Value {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/transformers5");
    read_json(&directory.join(name).join("config.json"))
}

/// `rope_parameters` flat and by layer type, `dtype`, `layer_types` (vllm#42624, sglang#14745).
#[test]
fn configurations_of_transformers_5_give_the_same_logits() {
    // Longer than the windows.
    let source: Vec<u32> = (0..20).map(|index| 20 + 7 * index).collect();
    for name in [
        "gemma2",
        "gemma3",
        "gemma3-multimodal",
        "hunyuan",
        "llama",
        "mistral",
        "qwen3",
        "qwen3-yarn",
    ] {
        let config = config_of_transformers_5(name);
        let text = config.get("text_config").unwrap_or(&config);
        assert!(
            text["rope_parameters"].is_object() && text.get("rope_theta").is_none(),
            "{name}"
        );
        let expected = checkpoint(name, None, ActivationPrecision::F32);
        let found = load_with_config(name, &config).expect(name);
        let logits = |model: &dyn TranslationModel| {
            logit_rows(&model.begin_decoding(&[], &[&source, &source[..5]]).expect("begin").1)
        };
        assert_eq!(logits(&*found), logits(&*expected), "{name}");
    }
}

/// Another setting of a checkpoint's weights, and what transformers 5 makes of it.
#[derive(serde::Deserialize)]
struct ConfigVariant {
    checkpoint: String,
    config: Value,
    max_tokens: usize,
    lines: Vec<GoldenLine>,
}

/// Bases, linear scaling and YaRN by `rope_parameters`, layers by `layer_types`, windows, an output projection that
/// `tie_word_embeddings` denies; written by `tests/golden/transformers5.py`.
#[test]
fn other_settings_give_the_ids_of_transformers_5() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let variants = read_json(&golden.join("transformers5/variants.json"));
    let variants: std::collections::BTreeMap<String, ConfigVariant> =
        serde_json::from_value(variants).expect("golden JSON");
    assert!(variants.len() >= 10);
    for (name, variant) in variants {
        let model = load_with_config(&variant.checkpoint, &variant.config).expect(&name);
        let (_, end) = read_golden(&golden.join("decoder"), &variant.checkpoint, model.spec().max_positions);
        let room = model.spec().max_positions - variant.max_tokens;
        let lines: Vec<_> = variant
            .lines
            .iter()
            .filter(|line| line.source_ids.len() < room)
            .collect();
        let sources: Vec<&[u32]> = lines.iter().map(|line| &line.source_ids[..]).collect();
        let found = decode_greedily(&*model, &sources, variant.max_tokens, &end);
        for (found, line) in found.iter().zip(&lines) {
            let message = || format!("{name}: {found:?} for {:?}, margin {}", line.greedy, line.greedy_margin);
            assert!(*found == line.greedy || line.greedy_margin < NEAR_TIE, "{}", message());
        }
    }
}

/// Sets a key of an object in JSON, given by the names on the way to it.
fn with_value(config: &Value, path: &str, value: Value) -> Value {
    let mut config = config.clone();
    match path.rsplit_once('.') {
        None => config[path] = value,
        Some((object, key)) => {
            let pointer = format!("/{}", object.replace('.', "/"));
            config.pointer_mut(&pointer).expect("an object")[key] = value;
        }
    }
    config
}

#[test]
fn a_key_that_may_change_the_output_and_is_not_known_is_refused_by_name() {
    for (name, key, value) in [
        ("llama", "attention_multiplier", json!(0.5)),
        ("llama", "logit_scale", json!(0.25)),
        ("llama", "partial_rotary_factor", json!(0.5)),
        ("llama", "use_bidirectional_attention", json!(true)),
        ("llama", "per_layer_config", json!({"0": {"sliding_window": 4}})),
        ("llama", "quantization_config", json!({"quant_method": "awq"})),
        ("llama", "final_logit_softcapping", json!(30.0)),
        ("llama", "a_key_of_tomorrow", json!(false)),
        ("llama", "original_max_position_embeddings", json!(64)),
        ("llama", "rope_parameters.partial_rotary_factor", json!(0.25)),
        ("llama", "rope_parameters.rope_type", json!("longrope")),
        ("llama", "rope_parameters.mrope_section", json!([2, 3, 3])),
        ("llama", "rope_parameters.alpha", json!(1000.0)),
        ("llama", "rope_parameters.factor", json!(-8.0)),
        ("llama", "rope_parameters.factor", json!(1e300)),
        ("llama", "rope_theta", json!(10_000.0)),
        ("llama", "rope_scaling", json!({"rope_type": "linear", "factor": 2.0})),
        (
            "llama",
            "layer_types",
            json!(["full_attention", "sliding_attention", "full_attention"]),
        ),
        (
            "mistral",
            "layer_types",
            json!(["sliding_attention", "full_attention", "full_attention"]),
        ),
        ("mistral", "attention_bias", json!(true)),
        ("hunyuan", "use_cla", json!(true)),
        ("hunyuan", "use_mla", json!(true)),
        ("hunyuan", "mamba", json!(true)),
        ("hunyuan", "norm_type", json!("torch_nn")),
        ("hunyuan", "mlp_bias", json!(true)),
        (
            "gemma3",
            "rope_parameters.full_attention.rope_type",
            json!("proportional"),
        ),
        ("gemma3", "rope_parameters.sliding_attention.a_key", json!(1)),
        ("gemma3", "rope_parameters.rope_theta", json!(10_000.0)),
        ("gemma3", "rope_local_base_freq", json!(5.0)),
        ("gemma3", "layer_types", json!(vec!["chunked_attention"; 7])),
        ("gemma3-multimodal", "text_config.embedding_multiplier", json!(2.0)),
        ("gemma3-multimodal", "text_config.model_type", json!("gemma3n_text")),
        ("qwen3", "num_experts", json!(8)),
        ("qwen3", "layer_types", json!(vec!["linear_attention"; 3])),
        ("gemma2", "num_hidden_layers", json!(1 << 24)),
        ("gemma2", "rms_norm_eps", json!(1e300)),
        ("gemma2", "rms_norm_eps", json!(1e-300)),
    ] {
        let config = with_value(&config_of_transformers_5(name), key, value);
        let error = load_with_config(name, &config).map(drop).expect_err(key);
        assert_eq!(error.kind, crate::error::ErrorKind::Model, "{error}");
        assert_eq!(error.place, Some(format!("key {key}")), "{name}: {error}");
        assert!(error.path.is_some_and(|path| path.ends_with("config.json")), "{name}");
    }
}

#[test]
fn keys_that_change_nothing_are_read_over() {
    for (name, key, value) in [
        ("llama", "attention_multiplier", json!(1.0)),
        ("llama", "partial_rotary_factor", json!(1.0)),
        ("llama", "a_key_of_tomorrow", json!(null)),
        ("llama", "pruned_heads", json!({})),
        ("llama", "unsloth_version", json!("2025.1")),
        ("llama", "sliding_window", json!(4)),
        ("llama", "layer_types", json!(vec!["full_attention"; 3])),
        ("llama", "rope_theta", json!(500_000.0)),
        ("llama", "num_beams", json!(4)),
        ("llama", "mlp_dropout", json!(0.1)),
        ("mistral", "layer_types", json!(vec!["sliding_attention"; 3])),
        ("gemma3", "rope_local_base_freq", json!(10_000)),
        ("gemma3", "rope_scaling", json!({"rope_type": "default"})),
        ("gemma3-multimodal", "image_seq_length", json!(256)),
        ("qwen3", "sliding_window_size", json!(4)),
        ("hunyuan", "position_embedding_xdrope", json!(false)),
        ("hunyuan", "moe_topk", json!(1)),
    ] {
        let config = with_value(&config_of_transformers_5(name), key, value);
        assert!(load_with_config(name, &config).is_ok(), "{name}: {key}");
    }
}

/// No key of a real file is refused or changes anything, beside the sizes and settings of a tiny checkpoint.
#[test]
fn keys_of_published_models_change_nothing() {
    let source: Vec<u32> = (0..20).map(|index| 20 + 7 * index).collect();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/decoder");
    let mut architectures = std::collections::BTreeSet::new();
    for (name, published) in read_published_configs() {
        let file = golden.join(&published.checkpoint).join("config.json");
        if file.exists() {
            let tiny = read_json(&file);
            architectures.insert(tiny["model_type"].to_string());
            let logits = |config: &Value| {
                let model = load_with_config(&published.checkpoint, config).expect(&name);
                logit_rows(&model.begin_decoding(&[], &[&source]).expect("begin").1)
            };
            assert_eq!(logits(&published.complete(&tiny)), logits(&tiny), "{name}");
        }
    }
    assert_eq!(architectures.len(), 7, "{architectures:?}");
}
