//! `plae archive`: translates all articles of a directory. A run may be interrupted; the next run goes on.

use super::args::ArchiveArgs;
use super::config::Config;
use super::inputs::{
    format_notice, format_skipped_files, print_notices, print_task_previews, resolve_pipeline_options,
};
use super::plan::{InputSource, PlannedOutput, TranslationTask};
use super::printer::Printer;
use super::progress;
use super::session::ModelSession;
use super::words::{format_count, size};
use super::{CommandStatus, interrupt};
use crate::archive::{
    self, ArchiveDir, ArchiveLock, ArchivePlan, ArchivePlanOptions, ArchiveState, Article, ArticleList,
    EDITED_DIR_NAME, INDEX_FILE_NAME, Overwrite, REPORT, RunCallbacks, RunCounts,
};
use crate::error::{Error, ErrorKind, Result};
use crate::memory::Memory;
use crate::pipeline::{self, ReadingNotice};
use crate::render::{OutputFormat, RenderOptions};
use crate::translate::{Translator, identify_model};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

/// Key in the archive's state for the number of sentences that all runs so far have translated.
const TRANSLATED_SENTENCES_KEY: &str = "sentences";
/// Key in the archive's state for the seconds that all runs so far have spent translating.
const TRANSLATION_SECONDS_KEY: &str = "seconds";
/// Maximum number of articles that are named in a list, or that the same is said of one by one.
const MAX_LISTED_NAMES: usize = 20;

pub fn run(args: &ArchiveArgs, config: &Config, printer: &Printer) -> Result<CommandStatus> {
    let options = resolve_pipeline_options(&args.reading, &args.decoding, config)?;
    let output = &args.output;
    if !args.input.is_dir() {
        return Err(Error::usage("is no directory")
            .path(&args.input)
            .hint("an archive is a directory of articles; `plae translate` takes files"));
    }
    let plan = plan_articles(args)?;
    let site = ArchiveDir::new(output, args.shard);
    if args.dry_run {
        return print_dry_run(plan, &options, &site, printer);
    }
    let ArchivePlan {
        articles,
        failures,
        skipped,
    } = plan;
    let overwrite = resolve_overwrite(args, &site, &articles)?;
    let bytes = total_size_bytes(&articles);
    let session = ModelSession::new(config, printer);
    // An unavailable model is reported before any article is read.
    let identity = identify_model(session.locate_model()?)?;
    let _lock = ArchiveLock::acquire(&site)?;
    site.check_no_conflicting_shards()?;
    site.copy_state_from_whole_archive(&articles)?;
    let usual = site.database_path();
    let state = ArchiveState::open(&usual)?;
    let memory = if args.memory.no_memory {
        None
    } else {
        Some(Memory::open(args.memory.memory.as_deref().unwrap_or(&usual))?)
    };
    let human_hash = memory.as_ref().map(Memory::hash_human_translations).transpose()?;
    let render = RenderOptions {
        layout: config.layout,
        width: None,
    };
    let settings = archive::RunSettings {
        identity: &identity,
        precision: config.precision,
        vocabulary: config.vocabulary,
        reading: &options,
        render: &render,
        human_hash: human_hash.as_deref(),
    };
    let manner = settings.to_stored();
    // Earlier versions wrote years in one era only.
    let former_manner = options.decode.era.is_default().then(|| settings.to_former_text());
    let archive_options = archive::ArchiveOptions {
        reading: options,
        render,
        manner,
        former_manner,
        jobs: args
            .jobs
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
        overwrite,
    };
    let host = CliCallbacks {
        session: &session,
        printer,
        bar: progress::ArchiveProgress::new(printer, articles.len(), bytes),
        counts: Cell::default(),
        notices: RefCell::default(),
    };
    for failure in &failures {
        printer.print_error(&failure.error);
    }
    // From here on, Ctrl-C waits until the current batch of sentences is translated.
    let _patience = interrupt::defer_exit();
    let start = Instant::now();
    let ended = archive::translate_archive(&site, &articles, memory.as_ref(), &state, &archive_options, &host);
    let ended = ended.map_err(explain_interruption);
    let counts = match &ended {
        Ok(counts) => *counts,
        Err(_) => host.counts.get(),
    };
    host.print_further_notices();
    drop(host);
    let count = articles.len();
    // An interrupted run also gets a report, of what is done so far. The error that ended the run is returned before an
    // error in writing the report.
    let written = add_translation_pace(&state, &counts)
        .and_then(|()| report_gone_articles(&site, &articles, &state, args.prune && ended.is_ok(), printer))
        .and_then(|()| archive::write_report(&site, &state, &archive_options.overwrite));
    drop(articles);
    print_summary(count, failures.len(), &counts, start.elapsed(), &site, printer);
    if !skipped.is_empty() {
        printer.print_note(format!("passed over: {skipped}"));
    }
    let counts = ended?;
    written?;
    Ok(match counts.failed + failures.len() {
        0 => CommandStatus::Done,
        _ => CommandStatus::Failed,
    })
}

