//! Tests of tokenizers against transformers (`tests/golden/tokenizer.py`), with damaged files, and with any text.

use super::proto::ModelProto;
use super::sentencepiece::SentencePiece;
use super::*;
use proptest::prelude::*;
use serde_json::Value;
use std::path::PathBuf;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/tokenizer");
const DIRECTORIES: [(&str, &str); 8] = [
    ("marian", "marian"),
    ("marian-separate", "marian"),
    ("m2m100", "m2m_100"),
    ("nllb", "m2m_100"),
    ("nllb-json", "m2m_100"),
    ("mbart50", "mbart"),
    ("t5", "t5"),
    ("t5-new", "t5"),
];

fn open(name: &str) -> Tokenizer {
    let kind = DIRECTORIES
        .iter()
        .find(|(other, _)| *other == name)
        .expect("a directory")
        .1;
    Tokenizer::from_directory(&Path::new(ROOT).join(name), kind).expect("a tokenizer")
}

fn read_golden() -> Value {
    let text = std::fs::read(Path::new(ROOT).join("golden.json")).expect("the golden file");
    serde_json::from_slice(&text).expect("the golden file")
}

fn parse_ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).expect("ids")
}

#[test]
fn ids_and_texts_are_those_of_transformers() {
    let golden = read_golden();
    for (name, kind) in DIRECTORIES {
        let (tokenizer, expected) = (open(name), &golden["directories"][name]);
        assert_eq!(expected["type"], kind);
        for (token, id) in expected["tokens"].as_object().expect("tokens") {
            assert_eq!(
                tokenizer.token_to_id(token).map(u64::from),
                id.as_u64(),
                "{name}: {token}"
            );
        }
        let lines = golden["lines"].as_array().expect("lines");
        for (index, line) in lines.iter().enumerate() {
            let line = line.as_str().expect("a line");
            let got = tokenizer.encode(line);
            assert_eq!(got, parse_ids(&expected["ids"][index]), "{name}: {line:?}");
            assert_eq!(tokenizer.decode(&got), expected["texts"][index], "{name}: {line:?}");
        }
        for mixed in expected["mixed"].as_array().expect("mixed ids") {
            let ids = parse_ids(&mixed[0]);
            assert_eq!(tokenizer.decode(&ids), mixed[1], "{name}: {ids:?}");
        }
    }
}

#[test]
fn english_can_be_written_and_spelled_and_thai_words_cannot() {
    let golden = read_golden();
    for (name, _) in DIRECTORIES {
        let tokenizer = open(name);
        let english = tokenizer.english_ids();
        assert!(english.is_sorted() && !english.is_empty(), "{name}");
        for token in ["</s>", "<pad>", "<unk>"] {
            let id = tokenizer.token_to_id(token).expect("a special token");
            assert!(english.contains(&id), "{name}: {token}");
        }
        // What transformers decodes from these ids alone has no Thai word, so no two Thai letters in one token.
        for id in &english {
            let text = tokenizer.decode(&[*id]);
            let thai = text
                .chars()
                .filter(|c| ('ก'..='๛').contains(c) && c.is_alphabetic())
                .count();
            assert!(thai < 2 || text == "ประเทศ", "{name}: {text:?}");
        }
        let lines = golden["lines"]
            .as_array()
            .expect("lines")
            .iter()
            .filter_map(Value::as_str);
        let plain = lines.filter(|line| line.len() > 20 && line.is_ascii() && !line.contains('<'));
        for line in plain.filter(|_| !name.starts_with("marian")) {
            for id in tokenizer.encode(line) {
                assert!(english.contains(&id), "{name}: {id} of {line:?}");
            }
        }
    }
    let marian = open("marian");
    let id = |token: &str| marian.token_to_id(token).expect("a piece");
    let english = marian.english_ids();
    assert!(english.contains(&id("the")) && english.contains(&id(">>eng<<")).eq(&false));
    assert!(
        !english.contains(&id("ขึ้น")) && !english.contains(&id("น")),
        "pieces of source.spm alone"
    );
}

const DECODERS: [(&str, &str); 8] = [
    ("gemma2", "gemma2"),
    ("gemma3", "gemma3_text"),
    ("gemma3-multimodal", "gemma3"),
    ("hunyuan", "hunyuan_v1_dense"),
    ("llama", "llama"),
    ("mistral", "mistral"),
    ("qwen3", "qwen3"),
    ("qwen3-yarn", "qwen3"),
];

