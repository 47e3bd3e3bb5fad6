//! Tests of the translator on a tiny random model: its outputs are no language, but their order, ids, parts and flags
//! can be checked.

use super::join::join_translations;
use super::*;
use crate::catalog::LocatedModel;
use crate::catalog::manifest::{Prompt, ShortSourcePrompt};
use crate::error::ErrorKind;
use crate::model::decoder::tests::TINY;
use crate::model::{Architecture, DecodingState};
use crate::thai::split::split_to_fit;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

fn translator() -> Translator {
    let mut manifest = Manifest::for_unlisted_model("tiny", Architecture::Gemma3);
    manifest.prompt = Some(Prompt {
        template: "การ: {text}\nte:".into(),
        shorter: vec![ShortSourcePrompt {
            below: 4,
            template: "ab: {text}\nกา:".into(),
        }],
        chat: None,
        stop: vec!["\n".into()],
        add_bos: true,
    });
    manifest.decoding.max_tokens = 30;
    let located = LocatedModel {
        manifest,
        path: TINY.into(),
        revision: None,
    };
    Translator::open(&located, LoadOptions::default()).expect("a translator")
}

fn translate(translator: &Translator, sources: &[&str], options: &DecodeOptions) -> Vec<Translation> {
    translator
        .translate(sources, options, &mut |_| ControlFlow::Continue(()))
        .expect("translations")
}

#[test]
fn order_batches_and_duplicates_change_nothing() {
    let translator = translator();
    let sources = ["การนำ", "กา", "a", "", "การการ กา นำ", "กา", "การนำ ab กา ราก"];
    let options = DecodeOptions {
        ids: true,
        ..Default::default()
    };
    let together = translate(&translator, &sources, &options);
    for batch_tokens in [1, 40] {
        let options = DecodeOptions {
            batch_tokens: Some(batch_tokens),
            ..options.clone()
        };
        assert_eq!(translate(&translator, &sources, &options), together, "{batch_tokens}");
    }
    for (source, expected) in sources.iter().zip(&together) {
        assert_eq!(translate(&translator, &[source], &options)[0], *expected, "{source}");
    }
    assert_eq!(together[1], together[5]);
}

#[test]
fn the_request_is_chosen_by_the_length_of_a_text() {
    let translator = translator();
    let with = |prompt: Option<&str>, sources: &[&str]| {
        let options = DecodeOptions {
            prompt: prompt.map(str::to_owned),
            ids: true,
            ..Default::default()
        };
        translate(&translator, sources, &options)
    };
    // Lengths count in characters: each of the first two sources has at least six bytes.
    let sources = ["การ", "นำ", "กานำ", "การการ"];
    let [short, long] = ["ab: {text}\\nกา:", "การ: {text}\\nte:"].map(|prompt| with(Some(prompt), &sources));
    let chosen = with(None, &sources);
    assert_eq!((&chosen[..2], &chosen[2..]), (&short[..2], &long[2..]));
    assert!(
        short
            .iter()
            .zip(&long)
            .all(|(short, long)| short.source_ids != long.source_ids)
    );
}

#[test]
fn the_best_of_a_text_is_the_same_whatever_it_is_batched_with() {
    let translator = translator();
    let sources = ["การนำ", "กา", "การการ กา นำ", "กา", "การนำ ab กา ราก"];
    let with = |quality, batch_tokens| DecodeOptions {
        quality,
        batch_tokens,
        ..Default::default()
    };
    let best = translate(&translator, &sources, &with(Quality::Best, None));
    assert_eq!(translate(&translator, &sources, &with(Quality::Best, Some(1))), best);
    for (source, expected) in sources.iter().zip(&best) {
        assert_eq!(
            translate(&translator, &[source], &with(Quality::Best, None))[0],
            *expected,
            "{source}"
        );
    }
    assert_eq!(best[1], best[3]);
    let usual = translate(&translator, &sources, &with(Quality::Default, None));
    assert!(best != usual, "random outputs were never chosen: {best:?}");
}

