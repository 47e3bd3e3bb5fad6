//! Tests of the rules that forbid sentence cuts: written-out cases, and the example article.

use super::NoCutRule;
use crate::thai::split::tests::assert_properties;
use crate::thai::split::{ConsideredCut, CutReason, SplitOptions, explain_cuts, sentences};
use proptest::prelude::*;

const RULE_CASES_TSV: &str = include_str!("cases.tsv");
const ARTICLE: &str = include_str!("../../../examples/wuzhen-summit.txt");

/// A long clause that tests put around a case, so that the segments become too long and the splitter has to cut
/// somewhere.
const FILLER: &str = "ชาวบ้านในชุมชนริมแม่น้ำร่วมกันทำความสะอาดถนนและปลูกต้นไม้เพิ่มขึ้นทุกปีเพื่อให้ลูกหลานมีสิ่งแวดล้อมที่ดี";

/// A line of `cases.tsv`: a text in which spaces are marked as forbidden or allowed cuts.
struct RuleCase {
    rule: Option<&'static str>,
    marked: &'static str,
    text: String,
    /// Byte offsets in `text` of the spaces at which a rule must forbid a cut.
    kept: Vec<usize>,
    /// Byte offsets in `text` of the spaces at which no rule may forbid a cut.
    free: Vec<usize>,
}

fn parse_rule_cases() -> Vec<RuleCase> {
    RULE_CASES_TSV
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (rule, marked) = line.split_once('\t').expect(line);
            let at = |mark: char| marked.match_indices(mark).map(|(at, _)| at).collect();
            RuleCase {
                rule: (rule != "-").then_some(rule),
                marked,
                text: marked.replace(['_', '|'], " "),
                kept: at('_'),
                free: at('|'),
            }
        })
        .collect()
}

/// Writes the text of a case with `_` for each space at which a rule forbids a cut and `|` for every other considered
/// space.
fn draw_cuts(text: &str, found: &[ConsideredCut]) -> String {
    let mut out = text.as_bytes().to_vec();
    for candidate in found {
        out[candidate.offset] = if forbidding_rule(candidate).is_some() {
            b'_'
        } else {
            b'|'
        };
    }
    String::from_utf8(out).expect("spaces are one byte")
}

fn forbidding_rule(candidate: &ConsideredCut) -> Option<NoCutRule> {
    match candidate.reason {
        CutReason::Rule(rule) => Some(rule),
        _ => None,
    }
}

/// Returns the rule that forbids a cut at an offset. A space inside a torn word is not considered at all, as it stands
/// before a mark.
fn forbidding_rule_at(found: &[ConsideredCut], offset: usize) -> Option<NoCutRule> {
    match found.iter().find(|candidate| candidate.offset == offset) {
        Some(candidate) => forbidding_rule(candidate),
        None => Some(NoCutRule::Mark),
    }
}

fn rule_name(rule: NoCutRule) -> String {
    serde_json::to_value(rule)
        .expect("a name")
        .as_str()
        .expect("a name")
        .to_owned()
}

