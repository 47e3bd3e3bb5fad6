//! Renderer of the `html` format: one page that needs no script, no network and no other file.

use super::escape::escape_html_xml;
use super::parts::{closing_note, describe_share, document_title, is_copied_segment, shown_findings, visible_blocks};
use super::{Layout, THEME};
use crate::document::{
    BilingualDocument, BlockKind, Finding, Flag, Segment, Severity, Side, compare_worse_first, divide_into_passages,
};
use std::collections::BTreeSet;

/// The style sheet for pages of this format; it comes after the shared style sheet [`THEME`].
const STYLE_SHEET: &str = include_str!("html.css");

/// The views that the page can switch between: the id, label and layout of each. The switches are radio buttons whose
/// state the style sheet reads, so no script is needed.
const LAYOUT_VIEWS: [(&str, &str, Layout); 3] = [
    ("parallel", "Side by side", Layout::SideBySide),
    ("interleaved", "Interleaved", Layout::Interleaved),
    ("only", "English only", Layout::Target),
];

/// Renders `doc` as a page on which a reader can switch between layouts; `layout` is the one shown when the page opens.
pub(super) fn render_html(doc: &BilingualDocument, layout: Layout) -> String {
    let title = escape_html_xml(&document_title(doc));
    let (views, class) = match layout {
        Layout::Target => (String::new(), " class=\"only\""),
        _ => (view_switches(layout), ""),
    };
    let flagged: Vec<&Segment> = visible_blocks(doc)
        .flatten()
        .filter(|segment| segment.is_flagged())
        .collect();
    let warnings = flagged_links(&flagged, doc.segments.len());
    let content = blocks_html(doc, &flagged, layout);
    let legend = flag_legend(doc);
    let note = escape_html_xml(&closing_note(doc));
    format!(
        "<!DOCTYPE html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"generator\" content=\"plae\">\n\
         <title>{title}</title>\n\
         <style>\n{THEME}{STYLE_SHEET}</style>\n\
         </head>\n\
         <body>\n{views}<main{class}>\n{warnings}{content}{legend}</main>\n\
         <footer>{note}</footer>\n\
         </body>\n\
         </html>\n"
    )
}

/// Renders the radio buttons that switch between the views. The view of `layout` is selected at first.
fn view_switches(layout: Layout) -> String {
    let mut inputs = String::new();
    let mut labels = String::new();
    for (id, name, view) in LAYOUT_VIEWS {
        let checked = if view == layout { " checked" } else { "" };
        inputs += &format!(
            "<input type=\"radio\" name=\"view\" id=\"{id}\" accesskey=\"{}\"{checked}>\n",
            &id[..1]
        );
        labels += &format!("<label for=\"{id}\">{name}</label>");
    }
    format!("{inputs}<nav>{labels}</nav>\n")
}

/// Renders the share to check and links to the flagged segments, the least trusted first; empty if there are none.
fn flagged_links(flagged: &[&Segment], segments: usize) -> String {
    if flagged.is_empty() {
        return String::new();
    }
    let mut worst_first = flagged.to_vec();
    worst_first.sort_by(|a, b| compare_worse_first((&a.findings, a.trust), (&b.findings, b.trust)));
    let links = worst_first.iter().enumerate().map(|(index, segment)| {
        let access_key = if index == 0 { " accesskey=\"c\"" } else { "" };
        let mut names: Vec<&str> = segment.warnings().map(|warning| warning.flag.name()).collect();
        names.dedup();
        format!(
            "<a href=\"#s{0}\"{access_key}>{0} {1}</a>",
            segment.id,
            names.join(", ")
        )
    });
    format!(
        "<p class=\"check\" id=\"check\">{}, the worst first: {}</p>\n",
        describe_share(flagged.len(), segments),
        links.collect::<Vec<_>>().join(" · ")
    )
}

/// Renders a folded list that explains each flag that the page shows; empty if it shows none.
fn flag_legend(doc: &BilingualDocument) -> String {
    let flags: BTreeSet<Flag> = { doc.segments.iter() }
        .flat_map(|segment| shown_findings(segment).map(|finding| finding.flag))
        .collect();
    if flags.is_empty() {
        return String::new();
    }
    let entries = flags.iter().map(|flag| {
        let explanation = escape_html_xml(flag.explanation());
        format!("<dt>{}</dt><dd>{explanation}</dd>\n", flag.name())
    });
    format!(
        "<details class=\"check\"><summary>What the flags mean</summary>\n<dl>\n{}</dl>\n</details>\n",
        entries.collect::<String>()
    )
}

