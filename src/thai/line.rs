//! One line of Thai text: its words, and the phrases between its spaces.

use icu_segmenter::WordSegmenter;
use std::ops::Range;

/// One line, with its words and the phrases between its spaces.
pub struct Line<'a> {
    pub text: &'a str,
    /// Byte offsets of the word boundaries, the line's start and end included.
    pub words: Vec<usize>,
    /// The maximal runs without white space.
    pub chunks: Vec<Range<usize>>,
}

impl<'a> Line<'a> {
    /// Reads a trimmed line.
    pub fn new(text: &'a str) -> Self {
        let words = WordSegmenter::new_dictionary(Default::default())
            .segment_str(text)
            .collect();
        let chunks = text
            .split_whitespace()
            .map(|chunk| {
                let start = chunk.as_ptr() as usize - text.as_ptr() as usize;
                start..start + chunk.len()
            })
            .collect();
        Self { text, words, chunks }
    }

    /// How many spaces separate the chunks.
    pub fn gaps(&self) -> usize {
        self.chunks.len().saturating_sub(1)
    }

    /// The text of a chunk; gap `i` lies between the chunks `i` and `i + 1`.
    pub fn chunk(&self, index: usize) -> &'a str {
        &self.text[self.chunks[index].clone()]
    }

    /// Whether a chunk ends with this word, as a word.
    pub fn ends_with(&self, chunk: usize, word: &str) -> bool {
        self.chunk(chunk).ends_with(word) && self.words.binary_search(&(self.chunks[chunk].end - word.len())).is_ok()
    }

    /// The first word of a chunk.
    pub fn first_word(&self, chunk: usize) -> &'a str {
        let Range { start, end } = self.chunks[chunk];
        let next = self.words.partition_point(|&word| word <= start);
        &self.text[start..self.words.get(next).map_or(end, |&word| word.min(end))]
    }
}
