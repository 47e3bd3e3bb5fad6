//! Features for the learned scorer of sentence boundaries: for each run of white space in a line, hashes of the words,
//! word classes and lengths of the phrases before and after it.

use super::is_letter;
use super::line::Line;
use super::rule::{self, NoCutRule};
use std::collections::BTreeMap;
use std::ops::Range;

/// A table of the classes (parts of speech) of Thai words. It stores a hash of each word, not the word itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lexicon {
    /// Hashes of the words, in ascending order.
    hashes: Vec<u32>,
    /// Classes of the words, from 1 to 255, in the order of `hashes`.
    classes: Vec<u8>,
}

impl Lexicon {
    /// Bit of a word's class that is set if the word is mostly a verb or an auxiliary.
    pub const VERB: u8 = 64;

    /// Makes a lexicon from words and their classes. A class is a number from 1 to 255; 0 is kept for unknown words.
    pub fn new<'a>(words: impl IntoIterator<Item = (&'a str, u8)>) -> Self {
        let classes: BTreeMap<u32, u8> = words
            .into_iter()
            .map(|(word, class)| (hash_word(word), class))
            .collect();
        let (hashes, classes) = classes.into_iter().unzip();
        Self { hashes, classes }
    }

    /// Makes a lexicon from the hashes of its words, in ascending order, and the class of each word.
    pub(super) fn from_parts(hashes: Vec<u32>, classes: Vec<u8>) -> Self {
        Self { hashes, classes }
    }

    /// Returns the hashes of the words and the classes of the words, as [`Lexicon::from_parts`] takes them.
    pub(super) fn hashes_and_classes(&self) -> (&[u32], &[u8]) {
        (&self.hashes, &self.classes)
    }

    /// Returns the class of the word with the given hash, or 0 if the lexicon does not have the word.
    fn word_class(&self, hash: u32) -> u8 {
        self.hashes
            .binary_search(&hash)
            .ok()
            .and_then(|at| self.classes.get(at).copied())
            .unwrap_or(0)
    }
}

/// A word of a line as the scorer sees it: its hash and its class (part of speech).
struct HashedWord {
    hash: u32,
    /// Class of the word in the [`Lexicon`]. An unknown Thai word has a number from 500 on, made of its length and
    /// spelling; a number, Latin word or sign has one from 1000 on.
    class: u32,
    is_verb: bool,
}

/// One chunk of a line (a run of text without white space) as a list of words.
struct PhraseRange {
    /// Indices of the phrase's words in `LinePhrases::words`.
    words: Range<usize>,
    /// Offset in the line, in characters, at which the phrase starts.
    start: usize,
    /// Offset in the line, in characters, at which the phrase ends.
    end: usize,
}

/// The words of a line, grouped into phrases. A phrase is a chunk: a run of text without white space.
pub(super) struct LinePhrases {
    words: Vec<HashedWord>,
    phrases: Vec<PhraseRange>,
    /// For each gap (the white space between two phrases), the indices of the first and the last phrase of the stretch
    /// around the gap. A stretch reaches on either side to the next gap at which no splitting rule forbids a cut.
    stretches: Vec<(usize, usize)>,
}

/// Hash and class that stand for a missing word: one beyond the end of a phrase or of the line.
const ABSENT_WORD_CODE: u32 = 7;

impl LinePhrases {
    /// Groups the words of a line into phrases and looks up their classes in `lexicon`. `forbidden` has one entry for
    /// each gap (the white space between two chunks): the splitting rule, if any, that forbids a cut there.
    pub fn new(line: &Line, forbidden: &[Option<NoCutRule>], lexicon: &Lexicon) -> Self {
        let mut words = Vec::with_capacity(line.word_boundaries.len());
        let mut phrases = Vec::with_capacity(line.chunks.len());
        let (mut at, mut chars) = (0, 0);
        for chunk in &line.chunks {
            let first = words.len();
            let from = line.word_boundaries.partition_point(|&word| word <= chunk.start);
            let inner = line.word_boundaries[from..]
                .iter()
                .take_while(|&&word| word < chunk.end);
            let mut start = chunk.start;
            for &end in inner.chain([&chunk.end]) {
                words.push(HashedWord::new(&line.text[start..end], lexicon));
                start = end;
            }
            let begin = chars + line.text[at..chunk.start].chars().count();
            chars = begin + line.text[chunk.clone()].chars().count();
            at = chunk.end;
            phrases.push(PhraseRange {
                words: first..words.len(),
                start: begin,
                end: chars,
            });
        }
        let mut stretches: Vec<(usize, usize)> = Vec::with_capacity(forbidden.len());
        for gap in 0..forbidden.len() {
            let from = if gap > 0 && forbidden[gap - 1].is_some() {
                stretches[gap - 1].0
            } else {
                gap
            };
            stretches.push((from, gap + 1));
        }
        for gap in (1..forbidden.len()).rev() {
            if forbidden[gap].is_some() {
                stretches[gap - 1].1 = stretches[gap].1;
            }
        }
        Self {
            words,
            phrases,
            stretches,
        }
    }

