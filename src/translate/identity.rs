//! The key of a translation besides its source, as memories and archives keep it.

use super::pass::{DecodeOptions, DecodeOptionsId};
use super::system::{DecodingId, LanguagesId, ModelId, SystemId};
use super::{Translator, former};
use crate::catalog::manifest::{DecodingDefaults, LanguageSettings, Prompt, ShortSourcePrompt};
use crate::catalog::{LocatedModel, Manifest};
use crate::document::Quality;
use crate::error::{Error, Result};
use crate::file::describe_io_error;
use crate::file::to_hexadecimal;
use crate::model::weights::gguf_split::part_paths;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Version of everything between a source and its translation but the model: normalisation, prompts, tokenizers, search,
/// repair. Raise it whenever one of them changes what a sentence becomes, so that memories forget what was made before.
const PROCESSING_VERSION: u32 = 2;

// A higher version makes all keys new: `translate/former.rs` and what reads it here and in `archive/manner.rs` can go then.
const _: () = assert!(PROCESSING_VERSION == 2);

/// File extensions that a fingerprint reads: of all files that decide a model's output, and of none that plae leaves there.
const FINGERPRINT_EXTENSIONS: [&str; 7] = ["json", "spm", "model", "safetensors", "gguf", "txt", "jinja"];
/// The largest file, in bytes, that is read whole; of a larger one the first [`SAMPLE_BYTES`] bytes of every [`SAMPLE_STRIDE_BYTES`] are read.
const MAX_WHOLLY_HASHED_BYTES: u64 = 16 << 20;
const SAMPLE_STRIDE_BYTES: u64 = 256 << 10;
const SAMPLE_BYTES: u64 = 4 << 10;

/// Identifies a model before its weights are loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelIdentity {
    /// The model's files, and how its manifest wants them used.
    pub model: ModelId,
    /// The line of text that named the model before there was a [`ModelId`].
    former: String,
}

impl ModelIdentity {
    /// The line of text that named the model before there was a [`ModelId`]; see [`former`].
    pub(crate) fn former_line(&self) -> &str {
        &self.former
    }
}

/// Identifies a model by its revision if it was fetched, else by a hash of its files, and by its manifest.
///
/// # Errors
/// Kind `Model`, where a file cannot be read.
pub fn identify_model(located: &LocatedModel) -> Result<ModelIdentity> {
    identify_model_files(&located.manifest, &located.path, located.revision.as_deref())
}

fn identify_model_files(manifest: &Manifest, path: &Path, revision: Option<&str>) -> Result<ModelIdentity> {
    let revision = match revision {
        Some(revision) => revision.to_owned(),
        None => hash_model_files(path)?,
    };
    Ok(ModelIdentity {
        former: former_identity(manifest, &revision),
        model: ModelId {
            name: manifest.name.clone(),
            revision,
            prompt_hash: manifest.prompt.as_ref().map(prompt_hash),
            languages: languages_id(&manifest.languages),
            decoding: decoding_id(&manifest.decoding),
            plae: env!("CARGO_PKG_VERSION").to_owned(),
            processing: PROCESSING_VERSION,
        },
    })
}

// The patterns below name every field: a new one does not compile until somebody decides whether it is part of the key.

/// SHA-256, in hexadecimal, of all that a manifest's prompt says.
fn prompt_hash(prompt: &Prompt) -> String {
    #[derive(Serialize)]
    struct PromptKey<'a> {
        template: &'a str,
        shorter: Vec<(usize, &'a str)>,
        chat: Option<&'a str>,
        stop: &'a [String],
        add_bos: bool,
    }
    let Prompt {
        template,
        shorter,
        chat,
        stop,
        add_bos,
    } = prompt;
    let shorter = shorter
        .iter()
        .map(|ShortSourcePrompt { below, template }| (*below, template.as_str()));
    let key = PromptKey {
        template,
        shorter: shorter.collect(),
        chat: chat.as_deref(),
        stop,
        add_bos: *add_bos,
    };
    to_hexadecimal(&Sha256::digest(serde_json::to_vec(&key).unwrap_or_default()))
}

fn languages_id(languages: &LanguageSettings) -> LanguagesId {
    let LanguageSettings {
        prefix,
        encoder_token,
        decoder_token,
    } = languages.clone();
    LanguagesId {
        prefix,
        encoder_token,
        decoder_token,
    }
}

fn decoding_id(decoding: &DecodingDefaults) -> DecodingId {
    let DecodingDefaults {
        beam,
        max_tokens,
        length_ratio,
        length_prior,
        divide_below,
        length_penalty,
        no_repeat_ngram,
        repetition_penalty,
    } = *decoding;
    DecodingId {
        beam,
        max_tokens,
        length_ratio,
        length_prior,
        divide_below,
        length_penalty,
        no_repeat_ngram,
        repetition_penalty,
    }
}

impl Translator {
    /// The key of all translations by this model with these options.
    ///
    /// The device is not part of it: what one device computes, another may reuse.
    ///
    /// # Errors
    /// The errors of [`identify_model`].
    pub fn system_id(&self, options: &DecodeOptions) -> Result<SystemId> {
        Ok(SystemId {
            model: self.model_identity()?.model.clone(),
            precision: self.precision_name(),
            vocabulary: self.vocabulary_name().to_owned(),
            decode: DecodeOptionsId {
                beam: Some(self.beam_width(options)),
                prompt: self.prompt_text(options),
                ..options.to_id()
            },
        })
    }

