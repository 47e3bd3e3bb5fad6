//! Translates lines that are only dates, times and numbers, with a few words that go with them, by rule.

use super::text::MendedText;
use super::years::{are_buddhist_dates, write_years};
use crate::document::Era;
use crate::thai::quantity::{
    Language, Quantity, QuantityPrecision, QuantityValue, compare_quantities, english_forms, find_quantities,
};
use crate::thai::{has_thai, normalise_thai};

/// The longest source, in bytes, that is looked at: lines of dates and numbers are short.
const MAX_SOURCE_BYTES: usize = 400;

/// The English that a word of the table becomes.
enum Word {
    /// English words before or after a value.
    Text(&'static str),
    /// A name for the number after it, such as No.; a comma separates it from what is before.
    Label(&'static str),
    /// Nothing: English has no word there.
    Nothing,
}

/// Thai words that stand beside dates, times and numbers, separated by `|`, with what they become.
const WORDS: &[(&str, Word)] = &[
    (
        "วันที่|ลงวันที่|ในวันที่|ประจำวันที่|ประจำวัน|ประจำเดือน|เดือน|ปี|พุทธศักราช|ระหว่างวันที่|ที่|เวลา|ในเวลา|เมื่อเวลา|ณ เวลา|ระหว่างเวลา",
        Word::Nothing,
    ),
    ("เมื่อ|เมื่อวันที่|เมื่อวัน", Word::Text("on")),
    ("ณ วันที่|ข้อมูล ณ วันที่|ข้อมูล ณ วัน|ณ วัน", Word::Text("as of")),
    ("ตั้งแต่|ตั้งแต่วันที่|ตั้งแต่เวลา", Word::Text("from")),
    ("ถึง|ถึงวันที่|จนถึง|จนถึงวันที่|ถึงเวลา", Word::Text("to")),
    ("และ|และวันที่", Word::Text("and")),
    ("วันนี้|วันนี้เวลา", Word::Text("today,")),
    ("ข่าว", Word::Text("news")),
    ("ข่าวประจำวันที่|ข่าวประจำวัน|ข่าววันที่|ข่าวประจำเดือน", Word::Text("news of")),
    ("แถลงข่าว", Word::Text("press conference,")),
    ("ข่าวประชาสัมพันธ์", Word::Text("press release,")),
    (
        "โพสต์|โพสต์เมื่อ|โพสต์เมื่อวันที่|โพสต์วันที่|โพสเมื่อ|โพสต์โดยเมื่อ",
        Word::Text("posted"),
    ),
    (
        "เผยแพร่|เผยแพร่เมื่อ|เผยแพร่เมื่อวันที่|เผยแพร่วันที่|วันที่เผยแพร่|วันเผยแพร่|ตีพิมพ์เมื่อ|ตีพิมพ์|ลงเมื่อ",
        Word::Text("published"),
    ),
    (
        "อัปเดต|อัพเดต|อัปเดท|อัพเดท|อัปเดตเมื่อ|อัพเดตเมื่อ|ปรับปรุงเมื่อ|ปรับปรุง",
        Word::Text("updated"),
    ),
    (
        "อัปเดตล่าสุด|อัพเดตล่าสุด|อัพเดทล่าสุด|อัปเดทล่าสุด|ปรับปรุงล่าสุด|ปรับปรุงล่าสุดเมื่อ|อัปเดตล่าสุดเมื่อ|ปรับปรุงล่าสุดวันที่|อัปเดตล่าสุดวันที่|วันที่อัปเดตล่าสุด|ปรับปรุงข้อมูลล่าสุด|ปรับปรุงข้อมูลเมื่อ",
        Word::Text("last updated"),
    ),
    ("แก้ไขเมื่อ|แก้ไขล่าสุด|แก้ไขล่าสุดเมื่อ", Word::Text("last edited")),
    ("ประกาศเมื่อ|ประกาศ ณ วันที่|ประกาศวันที่|ประกาศเมื่อวันที่", Word::Text("announced")),
    ("สั่ง ณ วันที่", Word::Text("ordered")),
    ("ออกอากาศ|ออกอากาศวันที่|ออกอากาศเมื่อ", Word::Text("broadcast")),
    ("หน้า|หน้าที่", Word::Label("page")),
    ("ฉบับที่|ครั้งที่|ฉบับ|ที่ ", Word::Label("No.")),
    ("ปีที่", Word::Label("year")),
    ("เล่มที่|เล่ม", Word::Label("volume")),
    ("ตอนที่|ภาคที่", Word::Label("part")),
    ("บทที่", Word::Label("chapter")),
    ("มาตรา|ส่วนที่", Word::Label("section")),
    ("ข้อ|ข้อที่", Word::Label("item")),
    ("ภาพที่|รูปที่", Word::Label("figure")),
    ("ตารางที่", Word::Label("table")),
    ("สัปดาห์ที่", Word::Label("week")),
    ("โทร|โทร.|โทรศัพท์|เบอร์โทร|เบอร์โทรศัพท์|หมายเลขโทรศัพท์", Word::Label("tel.")),
    ("แฟกซ์|โทรสาร", Word::Label("fax")),
    ("สายด่วน", Word::Label("hotline")),
    ("ราคา", Word::Text("price:")),
];

/// A piece of the English line.
enum Piece {
    /// A word, or the text of a value.
    Word(String),
    /// A name for the number after it.
    Label(String),
    /// The text of a value.
    Value(String),
    /// Punctuation as the source has it, with the white space around it.
    Sign(String),
}

/// Translates a source that is only dates, times and numbers, with words that the table knows and Latin text, by rule.
/// Years are written in `era`. Returns `None` if any word is unknown or any value cannot be written: then a model must
/// translate the source. Of the sources without Thai, only dates of the Buddhist era are translated.
pub fn translate_by_rule(source: &str, era: Era) -> Option<String> {
    if source.len() > MAX_SOURCE_BYTES {
        return None;
    }
    let normalised = normalise_thai(source);
    let text: &str = normalised.trim();
    let quantities = find_quantities(text, Language::Thai);
    if quantities.is_empty() || !quantities.iter().all(|quantity| is_certain(quantity, text)) {
        return None;
    }
    let is_date_alone = || are_buddhist_dates(text, &quantities) && !text.contains(char::is_alphabetic);
    if !has_thai(text) && !is_date_alone() {
        return None;
    }
    let mut pieces = Vec::new();
    let mut at = 0;
    for quantity in &quantities {
        push_words(text.get(at..quantity.span.start)?, &mut pieces)?;
        let written = write_value(quantity, quantity.span.of(text))?;
        pieces.push(Piece::Value(written));
        at = quantity.span.end;
    }
    push_words(&text[at..], &mut pieces)?;
    let line = capitalise(&join_pieces(&pieces));
    // What was written must say the same, and nothing else.
    if !compare_quantities(text, &line).is_empty() {
        return None;
    }
    Some(write_years(text, MendedText::new(line, Vec::new()), era).into_parts().0)
}

/// Whether a quantity can be nothing else, so that a line of it alone is no word or name.
fn is_certain(quantity: &Quantity, text: &str) -> bool {
    let is_date = matches!(quantity.value, QuantityValue::Date(_));
    quantity.precision == QuantityPrecision::Exact
        && (quantity.has_digits || is_date)
        && !matches!(quantity.value, QuantityValue::Fraction(..))
        // The name of a month or of a day of the week alone may be a person's.
        && (quantity.has_digits || quantity.span.of(text).starts_with("วัน") || quantity.span.of(text).ends_with('ม') || quantity.span.of(text).ends_with('น') || quantity.span.of(text).ends_with('์'))
}

/// Writes a value of the source, with its digits, signs and zeros as they are where English writes them alike.
fn write_value(quantity: &Quantity, text: &str) -> Option<String> {
    let arabic: String = text
        .chars()
        .map(|c| match c {
            '๐'..='๙' => char::from(b'0' + (c as u32 - '๐' as u32) as u8),
            _ => c,
        })
        .collect();
    match (&quantity.value, &quantity.second) {
        (QuantityValue::Time(time), second) => {
            let clock = |time: &crate::thai::quantity::Time| format!("{:02}:{:02}", time.hour, time.minute);
            match second {
                None => Some(clock(time)),
                Some(QuantityValue::Time(end)) => Some(format!("{}-{}", clock(time), clock(end))),
                Some(_) => None,
            }
        }
        // The number of an issue and its year: 12/2566.
        (QuantityValue::Number(_) | QuantityValue::Ordinal(_), Some(QuantityValue::Date(date))) => {
            Some(format!("{}/{}", arabic.split_once('/')?.0, date.year?))
        }
        // Codes, and numbers without Thai letters, are the same in English.
        (
            QuantityValue::Code(_) | QuantityValue::Number(_) | QuantityValue::Ordinal(_) | QuantityValue::Percent(_),
            _,
        ) if !has_thai(&arabic) => Some(arabic),
        _ => english_forms(quantity).into_iter().next(),
    }
}

/// Cuts the text between two values into known words, Latin words and punctuation. Returns `None` if any word is
/// unknown.
fn push_words(text: &str, pieces: &mut Vec<Piece>) -> Option<()> {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let known = WORDS
            .iter()
            .flat_map(|(words, meaning)| words.split('|').map(move |word| (word, meaning)))
            .filter(|(word, _)| rest.starts_with(word))
            .max_by_key(|(word, _)| word.len());
        if let Some((word, meaning)) = known {
            match meaning {
                Word::Text(english) => pieces.push(Piece::Word((*english).to_owned())),
                Word::Label(english) => pieces.push(Piece::Label((*english).to_owned())),
                Word::Nothing => {}
            }
            rest = &rest[word.len()..];
        } else if c.is_whitespace() {
            rest = rest.trim_start();
        } else if c.is_ascii_alphabetic() {
            let len = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            pieces.push(Piece::Word(rest[..len].to_owned()));
            rest = &rest[len..];
        } else if c.is_ascii_punctuation() || matches!(c, '–' | '—' | '•' | '“' | '”' | '‘' | '’' | '…')
        {
            let len = rest.find(|other: char| other != c).unwrap_or(rest.len());
            let spaced = &text[..text.len() - rest.len()];
            let (before, after) = (
                spaced.ends_with(char::is_whitespace),
                rest[len..].starts_with(char::is_whitespace),
            );
            let space = |on: bool| if on { " " } else { "" };
            pieces.push(Piece::Sign(format!(
                "{}{}{}",
                space(before),
                &rest[..len],
                space(after)
            )));
            rest = &rest[len..];
        } else {
            return None;
        }
    }
    Some(())
}

/// Joins the pieces of a line with spaces, and with commas between values that only a space separates.
fn join_pieces(pieces: &[Piece]) -> String {
    let mut line = String::new();
    let mut last: Option<&Piece> = None;
    for piece in pieces {
        let text = match piece {
            Piece::Word(text) | Piece::Label(text) | Piece::Value(text) | Piece::Sign(text) => text,
        };
        let gap = match (last, piece) {
            (None, _) | (Some(Piece::Sign(_)), Piece::Sign(_)) => "",
            (Some(Piece::Value(_)), Piece::Value(_) | Piece::Label(_)) => ", ",
            (Some(Piece::Sign(sign)), _)
                if sign.trim_end().ends_with(['(', '[', '“', '‘', '-', '–', '/', '"']) || sign.ends_with(' ') =>
            {
                ""
            }
            (Some(_), Piece::Sign(_)) => "",
            _ => " ",
        };
        // An opening bracket is set off from the word before it.
        let is_opening =
            matches!(piece, Piece::Sign(sign) if sign.trim_end().ends_with(['(', '[', '“']) && !sign.starts_with(' '));
        line.push_str(if is_opening && last.is_some() && !line.ends_with(' ') {
            " "
        } else {
            gap
        });
        line.push_str(text);
        last = Some(piece);
    }
    line.trim().to_owned()
}

/// Makes the first letter a capital.
fn capitalise(line: &str) -> String {
    match line.char_indices().find(|(_, c)| c.is_alphanumeric()) {
        Some((at, c)) => format!("{}{}{}", &line[..at], c.to_uppercase(), &line[at + c.len_utf8()..]),
        None => line.to_owned(),
    }
}
