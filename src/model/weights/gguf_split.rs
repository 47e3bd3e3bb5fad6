//! GGUF files that are split into parts, as llama.cpp's `gguf-split` names them: `MODEL-00002-of-00003.gguf`.

use std::path::{Path, PathBuf};

/// The name of one part of a split GGUF file, taken apart.
#[derive(Debug, PartialEq)]
pub struct PartName<'a> {
    /// The beginning that the names of all parts share, such as `MODEL` or `folder/MODEL`.
    pub prefix: &'a str,
    /// Number of this part, from 1 to `count`.
    pub number: usize,
    /// Number of parts.
    pub count: usize,
    /// The extension with its dot, as this part has it: `.gguf` or `.GGUF`.
    extension: &'a str,
}

impl<'a> PartName<'a> {
    /// Takes the name of a part apart; none for any other name.
    pub fn parse(name: &'a str) -> Option<Self> {
        let stem = strip_gguf(name)?;
        let (rest, count) = stem.rsplit_once("-of-")?;
        let (prefix, number) = rest.rsplit_once('-')?;
        let digits = |text: &str| {
            let whole = text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
            whole.then(|| text.parse::<usize>().ok()).flatten()
        };
        let (number, count) = (digits(number)?, digits(count)?);
        let valid = (1..=count).contains(&number) && !prefix.is_empty() && !prefix.ends_with('/');
        valid.then_some(Self {
            prefix,
            number,
            count,
            extension: &name[stem.len()..],
        })
    }

    /// Gives the names of all parts, the first first.
    pub fn all(&self) -> Vec<String> {
        let name = |number| {
            let (prefix, count, extension) = (self.prefix, self.count, self.extension);
            format!("{prefix}-{number:05}-of-{count:05}{extension}")
        };
        (1..=self.count).map(name).collect()
    }
}

/// Gives the names of all parts of the split GGUF file that `name` is a part of, the first first; for any other name,
/// only this name. A folder before the name stays before each.
pub fn part_names(name: &str) -> Vec<String> {
    PartName::parse(name).map_or_else(|| vec![name.to_owned()], |part| part.all())
}

/// Gives the paths of all parts of the split GGUF file that `path` is a part of, as [`part_names`] does.
pub fn part_paths(path: &Path) -> Vec<PathBuf> {
    match path.file_name().and_then(|name| name.to_str()) {
        Some(name) => part_names(name).iter().map(|name| path.with_file_name(name)).collect(),
        None => vec![path.to_owned()],
    }
}

/// Removes the extension `.gguf` of a file's name, in upper or lower case; none if the name has another.
pub fn strip_gguf(name: &str) -> Option<&str> {
    let (stem, extension) = name.rsplit_once('.')?;
    extension.eq_ignore_ascii_case("gguf").then_some(stem)
}

/// Whether a GGUF file's name is that of a file that belongs to a model and is none itself: an image encoder
/// (`mmproj`), or the statistics that a quantisation was made with (`imatrix`).
pub fn is_companion(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    name.contains("mmproj") || name.contains("imatrix")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_names_all_parts() {
        let all = [
            "q4/m-00001-of-00003.gguf",
            "q4/m-00002-of-00003.gguf",
            "q4/m-00003-of-00003.gguf",
        ];
        for name in all {
            assert_eq!(part_names(name), all);
        }
        assert_eq!(part_names("M-00002-OF.GGUF"), ["M-00002-OF.GGUF"]);
        assert_eq!(
            part_names("M-00001-of-00002.GGUF"),
            ["M-00001-of-00002.GGUF", "M-00002-of-00002.GGUF"]
        );
        assert_eq!(
            part_paths(Path::new("/a/b-00002-of-00002.gguf")),
            ["/a/b-00001-of-00002.gguf", "/a/b-00002-of-00002.gguf"].map(PathBuf::from)
        );
        for other in [
            "m.gguf",
            "m-1-of-2.gguf",
            "m-00003-of-00002.gguf",
            "m-00000-of-00002.gguf",
            "-00001-of-00002.gguf",
            "m-00001-of-00002.safetensors",
            "m-00001-of-000ก2.gguf",
            "",
        ] {
            assert_eq!(part_names(other), [other]);
        }
    }

    #[test]
    fn companions_are_known_by_their_names() {
        for name in [
            "mmproj-F16.gguf",
            "x/model.mmproj-q8_0.gguf",
            "imatrix.gguf",
            "Gemma.IMATRIX.GGUF",
        ] {
            assert!(is_companion(name), "{name}");
        }
        assert!(!is_companion("mmproj/model.gguf") && !is_companion("gemma-3-Q4_K_M.gguf"));
    }
}
