//! Progress displays for long commands: files, segments, tokens per second, time left. Drawn only on a terminal.

use super::printer::{Printer, ShownBar};
use crate::archive::RunCounts;
use crate::translate::Progress;
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use std::cell::RefCell;
use std::time::{Duration, Instant};
use unicode_width::UnicodeWidthStr;

/// The progress display of `plae translate`. It measures in bytes of the inputs, because the number of segments is
/// known only after a file has been read.
pub struct FileProgress<'a> {
    printer: &'a Printer,
    /// The bar, drawn once the model makes progress; files that need no model are done too quickly to show.
    bar: Option<ShownBar<'a>>,
    start: Instant,
    files: usize,
    file: usize,
    total: u64,
    /// Total size in bytes of the files that are finished.
    done: u64,
    /// Size in bytes of the current file.
    size: u64,
    /// The value of `done` when the bar was first drawn; the estimate of the time left excludes these bytes.
    skipped: u64,
    /// Number of output tokens of the files that are finished.
    tokens: usize,
}

impl<'a> FileProgress<'a> {
    pub fn new(printer: &'a Printer, files: usize, total: u64) -> Self {
        Self {
            printer,
            bar: None,
            start: Instant::now(),
            files,
            file: 0,
            total,
            done: 0,
            size: 0,
            skipped: 0,
            tokens: 0,
        }
    }

    /// Starts the progress display for the next file, which has `size` bytes.
    pub fn begin_file(&mut self, size: u64) {
        self.file += 1;
        self.size = size;
    }

    /// Updates the display with the progress of the current file.
    pub fn show_progress(&mut self, progress: Progress) {
        let bar = self.bar.get_or_insert_with(|| {
            self.start = Instant::now();
            self.skipped = self.done;
            self.printer.show_bar(create_bar(self.total))
        });
        let part = progress.done as f64 / progress.total.max(1) as f64;
        let position = self.done + (part * self.size as f64) as u64;
        let elapsed = self.start.elapsed();
        let tokens = self.tokens + progress.tokens;
        let left = estimate_time_left(
            elapsed,
            position - self.skipped,
            self.total.saturating_sub(self.skipped),
        );
        let parts = describe_progress((self.file, self.files), progress, TokenCount { tokens, elapsed }, left);
        // The position first, so that no picture shows a new message beside an old percentage.
        bar.bar.set_position(position);
        bar.bar.set_message(fit_to_width(parts, message_width()));
    }

    /// Counts the current file as finished or failed, with `tokens` output tokens.
    pub fn end_file(&mut self, tokens: usize) {
        self.tokens += tokens;
        self.done += self.size;
    }
}

/// Share of the work, and time, before which an estimate of the time left would only be a guess: the first batch holds
/// sentences of one length, and the machine has to warm up.
const MIN_ESTIMATE_SHARE: f64 = 0.1;
const MIN_ESTIMATE_TIME: Duration = Duration::from_secs(3);

/// Estimates the time left from the time `elapsed` for `done` of `total` bytes; none as long as too little is done.
fn estimate_time_left(elapsed: Duration, done: u64, total: u64) -> Option<Duration> {
    let rest = total.checked_sub(done)?;
    let enough = done > 0 && done as f64 >= MIN_ESTIMATE_SHARE * total as f64 && elapsed >= MIN_ESTIMATE_TIME;
    enough.then(|| elapsed.mul_f64(rest as f64 / done as f64))
}

/// Number of output tokens, and the time that they took.
struct TokenCount {
    tokens: usize,
    elapsed: Duration,
}

impl TokenCount {
    fn describe_rate(&self) -> String {
        format!(
            "{:.0} tokens/s",
            self.tokens as f64 / self.elapsed.as_secs_f64().max(1e-3)
        )
    }
}

/// A part of a progress message, and its rank: the parts of the highest ranks are left out first where there is no room.
type MessagePart = (u8, String);

