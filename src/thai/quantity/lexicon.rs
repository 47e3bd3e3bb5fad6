//! The words, in Thai and in English, that numbers, money, times and dates are made of.

use aho_corasick::{AhoCorasick, Anchored, Input, MatchKind, StartKind};
use std::collections::HashMap;
use std::sync::LazyLock;

/// What a token means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A number in digits.
    Numeral(super::token::Numeral),
    /// Digits that are no number: versions, more digits than any amount has.
    Code,
    /// A number below a hundred, in words.
    Small(u64),
    /// A word that multiplies what is before it: hundred, ล้าน.
    Scale(u64),
    /// The same, written as letters after digits: `5k`, `2bn`.
    Letter(u64),
    /// A scale that is counted itself: thousands.
    Plural(u64),
    /// หลาย, several: many of the scale that follows.
    Several,
    /// An ordinal in words.
    Nth(u64),
    /// A decade in words.
    Tens(i32),
    /// What a whole is divided into: quarters. The number stands before it.
    Part(u64),
    Half,
    /// จุด, point: decimals in words follow.
    Point,
    /// กว่า, เศษ: between a number and its scale, or after it.
    More,
    Percent,
    /// Percentage points, of this many in one.
    Points(u64),
    /// ร้อยละ, before its number.
    PerHundred,
    /// ISO 4217 code.
    Currency(&'static str),
    Month(u8, Form),
    /// From 1, Monday. False where the word alone means something else.
    Weekday(u8, bool),
    /// What to add to a year of this era to have one of the common era.
    Era(i32),
    /// Before the common era.
    Bce,
    Hour(Hour),
    /// A word which only looks like a number.
    Not,
    /// A word to be told by its text, or any other.
    Word,
    Symbol(char),
    Break,
}

/// How a month is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In full, and no other word.
    Full,
    /// In full or in short, but the word may be another: it needs a day, a year or a preposition beside it.
    Short,
    /// As people say it, without its ending.
    Spoken,
}

/// Words that tell the time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hour {
    /// น., นาฬิกา, hours: on the clock of 24 hours.
    Clock,
    /// โมง, o'clock.
    Oclock,
    /// ตี: hours after midnight, which follow.
    Night,
    /// ทุ่ม: hours after 18:00.
    Evening,
    /// บ่าย, p.m.
    Afternoon,
    /// เช้า, a.m.
    Morning,
    /// เย็น.
    Dusk,
    /// An hour with a name of its own: เที่ยง, midnight.
    Named(u8),
}

use Form::{Full, Short, Spoken};
use Hour::{Afternoon, Clock, Dusk, Evening, Morning, Named, Night, Oclock};
use Kind::{
    Bce, Currency, Era, Half, Hour as At, Letter, Month, More, Not, Nth, Part, PerHundred, Percent, Plural, Point,
    Points, Scale, Several, Small, Tens, Weekday, Word,
};

/// Years of the Buddhist era are ahead of the common era's by this.
pub const BUDDHIST: i32 = 543;

