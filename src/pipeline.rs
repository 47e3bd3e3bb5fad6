//! The pipeline for one document: read its bytes, cut it into segments, translate them, and align them with the source.

use crate::document::{
    self, BilingualDocument, Document, Format, Header, MarkupAmount, ParagraphRule, Parameters, SCHEMA, Segment,
};
use crate::error::{Error, Result};
use crate::file::{format_byte_size, to_hexadecimal};
use crate::quality;
use crate::span::Span;
use crate::thai::encoding::decode_text;
use crate::thai::has_thai;
use crate::thai::split::{SplitOptions, sentences};
use crate::translate::{DecodeOptions, Observer, Translation, Translator};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// How blocks are cut into segments, the units that are translated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SplitUnit {
    /// The split that suits the model best: sentences, for every model so far. The default.
    #[default]
    Auto,
    /// Each sentence is a segment.
    Sentence,
    /// Each line of the source is a segment, blank lines too. Markup is not interpreted.
    Line,
    /// Each block (paragraph, heading, list item, cell) is a segment.
    Block,
}

impl SplitUnit {
    /// Returns the name of this way to cut blocks into segments, on the command line and in JSONL. `Auto` returns the
    /// name of the way that it resolves to.
    pub fn unit_name(self) -> &'static str {
        match self {
            Self::Auto | Self::Sentence => "sentence",
            Self::Line => "line",
            Self::Block => "block",
        }
    }
}

/// Options for the translation of one document.
#[derive(Clone, Debug)]
pub struct Options {
    /// The format that the source is read as.
    pub format: Format,
    /// How blocks are cut into segments.
    pub split: SplitUnit,
    /// The rule for where paragraphs of plain text end. Ignored for other formats, and with [`SplitUnit::Line`].
    pub paragraphs: ParagraphRule,
    /// The WHATWG label of the source's encoding, such as `windows-874`. None (the default) to detect the encoding.
    pub encoding: Option<String>,
    /// The date and time for the document's header, in UTC by RFC 3339. None (the default) for the time of translation.
    pub date: Option<String>,
    /// The options for decoding: how the model searches for a translation.
    pub decode: DecodeOptions,
}

impl Options {
    /// Makes the default options for a source of this format.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            split: SplitUnit::Auto,
            paragraphs: ParagraphRule::Auto,
            encoding: None,
            date: None,
            decode: DecodeOptions::default(),
        }
    }
}

/// A remark for the user on how a source was read: a guess that may be wrong, or text that is not translated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum ReadingNotice {
    /// The encoding was detected, and is not UTF-8.
    Encoding {
        /// The encoding's WHATWG name.
        encoding: String,
    },
    /// The text looked hard-wrapped, and its lines were joined to paragraphs.
    JoinedLines,
    /// Some lines of Thai are left as they are, in code or light markup such as that of Markdown.
    ThaiInCode {
        /// Number of lines.
        lines: usize,
    },
    /// Some lines of Thai are left as they are in tags, attributes or scripts. Nearly every web page has such lines.
    ThaiInTags {
        /// Number of lines.
        lines: usize,
    },
    /// Some texts inside sentences are left out, since a browser does not show them, or shows them above a word as its
    /// reading.
    OmittedText {
        /// Number of texts.
        texts: usize,
    },
    /// All Thai is left as it is, since it is in code or markup; nothing is translated.
    AllThaiInMarkup {
        /// Number of lines.
        lines: usize,
    },
    /// The source has no Thai, and passes through unchanged.
    NoThai,
    /// The source has no text.
    Empty,
}

impl ReadingNotice {
    /// Whether the notice is so common that only those who ask for details want it.
    pub fn is_minor(&self) -> bool {
        matches!(self, Self::ThaiInTags { .. })
    }
}

