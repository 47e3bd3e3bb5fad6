//! An encoder-decoder on candle's tensors: on a GPU, or with 16-bit weights.
//!
//! Sentences of a batch are padded to the longest, and masks keep attention to what is there. Norms, softmax and the
//! sums between layers are in float32 whatever the type of the matrices.

use super::config::{Config, Positions};
use super::load::Source;
use super::{Heads, check_sources};
use crate::error::{Error, Result};
use crate::model::cpu::ops::{Activation, Norm};
use crate::model::weights::checkpoint::Checkpoint;
use crate::model::{Rows, Spec, State, TranslationModel, candle_error};
use candle_core::{DType, Device, Result as Outcome, Tensor};
use candle_nn::ops;
use rayon::prelude::*;
use std::any::Any;
use std::iter::{repeat, repeat_n};
use std::ops::Range;
use std::path::Path;

type Linear = super::Linear<Tensor, Tensor>;
type FeedForward = super::FeedForward<Tensor, Tensor>;
type Stack = super::Stack<Tensor, Tensor>;
type Seq2Seq = super::Seq2Seq<Tensor, Tensor>;
type Places = super::Places<Tensor>;

/// Rows of a 16-bit matrix that a CPU widens at a time, to be used while they are in its cache.
const BLOCK: usize = 256;
/// Positions that a cache has room for at first; it doubles when they are full.
const ROOM: usize = 32;

/// A checkpoint whose matrices go to a device in a type.
pub(super) struct Weights {
    checkpoint: Checkpoint,
    device: Device,
    dtype: DType,
}

impl Weights {
    /// # Errors
    /// Those of [`Checkpoint::open`].
    pub fn open(directory: &Path, device: Device, dtype: DType) -> Result<Self> {
        Ok(Self {
            checkpoint: Checkpoint::open(directory)?,
            device,
            dtype,
        })
    }

    fn tensor(&self, values: Vec<f32>, shape: &[usize], dtype: DType) -> Result<Tensor> {
        // Made narrow first: half as much to send.
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu).and_then(|tensor| tensor.to_dtype(dtype));
        tensor
            .and_then(|tensor| tensor.to_device(&self.device))
            .map_err(candle_error)
    }
}

impl Source for Weights {
    type Matrix = Tensor;
    type Vector = Tensor;

    fn has(&self, name: &str) -> bool {
        self.checkpoint.has(name)
    }

    fn rows(&self, name: &str) -> Option<usize> {
        self.checkpoint.rows(name)
    }

    fn matrix(&self, names: &[String], rows: usize, columns: usize) -> Result<Tensor> {
        let mut values = Vec::with_capacity(names.len() * rows * columns);
        for name in names {
            values.extend(self.checkpoint.floats(name, &[rows, columns])?);
        }
        self.tensor(values, &[names.len() * rows, columns], self.dtype)
    }

    fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.checkpoint.floats(name, shape)
    }

    fn vector(&self, values: Vec<f32>, shape: &[usize]) -> Result<Tensor> {
        self.tensor(values, shape, DType::F32)
    }
}

/// The type in which products with such a matrix are computed. On a CPU that is float32: candle has no bfloat16 there.
fn computed(weight: &Tensor) -> DType {
    if weight.device().is_cpu() {
        DType::F32
    } else {
        weight.dtype()
    }
}

impl Linear {
    /// Of `(tokens, columns)`, in float32 as is the result, `(tokens, rows)`.
    fn of(&self, x: &Tensor) -> Outcome<Tensor> {
        let dtype = computed(&self.weight);
        let product = if dtype == self.weight.dtype() {
            x.to_dtype(dtype)?.matmul(&self.weight.t()?)?.to_dtype(DType::F32)?
        } else {
            let rows = self.weight.dim(0)?;
            let blocks = (0..rows.div_ceil(BLOCK)).into_par_iter().map(|block| {
                let first = block * BLOCK;
                let block = self.weight.narrow(0, first, BLOCK.min(rows - first))?;
                x.matmul(&block.to_dtype(dtype)?.t()?)
            });
            Tensor::cat(&blocks.collect::<Outcome<Vec<_>>>()?, 1)?
        };
        match &self.bias {
            Some(bias) => product.broadcast_add(bias),
            None => Ok(product),
        }
    }
}

