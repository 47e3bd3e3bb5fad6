//! `plae archive` and `plae merge` tell what they pass over and guess, and write only what is plae's.

use super::archive::{MODEL, archive, edit};
use super::{ENGLISH, Outcome, Sandbox, THAI, run};
use rusqlite::Connection;
use std::fs;

const DATABASE: &str = "out/.plae/memory.sqlite";

fn archived(sandbox: &Sandbox, options: &[&str]) -> Outcome {
    let fixed = ["archive", "in", "-o", "out", "--model", MODEL, "--max-tokens", "6"];
    let mut command = sandbox.command(&[&fixed[..], options].concat());
    command.env("SOURCE_DATE_EPOCH", "1700000000");
    run(command, b"")
}

/// The record of an article in the report.
fn record(sandbox: &Sandbox, place: &str) -> serde_json::Value {
    let report = sandbox.read("out/report.jsonl");
    let mut records = report
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    records
        .find(|record| record["place"] == place)
        .unwrap_or_else(|| panic!("no {place} in {report}"))
}

fn execute(sandbox: &Sandbox, statements: &str) {
    let connection = Connection::open(sandbox.path(DATABASE)).expect("a database");
    connection.execute_batch(statements).expect("statements");
}

#[test]
fn an_archive_tells_what_was_guessed_and_left() {
    let sandbox = Sandbox::new();
    // ฝนตกหนัก in TIS-620.
    let mut thai = b"\xbd\xb9\xb5\xa1\xcb\xb9\xd1\xa1 ".repeat(6);
    thai.push(b'\n');
    sandbox.write("in/old.txt", &thai);
    sandbox.write("in/empty.txt", "");
    sandbox.write("in/english.txt", ENGLISH);
    sandbox.write("in/code.md", "```\nฝนตกหนัก\nลมแรง\n```\n");
    sandbox.write("in/script.html", "<p></p><script>var a = 'ฝนตกหนัก';</script>");
    sandbox.write("in/some.md", "ฝนตกหนัก\n\n```\nลมแรง\n```\n");
    let told = archived(&sandbox, &[]).ends(
        0,
        &[
            "in/old.txt: read as windows-874; --encoding overrides",
            "in/empty.txt: empty",
            "in/english.txt: no Thai",
            "in/code.md: 2 lines with Thai left as it is, in code or markup, and no other Thai",
            "in/script.html: 1 line with Thai left as it is, in code or markup, and no other Thai",
            "in/some.md: 1 line with Thai left as it is, in code or markup",
        ],
    );
    assert_eq!(told.stderr.matches(": empty").count(), 1, "{}", told.stderr);
    let page = sandbox.read("out/index.html");
    for (place, kind, shown) in [
        ("old.txt", "encoding", "read as windows-874"),
        ("empty.txt", "empty", "empty, there is nothing to translate"),
        ("english.txt", "no-thai", "no Thai, passed through unchanged"),
        (
            "code.md",
            "all-thai-in-markup",
            "2 lines with Thai left as it is, in code or markup, and no other Thai",
        ),
        ("some.md", "thai-in-code", "1 line with Thai left as it is"),
    ] {
        assert_eq!(record(&sandbox, place)["notices"][0]["kind"], kind);
        assert!(page.contains(shown), "{shown}");
    }
    // `translate` says the same.
    for (name, part) in [
        (
            "code.md",
            "2 lines with Thai left as it is, in code or markup, and no other Thai",
        ),
        ("script.html", "1 line with Thai left as it is"),
        ("empty.txt", "empty"),
    ] {
        let args = ["translate", &format!("in/{name}"), "--format", "plain"];
        let told = sandbox.run(&args).ends(0, &[part]);
        assert_eq!(told.stderr.contains("empty"), name == "empty.txt", "{}", told.stderr);
    }
    // What is said of many articles is said of some, and counted.
    for number in 0..25 {
        sandbox.write(&format!("in/more/{number:02}.txt"), ENGLISH);
    }
    let told = archived(&sandbox, &[]).ends(0, &["5 articles more: no Thai"]);
    assert_eq!(told.stderr.matches(".txt: no Thai").count(), 20, "{}", told.stderr);
}

