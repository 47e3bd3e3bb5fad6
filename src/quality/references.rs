//! HTML character references, which some translators leave in their output.

use std::borrow::Cow;

/// Returns a text with the references for quotation marks and the like replaced by their characters: `don&#39;t`.
pub(super) fn decode_references(text: &str) -> Cow<'_, str> {
    const REFERENCES: [(&str, &str); 6] = [
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut decoded = text.to_owned();
    for (reference, character) in REFERENCES {
        decoded = decoded.replace(reference, character);
    }
    Cow::Owned(decoded)
}
