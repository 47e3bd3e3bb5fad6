//! Tests of blocks, runs and spans for every input format: no byte of a source may be lost.

use super::*;
use proptest::prelude::*;

/// Lists the blocks of a source, one per line: kind, level, text, and the source bytes if they differ from the text.
pub fn outline(text: &str, format: Format) -> String {
    list_document_blocks(&read(text.to_owned(), format, ParagraphRule::Auto))
}

/// Lists the blocks of a document, one per line: kind, level, text, and the source bytes if they differ from the text.
pub fn list_document_blocks(document: &Document) -> String {
    let mut outline = String::new();
    for block in &document.blocks {
        outline += &format!("{:?} {}: {}", block.kind, block.level, block.text);
        let raw = block.span.of(&document.text);
        if raw != block.text {
            outline += &format!("   <-- {}", raw.replace('\r', "\\r").replace('\n', "\\n"));
        }
        outline.push('\n');
    }
    outline
}

/// The input formats, with every rule for the paragraphs of plain text.
const ALL_READER_SETTINGS: [(Format, ParagraphRule); 5] = [
    (Format::Text, ParagraphRule::Auto),
    (Format::Text, ParagraphRule::Line),
    (Format::Text, ParagraphRule::BlankLine),
    (Format::Markdown, ParagraphRule::Auto),
    (Format::Html, ParagraphRule::Auto),
];

/// Cuts every block's text at `cuts` (fractions of its length), trims the pieces, and rebuilds the source from the
/// bytes of the pieces and the bytes between them. Panics if blocks, runs or spans contradict each other.
fn rebuild_source(document: &Document, cuts: &[f64]) -> String {
    let source = &document.text;
    let mut rebuilt = String::new();
    let mut end = 0;
    for block in &document.blocks {
        check_block(block, source, end);
        let mut bounds: Vec<usize> = cuts
            .iter()
            .map(|cut| block.text.floor_char_boundary((cut * block.text.len() as f64) as usize))
            .collect();
        bounds.extend([0, block.text.len()]);
        bounds.sort();
        for bound in bounds.windows(2) {
            let piece = &block.text[bound[0]..bound[1]];
            let start = bound[1] - piece.trim_start_matches(is_space).len();
            let range = start..start + piece.trim_matches(is_space).len();
            if range.is_empty() {
                continue;
            }
            let span = block.source_span(range.clone());
            if range.start == 0 {
                assert_eq!(span.start, block.span.start);
            }
            if range.end == block.text.len() {
                assert_eq!(span.end, block.span.end);
            }
            assert!(span.start >= end.max(block.span.start), "{range:?} {block:?}");
            rebuilt += &source[end..span.start];
            rebuilt += span.of(source);
            end = span.end;
        }
        assert_eq!(end, block.span.end);
    }
    rebuilt + &source[end..]
}

/// Checks that the runs of a block are consistent, and that the block begins at or after byte `end`.
fn check_block(block: &Block, source: &str, end: usize) {
    assert!(block.span.start >= end && block.span.end <= source.len());
    assert!(!block.text.is_empty() && block.text.trim_matches(is_space) == block.text);
    let raw = block.span.of(source);
    assert_eq!(raw.trim_matches(is_space), raw);
    let (mut text, mut outer) = (0, block.span.start);
    for run in &block.runs {
        assert_eq!(run.text.start, text);
        assert!(!run.text.is_empty() && !run.source.is_empty());
        assert!(run.outer.start <= run.source.start && run.outer.end >= run.source.end);
        text = run.text.end;
        let piece = &block.text[run.text.clone()];
        if !piece.trim_matches(is_space).is_empty() {
            assert!(run.outer.start >= outer, "{run:?} {block:?}");
            outer = run.outer.end;
        }
        if piece.len() == run.source.len() {
            let raw = run.source.of(source);
            let is_space = |a: u8, b| a.is_ascii_whitespace() && b == b' ';
            let is_same = raw.bytes().zip(piece.bytes()).all(|(a, b)| a == b || is_space(a, b));
            // A superscript may be as long as its Thai digit.
            assert!(is_same || raw.chars().map(char::len_utf8).eq(piece.chars().map(char::len_utf8)));
        }
    }
    assert_eq!(text, block.text.len());
    assert_eq!(block.runs[0].outer.start, block.span.start);
    assert_eq!(block.runs[block.runs.len() - 1].outer.end, block.span.end);
    assert!(
        block
            .runs
            .windows(2)
            .all(|runs| runs[0].source.end <= runs[1].source.start)
    );
}

