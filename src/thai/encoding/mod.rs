//! Character encodings: decodes a file's bytes to text, and encodes text to the same bytes again.
//!
//! UTF-8, UTF-16 and Windows-874 (TIS-620) are recognised by their bytes; any other encoding is used only if it is
//! named.

use crate::error::{Error, Hint, Result};
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{DecoderResult, EncoderResult, Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_874};
use std::borrow::Cow;

/// The text of a decoded file, with the encoding and byte-order mark that [`encode_text`] needs to give the file's bytes
/// again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedText {
    /// The decoded text, without a byte-order mark.
    pub text: String,
    /// WHATWG name of the file's encoding, such as `UTF-8` or `windows-874`.
    pub encoding: &'static str,
    /// Whether the file began with a byte-order mark.
    pub bom: bool,
}

impl DecodedText {
    /// Returns the byte-order mark of a UTF-8 file, to put before `text` where byte offsets must count from the start
    /// of the file. Empty for a file without a byte-order mark and for other encodings.
    pub fn byte_order_mark(&self) -> &'static str {
        if self.bom && self.encoding == UTF_8.name() {
            "\u{feff}"
        } else {
            ""
        }
    }
}

/// Decodes the bytes of a file to text, such that [`encode_text`] gives exactly the same bytes again.
///
/// `label` is a WHATWG encoding label, which overrides all guesses. Without a label, a byte-order mark decides. Without
/// a mark, the bytes are taken as UTF-16 if they decode to common characters in one of its byte orders, else as UTF-8
/// if they are valid UTF-8, else as Windows-874 if they decode to something that looks like Thai.
///
/// # Errors
/// The error is of kind `Input` for a binary file, and for bytes that the encoding does not define, with their byte
/// offset. It is of kind `Usage` for an unknown label.
pub fn decode_text(bytes: &[u8], label: Option<&str>) -> Result<DecodedText> {
    refuse_binary_formats(bytes)?;
    let mark = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let decoded = match label {
        Some(label) => {
            let named = encoding_by_label(label)?;
            // The label `utf-16` leaves the byte order open: a byte-order mark decides, or else the bytes.
            let is_utf_16 = |encoding| encoding == UTF_16LE || encoding == UTF_16BE;
            let is_open = matches!(&*label.trim().to_ascii_lowercase(), "utf-16" | "utf16");
            let order = mark.or_else(|| is_open.then(|| detect_utf_16(bytes)).flatten());
            let encoding = order
                .filter(|&order| is_utf_16(order) && is_utf_16(named))
                .unwrap_or(named);
            decode_with_encoding(bytes, encoding)?
        }
        None => match mark.or_else(|| detect_utf_16(bytes)) {
            Some(encoding) => decode_with_encoding(bytes, encoding)?,
            None => {
                refuse_control_characters(bytes)?;
                decode_with_encoding(bytes, UTF_8).or_else(|invalid| decode_windows_874(bytes, invalid))?
            }
        },
    };
    if let Some(index) = decoded.text.find('\0') {
        let offset = encode_text(&decoded.text[..index], decoded.encoding, decoded.bom)?.len();
        return Err(Error::input("binary file (a NUL character)")
            .place(format!("byte {offset}"))
            .hint(NOT_TEXT_HINT));
    }
    Ok(decoded)
}

