//! Source of a template, checked and rewritten before minijinja parses it.
//!
//! minijinja takes `%` for a division only, and does not know the `generation` tags, which mark the text that a model is
//! trained to write. Its parser has no limit on chains of operators, so a tag with too many tokens is refused. A value
//! that is stored in a namespace passes a filter first: a namespace in itself would be printed without an end.

use super::failure::failure;
use minijinja::Error;
use std::ops::Range;

/// The most tokens in one tag. The longest tag in 70 chat templates of known models has 58.
const MAX_TAG_TOKENS: usize = 1_000;
/// The most `elif` tags in a template, each of which is parsed inside the one before. Known templates have 20 at most.
const MAX_ELIF_TAGS: usize = 500;

/// The kind of a token in a tag.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A string, a number, or a name that is no keyword.
    Operand,
    /// A keyword, such as `not` or `if`.
    Keyword,
    /// An opening bracket: `(`, `[` or `{`.
    Open,
    /// A closing bracket.
    Close,
    /// Anything else, such as `.`, `|` or `**`.
    Operator,
}

/// A token in a tag: its kind and its bytes in the template.
struct Token {
    kind: Kind,
    range: Range<usize>,
}

/// The words that are no operands.
const KEYWORDS: [&str; 12] = [
    "and", "or", "not", "in", "is", "if", "elif", "else", "for", "set", "print", "call",
];

/// Returns the template as minijinja must read it: `%` as the filter `python_modulo`, what is stored in a namespace through
/// the filter `storable`, and `generation` tags as plain blocks.
///
/// # Errors
/// Errors if a tag has too many tokens, or the template has too many `elif` tags.
pub fn prepare(text: &str) -> Result<String, Error> {
    let mut edits: Vec<(Range<usize>, &str)> = Vec::new();
    let (mut at, mut elif_tags) = (0, 0);
    while let Some(found) = text[at..].find('{') {
        let start = at + found;
        let open = *text.as_bytes().get(start + 1).unwrap_or(&0);
        at = start + 1;
        if !matches!(open, b'{' | b'%' | b'#') {
            continue;
        }
        at += 1;
        if open == b'#' {
            at = text[at..].find("#}").map_or(text.len(), |end| at + end + 2);
            continue;
        }
        let (tokens, end) = tokenize(text, at, open == b'%');
        at = end;
        let line = || text[..start].matches('\n').count() + 1;
        let word = |index: usize| tokens.get(index).map_or("", |token: &Token| &text[token.range.clone()]);
        // A sign of white-space control is no part of the tag.
        let first = usize::from(matches!(word(0), "-" | "+"));
        match word(first) {
            "raw" if open == b'%' => at = end_of_raw(text, at),
            "generation" if open == b'%' => edits.push((tokens[first].range.clone(), "if true")),
            "endgeneration" if open == b'%' => edits.push((tokens[first].range.clone(), "endif")),
            "elif" if open == b'%' => elif_tags += 1,
            _ => {}
        }
        if tokens.len() > MAX_TAG_TOKENS {
            let message = format!(
                "line {}: a tag of {} tokens, {MAX_TAG_TOKENS} allowed",
                line(),
                tokens.len()
            );
            return Err(failure(message));
        }
        if elif_tags > MAX_ELIF_TAGS {
            return Err(failure(format!(
                "line {}: more than {MAX_ELIF_TAGS} `elif` tags",
                line()
            )));
        }
        if let Some(last) = tokens.last()
            && word(first) == "set"
            && word(first + 2) == "."
            && word(first + 4) == "="
        {
            let (start, end) = (tokens[first + 4].range.end, last.range.end);
            edits.push((start..start, "("));
            edits.push((end..end, ")|storable"));
        }
        for index in (0..tokens.len()).filter(|index| word(*index) == "%") {
            let numbers = start_of_operand(text, &tokens, index)
                .is_none_or(|left| left > 0 && matches!(word(left - 1), "*" | "/" | "//" | "%" | "**"));
            let right = end_of_operand(text, &tokens, index + 1).filter(|right| word(right + 1) != "**");
            if let (false, Some(right)) = (numbers, right) {
                let end = tokens[right].range.end;
                edits.push((tokens[index].range.clone(), "|python_modulo("));
                edits.push((end..end, ")"));
            }
        }
    }
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut out = String::with_capacity(text.len() + 16 * edits.len());
    let mut done = 0;
    for (range, new) in edits {
        out.push_str(&text[done..range.start]);
        out.push_str(new);
        done = range.end;
    }
    out.push_str(&text[done..]);
    Ok(out)
}

