//! Closed lists of words that tell where a name, a sentence or a phrase starts.

use super::split::Line;
use std::collections::HashSet;
use std::sync::LazyLock;

/// Words that open a sentence and hardly do anything else.
static OPENERS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "อย่างไรก็ตาม อย่างไรก็ดี นอกจากนี้ นอกจากนั้น ทั้งนี้ อนึ่ง ขณะเดียวกัน ในขณะเดียวกัน ในทางกลับกัน
        ในทางตรงกันข้าม ต่อมา จากนั้น หลังจากนั้น ดังนั้น เพราะฉะนั้น ด้วยเหตุนี้ โดยทั่วไป โดยทั่วไปแล้ว กระนั้น
        ถึงกระนั้น ในที่สุด สุดท้าย สุดท้ายนี้ ล่าสุด เบื้องต้น พร้อมกันนี้ พร้อมกันนั้น ในการนี้ ในโอกาสนี้
        แม้กระนั้น"
        .split_whitespace()
        .collect()
});

/// Function words, common verbs and nouns that are no part of a name, besides the openers.
static FUNCTION: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "นอกจาก เมื่อ หลังจาก ในปี ในช่วง ในเดือน ในวัน เนื่องจาก แม้ว่า แม้ หาก ถ้า นี่ นั่น สิ่ง ข้อ สถานที่
        รัฐบาล พื้นที่ เรา มัน การ เขา เธอ พวกเขา ผม ฉัน พวกมัน นักวิทยาศาสตร์ นักวิจัย เจ้าหน้าที่ ตำรวจ ด้าน
        สำหรับ ตาม หลัง นับ ตั้งแต่ ผู้ ดัง มีการ เมือง พายุ ระหว่าง ใน ในการ มี นาย นาง นางสาว ชาว บริษัท อดีต
        คุณ นัก พวก ก่อน ขณะ ขณะที่ ส่วน ความ บาง จาก วัน งาน ปัจจุบัน กลุ่ม ระบบ แต่ ทว่า ในขณะที่ ไม่ ด้วย
        ประเทศ เรื่อง มีมติ ในฐานะ ตำบล อำเภอ จังหวัด มณฑล แขวง เขต ถนน ซอย หมู่ หมู่ที่ ณ อธิบดี รัฐมนตรี ปลัด
        ผู้อำนวยการ เลขาธิการ เลขานุการ ที่ปรึกษา โฆษก ผู้ว่าราชการ ประกอบด้วย โดย อย่าง เกิด เป็น กล่าว อีก
        ทำให้ ส่งผลให้ ก็ แต่ก็ ปี พร้อม มา เข้า ไป ยัง กำลัง และ หรือ ซึ่ง ที่ ของ คือ เช่น ได้ เพื่อ รวม รวมถึง
        รวมทั้ง จึง แห่ง จะ ถูก อยู่ อัน ให้ กับ เพราะ ได้แก่ ตลอดจน อาทิ ว่า กล่าวว่า ระบุว่า เท่านั้น ก็ได้
        เปิดเผยว่า เปิดเผย ระบุ โดยมี โดยเฉพาะ ด้วยกัน จน จนถึง จนกระทั่ง อีกทั้ง ตลอด เป็นต้น อีกด้วย เช่นกัน
        เช่นเดียวกัน ต่อไป ฯลฯ ครับ ค่ะ นะคะ นะครับ ตามลำดับ ตามลําดับ อย่างไร เลย ไว้ อีกครั้ง ก็ตาม แล้ว ที่สุด
        หรือไม่ ยาก กัน ขึ้น มากขึ้น ลง เอง ที่ผ่านมา ทั้งหมด ทั้งสิ้น ทั่วโลก นี้ นั้น มาก โลก คน อื่น เล็ก เด็ก
        วัย อายุ ช่วง เพียง รอบ ใหม่ ต่าง หลาย ทุก แต่ละ ประมาณ ราว ร้อยละ แก่ ดังนี้ มหาวิทยาลัย โรงเรียน
        โรงพยาบาล แม่น้ำ เกาะ พร้อมด้วย ถึง กว่า ต้อง ควร เคย ยอม สั่ง พบ พูด เล่า เดินทาง ประชุม ประกาศ ชี้แจง
        เผย แถลง ยืนยัน ร่วม เปิด รับ ขอ นำ เห็น ทำ ใช้ บอก ถาม ตอบ คณะ รอง ประธาน หัวหน้า นายกรัฐมนตรี กรรมการ
        กรม กระทรวง สำนัก ครั้ง จีน ไทย"
        .split_whitespace()
        .collect()
});

/// Whether a word is a function word or common verb rather than a part of a name.
pub(super) fn is_function_word(word: &str) -> bool {
    OPENERS.contains(word) || FUNCTION.contains(word)
}

/// Whether the phrase after a gap starts with words that open a sentence and hardly do anything else.
pub(super) fn opens_strongly(line: &Line, gap: usize) -> bool {
    let chunk = line.chunks[gap + 1].clone();
    let start = line.words.partition_point(|&word| word <= chunk.start);
    let ends = line.words[start..].iter().take(4).filter(|&&end| end <= chunk.end);
    ends.into_iter()
        .any(|&end| OPENERS.contains(&line.text[chunk.start..end]))
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