fn decoder_file(name: &str) -> PathBuf {
    Path::new(ROOT).with_file_name("decoder").join(name)
}

fn open_gguf(path: &Path) -> Result<Tokenizer> {
    Tokenizer::from_gguf(&GgufFile::open(path)?)
}

/// Returns the tokenizers of decoder-only models: one from each directory, and one from its GGUF file if there is one.
fn open_decoders() -> Vec<(String, Tokenizer)> {
    let mut all = Vec::new();
    for (name, kind) in DECODERS {
        let directory = Tokenizer::from_directory(&decoder_file(name), kind).expect("a tokenizer");
        all.push((name.to_owned(), directory));
        let gguf = decoder_file(&format!("{name}.gguf"));
        if gguf.exists() {
            all.push((format!("{name}.gguf"), open_gguf(&gguf).expect("a tokenizer")));
        }
    }
    assert_eq!(all.len(), DECODERS.len() + 5);
    all
}

#[test]
fn a_decoder_only_models_source_ids_are_those_of_transformers() {
    let lines = std::fs::read_to_string(Path::new(ROOT).with_file_name("seq2seq").join("lines.th")).expect("the lines");
    for (name, tokenizer) in open_decoders() {
        let golden = decoder_file(&format!("{}.json", name.trim_end_matches(".gguf")));
        let golden: Value = serde_json::from_slice(&std::fs::read(golden).expect("a file")).expect("the golden file");
        for (line, expected) in lines.lines().zip(golden["lines"].as_array().expect("lines")) {
            let plain = tokenizer.encode(line);
            let whole: Vec<u32> = tokenizer.bos_id().into_iter().chain(plain.iter().copied()).collect();
            assert_eq!(whole, parse_ids(&expected["source_ids"]), "{name}: {line:?}");
            // Qwen composes characters, and for LLaMA 3 transformers drops spaces before punctuation.
            let kept = |c: char| c.is_ascii_graphic() || ('ก'..='๛').contains(&c);
            let letters = |text: &str| text.chars().filter(|c| kept(*c)).collect::<String>();
            if line.chars().all(|c| c == ' ' || kept(c)) {
                assert_eq!(letters(&tokenizer.decode(&plain)), letters(line), "{name}");
            }
        }
    }
}

#[test]
fn special_tokens_of_a_prompt_are_their_ids() {
    let cases = [
        ("gemma3", "<start_of_turn>", "<end_of_turn>"),
        ("qwen3", "<|im_start|>", "<|im_end|>"),
        ("hunyuan", "<｜hy_User｜>", "<｜hy_Assistant｜>"),
        ("llama", "<|start_header_id|>", "<|eot_id|>"),
    ];
    for (name, tokenizer) in open_decoders() {
        let Some((_, open, close)) = cases
            .iter()
            .find(|(other, ..)| *other == name.trim_end_matches(".gguf"))
        else {
            continue;
        };
        let id = |token: &str| tokenizer.token_to_id(token).expect("a special token");
        let around = [&[id(open)][..], &tokenizer.encode("การ\nab"), &[id(close)]].concat();
        assert_eq!(tokenizer.encode(&format!("{open}การ\nab{close}")), around, "{name}");
        assert_eq!(
            tokenizer.decode(&around),
            "การ\nab",
            "{name}: special tokens are no text"
        );
        assert_eq!(tokenizer.ids_containing(&[(*close).to_owned()]), [id(close)], "{name}");
        let ends = tokenizer.ids_containing(&["\n".to_owned()]);
        assert!(
            ends.contains(tokenizer.encode("\n").last().expect("a token")),
            "{name}: {ends:?}"
        );
        assert_eq!(tokenizer.decode(&tokenizer.encode(" a  b ")), " a  b ", "{name}");
    }
}

