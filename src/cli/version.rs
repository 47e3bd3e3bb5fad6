//! The versions of plae and candle, and the compute backends in this build.

use std::sync::LazyLock;

/// The version of candle in `Cargo.lock`. candle does not export it, so a test checks that both are equal.
const CANDLE_VERSION: &str = "0.11.1";

/// Returns the text that `plae --version` prints after the program's name.
pub fn long_version() -> &'static str {
    static VERSION_TEXT: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{}\nbackends: {}\ncandle: {CANDLE_VERSION}",
            env!("CARGO_PKG_VERSION"),
            list_backends().join(" ")
        )
    });
    &VERSION_TEXT
}

/// Returns the names of the compute backends in this build, such as `cpu` and `cuda`.
pub fn list_backends() -> Vec<&'static str> {
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
        let entry = format!("name = \"candle-core\"\nversion = \"{}\"", super::CANDLE_VERSION);
        assert!(lock.contains(&entry), "set CANDLE_VERSION as in Cargo.lock");
    }
}
