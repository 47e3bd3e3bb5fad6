//! Logistic regression over sparse features by stochastic gradient descent. Training on the same texts always gives the
//! same weights.

use crate::data::Document;
use std::collections::{BTreeMap, HashMap};

/// A trained model that scores whether a space in Thai text is a sentence boundary.
pub struct Model {
    /// The weight of each hashed feature, in log-odds.
    pub weights: BTreeMap<u32, f32>,
    /// The log-odds that a space without known features is a sentence boundary.
    pub bias: f32,
}

impl Model {
    /// Returns, for each space of a document at which a cut is allowed, the log-odds that it is a sentence boundary.
    pub fn scores(&self, document: &Document) -> Vec<f32> {
        let score = |features: &[u32]| {
            features
                .iter()
                .filter_map(|feature| self.weights.get(feature))
                .sum::<f32>()
        };
        document
            .gaps
            .iter()
            .map(|gap| self.bias + score(&gap.features))
            .collect()
    }
}

/// Number of passes over the training texts.
const PASSES: u32 = 40;
/// The learning rate at the start of training; it falls linearly to 0.
const RATE: f32 = 0.3;
/// The strength of L2 regularisation: the inverse of the expected variance of the weights.
const REGULARISATION: f32 = 12.0;
/// The share of a space's features that is left out at random in each training step, so that the model does not rely on
/// a few features.
const DROPOUT: f32 = 0.6;
/// A feature is learned only if at least this many spaces of the training texts have it.
const MIN_COUNT: u32 = 3;

/// Fits a model to the sentence boundaries of the documents (AdaGrad, L2 regularisation, dropout of features).
pub fn fit(documents: &[Document]) -> Model {
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    for feature in documents
        .iter()
        .flat_map(|document| &document.gaps)
        .flat_map(|gap| &gap.features)
    {
        *counts.entry(*feature).or_default() += 1;
    }
    counts.retain(|_, count| *count >= MIN_COUNT);
    let index: HashMap<u32, usize> = counts
        .keys()
        .enumerate()
        .map(|(index, &feature)| (feature, index))
        .collect();
    let shrink: Vec<f32> = counts.values().map(|&count| REGULARISATION / count as f32).collect();
    // For each space: 1 if it is a boundary, else 0; the weight of its document; the indices of its features.
    let mut gaps: Vec<(f32, f32, Vec<usize>)> = Vec::new();
    for document in documents {
        for gap in &document.gaps {
            let features = gap
                .features
                .iter()
                .filter_map(|feature| index.get(feature).copied())
                .collect();
            let boundary = document.boundaries.binary_search(&gap.offset).is_ok();
            gaps.push((f32::from(u8::from(boundary)), document.weight, features));
        }
    }
    let mut random = Random(12345);
    let (mut weights, mut squares) = (vec![0.0f32; index.len()], vec![0.01f32; index.len()]);
    let (mut bias, mut bias_squares) = (-1.0f32, 1.0f32);
    for pass in 0..PASSES {
        for last in (1..gaps.len()).rev() {
            gaps.swap(last, random.below(last + 1));
        }
        let rate = RATE * (1.0 - pass as f32 / PASSES as f32);
        for (boundary, weight, features) in &gaps {
            let kept: Vec<usize> = features
                .iter()
                .copied()
                .filter(|_| random.fraction() >= DROPOUT)
                .collect();
            let sum: f32 = kept.iter().map(|&feature| weights[feature]).sum();
            let score = bias + sum / (1.0 - DROPOUT);
            let error = weight * (boundary - 1.0 / (1.0 + (-score).exp()));
            bias_squares += error * error;
            bias += rate * error / bias_squares.sqrt();
            for feature in kept {
                let slope = error - shrink[feature] * weights[feature];
                squares[feature] += slope * slope;
                weights[feature] += rate * slope / squares[feature].sqrt();
            }
        }
    }
    Model {
        weights: counts.into_keys().zip(weights).collect(),
        bias,
    }
}

/// A linear congruential generator of pseudo-random numbers (Knuth's MMIX).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        self.0 >> 33
    }

    fn below(&mut self, bound: usize) -> usize {
        self.next() as usize % bound
    }

    fn fraction(&mut self) -> f32 {
        self.next() as f32 / (1u64 << 31) as f32
    }
}
