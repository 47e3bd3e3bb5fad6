//! The types that tensors of GGUF files have, and the decoding of those that candle does not know (ggml `ggml.h`,
//! `ggml-common.h`, `ggml-quants.c`).

use candle_core::quantized::GgmlDType;
use half::f16;
use std::fmt;

/// A type of tensors in GGUF files that plae decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GgmlType {
    /// A type that candle decodes.
    Candle(GgmlDType),
    /// 4 bits, each an index into [`IQ4_VALUES`]; a float16 scale for each 32 values.
    Iq4Nl,
    /// The 4-bit values of [`GgmlType::Iq4Nl`], with a 6-bit scale for each 32 values of a super-block of 256.
    Iq4Xs,
    /// The values -1, 0 and 1, five to a byte; a float16 scale for each 256.
    Tq1_0,
    /// The values -1, 0 and 1, four to a byte; a float16 scale for each 256.
    Tq2_0,
    /// 4-bit floats; a scale that is a power of two for each 32 values.
    Mxfp4,
}

/// The names of ggml's types by their numbers; empty for numbers that were given up or never used.
const NAMES: [&str; 43] = [
    "F32",
    "F16",
    "Q4_0",
    "Q4_1",
    "",
    "",
    "Q5_0",
    "Q5_1",
    "Q8_0",
    "Q8_1",
    "Q2_K",
    "Q3_K",
    "Q4_K",
    "Q5_K",
    "Q6_K",
    "Q8_K",
    "IQ2_XXS",
    "IQ2_XS",
    "IQ3_XXS",
    "IQ1_S",
    "IQ4_NL",
    "IQ3_S",
    "IQ2_S",
    "IQ4_XS",
    "I8",
    "I16",
    "I32",
    "I64",
    "F64",
    "IQ1_M",
    "BF16",
    "Q4_0_4_4",
    "Q4_0_4_8",
    "Q4_0_8_8",
    "TQ1_0",
    "TQ2_0",
    "IQ4_NL_4_4",
    "IQ4_NL_4_8",
    "IQ4_NL_8_8",
    "MXFP4",
    "NVFP4",
    "Q1_0",
    "Q2_0",
];

/// The value that each 4-bit number of IQ4_NL and IQ4_XS stands for (`kvalues_iq4nl`).
const IQ4_VALUES: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
/// Twice the value that each 4-bit float of MXFP4 stands for (`kvalues_mxfp4`).
const MXFP4_VALUES: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

impl GgmlType {
    /// Finds a type by its number in a GGUF file.
    ///
    /// # Errors
    /// The type's name, if plae does not decode it.
    pub fn from_number(number: u32) -> Result<Self, String> {
        use GgmlDType as D;
        Ok(match number {
            0 => Self::Candle(D::F32),
            1 => Self::Candle(D::F16),
            2 => Self::Candle(D::Q4_0),
            3 => Self::Candle(D::Q4_1),
            6 => Self::Candle(D::Q5_0),
            7 => Self::Candle(D::Q5_1),
            8 => Self::Candle(D::Q8_0),
            9 => Self::Candle(D::Q8_1),
            10 => Self::Candle(D::Q2K),
            11 => Self::Candle(D::Q3K),
            12 => Self::Candle(D::Q4K),
            13 => Self::Candle(D::Q5K),
            14 => Self::Candle(D::Q6K),
            15 => Self::Candle(D::Q8K),
            20 => Self::Iq4Nl,
            23 => Self::Iq4Xs,
            30 => Self::Candle(D::BF16),
            34 => Self::Tq1_0,
            35 => Self::Tq2_0,
            39 => Self::Mxfp4,
            _ => {
                let name = NAMES.get(number as usize).filter(|name| !name.is_empty());
                return Err(name.map_or_else(|| format!("number {number}"), |name| (*name).to_owned()));
            }
        })
    }

    /// Gives the number of values in a block.
    pub fn block_size(self) -> usize {
        match self {
            Self::Candle(dtype) => dtype.block_size(),
            Self::Iq4Nl | Self::Mxfp4 => 32,
            Self::Iq4Xs | Self::Tq1_0 | Self::Tq2_0 => 256,
        }
    }

    /// Gives the number of bytes of a block.
    pub fn type_size(self) -> usize {
        match self {
            Self::Candle(dtype) => dtype.type_size(),
            Self::Iq4Nl => 18,
            Self::Iq4Xs => 136,
            Self::Tq1_0 => 54,
            Self::Tq2_0 => 66,
            Self::Mxfp4 => 17,
        }
    }
}

impl fmt::Display for GgmlType {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Candle(GgmlDType::Q2K) => f.write_str("Q2_K"),
            Self::Candle(GgmlDType::Q3K) => f.write_str("Q3_K"),
            Self::Candle(GgmlDType::Q4K) => f.write_str("Q4_K"),
            Self::Candle(GgmlDType::Q5K) => f.write_str("Q5_K"),
            Self::Candle(GgmlDType::Q6K) => f.write_str("Q6_K"),
            Self::Candle(GgmlDType::Q8K) => f.write_str("Q8_K"),
            Self::Candle(dtype) => write!(f, "{dtype:?}"),
            Self::Iq4Nl => f.write_str("IQ4_NL"),
            Self::Iq4Xs => f.write_str("IQ4_XS"),
            Self::Tq1_0 => f.write_str("TQ1_0"),
            Self::Tq2_0 => f.write_str("TQ2_0"),
            Self::Mxfp4 => f.write_str("MXFP4"),
        }
    }
}

