//! Sentence-splitting rules that need only a few characters on either side of a space: one table of regular
//! expressions, compiled to automata.

use super::NoCutRule;
use crate::thai::lexicon::{
    ADDRESS_WORDS, ERA_NAMES, FOREIGN_STATE_NAMES, LAW_WORDS, MONTH_ABBREVIATION_LETTERS, MONTH_NAMES, PROVINCE_NAMES,
    ROYAL_TITLES, SHORT_MONTHS, WEEKDAY_NAMES,
};
use crate::thai::line::Line;
use regex_automata::hybrid::dfa::{Cache, DFA, OverlappingState};
use regex_automata::nfa::thompson::{Compiler, Config, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind, PatternSet};
use std::cell::RefCell;
use std::sync::LazyLock;

/// Number of characters on either side of a space that a pattern can see.
const CONTEXT_CHARS: usize = 40;

/// The patterns of each rule that forbids a cut at a space. If several patterns match around a space, the first in the
/// table counts.
///
/// A pattern is two regular expressions with `_`, which stands for the space, between them: the first must match the
/// end of the text before the space, the second the start of the text after it. In both texts, a run of white space is
/// one space, and the start of the line is a line feed. `#` is an Arabic or Thai digit, and `<…>` is one of the word
/// lists of [`word_lists`].
#[rustfmt::skip]
const RULE_PATTERNS: &[(NoCutRule, &[&str])] = &[
    // A dependent vowel or a mark cannot start a word, so a space before it is a typing error.
    (NoCutRule::Mark, &["_[ๆฯะ-ฺๅ็-๎]"]),
    (NoCutRule::Time, &[
        "#_(?:น[.]|น(?:[^ก-๎]|$)|นาฬิกา|โมง|ทุ่ม|[ap][.]?m(?:[^a-z]|$)|[AP][.]?M(?:[^A-Z]|$))",
        "(?:เวลา|เวลาประมาณ|ตี|บ่าย)_#",
        "(?:โมง|ทุ่ม|(?:ตี|บ่าย) ?#)_ครึ่ง",
        "(?:[#)]|<month>|<weekday>|วันนี้|คืนนี้|พรุ่งนี้|เมื่อวาน|เมื่อวานนี้)_เวลา(?:ประมาณ)? ?#",
    ]),
    (NoCutRule::Date, &[
        "#_(?:<month>|<short>(?:[^ก-๎]|$)|ค่ำ|เป็นต้น)",
        "(?:<month>|<short>)_(?:#|<era>|ปี ?(?:#|<era>))",
        "(?:วันที่|<weekday>ที่|ปี)_#",
        "เดือน_(?:<month>|<short>)",
        "วัน_<weekday>",
        "ปี_<era>",
        "<weekday>_(?:วันที่|ที่)? ?#",
        "ค่ำ_เดือน ?#",
        r"<law><any>_พ[.]ศ[.]",
        r"\(ฉบับที่ #+\)_พ[.]ศ[.]",
    ]),
    (NoCutRule::Range, &[
        "#_(?:ถึง|จนถึง|ต่อ|และ|หรือ|เป็น|กับ|ใน|[-–—−~xX×:]) ?#",
        "_(?:ถึง|จนถึง|ต่อ) ?#",
        "(?:#|%|<month>|<short>|<weekday>|<hour>)_(?:ถึง|จนถึง|[-–—−]) ?(?:วันที่|วัน|เดือน|ปี|ตี|บ่าย|เที่ยง)? ?(?:#|<month>|<short>|<weekday>|คืน)",
        " (?:ถึง|จนถึง)_",
        "(?:%|<money>|คน|ราย)_(?:เป็น|เหลือ|สู่|มาอยู่ที่) ?#",
    ]),
    (NoCutRule::Number, &[
        "_(?:[$€£¥฿₩₹]|[+−±-]#)",
        r"(?:ข้อ|ข้อที่|ลำดับที่|อันดับที่|หมายเลข|มาตรา|ชั้น|หน้า|บทที่|ครั้งที่|ตอนที่|ภาคที่|ส่วนที่|ตารางที่|รูปที่|ภาพที่)_\(?#",
        "#_กว่า",
        "(?:#|ปี|เดือน|วัน|คืน|ชั่วโมง|นาที|เท่า|ไร่|โหล|กิโลเมตร|กิโลกรัม)_ครึ่ง(?:[^ก-๎]|$)",
        "[#%]_ต่อ(?:ปี|เดือน|สัปดาห์|วัน|คืน|ชั่วโมง|นาที|วินาที|คน|หัว|หุ้น|หน่วย|ครั้ง|ไร่|ตัน|กิโล|กรัม|ลิตร|ตาราง|แสน|ล้าน)",
        "<money>_ถ้วน",
        "(?:ดอลลาร์|ดอลล่าร์|เหรียญ)_(?:สหรัฐ|ออสเตรเลีย|สิงคโปร์|ฮ่องกง|ไต้หวัน|แคนาดา|นิวซีแลนด์)",
        r"_\(?ฉบับที่ ?#",
        "<law><any>_(?:มาตรา|ม[.]) ?#",
        "(?:มาตรา|ม[.]|ข้อ) ?#+_วรรค",
        // The number of a document and of a vehicle.
        "ที่_[ก-ฮ]{1,3}[.]? ?#",
        "ทะเบียน_#?[ก-ฮ]{1,2} ?#",
    ]),
    (NoCutRule::Address, &[
        "[ก-ฮ]{1,2} ?#{1,4}_<province>",
        "จังหวัด_<province>",
        "(?:เขต|แขวง|อำเภอ|อ[.])<name>_<province>",
        "(?:เมือง|ตำบล|อำเภอ|เขต)[^ ]<name>_(?:มณฑล|แคว้น|รัฐ<state>)",
        "#_(?:ตำบล|แขวง|มณฑล)",
        "_(?:[ตจถซ][.] ?[ก-๎]|อ[.](?:เมือง|[^ ]{1,20} จ[.]))",
    ]),
    (NoCutRule::Abbreviation, &[
        "(?:กระทรวง|กรม|สำนักงาน|พรรค|คณะ|ทีม|บอร์ด|มติ|ที่ประชุม|ปลัด|โฆษก|เลขาธิการ|อธิบดี|ผู้ว่าฯ|สมาชิก)_[ก-ฮ][ก-ฮ.]{0,9}[.]",
    ]),
    (NoCutRule::Name, &[
        "(?:ห้างหุ้นส่วนจำกัด|ห้างหุ้นส่วนสามัญ|ฯพณฯ)_",
        "_จำกัด(?:[^ก-๎]|$)",
        r"จำกัด_\(มหาชน",
        "_<royal>",
    ]),
    (NoCutRule::Latin, &["_(?:https?://|www[.]|@[A-Za-z]|[A-Za-z0-9._+-]+@[A-Za-z0-9])"]),
    (NoCutRule::Punctuation, &[
        r"_[,.;:!?)}\]%”’»›…/=+×°~&]",
        r"[,({\[“‘«‹/=+×~&\x23@$€£¥฿]_",
        // A hashtag, and a face, heart or gesture, belong to what they comment on.
        r"_\x23[^ ]",
        "_[\u{1f600}-\u{1f64f}\u{1f910}-\u{1f92f}\u{1f970}-\u{1f97a}\u{2764}\u{2665}\u{1f493}-\u{1f49f}\u{1f44a}-\u{1f44f}]",
    ]),
];

