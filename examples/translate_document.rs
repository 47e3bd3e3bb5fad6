//! Translates a Thai text file into a bilingual HTML page: `cargo run --release --example translate_document -- IN.txt
//! OUT.html`.

use anyhow::{Context, bail};
use plae::catalog::{Settings, locate};
use plae::document::Format;
use plae::pipeline::{self, Options};
use plae::render::{OutputFormat, RenderOptions, render};
use plae::translate::{LoadOptions, Translator};
use std::ops::ControlFlow;

fn main() -> anyhow::Result<()> {
    let (Some(input), Some(output)) = (std::env::args().nth(1), std::env::args().nth(2)) else {
        bail!("two paths expected: an article and the page to write");
    };
    let settings = Settings::from_vars(|name| std::env::var_os(name));
    let located = locate(None, &settings, true, &mut |_| ())?;
    let translator = Translator::open(&located, LoadOptions::default())?;
    let observer = &mut |_| ControlFlow::Continue(());
    let options = Options::new(Format::Text);
    let source = std::fs::read(&input).with_context(|| format!("cannot read {input}"))?;
    let document = pipeline::translate(Some(&input), &source, &translator, &options, observer)?;
    let page = render(&document, OutputFormat::Html, &RenderOptions::default())?;
    std::fs::write(&output, page).with_context(|| format!("cannot write {output}"))
}
