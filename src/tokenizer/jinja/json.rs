//! The filter `tojson`, which writes a value as Python's `json.dumps` does for transformers.

use super::failure::failure;
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Error, State};
use std::fmt::Write;

/// The deepest nesting of lists and objects that is written.
const MAX_DEPTH: usize = 100;

/// The separators and the indentation of the JSON text.
struct Layout {
    /// The text between two entries, without the newline of an indented value.
    comma: String,
    /// The text between a key and its value.
    colon: String,
    /// The text that indents one level; `None` to write all on one line.
    indent: Option<String>,
    sort_keys: bool,
    ensure_ascii: bool,
}

/// Writes a value as JSON, with the options `indent`, `separators`, `sort_keys` and `ensure_ascii` of `json.dumps`.
/// Characters beyond ASCII are kept unless `ensure_ascii` is set, as in transformers.
///
/// # Errors
/// Errors for a value that JSON has no form for, an unknown option, or more than the fuel allows.
pub fn to_json(state: &mut State, value: &Value, indent: Option<Value>, options: Kwargs) -> Result<Value, Error> {
    let option = |name: &str| options.get::<Option<Value>>(name);
    let indent = match indent.map_or_else(|| option("indent"), |indent| Ok(Some(indent)))? {
        Some(indent) if !indent.is_none() => Some(match usize::try_from(indent.clone()) {
            Ok(spaces) if spaces <= 100 => " ".repeat(spaces),
            Ok(spaces) => return Err(failure(format!("tojson: an indent of {spaces}, 100 allowed"))),
            Err(_) => indent.as_str().unwrap_or_default().to_owned(),
        }),
        _ => None,
    };
    let mut layout = Layout {
        comma: if indent.is_some() { "," } else { ", " }.to_owned(),
        colon: ": ".to_owned(),
        indent,
        sort_keys: option("sort_keys")?.is_some_and(|flag| flag.is_true()),
        ensure_ascii: option("ensure_ascii")?.is_some_and(|flag| flag.is_true()),
    };
    if let Some(separators) = option("separators")?.filter(|value| !value.is_none()) {
        layout.comma = separators.get_item(&Value::from(0))?.to_string();
        layout.colon = separators.get_item(&Value::from(1))?.to_string();
    }
    options.assert_all_used()?;
    let mut out = String::new();
    write_value(state, value, &layout, 0, &mut out)?;
    Ok(Value::from_safe_string(out))
}

/// Appends a value, which is `depth` levels below the whole.
fn write_value(state: &State, value: &Value, layout: &Layout, depth: usize, out: &mut String) -> Result<(), Error> {
    state.consume_fuel(1)?;
    if depth > MAX_DEPTH {
        return Err(failure(format!("tojson: more than {MAX_DEPTH} levels")));
    }
    match value.kind() {
        ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => out.push_str(&value.to_string()),
        ValueKind::String => write_string(value.as_str().unwrap_or_default(), layout, out),
        ValueKind::Seq | ValueKind::Iterable => {
            let items: Vec<Value> = value.try_iter()?.collect();
            write_entries(items.len(), ['[', ']'], layout, depth, out, |index, out| {
                write_value(state, &items[index], layout, depth + 1, out)
            })?;
        }
        ValueKind::Map => {
            let mut keys: Vec<Value> = value.try_iter()?.collect();
            if layout.sort_keys {
                keys.sort();
            }
            write_entries(keys.len(), ['{', '}'], layout, depth, out, |index, out| {
                let key = &keys[index];
                match key.kind() {
                    ValueKind::None => out.push_str("\"null\""),
                    ValueKind::Bool => out.push_str(if key.is_true() { "\"true\"" } else { "\"false\"" }),
                    _ => write_string(&key.to_string(), layout, out),
                }
                out.push_str(&layout.colon);
                write_value(state, &value.get_item(key)?, layout, depth + 1, out)
            })?;
        }
        other => return Err(failure(format!("tojson: JSON has no form for the kind {other}"))),
    }
    state.consume_fuel(out.len() as u64 >> 16)
}

/// Appends `count` entries between brackets; `write` appends one of them.
fn write_entries(
    count: usize,
    [open, close]: [char; 2],
    layout: &Layout,
    depth: usize,
    out: &mut String,
    mut write: impl FnMut(usize, &mut String) -> Result<(), Error>,
) -> Result<(), Error> {
    let new_line = |out: &mut String, depth: usize| {
        if let Some(indent) = &layout.indent {
            out.push('\n');
            (0..depth).for_each(|_| out.push_str(indent));
        }
    };
    out.push(open);
    for index in 0..count {
        if index > 0 {
            out.push_str(&layout.comma);
        }
        new_line(out, depth + 1);
        write(index, out)?;
    }
    if count > 0 {
        new_line(out, depth);
    }
    out.push(close);
    Ok(())
}

/// Appends a string with the escapes of `json.dumps`.
fn write_string(text: &str, layout: &Layout, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            _ if character < ' ' || (layout.ensure_ascii && !character.is_ascii()) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}
