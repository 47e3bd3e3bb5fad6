//! Tests of every output format on the same documents, which the tests of the single formats use too.

use super::*;
use crate::document::{
    BlockKind, Finding, Findings, FinishReason, Flag, Format, Header, Parameters, SCHEMA, Segment, SimilarSentence,
};
use crate::span::Span;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Makes a translated segment that is a paragraph by itself.
pub fn make_segment(id: usize, source: &str, target: &str) -> Segment {
    Segment {
        id,
        block: id,
        kind: BlockKind::Paragraph,
        level: 0,
        source: source.into(),
        target: target.into(),
        span: Span::new(0, 0),
        before: String::new(),
        raw: None,
        score: Some(-0.25),
        finish: FinishReason::Stop,
        findings: Findings::default(),
        trust: None,
        similar: None,
        source_ids: None,
        target_ids: None,
    }
}

/// Makes a document of `segments`, and computes their spans.
pub fn make_document(format: Format, mut segments: Vec<Segment>) -> BilingualDocument {
    let mut end = 0;
    for segment in &mut segments {
        let start = end + segment.before.len();
        end = start + segment.raw.as_ref().unwrap_or(&segment.source).len();
        segment.span = Span::new(start, end);
    }
    BilingualDocument {
        header: Header {
            schema: SCHEMA,
            tool: "plae".into(),
            version: "0.1.0".into(),
            model: "gemma-3-270m".into(),
            revision: Some("0123456789abcdef0123456789abcdef01234567".into()),
            licence: Some("Gemma".into()),
            file: Some("summit.md".into()),
            format,
            encoding: "UTF-8".into(),
            sha256: "00".repeat(32),
            date: "2026-11-08T09:30:00Z".into(),
            parameters: Parameters {
                split: "sentence".into(),
                ..Parameters::default()
            },
            segments: segments.len(),
            tail: String::new(),
        },
        segments,
    }
}

/// Makes a Markdown article with every kind of block.
pub fn sample_document() -> BilingualDocument {
    use BlockKind::*;
    let rows = [
        (
            0,
            Heading,
            1,
            "# ",
            "การประชุมอินเทอร์เน็ตโลกปี 2023",
            "World Internet Conference 2023",
        ),
        (1, Metadata, 0, "\n\n", "(CRI) 2023-11-09", "(CRI) 2023-11-09"),
        (
            2,
            Paragraph,
            0,
            "\n\n",
            "จีนสนับสนุนให้การพัฒนามาก่อน",
            "China supports putting development first.",
        ),
        (
            2,
            Paragraph,
            0,
            " ",
            "ทุกประเทศควรร่วมมือกัน",
            "All countries should cooperate & share <data>, said รัฐบาล.",
        ),
        (3, Quote, 0, "\n\n> ", "“เราจะเดินหน้าต่อไป”", "“We will *move on*.”"),
        (4, Heading, 2, "\n\n## ", "หัวข้อการประชุม", "Topics of the conference"),
        (5, ListItem, 1, "\n\n- ", "ความปลอดภัยทางไซเบอร์", "Cybersecurity"),
        (6, ListItem, 2, "\n  - ", "ปัญญาประดิษฐ์", "Artificial intelligence and"),
        (7, Caption, 0, "\n\n", "ภาพจากซินหัว", "Photo: Xinhua"),
        (8, Cell, 0, "\n\n| ", "วันที่ 8 ถึง 10", ""),
    ];
    let rows = rows.into_iter().enumerate();
    let segments = rows.map(|(id, (block, kind, level, before, source, target))| Segment {
        block,
        kind,
        level,
        before: before.into(),
        ..make_segment(id, source, target)
    });
    let mut segments: Vec<Segment> = segments.collect();
    segments[1].findings = Findings::from_iter([Flag::NoThai]);
    segments[1].finish = FinishReason::Copy;
    segments[1].score = None;
    segments[2].findings = Findings::from_iter([Flag::Similar]);
    segments[2].similar = Some(SimilarSentence {
        source: "จีนสนับสนุนให้การพัฒนามาก่อนเสมอ".into(),
        target: "China has always put development first.".into(),
        similarity: 0.875,
    });
    let place = |text: &str, part: &str| text.find(part).map(|start| Span::new(start, start + part.len()));
    let Segment { source, target, .. } = &segments[3];
    let omitted = Finding::new(
        Flag::Omission,
        place(source, "ร่วมมือกัน"),
        place(target, "cooperate & share"),
        "1 of 2 clauses",
    );
    let thai = Finding::new(
        Flag::Untranslated,
        None,
        place(target, "share <data>, said รัฐบาล"),
        "รัฐบาล",
    );
    segments[3].findings = vec![thai, omitted].into();
    segments[3].trust = Some(0.09);
    segments[6].raw = Some("**ความปลอดภัย**ทางไซเบอร์".into());
    segments[7].findings = Findings::from_iter([Flag::Truncated, Flag::Length]);
    segments[7].finish = FinishReason::Length;
    let mended = Finding::new(
        Flag::Mended,
        None,
        place("Photo: Xinhua", "Xinhua"),
        "before: “Reuters”",
    );
    segments[8].findings = vec![mended].into();
    segments[8].source_ids = Some(vec![2, 17]);
    segments[8].target_ids = Some(vec![99]);
    segments[9].findings = Findings::from_iter([Flag::Empty]);
    let mut doc = make_document(Format::Markdown, segments);
    doc.header.tail = " |\n|---|\n".into();
    doc
}

