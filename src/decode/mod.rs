//! Search over a model: which tokens to write.
