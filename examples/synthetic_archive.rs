//! Writes an archive of COUNT synthetic Thai articles into DIR, for measurements: `cargo run --release --example
//! synthetic_archive DIR COUNT [EDITION]`.

#[path = "../tests/it/articles.rs"]
mod articles;

use anyhow::{Context, bail};
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (directory, count, edition) = match arguments.as_slice() {
        [directory, count] => (directory, count.parse()?, 1),
        [directory, count, edition] => (directory, count.parse()?, edition.parse()?),
        _ => bail!("expected DIR COUNT [EDITION]"),
    };
    for number in 0..count {
        let path = Path::new(directory).join(articles::place(number));
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(directory)))?;
        std::fs::write(&path, articles::article(number, edition))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