/// Renders the blocks of the document: one element per block, with one row per segment. `flagged` are the segments to
/// check, in the order of the document.
fn blocks_html(doc: &BilingualDocument, flagged: &[&Segment], layout: Layout) -> String {
    let mut out = String::new();
    let mut flagged_before = 0;
    let mut in_list = false;
    for block in visible_blocks(doc) {
        let Segment { kind, level, .. } = block[0];
        let is_item = *kind == BlockKind::ListItem;
        if is_item != in_list {
            out += if is_item { "<ul>\n" } else { "</ul>\n" };
            in_list = is_item;
        }
        let (tag, class) = match kind {
            BlockKind::Heading => (format!("h{}", (*level).clamp(1, 6)), String::new()),
            BlockKind::Paragraph => ("p".into(), String::new()),
            BlockKind::ListItem => ("li".into(), format!(" level-{}", (*level).clamp(1, 6))),
            BlockKind::Quote => ("blockquote".into(), String::new()),
            BlockKind::Cell => ("p".into(), " cell".into()),
            BlockKind::Caption => ("p".into(), " caption".into()),
            BlockKind::Metadata => ("p".into(), " metadata".into()),
        };
        out += &format!("<{tag} class=\"block{class}\">\n");
        for segment in block {
            let jump = segment.is_flagged().then(|| jump_links(flagged, flagged_before));
            flagged_before += usize::from(jump.is_some());
            out += &segment_row(segment, jump, layout);
        }
        out += &format!("</{tag}>\n");
    }
    if in_list {
        out += "</ul>\n";
    }
    out
}

/// Renders links from a flagged segment, the one at `index` of all, to those before and after it in the document.
fn jump_links(flagged: &[&Segment], index: usize) -> String {
    let link = |segment: Option<&&Segment>, label: &str| {
        segment.map(|segment| format!("<a href=\"#s{}\">{label}</a>", segment.id))
    };
    let before = link(
        index.checked_sub(1).and_then(|before| flagged.get(before)),
        "‹ previous",
    );
    let place = format!(
        "<a href=\"#check\">segment {}, {} of {}</a>",
        flagged[index].id,
        index + 1,
        flagged.len()
    );
    let after = link(flagged.get(index + 1), "next ›");
    let links: Vec<String> = [before, Some(place), after].into_iter().flatten().collect();
    format!("<span class=\"jump\">{}</span>", links.join(" "))
}

/// Renders one segment as a row of its block's grid. A row can have the focus, so that a tap highlights both languages.
/// `jump` are the links from a flagged segment to others, as HTML.
fn segment_row(segment: &Segment, jump: Option<String>, layout: Layout) -> String {
    let mut class = String::from("row");
    if is_copied_segment(segment) {
        class += " copy";
    }
    if segment.is_flagged() {
        class += " flagged";
    }
    let thai = match layout {
        Layout::Target => String::new(),
        _ => format!(
            "<span lang=\"th\">{}</span>\n",
            mark_findings(&segment.source, Side::Source, &segment.findings)
        ),
    };
    let reasons = shown_findings(segment).map(|finding| reason_html(finding, segment, layout));
    let reasons: Vec<String> = reasons.chain(jump).collect();
    let reasons = if reasons.is_empty() {
        String::new()
    } else {
        format!(" <span class=\"flag\">{}</span>", reasons.join(" "))
    };
    format!(
        "<span class=\"{class}\" id=\"s{id}\" data-seg=\"{id}\" tabindex=\"0\">{thai}<span lang=\"en\">{}{reasons}</span></span>\n",
        mark_findings(&segment.target, Side::Target, &segment.findings),
        id = segment.id,
    )
}

