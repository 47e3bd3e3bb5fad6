//! Logistic regression over sparse features, by stochastic gradient descent: always the same weights from the same texts.

use crate::data::Document;
use std::collections::{BTreeMap, HashMap};

/// Weights of features in log-odds.
pub struct Model {
    pub weights: BTreeMap<u32, f32>,
    pub bias: f32,
}

impl Model {
    /// The score of each gap of a document.
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

/// Passes over the texts; the learning rate falls to 0 over them.
const PASSES: u32 = 40;
const RATE: f32 = 0.3;
/// The inverse of the variance that weights are expected to have.
const REGULARISATION: f32 = 12.0;
/// How many of a gap's features are left out each time, so that no few of them are relied upon.
const DROPOUT: f32 = 0.6;
/// Gaps with a feature that it takes to be learned.
const LEAST: u32 = 3;

/// The model of these documents' boundaries (AdaGrad, L2, dropout of features).
pub fn fit(documents: &[Document]) -> Model {
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    for feature in documents
        .iter()
        .flat_map(|document| &document.gaps)
        .flat_map(|gap| &gap.features)
    {
        *counts.entry(*feature).or_default() += 1;
    }
    counts.retain(|_, count| *count >= LEAST);
    let index: HashMap<u32, usize> = counts.keys().enumerate().map(|(at, &feature)| (feature, at)).collect();
    let shrink: Vec<f32> = counts.values().map(|&count| REGULARISATION / count as f32).collect();
    // For each gap: whether it is a boundary, its weight, its features.
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
        for at in (1..gaps.len()).rev() {
            gaps.swap(at, random.below(at + 1));
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

/// A linear congruential generator (Knuth's MMIX).
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