/// Returns the source bytes of each of `words`, which must stand in this order in the only block.
fn source_of_words<'a>(document: &'a Document, words: &[&str]) -> Vec<&'a str> {
    let [block] = &document.blocks[..] else {
        panic!("{:?}", document.blocks)
    };
    let mut end = 0;
    words
        .iter()
        .map(|word| {
            let start = end + block.text[end..].find(word).unwrap();
            end = start + word.len();
            block.source_span(start..end).of(&document.text)
        })
        .collect()
}

#[test]
fn formats_by_extension() {
    for (extension, format) in [
        ("txt", Some(Format::Text)),
        ("th", Some(Format::Text)),
        ("MD", Some(Format::Markdown)),
        ("markdown", Some(Format::Markdown)),
        ("Htm", Some(Format::Html)),
        ("xhtml", Some(Format::Html)),
        ("docx", None),
        ("", None),
    ] {
        assert_eq!(Format::from_extension(extension), format, "{extension}");
    }
}

#[test]
fn by_lines_has_every_line_and_no_other() {
    for (text, lines) in [
        ("", &[][..]),
        ("\n", &[""]),
        ("ก", &["ก"]),
        ("ก\n", &["ก"]),
        (
            "ก\r\n\r\n\n  ข \r\n# <b>ค</b> &amp;",
            &["ก", "", "", "  ข ", "# <b>ค</b> &amp;"],
        ),
        ("ก\rข\u{2028}ค\r", &["ก\rข\u{2028}ค\r"]),
    ] {
        let document = Document::by_lines(text.to_owned());
        let mut gaps = String::new();
        let mut end = 0;
        for (block, line) in document.blocks.iter().zip(lines) {
            let span = block.source_span(0..block.text.len());
            assert_eq!((&*block.text, span, span.of(text)), (*line, block.span, *line));
            gaps += &text[end..span.start];
            end = span.end;
        }
        assert_eq!(document.blocks.len(), lines.len(), "{text:?}");
        assert!((gaps + &text[end..]).chars().all(|c| matches!(c, '\r' | '\n')));
    }
}

