//! Constructors of encoder-decoder tokenizers: one for each tokenizer class of transformers 4.57, from the files that
//! the class reads.

use super::languages::{M2M100_LANGUAGES, MBART50_LANGUAGES, NLLB_LANGUAGES};
use super::vocabulary::{VocabJson, Vocabulary};
use super::{EncoderDecoder, TokenizerClass};
use crate::error::{Error, Result};
use crate::tokenizer::added::AddedVocabulary;
use crate::tokenizer::config::{AddedToken, TokenizerConfig, default_special_token};
use crate::tokenizer::proto::ModelProto;
use crate::tokenizer::sentencepiece::SentencePiece;
use std::path::Path;

/// The most sentinels `<extra_id_N>` of a T5 model; published models have 100 or 300.
const MAX_SENTINELS: u32 = 10_000;

impl EncoderDecoder {
    /// Loads a `MarianTokenizer`: a sentencepiece model for each of the two languages, and one vocab.json for both or
    /// one for each.
    ///
    /// # Errors
    /// Kind `Model` if a file is missing, damaged, or lacks the unknown token.
    pub fn open_marian(directory: &Path, config: TokenizerConfig) -> Result<Self> {
        let source = VocabJson::open(&directory.join("vocab.json"))?;
        source.check_unknown_token(&directory.join("vocab.json"), &config)?;
        let target = if config.bool_setting("separate_vocabs", false)? {
            Some(VocabJson::open(&directory.join("target_vocab.json"))?)
        } else {
            None
        };
        let defaults = [
            default_special_token("eos_token", "</s>"),
            default_special_token("unk_token", "<unk>"),
            default_special_token("pad_token", "<pad>"),
        ];
        let size = source.ids.len();
        let vocabulary = Vocabulary::VocabJson { source, target };
        let target = SentencePiece::open(&directory.join("target.spm"))?;
        let source = SentencePiece::open(&directory.join("source.spm"))?;
        Self::new(
            TokenizerClass::Marian,
            source,
            Some(target),
            vocabulary,
            size,
            config,
            &defaults,
        )
        .map_err(|e| e.path(directory.join("vocab.json")))
    }

    /// Loads an `M2M100Tokenizer`: one sentencepiece model, whose pieces get their ids from vocab.json. The ids of the
    /// languages come after those of vocab.json.
    ///
    /// # Errors
    /// Kind `Model` if a file is missing, damaged, or lacks the unknown token.
    pub fn open_m2m100(directory: &Path, config: TokenizerConfig) -> Result<Self> {
        let path = directory.join("vocab.json");
        let names = VocabJson::open(&path)?;
        names.check_unknown_token(&path, &config)?;
        let size = names.ids.len();
        let listed = config.string_setting("language_codes").unwrap_or("m2m100");
        let languages = if listed == "m2m100" { M2M100_LANGUAGES } else { "" };
        let defaults = [
            default_special_token("bos_token", "<s>"),
            default_special_token("eos_token", "</s>"),
            default_special_token("sep_token", "</s>"),
            default_special_token("pad_token", "<pad>"),
            default_special_token("unk_token", "<unk>"),
        ];
        let source = SentencePiece::open(&directory.join("sentencepiece.bpe.model"))?;
        let vocabulary = Vocabulary::VocabJson {
            source: names,
            target: None,
        };
        let mut this = Self::new(
            TokenizerClass::M2m100,
            source,
            None,
            vocabulary,
            size,
            config,
            &defaults,
        );
        if let Ok(this) = &mut this {
            for (index, language) in languages.split_whitespace().enumerate() {
                this.added
                    .add_named_token(&format!("__{language}__"), (size + index) as u32);
            }
        }
        this.map_err(|e| e.path(path))
    }