    /// Returns the words of the phrase with the given index.
    fn phrase_words(&self, index: usize) -> &[HashedWord] {
        &self.words[self.phrases[index].words.clone()]
    }

    /// Returns the number of characters from the start of phrase `first` to the end of phrase `last`.
    fn char_count(&self, first: usize, last: usize) -> usize {
        self.phrases[last].end - self.phrases[first].start
    }

    /// Computes the hashed features of a gap, which is the white space between the phrases `gap` and `gap + 1`. The
    /// hashes are in ascending order, without duplicates.
    pub fn gap_features(&self, line: &Line, gap: usize) -> Vec<u32> {
        let (left, right) = (self.phrase_words(gap), self.phrase_words(gap + 1));
        let word = |word: Option<&HashedWord>| word.map_or(ABSENT_WORD_CODE, |word| word.hash);
        let class = |word: Option<&HashedWord>| word.map_or(ABSENT_WORD_CODE, |word| word.class);
        let before = |count: usize| left.len().checked_sub(count).and_then(|at| left.get(at));
        let after = |count: usize| right.get(count - 1);
        // Words (w) and classes (c), numbered from the gap to the left (l) and to the right (r).
        let [wl1, wl2, wl3] = [1, 2, 3].map(|count| word(before(count)));
        let [wr1, wr2, wr3] = [1, 2, 3].map(|count| word(after(count)));
        let [cl1, cl2, cl3] = [1, 2, 3].map(|count| class(before(count)));
        let [cr1, cr2, cr3, cr4] = [1, 2, 3, 4].map(|count| class(after(count)));
        // The words at the far ends of both phrases, and the phrases beyond them.
        let (first, last) = (left.first(), right.last());
        let beyond = (gap + 2 < self.phrases.len()).then(|| self.phrase_words(gap + 2));
        let next = beyond.and_then(<[HashedWord]>::first);
        let previous = gap.checked_sub(1).and_then(|phrase| self.phrase_words(phrase).last());
        // The words at the far ends of the stretch around the gap, and the lengths of the phrases and of the stretch.
        let (from, to) = self.stretches[gap];
        let far_first = self.phrase_words(from).first();
        let far_next = (to + 1 < self.phrases.len()).then(|| &self.phrase_words(to + 1)[0]);
        let [near_left, near_right, far_left, far_right] = [(gap, gap), (gap + 1, gap + 1), (from, gap), (gap + 1, to)]
            .map(|(a, b)| length_bucket(self.char_count(a, b)));
        let verbs = |phrase: &[HashedWord]| phrase.iter().filter(|word| word.is_verb).count() as u32;
        let first_verb =
            |phrase: &[HashedWord]| phrase.iter().take(6).position(|word| word.is_verb).unwrap_or(6) as u32;
        let (vl, vr) = (verbs(left), verbs(right));
        let (any_vl, any_vr) = (u32::from(vl > 0), u32::from(vr > 0));
        let sign = |c: Option<char>| c.filter(|&c| !is_letter(c)).map_or(0, u32::from);
        let short = |phrase: &[HashedWord]| phrase.len().min(5) as u32;

        #[rustfmt::skip]
        let templates: &[&[u32]] = &[
            // Words next to the gap.
            &[wl1], &[wl2], &[wl3], &[wl2, wl1], &[wl3, wl2, wl1],
            &[wr1], &[wr2], &[wr3], &[wr1, wr2], &[wr1, wr2, wr3],
            &[wl1, wr1],
            // Words further away.
            &[word(first)], &[word(first), word(left.get(1))], &[word(last)],
            &[word(next)], &[word(next), word(beyond.and_then(|phrase| phrase.get(1)))],
            &[word(previous)], &[word(far_first)], &[word(self.phrase_words(to).last())], &[word(far_next)],
            &[word(far_first), wl1], &[word(first), wr1],
            // A short phrase as a whole.
            &[if left.len() < 4 { wl1 } else { 0 }, wl2, wl3, short(left)],
            // Lengths.
            &[near_left], &[near_right], &[near_left / 2, near_right / 2], &[short(left)], &[short(right)],
            &[far_left], &[far_right], &[far_left / 2, far_right / 2], &[wr1, far_right / 2], &[wl1, far_left / 2],
            // Signs.
            &[sign(line.chunk(gap).chars().next_back())], &[sign(line.chunk(gap + 1).chars().next())],
            &[u32::from(rule::ends_sentence(line, gap))], &[u32::from(rule::starts_list_item(line.chunk(gap + 1)))],
            // Classes next to the gap, alone and with words.
            &[cl1], &[cl2, cl1], &[cl3, cl2, cl1],
            &[cr1], &[cr1, cr2], &[cr1, cr2, cr3], &[cr1, cr2, cr3, cr4],
            &[cl1, cr1], &[cl1, wr1], &[wl1, cr1], &[wr1, cr2], &[cl2, wl1],
            &[class(first), cr1], &[class(first), cl1, cr1], &[class(next), cr1], &[word(next), cr1, any_vr],
            // Whether the phrases have verbs, as clauses do.
            &[vl.min(4)], &[vr.min(4)], &[vl.min(2), vr.min(2)], &[first_verb(left)], &[first_verb(right)],
            &[wr1, any_vr], &[wl1, any_vl], &[cr1, any_vl, any_vr], &[cl1, any_vl, any_vr],
        ];
        let numbered = (1u32..).zip(templates);
        let mut features: Vec<u32> = numbered.map(|(number, parts)| hash_feature(number, parts)).collect();
        // Words and pairs of classes anywhere near the gap.
        const MAX_WORDS: usize = 8;
        const MAX_WORD_PAIRS: usize = 5;
        let pair = |number, pair: &[HashedWord]| hash_feature(number, &[pair[0].class, pair[1].class]);
        features.extend(
            left.iter()
                .rev()
                .take(MAX_WORDS)
                .map(|word| hash_feature(101, &[word.hash])),
        );
        features.extend(right.iter().take(MAX_WORDS).map(|word| hash_feature(102, &[word.hash])));
        features.extend(left.windows(2).rev().take(MAX_WORD_PAIRS).map(|words| pair(103, words)));
        features.extend(right.windows(2).take(MAX_WORD_PAIRS).map(|words| pair(104, words)));
        features.sort_unstable();
        features.dedup();
        features
    }
}

