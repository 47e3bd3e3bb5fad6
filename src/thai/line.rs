//! One line of Thai text, cut at its white space into chunks and by a dictionary into words.

use icu_segmenter::WordSegmenter;
use std::ops::Range;

/// One line of text with its word boundaries and chunks, for the sentence splitter.
///
/// A chunk is a run of text without white space, as long as possible. A gap is the white space between two chunks: gap
/// `i` lies between the chunks `i` and `i + 1`.
pub struct Line<'a> {
    pub text: &'a str,
    /// Byte offsets of the word boundaries in ascending order, from ICU's dictionary segmenter; the line's start and
    /// end are among them.
    pub word_boundaries: Vec<usize>,
    /// Byte ranges of the chunks (runs of text without white space), in ascending order.
    pub chunks: Vec<Range<usize>>,
}

impl<'a> Line<'a> {
    /// Finds the words and chunks of a line. `text` must have no white space at its start and end.
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

    /// Returns the number of gaps (runs of white space between two chunks): one less than the number of chunks.
    pub fn space_count(&self) -> usize {
        self.chunks.len().saturating_sub(1)
    }

    /// Returns the text of the chunk (run of text without white space) with this index.
    pub fn chunk(&self, index: usize) -> &'a str {
        &self.text[self.chunks[index].clone()]
    }

    /// Whether a chunk (run of text without white space) ends with `word`, with a word boundary before it: พื้นที่
    /// (area) does not end with the word ที่.
    pub fn chunk_ends_with_word(&self, chunk: usize, word: &str) -> bool {
        self.chunk(chunk).ends_with(word)
            && self
                .word_boundaries
                .binary_search(&(self.chunks[chunk].end - word.len()))
                .is_ok()
    }

    /// Returns the first word of the chunk (run of text without white space) with this index.
    pub fn first_word(&self, chunk: usize) -> &'a str {
        let Range { start, end } = self.chunks[chunk];
        let next = self.word_boundaries.partition_point(|&boundary| boundary <= start);
        &self.text[start..self.word_boundaries.get(next).map_or(end, |&word| word.min(end))]
    }
}
