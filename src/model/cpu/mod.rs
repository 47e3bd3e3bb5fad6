//! Computation of models on the CPU. All unsafe code of the crate's own computation is in this folder.
//!
//! From the bottom up: [`simd`] has vectorised loops, [`parallel`] shares work between threads, [`pages`] allocates
//! memory for weights. [`tile`] defines how matrices are packed and results written, [`ggml`] decodes the types of GGUF
//! files. [`gemm`] and [`quantized`] multiply matrices, each with micro-kernels for AVX-512, AVX2 and any machine.
//! Models call [`matrix`], which builds on all of these, besides [`attention`] and [`ops`].

#![allow(unsafe_code)]

pub(in crate::model) mod attention;
mod gemm;
pub(in crate::model) mod ggml;
pub(in crate::model) mod ggml_type;
pub(crate) mod matrix;
pub(in crate::model) mod ops;
mod pages;
pub(in crate::model) mod parallel;
mod quantized;
pub(crate) mod simd;
mod tile;
