//! A quality check for sources with characters that were lost before they were read, as PDF text layers lose them.

use super::CheckedPair;
use crate::document::{Finding, Flag};
use crate::thai::has_lost_chars;

/// Beginnings of Thai letters, and of the letters and quotation marks of Western Europe, whose UTF-8 was read as
/// windows-1252.
const WRONGLY_READ_UTF8: [&str; 6] = ["à¸", "à¹", "Ã©", "Ã¤", "â€™", "â€œ"];

/// Flags a translation whose source has the replacement character U+FFFD, or a private-use character inside a word, and
/// a translation that has U+FFFD itself or text in a wrong encoding.
pub(super) fn check_damaged(pair: &CheckedPair) -> Vec<Finding> {
    let is_lost = has_lost_chars(pair.source)
        || pair.target.contains('\u{fffd}')
        || WRONGLY_READ_UTF8.iter().any(|text| pair.target.contains(text));
    let lost = is_lost.then(|| Flag::Encoding.into());
    Vec::from_iter(lost)
}
