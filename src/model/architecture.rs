//! The architectures that plae computes: one table of their names.

use serde::Deserialize;
use std::fmt;

/// A model's kind: which implementation computes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    Marian,
    /// M2M-100 and what shares its layers: NLLB, SMaLL-100.
    M2m100,
    Mbart,
    /// T5 version 1.1, MADLAD-400.
    T5,
    Gemma2,
    Gemma3,
    Qwen3,
    HunyuanDense,
    Llama,
    Mistral,
}

impl Architecture {
    /// Each architecture with plae's name of it and the names that Hugging Face configurations (`model_type`) and GGUF files
    /// (`general.architecture`) use.
    const NAMES: [(Self, &'static str, &'static [&'static str]); 10] = [
        (Self::Marian, "marian", &["marian"]),
        (Self::M2m100, "m2m100", &["m2m_100"]),
        (Self::Mbart, "mbart", &["mbart"]),
        (Self::T5, "t5", &["t5"]),
        (Self::Gemma2, "gemma2", &["gemma2"]),
        (Self::Gemma3, "gemma3", &["gemma3", "gemma3_text"]),
        (Self::Qwen3, "qwen3", &["qwen3"]),
        (
            Self::HunyuanDense,
            "hunyuan-dense",
            &["hunyuan-dense", "hunyuan_v1_dense"],
        ),
        (Self::Llama, "llama", &["llama"]),
        (Self::Mistral, "mistral", &["mistral"]),
    ];

    /// The architecture that a `config.json` (`model_type`) or a GGUF file (`general.architecture`) names.
    pub fn from_model_type(name: &str) -> Option<Self> {
        let known = Self::NAMES.iter().find(|(_, _, types)| types.contains(&name));
        known.map(|(architecture, ..)| *architecture)
    }

    /// Whether source and output are one sequence.
    pub fn is_decoder_only(self) -> bool {
        !matches!(self, Self::Marian | Self::M2m100 | Self::Mbart | Self::T5)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Self::NAMES.iter().find(|(architecture, ..)| architecture == self);
        f.write_str(known.map_or("unknown", |(_, name, _)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn architectures_are_known_by_their_own_and_others_names() {
        for (architecture, name, types) in Architecture::NAMES {
            assert_eq!(architecture.to_string(), name);
            for model_type in types {
                assert_eq!(Architecture::from_model_type(model_type), Some(architecture));
            }
        }
        assert_eq!(Architecture::from_model_type("bert"), None);
    }
}
