//! Real weights: Gemma 3 270M, fetched by plae itself where it is not cached; without it these tests skip and say so.

use super::{Outcome, Sandbox, run};
use plae::model::weights::gguf::GgufFile;
use plae::model::{ActivationPrecision, OutputTokenIds, decoder};
use plae::tokenizer::Tokenizer;
use serde::Deserialize;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

const LINES: &str = include_str!("../golden/lines.th");

/// What llama.cpp makes of [`LINES`], by `tests/golden/llama.py`.
#[derive(Deserialize)]
struct Golden {
    prompt: String,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    source_ids: Vec<u32>,
    target_ids: Vec<u32>,
    /// By how much the logit of each target token, and of the end, exceeds the next best.
    margins: Vec<f32>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/gemma-3-270m.json")).expect("golden JSON")
}

/// The program with the user's own caches.
fn plae(args: &[&str], stdin: &str) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plae"));
    command.args(args);
    run(command, stdin.as_bytes())
}

/// The model file, or none with a printed reason.
fn model() -> Option<&'static str> {
    static MODEL: OnceLock<Option<PathBuf>> = OnceLock::new();
    MODEL
        .get_or_init(super::gemma)
        .as_deref()
        .and_then(|path| path.to_str())
}

/// The segments of a JSONL output, its header left out.
fn segments(jsonl: &str) -> Vec<Value> {
    let lines = jsonl
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"));
    lines.filter(|line: &Value| line["type"] == "segment").collect()
}

#[test]
fn ids_are_those_of_llama_cpp() {
    let Some(model) = model() else { return };
    let golden = golden();
    let args = [
        "translate",
        "--model",
        model,
        "--split",
        "line",
        "--normalize",
        "off",
        "--format",
        "jsonl",
        "--ids",
    ];
    let args = [&args[..], &["--max-tokens", "1", "--prompt", &golden.prompt]].concat();
    let outcome = plae(&args, LINES);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let ours = segments(&outcome.stdout);
    assert_eq!(ours.len(), golden.lines.len());
    for (ours, theirs) in ours.iter().zip(&golden.lines) {
        let ids: Vec<u32> = serde_json::from_value(ours["source_ids"].clone()).expect("ids");
        assert_eq!(ids, theirs.source_ids, "{}", ours["source"]);
    }
}

/// llama.cpp and plae both round activations, differently, and a greedy text that takes one other token goes on as another
/// text (llama.cpp's own two kinds of attention give the same text for a quarter of FLORES). So the choice is compared token
/// by token, each after what llama.cpp had written, where it was not a near tie.
#[test]
fn every_clear_choice_of_llama_cpp_is_plaes_choice_too() {
    let Some(model) = model() else { return };
    let gguf = GgufFile::open(model.as_ref()).expect("the model");
    let tokenizer = Tokenizer::from_gguf(&gguf).expect("a tokenizer");
    let ends = tokenizer.ids_containing(&["\n".to_owned()]);
    for (activations, near_tie) in [(ActivationPrecision::Int8, 2.0), (ActivationPrecision::F32, 2.0)] {
        let ids = OutputTokenIds {
            end: Tokenizer::gguf_end_ids(&gguf).expect("ends"),
            ..OutputTokenIds::default()
        };
        let gemma = decoder::load_from_gguf(&gguf, ids, activations).expect("a model");
        let golden = golden();
        let (mut clear, mut all, mut same) = (0, 0, 0);
        for line in &golden.lines {
            let (mut state, mut logits) = gemma.begin_decoding(&[], &[&line.source_ids]).expect("begin");
            for (step, margin) in line.margins.iter().enumerate() {
                let row: Vec<f32> = logits.flatten_all().and_then(|row| row.to_vec1()).expect("logits");
                let best = (0..row.len())
                    .max_by(|a, b| row[*a].total_cmp(&row[*b]))
                    .expect("a vocabulary") as u32;
                let expected = line.target_ids.get(step).copied();
                let agree = expected.map_or(ends.contains(&best) || gemma.spec().end.contains(&best), |id| {
                    id == best
                });
                all += 1;
                same += usize::from(agree);
                if *margin > near_tie {
                    clear += 1;
                    assert!(
                        agree,
                        "step {step} of {:?}: {best} for {expected:?}, margin {margin}",
                        line.target_ids
                    );
                }
                if let Some(id) = expected {
                    logits = gemma.decode_step(&[id], &mut state).expect("step");
                }
            }
        }
        assert!(clear > 100, "only {clear} clear choices");
        assert!(
            same * 10 >= all * 9,
            "{same} of {all} choices are the same with {activations:?}"
        );
    }
}

