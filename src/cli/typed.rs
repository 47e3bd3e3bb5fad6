//! What people type that is no command line of plae's yet: a file without a command, and options of other programs.

use super::args::Cli;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Parses a command line, the program's name first. `plae FILE` is `plae translate FILE`, with any options.
///
/// # Errors
/// Those of clap: help, the version, or wrong usage.
pub fn parse_command_line(args: &[OsString]) -> Result<Cli, clap::Error> {
    let error = match Cli::try_parse_from(args) {
        Ok(cli) => return Ok(cli),
        Err(error) => error,
    };
    if !names_input_without_command(args, &error) {
        return Err(error);
    }
    let mut completed = args.to_vec();
    completed.insert(1, "translate".into());
    Cli::try_parse_from(completed)
}

/// Whether a command line that clap refuses names a file, a directory or `-` where a command is expected.
fn names_input_without_command(args: &[OsString], error: &clap::Error) -> bool {
    let is_input = |arg: &OsStr| arg == "-" || Path::new(arg).exists();
    match error.kind() {
        ErrorKind::InvalidSubcommand => rejected_text(error, ContextKind::InvalidSubcommand)
            .is_some_and(|name| args.iter().any(|arg| arg.to_string_lossy() == name && is_input(arg))),
        // An option of `translate` comes first.
        ErrorKind::UnknownArgument => {
            let command = Cli::command();
            let mut args = args.iter().skip(1);
            let is_command = |arg: &OsString| arg.to_str().is_some_and(|arg| command.find_subcommand(arg).is_some());
            !args.clone().any(is_command) && args.any(|arg| is_input(arg))
        }
        _ => false,
    }
}

/// Returns the text of the command line that an error is about.
fn rejected_text(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    }
}

/// Options that other translators have, each with the advice for who types it.
const FOREIGN_OPTIONS: &[(&[&str], &str)] = &[
    (
        &["-f", "--output-format", "--type", "--fmt"],
        "--format names the format of the output, --from that of the input",
    ),
    (
        &[
            "-t",
            "--to",
            "--target",
            "--target-lang",
            "--target-language",
            "--tgt",
            "-l",
            "--lang",
        ],
        "plae translates into English only; --format names the format of the output",
    ),
    (
        &["-s", "--source", "--source-lang", "--source-language", "--src"],
        "plae translates from Thai only; --from names the format of the input",
    ),
    (&["-i", "--input", "--file"], "name the input without an option"),
    (&["-m"], "the option is --model"),
    (
        &["-d", "--gpu", "--cuda"],
        "--device names where to compute: cpu, cuda or metal",
    ),
    (
        &["-b", "--batch-size", "--batch"],
        "--batch-tokens says how many source tokens are decoded together",
    ),
    (
        &["--num-beams", "--beam-size", "--beams"],
        "--beam sets the number of beams",
    ),
    (&["--overwrite", "-y", "--yes"], "--force overwrites existing outputs"),
    (
        &["-j", "--threads"],
        "RAYON_NUM_THREADS sets the number of threads; --jobs those beside the model in an archive",
    ),
    (&["-r", "--recursive"], "a directory is read with everything below it"),
    (
        &["--output-dir", "--outdir", "--out"],
        "-o names the output file or directory",
    ),
];

/// Returns advice about a refused command line that clap cannot give.
pub fn advise(error: &clap::Error) -> Option<String> {
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let typed = rejected_text(error, ContextKind::InvalidArg)?;
            let option = typed.split(['=', ' ']).next()?;
            let advice = FOREIGN_OPTIONS.iter().find(|(options, _)| options.contains(&option))?;
            Some(advice.1.to_string())
        }
        ErrorKind::InvalidSubcommand => {
            let typed = rejected_text(error, ContextKind::InvalidSubcommand)?;
            if is_web_address(typed) {
                return Some(web_address_hint(typed));
            }
            typed
                .contains(['.', '/', '\\'])
                .then(|| format!("there is no file `{typed}` either; `plae translate FILE` translates one"))
        }
        _ => None,
    }
}

/// Whether an input is an address of the web.
pub fn is_web_address(text: &str) -> bool {
    let scheme = text.split("://").next().filter(|scheme| scheme.len() < text.len());
    scheme.is_some_and(|scheme| {
        ["http", "https", "ftp"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
    })
}

/// Words the hint for an address of the web, which plae does not fetch.
pub fn web_address_hint(address: &str) -> String {
    format!("save the page and name the file, or run `curl -L '{address}' | plae translate --from html -`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Command;

    fn parse(args: &[&str]) -> Result<Cli, clap::Error> {
        let args: Vec<OsString> = std::iter::once("plae")
            .chain(args.iter().copied())
            .map(Into::into)
            .collect();
        parse_command_line(&args)
    }

    #[test]
    fn a_file_without_a_command_is_translated() {
        let lines: &[&[&str]] = &[
            &["Cargo.toml"],
            &["-"],
            &["src", "-o", "out"],
            &["-q", "Cargo.toml"],
            &["-o", "out.html", "Cargo.toml"],
            &["--model", "m", "Cargo.toml"],
        ];
        for line in lines {
            let cli = parse(line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
            assert!(
                matches!(cli.command, Command::Translate(args) if args.inputs.len() == 1),
                "{line:?}"
            );
        }
        assert!(matches!(parse(&["doctor"]).unwrap().command, Command::Doctor(_)));
    }

    #[test]
    fn what_is_neither_command_nor_file_is_said() {
        let error = parse(&["no-such-article.txt"]).unwrap_err();
        assert!(advise(&error).unwrap().contains("no file `no-such-article.txt`"));
        let error = parse(&["https://example.org/a.html"]).unwrap_err();
        assert!(advise(&error).unwrap().contains("curl -L 'https://example.org/a.html'"));
        let error = parse(&["translat", "Cargo.toml"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSubcommand);
        assert_eq!(advise(&error), None);
    }

    #[test]
    fn options_of_other_programs_are_answered() {
        let cases = [
            ("-f", "--format"),
            ("-t", "English only"),
            ("--target-lang=en", "English only"),
            ("--beam-size", "--beam"),
            ("--gpu", "--device"),
        ];
        for (option, advice) in cases {
            let error = parse(&["translate", "Cargo.toml", option]).unwrap_err();
            assert!(advise(&error).expect(option).contains(advice), "{option}");
        }
        let error = parse(&["translate", "--no-such-option"]).unwrap_err();
        assert_eq!(advise(&error), None);
    }

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("https://a.b/c", true),
            ("HTTP://a", true),
            ("a.txt", false),
            ("C://x", false),
        ] {
            assert_eq!(is_web_address(text), expected, "{text}");
        }
    }
}
