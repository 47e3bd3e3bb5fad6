//! Weight matrices in blocks of columns with a scale, at the bits that their GGUF type has, and their products on the CPU.
//!
//! A tile of 16 rows is unpacked once, a stretch of columns at a time, for all rows of activations; few rows unpack it in
//! registers, on their way. Each output depends on its own row of activations alone, summed in a fixed order: it is the same
//! bit for bit whatever is computed beside it and whatever the instruction set.

use crate::model::cpu::gemm::Kernel;
use crate::model::cpu::ggml::{Form, QK_K, Row};
use crate::model::cpu::matrix::{Column, Lane, TILE, Writer};
use crate::model::cpu::pages::{Pages, cast, cast_mut};
use crate::model::cpu::parallel::parallel_ranges;
use crate::model::cpu::simd::{dispatch, round_blocks};
use candle_core::{Error, Result};
use half::f16;
use rayon::prelude::*;
use std::ops::Range;

/// Columns of a block, which activations share a scale over.
pub(in crate::model) const BLOCK: usize = 32;
/// Lanes of an unpacked block.
const LANES: usize = BLOCK / 4;
/// Blocks that are unpacked at a time: with what goes with them they stay in the first-level cache.
const STRETCH: usize = 24;

/// A weight matrix.
pub(in crate::model) struct Blocks {
    shape: Shape,
    /// Of each tile [`Shape::stride`].
    tiles: Pages<Lane>,
}

/// Where what belongs to a tile lies among its lanes, from the front on: its weights, its scales and, where there are any,
/// its minima; of either the units and then the whole numbers.
#[derive(Clone, Copy)]
struct Shape {
    form: Form,
    columns: usize,
}

/// 16 rows of a matrix.
#[derive(Clone, Copy)]
struct Tile<'a> {
    /// `form.bits` for each block: four whose bytes hold the lower four bits of two lanes, and then the higher bits of all
    /// eight, 8 or 4 lanes in one; or the eight lanes as they are.
    lanes: &'a [Lane],
    scales: Scales<'a>,
    minima: Option<Scales<'a>>,
    /// Bytes from one tile to the next.
    stride: usize,
}

/// Scales or minima of 16 rows, each times a whole number where there is one ([`Form::nested`]).
#[derive(Clone, Copy)]
struct Scales<'a> {
    units: &'a [[f16; TILE]],
    whole: &'a [[i8; TILE]],
}

impl Shape {
    /// Lanes of a tile's weights.
    fn weights(self) -> usize {
        self.columns / BLOCK * self.form.bits
    }

    /// Units and whole numbers that go with a tile's scales, or with its minima.
    fn numbers(self) -> [usize; 2] {
        if self.form.nested {
            [self.columns / QK_K, self.columns / self.form.width]
        } else {
            [self.columns / self.form.width, 0]
        }
    }

    /// Lanes that these take.
    fn lengths(self) -> [usize; 2] {
        let [units, whole] = self.numbers();
        [units * size_of::<[f16; TILE]>(), whole * size_of::<[i8; TILE]>()]
            .map(|bytes| bytes.div_ceil(size_of::<Lane>()))
    }

    fn stride(self) -> usize {
        let [units, whole] = self.lengths();
        self.weights() + (units + whole) * (1 + usize::from(self.form.minima))
    }

    fn tile(self, tile: &[Lane]) -> Tile<'_> {
        let ([units, whole], lengths) = (self.numbers(), self.lengths());
        let (lanes, rest) = tile.split_at(self.weights());
        let scales = |lanes| {
            let (first, second) = <[Lane]>::split_at(lanes, lengths[0]);
            Scales {
                units: &cast(first)[..units],
                whole: &cast(second)[..whole],
            }
        };
        let (first, second) = rest.split_at(lengths[0] + lengths[1]);
        Tile {
            lanes,
            scales: scales(first),
            minima: self.form.minima.then(|| scales(second)),
            stride: size_of_val(tile),
        }
    }

    /// Puts a row into a tile of zeros.
    fn put(self, tile: &mut [Lane], lane: usize, row: &Row) {
        let bits = self.form.bits;
        let (lanes, rest) = tile.split_at_mut(self.weights());
        let blocks = lanes.chunks_exact_mut(bits);
        for (lanes, values) in blocks.zip(row.values.as_chunks::<BLOCK>().0) {
            let four = |i: usize| &values[i * 4..][..4];
            if bits == 8 {
                for (i, to) in lanes.iter_mut().enumerate() {
                    to.0[lane * 4..][..4].copy_from_slice(four(i));
                }
                continue;
            }
            let (low, high) = lanes.split_at_mut(4);
            for (i, to) in low.iter_mut().enumerate() {
                for ((to, a), b) in to.0[lane * 4..].iter_mut().zip(four(2 * i)).zip(four(2 * i + 1)) {
                    *to = (a & 15) | (b << 4);
                }
            }
            let each = bits - 4;
            for (i, to) in high.iter_mut().enumerate() {
                for j in 0..LANES / each {
                    for (to, q) in to.0[lane * 4..].iter_mut().zip(four(i * LANES / each + j)) {
                        *to |= (q >> 4) << (j * each);
                    }
                }
            }
        }
        let [units, whole] = self.lengths();
        for (lanes, parts) in rest.chunks_exact_mut(units + whole).zip([&row.scales, &row.minima]) {
            let (first, second) = lanes.split_at_mut(units);
            for (to, from) in cast_mut::<_, [f16; TILE]>(first).iter_mut().zip(&parts.units) {
                to[lane] = *from;
            }
            for (to, from) in cast_mut::<_, [i8; TILE]>(second).iter_mut().zip(&parts.whole) {
                to[lane] = *from;
            }
        }
    }

    /// Copies rows, of each the tile and its number there, into the first rows of a tile.
    fn copy(self, to: &mut [Lane], rows: &[(&[Lane], usize)]) {
        /// A lane at a time, of which each row has `N` bytes.
        fn each<const N: usize>(to: &mut [Lane], rows: &[(&[Lane], usize)], first: usize) {
            for (at, to) in to.iter_mut().enumerate() {
                let to = to.0.as_chunks_mut::<N>().0;
                // Lanes that hold more than one number of a row hold them apart.
                for (part, to) in to.chunks_exact_mut(TILE).enumerate() {
                    for (to, (from, old)) in to.iter_mut().zip(rows) {
                        *to = from[first + at].0.as_chunks::<N>().0[part * TILE + old];
                    }
                }
            }
        }
        let [units, whole] = self.lengths();
        let (weights, mut scales) = to.split_at_mut(self.weights());
        each::<4>(weights, rows, 0);
        let mut first = self.weights();
        while !scales.is_empty() {
            let (these, rest) = scales.split_at_mut(units + whole);
            let (these_units, these_whole) = these.split_at_mut(units);
            each::<2>(these_units, rows, first);
            each::<1>(these_whole, rows, first + units);
            first += units + whole;
            scales = rest;
        }
    }
}

