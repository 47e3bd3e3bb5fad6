//! Trains the sentence splitter, or measures it on texts that it was not trained on. `README.md` beside this file says more.
//!
//! `train_splitter [DATA]` writes the weights; `--evaluate` prints how well each source is split without training on it;
//! `--segments SOURCE` prints the segments of each document of a corpus (flores, pud, tud, thaigov), one JSON array per line.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod align;
mod data;
mod learn;

use anyhow::Context;
use data::{Document, Source};
use learn::Model;
use plae::thai::cuts::{CutCandidate, best_cuts};
use plae::thai::scorer::{LengthPrior, Lexicon, Scorer};
use plae::thai::split::{SplitOptions, sentences_with_scorer};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Path of the splitter's weights in the repository.
const WEIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/thai/split.weights");
/// Default directory of the training texts.
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data");
/// The corpora whose sentence boundaries are given: set by people, or for thaigov by a language model that read the
/// texts. XQuAD is not among them, since its boundaries are found by alignment.
const GOLD: [Source; 4] = [Source::Flores, Source::Pud, Source::Tud, Source::Thaigov];

fn main() -> anyhow::Result<()> {
    let mut evaluation = false;
    let mut segments_of = None;
    let mut directory = PathBuf::from(DATA);
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--evaluate") => evaluation = true,
            Some("--segments") => segments_of = Some(source(arguments.next())?),
            _ => directory = argument.into(),
        }
    }
    if evaluation {
        return Ok(evaluate(&directory)?);
    }
    if let Some(source) = segments_of {
        return Ok(print_segments(&directory, source)?);
    }
    let scorer = train(&directory, &[])?;
    let bytes = scorer.to_bytes();
    std::fs::write(WEIGHTS, &bytes).with_context(|| format!("cannot write {WEIGHTS}"))?;
    println!("{} bytes; {:?}", bytes.len(), scorer.prior);
    Ok(())
}

/// Finds the corpus that the argument of `--segments` names.
fn source(argument: Option<OsString>) -> plae::Result<Source> {
    let name = argument.unwrap_or_default();
    GOLD.into_iter()
        .find(|source| source.key() == name)
        .ok_or_else(|| plae::Error::usage(format!("--segments: no source is called {name:?}")))
}

/// Prints the segments into which a splitter that was trained without this corpus divides each document of the corpus.
fn print_segments(directory: &Path, source: Source) -> plae::Result<()> {
    let scorer = train(directory, &[source])?;
    for document in data::read(directory, source, &scorer.lexicon)? {
        let segments = sentences_with_scorer(&scorer, &document.text, &SplitOptions::default());
        let segments: Vec<&str> = segments.into_iter().map(|range| &document.text[range]).collect();
        println!("{}", serde_json::json!(segments));
    }
    Ok(())
}

/// Log-odds added to the score of every possible boundary. The best F1 comes from cutting wherever the probability of a
/// boundary is above half of that F1 (Lipton et al. 2014). The F1 is about 0.75, so the limit is 0.38.
const BONUS: f32 = 0.5;

/// Trains a scorer on all corpora except those in `without`. The scorer's length prior is the one with the best mean F1
/// over the corpora, each measured with a model that was trained without that corpus, too.
fn train(directory: &Path, without: &[Source]) -> plae::Result<Scorer> {
    let mut sums: Vec<(f64, LengthPrior)> = priors().map(|prior| (0.0, prior)).collect();
    for source in GOLD.into_iter().filter(|source| !without.contains(source)) {
        let (lexicon, model) = learn(directory, &[without, &[source]].concat())?;
        let documents = data::read(directory, source, &lexicon)?;
        let scores: Vec<Vec<f32>> = documents.iter().map(|document| model.scores(document)).collect();
        for (sum, prior) in &mut sums {
            let mut tally = Tally::default();
            for (document, scores) in documents.iter().zip(&scores) {
                let gaps = document.gaps.iter().zip(scores);
                let places: Vec<CutCandidate> = gaps
                    .map(|(gap, score)| CutCandidate {
                        end: gap.end,
                        next: gap.next,
                        score: score + BONUS,
                    })
                    .collect();
                let cuts = best_cuts(
                    &places,
                    document.text.chars().count(),
                    prior,
                    SplitOptions::default().max_chars,
                );
                tally.add(document, cuts.into_iter().map(|cut| document.gaps[cut].offset));
            }
            *sum += tally.f1();
        }
    }
    let best = sums
        .into_iter()
        .reduce(|best, other| if other.0 > best.0 { other } else { best });
    let (_, prior) = best.unwrap_or_default();
    let (lexicon, model) = learn(directory, without)?;
    Ok(Scorer::new(lexicon, &model.weights, model.bias + BONUS, prior))
}