#[test]
fn a_sentence_is_translated_alike_alone_in_a_batch_and_in_another_order() {
    let Some(model) = model() else { return };
    let translate = |text: &str, batch: &[&str]| {
        let args = [
            &["translate", "--model", model, "--split", "line", "--format", "plain"],
            batch,
        ]
        .concat();
        let outcome = plae(&args, text);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        outcome.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let together = translate(LINES, &[]);
    assert_eq!(together.len(), LINES.lines().count());
    assert_eq!(translate(LINES, &["--batch-tokens", "1"]), together);
    let backwards: String = LINES.lines().rev().flat_map(|line| [line, "\n"]).collect();
    let mut reversed = translate(&backwards, &[]);
    reversed.reverse();
    assert_eq!(reversed, together);
}

#[test]
fn lines_stay_lines() {
    let Some(model) = model() else { return };
    let text = "ฝนตกหนักในกรุงเทพฯ\n\n  \r\nOK 42\nน้ำท่วมหลายจังหวัด";
    let outcome = plae(
        &[
            "translate",
            "--model",
            model,
            "--split",
            "line",
            "--format",
            "plain",
            "-",
        ],
        text,
    );
    let lines: Vec<&str> = outcome.stdout.split('\n').collect();
    assert_eq!(lines.len(), 5, "{:?}", outcome.stdout);
    assert_eq!(&lines[1..4], ["", "  \r", "OK 42"]);
    assert!(
        lines[0].is_ascii() && !lines[0].is_empty() && !lines[4].is_empty(),
        "{lines:?}"
    );
}

#[test]
fn the_example_article_comes_out_whole() {
    let Some(model) = model() else { return };
    let article = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/wuzhen-summit.txt");
    let sandbox = Sandbox::new();
    let (page, record) = (sandbox.path("a.html"), sandbox.path("a.jsonl"));
    let formats = ["--format", "html", "--format", "jsonl"];
    let args = [
        &[
            "translate",
            "--model",
            model,
            article,
            "-o",
            page.to_str().expect("UTF-8"),
        ],
        &formats[..],
    ]
    .concat();
    let outcome = plae(&args, "");
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(record.exists(), "{:?}", sandbox.files("."));
    let jsonl = sandbox.read("a.jsonl");
    let header: Value = serde_json::from_str(jsonl.lines().next().expect("a header")).expect("JSON");
    let segments = segments(&jsonl);
    let source = std::fs::read_to_string(article).expect("the article");
    let mut rebuilt = String::new();
    for segment in &segments {
        let text = |key: &str| segment[key].as_str().unwrap_or_default();
        rebuilt += text("before");
        rebuilt += text("source");
        assert!(!text("target").is_empty(), "{}", text("source"));
    }
    rebuilt += header["tail"].as_str().expect("a tail");
    assert_eq!(rebuilt, source);
    let paragraphs = source.lines().filter(|line| !line.trim().is_empty()).count();
    assert_eq!(segments.last().expect("segments")["block"], paragraphs - 1);
    let html = sandbox.read("a.html");
    assert!(html.contains("ภาพจากซินหัว") && html.contains("gemma-3-270m"), "{html}");
}

#[test]
fn a_beam_is_at_least_as_probable_as_greedy_search() {
    let Some(model) = model() else { return };
    let score = |beam: &str| {
        let args = [
            "translate",
            "--model",
            model,
            "--split",
            "line",
            "--format",
            "jsonl",
            "--beam",
            beam,
        ];
        let outcome = plae(&args, "ฝนตกหนักในกรุงเทพมหานครตั้งแต่เช้าวันนี้\n");
        segments(&outcome.stdout)[0]["score"]
            .as_f64()
            .unwrap_or_else(|| panic!("{}", outcome.stderr))
    };
    assert!(score("4") >= score("1") - 0.1);
}

#[test]
fn a_damaged_model_is_refused_with_its_path() {
    let Some(model) = model() else { return };
    let bytes = std::fs::read(model).expect("the model");
    let sandbox = Sandbox::new();
    for (name, bytes, message) in [
        ("cut-header.gguf", &bytes[..1_000_000], "do not fit in the file"),
        (
            "cut-weights.gguf",
            &bytes[..bytes.len() / 2],
            "beyond the end of the file",
        ),
        ("page.gguf", &b"<!DOCTYPE html><html></html>"[..], "not a GGUF file"),
        ("empty.gguf", &b""[..], "GGUF"),
    ] {
        sandbox.write(name, bytes);
        let outcome = sandbox.feed(&["translate", "--model", name], "ภาษาไทย\n");
        assert_eq!(outcome.code, Some(2), "{name}: {}", outcome.stderr);
        assert!(
            outcome.stderr.contains(name) && outcome.stderr.contains(message),
            "{name}: {}",
            outcome.stderr
        );
        assert_eq!(outcome.stdout, "");
    }
}
