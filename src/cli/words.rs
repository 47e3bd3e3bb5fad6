//! The wording of counts, sizes and hints in the command line's messages.

use crate::error::{Hint, describe_non_commercial_models};
pub(super) use crate::file::format_byte_size as size;
use std::borrow::Cow;

/// Formats `count` with the singular or plural of `noun`: `1 file`, `2 files`.
pub fn format_count(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// Formats a hint of the library for the command line, with the names of the options and commands to use.
pub fn describe_hint(hint: &Hint) -> Cow<'_, str> {
    Cow::Borrowed(match hint {
        Hint::Text(text) => text,
        Hint::Overwrite => "overwrite it with --force, or write elsewhere with -o",
        Hint::WriteElsewhere => "write elsewhere with -o",
        Hint::FreeSpace => "free some space, or write elsewhere with -o",
        Hint::LearnEdits => {
            "keep its edits with `plae memory learn` and run this again; or overwrite it with --force=NAME, or move it away"
        }
        Hint::MoveForeign => "move it away, overwrite it with --force=NAME, or write elsewhere with -o",
        Hint::MoveEdited => {
            "move it away to keep the edits, which plae cannot learn from it; or overwrite it with --force=NAME"
        }
        Hint::ShortenName => {
            "give the input a shorter name, or name the output otherwise: a file with -o, an archive's with --name"
        }
        Hint::WaitForOtherRun => "wait for it or end it, or write elsewhere with -o",
        Hint::MergeFirst(output) => return format!("run `plae merge {}` first", output.display()).into(),
        Hint::MergeOrOverwrite(output) => {
            return format!(
                "if another shard wrote it before its source changed, run `plae merge {}` and then the shards again; \
                 --force overwrites it",
                output.display()
            )
            .into();
        }
        Hint::MergeElsewhere => "move it away, or merge into another directory with -o",
        Hint::NameEncoding => "name the right encoding with --encoding, for example --encoding windows-874",
        Hint::GuessedEncoding(name) => {
            return format!("it looks like {name}; if it is, give --encoding {name}").into();
        }
        Hint::NameUtf16 => {
            "plae reads text, Markdown and HTML; for UTF-16 without a byte-order mark, give --encoding utf-16le"
        }
        Hint::UseAsModel => "give a model with --model",
        Hint::OwnOutput { which, format, purpose } => {
            return format!("only {which} `--format {format}` can be {purpose}").into();
        }
        Hint::LearnFromOutput => "`plae memory learn` takes from it what people edited",
        Hint::NameModel => "name a model with --model",
        Hint::NameModelFile => "download the one you want and name it with --model",
        Hint::ListModels => "`plae models list` shows what is",
        Hint::ListModelsOrNameRepository => {
            "`plae models list` shows the names; organisation/name takes a model from the Hub"
        }
        Hint::ModelForms => "a model is a .gguf file, a directory, a name from `plae models list` or organisation/name",
        Hint::SimilarModels(names) => {
            return format!("did you mean {}? `plae models list` shows all", names.join(" or ")).into();
        }
        Hint::PullModel => "`plae models pull` fetches a model",
        Hint::PullModelOrNameAnother(name) => {
            return format!("run `plae models pull {name}` with a network, or name another model").into();
        }
        Hint::PullModelOrNameFile { non_commercial } => {
            return format!(
                "run `plae models pull` with a network, or name a directory or a .gguf file with --model{}",
                describe_non_commercial_models(non_commercial)
            )
            .into();
        }
        Hint::UseNetwork => "take away --offline or HF_HUB_OFFLINE",
        Hint::CheckNetwork => {
            "check the network; HF_ENDPOINT names another Hub, and what is in the cache needs none (--offline)"
        }
        Hint::UseCpu => "use --device cpu, or auto",
        Hint::BuildWithFeature(feature) => {
            return format!("`cargo install plae --features {feature}` builds one that has it; or use --device cpu")
                .into();
        }
        Hint::ListDevices => "`plae doctor` lists the devices that do; or use --device cpu",
        Hint::UsePrecision(precision) => return format!("use --precision {precision}").into(),
        Hint::AutoPrecisionOrCpu => "use --precision auto, or --device cpu",
        Hint::UseF32OrFetchAgain => {
            "--precision f32 rounds least; where that fails too, the weights are damaged: fetch the model again"
        }
        Hint::UseLessMemory => "use a smaller model, --precision bf16 if it is not that already, or --device cpu",
        Hint::UseSmallerBeam => "not even one sentence fits: use a smaller --beam or model, or --device cpu",
        Hint::NoPrompt => "take --prompt away",
        Hint::OtherMemory(remedy) => return format!("{remedy}, or name another file with --memory").into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_agree() {
        assert_eq!(format_count(1, "segment"), "1 segment");
        assert_eq!(format_count(0, "segment"), "0 segments");
    }

    #[test]
    fn advice_names_options_here_and_none_in_the_library() {
        let cases = [
            (Hint::Overwrite, "overwrite it with --force, or write elsewhere with -o"),
            (Hint::MergeFirst("out".into()), "run `plae merge out` first"),
            (
                Hint::OwnOutput {
                    which: "a table that plae wrote with",
                    format: "tsv",
                    purpose: "learned from",
                },
                "only a table that plae wrote with `--format tsv` can be learned from",
            ),
            (
                Hint::PullModelOrNameFile {
                    non_commercial: vec!["one".into(), "two".into()],
                },
                "run `plae models pull` with a network, or name a directory or a .gguf file with --model; \
                 one is here, for non-commercial use, if you name it; two is here, for non-commercial use, if you name it",
            ),
            (
                Hint::OtherMemory("end the other program"),
                "end the other program, or name another file with --memory",
            ),
        ];
        for (advice, expected) in cases {
            assert_eq!(describe_hint(&advice), expected);
            let plain = advice.to_string();
            assert!(!plain.contains("--") && !plain.contains('`'), "{plain}");
        }
        assert_eq!(describe_hint(&"try again".into()), "try again");
    }
}