/// Returns the priors on segment length that [`train`] chooses from.
fn priors() -> impl Iterator<Item = LengthPrior> {
    let short_penalties = [(80.0, 5.0), (60.0, 3.0), (40.0, 3.0)];
    let long_penalties = [(160.0, 1.5), (200.0, 2.0), (200.0, 4.0)];
    short_penalties.into_iter().flat_map(move |(short, short_penalty)| {
        long_penalties.map(|(long, long_penalty)| LengthPrior {
            short,
            short_penalty,
            long,
            long_penalty,
        })
    })
}

/// Learns the word classes and the model from all corpora except those in `without`. A first model, trained without
/// XQuAD, helps to find XQuAD's boundaries, with which the final model is trained.
fn learn(directory: &Path, without: &[Source]) -> plae::Result<(Lexicon, Model)> {
    let lexicon = data::lexicon(directory, without)?;
    let mut documents = Vec::new();
    for source in GOLD.into_iter().filter(|source| !without.contains(source)) {
        documents.extend(data::read(directory, source, &lexicon)?);
    }
    let first = learn::fit(&documents);
    for mut document in data::read(directory, Source::Xquad, &lexicon)? {
        if let Some(boundaries) = align::boundaries(&document, &first.scores(&document)) {
            document.boundaries = boundaries;
            documents.push(document);
        }
    }
    Ok((lexicon, learn::fit(&documents)))
}

/// Prints a table that tells, for each corpus, how well a splitter that was trained without the corpus finds its
/// sentence boundaries.
fn evaluate(directory: &Path) -> plae::Result<()> {
    println!("source, not trained on | every space F1 | F1 | precision | recall | gold sentences | cut inside");
    for source in GOLD {
        let scorer = train(directory, &[source])?;
        let documents = data::read(directory, source, &scorer.lexicon)?;
        print_row(source.name(), &scorer, &documents);
        if source == Source::Pud {
            print_row("PUD, one stream", &scorer, &[data::join(&documents, &scorer.lexicon)]);
        }
    }
    Ok(())
}

/// Prints one row of the table of [`evaluate`]: how well `scorer` finds the sentence boundaries of the documents.
fn print_row(name: &str, scorer: &Scorer, documents: &[Document]) {
    let (mut every, mut found) = (Tally::default(), Tally::default());
    for document in documents {
        every.add(document, document.text.match_indices(' ').map(|(at, _)| at));
        let sentences = sentences_with_scorer(scorer, &document.text, &SplitOptions::default());
        found.add(
            document,
            sentences
                .iter()
                .map(|range| range.end)
                .filter(|&end| end < document.text.len()),
        );
    }
    println!(
        "{name} | {:.3} | {:.3} | {:.3} | {:.3} | {} | {}",
        every.f1(),
        found.f1(),
        found.precision(),
        found.recall(),
        found.sentences,
        found.broken,
    );
}

/// Counts that compare the cuts of a splitter with the true sentence boundaries.
#[derive(Default)]
struct Tally {
    /// Number of cuts at a true boundary.
    right: usize,
    /// Number of all cuts.
    found: usize,
    /// Number of true boundaries.
    gold: usize,
    /// Number of true sentences.
    sentences: usize,
    /// Number of true sentences with a cut inside.
    broken: usize,
}

impl Tally {
    /// Counts the cuts of a document, given by their byte offsets.
    fn add(&mut self, document: &Document, cuts: impl Iterator<Item = usize>) {
        let mut wrong = vec![false; document.boundaries.len() + 1];
        for cut in cuts {
            self.found += 1;
            match document.boundaries.binary_search(&cut) {
                Ok(_) => self.right += 1,
                Err(sentence) => wrong[sentence] = true,
            }
        }
        self.gold += document.boundaries.len();
        self.sentences += wrong.len();
        self.broken += wrong.iter().filter(|&&wrong| wrong).count();
    }

    fn precision(&self) -> f64 {
        self.right as f64 / self.found.max(1) as f64
    }

    fn recall(&self) -> f64 {
        self.right as f64 / self.gold.max(1) as f64
    }

    fn f1(&self) -> f64 {
        2.0 * self.right as f64 / (self.found + self.gold).max(1) as f64
    }
}
