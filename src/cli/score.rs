//! `plae score`: computes BLEU and chrF2 of a translation against a reference.

use super::args::{self, PlainOrJson};
use super::plan::InputSource;
use super::printer::Printer;
use super::{CommandStatus, file};
use crate::error::{Error, Result};
use crate::score;
use std::path::Path;

pub fn run(args: &args::ScoreArgs, printer: &Printer) -> Result<CommandStatus> {
    if file::is_dash(&args.hypothesis) && file::is_dash(&args.reference) {
        return Err(Error::usage("standard input can be read once only"));
    }
    let hypothesis = read_text(&args.hypothesis)?;
    let reference = read_text(&args.reference)?;
    let (hypothesis, reference) = (split_lines(&hypothesis), split_lines(&reference));
    let scores = score::score_corpus(&hypothesis, &reference).map_err(|error| error.path(&args.hypothesis))?;
    printer.write_data(match args.format.unwrap_or_default() {
        PlainOrJson::Plain => format!("BLEU  {:.2}\nchrF2 {:.2}\n", scores.bleu, scores.chrf2),
        PlainOrJson::Jsonl => {
            let object = serde_json::json!({
                "hypothesis": args.hypothesis.display().to_string(),
                "reference": args.reference.display().to_string(),
                "bleu": scores.bleu,
                "chrf2": scores.chrf2,
                "segments": scores.segments,
                "bleu_signature": scores.bleu_signature(),
                "chrf2_signature": scores.chrf2_signature(),
            });
            format!("{object}\n")
        }
    })?;
    Ok(CommandStatus::Done)
}

fn read_text(path: &Path) -> Result<String> {
    let bytes = InputSource::from_argument(path).read()?;
    String::from_utf8(bytes).map_err(|error| {
        Error::input("not valid UTF-8")
            .path(path)
            .place(format!("byte {}", error.utf8_error().valid_up_to()))
    })
}

/// Splits a text into lines as sacrebleu does: at LF, CR LF or CR, and without white space at the end of each line.
fn split_lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.split_inclusive('\n') {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        lines.extend(line.split('\r').map(str::trim_end));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_in_sacrebleu() {
        let cases: [(&str, &[&str]); 6] = [
            ("", &[]),
            ("a", &["a"]),
            ("a\n", &["a"]),
            ("a\n\nb \n", &["a", "", "b"]),
            ("a\r\nb\r\n", &["a", "b"]),
            ("a\rb\nc", &["a", "b", "c"]),
        ];
        for (text, expected) in cases {
            assert_eq!(split_lines(text), expected, "{text:?}");
        }
    }
}
