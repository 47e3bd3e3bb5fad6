//! The block types of GGUF files, decoded row by row (ggml `ggml-quants.c`, `dequantize_row_*`).

use super::simd::round_blocks;
use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Result};
use half::f16;

/// How a type writes a weight: `scale * (q - offset) - minimum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) struct Form {
    /// Bits of `q`: 4, 5, 6 or 8.
    pub bits: usize,
    pub offset: u8,
    /// Columns that share a scale and a minimum: 16 or 32.
    pub width: usize,
    /// Scales and minima are a whole number times a unit of each [`QK_K`] columns; otherwise the unit alone.
    pub nested: bool,
    pub minima: bool,
}

/// Columns that share the unit of their scales, in types that have one.
pub(in crate::model) const QK_K: usize = 256;

impl Form {
    /// Q8_0, what other types are rounded to.
    pub const EIGHT: Self = Self {
        bits: 8,
        offset: 128,
        width: 32,
        nested: false,
        minima: false,
    };

    /// Of a type whose every value is kept.
    pub fn of(dtype: GgmlDType) -> Option<Self> {
        let form = |bits, offset, width, nested, minima| Self {
            bits,
            offset,
            width,
            nested,
            minima,
        };
        Some(match dtype {
            GgmlDType::Q4_0 => form(4, 8, 32, false, false),
            GgmlDType::Q5_0 => form(5, 16, 32, false, false),
            GgmlDType::Q8_0 => Self::EIGHT,
            GgmlDType::Q4K => form(4, 0, 32, true, true),
            GgmlDType::Q5K => form(5, 0, 32, true, true),
            GgmlDType::Q6K => form(6, 32, 16, true, false),
            _ => return None,
        })
    }
}

/// One row of weights.
pub(in crate::model) struct Row {
    /// `q` of each column.
    pub values: Vec<u8>,
    pub scales: Parts,
    pub minima: Parts,
}

/// Scales or minima of a row.
#[derive(Default)]
pub(in crate::model) struct Parts {
    pub units: Vec<f16>,
    /// Empty where the units are all.
    pub whole: Vec<i8>,
}

impl Row {
    /// A row to decode into.
    pub fn new(form: Form, columns: usize) -> Self {
        let parts = || {
            if form.nested {
                Parts {
                    units: vec![f16::ZERO; columns / QK_K],
                    whole: vec![0; columns / form.width],
                }
            } else {
                Parts {
                    units: vec![f16::ZERO; columns / form.width],
                    whole: Vec::new(),
                }
            }
        };
        Self {
            values: vec![0; columns],
            scales: parts(),
            minima: if form.minima { parts() } else { Parts::default() },
        }
    }

    /// Takes a row of a file; one of a type without a [`Form`] is rounded to 8 bits.
    pub fn read(&mut self, dtype: GgmlDType, bytes: &[u8]) -> Result<()> {
        let half = |bytes: &[u8]| f16::from_le_bytes([bytes[0], bytes[1]]);
        let blocks = bytes.chunks_exact(dtype.type_size()).enumerate();
        let Self { values, scales, minima } = self;
        match dtype {
            GgmlDType::Q8_0 => {
                for (i, block) in blocks {
                    scales.units[i] = half(block);
                    for (to, q) in values[i * 32..][..32].iter_mut().zip(&block[2..]) {
                        *to = q ^ 0x80;
                    }
                }
            }
            GgmlDType::Q4_0 => {
                for (i, block) in blocks {
                    scales.units[i] = half(block);
                    for j in 0..16 {
                        values[i * 32 + j] = block[2 + j] & 15;
                        values[i * 32 + 16 + j] = block[2 + j] >> 4;
                    }
                }
            }
            GgmlDType::Q5_0 => {
                for (i, block) in blocks {
                    scales.units[i] = half(block);
                    let high = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
                    let fifth = |bit: usize| (((high >> bit) & 1) << 4) as u8;
                    for j in 0..16 {
                        values[i * 32 + j] = (block[6 + j] & 15) | fifth(j);
                        values[i * 32 + 16 + j] = (block[6 + j] >> 4) | fifth(j + 16);
                    }
                }
            }
            GgmlDType::Q4K | GgmlDType::Q5K => {
                let five = dtype == GgmlDType::Q5K;
                for (i, block) in blocks {
                    (scales.units[i], minima.units[i]) = (half(block), half(&block[2..]));
                    let packed = &block[4..16];
                    let (high, low) = if five {
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
                        (scales.whole[i * 8 + sub], minima.whole[i * 8 + sub]) = (scale as i8, min as i8);
                        let values = &mut values[i * 256 + sub * 32..][..32];
                        for (to, byte) in values.iter_mut().zip(&low[sub / 2 * 32..][..32]) {
                            *to = if sub % 2 == 0 { byte & 15 } else { byte >> 4 };
                        }
                        for (to, high) in values.iter_mut().zip(high) {
                            *to |= ((high >> sub) & 1) << 4;
                        }
                    }
                }
            }
            GgmlDType::Q6K => {
                for (i, block) in blocks {
                    scales.units[i] = half(&block[208..]);
                    for (to, byte) in scales.whole[i * 16..][..16].iter_mut().zip(&block[192..]) {
                        *to = *byte as i8;
                    }
                    for part in 0..2 {
                        let (low, high) = (&block[part * 64..][..64], &block[128 + part * 32..][..32]);
                        for j in 0..32 {
                            let six = |nibble: u8, shift: u8| (nibble & 15) | (((high[j] >> shift) & 3) << 4);
                            let to = &mut values[i * 256 + part * 128..][..128];
                            to[j] = six(low[j], 0);
                            to[32 + j] = six(low[32 + j], 2);
                            to[64 + j] = six(low[j] >> 4, 4);
                            to[96 + j] = six(low[32 + j] >> 4, 6);
                        }
                    }
                }
            }
            _ => {
                let columns = values.len();
                self.round(&dequantize(dtype, bytes, columns)?);
            }
        }
        Ok(())
    }

    /// Rounds a row to 8 bits with a scale for each 32 columns ([`Form::EIGHT`]).
    pub fn round(&mut self, floats: &[f32]) {
        let blocks = floats.len() / 32;
        let (mut rounded, mut scales) = (vec![0i8; floats.len()], vec![0f32; blocks]);
        round_blocks(floats, &mut rounded, &mut scales, &mut vec![0; blocks * 2]);
        for (to, scale) in self.scales.units.iter_mut().zip(scales) {
            *to = f16::from_f32(scale);
        }
        for (to, q) in self.values.iter_mut().zip(rounded) {
            *to = q as u8 ^ 0x80;
        }
    }
}

/// Values of any type in float32.
pub(in crate::model) fn dequantize(dtype: GgmlDType, bytes: &[u8], count: usize) -> Result<Vec<f32>> {
    let storage = QStorage::from_data(bytes.into(), &Device::Cpu, dtype)?;
    QTensor::new(storage, count)?.dequantize(&Device::Cpu)?.to_vec1()
}
