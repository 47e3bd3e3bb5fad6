//! Tests of the reader of HTML: kinds of blocks, optional end tags, untranslated elements, and character references.

use super::*;
use crate::document::{Format, tests::outline};
use insta::assert_snapshot;

#[test]
fn blocks_and_their_kinds() {
    let text = "<!doctype html><html lang=th translate=no><head><title>หัวเรื่อง &amp; ข่าว</title><style>p{}</style></head>\n<body class='notranslate'><h2><a href='#ก'>หัวข้อ</a></h2>ข้อความเปล่า<p>ย่อหน้า\r\n   <b>เน้น</b>&nbsp;ต่อ<p>ย่อหน้าสอง<br>บรรทัดใหม่<ul><li>หนึ่ง<ol><li><p>สอง</ol><li>สาม</ul><blockquote><p>คำพูด</blockquote><table><caption>ตาราง<tr><td>ก<th>ข<tr><td>ค</table><figure><img alt='รูป'><figcaption>คำบรรยาย</figcaption></figure><p>ภาพ: ซินหัว</p>ท้าย";
    assert_snapshot!(outline(text, Format::Html), @r#"
    Heading 1: หัวเรื่อง & ข่าว   <-- หัวเรื่อง &amp; ข่าว
    Heading 2: หัวข้อ   <-- <a href='#ก'>หัวข้อ</a>
    Paragraph 0: ข้อความเปล่า
    Paragraph 0: ย่อหน้า เน้น ต่อ   <-- ย่อหน้า\r\n   <b>เน้น</b>&nbsp;ต่อ
    Paragraph 0: ย่อหน้าสอง
    Paragraph 0: บรรทัดใหม่
    ListItem 1: หนึ่ง
    ListItem 2: สอง
    ListItem 1: สาม
    Quote 0: คำพูด
    Caption 0: ตาราง
    Cell 0: ก
    Cell 0: ข
    Cell 0: ค
    Caption 0: คำบรรยาย
    Caption 0: ภาพ: ซินหัว
    Paragraph 0: ท้าย
    "#);
}

#[test]
fn what_is_not_running_text_is_left_alone() {
    for text in [
        "<script>'ก' < 'ข'</script>",
        "<style>ก</style><noscript><p>ก</p></noscript><template><p>ก</p></template>",
        "<svg><title/><text>ก</text></svg><math><mi>ก</mi></math>",
        "<pre><code>ก <b>ข</b></code></pre><textarea><p>ก</textarea><iframe>ก</iframe>",
        "<!-- ก --><?php ก ?><![CDATA[ก]]><!doctype ก>",
        "<p translate=no>ก<br>ข</p><div class='a notranslate b'><p>ก</p>ข</div><p><b TRANSLATE='No'>ก</b>&nbsp;</p>",
        "<p><img alt='ก' title=\"ข\"><input value='ค'></p>",
        "&nbsp;<p>&#8203;\u{feff}</p>",
    ] {
        assert_eq!(outline(text, Format::Html), "", "{text}");
    }
}

#[test]
fn tags_that_close_or_end_nothing_here_are_no_bounds() {
    for (text, expected) in [
        ("<ul><b><li>ก</b>ข</li></ul>", "ListItem 1: กข   <-- ก</b>ข\n"),
        (
            "<p>ก<template><p>ข</p></template>ค</p>",
            "Paragraph 0: กค   <-- ก<template><p>ข</p></template>ค\n",
        ),
        ("<h2>ก<svg><p></h2>ข", "Heading 2: ก\nParagraph 0: ข\n"),
        ("<li>ก</i></li>", "ListItem 1: ก   <-- ก</i>\n"),
    ] {
        assert_eq!(outline(text, Format::Html), expected, "{text}");
    }
}

#[test]
fn an_element_that_is_left_open_does_not_swallow_what_follows() {
    for text in [
        "<p translate=no>ก<p>ข",
        "<ul><li translate=no>ก<ul><li>ก</ul><li>ข</ul>",
        "<table><tr><td translate=no>ก<td>ข</table>",
        "<table><tr translate=no><td>ก<tr><td>ข</table>",
        "<table><tbody translate=no><tr><td>ก<tbody><tr><td>ข</table>",
        "<p><span translate=no>ก</p>ข",
        "<div><svg><g>ก</div>ข",
        "<div><pre><code>ก</div>ข",
        "<p hidden>ก<p>ข",
        "<ul><li style='display:none'>ก<li>ข</ul>",
    ] {
        let outline = outline(text, Format::Html);
        assert!(
            outline.ends_with(": ข\n") && outline.lines().count() == 1,
            "{text}: {outline}"
        );
    }
}

#[test]
fn inline_elements_and_references_are_decoded_in_place() {
    let text = "<p>ซื้อ <span translate=no>ปตท.</span> ที่<code>ร้าน</code> H<sub>2</sub>O &lt;b&gt; &#3585;&#xE02; &hellip; &bogus; a&b < 5 <!-- ก -->ค<script>x</script>ง <i\nclass=x>จ</i><p>น้ำ<wbr>ท่วม";
    assert_snapshot!(outline(text, Format::Html), @r#"
    Paragraph 0: ซื้อ ปตท. ที่ร้าน H₂O <b> กข … &bogus; a&b < 5 คง จ   <-- ซื้อ <span translate=no>ปตท.</span> ที่<code>ร้าน</code> H<sub>2</sub>O &lt;b&gt; &#3585;&#xE02; &hellip; &bogus; a&b < 5 <!-- ก -->ค<script>x</script>ง <i\nclass=x>จ</i>
    Paragraph 0: น้ำท่วม   <-- น้ำ<wbr>ท่วม
    "#);
}

#[test]
fn white_space_collapses_as_in_a_browser() {
    let text = "<p> ก \t\r\n ข<b> </b> ค <b> ง</b>&#32; จ&nbsp; ฉ </p>";
    assert_eq!(read_html(text).blocks[0].text, "ก ข ค ง จ\u{a0} ฉ");
}

#[test]
fn empty_element_tags_of_xhtml_are_whole() {
    let text = "<?xml version='1.0'?><html><script src='x'/><a id='x'/><p translate='no'/><p>ก</p></html>";
    assert_eq!(outline(text, Format::Html), "Paragraph 0: ก\n");
}

#[test]
fn tags_of_other_formats_are_told_apart() {
    for (tag, expected) in [
        ("<b>", TagEffect::Open),
        ("<A href='/'>", TagEffect::Open),
        ("</b>", TagEffect::Close),
        ("<IMG src=x>", TagEffect::Empty),
        ("<x/>", TagEffect::Empty),
        ("<br>", TagEffect::Break),
        ("<BR />", TagEffect::Break),
        ("<!-- x -->", TagEffect::Comment),
        ("<?x?>", TagEffect::Comment),
    ] {
        assert_eq!(classify_tag(tag), expected, "{tag}");
    }
}

/// Issue 19, kind 12: 1,569<sup>3</sup> became 1,5693.
#[test]
fn figures_above_and_below_the_line_are_written_so() {
    for (html, expected) in [
        ("<p>มี 1,569<sup>3</sup> คน", "มี 1,569³ คน"),
        ("<p>10<sup>6</sup> และ 10<sup>-6</sup>", "10⁶ และ 10⁻⁶"),
        ("<p>H<sub>2</sub>O และ CO<sub>2</sub>5", "H₂O และ CO₂5"),
        ("<p>ปี ๒๕๖๖<sup>๔</sup> และ<sup>๑๒</sup>", "ปี ๒๕๖๖⁴ และ¹²"),
        ("<p>1,569<sup><a href='#3'><b>3</b></a></sup> คน", "1,569³ คน"),
        ("<p>1,569<sup>3,4</sup> คน", "1,569³,⁴ คน"),
        ("<p>1,569<sup>&#51;</sup> คน", "1,569³ คน"),
        ("<p>1,569<sup class=reference>[3]</sup> คน", "1,569[3] คน"),
        ("<p>ครั้งที่ 1<sup>st</sup> ก", "ครั้งที่ 1st ก"),
        (
            "<p>25<span style='font-size:50%; vertical-align: super'>3</span> ก",
            "25³ ก",
        ),
        ("<p>25<sup>3<p>4 ก", "25³"),
    ] {
        assert_eq!(read_html(html).blocks[0].text, expected, "{html}");
        let markdown = html.replace("<p>", "");
        let blocks = crate::document::markdown::read_markdown(&markdown).blocks;
        if !html.contains(['&', '[']) && !html.ends_with("<p>4 ก") {
            assert_eq!(blocks[0].text, expected, "{markdown}");
        }
    }
}

/// Issue 19, kind 12.
#[test]
fn readings_above_words_and_hidden_text_are_left_out_and_listed() {
    for (html, expected, omitted) in [
        (
            "<p>คำ <ruby>漢字<rp>(</rp><rt>คันจิ</rt><rp>)</rp></ruby> ก",
            "คำ 漢字 ก",
            "(คันจิ)",
        ),
        ("<p>คำ <ruby>漢<rt>คัน<rb>字<rt>จิ</ruby> ก", "คำ 漢字 ก", "คันจิ"),
        ("<p>ก<span hidden>ข</span>ค", "กค", "ข"),
        (
            "<p>ก<span style='color:red;DISPLAY : none !important'>ข<b>ง</b></span>ค",
            "กค",
            "ขง",
        ),
        ("<p>ก<span style='visibility:hidden'>&#3586;</span>ค", "กค", "&#3586;"),
        ("<div hidden><p>ข</p><p>ง</p></div><p>ก", "ก", "ขง"),
        ("<p style='display:none;display:block'>ก</p>", "ก", ""),
        ("<p hidden=until-found>ก</p>", "ก", ""),
        ("<p aria-hidden=true>ก</p>", "ก", ""),
        ("<html style='visibility:hidden'><body hidden><p>ก</p>", "ก", ""),
    ] {
        let read = read_html(html);
        let texts: Vec<&str> = read.blocks.iter().map(|block| &*block.text).collect();
        assert_eq!(texts, [expected], "{html}");
        let left: String = read.omitted.iter().map(|span| span.of(html)).collect();
        assert_eq!(left, omitted, "{html}");
    }
}

/// Issue 19, kind 12: prose in `<pre>` is translated, code is not.
#[test]
fn preformatted_prose_is_text_and_code_is_not() {
    for (html, expected) in [
        ("<pre>\nฝนตกหนัก\nทั่วทุกภาค\n</pre><p>ก", &["ฝนตกหนัก", "ทั่วทุกภาค", "ก"][..]),
        (
            "<pre>ฝนตกหนัก <b>มาก</b>\nทั่ว &amp; ทุกภาค</pre>",
            &["ฝนตกหนัก มาก", "ทั่ว & ทุกภาค"],
        ),
        ("<pre>ฝนตกหนักมาก", &["ฝนตกหนักมาก"]),
        ("<pre><code>ฝน = 1\nprint(ฝน)</code></pre><p>ก", &["ก"]),
        ("<PRE> <CODE>ฝนตกหนัก</CODE></PRE><p>ก", &["ก"]),
        ("<pre class='language-python'>ฝน = 'ฝนตกหนัก'</pre><p>ก", &["ก"]),
        ("<div class=highlight><pre>ฝน = 'ฝนตกหนัก'</pre></div><p>ก", &["ก"]),
        ("<pre>for rain in range(10): print('ฝน')</pre><p>ก", &["ก"]),
        ("<pre hidden>ฝนตกหนัก</pre><pre translate=no>ฝนตก</pre><p>ก", &["ก"]),
    ] {
        let blocks = read_html(html).blocks;
        let texts: Vec<&str> = blocks.iter().map(|block| &*block.text).collect();
        assert_eq!(texts, expected, "{html}");
    }
}

/// Issue 19, kind 26: each start tag looks ahead, but never far.
#[test]
fn many_preformatted_elements_take_little_time() {
    let started = std::time::Instant::now();
    for (open, close) in [
        ("<pre>", ""),
        ("<pre>", "</pre>"),
        ("<pre>ก", ""),
        ("<ruby>ก<rt>", ""),
        ("<sup>", "</sup>"),
    ] {
        read_html(&format!("{}ก{}", open.repeat(20_000), close.repeat(20_000)));
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

/// A tag with very many attributes overflowed the stack of the tokenizer, which fuzzing found.
#[test]
fn a_tag_with_very_many_attributes_is_passed_over() {
    let text = format!("<p>ก<b>ข</b></p><p{}>ค</p>ง", " class=\"x\"".repeat(100_000));
    let document = super::super::read(text.clone(), Format::Html, ParagraphRule::Auto);
    let blocks: Vec<_> = document
        .blocks
        .iter()
        .map(|block| (block.text.as_str(), block.span.of(&text)))
        .collect();
    assert_eq!(blocks, [("กข", "ก<b>ข</b>"), ("ค", "ค"), ("ง", "ง")]);
    let text = format!("ก <b{}>ข</b> ค", " class=\"x\"".repeat(100_000));
    let document = super::super::read(text.clone(), Format::Markdown, ParagraphRule::Auto);
    assert_eq!(document.blocks[0].text, "ก ข ค");
}
