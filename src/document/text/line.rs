//! Classification of one line of plain text by its own words: list item, quotation, metadata, picture credit,
//! horizontal rule, or running text.

use crate::document::is_space;
use regex::Regex;
use std::sync::LazyLock;

/// The longest line that may be metadata or a picture credit, in characters. Lines that are a link have no limit.
const MAX_METADATA_CHARS: usize = 90;

/// The role of a line in a plain text, as far as its own words tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineRole {
    /// Running text.
    Text,
    /// A horizontal rule or other ornament without words, such as `*****`; it is not part of the text.
    Rule,
    /// A list item. The number is the length in bytes of its marker and of the white space after the marker.
    Item(usize),
    /// A quoted line of a mail. The number is the length in bytes of its quotation marks (`>`) and of the white space
    /// after them.
    Quote(usize),
    /// A line that credits a picture.
    Credit,
    /// A line about the article: a labelled date, author or source, or a link.
    Metadata,
    /// A date without a label. It may be metadata, or the end of a hard-wrapped sentence.
    Date,
    /// A line of `โดย` ("by") and a name. It is metadata if it stands next to other metadata or a title; elsewhere it
    /// may be the end of a sentence.
    Byline,
}

/// Returns the role of a line, which must not be blank and must have no white space at its ends.
pub(super) fn line_role(line: &str) -> LineRole {
    if is_horizontal_rule(line) {
        return LineRole::Rule;
    }
    match (quote_marker_length(line), metadata_role(line)) {
        (0, Some(role)) => role,
        (0, None) => match list_marker_length(line) {
            0 => LineRole::Text,
            marker => LineRole::Item(marker),
        },
        (marker, _) => LineRole::Quote(marker),
    }
}

/// Returns the role of a paragraph that is a picture credit or a line about the article, such as its date or author.
/// None if it is ordinary text.
pub(super) fn metadata_role(text: &str) -> Option<LineRole> {
    if text.chars().nth(MAX_METADATA_CHARS).is_some() {
        let is_link = !text.contains(is_space) && is_match(&LINK_LINE, text);
        return is_link.then_some(LineRole::Metadata);
    }
    let bare = text
        .trim_matches(['(', ')', '[', ']', '（', '）'])
        .trim_matches(is_space);
    if is_match(&CREDIT_LINE, bare) {
        return Some(LineRole::Credit);
    }
    let labelled = [&LABELLED_LINE, &BOILERPLATE_LINE, &LINK_LINE, &TAG_LINE]
        .iter()
        .any(|pattern| is_match(pattern, bare));
    if labelled || is_match(&LABELLED_LINE, text) {
        return Some(LineRole::Metadata);
    }
    let parts: Vec<&str> = text
        .split(['|', '•', '│'])
        .map(|part| part.trim_matches(is_space))
        .collect();
    if let [part] = parts[..] {
        return if is_match(&DATE_LINE, part) && is_match(&DATE_REGEX, part) {
            Some(if is_match(&DATE_LABEL, part) {
                LineRole::Metadata
            } else {
                LineRole::Date
            })
        } else {
            (is_match(&BYLINE_REGEX, part) && !is_match(&REPORTING_VERB, part)).then_some(LineRole::Byline)
        };
    }
    // News portals put the date, the section and the author on one line, with bars between.
    let dated = parts
        .iter()
        .any(|part| is_match(&DATE_LINE, part) && is_match(&DATE_REGEX, part));
    let labelled = parts.iter().any(|part| is_match(&LABELLED_LINE, part));
    (dated || labelled).then_some(LineRole::Metadata)
}

fn is_match(pattern: &LazyLock<Regex>, text: &str) -> bool {
    pattern.is_match(text)
}

/// Compiles a pattern that is written over several lines, after replacing the placeholders `{month}`, `{day}` (a
/// weekday) and `{date}`.
fn compile_regex(text: &str) -> Regex {
    const MONTH_PATTERN: &str = r"(?:มกราคม|กุมภาพันธ์|มีนาคม|เมษายน|พฤษภาคม|มิถุนายน|กรกฎาคม|สิงหาคม|กันยายน|ตุลาคม|พฤศจิกายน|ธันวาคม
        |ม\.?ค\.?|ก\.?พ\.?|มี\.?ค\.?|เม\.?ย\.?|พ\.?ค\.?|มิ\.?ย\.?|ก\.?ค\.?|ส\.?ค\.?|ก\.?ย\.?|ต\.?ค\.?|พ\.?ย\.?|ธ\.?ค\.?
        |Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?
        |Dec(?:ember)?)";
    const WEEKDAY_PATTERN: &str = r"(?:(?:วัน)?(?:จันทร์|อังคาร|พุธ|พฤหัสบดี|พฤหัสฯ?|ศุกร์|เสาร์|อาทิตย์)
        |(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
    const DATE_PATTERN: &str = r"(?:\d{1,2}(?:\s*[-–]\s*\d{1,2})?\s*{month},?\s*(?:(?:พ\.?ศ\.?|ค\.?ศ\.?)\s*)?(?:\d{4}|\d{2})?
        |{month}\s*\d{1,2},?\s*\d{4}
        |{month}\s*(?:(?:พ\.?ศ\.?|ค\.?ศ\.?)\s*)?\d{4}
        |\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2})
        |\d{4}[/-]\d{2}[/-]\d{2})";
    let text = text
        .replace("{date}", DATE_PATTERN)
        .replace("{month}", MONTH_PATTERN)
        .replace("{day}", WEEKDAY_PATTERN);
    Regex::new(&format!("(?x){text}")).expect("the patterns are fixed and tested")
}

