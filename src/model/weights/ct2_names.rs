//! Names of variables in CTranslate2's files, by the names that BART's checkpoints on the Hub give the same weights.

/// One variable of a CTranslate2 file, or one of `count` parts of equal size, which follow each other in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct VariablePart {
    /// Name of the variable.
    pub name: String,
    /// Index of the part.
    pub index: usize,
    /// Number of parts; 1 if the variable is not divided.
    pub count: usize,
}

impl VariablePart {
    /// Describes the whole of a variable.
    pub fn whole(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            index: 0,
            count: 1,
        }
    }

    /// Finds the variable of a tensor; none for a name that no part of a model has.
    ///
    /// Queries, keys and values are one variable in self-attention, and keys and values are one in cross-attention
    /// (`converters/utils.py`, `fuse_linear`).
    pub fn from_tensor_name(tensor: &str) -> Option<Self> {
        match tensor {
            "lm_head.weight" => return Some(Self::whole("decoder/projection/weight")),
            "final_logits_bias" => return Some(Self::whole("decoder/projection/bias")),
            _ => {}
        }
        let (side, rest) = tensor.strip_prefix("model.")?.split_once('.')?;
        if !["encoder", "decoder"].contains(&side) {
            return None;
        }
        let whole = |name: &str| Some(Self::whole(format!("{side}/{name}")));
        match rest {
            "embed_tokens.weight" if side == "encoder" => return whole("embeddings_0/weight"),
            "embed_tokens.weight" => return whole("embeddings/weight"),
            "embed_positions.weight" => return whole("position_encodings/encodings"),
            "relative_attention_bias.weight" => return whole("layer_0/self_attention/relative_attention_bias"),
            _ => {}
        }
        let (path, kind) = rest.rsplit_once('.')?;
        let norm_kind = match kind {
            "weight" => "gamma",
            "bias" => "beta",
            _ => return None,
        };
        if ["layernorm_embedding", "layer_norm"].contains(&path) {
            return whole(&format!("{path}/{norm_kind}"));
        }
        let (number, path) = path.strip_prefix("layers.")?.split_once('.')?;
        let (name, index, count) = match path {
            "self_attn.q_proj" => ("self_attention/linear_0", 0, 3),
            "self_attn.k_proj" => ("self_attention/linear_0", 1, 3),
            "self_attn.v_proj" => ("self_attention/linear_0", 2, 3),
            "self_attn.out_proj" => ("self_attention/linear_1", 0, 1),
            "encoder_attn.q_proj" => ("attention/linear_0", 0, 1),
            "encoder_attn.k_proj" => ("attention/linear_1", 0, 2),
            "encoder_attn.v_proj" => ("attention/linear_1", 1, 2),
            "encoder_attn.out_proj" => ("attention/linear_2", 0, 1),
            "fc1" => ("ffn/linear_0", 0, 1),
            "fc1_gate" => ("ffn/linear_0_noact", 0, 1),
            "fc2" => ("ffn/linear_1", 0, 1),
            "self_attn_layer_norm" => ("self_attention/layer_norm", 0, 1),
            "encoder_attn_layer_norm" => ("attention/layer_norm", 0, 1),
            "final_layer_norm" => ("ffn/layer_norm", 0, 1),
            _ => return None,
        };
        let kind = if name.ends_with("layer_norm") { norm_kind } else { kind };
        Some(Self {
            name: format!("{side}/layer_{number}/{name}/{kind}"),
            index,
            count,
        })
    }
}
