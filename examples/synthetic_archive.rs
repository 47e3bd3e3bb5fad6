//! Writes a synthetic archive, to measure with: `cargo run --release --example synthetic_archive DIR COUNT [EDITION]`.

#[path = "../tests/it/articles.rs"]
mod articles;

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (directory, count, edition) = match arguments.as_slice() {
        [directory, count] => (directory, count.parse()?, 1),
        [directory, count, edition] => (directory, count.parse()?, edition.parse()?),
        _ => return Err("expected DIR COUNT [EDITION]".into()),
    };
    for number in 0..count {
        let path = Path::new(directory).join(articles::place(number));
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(directory)))?;
        std::fs::write(path, articles::article(number, edition))?;
    }
    Ok(())
}
