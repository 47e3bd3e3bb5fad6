//! Tells from the names of its files which model a repository or a directory holds, and which of the files it needs.
//!
//! The names come from the Hub's list, from a snapshot in the cache or from a directory of the user's own; all are
//! judged alike, before any weights are fetched or read.

use super::unsupported::{ReadJson, check_config, explain_missing_weights, printable_text};
use crate::error::{Error, Hint, Result};
use crate::model::Architecture;
use crate::model::weights::ct2::CT2_FILE_NAME;
use crate::model::weights::gguf_split::{PartName, is_companion, strip_gguf};
use crate::model::weights::token_lists::{SHARED_PIECE_NAMES, SIDE_PIECE_NAMES, has_lists, token_file_names};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// Names of the files besides the weights that loaders and tokenizers read, in the order in which they are fetched.
const NON_WEIGHT_FILE_NAMES: [&str; 15] = [
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "vocab.json",
    "target_vocab.json",
    "merges.txt",
    "source.spm",
    "target.spm",
    "sentencepiece.bpe.model",
    "spiece.model",
    "tokenizer.model",
    "tokenizer.json",
];

/// The forms of a checkpoint's weights in the order in which the loader looks for them, each as the name of the single
/// file and the name of the index that names the shards.
const WEIGHT_FILE_NAMES: [(&str, &str); 2] = [
    ("model.safetensors", "model.safetensors.index.json"),
    ("pytorch_model.bin", "pytorch_model.bin.index.json"),
];

/// Name of the file with a chat template that newer versions of transformers write.
pub(super) const CHAT_TEMPLATE_NAME: &str = "chat_template.jinja";

/// The model that a repository or a directory holds.
pub(super) enum Contents {
    /// A checkpoint: `config.json`, tokenizer files and weights.
    Checkpoint {
        /// Folder of the checkpoint, such as `fp32/`; empty if it is at the top.
        folder: String,
        /// The parsed `config.json`.
        config: Value,
    },
    /// A model in CTranslate2's format: `model.bin` and lists of tokens.
    Ct2 {
        /// Folder of the model; empty if it is at the top.
        folder: String,
    },
    /// GGUF models, each as the names of its parts in order; a model in a single file has one part.
    Gguf(Vec<Vec<String>>),
}

/// The files that a model needs, and those that it may have.
#[derive(Debug)]
pub(super) struct ModelFiles {
    /// Names of the files to load, small ones first.
    pub names: Vec<String>,
    /// The `model_type` in `config.json`; none for a GGUF model.
    pub model_type: Option<String>,
    /// Names of files that are not in the list, but that a loader would read if they were.
    pub absent: Vec<String>,
}

/// Tells which model the files called `names` make up. `base` is the repository of the model that it was made from, if
/// the Hub names one.
///
/// # Errors
/// Fails with an error of kind `Model`, without a path, if there is no model, or one in a form that plae cannot load;
/// with the errors of `read`.
pub(super) fn recognise_contents(names: &[String], base: Option<&str>, read: ReadJson) -> Result<Contents> {
    let ggufs = group_gguf_files(names);
    if let Some(folder) = find_ct2(names)? {
        return Ok(Contents::Ct2 { folder });
    }
    let Some(folder) = find_checkpoint(names)? else {
        return if ggufs.is_empty() {
            Err(explain_missing_weights(names, read))
        } else {
            Ok(Contents::Gguf(ggufs))
        };
    };
    let inside = names_below(names, &folder);
    let has_weights = holds_weights(&inside);
    if !has_weights && !ggufs.is_empty() {
        return Ok(Contents::Gguf(ggufs));
    }
    let config = read(&format!("{folder}config.json"))?;
    match check_config(&config, &inside, base) {
        Ok(()) if has_weights => Ok(Contents::Checkpoint { folder, config }),
        Ok(()) => Err(explain_missing_weights(&inside, &mut |name| {
            read(&format!("{folder}{name}"))
        })),
        Err(_) if !ggufs.is_empty() => Ok(Contents::Gguf(ggufs)),
        Err(error) => Err(error),
    }
}

