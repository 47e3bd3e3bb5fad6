//! Tests of the search with a scripted model over a vocabulary of five tokens.

use super::*;
use crate::model::{BatchRows, ModelSpec};
use std::any::Any;

mod constraint;
mod golden;

/// A test model whose logits are a function of the source and the tokens written so far; different first ids of sources
/// tell rows apart.
struct ScriptedModel {
    spec: ModelSpec,
    script: fn(&[u32]) -> [f32; 5],
}

struct WrittenTokens(Vec<Vec<u32>>);

impl BatchRows for WrittenTokens {
    fn select_rows(&mut self, rows: &[usize]) {
        self.0 = rows.iter().map(|row| self.0[*row].clone()).collect();
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl ScriptedModel {
    fn new(script: fn(&[u32]) -> [f32; 5]) -> Self {
        Self {
            spec: ModelSpec {
                vocabulary: 5,
                source_vocabulary: 5,
                output: None,
                start: Vec::new(),
                max_positions: 100,
                end: vec![0],
            },
            script,
        }
    }

    fn logits(&self, rows: &[Vec<u32>]) -> Tensor {
        let logits: Vec<f32> = rows.iter().flat_map(|row| (self.script)(row)).collect();
        Tensor::from_vec(logits, (rows.len(), 5), &Device::Cpu).unwrap()
    }
}

impl TranslationModel for ScriptedModel {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn begin_decoding(&self, _: &[Option<&DecodingState>], sources: &[&[u32]]) -> Result<(DecodingState, Tensor)> {
        let rows: Vec<Vec<u32>> = sources.iter().map(|source| source.to_vec()).collect();
        let logits = self.logits(&rows);
        Ok((DecodingState(Box::new(WrittenTokens(rows))), logits))
    }

    fn decode_step(&self, last: &[u32], state: &mut DecodingState) -> Result<Tensor> {
        let rows = &mut state.0.as_any_mut().downcast_mut::<WrittenTokens>().unwrap().0;
        assert_eq!(rows.len(), last.len(), "a token for each row");
        rows.iter_mut().zip(last).for_each(|(row, id)| row.push(*id));
        Ok(self.logits(rows))
    }
}

/// Computes the natural logarithm of each probability.
fn ln_probabilities(probabilities: [f32; 5]) -> [f32; 5] {
    probabilities.map(f32::ln)
}

fn options(beam: usize, max_tokens: &[usize]) -> SearchOptions<'_> {
    SearchOptions {
        beam,
        max_tokens,
        ..SearchOptions::default()
    }
}

/// Runs the search and returns all finished hypotheses of each source, best first.
fn search_all(model: &dyn TranslationModel, sources: &[&[u32]], options: &SearchOptions) -> Vec<Vec<Hypothesis>> {
    let searches = run_searches(model, &[], sources, options, &mut |_, _| ControlFlow::Continue(()));
    let searches = searches.unwrap();
    searches.iter().map(BeamSearch::finished_hypotheses).collect()
}

/// Runs the search and returns the best hypothesis of each source.
fn search_best(model: &dyn TranslationModel, sources: &[&[u32]], options: &SearchOptions) -> Vec<Hypothesis> {
    search(model, &[], sources, options, &mut |_, _| ControlFlow::Continue(())).unwrap()
}

/// Logits for which token 1 is the most likely first, but only token 2 leads to a likely output.
fn garden_path(row: &[u32]) -> [f32; 5] {
    match row[1..] {
        [] => ln_probabilities([0.02, 0.5, 0.46, 0.01, 0.01]),
        [1] => ln_probabilities([0.3, 0.02, 0.02, 0.33, 0.33]),
        [2] => ln_probabilities([0.01, 0.01, 0.01, 0.01, 0.96]),
        [2, 4] => ln_probabilities([0.96, 0.01, 0.01, 0.01, 0.01]),
        _ => ln_probabilities([0.4, 0.15, 0.15, 0.15, 0.15]),
    }
}

#[test]
fn greedy_takes_the_best_of_each_step() {
    let model = ScriptedModel::new(garden_path);
    let found = search_best(&model, &[&[9]], &options(1, &[10]));
    assert_eq!(found[0].ids, [1, 3]);
    assert_eq!(found[0].finish, FinishReason::Stop);
    let expected = (0.5f64 * 0.33 * 0.4).ln();
    assert!((found[0].log_probability - expected).abs() < 1e-5);
    assert_eq!(found[0].log_probabilities.len(), 3);
    assert!((found[0].mean_token_log_probability() - expected / 3.0).abs() < 1e-5);
}

#[test]
fn a_beam_finds_what_greedy_misses() {
    let model = ScriptedModel::new(garden_path);
    for beam in 2..5 {
        let found = search_best(&model, &[&[9]], &options(beam, &[10]));
        assert_eq!(found[0].ids, [2, 4], "beam {beam}");
        assert!((found[0].log_probability - (0.46f64 * 0.96 * 0.96).ln()).abs() < 1e-5);
    }
}

#[test]
fn the_length_penalty_decides_between_short_and_long() {
    fn script(row: &[u32]) -> [f32; 5] {
        match row[1..] {
            [] => ln_probabilities([0.5, 0.5 - 3e-4, 1e-4, 1e-4, 1e-4]),
            [1] | [1, 1] => ln_probabilities([0.05, 0.8, 0.05, 0.05, 0.05]),
            _ => ln_probabilities([0.8, 0.05, 0.05, 0.05, 0.05]),
        }
    }
    let model = ScriptedModel::new(script);
    let short = SearchOptions {
        length_penalty: 0.0,
        ..options(2, &[10])
    };
    assert_eq!(search_best(&model, &[&[9]], &short)[0].ids, [0u32; 0]);
    let long = SearchOptions {
        length_penalty: 2.0,
        ..options(2, &[10])
    };
    assert_eq!(search_best(&model, &[&[9]], &long)[0].ids, [1, 1, 1]);
}

/// Logits by which each source writes as many tokens as its first id says, then ends.
fn counts(row: &[u32]) -> [f32; 5] {
    if row.len() > row[0] as usize {
        ln_probabilities([0.9, 0.025, 0.025, 0.025, 0.025])
    } else {
        ln_probabilities([0.1, 0.6, 0.1, 0.1, 0.1])
    }
}

#[test]
fn rows_finish_on_their_own_and_keep_their_order() {
    let model = ScriptedModel::new(counts);
    for beam in [1, 3] {
        let sources: [&[u32]; 4] = [&[3], &[1], &[5], &[2]];
        let together = search_best(&model, &sources, &options(beam, &[20; 4]));
        for (source, found) in sources.iter().zip(&together) {
            let alone = search_best(&model, &[source], &options(beam, &[20]));
            assert_eq!(found, &alone[0], "beam {beam}, source {source:?}");
        }
        assert_eq!(together[2].ids, [1; 5]);
    }
}

#[test]
fn limits_hold() {
    let model = ScriptedModel::new(counts);
    let cut = search_best(&model, &[&[9], &[2]], &options(1, &[3, 3]));
    assert_eq!((cut[0].ids.len(), cut[0].finish), (3, FinishReason::Length));
    assert_eq!((cut[1].ids.len(), cut[1].finish), (2, FinishReason::Stop));
    let longer = SearchOptions {
        min_tokens: 6,
        ..options(1, &[8])
    };
    let found = search_best(&model, &[&[2]], &longer);
    assert_eq!((found[0].ids.len(), found[0].finish), (6, FinishReason::Stop));
    let both = SearchOptions {
        min_tokens: 4,
        ..options(2, &[4])
    };
    let found = search_best(&model, &[&[1]], &both);
    assert_eq!((found[0].ids.len(), found[0].finish), (4, FinishReason::Length));
}

#[test]
fn stop_ids_end_an_output_and_are_left_out() {
    let model = ScriptedModel::new(garden_path);
    let stop = SearchOptions {
        stop: &[3],
        ..options(1, &[10])
    };
    let found = search_best(&model, &[&[9]], &stop);
    assert_eq!((&found[0].ids[..], found[0].finish), (&[1u32][..], FinishReason::Stop));
}

#[test]
fn repetition_is_forbidden_or_ended() {
    fn forever(_: &[u32]) -> [f32; 5] {
        ln_probabilities([0.01, 0.6, 0.2, 0.1, 0.09])
    }
    let model = ScriptedModel::new(forever);
    let free = search_best(&model, &[&[9]], &options(1, &[30]));
    assert_eq!(free[0].ids, [1; 30]);
    let guarded = SearchOptions {
        loop_guard: true,
        ..options(1, &[30])
    };
    let found = search_best(&model, &[&[9]], &guarded);
    assert_eq!((&found[0].ids[..], found[0].finish), (&[1u32][..], FinishReason::Loop));
    let varied = SearchOptions {
        no_repeat_ngram: 2,
        ..options(1, &[9])
    };
    let ids = &search_best(&model, &[&[9]], &varied)[0].ids;
    let pairs: std::collections::HashSet<_> = ids.windows(2).collect();
    assert_eq!(pairs.len(), ids.len() - 1, "{ids:?}");
}

#[test]
fn a_break_ends_the_call() {
    let model = ScriptedModel::new(counts);
    let error = search(&model, &[], &[&[9]], &options(1, &[50]), &mut |_, _| {
        ControlFlow::Break(())
    })
    .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Interrupted);
}

