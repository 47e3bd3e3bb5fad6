//! Failure: one error type that says what went wrong, where, and what to do about it.

use std::fmt;
use std::path::PathBuf;

/// The consequence of a failure for a run; the command line turns it into an exit code.
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
    /// The memory of a device is too small for what it is asked to hold (exit code 2).
    Memory,
    /// The network, or the server at the other end, failed (exit code 2).
    Network,
    /// The user asked to stop (exit code 130).
    Interrupted,
}

/// Advice on how to avoid a failure.
///
/// A library does not know how its caller lets people choose a device or an output. Advice about such a choice is
/// therefore a kind of its own, which a program words in its own terms: the command line names its options. `Display`
/// words every kind for callers of the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Advice that reads the same everywhere.
    Text(String),
    /// Overwrite the output, or write elsewhere.
    Overwrite,
    /// Write the output elsewhere.
    WriteElsewhere,
    /// Make space on the disk, or write the output elsewhere.
    FreeSpace,
    /// Let the memory learn the edits of an output, then overwrite it, or move it away.
    LearnEdits,
    /// Wait for the other run in the same directory or end it, or write elsewhere.
    WaitForOtherRun,
    /// Merge the shards of this output directory before going on.
    MergeFirst(PathBuf),
    /// Merge the shards of this output directory and run them again, or overwrite the output.
    MergeOrOverwrite(PathBuf),
    /// Move the file in the way, or merge into another directory.
    MergeElsewhere,
    /// Name the encoding of the input.
    NameEncoding,
    /// Name this encoding, if the guess is right.
    GuessedEncoding(String),
    /// Name the byte order of UTF-16 without a byte-order mark, if the input is that.
    NameUtf16,
    /// Use the file as the model, not as an input.
    UseAsModel,
    /// Take one of plae's own outputs, of a format that is known to be suitable.
    OwnOutput {
        /// The outputs that serve, before their format: `a table that plae wrote with`.
        which: &'static str,
        /// The name of the output format: `tsv`.
        format: &'static str,
        /// The use that they serve, a participle: `learned from`.
        purpose: &'static str,
    },
    /// Let the memory learn from the file, which is an output, instead of importing it.
    LearnFromOutput,
    /// Name a model.
    NameModel,
    /// Download one of several weight files and name that file as the model.
    NameModelFile,
    /// See the list of models for the names and architectures that are known.
    ListModels,
    /// See the list of models for their names, or name a repository.
    ListModelsOrNameRepository,
    /// Give a file, a directory, a listed name or a repository as the model.
    ModelForms,
    /// Names of models that are like the one given.
    SimilarModels(Vec<String>),
    /// Fetch a model.
    PullModel,
    /// Fetch this model while there is a network, or name another.
    PullModelOrNameAnother(String),
    /// Fetch a model while there is a network, or name a directory or a file.
    PullModelOrNameFile {
        /// Models on this machine that are never chosen unasked, because they forbid commercial use.
        non_commercial: Vec<String>,
    },
    /// Allow the network.
    UseNetwork,
    /// See whether the network works, or do without it.
    CheckNetwork,
    /// Compute on the CPU.
    UseCpu,
    /// Build with this cargo feature, or compute on the CPU.
    BuildWithFeature(&'static str),
    /// See which devices answer, or compute on the CPU.
    ListDevices,
    /// Choose a precision: its name and why.
    UsePrecision(&'static str),
    /// Leave the precision to plae, or compute on the CPU.
    AutoPrecisionOrCpu,
    /// Choose f32; if that fails too, fetch the model again.
    UseF32OrFetchAgain,
    /// Use a smaller model, bf16 or the CPU.
    UseLessMemory,
    /// Use a smaller beam, a smaller model or the CPU.
    UseSmallerBeam,
    /// Give no prompt.
    NoPrompt,
    /// Remove the obstacle that is named, or use another memory.
    OtherMemory(&'static str),
}

impl From<&str> for Hint {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Hint {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(text) => text,
            Self::Overwrite => "overwrite it, or write elsewhere",
            Self::WriteElsewhere => "write elsewhere",
            Self::FreeSpace => "free some space, or write elsewhere",
            Self::LearnEdits => "let the memory learn its edits, and overwrite it, or move it away",
            Self::WaitForOtherRun => "wait for it or end it, or write elsewhere",
            Self::MergeFirst(output) => return write!(f, "merge the shards in {} first", output.display()),
            Self::MergeOrOverwrite(output) => {
                return write!(
                    f,
                    "if another shard wrote it before its source changed, merge the shards in {} and run them again; \
                     or overwrite it",
                    output.display()
                );
            }
            Self::MergeElsewhere => "move it away, or merge into another directory",
            Self::NameEncoding => "name the right encoding, for example windows-874",
            Self::GuessedEncoding(name) => return write!(f, "it looks like {name}; if it is, name that encoding"),
            Self::NameUtf16 => {
                "plae reads text, Markdown and HTML; for UTF-16 without a byte-order mark, name the encoding utf-16le"
            }
            Self::UseAsModel => "use it as the model",
            Self::OwnOutput { which, format, purpose } => {
                return write!(f, "only {which} the format {format} can be {purpose}");
            }
            Self::LearnFromOutput => "let the memory learn from it what people edited",
            Self::NameModel => "name a model",
            Self::NameModelFile => "download the one you want and name it as the model",
            Self::ListModels => "the list of models shows what is",
            Self::ListModelsOrNameRepository => {
                "the list of models shows the names; organisation/name takes a model from the Hub"
            }
            Self::ModelForms => {
                "a model is a .gguf file, a directory, a name from the list of models or organisation/name"
            }
            Self::SimilarModels(names) => {
                return write!(f, "did you mean {}? the list of models shows all", names.join(" or "));
            }
            Self::PullModel => "fetch a model first",
            Self::PullModelOrNameAnother(name) => {
                return write!(f, "fetch {name} while there is a network, or name another model");
            }
            Self::PullModelOrNameFile { non_commercial } => {
                let models = non_commercial_models(non_commercial);
                return write!(
                    f,
                    "fetch a model while there is a network, or name a directory or a .gguf file{models}"
                );
            }
            Self::UseNetwork => "allow the network",
            Self::CheckNetwork => {
                "check the network; HF_ENDPOINT names another Hub, and what is in the cache needs none"
            }
            Self::UseCpu => "use the CPU",
            Self::BuildWithFeature(feature) => {
                return write!(f, "build plae with the feature {feature}; or use the CPU");
            }
            Self::ListDevices => "use a device that answers, or the CPU",
            Self::UsePrecision(precision) => return write!(f, "use the precision {precision}"),
            Self::AutoPrecisionOrCpu => "use the precision auto, or the CPU",
            Self::UseF32OrFetchAgain => {
                "f32 rounds least; where that fails too, the weights are damaged: fetch the model again"
            }
            Self::UseLessMemory => "use a smaller model, the precision bf16 if it is not that already, or the CPU",
            Self::UseSmallerBeam => "not even one sentence fits: use a smaller beam or model, or the CPU",
            Self::NoPrompt => "give no prompt",
            Self::OtherMemory(remedy) => return write!(f, "{remedy}, or name another file"),
        })
    }
}

