//! `plae translate --from jsonl`: an object in, an object out, in order and at once.

use super::{Sandbox, articles, run};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/seq2seq/marian-prefix");
const FILTER: [&str; 8] = [
    "translate",
    "--model",
    MODEL,
    "--max-tokens",
    "6",
    "--from",
    "jsonl",
    "--format",
];

fn filter<'a>(options: &[&'a str]) -> Vec<&'a str> {
    [&FILTER[..], &["jsonl"], options].concat()
}

fn values(lines: &str) -> Vec<Value> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn each_row_comes_back_with_its_translation_or_error() {
    let sandbox = Sandbox::new();
    let rows: [&[u8]; 9] = [
        "\u{feff}{\"id\": 1, \"text\": \"ฝนตกหนัก\\nในกรุงเทพมหานคร\\n\", \"lang\": \"th\"}\r\n".as_bytes(),
        b"{\"id\":2,\"text\":\"No Thai.\",\"n\":1.10}\n",
        b"{\"id\":3,\"text\":\"\"}\n",
        b"\n",
        b"{\"id\":5,\n",
        b"{\"id\":6,\"text\":7}\n",
        b"{\"id\":7,\"text\":\"\xff\"}\n",
        b"[8]\n",
        "{\"translation\":\"old\",\"text\":\"ข่าวเด่นวันนี้\",\"error\":\"old\"}".as_bytes(),
    ];
    let outcome = sandbox.feed(&filter(&["-"]), rows.concat()).ends(
        1,
        &[
            "standard input:line 5: no JSON object",
            "standard input:line 6: `text` is no string",
            "standard input:line 7: ",
            "standard input:line 8: ",
            "8 rows (4 failed)",
        ],
    );
    let answers = values(&outcome.stdout);
    assert_eq!(answers.len(), 8);
    let first = outcome.stdout.lines().next().expect("a line");
    assert!(
        first.starts_with("{\"id\":1,\"text\":\"ฝนตกหนัก\\nในกรุงเทพมหานคร\\n\",\"lang\":\"th\",\"translation\":\""),
        "{first}"
    );
    // The same as of a document with that text.
    sandbox.write("a.txt", "ฝนตกหนัก\nในกรุงเทพมหานคร\n");
    let plain = [&FILTER[..5], &["--format", "plain", "a.txt"]].concat();
    assert_eq!(answers[0]["translation"], sandbox.run(&plain).ends(0, &[]).stdout);
    assert_eq!(answers[0]["segments"][1]["source"], "ในกรุงเทพมหานคร");
    assert_eq!(answers[1]["translation"], "No Thai.");
    assert_eq!(answers[1]["flags"][0], "no-thai");
    assert!(outcome.stdout.contains("\"n\":1.10"));
    assert_eq!(
        (&answers[2]["translation"], &answers[2]["segments"]),
        (&"".into(), &Value::Array(vec![]))
    );
    assert!(answers[3].get("id").is_none() && answers[3]["error"].is_string());
    assert_eq!(
        (&answers[4]["id"], &answers[4]["error"]),
        (&6.into(), &"`text` is no string".into())
    );
    assert!(answers[7]["translation"] != "old" && answers[7].get("error").is_none());
}

#[test]
fn rows_of_many_pools_stay_in_order() {
    let sandbox = Sandbox::new();
    let texts: Vec<String> = (0..200).map(|number| articles::article(number, 1)).collect();
    let row = |(id, text): (usize, &String)| serde_json::json!({"id": id, "text": text}).to_string() + "\n";
    let rows: String = texts.iter().enumerate().map(row).collect();
    let answers = values(&sandbox.feed(&filter(&[]), rows).ends(0, &["200 rows, "]).stdout);
    assert_eq!(answers.len(), 200);
    for (number, (answer, text)) in answers.iter().zip(&texts).enumerate() {
        assert_eq!(answer["id"], number);
        assert_eq!(answer["text"], *text);
        let segments = answer["segments"].as_array().expect("segments");
        let is_in = |segment: &Value| text.contains(segment["source"].as_str().expect("a source"));
        assert!(segments.len() > 5 && segments.iter().all(is_in), "{answer}");
    }
    for number in [0, 120, 199] {
        sandbox.write("a.txt", &texts[number]);
        let plain = [&FILTER[..5], &["--format", "plain", "a.txt"]].concat();
        assert_eq!(answers[number]["translation"], sandbox.run(&plain).ends(0, &[]).stdout);
    }
}

