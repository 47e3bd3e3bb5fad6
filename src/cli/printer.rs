//! The printer, through which all commands write to standard output and standard error.

use super::args::OptionWords;
pub use super::style::{ERROR_STYLE, FAINT_STYLE, GOOD_STYLE, HINT_STYLE, WARNING_STYLE};
use super::visible::{KeptControlCharacters, escape_control_characters};
use super::words;
use crate::error::{Error, ErrorKind, Hint, Result};
use clap::builder::styling::Style;
use indicatif::{ProgressBar, ProgressDrawTarget};
use std::cell::RefCell;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

/// The values of `--color`: when output is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColourChoice {
    #[default]
    Auto,
    Always,
    Never,
}

pub const COLOUR_WORDS: &OptionWords<ColourChoice> = &[
    ("auto", ColourChoice::Auto, "On a terminal"),
    ("always", ColourChoice::Always, "Everywhere"),
    ("never", ColourChoice::Never, "Nowhere"),
];

/// The environment variables that decide about colours when `--color` is `auto`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ColourEnvironment {
    /// Whether NO_COLOR is set and not empty.
    pub no_color: bool,
    /// Whether CLICOLOR_FORCE is set, not empty and not 0.
    pub force: bool,
    /// Whether TERM is `dumb`, the name for a terminal without colours and cursor movement.
    pub dumb: bool,
}

impl ColourEnvironment {
    /// Reads NO_COLOR, CLICOLOR_FORCE and TERM through `var`, which returns the value of a variable.
    pub fn from_variables(var: impl Fn(&str) -> Option<std::ffi::OsString>) -> Self {
        let set = |name| var(name).is_some_and(|value| !value.is_empty());
        Self {
            no_color: set("NO_COLOR"),
            force: set("CLICOLOR_FORCE") && var("CLICOLOR_FORCE").is_some_and(|v| v != "0"),
            dumb: var("TERM").is_some_and(|term| term == "dumb"),
        }
    }

    /// Whether to colour a stream. `--color` decides first, then NO_COLOR, then CLICOLOR_FORCE, then whether the stream
    /// is a `terminal`.
    pub fn should_colour(self, choice: ColourChoice, terminal: bool) -> bool {
        match choice {
            ColourChoice::Always => true,
            ColourChoice::Never => false,
            ColourChoice::Auto if self.no_color => false,
            ColourChoice::Auto => self.force || (terminal && !self.dumb),
        }
    }
}

/// How many messages are printed on standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Only errors and the hints that belong to them (`--quiet`).
    Quiet,
    #[default]
    Default,
    Verbose,
}

/// Writes results to standard output, and messages and progress bars to standard error.
pub struct Printer {
    verbosity: Verbosity,
    /// Whether standard error is coloured.
    colour: bool,
    /// Whether standard output is coloured.
    data_colour: bool,
    /// Whether standard output is a terminal.
    data_terminal: bool,
    /// Whether standard output was closed when the program was started.
    stdout_closed: bool,
    /// Whether a progress bar may be drawn.
    live: bool,
    bar: RefCell<Option<ProgressBar>>,
    /// The hint printed with the last error; an equal hint of the next error is not printed again.
    hint: RefCell<Option<Hint>>,
}

impl Printer {
    pub fn new(verbosity: Verbosity, choice: ColourChoice, env: ColourEnvironment, stdout_closed: bool) -> Self {
        let terminal = io::stderr().is_terminal();
        Self {
            verbosity,
            colour: env.should_colour(choice, terminal),
            data_colour: env.should_colour(choice, io::stdout().is_terminal()),
            data_terminal: io::stdout().is_terminal(),
            stdout_closed,
            live: terminal && !env.dumb && verbosity > Verbosity::Quiet,
            bar: RefCell::default(),
            hint: RefCell::default(),
        }
    }

    /// Writes results to standard output. On a terminal, control characters are made visible; elsewhere the bytes stay
    /// as they are.
    ///
    /// # Errors
    /// `Output` if the write fails, or if standard output was closed when the program started. [`is_broken_pipe`]
    /// recognizes the case that the reader of a pipe has closed it.
    pub fn write_data(&self, bytes: impl AsRef<[u8]>) -> Result<()> {
        if self.data_terminal {
            self.write_page(String::from_utf8_lossy(bytes.as_ref()))
        } else {
            self.write_bytes(bytes.as_ref())
        }
    }