impl Scales<'_> {
    /// The scale at a place, of one row.
    fn at(&self, index: usize, width: usize, lane: usize) -> f32 {
        match self.whole.get(index) {
            Some(whole) => self.units[index * width / QK_K][lane].to_f32() * f32::from(whole[lane]),
            None => self.units[index][lane].to_f32(),
        }
    }
}

/// A stretch of a tile, unpacked.
struct Stretch {
    lanes: Vec<Lane>,
    scales: Vec<Column>,
    minima: Vec<Column>,
}

/// What a kernel reads of a stretch.
struct View<'a> {
    /// Eight for each block.
    lanes: &'a [Lane],
    scales: &'a [Column],
    /// As `scales`, or empty: what is taken from `scale * weight`.
    minima: &'a [Column],
    /// Lanes that share a scale.
    width: usize,
    bits: usize,
    /// The first column.
    start: usize,
}

/// Activations of `(rows, columns)` rounded to 8 bits, with a scale for each 32 columns (ggml's Q8_0).
pub(in crate::model) struct Rounded {
    columns: usize,
    values: Vec<i8>,
    /// `(rows, columns / 32)`.
    scales: Vec<f32>,
    /// `(rows, columns / 16)`: sums of each 16 values.
    halves: Vec<i32>,
    /// `(rows, columns / 32)`: sums of each 32 values, times their scale.
    scaled: Vec<f32>,
}

/// A part of all that [`Rounded`] has, from the activations on.
type Part<'a> = (
    ((&'a [f32], &'a mut [i8]), &'a mut [f32]),
    (&'a mut [i32], &'a mut [f32]),
);

impl Rounded {
    fn new(activations: &[f32], columns: usize) -> Self {
        /// Blocks of a part: fewer are not worth another thread.
        const PART: usize = 1024;
        let blocks = activations.len() / BLOCK;
        let (mut values, mut scales) = (vec![0; activations.len()], vec![0.0; blocks]);
        let (mut halves, mut scaled) = (vec![0; blocks * 2], vec![0.0; blocks]);
        let part = |(((activations, values), scales), (halves, scaled)): Part| {
            round_blocks(activations, values, scales, halves);
            for ((scaled, [a, b]), scale) in scaled.iter_mut().zip(halves.as_chunks::<2>().0).zip(scales) {
                *scaled = *scale * (a + b) as f32;
            }
        };
        if blocks > PART {
            activations
                .par_chunks(PART * BLOCK)
                .zip(values.par_chunks_mut(PART * BLOCK))
                .zip(scales.par_chunks_mut(PART))
                .zip(halves.par_chunks_mut(PART * 2).zip(scaled.par_chunks_mut(PART)))
                .for_each(part)
        } else {
            part((((activations, &mut values), &mut scales), (&mut halves, &mut scaled)))
        }
        Self {
            columns,
            values,
            scales,
            halves,
            scaled,
        }
    }

    /// What a matrix of this form is multiplied with.
    fn against(&self, form: Form) -> Operand<'_> {
        let offset = -i32::from(form.offset);
        Operand {
            rounded: self,
            parts: BLOCK / form.width,
            starts: match form.width {
                BLOCK => self
                    .halves
                    .as_chunks()
                    .0
                    .iter()
                    .map(|[a, b]| offset * (a + b))
                    .collect(),
                _ => self.halves.iter().map(|half| offset * half).collect(),
            },
        }
    }
}

/// Rounded activations with what goes with a form of weights.
struct Operand<'a> {
    rounded: &'a Rounded,
    /// Scales that the weights have for a block.
    parts: usize,
    /// `(rows, columns / 32 * parts)`: what the sum of each starts from, to take back the offset of the weights.
    starts: Vec<i32>,
}

impl Blocks {
    /// Packs a matrix; `read` decodes each row.
    pub fn new(
        form: Form,
        rows: usize,
        columns: usize,
        read: impl Fn(usize, &mut Row) -> Result<()> + Sync,
    ) -> Result<Self> {
        let shape = Shape { form, columns };
        let mut tiles = Pages::<Lane>::zeroed(rows.div_ceil(TILE) * shape.stride());
        tiles
            .par_chunks_exact_mut(shape.stride())
            .enumerate()
            .try_for_each_init(
                || Row::new(form, columns),
                |row, (index, tile)| {
                    for lane in 0..TILE.min(rows - index * TILE) {
                        read(index * TILE + lane, row)?;
                        shape.put(tile, lane, row);
                    }
                    Ok::<_, Error>(())
                },
            )?;
        Ok(Self { shape, tiles })
    }

    /// The matrix of these rows alone.
    pub fn select_rows(&self, rows: &[u32]) -> Self {
        let stride = self.shape.stride();
        let mut tiles = Pages::<Lane>::zeroed(rows.len().div_ceil(TILE) * stride);
        let chosen = tiles.par_chunks_exact_mut(stride).zip(rows.par_chunks(TILE));
        chosen.for_each(|(tile, rows)| {
            let rows = rows.iter().map(|row| *row as usize);
            let rows: Vec<_> = rows.map(|row| (self.lanes(row / TILE), row % TILE)).collect();
            self.shape.copy(tile, &rows);
        });
        Self {
            shape: self.shape,
            tiles,
        }
    }

