//! Recognises the model in a directory or a GGUF file on this machine, by its `config.json` or GGUF header and by the
//! manifests.

use super::contents::{
    Contents, check_gguf_parts, choose_checkpoint_files, choose_ct2_files, first_part_name, gguf_model_name,
    names_below, recognise_contents,
};
use super::disk::{list_file_names, list_files_below, local_file_error, read_json_file};
use super::manifest::{Manifest, Manifests, WeightsFormat};
use super::reference::LocatedModel;
use super::small100::{ENGLISH_TOKEN, is_small100};
use super::unsupported::{check_no_pointer, unknown_architecture_error};
use crate::error::{Error, Result};
use crate::model::Architecture;
use crate::model::seq2seq;
use crate::model::weights::GgufHeader;
use crate::model::weights::ct2::CT2_FILE_NAME;
use crate::model::weights::token_lists::{TokenLists, has_lists};
use serde_json::Value;
use std::io;
use std::path::Path;

const DIRECTORY_HINT: &str = "a model's directory holds config.json, tokenizer files and weights, or one .gguf file";

/// Describes the model in a directory or a GGUF file: by the manifest about it, if there is one, otherwise by its own
/// `config.json` or GGUF header alone.
///
/// # Errors
/// Fails with an error of kind `Model` if `path` holds no model, or one that this build cannot load.
pub(super) fn describe_local_model(path: &Path, manifests: &Manifests) -> Result<LocatedModel> {
    if !path.is_dir() {
        return describe_gguf_model(path, manifests);
    }
    let names = list_files_below(path);
    let mut read = |name: &str| {
        let file = path.join(name);
        check_no_pointer(&file)?;
        read_json_file(&file)
    };
    let about = |error: Error| error.path(path).hint(DIRECTORY_HINT);
    let weights = ["model.safetensors", "pytorch_model.bin"].map(|name| path.join(name));
    if let Some(directory) = weights.iter().find(|weights| weights.is_dir()) {
        return Err(Error::model("is not a file").path(directory).hint(DIRECTORY_HINT));
    }
    let contents = recognise_contents(&names, None, &mut read).map_err(about)?;
    let (folder, config) = match contents {
        Contents::Checkpoint { folder, config } => (folder, config),
        Contents::Ct2 { folder } => return describe_ct2_model(path, &names, &folder, manifests),
        Contents::Gguf(models) => {
            let (companions, mut ggufs): (Vec<_>, Vec<_>) = models.into_iter().partition(|parts| {
                let header = GgufHeader::read(&path.join(&parts[0]));
                header.is_ok_and(|header| companion_kind(&header).is_some())
            });
            if ggufs.is_empty() {
                ggufs = companions;
            }
            return match ggufs.as_slice() {
                [parts] => describe_gguf_model(&path.join(&parts[0]), manifests),
                several => Err(Error::model(format!("holds {} GGUF files", several.len()))
                    .path(path)
                    .hint("name one of them")),
            };
        }
    };
    let inside = names_below(&names, &folder);
    let files = choose_checkpoint_files(&inside, &mut |name| read(&format!("{folder}{name}")));
    let directory = match folder.strip_suffix('/') {
        Some(folder) => path.join(folder),
        None => path.to_owned(),
    };
    for file in files.map_err(about)? {
        check_no_pointer(&directory.join(file))?;
    }
    let architecture = read_architecture(&config, &directory.join("config.json"))?;
    let is_small100 = architecture == Architecture::M2m100 && is_small100(&directory, &config);
    // A directory's name is no proof.
    let fits = |manifest: &Manifest| {
        let is_told_alike = is_small100 == manifest.languages.decoder_token.is_none();
        manifest.architecture == architecture && (architecture != Architecture::M2m100 || is_told_alike)
    };
    let manifest = match manifests.iter().find(|manifest| is_checkpoint_of(&directory, manifest)) {
        Some(manifest) if fits(manifest) => manifest.clone(),
        _ => {
            let mut unlisted = Manifest::for_unlisted_model(model_name_from_path(&directory), architecture);
            unlisted.languages.encoder_token = is_small100.then(|| ENGLISH_TOKEN.to_owned());
            unlisted
        }
    };
    Ok(LocatedModel {
        manifest,
        path: directory,
        revision: None,
    })
}

