//! Translates the strings given as arguments: `cargo run --release --example translate_string -- "สวัสดีชาวโลก"`.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use plae::catalog::{Settings, locate};
use plae::translate::{DecodeOptions, LoadOptions, Translator};
use std::ops::ControlFlow;

fn main() -> anyhow::Result<()> {
    let settings = Settings::from_vars(|name| std::env::var_os(name));
    let located = locate(None, &settings, true, &mut |_| ())?;
    let translator = Translator::open(&located, LoadOptions::default())?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let sources: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let observer = &mut |_| ControlFlow::Continue(());
    for translation in translator.translate(&sources, &DecodeOptions::default(), observer)? {
        println!("{}", translation.text);
    }
    Ok(())
}
