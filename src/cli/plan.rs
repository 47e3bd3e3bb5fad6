//! The plan of a run: what is read, what is written where, settled before any work is done.

use super::file;
use crate::document::Format;
use crate::error::{Error, Result};
use crate::render::{NOTES, OutputFormat, Succession};
use sha2::Digest;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub inputs: &'a [PathBuf],
    /// How every input is read; by its extension when none.
    pub from: Option<Format>,
    pub output: Option<&'a Path>,
    pub formats: &'a [OutputFormat],
    pub force: bool,
    /// For an archive, which looks itself at what stands at its outputs.
    pub archive: Option<Archive<'a>>,
}

/// What an archive's plan has beside any other's.
#[derive(Clone, Copy, Debug)]
pub struct Archive<'a> {
    /// Globs as in `.gitignore`, relative to the input directory: what is read, or with `!` left out; the last that matches
    /// decides, and where any is without `!`, what none matches is left out.
    pub globs: &'a [String],
    /// How outputs are named, with `{dir}`, `{stem}`, `{ext}` and `{format}`.
    pub template: &'a str,
    /// File names in the output directory that are no article's.
    pub reserved: &'a [&'a str],
}

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Stdin,
    File(PathBuf),
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Stdin => f.write_str("standard input"),
            Input::File(path) => path.display().fmt(f),
        }
    }
}

/// One output of one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub format: OutputFormat,
    /// None is standard output.
    pub path: Option<PathBuf>,
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            None => f.write_str("standard output"),
            Some(path) => path.display().fmt(f),
        }
    }
}

/// One input with all its outputs.
#[derive(Clone, Debug)]
pub struct Task {
    pub input: Input,
    /// Its place below an output directory, were it written there as it is.
    pub place: PathBuf,
    pub format: Format,
    pub outputs: Vec<Output>,
}

impl Input {
    /// What a typed path means: `-` is standard input.
    pub fn from_argument(path: &Path) -> Self {
        if file::is_dash(path) {
            Input::Stdin
        } else {
            Input::File(path.to_path_buf())
        }
    }

    /// Its bytes.
    pub fn read(&self) -> Result<Vec<u8>> {
        match self {
            Input::Stdin => file::read_stdin(),
            Input::File(path) => file::read(path),
        }
    }

    /// Where it truly stands.
    fn real(&self) -> Option<PathBuf> {
        match self {
            Input::Stdin => None,
            Input::File(path) => Some(file::real(path)),
        }
    }

    /// How it is read when nothing else is said: by its extension, else as plain text.
    pub fn format(&self) -> Format {
        match self {
            Input::Stdin => None,
            Input::File(path) => format_of(path),
        }
        .unwrap_or(Format::Text)
    }

    /// The file's name without its directory; what is not Unicode in it is replaced.
    pub fn name(&self) -> Option<Cow<'_, str>> {
        match self {
            Input::Stdin => None,
            Input::File(path) => path.file_name().map(OsStr::to_string_lossy),
        }
    }
}

/// What a run does, and what it cannot do.
#[derive(Debug, Default)]
pub struct Plan {
    pub tasks: Vec<Task>,
    /// What is refused, each with its reason; the others go on.
    pub failures: Vec<Failure>,
    /// Files in input directories that are passed over: those of other kinds, and outputs of plae's own.
    pub skipped: usize,
}

/// An input that cannot be done, or a place below an input directory that cannot be read.
#[derive(Debug)]
pub struct Failure {
    pub input: String,
    pub error: Error,
}

/// An input with its place below an output directory.
struct Found {
    input: Input,
    place: PathBuf,
}

