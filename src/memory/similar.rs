//! Similar sources: finds a person's translation of nearly the same sentence, among tens of thousands within a
//! millisecond.

use super::Memory;
use crate::document::SimilarSentence;
use crate::error::Result;
use crate::thai::normalise_thai;
use rapidfuzz::distance::levenshtein::{Args, BatchComparator};
use rusqlite::{Connection, OptionalExtension};
use std::ops::RangeInclusive;
use std::sync::{Arc, PoisonError};

/// The largest distance at which two sources count as similar: edits in a quarter of the characters, since translation
/// tools offer matches from a similarity of 75 %.
const MAX_DISTANCE: EditDistance = EditDistance { edits: 1, length: 4 };
/// Lengths of the sources that are compared, in characters. In a shorter source of two or three words, a quarter of the
/// characters is already another word. Few sentences have more than 300 characters; whole paragraphs contain the same
/// letters in the same shares, so that the cheap comparison by [`CharCounts`] does not tell them apart and a search
/// takes a hundred times as long.
const COMPARABLE_CHARS: RangeInclusive<usize> = 12..=400;

/// The edit distance between two texts, in relation to the length of the longer text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EditDistance {
    /// Number of inserted, deleted or substituted characters (Levenshtein distance).
    edits: usize,
    /// Number of characters of the longer text.
    length: usize,
}

impl EditDistance {
    /// Returns the most edits that two texts within this distance can have, if the longer text has `length` characters.
    fn max_edits(self, length: usize) -> usize {
        self.edits * length / self.length
    }

    fn is_less_than(self, other: Self) -> bool {
        self.edits * other.length < other.edits * self.length
    }

    /// Returns the similarity of the two texts, from 0 to 1, rounded down to four decimals so that only equal texts
    /// have 1.
    fn similarity(self) -> f64 {
        ((self.length - self.edits) * 10_000 / self.length) as f64 / 1e4
    }
}

/// Number of occurrences of each character in a text. Characters whose code points are equal modulo [`Self::COUNTER_COUNT`]
/// share a count; counts stop at 255.
#[derive(Clone, Copy)]
struct CharCounts([u8; Self::COUNTER_COUNT]);

impl CharCounts {
    /// Number of counters of characters, by which two texts are compared. Thai characters lie within 96 code points, so that
    /// each of them has a counter of its own.
    const COUNTER_COUNT: usize = 96;

    fn of_text(text: &str) -> Self {
        let mut counts = [0u8; Self::COUNTER_COUNT];
        for c in text.chars() {
            let count = &mut counts[c as usize % Self::COUNTER_COUNT];
            *count = count.saturating_add(1);
        }
        Self(counts)
    }

    /// Returns a lower bound of the edit distance between two texts whose lengths differ by `difference` characters: an
    /// insertion or deletion changes one count by one, a substitution changes two counts by one.
    fn min_edits(&self, other: &Self, difference: usize) -> usize {
        let counts = self.0.iter().zip(&other.0);
        let apart: u32 = counts.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        (apart as usize + difference) / 2
    }
}

/// A source that a person translated.
struct PersonSource {
    /// The normalised source text.
    text: Box<str>,
    /// Number of characters of the text.
    length: usize,
    counts: CharCounts,
}

/// The sources that people translated, with lengths within [`COMPARABLE_CHARS`].
pub(super) struct HumanSources {
    /// The sources, sorted by length, the shortest first.
    sources: Vec<PersonSource>,
}

