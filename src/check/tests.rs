//! Tests of reading, checking and reporting pairs.

use super::*;
use crate::error::ErrorKind;
use proptest::prelude::*;
use std::path::Path;

const LONG: &str = "ชาวบ้านในชุมชนริมแม่น้ำร่วมกันทำความสะอาดถนนและปลูกต้นไม้เพิ่มขึ้นทุกปี";

fn pairs_of<'a>(texts: &[(&'a str, &'a str)]) -> Vec<TextPair<'a>> {
    let pair = |(index, (source, target)): (usize, &(&'a str, &'a str))| TextPair {
        line: index + 1,
        source: (*source).into(),
        target: (*target).into(),
        finish: FinishReason::Stop,
    };
    texts.iter().enumerate().map(pair).collect()
}

fn flags_of(source: &str, target: &str) -> Vec<Flag> {
    let results = check_pairs(&pairs_of(&[(source, target)]), &[], &FlagSelection::default());
    results[0].findings.flags().collect()
}

#[test]
fn blank_lines_are_partners_of_blank_lines_only() {
    assert_eq!(flags_of("", ""), []);
    assert_eq!(flags_of(" ", "\t"), []);
    assert_eq!(flags_of("", "Rain"), [Flag::Addition]);
    assert_eq!(flags_of("ฝน", " "), [Flag::Empty]);
    assert_eq!(flags_of("BBC", ""), [Flag::Empty]);
    assert_eq!(flags_of("BBC 12", "BBC 12"), []);
    assert_eq!(flags_of(LONG, LONG), [Flag::Untranslated]);
}

#[test]
fn a_selection_decides_flags_and_score() {
    let pairs = pairs_of(&[(LONG, "ชุมชน"), (LONG, "")]);
    let all = check_pairs(&pairs, &[], &FlagSelection::default());
    assert_eq!(list_worst_first(&all), [1, 0]);
    let only = FlagSelection {
        only: vec![Flag::Empty],
        skip: Vec::new(),
    };
    let kept = check_pairs(&pairs, &[], &only);
    assert_eq!((kept[0].score, kept[0].findings.len()), (1.0, 0));
    assert_eq!(list_worst_first(&kept), [1]);
    let none = FlagSelection {
        only: vec![Flag::Empty],
        skip: vec![Flag::Empty],
    };
    let summary = CheckSummary::new(&check_pairs(&pairs, &[], &none));
    assert_eq!(summary.describe(), "2 pairs, nothing to check");
    assert_eq!((summary.pairs, summary.flagged, summary.share), (2, 0, 0.0));
    assert_eq!(
        CheckSummary::new(&kept).describe(),
        "1 of 2 pairs to check (50.0 %): 1 empty"
    );
}

#[test]
fn a_model_tells_translations_of_other_texts() {
    let pairs = pairs_of(&[("ฝนตก", "Rain"), ("ฝนตก", "Rain"), ("ฝนตก", "Rain")]);
    let score = |contrastive| {
        Some(PairScore {
            log_probability: -1.5,
            contrastive,
        })
    };
    let results = check_pairs(&pairs, &[score(0.3), score(1.8), None], &FlagSelection::default());
    let flags = |index: usize| results[index].findings.flags().collect::<Vec<_>>();
    assert_eq!((flags(0), flags(1), flags(2)), (vec![Flag::Omission], vec![], vec![]));
    assert!(
        results[0].score < results[1].score && results[1].score < results[2].score,
        "{results:?}"
    );
}

#[test]
fn texts_of_other_lengths_are_refused_with_the_line() {
    let names = [Path::new("a.th"), Path::new("b.en")];
    let error = pair_lines(names, "ก\n\nข\nค\n", "a\n\nb\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "a.th:line 4: has no partner: a.th has 4 lines, b.en 3; the line begins \"ค\""
    );
    let error = pair_lines(names, "ก\n\nข", "a\r\nb\r\nc\r\nd\r\n").unwrap_err();
    assert_eq!(error.path.as_deref(), Some(Path::new("b.en")));
    assert!(
        error
            .hint
            .unwrap()
            .to_string()
            .ends_with("they may part at line 2, which is blank in a.th only")
    );
    assert!(
        pair_lines(names, "", "")
            .unwrap_err()
            .to_string()
            .starts_with("a.th: has no lines")
    );
    for (source, target) in [("ก\nข\n", "a\r\nb"), ("ก\rข\r", "a\nb\n")] {
        let pairs = pair_lines(names, source, target).unwrap();
        assert_eq!(pairs, pairs_of(&[("ก", "a"), ("ข", "b")]));
    }
}

