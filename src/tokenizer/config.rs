//! Reader of tokenizer_config.json, and of special_tokens_map.json and added_tokens.json in older repositories, as
//! transformers reads them when it loads a tokenizer.

use crate::error::{Error, Result};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Reads a file of a model into memory.
///
/// # Errors
/// Kind `Model` if the file cannot be read.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::model("cannot read it").path(path).source(e))
}

/// Reads a JSON file that holds an object.
///
/// # Errors
/// Kind `Model` if the file cannot be read or holds something other than a JSON object.
pub fn read_json_object(path: &Path) -> Result<Map<String, Value>> {
    let value = serde_json::from_slice(&read_file(path)?).map_err(|e| {
        let place = format!("line {}", e.line());
        Error::model("not a JSON object").path(path).place(place).source(e)
    })?;
    Ok(value)
}

/// The names of special tokens (`SPECIAL_TOKENS_ATTRIBUTES` of transformers), in the order in which transformers adds
/// the tokens.
const SPECIAL_TOKEN_NAMES: [&str; 7] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
];
/// The key in tokenizer_config.json that lists special tokens without a name of their own, mostly languages.
const ADDITIONAL_SPECIAL_TOKENS: &str = "additional_special_tokens";

/// The limit on token ids in a file: no vocabulary has as many tokens, so an id from here on means a damaged file.
pub const TOKEN_ID_LIMIT: u32 = 1 << 24;

/// A token that is cut out of a text before the model's vocabulary cuts the rest (`AddedToken` of transformers).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddedToken {
    /// The text of the token.
    pub content: String,
    /// Whether white space before the token is dropped.
    pub lstrip: bool,
    /// Whether white space after the token is dropped.
    pub rstrip: bool,
    /// Whether decoding leaves out the token.
    pub special: bool,
    /// Whether the token is searched for in normalised text instead of the original text; only tokenizer.json uses
    /// this.
    pub normalized: bool,
}

/// The settings of a tokenizer: tokenizer_config.json, and what older repositories keep in other files.
pub struct TokenizerConfig {
    values: Map<String, Value>,
    /// The path of tokenizer_config.json, whether the file exists or not.
    path: PathBuf,
    /// The added tokens with their ids, from `added_tokens_decoder` or added_tokens.json.
    pub added_tokens: Vec<(u32, AddedToken)>,
}

impl TokenizerConfig {
    /// Reads the settings files of a checkpoint directory. Files that are missing count as empty.
    ///
    /// # Errors
    /// Kind `Model` if a file is damaged.
    pub fn open(directory: &Path) -> Result<Self> {
        let optional = |name: &str| {
            let path = directory.join(name);
            if path.exists() {
                read_json_object(&path)
            } else {
                Ok(Map::new())
            }
        };
        let path = directory.join("tokenizer_config.json");
        let mut this = Self {
            values: optional("tokenizer_config.json")?,
            path,
            added_tokens: Vec::new(),
        };
        if let Some(added) = this.values.get("added_tokens_decoder") {
            let entries = added.as_object().into_iter().flatten();
            for (id, token) in entries {
                let fail = || this.damage_error(&format!("added_tokens_decoder.{id}"));
                let number = id
                    .parse()
                    .ok()
                    .filter(|number| *number < TOKEN_ID_LIMIT)
                    .ok_or_else(fail)?;
                this.added_tokens
                    .push((number, parse_added_token(token, false).ok_or_else(fail)?));
            }
            return Ok(this);
        }
        for (key, value) in optional("special_tokens_map.json")? {
            let value = match value {
                Value::Array(new) if key == ADDITIONAL_SPECIAL_TOKENS => {
                    let mut all = this
                        .values
                        .get(ADDITIONAL_SPECIAL_TOKENS)
                        .and_then(Value::as_array)
                        .cloned()
                        .unwrap_or_default();
                    for token in new {
                        if !all.contains(&token) {
                            all.push(token);
                        }
                    }
                    Value::Array(all)
                }
                other => other,
            };
            this.values.insert(key, value);
        }
        let special = this.all_special_tokens(&[])?;
        for (content, id) in optional("added_tokens.json")? {
            let path = directory.join("added_tokens.json");
            let id = id.as_u64().and_then(|id| u32::try_from(id).ok());
            let id = id.filter(|id| *id < TOKEN_ID_LIMIT);
            let id = id.ok_or_else(|| Error::model("an id expected").path(path).place(content.clone()))?;
            let special = special.iter().any(|token| token.content == content);
            this.added_tokens.push((
                id,
                AddedToken {
                    content,
                    special,
                    normalized: !special,
                    ..AddedToken::default()
                },
            ));
        }
        Ok(this)
    }

    /// Makes the error for a setting whose value transformers would not write.
    fn damage_error(&self, key: &str) -> Error {
        Error::model("not what transformers writes there")
            .path(&self.path)
            .place(key)
    }

