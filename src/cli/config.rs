//! Configuration: combines and validates command-line options, environment variables and configuration files.

use super::args::{self, ERA_WORDS, LAYOUT_WORDS, OptionWords, PARAGRAPH_WORDS, PRECISION_WORDS, VOCABULARY_WORDS};
use crate::catalog::Settings;
use crate::document::{Era, ParagraphRule};
use crate::error::{Error, Result};
use crate::render::Layout;
use crate::translate::{DeviceChoice, OutputVocabulary, Precision};
use rapidfuzz::distance::damerau_levenshtein;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// Names of the settings that a configuration file (`key = …`) or an environment variable (`PLAE_KEY`) can set.
const CONFIG_KEYS: [&str; 10] = [
    "model",
    "device",
    "precision",
    "vocabulary",
    "layout",
    "paragraphs",
    "era",
    "offline",
    "manifests",
    "cache",
];

/// The place that a setting's value comes from. The variants are in order of precedence, the strongest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingOrigin {
    Option,
    Variable(String),
    File(PathBuf),
}

impl fmt::Display for SettingOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SettingOrigin::Option => write!(f, "command line"),
            SettingOrigin::Variable(name) => write!(f, "{name}"),
            SettingOrigin::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The settings of a run, after options, environment variables and configuration files have been combined.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub model: Option<String>,
    pub device: DeviceChoice,
    pub precision: Precision,
    pub vocabulary: OutputVocabulary,
    pub layout: Layout,
    pub paragraphs: ParagraphRule,
    pub era: Era,
    /// Where models are downloaded from and where they are stored.
    pub files: Settings,
    /// The date and time to print in outputs, RFC 3339, from SOURCE_DATE_EPOCH, the variable for reproducible builds.
    /// None for the time of translation.
    pub date: Option<String>,
    /// Each setting that has a value, by name, with its text and origin, for `plae doctor` to show.
    pub set: BTreeMap<&'static str, (String, SettingOrigin)>,
}

/// The settings that one configuration file or the environment sets, by their name in [`CONFIG_KEYS`].
type SettingsLayer = BTreeMap<&'static str, (String, SettingOrigin)>;

impl Config {
    /// Combines the settings: options override environment variables, which override configuration files. Of `files`,
    /// the first that sets a value wins, and files that do not exist are ignored.
    pub fn from_sources(
        model: &args::ModelArgs,
        layout: Option<Layout>,
        var: impl Fn(&str) -> Option<OsString>,
        files: &[PathBuf],
    ) -> Result<Self> {
        let mut set = read_environment_settings(&var)?;
        for path in files {
            for (key, value) in read_config_file_settings(path)? {
                set.entry(key).or_insert(value);
            }
        }
        let mut config = Self {
            model: get_setting_text(&set, "model"),
            device: parse_setting(&set, "device", |word| {
                args::parse_device(word).map_err(|expected| expected.to_string())
            })?
            .unwrap_or_default(),
            precision: parse_setting(&set, "precision", word_table_parser(PRECISION_WORDS))?.unwrap_or_default(),
            vocabulary: parse_setting(&set, "vocabulary", word_table_parser(VOCABULARY_WORDS))?.unwrap_or_default(),
            layout: parse_setting(&set, "layout", word_table_parser(LAYOUT_WORDS))?.unwrap_or_default(),
            paragraphs: parse_setting(&set, "paragraphs", word_table_parser(PARAGRAPH_WORDS))?.unwrap_or_default(),
            era: parse_setting(&set, "era", word_table_parser(ERA_WORDS))?.unwrap_or_default(),
            files: Settings::from_vars(|name| {
                if name.starts_with("PLAE_") && name != "PLAE_PYTHON" {
                    None
                } else {
                    var(name)
                }
            }),
            date: read_source_date(&var)?,
            set,
        };
        let files = &mut config.files;
        files.offline |= model.offline || parse_setting(&config.set, "offline", parse_boolean)?.unwrap_or_default();
        if let Some(manifests) = get_setting_text(&config.set, "manifests") {
            files.manifests = Some(PathBuf::from(manifests));
        }
        if let Some(cache) = get_setting_text(&config.set, "cache") {
            files.cache = PathBuf::from(cache);
        }
        // clap has already validated the options.
        if let Some(model) = &model.model {
            config.model = Some(model.clone());
            config.set.insert("model", (model.clone(), SettingOrigin::Option));
        }
        config.device = model.device.unwrap_or(config.device);
        config.precision = model.precision.unwrap_or(config.precision);
        config.vocabulary = model.vocabulary.unwrap_or(config.vocabulary);
        config.layout = layout.unwrap_or(config.layout);
        Ok(config)
    }
}