/// Makes a document whose texts contain markup of every output format, which must be escaped.
pub fn hostile_document() -> BilingualDocument {
    let attack = "<script>alert(\"1\")</script> ' onclick=x ]]> &amp; <!-- --> </style> </w:t>\0\u{1}\u{1f}\u{7f}\u{85}\u{FFFE}\u{FFFF}\u{FFFD}\t\r\n# | `*_[x](y)\u{2028}\u{202E}";
    let mut doc = sample_document();
    for segment in &mut doc.segments {
        segment.source.push_str(attack);
        segment.target.push_str(attack);
        segment.raw = None;
        // As in a file that somebody edited: places within characters and beyond the end.
        let findings = segment.findings.iter().cloned().map(|mut finding| {
            if !finding.detail.is_empty() {
                finding.detail.push_str(attack);
            }
            for span in [&mut finding.source, &mut finding.target].into_iter().flatten() {
                *span = (span.start + 1, span.end + 1).into();
            }
            finding
        });
        segment.findings = findings.collect::<Vec<_>>().into();
        if let Some(SimilarSentence { source, target, .. }) = &mut segment.similar {
            source.push_str(attack);
            target.push_str(attack);
        }
    }
    let Header {
        tool,
        version,
        model,
        revision,
        licence,
        file,
        date,
        ..
    } = &mut doc.header;
    for field in [tool, version, model, date] {
        field.push_str(attack);
    }
    for field in [revision, licence, file] {
        *field = Some(attack.into());
    }
    doc
}

/// Generates any document that can be written, with places of findings at any offsets. Scores have six decimals, as
/// many as JSONL keeps.
pub fn document_strategy() -> impl Strategy<Value = BilingualDocument> {
    let text = || "[ก-๛a-z<>&|#*'\"\\\\\\x00-\\x1f\u{2028}🙂 ]{0,12}";
    let kinds = [
        BlockKind::Heading,
        BlockKind::Paragraph,
        BlockKind::ListItem,
        BlockKind::Quote,
        BlockKind::Cell,
        BlockKind::Caption,
        BlockKind::Metadata,
    ];
    let finishes = [
        FinishReason::Stop,
        FinishReason::Length,
        FinishReason::Loop,
        FinishReason::Copy,
    ];
    let place = || option::of((0..40usize, 0..40usize));
    let one = (
        (any::<bool>(), prop::sample::select(kinds.to_vec()), any::<u8>()),
        (text(), text(), text(), option::of(text())),
        (option::of(-90_000_000..=0i32), prop::sample::select(finishes.to_vec())),
        vec(
            (prop::sample::select(Flag::ALL.to_vec()), place(), place(), text()),
            0..=3,
        ),
        (option::of(vec(any::<u32>(), 0..3)), option::of(vec(any::<u32>(), 0..3))),
        option::of((text(), text(), 7_500..10_000u32)),
    );
    let formats = prop::sample::select(vec![Format::Text, Format::Markdown, Format::Html]);
    let header = (
        formats,
        text(),
        option::of(text()),
        prop::sample::select(vec!["line", "sentence"]),
    );
    (vec(one, 0..6), header).prop_map(|(rows, (format, tail, revision, split))| {
        let mut segments: Vec<Segment> = Vec::new();
        for ((new, kind, level), (source, target, before, raw), (score, finish), flags, ids, similar) in rows {
            let last = segments.last();
            let block = last.map_or(0, |last| last.block + usize::from(new));
            let (kind, level) = last
                .filter(|_| !new)
                .map_or((kind, level), |last| (last.kind, last.level));
            let score = score.map(|score| f64::from(score) / 1e6);
            let (source_ids, target_ids) = ids;
            let similar = similar.map(|(source, target, share)| SimilarSentence {
                source,
                target,
                similarity: f64::from(share) / 1e4,
            });
            let fresh = make_segment(segments.len(), &source, &target);
            segments.push(Segment {
                block,
                kind,
                level,
                before,
                raw,
                score,
                finish,
                findings: { flags.into_iter() }
                    .map(|(flag, source, target, detail)| {
                        let detail = format!("{detail}.");
                        Finding::new(flag, source.map(Span::from), target.map(Span::from), detail)
                    })
                    .collect::<Vec<_>>()
                    .into(),
                similar,
                source_ids,
                target_ids,
                ..fresh
            });
        }
        let mut doc = make_document(format, segments);
        doc.header.tail = tail;
        doc.header.revision = revision;
        doc.header.parameters.split = split.into();
        doc
    })
}