    /// Loads an `NllbTokenizer`: one sentencepiece model, whose ids are raised by 1. The ids of the languages come
    /// after those of the model.
    ///
    /// # Errors
    /// Kind `Model` if a file is missing or damaged.
    pub fn open_nllb(directory: &Path, mut config: TokenizerConfig) -> Result<Self> {
        let source = SentencePiece::open(&directory.join("sentencepiece.bpe.model"))?;
        let defaults = [
            default_special_token("bos_token", "<s>"),
            default_special_token("eos_token", "</s>"),
            default_special_token("sep_token", "</s>"),
            default_special_token("cls_token", "<s>"),
            default_special_token("unk_token", "<unk>"),
            default_special_token("pad_token", "<pad>"),
            default_mask_token(),
        ];
        for (id, name) in ["bos_token", "pad_token", "eos_token", "unk_token"]
            .into_iter()
            .enumerate()
        {
            let token = config.special_token(name, &defaults)?;
            if let Some(token) = token.filter(|_| config.added_tokens.iter().all(|(other, _)| *other != id as u32)) {
                config.added_tokens.push((id as u32, token));
            }
        }
        if config.additional_special_tokens()?.is_none() {
            config.add_special_tokens(NLLB_LANGUAGES.split_whitespace());
        }
        let size = source.pieces().len() + 1;
        let vocabulary = Vocabulary::Pieces { offset: 1 };
        Self::new(TokenizerClass::Nllb, source, None, vocabulary, size, config, &defaults)
            .map_err(|e| e.path(directory.join("tokenizer_config.json")))
    }

    /// Loads an `MBartTokenizer`, or an `MBart50Tokenizer` if `fifty` is set: one sentencepiece model, whose ids are
    /// raised by 1. The ids of the languages and of the mask token come after those of the model.
    ///
    /// # Errors
    /// Kind `Model` if a file is missing or damaged.
    pub fn open_mbart(directory: &Path, mut config: TokenizerConfig, fifty: bool) -> Result<Self> {
        let source = SentencePiece::open(&directory.join("sentencepiece.bpe.model"))?;
        let mut defaults = vec![
            default_special_token("eos_token", "</s>"),
            default_special_token("sep_token", "</s>"),
            default_special_token("cls_token", "<s>"),
            default_special_token("unk_token", "<unk>"),
            default_special_token("pad_token", "<pad>"),
            default_mask_token(),
        ];
        if !fifty {
            defaults.push(default_special_token("bos_token", "<s>"));
        }
        let size = source.pieces().len() as u32 + 1;
        let listed = config.additional_special_tokens()?.unwrap_or_default();
        let listed: Vec<String> = listed.into_iter().map(|token| token.content).collect();
        let languages: Vec<String> = if fifty {
            let all = MBART50_LANGUAGES.split_whitespace();
            config.add_special_tokens(all.clone().filter(|code| listed.iter().all(|other| other != code)));
            all.map(str::to_owned).collect()
        } else {
            listed
        };
        let fixed = ["<s>", "<pad>", "</s>", "<unk>"].map(str::to_owned);
        let mut reserved: Vec<(u32, String)> = (0..).zip(fixed).collect();
        reserved.extend((size..).zip(languages.iter().cloned()));
        reserved.push((size + languages.len() as u32, "<mask>".to_owned()));
        for token in config.all_special_tokens(&defaults)? {
            let known = config
                .added_tokens
                .iter()
                .any(|(_, other)| other.content == token.content);
            let reserved_id = reserved.iter().find(|(_, content)| *content == token.content);
            if let Some((id, _)) = reserved_id.filter(|_| !known) {
                config.added_tokens.push((*id, token));
            }
        }
        let vocabulary = Vocabulary::Pieces { offset: 1 };
        let class = if fifty {
            TokenizerClass::MBart50
        } else {
            TokenizerClass::Nllb
        };
        Self::new(class, source, None, vocabulary, size as usize, config, &defaults)
            .map_err(|e| e.path(directory.join("tokenizer_config.json")))
    }

