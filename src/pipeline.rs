//! The one way of a document: read, split, translate, check, align.

use crate::document::{self, Bilingual, Document, Format, Header, Markup, Paragraphs, Parameters, SCHEMA, Segment};
use crate::error::{Error, Result};
use crate::file::hexadecimal;
use crate::span::Span;
use crate::thai::encoding::decode;
use crate::thai::has_thai;
use crate::thai::split::{SplitOptions, sentences};
use crate::translate::{DecodeOptions, Observer, Translation, Translator};
use sha2::{Digest, Sha256};

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

impl Split {
    /// As `--split` spells it, with `auto` resolved.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto | Self::Sentence => "sentence",
            Self::Line => "line",
            Self::Block => "block",
        }
    }
}

/// What a caller may choose for one document.
#[derive(Clone, Debug)]
pub struct Options {
    pub format: Format,
    pub split: Split,
    /// Where the paragraphs of plain text end; nothing with [`Split::Line`], and in other formats.
    pub paragraphs: Paragraphs,
    /// A WHATWG encoding label; detected when none.
    pub encoding: Option<String>,
    /// The date and time in UTC, RFC 3339, that the document bears; when it is translated, by default.
    pub date: Option<String>,
    pub decode: DecodeOptions,
}

impl Options {
    /// Everything by default, for a source of this format.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            split: Split::Auto,
            paragraphs: Paragraphs::Auto,
            encoding: None,
            date: None,
            decode: DecodeOptions::default(),
        }
    }
}

/// A source read and cut into segments, not yet translated.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// With empty targets.
    segments: Vec<Segment>,
    header: Header,
    unwrapped: bool,
}

/// Reads and cuts one source. `name` is the file's name, if it has one.
///
/// # Errors
/// Of kind `Input` for bytes that are no text, of kind `Usage` for an unknown encoding.
pub fn prepare(name: Option<&str>, bytes: &[u8], options: &Options) -> Result<Prepared> {
    let decoded = decode(bytes, options.encoding.as_deref())?;
    let mark = decoded.byte_order_mark();
    let document = match options.split {
        Split::Line => Document::by_lines(decoded.text),
        _ => document::read(decoded.text, options.format, options.paragraphs),
    };
    let mut segments = Vec::new();
    let mut end = 0;
    for (number, block) in document.blocks.iter().enumerate() {
        let ranges = match options.split {
            Split::Auto | Split::Sentence => sentences(&block.text, &SplitOptions::default()),
            Split::Line | Split::Block => std::iter::once(0..block.text.len()).collect(),
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
                finish: document::Finish::Copy,
                flags: Vec::new(),
                similar: None,
                source_ids: None,
                target_ids: None,
            });
            end = span.end;
        }
    }
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
        sha256: hexadecimal(&Sha256::digest(bytes)),
        date: options.date.clone().unwrap_or_default(),
        parameters: Parameters {
            split: options.split.name().to_owned(),
            paragraphs: (document.format.markup() == Markup::None && options.split != Split::Line)
                .then_some(options.paragraphs),
            ..Parameters::default()
        },
        segments: segments.len(),
        tail: format!("{head}{}", &document.text[end..]),
    };
    Ok(Prepared {
        segments,
        header,
        unwrapped: document.unwrapped,
    })
}

impl Prepared {
    /// Whether anything in it has Thai; without, it is aligned with itself and needs no model.
    pub fn needs_model(&self) -> bool {
        self.segments.iter().any(|segment| has_thai(&segment.source))
    }

    /// The segments, their targets still empty.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// How many lines of the source keep Thai that belongs to no segment: in code, HTML blocks, attributes. Of plain text
    /// nothing is left out but list markers and ornament.
    pub fn untouched(&self) -> usize {
        if self.header.format.markup() == Markup::None {
            return 0;
        }
        let gaps = self.segments.iter().map(|segment| &segment.before);
        gaps.chain([&self.header.tail])
            .flat_map(|gap| gap.lines())
            .filter(|line| has_thai(line))
            .count()
    }

    /// How the source's bytes were read, by its WHATWG name.
    pub fn encoding(&self) -> &str {
        &self.header.encoding
    }

    /// Whether lines were joined to paragraphs because they look hard-wrapped.
    pub fn unwrapped(&self) -> bool {
        self.unwrapped
    }

    /// Translates all segments and aligns them with their sources.
    ///
    /// # Errors
    /// Those of [`Translator::translate`]; of kind `Usage` if there is Thai and no translator.
    pub fn translate(
        self,
        translator: Option<&Translator>,
        options: &DecodeOptions,
        observer: Observer,
    ) -> Result<Bilingual> {
        let translations = match translator {
            Some(translator) => {
                let sources: Vec<&str> = self.segments.iter().map(|segment| segment.source.as_str()).collect();
                translator.translate(&sources, options, observer)?
            }
            None if self.needs_model() => return Err(Error::usage("a text with Thai needs a model")),
            None => self.copies(options),
        };
        Ok(self.align(translator, options, translations))
    }

    /// What the segments become where none has Thai: themselves.
    pub fn copies(&self, options: &DecodeOptions) -> Vec<Translation> {
        let copy = |segment: &Segment| Translation::copy(&segment.source, options);
        self.segments.iter().map(copy).collect()
    }

    /// Aligns the segments with as many translations, made by `translator` with `options`; none where all are copies.
    pub fn align(
        mut self,
        translator: Option<&Translator>,
        options: &DecodeOptions,
        translations: Vec<Translation>,
    ) -> Bilingual {
        if let Some(translator) = translator {
            translator.describe(options, &mut self.header);
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
            segment.flags = translation.flags;
            segment.similar = translation.similar;
            segment.source_ids = translation.source_ids;
            segment.target_ids = translation.target_ids;
        }
        Bilingual {
            header: self.header,
            segments: self.segments,
        }
    }
}

/// Translates one source: bytes in, the aligned document out. `name` is the file's name, if it has one.
///
/// # Errors
/// Those of [`prepare`] and [`Prepared::translate`].
pub fn translate(
    name: Option<&str>,
    bytes: &[u8],
    translator: &Translator,
    options: &Options,
    observer: Observer,
) -> Result<Bilingual> {
    prepare(name, bytes, options)?.translate(Some(translator), &options.decode, observer)
}
