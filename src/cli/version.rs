//! The version: of plae, of candle, and what was built in.

use std::sync::LazyLock;

/// candle's version in `Cargo.lock`; a test holds them equal, because candle does not tell it.
const CANDLE: &str = "0.11.1";

/// Gives the text that `--version` prints after the name.
pub fn long() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{}\nbackends: {}\ncandle: {CANDLE}",
            env!("CARGO_PKG_VERSION"),
            backends().join(" ")
        )
    });
    &TEXT
}

/// The backends that this build can compute with.
pub fn backends() -> Vec<&'static str> {
    use candle_core::utils;
    let optional = [
        ("cuda", utils::cuda_is_available()),
        ("cudnn", cfg!(feature = "cudnn")),
        ("metal", utils::metal_is_available()),
        ("mkl", utils::has_mkl()),
        ("accelerate", utils::has_accelerate()),
    ];
    let mut names = vec!["cpu"];
    names.extend(optional.iter().filter(|(_, built)| *built).map(|(name, _)| *name));
    names
}

#[cfg(test)]
mod tests {
    #[test]
    fn candle_is_the_locked_one() {
        let lock = include_str!("../../Cargo.lock");
        let entry = format!("name = \"candle-core\"\nversion = \"{}\"", super::CANDLE);
        assert!(lock.contains(&entry), "set CANDLE as in Cargo.lock");
    }
}
