//! Encoder-decoder models against transformers: ids in and ids out of tiny random checkpoints, by `tests/golden/seq2seq.py`.

use super::{Outcome, run};
use serde::Deserialize;
use serde_json::Value;
use std::process::Command;

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/seq2seq");
const LINES: &str = include_str!("../golden/seq2seq/lines.th");
const NAMES: [&str; 9] = [
    "marian-tied",
    "marian-prefix",
    "marian-separate",
    "m2m100",
    "small100",
    "nllb",
    "mbart50",
    "t5-madlad",
    "t5-tied",
];

/// What transformers makes of [`LINES`].
#[derive(Deserialize)]
struct Golden {
    max_tokens: usize,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    source_ids: Vec<u32>,
    greedy: Vec<u32>,
    /// By how much the least sure choice was ahead.
    greedy_margin: f32,
    beam: Vec<u32>,
    beam_margin: f32,
}

fn golden(name: &str) -> Golden {
    let text = std::fs::read(format!("{DIRECTORY}/{name}.json")).expect("a golden file");
    serde_json::from_slice(&text).expect("golden JSON")
}

/// The segments that the program makes of a text with a model, by its lines.
fn segments(name: &str, text: &str, options: &[&str]) -> Vec<Value> {
    let model = format!("{DIRECTORY}/{name}");
    let fixed = ["translate", "--model", &model, "--split", "line", "--normalize", "off"];
    let record = ["--format", "jsonl", "--ids"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_plae"));
    command.args([&fixed[..], &record, options].concat());
    let Outcome { code, stdout, stderr } = run(command, text.as_bytes());
    assert_eq!(code, Some(0), "{name}: {stderr}");
    let lines = stdout.lines().skip(1);
    lines
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

fn ids(segment: &Value, key: &str) -> Vec<u32> {
    serde_json::from_value(segment[key].clone()).expect("ids")
}

#[test]
fn ids_are_those_of_transformers() {
    for name in NAMES {
        let golden = golden(name);
        let most = golden.max_tokens.to_string();
        for beam in ["1", "4"] {
            let found = segments(name, LINES, &["--beam", beam, "--max-tokens", &most]);
            assert_eq!(found.len(), golden.lines.len(), "{name}");
            let mut compared = 0;
            for (found, expected) in found.iter().zip(&golden.lines) {
                if found["finish"] == "copy" {
                    continue;
                }
                assert_eq!(
                    ids(found, "source_ids"),
                    expected.source_ids,
                    "{name}: {}",
                    found["source"]
                );
                let (target, margin) = match beam {
                    "1" => (&expected.greedy, expected.greedy_margin),
                    _ => (&expected.beam, expected.beam_margin),
                };
                // A near tie may fall either way.
                if ids(found, "target_ids") != *target {
                    assert!(
                        margin < 1e-3,
                        "{name}, beam {beam}, margin {margin}: {}",
                        found["source"]
                    );
                } else {
                    compared += 1;
                }
            }
            assert!(
                compared * 10 >= golden.lines.len() * 9,
                "{name}: only {compared} lines agree"
            );
        }
    }
}

#[test]
fn a_sentence_is_translated_alike_alone_in_a_batch_and_in_another_order() {
    for name in NAMES {
        let options = ["--beam", "3", "--max-tokens", "12"];
        let targets = |text: &str, options: &[&str]| -> Vec<Vec<u32>> {
            let found = segments(name, text, options);
            found.iter().map(|segment| ids(segment, "target_ids")).collect()
        };
        let together = targets(LINES, &options);
        let alone = [&options[..], &["--batch-tokens", "1"]].concat();
        assert_eq!(targets(LINES, &alone), together, "{name}");
        let backwards: String = LINES.lines().rev().flat_map(|line| [line, "\n"]).collect();
        let mut reversed = targets(&backwards, &options);
        reversed.reverse();
        assert_eq!(reversed, together, "{name}");
    }
}