/// Renders a finding in a line of its own: the flag's name, what it means, and the values that differ.
fn reason_html(finding: &Finding, segment: &Segment, layout: Layout) -> String {
    let similar = match finding.flag {
        Flag::Similar => similar_sentence(segment, layout).unwrap_or_default(),
        _ => String::new(),
    };
    format!(
        "<span class=\"{}\"><b>{}</b>: {}.{similar}</span>",
        severity_class(finding.flag.severity()),
        finding.flag.name(),
        escape_html_xml(&finding.meaning_in_words()),
    )
}

/// Returns the class of elements that show a finding of this severity.
fn severity_class(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Failure => "failure",
    }
}

/// Renders a segment's text on one side, with the places of its findings in `mark` elements. The class of a mark is the
/// worst severity there, its title names the flags.
pub(crate) fn mark_findings(text: &str, side: Side, findings: &[Finding]) -> String {
    let mut out = String::new();
    for passage in divide_into_passages(text, side, findings.iter()) {
        let piece = escape_html_xml(passage.text);
        let Some(worst) = passage.flags.iter().map(|flag| flag.severity()).max() else {
            out += &piece;
            continue;
        };
        let names: Vec<&str> = passage.flags.iter().map(|flag| flag.name()).collect();
        out += &format!(
            "<mark class=\"{}\" title=\"{}\">{piece}</mark>",
            severity_class(worst),
            names.join(", ")
        );
    }
    out
}

/// Renders the similar sentence of the translation memory, with its human translation and its similarity in percent.
/// None if the segment has no similar sentence.
fn similar_sentence(segment: &Segment, layout: Layout) -> Option<String> {
    let similar = segment.similar.as_ref()?;
    let thai = match layout {
        Layout::Target => String::new(),
        _ => format!("<q lang=\"th\">{}</q> ", escape_html_xml(&similar.source)),
    };
    let english = escape_html_xml(&similar.target);
    Some(format!(
        " {} % alike: {thai}<q lang=\"en\">{english}</q>",
        similar.similarity_percent()
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hostile_document, sample_document};
    use super::*;
    use html5gum::{Token, Tokenizer};

    /// Returns the tokens of a page without its text.
    fn list_tags(page: &str) -> Vec<String> {
        let tokens = Tokenizer::new(page).map(|Ok(token)| token);
        let markup = tokens.filter(|token: &Token| !matches!(token, Token::String(_)));
        markup.map(|token| format!("{token:?}")).collect()
    }

    #[test]
    fn attacks_stay_text() {
        for layout in [Layout::SideBySide, Layout::Interleaved, Layout::Target] {
            let page = render_html(&hostile_document(), layout);
            assert_eq!(list_tags(&page), list_tags(&render_html(&sample_document(), layout)));
            assert!(!list_tags(&page).concat().contains("Error"));
            assert!(!page.contains(|c: char| c.is_control() && c != '\n'));
        }
    }

    #[test]
    fn the_page_needs_nothing_else() {
        let page = render_html(&sample_document(), Layout::SideBySide);
        for reference in ["src=", "url(", "@import", "<link", "<script", "http:", "https:"] {
            assert!(!page.contains(reference), "{reference}");
        }
    }

    #[test]
    fn a_similar_sentence_stands_with_its_flag() {
        let note = "<b>similar</b>: a person translated a similar sentence. 87 % alike: ";
        let english = "<q lang=\"en\">China has always put development first.</q></span>";
        let thai = "<q lang=\"th\">จีนสนับสนุนให้การพัฒนามาก่อนเสมอ</q> ";
        let page = render_html(&sample_document(), Layout::SideBySide);
        assert!(page.contains(&format!("{note}{thai}{english}")), "{page}");
        let page = render_html(&sample_document(), Layout::Target);
        assert!(page.contains(&format!("{note}{english}")), "{page}");
    }

    #[test]
    fn the_layout_is_the_view_that_opens() {
        for (layout, id) in [(Layout::SideBySide, "parallel"), (Layout::Interleaved, "interleaved")] {
            let page = render_html(&sample_document(), layout);
            assert_eq!(page.matches(" checked>").count(), 1);
            assert!(page.contains(&format!("id=\"{id}\" accesskey=\"{}\" checked>", &id[..1])));
        }
        let page = render_html(&sample_document(), Layout::Target);
        let (_, body) = page.split_once("</head>").unwrap();
        assert!(!body.contains("lang=\"th\"") && !body.contains("<input"));
    }
}
