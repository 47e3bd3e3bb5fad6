//! The lexicon of quantities: Thai and English words of numbers, money, times and dates, with their meaning.

use super::kind::{BUDDHIST_ERA_OFFSET_YEARS, MonthForm, TimeWord, TokenKind};
use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input, MatchKind, StartKind};
use std::collections::HashMap;
use std::sync::LazyLock;

use MonthForm::{Full, Short, Spoken};
use TimeWord::{AfterMidnight, Afternoon, EarlyEvening, Evening, Morning, NamedHour, Oclock, TwentyFourHour};
use TokenKind::{
    AndMore, Bce, Currency, Decade, Denominator, Era, Half, Month, NotQuantity, Ordinal, PerHundred, Percent,
    PercentagePoints, PluralScale, Point, Scale, ScaleLetter, Several, SmallNumber, Weekday, Word,
};

/// Thai words by their meaning; white space separates the words that share a meaning.
const THAI_QUANTITY_WORDS: &[(TokenKind, &str)] = &[
    (SmallNumber(0), "ศูนย์จุด ศูนย์องศา"),
    (SmallNumber(1), "หนึ่ง นึง เอ็ด"),
    (SmallNumber(2), "สอง ยี่"),
    (SmallNumber(3), "สาม"),
    (SmallNumber(4), "สี่"),
    (SmallNumber(5), "ห้า"),
    (SmallNumber(6), "หก"),
    (SmallNumber(7), "เจ็ด"),
    (SmallNumber(8), "แปด"),
    (SmallNumber(9), "เก้า"),
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
    (AndMore, "กว่า เศษ"),
    (Percent, "เปอร์เซ็นต์ เปอร์เซนต์ เปอร์เซ็น เปอเซ็น เปอร์เซ็นท์"),
    (PercentagePoints(1), "จุดเปอร์เซ็นต์ จุดเปอร์เซนต์ จุดร้อยละ เปอร์เซ็นต์พอยต์"),
    (PercentagePoints(100), "เบสิสพอยต์ เบซิสพอยต์ จุดพื้นฐาน"),
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
    (Era(-BUDDHIST_ERA_OFFSET_YEARS), "พ.ศ. พศ. พ.ศ พุทธศักราช"),
    (Era(0), "ค.ศ. คศ. ค.ศ คริสต์ศักราช คริสตศักราช"),
    (Era(1781), "ร.ศ. รัตนโกสินทร์ศก"),
    (Era(638), "จ.ศ. จุลศักราช"),
    (Bce, "ก่อนคริสตกาล ก่อนคริสต์กาล ก่อนคริสต์ศักราช ก่อนคริสตศักราช ปีก่อนคริสตกาล ปีก่อนคริสต์กาล ปีก่อนคริสต์ศักราช ปีก่อนคริสตศักราช"),
    (TokenKind::TimeWord(TwentyFourHour), "น. นาฬิกา"),
    (TokenKind::TimeWord(Oclock), "โมง"),
    (TokenKind::TimeWord(AfterMidnight), "ตี"),
    (TokenKind::TimeWord(Evening), "ทุ่ม"),
    (TokenKind::TimeWord(Afternoon), "บ่าย"),
    (TokenKind::TimeWord(Morning), "เช้า"),
    (TokenKind::TimeWord(EarlyEvening), "เย็น"),
    (TokenKind::TimeWord(NamedHour(0)), "เที่ยงคืน สองยาม"),
    (TokenKind::TimeWord(NamedHour(12)), "เที่ยง เที่ยงวัน"),
    (Word, "ถึง และ กับ ใน ส่วน ต่อ ที่ ปี วันที่ เดือน ทศวรรษ ทศวรรษที่ ยุค นาที ระหว่าง จาก โควิด"),
    // Words, ranks, shapes, places and names that begin like a number but are none.
    (NotQuantity, "ลบ.ม. ร้อยเอ็ด ร้อยเอก ร้อยโท ร้อยตรี ร้อยตำรวจ ร้อยแก้ว ร้อยกรอง ร้อยเรียง ร้อยไหม ร้อยมาลัย ร้อยพวงมาลัย
        พันเอก พันโท พันตรี พันจ่า พันตำรวจ พันธุ์ พันธ์ พันทิป พันธนาการ พันธมิตร พันธกิจ พันธบัตร พันธะ พันลึก พันลำ พันผ้า พันแผล พันคอ พันรอบ พันข้อมือ พันข้อเท้า พันด้วย พันแข้งพันขา
        สิบเอก สิบโท สิบตรี สิบตำรวจ สิบล้อ หกล้อ หกล้ม หกคะเมน หกเลอะ สิบสองปันนา
        แสนสาหัส แสนสิริ แสนยานุภาพ แสนรู้ แสนดี แสนนาน แสนไกล แสนเข็ญ แสนสุข แสนงอน แสนแสบ แสนสำราญ แสนปาล์ม แสนคม แสนชัย แสนภู แสนตอ
        หมื่นไวยวรนาถ หมื่นหาญ หมื่นสุนทร ล้านนา ล้านช้าง หัวล้าน หนึ่งเดียว เป็นหนึ่งเดียว เอ็ดตะโร
        สามเหลี่ยม สี่เหลี่ยม ห้าเหลี่ยม หกเหลี่ยม แปดเหลี่ยม สามแยก สี่แยก ห้าแยก สามล้อ สองแถว สามก๊ก สามย่าน สามพราน สามโคก สามเสน สามชุก สามพระยา สามัญ สี่พระยา แปดริ้ว
        คลองหนึ่ง คลองสอง คลองสาม คลองสี่ คลองห้า คลองหก คลองเจ็ด คลองแปด คลองเก้า คลองสิบ ห้าแถว เก้าอี้ แปดเปื้อน สองจิตสองใจ หนึ่งใจ ครึ่งแรก ครึ่งหลัง ครึ่งเวลา ครึ่งทาง ครึ่งปีแรก ครึ่งปีหลัง ครึ่งเดือนแรก ครึ่งเดือนหลัง ครึ่งๆ ครึ่งวงกลม ครึ่งเสี้ยว ครึ่งซีก
        เที่ยงธรรม เที่ยงตรง เที่ยงแท้ ตีพิมพ์ ตีความ ส.ค.ส. ศูนย์ ใต้หวัน เศษเหล็ก เศษอาหาร เศษผ้า บาทหลวง บาทวิถี"),
];

/// English words and other words in Latin letters by their meaning, in lower case; white space separates the words that
/// share a meaning.
const LATIN_QUANTITY_WORDS: &[(TokenKind, &str)] = &[
    (SmallNumber(0), "zero"),
    (SmallNumber(1), "one"),
    (SmallNumber(2), "two"),
    (SmallNumber(3), "three"),
    (SmallNumber(4), "four"),
    (SmallNumber(5), "five"),
    (SmallNumber(6), "six"),
    (SmallNumber(7), "seven"),
    (SmallNumber(8), "eight"),
    (SmallNumber(9), "nine"),
    (SmallNumber(10), "ten"),
    (SmallNumber(11), "eleven"),
    (SmallNumber(12), "twelve"),
    (SmallNumber(13), "thirteen"),
    (SmallNumber(14), "fourteen"),
    (SmallNumber(15), "fifteen"),
    (SmallNumber(16), "sixteen"),
    (SmallNumber(17), "seventeen"),
    (SmallNumber(18), "eighteen"),
    (SmallNumber(19), "nineteen"),
    (SmallNumber(20), "twenty"),
    (SmallNumber(30), "thirty"),
    (SmallNumber(40), "forty fourty"),
    (SmallNumber(50), "fifty"),
    (SmallNumber(60), "sixty"),
    (SmallNumber(70), "seventy"),
    (SmallNumber(80), "eighty"),
    (SmallNumber(90), "ninety"),
    (Scale(12), "dozen"),
    (Scale(100), "hundred"),
    (Scale(1_000), "thousand"),
    (Scale(1_000_000), "million"),
    (Scale(1_000_000_000), "billion"),
    (Scale(1_000_000_000_000), "trillion"),
    (ScaleLetter(1_000), "k"),
    (ScaleLetter(1_000_000), "m mn mln"),
    (ScaleLetter(1_000_000_000), "b bn bln"),
    (ScaleLetter(1_000_000_000_000), "tn trn"),
    (PluralScale(10), "tens dozens scores"),
    (PluralScale(100), "hundreds"),
    (PluralScale(1_000), "thousands"),
    (PluralScale(1_000_000), "millions"),
    (PluralScale(1_000_000_000), "billions"),
    (PluralScale(1_000_000_000_000), "trillions"),
    (Several, "several few many couple"),
    (Ordinal(1), "first"),
    (Ordinal(2), "second"),
    (Ordinal(3), "third"),
    (Ordinal(4), "fourth"),
    (Ordinal(5), "fifth"),
    (Ordinal(6), "sixth"),
    (Ordinal(7), "seventh"),
    (Ordinal(8), "eighth"),
    (Ordinal(9), "ninth"),
    (Ordinal(10), "tenth"),
    (Ordinal(11), "eleventh"),
    (Ordinal(12), "twelfth"),
    (Ordinal(13), "thirteenth"),
    (Ordinal(14), "fourteenth"),
    (Ordinal(15), "fifteenth"),
    (Ordinal(16), "sixteenth"),
    (Ordinal(17), "seventeenth"),
    (Ordinal(18), "eighteenth"),
    (Ordinal(19), "nineteenth"),
    (Ordinal(20), "twentieth"),
    (Ordinal(30), "thirtieth"),
    (Ordinal(40), "fortieth"),
    (Ordinal(50), "fiftieth"),
    (Ordinal(60), "sixtieth"),
    (Ordinal(70), "seventieth"),
    (Ordinal(80), "eightieth"),
    (Ordinal(90), "ninetieth"),
    (Ordinal(100), "hundredth"),
    (Denominator(3), "thirds"),
    (Denominator(4), "quarter quarters"),
    (Denominator(5), "fifths"),
    (Denominator(6), "sixths"),
    (Denominator(7), "sevenths"),
    (Denominator(8), "eighths"),
    (Denominator(9), "ninths"),
    (Denominator(10), "tenths"),
    (Half, "half"),
    (Point, "point"),
    (Decade(20), "twenties"),
    (Decade(30), "thirties"),
    (Decade(40), "forties"),
    (Decade(50), "fifties"),
    (Decade(60), "sixties"),
    (Decade(70), "seventies"),
    (Decade(80), "eighties"),
    (Decade(90), "nineties"),
    (Percent, "percent pct"),
    (PercentagePoints(100), "bps bp"),
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
    (Era(-BUDDHIST_ERA_OFFSET_YEARS), "be b.e."),
    (Era(0), "ad a.d. ce c.e."),
    (Era(1781), "r.s."),
    (Era(638), "c.s."),
    (Bce, "bc b.c. bce b.c.e."),
    (TokenKind::TimeWord(TwentyFourHour), "gmt utc hrs"),
    (TokenKind::TimeWord(Oclock), "o'clock o’clock"),
    (TokenKind::TimeWord(Afternoon), "pm p.m."),
    (TokenKind::TimeWord(Morning), "am a.m."),
    (TokenKind::TimeWord(NamedHour(0)), "midnight"),
    (TokenKind::TimeWord(NamedHour(12)), "noon midday"),
];

/// Returns the ISO 4217 code of a currency symbol, or `None` if the character is none.
pub fn currency_of_symbol(symbol: char) -> Option<&'static str> {
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

/// Returns the numerator and the denominator of a fraction that is one character, such as ½.
pub fn fraction_of_symbol(symbol: char) -> Option<(u64, u64)> {
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

/// Returns the ISO 4217 code of the dollar of a country other than the United States. `country` is the last word before
/// "dollar", such as Kong for the Hong Kong dollar.
pub fn dollar_of_country(country: &str) -> Option<&'static str> {
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

/// Finds the longest Thai word of the lexicon with which `text[at..]` begins. Returns its meaning, and the byte offset
/// of its end.
pub fn lookup_thai_word(text: &str, at: usize) -> Option<(TokenKind, usize)> {
    static LEXICON_ENTRIES: LazyLock<(AhoCorasick, Vec<TokenKind>)> = LazyLock::new(|| {
        let (kinds, words): (Vec<TokenKind>, Vec<&str>) = THAI_QUANTITY_WORDS
            .iter()
            .flat_map(|(kind, words)| words.split_whitespace().map(move |word| (*kind, word)))
            .unzip();
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .start_kind(StartKind::Anchored)
            .kind(Some(AhoCorasickKind::DFA))
            .build(words)
            .expect("a small fixed list of words");
        (automaton, kinds)
    });
    let (automaton, kinds) = &*LEXICON_ENTRIES;
    let found = automaton.find(Input::new(text).range(at..).anchored(Anchored::Yes))?;
    Some((kinds[found.pattern().as_usize()], found.end()))
}

/// Finds words of the lexicon that are too long to stand in a text by chance, and returns the byte offsets of their
/// starts and ends. These are word boundaries even where the word segmenter finds none, as may happen beside an unknown
/// name.
pub fn certain_word_boundaries(text: &str) -> impl Iterator<Item = usize> {
    static LEXICON_ENTRIES: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let words = |chosen: fn(&TokenKind) -> bool| {
            THAI_QUANTITY_WORDS
                .iter()
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
        let numbers = words(|kind| matches!(kind, SmallNumber(_) | Scale(_) | Several))
            .filter(|word| !matches!(*word, "เป็น" | "นับ"));
        let pairs = numbers.flat_map(|first| scales().map(move |second| format!("{first}{second}")));
        AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::DFA))
            .build(certain.map(str::to_owned).chain(pairs))
            .expect("a small fixed list of words")
    });
    LEXICON_ENTRIES
        .find_iter(text)
        .flat_map(|found| [found.start(), found.end()])
}