fn describe_progress(
    (file, files): (usize, usize),
    progress: Progress,
    tokens: TokenCount,
    left: Option<Duration>,
) -> Vec<MessagePart> {
    let Progress { done, total, .. } = progress;
    let mut parts = Vec::new();
    if files > 1 {
        parts.push((2, format!("file {file}/{files}")));
    }
    parts.push((0, format!("segment {done}/{total}")));
    if tokens.tokens > 0 {
        parts.push((3, tokens.describe_rate()));
    }
    if let Some(left) = left {
        parts.push((1, format!("{:#} left", HumanDuration(left))));
    }
    parts
}

/// Joins the parts of a message, in their order, to at most `width` columns; leaves out whole parts, never half a word.
fn fit_to_width(mut parts: Vec<MessagePart>, width: usize) -> String {
    loop {
        let texts: Vec<&str> = parts.iter().map(|(_, text)| text.as_str()).collect();
        let message = texts.join(", ");
        if message.width() <= width {
            return message;
        }
        let last = parts.iter().enumerate().max_by_key(|(_, (rank, _))| *rank);
        match last {
            Some((index, _)) => drop(parts.remove(index)),
            None => return String::new(),
        }
    }
}

/// Fewest columns of a terminal for which a bar is drawn; below it, only its percentage is shown.
const MIN_BAR_COLUMNS: usize = 70;

/// Returns the width of the terminal at standard error in columns; 80 if it is unknown.
fn terminal_columns() -> usize {
    terminal_size::terminal_size_of(std::io::stderr()).map_or(80, |(width, _)| width.0.into())
}

/// Returns the number of columns that the message of [`create_bar`]'s bar may take, so that no line wraps.
fn message_width() -> usize {
    let columns = terminal_columns();
    let before = if columns < MIN_BAR_COLUMNS {
        "⠋ 100 % "
    } else {
        "⠋ ████████████████████████ 100 % "
    };
    columns.saturating_sub(before.width() + 1)
}

/// Creates a progress bar over `total` bytes, with a spinner that turns while a step takes long.
fn create_bar(total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let template = if terminal_columns() < MIN_BAR_COLUMNS {
        "{spinner} {percent:>3} % {msg}"
    } else {
        "{spinner} {bar:24} {percent:>3} % {msg}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(SPINNER_INTERVAL);
    bar
}

const SPINNER_INTERVAL: Duration = Duration::from_millis(120);

/// Creates the progress bar of a download, which fits the terminal; the message is the file's name.
pub fn create_download_bar(file: &str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    let bytes = "{decimal_bytes}/{decimal_total_bytes}{left}";
    let columns = terminal_columns();
    // 24 columns of a bar, 20 of sizes, 10 of a rate, 16 of a time.
    let template = match columns {
        ..MIN_BAR_COLUMNS => bytes.to_string(),
        _ if columns > 74 + file.width() => format!("{{bar:24}} {bytes}, {{decimal_bytes_per_sec}}, {{msg}}"),
        _ => format!("{{bar:24}} {bytes}"),
    };
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(
            style.with_key("left", |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                let left = estimate_time_left(state.elapsed(), state.pos(), state.len().unwrap_or(0));
                if let Some(left) = left {
                    // Writing to a string never fails.
                    let _ = write!(text, ", {:#} left", HumanDuration(left));
                }
            }),
        );
    }
    bar
}

/// The progress display of `plae archive`.
pub struct ArchiveProgress<'a> {
    printer: &'a Printer,
    bar: RefCell<Option<ShownBar<'a>>>,
    start: Instant,
    articles: usize,
    total: u64,
}

impl<'a> ArchiveProgress<'a> {
    /// Creates a display for a run over `articles` articles with `total` bytes together.
    pub fn new(printer: &'a Printer, articles: usize, total: u64) -> Self {
        Self {
            printer,
            bar: RefCell::default(),
            start: Instant::now(),
            articles,
            total,
        }
    }