/// Returns the outputs that `--force` allows to overwrite.
fn resolve_overwrite(args: &ArchiveArgs, site: &ArchiveDir, articles: &ArticleList) -> Result<Overwrite> {
    match args.force.as_deref() {
        None => Ok(Overwrite::Nothing),
        Some([]) => Ok(Overwrite::Everything),
        Some(names) => Overwrite::named(names, site, articles),
    }
}

/// Adds to the error of an interrupted run how to go on; other errors are unchanged.
fn explain_interruption(error: Error) -> Error {
    match error.kind {
        ErrorKind::Interrupted => Error::new(ErrorKind::Interrupted, "stopped before the end")
            .hint("what is finished is kept; the same command goes on from here"),
        _ => error,
    }
}

/// Stores and prints which articles are gone from the input directory; if `prunes`, removes their outputs.
fn report_gone_articles(
    site: &ArchiveDir,
    articles: &ArticleList,
    state: &ArchiveState,
    prunes: bool,
    printer: &Printer,
) -> Result<()> {
    let gone = archive::find_gone_articles(articles, state)?;
    if gone.is_empty() {
        return Ok(());
    }
    let mut names: Vec<String> = gone
        .iter()
        .take(MAX_LISTED_NAMES)
        .map(|gone| match &gone.renamed_to {
            None => gone.place.clone(),
            Some(place) => format!("{} (now {place})", gone.place),
        })
        .collect();
    if names.len() < gone.len() {
        names.push(format!("and {} more", gone.len() - names.len()));
    }
    let mut line = format!(
        "{} gone from {}: {}",
        format_count(gone.len(), "article"),
        articles.root().display(),
        names.join(", ")
    );
    if !prunes {
        printer.print_note(line + "; --prune removes their outputs");
        return Ok(());
    }
    let pruned = archive::prune_gone_articles(site, &gone, state)?;
    line += &format!("; {} removed", format_count(pruned.removed, "output"));
    printer.print_note(line);
    for path in pruned.edited {
        printer.print_note(format!("{}: edited since plae wrote it, kept", path.display()));
    }
    Ok(())
}

/// Finds the articles to translate and names their outputs, as the command line says.
fn plan_articles(args: &ArchiveArgs) -> Result<ArchivePlan> {
    let globs: Vec<String> = args
        .include
        .iter()
        .cloned()
        .chain(args.exclude.iter().map(|glob| format!("!{glob}")))
        .collect();
    let formats = match args.format.as_slice() {
        [] => &[OutputFormat::Html],
        formats => formats,
    };
    let options = ArchivePlanOptions {
        globs: &globs,
        from: args.reading.document_format()?,
        formats,
        template: &args.name,
        shard: args.shard,
    };
    archive::plan_archive(&args.input, &args.output, &options)
}

/// Returns the size of an article's file in bytes; 0 if it cannot be read.
fn file_size_bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

