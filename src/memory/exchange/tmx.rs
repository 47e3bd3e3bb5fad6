//! TMX 1.4b: translation units between plae and other translation tools.
//!
//! plae writes TMX as the specification of LISA OSCAR (2005) has it, with `prop` elements for what only plae knows. It
//! reads TMX 1.1 to 1.4b as other tools write it: `lang` with or without `xml:`, languages with any region, notes and
//! properties at any place, inline codes, entities that the file itself declares, and any encoding.

use super::MAX_FIELD_BYTES;
use super::entities::Entities;
use super::fields::{SkippedCounts, flag_names, input_read_error, json_name, parse_machine_details};
use crate::error::{Error, Result};
use crate::file::failed_write_error;
use crate::memory::{MachineDetails, Memory, TranslationUnit};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::encoding::DecodingReader;
use quick_xml::escape::escape;
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

/// Reads a TMX document and calls `on_unit` with each of its translation units; see [`super::read`]. Units by a machine
/// that is not named are skipped, or with `keeps_unnamed_machines` taken like a person's.
pub(super) fn read(
    input: &mut dyn BufRead,
    keeps_unnamed_machines: bool,
    on_unit: &mut dyn FnMut(TranslationUnit) -> Result<()>,
) -> Result<SkippedCounts> {
    let declared = declared_encoding(input.fill_buf().map_err(input_read_error)?);
    let mut decoder = DecodingReader::new(input);
    if let Some(encoding) = declared {
        decoder.set_encoding(encoding);
    }
    let mut reader = Reader::from_reader(LineCountingReader::new(decoder));
    reader.config_mut().expand_empty_elements = true;
    let mut parser = TmxParser {
        keeps_unnamed_machines,
        ..TmxParser::default()
    };
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        reader.get_mut().event_bytes = 0;
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
            Err(_) if reader.get_ref().event_bytes > MAX_FIELD_BYTES => Err(too_long_error()),
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
/// Maximum depth of nested elements. The DTD needs no more than 10, but for highlights within highlights.
const MAX_DEPTH: usize = 256;

/// Returns the encoding that the XML declaration in the first bytes of a file names, unless it is an encoding of
/// Unicode, which the bytes themselves tell.
fn declared_encoding(start: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let declaration = start.strip_prefix(b"<?xml")?;
    let end = declaration.windows(2).position(|pair| pair == b"?>")?;
    let declaration = std::str::from_utf8(&declaration[..end]).ok()?;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?;
    let label = value.trim().split(['"', '\'']).nth(1)?;
    let encoding = encoding_rs::Encoding::for_label(label.as_bytes())?;
    (!encoding.name().starts_with("UTF-")).then_some(encoding)
}

fn too_long_error() -> Error {
    Error::input(format!(
        "a text of more than {}",
        crate::file::format_byte_size(MAX_FIELD_BYTES)
    ))
    .hint("no sentence is that long: the file is damaged, or no translation memory")
}

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
    /// Number of bytes that were read for the current XML event.
    event_bytes: u64,
}

impl<R> LineCountingReader<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            line: 1,
            column: 0,
            event_bytes: 0,
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
        if self.event_bytes > MAX_FIELD_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.event_bytes += count as u64;
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
    /// Names of the open XML elements in lower case, the root first.
    path: Vec<String>,
    /// Number of open elements whose content is formatting codes ([`INLINE_CODE_ELEMENTS`]).
    open_codes: usize,
    /// Whether the start tag of the root element was read.
    has_root: bool,
    /// Entities that the document type declaration declares.
    entities: Entities,
    /// The `tu` element (translation unit) that is being read.
    tu: TuElement,
    /// The `tuv` element (one language of a unit) that is being read.
    tuv: TuvElement,
    /// Type of the open `prop` element.
    prop_type: String,
    /// Text of the open `seg` or `prop` element; none while none is open.
    text: Option<String>,
    /// Whether units by a machine that is not named are kept, like a person's.
    keeps_unnamed_machines: bool,
    /// Counts of the units skipped so far.
    skipped: SkippedCounts,
}