/// Encodes text to bytes. `encoding` is a name from [`DecodedText::encoding`] or another encoding label; with `bom`, the
/// bytes begin with a byte-order mark.
///
/// # Errors
/// The error is of kind `Output` for a character that the encoding lacks, and of kind `Usage` for an unknown encoding.
pub fn encode_text(text: &str, encoding: &str, bom: bool) -> Result<Vec<u8>> {
    let encoding = encoding_by_label(encoding)?;
    let text: Cow<str> = if bom {
        format!("\u{feff}{text}").into()
    } else {
        text.into()
    };
    if encoding == UTF_8 {
        return Ok(text.into_owned().into_bytes());
    }
    if encoding == UTF_16LE {
        return Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    }
    if encoding == UTF_16BE {
        return Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
    }
    let mut encoder = encoding.new_encoder();
    let most = encoder.max_buffer_length_from_utf8_without_replacement(text.len());
    let mut bytes = Vec::with_capacity(most.unwrap_or(text.len() * 4));
    match encoder
        .encode_from_utf8_to_vec_without_replacement(&text, &mut bytes, true)
        .0
    {
        EncoderResult::InputEmpty => Ok(bytes),
        EncoderResult::Unmappable(c) => {
            Err(Error::output(format!("{} has no character {c:?}", encoding.name())).hint("write UTF-8 instead"))
        }
        EncoderResult::OutputFull => Err(Error::output(format!("the text does not fit as {}", encoding.name()))),
    }
}

/// Finds an encoding by its WHATWG label or by another name that programs such as Python use for it.
///
/// # Errors
/// The error is of kind `Usage` if no encoding has this name.
fn encoding_by_label(label: &str) -> Result<&'static Encoding> {
    let found = match label.trim().to_ascii_lowercase().as_str() {
        // Names of Python and others that WHATWG does not list.
        "cp874" | "ms874" | "x-windows-874" | "windows874" | "tis620" | "iso8859_11" => Some(WINDOWS_874),
        "utf-8-sig" => Some(UTF_8),
        "utf16" | "utf16le" | "utf-16-le" => Some(UTF_16LE),
        "utf16be" | "utf-16-be" => Some(UTF_16BE),
        _ => Encoding::for_label(label.as_bytes()).filter(|&encoding| encoding != REPLACEMENT),
    };
    found.ok_or_else(|| {
        Error::usage(format!("unknown encoding {label:?}"))
            .hint("examples: utf-8, windows-874, tis-620, utf-16le, utf-16be, windows-1252")
    })
}

/// Decodes bytes in the given encoding, and checks that the text encodes to the same bytes again.
fn decode_with_encoding(bytes: &[u8], encoding: &'static Encoding) -> Result<DecodedText> {
    let mark = Encoding::for_bom(bytes).filter(|&(marked, _)| marked == encoding);
    let start = mark.map_or(0, |(_, length)| length);
    let undecodable = |offset: usize| {
        let byte = bytes
            .get(offset)
            .map_or(String::new(), |byte| format!(" (0x{byte:02X})"));
        Error::input(format!("invalid {}{byte}", encoding.name()))
            .place(format!("byte {offset}"))
            .hint(Hint::NameEncoding)
    };
    let text = if encoding == UTF_8 {
        let text = std::str::from_utf8(&bytes[start..]);
        text.map_err(|error| undecodable(start + error.valid_up_to()))?
            .to_owned()
    } else {
        let mut decoder = encoding.new_decoder_without_bom_handling();
        let most = decoder.max_utf8_buffer_length_without_replacement(bytes.len() - start);
        let mut text = String::with_capacity(most.unwrap_or(0));
        match decoder.decode_to_string_without_replacement(&bytes[start..], &mut text, true) {
            (DecoderResult::InputEmpty, _) => text,
            (DecoderResult::Malformed(length, after), read) => {
                return Err(undecodable(
                    (start + read).saturating_sub(usize::from(length) + usize::from(after)),
                ));
            }
            (DecoderResult::OutputFull, read) => return Err(undecodable(start + read)),
        }
    };
    let decoded = DecodedText {
        text,
        encoding: encoding.name(),
        bom: mark.is_some(),
    };
    if ![UTF_8, UTF_16LE, UTF_16BE].contains(&encoding) {
        // Some multi-byte encodings have several spellings of one character, but only one of them is ever written.
        let again = encode_text(&decoded.text, decoded.encoding, decoded.bom).unwrap_or_default();
        if again != bytes {
            let same = again.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            return Err(Error::input(format!(
                "{} bytes that cannot be written back as they are",
                encoding.name()
            ))
            .place(format!("byte {same}"))
            .hint("convert the file to UTF-8 first"));
        }
    }
    Ok(decoded)
}

