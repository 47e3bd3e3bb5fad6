//! Tests of the normalisation rules: each rule on written-out examples, and what must hold for any text.

use super::*;
use proptest::prelude::*;

fn apply_rule(rule: NormalisationRule, text: &str) -> String {
    rule(chars_with_spans(text)).into_iter().map(|char| char.c).collect()
}

fn check_rule(rule: NormalisationRule, cases: &[(&str, &str)]) {
    for (text, normal) in cases {
        assert_eq!(&apply_rule(rule, text), normal, "{}", text.escape_unicode());
        assert_eq!(&apply_rule(rule, normal), normal, "again: {}", text.escape_unicode());
    }
}

#[test]
fn glyphs_of_old_fonts_are_mapped() {
    check_rule(
        map_private_glyphs,
        &[
            ("", ""),
            ("ป\u{f701}", "ป\u{e34}"),
            ("ท\u{f70a}", "ท\u{e48}"),
            ("ป\u{f705}า ฝ\u{f710}", "ป\u{e48}า ฝ\u{e31}"),
            ("\u{f700}าน ห\u{f70f}\u{f70f}", "ฐาน หญญ"),
            ("ก\u{f718}\u{f88b}", "ก\u{e38}\u{e48}"),
            ("ฟ\u{f712} ป\u{f711}", "ฟ\u{e47} ป\u{e4d}"),
            (
                "ป\u{f714} ป\u{f715} ป\u{f716} ป\u{f717}",
                "ป\u{e49} ป\u{e4a} ป\u{e4b} ป\u{e4c}",
            ),
            ("ก\u{f8ff}", "ก\u{f8ff}"),
        ],
    );
}

#[test]
fn invisible_characters_are_dropped() {
    check_rule(
        drop_invisible_chars,
        &[
            ("ภาษา\u{200b}ไทย\u{200d}", "ภาษาไทย"),
            ("\u{feff}หัวข้อ\u{ad}ข่าว\u{200e}", "หัวข้อข่าว"),
            ("ก\u{200c}ข\u{2060}ค\u{202a}ง\u{202c}", "กขคง"),
            ("ก ข", "ก ข"),
        ],
    );
}

#[test]
fn widths_and_digits_are_the_usual() {
    check_rule(
        narrow_full_width_chars,
        &[("ＡＢＣ ２０２３！", "ABC 2023!"), ("（ก）～", "(ก)~"), ("。ก", "。ก")],
    );
    check_rule(
        map_thai_digits,
        &[
            ("ปี ๒๕๖๖ และ 2023", "ปี 2566 และ 2023"),
            ("๐๑๒๓๔๕๖๗๘๙", "0123456789"),
            ("๏ ๚ ๛", "๏ ๚ ๛"),
        ],
    );
}

#[test]
fn accents_are_composed() {
    check_rule(
        compose_accents,
        &[
            ("cafe\u{301} ร้านกาแฟ", "café ร้านกาแฟ"),
            ("\u{301}", "\u{301}"),
            ("q\u{301}", "q\u{301}"),
            ("e\u{323}\u{302}", "\u{1ec7}"),
            ("น\u{e49}ำ", "น\u{e49}ำ"),
        ],
    );
}

#[test]
fn spaces_are_single() {
    check_rule(
        collapse_spaces,
        &[
            ("  ก  ข\t", "ก ข"),
            ("ก\u{a0}ข\u{3000}ค", "ก ข ค"),
            ("บรรทัดแรก\r\nบรรทัดสอง", "บรรทัดแรก บรรทัดสอง"),
            ("ก\u{0}\u{7f}\u{9c}ข", "ก ข"),
            (" \n ", ""),
        ],
    );
}

#[test]
fn torn_words_are_joined() {
    check_rule(
        join_torn_words,
        &[
            ("ส ำคัญ", "สำคัญ"),
            ("ท \u{e35}\u{e48}ดิน", "ท\u{e35}\u{e48}ดิน"),
            ("ส\u{e4d} าคัญ", "ส\u{e4d}าคัญ"),
            ("ด าเนินการท างาน", "ดำเนินการทำงาน"),
            ("น\u{e49} าใจ", "น\u{e49}ำใจ"),
            ("ดื่มน\u{e49} า", "ดื่มน\u{e49}ำ"),
            // Letters set apart, and signs by themselves.
            ("ก า ร", "ก า ร"),
            ("สระ า และ ำ", "สระ า และ ำ"),
            ("a า", "a า"),
            ("5 ำ", "5 ำ"),
            ("มา ำ", "มา ำ"),
            ("ท\u{e35}\u{e48} าง", "ท\u{e35}\u{e48} าง"),
        ],
    );
}