impl HashedWord {
    /// Makes the hash and class of a word. All numbers count as one word, all Latin words as another, and a sign as
    /// itself.
    fn new(text: &str, lexicon: &Lexicon) -> Self {
        let Some(first) = text.chars().next().filter(|&c| is_letter(c)) else {
            // All numbers count as one word, and all Latin words as another.
            let kind = match text.chars().next() {
                Some(c) if rule::is_digit(c) => 1,
                Some(c) if !c.is_alphabetic() => u32::from(c),
                _ => 2,
            };
            return Self {
                hash: kind,
                class: kind + 1000,
                is_verb: false,
            };
        };
        let hash = hash_word(text);
        let class = lexicon.word_class(hash);
        // Length and spelling of an unknown word: ์ silences a letter, which mostly foreign words have.
        let shape = || 2 * text.chars().take(6).count() as u32 + u32::from(text.contains('์')) + u32::from(first == 'ฯ');
        Self {
            hash,
            class: if class > 0 { u32::from(class) } else { 500 + shape() },
            is_verb: class & Lexicon::VERB != 0,
        }
    }
}

/// Returns the number, from 0 to 11, of the length range into which a length in characters falls.
fn length_bucket(chars: usize) -> u32 {
    [3, 6, 10, 15, 20, 26, 34, 44, 56, 72, 95].partition_point(|&bound| bound < chars) as u32
}

/// Hashes the values of one feature together with the number of its template, so that equal values in different
/// templates differ.
fn hash_feature(template: u32, parts: &[u32]) -> u32 {
    parts.iter().fold(template.wrapping_mul(0x1f12_3bb5), |hash, &part| {
        mix_into_hash(hash, part)
    })
}

/// Computes the hash of a word. The two encodings of the vowel ำ (U+0E33, and U+0E4D U+0E32) give the same hash.
fn hash_word(word: &str) -> u32 {
    let mut chars = word.chars().peekable();
    let mut hash = 0x811c_9dc5;
    while let Some(c) = chars.next() {
        let c = if c == 'ํ' && chars.next_if_eq(&'า').is_some() {
            'ำ'
        } else {
            c
        };
        hash = mix_into_hash(hash, u32::from(c));
    }
    hash
}

/// Mixes a number into a hash, with multiplications and shifts like those of MurmurHash3's finaliser.
fn mix_into_hash(hash: u32, part: u32) -> u32 {
    let hash = (hash ^ part).wrapping_mul(0x9e37_79b1);
    let hash = (hash ^ hash >> 15).wrapping_mul(0x85eb_ca77);
    hash ^ hash >> 13
}