/// Recognises UTF-16 without a byte-order mark, and its byte order. Bytes are taken as UTF-16 if they decode to nothing
/// but characters that are usual in Thai and Western texts, of which at least half are Thai or ASCII.
fn detect_utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    /// Number of bytes below which a file is too short to recognise UTF-16.
    const MIN_BYTES: usize = 8;
    let is_text = |text: &str| {
        let is_common = |c: char| matches!(c, '\t' | '\n' | '\x0c' | '\r' | ' '..='~' | 'ก'..='๛');
        let is_other = |c: char| matches!(c, '\u{a0}'..='\u{24f}' | '\u{2000}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}');
        let common = text.chars().filter(|&c| is_common(c)).count();
        let others = text.chars().filter(|&c| is_other(c)).count();
        common + others == text.chars().count() && others <= common
    };
    // The high bytes of ASCII (0) and Thai (0x0E) make up about half of such a file, and text in other encodings has none.
    let high_bytes = bytes.iter().filter(|&&byte| matches!(byte, 0 | 0x0E)).count();
    if bytes.len() < MIN_BYTES || !bytes.len().is_multiple_of(2) || high_bytes * 4 < bytes.len() {
        return None;
    }
    [UTF_16LE, UTF_16BE]
        .into_iter()
        .find(|&encoding| decode_with_encoding(bytes, encoding).is_ok_and(|decoded| is_text(&decoded.text)))
}

/// Decodes bytes that are not UTF-8 as Windows-874, if the result looks like Thai. Otherwise returns `invalid`, which
/// is the error of decoding them as UTF-8, with a hint on what may be wrong.
fn decode_windows_874(bytes: &[u8], mut invalid: Error) -> Result<DecodedText> {
    if let Some(hint) = hint_for_damaged_utf_8(bytes) {
        invalid.hint = Some(Box::new(hint.into()));
        return Err(invalid);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    // `th`: without the hint about half of short Thai texts are taken for another encoding.
    let guessed = detector.guess(Some(b"th"), Utf8Detection::Deny);
    if guessed != WINDOWS_874 {
        // Most likely Western or Chinese, of no use to a translator from Thai. A wrong guess would go unnoticed.
        let name = guessed.name().to_ascii_lowercase();
        invalid.hint = Some(Box::new(Hint::GuessedEncoding(name)));
        return Err(invalid);
    }
    let decoded = decode_with_encoding(bytes, WINDOWS_874)?;
    // Damaged UTF-8 can be decoded as Windows-874 too, to rubbish with control characters of the C1 range.
    let has_controls = decoded.text.chars().any(|c| ('\u{80}'..='\u{9f}').contains(&c));
    if looks_thai(&decoded.text) && !has_controls {
        Ok(decoded)
    } else {
        Err(invalid)
    }
}

/// Whether decoded text looks like Thai that people write: it has Thai characters, and at most a tenth as many obsolete
/// letters (ฃ, ฅ) and marks without a consonant as Thai characters. Chinese bytes decoded as Thai are full of both.
fn looks_thai(text: &str) -> bool {
    let is_mark = |c: char| matches!(c, '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}');
    let (mut thai, mut odd, mut before) = (0, 0, ' ');
    for c in text.chars() {
        thai += usize::from(('\u{e01}'..='\u{e5b}').contains(&c));
        let is_loose = is_mark(c) && !is_mark(before) && !('ก'..='ฮ').contains(&before);
        odd += usize::from(is_loose || matches!(c, 'ฃ' | 'ฅ'));
        before = c;
    }
    thai > 0 && odd * 10 <= thai
}

/// Returns a hint for a file that is UTF-8 except in a few places, or `None` if it is likely to be in another encoding.
fn hint_for_damaged_utf_8(bytes: &[u8]) -> Option<&'static str> {
    let is_high = |byte: &&u8| !byte.is_ascii();
    let high = bytes.iter().filter(is_high).count();
    let valid: usize = bytes
        .utf8_chunks()
        .map(|chunk| chunk.valid().as_bytes().iter().filter(is_high).count())
        .sum();
    // By chance, about a third of the bytes of Windows-874 text form valid UTF-8.
    if valid < 9 || valid * 10 < high * 8 {
        return None;
    }
    Some(match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => {
            "the file ends inside a character, as one that was cut off; copy it again"
        }
        _ => "all else is UTF-8: the file is damaged there, or was put together from texts of two encodings",
    })
}