    fn count(&self) -> usize {
        self.tiles.len() / self.shape.stride()
    }

    /// All that belongs to a tile.
    fn lanes(&self, tile: usize) -> &[Lane] {
        &self.tiles[tile * self.shape.stride()..][..self.shape.stride()]
    }

    /// One row in float32, times `scale`.
    pub fn dequantize_row(&self, row: usize, scale: f32, out: &mut Vec<f32>) {
        let Form {
            bits, offset, width, ..
        } = self.shape.form;
        let (tile, lane) = (self.shape.tile(self.lanes(row / TILE)), row % TILE);
        for (block, lanes) in tile.lanes.chunks_exact(bits).enumerate() {
            let four = |i: usize| lanes[i].0[lane * 4..].first_chunk::<4>().expect("four bytes of 64");
            let mut values = [[0u8; 4]; LANES];
            unpack_block(bits, four, |i, lane| values[i] = lane);
            for (i, values) in values.as_flattened().chunks_exact(width).enumerate() {
                let place = block * BLOCK / width + i;
                let d = tile.scales.at(place, width, lane);
                let min = tile.minima.as_ref().map_or(0.0, |minima| minima.at(place, width, lane));
                let weight = |q: &u8| (d * f32::from(i16::from(*q) - i16::from(offset)) - min) * scale;
                out.extend(values.iter().map(weight));
            }
        }
    }
}

/// `activations`, `(m, columns)`, times each of some matrices of as many columns, transposed.
pub(in crate::model) fn products(kernel: Kernel, activations: &[f32], matrices: &[(&Blocks, Writer)]) {
    let Some((first, _)) = matrices.first() else { return };
    let columns = first.shape.columns;
    let rounded = Rounded::new(activations, columns);
    let operands: Vec<Operand> = matrices
        .iter()
        .map(|(blocks, _)| rounded.against(blocks.shape.form))
        .collect();
    let m = activations.len() / columns;
    let places: Vec<(usize, usize)> = matrices
        .iter()
        .enumerate()
        .flat_map(|(matrix, (blocks, _))| (0..blocks.count()).map(move |tile| (matrix, tile)))
        .collect();
    // What few rows take is the reading of the weights, not the multiplying.
    parallel_ranges(places.len(), (m + 7) * places.len() * TILE * columns / 32, |range| {
        let mut stretch = Stretch::new();
        let mut sums = vec![Column([0.0; TILE]); m];
        for place in range {
            let (matrix, tile) = places[place];
            let (blocks, writer) = &matrices[matrix];
            let parts = blocks.shape.tile(blocks.lanes(tile));
            let next = places.get(place + 1);
            let mut next = next.map_or(&[][..], |(matrix, tile)| matrices[*matrix].0.lanes(*tile));
            sums.fill(Column([0.0; TILE]));
            if !few(kernel, blocks.shape.form, &parts, &operands[matrix], &mut sums) {
                for first in (0..columns / BLOCK).step_by(STRETCH) {
                    let count = STRETCH.min(columns / BLOCK - first);
                    let view = stretch.view(parts, blocks.shape.form, first, count);
                    let (soon, later) = next.split_at(next.len().min(blocks.shape.stride() * count * BLOCK / columns));
                    fetch(soon);
                    next = later;
                    run(kernel, &view, &operands[matrix], &mut sums);
                }
            }
            for (row, sum) in sums.iter().enumerate() {
                // SAFETY: ranges of tiles are disjoint.
                unsafe { writer.write(row, tile, sum) };
            }
        }
    });
}

/// Unpacks a block of eight lanes, or the same part of each.
#[inline(always)]
fn unpack_block<'a, const N: usize>(
    bits: usize,
    from: impl Fn(usize) -> &'a [u8; N],
    mut to: impl FnMut(usize, [u8; N]),
) {
    /// Lane `I`, its number known so that shifts are.
    #[inline(always)]
    fn lane<'a, const I: usize, const N: usize>(bits: usize, from: impl Fn(usize) -> &'a [u8; N]) -> [u8; N] {
        if bits == 8 {
            return *from(I);
        }
        let (low, each) = (from(I / 2), bits - 4);
        let mut lane = [0u8; N];
        for k in 0..N {
            lane[k] = if I.is_multiple_of(2) { low[k] & 15 } else { low[k] >> 4 };
        }
        if each > 0 {
            let (high, at) = (from(4 + I * each / LANES), I * each % LANES);
            for k in 0..N {
                let moved = if at < 4 {
                    high[k] << (4 - at)
                } else {
                    high[k] >> (at - 4)
                };
                lane[k] |= moved & ((16 << each) - 16);
            }
        }
        lane
    }
    to(0, lane::<0, N>(bits, &from));
    to(1, lane::<1, N>(bits, &from));
    to(2, lane::<2, N>(bits, &from));
    to(3, lane::<3, N>(bits, &from));
    to(4, lane::<4, N>(bits, &from));
    to(5, lane::<5, N>(bits, &from));
    to(6, lane::<6, N>(bits, &from));
    to(7, lane::<7, N>(bits, &from));
}

#[inline(always)]
fn unpack_with<const FMA: bool>(bits: usize, from: &[Lane], to: &mut [Lane]) {
    // A loop for each, so that its shifts are known.
    macro_rules! all {
        ($bits:literal) => {
            for (from, to) in from
                .as_chunks::<$bits>()
                .0
                .iter()
                .zip(to.as_chunks_mut::<LANES>().0)
            {
                unpack_block($bits, |i| &from[i].0, |i, lane| to[i].0 = lane);
            }
        };
    }
    match bits {
        4 => all!(4),
        5 => all!(5),
        _ => all!(6),
    }
}

