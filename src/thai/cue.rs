//! Cues: how much the words, lengths and marks around a space speak for a sentence boundary there.
//!
//! The score of a place is a sum of hand-set weights in natural log-odds, rounded to halves; positive speaks for a cut.
//! They were set with FLORES dev and UD Thai-PUD in view.

use super::rule;
use super::split::Line;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The score of a place where nothing speaks for or against a boundary.
const BIAS: f32 = -1.0;
/// The score added after sentence-ending Latin punctuation.
const STOP: f32 = 12.0;
/// The score added before an item of an enumeration.
const ITEM: f32 = 5.0;
/// The score added before the last but one phrase of a list, and the characters that such a phrase has at most.
const LIST: f32 = -1.5;
const LISTED: usize = 40;
/// Words before the last phrase of a list.
const JOINS: &[&str] = &["และ", "หรือ", "ตลอดจน"];

type Table = LazyLock<HashMap<&'static str, f32>>;

fn table(rows: &[(f32, &'static str)]) -> HashMap<&'static str, f32> {
    rows.iter()
        .flat_map(|&(weight, words)| words.split_whitespace().map(move |word| (word, weight)))
        .collect()
}

/// Last words of the left phrase.
static LAST: Table = LazyLock::new(|| {
    table(&[
        (
            2.5,
            "อีกด้วย เช่นกัน เช่นเดียวกัน ต่อไป เป็นต้น ฯลฯ ครับ ค่ะ นะคะ นะครับ ตามลำดับ ตามลําดับ",
        ),
        (1.5, "ด้วย กล่าว ได้ อย่างไร เลย ไว้ อีกครั้ง ก็ตาม แล้ว เท่านั้น ที่สุด หรือไม่ ยาก"),
        (1.0, "กัน ขึ้น ไป มา มากขึ้น ลง อยู่ เอง มัน พวกเขา ที่ผ่านมา ทั้งหมด ทั้งสิ้น ทั่วโลก"),
        (0.5, "นี้ นั้น มาก โลก เขา คน ประเทศ อีก"),
        (-1.5, "อื่น เล็ก เด็ก วัย อายุ ช่วง เพียง รอบ ใหม่ ต่าง หลาย บาง ทุก แต่ละ ผู้ นัก ชาว"),
        (
            -4.0,
            "ที่ ว่า กล่าวว่า ระบุว่า คือ ของ และ หรือ กับ ใน เช่น ได้แก่ ประมาณ ราว จาก ณ โดย เป็น เพื่อ ซึ่ง ร้อยละ ระหว่าง แก่ แห่ง แต่ เมื่อ หาก ถ้า ส่วน ให้ ด้าน อาทิ รวมถึง ตั้งแต่ จนถึง โดยเฉพาะ สำหรับ เนื่องจาก เพราะ ดังนี้ ไม่",
        ),
        (
            -2.0,
            "บริษัท จังหวัด อำเภอ ตำบล ถนน มหาวิทยาลัย โรงเรียน โรงพยาบาล เมือง แม่น้ำ เกาะ ประกอบด้วย พร้อมด้วย เปิดเผย",
        ),
        (-1.0, "มี ถึง ปี กว่า วัน"),
    ])
});

/// First words of the right phrase.
static FIRST: Table = LazyLock::new(|| {
    table(&[
        (
            5.0,
            "อย่างไรก็ตาม อย่างไรก็ดี นอกจากนี้ นอกจากนั้น ทั้งนี้ อนึ่ง ขณะเดียวกัน ในขณะเดียวกัน ในทางกลับกัน ในทางตรงกันข้าม ต่อมา จากนั้น หลังจากนั้น ดังนั้น เพราะฉะนั้น ด้วยเหตุนี้ โดยทั่วไป โดยทั่วไปแล้ว กระนั้น ถึงกระนั้น ในที่สุด สุดท้าย สุดท้ายนี้ ล่าสุด เบื้องต้น พร้อมกันนี้ พร้อมกันนั้น ในการนี้ ในโอกาสนี้ แม้กระนั้น",
        ),
        (
            3.5,
            "นอกจาก เมื่อ หลังจาก ในปี ในช่วง ในเดือน ในวัน เนื่องจาก แม้ว่า แม้ หาก ถ้า นี่ นั่น สิ่ง ข้อ สถานที่ รัฐบาล พื้นที่ เรา มัน",
        ),
        (
            2.5,
            "การ เขา เธอ พวกเขา ผม ฉัน พวกมัน นักวิทยาศาสตร์ นักวิจัย เจ้าหน้าที่ ตำรวจ ด้าน สำหรับ ตาม หลัง นับ ตั้งแต่ ผู้ ดัง มีการ เมือง พายุ ระหว่าง",
        ),
        (
            1.5,
            "ใน ในการ มี นาย นาง นางสาว ชาว บริษัท อดีต คุณ นัก พวก ก่อน ขณะ ขณะที่ ส่วน ความ บาง จาก วัน งาน ปัจจุบัน กลุ่ม ระบบ",
        ),
        (0.5, "แต่ ทว่า ในขณะที่ ไม่ ด้วย ประเทศ เรื่อง นาง"),
        (
            -2.0,
            "มีมติ ในฐานะ ตำบล อำเภอ จังหวัด มณฑล แขวง เขต ถนน ซอย หมู่ หมู่ที่ ณ อธิบดี รัฐมนตรี ปลัด ผู้อำนวยการ เลขาธิการ เลขานุการ ที่ปรึกษา โฆษก ผู้ว่าราชการ ประกอบด้วย",
        ),
        (
            -1.5,
            "โดย อย่าง เกิด เป็น กล่าว อีก ทำให้ ส่งผลให้ ก็ แต่ก็ ปี พร้อม มา เข้า ไป ยัง กำลัง",
        ),
        (
            -3.0,
            "และ หรือ ซึ่ง ที่ ของ คือ เช่น ได้ เพื่อ รวม รวมถึง รวมทั้ง จึง แห่ง จะ ถูก อยู่ อัน ให้ กับ เพราะ ได้แก่ ตลอดจน อาทิ ว่า กล่าวว่า ระบุว่า เท่านั้น ก็ได้ เปิดเผยว่า เปิดเผย ระบุ โดยมี โดยเฉพาะ ด้วยกัน จน จนถึง จนกระทั่ง อีกทั้ง ตลอด เป็นต้น",
        ),
    ])
});

/// The score of the gap between two phrases.
pub(super) fn score(line: &Line, gap: usize) -> f32 {
    let (left, right) = (line.chunk(gap), line.chunk(gap + 1));
    let mut score = BIAS + before(line, gap) + after(line, gap) + length(left);
    if rule::ends_sentence(line, gap) {
        score += STOP;
    }
    score += if rule::starts_item(right) { ITEM } else { length(right) };
    // A short phrase before a conjunction is the last but one of a list.
    if gap + 1 < line.gaps()
        && right.chars().nth(LISTED).is_none()
        && JOINS.iter().any(|join| line.chunk(gap + 2).starts_with(join))
    {
        score += LIST;
    }
    // A phrase that is nothing but an opener belongs to what follows.
    if line.words_in(gap) <= 4 && FIRST.get(left).is_some_and(|&weight| weight > 1.0) {
        score -= 4.0;
    }
    score + marks(left, right)
}

/// The weight of the longest known ending of the phrase before a gap.
fn before(line: &Line, gap: usize) -> f32 {
    let chunk = line.chunks[gap].clone();
    let end = line.words.partition_point(|&word| word < chunk.end);
    (1..=4)
        .rev()
        .filter_map(|words| line.words.get(end.checked_sub(words)?))
        .filter(|&&at| at >= chunk.start)
        .find_map(|&at| LAST.get(&line.text[at..chunk.end]).copied())
        .unwrap_or(0.0)
}

/// The weight of the longest known beginning of the phrase after a gap.
fn after(line: &Line, gap: usize) -> f32 {
    let chunk = line.chunks[gap + 1].clone();
    let start = line.words.partition_point(|&word| word <= chunk.start);
    (0..4)
        .rev()
        .filter_map(|words| line.words.get(start + words))
        .filter(|&&at| at <= chunk.end)
        .find_map(|&at| FIRST.get(&line.text[chunk.start..at]).copied())
        .unwrap_or(0.0)
}

/// Long phrases have boundaries at their ends, short ones are parts of a list or of a name.
fn length(phrase: &str) -> f32 {
    match phrase.chars().take(60).count() {
        0..=5 => -1.5,
        6..=11 => -0.5,
        12..=24 => 0.0,
        25..=44 => 0.5,
        _ => 1.0,
    }
}

/// Punctuation and script next to the gap.
fn marks(left: &str, right: &str) -> f32 {
    let (Some(last), Some(first)) = (left.chars().next_back(), right.chars().next()) else {
        return 0.0;
    };
    let mut score = match last {
        ':' => -4.0,
        ';' => 0.5,
        'ๆ' => -0.5,
        '%' => -1.0,
        _ if rule::is_digit(last) => -0.5,
        _ if last.is_ascii_alphabetic() => -1.0,
        _ => 0.0,
    };
    score += match first {
        '(' | '[' => -4.0,
        '"' | '\'' | '‘' => -2.0,
        _ if first.is_ascii_alphabetic() => -1.0,
        _ => 0.0,
    };
    // Two transliterated words in a row are a foreign name.
    let silent = |c: char| c == '์';
    if left.chars().rev().take(10).any(silent) && right.chars().take(10).any(silent) {
        score -= 1.0;
    }
    score
}

/// How well a cut inside an unspaced run stands before this word; 0 for most words.
pub(super) fn word_score(word: &str) -> f32 {
    match word {
        "และ" | "หรือ" | "ซึ่ง" | "โดย" | "แต่" | "เพื่อ" | "เมื่อ" | "เพราะ" | "เนื่องจาก" | "หาก" | "ทั้งนี้" | "จึง" | "ขณะ" => {
            4.0
        }
        "ที่" | "ใน" | "จาก" | "ของ" | "ให้" | "กับ" | "ด้วย" | "ได้" | "จะ" => {
            2.0
        }
        _ => 0.0,
    }
}
