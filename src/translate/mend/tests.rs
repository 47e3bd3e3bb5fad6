//! Tests of mending: what is put right, what stays, and that nothing changes the second time.

use super::*;
use crate::document::FinishReason;
use crate::quality::{CheckedPair, check_translation};
use proptest::prelude::*;

fn mend_in(source: &str, target: &str, era: Era) -> MendedText {
    let check = |target: &str| {
        check_translation(&CheckedPair {
            source,
            target,
            finish: FinishReason::Stop,
            examples: &[],
        })
    };
    mend_translation(source, MendedText::new(target.to_owned(), Vec::new()), era, &check)
}

fn mend(source: &str, target: &str) -> String {
    mend_in(source, target, Era::Ce).into_parts().0
}

#[test]
fn a_wrong_value_is_put_right_where_there_is_one() {
    let cases = [
        // A month, a day, a year.
        (
            "(ข่าวสด)วันพฤหัสบดี 09 พฤศจิกายน 2023",
            "(Khaosod) Thursday, 09 January 2023",
            "(Khaosod) Thursday, 09 November 2023",
        ),
        (
            "เขาเกิดวันที่ 5 มีนาคม 2540 ที่ลำปาง",
            "He was born on April 5, 1997, in Lampang.",
            "He was born on March 5, 1997, in Lampang.",
        ),
        (
            "งานเริ่มวันที่ 5 มีนาคม และจบวันที่ 9 เมษายน",
            "It starts on 5 May and ends on 9 April.",
            "It starts on 5 March and ends on 9 April.",
        ),
        // Two wrong dates, each like one of the source.
        (
            "งานเริ่มวันที่ 5 มีนาคม และจบวันที่ 9 เมษายน",
            "It starts on 5 January and ends on 9 February.",
            "It starts on 5 March and ends on 9 April.",
        ),
        // The Buddhist era carried over, doubled, subtracted in vain.
        (
            "ปี พ.ศ. 2566 มีฝนมาก",
            "In 2566 there was much rain.",
            "In 2023 there was much rain.",
        ),
        (
            "ปี 2566 มีฝนมาก",
            "In the year 3109 there was much rain.",
            "In the year 2023 there was much rain.",
        ),
        (
            "ปี ค.ศ. 2023 มีฝนมาก",
            "In 1480 there was much rain.",
            "In 2023 there was much rain.",
        ),
        (
            "เมื่อวันที่ 1 มกราคม 2500 เขาเกิด",
            "He was born on January 1, 2500.",
            "He was born on January 1, 1957.",
        ),
        ("แผนปี 2566-2570", "The plan for 2566-2570", "The plan for 2023-2027"),
        // Magnitudes.
        (
            "งบประมาณ 3 แสนล้านบาท",
            "A budget of 3 million baht",
            "A budget of 300 billion baht",
        ),
        (
            "มีคน 5 หมื่นคน และรถ 7 คัน",
            "There were 5,000 people and 7 cars.",
            "There were 50,000 people and 7 cars.",
        ),
        (
            "ราคา 12,500 บาท",
            "The price is 12,300 baht.",
            "The price is 12,500 baht.",
        ),
        ("ลดลงร้อยละ 15", "It fell by 51 percent.", "It fell by 15 percent."),
        ("เริ่มเวลา 14.30 น.", "It starts at 4:30 p.m.", "It starts at 2:30 p.m."),
        (
            "(5 มี.ค. 64) เวลา 10.00 น.",
            "(5 March 64) at 10.00",
            "(5 March 2021) at 10.00",
        ),
        (
            "ประชุมครั้งที่ 1/2564 ที่ลำปาง",
            "Meeting 1/2564 in Lampang",
            "Meeting 1/2021 in Lampang",
        ),
        (
            "ข้าวปี 2564/65 ราคาดี",
            "Rice of 2564/65 sells well",
            "Rice of 2021/22 sells well",
        ),
        // Thai digits.
        (
            "มาตรา ๑๑๒ ของกฎหมาย",
            "Section ๑๑๒ of the law",
            "Section 112 of the law",
        ),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(source, target, expected)| {
            let found = mend(source, target);
            (found != *expected).then(|| format!("{source}: {target}\n  gives    {found}\n  expected {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_unit_is_put_right_in_its_form() {
    for (source, target, mended) in [
        (
            "ระเบียงห่างกัน 69 เซนติเมตร",
            "The balconies are 69 meters apart.",
            "The balconies are 69 centimeters apart.",
        ),
        ("ภาพขนาด 6 ซม.", "The picture has 6 mm.", "The picture has 6 cm."),
        ("ระยะทาง 5 ไมล์", "A 5-kilometre walk.", "A 5-mile walk."),
        ("ใช้เวลา 3 ชั่วโมง", "It takes 3 minutes.", "It takes 3 hours."),
        ("หนัก 5 กิโลกรัม", "It weighs 5 kilograms.", "It weighs 5 kilograms."),
        // Other kinds of unit are not confused.
        ("หนัก 5 กิโลกรัม", "It is 5 km long.", "It is 5 km long."),
    ] {
        assert_eq!(mend(source, target), mended);
    }
}

#[test]
fn what_is_right_or_unclear_stays() {
    for (source, target) in [
        ("วันที่ 9 พฤศจิกายน 2566", "9 November 2023"),
        ("มีคน 5 คน และรถ 7 คัน", "There were 6 people and 8 cars."),
        ("มีบ้าน 1 หลัง ราคาดี", "There were 100 houses."),
        ("หนัก 5.6 กิโลกรัม", "A 56-year-old man"),
        // Nothing is inserted.
        ("เขาเกิดวันที่ 5 มีนาคม 2540", "He was born in Lampang."),
        ("ปี 2566 มีคน 2566 คน", "In 2023 there were 2566 people."),
        ("ปี พ.ศ. 2566", "In A.D. 2023"),
        ("เพลงนี้มี 3 ท่อน", "This song is good."),
        ("ฝนตก", "It rained in 2566."),
        ("", ""),
    ] {
        let found = mend_in(source, target, Era::Ce);
        assert_eq!(found.text(), target, "{source}");
        assert!(found.into_parts().1.is_empty());
    }
}

#[test]
fn what_stood_before_is_told() {
    let (text, findings) =
        mend_in("วันที่ 9 พฤศจิกายน ๒๕๖๖ ราคา 500 บาท", "January 9, ๒๕๖๖: 300 baht", Era::Ce).into_parts();
    assert_eq!(text, "November 9, 2023: 500 baht");
    let told: Vec<(&str, &str)> = findings
        .iter()
        .map(|finding| (finding.target.unwrap().of(&text), finding.detail.as_str()))
        .collect();
    assert!(told.contains(&("500 baht", "before: 300 baht")), "{told:?}");
    assert!(findings.iter().all(|finding| finding.flag == Flag::Mended));
    assert!(findings.iter().any(|finding| finding.source.is_some()));
}

#[test]
fn what_a_memory_has_may_be_printed_mended_and_in_each_era() {
    let source = "วันพฤหัสบดี 09 พฤศจิกายน 2566 มีฝนตกหนัก";
    let forms = list_mended_forms(source, "On Thursday, 09 January 2023, it rained.");
    for form in [
        "On Thursday, 09 November 2023, it rained.",
        "On Thursday, 09 November B.E. 2566, it rained.",
    ] {
        assert!(forms.contains(&form.to_owned()), "{form}: {forms:?}");
    }
}

#[test]
fn years_are_written_in_each_era() {
    let thai = "วันที่ 9 พฤศจิกายน พ.ศ. 2566";
    let eras = [
        "9 November 2023",
        "9 November B.E. 2566",
        "9 November 2023 (B.E. 2566)",
        "9 November B.E. 2566",
    ];
    let common = "ปี ค.ศ. 1945 สงครามจบ";
    let common_eras = [
        "It ended in 1945.",
        "It ended in B.E. 2488.",
        "It ended in 1945 (B.E. 2488).",
        "It ended in 1945.",
    ];
    let bangkok = "ร.ศ. 112 เกิดวิกฤต";
    let bangkok_eras = [
        "In 1893 (R.S. 112)",
        "In B.E. 2436 (R.S. 112)",
        "In 1893 (B.E. 2436, R.S. 112)",
        "In R.S. 112",
    ];
    let chula = "จ.ศ. 1200 เกิดวิกฤต";
    let chula_eras = [
        "In 1838 (C.S. 1200)",
        "In B.E. 2381 (C.S. 1200)",
        "In 1838 (B.E. 2381, C.S. 1200)",
        "In C.S. 1200",
    ];
    for (source, eras) in [
        (thai, eras),
        (common, common_eras),
        (bangkok, bangkok_eras),
        (chula, chula_eras),
    ] {
        for (from, era) in eras.iter().zip(Era::ALL) {
            for (to, other) in eras.iter().zip(Era::ALL) {
                let found = mend_in(source, from, other);
                assert_eq!(found.text(), *to, "{source}: {era:?} to {other:?}");
                assert!(found.into_parts().1.is_empty(), "{source}: {era:?} to {other:?}");
            }
        }
    }
    // Both are named in the source.
    for target in ["It was 2023.", "It was B.E. 2566 (2023).", "It was 2023 (2566)."] {
        assert_eq!(
            mend_in("ปี พ.ศ. 2566 (ค.ศ. 2023)", target, Era::Keep).text(),
            "It was 2023 (B.E. 2566)."
        );
        assert_eq!(
            mend_in("ปี พ.ศ. 2566 (ค.ศ. 2023)", target, Era::Ce).text(),
            "It was 2023."
        );
    }
}

#[test]
fn lines_of_dates_and_numbers_follow_rules() {
    let cases = [
        (
            "แถลงข่าว วันพฤหัสบดี 09 พฤศจิกายน 2023",
            "Press conference, Thursday, 9 November 2023",
        ),
        ("(CRI)วันพฤหัสบดี 09 พฤศจิกายน 2023", "(CRI) Thursday, 9 November 2023"),
        ("วันที่ 9 พฤศจิกายน 2566", "9 November 2023"),
        ("9 พ.ย. 66 เวลา 10.30 น.", "9 November 2023, 10:30"),
        ("เวลา 10.30-12.00 น.", "10:30-12:00"),
        ("วันจันทร์ที่ 6 พฤศจิกายน พ.ศ. ๒๕๖๖", "Monday, 6 November 2023"),
        ("โพสต์เมื่อ 9 พ.ย. 2566 | 08:15 น.", "Posted 9 November 2023 | 08:15"),
        ("เผยแพร่: 9 พ.ย. 2566", "Published: 9 November 2023"),
        ("อัปเดตล่าสุด 9 พ.ย. 2566", "Last updated 9 November 2023"),
        ("ข่าวประจำวันที่ 9 พฤศจิกายน 2566", "News of 9 November 2023"),
        ("หน้า 3", "Page 3"),
        ("ฉบับที่ 12/2566", "No. 12/2023"),
        ("ปีที่ 5 ฉบับที่ 3", "Year 5, No. 3"),
        ("โทร. 02-123-4567", "Tel. 02-123-4567"),
        ("12,500 บาท", "12,500 baht"),
        ("3 แสนล้านบาท", "300 billion baht"),
        ("วันที่ 8-10 พฤศจิกายน 2566", "8-10 November 2023"),
        ("09/02/2566", "9 February 2023"),
        ("ร้อยละ 25", "25%"),
        (
            "ระหว่างวันที่ 30 ตุลาคม – 2 พฤศจิกายน 2566",
            "30 October 2023 to 2 November 2023",
        ),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(source, expected)| {
            let found = translate_by_rule(source, Era::Ce);
            (found.as_deref() != Some(expected)).then(|| format!("{source}: {found:?}, not {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        translate_by_rule("วันที่ 9 พฤศจิกายน 2566", Era::Both).as_deref(),
        Some("9 November 2023 (B.E. 2566)")
    );
    for source in [
        "นายสมชาย วันที่ 9 พฤศจิกายน 2566",
        "มีคน 5 คน",
        "สวัสดี",
        "",
        "กว่า 500 บาท",
        "สอง",
        "มีนา",
        "ครึ่ง",
        "09/02/2023",
        "Reuters 09/02/2566",
        "2023",
        "โทร",
    ] {
        assert_eq!(translate_by_rule(source, Era::Ce), None, "{source}");
    }
}

/// Thai sentences with a year, and English ones with that year in some form.
fn sentence_pairs() -> impl Strategy<Value = (String, String)> {
    let thai = prop::sample::select(vec![
        "ปี พ.ศ. {be}",
        "วันที่ 9 มี.ค. {be}",
        "ค.ศ. {ce}",
        "ปี {be}-{be2}",
        "พ.ศ. {be} (ค.ศ. {ce})",
    ]);
    let english = prop::sample::select(vec![
        "in {ce}",
        "in {be}",
        "in B.E. {be}",
        "on 9 March {ce} (B.E. {be})",
        "March 9, {be}",
        "{ce}-{ce2}",
        "{be}–{be2}",
        "B.E. {be} ({ce})",
        "{be} BE",
        "in the year {double}",
        "9/3/{be}",
        "{ce} people in {ce}",
        "it was {ce}.",
        "({be})",
    ]);
    (thai, english, 1900i32..2070).prop_map(|(thai, english, year)| {
        let fill = |text: &str| {
            text.replace("{ce}", &year.to_string())
                .replace("{be}", &(year + 543).to_string())
                .replace("{ce2}", &(year + 3).to_string())
                .replace("{be2}", &(year + 546).to_string())
                .replace("{double}", &(year + 1086).to_string())
        };
        (fill(thai), fill(english))
    })
}

fn era() -> impl Strategy<Value = Era> {
    prop::sample::select(Era::ALL.to_vec())
}

proptest! {
    #[test]
    fn mending_again_changes_nothing(pair in sentence_pairs(), first in era(), second in era()) {
        let (source, target) = pair;
        let direct = mend_in(&source, &target, second);
        let by_way = mend_in(&source, mend_in(&source, &target, first).text(), second);
        prop_assert_eq!(direct.text(), by_way.text(), "{} / {} by {:?} to {:?}", source, target, first, second);
    }

    #[test]
    fn any_texts_are_mended_without_a_panic(source in any::<String>(), target in any::<String>(), era in era()) {
        let once = mend_in(&source, &target, era);
        let twice = mend_in(&source, once.text(), era);
        prop_assert_eq!(twice.text(), once.text());
        let _ = translate_by_rule(&source, era);
    }

    #[test]
    fn texts_of_digits_are_mended_without_a_panic(
        source in "([0-9๐-๙]{1,4}|[ ./:,()-]|พ\\.ศ\\. |ปี |วันที่ |มีนาคม |บาท|ล้าน|น\\. ){0,12}",
        target in "([0-9๐-๙]{1,4}|[ ./:,()-]|B\\.E\\. |BE|March |baht |million |a\\.m\\.|in |Monday, ){0,12}",
        era in era(),
    ) {
        let (text, findings) = mend_in(&source, &target, era).into_parts();
        for finding in findings {
            let target = finding.target.unwrap();
            prop_assert!(text.get(target.start..target.end).is_some());
        }
        let _ = translate_by_rule(&source, era);
    }
}
