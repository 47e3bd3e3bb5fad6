//! Tests of the memory: stored translations are found, people outrank machines, exported files can be imported, and
//! damage is reported.

use super::system::sample_description;
use super::*;
use crate::document::Flag;
use crate::error::{ErrorKind, Hint};
use crate::render::{OutputFormat, RenderOptions, read_jsonl, render};
use crate::thai::normalise_thai;
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use std::fs;
use std::io::{Cursor, Read, Write};

fn make_entry(target: &str) -> StoredTranslation {
    StoredTranslation {
        target: target.into(),
        score: Some(-0.1 - 0.2),
        finish: FinishReason::Stop,
        findings: vec![Flag::Length.into(), Flag::Divided.into()],
        source_tokens: 7,
        target_tokens: 5,
        human: false,
    }
}

fn memory() -> (tempfile::TempDir, Memory) {
    let home = tempfile::tempdir().unwrap();
    let memory = Memory::open(&home.path().join("new/memory.sqlite")).unwrap();
    (home, memory)
}

#[test]
fn what_is_kept_is_found_by_its_own_system_only() {
    let (_home, memory) = memory();
    let (one, two) = (
        memory.find_or_add_system(&sample_description("one"), None).unwrap(),
        memory.find_or_add_system(&sample_description("two"), None).unwrap(),
    );
    assert_eq!(
        memory.find_or_add_system(&sample_description("one"), None).unwrap(),
        one
    );
    assert_ne!(one, two);
    memory
        .store_translations(one, &[("ข่าว", &make_entry("News")), ("ฝน", &make_entry("Rain"))])
        .unwrap();
    // The translation stored first stays.
    memory
        .store_translations(one, &[("ข่าว", &make_entry("Other"))])
        .unwrap();
    let found = memory.find_translations(one, &["ฝน", "แดด", "ข่าว"]).unwrap();
    assert_eq!(found, [Some(make_entry("Rain")), None, Some(make_entry("News"))]);
    assert_eq!(memory.find_translations(two, &["ฝน"]).unwrap(), [None]);
}

#[test]
fn what_stands_under_a_former_description_becomes_the_systems() {
    let (_home, memory) = memory();
    let id = sample_description("m");
    let targets = |system| -> Vec<Option<String>> {
        let found = memory.find_translations(system, &["ฝน", "ลม"]).unwrap();
        found.into_iter().map(|entry| entry.map(|entry| entry.target)).collect()
    };
    memory
        .add_units(&[machine_unit("m 1 2 3 {}", "ฝน", "rain", 1)])
        .unwrap();
    // The system of the former description is renamed and keeps its number.
    let system = memory.find_or_add_system(&id, Some("m 1 2 3 {}")).unwrap();
    assert_eq!(system, SystemNumber(1));
    assert_eq!(targets(system), [Some("rain".to_owned()), None]);
    assert_eq!(memory.read_stats().unwrap().systems[0].model, "m");
    assert_eq!(memory.find_or_add_system(&id, Some("m 1 2 3 {}")).unwrap(), system);
    // Translations are imported once more under the former description: the system keeps its own and gets the others.
    memory
        .add_units(&[
            machine_unit("m 1 2 3 {}", "ฝน", "shower", 1),
            machine_unit("m 1 2 3 {}", "ลม", "wind", 1),
        ])
        .unwrap();
    assert_eq!(memory.find_or_add_system(&id, Some("m 1 2 3 {}")).unwrap(), system);
    assert_eq!(targets(system), ["rain", "wind"].map(|target| Some(target.to_owned())));
    assert_eq!(memory.read_stats().unwrap().machine, 2);
    // Who never had that name does not get it.
    assert_eq!(
        targets(memory.find_or_add_system(&sample_description("n"), None).unwrap()),
        [None, None]
    );
}

#[test]
fn a_person_outranks_every_machine() {
    let (home, memory) = memory();
    let system = memory.find_or_add_system(&sample_description("one"), None).unwrap();
    let before = memory.hash_human_translations().unwrap();
    memory.store_human_translations(&[("ฝน", "Rainfall")]).unwrap();
    memory
        .store_translations(system, &[("ฝน", &make_entry("Rain"))])
        .unwrap();
    assert_ne!(memory.hash_human_translations().unwrap(), before);
    // Another connection finds the translation, too.
    let again = Memory::open(&home.path().join("new/memory.sqlite")).unwrap();
    let found = again.find_translations(system, &["ฝน"]).unwrap();
    assert_eq!(found, [Some(StoredTranslation::from_person("Rainfall".into()))]);
}

