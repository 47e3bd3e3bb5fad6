//! Encoder-decoder models against transformers: ids in and ids out of tiny random checkpoints, by `tests/golden/seq2seq.py`.

use super::{Outcome, Sandbox, run};
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

/// The devices to test on, as `plae doctor` finds them: the CPU, and GPUs where the build and the machine have any.
fn devices() -> Vec<String> {
    let page = Sandbox::new().run(&["doctor"]).stdout;
    let found = page.lines().filter_map(|line| line.split_once("ok    device"));
    let names = found.filter_map(|(_, rest)| rest.trim().split(',').next());
    let devices: Vec<String> = names.map(str::to_owned).collect();
    assert!(devices.contains(&"cpu".to_owned()), "{page}");
    if devices.len() == 1 {
        eprintln!("skipped on a GPU: this build has none, or none answers");
    }
    devices
}

#[test]
fn ids_are_those_of_transformers() {
    for device in devices() {
        for name in NAMES {
            compare(name, &device);
        }
    }
}

fn compare(name: &str, device: &str) {
    let golden = golden(name);
    let most = golden.max_tokens.to_string();
    for beam in ["1", "4"] {
        let place = ["--device", device, "--precision", "f32"];
        let options = [&place[..], &["--beam", beam, "--max-tokens", &most]].concat();
        let found = segments(name, LINES, &options);
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
                    "{name}, {device}, beam {beam}, margin {margin}: {}",
                    found["source"]
                );
            } else {
                compared += 1;
            }
        }
        assert!(
            compared * 10 >= golden.lines.len() * 9,
            "{name}, {device}: only {compared} lines agree"
        );
    }
}

#[test]
fn sixteen_bits_change_only_choices_that_were_close() {
    for device in devices() {
        for name in NAMES {
            let golden = golden(name);
            let most = golden.max_tokens.to_string();
            // T5 has no f16.
            let precisions = [("bf16", 0.25), ("f16", 0.03)];
            for (precision, close) in precisions.into_iter().take(if name.starts_with("t5") { 1 } else { 2 }) {
                let place = ["--device", &device, "--precision", precision];
                let options = [&place[..], &["--beam", "1", "--max-tokens", &most]].concat();
                let found = segments(name, LINES, &options);
                let mut same = 0;
                for (found, expected) in found.iter().zip(&golden.lines) {
                    if found["finish"] == "copy" || ids(found, "target_ids") == expected.greedy {
                        same += 1;
                        continue;
                    }
                    assert!(
                        expected.greedy_margin < close,
                        "{name}, {device}, {precision}, margin {}: {}",
                        expected.greedy_margin,
                        found["source"]
                    );
                }
                assert!(
                    same * 4 >= found.len() * 3,
                    "{name}, {device}, {precision}: only {same} lines are those of f32"
                );
            }
        }
    }
}

