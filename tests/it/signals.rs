//! Ctrl-C and the signals by which systems end programs: what is finished stays, and nothing half done is left.
#![cfg(unix)]

use super::Sandbox;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/seq2seq/marian-prefix");

fn send(signal: &str, child: &Child) {
    let status = std::process::Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(status.is_ok_and(|status| status.success()));
}

/// Whether this process, and so the programs that it starts, ignores SIGHUP.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

/// Waits at most a minute for the end of a program; returns its exit code and what it wrote to standard error.
fn wait(mut child: Child) -> (Option<i32>, String) {
    let until = Instant::now() + Duration::from_secs(60);
    while child.try_wait().expect("a status").is_none() {
        assert!(Instant::now() < until, "the program does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut log = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut log).expect("standard error");
    }
    (child.wait().expect("an end").code(), log)
}

/// Starts the translation of rows from standard input to a file, gives it one row, and waits until it was translated.
fn start_rows(sandbox: &Sandbox, args: &[&str]) -> (Child, std::process::ChildStdin) {
    let mut args = args.to_vec();
    args.extend([
        "translate",
        "--from",
        "jsonl",
        "-",
        "-o",
        "out/rows.jsonl",
        "--model",
        MODEL,
        "--max-tokens",
        "4",
    ]);
    args.extend(["--memory", "memory.sqlite"]);
    let mut command = sandbox.command(&args);
    command
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("standard input");
    stdin
        .write_all("{\"text\":\"ฝนตก\",\"id\":1}\n".as_bytes())
        .expect("a row");
    stdin.flush().expect("a row");
    let until = Instant::now() + Duration::from_secs(60);
    // The row is finished when its sentence is in the memory.
    while !sandbox.path("memory.sqlite").exists() {
        assert!(Instant::now() < until, "nothing is translated: {:?}", child.try_wait());
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(800));
    (child, stdin)
}

#[test]
fn rows_finished_before_a_signal_are_kept() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        if signal == "-HUP" && ignores_hangup() {
            eprintln!("skipped: the tests run with SIGHUP ignored, which plae keeps so");
            continue;
        }
        let sandbox = Sandbox::new();
        let (child, stdin) = start_rows(&sandbox, &[]);
        send(signal, &child);
        let (code, log) = wait(child);
        drop(stdin);
        assert_eq!(code, Some(130), "{signal}: {log}");
        assert!(
            log.contains("lines 1 to 1 of standard input are finished, in out/rows.jsonl.partial"),
            "{signal}: {log}"
        );
        assert!(
            log.contains("the same command takes what is finished from the memory"),
            "{signal}: {log}"
        );
        assert_eq!(sandbox.files("out"), ["rows.jsonl.partial"], "{signal}");
        let row = sandbox.read("out/rows.jsonl.partial");
        assert!(row.contains("\"translation\"") && row.contains("\"id\":1"), "{row}");
    }
}

#[test]
fn a_killed_run_leaves_no_part_of_rows() {
    let sandbox = Sandbox::new();
    let (child, stdin) = start_rows(&sandbox, &[]);
    send("-KILL", &child);
    wait(child);
    drop(stdin);
    assert_eq!(sandbox.files("out"), [""; 0]);
}

#[test]
fn a_hangup_that_is_ignored_stays_ignored() {
    let sandbox = Sandbox::new();
    let plae = env!("CARGO_BIN_EXE_plae");
    let mut command = std::process::Command::new("nohup");
    command
        .args([
            plae,
            "translate",
            "--from",
            "jsonl",
            "-",
            "--model",
            MODEL,
            "--max-tokens",
            "4",
            "-o",
            "rows.jsonl",
        ])
        .current_dir(sandbox.path("."))
        .env("HOME", sandbox.path("."))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("nohup starts");
    let mut stdin = child.stdin.take().expect("standard input");
    stdin.write_all("{\"text\":\"ฝนตก\"}\n".as_bytes()).expect("a row");
    let mut log = BufReader::new(child.stderr.take().expect("standard error"));
    let mut line = String::new();
    while !line.contains("loaded in") {
        line.clear();
        assert_ne!(
            log.read_line(&mut line).expect("standard error"),
            0,
            "no model was loaded"
        );
    }
    send("-HUP", &child);
    std::thread::sleep(Duration::from_millis(300));
    drop(stdin);
    assert_eq!(wait(child).0, Some(0));
    assert!(sandbox.read("rows.jsonl").contains("translation"));
}

#[test]
fn one_file_stopped_by_a_signal_says_how_to_go_on() {
    let text: String = (0..3000).map(|number| format!("ข่าววันนี้เรื่องที่ {number}\n")).collect();
    for (memory, advice) in [
        (&["--memory", "m.sqlite"][..], "finished sentences are in the memory"),
        (&[], "--memory FILE keeps finished sentences"),
    ] {
        let sandbox = Sandbox::with(&[("a.txt", &text)]);
        let mut args = vec!["translate", "a.txt", "-o", "out/a.html", "--model", MODEL];
        args.extend(memory);
        let mut command = sandbox.command(&args);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut log = BufReader::new(child.stderr.take().expect("standard error"));
        let mut text = String::new();
        while !text.contains("loaded in") {
            assert_ne!(log.read_line(&mut text).expect("standard error"), 0, "{text}");
        }
        std::thread::sleep(Duration::from_millis(300));
        send("-TERM", &child);
        log.read_to_string(&mut text).expect("standard error");
        assert_eq!(wait(child).0, Some(130), "{text}");
        assert!(text.contains(advice), "{text}");
        assert_eq!(sandbox.files("out"), [""; 0]);
    }
}