#[test]
fn a_file_that_is_no_memory_is_refused_or_told_as_damaged() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("a.sqlite");
    let refused = |kind, part: &str| {
        let Err(error) = Memory::open(&path).and_then(|memory| {
            let system = memory.find_or_add_system(&sample_description("one"), None)?;
            memory.find_translations(system, &["ก"]).map(drop)
        }) else {
            panic!("{part}: accepted")
        };
        assert_eq!(error.kind, kind, "{error:?}");
        assert!(error.to_string().contains(part), "{error}");
    };
    fs::write(&path, "ข่าวเด่นวันนี้ ".repeat(1000)).unwrap();
    refused(ErrorKind::Usage, "not a translation memory");
    fs::remove_file(&path).unwrap();
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE mine (a)")
        .unwrap();
    refused(ErrorKind::Usage, "another program");
    fs::remove_file(&path).unwrap();
    drop(Memory::open(&path).unwrap());
    rusqlite::Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    refused(ErrorKind::Usage, "layout 99");
    fs::remove_file(&path).unwrap();
    drop(Memory::open(&path).unwrap());
    let mut bytes = fs::read(&path).unwrap();
    let length = bytes.len();
    bytes[4096..length].fill(0x55);
    fs::write(&path, &bytes).unwrap();
    refused(ErrorKind::Output, "damaged");
}

#[cfg(unix)]
#[test]
fn a_directory_in_its_place_is_told() {
    let home = tempfile::tempdir().unwrap();
    let Err(error) = Memory::open(home.path()) else {
        panic!("a directory was opened")
    };
    assert_eq!(error.kind, ErrorKind::Output);
    assert!(error.hint.is_some());
}

fn timestamp(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Makes the unit of a machine's translation, made at the second `made` since 1970.
fn machine_unit(system: &str, source: &str, target: &str, made: i64) -> TranslationUnit {
    TranslationUnit {
        source: source.into(),
        target: target.into(),
        made: timestamp(made),
        machine: Some(MachineDetails {
            system: system.into(),
            score: Some(-0.25),
            finish: FinishReason::Stop,
            flags: Vec::new(),
            source_tokens: 3,
            target_tokens: 2,
        }),
    }
}

fn person_unit(source: &str, target: &str, made: i64) -> TranslationUnit {
    TranslationUnit::from_person(source, target, timestamp(made))
}

fn all_units(memory: &Memory) -> Vec<TranslationUnit> {
    let mut units = Vec::new();
    memory
        .for_each_unit(&mut |unit| {
            units.push(unit.clone());
            Ok(())
        })
        .unwrap();
    units
}

fn export_memory(memory: &Memory, format: ExchangeFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(memory, format, &mut bytes).unwrap();
    bytes
}

/// Reads the units of a file given as bytes, and the counts of skipped units.
fn read_units(bytes: &[u8], format: ExchangeFormat) -> Result<(Vec<TranslationUnit>, SkippedCounts)> {
    let mut units = Vec::new();
    let skipped = read(&mut &*bytes, format, &mut |unit| {
        units.push(unit);
        Ok(())
    })?;
    Ok((units, skipped))
}

/// Reads sources and targets of people's translations in a TMX file, and the counts of skipped units.
fn read_pairs(tmx: &[u8]) -> (Vec<(String, String)>, SkippedCounts) {
    let (units, skipped) = read_units(tmx, ExchangeFormat::Tmx).unwrap();
    assert!(units.iter().all(|unit| unit.machine.is_none()));
    (
        units.into_iter().map(|unit| (unit.source, unit.target)).collect(),
        skipped,
    )
}

fn any_machine() -> impl Strategy<Value = MachineDetails> {
    let flags = [Flag::Truncated, Flag::Length, Flag::Divided, Flag::Untranslated];
    (
        any_text(),
        proptest::option::of(-9e3..0.0f64),
        prop::sample::select(vec![FinishReason::Stop, FinishReason::Length, FinishReason::Loop]),
        prop::sample::subsequence(flags.to_vec(), 0..=4),
        any::<u16>(),
    )
        .prop_map(|(system, score, finish, flags, tokens)| MachineDetails {
            system: format!("m{system}"),
            score,
            finish,
            flags: flags.into_iter().map(Finding::from).collect(),
            source_tokens: tokens.into(),
            target_tokens: usize::from(tokens) + 1,
        })
}

/// Generates any text, with many characters that have a meaning in one of the file formats.
fn any_text() -> impl Strategy<Value = String> {
    let odd = "\0\u{1}\u{8}\t\n\u{b}\r\u{1b}\u{7f}\u{85}\u{9f}\u{2028}\u{FEFF}\u{FFFE}\u{FFFF}\"'<>&;#\\,{} กำ่๑";
    let odd: Vec<char> = odd.chars().collect();
    vec(prop_oneof![3 => prop::sample::select(odd), 1 => any::<char>()], 0..12).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_memory_that_is_exported_and_imported_is_the_same(
        given in vec((any_text(), any_text(), 0..253_000_000_000i64, proptest::option::weighted(0.7, any_machine())), 0..8),
    ) {
        let (_home, memory) = memory();
        let given: Vec<TranslationUnit> = given
            .into_iter()
            .map(|(source, target, made, machine)| match machine {
                None => person_unit(&format!("ก{source}"), &format!("a{target}"), made),
                machine => TranslationUnit { source, target, made: timestamp(made), machine },
            })
            .collect();
        memory.add_units(&given).unwrap();
        let before = all_units(&memory);
        for format in ExchangeFormat::ALL {
            let bytes = export_memory(&memory, format);
            let (_home, again) = self::memory();
            let (units, skipped) = read_units(&bytes, format).unwrap();
            prop_assert_eq!(skipped, SkippedCounts::default());
            let tally = again.add_units(&units).unwrap();
            prop_assert_eq!(tally, AddCounts { new: before.len(), ..AddCounts::default() });
            prop_assert_eq!(all_units(&again), before.clone(), "{:?}: {}", format, String::from_utf8_lossy(&bytes));
            prop_assert_eq!(again.hash_human_translations().unwrap(), memory.hash_human_translations().unwrap());
            prop_assert_eq!(export_memory(&again, format), bytes);
        }
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in vec(any::<u8>(), 0..200), text in any_text(), cut in any::<prop::sample::Index>()) {
        let tmx = b"<?xml version='1.0' encoding='utf-16'?><tmx><body><tu><tuv xml:lang='th'><seg>&#x0;<ph>".as_slice();
        let cut = &tmx[..cut.index(tmx.len())];
        for bytes in [bytes.clone(), [cut, text.as_bytes()].concat(), [cut, &bytes].concat()] {
            for format in ExchangeFormat::ALL {
                let _ = read_units(&bytes, format);
            }
            for format in EditedFormat::ALL {
                let _ = read_edited(&bytes, format);
            }
        }
    }
}

/// A TMX document with constructs that OmegaT, Wordfast, Trados and others write.
const FOREIGN_TMX: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.1"><header creationtool="Other" srclang="EN-US" segtype="block"><note>ก</note><prop type="x">y</prop></header>
<body>
<!-- the order of languages, `lang` without prefix, codes and highlights -->
<tu><tuv lang="EN-us"><seg>The <bpt i="1">&lt;b<sub>x</sub>&gt;</bpt><hi>big</hi><ept i="1"/> news&#x2026; A&amp;B<ut>\par</ut></seg></tuv>
    <tuv xml:lang="th-TH"><seg>ข่าว<ph x="1">{1}</ph>ใหญ่</seg></tuv></tu>
<tu><tuv xml:lang="tha"><seg>
   ฝน  ตก
</seg></tuv><tuv xml:lang="de"><seg>Regen</seg></tuv><tuv xml:lang="en_GB"><seg><![CDATA[It is <raining>]]></seg></tuv>
<tuv xml:lang="en-US"><seg>second</seg></tuv></tu>
<tu><tuv xml:lang="th"><seg>ไทย</seg></tuv><tuv xml:lang="fr"><seg>thai</seg></tuv></tu>
<tu creationid="MT!"><tuv xml:lang="th"><seg>แดด</seg></tuv><tuv xml:lang="en"><seg>sun</seg></tuv></tu>
<tu creationid="MT!"><tuv xml:lang="th"><seg>ลม</seg></tuv><tuv xml:lang="en" changeid="Nok"><seg>wind</seg></tuv></tu>
<tu/>
</body></tmx>
"#;

#[test]
fn memories_of_other_tools_are_read() {
    let expected = [
        ("ข่าวใหญ่", "The big news… A&B"),
        ("ฝน ตก", "It is <raining>"),
        ("ลม", "wind"),
    ]
    .map(|(source, target)| (source.to_owned(), target.to_owned()));
    let skipped = SkippedCounts {
        without_thai: 1,
        without_english: 1,
        further_translations: 1,
        machine: 1,
    };
    let utf_16 = |to: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let text = format!("\u{FEFF}{}", FOREIGN_TMX.replace("utf-8", "utf-16"));
        text.encode_utf16().flat_map(to).collect()
    };
    let old =
        crate::thai::encoding::encode_text(&FOREIGN_TMX.replace("utf-8", "windows-874"), "windows-874", false).unwrap();
    for bytes in [
        FOREIGN_TMX.as_bytes().to_vec(),
        format!("\u{FEFF}{}", FOREIGN_TMX.replace('\n', "\r\n")).into_bytes(),
        FOREIGN_TMX.replace("utf-8", "UTF-16").into_bytes(),
        utf_16(u16::to_le_bytes),
        utf_16(u16::to_be_bytes),
        old,
    ] {
        assert_eq!(read_pairs(&bytes), (expected.to_vec(), skipped));
    }
}