/// Says of models on this machine that they are used only if they are named.
pub(crate) fn non_commercial_models(names: &[String]) -> String {
    let each = |name| format!("; {name} is here, for non-commercial use, if you name it");
    names.iter().map(each).collect()
}

/// A failure with its path, its place in that file, and a hint, each where known.
///
/// `Display` gives one line, `PATH:PLACE: MESSAGE`; the hint is separate so that a printer can set it on a line of its own.
#[derive(Debug)]
pub struct Error {
    /// The consequence for a run.
    pub kind: Kind,
    /// A short lower-case phrase without a final full stop.
    pub message: String,
    /// The file or directory concerned.
    pub path: Option<PathBuf>,
    /// The position in the file, in words a reader can use: `byte 17`, `line 3`, `tensor blk.0.attn_q.weight`.
    pub place: Option<String>,
    /// Advice on what to do about it; boxed, because results are moved more often than they fail.
    pub hint: Option<Box<Hint>>,
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

    /// A failure of kind [`Kind::Usage`].
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// A failure of kind [`Kind::Input`].
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Kind::Input, message)
    }

    /// A failure of kind [`Kind::Output`].
    pub fn output(message: impl Into<String>) -> Self {
        Self::new(Kind::Output, message)
    }

    /// A failure of kind [`Kind::Model`].
    pub fn model(message: impl Into<String>) -> Self {
        Self::new(Kind::Model, message)
    }

    /// A failure of kind [`Kind::Network`].
    pub fn network(message: impl Into<String>) -> Self {
        Self::new(Kind::Network, message)
    }

    /// Names the file or directory concerned; the innermost caller that knows it wins.
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.path.get_or_insert(path.into());
        self
    }

    /// Names the position in the file; the innermost caller that knows it wins.
    pub fn place(mut self, place: impl Into<String>) -> Self {
        self.place.get_or_insert(place.into());
        self
    }

    /// Adds advice on what to do about it; the innermost caller that knows some wins.
    pub fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hint.get_or_insert_with(|| Box::new(hint.into()));
        self
    }

    /// Adds the error underneath, kept for `--verbose` and `std::error::Error::source`.
    pub fn source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
