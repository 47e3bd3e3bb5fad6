//! The model's name in the description of a system: of translations that a memory keeps, for people to read.

use serde::Deserialize;

/// What is read of a stored id to name its model, whatever other fields its version has.
#[derive(Deserialize)]
struct NamedSystem {
    model: StoredModelName,
}

#[derive(Deserialize)]
struct StoredModelName {
    name: String,
}

/// Finds the model's name in the stored description of a system.
pub(super) fn model_name(description: &str) -> String {
    match serde_json::from_str::<NamedSystem>(description) {
        Ok(system) => system.model.name,
        Err(_) => former_model_name(description).to_owned(),
    }
}

/// The model's name in the description of a system, where it stands before revision, manifest and version.
fn former_model_name(description: &str) -> &str {
    let identity = description.split(" {").next().unwrap_or(description);
    identity.rsplitn(4, ' ').last().unwrap_or(identity)
}

/// The description of some system of a model.
#[cfg(test)]
pub(super) fn sample_description(model: &str) -> String {
    format!(r#"{{"model":{{"name":"{model}"}}}}"#)
}
