//! BLEU and chrF2 scores of translations against references, equal to those of sacrebleu with its default options.

use crate::error::{Error, Result};
use regex::Regex;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::LazyLock;

/// Release of sacrebleu whose scores this file reproduces; the signatures name it.
const SACREBLEU: &str = "2.6.0";
/// Length of the longest n-grams that BLEU compares, in words.
const MAX_NGRAM_WORDS: usize = 4;
/// Length of the longest n-grams that chrF compares, in characters.
const CHAR_ORDER: usize = 6;

/// BLEU and chrF2 of a corpus, with the figures that BLEU is computed from. `bleu`, `precisions` and `chrf2` are
/// percentages.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CorpusScores {
    /// BLEU of the corpus, in percent: 13a tokens, case kept, exponential smoothing (Papineni 2002; sacrebleu's
    /// `BLEU()`).
    pub bleu: f64,
    /// Precisions of the n-grams of 1 to 4 tokens, smoothed, in percent.
    pub precisions: [f64; MAX_NGRAM_WORDS],
    /// BLEU's brevity penalty, a factor from 0 to 1: 1 if the hypotheses are not shorter than the references.
    pub brevity_penalty: f64,
    /// Number of tokens in all hypotheses.
    pub hyp_len: usize,
    /// Number of tokens in all references.
    pub ref_len: usize,
    /// chrF2 of the corpus, in percent: n-grams of 1 to 6 characters, no word n-grams, white space left out, recall
    /// weighted twice as much as precision (Popović 2015; sacrebleu's `CHRF()`).
    pub chrf2: f64,
    /// Number of pairs of hypothesis and reference that were compared.
    pub segments: usize,
}

impl CorpusScores {
    /// Gives the signature by which sacrebleu names the options of this BLEU score.
    pub fn bleu_signature(&self) -> String {
        format!("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{SACREBLEU}")
    }

    /// Gives the signature by which sacrebleu names the options of this chrF2 score.
    pub fn chrf2_signature(&self) -> String {
        format!("nrefs:1|case:mixed|eff:yes|nc:{CHAR_ORDER}|nw:0|space:no|version:{SACREBLEU}")
    }
}

/// Formats the scores as two lines, like `sacrebleu -m bleu chrf -f text -w 2`.
impl std::fmt::Display for CorpusScores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [one, two, three, four] = self.precisions;
        let ratio = if self.ref_len == 0 {
            0.0
        } else {
            self.hyp_len as f64 / self.ref_len as f64
        };
        writeln!(
            f,
            "BLEU|{} = {:.2} {one:.1}/{two:.1}/{three:.1}/{four:.1} (BP = {:.3} ratio = {ratio:.3} hyp_len = {} ref_len = {})",
            self.bleu_signature(),
            self.bleu,
            self.brevity_penalty,
            self.hyp_len,
            self.ref_len
        )?;
        write!(f, "chrF2|{} = {:.2}", self.chrf2_signature(), self.chrf2)
    }
}

/// Scores hypotheses (translations) against one reference each, in the same order.
///
/// # Errors
/// Kind `Input`, if the numbers of hypotheses and references differ, or if there are none.
pub fn score_corpus(hypotheses: &[&str], references: &[&str]) -> Result<CorpusScores> {
    if hypotheses.len() != references.len() {
        return Err(Error::input(format!(
            "the hypotheses have {} lines, the references {}",
            hypotheses.len(),
            references.len()
        ))
        .hint("both files need one segment a line, in the same order"));
    }
    if hypotheses.is_empty() {
        return Err(Error::input("nothing to score").hint("both files need one segment a line"));
    }
    let mut words = [NgramCounts::default(); MAX_NGRAM_WORDS];
    let mut chars = [NgramCounts::default(); CHAR_ORDER];
    for (hypothesis, reference) in hypotheses.iter().zip(references) {
        let (hypothesis_tokens, reference_tokens) = (
            tokenize_like_mteval_13a(hypothesis),
            tokenize_like_mteval_13a(reference),
        );
        let (left, right): (Vec<&str>, Vec<&str>) = (
            split_whitespace(&hypothesis_tokens).collect(),
            split_whitespace(&reference_tokens).collect(),
        );
        count_ngrams(&left, &right, &mut words);
        count_ngrams(&visible_chars(hypothesis), &visible_chars(reference), &mut chars);
    }
    let (hyp_len, ref_len) = (words[0].hypothesis, words[0].reference);
    let brevity_penalty = match hyp_len {
        0 if ref_len > 0 => 0.0,
        _ if hyp_len < ref_len => (1.0 - ref_len as f64 / hyp_len as f64).exp(),
        _ => 1.0,
    };
    let precisions = bleu_precision_percentages(&words);
    let bleu = if precisions.contains(&0.0) {
        0.0
    } else {
        brevity_penalty * (precisions.iter().map(|p| p.ln()).sum::<f64>() / MAX_NGRAM_WORDS as f64).exp()
    };
    Ok(CorpusScores {
        bleu,
        precisions,
        brevity_penalty,
        hyp_len,
        ref_len,
        chrf2: chrf2_percent(&chars),
        segments: hypotheses.len(),
    })
}

