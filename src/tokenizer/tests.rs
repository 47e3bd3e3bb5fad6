//! Tokenizer directories against transformers (`tests/golden/tokenizer.py`), damaged files, and any text at all.

use super::proto::Model;
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

fn golden() -> Value {
    let text = std::fs::read(Path::new(ROOT).join("golden.json")).expect("the golden file");
    serde_json::from_slice(&text).expect("the golden file")
}

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).expect("ids")
}

#[test]
fn ids_and_texts_are_those_of_transformers() {
    let golden = golden();
    for (name, kind) in DIRECTORIES {
        let (tokenizer, expected) = (open(name), &golden["directories"][name]);
        assert_eq!(expected["type"], kind);
        for (token, id) in expected["tokens"].as_object().expect("tokens") {
            assert_eq!(tokenizer.id(token).map(u64::from), id.as_u64(), "{name}: {token}");
        }
        let lines = golden["lines"].as_array().expect("lines");
        for (index, line) in lines.iter().enumerate() {
            let line = line.as_str().expect("a line");
            let got = tokenizer.encode(line);
            assert_eq!(got, ids(&expected["ids"][index]), "{name}: {line:?}");
            assert_eq!(tokenizer.decode(&got), expected["texts"][index], "{name}: {line:?}");
        }
        for mixed in expected["mixed"].as_array().expect("mixed ids") {
            let ids = ids(&mixed[0]);
            assert_eq!(tokenizer.decode(&ids), mixed[1], "{name}: {ids:?}");
        }
    }
}

#[test]
fn english_can_be_written_and_spelled_and_thai_words_cannot() {
    let golden = golden();
    for (name, _) in DIRECTORIES {
        let tokenizer = open(name);
        let english = tokenizer.english();
        assert!(english.is_sorted() && !english.is_empty(), "{name}");
        for token in ["</s>", "<pad>", "<unk>"] {
            let id = tokenizer.id(token).expect("a special token");
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
    let id = |token: &str| marian.id(token).expect("a piece");
    let english = marian.english();
    assert!(english.contains(&id("the")) && english.contains(&id(">>eng<<")).eq(&false));
    assert!(
        !english.contains(&id("ขึ้น")) && !english.contains(&id("น")),
        "pieces of source.spm alone"
    );
}

/// A copy of one golden directory, to be damaged.
fn copy(name: &str) -> tempfile::TempDir {
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
        let directory = copy(name);
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
        assert_eq!(error.kind, crate::error::Kind::Model);
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
    let directory = copy("marian");
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
    // Languages in special_tokens_map.json alone, with ids after the vocabulary, as facebook/m2m100_418M has them.
    let directory = copy("m2m100");
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
    assert_eq!(tokenizer.id("__xx__"), Some(size));
    assert_eq!(
        tokenizer.id("__th__"),
        open("m2m100").id("__th__"),
        "a language of the class keeps its id"
    );
    assert_eq!(tokenizer.len() as u32, size + 2);
    write("added_tokens.json", "{\"__xx__\":990,\"<more>\":991}");
    let tokenizer = Tokenizer::from_directory(directory.path(), "m2m_100").expect("a tokenizer");
    assert_eq!((tokenizer.id("__xx__"), tokenizer.id("<more>")), (Some(990), Some(991)));
    assert_eq!(tokenizer.decode(&[990, 991]), "<more>", "of the two, one is special");
    // Punctuation is drawn to the word before it where the settings ask for that.
    write("tokenizer_config.json", "{\"clean_up_tokenization_spaces\":true}");
    let tokenizer = Tokenizer::from_directory(directory.path(), "m2m_100").expect("a tokenizer");
    assert_eq!(
        tokenizer.decode(&tokenizer.encode("it 's so , is n't it ?")),
        "it's so, isn't it?"
    );
}

fn spm() -> Vec<PathBuf> {
    let models = ["marian/target.spm", "m2m100/sentencepiece.bpe.model", "t5/spiece.model"];
    models.iter().map(|path| Path::new(ROOT).join(path)).collect()
}

#[test]
fn a_cut_model_is_an_error_or_a_smaller_model() {
    for path in spm() {
        let bytes = std::fs::read(path).expect("a model");
        for cut in 0..bytes.len() {
            if let Ok(model) = Model::read(&bytes[..cut]).and_then(SentencePiece::new) {
                model.encode("น้ำ ab ﬁ", |_, _| {});
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
        for tokenizer in &*tokenizers() {
            let ids = tokenizer.encode(&text);
            prop_assert!(ids.iter().all(|id| (*id as usize) < tokenizer.len()));
            tokenizer.decode(&ids);
            tokenizer.decode(&any);
        }
    }

    #[test]
    fn pieces_put_together_are_a_text_that_is_cut_the_same_way(text in "[ a-zก-๛ﬁＡｶﾞ語]{0,40}") {
        for path in spm() {
            let model = Model::open(&path).expect("a model");
            let model = SentencePiece::new(model).expect("a model");
            let mut pieces = Vec::new();
            model.encode(&text, |piece, _| pieces.push(piece.to_owned()));
            let again = model.decode(pieces.iter().map(String::as_str));
            let mut twice = Vec::new();
            model.encode(&again, |piece, _| twice.push(piece.to_owned()));
            prop_assert_eq!(twice, pieces);
        }
    }

    #[test]
    fn damaged_models_do_not_panic(which in 0usize..3, damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = std::fs::read(&spm()[which]).expect("a model");
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(model) = Model::read(&bytes).and_then(SentencePiece::new) {
            let mut pieces = Vec::new();
            model.encode("น้ำ ab ﬁ ประเทศ <2en>ｶﾞ", |piece, _| pieces.push(piece.to_owned()));
            model.decode(pieces.iter().map(String::as_str));
        }
    }
}

fn tokenizers() -> std::sync::Arc<Vec<Tokenizer>> {
    static ALL: std::sync::OnceLock<std::sync::Arc<Vec<Tokenizer>>> = std::sync::OnceLock::new();
    ALL.get_or_init(|| std::sync::Arc::new(DIRECTORIES.iter().map(|(name, _)| open(name)).collect()))
        .clone()
}
