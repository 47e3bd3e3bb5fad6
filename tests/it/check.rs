//! `plae check`: pairs of every format in, reports of every format out, and what is refused.

use super::{Outcome, Sandbox};
use serde_json::Value;

const THAI: &str = "ชาวบ้านในชุมชนริมแม่น้ำร่วมกันทำความสะอาดถนนและปลูกต้นไม้เพิ่มขึ้นทุกปี\n\nฝนตกหนักในกรุงเทพมหานคร\nBBC\n";
const ENGLISH: &str = "Villagers along the river clean the streets together and plant more trees every year.\n\nฝน heavily in Bangkok\nBBC\n";

fn two_files() -> Sandbox {
    Sandbox::with(&[("a.th", THAI), ("b.en", ENGLISH)])
}

fn objects(outcome: &Outcome) -> Vec<Value> {
    let lines = outcome.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

/// The summary of a check in JSON lines, without the line for people.
#[track_caller]
fn summary(outcome: Outcome) -> Value {
    objects(&outcome.ends(0, &[])).pop().expect("a summary")
}

#[test]
fn two_files_are_checked_line_by_line() {
    let sandbox = two_files();
    let text = sandbox.run(&["check", "a.th", "b.en"]).ends(0, &[]).stdout;
    assert!(text.starts_with("line 3, score 0."), "{text}");
    assert!(
        text.contains("\n  ฝนตกหนักในกรุงเทพมหานคร\n  ฝน heavily in Bangkok\n  untranslated: "),
        "{text}"
    );
    assert!(
        text.ends_with("\n1 of 4 pairs to check (25.0 %): 1 untranslated\n"),
        "{text}"
    );
    let outcome = sandbox.run(&["check", "a.th", "b.en", "--format", "jsonl"]);
    let outcome = outcome.ends(0, &["a.th, b.en: 1 of 4 pairs to check"]);
    let lines = objects(&outcome);
    assert_eq!(lines.len(), 5);
    for (index, line) in lines[..4].iter().enumerate() {
        assert_eq!((&line["type"], &line["line"]), (&"pair".into(), &(index + 1).into()));
        assert_eq!(line["source"], THAI.lines().nth(index).unwrap());
        assert_eq!(line["flags"].as_array().unwrap().is_empty(), index != 2);
        assert_eq!(line["score"] == 1.0, index != 2, "{line}");
    }
    let flag = &lines[2]["flags"][0];
    assert_eq!(
        (&flag["flag"], &flag["severity"]),
        (&"untranslated".into(), &"warning".into())
    );
    assert_eq!(lines[4]["type"], "summary");
    assert_eq!(
        (&lines[4]["pairs"], &lines[4]["flagged"], &lines[4]["share"]),
        (&4.into(), &1.into(), &0.25.into())
    );
    assert_eq!(lines[4]["flags"]["untranslated"], 1);
}

#[test]
fn files_in_other_encodings_are_read() {
    let sandbox = two_files();
    let utf_16: Vec<u8> = format!("\u{feff}{ENGLISH}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    sandbox.write("b.en", utf_16);
    let thai: Vec<u8> = THAI
        .chars()
        .map(|c| {
            if c.is_ascii() {
                c as u8
            } else {
                (c as u32 - 0xe00 + 0xa0) as u8
            }
        })
        .collect();
    sandbox.write("a.th", &thai);
    let checked = sandbox.run(&["check", "a.th", "b.en", "--format", "jsonl"]);
    assert_eq!(summary(checked)["flagged"], 1);
    let named = [
        "check",
        "a.th",
        "b.en",
        "--format",
        "jsonl",
        "--encoding",
        "windows-874",
    ];
    assert_eq!(summary(sandbox.run(&named))["flagged"], 1);
    sandbox.write("b.en", b"Caf\xe9\n\nb\nc\n");
    sandbox
        .run(&["check", "a.th", "b.en"])
        .ends(1, &["b.en:byte 3: invalid UTF-8", "--encoding"]);
    let both = ["--encoding", "windows-874", "--encoding", "latin1"];
    sandbox
        .run(&[&["check", "a.th", "b.en"][..], &both].concat())
        .ends(0, &[]);
    sandbox
        .run(&["check", "a.th", "b.en", "--encoding", "klingon"])
        .ends(2, &["klingon"]);
}

#[test]
fn plaes_own_outputs_are_checked() {
    let sandbox = Sandbox::new();
    let article = include_str!("article.jsonl");
    let target = article
        .split("\"target\":\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    sandbox.write("a.jsonl", article.replacen(target, "ข่าว of the day", 1));
    let check = |name: &str| summary(sandbox.run(&["check", name, "--format", "jsonl"]));
    let expected = check("a.jsonl");
    assert_eq!(
        (&expected["pairs"], &expected["flagged"]),
        (&2.into(), &1.into()),
        "{expected}"
    );
    for format in ["tsv", "csv", "docx", "html", "md"] {
        let name = format!("b.{format}");
        sandbox.run(&["render", "a.jsonl", "-o", &name]).ends(0, &[]);
        assert_eq!(check(&name), expected, "{format}");
    }
    // A report can be checked again.
    sandbox
        .run(&["check", "a.jsonl", "-o", "report.jsonl"])
        .ends(0, &["a.jsonl -> report.jsonl: "]);
    assert_eq!(check("report.jsonl")["pairs"], expected["pairs"]);
}

#[test]
fn memories_and_tables_of_anyone_are_checked() {
    let sandbox = Sandbox::with(&[
        ("names.tsv", "id\tsource\ttarget\n1\tฝนตก\tRain\n2\tข่าว\t\n"),
        ("plain.tsv", "ฝนตก\tRain\nข่าว\t\n"),
        ("a.csv", "Source;Target\nฝนตก;Rain\nข่าว;\n"),
        (
            "a.jsonl",
            "{\"source\":\"ฝนตก\",\"target\":\"Rain\"}\n{\"source\":\"ข่าว\",\"target\":\"\"}\n",
        ),
        (
            "a.tmx",
            "<tmx version=\"1.4\"><header/><body>\
             <tu changeid=\"MT!\"><tuv xml:lang=\"th\"><seg>ฝนตก</seg></tuv><tuv xml:lang=\"en\"><seg>Rain</seg></tuv></tu>\
             <tu><tuv xml:lang=\"th\"><seg>ข่าว</seg></tuv><tuv xml:lang=\"en-GB\"><seg></seg></tuv></tu>\
             <tu><tuv xml:lang=\"th\"><seg>ลม</seg></tuv><tuv xml:lang=\"de\"><seg>Wind</seg></tuv></tu>\
             </body></tmx>",
        ),
    ]);
    for name in ["names.tsv", "plain.tsv", "a.csv", "a.jsonl", "a.tmx"] {
        let found = summary(sandbox.run(&["check", name, "--format", "jsonl"]));
        assert_eq!(
            (&found["pairs"], &found["flags"]["empty"]),
            (&2.into(), &1.into()),
            "{name}: {found}"
        );
        let piped = sandbox.feed(&["check", "-", "--format", "jsonl"], sandbox.read(name));
        if name != "a.csv" {
            assert_eq!(summary(piped), found, "{name}");
        }
    }
    sandbox
        .run(&["check", "a.tmx"])
        .ends(0, &["a.tmx: 1 unit without an English text"]);
    let csv = sandbox.feed(
        &["check", "-", "--from", "csv", "--format", "jsonl"],
        sandbox.read("a.csv"),
    );
    assert_eq!(summary(csv)["pairs"], 2);
    // What plae exports from a memory.
    sandbox
        .run(&["memory", "import", "a.jsonl", "--memory", "m"])
        .ends(0, &["1 new"]);
    for format in ["tsv", "csv", "jsonl", "tmx"] {
        let name = format!("export.{format}");
        sandbox
            .run(&["memory", "export", "-o", &name, "--memory", "m"])
            .ends(0, &[]);
        let found = summary(sandbox.run(&["check", &name, "--format", "jsonl"]));
        assert_eq!(found["pairs"], 1, "{format}");
    }
}

#[test]
fn reports_are_written_in_every_format() {
    let sandbox = two_files();
    let start = [
        ("c.html", "<!DOCTYPE html>"),
        ("c.tsv", "line\tscore\tflags\tsource\ttarget\tdetails\n1\t1.0"),
        ("c.jsonl", "{\"type\":\"pair\",\"line\":1,"),
        ("c.txt", "line 3, score 0."),
    ];
    for (name, start) in start {
        let note = format!("a.th, b.en -> {name}: 1 of 4 pairs to check");
        let args = ["check", "a.th", "b.en", "-o", name];
        sandbox.run(&args).ends(0, &[&note]);
        let report = sandbox.read(name);
        assert!(report.starts_with(start), "{report}");
        sandbox.run(&args).ends(1, &["the output exists", "--force"]);
        sandbox.run(&[&args[..], &["--force"]].concat()).ends(0, &[]);
        assert_eq!(sandbox.read(name), report);
    }
    let html = sandbox.read("c.html");
    assert!(
        html.contains("<li id=\"l3\">") && html.contains("<dt>1 untranslated</dt>"),
        "{html}"
    );
    sandbox
        .run(&["check", "a.th", "b.en", "-o", "c.xyz"])
        .ends(2, &["c.xyz", "--format"]);
    sandbox
        .run(&["check", "a.th", "b.en", "-o", "a.th"])
        .ends(2, &["the output is an input"]);
    sandbox
        .run(&["check", "a.th", "b.en", "-o", "."])
        .ends(1, &["is a directory"]);
    sandbox
        .run(&["check", "a.th", "b.en", "-o", "a.th/x.html"])
        .ends(1, &["a.th/x.html: cannot write"]);
    let quiet = sandbox
        .run(&["-q", "check", "a.th", "b.en", "--format", "tsv"])
        .ends(0, &[]);
    assert_eq!((quiet.stderr.as_str(), quiet.stdout.lines().count()), ("", 5));
}

#[test]
fn flags_are_chosen_and_decide_the_exit_code() {
    let sandbox = Sandbox::with(&[("a.th", "ฝนตก\nข่าว\n"), ("b.en", "ฝน\n\n")]);
    let run = |options: &[&str]| sandbox.run(&[&["check", "a.th", "b.en"][..], options].concat());
    let counts = |options: &[&str]| run(options).ends(0, &[]).stdout.lines().last().unwrap().to_owned();
    assert_eq!(counts(&[]), "2 of 2 pairs to check (100.0 %): 1 empty, 1 untranslated");
    assert_eq!(counts(&["--only", "empty"]), "1 of 2 pairs to check (50.0 %): 1 empty");
    assert_eq!(
        counts(&["--only", "number,thai-left"]),
        "1 of 2 pairs to check (50.0 %): 1 untranslated"
    );
    assert_eq!(
        counts(&["--skip", "empty", "--skip", "untranslated"]),
        "2 pairs, nothing to check"
    );
    for (options, code) in [
        (&["--fail-on", "any"][..], 1),
        (&["--fail-on", "number,empty"], 1),
        (&["--fail-on", "number"], 0),
        (&["--fail-on", "any", "--only", "number,date"], 0),
        (&["--fail-on", "any", "--format", "jsonl"], 1),
        (&["--fail-on", "any", "-o", "c.html"], 1),
    ] {
        run(options).ends(code, &[]);
    }
    assert!(sandbox.path("c.html").exists());
    run(&["--only", "numbr"]).ends(2, &["possible values", "number", "a similar value"]);
    run(&["--skip", "any"]).ends(2, &["possible values", "negation"]);
    run(&["--fail-on", "some"]).ends(2, &["any"]);
    run(&["--fail-on", "date", "--skip", "date"]).ends(2, &["--fail-on date can never happen"]);
    run(&["--fail-on", "date", "--only", "number"]).ends(2, &["--fail-on date can never happen"]);
    run(&["--only", "date", "--skip", "date"]).ends(2, &["date is in --only and in --skip"]);
}

#[test]
fn what_is_no_translation_is_refused_and_nothing_is_written() {
    let sandbox = Sandbox::with(&[
        ("a.th", "ก\n\nข\nค\n"),
        ("b.en", "a\n\nb\n"),
        ("empty", ""),
        ("a.txt", "ข่าว\n"),
        ("other.jsonl", "{\"text\":\"ก\"}\n"),
        ("no.jsonl", "{\"type\":\"header\"}\n"),
        ("bad.tmx", "<tmx><body><tu>"),
        ("bad.tsv", "a\tb\n"),
        ("bad.docx", "no zip"),
        ("page.html", "<p>ข่าว</p>"),
        ("page.md", "ข่าว\n"),
        ("dir/x", ""),
    ]);
    sandbox.write("zero.th", b"a\0b\n");
    let cases: &[(&[&str], i32, &[&str])] = &[
        (
            &["a.th", "b.en"],
            1,
            &["a.th:line 4: has no partner: a.th has 4 lines, b.en 3", "ค", "hint: "],
        ),
        (
            &["b.en", "a.th"],
            1,
            &["a.th:line 4: has no partner: b.en has 3 lines, a.th 4"],
        ),
        (&["empty", "empty2"], 1, &["empty2: no such file"]),
        (&["empty", "b.en"], 1, &["empty: has no lines"]),
        (&["a.th", "empty"], 1, &["empty: has no lines"]),
        (&["a.th", "a.th"], 2, &["a.th: is both the source and the translation"]),
        (&["a.th", "./dir/../a.th"], 2, &["is both the source"]),
        (&["-", "-"], 2, &["once only"]),
        (&["zero.th", "b.en"], 1, &["zero.th:byte 1: binary"]),
        (&["dir", "b.en"], 1, &["dir: is a directory", "name a file"]),
        (&["dir"], 1, &["dir: is a directory"]),
        (
            &["a.txt"],
            1,
            &["a.txt: is no file with both languages", "plae check SOURCE TARGET"],
        ),
        (&["empty"], 1, &["empty: is no file with both languages"]),
        (
            &["other.jsonl"],
            1,
            &["other.jsonl:line 1: has no `source` and `target`"],
        ),
        (&["no.jsonl"], 1, &["no.jsonl: has no pairs"]),
        (&["bad.tmx"], 1, &["bad.tmx:", "torn"]),
        (&["bad.tsv"], 1, &["bad.tsv: a table without columns"]),
        (&["bad.docx"], 1, &["bad.docx: no Word document"]),
        (
            &["page.html"],
            1,
            &["page.html: no Thai beside English", "can be checked"],
        ),
        (&["page.md"], 1, &["page.md: ", "can be checked"]),
        (&["a.th", "b.en", "--from", "tsv"], 2, &["--from is for one file"]),
        (&["bad.tsv", "--encoding", "utf-8"], 2, &["--encoding is for two files"]),
        (&["https://example.org/a"], 1, &["is an address of the web"]),
        (&["a.th", "missing"], 1, &["missing: no such file"]),
        (&[], 2, &["SOURCE"]),
    ];
    for (args, code, parts) in cases {
        let mut all = vec!["check", "-o", "out.jsonl"];
        all.extend(*args);
        sandbox.run(&all).ends(*code, parts);
        assert!(!sandbox.path("out.jsonl").exists(), "{args:?}");
    }
}

#[test]
fn control_characters_and_huge_lines_do_no_harm() {
    let huge = "ก".repeat(500_000);
    let sandbox = Sandbox::with(&[
        ("a.th", "ข่าว\u{1b}]x\u{7}\nฝน\u{202e}\n"),
        ("b.en", "ข\u{1b}[J\nฝ\r\u{9b}m\n"),
        ("huge.th", &format!("{huge}\n")),
        ("huge.en", &format!("{}\n", "word ".repeat(200_000))),
    ]);
    let text = sandbox
        .run(&["--color", "always", "check", "a.th", "b.en"])
        .ends(0, &[])
        .stdout;
    assert!(
        text.contains("\\u{1b}]x\\u{7}") && text.contains("\\u{202e}") && text.contains("\\u{9b}m"),
        "{text:?}"
    );
    assert!(text.contains("\u{1b}["), "{text:?}");
    let plain = sandbox.run(&["check", "a.th", "b.en"]).ends(0, &[]).stdout;
    assert!(!plain.contains(|c: char| c.is_control() && c != '\n'), "{plain:?}");
    let checked = sandbox.run(&["check", "huge.th", "huge.en", "--format", "jsonl"]);
    assert_eq!(summary(checked)["pairs"], 1);
}

#[cfg(unix)]
#[test]
fn outputs_that_fail_are_failures() {
    let sandbox = two_files();
    let run = |line: &str| {
        let mut command = std::process::Command::new("sh");
        let line = format!("{} {line}", env!("CARGO_BIN_EXE_plae"));
        command.args(["-c", &line]).current_dir(sandbox.path("."));
        command.env("HOME", sandbox.path("."));
        super::run(command, b"")
    };
    for format in ["text", "jsonl", "html", "tsv"] {
        run(&format!("check a.th b.en --format {format} >&-")).ends(1, &["standard output"]);
        if cfg!(target_os = "linux") {
            run(&format!("check a.th b.en --format {format} >/dev/full")).ends(1, &["no space left"]);
            run(&format!("check a.th b.en --format {format} -o /dev/full")).ends(1, &["/dev/full: cannot write"]);
        }
    }
    // A reader that goes away is no failure, but what was found stays found.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    for (fail, code) in [("number", 0), ("any", 1)] {
        let mut command = sandbox.command(&["check", "a.th", "b.en", "--fail-on", fail]);
        let output = command.stdout(writer.try_clone().unwrap()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
    }
}

#[test]
fn a_model_scores_pairs_where_one_is_named() {
    const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/seq2seq/marian-prefix");
    let sandbox = two_files();
    sandbox.write("plae.toml", format!("model = {MODEL:?}\n"));
    let args = ["check", "a.th", "b.en", "--format", "jsonl"];
    let without = objects(&sandbox.run(&args).ends(0, &[]));
    assert!(without.iter().all(|line| line.get("contrastive").is_none()));
    let outcome = sandbox.run(&[&args[..], &["--model", MODEL]].concat());
    let with = objects(&outcome.ends(0, &["model ", "a.th, b.en: "]));
    assert_eq!(with.len(), 5);
    for (index, line) in with[..4].iter().enumerate() {
        // The second line is blank.
        assert_eq!(
            line["log_probability"].as_f64().is_some_and(|score| score < 0.0),
            index != 1,
            "{line}"
        );
        assert_eq!(line["contrastive"].is_f64(), index != 1, "{line}");
    }
    sandbox
        .run(&["check", "a.th", "b.en", "--device", "cpu"])
        .ends(2, &["--model"]);
    sandbox
        .run(&["check", "a.th", "b.en", "--model", "nothing"])
        .ends(2, &["nothing"]);
}
