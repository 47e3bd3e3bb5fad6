//! Decoder-only models against transformers: ids in and ids out of tiny random checkpoints, by `tests/golden/decoder.py`.

use super::Sandbox;
use super::seq2seq::{LINES, ids, segments_of};
use serde::Deserialize;
use serde_json::{Value, json};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/decoder");
const NAMES: [&str; 8] = [
    "gemma2",
    "gemma3",
    "gemma3-multimodal",
    "hunyuan",
    "llama",
    "mistral",
    "qwen3",
    "qwen3-yarn",
];
/// Differences of logits below which another sum order may choose otherwise.
const NEAR_TIE: f32 = 1e-3;

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
    /// The same with the repetition penalty that the checkpoint asks for, where it asks for one.
    penalised: Option<Vec<u32>>,
    penalised_margin: Option<f32>,
}

fn json(path: &str) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
}

#[test]
fn ids_are_those_of_transformers() {
    for name in NAMES {
        let directory = format!("{DIRECTORY}/{name}");
        let golden: Golden = serde_json::from_value(json(&format!("{directory}.json"))).expect("golden JSON");
        let config = json(&format!("{directory}/config.json"));
        let positions = config["max_position_embeddings"].as_u64().unwrap_or(u64::MAX) as usize;
        let most = golden.max_tokens.to_string();
        let options = ["--prompt", "{text}", "--max-tokens", &most];
        let found = segments_of(&directory, LINES, &options);
        assert_eq!(found.len(), golden.lines.len(), "{name}");
        let (mut compared, mut same) = (0, 0);
        for (found, expected) in found.iter().zip(&golden.lines) {
            // transformers goes on beyond a model's positions, where plae divides the text.
            if found["finish"] == "copy" || expected.source_ids.len() + golden.max_tokens > positions {
                continue;
            }
            let source = &found["source"];
            assert_eq!(ids(found, "source_ids"), expected.source_ids, "{name}: {source}");
            let target = expected.penalised.as_ref().unwrap_or(&expected.greedy);
            let margin = expected.penalised_margin.unwrap_or(expected.greedy_margin);
            compared += 1;
            if ids(found, "target_ids") == *target {
                same += 1
            } else {
                assert!(margin < NEAR_TIE, "{name}, margin {margin}: {source}")
            }
        }
        assert!(
            compared > 20 && same * 10 >= compared * 9,
            "{name}: {same} of {compared} lines agree"
        );
        let targets = |text: &str, more: &[&str]| -> Vec<Vec<u32>> {
            let found = segments_of(&directory, text, &[&options[..], more].concat());
            found.iter().map(|segment| ids(segment, "target_ids")).collect()
        };
        let together: Vec<Vec<u32>> = found.iter().map(|segment| ids(segment, "target_ids")).collect();
        // Every seventh line, round and round.
        let lines: Vec<&str> = LINES.lines().collect();
        let order: Vec<usize> = (0..lines.len()).map(|i| i * 7 % lines.len()).collect();
        let shuffled: String = order.iter().flat_map(|line| [lines[*line], "\n"]).collect();
        let expected: Vec<&Vec<u32>> = order.iter().map(|line| &together[*line]).collect();
        assert_eq!(targets(&shuffled, &[]).iter().collect::<Vec<_>>(), expected, "{name}");
        assert_eq!(
            targets(LINES, &["--batch-tokens", "1"]),
            together,
            "{name}, one at a time"
        );
    }
}

#[test]
fn a_penalty_counts_what_was_read() {
    let golden: Golden = serde_json::from_value(json(&format!("{DIRECTORY}/hunyuan.json"))).expect("golden JSON");
    let changed = golden
        .lines
        .iter()
        .filter(|line| line.penalised.as_ref().is_some_and(|ids| *ids != line.greedy));
    assert!(
        changed.count() >= 5,
        "the penalty changes too little to show that it is there"
    );
}

#[test]
fn a_checkpoints_own_chat_template_makes_its_prompt() {
    let sandbox = Sandbox::new();
    for entry in std::fs::read_dir(format!("{DIRECTORY}/qwen3")).expect("a checkpoint") {
        let path = entry.expect("an entry").path();
        let file = path.file_name().expect("a name").to_string_lossy().into_owned();
        sandbox.write(&format!("model/{file}"), std::fs::read(&path).expect("a file"));
    }
    let template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
                    {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
    let model = sandbox.path("model").display().to_string();
    let few = ["--max-tokens", "3"];
    let source = |options: &[&str]| {
        let found = segments_of(&model, "ฝนตก\n", &[&few[..], options].concat());
        (ids(&found[0], "source_ids"), found)
    };
    let (examples, _) = source(&[]);
    let mut config = json(&format!("{model}/tokenizer_config.json"));
    config["chat_template"] = json!(template);
    sandbox.write("model/tokenizer_config.json", config.to_string());
    let (chat, _) = source(&[]);
    assert_ne!(chat, examples);
    let request = "Translate the following text from Thai into English. Give only the translation.\\n\\n{text}";
    let spelled = format!("<|im_start|>user\\n{request}<|im_end|>\\n<|im_start|>assistant\\n");
    assert_eq!(source(&["--prompt", &spelled]).0, chat);
    // A prompt of the user's own is all there is.
    let (bare, _) = source(&["--prompt", "{text}"]);
    assert!(
        bare.len() < 12 && chat.windows(bare.len()).any(|part| part == bare),
        "{bare:?} {chat:?}"
    );
    sandbox.write("model/chat_template.jinja", "{{ raise_exception('only tools') }}");
    let found = sandbox
        .feed(&["translate", "--model", "model"], "ฝนตก\n")
        .ends(2, &["chat_template.jinja", "only tools"]);
    assert!(found.stderr.contains("hint:"), "{found:#?}");
    source(&["--prompt", "{text}"]);
}