dispatch! {
    /// Unpacks whole blocks of 4, 5 or 6 bits.
    fn unpack(bits: usize, from: &[Lane], to: &mut [Lane]) = unpack_with
}

/// A float16 in float32; not for infinities.
#[inline(always)]
fn widen(half: f16) -> f32 {
    let bits = u32::from(half.to_bits());
    let size = bits & 0x7fff;
    // Below the smallest exponent values are whole multiples of 2^-24.
    let small = (size as i32 as f32 * (1.0 / 16_777_216.0)).to_bits();
    let large = (size << 13) + (112 << 23);
    f32::from_bits(if size < 0x400 { small } else { large } | (bits & 0x8000) << 16)
}

/// Widens these, each `each`-th column of `to`.
fn widen_columns(from: &[[f16; TILE]], to: &mut [Column], each: usize) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("f16c") {
        // SAFETY: the feature was just detected.
        return unsafe { avx2::widen(from, to, each) };
    }
    for (from, to) in from.iter().zip(to.iter_mut().step_by(each)) {
        for (to, from) in to.0.iter_mut().zip(from) {
            *to = widen(*from);
        }
    }
}

#[inline(always)]
fn nest_with<const FMA: bool>(whole: &[[i8; TILE]], to: &mut [Column], each: usize) {
    for (whole, to) in whole.chunks_exact(each).zip(to.chunks_exact_mut(each)) {
        // The unit was left in the first.
        let units = to[0].0;
        for (to, whole) in to.iter_mut().zip(whole) {
            for lane in 0..TILE {
                to.0[lane] = units[lane] * f32::from(whole[lane]);
            }
        }
    }
}

dispatch! {
    /// Multiplies the unit of each `each` scales with their whole numbers.
    fn nest(whole: &[[i8; TILE]], to: &mut [Column], each: usize) = nest_with
}

impl Scales<'_> {
    /// The scales at `places`, of all rows.
    fn expand(&self, places: Range<usize>, width: usize, to: &mut [Column]) {
        if self.whole.is_empty() {
            return widen_columns(&self.units[places], to, 1);
        }
        let each = QK_K / width;
        widen_columns(&self.units[places.start / each..], to, each);
        nest(&self.whole[places], to, each);
    }
}

impl Stretch {
    fn new() -> Self {
        Self {
            lanes: vec![Lane([0; 4 * TILE]); STRETCH * LANES],
            scales: vec![Column([0.0; TILE]); STRETCH * 2],
            minima: vec![Column([0.0; TILE]); STRETCH * 2],
        }
    }

    /// `blocks` of a tile from the `first` on.
    fn view<'a>(&'a mut self, tile: Tile<'a>, form: Form, first: usize, blocks: usize) -> View<'a> {
        let Form { bits, width, .. } = form;
        let packed = &tile.lanes[first * bits..][..blocks * bits];
        let places = first * BLOCK / width..(first + blocks) * BLOCK / width;
        let scales = &mut self.scales[..places.len()];
        tile.scales.expand(places.clone(), width, scales);
        let minima = match &tile.minima {
            Some(from) => {
                let minima = &mut self.minima[..places.len()];
                from.expand(places, width, minima);
                minima
            }
            None => &mut [],
        };
        let lanes = if bits < 8 {
            let lanes = &mut self.lanes[..blocks * LANES];
            unpack(bits, packed, lanes);
            lanes
        } else {
            packed
        };
        View {
            lanes,
            scales,
            minima,
            width: width / 4,
            bits,
            start: first * BLOCK,
        }
    }
}

/// The products of few rows, which unpack a tile on their way; false where there is no kernel for it or there are more.
fn few(kernel: Kernel, form: Form, tile: &Tile, operand: &Operand, sums: &mut [Column]) -> bool {
    // The kernels are written for the forms that there are.
    match (kernel, sums.len()) {
        // SAFETY: the features were detected when the kernel was chosen; the tile is of this form, rows are those of `operand`.
        #[cfg(target_arch = "x86_64")]
        (Kernel::Avx512Vnni, 1..=avx512::GROUP) => unsafe {
            match (form.bits, form.nested) {
                (4, false) => avx512::few::<4, false>(tile, operand, sums),
                (4, true) => avx512::few::<4, true>(tile, operand, sums),
                (5, false) => avx512::few::<5, false>(tile, operand, sums),
                (5, true) => avx512::few::<5, true>(tile, operand, sums),
                (6, _) => avx512::few::<6, true>(tile, operand, sums),
                _ => avx512::few::<8, false>(tile, operand, sums),
            }
        },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        (Kernel::Avx2, 1) if form.bits < 8 && is_x86_feature_detected!("f16c") => unsafe {
            match (form.bits, form.nested) {
                (4, false) => avx2::row::<4, false>(tile, operand, &mut sums[0]),
                (4, true) => avx2::row::<4, true>(tile, operand, &mut sums[0]),
                (5, false) => avx2::row::<5, false>(tile, operand, &mut sums[0]),
                (5, true) => avx2::row::<5, true>(tile, operand, &mut sums[0]),
                _ => avx2::row::<6, true>(tile, operand, &mut sums[0]),
            }
        },
        _ => return false,
    }
    true
}

/// Lanes of a block of so many bits that share a scale.
#[cfg(target_arch = "x86_64")]
const fn width(bits: usize) -> usize {
    if bits == 6 { 4 } else { LANES }
}

/// Bytes that a kernel asks the memory for ahead of what it reads.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 2048;