#[test]
fn dates_of_other_tools_are_kept_and_the_newer_translation_counts() {
    let (_home, memory) = memory();
    let tmx = |changed: &str, target: &str| {
        let xml = format!(
            "<tmx version='1.4'><body><tu creationdate='19990101T000000Z'><tuv xml:lang='th'><seg>ฝน</seg></tuv>\
             <tuv xml:lang='en' changedate='{changed}'><seg>{target}</seg></tuv></tu></body></tmx>"
        );
        memory
            .add_units(&read_units(xml.as_bytes(), ExchangeFormat::Tmx).unwrap().0)
            .unwrap()
    };
    let tally = |new, replaced, contradicted| AddCounts {
        new,
        replaced,
        contradicted,
        ..AddCounts::default()
    };
    assert_eq!(tmx("20200102T030405Z", "rain"), tally(1, 0, 0));
    assert_eq!(all_units(&memory), [person_unit("ฝน", "rain", 1_577_934_245)]);
    assert_eq!(tmx("20190102T030405Z", "older"), tally(0, 0, 1));
    assert_eq!(tmx("20210102T030405Z", "newer"), tally(0, 1, 0));
    // A date that cannot be parsed is ignored, and the next one is used.
    assert_eq!(tmx("yesterday", "oldest"), tally(0, 0, 1));
    assert_eq!(all_units(&memory)[0].target, "newer");
    let useless = [person_unit("rain", "rain", 1), person_unit("ฝน", " ", 1)];
    assert_eq!(memory.add_units(&useless).unwrap().useless, 2);
}

