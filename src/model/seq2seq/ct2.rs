//! The configuration of a model in CTranslate2's format: read from the variables of its `model.bin` and their shapes.
//!
//! References: CTranslate2 4.8.5 `python/ctranslate2/specs/transformer_spec.py`, `src/layers/transformer.cc`.

use super::config::{Biases, PositionScheme, Seq2SeqConfig, StackConfig};
use crate::error::{Error, Result};
use crate::model::Architecture;
use crate::model::cpu::ops::ActivationFunction;
use crate::model::weights::{Ct2Weights, Scalar};
use serde_json::Value;

/// Settings that change nothing in translation, or only with a value other than 0.
const OTHER_SETTINGS: [(&str, Harmless); 9] = [
    ("alignment_layer", Harmless::Always),
    ("alignment_heads", Harmless::Always),
    ("embeddings_merge", Harmless::Always),
    ("alibi_use_positive_positions", Harmless::Always),
    ("alibi", Harmless::IfZero),
    ("scale_alibi", Harmless::IfZero),
    ("multi_query_attention", Harmless::IfZero),
    ("sliding_window", Harmless::IfZero),
    ("with_source_bos", Harmless::IfZero),
];

/// When a setting changes nothing.
#[derive(Clone, Copy, PartialEq)]
enum Harmless {
    Always,
    IfZero,
}

/// Finds the architecture whose conventions a model in CTranslate2's format follows: how its languages are named, and
/// what its vocabulary looks like. `has` tells whether a token is in the vocabulary.
pub fn recognise_architecture(weights: &Ct2Weights, has: &dyn Fn(&str) -> bool) -> Result<Architecture> {
    let flag = |name: &str| Ok::<_, Error>(weights.scalar(name)?.is_some_and(|flag| flag.value != 0.0));
    Ok(
        if weights.has_variable("decoder/layer_0/self_attention/relative_attention_bias") {
            Architecture::T5
        } else if has("en_XX") && weights.has_variable("decoder/layernorm_embedding/gamma") {
            Architecture::Mbart
        } else if has("__en__") || has("eng_Latn") {
            Architecture::M2m100
        } else if flag("decoder/start_from_zero_embedding")? {
            Architecture::Marian
        } else {
            Architecture::Transformer
        },
    )
}

/// Reads the dimensions and settings of one side, the encoder or the decoder.
struct SideReader<'a> {
    weights: &'a Ct2Weights,
    side: &'static str,
}