fn all_options() -> Vec<RenderOptions> {
    let layouts = [Layout::SideBySide, Layout::Interleaved, Layout::Target];
    let widths = [None, Some(0), Some(1), Some(39), Some(40), Some(80)];
    layouts
        .iter()
        .flat_map(|layout| widths.map(|width| RenderOptions { layout: *layout, width }))
        .collect()
}

/// Checks that a document read back from JSONL renders to the same bytes in every format.
fn check_round_trip(doc: &BilingualDocument) {
    let bytes = render(doc, OutputFormat::Jsonl, &RenderOptions::default()).unwrap();
    let again = read_jsonl(&bytes).unwrap();
    for format in OutputFormat::ALL {
        for options in all_options() {
            let direct = render(doc, format, &options).unwrap();
            assert_eq!(
                render(&again, format, &options).unwrap(),
                direct,
                "{format:?} {options:?}"
            );
        }
    }
}

#[test]
fn extensions_name_formats() {
    for format in OutputFormat::ALL {
        assert_eq!(OutputFormat::from_extension(format.file_extension()), Some(format));
    }
    let cases = [
        ("HTM", Some(OutputFormat::Html)),
        ("markdown", Some(OutputFormat::Markdown)),
        ("plain", None),
        ("pdf", None),
        ("", None),
    ];
    for (extension, format) in cases {
        assert_eq!(OutputFormat::from_extension(extension), format, "{extension}");
    }
}

#[test]
fn only_formats_with_layouts_change_by_layout() {
    let doc = sample_document();
    for format in OutputFormat::ALL {
        let [first, rest @ ..] = [Layout::SideBySide, Layout::Interleaved, Layout::Target].map(|layout| {
            let options = RenderOptions { layout, width: None };
            render(&doc, format, &options).unwrap()
        });
        let differs = rest.iter().any(|bytes| *bytes != first);
        assert_eq!(differs, format.has_layouts(), "{format:?}");
    }
}

#[test]
fn only_binary_formats_are_no_text() {
    for format in OutputFormat::ALL {
        let bytes = render(&sample_document(), format, &RenderOptions::default()).unwrap();
        assert_eq!(std::str::from_utf8(&bytes).is_err(), format.is_binary(), "{format:?}");
    }
}

#[test]
fn jsonl_is_enough_for_every_format() {
    check_round_trip(&sample_document());
    check_round_trip(&hostile_document());
}

#[test]
fn an_empty_document_renders() {
    check_round_trip(&make_document(Format::Text, Vec::new()));
}

#[test]
fn a_document_without_thai_is_not_called_translated() {
    let mut doc = make_document(Format::Text, vec![make_segment(0, "Hello.", "Hello.")]);
    doc.segments[0].finish = FinishReason::Copy;
    doc.header.model = "none".into();
    for doc in [doc, make_document(Format::Text, Vec::new())] {
        for format in [
            OutputFormat::Text,
            OutputFormat::Markdown,
            OutputFormat::Html,
            OutputFormat::Docx,
        ] {
            let bytes = render(&doc, format, &RenderOptions::default()).unwrap();
            let page = match format {
                OutputFormat::Docx => docx::tests::docx_as_text(bytes),
                _ => String::from_utf8(bytes).unwrap(),
            };
            assert!(page.contains("Nothing was translated: plae 0.1.0 found no Thai on 2026-11-08."));
            assert!(!page.contains("achine translated"), "{page}");
        }
    }
}

#[test]
fn one_document_in_all_formats() {
    let doc = sample_document();
    let columns = RenderOptions {
        width: Some(60),
        ..Default::default()
    };
    let interleaved = RenderOptions {
        layout: Layout::Interleaved,
        width: None,
    };
    let target = RenderOptions {
        layout: Layout::Target,
        width: None,
    };
    let cases = [
        ("text", OutputFormat::Text, RenderOptions::default()),
        ("text-columns", OutputFormat::Text, columns),
        ("text-target", OutputFormat::Text, target),
        ("md", OutputFormat::Markdown, RenderOptions::default()),
        ("md-interleaved", OutputFormat::Markdown, interleaved),
        ("html", OutputFormat::Html, RenderOptions::default()),
        ("html-target", OutputFormat::Html, target),
        ("tsv", OutputFormat::Tsv, RenderOptions::default()),
        ("jsonl", OutputFormat::Jsonl, RenderOptions::default()),
        ("plain", OutputFormat::Plain, RenderOptions::default()),
        ("docx", OutputFormat::Docx, RenderOptions::default()),
        ("docx-interleaved", OutputFormat::Docx, interleaved),
        ("docx-target", OutputFormat::Docx, target),
    ];
    for (name, format, options) in cases {
        let bytes = render(&doc, format, &options).unwrap();
        let text = match format {
            OutputFormat::Docx => docx::tests::docx_as_text(bytes),
            _ => String::from_utf8(bytes).unwrap(),
        };
        let style = text.find("<style>").zip(text.find("</style>"));
        let text = match style {
            Some((start, end)) => format!("{}<style>…{}", &text[..start], &text[end..]),
            None => text,
        };
        insta::assert_snapshot!(name, text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn jsonl_is_enough_for_any_document(doc in document_strategy()) {
        check_round_trip(&doc);
    }
}