/// Returns the placeholders that the patterns use, such as `<month>`, each with the regular expression that stands for
/// it.
fn word_lists() -> Vec<(&'static str, String)> {
    let words = |text: &'static str| text.split_whitespace().collect::<Vec<_>>();
    let months = words(MONTH_NAMES).into_iter().map(String::from).chain(
        MONTH_ABBREVIATION_LETTERS
            .iter()
            .map(|(first, last)| format!("{first}[.] ?{last}[.]?")),
    );
    vec![
        ("<any>", "(?s:.){0,30}".to_owned()),
        ("<name>", "[^ ]{1,24}".to_owned()),
        ("<month>", format!("(?:{})", months.collect::<Vec<_>>().join("|"))),
        ("<short>", regex_of_alternatives(&words(SHORT_MONTHS))),
        ("<weekday>", regex_of_alternatives(&words(WEEKDAY_NAMES))),
        ("<hour>", "(?:น[.]|โมง|ทุ่ม|นาฬิกา|เช้า|เย็น)".to_owned()),
        ("<era>", regex_of_alternatives(ERA_NAMES).replace(r"\.", "[.] ?")),
        ("<money>", "(?:บาท|ดอลลาร์|ยูโร|ปอนด์|เยน|หยวน|ล้าน|เปอร์เซ็นต์)".to_owned()),
        ("<law>", regex_of_alternatives(LAW_WORDS)),
        ("<province>", regex_of_alternatives(&words(PROVINCE_NAMES))),
        ("<state>", regex_of_alternatives(&words(FOREIGN_STATE_NAMES))),
        ("<royal>", regex_of_alternatives(&words(ROYAL_TITLES))),
    ]
}

