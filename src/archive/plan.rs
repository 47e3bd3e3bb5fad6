//! The plan of an archive: finds the articles in a directory and decides the paths of their outputs.

use super::{Article, ArticleList, INDEX_FILE_NAME, REPORT, Shard};
use crate::document::Format;
use crate::error::{Error, Result};
use crate::file;
use crate::render::{CLOSING_NOTE_OPENINGS, OutputFormat};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

/// The default [`ArchivePlanOptions::template`]: each output keeps its input's directory and name, with a new extension.
pub const DEFAULT_OUTPUT_TEMPLATE: &str = "{dir}/{stem}.{format}";
/// Names of the report files at the top of the output directory, which no article's output may take.
const RESERVED_REPORT_NAMES: [&str; 2] = [INDEX_FILE_NAME, REPORT];

/// Options of [`plan_archive`]: which files to translate, to which formats, and how to name the outputs.
#[derive(Clone, Copy, Debug)]
pub struct ArchivePlanOptions<'a> {
    /// Globs, relative to the input directory, that select files as in [`find_articles`]. Empty selects all files.
    pub globs: &'a [String],
    /// Input format to read every article as; none to use the format that each file's extension names.
    pub from: Option<Format>,
    /// Output formats to write for each article. Duplicates are ignored.
    pub formats: &'a [OutputFormat],
    /// Template for the paths of outputs, with the fields `{dir}`, `{stem}`, `{ext}` and `{format}`; see
    /// [`DEFAULT_OUTPUT_TEMPLATE`].
    pub template: &'a str,
    /// The shard whose articles to take; none to take all articles.
    pub shard: Option<Shard>,
}

/// The result of [`plan_archive`]: the articles of an archive, and the problems met while searching for them.
#[derive(Debug)]
pub struct ArchivePlan {
    /// The articles to translate, with the paths of their outputs.
    pub articles: ArticleList,
    /// Files and directories in the input directory that cannot be read. They do not stop the other articles.
    pub failures: Vec<InputFailure>,
    /// Number of files that are skipped: those with an unsupported extension, and outputs that plae wrote.
    pub skipped: usize,
}

/// An input that cannot be translated, and why.
#[derive(Debug)]
pub struct InputFailure {
    /// Path of the input as messages show it, or `standard input`.
    pub input: String,
    /// The reason why the input cannot be translated.
    pub error: Error,
}

/// Finds the articles below the directory `input` and names their outputs below `output`.
///
/// The names depend only on the paths of the articles below `input`, so that the same articles get the same names in
/// every run. If two outputs would get the same path (compared without case, as some file systems do), `{stem}` in
/// their templates becomes the whole file name of the input; if their paths are still equal, the whole file name and a
/// hash of the input's path.
///
/// # Errors
/// `Usage` if `input` is no directory, `output` is the same directory, a glob or the template is invalid, or the
/// template gives several articles the same output.
pub fn plan_archive(input: &Path, output: &Path, options: &ArchivePlanOptions) -> Result<ArchivePlan> {
    if !input.is_dir() {
        return Err(Error::usage("is no directory").path(input));
    }
    if file::resolve_path(input) == file::resolve_path(output) {
        return Err(output_is_input_error(input));
    }
    let mut formats = Vec::with_capacity(options.formats.len());
    for format in options.formats {
        if !formats.contains(format) {
            formats.push(*format);
        }
    }
    let FoundArticles {
        articles: found,
        mut failures,
        skipped,
    } = find_articles(input, options.globs, Some(output))?;
    if found.is_empty() && failures.is_empty() {
        failures.push(no_articles_failure(input));
    }
    let places: Vec<_> = found.iter().map(|found| found.place.as_path()).collect();
    let names = name_outputs_by_template(options.template, output, &places, &formats)?;
    let is_own: Vec<bool> = match options.shard {
        None => vec![true; found.len()],
        Some(shard) => found.par_iter().map(|found| shard.contains_file(&found.path)).collect(),
    };
    if let Some(shard) = options.shard {
        failures.retain(|failure| shard.contains_bytes(failure.input.as_bytes()));
    }
    let mut articles = ArticleList::new(input.to_path_buf(), formats.clone());
    for ((found, names), is_own) in found.into_iter().zip(names).zip(is_own) {
        if is_own {
            articles.push(Article {
                place: path_to_portable_text(&found.place),
                format: options.from.or(input_format_of(&found.path)).unwrap_or(Format::Text),
                path: found.path,
                outputs: formats
                    .iter()
                    .copied()
                    .zip(names.iter().map(|name| path_to_portable_text(name)))
                    .collect(),
            });
        }
    }
    Ok(ArchivePlan {
        articles,
        failures,
        skipped,
    })
}

