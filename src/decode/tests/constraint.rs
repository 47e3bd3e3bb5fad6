//! Tests of constrained search: scripted, and against transformers (`tests/golden/constraints.py`).

use super::golden::ArithmeticModel;
use super::*;
use crate::model::seq2seq::tests::load_golden_checkpoint;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct ConstraintCases {
    arithmetic: Vec<ConstraintCase>,
    checkpoints: Vec<ConstraintCase>,
}

#[derive(Deserialize)]
struct ConstraintCase {
    #[serde(default)]
    source: u32,
    checkpoint: Option<String>,
    #[serde(default)]
    source_ids: Vec<u32>,
    #[serde(default)]
    start: Vec<u32>,
    num_beams: usize,
    max_new_tokens: usize,
    length_penalty: Option<f64>,
    early_stopping: Option<Value>,
    required: Vec<Vec<Vec<u32>>>,
    forbidden: Vec<Vec<u32>>,
    found: (Vec<u32>, f64),
}

fn read_constraint_cases() -> ConstraintCases {
    serde_json::from_str(include_str!("../../../tests/golden/constraints.json")).unwrap()
}

impl ConstraintCase {
    fn constraint(&self) -> TokenConstraint {
        TokenConstraint {
            required: self.required.clone(),
            forbidden: self.forbidden.clone(),
            ..TokenConstraint::default()
        }
    }

    fn options<'a>(&self, limits: &'a [usize], constraints: &'a [TokenConstraint]) -> SearchOptions<'a> {
        SearchOptions {
            length_penalty: self.length_penalty.unwrap_or(1.0),
            early_stopping: match &self.early_stopping {
                Some(Value::Bool(true)) => EarlyStopping::Full,
                Some(Value::String(_)) => EarlyStopping::Never,
                _ => EarlyStopping::Heuristic,
            },
            constraints,
            ..options(self.num_beams, limits)
        }
    }

    fn assert_found(&self, found: &Hypothesis) {
        let name = format!("{:?} {} {:?}", self.checkpoint, self.source, self.required);
        assert_eq!(found.ids, self.found.0, "{name}");
        assert!(
            (found.rank - self.found.1).abs() < 1e-3,
            "{name}: {} for {}",
            found.rank,
            self.found.1
        );
        for alternatives in &self.required {
            assert!(alternatives.iter().any(|words| contains(&found.ids, words)), "{name}");
        }
        assert!(
            !self.forbidden.iter().any(|words| contains(&found.ids, words)),
            "{name}"
        );
    }
}

fn contains(ids: &[u32], words: &[u32]) -> bool {
    ids.windows(words.len()).any(|window| window == words)
}

#[test]
fn constraints_are_met_with_the_ids_of_transformers() {
    let cases = read_constraint_cases();
    assert!(cases.arithmetic.len() > 150, "{}", cases.arithmetic.len());
    let model = ArithmeticModel::new(None, vec![0]);
    for case in &cases.arithmetic {
        let constraints = [case.constraint(), TokenConstraint::default(), case.constraint()];
        // Beside sources without constraints, whose ids stay as they are.
        let sources: [&[u32]; 3] = [&[case.source], &[case.source], &[case.source + 1]];
        let limits = [case.max_new_tokens; 3];
        let found = search_best(&model, &sources, &case.options(&limits, &constraints));
        case.assert_found(&found[0]);
        let plain = search_best(&model, &sources[..1], &case.options(&limits, &[]));
        assert_eq!(found[1], plain[0]);
        let alone = search_best(&model, &sources[2..], &case.options(&limits, &constraints[2..]));
        assert_eq!(found[2], alone[0]);
    }
}

#[test]
fn constraints_are_met_on_tiny_checkpoints_with_the_ids_of_transformers() {
    let cases = read_constraint_cases().checkpoints;
    assert!(cases.len() > 15, "{}", cases.len());
    let mut changed = 0;
    for case in &cases {
        let name = case.checkpoint.as_deref().unwrap();
        let model = load_golden_checkpoint(name, case.start.clone());
        let (limits, constraints) = ([case.max_new_tokens], [case.constraint()]);
        let found = search_best(&*model, &[&case.source_ids], &case.options(&limits, &constraints));
        case.assert_found(&found[0]);
        let plain = search_best(&*model, &[&case.source_ids], &case.options(&limits, &[]));
        changed += usize::from(plain[0].ids != found[0].ids);
    }
    assert!(changed > 10, "{changed}");
}

/// Logits by which the model writes 1, 2, 3 and an end, with 4 in the second place after each.
fn count_up(row: &[u32]) -> [f32; 5] {
    let next = if row.len() > 3 { 0 } else { row.len() };
    let mut probabilities = [0.05; 5];
    probabilities[4] = 0.2;
    probabilities[next] = 0.65;
    ln_probabilities(probabilities)
}

fn greedy_with(constraint: TokenConstraint) -> Hypothesis {
    let model = ScriptedModel::new(count_up);
    let constraints = [TokenConstraint::default(), constraint];
    let options = SearchOptions {
        constraints: &constraints,
        ..options(1, &[8, 8])
    };
    let mut found = search_best(&model, &[&[9], &[9]], &options);
    assert_eq!(found[0].ids, [1, 2, 3]);
    found.remove(1)
}

#[test]
fn greedy_search_writes_what_is_required() {
    let required = || vec![vec![vec![4, 1, 1], vec![3, 3], vec![4, 2]]];
    // Where the model wanted to write what is forbidden. Of equal tokens, that of the earlier alternative is taken.
    let found = greedy_with(TokenConstraint {
        required: required(),
        forbidden: vec![vec![1, 2]],
        ..TokenConstraint::default()
    });
    assert_eq!(found.ids, [1, 4, 1, 1]);
    // Before the end at the latest; a sequence that is begun already goes on.
    let found = greedy_with(TokenConstraint {
        required: required(),
        ..TokenConstraint::default()
    });
    assert_eq!(found.ids, [1, 2, 3, 3]);
    assert_eq!(found.finish, FinishReason::Stop);
    // At once.
    let found = greedy_with(TokenConstraint {
        required: required(),
        is_first: true,
        ..TokenConstraint::default()
    });
    assert_eq!(found.ids, [4, 2, 3]);
    // What the model writes by itself is enough.
    let found = greedy_with(TokenConstraint {
        required: vec![vec![vec![2, 3]]],
        ..TokenConstraint::default()
    });
    assert_eq!(found.ids, [1, 2, 3]);
    // What cannot be written is left out.
    let found = greedy_with(TokenConstraint {
        required: vec![vec![vec![77]], vec![]],
        ..TokenConstraint::default()
    });
    assert_eq!(found.ids, [1, 2, 3]);
}

#[test]
fn log_probabilities_of_watched_tokens_are_recorded() {
    let found = greedy_with(TokenConstraint {
        watched: vec![vec![4, 1], vec![77]],
        ..TokenConstraint::default()
    });
    assert_eq!(found.ids, [1, 2, 3]);
    let best: Vec<f32> = found.watched.iter().map(|sets| sets[0].exp()).collect();
    let expected = [0.65, 0.2, 0.2, 0.2];
    assert!(best.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{best:?}");
    assert!(found.watched.iter().all(|sets| sets[1] == f32::NEG_INFINITY));
}
