//! The texts that the sentence splitter is trained on, with their sentence boundaries.

use plae::thai::is_letter;
use plae::thai::scorer::Lexicon;
use plae::thai::split::{Gap, SplitOptions, open_gaps};
use plae::{Error, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// A corpus of training texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Flores,
    Pud,
    Tud,
    Xquad,
    Thaigov,
}

impl Source {
    /// Returns the corpus's name in the table of results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flores => "FLORES dev, groups of 5",
            Self::Pud => "PUD, by document",
            Self::Tud => "TUD, groups of 8",
            Self::Xquad => "XQuAD",
            Self::Thaigov => "thaigov news, by paragraph",
        }
    }

    /// Returns the corpus's name on the command line.
    pub fn key(self) -> &'static str {
        match self {
            Self::Flores => "flores",
            Self::Pud => "pud",
            Self::Tud => "tud",
            Self::Xquad => "xquad",
            Self::Thaigov => "thaigov",
        }
    }

    /// Returns the weight of the corpus's spaces in training. thaigov counts less, since its sentences are long and
    /// their boundaries follow other habits than those of the other corpora.
    fn weight(self) -> f32 {
        if self == Self::Thaigov { 0.3 } else { 1.0 }
    }
}

/// One document of a corpus, as a single line of text with its sentence boundaries.
pub struct Document {
    /// The text, with single spaces only.
    pub text: String,
    /// Byte offsets of the spaces between sentences, in order.
    pub boundaries: Vec<usize>,
    /// The spaces that may be sentence boundaries, with their features.
    pub gaps: Vec<Gap>,
    /// The weight of the document's spaces in training; 1 is usual.
    pub weight: f32,
    /// The English original of the text; only for documents of XQuAD.
    pub english: Option<String>,
    /// Byte offsets, in `text`, of the spaces that are doubled in the corpus.
    pub doubled: Vec<usize>,
}

impl Document {
    /// Joins sentences to a document, with a boundary after each sentence but the last.
    fn new<S: AsRef<str>>(source: Source, sentences: &[S], lexicon: &Lexicon) -> Self {
        let mut text = String::new();
        let mut boundaries = Vec::new();
        for sentence in sentences {
            for (number, word) in sentence.as_ref().split_whitespace().enumerate() {
                if !text.is_empty() {
                    if number == 0 {
                        boundaries.push(text.len());
                    }
                    text.push(' ');
                }
                text += word;
            }
        }
        Self {
            gaps: open_gaps(&text, lexicon, &SplitOptions::default()),
            text,
            boundaries,
            weight: source.weight(),
            english: None,
            doubled: Vec::new(),
        }
    }

    /// Returns the sentences of the document: its text cut at the boundaries.
    fn sentences(&self) -> Vec<&str> {
        let starts = std::iter::once(0).chain(self.boundaries.iter().map(|&end| end + 1));
        let ends = self.boundaries.iter().copied().chain([self.text.len()]);
        starts.zip(ends).map(|(start, end)| &self.text[start..end]).collect()
    }
}

/// Joins documents to one; nothing in its text marks where one document ends.
pub fn join(documents: &[Document], lexicon: &Lexicon) -> Document {
    let sentences: Vec<&str> = documents.iter().flat_map(Document::sentences).collect();
    Document::new(Source::Pud, &sentences, lexicon)
}

/// Reads the documents of one corpus. Documents of XQuAD come without sentence boundaries.
pub fn read(directory: &Path, source: Source, lexicon: &Lexicon) -> Result<Vec<Document>> {
    let document = |sentences: &[String]| Document::new(source, sentences, lexicon);
    Ok(match source {
        Source::Flores => groups(&directory.join("boundaries/flores_dev.jsonl"))?
            .iter()
            .map(|group| document(group))
            .collect(),
        Source::Pud => groups(&directory.join("boundaries/pud.jsonl"))?
            .iter()
            .map(|group| document(group))
            .collect(),
        Source::Tud => treebank_sentences(directory)?.chunks(8).map(document).collect(),
        Source::Thaigov => thaigov(directory)?
            .iter()
            .map(|paragraph| document(paragraph))
            .collect(),
        Source::Xquad => xquad(directory)?
            .into_iter()
            .map(|pair| parallel(pair, lexicon))
            .collect(),
    })
}

/// Reads a file of JSON lines, each with the sentences of one document.
fn groups(path: &Path) -> Result<Vec<Vec<String>>> {
    text(path)?
        .lines()
        .map(|line| Ok(strings(&json(path, line)?["sents"])))
        .collect()
}

/// Returns the files of the treebanks, which give the part of speech of each word, except those of the corpora in
/// `without`.
fn treebanks(without: &[Source]) -> impl Iterator<Item = &'static str> {
    let files = [
        (Source::Tud, "tud/th_tud-ud-train.conllu"),
        (Source::Tud, "tud/th_tud-ud-dev.conllu"),
        (Source::Tud, "tud/th_tud-ud-test.conllu"),
        (Source::Pud, "pud/th_pud-ud-test.conllu"),
    ];
    files
        .into_iter()
        .filter(|(source, _)| !without.contains(source))
        .map(|(_, file)| file)
}

