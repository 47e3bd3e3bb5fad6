//! Synthetic Thai articles: any number, the same ones for the same numbers, one sentence in five a repeated one.

/// Sentences that agencies and papers put into many articles.
const BOILERPLATE: [&str; 6] = [
    "ผู้สื่อข่าวรายงานว่าเจ้าหน้าที่กำลังตรวจสอบข้อเท็จจริงอยู่",
    "ทั้งนี้ประชาชนสามารถติดตามข่าวสารเพิ่มเติมได้ที่เว็บไซต์ของหน่วยงาน",
    "หากมีความคืบหน้าจะรายงานให้ทราบต่อไป",
    "ห้ามคัดลอกหรือเผยแพร่โดยไม่ได้รับอนุญาต",
    "เจ้าหน้าที่ขอให้ผู้ใช้รถใช้ถนนขับขี่ด้วยความระมัดระวัง",
    "รัฐบาลยืนยันว่าจะดูแลประชาชนทุกกลุ่มอย่างเท่าเทียมกัน",
];

const WHO: [&str; 12] = [
    "นายกรัฐมนตรี",
    "ผู้ว่าราชการจังหวัด",
    "กรมอุตุนิยมวิทยา",
    "สมาคมฟุตบอล",
    "ธนาคารแห่งประเทศไทย",
    "ชาวประมงในพื้นที่",
    "นักเรียนชั้นมัธยม",
    "ตำรวจทางหลวง",
    "แพทย์ประจำโรงพยาบาล",
    "กลุ่มเกษตรกร",
    "คณะกรรมการการเลือกตั้ง",
    "นักวิจัยจากมหาวิทยาลัย",
];
const DOES: [&str; 10] = [
    "เปิดเผยว่าได้จัดสรรงบประมาณ",
    "ประกาศเตือนเรื่องน้ำท่วม",
    "เดินทางไปตรวจเยี่ยมโครงการ",
    "ลงนามในบันทึกความเข้าใจ",
    "เรียกร้องให้ช่วยเหลือเร่งด่วน",
    "พบหลักฐานใหม่เกี่ยวกับคดี",
    "จัดงานเทศกาลประจำปี",
    "ปรับขึ้นราคาสินค้า",
    "ฝึกซ้อมก่อนการแข่งขัน",
    "รับมอบเครื่องมือแพทย์",
];
const WHERE: [&str; 12] = [
    "ที่กรุงเทพมหานคร",
    "ในจังหวัดเชียงใหม่",
    "ทางภาคใต้ตอนล่าง",
    "บริเวณริมแม่น้ำโขง",
    "ที่อำเภอหาดใหญ่",
    "ในนครราชสีมา",
    "บนเกาะสมุย",
    "ที่สนามราชมังคลา",
    "ในเขตเศรษฐกิจพิเศษ",
    "ใกล้ชายแดนแม่สอด",
    "ในพื้นที่อุบลราชธานี",
    "ที่เมืองพัทยา",
];
const WHEN: [&str; 8] = [
    "เมื่อวานนี้",
    "ในช่วงเช้า",
    "ตั้งแต่วันจันทร์",
    "ก่อนสิ้นเดือนนี้",
    "หลังฝนตกหนัก",
    "ตลอดทั้งสัปดาห์",
    "ในปีงบประมาณใหม่",
    "ระหว่างการประชุม",
];
const MONTHS: [&str; 4] = ["มกราคม", "เมษายน", "สิงหาคม", "พฤศจิกายน"];

/// Numbers without a pattern that a reader would see, the same for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

/// The plain text of article `number` in its `edition`: a title, a date line and about eight sentences in three paragraphs.
/// Another edition differs in its last sentence.
pub fn article(number: usize, edition: usize) -> String {
    let mut dice = Dice(number as u64);
    let dice = &mut dice;
    let mut text = format!("{}{}{}\n\n", dice.of(&WHO), dice.of(&DOES), dice.of(&WHERE));
    text += &format!(
        "{} {} 25{}\n\n",
        dice.below(28) + 1,
        dice.of(&MONTHS),
        50 + dice.below(18)
    );
    for paragraph in 0..3 {
        let mut sentences: Vec<String> = Vec::new();
        for _ in 0..2 + paragraph % 2 {
            sentences.push(match dice.below(4) {
                0 => dice.of(&BOILERPLATE).to_owned(),
                _ => format!(
                    "{}{}{}{} จำนวน {} ครั้ง",
                    dice.of(&WHO),
                    dice.of(&DOES),
                    dice.of(&WHERE),
                    dice.of(&WHEN),
                    dice.below(90_000) + 2
                ),
            });
        }
        text += &(sentences.join(" ") + "\n\n");
    }
    text + &format!("{}กล่าวปิดท้ายครั้งที่ {edition} ของข่าว {number}\n", dice.of(&WHO))
}

/// Where article `number` stands below the archive's directory: a hundred to a directory.
pub fn place(number: usize) -> String {
    format!("{:03}/{number:05}.txt", number / 100)
}
