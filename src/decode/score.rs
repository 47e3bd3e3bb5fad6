//! Scores of outputs that are given: the log-probability of each of their tokens, without a search.

use super::row::LogitRow;
use super::rules::TokenRules;
use super::{PrefixWithState, SearchOptions, numberless_logits_error};
use crate::error::{Error, Result};
use crate::model::{DecodingState, TranslationModel, candle_error, with_tensor_values};
use candle_core::{Device, Tensor};
use rayon::prelude::*;

/// Computes the natural log-probability that a model gives each token of `outputs`, one output for each source, and
/// after them that of the most probable end token: those that [`super::search()`] reports of an output that it finds.
/// A token that the model's output leaves out has negative infinity.
///
/// `prefixes` and `sources` are those of [`super::search()`]; `stop` are ids that end an output, beside the model's own
/// end tokens. No score depends on the rest of the batch. Outputs are fastest if they are sorted by length.
///
/// # Errors
/// Any error of the model; kind `Model` for logits that are not numbers.
pub fn score_outputs(
    model: &dyn TranslationModel,
    prefixes: &[Option<PrefixWithState>],
    sources: &[&[u32]],
    outputs: &[&[u32]],
    stop: &[u32],
) -> Result<Vec<Vec<f32>>> {
    let mut scores: Vec<Vec<f32>> = outputs
        .iter()
        .map(|output| Vec::with_capacity(output.len() + 1))
        .collect();
    if sources.is_empty() {
        return Ok(scores);
    }
    let options = SearchOptions {
        stop,
        ..SearchOptions::default()
    };
    let rules = TokenRules::new(model.spec(), &options)?;
    let states: Vec<Option<&DecodingState>> = prefixes.iter().map(|prefix| prefix.map(|(_, state)| state)).collect();
    let (mut state, mut logits) = model.begin_decoding(&states, sources)?;
    // The rows of the batch: the outputs that have tokens left.
    let mut rows: Vec<usize> = (0..sources.len()).collect();
    for step in 0.. {
        let tokens: Vec<Option<u32>> = rows.iter().map(|row| outputs[*row].get(step).copied()).collect();
        for (row, score) in rows.iter().zip(score_tokens(&logits, &tokens, &rules)?) {
            scores[*row].push(score);
        }
        let kept: Vec<usize> = (0..rows.len()).filter(|index| tokens[*index].is_some()).collect();
        if kept.is_empty() {
            break;
        }
        if kept.len() < rows.len() {
            state.select_rows(&kept);
            rows = kept.iter().map(|index| rows[*index]).collect();
        }
        let read: Vec<u32> = tokens.into_iter().flatten().collect();
        logits = model.decode_step(&read, &mut state)?;
    }
    Ok(scores)
}

/// Computes the log-probability of one token in each row of logits; none stands for the most probable end token.
fn score_tokens(logits: &Tensor, tokens: &[Option<u32>], rules: &TokenRules) -> Result<Vec<f32>> {
    let logits = logits.to_device(&Device::Cpu).map_err(candle_error)?;
    let dimensions = logits.dims2().map_err(candle_error)?;
    if dimensions != (tokens.len(), rules.width) {
        return Err(Error::model(format!(
            "the model gave logits of {dimensions:?} for {:?}",
            (tokens.len(), rules.width)
        )));
    }
    let score = |(row, token): (&[f32], &Option<u32>)| {
        let row = LogitRow::read(row)?;
        let ids = token.as_ref().map_or(rules.end_ids(), std::slice::from_ref);
        let columns = ids.iter().filter_map(|id| rules.column_of_id(*id));
        Some(
            columns
                .map(|column| row.log_probability(column))
                .fold(f32::NEG_INFINITY, f32::max),
        )
    };
    let scores: Option<Vec<f32>> = with_tensor_values(&logits, |logits| {
        logits.par_chunks(rules.width).zip(tokens).map(score).collect()
    })
    .map_err(candle_error)?;
    scores.ok_or_else(numberless_logits_error)
}
