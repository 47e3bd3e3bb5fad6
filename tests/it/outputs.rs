//! What is written: names, existing files, directories that cannot be written, pipes that close.

use super::{ENGLISH, Sandbox};
use std::process::Stdio;

#[test]
fn the_format_follows_the_extension() {
    let sandbox = Sandbox::with(&[("a.txt", ENGLISH)]);
    for (name, start) in [
        ("a.html", "<!"),
        ("b.jsonl", "{\"type\":\"header\""),
        ("deep/er/c.md", ""),
    ] {
        sandbox.run(&["translate", "a.txt", "-o", name]).ends(0, &[]);
        assert!(sandbox.read(name).to_lowercase().starts_with(start), "{name}");
    }
    sandbox
        .run(&[
            "translate",
            "a.txt",
            "-o",
            "d.html",
            "--format",
            "html",
            "--format",
            "docx",
        ])
        .ends(0, &[]);
    assert!(std::fs::read(sandbox.path("d.docx")).unwrap().starts_with(b"PK"));
    assert!(sandbox.path("d.html").exists());
}

#[test]
fn an_existing_output_is_kept_without_force() {
    let sandbox = Sandbox::with(&[("a.txt", ENGLISH), ("a.html", "mine")]);
    let args = ["translate", "a.txt", "-o", "a.html"];
    sandbox.run(&args).ends(1, &["a.html: the output exists", "--force"]);
    assert_eq!(sandbox.read("a.html"), "mine");
    sandbox.run(&[args.as_slice(), &["--force"]].concat()).ends(0, &[]);
    assert!(sandbox.read("a.html").contains("Wuzhen"));
}

#[test]
fn a_run_goes_on_where_an_earlier_one_stopped() {
    let sandbox = Sandbox::with(&[
        ("in/a.txt", ENGLISH),
        ("in/b.txt", ENGLISH),
        ("in/c.txt", ENGLISH),
        ("out/a.html", ""),
    ]);
    sandbox.write("out/b.html", "");
    let outcome = sandbox.run(&["translate", "in", "-o", "out"]);
    let outcome = outcome.ends(1, &["1 of 3 inputs", "2 inputs failed: in/a.txt, in/b.txt"]);
    assert_eq!(outcome.stderr.matches("hint:").count(), 1, "{outcome:?}");
    assert_eq!(sandbox.files("out"), ["a.html", "b.html", "c.html"]);
}

#[test]
fn inputs_of_one_stem_do_not_overwrite_each_other() {
    let sandbox = Sandbox::with(&[("a.txt", "Text.\n"), ("a.md", "Markdown.\n")]);
    sandbox
        .run(&["translate", "a.txt", "a.md", "-o", "out"])
        .ends(0, &["2 of 2 inputs"]);
    assert!(sandbox.read("out/a.txt.html").contains("Text."));
    assert!(sandbox.read("out/a.md.html").contains("Markdown."));
}

#[test]
fn an_output_that_cannot_be_written_leaves_nothing() {
    let sandbox = Sandbox::with(&[("a.txt", ENGLISH), ("file", "")]);
    sandbox
        .run(&["translate", "a.txt", "-o", "file/a.html"])
        .ends(1, &["file/a.html: cannot write"]);
    assert_eq!(sandbox.files(""), ["a.txt", "file"]);
}

#[cfg(unix)]
#[test]
fn a_read_only_directory_is_told_before_any_work() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::with(&[("a.txt", super::THAI), ("locked/x", "")]);
    let locked = sandbox.path("locked");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o555)).unwrap();
    let writable = std::fs::write(locked.join("probe"), "").is_ok();
    let outcome = sandbox.run(&["translate", "a.txt", "-o", "locked/a.html"]);
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o755)).unwrap();
    if writable {
        eprintln!("skipped: this user writes everywhere");
        return;
    }
    outcome.ends(1, &["locked/a.html: cannot write: permission denied"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let sandbox = Sandbox::with(&[("a.txt", ENGLISH)]);
    sandbox
        .run(&["translate", "a.txt", "-o", "/dev/full"])
        .ends(1, &["/dev/full: cannot write: no space left"]);
    let mut command = sandbox.command(&["translate", "a.txt"]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let status = command.stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(status.status.code(), Some(1));
    sandbox.run(&["translate", "a.txt", "-o", "/dev/null"]).ends(0, &[]);
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let sandbox = Sandbox::with(&[("a.txt", ENGLISH)]);
    for args in [
        ["translate", "a.txt"].as_slice(),
        &["split", "a.txt"],
        &["man"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = sandbox
            .command(args)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?} {output:?}");
    }
}

#[test]
fn quiet_says_nothing_and_verbose_more() {
    let sandbox = Sandbox::with(&[("a.txt", ENGLISH)]);
    assert_eq!(sandbox.run(&["-q", "translate", "a.txt"]).ends(0, &[]).stderr, "");
    sandbox.run(&["translate", "-v", "a.txt"]).ends(0, &["a.txt: UTF-8, "]);
    let failed = sandbox.run(&["translate", "-q", "missing.txt"]).ends(1, &[]);
    assert_eq!(failed.stderr, "error: missing.txt: no such file or directory\n");
}

#[test]
fn several_documents_share_standard_output_only_where_that_means_something() {
    let sandbox = Sandbox::with(&[("a.txt", "One.\n"), ("b.txt", "Two.\n")]);
    let both = sandbox
        .run(&["translate", "a.txt", "b.txt", "--format", "plain"])
        .ends(0, &[])
        .stdout;
    assert_eq!(both, "One.\nTwo.\n");
    let pages = sandbox.run(&["translate", "a.txt", "b.txt"]).ends(0, &[]).stdout;
    assert!(pages.contains("Source: a.txt.]\n\nTwo.\n"), "{pages}");
    sandbox
        .run(&["translate", "a.txt", "b.txt", "--format", "html"])
        .ends(2, &["several html documents"]);
}
