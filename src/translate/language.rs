//! Languages: how an encoder-decoder is told that it translates from Thai into English.
//!
//! A listed model's manifest says it. For a directory of the user's own the tokens of its vocabulary tell the family, and the
//! family's convention says the rest.

use crate::catalog::Located;
use crate::catalog::manifest::Languages;
use crate::error::{Error, Result};
use crate::tokenizer::Tokenizer;

/// Source and target by their ISO 639-1 codes, as chat templates take them.
pub(super) const CODES: [&str; 2] = ["th", "en"];

/// The token that closes a source of an encoder; all encoder-decoders that plae runs spell it so.
pub(super) const SOURCE_END: &str = "</s>";

/// Tokens before a source that name English as the target: of Marian models with several target languages (OPUS-MT), and of
/// MADLAD-400.
const TARGET_PREFIXES: [&str; 2] = [">>eng<<", "<2en>"];

/// Tokens for Thai and English: of NLLB-200, of mBART-50, of M2M-100 and SMaLL-100.
const LANGUAGE_TOKENS: [(&str, &str); 3] = [("tha_Thai", "eng_Latn"), ("th_TH", "en_XX"), ("__th__", "__en__")];

/// How a model is told its languages: by its manifest, else by the convention of the family whose tokens its vocabulary has.
///
/// # Errors
/// Of kind `Model` where the vocabulary has no such tokens and the architecture has no model without.
pub(super) fn languages(located: &Located, tokenizer: &Tokenizer) -> Result<Languages> {
    let known = &located.manifest.languages;
    if *known != Languages::default() {
        return Ok(known.clone());
    }
    let has = |token: &str| tokenizer.token_to_id(token).is_some();
    if let Some(prefix) = TARGET_PREFIXES.into_iter().find(|prefix| has(prefix)) {
        return Ok(Languages {
            prefix: Some(format!("{prefix} ")),
            ..Languages::default()
        });
    }
    let pair = LANGUAGE_TOKENS
        .into_iter()
        .find(|(thai, english)| has(thai) && has(english));
    let Some((thai, english)) = pair else {
        if !located.manifest.architecture.needs_language_tokens() {
            return Ok(Languages::default());
        }
        return Err(
            Error::model("no tokens for Thai and English, such as tha_Thai and eng_Latn")
                .path(located.path.join("tokenizer_config.json"))
                .place("key additional_special_tokens")
                .hint("the tokenizer's files are not whole, or the model does not know both languages"),
        );
    };
    // SMaLL-100 has the layout and the tokens of M2M-100, but names the target to the encoder. Nothing in its files tells it
    // apart: in a directory of the user's own, its name does.
    let is_small100 = located.manifest.name.to_lowercase().contains("small100");
    Ok(if is_small100 {
        Languages {
            encoder_token: Some(english.to_owned()),
            ..Languages::default()
        }
    } else {
        Languages {
            prefix: None,
            encoder_token: Some(thai.to_owned()),
            decoder_token: Some(english.to_owned()),
        }
    })
}

/// Whether `prefix` names a target language as Marian models do, `>>code<<`.
pub(super) fn is_marian_target(prefix: &str) -> bool {
    prefix.starts_with(">>")
}

/// Whether a text begins with a target language of its own, `>>code<<`, which the vocabulary has. A `>>` alone names none.
pub(super) fn names_target(text: &str, tokenizer: &Tokenizer) -> bool {
    let code = text
        .find("<<")
        .and_then(|close| text.get(..close + "<<".len()))
        .filter(|code| is_marian_target(code));
    code.is_some_and(|code| tokenizer.token_to_id(code).is_some())
}