#[test]
fn a_text_without_thai_is_copied_and_marked() {
    let translator = translator();
    let found = translate(&translator, &["Reuters, 12:30", " "], &DecodeOptions::default());
    assert_eq!(
        (found[0].text.as_str(), found[0].finish),
        ("Reuters, 12:30", FinishReason::Copy)
    );
    assert_eq!(found[0].findings, [Flag::NoThai].into_iter().collect());
    assert_eq!((found[1].text.as_str(), found[1].findings.len()), (" ", 0));
}

#[test]
fn the_ids_are_those_of_the_whole_prompt() {
    let translator = translator();
    let options = DecodeOptions {
        ids: true,
        max_tokens: Some(4),
        ..Default::default()
    };
    let found = &translate(&translator, &["กานำ"], &options)[0];
    let prompt = translator.tokenizer.encode("การ: กานำ\nte:");
    assert_eq!(found.source_ids, Some([&[2][..], &prompt].concat()));
    assert!(found.target_ids.as_ref().is_some_and(|ids| ids.len() <= 4));
    let replaced = DecodeOptions {
        prompt: Some("{text}\\nab".into()),
        ..options
    };
    let found = &translate(&translator, &["กานำ"], &replaced)[0];
    assert_eq!(
        found.source_ids,
        Some([&[2][..], &translator.tokenizer.encode("กานำ\nab")].concat())
    );
    let wrong = DecodeOptions {
        prompt: Some("no place".into()),
        ..Default::default()
    };
    let error = translator
        .translate(&["กานำ"], &wrong, &mut |_| ControlFlow::Continue(()))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Usage);
}

#[test]
fn a_text_beyond_the_models_limit_is_translated_in_parts_and_flagged() {
    let translator = translator();
    for long in ["การนำ ".repeat(200), "กา".repeat(2000)] {
        let options = DecodeOptions {
            max_tokens: Some(3),
            ..Default::default()
        };
        let found = &translate(&translator, &[&long], &options)[0];
        assert!(
            found.findings.flags().any(|flag| flag == Flag::Divided),
            "{:?}",
            found.findings
        );
    }
}