impl Norm<Tensor> {
    fn of(&self, x: &Tensor) -> Outcome<Tensor> {
        match &self.bias {
            Some(bias) => ops::layer_norm(x, &self.weight, bias, self.epsilon),
            None => ops::rms_norm(x, &self.weight, self.epsilon),
        }
    }
}

impl FeedForward {
    fn of(&self, x: &Tensor, activation: Activation) -> Outcome<Tensor> {
        let up = self.up.of(x)?;
        let mut up = match activation {
            Activation::Relu => up.relu()?,
            Activation::Silu => up.silu()?,
            Activation::Gelu => up.gelu_erf()?,
            Activation::GeluTanh => up.gelu()?,
        };
        if let Some(gate) = &self.gate {
            up = (up * gate.of(x)?)?;
        }
        self.down.of(&up)
    }
}

/// One layer around a function, its norm before or after, its input added.
fn around(x: &Tensor, norm: &Norm<Tensor>, first: bool, f: impl FnOnce(&Tensor) -> Outcome<Tensor>) -> Outcome<Tensor> {
    if first {
        x + f(&norm.of(x)?)?
    } else {
        norm.of(&(x + f(x)?)?)
    }
}

/// Parts of a projection side by side, `(rows * tokens, parts * width)`, one after the other and by heads:
/// `(parts, rows, heads, tokens, dim)`.
fn by_heads(x: &Tensor, (rows, tokens): (usize, usize), parts: usize, heads: Heads, dtype: DType) -> Outcome<Tensor> {
    x.reshape((rows, tokens, parts, heads.count, heads.dim))?
        .permute((2, 0, 3, 1, 4))?
        .to_dtype(dtype)?
        .contiguous()
}

/// One part of what [`by_heads`] gives, without a copy.
fn part(parts: &Tensor, index: usize) -> Outcome<Tensor> {
    parts.narrow(0, index, 1)?.squeeze(0)
}

/// Softmax attention of `(rows, heads, queries, dim)` over keys and values, `(2, rows, heads, positions, dim)`.
///
/// `added` goes to the scores, `(rows or 1, heads or 1, queries or 1, positions)`. Gives `(rows * queries, width)`.
fn attend(queries: &Tensor, memory: &Tensor, scale: f32, added: Option<&Tensor>) -> Outcome<Tensor> {
    let (rows, heads, count, dim) = queries.dims4()?;
    let keys = part(memory, 0)?;
    let mut scores = queries.matmul(&keys.t()?)?.to_dtype(DType::F32)?;
    if scale != 1.0 {
        scores = (scores * f64::from(scale))?;
    }
    if let Some(added) = added {
        scores = scores.broadcast_add(added)?;
    }
    let weights = ops::softmax_last_dim(&scores)?.to_dtype(memory.dtype())?;
    weights
        .matmul(&part(memory, 1)?)?
        .transpose(1, 2)?
        .reshape((rows * count, heads * dim))?
        .to_dtype(DType::F32)
}

impl Stack {
    /// Where these tokens stand.
    fn placed(&self, ids: &[u32], positions: &[usize]) -> Result<Places> {
        let device = self.embedding.device();
        let make = |rows, shape: [usize; 2]| {
            let table = Tensor::from_vec(rows, &shape[..], &Device::Cpu);
            table.and_then(|table| table.to_device(device)).map_err(candle_error)
        };
        self.places(ids, positions, self.embedding.dims()[0], &make)
    }

    /// Tokens `(tokens, width)`, where they stand.
    fn embed(&self, ids: &[u32], places: &Places, config: &Config) -> Outcome<Tensor> {
        let device = self.embedding.device();
        let embedded = self.embedding.index_select(&Tensor::new(ids, device)?, 0)?;
        let mut hidden = embedded.to_dtype(DType::F32)?;
        if config.embedding_scale != 1.0 {
            hidden = (hidden * f64::from(config.embedding_scale))?;
        }
        if let Some((table, numbers)) = places {
            hidden = (hidden + table.index_select(&Tensor::new(&numbers[..], device)?, 0)?)?;
        }
        match &self.embedding_norm {
            Some(norm) => norm.of(&hidden),
            None => Ok(hidden),
        }
    }