/// Describes the model in CTranslate2's format in a folder of the directory `path`, as [`describe_local_model`] does.
fn describe_ct2_model(path: &Path, names: &[String], folder: &str, manifests: &Manifests) -> Result<LocatedModel> {
    let directory = match folder.strip_suffix('/') {
        Some(folder) => path.join(folder),
        None => path.to_owned(),
    };
    for file in choose_ct2_files(&names_below(names, folder)).map_err(|error| error.path(&directory))? {
        check_no_pointer(&directory.join(file))?;
    }
    let lists = TokenLists::read_ct2(&directory, &read_ct2_config(&directory)?)?;
    let architecture = seq2seq::describe_ct2(&directory, &lists)?.architecture;
    let fits = |manifest: &&Manifest| manifest.architecture == architecture && is_checkpoint_of(&directory, manifest);
    let manifest = match manifests.iter().find(fits) {
        Some(manifest) => manifest.clone(),
        None => Manifest::for_unlisted_model(model_name_from_path(&directory), architecture),
    };
    Ok(LocatedModel {
        manifest,
        path: directory,
        revision: None,
    })
}

/// Whether a directory holds a model in CTranslate2's format, which [`describe_local_model`] has described.
pub(crate) fn is_ct2_directory(path: &Path) -> bool {
    let has = |name: &str| path.join(name).exists();
    has(CT2_FILE_NAME) && has_lists(has) && !["model.safetensors", "pytorch_model.bin"].into_iter().any(has)
}

/// Reads the `config.json` of a model in CTranslate2's format; null if there is none, as beside old models.
///
/// # Errors
/// Fails with an error of kind `Model` if the file is damaged.
pub(crate) fn read_ct2_config(directory: &Path) -> Result<Value> {
    let path = directory.join("config.json");
    if path.exists() {
        read_json_file(&path)
    } else {
        Ok(Value::Null)
    }
}

/// Says what a GGUF file is that belongs to a model and is none itself; none for a model.
fn companion_kind(header: &GgufHeader) -> Option<&'static str> {
    match (header.kind.as_str(), header.architecture.as_str()) {
        ("adapter", _) => Some("is a LoRA adapter: changes to a model, and no model"),
        ("mmproj", _) | (_, "clip") => Some("is the image or sound encoder of a model, and no model"),
        ("imatrix", _) => Some("holds the statistics that a quantisation is made with, and no model"),
        ("vocab", _) => Some("holds a vocabulary, and no model"),
        _ => None,
    }
}

