//! Weight matrices in blocks of columns with a scale, at the bits that their GGUF type has, and their products on the CPU.
//!
//! A tile of 16 rows is unpacked once, a stretch of columns at a time, for all rows of activations. Each output depends on
//! its own row of activations alone, summed in a fixed order: it is the same bit for bit whatever is computed beside it and
//! whatever the instruction set.

use super::ggml::{Form, NEST, Parts, Row};
use super::kernel::{dispatch, parallel, round_blocks};
use super::packed::{Column, Lane, TILE, Writer};
use super::product::Kernel;
use candle_core::Result;
use half::f16;
use rayon::prelude::*;
use std::ops::Range;

/// Columns of a block, which activations share a scale over.
pub(super) const BLOCK: usize = 32;
/// Lanes of an unpacked block.
const LANES: usize = BLOCK / 4;
/// Blocks that are unpacked at a time: with what goes with them they stay in the first-level cache.
const STRETCH: usize = 24;

/// A weight matrix.
pub(super) struct Blocks {
    form: Form,
    columns: usize,
    tiles: Vec<Tile>,
}

/// 16 rows of a matrix.
struct Tile {
    /// `form.bits` for each block: four whose bytes hold the lower four bits of two lanes, and then the higher bits of all
    /// eight, 8 or 4 lanes in one; or the eight lanes as they are.
    lanes: Box<[Lane]>,
    scales: Scales,
    minima: Option<Scales>,
}

/// Scales or minima of 16 rows, each times a whole number where there is one ([`Form::nested`]).
struct Scales {
    units: Box<[[f16; TILE]]>,
    whole: Box<[[i8; TILE]]>,
}

impl Scales {
    fn new(units: usize, whole: usize) -> Self {
        Self {
            units: vec![[f16::ZERO; TILE]; units].into(),
            whole: vec![[0; TILE]; whole].into(),
        }
    }

    fn put(&mut self, lane: usize, parts: &Parts) {
        for (to, from) in self.units.iter_mut().zip(&parts.units) {
            to[lane] = *from;
        }
        for (to, from) in self.whole.iter_mut().zip(&parts.whole) {
            to[lane] = *from;
        }
    }

    fn copy(&mut self, lane: usize, from: &Self, old: usize) {
        for (to, from) in self.units.iter_mut().zip(&from.units) {
            to[lane] = from[old];
        }
        for (to, from) in self.whole.iter_mut().zip(&from.whole) {
            to[lane] = from[old];
        }
    }