    /// The bias by distance, `(1, heads, queries, keys)`, where the model has one.
    fn relative(
        &self,
        both_ways: bool,
        queries: Range<usize>,
        keys: usize,
        config: &Config,
    ) -> Outcome<Option<Tensor>> {
        let (Positions::Relative { buckets, most }, Some(bias)) = (config.positions, &self.bias) else {
            return Ok(None);
        };
        let count = queries.len();
        let pairs = queries.flat_map(|query| (0..keys).map(move |key| key as isize - query as isize));
        let found: Vec<u32> = pairs
            .map(|distance| Positions::bucket(distance, both_ways, buckets, most) as u32)
            .collect();
        let bias = bias.index_select(&Tensor::new(found, bias.device())?, 0)?;
        let bias = bias.reshape((1, count, keys, self.heads.count))?;
        bias.permute((0, 3, 1, 2))?.contiguous().map(Some)
    }

    /// After the last layer.
    fn finish(&self, hidden: Tensor) -> Outcome<Tensor> {
        match &self.final_norm {
            Some(norm) => norm.of(&hidden),
            None => Ok(hidden),
        }
    }
}

/// What hides the padding of sentences of these lengths, `(sentences, 1, 1, tokens)`; none where there is no padding.
fn mask(lengths: &[usize], tokens: usize, device: &Device) -> Outcome<Option<Tensor>> {
    if lengths.iter().all(|length| *length == tokens) {
        return Ok(None);
    }
    let row = |length: &usize| repeat_n(0f32, *length).chain(repeat_n(f32::NEG_INFINITY, tokens - length));
    let values: Vec<f32> = lengths.iter().flat_map(row).collect();
    Tensor::from_vec(values, (lengths.len(), 1, 1, tokens), device).map(Some)
}

impl Seq2Seq {
    fn device(&self) -> &Device {
        self.output.weight.device()
    }

    /// Keeps the rows of the output projection that the output may hold.
    pub fn restricted(mut self) -> Result<Self> {
        let select = |ids: &[u32]| {
            let index = Tensor::new(ids, self.device())?;
            let bias = self.output.bias.as_ref();
            Ok(Linear {
                weight: self.output.weight.index_select(&index, 0)?,
                bias: bias.map(|bias| bias.index_select(&index, 0)).transpose()?,
            })
        };
        if let Some(ids) = &self.spec.output {
            self.output = select(ids).map_err(candle_error)?;
        }
        Ok(self)
    }

    /// Encodes padded sentences: what they are to the decoder.
    fn encode(&self, lengths: &[usize], ids: &[u32], places: &Places) -> Outcome<Batch> {
        let (stack, config) = (&self.encoder, &self.config);
        let shape = (lengths.len(), ids.len() / lengths.len());
        let mask = mask(lengths, shape.1, self.device())?;
        let added = match (stack.relative(true, 0..shape.1, shape.1, config)?, &mask) {
            (Some(bias), Some(mask)) => Some(bias.broadcast_add(mask)?),
            (Some(bias), None) => Some(bias),
            (None, mask) => mask.clone(),
        };
        let mut hidden = stack.embed(ids, places, config)?;
        for layer in &stack.layers {
            let attention = &layer.attention;
            let dtype = computed(&attention.project.weight);
            hidden = around(&hidden, &attention.norm, config.norm_first, |x| {
                let parts = by_heads(&attention.project.of(x)?, shape, 3, stack.heads, dtype)?;
                let (queries, memory) = (part(&parts, 0)?, parts.narrow(0, 1, 2)?);
                attention
                    .output
                    .of(&attend(&queries, &memory, stack.heads.scale, added.as_ref())?)
            })?;
            let FeedForward { norm, .. } = &layer.feed_forward;
            hidden = around(&hidden, norm, config.norm_first, |x| {
                layer.feed_forward.of(x, config.activation)
            })?;
        }
        let encoded = stack.finish(hidden)?;
        let layers = self.decoder.layers.iter();
        let cross = layers.filter_map(|layer| layer.cross.as_ref()).map(|cross| {
            let memory = cross.memory.of(&encoded)?;
            by_heads(&memory, shape, 2, self.decoder.heads, computed(&cross.memory.weight))
        });
        Ok(Batch {
            cross: cross.collect::<Outcome<_>>()?,
            mask,
            owners: (0..lengths.len()).collect(),
            fold: Fold { width: 1, moved: None },
            own: vec![None; self.decoder.layers.len()],
            position: 0,
            selected: None,
        })
    }