/// Returns the total size of all articles' files in bytes.
fn total_size_bytes(articles: &ArticleList) -> u64 {
    articles.iter().map(|article| file_size_bytes(&article.path)).sum()
}

/// Supplies a run with the model, and shows its progress and failures on the terminal.
struct CliCallbacks<'a> {
    session: &'a ModelSession<'a>,
    printer: &'a Printer,
    bar: progress::ArchiveProgress<'a>,
    /// The counts of the last progress report, for the summary of an interrupted run.
    counts: Cell<RunCounts>,
    /// For each text that was said of an article's reading, the number of articles.
    notices: RefCell<BTreeMap<String, usize>>,
}

impl CliCallbacks<'_> {
    /// Prints how many articles had a notice that was not printed for each of them.
    fn print_further_notices(&self) {
        for (notice, count) in self.notices.borrow().iter() {
            if let Some(more @ 1..) = count.checked_sub(MAX_LISTED_NAMES) {
                self.printer
                    .print_note(format!("{} more: {notice}", format_count(more, "article")));
            }
        }
    }
}

impl RunCallbacks for CliCallbacks<'_> {
    fn translator(&self) -> Result<&Translator> {
        Ok(&self.session.loaded_model()?.translator)
    }

    fn on_progress(&self, counts: &RunCounts) -> ControlFlow<()> {
        self.counts.set(*counts);
        self.bar.show_progress(counts);
        interrupt::break_if_stop_requested()
    }

    fn on_article_failed(&self, error: &Error) {
        self.printer.print_error(error);
    }

    fn on_article_notices(&self, article: &Article, notices: &[ReadingNotice]) {
        let mut counts = self.notices.borrow_mut();
        for notice in notices.iter().filter(|notice| !notice.is_minor()) {
            let count = counts.entry(format_notice_kind(notice)).or_default();
            *count += 1;
            if *count <= MAX_LISTED_NAMES {
                print_notices(&article.path.display(), std::slice::from_ref(notice), self.printer);
            }
        }
    }
}

/// Adds this run's translated sentences and the seconds they took to the totals that the archive's state stores.
fn add_translation_pace(state: &ArchiveState, counts: &RunCounts) -> Result<()> {
    if counts.made == 0 {
        return Ok(());
    }
    let (sentences, seconds) = read_translation_pace(state)?;
    state.store_named_value(TRANSLATED_SENTENCES_KEY, &(sentences + counts.made as f64).to_string())?;
    state.store_named_value(
        TRANSLATION_SECONDS_KEY,
        &(seconds + counts.busy.as_secs_f64()).to_string(),
    )
}

/// Returns the number of sentences that all runs have translated in this archive, and the seconds that they took.
fn read_translation_pace(state: &ArchiveState) -> Result<(f64, f64)> {
    let number = |name| -> Result<f64> {
        let value = state.load_named_value(name)?.and_then(|value| value.parse().ok());
        // The file may hold anything.
        Ok(value
            .filter(|value: &f64| value.is_finite() && *value >= 0.0)
            .unwrap_or_default())
    };
    Ok((number(TRANSLATED_SENTENCES_KEY)?, number(TRANSLATION_SECONDS_KEY)?))
}

/// Formats a notice for many articles, without the number of lines.
fn format_notice_kind(notice: &ReadingNotice) -> String {
    match notice {
        ReadingNotice::ThaiInCode { .. } | ReadingNotice::ThaiInTags { .. } => {
            "some Thai left as it is, in code or markup".to_owned()
        }
        ReadingNotice::OmittedText { .. } => {
            "texts inside sentences left out, hidden or the reading of a word".to_owned()
        }
        ReadingNotice::AllThaiInMarkup { .. } => "all Thai in code or markup, nothing is translated".to_owned(),
        _ => format_notice(notice),
    }
}

