//! The learned scorer of sentence boundaries: a logistic regression over hashed features that gives the log-odds that a
//! sentence ends at a space.
//!
//! `examples/train_splitter` trains the weights; its README says on which texts.

pub use super::cuts::LengthPrior;
pub use super::features::Lexicon;
use super::features::LinePhrases;
use super::line::Line;
use super::rule;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A trained model of sentence boundaries: a logistic regression over hashed features, with weights of 8 bits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scorer {
    /// Classes (parts of speech) of words, which the features are computed from.
    pub lexicon: Lexicon,
    /// Hashes of the features that have a weight, in ascending order.
    features: Vec<u32>,
    /// Quantised weights of the features, in the order of `features`.
    weights: Vec<i8>,
    /// Factor by which a quantised weight is multiplied to get log-odds.
    scale: f32,
    /// Log-odds of a sentence boundary before any feature is counted: the intercept of the regression.
    pub bias: f32,
    /// Prior on the length of segments (the parts into which a line is cut), tuned together with the weights.
    pub prior: LengthPrior,
}

/// First bytes of a file of weights: the name and version of the file format.
const SCORER_FILE_MAGIC: &[u8] = b"plae-split-1";

/// The scorer with the weights that are compiled into the crate.
static BUILT_IN_SCORER: LazyLock<Scorer> =
    LazyLock::new(|| Scorer::from_bytes(include_bytes!("split.weights")).unwrap_or_default());

/// Returns the scorer whose weights are compiled into the crate. The texts it was trained on are under CC BY-SA; see
/// `split.weights.license` beside the weights.
pub(super) fn built_in_scorer() -> &'static Scorer {
    &BUILT_IN_SCORER
}

impl Scorer {
    /// Makes a scorer from the weight, in log-odds, of each feature hash. Weights are rounded to 8 bits; features whose
    /// weight is rounded to 0 are left out.
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

    /// Reads a scorer from the bytes of a file that [`Scorer::to_bytes`] wrote. Returns `None` if they are not a
    /// complete file of this format.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(SCORER_FILE_MAGIC)?;
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
        let [scale, bias, short, short_penalty, long, long_penalty] = reals;
        rest.is_empty().then(|| Self {
            lexicon: Lexicon::from_parts(hashes, classes.to_vec()),
            features,
            weights: weights.iter().map(|&byte| byte as i8).collect(),
            scale,
            bias,
            prior: LengthPrior {
                short,
                short_penalty,
                long,
                long_penalty,
            },
        })
    }

    /// Writes the scorer as the bytes of a file, little-endian, in this order: the magic bytes; the number of entries
    /// of the lexicon and of the weights (u32); scale, bias and the four numbers of the length prior (f32); the hashes
    /// of the words (u32) and their classes (u8); the hashes of the features (u32) and their weights (i8).
    pub fn to_bytes(&self) -> Vec<u8> {
        let (hashes, classes) = self.lexicon.hashes_and_classes();
        let LengthPrior {
            short,
            short_penalty,
            long,
            long_penalty,
        } = self.prior;
        let mut bytes = SCORER_FILE_MAGIC.to_vec();
        let number = |number: u32| number.to_le_bytes();
        bytes.extend(
            [hashes.len(), self.features.len()]
                .into_iter()
                .flat_map(|size| number(size as u32)),
        );
        let reals = [self.scale, self.bias, short, short_penalty, long, long_penalty];
        bytes.extend(reals.into_iter().flat_map(|real| number(real.to_bits())));
        bytes.extend(hashes.iter().copied().flat_map(number));
        bytes.extend(classes);
        bytes.extend(self.features.iter().copied().flat_map(number));
        bytes.extend(self.weights.iter().map(|&weight| weight as u8));
        bytes
    }

    /// Computes the log-odds of a sentence boundary at each gap of a line. A gap is the white space between two chunks
    /// of text; `forbidden` says which splitting rule, if any, forbids a cut there.
    ///
    /// Latin punctuation that ends a sentence before the gap, and the number of a list item after it, add a fixed
    /// score, because the training texts have too few of them to learn from.
    pub(super) fn score_gaps(&self, line: &Line, forbidden: &[Option<rule::NoCutRule>]) -> Vec<f32> {
        const SENTENCE_END_SCORE: f32 = 10.0;
        const LIST_ITEM_SCORE: f32 = 4.0;
        let phrases = LinePhrases::new(line, forbidden, &self.lexicon);
        (0..line.space_count())
            .map(|gap| {
                let stop = if rule::ends_sentence(line, gap) {
                    SENTENCE_END_SCORE
                } else {
                    0.0
                };
                let item = if rule::starts_list_item(line.chunk(gap + 1)) {
                    LIST_ITEM_SCORE
                } else {
                    0.0
                };
                self.score_features(&phrases.gap_features(line, gap)) + stop + item
            })
            .collect()
    }

    /// Returns the log-odds of a sentence boundary at a space with these hashed features, which
    /// [`super::split::Gap::features`] holds.
    pub fn score_features(&self, features: &[u32]) -> f32 {
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
        let scorer = built_in_scorer();
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
            short_penalty: 0.0,
            long: 9.0,
            long_penalty: 0.0,
        };
        let weights = BTreeMap::from([(3, 2.0), (5, -1.0), (9, 0.001)]);
        let scorer = Scorer::new(Lexicon::new([("ไป", 5)]), &weights, 0.5, prior);
        assert_eq!(scorer.features, [3, 5]);
        assert!((scorer.score_features(&[3, 4, 5, 9]) - 1.5).abs() < 0.02);
        assert_eq!(Scorer::from_bytes(&scorer.to_bytes()).as_ref(), Some(&scorer));
    }
}
