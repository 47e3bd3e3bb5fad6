//! Tests of the flags on good and bad translations, and of how often good translations are flagged.

use super::*;
use proptest::prelude::*;

/// Returns the flags of a pair, each once.
fn list_flags(source: &str, target: &str, finish: FinishReason) -> Vec<Flag> {
    let pair = CheckedPair {
        source,
        target,
        finish,
        examples: &[],
    };
    check_translation(&pair).flags().collect()
}

const LONG_SOURCE: &str = "ชาวบ้านในชุมชนริมแม่น้ำร่วมกันทำความสะอาดถนนและปลูกต้นไม้เพิ่มขึ้นทุกปี";
const GOOD: &str = "Villagers along the river clean the streets together and plant more trees every year.";

#[test]
fn flags_name_what_is_wrong() {
    use FinishReason::{Copy, Length, Loop, Stop};
    let looping = "the people of ".repeat(12);
    let tail = format!("Villagers clean the streets {}", "and so on, ".repeat(8));
    let varied = ["Rome", "Bonn", "Oslo", "Bern", "Lima"]
        .map(|city| format!("He went to the city of {city} and"))
        .join(" ");
    let cases: &[(&str, &str, FinishReason, &[Flag])] = &[
        (LONG_SOURCE, GOOD, Stop, &[]),
        (LONG_SOURCE, GOOD, Length, &[Flag::Truncated]),
        (LONG_SOURCE, "", Stop, &[Flag::Empty]),
        (LONG_SOURCE, " \n", Length, &[Flag::Truncated, Flag::Empty]),
        (LONG_SOURCE, GOOD, Loop, &[Flag::Repetition]),
        (LONG_SOURCE, &looping, Stop, &[Flag::Repetition, Flag::Addition]),
        (LONG_SOURCE, &tail, Stop, &[Flag::Repetition]),
        (LONG_SOURCE, &"a".repeat(90), Stop, &[Flag::Repetition]),
        (
            LONG_SOURCE,
            "Villagers of ชุมชน clean the streets and plant more trees every year.",
            Stop,
            &[Flag::Untranslated],
        ),
        (LONG_SOURCE, "Villagers clean.", Stop, &[Flag::Omission]),
        (
            LONG_SOURCE,
            &format!(
                "{GOOD} They have done so since the flood, when the road was lost and the school closed for months."
            ),
            Stop,
            &[Flag::Addition],
        ),
        // pdf-inspector#249: characters that PDF text lost.
        ("ประเท\u{fffd}ไทย", "Thailand", Stop, &[Flag::Encoding]),
        ("ภ\u{e123}ษาไทย", "Thai", Stop, &[Flag::Encoding]),
        ("\u{f0b7} ท\u{f70a}\u{f702}นี่", "Here", Stop, &[]),
        ("อ่าน", "Read a great deal more than was said", Stop, &[]),
        ("ดี", "Good", Stop, &[]),
        ("๑๒๓ ABC", "๑๒๓ ABC", Copy, &[]),
        ("", "", Stop, &[]),
        // Repetition that the source has too, or that is no more than emphasis.
        ("ฮ่า ฮ่า ฮ่า ฮ่า ฮ่า ฮ่า ฮ่า ฮ่า", "Ha ha ha ha ha ha ha ha ha ha", Stop, &[]),
        (
            "********************************",
            "********************************",
            Stop,
            &[],
        ),
        ("มันดีมาก ๆ", "It is very, very, very good.", Stop, &[]),
        ("ไม่ ไม่ ไม่", "No, no, no!", Stop, &[]),
    ];
    for (source, target, finish, flags) in cases {
        assert_eq!(list_flags(source, target, *finish), *flags, "{target}");
    }
    assert!(
        list_flags(&LONG_SOURCE.repeat(2), &varied, Stop).contains(&Flag::Repetition),
        "{varied}"
    );
}

