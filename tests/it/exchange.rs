//! `plae memory import`: files of other translation tools lose nothing without a word.

use super::Sandbox;

const HEADER: &str = "<header creationtool='x' creationtoolversion='1' segtype='sentence' o-tmf='x' adminlang='en' \
                      srclang='*all*' datatype='html'><note>n</note><prop type='x'>p</prop>\
                      <ude name='m' base='x'><map unicode='#xF8FF' code='#xF0' ent='Apple' subst='[Apple]'/></ude></header>";

/// A TMX document with these units.
fn tmx(units: &str) -> String {
    format!("<?xml version='1.0' encoding='UTF-8'?>\n<tmx version='1.4'>{HEADER}<body>{units}</body></tmx>")
}

/// Imports a file into a new memory, and returns sources and targets, sorted, a line each.
fn import(name: &str, bytes: impl AsRef<[u8]>, code: i32, parts: &[&str]) -> Vec<String> {
    let sandbox = Sandbox::new();
    sandbox.write(name, bytes);
    sandbox
        .run(&["memory", "import", name, "--memory", "m.sqlite"])
        .ends(code, parts);
    let exported = sandbox
        .run(&["memory", "export", "--format", "tsv", "--memory", "m.sqlite"])
        .ends(0, &[])
        .stdout;
    let pair = |line: &str| line.split('\t').take(2).collect::<Vec<_>>().join("|");
    let mut pairs: Vec<String> = exported.lines().skip(1).map(pair).collect();
    pairs.sort();
    pairs
}

/// translate#3106, omegat#140: notes and properties may stand in a `tuv`, before its text.
#[test]
fn notes_and_properties_of_a_language_lose_no_unit() {
    let units = "<tu><tuv xml:lang='th'><note>n</note><prop type='x'>p</prop><note>m</note><seg>ลม</seg></tuv>\
                 <tuv xml:lang='en'><prop type='y' xml:lang='th'>p</prop><prop type='z'>q</prop><seg>Wind</seg></tuv></tu>\
                 <tu tuid='1' datatype='Text' usagecount='2'><prop type='a'>p</prop><note>n</note>\
                 <tuv xml:lang='TH-th'><seg>ฝน</seg><prop type='late'>p</prop></tuv>\
                 <tuv xml:lang='en_GB'><seg>Rain</seg><note>late</note></tuv><prop type='late'>p</prop></tu>";
    let pairs = import("a.tmx", tmx(units), 0, &["2 new\n"]);
    assert_eq!(pairs, ["ฝน|Rain", "ลม|Wind"]);
}

/// omegat#140: TMX 1.1 to 1.3 name the language by `lang`; 1.4 files may have both, and `xml:lang` counts.
#[test]
fn older_versions_and_both_language_attributes_are_read() {
    let old = "<?xml version=\"1.0\" ?>\r\n<!DOCTYPE tmx SYSTEM \"tmx11.dtd\">\r\n<tmx version=\"1.1\">\r\n\
               <header creationtool=\"x\" srclang=\"EN-US\"/>\r\n<body>\r\n\
               <tu tuid=\"1\" lastusagedate=\"19970314T023401Z\">\r\n<tuv lang=\"TH\">\r\n<prop type=\"a\" lang=\"en\">x</prop>\
               <seg>ฝน</seg>\r\n</tuv>\r\n<tuv lang=\"EN-US\" changedate=\"19970309T021145Z\"><seg>Rain</seg></tuv></tu>\r\n\
               </body>\r\n</tmx>\r\n";
    assert_eq!(import("a.tmx", old, 0, &["1 new\n"]), ["ฝน|Rain"]);
    let both =
        "<tu><tuv lang='xx' xml:lang='th'><seg>ลม</seg></tuv><tuv xml:lang='en' lang='th'><seg>Wind</seg></tuv></tu>";
    assert_eq!(import("a.tmx", tmx(both), 0, &["1 new\n"]), ["ลม|Wind"]);
    // Some old tools write all names in capitals.
    let capitals = tmx("<tu><tuv lang='th'><seg>ไฟ</seg></tuv><tuv lang='en'><seg>Fire</seg></tuv></tu>");
    let capitals = ["tmx", "body", "tuv", "tu", "seg"].iter().fold(capitals, |text, name| {
        text.replace(&format!("<{name}>"), &format!("<{}>", name.to_uppercase()))
            .replace(&format!("</{name}>"), &format!("</{}>", name.to_uppercase()))
            .replace(&format!("<{name} "), &format!("<{} ", name.to_uppercase()))
    });
    assert_eq!(import("a.tmx", capitals, 0, &["1 new\n"]), ["ไฟ|Fire"]);
}