impl Config {
    /// Describes which settings come from a configuration file in the current directory; none if none does. The user
    /// is told of them, because whoever wrote that file may be somebody else: the author of an archive, for example.
    pub fn describe_local_settings(&self) -> Option<String> {
        let keys: Vec<_> = self
            .set
            .iter()
            .filter(
                |(_, (_, origin))| matches!(origin, SettingOrigin::File(path) if path == Path::new(LOCAL_CONFIG_FILE)),
            )
            .map(|(key, (value, _))| format!("{key} = {value}"))
            .collect();
        (!keys.is_empty()).then(|| format!("settings of ./{LOCAL_CONFIG_FILE}: {}", keys.join(", ")))
    }
}

/// Name of the configuration file that is read from the current directory.
const LOCAL_CONFIG_FILE: &str = "plae.toml";

/// Returns the paths of the configuration files, the one that takes precedence first: `plae.toml` in the current
/// directory, then `plae/config.toml` in the user's configuration directory.
pub fn config_paths() -> Vec<PathBuf> {
    use etcetera::BaseStrategy;
    let user = etcetera::choose_base_strategy()
        .ok()
        .map(|base| base.config_dir().join("plae").join("config.toml"));
    std::iter::once(PathBuf::from(LOCAL_CONFIG_FILE)).chain(user).collect()
}

/// Reads the settings from `PLAE_…` environment variables; an empty variable counts as not set.
fn read_environment_settings(var: impl Fn(&str) -> Option<OsString>) -> Result<SettingsLayer> {
    let mut layer = SettingsLayer::new();
    for key in CONFIG_KEYS {
        let name = format!("PLAE_{}", key.to_uppercase());
        let Some(value) = var(&name).filter(|value| !value.is_empty()) else {
            continue;
        };
        let value = value
            .into_string()
            .map_err(|_| Error::usage(format!("{name} is not valid UTF-8")))?;
        layer.insert(key, (value, SettingOrigin::Variable(name)));
    }
    Ok(layer)
}

/// Reads SOURCE_DATE_EPOCH, a number of seconds since 1970, and formats it as date and time. None if it is not set.
fn read_source_date(var: impl Fn(&str) -> Option<OsString>) -> Result<Option<String>> {
    const DATE_VARIABLE: &str = "SOURCE_DATE_EPOCH";
    let Some(value) = var(DATE_VARIABLE).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let seconds = value.to_str().and_then(|value| value.parse().ok());
    match seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok()) {
        Some(time) => Ok(Some(time.to_string())),
        None => Err(Error::usage(format!(
            "{DATE_VARIABLE} is no number of seconds since 1970"
        ))),
    }
}

/// Reads the settings from a configuration file; no settings if the file does not exist.
fn read_config_file_settings(path: &Path) -> Result<SettingsLayer> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(SettingsLayer::new()),
        Err(error) => {
            return Err(Error::usage(super::describe_io_error(&error)).path(path).source(error));
        }
    };
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |before| before.matches('\n').count() + 1);
        Error::usage(error.message().to_string())
            .path(path)
            .place(format!("line {line}"))
    })?;
    let mut layer = SettingsLayer::new();
    for (name, value) in table {
        let Some(key) = CONFIG_KEYS.into_iter().find(|key| *key == name) else {
            return Err(Error::usage(format!("unknown key `{name}`"))
                .path(path)
                .hint(suggest_config_key(&name)));
        };
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Boolean(on) if key == "offline" => on.to_string(),
            _ => {
                let expected = if key == "offline" { "true or false" } else { "a string" };
                return Err(Error::usage(format!("`{key}` must be {expected}")).path(path));
            }
        };
        // A relative path in a configuration file starts from that file's directory.
        let value = match (key, path.parent()) {
            ("manifests" | "cache", Some(parent)) => parent.join(value).to_string_lossy().into_owned(),
            _ => value,
        };
        layer.insert(key, (value, SettingOrigin::File(path.to_path_buf())));
    }
    Ok(layer)
}

/// Words the hint for an unknown setting: the setting with the most similar name, or all names if none is similar.
fn suggest_config_key(name: &str) -> String {
    let near = CONFIG_KEYS
        .into_iter()
        .map(|key| (damerau_levenshtein::distance(key.chars(), name.chars()), key))
        .min()
        .filter(|(distance, key)| *distance <= key.len() / 3);
    match near {
        Some((_, key)) => format!("did you mean `{key}`?"),
        None => format!("the keys are {}", CONFIG_KEYS.join(", ")),
    }
}

fn get_setting_text(set: &SettingsLayer, key: &str) -> Option<String> {
    set.get(key).map(|(value, _)| value.clone())
}

