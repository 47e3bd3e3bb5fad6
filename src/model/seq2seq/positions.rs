//! Position embeddings: either stored in the checkpoint, or sines and cosines, which are computed for as many
//! positions as texts need.

use super::config::{PositionScheme, Seq2SeqConfig};
use crate::error::{Error, Result};
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

/// Number of positions for which embeddings are computed at first.
const INITIAL_POSITIONS: usize = 64;

/// The position embeddings of the encoder or of the decoder, a matrix `V` of shape `(1 + positions, hidden_size)`: a
/// row of zeros for tokens that have no position, then a row for each position. The first position has number 0,
/// without the offset that fairseq's models add.
pub(super) struct PositionTable<V> {
    positions: PositionScheme,
    hidden_size: usize,
    /// The most positions that the table can have; none if there is no limit.
    count: Option<usize>,
    /// Id of the token that has no position: in fairseq's models, the padding token.
    skipped: Option<u32>,
    /// The number of positions whose embeddings are in the table so far, and the table; it is extended when a longer
    /// text comes.
    rows: RwLock<(usize, Arc<V>)>,
}

/// A function that turns a table of float32 values, given with its shape, into the type `V` that the forward pass
/// uses, on the device that computes.
pub(super) type UploadRows<'a, V> = &'a dyn Fn(Vec<f32>, [usize; 2]) -> Result<V>;

impl<V> PositionTable<V> {
    /// Makes a table of position embeddings from a checkpoint's, `(positions, hidden_size)`, whose rows before the
    /// first position (fairseq's offset) are already removed.
    ///
    /// # Errors
    /// The errors of `upload_rows`.
    pub fn from_stored_rows(config: &Seq2SeqConfig, rows: Vec<f32>, upload_rows: UploadRows<V>) -> Result<Self> {
        let count = rows.len() / config.hidden_size;
        Self::new(config, Some(count), (count, rows), upload_rows)
    }

    /// Makes a table of position embeddings that are computed: sines and cosines of the kind that the configuration
    /// names.
    ///
    /// # Errors
    /// The errors of `upload_rows`.
    pub fn with_computed_rows(config: &Seq2SeqConfig, upload_rows: UploadRows<V>) -> Result<Self> {
        let first = INITIAL_POSITIONS.min(config.max_positions.unwrap_or(INITIAL_POSITIONS));
        let rows = config.positions.compute_rows(0..first, config.hidden_size);
        Self::new(config, config.max_positions, (first, rows), upload_rows)
    }

    fn new(
        config: &Seq2SeqConfig,
        count: Option<usize>,
        (known, rows): (usize, Vec<f32>),
        upload_rows: UploadRows<V>,
    ) -> Result<Self> {
        Ok(Self {
            positions: config.positions,
            hidden_size: config.hidden_size,
            count,
            skipped: config.id_without_position(),
            rows: RwLock::new((
                known,
                upload_with_zero_row(rows, known, config.hidden_size, upload_rows)?,
            )),
        })
    }

    /// Gives the table, extended to these positions if needed, and for each token the row of the table that is its
    /// position embedding.
    ///
    /// # Errors
    /// Fails with an error of kind `Model` for a position beyond the model's last; the errors of `upload_rows`.
    pub fn look_up_rows(
        &self,
        ids: &[u32],
        positions: &[usize],
        upload_rows: UploadRows<V>,
    ) -> Result<(Arc<V>, Vec<u32>)> {
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
        Ok((
            self.extend_table(needed, upload_rows)?,
            ids.iter().zip(positions).map(number).collect(),
        ))
    }

    /// Gives the table, extended to at least `needed` positions.
    fn extend_table(&self, needed: usize, upload_rows: UploadRows<V>) -> Result<Arc<V>> {
        let (known, rows) = {
            let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
            (rows.0, rows.1.clone())
        };
        if needed <= known {
            return Ok(rows);
        }
        let wanted = needed.next_power_of_two();
        let wanted = self.count.map_or(wanted, |count| wanted.min(count));
        let rows = self.positions.compute_rows(0..wanted, self.hidden_size);
        let rows = upload_with_zero_row(rows, wanted, self.hidden_size, upload_rows)?;
        *self.rows.write().unwrap_or_else(PoisonError::into_inner) = (wanted, rows.clone());
        Ok(rows)
    }
}

