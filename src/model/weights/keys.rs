//! Reads typed values from a model's `config.json`; errors name the key.

use crate::error::{Error, Result};
use crate::model::cpu::ops::ActivationFunction;
use serde_json::Value;
use std::path::Path;

/// A JSON object, such as a `config.json`, whose values are read by key; errors name the file and the key.
pub(in crate::model) struct ConfigKeys<'a> {
    /// Path of the JSON file, for error messages.
    pub path: &'a Path,
    /// The JSON object; null counts as an object without keys.
    pub value: &'a Value,
}

impl ConfigKeys<'_> {
    /// Makes an error of kind `Model` that names the file and `key`.
    pub fn model_error(&self, key: &str, message: impl Into<String>) -> Error {
        Error::model(message)
            .path(self.path)
            .place(format!("key {key}"))
            .hint("the file is not whole, or not that of a model of this kind")
    }

    /// Gives the value of `key`; none if the key is missing or null.
    pub fn non_null_value(&self, key: &str) -> Option<&Value> {
        self.value.get(key).filter(|value| !value.is_null())
    }

    /// Reads a whole number from 1 to 2^24; gives `default` if the key is missing or null.
    ///
    /// # Errors
    /// Fails with an error of kind `Model` if the value is not such a number, or the key is missing and there is no
    /// default.
    pub fn read_size(&self, key: &str, default: Option<usize>) -> Result<usize> {
        let value = match (self.non_null_value(key), default) {
            (Some(value), _) => value
                .as_u64()
                .filter(|size| (1..=1 << 24).contains(size))
                .map(|size| size as usize),
            (None, default) => default,
        };
        match (value, self.non_null_value(key)) {
            (Some(value), _) => Ok(value),
            (None, Some(found)) => Err(self.model_error(key, format!("`{found}` is not a size"))),
            (None, None) => Err(self.model_error(key, "missing; a number is expected")),
        }
    }

    /// Reads a number above 0; none if the key is missing or null, an error of kind `Model` for any other value.
    pub fn read_positive_number(&self, key: &str) -> Result<Option<f64>> {
        self.non_null_value(key)
            .map(|value| {
                value
                    .as_f64()
                    .filter(|number| *number > 0.0 && number.is_finite())
                    .ok_or_else(|| self.model_error(key, format!("`{value}` is not a number above 0")))
            })
            .transpose()
    }

    /// Reads a boolean; gives `default` if the key is missing or null, an error of kind `Model` for any other value.
    pub fn read_flag(&self, key: &str, default: bool) -> Result<bool> {
        match self.non_null_value(key) {
            None => Ok(default),
            Some(value) => value
                .as_bool()
                .ok_or_else(|| self.model_error(key, format!("`{value}` is neither true nor false"))),
        }
    }

    /// Reads a string; gives `default` if the key is missing or null, an error of kind `Model` for any other value.
    pub fn read_text(&self, key: &str, default: &'static str) -> Result<&str> {
        match self.non_null_value(key) {
            None => Ok(default),
            Some(value) => value
                .as_str()
                .ok_or_else(|| self.model_error(key, format!("`{value}` is not a name"))),
        }
    }

    /// Finds the activation function called `name`; the error for an unknown one names `key`, from which the name was
    /// read.
    pub fn activation_by_name(&self, key: &str, name: &str) -> Result<ActivationFunction> {
        ActivationFunction::from_name(name)
            .ok_or_else(|| self.model_error(key, format!("the activation `{name}` is not known")))
    }
}