#[test]
fn what_a_device_or_a_model_cannot_do_is_refused_with_a_hint() {
    let marian = format!("{DIRECTORY}/marian-tied");
    let t5 = format!("{DIRECTORY}/t5-tied");
    let sandbox = Sandbox::new();
    let refused = |model: &str, options: &[&str], parts: &[&str]| {
        let args = [&["translate", "--model", model][..], options].concat();
        let found = sandbox.feed(&args, "ภาษาไทย\n").ends(2, parts);
        assert!(found.stdout.is_empty() && found.stderr.contains("hint:"), "{found:#?}");
    };
    refused(&t5, &["--precision", "f16"], &["f16", "--precision bf16"]);
    let built = sandbox.run(&["--version"]).stdout;
    for feature in ["cuda", "metal"] {
        match built.contains(feature) {
            true => eprintln!("skipped: this build has {feature}"),
            false => refused(
                &marian,
                &["--device", feature],
                &[&format!("without {feature}"), &format!("--features {feature}")],
            ),
        }
    }
    for device in devices().iter().filter(|device| *device != "cpu") {
        refused(
            &marian,
            &["--device", device, "--precision", "int8"],
            &["on the CPU only"],
        );
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

/// A copy of a checkpoint that a test may spoil or write beside.
fn copied(name: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    for entry in std::fs::read_dir(format!("{DIRECTORY}/{name}")).expect("a checkpoint") {
        let path = entry.expect("an entry").path();
        let file = path.file_name().expect("a name").to_string_lossy().into_owned();
        sandbox.write(&format!("model/{file}"), std::fs::read(&path).expect("a file"));
    }
    sandbox
}

#[test]
fn eight_bits_give_the_same_from_the_checkpoint_and_from_the_file_beside_it() {
    for name in ["marian-tied", "m2m100", "t5-tied"] {
        let sandbox = copied(name);
        let translate = || {
            let args = [
                "translate",
                "--model",
                "model",
                "--precision",
                "int8",
                "--split",
                "line",
            ];
            let found = sandbox.feed(
                &[&args[..], &["--format", "plain", "--max-tokens", "12"]].concat(),
                LINES,
            );
            assert_eq!(found.code, Some(0), "{name}: {}", found.stderr);
            found.stdout
        };
        let first = translate();
        let kept = std::fs::read(sandbox.path("model/plae-int8.bin")).expect("a file in 8 bits");
        assert_eq!(translate(), first, "{name}: from the map");
        // Cut short, it is made again.
        sandbox.write("model/plae-int8.bin", &kept[..kept.len() / 2]);
        assert_eq!(translate(), first, "{name}: after damage");
        let again = std::fs::read(sandbox.path("model/plae-int8.bin")).expect("a file in 8 bits");
        assert!(again == kept, "{name}: the file differs");
    }
}

#[test]
fn a_restricted_output_is_spelled_with_what_english_can_use() {
    let options = ["--beam", "2", "--max-tokens", "16"];
    let mut changed = false;
    for name in ["marian-tied", "m2m100", "t5-madlad"] {
        let full = segments(name, LINES, &options);
        let english = segments(name, LINES, &[&options[..], &["--vocabulary", "english"]].concat());
        changed |= full
            .iter()
            .zip(&english)
            .any(|(a, b)| a["target_ids"] != b["target_ids"]);
        for segment in &english {
            // Single characters stay, so no two Thai letters can come from one token.
            let (target, count) = (
                segment["target"].as_str().expect("text"),
                ids(segment, "target_ids").len(),
            );
            let thai = target.chars().filter(|c| ('ก'..='๛').contains(c)).count();
            assert!(segment["finish"] == "copy" || thai <= count, "{name}: {target}");
        }
    }
    assert!(changed, "the restriction does nothing");
}

#[test]
fn a_text_that_only_looks_like_a_language_code_keeps_the_models_own() {
    let text = ">> อ่านต่อ\n>>eng<< อ่านต่อ\nอ่านต่อ\n";
    let found = segments("marian-prefix", text, &["--beam", "1", "--max-tokens", "2"]);
    let code = ids(&found[2], "source_ids")[0];
    for segment in &found {
        let codes = ids(segment, "source_ids").iter().filter(|id| **id == code).count();
        assert_eq!(codes, 1, "{}", segment["source"]);
    }
    assert_eq!(found[1]["source_ids"], found[2]["source_ids"]);
}

#[test]
fn damaged_checkpoints_are_told_with_their_file_and_place() {
    let weights = "model/model.safetensors";
    let replace = |sandbox: &Sandbox, file: &str, from: &str, to: &str| {
        let text = sandbox.read(file);
        assert!(text.contains(from), "{file} has no {from}");
        sandbox.write(file, text.replace(from, to));
    };
    type Case<'a> = (&'a str, &'a dyn Fn(&Sandbox), &'a [&'a str]);
    let cases: [Case; 8] = [
        (
            "cut weights",
            &|sandbox| {
                let bytes = std::fs::read(sandbox.path(weights)).expect("weights");
                sandbox.write(weights, &bytes[..bytes.len() / 2]);
            },
            &["model.safetensors", "cut short"],
        ),
        (
            "empty weights",
            &|sandbox| sandbox.write(weights, ""),
            &["model.safetensors", "empty"],
        ),
        (
            "no weights",
            &|sandbox| std::fs::remove_file(sandbox.path(weights)).expect("removed"),
            &["model", "no weights"],
        ),
        (
            "another width",
            &|sandbox| replace(sandbox, "model/config.json", "\"d_model\":48", "\"d_model\":96"),
            &["tensor model.", "96 expected"],
        ),
        (
            "more layers",
            &|sandbox| {
                replace(
                    sandbox,
                    "model/config.json",
                    "\"decoder_layers\":2",
                    "\"decoder_layers\":3",
                )
            },
            &["tensor model.decoder.layers.2.", "missing"],
        ),
        (
            "unknown activation",
            &|sandbox| replace(sandbox, "model/config.json", "\"relu\"", "\"mish\""),
            &["config.json", "key activation_function", "`mish`"],
        ),
        (
            "no size",
            &|sandbox| replace(sandbox, "model/config.json", "\"d_model\":48,", ""),
            &["config.json", "key d_model", "missing"],
        ),
        (
            "cut tokenizer",
            &|sandbox| {
                let bytes = std::fs::read(sandbox.path("model/source.spm")).expect("a tokenizer");
                sandbox.write("model/source.spm", &bytes[..bytes.len() / 2]);
            },
            &["source.spm"],
        ),
    ];
    for (what, spoil, parts) in cases {
        let sandbox = copied("marian-prefix");
        spoil(&sandbox);
        let found = sandbox
            .feed(&["translate", "--model", "model"], "ภาษาไทย\n")
            .ends(2, parts);
        assert!(
            found.stderr.contains("hint:") && found.stdout.is_empty(),
            "{what}: {found:#?}"
        );
    }
}