/// Settles a run. An impossible request is an error; an input that cannot be done is one of [`Plan::failures`].
pub fn plan(request: &Request) -> Result<Plan> {
    let output = request.output.filter(|path| !file::is_dash(path));
    let directory = output.filter(|path| is_directory(path, request.inputs));
    if let Some(directory) = directory {
        check_directory(directory, request)?;
    }
    let formats = formats(request, output, directory.is_some())?;
    let mut plan = Plan::default();
    let found = gather(request, directory, &mut plan)?;
    let outputs = match (directory, output) {
        (Some(directory), _) => {
            let places: Vec<_> = found.iter().map(|found| found.place.as_path()).collect();
            match request.archive {
                Some(archive) => name_by(&archive, directory, &places, &formats)?,
                None => name_in(directory, &places, &formats)?,
            }
        }
        (None, Some(path)) => vec![name_beside(path, &formats)?; found.len()],
        (None, None) => {
            let [format] = formats[..] else {
                return Err(Error::usage("standard output takes one format only")
                    .hint("name an output with -o; each format gets its own extension"));
            };
            if found.len() > 1 && format.succession() == Succession::Never {
                return Err(Error::usage(format!(
                    "several {} documents cannot follow each other on standard output",
                    format.name()
                ))
                .hint("name an output directory with -o"));
            }
            vec![vec![Output { format, path: None }]; found.len()]
        }
    };
    // An archive's outputs are checked as they are written.
    let inputs: HashSet<_> = match request.archive {
        Some(_) => HashSet::new(),
        None => found.iter().filter_map(|found| found.input.real()).collect(),
    };
    for (found, outputs) in found.into_iter().zip(outputs) {
        let problem = match request.archive {
            Some(_) => None,
            None => check(&outputs, &inputs, request.force)?,
        };
        match problem {
            Some(error) => plan.failures.push(Failure {
                input: found.input.to_string(),
                error,
            }),
            None => plan.tasks.push(Task {
                format: request.from.unwrap_or_else(|| found.input.format()),
                input: found.input,
                place: found.place,
                outputs,
            }),
        }
    }
    Ok(plan)
}

/// Whether `-o` names a directory: it exists as one, ends in a separator, or has to hold several outputs.
fn is_directory(output: &Path, inputs: &[PathBuf]) -> bool {
    ends_in_separator(output) || output.is_dir() || inputs.len() > 1 || inputs.iter().any(|input| input.is_dir())
}

fn ends_in_separator(path: &Path) -> bool {
    let last = path.as_os_str().as_encoded_bytes().last();
    last.is_some_and(|last| std::path::is_separator(char::from(*last)))
}

fn check_directory(directory: &Path, request: &Request) -> Result<()> {
    let hint = "name a directory with -o";
    if directory.exists() && !directory.is_dir() {
        return Err(Error::usage("several outputs cannot go into one file")
            .path(directory)
            .hint(hint));
    }
    // `plae translate a.txt b.txt -o out.html` is a slip more often than a wish for a directory of that name.
    if !directory.is_dir() && !ends_in_separator(directory) && output_format_of(directory).is_some() {
        return Err(Error::usage("several inputs cannot go into one output file")
            .path(directory)
            .hint(format!("{hint}; a final `/` makes any name one")));
    }
    let real = file::real(directory);
    match request
        .inputs
        .iter()
        .find(|input| input.is_dir() && file::real(input) == real)
    {
        None => Ok(()),
        Some(input) => Err(
            Error::usage("the output directory is an input directory, and outputs would be inputs")
                .path(input)
                .hint("write to another directory, or to one below it"),
        ),
    }
}

fn extension_of(path: &Path) -> Option<&str> {
    path.extension().and_then(|extension| extension.to_str())
}

fn format_of(path: &Path) -> Option<Format> {
    extension_of(path).and_then(Format::from_extension)
}

fn output_format_of(path: &Path) -> Option<OutputFormat> {
    extension_of(path).and_then(OutputFormat::from_extension)
}

/// The output formats in the order they were asked for, or the default.
fn formats(request: &Request, output: Option<&Path>, directory: bool) -> Result<Vec<OutputFormat>> {
    let mut formats = Vec::new();
    for format in request.formats {
        if !formats.contains(format) {
            formats.push(*format);
        }
    }
    if !formats.is_empty() {
        return Ok(formats);
    }
    Ok(vec![match output {
        None => OutputFormat::Text,
        Some(_) if directory => OutputFormat::Html,
        // A device or a named pipe.
        Some(path) if path.exists() && !path.is_file() => OutputFormat::Text,
        Some(path) => output_format_of(path).ok_or_else(|| {
            let names: Vec<_> = OutputFormat::ALL.map(|format| format.name()).to_vec();
            Error::usage("no format is known by this extension")
                .path(path)
                .hint(format!("name one with --format: {}", names.join(", ")))
        })?,
    }])
}

