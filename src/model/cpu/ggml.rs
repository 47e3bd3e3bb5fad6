//! Decoding of the quantised types of GGUF files, row by row (ggml `ggml-quants.c`, `dequantize_row_*`).
//!
//! The legacy types Q4_0, Q5_0 and Q8_0 have a float16 scale `d` for each block of 32 columns. The k-quants Q4_K, Q5_K
//! and Q6_K have super-blocks of [`QK_K`] columns: a float16 `d` for the super-block, and an integer scale for each of
//! its sub-blocks. Q4_K and Q5_K have minima in the same form (`dmin`).

use super::ggml_type::{GgmlType, SmallBlock};
use super::simd::round_blocks_to_int8;
use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Result, bail};
use half::f16;

/// Number of columns in a super-block of a k-quant (ggml's `QK_K`).
pub(super) const QK_K: usize = 256;

/// A quantised GGUF type that matrices keep in memory. A weight is `scale * (q - offset) - minimum`.
///
/// Kernels match it exhaustively: a type that is added here does not compile until every kernel handles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QuantType {
    Q4_0,
    Q5_0,
    /// Blocks of 8-bit values, to which matrices of GGUF types that are not listed here are rounded.
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
    /// 8-bit values with scales as those of a k-quant, in sub-blocks of 32 columns: the form of IQ4_XS, whose 4-bit
    /// numbers stand for 8-bit values.
    Q8K,
}

impl QuantType {
    /// Finds the type that keeps all values of a GGUF type; `None` for a type whose matrices have to be rounded.
    pub fn from_ggml(dtype: GgmlType) -> Option<Self> {
        match dtype {
            GgmlType::Candle(GgmlDType::Q4_0) => Some(Self::Q4_0),
            GgmlType::Candle(GgmlDType::Q5_0) => Some(Self::Q5_0),
            GgmlType::Candle(GgmlDType::Q8_0) | GgmlType::Iq4Nl | GgmlType::Tq1_0 | GgmlType::Tq2_0 => Some(Self::Q8_0),
            GgmlType::Candle(GgmlDType::Q4K) => Some(Self::Q4K),
            GgmlType::Candle(GgmlDType::Q5K) => Some(Self::Q5K),
            GgmlType::Candle(GgmlDType::Q6K) => Some(Self::Q6K),
            GgmlType::Iq4Xs => Some(Self::Q8K),
            _ => None,
        }
    }

    /// Gives the number of bits of a quantised value `q`.
    pub fn bits_per_value(self) -> usize {
        match self {
            Self::Q4_0 | Self::Q4K => 4,
            Self::Q5_0 | Self::Q5K => 5,
            Self::Q6K => 6,
            Self::Q8_0 | Self::Q8K => 8,
        }
    }

    /// Gives the offset that is subtracted from a quantised value `q`, which is stored unsigned.
    pub fn value_offset(self) -> u8 {
        match self {
            Self::Q4_0 => 8,
            Self::Q5_0 => 16,
            Self::Q8_0 | Self::Q8K => 128,
            Self::Q4K | Self::Q5K => 0,
            Self::Q6K => 32,
        }
    }

    /// Gives the number of columns that share a scale and a minimum: a block, or a k-quant's sub-block.
    pub fn block_columns(self) -> usize {
        match self {
            Self::Q4_0 | Self::Q5_0 | Self::Q8_0 | Self::Q4K | Self::Q5K | Self::Q8K => 32,
            Self::Q6K => 16,
        }
    }

    /// Whether the type is a k-quant, whose scales and minima are an integer times the float16 of a super-block.
    pub fn is_k_quant(self) -> bool {
        match self {
            Self::Q4_0 | Self::Q5_0 | Self::Q8_0 => false,
            Self::Q4K | Self::Q5K | Self::Q6K | Self::Q8K => true,
        }
    }

    /// Whether each block or sub-block of the type has a minimum, which is subtracted from its weights.
    pub fn has_minima(self) -> bool {
        match self {
            Self::Q4_0 | Self::Q5_0 | Self::Q8_0 | Self::Q6K | Self::Q8K => false,
            Self::Q4K | Self::Q5K => true,
        }
    }

    /// Gives the number of columns that share a float16 `d`: a block, or a k-quant's super-block. The columns of a
    /// matrix are a multiple of it.
    pub fn columns_per_f16_scale(self) -> usize {
        if self.is_k_quant() { QK_K } else { self.block_columns() }
    }
}

/// One decoded row of a quantised matrix: quantised values and scales that are not yet multiplied.
pub(super) struct QuantizedRow {
    /// Quantised value `q` of each column.
    pub values: Vec<u8>,
    pub scales: QuantizedRowScales,
    /// Minima of the row's blocks or sub-blocks; empty for types without minima.
    pub minima: QuantizedRowScales,
}