/// Creates the error for an output directory that is also an input directory.
pub(crate) fn output_is_input_error(input: &Path) -> Error {
    Error::usage("the output directory is an input directory, and outputs would be inputs")
        .path(input)
        .hint("write to another directory, or to one below it")
}

/// Creates the failure for an input directory that holds no file to translate.
pub(crate) fn no_articles_failure(directory: &Path) -> InputFailure {
    InputFailure {
        input: directory.display().to_string(),
        error: Error::input("no .txt, .md or .html file in this directory").path(directory),
    }
}

/// Formats a relative path with `/` between directories on every system, and replaces bytes that are not Unicode.
fn path_to_portable_text(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// Returns the input format that the extension of a file names; none if it names none.
pub fn input_format_of(path: &Path) -> Option<Format> {
    path.extension()
        .and_then(OsStr::to_str)
        .and_then(Format::from_extension)
}

/// The result of [`find_articles`]: the files of a directory that can be translated.
#[derive(Debug, Default)]
pub struct FoundArticles {
    /// The files that can be translated, sorted by path.
    pub articles: Vec<FoundArticle>,
    /// Files and directories that cannot be read.
    pub failures: Vec<InputFailure>,
    /// Number of files that are skipped: those with an unsupported extension, and outputs that plae wrote.
    pub skipped: usize,
}

/// One file that [`find_articles`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundArticle {
    /// Path by which the file is opened: the searched directory joined with `place`.
    pub path: PathBuf,
    /// Path of the file relative to the directory that was searched.
    pub place: PathBuf,
}

/// Finds the files below `root` that can be translated, sorted by path. Leaves out hidden files, symbolic links, files
/// that plae wrote, and everything below the directory `except`.
///
/// `globs` have the syntax of lines in a `.gitignore` file in `root`, but the opposite meaning: a glob without `!`
/// includes the files it matches, a glob with `!` excludes them, and the last glob that matches a file decides. If any
/// glob has no `!`, files that no glob matches are excluded. `{a,b}` matches `a` or `b`, and `#` starts no comment.
///
/// # Errors
/// `Usage` for an invalid glob.
pub fn find_articles(root: &Path, globs: &[String], except: Option<&Path>) -> Result<FoundArticles> {
    let mut overrides = ignore::overrides::OverrideBuilder::new(root);
    for glob in globs {
        let added = if glob.starts_with('#') {
            overrides.add(&format!("\\{glob}"))
        } else {
            overrides.add(glob)
        };
        added.map_err(|error| Error::usage(format!("not a glob: {error}")))?;
    }
    let overrides = overrides
        .build()
        .map_err(|error| Error::usage(format!("the globs cannot be used: {error}")))?;
    let except = except.map(file::resolve_path);
    let entries = ignore::WalkBuilder::new(root)
        .standard_filters(false)
        .hidden(true)
        .overrides(overrides)
        .sort_by_file_path(Path::cmp)
        .filter_entry(move |entry| {
            except.is_none()
                || !entry.file_type().is_some_and(|kind| kind.is_dir())
                || except != std::fs::canonicalize(entry.path()).ok()
        })
        .build();
    let mut found = FoundArticles::default();
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                found.failures.push(unreadable_path_failure(root, error));
                continue;
            }
        };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        if input_format_of(path).is_none() || is_own_output(path) {
            found.skipped += 1;
            continue;
        }
        found.articles.push(FoundArticle {
            place: path.strip_prefix(root).unwrap_or(path).to_path_buf(),
            path: path.to_path_buf(),
        });
    }
    Ok(found)
}

/// Whether a file ends with the note that plae writes at the end of every output for reading, such as HTML.
fn is_own_output(path: &Path) -> bool {
    /// Number of bytes at the end of a file that are searched for the note.
    const SEARCHED_TAIL_BYTES: u64 = 1024;
    let tail = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        let start = file.metadata()?.len().saturating_sub(SEARCHED_TAIL_BYTES);
        file.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        Ok(tail)
    };
    // A file that cannot be read counts as an input, and fails when it is translated.
    let tail = tail().unwrap_or_default();
    let holds = |note: &str| tail.windows(note.len()).any(|part| part == note.as_bytes());
    CLOSING_NOTE_OPENINGS.into_iter().any(holds)
}

