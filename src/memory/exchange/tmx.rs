//! TMX 1.4b: translation units between plae and other translation tools.
//!
//! plae writes TMX as the specification of LISA OSCAR (2005) has it, with `prop` elements for what only plae knows. It
//! reads TMX as other tools write it: `lang` with or without `xml:`, languages with any region, inline codes, and any
//! encoding that the file declares.

use super::fields::{SkippedCounts, flag_names, input_read_error, json_name, parse_machine_details};
use crate::error::{Error, Result};
use crate::file::failed_write_error;
use crate::memory::{Memory, TranslationUnit};
use jiff::Timestamp;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::encoding::DecodingReader;
use quick_xml::escape::{escape, resolve_xml_entity};
use quick_xml::events::{BytesStart, Event};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, BufRead, Read, Write};

/// Author that marks a machine's translation in TMX, a convention that Wordfast began and other tools know.
const MACHINE_AUTHOR: &str = "MT!";
/// Author that plae writes for a person's translation in TMX.
const PERSON_AUTHOR: &str = "human";
/// TMX elements within a text whose content is formatting codes, not text.
const INLINE_CODE_ELEMENTS: [&str; 5] = ["bpt", "ept", "it", "ph", "ut"];

/// Format of a date in TMX, in UTC.
const DATE_FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// Writes a TMX document with every translation unit of a memory.
///
/// # Errors
/// The errors of the memory and of `out`.
pub(super) fn write(memory: &Memory, out: &mut dyn Write) -> Result<()> {
    let head = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<tmx version=\"1.4\">\n\
         <header creationtool=\"plae\" creationtoolversion=\"{}\" segtype=\"sentence\" o-tmf=\"plae\" adminlang=\"en\" \
         srclang=\"th\" datatype=\"plaintext\"/>\n<body>\n",
        env!("CARGO_PKG_VERSION")
    );
    out.write_all(head.as_bytes()).map_err(failed_write_error)?;
    memory.for_each_unit(&mut |unit| out.write_all(format_unit(unit).as_bytes()).map_err(failed_write_error))?;
    out.write_all(b"</body>\n</tmx>\n").map_err(failed_write_error)
}

/// Returns a translation unit as a TMX `tu` element.
fn format_unit(unit: &TranslationUnit) -> String {
    let mut props = String::new();
    let mut prop = |kind: &str, value: &str| {
        props += &format!("<prop type=\"x-plae-{kind}\">{}</prop>", escape_content(value));
    };
    if let Some(machine) = &unit.machine {
        prop("system", &machine.system);
        if let Some(score) = machine.score {
            prop("score", &score.to_string());
        }
        prop("finish", &json_name(machine.finish));
        prop("flags", &flag_names(machine));
        prop(
            "tokens",
            &format!("{} {}", machine.source_tokens, machine.target_tokens),
        );
    }
    let system = unit.machine.as_ref().map_or("", |machine| &machine.system);
    let texts = [&unit.source, &unit.target, system];
    if texts.iter().any(|text| text.contains(is_forbidden_in_xml)) {
        prop("exact", &xml_safe_json(&texts));
    }
    let author = match unit.machine {
        Some(_) => MACHINE_AUTHOR,
        None => PERSON_AUTHOR,
    };
    let [source, target] = [&unit.source, &unit.target].map(|side| escape_content(side));
    format!(
        "<tu creationdate=\"{}\" creationid=\"{author}\">{props}<tuv xml:lang=\"th\"><seg>{source}</seg></tuv>\
         <tuv xml:lang=\"en\"><seg>{target}</seg></tuv></tu>\n",
        unit.made.strftime(DATE_FORMAT)
    )
}

/// Whether XML 1.0 cannot contain the character `c`, not even as a character reference.
fn is_forbidden_in_xml(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{FFFE}' | '\u{FFFF}')
}

