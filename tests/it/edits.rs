//! What people edit in outputs is never lost: it is learned, kept, or written again (issue 19, kinds 16, 23 and 30).

use super::{Outcome, Sandbox, THAI, run};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/seq2seq/marian-prefix");
const FORMATS: [&str; 5] = ["tsv", "jsonl", "docx", "html", "md"];

/// Translates `in` into `out` in all formats that can be learned from.
fn archive(sandbox: &Sandbox, options: &[&str]) -> Outcome {
    let mut args = vec!["archive", "in", "-o", "out", "--model", MODEL, "--max-tokens", "6"];
    args.extend(FORMATS.iter().flat_map(|format| ["--format", format]));
    let mut command = sandbox.command(&[&args[..], options].concat());
    command.env("SOURCE_DATE_EPOCH", "1700000000");
    run(command, b"")
}

fn translated() -> Sandbox {
    let sandbox = Sandbox::with(&[("in/a.txt", THAI)]);
    archive(&sandbox, &[]).ends(0, &["1 of 1 article translated"]);
    sandbox
}

/// The translation of the rain in a table.
fn rain(sandbox: &Sandbox, table: &str) -> String {
    let table = sandbox.read(table);
    let row = table
        .lines()
        .find(|line| line.contains("ฝนตกหนัก"))
        .expect("the sentence");
    row.split('\t').nth(4).expect("a target").to_owned()
}

/// Replaces the machine's translation of the rain in an output.
fn edit(sandbox: &Sandbox, output: &str, target: &str) {
    let made = rain(sandbox, "out/a.tsv");
    let text = sandbox.read(output);
    let edited = text.replacen(&made, target, 10);
    assert_ne!(edited, text, "{output}");
    sandbox.write(output, edited);
}

#[test]
fn an_output_whose_edits_were_all_learned_is_written_anew_without_force() {
    for format in ["tsv", "jsonl", "html", "md"] {
        let sandbox = translated();
        let output = format!("out/a.{format}");
        edit(&sandbox, &output, "Torrential rain");
        // No memory is named: it is that of the archive in which the output lies.
        let learned = format!("{output} -> out/.plae/memory.sqlite: 1 edit learned, 1 as they were");
        sandbox.run(&["memory", "learn", &output]).ends(0, &[&learned]);
        archive(&sandbox, &[]).ends(0, &["1 of 1 article translated"]);
        assert_eq!(rain(&sandbox, "out/a.tsv"), "Torrential rain");
        archive(&sandbox, &[]).ends(0, &["1 unchanged"]);
    }
}

#[test]
fn an_edit_after_the_lesson_and_other_changes_are_kept() {
    let sandbox = translated();
    edit(&sandbox, "out/a.tsv", "Torrential rain");
    sandbox
        .run(&["memory", "learn", "out/a.tsv"])
        .ends(0, &["1 edit learned"]);
    let later = sandbox.read("out/a.tsv").replace("Torrential rain", "Drizzle");
    sandbox.write("out/a.tsv", &later);
    let parts = ["a.tsv: the output was edited", "plae memory learn"];
    archive(&sandbox, &[]).ends(1, &parts);
    assert_eq!(sandbox.read("out/a.tsv"), later);
    // A column of notes, a row taken away, a translation taken away: the memory has none of them.
    let sandbox = translated();
    let table = sandbox.read("out/a.tsv").replace("\tend\n", "\tend\tnote\n");
    let made = rain(&sandbox, "out/a.tsv");
    sandbox.write(
        "out/a.tsv",
        table.replace(&made, "Torrential rain").replacen("\n1\t", "\n9\t", 1),
    );
    sandbox
        .run(&["memory", "learn", "out/a.tsv"])
        .ends(0, &["1 edit learned"]);
    archive(&sandbox, &[]).ends(1, &["a.tsv: the output was edited"]);
}

/// The hint is true: what cannot be learned from is not said to be.
#[test]
fn the_hint_for_a_format_that_cannot_be_learned_from_is_true() {
    let sandbox = Sandbox::with(&[("in/a.txt", THAI)]);
    let args = [
        "archive",
        "in",
        "-o",
        "out",
        "--model",
        MODEL,
        "--max-tokens",
        "6",
        "--format",
        "plain",
    ];
    sandbox.run(&args).ends(0, &[]);
    sandbox.write("out/a.en", "mine\n");
    sandbox.write("in/a.txt", format!("{THAI}\nลม\n"));
    let outcome = sandbox.run(&args).ends(
        1,
        &[
            "the output was edited",
            "move it away to keep the edits, which plae cannot learn from it",
        ],
    );
    assert!(!outcome.stderr.contains("memory learn"), "{}", outcome.stderr);
    assert_eq!(sandbox.read("out/a.en"), "mine\n");
}

