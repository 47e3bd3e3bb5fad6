//! Failure: one error type that says what went wrong, where, and what to do about it.

use std::path::PathBuf;

/// What a failure means for a run; the command line turns it into an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An impossible or contradictory request; nothing was attempted (exit code 2).
    Usage,
    /// One input could not be read or understood; others go on (exit code 1).
    Input,
    /// An output could not be written; what stood there before still stands (exit code 1).
    Output,
    /// A model's files are missing, damaged or not supported (exit code 2: no input can be done without them).
    Model,
    /// What a device is asked to hold does not fit into its memory (exit code 2).
    Memory,
    /// The network, or the server at the other end, failed (exit code 2).
    Network,
    /// The user asked to stop (exit code 130).
    Interrupted,
}

/// A failure with its path, its place in that file, and a hint, each where known.
///
/// `Display` gives one line, `PATH:PLACE: MESSAGE`; the hint is separate so that a printer can set it on a line of its own.
#[derive(Debug)]
pub struct Error {
    pub kind: Kind,
    pub message: String,
    pub path: Option<PathBuf>,
    /// Where in the file, in words a reader can use: `byte 17`, `line 3`, `tensor blk.0.attn_q.weight`.
    pub place: Option<String>,
    pub hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure of `kind`, told in a short lower-case phrase without a final full stop.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            path: None,
            place: None,
            hint: None,
            source: None,
        }
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Kind::Input, message)
    }

    pub fn output(message: impl Into<String>) -> Self {
        Self::new(Kind::Output, message)
    }

    pub fn model(message: impl Into<String>) -> Self {
        Self::new(Kind::Model, message)
    }

    pub fn network(message: impl Into<String>) -> Self {
        Self::new(Kind::Network, message)
    }

    /// The file or directory concerned; the innermost caller that knows it wins.
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.path.get_or_insert(path.into());
        self
    }

    /// Where in the file.
    pub fn place(mut self, place: impl Into<String>) -> Self {
        self.place.get_or_insert(place.into());
        self
    }

    /// What the user can do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert(hint.into());
        self
    }

    /// The error underneath, kept for `--verbose` and `std::error::Error::source`.
    pub fn source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}", path.display())?;
            if let Some(place) = &self.place {
                write!(f, ":{place}")?;
            }
            write!(f, ": ")?;
        } else if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
