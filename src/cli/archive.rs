//! `plae archive`: a directory of articles, interrupted at will, each sentence translated once.

use super::args::Archive;
use super::config::Config;
use super::plan::{self, Input, Plan, Request, Task};
use super::printer::Printer;
use super::progress;
use super::session::Session;
use super::translate::{options, preview};
use super::words::{counted, size};
use super::{Status, interrupt};
use crate::archive::{self, Article, Articles, Counts, Host, INDEX, Lock, REPORT, Shard, Site, State};
use crate::error::{Error, Kind, Result};
use crate::memory::Memory;
use crate::pipeline;
use crate::render::{OutputFormat, RenderOptions};
use crate::translate::{Translator, identity};
use rayon::prelude::*;
use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

/// Facts of the state by which a dry run tells how long a run takes.
const SENTENCES: &str = "sentences";
const SECONDS: &str = "seconds";

pub fn run(args: &Archive, config: &Config, printer: &Printer) -> Result<Status> {
    let options = options(&args.reading, &args.decoding, config)?;
    let output = &args.output;
    if !args.input.is_dir() {
        return Err(Error::usage("is no directory")
            .path(&args.input)
            .hint("an archive is a directory of articles; `plae translate` takes files"));
    }
    let mut plan = settle(args)?;
    if let Some(shard) = args.shard {
        divide(&mut plan, shard);
    }
    let site = Site::new(output, args.shard);
    if args.dry_run {
        return dry_run(&plan, &options, &site, printer);
    }
    let bytes = total(&plan);
    let articles = articles(std::mem::take(&mut plan.tasks), args);
    let session = Session::new(config, printer);
    // A model that cannot be had is told before anything is read.
    let identity = identity(session.located()?)?;
    let _lock = Lock::take(&site)?;
    site.check()?;
    site.seed(&articles)?;
    let usual = site.database();
    let state = State::open(&usual)?;
    let memory = if args.memory.no_memory {
        None
    } else {
        Some(Memory::open(args.memory.memory.as_deref().unwrap_or(&usual))?)
    };
    let human_hash = memory.as_ref().map(Memory::human_hash).transpose()?;
    let manner = format!(
        "{identity} {:?} {:?} {options:?} {:?} {human_hash:?}",
        config.precision, config.vocabulary, config.layout
    );
    let archive_options = archive::Options {
        reading: options,
        render: RenderOptions {
            layout: config.layout,
            width: None,
        },
        manner,
        jobs: args
            .jobs
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
        force: args.force,
    };
    let desk = Desk {
        session: &session,
        printer,
        bar: progress::Archive::new(printer, articles.len(), bytes),
        counts: Cell::default(),
    };
    for failure in &plan.failures {
        printer.error(&failure.error);
    }
    // From here on Ctrl-C waits for the batch in hand.
    let _patience = interrupt::patience();
    let start = Instant::now();
    let ended = archive::run(&site, &articles, memory.as_ref(), &state, &archive_options, &desk);
    let ended = match ended {
        Err(error) if error.kind == Kind::Interrupted => Err(Error::new(Kind::Interrupted, "stopped before the end")
            .hint("what is finished is kept; the same command goes on from here")),
        ended => ended,
    };
    let counts = match &ended {
        Ok(counts) => *counts,
        Err(_) => desk.counts.get(),
    };
    drop(desk);
    let count = articles.len();
    drop(articles);
    // Of a run that was broken off too: it shows what there is. Why it ended is told before what went wrong after it.
    let written = remember_pace(&state, &counts).and_then(|()| archive::write_report(&site, &state));
    report(count, plan.failures.len(), &counts, start.elapsed(), &site, printer);
    let counts = ended?;
    written?;
    Ok(match counts.failed + plan.failures.len() {
        0 => Status::Done,
        _ => Status::Failed,
    })
}

fn settle(args: &Archive) -> Result<Plan> {
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
    // The separator makes it a directory whatever its name.
    let output = args.output.join("");
    plan::plan(&Request {
        inputs: std::slice::from_ref(&args.input),
        from: args.reading.format()?,
        output: Some(&output),
        formats,
        force: args.force,
        archive: Some(plan::Archive {
            globs: &globs,
            template: &args.name,
            reserved: &[INDEX, REPORT],
        }),
    })
}

/// Leaves in a plan what is a shard's.
fn divide(plan: &mut Plan, shard: Shard) {
    let owns = |task: &Task| match &task.input {
        Input::Stdin => true,
        Input::File(path) => shard.owns(path),
    };
    let own: Vec<bool> = plan.tasks.par_iter().map(owns).collect();
    let mut own = own.into_iter();
    plan.tasks.retain(|_| own.next().unwrap_or_default());
    plan.failures.retain(|failure| shard.has(failure.input.as_bytes()));
}

