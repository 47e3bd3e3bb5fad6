//! Tests of planning: which inputs are read and where their outputs go.

use super::*;
use crate::error::ErrorKind;
use std::fs;

use OutputFormat::{Docx, Html, Jsonl, Plain, Text};

fn names(outputs: &[PlannedOutput]) -> String {
    let names: Vec<_> = outputs.iter().map(|output| output.to_string()).collect();
    names.join(" ")
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_unicode_is_still_a_name() {
    use std::os::unix::ffi::OsStrExt;
    let input = InputSource::File(PathBuf::from(OsStr::from_bytes(b"dir/a\xff.txt")));
    assert_eq!(input.file_name().as_deref(), Some("a\u{fffd}.txt"));
    assert_eq!(InputSource::Stdin.file_name(), None);
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
        let outputs = name_outputs_by_file(Path::new(path), formats).unwrap();
        assert_eq!(names(&outputs), expected);
    }
}

fn named(places: &[&str], formats: &[OutputFormat]) -> Result<String> {
    let places: Vec<_> = places.iter().map(Path::new).collect();
    let outputs = name_outputs_in_directory(Path::new("out"), &places, formats)?;
    Ok(outputs
        .iter()
        .map(|outputs| names(outputs))
        .collect::<Vec<_>>()
        .join(" "))
}

#[test]
fn names_in_a_directory() {
    let cases: [(&[&str], &[OutputFormat], &str); 7] = [
        (
            &["a.txt", "a.md", "a.txt.md"],
            &[Html],
            "out/a.txt-18b7cb09.html out/a.md.html out/a.txt.md.html",
        ),
        // As on file systems that ignore case.
        (&["News.txt", "news.md"], &[Html], "out/News.txt.html out/news.md.html"),
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
    for places in [["a.txt", "a.txt"].as_slice(), &["b.md", "a.txt", "a.txt"]] {
        let error = named(places, &[Html]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Usage);
        assert!(error.to_string().contains("a.txt"), "{error}");
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

fn plan_in(
    home: &Path,
    inputs: &[&str],
    output: Option<&str>,
    formats: &[OutputFormat],
    force: bool,
) -> Result<RunPlan> {
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
    plan_tasks(&PlanRequest {
        inputs: &inputs,
        from: None,
        output: output.as_deref(),
        formats,
        force,
    })
}

fn tasks(home: &Path, plan: &RunPlan) -> Vec<String> {
    let base = format!("{}/", home.display());
    plan.tasks
        .iter()
        .map(|task| format!("{} > {}", task.input, names(&task.outputs)).replace(&base, ""))
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
    #[cfg(unix)]
    assert_eq!(plan.skipped.to_string(), "1 .png, 2 links, 1 hidden");
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
    assert_eq!(plan.failures[0].error.kind, ErrorKind::Output);
    let forced = plan_in(home.path(), &["in"], Some("out"), &[], true).unwrap();
    assert_eq!(forced.tasks.len(), 2);
}

#[cfg(unix)]
#[test]
fn a_link_in_an_output_directory_is_not_written_through() {
    let home = tree(&["in/a.txt", "in/b.txt", "out/b.html", "precious.html"]);
    std::os::unix::fs::symlink("../precious.html", home.path().join("out/a.html")).unwrap();
    let plan = plan_in(home.path(), &["in"], Some("out"), &[], true).unwrap();
    assert_eq!(tasks(home.path(), &plan), ["in/b.txt > out/b.html"]);
    assert!(plan.failures[0].error.message.contains("a link"));
    // One that is named is meant.
    let named = plan_in(home.path(), &["in/a.txt"], Some("out/a.html"), &[], true).unwrap();
    assert_eq!(named.tasks.len(), 1);
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
        assert_eq!(error.kind, ErrorKind::Usage, "{error}");
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
        assert_eq!(names(&plan.tasks[0].outputs).replace(&base, ""), expected, "{input}");
    }
}

#[test]
fn a_directory_without_articles_is_a_failed_input() {
    let home = tree(&["in/picture.png"]);
    let plan = plan_in(home.path(), &["in"], Some("out"), &[], false).unwrap();
    assert!(plan.tasks.is_empty());
    assert_eq!(plan.failures[0].error.kind, ErrorKind::Input);
}
