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
        "<pre>ก <b>ข</b></pre><textarea><p>ก</textarea><iframe>ก</iframe>",
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
        "<div><pre>ก</div>ข",
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
    Paragraph 0: ซื้อ ปตท. ที่ร้าน H2O <b> กข … &bogus; a&b < 5 คง จ   <-- ซื้อ <span translate=no>ปตท.</span> ที่<code>ร้าน</code> H<sub>2</sub>O &lt;b&gt; &#3585;&#xE02; &hellip; &bogus; a&b < 5 <!-- ก -->ค<script>x</script>ง <i\nclass=x>จ</i>
    Paragraph 0: น้ำท่วม   <-- น้ำ<wbr>ท่วม
    "#);
}

#[test]
fn white_space_collapses_as_in_a_browser() {
    let text = "<p> ก \t\r\n ข<b> </b> ค <b> ง</b>&#32; จ&nbsp; ฉ </p>";
    assert_eq!(read_html(text)[0].text, "ก ข ค ง จ\u{a0} ฉ");
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
