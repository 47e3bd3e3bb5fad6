//! Names of outputs: filled templates, and names that stay apart on every file system.

use super::place::place_from_path;
use super::{ARCHIVE_DIR_NAME, INDEX_FILE_NAME, REPORT};
use crate::error::{Error, Result};
use crate::file;
use crate::render::OutputFormat;
use icu_normalizer::ComposingNormalizerBorrowed;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// Names of the report files at the top of the output directory, which no article's output may take.
const RESERVED_REPORT_NAMES: [&str; 2] = [INDEX_FILE_NAME, REPORT];

/// The part of an article's path that names its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputStemForm {
    /// The article's file name without its extension.
    Short,
    /// The article's file name with its extension.
    Whole,
    /// The article's file name with its extension and the first 8 hexadecimal digits of its path's SHA-256.
    Hashed,
}

impl OutputStemForm {
    /// Returns the stem of this form for the article at `place`, a path below the input directory.
    pub fn stem_of(self, place: &Path) -> OsString {
        let part = |part: Option<&OsStr>| part.unwrap_or_default().to_os_string();
        match self {
            Self::Short => part(place.file_stem()),
            Self::Whole => part(place.file_name()),
            Self::Hashed => {
                let hash = file::to_hexadecimal(&Sha256::digest(place.as_os_str().as_encoded_bytes()));
                let mut stem = part(place.file_name());
                stem.push(format!("-{}", &hash[..8]));
                stem
            }
        }
    }
}

/// Two articles that have an output of the same name in every [`OutputStemForm`]: their indices and the name.
pub(crate) struct NameCollision {
    pub first: usize,
    pub second: usize,
    pub path: PathBuf,
}

/// Names the outputs of `count` articles so that no two names are equal, not even on file systems that ignore case or
/// the Unicode normalisation form. `name` returns the names of the article with this index. An article gets the first
/// form whose names collide with no other article's, nor with a `reserved` one.
///
/// # Errors
/// The errors of `name`, and `collision` of two articles whose names are equal in the last form, too.
pub(crate) fn name_apart(
    count: usize,
    reserved: &[&str],
    name: &dyn Fn(usize, OutputStemForm) -> Result<Vec<PathBuf>>,
    collision: &dyn Fn(NameCollision) -> Error,
) -> Result<Vec<Vec<PathBuf>>> {
    let mut forms = vec![OutputStemForm::Short; count];
    loop {
        let mut named = Vec::with_capacity(count);
        let mut uses: HashMap<String, usize> = HashMap::new();
        for name in reserved {
            uses.insert(fold_name(Path::new(name)), 1);
        }
        for (index, form) in forms.iter().enumerate() {
            let paths = name(index, *form)?;
            for path in &paths {
                *uses.entry(fold_name(path)).or_default() += 1;
            }
            named.push(paths);
        }
        let collides = |path: &&PathBuf| uses[&fold_name(path)] > 1;
        let colliding: Vec<usize> = (0..count)
            .filter(|index| named[*index].iter().any(|path| collides(&path)))
            .collect();
        if colliding.is_empty() {
            return Ok(named);
        }
        for index in colliding {
            forms[index] = match forms[index] {
                OutputStemForm::Short => OutputStemForm::Whole,
                OutputStemForm::Whole => OutputStemForm::Hashed,
                OutputStemForm::Hashed => {
                    let path = named[index].iter().find(collides).cloned().unwrap_or_default();
                    let folded = fold_name(&path);
                    let has_same = |paths: &Vec<PathBuf>| paths.iter().any(|path| fold_name(path) == folded);
                    let other = (0..count).find(|other| *other != index && has_same(&named[*other]));
                    return Err(collision(NameCollision {
                        first: index,
                        second: other.unwrap_or(index),
                        path,
                    }));
                }
            };
        }
    }
}

/// Converts a path to composed letters in lower case, to find paths that are equal on some file systems.
fn fold_name(path: &Path) -> String {
    let composed = ComposingNormalizerBorrowed::new_nfc();
    let lower = composed.normalize(&place_from_path(path)).to_lowercase();
    composed.normalize(&lower).into_owned()
}

/// Returns the output paths of each article, relative to the output directory, without collisions.
/// `places` are the articles' paths below the input directory; `output` appears only in error messages.
///
/// # Errors
/// `Usage` for a template that is invalid, leads out of the output directory or into plae's own directory there, or
/// gives several articles the same output.
pub(super) fn name_outputs_by_template(
    template: &str,
    output: &Path,
    places: &[String],
    formats: &[OutputFormat],
) -> Result<Vec<Vec<PathBuf>>> {
    name_apart(
        places.len(),
        &RESERVED_REPORT_NAMES,
        &|index, form| {
            let fill = |format: &OutputFormat| fill_output_template(template, Path::new(&places[index]), form, *format);
            formats.iter().map(fill).collect()
        },
        &|NameCollision { path, .. }| {
            Error::usage("several outputs have this name")
                .path(output.join(path))
                .hint("let {stem} and {format} be part of the template")
        },
    )
}