    /// Takes one token a row; the decoder's output, `(rows, width)`.
    fn decode(&self, last: &[u32], places: &Places, batch: &mut Batch) -> Outcome<Tensor> {
        let (stack, config) = (&self.decoder, &self.config);
        let (position, heads) = (batch.position, stack.heads);
        let bias = stack.relative(false, position..position + 1, position + 1, config)?;
        let mut hidden = stack.embed(last, places, config)?;
        for (index, layer) in stack.layers.iter().enumerate() {
            let attention = &layer.attention;
            let dtype = computed(&attention.project.weight);
            hidden = around(&hidden, &attention.norm, config.norm_first, |x| {
                let parts = by_heads(&attention.project.of(x)?, (last.len(), 1), 3, heads, dtype)?;
                let memory = extended(&mut batch.own[index], &parts.narrow(0, 1, 2)?, position)?;
                let attended = attend(&part(&parts, 0)?, &memory, heads.scale, bias.as_ref())?;
                attention.output.of(&attended)
            })?;
            if let Some(cross) = &layer.cross {
                let (fold, memory) = (&batch.fold, &batch.cross[index]);
                let shape = (memory.dim(1)?, fold.width);
                hidden = around(&hidden, &cross.norm, config.norm_first, |x| {
                    let queries = fold.together(cross.query.of(x)?)?;
                    let queries = part(&by_heads(&queries, shape, 1, heads, memory.dtype())?, 0)?;
                    let attended = attend(&queries, memory, heads.scale, batch.mask.as_ref())?;
                    cross.output.of(&fold.apart(attended)?)
                })?;
            }
            let FeedForward { norm, .. } = &layer.feed_forward;
            hidden = around(&hidden, norm, config.norm_first, |x| {
                layer.feed_forward.of(x, config.activation)
            })?;
        }
        batch.position += 1;
        stack.finish(hidden)
    }

    /// One token a row, checked.
    fn read(&self, last: &[u32], batch: &mut Batch) -> Result<Tensor> {
        let places = self.decoder.placed(last, &vec![batch.position; last.len()])?;
        self.decode(last, &places, batch).map_err(candle_error)
    }

    /// On the CPU, where search reads them.
    fn logits(&self, hidden: &Tensor) -> Result<Tensor> {
        let logits = || {
            let hidden = if self.output_scale == 1.0 {
                hidden.clone()
            } else {
                (hidden * f64::from(self.output_scale))?
            };
            self.output.of(&hidden)?.to_device(&Device::Cpu)
        };
        logits().map_err(candle_error)
    }
}

impl TranslationModel for Seq2Seq {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn begin(&self, _prefixes: &[Option<&State>], sources: &[&[u32]]) -> Result<(State, Tensor)> {
        check_sources(sources)?;
        let lengths: Vec<usize> = sources.iter().map(|source| source.len()).collect();
        let tokens = lengths.iter().copied().max().unwrap_or(0);
        // Any token pads: the mask hides it.
        let ids: Vec<u32> = sources
            .iter()
            .flat_map(|source| source.iter().copied().chain(repeat(0)).take(tokens))
            .collect();
        let positions: Vec<usize> = ids
            .chunks_exact(tokens.max(1))
            .flat_map(|row| self.config.places(row))
            .collect();
        let places = self.encoder.placed(&ids, &positions)?;
        let mut batch = self.encode(&lengths, &ids, &places).map_err(candle_error)?;
        let [first @ .., last] = &self.spec.start[..] else {
            return Err(Error::model("no token starts an output"));
        };
        for id in first {
            self.read(&vec![*id; sources.len()], &mut batch)?;
        }
        let hidden = self.read(&vec![*last; sources.len()], &mut batch)?;
        let logits = self.logits(&hidden)?;
        Ok((State(Box::new(batch)), logits))
    }

    fn step(&self, last: &[u32], state: &mut State) -> Result<Tensor> {
        let batch: &mut Batch = state
            .0
            .as_any_mut()
            .downcast_mut()
            .ok_or_else(|| Error::model("the state belongs to another kind of model"))?;
        batch.settle(self.device()).map_err(candle_error)?;
        if last.len() != batch.owners.len() {
            let message = format!("{} tokens for {} rows", last.len(), batch.owners.len());
            return Err(Error::model(message));
        }
        let hidden = self.read(last, batch)?;
        self.logits(&hidden)
    }
}

