//! TMX 1.4b: translation units between plae and other translation tools.
//!
//! Written as the specification of LISA OSCAR (2005) has it, and with `prop` elements for what only plae knows. Read as
//! tools write it: with or without `xml:`, any region, inline codes, any encoding that the file declares.

use super::fields::{Skipped, flag_names, json_name, parse_machine, unreadable};
use crate::error::{Error, Result};
use crate::file::write_failure;
use crate::memory::{Memory, Unit};
use jiff::Timestamp;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::encoding::DecodingReader;
use quick_xml::escape::{escape, resolve_xml_entity};
use quick_xml::events::{BytesStart, Event};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, BufRead, Read, Write};

/// What a machine's translation is signed with, as Wordfast began and others know it.
const MACHINE: &str = "MT!";
const PERSON: &str = "human";
/// Inline elements whose content is a format's code, no text.
const CODES: [&str; 5] = ["bpt", "ept", "it", "ph", "ut"];

const DATE: &str = "%Y%m%dT%H%M%SZ";

/// Writes a whole TMX document with every unit of a memory.
///
/// # Errors
/// The memory's, and those of `out`.
pub(super) fn write(memory: &Memory, out: &mut dyn Write) -> Result<()> {
    let head = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<tmx version=\"1.4\">\n\
         <header creationtool=\"plae\" creationtoolversion=\"{}\" segtype=\"sentence\" o-tmf=\"plae\" adminlang=\"en\" \
         srclang=\"th\" datatype=\"plaintext\"/>\n<body>\n",
        env!("CARGO_PKG_VERSION")
    );
    out.write_all(head.as_bytes()).map_err(write_failure)?;
    memory.each(&mut |unit| out.write_all(element(unit).as_bytes()).map_err(write_failure))?;
    out.write_all(b"</body>\n</tmx>\n").map_err(write_failure)
}

/// A unit as a `tu` element.
fn element(unit: &Unit) -> String {
    let mut props = String::new();
    let mut prop = |kind: &str, value: &str| {
        props += &format!("<prop type=\"x-plae-{kind}\">{}</prop>", content(value));
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
    if texts.iter().any(|text| text.contains(is_forbidden)) {
        prop("exact", &exact(&texts));
    }
    let author = match unit.machine {
        Some(_) => MACHINE,
        None => PERSON,
    };
    let [source, target] = [&unit.source, &unit.target].map(|side| content(side));
    format!(
        "<tu creationdate=\"{}\" creationid=\"{author}\">{props}<tuv xml:lang=\"th\"><seg>{source}</seg></tuv>\
         <tuv xml:lang=\"en\"><seg>{target}</seg></tuv></tu>\n",
        unit.made.strftime(DATE)
    )
}

/// Whether XML 1.0 cannot carry a character, not even as a reference.
fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{FFFE}' | '\u{FFFF}')
}

/// `text` without what XML cannot carry.
fn carried(text: &str) -> Cow<'_, str> {
    if text.contains(is_forbidden) {
        Cow::Owned(text.replace(is_forbidden, ""))
    } else {
        Cow::Borrowed(text)
    }
}

fn content(text: &str) -> String {
    escape(carried(text)).into_owned()
}

/// Texts in JSON, with all escaped that XML cannot carry.
fn exact(texts: &[&str; 3]) -> String {
    let json = serde_json::to_string(texts).unwrap_or_default();
    json.replace('\u{FFFE}', "\\ufffe").replace('\u{FFFF}', "\\uffff")
}