#[test]
fn negations_lengths_and_repeated_ends() {
    let flags = |source: &str, target: &str| list_flags(source, target, FinishReason::Stop);
    let source = "ชาวบ้านในชุมชนริมแม่น้ำร่วมกันทำความสะอาดถนน และปลูกต้นไม้เพิ่มขึ้นทุกปี";
    for added in [
        "do not clean",
        "don't clean",
        "don&#39;t clean",
        "never clean",
        "no longer clean",
    ] {
        let target = format!("Villagers along the river {added} the streets together and plant more trees every year.");
        assert_eq!(flags(source, &target), [Flag::Negation], "{target}");
    }
    let sound =
        "Villagers along the river clean not only the streets but also plant more trees every year, rain or not.";
    assert_eq!(flags(source, sound), []);
    let negated = "ชาวบ้านในชุมชนริมแม่น้ำไม่เคยทำความสะอาดถนนเลย ทั้งที่เพียงพอแล้วก็ตามในแต่ละปี";
    let once = "Villagers along the river have never cleaned the streets, although that would do each year.";
    assert_eq!(flags(negated, once), []);
    assert_eq!(
        flags(negated, &once.replace("would do", "would not do")),
        [Flag::Negation]
    );
    assert_eq!(flags(source, "Villagers along the river."), [Flag::Omission]);
    for tail in [
        "plant more trees every year, plant more trees every year.",
        "plant more trees. Plant more trees every year. Plant more trees every year.",
    ] {
        let target = format!("Villagers along the river clean the streets together and {tail}");
        assert!(flags(source, &target).contains(&Flag::Repetition), "{target}");
    }
}

/// Counts false alarms on reference translations and on the outputs of good systems.
#[test]
fn sound_translations_are_rarely_flagged() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/flores-dev");
    let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}"));
    let Ok(sources) = read("flores-dev.th") else {
        eprintln!("skipped: no FLORES data in {folder}");
        return;
    };
    for (name, most) in [
        ("flores-dev.en", 9),
        ("flores-dev.google.en", 9),
        ("flores-dev.microsoft.en", 9),
    ] {
        let targets = read(name).unwrap();
        let flagged: Vec<_> = sources
            .lines()
            .zip(targets.lines())
            .map(|(source, target)| (target, list_flags(source, target, FinishReason::Stop)))
            .filter(|(_, flags)| !flags.is_empty())
            .collect();
        assert!(flagged.len() <= most, "{name}: {flagged:#?}");
    }
}

proptest! {
    #[test]
    fn any_pair_can_be_checked(source in any::<String>(), target in any::<String>()) {
        let flags = list_flags(&source, &target, FinishReason::Stop);
        prop_assert!(flags.iter().all(|flag| !matches!(flag, Flag::NoThai | Flag::Divided | Flag::Mended | Flag::Similar | Flag::Truncated)));
    }
}

#[test]
fn more_negations_than_the_source_has_are_flagged() {
    let count = |source, target| list_flags(source, target, FinishReason::Stop).contains(&Flag::Negation);
    for target in [
        "Villagers along the river do not clean the streets together.",
        "Villagers along the river don&#39;t clean the streets together.",
        "Villagers along the river never clean the streets together.",
        "Villagers along the river can’t clean the streets any more.",
        "Villagers along the river no longer clean the streets.",
    ] {
        assert!(count("ชาวบ้านริมแม่น้ำช่วยกันทำความสะอาดถนน", target), "{target}");
        assert!(!count("ชาวบ้านริมแม่น้ำไม่ทำความสะอาดถนน", target), "{target}");
    }
    assert!(count(
        "ร้านไม่เปิด แต่ตลาดเปิด",
        "The shop is not open, but the market is not either."
    ));
    assert!(count("อย่างไรก็ตาม ร้านเปิด", "However, the shop is not open."));
    assert!(!count("เงินไม่เพียงพอ", "The money is not enough."));
    assert!(!count("เขาพูดได้สองภาษา", "He speaks not only one language."));
}

#[test]
fn an_end_that_is_said_twice_is_a_repetition() {
    let repeats = |source, target: &str| list_flags(source, target, FinishReason::Stop).contains(&Flag::Repetition);
    for target in [
        "Villagers clean the streets and plant more trees every year and plant more trees every year.",
        "Villagers clean the streets and plant more trees every year, plant more trees every year.",
        "Villagers clean the streets and plant more trees every year every year every year every year.",
        "Villagers clean the streets and plant more trees. Villagers clean the streets and plant more trees.",
    ] {
        assert!(repeats(LONG_SOURCE, target), "{target}");
    }
    assert!(!repeats(
        LONG_SOURCE,
        "They came again and again, and the rain came again and again and again."
    ));
    assert!(!repeats(
        "เราจะไปตลาดด้วยกัน เราจะไปตลาดด้วยกัน",
        "We will go to market, we will go to market."
    ));
}
