//! Tells SMaLL-100 from M2M-100 by a checkpoint's files. Both have the same layers and the same tokens, but SMaLL-100 is
//! told the target language in the encoder, and nothing is forced in the decoder.

use super::disk::read_json_file;
use serde_json::Value;
use std::path::Path;

/// The token that tells SMaLL-100's encoder to write English.
pub(super) const ENGLISH_TOKEN: &str = "__en__";

/// The most tokens of an output that M2M-100's own checkpoints ask for (`max_length`); SMaLL-100's asks for 256.
const M2M100_MAX_LENGTH: u64 = 200;

/// Whether a directory with a checkpoint of M2M-100's layers holds SMaLL-100; `config` is its parsed `config.json`.
///
/// It does if its tokenizer is SMaLL-100's. Otherwise its shape decides: SMaLL-100 and what was tuned from it have fewer
/// layers in the decoder than in the encoder, all published M2M-100 models as many.
pub(super) fn is_small100(directory: &Path, config: &Value) -> bool {
    let read = |name: &str| read_json_file(&directory.join(name)).unwrap_or_default();
    let tokenizer = read("tokenizer_config.json");
    let class = tokenizer["tokenizer_class"].as_str().unwrap_or_default();
    if class.eq_ignore_ascii_case("SMALL100Tokenizer") || directory.join("tokenization_small100.py").is_file() {
        return true;
    }
    // NLLB has M2M-100's layers too, and other tokenizer files.
    if class.starts_with("Nllb") || !directory.join("vocab.json").is_file() {
        return false;
    }
    let [encoder, decoder] = ["encoder_layers", "decoder_layers"].map(|key| config[key].as_u64());
    let is_shallow = matches!((encoder, decoder), (Some(encoder), Some(decoder)) if decoder < encoder);
    let generation = read("generation_config.json");
    let max_length = generation["max_length"].as_u64().or(config["max_length"].as_u64());
    is_shallow && max_length != Some(M2M100_MAX_LENGTH)
}