#[test]
fn what_is_passed_over_is_told_by_kind() {
    let sandbox = Sandbox::with(&[
        ("in/a.txt", ENGLISH),
        ("in/b.PDF", ""),
        ("in/d/b.docx", ""),
        ("in/d/c.docx", ""),
        ("in/README", ""),
        ("in/.draft.txt", ""),
        ("in/done.md", "Text.\n\n*Machine translated from Thai by plae 0.1*\n"),
        // An article about plae that only quotes the note.
        (
            "in/quote.txt",
            "Each ends \"Machine translated from Thai by plae 0.1\"\n",
        ),
    ]);
    #[cfg(unix)]
    for (name, target) in [("one.txt", "a.txt"), ("two", "d")] {
        std::os::unix::fs::symlink(target, sandbox.path(&format!("in/{name}"))).expect("a link");
    }
    let links = if cfg!(unix) { "2 links, " } else { "" };
    let expected =
        format!("passed over: 1 without extension, 2 .docx, 1 .pdf, {links}1 hidden, 1 written by plae (in/done.md)");
    archived(&sandbox, &[]).ends(0, &[&expected, "2 of 2 articles"]);
    archived(&sandbox, &["--dry-run"]).ends(0, &[&expected]);
    sandbox
        .run(&["translate", "in", "-o", "other"])
        .ends(0, &[&expected, "2 of 2 inputs"]);
    sandbox
        .run(&["translate", "in/d", "-o", "other"])
        .ends(1, &["no .txt, .md or .html file", "passed over: 2 .docx"]);
}

#[test]
fn an_article_that_is_gone_is_told_and_pruned_on_request() {
    let sandbox = archive(5);
    let article = |number: usize| format!("000/{number:05}.txt");
    let output = |number: usize| format!("out/000/{number:05}.html");
    archived(&sandbox, &[]).ends(0, &["5 of 5"]);
    fs::remove_file(sandbox.path("in/000/00000.txt")).expect("removed");
    fs::remove_file(sandbox.path("in/000/00001.txt")).expect("removed");
    fs::rename(sandbox.path("in/000/00002.txt"), sandbox.path("in/new.txt")).expect("renamed");
    sandbox.write(&output(1), "edited");
    archived(&sandbox, &[]).ends(
        0,
        &[
            "3 articles gone from in: 000/00000.txt, 000/00001.txt, 000/00002.txt (now new.txt); --prune",
            "1 of 3 articles translated, 2 unchanged",
            " 0 sentences new",
        ],
    );
    assert_eq!(
        record(&sandbox, &article(0))["gone"]["renamed_to"],
        serde_json::Value::Null
    );
    assert!(record(&sandbox, &article(0))["gone"].is_object());
    assert_eq!(record(&sandbox, &article(2))["gone"]["renamed_to"], "new.txt");
    assert!(record(&sandbox, &article(3))["gone"].is_null());
    let page = sandbox.read("out/index.html");
    for part in ["source deleted", "source renamed to new.txt", "<b>3</b> gone"] {
        assert!(page.contains(part), "{part}");
    }
    // What a filter leaves out is not gone, and a directory without articles is not believed.
    let told = archived(&sandbox, &["--include", "new.txt", "--prune", "--dry-run"]).ends(0, &[]);
    assert!(!told.stderr.contains("gone"), "{}", told.stderr);
    fs::rename(sandbox.path("in"), sandbox.path("away")).expect("renamed");
    fs::create_dir(sandbox.path("in")).expect("a directory");
    archived(&sandbox, &["--prune"]).ends(1, &["no .txt"]);
    fs::remove_dir(sandbox.path("in")).expect("removed");
    fs::rename(sandbox.path("away"), sandbox.path("in")).expect("renamed");
    assert!(sandbox.path(&output(3)).exists());

    archived(&sandbox, &["--prune"]).ends(
        0,
        &[
            "2 outputs removed",
            "00001.html: edited since plae wrote it, kept",
            "3 unchanged",
        ],
    );
    for (number, is_left) in [(0, false), (1, true), (2, false), (3, true)] {
        assert_eq!(sandbox.path(&output(number)).exists(), is_left, "{number}");
    }
    assert_eq!(sandbox.read(&output(1)), "edited");
    assert_eq!(sandbox.read("out/report.jsonl").lines().count(), 4);
    // One that comes back is none of the gone.
    edit(&sandbox, 0, 1);
    archived(&sandbox, &[]).ends(0, &["1 of 4 articles", "1 article gone from in: 000/00001.txt;"]);
}

