//! Signals on a pair: what looks wrong with a translation.

use crate::document::{Finish, Flag};
use crate::thai;
use std::collections::HashMap;

/// Sources shorter than this, in characters, may have a translation of any length.
const LENGTH_FROM: usize = 40;
/// Characters of English for one of Thai. Over the 1997 references of FLORES dev and PUD that are long enough, the ratio
/// lies between 0.55 and 2.07, and for 98 % of them between 0.73 and 1.60.
const RATIO: std::ops::RangeInclusive<f64> = 0.5..=2.2;

/// What looks wrong with one translation. Nothing does with a copy.
///
/// [`Flag::NoThai`] and [`Flag::Divided`] are not given here: only the translator knows them; and [`Flag::Similar`] is the
/// memory's.
pub fn check(source: &str, target: &str, finish: Finish) -> Vec<Flag> {
    let mut flags = Vec::new();
    if finish == Finish::Copy || source.trim().is_empty() {
        return flags;
    }
    if finish == Finish::Length {
        flags.push(Flag::Truncated);
    }
    if target.trim().is_empty() {
        flags.push(Flag::Empty);
        return flags;
    }
    if finish == Finish::Loop || repeats(source, target) {
        flags.push(Flag::Repetition);
    }
    if thai::has_thai(target) {
        flags.push(Flag::ThaiLeft);
    }
    let (from, to) = (source.chars().count(), target.chars().count());
    if from >= LENGTH_FROM && !RATIO.contains(&(to as f64 / from as f64)) {
        flags.push(Flag::Length);
    }
    flags
}

/// Whether the target repeats itself far more than its source does.
fn repeats(source: &str, target: &str) -> bool {
    let target: Vec<char> = target.chars().collect();
    let looped = loop_share(&target);
    if looped > 0.0 && looped > 2.0 * loop_share(&source.chars().collect::<Vec<_>>()) {
        return true;
    }
    dominated(&target.iter().collect::<String>())
}

/// The share of a text that its longest immediate repetition covers; 0 where that is short or takes fewer than four turns.
fn loop_share(text: &[char]) -> f64 {
    /// The longest repeated unit that is looked for, and the shortest stretch that counts, in characters.
    const UNIT: usize = 120;
    const STRETCH: usize = 24;
    const TURNS: usize = 4;
    let mut longest = 0;
    for unit in 1..=UNIT.min(text.len() / TURNS) {
        let mut run = 0;
        for at in unit..text.len() {
            run = if text[at] == text[at - unit] { run + 1 } else { 0 };
            if run + unit >= STRETCH.max(unit * TURNS) {
                longest = longest.max(run + unit);
            }
        }
    }
    longest as f64 / text.len().max(1) as f64
}

/// Whether the same few words come again and again with other words between: most of the text lies in runs of four words
/// that it has three times or more.
fn dominated(text: &str) -> bool {
    const WORDS: usize = 4;
    const TURNS: usize = 3;
    const SHORTEST: usize = 24;
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    if words.len() < SHORTEST {
        return false;
    }
    let mut counts: HashMap<&[String], usize> = HashMap::new();
    for run in words.windows(WORDS) {
        *counts.entry(run).or_default() += 1;
    }
    let mut repeated = 0;
    let mut until = 0;
    for (at, run) in words.windows(WORDS).enumerate() {
        if counts[run] >= TURNS {
            repeated += at + WORDS - until.max(at);
            until = at + WORDS;
        }
    }
    repeated * 2 > words.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LONG: &str = "ชาวบ้านในชุมชนริมแม่น้ำร่วมกันทำความสะอาดถนนและปลูกต้นไม้เพิ่มขึ้นทุกปี";
    const GOOD: &str = "Villagers along the river clean the streets together and plant more trees every year.";

    #[test]
    fn flags_name_what_is_wrong() {
        use Finish::{Copy, Length, Loop, Stop};
        let looping = "the people of ".repeat(12);
        let tail = format!("Villagers clean the streets {}", "and so on, ".repeat(8));
        let varied = ["Rome", "Bonn", "Oslo", "Bern", "Lima"]
            .map(|city| format!("He went to the city of {city} and"))
            .join(" ");
        let cases: &[(&str, &str, Finish, &[Flag])] = &[
            (LONG, GOOD, Stop, &[]),
            (LONG, GOOD, Length, &[Flag::Truncated]),
            (LONG, "", Stop, &[Flag::Empty]),
            (LONG, " \n", Length, &[Flag::Truncated, Flag::Empty]),
            (LONG, GOOD, Loop, &[Flag::Repetition]),
            (LONG, &looping, Stop, &[Flag::Repetition, Flag::Length]),
            (LONG, &tail, Stop, &[Flag::Repetition]),
            (LONG, &"a".repeat(90), Stop, &[Flag::Repetition]),
            (
                LONG,
                "Villagers of ชุมชน clean the streets and plant more trees every year.",
                Stop,
                &[Flag::ThaiLeft],
            ),
            (LONG, "Villagers clean.", Stop, &[Flag::Length]),
            (
                LONG,
                &format!(
                    "{GOOD} They have done so since the flood, when the road was lost and the school closed for months."
                ),
                Stop,
                &[Flag::Length],
            ),
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
            assert_eq!(check(source, target, *finish), *flags, "{target}");
        }
        assert!(
            check(&LONG.repeat(2), &varied, Stop).contains(&Flag::Repetition),
            "{varied}"
        );
    }

    /// False alarms on references and on sound systems' outputs.
    #[test]
    fn sound_translations_are_rarely_flagged() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/flores-dev");
        let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}"));
        let Ok(sources) = read("flores-dev.th") else {
            eprintln!("skipped: no FLORES data in {folder}");
            return;
        };
        for (name, most) in [
            ("flores-dev.en", 0),
            ("flores-dev.google.en", 2),
            ("flores-dev.microsoft.en", 5),
        ] {
            let targets = read(name).unwrap();
            let flagged: Vec<_> = sources
                .lines()
                .zip(targets.lines())
                .map(|(source, target)| (target, check(source, target, Finish::Stop)))
                .filter(|(_, flags)| !flags.is_empty())
                .collect();
            assert!(flagged.len() <= most, "{name}: {flagged:#?}");
        }
    }

    proptest! {
        #[test]
        fn any_pair_can_be_checked(source in any::<String>(), target in any::<String>()) {
            let flags = check(&source, &target, Finish::Stop);
            prop_assert!(flags.iter().all(|flag| !matches!(flag, Flag::NoThai | Flag::Divided | Flag::Similar | Flag::Truncated)));
        }
    }
}
