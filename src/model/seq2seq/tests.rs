//! Compares the forward pass on candle's tensors with the one on the CPU, which the tests of the whole program
//! compare with transformers.

use super::*;
use crate::decode::GenerationConfig;
use crate::model::DecodingState;
use crate::model::weights::published_configs::read_published_configs;
use candle_core::Tensor;
use serde_json::json;

const CHECKPOINTS: [(&str, Architecture); 9] = [
    ("marian-tied", Architecture::Marian),
    ("marian-prefix", Architecture::Marian),
    ("marian-separate", Architecture::Marian),
    ("m2m100", Architecture::M2m100),
    ("small100", Architecture::M2m100),
    ("nllb", Architecture::M2m100),
    ("mbart50", Architecture::Mbart),
    ("t5-madlad", Architecture::T5),
    ("t5-tied", Architecture::T5),
];

/// Token ids of sources of several lengths. The second contains M2M-100's padding token; the last is longer than the
/// distances for which T5 has a bucket each.
const SOURCES: [&[u32]; 4] = [
    &[9, 12, 2],
    &[31, 7, 1, 8, 2],
    &[5],
    &[
        11, 6, 17, 23, 8, 40, 13, 9, 33, 21, 10, 15, 7, 26, 38, 14, 9, 12, 30, 16, 22, 2,
    ],
];

fn load(name: &str, architecture: Architecture, computation: ComputeBackend) -> Box<dyn TranslationModel> {
    load_restricted(name, architecture, None, computation)
}

/// Loads a tiny checkpoint for the CPU. Every output begins with the tokens `start`.
pub(crate) fn load_golden_checkpoint(name: &str, start: Vec<u32>) -> Box<dyn TranslationModel> {
    let (_, architecture) = CHECKPOINTS.iter().find(|(known, _)| *known == name).expect(name);
    load_starting_with(
        name,
        *architecture,
        Some(start),
        None,
        ComputeBackend::Cpu(ActivationPrecision::F32),
    )
}

fn load_restricted(
    name: &str,
    architecture: Architecture,
    allowed: Option<Vec<u32>>,
    computation: ComputeBackend,
) -> Box<dyn TranslationModel> {
    load_starting_with(name, architecture, None, allowed, computation)
}

fn load_starting_with(
    name: &str,
    architecture: Architecture,
    start: Option<Vec<u32>>,
    allowed: Option<Vec<u32>>,
    computation: ComputeBackend,
) -> Box<dyn TranslationModel> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/seq2seq")
        .join(name);
    let config = std::fs::read(directory.join("config.json")).expect("a configuration");
    let config: Value = serde_json::from_slice(&config).expect("a configuration");
    let generation = GenerationConfig::read(&directory, &config, None).expect("a configuration");
    // A second token is forced at the beginning of every output.
    let ids = OutputTokenIds {
        start: start.unwrap_or_else(|| generation.start.into_iter().chain([9]).collect()),
        end: generation.end,
        allowed,
    };
    load_from_directory(&directory, architecture, &config, ids, computation).expect(name)
}

/// Lists the devices to test on: the CPU, and all GPUs that answer.
fn devices() -> Vec<Device> {
    let gpus = crate::model::device::list_gpus();
    if gpus.is_empty() {
        eprintln!("skipped on a GPU: this build has none, or none answers");
    }
    [Device::Cpu].into_iter().chain(gpus).collect()
}

/// Gives the largest allowed difference between two logits, which are of the order of 1; on the CPU only rounding
/// differs.
fn tolerance(device: &Device) -> f32 {
    if device.is_cpu() { 1e-4 } else { 1e-3 }
}

fn logit_rows(logits: &Tensor) -> Vec<Vec<f32>> {
    logits.to_vec2().expect("logits (rows, vocabulary) on the CPU")
}

fn begin_run(model: &dyn TranslationModel, sources: &[&[u32]]) -> (DecodingState, Vec<Vec<f32>>) {
    let (state, logits) = model.begin_decoding(&[], sources).expect("begin");
    (state, logit_rows(&logits))
}