#[test]
fn an_output_that_a_renamed_article_still_has_is_not_pruned() {
    let sandbox = Sandbox::with(&[("in/a.txt", THAI), ("in/b.txt", ENGLISH)]);
    archived(&sandbox, &[]).ends(0, &[]);
    fs::rename(sandbox.path("in/a.txt"), sandbox.path("in/a.md")).expect("renamed");
    archived(&sandbox, &["--prune"]).ends(0, &["a.txt (now a.md); 0 outputs removed"]);
    assert!(sandbox.path("out/a.html").exists());
    assert_eq!(sandbox.read("out/report.jsonl").lines().count(), 2);
}

#[test]
fn another_format_is_added_and_none_grows_old_unseen() {
    let sandbox = archive(2);
    archived(&sandbox, &["--format", "html"]).ends(0, &[]);
    archived(&sandbox, &["--format", "tsv"]).ends(0, &["2 of 2", " 0 sentences new"]);
    let formats = |number: usize| -> Vec<(String, bool)> {
        let record = record(&sandbox, &format!("000/{number:05}.txt"));
        let outputs = record["outputs"].as_array().expect("outputs").iter();
        outputs
            .map(|output| {
                (
                    output["format"].as_str().expect("a name").to_owned(),
                    output["outdated"] == true,
                )
            })
            .collect()
    };
    assert_eq!(formats(0), [("tsv".to_owned(), false), ("html".to_owned(), false)]);
    let page = sandbox.read("out/index.html");
    assert!(page.contains("./000/00000.html") && page.contains("./000/00000.tsv"));
    // A new edition, in one of the formats.
    edit(&sandbox, 0, 2);
    archived(&sandbox, &["--format", "tsv"]).ends(0, &["1 of 2"]);
    assert_eq!(formats(0), [("tsv".to_owned(), false), ("html".to_owned(), true)]);
    assert!(sandbox.read("out/index.html").contains("html</a> (outdated)"));
    let old = sandbox.read("out/000/00000.html");
    archived(&sandbox, &["--format", "html"]).ends(0, &["1 of 2 articles translated, 1 unchanged", " 0 sentences new"]);
    assert_ne!(sandbox.read("out/000/00000.html"), old);
    assert!(formats(0).iter().all(|(_, outdated)| !outdated));
    // Another archive's formats come with `merge`.
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
        "docx",
    ];
    let mut other = sandbox.command(&other);
    other.env("SOURCE_DATE_EPOCH", "1700000000");
    run(other, b"").ends(0, &[]);
    sandbox.run(&["merge", "other", "-o", "out"]).ends(0, &["2 articles"]);
    sandbox.run(&["merge", "other", "-o", "out"]).ends(0, &["0 articles"]);
    assert_eq!(formats(0).len(), 3);
    assert!(sandbox.path("out/000/00000.docx").exists());
    archived(&sandbox, &["--format", "html", "--format", "tsv", "--format", "docx"]).ends(0, &["2 unchanged"]);
}

#[test]
fn edits_that_were_learned_need_no_force_and_others_are_kept() {
    let sandbox = archive(3);
    let formats = ["--format", "tsv", "--format", "html"];
    archived(&sandbox, &formats).ends(0, &[]);
    let table = sandbox.read("out/000/00000.tsv");
    let last = table
        .lines()
        .rfind(|line| line.contains('\t'))
        .expect("a row")
        .to_owned();
    let mut cells: Vec<&str> = last.split('\t').collect();
    cells[4] = "A sentence by a person";
    let edited = table.replace(&last, &cells.join("\t"));
    sandbox.write("out/000/00000.tsv", &edited);
    // Not learned yet, it is not overwritten, whatever else changes.
    edit(&sandbox, 0, 2);
    archived(&sandbox, &formats).ends(
        1,
        &["00000.tsv: the output was edited", "plae memory learn", "--force=NAME"],
    );
    edit(&sandbox, 0, 1);
    sandbox
        .run(&["memory", "learn", "out/000/00000.tsv", "--memory", "out"])
        .ends(0, &["1 edit learned"]);
    archived(&sandbox, &formats).ends(
        0,
        &["3 of 3", "1 output written again with the edits", "out/.plae/edited"],
    );
    assert!(sandbox.read("out/000/00000.tsv").contains("A sentence by a person"));
    assert!(sandbox.read("out/000/00000.html").contains("A sentence by a person"));
    let kept = sandbox.files("out/.plae/edited");
    assert_eq!(kept.len(), 1);
    assert_eq!(sandbox.read(&format!("out/.plae/edited/{}", kept[0])), edited);
    // An edit that is not learned, beside one that is.
    let twice = sandbox.read("out/000/00001.tsv");
    let row = twice
        .lines()
        .rfind(|line| line.contains('\t'))
        .expect("a row")
        .to_owned();
    let mut cells: Vec<&str> = row.split('\t').collect();
    cells[4] = "Not told to the memory";
    sandbox.write("out/000/00001.tsv", twice.replace(&row, &cells.join("\t")));
    edit(&sandbox, 1, 2);
    archived(&sandbox, &formats).ends(1, &["00001.tsv: the output was edited", "1 failed"]);
    assert!(sandbox.read("out/000/00001.tsv").contains("Not told to the memory"));
    // The failed article keeps what it has.
    assert_eq!(
        record(&sandbox, "000/00001.txt")["outputs"]
            .as_array()
            .expect("outputs")
            .len(),
        2
    );
}