impl HumanSources {
    fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare("SELECT source FROM human")?;
        let texts = statement.query_map([], |row| row.get::<_, Box<str>>(0))?;
        texts.collect::<rusqlite::Result<_>>().map(Self::new)
    }

    fn new(texts: Vec<Box<str>>) -> Self {
        let source = |text: Box<str>| PersonSource {
            length: text.chars().count(),
            counts: CharCounts::of_text(&text),
            text,
        };
        let mut sources: Vec<PersonSource> = texts.into_iter().map(source).collect();
        sources.retain(|source| COMPARABLE_CHARS.contains(&source.length));
        sources.sort_by_key(|source| source.length);
        Self { sources }
    }

    /// Finds the source most similar to `text`, if their distance is at most [`MAX_DISTANCE`]; of equally similar sources,
    /// the first in the alphabet.
    fn find_nearest_source(&self, text: &str) -> Option<(&str, EditDistance)> {
        let length = text.chars().count();
        if !COMPARABLE_CHARS.contains(&length) {
            return None;
        }
        // No source of another length can be near enough.
        let shortest = length - MAX_DISTANCE.max_edits(length);
        let from = self.sources.partition_point(|source| source.length < shortest);
        let is_reached = |source: &PersonSource| source.length - MAX_DISTANCE.max_edits(source.length) <= length;
        let to = self.sources.partition_point(is_reached);
        let counts = CharCounts::of_text(text);
        let mut comparator = None;
        let mut best: Option<(&str, EditDistance)> = None;
        for source in &self.sources[from..to] {
            let longer = length.max(source.length);
            let most = best.map_or(MAX_DISTANCE, |(_, distance)| distance).max_edits(longer);
            // Spares 99 % of the comparisons with unrelated sentences; each would take forty times as long.
            if counts.min_edits(&source.counts, length.abs_diff(source.length)) > most {
                continue;
            }
            let comparator = comparator.get_or_insert_with(|| BatchComparator::new(text.chars()));
            let args = Args::default().score_cutoff(most);
            let Some(edits) = comparator.distance_with_args(source.text.chars(), &args) else {
                continue;
            };
            let distance = EditDistance { edits, length: longer };
            let is_better = |(other, least): (&str, EditDistance)| {
                distance.is_less_than(least) || !least.is_less_than(distance) && &*source.text < other
            };
            if best.is_none_or(is_better) {
                best = Some((&source.text, distance));
            }
        }
        best
    }
}

impl Memory {
    /// Finds a person's translation of the sentence most similar to `source`. Only sentences of 12 to 400 characters
    /// with a similarity of at least 75 % are found.
    ///
    /// The sources that people translated are read at the first call and cached. Translations that another process adds
    /// later are found only after the memory is opened again.
    ///
    /// # Errors
    /// The errors of the database, as in all methods.
    pub fn find_similar(&self, source: &str) -> Result<Option<SimilarSentence>> {
        let people = self.human_sources()?;
        if people.sources.is_empty() {
            return Ok(None);
        }
        let Some((nearest, distance)) = people.find_nearest_source(&normalise_thai(source)) else {
            return Ok(None);
        };
        let connection = self.lock_connection();
        let found = || {
            let mut statement = connection.prepare_cached("SELECT target FROM human WHERE source = ?1")?;
            statement.query_row([nearest], |row| row.get(0)).optional()
        };
        let target: Option<String> = self.to_crate_result(found())?;
        Ok(target.map(|target| SimilarSentence {
            source: nearest.to_owned(),
            target,
            similarity: distance.similarity(),
        }))
    }