    /// Writes a page for people, such as a list of models, to standard output. Control characters are made visible
    /// even in a file, because pagers pass them on.
    ///
    /// # Errors
    /// Those of [`Printer::write_data`].
    pub fn write_page(&self, page: impl AsRef<str>) -> Result<()> {
        let kept = KeptControlCharacters {
            newlines: true,
            styles: self.data_colour,
        };
        self.write_bytes(escape_control_characters(page.as_ref(), kept).as_bytes())
    }

    fn write_bytes(&self, bytes: &[u8]) -> Result<()> {
        if self.stdout_closed {
            return Err(Error::output("is closed").path("standard output"));
        }
        let write = || {
            let mut out = io::stdout().lock();
            out.write_all(bytes)?;
            out.flush()
        };
        self.with_bar_hidden(write).map_err(|error| {
            Error::output(super::describe_io_error(&error))
                .path("standard output")
                .source(error)
        })
    }

    /// Formats `text` in `style` if standard output is coloured, else unchanged.
    pub fn paint_output(&self, style: Style, text: impl Display) -> String {
        paint_text(self.data_colour, style, text)
    }

    /// Prints a line to standard error, unless `--quiet` is given.
    pub fn print_note(&self, text: impl Display) {
        if self.verbosity >= Verbosity::Default {
            self.print_line(escape_message(text));
        }
    }

    /// Prints a line to standard error if `--verbose` is given.
    pub fn print_if_verbose(&self, text: impl Display) {
        if self.verbosity >= Verbosity::Verbose {
            self.print_line(paint_text(self.colour, FAINT_STYLE, escape_message(text)));
        }
    }

    /// Prints a warning to standard error, unless `--quiet` is given.
    pub fn print_warning(&self, text: impl Display) {
        if self.verbosity >= Verbosity::Default {
            let label = paint_text(self.colour, WARNING_STYLE, "warning:");
            self.print_line(format!("{label} {}", escape_message(text)));
        }
    }

    /// Prints an error to standard error, with its causes if `--verbose` is given, and its hint on a line of its own.
    pub fn print_error(&self, error: &Error) {
        self.print_line(format_error(error, self.colour, self.verbosity));
        let before = self.hint.replace(error.hint.as_deref().cloned());
        if let Some(hint) = error.hint.as_deref().filter(|hint| before.as_ref() != Some(hint)) {
            self.print_line(format_labelled_hint(words::describe_hint(hint), self.colour));
        }
    }

    /// Prints advice, usually about a warning, on a line of its own, unless `--quiet` is given.
    pub fn print_hint(&self, hint: impl Into<Hint>) {
        if self.verbosity >= Verbosity::Default {
            self.print_line(format_labelled_hint(words::describe_hint(&hint.into()), self.colour));
        }
    }

    fn print_line(&self, text: impl Display) {
        // Standard error may be closed; then the failure cannot be reported anywhere.
        self.with_bar_hidden(|| drop(writeln!(io::stderr().lock(), "{text}")));
    }

    /// Hides the progress bar, if one is drawn, while `write` runs.
    fn with_bar_hidden<T>(&self, write: impl FnOnce() -> T) -> T {
        match self.bar.borrow().as_ref() {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Draws a progress bar on standard error, if that is a terminal, until the returned guard is dropped. Meanwhile a
    /// bar that was drawn before is hidden.
    pub fn show_bar(&self, bar: ProgressBar) -> ShownBar<'_> {
        let target = if self.live {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        bar.set_draw_target(target);
        let before = self.bar.borrow_mut().replace(bar.clone());
        if let Some(before) = &before {
            before.suspend(|| ());
        }
        ShownBar {
            printer: self,
            bar,
            before,
        }
    }
}

/// A guard that keeps a progress bar on the screen until it is dropped.
pub struct ShownBar<'a> {
    printer: &'a Printer,
    pub bar: ProgressBar,
    before: Option<ProgressBar>,
}

impl Drop for ShownBar<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        *self.printer.bar.borrow_mut() = self.before.take();
    }
}