#[test]
fn every_case_is_kept_and_left_free_as_marked() {
    let mut broken = Vec::new();
    for case in parse_rule_cases() {
        let found = explain_cuts(&case.text, &SplitOptions::default());
        let at = |offset: usize| forbidding_rule_at(&found, offset);
        let right = case.kept.iter().all(|&offset| at(offset).is_some())
            && case.free.iter().all(|&offset| at(offset).is_none());
        if !right {
            broken.push(format!("{}\n     {}", case.marked, draw_cuts(&case.text, &found)));
            continue;
        }
        let mut rules = case.kept.iter().filter_map(|&offset| at(offset)).map(rule_name);
        if let Some(rule) = case.rule
            && !rules.any(|found| found == rule)
        {
            let rules: Vec<_> = case.kept.iter().filter_map(|&offset| at(offset)).collect();
            broken.push(format!("{}\n     kept by {rules:?}, not by {rule}", case.marked));
        }
    }
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn there_are_as_many_cases_as_promised() {
    let cases = parse_rule_cases();
    assert!(cases.len() >= 400, "{}", cases.len());
    let kept: usize = cases.iter().map(|case| case.kept.len()).sum();
    let free: usize = cases.iter().map(|case| case.free.len()).sum();
    assert!(kept >= 800 && free >= 80, "{kept} kept, {free} free");
    for (index, case) in cases.iter().enumerate() {
        assert!(!case.kept.is_empty() || !case.free.is_empty(), "{}", case.marked);
        assert!(
            cases[..index].iter().all(|other| other.text != case.text),
            "twice: {}",
            case.marked
        );
    }
}

#[test]
fn no_case_breaks_when_lengths_press_for_cuts() {
    for case in parse_rule_cases() {
        let long = format!("{FILLER} {} {FILLER} {FILLER} {} {FILLER}", case.text, case.text);
        // An enumeration or a quotation is one only where its first sign stands.
        let cuts: Vec<usize> = sentences(&long, &SplitOptions::default())
            .iter()
            .map(|range| range.end)
            .collect();
        for (start, _) in long.match_indices(case.text.as_str()) {
            for &offset in &case.kept {
                let lead = case.rule == Some("item");
                assert!(lead || !cuts.contains(&(start + offset)), "{} at {offset}", case.marked);
            }
        }
    }
}

#[test]
fn the_example_article_has_no_name_date_number_or_quotation_cut() {
    let segments: Vec<&str> = sentences(ARTICLE, &SplitOptions::default())
        .into_iter()
        .map(|range| &ARTICLE[range])
        .collect();
    for (whole, times) in [
        // Names.
        ("ปธน.จีน", 1),
        ("ปธน.สี จิ้นผิงของจีน", 1),
        ("ภาพจากซินหัว", 1),
        ("(CRI)", 1),
        ("ที่ประชุมอินเทอร์เน็ตโลกปี 2023 ตำบลอูเจิ้น", 2),
        ("การประชุมสุดยอดอินเทอร์เน็ตโลกประจำปี 2023 ตำบลอูเจิ้น", 1),
        ("จัดขึ้นที่ ตำบลอูเจิ้น มณฑลเจ้อเจียง", 1),
        // Dates and numbers.
        ("วันพฤหัสบดี 09 พฤศจิกายน 2023", 1),
        ("วันที่ 8 พฤศจิกายน", 1),
        ("ระหว่างวันที่ 8 ถึง 10 พฤศจิกายน", 1),
        ("ปี 2023", 3),
        // The quotation.
        (
            "“การสร้างโลกดิจิทัลที่ครอบคลุม อำนวยประโยชน์ และยืดหยุ่น ร่วมกันสร้างชุมชนที่มีอนาคตร่วมกันในไซเบอร์สเปซ”",
            1,
        ),
    ] {
        assert_eq!(
            ARTICLE.matches(whole).count(),
            times,
            "not in the article so often: {whole}"
        );
        let found: usize = segments.iter().map(|segment| segment.matches(whole).count()).sum();
        assert_eq!(found, times, "cut: {whole} in {segments:#?}");
    }
}

/// Returns the distinct words of all cases. Put together at random, they trigger rules partly and in any combination.
fn distinct_words_of_cases() -> Vec<String> {
    let mut words: Vec<String> = parse_rule_cases()
        .iter()
        .flat_map(|case| case.text.split(' ').map(String::from).collect::<Vec<_>>())
        .collect();
    words.sort();
    words.dedup();
    words
}

fn separator_strategy() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => Just(" ".to_owned()),
        3 => Just(String::new()),
        1 => "[ \u{a0}\u{202f}\u{2003}\t\n\u{85}\u{2028}]{1,3}",
        1 => "[ก-๛\"'“”‘’()\\[\\]{}«».,:;!?/0-9A-Za-z๐-๙-]{1,4}",
        1 => any::<char>().prop_map(String::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_text_is_its_segments_and_the_white_space_between(
        pieces in prop::collection::vec((prop::sample::select(distinct_words_of_cases()), separator_strategy()), 0..60),
        any_text in any::<String>(),
        cap in 1usize..400,
    ) {
        let text: String = pieces.iter().flat_map(|(word, joint)| [word.as_str(), joint]).collect();
        for text in [text, any_text] {
            for options in [SplitOptions::default(), SplitOptions { max_chars: cap }] {
                assert_properties(&text, &options)?;
            }
        }
    }

    #[test]
    fn what_stands_far_away_changes_no_rule(index in 0..parse_rule_cases().len(), other in 0..parse_rule_cases().len()) {
        // Names, lists, quotations and brackets reach; the patterns around a space do not.
        let (case, other) = (&parse_rule_cases()[index], &parse_rule_cases()[other]);
        let reaches = |text: &str| text.contains(|c: char| "()[]{}“”‘’«»「」\"'„".contains(c)) || text.starts_with(['-', '1', '•']);
        prop_assume!(!reaches(&case.text) && !reaches(&other.text) && case.rule != Some("item") && other.rule != Some("item"));
        let text = format!("{FILLER} {} {FILLER} {} {FILLER}", other.text, case.text);
        let start = text.len() - FILLER.len() - 1 - case.text.len();
        let found = explain_cuts(&text, &SplitOptions { max_chars: usize::MAX });
        let at = |offset: usize| forbidding_rule_at(&found, start + offset);
        prop_assert!(case.kept.iter().all(|&offset| at(offset).is_some()), "{} after {}", case.marked, other.marked);
        prop_assert!(case.free.iter().all(|&offset| at(offset).is_none()), "{} after {}", case.marked, other.marked);
    }
}

#[test]
fn no_line_takes_long() {
    for unit in [
        "นาย ",
        "บริษัท ",
        "1) ",
        "ก) ",
        "- ",
        "“ก ",
        "'ก ",
        "(ก ",
        "ทะเบียน กข 1 ",
        "ม. ",
        "พ.ร.บ. ",
        "ปี",
        "ปี 66 ",
        "5",
        "ก.",
        "ต.ก อ.ก จ.ก ",
        "#ก ",
        "กก",
        "โจ ณ ",
        "\u{301}",
        "เ",
        "ประธานาธิบดี",
        "\u{e48}",
        "1 ",
        "a ",
        ". ",
        "😀 ",
        "\" ",
        "(",
        "\u{200b} ",
        "&#8203;",
        "น ้า",
        "\u{f0b7} ",
        "\u{fffd}",
    ] {
        let text = unit.repeat(500_000 / unit.len());
        let start = std::time::Instant::now();
        // Two of the texts have nothing visible, and so no sentence.
        std::hint::black_box(sentences(&text, &SplitOptions::default()));
        assert!(start.elapsed().as_secs() < 10, "{unit}: {:?}", start.elapsed());
    }
}
