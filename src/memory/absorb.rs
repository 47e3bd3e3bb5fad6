//! Merging memories: copies translations from the file of another memory.

use super::{Memory, SCHEMA_SQL};
use crate::database::{self, WriteDurability};
use crate::error::Result;
use std::path::Path;

impl Memory {
    /// Copies translations from the memory in the file `other`: machines' translations that this memory lacks, and
    /// people's translations that it lacks or has in an older version. A second call copies nothing. Returns the number
    /// of translations copied.
    ///
    /// # Errors
    /// The errors of [`Memory::open`], for either file.
    pub fn absorb_memory(&self, other: &Path) -> Result<usize> {
        // Fails for a file that is no memory, before anything is written here.
        drop(database::open_database(other, WriteDurability::Normal, SCHEMA_SQL)?);
        let mut connection = self.lock_connection_for_teaching();
        let joined = database::with_attached_database(&mut connection, other, |transaction| {
            // Each file numbers its systems by itself, so they are matched by their descriptions.
            transaction.execute(
                "INSERT INTO main.system (description) SELECT description FROM other.system WHERE true \
                 ON CONFLICT DO NOTHING",
                [],
            )?;
            let machine = transaction.execute(
                "INSERT INTO main.machine \
                 (system, source, target, score, finish, flags, source_tokens, target_tokens, made) \
                 SELECT own.id, source, target, score, finish, flags, source_tokens, target_tokens, made \
                 FROM other.machine JOIN other.system ON other.system.id = other.machine.system \
                 JOIN main.system AS own ON own.description = other.system.description WHERE true \
                 ON CONFLICT DO NOTHING",
                [],
            )?;
            // Replaced translations of both memories are kept, and of two people's translations of one source the
            // older: an output that still has one of them was not edited.
            transaction.execute_batch(
                "INSERT OR IGNORE INTO main.replaced SELECT source, target FROM other.replaced;
                 INSERT OR IGNORE INTO main.replaced
                 SELECT source, CASE WHEN theirs.made > own.made THEN own.target ELSE theirs.target END
                 FROM other.human AS theirs JOIN main.human AS own USING (source) WHERE own.target <> theirs.target",
            )?;
            let human = transaction.execute(
                "INSERT OR REPLACE INTO main.human SELECT theirs.* FROM other.human AS theirs \
                 LEFT JOIN main.human AS own ON own.source = theirs.source \
                 WHERE own.source IS NULL OR theirs.made > own.made",
                [],
            )?;
            Ok(machine + human)
        });
        self.to_crate_result(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::super::system::sample_description;
    use super::super::{Memory, StoredTranslation};
    use crate::document::FinishReason;
    use rusqlite::Connection;

    fn make_entry(target: &str) -> StoredTranslation {
        StoredTranslation {
            target: target.to_owned(),
            score: Some(-0.5),
            finish: FinishReason::Stop,
            findings: Vec::new(),
            source_tokens: 3,
            target_tokens: 4,
            human: false,
        }
    }

    #[test]
    fn memories_are_joined_by_their_systems_and_people() {
        let home = tempfile::tempdir().unwrap();
        let (here, there) = (home.path().join("here"), home.path().join("there it's"));
        let own = Memory::open(&here).unwrap();
        let other = Memory::open(&there).unwrap();
        // The two memories number the same systems differently.
        let (a, b) = (
            own.find_or_add_system(&sample_description("a"), None).unwrap(),
            own.find_or_add_system(&sample_description("b"), None).unwrap(),
        );
        let (other_b, other_c) = (
            other.find_or_add_system(&sample_description("b"), None).unwrap(),
            other.find_or_add_system(&sample_description("c"), None).unwrap(),
        );
        own.store_translations(a, &[("ก", &make_entry("a1"))]).unwrap();
        own.store_translations(b, &[("ก", &make_entry("b1"))]).unwrap();
        other
            .store_translations(other_b, &[("ก", &make_entry("b2")), ("ข", &make_entry("b3"))])
            .unwrap();
        other.store_translations(other_c, &[("ก", &make_entry("c1"))]).unwrap();
        own.store_human_translations(&[("ค", "old"), ("ง", "new")]).unwrap();
        other
            .store_human_translations(&[("ค", "new"), ("ง", "old"), ("จ", "theirs")])
            .unwrap();
        for (path, source, made) in [(&here, "ค", 1), (&there, "ง", 1)] {
            let connection = Connection::open(path).unwrap();
            let age = "UPDATE human SET made = ?2 WHERE source = ?1";
            connection.execute(age, rusqlite::params![source, made]).unwrap();
        }
        assert_eq!(own.absorb_memory(&there).unwrap(), 4);
        let c = own.find_or_add_system(&sample_description("c"), None).unwrap();
        let found = |system, source: &str| {
            let found = own.find_translations(system, &[source]).unwrap().remove(0);
            found.map(|entry| entry.target).unwrap_or_default()
        };
        assert_eq!(
            [found(a, "ก"), found(b, "ก"), found(b, "ข"), found(c, "ก")],
            ["a1", "b1", "b3", "c1"]
        );
        // An output that still has a replaced translation was not edited.
        let stale = |source: &str| crate::memory::EditedOutput {
            segments: vec![crate::memory::EditedSegment {
                source: source.to_owned(),
                target: "old".to_owned(),
                block: 0,
                kind: crate::document::BlockKind::Paragraph,
                level: 0,
            }],
            quotes: true,
            ..Default::default()
        };
        for source in ["ค", "ง"] {
            assert_eq!(
                own.learn_edited(&stale(source), false, &|_, _| Vec::new())
                    .unwrap()
                    .same,
                1,
                "{source}"
            );
        }
        assert_eq!([found(a, "ค"), found(a, "ง"), found(a, "จ")], ["new", "new", "theirs"]);
        assert_eq!(own.absorb_memory(&there).unwrap(), 0);
        // The other file is not left locked, and a file that is no memory changes nothing.
        std::fs::write(home.path().join("text"), "no database, but long enough to be looked at").unwrap();
        assert!(own.absorb_memory(&home.path().join("text")).is_err());
        assert_eq!(own.absorb_memory(&there).unwrap(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_is_not_unicode_is_still_a_name() {
        use std::os::unix::ffi::OsStrExt;
        let home = tempfile::tempdir().unwrap();
        let there = home.path().join(std::ffi::OsStr::from_bytes(b"a\xff?mode=ro"));
        let own = Memory::open(&home.path().join("here")).unwrap();
        Memory::open(&there)
            .unwrap()
            .store_human_translations(&[("ก", "theirs")])
            .unwrap();
        assert_eq!(own.absorb_memory(&there).unwrap(), 1);
    }
}
