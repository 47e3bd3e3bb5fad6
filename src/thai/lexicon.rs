//! Closed lists of Thai and Latin forms that the splitting rules look for: abbreviations, titles, months, units.

use std::collections::HashSet;
use std::sync::LazyLock;

fn set(words: &'static str) -> HashSet<&'static str> {
    words.split_whitespace().collect()
}

/// Abbreviated titles, ranks and offices, which stand before a name. No sentence ends after one.
pub static PERSONAL: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    set("ดร. ผศ. รศ. ศ. นพ. พญ. ทพ. ทพญ. ภก. ภญ. สพ.ญ. น.ส. ด.ช. ด.ญ. ม.ร.ว. ม.ล. ม.จ. ท.ญ. น.พ. พ.ญ.
        ผศ.ดร. รศ.ดร. ศ.ดร. ศ.นพ. รศ.นพ. ผศ.นพ. อ.ดร. ดร.นพ. ปธน. รปธน. นรม. รนรม. รมว. รมช. รมต. สส. สว. ส.ส. ส.ว. ส.ก. ส.จ.
        พล.อ. พล.ท. พล.ต. พล.จ. พล.ร.อ. พล.ร.ท. พล.ร.ต. พล.อ.อ. พล.อ.ท. พล.อ.ต. พล.ต.อ. พล.ต.ท. พล.ต.ต. พ.อ. พ.ท. พ.ต. ร.อ. ร.ท. ร.ต.
        พ.ต.อ. พ.ต.ท. พ.ต.ต. ร.ต.อ. ร.ต.ท. ร.ต.ต. ด.ต. จ.ส.อ. จ.ส.ท. จ.ส.ต. ส.อ. ส.ท. ส.ต. ส.ต.อ. ส.ต.ท. ส.ต.ต. น.อ. น.ท. น.ต.
        ผบ. ผบ.ตร. ผบ.ทบ. ผบ.ทร. ผบ.ทอ. ผบ.ทสส. ผบช. ผบช.น. ผบก. ผกก. ผอ. ผวจ. ผจก. ผช. ผญบ. เสธ. มทภ.")
});

/// Other abbreviations that stand before what they belong to: eras, places, firms, references.
pub static LEADING: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    set(
        "พ.ศ. ค.ศ. จ.ศ. ร.ศ. ม.ศ. ฮ.ศ. อ. จ. ต. ถ. ซ. ม. ว. บ. ฉ. พ.ร.บ. พ.ร.ก. พ.ร.ฎ. รธน. โทร. เบอร์โทร.
        บจ. บจก. บมจ. หจก. ร.ร. รร. รพ. รพ.สต. สน. สภ. สนง.",
    )
});

/// Abbreviations with vowel signs, which the pattern for unknown ones (consonants only) does not cover, and the usual
/// short ones glued to what they follow.
pub static TRAILING: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    set("ม.ค. ก.พ. มี.ค. เม.ย. พ.ค. มิ.ย. ก.ค. ส.ค. ก.ย. ต.ค. พ.ย. ธ.ค. กทม. น. กม. ซม. มม. กก. มก. ก.ก. ก.ม. ซ.ม. ม.ม. มล. ตร.ม. ตร.กม. ตร.ว.
        ตร.ซม. ลบ.ม. ชม. วิ. อบต. อบจ. ศบค. สธ. กกต. ปชป. สปสช. ธปท. ตลท. กนง. ครม. สนช. คสช. ป.ป.ช. ป.ป.ส. ก.ล.ต. จว. ทส. วธ. ศธ. พม. กห. กต. คค. ดศ. อว. พณ. มท. ยธ. รง. พน. กษ. ศก. ดีอี.")
});

/// Latin letters by their Thai names, as in the initials of foreign names: `จอร์จ ดับเบิลยู. บุช`.
pub static LETTERS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    set("เอ. บี. ซี. ดี. อี. เอฟ. จี. เอช. ไอ. เจ. เค. แอล. เอ็ม. เอ็น. โอ. พี. คิว. อาร์. เอส. ที. ยู. วี. ดับเบิลยู. เอ็กซ์. วาย. แซด.")
});

/// Latin abbreviations that do not end a sentence, in lower case without the last dot.
pub static LATIN_ABBREVIATIONS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    set("mr mrs ms dr prof st jr sr gen col lt sgt capt rev hon gov sen rep no vol fig vs etc inc ltd co corp bros dept univ approx est
        jan feb mar apr jun jul aug sep sept oct nov dec e.g i.e u.s u.k u.n a.m p.m ph.d b.c a.d op cf pp ed eds al")
});

/// Words before a name that need no dot.
pub static TITLES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    set("นาย นาง นางสาว เด็กชาย เด็กหญิง พลเอก พลโท พลตรี พลจัตวา พันเอก พันโท พันตรี ร้อยเอก ร้อยโท ร้อยตรี พลเรือเอก พลเรือโท พลเรือตรี พลอากาศเอก พลอากาศโท
        พลอากาศตรี พลตำรวจเอก พลตำรวจโท พลตำรวจตรี พันตำรวจเอก พันตำรวจโท พันตำรวจตรี ร้อยตำรวจเอก ร้อยตำรวจโท ร้อยตำรวจตรี ดาบตำรวจ ดอกเตอร์ ศาสตราจารย์
        รองศาสตราจารย์ ผู้ช่วยศาสตราจารย์ นายแพทย์ แพทย์หญิง ทันตแพทย์ เภสัชกร หม่อมหลวง หม่อมราชวงศ์ หม่อมเจ้า คุณหญิง ท่านผู้หญิง มิสเตอร์ เซอร์ ประธานาธิบดี
        นายกรัฐมนตรี วุฒิสมาชิก นายกฯ ผู้ว่าฯ สมเด็จ หลวงพ่อ หลวงปู่ พระครู เลดี้ เคานต์ ดยุก")
});

