//! Finds the articles below a directory, and counts by kind the files that it passes over.

use crate::document::{CLOSING_NOTE_OPENINGS, Format};
use crate::error::{Error, Result};
use crate::file;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The result of [`find_articles`]: the files of a directory that can be translated.
#[derive(Debug, Default)]
pub struct FoundArticles {
    /// The files that can be translated, sorted by path.
    pub articles: Vec<FoundArticle>,
    /// Files and directories that cannot be read.
    pub failures: Vec<InputFailure>,
    /// The files that are passed over.
    pub skipped: SkippedFiles,
}

/// One file that [`find_articles`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundArticle {
    /// Path by which the file is opened: the searched directory joined with `place`.
    pub path: PathBuf,
    /// Path of the file relative to the directory that was searched.
    pub place: PathBuf,
}

/// Files of input directories that are not translated, counted by kind. `Display` lists the kinds: `1 .pdf, 2 links`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkippedFiles {
    /// Numbers of files in formats that are not read, by their extension in lower case; empty if there is none.
    extensions: BTreeMap<String, usize>,
    /// Number of symbolic links, to files and to directories.
    links: usize,
    /// Number of hidden files that have an article's extension.
    hidden: usize,
    /// Number of pipes, sockets and devices.
    special: usize,
    /// Number of files that end with the note that plae writes.
    own_outputs: usize,
    /// The first of these files.
    first_own_output: Option<PathBuf>,
}

impl SkippedFiles {
    /// Whether no file was passed over.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds the files that were passed over in another directory.
    pub fn add(&mut self, other: Self) {
        for (extension, count) in other.extensions {
            *self.extensions.entry(extension).or_default() += count;
        }
        self.links += other.links;
        self.hidden += other.hidden;
        self.special += other.special;
        self.own_outputs += other.own_outputs;
        self.first_own_output = self.first_own_output.take().or(other.first_own_output);
    }

    fn count_extension(&mut self, path: &Path) {
        let extension = path.extension().map(OsStr::to_string_lossy).unwrap_or_default();
        *self.extensions.entry(extension.to_lowercase()).or_default() += 1;
    }
}

impl fmt::Display for SkippedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: Vec<String> = self
            .extensions
            .iter()
            .map(|(extension, count)| match extension.as_str() {
                "" => format!("{count} without extension"),
                _ => format!("{count} .{extension}"),
            })
            .collect();
        for (count, one, several) in [
            (self.links, "link", "links"),
            (self.hidden, "hidden", "hidden"),
            (self.special, "special file", "special files"),
        ] {
            match count {
                0 => {}
                1 => kinds.push(format!("1 {one}")),
                _ => kinds.push(format!("{count} {several}")),
            }
        }
        if let Some(first) = &self.first_own_output {
            let more = match self.own_outputs {
                1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            kinds.push(format!(
                "{} written by plae ({}{more})",
                self.own_outputs,
                first.display()
            ));
        }
        f.write_str(&kinds.join(", "))
    }
}

/// An input that cannot be translated, and why.
#[derive(Debug)]
pub struct InputFailure {
    /// Path of the input as messages show it, or `standard input`.
    pub input: String,
    /// The reason why the input cannot be translated.
    pub error: Error,
}

/// Returns the input format that the extension of a file names; none if it names none.
pub fn input_format_of(path: &Path) -> Option<Format> {
    path.extension()
        .and_then(OsStr::to_str)
        .and_then(Format::from_extension)
}