/// Parses the value of the setting `key` with `meaning`; none if it is not set.
///
/// # Errors
/// `Usage` if the value is invalid; the message names the file or variable that sets it.
fn parse_setting<T>(set: &SettingsLayer, key: &str, meaning: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>> {
    let Some((value, origin)) = set.get(key) else {
        return Ok(None);
    };
    meaning(value)
        .map(Some)
        .map_err(|expected| Error::usage(format!("invalid {key} `{value}` in {origin}")).hint(expected))
}

fn word_table_parser<T: Copy>(words: &OptionWords<T>) -> impl Fn(&str) -> Result<T, String> {
    |word| {
        args::look_up_word(words, word).ok_or_else(|| {
            let names: Vec<_> = words.iter().map(|(name, ..)| *name).collect();
            format!("expected one of {}", names.join(", "))
        })
    }
}

fn parse_boolean(word: &str) -> Result<bool, String> {
    match word.to_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("expected true or false".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(
        model: &args::ModelArgs,
        layout: Option<Layout>,
        vars: &[(&str, &str)],
        files: &[&str],
    ) -> Result<Config> {
        let home = tempfile::tempdir().unwrap();
        let files: Vec<_> = files
            .iter()
            .enumerate()
            .map(|(index, text)| {
                let path = home.path().join(format!("{index}.toml"));
                std::fs::write(&path, text).unwrap();
                path
            })
            .chain([home.path().join("missing.toml")])
            .collect();
        let var = |asked: &str| {
            vars.iter()
                .find(|(name, _)| *name == asked)
                .map(|(_, value)| value.into())
        };
        Config::from_sources(model, layout, var, &files)
    }

    #[test]
    fn the_strongest_layer_wins() {
        let typed = args::ModelArgs {
            model: Some("typed".into()),
            ..Default::default()
        };
        let none = args::ModelArgs::default();
        let vars = [("PLAE_MODEL", "variable")];
        let files = ["model = 'project'", "model = 'user'\ndevice = 'cuda:1'"];
        let model = |config: Result<Config>| config.unwrap().model.unwrap();
        assert_eq!(model(resolve(&typed, None, &vars, &files)), "typed");
        assert_eq!(model(resolve(&none, None, &vars, &files)), "variable");
        assert_eq!(model(resolve(&none, None, &[], &files)), "project");
        assert_eq!(model(resolve(&none, None, &[], &files[1..])), "user");
        assert_eq!(resolve(&none, None, &[], &[]).unwrap().model, None);
        let config = resolve(&typed, Some(Layout::Target), &vars, &files).unwrap();
        assert_eq!(config.device, DeviceChoice::Cuda(1));
        assert_eq!(config.layout, Layout::Target);
        assert_eq!(config.set["model"].1, SettingOrigin::Option);
    }

    #[test]
    fn values_are_validated_and_their_origin_named() {
        let cases = [
            (vec![("PLAE_DEVICE", "gpu")], "", "PLAE_DEVICE"),
            (vec![("PLAE_OFFLINE", "perhaps")], "", "PLAE_OFFLINE"),
            (vec![("SOURCE_DATE_EPOCH", "today")], "", "SOURCE_DATE_EPOCH"),
            (vec![], "precision = 'f64'", "0.toml"),
            (vec![], "layout = 3", "must be a string"),
            (vec![], "paragraphs = 'page'", "0.toml"),
            (vec![], "offline = 'x'", "0.toml"),
            (vec![], "model = ", "line 1"),
            (vec![], "device = 'cpu'\nmodel = [", "line 2"),
        ];
        for (vars, file, named) in cases {
            let error = resolve(&args::ModelArgs::default(), None, &vars, &[file]).unwrap_err();
            assert_eq!(error.kind, crate::error::ErrorKind::Usage);
            assert!(error.to_string().contains(named), "{error}");
        }
    }

    #[test]
    fn an_unknown_key_has_a_suggestion() {
        let hint = |file| {
            resolve(&args::ModelArgs::default(), None, &[], &[file])
                .unwrap_err()
                .hint
                .unwrap()
                .to_string()
        };
        assert_eq!(hint("modle = 'x'"), "did you mean `model`?");
        assert_eq!(hint("precison = 'x'"), "did you mean `precision`?");
        assert!(hint("colour = 'x'").starts_with("the keys are model, device"));
    }

    #[test]
    fn offline_reads_booleans_and_words() {
        let offline = |vars: &[(&str, &str)], files: &[&str]| {
            resolve(&args::ModelArgs::default(), None, vars, files)
                .unwrap()
                .files
                .offline
        };
        assert!(offline(&[], &["offline = true"]));
        assert!(offline(&[("PLAE_OFFLINE", "1")], &["offline = false"]));
        assert!(!offline(&[("PLAE_OFFLINE", "off")], &["offline = true"]));
        assert!(offline(&[("PLAE_OFFLINE", "")], &["offline = true"]));
        assert!(offline(&[("HF_HUB_OFFLINE", "1"), ("PLAE_OFFLINE", "0")], &[]));
    }

    #[test]
    fn directories_in_a_file_are_relative_to_it() {
        let config = resolve(&args::ModelArgs::default(), None, &[], &["manifests = 'mine'"]).unwrap();
        let path = config.files.manifests.unwrap();
        assert!(path.is_absolute() && path.ends_with("mine"));
        let vars = [("PLAE_MANIFESTS", "mine")];
        let config = resolve(&args::ModelArgs::default(), None, &vars, &[]).unwrap();
        assert_eq!(config.files.manifests.unwrap(), Path::new("mine"));
    }
}
