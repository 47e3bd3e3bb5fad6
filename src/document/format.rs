//! Input formats: one table of what the rest of the crate has to know of each.

use super::{Paragraphs, Reading, html, markdown, text};
use serde::{Deserialize, Serialize};

/// An input format. Its name in JSONL is the variant's in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Plain text: layout alone says what is a heading, a list item or a table.
    Text,
    /// CommonMark with tables, footnotes, task lists, strikethrough and front matter.
    Markdown,
    /// HTML, or XHTML that begins with an XML declaration.
    Html,
}

/// The share of a source that is not text for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Markup {
    /// None but list markers and ornament.
    None,
    /// Marks within lines that a reader sees, and code: a translation can stand in the source's own lines.
    Light,
    /// Tags, attributes and scripts: Thai in them is usual, and the lines of the source mean nothing to a reader.
    Tags,
}

/// Everything that the rest of the crate has to know of a format.
struct Facts {
    name: &'static str,
    summary: &'static str,
    extensions: &'static [&'static str],
    markup: Markup,
    read: fn(&str, Paragraphs) -> Reading,
}

impl Format {
    /// Every format, in the order in which help texts list them.
    pub const ALL: [Self; 3] = [Self::Text, Self::Markdown, Self::Html];

    /// The table of formats.
    const fn facts(self) -> Facts {
        match self {
            Self::Text => Facts {
                name: "text",
                summary: "Plain text",
                extensions: &["txt", "text", "th"],
                markup: Markup::None,
                read: text::read,
            },
            Self::Markdown => Facts {
                name: "md",
                summary: "Markdown",
                extensions: &["md", "markdown", "mdown", "mkd"],
                markup: Markup::Light,
                read: |source, _| Reading {
                    blocks: markdown::read(source),
                    unwrapped: false,
                },
            },
            Self::Html => Facts {
                name: "html",
                summary: "HTML",
                extensions: &["html", "htm", "xhtml"],
                markup: Markup::Tags,
                read: |source, _| Reading {
                    blocks: html::read(source),
                    unwrapped: false,
                },
            },
        }
    }

    /// The format's name on the command line.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// One line about the format for help texts, without a final full stop.
    pub const fn summary(self) -> &'static str {
        self.facts().summary
    }

    /// Finds the format that a file's extension stands for; `extension` has no dot, and its case does not matter.
    pub fn from_extension(extension: &str) -> Option<Self> {
        let extension = extension.to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|format| format.facts().extensions.contains(&extension.as_str()))
    }

    /// The share of a source in this format that is not text for a reader.
    pub fn markup(self) -> Markup {
        self.facts().markup
    }

    /// Reads a source into blocks. Only plain text heeds `paragraphs`.
    pub(super) fn read(self, source: &str, paragraphs: Paragraphs) -> Reading {
        (self.facts().read)(source, paragraphs)
    }
}
