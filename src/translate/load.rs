//! Loads a [`Translator`] from a model's files.

use super::language;
use super::prompt::InputFormat;
use super::{DeviceChoice, Translator};
use crate::catalog::{self, LocatedModel};
use crate::decode::{EarlyStopping, GenerationConfig};
use crate::error::{Error, ErrorKind, Hint, Result};
use crate::model::weights::gguf::GgufFile;
use crate::model::weights::token_lists::TokenLists;
use crate::model::{
    ActivationPrecision, Architecture, ComputeBackend, OutputTokenIds, TranslationModel, decoder, device, seq2seq,
};
use crate::tokenizer::{ChatTemplate, Tokenizer};
use candle_core::{DType, Device};
use serde_json::Value;
use std::sync::OnceLock;

/// The number format that a model computes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// `int8` for a GGUF file; otherwise `f32` on a CPU and `bf16` on a GPU, or `f32` on a GPU without bfloat16
    /// (NVIDIA's before Ampere). Never `f16`.
    #[default]
    Auto,
    /// 32-bit floats, except that the weights of a quantized file stay as they are in the file. For a GGUF file this is
    /// slow, and meant as a reference.
    F32,
    /// bfloat16, for encoder-decoder models only: for weight matrices and their products; on a CPU for the matrices
    /// alone, which halves their memory.
    Bf16,
    /// float16 where `Bf16` uses bfloat16. Its range of values is too small for T5 models.
    F16,
    /// 8-bit integers for activations and weights; the weights of a quantized file keep their own format. On a CPU
    /// only.
    Int8,
}

/// Which tokens an output may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputVocabulary {
    /// `English` for a model that was fetched by its name, `Full` for a model in files of the user's own.
    #[default]
    Auto,
    /// All of the model's tokens.
    Full,
    /// The tokens that English text can use, and every single character. Left out are longer tokens of other scripts,
    /// and for Marian models the tokens that the target language's tokenizer lacks. The logits of tokens left out are
    /// not computed.
    English,
}

/// Options for loading a model; by default plae chooses all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// The device that the model computes on. Default: the best that this build, the machine and the model support.
    pub device: DeviceChoice,
    /// The number format of weights and activations. Default: see [`Precision::Auto`].
    pub precision: Precision,
    /// The tokens that outputs may use. Default: see [`OutputVocabulary::Auto`].
    pub vocabulary: OutputVocabulary,
}

/// The parts of a translator that are read from a model's files in one of their formats, GGUF or a Hub directory.
struct LoadedParts {
    model: Box<dyn TranslationModel>,
    tokenizer: Tokenizer,
    input: InputFormat,
    generation: GenerationConfig,
    device: Device,
    /// Name of the number format, as [`Translator::precision_name`] returns it.
    precision: String,
}

impl Translator {
    /// Loads a model's weights and tokenizer from its files.
    ///
    /// # Errors
    /// Kind `Usage` for a device or precision that this build or this model does not have, of kind `Model` for
    /// files that are damaged or do not fit together, of kind `Memory` where the device has no room for the weights.
    pub fn open(located: &LocatedModel, options: LoadOptions) -> Result<Self> {
        let english = match options.vocabulary {
            OutputVocabulary::Auto => located.revision.is_some(),
            OutputVocabulary::Full => false,
            OutputVocabulary::English => true,
        };
        // A model in one file is a GGUF file: opening it checks its first bytes.
        let loaded = if located.path.is_dir() {
            load_directory(located, options, english)?
        } else {
            load_gguf(located, options, english)?
        };
        Ok(Self {
            model: loaded.model,
            tokenizer: loaded.tokenizer,
            manifest: located.manifest.clone(),
            generation: loaded.generation,
            path: located.path.clone(),
            input: loaded.input,
            revision: located.revision.clone(),
            device: loaded.device,
            precision: loaded.precision,
            prefixes: Default::default(),
            identity: OnceLock::new(),
        })
    }
}