/// Creates the failure for a file or directory below `root` that cannot be read. It names the innermost path in
/// `error`, or `root` if `error` has no path.
fn unreadable_path_failure(root: &Path, error: ignore::Error) -> InputFailure {
    let mut path = root;
    let mut inner = &error;
    loop {
        match inner {
            ignore::Error::WithPath { path: at, err } => {
                path = at;
                inner = err;
            }
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
                inner = err;
            }
            _ => break,
        }
    }
    let message = match inner.io_error() {
        Some(error) => file::describe_io_error(error),
        None => inner.to_string(),
    };
    InputFailure {
        input: path.display().to_string(),
        error: Error::input(message).path(path),
    }
}

/// The text that `{stem}` stands for in the name of an article's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OutputStemForm {
    /// The article's file name without its extension.
    Short,
    /// The article's file name with its extension.
    Whole,
    /// The article's file name with its extension and the first 8 hexadecimal digits of its path's SHA-256.
    Hashed,
}

/// Returns the output paths of each article, relative to the output directory, without collisions; see [`plan_archive`].
/// `places` are the articles' paths below the input directory; `output` appears only in error messages.
fn name_outputs_by_template(
    template: &str,
    output: &Path,
    places: &[&Path],
    formats: &[OutputFormat],
) -> Result<Vec<Vec<PathBuf>>> {
    let mut stems = vec![OutputStemForm::Short; places.len()];
    loop {
        let mut named = Vec::with_capacity(places.len());
        let reserved = RESERVED_REPORT_NAMES.map(|name| (lower_path_case(Path::new(name)), 1));
        let mut uses: HashMap<String, usize> = reserved.into_iter().collect();
        for (place, stem) in places.iter().zip(&stems) {
            let fill = |format: &OutputFormat| fill_output_template(template, place, *stem, *format);
            let paths = formats.iter().map(fill).collect::<Result<Vec<_>>>()?;
            for path in &paths {
                *uses.entry(lower_path_case(path)).or_default() += 1;
            }
            named.push(paths);
        }
        let meets = |paths: &[PathBuf]| paths.iter().any(|path| uses[&lower_path_case(path)] > 1);
        let met: Vec<usize> = (0..places.len()).filter(|index| meets(&named[*index])).collect();
        if met.is_empty() {
            return Ok(named);
        }
        for index in met {
            stems[index] = match stems[index] {
                OutputStemForm::Short => OutputStemForm::Whole,
                OutputStemForm::Whole => OutputStemForm::Hashed,
                OutputStemForm::Hashed => {
                    return Err(Error::usage("several outputs have this name")
                        .path(output.join(&named[index][0]))
                        .hint("let {stem} and {format} be part of the template"));
                }
            };
        }
    }
}

/// Converts a path to lower case, to find paths that are equal on a file system that ignores case.
fn lower_path_case(path: &Path) -> String {
    path.to_string_lossy().to_lowercase()
}

