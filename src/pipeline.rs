//! The one way of a document: read, split, translate, check, align.

use crate::document::{Bilingual, Format};
use crate::error::Result;
use crate::translate::{DecodeOptions, Observer, Translator};

/// How a document's blocks are cut into segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Split {
    /// Sentences, for every model so far.
    #[default]
    Auto,
    Sentence,
    /// Each input line is one segment, blank lines too; markup is not interpreted.
    Line,
    /// Each block is one segment.
    Block,
}

/// What a caller may choose for one document.
#[derive(Clone, Debug)]
pub struct Options {
    pub format: Format,
    pub split: Split,
    /// A WHATWG encoding label; detected when none.
    pub encoding: Option<String>,
    pub decode: DecodeOptions,
}

/// Translates one source: bytes in, the aligned document out. `name` is the file's name, if it has one.
pub fn translate(
    name: Option<&str>,
    bytes: &[u8],
    translator: &Translator,
    options: &Options,
    observer: Observer,
) -> Result<Bilingual> {
    let _ = (name, bytes, translator, options, observer);
    Err(crate::Error::model("not built"))
}