/// Gives the logits of each step of a search in which sentences get several beams, beams change their order, and
/// finished sentences are dropped.
fn run_model(model: &dyn TranslationModel) -> Vec<Vec<Vec<f32>>> {
    let (mut state, first) = begin_run(model, &SOURCES);
    let mut all = vec![first];
    let mut step =
        |last: &[u32], state: &mut DecodingState| all.push(logit_rows(&model.decode_step(last, state).expect("step")));
    step(&[5, 6, 7, 8], &mut state);
    // Two beams for each sentence, then reordered within it.
    state.select_rows(&[0, 0, 1, 1, 2, 2, 3, 3]);
    step(&[10, 11, 12, 13, 14, 15, 16, 17], &mut state);
    state.select_rows(&[1, 0, 2, 2, 5, 4, 7, 6]);
    step(&[18, 19, 20, 21, 22, 23, 24, 25], &mut state);
    // One sentence is finished, another has one beam more than the rest, and the rows of different sentences
    // alternate.
    state.select_rows(&[6, 0, 7, 3, 1, 6]);
    state.select_rows(&[0, 1, 2, 3, 4, 5]);
    step(&[8, 9, 10, 11, 12, 13], &mut state);
    // Goes beyond the room that a KV cache has at first, and beyond the positions computed at first.
    for token in 0..70 {
        step(&[token, 9, 10, 11, token, 13], &mut state);
    }
    state.select_rows(&[3]);
    step(&[30], &mut state);
    all
}

fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn both_forwards_agree_through_beams_and_finished_sentences() {
    for device in devices() {
        for (name, architecture) in CHECKPOINTS {
            let slices = run_model(&*load(
                name,
                architecture,
                ComputeBackend::Cpu(ActivationPrecision::F32),
            ));
            let tensors = run_model(&*load(
                name,
                architecture,
                ComputeBackend::Tensors(device.clone(), DType::F32),
            ));
            assert_eq!(slices.len(), tensors.len());
            for (step, (slices, tensors)) in slices.iter().zip(&tensors).enumerate() {
                assert_eq!(slices.len(), tensors.len());
                for (row, (slices, tensors)) in slices.iter().zip(tensors).enumerate() {
                    let difference = difference(slices, tensors);
                    assert!(
                        difference < tolerance(&device),
                        "{name}, {device:?}, step {step}, row {row}: {difference}"
                    );
                }
            }
        }
    }
}

#[test]
fn padding_changes_rounding_only() {
    for device in devices() {
        for (name, architecture) in CHECKPOINTS {
            let model = load(name, architecture, ComputeBackend::Tensors(device.clone(), DType::F32));
            let (mut state, together) = begin_run(&*model, &SOURCES);
            let next = logit_rows(&model.decode_step(&[5, 6, 7, 8], &mut state).expect("step"));
            for (index, source) in SOURCES.iter().enumerate() {
                let (mut state, alone) = begin_run(&*model, &[source]);
                let (mut worst, last) = (difference(&alone[0], &together[index]), 5 + index as u32);
                let alone = logit_rows(&model.decode_step(&[last], &mut state).expect("step"));
                worst = worst.max(difference(&alone[0], &next[index]));
                assert!(worst < tolerance(&device), "{name}, {device:?}, row {index}: {worst}");
            }
        }
    }
}

