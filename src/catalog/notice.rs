//! Events that a caller may show while models are chosen, fetched and checked.

use crate::error::Hint;
use crate::file::format_size;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// An event while files are located, for the user; `Display` gives it in one line.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A model was chosen, because none was named.
    Chosen {
        /// The model's name.
        model: String,
        /// The reason.
        why: Choice,
        /// The manifest's own warning.
        note: Option<String>,
    },
    /// A download begins.
    Pulling {
        /// The model's name.
        model: String,
        /// The repository or packages that it comes from.
        from: String,
        /// Bytes left to fetch, where known.
        bytes: Option<u64>,
        /// The model's licence, by its SPDX name where it has one.
        licence: Option<String>,
        /// The address of the licence's text.
        licence_url: Option<String>,
        /// Whether the licence forbids commercial use.
        non_commercial: bool,
    },
    /// A download goes on; there is at least one for each file.
    Progress {
        /// The file's name.
        file: String,
        /// Bytes on this machine, those of an earlier run included.
        done: u64,
        /// The file's size in bytes.
        total: u64,
    },
    /// A request failed in a way that may pass, and is sent again.
    Retrying {
        /// The failure in one line.
        error: String,
        /// The time before the next attempt.
        wait: Duration,
    },
    /// Another process is fetching the same file.
    Waiting {
        /// The file's name.
        file: String,
    },
    /// A source failed, and the next one is tried.
    Failed {
        /// The model's name.
        model: String,
        /// The failure in one line.
        error: String,
        /// Advice on what to do about it.
        hint: Option<Hint>,
    },
    /// All files are here.
    Pulled {
        /// The model's name.
        model: String,
        /// The model's file or directory.
        path: PathBuf,
    },
}

/// The reason why a model was chosen.
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
                if *non_commercial {
                    f.write_str(", NON-COMMERCIAL USE ONLY")
                } else {
                    Ok(())
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

/// A callback for the events; `cli` prints them.
pub type Notify<'a> = &'a mut dyn FnMut(Notice);
