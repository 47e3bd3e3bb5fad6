//! Renderer of the `html` format: one page that needs no script, no network and no other file.

use super::escape::escape_html_xml;
use super::parts::{closing_note, document_title, is_copied_segment, visible_blocks, warning_sentence};
use super::{Layout, THEME};
use crate::document::{BilingualDocument, BlockKind, Segment};

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
    let warnings = flagged_links(doc);
    let content = blocks_html(doc, layout);
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
         <body>\n{views}<main{class}>\n{warnings}{content}</main>\n\
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

/// Renders a line of links to the segments that a reader should check; empty if there are none.
fn flagged_links(doc: &BilingualDocument) -> String {
    let flagged = doc
        .segments
        .iter()
        .filter(|segment| warning_sentence(segment).is_some());
    let links: Vec<String> = flagged.map(|s| format!("<a href=\"#s{0}\">{0}</a>", s.id)).collect();
    if links.is_empty() {
        String::new()
    } else {
        format!(
            "<p class=\"check\">Marked for checking, {} of {} segments: {}</p>\n",
            links.len(),
            doc.segments.len(),
            links.join(", ")
        )
    }
}

/// Renders the blocks of the document: one element per block, with one row per segment.
fn blocks_html(doc: &BilingualDocument, layout: Layout) -> String {
    let mut out = String::new();
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
            out += &segment_row(segment, layout);
        }
        out += &format!("</{tag}>\n");
    }
    if in_list {
        out += "</ul>\n";
    }
    out
}

/// Renders one segment as a row of its block's grid. A row can have the focus, so that a tap highlights both languages.
fn segment_row(segment: &Segment, layout: Layout) -> String {
    let reasons = warning_sentence(segment);
    let mut class = String::from("row");
    if is_copied_segment(segment) {
        class += " copy";
    }
    if reasons.is_some() {
        class += " flagged";
    }
    let thai = match layout {
        Layout::Target => String::new(),
        _ => format!("<span lang=\"th\">{}</span>\n", escape_html_xml(&segment.source)),
    };
    let warning = reasons.map(|reasons| {
        let similar = similar_sentence(segment, layout).unwrap_or_default();
        format!(" <span class=\"flag\">{}{similar}</span>", escape_html_xml(&reasons))
    });
    format!(
        "<span class=\"{class}\" id=\"s{id}\" data-seg=\"{id}\" tabindex=\"0\">{thai}<span lang=\"en\">{}{}</span></span>\n",
        escape_html_xml(&segment.target),
        warning.unwrap_or_default(),
        id = segment.id,
    )
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
        let note = "<span class=\"flag\">Check: a person translated a similar sentence. 87 % alike: ";
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