#[test]
fn sixteen_bits_stay_close() {
    for device in devices() {
        for (name, architecture) in CHECKPOINTS {
            let exact = begin_run(
                &*load(name, architecture, ComputeBackend::Cpu(ActivationPrecision::F32)),
                &SOURCES,
            )
            .1;
            for (dtype, most) in [(DType::BF16, 0.08), (DType::F16, 0.004)] {
                if dtype == DType::F16 && architecture == Architecture::T5 {
                    continue;
                }
                let model = load(name, architecture, ComputeBackend::Tensors(device.clone(), dtype));
                let rounded = begin_run(&*model, &SOURCES).1;
                for (exact, rounded) in exact.iter().zip(&rounded) {
                    let error: f32 = exact.iter().zip(rounded).map(|(a, b)| (a - b).powi(2)).sum();
                    let size: f32 = exact.iter().map(|a| a.powi(2)).sum();
                    let relative = (error / size).sqrt();
                    assert!(relative < most, "{name}, {device:?}, {dtype:?}: {relative}");
                    assert!(relative > 0.0, "{name}, {device:?}, {dtype:?}: nothing was rounded");
                }
            }
        }
    }
}

#[test]
fn restricted_logits_are_a_choice_of_the_full_ones() {
    for device in devices() {
        for (name, architecture) in CHECKPOINTS {
            let tensors = ComputeBackend::Tensors(device.clone(), DType::F32);
            for computation in [ComputeBackend::Cpu(ActivationPrecision::F32), tensors] {
                let full = begin_run(&*load(name, architecture, computation.clone()), &SOURCES).1;
                let allowed = Some(vec![40, 8, 21, u32::MAX]);
                let model = load_restricted(name, architecture, allowed, computation);
                let ids = model.spec().output.clone().expect("ids");
                assert!(ids.contains(&8) && ids.is_sorted() && ids.len() < 10);
                for (full, some) in full.iter().zip(begin_run(&*model, &SOURCES).1) {
                    let chosen: Vec<f32> = ids.iter().map(|id| full[*id as usize]).collect();
                    assert!(difference(&chosen, &some) < tolerance(&device), "{name}");
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_computed_is_an_error() {
    let model = load(
        "m2m100",
        Architecture::M2m100,
        ComputeBackend::Tensors(Device::Cpu, DType::F32),
    );
    let marian = load(
        "marian-prefix",
        Architecture::Marian,
        ComputeBackend::Tensors(Device::Cpu, DType::F32),
    );
    let long = vec![8; 5000];
    for (model, sources) in [
        (&model, &[&[][..]][..]),
        (&model, &[&[99_999][..]]),
        (&marian, &[&[8], &long[..]]),
    ] {
        let error = model.begin_decoding(&[], sources).err();
        assert_eq!(error.map(|error| error.kind), Some(crate::error::ErrorKind::Model));
    }
    let (mut state, _) = begin_run(&*model, &SOURCES);
    assert!(model.decode_step(&[1], &mut state).is_err(), "one token for four rows");
}

/// Loads the weights of a checkpoint of `tests/golden/seq2seq` by another `config.json`.
fn load_with_config(name: &str, config: &Value) -> Result<Box<dyn TranslationModel>> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/seq2seq");
    let architecture = config["model_type"].as_str().and_then(Architecture::from_model_type);
    let ids = OutputTokenIds {
        start: vec![2, 9],
        end: vec![2],
        allowed: None,
    };
    let architecture = architecture.expect("an architecture");
    let computation = ComputeBackend::Cpu(ActivationPrecision::F32);
    load_from_directory(&golden.join(name), architecture, config, ids, computation)
}

fn read_config(directory: &str, name: &str) -> Value {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let text = std::fs::read(golden.join(directory).join(name).join("config.json")).expect("a configuration");
    serde_json::from_slice(&text).expect("JSON")
}

/// T5 as transformers 5 saves it has `tie_word_embeddings` true beside an output projection of its own, and
/// `scale_decoder_outputs` (transformers#48154).
#[test]
fn configurations_of_transformers_5_give_the_same_logits() {
    for (name, _) in CHECKPOINTS.into_iter().filter(|(name, _)| *name != "marian-separate") {
        let logits = |config: &Value| begin_run(&*load_with_config(name, config).expect(name), &SOURCES).1;
        let newer = read_config("transformers5", name);
        assert_eq!(logits(&newer), logits(&read_config("seq2seq", name)), "{name}");
        let is_t5 = newer["model_type"] == "t5";
        assert_eq!(
            newer["scale_decoder_outputs"].is_boolean() && newer["tie_word_embeddings"] == true,
            is_t5
        );
        if is_t5 {
            // The key is obeyed, not only read over.
            let mut other = newer.clone();
            other["scale_decoder_outputs"] = (newer["scale_decoder_outputs"] != true).into();
            assert_ne!(logits(&other), logits(&newer), "{name}");
        }
    }
}

#[test]
fn a_key_that_may_change_the_output_and_is_not_known_is_refused_by_name() {
    for (name, key, value) in [
        ("marian-tied", "a_key_of_tomorrow", json!(false)),
        ("marian-tied", "is_decoder", json!(true)),
        ("marian-tied", "scale_decoder_outputs", json!(true)),
        ("mbart50", "layer_norm_eps", json!(1e-6)),
        ("m2m100", "num_experts", json!(128)),
        ("m2m100", "quantization_config", json!({"quant_method": "bitsandbytes"})),
        ("nllb", "encoder_layers", json!(1 << 20)),
        ("t5-madlad", "scale_decoder_outputs", json!("yes")),
        ("t5-madlad", "tie_encoder_decoder", json!(true)),
        ("t5-tied", "relative_attention_scale", json!(2.0)),
        ("t5-tied", "layer_norm_epsilon", json!(1e-60)),
    ] {
        let mut config = read_config("transformers5", name);
        config[key] = value;
        let error = load_with_config(name, &config).map(drop).expect_err(key);
        assert_eq!(error.kind, crate::error::ErrorKind::Model, "{error}");
        assert_eq!(error.place, Some(format!("key {key}")), "{name}: {error}");
    }
    let mut config = read_config("transformers5", "mbart50");
    for (key, value) in [
        ("task_specific_params", json!({"translation": {"num_beams": 4}})),
        ("normalize_before", json!(false)),
        ("layer_norm_eps", json!(1e-5)),
        ("num_hidden_layers", json!(12)),
        ("encoder_layerdrop", json!(0.1)),
    ] {
        config[key] = value;
    }
    assert!(load_with_config("mbart50", &config).is_ok());
}

/// No key of a real file is refused or changes anything, beside the sizes and settings of a tiny checkpoint.
#[test]
fn keys_of_published_models_change_nothing() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/seq2seq");
    let mut architectures = std::collections::BTreeSet::new();
    for (name, published) in read_published_configs() {
        if golden.join(&published.checkpoint).exists() {
            let tiny = read_config("seq2seq", &published.checkpoint);
            architectures.insert(tiny["model_type"].to_string());
            let logits = |config: &Value| {
                let model = load_with_config(&published.checkpoint, config).expect(&name);
                begin_run(&*model, &SOURCES).1
            };
            assert_eq!(logits(&published.complete(&tiny)), logits(&tiny), "{name}");
        }
    }
    assert_eq!(architectures.len(), 4, "{architectures:?}");
}

/// Sizes beyond all memory are an error before anything of that size is made.
#[test]
fn absurd_sizes_are_refused() {
    for (name, key) in [
        ("t5-tied", "d_kv"),
        ("t5-tied", "num_heads"),
        ("t5-tied", "d_ff"),
        ("t5-tied", "d_model"),
        ("t5-tied", "vocab_size"),
        ("m2m100", "encoder_ffn_dim"),
        ("m2m100", "d_model"),
        ("mbart50", "max_position_embeddings"),
        ("marian-tied", "vocab_size"),
    ] {
        for value in [json!(1 << 24), json!(u64::MAX), json!(-1), json!(1e30), json!(0)] {
            let mut config = read_config("seq2seq", name);
            config[key] = value.clone();
            let error = load_with_config(name, &config).map(drop).expect_err(key);
            assert_eq!(
                error.kind,
                crate::error::ErrorKind::Model,
                "{name}, {key}, {value}: {error}"
            );
        }
    }
}