/// The inputs with their places, directories opened.
fn gather(request: &Request, output: Option<&Path>, plan: &mut Plan) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    let output = output.map(file::real);
    for input in request.inputs {
        if file::is_dash(input) {
            if found.iter().any(|found: &Found| found.input == Input::Stdin) {
                return Err(Error::usage("standard input can be read once only"));
            }
            found.push(Found {
                input: Input::Stdin,
                place: PathBuf::from("stdin"),
            });
        } else if input.is_dir() {
            // A single directory is mirrored by its contents; among others it keeps its name.
            let base = match request.inputs {
                [_] => PathBuf::new(),
                _ => file::real(input).file_name().map(PathBuf::from).unwrap_or_default(),
            };
            let before = (found.len(), plan.failures.len());
            let globs = request.archive.map_or(&[][..], |archive| archive.globs);
            walk(input, &base, globs, output.as_deref(), &mut found, plan)?;
            if before == (found.len(), plan.failures.len()) {
                plan.failures.push(Failure {
                    input: input.display().to_string(),
                    error: Error::input("no .txt, .md or .html file in this directory").path(input),
                });
            }
        } else {
            found.push(Found {
                input: Input::File(input.clone()),
                place: input.file_name().map(PathBuf::from).unwrap_or_default(),
            });
        }
    }
    Ok(found)
}

/// The articles below `root` in the order of their names: no hidden files, no links, nothing that plae wrote.
fn walk(
    root: &Path,
    base: &Path,
    globs: &[String],
    output: Option<&Path>,
    found: &mut Vec<Found>,
    plan: &mut Plan,
) -> Result<()> {
    let mut overrides = ignore::overrides::OverrideBuilder::new(root);
    for glob in globs {
        overrides
            .add(glob)
            .map_err(|error| Error::usage(format!("not a glob: {error}")))?;
    }
    let overrides = overrides
        .build()
        .map_err(|error| Error::usage(format!("the globs cannot be used: {error}")))?;
    let output = output.map(Path::to_path_buf);
    let entries = ignore::WalkBuilder::new(root)
        .standard_filters(false)
        .hidden(true)
        .overrides(overrides)
        .sort_by_file_path(Path::cmp)
        .filter_entry(move |entry| {
            output.is_none()
                || !entry.file_type().is_some_and(|kind| kind.is_dir())
                || output != std::fs::canonicalize(entry.path()).ok()
        })
        .build();
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                plan.failures.push(unreadable(root, error));
                continue;
            }
        };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        if format_of(path).is_none() || is_own_output(path) {
            plan.skipped += 1;
            continue;
        }
        found.push(Found {
            place: base.join(path.strip_prefix(root).unwrap_or(path)),
            input: Input::File(path.to_path_buf()),
        });
    }
    Ok(())
}

/// Whether a file ends with the note that plae puts at the end of every page for reading.
fn is_own_output(path: &Path) -> bool {
    const TAIL: u64 = 1024;
    let tail = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        let start = file.metadata()?.len().saturating_sub(TAIL);
        file.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        Ok(tail)
    };
    // What cannot be read is an input, and fails as one.
    let tail = tail().unwrap_or_default();
    let holds = |note: &str| tail.windows(note.len()).any(|part| part == note.as_bytes());
    NOTES.into_iter().any(holds)
}

fn unreadable(root: &Path, error: ignore::Error) -> Failure {
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
        Some(error) => super::io_phrase(error),
        None => inner.to_string(),
    };
    Failure {
        input: path.display().to_string(),
        error: Error::input(message).path(path),
    }
}

/// Names the outputs of one input: `path` itself for one format; for several, its stem with each extension, where
/// the format that `path`'s own extension stands for keeps `path`.
fn name_beside(path: &Path, formats: &[OutputFormat]) -> Result<Vec<Output>> {
    if let [format] = formats {
        return Ok(vec![Output {
            format: *format,
            path: Some(path.to_path_buf()),
        }]);
    }
    if path.file_name().is_none() || (path.exists() && !path.is_file()) {
        return Err(Error::usage("several formats cannot go into one output").path(path));
    }
    let own = output_format_of(path);
    let stem = match own {
        Some(_) => path.with_extension(""),
        None => path.to_path_buf(),
    };
    Ok(formats
        .iter()
        .map(|format| Output {
            format: *format,
            path: Some(if own == Some(*format) {
                path.to_path_buf()
            } else {
                with_suffix(&stem, format.extension())
            }),
        })
        .collect())
}

