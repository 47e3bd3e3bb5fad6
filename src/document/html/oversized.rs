//! A guard for the HTML tokenizer, whose stack grows with the number of attributes in one tag.

use std::ops::Range;

/// The most attributes with quoted values that one tag may have. The tokenizer of html5gum 0.9 overflows a thread's
/// stack of 2 MB at about 8,000.
const MAX_QUOTED_ATTRIBUTES: usize = 1000;

/// Divides HTML into the pieces that the tokenizer can read, by leaving out tags with too many attributes. Returns the
/// byte range of each piece; nearly every text is one piece.
///
/// Comments, scripts and style sheets are passed over.
pub fn pieces_to_tokenize(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let after_end_tag = |at: usize, name: &str| {
        let is_end = |index: &usize| {
            bytes[index + 2..]
                .get(..name.len())
                .is_some_and(|tag| tag.eq_ignore_ascii_case(name.as_bytes()))
        };
        let mut ends = text[at..].match_indices("</").map(|(length, _)| at + length);
        ends.find(is_end).unwrap_or(text.len())
    };
    let after_comment = |at: usize| {
        let ends = ["-->", "--!>"]
            .into_iter()
            .filter_map(|end| text[at..].find(end).map(|length| at + length + end.len()));
        ends.min().unwrap_or(text.len())
    };
    let mut pieces = Vec::new();
    let (mut piece, mut at) = (0, 0);
    while let Some(start) = text[at..].find('<').map(|length| at + length) {
        let rest = &bytes[start + 1..];
        let has_name = |name: &str| {
            rest.get(..name.len())
                .is_some_and(|tag| tag.eq_ignore_ascii_case(name.as_bytes()))
                && rest.get(name.len()).is_none_or(|byte| !byte.is_ascii_alphanumeric())
        };
        at = match rest {
            [b'!', b'-', b'-', ..] => after_comment(start + 2),
            [b'/', next, ..] | [next, ..] if next.is_ascii_alphabetic() => {
                let (end, attributes) = scan_tag(bytes, start);
                if attributes > MAX_QUOTED_ATTRIBUTES {
                    pieces.push(piece..start);
                    piece = end;
                    end
                } else if has_name("script") {
                    after_end_tag(end, "script")
                } else if has_name("style") {
                    after_end_tag(end, "style")
                } else {
                    end
                }
            }
            _ => start + 1,
        };
    }
    pieces.push(piece..text.len());
    pieces
}

/// Returns the byte offset after the tag that starts at `start`, and the number of its attributes with quoted values.
fn scan_tag(bytes: &[u8], start: usize) -> (usize, usize) {
    let mut attributes = 0;
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'>' => break,
            b'"' | b'\'' if bytes[..at - 1].trim_ascii_end().ends_with(b"=") => {
                attributes += 1;
                let length = bytes[at..].iter().position(|other| other == byte);
                at = length.map_or(bytes.len(), |length| at + length + 1);
            }
            _ => {}
        }
    }
    (at, attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_tag_with_a_thousand_attributes_is_left_out() {
        let (before, after) = ("<p>ก</p>\n", "ข</p>");
        let many = |count: usize, attribute: &str| format!("{before}<p{}>{after}", attribute.repeat(count));
        for attribute in [" a=\"x\"", " a='x'", " a = \"<\"", "\ta=\">\""] {
            let text = many(400, attribute);
            assert_eq!(pieces_to_tokenize(&text).len(), 1, "{attribute}");
            let text = many(3000, attribute);
            let pieces = pieces_to_tokenize(&text).into_iter().map(|piece| &text[piece]);
            assert_eq!(pieces.collect::<Vec<_>>(), [before, after], "{attribute}");
        }
        // This comment is empty, and what follows is a tag.
        let text = many(3000, " a='x'").replace("<p>ก", "<!-->ก");
        assert_eq!(pieces_to_tokenize(&text).len(), 2);
        let script = "if (a<b) ".to_owned() + &" x=\"y\"".repeat(3000);
        for text in [
            format!("<script>{script}</script><p>ก"),
            format!("<STYLE a=\"b\">{script}</style>"),
            format!("<!-- {script} -->"),
            "<p a=\"x\">".repeat(3000),
            "< a=\"x\"".repeat(3000),
            "<".into(),
            "</".into(),
            "<a='".into(),
            "<!--".into(),
            String::new(),
        ] {
            assert_eq!(pieces_to_tokenize(&text).len(), 1, "{text:.30}");
        }
    }
}