#[test]
fn decoder_only_models_can_spell_and_write_no_thai_words() {
    for (name, tokenizer) in open_decoders() {
        let english = tokenizer.english_ids();
        assert!(english.is_sorted() && english.len() > 300, "{name}: {}", english.len());
        assert!(english.len() < tokenizer.len(), "{name}");
        for id in &english {
            let text = tokenizer.decode(&[*id]);
            let thai = text.chars().filter(|c| ('ก'..='ฮ').contains(c)).count();
            assert!(thai < 2, "{name}: {text:?}");
        }
        for line in [
            "The cabinet approved 1,250 million baht; \"so what?\" he asked.",
            "— café naïve “x” €5 🙏",
        ] {
            for id in tokenizer.encode(line) {
                assert!(english.contains(&id), "{name}: {id} of {line:?}");
            }
        }
        // Text without a permitted token can still be spelled, since tokens of single bytes are permitted.
        let single = (0..tokenizer.len() as u32).filter(|id| tokenizer.decode(&[*id]) == "\u{fffd}");
        let kept = single.filter(|id| english.contains(id)).count();
        assert!(
            kept >= 128 || name.starts_with("gemma") || name == "mistral",
            "{name}: {kept}"
        );
    }
}

#[test]
fn a_vocabulary_that_cannot_be_read_is_told() {
    let bytes = std::fs::read(decoder_file("qwen3.gguf")).expect("the file");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("x.gguf");
    // Replacements have the length of the original, so that the offsets of all else stay the same.
    let cases = [
        (
            "qwen2",
            "qwen9",
            "x.gguf:tokenizer.ggml.pre: no way is known to cut words as `qwen9` does",
        ),
        ("ggml.merges", "ggml.nerges", "x.gguf:tokenizer.ggml.merges: missing"),
        (
            "ggml.token_type",
            "ggml.token_tipe",
            "x.gguf:tokenizer.ggml.token_type: missing",
        ),
        (
            "gpt2",
            "wxyz",
            "x.gguf:tokenizer.ggml.model: vocabulary of kind `wxyz`, `llama` or `gpt2` expected",
        ),
    ];
    for (from, to, expected) in cases {
        let at = bytes
            .windows(from.len())
            .position(|window| window == from.as_bytes())
            .expect("the text");
        let mut damaged = bytes.clone();
        damaged[at..at + to.len()].copy_from_slice(to.as_bytes());
        std::fs::write(&path, damaged).expect("a file");
        let error = open_gguf(&path).err().expect("a failure").to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// Copies one golden directory, so that a test can damage its files.
fn copy_directory(name: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a directory");
    for entry in std::fs::read_dir(Path::new(ROOT).join(name))
        .expect("the files")
        .flatten()
    {
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("a copy");
    }
    copy
}

#[test]
fn errors_name_the_file_and_the_place() {
    let cases: [(&str, &str, Option<&str>, &str); 12] = [
        ("marian", "vocab.json", None, "vocab.json: cannot read it"),
        ("marian", "target.spm", None, "target.spm: cannot read it"),
        (
            "marian",
            "vocab.json",
            Some("{\"</s>\":0,"),
            "vocab.json:line 1: not a JSON object",
        ),
        (
            "marian",
            "vocab.json",
            Some("{\"</s>\":\"x\"}"),
            "vocab.json:</s>: an id expected",
        ),
        (
            "marian",
            "vocab.json",
            Some("{\"</s>\":99999999999}"),
            "vocab.json:</s>: an id expected",
        ),
        (
            "marian",
            "source.spm",
            Some("junk"),
            "source.spm:byte 0: not a sentencepiece model",
        ),
        ("marian", "source.spm", Some(""), "source.spm: no unknown piece"),
        (
            "marian",
            "source.spm",
            Some("\n\u{3}\n\u{1}a\n\u{3}\n\u{1}a"),
            "source.spm:piece 1: `a` is there twice",
        ),
        (
            "nllb",
            "tokenizer_config.json",
            Some("[]"),
            "tokenizer_config.json:line 1: not a JSON object",
        ),
        (
            "nllb",
            "tokenizer_config.json",
            Some("{\"added_tokens_decoder\":{\"4\":7}}"),
            "tokenizer_config.json:added_tokens_decoder.4: not what transformers writes there",
        ),
        (
            "nllb-json",
            "tokenizer.json",
            Some("{}"),
            "tokenizer.json: cannot be read as a tokenizer",
        ),
        ("t5", "spiece.model", None, "spiece.model: cannot read it"),
    ];
    for (name, file, content, expected) in cases {
        let directory = copy_directory(name);
        let path = directory.path().join(file);
        match content {
            Some(content) => std::fs::write(&path, content).expect("a file"),
            None => std::fs::remove_file(&path).expect("a file"),
        }
        let kind = DIRECTORIES
            .iter()
            .find(|(other, _)| *other == name)
            .expect("a directory")
            .1;
        let error = Tokenizer::from_directory(directory.path(), kind)
            .err()
            .expect("a failure");
        let shown = error.to_string();
        assert!(shown.contains(expected), "{shown}");
        assert_eq!(error.kind, crate::error::ErrorKind::Model);
    }
    let error = Tokenizer::from_directory(Path::new(ROOT), "bert")
        .err()
        .expect("a failure");
    assert!(
        error
            .to_string()
            .contains("config.json:model_type: no tokenizer for a model of type `bert`")
    );
}

#[test]
fn without_an_unknown_token_there_is_no_tokenizer() {
    let directory = copy_directory("marian");
    std::fs::write(directory.path().join("vocab.json"), "{\"</s>\":0,\"<pad>\":1}").expect("a file");
    std::fs::write(directory.path().join("tokenizer_config.json"), "{\"unk_token\":null}").expect("a file");
    let error = Tokenizer::from_directory(directory.path(), "marian")
        .err()
        .expect("a failure");
    assert!(
        error.to_string().ends_with("vocab.json:unk_token: no unknown token"),
        "{error}"
    );
}

#[test]
fn settings_of_older_repositories_are_read_as_well() {
    // facebook/m2m100_418M lists its languages in special_tokens_map.json alone; their ids come after the vocabulary.
    let directory = copy_directory("m2m100");
    let write = |file: &str, text: &str| std::fs::write(directory.path().join(file), text).expect("a file");
    write(
        "tokenizer_config.json",
        "{\"src_lang\":null,\"additional_special_tokens\":null}",
    );
    write(
        "special_tokens_map.json",
        "{\"additional_special_tokens\":[\"__xx__\",\"__th__\"]}",
    );
    let tokenizer = Tokenizer::from_directory(directory.path(), "m2m_100").expect("a tokenizer");
    let size = open("m2m100").len() as u32;
    assert_eq!(
        tokenizer.encode("__xx____th__"),
        [size, size + 1],
        "an added token is cut out of a text"
    );
    assert_eq!(tokenizer.token_to_id("__xx__"), Some(size));
    assert_eq!(
        tokenizer.token_to_id("__th__"),
        open("m2m100").token_to_id("__th__"),
        "a language of the class keeps its id"
    );
    assert_eq!(tokenizer.len() as u32, size + 2);
    write("added_tokens.json", "{\"__xx__\":990,\"<more>\":991}");
    let tokenizer = Tokenizer::from_directory(directory.path(), "m2m_100").expect("a tokenizer");
    assert_eq!(
        (tokenizer.token_to_id("__xx__"), tokenizer.token_to_id("<more>")),
        (Some(990), Some(991))
    );
    assert_eq!(tokenizer.decode(&[990, 991]), "<more>", "of the two, one is special");
    // Spaces before punctuation are dropped if the settings ask for it.
    write("tokenizer_config.json", "{\"clean_up_tokenization_spaces\":true}");
    let tokenizer = Tokenizer::from_directory(directory.path(), "m2m_100").expect("a tokenizer");
    assert_eq!(
        tokenizer.decode(&tokenizer.encode("it 's so , is n't it ?")),
        "it's so, isn't it?"
    );
}

fn spm_files() -> Vec<PathBuf> {
    let models = ["marian/target.spm", "m2m100/sentencepiece.bpe.model", "t5/spiece.model"];
    models.iter().map(|path| Path::new(ROOT).join(path)).collect()
}

#[test]
fn a_cut_model_is_an_error_or_a_smaller_model() {
    for path in spm_files() {
        let bytes = std::fs::read(path).expect("a model");
        for cut in 0..bytes.len() {
            if let Ok(model) = ModelProto::parse(&bytes[..cut]).and_then(SentencePiece::new) {
                model.encode("น้ำ ab ﬁ", &(0..0), |_, _| {});
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_has_ids_and_any_ids_have_a_text(
        text in "([ \u{2581}<>/a-zก-๛ﬁＡｶﾞ語]|</s>|<2en>|<mask>|<extra_id_1>|\\PC){0,24}",
        any in prop::collection::vec(0u32..1200, 0..20),
    ) {
        for (name, tokenizer) in tokenizers() {
            let ids = tokenizer.encode(&text);
            prop_assert!(ids.iter().all(|id| (*id as usize) < tokenizer.len()), "{}", name);
            tokenizer.decode(&ids);
            tokenizer.decode(&any);
        }
    }

    #[test]
    fn pieces_put_together_are_a_text_that_is_cut_the_same_way(text in "[ a-zก-๛ﬁＡｶﾞ語]{0,40}") {
        for path in spm_files() {
            let model = ModelProto::open(&path).expect("a model");
            let model = SentencePiece::new(model).expect("a model");
            let mut pieces = Vec::new();
            model.encode(&text, &(0..0), |piece, _| pieces.push(piece.to_owned()));
            let again = model.decode(pieces.iter().map(String::as_str));
            let mut twice = Vec::new();
            model.encode(&again, &(0..0), |piece, _| twice.push(piece.to_owned()));
            prop_assert_eq!(twice, pieces);
        }
    }

    #[test]
    fn damaged_models_do_not_panic(which in 0usize..3, damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = std::fs::read(&spm_files()[which]).expect("a model");
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(model) = ModelProto::parse(&bytes).and_then(SentencePiece::new) {
            let mut pieces = Vec::new();
            model.encode("น้ำ ab ﬁ ประเทศ <2en>ｶﾞ", &(0..0), |piece, _| pieces.push(piece.to_owned()));
            model.decode(pieces.iter().map(String::as_str));
        }
    }
}

fn tokenizers() -> &'static [(String, Tokenizer)] {
    static ALL: std::sync::OnceLock<Vec<(String, Tokenizer)>> = std::sync::OnceLock::new();
    ALL.get_or_init(|| {
        let with_encoder = DIRECTORIES.iter().map(|(name, _)| ((*name).to_owned(), open(name)));
        with_encoder.chain(open_decoders()).collect()
    })
}

/// Names of control tokens of many models: ends of turns and texts, languages, bytes, and marks of training.
const CONTROL_TOKENS: [&str; 30] = [
    "<|im_start|>",
    "<|im_end|>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<|start_header_id|>",
    "<|eot_id|>",
    "<|begin_of_text|>",
    "<｜hy_User｜>",
    "<｜hy_Assistant｜>",
    "<｜hy_begin▁of▁sentence｜>",
    "<bos>",
    "<eos>",
    "<s>",
    "</s>",
    "<unk>",
    "<pad>",
    "<mask>",
    ">>eng<<",
    "__en__",
    "__th__",
    "eng_Latn",
    "tha_Thai",
    "en_XX",
    "th_TH",
    "<2en>",
    "<2th>",
    "<extra_id_0>",
    "<0x0A>",
    "<0xE0>",
    "[INST]",
];

/// Returns every tokenizer of the golden files, with its name.
fn open_all() -> Vec<(String, Tokenizer)> {
    let mut all = open_decoders();
    all.extend(DIRECTORIES.map(|(name, _)| (name.to_owned(), open(name))));
    all
}

/// vllm#31735, transformers#29279: a control token that an article spells out is text.
#[test]
fn control_tokens_in_a_source_are_text() {
    let mut seen = std::collections::BTreeSet::new();
    for (name, tokenizer) in open_all() {
        let unknown = tokenizer.token_to_id("<unk>");
        for token in CONTROL_TOKENS {
            let Some(id) = tokenizer.token_to_id(token).filter(|id| Some(*id) != unknown) else {
                continue;
            };
            seen.insert(token);
            // An article in bytes of its own may well hold the byte that a token stands for.
            let byte = pieces::parse_byte_piece(token);
            for source in [
                format!("การ{token}ab"),
                token.to_owned(),
                format!("{token} {token}a"),
                format!("a{token}"),
            ] {
                if byte.is_some_and(|byte| source.replace(token, "").as_bytes().contains(&byte)) {
                    continue;
                }
                let ids = tokenizer.encode_source(&source);
                assert!(!ids.contains(&id), "{name}: {source:?} became {ids:?}");
                if DECODERS.iter().any(|(decoder, _)| name.starts_with(decoder)) {
                    let letters = |text: &str| text.replace([' ', '\u{2581}'], "");
                    assert_eq!(letters(&tokenizer.decode(&ids)), letters(&source), "{name}");
                }
            }
        }
        if let Some(unknown) = unknown.filter(|id| !tokenizer.encode_source("<unk>").contains(id)) {
            assert!(tokenizer.encode("<unk>").contains(&unknown), "{name}");
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
}

#[test]
fn a_source_without_control_tokens_has_the_ids_of_any_text() {
    let golden = read_golden();
    let lines = golden["lines"].as_array().expect("lines");
    let lines = lines.iter().filter_map(Value::as_str);
    let ordinary: Vec<&str> = lines.filter(|line| !line.contains(['<', '>', '_'])).collect();
    assert!(ordinary.len() > 30);
    for (name, tokenizer) in open_all() {
        for line in &ordinary {
            assert_eq!(
                tokenizer.encode_source(line),
                tokenizer.encode(line),
                "{name}: {line:?}"
            );
            let prompt = format!("a {line} b");
            let of_source = tokenizer.encode_prompt(&prompt, 2..2 + line.len()).expect("ids");
            assert_eq!(of_source, tokenizer.encode(&prompt), "{name}: {line:?}");
        }
    }
}

/// vllm#31735: the template's own control tokens stay, also where the source spells the same ones.
#[test]
fn control_tokens_of_a_prompt_stay_around_a_source() {
    let cases = [
        ("gemma3", "<start_of_turn>", "<end_of_turn>"),
        ("qwen3", "<|im_start|>", "<|im_end|>"),
        ("hunyuan", "<｜hy_User｜>", "<｜hy_Assistant｜>"),
        ("llama", "<|start_header_id|>", "<|eot_id|>"),
        ("t5", "<2en> ", ""),
        ("t5-new", "<2en> ", ""),
        ("marian", ">>eng<< ", ""),
        ("nllb", "tha_Thai", "</s>"),
        ("nllb-json", "tha_Thai", "</s>"),
        ("mbart50", "th_TH", "</s>"),
    ];
    for (name, tokenizer) in open_all() {
        let name = name.trim_end_matches(".gguf");
        let Some((_, open, close)) = cases.iter().find(|(other, ..)| *other == name) else {
            continue;
        };
        let source = format!("กา{close}{open}นำ{open}");
        let whole = format!("{open}{source}{close}");
        let ids = tokenizer
            .encode_prompt(&whole, open.len()..open.len() + source.len())
            .expect("ids");
        for token in [open.trim(), close] {
            let count = |ids: &[u32]| match tokenizer.token_to_id(token) {
                Some(id) => ids.iter().filter(|other| **other == id).count(),
                None => 0,
            };
            let expected = usize::from(!token.is_empty());
            assert_eq!(count(&ids), expected, "{name}: {token:?} in {ids:?}");
            // With Marian, only the beginning of a text can name a language.
            let seen = count(&tokenizer.encode(&whole)) > 1;
            assert!(
                token.is_empty() || name == "marian" || seen,
                "{name}: the test shows nothing"
            );
        }
    }
}

/// Writes a directory with a tokenizer.json of a unigram model and these fields, and opens it.
fn open_json(fields: &str) -> Result<Tokenizer> {
    let directory = tempfile::tempdir().expect("a directory");
    let pieces = "[\"<unk>\",0],[\"</s>\",0],[\"<0x0A>\",0],[\"<2de>\",0],[\"a\",-2],[\"<\",-3],[\">\",-3],[\"2\",-3],[\"0\",-3],[\"d\",-3],\
                  [\"e\",-3],[\"x\",-3],[\"A\",-3],[\"/s\",-3]";
    let text =
        format!("{{\"version\":\"1.0\",\"model\":{{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[{pieces}]}}{fields}}}");
    std::fs::write(directory.path().join("tokenizer.json"), text).expect("a file");
    Tokenizer::from_directory(directory.path(), "qwen3")
}

/// Issue 19, kind 5: pieces of the vocabulary itself, which no list of added tokens names.
#[test]
fn control_tokens_of_a_unigram_vocabulary_are_text_in_a_source() {
    let tokenizer = open_json("").expect("a tokenizer");
    for (text, expected) in [
        ("a<2de>", vec![4, 5, 7, 9, 10, 6]),
        ("<0x0A>", vec![5, 8, 11, 8, 12, 6]),
        ("a</s>a", vec![4, 5, 13, 6, 4]),
    ] {
        assert_eq!(tokenizer.encode_source(text), expected, "{text}");
        assert!(tokenizer.encode(text).len() < expected.len(), "{text}");
    }
    assert_eq!(tokenizer.encode_prompt("<2de>a<2de>", 5..11).expect("ids")[..2], [3, 4]);
}

/// Issue 19, kind 26: each of these aborted, hung or filled the memory, or would without its limit.
#[test]
fn a_tokenizer_that_asks_for_too_much_is_refused() {
    let nested = |depth: usize| {
        let open = "{\"type\":\"Sequence\",\"normalizers\":[".repeat(depth);
        format!(",\"normalizer\":{open}{}", "]}".repeat(depth))
    };
    let doubling = "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aa\"}";
    let doublings = |count: usize| vec![doubling; count].join(",");
    let long = "b".repeat(20_000);
    let cases = [
        (nested(500), "nested 1001 levels deep, 24 allowed"),
        ("[".repeat(1_000_000), "nested 1000001 levels deep"),
        (
            format!(
                ",\"normalizer\":{{\"type\":\"Sequence\",\"normalizers\":[{}]}}",
                doublings(64)
            ),
            "tokenizer.json:normalizer: makes a text up to 18446744073709551616 times as long",
        ),
        (
            format!(",\"normalizer\":{{\"type\":\"Replace\",\"pattern\":{{\"Regex\":\"a\"}},\"content\":\"{long}\"}}"),
            "times as long, 10000 allowed",
        ),
        (
            format!(
                ",\"decoder\":{{\"type\":\"Sequence\",\"decoders\":[{}]}}",
                doublings(64)
            ),
            "tokenizer.json:decoder: makes a text",
        ),
        (
            ",\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAAA\"}".to_owned(),
            "map of characters is damaged",
        ),
        (
            format!(
                ",\"added_tokens\":[{{\"id\":1,\"content\":\"{}\",\"single_word\":false,\"lstrip\":false,\
                 \"rstrip\":false,\"normalized\":false,\"special\":true}}]",
                "a".repeat(100_000)
            ),
            "an added token has 100000 bytes, 1024 allowed",
        ),
    ];
    for (fields, expected) in cases {
        let error = open_json(&fields).err().expect(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert!(open_json(&format!(",\"normalizer\":{}", doubling)).is_ok());
    let directory = copy_directory("marian");
    let path = directory.path().join("tokenizer_config.json");
    let config = std::fs::read_to_string(&path).expect("a file");
    let long = format!("\"pad_token\":\"{}\"", "a".repeat(100_000));
    std::fs::write(&path, config.replace("\"pad_token\":\"<pad>\"", &long)).expect("a file");
    let error = Tokenizer::from_directory(directory.path(), "marian")
        .err()
        .expect("a long token");
    assert!(
        error
            .to_string()
            .contains("an added token has 100000 bytes, 1024 allowed"),
        "{error}"
    );
    let directory = copy_directory("t5");
    std::fs::write(
        directory.path().join("tokenizer_config.json"),
        "{\"extra_ids\":4294967295}",
    )
    .expect("a file");
    let error = Tokenizer::from_directory(directory.path(), "t5")
        .err()
        .expect("an error")
        .to_string();
    assert!(
        error.contains("extra_ids: 4294967295 sentinels, 10000 allowed"),
        "{error}"
    );
}

/// Issue 19, kind 26: a token id near 2³² would make tables of as many entries.
#[test]
fn a_token_id_beyond_reason_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = "{\"version\":\"1.0\",\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"\u{e000}\":1,\"\u{10fffd}\":4294967290},\"merges\":[]}}";
    std::fs::write(directory.path().join("tokenizer.json"), text).expect("a file");
    let error = Tokenizer::from_directory(directory.path(), "qwen3")
        .err()
        .expect("an error")
        .to_string();
    assert!(
        error.contains("token id 4294967290, less than 16777216 expected"),
        "{error}"
    );
}
