//! Escaping: makes text safe for HTML, XML, Markdown, or a single line.

use quick_xml::escape::escape;
use std::borrow::Cow;

/// Puts `text` on one line: each run of line breaks, control characters and characters that XML 1.0 forbids becomes one
/// space.
pub(crate) fn put_on_one_line(text: &str) -> Cow<'_, str> {
    let is_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FFFE}' | '\u{FFFF}');
    if !text.contains(is_break) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if !is_break(c) {
            line.push(c);
        } else if !line.ends_with(' ') {
            line.push(' ');
        }
    }
    Cow::Owned(line)
}

/// Escapes `text` for HTML and XML, both for content and for quoted attributes, and puts it on one line.
pub(crate) fn escape_html_xml(text: &str) -> String {
    escape(put_on_one_line(text)).into_owned()
}

/// Escapes `text` for Markdown output that continues the text `before`. Text that starts a line needs more escapes than
/// text in the middle of one.
pub(super) fn escape_markdown_after(text: &str, before: &str) -> String {
    let escaped = escape_markdown(text);
    // The characters that can stand on a line before the text of a heading, a list item or a quotation.
    let is_marker = |c: char| c.is_whitespace() || c.is_ascii_digit() || ">-*+.)\u{feff}".contains(c);
    let mut line = before.chars().rev().take_while(|c| *c != '\n');
    if line.all(is_marker) {
        escape_line_start(escaped)
    } else {
        escaped
    }
}

/// Escapes `text` for the middle of a Markdown line: puts a backslash before each character that would be markup
/// anywhere on a line, and writes entities for `<` and for an ampersand that begins an entity.
pub(super) fn escape_markdown(text: &str) -> String {
    let text = put_on_one_line(text);
    let text = text.trim();
    let mut out = String::with_capacity(text.len());
    let closing_signs = text.trim_end_matches('#').len();
    let mut previous = ' ';
    for (index, c) in text.char_indices() {
        let rest = &text[index + c.len_utf8()..];
        let is_markup = match c {
            // Braces begin attributes (with handlers of events), expressions and includes in several dialects.
            '\\' | '`' | '*' | '[' | ']' | '{' | '|' | '~' => true,
            // An underscore between letters is never emphasis, and is common in file names and web addresses.
            '_' => !(previous.is_alphanumeric() && rest.starts_with(char::is_alphanumeric)),
            // A number sign matters only at the end of a heading, which it would close.
            '#' => previous.is_whitespace() && index == closing_signs,
            _ => false,
        };
        // Not every program knows a backslash before these two: Python-Markdown takes what follows for a tag.
        match c {
            '<' => out.push_str("&lt;"),
            '&' if begins_entity(rest) => out.push_str("&amp;"),
            _ if is_markup => out.extend(['\\', c]),
            _ => out.push(c),
        }
        previous = c;
    }
    out
}

/// Whether the text after an ampersand makes an entity of it. Any other ampersand is text.
fn begins_entity(rest: &str) -> bool {
    rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '#')
        .starts_with(';')
}

/// Adds a backslash to a line of escaped Markdown if the line would otherwise begin a heading, a list or a quotation.
pub(super) fn escape_line_start(line: String) -> String {
    let ends = |rest: &str| rest.is_empty() || rest.starts_with(char::is_whitespace);
    let first = line.chars().next().unwrap_or_default();
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (before, after) = line.split_at(digits);
    let is_markup = match first {
        '>' => true,
        '#' | '-' | '+' | '=' => ends(line.trim_start_matches(first)),
        '0'..='9' => after.starts_with(['.', ')']) && ends(&after[1..]),
        _ => false,
    };
    if is_markup { format!("{before}\\{after}") } else { line }
}
