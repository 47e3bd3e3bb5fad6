//! The program with real weights: gemma-3-270m, where it is on this machine or can be fetched.

use super::{Sandbox, gemma, run};
use std::process::{Command, Stdio};
use std::time::Duration;

const LINES: &str = "ข่าววันนี้\n\nReuters, 12:30\nฝนตกหนักในกรุงเทพมหานคร\n";

#[test]
fn lines_become_as_many_lines() {
    let Some(model) = gemma() else { return };
    let model = model.to_str().expect("UTF-8");
    let args = [
        "translate",
        "--model",
        model,
        "--split",
        "line",
        "--format",
        "plain",
        "-",
    ];
    let outcome = Sandbox::new()
        .feed(&args, LINES)
        .ends(0, &["model gemma-3-270m, cpu, "]);
    let lines: Vec<_> = outcome.stdout.lines().collect();
    assert_eq!((lines.len(), lines[1], lines[2]), (4, "", "Reuters, 12:30"));
    assert!(lines[0].contains("news") && lines[3].contains("rain"), "{lines:?}");
}

#[test]
fn one_run_writes_several_formats_and_render_makes_the_same() {
    let Some(model) = gemma() else { return };
    let model = model.to_str().expect("UTF-8");
    let sandbox = Sandbox::with(&[("a.txt", LINES)]);
    let args = [
        "translate",
        "a.txt",
        "-o",
        "a.jsonl",
        "--model",
        model,
        "--ids",
        "--format=jsonl",
        "--format=html",
    ];
    sandbox.run(&args).ends(0, &["a.txt -> a.jsonl, a.html"]);
    sandbox.run(&["render", "a.jsonl", "-o", "b.html"]).ends(0, &[]);
    assert_eq!(sandbox.read("a.html"), sandbox.read("b.html"));
    assert!(sandbox.read("a.jsonl").contains("\"target_ids\":["));
}

#[test]
fn a_pull_tells_the_licence_though_the_model_is_here() {
    if gemma().is_none() {
        return;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_plae"));
    command.args(["models", "pull", "gemma-3-270m"]);
    run(command, b"").ends(
        0,
        &["gemma-3-270m is on this machine already; licence: Gemma (https://"],
    );
}

#[test]
fn bench_prints_rates() {
    let Some(model) = gemma() else { return };
    let model = model.to_str().expect("UTF-8");
    let sandbox = Sandbox::with(&[("a.txt", LINES)]);
    let plain = sandbox
        .run(&["bench", "a.txt", "--model", model, "--split", "line"])
        .ends(0, &[])
        .stdout;
    for part in ["sentences      2", " sentences/s", " tokens/s", "peak memory"] {
        assert!(plain.contains(part), "no {part:?} in {plain}");
    }
    let json = sandbox
        .run(&["bench", "a.txt", "--model", model, "--json"])
        .ends(0, &[])
        .stdout;
    let report: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(report["sentences"], 2, "{report}");
    assert!(report["output_tokens"].as_u64() > Some(2), "{report}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_no_half_output() {
    let Some(model) = gemma() else { return };
    let model = model.to_str().expect("UTF-8");
    // Every line differs, so that there is work for minutes.
    let text: String = (0..4000).map(|number| format!("ข่าววันนี้เรื่องที่ {number}\n")).collect();
    let sandbox = Sandbox::with(&[("a.txt", &text)]);
    let mut command = sandbox.command(&["translate", "a.txt", "-o", "out/a.html", "--model", model]);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut log = String::new();
    let mut stderr = std::io::BufReader::new(child.stderr.take().expect("standard error"));
    while !log.contains("loaded in") {
        let read = std::io::BufRead::read_line(&mut stderr, &mut log).expect("standard error");
        assert_ne!(read, 0, "{log}");
    }
    std::thread::sleep(Duration::from_millis(500));
    super::interrupt(&child);
    std::io::Read::read_to_string(&mut stderr, &mut log).expect("standard error");
    let status = child.wait().expect("the program ends");
    assert_eq!(status.code(), Some(130), "{log}");
    assert!(
        log.contains("stopping after this step") && log.contains("interrupted:"),
        "{log}"
    );
    assert_eq!(sandbox.files("out").len(), 0);
}