/// Scales or minima of one row of a quantised matrix.
#[derive(Default)]
pub(super) struct QuantizedRowScales {
    /// The float16 `d` or `dmin` of each block or super-block.
    pub d: Vec<f16>,
    /// Integer scale or minimum of each sub-block; empty for types that are not k-quants.
    pub sub_scales: Vec<i8>,
}

impl QuantizedRowScales {
    fn new(quant: QuantType, columns: usize) -> Self {
        let sub_scales = if quant.is_k_quant() {
            columns / quant.block_columns()
        } else {
            0
        };
        Self {
            d: vec![f16::ZERO; columns / quant.columns_per_f16_scale()],
            sub_scales: vec![0; sub_scales],
        }
    }
}

impl QuantizedRow {
    /// Makes a row of zeros of a type, for [`QuantizedRow::decode_row`] or [`QuantizedRow::round_to_q8_0`] to fill.
    pub fn new(quant: QuantType, columns: usize) -> Self {
        Self {
            values: vec![0; columns],
            scales: QuantizedRowScales::new(quant, columns),
            minima: if quant.has_minima() {
                QuantizedRowScales::new(quant, columns)
            } else {
                QuantizedRowScales::default()
            },
        }
    }

    /// Decodes a row of a GGUF tensor. A row of a type that is no [`QuantType`] is rounded to [`QuantType::Q8_0`].
    ///
    /// # Errors
    /// Returns candle's error for a type that candle cannot decode.
    ///
    /// # Panics
    /// If this row was made for another type or for fewer columns.
    pub fn decode_row(&mut self, dtype: GgmlType, bytes: &[u8]) -> Result<()> {
        let blocks = bytes.chunks_exact(dtype.type_size());
        match dtype {
            GgmlType::Candle(GgmlDType::Q8_0) => self.read_q8_0(blocks),
            GgmlType::Candle(GgmlDType::Q4_0) => self.read_q4_0(blocks),
            GgmlType::Candle(GgmlDType::Q5_0) => self.read_q5_0(blocks),
            GgmlType::Candle(GgmlDType::Q4K) => self.read_q4_k_or_q5_k(blocks, false),
            GgmlType::Candle(GgmlDType::Q5K) => self.read_q4_k_or_q5_k(blocks, true),
            GgmlType::Candle(GgmlDType::Q6K) => self.read_q6_k(blocks),
            GgmlType::Iq4Nl | GgmlType::Iq4Xs | GgmlType::Tq1_0 | GgmlType::Tq2_0 => self.read_small(dtype, blocks),
            GgmlType::Candle(_) | GgmlType::Mxfp4 => {
                self.round_to_q8_0(&dequantize_values(dtype, bytes, self.values.len())?);
            }
        }
        Ok(())
    }