#[test]
fn force_takes_names() {
    let sandbox = archive(3);
    archived(&sandbox, &[]).ends(0, &[]);
    for number in 0..3 {
        sandbox.write(&format!("out/000/0000{number}.html"), "edited");
        edit(&sandbox, number, 2);
    }
    archived(&sandbox, &["--force=no.html"]).ends(2, &["no.html: no article and no output has this name"]);
    // By the output, below OUT or as it is typed, and by the article.
    archived(&sandbox, &["--force=000/00000.html"]).ends(1, &["1 of 3 articles translated", "2 failed"]);
    archived(&sandbox, &["--force=out/000/00001.html"]).ends(1, &["1 of 3 articles translated, 1 unchanged"]);
    assert_eq!(sandbox.read("out/000/00002.html"), "edited");
    archived(&sandbox, &["--force=in/000/00002.txt"]).ends(0, &["1 of 3 articles translated, 2 unchanged"]);
    assert_ne!(sandbox.read("out/000/00002.html"), "edited");
    // Without a name it is everything, before a directory too.
    let all = [
        "archive",
        "--force",
        "in",
        "-o",
        "out",
        "--model",
        MODEL,
        "--max-tokens",
        "6",
    ];
    run(sandbox.command(&all), b"").ends(0, &["3 of 3 articles translated"]);
}

#[cfg(unix)]
#[test]
fn names_stay_two_and_too_long_ones_are_told_before() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new();
    let long = "ยาว".repeat(27) + "abcdefg";
    sandbox.write(&format!("in/{long}.txt"), ENGLISH);
    sandbox.write("in/a.txt", ENGLISH);
    for (bytes, text) in [(&b"in/x\xff.txt"[..], "One.\n"), (b"in/x\xfe.txt", "Two.\n")] {
        fs::write(sandbox.path("").join(OsStr::from_bytes(bytes)), text).expect("a file");
    }
    let jsonl = ["--format", "jsonl"];
    archived(&sandbox, &[&jsonl[..], &["--dry-run"]].concat()).ends(1, &["is too long for the file system", "--name"]);
    archived(&sandbox, &jsonl).ends(
        1,
        &[
            "is too long for the file system",
            "3 of 4 articles translated",
            "1 failed",
        ],
    );
    archived(&sandbox, &jsonl).ends(1, &["0 of 4 articles translated, 3 unchanged"]);
    for (place, part) in [("x\u{fffd}FF", "One."), ("x\u{fffd}FE", "Two.")] {
        assert_eq!(
            record(&sandbox, &format!("{place}.txt"))["place"],
            format!("{place}.txt")
        );
        assert!(sandbox.read(&format!("out/{place}.jsonl")).contains(part));
    }
    fs::remove_file(sandbox.path("").join(OsStr::from_bytes(b"in/x\xff.txt"))).expect("removed");
    archived(&sandbox, &[&jsonl[..], &["--prune"]].concat()).ends(1, &["1 article gone", "1 output removed"]);
    sandbox
        .run(&["translate", "in", "-o", "other", "--format", "jsonl"])
        .ends(1, &["is too long for the file system"]);
}