/// Keys and values so far, `(2, rows, heads, positions + 1, dim)`, after those of this position are written into `cache`,
/// which has room for more.
fn extended(cache: &mut Option<Tensor>, written: &Tensor, position: usize) -> Outcome<Tensor> {
    let room = match cache {
        Some(cache) => cache.dim(3)?,
        None => 0,
    };
    let cache = match cache {
        Some(cache) if position < room => cache,
        _ => {
            let (parts, rows, heads, _, dim) = written.dims5()?;
            let shape = (parts, rows, heads, (2 * room).max(ROOM), dim);
            let wider = Tensor::zeros(shape, written.dtype(), written.device())?;
            if let Some(cache) = cache {
                wider.slice_set(cache, 3, 0)?;
            }
            cache.insert(wider)
        }
    };
    cache.slice_set(written, 3, position)?;
    cache.narrow(3, 0, position + 1)
}

/// The batch of one search, on the model's device.
struct Batch {
    /// Of each decoder layer, keys and values of the sentences, `(2, sentences, heads, tokens, dim)`.
    cross: Vec<Tensor>,
    /// Hides what only pads a sentence, `(sentences, 1, 1, tokens)`.
    mask: Option<Tensor>,
    /// The sentence of each row.
    owners: Vec<usize>,
    fold: Fold,
    /// Of each decoder layer, keys and values of the rows, `(2, rows, heads, room, dim)`.
    own: Vec<Option<Tensor>>,
    /// Tokens that each row has read so far.
    position: usize,
    /// What the rows are to become before the next step.
    selected: Option<Vec<usize>>,
}

impl Batch {
    /// Does what was asked of `select`, and lets sentences go that no row reads any more.
    fn settle(&mut self, device: &Device) -> Outcome<()> {
        let Some(rows) = self.selected.take() else {
            return Ok(());
        };
        let index = numbers(&rows, device)?;
        for own in self.own.iter_mut().flatten() {
            *own = own.index_select(&index, 1)?;
        }
        let mut owners: Vec<usize> = rows.iter().map(|row| self.owners[*row]).collect();
        let mut read = owners.clone();
        read.sort_unstable();
        read.dedup();
        let sentences = self.cross.first().map_or(Ok(0), |cross| cross.dim(1))?;
        if read.len() < sentences {
            let index = numbers(&read, device)?;
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

impl Rows for Batch {
    /// Only noted here, where it cannot fail.
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

/// How rows are set together as queries of their sentences, so that the beams of a sentence read its keys and values
/// where they are.
struct Fold {
    /// Queries of each sentence, some of them repeated where others have more.
    width: usize,
    /// The row of each query and the query of each row; none where they are the same.
    moved: Option<(Tensor, Tensor)>,
}

impl Fold {
    fn new(owners: &[usize], sentences: usize, device: &Device) -> Outcome<Self> {
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); sentences];
        for (row, owner) in owners.iter().enumerate() {
            rows[*owner].push(row);
        }
        let width = rows.iter().map(Vec::len).max().unwrap_or(1);
        let (mut queries, mut places) = (Vec::new(), vec![0; owners.len()]);
        for rows in &rows {
            for row in rows {
                places[*row] = queries.len();
                queries.push(*row);
            }
            queries.extend(repeat_n(rows[0], width - rows.len()));
        }
        let moved = !queries.iter().copied().eq(0..owners.len());
        Ok(Self {
            width,
            moved: if moved {
                Some((numbers(&queries, device)?, numbers(&places, device)?))
            } else {
                None
            },
        })
    }

    /// `(rows, width)` to `(sentences * queries, width)`.
    fn together(&self, x: Tensor) -> Outcome<Tensor> {
        match &self.moved {
            Some((queries, _)) => x.index_select(queries, 0),
            None => Ok(x),
        }
    }

    /// And back.
    fn apart(&self, x: Tensor) -> Outcome<Tensor> {
        match &self.moved {
            Some((_, places)) => x.index_select(places, 0),
            None => Ok(x),
        }
    }
}

fn numbers(values: &[usize], device: &Device) -> Outcome<Tensor> {
    let values: Vec<u32> = values.iter().map(|value| *value as u32).collect();
    Tensor::new(values, device)
}
