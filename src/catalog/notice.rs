//! Events that a caller may show to the user while models are chosen, fetched and verified.

use crate::error::Hint;
use crate::file::format_byte_size;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// An event while a model is chosen, fetched or verified; `Display` describes it in one line for the user.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A model was chosen because the user named none.
    Chosen {
        /// Name of the model.
        model: String,
        /// Why this model was chosen.
        why: ModelChoice,
        /// The warning about the model in its manifest, if any.
        note: Option<String>,
    },
    /// The download of a model begins.
    Pulling {
        /// Name of the model.
        model: String,
        /// Where the model comes from: a Hub repository or Python packages.
        from: String,
        /// Number of bytes that are still to be fetched, if known.
        bytes: Option<u64>,
        /// Licence of the model, by its SPDX name if it has one.
        licence: Option<String>,
        /// Web address of the licence's text.
        licence_url: Option<String>,
        /// Whether the licence forbids commercial use.
        non_commercial: bool,
    },
    /// Part of a file was downloaded or verified; sent at least once for each file.
    Progress {
        /// Name of the file.
        file: String,
        /// Number of the file's bytes that are done so far, including those that an earlier run downloaded.
        done: u64,
        /// Size of the file in bytes.
        total: u64,
    },
    /// A request failed for a reason that may pass, and will be sent again.
    Retrying {
        /// Message of the error, in one line.
        error: String,
        /// Waiting time before the next attempt.
        wait: Duration,
    },
    /// Another process is fetching the same file, and this one waits for it.
    Waiting {
        /// Name of the file.
        file: String,
    },
    /// A model could not be fetched from one of its sources, and the next source is tried.
    Failed {
        /// Name of the model.
        model: String,
        /// What failed, in one line.
        error: String,
        /// Advice for the user on what to do about the failure.
        hint: Option<Hint>,
    },
    /// The Hub could not be asked whether a model is whole or up to date; the files on this machine are used.
    Unreachable {
        /// Name of the model.
        model: String,
        /// What failed, in one line.
        error: String,
    },
    /// All files of a model are now on this machine.
    Pulled {
        /// Name of the model.
        model: String,
        /// Path of the model's file or directory.
        path: PathBuf,
    },
}

/// Why a model was chosen when the user named none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelChoice {
    /// It is the best model that is on this machine.
    Cached,
    /// It is the best model that may be downloaded unasked.
    Default,
    /// The best model that may be downloaded unasked could not be fetched; this one comes from Python packages and
    /// does not need the Hub.
    Fallback,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chosen { model, why, note } => {
                match why {
                    ModelChoice::Cached => write!(f, "no model was named: using {model}, the best on this machine")?,
                    ModelChoice::Default => write!(f, "no model was named: fetching {model}, the default")?,
                    ModelChoice::Fallback => write!(f, "falling back to {model}, which does not need the Hub")?,
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
                    write!(f, ", {}", format_byte_size(*bytes))?;
                }
                write!(f, "; licence: {}", licence.as_deref().unwrap_or("unknown"))?;
                licence_url.iter().try_for_each(|url| write!(f, " ({url})"))?;
                if *non_commercial {
                    f.write_str(", NON-COMMERCIAL USE ONLY")
                } else {
                    Ok(())
                }
            }
            Self::Progress { file, done, total } => {
                write!(f, "{file}: {} of {}", format_byte_size(*done), format_byte_size(*total))
            }
            Self::Retrying { error, wait } => write!(f, "{error}; trying again in {:.1} s", wait.as_secs_f64()),
            Self::Waiting { file } => write!(f, "waiting for another process that fetches {file}"),
            Self::Failed { model, error, .. } => write!(f, "cannot fetch {model}: {error}; trying another source"),
            Self::Unreachable { model, error } => write!(
                f,
                "the Hub cannot be asked about {model}: {error}; using the files on this machine"
            ),
            Self::Pulled { model, path } => write!(f, "{model} is in {}", path.display()),
        }
    }
}

/// A function that is called with each event; the command line prints it.
pub type NoticeCallback<'a> = &'a mut dyn FnMut(Notice);
