//! Recognises, from `config.json` and the list of files, models in a form that plae cannot load, and says what to take
//! instead: quantised checkpoints, adapters, BitNet, weights of other frameworks, and Git LFS pointers.

use super::manifest::is_repo_name;
use crate::error::{Error, Hint, Result};
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A function that reads a JSON file of a repository or a directory, by its name in the list of files.
pub(super) type ReadJson<'a> = &'a mut dyn FnMut(&str) -> Result<Value>;

/// The methods of quantisation as `quant_method` in `config.json` spells them, and as people do.
const METHODS: [(&str, &str); 18] = [
    ("awq", "AWQ"),
    ("gptq", "GPTQ"),
    ("compressed-tensors", "compressed-tensors"),
    ("mxfp4", "MXFP4"),
    ("bitsandbytes", "bitsandbytes"),
    ("fp8", "FP8"),
    ("fbgemm_fp8", "FP8 (FBGEMM)"),
    ("modelopt", "NVIDIA ModelOpt"),
    ("modelopt_fp4", "NVIDIA ModelOpt"),
    ("quark", "AMD Quark"),
    ("auto-round", "AutoRound"),
    ("aqlm", "AQLM"),
    ("hqq", "HQQ"),
    ("exl2", "EXL2"),
    ("exl3", "EXL3"),
    ("torchao", "torchao"),
    ("quanto", "Quanto"),
    ("mlx", "MLX"),
];

/// Files beside `config.json` in which older tools describe their quantisation.
const METHOD_FILES: [(&str, &str); 3] = [
    ("quantize_config.json", "gptq"),
    ("quant_config.json", "awq"),
    ("hf_quant_config.json", "modelopt"),
];

/// Names, or endings of names, of weights that other programs read, with the program and the way to convert them.
const OTHER_WEIGHTS: [(&str, &str, Option<&str>); 11] = [
    ("flax_model.msgpack", "Flax", Some("from_flax=True")),
    ("flax_model.msgpack.index.json", "Flax", Some("from_flax=True")),
    ("tf_model.h5", "TensorFlow", Some("from_tf=True")),
    ("tf_model.h5.index.json", "TensorFlow", Some("from_tf=True")),
    (".onnx", "ONNX", None),
    ("model.bin", "CTranslate2", None),
    ("openvino_model.xml", "OpenVINO", None),
    ("rust_model.ot", "rust-bert", None),
    ("model.npz", "Marian", None),
    (".nemo", "NeMo", None),
    (".tflite", "TensorFlow Lite", None),
];

/// Fails if a checkpoint's `config.json`, or a file beside it, says that plae cannot load the weights. `names` are the
/// names of all its files, `base` is the repository of the model that it was made from, if the Hub names one.
///
/// # Errors
/// Fails with an error of kind `Model` that names the form of the weights and, as far as it is known, the model that
/// they were made from.
pub(super) fn check_config(config: &Value, names: &[String], base: Option<&str>) -> Result<()> {
    if is_bitnet_config(config) {
        return Err(bitnet_error());
    }
    let Some(method) = find_quantisation(config, names) else {
        return Ok(());
    };
    let known = METHODS.iter().find(|(name, _)| method.eq_ignore_ascii_case(name));
    let shown = known.map_or_else(|| printable_text(&method), |(_, shown)| (*shown).to_owned());
    // Older versions of transformers write here which model was loaded.
    let base = base
        .or_else(|| config["_name_or_path"].as_str())
        .filter(|base| is_repo_name(base));
    Err(Error::model(format!(
        "holds weights quantised with {shown}, which plae does not read"
    ))
    .hint(match base {
        Some(base) => format!("take {base}, from which it was made, or a GGUF form of it"),
        None => "take the model that it was made from, or a GGUF form of it".to_owned(),
    }))
}

/// Finds the method by which a checkpoint's weights are quantised; none if they are not.
fn find_quantisation(config: &Value, names: &[String]) -> Option<String> {
    let parts = [config, &config["text_config"]];
    let sections = parts
        .into_iter()
        .flat_map(|part| [&part["quantization_config"], &part["compression_config"]]);
    for section in sections
        .filter_map(Value::as_object)
        .filter(|section| !section.is_empty())
    {
        let set = |key: &str| section.get(key).is_some_and(|value| *value == true);
        return match section.get("quant_method").and_then(Value::as_str) {
            Some("none" | "") => continue,
            Some(method) => Some(method.to_owned()),
            None if set("load_in_4bit") || set("load_in_8bit") => Some("bitsandbytes".to_owned()),
            // MLX repeats its own section here.
            None if section.contains_key("group_size") && section.contains_key("bits") => Some("mlx".to_owned()),
            None => Some("a method that config.json does not name".to_owned()),
        };
    }
    if config["quantization"]
        .as_object()
        .is_some_and(|section| !section.is_empty())
    {
        return Some("mlx".to_owned());
    }
    let file = METHOD_FILES
        .iter()
        .find(|(file, _)| names.iter().any(|name| name == file));
    file.map(|(_, method)| (*method).to_owned())
}