/// `path` with `.suffix` after all of it.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// Names the outputs of inputs with the given places below `directory`. Inputs that would share an output keep their
/// own extensions in its name; what then still collides is an error.
fn name_in(directory: &Path, places: &[&Path], formats: &[OutputFormat]) -> Result<Vec<Vec<Output>>> {
    let short = |place: &Path| directory.join(place.with_extension(""));
    let mut uses: HashMap<PathBuf, usize> = HashMap::new();
    for place in places {
        *uses.entry(short(place)).or_default() += 1;
    }
    let mut taken: HashMap<PathBuf, &Path> = HashMap::new();
    let mut all = Vec::with_capacity(places.len());
    for place in places {
        let stem = match uses[&short(place)] {
            1 => short(place),
            _ => directory.join(place),
        };
        let mut outputs = Vec::with_capacity(formats.len());
        for format in formats {
            let path = with_suffix(&stem, format.extension());
            if let Some(other) = taken.insert(path.clone(), place) {
                return Err(Error::usage(format!(
                    "two inputs would be written to it: {} and {}",
                    other.display(),
                    place.display()
                ))
                .path(path)
                .hint("translate them in two runs, into two directories"));
            }
            outputs.push(Output {
                format: *format,
                path: Some(path),
            });
        }
        all.push(outputs);
    }
    Ok(all)
}

/// Names the outputs of an archive by its template. Where names would meet, on a file system that does not tell capitals
/// from small letters too, `{stem}` becomes the input's whole name, and where they still do, that and a hash of its place.
fn name_by(
    archive: &Archive,
    directory: &Path,
    places: &[&Path],
    formats: &[OutputFormat],
) -> Result<Vec<Vec<Output>>> {
    const LONGEST: usize = 2;
    let mut lengths = vec![0; places.len()];
    loop {
        let mut named = Vec::with_capacity(places.len());
        let mut uses: HashMap<String, usize> = archive
            .reserved
            .iter()
            .map(|name| (folded(Path::new(name)), 1))
            .collect();
        for (place, length) in places.iter().zip(&lengths) {
            let paths = formats
                .iter()
                .map(|format| fill(archive.template, place, *length, *format));
            let paths = paths.collect::<Result<Vec<_>>>()?;
            for path in &paths {
                *uses.entry(folded(path)).or_default() += 1;
            }
            named.push(paths);
        }
        let meets = |paths: &Vec<PathBuf>| paths.iter().any(|path| uses[&folded(path)] > 1);
        let met: Vec<usize> = (0..places.len()).filter(|index| meets(&named[*index])).collect();
        if let Some(index) = met.iter().find(|index| lengths[**index] == LONGEST) {
            let hint = "let {stem} and {format} be part of the template";
            return Err(Error::usage("several outputs have this name")
                .path(directory.join(&named[*index][0]))
                .hint(hint));
        }
        if met.is_empty() {
            let outputs = |paths: Vec<PathBuf>| {
                let outputs = formats.iter().zip(paths).map(|(format, path)| Output {
                    format: *format,
                    path: Some(directory.join(path)),
                });
                outputs.collect()
            };
            return Ok(named.into_iter().map(outputs).collect());
        }
        met.into_iter().for_each(|index| lengths[index] += 1);
    }
}

/// A path as a file system sees it that does not tell capitals from small letters.
fn folded(path: &Path) -> String {
    path.to_string_lossy().to_lowercase()
}

/// The template with its fields filled in for the input at `place`, its stem the longer the larger `length`.
fn fill(template: &str, place: &Path, length: usize, format: OutputFormat) -> Result<PathBuf> {
    let part = |part: Option<&OsStr>| part.unwrap_or_default().to_os_string();
    let mut stem = part(if length == 0 {
        place.file_stem()
    } else {
        place.file_name()
    });
    if length > 1 {
        let hash = crate::file::hexadecimal(&sha2::Sha256::digest(place.as_os_str().as_encoded_bytes()));
        stem.push(format!("-{}", &hash[..8]));
    }
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
            "format" => name.push(format.extension()),
            _ => return Err(wrong()),
        }
        rest = after;
    }
    name.push(rest);
    // An article at the top has no directory before the slash.
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

