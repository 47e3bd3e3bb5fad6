//! Renderer of the `docx` format: a Word document with a two-column table under each heading, or with paragraphs. Thai
//! is marked as complex script.
//!
//! XML elements must stand in the order of ECMA-376 part 1, §17: Word refuses files with another order, though
//! LibreOffice opens them.

mod comments;

use super::Layout;
use super::escape::escape_html_xml;
use super::parts::{closing_note, document_title, is_copied_segment, is_translated, shown_findings, visible_blocks};
use crate::document::{BilingualDocument, BlockKind, Segment, Side};
use crate::error::{Error, Result};
use comments::Comments;
use jiff::Timestamp;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// The paths and contents of those parts of the package that are the same for every document.
const CONSTANT_PACKAGE_PARTS: [(&str, &str); 6] = [
    ("[Content_Types].xml", include_str!("docx/content_types.xml")),
    ("_rels/.rels", include_str!("docx/rels.xml")),
    ("word/_rels/document.xml.rels", include_str!("docx/document_rels.xml")),
    ("word/styles.xml", include_str!("docx/styles.xml")),
    ("word/numbering.xml", include_str!("docx/numbering.xml")),
    ("word/settings.xml", include_str!("docx/settings.xml")),
];

/// The width and height of an A4 page, in twentieths of a point.
const PAGE_SIZE_TWIPS: (usize, usize) = (11906, 16838);
/// The margin on each side of a page: 2 cm, in twentieths of a point.
const MARGIN: usize = 1134;
/// The width of the first column of tables, with the numbers of segments, in twentieths of a point.
const NUMBER_WIDTH: usize = 680;
/// The width of a column with text, half of what the numbers leave of the text width, in twentieths of a point.
const COLUMN_WIDTH: usize = (PAGE_SIZE_TWIPS.0 - 2 * MARGIN - NUMBER_WIDTH) / 2;
/// The indentation of each list level, in twentieths of a point. Must agree with `numbering.xml`.
const INDENT_STEP_TWIPS: usize = 360;

/// The XML declaration at the start of every part.
const XML_DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
/// The XML namespace of WordprocessingML.
const WORD: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
/// The beginning of the XML namespaces of Office documents.
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006";
/// The beginning of the XML namespaces of Office packages.
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/metadata";

/// Renders `doc` as a Word document.
///
/// # Errors
/// Kind `Output` where the zip library fails.
pub(super) fn render_docx(doc: &BilingualDocument, layout: Layout) -> Result<Vec<u8>> {
    let mut body = BodyRenderer {
        layout,
        comments: Comments::new(word_date(doc).as_deref()),
    };
    let body_part = body.body_part(doc);
    let variable = [
        ("docProps/core.xml", properties_part(doc)),
        ("word/footer1.xml", footer_part(doc)),
        ("word/document.xml", body_part),
        ("word/comments.xml", body.comments.to_part()),
    ];
    let parts = CONSTANT_PACKAGE_PARTS
        .into_iter()
        .chain(variable.iter().map(|(path, xml)| (*path, xml.as_str())));
    zip_package(parts).map_err(|e| Error::output("the DOCX package cannot be put together").source(e))
}