/// Finds the files below `root` that can be translated, sorted by path. Leaves out hidden files, symbolic links, files
/// that plae wrote, and everything below the directory `except`.
///
/// `globs` have the syntax of lines in a `.gitignore` file in `root`, but the opposite meaning: a glob without `!`
/// includes the files it matches and everything below the directories it matches, a glob with `!` excludes them. For
/// one path the last glob that matches decides, and nothing below an excluded directory is included. If any glob has
/// no `!`, files that no glob includes are left out. `{a,b}` matches `a` or `b`, and `#` starts no comment.
///
/// # Errors
/// `Usage` for an invalid glob.
pub fn find_articles(root: &Path, globs: &[String], except: Option<&Path>) -> Result<FoundArticles> {
    let filter = Arc::new(GlobFilter::new(globs)?);
    let except = except.map(file::resolve_path);
    let (walked, of_walk) = (root.to_path_buf(), Arc::clone(&filter));
    let entries = ignore::WalkBuilder::new(root)
        .standard_filters(false)
        .sort_by_file_path(Path::cmp)
        .filter_entry(move |entry| {
            let is_below = entry.depth() > 0 && entry.file_type().is_some_and(|kind| kind.is_dir());
            !is_below
                || (!is_hidden(entry.path())
                    && !of_walk.excludes_directory(place_below(&walked, entry.path()))
                    && (except.is_none() || except != std::fs::canonicalize(entry.path()).ok()))
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
        let (path, place) = (entry.path(), place_below(root, entry.path()));
        let kind = entry.file_type();
        if entry.depth() == 0 || kind.is_some_and(|kind| kind.is_dir()) || !filter.includes_file(place) {
            continue;
        }
        let skipped = &mut found.skipped;
        if is_hidden(path) {
            skipped.hidden += usize::from(input_format_of(path).is_some());
        } else if entry.path_is_symlink() {
            skipped.links += 1;
        } else if !kind.is_some_and(|kind| kind.is_file()) {
            skipped.special += 1;
        } else if input_format_of(path).is_none() {
            skipped.count_extension(path);
        } else if is_own_output(path) && !is_thai_article(path) {
            skipped.own_outputs += 1;
            skipped.first_own_output.get_or_insert_with(|| path.to_path_buf());
        } else {
            found.articles.push(FoundArticle {
                place: place.to_path_buf(),
                path: path.to_path_buf(),
            });
        }
    }
    Ok(found)
}

/// Creates the failure for an input directory of which no file is to be translated; it names the globs that select
/// files, and what was passed over.
pub(crate) fn no_articles_failure(directory: &Path, globs: &[String], skipped: &SkippedFiles) -> InputFailure {
    let mut message = "no .txt, .md or .html file in this directory".to_owned();
    if !globs.is_empty() {
        let words = globs.iter().map(|glob| match glob.strip_prefix('!') {
            Some(glob) => format!("not `{glob}`"),
            None => format!("`{glob}`"),
        });
        message += &format!(" passes the filter {}", words.collect::<Vec<_>>().join(", "));
    }
    if !skipped.is_empty() {
        message += &format!("; passed over: {skipped}");
    }
    let error = Error::input(message).path(directory);
    InputFailure {
        input: directory.display().to_string(),
        error: match globs {
            [] => error,
            _ => error.hint("patterns are written as in .gitignore, relative to this directory"),
        },
    }
}

/// The globs that select files, see [`find_articles`].
struct GlobFilter {
    globs: Gitignore,
    /// Whether a glob includes files, so that others are left out.
    has_includes: bool,
}

impl GlobFilter {
    fn new(globs: &[String]) -> Result<Self> {
        // The paths that are matched are relative to the searched directory.
        let mut builder = GitignoreBuilder::new("");
        builder.allow_unclosed_class(false);
        for glob in globs {
            if matches!(glob.trim(), "" | "!") {
                return Err(Error::usage("a pattern is empty, and would match nothing"));
            }
            let added = if glob.starts_with('#') {
                builder.add_line(None, &format!("\\{glob}"))
            } else {
                builder.add_line(None, glob)
            };
            added.map_err(|error| Error::usage(format!("not a glob: {error}")))?;
        }
        let globs = builder
            .build()
            .map_err(|error| Error::usage(format!("the globs cannot be used: {error}")))?;
        Ok(Self {
            // In a `.gitignore` file, a line without `!` ignores: here it includes.
            has_includes: globs.num_ignores() > 0,
            globs,
        })
    }

    fn excludes_directory(&self, place: &Path) -> bool {
        self.globs.matched(place, true).is_whitelist()
    }

    fn includes_file(&self, place: &Path) -> bool {
        let matched = self.globs.matched_path_or_any_parents(place, false);
        matched.is_ignore() || (matched.is_none() && !self.has_includes)
    }
}

fn place_below<'a>(root: &Path, path: &'a Path) -> &'a Path {
    path.strip_prefix(root).unwrap_or(path)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Whether a file ends with the note that plae writes at the end of every output for reading, such as HTML.
