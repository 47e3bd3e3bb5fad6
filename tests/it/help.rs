//! Help, version, completions, manual pages, and arguments that clap refuses.

use super::Sandbox;

#[test]
fn short_help_fits_a_screen() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!("plae", sandbox.run(&["-h"]).ends(0, &[]).stdout);
    insta::assert_snapshot!("translate", sandbox.run(&["translate", "-h"]).ends(0, &[]).stdout);
}

#[test]
fn long_help_has_examples_and_exit_codes() {
    let sandbox = Sandbox::new();
    let commands = [
        "translate",
        "archive",
        "memory",
        "merge",
        "render",
        "split",
        "check",
        "score",
        "models",
        "doctor",
        "bench",
    ];
    for command in commands {
        let help = sandbox.run(&[command, "--help"]).ends(0, &[]).stdout;
        assert!(help.contains("Examples:"), "{help}");
        assert!(help.contains("Exit codes:"), "{help}");
    }
    for command in ["completions", "man"] {
        assert!(
            sandbox
                .run(&[command, "--help"])
                .ends(0, &[])
                .stdout
                .contains("Examples:")
        );
    }
}

#[test]
fn version_names_candle_and_the_backends() {
    let version = Sandbox::new().run(&["--version"]).ends(0, &[]).stdout;
    for part in ["plae ", "candle: ", "backends: cpu"] {
        assert!(version.contains(part), "{version}");
    }
}

#[test]
fn wrong_usage_is_2() {
    let sandbox = Sandbox::with(&[("a.txt", super::ENGLISH)]);
    let cases: &[(&[&str], &str)] = &[
        (&[], "Usage"),
        (&["translat"], "translate"),
        (&["translate", "--format", "pdf", "a.txt"], "possible values"),
        (&["translate", "--beam", "0", "a.txt"], "at least 1"),
        (&["translate", "--device", "gpu", "a.txt"], "cuda"),
        (&["translate", "-q", "-v", "a.txt"], "cannot be used with"),
        (&["translate", "--normalize", "maybe", "a.txt"], "possible values"),
        (
            &["translate", "--min-tokens", "9", "--max-tokens", "3", "a.txt"],
            "--min-tokens 9 is more",
        ),
        (&["translate", "--prompt", "no place", "a.txt"], "{text}"),
        (
            &["translate", "--format", "html", "--format", "docx", "a.txt"],
            "one format only",
        ),
        (&["translate", "--ids", "a.txt"], "--format jsonl"),
        (&["translate", "--beam", "0", "a.txt"], "at least 1"),
        (&["translate", "--beam", "100000", "a.txt"], "at most 100"),
        (&["translate", "--encoding", "klingon", "a.txt"], "klingon"),
        (&["translate", "-", "-"], "once only"),
        (&["translate", "a.txt", "-o", "a.txt"], "the output is an input"),
        (&["translate", "a.txt", "-o", "a.xyz"], "--format"),
        (&["bench", "a.txt", "-o", "a.html"], "unexpected argument"),
        (&["split", "--explain", "--split", "line", "a.txt"], "--split line"),
        (&["score", "-", "-"], "once only"),
        (&["render", "a.txt"], "a.txt"),
    ];
    for (args, part) in cases {
        let expected = if args[0..].first() == Some(&"render") { 1 } else { 2 };
        sandbox.run(args).ends(expected, &[part]);
    }
}

#[test]
fn completions_are_printed_for_every_shell() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = sandbox.run(&["completions", shell]).ends(0, &[]).stdout;
        assert!(script.contains("translate") && script.contains("normalize"), "{shell}");
    }
    sandbox.run(&["completions", "tcsh"]).ends(2, &["possible values"]);
}

#[test]
fn manual_pages_are_printed_or_written() {
    let sandbox = Sandbox::new();
    let page = sandbox.run(&["man"]).ends(0, &[]).stdout;
    assert!(page.contains(".TH plae 1") && page.contains("Exit codes"), "{page}");
    sandbox.run(&["man", "-o", "man1"]).ends(0, &["written to man1"]);
    let pages = sandbox.files("man1");
    for name in [
        "plae.1",
        "plae-translate.1",
        "plae-models-pull.1",
        "plae-memory-learn.1",
    ] {
        assert!(pages.iter().any(|page| page == name), "{pages:?}");
    }
    assert!(sandbox.read("man1/plae-translate.1").contains("\\-\\-normalize"));
}

#[test]
fn colours_follow_the_option_and_the_environment() {
    let sandbox = Sandbox::new();
    let args = ["translate", "missing.txt"];
    assert!(!sandbox.run(&args).stderr.contains('\x1b'));
    let always = ["--color", "always", "translate", "missing.txt"];
    assert!(sandbox.run(&always).stderr.contains('\x1b'));
    let mut forced = sandbox.command(&args);
    forced.env("CLICOLOR_FORCE", "1");
    assert!(super::run(forced, b"").stderr.contains('\x1b'));
}