/// pdf-inspector#249: a font without a code for ำ leaves a space and า of it.
#[test]
fn a_vowel_am_that_pdf_text_lost_is_found_again() {
    check_rule(
        join_torn_words,
        &[
            ("น ้าท่วม", "น้ำท่วม"),
            ("ต ่ากว่า", "ต่ำกว่า"),
            ("ซ ้าซ้อน ย ้าว่า ถ ้าหาก", "ซ้ำซ้อน ย้ำว่า ถ้าหาก"),
            ("การท างานของผู้น า", "การทำงานของผู้นำ"),
            ("ต้องท า แล้วจดจ า", "ต้องทำ แล้วจดจำ"),
            ("ค าแนะน าและค าถาม", "คำแนะนำและคำถาม"),
            ("น ้ า น ้ำ น \u{e4d}\u{e49}า", "น้ำ น้ำ น\u{e4d}\u{e49}า"),
            ("ส \u{e4d} าคัญ ส\u{e4d} า", "ส\u{e4d}าคัญ ส\u{e4d}า"),
        ],
    );
}

/// The opposite damage: a text layer puts a space before each mark (pdf-inspector#249, pythainlp#384).
#[test]
fn a_space_before_a_mark_only_goes_away() {
    check_rule(
        join_torn_words,
        &[
            ("ข ้าว", "ข้าว"),
            ("ต ้องการไปหน ้าบ ้าน", "ต้องการไปหน้าบ้าน"),
            ("ต ่างประเทศกล ่าวว ่า", "ต่างประเทศกล่าวว่า"),
            ("ค ่าใช ้จ ่าย", "ค่าใช้จ่าย"),
            ("เจ ้าหน ้าที ่ถ ึงกรณ ีที่", "เจ้าหน้าที่ถึงกรณีที่"),
            ("ก ารเมือง", "การเมือง"),
            ("พ ุ่มดอกไม้ จ ะไป", "พุ่มดอกไม้ จะไป"),
            ("นายกฯ กล ่าวว ่า ฟอนด ้า", "นายกฯ กล่าวว่า ฟอนด้า"),
        ],
    );
}

/// The other torn words of a text decide if both readings of a torn word are words.
#[test]
fn ambiguous_words_are_read_as_the_rest_of_the_text() {
    check_rule(
        join_torn_words,
        &[
            ("เมื่อค ่าวานนี้", "เมื่อค่าวานนี้"),
            ("ท างานส าคัญจนค ่า", "ทำงานสำคัญจนค่ำ"),
            ("ทำงานสำคัญจนน ้า", "ทำงานสำคัญจนน้า"),
        ],
    );
}

/// pythainlp#384, #372: a tone mark typed after the vowel.
#[test]
fn marks_stand_before_the_vowel_after_their_consonant() {
    check_rule(
        move_marks_before_vowels,
        &[
            ("สนามหญา้หนา้บา้น", "สนามหญ้าหน้าบ้าน"),
            ("คะ่ นะ่", "ค่ะ น่ะ"),
            ("ท\u{e32}\u{e4d}", "ท\u{e4d}\u{e32}"),
            ("กาา้", "ก้าา"),
            ("า้", "า้"),
        ],
    );
}

/// nvda#6706: bullets of Symbol and Wingdings.
#[test]
fn bullets_of_symbol_fonts_are_bullets() {
    check_rule(
        map_private_glyphs,
        &[
            ("\u{f0b7} ข้อ", "• ข้อ"),
            ("\u{f0a7}ข้อ \u{f0d8}\tข้อ", "•ข้อ •\tข้อ"),
            ("\u{f0fc} ทำแล้ว ก \u{f0e0} ข", "✓ ทำแล้ว ก → ข"),
            ("\u{f046} ข้อ", "• ข้อ"),
            ("ก\u{f046}ข \u{e123} ข", "ก\u{f046}ข \u{e123} ข"),
        ],
    );
}

