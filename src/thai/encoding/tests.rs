//! Tests of the encodings: each is read and written back, damaged files are refused with the offset of the fault, and
//! any bytes that are decoded encode to the same bytes.

use super::*;
use crate::error::ErrorKind;
use proptest::prelude::*;

const ARTICLE: &str = "ปธน.จีนกล่าวสุนทรพจน์ต่อที่ประชุม\r\n\r\nวันที่ 8 พฤศจิกายน ๒๕๖๖ “เน็ต” – 50 ฿…\r\n";

/// Encodes text in Windows-874 by its code chart, independently of the code under test.
fn encode_windows_874(text: &str) -> Vec<u8> {
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

fn encode_utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn every_encoding_is_recognised_and_comes_back() {
    let marked = format!("\u{feff}{ARTICLE}");
    let cases: [(Vec<u8>, Option<&str>, &str, bool); 21] = [
        (ARTICLE.into(), None, "UTF-8", false),
        (marked.clone().into(), None, "UTF-8", true),
        (marked.clone().into(), Some("utf8"), "UTF-8", true),
        (encode_utf_16(&marked, u16::to_le_bytes), None, "UTF-16LE", true),
        (encode_utf_16(&marked, u16::to_be_bytes), None, "UTF-16BE", true),
        (
            encode_utf_16(&marked, u16::to_be_bytes),
            Some("utf-16"),
            "UTF-16BE",
            true,
        ),
        (
            encode_utf_16(ARTICLE, u16::to_le_bytes),
            Some("utf-16le"),
            "UTF-16LE",
            false,
        ),
        (
            encode_utf_16(ARTICLE, u16::to_be_bytes),
            Some("UTF-16BE"),
            "UTF-16BE",
            false,
        ),
        (encode_windows_874(ARTICLE), None, "windows-874", false),
        (encode_windows_874(ARTICLE), Some("tis-620"), "windows-874", false),
        (encode_windows_874(ARTICLE), Some("TIS620"), "windows-874", false),
        (encode_windows_874(ARTICLE), Some(" cp874 "), "windows-874", false),
        (Vec::new(), None, "UTF-8", false),
        (encode_utf_16(ARTICLE, u16::to_le_bytes), None, "UTF-16LE", false),
        (encode_utf_16(ARTICLE, u16::to_be_bytes), None, "UTF-16BE", false),
        (
            encode_utf_16(ARTICLE, u16::to_le_bytes),
            Some("utf16"),
            "UTF-16LE",
            false,
        ),
        (
            encode_utf_16(ARTICLE, u16::to_be_bytes),
            Some("utf-16"),
            "UTF-16BE",
            false,
        ),
        (
            encode_utf_16(ARTICLE, u16::to_be_bytes),
            Some("utf-16-be"),
            "UTF-16BE",
            false,
        ),
        (marked.into(), Some("UTF-8-SIG"), "UTF-8", true),
        (encode_windows_874(ARTICLE), Some("iso-8859-11"), "windows-874", false),
        (encode_windows_874(ARTICLE), Some("windows-874"), "windows-874", false),
    ];
    for (bytes, label, encoding, bom) in cases {
        let decoded = decode_text(&bytes, label).unwrap();
        let text = if bytes.is_empty() { "" } else { ARTICLE };
        assert_eq!((&*decoded.text, decoded.encoding, decoded.bom), (text, encoding, bom));
        assert_eq!(
            encode_text(&decoded.text, decoded.encoding, decoded.bom).unwrap(),
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
        let decoded = decode_text(&encode_windows_874(text), None).unwrap();
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
            let decoded = decode_text(&encode_utf_16(text, order), None).unwrap();
            assert_eq!((&*decoded.text, decoded.encoding), (text, name));
        }
    }
}

#[test]
fn the_hint_names_what_is_wrong() {
    let article = ARTICLE.as_bytes();
    let mut mixed = article.to_vec();
    mixed.extend(encode_windows_874("ข่าว"));
    mixed.extend(article);
    let english = b"The caf\xE9 na\xEFve \x93quoted\x94 \x96 price \xA3 5, voil\xE0.";
    let cases: [(&[u8], &str); 4] = [
        (&article[..article.len() - 6], "cut off"),
        (&mixed, "two encodings"),
        (english, "looks like windows-1252"),
        (
            b"\xC4\xE3\xBA\xC3\xA3\xAC\xCA\xC0\xBD\xE7\xA1\xA3\xD5\xE2\xCA\xC7\xD6\xD0\xCE\xC4\xA1\xA3",
            "name the right encoding",
        ),
    ];
    for (bytes, hint) in cases {
        let error = decode_text(bytes, None).unwrap_err();
        assert!(error.message.starts_with("invalid UTF-8"), "{error}");
        assert!(
            error.hint.as_ref().is_some_and(|text| text.to_string().contains(hint)),
            "{error:?}"
        );
    }
}

#[test]
fn an_explicit_label_overrides_a_mark_of_another_encoding() {
    let decoded = decode_text(b"\xEF\xBB\xBF\xA1", Some("windows-874")).unwrap();
    assert_eq!((&*decoded.text, decoded.bom), ("๏ปฟก", false));
}

/// A file that cannot be decoded: its bytes, the encoding label, and the kind, place and part of the message of the
/// expected error.
type Refusal<'a> = (&'a [u8], Option<&'a str>, ErrorKind, &'a str, &'a str);

const REFUSALS: [Refusal; 18] = [
    (
        b"caf\xE9 au lait",
        None,
        ErrorKind::Input,
        "byte 3",
        "invalid UTF-8 (0xE9)",
    ),
    (
        b"\xA1\xA2\xFF\xA1",
        Some("windows-874"),
        ErrorKind::Input,
        "byte 2",
        "invalid windows-874 (0xFF)",
    ),
    (
        b"ok\xFF",
        Some("utf-8"),
        ErrorKind::Input,
        "byte 2",
        "invalid UTF-8 (0xFF)",
    ),
    (
        b"\xFF\xFEa\0\x00\xD8b\0",
        None,
        ErrorKind::Input,
        "byte 4",
        "invalid UTF-16LE (0x00)",
    ),
    (
        b"\xFE\xFF\x0E\x01\x0E",
        None,
        ErrorKind::Input,
        "byte 4",
        "invalid UTF-16BE (0x0E)",
    ),
    (
        b"\xFF\xFEa\0\0\0",
        None,
        ErrorKind::Input,
        "byte 4",
        "binary file (a NUL character)",
    ),
    (b"abc\0def", None, ErrorKind::Input, "byte 3", "binary file (byte 0x00)"),
    (
        b"\x01\x02\x03\x04\x05\x06\x07\x08",
        None,
        ErrorKind::Input,
        "byte 0",
        "binary file (byte 0x01)",
    ),
    (
        b"a\0b\0c\0\x01\0",
        None,
        ErrorKind::Input,
        "byte 1",
        "binary file (byte 0x00)",
    ),
    (
        b"\0\0\0\0\0\0\0\0",
        None,
        ErrorKind::Input,
        "byte 0",
        "binary file (byte 0x00)",
    ),
    (
        b"\x1B$)C\x0E!!\x0F",
        Some("iso-2022-kr"),
        ErrorKind::Usage,
        "",
        "unknown encoding \"iso-2022-kr\"",
    ),
    (
        b"\xFD\x9A \xFA\x4B",
        Some("big5"),
        ErrorKind::Input,
        "byte 0",
        "invalid Big5 (0xFD)",
    ),
    (
        b"\x1B(B!",
        Some("iso-2022-jp"),
        ErrorKind::Input,
        "byte 0",
        "cannot be written back",
    ),
    (b"%PDF-1.7\n", None, ErrorKind::Input, "", "binary file (a PDF)"),
    (b"PK\x03\x04\x14\0", None, ErrorKind::Input, "", "docx"),
    (b"\x89PNG\r\n\x1A\n\0", None, ErrorKind::Input, "", "a PNG picture"),
    (
        b"\xFF\xD8\xFF\xE0\0",
        Some("windows-874"),
        ErrorKind::Input,
        "",
        "a JPEG picture",
    ),
    (
        b"a",
        Some("klingon"),
        ErrorKind::Usage,
        "",
        "unknown encoding \"klingon\"",
    ),
];

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    let cut = &ARTICLE.as_bytes()[..ARTICLE.find("จีน").unwrap() + 1];
    let mut damaged = ARTICLE.as_bytes().to_vec();
    damaged[20] = b'?';
    let damaged: [Refusal; 2] = [
        (cut, None, ErrorKind::Input, "byte 10", "invalid UTF-8 (0xE0)"),
        (&damaged, None, ErrorKind::Input, "byte 19", "invalid UTF-8 (0xE0)"),
    ];
    for (bytes, label, kind, place, message) in damaged.into_iter().chain(REFUSALS) {
        let error = decode_text(bytes, label).unwrap_err();
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
            assert_eq!(
                decode_text(&encode_utf_16(&text, order), None).unwrap().text,
                text,
                "{path:?}"
            );
            let marked = encode_utf_16(&format!("\u{feff}{text}"), order);
            assert_eq!(decode_text(&marked, None).unwrap().text, text, "{path:?}");
        }
        // Without what that encoding has not, such as a zero-width space.
        let lacks = |c: char| encode_text(c.encode_utf8(&mut [0; 4]), "windows-874", false).is_err();
        let text: String = text.chars().filter(|&c| !lacks(c)).collect();
        let decoded = decode_text(&encode_text(&text, "windows-874", false).unwrap(), None).unwrap();
        assert_eq!((decoded.text, decoded.encoding), (text, "windows-874"), "{path:?}");
        count += 1;
    }
    assert_eq!(count, 28);
}

