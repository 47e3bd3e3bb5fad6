//! SHA-1, the hash by which Git names files (FIPS 180-4). It tells damage, not malice.

use crate::file::to_hexadecimal;
use sha1::{Digest, Sha1};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Compares Git's hash of the file `path` with `wanted`; gives the file's hash if it is another. Some mirrors of the Hub
/// give the plain SHA-1 of a file in place of Git's hash, which has the same form; that counts too.
///
/// # Errors
/// The errors of reading the file.
pub(super) fn find_git_hash_difference(path: &Path, wanted: &str) -> io::Result<Option<String>> {
    let size = std::fs::metadata(path)?.len();
    let found = compute_sha1(&format!("blob {size}\0"), File::open(path)?)?;
    let is_same =
        found.eq_ignore_ascii_case(wanted) || compute_sha1("", File::open(path)?)?.eq_ignore_ascii_case(wanted);
    Ok((!is_same).then_some(found))
}

/// Computes the SHA-1 of a text `prefix` and all that a reader gives, in lower-case hexadecimal.
///
/// # Errors
/// The errors of the reader.
pub(super) fn compute_sha1(prefix: &str, mut reader: impl Read) -> io::Result<String> {
    let mut hash = Sha1::new_with_prefix(prefix);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(to_hexadecimal(&hash.finalize())),
            Ok(size) => hash.update(&buffer[..size]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the examples of FIPS 180, every length around the end of a block, and what `git hash-object` gives.
    #[test]
    fn hashes_are_those_of_the_standard_and_of_git() {
        let hash = |prefix: &str, text: &str| compute_sha1(prefix, text.as_bytes()).unwrap();
        assert_eq!(hash("", "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(hash("", ""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        assert_eq!(
            hash("", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        );
        assert_eq!(
            hash("", &"a".repeat(1_000_000)),
            "34aa973cd4c4daa4f61eeb2bdbad27316534016f"
        );
        assert_eq!(hash("blob 6\0", "hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
        for length in 54..=65 {
            let text = "x".repeat(length);
            assert_eq!(hash(&text[..7], &text[7..]), hash("", &text), "{length}");
        }
    }
}