/// Describes the model in a GGUF file, as [`describe_local_model`] does.
///
/// Any part of a split model stands for the whole, which is described by its first part.
fn describe_gguf_model(path: &Path, manifests: &Manifests) -> Result<LocatedModel> {
    check_no_pointer(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let directory = path.parent().unwrap_or(Path::new(""));
    check_gguf_parts(&name, &list_file_names(directory)).map_err(|error| {
        error
            .path(path)
            .hint("a split model is all of its parts, side by side; fetch it again")
    })?;
    if let Some(first) = first_part_name(&name) {
        return describe_gguf_model(&directory.join(first), manifests);
    }
    let header = read_gguf_header(path)?;
    let architecture = Architecture::from_model_type(&header.architecture)
        .ok_or_else(|| unknown_architecture_error(&header.architecture).path(path))?;
    let size = std::fs::metadata(path)
        .map_err(|error| local_file_error(error, path))?
        .len();
    let file_name = path.file_name().unwrap_or_default();
    // A manifest's file is recognised by name and size, because hashing the file would take longer than loading it; a
    // renamed file is still recognised by the name in its header.
    let is_of = |manifest: &&Manifest| {
        let files = manifest.hub.iter().flat_map(|source| &source.files);
        let mut files = files.chain(manifest.wheels.iter().map(|wheels| &wheels.file));
        let title = header.name.to_lowercase().replace(' ', "-");
        manifest.architecture == architecture
            && (manifest.name == title || files.any(|file| file.size == Some(size) && file_name == file.name.as_str()))
    };
    let manifest = match manifests.iter().find(is_of) {
        Some(manifest) => manifest.clone(),
        None => Manifest::for_unlisted_model(model_name_from_path(path), architecture),
    };
    manifest.check_weights_format(WeightsFormat::Gguf)?;
    Ok(LocatedModel {
        manifest,
        path: path.to_owned(),
        revision: None,
    })
}

/// Whether a directory holds the checkpoint that a manifest is about: judged by the directory's name, or by the
/// repository's name in its path in the Hub's cache.
fn is_checkpoint_of(directory: &Path, manifest: &Manifest) -> bool {
    let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let named = |path: Option<&Path>, name: &str| {
        let own = path.and_then(Path::file_name);
        own.is_some_and(|own| own.eq_ignore_ascii_case(name))
    };
    let in_cache = directory.ancestors().nth(2);
    manifest.weights_format() == WeightsFormat::Checkpoint
        && (named(Some(&directory), &manifest.name)
            || manifest.hub.iter().any(|source| {
                let own_name = source.repo.rsplit('/').next().unwrap_or_default();
                named(Some(&directory), own_name)
                    || named(in_cache, &format!("models--{}", source.repo.replace('/', "--")))
            }))
}

/// Gives the last part of a path; of a GGUF file without the extension, and without the number of a part.
fn model_name_from_path(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let name = absolute.file_name().unwrap_or_default().to_string_lossy().into_owned();
    gguf_model_name(&name).to_owned()
}

/// Reads a model's architecture from its parsed `config.json` (`model_type`), whose path is given for errors.
fn read_architecture(config: &Value, path: &Path) -> Result<Architecture> {
    let name = config["model_type"].as_str().ok_or_else(|| {
        Error::model("missing; a model's architecture is expected")
            .path(path)
            .place("key model_type")
            .hint("the file is not whole, or not a model's")
    })?;
    Architecture::from_model_type(name).ok_or_else(|| unknown_architecture_error(name).path(path))
}

/// Reads the architecture and the name from a GGUF file's header; it must name an architecture.
fn read_gguf_header(path: &Path) -> Result<GgufHeader> {
    let header = GgufHeader::read(path).map_err(|error| {
        let damage = match error.kind() {
            io::ErrorKind::UnexpectedEof => "the file ends in its header".to_owned(),
            io::ErrorKind::InvalidData => error.to_string(),
            _ => return local_file_error(error, path),
        };
        Error::model(damage)
            .path(path)
            .hint("the file is damaged or no GGUF file: fetch it again")
    })?;
    if let Some(what) = companion_kind(&header) {
        Err(Error::model(what)
            .path(path)
            .hint("name the GGUF file of the model itself"))
    } else if header.architecture.is_empty() {
        Err(Error::model("names no architecture")
            .path(path)
            .hint("a later part of a split model must keep its name, such as MODEL-00002-of-00003.gguf"))
    } else {
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::weights::header_bytes as gguf;
    use std::path::PathBuf;

    fn write(directory: &Path, name: &str, content: &[u8]) -> PathBuf {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    #[test]
    fn a_gguf_file_is_known_by_its_header() {
        let directory = tempfile::tempdir().unwrap();
        let all = Manifests::load(None).unwrap();
        let gemma = gguf(&[("general.architecture", "gemma3"), ("general.name", "Gemma 3 270m")]);
        let renamed = describe_local_model(&write(directory.path(), "renamed.gguf", &gemma), &all).unwrap();
        assert_eq!(renamed.manifest, *all.get("gemma-3-270m").unwrap());
        assert_eq!(renamed.revision, None);

        let other = gguf(&[("general.architecture", "gemma3"), ("general.name", "Mine")]);
        let other = describe_local_model(&write(directory.path(), "mine.gguf", &other), &all).unwrap();
        assert_eq!(
            other.manifest,
            Manifest::for_unlisted_model("mine", Architecture::Gemma3)
        );

        let cases: [(&[u8], &str); 7] = [
            (b"", "ends in its header"),
            (b"GGUF\x03\0\0\0", "ends in its header"),
            (b"PK\x03\x04 and more, to be long enough", "not a GGUF file"),
            (b"GGUF\x01\0\0\0", "version 1"),
            (&gguf(&[("general.name", "x")]), "names no architecture"),
            (&gguf(&[("general.architecture", "bert")]), "`bert` is not known"),
            (&gguf(&[("general.architecture", "bitnet-b1.58")]), "BitNet"),
        ];
        for (content, message) in cases {
            let path = write(directory.path(), "bad.gguf", content);
            let error = describe_local_model(&path, &all).unwrap_err();
            assert!(error.message.contains(message), "{error}");
            assert_eq!(error.path, Some(path));
        }
        let t5 = write(directory.path(), "t.gguf", &gguf(&[("general.architecture", "t5")]));
        let error = describe_local_model(&t5, &all).unwrap_err();
        assert!(error.message.contains("t5 models are not loaded from GGUF"), "{error}");
    }

    #[test]
    fn a_directory_is_known_by_its_config() {
        let directory = tempfile::tempdir().unwrap();
        let all = Manifests::load(None).unwrap();
        let config = |place: &str, content: &str| {
            write(directory.path(), &format!("{place}/model.safetensors"), b"weights");
            let path = write(directory.path(), &format!("{place}/config.json"), content.as_bytes());
            describe_local_model(path.parent().unwrap(), &all)
        };
        let name = |place: &str, content: &str| config(place, content).unwrap().manifest.name;
        assert_eq!(name("x", r#"{"model_type": "marian"}"#), "x");
        let commit = "0123456789012345678901234567890123456789";
        let place = format!("models--Helsinki-NLP--opus-mt-th-en/snapshots/{commit}");
        assert_eq!(name(&place, r#"{"model_type": "marian"}"#), "opus-mt-th-en");
        assert_eq!(name("m2m100_418M", r#"{"model_type": "m2m_100"}"#), "m2m100-418m");
        // A name alone is no proof.
        let known = config("small100", r#"{"model_type": "t5"}"#).unwrap().manifest;
        assert_eq!((known.architecture, known.licence), (Architecture::T5, None));
        let refused = |place: &str, content: &str| config(place, content).unwrap_err();
        assert!(refused("y", r#"{"model_type": "bert"}"#).message.contains("`bert`"));
        assert_eq!(refused("z", "{\n}").place.as_deref(), Some("key model_type"));
        assert_eq!(refused("z", "{\n").place.as_deref(), Some("line 2"));

        std::fs::create_dir(directory.path().join("empty")).unwrap();
        assert!(
            describe_local_model(&directory.path().join("empty"), &all)
                .unwrap_err()
                .message
                .contains("no model")
        );
        let gemma = gguf(&[("general.architecture", "gemma3"), ("general.name", "Gemma 3 270m")]);
        let path = write(directory.path(), "one/a.gguf", &gemma);
        assert_eq!(describe_local_model(path.parent().unwrap(), &all).unwrap().path, path);
        // Files beside a model, and the configuration that it was made of, are no other models.
        write(
            directory.path(),
            "one/mmproj-F16.gguf",
            &gguf(&[("general.architecture", "clip")]),
        );
        write(
            directory.path(),
            "one/q.imatrix.gguf",
            &gguf(&[("general.type", "imatrix")]),
        );
        write(
            directory.path(),
            "one/lora.GGUF",
            &gguf(&[("general.architecture", "gemma3"), ("general.type", "adapter")]),
        );
        write(directory.path(), "one/config.json", br#"{"model_type": "gemma3_text"}"#);
        assert_eq!(describe_local_model(path.parent().unwrap(), &all).unwrap().path, path);
        write(directory.path(), "one/b.gguf", &gemma);
        assert!(
            describe_local_model(path.parent().unwrap(), &all)
                .unwrap_err()
                .message
                .contains("2 GGUF files")
        );
    }

    /// A split model is one model, whichever of its parts is named, and in upper case too.
    #[test]
    fn a_split_gguf_file_is_one_model() {
        let directory = tempfile::tempdir().unwrap();
        let all = Manifests::load(None).unwrap();
        let gemma = gguf(&[("general.architecture", "gemma3"), ("general.name", "Mine")]);
        for extension in ["gguf", "GGUF"] {
            let name = |part: usize| format!("{extension}/Mine-Q8_0-0000{part}-of-00003.{extension}");
            let first = write(directory.path(), &name(1), &gemma);
            for path in [2, 3].map(|part| write(directory.path(), &name(part), &gguf(&[]))) {
                let located = describe_local_model(&path, &all).unwrap();
                assert_eq!(
                    (located.path, located.manifest.name.as_str()),
                    (first.clone(), "Mine-Q8_0")
                );
            }
            assert_eq!(describe_local_model(first.parent().unwrap(), &all).unwrap().path, first);
            std::fs::remove_file(&first).unwrap();
            let error = describe_local_model(&directory.path().join(name(2)), &all).unwrap_err();
            assert!(error.message.contains("lacks part 1 of 3"), "{error}");
            assert_eq!(error.path, Some(directory.path().join(name(2))));
        }
    }

    #[test]
    fn files_beside_a_model_are_told_from_models() {
        let directory = tempfile::tempdir().unwrap();
        let all = Manifests::load(None).unwrap();
        for (header, message) in [
            (
                gguf(&[("general.architecture", "clip"), ("general.type", "mmproj")]),
                "image or sound encoder",
            ),
            (
                gguf(&[("general.architecture", "llama"), ("general.type", "adapter")]),
                "LoRA adapter",
            ),
            (gguf(&[("general.type", "imatrix")]), "statistics"),
        ] {
            let path = write(directory.path(), "x.gguf", &header);
            for path in [path.as_path(), directory.path()] {
                let error = describe_local_model(path, &all).unwrap_err();
                assert!(error.message.contains(message), "{error}");
            }
        }
    }
}