pub(super) fn is_own_output(path: &Path) -> bool {
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
    // Text, Markdown and HTML; an article that only quotes the note does not have it so.
    ["\n[", "\n*", "<footer>"].into_iter().any(|before| {
        CLOSING_NOTE_OPENINGS.into_iter().any(|note| {
            let note = format!("{before}{note}");
            tail.windows(note.len()).any(|part| part == note.as_bytes())
        })
    })
}

/// Whether a file that ends as plae's outputs do is an article all the same, whose last line is plae's note: it has more
/// than twice as many Thai consonants as Latin letters. An output has about half as many, since it has the translation.
fn is_thai_article(path: &Path) -> bool {
    // A file that cannot be read or is no text is not plae's either.
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let body = CLOSING_NOTE_OPENINGS.iter().filter_map(|note| text.rfind(note)).max();
    let body = &text[..body.unwrap_or(text.len())];
    let count = |is_counted: fn(&char) -> bool| body.chars().filter(is_counted).count();
    count(|c| ('ก'..='ฮ').contains(c)) > 2 * count(char::is_ascii_alphabetic)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_outputs_end_with_a_note() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.md");
        let [translated, copied] = CLOSING_NOTE_OPENINGS;
        for (text, own) in [
            (format!("A text.\n\n*{translated}0.1.0*\n"), true),
            (format!("A text.\n\n[{copied}0.1.0]\n"), true),
            (format!("<p>A text.</p>\n<footer>{translated}0.1.0</footer>\n"), true),
            ("A text.\n\n*Machine translated by hand 0.1.0*\n".to_owned(), false),
            // An article about plae, which only quotes the note.
            (format!("เอกสารจบด้วยข้อความว่า \"{translated}0.1.0\"\n"), false),
        ] {
            std::fs::write(&path, &text).unwrap();
            assert_eq!(is_own_output(&path), own, "{text}");
        }
    }

    /// Issue 19, kind 29: an article whose last line is plae's own note was dropped.
    #[test]
    fn an_article_that_ends_with_the_note_is_an_article() {
        let home = tempfile::tempdir().unwrap();
        let [translated, copied] = CLOSING_NOTE_OPENINGS;
        let article = "ฝนตกหนักในหลายจังหวัดของภาคใต้ ชาวบ้านต้องย้ายของขึ้นที่สูง plae แปลบทความนี้แล้ว\n\n";
        let files = [
            (
                "a.txt",
                format!("{article}[{translated}0.1.0 with nllb on 2026-01-01.]\n"),
                true,
            ),
            (
                "b.md",
                format!("{article}---\n\n*{copied}0.1.0 found no Thai.*\n"),
                true,
            ),
            (
                "c.html",
                format!("<p>{article}</p>\n<footer>{translated}0.1.0</footer>"),
                true,
            ),
            (
                "d.txt",
                format!("ฝนตกหนักมาก\nIt rained heavily.\n\n[{translated}0.1.0 with nllb.]\n"),
                false,
            ),
            ("e.txt", format!("It rained.\n\n[{copied}0.1.0.]\n"), false),
        ];
        for (name, text, _) in &files {
            std::fs::write(home.path().join(name), text).unwrap();
        }
        let found = find_articles(home.path(), &[], None).unwrap();
        let names: Vec<_> = found
            .articles
            .iter()
            .map(|article| article.place.to_str().unwrap())
            .collect();
        let expected: Vec<_> = files
            .iter()
            .filter(|(_, _, is_article)| *is_article)
            .map(|(name, ..)| *name)
            .collect();
        assert_eq!(names, expected);
        assert_eq!(found.skipped.own_outputs, 2);
    }
}
