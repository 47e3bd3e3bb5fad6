//! The small JSON files of a tokenizer directory, and what transformers reads from them when it loads a tokenizer.

use crate::error::{Error, Result};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// A file's bytes.
///
/// # Errors
/// Of kind `Model` where it cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::model("cannot read it").path(path).source(e))
}

/// A JSON file that holds an object.
///
/// # Errors
/// Of kind `Model` where it cannot be read or holds something else.
pub fn object(path: &Path) -> Result<Map<String, Value>> {
    let value = serde_json::from_slice(&read(path)?).map_err(|e| {
        let place = format!("line {}", e.line());
        Error::model("not a JSON object").path(path).place(place).source(e)
    })?;
    Ok(value)
}

/// One of the names that a special token goes by, in the order in which transformers adds them.
const ROLES: [&str; 7] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
];
const ADDITIONAL: &str = "additional_special_tokens";

/// Ids from here on are damage: no vocabulary is so large.
const MAX_ID: u32 = 1 << 24;

/// A token that is found in a text before anything else is (`AddedToken`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddedToken {
    pub content: String,
    /// Eats the spaces on its left.
    pub lstrip: bool,
    /// Eats the spaces on its right.
    pub rstrip: bool,
    /// Left out of decoded text.
    pub special: bool,
    /// Found after normalisation; of concern to tokenizer.json alone.
    pub normalized: bool,
}

/// tokenizer_config.json, with the two files that stood in for parts of it in older repositories.
pub struct Settings {
    values: Map<String, Value>,
    path: PathBuf,
    /// Tokens with their ids, from `added_tokens_decoder` or added_tokens.json.
    pub added: Vec<(u32, AddedToken)>,
}

impl Settings {
    /// # Errors
    /// Of kind `Model` where a file is damaged; that one is missing is no error.
    pub fn open(directory: &Path) -> Result<Self> {
        let optional = |name: &str| {
            let path = directory.join(name);
            if path.exists() { object(&path) } else { Ok(Map::new()) }
        };
        let path = directory.join("tokenizer_config.json");
        let mut this = Self {
            values: optional("tokenizer_config.json")?,
            path,
            added: Vec::new(),
        };
        if let Some(added) = this.values.get("added_tokens_decoder") {
            let entries = added.as_object().into_iter().flatten();
            for (id, token) in entries {
                let fail = || this.damage(&format!("added_tokens_decoder.{id}"));
                let number = id.parse().ok().filter(|number| *number < MAX_ID).ok_or_else(fail)?;
                this.added.push((number, added_token(token, false).ok_or_else(fail)?));
            }
            return Ok(this);
        }
        for (key, value) in optional("special_tokens_map.json")? {
            let value = match value {
                Value::Array(new) if key == ADDITIONAL => {
                    let mut all = this
                        .values
                        .get(ADDITIONAL)
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
        let special = this.special(&[])?;
        for (content, id) in optional("added_tokens.json")? {
            let path = directory.join("added_tokens.json");
            let id = id.as_u64().and_then(|id| u32::try_from(id).ok());
            let id = id.filter(|id| *id < MAX_ID);
            let id = id.ok_or_else(|| Error::model("an id expected").path(path).place(content.clone()))?;
            let special = special.iter().any(|token| token.content == content);
            this.added.push((
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

    fn damage(&self, key: &str) -> Error {
        Error::model("not what transformers writes there")
            .path(&self.path)
            .place(key)
    }

    /// Lists further special tokens.
    pub fn add_special<'a>(&mut self, tokens: impl Iterator<Item = &'a str>) {
        let tokens = tokens.map(Value::from);
        match self.values.get_mut(ADDITIONAL) {
            Some(Value::Array(all)) => all.extend(tokens),
            _ => {
                self.values.insert(ADDITIONAL.to_owned(), tokens.collect());
            }
        }
    }

    /// A setting that is true or false; `default` where it is absent or null.
    ///
    /// # Errors
    /// Of kind `Model` where it is something else.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool> {
        match self.values.get(key) {
            None | Some(Value::Null) => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.damage(key)),
        }
    }

    /// A setting that counts something.
    ///
    /// # Errors
    /// Of kind `Model` where it is no number that fits.
    pub fn count(&self, key: &str, default: u32) -> Result<u32> {
        match self.values.get(key) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => {
                let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
                number.ok_or_else(|| self.damage(key))
            }
        }
    }

    /// A setting as it stands.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// The file that settings are in.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The special tokens that have names, with these.
    ///
    /// # Errors
    /// Of kind `Model` where a setting is damaged.
    pub fn named(&self) -> Result<Vec<(&'static str, AddedToken)>> {
        let named = ROLES
            .iter()
            .map(|role| Ok(self.token(role, &[])?.map(|token| (*role, token))));
        Ok(named.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// A setting that is a text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key)?.as_str()
    }

    /// The text of a special token by its name, such as `unk_token`; of `defaults`, the class's own, where no file has it.
    ///
    /// # Errors
    /// Of kind `Model` where the setting is damaged.
    pub fn token(&self, role: &str, defaults: &[(&str, AddedToken)]) -> Result<Option<AddedToken>> {
        match self.values.get(role) {
            Some(Value::Null) => Ok(None),
            Some(value) => added_token(value, true).map(Some).ok_or_else(|| self.damage(role)),
            None => Ok(defaults
                .iter()
                .find(|(name, _)| *name == role)
                .map(|(_, token)| token.clone())),
        }
    }

    /// The special tokens that have no name of their own, mostly languages; none where no file lists any.
    ///
    /// # Errors
    /// Of kind `Model` where the setting is damaged.
    pub fn additional(&self) -> Result<Option<Vec<AddedToken>>> {
        match self.values.get(ADDITIONAL) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(tokens)) => {
                let tokens = tokens.iter().map(|token| added_token(token, true));
                let tokens: Option<_> = tokens.collect();
                tokens.map(Some).ok_or_else(|| self.damage(ADDITIONAL))
            }
            Some(_) => Err(self.damage(ADDITIONAL)),
        }
    }

    /// All special tokens (`all_special_tokens`), in the order in which transformers adds them.
    ///
    /// # Errors
    /// Of kind `Model` where a setting is damaged.
    pub fn special(&self, defaults: &[(&str, AddedToken)]) -> Result<Vec<AddedToken>> {
        let mut all: Vec<AddedToken> = Vec::new();
        let named = ROLES.iter().map(|role| self.token(role, defaults));
        for token in named.collect::<Result<Vec<_>>>()?.into_iter().flatten() {
            all.push(token);
        }
        all.extend(self.additional()?.unwrap_or_default());
        let mut seen = std::collections::HashSet::new();
        all.retain(|token| seen.insert(token.content.clone()));
        Ok(all)
    }
}

/// A token as a file has it: its text, or an object with its flags.
fn added_token(value: &Value, special: bool) -> Option<AddedToken> {
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
        // No translation model has one: it would be text unless spaces stand around it.
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