/// Whether a `config.json` is of a BitNet model, under its own name or that of the architecture that it changes.
fn is_bitnet_config(config: &Value) -> bool {
    let says = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| text.to_ascii_lowercase().contains("bitnet"))
    };
    let architectures = config["architectures"].as_array().into_iter().flatten();
    says(&config["model_type"])
        || says(&config["quantization_config"]["quant_method"])
        || architectures.into_iter().any(says)
        // The first of them, 1bitLLM's, bear Llama's name.
        || config["weight_bits"] == 1
}

/// Makes the error for a BitNet model.
fn bitnet_error() -> Error {
    Error::model("is a BitNet model, whose weights of -1, 0 and 1 plae does not compute with").hint(Hint::ListModels)
}

/// Makes the error for an architecture, by the name that `config.json` or a GGUF file gives it, that plae cannot
/// compute.
pub(super) fn unknown_architecture_error(name: &str) -> Error {
    if name.to_ascii_lowercase().starts_with("bitnet") {
        return bitnet_error();
    }
    Error::model(format!("the architecture `{}` is not known", printable_text(name))).hint(Hint::ListModels)
}

/// Explains why a repository or directory with these files holds no weights that plae reads: it is an adapter, or its
/// weights are for another program.
pub(super) fn explain_missing_weights(names: &[String], read: ReadJson) -> Error {
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    if has("adapter_config.json") {
        return match read("adapter_config.json") {
            // MLX has a name of its own for it.
            Ok(adapter) => {
                let base = adapter["base_model_name_or_path"].as_str();
                adapter_error(base.or_else(|| adapter["model"].as_str()))
            }
            Err(error) => error,
        };
    }
    if has("adapter_model.safetensors") || has("adapter_model.bin") || has("adapters.safetensors") {
        return adapter_error(None);
    }
    let matches = |ending: &str, name: &String| {
        let file = name.rsplit('/').next().unwrap_or(name);
        file == ending || (ending.starts_with('.') && file.ends_with(ending))
    };
    for (ending, program, switch) in OTHER_WEIGHTS {
        if let Some(name) = names.iter().find(|name| matches(ending, name)) {
            let error = Error::model(format!(
                "holds weights for {program} only ({name}); plae reads safetensors, PyTorch, GGUF, and CTranslate2's with its vocabulary"
            ));
            return error.hint(match switch {
                Some(switch) => format!(
                    "take a revision or a repository with safetensors, or convert it in Python: \
                     from_pretrained(…, {switch}).save_pretrained(…)"
                ),
                None => "take the repository that it was made from, with safetensors".to_owned(),
            });
        }
    }
    if names.iter().any(|name| name.contains("-00001-of-")) {
        return Error::model("holds parts of weights, but no index that names them (model.safetensors.index.json)");
    }
    Error::model("holds no model: no weights in safetensors, GGUF or PyTorch form")
}

/// Makes the error for an adapter (LoRA and others), which is only the difference to a base model.
fn adapter_error(base: Option<&str>) -> Error {
    let base = base.filter(|base| !base.is_empty()).map(printable_text);
    let (of, base) = match base {
        Some(base) => (format!(" for {base}"), base),
        None => (String::new(), "its base model".to_owned()),
    };
    Error::model(format!("is an adapter (LoRA){of}, not a whole model")).hint(format!(
        "take {base} itself, or merge both in Python: \
         PeftModel.from_pretrained(…).merge_and_unload().save_pretrained(…)"
    ))
}

/// Gives a text of others for an error message: without control characters, and not longer than a line.
pub(super) fn printable_text(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// The longest file, in bytes, that can be a Git LFS pointer.
const MAX_POINTER_BYTES: u64 = 1024;

/// Fails if a file is a Git LFS pointer: the few lines that Git keeps in place of a large file that was not fetched.
///
/// # Errors
/// Fails with an error of kind `Model`, with the path. A file that cannot be read is no pointer.
pub(super) fn check_no_pointer(path: &Path) -> Result<()> {
    let small = std::fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() <= MAX_POINTER_BYTES);
    let mut start = Vec::new();
    if !small
        || File::open(path)
            .and_then(|file| file.take(100).read_to_end(&mut start))
            .is_err()
    {
        return Ok(());
    }
    // Before Git LFS had its name, it was called Hawser.
    if start.starts_with(b"version https://git-lfs.github.com/spec/") || start.starts_with(b"version https://hawser.") {
        return Err(
            Error::model("is a Git LFS pointer, which only says where the file is, not the file itself")
                .path(path)
                .hint("run `git lfs pull` in its directory, or take the model from the Hub by its repository's name"),
        );
    }
    Ok(())
}