#[test]
fn a_directory_that_is_included_is_read_and_an_empty_result_names_the_filter() {
    let sandbox = archive(0);
    for name in ["in/dir/a.txt", "in/dir/deep/b.txt", "in/other/c.txt"] {
        sandbox.write(name, ENGLISH);
    }
    archived(&sandbox, &["--include", "dir/"]).ends(0, &["2 of 2 articles"]);
    archived(&sandbox, &["--include", "dir/", "--exclude", "deep/"]).ends(0, &["1 article translated, 1 unchanged"]);
    archived(&sandbox, &["--include", "drr/", "--exclude", "*.md"])
        .ends(1, &["passes the filter `drr/`, not `*.md`", ".gitignore"]);
    archived(&sandbox, &["--include", ""]).ends(2, &["a pattern is empty"]);
}

#[test]
fn a_strangers_report_and_later_files_are_kept() {
    let sandbox = archive(2);
    sandbox.write("out/index.html", "my page");
    sandbox.write("out/report.jsonl", "{\"mine\":true}\n");
    let told = archived(&sandbox, &[]).ends(
        1,
        &["out/report.jsonl: the output exists", "2 of 2 articles translated"],
    );
    assert!(told.stderr.contains("--force"), "{}", told.stderr);
    assert_eq!(sandbox.read("out/index.html"), "my page");
    assert_eq!(sandbox.read("out/report.jsonl"), "{\"mine\":true}\n");
    sandbox
        .run(&["merge", "out"])
        .ends(1, &["out/report.jsonl: another file stands", "move it away"]);
    assert_eq!(sandbox.read("out/index.html"), "my page");
    archived(&sandbox, &["--force=report.jsonl", "--force=index.html"]).ends(0, &["2 unchanged"]);
    assert!(sandbox.read("out/index.html").contains("Translated articles"));
    archived(&sandbox, &[]).ends(0, &["2 unchanged"]);
    // One that was edited is kept, too.
    sandbox.write("out/index.html", "edited");
    archived(&sandbox, &[]).ends(1, &["out/index.html: the output was edited"]);
    assert_eq!(sandbox.read("out/index.html"), "edited");
    archived(&sandbox, &["--force"]).ends(0, &[]);
    // Older versions stored nothing of their reports.
    execute(
        &sandbox,
        "DELETE FROM output WHERE path IN ('index.html', 'report.jsonl')",
    );
    archived(&sandbox, &[]).ends(0, &["2 unchanged"]);
    // A path that a broken-off run of an older version claimed is nobody's, until something of plae's stands there.
    execute(
        &sandbox,
        "UPDATE output SET sha256 = NULL WHERE path = '000/00000.html'",
    );
    sandbox.write("out/000/00000.html", "put here later");
    archived(&sandbox, &[]).ends(1, &["00000.html: the output exists"]);
    assert_eq!(sandbox.read("out/000/00000.html"), "put here later");
}

#[cfg(unix)]
#[test]
fn no_link_is_written_through() {
    use std::os::unix::fs::symlink;
    let sandbox = archive(2);
    sandbox.write("outside/page.html", "precious");
    sandbox.write("outside/00001.html", "precious");
    fs::create_dir(sandbox.path("out")).expect("a directory");
    symlink("../outside/page.html", sandbox.path("out/index.html")).expect("a link");
    symlink("../outside/page.html", sandbox.path("out/report.jsonl")).expect("a link");
    archived(&sandbox, &[]).ends(1, &["out/report.jsonl: the output exists"]);
    // With --force the link itself goes.
    archived(&sandbox, &["--force"]).ends(0, &[]);
    assert_eq!(sandbox.read("outside/page.html"), "precious");
    assert!(sandbox.read("out/index.html").contains("Translated articles"));
    fs::remove_file(sandbox.path("out/000/00000.html")).expect("removed");
    symlink("../../outside/page.html", sandbox.path("out/000/00000.html")).expect("a link");
    archived(&sandbox, &["--force"]).ends(0, &[]);
    assert_eq!(sandbox.read("outside/page.html"), "precious");
    // A directory elsewhere takes new files, and keeps those that stand in it.
    fs::rename(sandbox.path("out/000"), sandbox.path("moved")).expect("renamed");
    symlink("../outside", sandbox.path("out/000")).expect("a link");
    archived(&sandbox, &["--force"]).ends(1, &["00001.html: a link leads out", "1 of 2 articles"]);
    assert_eq!(sandbox.read("outside/00001.html"), "precious");
    assert!(sandbox.read("outside/00000.html").contains("<!DOCTYPE html>"));
    // None leads into plae's own directory, by a link or by a name.
    fs::remove_file(sandbox.path("out/000")).expect("removed");
    symlink(".plae", sandbox.path("out/000")).expect("a link");
    archived(&sandbox, &["--force"]).ends(1, &["into plae's own directory"]);
    for name in [".plae/memory.sqlite", ".plae/{stem}.{format}", ".plae/staging/{stem}"] {
        archived(&sandbox, &["--force", "--name", name]).ends(2, &["into plae's own directory"]);
    }
}

