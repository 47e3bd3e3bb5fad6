//! Decides which tokens an English output can be made of, so that decoding can be restricted to them.

/// Whether a token can be part of English text: apart from spaces and ▁, the token has at most one character, or no
/// letters but Latin ones.
///
/// Single characters of every script count, so that foreign names and quotations can still be spelled.
pub fn can_be_english(token: &str) -> bool {
    let mut characters = token.chars().filter(|c| *c != '\u{2581}' && *c != ' ');
    let Some(first) = characters.next() else {
        return true;
    };
    match characters.next() {
        None => true,
        Some(second) => [first, second].into_iter().chain(characters).all(is_latin_or_no_letter),
    }
}

/// Whether the bytes of a token can be part of English text. The complete characters among them must fit
/// [`can_be_english`]. If the token ends inside a character, at most half of the characters that begin with these last
/// bytes may be letters of other scripts. Bytes at the start that only end a character are ignored, since they can end
/// a character of any script.
pub fn bytes_can_be_english(token: &[u8]) -> bool {
    let ends = token.iter().take_while(|byte| (0x80..0xc0).contains(*byte)).count();
    let body = &token[ends..];
    let valid = std::str::from_utf8(body).map_or_else(|error| error.valid_up_to(), str::len);
    let (whole, begun) = body.split_at(valid);
    let whole = std::str::from_utf8(whole).unwrap_or_default();
    match begun {
        [] if ends == 0 => can_be_english(whole),
        // Single bytes spell the characters that have no token, so every single byte can be part of English text.
        [_] if ends == 0 && whole.trim().is_empty() => true,
        _ => whole.chars().all(is_latin_or_no_letter) && (begun.is_empty() || !begin_mostly_non_latin_letters(begun)),
    }
}

/// Whether more than half of the characters whose UTF-8 begins with these bytes are letters of other scripts than
/// Latin.
fn begin_mostly_non_latin_letters(bytes: &[u8]) -> bool {
    let (length, lead, least) = match bytes[0] {
        lead @ 0xc2..=0xdf => (2, lead & 0x1f, 0x80),
        lead @ 0xe0..=0xef => (3, lead & 0x0f, 0x800),
        lead @ 0xf0..=0xf4 => (4, lead & 0x07, 0x1_0000),
        // This byte begins no character in UTF-8.
        _ => return true,
    };
    let rest = bytes.iter().take(length).skip(1);
    let missing = length - 1 - rest.len();
    let known = rest.fold(u32::from(lead), |code, byte| (code << 6) | u32::from(byte & 0x3f));
    let range = (known << (6 * missing)).max(least)..(known + 1) << (6 * missing);
    let others = range
        .clone()
        .filter_map(char::from_u32)
        .filter(|c| !is_latin_or_no_letter(*c));
    others.count() * 2 > range.len()
}

/// Whether a character is a Latin letter or no letter at all.
fn is_latin_or_no_letter(character: char) -> bool {
    !character.is_alphabetic() || is_latin(character)
}

/// Whether a letter belongs to the Latin script, by the blocks of Unicode's Blocks.txt.
fn is_latin(letter: char) -> bool {
    matches!(letter,
        'A'..='Z' | 'a'..='z' | 'ª' | 'º' | 'À'..='\u{2ff}' | '\u{1d00}'..='\u{1dbf}' | '\u{1e00}'..='\u{1eff}'
        | '\u{2071}' | '\u{207f}' | '\u{2090}'..='\u{209c}' | '\u{2100}'..='\u{218f}' | '\u{24b6}'..='\u{24e9}'
        | '\u{2c60}'..='\u{2c7f}' | '\u{a720}'..='\u{a7ff}' | '\u{ab30}'..='\u{ab6f}' | '\u{fb00}'..='\u{fb06}'
        | 'Ａ'..='Ｚ' | 'ａ'..='ｚ')
}

#[cfg(test)]
mod tests {
    use super::{bytes_can_be_english, can_be_english};

    #[test]
    fn english_needs_latin_words_signs_and_single_characters() {
        for token in [
            "",
            "\u{2581}",
            "\u{2581}the",
            "n't",
            "\u{2581}café",
            "ﬁ",
            "1,000",
            "\u{2581}20",
            "...",
            "ก",
            "\u{2581}ก",
            "語",
            "่",
            "<0xE0>",
            "</s>",
            "€",
            "—",
            " a b",
        ] {
            assert!(can_be_english(token), "{token:?}");
        }
        for token in ["กา", "\u{2581}การ", "ab\u{e01}", "\u{2581}привет", "日本", "αβ", "กๆ"] {
            assert!(!can_be_english(token), "{token:?}");
        }
    }

    #[test]
    fn bytes_that_can_still_become_english_stay() {
        let kept: [&[u8]; 13] = [
            b"the",
            b" don't",
            " café".as_bytes(),
            "—".as_bytes(),
            "ก".as_bytes(),
            b"\xe0",
            b" \xe0",
            b"\xb8",
            b"\x80\x99s",
            b" \xe2\x80",
            b"\xf0\x9f\x98",
            b"\xc3",
            b"\xff",
        ];
        for token in kept {
            assert!(bytes_can_be_english(token), "{token:x?}");
        }
        let dropped: [&[u8]; 9] = [
            "การ".as_bytes(),
            " กา".as_bytes(),
            b"\xe0\xb8",
            b"\xb8\xe0\xb8",
            b"\xb2\xe0\xb8\xa3",
            b"a\xe0",
            b"\xe4\xb8",
            "и".as_bytes().repeat(2).leak(),
            b" \xff\xff",
        ];
        for token in dropped {
            assert!(!bytes_can_be_english(token), "{token:x?}");
        }
    }
}