/// Chooses the files of the model that [`recognise_contents`] finds among `names`. Of several GGUF models the one called
/// `Q4_K_M` is taken.
///
/// # Errors
/// The errors of [`recognise_contents`]; of kind `Model` if several models could be meant, or if a file that the model needs is
/// not in the list.
pub(super) fn choose_model_files(names: &[String], base: Option<&str>, read: ReadJson) -> Result<ModelFiles> {
    let (folder, config) = match recognise_contents(names, base, read)? {
        Contents::Checkpoint { folder, config } => (folder, config),
        Contents::Ct2 { folder } => {
            return Ok(ModelFiles {
                names: choose_ct2_files(&names_below(names, &folder))?
                    .iter()
                    .map(|name| format!("{folder}{name}"))
                    .collect(),
                model_type: None,
                absent: Vec::new(),
            });
        }
        Contents::Gguf(models) => {
            let names = choose_gguf(models)?;
            check_gguf_parts(&names[0], &names)?;
            return Ok(ModelFiles {
                names,
                model_type: None,
                absent: Vec::new(),
            });
        }
    };
    let inside = names_below(names, &folder);
    let has = |name: &str| inside.iter().any(|other| other == name);
    let mut read = |name: &str| read(&format!("{folder}{name}"));
    let files = choose_checkpoint_files(&inside, &mut read)?;
    let tokenizer_config = if has("tokenizer_config.json") {
        Some(read("tokenizer_config.json")?)
    } else {
        None
    };
    let model_type = config["model_type"]
        .as_str()
        .ok_or_else(|| Error::model("has a config.json that names no architecture (model_type)"))?;
    let architecture = Architecture::from_model_type(model_type);
    if architecture.is_some() {
        check_tokenizer(model_type, &has, tokenizer_config.as_ref())?;
    }
    let absent = list_readable_files(model_type, tokenizer_config.as_ref()).into_iter();
    let in_folder = |name: &str| format!("{folder}{name}");
    Ok(ModelFiles {
        absent: absent.filter(|name| !has(name)).map(in_folder).collect(),
        model_type: Some(model_type.to_owned()),
        names: files.iter().map(|name| in_folder(name)).collect(),
    })
}

/// Chooses the files that the loaders of a checkpoint read from the files `names` in its folder, weights last.
///
/// # Errors
/// Fails with an error of kind `Model` if there are no weights or not all; with the errors of `read`.
pub(super) fn choose_checkpoint_files(names: &[String], read: ReadJson) -> Result<Vec<String>> {
    let small = NON_WEIGHT_FILE_NAMES.iter().map(|name| (*name).to_owned());
    let mut files: Vec<String> = small.filter(|name| names.contains(name)).collect();
    files.extend(choose_weights(names, read)?);
    Ok(files)
}

/// Finds the folder of the checkpoint: the top, if `config.json` is there, else the only folder with both a
/// `config.json` and weights; none if there is no such folder.
fn find_checkpoint(names: &[String]) -> Result<Option<String>> {
    if names.iter().any(|name| name == "config.json") {
        return Ok(Some(String::new()));
    }
    let all: HashSet<&str> = names.iter().map(String::as_str).collect();
    let is_checkpoint = |folder: &&str| {
        let mut weights = WEIGHT_FILE_NAMES.iter().flat_map(|(whole, index)| [whole, index]);
        folder.ends_with('/') && weights.any(|weights| all.contains(format!("{folder}{weights}").as_str()))
    };
    let folders = names.iter().filter_map(|name| name.strip_suffix("config.json"));
    let folders: Vec<&str> = folders.filter(is_checkpoint).collect();
    match folders.as_slice() {
        [] => Ok(None),
        [folder] => Ok(Some((*folder).to_owned())),
        several => Err(Error::model(format!("holds several models: {}", several.join(", "))).hint(Hint::NameModelFile)),
    }
}