/// Asks the memory for values that will be read soon.
fn fetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..size_of_val(values)).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: an address within `values`; no value is read.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(values.as_ptr().wrapping_byte_add(line).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// Adds to each row's sums its product with a stretch.
fn run(kernel: Kernel, view: &View, operand: &Operand, sums: &mut [Column]) {
    match kernel {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the features were detected when the kernel was chosen; rows are those of `operand`.
        Kernel::Avx512Vnni => unsafe {
            match view.width {
                4 => avx512::rows::<4>(view, operand, sums),
                _ => avx512::rows::<8>(view, operand, sums),
            }
        },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Kernel::Avx2 => unsafe {
            match view.bits {
                4 => avx2::rows::<8, 8>(view, operand, sums),
                5 => avx2::rows::<4, 8>(view, operand, sums),
                6 => avx2::rows::<2, 4>(view, operand, sums),
                _ => avx2::rows::<1, 8>(view, operand, sums),
            }
        },
        Kernel::Portable => {
            for (row, sum) in sums.iter_mut().enumerate() {
                portable_product(view, operand, row, sum);
            }
        }
    }
}

impl Operand<'_> {
    /// One row from a column on.
    #[inline(always)]
    fn row(&self, row: usize, start: usize) -> RoundedRow<'_> {
        let rounded = self.rounded;
        let (from, to) = (row * rounded.columns + start, (row + 1) * rounded.columns);
        RoundedRow {
            values: &rounded.values[from..to],
            scales: &rounded.scales[from / BLOCK..to / BLOCK],
            starts: &self.starts[from / BLOCK * self.parts..to / BLOCK * self.parts],
            scaled: &rounded.scaled[from / BLOCK..to / BLOCK],
        }
    }
}

/// One row of an [`Operand`].
struct RoundedRow<'a> {
    values: &'a [i8],
    scales: &'a [f32],
    starts: &'a [i32],
    scaled: &'a [f32],
}

