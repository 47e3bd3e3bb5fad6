//! Paths of sources as text: the keys by which an archive stores its articles.

use std::path::{Path, PathBuf};

/// Marks a byte that is no UTF-8. Two upper-case hexadecimal digits, the byte's value, follow it.
const BYTE_MARK: char = char::REPLACEMENT_CHARACTER;

/// Formats a relative path as text, with `/` between directories on every system.
///
/// Different paths get different texts: each byte that is no UTF-8 becomes U+FFFD and its two hexadecimal digits, and
/// so do the bytes of a U+FFFD in the path itself. [`path_from_place`] is the way back.
pub(super) fn place_from_path(path: &Path) -> String {
    let mut place = String::new();
    for part in path {
        if !place.is_empty() {
            place.push('/');
        }
        for chunk in part.as_encoded_bytes().utf8_chunks() {
            for char in chunk.valid().chars() {
                match char {
                    BYTE_MARK => push_bytes(&mut place, char.encode_utf8(&mut [0; 4]).as_bytes()),
                    _ => place.push(char),
                }
            }
            push_bytes(&mut place, chunk.invalid());
        }
    }
    place
}

fn push_bytes(place: &mut String, bytes: &[u8]) {
    for byte in bytes {
        place.push(BYTE_MARK);
        place.push_str(&format!("{byte:02X}"));
    }
}

/// Formats the path of an output as text, with `/` between directories on every system. Outputs are named by text.
pub(super) fn output_from_path(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// Returns the path that [`place_from_path`] formatted as `place`.
pub(super) fn path_from_place(place: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(place.len());
    let mut rest = place;
    while let Some((before, after)) = rest.split_once(BYTE_MARK) {
        bytes.extend_from_slice(before.as_bytes());
        match after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            // A text that an older version of plae stored.
            None => {
                bytes.extend_from_slice(BYTE_MARK.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    path_from_bytes(bytes)
}

#[cfg(unix)]
fn path_from_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn path_from_bytes(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn every_path_has_a_text_of_its_own_and_comes_back() {
        let mut places = std::collections::HashSet::new();
        for (bytes, expected) in [
            (&b"a/b.txt"[..], "a/b.txt"),
            ("ข่าว/ก.md".as_bytes(), "ข่าว/ก.md"),
            (b"a\xff.txt", "a\u{fffd}FF.txt"),
            (b"a\xfe.txt", "a\u{fffd}FE.txt"),
            // Half a letter, and two bytes of TIS-620.
            (
                b"\xe0\xb8/\xa1\xd2.txt",
                "\u{fffd}E0\u{fffd}B8/\u{fffd}A1\u{fffd}D2.txt",
            ),
            ("a\u{fffd}FF.txt".as_bytes(), "a\u{fffd}EF\u{fffd}BF\u{fffd}BDFF.txt"),
        ] {
            let path = Path::new(OsStr::from_bytes(bytes));
            let place = place_from_path(path);
            assert_eq!(place, expected);
            assert_eq!(path_from_place(&place), path);
            assert!(places.insert(place));
        }
        assert_eq!(path_from_place("old\u{fffd}.txt"), Path::new("old\u{fffd}.txt"));
    }
}
