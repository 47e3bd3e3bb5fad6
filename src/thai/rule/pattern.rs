//! The rules that a few characters on either side of a space decide, as one table of patterns.

use super::Rule;
use crate::thai::lexicon::{
    ADDRESS, ERAS, LAWS, MONTH_LETTERS, MONTHS, PROVINCES, ROYAL, SHORT_MONTHS, STATES, WEEKDAYS,
};
use crate::thai::split::Line;
use regex::RegexSet;
use std::sync::LazyLock;

/// Characters on either side of the space that a pattern sees.
const REACH: usize = 40;

/// Stands for the space in question; other white space is one space, the line's start a line feed.
const GAP: char = '\u{1}';

/// The patterns, as regular expressions over what surrounds a space: `_` is the space, `#` a digit of either script,
/// `<…>` a list of `lists`. The first that matches names the rule.
#[rustfmt::skip]
const TABLE: &[(Rule, &[&str])] = &[
    // A dependent vowel or a mark cannot start a word: the space is a fault of the text.
    (Rule::Mark, &["_[ๆฯะ-ฺๅ็-๎]"]),
    (Rule::Time, &[
        "#_(?:น[.]|น(?:[^ก-๎]|$)|นาฬิกา|โมง|ทุ่ม|[ap][.]?m(?:[^a-z]|$)|[AP][.]?M(?:[^A-Z]|$))",
        "(?:เวลา|เวลาประมาณ|ตี|บ่าย)_#",
        "(?:โมง|ทุ่ม|(?:ตี|บ่าย) ?#)_ครึ่ง",
        "(?:[#)]|<month>|<weekday>|วันนี้|คืนนี้|พรุ่งนี้|เมื่อวาน|เมื่อวานนี้)_เวลา(?:ประมาณ)? ?#",
    ]),
    (Rule::Date, &[
        "#_(?:<month>|<short>(?:[^ก-๎]|$)|ค่ำ|เป็นต้น)",
        "(?:<month>|<short>)_(?:#|<era>|ปี ?(?:#|<era>))",
        "(?:วันที่|<weekday>ที่|ปี)_#",
        "เดือน_(?:<month>|<short>)",
        "วัน_<weekday>",
        "ปี_<era>",
        "<weekday>_(?:วันที่|ที่)? ?#",
        "ค่ำ_เดือน ?#",
        r"<law>[^_]{0,30}_พ[.]ศ[.]",
        r"\(ฉบับที่ #+\)_พ[.]ศ[.]",
    ]),
    (Rule::Range, &[
        "#_(?:ถึง|จนถึง|ต่อ|และ|หรือ|เป็น|กับ|ใน|[-–—−~xX×:]) ?#",
        "_(?:ถึง|จนถึง|ต่อ) ?#",
        "(?:#|%|<month>|<short>|<weekday>|<hour>)_(?:ถึง|จนถึง|[-–—−]) ?(?:วันที่|วัน|เดือน|ปี|ตี|บ่าย|เที่ยง)? ?(?:#|<month>|<short>|<weekday>|คืน)",
        " (?:ถึง|จนถึง)_",
        "(?:%|<money>|คน|ราย)_(?:เป็น|เหลือ|สู่|มาอยู่ที่) ?#",
    ]),
    (Rule::Number, &[
        "_(?:[$€£¥฿₩₹]|[+−±-]#)",
        r"(?:ข้อ|ข้อที่|ลำดับที่|อันดับที่|หมายเลข|มาตรา|ชั้น|หน้า|บทที่|ครั้งที่|ตอนที่|ภาคที่|ส่วนที่|ตารางที่|รูปที่|ภาพที่)_\(?#",
        "#_กว่า",
        "(?:#|ปี|เดือน|วัน|คืน|ชั่วโมง|นาที|เท่า|ไร่|โหล|กิโลเมตร|กิโลกรัม)_ครึ่ง(?:[^ก-๎]|$)",
        "[#%]_ต่อ(?:ปี|เดือน|สัปดาห์|วัน|คืน|ชั่วโมง|นาที|วินาที|คน|หัว|หุ้น|หน่วย|ครั้ง|ไร่|ตัน|กิโล|กรัม|ลิตร|ตาราง|แสน|ล้าน)",
        "<money>_ถ้วน",
        "(?:ดอลลาร์|ดอลล่าร์|เหรียญ)_(?:สหรัฐ|ออสเตรเลีย|สิงคโปร์|ฮ่องกง|ไต้หวัน|แคนาดา|นิวซีแลนด์)",
        r"_\(?ฉบับที่ ?#",
        "<law>[^_]{0,30}_(?:มาตรา|ม[.]) ?#",
        "(?:มาตรา|ม[.]|ข้อ) ?#+_วรรค",
        // The number of a document and of a vehicle.
        "ที่_[ก-ฮ]{1,3}[.]? ?#",
        "ทะเบียน_#?[ก-ฮ]{1,2} ?#",
    ]),
    (Rule::Address, &[
        "[ก-ฮ]{1,2} ?#{1,4}_<province>",
        "จังหวัด_<province>",
        "(?:เขต|แขวง|อำเภอ|อ[.])[^ _]{1,24}_<province>",
        "(?:เมือง|ตำบล|อำเภอ|เขต)[^ _]{2,24}_(?:มณฑล|แคว้น|รัฐ<state>)",
        "#_(?:ตำบล|แขวง|มณฑล)",
        "_(?:[ตจถซ][.] ?[ก-๎]|อ[.](?:เมือง|[^ _]{1,20} จ[.]))",
    ]),
    (Rule::Abbreviation, &[
        "(?:กระทรวง|กรม|สำนักงาน|พรรค|คณะ|ทีม|บอร์ด|มติ|ที่ประชุม|ปลัด|โฆษก|เลขาธิการ|อธิบดี|ผู้ว่าฯ|สมาชิก)_[ก-ฮ][ก-ฮ.]{0,9}[.]",
    ]),
    (Rule::Name, &[
        "(?:ห้างหุ้นส่วนจำกัด|ห้างหุ้นส่วนสามัญ|ฯพณฯ)_",
        "_จำกัด(?:[^ก-๎]|$)",
        r"จำกัด_\(มหาชน",
        "_<royal>",
    ]),
    (Rule::Latin, &["_(?:https?://|www[.]|@[A-Za-z]|[A-Za-z0-9._+-]+@[A-Za-z0-9])"]),
    (Rule::Punctuation, &[
        r"_[,.;:!?)}\]%”’»›…/=+×°~&]",
        r"[,({\[“‘«‹/=+×~&\x23@$€£¥฿]_",
        // A hashtag, and a face, heart or gesture, belong to what they comment on.
        r"_\x23[^ _]",
        "_[\u{1f600}-\u{1f64f}\u{1f910}-\u{1f92f}\u{1f970}-\u{1f97a}\u{2764}\u{2665}\u{1f493}-\u{1f49f}\u{1f44a}-\u{1f44f}]",
    ]),
];

