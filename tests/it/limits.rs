//! Inputs without end and requests without reason are refused or bounded (issue 19, kinds 26 and 32).

use super::{Sandbox, THAI, run};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/seq2seq/marian-prefix");

#[test]
fn a_source_of_millions_of_segments_is_refused_with_its_limit() {
    let sandbox = Sandbox::new();
    let part = "has more than 1000000 segments";
    sandbox.write("lines.txt", "ก\n".repeat(1_000_001));
    sandbox.write("blank.txt", "\n".repeat(1_000_001));
    sandbox.write("in/a.txt", "ก\r\n\r\n".repeat(1_000_001));
    sandbox
        .run(&["split", "lines.txt"])
        .ends(1, &["lines.txt: ", part, "divide it"]);
    sandbox.run(&["translate", "lines.txt", "--dry-run"]).ends(1, &[part]);
    sandbox
        .run(&["translate", "blank.txt", "--split", "line", "--dry-run"])
        .ends(1, &[part]);
    let archive = ["archive", "in", "-o", "out", "--model", MODEL];
    sandbox.run(&archive).ends(1, &["a.txt: ", part]);
    // Markup that makes as many blocks without a line end.
    sandbox.write("a.html", "<p>ก".repeat(1_000_001));
    sandbox.run(&["split", "a.html"]).ends(1, &["a.html: ", part]);
}

#[test]
fn a_line_without_end_is_refused_with_its_limit() {
    let sandbox = Sandbox::new();
    let endless = vec![b'a'; 68 << 20];
    sandbox
        .feed(&["split"], &endless)
        .ends(1, &["standard input: has more than 67.11 MB"]);
    let rows = ["translate", "--from", "jsonl", "-", "--model", MODEL];
    sandbox
        .feed(&rows, &endless)
        .ends(1, &["standard input:line 1: a line of more than 33.55 MB"]);
    for format in ["jsonl", "tsv", "csv", "tmx"] {
        let import = ["memory", "import", "-", "--format", format, "--memory", "m.sqlite"];
        sandbox
            .feed(&import, &endless)
            .ends(1, &["standard input:line 1", "more than 16.78 MB"]);
    }
}

#[test]
fn threads_beyond_reason_are_as_many_as_reasonable() {
    let sandbox = Sandbox::with(&[("in/a.txt", THAI)]);
    let many = "1000000";
    let archive = [
        "archive",
        "in",
        "-o",
        "out",
        "--model",
        MODEL,
        "--max-tokens",
        "6",
        "--jobs",
        many,
    ];
    let mut command = sandbox.command(&archive);
    command.env("RAYON_NUM_THREADS", many);
    run(command, b"").ends(0, &["1 of 1 article translated"]);
}

/// 200,000 nested elements in a small Word document took minutes; nested tables and deletions count by their depth.
#[test]
fn nested_elements_of_a_word_document_are_bounded() {
    use std::io::Write;
    let sandbox = Sandbox::new();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("word/document.xml", zip::write::SimpleFileOptions::default())
        .expect("a part");
    let (open, close) = ("<w:p>".repeat(200_000), "</w:p>".repeat(200_000));
    zip.write_all(format!("<w:document xmlns:w='w'>{open}{close}</w:document>").as_bytes())
        .expect("written");
    sandbox.write("a.docx", zip.finish().expect("a file").into_inner());
    let part = "a.docx: no Word document: elements nested more than 512 deep";
    sandbox
        .run(&["memory", "learn", "a.docx", "--memory", "m.sqlite"])
        .ends(1, &[part]);
    sandbox.run(&["render", "a.docx"]).ends(1, &[part]);
}
