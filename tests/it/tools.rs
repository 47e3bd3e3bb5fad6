//! The tools beside translation: split, score, models, doctor, bench.

use super::{ENGLISH, Sandbox, THAI};
use serde_json::Value;

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

#[test]
fn split_gives_a_segment_a_line() {
    let sandbox = Sandbox::with(&[("a.txt", THAI)]);
    assert_eq!(
        sandbox.run(&["split", "a.txt"]).ends(0, &[]).stdout,
        "ข่าวเด่นวันนี้\nฝนตกหนักในกรุงเทพมหานคร\n"
    );
    assert_eq!(sandbox.feed(&["split"], THAI).ends(0, &[]).stdout.lines().count(), 2);
}

#[test]
fn split_tells_where_each_segment_is() {
    let sandbox = Sandbox::with(&[("a.txt", THAI)]);
    let segments = lines(
        &sandbox
            .run(&["split", "a.txt", "--format", "jsonl"])
            .ends(0, &[])
            .stdout,
    );
    for segment in &segments {
        let at = |index: usize| segment["span"][index].as_u64().unwrap() as usize;
        assert_eq!(&THAI[at(0)..at(1)], segment["source"].as_str().unwrap());
    }
    assert_eq!(segments.len(), 2);
}

#[test]
fn split_explains_itself() {
    let text = "นายกรัฐมนตรีเดินทางถึงกรุงเทพฯ เมื่อวานนี้ ส่วนรัฐมนตรีต่างประเทศจะเดินทางไปญี่ปุ่นในวันพรุ่งนี้\n";
    let sandbox = Sandbox::with(&[("a.txt", text)]);
    let plain = sandbox.run(&["split", "a.txt", "--explain"]).ends(0, &[]).stdout;
    assert!(plain.lines().count() >= 2 && plain.contains('|'), "{plain}");
    assert!(!plain.contains('\u{1b}'), "{plain}");
    let summary = plain.lines().last().unwrap();
    let segments = sandbox.run(&["split", "a.txt"]).ends(0, &[]).stdout.lines().count();
    assert!(summary.starts_with(&format!("{segments} segment")), "{summary}");
    let coloured = sandbox
        .run(&["split", "a.txt", "--explain", "--color", "always"])
        .ends(0, &[]);
    assert!(coloured.stdout.contains('\u{1b}'), "{}", coloured.stdout);
    let candidates = lines(
        &sandbox
            .run(&["split", "a.txt", "--explain", "--format", "jsonl"])
            .ends(0, &[])
            .stdout,
    );
    for candidate in candidates {
        let offset = candidate["offset"].as_u64().unwrap() as usize;
        assert!(
            text[..offset].ends_with(candidate["before"].as_str().unwrap()),
            "{candidate}"
        );
    }
}

#[test]
fn score_compares_lines() {
    let sandbox = Sandbox::with(&[
        ("hyp.en", "The cat sat on the mat.\n"),
        ("ref.en", "The cat sat on the mat.\n"),
    ]);
    let plain = sandbox.run(&["score", "hyp.en", "ref.en"]).ends(0, &[]).stdout;
    assert!(plain.contains("BLEU") && plain.contains("100.00"), "{plain}");
    let json = sandbox
        .feed(&["score", "-", "ref.en", "--format", "jsonl"], "A dog sat there.\n")
        .ends(0, &[]);
    let scores = &lines(&json.stdout)[0];
    assert!(scores["chrf2"].as_f64().unwrap() < 50.0, "{scores}");
    sandbox.write("short.en", "");
    sandbox
        .run(&["score", "short.en", "ref.en"])
        .ends(1, &["short.en", "lines"]);
    sandbox.write("bad.en", b"\xff\n");
    sandbox
        .run(&["score", "bad.en", "ref.en"])
        .ends(1, &["bad.en:byte 0: not valid UTF-8"]);
}

#[test]
fn models_are_listed_and_described() {
    let sandbox = Sandbox::new();
    let list = sandbox.run(&["models", "list"]).ends(0, &[]).stdout;
    for name in ["gemma-3-270m", "opus-mt-th-en", "nllb-200-distilled-600m"] {
        assert!(list.contains(name), "{list}");
    }
    let sized = |name: &str| list.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(sized("gemma-3-270m").contains("253.11 MB"), "{list}");
    assert!(sized("madlad400-3b").contains("unknown"), "{list}");
    let objects = lines(&sandbox.run(&["models", "list", "--json"]).ends(0, &[]).stdout);
    assert_eq!(objects.len() + 1, list.lines().count());
    assert!(objects.iter().all(|object| object["path"].is_null()));
    let info = sandbox.run(&["models", "info", "gemma-3-270m"]).ends(0, &[]).stdout;
    assert!(
        info.contains("licence") && info.contains("not on this machine"),
        "{info}"
    );
    sandbox
        .run(&["models", "info", "gema-3-270m"])
        .ends(2, &["did you mean gemma-3-270m"]);
}

#[test]
fn models_that_are_not_here() {
    let sandbox = Sandbox::new();
    for command in ["path", "verify", "remove"] {
        sandbox
            .run(&["models", command, "gemma-3-270m"])
            .ends(2, &["gemma-3-270m is not on this machine"]);
    }
    sandbox
        .run(&["models", "pull", "gemma-3-270m"])
        .ends(2, &["switched off"]);
    sandbox
        .run(&["models", "verify"])
        .ends(0, &["no model is on this machine"]);
}

#[test]
fn doctor_says_what_is_missing() {
    let sandbox = Sandbox::with(&[("plae.toml", "precision = 'f32'\n")]);
    let page = sandbox
        .run(&["doctor"])
        .ends(1, &["cannot translate here yet: 1 problem"])
        .stdout;
    for part in [
        "candle",
        "backends      cpu",
        "device        cpu",
        "threads",
        "memory",
        "hub cache",
        "endpoint",
        "switched off",
        "precision = f32 (plae.toml)",
    ] {
        assert!(page.contains(part), "no {part:?} in {page}");
    }
    let mut online = sandbox.command(&["doctor"]);
    online.env_remove("PLAE_OFFLINE");
    super::run(online, b"").ends(0, &[]);
}

#[test]
fn bench_needs_thai_and_a_model() {
    let sandbox = Sandbox::with(&[("en.txt", ENGLISH), ("th.txt", THAI)]);
    sandbox.run(&["bench", "en.txt"]).ends(1, &["no Thai"]);
    sandbox
        .run(&["bench", "th.txt", "--split", "line", "--json"])
        .ends(2, &["no model"]);
    sandbox.run(&["bench", "missing.txt"]).ends(1, &["missing.txt"]);
}