/// A TMX `tu` element (translation unit) that is being read.
#[derive(Default)]
struct TuElement {
    /// Dates and authors in the attributes of the `tu` element.
    signed: DatesAndAuthors,
    /// Texts of the unit's own `prop` elements by their types.
    props: HashMap<String, String>,
    /// Thai and English texts, in this order, each with the dates and authors of its `tuv` element.
    sides: [Vec<SignedText>; 2],
}

/// A TMX `tuv` element (one language of a unit) that is being read.
#[derive(Default)]
struct TuvElement {
    language: String,
    signed: DatesAndAuthors,
}

/// A text in one language, and the dates and authors of its `tuv` element.
struct SignedText {
    text: String,
    signed: DatesAndAuthors,
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
            Event::DocType(declaration) => self.entities.read_declarations(&declaration.xml10_content()),
            Event::Start(element) => self.handle_start_tag(&element),
            Event::End(_) => self.handle_end_tag(on_unit),
            Event::Text(text) => self.add_text(&text.xml10_content()),
            Event::CData(text) => self.add_text(&text.xml10_content()),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().map_err(|error| xml_error(&error))? {
                Some(character) => self.add_text(character.encode_utf8(&mut [0; 4])),
                None => {
                    let text = self.entities.resolve(&reference)?;
                    self.add_text(&text)
                }
            },
            _ => Ok(()),
        }
    }

    /// Adds `text` to the open `seg` or `prop` element; ignores text elsewhere, and formatting codes within.
    fn add_text(&mut self, text: &str) -> Result<()> {
        let Some(open) = self.text.as_mut().filter(|_| self.open_codes == 0) else {
            return Ok(());
        };
        open.push_str(text);
        if open.len() as u64 > MAX_FIELD_BYTES {
            return Err(too_long_error());
        }
        Ok(())
    }

    /// Handles the start tag of an XML element.
    fn handle_start_tag(&mut self, element: &BytesStart) -> Result<()> {
        let name = element.local_name().as_ref().to_ascii_lowercase();
        if self.path.is_empty() && name != "tmx" {
            return Err(Error::input(format!("the root element is <{name}>, not <tmx>")));
        }
        if self.path.len() == MAX_DEPTH {
            return Err(Error::input(format!("elements nested more than {MAX_DEPTH} deep")));
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
                self.tuv = TuvElement {
                    language: read_language(element)?,
                    signed: read_dates_and_authors(element)?,
                }
            }
            "prop" => {
                self.prop_type = read_attribute(element, "type")?.unwrap_or_default();
                self.text = Some(String::new());
            }
            "seg" => self.text = Some(String::new()),
            name if INLINE_CODE_ELEMENTS.contains(&name) => self.open_codes += 1,
            _ => {}
        }
        self.path.push(name);
        Ok(())
    }

    /// Handles the end tag of the innermost open XML element; calls `on_unit` when a translation unit ends.
    fn handle_end_tag(&mut self, on_unit: &mut dyn FnMut(TranslationUnit) -> Result<()>) -> Result<()> {
        let name = self.path.pop().unwrap_or_default();
        let inside = self.path.last().map_or("", String::as_str);
        match name.as_str() {
            "prop" => {
                let text = self.text.take().unwrap_or_default();
                if inside == "tu" {
                    self.tu.props.insert(std::mem::take(&mut self.prop_type), text);
                }
            }
            "seg" => {
                let text = self.text.take().unwrap_or_default();
                if inside == "tuv"
                    && let Some(side) = language_index(&self.tuv.language)
                {
                    let signed = self.tuv.signed.clone();
                    self.tu.sides[side].push(SignedText { text, signed });
                }
            }
            "tu" => {
                for unit in std::mem::take(&mut self.tu).into_units(self.keeps_unnamed_machines, &mut self.skipped)? {
                    on_unit(unit)?;
                }
            }
            name if INLINE_CODE_ELEMENTS.contains(&name) => self.open_codes -= 1,
            _ => {}
        }
        Ok(())
    }
}

