//! Writes a bilingual HTML page of a text file: `cargo run --release --example translate_document -- IN.txt OUT.html`.

use plae::catalog::{Settings, locate};
use plae::document::Format;
use plae::pipeline::{self, Options};
use plae::render::{OutputFormat, RenderOptions, render};
use plae::translate::{DeviceChoice, Precision, Translator, Vocabulary};
use std::ops::ControlFlow;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (Some(input), Some(output)) = (std::env::args().nth(1), std::env::args().nth(2)) else {
        return Err("two paths expected: an article and the page to write".into());
    };
    let settings = Settings::from_vars(|name| std::env::var_os(name));
    let located = locate(None, &settings, true, &mut |_| ())?;
    let translator = Translator::load(&located, DeviceChoice::Auto, Precision::Auto, Vocabulary::Auto)?;
    let observer = &mut |_| ControlFlow::Continue(());
    let options = Options::new(Format::Text);
    let document = pipeline::translate(Some(&input), &std::fs::read(&input)?, &translator, &options, observer)?;
    std::fs::write(
        output,
        render(&document, OutputFormat::Html, &RenderOptions::default())?,
    )?;
    Ok(())
}