/// Why these outputs cannot be written, if they cannot. One that is an input is an impossible request.
fn check(outputs: &[Output], inputs: &HashSet<PathBuf>, force: bool) -> Result<Option<Error>> {
    for path in outputs.iter().filter_map(|output| output.path.as_deref()) {
        if inputs.contains(&file::real(path)) {
            return Err(Error::usage("the output is an input")
                .path(path)
                .hint("write elsewhere with -o"));
        }
        match std::fs::metadata(path) {
            Ok(standing) if standing.is_dir() => {
                return Ok(Some(Error::output("is a directory").path(path)));
            }
            Ok(standing) if standing.is_file() => {
                if !force {
                    return Ok(Some(file::exists(path)));
                }
            }
            // A device or a named pipe.
            Ok(_) => continue,
            Err(_) => {}
        }
        if let Err(error) = file::check_writable(path) {
            return Ok(Some(error));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use std::fs;

    use OutputFormat::{Docx, Html, Jsonl, Plain, Text};

    fn shown(outputs: &[Output]) -> String {
        let names: Vec<_> = outputs.iter().map(|output| output.to_string()).collect();
        names.join(" ")
    }

    #[test]
    fn own_outputs_end_with_a_note() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.md");
        for (note, own) in [
            (NOTES[0], true),
            (NOTES[1], true),
            ("Machine translated by hand", false),
        ] {
            fs::write(&path, format!("A text.\n\n*{note}0.1.0*\n")).unwrap();
            assert_eq!(is_own_output(&path), own, "{note}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_unicode_is_still_a_name() {
        use std::os::unix::ffi::OsStrExt;
        let input = Input::File(PathBuf::from(OsStr::from_bytes(b"dir/a\xff.txt")));
        assert_eq!(input.name().as_deref(), Some("a\u{fffd}.txt"));
        assert_eq!(Input::Stdin.name(), None);
    }

    #[test]
    fn names_beside_a_file() {
        let cases: [(&str, &[OutputFormat], &str); 8] = [
            ("a", &[Text, Plain], "a.txt a.en"),
            ("a.html", &[Html], "a.html"),
            ("a.out", &[Jsonl], "a.out"),
            ("a.html", &[Html, Docx], "a.html a.docx"),
            ("a.htm", &[Docx, Html], "a.docx a.htm"),
            ("a.v2", &[Html, Docx], "a.v2.html a.v2.docx"),
            ("d/a", &[Html, Jsonl], "d/a.html d/a.jsonl"),
            ("a.html", &[Docx, Jsonl], "a.docx a.jsonl"),
        ];
        for (path, formats, expected) in cases {
            let outputs = name_beside(Path::new(path), formats).unwrap();
            assert_eq!(shown(&outputs), expected);
        }
    }

    fn named(places: &[&str], formats: &[OutputFormat]) -> Result<String> {
        let places: Vec<_> = places.iter().map(Path::new).collect();
        let outputs = name_in(Path::new("out"), &places, formats)?;
        Ok(outputs
            .iter()
            .map(|outputs| shown(outputs))
            .collect::<Vec<_>>()
            .join(" "))
    }

    #[test]
    fn names_in_a_directory() {
        let cases: [(&[&str], &[OutputFormat], &str); 5] = [
            (&["a.txt", "d/a.txt"], &[Html], "out/a.html out/d/a.html"),
            (&["a.1.txt"], &[Html, Docx], "out/a.1.html out/a.1.docx"),
            (
                &["a.txt", "a.md", "b.md"],
                &[Html],
                "out/a.txt.html out/a.md.html out/b.html",
            ),
            (&["stdin"], &[Html], "out/stdin.html"),
            (&["lines.th"], &[Jsonl], "out/lines.jsonl"),
        ];
        for (places, formats, expected) in cases {
            assert_eq!(named(places, formats).unwrap(), expected);
        }
    }

    #[test]
    fn collisions_that_remain_are_refused() {
        for places in [["a.txt", "a.txt"].as_slice(), &["a.txt", "a.md", "a.txt.md"]] {
            let error = named(places, &[Html]).unwrap_err();
            assert_eq!(error.kind, Kind::Usage);
            assert!(error.to_string().contains("a.txt"), "{error}");
        }
    }

    /// The outputs of `places`, by a template.
    fn templated(template: &str, places: &[&str], formats: &[OutputFormat]) -> Result<String> {
        let archive = Archive {
            globs: &[],
            template,
            reserved: &["index.html"],
        };
        let places: Vec<_> = places.iter().map(Path::new).collect();
        let outputs = name_by(&archive, Path::new("o"), &places, formats)?;
        Ok(outputs
            .iter()
            .map(|outputs| shown(outputs))
            .collect::<Vec<_>>()
            .join(" "))
    }

    #[test]
    fn names_by_a_template() {
        const USUAL: &str = "{dir}/{stem}.{format}";
        let cases: [(&str, &[&str], &[OutputFormat], &str); 8] = [
            (
                USUAL,
                &["a.txt", "d/e/b.md"],
                &[Html, Jsonl],
                "o/a.html o/a.jsonl o/d/e/b.html o/d/e/b.jsonl",
            ),
            (
                "{format}/{dir}/{stem}-en.{format}",
                &["d/a.txt"],
                &[Html, Docx],
                "o/html/d/a-en.html o/docx/d/a-en.docx",
            ),
            ("{stem}.{ext}.{format}", &["d/a.txt"], &[Html], "o/a.txt.html"),
            // Same stems, also where only capitals differ.
            (
                USUAL,
                &["a.txt", "a.md", "b.md"],
                &[Html],
                "o/a.txt.html o/a.md.html o/b.html",
            ),
            (
                USUAL,
                &["News.txt", "news.md"],
                &[Html],
                "o/News.txt.html o/news.md.html",
            ),
            // The report's own name.
            (
                USUAL,
                &["index.txt", "d/index.txt"],
                &[Html],
                "o/index.txt.html o/d/index.html",
            ),
            // Names that still meet have a hash of their place, which stays the same when others come.
            (
                USUAL,
                &["a.txt", "A.TXT"],
                &[Html],
                "o/a.txt-18b7cb09.html o/A.TXT-0eeaed51.html",
            ),
            (
                "{stem}.{format}",
                &["d/a.txt", "e/a.txt"],
                &[Html],
                "o/a.txt-bb402739.html o/a.txt-75bc90ac.html",
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
            assert_eq!(error.kind, Kind::Usage);
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn globs_choose_what_an_archive_reads() {
        let home = tree(&["in/a.txt", "in/b.md", "in/old/c.txt", "in/old/d.md", "in/new/e.txt"]);
        let read = |globs: &[&str]| {
            let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
            let plan = plan(&Request {
                inputs: &[home.path().join("in")],
                from: None,
                output: Some(&home.path().join("out")),
                formats: &[],
                force: false,
                archive: Some(Archive {
                    globs: &globs,
                    template: "{dir}/{stem}.{format}",
                    reserved: &[],
                }),
            })?;
            let places: Vec<_> = plan.tasks.iter().map(|task| task.place.display().to_string()).collect();
            Ok::<_, Error>(places.join(" "))
        };
        for (globs, expected) in [
            (&[][..], "a.txt b.md new/e.txt old/c.txt old/d.md"),
            (&["*.txt"], "a.txt new/e.txt old/c.txt"),
            (&["!old/"], "a.txt b.md new/e.txt"),
            (&["*.txt", "!/old/"], "a.txt new/e.txt"),
            (&["!*.txt", "new/*.txt"], "new/e.txt"),
        ] {
            assert_eq!(read(globs).unwrap(), expected, "{globs:?}");
        }
        assert_eq!(read(&["a[.txt"]).unwrap_err().kind, Kind::Usage);
    }

    /// A directory with the given files.
    fn tree(files: &[&str]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for name in files {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "ข่าว").unwrap();
        }
        home
    }

    fn plan_in(
        home: &Path,
        inputs: &[&str],
        output: Option<&str>,
        formats: &[OutputFormat],
        force: bool,
    ) -> Result<Plan> {
        let inputs: Vec<_> = inputs
            .iter()
            .map(|input| match *input {
                "-" => PathBuf::from("-"),
                input => home.join(input),
            })
            .collect();
        // `join` would normalise nothing, and keeps a final separator.
        let output = output.map(|output| match output {
            "-" => PathBuf::from("-"),
            output => home.join(output),
        });
        plan(&Request {
            inputs: &inputs,
            from: None,
            output: output.as_deref(),
            formats,
            force,
            archive: None,
        })
    }

    fn tasks(home: &Path, plan: &Plan) -> Vec<String> {
        let base = format!("{}/", home.display());
        plan.tasks
            .iter()
            .map(|task| format!("{} > {}", task.input, shown(&task.outputs)).replace(&base, ""))
            .collect()
    }

    #[test]
    fn a_directory_is_mirrored_without_hidden_files_links_and_own_outputs() {
        let home = tree(&[
            "in/b.md",
            "in/a.txt",
            "in/d/c.html",
            "in/.hidden.txt",
            "in/.git/x.txt",
            "in/picture.png",
            "in/out/old.html",
        ]);
        #[cfg(unix)]
        std::os::unix::fs::symlink(home.path().join("in"), home.path().join("in/loop")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(home.path().join("in/a.txt"), home.path().join("in/z.txt")).unwrap();
        let plan = plan_in(home.path(), &["in"], Some("in/out"), &[], false).unwrap();
        assert_eq!(
            tasks(home.path(), &plan),
            [
                "in/a.txt > in/out/a.html",
                "in/b.md > in/out/b.html",
                "in/d/c.html > in/out/d/c.html"
            ]
        );
        assert_eq!(plan.tasks[1].format, Format::Markdown);
        assert_eq!(plan.skipped, 1);
        assert!(plan.failures.is_empty());
    }

    #[test]
    fn several_inputs_keep_their_directories_names() {
        let home = tree(&["one/a.txt", "two/a.txt", "b.txt"]);
        let plan = plan_in(home.path(), &["one", "two/", "b.txt"], Some("out"), &[], false);
        assert_eq!(
            tasks(home.path(), &plan.unwrap()),
            [
                "one/a.txt > out/one/a.html",
                "two/a.txt > out/two/a.html",
                "b.txt > out/b.html"
            ]
        );
    }

    #[test]
    fn an_existing_output_refuses_its_input_only() {
        let home = tree(&["in/a.txt", "in/b.txt", "out/a.html"]);
        let plan = plan_in(home.path(), &["in"], Some("out"), &[], false).unwrap();
        assert_eq!(tasks(home.path(), &plan), ["in/b.txt > out/b.html"]);
        assert_eq!(plan.failures.len(), 1);
        assert_eq!(plan.failures[0].error.kind, Kind::Output);
        let forced = plan_in(home.path(), &["in"], Some("out"), &[], true).unwrap();
        assert_eq!(forced.tasks.len(), 2);
    }

    #[test]
    fn impossible_requests() {
        let home = tree(&["a.txt", "b.txt", "in/a.txt", "file.html"]);
        type Case<'a> = (&'a [&'a str], Option<&'a str>, &'a [OutputFormat], &'a str);
        let cases: [Case; 10] = [
            (&["a.txt"], None, &[Html, Docx], "one format"),
            (&["a.txt"], Some("a.txt"), &[], "the output is an input"),
            (&["a.txt"], Some("in/../a.txt"), &[], "the output is an input"),
            (&["in"], Some("in"), &[], "the output directory is an input"),
            (&["a.txt", "b.txt"], Some("."), &[Text], "the output is an input"),
            (&["a.txt", "b.txt"], Some("file.html"), &[], "one file"),
            (&["a.txt", "b.txt"], Some("new.html"), &[], "one output file"),
            (&["a.txt", "in/a.txt"], Some("out"), &[], "two inputs"),
            (&["-", "-"], None, &[], "once only"),
            (&["a.txt"], Some("a.xyz"), &[], "no format is known"),
        ];
        for (inputs, output, formats, expected) in cases {
            let error = plan_in(home.path(), inputs, output, formats, true).unwrap_err();
            assert_eq!(error.kind, Kind::Usage, "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn where_one_input_goes() {
        let home = tree(&["a.txt", "there/x"]);
        let cases: [(&str, Option<&str>, &[OutputFormat], &str); 8] = [
            ("a.txt", None, &[], "standard output"),
            ("a.txt", Some("-"), &[Jsonl], "standard output"),
            ("a.txt", Some("new.md"), &[], "new.md"),
            ("a.txt", Some("new/"), &[], "new/a.html"),
            ("a.txt", Some("there"), &[Docx], "there/a.docx"),
            ("-", Some("there"), &[], "there/stdin.html"),
            ("a.txt", Some("deep/er/b.html"), &[], "deep/er/b.html"),
            ("missing.txt", Some("b.html"), &[], "b.html"),
        ];
        for (input, output, formats, expected) in cases {
            let plan = plan_in(home.path(), &[input], output, formats, false).unwrap();
            let base = format!("{}/", home.path().display());
            assert_eq!(shown(&plan.tasks[0].outputs).replace(&base, ""), expected, "{input}");
        }
    }

    #[test]
    fn a_directory_without_articles_is_a_failed_input() {
        let home = tree(&["in/picture.png"]);
        let plan = plan_in(home.path(), &["in"], Some("out"), &[], false).unwrap();
        assert!(plan.tasks.is_empty());
        assert_eq!(plan.failures[0].error.kind, Kind::Input);
    }
}
