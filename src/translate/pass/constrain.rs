//! Decoding under constraint: a text whose translation lacks an expected text, such as a number or a date, is decoded once
//! more so that one of its forms is written.
//!
//! An encoder-decoder model searches anew with beams, under the constraint that each missing text appears and the wrong one
//! does not. A decoder-only model keeps its output up to the place of the fault, writes one of the right forms there, and
//! goes on freely. That place is where the wrong text stands. If nothing stands there, it is the place at which the model
//! itself thought a form most probable, which the first search has recorded (`watched`). Only the rest of the output is
//! decoded.

use super::choose::take_best_output;
use super::{DecodingPass, SearchSettings, TranslationCall};
use crate::decode::{Hypothesis, SearchOptions, TokenConstraint};
use crate::document::{Findings, Flag};
use crate::error::Result;
use crate::quality::{ExpectedText, Repair, list_expected_texts, list_repairs, list_settled_places};
use crate::span::Span;
use crate::translate::job::DecodeJob;
use crate::translate::prompt::EncodedSource;
use crate::translate::{DecodeOptions, Translator};

/// Beam width with which an encoder-decoder model searches under constraint, at least: as many as make room for outputs at
/// several stages of progress.
const CONSTRAINED_BEAM_WIDTH: usize = 4;
/// The most natural log-probability per token that an output may lose by a repair.
const MAX_SCORE_LOSS: f64 = 0.5;
/// The lowest natural log-probability, relative to the token that was written, at which a form may begin where the
/// translation lacks it.
const MIN_RELATIVE_LOG_PROBABILITY: f32 = -6.0;

/// The constrain pass: decodes each text whose translation lacks expected texts once more, for one fault at a time with a
/// decoder-only model, and keeps the output if it has fewer faults.
#[derive(Default)]
pub(super) struct ConstrainPass {
    attempts: Vec<RunningAttempt>,
}

/// A second decoding that has been planned.
struct RunningAttempt {
    /// Index of the job that was selected.
    selected: usize,
    /// Index of the job whose result is to be replaced: the selected job, or a part of it.
    replaced: usize,
    /// Index of the job that is decoded.
    decoded: usize,
    attempt: Attempt,
}

/// A plan to decode a job again.
struct Attempt {
    /// Number of tokens of the result so far that are kept.
    kept: usize,
    constraint: TokenConstraint,
    /// Places, in the source, of the expected texts that are to be written.
    expected: Vec<Span>,
}

impl Translator {
    /// Makes the constraint that records, in the first search of a text, how probable each expected text was at each
    /// position. It is empty for an encoder-decoder model, and if faults are not mended.
    pub(in crate::translate) fn watch_expected_texts(&self, text: &str, options: &DecodeOptions) -> TokenConstraint {
        let mut constraint = TokenConstraint::default();
        if self.is_decoder_only() && options.mends_text() {
            let first_tokens = |expected: &ExpectedText| {
                let mut ids: Vec<u32> = self.encode_forms(expected, true).iter().map(|form| form[0]).collect();
                ids.sort_unstable();
                ids.dedup();
                ids
            };
            constraint.watched = list_expected_texts(text).iter().map(first_tokens).collect();
        }
        constraint
    }

    /// Encodes the forms of an expected text. Left out are those that the model cannot write, those that begin with another
    /// one, and long runs of digits where there is an easier form.
    fn encode_forms(&self, expected: &ExpectedText, after_space: bool) -> Vec<Vec<u32>> {
        let output = self.model.spec().output.as_deref();
        let can_be_written = |id: &u32| output.is_none_or(|output| output.binary_search(id).is_ok());
        let is_easy = |form: &&String| !has_long_digits(form);
        let any_is_easy = expected.forms.iter().any(|form| is_easy(&form));
        let forms = expected.forms.iter().filter(|form| !any_is_easy || is_easy(form));
        let encoded = forms.filter_map(|form| {
            let ids = self.tokenizer.encode_output(form, after_space)?;
            ids.iter().all(can_be_written).then_some(ids)
        });
        let forms: Vec<Vec<u32>> = encoded.collect();
        let begins_with_another = |form: &Vec<u32>| {
            forms
                .iter()
                .any(|other| other.len() < form.len() && form.starts_with(other))
        };
        forms
            .iter()
            .filter(|form| !begins_with_another(form))
            .cloned()
            .collect()
    }

