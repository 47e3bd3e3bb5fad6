//! Sources with characters that are not visible, or that PDF text layers lost: cut and shown as sources without them.

use super::Sandbox;
use serde_json::Value;

/// The segments that `plae split` finds: kind and source.
fn segments(text: &str) -> Vec<(String, String)> {
    let sandbox = Sandbox::with(&[("a.txt", text)]);
    let found = sandbox
        .run(&["split", "a.txt", "--format", "jsonl"])
        .ends(0, &[])
        .stdout;
    let segment = |line: &str| -> (String, String) {
        let segment: Value = serde_json::from_str(line).unwrap();
        let at = |index: usize| segment["span"][index].as_u64().unwrap() as usize;
        // The source is shown byte for byte.
        assert_eq!(&text[at(0)..at(1)], segment["source"].as_str().unwrap());
        (
            segment["kind"].as_str().unwrap().into(),
            segment["source"].as_str().unwrap().into(),
        )
    };
    found.lines().map(segment).collect()
}

/// pythainlp#373: two paragraphs with a zero-width space beside each space became cells of a table.
#[test]
fn zero_width_spaces_change_neither_kinds_nor_cuts() {
    let clean = "ฝนตกหนักในกรุงเทพมหานคร และปริมณฑล ตั้งแต่เช้า\nน้ำท่วมถนนหลายสายแล้ว และการจราจรติดขัด ตั้งแต่เช้า\n";
    let expected = segments(clean);
    for noise in ["\u{200b}", "\u{2060}", "\u{ad}", "\u{feff}", "&#8203;", "\u{a0}"] {
        let found: Vec<_> = segments(&clean.replace(' ', &format!(" {noise}")));
        let found: Vec<_> = found
            .into_iter()
            .map(|(kind, source)| (kind, source.replace(noise, "")))
            .collect();
        assert_eq!(found, expected, "{}", noise.escape_unicode());
    }
}

/// nvda#6706: lines that begin with a bullet of Symbol or Wingdings are list items.
#[test]
fn bullets_of_symbol_fonts_are_list_items() {
    let found = segments("หัวข้อข่าว\n\n\u{f0b7} ข้อแรก\n\u{f0a7}ข้อสอง\n\u{f0d8}\tข้อสาม\n");
    let items: Vec<_> = found
        .iter()
        .filter(|(kind, _)| kind == "list-item")
        .map(|(_, source)| source.as_str())
        .collect();
    assert_eq!(items, ["ข้อแรก", "ข้อสอง", "ข้อสาม"]);
}
