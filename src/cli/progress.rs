//! Progress displays for long commands: files, segments, tokens per second, time left. Drawn only on a terminal.

use super::printer::{Printer, ShownBar};
use crate::archive::RunCounts;
use crate::translate::Progress;
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use std::cell::RefCell;
use std::time::{Duration, Instant};

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
            let bar = ProgressBar::new(self.total);
            if let Ok(style) = ProgressStyle::with_template("{bar:24} {percent:>3} % {msg}") {
                bar.set_style(style);
            }
            self.start = Instant::now();
            self.skipped = self.done;
            self.printer.show_bar(bar)
        });
        let part = progress.done as f64 / progress.total.max(1) as f64;
        let position = self.done + (part * self.size as f64) as u64;
        let elapsed = self.start.elapsed();
        let rate = (self.tokens + progress.tokens) as f64 / elapsed.as_secs_f64().max(1e-3);
        let left = estimate_time_left(
            elapsed,
            position - self.skipped,
            self.total.saturating_sub(self.skipped),
        );
        bar.bar
            .set_message(format_progress((self.file, self.files), progress, rate, left));
        bar.bar.set_position(position);
    }

    /// Counts the current file as finished or failed, with `tokens` output tokens.
    pub fn end_file(&mut self, tokens: usize) {
        self.tokens += tokens;
        self.done += self.size;
    }
}

/// Estimates the time left from the time `elapsed` for `done` of `total` bytes; none if `done` is 0 or exceeds `total`.
fn estimate_time_left(elapsed: Duration, done: u64, total: u64) -> Option<Duration> {
    let rest = total.checked_sub(done)?;
    (done > 0).then(|| elapsed.mul_f64(rest as f64 / done as f64))
}

fn format_progress((file, files): (usize, usize), progress: Progress, rate: f64, left: Option<Duration>) -> String {
    let Progress { done, total, .. } = progress;
    let mut text = match files {
        1 => String::new(),
        _ => format!("file {file}/{files}, "),
    };
    text += &format!("segment {done}/{total}, {rate:.0} tokens/s");
    if let Some(left) = left {
        text += &format!(", {:#} left", HumanDuration(left));
    }
    text
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
        let bar = bar.get_or_insert_with(|| {
            let bar = ProgressBar::new(self.total);
            if let Ok(style) = ProgressStyle::with_template("{bar:24} {percent:>3} % {msg}") {
                bar.set_style(style);
            }
            self.printer.show_bar(bar)
        });
        bar.bar.set_message(self.format_progress(counts, self.start.elapsed()));
        bar.bar.set_position(counts.bytes);
    }

    fn format_progress(&self, counts: &RunCounts, elapsed: Duration) -> String {
        let through = counts.done + counts.unchanged + counts.failed;
        let mut text = format!("article {through}/{}, {} sentences", self.articles, counts.made);
        if counts.tokens > 0 {
            let rate = counts.tokens as f64 / counts.busy.as_secs_f64().max(1e-3);
            text += &format!(", {rate:.0} tokens/s");
        }
        // Skipping unchanged articles takes almost no time, so nothing is estimated before one is translated.
        if let (1.., Some(left)) = (counts.done, estimate_time_left(elapsed, counts.bytes, self.total)) {
            text += &format!(", {:#} left", HumanDuration(left));
        }
        text
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
        Self(printer.show_bar(bar))
    }

    /// Updates the display: `rows` rows are finished, `progress` is that of the current rows, translated for `elapsed`.
    pub fn show_progress(&self, rows: usize, progress: Progress, elapsed: Duration) {
        let rate = progress.tokens as f64 / elapsed.as_secs_f64().max(1e-3);
        let in_hand = format_progress((1, 1), progress, rate, None);
        self.0.bar.set_message(format!("{rows} rows; {in_hand}"));
        self.0.bar.tick();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_has_what_is_known() {
        let progress = Progress {
            done: 3,
            total: 8,
            tokens: 50,
        };
        assert_eq!(
            format_progress((1, 1), progress, 12.4, None),
            "segment 3/8, 12 tokens/s"
        );
        assert_eq!(
            format_progress((2, 9), progress, 0.0, Some(Duration::from_secs(40))),
            "file 2/9, segment 3/8, 0 tokens/s, 40s left"
        );
    }

    #[test]
    fn the_time_left_follows_the_rate() {
        let minute = Duration::from_secs(60);
        assert_eq!(estimate_time_left(minute, 25, 100), Some(3 * minute));
        assert_eq!(estimate_time_left(minute, 0, 100), None);
        assert_eq!(estimate_time_left(minute, 100, 100), Some(Duration::ZERO));
        assert_eq!(estimate_time_left(minute, 5, 0), None);
    }
}
