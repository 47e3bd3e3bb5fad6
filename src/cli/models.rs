//! `plae models`: lists, describes, fetches, checks and deletes models.

use super::CommandStatus;
use super::args::{ModelsArgs, ModelsCommand};
use super::config::Config;
use super::printer::{ERROR_STYLE, FAINT_STYLE, GOOD_STYLE, Printer, WARNING_STYLE};
use super::session::FetchMessagePrinter;
use super::words::size;
use crate::catalog::{self, FileCheck, HashVerdict, ModelEntry, Notice, Settings, download_size};
use crate::error::{Error, Result};
use crate::translate::list_prompt_requests;
use std::fmt::Write;

pub fn run(args: &ModelsArgs, config: &Config, printer: &Printer) -> Result<CommandStatus> {
    let settings = &config.files;
    match &args.command {
        ModelsCommand::List { json } => print_model_list(*json, settings, printer),
        ModelsCommand::Info { model } => print_model_info(model, settings, printer),
        ModelsCommand::Pull { model } => pull_model(model.as_deref(), config, printer),
        ModelsCommand::Verify { model } => verify_models(model.as_deref(), settings, printer),
        ModelsCommand::Path { model } => print_model_path(model, settings, printer),
        ModelsCommand::Remove { model } => remove_model(model, settings, printer),
    }
}

/// Returns the word that `plae models list` shows for whether a model is on this machine.
fn model_state_word(entry: &ModelEntry) -> &'static str {
    match entry.path {
        Some(_) => "here",
        None => "to fetch",
    }
}

/// Formats the size of a model: that of its files on this machine, else that of its download if the manifest names it.
fn format_model_size(entry: &ModelEntry) -> String {
    match (&entry.path, download_size(&entry.manifest)) {
        (Some(_), _) => size(entry.bytes),
        (None, Some(bytes)) => size(bytes),
        (None, None) => "unknown".to_owned(),
    }
}

fn print_model_list(json: bool, settings: &Settings, printer: &Printer) -> Result<CommandStatus> {
    let entries = catalog::list_models(settings)?;
    let mut page = String::new();
    if json {
        for entry in &entries {
            let manifest = &entry.manifest;
            let object = serde_json::json!({
                "name": manifest.name,
                "title": manifest.title,
                "architecture": manifest.architecture.to_string(),
                "parameters": manifest.parameters,
                "licence": manifest.licence,
                "non_commercial": manifest.non_commercial,
                "gated": manifest.gated,
                "default": manifest.default,
                "path": entry.path,
                "revision": entry.revision,
                "bytes": entry.bytes,
            });
            let _ = writeln!(page, "{object}");
        }
        printer.write_data(page)?;
        return Ok(CommandStatus::Done);
    }
    let name_width = entries
        .iter()
        .map(|entry| entry.manifest.name.len())
        .max()
        .unwrap_or_default();
    let _ = writeln!(
        page,
        "{:name_width$}  {:9}  {:10}  {:9}  {:13}  licence",
        "name", "state", "parameters", "size", "architecture"
    );
    for entry in &entries {
        let manifest = &entry.manifest;
        let state = format!("{:9}", model_state_word(entry));
        let state = match entry.path {
            Some(_) => printer.paint_output(GOOD_STYLE, state),
            None => state,
        };
        let _ = writeln!(
            page,
            "{:name_width$}  {state}  {:10}  {:9}  {:13}  {}{}",
            manifest.name,
            manifest.parameters.as_deref().unwrap_or("-"),
            format_model_size(entry),
            manifest.architecture.to_string(),
            manifest.licence.as_deref().unwrap_or("unknown"),
            if manifest.non_commercial {
                printer.paint_output(WARNING_STYLE, " (non-commercial)")
            } else {
                String::new()
            }
        );
    }
    printer.write_page(page)?;
    printer.print_note(
        "best first; here: on this machine; to fetch: fetched when used; `plae models info NAME` tells more",
    );
    Ok(CommandStatus::Done)
}