    /// Lists the sequences in which a digit follows one of the forms at once, which would make another number of it.
    fn forms_with_digits(&self, forms: &[Vec<u32>]) -> Vec<Vec<u32>> {
        let digits = (0..10).filter_map(
            |digit| match &self.tokenizer.encode_output(&digit.to_string(), false)?[..] {
                [id] => Some(*id),
                _ => None,
            },
        );
        let digits: Vec<u32> = digits.collect();
        let longer = |form: &Vec<u32>| {
            digits
                .iter()
                .map(|digit| [&form[..], &[*digit]].concat())
                .collect::<Vec<_>>()
        };
        forms.iter().flat_map(longer).collect()
    }
}

/// Whether a text has a run of five digits or more, which is hard to read.
fn has_long_digits(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() >= 5)
}

/// Returns the indices of the jobs that make up a job's translation: its parts, or else the job itself.
fn list_units(call: &TranslationCall, number: usize) -> Vec<usize> {
    match &call.jobs[number].parts[..] {
        [] => vec![number],
        parts => parts.to_vec(),
    }
}

/// Plans how a job, or a part of one, is decoded again; none if nothing is to be repaired or if it cannot be.
fn plan_attempt(call: &TranslationCall, job: &DecodeJob) -> Option<Attempt> {
    let result = job.result.as_ref()?;
    let text = call.job_text(job);
    let mut repairs = list_repairs(&job.text, &text);
    if repairs.is_empty() || call.is_failure(job) {
        return None;
    }
    // What can be mended in the text need not be decoded.
    let rest = list_repairs(&job.text, &call.mend_text(&job.text, &text));
    let is_left = |span: Span| rest.iter().any(|other| other.expected.source == span) && !job.given_up.contains(&span);
    repairs.retain(|repair| is_left(repair.expected.source));
    if call.translator.is_decoder_only() {
        let tokens = OutputTokens::new(call, result, &text);
        repairs
            .iter()
            .find_map(|repair| plan_greedy_attempt(call, job, result, &tokens, repair))
    } else {
        plan_beam_attempt(call, &text, &repairs)
    }
}

/// Plans a search with beams in which all faults are repaired.
fn plan_beam_attempt(call: &TranslationCall, text: &str, repairs: &[Repair]) -> Option<Attempt> {
    let mut attempt = Attempt {
        kept: 0,
        constraint: TokenConstraint::default(),
        expected: Vec::new(),
    };
    for repair in repairs {
        let forms = call.translator.encode_forms(&repair.expected, true);
        if forms.is_empty() {
            continue;
        }
        attempt.expected.push(repair.expected.source);
        attempt
            .constraint
            .forbidden
            .extend(call.translator.forms_with_digits(&forms));
        attempt.constraint.required.push(forms);
        let unwanted = repair
            .unwanted
            .and_then(|span| call.translator.tokenizer.encode_output(span.of(text), true));
        attempt.constraint.forbidden.extend(unwanted);
    }
    (!attempt.expected.is_empty()).then_some(attempt)
}

/// Plans how a decoder-only model goes on from the place of a fault.
fn plan_greedy_attempt(
    call: &TranslationCall,
    job: &DecodeJob,
    result: &Hypothesis,
    tokens: &OutputTokens,
    repair: &Repair,
) -> Option<Attempt> {
    let kept = match repair.unwanted {
        Some(span) => tokens.position_of(span.start),
        None => {
            let expected = list_expected_texts(&job.text);
            let watched = expected.iter().position(|expected| *expected == repair.expected)?;
            tokens.most_probable_position(result, watched)?
        }
    };
    let forms = call
        .translator
        .encode_forms(&repair.expected, tokens.follows_space(kept));
    (!forms.is_empty()).then(|| Attempt {
        kept,
        expected: vec![repair.expected.source],
        constraint: TokenConstraint {
            forbidden: call.translator.forms_with_digits(&forms),
            required: vec![forms],
            is_first: true,
            watched: job.constraint.watched.clone(),
        },
    })
}