/// Finds the folder of a model in CTranslate2's format: the top, or else the only folder with one; none if there is
/// none, or if a checkpoint lies at the top.
fn find_ct2(names: &[String]) -> Result<Option<String>> {
    let all: HashSet<&str> = names.iter().map(String::as_str).collect();
    let is_model = |folder: &str| {
        let has = |name: &str| all.contains(format!("{folder}{name}").as_str());
        has(CT2_FILE_NAME) && has_lists(has) && !holds_weights(&names_below(names, folder))
    };
    if is_model("") {
        return Ok(Some(String::new()));
    }
    if holds_weights(names) {
        return Ok(None);
    }
    let folders = names.iter().filter_map(|name| name.strip_suffix(CT2_FILE_NAME));
    let folders: Vec<&str> = folders
        .filter(|folder| folder.ends_with('/') && is_model(folder))
        .collect();
    match folders.as_slice() {
        [] => Ok(None),
        [folder] => Ok(Some((*folder).to_owned())),
        several => Err(Error::model(format!("holds several models: {}", several.join(", "))).hint(Hint::NameModelFile)),
    }
}

/// Chooses the files of a model in CTranslate2's format from the files `names` in its folder, weights last.
///
/// # Errors
/// Fails with an error of kind `Model` if there is no tokenizer.
pub(super) fn choose_ct2_files(names: &[String]) -> Result<Vec<String>> {
    let has = |name: &str| names.iter().any(|other| other == name);
    let (shared, sides) = (SHARED_PIECE_NAMES, SIDE_PIECE_NAMES);
    let has_pieces =
        shared.into_iter().any(has) || sides.into_iter().any(|(source, target)| has(source) && has(target));
    if !has_pieces && !has("tokenizer.json") {
        return Err(Error::model(
            "has weights for CTranslate2, but no tokenizer: source.spm and target.spm, or a model such as \
             sentencepiece.bpe.model, are missing",
        )
        .hint("put those of the model that it was converted from beside model.bin"));
    }
    let small = ["config.json", "tokenizer_config.json", "tokenizer.json"].into_iter();
    let small = small.filter(|name| *name != "tokenizer.json" || !has_pieces);
    let small = small.chain(token_file_names()).filter(|name| has(name));
    Ok(small.chain([CT2_FILE_NAME]).map(str::to_owned).collect())
}

/// Whether the files `names` of a folder are the weights of a checkpoint, or have them among them.
fn holds_weights(names: &[String]) -> bool {
    let mut wanted = WEIGHT_FILE_NAMES.iter().flat_map(|(whole, index)| [whole, index]);
    wanted.any(|wanted| names.iter().any(|name| name == wanted))
}

/// Gives the names that begin with `folder`, without it.
pub(super) fn names_below(names: &[String], folder: &str) -> Vec<String> {
    let below = names.iter().filter_map(|name| name.strip_prefix(folder));
    below.map(str::to_owned).collect()
}

/// Chooses the files of a checkpoint's weights: those that the loader would open.
fn choose_weights(names: &[String], read: ReadJson) -> Result<Vec<String>> {
    let has = |name: &str| names.iter().any(|other| other == name);
    for (whole, index) in WEIGHT_FILE_NAMES {
        if has(whole) {
            return Ok(vec![whole.to_owned()]);
        }
        if has(index) {
            let parsed = read(index)?;
            let map = parsed["weight_map"].as_object().into_iter().flatten();
            let mut shards: Vec<String> = map.filter_map(|(_, file)| file.as_str().map(str::to_owned)).collect();
            shards.sort_unstable();
            shards.dedup();
            if shards.is_empty() {
                return Err(Error::model(format!("{index} names no files of weights")));
            }
            if let Some(missing) = shards.iter().find(|shard| !has(shard)) {
                return Err(Error::model(format!(
                    "lacks {}, which {index} names",
                    printable_text(missing)
                )));
            }
            shards.insert(0, index.to_owned());
            return Ok(shards);
        }
    }
    Err(Error::model("holds no weights in safetensors, GGUF or PyTorch form"))
}