impl fmt::Display for ReadingNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = |count: &usize| match count {
            1 => "1 line".to_owned(),
            _ => format!("{count} lines"),
        };
        match self {
            Self::Encoding { encoding } => write!(f, "read as {encoding}"),
            Self::JoinedLines => f.write_str("hard-wrapped, lines joined to paragraphs"),
            Self::ThaiInCode { lines: count } | Self::ThaiInTags { lines: count } => {
                write!(f, "{} with Thai left as it is, in code or markup", lines(count))
            }
            Self::OmittedText { texts } => {
                let noun = if *texts == 1 { "text" } else { "texts" };
                write!(
                    f,
                    "{texts} {noun} inside sentences left out, hidden or the reading of a word"
                )
            }
            Self::AllThaiInMarkup { lines: count } => write!(
                f,
                "{} with Thai left as it is, in code or markup, and no other Thai: nothing is translated",
                lines(count)
            ),
            Self::NoThai => f.write_str("no Thai, passed through unchanged"),
            Self::Empty => f.write_str("empty, there is nothing to translate"),
        }
    }
}

/// A source file that has been read and cut into segments, but not translated.
#[derive(Clone, Debug)]
pub struct PreparedDocument {
    /// The segments in the order of the source; their targets are empty.
    segments: Vec<Segment>,
    header: Header,
    unwrapped: bool,
    /// Number of texts inside segments that are left out.
    omitted_texts: usize,
}

/// The most bytes that a source may have. Together with [`MAX_SEGMENTS`] it keeps what is known of one document below
/// 2 GB (measured on a million lines of one letter).
const MAX_SOURCE_BYTES: usize = 64 << 20;
/// The most segments that a source may have: a hundred books.
const MAX_SEGMENTS: usize = 1_000_000;

/// Makes the error for a source with more than `limit`.
fn too_large_error(limit: impl std::fmt::Display) -> Error {
    Error::input(format!("has more than {limit}")).hint("divide it into several files")
}

fn too_many_segments_error() -> Error {
    too_large_error(format_args!("{MAX_SEGMENTS} segments"))
}

/// Whether a text whose lines are blocks has too many of them, so that it need not be read to find out.
fn has_too_many_lines(text: &str, options: &Options) -> bool {
    match (options.split, options.format.markup_amount()) {
        (SplitUnit::Line, _) => text.lines().nth(MAX_SEGMENTS).is_some(),
        // Hard-wrapped lines are joined to paragraphs, and are longer.
        (_, MarkupAmount::None) => {
            let short = text.lines().filter(|line| !line.trim().is_empty() && line.len() < 40);
            short.take(MAX_SEGMENTS + 1).count() > MAX_SEGMENTS
        }
        _ => false,
    }
}