/// omegat#140: what a unit has too much or too little of is counted by its reason.
#[test]
fn what_is_left_out_of_a_unit_is_counted_by_its_reason() {
    let units = "<tu><tuv xml:lang='en-GB'><seg>Colour</seg></tuv><tuv xml:lang='th'><seg>สี</seg></tuv>\
                 <tuv xml:lang='en-US'><seg>Color</seg></tuv><tuv xml:lang='th-TH'><seg>สีสัน</seg></tuv>\
                 <tuv xml:lang='fr'><seg>Couleur</seg></tuv></tu>\
                 <tu><tuv xml:lang='th'><seg>ลม</seg></tuv><tuv xml:lang='en'><seg> </seg></tuv>\
                 <tuv xml:lang='en-US'><seg>Wind</seg></tuv></tu>\
                 <tu><tuv xml:lang='th'><seg>แดด</seg></tuv><tuv xml:lang='de'><seg>Sonne</seg></tuv></tu>\
                 <tu><tuv xml:lang='en'><seg>Sun</seg></tuv></tu><tu><tuv xml:lang='en'>no seg</tuv></tu>\
                 <tu creationdate='20200101T000000'><tuv xml:lang='th'><seg>ลม</seg></tuv><tuv xml:lang='en'><seg>Gale</seg></tuv></tu>";
    let parts = [
        "3 new, ",
        "1 other translations of sentences that have a newer one",
        "2 without a Thai text",
        "1 without an English text",
        "1 further English texts, the first is taken",
    ];
    let pairs = import("a.tmx", tmx(units), 0, &parts);
    assert_eq!(pairs, ["ลม|Wind", "สี|Colour", "สีสัน|Colour"]);
}

/// omegat#140: a document may declare entities of its own; they multiply no further than a sentence can be long.
#[test]
fn entities_that_the_file_declares_are_text() {
    let unit =
        "<tu><tuv xml:lang='th'><seg>ลม</seg></tuv><tuv xml:lang='en'><seg>Wind by &co; &amp; &#x41;</seg></tuv></tu>";
    let with = |declarations: &str| {
        tmx(unit).replacen(
            "<tmx",
            &format!("<!DOCTYPE tmx SYSTEM 'tmx14.dtd' [{declarations}]><tmx"),
            1,
        )
    };
    let declared = "\n<!-- <!ENTITY co 'no'> -->\n<!ELEMENT tmx ANY>\n<!ENTITY % p 'x'>\n<!ENTITY co \"M&#38;&in;\">\n<!ENTITY in 'N'>";
    assert_eq!(import("a.tmx", with(declared), 0, &["1 new\n"]), ["ลม|Wind by M&N & A"]);
    let mut laughs = "<!ENTITY l0 'lol'>".to_owned();
    for n in 1..10 {
        laughs += &format!("<!ENTITY l{n} '{}'>", format!("&l{};", n - 1).repeat(10));
    }
    let laughs = laughs.replace("l9", "co");
    import(
        "a.tmx",
        with(&laughs),
        1,
        &["a.tmx:line 2, column", "too long a text for the entity"],
    );
    import("a.tmx", with("<!ENTITY co '&co;'>"), 1, &["entities nested too deep"]);
    import(
        "a.tmx",
        with("<!ENTITY co SYSTEM 'other.txt'>"),
        1,
        &["unknown entity &co;"],
    );
}

/// omegat#140: a long XML declaration tells the encoding as well as a short one.
#[test]
fn encodings_are_read_whatever_the_length_of_the_declaration() {
    let unit = "<tu><tuv xml:lang='th'><seg>ลม</seg></tuv><tuv xml:lang='en'><seg>Wind</seg></tuv></tu>";
    for declaration in [
        "<?xml version='1.0' encoding='windows-874'?>",
        "<?xml    version = '1.0'      encoding = \"TIS-620\"              standalone = 'yes'         ?>",
    ] {
        let text = tmx(unit).replace("<?xml version='1.0' encoding='UTF-8'?>", declaration);
        let thai = |c: char| match c {
            '\u{e01}'..='\u{e5b}' => (c as u32 - 0xe01 + 0xa1) as u8,
            c => c as u8,
        };
        let bytes: Vec<u8> = text.chars().map(thai).collect();
        assert_eq!(import("a.tmx", bytes, 0, &["1 new\n"]), ["ลม|Wind"]);
    }
    let utf16 = |to: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let text = tmx(&unit.repeat(900)).replace("UTF-8", "UTF-16").replace('\n', "\r\n");
        format!("\u{feff}{text}").encode_utf16().flat_map(to).collect()
    };
    for bytes in [utf16(u16::to_le_bytes), utf16(u16::to_be_bytes)] {
        let parts = ["1 new, 899 there already"];
        assert_eq!(import("a.tmx", bytes, 0, &parts), ["ลม|Wind"]);
    }
}

/// Depth, length and numbers of a file are bounded, and a refusal says where.
#[test]
fn what_no_memory_can_hold_is_refused() {
    let deep = tmx(&format!("{}{}", "<x>".repeat(100_000), "</x>".repeat(100_000)));
    import("a.tmx", deep, 1, &["a.tmx:line 2, column", "nested more than 256 deep"]);
    let long = "a".repeat(17 << 20);
    import(
        "a.tmx",
        format!("<tmx>{long}"),
        1,
        &["a.tmx:line 1, column", "a text of more than 16"],
    );
    let line = format!("{{\"source\":\"ลม\",\"target\":\"{long}\"}}\n");
    import("a.jsonl", line, 1, &["a.jsonl:line 1: a line of more than 16"]);
    for score in ["NaN", "inf", "-1e999"] {
        let table = format!("source\ttarget\tmade\tsystem\tscore\tfinish\nลม\tWind\t\tm\t{score}\tstop\n");
        import("a.tsv", table, 1, &["a.tsv:line 2: score", "means nothing"]);
    }
}
