//! `plae memory`: what people edit comes back, and memories go out and in.

use super::{Outcome, Sandbox, THAI, run};
use rusqlite::Connection;
use std::fs;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/seq2seq/marian-prefix");
const MEMORY: &str = "out/.plae/memory.sqlite";

/// Translates `in` into `out`, as an archive.
fn archive(sandbox: &Sandbox, options: &[&str]) -> Outcome {
    let fixed = ["archive", "in", "-o", "out", "--model", MODEL, "--max-tokens", "6"];
    let formats = ["--format", "tsv", "--format", "jsonl", "--format", "docx"];
    let mut command = sandbox.command(&[&fixed[..], &formats, options].concat());
    command.env("SOURCE_DATE_EPOCH", "1700000000");
    run(command, b"")
}

/// Two articles with a sentence in common, translated.
fn translated() -> Sandbox {
    let sandbox = Sandbox::with(&[("in/a.txt", THAI), ("in/b.txt", "น้ำท่วม\n\nฝนตกหนักในกรุงเทพมหานคร\n")]);
    archive(&sandbox, &[]).ends(0, &["2 of 2 articles translated", "3 sentences new"]);
    sandbox
}

/// Rows of texts from a memory's file.
fn ask(sandbox: &Sandbox, memory: &str, query: &str) -> Vec<String> {
    let connection = Connection::open(sandbox.path(memory)).expect("a database");
    let mut statement = connection.prepare(query).expect("a query");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.map(|row| row.expect("a text")).collect()
}

/// The translation of the sentence that both articles have, in an article's table.
fn rain(sandbox: &Sandbox, table: &str) -> String {
    let table = sandbox.read(table);
    let row = table
        .lines()
        .find(|line| line.contains("ฝนตกหนัก"))
        .expect("the sentence");
    row.split('\t').nth(4).expect("a target").to_owned()
}

/// Changes that translation.
fn edit(sandbox: &Sandbox, table: &str, target: &str) {
    let made = rain(sandbox, table);
    let edited = sandbox
        .read(table)
        .replace(&format!("\t{made}\t"), &format!("\t{target}\t"));
    sandbox.write(table, edited);
}

#[test]
fn edits_survive_further_runs_whatever_the_model() {
    let sandbox = translated();
    edit(&sandbox, "out/a.tsv", "Torrential rain hit Bangkok");
    let learn = ["memory", "learn", "out/a.tsv", "--memory", "out"];
    sandbox.run(&learn).ends(
        0,
        &["out/a.tsv: 1 edit learned, 1 as they were", "hint:", "plae archive"],
    );
    sandbox.run(&learn).ends(0, &["0 edits learned, 2 as they were"]);
    // All carry the edit at once, the edited file itself too.
    archive(&sandbox, &[]).ends(
        0,
        &[
            "1 output written again with the edits",
            "2 of 2 articles translated",
            " 0 sentences new",
        ],
    );
    assert_eq!(rain(&sandbox, "out/b.tsv"), "Torrential rain hit Bangkok");
    let runs: [&[&str]; 4] = [
        &["--force"],
        &["--force", "--beam", "2"],
        &["--force", "--normalize", "off"],
        &["--force", "--quality", "fast"],
    ];
    for options in runs {
        archive(&sandbox, options).ends(0, &["2 of 2 articles translated"]);
        for output in ["out/a.tsv", "out/b.tsv"] {
            assert_eq!(rain(&sandbox, output), "Torrential rain hit Bangkok", "{options:?}");
        }
        let line = sandbox.read("out/a.jsonl");
        let line = line.lines().find(|line| line.contains("Torrential")).expect("the edit");
        assert!(
            line.contains("\"score\":null,\"finish\":\"stop\",\"flags\":[]"),
            "{line}"
        );
    }
    // A second edit takes the place of the first, and the other formats are read too.
    let jsonl = sandbox
        .read("out/b.jsonl")
        .replace("Torrential rain hit Bangkok", "Heavy rain in Bangkok");
    sandbox.write("edited.jsonl", jsonl);
    let files = [
        "memory",
        "learn",
        "edited.jsonl",
        "out/b.docx",
        "missing.tsv",
        "--memory",
        "out",
    ];
    sandbox.run(&files).ends(
        1,
        &[
            "edited.jsonl: 1 edit learned",
            // Its edit is the first one, which nobody wants back.
            "out/b.docx: 0 edits learned",
            "missing.tsv: no such file",
            "3 files: 1 edit",
        ],
    );
    archive(&sandbox, &["--force"]).ends(0, &[]);
    assert_eq!(rain(&sandbox, "out/a.tsv"), "Heavy rain in Bangkok");
    assert_eq!(
        ask(&sandbox, MEMORY, "SELECT target FROM human"),
        ["Heavy rain in Bangkok"]
    );
    // `translate` has it from the same memory.
    let translate = [
        "translate",
        "in/a.txt",
        "--model",
        MODEL,
        "--max-tokens",
        "6",
        "--memory",
        MEMORY,
    ];
    let plain = sandbox
        .run(&[&translate[..], &["--format", "plain"]].concat())
        .ends(0, &[]);
    assert!(plain.stdout.contains("Heavy rain in Bangkok"), "{}", plain.stdout);
    // And the machine has its way again when people's translations go.
    let prune = ["memory", "prune", "--human", "--older-than", "0s", "--memory", "out"];
    sandbox
        .run(&[&prune[..], &["--dry-run"]].concat())
        .ends(0, &["1 translation would be deleted"]);
    sandbox.run(&prune).ends(0, &["1 translation deleted", "freed"]);
    archive(&sandbox, &[]).ends(0, &["2 of 2 articles translated", " 0 sentences new"]);
    assert_ne!(rain(&sandbox, "out/b.tsv"), "Heavy rain in Bangkok");
}