/// A relative path with `/` between directories, on every system.
fn portable(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

fn articles(tasks: Vec<Task>, args: &Archive) -> Articles {
    let formats = tasks
        .first()
        .map(|task| task.outputs.iter().map(|output| output.format).collect());
    let mut articles = Articles::new(args.input.clone(), formats.unwrap_or_default());
    for task in tasks {
        let Input::File(path) = task.input else { continue };
        let outputs = task.outputs.iter().filter_map(|written| {
            let path = written.path.as_ref()?;
            Some((
                written.format,
                portable(path.strip_prefix(&args.output).unwrap_or(path)),
            ))
        });
        articles.push(Article {
            place: portable(&task.place),
            path,
            format: task.format,
            outputs: outputs.collect(),
        });
    }
    articles
}

fn length(task: &Task) -> u64 {
    match &task.input {
        Input::Stdin => 0,
        Input::File(path) => std::fs::metadata(path).map_or(0, |file| file.len()),
    }
}

fn total(plan: &Plan) -> u64 {
    plan.tasks.iter().map(length).sum()
}

/// The model, the messages and the bar of a run.
struct Desk<'a> {
    session: &'a Session<'a>,
    printer: &'a Printer,
    bar: progress::Archive<'a>,
    /// As last told.
    counts: Cell<Counts>,
}

impl Host for Desk<'_> {
    fn translator(&self) -> Result<&Translator> {
        Ok(&self.session.model()?.translator)
    }

    fn progress(&self, counts: &Counts) -> ControlFlow<()> {
        self.counts.set(*counts);
        self.bar.update(counts);
        interrupt::flow()
    }

    fn failed(&self, error: &Error) {
        self.printer.error(error);
    }
}

/// Adds what a run took to what is known of earlier ones.
fn remember_pace(state: &State, counts: &Counts) -> Result<()> {
    if counts.made == 0 {
        return Ok(());
    }
    let (sentences, seconds) = pace(state)?;
    state.set_fact(SENTENCES, &(sentences + counts.made as f64).to_string())?;
    state.set_fact(SECONDS, &(seconds + counts.busy.as_secs_f64()).to_string())
}

/// How many sentences were translated here, and in how many seconds.
fn pace(state: &State) -> Result<(f64, f64)> {
    let number = |name| -> Result<f64> {
        let value = state.fact(name)?.and_then(|value| value.parse().ok());
        Ok(value.unwrap_or_default())
    };
    Ok((number(SENTENCES)?, number(SECONDS)?))
}

/// Prints what would be read and written, and how long that would take by the pace of earlier runs.
fn dry_run(plan: &Plan, options: &pipeline::Options, site: &Site, printer: &Printer) -> Result<Status> {
    let extra = |task: &Task| format!("{}, ", size(length(task)));
    let (failed, sentences) = preview(plan, options, &extra, printer)?;
    let mut line = format!(
        "{}, {}, {} with Thai, repeated ones included",
        counted(plan.tasks.len(), "article"),
        size(total(plan)),
        counted(sentences, "segment"),
    );
    if failed > 0 {
        line += &format!("; {failed} would fail");
    }
    let database = site.database();
    if database.is_file() {
        let (before, seconds) = pace(&State::open(&database)?)?;
        if before > 0.0 {
            let time = Duration::from_secs_f64(sentences as f64 * seconds / before);
            line += &format!(
                "; {:#} at the {:.1} sentences/s of earlier runs here, less what is done",
                indicatif::HumanDuration(time),
                before / seconds.max(1e-3)
            );
        }
    }
    printer.note(line);
    Ok(match failed {
        0 => Status::Done,
        _ => Status::Failed,
    })
}

/// Says what became of these articles, and of those that were `refused` before.
fn report(articles: usize, refused: usize, counts: &Counts, time: Duration, site: &Site, printer: &Printer) {
    let mut line = format!(
        "{} of {} translated, {} unchanged",
        counts.done,
        counted(articles + refused, "article"),
        counts.unchanged
    );
    let failed = counts.failed + refused;
    if failed > 0 {
        line += &format!(", {failed} failed");
    }
    line += &format!(": {}", counted(counts.segments, "segment"));
    if counts.flagged > 0 {
        line += &format!(" ({} to check)", counts.flagged);
    }
    line += &format!(
        ", {} new, in {:.1} s",
        counted(counts.made, "sentence"),
        time.as_secs_f64()
    );
    if counts.tokens > 0 {
        let rate = counts.tokens as f64 / counts.busy.as_secs_f64().max(1e-3);
        line += &format!(", {rate:.0} tokens/s");
    }
    printer.note(line);
    if counts.edited > 0 {
        printer.note(format!(
            "{} edited since plae wrote them, kept",
            counted(counts.edited, "article")
        ));
    }
    printer.note(match site.shard() {
        None => format!("all articles: {}", site.output().join(INDEX).display()),
        Some(_) => format!(
            "articles of this shard: {}; `plae merge` joins the shards",
            site.home().join(REPORT).display()
        ),
    });
}
