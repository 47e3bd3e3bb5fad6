//! The model architectures that plae can compute, with one table of everything about them that code outside `seq2seq`
//! and `decoder` needs.
//!
//! To add an architecture, add a variant and a table entry here, and its configuration in `seq2seq` or `decoder`.

use serde::Deserialize;
use std::fmt;

/// A model's architecture, as named in manifests; it decides which code in `seq2seq` or `decoder` computes the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// MarianMT: Opus-MT and other translators of the Marian toolkit.
    Marian,
    /// M2M-100 and models with the same layers: NLLB, SMaLL-100.
    M2m100,
    /// mBART and mBART-50.
    Mbart,
    /// T5 version 1.1, MADLAD-400.
    T5,
    /// Transformers of other toolkits, such as quickmt's (eole, OpenNMT), with source and target told by nothing.
    Transformer,
    /// Gemma 2.
    Gemma2,
    /// Gemma 3; only its text part is computed, not its vision part.
    Gemma3,
    /// Qwen 3, the dense models (no mixture of experts).
    Qwen3,
    /// Hunyuan version 1, the dense models (no mixture of experts).
    HunyuanDense,
    /// Llama 2 and 3.
    Llama,
    /// Mistral 7B and models with the same layers.
    Mistral,
}

/// Whether a model is an encoder-decoder or decoder-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchitectureFamily {
    /// An encoder reads the source, a decoder writes the output.
    EncoderDecoder,
    /// Source and output are one token sequence; the source stands inside a prompt, and the model continues it.
    DecoderOnly,
}

/// One row of [`ARCHITECTURE_FACTS`]: the facts about one architecture.
struct ArchitectureFacts {
    architecture: Architecture,
    /// plae's own name of the architecture, used in manifests.
    name: &'static str,
    /// Names of the architecture in Hugging Face configurations (`model_type`) and GGUF files
    /// (`general.architecture`).
    model_types: &'static [&'static str],
    family: ArchitectureFamily,
    /// Begin-of-sequence token for checkpoints that name none and do not switch it off (`add_bos_token`); none if the
    /// architecture uses no begin token.
    default_bos: Option<&'static str>,
    /// Special token ids as `(key, id)`, used if `config.json` lacks the key (from transformers 4.57.1's
    /// configuration classes).
    default_ids: &'static [(&'static str, u32)],
    /// Whether the model is told the source and target languages by special tokens, which its vocabulary must then
    /// contain.
    needs_language_tokens: bool,
    /// Whether the values passed between layers stay within the range of float16.
    fits_f16: bool,
}

/// Default values from which the entries of encoder-decoder architectures are built.
const ENCODER_DECODER_DEFAULTS: ArchitectureFacts = ArchitectureFacts {
    architecture: Architecture::Marian,
    name: "",
    model_types: &[],
    family: ArchitectureFamily::EncoderDecoder,
    default_bos: None,
    default_ids: &[],
    needs_language_tokens: false,
    fits_f16: true,
};

/// Default values from which the entries of decoder-only architectures are built.
const DECODER_ONLY_DEFAULTS: ArchitectureFacts = ArchitectureFacts {
    family: ArchitectureFamily::DecoderOnly,
    ..ENCODER_DECODER_DEFAULTS
};

