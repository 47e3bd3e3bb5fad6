//! Tests that matrix products agree with float32, between instruction sets, and whatever rows they are batched with.

use super::*;
use candle_core::quantized::QTensor;
use candle_core::{Device, Tensor};

/// Makes `count` pseudo-random values between -0.5 and 0.5, like weights; the same `seed` gives the same values.
fn random_values(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    std::iter::repeat_with(step).take(count).collect()
}

/// Makes a matrix of a GGUF type: the bytes of a file, and their values in float32.
fn quantized(dtype: GgmlType, rows: usize, columns: usize) -> (Vec<u8>, Vec<f32>) {
    let values = random_values(rows * columns, 7);
    let bytes = match dtype {
        GgmlType::Candle(dtype) => {
            let weights = Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap();
            QTensor::quantize(&weights, dtype).unwrap().data().unwrap().into_owned()
        }
        // Any bytes are values; the scales make them about as large as weights.
        _ => {
            let block = dtype.type_size();
            let mut bytes: Vec<u8> = values.iter().map(|value| (value * 65536.0) as i32 as u8).collect();
            bytes.truncate(rows * columns / dtype.block_size() * block);
            for block in bytes.chunks_exact_mut(block) {
                let (at, d) = match dtype {
                    GgmlType::Iq4Nl => (0, 0.004),
                    GgmlType::Iq4Xs => (0, 0.000_12),
                    GgmlType::Tq1_0 => (52, 0.4),
                    GgmlType::Tq2_0 => (64, 0.4),
                    GgmlType::Mxfp4 | GgmlType::Candle(_) => {
                        block[0] = 123;
                        continue;
                    }
                };
                block[at..at + 2].copy_from_slice(&half::f16::from_f32(d).to_le_bytes());
            }
            bytes
        }
    };
    let floats = dequantize_values(dtype, &bytes, rows * columns).unwrap();
    (bytes, floats)
}

const TYPES: [GgmlType; 13] = [
    GgmlType::Candle(GgmlDType::Q4_0),
    GgmlType::Candle(GgmlDType::Q5_0),
    GgmlType::Candle(GgmlDType::Q8_0),
    GgmlType::Candle(GgmlDType::Q4K),
    GgmlType::Candle(GgmlDType::Q5K),
    GgmlType::Candle(GgmlDType::Q6K),
    GgmlType::Candle(GgmlDType::F16),
    GgmlType::Candle(GgmlDType::F32),
    GgmlType::Iq4Nl,
    GgmlType::Iq4Xs,
    GgmlType::Tq1_0,
    GgmlType::Tq2_0,
    GgmlType::Mxfp4,
];

#[test]
fn rows_equal_the_files_own_values() {
    for dtype in TYPES {
        let (rows, columns) = (37, 512);
        let (bytes, floats) = quantized(dtype, rows, columns);
        let packed = Matrix::from_gguf(
            RawTensor {
                dtype,
                rows,
                columns,
                bytes: &bytes,
            },
            None,
            ActivationPrecision::Int8,
        )
        .unwrap();
        let exact = QuantType::from_ggml(dtype).is_some();
        for row in 0..rows {
            let mut out = Vec::new();
            packed.dequantize_row(row, 1.0, &mut out);
            for (a, b) in out.iter().zip(&floats[row * columns..]) {
                let allowed = if exact { 1e-6 } else { 0.5 / 127.0 };
                assert!((a - b).abs() <= allowed, "{dtype:?} row {row}: {a} for {b}");
            }
        }
    }
}

#[test]
fn products_agree_with_float32_and_between_kernels_and_batches() {
    for dtype in TYPES {
        // More columns than are unpacked at a time.
        let (rows, columns, m) = (50, 1280, 19);
        let (bytes, floats) = quantized(dtype, rows, columns);
        let mut packed = Matrix::from_gguf(
            RawTensor {
                dtype,
                rows,
                columns,
                bytes: &bytes,
            },
            None,
            ActivationPrecision::Int8,
        )
        .unwrap();
        let x = random_values(m * columns, 3);
        let all = packed.matmul(&x);
        for i in 0..m {
            let single = packed.matmul(&x[i * columns..][..columns]);
            assert_eq!(
                single,
                all[i * rows..][..rows],
                "{dtype:?}: row {i} depends on its batch"
            );
            for row in 0..rows {
                let terms = x[i * columns..][..columns].iter().zip(&floats[row * columns..]);
                let expected: f32 = terms.map(|(a, b)| a * b).sum();
                let got = all[i * rows + row];
                assert!(
                    (got - expected).abs() < 0.1,
                    "{dtype:?} ({i}, {row}): {got} for {expected}"
                );
            }
        }
        let biased = Matrix::matmul_many([(&packed, None), (&packed, Some(&x[..rows]))], &x);
        assert_eq!(biased[0], all, "{dtype:?}: beside another");
        assert_eq!(biased[1], packed.matmul_with_bias(&x, Some(&x[..rows])), "{dtype:?}");
        let picked = [49, 0, 17, 16, 3];
        let some = packed.select_rows(&picked).matmul(&x);
        for (some, all) in some.chunks_exact(picked.len()).zip(all.chunks_exact(rows)) {
            assert_eq!(some, picked.map(|row| all[row as usize]), "{dtype:?}: selected");
        }
        let float = RawTensor {
            dtype,
            rows,
            columns,
            bytes: &bytes,
        };
        let float = Matrix::from_gguf(float, None, ActivationPrecision::F32).unwrap();
        let exact = float.matmul(&x);
        for i in 0..m {
            assert_eq!(
                float.matmul(&x[i * columns..][..columns]),
                exact[i * rows..][..rows],
                "{dtype:?}: row {i}"
            );
            for row in 0..rows {
                let terms = x[i * columns..][..columns].iter().zip(&floats[row * columns..]);
                let expected: f64 = terms.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                assert!(
                    (f64::from(exact[i * rows + row]) - expected).abs() < 5e-5,
                    "{dtype:?} ({i}, {row})"
                );
            }
        }
        packed.instructions = *InstructionSet::detect_all().last().unwrap();
        let portable = packed.matmul(&x);
        for instructions in InstructionSet::detect_all() {
            packed.instructions = instructions;
            assert_eq!(packed.matmul(&x), portable, "{dtype:?}: {instructions:?}");
            let alone = &x[..columns];
            assert_eq!(packed.matmul(alone), portable[..rows], "{dtype:?}: {instructions:?}");
        }
    }
}