/// Puts a row of zeros, for tokens without a position, before the rows of `count` positions, and passes the table to
/// `upload_rows`.
fn upload_with_zero_row<V>(rows: Vec<f32>, count: usize, width: usize, upload_rows: UploadRows<V>) -> Result<Arc<V>> {
    let table = [vec![0.0; width], rows].concat();
    upload_rows(table, [count + 1, width]).map(Arc::new)
}

impl Seq2SeqConfig {
    /// Gives the id of the token that has no position: the padding token in fairseq's models, none in others.
    fn id_without_position(&self) -> Option<u32> {
        matches!(self.positions, PositionScheme::Fairseq { .. }).then_some(self.pad)
    }

    /// Numbers the tokens of a source with their positions. A token that has no position is not counted (transformers
    /// `create_position_ids_from_input_ids`).
    pub fn source_positions<'a>(&self, source: &'a [u32]) -> impl Iterator<Item = usize> + use<'a> {
        let skipped = self.id_without_position();
        let mut next = 0;
        source.iter().map(move |id| {
            next += usize::from(skipped != Some(*id));
            next.saturating_sub(1)
        })
    }
}

impl PositionScheme {
    /// Computes the embeddings of the given positions, `(positions, width)`; gives nothing if this kind of model has
    /// no computed embeddings.
    fn compute_rows(self, positions: Range<usize>, width: usize) -> Vec<f32> {
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
                // Computed in float32 throughout, as in transformers.
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

    fn config(architecture: Architecture, positions: usize) -> Seq2SeqConfig {
        let json = json!({
            "d_model": 6, "vocab_size": 9, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 1,
            "decoder_attention_heads": 1, "encoder_ffn_dim": 4, "decoder_ffn_dim": 4, "pad_token_id": 1,
            "max_position_embeddings": positions,
        });
        Seq2SeqConfig::from_json(architecture, &json, Path::new("config.json")).expect("a configuration")
    }

    fn keep(rows: Vec<f32>, _: [usize; 2]) -> Result<Vec<f32>> {
        Ok(rows)
    }

    #[test]
    fn rows_are_computed_as_far_as_they_are_needed_and_no_further_than_the_model_has() {
        // A table of this size would be 400 MB.
        let config = config(Architecture::Marian, 1 << 24);
        let table = PositionTable::with_computed_rows(&config, &keep).expect("a table");
        let (rows, numbers) = table.look_up_rows(&[5, 5], &[70, 3], &keep).expect("rows");
        assert_eq!((rows.len(), numbers), (129 * 6, vec![71, 4]));
        let whole = PositionScheme::Marian.compute_rows(0..128, 6);
        assert_eq!(rows[6..], whole);
        let error = table.look_up_rows(&[5], &[1 << 24], &keep).unwrap_err();
        assert!(error.message.contains("16777216"), "{error}");
        // Rows that exist are not computed again.
        let fail = |_, _| Err(Error::model("made"));
        assert!(table.look_up_rows(&[5], &[127], &fail).is_ok() && table.look_up_rows(&[5], &[128], &fail).is_err());
    }

    #[test]
    fn fairseq_positions_have_no_end_and_pass_over_padding() {
        let config = config(Architecture::M2m100, 4);
        let positions: Vec<usize> = config.source_positions(&[7, 1, 1, 7, 8, 1]).collect();
        assert_eq!([positions[0], positions[3], positions[4]], [0, 1, 2]);
        let table = PositionTable::with_computed_rows(&config, &keep).expect("a table");
        let (rows, numbers) = table.look_up_rows(&[7, 1], &[300, 300], &keep).expect("rows");
        assert_eq!(numbers, [301, 0]);
        // The 301st position of fairseq's is number 302, for padding has number 1: sin and cos of 302 first.
        let row = &rows[301 * 6..];
        assert!((row[0] - 302f32.sin()).abs() < 1e-6 && (row[3] - 302f32.cos()).abs() < 1e-6);
        assert_eq!(rows[..6], [0.0; 6]);
    }
}