/// Fills in the fields of a template for the article at `place`, and returns the path below the output directory.
///
/// # Errors
/// `Usage` for an unknown field, and for a path that leads out of the output directory.
fn fill_output_template(template: &str, place: &Path, stem: OutputStemForm, format: OutputFormat) -> Result<PathBuf> {
    let part = |part: Option<&OsStr>| part.unwrap_or_default().to_os_string();
    let stem = match stem {
        OutputStemForm::Short => part(place.file_stem()),
        OutputStemForm::Whole => part(place.file_name()),
        OutputStemForm::Hashed => {
            let hash = file::to_hexadecimal(&Sha256::digest(place.as_os_str().as_encoded_bytes()));
            let mut stem = part(place.file_name());
            stem.push(format!("-{}", &hash[..8]));
            stem
        }
    };
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
            "stem" => name.push(&stem),
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
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    if inside && path.file_name().is_some() {
        Ok(path)
    } else {
        Err(Error::usage(format!("the template `{template}` leads out of the output directory")).path(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use std::fs;

    use OutputFormat::{Docx, Html, Jsonl};

    #[test]
    fn own_outputs_end_with_a_note() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.md");
        for (note, own) in [
            (CLOSING_NOTE_OPENINGS[0], true),
            (CLOSING_NOTE_OPENINGS[1], true),
            ("Machine translated by hand", false),
        ] {
            fs::write(&path, format!("A text.\n\n*{note}0.1.0*\n")).unwrap();
            assert_eq!(is_own_output(&path), own, "{note}");
        }
    }

    /// Returns the output paths that a template gives the articles at `places`, joined by spaces.
    fn templated(template: &str, places: &[&str], formats: &[OutputFormat]) -> Result<String> {
        let places: Vec<_> = places.iter().map(Path::new).collect();
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
        let cases: [(&str, &[&str], &[OutputFormat], &str); 8] = [
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
            // Same stems, also where only capitals differ.
            (
                USUAL,
                &["a.txt", "a.md", "b.md"],
                &[Html],
                "a.txt.html a.md.html b.html",
            ),
            (USUAL, &["News.txt", "news.md"], &[Html], "News.txt.html news.md.html"),
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
            ("all.{format}", &["a.txt", "b.txt"], "several outputs"),
        ] {
            let error = templated(template, places, &[Html]).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Usage);
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    /// Creates a temporary directory with the given files, each containing a Thai word.
    fn tree(files: &[&str]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for name in files {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "ข่าว").unwrap();
        }
        home
    }

    const ALL: ArchivePlanOptions = ArchivePlanOptions {
        globs: &[],
        from: None,
        formats: &[Html],
        template: DEFAULT_OUTPUT_TEMPLATE,
        shard: None,
    };

    #[test]
    fn globs_choose_what_an_archive_reads() {
        let home = tree(&[
            "in/a.txt",
            "in/b.md",
            "in/#c.txt",
            "in/old/c.txt",
            "in/old/d.md",
            "in/new/e.txt",
        ]);
        let read = |globs: &[&str]| {
            let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
            let options = ArchivePlanOptions { globs: &globs, ..ALL };
            let plan = plan_archive(&home.path().join("in"), &home.path().join("out"), &options)?;
            let places: Vec<_> = plan.articles.iter().map(|article| article.place).collect();
            Ok::<_, Error>(places.join(" "))
        };
        for (globs, expected) in [
            (&[][..], "#c.txt a.txt b.md new/e.txt old/c.txt old/d.md"),
            (&["*.txt"], "#c.txt a.txt new/e.txt old/c.txt"),
            (&["!old/", "!#*"], "a.txt b.md new/e.txt"),
            (&["[a-z]*.txt", "!/old/"], "a.txt new/e.txt"),
            (&["!*.txt", "new/*.txt"], "new/e.txt"),
            (&["#c.txt"], "#c.txt"),
            (&["{a,b}.*"], "a.txt b.md"),
        ] {
            assert_eq!(read(globs).unwrap(), expected, "{globs:?}");
        }
        assert_eq!(read(&["a[.txt"]).unwrap_err().kind, ErrorKind::Usage);
    }

    #[test]
    fn a_directory_is_planned_without_its_output_directory() {
        let home = tree(&["in/a.txt", "in/d/b.md", "in/picture.png", "in/out/old.html"]);
        let (input, output) = (home.path().join("in"), home.path().join("in/out"));
        let options = ArchivePlanOptions {
            formats: &[Html, Docx, Html],
            ..ALL
        };
        let found = plan_archive(&input, &output, &options).unwrap();
        let outputs: Vec<_> = found.articles.iter().flat_map(|article| article.outputs).collect();
        let expected = [
            (Html, "a.html"),
            (Docx, "a.docx"),
            (Html, "d/b.html"),
            (Docx, "d/b.docx"),
        ];
        assert_eq!(outputs, expected.map(|(format, path)| (format, path.to_owned())));
        assert_eq!((found.skipped, found.failures.len()), (1, 0));
        assert_eq!(plan_archive(&input, &input, &ALL).unwrap_err().kind, ErrorKind::Usage);
        assert_eq!(
            plan_archive(&input.join("a.txt"), &output, &ALL).unwrap_err().kind,
            ErrorKind::Usage
        );
        let empty = plan_archive(
            &home.path().join("in/out"),
            &home.path().join("new"),
            &ArchivePlanOptions {
                globs: &["*.md".to_owned()],
                ..ALL
            },
        );
        assert_eq!(empty.unwrap().failures[0].error.kind, ErrorKind::Input);
    }

    #[test]
    fn shards_divide_the_articles() {
        let names: Vec<String> = (0..20).map(|number| format!("in/{number}.txt")).collect();
        let home = tree(&[]);
        fs::create_dir(home.path().join("in")).unwrap();
        for name in &names {
            fs::write(home.path().join(name), name).unwrap();
        }
        let count = |shard| {
            let options = ArchivePlanOptions { shard, ..ALL };
            let found = plan_archive(&home.path().join("in"), &home.path().join("out"), &options).unwrap();
            found.articles.len()
        };
        let (first, second) = (count("0/2".parse().ok()), count("1/2".parse().ok()));
        assert!(first > 0 && second > 0);
        assert_eq!((first + second, count(None)), (20, 20));
    }
}