/// Logits by which an output ends with a probability of 0.6 at every step.
fn eager(_: &[u32]) -> [f32; 5] {
    ln_probabilities([0.6, 0.2, 0.1, 0.06, 0.04])
}

#[test]
fn all_that_finished_comes_back_best_first() {
    let model = ScriptedModel::new(eager);
    let found = &search_all(&model, &[&[9]], &options(3, &[4]))[0];
    let ids: Vec<_> = found.iter().map(|hypothesis| &hypothesis.ids[..]).collect();
    assert_eq!(ids, [&[][..], &[1][..], &[2][..]]);
    for (hypothesis, probability) in found.iter().zip([0.6f64, 0.2 * 0.6, 0.1 * 0.6]) {
        let length = hypothesis.ids.len() as f64 + 1.0;
        assert!((hypothesis.log_probability - probability.ln()).abs() < 1e-5);
        assert!((hypothesis.rank - probability.ln() / length).abs() < 1e-5);
        assert_eq!(hypothesis.log_probabilities.len(), hypothesis.ids.len() + 1);
    }
    assert_eq!(search_best(&model, &[&[9]], &options(3, &[4]))[0], found[0]);
}

#[test]
fn early_stopping_decides_when_to_give_up_live_beams() {
    // Two poor outputs end at once; a good one takes four tokens and is worth waiting for.
    fn script(row: &[u32]) -> [f32; 5] {
        match row[1..] {
            [] => ln_probabilities([0.32, 0.3, 0.18, 0.1, 0.1]),
            [1] => ln_probabilities([0.3, 0.4, 0.1, 0.1, 0.1]),
            [1, 1] | [1, 1, 1] => ln_probabilities([0.01, 0.96, 0.01, 0.01, 0.01]),
            _ => ln_probabilities([0.96, 0.01, 0.01, 0.01, 0.01]),
        }
    }
    let model = ScriptedModel::new(script);
    let steps = |early_stopping, length_penalty| {
        let asked = SearchOptions {
            early_stopping,
            length_penalty,
            ..options(2, &[40])
        };
        let mut steps = 0;
        let found = search(&model, &[], &[&[9]], &asked, &mut |_, _| {
            steps += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
        (found[0].ids.len(), steps)
    };
    let (full, heuristic) = (steps(EarlyStopping::Full, 1.0), steps(EarlyStopping::Heuristic, 1.0));
    assert_eq!((full, heuristic), ((1, 2), (4, 5)));
    let (best, patient) = steps(EarlyStopping::Never, 1.0);
    assert!(best == 4 && patient > 5, "{best} {patient}");
    // Without a reward for length nothing can be gained by waiting.
    assert_eq!(steps(EarlyStopping::Never, 0.0), steps(EarlyStopping::Heuristic, 0.0));
    assert_eq!(steps(EarlyStopping::Heuristic, -1.0).0, 0);
}

#[test]
fn what_is_cut_competes_with_what_has_ended() {
    fn script(row: &[u32]) -> [f32; 5] {
        match row[1..] {
            [] => ln_probabilities([0.4, 0.59, 0.004, 0.003, 0.003]),
            _ => ln_probabilities([0.01, 0.96, 0.01, 0.01, 0.01]),
        }
    }
    let model = ScriptedModel::new(script);
    let found = &search_all(&model, &[&[9]], &options(2, &[3]))[0];
    assert_eq!(
        (&found[0].ids[..], found[0].finish),
        (&[1, 1, 1][..], FinishReason::Length)
    );
    assert_eq!((&found[1].ids[..], found[1].finish), (&[][..], FinishReason::Stop));
}

#[test]
fn an_end_is_forced_at_the_last_position_whatever_the_minimum() {
    fn forever(_: &[u32]) -> [f32; 5] {
        ln_probabilities([0.01, 0.6, 0.2, 0.1, 0.09])
    }
    let model = ScriptedModel::new(forever);
    for beam in [1, 2] {
        let forced = SearchOptions {
            forced_end: &[0],
            ..options(beam, &[4])
        };
        let found = &search_best(&model, &[&[9]], &forced)[0];
        assert_eq!((&found.ids[..], found.finish), (&[1, 1, 1][..], FinishReason::Stop));
        assert_eq!(found.log_probabilities[3], 0.0);
        let found = &search_best(
            &model,
            &[&[9]],
            &SearchOptions {
                min_tokens: 4,
                ..forced
            },
        )[0];
        assert_eq!((&found.ids[..], found.finish), (&[1, 1, 1][..], FinishReason::Stop));
    }
}

#[test]
fn an_expected_length_draws_the_end_to_itself() {
    fn endless(_: &[u32]) -> [f32; 5] {
        ln_probabilities([0.3, 0.4, 0.1, 0.1, 0.1])
    }
    fn terse(_: &[u32]) -> [f32; 5] {
        ln_probabilities([0.5, 0.2, 0.1, 0.1, 0.1])
    }
    let lengths = |script, beam, length_prior| {
        let asked = SearchOptions {
            expected: &[4.0, 20.0],
            length_prior,
            ..options(beam, &[40, 40])
        };
        let found = search_best(&ScriptedModel::new(script), &[&[9], &[8]], &asked);
        let own = |found: &Hypothesis| found.log_probabilities.iter().all(|one| *one < -0.6);
        assert!(beam > 1 || found.iter().all(own), "the model's own: {found:?}");
        found.iter().map(|found| found.ids.len()).collect::<Vec<_>>()
    };
    assert_eq!(lengths(endless, 1, 0.0), [40, 40]);
    assert_eq!(lengths(terse, 1, 0.0), [0, 0]);
    assert_eq!(lengths(endless, 1, 1.0), [5, 22]);
    assert_eq!(lengths(terse, 1, 1.0), [2, 16]);
    let with_beams = lengths(endless, 2, 1.0);
    assert!(with_beams.iter().all(|length| *length < 40), "{with_beams:?}");
}

#[test]
fn rules_of_a_decoder_only_model_look_at_what_it_has_read() {
    fn forever(_: &[u32]) -> [f32; 5] {
        ln_probabilities([0.01, 0.5, 0.25, 0.14, 0.1])
    }
    let model = ScriptedModel::new(forever);
    let ids = |prefix: &[u32], source: &[u32], asked: &SearchOptions| {
        let (state, _) = model.begin_decoding(&[], &[prefix]).unwrap();
        let found = search(&model, &[Some((prefix, &state))], &[source], asked, &mut |_, _| {
            ControlFlow::Continue(())
        });
        found.unwrap().swap_remove(0).ids
    };
    let words = [vec![1, 1], vec![2, 1, 2]];
    let asked = SearchOptions {
        bad_words: &words,
        suppress: &[3],
        begin_suppress: &[1],
        ..options(1, &[6])
    };
    assert_eq!(ids(&[], &[1], &asked), [2, 1, 4, 1, 2, 1]);
    let penalised = SearchOptions {
        repetition_penalty: 3.0,
        ..options(1, &[4])
    };
    let pairs = SearchOptions {
        no_repeat_ngram: 2,
        ..options(1, &[4])
    };
    for prompt_counts in [true, false] {
        let with = |asked: &SearchOptions, prefix: &[u32], source: &[u32]| {
            let asked = SearchOptions {
                prompt_counts,
                ..asked.clone()
            };
            ids(prefix, source, &asked)
        };
        let expected: [&[u32]; 3] = if prompt_counts {
            [&[2, 3, 1, 1], &[3, 1, 4, 1], &[3, 1, 1, 1]]
        } else {
            [&[1, 2, 3, 1], &[1, 1, 2, 1], &[1, 2, 3, 1]]
        };
        let found = [
            with(&penalised, &[], &[1]),
            with(&pairs, &[1, 1], &[2, 1]),
            with(&penalised, &[1], &[2]),
        ];
        assert_eq!(found, expected, "{prompt_counts}");
    }
}

#[test]
fn equal_neighbours_are_read_once_and_searched_each_on_its_own() {
    struct CountingModel(ScriptedModel, std::sync::atomic::AtomicUsize);
    impl TranslationModel for CountingModel {
        fn spec(&self) -> &ModelSpec {
            self.0.spec()
        }
        fn begin_decoding(
            &self,
            prefixes: &[Option<&DecodingState>],
            sources: &[&[u32]],
        ) -> Result<(DecodingState, Tensor)> {
            self.1.store(sources.len(), std::sync::atomic::Ordering::Relaxed);
            self.0.begin_decoding(prefixes, sources)
        }
        fn decode_step(&self, last: &[u32], state: &mut DecodingState) -> Result<Tensor> {
            self.0.decode_step(last, state)
        }
    }
    let sources: [&[u32]; 6] = [&[3], &[3], &[1], &[1], &[1], &[3]];
    let model = CountingModel(ScriptedModel::new(counts), Default::default());
    let lengths: Vec<usize> = search_best(&model, &sources, &options(1, &[9; 6]))
        .iter()
        .map(|found| found.ids.len())
        .collect();
    assert_eq!(lengths, [3, 3, 1, 1, 1, 3]);
    assert_eq!(model.1.into_inner(), 3);
}

#[test]
fn what_cannot_be_searched_is_refused() {
    fn broken(row: &[u32]) -> [f32; 5] {
        if row[0] == 1 { [f32::NAN; 5] } else { eager(row) }
    }
    let model = ScriptedModel::new(broken);
    let attempt = |asked: &SearchOptions| {
        search(&model, &[], &[&[9], &[1]], asked, &mut |_, _| ControlFlow::Continue(())).unwrap_err()
    };
    let error = attempt(&options(2, &[5, 5]));
    assert!(
        error.kind == ErrorKind::Model && error.message.contains("no numbers"),
        "{error}"
    );
    let sampling = |temperature| {
        Some(Sampling {
            seed: 0,
            temperature,
            streams: &[],
        })
    };
    let beams = SearchOptions {
        sampling: sampling(1.0),
        ..options(2, &[5, 5])
    };
    assert_eq!(attempt(&beams).kind, ErrorKind::Usage);
    let cold = SearchOptions {
        sampling: sampling(0.0),
        ..options(1, &[5, 5])
    };
    assert_eq!(attempt(&cold).kind, ErrorKind::Usage);
}

#[test]
fn a_search_that_may_write_nothing_ends() {
    let model = ScriptedModel::new(eager);
    for beam in [1, 3] {
        let asked = SearchOptions {
            suppress: &[0, 1, 2, 3, 4],
            ..options(beam, &[5])
        };
        let found = &search_best(&model, &[&[9]], &asked)[0];
        assert_eq!((&found.ids[..], found.finish), (&[][..], FinishReason::Length));
        assert!(
            search(&model, &[], &[], &asked, &mut |_, _| ControlFlow::Break(()))
                .unwrap()
                .is_empty()
        );
    }
}