/// Reads the sentences of the TUD treebank, in the order of their original texts. The treebank leaves out most
/// sentences of each text.
fn treebank_sentences(directory: &Path) -> Result<Vec<String>> {
    let mut sentences = Vec::new();
    for file in treebanks(&[Source::Pud]) {
        let (mut name, mut number) = (String::new(), 0u32);
        for line in text(&directory.join(file))?.lines() {
            let Some((key, value)) = line.strip_prefix("# ").and_then(|line| line.split_once(" = ")) else {
                continue;
            };
            match key {
                "filename" => name = value.to_owned(),
                "sent_id" => number = value.parse().unwrap_or(0),
                "text" => sentences.push((name.clone(), number, value.to_owned())),
                _ => {}
            }
        }
    }
    sentences.sort();
    Ok(sentences.into_iter().map(|(_, _, text)| text).collect())
}

/// Collects the word classes of the treebanks' Thai words: the most frequent part of speech, whether a word often has
/// another one, and whether it is usually a verb.
pub fn lexicon(directory: &Path, without: &[Source]) -> Result<Lexicon> {
    /// The bit for words that have another part of speech in more than a quarter of their occurrences.
    const MIXED: u8 = 32;
    const TAGS: [&str; 17] = [
        "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ",
        "SYM", "VERB", "X",
    ];
    let mut words: BTreeMap<String, [u32; TAGS.len()]> = BTreeMap::new();
    for file in treebanks(without) {
        for line in text(&directory.join(file))?.lines() {
            let mut fields = line.split('\t').skip(1);
            let (Some(word), Some(tag)) = (fields.next(), fields.nth(1)) else {
                continue;
            };
            if let (true, Some(tag)) = (word.starts_with(is_letter), TAGS.iter().position(|known| *known == tag)) {
                words.entry(word.to_owned()).or_default()[tag] += 1;
            }
        }
    }
    let class = |counts: &[u32; TAGS.len()]| {
        let total: u32 = counts.iter().sum();
        let usual = (0..TAGS.len()).max_by_key(|&tag| counts[tag]).unwrap_or(0);
        let count = |wanted: &str| {
            TAGS.iter()
                .zip(counts)
                .filter(|(tag, _)| **tag == wanted)
                .map(|(_, n)| n)
                .sum::<u32>()
        };
        let mixed = if 4 * counts[usual] < 3 * total { MIXED } else { 0 };
        let verb = if 2 * (count("VERB") + count("AUX")) >= total {
            Lexicon::VERB
        } else {
            0
        };
        (1 + usual as u8) | mixed | verb
    };
    Ok(Lexicon::new(
        words.iter().map(|(word, counts)| (word.as_str(), class(counts))),
    ))
}

/// Reads the sentences of those paragraphs of the thaigov corpus that `thaigov.json` lists. For each article the file
/// has line numbers, counted from 0, each with the character offsets at which the second and later sentences of the
/// line begin.
fn thaigov(directory: &Path) -> Result<Vec<Vec<String>>> {
    let path = Path::new("thaigov.json");
    let articles: BTreeMap<String, Vec<(usize, Vec<usize>)>> = serde_json::from_str(include_str!("thaigov.json"))
        .map_err(|error| Error::input(error.to_string()).path(path))?;
    let mut paragraphs = Vec::new();
    for (article, lines) in articles {
        let article = text(&directory.join(format!("thaigov/{article}.txt")))?;
        let article: Vec<&str> = article.split('\n').collect();
        for (number, starts) in lines {
            let line: Vec<char> = article.get(number).copied().unwrap_or_default().chars().collect();
            let bounds: Vec<usize> = [vec![0], starts, vec![line.len()]].concat();
            let sentence = |bounds: &[usize]| line.get(bounds[0]..bounds[1]).unwrap_or_default().iter().collect();
            paragraphs.push(bounds.windows(2).map(sentence).collect());
        }
    }
    Ok(paragraphs)
}

/// Reads the paragraphs of XQuAD as pairs of Thai and English.
fn xquad(directory: &Path) -> Result<Vec<(String, String)>> {
    let contexts = |language: &str| {
        let path = directory.join(format!("xquad/xquad.{language}.json"));
        let file = json(&path, &text(&path)?)?;
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let paragraphs = list(&file["data"])
            .into_iter()
            .flat_map(|article| list(&article["paragraphs"]));
        Ok::<Vec<String>, Error>(paragraphs.map(|paragraph| string(&paragraph["context"])).collect())
    };
    Ok(contexts("th")?.into_iter().zip(contexts("en")?).collect())
}

/// Makes a document of a Thai paragraph and its English original, and records which spaces of the Thai are doubled.
fn parallel((thai, english): (String, String), lexicon: &Lexicon) -> Document {
    let thai = thai.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let mut document = Document::new(Source::Xquad, &[thai], lexicon);
    let mut rest = thai;
    for (space, _) in document.text.match_indices(' ') {
        rest = rest.trim_start_matches(|c: char| !c.is_whitespace());
        let white = rest.len();
        rest = rest.trim_start();
        if rest.len() + 1 < white {
            document.doubled.push(space);
        }
    }
    document.english = Some(english);
    document
}

fn strings(value: &Value) -> Vec<String> {
    value
        .as_array()
        .map(|list| list.iter().map(string).collect())
        .unwrap_or_default()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        Error::input(error.to_string())
            .path(path)
            .hint("name the directory of the data as the argument")
    })
}

fn json(path: &Path, text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| Error::input(error.to_string()).path(path))
}