/// Computes the chrF2 of one hypothesis (translation) against its reference, from 0 to 100.
pub fn sentence_chrf2(hypothesis: &str, reference: &str) -> f64 {
    let mut chars = [NgramCounts::default(); CHAR_ORDER];
    count_ngrams(&visible_chars(hypothesis), &visible_chars(reference), &mut chars);
    chrf2_percent(&chars)
}

/// Collects the characters that chrF2 compares: all but white space.
fn visible_chars(text: &str) -> Vec<char> {
    split_whitespace(text).flat_map(str::chars).collect()
}

/// Numbers of n-grams of one length in all hypotheses and in all references, and of those that match.
#[derive(Clone, Copy, Default)]
struct NgramCounts {
    hypothesis: usize,
    reference: usize,
    /// Number of the hypotheses' n-grams, counting only segments whose reference has n-grams of this length.
    comparable: usize,
    matched: usize,
}

/// Adds one segment's n-grams to `orders`; the first entry counts single tokens, the next pairs, and so on.
fn count_ngrams<T: Hash + Eq>(hypothesis: &[T], reference: &[T], orders: &mut [NgramCounts]) {
    for (order, sum) in orders.iter_mut().enumerate() {
        let mut left: HashMap<&[T], usize> = HashMap::new();
        for gram in reference.windows(order + 1) {
            *left.entry(gram).or_default() += 1;
        }
        let mut total = 0;
        for gram in hypothesis.windows(order + 1) {
            total += 1;
            if let Some(count) = left.get_mut(gram).filter(|count| **count > 0) {
                *count -= 1;
                sum.matched += 1;
            }
        }
        sum.hypothesis += total;
        sum.comparable += if left.is_empty() { 0 } else { total };
        sum.reference += reference.len().saturating_sub(order);
    }
}

/// Computes BLEU's precisions in percent, with exponential smoothing: n-gram lengths without a match count as 1/2, 1/4,
/// … of a match.
fn bleu_precision_percentages(words: &[NgramCounts; MAX_NGRAM_WORDS]) -> [f64; MAX_NGRAM_WORDS] {
    let mut precisions = [0.0; MAX_NGRAM_WORDS];
    if words.iter().all(|order| order.matched == 0) {
        return precisions;
    }
    let mut smooth = 1.0;
    for (precision, order) in precisions
        .iter_mut()
        .zip(words)
        .take_while(|(_, order)| order.hypothesis > 0)
    {
        let total = order.hypothesis as f64;
        *precision = if order.matched == 0 {
            smooth *= 2.0;
            100.0 / (smooth * total)
        } else {
            100.0 * order.matched as f64 / total
        };
    }
    precisions
}

/// Computes chrF2 in percent: the F score of the mean precision and the mean recall over the n-gram lengths that both
/// sides have. Recall weighs twice as much as precision.
fn chrf2_percent(chars: &[NgramCounts; CHAR_ORDER]) -> f64 {
    const BETA_SQUARED: f64 = 4.0;
    let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
    for order in chars.iter().filter(|order| order.comparable > 0 && order.reference > 0) {
        precision += order.matched as f64 / order.comparable as f64;
        recall += order.matched as f64 / order.reference as f64;
        orders += 1.0;
    }
    if precision + recall == 0.0 {
        return 0.0;
    }
    let (precision, recall) = (precision / orders, recall / orders);
    100.0 * ((1.0 + BETA_SQUARED) * precision * recall) / (BETA_SQUARED * precision + recall)
}