impl SideReader<'_> {
    fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.side)
    }

    /// Reads a setting of this side; before revision 5, both sides share it.
    fn setting(&self, name: &str) -> Result<Option<Scalar>> {
        match self.weights.scalar(&self.name(name))? {
            Some(value) => Ok(Some(value)),
            None => self.weights.scalar(name),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.weights.has_variable(&self.name(name))
    }

    fn fail(&self, name: &str, message: impl Into<String>) -> Error {
        self.weights.variable_error(&self.name(name), message)
    }

    /// Gives the two sizes of a matrix, of which none is 0.
    fn matrix_shape(&self, name: &str) -> Result<[usize; 2]> {
        match self.weights.shape(&self.name(name)) {
            None => Err(self.fail(name, "missing; a matrix is expected")),
            Some([rows, columns]) if *rows > 0 && *columns > 0 => Ok([*rows, *columns]),
            Some(shape) => Err(self.fail(name, format!("is {shape:?}; a matrix is expected"))),
        }
    }

    /// Gives the shape of the embedding, and refuses a second one.
    fn embedding(&self) -> Result<[usize; 2]> {
        if self.side == "decoder" {
            return self.matrix_shape("embeddings/weight");
        }
        if self.has("embeddings_1/weight") {
            return Err(self.fail(
                "embeddings_1/weight",
                "is a second embedding of the source (factors), which plae does not compute",
            ));
        }
        self.matrix_shape("embeddings_0/weight")
    }

    /// Reads the dimensions of this side, and the size of its attention heads.
    fn stack(&self, width: usize) -> Result<(StackConfig, usize)> {
        let [vocabulary, _] = self.embedding()?;
        let heads = self.setting("num_heads")?.map_or(8.0, |heads| heads.value);
        if heads < 1.0 {
            return Err(self.fail("num_heads", format!("is {heads}")));
        }
        let heads = heads as usize;
        let [inner, columns] = self.matrix_shape("layer_0/self_attention/linear_0/weight")?;
        if !inner.is_multiple_of(3 * heads) || columns != width {
            let message = format!("is [{inner}, {columns}]: queries, keys and values of {heads} heads are expected");
            return Err(self.fail("layer_0/self_attention/linear_0/weight", message));
        }
        let count = |layers: &usize| self.has(&format!("layer_{layers}/self_attention/linear_0/weight"));
        let [feed_forward, _] = self.matrix_shape("layer_0/ffn/linear_0/weight")?;
        let stack = StackConfig {
            layers: (0..).take_while(count).count(),
            heads,
            feed_forward,
            vocabulary,
        };
        Ok((stack, inner / 3 / heads))
    }

    /// Reads the factor on embeddings: a flag that stands for the square root of the width, or the factor itself.
    fn embedding_scale(&self, width: usize) -> Result<f32> {
        Ok(match self.setting("scale_embeddings")? {
            Some(scale) if !scale.is_flag => scale.value,
            Some(flag) if flag.value == 0.0 => 1.0,
            _ => (width as f32).sqrt(),
        })
    }

    fn activation(&self) -> Result<ActivationFunction> {
        let number = self.setting("activation")?.map_or(0.0, |number| number.value);
        Ok(match number as i32 {
            0 => ActivationFunction::Relu,
            1 => ActivationFunction::GeluTanh,
            2 => ActivationFunction::Silu,
            3 => ActivationFunction::Gelu,
            _ => {
                return Err(self.fail(
                    "activation",
                    format!("{number} is not an activation that plae computes"),
                ));
            }
        })
    }

    /// Whether dot products of queries and keys are scaled by the size of a head, as they are without a setting.
    fn scales_queries(&self) -> Result<bool> {
        let name = "layer_0/self_attention/queries_scale";
        match self.weights.scalar(&self.name(name))? {
            None => Ok(true),
            Some(scale) if scale.value == 1.0 => Ok(false),
            Some(scale) => Err(self.fail(name, format!("{} is not a factor that plae computes with", scale.value))),
        }
    }

    /// Reads the settings that T5 stores in each layer, and refuses layers that differ.
    fn check_layers(&self, layers: usize) -> Result<()> {
        let parts: &[&str] = match self.side {
            "decoder" => &["self_attention", "attention"],
            _ => &["self_attention"],
        };
        let first = self
            .weights
            .scalar(&self.name("layer_0/self_attention/queries_scale"))?;
        for layer in 0..layers {
            for part in parts {
                let name = format!("layer_{layer}/{part}/queries_scale");
                let scale = self.weights.scalar(&self.name(&name))?;
                if scale.map(|scale| scale.value) != first.map(|scale| scale.value) {
                    return Err(self.fail(&name, "differs from that of the first layer"));
                }
            }
            for setting in ["relative_attention_bias", "relative_attention_max_distance"] {
                let [own, first] =
                    [layer, 0].map(|layer| self.name(&format!("layer_{layer}/self_attention/{setting}")));
                if !self.weights.has_variable(&own) && !self.weights.has_variable(&first) {
                    continue;
                }
                let is_same = self.weights.is_same(&own, &first)
                    || (self.weights.shape(&own) == Some(&[])
                        && self.weights.scalar(&own)?.map(|own| own.value)
                            == self.weights.scalar(&first)?.map(|first| first.value));
                if !is_same {
                    return Err(self.weights.variable_error(
                        &own,
                        "differs from that of the first layer (UMT5), which plae does not compute",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Reads how positions count.
    fn positions(&self) -> Result<(PositionScheme, Option<usize>)> {
        let prefix = "layer_0/self_attention";
        if self.has(&format!("{prefix}/relative_attention_bias")) {
            let [buckets, _] = self.matrix_shape(&format!("{prefix}/relative_attention_bias"))?;
            let name = format!("{prefix}/relative_attention_max_distance");
            let most = self.weights.scalar(&self.name(&name))?.map_or(128.0, |most| most.value) as usize;
            if buckets < 4 || most <= buckets / 2 {
                return Err(self.fail(&name, format!("{buckets} buckets do not fit distances up to {most}")));
            }
            return Ok((PositionScheme::Relative { buckets, most }, None));
        }
        if self.has("position_encodings/encodings") {
            let [count, _] = self.matrix_shape("position_encodings/encodings")?;
            return Ok((PositionScheme::Learned { first: 0 }, Some(count)));
        }
        // `SinusoidalPositionEncoder` computes what fairseq does, but its first position has number 1, and no token is
        // passed over.
        Ok((PositionScheme::Fairseq { first: 1 }, None))
    }
}

impl Seq2SeqConfig {
    /// Reads the configuration of a model from its variables and its `config.json`, which may be null.
    ///
    /// # Errors
    /// Fails with an error of kind `Model`, with the variable that is missing, does not fit, or stands for something
    /// that plae does not compute.
    pub fn from_ct2(weights: &Ct2Weights, config_json: &Value) -> Result<Self> {
        let [source, target] = ["encoder", "decoder"].map(|side| SideReader { weights, side });
        let [_, width] = target.embedding()?;
        let [_, source_width] = source.embedding()?;
        if source_width != width {
            return Err(source.fail(
                "embeddings_0/weight",
                format!("has {source_width} columns, {width} expected"),
            ));
        }
        let (encoder, encoder_dim) = source.stack(width)?;
        let (decoder, decoder_dim) = target.stack(width)?;
        source.check_layers(encoder.layers)?;
        target.check_layers(decoder.layers)?;
        let rms = !target.has("layer_0/self_attention/layer_norm/beta");
        let epsilon = config_json["layer_norm_epsilon"]
            .as_f64()
            .unwrap_or(if rms { 1e-6 } else { 1e-5 });
        let (positions, max_positions) = target.positions()?;
        let flag = |side: &SideReader, name: &str, default: bool| -> Result<bool> {
            Ok(side.setting(name)?.map_or(default, |flag| flag.value != 0.0))
        };
        for (name, equal) in [
            (
                "pre_norm",
                flag(&source, "pre_norm", true)? == flag(&target, "pre_norm", true)?,
            ),
            ("activation", source.activation()? == target.activation()?),
            (
                "scale_embeddings",
                source.embedding_scale(width)? == target.embedding_scale(width)?,
            ),
            (
                "layer_0/self_attention/queries_scale",
                source.scales_queries()? == target.scales_queries()?,
            ),
            (
                "layer_0/ffn/linear_0_noact/weight",
                source.has("layer_0/ffn/linear_0_noact/weight") == target.has("layer_0/ffn/linear_0_noact/weight"),
            ),
            (
                "layernorm_embedding/gamma",
                source.has("layernorm_embedding/gamma") == target.has("layernorm_embedding/gamma"),
            ),
            (
                "layer_norm/gamma",
                source.has("layer_norm/gamma") == target.has("layer_norm/gamma"),
            ),
            (
                "position_encodings/encodings",
                source.positions()? == (positions, max_positions),
            ),
        ] {
            if !equal {
                return Err(target.fail(name, "differs from the encoder's, which plae does not compute"));
            }
        }
        let output_scale = weights
            .scalar("decoder/scale_outputs")?
            .map_or(1.0, |scale| scale.value);
        let config = Self {
            hidden_size: width,
            head_dims: [encoder_dim, decoder_dim],
            encoder,
            decoder,
            activation: target.activation()?,
            gated: target.has("layer_0/ffn/linear_0_noact/weight"),
            norm_first: flag(&target, "pre_norm", true)?,
            t5_names: false,
            biases: Biases::Stored,
            scales_queries: target.scales_queries()?,
            epsilon: epsilon as f32,
            embedding_scale: target.embedding_scale(width)?,
            embedding_norm: target.has("layernorm_embedding/gamma"),
            positions,
            max_positions,
            // No token is passed over.
            pad: u32::MAX,
            // Where a weight stands under several names, its own counts, and aliases are one.
            shared: true,
            separable: false,
            tied: true,
            output_scale,
            final_norm: target.has("layer_norm/gamma"),
            starts_from_zero: flag(&target, "start_from_zero_embedding", false)?,
        };
        for side in ["", "encoder/", "decoder/"] {
            for (name, harmless) in OTHER_SETTINGS {
                let name = format!("{side}{name}");
                let value = weights.scalar(&name)?;
                if harmless == Harmless::IfZero && value.is_some_and(|value| value.value != 0.0) {
                    return Err(weights.variable_error(&name, "is a setting that plae does not compute"));
                }
            }
        }
        Ok(config)
    }
}

/// Refuses a model with a variable that loading did not use: it stands for something that plae does not compute.
///
/// # Errors
/// Fails with an error of kind `Model` that names the variable.
pub fn refuse_unread(weights: &Ct2Weights) -> Result<()> {
    match weights.unread_variables().first() {
        None => Ok(()),
        Some(name) => Err(weights.variable_error(name, "is a part of a model that plae does not compute")),
    }
}

#[cfg(test)]
mod tests {
    use crate::error::ErrorKind;
    use crate::model::cpu::matrix::ActivationPrecision;
    use crate::model::seq2seq::{ComputeBackend, load_ct2};
    use crate::model::{Architecture, OutputTokenIds};
    use crate::model::{TranslationModel, weights::Ct2Weights};
    use serde_json::Value;
    use std::path::Path;

    fn golden(name: &str) -> Vec<u8> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/ct2");
        std::fs::read(directory.join(name).join("model.bin")).expect("a conversion")
    }

    fn load(directory: &Path, bytes: &[u8]) -> crate::error::Result<Box<dyn TranslationModel>> {
        std::fs::write(directory.join("model.bin"), bytes).expect("written");
        let ids = OutputTokenIds {
            start: vec![2],
            end: vec![2],
            allowed: None,
        };
        load_ct2(
            directory,
            &Value::Null,
            ids,
            ComputeBackend::Cpu(ActivationPrecision::Int8),
        )
    }

    /// Replaces the first `from` by `to`.
    fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
        let at = bytes
            .windows(from.len())
            .position(|window| window == from)
            .expect("a part of the file");
        [&bytes[..at], to, &bytes[at + from.len()..]].concat()
    }

    #[test]
    fn architectures_are_known_by_what_their_files_hold() {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, token, architecture) in [
            ("marian-tied-int8", "x", Architecture::Marian),
            ("m2m100-int8", "__en__", Architecture::M2m100),
            ("nllb-int8", "eng_Latn", Architecture::M2m100),
            ("nllb-int8", "x", Architecture::Transformer),
            ("mbart50-int8_float16", "en_XX", Architecture::Mbart),
            ("t5-madlad-int8", "x", Architecture::T5),
        ] {
            std::fs::write(directory.path().join("model.bin"), golden(name)).expect("written");
            let weights = Ct2Weights::open(directory.path()).expect(name);
            let found = super::recognise_architecture(&weights, &|other| other == token).expect(name);
            assert_eq!(found, architecture, "{name}");
        }
    }

    /// Damage of 300 kinds is an error with the file's name, or leaves a model that loads; none is a panic, and none
    /// allocates by a number that the file does not bear out.
    #[test]
    fn damaged_files_are_errors_that_name_the_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut refused = 0;
        for name in ["nllb-int8", "t5-madlad-int8"] {
            let whole = golden(name);
            load(directory.path(), &whole).map(drop).expect(name);
            let mut check = |bytes: &[u8], what: &str| {
                if let Err(error) = load(directory.path(), bytes) {
                    refused += 1;
                    assert_eq!(error.kind, ErrorKind::Model, "{what}: {error}");
                    assert!(error.path.is_some(), "{what}: {error}");
                }
            };
            let length = whole.len();
            for part in 0..50 {
                check(&whole[..length * part / 50], "cut short");
                // Numbers of the header, of variables and of values, by a fixed sequence of places.
                let at = (part * part * 7919 + part * 31) % length;
                for value in [0, 0xff] {
                    let mut bytes = whole.clone();
                    let end = (at + 4).min(length);
                    bytes[at..end].fill(value);
                    check(&bytes, "overwritten");
                }
            }
        }
        assert!(refused >= 120, "{refused}");
    }

    #[test]
    fn flaws_are_named_with_their_variable() {
        let directory = tempfile::tempdir().expect("a directory");
        let whole = golden("nllb-int8");
        let name = b"decoder/layer_0/ffn/linear_0/weight\0";
        let shape = [&name[..], &[2, 64, 0, 0, 0, 32, 0, 0, 0, 1]].concat();
        let with_shape = |rank: u8, rows: [u8; 4], kind: u8| {
            let mut changed = name.to_vec();
            changed.push(rank);
            changed.extend(rows);
            changed.extend([32, 0, 0, 0, kind]);
            replace(&whole, &shape, &changed)
        };
        let weight = "variable decoder/layer_0/ffn/linear_0/weight";
        for (bytes, place, message) in [
            (with_shape(2, [64, 0, 0, 0], 9), Some(weight), "number type 9"),
            (with_shape(2, [0xff; 4], 1), Some(weight), "2048 bytes"),
            (with_shape(9, [64, 0, 0, 0], 1), Some(weight), "9 dimensions"),
            (
                replace(
                    &whole,
                    b"decoder/layer_0/ffn/linear_0/weight\0",
                    b"decoder/layer_0/ffn/linear_0/weighs\0",
                ),
                Some(weight),
                "missing",
            ),
            (
                replace(
                    &whole,
                    b"decoder/layer_0/ffn/linear_0/weight_scale\0",
                    b"decoder/layer_0/ffn/linear_0/weight_scal_\0",
                ),
                Some("variable decoder/layer_0/ffn/linear_0/weight_scale"),
                "64 factors",
            ),
            (
                replace(
                    &whole,
                    b"encoder/multi_query_attention\0\0\x01\x01\0\0\0\0",
                    b"encoder/multi_query_attention\0\0\x01\x01\0\0\0\x01",
                ),
                Some("variable encoder/multi_query_attention"),
                "does not compute",
            ),
            (
                replace(
                    &whole,
                    b"encoder/multi_query_attention\0",
                    b"encoder/multi_query_attentiom\0",
                ),
                Some("variable encoder/multi_query_attentiom"),
                "does not compute",
            ),
            (
                replace(
                    &whole,
                    b"decoder/activation\0\0\x01\x01\0\0\0\0",
                    b"decoder/activation\0\0\x01\x01\0\0\0\x06",
                ),
                Some("variable decoder/activation"),
                "6 is not an activation",
            ),
            (
                replace(&whole, b"TransformerSpec", b"WhisperSpec\0\0\0\0"),
                None,
                "Whisper",
            ),
            (
                replace(&whole, b"TransformerSpec\0\x07", b"TransformerSpec\0\x08"),
                None,
                "revision 8",
            ),
            (replace(&whole, b"\x06", b"\x07"), None, "begins with 7"),
            (b"PK\x03\x04".to_vec(), None, "version 5 or 6"),
            (Vec::new(), None, "the file ends at 0"),
        ] {
            let error = load(directory.path(), &bytes).map(drop).expect_err(message);
            assert_eq!(error.place.as_deref(), place, "{message}: {error}");
            assert!(error.message.contains(message), "{message}: {error}");
            assert_eq!(
                error.path,
                Some(directory.path().join("model.bin")),
                "{message}: {error}"
            );
        }
    }
}