#[test]
fn no_output_is_an_article() {
    let sandbox = Sandbox::with(&[("out/in/a.txt", THAI)]);
    let fixed = ["archive", "out/in", "-o", "out", "--model", MODEL, "--force"];
    let name = ["--name", "in/{stem}.txt"];
    sandbox
        .run(&[&fixed[..], &name].concat())
        .ends(2, &["out/in/a.txt: the output is an article"]);
    assert_eq!(sandbox.read("out/in/a.txt"), THAI);
}

#[cfg(unix)]
#[test]
fn merge_publishes_nothing_from_outside_an_archive() {
    use std::os::unix::fs::symlink;
    let sandbox = archive(2);
    archived(&sandbox, &[]).ends(0, &[]);
    sandbox.write("secret", "a password");
    fs::remove_file(sandbox.path("out/000/00001.html")).expect("removed");
    symlink("../../secret", sandbox.path("out/000/00001.html")).expect("a link");
    let merge = ["merge", "out", "-o", "all"];
    sandbox
        .run(&merge)
        .ends(1, &["00001.html: a link leads out of the archive"]);
    let leaked = |sandbox: &Sandbox| {
        let files = sandbox.files("all");
        files
            .iter()
            .any(|name| fs::read(sandbox.path(&format!("all/{name}"))).expect("a file") == b"a password")
    };
    assert!(!leaked(&sandbox));
    // Through a directory, too.
    fs::remove_file(sandbox.path("out/000/00001.html")).expect("removed");
    fs::rename(sandbox.path("out/000"), sandbox.path("moved")).expect("renamed");
    sandbox.write("moved/00001.html", "a password");
    symlink("../moved", sandbox.path("out/000")).expect("a link");
    sandbox
        .run(&merge)
        .ends(1, &["00001.html: a link leads out of the archive"]);
    assert!(!leaked(&sandbox));
    // What plae wrote is plae's, wherever it stands.
    fs::remove_file(sandbox.path("moved/00001.html")).expect("removed");
    sandbox.run(&merge).ends(0, &["1 article,"]);
    assert!(sandbox.path("all/000/00000.html").exists());
}

#[test]
fn facts_that_are_no_numbers_are_no_panic() {
    let sandbox = archive(2);
    archived(&sandbox, &[]).ends(0, &[]);
    for (sentences, seconds) in [
        ("NaN", "NaN"),
        ("1", "inf"),
        ("1e-300", "1e300"),
        ("-5", "3"),
        ("0", "0"),
        ("", "x"),
    ] {
        execute(
            &sandbox,
            &format!(
                "UPDATE fact SET value = '{sentences}' WHERE name = 'sentences';
                UPDATE fact SET value = '{seconds}' WHERE name = 'seconds'"
            ),
        );
        let told = archived(&sandbox, &["--dry-run"]).ends(0, &["2 articles"]);
        assert!(!told.stderr.contains("NaN"), "{}", told.stderr);
    }
    edit(&sandbox, 0, 2);
    archived(&sandbox, &[]).ends(0, &["1 of 2 articles"]);
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_directory_may_lie_on_two_file_systems() {
    let sandbox = archive(2);
    fs::create_dir_all(sandbox.path("out/000")).expect("a directory");
    if !super::archive::mount_at(&sandbox, "out/000", "size=10m") {
        return;
    }
    let first = archived(&sandbox, &[]);
    edit(&sandbox, 0, 2);
    let second = archived(&sandbox, &[]);
    let files = sandbox.files("out/000");
    super::archive::unmount_at(&sandbox, "out/000");
    first.ends(0, &["2 of 2 articles translated"]);
    second.ends(0, &["1 of 2 articles translated, 1 unchanged"]);
    assert_eq!(files, ["00000.html", "00001.html"]);
}
