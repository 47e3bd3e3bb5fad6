//! `plae archive --shard` and `plae merge`: parts that share nothing but their outputs, and the whole that they make.

use super::archive::{MODEL, archive, edit, outputs_in as outputs};
use super::{Outcome, Sandbox, run};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn command(sandbox: &Sandbox, output: &str, options: &[&str]) -> Command {
    let fixed = ["archive", "in", "-o", output, "--model", MODEL, "--max-tokens", "6"];
    let mut command = sandbox.command(&[&fixed[..], options].concat());
    command.env("SOURCE_DATE_EPOCH", "1700000000");
    command
}

/// Runs all shards of an output directory at once.
fn shards(sandbox: &Sandbox, count: usize) -> Vec<Outcome> {
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..count)
            .map(|index| {
                let command = command(sandbox, "out", &["--shard", &format!("{index}/{count}"), "--jobs", "1"]);
                scope.spawn(move || run(command, b""))
            })
            .collect();
        runs.into_iter().map(|run| run.join().expect("an end")).collect()
    })
}

/// The number before `noun` in a report.
fn number(outcome: &Outcome, noun: &str) -> usize {
    let (before, _) = outcome
        .stderr
        .split_once(noun)
        .unwrap_or_else(|| panic!("no {noun:?} in {outcome:#?}"));
    let word = before
        .split([' ', '\n'])
        .rfind(|word| !word.is_empty())
        .expect("a number");
    word.parse().expect("a number")
}

fn ask(sandbox: &Sandbox, database: &str, query: &str) -> i64 {
    let connection = Connection::open(sandbox.path(database)).expect("a database");
    connection.query_row(query, [], |row| row.get(0)).expect("a number")
}

#[test]
fn shards_come_to_the_whole() {
    const ARTICLES: usize = 60;
    let sandbox = archive(ARTICLES);
    run(command(&sandbox, "whole", &[]), b"").ends(0, &[]);
    let sentences = ask(&sandbox, "whole/.plae/memory.sqlite", "SELECT count(*) FROM machine");
    let done: Vec<usize> = shards(&sandbox, 3)
        .into_iter()
        .map(|outcome| number(&outcome.ends(0, &["articles of this shard: "]), " of "))
        .collect();
    assert_eq!(done.iter().sum::<usize>(), ARTICLES);
    assert!(done.iter().all(|done| *done > 5), "{done:?}");
    // Not yet the whole, nor another division of it.
    for options in [&[][..], &["--shard", "0/2"]] {
        run(command(&sandbox, "out", options), b"").ends(2, &["shard 0/3 is not merged", "run `plae merge out`"]);
    }
    let again = shards(&sandbox, 3);
    for (outcome, done) in again.into_iter().zip(&done) {
        outcome.ends(0, &[&format!("0 of {done} articles translated, {done} unchanged")]);
    }
    sandbox
        .run(&["merge", "out"])
        .ends(0, &["3 parts joined: 60 articles", "out/index.html"]);
    assert_eq!(outputs(&sandbox, "out"), outputs(&sandbox, "whole"));
    assert_eq!(
        ask(&sandbox, "out/.plae/memory.sqlite", "SELECT count(*) FROM machine"),
        sentences
    );
    assert!(!sandbox.files("out").iter().any(|name| name.contains("shard-")));
    sandbox.run(&["merge", "out"]).ends(0, &["0 parts joined"]);
    let all = run(command(&sandbox, "out", &[]), b"").ends(0, &["60 unchanged", "0 sentences new"]);
    assert!(!all.stderr.contains("loaded in"), "{}", all.stderr);

    // The next round knows the last one, whichever shard an article has come to.
    for number in 0..10 {
        edit(&sandbox, number * 5, 2);
    }
    run(command(&sandbox, "whole", &[]), b"").ends(0, &["10 of 60"]);
    let round: Vec<Outcome> = shards(&sandbox, 4)
        .into_iter()
        .map(|outcome| outcome.ends(0, &[]))
        .collect();
    let sum = |noun: &str| round.iter().map(|outcome| number(outcome, noun)).sum::<usize>();
    assert_eq!((sum(" unchanged"), sum(" sentence")), (50, 10));
    sandbox
        .run(&["merge", "out"])
        .ends(0, &["4 parts joined: 60 articles, 10 translations new"]);
    assert_eq!(outputs(&sandbox, "out"), outputs(&sandbox, "whole"));
    run(command(&sandbox, "out", &[]), b"").ends(0, &["60 unchanged"]);
}