fn load_gguf(located: &LocatedModel, options: LoadOptions, english: bool) -> Result<LoadedParts> {
    let path = &located.path;
    if !matches!(options.device, DeviceChoice::Auto | DeviceChoice::Cpu) {
        return Err(Error::usage("GGUF files run on the CPU only").hint(Hint::UseCpu));
    }
    let activations = match options.precision {
        Precision::Auto | Precision::Int8 => ActivationPrecision::Int8,
        Precision::F32 => ActivationPrecision::F32,
        Precision::Bf16 | Precision::F16 => {
            return Err(
                Error::usage("a GGUF file has no 16-bit form on the CPU").hint(Hint::UsePrecision(
                    "int8, which auto stands for here, or f32, slower and without rounding",
                )),
            );
        }
    };
    let gguf = GgufFile::open(path)?;
    let tokenizer = Tokenizer::from_gguf(&gguf)?;
    let ids = OutputTokenIds {
        start: Vec::new(),
        end: Tokenizer::gguf_end_ids(&gguf)?,
        allowed: english.then(|| tokenizer.english_ids()),
    };
    let model = decoder::load_from_gguf(&gguf, ids, activations)?;
    if tokenizer.len() > model.spec().vocabulary {
        let message = format!("{} tokens for {} embeddings", tokenizer.len(), model.spec().vocabulary);
        return Err(Error::model(message).path(path).place("tokenizer.ggml.tokens"));
    }
    Ok(LoadedParts {
        model,
        tokenizer,
        input: InputFormat::Prompt(ChatTemplate::from_gguf(&gguf)),
        generation: GenerationConfig::default(),
        device: Device::Cpu,
        precision: match activations {
            ActivationPrecision::Int8 => gguf.quantization_name().to_owned(),
            ActivationPrecision::F32 => format!("{} in f32", gguf.quantization_name()),
        },
    })
}

fn load_directory(located: &LocatedModel, options: LoadOptions, english: bool) -> Result<LoadedParts> {
    let path = &located.path;
    if catalog::is_ct2_directory(path) {
        return load_ct2(located, options, english);
    }
    let config = catalog::read_json_file(&path.join("config.json"))?;
    let model_type = config["model_type"].as_str().unwrap_or_default();
    let generation = path.join("generation_config.json");
    let generation = if generation.exists() {
        Some(catalog::read_json_file(&generation)?)
    } else {
        None
    };
    let generation = GenerationConfig::read(path, &config, generation.as_ref())?;
    let tokenizer = Tokenizer::from_directory(path, model_type)?;
    let ids = OutputTokenIds {
        start: Vec::new(),
        end: generation.end.clone(),
        allowed: english.then(|| tokenizer.english_ids()),
    };
    if located.manifest.architecture.is_decoder_only() {
        load_decoder(located, options, &config, ids, generation, tokenizer)
    } else {
        load_encoder_decoder(located, options, &config, ids, generation, tokenizer)
    }
}

/// The most tokens of an output, and the number of beams, of a model in CTranslate2's format: its files name none.
/// CTranslate2's own limit is 256; five beams are what quickmt's figures were published with.
const CT2_OUTPUT_TOKENS: usize = 256;
const CT2_BEAMS: usize = 5;

/// Loads an encoder-decoder model from the files of CTranslate2.
fn load_ct2(located: &LocatedModel, options: LoadOptions, english: bool) -> Result<LoadedParts> {
    let path = &located.path;
    let config = catalog::read_ct2_config(path)?;
    let lists = TokenLists::read_ct2(path, &config)?;
    let description = seq2seq::describe_ct2(path, &lists)?;
    let sizes = [lists.source.len(), lists.target_tokens().len()];
    for (tokens, rows) in sizes.into_iter().zip(description.vocabularies) {
        if tokens > rows {
            return Err(Error::model(format!("has {tokens} tokens, but model.bin has {rows}"))
                .path(&lists.path)
                .hint("the files are not of one model; fetch the model again"));
        }
    }
    let tokenizer = Tokenizer::from_token_lists(path, &lists, description.architecture)?;
    let generation = GenerationConfig {
        start: lists.start.as_ref().and_then(|start| lists.target_id(start)),
        end: lists.target_id(&lists.end).into_iter().collect(),
        beam: Some(CT2_BEAMS),
        max_new_tokens: Some(CT2_OUTPUT_TOKENS),
        // CTranslate2's `min_decoding_length`.
        min_new_tokens: Some(1),
        early_stopping: EarlyStopping::Full,
        suppress: lists.target_id(&lists.unknown).into_iter().collect(),
        // It takes disabled tokens out before its softmax.
        renormalize: true,
        ..GenerationConfig::default()
    };
    let is_padded = sizes[1] < description.vocabularies[1];
    let ids = OutputTokenIds {
        start: Vec::new(),
        end: generation.end.clone(),
        allowed: if english {
            Some(tokenizer.english_ids())
        } else {
            is_padded.then(|| (0..sizes[1] as u32).collect())
        },
    };
    let options = match options.precision {
        Precision::Auto if description.is_int8 && matches!(options.device, DeviceChoice::Auto | DeviceChoice::Cpu) => {
            LoadOptions {
                precision: Precision::Int8,
                device: DeviceChoice::Cpu,
                ..options
            }
        }
        _ => options,
    };
    load_encoder_decoder(located, options, &config, ids, generation, tokenizer)
}