/// pythainlp#373, and references that were left in plain text.
#[test]
fn references_to_invisible_characters_are_dropped() {
    check_rule(
        drop_invisible_chars,
        &[
            ("ภาษา&#8203;ไทย&#x200B;&ZeroWidthSpace;&shy;&#173;", "ภาษาไทย"),
            ("ก&nbsp;ข&#160;ค", "ก\u{a0}ข\u{a0}ค"),
            ("ก\u{61c}ข\u{2066}ค\u{2069}", "กขค"),
            ("A&amp;B &#3585; & &#; &x;", "A&amp;B &#3585; & &#; &x;"),
            ("👩\u{200d}⚕\u{fe0f}ก\u{200d}", "👩\u{200d}⚕\u{fe0f}ก"),
        ],
    );
}

#[test]
fn lost_characters_are_found() {
    for (text, is_lost) in [
        ("ประเท\u{fffd}", true),
        ("\u{fffd}", true),
        ("ภ\u{e123}ษา", true),
        ("ภาษ\u{f07a}", true),
        ("\u{f07a}\u{200b}าษา", true),
        ("ทั\u{f70a}ว", false),
        ("\u{f0b7}ข้อ", false),
        ("\u{f0b7} ข้อ \u{e123} ข", false),
        ("ภาษาไทย", false),
    ] {
        assert_eq!(has_lost_chars(text), is_lost, "{}", text.escape_unicode());
    }
}

/// The visible text keeps the layout, and knows its source.
#[test]
fn visible_text_keeps_lines_and_spaces() {
    for (source, text) in [
        ("ก  ข\t ค\r\n\n  ๕ ต่าง ๆ", "ก  ข\t ค\r\n\n  ๕ ต่าง ๆ"),
        ("ก \u{200b} ข\u{2060}ค", "ก  ขค"),
        ("ก\u{a0}ข \u{a0}ค\u{a0} ง\u{202f}จ\u{1b}", "ก ข ค ง จ "),
        ("น\u{e4d}\u{e49}า ท\u{e48}\u{e35} เเม่", "น้ำ ที่ แม่"),
        ("น ้า\n ้า", "น้ำ\n ้า"),
        ("\u{200b}", ""),
    ] {
        let visible = VisibleText::new(source);
        assert_eq!(visible.text(), text, "{}", source.escape_unicode());
        assert_eq!(
            VisibleText::new(text).text(),
            text,
            "again: {}",
            source.escape_unicode()
        );
    }
    let source = "\u{feff}ก\u{200b} \u{200b}ข\u{200b}";
    let visible = VisibleText::new(source);
    assert_eq!(visible.source_span(0..3).of(source), "ก");
    assert_eq!(visible.source_span(4..7).of(source), "ข");
    assert_eq!(visible.source_span(0..7).of(source), "ก\u{200b} \u{200b}ข");
}

/// A run of marks took quadratic time in `compose_sara_am`.
#[test]
fn long_runs_are_normalised_in_linear_time() {
    for unit in [
        "\u{e48}",
        "\u{e4d}",
        "ก\u{e35}",
        "ำ",
        "า้",
        "\u{e4d}า",
        " ้",
        " า",
        "น ้า",
        "ก า ",
        "เ",
        "&",
        "&#8203;",
        "\u{301}",
        "e\u{301}\u{323}",
        "\u{200b}",
        "\u{a0} ",
        "ๆ",
        "\u{f0b7}",
        "\u{fffd}",
        "\u{0}",
        "👩\u{200d}",
    ] {
        let text = unit.repeat(500_000 / unit.len());
        let start = std::time::Instant::now();
        assert!(normalise_thai(&text).len() <= text.len() * 2, "{unit:?}");
        assert!(VisibleText::new(&text).text().len() <= text.len() * 2, "{unit:?}");
        assert!(start.elapsed().as_secs() < 10, "{unit:?}: {:?}", start.elapsed());
    }
}