    /// Decodes blocks of a type whose values have at most 8 bits.
    fn read_small<'a>(&mut self, dtype: GgmlType, blocks: impl Iterator<Item = &'a [u8]>) {
        let size = dtype.block_size();
        for (i, block) in blocks.filter_map(|block| SmallBlock::read(dtype, block)).enumerate() {
            let d = f16::from_f32(block.d);
            for (to, value) in self.values[i * size..][..size].iter_mut().zip(block.values) {
                *to = value as u8 ^ 0x80;
            }
            if self.scales.sub_scales.is_empty() {
                self.scales.d[i * size / 32..][..size / 32].fill(d);
            } else {
                self.scales.d[i] = d;
                self.scales.sub_scales[i * 8..][..8].copy_from_slice(&block.sub_scales);
            }
        }
    }

    fn read_q8_0<'a>(&mut self, blocks: impl Iterator<Item = &'a [u8]>) {
        for (i, block) in blocks.enumerate() {
            self.scales.d[i] = read_f16(block);
            for (to, q) in self.values[i * 32..][..32].iter_mut().zip(&block[2..]) {
                *to = q ^ 0x80;
            }
        }
    }

    fn read_q4_0<'a>(&mut self, blocks: impl Iterator<Item = &'a [u8]>) {
        for (i, block) in blocks.enumerate() {
            self.scales.d[i] = read_f16(block);
            for j in 0..16 {
                self.values[i * 32 + j] = block[2 + j] & 15;
                self.values[i * 32 + 16 + j] = block[2 + j] >> 4;
            }
        }
    }

    fn read_q5_0<'a>(&mut self, blocks: impl Iterator<Item = &'a [u8]>) {
        for (i, block) in blocks.enumerate() {
            self.scales.d[i] = read_f16(block);
            let high = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
            let fifth = |bit: usize| (((high >> bit) & 1) << 4) as u8;
            for j in 0..16 {
                self.values[i * 32 + j] = (block[6 + j] & 15) | fifth(j);
                self.values[i * 32 + 16 + j] = (block[6 + j] >> 4) | fifth(j + 16);
            }
        }
    }

    fn read_q4_k_or_q5_k<'a>(&mut self, blocks: impl Iterator<Item = &'a [u8]>, is_q5: bool) {
        let Self { values, scales, minima } = self;
        for (i, block) in blocks.enumerate() {
            (scales.d[i], minima.d[i]) = (read_f16(block), read_f16(&block[2..]));
            let packed = &block[4..16];
            let (high, low) = if is_q5 {
                (&block[16..48], &block[48..])
            } else {
                (&block[..0], &block[16..])
            };
            for sub in 0..8 {
                let (scale, min) = if sub < 4 {
                    (packed[sub] & 63, packed[sub + 4] & 63)
                } else {
                    (
                        (packed[sub + 4] & 15) | ((packed[sub - 4] >> 6) << 4),
                        (packed[sub + 4] >> 4) | ((packed[sub] >> 6) << 4),
                    )
                };
                scales.sub_scales[i * 8 + sub] = scale as i8;
                minima.sub_scales[i * 8 + sub] = min as i8;
                let values = &mut values[i * QK_K + sub * 32..][..32];
                for (to, byte) in values.iter_mut().zip(&low[sub / 2 * 32..][..32]) {
                    *to = if sub % 2 == 0 { byte & 15 } else { byte >> 4 };
                }
                for (to, high) in values.iter_mut().zip(high) {
                    *to |= ((high >> sub) & 1) << 4;
                }
            }
        }
    }

    fn read_q6_k<'a>(&mut self, blocks: impl Iterator<Item = &'a [u8]>) {
        for (i, block) in blocks.enumerate() {
            self.scales.d[i] = read_f16(&block[208..]);
            for (to, byte) in self.scales.sub_scales[i * 16..][..16].iter_mut().zip(&block[192..]) {
                *to = *byte as i8;
            }
            for part in 0..2 {
                let (low, high) = (&block[part * 64..][..64], &block[128 + part * 32..][..32]);
                for j in 0..32 {
                    let six = |nibble: u8, shift: u8| (nibble & 15) | (((high[j] >> shift) & 3) << 4);
                    let to = &mut self.values[i * QK_K + part * 128..][..128];
                    to[j] = six(low[j], 0);
                    to[32 + j] = six(low[32 + j], 2);
                    to[64 + j] = six(low[j] >> 4, 4);
                    to[96 + j] = six(low[32 + j] >> 4, 6);
                }
            }
        }
    }

    /// Rounds a row of float32 weights to [`QuantType::Q8_0`].
    pub fn round_to_q8_0(&mut self, floats: &[f32]) {
        let blocks = floats.len() / 32;
        let (mut rounded, mut scales) = (vec![0i8; floats.len()], vec![0f32; blocks]);
        round_blocks_to_int8(floats, &mut rounded, &mut scales, &mut vec![0; blocks * 2]);
        for (to, scale) in self.scales.d.iter_mut().zip(scales) {
            *to = f16::from_f32(scale);
        }
        for (to, q) in self.values.iter_mut().zip(rounded) {
            *to = q as u8 ^ 0x80;
        }
    }
}

/// Reads the little-endian float16 in the first two bytes of a block.
fn read_f16(bytes: &[u8]) -> f16 {
    f16::from_le_bytes([bytes[0], bytes[1]])
}

/// Dequantises `count` values of any GGUF type to float32.
///
/// # Errors
/// Returns an error if `bytes` does not hold `count` values.
pub(in crate::model) fn dequantize_values(dtype: GgmlType, bytes: &[u8], count: usize) -> Result<Vec<f32>> {
    if let GgmlType::Candle(dtype) = dtype {
        let storage = QStorage::from_data(bytes.into(), &Device::Cpu, dtype)?;
        return QTensor::new(storage, count)?.dequantize(&Device::Cpu)?.to_vec1();
    }
    if bytes.len() != count / dtype.block_size() * dtype.type_size() {
        bail!("{} bytes for {count} values of type {dtype}", bytes.len());
    }
    let blocks = bytes.chunks_exact(dtype.type_size());
    let mut values = Vec::with_capacity(count);
    for block in blocks.filter_map(|block| SmallBlock::read(dtype, block)) {
        let scaled = block.values[..dtype.block_size()].chunks(32).zip(block.sub_scales);
        for (part, sub_scale) in scaled {
            let scale = block.d * f32::from(sub_scale);
            values.extend(part.iter().map(|value| scale * f32::from(*value)));
        }
    }
    Ok(values)
}