#[test]
fn a_memory_goes_out_and_comes_in_again() {
    let sandbox = translated();
    edit(&sandbox, "out/a.tsv", "Torrential rain");
    sandbox
        .run(&["memory", "learn", "out/a.tsv", "--memory", "out"])
        .ends(0, &[]);
    let rows = "SELECT source || target || made FROM human UNION ALL SELECT \
                description || source || target || score || finish || flags || source_tokens || target_tokens || made \
                FROM machine JOIN system ON id = system ORDER BY 1";
    let expected = ask(&sandbox, MEMORY, rows);
    assert_eq!(expected.len(), 4);
    for format in ["tmx", "tsv", "csv", "jsonl"] {
        let (file, memory) = (format!("all.{format}"), format!("{format}.sqlite"));
        let export = ["memory", "export", "-o", &file, "--memory", MEMORY];
        sandbox.run(&export).ends(0, &[&format!("{MEMORY} -> {file}")]);
        sandbox.run(&export).ends(1, &["the output exists", "--force"]);
        let import = ["memory", "--memory", &memory, "import", &file];
        sandbox.run(&import).ends(0, &[&format!("{file} -> {memory}: 4 new\n")]);
        sandbox.run(&import).ends(0, &["0 new, 4 there already"]);
        assert_eq!(ask(&sandbox, &memory, rows), expected, "{format}");
        let streamed = ["memory", "export", "--format", format, "--memory", &memory];
        let streamed = sandbox.run(&streamed).ends(0, &[]).stdout;
        assert_eq!(streamed, sandbox.read(&file));
        let import = ["memory", "import", "-", "--format", format, "--memory", "out"];
        sandbox
            .feed(&import, &streamed)
            .ends(0, &["standard input", "0 new, 4 there already"]);
    }
    // The machine finds what came in: nothing is translated again.
    fs::create_dir_all(sandbox.path("other/.plae")).expect("a directory");
    fs::rename(sandbox.path("tmx.sqlite"), sandbox.path("other/.plae/memory.sqlite")).expect("moved");
    let other = [
        "archive",
        "in",
        "-o",
        "other",
        "--model",
        MODEL,
        "--max-tokens",
        "6",
        "--format",
        "tsv",
    ];
    sandbox
        .run(&other)
        .ends(0, &["2 of 2 articles translated", " 0 sentences new"]);
    assert_eq!(rain(&sandbox, "other/b.tsv"), "Torrential rain");
}