fn start(sandbox: &Sandbox, options: &[&str]) -> Child {
    let mut command: Command = sandbox.command(&filter(options));
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

#[test]
fn a_pipe_that_stays_open_gets_its_answers() {
    let sandbox = Sandbox::new();
    let mut child = start(&sandbox, &["-"]);
    let mut stdin = child.stdin.take().expect("standard input");
    let stdout = BufReader::new(child.stdout.take().expect("standard output"));
    let (send, answers) = channel();
    std::thread::spawn(move || {
        stdout
            .lines()
            .map_while(Result::ok)
            .try_for_each(|line| send.send(line))
    });
    for id in 0..3 {
        write!(
            stdin,
            "{{\"id\":{id},\"text\":\"ฝนตกหนัก\"}}\n{{\"id\":null,\"text\":\"\"}}\n"
        )
        .expect("written");
        stdin.flush().expect("flushed");
        for expected in [format!("{{\"id\":{id},"), "{\"id\":null,".to_owned()] {
            let answer = answers.recv_timeout(Duration::from_secs(60)).expect("an answer");
            assert!(answer.starts_with(&expected), "{answer}");
        }
    }
    // Not a byte is missing that would come at the end only.
    assert!(child.try_wait().expect("a status").is_none());
    drop(stdin);
    assert!(child.wait().expect("an end").success());
    assert!(answers.recv().is_err());
}

#[test]
fn a_reader_that_goes_is_no_failure() {
    let sandbox = Sandbox::new();
    let mut child = start(&sandbox, &[]);
    let mut stdin = child.stdin.take().expect("standard input");
    drop(child.stdout.take());
    let row = format!("{{\"text\":\"{}\"}}\n", "ก".repeat(1000));
    // Until the program has gone, too.
    while stdin.write_all(row.as_bytes()).is_ok() {}
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .expect("messages")
        .read_to_string(&mut stderr)
        .expect("UTF-8");
    assert!(child.wait().expect("an end").success(), "{stderr}");
    assert!(!stderr.contains("error") && !stderr.contains("rows"), "{stderr}");
}

#[test]
fn files_and_a_memory() {
    let sandbox = Sandbox::with(&[
        ("a.jsonl", "{\"text\":\"ฝนตกหนัก\"}\n{\"text\":\"ข่าวเด่นวันนี้\"}\n"),
        ("b.jsonl", "{\"text\":\"ฝนตกหนัก\"}\n{}\n"),
    ]);
    let memory = ["--memory", "memory.sqlite"];
    sandbox
        .run(&filter(&[&memory[..], &["a.jsonl", "-o", "out/a.en.jsonl"]].concat()))
        .ends(0, &["2 rows, 2 segments", "tokens/s"]);
    let answers = values(&sandbox.read("out/a.en.jsonl"));
    assert_eq!(answers.len(), 2);
    // What is there already stays, and the others go on.
    let again = sandbox
        .run(&filter(
            &[&memory[..], &["a.jsonl", "b.jsonl", "missing.jsonl", "-o", "out"]].concat(),
        ))
        .ends(
            1,
            &[
                "b.jsonl:line 2: no `text`",
                "missing.jsonl: no such file",
                "4 rows (1 failed)",
            ],
        );
    assert!(!again.stderr.contains("tokens/s"), "{}", again.stderr);
    assert_eq!(
        values(&sandbox.read("out/b.jsonl"))[0]["translation"],
        answers[0]["translation"]
    );
    assert_eq!(sandbox.files("out"), ["a.en.jsonl", "a.jsonl", "b.jsonl"]);
    sandbox
        .run(&filter(&["a.jsonl", "-o", "out/a.jsonl"]))
        .ends(1, &["out/a.jsonl: the output exists", "--force"]);
    // A plan without a model.
    let planned = sandbox
        .run(&["translate", "--from", "jsonl", "--dry-run", "b.jsonl"])
        .ends(1, &["2 rows (1 failed), 1 segment"]);
    assert_eq!(planned.stdout, "");
}

#[test]
fn a_huge_row_is_a_row() {
    let sandbox = Sandbox::new();
    let text = "Plain words. ".repeat(400_000);
    let row = serde_json::json!({"id": 1, "text": text}).to_string();
    let answers = values(&sandbox.feed(&filter(&[]), row).ends(0, &["1 row, "]).stdout);
    assert_eq!(answers[0]["translation"], text);
}

#[test]
fn what_rows_cannot_be() {
    let sandbox = Sandbox::with(&[("a.jsonl", "{}\n"), ("d/b.txt", super::ENGLISH)]);
    let cases: [(&[&str], &str); 6] = [
        (
            &["translate", "--from", "jsonl", "--format", "html", "a.jsonl"],
            "--format jsonl",
        ),
        (
            &["translate", "--from", "jsonl", "--encoding", "tis-620", "a.jsonl"],
            "UTF-8",
        ),
        (&["translate", "--from", "jsonl", "d", "-o", "out"], "is a directory"),
        (&["split", "--from", "jsonl", "a.jsonl"], "only `plae translate`"),
        (&["bench", "--from", "jsonl", "a.jsonl"], "only `plae translate`"),
        (
            &["archive", "--from", "jsonl", "d", "-o", "out"],
            "only `plae translate`",
        ),
    ];
    for (args, part) in cases {
        run(sandbox.command(args), b"").ends(2, &[part]);
    }
}
