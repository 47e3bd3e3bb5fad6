//! What is read: files of every kind, directories, standard input, and what cannot be read.

use super::{ENGLISH, Sandbox, THAI};

#[test]
fn a_text_without_thai_needs_no_model() {
    let sandbox = Sandbox::with(&[("a.txt", ENGLISH)]);
    let plain = sandbox.run(&["translate", "a.txt", "--format", "plain", "--split", "line"]);
    assert_eq!(plain.ends(0, &["a.txt -> standard output: 3 segments"]).stdout, ENGLISH);
    let jsonl = sandbox.run(&["translate", "a.txt", "--format", "jsonl"]);
    let jsonl = jsonl.ends(0, &["a.txt: no Thai, passed through unchanged"]);
    assert!(jsonl.stdout.contains("\"no-thai\""), "{}", jsonl.stdout);
}

#[test]
fn a_text_with_thai_needs_one() {
    let sandbox = Sandbox::with(&[("a.txt", THAI)]);
    sandbox
        .run(&["translate", "a.txt", "-o", "a.html"])
        .ends(2, &["no model is on this machine", "hint:"]);
    assert_eq!(sandbox.files(""), ["a.txt"]);
    sandbox
        .run(&["translate", "a.txt", "--model", "no-such-model"])
        .ends(2, &["no-such-model"]);
    sandbox
        .run(&["translate", "a.txt", "--model", "missing.gguf"])
        .ends(2, &["missing.gguf"]);
}

#[test]
fn standard_input_is_read_without_and_with_a_dash() {
    let sandbox = Sandbox::new();
    for args in [
        ["translate", "--format=plain"].as_slice(),
        &["translate", "--format=plain", "-"],
    ] {
        let outcome = sandbox.feed(args, "One line.\n").ends(0, &[]);
        assert_eq!(outcome.stdout.trim(), "One line.");
    }
    sandbox.feed(&["translate", "-o", "out/"], ENGLISH).ends(0, &[]);
    assert_eq!(sandbox.files("out"), ["stdin.html"]);
}