    pub fn show_progress(&self, counts: &RunCounts) {
        let mut bar = self.bar.borrow_mut();
        let bar = bar.get_or_insert_with(|| self.printer.show_bar(create_bar(self.total)));
        let parts = self.describe_run(counts, self.start.elapsed());
        bar.bar.set_position(counts.bytes);
        bar.bar.set_message(fit_to_width(parts, message_width()));
    }

    fn describe_run(&self, counts: &RunCounts, elapsed: Duration) -> Vec<MessagePart> {
        let through = counts.done + counts.unchanged + counts.failed;
        let mut parts = vec![
            (0, format!("article {through}/{}", self.articles)),
            (2, format!("{} sentences", counts.made)),
        ];
        if counts.tokens > 0 {
            let tokens = TokenCount {
                tokens: counts.tokens,
                elapsed: counts.busy,
            };
            parts.push((3, tokens.describe_rate()));
        }
        // Skipping unchanged articles takes almost no time, so nothing is estimated before one is translated.
        if let (1.., Some(left)) = (counts.done, estimate_time_left(elapsed, counts.bytes, self.total)) {
            parts.push((1, format!("{:#} left", HumanDuration(left))));
        }
        parts
    }
}

/// The progress display of `plae translate --from jsonl`, whose input has an unknown length.
pub struct JsonlProgress<'a>(ShownBar<'a>);

impl<'a> JsonlProgress<'a> {
    pub fn new(printer: &'a Printer) -> Self {
        let bar = ProgressBar::no_length();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(SPINNER_INTERVAL);
        Self(printer.show_bar(bar))
    }

    /// Updates the display: `rows` rows are finished, `progress` is that of the current rows, translated for `elapsed`.
    pub fn show_progress(&self, rows: usize, progress: Progress, elapsed: Duration) {
        let tokens = TokenCount {
            tokens: progress.tokens,
            elapsed,
        };
        let mut parts = vec![(1, format!("{rows} rows"))];
        parts.extend(describe_progress((1, 1), progress, tokens, None));
        let room = terminal_columns().saturating_sub("⠋ ".width() + 1);
        self.0.bar.set_message(fit_to_width(parts, room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The display at the third of eight segments, with 50 tokens in four seconds.
    fn message(place: (usize, usize), left: Option<Duration>, width: usize) -> String {
        let progress = Progress {
            done: 3,
            total: 8,
            tokens: 50,
        };
        let tokens = TokenCount {
            tokens: 50,
            elapsed: Duration::from_secs(4),
        };
        fit_to_width(describe_progress(place, progress, tokens, left), width)
    }

    #[test]
    fn the_message_has_what_is_known_and_fits() {
        let left = Some(Duration::from_secs(40));
        let cases = [
            ((1, 1), None, 47, "segment 3/8, 12 tokens/s"),
            ((2, 9), left, 47, "file 2/9, segment 3/8, 12 tokens/s, 40s left"),
            ((2, 9), left, 40, "file 2/9, segment 3/8, 40s left"),
            ((2, 9), left, 30, "segment 3/8, 40s left"),
            ((2, 9), left, 12, "segment 3/8"),
            ((2, 9), left, 3, ""),
        ];
        for (place, left, width, expected) in cases {
            assert_eq!(message(place, left, width), expected);
        }
    }

    #[test]
    fn the_time_left_follows_the_rate_once_it_is_known() {
        let minute = Duration::from_secs(60);
        assert_eq!(estimate_time_left(minute, 25, 100), Some(3 * minute));
        assert_eq!(estimate_time_left(minute, 100, 100), Some(Duration::ZERO));
        let too_early = [
            (minute, 0, 100),
            (minute, 9, 100),
            (Duration::from_secs(2), 25, 100),
            (minute, 5, 0),
        ];
        for (elapsed, done, total) in too_early {
            assert_eq!(estimate_time_left(elapsed, done, total), None, "{done}");
        }
    }
}
