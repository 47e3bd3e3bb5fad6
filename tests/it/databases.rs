//! Databases of others, and memories that cannot be written, are looked at before they are touched (issue 19, kind 23).

use super::{Sandbox, THAI};
use rusqlite::Connection;
use std::fs;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/seq2seq/marian-prefix");

/// All files of the sandbox's directory `d`, with their bytes.
fn bytes(sandbox: &Sandbox) -> Vec<(String, Vec<u8>)> {
    let names = sandbox.files("d").into_iter();
    names
        .map(|name| {
            let bytes = fs::read(sandbox.path(&format!("d/{name}"))).expect("a file");
            (name, bytes)
        })
        .collect()
}

/// Every command that opens the file `d/x` as a memory ends with `code` and `part`, and changes nothing in its directory.
fn untouched(sandbox: &Sandbox, code: i32, part: &str) {
    let before = bytes(sandbox);
    sandbox.write("in/a.txt", THAI);
    sandbox.write("one.tsv", "ฝน\train\n");
    sandbox.write("edited.tsv", "id\tsource\ttarget\n0\tฝน\tRain\n");
    let commands: [&[&str]; 8] = [
        &["memory", "stats"],
        &["memory", "search", "x"],
        &["memory", "export"],
        &["memory", "import", "one.tsv"],
        &["memory", "learn", "edited.tsv"],
        &["memory", "prune", "--flagged"],
        &["translate", "in/a.txt", "--model", MODEL],
        &["archive", "in", "-o", "out", "--model", MODEL],
    ];
    for command in commands {
        sandbox
            .run(&[command, &["--memory", "d/x"]].concat())
            .ends(code, &[part]);
        assert!(bytes(sandbox) == before, "{command:?} changed {:?}", sandbox.files("d"));
    }
}

#[test]
fn the_database_of_another_program_stays_as_it_is() {
    let sandbox = Sandbox::with(&[("d/y", "")]);
    let path = sandbox.path("d/x");
    let make = |sql: &str| {
        let _ = fs::remove_file(&path);
        Connection::open(&path)
            .expect("a database")
            .execute_batch(sql)
            .expect("SQL");
    };
    make("CREATE TABLE mine (a); INSERT INTO mine VALUES (1)");
    untouched(&sandbox, 2, "is the database of another program");
    make("PRAGMA journal_mode = WAL; CREATE TABLE mine (a); INSERT INTO mine VALUES (1)");
    untouched(&sandbox, 2, "is the database of another program");
    make("PRAGMA application_id = 7; PRAGMA user_version = 1");
    untouched(&sandbox, 2, "is the database of another program");
}

/// Another program is at work: all that it wrote is in the write-ahead log.
#[test]
fn a_log_of_another_program_is_not_taken_over() {
    let sandbox = Sandbox::with(&[("d/y", "")]);
    let other = Connection::open(sandbox.path("d/x")).expect("a database");
    other
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE mine (a);")
        .expect("SQL");
    assert_eq!(sandbox.files("d"), ["x", "x-shm", "x-wal", "y"]);
    let before = |name: &str| fs::read(sandbox.path(name)).expect("a file");
    let (main, log) = (before("d/x"), before("d/x-wal"));
    for command in ["stats", "export"] {
        sandbox
            .run(&["memory", command, "--memory", "d/x"])
            .ends(2, &["is the database of another program"]);
        assert!(before("d/x") == main && before("d/x-wal") == log, "{command}");
    }
    drop(other);
}

#[test]
fn what_is_no_database_or_one_of_a_newer_plae_stays_as_it_is() {
    let sandbox = Sandbox::with(&[("d/y", "")]);
    for text in ["short", &"ข่าวเด่นวันนี้ ".repeat(1000), "SQLite format 2\0 and more"] {
        sandbox.write("d/x", text);
        untouched(&sandbox, 2, "is not a translation memory");
    }
    fs::remove_file(sandbox.path("d/x")).expect("removed");
    sandbox.write("one.tsv", "ฝน\train\n");
    let import = ["memory", "import", "one.tsv", "--memory", "d/x"];
    sandbox.run(&import).ends(0, &["1 new"]);
    let newer = Connection::open(sandbox.path("d/x")).expect("a database");
    newer
        .execute_batch("PRAGMA user_version = 2; PRAGMA journal_mode = DELETE")
        .expect("SQL");
    drop(newer);
    untouched(&sandbox, 2, "layout 2, this plae reads 1");
}

#[test]
fn a_memory_that_lost_its_end_is_told_as_damaged() {
    let sandbox = Sandbox::new();
    let rows: String = (0..2000).map(|n| format!("ฝน {n}\train {n}\n")).collect();
    let import = ["memory", "import", "-", "--format", "tsv", "--memory", "d/x"];
    sandbox.feed(&import, rows).ends(0, &["2000 new"]);
    let whole = fs::read(sandbox.path("d/x")).expect("a file");
    for length in [whole.len() / 2, 5000] {
        sandbox.write("d/x", &whole[..length]);
        sandbox
            .run(&["memory", "stats", "--memory", "d/x"])
            .ends(1, &["d/x: the translation memory is damaged"]);
        assert_eq!(fs::read(sandbox.path("d/x")).expect("a file"), whole[..length]);
    }
    sandbox
        .run(&["memory", "stats", "--memory", "/dev/null"])
        .ends(2, &["/dev/null: is not a file"]);
}

/// Only where the tests do not run as root, whom no permission holds off.
#[cfg(unix)]
#[test]
fn a_memory_in_a_directory_that_cannot_be_written_is_read() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::with(&[("one.tsv", "ฝน\train\n")]);
    let import = ["memory", "import", "one.tsv", "--memory", "d/x"];
    sandbox.run(&import).ends(0, &["1 new"]);
    let set = |path: &str, mode| {
        fs::set_permissions(sandbox.path(path), fs::Permissions::from_mode(mode)).expect("permissions")
    };
    set("d/x", 0o444);
    set("d", 0o555);
    let is_root = fs::write(sandbox.path("d/probe"), "").is_ok();
    for command in [
        &["memory", "stats"][..],
        &["memory", "search", "ฝน"],
        &["memory", "export"],
    ] {
        let outcome = sandbox.run(&[command, &["--memory", "d/x"]].concat());
        assert!(outcome.code == Some(0), "{outcome:#?}");
    }
    if !is_root {
        sandbox.run(&import).ends(1, &["d/x: ", "hint:"]);
        assert_eq!(sandbox.files("d"), ["x"]);
    }
    set("d", 0o755);
}