/// Returns the offset after the `endraw` tag that ends a `raw` block whose content begins at `at`.
fn end_of_raw(text: &str, at: usize) -> usize {
    let name = text[at..].find("endraw").map_or(text.len(), |found| at + found);
    text[name..].find("%}").map_or(text.len(), |found| name + found + 2)
}

/// Reads the tokens of a tag whose content begins at `at`, a statement (`{% … %}`) or an expression. Returns them and
/// the offset after the tag. A tag without an end reaches to the end of the text.
fn tokenize(text: &str, mut at: usize, is_statement: bool) -> (Vec<Token>, usize) {
    let mut tokens = Vec::new();
    let mut open_braces = 0usize;
    while let Some(character) = text[at..].chars().next() {
        let rest = &text[at..];
        let ends = |len: usize| rest[len..].starts_with(if is_statement { "%}" } else { "}}" });
        if open_braces == 0 && (ends(0) || (matches!(character, '-' | '+') && ends(1))) {
            return (tokens, at + 2 + usize::from(!ends(0)));
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let (kind, len) = match character {
            _ if character.is_whitespace() => {
                at += character.len_utf8();
                continue;
            }
            '\'' | '"' => (Kind::Operand, string_len(rest, character)),
            _ if is_word(character) => {
                let word = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
                let keyword = KEYWORDS.contains(&word);
                (if keyword { Kind::Keyword } else { Kind::Operand }, word.len())
            }
            '(' | '[' | '{' => (Kind::Open, 1),
            ')' | ']' | '}' => (Kind::Close, 1),
            _ if ["**", "//", "==", "!=", "<=", ">="]
                .iter()
                .any(|double| rest.starts_with(double)) =>
            {
                (Kind::Operator, 2)
            }
            _ => (Kind::Operator, character.len_utf8()),
        };
        match character {
            '{' => open_braces += 1,
            '}' => open_braces = open_braces.saturating_sub(1),
            _ => {}
        }
        tokens.push(Token {
            kind,
            range: at..at + len,
        });
        at += len;
    }
    (tokens, text.len())
}

/// Returns the length in bytes of the string that `text` begins with, up to the closing `quote`.
fn string_len(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return index + 1,
            _ => {}
        }
    }
    text.len()
}

/// Returns the index of the first token of the operand that ends just before token `end`: an operand with its
/// attributes, subscripts, calls and filters. `None` if there is none.
fn start_of_operand(text: &str, tokens: &[Token], end: usize) -> Option<usize> {
    let mut at = end.checked_sub(1)?;
    loop {
        match tokens[at].kind {
            Kind::Close => {
                let mut depth = 0;
                at = (0..=at).rev().find(|index| {
                    match tokens[*index].kind {
                        Kind::Close => depth += 1,
                        Kind::Open => depth -= 1,
                        _ => {}
                    }
                    depth == 0
                })?;
                if at > 0 && matches!(tokens[at - 1].kind, Kind::Operand | Kind::Close) {
                    at -= 1;
                    continue;
                }
            }
            Kind::Operand => {}
            _ => return None,
        }
        match at.checked_sub(1).map(|before| &text[tokens[before].range.clone()]) {
            Some("." | "|") => at = at.checked_sub(2)?,
            _ => return Some(at),
        }
    }
}

/// Returns the index of the last token of the operand that begins with token `at`, signs before it included. `None` if
/// there is none.
fn end_of_operand(text: &str, tokens: &[Token], mut at: usize) -> Option<usize> {
    let word = |at: usize| tokens.get(at).map_or("", |token| &text[token.range.clone()]);
    while matches!(word(at), "-" | "+") {
        at += 1;
    }
    let closing = |open: usize| {
        let mut depth = 0;
        (open..tokens.len()).find(|index| {
            match tokens[*index].kind {
                Kind::Open => depth += 1,
                Kind::Close => depth -= 1,
                _ => {}
            }
            depth == 0
        })
    };
    at = match tokens.get(at)?.kind {
        Kind::Open => closing(at)?,
        Kind::Operand => at,
        _ => return None,
    };
    loop {
        at = match word(at + 1) {
            "." | "|" if at + 2 < tokens.len() => at + 2,
            "(" | "[" => closing(at + 1)?,
            _ => return Some(at),
        };
    }
}