/// One decoded block of a type that candle does not know. A weight is `d * sub_scale * value`.
pub(super) struct SmallBlock {
    /// The scale of the block.
    pub d: f32,
    /// The integer that multiplies the scale for each 32 values; 1 for types without one.
    pub sub_scales: [i8; 8],
    /// The values; only the first 32 for a type whose blocks have 32.
    pub values: [i8; 256],
}

impl SmallBlock {
    /// Decodes a block. None for a type that candle decodes.
    pub fn read(kind: GgmlType, block: &[u8]) -> Option<Self> {
        let mut decoded = Self {
            d: 0.0,
            sub_scales: [1; 8],
            values: [0; 256],
        };
        let half = |at: usize| f16::from_le_bytes([block[at], block[at + 1]]).to_f32();
        match kind {
            GgmlType::Candle(_) => return None,
            GgmlType::Iq4Nl => {
                decoded.d = half(0);
                look_up_nibbles(&IQ4_VALUES, &block[2..], &mut decoded.values[..32]);
            }
            GgmlType::Iq4Xs => {
                decoded.d = half(0);
                let high = u16::from_le_bytes([block[2], block[3]]);
                for (i, scale) in decoded.sub_scales.iter_mut().enumerate() {
                    let low = (block[4 + i / 2] >> (i % 2 * 4)) & 15;
                    *scale = (low | (((high >> (2 * i)) & 3) << 4) as u8) as i8 - 32;
                }
                look_up_nibbles(&IQ4_VALUES, &block[8..], &mut decoded.values);
            }
            GgmlType::Mxfp4 => {
                // Half of 2^(byte - 127), since the values are doubled.
                let bits = match block[0] {
                    exponent @ 0..=1 => 0x0020_0000 << exponent,
                    exponent => (u32::from(exponent) - 1) << 23,
                };
                decoded.d = f32::from_bits(bits);
                look_up_nibbles(&MXFP4_VALUES, &block[1..], &mut decoded.values[..32]);
            }
            GgmlType::Tq2_0 => {
                decoded.d = half(64);
                for (i, value) in decoded.values.iter_mut().enumerate() {
                    let (part, digit, at) = (i / 128, i / 32 % 4, i % 32);
                    *value = ((block[part * 32 + at] >> (digit * 2)) & 3) as i8 - 1;
                }
            }
            GgmlType::Tq1_0 => {
                decoded.d = half(52);
                // A byte is a fraction of 256 whose digits to base 3 are the values.
                let digit = |byte: u8, place: u32| {
                    let moved = byte.wrapping_mul(3u8.wrapping_pow(place));
                    ((u16::from(moved) * 3) >> 8) as i8 - 1
                };
                let mut values = decoded.values.iter_mut();
                for (bytes, digits) in [(&block[..32], 5), (&block[32..48], 5), (&block[48..52], 4)] {
                    for place in 0..digits {
                        for (byte, value) in bytes.iter().zip(values.by_ref()) {
                            *value = digit(*byte, place);
                        }
                    }
                }
            }
        }
        Some(decoded)
    }
}

/// Looks up the values of 4-bit numbers. Each 16 bytes hold 32 numbers: first all that are low, then all that are high.
fn look_up_nibbles(table: &[i8; 16], bytes: &[u8], values: &mut [i8]) {
    for (bytes, values) in bytes.chunks_exact(16).zip(values.chunks_exact_mut(32)) {
        for (j, byte) in bytes.iter().enumerate() {
            values[j] = table[usize::from(byte & 15)];
            values[16 + j] = table[usize::from(byte >> 4)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cpu::ggml::dequantize_values;

    #[derive(serde::Deserialize)]
    struct Golden {
        r#type: u32,
        name: String,
        /// The blocks, in hexadecimal.
        bytes: String,
        values: Vec<f32>,
    }

    #[test]
    fn blocks_decode_as_gguf_py_decodes_them() {
        let golden = include_str!("../../../tests/golden/quants.json");
        let golden: Vec<Golden> = serde_json::from_str(golden).expect("golden JSON");
        assert_eq!(golden.len(), 5);
        for Golden {
            r#type,
            name,
            bytes,
            values,
        } in golden
        {
            let dtype = GgmlType::from_number(r#type).expect(&name);
            assert_eq!(dtype.to_string(), name);
            let byte = |at: usize| u8::from_str_radix(&bytes[at..at + 2], 16).expect("hexadecimal");
            let bytes: Vec<u8> = (0..bytes.len()).step_by(2).map(byte).collect();
            assert_eq!(
                dequantize_values(dtype, &bytes, values.len()).expect(&name),
                values,
                "{name}"
            );
            assert!(dequantize_values(dtype, &bytes[1..], values.len()).is_err(), "{name}");
        }
    }

    #[test]
    fn types_that_are_not_decoded_have_their_names() {
        for (number, name) in [
            (16, "IQ2_XXS"),
            (19, "IQ1_S"),
            (21, "IQ3_S"),
            (29, "IQ1_M"),
            (40, "NVFP4"),
            (5, "number 5"),
        ] {
            assert_eq!(GgmlType::from_number(number), Err(name.to_owned()));
        }
    }
}