#[test]
fn sara_am_is_one_character_after_the_tone_mark() {
    check_rule(
        compose_sara_am,
        &[
            ("ท\u{e4d}า", "ทำ"),
            ("น\u{e4d}\u{e49}า", "น\u{e49}ำ"),
            ("น\u{e49}\u{e4d}า", "น\u{e49}ำ"),
            ("น\u{e33}\u{e49}", "น\u{e49}ำ"),
            ("น\u{e4d}\u{e33}", "นำ"),
            ("ทำำ", "ทำ"),
            ("น\u{e49}ำ", "น\u{e49}ำ"),
            ("ก\u{e4d}", "ก\u{e4d}"),
            ("มา", "มา"),
        ],
    );
}

#[test]
fn marks_are_put_in_order_once_each() {
    check_rule(
        order_vowels_and_tone_marks,
        &[
            ("ท\u{e48}\u{e35}", "ท\u{e35}\u{e48}"),
            ("ร\u{e39}\u{e49}", "ร\u{e39}\u{e49}"),
            ("พันธ\u{e4c}\u{e38}", "พันธ\u{e38}\u{e4c}"),
            ("ท\u{e35}\u{e35}\u{e48}\u{e48}", "ท\u{e35}\u{e48}"),
            ("ก\u{e48}\u{e49}า", "ก\u{e49}า"),
            ("ก\u{e49}\u{e38}\u{e48}ง", "ก\u{e38}\u{e48}ง"),
            ("เป\u{e47}น", "เป\u{e47}น"),
            ("กก", "กก"),
        ],
    );
}

#[test]
fn doubled_vowels_are_single() {
    check_rule(
        drop_repeated_vowels,
        &[
            ("เเต่", "แต่"),
            ("เเละเเม่", "และแม่"),
            ("เเเเม", "แม"),
            ("เด็ก", "เด็ก"),
            ("มาา", "มา"),
            ("ค\u{e48}ะะ", "ค\u{e48}ะ"),
            ("โโรง ใในน ไไป", "โรง ในน ไป"),
            ("ต่างๆ ฯลฯ ฤๅษี", "ต่างๆ ฯลฯ ฤๅษี"),
        ],
    );
}

#[test]
fn the_repetition_mark_follows_its_word() {
    check_rule(
        attach_repetition_mark,
        &[
            ("ต่าง ๆ ที่", "ต่างๆ ที่"),
            ("ต่าง ๆที่", "ต่างๆ ที่"),
            ("ต่างๆที่", "ต่างๆ ที่"),
            ("เด็กๆ", "เด็กๆ"),
            ("ใด ๆ, อื่น ๆ)", "ใดๆ, อื่นๆ)"),
            ("5 ๆ", "5 ๆ"),
            ("ๆ ๆ", "ๆๆ"),
        ],
    );
}

#[test]
fn normal_text_is_borrowed() {
    for text in [
        "น้ำใจของคนไทย 100% ที่ Bangkok",
        "",
        "a b",
        "“คำพูด” ‘ใน’ \"ข่าว\" – 'นี้' ฯลฯ",
    ] {
        assert!(
            matches!(normalise_thai(text), Cow::Borrowed(same) if same == text),
            "{text}"
        );
    }
    assert_eq!(
        normalise_thai(" น\u{e4d}\u{200b}\u{e49}า\u{a0} ต่าง ๆ\n๕ เเก้ว "),
        "น\u{e49}ำ ต่างๆ 5 แก้ว"
    );
    assert_eq!(normalise_thai("กระบวนการส\u{e4d}\u{a0}าคัญ"), "กระบวนการสำคัญ");
    // Found by random strings: one rule makes what another would have joined.
    for text in [
        "ก\u{e48}\u{e34} า",
        "ก\u{a0}า ๆ",
        "เเเเก",
        "ก\u{e4d} \u{e48}า",
        "ำ\u{e48}ะ\u{e4d}",
        "อ ะ \u{e4c} \u{e48}",
        "ก า ร \u{e35} ร ก า ๆ",
        "ก า ร า ร ะ",
    ] {
        let once = normalise_thai(text).into_owned();
        assert_eq!(normalise_thai(&once), once, "{}", text.escape_unicode());
    }
}

