//! Where tokens stand and what is added to them for it: stored rows, or sines and cosines as far as texts reach.

use super::config::{Config, Positions};
use crate::error::{Error, Result};
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

/// Positions computed at first.
const FIRST: usize = 64;

/// The embeddings of one side's positions, as values `V` of `(1 + positions, width)`: zeros, for what has no position, and
/// then a row for each, without the offset.
pub(super) struct PositionTable<V> {
    positions: Positions,
    width: usize,
    /// Positions that there can be; none where there is no limit.
    count: Option<usize>,
    /// A token that has no position.
    skipped: Option<u32>,
    /// How many positions have rows so far, and the rows: more are computed when a text needs them.
    rows: RwLock<(usize, Arc<V>)>,
}

/// Brings rows of this shape to where they are used.
pub(super) type Make<'a, V> = &'a dyn Fn(Vec<f32>, [usize; 2]) -> Result<V>;

impl<V> PositionTable<V> {
    /// Rows of a checkpoint, `(positions, width)`, without the offset.
    ///
    /// # Errors
    /// Those of `make`, as in all of these.
    pub fn stored(config: &Config, rows: Vec<f32>, make: Make<V>) -> Result<Self> {
        let count = rows.len() / config.width;
        Self::new(config, Some(count), (count, rows), make)
    }

    /// Rows that follow from the configuration.
    pub fn computed(config: &Config, make: Make<V>) -> Result<Self> {
        let first = FIRST.min(config.max_positions.unwrap_or(FIRST));
        let rows = config.positions.rows(0..first, config.width);
        Self::new(config, config.max_positions, (first, rows), make)
    }

    fn new(config: &Config, count: Option<usize>, (known, rows): (usize, Vec<f32>), make: Make<V>) -> Result<Self> {
        Ok(Self {
            positions: config.positions,
            width: config.width,
            count,
            skipped: config.skipped(),
            rows: RwLock::new((known, made(rows, known, config.width, make)?)),
        })
    }

    /// The table, with rows for at least these positions, and the number of each token's row.
    ///
    /// # Errors
    /// Of kind `Model` for a position beyond the last, and those of `make`.
    pub fn at(&self, ids: &[u32], positions: &[usize], make: Make<V>) -> Result<(Arc<V>, Vec<u32>)> {
        let needed = positions.iter().max().map_or(0, |last| last + 1);
        if let Some(count) = self.count.filter(|count| *count < needed) {
            return Err(Error::model(format!("a text of more than the model's {count} tokens")));
        }
        let number = |(id, position): (&u32, &usize)| {
            if self.skipped == Some(*id) {
                0
            } else {
                *position as u32 + 1
            }
        };
        Ok((self.of(needed, make)?, ids.iter().zip(positions).map(number).collect()))
    }

    fn of(&self, needed: usize, make: Make<V>) -> Result<Arc<V>> {
        let (known, rows) = {
            let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
            (rows.0, rows.1.clone())
        };
        if needed <= known {
            return Ok(rows);
        }
        let wanted = needed.next_power_of_two();
        let wanted = self.count.map_or(wanted, |count| wanted.min(count));
        let rows = self.positions.rows(0..wanted, self.width);
        let rows = made(rows, wanted, self.width, make)?;
        *self.rows.write().unwrap_or_else(PoisonError::into_inner) = (wanted, rows.clone());
        Ok(rows)
    }
}

/// Rows of positions with zeros before them.
fn made<V>(rows: Vec<f32>, count: usize, width: usize, make: Make<V>) -> Result<Arc<V>> {
    let table = [vec![0.0; width], rows].concat();
    make(table, [count + 1, width]).map(Arc::new)
}

impl Config {
    /// The token that has no position: with fairseq's, padding.
    fn skipped(&self) -> Option<u32> {
        matches!(self.positions, Positions::Fairseq { .. }).then_some(self.pad)
    }