/// Matches a date, in figures or with the name of a month.
static DATE_REGEX: LazyLock<Regex> = LazyLock::new(|| compile_regex("{date}"));

/// Matches a line that has only dates, times, weekdays and their labels, possibly after the name of an agency or place.
static DATE_LINE: LazyLock<Regex> = LazyLock::new(|| {
    compile_regex(
        r"^(?:\([^()\d]{1,30}\)\s*|[^\s\d,]{2,20},\s*)?
        (?:(?:{label}\s*:?|{day}|{date}|ที่|\d{1,2}[:.]\d{2}(?:[:.]\d{2})?\s*(?:น\.?|นาฬิกา|[AaPp]\.?[Mm]\.?)?|เวลา|นาที|[-–—,()/@])\s*)+$"
            .replace("{label}", LABEL)
            .as_str(),
    )
});

/// Matches the label before a date of publication.
static DATE_LABEL: LazyLock<Regex> =
    LazyLock::new(|| compile_regex(&format!(r"^(?:{LABEL}\s*:|{PUBLICATION_DATE_LABEL})")));
const LABEL: &str = r"(?:วันที่(?:เผยแพร่|ประกาศ|โพสต์|ลงข่าว|ออกข่าว|ปรับปรุง)?|ลงวันที่|เมื่อ|ล่าสุด|ณ|ข่าวประจำ|ประจำ|Date
    |เผยแพร่|โพสต์|อัปเดต|อัพเดต|อัพเดท|ปรับปรุง|แก้ไข|ประกาศ|Published|Updated|Posted|Last\supdated?|on)";
const PUBLICATION_DATE_LABEL: &str =
    "(?:เผยแพร่|โพสต์|อัปเดต|อัพเดต|อัพเดท|ปรับปรุง|แก้ไข|Published|Updated|Posted|Last\\supdated?)";

/// Matches a label and value that name the author, translator, publisher or source of the article.
static LABELLED_LINE: LazyLock<Regex> = LazyLock::new(|| {
    compile_regex(
        r"^(?:(?:โดย|(?:เขียน|เรียบเรียง|แปล|แปลและเรียบเรียง|เรียบเรียงและแปล|รายงาน|เผยแพร่|จัดทำ)(?:โดย)?
        |ผู้(?:เขียน|แปล|เรียบเรียง|สื่อข่าว|รายงาน|ประพันธ์)|(?:กอง)?บรรณาธิการ|ทีมข่าว|คอลัมน์|คอลัมนิสต์|นักเขียน|สำนักข่าว
        |เรื่อง\s*(?:และ|[/,&-])\s*ภาพ|ข่าว\s*(?:และ|[/,&-])\s*ภาพ
        |(?:แหล่ง)?ที่มา(?:ของ)?(?:ข้อมูล|ข่าว|บทความ)?|แหล่ง(?:ข่าว|ข้อมูล|อ้างอิง)|(?:เอกสาร)?อ้างอิง(?:จาก)?|ข้อมูล(?:จาก|อ้างอิง)
        |อ่าน(?:ข่าว)?(?:เพิ่มเติม|ต่อ|ต้นฉบับ)(?:ได้ที่|ที่)?|ลิงก์|ลิงค์|แท็ก|หมวดหมู่|คำค้น
        |(?i:by|author|writer|reporter|editor|story|sources?|references?|ref|link|via|tags?))
        (?:\s*\([^()]{1,20}\))?\s*[:：]\s*\S
        |(?:ที่มา|อ้างอิง|ลิงก์|ลิงค์)\s*(?:https?://|www\.)
        |(?:เขียน|เรียบเรียง|แปล|แปลและเรียบเรียง|รายงาน)โดย\s*\S|(?:ขอ)?(?:ขอบคุณ|ขอบพระคุณ)(?:ข้อมูล|ที่มา|แหล่งที่มา|ข่าว)
        |[-–—]{1,3}\s*(?:สำนักข่าว|ทีมข่าว|ศูนย์ข่าว|กองบรรณาธิการ)[^\s]{0,30}$)",
    )
});