#[test]
fn what_somebody_changed_in_a_machines_unit_is_theirs() {
    let (_home, memory) = memory();
    memory
        .add_units(&[
            machine_unit("m", "ฝน\u{1}", "Rain\u{1}", 1),
            machine_unit("m", "ลม", "Wind", 1),
        ])
        .unwrap();
    let tmx = String::from_utf8(export_memory(&memory, ExchangeFormat::Tmx)).unwrap();
    let edited = tmx
        .replace("creationid=\"MT!\"", "creationid=\"MT!\" changeid=\"Nok\"")
        .replace("Rain<", "Rainfall<");
    let (units, _) = read_units(edited.as_bytes(), ExchangeFormat::Tmx).unwrap();
    let found: Vec<_> = units
        .iter()
        .map(|unit| (&*unit.target, unit.machine.is_none()))
        .collect();
    assert_eq!(found, [("Rainfall", true), ("Wind", true)]);
}

#[test]
fn damage_is_told_with_line_and_column() {
    let seg = "<tmx>\n<body><tu><tuv xml:lang='th'>\n<seg>ฝน";
    let cases = [
        ("", "line 1, column 1", "no TMX"),
        ("{}", "line 1, column 3", "no TMX"),
        ("<html/>", "line 1, column 1", "the root element is <html>"),
        (&format!("{seg}</tuv>"), "line 3, column 8", "not well-formed XML"),
        (
            &format!("{seg}&nbsp;</seg>"),
            "line 3, column 8",
            "unknown entity &nbsp;",
        ),
        (&format!("{seg}</seg><ph "), "line 3, column 14", "not well-formed XML"),
        (&format!("{seg}</seg>\n"), "line 4, column 1", "ends before </tmx>"),
        (
            "<?xml version='1.0' encoding='klingon'?><tmx/>",
            "line 1, column 1",
            "encoding",
        ),
        (
            "<tmx><body><tu creationid='MT!'><prop type='x-plae-system'>m</prop><prop type='x-plae-finish'>gone</prop>\
             <tuv lang='th'><seg>ก</seg></tuv><tuv lang='en'><seg>a</seg></tuv></tu>",
            "line 1, column 172",
            "finish \"gone\" means nothing",
        ),
    ];
    for (xml, place, message) in cases {
        let error = read_units(xml.as_bytes(), ExchangeFormat::Tmx).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Input, "{xml}");
        assert!(error.message.contains(message), "{xml}: {error}");
        assert_eq!(error.place.as_deref(), Some(place), "{xml}: {error}");
    }
    let error = read_units(b"<tmx>\n<body>\xff", ExchangeFormat::Tmx).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Input);
}

#[test]
fn tables_and_json_of_others_are_read_and_outputs_are_refused() {
    let tsv = |text: &str| read_units(text.as_bytes(), ExchangeFormat::Tsv);
    let texts = |read: Result<(Vec<TranslationUnit>, SkippedCounts)>| -> Vec<(String, String)> {
        read.unwrap()
            .0
            .into_iter()
            .map(|unit| (unit.source, unit.target))
            .collect()
    };
    let expected = [("ฝน".to_owned(), "\"rain\", he said".to_owned())];
    // Tables without column names, with further columns in another order, and with a spreadsheet's quotes.
    assert_eq!(texts(tsv("ฝน\t\"rain\", he said\r\n\n")), expected);
    assert_eq!(
        texts(tsv("\u{FEFF}Target\tnote\tSource\n\"rain\", he said\t\tฝน\n")),
        expected
    );
    assert_eq!(texts(tsv("source\ttarget\nฝน\t\"\"\"rain\"\", he said\"")), expected);
    let error = tsv("source\ttarget\n\"ฝน\n\"\train\nลม\n").unwrap_err();
    assert_eq!(error.place.as_deref(), Some("line 4"), "{error}");
    let error = tsv("source\ttarget\tmade\nฝน\train\tlately\n").unwrap_err();
    assert!(error.message.starts_with("made: "), "{error}");
    let json = |text: &str| read_units(text.as_bytes(), ExchangeFormat::Jsonl);
    let line = "{\"source\":\"ฝน\",\"target\":\"\\\"rain\\\", he said\",\"note\":1}";
    assert_eq!(texts(json(&format!("\u{FEFF}{line}\n\n"))), expected);
    // A damaged machine's unit is not taken as a person's.
    let error = json(&format!("{line}\n{}", line.replace("\"note\":1", "\"machine\":{}"))).unwrap_err();
    assert_eq!(error.place.as_deref(), Some("line 2"), "{error}");
    let article = include_bytes!("../../tests/it/article.jsonl");
    let rows = render(
        &read_jsonl(article).unwrap(),
        OutputFormat::Tsv,
        &RenderOptions::default(),
    )
    .unwrap();
    for (bytes, format) in [(&article[..], ExchangeFormat::Jsonl), (&rows, ExchangeFormat::Tsv)] {
        let error = read_units(bytes, format).unwrap_err();
        assert!(
            error.hint.as_deref() == Some(&Hint::LearnFromOutput),
            "{}",
            error.message
        );
    }
    let segments: Vec<u8> = article
        .split_inclusive(|byte| *byte == b'\n')
        .skip(1)
        .flatten()
        .copied()
        .collect();
    assert!(read_units(&segments, ExchangeFormat::Jsonl).is_err());
}