    /// Adds special tokens without a name of their own to those that the files list.
    pub fn add_special_tokens<'a>(&mut self, tokens: impl Iterator<Item = &'a str>) {
        let tokens = tokens.map(Value::from);
        match self.values.get_mut(ADDITIONAL_SPECIAL_TOKENS) {
            Some(Value::Array(all)) => all.extend(tokens),
            _ => {
                self.values
                    .insert(ADDITIONAL_SPECIAL_TOKENS.to_owned(), tokens.collect());
            }
        }
    }

    /// Returns a boolean setting; `default` if the setting is absent or null.
    ///
    /// # Errors
    /// Kind `Model` if the setting is not a boolean.
    pub fn bool_setting(&self, key: &str, default: bool) -> Result<bool> {
        match self.values.get(key) {
            None | Some(Value::Null) => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.damage_error(key)),
        }
    }

    /// Returns an integer setting; `default` if the setting is absent or null.
    ///
    /// # Errors
    /// Kind `Model` if the setting is not an integer that fits `u32`.
    pub fn u32_setting(&self, key: &str, default: u32) -> Result<u32> {
        match self.values.get(key) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => {
                let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
                number.ok_or_else(|| self.damage_error(key))
            }
        }
    }

    /// Returns a setting as JSON; `None` if it is absent.
    pub fn json_setting(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// Returns the path of tokenizer_config.json, for errors.
    pub fn config_path(&self) -> &Path {
        &self.path
    }

    /// Returns the special tokens that have a name, such as `bos_token`, each with its name.
    ///
    /// # Errors
    /// Kind `Model` if a setting is damaged.
    pub fn named_special_tokens(&self) -> Result<Vec<(&'static str, AddedToken)>> {
        let named = SPECIAL_TOKEN_NAMES
            .iter()
            .map(|role| Ok(self.special_token(role, &[])?.map(|token| (*role, token))));
        Ok(named.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// Returns a string setting; `None` if the setting is absent or not a string.
    pub fn string_setting(&self, key: &str) -> Option<&str> {
        self.values.get(key)?.as_str()
    }

    /// Returns the special token with a name such as `unk_token`. If no file sets the name, the token is taken from
    /// `defaults`, the special tokens of the tokenizer class. `None` if the setting is null.
    ///
    /// # Errors
    /// Kind `Model` if the setting is damaged.
    pub fn special_token(&self, role: &str, defaults: &[(&str, AddedToken)]) -> Result<Option<AddedToken>> {
        match self.values.get(role) {
            Some(Value::Null) => Ok(None),
            Some(value) => parse_added_token(value, true)
                .map(Some)
                .ok_or_else(|| self.damage_error(role)),
            None => Ok(defaults
                .iter()
                .find(|(name, _)| *name == role)
                .map(|(_, token)| token.clone())),
        }
    }

    /// Returns the special tokens without a name of their own, mostly languages; `None` if no file lists any.
    ///
    /// # Errors
    /// Kind `Model` if the setting is damaged.
    pub fn additional_special_tokens(&self) -> Result<Option<Vec<AddedToken>>> {
        match self.values.get(ADDITIONAL_SPECIAL_TOKENS) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(tokens)) => {
                let tokens = tokens.iter().map(|token| parse_added_token(token, true));
                let tokens: Option<_> = tokens.collect();
                tokens
                    .map(Some)
                    .ok_or_else(|| self.damage_error(ADDITIONAL_SPECIAL_TOKENS))
            }
            Some(_) => Err(self.damage_error(ADDITIONAL_SPECIAL_TOKENS)),
        }
    }

    /// Returns all special tokens (`all_special_tokens` of transformers), each once, in the order in which transformers
    /// adds them. `defaults` are the special tokens of the tokenizer class.
    ///
    /// # Errors
    /// Kind `Model` if a setting is damaged.
    pub fn all_special_tokens(&self, defaults: &[(&str, AddedToken)]) -> Result<Vec<AddedToken>> {
        let mut all: Vec<AddedToken> = Vec::new();
        let named = SPECIAL_TOKEN_NAMES
            .iter()
            .map(|role| self.special_token(role, defaults));
        for token in named.collect::<Result<Vec<_>>>()?.into_iter().flatten() {
            all.push(token);
        }
        all.extend(self.additional_special_tokens()?.unwrap_or_default());
        let mut seen = std::collections::HashSet::new();
        all.retain(|token| seen.insert(token.content.clone()));
        Ok(all)
    }
}

/// Parses a token, which is a string or an object with flags. Returns `None` for other values, and for a token with the
/// flag `single_word`.
fn parse_added_token(value: &Value, special: bool) -> Option<AddedToken> {
    let object = match value {
        Value::String(content) => {
            return Some(AddedToken {
                content: content.clone(),
                special,
                ..AddedToken::default()
            });
        }
        other => other.as_object()?,
    };
    let flag = |key: &str| object.get(key).and_then(Value::as_bool).unwrap_or_default();
    if flag("single_word") {
        // A token with this flag counts only between spaces. No translation model has one.
        return None;
    }
    Some(AddedToken {
        content: object.get("content")?.as_str()?.to_owned(),
        lstrip: flag("lstrip"),
        rstrip: flag("rstrip"),
        special: special || flag("special"),
        normalized: flag("normalized"),
    })
}

/// Makes a special token without flags, together with its name, as a default for [`TokenizerConfig::special_token`].
pub fn default_special_token(role: &'static str, content: &str) -> (&'static str, AddedToken) {
    let token = AddedToken {
        content: content.to_owned(),
        special: true,
        ..AddedToken::default()
    };
    (role, token)
}