    /// The position of each token of a source; one that has none does not move those after it on
    /// (`create_position_ids_from_input_ids`).
    pub fn places<'a>(&self, source: &'a [u32]) -> impl Iterator<Item = usize> + use<'a> {
        let skipped = self.skipped();
        let mut next = 0;
        source.iter().map(move |id| {
            next += usize::from(skipped != Some(*id));
            next.saturating_sub(1)
        })
    }
}

impl Positions {
    /// The embeddings of these positions, `(positions, width)`, for those that are computed; else nothing.
    fn rows(self, positions: Range<usize>, width: usize) -> Vec<f32> {
        match self {
            Self::Marian => {
                let angle =
                    |position: usize, j: usize| position as f64 / 10_000f64.powf((2 * (j / 2)) as f64 / width as f64);
                let row = |position: usize| {
                    let sines = (0..width).step_by(2).map(move |j| angle(position, j).sin());
                    sines.chain((1..width).step_by(2).map(move |j| angle(position, j).cos()))
                };
                positions.flat_map(row).map(|x| x as f32).collect()
            }
            Self::Fairseq { first } => {
                let half = width / 2;
                // In float32 throughout, as transformers has it.
                let step = -((10_000f64.ln() / (half as f64 - 1.0)) as f32);
                let frequencies: Vec<f32> = (0..half).map(|i| (i as f32 * step).exp()).collect();
                let row = |position: usize| {
                    let position = (position + first) as f32;
                    let angles = frequencies.iter().map(move |f| position * f);
                    let zero = (width % 2 == 1).then_some(0.0);
                    angles.clone().map(f32::sin).chain(angles.map(f32::cos)).chain(zero)
                };
                positions.flat_map(row).collect()
            }
            Self::Learned { .. } | Self::Relative { .. } => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Architecture;
    use serde_json::json;
    use std::path::Path;

    fn config(architecture: Architecture, positions: usize) -> Config {
        let json = json!({
            "d_model": 6, "vocab_size": 9, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 1,
            "decoder_attention_heads": 1, "encoder_ffn_dim": 4, "decoder_ffn_dim": 4, "pad_token_id": 1,
            "max_position_embeddings": positions,
        });
        Config::read(architecture, &json, Path::new("config.json")).expect("a configuration")
    }

    fn keep(rows: Vec<f32>, _: [usize; 2]) -> Result<Vec<f32>> {
        Ok(rows)
    }

    #[test]
    fn rows_are_computed_as_far_as_they_are_needed_and_no_further_than_the_model_has() {
        // A table of this size would be 400 MB.
        let config = config(Architecture::Marian, 1 << 24);
        let table = PositionTable::computed(&config, &keep).expect("a table");
        let (rows, numbers) = table.at(&[5, 5], &[70, 3], &keep).expect("rows");
        assert_eq!((rows.len(), numbers), (129 * 6, vec![71, 4]));
        let whole = Positions::Marian.rows(0..128, 6);
        assert_eq!(rows[6..], whole);
        let error = table.at(&[5], &[1 << 24], &keep).unwrap_err();
        assert!(error.message.contains("16777216"), "{error}");
        // What there is is not made again.
        let fail = |_, _| Err(Error::model("made"));
        assert!(table.at(&[5], &[127], &fail).is_ok() && table.at(&[5], &[128], &fail).is_err());
    }

    #[test]
    fn fairseq_positions_have_no_end_and_pass_over_padding() {
        let config = config(Architecture::M2m100, 4);
        let places: Vec<usize> = config.places(&[7, 1, 1, 7, 8, 1]).collect();
        assert_eq!([places[0], places[3], places[4]], [0, 1, 2]);
        let table = PositionTable::computed(&config, &keep).expect("a table");
        let (rows, numbers) = table.at(&[7, 1], &[300, 300], &keep).expect("rows");
        assert_eq!(numbers, [301, 0]);
        // The 301st position of fairseq's is number 302, for padding has number 1: sin and cos of 302 first.
        let row = &rows[301 * 6..];
        assert!((row[0] - 302f32.sin()).abs() < 1e-6 && (row[3] - 302f32.cos()).abs() < 1e-6);
        assert_eq!(rows[..6], [0.0; 6]);
    }
}
