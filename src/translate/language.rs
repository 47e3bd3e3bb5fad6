//! Languages: how an encoder-decoder model is told to translate from Thai into English.
//!
//! The manifest of a listed model says how. For a model directory of the user's own, the tokens in its vocabulary tell
//! the model family, and the family's convention is followed.

use crate::catalog::LocatedModel;
use crate::catalog::manifest::LanguageSettings;
use crate::error::{Error, Result};
use crate::tokenizer::Tokenizer;

/// ISO 639-1 codes of the source and the target language, for chat templates.
pub(super) const LANGUAGE_CODES: [&str; 2] = ["th", "en"];

/// The token that ends the source of an encoder; all encoder-decoder models that plae runs spell it this way.
pub(super) const SOURCE_END_TOKEN: &str = "</s>";

/// Tokens in front of a source that name English as the target language: for Marian models with several target
/// languages (OPUS-MT), and for MADLAD-400.
const TARGET_PREFIXES: [&str; 2] = [">>eng<<", "<2en>"];

/// Tokens for Thai and English: those of NLLB-200, those of mBART-50, and those of M2M-100.
const LANGUAGE_TOKENS: [(&str, &str); 3] = [("tha_Thai", "eng_Latn"), ("th_TH", "en_XX"), ("__th__", "__en__")];

/// Returns how a model is told its languages: as its manifest says, else by the convention of the model family whose
/// language tokens are in its vocabulary.
///
/// # Errors
/// Kind `Model` where the vocabulary has no tokens for Thai and English although the architecture needs them.
pub(super) fn read_languages(located: &LocatedModel, tokenizer: &Tokenizer) -> Result<LanguageSettings> {
    let known = &located.manifest.languages;
    if *known != LanguageSettings::default() {
        return Ok(known.clone());
    }
    let has = |token: &str| tokenizer.token_to_id(token).is_some();
    if let Some(prefix) = TARGET_PREFIXES.into_iter().find(|prefix| has(prefix)) {
        return Ok(LanguageSettings {
            prefix: Some(format!("{prefix} ")),
            ..LanguageSettings::default()
        });
    }
    let pair = LANGUAGE_TOKENS
        .into_iter()
        .find(|(thai, english)| has(thai) && has(english));
    let Some((thai, english)) = pair else {
        if !located.manifest.architecture.needs_language_tokens() {
            return Ok(LanguageSettings::default());
        }
        return Err(
            Error::model("no tokens for Thai and English, such as tha_Thai and eng_Latn")
                .path(located.path.join("tokenizer_config.json"))
                .place("key additional_special_tokens")
                .hint("the tokenizer's files are not whole, or the model does not know both languages"),
        );
    };
    Ok(LanguageSettings {
        prefix: None,
        encoder_token: Some(thai.to_owned()),
        decoder_token: Some(english.to_owned()),
    })
}