/// Fills in the fields of a template for the article at `place`, and returns the path below the output directory.
fn fill_output_template(template: &str, place: &Path, form: OutputStemForm, format: OutputFormat) -> Result<PathBuf> {
    let part = |part: Option<&OsStr>| part.unwrap_or_default().to_os_string();
    let mut name = OsString::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let wrong = || {
            Error::usage(format!("the template `{template}` is wrong at `{{{after}`"))
                .hint("it may have {dir}, {stem}, {ext} and {format}")
        };
        let (field, after) = after.split_once('}').ok_or_else(wrong)?;
        name.push(before);
        match field {
            "dir" => name.push(part(place.parent().map(Path::as_os_str))),
            "stem" => name.push(form.stem_of(place)),
            "ext" => name.push(part(place.extension())),
            "format" => name.push(format.file_extension()),
            _ => return Err(wrong()),
        }
        rest = after;
    }
    name.push(rest);
    // For an article at the top of the input directory, `{dir}/` leaves a leading slash.
    let path: PathBuf = Path::new(&name)
        .components()
        .skip_while(|part| *part == Component::RootDir && template.starts_with("{dir}"))
        .collect();
    let refused = |why: &str| Err(Error::usage(format!("the template `{template}` leads {why}")).path(&path));
    if path.file_name().is_none() || !path.components().all(|part| matches!(part, Component::Normal(_))) {
        refused("out of the output directory")
    } else if !is_output_path(&path) {
        refused("into plae's own directory")
    } else {
        Ok(path)
    }
}

/// Whether a relative path may be an output's: it stays inside the output directory and outside [`ARCHIVE_DIR_NAME`].
pub(super) fn is_output_path(path: &Path) -> bool {
    let is_own_dir = |name: &OsStr| fold_name(Path::new(name)) == ARCHIVE_DIR_NAME;
    match path.components().next() {
        Some(Component::Normal(name)) if is_own_dir(name) => false,
        _ => path.components().all(|part| matches!(part, Component::Normal(_))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::DEFAULT_OUTPUT_TEMPLATE;
    use super::*;
    use crate::error::ErrorKind;

    use OutputFormat::{Docx, Html, Jsonl};

    /// Returns the output paths that a template gives the articles at `places`, joined by spaces.
    fn templated(template: &str, places: &[&str], formats: &[OutputFormat]) -> Result<String> {
        let places: Vec<_> = places.iter().map(|place| (*place).to_owned()).collect();
        let outputs = name_outputs_by_template(template, Path::new("o"), &places, formats)?;
        let outputs: Vec<_> = outputs
            .iter()
            .flatten()
            .map(|path| path.display().to_string())
            .collect();
        Ok(outputs.join(" "))
    }

    #[test]
    fn names_by_a_template() {
        const USUAL: &str = DEFAULT_OUTPUT_TEMPLATE;
        let cases: [(&str, &[&str], &[OutputFormat], &str); 10] = [
            (
                USUAL,
                &["a.txt", "d/e/b.md"],
                &[Html, Jsonl],
                "a.html a.jsonl d/e/b.html d/e/b.jsonl",
            ),
            (
                "{format}/{dir}/{stem}-en.{format}",
                &["d/a.txt"],
                &[Html, Docx],
                "html/d/a-en.html docx/d/a-en.docx",
            ),
            ("{stem}.{ext}.{format}", &["d/a.txt"], &[Html], "a.txt.html"),
            // Same stems, also where only capitals differ, or only the normalisation form.
            (
                USUAL,
                &["a.txt", "a.md", "b.md"],
                &[Html],
                "a.txt.html a.md.html b.html",
            ),
            (USUAL, &["News.txt", "news.md"], &[Html], "News.txt.html news.md.html"),
            (
                USUAL,
                &["caf\u{e9}.txt", "cafe\u{301}.md"],
                &[Html],
                "caf\u{e9}.txt.html cafe\u{301}.md.html",
            ),
            (
                USUAL,
                &["na\u{301}.txt", "N\u{c1}.txt"],
                &[Html],
                "na\u{301}.txt-e137f04c.html N\u{c1}.txt-688617a5.html",
            ),
            // The report's own name.
            (
                USUAL,
                &["index.txt", "d/index.txt"],
                &[Html],
                "index.txt.html d/index.html",
            ),
            // Names that still meet have a hash of their place, which stays the same when others come.
            (
                USUAL,
                &["a.txt", "A.TXT"],
                &[Html],
                "a.txt-18b7cb09.html A.TXT-0eeaed51.html",
            ),
            (
                "{stem}.{format}",
                &["d/a.txt", "e/a.txt"],
                &[Html],
                "a.txt-bb402739.html a.txt-75bc90ac.html",
            ),
        ];
        for (template, places, formats, expected) in cases {
            assert_eq!(templated(template, places, formats).unwrap(), expected);
        }
        for (template, places, part) in [
            ("{dir}/{title}", &["a.txt"][..], "{title}"),
            ("{dir", &["a.txt"], "{dir"),
            ("../{stem}.{format}", &["a.txt"], "leads out"),
            ("/x/{stem}.{format}", &["a.txt"], "leads out"),
            (".plae/{stem}.{format}", &["a.txt"], "into plae's own directory"),
            (".plae/memory.sqlite", &["a.txt"], "into plae's own directory"),
            (".PLAE/staging/{stem}.{format}", &["a.txt"], "into plae's own directory"),
            ("all.{format}", &["a.txt", "b.txt"], "several outputs"),
        ] {
            let error = templated(template, places, &[Html]).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Usage);
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