#[test]
fn marks_go_with_the_text_that_they_touch() {
    for (html, words, expected) in [
        ("<p>ก ข</p>", &["ก", "ข"][..], &["ก", "ข"][..]),
        ("<p><b>ก</b> <i>ข</i></p>", &["ก", "ข"], &["<b>ก</b>", "<i>ข</i>"]),
        ("<p><b>ก</b><i>ข</i></p>", &["ก", "ข"], &["<b>ก</b>", "<i>ข</i>"]),
        ("<p><b>ก </b>ข</p>", &["ก", "ข"], &["<b>ก </b>", "ข"]),
        ("<p>ก<b> ข</b></p>", &["ก", "ข"], &["ก", "<b> ข</b>"]),
        ("<p> <b> ก ข </b> </p>", &["ก", "ข"], &["<b> ก", "ข </b>"]),
        ("<p>ก<img> ข</p>", &["ก", "ข"], &["ก<img>", "ข"]),
        ("<p>ก <img>ข</p>", &["ก", "ข"], &["ก", "<img>ข"]),
        ("<p>ก <img> ข</p>", &["ก", "ข"], &["ก", "ข"]),
        ("<p>ก <i></i>ข</p>", &["ก", "ข"], &["ก", "<i></i>ข"]),
        ("<p>ก<i> </i>ข</p>", &["ก", "ข"], &["ก<i> </i>", "ข"]),
        ("<p>ก <img></b>ข</p>", &["ก", "ข"], &["ก <img></b>", "ข"]),
        ("<p></a><b><i></i>ก</b></p>", &["ก"], &["<b><i></i>ก</b>"]),
        ("<p>ก<b></p>", &["ก"], &["ก"]),
        ("<p>ก<!--x-->ข</p>", &["ก", "ข"], &["ก", "ข"]),
        (
            "<p><a href='?ก'>ก ข</a> ค</p>",
            &["ก ข", "ค"],
            &["<a href='?ก'>ก ข</a>", "ค"],
        ),
        ("<p>ก&nbsp;<b>ข</b></p>", &["ก", "ข"], &["ก", "<b>ข</b>"]),
        ("<p>ก &lt;ข&gt; ค</p>", &["<", "ข> ค"], &["&lt;", "ข&gt; ค"]),
        (
            "<p>ก<b> \n <i>ข</i></b></p>",
            &["ก", "ข"],
            &["ก", "<b> \n <i>ข</i></b>"],
        ),
    ] {
        let document = read(html.to_owned(), Format::Html, ParagraphRule::Auto);
        assert_eq!(source_of_words(&document, words), expected, "{html}");
    }
    for (markdown, words, expected) in [
        ("**ก** _ข_", &["ก", "ข"][..], &["**ก**", "_ข_"][..]),
        ("[ก ข](x) ค", &["ก", "ข", "ค"], &["[ก", "ข](x)", "ค"]),
        ("ก[^1] ข\n\n[^1]: -", &["ก", "ข"], &["ก[^1]", "ข"]),
        ("ก \\*ข\\* ค", &["ก", "*ข*", "ค"], &["ก", "\\*ข\\*", "ค"]),
        ("ก `x` ข", &["ก", "x", "ข"], &["ก", "`x`", "ข"]),
        ("> ก\n> ข", &["ก", "ข"], &["ก", "ข"]),
    ] {
        let mut document = read(markdown.to_owned(), Format::Markdown, ParagraphRule::Auto);
        document.blocks.truncate(1);
        assert_eq!(source_of_words(&document, words), expected, "{markdown}");
    }
}

#[test]
fn a_cut_inside_an_atomic_run_comes_after_it() {
    // One reference may stand for two characters: U+205F and a hair space.
    let document = read(
        "<p>ก&ThickSpace;ข&nGt;ค</p>".to_owned(),
        Format::Html,
        ParagraphRule::Auto,
    );
    let block = &document.blocks[0];
    assert_eq!(block.text, "ก\u{205f}\u{200a}ข≫\u{20d2}ค");
    let inside = block.text.find('\u{20d2}').unwrap();
    assert_eq!(block.source_span(0..inside).of(&document.text), "ก&ThickSpace;ข&nGt;");
    assert_eq!(block.source_span(inside..inside + 3).of(&document.text), "");
    assert_eq!(block.source_span(inside..block.text.len()).of(&document.text), "ค");
    // A reference as long as its text, which could not be told from plain text.
    let document = read("<p>&acE;&amp;</p>".to_owned(), Format::Html, ParagraphRule::Auto);
    assert_eq!(document.blocks[0].text, "&acE;&");
}

#[test]
fn a_plain_block_is_one_run_and_ranges_out_of_bounds_do_no_harm() {
    for (format, paragraphs) in ALL_READER_SETTINGS {
        let text = if format == Format::Html {
            "<p>ก ข ค</p>"
        } else {
            "ก ข ค"
        };
        let document = read(text.to_owned(), format, paragraphs);
        assert_eq!(document.blocks[0].runs.len(), 1, "{format:?}");
        let span = document.blocks[0].source_span(90..99);
        assert!(span.is_empty() && span.end <= text.len());
        assert_eq!(
            document.blocks[0].source_span(4..4),
            Span::new(document.blocks[0].span.start + 4, document.blocks[0].span.start + 4)
        );
    }
}

