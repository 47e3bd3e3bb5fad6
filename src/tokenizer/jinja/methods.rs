//! Methods of Python's strings, lists and dictionaries, for chat templates.
//!
//! `minijinja_contrib` has the most common ones; those that it lacks are here.

use super::failure::failure;
use minijinja::value::{Kwargs, Tuple, Value, ValueKind, from_args};
use minijinja::{Error, State};
use minijinja_contrib::pycompat;

/// The widest field, in characters, that a text is padded to.
const MAX_WIDTH: usize = 10_000;

/// Calls a method of a value that the value itself does not have.
///
/// # Errors
/// Errors for a method that Python does not have, and for arguments that do not fit.
pub fn call(state: &mut State, value: &Value, method: &str, arguments: &[Value]) -> Result<Value, Error> {
    let found = match value.as_str() {
        Some(text) => call_of_text(text, method, arguments)?,
        None => call_of_list(value, method, arguments)?,
    };
    match found {
        Some(result) => Ok(result),
        None => pycompat::unknown_method_callback(state, value, method, arguments),
    }
}

/// Calls a method of a string. `None` if the method is not one of those here.
fn call_of_text(text: &str, method: &str, arguments: &[Value]) -> Result<Option<Value>, Error> {
    let found = match method {
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(arguments)?;
            text.strip_prefix(prefix).unwrap_or(text).into()
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(arguments)?;
            text.strip_suffix(suffix).unwrap_or(text).into()
        }
        "split" | "rsplit" => {
            let (separator, most, named): (Option<&str>, Option<i64>, Kwargs) = from_args(arguments)?;
            let separator = separator.or(named.get("sep")?);
            // -1 stands for any number of cuts.
            let most: i64 = most.or(named.get("maxsplit")?).unwrap_or(-1);
            named.assert_all_used()?;
            if method == "split" {
                return minijinja::filters::split(&text.into(), separator.map(Into::into), Some(most)).map(Some);
            }
            split_from_right(text, separator, usize::try_from(most).unwrap_or(usize::MAX))?
        }
        "partition" | "rpartition" => {
            let (separator,): (&str,) = from_args(arguments)?;
            let from_left = method == "partition";
            let cut = if from_left {
                text.split_once(separator)
            } else {
                text.rsplit_once(separator)
            };
            let parts = match cut {
                Some((left, right)) => [left, separator, right],
                None if from_left => [text, "", ""],
                None => ["", "", text],
            };
            Value::from(Tuple::from(parts.map(Value::from).to_vec()))
        }
        "index" | "rindex" => {
            let (part,): (&str,) = from_args(arguments)?;
            let byte = if method == "index" {
                text.find(part)
            } else {
                text.rfind(part)
            };
            let byte = byte.ok_or_else(|| failure("substring not found".into()))?;
            text[..byte].chars().count().into()
        }
        "zfill" => {
            let (width,): (i64,) = from_args(arguments)?;
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['-', '+'])));
            format!("{sign}{}{digits}", "0".repeat(missing(text, width)?)).into()
        }
        "ljust" | "rjust" | "center" => {
            let (width, fill): (i64, Option<char>) = from_args(arguments)?;
            let missing = missing(text, width)?;
            let left = match method {
                "ljust" => 0,
                "rjust" => missing,
                // Python puts the odd character to the left if the width is odd.
                _ => missing / 2 + (missing & usize::try_from(width).unwrap_or_default() & 1),
            };
            let fill = |count: usize| fill.unwrap_or(' ').to_string().repeat(count);
            format!("{}{text}{}", fill(left), fill(missing - left)).into()
        }
        "casefold" => {
            let () = from_args(arguments)?;
            text.to_lowercase().into()
        }
        "swapcase" => {
            let () = from_args(arguments)?;
            let swap = |c: char| {
                if c.is_uppercase() {
                    c.to_lowercase().collect::<String>()
                } else {
                    c.to_uppercase().collect()
                }
            };
            text.chars().map(swap).collect::<String>().into()
        }
        "isdecimal" => {
            let () = from_args(arguments)?;
            (!text.is_empty() && text.chars().all(char::is_numeric)).into()
        }
        "istitle" => {
            let () = from_args(arguments)?;
            let title = minijinja::filters::title(text.into());
            (text.chars().any(char::is_alphabetic) && title == text).into()
        }
        "format" if names_wide_field(text) => return Err(failure(format!("a field wider than {MAX_WIDTH}"))),
        _ => return Ok(None),
    };
    Ok(Some(found))
}

/// Calls a method of a list, tuple or dictionary. `None` if the method is not one of those here.
fn call_of_list(value: &Value, method: &str, arguments: &[Value]) -> Result<Option<Value>, Error> {
    match (value.kind(), method) {
        (ValueKind::Seq, "index") => {
            let (wanted,): (&Value,) = from_args(arguments)?;
            let found = value.try_iter()?.position(|item| item == *wanted);
            let found = found.ok_or_else(|| failure(format!("{wanted} is not in list")))?;
            Ok(Some(found.into()))
        }
        (ValueKind::Seq | ValueKind::Map, "copy") => {
            let () = from_args(arguments)?;
            Ok(Some(value.clone()))
        }
        // The sandbox of transformers refuses these too.
        (ValueKind::Seq | ValueKind::Map, "append" | "extend" | "insert" | "pop" | "remove" | "update" | "clear") => {
            let message = format!("`{method}` would change a value, which chat templates may not do");
            Err(failure(message))
        }
        _ => Ok(None),
    }
}

/// Splits a text at a separator, or at white space without one, with at most `most` cuts from the right.
fn split_from_right(text: &str, separator: Option<&str>, most: usize) -> Result<Value, Error> {
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = text;
    match separator {
        Some("") => return Err(failure("empty separator".into())),
        Some(separator) => {
            while parts.len() < most
                && let Some((left, right)) = rest.rsplit_once(separator)
            {
                parts.push(right);
                rest = left;
            }
            parts.push(rest);
        }
        None => {
            rest = rest.trim_end();
            while parts.len() < most
                && let Some((at, space)) = rest.char_indices().rfind(|(_, c)| c.is_whitespace())
            {
                parts.push(&rest[at + space.len_utf8()..]);
                rest = rest[..at].trim_end();
            }
            parts.extend(Some(rest).filter(|rest| !rest.is_empty()));
        }
    }
    Ok(parts.into_iter().rev().collect())
}

/// Returns the number of characters that a text lacks to be `width` characters wide.
fn missing(text: &str, width: i64) -> Result<usize, Error> {
    let width = usize::try_from(width).unwrap_or_default();
    if width > MAX_WIDTH {
        return Err(failure(format!("a field of {width} characters, {MAX_WIDTH} allowed")));
    }
    Ok(width.saturating_sub(text.chars().count()))
}

/// Whether a format string asks for a field of five digits or more.
fn names_wide_field(format: &str) -> bool {
    format
        .split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() > 4)
}