/// Reads a source and cuts it into segments. `name` is the name of the source file, if there is one.
///
/// # Errors
/// Kind `Input` for bytes that are no text, and for a source of more than a million segments or 67 MB; of kind `Usage`
/// for an unknown encoding.
pub fn prepare_document(name: Option<&str>, bytes: &[u8], options: &Options) -> Result<PreparedDocument> {
    if bytes.len() > MAX_SOURCE_BYTES {
        return Err(too_large_error(format_byte_size(MAX_SOURCE_BYTES as u64)));
    }
    let decoded = decode_text(bytes, options.encoding.as_deref())?;
    if has_too_many_lines(&decoded.text, options) {
        return Err(too_many_segments_error());
    }
    let mark = decoded.byte_order_mark();
    let document = match options.split {
        SplitUnit::Line => Document::by_lines(decoded.text),
        _ => document::read(decoded.text, options.format, options.paragraphs),
    };
    if document.blocks.len() > MAX_SEGMENTS {
        return Err(too_many_segments_error());
    }
    let mut segments = Vec::new();
    let mut end = 0;
    for (number, block) in document.blocks.iter().enumerate() {
        let ranges = match options.split {
            SplitUnit::Auto | SplitUnit::Sentence => sentences(&block.text, &SplitOptions::default()),
            SplitUnit::Line | SplitUnit::Block => std::iter::once(0..block.text.len()).collect(),
        };
        for range in ranges {
            let span = block.source_span(range.clone());
            let (source, raw) = (&block.text[range], span.of(&document.text));
            let head = if segments.is_empty() { mark } else { "" };
            segments.push(Segment {
                id: segments.len(),
                block: number,
                kind: block.kind,
                level: block.level,
                source: source.to_owned(),
                target: String::new(),
                span: Span::new(mark.len() + span.start, mark.len() + span.end),
                before: format!("{head}{}", &document.text[end..span.start]),
                raw: (raw != source).then(|| raw.to_owned()),
                score: None,
                finish: document::FinishReason::Copy,
                findings: document::Findings::default(),
                trust: None,
                similar: None,
                source_ids: None,
                target_ids: None,
            });
            end = span.end;
        }
        if segments.len() > MAX_SEGMENTS {
            return Err(too_many_segments_error());
        }
    }
    let is_inside_segment = |span: &Span| {
        let start = mark.len() + span.start;
        let after = segments.partition_point(|segment| segment.span.start <= start);
        after
            .checked_sub(1)
            .is_some_and(|index| start < segments[index].span.end)
    };
    let omitted = document.omitted.iter();
    let omitted = omitted.filter(|span| span.of(&document.text).contains(char::is_alphanumeric));
    let omitted_texts = omitted.filter(|span| is_inside_segment(span)).count();
    let head = if segments.is_empty() { mark } else { "" };
    let header = Header {
        schema: SCHEMA,
        tool: "plae".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        model: "none".to_owned(),
        revision: None,
        licence: None,
        file: name.map(str::to_owned),
        format: document.format,
        encoding: decoded.encoding.to_owned(),
        sha256: to_hexadecimal(&Sha256::digest(bytes)),
        date: options.date.clone().unwrap_or_default(),
        parameters: Parameters {
            split: options.split.unit_name().to_owned(),
            paragraphs: (document.format.markup_amount() == MarkupAmount::None && options.split != SplitUnit::Line)
                .then_some(options.paragraphs),
            ..Parameters::default()
        },
        segments: segments.len(),
        tail: format!("{head}{}", &document.text[end..]),
    };
    Ok(PreparedDocument {
        segments,
        header,
        unwrapped: document.unwrapped,
        omitted_texts,
    })
}

impl PreparedDocument {
    /// Whether any segment has Thai letters, so that a model is needed. A document without Thai is its own translation.
    pub fn needs_model(&self) -> bool {
        self.segments.iter().any(|segment| has_thai(&segment.source))
    }

    /// Returns the segments in the order of the source. Their targets are empty.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Counts the lines of Thai that will not be translated, because they stand outside all segments: in code, HTML
    /// blocks or attributes. Always 0 for plain text, where only list markers and ornament stand outside segments.
    pub fn count_untranslated_thai_lines(&self) -> usize {
        if self.header.format.markup_amount() == MarkupAmount::None {
            return 0;
        }
        let gaps = self.segments.iter().map(|segment| &segment.before);
        gaps.chain([&self.header.tail])
            .flat_map(|gap| gap.lines())
            .filter(|line| has_thai(line))
            .count()
    }

    /// Returns the encoding of the source's bytes, by its WHATWG name.
    pub fn encoding(&self) -> &str {
        &self.header.encoding
    }

    /// Whether the reader joined lines to paragraphs because the text looks hard-wrapped.
    pub fn has_joined_lines(&self) -> bool {
        self.unwrapped
    }

    /// Lists what a user should know of how the source was read. `options` are those that it was prepared with.
    pub fn notices(&self, options: &Options) -> Vec<ReadingNotice> {
        let mut notices = Vec::new();
        if options.encoding.is_none() && self.encoding() != "UTF-8" {
            notices.push(ReadingNotice::Encoding {
                encoding: self.encoding().to_owned(),
            });
        }
        if self.has_joined_lines() {
            notices.push(ReadingNotice::JoinedLines);
        }
        if self.omitted_texts > 0 {
            notices.push(ReadingNotice::OmittedText {
                texts: self.omitted_texts,
            });
        }
        match self.count_untranslated_thai_lines() {
            0 if self.needs_model() => {}
            0 if self.has_text() => notices.push(ReadingNotice::NoThai),
            0 => notices.push(ReadingNotice::Empty),
            lines if !self.needs_model() => notices.push(ReadingNotice::AllThaiInMarkup { lines }),
            lines => notices.push(match self.header.format.markup_amount() {
                MarkupAmount::Tags => ReadingNotice::ThaiInTags { lines },
                MarkupAmount::Light | MarkupAmount::None => ReadingNotice::ThaiInCode { lines },
            }),
        }
        notices
    }

