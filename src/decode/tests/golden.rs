//! Tests that the search equals transformers' own, over the arithmetic model of `tests/golden/search.py`.

use super::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};

const VOCABULARY_SIZE: u32 = 40;
const START_ID: u32 = 1;
const END_ID: u32 = 0;

/// A test model that computes logits from the source and the last two tokens, like `tests/golden/search.py`.
pub struct ArithmeticModel(ModelSpec);

/// State of the test model: for each row the source, the last token but one and the last token.
struct LastTokens(Vec<(u32, u32, u32)>);

impl BatchRows for LastTokens {
    fn select_rows(&mut self, rows: &[usize]) {
        self.0 = rows.iter().map(|row| self.0[*row]).collect();
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

fn arithmetic_logit(source: u32, before: u32, last: u32, token: u32) -> f32 {
    let mut x = source.wrapping_mul(73_856_093)
        ^ (before % 2).wrapping_mul(19_349_663)
        ^ last.wrapping_mul(83_492_791)
        ^ token.wrapping_mul(2_654_435_761);
    for _ in 0..2 {
        x = (x ^ (x >> 16)).wrapping_mul(0x045d_9f3b);
    }
    (((x ^ (x >> 16)) % (1 << 14)) * 64 + token) as f32 / (1 << 17) as f32 - 4.0 + f32::from(u8::from(token == END_ID))
}

impl ArithmeticModel {
    pub fn new(forced_first: Option<u32>, end: Vec<u32>) -> Self {
        Self(ModelSpec {
            vocabulary: VOCABULARY_SIZE as usize,
            source_vocabulary: VOCABULARY_SIZE as usize,
            output: None,
            start: [START_ID].into_iter().chain(forced_first).collect(),
            max_positions: 100,
            end,
        })
    }

    fn logits_of_rows(&self, rows: &[(u32, u32, u32)]) -> Tensor {
        let every: Vec<u32> = (0..VOCABULARY_SIZE).collect();
        let columns = self.0.output.as_ref().unwrap_or(&every);
        let logits: Vec<f32> = rows
            .iter()
            .flat_map(|(source, before, last)| {
                columns
                    .iter()
                    .map(|token| arithmetic_logit(*source, *before, *last, *token))
            })
            .collect();
        Tensor::from_vec(logits, (rows.len(), columns.len()), &Device::Cpu).unwrap()
    }
}

impl TranslationModel for ArithmeticModel {
    fn spec(&self) -> &ModelSpec {
        &self.0
    }

    fn begin_decoding(&self, _: &[Option<&DecodingState>], sources: &[&[u32]]) -> Result<(DecodingState, Tensor)> {
        let (before, last) = match self.0.start[..] {
            [start] => (VOCABULARY_SIZE, start),
            [start, first] => (start, first),
            _ => panic!("one start token and at most one forced"),
        };
        let rows: Vec<_> = sources.iter().map(|source| (source[0], before, last)).collect();
        let logits = self.logits_of_rows(&rows);
        Ok((DecodingState(Box::new(LastTokens(rows))), logits))
    }

    fn decode_step(&self, last: &[u32], state: &mut DecodingState) -> Result<Tensor> {
        let rows = &mut state.0.as_any_mut().downcast_mut::<LastTokens>().unwrap().0;
        assert_eq!(rows.len(), last.len(), "a token for each row");
        for (row, id) in rows.iter_mut().zip(last) {
            *row = (row.0, row.2, *id);
        }
        Ok(self.logits_of_rows(rows))
    }
}

#[derive(Deserialize)]
struct SearchCase {
    sources: Vec<u32>,
    max_new_tokens: usize,
    found: Vec<Vec<(Vec<u32>, Option<f64>)>>,
    #[serde(flatten)]
    options: Map<String, Value>,
}

fn read_search_cases() -> Vec<SearchCase> {
    serde_json::from_str(include_str!("../../../tests/golden/search.json")).unwrap()
}

/// Searches sources with the options of a test case; returns as many hypotheses of each source as the case asks for.
fn search_as(options: &Map<String, Value>, sources: &[u32], max_new_tokens: usize) -> Vec<Vec<Hypothesis>> {
    // The reader of checkpoints is at work here too.
    let mut file = json!({"eos_token_id": END_ID});
    file.as_object_mut().unwrap().extend(options.clone());
    let asked = GenerationConfig::read("".as_ref(), &json!({}), Some(&file)).unwrap();
    let model = ArithmeticModel::new(asked.forced_first, asked.end);
    let limits = vec![max_new_tokens; sources.len()];
    let wanted = options.get("num_return_sequences").map_or(1, |n| n.as_u64().unwrap());
    let options = SearchOptions {
        beam: asked.beam.unwrap_or(1),
        max_tokens: &limits,
        min_tokens: asked.min_new_tokens.unwrap_or(0),
        length_penalty: asked.length_penalty.unwrap_or(1.0),
        early_stopping: asked.early_stopping,
        no_repeat_ngram: asked.no_repeat_ngram.unwrap_or(0),
        repetition_penalty: asked.repetition_penalty.unwrap_or(1.0),
        bad_words: &asked.bad_words,
        suppress: &asked.suppress,
        begin_suppress: &asked.begin_suppress,
        forced_end: &asked.forced_end,
        renormalize: asked.renormalize,
        ..SearchOptions::default()
    };
    let sources: Vec<&[u32]> = sources.chunks(1).collect();
    let mut found = search_all(&model, &sources, &options);
    let best = search_best(&model, &sources, &options);
    for (found, best) in found.iter_mut().zip(best) {
        found.truncate(wanted as usize);
        // Where nothing has finished, the best is empty.
        match found.first() {
            Some(first) => assert_eq!(*first, best),
            None => found.push(best),
        }
    }
    found
}

#[test]
fn every_case_agrees_with_transformers() {
    let cases = read_search_cases();
    assert!(cases.len() > 400);
    for (number, case) in cases.iter().enumerate() {
        let name = format!(
            "case {number}: {} tokens of {:?} with {:?}",
            case.max_new_tokens, case.sources, case.options
        );
        let found = search_as(&case.options, &case.sources, case.max_new_tokens);
        for (found, expected) in found.iter().zip(&case.found) {
            let ids: Vec<_> = found.iter().map(|hypothesis| &hypothesis.ids).collect();
            assert_eq!(ids, expected.iter().map(|(ids, _)| ids).collect::<Vec<_>>(), "{name}");
            for (hypothesis, (_, score)) in found.iter().zip(expected) {
                let score = score.unwrap_or(hypothesis.rank);
                assert!(
                    (hypothesis.rank - score).abs() < 1e-4,
                    "{name}: {} for {score}",
                    hypothesis.rank
                );
                let sum: f64 = hypothesis.log_probabilities.iter().map(|p| f64::from(*p)).sum();
                assert_eq!(hypothesis.log_probability, sum);
            }
        }
        assert_eq!(found.len(), case.found.len(), "{name}");
    }
}

#[test]
fn every_option_of_the_cases_is_at_work() {
    let mut changed: Map<String, Value> = Map::new();
    for case in read_search_cases() {
        let found = search_as(&case.options, &case.sources, case.max_new_tokens);
        for option in case.options.keys().filter(|key| *key != "num_return_sequences") {
            let mut fewer = case.options.clone();
            fewer.remove(option);
            let without = search_as(&fewer, &case.sources, case.max_new_tokens);
            let ids = |found: &[Vec<Hypothesis>]| found.iter().map(|one| one[0].ids.clone()).collect::<Vec<_>>();
            let count = changed.entry(option.as_str()).or_insert(json!(0));
            *count = json!(count.as_u64().unwrap() + u64::from(ids(&found) != ids(&without)));
        }
    }
    assert_eq!(changed.len(), 13);
    assert!(changed.values().all(|count| count.as_u64() >= Some(5)), "{changed:?}");
}

#[test]
fn a_batch_changes_nothing() {
    for case in read_search_cases() {
        let together = search_as(&case.options, &case.sources, case.max_new_tokens);
        let backwards: Vec<u32> = case.sources.iter().rev().copied().collect();
        let mut shuffled = search_as(&case.options, &backwards, case.max_new_tokens);
        shuffled.reverse();
        assert_eq!(together, shuffled, "{:?}", case.options);
        for (source, together) in case.sources.iter().zip(&together) {
            let alone = search_as(&case.options, &[*source], case.max_new_tokens);
            assert_eq!(&alone[0], together, "{:?}", case.options);
        }
    }
}

#[test]
fn limits_of_neighbours_change_nothing() {
    let model = ArithmeticModel::new(Some(7), vec![END_ID]);
    for beam in [1, 4] {
        let limits = [1, 2, 3, 9, 20, 2];
        let sources: Vec<[u32; 1]> = (0..6).map(|source| [source]).collect();
        let sources: Vec<&[u32]> = sources.iter().map(|source| &source[..]).collect();
        let asked = SearchOptions {
            forced_end: &[END_ID],
            ..options(beam, &limits)
        };
        let together = search_all(&model, &sources, &asked);
        for (i, source) in sources.iter().enumerate() {
            let asked = SearchOptions {
                max_tokens: &limits[i..=i],
                ..asked.clone()
            };
            assert_eq!(
                search_all(&model, &[source], &asked)[0],
                together[i],
                "beam {beam}, source {i}"
            );
        }
        // The forced first token is all that a limit of 1 leaves room for.
        assert_eq!(together[0][0].ids, [0u32; 0]);
        assert!(together[1].iter().all(|hypothesis| hypothesis.ids.is_empty()));
    }
}

#[test]
fn a_restricted_vocabulary_is_the_full_one_with_the_rest_banned() {
    let output: Vec<u32> = (0..VOCABULARY_SIZE).filter(|id| *id == END_ID || id % 3 != 1).collect();
    let rest: Vec<u32> = (0..VOCABULARY_SIZE)
        .filter(|id| output.binary_search(id).is_err())
        .collect();
    let full = ArithmeticModel::new(None, vec![END_ID]);
    let mut restricted = ArithmeticModel::new(None, vec![END_ID]);
    restricted.0.output = Some(output);
    let sources: Vec<[u32; 1]> = (0..40).map(|source| [source]).collect();
    let sources: Vec<&[u32]> = sources.iter().map(|source| &source[..]).collect();
    // 4, 7 and 10 have no column.
    let words = [vec![2], vec![4], vec![5, 6], vec![7, 8], vec![8, 10]];
    for beam in [1, 4] {
        let limits = [12; 40];
        let asked = SearchOptions {
            min_tokens: 2,
            no_repeat_ngram: 2,
            bad_words: &words,
            begin_suppress: &[10, 11],
            stop: &[13, 15],
            forced_end: &[END_ID],
            renormalize: true,
            ..options(beam, &limits)
        };
        let banned = SearchOptions {
            suppress: &rest,
            ..asked.clone()
        };
        let expected = search_all(&full, &sources, &banned);
        let found = search_all(&restricted, &sources, &asked);
        let mut lengths = [0usize; 13];
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected).take(3) {
                assert_eq!((&found.ids, found.finish), (&expected.ids, expected.finish));
                assert!(beam == 1 || (found.rank - expected.rank).abs() < 1e-5);
                lengths[found.ids.len()] += 1;
            }
        }
        assert!(lengths.iter().filter(|count| **count > 0).count() > 4, "{lengths:?}");
    }
    restricted.0.end.push(7);
    let error = search(&restricted, &[], &sources, &options(1, &[5; 40]), &mut |_, _| {
        ControlFlow::Continue(())
    })
    .unwrap_err();
    assert!(error.message.contains("end token 7"), "{error}");
}