/// Makes a regular expression that matches any of the given words.
fn regex_of_alternatives(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| regex::escape(word)).collect();
    format!("(?:{})", words.join("|"))
}

/// Generates the patterns that forbid a cut inside an address: a part of an address, the space, and a larger part.
fn address_patterns() -> impl Iterator<Item = String> {
    // After another abbreviation, a single letter with a dot is no part of an address: `พล.ต.`.
    let part = |names: &[&str], before: &str| {
        let (short, long): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.ends_with('.'));
        if short.is_empty() {
            regex_of_alternatives(&long)
        } else if long.is_empty() {
            format!("{before}{}", regex_of_alternatives(&short))
        } else {
            format!(
                "(?:{}|{before}{})",
                regex_of_alternatives(&long),
                regex_of_alternatives(&short)
            )
        }
    };
    (0..ADDRESS_WORDS.len() - 1).map(move |size| {
        let larger = ADDRESS_WORDS[size + 1..].concat();
        let counted = ["ชั้น ?#", "หมู่(?:ที่)? ?#", "ม[.] ?#"].join("|");
        let named: Vec<&str> = larger
            .iter()
            .copied()
            .filter(|name| !matches!(*name, "หมู่" | "ม."))
            .collect();
        format!(
            "{} ?<name>(?: #[^ ]*)?_(?:{}{})",
            part(ADDRESS_WORDS[size], "(?:^|[^ก-ฮ.])"),
            regex_of_alternatives(&named),
            if size == 0 {
                format!("|{counted}")
            } else {
                String::new()
            },
        )
    })
}

/// Size, in bytes, of the cache that each thread keeps for one automaton.
const AUTOMATON_CACHE_BYTES: usize = 1 << 19;

/// Compiles regular expressions into one automaton that matches all of them from the space between the two texts on;
/// with `reverse` it reads from the space to the left. The fixed start keeps the number of its states small.
fn build_automaton(patterns: &[String], reverse: bool) -> DFA {
    let nfa = Config::new()
        .reverse(reverse)
        .which_captures(WhichCaptures::None)
        // With `utf8(true)`, regex-automata 0.4 loses matches of a reverse search; no pattern matches within a
        // character anyway.
        .utf8(false);
    let dfa = DFA::config()
        .match_kind(MatchKind::All)
        .cache_capacity(AUTOMATON_CACHE_BYTES);
    let nfa = Compiler::new().configure(nfa).build_many(patterns);
    let nfa = nfa.expect("the patterns are constants");
    let automaton = DFA::builder().configure(dfa).build_from_nfa(nfa);
    automaton.expect("one state and more fit")
}

/// Returns the set of the patterns that match `text`, which is the text on one side of a space, from the space on.
fn matching_patterns(automaton: &DFA, text: &str, cache: &mut Cache) -> PatternSet {
    const NEVER_FAILS: &str = "no byte ends a search, and the cache may be cleared at any time";
    let input = Input::new(text).anchored(Anchored::Yes);
    let mut found = PatternSet::new(automaton.pattern_len());
    if !automaton.get_nfa().is_reverse() {
        automaton
            .try_which_overlapping_matches(cache, &input, &mut found)
            .expect(NEVER_FAILS);
        return found;
    }
    let mut state = OverlappingState::start();
    loop {
        automaton
            .try_search_overlapping_rev(cache, &input, &mut state)
            .expect(NEVER_FAILS);
        match state.get_match() {
            Some(end) => found.insert(end.pattern()),
            None => return found,
        };
    }
}

/// The compiled pattern table. A pattern has the same index in all fields.
struct CompiledPatterns {
    /// For each pattern, the rule that it belongs to.
    rules: Vec<NoCutRule>,
    /// For each pattern, whether its part before the space is in the automaton `far` and not in `near`.
    is_far: Vec<bool>,
    /// Automaton of those parts of patterns that stand before the space and reach only a few characters.
    near: DFA,
    /// Automaton of those parts of patterns that stand before the space and contain `<any>` or `<name>`. They have many
    /// states and are seldom needed, so this automaton is run only if the part after the space has matched.
    far: DFA,
    /// Automaton of the parts of patterns that stand after the space.
    after: DFA,
}

