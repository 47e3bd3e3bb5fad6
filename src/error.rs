//! The error type of this crate: it says what went wrong, where, and what to do about it.

use std::fmt;
use std::path::PathBuf;

/// The consequence of a failure for a run; the command line turns it into an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request is impossible or contradictory; nothing was attempted (exit code 2).
    Usage,
    /// One input could not be read or understood; the run continues with the others (exit code 1).
    Input,
    /// An output could not be written; a file that was there before is unchanged (exit code 1).
    Output,
    /// A model's files are missing, damaged or not supported, so that no input can be translated (exit code 2).
    Model,
    /// The memory of a device is too small for the model or a batch (exit code 2).
    Memory,
    /// The network or a server failed (exit code 2).
    Network,
    /// The user interrupted the run (exit code 130).
    Interrupted,
}

/// Advice on how to avoid a failure.
///
/// A library does not know how its caller lets people choose a device or an output. Advice about such a choice is
/// therefore a variant of its own, which a program words in its own terms: the command line names its options.
/// `Display` words every variant for callers of the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Advice in words that suit any caller.
    Text(String),
    /// The output exists: overwrite it, or write elsewhere.
    Overwrite,
    /// The output cannot be written there: write it elsewhere.
    WriteElsewhere,
    /// The disk is full: free some space, or write the output elsewhere.
    FreeSpace,
    /// A person edited the output: let the translation memory learn the edits, overwrite it, or move it away.
    LearnEdits,
    /// Another program's file stands where the output would be: move it away, overwrite it alone, or write elsewhere.
    MoveForeign,
    /// A person edited the output in a way that the translation memory cannot learn: move it away, or overwrite it.
    MoveEdited,
    /// A name is too long for the file system: shorten the input's, or name the output otherwise.
    ShortenName,
    /// Another run is using the output directory: wait for it or end it, or write elsewhere.
    WaitForOtherRun,
    /// The output directory has unmerged shards, which other runs made: merge them before going on.
    MergeFirst(PathBuf),
    /// The output exists, perhaps from another shard of the output directory: merge the shards and run them again, or
    /// overwrite it.
    MergeOrOverwrite(PathBuf),
    /// Another file is in the way of a merged output: move it away, or merge into another directory.
    MergeElsewhere,
    /// The input is not valid in its encoding: name the right one.
    NameEncoding,
    /// The input looks as if it had this encoding: name it, if the guess is right.
    GuessedEncoding(String),
    /// The input looks binary: if it is UTF-16 without a byte-order mark, name that encoding.
    NameUtf16,
    /// The input file is a model: use it as the model instead.
    UseAsModel,
    /// The file is not suitable: only outputs of plae in a certain format are.
    OwnOutput {
        /// The outputs that are suitable, worded to stand before the format: `a table that plae wrote with`.
        which: &'static str,
        /// Name of the output format: `tsv`.
        format: &'static str,
        /// What the outputs are suitable for, as a participle: `learned from`.
        purpose: &'static str,
    },
    /// The file to import is an output of plae: let the translation memory learn from it instead.
    LearnFromOutput,
    /// No model may be downloaded by default: name one.
    NameModel,
    /// A repository has several weight files: download one of them and name that file as the model.
    NameModelFile,
    /// The architecture is not known: see the list of models for those that are.
    ListModels,
    /// No model has this name: see the list of models, or name a repository of the hub.
    ListModelsOrNameRepository,
    /// The file is not a model: give a `.gguf` file, a directory, a listed name or a repository of the hub.
    ModelForms,
    /// No model has this name, but models with these names exist.
    SimilarModels(Vec<String>),
    /// The model is not on this machine: download it first.
    PullModel,
    /// This model is not on this machine and the network is switched off: download it when there is a network, or name
    /// another.
    PullModelOrNameAnother(String),
    /// No model is on this machine and the network is switched off: download one when there is a network, or name a
    /// directory or a file.
    PullModelOrNameFile {
        /// Names of models on this machine that are used only if they are named, because their licence forbids
        /// commercial use.
        non_commercial: Vec<String>,
    },
    /// The network is switched off: allow it.
    UseNetwork,
    /// The network failed: check it, or use only what is on this machine.
    CheckNetwork,
    /// The model runs on the CPU only: use the CPU.
    UseCpu,
    /// This build does not support the device: build with this cargo feature, or use the CPU.
    BuildWithFeature(&'static str),
    /// The device does not answer: see which devices do, or use the CPU.
    ListDevices,
    /// The model does not support the precision: use another one, given here with the reason.
    UsePrecision(&'static str),
    /// 8-bit weights run on the CPU only: let plae choose the precision, or use the CPU.
    AutoPrecisionOrCpu,
    /// The model computed values that are not numbers: use the precision f32; if that fails too, download the model
    /// again.
    UseF32OrFetchAgain,
    /// The model does not fit into the device's memory: use a smaller model, the precision bf16 or the CPU.
    UseLessMemory,
    /// Not even one sentence fits into the device's memory: use a smaller beam, a smaller model or the CPU.
    UseSmallerBeam,
    /// The model takes no prompt: give none.
    NoPrompt,
    /// The translation memory cannot be used: apply the remedy given here, or use another memory.
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
            Self::LearnEdits => {
                "let the memory learn its edits, and it is written with them; or overwrite it, or move it away"
            }
            Self::MoveForeign => "move it away, overwrite it, or write elsewhere",
            Self::MoveEdited => "move it away to keep the edits, which plae cannot learn from it; or overwrite it",
            Self::ShortenName => "give the input a shorter name, or name the output otherwise",
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
                let models = describe_non_commercial_models(non_commercial);
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

/// Words a notice for each of the named models, which are on this machine: it may be used non-commercially, if it is
/// named.
pub(crate) fn describe_non_commercial_models(names: &[String]) -> String {
    let each = |name| format!("; {name} is here, for non-commercial use, if you name it");
    names.iter().map(each).collect()
}

/// A failure, with the file, the position in it and a hint, as far as they are known.
///
/// `Display` gives one line, `PATH:PLACE: MESSAGE`. The hint is separate, so that a program can print it on a line of
/// its own.
#[derive(Debug)]
pub struct Error {
    /// The consequence of the failure for a run.
    pub kind: ErrorKind,
    /// What went wrong: a short lower-case phrase without a final full stop.
    pub message: String,
    /// The file or directory that the failure is about.
    pub path: Option<PathBuf>,
    /// The position in the file, in words for a reader: `byte 17`, `line 3`, `tensor blk.0.attn_q.weight`.
    pub place: Option<String>,
    /// Advice on what to do about the failure. Boxed to keep results small, because they are moved more often than they
    /// fail.
    pub hint: Option<Box<Hint>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The result of a function that can fail with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Makes an error of a kind; `message` is a short lower-case phrase without a final full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            path: None,
            place: None,
            hint: None,
            source: None,
        }
    }

    /// Makes an error of kind [`ErrorKind::Usage`].
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// Makes an error of kind [`ErrorKind::Input`].
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, message)
    }

    /// Makes an error of kind [`ErrorKind::Output`].
    pub fn output(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Output, message)
    }

    /// Makes an error of kind [`ErrorKind::Model`].
    pub fn model(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Model, message)
    }

    /// Makes an error of kind [`ErrorKind::Network`].
    pub fn network(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Network, message)
    }

    /// Adds the file or directory that the failure is about, unless the error has one already.
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.path.get_or_insert(path.into());
        self
    }

    /// Adds the position in the file, in words for a reader, unless the error has one already.
    pub fn place(mut self, place: impl Into<String>) -> Self {
        self.place.get_or_insert(place.into());
        self
    }

    /// Adds advice on what to do about the failure, unless the error has some already.
    pub fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hint.get_or_insert_with(|| Box::new(hint.into()));
        self
    }

    /// Adds the underlying error, for `--verbose` and `std::error::Error::source`.
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