#[test]
fn a_poor_translation_gives_way_to_more_probable_ones_of_its_parts() {
    let with = |divide_below| {
        let mut translator = translator();
        let decoding = &mut translator.manifest.decoding;
        decoding.divide_below = divide_below;
        // A strong prior on short outputs, so that outputs end.
        (decoding.length_ratio, decoding.length_prior) = (0.1, 20.0);
        translator
    };
    let (whole, divided) = (with(None), with(Some(0.0)));
    let words = ["การนำ", "กา", "นำ", "ราก", "กานำ", "การการ", "รากนำ"];
    let sources: Vec<String> = (1..40)
        .map(|step| {
            (0..30)
                .map(|i| words[(i * step + i / 7) % 7])
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    let sources: Vec<&str> = sources.iter().map(String::as_str).chain(["กา"]).collect();
    let options = DecodeOptions::default();
    let wholes = translate(&whole, &sources, &options);
    let mut given = Vec::new();
    let found = divided
        .translate_streaming(&sources, &options, &mut |_| ControlFlow::Continue(()), &mut |ready| {
            given.extend(ready.iter().cloned());
            Ok(())
        })
        .expect("translations");
    given.sort_by_key(|(index, _)| *index);
    assert!(
        given.into_iter().eq(found.iter().cloned().enumerate()),
        "each is given once"
    );
    let mut taken = 0;
    for ((source, whole), found) in sources.iter().zip(&wholes).zip(&found) {
        if !found.findings.flags().any(|flag| flag == Flag::Divided) {
            assert_eq!(found, whole);
            continue;
        }
        taken += 1;
        assert!(!found.findings.has_failure(), "{:?}", found.findings);
        assert!(whole.findings.has_failure() || found.score > whole.score);
        let count = |text: &str| divided.tokenizer.encode_source(text).len();
        let ranges = split_to_fit(source, (2 * count(source)).div_ceil(3), &count);
        let pieces: Vec<&str> = ranges.into_iter().map(|range| &source[range]).collect();
        let alone = translate(
            &with(None),
            &pieces,
            &DecodeOptions {
                quality: Quality::Fast,
                ..Default::default()
            },
        );
        assert_eq!(
            found.text,
            join_translations(&alone.into_iter().map(|part| part.text).collect::<Vec<_>>())
        );
    }
    let one = DecodeOptions {
        batch_tokens: Some(1),
        ..options
    };
    assert_eq!(translate(&divided, &sources, &one), found);
    assert!((1..sources.len() - 1).contains(&taken), "{taken} are divided");
    let best = |batch_tokens| DecodeOptions {
        quality: Quality::Best,
        batch_tokens,
        ..Default::default()
    };
    let chosen = translate(&divided, &sources, &best(None));
    assert_eq!(translate(&divided, &sources, &best(Some(1))), chosen);
    assert!(
        chosen
            .iter()
            .any(|chosen| chosen.findings.flags().any(|flag| flag == Flag::Divided)),
        "none is divided"
    );
    for options in [
        DecodeOptions {
            quality: Quality::Fast,
            ..Default::default()
        },
        DecodeOptions {
            plain_search: true,
            ..Default::default()
        },
    ] {
        assert_eq!(
            translate(&divided, &sources, &options),
            translate(&whole, &sources, &options)
        );
    }
}

#[test]
fn limits_are_kept_and_interruption_is_an_error() {
    let translator = translator();
    let options = DecodeOptions {
        min_tokens: Some(5),
        max_tokens: Some(5),
        ids: true,
        ..Default::default()
    };
    for found in translate(&translator, &["กา", "การนำ"], &options) {
        assert_eq!(found.target_ids.map(|ids| ids.len()), Some(5));
        assert_eq!(found.finish, FinishReason::Length);
    }
    let error = translator
        .translate(&["กา"], &options, &mut |_| ControlFlow::Break(()))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Interrupted);
}

#[test]
fn progress_counts_every_source_once() {
    let translator = translator();
    let mut seen = Vec::new();
    let sources = ["กา", "กา", "x", "การนำ"];
    let observer = &mut |progress: Progress| {
        seen.push(progress);
        ControlFlow::Continue(())
    };
    translator
        .translate(&sources, &DecodeOptions::default(), observer)
        .expect("translations");
    assert!(
        seen.windows(2)
            .all(|pair| pair[0].done <= pair[1].done && pair[0].tokens <= pair[1].tokens)
    );
    assert_eq!((seen[0].done, seen[0].total), (1, 4));
}

/// A model on a device whose memory holds at most `room` rows.
struct SmallMemoryModel {
    model: Box<dyn TranslationModel>,
    /// The most rows of a batch that the device's memory holds.
    room: usize,
    /// Numbers of rows of all computed batches, in order.
    asked: Arc<Mutex<Vec<usize>>>,
}

impl SmallMemoryModel {
    /// Errors like CUDA's driver without free memory if `rows` is more than `room`; records `rows`.
    fn check_memory(&self, rows: usize) -> Result<()> {
        self.asked.lock().expect("a count").push(rows);
        if rows > self.room {
            Err(crate::model::candle_error(candle_core::Error::Cuda(
                "DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")".into(),
            )))
        } else {
            Ok(())
        }
    }
}

impl TranslationModel for SmallMemoryModel {
    fn spec(&self) -> &crate::model::ModelSpec {
        self.model.spec()
    }

    fn begin_decoding(
        &self,
        prefixes: &[Option<&DecodingState>],
        sources: &[&[u32]],
    ) -> Result<(DecodingState, candle_core::Tensor)> {
        self.check_memory(sources.len())?;
        self.model.begin_decoding(prefixes, sources)
    }

    fn decode_step(&self, last: &[u32], state: &mut DecodingState) -> Result<candle_core::Tensor> {
        self.check_memory(last.len())?;
        self.model.decode_step(last, state)
    }
}