/// Matches lines with fixed wording in press releases and on the web pages that news are copied from, such as "share".
static BOILERPLATE_LINE: LazyLock<Regex> = LazyLock::new(|| {
    compile_regex(
        r"^(?:ข่าวประชาสัมพันธ์|ข่าวแจก|ข่าวสารนิเทศ|(?:เพื่อ|สำหรับ)เผยแพร่(?:ทันที)?|(?i:press\srelease|for\simmediate\srelease)
        |(?:ข่าวที่|ข่าวประชาสัมพันธ์ที่|ฉบับที่)\s*\d+(?:\s*/\s*\d+)?
        |พิมพ์|แชร์(?:ข่าว|บทความ)?(?:นี้)?|คัดลอกลิงก์|อ่านต่อ|โฆษณา|(?i:share|print|advertisement)
        |(?:เปิด)?อ่าน(?:แล้ว)?\s*:?\s*[\d,]+\s*(?:ครั้ง|คน)|(?:จำนวน)?(?:ผู้)?(?:เข้าชม|ชม)\s*:?\s*[\d,]+\s*(?:ครั้ง|คน)?
        |[-–—\s]*จบ(?:ข่าว|บทความ)?[-–—\s]*)$",
    )
});

/// Matches a line that is a web address and nothing else.
static LINK_LINE: LazyLock<Regex> = LazyLock::new(|| compile_regex(r"^(?:https?://|www\.)\S+$"));

/// Matches a line of hashtags only.
static TAG_LINE: LazyLock<Regex> = LazyLock::new(|| compile_regex(r"^(?:\#[^\s\#]+\s*)+$"));

/// Matches the beginning of a line that credits a picture.
static CREDIT_LINE: LazyLock<Regex> = LazyLock::new(|| {
    compile_regex(
        r"^(?:(?:ขอ)?(?:ขอบคุณ|ขอบพระคุณ|เครดิต)(?:รูป)?ภาพ|(?:รูป)?ภาพ(?:ถ่าย|ข่าว|ปก|ประกอบ)?(?:จาก|โดย)|ภาพประกอบ|ภาพแฟ้ม|แฟ้มภาพ
        |(?:แหล่ง)?ที่มา(?:ของ)?(?:รูป)?ภาพ
        |(?:(?:รูป)?ภาพ(?:ถ่าย|ข่าว|ปก)?|คำบรรยายภาพ|ช่างภาพ|เครดิต|(?i:photos?|pictures?|images?|credits?|cr))\s*[:：]
        |(?i:photos?|pictures?|images?)\sby\s|(?i:cr\.\s?)\S)",
    )
});

/// Matches `โดย` or `By` with a name, and the name of a news desk.
static BYLINE_REGEX: LazyLock<Regex> =
    LazyLock::new(|| compile_regex(r"^(?:โดย|By)\s+\S+(?:\s+\S+){0,3}$|^(?:ทีมข่าว|กองบรรณาธิการ)[^\s]{0,20}$"));

/// Matches words which show that a line that begins like a byline is a sentence.
static REPORTING_VERB: LazyLock<Regex> =
    LazyLock::new(|| compile_regex("กล่าว|เปิดเผย|ระบุ|เผย|บอก|มี|เป็น|ได้|จะ|ให้|ไม่|ใช้|การ|ทำ|จาก|ซึ่ง"));

/// Whether a line consists of ornament only.
pub(super) fn is_horizontal_rule(line: &str) -> bool {
    line.chars().all(|c| {
        is_space(c) || c.is_ascii_punctuation() && !matches!(c, '!' | '?' | '%' | '$' | '"' | '\'') || {
            matches!(
                c,
                '–' | '—'
                    | '―'
                    | '…'
                    | '•'
                    | '●'
                    | '○'
                    | '◦'
                    | '▪'
                    | '■'
                    | '□'
                    | '◆'
                    | '◇'
                    | '★'
                    | '☆'
                    | '※'
                    | '·'
                    | '‧'
            ) || matches!(c, '\u{2500}'..='\u{257f}' | '๏' | '๚' | '๛' | '～' | '＊')
        }
    })
}

/// Returns the length in bytes of the quotation marks (`>`) that a mail puts before a quoted line, and of the white
/// space after them; 0 if there are none, or no text after them.
fn quote_marker_length(line: &str) -> usize {
    let rest = line.trim_start_matches(|c| c == '>' || is_space(c));
    if line.starts_with('>') && !rest.is_empty() {
        line.len() - rest.len()
    } else {
        0
    }
}