#[test]
fn normalised_text_knows_its_source() {
    let source = "\u{feff}ปี  ๒๕๖๖ น\u{e4d}\u{200b}\u{e49}า ต่าง ๆที่ cafe\u{301} เเก้ว";
    let normal = NormalisedText::new(source);
    assert_eq!(normal.text(), "ปี 2566 น\u{e49}ำ ต่างๆ ที่ café แก้ว");
    for (part, origin) in [
        ("ปี", "ปี"),
        ("2566", "๒๕๖๖"),
        ("66", "๖๖"),
        ("ปี 2566", "ปี  ๒๕๖๖"),
        ("น\u{e49}ำ", "น\u{e4d}\u{200b}\u{e49}า"),
        ("ต่างๆ", "ต่าง ๆ"),
        ("ๆ ที่", "ๆที่"),
        ("café", "cafe\u{301}"),
        ("แก้ว", "เเก้ว"),
        (normal.text(), source.trim_start_matches('\u{feff}')),
    ] {
        let at = normal.text().find(part).expect(part);
        assert_eq!(normal.source_span(at..at + part.len()).of(source), origin, "{part}");
    }
    assert_eq!(normal.source_span(0..0), Span::new(3, 3));
    let end = normal.text().len();
    assert_eq!(normal.source_span(end..end), Span::new(source.len(), source.len()));
    assert_eq!(NormalisedText::new(" ").source_span(0..0), Span::new(0, 0));
    assert_eq!(
        normal.source_span(end + 5..end + 9),
        Span::new(source.len(), source.len())
    );
}

const THAI_TEXT_PATTERN: &str = "[กนอเแโะาำัิีึืุู็่้๊๋์ํ๎ๆฯ ๑１ae\u{301}\u{323}\u{200b}\u{a0}\u{f70a}\u{f711}\u{f0b7}]{0,24}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn twice_is_once(text in THAI_TEXT_PATTERN, other in any::<String>()) {
        for text in [text, other] {
            let once = normalise_thai(&text).into_owned();
            prop_assert_eq!(normalise_thai(&once).into_owned(), once.clone(), "{}", text.escape_unicode());
            prop_assert!(once.len() <= text.len() * 2);
        }
    }

    #[test]
    fn every_rule_twice_is_once(text in THAI_TEXT_PATTERN) {
        for (index, rule) in NORMALISATION_RULES.iter().enumerate() {
            let once = apply_rule(*rule, &text);
            prop_assert_eq!(apply_rule(*rule, &once), once.clone(), "rule {} {}", index, text.escape_unicode());
        }
    }

    #[test]
    fn visible_text_is_settled_and_has_its_source(text in THAI_TEXT_PATTERN, other in any::<String>()) {
        for source in [text, other] {
            let visible = VisibleText::new(&source);
            let again = VisibleText::new(visible.text());
            prop_assert_eq!(again.text(), visible.text(), "{}", source.escape_unicode());
            let (mut end, mut at) = (0, 0);
            for (start, c) in visible.text().char_indices() {
                let span = visible.source_span(start..start + c.len_utf8());
                prop_assert!(span.start >= end && span.end >= span.start && source.is_char_boundary(span.start), "{c:?} {span:?}");
                prop_assert!(visible.source_end(start) == at);
                (end, at) = (span.end, visible.source_end(start + c.len_utf8()));
            }
            // What the model reads is the same.
            prop_assert_eq!(normalise_thai(visible.text()), normalise_thai(&source), "{}", source.escape_unicode());
        }
    }

    #[test]
    fn every_character_has_its_source(text in THAI_TEXT_PATTERN, other in any::<String>()) {
        for source in [text, other] {
            let normal = NormalisedText::new(&source);
            let mut end = 0;
            for (at, c) in normal.text().char_indices() {
                let span = normal.source_span(at..at + c.len_utf8());
                let part = source.get(span.start..span.end);
                prop_assert!(part.is_some_and(|part| !part.is_empty() || c == ' '), "{c:?} {span:?}");
                // A later character never ends further back in the source than an earlier one.
                let until = normal.source_span(0..at + c.len_utf8()).end;
                prop_assert!(until >= end);
                end = until;
            }
            let whole = normal.source_span(0..normal.text().len());
            prop_assert_eq!(normalise_thai(whole.of(&source)), normal.text());
            if normal.text() == source {
                let same = normal.text().char_indices().all(|(at, c)| normal.source_span(at..at + c.len_utf8()) == Span::new(at, at + c.len_utf8()));
                prop_assert!(same);
            }
        }
    }
}
