//! `plae bench`: measures how fast a model translates an input.

use super::args::BenchArgs;
use super::config::Config;
use super::printer::Printer;
use super::session::ModelSession;
use super::words::size;
use super::{CommandStatus, inputs, interrupt};
use crate::error::{Error, Result};
use crate::thai::has_thai;
use serde::Serialize;
use std::time::Instant;

/// The result of `plae bench`; `--json` prints its fields under these names.
#[derive(Debug, Serialize)]
struct BenchReport {
    model: String,
    device: String,
    precision: String,
    load_seconds: f64,
    /// Number of segments that the model translated; segments without Thai do not count.
    sentences: usize,
    source_tokens: usize,
    output_tokens: usize,
    /// Time spent translating in seconds, without loading the model, warming up, reading and splitting.
    seconds: f64,
    sentences_per_second: f64,
    tokens_per_second: f64,
    /// The most memory in bytes that the process has used at once; none on systems other than Linux.
    peak_memory_bytes: Option<u64>,
}

pub fn run(args: &BenchArgs, config: &Config, printer: &Printer) -> Result<CommandStatus> {
    let options = inputs::resolve_pipeline_options(&args.reading, &args.decoding, config)?;
    let plan = inputs::plan_reading(&args.inputs, &args.reading)?;
    if let Some(failure) = plan.failures.into_iter().next() {
        return Err(failure.error);
    }
    let mut documents = Vec::new();
    for task in &plan.tasks {
        documents.push(inputs::prepare_task(task, &options)?);
    }
    let sources: Vec<Vec<&str>> = documents
        .iter()
        .map(|document| {
            let texts = document.segments().iter().map(|segment| segment.source.as_str());
            texts.filter(|text| has_thai(text)).collect()
        })
        .collect();
    let Some(first) = sources.iter().flatten().next() else {
        return Err(Error::input("nothing to measure: the input has no Thai"));
    };
    let session = ModelSession::new(config, printer);
    let loaded = session.loaded_model()?;
    let translator = &loaded.translator;
    let _patience = interrupt::defer_exit();
    let mut observe = |_| interrupt::break_if_stop_requested();
    translator.translate(&[first], &options.decode, &mut observe)?;
    let (mut source_tokens, mut output_tokens) = (0, 0);
    let start = Instant::now();
    for document in &sources {
        for translation in translator.translate(document, &options.decode, &mut observe)? {
            source_tokens += translation.source_tokens;
            output_tokens += translation.target_tokens;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let sentences = sources.iter().map(Vec::len).sum();
    let report = BenchReport {
        model: translator.manifest().name.clone(),
        device: translator.device_name(),
        precision: translator.precision_name(),
        load_seconds: loaded.time.as_secs_f64(),
        sentences,
        source_tokens,
        output_tokens,
        seconds,
        sentences_per_second: sentences as f64 / seconds.max(1e-9),
        tokens_per_second: output_tokens as f64 / seconds.max(1e-9),
        peak_memory_bytes: super::read_proc_memory_bytes("/proc/self/status", "VmHWM"),
    };
    printer.write_data(if args.json {
        serde_json::json!(report).to_string() + "\n"
    } else {
        format_report(&report)
    })?;
    Ok(CommandStatus::Done)
}

fn format_report(report: &BenchReport) -> String {
    let memory = report.peak_memory_bytes.map_or_else(|| "unknown".into(), size);
    format!(
        "model          {}, {}, {}\n\
         load           {:.2} s\n\
         sentences      {}\n\
         source tokens  {}\n\
         output tokens  {}\n\
         seconds        {:.2}\n\
         speed          {:.2} sentences/s\n\
         speed          {:.1} tokens/s\n\
         peak memory    {memory}\n",
        report.model,
        report.device,
        report.precision,
        report.load_seconds,
        report.sentences,
        report.source_tokens,
        report.output_tokens,
        report.seconds,
        report.sentences_per_second,
        report.tokens_per_second,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_names_its_units() {
        let shown = format_report(&BenchReport {
            model: "m".into(),
            device: "cpu".into(),
            precision: "q8_0".into(),
            load_seconds: 0.5,
            sentences: 10,
            source_tokens: 200,
            output_tokens: 300,
            seconds: 4.0,
            sentences_per_second: 2.5,
            tokens_per_second: 75.0,
            peak_memory_bytes: Some(600_000_000),
        });
        for part in ["0.50 s", "2.50 sentences/s", "75.0 tokens/s", "600.00 MB"] {
            assert!(shown.contains(part), "{shown}");
        }
    }
}
