//! Lines of dates and numbers follow rules, years are written in the era that is asked for, and none of it is taken for
//! a person's edit (issue 20).

use super::{Outcome, Sandbox, run};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/seq2seq/marian-prefix");
const LINES: &str = "แถลงข่าว วันพฤหัสบดี 09 พฤศจิกายน 2566\n\nฝนตกหนักในกรุงเทพมหานคร\n\nเวลา 10.30 น.\n";

fn translate(sandbox: &Sandbox, options: &[&str]) -> Outcome {
    let args = ["translate", "a.txt", "--force", "--model", MODEL, "--max-tokens", "6"];
    let mut command = sandbox.command(&[&args[..], options].concat());
    command.env("SOURCE_DATE_EPOCH", "1700000000");
    run(command, b"")
}

/// The finish and the translation of each segment.
fn segments(sandbox: &Sandbox) -> Vec<(String, String)> {
    let lines = sandbox.read("a.jsonl");
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    lines
        .filter(|line| line["type"] == "segment")
        .map(|line| ["finish", "target"].map(|key| line[key].as_str().unwrap_or_default().to_owned()))
        .map(|[finish, target]| (finish, target))
        .collect()
}

#[test]
fn lines_of_dates_follow_rules_in_each_era() {
    let sandbox = Sandbox::with(&[("a.txt", LINES)]);
    let jsonl = ["-o", "a.jsonl", "--format", "jsonl"];
    let date = |options: &[&str]| {
        translate(&sandbox, &[&jsonl[..], options].concat()).ends(0, &[]);
        segments(&sandbox).swap_remove(0)
    };
    let by_rule = |target: &str| ("rule".to_owned(), target.to_owned());
    assert_eq!(date(&[]), by_rule("Press conference, Thursday, 9 November 2023"));
    assert_eq!(segments(&sandbox)[2], by_rule("10:30"));
    assert_ne!(segments(&sandbox)[1].0, "rule");
    assert!(!sandbox.read("a.jsonl").lines().next().unwrap().contains("\"era\""));
    let both = "Press conference, Thursday, 9 November 2023 (B.E. 2566)";
    assert_eq!(date(&["--era", "both"]), by_rule(both));
    assert!(
        sandbox
            .read("a.jsonl")
            .lines()
            .next()
            .unwrap()
            .contains("\"era\":\"both\"")
    );
    // The memory is asked in one era, and answers in another.
    let memory = ["--memory", "memory.sqlite"];
    for (era, expected) in [
        ("be", "Press conference, Thursday, 9 November B.E. 2566"),
        ("both", both),
        ("ce", "Press conference, Thursday, 9 November 2023"),
    ] {
        assert_eq!(date(&[&memory[..], &["--era", era]].concat()), by_rule(expected));
    }
    sandbox.write("plae.toml", "era = \"both\"\n");
    assert_eq!(date(&[]), by_rule(both));
    // What a model gives is left as it is.
    assert_ne!(date(&["--quality", "fast"]).0, "rule");
    assert_ne!(date(&["--ids"]).0, "rule");
    translate(&sandbox, &[&jsonl[..], &["--quality", "fast", "--era", "be"]].concat())
        .ends(2, &["--era is not for --quality fast"]);
}

#[test]
fn an_untouched_output_teaches_nothing_in_any_era() {
    let sandbox = Sandbox::with(&[("a.txt", LINES)]);
    for era in ["ce", "be", "both", "keep"] {
        translate(
            &sandbox,
            &["-o", "a.tsv", "--format", "tsv", "--memory", "m.sqlite", "--era", era],
        )
        .ends(0, &[]);
        sandbox
            .run(&["memory", "--memory", "m.sqlite", "learn", "a.tsv"])
            .ends(0, &["0 edits learned, 3 as they were"]);
    }
    let edited = sandbox
        .read("a.tsv")
        .replace("Press conference, Thursday", "Briefing on Thursday");
    sandbox.write("a.tsv", edited);
    sandbox
        .run(&["memory", "--memory", "m.sqlite", "learn", "a.tsv"])
        .ends(0, &["1 edit learned, 2 as they were"]);
    // A person's translation stays as the person wrote it.
    translate(
        &sandbox,
        &["-o", "a.tsv", "--format", "tsv", "--memory", "m.sqlite", "--era", "ce"],
    )
    .ends(0, &[]);
    assert!(
        sandbox
            .read("a.tsv")
            .contains("Briefing on Thursday, 9 November B.E. 2566")
    );
}