#[test]
fn texts_are_found_in_source_and_target() {
    let (_home, memory) = memory();
    memory
        .add_units(&[
            machine_unit("gemma 1a 2b 0.1.0.1 {\"beam\":4}", "ฝนตก 100% ที่นี่", "It rains", 1),
            machine_unit("two", "ฝนตก 100% ที่นี่", "Rain_fall", 2),
            machine_unit("two", "แดดออก", "Sun \\o/", 2),
            person_unit("มีฝนตก", "There is rain", 3),
        ])
        .unwrap();
    let found = |text: &str| -> Vec<String> {
        let found = memory.find_units_containing(text, 10).unwrap();
        found.into_iter().map(|found| found.unit.target).collect()
    };
    assert_eq!(found("ฝน"), ["There is rain", "It rains", "Rain_fall"]);
    assert_eq!(found("RAIN"), ["There is rain", "It rains", "Rain_fall"]);
    assert_eq!(found("n_f"), ["Rain_fall"]);
    assert_eq!(found("\\"), ["Sun \\o/"]);
    // The text is normalised as for translation: Thai digits, white space.
    assert_eq!(found(" ตก  ๑๐๐% "), ["It rains", "Rain_fall"]);
    assert_eq!(found("%"), ["It rains", "Rain_fall"]);
    assert_eq!(memory.find_units_containing("ฝน", 2).unwrap().len(), 2);
    assert_eq!(
        memory.find_units_containing(" \n", 2).unwrap_err().kind,
        ErrorKind::Usage
    );
    let makers: Vec<String> = memory
        .find_units_containing("ฝน", 9)
        .unwrap()
        .iter()
        .map(|found| found.unit.maker_name().to_owned())
        .collect();
    assert_eq!(makers, ["a person", "gemma", "two"]);
}

#[test]
fn the_nearest_sources_come_first() {
    let (_home, memory) = memory();
    let sources = ["กขคงจ", "กขคงฉ", "กขคชฉ", "กขซชฉ", "ฌญฎฏฐ"];
    for (index, source) in sources.into_iter().enumerate() {
        memory
            .add_units(&[machine_unit("m", source, &index.to_string(), 1)])
            .unwrap();
    }
    memory.add_units(&[person_unit("กขคงฉ", "mine", 1)]).unwrap();
    let found = |limit| -> Vec<(f64, String)> {
        let found = memory.find_nearest_units("กขคงจ", limit).unwrap();
        let pair = |found: UnitMatch| (found.similarity.unwrap(), found.unit.target);
        found.into_iter().map(pair).collect()
    };
    let expected =
        [(1.0, "0"), (0.8, "mine"), (0.8, "1"), (0.6, "2")].map(|(share, target)| (share, target.to_owned()));
    assert_eq!(found(9), expected);
    assert_eq!(found(2), expected[..2]);
    assert_eq!(found(1), expected[..1]);
}

#[test]
fn only_what_people_translated_is_similar() {
    let (home, memory) = memory();
    let found = |memory: &Memory, source: &str| memory.find_similar(source).unwrap().map(|similar| similar.target);
    memory
        .add_units(&[machine_unit("m", "ฝนตกหนักในกรุงเทพฯ", "a machine's", 1)])
        .unwrap();
    assert_eq!(found(&memory, "ฝนตกหนักในกรุงเทพ"), None);
    memory
        .store_human_translations(&[
            ("ฝนตกหนักในเชียงใหม่ ปี 2566", "Chiang Mai"),
            ("ฝนตกหนักในกรุงเทพฯ", "Bangkok"),
            ("ฝนตกหนัก", "Rain"),
        ])
        .unwrap();
    let similar = memory.find_similar("ฝนตกหนักในกรุงเทพ").unwrap().unwrap();
    assert_eq!((&*similar.source, &*similar.target), ("ฝนตกหนักในกรุงเทพฯ", "Bangkok"));
    assert_eq!((similar.similarity, similar.similarity_percent()), (0.9444, 94));
    // The similarity equals that of a search.
    let nearest = memory.find_nearest_units("ฝนตกหนักในกรุงเทพ", 1).unwrap().remove(0);
    assert_eq!(nearest.unit.target, "Bangkok");
    assert!((nearest.similarity.unwrap() - similar.similarity).abs() < 1e-4);
    // The stored and the given source are both normalised.
    assert_eq!(
        found(&memory, " ฝนตกหนักใน\u{200b}เชียงใหม่  ปี  ๒๕๖๗").as_deref(),
        Some("Chiang Mai")
    );
    assert_eq!(found(&memory, "ฝนตกหนัก"), None);
    // A new translation is found at once, in whatever way it was stored.
    memory.store_human_translations(&[("ฝนตกหนักในกรุงเทพ", "near")]).unwrap();
    assert_eq!(found(&memory, "ฝนตกหนักในกรุงเทพ!").as_deref(), Some("near"));
    memory
        .add_units(&[person_unit("ฝนตกหนักในกรุงเทพ!!", "added", i64::from(i32::MAX))])
        .unwrap();
    assert_eq!(found(&memory, "ฝนตกหนักในกรุงเทพ!!!").as_deref(), Some("added"));
    let other = Memory::open(&home.path().join("other.sqlite")).unwrap();
    assert_eq!(found(&other, "ฝนตกหนักในกรุงเทพ"), None);
    assert!(other.absorb_memory(memory.path()).unwrap() > 0);
    assert_eq!(found(&other, "ฝนตกหนักในกรุงเทพ!!!").as_deref(), Some("added"));
    let filter = PruneFilter {
        human: true,
        ..PruneFilter::default()
    };
    memory.prune_translations(&filter, false).unwrap();
    assert_eq!(found(&memory, "ฝนตกหนักในกรุงเทพ!!!"), None);
}