#[test]
fn a_batch_that_does_not_fit_is_halved_until_it_does() {
    let sources = ["การนำ", "กา", "การการ กา นำ", "นำ", "การนำ ab กา ราก", "ราก", "กากา"];
    // With beams, a batch whose sources still fit runs out of memory at its second step.
    for (beam, room) in [(1, 2), (3, 3), (3, 7)] {
        let options = DecodeOptions {
            beam: Some(beam),
            ids: true,
            max_tokens: Some(12),
            ..Default::default()
        };
        let expected = translate(&translator(), &sources, &options);
        let mut small = translator();
        let asked = Arc::new(Mutex::default());
        small.model = Box::new(SmallMemoryModel {
            model: small.model,
            room,
            asked: asked.clone(),
        });
        assert_eq!(
            translate(&small, &sources, &options),
            expected,
            "{beam} beams, {room} rows"
        );
        let asked = asked.lock().expect("a count");
        let failed = asked.iter().filter(|rows| **rows > room).count();
        // Seven sentences are halved twice at most: the size that fits is remembered for later batches.
        assert!((1..=2).contains(&failed), "{failed} failures");
    }
}

#[test]
fn one_sentence_that_does_not_fit_is_an_error_with_a_hint() {
    let mut small = translator();
    small.model = Box::new(SmallMemoryModel {
        model: small.model,
        room: 1,
        asked: Default::default(),
    });
    let options = DecodeOptions {
        beam: Some(2),
        ..Default::default()
    };
    let error = small
        .translate(&["การนำ", "กา"], &options, &mut |_| {
            ControlFlow::Continue(())
        })
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Memory);
    assert!(error.hint.is_some_and(|hint| hint.to_string().contains("one sentence")));
}

#[test]
fn ids_are_kept_whatever_is_searched_and_a_plain_search_is_asked_for_by_name() {
    let mut translator = translator();
    let decoding = &mut translator.manifest.decoding;
    // A strong prior on short outputs, so that outputs end early except in a plain search.
    (decoding.length_ratio, decoding.length_prior) = (0.1, 20.0);
    let sources = ["การนำ กา ราก", "กา", "a"];
    let with = |plain_search, ids| {
        let options = DecodeOptions {
            plain_search,
            ids,
            ..Default::default()
        };
        translate(&translator, &sources, &options)
    };
    let without_ids = |found: Vec<Translation>| -> Vec<Translation> {
        let without = |found| Translation {
            source_ids: None,
            target_ids: None,
            ..found
        };
        found.into_iter().map(without).collect()
    };
    let (usual, plain) = (with(false, false), with(true, false));
    assert_ne!(usual[0], plain[0], "the length expected makes no difference");
    assert!(usual.iter().chain(&plain).all(|found| found.target_ids.is_none()));
    for (plain_search, expected) in [(false, usual), (true, plain)] {
        let found = with(plain_search, true);
        assert!(
            found
                .iter()
                .all(|found| found.source_ids.is_some() && found.target_ids.is_some())
        );
        assert_eq!(without_ids(found), expected, "{plain_search}");
    }
}

/// A barrier at which threads wait for each other, for a limited time.
#[derive(Default)]
struct ThreadMeeting {
    arrived: Mutex<usize>,
    changed: Condvar,
}

impl ThreadMeeting {
    /// Waits until `expected` threads have called this method; returns false if they have not within 20 seconds.
    fn wait_for(&self, expected: usize) -> bool {
        let mut arrived = self.arrived.lock().expect("a count");
        *arrived += 1;
        self.changed.notify_all();
        let missing = |arrived: &mut usize| *arrived < expected;
        let waited = self
            .changed
            .wait_timeout_while(arrived, Duration::from_secs(20), missing);
        !waited.expect("a count").1.timed_out()
    }
}