#[test]
fn nasty_input_comes_back_whole() {
    for text in [
        "",
        "\0",
        " \u{feff}\u{200b} \r\r\n\u{2028}",
        "<",
        "<b",
        "<b class='",
        "ก<b class=\"ข",
        "</>ก</ ข>ค<//>",
        "<p>ก < ข & ค &amp &#3585 &#x; &# &unknown; &notit; &semi; &#0; &#xD800; &#99999999999; &ThickSpace; &acE;ข</p>",
        "<p>ก\r\n\r\nข\rค\n&amp;\r\n<b>\r\n</b>\r\n&amp\r\nค</p>\r",
        "<title>ก &amp; ข</titl><b></title>",
        "<script>if (a < b) '</p>'</script><p>ก<script>ก</script>ข",
        "<pre>ก</div>ข<p>ค",
        "<svg><title/>ก</svg><math>ก</p>ข",
        "<!-- ก --><!doctype ก><![CDATA[ก]]><?ก?>ข<!-->ค<!--",
        "<p translate=no>ก<p>ข<table><tr><td class='x notranslate'>ค<td>ง</table>",
        "<plaintext>ก</plaintext>ข",
        "<textarea>ก</textarea>ข<select><option>ค<option>ง</select>",
        "---\ntitle: ก\n---\n\n# ก {#ข}\n\nก\\\nข  \nค `` ` ``\n\n[ก]: ข\n\n![ก](ข \"ค\") [ก][] <http://ก> &amp;&acE;",
        "| ก | ข |\n|---|:-:|\n| `ค\\|ง` \\| จ | **ฉ** |\n",
        "> - ก\n>   1. ข\n> > ค\n\nง\n===\n\n- [x] จ\n- [ ] ฉ\n\n```ก\nข\n```\n\n    ค\n",
        "*ก **ข* ค** ~~ง~~ <b>จ</b><br>ฉ <!-- ช --> [^1]\n\n[^1]: ซ\n    ฌ\n",
        "<div>\n\n*ก*\n\n</div>\n<span>ข",
        "\\\\*ก*\\\\ \\<ข\\> \\ก \\",
        "ก\0ข `ค\0` &#0;\0",
        "> `ก\0ข\r\n> ค\r\n> ง`",
        "ไทย ```\n|-|-|\n&amp;a- ```\n&ltๆ<b>",
        "😀ก😀<b>😀</b>&#128512;\u{200d}😀",
    ] {
        for (format, paragraphs) in ALL_READER_SETTINGS {
            for cuts in [&[][..], &[0.5], &[0.2, 0.4, 0.6, 0.8]] {
                let document = read(text.to_owned(), format, paragraphs);
                assert_eq!(rebuild_source(&document, cuts), text, "{format:?}");
            }
        }
    }
}

#[test]
fn deep_nesting_overflows_no_stack() {
    for (open, close) in [
        ("<div>", "</div>"),
        ("<b>", "</b>"),
        ("<ul><li>", ""),
        ("<table><tr><td>", ""),
        ("<svg>", ""),
        ("<", ">"),
        ("> ", ""),
        ("- ", ""),
        ("[", "]"),
        ("![", "](x)"),
        ("*", "*"),
        ("**ก ", "**"),
        ("`", ""),
        ("(", ")"),
    ] {
        let text = format!("{}ก{}", open.repeat(100_000), close.repeat(100_000));
        for (format, paragraphs) in ALL_READER_SETTINGS {
            assert_eq!(
                rebuild_source(&read(text.clone(), format, paragraphs), &[0.3, 0.6]),
                text,
                "{open}"
            );
        }
    }
}