/// Returns the length in bytes of the list marker at the start of a line, and of the white space after the marker; 0 if
/// there is no marker, or no text after it.
pub(super) fn list_marker_length(line: &str) -> usize {
    const BULLET_CHARS: [char; 28] = [
        '•', '●', '○', '◦', '▪', '■', '□', '‣', '·', '→', '➡', '➤', '►', '▶', '»', '◆', '❖', '✓', '✔', '☑', '✅', '👉',
        '📌', '🔹', '🔸', '🔷', '🔶', '◾',
    ];
    let is_text = |rest: &str| rest.starts_with(|c| is_space(c) || can_begin_thai_word(c));
    let rest = match line.strip_prefix(BULLET_CHARS) {
        // A hand with a skin tone is one sign; an emoji joined to others is a word of the text.
        Some(rest) => Some(rest.trim_start_matches(['\u{fe0f}', '🏻', '🏼', '🏽', '🏾', '🏿']))
            .filter(|rest| !rest.starts_with('\u{200d}')),
        None => match line.strip_prefix(['-', '–', '—', '*']) {
            Some(rest) => Some(rest).filter(|rest| is_text(rest)),
            None => parse_item_number(line)
                .map(|(_, rest)| rest)
                .filter(|rest| is_text(rest)),
        },
    };
    match rest.map(|rest| rest.trim_start_matches(is_space)) {
        None | Some("") => 0,
        Some(text) => line.len() - text.len(),
    }
}

/// Parses the marker of a numbered item at the start of a line: `1.`, `1)`, `(1)`, `1.2`, `1️⃣`, `ก)`, `(ก)`, `ก.`,
/// `a)`. Returns its numbers and the text after it.
///
/// Letters count from 1 in the order of the alphabet. `1.5` may also be a price or a time; only the items before the
/// line tell.
pub(super) fn parse_item_number(line: &str) -> Option<(Vec<u32>, &str)> {
    let body = line.strip_prefix('(').unwrap_or(line);
    let opened = body.len() < line.len();
    let digits = |text: &str| text.chars().take_while(|&c| digit_value(c).is_some()).count();
    let mut numbers = Vec::new();
    let mut rest = body;
    loop {
        let count = digits(rest);
        if count == 0 || count > 3 {
            break;
        }
        let length: usize = rest.chars().take(count).map(char::len_utf8).sum();
        numbers.push(
            rest.chars()
                .take(count)
                .filter_map(digit_value)
                .fold(0, |sum, digit| sum * 10 + digit),
        );
        rest = &rest[length..];
        match rest.strip_prefix('.') {
            Some(inner) if digits(inner) > 0 && numbers.len() < 4 => rest = inner,
            _ => break,
        }
    }
    if numbers.is_empty() && digits(rest) == 0 {
        let mut chars = rest.chars();
        let (letter, order) = chars.next().and_then(|c| match c {
            'ก'..='ฮ' => Some((c, c as u32 - 'ก' as u32 + 1)),
            'a'..='h' => Some((c, c as u32 - 'a' as u32 + 1)),
            _ => None,
        })?;
        rest = chars.as_str();
        // Other letters with a dot are abbreviations: `จ. เชียงใหม่`.
        let dotted = !opened
            && matches!(letter, 'ก' | 'ข' | 'ค' | 'ง')
            && rest.strip_prefix('.').is_some_and(|r| r.starts_with(is_space));
        return match rest.strip_prefix(')') {
            Some(rest) => Some((vec![order], rest)),
            None => dotted.then(|| (vec![order], &rest[1..])),
        };
    }
    let keycap = rest.trim_start_matches('\u{fe0f}').strip_prefix('\u{20e3}');
    let rest = match (rest.strip_prefix(')'), keycap) {
        (Some(rest), _) | (None, Some(rest)) => rest,
        _ if opened => return None,
        _ => match rest.strip_prefix('.') {
            Some(rest) => rest,
            // `1.2` needs no further dot.
            None if numbers.len() > 1 && rest.starts_with(is_space) => rest,
            None => return None,
        },
    };
    (!numbers.is_empty()).then_some((numbers, rest))
}

/// Returns the value of a Thai or ASCII digit.
fn digit_value(c: char) -> Option<u32> {
    match c {
        '๐'..='๙' => Some(c as u32 - '๐' as u32),
        _ => c.to_digit(10),
    }
}

/// Whether a Thai word may begin with `c`: a consonant, or a vowel that is written before its consonant.
fn can_begin_thai_word(c: char) -> bool {
    matches!(c, 'ก'..='ฮ' | 'เ'..='ไ')
}

/// Whether `c` is a Thai letter, vowel or tone mark, which are written without spaces between words. Digits, `ๆ` and
/// `ฯ` do not count.
pub(super) fn is_thai(c: char) -> bool {
    matches!(c, 'ก'..='ฮ' | '\u{e30}'..='\u{e3a}' | 'เ'..='ๅ' | '\u{e47}'..='\u{e4e}')
}