/// Prints which files a run would read and write, and how long it would take at the speed of earlier runs.
fn print_dry_run(
    plan: ArchivePlan,
    options: &pipeline::Options,
    site: &ArchiveDir,
    printer: &Printer,
) -> Result<CommandStatus> {
    let (count, bytes) = (plan.articles.len(), total_size_bytes(&plan.articles));
    let extra = |task: &TranslationTask| match &task.input {
        InputSource::Stdin => String::new(),
        InputSource::File(path) => format!("{}, ", size(file_size_bytes(path))),
    };
    let plan = super::plan::RunPlan {
        tasks: plan
            .articles
            .iter()
            .map(|article| task_from_article(article, site.output_dir()))
            .collect(),
        failures: plan.failures,
        skipped: plan.skipped,
    };
    let (failed, sentences) = print_task_previews(&plan, options, &extra, printer)?;
    let mut line = format!(
        "{}, {}, {} with Thai, repeated ones included",
        format_count(count, "article"),
        size(bytes),
        format_count(sentences, "segment"),
    );
    if failed > 0 {
        line += &format!("; {failed} would fail");
    }
    let database = site.database_path();
    if database.is_file() {
        let (before, seconds) = read_translation_pace(&ArchiveState::open(&database)?)?;
        let time = Duration::try_from_secs_f64(sentences as f64 * seconds / before);
        if let (true, Ok(time)) = (before > 0.0, time) {
            line += &format!(
                "; {:#} at the {:.1} sentences/s of earlier runs here, less what is done",
                indicatif::HumanDuration(time),
                before / seconds.max(1e-3)
            );
        }
    }
    printer.print_note(line + &format_skipped_files(&plan.skipped));
    Ok(match failed {
        0 => CommandStatus::Done,
        _ => CommandStatus::Failed,
    })
}

/// Converts an article to a [`TranslationTask`], so that a dry run can show it like an input of `plae translate`.
fn task_from_article(article: Article, output: &Path) -> TranslationTask {
    let outputs = article.outputs.into_iter().map(|(format, path)| PlannedOutput {
        format,
        path: Some(output.join(path)),
    });
    TranslationTask {
        input: InputSource::File(article.path),
        format: article.format,
        outputs: outputs.collect(),
    }
}

/// Prints the summary of a run over `articles` articles, and `refused` inputs that could not be planned.
fn print_summary(
    articles: usize,
    refused: usize,
    counts: &RunCounts,
    time: Duration,
    site: &ArchiveDir,
    printer: &Printer,
) {
    let mut line = format!(
        "{} of {} translated, {} unchanged",
        counts.done,
        format_count(articles + refused, "article"),
        counts.unchanged
    );
    let failed = counts.failed + refused;
    if failed > 0 {
        line += &format!(", {failed} failed");
    }
    line += &format!(": {}", format_count(counts.segments, "segment"));
    if counts.flagged > 0 {
        line += &format!(" ({} to check)", counts.flagged);
    }
    line += &format!(
        ", {} new, in {:.1} s",
        format_count(counts.made, "sentence"),
        time.as_secs_f64()
    );
    if counts.tokens > 0 {
        let rate = counts.tokens as f64 / counts.busy.as_secs_f64().max(1e-3);
        line += &format!(", {rate:.0} tokens/s");
    }
    printer.print_note(line);
    if counts.edited > 0 {
        printer.print_note(format!(
            "{} edited since plae wrote them, kept",
            format_count(counts.edited, "article")
        ));
    }
    if counts.learned > 0 {
        let kept = site.to_whole_archive().state_dir().join(EDITED_DIR_NAME);
        printer.print_note(format!(
            "{} written again with the edits that the memory learned; the edited files: {}",
            format_count(counts.learned, "output"),
            kept.display()
        ));
    }
    printer.print_note(match site.shard() {
        None => format!("all articles: {}", site.output_dir().join(INDEX_FILE_NAME).display()),
        Some(_) => format!(
            "articles of this shard: {}; `plae merge` joins the shards",
            site.state_dir().join(REPORT).display()
        ),
    });
}
