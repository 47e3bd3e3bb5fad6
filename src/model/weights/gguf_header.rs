//! Reads the beginning of a GGUF file to tell which model it holds, without reading the rest.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// The bytes that every GGUF file begins with.
pub(super) const GGUF_MAGIC: &[u8; 4] = b"GGUF";

/// Whether a file begins with the bytes `GGUF`; false if it cannot be read.
pub fn is_gguf(path: &Path) -> bool {
    File::open(path)
        .and_then(|mut file| read_bytes::<4>(&mut file))
        .is_ok_and(|start| &start == GGUF_MAGIC)
}

/// The strings in a GGUF file's metadata that say what the file holds.
///
/// Only the metadata's first keys are read, without the vocabulary.
pub struct GgufHeader {
    /// The file's `general.architecture`, such as `gemma3`; empty if the file gives none.
    pub architecture: String,
    /// The file's `general.name`, such as `Gemma 3 270m`; empty if the file gives none.
    pub name: String,
    /// The file's `general.type`, such as `model`, `adapter`, `mmproj` or `imatrix`; empty if the file gives none.
    pub kind: String,
}

impl GgufHeader {
    /// Reads the architecture and the name from the header of the GGUF file `path`.
    ///
    /// # Errors
    /// Fails with an error of kind `InvalidData` if the file is not GGUF or is damaged, of kind `UnexpectedEof` if it
    /// ends within the header, or the operating system's error.
    pub fn read(path: &Path) -> io::Result<Self> {
        Self::parse(&mut BufReader::new(File::open(path)?))
    }

    /// Reads the metadata's keys, and stops at the first array (such as the vocabulary) after both the architecture
    /// and the name.
    fn parse(reader: &mut (impl Read + Seek)) -> io::Result<Self> {
        let mut header = Self {
            architecture: String::new(),
            name: String::new(),
            kind: String::new(),
        };
        if &read_bytes::<4>(reader)? != GGUF_MAGIC {
            return Err(invalid_data_error("is not a GGUF file"));
        }
        let version = u32::from_le_bytes(read_bytes(reader)?);
        if !(2..=3).contains(&version) {
            return Err(invalid_data_error(format!("GGUF version {version} is not read")));
        }
        let _tensors = u64::from_le_bytes(read_bytes(reader)?);
        let keys = u64::from_le_bytes(read_bytes(reader)?);
        for _ in 0..keys {
            let key = read_string(reader)?;
            let skip = match u32::from_le_bytes(read_bytes(reader)?) {
                0 | 1 | 7 => 1,
                2 | 3 => 2,
                4..=6 => 4,
                10..=12 => 8,
                8 => {
                    let value = read_string(reader)?;
                    match key.as_str() {
                        "general.architecture" => header.architecture = value,
                        "general.name" => header.name = value,
                        "general.type" => header.kind = value,
                        _ => {}
                    }
                    0
                }
                9 if header.architecture.is_empty() || header.name.is_empty() => skip_array(reader)?,
                9 => break,
                other => return Err(invalid_data_error(format!("type {other} in the header is not known"))),
            };
            if skip > 0 {
                reader.seek(SeekFrom::Current(skip))?;
            }
        }
        Ok(header)
    }
}

/// Skips an array in the metadata. An array of strings is skipped at once, and the result is 0; for an array of
/// numbers the result is the number of bytes that the caller must still skip.
fn skip_array(reader: &mut (impl Read + Seek)) -> io::Result<i64> {
    let element = u32::from_le_bytes(read_bytes(reader)?);
    let count = u64::from_le_bytes(read_bytes(reader)?);
    let width = match element {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        8 => {
            for _ in 0..count {
                read_string(reader)?;
            }
            return Ok(0);
        }
        other => {
            return Err(invalid_data_error(format!(
                "arrays of type {other} in the header are not known"
            )));
        }
    };
    let length = count.checked_mul(width).and_then(|length| i64::try_from(length).ok());
    length.ok_or_else(|| invalid_data_error("an array in the header is longer than any file"))
}

fn read_bytes<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Reads a string of the metadata. A length beyond the end of the file, as in a damaged file, is an error and
/// allocates no memory.
fn read_string(reader: &mut impl Read) -> io::Result<String> {
    let length = u64::from_le_bytes(read_bytes(reader)?);
    let mut text = Vec::new();
    if reader.take(length).read_to_end(&mut text)? as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn invalid_data_error(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}

/// Makes the bytes of a GGUF header whose metadata is these pairs of key and string, for tests.
#[cfg(test)]
pub(crate) fn header_bytes(strings: &[(&str, &str)]) -> Vec<u8> {
    let mut file = b"GGUF\x03\0\0\0".to_vec();
    file.extend(0u64.to_le_bytes());
    file.extend((strings.len() as u64).to_le_bytes());
    for (key, value) in strings {
        file.extend((key.len() as u64).to_le_bytes());
        file.extend(key.bytes());
        file.extend(8u32.to_le_bytes());
        file.extend((value.len() as u64).to_le_bytes());
        file.extend(value.bytes());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    #[test]
    fn arrays_before_the_words_are_passed_over() {
        let mut file = b"GGUF\x03\0\0\0".to_vec();
        file.extend(0u64.to_le_bytes());
        file.extend(3u64.to_le_bytes());
        let key = |file: &mut Vec<u8>, name: &str, kind: u32| {
            file.extend((name.len() as u64).to_le_bytes());
            file.extend(name.bytes());
            file.extend(kind.to_le_bytes());
        };
        key(&mut file, "numbers", 9);
        file.extend(4u32.to_le_bytes());
        file.extend(2u64.to_le_bytes());
        file.extend([0; 8]);
        key(&mut file, "general.tags", 9);
        file.extend(8u32.to_le_bytes());
        file.extend(1u64.to_le_bytes());
        file.extend(1u64.to_le_bytes());
        file.extend(b"t");
        key(&mut file, "general.architecture", 8);
        file.extend(6u64.to_le_bytes());
        file.extend(b"gemma3");
        assert_eq!(
            GgufHeader::parse(&mut Cursor::new(file)).unwrap().architecture,
            "gemma3"
        );
    }

    #[test]
    fn a_gguf_file_is_recognised_by_its_first_bytes() {
        let directory = tempfile::tempdir().unwrap();
        for (content, expected) in [
            (&b"GGUF\x03"[..], true),
            (b"GGU", false),
            (b"", false),
            (b"PK\x03\x04", false),
        ] {
            let path = directory.path().join("a.gguf");
            std::fs::write(&path, content).unwrap();
            assert_eq!(is_gguf(&path), expected, "{content:?}");
        }
        assert!(!is_gguf(directory.path()) && !is_gguf(&directory.path().join("none")));
    }

    proptest! {
        #[test]
        fn no_header_panics_or_allocates_without_end(rest in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut file = header_bytes(&[("general.architecture", "gemma3")]);
            file[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
            file.extend(rest);
            let _ = GgufHeader::parse(&mut Cursor::new(file));
        }
    }
}