/// The facts about all architectures, in the order of the variants of [`Architecture`].
const ARCHITECTURE_FACTS: [ArchitectureFacts; 11] = [
    ArchitectureFacts {
        architecture: Architecture::Marian,
        name: "marian",
        model_types: &["marian"],
        default_ids: &[
            ("decoder_start_token_id", 58_100),
            ("pad_token_id", 58_100),
            ("eos_token_id", 0),
            ("forced_eos_token_id", 0),
        ],
        ..ENCODER_DECODER_DEFAULTS
    },
    ArchitectureFacts {
        architecture: Architecture::M2m100,
        name: "m2m100",
        model_types: &["m2m_100"],
        default_ids: &[
            ("decoder_start_token_id", 2),
            ("pad_token_id", 1),
            ("bos_token_id", 0),
            ("eos_token_id", 2),
        ],
        needs_language_tokens: true,
        ..ENCODER_DECODER_DEFAULTS
    },
    ArchitectureFacts {
        architecture: Architecture::Mbart,
        name: "mbart",
        model_types: &["mbart"],
        default_ids: &[
            ("pad_token_id", 1),
            ("bos_token_id", 0),
            ("eos_token_id", 2),
            ("forced_eos_token_id", 2),
        ],
        needs_language_tokens: true,
        ..ENCODER_DECODER_DEFAULTS
    },
    ArchitectureFacts {
        architecture: Architecture::T5,
        name: "t5",
        model_types: &["t5"],
        default_ids: &[("pad_token_id", 0), ("eos_token_id", 1)],
        fits_f16: false,
        ..ENCODER_DECODER_DEFAULTS
    },
    ArchitectureFacts {
        architecture: Architecture::Transformer,
        name: "transformer",
        ..ENCODER_DECODER_DEFAULTS
    },
    ArchitectureFacts {
        architecture: Architecture::Gemma2,
        name: "gemma2",
        model_types: &["gemma2"],
        default_bos: Some("<bos>"),
        ..DECODER_ONLY_DEFAULTS
    },
    ArchitectureFacts {
        architecture: Architecture::Gemma3,
        name: "gemma3",
        model_types: &["gemma3", "gemma3_text"],
        default_bos: Some("<bos>"),
        ..DECODER_ONLY_DEFAULTS
    },
    ArchitectureFacts {
        architecture: Architecture::Qwen3,
        name: "qwen3",
        model_types: &["qwen3"],
        ..DECODER_ONLY_DEFAULTS
    },
    ArchitectureFacts {
        architecture: Architecture::HunyuanDense,
        name: "hunyuan-dense",
        model_types: &["hunyuan-dense", "hunyuan_v1_dense"],
        ..DECODER_ONLY_DEFAULTS
    },
    ArchitectureFacts {
        architecture: Architecture::Llama,
        name: "llama",
        model_types: &["llama"],
        default_bos: Some("<s>"),
        ..DECODER_ONLY_DEFAULTS
    },
    ArchitectureFacts {
        architecture: Architecture::Mistral,
        name: "mistral",
        model_types: &["mistral"],
        default_bos: Some("<s>"),
        ..DECODER_ONLY_DEFAULTS
    },
];

impl Architecture {
    /// Finds the architecture by the name that a `config.json` (`model_type`) or a GGUF file (`general.architecture`)
    /// gives it; none if plae cannot compute it.
    pub fn from_model_type(name: &str) -> Option<Self> {
        let known = ARCHITECTURE_FACTS
            .iter()
            .find(|entry| entry.model_types.contains(&name));
        known.map(|entry| entry.architecture)
    }

    fn facts(self) -> &'static ArchitectureFacts {
        &ARCHITECTURE_FACTS[self as usize]
    }

    /// Tells whether the architecture is an encoder-decoder or decoder-only.
    pub fn family(self) -> ArchitectureFamily {
        self.facts().family
    }

    /// Whether the architecture is decoder-only: source and output are one token sequence.
    pub fn is_decoder_only(self) -> bool {
        self.family() == ArchitectureFamily::DecoderOnly
    }

    /// Gives the begin-of-sequence token for checkpoints that name none and do not switch it off; none if the
    /// architecture uses no begin token.
    pub fn default_bos(self) -> Option<&'static str> {
        self.facts().default_bos
    }

    /// Gives special token ids as `(key, id)`, to be used for keys that a checkpoint's `config.json` lacks.
    pub fn default_ids(self) -> &'static [(&'static str, u32)] {
        self.facts().default_ids
    }

    /// Whether the model is told the source and target languages by special tokens, which its vocabulary must then
    /// contain.
    pub fn needs_language_tokens(self) -> bool {
        self.facts().needs_language_tokens
    }

    /// Whether the model can be computed in float16 without overflow.
    pub fn fits_f16(self) -> bool {
        self.facts().fits_f16
    }
}

impl fmt::Display for Architecture {
    /// Writes plae's own name of the architecture, such as `m2m100`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.facts().name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn architectures_are_known_by_their_own_and_others_names() {
        for (index, entry) in ARCHITECTURE_FACTS.iter().enumerate() {
            assert_eq!(entry.architecture as usize, index, "{}: out of order", entry.name);
            assert_eq!(entry.architecture.to_string(), entry.name);
            let named = serde_json::from_value::<Architecture>(entry.name.into()).expect("a name of manifests");
            assert_eq!(named, entry.architecture);
            for model_type in entry.model_types {
                assert_eq!(Architecture::from_model_type(model_type), Some(entry.architecture));
            }
        }
        assert_eq!(Architecture::from_model_type("bert"), None);
    }

    #[test]
    fn families_and_choices_are_those_of_the_table() {
        assert!(Architecture::Llama.is_decoder_only() && !Architecture::T5.is_decoder_only());
        assert_eq!(Architecture::Mistral.default_bos(), Some("<s>"));
        assert_eq!(Architecture::Qwen3.default_bos(), None);
        assert!(!Architecture::T5.fits_f16() && Architecture::Mbart.needs_language_tokens());
        assert!(Architecture::Marian.default_ids().contains(&("pad_token_id", 58_100)));
    }
}