/// Months, whole and abbreviated, with and without the dot.
pub static MONTHS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    "มกราคม กุมภาพันธ์ มีนาคม เมษายน พฤษภาคม มิถุนายน กรกฎาคม สิงหาคม กันยายน ตุลาคม พฤศจิกายน ธันวาคม
        ม.ค. ก.พ. มี.ค. เม.ย. พ.ค. มิ.ย. ก.ค. ส.ค. ก.ย. ต.ค. พ.ย. ธ.ค. มกรา กุมภา มีนา เมษา พฤษภา มิถุนา กรกฎา สิงหา กันยา ตุลา พฤศจิกา ธันวา"
        .split_whitespace()
        .collect()
});

/// Days of the week, with and without วัน.
pub const WEEKDAYS: &[&str] = &["จันทร์", "อังคาร", "พุธ", "พฤหัสบดี", "พฤหัส", "ศุกร์", "เสาร์", "อาทิตย์"];

/// Eras, written before the year's number.
pub const ERAS: &[&str] = &["พ.ศ.", "ค.ศ.", "จ.ศ.", "ร.ศ.", "ฮ.ศ.", "พุทธศักราช", "คริสต์ศักราช"];

/// Powers of ten in words; a unit after one belongs to it.
pub const SCALES: &[&str] = &["สิบ", "ร้อย", "พัน", "หมื่น", "แสน", "ล้าน"];

/// Words that, before a number, say that something is counted.
pub const COUNTING: &[&str] = &[
    "กับ",
    "มี",
    "อีก",
    "ทั้ง",
    "เพียง",
    "กว่า",
    "ประมาณ",
    "ราว",
    "จำนวน",
    "รวม",
    "เกือบ",
];

/// Words that tell the time of day after a number.
pub const HOURS: &[&str] = &["น.", "นาฬิกา", "โมง", "ทุ่ม", "a.m", "p.m", "AM", "PM"];

/// Units, classifiers and scales that follow a number; a match is by the start of what follows.
pub static UNITS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    "สิบ ร้อย พัน หมื่น แสน ล้าน คน ราย ท่าน รูป องค์ ตัว เชือก อัน ชิ้น เล่ม ฉบับ แผ่น ใบ หน้า บท ข้อ มาตรา วรรค ฝ่าย กลุ่ม คณะ ทีม พรรค เสียง คะแนน ที่นั่ง
        ปี เดือน สัปดาห์ วัน ชั่วโมง ชม นาที วินาที ศตวรรษ ทศวรรษ ค่ำ คืน รอบ ครั้ง หน เท่า ส่วน ระดับ ขั้น ชั้น ลำดับ อันดับ ประการ เรื่อง กรณี คดี โครงการ รายการ แห่ง จุด
        บาท สตางค์ ดอลลาร์ เหรียญ ยูโร ปอนด์ เยน หยวน วอน รูปี รูเบิล รูเปียห์ ริงกิต กีบ จ๊าด ดอง ฟรังก์ เซนต์ เปอร์เซ็นต์ เปอร์เซนต์ จุดเปอร์เซ็นต์ จุดทศนิยม เปอร์เซ็น
        กิโลเมตร กิโล เมตร เซนติเมตร มิลลิเมตร ไมล์ ฟุต นิ้ว หลา ตาราง ลูกบาศก์ ไร่ งาน เอเคอร์ เฮกตาร์ กรัม กิโลกรัม มิลลิกรัม ไมโครกรัม ตัน ออนซ์ ลิตร มิลลิลิตร ซีซี แกลลอน บาร์เรล
        องศา วัตต์ กิโลวัตต์ เมกะวัตต์ โวลต์ แอมป์ เฮิรตซ์ เฮิร์ตซ์ แคลอรี กิโลแคลอรี เมกะไบต์ กิกะไบต์ เทราไบต์ ไบต์ บิต พิกเซล นอต ปีแสง ริกเตอร์ แมกนิจูด
        คัน ลำ ขบวน เที่ยว สาย เส้น ต้น ดอก ผล ลูก เม็ด ก้อน หยด ขวด กระป๋อง กล่อง ถุง กระสอบ ซอง ห่อ แพ็ก มัด คู่ ชุด โหล ถ้วย แก้ว จาน ช้อน หลัง ห้อง อาคาร หลังคาเรือน ครัวเรือน
        ครอบครัว หมู่บ้าน ตำบล อำเภอ จังหวัด ประเทศ รัฐ เมือง สาขา บริษัท โรง แปลง ป้าย เครื่อง กระบอก นัด ดวง วง เพลง ตอน ภาค เกม เซต ประตู ลูก สมัย รุ่น
        กม ซม มม กก มก มล ตร ลบ ม. ก. ล."
        .split_whitespace()
        .collect()
});