#[test]
fn a_memory_is_described_and_searched() {
    let sandbox = translated();
    sandbox.write("team.tmx", "<tmx version='1.4'><body><tu><tuv lang='th-TH'><seg>ฝนตกหนักในกรุงเทพ</seg></tuv><tuv lang='EN'><seg>Rain &amp; wind</seg></tuv></tu></body></tmx>");
    // In the directory of the archive it need not be named.
    let inside = |args: &[&str]| {
        let mut command = sandbox.command(args);
        command.current_dir(sandbox.path("out"));
        run(command, b"")
    };
    inside(&["memory", "import", "../team.tmx"]).ends(0, &["1 new"]);
    let text = inside(&["memory", "stats"]).ends(0, &[]).stdout;
    for part in [
        "by machines   3\n",
        "by people     1\n",
        "sources       4, 0 of them",
        "marian-prefix",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let json = inside(&["memory", "stats", "--format", "json"]).ends(0, &[]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("an object");
    assert_eq!((&json["machine"], &json["human"]), (&3.into(), &1.into()));
    assert_eq!(json["systems"][0]["model"], "marian-prefix");
    assert!(json["bytes"].as_u64() > Some(4096), "{json}");
    let found = inside(&["memory", "search", "WIND"]).ends(0, &[]).stdout;
    assert!(
        found.starts_with("ฝนตกหนักในกรุงเทพ\nRain & wind\nby a person, 20"),
        "{found}"
    );
    let found = inside(&["memory", "search", "ฝน", "--format", "jsonl", "--limit", "1"])
        .ends(0, &["--limit shows more"])
        .stdout;
    assert_eq!(found.lines().count(), 1);
    assert!(
        found.starts_with("{\"source\":\"ฝนตกหนักในกรุงเทพ\",\"target\":\"Rain & wind\",\"made\":\"20"),
        "{found}"
    );
    let fuzzy = inside(&["memory", "search", "--fuzzy", "ฝนตกหนักในกรุงเทพฯ"])
        .ends(0, &[])
        .stdout;
    let by: Vec<&str> = fuzzy
        .lines()
        .filter_map(|line| line.split_once(" %, by "))
        .map(|(share, _)| share)
        .collect();
    assert_eq!(by, ["94", "73"], "{fuzzy}");
    inside(&["memory", "search", "หิมะ"]).ends(0, &["nothing found"]);
}

#[test]
fn what_cannot_be_is_told() {
    let sandbox = translated();
    sandbox.write("bad.tmx", "<tmx>\n<body><tu></body>");
    sandbox.write("a.txt", "ฝน\train\n");
    let cases: [(&[&str], i32, &str); 14] = [
        (&["memory", "stats"], 2, "no such translation memory"),
        (
            &["memory", "stats", "--memory", "none.sqlite"],
            2,
            "none.sqlite: no such",
        ),
        (
            &["memory", "learn", "in/a.txt", "--memory", "out"],
            2,
            "--format tsv|csv|jsonl|docx|html|md",
        ),
        (&["memory", "stats", "--memory", "a.txt"], 2, "not a translation memory"),
        (
            &["memory", "search", " ", "--memory", "out"],
            2,
            "nothing to search for",
        ),
        (
            &["memory", "search", "a", "--limit", "0", "--memory", "out"],
            2,
            "at least 1",
        ),
        (
            &["memory", "import", "bad.tmx", "--memory", "new.sqlite"],
            1,
            "bad.tmx:line 2, column 11: not well-formed",
        ),
        (
            &["memory", "import", "a.txt", "--memory", "out"],
            2,
            "--format tmx|tsv|csv|jsonl",
        ),
        (
            &["memory", "import", "out/a.tsv", "--memory", "out"],
            1,
            "plae memory learn",
        ),
        (
            &["memory", "import", "gone.tmx", "--memory", "out"],
            1,
            "gone.tmx: no such file",
        ),
        (
            &["memory", "learn", "in/a.txt", "--format", "docx", "--memory", "out"],
            1,
            "no Word document",
        ),
        (&["memory", "prune", "--memory", "out"], 2, "--older-than"),
        (
            &["memory", "prune", "--older-than", "soon", "--memory", "out"],
            2,
            "such as 90d",
        ),
        (
            &["memory", "prune", "--human", "--flagged", "--memory", "out"],
            2,
            "cannot be used with",
        ),
    ];
    for (args, code, part) in cases {
        sandbox.run(args).ends(code, &[part]);
    }
    assert!(!sandbox.path("none.sqlite").exists());
    sandbox
        .run(&["memory", "import", "a.txt", "--format", "tsv", "--memory", "new.sqlite"])
        .ends(0, &["1 new"]);
    sandbox.write("torn.jsonl", "{\"source\":\"ลม\",\"target\":\"wind\"}\n{\"source\":");
    let torn = ["memory", "import", "torn.jsonl", "--memory", "new.sqlite"];
    sandbox
        .run(&torn)
        .ends(1, &["torn.jsonl:line 2: ", "what stands before the damage is added"]);
    let targets = ask(&sandbox, "new.sqlite", "SELECT target FROM human ORDER BY 1");
    assert_eq!(targets, ["rain", "wind"]);
    let prune = [
        "memory",
        "prune",
        "--system",
        "marian",
        "--older-than",
        "1h",
        "--memory",
        "out",
    ];
    sandbox.run(&prune).ends(0, &["0 translations deleted"]);
    sandbox
        .run(&["memory", "prune", "--system", "marian", "--memory", "out"])
        .ends(0, &["3 translations deleted"]);
    archive(&sandbox, &["--force"]).ends(0, &["3 sentences new"]);
}

/// The segment of a jsonl with a text in its source.
fn segment(lines: &str, part: &str) -> serde_json::Value {
    let line = lines.lines().find(|line| line.contains(part)).expect("a segment");
    serde_json::from_str(line).expect("JSON")
}

/// Has people teach a memory.
fn teach(sandbox: &Sandbox, memory: &str, source: &str, target: &str) {
    let import = ["memory", "import", "-", "--format", "tsv", "--memory", memory];
    sandbox
        .feed(&import, format!("{source}\t{target}\n"))
        .ends(0, &["1 new"]);
}

#[test]
fn a_sentence_that_is_nearly_a_persons_is_flagged() {
    let sandbox = Sandbox::with(&[("a.txt", THAI)]);
    let translate = [
        "translate",
        "--model",
        MODEL,
        "--max-tokens",
        "6",
        "--memory",
        "m.sqlite",
    ];
    let options = ["a.txt", "--format", "jsonl"];
    let read = |options: &[&str]| sandbox.run(&[&translate[..], options].concat()).ends(0, &[]).stdout;
    let before = segment(&read(&options), "ฝนตกหนัก");
    assert!(before.get("similar").is_none(), "{before}");
    teach(
        &sandbox,
        "m.sqlite",
        "ฝนตกหนักในกรุงเทพมหานครฯ",
        "Heavy rain in the capital",
    );
    let similar = serde_json::json!({
        "source": "ฝนตกหนักในกรุงเทพมหานครฯ", "target": "Heavy rain in the capital", "similarity": 0.9583
    });
    let check = |found: &serde_json::Value| {
        assert_eq!(found["similar"], similar, "{found}");
        let flags = found["flags"].as_array().expect("flags");
        let old = before["flags"].as_array().expect("flags");
        assert_eq!(*flags, [&old[..], &["similar".into()]].concat());
        assert_eq!(found["target"], before["target"]);
    };
    // From the memory, with or without normalisation, and as the model makes it anew.
    let known = read(&options);
    check(&segment(&known, "ฝนตกหนัก"));
    assert!(segment(&known, "ข่าวเด่น").get("similar").is_none(), "{known}");
    let made = read(&[&options[..], &["--min-tokens", "0"]].concat());
    check(&segment(&made, "ฝนตกหนัก"));
    let other = read(&[&options[..], &["--normalize", "off"]].concat());
    assert_eq!(segment(&other, "ฝนตกหนัก")["similar"], similar);
    let text = read(&["a.txt", "--format", "text"]);
    assert!(text.contains("similar]"), "{text}");
    let html = read(&["a.txt", "--format", "html"]);
    for part in [
        "similar sentence. 95 % alike: ",
        "ฝนตกหนักในกรุงเทพมหานครฯ</q>",
        "Heavy rain in the capital</q>",
    ] {
        assert!(html.contains(part), "{html}");
    }
    // A filter's rows too, and any format again from the record.
    let rows = [&translate[..], &["--from", "jsonl", "-"]].concat();
    let row = sandbox
        .feed(&rows, "{\"text\":\"ฝนตกหนักในกรุงเทพมหานคร\"}\n")
        .ends(0, &["1 row, 1 segment (1 to check)"]);
    let row: serde_json::Value = serde_json::from_str(&row.stdout).expect("JSON");
    check(&row["segments"][0]);
    assert!(row["flags"].to_string().contains("\"similar\""), "{row}");
    sandbox.write("a.jsonl", &known);
    let again = sandbox
        .run(&["render", "a.jsonl", "--format", "html"])
        .ends(0, &[])
        .stdout;
    assert!(again.contains("Heavy rain in the capital</q>"), "{again}");
    // None of it is kept, and what a person made of the sentence itself is no machine's.
    assert_eq!(
        ask(
            &sandbox,
            "m.sqlite",
            "SELECT source FROM machine WHERE flags LIKE '%similar%'"
        ),
        [""; 0]
    );
    teach(&sandbox, "m.sqlite", "ฝนตกหนักในกรุงเทพมหานคร", "Heavy rain in Bangkok");
    for options in [&options[..], &[&options[..], &["--normalize", "off"]].concat()] {
        let own = segment(&read(options), "ฝนตกหนัก");
        assert_eq!(
            (&own["target"], &own["flags"]),
            (&"Heavy rain in Bangkok".into(), &serde_json::json!([]))
        );
        assert!(own.get("similar").is_none(), "{own}");
    }
}

#[test]
fn an_archive_shows_what_people_translated_since() {
    let sandbox = translated();
    archive(&sandbox, &[]).ends(0, &["0 of 2 articles translated, 2 unchanged"]);
    let similar = || {
        ["out/a.jsonl", "out/b.jsonl"].map(|output| {
            let found = segment(&sandbox.read(output), "ฝนตกหนัก");
            found["similar"]["target"].as_str().map(str::to_owned)
        })
    };
    assert_eq!(similar(), [None, None]);
    teach(&sandbox, "out", "ฝนตกหนักในกรุงเทพมหานครฯ", "Heavy rain in the capital");
    archive(&sandbox, &[]).ends(0, &["2 of 2 articles translated", " 0 sentences new"]);
    let expected = Some("Heavy rain in the capital".to_owned());
    assert_eq!(similar(), [expected.clone(), expected]);
    for line in sandbox.read("out/report.jsonl").lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(record["flags"]["similar"], 1, "{record}");
    }
    assert!(
        sandbox
            .read("out/index.html")
            .contains("similar: a person translated a similar sentence")
    );
    archive(&sandbox, &[]).ends(0, &["0 of 2 articles translated, 2 unchanged"]);
    // A sentence that the model translates in this run.
    sandbox.write("in/c.txt", "ฝนตกหนักในกรุงเทพมหานครแล้ว\n");
    archive(&sandbox, &[]).ends(0, &["1 of 3 articles translated, 2 unchanged", " 1 sentence new"]);
    assert_eq!(
        segment(&sandbox.read("out/c.jsonl"), "ฝนตกหนัก")["similar"]["target"],
        "Heavy rain in the capital"
    );
    // It goes with the person's translation.
    sandbox
        .run(&["memory", "prune", "--human", "--older-than", "0s", "--memory", "out"])
        .ends(0, &["1 translation deleted"]);
    archive(&sandbox, &[]).ends(0, &["3 of 3 articles translated", " 0 sentences new"]);
    assert_eq!(similar(), [None, None]);
}

/// An export of more than anybody would wait for.
#[cfg(unix)]
#[test]
fn an_interrupted_export_leaves_nothing_beside_its_output() {
    let sandbox = Sandbox::with(&[("one.tsv", "ฝน\train\n"), ("out/all.tmx", "before")]);
    sandbox
        .run(&["memory", "import", "one.tsv", "--memory", "m.sqlite"])
        .ends(0, &["1 new"]);
    Connection::open(sandbox.path("m.sqlite"))
        .expect("a database")
        .execute_batch(
            "DROP TABLE human;
             CREATE VIEW human AS WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number LIMIT 100000000)
             SELECT 'ฝน' || n AS source, 'rain' AS target, 1 AS made FROM number;",
        )
        .expect("a view");
    let export = [
        "memory",
        "export",
        "-o",
        "out/all.tmx",
        "--force",
        "--memory",
        "m.sqlite",
    ];
    super::interrupt_while_writing(&sandbox, sandbox.command(&export), "out");
    assert_eq!(sandbox.files("out"), ["all.tmx"]);
    assert_eq!(sandbox.read("out/all.tmx"), "before");
}