/// Groups the GGUF files among `names` into models: each single file, and all parts of a split one. Files that belong
/// to a model without being one, projections of images (`mmproj`) and importance matrices (`imatrix`), are left out.
fn group_gguf_files(names: &[String]) -> Vec<Vec<String>> {
    let is_model = |name: &&String| strip_gguf(name).is_some() && !is_companion(name);
    let mut models: BTreeMap<(&str, usize), Vec<String>> = BTreeMap::new();
    for name in names.iter().filter(is_model) {
        let key = match PartName::parse(name) {
            Some(part) => (part.prefix, part.count),
            None => (name.as_str(), 0),
        };
        models.entry(key).or_default().push(name.clone());
    }
    let mut models: Vec<Vec<String>> = models.into_values().collect();
    models.iter_mut().for_each(|parts| parts.sort_unstable());
    models
}

/// Gives the name of the first part of the split GGUF model that a file is a part of; none if it is no part, or the first.
pub(super) fn first_part_name(name: &str) -> Option<String> {
    let part = PartName::parse(name)?;
    (part.number != 1).then(|| part.all().swap_remove(0))
}

/// Gives the name of a GGUF model by the name of its file, or of one of its parts.
pub(super) fn gguf_model_name(name: &str) -> &str {
    match PartName::parse(name) {
        Some(part) => part.prefix,
        None => strip_gguf(name).unwrap_or(name),
    }
}

/// Fails unless all parts of a split GGUF model are there: one of its parts is called `name`, and `names` are the files
/// beside it.
///
/// # Errors
/// Fails with an error of kind `Model`, without a path, that names the first missing part.
pub(super) fn check_gguf_parts(name: &str, names: &[String]) -> Result<()> {
    let Some(PartName { prefix, count, .. }) = PartName::parse(name) else {
        return Ok(());
    };
    let is_there = |number: usize| {
        let mut parts = names.iter().filter_map(|name| PartName::parse(name));
        parts.any(|part| (part.prefix, part.number, part.count) == (prefix, number, count))
    };
    match (1..=count).find(|number| !is_there(*number)) {
        Some(missing) => Err(Error::model(format!("lacks part {missing} of {count} of {prefix}"))),
        None => Ok(()),
    }
}

/// Chooses one of several GGUF models: the only one, otherwise the only one with `Q4_K_M` in its name.
fn choose_gguf(mut models: Vec<Vec<String>>) -> Result<Vec<String>> {
    if models.len() > 1 {
        let is_q4_k_m = |model: &Vec<String>| model[0].to_ascii_lowercase().contains("q4_k_m");
        let all: Vec<String> = models.iter().map(|model| model[0].clone()).collect();
        models.retain(is_q4_k_m);
        if models.len() != 1 {
            let what = if models.is_empty() { "no" } else { "more than one" };
            return Err(Error::model(format!(
                "holds several GGUF files and {what} Q4_K_M among them: {}",
                all.join(", ")
            ))
            .hint(Hint::NameModelFile));
        }
    }
    models.pop().ok_or_else(|| Error::model("holds no GGUF file"))
}