/// Generates strings that consist mostly of broken markup.
fn markup_soup_strategy() -> impl Strategy<Value = String> {
    let bits = vec![
        "ก",
        "ข้าว",
        "ไทย ",
        "น้ำ",
        "ๆ",
        " ",
        "  ",
        "\n",
        "\r\n",
        "\r",
        "\n\n",
        "\t",
        "\u{200b}",
        "\u{a0}",
        "\u{feff}",
        "😀",
        "a",
        "1",
        ".",
        ":",
        "\"",
        "'",
        "\\",
        "\0",
        "<",
        ">",
        "&",
        ";",
        "/",
        "=",
        "#",
        "!",
        "&amp;",
        "&nbsp;",
        "&lt",
        "&#3585;",
        "&#xE01",
        "&acE;",
        "&ThickSpace;",
        "&nGt;",
        "<b>",
        "</b>",
        "<i class='x'>",
        "</i>",
        "<p>",
        "</p>",
        "<br>",
        "<br/>",
        "<img src=x>",
        "<div>",
        "</div>",
        "<ul>",
        "<li>",
        "</ul>",
        "<table>",
        "<tr>",
        "<td>",
        "</table>",
        "<h1>",
        "</h1>",
        "<title>",
        "</title>",
        "<script>",
        "</script>",
        "<style>",
        "<svg>",
        "</svg>",
        "<pre>",
        "</pre>",
        "<code>",
        "<sup>",
        "</sup>",
        "<sub>",
        "๔",
        "<ruby>",
        "<rt>",
        "</rt>",
        "</ruby>",
        "<i hidden>",
        "<p style=display:none>",
        "\n12\n",
        "\u{c}",
        "จะ\n\n",
        "<span translate=no>",
        "</span>",
        "<p class=notranslate>",
        "<!--",
        "-->",
        "<!doctype html>",
        "<?xml?>",
        "<a href=\"?ก=ข&amp;\">",
        "</a>",
        "*",
        "**",
        "_",
        "~~",
        "`",
        "``",
        "[",
        "]",
        "(",
        ")",
        "](x)",
        "![",
        "[^1]",
        "[^1]:",
        "- ",
        "> ",
        "1. ",
        "# ",
        "---\n",
        "===\n",
        "```\n",
        "|",
        "|-|-|\n",
        "    ",
        "- [ ] ",
        "ข้าวราคาตกลงมากและ\n",
        "ชาวนาทั่วประเทศจึงขอให้รัฐบาลเร่งช่วยเหลือ และ\n",
        "  ก)  ",
        "> > ",
        "ที่มา: ",
        "==\n",
        "== ข ==\n",
        "\u{2028}",
        "\t\t",
        "<https://x.th>",
        "[ก]: /ข\n",
    ];
    prop::collection::vec(prop::sample::select(bits), 0..30).prop_map(|bits| bits.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn any_cut_of_any_source_comes_back_whole(
        text in prop_oneof![9 => markup_soup_strategy(), 1 => any::<String>()],
        cuts in prop::collection::vec(0.0..1.0, 0..6),
    ) {
        for (format, paragraphs) in ALL_READER_SETTINGS {
            let document = read(text.clone(), format, paragraphs);
            prop_assert_eq!(&rebuild_source(&document, &cuts), &text);
        }
        let lines = Document::by_lines(text.clone());
        let mut rebuilt = String::new();
        let mut end = 0;
        for block in &lines.blocks {
            let span = block.source_span(0..block.text.len());
            prop_assert_eq!(&block.text, span.of(&text));
            rebuilt += &text[end..span.start];
            rebuilt += span.of(&text);
            end = span.end;
        }
        prop_assert_eq!(rebuilt + &text[end..], text);
    }
}

/// White space that is partly invisible, at the start of a paragraph, stays outside the paragraph.
#[test]
fn invisible_white_space_before_a_paragraph_is_outside_of_it() {
    for text in [
        "\u{a0}\u{feff}-->",
        "\u{a0}\u{200b}ก *ข*\u{200b}\u{a0}",
        "\u{a0}\u{feff}`ก\u{200b}ข`",
    ] {
        for (format, paragraphs) in ALL_READER_SETTINGS {
            let document = read(text.to_owned(), format, paragraphs);
            assert_eq!(rebuild_source(&document, &[0.5]), text, "{format:?}");
        }
    }
}