static COMPILED_PATTERNS: LazyLock<CompiledPatterns> = LazyLock::new(|| {
    let lists = word_lists();
    let expand = |pattern: &str| {
        let listed = lists
            .iter()
            .fold(pattern.to_owned(), |text, (name, list)| text.replace(name, list));
        listed.replace('#', "[0-9๐-๙]")
    };
    let table = RULE_PATTERNS
        .iter()
        .flat_map(|(rule, patterns)| patterns.iter().map(|&pattern| (*rule, pattern.to_owned())));
    let all = table.chain(address_patterns().map(|pattern| (NoCutRule::Address, pattern)));
    // A pattern that matches nothing.
    let never = || "[a&&b]".to_owned();
    let (mut rules, mut is_far) = (Vec::new(), Vec::new());
    let [mut near, mut far, mut after] = [(); 3].map(|()| Vec::new());
    for (rule, pattern) in all {
        let (before, behind) = pattern.split_once('_').expect("every pattern has a space");
        let reaches = before.contains("<any>") || before.contains("<name>");
        rules.push(rule);
        is_far.push(reaches);
        near.push(if reaches { never() } else { expand(before) });
        far.push(if reaches { expand(before) } else { never() });
        after.push(expand(behind));
    }
    CompiledPatterns {
        rules,
        is_far,
        near: build_automaton(&near, true),
        far: build_automaton(&far, true),
        after: build_automaton(&after, false),
    }
});

thread_local! {
    static AUTOMATON_CACHES: RefCell<[Cache; 3]> = RefCell::new(
        [&COMPILED_PATTERNS.near, &COMPILED_PATTERNS.far, &COMPILED_PATTERNS.after].map(DFA::create_cache),
    );
}

/// Returns the rule of the first pattern that matches around a gap (the white space between two chunks of text).
pub fn matching_rule(line: &Line, gap: usize) -> Option<NoCutRule> {
    let text = &line.text;
    let before = context_before_space(&text[..line.chunks[gap].end]);
    let after = context_after_space(&text[line.chunks[gap + 1].start..]);
    let CompiledPatterns { rules, is_far, .. } = &*COMPILED_PATTERNS;
    AUTOMATON_CACHES.with_borrow_mut(|[near, far, rest]| {
        let after = matching_patterns(&COMPILED_PATTERNS.after, &after, rest);
        let near = matching_patterns(&COMPILED_PATTERNS.near, &before, near);
        let mut reached = None;
        let first = after.iter().find(|&pattern| {
            if !is_far[pattern.as_usize()] {
                near.contains(pattern)
            } else {
                reached
                    .get_or_insert_with(|| matching_patterns(&COMPILED_PATTERNS.far, &before, far))
                    .contains(pattern)
            }
        });
        first.map(|pattern| rules[pattern.as_usize()])
    })
}

/// Returns the end of the text before a space in the form that patterns match: the last [`CONTEXT_CHARS`] characters with
/// single spaces, after a line feed if the line starts there.
fn context_before_space(text: &str) -> String {
    let from = text
        .char_indices()
        .rev()
        .take(CONTEXT_CHARS)
        .last()
        .map_or(0, |(at, _)| at);
    let mut seen = String::with_capacity(3 * CONTEXT_CHARS);
    if from == 0 {
        seen.push('\n');
    }
    push_collapsing_spaces(&mut seen, text[from..].chars());
    seen
}

/// Returns the start of the text after a space in the form that patterns match: the first [`CONTEXT_CHARS`] characters with
/// single spaces.
fn context_after_space(text: &str) -> String {
    let mut seen = String::with_capacity(3 * CONTEXT_CHARS);
    push_collapsing_spaces(&mut seen, text.chars().take(CONTEXT_CHARS));
    seen
}

/// Appends characters to `seen`, each run of white space as one space.
fn push_collapsing_spaces(seen: &mut String, chars: impl Iterator<Item = char>) {
    for c in chars {
        if !c.is_whitespace() {
            seen.push(c);
        } else if !seen.ends_with(' ') {
            seen.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        let CompiledPatterns { rules, near, after, .. } = &*COMPILED_PATTERNS;
        assert!(rules.len() > 40);
        assert_eq!(near.pattern_len(), rules.len());
        assert_eq!(after.pattern_len(), rules.len());
    }
}
