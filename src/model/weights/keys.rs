//! Reads typed values from a model's `config.json`; errors name the key. A key that was never read, and that is not
//! known to be harmless, is refused.

use super::harmless_keys::is_harmless;
use crate::error::{Error, Result};
use crate::model::cpu::ops::ActivationFunction;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

/// A JSON object, such as a `config.json`, whose values are read by key; errors name the file and the key.
pub(in crate::model) struct ConfigKeys<'a> {
    /// Path of the JSON file, for error messages.
    path: &'a Path,
    /// The JSON object; null counts as an object without keys.
    value: &'a Value,
    /// Names of the objects around this one, each with a dot after it, such as `text_config.`; empty for the whole file.
    place: String,
    /// The keys that were asked for.
    read: RefCell<BTreeSet<String>>,
}

/// The value of a setting that changes nothing. Null and empty lists, objects and texts never change anything.
pub(crate) enum NeutralValue {
    Null,
    Number(f64),
    Flag(bool),
    Text(&'static str),
}

impl NeutralValue {
    /// Whether a setting with this neutral value changes nothing if it is set to `value`.
    pub fn matches(&self, value: &Value) -> bool {
        match self {
            _ if is_empty(value) => true,
            Self::Null => false,
            Self::Number(number) => value.as_f64() == Some(*number),
            Self::Flag(flag) => value.as_bool() == Some(*flag),
            Self::Text(text) => value.as_str() == Some(*text),
        }
    }
}

/// Whether a value says nothing: null, or an empty list, object or text.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(values) => values.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Makes the error for a setting whose value changes the output in a way that is not supported, or may change it.
pub(crate) fn unknown_key_error(key: &str, value: &Value) -> Error {
    let shown: String = value.to_string().chars().take(60).collect();
    Error::model(format!(
        "`{shown}`: this setting is not known, and may change the output"
    ))
    .place(format!("key {key}"))
    .hint("take the key out of the file if it does not matter to the output; otherwise use another model")
}

/// The largest size that is read from a configuration: none of a real model comes near it.
const LARGEST_SIZE: usize = 1 << 24;
/// The largest number of layers that is read from a configuration.
const MOST_LAYERS: usize = 1 << 12;

impl<'a> ConfigKeys<'a> {
    /// Starts reading a whole file.
    pub fn new(path: &'a Path, value: &'a Value) -> Self {
        Self {
            path,
            value,
            place: String::new(),
            read: RefCell::default(),
        }
    }

    /// Starts reading the object that stands under `key`; none if the key is missing, null or empty.
    ///
    /// # Errors
    /// Fails with an error of kind `Model` if the value is no object.
    pub fn read_object(&self, key: &str) -> Result<Option<Self>> {
        match self.value(key) {
            Some(value @ Value::Object(_)) if !is_empty(value) => Ok(Some(Self {
                path: self.path,
                value,
                place: format!("{}{key}.", self.place),
                read: RefCell::default(),
            })),
            Some(value) if !is_empty(value) => Err(self.model_error(key, format!("`{value}` is not an object"))),
            _ => Ok(None),
        }
    }

    /// Makes an error of kind `Model` that names the file and `key`.
    pub fn model_error(&self, key: &str, message: impl Into<String>) -> Error {
        Error::model(message)
            .path(self.path)
            .place(format!("key {}{key}", self.place))
            .hint("the file is not whole, or not that of a model of this kind")
    }

    /// Gives the value of `key`, which may be null; none if the key is missing.
    pub fn value(&self, key: &str) -> Option<&'a Value> {
        self.read.borrow_mut().insert(key.to_owned());
        self.value.get(key)
    }

    /// Gives the value of `key`; none if the key is missing or null.
    pub fn non_null_value(&self, key: &str) -> Option<&'a Value> {
        self.value(key).filter(|value| !value.is_null())
    }

    /// Whether any value of this object is an object itself.
    pub fn has_objects(&self) -> bool {
        let values = self.value.as_object();
        values.is_some_and(|values| values.values().any(Value::is_object))
    }

    /// Refuses a key that has not been read, unless it is known to be harmless, says nothing, or has its value in
    /// `neutral`. Called last, when all keys that are obeyed have been read.
    ///
    /// # Errors
    /// Fails with an error of kind `Model` that names the key.
    pub fn refuse_unknown(&self, neutral: &[(&str, NeutralValue)]) -> Result<()> {
        let read = self.read.borrow();
        let unknown = |(key, value): &(&String, &Value)| {
            let is_neutral = |(name, neutral): &(&str, NeutralValue)| name == key && neutral.matches(value);
            !is_empty(value) && !read.contains(*key) && !is_harmless(key) && !neutral.iter().any(is_neutral)
        };
        match self.value.as_object().into_iter().flatten().find(unknown) {
            None => Ok(()),
            Some((key, value)) => Err(unknown_key_error(&format!("{}{key}", self.place), value).path(self.path)),
        }
    }

    /// Reads a whole number from 1 to 2^24; gives `default` if the key is missing or null.
    ///
    /// # Errors
    /// Fails with an error of kind `Model` if the value is not such a number, or the key is missing and there is no
    /// default.
    pub fn read_size(&self, key: &str, default: Option<usize>) -> Result<usize> {
        self.read_size_up_to(LARGEST_SIZE, key, default)
    }

    /// Reads a number of layers, as [`ConfigKeys::read_size`] reads a size; at most 4096.
    ///
    /// # Errors
    /// The errors of [`ConfigKeys::read_size`].
    pub fn read_layer_count(&self, key: &str, default: Option<usize>) -> Result<usize> {
        self.read_size_up_to(MOST_LAYERS, key, default)
    }

    fn read_size_up_to(&self, most: usize, key: &str, default: Option<usize>) -> Result<usize> {
        let found = self.non_null_value(key);
        let size = |value: &Value| value.as_u64().and_then(|size| usize::try_from(size).ok());
        match (found, default) {
            (None, Some(default)) => Ok(default),
            (None, None) => Err(self.model_error(key, "missing; a number is expected")),
            (Some(value), _) => size(value)
                .filter(|size| (1..=most).contains(size))
                .ok_or_else(|| self.model_error(key, format!("`{value}` is not a size"))),
        }
    }

    /// Reads a number above 0 that is in float32's range; none if the key is missing or null, an error of kind `Model`
    /// for any other value.
    pub fn read_positive_number(&self, key: &str) -> Result<Option<f64>> {
        self.non_null_value(key)
            .map(|value| {
                value
                    .as_f64()
                    .filter(|number| *number > 0.0 && (*number as f32).is_normal())
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
    pub fn read_text(&self, key: &str, default: &'static str) -> Result<&'a str> {
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
