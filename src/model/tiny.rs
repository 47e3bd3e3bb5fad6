//! A tiny Gemma 3 with random weights, as a GGUF file: the tests' stand-in for a real one, with every part at work.

use crate::error::{Error, Result};
use crate::model::gguf::Gguf;
use candle_core::quantized::gguf_file::{Value, write};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// Positions that a local layer sees.
pub const WINDOW: u32 = 6;
const WIDTH: usize = 64;
const DIM: usize = 32;
const HEADS: usize = 4;
const GROUPS: usize = 2;
const FEED_FORWARD: usize = 96;
/// The seventh layer follows the first global one.
const LAYERS: usize = 7;

/// Values from -1 to 1, the same at every run.
fn noise(count: usize, state: &mut u64) -> Vec<f32> {
    let step = || {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(step).take(count).collect()
}

/// Writes the model to `directory`.
pub fn write_gemma3(directory: &Path) -> PathBuf {
    let mut pieces: Vec<(String, i32, f32)> = ["<pad>", "<eos>", "<bos>", "<unk>"]
        .iter()
        .map(|text| (text.to_string(), 3, -1000.0))
        .collect();
    pieces.extend(["\n", "\n\n"].iter().map(|text| (text.to_string(), 4, -1000.0)));
    pieces.extend((0..=255u8).map(|byte| (format!("<0x{byte:02X}>"), 6, -1000.0)));
    let words = [
        "\u{2581}",
        "a",
        "b",
        "e",
        "t",
        "\u{2581}t",
        "\u{2581}te",
        "ab",
        "ก",
        "า",
        "กา",
        "ร",
        "การ",
        "ำ",
        "น",
        "นำ",
    ];
    pieces.extend(
        words
            .iter()
            .enumerate()
            .map(|(index, text)| (text.to_string(), 1, -(index as f32))),
    );
    let vocabulary = pieces.len();
    let strings = pieces.iter().map(|(text, ..)| Value::String(text.clone())).collect();
    let kinds = pieces.iter().map(|(_, kind, _)| Value::I32(*kind)).collect();
    let scores = pieces.iter().map(|(.., score)| Value::F32(*score)).collect();
    let metadata = [
        ("general.architecture", Value::String("gemma3".into())),
        ("general.file_type", Value::U32(7)),
        ("gemma3.context_length", Value::U32(400)),
        ("gemma3.embedding_length", Value::U32(WIDTH as u32)),
        ("gemma3.block_count", Value::U32(LAYERS as u32)),
        ("gemma3.feed_forward_length", Value::U32(FEED_FORWARD as u32)),
        ("gemma3.attention.head_count", Value::U32(HEADS as u32)),
        ("gemma3.attention.head_count_kv", Value::U32(GROUPS as u32)),
        ("gemma3.attention.key_length", Value::U32(DIM as u32)),
        ("gemma3.attention.value_length", Value::U32(DIM as u32)),
        ("gemma3.attention.layer_norm_rms_epsilon", Value::F32(1e-6)),
        ("gemma3.attention.sliding_window", Value::U32(WINDOW)),
        ("gemma3.rope.freq_base", Value::F32(1_000_000.0)),
        ("gemma3.rope.scaling.type", Value::String("linear".into())),
        ("gemma3.rope.scaling.factor", Value::F32(8.0)),
        ("tokenizer.ggml.model", Value::String("llama".into())),
        ("tokenizer.ggml.tokens", Value::Array(strings)),
        ("tokenizer.ggml.token_type", Value::Array(kinds)),
        ("tokenizer.ggml.scores", Value::Array(scores)),
        ("tokenizer.ggml.bos_token_id", Value::U32(2)),
        ("tokenizer.ggml.eos_token_id", Value::U32(1)),
        ("tokenizer.ggml.unknown_token_id", Value::U32(3)),
        ("tokenizer.ggml.add_space_prefix", Value::Bool(false)),
    ];
    let mut state = 42;
    let mut tensors: Vec<(String, QTensor)> = Vec::new();
    let mut add = |name: String, rows: Option<usize>, columns: usize, dtype| {
        let values = noise(rows.unwrap_or(1) * columns, &mut state);
        let tensor = match rows {
            Some(rows) => Tensor::from_vec(values, (rows, columns), &Device::Cpu).expect("a matrix"),
            None => {
                let near_one = values.iter().map(|x| 1.0 + x / 4.0).collect();
                Tensor::from_vec(near_one, columns, &Device::Cpu).expect("a vector")
            }
        };
        tensors.push((name, QTensor::quantize(&tensor, dtype).expect("quantized")));
    };
    add("token_embd.weight".into(), Some(vocabulary), WIDTH, GgmlDType::Q8_0);
    add("output_norm.weight".into(), None, WIDTH, GgmlDType::F32);
    for layer in 0..LAYERS {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        for part in ["attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"] {
            add(name(part), None, WIDTH, GgmlDType::F32);
        }
        for part in ["attn_q_norm", "attn_k_norm"] {
            add(name(part), None, DIM, GgmlDType::F32);
        }
        add(name("attn_q"), Some(HEADS * DIM), WIDTH, GgmlDType::Q5_0);
        add(name("attn_k"), Some(GROUPS * DIM), WIDTH, GgmlDType::Q5_0);
        add(name("attn_v"), Some(GROUPS * DIM), WIDTH, GgmlDType::Q8_0);
        add(name("attn_output"), Some(WIDTH), HEADS * DIM, GgmlDType::Q4_0);
        add(name("ffn_gate"), Some(FEED_FORWARD), WIDTH, GgmlDType::Q5_0);
        add(name("ffn_up"), Some(FEED_FORWARD), WIDTH, GgmlDType::Q5_0);
        add(name("ffn_down"), Some(WIDTH), FEED_FORWARD, GgmlDType::F16);
    }
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, value)| (*key, value)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let mut file = Cursor::new(Vec::new());
    write(&mut file, &metadata, &tensors).expect("written");
    let path = directory.join("tiny-gemma3.gguf");
    std::fs::write(&path, file.into_inner()).expect("a file");
    path
}

/// The file, open, in a directory that lives as long as the test needs.
pub fn gemma3() -> Result<(tempfile::TempDir, Gguf)> {
    let directory = tempfile::tempdir().map_err(|e| Error::output(e.to_string()))?;
    let gguf = Gguf::open(&write_gemma3(directory.path()))?;
    Ok((directory, gguf))
}