/// Removes the characters that XML cannot contain from `text`.
fn without_forbidden_chars(text: &str) -> Cow<'_, str> {
    if text.contains(is_forbidden_in_xml) {
        Cow::Owned(text.replace(is_forbidden_in_xml, ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// Escapes `text` as the content of an XML element; characters that XML cannot contain are removed.
fn escape_content(text: &str) -> String {
    escape(without_forbidden_chars(text)).into_owned()
}

/// Returns the texts as a JSON array in which characters that XML cannot contain are escaped.
fn xml_safe_json(texts: &[&str; 3]) -> String {
    let json = serde_json::to_string(texts).unwrap_or_default();
    json.replace('\u{FFFE}', "\\ufffe").replace('\u{FFFF}', "\\uffff")
}

/// Reads a TMX document and calls `on_unit` with each of its translation units; see [`super::read`].
pub(super) fn read(
    input: &mut dyn BufRead,
    on_unit: &mut dyn FnMut(TranslationUnit) -> Result<()>,
) -> Result<SkippedCounts> {
    let mut reader = Reader::from_reader(LineCountingReader::new(DecodingReader::new(input)));
    reader.config_mut().expand_empty_elements = true;
    let mut parser = TmxParser::default();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let position = reader.get_ref().position_text();
        let event = reader.read_event_into(&mut buffer);
        let taken = match event {
            Ok(Event::Decl(declaration)) => match declaration.encoder() {
                // The bytes themselves tell one encoding of Unicode from another, whatever the declaration says.
                Some(encoding) if !encoding.name().starts_with("UTF-") => {
                    let bytes_read = reader.buffer_position();
                    let decoder = &mut reader.get_mut().inner;
                    match decoder.encoding().name() {
                        "UTF-8" if bytes_read >= UNDECODED_BYTES => {
                            Err(Error::input("the XML declaration is too long"))
                        }
                        "UTF-8" => {
                            decoder.set_encoding(encoding);
                            Ok(())
                        }
                        _ => Ok(()),
                    }
                }
                Some(_) => Ok(()),
                None => match declaration.encoding() {
                    None => Ok(()),
                    Some(_) => {
                        Err(Error::input("an encoding that plae does not know").hint("convert the file to UTF-8"))
                    }
                },
            },
            Ok(Event::Eof) if !parser.has_root => Err(Error::input("no TMX")),
            Ok(Event::Eof) if parser.path.is_empty() => return Ok(parser.skipped),
            Ok(Event::Eof) => Err(Error::input("ends before </tmx>").hint("the file is torn")),
            Ok(event) => parser.handle_xml_event(event, on_unit),
            Err(quick_xml::Error::Io(error)) => Err(input_read_error(io::Error::new(error.kind(), error.to_string()))),
            Err(error) => Err(xml_error(&error)),
        };
        taken.map_err(|error| match error.kind {
            crate::error::ErrorKind::Input => error.place(position),
            _ => error,
        })?;
    }
}

/// Number of bytes at the start of a TMX file that are not decoded until the file's encoding is known.
const UNDECODED_BYTES: u64 = 64;

fn xml_error(error: &quick_xml::Error) -> Error {
    Error::input(format!("not well-formed XML: {error}"))
}

/// A reader that counts the lines and columns of the text that was read.
struct LineCountingReader<R> {
    inner: R,
    /// Number of the current line, counted from 1.
    line: usize,
    /// Number of characters of the current line that were read.
    column: usize,
}

impl<R> LineCountingReader<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            line: 1,
            column: 0,
        }
    }

    /// Returns line and column of the next character, counted from 1, in words for an error message.
    fn position_text(&self) -> String {
        format!("line {}, column {}", self.line, self.column + 1)
    }
}

impl<R: BufRead> Read for LineCountingReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut bytes = self.fill_buf()?;
        let count = bytes.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for LineCountingReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        // Filling the buffer here would read on, past the point where the encoding can still be changed.
        if count == 0 {
            return;
        }
        let read = self.inner.fill_buf().ok().and_then(|bytes| bytes.get(..count));
        for byte in read.unwrap_or_default() {
            match byte {
                b'\n' => (self.line, self.column) = (self.line + 1, 0),
                // Continuation bytes of UTF-8: a character counts once, by its first byte.
                0x80..=0xBF => {}
                _ => self.column += 1,
            }
        }
        self.inner.consume(count);
    }
}