/// Reads a file; see [`super::read`].
pub(super) fn read(input: &mut dyn BufRead, tell: &mut dyn FnMut(Unit) -> Result<()>) -> Result<Skipped> {
    let mut reader = Reader::from_reader(Lines::new(DecodingReader::new(input)));
    reader.config_mut().expand_empty_elements = true;
    let mut parser = Parser::default();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let place = reader.get_ref().place();
        let event = reader.read_event_into(&mut buffer);
        let taken = match event {
            Ok(Event::Decl(declaration)) => match declaration.encoder() {
                // Bytes decide between the kinds of Unicode, whatever the declaration says.
                Some(encoding) if !encoding.name().starts_with("UTF-") => {
                    let position = reader.buffer_position();
                    let decoder = &mut reader.get_mut().inner;
                    match decoder.encoding().name() {
                        "UTF-8" if position >= EARLY => Err(Error::input("the XML declaration is too long")),
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
            Ok(Event::Eof) => match parser.path.is_empty() && parser.seen {
                true => return Ok(parser.skipped),
                false if parser.seen => Err(Error::input("ends before </tmx>").hint("the file is torn")),
                false => Err(Error::input("no TMX")),
            },
            Ok(event) => parser.take(event, tell),
            Err(quick_xml::Error::Io(error)) => Err(unreadable(io::Error::new(error.kind(), error.to_string()))),
            Err(error) => Err(damaged(&error)),
        };
        taken.map_err(|error| match error.kind {
            crate::error::Kind::Input => error.place(place),
            _ => error,
        })?;
    }
}

/// How many bytes of a file are held back until its encoding is known.
const EARLY: u64 = 64;

fn damaged(error: &quick_xml::Error) -> Error {
    Error::input(format!("not well-formed XML: {error}"))
}

/// Counts lines and columns of what is taken from a reader.
struct Lines<R> {
    inner: R,
    line: usize,
    /// Characters of the line that are taken.
    column: usize,
}

impl<R> Lines<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            line: 1,
            column: 0,
        }
    }

    /// Of the next character.
    fn place(&self) -> String {
        format!("line {}, column {}", self.line, self.column + 1)
    }
}

impl<R: BufRead> Read for Lines<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut bytes = self.fill_buf()?;
        let count = bytes.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Lines<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        // To fill again where nothing is taken would read on, past the place where the encoding can be changed.
        if count == 0 {
            return;
        }
        let taken = self.inner.fill_buf().ok().and_then(|bytes| bytes.get(..count));
        for byte in taken.unwrap_or_default() {
            match byte {
                b'\n' => (self.line, self.column) = (self.line + 1, 0),
                // A character counts once, by its first byte.
                0x80..=0xBF => {}
                _ => self.column += 1,
            }
        }
        self.inner.consume(count);
    }
}

/// What is open and what was read of it.
#[derive(Default)]
struct Parser {
    path: Vec<String>,
    /// The root element was there.
    seen: bool,
    tu: Tu,
    /// Of the element that is read at the moment.
    text: String,
    /// Kind of the `prop`, language of the `tuv`.
    kind: String,
    tuv: Signed,
    skipped: Skipped,
}

/// A unit in the making.
#[derive(Default)]
struct Tu {
    signed: Signed,
    props: HashMap<String, String>,
    /// Thai and English: the first of each that has a text.
    sides: [Option<(String, Signed)>; 2],
}

/// Who wrote something, and when, of what is said.
#[derive(Clone, Default)]
struct Signed {
    created: [Option<String>; 2],
    changed: [Option<String>; 2],
}

