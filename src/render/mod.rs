//! Rendering: an aligned document to the bytes of any output format; knows no model.

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// Paired lines, or columns on a terminal.
    Text,
    Markdown,
    Html,
    Docx,
    Tsv,
    Jsonl,
    /// The translation only.
    Plain,
}

/// How source and target stand to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    #[default]
    SideBySide,
    Interleaved,
    /// The translation alone.
    Target,
}

/// What a renderer may be told.
#[derive(Clone, Copy, Debug, Default)]
pub struct RenderOptions {
    pub layout: Layout,
    /// Columns of the terminal that `text` is written to; none for a file or pipe.
    pub width: Option<usize>,
}
