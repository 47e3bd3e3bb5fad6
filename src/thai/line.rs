//! One line of Thai text: its word boundaries, and its chunks, which white space separates.

use icu_segmenter::WordSegmenter;
use std::ops::Range;

/// One line of text with its word boundaries and chunks.
///
/// A chunk is a maximal run without white space; a gap is the white space between two chunks. Gap `i` lies between the
/// chunks `i` and `i + 1`.
pub struct Line<'a> {
    pub text: &'a str,
    /// Byte offsets of the word boundaries, ascending, with the line's start and end (ICU's dictionary segmenter).
    pub word_boundaries: Vec<usize>,
    /// Byte ranges of the chunks, ascending.
    pub chunks: Vec<Range<usize>>,
}

impl<'a> Line<'a> {
    /// Segments a line, which must have no white space at its ends.
    pub fn new(text: &'a str) -> Self {
        let word_boundaries = WordSegmenter::new_dictionary(Default::default())
            .segment_str(text)
            .collect();
        let chunks = text
            .split_whitespace()
            .map(|chunk| {
                let start = chunk.as_ptr() as usize - text.as_ptr() as usize;
                start..start + chunk.len()
            })
            .collect();
        Self {
            text,
            word_boundaries,
            chunks,
        }
    }

    /// The number of gaps: one less than there are chunks.
    pub fn gap_count(&self) -> usize {
        self.chunks.len().saturating_sub(1)
    }

    /// The text of a chunk.
    pub fn chunk(&self, index: usize) -> &'a str {
        &self.text[self.chunks[index].clone()]
    }

    /// Whether a chunk ends with `word`, and a word boundary lies before it: พื้นที่ does not end with the word ที่.
    pub fn chunk_ends_with_word(&self, chunk: usize, word: &str) -> bool {
        self.chunk(chunk).ends_with(word)
            && self
                .word_boundaries
                .binary_search(&(self.chunks[chunk].end - word.len()))
                .is_ok()
    }

    /// The first word of a chunk.
    pub fn first_word(&self, chunk: usize) -> &'a str {
        let Range { start, end } = self.chunks[chunk];
        let next = self.word_boundaries.partition_point(|&boundary| boundary <= start);
        &self.text[start..self.word_boundaries.get(next).map_or(end, |&word| word.min(end))]
    }
}
