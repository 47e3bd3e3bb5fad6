//! Gives a GGUF file's tensors under their names in Hugging Face checkpoints (llama.cpp
//! `gguf-py/gguf/tensor_mapping.py`).

use super::gguf::{GgufFile, StoredRows};
use super::source::{MatrixRequest, WeightSource};
use crate::error::{Error, Result};
use crate::model::cpu::ggml::dequantize_values;
use crate::model::cpu::matrix::{ActivationPrecision, Matrix};
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

/// A [`WeightSource`] that reads the weights of a decoder-only model from a GGUF file.
pub(in crate::model) struct GgufWeights<'a> {
    gguf: &'a GgufFile,
    /// Whether the architecture has norms also after its attention and feed-forward layers, as Gemma does.
    post_norms: bool,
    /// Names, in the file, of the tensors that were read.
    used: RefCell<HashSet<String>>,
}

/// Beginnings of the names of tensors that text does not pass through: those of an image encoder, which some files hold
/// beside the model.
const IMAGE_TENSORS: [&str; 2] = ["v.", "mm."];
/// The tensor that the frequencies of the rotary embedding are divided by; the configuration reads it.
pub(in crate::model) const ROPE_FACTORS: &str = "rope_freqs.weight";

/// Names of a layer's parts: in a Hugging Face checkpoint, and in a GGUF file.
const LAYER_PART_NAMES: [(&str, &str); 14] = [
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("self_attn.query_layernorm", "attn_q_norm"),
    ("self_attn.key_layernorm", "attn_k_norm"),
    ("pre_feedforward_layernorm", "ffn_norm"),
    ("post_feedforward_layernorm", "post_ffw_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

impl<'a> GgufWeights<'a> {
    /// Makes a [`WeightSource`] of an open GGUF file. `post_norms` tells whether the architecture has norms also after its
    /// attention and feed-forward layers.
    pub fn new(gguf: &'a GgufFile, post_norms: bool) -> Self {
        Self {
            gguf,
            post_norms,
            used: RefCell::default(),
        }
    }

    /// Checks that the model has read all tensors of the file: one that it has not read is of something that it does not
    /// compute.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the name of a tensor that was not read.
    pub fn check_all_used(&self) -> Result<()> {
        let used = self.used.borrow();
        let is_left = |name: &&str| {
            !used.contains(*name) && *name != ROPE_FACTORS && !IMAGE_TENSORS.iter().any(|start| name.starts_with(start))
        };
        match self.gguf.tensor_names().filter(is_left).min() {
            None => Ok(()),
            Some(name) => Err(Error::model("is of a part of the model that is not computed")
                .path(self.gguf.path())
                .place(format!("tensor {name}"))
                .hint("the file is of a kind that this version does not run; take another file of the model, or its safetensors")),
        }
    }

    /// Translates the name of a tensor that is read.
    fn use_tensor(&self, name: &str) -> String {
        let name = self.stored_tensor_name(name);
        self.used.borrow_mut().insert(name.clone());
        name
    }

    /// Translates a tensor's Hugging Face name to its name in the GGUF file; a name that has no translation stays as
    /// it is.
    fn stored_tensor_name(&self, name: &str) -> String {
        self.translate_tensor_name(name).unwrap_or_else(|| name.to_owned())
    }

    fn translate_tensor_name(&self, name: &str) -> Option<String> {
        match name {
            "model.embed_tokens.weight" => return Some("token_embd.weight".to_owned()),
            "model.norm.weight" => return Some("output_norm.weight".to_owned()),
            "lm_head.weight" => return Some("output.weight".to_owned()),
            _ => {}
        }
        let (layer, rest) = name.strip_prefix("model.layers.")?.split_once('.')?;
        let (part, kind) = rest.rsplit_once('.')?;
        let part = match part {
            // Llama calls the norm before the feed-forward layer by the name that Gemma has for the norm after
            // attention.
            "post_attention_layernorm" if self.post_norms => "post_attention_norm",
            "post_attention_layernorm" => "ffn_norm",
            part => LAYER_PART_NAMES.iter().find(|(known, _)| *known == part)?.1,
        };
        Some(format!("blk.{layer}.{part}.{kind}"))
    }
}

impl WeightSource for GgufWeights<'_> {
    fn has_tensor(&self, name: &str) -> bool {
        self.gguf.has_tensor(&self.stored_tensor_name(name))
    }

    fn tensor_row_count(&self, name: &str) -> Option<usize> {
        self.gguf
            .find_tensor(&self.stored_tensor_name(name))
            .ok()
            .map(|tensor| tensor.rows)
    }

    fn read_floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let name = self.use_tensor(name);
        match *shape {
            [rows, columns] => {
                let tensor = self.gguf.find_tensor_with_shape(&name, rows, columns)?;
                let values = dequantize_values(tensor.dtype, tensor.bytes, rows * columns);
                let values = values.map_err(|error| self.unusable_tensor_error(&name, &error))?;
                self.gguf.release_tensor(tensor);
                Ok(values)
            }
            _ => self.gguf.read_vector(&name, shape.iter().product()),
        }
    }

    fn read_quantized(&self, wanted: MatrixRequest, activations: ActivationPrecision) -> Result<Option<Arc<Matrix>>> {
        let [name] = wanted.names else {
            return Ok(None);
        };
        let name = self.use_tensor(name);
        let tensor = self.gguf.find_tensor_with_shape(&name, wanted.rows, wanted.columns)?;
        let matrix = Matrix::from_gguf(tensor, wanted.kept, activations);
        let matrix = matrix.map_err(|error| self.unusable_tensor_error(&name, &error))?;
        self.gguf.release_tensor(tensor);
        Ok(Some(Arc::new(matrix)))
    }

    fn open_stored_rows(&self, name: &str, rows: usize, columns: usize) -> Result<Option<StoredRows>> {
        self.gguf
            .open_stored_rows(&self.use_tensor(name), rows, columns)
            .map(Some)
    }
}