/// The tokens of an output with their places in its text. Places count characters without white space, since the text of
/// an output is put on one line.
struct OutputTokens<'a> {
    text: &'a str,
    /// For each token, the place at which it begins; then the place of the end.
    starts: Vec<usize>,
    /// For each place, the byte offset in the text of its character; then the length of the text.
    offsets: Vec<usize>,
    /// Byte ranges of the text at which nothing that is missing belongs.
    settled: Vec<Span>,
}

impl<'a> OutputTokens<'a> {
    fn new(call: &TranslationCall, result: &Hypothesis, text: &'a str) -> Self {
        let places = |ids: &[u32]| {
            let text = call.translator.tokenizer.decode(ids);
            text.chars().filter(|c| !c.is_whitespace()).count()
        };
        let visible = text.char_indices().filter(|(_, c)| !c.is_whitespace());
        Self {
            text,
            starts: (0..=result.ids.len())
                .map(|count| places(&result.ids[..count]))
                .collect(),
            offsets: visible.map(|(offset, _)| offset).chain([text.len()]).collect(),
            settled: list_settled_places(text),
        }
    }

    /// Returns the byte offset in the text at which a token begins, after white space.
    fn offset_of(&self, position: usize) -> usize {
        let place = self.starts[position].min(self.offsets.len() - 1);
        self.offsets[place]
    }

    /// Returns the position of the token at a byte offset of the text, or that of the white space before it if that is a
    /// token of its own.
    fn position_of(&self, offset: usize) -> usize {
        let place = self.offsets.partition_point(|other| *other < offset);
        let after = self.starts.partition_point(|start| *start <= place);
        let mut position = after.saturating_sub(1);
        while position > 0 && self.starts[position - 1] == self.starts[position] {
            position -= 1;
        }
        position
    }

    /// Whether what is written at a position follows white space.
    fn follows_space(&self, position: usize) -> bool {
        let offset = self.offset_of(position);
        offset == self.text.len() || self.text[..offset].ends_with(char::is_whitespace)
    }

    /// Returns the position at which the first token of an expected text was most probable, compared with the token that was
    /// written: between words, and not where another such text stands. `watched` is the index of the expected text.
    fn most_probable_position(&self, result: &Hypothesis, watched: usize) -> Option<usize> {
        let is_free = |position: &usize| {
            let offset = self.offset_of(*position);
            let is_word_start = offset == 0 || self.follows_space(*position);
            is_word_start
                && (*position == 0 || self.starts[*position - 1] < self.starts[*position])
                && !self.settled.iter().any(|span| (span.start..span.end).contains(&offset))
        };
        let gain = |position: usize| {
            let probability = result.watched.get(position)?.get(watched)?;
            Some((probability - result.log_probabilities.get(position)?, position))
        };
        let positions = (0..self.starts.len()).filter(is_free).filter_map(gain);
        let best = positions.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        (best.0 >= MIN_RELATIVE_LOG_PROBABILITY).then_some(best.1)
    }
}

/// Makes the job that decodes an attempt.
fn make_attempt_job(job: &DecodeJob, attempt: &Attempt) -> DecodeJob {
    let kept = job
        .result
        .as_ref()
        .map_or(&[][..], |result| &result.ids[..attempt.kept]);
    // The longest form may need more tokens than the text that it replaces.
    let longest = attempt
        .constraint
        .required
        .iter()
        .flatten()
        .map(Vec::len)
        .max()
        .unwrap_or_default();
    DecodeJob {
        text: job.text.clone(),
        encoded: EncodedSource {
            ids: [&job.encoded.ids, kept].concat(),
            ..job.encoded
        },
        max_tokens: job.max_tokens.saturating_sub(kept.len()).max(longest),
        sources: Vec::new(),
        next_pass: None,
        outputs: Vec::new(),
        result: None,
        parts: Vec::new(),
        constraint: attempt.constraint.clone(),
        begun: kept.len(),
        given_up: Vec::new(),
    }
}

