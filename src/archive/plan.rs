//! The plan of an archive: finds the articles in a directory and decides the paths of their outputs.

use super::find::{FoundArticles, InputFailure, SkippedFiles, find_articles, input_format_of, no_articles_failure};
use super::name::name_outputs_by_template;
use super::place::{output_from_path, place_from_path};
use super::{Article, ArticleList, Shard};
use crate::document::Format;
use crate::error::{Error, Result};
use crate::file;
use crate::render::OutputFormat;
use rayon::prelude::*;
use std::collections::HashSet;
use std::path::Path;

/// The default [`ArchivePlanOptions::template`]: each output keeps its input's directory and name, with a new extension.
pub const DEFAULT_OUTPUT_TEMPLATE: &str = "{dir}/{stem}.{format}";

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
    /// Files and directories in the input directory that cannot be read, and articles whose outputs cannot be named.
    /// They do not stop the other articles.
    pub failures: Vec<InputFailure>,
    /// Files of the input directory that are passed over.
    pub skipped: SkippedFiles,
}

/// Finds the articles below the directory `input` and names their outputs below `output`.
///
/// The names depend only on the paths of the articles below `input`, so that the same articles get the same names in
/// every run. If two outputs would get the same path (compared without case and normalisation form, as some file systems
/// do), `{stem}` in their templates becomes the whole file name of the input; if their paths are still equal, the whole
/// file name and a hash of the input's path.
///
/// # Errors
/// `Usage` if `input` is no directory, `output` is the same directory, a glob or the template is invalid, or the
/// template gives several articles the same output, or one that is an article itself.
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
        failures.push(no_articles_failure(input, options.globs, &skipped));
    }
    let places: Vec<_> = found.iter().map(|found| place_from_path(&found.place)).collect();
    let names = name_outputs_by_template(options.template, output, &places, &formats)?;
    check_outputs_are_no_inputs(
        input,
        output,
        &places,
        names.iter().flatten().map(|path| path.as_path()),
    )?;
    let is_own: Vec<bool> = match options.shard {
        None => vec![true; found.len()],
        Some(shard) => found.par_iter().map(|found| shard.contains_file(&found.path)).collect(),
    };
    if let Some(shard) = options.shard {
        failures.retain(|failure| shard.contains_bytes(failure.input.as_bytes()));
    }
    let mut articles = ArticleList::new(input.to_path_buf(), formats.clone());
    let named = found.into_iter().zip(places).zip(names).zip(is_own);
    for (((found, place), names), _) in named.filter(|(_, is_own)| *is_own) {
        let checked = names
            .iter()
            .try_for_each(|name| file::check_name_length(&output.join(name)));
        if let Err(error) = checked {
            failures.push(InputFailure {
                input: found.path.display().to_string(),
                error,
            });
            continue;
        }
        let names = names.iter().map(|name| output_from_path(name));
        articles.push(Article {
            place,
            format: options.from.or(input_format_of(&found.path)).unwrap_or(Format::Text),
            path: found.path,
            outputs: formats.iter().copied().zip(names).collect(),
        });
    }
    Ok(ArchivePlan {
        articles,
        failures,
        skipped,
    })
}

/// Checks that no output is an article itself, as can be if the input directory is below the output directory.
fn check_outputs_are_no_inputs<'a>(
    input: &Path,
    output: &Path,
    places: &[String],
    mut names: impl Iterator<Item = &'a Path>,
) -> Result<()> {
    let (input, output_root) = (file::resolve_path(input), file::resolve_path(output));
    let Ok(below) = input.strip_prefix(output_root) else {
        return Ok(());
    };
    let places: HashSet<&str> = places.iter().map(String::as_str).collect();
    let is_input = |name: &&Path| {
        let place = name.strip_prefix(below).map(place_from_path);
        place.is_ok_and(|place| places.contains(&*place))
    };
    match names.find(is_input) {
        None => Ok(()),
        Some(name) => Err(Error::usage("the output is an article of this archive")
            .path(output.join(name))
            .hint("write to another directory")),
    }
}

/// Creates the error for an output directory that is also an input directory.
pub(crate) fn output_is_input_error(input: &Path) -> Error {
    Error::usage("the output directory is an input directory, and outputs would be inputs")
        .path(input)
        .hint("write to another directory, or to one below it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use std::fs;

    use OutputFormat::{Docx, Html};

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
            // A directory stands for all below it.
            (&["old/"], "old/c.txt old/d.md"),
            (&["/old"], "old/c.txt old/d.md"),
            (&["old/", "!*.md"], "old/c.txt"),
            (&["*.txt", "!old/"], "#c.txt a.txt new/e.txt"),
            // Nothing below an excluded directory comes back.
            (&["!old/", "old/c.txt"], ""),
        ] {
            assert_eq!(read(globs).unwrap(), expected, "{globs:?}");
        }
        for wrong in ["a[.txt", "", "!"] {
            assert_eq!(read(&[wrong]).unwrap_err().kind, ErrorKind::Usage);
        }
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
        assert_eq!(
            (found.skipped.to_string(), found.failures.len()),
            ("1 .png".to_owned(), 0)
        );
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