#[test]
fn what_is_there_is_counted_and_what_may_go_goes() {
    let (_home, memory) = memory();
    assert_eq!(memory.read_stats().unwrap().oldest, None);
    let mut flagged = machine_unit("old model", "ลม", "wind", 20);
    flagged.machine.as_mut().unwrap().flags.push(Flag::Length.into());
    // A note asks nobody to check anything.
    let mut divided = machine_unit("new", "ฝน", "rains", 30);
    divided.machine.as_mut().unwrap().flags.push(Flag::Divided.into());
    memory
        .add_units(&[
            machine_unit("old model", "ฝน", "rain", 10),
            flagged,
            divided,
            machine_unit("new", "แดด", "", 40),
            person_unit("ฝน", "Rain", 50),
        ])
        .unwrap();
    let stats = memory.read_stats().unwrap();
    assert_eq!((stats.machine, stats.human, stats.sources, stats.shared), (4, 1, 3, 1));
    assert_eq!((stats.oldest, stats.newest), (Some(timestamp(10)), Some(timestamp(50))));
    let systems: Vec<_> = stats
        .systems
        .iter()
        .map(|one| (&*one.system, one.entries, one.flagged))
        .collect();
    assert_eq!(systems, [("old model", 2, 1), ("new", 2, 1)]);
    assert!(stats.bytes > 4096);
    let filter = PruneFilter::default();
    let cases = [
        (
            PruneFilter {
                until: Some(timestamp(20)),
                ..filter.clone()
            },
            2,
        ),
        (
            PruneFilter {
                until: Some(timestamp(20)),
                flagged: true,
                ..filter.clone()
            },
            1,
        ),
        (
            PruneFilter {
                system: Some("model".into()),
                ..filter.clone()
            },
            2,
        ),
        (
            PruneFilter {
                system: Some("%".into()),
                ..filter.clone()
            },
            0,
        ),
        (
            PruneFilter {
                flagged: true,
                ..filter.clone()
            },
            2,
        ),
        (
            PruneFilter {
                human: true,
                until: Some(timestamp(49)),
                ..filter.clone()
            },
            0,
        ),
        (
            PruneFilter {
                human: true,
                until: Some(timestamp(50)),
                ..filter.clone()
            },
            1,
        ),
        (
            PruneFilter {
                human: true,
                flagged: true,
                ..filter.clone()
            },
            0,
        ),
    ];
    for (filter, expected) in &cases {
        assert_eq!(
            memory.prune_translations(filter, true).unwrap(),
            *expected,
            "{filter:?}"
        );
    }
    assert_eq!(all_units(&memory).len(), 5);
    assert_eq!(memory.prune_translations(&cases[4].0, false).unwrap(), 2);
    memory.compact_file().unwrap();
    let left: Vec<String> = all_units(&memory).into_iter().map(|unit| unit.target).collect();
    assert_eq!(left, ["Rain", "rain", "rains"]);
    // A translation that is still running uses its system by the number.
    memory
        .prune_translations(
            &PruneFilter {
                system: Some("new".into()),
                ..filter
            },
            false,
        )
        .unwrap();
    assert_eq!(
        memory
            .find_or_add_system(&sample_description("new"), Some("new"))
            .unwrap(),
        SystemNumber(2)
    );
}

/// Returns the translated sample article, and a memory that holds its machine translations.
fn translated_sample() -> (tempfile::TempDir, Memory, crate::document::BilingualDocument) {
    let (home, memory) = memory();
    let document = read_jsonl(include_bytes!("../../tests/it/article.jsonl")).unwrap();
    let of =
        |segment: &crate::document::Segment| machine_unit("m", &normalise_thai(&segment.source), &segment.target, 1);
    memory
        .add_units(&document.segments.iter().map(of).collect::<Vec<_>>())
        .unwrap();
    (home, memory, document)
}

fn learn_counts(new: usize, same: usize, unknown: usize, empty: usize, contradicted: usize) -> LearnCounts {
    LearnCounts {
        new,
        same,
        unknown,
        empty,
        contradicted,
    }
}