    /// The scale at a place, of one row.
    fn at(&self, index: usize, width: usize, lane: usize) -> f32 {
        match self.whole.get(index) {
            Some(whole) => self.units[index * width / NEST][lane].to_f32() * f32::from(whole[lane]),
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
    /// Eight for each block; as many as it has bits where they are still packed.
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
pub(super) struct Rounded {
    columns: usize,
    values: Vec<i8>,
    /// `(rows, columns / 32)`.
    scales: Vec<f32>,
    /// `(rows, columns / 32)`: sums of `values`.
    sums: Vec<i32>,
    /// Sums of each 16 and of each 32 values, times their scale.
    scaled: [Vec<f32>; 2],
}

impl Rounded {
    pub fn new(activations: &[f32], columns: usize) -> Self {
        let blocks = activations.len() / BLOCK;
        let (mut values, mut scales) = (vec![0; activations.len()], vec![0.0; blocks]);
        let mut halves = vec![0; blocks * 2];
        round_blocks(activations, &mut values, &mut scales, &mut halves);
        let halves = halves.as_chunks::<2>().0.iter().zip(&scales);
        let sums = halves.clone().map(|([a, b], _)| a + b).collect();
        let scaled = [
            halves
                .clone()
                .flat_map(|([a, b], scale)| [scale * *a as f32, scale * *b as f32])
                .collect(),
            halves.map(|([a, b], scale)| scale * (a + b) as f32).collect(),
        ];
        Self {
            columns,
            values,
            scales,
            sums,
            scaled,
        }
    }
}

impl Blocks {
    /// Packs a matrix; `read` decodes each row.
    pub fn new(
        form: Form,
        rows: usize,
        columns: usize,
        read: impl Fn(usize, &mut Row) -> Result<()> + Sync,
    ) -> Result<Self> {
        let tiles = (0..rows.div_ceil(TILE)).into_par_iter().map_init(
            || Row::new(form, columns),
            |row, index| {
                let mut tile = Tile::new(form, columns);
                for lane in 0..TILE.min(rows - index * TILE) {
                    read(index * TILE + lane, row)?;
                    tile.put(form, lane, row);
                }
                Ok(tile)
            },
        );
        Ok(Self {
            form,
            columns,
            tiles: tiles.collect::<Result<_>>()?,
        })
    }

    /// The matrix of these rows alone.
    pub fn select(&self, rows: &[u32]) -> Self {
        let tiles = rows.par_chunks(TILE).map(|rows| {
            let mut tile = Tile::new(self.form, self.columns);
            for (lane, row) in rows.iter().map(|row| *row as usize).enumerate() {
                let (from, old) = (&self.tiles[row / TILE], row % TILE);
                for (to, from) in tile.lanes.iter_mut().zip(&from.lanes) {
                    to.0[lane * 4..][..4].copy_from_slice(&from.0[old * 4..][..4]);
                }
                tile.scales.copy(lane, &from.scales, old);
                if let (Some(to), Some(from)) = (&mut tile.minima, &from.minima) {
                    to.copy(lane, from, old);
                }
            }
            tile
        });
        Self {
            form: self.form,
            columns: self.columns,
            tiles: tiles.collect(),
        }
    }

    /// One row in float32, times `scale`.
    pub fn row(&self, row: usize, scale: f32, out: &mut Vec<f32>) {
        let Form {
            bits, offset, width, ..
        } = self.form;
        let (tile, lane) = (&self.tiles[row / TILE], row % TILE);
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
pub(super) fn products(kernel: Kernel, activations: &[f32], matrices: &[(&Blocks, Writer)]) {
    let Some((first, _)) = matrices.first() else { return };
    let columns = first.columns;
    let rounded = Rounded::new(activations, columns);
    let m = activations.len() / columns;
    let places: Vec<(usize, usize)> = matrices
        .iter()
        .enumerate()
        .flat_map(|(matrix, (blocks, _))| (0..blocks.tiles.len()).map(move |tile| (matrix, tile)))
        .collect();
    // What few rows take is the reading of the weights, not the multiplying.
    parallel(places.len(), (m + 7) * places.len() * TILE * columns / 32, |range| {
        let mut stretch = Stretch::new();
        let mut sums = vec![Column([0.0; TILE]); m];
        for place in range {
            let (matrix, tile) = places[place];
            let (blocks, writer) = &matrices[matrix];
            let next = places.get(place + 1);
            let next = next.map(|(matrix, tile)| (matrices[*matrix].0.form, &matrices[*matrix].0.tiles[*tile]));
            sums.fill(Column([0.0; TILE]));
            for first in (0..columns / BLOCK).step_by(STRETCH) {
                let count = STRETCH.min(columns / BLOCK - first);
                let view = stretch.view(&blocks.tiles[tile], blocks.form, first, count, kernel.unpacks(m));
                if let Some((form, tile)) = next {
                    tile.fetch(form, first, count);
                }
                run(kernel, &view, &rounded, &mut sums);
            }
            for (row, sum) in sums.iter().enumerate() {
                writer.write(row, tile, sum);
            }
        }
    });
}

impl Tile {
    fn new(form: Form, columns: usize) -> Self {
        let scales = || match form.nested {
            true => Scales::new(columns / NEST, columns / form.width),
            false => Scales::new(columns / form.width, 0),
        };
        Self {
            lanes: vec![Lane([0; 4 * TILE]); columns / BLOCK * form.bits].into(),
            scales: scales(),
            minima: form.minima.then(scales),
        }
    }

    /// Asks for what [`Stretch::view`] will read: each tile lies by itself, where the machine does not foresee it.
    fn fetch(&self, form: Form, first: usize, blocks: usize) {
        let Form { bits, width, .. } = form;
        fetch(&self.lanes[first * bits..][..blocks * bits]);
        let places = first * BLOCK / width..(first + blocks) * BLOCK / width;
        for scales in [Some(&self.scales), self.minima.as_ref()].into_iter().flatten() {
            match scales.whole.is_empty() {
                true => fetch(&scales.units[places.clone()]),
                false => {
                    fetch(&scales.units[places.start * width / NEST..places.end * width / NEST]);
                    fetch(&scales.whole[places.clone()]);
                }
            }
        }
    }

    fn put(&mut self, form: Form, lane: usize, row: &Row) {
        let blocks = self.lanes.chunks_exact_mut(form.bits);
        for (lanes, values) in blocks.zip(row.values.as_chunks::<BLOCK>().0) {
            let four = |i: usize| &values[i * 4..][..4];
            if form.bits == 8 {
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
            let each = form.bits - 4;
            for (i, to) in high.iter_mut().enumerate() {
                for j in 0..LANES / each {
                    for (to, q) in to.0[lane * 4..].iter_mut().zip(four(i * LANES / each + j)) {
                        *to |= (q >> 4) << (j * each);
                    }
                }
            }
        }
        self.scales.put(lane, &row.scales);
        if let Some(minima) = &mut self.minima {
            minima.put(lane, &row.minima);
        }
    }
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

#[inline(always)]
fn times_with<const FMA: bool>(from: &[Column], by: f32, to: &mut [Column]) {
    for (from, to) in from.iter().zip(to) {
        for lane in 0..TILE {
            to.0[lane] = from.0[lane] * by;
        }
    }
}

dispatch! {
    fn times(from: &[Column], by: f32, to: &mut [Column]) = times_with
}

impl Scales {
    /// The scales at `places`, of all rows.
    fn expand(&self, places: Range<usize>, width: usize, to: &mut [Column]) {
        if self.whole.is_empty() {
            return widen_columns(&self.units[places], to, 1);
        }
        let each = NEST / width;
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

    /// `blocks` of a tile from the `first` on, their lanes unpacked or as they are.
    fn view<'a>(&'a mut self, tile: &'a Tile, form: Form, first: usize, blocks: usize, unpacked: bool) -> View<'a> {
        let Form {
            bits, offset, width, ..
        } = form;
        let packed = &tile.lanes[first * bits..][..blocks * bits];
        let places = first * BLOCK / width..(first + blocks) * BLOCK / width;
        let scales = &mut self.scales[..places.len()];
        tile.scales.expand(places.clone(), width, scales);
        let mut minima = &mut self.minima[..places.len()];
        match &tile.minima {
            Some(from) => from.expand(places, width, minima),
            None if bits < 8 => times(scales, f32::from(offset), minima),
            // Kernels take back the offset of 8 bits themselves.
            None => minima = &mut [],
        }
        View {
            lanes: if unpacked && bits < 8 {
                let lanes = &mut self.lanes[..blocks * LANES];
                unpack(bits, packed, lanes);
                lanes
            } else {
                packed
            },
            scales,
            minima,
            width: width / 4,
            bits,
            start: first * BLOCK,
        }
    }
}

impl Kernel {
    /// Whether products of `m` rows want their weights unpacked beforehand: one row unpacks them on its way.
    fn unpacks(self, m: usize) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => m > 1,
            _ => true,
        }
    }
}

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
fn run(kernel: Kernel, view: &View, rounded: &Rounded, sums: &mut [Column]) {
    match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512Vnni => {
            for (group, sums) in sums.chunks_mut(8).enumerate() {
                // SAFETY: the features were detected when the kernel was chosen; rows are those of `rounded`.
                unsafe {
                    match sums.len() {
                        1 => avx512::product::<1>(view, rounded, group * 8, sums),
                        2 => avx512::product::<2>(view, rounded, group * 8, sums),
                        3 => avx512::product::<3>(view, rounded, group * 8, sums),
                        4 => avx512::product::<4>(view, rounded, group * 8, sums),
                        5 => avx512::product::<5>(view, rounded, group * 8, sums),
                        6 => avx512::product::<6>(view, rounded, group * 8, sums),
                        7 => avx512::product::<7>(view, rounded, group * 8, sums),
                        _ => avx512::product::<8>(view, rounded, group * 8, sums),
                    }
                }
            }
        }
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 => {
            // SAFETY: as above.
            unsafe {
                match (view.bits, sums) {
                    (4, [sum]) => avx2::row::<4, 8>(view, rounded, sum),
                    (5, [sum]) => avx2::row::<5, 8>(view, rounded, sum),
                    (6, [sum]) => avx2::row::<6, 4>(view, rounded, sum),
                    (bits, sums) => match bits {
                        4 => avx2::rows::<8, 8>(view, rounded, sums),
                        5 => avx2::rows::<4, 8>(view, rounded, sums),
                        6 => avx2::rows::<2, 4>(view, rounded, sums),
                        _ => avx2::rows::<1, 8>(view, rounded, sums),
                    },
                }
            }
        }
        Kernel::Portable => {
            for (row, sum) in sums.iter_mut().enumerate() {
                portable_product(view, rounded, row, sum);
            }
        }
    }
}

impl Rounded {
    /// One row's values, scales and sums from a column on; the sums with their scales are of `width` lanes each.
    #[inline(always)]
    fn row(&self, row: usize, start: usize, width: usize) -> RoundedRow<'_> {
        let (from, to) = (row * self.columns + start, (row + 1) * self.columns);
        let scaled = &self.scaled[usize::from(width == LANES)];
        RoundedRow {
            values: &self.values[from..to],
            scales: &self.scales[from / BLOCK..to / BLOCK],
            sums: &self.sums[from / BLOCK..to / BLOCK],
            scaled: &scaled[from / (width * 4)..to / (width * 4)],
        }
    }
}

/// Of [`Rounded`], from the first column of a stretch on.
struct RoundedRow<'a> {
    values: &'a [i8],
    scales: &'a [f32],
    /// Of each block's values.
    sums: &'a [i32],
    /// Of as many values as share a scale of the weights, times the scale of the activations.
    scaled: &'a [f32],
}

/// The same product without special instructions.
fn portable_product(view: &View, rounded: &Rounded, row: usize, sum: &mut Column) {
    let row = rounded.row(row, view.start, view.width);
    for (place, (lanes, weight_scales)) in view.lanes.chunks(view.width).zip(view.scales).enumerate() {
        let column = place * view.width * 4;
        let scale = row.scales[column / BLOCK];
        let mut dots = [if view.bits == 8 {
            -128 * row.sums[column / BLOCK]
        } else {
            0
        }; TILE];
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
    use super::{BLOCK, Column, Rounded, View};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn product<const M: usize>(view: &View, rounded: &Rounded, first: usize, out: &mut [Column]) {
        let rows: [_; M] = std::array::from_fn(|i| rounded.row(first + i, view.start, view.width));
        let width = view.width;
        // SAFETY: `Column` is 64 bytes, aligned; the caller gives `M` of them.
        let mut sums: [_; M] = std::array::from_fn(|i| unsafe { _mm512_load_ps(out[i].0.as_ptr()) });
        for place in 0..view.scales.len() {
            let column = place * width * 4;
            let mut dots = [_mm512_setzero_si512(); M];
            if view.bits == 8 {
                for i in 0..M {
                    // SAFETY: there is a sum for each block.
                    let sum = unsafe { *rows[i].sums.get_unchecked(column / BLOCK) };
                    dots[i] = _mm512_set1_epi32(-128 * sum);
                }
            }
            for group in 0..width {
                // SAFETY: `place * width + group` counts the lanes, and four columns of activations go with each.
                unsafe {
                    let lane = view.lanes.as_ptr().add(place * width + group);
                    let weights = _mm512_load_si512(lane.cast());
                    for i in 0..M {
                        let four = rows[i].values.as_ptr().add(column + group * 4).cast::<i32>();
                        dots[i] = _mm512_dpbusd_epi32(dots[i], weights, _mm512_set1_epi32(four.read_unaligned()));
                    }
                }
            }
            // SAFETY: `place` counts the scales, and the minima where there are any.
            unsafe {
                let scales = _mm512_load_ps(view.scales.as_ptr().add(place).cast());
                for i in 0..M {
                    let scale = _mm512_set1_ps(*rows[i].scales.get_unchecked(column / BLOCK));
                    sums[i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[i]), _mm512_mul_ps(scales, scale), sums[i]);
                }
                if !view.minima.is_empty() {
                    let minima = _mm512_load_ps(view.minima.as_ptr().add(place).cast());
                    for i in 0..M {
                        let scaled = _mm512_set1_ps(*rows[i].scaled.get_unchecked(place));
                        sums[i] = _mm512_fnmadd_ps(minima, scaled, sums[i]);
                    }
                }
            }
        }
        for (sum, out) in sums.iter().zip(out) {
            // SAFETY: `Column` is 64 bytes, aligned.
            unsafe { _mm512_store_ps(out.0.as_mut_ptr(), *sum) };
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    //! 32 products an instruction, added in pairs in 16 bits. As many pairs of unsigned weights as stay in range are summed
    //! there before 32 bits; weights of 8 bits hand their signs to the activations.
    use super::{BLOCK, Column, LANES, Rounded, RoundedRow, TILE, View};
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

    /// One row with packed lanes of `BITS`, of which `WIDTH` share a scale.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn row<const BITS: usize, const WIDTH: usize>(view: &View, rounded: &Rounded, out: &mut Column) {
        debug_assert!(view.width == WIDTH && view.bits == BITS);
        /// Lanes whose pairs stay in range of 16 bits.
        const fn chain(bits: usize) -> usize {
            1 << (7 - bits)
        }
        let row = rounded.row(0, view.start, WIDTH);
        let ones = _mm256_set1_epi16(1);
        // SAFETY: a `Column` holds 16 floats, aligned.
        let mut sums = [0, 1].map(|half| unsafe { _mm256_load_ps(out.0.as_ptr().add(half * TILE / 2)) });
        for block in 0..view.lanes.len() / BITS {
            // SAFETY: a block has `BITS` lanes of two halves each, 32 columns, and `LANES / WIDTH` scales and minima.
            unsafe {
                let lanes = view.lanes.as_ptr().add(block * BITS).cast::<__m256i>();
                let values = row.values.as_ptr().add(block * BLOCK).cast::<i32>();
                let mut dots = [[_mm256_setzero_si256(); 2]; 2];
                let mut pairs = [_mm256_setzero_si256(); 2];
                for group in 0..LANES {
                    let four = _mm256_set1_epi32(values.add(group).read_unaligned());
                    for half in 0..2 {
                        let weights = unpacked::<BITS>(lanes.add(half), group);
                        pairs[half] = _mm256_add_epi16(pairs[half], _mm256_maddubs_epi16(weights, four));
                        if (group + 1) % chain(BITS).min(WIDTH) == 0 {
                            let dot = &mut dots[group / WIDTH][half];
                            *dot = _mm256_add_epi32(*dot, _mm256_madd_epi16(pairs[half], ones));
                            pairs[half] = _mm256_setzero_si256();
                        }
                    }
                }
                let scale = _mm256_set1_ps(*row.scales.get_unchecked(block));
                for (part, dots) in dots.iter().enumerate().take(LANES / WIDTH) {
                    let place = block * (LANES / WIDTH) + part;
                    let scaled = _mm256_set1_ps(*row.scaled.get_unchecked(place));
                    for half in 0..2 {
                        let at = half * TILE / 2;
                        let scales = _mm256_load_ps(view.scales.get_unchecked(place).0.as_ptr().add(at));
                        let minima = _mm256_load_ps(view.minima.get_unchecked(place).0.as_ptr().add(at));
                        let dot = _mm256_cvtepi32_ps(dots[half]);
                        let sum = _mm256_fmadd_ps(dot, _mm256_mul_ps(scales, scale), sums[half]);
                        sums[half] = _mm256_fnmadd_ps(minima, scaled, sum);
                    }
                }
            }
        }
        for (half, sum) in sums.iter().enumerate() {
            // SAFETY: as above.
            unsafe { _mm256_store_ps(out.0.as_mut_ptr().add(half * TILE / 2), *sum) };
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
        rounded: &Rounded,
        sums: &mut [Column],
    ) {
        debug_assert!(view.width == WIDTH);
        for (group, sums) in sums.chunks_mut(4).enumerate() {
            let row = |i: usize| rounded.row(group * 4 + i, view.start, WIDTH);
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
                // SAFETY: `place * WIDTH` counts the lanes, and `WIDTH * 4` columns of activations go with each place.
                let dots = unsafe {
                    let lanes = view.lanes.as_ptr().add(place * WIDTH).cast::<__m256i>().add(half);
                    dots::<CHAIN, WIDTH, M>(
                        lanes,
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
                    if CHAIN > 1 {
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

    /// Of half of `WIDTH` lanes with each row's values, four to a lane.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn dots<const CHAIN: usize, const WIDTH: usize, const M: usize>(
        lanes: *const __m256i,
        values: [*const i32; M],
    ) -> [__m256i; M] {
        let (flip, ones) = (_mm256_set1_epi8(-128), _mm256_set1_epi16(1));
        let mut dots = [_mm256_setzero_si256(); M];
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