const THAI: &[(Kind, &str)] = &[
    (Small(0), "ศูนย์จุด ศูนย์องศา"),
    (Small(1), "หนึ่ง นึง เอ็ด"),
    (Small(2), "สอง ยี่"),
    (Small(3), "สาม"),
    (Small(4), "สี่"),
    (Small(5), "ห้า"),
    (Small(6), "หก"),
    (Small(7), "เจ็ด"),
    (Small(8), "แปด"),
    (Small(9), "เก้า"),
    (Scale(10), "สิบ"),
    (Scale(12), "โหล"),
    (Scale(100), "ร้อย"),
    (Scale(1_000), "พัน"),
    (Scale(10_000), "หมื่น"),
    (Scale(100_000), "แสน"),
    (Scale(1_000_000), "ล้าน ลบ."),
    (Scale(100_000_000), "ร้อยล."),
    (Scale(1_000_000_000), "พันล."),
    (Scale(10_000_000_000), "หมื่นล."),
    (Scale(100_000_000_000), "แสนล."),
    (Several, "หลาย นับ เป็น"),
    (Half, "ครึ่ง ครึ่งหนึ่ง"),
    (Point, "จุด"),
    (More, "กว่า เศษ"),
    (Percent, "เปอร์เซ็นต์ เปอร์เซนต์ เปอร์เซ็น เปอเซ็น เปอร์เซ็นท์"),
    (Points(1), "จุดเปอร์เซ็นต์ จุดเปอร์เซนต์ จุดร้อยละ เปอร์เซ็นต์พอยต์"),
    (Points(100), "เบสิสพอยต์ เบซิสพอยต์ จุดพื้นฐาน"),
    (PerHundred, "ร้อยละ"),
    (Currency("THB"), "บาท บ."),
    (Currency("USD"), "ดอลลาร์ ดอลล่าร์ ดอลลาร์สหรัฐ ดอลลาร์สหรัฐฯ ดอลล่าร์สหรัฐ ดอลล่าร์สหรัฐฯ เหรียญสหรัฐ เหรียญสหรัฐฯ เหรียญดอลลาร์"),
    (Currency("SGD"), "ดอลลาร์สิงคโปร์ เหรียญสิงคโปร์"),
    (Currency("AUD"), "ดอลลาร์ออสเตรเลีย"),
    (Currency("CAD"), "ดอลลาร์แคนาดา"),
    (Currency("HKD"), "ดอลลาร์ฮ่องกง"),
    (Currency("NZD"), "ดอลลาร์นิวซีแลนด์"),
    (Currency("TWD"), "ดอลลาร์ไต้หวัน"),
    (Currency("CNY"), "หยวน"),
    (Currency("EUR"), "ยูโร"),
    (Currency("GBP"), "ปอนด์ ปอนด์สเตอร์ลิง"),
    (Currency("JPY"), "เยน"),
    (Currency("KRW"), "วอน"),
    (Currency("INR"), "รูปี"),
    (Currency("RUB"), "รูเบิล"),
    (Currency("IDR"), "รูเปียห์"),
    (Currency("MYR"), "ริงกิต"),
    (Currency("LAK"), "กีบ"),
    (Currency("MMK"), "จ๊าด จ๊าต"),
    (Currency("VND"), "ดอง ด่อง"),
    (Currency("PHP"), "เปโซ"),
    (Currency("CHF"), "ฟรังก์ ฟรังก์สวิส"),
    (Month(1, Full), "มกราคม"),
    (Month(2, Full), "กุมภาพันธ์"),
    (Month(3, Full), "มีนาคม"),
    (Month(4, Full), "เมษายน"),
    (Month(5, Full), "พฤษภาคม"),
    (Month(6, Full), "มิถุนายน"),
    (Month(7, Full), "กรกฎาคม กรกฏาคม"),
    (Month(8, Full), "สิงหาคม"),
    (Month(9, Full), "กันยายน"),
    (Month(10, Full), "ตุลาคม"),
    (Month(11, Full), "พฤศจิกายน"),
    (Month(12, Full), "ธันวาคม"),
    (Month(1, Short), "ม.ค. มค. ม.ค"),
    (Month(2, Short), "ก.พ. กพ. ก.พ"),
    (Month(3, Short), "มี.ค. มีค. มี.ค"),
    (Month(4, Short), "เม.ย. เมย. เม.ย"),
    (Month(5, Short), "พ.ค. พค. พ.ค"),
    (Month(6, Short), "มิ.ย. มิย. มิ.ย"),
    (Month(7, Short), "ก.ค. กค. ก.ค"),
    (Month(8, Short), "ส.ค. สค. ส.ค"),
    (Month(9, Short), "ก.ย. กย. ก.ย"),
    (Month(10, Short), "ต.ค. ตค. ต.ค"),
    (Month(11, Short), "พ.ย. พย. พ.ย"),
    (Month(12, Short), "ธ.ค. ธค. ธ.ค"),
    (Month(1, Spoken), "มกรา"),
    (Month(2, Spoken), "กุมภา"),
    (Month(3, Spoken), "มีนา"),
    (Month(4, Spoken), "เมษา"),
    (Month(5, Spoken), "พฤษภา"),
    (Month(6, Spoken), "มิถุนา"),
    (Month(7, Spoken), "กรกฎา"),
    (Month(8, Spoken), "สิงหา"),
    (Month(9, Spoken), "กันยา"),
    (Month(10, Spoken), "ตุลา"),
    (Month(11, Spoken), "พฤศจิกา"),
    (Month(12, Spoken), "ธันวา"),
    (Weekday(1, true), "วันจันทร์"),
    (Weekday(2, true), "วันอังคาร"),
    (Weekday(3, true), "วันพุธ"),
    (Weekday(4, true), "วันพฤหัสบดี วันพฤหัส วันพฤหัสฯ"),
    (Weekday(5, true), "วันศุกร์"),
    (Weekday(6, true), "วันเสาร์"),
    (Weekday(7, true), "วันอาทิตย์"),
    (Weekday(1, false), "จันทร์"),
    (Weekday(2, false), "อังคาร"),
    (Weekday(3, false), "พุธ"),
    (Weekday(4, false), "พฤหัสบดี พฤหัส"),
    (Weekday(5, false), "ศุกร์"),
    (Weekday(6, false), "เสาร์"),
    (Weekday(7, false), "อาทิตย์"),
    (Era(-BUDDHIST), "พ.ศ. พศ. พ.ศ พุทธศักราช"),
    (Era(0), "ค.ศ. คศ. ค.ศ คริสต์ศักราช คริสตศักราช"),
    (Era(1781), "ร.ศ. รัตนโกสินทร์ศก"),
    (Era(638), "จ.ศ. จุลศักราช"),
    (Bce, "ก่อนคริสตกาล ก่อนคริสต์กาล ก่อนคริสต์ศักราช ก่อนคริสตศักราช ปีก่อนคริสตกาล ปีก่อนคริสต์กาล ปีก่อนคริสต์ศักราช ปีก่อนคริสตศักราช"),
    (At(Clock), "น. นาฬิกา"),
    (At(Oclock), "โมง"),
    (At(Night), "ตี"),
    (At(Evening), "ทุ่ม"),
    (At(Afternoon), "บ่าย"),
    (At(Morning), "เช้า"),
    (At(Dusk), "เย็น"),
    (At(Named(0)), "เที่ยงคืน สองยาม"),
    (At(Named(12)), "เที่ยง เที่ยงวัน"),
    (Word, "ถึง และ กับ ใน ส่วน ต่อ ที่ ปี วันที่ เดือน ทศวรรษ ทศวรรษที่ ยุค นาที ระหว่าง จาก โควิด"),
    // Other words, ranks, shapes, places and names.
    (Not, "ลบ.ม. ร้อยเอ็ด ร้อยเอก ร้อยโท ร้อยตรี ร้อยตำรวจ ร้อยแก้ว ร้อยกรอง ร้อยเรียง ร้อยไหม ร้อยมาลัย ร้อยพวงมาลัย
        พันเอก พันโท พันตรี พันจ่า พันตำรวจ พันธุ์ พันธ์ พันทิป พันธนาการ พันธมิตร พันธกิจ พันธบัตร พันธะ พันลึก พันลำ พันผ้า พันแผล พันคอ พันรอบ พันข้อมือ พันข้อเท้า พันด้วย พันแข้งพันขา
        สิบเอก สิบโท สิบตรี สิบตำรวจ สิบล้อ หกล้อ หกล้ม หกคะเมน หกเลอะ สิบสองปันนา
        แสนสาหัส แสนสิริ แสนยานุภาพ แสนรู้ แสนดี แสนนาน แสนไกล แสนเข็ญ แสนสุข แสนงอน แสนแสบ แสนสำราญ แสนปาล์ม แสนคม แสนชัย แสนภู แสนตอ
        หมื่นไวยวรนาถ หมื่นหาญ หมื่นสุนทร ล้านนา ล้านช้าง หัวล้าน หนึ่งเดียว เป็นหนึ่งเดียว เอ็ดตะโร
        สามเหลี่ยม สี่เหลี่ยม ห้าเหลี่ยม หกเหลี่ยม แปดเหลี่ยม สามแยก สี่แยก ห้าแยก สามล้อ สองแถว สามก๊ก สามย่าน สามพราน สามโคก สามเสน สามชุก สามพระยา สามัญ สี่พระยา แปดริ้ว
        คลองหนึ่ง คลองสอง คลองสาม คลองสี่ คลองห้า คลองหก คลองเจ็ด คลองแปด คลองเก้า คลองสิบ ห้าแถว เก้าอี้ แปดเปื้อน สองจิตสองใจ หนึ่งใจ ครึ่งแรก ครึ่งหลัง ครึ่งเวลา ครึ่งทาง ครึ่งปีแรก ครึ่งปีหลัง ครึ่งเดือนแรก ครึ่งเดือนหลัง ครึ่งๆ ครึ่งวงกลม ครึ่งเสี้ยว ครึ่งซีก
        เที่ยงธรรม เที่ยงตรง เที่ยงแท้ ตีพิมพ์ ตีความ ส.ค.ส. ศูนย์ ใต้หวัน เศษเหล็ก เศษอาหาร เศษผ้า บาทหลวง บาทวิถี"),
];

const LATIN: &[(Kind, &str)] = &[
    (Small(0), "zero"),
    (Small(1), "one"),
    (Small(2), "two"),
    (Small(3), "three"),
    (Small(4), "four"),
    (Small(5), "five"),
    (Small(6), "six"),
    (Small(7), "seven"),
    (Small(8), "eight"),
    (Small(9), "nine"),
    (Small(10), "ten"),
    (Small(11), "eleven"),
    (Small(12), "twelve"),
    (Small(13), "thirteen"),
    (Small(14), "fourteen"),
    (Small(15), "fifteen"),
    (Small(16), "sixteen"),
    (Small(17), "seventeen"),
    (Small(18), "eighteen"),
    (Small(19), "nineteen"),
    (Small(20), "twenty"),
    (Small(30), "thirty"),
    (Small(40), "forty fourty"),
    (Small(50), "fifty"),
    (Small(60), "sixty"),
    (Small(70), "seventy"),
    (Small(80), "eighty"),
    (Small(90), "ninety"),
    (Scale(12), "dozen"),
    (Scale(100), "hundred"),
    (Scale(1_000), "thousand"),
    (Scale(1_000_000), "million"),
    (Scale(1_000_000_000), "billion"),
    (Scale(1_000_000_000_000), "trillion"),
    (Letter(1_000), "k"),
    (Letter(1_000_000), "m mn mln"),
    (Letter(1_000_000_000), "b bn bln"),
    (Letter(1_000_000_000_000), "tn trn"),
    (Plural(10), "tens dozens scores"),
    (Plural(100), "hundreds"),
    (Plural(1_000), "thousands"),
    (Plural(1_000_000), "millions"),
    (Plural(1_000_000_000), "billions"),
    (Plural(1_000_000_000_000), "trillions"),
    (Several, "several few many"),
    (Nth(1), "first"),
    (Nth(2), "second"),
    (Nth(3), "third"),
    (Nth(4), "fourth"),
    (Nth(5), "fifth"),
    (Nth(6), "sixth"),
    (Nth(7), "seventh"),
    (Nth(8), "eighth"),
    (Nth(9), "ninth"),
    (Nth(10), "tenth"),
    (Nth(11), "eleventh"),
    (Nth(12), "twelfth"),
    (Nth(13), "thirteenth"),
    (Nth(14), "fourteenth"),
    (Nth(15), "fifteenth"),
    (Nth(16), "sixteenth"),
    (Nth(17), "seventeenth"),
    (Nth(18), "eighteenth"),
    (Nth(19), "nineteenth"),
    (Nth(20), "twentieth"),
    (Nth(30), "thirtieth"),
    (Nth(100), "hundredth"),
    (Part(3), "thirds"),
    (Part(4), "quarter quarters"),
    (Part(5), "fifths"),
    (Part(6), "sixths"),
    (Part(7), "sevenths"),
    (Part(8), "eighths"),
    (Part(9), "ninths"),
    (Part(10), "tenths"),
    (Half, "half"),
    (Point, "point"),
    (Tens(20), "twenties"),
    (Tens(30), "thirties"),
    (Tens(40), "forties"),
    (Tens(50), "fifties"),
    (Tens(60), "sixties"),
    (Tens(70), "seventies"),
    (Tens(80), "eighties"),
    (Tens(90), "nineties"),
    (Percent, "percent pct"),
    (Points(100), "bps bp"),
    (Currency("THB"), "baht thb bt"),
    (Currency("USD"), "dollar dollars usd us$"),
    (Currency("SGD"), "sgd s$"),
    (Currency("AUD"), "aud a$ au$"),
    (Currency("CAD"), "cad c$ ca$"),
    (Currency("HKD"), "hkd hk$"),
    (Currency("NZD"), "nzd nz$"),
    (Currency("TWD"), "twd nt$"),
    (Currency("CNY"), "yuan renminbi rmb cny"),
    (Currency("EUR"), "euro euros eur"),
    (Currency("GBP"), "pound pounds sterling gbp"),
    (Currency("JPY"), "yen jpy"),
    (Currency("KRW"), "won krw"),
    (Currency("INR"), "rupee rupees inr"),
    (Currency("RUB"), "rouble roubles ruble rubles rub"),
    (Currency("IDR"), "rupiah rupiahs idr"),
    (Currency("MYR"), "ringgit ringgits myr"),
    (Currency("LAK"), "kip lak"),
    (Currency("MMK"), "kyat kyats mmk"),
    (Currency("VND"), "dong vnd"),
    (Currency("PHP"), "peso pesos php"),
    (Currency("CHF"), "franc francs chf"),
    (Month(1, Full), "january"),
    (Month(2, Full), "february"),
    (Month(3, Short), "march"),
    (Month(4, Short), "april"),
    (Month(5, Short), "may"),
    (Month(6, Short), "june"),
    (Month(7, Full), "july"),
    (Month(8, Short), "august"),
    (Month(9, Full), "september"),
    (Month(10, Full), "october"),
    (Month(11, Full), "november"),
    (Month(12, Full), "december"),
    (Month(1, Short), "jan"),
    (Month(2, Short), "feb"),
    (Month(3, Short), "mar"),
    (Month(4, Short), "apr"),
    (Month(6, Short), "jun"),
    (Month(7, Short), "jul"),
    (Month(8, Short), "aug"),
    (Month(9, Short), "sep sept"),
    (Month(10, Short), "oct"),
    (Month(11, Short), "nov"),
    (Month(12, Short), "dec"),
    (Weekday(1, true), "monday mondays"),
    (Weekday(2, true), "tuesday tuesdays"),
    (Weekday(3, true), "wednesday wednesdays"),
    (Weekday(4, true), "thursday thursdays"),
    (Weekday(5, true), "friday fridays"),
    (Weekday(6, true), "saturday saturdays"),
    (Weekday(7, true), "sunday sundays"),
    (Weekday(1, false), "mon"),
    (Weekday(2, false), "tue tues"),
    (Weekday(3, false), "wed"),
    (Weekday(4, false), "thu thur thurs"),
    (Weekday(5, false), "fri"),
    (Weekday(6, false), "sat"),
    (Weekday(7, false), "sun"),
    (Era(-BUDDHIST), "be b.e."),
    (Era(0), "ad a.d. ce c.e."),
    (Bce, "bc b.c. bce b.c.e."),
    (At(Clock), "gmt utc hrs"),
    (At(Oclock), "o'clock o’clock"),
    (At(Afternoon), "pm p.m."),
    (At(Morning), "am a.m."),
    (At(Named(0)), "midnight"),
    (At(Named(12)), "noon midday"),
];

/// Symbols that stand for a currency.
pub fn currency(symbol: char) -> Option<&'static str> {
    Some(match symbol {
        '฿' => "THB",
        '$' => "USD",
        '€' => "EUR",
        '£' => "GBP",
        '¥' => "JPY",
        '₩' => "KRW",
        '₹' => "INR",
        '₽' => "RUB",
        '₭' => "LAK",
        '₫' => "VND",
        '₱' => "PHP",
        _ => return None,
    })
}

