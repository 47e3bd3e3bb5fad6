//! The memory: what is kept is found, people outrank machines, and damage is told.

use super::*;
use crate::error::Kind;
use std::fs;

fn entry(target: &str) -> Entry {
    Entry {
        target: target.into(),
        score: Some(-0.1 - 0.2),
        finish: Finish::Stop,
        flags: vec![Flag::Length, Flag::Divided],
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
    let (one, two) = (memory.system("one").unwrap(), memory.system("two").unwrap());
    assert_eq!(memory.system("one").unwrap(), one);
    assert_ne!(one, two);
    memory
        .keep(one, &[("ข่าว", &entry("News")), ("ฝน", &entry("Rain"))])
        .unwrap();
    // The first stays.
    memory.keep(one, &[("ข่าว", &entry("Other"))]).unwrap();
    let found = memory.recall(one, &["ฝน", "แดด", "ข่าว"]).unwrap();
    assert_eq!(found, [Some(entry("Rain")), None, Some(entry("News"))]);
    assert_eq!(memory.recall(two, &["ฝน"]).unwrap(), [None]);
}

#[test]
fn a_person_outranks_every_machine() {
    let (home, memory) = memory();
    let system = memory.system("one").unwrap();
    let before = memory.edition().unwrap();
    memory.learn(&[("ฝน", "Rainfall")]).unwrap();
    memory.keep(system, &[("ฝน", &entry("Rain"))]).unwrap();
    assert_ne!(memory.edition().unwrap(), before);
    // Another connection sees it too.
    let again = Memory::open(&home.path().join("new/memory.sqlite")).unwrap();
    let found = again.recall(system, &["ฝน"]).unwrap();
    assert_eq!(found, [Some(Entry::human("Rainfall".into()))]);
}

#[test]
fn a_file_that_is_no_memory_is_refused_or_told_as_damaged() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("a.sqlite");
    let refused = |kind, part: &str| {
        let Err(error) = Memory::open(&path).and_then(|memory| {
            let system = memory.system("one")?;
            memory.recall(system, &["ก"]).map(drop)
        }) else {
            panic!("{part}: accepted")
        };
        assert_eq!(error.kind, kind, "{error:?}");
        assert!(error.to_string().contains(part), "{error}");
    };
    fs::write(&path, "ข่าวเด่นวันนี้ ".repeat(1000)).unwrap();
    refused(Kind::Usage, "not a translation memory");
    fs::remove_file(&path).unwrap();
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE mine (a)")
        .unwrap();
    refused(Kind::Usage, "another program");
    fs::remove_file(&path).unwrap();
    drop(Memory::open(&path).unwrap());
    rusqlite::Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    refused(Kind::Usage, "layout 99");
    fs::remove_file(&path).unwrap();
    drop(Memory::open(&path).unwrap());
    let mut bytes = fs::read(&path).unwrap();
    let length = bytes.len();
    bytes[4096..length].fill(0x55);
    fs::write(&path, &bytes).unwrap();
    refused(Kind::Output, "damaged");
}

#[cfg(unix)]
#[test]
fn a_directory_in_its_place_is_told() {
    let home = tempfile::tempdir().unwrap();
    let Err(error) = Memory::open(home.path()) else {
        panic!("a directory was opened")
    };
    assert_eq!(error.kind, Kind::Output);
    assert!(error.hint.is_some());
}