    /// Loads a `T5Tokenizer`: one sentencepiece model with its own ids. The ids of the sentinels `<extra_id_N>` come
    /// after those of the model, in descending order of N.
    ///
    /// # Errors
    /// Kind `Model` if a file is missing or damaged, or if the settings disagree about the number of sentinels.
    pub fn open_t5(directory: &Path, mut config: TokenizerConfig) -> Result<Self> {
        let path = directory.join("spiece.model");
        let legacy = config.bool_setting("legacy", true)?;
        let mut model = ModelProto::open(&path)?;
        model.normalizer.add_dummy_prefix &= legacy;
        let source = SentencePiece::new(model).map_err(|e| e.path(&path))?;
        let defaults = [
            default_special_token("eos_token", "</s>"),
            default_special_token("unk_token", "<unk>"),
            default_special_token("pad_token", "<pad>"),
        ];
        let size = source.pieces().len() as u32;
        let extra = config.u32_setting("extra_ids", 100)?;
        if extra > MAX_SENTINELS {
            let message = format!("{extra} sentinels, {MAX_SENTINELS} allowed");
            return Err(Error::model(message)
                .path(directory.join("tokenizer_config.json"))
                .place("extra_ids"));
        }
        let listed = config.additional_special_tokens()?;
        let is_sentinel = |token: &AddedToken| token.content.contains("<extra_id_");
        let named = listed.as_ref().map_or(0, |tokens| {
            tokens.iter().filter(|token| is_sentinel(token)).count() as u32
        });
        if listed.is_some() && named > 0 && extra > 0 && extra != named {
            return Err(
                Error::model(format!("{extra} sentinels by `extra_ids`, {named} by name"))
                    .path(directory.join("tokenizer_config.json"))
                    .place("additional_special_tokens"),
            );
        }
        if named == 0 {
            let sentinels: Vec<String> = (0..extra).map(|index| format!("<extra_id_{index}>")).collect();
            config.add_special_tokens(sentinels.iter().map(String::as_str));
        }
        let placed = if listed.is_some() { named } else { extra };
        for index in 0..placed.min(extra) {
            let id = size - 1 + extra - index;
            if config.added_tokens.iter().all(|(other, _)| *other != id) {
                let token = AddedToken {
                    content: format!("<extra_id_{index}>"),
                    lstrip: true,
                    rstrip: true,
                    special: true,
                    normalized: false,
                };
                config.added_tokens.push((id, token));
            }
        }
        let class = TokenizerClass::T5 {
            legacy,
            add_prefix_space: config.bool_setting("add_prefix_space", true)?,
        };
        let vocabulary = Vocabulary::Pieces { offset: 0 };
        Self::new(class, source, None, vocabulary, size as usize, config, &defaults)
            .map_err(|e| e.path(directory.join("tokenizer_config.json")))
    }

    /// Makes a tokenizer from its parts. `size` is the number of ids of the sentencepiece model or of vocab.json, and
    /// `defaults` are the special tokens of the tokenizer class.
    fn new(
        class: TokenizerClass,
        source: SentencePiece,
        target: Option<SentencePiece>,
        vocabulary: Vocabulary,
        size: usize,
        config: TokenizerConfig,
        defaults: &[(&str, AddedToken)],
    ) -> Result<Self> {
        let special = config.all_special_tokens(defaults)?;
        let find = |token: &str| vocabulary.token_to_id(&source, token);
        let mut added = AddedVocabulary::new(config.added_tokens.clone(), &special, size, find)?;
        if !config.bool_setting("split_special_tokens", false)? {
            added = added
                .with_token_search()
                .map_err(|error| error.path(config.config_path()))?;
        }
        let unknown_token = config.special_token("unk_token", defaults)?.unwrap_or_default().content;
        let unknown = match class {
            // T5 uses the unknown piece of sentencepiece itself.
            TokenizerClass::T5 { .. } => source.unknown_id(),
            _ => added
                .token_to_id(&unknown_token)
                .or_else(|| vocabulary.token_to_id(&source, &unknown_token)),
        };
        let unknown = unknown.ok_or_else(|| Error::model("no unknown token").place("unk_token"))?;
        Ok(Self {
            piece_ids: vocabulary.list_piece_ids(&source, unknown),
            cleans_up: config.bool_setting("clean_up_tokenization_spaces", false)?,
            source,
            target,
            vocabulary,
            unknown,
            unknown_token,
            added,
            class,
        })
    }
}

/// Returns the mask token with its name. White space before the token is dropped.
fn default_mask_token() -> (&'static str, AddedToken) {
    let (name, token) = default_special_token("mask_token", "<mask>");
    (name, AddedToken { lstrip: true, ..token })
}