/// Joins the kept tokens of an output with those that were decoded after them.
fn join_outputs(before: &Hypothesis, kept: usize, after: Hypothesis) -> Hypothesis {
    if kept == 0 {
        return after;
    }
    let log_probabilities = [&before.log_probabilities[..kept], &after.log_probabilities].concat();
    let log_probability: f64 = log_probabilities.iter().copied().map(f64::from).sum();
    let watched = before.watched.iter().take(kept).chain(&after.watched).cloned();
    Hypothesis {
        ids: [&before.ids[..kept], &after.ids].concat(),
        rank: log_probability / log_probabilities.len().max(1) as f64,
        log_probability,
        finish: after.finish,
        watched: watched.collect(),
        log_probabilities,
    }
}

/// Whether a repaired output is better than the one before: no kind of warning is more frequent, some are fewer, and it is
/// not much less probable.
fn is_repaired(before: &Findings, after: &Findings, scores: (f64, f64)) -> bool {
    let count = |findings: &Findings, flag: Flag| findings.warnings().filter(|finding| finding.flag == flag).count();
    let is_no_worse = |flag: &Flag| count(after, *flag) <= count(before, *flag);
    Flag::ALL.iter().all(is_no_worse)
        && after.warnings().count() < before.warnings().count()
        && scores.1 >= scores.0 - MAX_SCORE_LOSS
}

impl ConstrainPass {
    /// Replaces a job's result by that of an attempt if it is better; else remembers that the attempt did not help.
    fn accept_attempt(&self, call: &mut TranslationCall, running: &RunningAttempt) {
        take_best_output(call, running.decoded);
        let (Some(before), Some(after)) = (
            call.jobs[running.replaced].result.clone(),
            call.jobs[running.decoded].result.take(),
        ) else {
            return;
        };
        let after = join_outputs(&before, running.attempt.kept, after);
        let findings = |output: &Hypothesis| {
            let source = &call.jobs[running.replaced].text;
            let text = call.mend_text(source, &call.text_of_output(output));
            call.check_text(source, &text, output.finish)
        };
        let scores = (before.mean_token_log_probability(), after.mean_token_log_probability());
        let is_better = is_repaired(&findings(&before), &findings(&after), scores);
        let job = &mut call.jobs[running.replaced];
        if is_better {
            job.result = Some(after);
        } else {
            job.given_up.extend(&running.attempt.expected);
        }
    }
}

impl DecodingPass for ConstrainPass {
    fn selects_job(&self, call: &TranslationCall, job: &DecodeJob) -> bool {
        if !call.options.mends_text() {
            return false;
        }
        match &job.parts[..] {
            [] => plan_attempt(call, job).is_some(),
            parts => parts.iter().any(|part| plan_attempt(call, &call.jobs[*part]).is_some()),
        }
    }

    fn make_jobs(&mut self, call: &mut TranslationCall, selected: &[usize]) -> Result<Vec<usize>> {
        let first = call.jobs.len();
        for &number in selected {
            for unit in list_units(call, number) {
                let Some(attempt) = plan_attempt(call, &call.jobs[unit]) else {
                    continue;
                };
                let job = make_attempt_job(&call.jobs[unit], &attempt);
                self.attempts.push(RunningAttempt {
                    selected: number,
                    replaced: unit,
                    decoded: call.jobs.len(),
                    attempt,
                });
                call.jobs.push(job);
            }
        }
        Ok((first..call.jobs.len()).collect())
    }

    fn search_settings<'a>(&self, call: &TranslationCall<'a>) -> SearchSettings<'a> {
        let plain = call.plain_search_settings();
        let beam = if call.translator.is_decoder_only() {
            1
        } else {
            plain.options.beam.max(CONSTRAINED_BEAM_WIDTH)
        };
        SearchSettings {
            options: SearchOptions { beam, ..plain.options },
            ..plain
        }
    }

    fn accept_batch(&mut self, call: &mut TranslationCall, batch: &[usize]) -> Vec<usize> {
        let is_decoded = |running: &mut RunningAttempt| batch.contains(&running.decoded);
        let decoded: Vec<RunningAttempt> = self.attempts.extract_if(.., is_decoded).collect();
        for running in &decoded {
            self.accept_attempt(call, running);
        }
        let is_waiting = |number: &usize| self.attempts.iter().any(|running| running.selected == *number);
        let mut finished: Vec<usize> = decoded.iter().map(|running| running.selected).collect();
        finished.sort_unstable();
        finished.dedup();
        finished.retain(|number| !is_waiting(number));
        finished
    }
}
