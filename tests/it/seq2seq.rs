//! Encoder-decoder models against transformers: ids in and ids out of tiny random checkpoints, by `tests/golden/seq2seq.py`.

use super::{Outcome, Sandbox, run};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::Command;

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/seq2seq");
pub const LINES: &str = include_str!("../golden/seq2seq/lines.th");
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
    segments_of(&format!("{DIRECTORY}/{name}"), text, options)
}

pub fn segments_of(model: &str, text: &str, options: &[&str]) -> Vec<Value> {
    let fixed = ["translate", "--model", model, "--split", "line", "--normalize", "off"];
    let record = ["--format", "jsonl", "--ids"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_plae"));
    command.args([&fixed[..], &record, options].concat());
    let Outcome { code, stdout, stderr } = run(command, text.as_bytes());
    assert_eq!(code, Some(0), "{model}: {stderr}");
    let lines = stdout.lines().skip(1);
    lines
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

pub fn ids(segment: &Value, key: &str) -> Vec<u32> {
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
    for name in NAMES {
        check(&format!("{DIRECTORY}/{name}"), name);
    }
}

/// Compares a checkpoint with what transformers makes of the golden one of this name.
fn compare(model: &str, name: &str, device: &str) {
    let golden = golden(name);
    let most = golden.max_tokens.to_string();
    for beam in ["1", "4"] {
        let place = ["--device", device, "--precision", "f32"];
        let options = [&place[..], &["--beam", beam, "--max-tokens", &most]].concat();
        let found = segments_of(model, LINES, &options);
        assert_eq!(found.len(), golden.lines.len(), "{name}");
        let mut compared = 0;
        for (found, expected) in found.iter().zip(&golden.lines) {
            if found["finish"] == "copy" {
                continue;
            }
            let source = &found["source"];
            assert_eq!(ids(found, "source_ids"), expected.source_ids, "{name}: {source}");
            let (target, margin) = match beam {
                "1" => (&expected.greedy, expected.greedy_margin),
                _ => (&expected.beam, expected.beam_margin),
            };
            // A near tie may fall either way.
            if ids(found, "target_ids") != *target {
                assert!(
                    margin < 1e-3,
                    "{name}, {device}, beam {beam}, margin {margin}: {source}"
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

/// The same on every device.
fn check(model: &str, name: &str) {
    for device in devices() {
        compare(model, name, &device);
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
        if built.contains(feature) {
            eprintln!("skipped: this build has {feature}")
        } else {
            refused(
                &marian,
                &["--device", feature],
                &[&format!("without {feature}"), &format!("--features {feature}")],
            )
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

/// Writes a file with a part of it replaced.
fn replace(sandbox: &Sandbox, file: &str, from: &str, to: &str) {
    let text = sandbox.read(file);
    assert!(text.contains(from), "{file} has no {from}");
    sandbox.write(file, text.replace(from, to));
}

/// Writes a JSON file with other values; null takes a key away.
fn set(sandbox: &Sandbox, file: &str, values: Value) {
    let mut all: Value = serde_json::from_str(&sandbox.read(file)).expect("JSON");
    for (key, value) in values.as_object().expect("an object") {
        let all = all.as_object_mut().expect("an object");
        match value {
            Value::Null => all.remove(key),
            value => all.insert(key.clone(), value.clone()),
        };
    }
    sandbox.write(file, all.to_string());
}

/// A type, a shape and bytes.
type Stored = (String, Vec<usize>, Vec<u8>);

/// Writes model.safetensors with other tensors.
fn store(sandbox: &Sandbox, change: impl Fn(&mut BTreeMap<String, Stored>)) {
    let file = "model/model.safetensors";
    let bytes = std::fs::read(sandbox.path(file)).expect("weights");
    let (length, rest) = bytes.split_first_chunk().expect("a length");
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let header: BTreeMap<String, Value> = serde_json::from_slice(header).expect("a header");
    let mut tensors = BTreeMap::new();
    for (name, about) in header.iter().filter(|(name, _)| *name != "__metadata__") {
        let [start, end]: [usize; 2] = serde_json::from_value(about["data_offsets"].clone()).expect("offsets");
        let shape = serde_json::from_value(about["shape"].clone()).expect("a shape");
        let kind = about["dtype"].as_str().expect("a type").to_owned();
        tensors.insert(name.clone(), (kind, shape, data[start..end].to_vec()));
    }
    change(&mut tensors);
    let (mut header, mut data) = (json!({}), Vec::new());
    for (name, (kind, shape, bytes)) in tensors {
        let start = data.len();
        data.extend(bytes);
        header[name] = json!({"dtype": kind, "shape": shape, "data_offsets": [start, data.len()]});
    }
    let header = header.to_string();
    let length = (header.len() as u64).to_le_bytes();
    sandbox.write(file, [&length[..], header.as_bytes(), &data].concat());
}

fn model(sandbox: &Sandbox) -> String {
    sandbox.path("model").display().to_string()
}

#[test]
fn computed_positions_have_no_end_where_transformers_has_none() {
    // M2M-100's table grows; Marian's does not, and is not made for more than is used.
    for (name, positions) in [("m2m100", 12), ("nllb", 3), ("marian-prefix", 1 << 24)] {
        let sandbox = copied(name);
        set(
            &sandbox,
            "model/config.json",
            json!({"max_position_embeddings": positions}),
        );
        check(&model(&sandbox), name);
    }
}

#[test]
fn stored_positions_of_marian_go_before_computed_ones() {
    let sandbox = copied("marian-prefix");
    let (count, width) = (140, 48);
    let put = |scale: f64| {
        let row = |position: usize| {
            let angle = move |j: usize| position as f64 / 10_000f64.powf((2 * (j / 2)) as f64 / width as f64);
            let sines = (0..width).step_by(2).map(move |j| angle(j).sin());
            sines.chain((1..width).step_by(2).map(move |j| angle(j).cos()))
        };
        let values = (0..count)
            .flat_map(row)
            .flat_map(|value| ((value * scale) as f32).to_le_bytes());
        let stored: Stored = ("F32".to_owned(), vec![count, width], values.collect());
        store(&sandbox, |tensors| {
            for side in ["encoder", "decoder"] {
                tensors.insert(format!("model.{side}.embed_positions.weight"), stored.clone());
            }
        });
    };
    put(1.0);
    check(&model(&sandbox), "marian-prefix");
    let targets = |segments: Vec<Value>| -> Vec<_> { segments.iter().map(|one| ids(one, "target_ids")).collect() };
    let options = ["--beam", "1", "--max-tokens", "12"];
    let before = targets(segments_of(&model(&sandbox), LINES, &options));
    put(-3.0);
    assert_ne!(targets(segments_of(&model(&sandbox), LINES, &options)), before);
}

#[test]
fn the_embeddings_of_the_sides_go_before_the_shared_one_where_nothing_is_tied() {
    let sandbox = copied("mbart50");
    set(&sandbox, "model/config.json", json!({"tie_word_embeddings": false}));
    store(&sandbox, |tensors| {
        let shared = tensors["model.shared.weight"].clone();
        for name in [
            "model.encoder.embed_tokens.weight",
            "model.decoder.embed_tokens.weight",
            "lm_head.weight",
        ] {
            tensors.insert(name.to_owned(), shared.clone());
        }
        let stored = tensors.get_mut("model.shared.weight").expect("the shared embedding");
        stored.2.fill(0);
    });
    check(&model(&sandbox), "mbart50");
}

#[test]
fn what_t5_derived_goes_before_what_it_was_derived_from() {
    for projection in [Value::Null, json!("relu")] {
        let sandbox = copied("t5-madlad");
        set(&sandbox, "model/config.json", json!({"feed_forward_proj": projection}));
        check(&model(&sandbox), "t5-madlad");
    }
}

#[test]
fn languages_that_no_file_lists_are_those_of_the_class() {
    let sandbox = copied("mbart50");
    std::fs::remove_file(sandbox.path("model/special_tokens_map.json")).expect("removed");
    check(&model(&sandbox), "mbart50");

    let sandbox = copied("nllb");
    for file in ["tokenizer.json", "special_tokens_map.json"] {
        std::fs::remove_file(sandbox.path(&format!("model/{file}"))).expect("removed");
    }
    // Without tokenizer.json the pieces may be others; the language before them is what counts here.
    let found = segments_of(&model(&sandbox), LINES, &["--beam", "1", "--max-tokens", "1"]);
    for (found, expected) in found.iter().zip(&golden("nllb").lines) {
        if found["finish"] != "copy" {
            assert_eq!(ids(found, "source_ids")[0], expected.source_ids[0]);
        }
    }

    // A list in another order does not move M2M-100's.
    let sandbox = copied("m2m100");
    let shuffled = json!({"additional_special_tokens": ["__zu__", "__en__", "__th__", "__af__"]});
    set(&sandbox, "model/tokenizer_config.json", shuffled);
    check(&model(&sandbox), "m2m100");
}

#[test]
fn a_recorded_source_is_divided_only_where_it_is_longer_than_the_model() {
    let long = "รัฐบาลประกาศแผนช่วยเหลือเกษตรกรที่ประสบภัยแล้ง ".repeat(40) + "\n";
    for (name, positions) in [
        ("t5-tied", 140),
        ("m2m100", 140),
        ("marian-prefix", 4000),
        ("marian-prefix", 140),
    ] {
        let sandbox = copied(name);
        set(
            &sandbox,
            "model/config.json",
            json!({"max_position_embeddings": positions}),
        );
        let found = segments_of(&model(&sandbox), &long, &["--beam", "1", "--max-tokens", "4"]);
        assert!(ids(&found[0], "source_ids").len() > 600, "{name}");
        let divided = found[0]["flags"].to_string().contains("divided");
        assert_eq!(divided, (name, positions) == ("marian-prefix", 140), "{name}");
    }
}

#[test]
fn an_output_fills_all_positions() {
    let text = "ตำรวจ\n";
    for name in ["marian-prefix", "m2m100"] {
        let whole = segments(name, text, &["--beam", "1", "--max-tokens", "1"]);
        let positions = ids(&whole[0], "source_ids").len();
        let (most, least) = (positions.to_string(), (positions - 1).to_string());
        let options = ["--beam", "1", "--max-tokens", &most, "--min-tokens", &least];
        let sandbox = copied(name);
        set(
            &sandbox,
            "model/config.json",
            json!({"max_position_embeddings": positions}),
        );
        let expected = segments(name, text, &options);
        // The forced first token or the forced end is not shown.
        assert_eq!(ids(&expected[0], "target_ids").len() + 1, positions, "{name}");
        assert_eq!(
            segments_of(&model(&sandbox), text, &options)[0]["target_ids"],
            expected[0]["target_ids"]
        );
    }
}

/// transformers#29279: an article that spells the token that ends a source does not end it.
#[test]
fn a_source_cannot_end_itself() {
    let text = "ตำรวจ\nตำรวจ</s>\n</s>ตำรวจ\n";
    let found = segments("t5-tied", text, &["--beam", "1", "--max-tokens", "2"]);
    let end = *ids(&found[0], "source_ids").last().expect("an end");
    for segment in &found {
        let source_ids = ids(segment, "source_ids");
        assert_eq!(source_ids.iter().filter(|id| **id == end).count(), 1, "{source_ids:?}");
        assert_eq!(source_ids.last(), Some(&end));
    }
}

#[test]
fn a_token_that_the_model_does_not_know_fails_its_own_input() {
    let sandbox = copied("marian-prefix");
    sandbox.write("model/added_tokens.json", "{\"ปลา\": 99999}");
    sandbox.write("1.txt", "ปลา\n");
    sandbox.write("2.txt", "ข้าว\n");
    let found = sandbox.run(&[
        "translate",
        "--model",
        "model",
        "1.txt",
        "2.txt",
        "-o",
        "out",
        "--format",
        "tsv",
    ]);
    found.ends(1, &["1.txt", "99999", "317 tokens", "model is larger than its weights"]);
    assert_eq!(sandbox.files("out").len(), 1);
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
        #[cfg(unix)]
        {
            // Who may read the model may read this file too.
            use std::os::unix::fs::PermissionsExt;
            sandbox.write("ordinary", b"");
            let mode = |name| std::fs::metadata(sandbox.path(name)).expect(name).permissions().mode();
            assert_eq!(mode("model/plae-int8.bin"), mode("ordinary"), "{name}");
        }
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

/// vllm#31735: an article that begins with a language's token does not choose the language.
#[test]
fn a_source_cannot_choose_the_language() {
    let text = ">> อ่านต่อ\n>>eng<< อ่านต่อ\n>>fra<< อ่านต่อ\nอ่านต่อ\n";
    let found = segments("marian-prefix", text, &["--beam", "1", "--max-tokens", "2"]);
    let plain = ids(&found[3], "source_ids");
    let code = plain[0];
    for segment in &found {
        let source_ids = ids(segment, "source_ids");
        assert_eq!(source_ids[0], code, "{}", segment["source"]);
        let codes = source_ids.iter().filter(|id| **id == code).count();
        assert_eq!(codes, 1, "{}", segment["source"]);
    }
    assert!(
        ids(&found[1], "source_ids").len() > plain.len(),
        "the token's name is text"
    );
}

/// Writes pytorch_model.bin with its pickle changed: texts are replaced.
fn repickle(sandbox: &Sandbox, from: &str, to: &str) {
    let file = sandbox.path("model/pytorch_model.bin");
    let mut archive = zip::ZipArchive::new(std::fs::File::open(&file).expect("weights")).expect("an archive");
    let mut written = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).expect("an entry");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("bytes");
        if entry.name().expect("a name").ends_with("data.pkl") {
            let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
            assert!(text.contains(from), "the pickle has no {from}");
            bytes = text.replace(from, to).chars().map(|c| c as u8).collect();
        }
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        written
            .start_file(entry.name().expect("a name"), options)
            .expect("an entry");
        written.write_all(&bytes).expect("bytes");
    }
    let bytes = written.finish().expect("an archive").into_inner();
    std::fs::write(file, bytes).expect("weights");
}

#[test]
fn damaged_checkpoints_are_told_with_their_file_and_place() {
    let weights = "model/model.safetensors";
    let tensor = "model.encoder.layers.0.fc1.weight";
    // A checkpoint, what to do to it, and what the message holds.
    type Case<'a> = (&'a str, &'a str, &'a dyn Fn(&Sandbox), &'a [&'a str]);
    let cases: [Case; 25] = [
        (
            "marian-prefix",
            "cut weights",
            &|sandbox| {
                let bytes = std::fs::read(sandbox.path(weights)).expect("weights");
                sandbox.write(weights, &bytes[..bytes.len() / 2]);
            },
            &["model.safetensors", "cut short"],
        ),
        (
            "marian-prefix",
            "empty weights",
            &|sandbox| sandbox.write(weights, ""),
            &["model.safetensors", "empty"],
        ),
        (
            "marian-prefix",
            "no weights",
            &|sandbox| std::fs::remove_file(sandbox.path(weights)).expect("removed"),
            &["model", "no weights"],
        ),
        (
            "marian-prefix",
            "another width",
            &|sandbox| replace(sandbox, "model/config.json", "\"d_model\":48", "\"d_model\":96"),
            &["tensor model.", "96 expected"],
        ),
        (
            "marian-prefix",
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
            "marian-prefix",
            "unknown activation",
            &|sandbox| replace(sandbox, "model/config.json", "\"relu\"", "\"mish\""),
            &["config.json", "key activation_function", "`mish`"],
        ),
        (
            "marian-prefix",
            "no size",
            &|sandbox| replace(sandbox, "model/config.json", "\"d_model\":48,", ""),
            &["config.json", "key d_model", "missing"],
        ),
        (
            "marian-prefix",
            "cut tokenizer",
            &|sandbox| {
                let bytes = std::fs::read(sandbox.path("model/source.spm")).expect("a tokenizer");
                sandbox.write("model/source.spm", &bytes[..bytes.len() / 2]);
            },
            &["source.spm"],
        ),
        (
            "m2m100",
            "no vocabulary",
            &|sandbox| std::fs::remove_file(sandbox.path("model/vocab.json")).expect("removed"),
            &["vocab.json"],
        ),
        (
            "marian-prefix",
            "empty vocabulary",
            &|sandbox| sandbox.write("model/vocab.json", "{}"),
            &["vocab.json", "<unk>"],
        ),
        (
            "m2m100",
            "no languages",
            &|sandbox| {
                set(
                    sandbox,
                    "model/tokenizer_config.json",
                    json!({"language_codes": "wmt21"}),
                )
            },
            &["tokenizer_config.json", "key additional_special_tokens", "Thai"],
        ),
        (
            "marian-prefix",
            "integers",
            &|sandbox| {
                store(sandbox, |tensors| {
                    tensors.get_mut(tensor).expect("weights").0 = "I16".to_owned()
                })
            },
            &["model.safetensors", tensor, "I16", "not quantized"],
        ),
        (
            "marian-prefix",
            "no numbers",
            &|sandbox| {
                store(sandbox, |tensors| {
                    let bytes = &mut tensors.get_mut(tensor).expect("weights").2;
                    bytes[20..22].fill(0xff);
                })
            },
            &["model.safetensors", tensor, "no numbers"],
        ),
        (
            "marian-tied",
            "integers in a pickle",
            &|sandbox| repickle(sandbox, "FloatStorage", "CharStorage"),
            &["pytorch_model.bin", "tensor ", "CharStorage", "not quantized"],
        ),
        (
            "marian-tied",
            "an old pickle",
            &|sandbox| sandbox.write("model/pytorch_model.bin", b"\x80\x02\x8a\x0a"),
            &["pytorch_model.bin", "old format", "torch.save"],
        ),
        (
            "marian-prefix",
            "a directory in place of weights",
            &|sandbox| {
                std::fs::remove_file(sandbox.path(weights)).expect("removed");
                std::fs::create_dir(sandbox.path(weights)).expect("a directory");
            },
            &["model.safetensors", "is not a file"],
        ),
        (
            "m2m100",
            "an index of numbers",
            &|sandbox| sandbox.write("model/model.safetensors.index.json", "{\"weight_map\": {\"a\": 5}}"),
            &["model.safetensors.index.json", "names no files of weights"],
        ),
        (
            "m2m100",
            "an index of nothing",
            &|sandbox| sandbox.write("model/model.safetensors.index.json", "{\"weight_map\": {}}"),
            &["model.safetensors.index.json", "names no files of weights"],
        ),
        (
            "marian-prefix",
            "a forced end outside the vocabulary",
            &|sandbox| {
                set(
                    sandbox,
                    "model/generation_config.json",
                    json!({"forced_eos_token_id": 317}),
                )
            },
            &["generation_config.json", "key forced_eos_token_id", "317"],
        ),
        (
            "marian-prefix",
            "a list for settings of search",
            &|sandbox| sandbox.write("model/generation_config.json", "[]"),
            &["generation_config.json", "not a JSON object"],
        ),
        (
            "marian-prefix",
            "cut settings of search",
            &|sandbox| sandbox.write("model/generation_config.json", "{\n"),
            &["generation_config.json", "line 2", "not JSON"],
        ),
        (
            "marian-prefix",
            "a wrong setting of search",
            &|sandbox| set(sandbox, "model/generation_config.json", json!({"num_beams": "four"})),
            &["generation_config.json", "key num_beams", "four"],
        ),
        (
            "marian-prefix",
            "cut configuration",
            &|sandbox| sandbox.write("model/config.json", "{\n"),
            &["config.json", "line 2", "not JSON"],
        ),
        (
            "marian-prefix",
            "nameless configuration",
            &|sandbox| set(sandbox, "model/config.json", json!({"model_type": null})),
            &["config.json", "key model_type", "missing"],
        ),
        (
            "marian-prefix",
            "an id of no vocabulary",
            &|sandbox| sandbox.write("model/added_tokens.json", "{\"ปลา\": 4000000000}"),
            &["added_tokens.json", "ปลา", "an id expected"],
        ),
    ];
    for (name, what, spoil, parts) in cases {
        let sandbox = copied(name);
        spoil(&sandbox);
        let found = sandbox
            .feed(&["translate", "--model", "model"], "ภาษาไทย\n")
            .ends(2, parts);
        assert!(
            found.stderr.contains("hint:") && found.stdout.is_empty() && !found.stderr.contains("skipping"),
            "{what}: {found:#?}"
        );
    }
}