/// Packs the parts into a zip file whose bytes do not depend on the time or the machine.
fn zip_package<'a>(parts: impl Iterator<Item = (&'a str, &'a str)>) -> zip::result::ZipResult<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::DEFAULT)
        .system(zip::System::Dos);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, xml) in parts {
        zip.start_file(path, options)?;
        zip.write_all(xml.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

/// Renders the part with the document's properties: title, description and dates.
fn properties_part(doc: &BilingualDocument) -> String {
    let dates = word_date(doc).map(|date| {
        ["created", "modified"]
            .map(|name| format!("<dcterms:{name} xsi:type=\"dcterms:W3CDTF\">{date}</dcterms:{name}>"))
            .concat()
    });
    format!(
        "{XML_DECLARATION}<cp:coreProperties xmlns:cp=\"{PACKAGE}/core-properties\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
         xmlns:dcterms=\"http://purl.org/dc/terms/\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
         <dc:title>{}</dc:title><dc:creator>plae</dc:creator><dc:description>{}</dc:description>\
         <dc:language>en-US</dc:language><cp:lastModifiedBy>plae</cp:lastModifiedBy>{}</cp:coreProperties>",
        escape_html_xml(&document_title(doc)),
        escape_html_xml(&closing_note(doc)),
        dates.unwrap_or_default(),
    )
}

/// Returns the date of the document as Word reads it. Word reports a document as damaged if it cannot read a date in it,
/// so any other date gives none.
fn word_date(doc: &BilingualDocument) -> Option<String> {
    let date = doc.header.date.parse::<Timestamp>().ok()?;
    Some(date.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Renders the footer of every page: the model's name and the page number.
fn footer_part(doc: &BilingualDocument) -> String {
    let note = if is_translated(doc) {
        format!("Machine translated with {}", doc.header.model)
    } else {
        "Nothing was translated".to_owned()
    };
    let field = ["PAGE", "NUMPAGES"]
        .map(|name| format!("<w:fldSimple w:instr=\" {name} \"><w:r><w:t>1</w:t></w:r></w:fldSimple>"));
    format!(
        "{XML_DECLARATION}<w:ftr xmlns:w=\"{WORD}\"><w:p><w:pPr><w:pStyle w:val=\"Footer\"/></w:pPr>{}{}{}{}</w:p></w:ftr>",
        english_run(&format!("{note} · ")),
        field[0],
        english_run(" / "),
        field[1],
    )
}

/// Renders the text of a document, and collects its comments.
struct BodyRenderer {
    layout: Layout,
    comments: Comments,
}

impl BodyRenderer {
    /// Renders the main part of the package, with the text of the document.
    fn body_part(&mut self, doc: &BilingualDocument) -> String {
        let blocks: Vec<Vec<&Segment>> = visible_blocks(doc).collect();
        let mut body = String::new();
        // A heading stands outside the tables, because Word's navigation lists no others.
        for section in blocks.chunk_by(|a, b| ![a[0].kind, b[0].kind].contains(&BlockKind::Heading)) {
            if section[0][0].kind == BlockKind::Heading {
                body += &self.heading_paragraph(&section[0]);
            } else if self.layout == Layout::SideBySide {
                body += &self.section_table(section);
            } else {
                for block in section {
                    body += &match self.layout {
                        Layout::Target => self.english_paragraph(block),
                        _ => self.interleaved_paragraphs(block),
                    };
                }
            }
        }
        body += &paragraph_xml("<w:pStyle w:val=\"Note\"/>", &english_run(&closing_note(doc)));
        format!(
            "{XML_DECLARATION}<w:document xmlns:w=\"{WORD}\" xmlns:r=\"{OFFICE}/relationships\"><w:body>{body}\
             <w:sectPr><w:footerReference w:type=\"default\" r:id=\"rId4\"/>\
             <w:pgSz w:w=\"{}\" w:h=\"{}\"/>\
             <w:pgMar w:top=\"{MARGIN}\" w:right=\"{MARGIN}\" w:bottom=\"{MARGIN}\" w:left=\"{MARGIN}\" \
             w:header=\"567\" w:footer=\"567\" w:gutter=\"0\"/></w:sectPr></w:body></w:document>",
            PAGE_SIZE_TWIPS.0, PAGE_SIZE_TWIPS.1,
        )
    }

    fn thai_runs(&mut self, segment: &Segment) -> String {
        self.comments.commented_runs(segment, Side::Source, true, thai_run)
    }

    /// Renders the translation of a segment. `source_is_shown` says whether its Thai stands in the document, where it
    /// may have comments.
    fn english_runs(&mut self, segment: &Segment, source_is_shown: bool) -> String {
        self.comments
            .commented_runs(segment, Side::Target, source_is_shown, english_run)
    }

    /// Renders a heading with both languages in one paragraph, so that a table of contents lists each heading once.
    fn heading_paragraph(&mut self, block: &[&Segment]) -> String {
        let is_bilingual = self.layout != Layout::Target && !block.iter().all(|segment| is_copied_segment(segment));
        let mut runs = String::new();
        if is_bilingual {
            let thai: Vec<String> = block.iter().map(|segment| self.thai_runs(segment)).collect();
            runs += &join_runs(&thai, thai_run);
            runs += "<w:r><w:br/></w:r>";
        }
        let english: Vec<String> = { block.iter() }
            .map(|segment| self.english_runs(segment, is_bilingual))
            .collect();
        runs += &join_runs(&english, english_run);
        let level = block[0].level.clamp(1, 6);
        paragraph_xml(&format!("<w:pStyle w:val=\"Heading{level}\"/>"), &runs)
    }

    /// Renders a block as one paragraph with the English alone.
    fn english_paragraph(&mut self, block: &[&Segment]) -> String {
        let runs: Vec<String> = block.iter().map(|segment| self.english_runs(segment, false)).collect();
        paragraph_xml(
            &paragraph_properties(block[0], true, false),
            &join_runs(&runs, english_run),
        )
    }

    /// Renders a section, the blocks between two headings, as a table with one row per segment: its number, the Thai and
    /// the English.
    fn section_table(&mut self, section: &[Vec<&Segment>]) -> String {
        let head =
            |width, runs: String| table_cell(width, "", &paragraph_xml("<w:pStyle w:val=\"ColumnHead\"/>", &runs));
        let mut rows = format!(
            "<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{}{}{}</w:tr>",
            head(NUMBER_WIDTH, english_run("No.")),
            head(COLUMN_WIDTH, thai_run("ไทย")),
            head(COLUMN_WIDTH, english_run("English")),
        );
        for block in section {
            for (index, segment) in block.iter().enumerate() {
                // The first row of a block has a border above.
                let border = match index {
                    0 => {
                        "<w:tcBorders><w:top w:val=\"single\" w:sz=\"4\" w:space=\"0\" w:color=\"D9D4C8\"/></w:tcBorders>"
                    }
                    _ => "",
                };
                let properties = paragraph_properties(segment, index == 0, false);
                let number = paragraph_xml("<w:pStyle w:val=\"RowNumber\"/>", &english_run(&segment.id.to_string()));
                let left = paragraph_xml(&properties, &self.thai_runs(segment));
                let right = paragraph_xml(&properties, &self.english_runs(segment, true));
                rows += &format!(
                    "<w:tr><w:trPr><w:cantSplit/></w:trPr>{}{}{}</w:tr>",
                    table_cell(NUMBER_WIDTH, border, &number),
                    table_cell(COLUMN_WIDTH, border, &left),
                    table_cell(COLUMN_WIDTH, border, &right),
                );
            }
        }
        format!(
            "<w:tbl><w:tblPr><w:tblStyle w:val=\"Bilingual\"/><w:tblW w:w=\"{}\" w:type=\"dxa\"/>\
             <w:tblLayout w:type=\"fixed\"/><w:tblLook w:val=\"0020\" w:firstRow=\"1\" w:lastRow=\"0\" \
             w:firstColumn=\"0\" w:lastColumn=\"0\" w:noHBand=\"0\" w:noVBand=\"0\"/></w:tblPr>\
             <w:tblGrid><w:gridCol w:w=\"{NUMBER_WIDTH}\"/><w:gridCol w:w=\"{COLUMN_WIDTH}\"/>\
             <w:gridCol w:w=\"{COLUMN_WIDTH}\"/></w:tblGrid>{rows}</w:tbl>",
            NUMBER_WIDTH + 2 * COLUMN_WIDTH,
        )
    }

    /// Renders each segment of a block as a Thai paragraph with the English paragraph under it.
    fn interleaved_paragraphs(&mut self, block: &[&Segment]) -> String {
        let mut out = String::new();
        for (index, segment) in block.iter().enumerate() {
            let copied = is_copied_segment(segment);
            if !copied {
                let properties = paragraph_properties(segment, index == 0, true);
                out += &paragraph_xml(&properties, &self.thai_runs(segment));
            }
            let properties = paragraph_properties(segment, index == 0 && copied, false);
            out += &paragraph_xml(&properties, &self.english_runs(segment, !copied));
        }
        out
    }
}

/// Renders a cell of the table. `borders` and `content`, the paragraphs of the cell, are XML.
fn table_cell(width: usize, borders: &str, content: &str) -> String {
    format!("<w:tc><w:tcPr><w:tcW w:w=\"{width}\" w:type=\"dxa\"/>{borders}</w:tcPr>{content}</w:tc>")
}

/// Joins the runs of segments, with a space between any two that are not empty.
fn join_runs(segments: &[String], run: fn(&str) -> String) -> String {
    let segments: Vec<&str> = segments
        .iter()
        .map(String::as_str)
        .filter(|runs| !runs.is_empty())
        .collect();
    segments.join(&run(" "))
}

/// Returns the properties of one paragraph of a block. Only the first paragraph of a list item gets the bullet. A
/// paragraph that `keeps_next` stays on one page with the next paragraph, without space between them.
fn paragraph_properties(segment: &Segment, is_first: bool, keeps_next: bool) -> String {
    let style = match segment.kind {
        BlockKind::Heading | BlockKind::Paragraph | BlockKind::Cell => "Normal",
        BlockKind::ListItem => "ListBullet",
        BlockKind::Quote => "Quote",
        BlockKind::Caption | BlockKind::Metadata => "Caption",
    };
    let is_item = segment.kind == BlockKind::ListItem;
    let level = usize::from(segment.level.clamp(1, 9)) - 1;
    let mut properties = format!("<w:pStyle w:val=\"{style}\"/>");
    if keeps_next {
        properties += "<w:keepNext/>";
    }
    if is_item && is_first {
        properties += &format!("<w:numPr><w:ilvl w:val=\"{level}\"/><w:numId w:val=\"1\"/></w:numPr>");
    }
    if keeps_next {
        properties += "<w:spacing w:after=\"0\"/>";
    }
    if is_item && !is_first {
        properties += &format!("<w:ind w:left=\"{}\"/>", (level + 1) * INDENT_STEP_TWIPS);
    }
    properties
}

/// Renders a paragraph with the given properties and runs, both as XML.
fn paragraph_xml(properties: &str, runs: &str) -> String {
    format!("<w:p><w:pPr>{properties}</w:pPr>{runs}</w:p>")
}

/// Renders a run (`w:r`) of Thai text.
fn thai_run(content: &str) -> String {
    text_run("<w:rStyle w:val=\"Thai\"/><w:cs/><w:lang w:bidi=\"th-TH\"/>", content)
}

/// Renders a run (`w:r`) of English text.
fn english_run(content: &str) -> String {
    text_run("<w:lang w:val=\"en-US\"/>", content)
}

/// Renders a run (`w:r`) of text with the given properties, which are XML; `content` is plain text and gets escaped.
fn text_run(properties: &str, content: &str) -> String {
    format!(
        "<w:r><w:rPr>{properties}</w:rPr><w:t xml:space=\"preserve\">{}</w:t></w:r>",
        escape_html_xml(content)
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::{hostile_document, sample_document};
    use super::*;
    use quick_xml::Reader;
    use quick_xml::events::Event;
    use std::io::Read;

    fn unzip_parts(bytes: Vec<u8>) -> Vec<(String, String)> {
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        (0..zip.len())
            .map(|index| {
                let mut file = zip.by_index(index).unwrap();
                let mut xml = String::new();
                file.read_to_string(&mut xml).unwrap();
                (file.name().unwrap().into_owned(), xml)
            })
            .collect()
    }

    /// Returns those parts that differ between documents, with one paragraph per line.
    pub fn docx_as_text(bytes: Vec<u8>) -> String {
        let parts = unzip_parts(bytes)
            .into_iter()
            .filter(|(path, _)| !CONSTANT_PACKAGE_PARTS.iter().any(|(fixed, _)| fixed == path));
        let parts: Vec<String> = parts
            .map(|(path, xml)| format!("{path}\n{}\n", xml.replace("<w:p>", "\n<w:p>")))
            .collect();
        parts.join("\n")
    }

    /// The order that ECMA-376 part 1 (transitional) prescribes for the children of each element, as far as the
    /// renderer uses them.
    const XML_CHILD_ORDER: [(&str, &[&str]); 9] = [
        (
            "w:pPr",
            &[
                "w:pStyle",
                "w:keepNext",
                "w:keepLines",
                "w:numPr",
                "w:pBdr",
                "w:tabs",
                "w:spacing",
                "w:ind",
                "w:contextualSpacing",
                "w:jc",
                "w:outlineLvl",
            ],
        ),
        (
            "w:rPr",
            &[
                "w:rStyle", "w:rFonts", "w:b", "w:bCs", "w:i", "w:iCs", "w:color", "w:sz", "w:szCs", "w:cs", "w:lang",
            ],
        ),
        (
            "w:tblPr",
            &[
                "w:tblStyle",
                "w:tblW",
                "w:tblInd",
                "w:tblLayout",
                "w:tblCellMar",
                "w:tblLook",
            ],
        ),
        ("w:tcPr", &["w:tcW", "w:tcBorders"]),
        ("w:tbl", &["w:tblPr", "w:tblGrid", "w:tr"]),
        ("w:sectPr", &["w:footerReference", "w:pgSz", "w:pgMar"]),
        (
            "w:style",
            &[
                "w:name",
                "w:basedOn",
                "w:next",
                "w:link",
                "w:uiPriority",
                "w:semiHidden",
                "w:unhideWhenUsed",
                "w:qFormat",
                "w:pPr",
                "w:rPr",
                "w:tblPr",
            ],
        ),
        (
            "w:lvl",
            &["w:start", "w:numFmt", "w:lvlText", "w:lvlJc", "w:pPr", "w:rPr"],
        ),
        (
            "w:settings",
            &[
                "w:zoom",
                "w:defaultTabStop",
                "w:characterSpacingControl",
                "w:compat",
                "w:themeFontLang",
                "w:decimalSymbol",
                "w:listSeparator",
            ],
        ),
    ];

    #[test]
    fn every_part_is_well_formed_and_in_the_order_of_the_schema() {
        for doc in [sample_document(), hostile_document()] {
            for layout in [Layout::SideBySide, Layout::Interleaved, Layout::Target] {
                for (path, xml) in unzip_parts(render_docx(&doc, layout).unwrap()) {
                    let mut reader = Reader::from_str(&xml);
                    reader.config_mut().expand_empty_elements = true;
                    let mut open: Vec<(String, usize)> = Vec::new();
                    loop {
                        match reader.read_event().unwrap_or_else(|e| panic!("{path}: {e}")) {
                            Event::Start(element) => {
                                let name = element.name().as_ref().to_owned();
                                if let Some((parent, last)) = open.last_mut()
                                    && let Some((_, order)) = XML_CHILD_ORDER.iter().find(|(of, _)| of == parent)
                                {
                                    let place = order.iter().position(|child| *child == name);
                                    let place = place.unwrap_or_else(|| panic!("{path}: {name} in {parent}"));
                                    assert!(place >= *last, "{path}: {name} in {parent}");
                                    *last = place;
                                }
                                open.push((name, 0));
                            }
                            Event::End(_) => drop(open.pop()),
                            Event::Eof => break,
                            _ => {}
                        }
                    }
                    assert!(open.is_empty());
                    assert!(!xml.contains(|c: char| c.is_control() && c != '\n'), "{path}");
                }
            }
        }
    }

    #[test]
    fn all_parts_are_named_by_types_and_relations() {
        let parts = unzip_parts(render_docx(&sample_document(), Layout::SideBySide).unwrap());
        let of = |path: &str| &parts.iter().find(|(name, _)| name == path).unwrap().1;
        for (path, _) in &parts[1..] {
            if !path.ends_with(".rels") {
                assert!(
                    of("[Content_Types].xml").contains(&format!("PartName=\"/{path}\"")),
                    "{path}"
                );
                let name = path.trim_start_matches("word/");
                let related = of("_rels/.rels").contains(path) || of("word/_rels/document.xml.rels").contains(name);
                assert!(related, "{path}");
            }
        }
        let used: Vec<&str> = parts
            .iter()
            .flat_map(|(_, xml)| xml.split("Style w:val=\"").skip(1))
            .collect();
        assert!(!used.is_empty());
        for style in used {
            let style = style.split('"').next().unwrap();
            assert!(
                of("word/styles.xml").contains(&format!("w:styleId=\"{style}\"")),
                "{style}"
            );
        }
    }

    #[test]
    fn a_damaged_date_is_left_out() {
        let mut doc = sample_document();
        assert!(properties_part(&doc).contains(">2026-11-08T09:30:00Z</dcterms:created>"));
        doc.header.date = "yesterday".into();
        assert!(!properties_part(&doc).contains("dcterms:created"));
    }

    #[test]
    fn columns_or_paragraphs_by_layout() {
        let body = |layout| {
            let comments = Comments::new(None);
            BodyRenderer { layout, comments }.body_part(&sample_document())
        };
        let count = |layout, what: &str| body(layout).matches(what).count();
        assert_eq!(count(Layout::SideBySide, "<w:tbl>"), 2);
        assert_eq!(count(Layout::SideBySide, "<w:tblHeader/>"), 2);
        assert_eq!(count(Layout::Interleaved, "<w:tbl>"), 0);
        assert!(count(Layout::Interleaved, "<w:cs/>") > 5);
        assert_eq!(count(Layout::Target, "<w:cs/>"), 0);
    }
}