/// The same product without special instructions.
fn portable_product(view: &View, operand: &Operand, row: usize, sum: &mut Column) {
    let row = operand.row(row, view.start);
    for (place, (lanes, weight_scales)) in view.lanes.chunks(view.width).zip(view.scales).enumerate() {
        let column = place * view.width * 4;
        let scale = row.scales[column / BLOCK];
        let mut dots = [row.starts[place]; TILE];
        for (lane, x) in lanes.iter().zip(row.values[column..].as_chunks::<4>().0) {
            for (dot, w) in dots.iter_mut().zip(lane.0.as_chunks::<4>().0) {
                *dot += (0..4).map(|j| i32::from(w[j]) * i32::from(x[j])).sum::<i32>();
            }
        }
        for (sum, (weight_scale, dot)) in sum.0.iter_mut().zip(weight_scales.0.iter().zip(dots)) {
            *sum = (dot as f32).mul_add(weight_scale * scale, *sum);
        }
        if let Some(minima) = view.minima.get(place) {
            for (sum, min) in sum.0.iter_mut().zip(minima.0) {
                *sum = (-min).mul_add(row.scaled[place], *sum);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    //! 64 multiply-adds an instruction: unsigned weights against signed activations.
    use super::{AHEAD, BLOCK, Column, LANES, Lane, Operand, QK_K, RoundedRow, Scales, Tile, View, width};
    use std::arch::x86_64::*;

    /// Rows that share one pass over the lanes: what goes with them stays in registers.
    pub(super) const GROUP: usize = 8;

    /// Calls `$f::<parameters, rows> $args` for the number of rows at hand.
    macro_rules! by_rows {
        ($f:ident::<$($parameter:ident),*>, $rows:expr, $args:tt) => {
            match $rows {
                1 => $f::<$($parameter,)* 1> $args,
                2 => $f::<$($parameter,)* 2> $args,
                3 => $f::<$($parameter,)* 3> $args,
                4 => $f::<$($parameter,)* 4> $args,
                5 => $f::<$($parameter,)* 5> $args,
                6 => $f::<$($parameter,)* 6> $args,
                7 => $f::<$($parameter,)* 7> $args,
                _ => $f::<$($parameter,)* GROUP> $args,
            }
        };
    }

    /// A tile with up to [`GROUP`] rows.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn few<const BITS: usize, const NESTED: bool>(
        tile: &Tile,
        operand: &Operand,
        sums: &mut [Column],
    ) {
        // SAFETY: the caller's promise.
        unsafe { by_rows!(packed::<BITS, NESTED>, sums.len(), (tile, operand, sums)) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn packed<const BITS: usize, const NESTED: bool, const M: usize>(
        tile: &Tile,
        operand: &Operand,
        out: &mut [Column],
    ) {
        let width = const { width(BITS) };
        let rows: [_; M] = std::array::from_fn(|i| operand.row(i, 0));
        let mut sums = [_mm512_setzero_ps(); M];
        for block in 0..tile.lanes.len() / BITS {
            // SAFETY: a block has `BITS` lanes, 32 columns, and `LANES / width` starts, scales and minima; what is
            // asked of the memory is not read.
            unsafe {
                let lanes = tile.lanes.as_ptr().add(block * BITS);
                for lane in 0..BITS {
                    _mm_prefetch::<_MM_HINT_T0>(lanes.add(lane).wrapping_byte_add(AHEAD).cast());
                }
                for part in 0..LANES / width {
                    let place = block * (LANES / width) + part;
                    let mut dots = starts(&rows, place);
                    for group in part * width..(part + 1) * width {
                        let weights = unpacked::<BITS>(lanes, group);
                        dots = add(dots, weights, &rows, block * BLOCK + group * 4);
                    }
                    let weight_scales = scales::<BITS, NESTED>(&tile.scales, place, tile.stride);
                    sums = scaled(sums, dots, weight_scales, &rows, block);
                    if let Some(minima) = &tile.minima {
                        let minima = scales::<BITS, NESTED>(minima, place, tile.stride);
                        sums = less(sums, minima, &rows, place);
                    }
                }
            }
        }
        for (sum, out) in sums.iter().zip(out) {
            // SAFETY: `Column` is 64 bytes, aligned.
            unsafe { _mm512_store_ps(out.0.as_mut_ptr(), *sum) };
        }
    }

    /// As [`Scales::at`], of all rows. Asks for those of the next tile, `stride` bytes on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn scales<const BITS: usize, const NESTED: bool>(scales: &Scales, place: usize, stride: usize) -> __m512 {
        let unit = if NESTED { place * width(BITS) * 4 / QK_K } else { place };
        // SAFETY: the caller has the place; what is asked of the memory is not read.
        unsafe {
            let units = scales.units.as_ptr().add(unit);
            _mm_prefetch::<_MM_HINT_T0>(units.wrapping_byte_add(stride).cast());
            let units = _mm512_cvtph_ps(_mm256_loadu_si256(units.cast()));
            if !NESTED {
                return units;
            }
            let whole = scales.whole.as_ptr().add(place);
            _mm_prefetch::<_MM_HINT_T0>(whole.wrapping_byte_add(stride).cast());
            let whole = _mm_loadu_si128(whole.cast());
            _mm512_mul_ps(units, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(whole)))
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn starts<const M: usize>(rows: &[RoundedRow; M], place: usize) -> [__m512i; M] {
        // SAFETY: the caller has the place.
        std::array::from_fn(|i| unsafe { _mm512_set1_epi32(*rows[i].starts.get_unchecked(place)) })
    }

    /// Adds the products of a lane with the four values of each row from `column` on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vnni")]
    unsafe fn add<const M: usize>(
        mut dots: [__m512i; M],
        weights: __m512i,
        rows: &[RoundedRow; M],
        column: usize,
    ) -> [__m512i; M] {
        for i in 0..M {
            // SAFETY: the caller has the columns.
            let four = unsafe { rows[i].values.as_ptr().add(column).cast::<i32>().read_unaligned() };
            dots[i] = _mm512_dpbusd_epi32(dots[i], weights, _mm512_set1_epi32(four));
        }
        dots
    }

    /// Adds `dots` times the scales of weights and activations.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn scaled<const M: usize>(
        mut sums: [__m512; M],
        dots: [__m512i; M],
        scales: __m512,
        rows: &[RoundedRow; M],
        block: usize,
    ) -> [__m512; M] {
        for i in 0..M {
            // SAFETY: the caller has the block.
            let scale = _mm512_set1_ps(unsafe { *rows[i].scales.get_unchecked(block) });
            sums[i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[i]), _mm512_mul_ps(scales, scale), sums[i]);
        }
        sums
    }

    /// Takes away the minima times the sums of the activations.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn less<const M: usize>(
        mut sums: [__m512; M],
        minima: __m512,
        rows: &[RoundedRow; M],
        place: usize,
    ) -> [__m512; M] {
        for i in 0..M {
            // SAFETY: the caller has the place.
            let scaled = _mm512_set1_ps(unsafe { *rows[i].scaled.get_unchecked(place) });
            sums[i] = _mm512_fnmadd_ps(minima, scaled, sums[i]);
        }
        sums
    }

    /// A stretch whose scales are of `WIDTH` lanes with any number of rows.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn rows<const WIDTH: usize>(view: &View, operand: &Operand, sums: &mut [Column]) {
        debug_assert!(view.width == WIDTH);
        for (group, sums) in sums.chunks_mut(GROUP).enumerate() {
            let first = group * GROUP;
            // SAFETY: the caller's promise.
            unsafe { by_rows!(product::<WIDTH>, sums.len(), (view, operand, first, sums)) }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn product<const WIDTH: usize, const M: usize>(
        view: &View,
        operand: &Operand,
        first: usize,
        out: &mut [Column],
    ) {
        let rows: [_; M] = std::array::from_fn(|i| operand.row(first + i, view.start));
        // SAFETY: `Column` is 64 bytes, aligned; the caller gives `M` of them.
        let mut sums: [_; M] = std::array::from_fn(|i| unsafe { _mm512_load_ps(out[i].0.as_ptr()) });
        for place in 0..view.scales.len() {
            let column = place * WIDTH * 4;
            let block = column / BLOCK;
            // SAFETY: `place` counts the scales, and the minima where there are any; `WIDTH` lanes go with each, four columns
            // of activations with a lane, and a start with each scale.
            unsafe {
                let mut dots = starts(&rows, place);
                for group in 0..WIDTH {
                    let weights = _mm512_load_si512(view.lanes.as_ptr().add(place * WIDTH + group).cast());
                    dots = add(dots, weights, &rows, column + group * 4);
                }
                let scales = _mm512_load_ps(view.scales.as_ptr().add(place).cast());
                sums = scaled(sums, dots, scales, &rows, block);
                if !view.minima.is_empty() {
                    let minima = _mm512_load_ps(view.minima.as_ptr().add(place).cast());
                    sums = less(sums, minima, &rows, place);
                }
            }
        }
        for (sum, out) in sums.iter().zip(out) {
            // SAFETY: `Column` is 64 bytes, aligned.
            unsafe { _mm512_store_ps(out.0.as_mut_ptr(), *sum) };
        }
    }

    /// Lane `group` of a block whose first lane is at `lanes`, as `unpack_block` has it.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn unpacked<const BITS: usize>(lanes: *const Lane, group: usize) -> __m512i {
        // SAFETY: the caller has `BITS` lanes, aligned.
        let load = |lane: usize| unsafe { _mm512_load_si512(lanes.add(lane).cast()) };
        if BITS == 8 {
            return load(group);
        }
        let nibbles = load(group / 2);
        let low = _mm512_set1_epi8(15);
        let four = match group % 2 {
            0 => nibbles,
            _ => _mm512_srli_epi16::<4>(nibbles),
        };
        let each = BITS - 4;
        if each == 0 {
            return _mm512_and_si512(four, low);
        }
        let high = load(4 + group * each / LANES);
        let moved = match group * each % LANES {
            0 => _mm512_slli_epi16::<4>(high),
            1 => _mm512_slli_epi16::<3>(high),
            2 => _mm512_slli_epi16::<2>(high),
            3 => _mm512_slli_epi16::<1>(high),
            4 => high,
            5 => _mm512_srli_epi16::<1>(high),
            6 => _mm512_srli_epi16::<2>(high),
            _ => _mm512_srli_epi16::<3>(high),
        };
        let mask = _mm512_set1_epi8((((1 << each) - 1) << 4) as i8);
        // The four bits where `low` is set, the moved ones elsewhere, and none above.
        let mixed = _mm512_ternarylogic_epi64::<0xca>(low, four, moved);
        _mm512_and_si512(mixed, _mm512_or_si512(low, mask))
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    //! 32 products an instruction, added in pairs in 16 bits. As many pairs of unsigned weights as stay in range are summed
    //! there before 32 bits; weights of 8 bits hand their signs to the activations.
    use super::{AHEAD, BLOCK, Column, LANES, Operand, QK_K, RoundedRow, Scales, TILE, Tile, View, width};
    use half::f16;
    use std::arch::x86_64::*;

    /// As [`super::widen_columns`].
    #[target_feature(enable = "f16c")]
    pub(super) fn widen(from: &[[f16; TILE]], to: &mut [Column], each: usize) {
        for (from, to) in from.iter().zip(to.iter_mut().step_by(each)) {
            for half in 0..2 {
                // SAFETY: 16 values on either side, 8 at a time; a `Column` is aligned.
                unsafe {
                    let halves = _mm_loadu_si128(from.as_ptr().add(half * TILE / 2).cast());
                    _mm256_store_ps(to.0.as_mut_ptr().add(half * TILE / 2), _mm256_cvtph_ps(halves));
                }
            }
        }
    }

    /// One row with a tile.
    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) unsafe fn row<const BITS: usize, const NESTED: bool>(tile: &Tile, operand: &Operand, out: &mut Column) {
        // Lanes whose pairs stay in range of 16 bits.
        let chain = const {
            let chain = 1 << (7 - BITS);
            if chain < width(BITS) { chain } else { width(BITS) }
        };
        let width = const { width(BITS) };
        let row = operand.row(0, 0);
        let ones = _mm256_set1_epi16(1);
        let mut sums = [_mm256_setzero_ps(); 2];
        for block in 0..tile.lanes.len() / BITS {
            // SAFETY: a block has `BITS` lanes of two halves each, 32 columns, and `LANES / width` scales and minima; what is
            // asked of the memory is not read.
            unsafe {
                let lanes = tile.lanes.as_ptr().add(block * BITS).cast::<__m256i>();
                for lane in 0..BITS {
                    _mm_prefetch::<_MM_HINT_T0>(lanes.add(lane * 2).wrapping_byte_add(AHEAD).cast());
                }
                let values = row.values.as_ptr().add(block * BLOCK).cast::<i32>();
                let mut dots = [[_mm256_setzero_si256(); 2]; 2];
                for (part, dots) in dots.iter_mut().enumerate().take(LANES / width) {
                    *dots = [_mm256_set1_epi32(*row.starts.get_unchecked(block * (LANES / width) + part)); 2];
                }
                let mut pairs = [_mm256_setzero_si256(); 2];
                for group in 0..LANES {
                    let four = _mm256_set1_epi32(values.add(group).read_unaligned());
                    for half in 0..2 {
                        let weights = unpacked::<BITS>(lanes.add(half), group);
                        pairs[half] = _mm256_add_epi16(pairs[half], _mm256_maddubs_epi16(weights, four));
                        if (group + 1) % chain == 0 {
                            let dot = &mut dots[group / width][half];
                            *dot = _mm256_add_epi32(*dot, _mm256_madd_epi16(pairs[half], ones));
                            pairs[half] = _mm256_setzero_si256();
                        }
                    }
                }
                let scale = _mm256_set1_ps(*row.scales.get_unchecked(block));
                for (part, dots) in dots.iter().enumerate().take(LANES / width) {
                    let place = block * (LANES / width) + part;
                    for half in 0..2 {
                        let weight_scales = scales::<BITS, NESTED>(&tile.scales, place, half, tile.stride);
                        let dot = _mm256_cvtepi32_ps(dots[half]);
                        sums[half] = _mm256_fmadd_ps(dot, _mm256_mul_ps(weight_scales, scale), sums[half]);
                        if let Some(minima) = &tile.minima {
                            let minima = scales::<BITS, NESTED>(minima, place, half, tile.stride);
                            let scaled = _mm256_set1_ps(*row.scaled.get_unchecked(place));
                            sums[half] = _mm256_fnmadd_ps(minima, scaled, sums[half]);
                        }
                    }
                }
            }
        }
        for (half, sum) in sums.iter().enumerate() {
            // SAFETY: a `Column` holds 16 floats, aligned.
            unsafe { _mm256_store_ps(out.0.as_mut_ptr().add(half * TILE / 2), *sum) };
        }
    }

    /// As [`Scales::at`], of half of the rows. Asks for those of the next tile, `stride` bytes on.
    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    unsafe fn scales<const BITS: usize, const NESTED: bool>(
        scales: &Scales,
        place: usize,
        half: usize,
        stride: usize,
    ) -> __m256 {
        let unit = if NESTED { place * width(BITS) * 4 / QK_K } else { place };
        // SAFETY: the caller has the place; what is asked of the memory is not read.
        unsafe {
            let units = scales.units.as_ptr().add(unit).cast::<f16>().add(half * TILE / 2);
            _mm_prefetch::<_MM_HINT_T0>(units.wrapping_byte_add(stride).cast());
            let units = _mm256_cvtph_ps(_mm_loadu_si128(units.cast()));
            if !NESTED {
                return units;
            }
            let whole = scales.whole.as_ptr().add(place).cast::<i8>().add(half * TILE / 2);
            _mm256_mul_ps(
                units,
                _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(whole.cast()))),
            )
        }
    }

    /// Half of lane `group` of a packed block, as `unpack_block` has it; `lanes` points to that half of the first.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn unpacked<const BITS: usize>(lanes: *const __m256i, group: usize) -> __m256i {
        let low = _mm256_set1_epi8(15);
        // SAFETY: the caller has `BITS` lanes of two halves.
        let nibbles = unsafe { _mm256_load_si256(lanes.add(group / 2 * 2)) };
        let four = match group % 2 {
            0 => _mm256_and_si256(nibbles, low),
            _ => _mm256_and_si256(_mm256_srli_epi16::<4>(nibbles), low),
        };
        let each = BITS - 4;
        if each == 0 {
            return four;
        }
        // SAFETY: as above.
        let high = unsafe { _mm256_load_si256(lanes.add((4 + group * each / LANES) * 2)) };
        let mask = _mm256_set1_epi8((((1 << each) - 1) << 4) as i8);
        let moved = match group * each % LANES {
            0 => _mm256_slli_epi16::<4>(high),
            1 => _mm256_slli_epi16::<3>(high),
            2 => _mm256_slli_epi16::<2>(high),
            3 => _mm256_slli_epi16::<1>(high),
            4 => high,
            5 => _mm256_srli_epi16::<1>(high),
            6 => _mm256_srli_epi16::<2>(high),
            _ => _mm256_srli_epi16::<3>(high),
        };
        _mm256_or_si256(four, _mm256_and_si256(moved, mask))
    }

    /// `CHAIN` lanes are summed in 16 bits, `WIDTH` share a scale.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn rows<const CHAIN: usize, const WIDTH: usize>(
        view: &View,
        operand: &Operand,
        sums: &mut [Column],
    ) {
        debug_assert!(view.width == WIDTH);
        for (group, sums) in sums.chunks_mut(4).enumerate() {
            let row = |i: usize| operand.row(group * 4 + i, view.start);
            // SAFETY: the caller's promise.
            unsafe {
                match sums.len() {
                    1 => product::<CHAIN, WIDTH, 1>(view, &std::array::from_fn(row), sums),
                    2 => product::<CHAIN, WIDTH, 2>(view, &std::array::from_fn(row), sums),
                    3 => product::<CHAIN, WIDTH, 3>(view, &std::array::from_fn(row), sums),
                    _ => product::<CHAIN, WIDTH, 4>(view, &std::array::from_fn(row), sums),
                }
            }
        }
    }

    #[target_feature(enable = "avx2,fma")]
    unsafe fn product<const CHAIN: usize, const WIDTH: usize, const M: usize>(
        view: &View,
        rows: &[RoundedRow; M],
        out: &mut [Column],
    ) {
        // Half a tile at a time: everything stays in registers.
        for half in 0..2 {
            let mut sums = [_mm256_setzero_ps(); M];
            for (sum, out) in sums.iter_mut().zip(out.iter()) {
                // SAFETY: a `Column` holds 16 floats, aligned.
                *sum = unsafe { _mm256_load_ps(out.0.as_ptr().add(half * TILE / 2)) };
            }
            for place in 0..view.scales.len() {
                let column = place * WIDTH * 4;
                // SAFETY: `place * WIDTH` counts the lanes; a start and `WIDTH * 4` columns of activations go with each place.
                let dots = unsafe {
                    let lanes = view.lanes.as_ptr().add(place * WIDTH).cast::<__m256i>().add(half);
                    // The signs of 8 bits are the weights' own.
                    let start = |row: &RoundedRow| if CHAIN > 1 { *row.starts.get_unchecked(place) } else { 0 };
                    dots::<CHAIN, WIDTH, M>(
                        lanes,
                        std::array::from_fn(|i| _mm256_set1_epi32(start(&rows[i]))),
                        std::array::from_fn(|i| rows[i].values.as_ptr().add(column).cast()),
                    )
                };
                // SAFETY: `place` counts the scales, and the minima where there are any.
                unsafe {
                    let scales = _mm256_load_ps(view.scales.get_unchecked(place).0.as_ptr().add(half * TILE / 2));
                    for ((sum, row), dot) in sums.iter_mut().zip(rows).zip(dots) {
                        let scale = _mm256_set1_ps(*row.scales.get_unchecked(column / BLOCK));
                        *sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), _mm256_mul_ps(scales, scale), *sum);
                    }
                    if !view.minima.is_empty() {
                        let minima = view.minima.get_unchecked(place).0.as_ptr().add(half * TILE / 2);
                        let minima = _mm256_load_ps(minima);
                        for (sum, row) in sums.iter_mut().zip(rows) {
                            let scaled = _mm256_set1_ps(*row.scaled.get_unchecked(place));
                            *sum = _mm256_fnmadd_ps(minima, scaled, *sum);
                        }
                    }
                }
            }
            for (sum, out) in sums.iter().zip(out.iter_mut()) {
                // SAFETY: as above.
                unsafe { _mm256_store_ps(out.0.as_mut_ptr().add(half * TILE / 2), *sum) };
            }
        }
    }

    /// Adds to `dots` the products of half of `WIDTH` lanes with each row's values, four to a lane.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn dots<const CHAIN: usize, const WIDTH: usize, const M: usize>(
        lanes: *const __m256i,
        mut dots: [__m256i; M],
        values: [*const i32; M],
    ) -> [__m256i; M] {
        let (flip, ones) = (_mm256_set1_epi8(-128), _mm256_set1_epi16(1));
        for part in 0..WIDTH / CHAIN {
            let mut pairs = [_mm256_setzero_si256(); M];
            for group in part * CHAIN..(part + 1) * CHAIN {
                // SAFETY: the caller has `WIDTH` lanes and as many fours of values.
                unsafe {
                    let mut weights = _mm256_load_si256(lanes.add(group * 2));
                    let mut sizes = weights;
                    if CHAIN == 1 {
                        weights = _mm256_xor_si256(weights, flip);
                        sizes = _mm256_abs_epi8(weights);
                    }
                    for (pairs, values) in pairs.iter_mut().zip(values) {
                        let mut four = _mm256_set1_epi32(values.add(group).read_unaligned());
                        if CHAIN == 1 {
                            four = _mm256_sign_epi8(four, weights);
                        }
                        *pairs = _mm256_add_epi16(*pairs, _mm256_maddubs_epi16(sizes, four));
                    }
                }
            }
            for (dot, pairs) in dots.iter_mut().zip(pairs) {
                *dot = _mm256_add_epi32(*dot, _mm256_madd_epi16(pairs, ones));
            }
        }
        dots
    }
}