    /// Whether the source has a letter or digit that a reader sees; of code, too, except in HTML.
    fn has_text(&self) -> bool {
        let is_text = |text: &str| text.contains(char::is_alphanumeric);
        let mut gaps = self
            .segments
            .iter()
            .map(|segment| &segment.before)
            .chain([&self.header.tail]);
        self.segments.iter().any(|segment| is_text(&segment.source))
            || (self.header.format.markup_amount() != MarkupAmount::Tags && gaps.any(|gap| is_text(gap)))
    }

    /// Translates all segments and aligns them with their sources.
    ///
    /// # Errors
    /// The errors of [`Translator::translate`], and one of kind `Usage` if a segment has Thai but `translator` is
    /// `None`.
    pub fn translate(
        self,
        translator: Option<&Translator>,
        options: &DecodeOptions,
        observer: Observer,
    ) -> Result<BilingualDocument> {
        let translations = match translator {
            Some(translator) => {
                let sources: Vec<&str> = self.segments.iter().map(|segment| segment.source.as_str()).collect();
                translator.translate(&sources, options, observer)?
            }
            None if self.needs_model() => return Err(Error::usage("a text with Thai needs a model")),
            None => self.copy_sources_as_translations(options),
        };
        Ok(self.align_translations(translator, options, translations))
    }

    /// Makes a copy of each segment as its translation, for a document without Thai.
    pub fn copy_sources_as_translations(&self, options: &DecodeOptions) -> Vec<Translation> {
        let copy = |segment: &Segment| Translation::from_copied_source(&segment.source, options);
        self.segments.iter().map(copy).collect()
    }

    /// Makes the aligned document from one translation per segment, in the order of the segments. `translator` and
    /// `options` are what made the translations; `translator` is `None` if all of them are copies.
    pub fn align_translations(
        mut self,
        translator: Option<&Translator>,
        options: &DecodeOptions,
        translations: Vec<Translation>,
    ) -> BilingualDocument {
        if let Some(translator) = translator {
            translator.fill_header(options, &mut self.header);
        }
        if self.header.date.is_empty() {
            self.header.date = jiff::Timestamp::now()
                .round(jiff::Unit::Second)
                .unwrap_or_default()
                .to_string();
        }
        for (segment, translation) in self.segments.iter_mut().zip(translations) {
            segment.target = translation.text;
            segment.score = translation.score;
            segment.finish = translation.finish;
            segment.findings = translation.findings;
            segment.similar = translation.similar;
            segment.source_ids = translation.source_ids;
            segment.target_ids = translation.target_ids;
        }
        let pairs: Vec<(&str, &str)> = self
            .segments
            .iter()
            .map(|segment| (&*segment.source, &*segment.target))
            .collect();
        for (index, finding) in quality::check_document(&pairs) {
            self.segments[index].findings.add(finding);
        }
        for segment in &mut self.segments {
            segment.trust = Some(quality::trust_score(&segment.findings, segment.score));
        }
        BilingualDocument {
            header: self.header,
            segments: self.segments,
        }
    }
}

/// Translates one source to an aligned document. `name` is the name of the source file, if there is one.
///
/// # Errors
/// The errors of [`prepare_document`] and [`PreparedDocument::translate`].
pub fn translate(
    name: Option<&str>,
    bytes: &[u8],
    translator: &Translator,
    options: &Options,
    observer: Observer,
) -> Result<BilingualDocument> {
    prepare_document(name, bytes, options)?.translate(Some(translator), &options.decode, observer)
}