/// Fractions that are one character.
pub fn vulgar(symbol: char) -> Option<(u64, u64)> {
    Some(match symbol {
        '½' => (1, 2),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅕' => (1, 5),
        '⅛' => (1, 8),
        _ => return None,
    })
}

/// Whose dollars they are; other currencies have one country each.
pub fn dollars(country: &str) -> Option<&'static str> {
    Some(match country {
        "Singapore" | "Singaporean" => "SGD",
        "Australian" => "AUD",
        "Canadian" => "CAD",
        "Kong" => "HKD",
        "Zealand" => "NZD",
        "Taiwan" | "Taiwanese" => "TWD",
        _ => return None,
    })
}

/// The longest Thai entry at the start of `text[at..]`: its meaning and where it ends.
pub fn thai(text: &str, at: usize) -> Option<(Kind, usize)> {
    static ENTRIES: LazyLock<(AhoCorasick, Vec<Kind>)> = LazyLock::new(|| {
        let (kinds, words): (Vec<Kind>, Vec<&str>) = THAI
            .iter()
            .flat_map(|(kind, words)| words.split_whitespace().map(move |word| (*kind, word)))
            .unzip();
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .start_kind(StartKind::Anchored)
            .build(words)
            .expect("a small fixed list of words");
        (automaton, kinds)
    });
    let (automaton, kinds) = &*ENTRIES;
    let found = automaton.find(Input::new(text).range(at..).anchored(Anchored::Yes))?;
    Some((kinds[found.pattern().as_usize()], found.end()))
}

