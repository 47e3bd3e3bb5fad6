//! Entities of XML: the five that XML knows, and those that a document's own type declaration declares.

use crate::error::{Error, Result};
use quick_xml::escape::resolve_xml_entity;
use std::collections::HashMap;

/// The most bytes that one reference to an entity may stand for, so that entities that multiply each other end early.
const MAX_REPLACEMENT_BYTES: usize = 1 << 16;
/// The deepest nesting of entities within entities.
const MAX_NESTING: usize = 16;

/// The internal general entities of a document: the name and the text of each.
#[derive(Default)]
pub(super) struct Entities(HashMap<String, String>);

impl Entities {
    /// Reads the entities that `declaration`, the content of a `<!DOCTYPE …>`, declares. Parameter entities and entities
    /// in other files are passed over: a reference to one of them is an error.
    pub fn read_declarations(&mut self, declaration: &str) -> Result<()> {
        let mut rest = declaration;
        while let Some(start) = rest.find("<!") {
            rest = &rest[start..];
            if let Some(comment) = rest.strip_prefix("<!--") {
                rest = comment.split_once("-->").map_or("", |(_, after)| after);
                continue;
            }
            let Some(entity) = rest.strip_prefix("<!ENTITY") else {
                rest = &rest[2..];
                continue;
            };
            rest = entity;
            let Some((name, value)) = entity.trim_start().split_once(char::is_whitespace) else {
                continue;
            };
            let value = value.trim_start();
            // The name of a parameter entity is `%`, and a quotation mark follows no `SYSTEM` and no `PUBLIC`.
            if let Some(quote @ ('"' | '\'')) = value.chars().next()
                && let Some((text, after)) = value[1..].split_once(quote)
            {
                // Of several declarations, the first counts.
                self.0.entry(name.to_owned()).or_insert_with(|| text.to_owned());
                rest = after;
            }
        }
        Ok(())
    }

    /// Returns the text that the reference `&name;` stands for.
    ///
    /// # Errors
    /// Kind `Input` for an entity that is not declared, that holds markup, or whose text is too long.
    pub fn resolve(&self, name: &str) -> Result<String> {
        let mut text = String::new();
        self.append_text(name, &mut text, 0)?;
        Ok(text)
    }

    fn append_text(&self, name: &str, text: &mut String, depth: usize) -> Result<()> {
        let failed = |message: &str| Err(Error::input(format!("not well-formed XML: {message} &{name};")));
        if let Some(known) = resolve_xml_entity(name) {
            text.push_str(known);
            return Ok(());
        }
        let Some(mut rest) = self.0.get(name).map(String::as_str) else {
            return failed("unknown entity");
        };
        if depth == MAX_NESTING {
            return failed("entities nested too deep in");
        }
        if rest.contains('<') {
            return failed("markup in the entity");
        }
        while let Some((before, after)) = rest.split_once('&') {
            text.push_str(before);
            let Some((inner, after)) = after.split_once(';') else {
                return failed("a lone & in the entity");
            };
            match inner.strip_prefix('#') {
                Some(number) => match parse_char_number(number) {
                    Some(c) => text.push(c),
                    None => return failed("an invalid character in the entity"),
                },
                None => self.append_text(inner, text, depth + 1)?,
            }
            if text.len() > MAX_REPLACEMENT_BYTES {
                return failed("too long a text for the entity");
            }
            rest = after;
        }
        text.push_str(rest);
        Ok(())
    }
}

/// Parses the number of a character reference without its `&#`: decimal, or hexadecimal after `x`.
fn parse_char_number(number: &str) -> Option<char> {
    let code = match number.strip_prefix('x') {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    char::from_u32(code.ok()?)
}
