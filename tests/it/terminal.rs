//! What people type and see: files without a command, options of other programs, control characters, closed streams,
//! and programs that lie beside an article.

use super::{ENGLISH, Sandbox, THAI};

#[test]
fn a_file_without_a_command_is_translated() {
    let sandbox = Sandbox::with(&[("a.txt", ENGLISH), ("articles/b.txt", ENGLISH)]);
    let shown = sandbox.run(&["a.txt", "--format", "plain"]).ends(0, &[]).stdout;
    assert_eq!(shown, ENGLISH);
    sandbox
        .run(&["-o", "out/", "--format", "html", "articles"])
        .ends(0, &[]);
    assert_eq!(sandbox.files("out"), ["b.html"]);
    sandbox
        .run(&["missing.txt"])
        .ends(2, &["unrecognized subcommand", "no file `missing.txt` either"]);
    sandbox.run(&["translat", "a.txt"]).ends(2, &["translate"]);
}

#[test]
fn foreign_options_addresses_and_tables_are_answered() {
    let sandbox = Sandbox::with(&[("a.txt", ENGLISH), ("a.csv", "หัวข้อ,ข่าว\nฝนตก,ที่นี่\n")]);
    let cases: &[(&[&str], i32, &str)] = &[
        (
            &["translate", "a.txt", "-f", "html"],
            2,
            "--format names the format of the output",
        ),
        (&["translate", "a.txt", "-t", "en"], 2, "English only"),
        (&["translate", "a.txt", "--threads", "4"], 2, "RAYON_NUM_THREADS"),
        (&["translate", "https://example.org/a.html"], 1, "curl -L"),
        (&["https://example.org/a.html"], 2, "curl -L"),
        (&["translate", "a.csv"], 1, "table with commas"),
        (&["bench", "a.csv"], 1, "table with commas"),
        (&["split", "a.csv"], 1, "table with commas"),
        (&["split", "https://example.org/a.html"], 1, "address of the web"),
        (&["bench", "https://example.org/a.html"], 1, "address of the web"),
    ];
    for (args, code, part) in cases {
        sandbox.run(args).ends(*code, &[part]);
    }
}

#[test]
fn bench_offers_nothing_that_it_does_not_do() {
    let help = Sandbox::new().run(&["bench", "--help"]).ends(0, &[]).stdout;
    for option in ["--output", "--format", "--layout", "--force", "--dry-run", "--memory"] {
        assert!(!help.contains(option), "{option}");
    }
}

/// File names are written by others: their control characters could set the terminal's title, rewrite lines, or type.
#[cfg(unix)]
#[test]
fn control_characters_of_names_do_not_reach_a_terminal() {
    let name = "a\x1b]0;owned\x07\u{9b}31m\n.txt";
    let sandbox = Sandbox::with(&[(name, ENGLISH)]);
    for args in [
        &["translate", name, "--dry-run"][..],
        &["translate", name, "-o", "out.html"],
        &["translate", name, "--format", "pdf"],
        &["translate", name, "--encoding", "utf-16le"],
        &["split", name, "--encoding", "klingon\x1b[2J"],
        &["translate", "missing\x1b[2J.txt"],
        &["translate", ".", "-o", "out/", "--dry-run"],
    ] {
        let ended = sandbox.run(args);
        for (stream, text) in [("standard output", &ended.stdout), ("standard error", &ended.stderr)] {
            let hostile = |c: char| c.is_control() && c != '\n' && c != '\t';
            assert!(!text.contains(hostile), "{args:?} {stream}: {text:?}");
        }
    }
}