    /// Returns the sources that people translated, read from the database at the first call and cached.
    fn human_sources(&self) -> Result<Arc<HumanSources>> {
        let connection = self.lock_connection();
        let mut people = self.human_sources.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(people) = &*people {
            return Ok(Arc::clone(people));
        }
        let read = Arc::new(self.to_crate_result(HumanSources::read(&connection))?);
        Ok(Arc::clone(people.insert(read)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use rapidfuzz::distance::levenshtein::distance;

    /// A text of sixteen different characters, so that a quarter of them is four.
    const TEXT: &str = "กขคงจฉชซญฎฏฐฑฒณด";

    fn people(texts: &[&str]) -> HumanSources {
        HumanSources::new(texts.iter().map(|text| Box::from(*text)).collect())
    }

    fn nearest(texts: &[&str], text: &str) -> Option<(String, f64)> {
        let people = people(texts);
        let found = people.find_nearest_source(text);
        found.map(|(source, distance)| (source.to_owned(), distance.similarity()))
    }

    /// Finds the nearest source as `HumanSources::find_nearest_source` should, but by computing the distance to every source.
    fn compared(people: &HumanSources, text: &str) -> Option<(String, EditDistance)> {
        let length = text.chars().count();
        let distance = |source: &PersonSource| EditDistance {
            edits: distance(text.chars(), source.text.chars()),
            length: source.length.max(length),
        };
        let mut near: Vec<(String, EditDistance)> = people
            .sources
            .iter()
            .map(|source| (source.text.to_string(), distance(source)))
            .filter(|(_, distance)| COMPARABLE_CHARS.contains(&length) && 4 * distance.edits <= distance.length)
            .collect();
        near.sort_by(|(source, a), (other, b)| {
            (a.edits * b.length)
                .cmp(&(b.edits * a.length))
                .then_with(|| source.cmp(other))
        });
        near.into_iter().next()
    }

    #[test]
    fn three_quarters_are_similar_and_less_is_not() {
        let found = |text: &str| nearest(&[TEXT], text).map(|(_, similarity)| similarity);
        assert_eq!(found("กขคงจฉชซญฎฏฐ----"), Some(0.75));
        assert_eq!(found("กขคงจฉชซญฎฏ-----"), None);
        // Characters deleted, then characters added: edits are counted in relation to the longer text.
        assert_eq!(found("กขคงจฉชซญฎฏฐ"), Some(0.75));
        assert_eq!(found(&format!("{TEXT}-----")), Some(0.7619));
        assert_eq!(found(&format!("{TEXT}------")), None);
    }

    #[test]
    fn what_is_no_sentence_is_never_similar() {
        let (eleven, twelve) = ("กขคงจฉชซญฎฏ", "กขคงจฉชซญฎฏฐ");
        assert_eq!(nearest(&[eleven], twelve), None);
        assert_eq!(nearest(&[twelve], eleven), None);
        assert_eq!(nearest(&[twelve], "กขคงจฉชซญฎฏ-"), Some((twelve.to_owned(), 0.9166)));
        assert_eq!(nearest(&[""], ""), None);
        let long = |count: usize| "ก".repeat(count);
        assert_eq!(nearest(&[&long(400)], &long(400)), Some((long(400), 1.0)));
        assert_eq!(nearest(&[&long(400)], &long(401)), None);
        assert_eq!(nearest(&[&long(401)], &long(400)), None);
    }

    #[test]
    fn the_nearest_comes_first_and_of_equals_the_first_in_the_alphabet() {
        let farther = "กขคงจฉชซญฎฏฐฑ---";
        let (near, equal) = ("กขคงจฉชซญฎฏฐฑฒ-ด", "-ขคงจฉชซญฎฏฐฑฒณด");
        for texts in [[farther, near, equal], [equal, near, farther]] {
            assert_eq!(nearest(&texts, TEXT), Some((equal.to_owned(), 0.9375)));
        }
        assert_eq!(nearest(&[farther, near], TEXT), Some((near.to_owned(), 0.9375)));
        // One edit is a smaller share of a longer text.
        let longer = format!("{TEXT}-");
        assert_eq!(nearest(&[near, &longer], TEXT), Some((longer.clone(), 0.9411)));
    }

    #[test]
    fn characters_that_count_as_one_do_not_make_texts_equal() {
        let twin = |c: char| char::from_u32(c as u32 + CharCounts::COUNTER_COUNT as u32).unwrap();
        let other: String = TEXT.chars().map(twin).collect();
        assert_eq!(CharCounts::of_text(&other).min_edits(&CharCounts::of_text(TEXT), 0), 0);
        assert_eq!(nearest(&[&other], TEXT), None);
        // One character occurs more often than its count can hold.
        let long = |count: usize| "ก".repeat(count);
        assert_eq!(nearest(&[&long(400)], &long(320)), Some((long(400), 0.8)));
        assert_eq!(nearest(&[&long(400)], &long(290)), None);
    }

    proptest! {
        #[test]
        fn what_is_left_out_is_never_the_nearest(
            texts in vec("[กขคง จฉ]{0,40}", 1..20),
            long in "[ก-๛ ]{100,300}",
            changes in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), "[กขค]{0,2}"), 0..12),
        ) {
            // Some that are near, at any length.
            let mut all = texts.clone();
            for base in [&texts[0], &long] {
                let mut changed: Vec<char> = base.chars().collect();
                for (from, count, with) in &changes {
                    if !changed.is_empty() {
                        let from = from.index(changed.len());
                        let to = changed.len().min(from + count.index(3));
                        changed.splice(from..to, with.chars());
                        all.push(changed.iter().collect());
                    }
                }
            }
            let people = HumanSources::new(all.iter().map(|text| Box::from(&**text)).collect());
            for text in all.iter().chain([&long]) {
                let found = people.find_nearest_source(text).map(|(source, distance)| (source.to_owned(), distance));
                prop_assert_eq!(found, compared(&people, text));
            }
        }

        #[test]
        fn the_counts_never_ask_for_too_many_edits(a in "[ก-๛a-z0-9 ]{0,400}", b in "[ก-๛a-z0-9 ]{0,400}") {
            let more = a.chars().count().abs_diff(b.chars().count());
            prop_assert!(CharCounts::of_text(&a).min_edits(&CharCounts::of_text(&b), more) <= distance(a.chars(), b.chars()));
        }
    }
}