#[test]
fn tables_are_read_with_and_without_names() {
    let read = |text: &str| {
        let read = read_pairs(text.as_bytes(), PairFormat::Csv)?;
        Ok::<_, crate::Error>(
            read.pairs
                .into_iter()
                .map(|pair| (pair.line, pair.source.into_owned(), pair.target.into_owned()))
                .collect::<Vec<_>>(),
        )
    };
    let expected = |first: usize| {
        vec![
            (first, "ก, ข".to_owned(), "'= a".to_owned()),
            (first + 1, "BBC".to_owned(), String::new()),
        ]
    };
    assert_eq!(
        read("\u{feff}id,Source,Target\n1,\"ก, ข\",''= a\n2,BBC\n").unwrap(),
        expected(2)
    );
    assert_eq!(read("ก, ข\t'= a\nBBC\t\n").unwrap(), {
        let mut rows = expected(1);
        rows[0].2 = "= a".to_owned();
        rows
    });
    assert_eq!(
        read("ไทย;English;x\nก;a;b\n").unwrap(),
        [(2, "ก".to_owned(), "a".to_owned())]
    );
    for wrong in ["a\tก\n", "ก\n", "ก\tb\tc\n", "a\tb\n", "source,text\nก,a\n"] {
        let error = read(wrong).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Input, "{wrong}");
        assert!(
            error.message.contains("source and target") && error.hint.is_some(),
            "{error}"
        );
    }
    assert!(read("source,target\n").unwrap_err().message.contains("no pairs"));
    assert!(read("").unwrap_err().message.contains("no pairs"));
}

#[test]
fn json_lines_of_several_programs_are_read() {
    let text = concat!(
        "\u{feff}{\"type\":\"header\",\"segments\":3,\"source\":\"x\"}\r\n\n",
        "{\"type\":\"segment\",\"source\":\"ก\",\"target\":\"a\",\"finish\":\"length\"}\n",
        "{\"source\":\"ข\",\"target\":\"b\",\"made\":\"2024-01-01T00:00:00Z\"}\n",
        "{\"type\":\"pair\",\"line\":9,\"source\":\"ค\",\"target\":\"c\",\"flags\":[]}\n",
        "{\"text\":\"งจ\",\"segments\":[{\"source\":\"ง\",\"target\":\"d\"},{\"source\":\"จ\",\"target\":\"e\"}]}\n",
        "{\"type\":\"summary\",\"pairs\":3}\n",
    );
    let pairs = read_pairs(text.as_bytes(), PairFormat::Jsonl).unwrap().pairs;
    let read: Vec<(usize, &str, &str)> = pairs
        .iter()
        .map(|pair| (pair.line, &*pair.source, &*pair.target))
        .collect();
    assert_eq!(
        read,
        [
            (3, "ก", "a"),
            (4, "ข", "b"),
            (5, "ค", "c"),
            (6, "ง", "d"),
            (6, "จ", "e")
        ]
    );
    let results = check_pairs(&pairs, &[], &FlagSelection::default());
    assert_eq!(results[0].findings.flags().collect::<Vec<_>>(), [Flag::Truncated]);
    for (line, part) in [
        ("ข่าว", "no JSON object"),
        ("[1]", "no JSON object"),
        ("{\"source\":\"ก\"}", "no `source` and `target`"),
        ("{\"source\":1,\"target\":2}", "no JSON object"),
        ("{\"segments\":[3]}", "no JSON object"),
        ("{\"type\":\"footer\"}", "type \"footer\""),
    ] {
        let text = format!("{{\"source\":\"ก\",\"target\":\"a\"}}\n{line}\n");
        let error = read_pairs(text.as_bytes(), PairFormat::Jsonl).unwrap_err();
        assert_eq!(error.place.as_deref(), Some("line 2"), "{line}: {error}");
        assert!(error.message.contains(part) && error.hint.is_some(), "{line}: {error}");
    }
}