/// Looks up the meaning of a word in Latin letters. Months, currency codes and eras are recognised only if they are
/// written with capitals as usual.
pub fn lookup_latin_word(word: &str) -> TokenKind {
    static LEXICON_ENTRIES: LazyLock<HashMap<&str, TokenKind>> = LazyLock::new(|| {
        LATIN_QUANTITY_WORDS
            .iter()
            .flat_map(|(kind, words)| words.split_whitespace().map(move |word| (word, *kind)))
            .collect()
    });
    /// Length, in bytes, of the longest word that is looked up: about that of the longest word of the lexicon.
    const MAX_ENTRY_BYTES: usize = 12;
    if word.len() > MAX_ENTRY_BYTES {
        return TokenKind::Word;
    }
    let kind = LEXICON_ENTRIES
        .get(word.to_lowercase().as_str())
        .copied()
        .unwrap_or(TokenKind::Word);
    let capital = word.starts_with(|c: char| c.is_uppercase());
    let code = word.chars().all(|c| c.is_ascii_uppercase() || c == '.');
    match kind {
        // In lower case, these are other words: march, sat, be, try.
        Month(..) | Weekday(..) if !capital => TokenKind::Word,
        Currency(_) if word == "bt" => TokenKind::Word,
        Era(_) | Bce if !code => TokenKind::Word,
        Currency(_)
            if word.len() == 3
                && !code
                && !matches!(word, "won" | "yen" | "kip" | "Won" | "Yen" | "Kip")
                && !word.ends_with('$') =>
        {
            TokenKind::Word
        }
        _ => kind,
    }
}
