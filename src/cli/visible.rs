//! Makes control characters visible in texts that are printed to a terminal.
//!
//! A terminal obeys control characters: they can set its title, hide or rewrite what was printed, or type commands. File
//! names, manifests, answers of the Hub and articles are written by others, so that none of their control characters
//! may reach a terminal as it is.

use super::style::STYLES;
use std::borrow::Cow;
use std::fmt::Write;

/// Which characters of a text are left as they are although they are control characters.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeptControlCharacters {
    /// Line feeds.
    pub newlines: bool,
    /// The escape sequences of plae's own [`STYLES`].
    pub styles: bool,
}

/// Replaces control characters (C0 but tab, DEL, C1) and the characters that change the direction of text by their
/// escape in Rust's notation, such as `\u{1b}`.
pub fn escape_control_characters(text: &str, kept: KeptControlCharacters) -> Cow<'_, str> {
    let is_harmless = |c: char| !is_terminal_control(c) || (c == '\n' && kept.newlines);
    if text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let mut visible = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let style = if kept.styles { own_style_prefix(rest) } else { None };
        let length = match style {
            Some(style) => {
                visible.push_str(&style);
                style.len()
            }
            None if is_harmless(c) => {
                visible.push(c);
                c.len_utf8()
            }
            None => {
                // Writing to a string never fails.
                let _ = write!(visible, "{}", c.escape_debug());
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    Cow::Owned(visible)
}

fn is_terminal_control(c: char) -> bool {
    let changes_direction = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && c != '\t') || changes_direction
}

/// Returns the escape sequence of one of plae's own styles, or the one that ends a style, if `text` starts with it.
fn own_style_prefix(text: &str) -> Option<String> {
    let begins = STYLES.iter().map(|style| style.to_string());
    let ends = STYLES.iter().map(|style| format!("{style:#}"));
    begins
        .chain(ends)
        .find(|sequence| !sequence.is_empty() && text.starts_with(sequence.as_str()))
}

#[cfg(test)]
mod tests {
    use super::super::style::{ERROR_STYLE, FAINT_STYLE};
    use super::*;

    #[test]
    fn no_control_character_is_left() {
        let plain = KeptControlCharacters::default();
        let cases = [
            ("ข่าว.txt", "ข่าว.txt"),
            ("a\tb", "a\tb"),
            ("a\nb", "a\\nb"),
            ("\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}"),
            ("\x1b[2J\r", "\\u{1b}[2J\\r"),
            ("\u{9b}31m\x7f", "\\u{9b}31m\\u{7f}"),
            ("txt.\u{202e}exe", "txt.\\u{202e}exe"),
        ];
        for (text, expected) in cases {
            assert_eq!(escape_control_characters(text, plain), expected);
        }
        let lines = KeptControlCharacters {
            newlines: true,
            ..plain
        };
        assert_eq!(escape_control_characters("a\nb\x08", lines), "a\nb\\u{8}");
    }

    #[test]
    fn own_styles_stay_and_no_others() {
        let kept = KeptControlCharacters {
            newlines: true,
            styles: true,
        };
        let painted = format!("{ERROR_STYLE}FAIL{ERROR_STYLE:#} {FAINT_STYLE}x\x1b[8m{FAINT_STYLE:#}\n");
        let shown = escape_control_characters(&painted, kept);
        assert_eq!(shown, painted.replace("\x1b[8m", "\\u{1b}[8m"));
    }
}