/// Hint of the error for files that are not text.
const NOT_TEXT_HINT: &str = "plae reads text, Markdown and HTML";

/// Returns an error for bytes that contain a NUL byte, or more control characters than a text has by accident (a tenth
/// of the bytes).
fn refuse_control_characters(bytes: &[u8]) -> Result<()> {
    // 0x1A ends old DOS files, and 0x1B begins terminal sequences.
    let is_control = |byte: u8| byte < 0x20 && !matches!(byte, b'\t'..=b'\r' | 0x1A | 0x1B);
    let nul = bytes.iter().position(|&byte| byte == 0);
    let controls = bytes.iter().filter(|&&byte| is_control(byte)).count();
    if nul.is_none() && controls <= bytes.len() / 10 + 1 {
        return Ok(());
    }
    let offset = nul
        .or_else(|| bytes.iter().position(|&byte| is_control(byte)))
        .unwrap_or(0);
    Err(Error::input(format!("binary file (byte 0x{:02X})", bytes[offset]))
        .place(format!("byte {offset}"))
        .hint(Hint::NameUtf16))
}

/// Returns an error for bytes that begin like a well-known binary format, such as a PDF or a zip archive.
fn refuse_binary_formats(bytes: &[u8]) -> Result<()> {
    const SAVE_AS_TEXT_HINT: &str = "save the document as text, Markdown or HTML first";
    const UNPACK_HINT: &str = "unpack it first";
    let formats: [(&[u8], &str, Hint); 16] = [
        (
            b"%PDF-",
            "a PDF",
            "extract its text first, for example with pdftotext".into(),
        ),
        (
            b"PK\x03\x04",
            "a zip archive, as docx, odt and epub files are",
            SAVE_AS_TEXT_HINT.into(),
        ),
        (
            b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
            "an old Office document",
            SAVE_AS_TEXT_HINT.into(),
        ),
        (b"{\\rtf", "a rich text document", SAVE_AS_TEXT_HINT.into()),
        (b"\x89PNG\r\n\x1A\n", "a PNG picture", NOT_TEXT_HINT.into()),
        (b"\xFF\xD8\xFF", "a JPEG picture", NOT_TEXT_HINT.into()),
        (b"GIF87a", "a GIF picture", NOT_TEXT_HINT.into()),
        (b"GIF89a", "a GIF picture", NOT_TEXT_HINT.into()),
        (b"\x1F\x8B", "gzip-compressed", UNPACK_HINT.into()),
        (b"BZh91AY&SY", "bzip2-compressed", UNPACK_HINT.into()),
        (b"\xFD7zXZ\x00", "xz-compressed", UNPACK_HINT.into()),
        (b"\x28\xB5\x2F\xFD", "zstd-compressed", UNPACK_HINT.into()),
        (b"7z\xBC\xAF\x27\x1C", "a 7-Zip archive", UNPACK_HINT.into()),
        (b"Rar!\x1A\x07", "a RAR archive", UNPACK_HINT.into()),
        (b"\x7FELF", "a program", NOT_TEXT_HINT.into()),
        (b"GGUF", "a model's weights", Hint::UseAsModel),
    ];
    match formats.into_iter().find(|(magic, ..)| bytes.starts_with(magic)) {
        Some((_, what, hint)) => Err(Error::input(format!("binary file ({what})")).hint(hint)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