#[cfg(unix)]
#[test]
fn waiting_for_input_can_be_interrupted() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["split"]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    // Waiting for the program would close its standard input, and end it in peace.
    let _open = child.stdin.take();
    std::thread::sleep(std::time::Duration::from_millis(500));
    super::interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn line_by_line_every_line_stays() {
    let sandbox = Sandbox::new();
    let args = ["translate", "--split", "line", "--format", "plain", "-"];
    for text in ["a\n\n\nb\n", "a\nb", "\n", "a\r\nb\r\n", ""] {
        let stdout = sandbox.feed(&args, text).ends(0, &[]).stdout;
        assert_eq!(stdout.lines().count(), text.lines().count(), "{text:?} {stdout:?}");
    }
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_done() {
    let sandbox = Sandbox::with(&[("good.txt", ENGLISH), ("last.md", "# Title\n")]);
    sandbox.write("binary.txt", b"\x7fELF\0\0\x01\x02");
    sandbox.write("latin.txt", b"caf\xe9 \x81\x8d\xff\xfe\x00");
    sandbox.write("empty.txt", b"");
    sandbox
        .run(&[
            "translate",
            "missing.txt",
            "binary.txt",
            "latin.txt",
            "good.txt",
            "empty.txt",
            "last.md",
            "-o",
            "out",
        ])
        .ends(
            1,
            &[
                "missing.txt: no such file",
                "empty.txt: empty",
                "binary.txt:",
                "latin.txt:",
                "3 of 6 inputs",
                "3 inputs failed: missing.txt",
            ],
        );
    assert_eq!(sandbox.files("out"), ["empty.html", "good.html", "last.html"]);
}

#[test]
fn invalid_utf8_is_told_with_its_place() {
    let sandbox = Sandbox::new();
    sandbox.write("a.txt", b"good \xff\xff bad");
    sandbox
        .run(&["translate", "--encoding", "utf-8", "a.txt"])
        .ends(1, &["a.txt:byte 5: invalid UTF-8", "hint:"]);
}

#[test]
fn windows_874_is_read() {
    let sandbox = Sandbox::new();
    // ข่าว in TIS-620.
    sandbox.write("a.txt", b"\xa2\xe8\xd2\xc7\xc7\xd1\xb9\xb9\xd5\xe9\n");
    let split = sandbox
        .run(&["split", "a.txt", "--encoding", "windows-874"])
        .ends(0, &[]);
    assert_eq!(split.stdout, "ข่าววันนี้\n");
}

#[test]
fn an_encoding_that_was_guessed_is_told() {
    let sandbox = Sandbox::new();
    // ข่าววันนี้ in TIS-620, and ข่าว in UTF-16 without a mark.
    sandbox.write("a.txt", b"\xa2\xe8\xd2\xc7\xc7\xd1\xb9\xb9\xd5\xe9\n");
    sandbox.write("b.txt", b"\x02\x0e\x48\x0e\x32\x0e\x27\x0e");
    let split = sandbox
        .run(&["split", "a.txt"])
        .ends(0, &["a.txt: read as windows-874; --encoding overrides"]);
    assert_eq!(split.stdout, "ข่าววันนี้\n");
    let split = sandbox.run(&["split", "b.txt"]).ends(0, &["b.txt: read as UTF-16LE"]);
    assert_eq!(split.stdout, "ข่าว\n");
    let named = sandbox.run(&["split", "a.txt", "--encoding", "tis-620"]).ends(0, &[]);
    assert!(!named.stderr.contains("read as"), "{named:?}");
}

const WRAPPED: &str = "\
Dear readers,

the river has risen since Monday, and all along its lower course
the dams are being watched. Whoever lives near the water should
keep what is needed for two days on an upper floor, and listen
to the radio.
";

#[test]
fn hard_wrapped_lines_are_joined() {
    let sandbox = Sandbox::with(&[("a.txt", WRAPPED)]);
    let lines = |args: &[&str], told: &[&str]| {
        let split = sandbox
            .run(&[&["split", "a.txt", "--split", "block"], args].concat())
            .ends(0, told);
        (split.stdout.lines().count(), split.stderr)
    };
    let (count, told) = lines(&[], &["a.txt: hard-wrapped, lines joined to paragraphs"]);
    assert_eq!(count, 2, "{told}");
    assert_eq!(lines(&["--paragraphs", "line"], &[]).0, 5);
    assert_eq!(lines(&["--paragraphs", "blank-line"], &[]), (2, String::new()));
    sandbox.write("plae.toml", "paragraphs = 'line'\n");
    assert_eq!(lines(&[], &[]).0, 5);
    assert_eq!(lines(&["--paragraphs", "auto"], &[]).0, 2);
    let jsonl = sandbox.run(&["translate", "a.txt", "--format", "jsonl"]).ends(0, &[]);
    assert!(jsonl.stdout.contains(r#""paragraphs":"line""#), "{}", jsonl.stdout);
    // What is joined comes back as it was.
    let plain = ["translate", "a.txt", "--paragraphs", "auto", "--format", "plain"];
    assert_eq!(sandbox.run(&plain).ends(0, &[]).stdout, WRAPPED);
}

#[test]
fn a_directory_is_mirrored_and_goes_on_after_a_failure() {
    let sandbox = Sandbox::with(&[
        ("in/a.txt", ENGLISH),
        ("in/deep/b.md", "# B\n"),
        ("in/deep/c.html", "<p>C</p>"),
        ("in/.hidden.txt", ENGLISH),
        ("in/picture.png", "no picture"),
    ]);
    sandbox.write("in/deep/broken.txt", b"\0\0\0");
    sandbox
        .run(&[
            "translate",
            "in",
            "-o",
            "in/out",
            "--format",
            "html",
            "--format",
            "jsonl",
        ])
        .ends(
            1,
            &[
                "broken.txt",
                "3 of 4 inputs",
                "passed over: 1 .png, 1 hidden",
                "1 input failed: in/deep/broken.txt",
            ],
        );
    let expected = [
        "a.html",
        "a.jsonl",
        "deep/b.html",
        "deep/b.jsonl",
        "deep/c.html",
        "deep/c.jsonl",
    ];
    assert_eq!(sandbox.files("in/out"), expected);
    // The outputs are no inputs of the next run.
    sandbox
        .run(&[
            "translate",
            "in",
            "-o",
            "in/out",
            "--format",
            "html",
            "--format",
            "jsonl",
            "--force",
        ])
        .ends(1, &["3 of 4 inputs"]);
    assert_eq!(sandbox.files("in/out"), expected);
}

#[test]
fn what_plae_wrote_is_not_read_again() {
    let sandbox = Sandbox::with(&[("in/a.txt", ENGLISH)]);
    let args = [
        "translate",
        "in/a.txt",
        "-o",
        "in/b/",
        "--format=html",
        "--format=md",
        "--format=text",
    ];
    sandbox.run(&args).ends(0, &[]);
    assert_eq!(sandbox.files("in/b"), ["a.html", "a.md", "a.txt"]);
    sandbox.run(&["translate", "in", "-o", "out"]).ends(
        0,
        &[
            "in/a.txt -> out/a.html",
            "passed over: 3 written by plae (in/b/a.html and 2 more)",
        ],
    );
    assert_eq!(sandbox.files("out"), ["a.html"]);
}

#[test]
fn a_directory_without_articles_fails() {
    let sandbox = Sandbox::with(&[("in/picture.png", "")]);
    sandbox
        .run(&["translate", "in", "-o", "out"])
        .ends(1, &["in: no .txt, .md or .html file"]);
}

#[cfg(unix)]
#[test]
fn an_unreadable_directory_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::with(&[("in/a.txt", ENGLISH), ("in/locked/b.txt", ENGLISH)]);
    let locked = sandbox.path("in/locked");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o000)).unwrap();
    let readable = std::fs::read_dir(&locked).is_ok();
    let outcome = sandbox.run(&["translate", "in", "-o", "out"]);
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o755)).unwrap();
    if readable {
        eprintln!("skipped: this user reads everything");
        return;
    }
    outcome.ends(1, &["in/locked: permission denied", "1 of 2 inputs"]);
    assert_eq!(sandbox.files("out"), ["a.html"]);
}