#[test]
fn draws_repeat_themselves_whatever_the_batch() {
    let model = ArithmeticModel::new(None, vec![END_ID]);
    let sources: Vec<[u32; 1]> = (0..20).map(|source| [source % 4]).collect();
    let sources: Vec<&[u32]> = sources.iter().map(|source| &source[..]).collect();
    let streams: Vec<u64> = (100..120).collect();
    let limits = [15; 20];
    let draw = |seed, range: std::ops::Range<usize>| {
        let asked = SearchOptions {
            sampling: Some(Sampling {
                seed,
                temperature: 0.8,
                streams: &streams[range.clone()],
            }),
            ..options(1, &limits[range.clone()])
        };
        search_best(&model, &sources[range], &asked)
    };
    let together = draw(1, 0..20);
    for (i, together) in together.iter().enumerate() {
        assert_eq!(&draw(1, i..i + 1)[0], together);
    }
    // Equal sources of different streams, and the same of another seed, draw something else.
    assert_ne!(together[0].ids, together[4].ids);
    assert_ne!(together, draw(2, 0..20));
    let nothing_to_draw = SearchOptions {
        sampling: Some(Sampling {
            seed: 1,
            temperature: 1e-9,
            streams: &[],
        }),
        ..options(1, &limits)
    };
    assert_eq!(
        search_best(&model, &sources, &nothing_to_draw),
        search_best(&model, &sources, &options(1, &limits))
    );
}