/// State of reading a TMX document.
#[derive(Default)]
struct TmxParser {
    /// Names of the open XML elements, the root first.
    path: Vec<String>,
    /// Whether the start tag of the root element was read.
    has_root: bool,
    /// The `tu` element (translation unit) that is being read.
    tu: TuElement,
    /// Text of the `seg` or `prop` element that is being read.
    text: String,
    /// Type of the open `prop` element, or language of the open `tuv` element.
    kind: String,
    /// Dates and authors of the open `tuv` element (one language of a unit).
    tuv: DatesAndAuthors,
    /// Counts of the units skipped so far.
    skipped: SkippedCounts,
}

/// A TMX `tu` element (translation unit) that is being read.
#[derive(Default)]
struct TuElement {
    /// Dates and authors in the attributes of the `tu` element.
    signed: DatesAndAuthors,
    /// Texts of the unit's `prop` elements by their types.
    props: HashMap<String, String>,
    /// Thai and English text, in this order, each with the dates and authors of its `tuv` element. Of several texts in
    /// one language, the first counts.
    sides: [Option<(String, DatesAndAuthors)>; 2],
}

/// Dates and authors in the attributes of a TMX element, as far as the element has them.
#[derive(Clone, Default)]
struct DatesAndAuthors {
    /// Values of the attributes `creationdate` and `creationid`.
    created: [Option<String>; 2],
    /// Values of the attributes `changedate` and `changeid`.
    changed: [Option<String>; 2],
}

