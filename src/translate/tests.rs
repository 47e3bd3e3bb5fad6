//! The translator on a tiny random model: what comes out is no language, but order, ids, parts and flags hold.

use super::*;
use crate::model::tests::TINY;
use proptest::prelude::*;

fn translator() -> Translator {
    let mut manifest = Manifest::unlisted("tiny", Architecture::Gemma3);
    manifest.prompt = Some(Prompt {
        template: "การ: {text}\nte:".into(),
        chat: None,
        stop: vec!["\n".into()],
        add_bos: true,
    });
    manifest.decoding.max_tokens = 30;
    let located = Located {
        manifest,
        path: TINY.into(),
        revision: None,
    };
    Translator::load(&located, DeviceChoice::Auto, Precision::Auto).expect("a translator")
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
fn a_text_without_thai_is_copied_and_marked() {
    let translator = translator();
    let found = translate(&translator, &["Reuters, 12:30", " "], &DecodeOptions::default());
    assert_eq!(
        (found[0].text.as_str(), found[0].finish),
        ("Reuters, 12:30", Finish::Copy)
    );
    assert_eq!(found[0].flags, [Flag::NoThai]);
    assert_eq!((found[1].text.as_str(), &found[1].flags[..]), (" ", &[][..]));
}

#[test]
fn the_ids_are_those_of_the_whole_prompt() {
    let translator = translator();
    let options = DecodeOptions {
        ids: true,
        max_tokens: Some(4),
        ..Default::default()
    };
    let found = &translate(&translator, &["กา"], &options)[0];
    let prompt = translator.tokenizer.encode("การ: กา\nte:");
    assert_eq!(found.source_ids, Some([&[2][..], &prompt].concat()));
    assert!(found.target_ids.as_ref().is_some_and(|ids| ids.len() <= 4));
    let replaced = DecodeOptions {
        prompt: Some("{text}\\nab".into()),
        ..options
    };
    let found = &translate(&translator, &["กา"], &replaced)[0];
    assert_eq!(
        found.source_ids,
        Some([&[2][..], &translator.tokenizer.encode("กา\nab")].concat())
    );
    let wrong = DecodeOptions {
        prompt: Some("no place".into()),
        ..Default::default()
    };
    let error = translator
        .translate(&["กา"], &wrong, &mut |_| ControlFlow::Continue(()))
        .unwrap_err();
    assert_eq!(error.kind, crate::error::Kind::Usage);
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
        assert!(found.flags.contains(&Flag::Divided), "{:?}", found.flags);
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
        assert_eq!(found.finish, Finish::Length);
    }
    let error = translator
        .translate(&["กา"], &options, &mut |_| ControlFlow::Break(()))
        .unwrap_err();
    assert_eq!(error.kind, crate::error::Kind::Interrupted);
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

proptest! {
    #[test]
    fn parts_are_the_text_but_for_white_space(text in "[กาำ่ a\u{200b}😀]{0,400}", limit in 1usize..40) {
        let parts = divide(&text, &|part| part.len() <= limit);
        let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        prop_assert_eq!(bare(&parts.concat()), bare(&text));
    }
}
