//! The model of a run: located, fetched and loaded once, when the first input needs it.

use super::config::Config;
use super::printer::{Printer, ShownBar};
use super::progress::create_download_bar;
use super::visible::{KeptControlCharacters, escape_control_characters};
use crate::catalog::LocatedModel;
use crate::catalog::{self, ModelChoice, Notice};
use crate::error::Result;
use crate::translate::{LoadOptions, Translator};
use std::cell::OnceCell;
use std::time::{Duration, Instant};

/// The configured model, which is located and loaded on first use, and at most once.
pub struct ModelSession<'a> {
    config: &'a Config,
    printer: &'a Printer,
    located: OnceCell<LocatedModel>,
    loaded: OnceCell<LoadedModel>,
}

/// A model that has been loaded into memory.
pub struct LoadedModel {
    pub translator: Translator,
    /// Time that loading took, without locating and fetching the files.
    pub time: Duration,
}

impl<'a> ModelSession<'a> {
    pub fn new(config: &'a Config, printer: &'a Printer) -> Self {
        Self {
            config,
            printer,
            located: OnceCell::new(),
            loaded: OnceCell::new(),
        }
    }

    /// Returns the loaded model. The first call locates, fetches and loads it, and prints its name.
    pub fn loaded_model(&self) -> Result<&LoadedModel> {
        match self.loaded.get() {
            Some(loaded) => Ok(loaded),
            None => {
                let loaded = self.load_model()?;
                Ok(self.loaded.get_or_init(|| loaded))
            }
        }
    }

    /// Returns the path of the model's files, and its manifest. The first call locates and fetches the files.
    pub fn locate_model(&self) -> Result<&LocatedModel> {
        if let Some(located) = self.located.get() {
            return Ok(located);
        }
        let mut fetching = FetchMessagePrinter::new(self.printer);
        let model = self.config.model.as_deref();
        let located = catalog::locate(model, &self.config.files, true, &mut |notice| {
            fetching.print_notice(notice)
        })?;
        drop(fetching);
        self.printer
            .print_if_verbose(format!("model files: {}", located.path.display()));
        Ok(self.located.get_or_init(|| located))
    }

    fn load_model(&self) -> Result<LoadedModel> {
        let located = self.locate_model()?;
        let start = Instant::now();
        let config = self.config;
        let translator = Translator::open(
            located,
            LoadOptions {
                device: config.device,
                precision: config.precision,
                vocabulary: config.vocabulary,
            },
        )?;
        let time = start.elapsed();
        let manifest = &located.manifest;
        self.printer.print_note(format!(
            "model {}, {}, {}, loaded in {:.1} s",
            manifest.name,
            translator.device_name(),
            translator.precision_name(),
            time.as_secs_f64()
        ));
        if !translator.has_own_prompt() {
            self.printer.print_note(format!(
                "{} has no chat template: it is asked with examples, as a base model, unless --prompt says otherwise",
                manifest.name
            ));
        }
        if manifest.non_commercial {
            self.printer.print_warning(format!(
                "{} is licensed for non-commercial use only ({})",
                manifest.name,
                manifest.licence.as_deref().unwrap_or("licence unknown")
            ));
        }
        Ok(LoadedModel { translator, time })
    }
}

/// Prints messages about a model being chosen and fetched, and draws a progress bar during downloads.
pub struct FetchMessagePrinter<'a> {
    printer: &'a Printer,
    bar: Option<ShownBar<'a>>,
}

impl<'a> FetchMessagePrinter<'a> {
    pub fn new(printer: &'a Printer) -> Self {
        Self { printer, bar: None }
    }

    pub fn print_notice(&mut self, notice: Notice) {
        if let Notice::Progress { file, done, total } = notice {
            let file = escape_control_characters(&file, KeptControlCharacters::default()).into_owned();
            let bar = &self
                .bar
                .get_or_insert_with(|| self.printer.show_bar(create_download_bar(&file)))
                .bar;
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(file);
            return;
        }
        self.bar = None;
        match &notice {
            Notice::Failed { hint, .. } => {
                self.printer.print_warning(&notice);
                if let Some(hint) = hint {
                    self.printer.print_hint(hint.clone());
                }
            }
            Notice::Chosen {
                why: ModelChoice::Fallback,
                ..
            }
            | Notice::Retrying { .. }
            | Notice::Unreachable { .. }
            | Notice::Pulling {
                non_commercial: true, ..
            } => self.printer.print_warning(notice),
            _ => self.printer.print_note(notice),
        }
    }
}
