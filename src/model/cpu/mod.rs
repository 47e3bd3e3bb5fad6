//! Computation on the CPU: weight matrices in tiles, their products, attention, and the kernels below them. Unsafe code is here.

pub(crate) mod attention;
pub(crate) mod gemm;
pub(crate) mod ggml;
pub(crate) mod matrix;
pub(crate) mod ops;
pub(crate) mod pages;
pub(crate) mod parallel;
pub(crate) mod quantized;
pub(crate) mod simd;
