//! Encodings: bytes to text and back without loss; Windows-874 (TIS-620) and UTF-16 recognised.

use crate::error::{Error, Result};
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{DecoderResult, EncoderResult, Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_874};
use std::borrow::Cow;

/// A source as text, and what is needed to write it back as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without its byte-order mark.
    pub text: String,
    /// The encoding's WHATWG name (`UTF-8`, `windows-874`).
    pub encoding: &'static str,
    /// Whether the bytes began with a byte-order mark.
    pub bom: bool,
}

impl Decoded {
    /// The byte-order mark of a UTF-8 source, which its byte offsets count; empty elsewhere.
    pub fn byte_order_mark(&self) -> &'static str {
        if self.bom && self.encoding == UTF_8.name() {
            "\u{feff}"
        } else {
            ""
        }
    }
}

/// Reads bytes as text, such that [`encode`] gives exactly the same bytes again.
///
/// `label` is a WHATWG encoding label and overrides all guesses. Without one, a byte-order mark decides, then UTF-16
/// where every second byte shows it, UTF-8 where the bytes are valid, and Windows-874 where they look like it.
///
/// Fails on bytes that the encoding does not define (with their offset), on binary files, and on an unknown label.
pub fn decode(bytes: &[u8], label: Option<&str>) -> Result<Decoded> {
    refuse_formats(bytes)?;
    let mark = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let decoded = match label {
        Some(label) => {
            let named = by_label(label)?;
            // `utf-16` leaves the byte order to the mark, or to the bytes.
            let is_utf_16 = |encoding| encoding == UTF_16LE || encoding == UTF_16BE;
            let is_open = matches!(&*label.trim().to_ascii_lowercase(), "utf-16" | "utf16");
            let order = mark.or_else(|| is_open.then(|| unmarked_utf_16(bytes)).flatten());
            let encoding = order
                .filter(|&order| is_utf_16(order) && is_utf_16(named))
                .unwrap_or(named);
            decode_as(bytes, encoding)?
        }
        None => match mark.or_else(|| unmarked_utf_16(bytes)) {
            Some(encoding) => decode_as(bytes, encoding)?,
            None => {
                refuse_controls(bytes)?;
                decode_as(bytes, UTF_8).or_else(|invalid| guess(bytes, invalid))?
            }
        },
    };
    if let Some(index) = decoded.text.find('\0') {
        let offset = encode(&decoded.text[..index], decoded.encoding, decoded.bom)?.len();
        return Err(Error::input("binary file (a NUL character)")
            .place(format!("byte {offset}"))
            .hint(NOT_TEXT));
    }
    Ok(decoded)
}

