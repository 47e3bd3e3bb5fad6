//! `plae render` on a committed document: every format from it, without a model.

use super::Sandbox;

const ARTICLE: &str = include_str!("article.jsonl");

#[test]
fn every_format_comes_from_jsonl() {
    let sandbox = Sandbox::with(&[("article.jsonl", ARTICLE)]);
    for format in ["text", "md", "html", "tsv", "jsonl", "plain"] {
        let out = sandbox
            .run(&["render", "article.jsonl", "--format", format])
            .ends(0, &[])
            .stdout;
        assert!(out.contains("Heavy rain in Bangkok"), "{format}: {out}");
    }
    assert_eq!(
        sandbox.run(&["render", "article.jsonl", "--format", "jsonl"]).stdout,
        ARTICLE
    );
    assert_eq!(
        sandbox.run(&["render", "article.jsonl", "--format", "plain"]).stdout,
        "Heavy rain in Bangkok\n\nThe rain will last until Friday.\n"
    );
    sandbox
        .run(&[
            "render",
            "article.jsonl",
            "-o",
            "a.html",
            "--format",
            "html",
            "--format",
            "docx",
        ])
        .ends(0, &["article.jsonl -> a.html, a.docx: "]);
    assert_eq!(sandbox.files(""), ["a.docx", "a.html", "article.jsonl"]);
}

#[test]
fn the_layout_is_kept() {
    let sandbox = Sandbox::with(&[("article.jsonl", ARTICLE)]);
    let target = sandbox
        .run(&["render", "article.jsonl", "--layout", "target"])
        .ends(0, &[])
        .stdout;
    assert!(!target.contains("ฝน"), "{target}");
    let both = sandbox
        .run(&["render", "article.jsonl", "--layout", "interleaved"])
        .ends(0, &[])
        .stdout;
    assert!(both.contains("ฝน"), "{both}");
}

#[test]
fn standard_input_and_existing_outputs() {
    let sandbox = Sandbox::with(&[("a.html", "mine")]);
    let args = ["render", "-", "-o", "a.html"];
    sandbox
        .feed(&args, ARTICLE)
        .ends(1, &["a.html: the output exists", "--force"]);
    sandbox
        .feed(&[args.as_slice(), &["--force"]].concat(), ARTICLE)
        .ends(0, &[]);
    assert!(sandbox.read("a.html").contains("Heavy rain"));
}

#[test]
fn what_is_no_document_is_told() {
    let sandbox = Sandbox::with(&[
        ("a.jsonl", "{}\n"),
        ("torn.jsonl", ARTICLE.rsplit_once("{\"type\"").unwrap().0),
    ]);
    sandbox.run(&["render", "a.jsonl"]).ends(1, &["a.jsonl:line 1"]);
    sandbox.run(&["render", "torn.jsonl"]).ends(1, &["torn.jsonl"]);
    sandbox
        .run(&["render", "missing.jsonl"])
        .ends(1, &["missing.jsonl: no such file"]);
    sandbox.run(&["render", "."]).ends(1, &["is a directory"]);
}