    /// The text that stood for [`Self::system_id`] before there was a [`SystemId`]; none for what could not be asked for then.
    pub(super) fn former_system(&self, options: &DecodeOptions) -> Result<Option<String>> {
        let id = options.to_id();
        if id.plain_search {
            return Ok(None);
        }
        let prompt = self.prompt_text(options);
        let parameters = former::SystemParameters {
            split: "",
            normalize: id.normalize,
            beam: self.beam_width(options),
            quality: Some(id.quality).filter(|quality| *quality != Quality::Default),
            max_tokens: id.max_tokens.unwrap_or(0),
            min_tokens: id.min_tokens.unwrap_or(0),
            precision: &self.precision_name(),
            device: "",
            vocabulary: self.vocabulary_name(),
            prompt: prompt.as_deref(),
        };
        Ok(Some(former::system_line(
            self.model_identity()?.former_line(),
            &parameters,
        )))
    }

    fn model_identity(&self) -> Result<&ModelIdentity> {
        if let Some(identity) = self.identity.get() {
            return Ok(identity);
        }
        let found = identify_model_files(&self.manifest, &self.path, self.revision.as_deref())?;
        Ok(self.identity.get_or_init(|| found))
    }

    /// The tokens that can be written: `full` or `english`.
    pub(super) fn vocabulary_name(&self) -> &'static str {
        match self.model.spec().output {
            Some(_) => "english",
            None => "full",
        }
    }
}

/// The line of text that named a model before there was a [`ModelId`].
fn former_identity(manifest: &Manifest, revision: &str) -> String {
    let prompt = manifest.prompt.as_ref().map(|prompt| former::Prompt {
        template: &prompt.template,
        shorter: prompt
            .shorter
            .iter()
            .map(|shorter| former::Shorter {
                below: shorter.below,
                template: &shorter.template,
            })
            .collect(),
        chat: prompt.chat.as_deref(),
        stop: &prompt.stop,
        add_bos: prompt.add_bos,
    });
    let languages = former::Languages {
        prefix: manifest.languages.prefix.as_deref(),
        encoder_token: manifest.languages.encoder_token.as_deref(),
        decoder_token: manifest.languages.decoder_token.as_deref(),
    };
    let decoding = former::Decoding {
        beam: manifest.decoding.beam,
        max_tokens: manifest.decoding.max_tokens,
        length_ratio: manifest.decoding.length_ratio,
        length_prior: manifest.decoding.length_prior,
        divide_below: manifest.decoding.divide_below,
        length_penalty: manifest.decoding.length_penalty,
        no_repeat_ngram: manifest.decoding.no_repeat_ngram,
        repetition_penalty: manifest.decoding.repetition_penalty,
    };
    former::identity_line(&manifest.name, revision, prompt.as_ref(), &languages, &decoding)
}

/// Hashes a model's files: names, sizes and contents, of large files only a part of each quarter of a mebibyte, so that it
/// takes a fraction of the time of loading them.
fn hash_model_files(path: &Path) -> Result<String> {
    let failed = |path: &Path, error: std::io::Error| Error::model(describe_io_error(&error)).path(path).source(error);
    let mut files: Vec<PathBuf> = Vec::new();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).map_err(|error| failed(path, error))? {
            let file = entry.map_err(|error| failed(path, error))?.path();
            let extension = file.extension().and_then(|extension| extension.to_str());
            let name = file.file_name().unwrap_or_default();
            let is_weights = extension == Some("bin") && name.to_string_lossy().starts_with("pytorch_model");
            if file.is_file()
                && (is_weights || extension.is_some_and(|extension| FINGERPRINT_EXTENSIONS.contains(&extension)))
            {
                files.push(file);
            }
        }
        files.sort();
    } else {
        // A split GGUF file is all of its parts.
        files.extend(
            part_paths(path)
                .into_iter()
                .filter(|part| part == path || part.exists()),
        );
    }
    let mut hash = Sha256::new();
    for file in files {
        let mut read = || -> std::io::Result<()> {
            let mut bytes = File::open(&file)?;
            let size = bytes.metadata()?.len();
            // A single file may have any name.
            if path.is_dir() {
                hash.update(file.file_name().unwrap_or_default().as_encoded_bytes());
            }
            hash.update(size.to_le_bytes());
            let (stride, sample) = if size <= MAX_WHOLLY_HASHED_BYTES {
                (size.max(1), size)
            } else {
                (SAMPLE_STRIDE_BYTES, SAMPLE_BYTES)
            };
            let mut buffer = Vec::new();
            for start in (0..size).step_by(stride as usize) {
                bytes.seek(SeekFrom::Start(start))?;
                buffer.clear();
                (&mut bytes).take(sample).read_to_end(&mut buffer)?;
                hash.update(&buffer);
            }
            Ok(())
        };
        read().map_err(|error| failed(&file, error))?;
    }
    Ok(to_hexadecimal(&hash.finalize()))
}
