//! Text normaliser of sentencepiece (normalizer.cc): replaces characters by a precompiled map, and writes spaces as ▁.

use super::pieces::SPACE_MARK;
use super::proto::NormalizerSpec;
use crate::error::{Error, Result};
use std::ops::Range;

/// The longest replacement, in bytes, that a map of characters may have. NFKC's longest has 33.
const MAX_REPLACEMENT_BYTES: usize = 1024;

/// The text normaliser of one sentencepiece model.
pub struct Normalizer {
    charsmap: Option<CharacterMap>,
    add_dummy_prefix: bool,
    remove_extra_whitespaces: bool,
    /// The text that replaces a space: "▁" or " ".
    space: &'static str,
    treat_whitespace_as_suffix: bool,
}

impl Normalizer {
    /// Makes the normaliser that `spec` describes. `treat_whitespace_as_suffix` puts the dummy space after a text
    /// instead of before it.
    ///
    /// # Errors
    /// Kind `Model` if the map of characters is damaged.
    pub fn new(spec: &NormalizerSpec, treat_whitespace_as_suffix: bool) -> Result<Self> {
        Ok(Self {
            charsmap: match spec.precompiled_charsmap.as_slice() {
                [] => None,
                bytes => Some(CharacterMap::read(bytes)?),
            },
            add_dummy_prefix: spec.add_dummy_prefix,
            remove_extra_whitespaces: spec.remove_extra_whitespaces,
            space: if spec.escape_whitespaces { SPACE_MARK } else { " " },
            treat_whitespace_as_suffix,
        })
    }

    /// Normalises a text before it is cut into pieces, and returns it with the bytes that `source`, a range of the text,
    /// has become.
    ///
    /// `literal(rest, at)` returns the length of the user-defined piece that `rest`, the text from byte `at` on, begins
    /// with; such pieces are kept unchanged.
    pub fn normalize(
        &self,
        text: &str,
        source: &Range<usize>,
        literal: impl Fn(&str, usize) -> Option<usize>,
    ) -> (String, Range<usize>) {
        let mut rest = text;
        let at = |rest: &str| text.len() - rest.len();
        let next = |rest| self.normalize_prefix(rest, literal(rest, at(rest)));
        if self.remove_extra_whitespaces {
            while !rest.is_empty()
                && let (" ", len) = next(rest)
            {
                rest = &rest[len..];
            }
        }
        if rest.is_empty() {
            return (String::new(), 0..0);
        }
        let (mut start, mut end) = (None, None);
        let mut out = String::with_capacity(rest.len() + rest.len() / 8 + 8);
        if self.add_dummy_prefix && !self.treat_whitespace_as_suffix {
            out.push_str(self.space);
        }
        let mut after_space = self.remove_extra_whitespaces;
        while !rest.is_empty() {
            if at(rest) >= source.start {
                start.get_or_insert(out.len());
            }
            if at(rest) >= source.end {
                end.get_or_insert(out.len());
            }
            let (replaced, len) = next(rest);
            rest = &rest[len..];
            let replaced = if after_space {
                replaced.trim_start_matches(' ')
            } else {
                replaced
            };
            if replaced.is_empty() {
                continue;
            }
            for (index, part) in replaced.split(' ').enumerate() {
                if index > 0 {
                    out.push_str(self.space);
                }
                out.push_str(part);
            }
            after_space = self.remove_extra_whitespaces && replaced.ends_with(' ');
        }
        if self.remove_extra_whitespaces {
            out.truncate(out.trim_end_matches(self.space).len());
        }
        if self.add_dummy_prefix && self.treat_whitespace_as_suffix {
            out.push_str(self.space);
        }
        let place = |found: Option<usize>| found.unwrap_or(out.len()).min(out.len());
        let source = place(start)..place(end);
        (out, source)
    }

    /// Normalises the beginning of a text, which must not be empty (`NormalizePrefix` of sentencepiece). `literal` is the
    /// length of the user-defined piece that it begins with. Returns the replacement, and the number of bytes that it
    /// replaces.
    fn normalize_prefix<'a>(&'a self, text: &'a str, literal: Option<usize>) -> (&'a str, usize) {
        if let Some(len) = literal {
            return (&text[..len], len);
        }
        if let Some(found) = self.charsmap.as_ref().and_then(|map| map.longest_replacement(text)) {
            return found;
        }
        let len = text.chars().next().map_or(0, char::len_utf8);
        (&text[..len], len)
    }
}

/// Checks the map of characters of a tokenizer.json; an empty one is fine.
///
/// # Errors
/// Kind `Model` if the map is damaged or has a replacement that is too long.
pub fn check_charsmap(bytes: &[u8]) -> Result<()> {
    match bytes {
        [] => Ok(()),
        bytes => CharacterMap::read(bytes).map(|_| ()),
    }
}

/// A map from character sequences to replacements: a darts-clone double array over UTF-8 bytes. The value of a sequence
/// is the byte offset of its replacement in a block of texts, each ended by a NUL.
struct CharacterMap {
    units: Vec<u32>,
    replacements: String,
}

impl CharacterMap {
    /// Reads the `precompiled_charsmap` of a model: the size of the double array in bytes (u32), the double array, and
    /// the replacements.
    fn read(bytes: &[u8]) -> Result<Self> {
        let fail = |message: &str| Error::model(format!("its map of characters is damaged: {message}"));
        let (size, rest) = bytes.split_first_chunk().ok_or_else(|| fail("no size"))?;
        let size = u32::from_le_bytes(*size) as usize;
        // darts-clone writes blocks of 256 units of four bytes.
        if size == 0 || !size.is_multiple_of(1024) || size >= rest.len() {
            return Err(fail(&format!("{size} bytes of rules in {}", rest.len())));
        }
        let (units, replacements) = rest.split_at(size);
        let replacements = std::str::from_utf8(replacements).map_err(|_| fail("replacements that are not UTF-8"))?;
        if !replacements.ends_with('\0') {
            return Err(fail("the last replacement does not end"));
        }
        if let Some(long) = replacements.split('\0').find(|text| text.len() > MAX_REPLACEMENT_BYTES) {
            let message = format!("a replacement of {} bytes, {MAX_REPLACEMENT_BYTES} allowed", long.len());
            return Err(fail(&message));
        }
        let (units, _) = units.as_chunks();
        Ok(Self {
            units: units.iter().map(|unit| u32::from_le_bytes(*unit)).collect(),
            replacements: replacements.to_owned(),
        })
    }

    /// Finds the longest sequence in the map with which the text begins. Returns its replacement, and its length in
    /// bytes.
    fn longest_replacement<'a>(&'a self, text: &str) -> Option<(&'a str, usize)> {
        let offset = |unit: u32| (unit >> 10) << ((unit & (1 << 9)) >> 6);
        let mut found = None;
        let mut node = offset(*self.units.first()?);
        for (index, byte) in text.bytes().enumerate() {
            node ^= u32::from(byte);
            let Some(&unit) = self.units.get(node as usize) else {
                break;
            };
            if unit & (1 << 31 | 0xff) != u32::from(byte) {
                break;
            }
            node ^= offset(unit);
            let leaf = unit >> 8 & 1 == 1;
            if leaf && let Some(&leaf) = self.units.get(node as usize) {
                found = Some((leaf & !(1 << 31), index + 1));
            }
        }
        let (value, len) = found.filter(|(_, len)| text.is_char_boundary(*len))?;
        let replaced = self.replacements.get(value as usize..)?;
        Some((replaced.split('\0').next()?, len))
    }
}