fn print_model_info(model: &str, settings: &Settings, printer: &Printer) -> Result<CommandStatus> {
    let entry = catalog::describe_model(model, settings)?;
    let manifest = &entry.manifest;
    let mut page = String::new();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(page, "{key:13} {value}");
    };
    line("name", &manifest.name);
    line("title", &manifest.title);
    line("architecture", &manifest.architecture.to_string());
    if let Some(parameters) = &manifest.parameters {
        line("parameters", parameters);
    }
    let mut licence = manifest.licence.clone().unwrap_or_else(|| "unknown".into());
    if manifest.non_commercial {
        licence += ", NON-COMMERCIAL USE ONLY";
    }
    line("licence", &licence);
    if let Some(url) = &manifest.licence_url {
        line("licence text", url);
    }
    if manifest.gated {
        line("gated", "the Hub wants the licence accepted, and HF_TOKEN set");
    }
    for source in &manifest.hub {
        line("hub", &format!("{}@{}", source.repo, source.revision));
    }
    if let Some(wheels) = &manifest.wheels {
        line("packages", &wheels.packages.join(" "));
    }
    let own = || "as the model's own files say".to_owned();
    line(
        "beam",
        &manifest.decoding.beam.map_or_else(own, |beam| beam.to_string()),
    );
    line("max tokens", &manifest.decoding.max_tokens.to_string());
    if let Some(prompt) = &manifest.prompt {
        for (below, request) in list_prompt_requests(prompt) {
            let request = request.replace('\n', "\\n");
            match below {
                usize::MAX => line("prompt", &request),
                below => line(&format!("below {below}"), &request),
            }
        }
    }
    if let Some(note) = &manifest.note {
        line("note", note);
    }
    match &entry.path {
        Some(path) => {
            line("path", &path.display().to_string());
            line("size", &size(entry.bytes));
            if let Some(revision) = &entry.revision {
                line("revision", revision);
            }
        }
        None => line("path", "not on this machine"),
    }
    printer.write_page(page)?;
    Ok(CommandStatus::Done)
}

fn pull_model(model: Option<&str>, config: &Config, printer: &Printer) -> Result<CommandStatus> {
    let mut fetching = FetchMessagePrinter::new(printer);
    let mut fetched = false;
    let mut notify = |notice| {
        fetched |= matches!(notice, Notice::Pulling { .. });
        fetching.print_notice(notice);
    };
    let located = match model.or(config.model.as_deref()) {
        Some(model) => catalog::pull_model(model, &config.files, &mut notify)?,
        None => catalog::locate(None, &config.files, true, &mut notify)?,
    };
    drop(fetching);
    if !fetched {
        let manifest = &located.manifest;
        printer.print_note(format!(
            "{} is on this machine already; licence: {}{}{}",
            manifest.name,
            manifest.licence.as_deref().unwrap_or("unknown"),
            if manifest.non_commercial {
                ", non-commercial use only"
            } else {
                ""
            },
            manifest
                .licence_url
                .iter()
                .map(|url| format!(" ({url})"))
                .collect::<String>()
        ));
    }
    printer.write_data(format!("{}\n", located.path.display()))?;
    Ok(CommandStatus::Done)
}

fn verify_models(model: Option<&str>, settings: &Settings, printer: &Printer) -> Result<CommandStatus> {
    let models = match model {
        Some(model) => vec![model.to_owned()],
        None => catalog::list_models(settings)?
            .into_iter()
            .filter(|entry| entry.path.is_some())
            .map(|entry| entry.manifest.name)
            .collect(),
    };
    if models.is_empty() {
        printer.print_note("no model is on this machine");
    }
    let mut status = CommandStatus::Done;
    for model in &models {
        let mut fetching = FetchMessagePrinter::new(printer);
        let mut notify = |notice: Notice| fetching.print_notice(notice);
        let checks = catalog::verify_model(model, settings, &mut notify)?;
        drop(fetching);
        for FileCheck { path, bytes, verdict } in checks {
            let (word, rest) = match verdict {
                HashVerdict::Good => (printer.paint_output(GOOD_STYLE, "good   "), String::new()),
                HashVerdict::Unknown => (printer.paint_output(FAINT_STYLE, "unknown"), String::new()),
                HashVerdict::Bad { expected, found } => {
                    status = CommandStatus::Failed;
                    let hash = if expected.len() == 40 { "git hash" } else { "sha256" };
                    (
                        printer.paint_output(ERROR_STYLE, "BAD    "),
                        format!(", {hash} {found}, expected {expected}"),
                    )
                }
            };
            printer.write_page(format!("{word}  {model}  {} ({}{rest})\n", path.display(), size(bytes)))?;
        }
    }
    if status == CommandStatus::Failed {
        printer.print_hint("`plae models remove NAME` and `plae models pull NAME` fetch damaged files anew");
    }
    Ok(status)
}

fn print_model_path(model: &str, settings: &Settings, printer: &Printer) -> Result<CommandStatus> {
    let entry = catalog::describe_model(model, settings)?;
    let path = entry.path.ok_or_else(|| {
        Error::model(format!("{} is not on this machine", entry.manifest.name))
            .hint(format!("fetch it with `plae models pull {}`", entry.manifest.name))
    })?;
    printer.write_data(format!("{}\n", path.display()))?;
    Ok(CommandStatus::Done)
}

fn remove_model(model: &str, settings: &Settings, printer: &Printer) -> Result<CommandStatus> {
    let removed = catalog::remove_model(model, settings)?;
    for path in &removed.paths {
        printer.print_note(format!("deleted {}", path.display()));
    }
    printer.print_note(format!("{} freed", size(removed.bytes)));
    Ok(CommandStatus::Done)
}