fn paint_text(colour: bool, style: Style, text: impl Display) -> String {
    if colour {
        format!("{style}{text}{style:#}")
    } else {
        text.to_string()
    }
}

fn format_error(error: &Error, colour: bool, verbosity: Verbosity) -> String {
    let (label, style) = match error.kind {
        ErrorKind::Interrupted => ("interrupted:", WARNING_STYLE),
        _ => ("error:", ERROR_STYLE),
    };
    // A file name may hold a line feed, which would begin a line that looks like a message of plae's own.
    let message = error.to_string();
    let message = escape_control_characters(&message, KeptControlCharacters::default());
    let mut text = format!("{} {message}", paint_text(colour, style, label));
    if verbosity == Verbosity::Verbose {
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            let label = paint_text(colour, FAINT_STYLE, "caused by:");
            text += &format!("\n  {label} {}", escape_message(error));
            cause = error.source();
        }
    }
    text
}

fn format_labelled_hint(text: impl Display, colour: bool) -> String {
    format!("{} {}", paint_text(colour, HINT_STYLE, "hint:"), escape_message(text))
}

/// Formats a message whose control characters, but line feeds, are made visible.
fn escape_message(text: impl Display) -> String {
    let kept = KeptControlCharacters {
        newlines: true,
        styles: false,
    };
    escape_control_characters(&text.to_string(), kept).into_owned()
}

/// Whether an error only means that the reader of standard output has closed the pipe, as `head` does.
pub fn is_broken_pipe(error: &Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours() {
        let env = |no_color, force, dumb| ColourEnvironment { no_color, force, dumb };
        let cases = [
            // option, environment, terminal, coloured
            (ColourChoice::Auto, env(false, false, false), true, true),
            (ColourChoice::Auto, env(false, false, false), false, false),
            (ColourChoice::Auto, env(false, false, true), true, false),
            (ColourChoice::Auto, env(true, false, false), true, false),
            (ColourChoice::Auto, env(false, true, false), false, true),
            (ColourChoice::Auto, env(true, true, false), true, false),
            (ColourChoice::Always, env(true, false, true), false, true),
            (ColourChoice::Never, env(false, true, false), true, false),
        ];
        for (choice, env, terminal, expected) in cases {
            assert_eq!(
                env.should_colour(choice, terminal),
                expected,
                "{choice:?} {env:?} {terminal}"
            );
        }
    }

    #[test]
    fn the_environment_is_read_as_the_conventions_say() {
        let read = |name: &'static str, value: &'static str| {
            ColourEnvironment::from_variables(move |asked| (asked == name).then(|| value.into()))
        };
        assert!(read("NO_COLOR", "1").no_color);
        assert!(!read("NO_COLOR", "").no_color);
        assert!(read("CLICOLOR_FORCE", "1").force);
        assert!(!read("CLICOLOR_FORCE", "0").force);
        assert!(read("TERM", "dumb").dumb);
        assert!(!read("TERM", "xterm").dumb);
    }

    #[test]
    fn an_error_shows_place_and_causes() {
        let error = Error::input("invalid UTF-8")
            .path("a.txt")
            .place("byte 17")
            .source(io::Error::other("underneath"));
        assert_eq!(
            format_error(&error, false, Verbosity::Default),
            "error: a.txt:byte 17: invalid UTF-8"
        );
        assert_eq!(
            format_error(&error, false, Verbosity::Verbose),
            "error: a.txt:byte 17: invalid UTF-8\n  caused by: underneath"
        );
        let coloured = format_error(&error, true, Verbosity::Default);
        assert!(coloured.starts_with("\x1b[1m\x1b[31merror:\x1b[0m a.txt"));
    }

    #[test]
    fn only_a_broken_pipe_is_a_broken_pipe() {
        let with = |kind: io::ErrorKind| Error::output("failed").source(io::Error::new(kind, "failed"));
        assert!(is_broken_pipe(&with(io::ErrorKind::BrokenPipe)));
        assert!(!is_broken_pipe(&with(io::ErrorKind::StorageFull)));
        assert!(!is_broken_pipe(&Error::output("failed")));
    }
}