#[test]
fn names_and_neighbours_move_no_article() {
    let sandbox = archive(30);
    let texts = |index: usize| -> BTreeSet<String> {
        let shard = format!("{index}/5");
        let planned = run(command(&sandbox, "out", &["--shard", &shard, "--dry-run"]), b"").ends(0, &[]);
        let paths = planned
            .stdout
            .lines()
            .map(|line| line.split(" -> ").next().expect("a path").to_owned());
        paths.map(|path| sandbox.read(&path)).collect()
    };
    let before: Vec<_> = (0..5).map(texts).collect();
    assert_eq!(before.iter().map(BTreeSet::len).sum::<usize>(), 30);
    fs::rename(sandbox.path("in/000"), sandbox.path("in/moved")).expect("renamed");
    for number in 30..60 {
        edit(&sandbox, number, 1);
    }
    for (index, before) in before.iter().enumerate() {
        assert!(texts(index).is_superset(before), "shard {index}");
    }
    assert!(sandbox.files("out").is_empty());
}

#[test]
fn archives_of_several_machines_become_one() {
    let sandbox = archive(20);
    run(command(&sandbox, "a", &["--shard", "0/2"]), b"").ends(0, &[]);
    run(command(&sandbox, "b", &["--shard", "1/2"]), b"").ends(0, &[]);
    // One has a whole archive of its own besides.
    sandbox.run(&["merge", "b"]).ends(0, &["1 part joined"]);
    run(command(&sandbox, "whole", &[]), b"").ends(0, &[]);
    let (a, b) = (outputs(&sandbox, "a"), outputs(&sandbox, "b"));
    sandbox.run(&["merge", "a", "b"]).ends(2, &["-o"]);
    sandbox
        .run(&["merge", "a", "in", "-o", "c"])
        .ends(2, &["in: is no output directory"]);
    sandbox.run(&["merge", "in"]).ends(2, &["is no output directory"]);
    assert!(!sandbox.path("in/.plae").exists() && !sandbox.path("c").exists());
    for again in 0..2 {
        let merged = sandbox.run(&["merge", "a", "b", "-o", "c"]).ends(0, &["c/index.html"]);
        assert_eq!(number(&merged, " article") > 0, again == 0);
        assert_eq!(outputs(&sandbox, "c"), outputs(&sandbox, "whole"));
    }
    // The others are as they were.
    assert_eq!((outputs(&sandbox, "a"), outputs(&sandbox, "b")), (a, b));
    run(command(&sandbox, "c", &[]), b"").ends(0, &["20 unchanged"]);
    // Another translation of the same articles does not replace what is there.
    run(command(&sandbox, "other", &["--beam", "2"]), b"").ends(0, &[]);
    sandbox
        .run(&["merge", "other", "-o", "c"])
        .ends(0, &["0 articles", "20 articles stood in several"]);
    assert_eq!(outputs(&sandbox, "c"), outputs(&sandbox, "whole"));
    // Nor does a stranger's file go.
    fs::remove_dir_all(sandbox.path("c")).expect("removed");
    sandbox.write("c/000/00000.html", "mine");
    sandbox
        .run(&["merge", "a", "b", "-o", "c"])
        .ends(1, &["00000.html: another file stands"]);
    assert_eq!(sandbox.read("c/000/00000.html"), "mine");
    fs::remove_file(sandbox.path("c/000/00000.html")).expect("removed");
    sandbox.run(&["merge", "a", "b", "-o", "c"]).ends(0, &[]);
    assert_eq!(outputs(&sandbox, "c"), outputs(&sandbox, "whole"));
}

#[test]
fn a_shard_at_work_keeps_the_merge_off() {
    let sandbox = archive(1500);
    let mut shard = command(&sandbox, "out", &["--shard", "0/2"]);
    shard.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = shard.spawn().expect("the program starts");
    let until = Instant::now() + Duration::from_secs(60);
    while !sandbox.path("out/.plae/shard-0-of-2/memory.sqlite").exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    let holder = format!("process {} on ", child.id());
    for refused in [
        sandbox.run(&["merge", "out"]),
        run(command(&sandbox, "out", &[]), b""),
        run(command(&sandbox, "out", &["--shard", "0/2"]), b""),
    ] {
        refused.ends(2, &[&holder, "at work in shard 0/2"]);
    }
    // The other one is free.
    let other = ["--shard", "1/2", "--include", "0000*.txt"];
    run(command(&sandbox, "out", &other), b"").ends(0, &[]);
    child.kill().expect("killed");
    child.wait().expect("an end");
    // What a killed shard finished is joined, and the rest is done by whoever comes.
    sandbox.run(&["merge", "out"]).ends(0, &["2 parts joined"]);
    run(command(&sandbox, "out", &["--include", "0001*.txt"]), b"").ends(0, &[]);
}

#[test]
fn shards_that_cannot_be_are_refused() {
    let sandbox = archive(1);
    for (shard, part) in [
        ("3/3", "counted from 0: 0/3 to 2/3"),
        ("0/0", "no shard of none"),
        ("1", "I/N"),
    ] {
        run(command(&sandbox, "out", &["--shard", shard]), b"").ends(2, &[part]);
    }
    sandbox.run(&["merge"]).ends(2, &["OUT"]);
    assert!(!sandbox.path("out").exists());
}