/// Tokenizes a text like mteval-v13a, as in sacrebleu's `tokenizer_13a.py` and `tokenizer_re.py`. The tokens in the
/// result are separated by white space.
fn tokenize_like_mteval_13a(text: &str) -> String {
    static TOKENIZER_RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (r"([\{-\~\[-\` -\&\(-\+\:-\@\/])", " $1 "),
            // Separates a full stop or comma, unless a digit stands before it; then, unless a digit stands after it.
            (r"([^0-9])([\.,])", "$1 $2 "),
            (r"([\.,])([^0-9])", " $1 $2"),
            (r"([0-9])(-)", "$1 $2 "),
        ]
        .into_iter()
        .map(|(pattern, with)| (Regex::new(pattern).expect("the pattern is a constant"), with))
        .collect()
    });
    let text = text
        .trim_end_matches(is_space)
        .replace("<skipped>", "")
        .replace("-\n", "")
        .replace('\n', " ");
    let text = text
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">");
    let mut text = format!(" {text} ");
    for (rule, with) in TOKENIZER_RULES.iter() {
        if let Cow::Owned(changed) = rule.replace_all(&text, *with) {
            text = changed;
        }
    }
    text
}

/// Splits a text at white space, like Python's `str.split`.
fn split_whitespace(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|part| !part.is_empty())
}

/// Whether `c` is white space for Python's `str.isspace`: Unicode white space or one of the four information
/// separators.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[derive(serde::Deserialize)]
    struct SacrebleuCase {
        name: String,
        hypotheses: Vec<String>,
        references: Vec<String>,
        bleu: f64,
        precisions: [f64; MAX_NGRAM_WORDS],
        brevity_penalty: f64,
        hyp_len: usize,
        ref_len: usize,
        chrf2: f64,
        lines: String,
    }

    fn are_nearly_equal(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn figures_equal_sacrebleus() {
        let golden: Vec<SacrebleuCase> = serde_json::from_str(include_str!("../tests/golden/sacrebleu.json")).unwrap();
        assert!(golden.len() > 20);
        for case in golden {
            let hypotheses: Vec<&str> = case.hypotheses.iter().map(String::as_str).collect();
            let references: Vec<&str> = case.references.iter().map(String::as_str).collect();
            let found = score_corpus(&hypotheses, &references).unwrap();
            let name = &case.name;
            assert!(
                are_nearly_equal(found.bleu, case.bleu),
                "{name}: BLEU {} for {}",
                found.bleu,
                case.bleu
            );
            assert!(
                are_nearly_equal(found.chrf2, case.chrf2),
                "{name}: chrF2 {} for {}",
                found.chrf2,
                case.chrf2
            );
            assert!(
                are_nearly_equal(found.brevity_penalty, case.brevity_penalty),
                "{name}: {found:?}"
            );
            assert!(
                found
                    .precisions
                    .iter()
                    .zip(case.precisions)
                    .all(|(&a, b)| are_nearly_equal(a, b)),
                "{name}: {found:?} for {:?}",
                case.precisions
            );
            assert_eq!((found.hyp_len, found.ref_len), (case.hyp_len, case.ref_len), "{name}");
            assert_eq!(found.to_string(), case.lines, "{name}");
        }
    }

    #[test]
    fn flores_figures_are_the_published_ones() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/flores-dev");
        let read = |name: &str| std::fs::read_to_string(format!("{folder}/flores-dev{name}.en"));
        let Ok(reference) = read("") else {
            eprintln!("skipped: no FLORES data in {folder}");
            return;
        };
        let references: Vec<&str> = reference.lines().collect();
        for (system, bleu, chrf2) in [
            ("google", "31.4", "62.1"),
            ("microsoft", "32.0", "61.0"),
            ("nllb", "26.5", "55.8"),
            ("opusmt", "21.4", "50.0"),
        ] {
            let text = read(&format!(".{system}")).unwrap();
            let start = std::time::Instant::now();
            let found = score_corpus(&text.lines().collect::<Vec<_>>(), &references).unwrap();
            eprintln!("{system}: {found} in {:?}", start.elapsed());
            assert_eq!(
                (
                    format!("{:.1}", found.bleu).as_str(),
                    format!("{:.1}", found.chrf2).as_str()
                ),
                (bleu, chrf2),
                "{system}"
            );
        }
    }

    #[test]
    fn counts_must_match() {
        let error = score_corpus(&["a", "b"], &["a"]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Input);
        assert_eq!(error.message, "the hypotheses have 2 lines, the references 1");
        assert_eq!(score_corpus(&[], &[]).unwrap_err().kind, ErrorKind::Input);
    }
}