/// Where entries begin and end that are found in any text, whatever the words around them: those too long to be there by
/// chance. A segmenter's boundaries beside a name that it does not know are not to be relied upon.
pub fn certain(text: &str) -> impl Iterator<Item = usize> {
    static ENTRIES: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let words = |chosen: fn(&Kind) -> bool| {
            THAI.iter()
                .filter(move |(kind, _)| chosen(kind))
                .flat_map(|(_, words)| words.split_whitespace())
        };
        let scales = || words(|kind| matches!(kind, Scale(10..)));
        let certain = words(|kind| {
            matches!(
                kind,
                Month(_, Full) | Weekday(_, true) | Percent | Currency("USD") | Era(_)
            )
        });
        let numbers =
            words(|kind| matches!(kind, Small(_) | Scale(_) | Several)).filter(|word| !matches!(*word, "เป็น" | "นับ"));
        let pairs = numbers.flat_map(|first| scales().map(move |second| format!("{first}{second}")));
        AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(certain.map(str::to_owned).chain(pairs))
            .expect("a small fixed list of words")
    });
    ENTRIES.find_iter(text).flat_map(|found| [found.start(), found.end()])
}

/// What a Latin word means.
pub fn latin(word: &str) -> Kind {
    static ENTRIES: LazyLock<HashMap<&str, Kind>> = LazyLock::new(|| {
        LATIN
            .iter()
            .flat_map(|(kind, words)| words.split_whitespace().map(move |word| (word, *kind)))
            .collect()
    });
    const LONGEST: usize = 12;
    if word.len() > LONGEST {
        return Kind::Word;
    }
    let kind = ENTRIES.get(word.to_lowercase().as_str()).copied().unwrap_or(Kind::Word);
    let capital = word.starts_with(|c: char| c.is_uppercase());
    let code = word.chars().all(|c| c.is_ascii_uppercase() || c == '.');
    match kind {
        // Names of months, and codes that are words in lower case.
        Month(..) | Weekday(..) if !capital => Kind::Word,
        Currency(_) if word == "bt" => Kind::Word,
        Era(_) | Bce if !code => Kind::Word,
        Currency(_)
            if word.len() == 3
                && !code
                && !matches!(word, "won" | "yen" | "kip" | "Won" | "Yen" | "Kip")
                && !word.ends_with('$') =>
        {
            Kind::Word
        }
        _ => kind,
    }
}
