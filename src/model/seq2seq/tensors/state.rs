//! The state of an encoder-decoder model's search on candle's tensors: keys and values of sentences and rows, and their beams.

use crate::error::{Error, Result};
use crate::model::{Rows, State};
use candle_core::{Device, Result as Outcome, Tensor};
use std::any::Any;
use std::iter::repeat_n;

/// The decoder's state in one search, on the model's device.
pub(super) struct DecoderState {
    /// The keys and values of the sentences, `(2, sentences, heads, tokens, head_dim)`, by decoder layer.
    pub cross: Vec<Tensor>,
    /// The mask that hides the padding of sentences, `(sentences, 1, 1, tokens)`.
    pub mask: Option<Tensor>,
    /// The sentence that each row translates.
    pub owners: Vec<usize>,
    pub fold: Fold,
    /// The keys and values of the rows' output tokens, `(2, rows, heads, room, head_dim)`, by decoder layer.
    pub own: Vec<Option<Tensor>>,
    /// Number of tokens that each row has read so far.
    pub position: usize,
    /// The rows that are to be kept, in this order, before the next step.
    selected: Option<Vec<usize>>,
}

impl DecoderState {
    /// Starts with one row a sentence.
    pub fn new(cross: Vec<Tensor>, mask: Option<Tensor>, sentences: usize, layers: usize) -> Self {
        Self {
            cross,
            mask,
            owners: (0..sentences).collect(),
            fold: Fold { width: 1, moved: None },
            own: vec![None; layers],
            position: 0,
            selected: None,
        }
    }

    /// The decoder's state inside a search's.
    ///
    /// # Errors
    /// Of kind `Model` where it is of another kind of model.
    pub fn from_state(state: &mut State) -> Result<&mut Self> {
        state
            .0
            .as_any_mut()
            .downcast_mut()
            .ok_or_else(|| Error::model("the state belongs to another kind of model"))
    }

    /// Selects the rows that the last `select` named, and drops sentences that no row reads any more.
    pub fn settle(&mut self, device: &Device) -> Outcome<()> {
        let Some(rows) = self.selected.take() else {
            return Ok(());
        };
        let index = indices(&rows, device)?;
        for own in self.own.iter_mut().flatten() {
            *own = own.index_select(&index, 1)?;
        }
        let mut owners: Vec<usize> = rows.iter().map(|row| self.owners[*row]).collect();
        let mut read = owners.clone();
        read.sort_unstable();
        read.dedup();
        let sentences = self.cross.first().map_or(Ok(0), |cross| cross.dim(1))?;
        if read.len() < sentences {
            let index = indices(&read, device)?;
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
        self.fold = Fold::new(&owners, read.len(), device)?;
        self.owners = owners;
        Ok(())
    }
}

impl Rows for DecoderState {
    /// Only notes the rows: moving them can fail, which this may not.
    fn select(&mut self, rows: &[usize]) {
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

/// The folding of rows into queries of their sentences, so that the beams of a sentence share its keys and values.
pub(super) struct Fold {
    /// Queries of each sentence; where others have more, one is repeated.
    pub width: usize,
    /// The row of each query, and the query of each row; none where both are in the same order.
    moved: Option<(Tensor, Tensor)>,
}

impl Fold {
    /// Folds rows that translate these sentences.
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
                Some((indices(&queries, device)?, indices(&query_of_row, device)?))
            } else {
                None
            },
        })
    }

    /// Folds `(rows, size)` to `(sentences * queries, size)`.
    pub fn fold(&self, x: Tensor) -> Outcome<Tensor> {
        match &self.moved {
            Some((queries, _)) => x.index_select(queries, 0),
            None => Ok(x),
        }
    }

    /// Unfolds `(sentences * queries, size)` to `(rows, size)`.
    pub fn unfold(&self, x: Tensor) -> Outcome<Tensor> {
        match &self.moved {
            Some((_, query_of_row)) => x.index_select(query_of_row, 0),
            None => Ok(x),
        }
    }
}

/// Brings indices to a device.
fn indices(values: &[usize], device: &Device) -> Outcome<Tensor> {
    let values: Vec<u32> = values.iter().map(|value| *value as u32).collect();
    Tensor::new(values, device)
}