impl TuElement {
    /// Converts the `tu` element to units of the memory, one for each different Thai text. Counts in `skipped` what a
    /// memory has no use for.
    fn into_units(self, keeps_unnamed_machines: bool, skipped: &mut SkippedCounts) -> Result<Vec<TranslationUnit>> {
        let [thai, english] = self.sides.map(keep_different_texts);
        if thai.is_empty() {
            skipped.without_thai += 1;
            return Ok(Vec::new());
        }
        let mut english = english.into_iter();
        let Some(target) = english.next() else {
            skipped.without_english += 1;
            return Ok(Vec::new());
        };
        skipped.further_translations += english.len();
        // Last author and date: a change counts before the creation, and an attribute of the translation before that of
        // the unit.
        let said = [
            &target.signed.changed,
            &self.signed.changed,
            &target.signed.created,
            &self.signed.created,
        ];
        let author = said.iter().find_map(|[_, author]| author.as_deref());
        let date = said.iter().find_map(|[date, _]| parse_date(date.as_deref()?));
        let made = date.unwrap_or_else(Timestamp::now);
        let is_machine = author.is_some_and(|author| author.starts_with(MACHINE_AUTHOR));
        let mut units = Vec::new();
        for source in thai {
            let [source, target, system] = exact_texts(source.text, target.text.clone(), &self.props);
            if !is_machine || (keeps_unnamed_machines && system.is_empty()) {
                units.push(TranslationUnit::from_person(&source, &target, made));
            } else if system.is_empty() {
                skipped.machine += 1;
            } else {
                units.push(TranslationUnit {
                    source,
                    target,
                    made,
                    machine: Some(parse_machine_props(&system, &self.props)?),
                });
            }
        }
        Ok(units)
    }
}

/// Removes texts that another text before repeats, and blank ones if there is another.
fn keep_different_texts(texts: Vec<SignedText>) -> Vec<SignedText> {
    let mut kept: Vec<SignedText> = Vec::new();
    for text in texts {
        let is_blank = text.text.trim().is_empty();
        if kept.last().is_some_and(|first| first.text.trim().is_empty()) {
            kept.clear();
        } else if is_blank && !kept.is_empty() || kept.iter().any(|other| other.text.trim() == text.text.trim()) {
            continue;
        }
        kept.push(text);
    }
    kept
}

/// Returns source, target and system of a unit: those of its property `x-plae-exact`, which keeps the characters that
/// XML cannot contain, unless somebody has edited the readable texts since.
fn exact_texts(source: String, target: String, props: &HashMap<String, String>) -> [String; 3] {
    let system = props.get("x-plae-system").cloned().unwrap_or_default();
    let readable = [source, target, system];
    let exact = props.get("x-plae-exact");
    match exact.and_then(|json| serde_json::from_str::<[String; 3]>(json).ok()) {
        Some(exact)
            if exact
                .iter()
                .zip(&readable)
                .all(|(exact, text)| without_forbidden_chars(exact) == text.as_str()) =>
        {
            exact
        }
        _ => readable,
    }
}

/// Parses what the properties that plae writes say about a machine's translation.
fn parse_machine_props(system: &str, props: &HashMap<String, String>) -> Result<MachineDetails> {
    let of = |kind: &str| props.get(kind).map_or("", String::as_str);
    let tokens = of("x-plae-tokens").split_once(' ').unwrap_or_default();
    let (score, finish, flags) = (of("x-plae-score"), of("x-plae-finish"), of("x-plae-flags"));
    parse_machine_details(system, score, finish, flags, [tokens.0, tokens.1])
}

/// Parses a date of TMX (`20240131T235959Z`); a date without a time zone, which some tools write, is taken as UTC.
fn parse_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let utc = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    text.parse().ok().or_else(|| utc().map(|zoned| zoned.timestamp()))
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

/// Returns the language of a `tuv` element: its `xml:lang`, or `lang` as TMX before 1.4 has it.
fn read_language(element: &BytesStart) -> Result<String> {
    let exact = element.try_get_attribute("xml:lang");
    let attribute = exact.map_err(|error| xml_error(&error.into()))?;
    match attribute {
        Some(attribute) => Ok(attribute.value.to_string()),
        None => Ok(read_attribute(element, "lang")?.unwrap_or_default()),
    }
}

/// Returns the value of an element's attribute with this local name, whatever its namespace prefix and capitals.
fn read_attribute(element: &BytesStart, name: &str) -> Result<Option<String>> {
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|error| xml_error(&error.into()))?;
        if attribute.key.local_name().as_ref().eq_ignore_ascii_case(name) {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            return Ok(Some(value.map_err(|error| xml_error(&error))?.into_owned()));
        }
    }
    Ok(None)
}