/// Writes text in an encoding that [`decode`] named, with a byte-order mark if `bom`.
///
/// Fails on a character that the encoding lacks, and on an unknown encoding.
pub fn encode(text: &str, encoding: &str, bom: bool) -> Result<Vec<u8>> {
    let encoding = by_label(encoding)?;
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

fn by_label(label: &str) -> Result<&'static Encoding> {
    let found = match label.trim().to_ascii_lowercase().as_str() {
        // Names that other programs use.
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

fn decode_as(bytes: &[u8], encoding: &'static Encoding) -> Result<Decoded> {
    let mark = Encoding::for_bom(bytes).filter(|&(marked, _)| marked == encoding);
    let start = mark.map_or(0, |(_, length)| length);
    let undecodable = |offset: usize| {
        let byte = bytes
            .get(offset)
            .map_or(String::new(), |byte| format!(" (0x{byte:02X})"));
        Error::input(format!("invalid {}{byte}", encoding.name()))
            .place(format!("byte {offset}"))
            .hint("name the right encoding with --encoding, for example --encoding windows-874")
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
    let decoded = Decoded {
        text,
        encoding: encoding.name(),
        bom: mark.is_some(),
    };
    if ![UTF_8, UTF_16LE, UTF_16BE].contains(&encoding) {
        // Some multi-byte encodings spell one character in several ways, and only one could be written back.
        let again = encode(&decoded.text, decoded.encoding, decoded.bom).unwrap_or_default();
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

/// The byte order of UTF-16 without a mark, where the bytes are surely that: in one of the two orders every unit is a
/// character that Thai and Western texts use, most of them Thai or ASCII.
fn unmarked_utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    const FEWEST: usize = 8;
    let is_text = |text: &str| {
        let is_common = |c: char| matches!(c, '\t' | '\n' | '\x0c' | '\r' | ' '..='~' | 'ก'..='๛');
        let is_other = |c: char| matches!(c, '\u{a0}'..='\u{24f}' | '\u{2000}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}');
        let common = text.chars().filter(|&c| is_common(c)).count();
        let others = text.chars().filter(|&c| is_other(c)).count();
        common + others == text.chars().count() && others <= common
    };
    // Text of other encodings has none of the bytes that make up half of such a file.
    let halves = bytes.iter().filter(|&&byte| matches!(byte, 0 | 0x0E)).count();
    if bytes.len() < FEWEST || !bytes.len().is_multiple_of(2) || halves * 4 < bytes.len() {
        return None;
    }
    [UTF_16LE, UTF_16BE]
        .into_iter()
        .find(|&encoding| decode_as(bytes, encoding).is_ok_and(|decoded| is_text(&decoded.text)))
}

/// Reads bytes that are not UTF-8 as Windows-874, or gives `invalid`, the error of reading them as UTF-8.
fn guess(bytes: &[u8], mut invalid: Error) -> Result<Decoded> {
    if let Some(hint) = damage(bytes) {
        invalid.hint = Some(hint.into());
        return Err(invalid);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    // `th`: without the hint about half of short Thai texts are taken for another encoding.
    let guessed = detector.guess(Some(b"th"), Utf8Detection::Deny);
    if guessed != WINDOWS_874 {
        // Most likely Western or Chinese; of no use to a translator from Thai, and a wrong guess would go unseen.
        let name = guessed.name().to_ascii_lowercase();
        invalid.hint = Some(format!("it looks like {name}; if it is, give --encoding {name}").into());
        return Err(invalid);
    }
    let decoded = decode_as(bytes, WINDOWS_874)?;
    // Damaged UTF-8 reads as Windows-874 too, as rubbish with characters that only the decoder knows.
    let has_controls = decoded.text.chars().any(|c| ('\u{80}'..='\u{9f}').contains(&c));
    if is_thai(&decoded.text) && !has_controls {
        Ok(decoded)
    } else {
        Err(invalid)
    }
}

/// Whether a text has Thai that can be read: hardly any letter that nobody writes any more, or mark without its consonant,
/// as Chinese read as Thai is full of.
fn is_thai(text: &str) -> bool {
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

/// What is wrong with bytes that are UTF-8 but for a few places; none where they are of another encoding.
fn damage(bytes: &[u8]) -> Option<&'static str> {
    let is_high = |byte: &&u8| !byte.is_ascii();
    let high = bytes.iter().filter(is_high).count();
    let valid: usize = bytes
        .utf8_chunks()
        .map(|chunk| chunk.valid().as_bytes().iter().filter(is_high).count())
        .sum();
    // By chance a third of the letters of Windows-874 read as characters of UTF-8.
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

const NOT_TEXT: &str = "plae reads text, Markdown and HTML";

/// Fails on NUL bytes, and on more control characters than a text has by accident.
fn refuse_controls(bytes: &[u8]) -> Result<()> {
    // `\x1A` ends old DOS files.
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
        .hint("plae reads text, Markdown and HTML; for UTF-16 without a byte-order mark, give --encoding utf-16le"))
}

/// Fails on bytes that begin as well-known binary formats do.
fn refuse_formats(bytes: &[u8]) -> Result<()> {
    const OFFICE: &str = "save the document as text, Markdown or HTML first";
    const ARCHIVE: &str = "unpack it first";
    const FORMATS: [(&[u8], &str, &str); 16] = [
        (b"%PDF-", "a PDF", "extract its text first, for example with pdftotext"),
        (b"PK\x03\x04", "a zip archive, as docx, odt and epub files are", OFFICE),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an old Office document", OFFICE),
        (b"{\\rtf", "a rich text document", OFFICE),
        (b"\x89PNG\r\n\x1A\n", "a PNG picture", NOT_TEXT),
        (b"\xFF\xD8\xFF", "a JPEG picture", NOT_TEXT),
        (b"GIF87a", "a GIF picture", NOT_TEXT),
        (b"GIF89a", "a GIF picture", NOT_TEXT),
        (b"\x1F\x8B", "gzip-compressed", ARCHIVE),
        (b"BZh91AY&SY", "bzip2-compressed", ARCHIVE),
        (b"\xFD7zXZ\x00", "xz-compressed", ARCHIVE),
        (b"\x28\xB5\x2F\xFD", "zstd-compressed", ARCHIVE),
        (b"7z\xBC\xAF\x27\x1C", "a 7-Zip archive", ARCHIVE),
        (b"Rar!\x1A\x07", "a RAR archive", ARCHIVE),
        (b"\x7FELF", "a program", NOT_TEXT),
        (b"GGUF", "a model's weights", "give a model with --model"),
    ];
    match FORMATS.iter().find(|(magic, ..)| bytes.starts_with(magic)) {
        Some((_, what, hint)) => Err(Error::input(format!("binary file ({what})")).hint(*hint)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use proptest::prelude::*;

    const ARTICLE: &str = "ปธน.จีนกล่าวสุนทรพจน์ต่อที่ประชุม\r\n\r\nวันที่ 8 พฤศจิกายน ๒๕๖๖ “เน็ต” – 50 ฿…\r\n";

    /// Windows-874, worked out from the code chart and not through the code under test.
    fn windows_874(text: &str) -> Vec<u8> {
        text.chars()
            .map(|c| match c {
                'ก'..='๛' => (c as u32 - 0x0E01 + 0xA1) as u8,
                '…' => 0x85,
                '“' => 0x93,
                '”' => 0x94,
                '–' => 0x96,
                c => u8::try_from(c).unwrap(),
            })
            .collect()
    }

    fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn every_encoding_is_recognised_and_comes_back() {
        let marked = format!("\u{feff}{ARTICLE}");
        let cases: [(Vec<u8>, Option<&str>, &str, bool); 21] = [
            (ARTICLE.into(), None, "UTF-8", false),
            (marked.clone().into(), None, "UTF-8", true),
            (marked.clone().into(), Some("utf8"), "UTF-8", true),
            (utf_16(&marked, u16::to_le_bytes), None, "UTF-16LE", true),
            (utf_16(&marked, u16::to_be_bytes), None, "UTF-16BE", true),
            (utf_16(&marked, u16::to_be_bytes), Some("utf-16"), "UTF-16BE", true),
            (utf_16(ARTICLE, u16::to_le_bytes), Some("utf-16le"), "UTF-16LE", false),
            (utf_16(ARTICLE, u16::to_be_bytes), Some("UTF-16BE"), "UTF-16BE", false),
            (windows_874(ARTICLE), None, "windows-874", false),
            (windows_874(ARTICLE), Some("tis-620"), "windows-874", false),
            (windows_874(ARTICLE), Some("TIS620"), "windows-874", false),
            (windows_874(ARTICLE), Some(" cp874 "), "windows-874", false),
            (Vec::new(), None, "UTF-8", false),
            (utf_16(ARTICLE, u16::to_le_bytes), None, "UTF-16LE", false),
            (utf_16(ARTICLE, u16::to_be_bytes), None, "UTF-16BE", false),
            (utf_16(ARTICLE, u16::to_le_bytes), Some("utf16"), "UTF-16LE", false),
            (utf_16(ARTICLE, u16::to_be_bytes), Some("utf-16"), "UTF-16BE", false),
            (utf_16(ARTICLE, u16::to_be_bytes), Some("utf-16-be"), "UTF-16BE", false),
            (marked.into(), Some("UTF-8-SIG"), "UTF-8", true),
            (windows_874(ARTICLE), Some("iso-8859-11"), "windows-874", false),
            (windows_874(ARTICLE), Some("windows-874"), "windows-874", false),
        ];
        for (bytes, label, encoding, bom) in cases {
            let decoded = decode(&bytes, label).unwrap();
            let text = if bytes.is_empty() { "" } else { ARTICLE };
            assert_eq!((&*decoded.text, decoded.encoding, decoded.bom), (text, encoding, bom));
            assert_eq!(
                encode(&decoded.text, decoded.encoding, decoded.bom).unwrap(),
                bytes,
                "{encoding}"
            );
        }
    }

    #[test]
    fn short_windows_874_lines_are_recognised() {
        for text in [
            "สวัสดี",
            "ข่าววันนี้",
            "กรุงเทพฯ 10.30 น.",
            "ภาพจากซินหัว",
            "<p>น้ำท่วมภาคใต้</p>",
            "ตลาดหุ้นไทยปิดบวก 12.5 จุด\n",
        ] {
            let decoded = decode(&windows_874(text), None).unwrap();
            assert_eq!((&*decoded.text, decoded.encoding), (text, "windows-874"));
        }
    }

    #[test]
    fn short_utf_16_without_a_mark_is_recognised() {
        for text in ["สวัสดี", "ข่าว 8 พ.ย.", "plae", "กรุงเทพฯ\r\n", "“ก” – ข … ค"]
        {
            for (order, name) in [
                (u16::to_le_bytes as fn(u16) -> [u8; 2], "UTF-16LE"),
                (u16::to_be_bytes, "UTF-16BE"),
            ] {
                let decoded = decode(&utf_16(text, order), None).unwrap();
                assert_eq!((&*decoded.text, decoded.encoding), (text, name));
            }
        }
    }

    #[test]
    fn the_hint_names_what_is_wrong() {
        let article = ARTICLE.as_bytes();
        let mut mixed = article.to_vec();
        mixed.extend(windows_874("ข่าว"));
        mixed.extend(article);
        let english = b"The caf\xE9 na\xEFve \x93quoted\x94 \x96 price \xA3 5, voil\xE0.";
        let cases: [(&[u8], &str); 4] = [
            (&article[..article.len() - 6], "cut off"),
            (&mixed, "two encodings"),
            (english, "--encoding windows-1252"),
            (
                b"\xC4\xE3\xBA\xC3\xA3\xAC\xCA\xC0\xBD\xE7\xA1\xA3\xD5\xE2\xCA\xC7\xD6\xD0\xCE\xC4\xA1\xA3",
                "--encoding ",
            ),
        ];
        for (bytes, hint) in cases {
            let error = decode(bytes, None).unwrap_err();
            assert!(error.message.starts_with("invalid UTF-8"), "{error}");
            assert!(
                error.hint.as_ref().is_some_and(|text| text.to_string().contains(hint)),
                "{error:?}"
            );
        }
    }

    #[test]
    fn an_explicit_label_overrides_a_mark_of_another_encoding() {
        let decoded = decode(b"\xEF\xBB\xBF\xA1", Some("windows-874")).unwrap();
        assert_eq!((&*decoded.text, decoded.bom), ("๏ปฟก", false));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        let cut = &ARTICLE.as_bytes()[..ARTICLE.find("จีน").unwrap() + 1];
        let mut damaged = ARTICLE.as_bytes().to_vec();
        damaged[20] = b'?';
        type Case<'a> = (&'a [u8], Option<&'a str>, Kind, &'a str, &'a str);
        let cases: [Case; 20] = [
            (cut, None, Kind::Input, "byte 10", "invalid UTF-8 (0xE0)"),
            (&damaged, None, Kind::Input, "byte 19", "invalid UTF-8 (0xE0)"),
            (b"caf\xE9 au lait", None, Kind::Input, "byte 3", "invalid UTF-8 (0xE9)"),
            (
                b"\xA1\xA2\xFF\xA1",
                Some("windows-874"),
                Kind::Input,
                "byte 2",
                "invalid windows-874 (0xFF)",
            ),
            (b"ok\xFF", Some("utf-8"), Kind::Input, "byte 2", "invalid UTF-8 (0xFF)"),
            (
                b"\xFF\xFEa\0\x00\xD8b\0",
                None,
                Kind::Input,
                "byte 4",
                "invalid UTF-16LE (0x00)",
            ),
            (
                b"\xFE\xFF\x0E\x01\x0E",
                None,
                Kind::Input,
                "byte 4",
                "invalid UTF-16BE (0x0E)",
            ),
            (
                b"\xFF\xFEa\0\0\0",
                None,
                Kind::Input,
                "byte 4",
                "binary file (a NUL character)",
            ),
            (b"abc\0def", None, Kind::Input, "byte 3", "binary file (byte 0x00)"),
            (
                b"\x01\x02\x03\x04\x05\x06\x07\x08",
                None,
                Kind::Input,
                "byte 0",
                "binary file (byte 0x01)",
            ),
            (
                b"a\0b\0c\0\x01\0",
                None,
                Kind::Input,
                "byte 1",
                "binary file (byte 0x00)",
            ),
            (
                b"\0\0\0\0\0\0\0\0",
                None,
                Kind::Input,
                "byte 0",
                "binary file (byte 0x00)",
            ),
            (
                b"\x1B$)C\x0E!!\x0F",
                Some("iso-2022-kr"),
                Kind::Usage,
                "",
                "unknown encoding \"iso-2022-kr\"",
            ),
            (
                b"\xFD\x9A \xFA\x4B",
                Some("big5"),
                Kind::Input,
                "byte 0",
                "invalid Big5 (0xFD)",
            ),
            (
                b"\x1B(B!",
                Some("iso-2022-jp"),
                Kind::Input,
                "byte 0",
                "cannot be written back",
            ),
            (b"%PDF-1.7\n", None, Kind::Input, "", "binary file (a PDF)"),
            (b"PK\x03\x04\x14\0", None, Kind::Input, "", "docx"),
            (b"\x89PNG\r\n\x1A\n\0", None, Kind::Input, "", "a PNG picture"),
            (
                b"\xFF\xD8\xFF\xE0\0",
                Some("windows-874"),
                Kind::Input,
                "",
                "a JPEG picture",
            ),
            (b"a", Some("klingon"), Kind::Usage, "", "unknown encoding \"klingon\""),
        ];
        for (bytes, label, kind, place, message) in cases {
            let error = decode(bytes, label).unwrap_err();
            assert!(error.message.contains(message), "{}: {message}", error.message);
            assert_eq!(
                (error.kind, error.place.as_deref().unwrap_or("")),
                (kind, place),
                "{message}"
            );
            assert!(error.hint.is_some(), "{message}");
        }
    }

    #[test]
    fn news_come_out_the_same_from_every_encoding() {
        let Ok(directory) = std::fs::read_dir("../shared/data/thaigov") else {
            return;
        };
        let files = directory.map(|entry| entry.unwrap().path());
        let mut count = 0;
        for path in files.filter(|path| path.extension().is_some_and(|extension| extension == "txt")) {
            let text = std::fs::read_to_string(&path).unwrap();
            let orders: [fn(u16) -> [u8; 2]; 2] = [u16::to_le_bytes, u16::to_be_bytes];
            for order in orders {
                assert_eq!(decode(&utf_16(&text, order), None).unwrap().text, text, "{path:?}");
                let marked = utf_16(&format!("\u{feff}{text}"), order);
                assert_eq!(decode(&marked, None).unwrap().text, text, "{path:?}");
            }
            // Without what that encoding has not, such as a zero-width space.
            let lacks = |c: char| encode(c.encode_utf8(&mut [0; 4]), "windows-874", false).is_err();
            let text: String = text.chars().filter(|&c| !lacks(c)).collect();
            let decoded = decode(&encode(&text, "windows-874", false).unwrap(), None).unwrap();
            assert_eq!((decoded.text, decoded.encoding), (text, "windows-874"), "{path:?}");
            count += 1;
        }
        assert_eq!(count, 28);
    }

    #[test]
    fn a_character_that_the_encoding_lacks_is_an_error() {
        let error = encode("ก漢", "windows-874", false).unwrap_err();
        assert_eq!(error.message, "windows-874 has no character '漢'");
        assert_eq!(encode("ก", "none", false).unwrap_err().kind, Kind::Usage);
    }

    proptest! {
        #[test]
        fn damaged_utf_8_is_not_taken_for_windows_874(cut in 1usize..20, text in "[ก-ฮเ-์]{7,30}") {
            let mut bytes = text.into_bytes();
            bytes.remove(cut);
            let error = decode(&bytes, None).unwrap_err();
            prop_assert!(error.message.starts_with("invalid UTF-8"), "{}", error.message);
        }

        #[test]
        fn whatever_is_decoded_comes_back(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                prop::collection::vec(0x80u8.., 0..40),
                any::<String>().prop_map(String::into_bytes),
                "[ก-๛ \r\na-z]{0,40}".prop_map(|text| windows_874(&text)),
            ],
            label in prop::option::of(prop::sample::select(vec![
                "utf-8", "windows-874", "utf-16le", "utf-16be", "shift_jis", "gb18030", "euc-kr", "big5", "iso-2022-jp",
                "windows-1252", "koi8-r", "x-user-defined",
            ])),
        ) {
            if let Ok(decoded) = decode(&bytes, label) {
                prop_assert_eq!(encode(&decoded.text, decoded.encoding, decoded.bom).unwrap(), bytes);
                prop_assert!(!decoded.text.contains('\0'));
            }
        }
    }
}
