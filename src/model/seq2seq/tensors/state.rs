//! The decoding state of an encoder-decoder model on candle's tensors: the keys and values of sentences and output
//! tokens, and which rows are beams of which sentence.

use crate::error::{Error, Result};
use crate::model::{BatchRows, DecodingState};
use candle_core::{Device, Result as Outcome, Tensor};
use std::any::Any;
use std::iter::repeat_n;

/// The decoder's state in the search for the translations of a batch, on the model's device.
pub(super) struct DecoderState {
    /// For each decoder layer, the keys and values of the source tokens, `(2, sentences, heads, tokens, head_dim)`.
    pub cross: Vec<Tensor>,
    /// Mask that hides the sentences' padding from attention, `(sentences, 1, 1, tokens)`; none if there is no
    /// padding.
    pub mask: Option<Tensor>,
    /// For each row, the index of the sentence that it translates.
    pub owners: Vec<usize>,
    /// How the rows are grouped by sentence for cross-attention.
    pub fold: BeamGrouping,
    /// For each decoder layer, the keys and values of the rows' output tokens, `(2, rows, heads, positions with room
    /// for more, head_dim)`; none before the first token.
    pub own: Vec<Option<Tensor>>,
    /// Number of output tokens that each row has read so far.
    pub position: usize,
    /// The rows to keep, in this order, chosen by `select` but not yet carried out; the next step does that first.
    selected: Option<Vec<usize>>,
}

impl DecoderState {
    /// Makes the state of a new search, with one row for each sentence and no output tokens yet.
    pub fn new(cross: Vec<Tensor>, mask: Option<Tensor>, sentences: usize, layers: usize) -> Self {
        Self {
            cross,
            mask,
            owners: (0..sentences).collect(),
            fold: BeamGrouping { width: 1, moved: None },
            own: vec![None; layers],
            position: 0,
            selected: None,
        }
    }

    /// Gives access to the decoder's state inside a `DecodingState`.
    ///
    /// # Errors
    /// Fails with an error of kind `Model` if the state belongs to another kind of model.
    pub fn downcast_state_mut(state: &mut DecodingState) -> Result<&mut Self> {
        state
            .0
            .as_any_mut()
            .downcast_mut()
            .ok_or_else(|| Error::model("the state belongs to another kind of model"))
    }

    /// Carries out the selection of rows that `select` noted, if any, and drops the sentences that no row translates
    /// any more.
    pub fn apply_row_selection(&mut self, device: &Device) -> Outcome<()> {
        let Some(rows) = self.selected.take() else {
            return Ok(());
        };
        let index = index_tensor(&rows, device)?;
        for own in self.own.iter_mut().flatten() {
            *own = own.index_select(&index, 1)?;
        }
        let mut owners: Vec<usize> = rows.iter().map(|row| self.owners[*row]).collect();
        let mut read = owners.clone();
        read.sort_unstable();
        read.dedup();
        let sentences = self.cross.first().map_or(Ok(0), |cross| cross.dim(1))?;
        if read.len() < sentences {
            let index = index_tensor(&read, device)?;
            for cross in &mut self.cross {
                *cross = cross.index_select(&index, 1)?;
            }
            if let Some(mask) = &mut self.mask {
                *mask = mask.index_select(&index, 0)?;
            }
            for owner in &mut owners {
                *owner = read.partition_point(|other| other < owner);
            }
        }
        self.fold = BeamGrouping::new(&owners, read.len(), device)?;
        self.owners = owners;
        Ok(())
    }
}

impl BatchRows for DecoderState {
    /// Notes which rows to keep; [`DecoderState::apply_row_selection`] moves the tensors later, because that can fail and this
    /// function cannot return an error.
    fn select_rows(&mut self, rows: &[usize]) {
        self.selected = Some(match &self.selected {
            Some(before) => rows.iter().map(|row| before[*row]).collect(),
            None => rows.to_vec(),
        });
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// Groups the rows (beams) that translate the same sentence, so that in cross-attention they are several queries over
/// one copy of the sentence's keys and values.
pub(super) struct BeamGrouping {
    /// Number of queries of each sentence: the most beams that any sentence has. A sentence with fewer beams repeats
    /// one.
    pub width: usize,
    /// For each query the row that it comes from, and for each row the query that it became; none if rows and queries
    /// are in the same order.
    moved: Option<(Tensor, Tensor)>,
}

impl BeamGrouping {
    /// Groups the rows by the sentences `owners` that they translate; there are `sentences` of them.
    fn new(owners: &[usize], sentences: usize, device: &Device) -> Outcome<Self> {
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); sentences];
        for (row, owner) in owners.iter().enumerate() {
            rows[*owner].push(row);
        }
        let width = rows.iter().map(Vec::len).max().unwrap_or(1);
        let (mut queries, mut query_of_row) = (Vec::new(), vec![0; owners.len()]);
        for rows in &rows {
            for row in rows {
                query_of_row[*row] = queries.len();
                queries.push(*row);
            }
            queries.extend(repeat_n(rows[0], width - rows.len()));
        }
        let moved = !queries.iter().copied().eq(0..owners.len());
        Ok(Self {
            width,
            moved: if moved {
                Some((index_tensor(&queries, device)?, index_tensor(&query_of_row, device)?))
            } else {
                None
            },
        })
    }

    /// Reorders the rows of `x`, `(rows, size)`, into queries grouped by sentence: `(sentences * queries, size)`.
    pub fn group_by_sentence(&self, x: Tensor) -> Outcome<Tensor> {
        match &self.moved {
            Some((queries, _)) => x.index_select(queries, 0),
            None => Ok(x),
        }
    }

    /// Reorders queries grouped by sentence, `(sentences * queries, size)`, back into rows: `(rows, size)`.
    pub fn restore_row_order(&self, x: Tensor) -> Outcome<Tensor> {
        match &self.moved {
            Some((_, query_of_row)) => x.index_select(query_of_row, 0),
            None => Ok(x),
        }
    }
}

/// Makes a tensor of indices on a device.
fn index_tensor(values: &[usize], device: &Device) -> Outcome<Tensor> {
    let values: Vec<u32> = values.iter().map(|value| *value as u32).collect();
    Tensor::new(values, device)
}