#[test]
fn a_character_that_the_encoding_lacks_is_an_error() {
    let error = encode_text("ก漢", "windows-874", false).unwrap_err();
    assert_eq!(error.message, "windows-874 has no character '漢'");
    assert_eq!(encode_text("ก", "none", false).unwrap_err().kind, ErrorKind::Usage);
}

proptest! {
    #[test]
    fn damaged_utf_8_is_not_taken_for_windows_874(cut in 1usize..20, text in "[ก-ฮเ-์]{7,30}") {
        let mut bytes = text.into_bytes();
        bytes.remove(cut);
        let error = decode_text(&bytes, None).unwrap_err();
        prop_assert!(error.message.starts_with("invalid UTF-8"), "{}", error.message);
    }

    #[test]
    fn whatever_is_decoded_comes_back(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            prop::collection::vec(0x80u8.., 0..40),
            any::<String>().prop_map(String::into_bytes),
            "[ก-๛ \r\na-z]{0,40}".prop_map(|text| encode_windows_874(&text)),
        ],
        label in prop::option::of(prop::sample::select(vec![
            "utf-8", "windows-874", "utf-16le", "utf-16be", "shift_jis", "gb18030", "euc-kr", "big5", "iso-2022-jp",
            "windows-1252", "koi8-r", "x-user-defined",
        ])),
    ) {
        if let Ok(decoded) = decode_text(&bytes, label) {
            prop_assert_eq!(encode_text(&decoded.text, decoded.encoding, decoded.bom).unwrap(), bytes);
            prop_assert!(!decoded.text.contains('\0'));
        }
    }
}