#[test]
fn only_what_people_changed_is_theirs() {
    let (_home, memory, document) = translated_sample();
    let count = document.segments.len();
    for format in EditedFormat::ALL {
        let Some(output) = OutputFormat::from_extension(format.name()) else {
            continue;
        };
        let bytes = render(&document, output, &RenderOptions::default()).unwrap();
        let edited = read_edited(&bytes, format).unwrap();
        assert_eq!(
            memory.learn_edited(&edited, false, &|_, _| Vec::new()).unwrap(),
            learn_counts(0, count, 0, 0, 0),
            "{format:?}"
        );
    }
    assert_eq!(memory.read_stats().unwrap().human, 0);
    let source = document.segments[0].source.clone();
    let made = document.segments[0].target.clone();
    let edited = |rows: &[(&str, &str)]| EditedOutput {
        segments: rows
            .iter()
            .map(|(source, target)| EditedSegment {
                source: (*source).to_owned(),
                target: (*target).to_owned(),
                block: 0,
                kind: crate::document::BlockKind::Paragraph,
                level: 0,
            })
            .collect(),
        quotes: true,
        ..EditedOutput::default()
    };
    let learn = |rows: &[(&str, &str)], all| memory.learn_edited(&edited(rows), all, &|_, _| Vec::new()).unwrap();
    // A sentence occurs several times and is edited once, twice in the same way, or in two ways.
    assert_eq!(
        learn(
            &[
                (&source, "mine"),
                (&source, &made),
                ("ใครรู้", "who"),
                ("rain", "x"),
                (&source, "")
            ],
            false
        ),
        learn_counts(1, 1, 1, 2, 0)
    );
    assert_eq!(learn(&[(&source, "mine")], false), learn_counts(0, 1, 0, 0, 0));
    assert_eq!(
        learn(&[(&source, "ours"), (&source, "ours"), (&source, "yours")], false),
        learn_counts(1, 1, 0, 0, 1)
    );
    let system = memory.find_or_add_system(&sample_description("m"), Some("m")).unwrap();
    let known = |source: &str| {
        memory.find_translations(system, &[source]).unwrap()[0]
            .clone()
            .unwrap()
            .target
    };
    assert_eq!(known(&normalise_thai(&source)), "yours");
    // Another output may still have a translation that was replaced since.
    assert_eq!(learn(&[(&source, "mine")], false), learn_counts(0, 1, 0, 0, 0));
    // An unedited machine translation does not replace a person's, unless the whole output was read and approved.
    assert_eq!(learn(&[(&source, &made)], false), learn_counts(0, 1, 0, 0, 0));
    assert_eq!(
        learn(&[(&source, &made), ("ใครรู้", "who")], true),
        learn_counts(2, 0, 0, 0, 0)
    );
    assert_eq!(known(&normalise_thai(&source)), made);
    assert_eq!(
        learn(&[(&source, "edited"), (&source, &made)], true),
        learn_counts(1, 1, 0, 0, 0)
    );
    assert_eq!(known(&normalise_thai(&source)), "edited");
}

#[test]
fn a_table_that_a_spreadsheet_saved_is_read() {
    let (_home, memory, _) = translated_sample();
    let made = [
        ("ฝนหนัก", "\"Heavy, heavy\""),
        ("ลมแรง", "Strong \"wind\" here"),
        ("แดดจัด", "Sun"),
    ];
    for (source, target) in made {
        memory.add_units(&[machine_unit("m", source, target, 1)]).unwrap();
    }
    // A spreadsheet program dropped some quotation marks, doubled others, and columns were moved.
    let text = "target\tid\tsource\r\nHeavy, heavy\t0\tฝนหนัก\r\n\"Strong \"\"wind\"\" here\"\t1\tลมแรง\r\n\"Hot\nsun\"\t2\tแดดจัด\r\n";
    let utf_16: Vec<u8> = format!("\u{FEFF}{text}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for bytes in [text.as_bytes(), &utf_16] {
        let edited = read_edited(bytes, EditedFormat::Tsv).unwrap();
        assert_eq!(edited.segments.len(), 3);
        memory.learn_edited(&edited, false, &|_, _| Vec::new()).unwrap();
        assert_eq!(all_units(&memory)[0].target, "Hot sun");
        assert_eq!(memory.read_stats().unwrap().human, 1);
    }
    let error = read_edited("a\tb\nc\td\n".as_bytes(), EditedFormat::Tsv).unwrap_err();
    assert!(error.message.contains("source and target"), "{error}");
}

/// Returns a copy of a Word document with `change` applied to the XML of its text.
fn change_docx(docx: &[u8], change: impl Fn(String) -> String) -> Vec<u8> {
    change_docx_part(docx, "word/document.xml", change)
}

/// Returns a copy of a Word document with `change` applied to the XML of one part.
fn change_docx_part(docx: &[u8], part: &str, change: impl Fn(String) -> String) -> Vec<u8> {
    let mut from = zip::ZipArchive::new(Cursor::new(docx)).unwrap();
    let mut to = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..from.len() {
        let mut file = from.by_index(index).unwrap();
        let name = file.name().unwrap().into_owned();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        let text = if name == part { change(text) } else { text };
        to.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        to.write_all(text.as_bytes()).unwrap();
    }
    to.finish().unwrap().into_inner()
}

