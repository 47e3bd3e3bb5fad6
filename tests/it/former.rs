//! Archives and memories of the plae before: `tests/golden/former` holds some, which go on as if nothing had happened.

use super::{Outcome, Sandbox, run};
use rusqlite::Connection;
use std::fs;

const FORMER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/former");
const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/seq2seq/marian-prefix");
const MEMORY: &str = "out/.plae/memory.sqlite";
const TRANSLATE: [&str; 7] = ["translate", "in", "--model", MODEL, "--max-tokens", "6", "--force"];

/// A copy of everything that the plae before has left.
fn copied() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in [
        "in/market.txt",
        "in/school.txt",
        "out/market.tsv",
        "out/school.tsv",
        MEMORY,
        "memory.tmx",
        "memory.tsv",
        "memory.jsonl",
    ] {
        sandbox.write(name, fs::read(format!("{FORMER}/{name}")).expect(name));
    }
    sandbox
}

fn archive(sandbox: &Sandbox, options: &[&str]) -> Outcome {
    let fixed = [
        "archive",
        "in",
        "-o",
        "out",
        "--model",
        MODEL,
        "--max-tokens",
        "6",
        "--format",
        "tsv",
    ];
    let mut command = sandbox.command(&[&fixed[..], options].concat());
    command.env("SOURCE_DATE_EPOCH", "1700000000");
    run(command, b"")
}

/// A column of texts from a memory's file.
fn ask(sandbox: &Sandbox, memory: &str, query: &str) -> Vec<String> {
    let connection = Connection::open(sandbox.path(memory)).expect("a database");
    let mut statement = connection.prepare(query).expect("a query");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.map(|row| row.expect("a text")).collect()
}

fn model_names(sandbox: &Sandbox, memory: &str) -> Vec<String> {
    let stats = ["memory", "stats", "--format", "json", "--memory", memory];
    let stats = sandbox.run(&stats).ends(0, &[]).stdout;
    let stats: serde_json::Value = serde_json::from_str(&stats).expect("an object");
    let systems = stats["systems"].as_array().expect("systems");
    systems
        .iter()
        .map(|system| system["model"].as_str().expect("a name").to_owned())
        .collect()
}

/// The columns of a table of segments that no later plae has changed: up to the reason why the translation ended.
fn texts(table: &str) -> Vec<Vec<String>> {
    let columns = |line: &str| line.split('\t').take(7).map(str::to_owned).collect();
    table.lines().map(columns).collect()
}

/// Checks that a run had no need of the model's weights.
#[track_caller]
fn translates_nothing(outcome: &Outcome) {
    assert!(!outcome.stderr.contains("tokens/s"), "{}", outcome.stderr);
}

#[test]
fn a_former_archive_is_unchanged() {
    let sandbox = copied();
    let outputs = || ["out/market.tsv", "out/school.tsv"].map(|name| sandbox.read(name));
    let before = outputs();
    assert!(before[0].contains("The cat sleeps on the roof"));
    for _ in 0..2 {
        let again = archive(&sandbox, &[]).ends(0, &["0 of 2 articles translated, 2 unchanged", " 0 sentences new"]);
        assert!(!again.stderr.contains("loaded in"), "{}", again.stderr);
        for manner in ask(&sandbox, MEMORY, "SELECT manner FROM article") {
            let manner: serde_json::Value = serde_json::from_str(&manner).expect("a manner in JSON");
            assert_eq!(manner["model"]["name"], "marian-prefix");
        }
    }
    assert_eq!(outputs(), before);
    // The size of batches changes no text, so it changes no manner.
    archive(&sandbox, &["--batch-tokens", "512"]).ends(0, &["2 unchanged"]);
    // All of it is in the memory, and what is new goes beside it.
    archive(&sandbox, &["--force"]).ends(0, &["2 of 2 articles translated", " 0 sentences new"]);
    assert_eq!(outputs().map(|table| texts(&table)), before.map(|table| texts(&table)));
    sandbox.write("in/new.txt", "ครูสอนเลขในตอนบ่าย\n\nฝนตกแล้ว\n");
    archive(&sandbox, &[]).ends(0, &["1 of 3 articles translated, 2 unchanged", " 1 sentence new"]);
    let systems = ask(&sandbox, MEMORY, "SELECT description FROM system");
    assert_eq!(systems.len(), 1);
    assert!(
        systems[0].starts_with("{\"model\":{\"name\":\"marian-prefix\","),
        "{systems:?}"
    );
}

#[test]
fn a_former_memory_is_recalled() {
    let sandbox = copied();
    assert_eq!(model_names(&sandbox, MEMORY), ["marian-prefix"]);
    let options = ["-o", "again", "--format", "tsv", "--memory", MEMORY];
    let outcome = sandbox
        .run(&[&TRANSLATE[..], &options].concat())
        .ends(0, &["2 of 2 inputs"]);
    translates_nothing(&outcome);
    for name in ["market.tsv", "school.tsv"] {
        assert_eq!(
            texts(&sandbox.read(&format!("again/{name}"))),
            texts(&sandbox.read(&format!("out/{name}")))
        );
    }
    assert_eq!(model_names(&sandbox, MEMORY), ["marian-prefix"]);
    let found = ["memory", "search", "ครู", "--memory", MEMORY];
    let found = sandbox.run(&found).ends(0, &[]).stdout;
    assert!(found.contains("by marian-prefix, 20"), "{found}");
    let found = ["memory", "search", "แมว", "--memory", MEMORY];
    let found = sandbox.run(&found).ends(0, &[]).stdout;
    assert!(
        found.starts_with("แมวนอนอยู่บนหลังคา\nThe cat sleeps on the roof\nby a person, 20"),
        "{found}"
    );
    // Another system is another's.
    let beam = [&TRANSLATE[..], &options, &["--beam", "2"]].concat();
    sandbox.run(&beam).ends(0, &["tokens/s"]);
    assert_eq!(ask(&sandbox, MEMORY, "SELECT description FROM system").len(), 2);
}

#[test]
fn former_exchange_files_are_imported() {
    for format in ["tmx", "tsv", "jsonl"] {
        let sandbox = copied();
        let (file, memory) = (format!("memory.{format}"), "new.sqlite");
        let import = ["memory", "import", &file, "--memory", memory];
        sandbox.run(&import).ends(0, &["7 new\n"]);
        assert_eq!(model_names(&sandbox, memory), ["marian-prefix"]);
        // What goes out again is what came in.
        let export = ["memory", "export", "--format", format, "--memory", memory];
        assert_eq!(sandbox.run(&export).ends(0, &[]).stdout, sandbox.read(&file));
        let options = ["-o", "again", "--format", "tsv", "--memory", memory];
        let translate = [&TRANSLATE[..], &options].concat();
        translates_nothing(&sandbox.run(&translate).ends(0, &["2 of 2 inputs"]));
        // A second time they come under the former description once more, until the system is asked for.
        sandbox.run(&import).ends(0, &["6 new, 1 there already"]);
        translates_nothing(&sandbox.run(&translate).ends(0, &["2 of 2 inputs"]));
        assert_eq!(ask(&sandbox, memory, "SELECT source FROM machine").len(), 6);
        assert_eq!(model_names(&sandbox, memory), ["marian-prefix"]);
    }
}