#[test]
fn dry_run_shows_the_plan_and_does_nothing() {
    let sandbox = Sandbox::with(&[("in/a.txt", THAI), ("in/b.md", ENGLISH)]);
    let outcome = sandbox
        .run(&[
            "translate",
            "in",
            "-o",
            "out",
            "--format",
            "html",
            "--format",
            "docx",
            "--dry-run",
        ])
        .ends(0, &["2 inputs would be translated, 0 would fail"]);
    assert_eq!(
        outcome.stdout,
        "in/a.txt -> out/a.html, out/a.docx (2 segments, 2 with Thai)\n\
         in/b.md -> out/b.html, out/b.docx (2 segments, 0 with Thai)\n"
    );
    assert_eq!(sandbox.files("out").len(), 0);
}

#[test]
fn configuration_is_read_and_validated() {
    let sandbox = Sandbox::with(&[("a.txt", THAI), ("plae.toml", "model = 'from-file'\n")]);
    sandbox.run(&["translate", "a.txt"]).ends(2, &["from-file"]);
    sandbox
        .run(&["translate", "a.txt", "--model", "typed"])
        .ends(2, &["typed"]);
    let mut command = sandbox.command(&["translate", "a.txt"]);
    command.env("PLAE_MODEL", "from-variable");
    super::run(command, b"").ends(2, &["from-variable"]);
    sandbox.write("plae.toml", "modle = 'x'\n");
    sandbox
        .run(&["translate", "a.txt"])
        .ends(2, &["plae.toml: unknown key `modle`", "did you mean `model`?"]);
    std::fs::remove_file(sandbox.path("plae.toml")).unwrap();
    sandbox.write(".config/plae/config.toml", "device = 'gpu'\n");
    sandbox
        .run(&["translate", "a.txt"])
        .ends(2, &["invalid device `gpu`", "config.toml"]);
}

#[test]
fn a_byte_order_mark_counts_and_stays() {
    let text = format!("\u{feff}{ENGLISH}");
    let sandbox = Sandbox::with(&[("a.txt", &text), ("b.md", &text), ("empty.txt", "\u{feff}")]);
    for name in ["a.txt", "b.md"] {
        for split in ["sentence", "line"] {
            let args = ["translate", name, "--split", split, "--format"];
            let plain = sandbox.run(&[&args[..], &["plain"]].concat()).ends(0, &[]).stdout;
            assert_eq!(plain, text, "{name} {split}");
            let jsonl = sandbox.run(&[&args[..], &["jsonl"]].concat()).ends(0, &[]).stdout;
            for line in jsonl.lines().skip(1) {
                let segment: serde_json::Value = serde_json::from_str(line).unwrap();
                let at = |index: usize| segment["span"][index].as_u64().unwrap() as usize;
                assert_eq!(&text[at(0)..at(1)], segment["source"].as_str().unwrap());
            }
        }
    }
    let plain = sandbox
        .run(&["translate", "empty.txt", "--format", "plain"])
        .ends(0, &[])
        .stdout;
    assert_eq!(plain, "\u{feff}");
}

#[test]
fn thai_that_is_no_prose_is_told() {
    let text = "Weather\n\n```\nฝนตก\n```\n\n<div>\nข่าว\n</div>\n";
    let sandbox = Sandbox::with(&[("a.md", text), ("a.txt", ENGLISH)]);
    sandbox
        .run(&["translate", "a.md"])
        .ends(0, &["a.md: 2 lines with Thai left as it is, in code or markup"]);
    let outcome = sandbox.run(&["translate", "a.txt"]).ends(0, &[]);
    assert!(!outcome.stderr.contains("left as it is"), "{outcome:?}");
}
