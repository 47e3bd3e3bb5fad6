//! Tokenizers of models in CTranslate2's format: SentencePiece models beside lists of tokens, whose order gives the ids.

use super::languages::{M2M100_LANGUAGES, MBART50_LANGUAGES, NLLB_LANGUAGES};
use super::vocabulary::{VocabJson, Vocabulary};
use super::{EncoderDecoder, TokenizerClass};
use crate::error::{Error, Result};
use crate::model::Architecture;
use crate::model::weights::token_lists::{SHARED_PIECE_NAMES, SIDE_PIECE_NAMES, TokenLists};
use crate::tokenizer::added::AddedVocabulary;
use crate::tokenizer::config::TokenizerConfig;
use crate::tokenizer::proto::ModelProto;
use crate::tokenizer::sentencepiece::SentencePiece;
use std::path::{Path, PathBuf};

impl EncoderDecoder {
    /// Finds the SentencePiece models in a directory: that of the source, and that of the target if it has its own.
    pub fn find_piece_models(directory: &Path) -> Option<(PathBuf, Option<PathBuf>)> {
        let both = SIDE_PIECE_NAMES
            .iter()
            .map(|(source, target)| (directory.join(source), directory.join(target)))
            .find(|(source, target)| source.exists() && target.exists());
        let shared = || {
            SHARED_PIECE_NAMES
                .iter()
                .map(|name| directory.join(name))
                .find(|path| path.exists())
        };
        both.map(|(source, target)| (source, Some(target)))
            .or_else(|| shared().map(|path| (path, None)))
    }

    /// Loads the tokenizer of a model of this architecture, whose ids are the places in `lists`.
    ///
    /// # Errors
    /// Kind `Model` if there is no SentencePiece model, or a file is damaged or lacks the unknown token.
    pub fn open_lists(
        directory: &Path,
        config: &TokenizerConfig,
        lists: &TokenLists,
        architecture: Architecture,
    ) -> Result<Self> {
        let Some((source, target)) = Self::find_piece_models(directory) else {
            return Err(Error::model("holds no SentencePiece model")
                .path(directory)
                .hint("source.spm and target.spm, or sentencepiece.bpe.model, are expected beside model.bin: take them from the model that it was converted from"));
        };
        let tokens = lists.target_set();
        let mut named: Vec<String> = ["<s>", &lists.end, &lists.unknown, "<pad>", "<blank>", "<mask>"]
            .map(str::to_owned)
            .to_vec();
        let class = match architecture {
            Architecture::T5 => {
                named.extend(
                    lists
                        .source
                        .iter()
                        .filter(|token| token.starts_with("<extra_id_"))
                        .cloned(),
                );
                TokenizerClass::T5 {
                    legacy: config.bool_setting("legacy", true)?,
                    add_prefix_space: config.bool_setting("add_prefix_space", true)?,
                }
            }
            Architecture::Mbart => {
                named.extend(MBART50_LANGUAGES.split_whitespace().map(str::to_owned));
                TokenizerClass::MBart50
            }
            Architecture::M2m100 if tokens.contains("__en__") => {
                named.extend(M2M100_LANGUAGES.split_whitespace().map(|code| format!("__{code}__")));
                named.extend(
                    lists
                        .source
                        .iter()
                        .filter(|token| token.starts_with("madeupword"))
                        .cloned(),
                );
                TokenizerClass::M2m100
            }
            Architecture::M2m100 => {
                named.extend(NLLB_LANGUAGES.split_whitespace().map(str::to_owned));
                TokenizerClass::Nllb
            }
            _ => TokenizerClass::Marian,
        };
        let mut model = ModelProto::open(&source)?;
        if let TokenizerClass::T5 { legacy, .. } = class {
            model.normalizer.add_dummy_prefix &= legacy;
        }
        let source = SentencePiece::new(model).map_err(|error| error.path(&source))?;
        let target = target.map(|path| SentencePiece::open(&path)).transpose()?;
        let vocabulary = Vocabulary::VocabJson {
            source: VocabJson::from_tokens(lists.source.clone()),
            target: lists.target.clone().map(VocabJson::from_tokens),
        };
        let size = lists.source.len().max(lists.target_tokens().len());
        let mut added = AddedVocabulary::new(Vec::new(), &[], size, |_| None)?;
        for token in named {
            if let Some(id) = vocabulary.token_to_id(&source, &token) {
                added.add_token_name(&token, id);
            }
            if let Some(id) = lists.target_id(&token) {
                added.leave_out_of_text(id);
            }
        }
        let unknown = match class {
            TokenizerClass::T5 { .. } => source.unknown_id(),
            _ => vocabulary.token_to_id(&source, &lists.unknown),
        };
        let unknown = unknown.ok_or_else(|| {
            Error::model(format!("lacks the unknown token `{}`", lists.unknown))
                .path(&lists.path)
                .hint("the files are not of one model; fetch the model again")
        })?;
        Ok(Self {
            piece_ids: vocabulary.list_piece_ids(&source, unknown),
            cleans_up: config.bool_setting("clean_up_tokenization_spaces", false)?,
            source,
            target,
            vocabulary,
            unknown,
            unknown_token: lists.unknown.clone(),
            added,
            class,
        })
    }
}
