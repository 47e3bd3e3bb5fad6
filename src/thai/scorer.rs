//! The learned scorer: the log-odds that a sentence ends at a space, by a logistic regression over hashed features.
//!
//! `examples/train_splitter` makes the weights, and tells of what.

pub use super::cuts::LengthPrior;
pub use super::features::Lexicon;
use super::features::Phrases;
use super::line::Line;
use super::rule;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What the splitter has learned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scorer {
    pub lexicon: Lexicon,
    /// In ascending order, with a weight each.
    features: Vec<u32>,
    weights: Vec<i8>,
    /// What a weight of 1 is worth.
    scale: f32,
    /// The score without any feature.
    pub bias: f32,
    pub prior: LengthPrior,
}

/// First bytes of a file of weights: its name and version.
const MAGIC: &[u8] = b"plae-split-1";

static BUILT_IN: LazyLock<Scorer> =
    LazyLock::new(|| Scorer::from_bytes(include_bytes!("split.weights")).unwrap_or_default());

/// plae's own, made from texts under CC BY-SA, as `split.weights.license` beside the weights says.
pub(super) fn built_in() -> &'static Scorer {
    &BUILT_IN
}

impl Scorer {
    /// A scorer with these weights of features in log-odds, rounded to 8 bits; those that round to 0 are left out.
    pub fn new(lexicon: Lexicon, weights: &BTreeMap<u32, f32>, bias: f32, prior: LengthPrior) -> Self {
        let most = weights.values().fold(0.0f32, |most, weight| most.max(weight.abs()));
        let scale = most.max(f32::MIN_POSITIVE) / f32::from(i8::MAX);
        let (features, weights) = weights
            .iter()
            .map(|(&feature, weight)| (feature, (weight / scale).round() as i8))
            .filter(|&(_, weight)| weight != 0)
            .unzip();
        Self {
            lexicon,
            features,
            weights,
            scale,
            bias,
            prior,
        }
    }

    /// The file form of [`Scorer::to_bytes`]; none if the bytes are anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(MAGIC)?;
        let mut take = |count: usize| {
            let (part, more) = rest.split_at_checked(count)?;
            rest = more;
            Some(part)
        };
        let number = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).ok();
        let sizes = [number(take(4)?)? as usize, number(take(4)?)? as usize];
        let mut reals = [0.0; 6];
        for real in &mut reals {
            *real = f32::from_bits(number(take(4)?)?);
        }
        let mut table = |size: usize| {
            let keys: Option<Vec<u32>> = take(size.checked_mul(4)?)?.chunks_exact(4).map(number).collect();
            Some((keys.filter(|keys| keys.is_sorted())?, take(size)?))
        };
        let (hashes, classes) = table(sizes[0])?;
        let (features, weights) = table(sizes[1])?;
        let [scale, bias, short, brevity, long, excess] = reals;
        rest.is_empty().then(|| Self {
            lexicon: Lexicon::from_parts(hashes, classes.to_vec()),
            features,
            weights: weights.iter().map(|&byte| byte as i8).collect(),
            scale,
            bias,
            prior: LengthPrior {
                short,
                brevity,
                long,
                excess,
            },
        })
    }

    /// As a file: the mark, the two tables' sizes, the six reals, then of each table its keys and its values; little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (hashes, classes) = self.lexicon.parts();
        let LengthPrior {
            short,
            brevity,
            long,
            excess,
        } = self.prior;
        let mut bytes = MAGIC.to_vec();
        let number = |number: u32| number.to_le_bytes();
        bytes.extend(
            [hashes.len(), self.features.len()]
                .into_iter()
                .flat_map(|size| number(size as u32)),
        );
        let reals = [self.scale, self.bias, short, brevity, long, excess];
        bytes.extend(reals.into_iter().flat_map(|real| number(real.to_bits())));
        bytes.extend(hashes.iter().copied().flat_map(number));
        bytes.extend(classes);
        bytes.extend(self.features.iter().copied().flat_map(number));
        bytes.extend(self.weights.iter().map(|&weight| weight as u8));
        bytes
    }

    /// The score of each gap of a line. A mark that only ends sentences or starts items decides by itself: the training
    /// texts have few.
    pub(super) fn scores(&self, line: &Line, bars: &[Option<rule::Rule>]) -> Vec<f32> {
        const STOP: f32 = 10.0;
        const ITEM: f32 = 4.0;
        let phrases = Phrases::new(line, bars, &self.lexicon);
        (0..line.gaps())
            .map(|gap| {
                let stop = if rule::ends_sentence(line, gap) { STOP } else { 0.0 };
                let item = if rule::starts_item(line.chunk(gap + 1)) {
                    ITEM
                } else {
                    0.0
                };
                self.score(&phrases.features(line, gap)) + stop + item
            })
            .collect()
    }

    /// The log-odds of a boundary with these features.
    pub fn score(&self, features: &[u32]) -> f32 {
        let weight = |feature| {
            self.features
                .binary_search(feature)
                .ok()
                .and_then(|at| self.weights.get(at))
        };
        let sum: i32 = features
            .iter()
            .filter_map(weight)
            .map(|&weight| i32::from(weight))
            .sum();
        self.bias + self.scale * sum as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole_and_read_as_written() {
        let bytes = include_bytes!("split.weights");
        assert!(bytes.len() < 2_000_000);
        let scorer = built_in();
        assert_eq!(scorer.to_bytes(), bytes);
        assert!(scorer.features.len() > 1000);
        for broken in [
            &bytes[1..],
            &bytes[..bytes.len() - 1],
            &[],
            b"plae-split-1\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert_eq!(Scorer::from_bytes(broken), None);
        }
    }

    #[test]
    fn weights_are_rounded() {
        let prior = LengthPrior {
            short: 1.0,
            brevity: 0.0,
            long: 9.0,
            excess: 0.0,
        };
        let weights = BTreeMap::from([(3, 2.0), (5, -1.0), (9, 0.001)]);
        let scorer = Scorer::new(Lexicon::new([("ไป", 5)]), &weights, 0.5, prior);
        assert_eq!(scorer.features, [3, 5]);
        assert!((scorer.score(&[3, 4, 5, 9]) - 1.5).abs() < 0.02);
        assert_eq!(Scorer::from_bytes(&scorer.to_bytes()).as_ref(), Some(&scorer));
    }
}
