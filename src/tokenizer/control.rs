//! Control tokens: those that steer a model, such as `<|im_end|>`, `</s>`, `__en__` or `>>eng<<`, in contrast to words and
//! white space.
//!
//! A prompt may hold control tokens; a source text may not. What looks like one in a source is text, whatever it is
//! called, so that no article can end a turn or choose a language.

use std::ops::Range;

/// Whether the text of a token marks it as a control token even if its model does not call it special: `<…>`, `[…]`,
/// `>>…<<`, `__…__`, or a language such as `tha_Thai` or `th_TH`.
pub fn is_marker(token: &str) -> bool {
    const ENCLOSED: [(&str, &str); 4] = [("<", ">"), ("[", "]"), (">>", "<<"), ("__", "__")];
    let is_enclosed = |(open, close): (&str, &str)| {
        let inner = token.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        inner.is_some_and(|inner| inner.chars().any(char::is_alphanumeric))
    };
    ENCLOSED.into_iter().any(is_enclosed) || is_language(token)
}

/// Whether a token names a language as NLLB-200 or mBART-50 do: two or three small letters, `_`, and a script or region.
fn is_language(token: &str) -> bool {
    let small = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase());
    token.split_once('_').is_some_and(|(language, place)| {
        let is_script = place.len() == 4 && place.starts_with(|c: char| c.is_ascii_uppercase()) && small(&place[1..]);
        let is_region = place.len() == 2 && place.bytes().all(|byte| byte.is_ascii_uppercase());
        matches!(language.len(), 2 | 3) && small(language) && (is_script || is_region)
    })
}

/// Whether two ranges have a byte in common. An empty range has none.
pub fn overlaps(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start.max(b.start) < a.end.min(b.end)
}

/// Returns where `source` lies in `part`, as a range that counts from the start of `part`. Both are ranges of one text.
pub fn range_in_part(source: &Range<usize>, part: &Range<usize>) -> Range<usize> {
    let place = |at: usize| at.clamp(part.start, part.end) - part.start;
    place(source.start)..place(source.end)
}