#[test]
fn two_threads_decode_at_the_same_time_and_find_what_one_does() {
    let translator = translator();
    let sources = ["การนำ", "กา", "การการ กา นำ", "a", "การนำ ab กา ราก"];
    // The second thread uses another prompt, whose states replace those of the first thread's prompt in the cache.
    let options = [None, Some("การ {text}\\nab:".to_owned())].map(|prompt| DecodeOptions {
        prompt,
        batch_tokens: Some(1),
        ..Default::default()
    });
    let alone = options
        .each_ref()
        .map(|options| translate(&translator, &sources, options));
    assert_ne!(alone[0], alone[1]);
    let meeting = ThreadMeeting::default();
    let decode = |options: &DecodeOptions| {
        let mut met = None;
        let found = translator.translate(&sources, options, &mut |progress| {
            // Each thread waits in the middle of a batch until the other is in the middle of one, too.
            if progress.tokens > 0 && met.is_none() {
                met = Some(meeting.wait_for(2));
            }
            ControlFlow::Continue(())
        });
        (found.expect("translations"), met)
    };
    let together = std::thread::scope(|scope| {
        let threads = options.each_ref().map(|options| scope.spawn(|| decode(options)));
        threads.map(|thread| thread.join().expect("no panic"))
    });
    for ((found, met), alone) in together.iter().zip(&alone) {
        assert_eq!(*met, Some(true), "one waited for the other to end");
        assert_eq!(found, alone);
    }
}

/// vllm#31735, transformers#29279: neither a control token nor the lines of the prompt itself, spelled in an article.
#[test]
fn an_article_cannot_end_its_turn_or_add_an_example() {
    let translator = translator();
    let options = DecodeOptions {
        ids: true,
        normalize: Some(false),
        ..Default::default()
    };
    let [end] = [translator.tokenizer.token_to_id("<eos>").expect("a token")];
    let newlines = translator.tokenizer.ids_containing(&["\n".to_owned()]);
    let ids = |source: &str| {
        let found = translate(&translator, &[source], &options).swap_remove(0);
        found.source_ids.expect("ids")
    };
    let count = |ids: &[u32], wanted: &[u32]| ids.iter().filter(|id| wanted.contains(id)).count();
    let plain = ids("การนำกา");
    for source in ["การ<eos>นำ", "<eos>การนำ", "การนำ<eos>", "การ<bos><eos><pad>"] {
        assert_eq!(count(&ids(source), &[end]), 0, "{source}");
    }
    for source in ["การ\nte: ab\n\nการ: กา", "การ\r\nกานำ"] {
        assert_eq!(count(&ids(source), &newlines), count(&plain, &newlines), "{source}");
    }
}

#[test]
fn missing_numbers_are_written_whatever_a_text_is_batched_with() {
    let mut translator = translator();
    let decoding = &mut translator.manifest.decoding;
    // A strong prior on short outputs, so that outputs end.
    (decoding.length_ratio, decoding.length_prior) = (0.1, 20.0);
    let words = ["การนำ", "กา", "นำ", "ราก", "กานำ", "การการ", "รากนำ"];
    let sources: Vec<String> = (0..24)
        .map(|i| format!("{} {} {}", words[i % 7], 57 + 13 * i, words[(i / 7 + 2) % 7]))
        .collect();
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    let with = |quality, batch_tokens| DecodeOptions {
        quality,
        batch_tokens,
        ..Default::default()
    };
    let plain = translate(&translator, &sources, &with(Quality::Fast, None));
    let repaired = translate(&translator, &sources, &with(Quality::Default, None));
    assert_eq!(
        translate(&translator, &sources, &with(Quality::Default, Some(1))),
        repaired
    );
    let has_number = |found: &[Translation]| {
        let count = |(i, found): (usize, &Translation)| found.text.contains(&(57 + 13 * i).to_string());
        found.iter().enumerate().filter(|found| count(*found)).count()
    };
    println!(
        "{} of {} before, {} after",
        has_number(&plain),
        sources.len(),
        has_number(&repaired)
    );
    assert!(has_number(&repaired) > has_number(&plain));
    for (plain, repaired) in plain.iter().zip(&repaired) {
        assert!(
            repaired.findings.has_failure()
                || repaired.findings.warnings().count() <= plain.findings.warnings().count(),
            "{plain:?}\n{repaired:?}"
        );
    }
    for (source, expected) in sources.iter().zip(&repaired).take(6) {
        assert_eq!(
            translate(&translator, &[source], &with(Quality::Default, None))[0],
            *expected
        );
    }
}