/// Fails unless the tokenizer of a model can be built from the files that `has` knows.
fn check_tokenizer(model_type: &str, has: &impl Fn(&str) -> bool, tokenizer_config: Option<&Value>) -> Result<()> {
    let class = tokenizer_config
        .and_then(|config| config["tokenizer_class"].as_str())
        .unwrap_or_default();
    let separate = tokenizer_config.is_some_and(|config| config["separate_vocabs"] == true);
    // Each row is one set of files that is enough; the first is named where none is there.
    let sets: &[&[&str]] = match model_type {
        "marian" if separate => &[&["vocab.json", "target_vocab.json", "source.spm", "target.spm"]],
        "marian" => &[&["vocab.json", "source.spm", "target.spm"]],
        "m2m_100" if class.starts_with("Nllb") => &[&["tokenizer.json"], &["sentencepiece.bpe.model"]],
        "m2m_100" => &[&["vocab.json", "sentencepiece.bpe.model"], &["tokenizer.json"]],
        "mbart" => &[&["tokenizer.json"], &["sentencepiece.bpe.model"]],
        "t5" | "mt5" | "umt5" => &[&["tokenizer.json"], &["spiece.model"]],
        _ => &[&["tokenizer.json"]],
    };
    if sets.iter().any(|set| set.iter().all(|name| has(name))) {
        return Ok(());
    }
    let missing: Vec<&str> = sets[0].iter().copied().filter(|name| !has(name)).collect();
    Err(Error::model(format!(
        "has weights, but no whole tokenizer: {} is missing",
        missing.join(", ")
    )))
}