/// A pseudo-terminal, by `script`: `text` and `plain` of an article are printed without its control characters.
#[cfg(target_os = "linux")]
#[test]
fn control_characters_of_an_article_do_not_reach_a_terminal() {
    let text = "A\x1b]0;owned\x07 title\u{9b}2J here.\n";
    let sandbox = Sandbox::with(&[("a.txt", text)]);
    for format in ["plain", "text", "jsonl"] {
        let line = format!("{} translate a.txt --format {format}", env!("CARGO_BIN_EXE_plae"));
        let mut command = std::process::Command::new("script");
        command
            .args(["-qec", &line, "/dev/null"])
            .current_dir(sandbox.path("."))
            .env("HOME", sandbox.path("."))
            .env("PLAE_OFFLINE", "1");
        if command.output().is_err() {
            eprintln!("skipped: there is no `script`");
            return;
        }
        let shown = super::run(command, b"").stdout;
        assert!(shown.contains("owned"), "{shown:?}");
        assert!(
            !shown.contains("\x1b]0") && !shown.contains('\u{9b}') && !shown.contains('\x07'),
            "{shown:?}"
        );
    }
    // A file keeps every byte.
    sandbox
        .run(&["translate", "a.txt", "-o", "b.txt", "--format", "plain"])
        .ends(0, &[]);
    assert_eq!(sandbox.read("b.txt"), text);
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_or_full_standard_output_is_a_failure() {
    let sandbox = Sandbox::with(&[("a.txt", ENGLISH)]);
    let plae = env!("CARGO_BIN_EXE_plae");
    let run = |line: &str| {
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(sandbox.path("."))
            .env("HOME", sandbox.path("."))
            .env("PLAE_OFFLINE", "1");
        super::run(command, b"")
    };
    for command in [
        "translate a.txt",
        "a.txt --format jsonl",
        "split a.txt",
        "models list",
        "doctor",
        "translate --dry-run a.txt",
        "--help",
        "--version",
        "translate --help",
        "completions bash",
        "man",
    ] {
        run(&format!("{plae} {command} >&-")).ends(1, &[]);
        run(&format!("{plae} {command} >/dev/full")).ends(1, &[]);
        let code = run(&format!("{plae} {command} >/dev/null")).code;
        assert!(code == Some(0) || command == "doctor", "{command}: {code:?}");
    }
}

/// A directory `pip` beside the article was run in place of pip: by `doctor`, and with an old Python to fetch a model.
#[cfg(unix)]
#[test]
fn code_of_the_current_directory_is_never_run() {
    let evil = "open('owned', 'w').write('x')\n";
    let sandbox = Sandbox::with(&[
        ("pip/__init__.py", evil),
        ("pip/__main__.py", evil),
        ("pip.py", evil),
        ("zipfile.py", evil),
        ("site.py", evil),
        ("sitecustomize.py", evil),
        ("usercustomize.py", evil),
        ("a.txt", THAI),
    ]);
    for path in [None, Some("."), Some("")] {
        let mut command = sandbox.command(&["doctor"]);
        path.map(|path| command.env("PYTHONPATH", path));
        super::run(command, b"");
        let mut command = sandbox.command(&["translate", "a.txt"]);
        command
            .env_remove("PLAE_OFFLINE")
            .env("HF_ENDPOINT", "http://127.0.0.1:9")
            // No package is found here, so that nothing is downloaded.
            .env("PIP_NO_INDEX", "1");
        path.map(|path| command.env("PYTHONPATH", path));
        super::run(command, b"");
        assert!(!sandbox.path("owned").exists(), "PYTHONPATH {path:?}");
    }
}

#[test]
fn settings_of_the_current_directory_are_told() {
    let sandbox = Sandbox::with(&[
        ("a.txt", ENGLISH),
        ("plae.toml", "model = \"somebody/else\"\nmanifests = \"m\"\n"),
    ]);
    sandbox.write("m/readme", "");
    sandbox
        .run(&["translate", "a.txt"])
        .ends(0, &["settings of ./plae.toml: manifests = m, model = somebody/else"]);
    let quiet = sandbox.run(&["-q", "translate", "a.txt"]).ends(0, &[]);
    assert_eq!(quiet.stderr, "");
}