/// The lists that patterns name.
fn lists() -> Vec<(&'static str, String)> {
    let words = |text: &'static str| text.split_whitespace().collect::<Vec<_>>();
    let months = words(MONTHS).into_iter().map(String::from).chain(
        MONTH_LETTERS
            .iter()
            .map(|(first, last)| format!("{first}[.] ?{last}[.]?")),
    );
    vec![
        ("<month>", format!("(?:{})", months.collect::<Vec<_>>().join("|"))),
        ("<short>", any(&words(SHORT_MONTHS))),
        ("<weekday>", any(&words(WEEKDAYS))),
        ("<hour>", "(?:น[.]|โมง|ทุ่ม|นาฬิกา|เช้า|เย็น)".to_owned()),
        ("<era>", any(ERAS).replace(r"\.", "[.] ?")),
        ("<money>", "(?:บาท|ดอลลาร์|ยูโร|ปอนด์|เยน|หยวน|ล้าน|เปอร์เซ็นต์)".to_owned()),
        ("<law>", any(LAWS)),
        ("<province>", any(&words(PROVINCES))),
        ("<state>", any(&words(STATES))),
        ("<royal>", any(&words(ROYAL))),
    ]
}

fn any(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| regex::escape(word)).collect();
    format!("(?:{})", words.join("|"))
}

