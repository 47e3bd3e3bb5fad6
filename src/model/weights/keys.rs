//! Typed reading of a model's `config.json`, with errors that name the key.

use crate::error::{Error, Result};
use crate::model::cpu::ops::Activation;
use serde_json::Value;
use std::path::Path;

/// A JSON object whose values are read by key, with errors that name the file and the key.
pub(in crate::model) struct Keys<'a> {
    /// The file, for messages.
    pub path: &'a Path,
    /// The object, or null for one without keys.
    pub value: &'a Value,
}

impl Keys<'_> {
    /// Makes the error for a key.
    pub fn fail(&self, key: &str, message: impl Into<String>) -> Error {
        Error::model(message)
            .path(self.path)
            .place(format!("key {key}"))
            .hint("the file is not whole, or not that of a model of this kind")
    }

    /// The value of a key; none for a key that is missing or null.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.value.get(key).filter(|value| !value.is_null())
    }

    /// Reads a size, at least 1; `default` where the file has none.
    ///
    /// # Errors
    /// Of kind `Model`, as all of these, for a value of another kind, and for a missing key without a default.
    pub fn size(&self, key: &str, default: Option<usize>) -> Result<usize> {
        let value = match (self.get(key), default) {
            (Some(value), _) => value
                .as_u64()
                .filter(|size| (1..=1 << 24).contains(size))
                .map(|size| size as usize),
            (None, default) => default,
        };
        match (value, self.get(key)) {
            (Some(value), _) => Ok(value),
            (None, Some(found)) => Err(self.fail(key, format!("`{found}` is not a size"))),
            (None, None) => Err(self.fail(key, "missing; a number is expected")),
        }
    }

    /// Reads a number above 0; none where the file has none.
    pub fn number(&self, key: &str) -> Result<Option<f64>> {
        self.get(key)
            .map(|value| {
                value
                    .as_f64()
                    .filter(|number| *number > 0.0 && number.is_finite())
                    .ok_or_else(|| self.fail(key, format!("`{value}` is not a number above 0")))
            })
            .transpose()
    }

    /// Reads a boolean.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value
                .as_bool()
                .ok_or_else(|| self.fail(key, format!("`{value}` is neither true nor false"))),
        }
    }

    /// Reads a name.
    pub fn text(&self, key: &str, default: &'static str) -> Result<&str> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value
                .as_str()
                .ok_or_else(|| self.fail(key, format!("`{value}` is not a name"))),
        }
    }

    /// Finds the activation called `name`, which `key` gave.
    pub fn activation(&self, key: &str, name: &str) -> Result<Activation> {
        Activation::from_name(name).ok_or_else(|| self.fail(key, format!("the activation `{name}` is not known")))
    }
}