/// Loads a decoder-only model from the files of a Hugging Face Hub repository.
fn load_decoder(
    located: &LocatedModel,
    options: LoadOptions,
    config: &Value,
    ids: OutputTokenIds,
    generation: GenerationConfig,
    tokenizer: Tokenizer,
) -> Result<LoadedParts> {
    let path = &located.path;
    if !matches!(options.device, DeviceChoice::Auto | DeviceChoice::Cpu) {
        return Err(Error::usage("decoder-only models run on the CPU only").hint(Hint::UseCpu));
    }
    let (activations, precision) =
        match options.precision {
            Precision::Auto | Precision::F32 => (ActivationPrecision::F32, "f32"),
            Precision::Int8 => (ActivationPrecision::Int8, "int8"),
            Precision::Bf16 | Precision::F16 => {
                return Err(Error::usage("decoder-only models have no 16-bit form on the CPU").hint(
                    Hint::UsePrecision("int8, a quarter of the memory of f32, which auto stands for"),
                ));
            }
        };
    let architecture = located.manifest.architecture;
    Ok(LoadedParts {
        model: decoder::load_from_directory(path, architecture, config, ids, activations)?,
        tokenizer,
        input: InputFormat::Prompt(ChatTemplate::from_directory(path)?),
        generation,
        device: Device::Cpu,
        precision: precision.to_owned(),
    })
}

/// Loads an encoder-decoder model from the files of a Hugging Face Hub repository, or of CTranslate2.
fn load_encoder_decoder(
    located: &LocatedModel,
    options: LoadOptions,
    config: &Value,
    ids: OutputTokenIds,
    generation: GenerationConfig,
    tokenizer: Tokenizer,
) -> Result<LoadedParts> {
    let (path, architecture) = (&located.path, located.manifest.architecture);
    let device = options.device.open()?;
    let (computation, precision) = choose_computation(architecture, &device, options.precision)?;
    let languages = language::read_languages(located, &tokenizer)?;
    let id = |token: &str| {
        tokenizer.token_to_id(token).ok_or_else(|| {
            Error::model(format!("the vocabulary has no language token `{token}`"))
                .path(path)
                .hint("the model's tokenizer files are not whole, or it does not know Thai and English")
        })
    };
    let decoder_token = languages.decoder_token.as_deref().map(id).transpose()?;
    if let Some(token) = &languages.encoder_token {
        id(token)?;
    }
    let first = decoder_token.or(generation.forced_first);
    let ids = OutputTokenIds {
        start: generation.start.into_iter().chain(first).collect(),
        ..ids
    };
    let model = if catalog::is_ct2_directory(path) {
        seq2seq::load_ct2(path, config, ids, computation)
    } else {
        seq2seq::load_from_directory(path, architecture, config, ids, computation)
    };
    let model = model.map_err(|error| match error.kind {
        ErrorKind::Memory => error.path(path).hint(Hint::UseLessMemory),
        _ => error,
    })?;
    Ok(LoadedParts {
        model,
        input: InputFormat::LanguageTokens {
            // A source ends with the tokenizer's end token, which may differ from the model's.
            end: tokenizer.token_to_id(language::SOURCE_END_TOKEN),
            languages,
        },
        tokenizer,
        generation,
        device,
        precision: precision.to_owned(),
    })
}

/// Chooses how an encoder-decoder of this architecture computes on the given device at the given precision; also
/// returns the precision's name.
fn choose_computation(
    architecture: Architecture,
    device: &Device,
    precision: Precision,
) -> Result<(ComputeBackend, &'static str)> {
    let tensors = |dtype| ComputeBackend::Tensors(device.clone(), dtype);
    Ok(match (precision, device.is_cpu()) {
        (Precision::Auto | Precision::F32, true) => (ComputeBackend::Cpu(ActivationPrecision::F32), "f32"),
        (Precision::Int8, true) => (ComputeBackend::Cpu(ActivationPrecision::Int8), "int8"),
        (Precision::Int8, false) => {
            return Err(Error::usage("8-bit weights are computed with on the CPU only").hint(Hint::AutoPrecisionOrCpu));
        }
        (Precision::F16, _) if !architecture.fits_f16() => {
            return Err(Error::usage("a T5 model's values are too large for f16")
                .hint(Hint::UsePrecision("bf16, of the same size, or f32")));
        }
        (Precision::F16, _) => (tensors(DType::F16), "f16"),
        (Precision::Auto, false) if !device::has_bf16(device) => (tensors(DType::F32), "f32"),
        (Precision::Auto | Precision::Bf16, _) => (tensors(DType::BF16), "bf16"),
        (Precision::F32, false) => (tensors(DType::F32), "f32"),
    })
}