impl GgufWeights<'_> {
    fn unusable_tensor_error(&self, name: &str, error: &candle_core::Error) -> Error {
        let message = error.to_string();
        let line = message.lines().next().unwrap_or_default();
        Error::model(format!("cannot be used: {line}"))
            .path(self.gguf.path())
            .place(format!("tensor {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn tensors_are_found_by_their_hugging_face_names() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/decoder/qwen3.gguf");
        let gguf = GgufFile::open(Path::new(path)).expect("the tiny model");
        let weights = GgufWeights::new(&gguf, false);
        assert!(weights.has_tensor("model.layers.0.post_attention_layernorm.weight"));
        assert!(!weights.has_tensor("model.layers.0.pre_feedforward_layernorm.bias"));
        assert_eq!(
            GgufWeights::new(&gguf, true).stored_tensor_name("model.layers.3.post_attention_layernorm.weight"),
            "blk.3.post_attention_norm.weight"
        );
        let names = ["model.embed_tokens.weight".to_owned()];
        let rows = weights.tensor_row_count(&names[0]).expect("an embedding");
        let columns = gguf.find_tensor("token_embd.weight").expect("an embedding").columns;
        // All ways to read a matrix give the same numbers.
        let floats = weights.read_floats(&names[0], &[rows, columns]).expect("numbers");
        let stored = weights
            .open_stored_rows(&names[0], rows, columns)
            .expect("rows")
            .expect("rows");
        let mut read = Vec::new();
        stored.append_rows(&[7, 3], 1.0, &mut read).expect("rows");
        assert_eq!(
            read,
            [&floats[7 * columns..][..columns], &floats[3 * columns..][..columns]].concat()
        );
        let wanted = MatrixRequest {
            names: &names,
            rows,
            columns,
            kept: Some(&[7, 3]),
        };
        let matrix = weights
            .read_quantized(wanted, ActivationPrecision::F32)
            .expect("a matrix")
            .expect("a matrix");
        let mut packed = Vec::new();
        matrix.dequantize_row(0, 1.0, &mut packed);
        matrix.dequantize_row(1, 1.0, &mut packed);
        assert_eq!(packed, read);
    }
}
