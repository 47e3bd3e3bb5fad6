//! SHA-1, the hash by which Git names files (FIPS 180-4). It tells damage, not malice.

use crate::file::to_hexadecimal;
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
pub(super) fn compute_sha1(prefix: &str, reader: impl Read) -> io::Result<String> {
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let mut reader = io::BufReader::new(prefix.as_bytes().chain(reader));
    let mut length = 0_u64;
    loop {
        let mut block = [0; 64];
        let size = fill_block(&mut reader, &mut block)?;
        length += size as u64;
        if size == 64 {
            add_block(&mut state, &block);
            continue;
        }
        // The message ends with a bit 1, zeros, and its length in bits.
        block[size] = 0x80;
        if size >= 56 {
            add_block(&mut state, &block);
            block = [0; 64];
        }
        block[56..].copy_from_slice(&(length * 8).to_be_bytes());
        add_block(&mut state, &block);
        return Ok(to_hexadecimal(&state.map(u32::to_be_bytes).concat()));
    }
}

/// Reads until the block is full or the reader is at its end; gives the number of bytes read.
fn fill_block(reader: &mut impl Read, block: &mut [u8; 64]) -> io::Result<usize> {
    let mut size = 0;
    while size < block.len() {
        match reader.read(&mut block[size..]) {
            Ok(0) => break,
            Ok(read) => size += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(size)
}

/// Adds one block of the message to the hash.
fn add_block(state: &mut [u32; 5], block: &[u8; 64]) {
    let mut words = [0_u32; 80];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    for at in 16..80 {
        words[at] = (words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1);
    }
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for (round, word) in words.into_iter().enumerate() {
        let (mixed, constant) = match round / 20 {
            0 => ((b & c) | (!b & d), 0x5a82_7999),
            1 => (b ^ c ^ d, 0x6ed9_eba1),
            2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
            _ => (b ^ c ^ d, 0xca62_c1d6_u32),
        };
        let next = a
            .rotate_left(5)
            .wrapping_add(mixed)
            .wrapping_add(e)
            .wrapping_add(constant)
            .wrapping_add(word);
        (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
    }
    for (total, added) in state.iter_mut().zip([a, b, c, d, e]) {
        *total = total.wrapping_add(added);
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