impl TmxParser {
    /// Handles an event of the XML reader; calls `on_unit` when a translation unit is complete.
    fn handle_xml_event(&mut self, event: Event, on_unit: &mut dyn FnMut(TranslationUnit) -> Result<()>) -> Result<()> {
        match event {
            Event::Start(element) => self.handle_start_tag(&element),
            Event::End(_) => self.handle_end_tag(on_unit),
            Event::Text(text) => {
                self.add_text(&text.xml10_content());
                Ok(())
            }
            Event::CData(text) => {
                self.add_text(&text.xml10_content());
                Ok(())
            }
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|error| xml_error(&error))?;
                match (character, resolve_xml_entity(&reference)) {
                    (Some(character), _) => self.add_text(character.encode_utf8(&mut [0; 4])),
                    (None, Some(text)) => self.add_text(text),
                    (None, None) => {
                        return Err(Error::input(format!(
                            "not well-formed XML: unknown entity &{};",
                            &*reference
                        )));
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Adds `text` to the open `seg` or `prop` element; ignores text elsewhere, and formatting codes within.
    fn add_text(&mut self, text: &str) {
        let is_read = self
            .path
            .iter()
            .any(|element| matches!(element.as_str(), "seg" | "prop"));
        if is_read
            && !self
                .path
                .iter()
                .any(|element| INLINE_CODE_ELEMENTS.contains(&element.as_str()))
        {
            self.text += text;
        }
    }

    /// Handles the start tag of an XML element.
    fn handle_start_tag(&mut self, element: &BytesStart) -> Result<()> {
        let name = element.local_name().as_ref().to_owned();
        if self.path.is_empty() && name != "tmx" {
            return Err(Error::input(format!("the root element is <{name}>, not <tmx>")));
        }
        self.has_root = true;
        match name.as_str() {
            "tu" => {
                self.tu = TuElement {
                    signed: read_dates_and_authors(element)?,
                    ..TuElement::default()
                }
            }
            "tuv" => {
                self.tuv = read_dates_and_authors(element)?;
                self.kind = read_attribute(element, "lang")?.unwrap_or_default();
            }
            "prop" => {
                self.kind = read_attribute(element, "type")?.unwrap_or_default();
                self.text.clear();
            }
            "seg" => self.text.clear(),
            _ => {}
        }
        self.path.push(name);
        Ok(())
    }

    /// Handles the end tag of the innermost open XML element; calls `on_unit` when a translation unit ends.
    fn handle_end_tag(&mut self, on_unit: &mut dyn FnMut(TranslationUnit) -> Result<()>) -> Result<()> {
        let name = self.path.pop().unwrap_or_default();
        let inside = self.path.last().map_or("", String::as_str);
        match (name.as_str(), inside) {
            ("prop", "tu") => {
                let (kind, text) = (std::mem::take(&mut self.kind), std::mem::take(&mut self.text));
                self.tu.props.insert(kind, text);
            }
            ("seg", "tuv") => {
                if let Some(side) = language_index(&self.kind) {
                    let side = &mut self.tu.sides[side];
                    let text = std::mem::take(&mut self.text);
                    if side.is_none() {
                        *side = Some((text, self.tuv.clone()));
                    }
                }
            }
            ("tu", _) => {
                let tu = std::mem::take(&mut self.tu);
                if let Some(unit) = tu.into_unit(&mut self.skipped)? {
                    on_unit(unit)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl TuElement {
    /// Converts the `tu` element to a unit of the memory. Returns none, and counts the element in `skipped`, if a
    /// memory has no use for it.
    fn into_unit(mut self, skipped: &mut SkippedCounts) -> Result<Option<TranslationUnit>> {
        let [Some((source, _)), Some((target, signed))] = self.sides else {
            skipped.languages += 1;
            return Ok(None);
        };
        // Last author and date: a change counts before the creation, and an attribute of the translation before that of
        // the unit.
        let said = [signed.changed, self.signed.changed, signed.created, self.signed.created];
        let author = said.iter().find_map(|[_, author]| author.as_deref());
        let date = said.iter().find_map(|[date, _]| date.as_deref()?.parse().ok());
        let made = date.unwrap_or_else(Timestamp::now);
        let system = self.props.remove("x-plae-system").unwrap_or_default();
        let mut texts = [source, target, system];
        if let Some(json) = self.props.remove("x-plae-exact")
            && let Ok(exact) = serde_json::from_str::<[String; 3]>(&json)
            // The exact texts count only if nobody has edited the readable texts since.
            && exact.iter().zip(&texts).all(|(exact, text)| without_forbidden_chars(exact) == text.as_str())
        {
            texts = exact;
        }
        let [source, target, system] = texts;
        let is_machine = author.is_some_and(|author| author.starts_with(MACHINE_AUTHOR));
        if !is_machine {
            return Ok(Some(TranslationUnit::from_person(&source, &target, made)));
        }
        if system.is_empty() {
            skipped.machine += 1;
            return Ok(None);
        }
        let of = |kind: &str| self.props.get(kind).map_or("", String::as_str);
        let tokens = of("x-plae-tokens").split_once(' ').unwrap_or_default();
        let tokens = [tokens.0, tokens.1];
        let (score, finish, flags) = (of("x-plae-score"), of("x-plae-finish"), of("x-plae-flags"));
        Ok(Some(TranslationUnit {
            source,
            target,
            made,
            machine: Some(parse_machine_details(&system, score, finish, flags, tokens)?),
        }))
    }
}

/// Returns the index of a language among the texts of a unit: 0 for Thai, 1 for English, none for other languages.
fn language_index(language: &str) -> Option<usize> {
    let primary = language.split(['-', '_']).next().unwrap_or_default();
    match primary.trim().to_ascii_lowercase().as_str() {
        "th" | "tha" => Some(0),
        "en" | "eng" => Some(1),
        _ => None,
    }
}

fn read_dates_and_authors(element: &BytesStart) -> Result<DatesAndAuthors> {
    let of = |name: &str| read_attribute(element, name);
    Ok(DatesAndAuthors {
        created: [of("creationdate")?, of("creationid")?],
        changed: [of("changedate")?, of("changeid")?],
    })
}

/// Returns the value of an element's attribute with this local name, whatever its namespace prefix.
fn read_attribute(element: &BytesStart, name: &str) -> Result<Option<String>> {
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|error| xml_error(&error.into()))?;
        if attribute.key.local_name().as_ref() == name {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            return Ok(Some(value.map_err(|error| xml_error(&error))?.into_owned()));
        }
    }
    Ok(None)
}