#[test]
fn learning_makes_the_memory_that_it_names() {
    let sandbox = translated();
    edit(&sandbox, "out/a.html", "Torrential rain");
    sandbox.write("b.html", sandbox.read("out/a.html"));
    // The memory is new: there is nothing to compare with, and people have read the article.
    let parts = [
        "new/m.sqlite: a new memory",
        "b.html: 2 edits learned",
        "plae translate --memory new/m.sqlite",
    ];
    sandbox
        .run(&["memory", "learn", "b.html", "--memory", "new/m.sqlite"])
        .ends(0, &parts);
    let translate = [
        "translate",
        "in/a.txt",
        "--memory",
        "new/m.sqlite",
        "--model",
        MODEL,
        "--format",
        "plain",
    ];
    let plain = sandbox.run(&translate).ends(0, &[]).stdout;
    assert!(plain.contains("Torrential rain"), "{plain}");
    // Nor need one be named.
    let parts = [
        ".plae/memory.sqlite: a new memory",
        "b.html -> .plae/memory.sqlite: 2 edits learned",
    ];
    sandbox.run(&["memory", "learn", "b.html"]).ends(0, &parts);
    // A file that cannot be read makes none.
    sandbox.write("c.html", "<p>no page of plae</p>");
    let parts = [
        "c.html: no Thai beside English",
        "hint: only the page with both languages of `--format html`",
    ];
    sandbox
        .run(&["memory", "learn", "c.html", "gone.tsv", "--memory", "other.sqlite"])
        .ends(1, &parts);
    assert!(!sandbox.path("other.sqlite").exists());
}

#[test]
fn edited_outputs_are_rendered_as_clean_text() {
    let sandbox = translated();
    let made = rain(&sandbox, "out/a.tsv");
    sandbox
        .run(&["render", "out/a.tsv", "-o", "a.csv", "--format", "tsv"])
        .ends(0, &[]);
    for format in FORMATS {
        let output = format!("out/a.{format}");
        let expected = if format == "docx" { &made } else { "Torrential rain" };
        if format != "docx" {
            let text = sandbox.read(&output);
            sandbox.write(&output, text.replace(&made, expected));
        }
        let clean = sandbox
            .run(&["render", &output, "--layout", "target"])
            .ends(0, &["2 segments"])
            .stdout;
        assert!(clean.contains(expected), "{format}: {clean}");
        assert!(!clean.contains("ฝน") && !clean.contains("ข่าว"), "{format}: {clean}");
        if format != "jsonl" {
            assert!(!clean.contains("[!") && !clean.contains("Check:"), "{format}: {clean}");
        }
        let plain = sandbox
            .run(&["render", &output, "--format", "plain"])
            .ends(0, &[])
            .stdout;
        assert_eq!(
            plain.lines().filter(|line| !line.is_empty()).count(),
            2,
            "{format}: {plain}"
        );
        let both = sandbox.run(&["render", &output, "--format", "tsv"]).ends(0, &[]).stdout;
        assert!(both.contains("ฝนตกหนักในกรุงเทพมหานคร"), "{format}: {both}");
    }
    sandbox.write(
        "b.csv",
        "\u{feff}source;target;note\r\nฝน;'=Rain;x\r\n\"ลม\";\"Wind; strong\";\r\n",
    );
    let plain = sandbox
        .run(&["render", "b.csv", "--format", "plain"])
        .ends(0, &[])
        .stdout;
    assert_eq!(plain, "=Rain\n\nWind; strong\n");
    sandbox.write("c.docx", "no zip");
    sandbox
        .run(&["render", "c.docx"])
        .ends(1, &["c.docx: no Word document"]);
    sandbox.write("c.md", "# English\n\nonly\n");
    let parts = ["c.md: no Thai quoted above English", "can be rendered"];
    sandbox.run(&["render", "c.md"]).ends(1, &parts);
}

/// OWASP's "CSV injection": texts that a spreadsheet would run are harmless in exports, and come back unchanged.
#[test]
fn formulas_in_exports_are_harmless_and_come_back() {
    let sandbox = Sandbox::new();
    let formulas = ["=cmd|'/C calc'!A0", "+66 2 123", "-2+3", "@SUM(A1)", "'=quoted", "Rain"];
    let rows = formulas
        .map(|text| format!("ฝน {}\t{text}\n", text.escape_unicode()))
        .concat();
    let import = ["memory", "import", "-", "--format", "tsv", "--memory", "m.sqlite"];
    sandbox.feed(&import, format!("=ฝน\t=1+1\n{rows}")).ends(0, &["7 new"]);
    for format in ["tsv", "csv"] {
        let file = format!("all.{format}");
        sandbox
            .run(&["memory", "export", "-o", &file, "--memory", "m.sqlite"])
            .ends(0, &[]);
        let table = sandbox.read(&file);
        let separator = if format == "csv" { ',' } else { '\t' };
        assert_eq!(table.starts_with('\u{feff}'), format == "csv");
        for line in table.lines().skip(1) {
            for cell in line.split(separator) {
                assert!(!cell.trim_matches('"').starts_with(['=', '+', '-', '@']), "{line}");
            }
        }
        let parts = ["0 new, 7 there already"];
        sandbox
            .run(&["memory", "import", &file, "--memory", "m.sqlite"])
            .ends(0, &parts);
    }
    // Learned from a table that a spreadsheet program saved, too.
    let table = "id\tsource\ttarget\n0\tฝน\t'=A1\n";
    sandbox.write("edited.tsv", table);
    sandbox
        .run(&["memory", "learn", "edited.tsv", "--memory", "n.sqlite"])
        .ends(0, &["1 edit learned"]);
    let found = sandbox
        .run(&["memory", "search", "ฝน", "--memory", "n.sqlite"])
        .ends(0, &[])
        .stdout;
    assert!(found.contains("\n=A1\n"), "{found}");
}