#[test]
fn rows_of_floats_agree_with_float32_and_between_kernels_and_batches() {
    // Columns that fill neither lanes nor vectors, rows that do not fill a tile.
    for (rows, columns, m) in [(50, 65, 27), (16, 8, 1), (7, 30, 13)] {
        let (weights, x) = (random_values(rows * columns, 5), random_values(m * columns, 9));
        let bias = random_values(rows, 11);
        let pack = |activations| {
            Matrix::from_f32_row_scales(rows, columns, activations, |row| &weights[row * columns..][..columns])
        };
        let picked: Vec<u32> = (0..rows as u32).filter(|row| row % 3 != 1).collect();
        for (activations, allowed) in [(ActivationPrecision::F32, 1e-5), (ActivationPrecision::Int8, 0.02)] {
            let mut packed = pack(activations);
            let all = packed.matmul_with_bias(&x, Some(&bias));
            let some = packed.select_rows(&picked).matmul(&x);
            for i in 0..m {
                let x = &x[i * columns..][..columns];
                let alone = packed.matmul_with_bias(x, Some(&bias));
                assert_eq!(alone, all[i * rows..][..rows], "row {i} depends on its batch");
                for row in 0..rows {
                    let terms = x.iter().zip(&weights[row * columns..]);
                    let expected = terms.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
                    let got = f64::from(all[i * rows + row] - bias[row]);
                    assert!(
                        (got - expected).abs() < allowed,
                        "{activations:?} ({i}, {row}): {got} for {expected}"
                    );
                }
                let plain = packed.matmul(x);
                for (row, got) in picked.iter().zip(&some[i * picked.len()..]) {
                    assert_eq!(*got, plain[*row as usize], "{activations:?}");
                }
            }
            let mut out = Vec::new();
            packed.dequantize_row(rows - 1, 2.0, &mut out);
            assert_eq!(out.len(), columns);
            for (got, weight) in out.iter().zip(&weights[(rows - 1) * columns..]) {
                assert!((got - 2.0 * weight).abs() < 0.01);
            }
            for instructions in InstructionSet::detect_all() {
                packed.instructions = instructions;
                for (got, expected) in packed.matmul_with_bias(&x, Some(&bias)).iter().zip(&all) {
                    let allowed = if activations == ActivationPrecision::Int8 {
                        0.0
                    } else {
                        1e-5
                    };
                    assert!(
                        (got - expected).abs() <= allowed,
                        "{instructions:?}: {got} for {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn bytes_that_do_not_fit_are_refused() {
    let bytes = [0u8; 34];
    let raw = |rows, columns| RawTensor {
        dtype: GgmlType::Candle(GgmlDType::Q8_0),
        rows,
        columns,
        bytes: &bytes,
    };
    assert!(Matrix::from_gguf(raw(1, 32), None, ActivationPrecision::Int8).is_ok());
    assert!(Matrix::from_gguf(raw(2, 32), None, ActivationPrecision::F32).is_err());
    assert!(Matrix::from_gguf(raw(1, 40), None, ActivationPrecision::Int8).is_err());
}

#[test]
fn rows_of_k_quants_are_whole_super_blocks() {
    // One super-block of 256 columns and a block of 32 beside it.
    let bytes = [0u8; 144];
    let raw = RawTensor {
        dtype: GgmlType::Candle(GgmlDType::Q4K),
        rows: 1,
        columns: 288,
        bytes: &bytes,
    };
    assert!(Matrix::from_gguf(raw, None, ActivationPrecision::Int8).is_err());
}

#[test]
#[should_panic(expected = "as many columns")]
fn matrices_of_different_columns_are_not_multiplied_together() {
    let weights = random_values(8 * 32, 1);
    let matrix = |columns: usize| {
        Matrix::from_f32_row_scales(4, columns, ActivationPrecision::F32, |row| {
            &weights[row * columns..][..columns]
        })
    };
    Matrix::matmul_many([(&matrix(32), None), (&matrix(64), None)], &weights[..64]);
}