/// Returns the XML of a Word document without the column of numbers in its tables.
fn remove_number_cells(xml: &str) -> String {
    let mut cells = xml.split("<w:tc>");
    let mut out = cells.next().unwrap_or_default().to_owned();
    for cell in cells {
        match cell.split_once("</w:tc>") {
            Some((inside, after)) if inside.contains("RowNumber") || inside.contains(">No.<") => out += after,
            _ => out += &format!("<w:tc>{cell}"),
        }
    }
    out
}

#[test]
fn comments_of_others_are_changes() {
    let (_home, _memory, mut document) = translated_sample();
    document.segments[0].findings = [Flag::Date].into_iter().collect();
    let docx = render(&document, OutputFormat::Docx, &RenderOptions::default()).unwrap();
    let has_segments_only = |docx: &[u8]| -> bool { read_edited(docx, EditedFormat::Docx).unwrap().has_segments_only };
    assert!(has_segments_only(&docx));
    let by = |author: &'static str| {
        change_docx_part(&docx, "word/comments.xml", move |xml| {
            xml.replace("w:author=\"plae\"", author)
        })
    };
    assert!(!has_segments_only(&by("w:author=\"Somchai\"")));
    assert!(!has_segments_only(&by("")));
    assert!(!has_segments_only(&change_docx_part(
        &docx,
        "word/comments.xml",
        |_| "<w:comment".into()
    )));
}

#[test]
fn a_word_document_is_read_as_word_and_others_leave_it() {
    let (_home, memory, mut document) = translated_sample();
    let last = document.segments.len() - 1;
    document.segments[last].findings = [Flag::Length].into_iter().collect();
    let target = document.segments[last].target.clone();
    let docx = render(&document, OutputFormat::Docx, &RenderOptions::default()).unwrap();
    let expected: Vec<(String, String)> = document
        .segments
        .iter()
        .map(|segment| (segment.source.clone(), segment.target.clone()))
        .collect();
    let read = |docx: &[u8]| -> Vec<(String, String)> {
        let segments = read_edited(docx, EditedFormat::Docx).unwrap().segments;
        segments.into_iter().map(|one| (one.source, one.target)).collect()
    };
    assert_eq!(read(&docx), expected);
    // Saved by a program that keeps neither styles nor the mark of a table's head row.
    let plain = change_docx(&docx, |xml| {
        xml.replace("\"RowNumber\"", "\"Normal\"").replace("<w:tblHeader/>", "")
    });
    assert_eq!(read(&plain), expected);
    // Earlier versions wrote no numbers, and warnings as paragraphs.
    for style in ["Warning", "Normal"] {
        let former = change_docx(&docx, |xml| {
            let xml = remove_number_cells(&xml);
            let warning = format!(
                "</w:t></w:r></w:p><w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr><w:r><w:t>Check: unusually short.</w:t></w:r></w:p>"
            );
            let after_target = format!("{target}</w:t></w:r>");
            let place = xml.rfind(&after_target).unwrap() + target.len();
            let end = place + xml[place..].find("</w:p>").unwrap() + "</w:p>".len();
            format!("{}{warning}{}", &xml[..place], &xml[end..])
        });
        assert_eq!(read(&former), expected, "{style}");
    }
    // A row that somebody added has no number; a word there is no text of plae's.
    let numbered = |number: &'static str| {
        change_docx(&docx, move |xml| {
            let place = xml.rfind("RowNumber").unwrap();
            let (before, after) = xml.split_at(place);
            let start = after.find("preserve\">").unwrap() + "preserve\">".len();
            let end = start + after[start..].find('<').unwrap();
            format!("{before}{}{number}{}", &after[..start], &after[end..])
        })
    };
    assert_eq!(read(&numbered("")), expected);
    assert_eq!(read(&numbered("see")).len(), expected.len() - 1);
    // With text runs split, changes tracked, a line break, and a second paragraph.
    let edited = change_docx(&docx, |xml| {
        let place = xml.rfind(&target).unwrap();
        let (before, after) = xml.split_at(place);
        let after = after.replacen(
            &target,
            "New </w:t></w:r><w:del><w:r><w:delText>old</w:delText><w:t>older</w:t></w:r></w:del>\
             <w:ins><w:r><w:tab/><w:t>&amp; te</w:t><w:br/></w:r></w:ins><w:r><w:t>xt</w:t></w:r></w:p><w:p><w:r><w:t>more",
            1,
        );
        format!("{before}{after}")
    });
    assert_eq!(read(&edited)[last].1, "New  & te\nxt\nmore");
    let learned = memory
        .learn_edited(&read_edited(&edited, EditedFormat::Docx).unwrap(), false, &|_, _| {
            Vec::new()
        })
        .unwrap();
    assert_eq!(learned, learn_counts(1, last, 0, 0, 0));
    assert_eq!(all_units(&memory)[0].target, "New & te xt more");
    let options = RenderOptions {
        layout: crate::render::Layout::Target,
        ..RenderOptions::default()
    };
    let target_only = render(&document, OutputFormat::Docx, &options).unwrap();
    for bytes in [&target_only[..], b"PK", &docx[..docx.len() / 2]] {
        assert_eq!(
            read_edited(bytes, EditedFormat::Docx).unwrap_err().kind,
            ErrorKind::Input
        );
    }
}