/// A part of an address and what may follow it apart: a larger one.
fn addresses() -> impl Iterator<Item = String> {
    // A single letter with a dot is none after another one: `พล.ต.`.
    let part = |names: &[&str], before: &str| {
        let (short, long): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.ends_with('.'));
        match short.is_empty() {
            true => any(&long),
            false if long.is_empty() => format!("{before}{}", any(&short)),
            false => format!("(?:{}|{before}{})", any(&long), any(&short)),
        }
    };
    (0..ADDRESS.len() - 1).map(move |size| {
        let larger = ADDRESS[size + 1..].concat();
        let counted = ["_ชั้น ?#", "_หมู่(?:ที่)? ?#", "_ม[.] ?#"].join("|");
        let named: Vec<&str> = larger
            .iter()
            .copied()
            .filter(|name| !matches!(*name, "หมู่" | "ม."))
            .collect();
        format!(
            "{} ?[^ _]{{1,24}}(?: #[^ _]*)?(?:_{}{})",
            part(ADDRESS[size], "(?:^|[^ก-ฮ.])"),
            any(&named),
            if size == 0 {
                format!("|{counted}")
            } else {
                String::new()
            },
        )
    })
}

/// The table as one automaton, and the rule of each of its patterns.
static COMPILED: LazyLock<(Vec<Rule>, RegexSet)> = LazyLock::new(|| {
    let lists = lists();
    let expand = |pattern: &str| {
        let listed = lists
            .iter()
            .fold(pattern.to_owned(), |text, (name, list)| text.replace(name, list));
        listed.replace('#', "[0-9๐-๙]").replace('_', &GAP.to_string())
    };
    let table = TABLE
        .iter()
        .flat_map(|(rule, patterns)| patterns.iter().map(|&pattern| (*rule, pattern.to_owned())));
    let (rules, patterns): (Vec<Rule>, Vec<String>) = table
        .chain(addresses().map(|pattern| (Rule::Address, pattern)))
        .map(|(rule, pattern)| (rule, expand(&pattern)))
        .unzip();
    let set = RegexSet::new(patterns).expect("the patterns are constants");
    (rules, set)
});

/// The first rule whose pattern matches around a gap.
pub fn matched(line: &Line, gap: usize) -> Option<Rule> {
    let (rules, set) = &*COMPILED;
    set.matches(&window(line, gap)).iter().next().map(|index| rules[index])
}

/// What surrounds a gap, as the patterns see it.
fn window(line: &Line, gap: usize) -> String {
    let (before, after) = (
        &line.text[..line.chunks[gap].end],
        &line.text[line.chunks[gap + 1].start..],
    );
    let from = before.char_indices().rev().take(REACH).last().map_or(0, |(at, _)| at);
    let mut window = String::with_capacity(6 * REACH);
    if from == 0 {
        window.push('\n');
    }
    push(&mut window, before[from..].chars());
    window.push(GAP);
    push(&mut window, after.chars().take(REACH));
    window
}

fn push(window: &mut String, chars: impl Iterator<Item = char>) {
    for c in chars.filter(|&c| c != GAP) {
        if !c.is_whitespace() {
            window.push(c);
        } else if !window.ends_with([' ', GAP]) {
            window.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        let (rules, set) = &*COMPILED;
        assert_eq!(rules.len(), set.len());
        assert!(rules.len() > 40);
    }
}
