//! Configurations as models' publishers wrote them, for tests: none of their keys may be refused.
//!
//! `tests/golden/published-configs.json` has the files of the models of the catalogue, and some that have every key a
//! program ever wrote for a family. Copies of those files in public repositories and transformers' configuration classes
//! were followed; paths and versions may differ from those of a publisher.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The configuration files of one model.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublishedConfig {
    /// Name of the tiny checkpoint of the same architecture, in `tests/golden`.
    pub checkpoint: String,
    /// The contents of `config.json`.
    pub config: Value,
    /// The contents of `generation_config.json`, if the model has one.
    pub generation_config: Option<Value>,
}

impl PublishedConfig {
    /// Gives the `config.json` of the tiny checkpoint with all keys of the published file that it lacks: the sizes, ids
    /// and settings of the tiny checkpoint stay its own.
    pub fn complete(&self, tiny: &Value) -> Value {
        let mut config = tiny.clone();
        add_missing_keys(&mut config, &self.config);
        config
    }
}

/// Adds the keys of `published` that `config` lacks, also within the part for texts, and as many layers as it has.
fn add_missing_keys(config: &mut Value, published: &Value) {
    for (key, value) in published.as_object().expect("an object") {
        match config.get_mut(key) {
            None => config[key] = value.clone(),
            Some(inner) if key == "text_config" => add_missing_keys(inner, value),
            Some(_) => {}
        }
    }
    let layers = config["num_hidden_layers"].as_u64();
    if let (Some(types), Some(layers)) = (config.get_mut("layer_types").and_then(Value::as_array_mut), layers) {
        types.truncate(layers as usize);
    }
}

/// Reads all published configurations by the names of the models.
pub(crate) fn read_published_configs() -> BTreeMap<String, PublishedConfig> {
    let json = include_str!("../../../tests/golden/published-configs.json");
    let configs: BTreeMap<_, _> = serde_json::from_str(json).expect("JSON");
    assert!(configs.len() > 20);
    configs
}
