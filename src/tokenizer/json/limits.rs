//! Limits of a tokenizer.json, checked before the `tokenizers` crate reads it: how deep it is nested, and how much its
//! normaliser and its decoder multiply a text.

use crate::error::{Error, Result};
use crate::tokenizer::normalizer::check_charsmap;
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

/// The deepest nesting of a tokenizer.json; those of published models have ten levels at most.
const MAX_DEPTH: usize = 24;
/// The most times that a normaliser or decoder may multiply the length of a text. Known ones stay below 500.
const MAX_GROWTH: f64 = 10_000.0;

/// The parts of a tokenizer.json that change texts.
#[derive(Deserialize)]
struct TextParts {
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    decoder: Value,
}

/// Checks the content of a tokenizer.json.
///
/// # Errors
/// Kind `Model` if the file is nested too deep, or multiplies texts too much.
pub fn check(path: &Path, bytes: &[u8]) -> Result<()> {
    let depth = measure_depth(bytes);
    if depth > MAX_DEPTH {
        let message = format!("nested {depth} levels deep, {MAX_DEPTH} allowed");
        return Err(Error::model(message).path(path));
    }
    let parts: TextParts = serde_json::from_slice(bytes).map_err(|e| {
        let place = format!("line {}", e.line());
        Error::model("cannot be read as a tokenizer")
            .path(path)
            .place(place)
            .source(e)
    })?;
    for (place, part) in [("normalizer", &parts.normalizer), ("decoder", &parts.decoder)] {
        let growth = growth(part).map_err(|e| e.path(path).place(place))?;
        if growth > MAX_GROWTH {
            let message = format!("makes a text up to {growth:.0} times as long, {MAX_GROWTH:.0} allowed");
            return Err(Error::model(message).path(path).place(place));
        }
    }
    Ok(())
}

/// Returns the number of brackets that are open at the deepest place of a JSON text.
fn measure_depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Returns how many times as long a normaliser or decoder can make a text.
///
/// # Errors
/// Kind `Model` if its map of characters is damaged.
fn growth(part: &Value) -> Result<f64> {
    let text = |key: &str| part[key].as_str().unwrap_or_default();
    let members = ["normalizers", "decoders"]
        .iter()
        .filter_map(|key| part[*key].as_array());
    Ok(match text("type") {
        // A character that is dropped or kept counts as one, whatever its neighbours become.
        "Replace" => {
            let new = text("content").len() as f64;
            match part["pattern"]["String"].as_str() {
                Some("") => 1.0 + new,
                Some(old) => (new / old.len() as f64).max(1.0),
                None => (1.0 + new).max(1.0),
            }
        }
        "Prepend" => 1.0 + text("prepend").len() as f64,
        // The longest that Unicode has: one character of three bytes becomes 33 bytes.
        "NFKC" | "NFKD" => 11.0,
        "NFD" | "NFC" => 4.0,
        "ByteLevel" => 2.0,
        "Precompiled" => {
            check_charsmap(&decode_base64(text("precompiled_charsmap")))?;
            11.0
        }
        _ => {
            let mut product = 1.0;
            for member in members.flatten() {
                product *= growth(member)?;
            }
            product
        }
    })
}

/// Decodes base64 up to the first character that is not part of it.
fn decode_base64(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for value in text.bytes().map_while(value) {
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}