impl Parser {
    fn take(&mut self, event: Event, tell: &mut dyn FnMut(Unit) -> Result<()>) -> Result<()> {
        match event {
            Event::Start(element) => self.start(&element),
            Event::End(_) => self.end(tell),
            Event::Text(text) => {
                self.add(&text.xml10_content());
                Ok(())
            }
            Event::CData(text) => {
                self.add(&text.xml10_content());
                Ok(())
            }
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|error| damaged(&error))?;
                match (character, resolve_xml_entity(&reference)) {
                    (Some(character), _) => self.add(character.encode_utf8(&mut [0; 4])),
                    (None, Some(text)) => self.add(text),
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

    /// Adds text, if it stands where text is read.
    fn add(&mut self, text: &str) {
        let is_read = self
            .path
            .iter()
            .any(|element| matches!(element.as_str(), "seg" | "prop"));
        if is_read && !self.path.iter().any(|element| CODES.contains(&element.as_str())) {
            self.text += text;
        }
    }

    fn start(&mut self, element: &BytesStart) -> Result<()> {
        let name = element.local_name().as_ref().to_owned();
        if self.path.is_empty() && name != "tmx" {
            return Err(Error::input(format!("the root element is <{name}>, not <tmx>")));
        }
        self.seen = true;
        match name.as_str() {
            "tu" => {
                self.tu = Tu {
                    signed: signed(element)?,
                    ..Tu::default()
                }
            }
            "tuv" => {
                self.tuv = signed(element)?;
                self.kind = attribute(element, "lang")?.unwrap_or_default();
            }
            "prop" => {
                self.kind = attribute(element, "type")?.unwrap_or_default();
                self.text.clear();
            }
            "seg" => self.text.clear(),
            _ => {}
        }
        self.path.push(name);
        Ok(())
    }

    fn end(&mut self, tell: &mut dyn FnMut(Unit) -> Result<()>) -> Result<()> {
        let name = self.path.pop().unwrap_or_default();
        let inside = self.path.last().map_or("", String::as_str);
        match (name.as_str(), inside) {
            ("prop", "tu") => {
                let (kind, text) = (std::mem::take(&mut self.kind), std::mem::take(&mut self.text));
                self.tu.props.insert(kind, text);
            }
            ("seg", "tuv") => {
                if let Some(side) = side(&self.kind) {
                    let side = &mut self.tu.sides[side];
                    let text = std::mem::take(&mut self.text);
                    if side.is_none() {
                        *side = Some((text, self.tuv.clone()));
                    }
                }
            }
            ("tu", _) => {
                let tu = std::mem::take(&mut self.tu);
                if let Some(unit) = tu.unit(&mut self.skipped)? {
                    tell(unit)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Tu {
    fn unit(mut self, skipped: &mut Skipped) -> Result<Option<Unit>> {
        let [Some((source, _)), Some((target, signed))] = self.sides else {
            skipped.languages += 1;
            return Ok(None);
        };
        // Who touched it last, and when: what is said of the translation counts more than what is said of the unit.
        let said = [signed.changed, self.signed.changed, signed.created, self.signed.created];
        let author = said.iter().find_map(|[_, author]| author.as_deref());
        let date = said.iter().find_map(|[date, _]| date.as_deref()?.parse().ok());
        let made = date.unwrap_or_else(Timestamp::now);
        let system = self.props.remove("x-plae-system").unwrap_or_default();
        let mut texts = [source, target, system];
        if let Some(json) = self.props.remove("x-plae-exact")
            && let Ok(exact) = serde_json::from_str::<[String; 3]>(&json)
            // Nobody changed what the file shows of it.
            && exact.iter().zip(&texts).all(|(exact, text)| carried(exact) == text.as_str())
        {
            texts = exact;
        }
        let [source, target, system] = texts;
        let is_machine = author.is_some_and(|author| author.starts_with(MACHINE));
        if !is_machine {
            return Ok(Some(Unit::person(&source, &target, made)));
        }
        if system.is_empty() {
            skipped.machine += 1;
            return Ok(None);
        }
        let of = |kind: &str| self.props.get(kind).map_or("", String::as_str);
        let tokens = of("x-plae-tokens").split_once(' ').unwrap_or_default();
        let tokens = [tokens.0, tokens.1];
        let (score, finish, flags) = (of("x-plae-score"), of("x-plae-finish"), of("x-plae-flags"));
        Ok(Some(Unit {
            source,
            target,
            made,
            machine: Some(parse_machine(&system, score, finish, flags, tokens)?),
        }))
    }
}

/// The place of a language among the two of a unit.
fn side(language: &str) -> Option<usize> {
    let primary = language.split(['-', '_']).next().unwrap_or_default();
    match primary.trim().to_ascii_lowercase().as_str() {
        "th" | "tha" => Some(0),
        "en" | "eng" => Some(1),
        _ => None,
    }
}

fn signed(element: &BytesStart) -> Result<Signed> {
    let of = |name: &str| attribute(element, name);
    Ok(Signed {
        created: [of("creationdate")?, of("creationid")?],
        changed: [of("changedate")?, of("changeid")?],
    })
}

/// An attribute, whatever its prefix.
fn attribute(element: &BytesStart, name: &str) -> Result<Option<String>> {
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|error| damaged(&error.into()))?;
        if attribute.key.local_name().as_ref() == name {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            return Ok(Some(value.map_err(|error| damaged(&error))?.into_owned()));
        }
    }
    Ok(None)
}