/// Returns a report of pairs whose texts a browser or a spreadsheet program would run.
fn report(format: ReportFormat) -> String {
    let pairs = pairs_of(&[
        ("<script>ก</script>\u{1b}[31m", ""),
        ("= ก\tข", "ก <b> & \"c\"\r\nd"),
        (
            LONG,
            "Villagers clean the streets together and plant more trees every year.",
        ),
    ]);
    let results = check_pairs(&pairs, &[], &FlagSelection::default());
    let mut text = String::new();
    write_report(format, &pairs, &results, ["a<b>.th", "line"], &mut |part| {
        text += part;
        Ok(())
    })
    .unwrap();
    text
}

#[test]
fn a_table_has_a_row_a_pair_and_no_formula() {
    let table = report(ReportFormat::Tsv);
    let rows: Vec<Vec<&str>> = table.lines().map(|row| row.split('\t').collect()).collect();
    assert_eq!(rows.len(), 4, "{table}");
    assert!(rows.iter().all(|row| row.len() == 6), "{table}");
    assert_eq!(rows[0], ["line", "score", "flags", "source", "target", "details"]);
    assert_eq!((rows[2][0], rows[2][2], rows[2][3]), ("2", "untranslated", "'= ก ข"));
    assert_eq!((rows[3][1], rows[3][2], rows[3][5]), ("1.000000", "", ""));
}

#[test]
fn a_page_has_what_to_check_and_runs_nothing() {
    let page = report(ReportFormat::Html);
    assert!(page.contains("<title>Check of a&lt;b&gt;.th</title>"), "{page}");
    assert_eq!(page.matches("<li ").count(), 2, "{page}");
    assert!(
        page.find("id=\"l1\"").unwrap() < page.find("id=\"l2\"").unwrap(),
        "{page}"
    );
    for wrong in ["<script", "<b> &", "src=", "url(", "http:", "https:"] {
        assert!(!page.contains(wrong), "{wrong}: {page}");
    }
    assert!(!page.contains(|c: char| c.is_control() && c != '\n'), "{page}");
}

#[test]
fn json_lines_have_all_pairs_and_a_summary() {
    let text = report(ReportFormat::Jsonl);
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(text.starts_with("{\"type\":\"pair\",\"line\":1,\"source\":"), "{text}");
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[2]["score"], 1.0);
    let flag = &lines[0]["flags"][0];
    assert_eq!((&flag["flag"], &flag["severity"]), (&"empty".into(), &"failure".into()));
    assert_eq!(
        lines[3].to_string(),
        "{\"flagged\":2,\"flags\":{\"empty\":1,\"untranslated\":1},\"pairs\":3,\"share\":0.6666666666666666,\"type\":\"summary\"}"
    );
    let again = read_pairs(text.as_bytes(), PairFormat::Jsonl).unwrap().pairs;
    assert_eq!(again.len(), 3);
}

#[test]
fn formats_are_told_by_their_first_bytes() {
    for (start, format) in [
        ("PK\x03\x04", Some(PairFormat::Docx)),
        ("\u{feff} {\"a\"", Some(PairFormat::Jsonl)),
        ("<?xml version=\"1.0\"?>\n<TMX version", Some(PairFormat::Tmx)),
        ("<!doctype html>", Some(PairFormat::Html)),
        ("ก\ta\n", Some(PairFormat::Tsv)),
        ("ก\na\tb", None),
        ("", None),
    ] {
        assert_eq!(PairFormat::from_content(start.as_bytes()), format, "{start}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>(), text in any::<String>()) {
        for format in PairFormat::ALL {
            for bytes in [&bytes[..], text.as_bytes()] {
                if let Ok(read) = read_pairs(bytes, format) {
                    prop_assert!(!read.pairs.is_empty());
                }
            }
        }
    }

    #[test]
    fn any_pairs_are_checked_and_reported(texts in prop::collection::vec((any::<String>(), any::<String>()), 1..4)) {
        let texts: Vec<(&str, &str)> = texts.iter().map(|(source, target)| (source.as_str(), target.as_str())).collect();
        let pairs = pairs_of(&texts);
        let results = check_pairs(&pairs, &[], &FlagSelection::default());
        prop_assert!(results.iter().all(|result| (0.0..=1.0).contains(&result.score)));
        for format in [ReportFormat::Jsonl, ReportFormat::Html, ReportFormat::Tsv] {
            write_report(format, &pairs, &results, ["a", "line"], &mut |_| Ok(())).unwrap();
        }
    }
}
