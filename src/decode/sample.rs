//! Repeatable random draws: each depends only on the seed, the source's stream and the position in the output.

use super::Sampling;
use super::row::LogitPatch;

/// Draws one column at random, with its probability at the sampling temperature. `best` holds the columns that can be
/// drawn with their logits, best first; `None` if it is empty.
pub(super) fn draw_index(best: &[LogitPatch], sampling: &Sampling, stream: u64, position: u64) -> Option<usize> {
    let most = best.first()?.1;
    let weight = |column: &LogitPatch| (f64::from(column.1 - most) / sampling.temperature).exp();
    let total: f64 = best.iter().map(weight).sum();
    let mut left = uniform_number(sampling.seed, stream, position) * total;
    best.iter()
        .find(|column| {
            left -= weight(column);
            left < 0.0
        })
        .or(best.last())
        .map(|column| column.0)
}

/// Computes a pseudo-random number in [0, 1) from its arguments alone.
fn uniform_number(seed: u64, stream: u64, position: u64) -> f64 {
    let bits = mix_bits(mix_bits(mix_bits(seed) ^ stream) ^ position);
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// Takes one step of the random generator SplitMix64 (Steele, Lea and Flood, 2014), which scatters neighbouring
/// numbers.
fn mix_bits(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling(temperature: f64) -> Sampling<'static> {
        Sampling {
            seed: 7,
            temperature,
            streams: &[],
        }
    }

    /// Counts how often each of four columns is drawn in 20 000 draws.
    fn counts(sampling: &Sampling) -> [f64; 4] {
        let best: Vec<LogitPatch> = [0.5f32, 0.3, 0.15, 0.05].map(f32::ln).into_iter().enumerate().collect();
        let mut counts = [0.0; 4];
        for stream in 0..200 {
            for position in 0..100 {
                counts[draw_index(&best, sampling, stream, position).unwrap()] += 1.0;
            }
        }
        counts
    }

    /// Computes Pearson's chi-squared statistic of 20 000 draws against the expected probabilities.
    fn chi_squared(counts: [f64; 4], expected: [f64; 4]) -> f64 {
        counts
            .iter()
            .zip(expected)
            .map(|(count, p)| (count - p * 20_000.0).powi(2) / (p * 20_000.0))
            .sum()
    }

    #[test]
    fn draws_follow_the_distribution() {
        // The 99.9th percentile for three degrees of freedom is 16.3.
        for (sampling, expected) in [
            (sampling(1.0), [0.5, 0.3, 0.15, 0.05]),
            (
                sampling(0.5),
                [0.25 / 0.365, 0.09 / 0.365, 0.0225 / 0.365, 0.0025 / 0.365],
            ),
        ] {
            let counts = counts(&sampling);
            assert!(chi_squared(counts, expected) < 16.3, "{counts:?} for {expected:?}");
        }
        assert_ne!(
            counts(&sampling(1.0)),
            counts(&Sampling {
                seed: 8,
                ..sampling(1.0)
            })
        );
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(draw_index(&[], &sampling(1.0), 0, 0), None);
    }
}