/// Lists the files, weights apart, that a loader reads if a checkpoint has them, and that change what it computes.
fn list_readable_files(model_type: &str, tokenizer_config: Option<&Value>) -> Vec<&'static str> {
    let has_key = |key: &str| tokenizer_config.is_some_and(|config| !config[key].is_null());
    let mut files = vec!["generation_config.json", "tokenizer_config.json"];
    if !has_key("added_tokens_decoder") {
        files.extend(["special_tokens_map.json", "added_tokens.json"]);
    }
    let architecture = Architecture::from_model_type(model_type);
    if !architecture.is_some_and(Architecture::is_decoder_only) {
        // A Marian model's tokenizer is read from other files.
        files.extend((model_type != "marian").then_some("tokenizer.json"));
    } else if !has_key("chat_template") {
        files.push(CHAT_TEMPLATE_NAME);
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Chooses among these names, with a `config.json` of this type, an index of two shards, and nothing else in JSON.
    fn choose(model_type: &str, names: &[&str]) -> Result<String, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut read = |name: &str| {
            Ok(match name.rsplit('/').next().unwrap_or(name) {
                "config.json" => json!({ "model_type": model_type }),
                "model.safetensors.index.json" => {
                    json!({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}})
                }
                "pytorch_model.bin.index.json" => json!({"weight_map": {"a": "deep/1.bin", "b": "2.bin"}}),
                _ => json!({}),
            })
        };
        match choose_model_files(&names, None, &mut read) {
            Ok(files) => Ok(files.names.join(" ")),
            Err(error) => Err(error.message),
        }
    }

    #[test]
    fn weights_are_chosen_by_preference() {
        let base = ["config.json", "tokenizer.json", "README.md", "train/model.safetensors"];
        let with = |more: &[&str]| choose("qwen3", &[&base[..], more].concat()).map(|files| files[27..].to_owned());
        assert_eq!(
            with(&["model.safetensors", "pytorch_model.bin", "x.gguf"]).unwrap(),
            "model.safetensors"
        );
        let index = "model.safetensors.index.json";
        assert_eq!(
            with(&[index, "one.safetensors", "two.safetensors", "pytorch_model.bin"]).unwrap(),
            "model.safetensors.index.json one.safetensors two.safetensors"
        );
        assert_eq!(
            with(&["pytorch_model.bin", "tf_model.h5"]).unwrap(),
            "pytorch_model.bin"
        );
        assert_eq!(
            with(&["pytorch_model.bin.index.json", "deep/1.bin", "2.bin"]).unwrap(),
            "pytorch_model.bin.index.json 2.bin deep/1.bin"
        );
        for (names, message) in [
            (&["model-00001-of-00002.safetensors"][..], "no index"),
            (&[index, "one.safetensors"], "lacks two.safetensors"),
            (&["tf_model.h5"], "for TensorFlow only"),
            (&[], "no weights"),
        ] {
            let error = with(names).unwrap_err();
            assert!(error.contains(message), "{names:?}: {error}");
        }
    }

    #[test]
    fn a_checkpoint_may_lie_in_a_folder() {
        let files = [
            "README.md",
            "hf/config.json",
            "hf/tokenizer.json",
            "hf/model.safetensors",
        ];
        assert_eq!(
            choose("qwen3", &files).unwrap(),
            "hf/config.json hf/tokenizer.json hf/model.safetensors"
        );
        let two = [&files[..], &["b/config.json", "b/model.safetensors"]].concat();
        assert!(choose("qwen3", &two).unwrap_err().contains("several models: hf/, b/"));
    }

    #[test]
    fn one_gguf_is_chosen() {
        let chosen = |names: &[&str]| choose("", names);
        assert_eq!(chosen(&["x.gguf", "README.md", "mmproj-x.gguf"]).unwrap(), "x.gguf");
        assert_eq!(chosen(&["x-Q8_0.gguf", "x-Q4_K_M.gguf"]).unwrap(), "x-Q4_K_M.gguf");
        assert_eq!(
            chosen(&["config.json", "X.GGUF", "x.imatrix.gguf", "X-MMPROJ-F16.gguf"]).unwrap(),
            "X.GGUF"
        );
        assert!(
            chosen(&["x-Q8_0.gguf", "x-f16.gguf"])
                .unwrap_err()
                .contains("x-Q8_0.gguf, x-f16.gguf")
        );
        let parts = [
            "Q4_K_M/x-00002-of-00002.gguf",
            "Q4_K_M/x-00001-of-00002.gguf",
            "Q8_0/x-00001-of-00002.gguf",
        ];
        assert_eq!(
            chosen(&parts).unwrap(),
            "Q4_K_M/x-00001-of-00002.gguf Q4_K_M/x-00002-of-00002.gguf"
        );
        assert!(chosen(&parts[..1]).unwrap_err().contains("lacks part 1 of 2"));
    }

    #[test]
    fn a_tokenizer_is_needed_whole() {
        let with = |model_type: &str, more: &[&str]| {
            choose(model_type, &[&["config.json", "model.safetensors"], more].concat())
        };
        for (model_type, enough) in [
            ("marian", &["vocab.json", "source.spm", "target.spm"][..]),
            ("m2m_100", &["vocab.json", "sentencepiece.bpe.model"]),
            ("m2m_100", &["tokenizer.json"]),
            ("mbart", &["sentencepiece.bpe.model"]),
            ("t5", &["spiece.model"]),
            ("llama", &["tokenizer.json"]),
        ] {
            assert!(with(model_type, enough).is_ok(), "{model_type}");
            let error = with(model_type, &enough[1..]).unwrap_err();
            assert!(error.contains("no whole tokenizer"), "{error}");
        }
        // Not enough for a decoder-only model.
        assert!(
            with("llama", &["tokenizer.model", "tokenizer_config.json"])
                .unwrap_err()
                .contains("tokenizer.json")
        );
    }

    #[test]
    fn parts_of_a_split_model_are_known_by_name() {
        assert_eq!(
            first_part_name("a-00002-of-00003.gguf").as_deref(),
            Some("a-00001-of-00003.gguf")
        );
        for other in [
            "a-00001-of-00003.gguf",
            "a.gguf",
            "a-2-of-3.gguf",
            "of-.gguf",
            "ก.gguf",
            "gguf",
        ] {
            assert_eq!(first_part_name(other), None, "{other}");
        }
        assert_eq!(gguf_model_name("a-00002-of-00003.gguf"), "a");
        assert_eq!(gguf_model_name("a.GGUF"), "a");
        assert_eq!(gguf_model_name("ไทย"), "ไทย");
    }
}
