//! `plae archive`: each sentence once, whatever interrupts the run, and nothing lost that somebody wrote.

use super::{Sandbox, articles, run};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/seq2seq/marian-prefix");
const DATABASE: &str = "out/.plae/memory.sqlite";

/// A directory `in` of so many synthetic articles.
pub fn archive(count: usize) -> Sandbox {
    let sandbox = Sandbox::new();
    for number in 0..count {
        edit(&sandbox, number, 1);
    }
    sandbox
}

/// Writes an edition of an article.
pub fn edit(sandbox: &Sandbox, number: usize, edition: usize) {
    sandbox.write(
        &format!("in/{}", articles::place(number)),
        articles::article(number, edition),
    );
}

/// The command that translates `in` into `out`; every output bears the same date.
fn command(sandbox: &Sandbox, options: &[&str]) -> Command {
    let fixed = ["archive", "in", "-o", "out", "--model", MODEL, "--max-tokens", "6"];
    let mut command = sandbox.command(&[&fixed[..], options].concat());
    command.env("SOURCE_DATE_EPOCH", "1700000000");
    command
}

/// A row of words from the memory's file.
fn ask(sandbox: &Sandbox, query: &str) -> Vec<i64> {
    let connection = Connection::open(sandbox.path(DATABASE)).expect("a database");
    let mut statement = connection.prepare(query).expect("a query");
    let numbers = statement.query_map([], |row| row.get(0)).expect("rows");
    numbers.map(|number| number.expect("a number")).collect()
}

fn outputs(sandbox: &Sandbox) -> BTreeMap<String, Vec<u8>> {
    outputs_in(sandbox, "out")
}

/// All files of an output directory but plae's own state.
pub fn outputs_in(sandbox: &Sandbox, directory: &str) -> BTreeMap<String, Vec<u8>> {
    let names = sandbox
        .files(directory)
        .into_iter()
        .filter(|name| !name.starts_with(".plae"));
    names
        .map(|name| {
            let bytes = fs::read(sandbox.path(&format!("{directory}/{name}"))).expect("an output");
            (name, bytes)
        })
        .collect()
}

fn start(mut command: Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

#[test]
fn killed_fifty_times_it_comes_to_the_same() {
    const ARTICLES: usize = 300;
    let whole = archive(ARTICLES);
    let begun = Instant::now();
    let formats = ["--format", "html", "--format", "jsonl", "--jobs", "2"];
    run(command(&whole, &formats), b"").ends(0, &["300 of 300 articles translated"]);
    let time = begun.elapsed();
    let expected = outputs(&whole);
    assert_eq!(expected.len(), 2 * ARTICLES + 2);
    let [sentences] = ask(&whole, "SELECT count(*) FROM machine")[..] else {
        panic!("no count")
    };
    assert!(sentences > 2000, "{sentences}");

    let broken = archive(ARTICLES);
    // The first run, killed at once, leaves a file in which the test counts what is stored.
    run(command(&broken, &["--include", "none.txt"]), b"");
    Connection::open(broken.path(DATABASE))
        .expect("a database")
        .execute_batch(
            "CREATE TABLE log (source TEXT);
             CREATE TRIGGER stored AFTER INSERT ON machine BEGIN INSERT INTO log VALUES (new.source); END;
             CREATE TRIGGER changed AFTER UPDATE ON machine BEGIN INSERT INTO log VALUES (new.source); END;",
        )
        .expect("triggers");
    // How long the first batch takes to be stored, loading and reading included.
    let begun = Instant::now();
    let mut child = start(command(&broken, &formats));
    while ask(&broken, "SELECT count(*) FROM machine") == [0] && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let first = begun.elapsed().as_secs_f64();
    child.kill().expect("killed");
    child.wait().expect("an end");
    let mut state = 1u64;
    let mut share = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 24) as f64
    };
    let (mut killed, mut torn, mut writing) = (0, 0, 0);
    let mut before = 0;
    // A sentence stored counts as much as half an article written.
    let done = || ask(&broken, "SELECT count(*) FROM machine")[0] + 2 * ask(&broken, "SELECT count(*) FROM article")[0];
    for number in 0..50 {
        let mut child = start(command(&broken, &formats));
        // Some before anything new is stored, most once the work has come a little further, and then at any moment.
        if share() < 0.2 {
            std::thread::sleep(Duration::from_secs_f64(share() * first));
        } else {
            let target = (sentences + 2 * ARTICLES as i64) * number / 52;
            while done() < target && child.try_wait().expect("a status").is_none() {
                std::thread::sleep(Duration::from_millis(2));
            }
            std::thread::sleep(Duration::from_secs_f64(share() * time.as_secs_f64() / 60.0));
        }
        killed += usize::from(child.try_wait().expect("a status").is_none());
        let _ = child.kill();
        child.wait().expect("an end");
        let stored = ask(&broken, "SELECT count(*) FROM machine")[0];
        assert!(stored >= before, "{stored} of {before} sentences are left");
        torn += usize::from(stored > before && stored < sentences);
        let articles = ask(&broken, "SELECT count(*) FROM article")[0];
        writing += usize::from((1..ARTICLES as i64).contains(&articles));
        before = stored;
        for (name, bytes) in outputs(&broken) {
            if name != "report.jsonl" && name != "index.html" {
                assert!(expected[&name] == bytes, "{name} is not whole");
            }
        }
        assert_eq!(ask(&broken, "SELECT count(*) FROM pragma_integrity_check"), [1]);
    }
    eprintln!("{killed} of 50 runs were killed at work: {torn} after new batches, {writing} with some outputs written");
    assert!(killed > 25 && torn > 5, "the kills came too late to prove anything");
    run(command(&broken, &formats), b"").ends(0, &[]);
    assert_eq!(ask(&broken, "SELECT count(*) FROM machine"), [sentences]);
    assert_eq!(ask(&broken, "SELECT count(*) FROM log"), [sentences]);
    let found = outputs(&broken);
    assert!(found.keys().eq(expected.keys()));
    for (name, bytes) in found {
        assert!(expected[&name] == bytes, "{name} differs");
    }
    assert!(broken.files("out/.plae/staging").is_empty());
}

#[test]
fn a_second_run_does_nothing_and_a_change_only_what_is_new() {
    let sandbox = archive(60);
    run(command(&sandbox, &[]), b"").ends(0, &["60 of 60 articles translated, 0 unchanged"]);
    let before = outputs(&sandbox);
    let sentences = ask(&sandbox, "SELECT count(*) FROM machine")[0];
    let again =
        run(command(&sandbox, &[]), b"").ends(0, &["0 of 60 articles translated, 60 unchanged", "0 sentences new"]);
    assert!(!again.stderr.contains("loaded in"), "{}", again.stderr);
    assert_eq!(outputs(&sandbox), before);
    for number in 0..10 {
        edit(&sandbox, number * 5, 2);
    }
    run(command(&sandbox, &[]), b"").ends(0, &["10 of 60 articles translated, 50 unchanged", "10 sentences new"]);
    assert_eq!(ask(&sandbox, "SELECT count(*) FROM machine"), [sentences + 10]);
    // Another layout is made from the memory.
    run(command(&sandbox, &["--layout", "interleaved"]), b"").ends(0, &["60 of 60 articles", "0 sentences new"]);
    // Other decoding is other work.
    let other = run(command(&sandbox, &["--beam", "2"]), b"").ends(0, &["60 of 60 articles"]);
    assert!(!other.stderr.contains(" 0 sentences new"), "{}", other.stderr);
}

#[test]
fn the_memory_of_an_archive_serves_other_commands_and_places() {
    let sandbox = archive(8);
    run(command(&sandbox, &[]), b"").ends(0, &[]);
    let memory = fs::canonicalize(sandbox.path(DATABASE)).expect("a memory");
    let sentences = ask(&sandbox, "SELECT count(*) FROM machine");
    let memory = memory.to_str().expect("a name");
    let translate = ["translate", "--model", MODEL, "--max-tokens", "6", "--format", "plain"];
    let moved = sandbox.path("in/000/00003.txt");
    let moved = moved.to_str().expect("a name");
    let known = sandbox
        .run(&[&translate[..], &["--memory", memory, moved]].concat())
        .ends(0, &[]);
    let alone = sandbox.run(&[&translate[..], &[moved]].concat()).ends(0, &[]);
    assert_eq!(known.stdout, alone.stdout);
    assert!(
        alone.stderr.contains("tokens/s") && !known.stderr.contains("tokens/s"),
        "{}",
        known.stderr
    );
    assert_eq!(ask(&sandbox, "SELECT count(*) FROM machine"), sentences);
    // A directory's translation keeps a memory of its own.
    let directory = ["in", "-o", "other", "--format", "plain"];
    let translate = &translate[..5];
    sandbox.run(&[translate, &directory].concat()).ends(0, &["tokens/s"]);
    let again = sandbox
        .run(&[translate, &directory, &["--force"]].concat())
        .ends(0, &["8 of 8 inputs"]);
    assert!(!again.stderr.contains("tokens/s"), "{}", again.stderr);
}

#[test]
fn what_people_wrote_is_not_overwritten() {
    let sandbox = archive(3);
    // Somebody's own file stands where an output would.
    sandbox.write("out/000/00000.html", "mine");
    run(command(&sandbox, &[]), b"").ends(1, &["00000.html: the output exists", "2 of 3 articles translated"]);
    assert_eq!(sandbox.read("out/000/00000.html"), "mine");
    // An output that was edited stays, and is told of.
    sandbox.write("out/000/00001.html", "edited");
    run(command(&sandbox, &[]), b"").ends(1, &["1 article edited"]);
    edit(&sandbox, 1, 2);
    run(command(&sandbox, &[]), b"").ends(1, &["was edited since plae wrote it", "move it away", "--force=NAME"]);
    assert_eq!(sandbox.read("out/000/00001.html"), "edited");
    // One that is gone is made again.
    fs::remove_file(sandbox.path("out/000/00002.html")).expect("removed");
    run(command(&sandbox, &["--force"]), b"").ends(0, &["3 of 3 articles translated"]);
    assert!(sandbox.read("out/000/00000.html").contains("<!DOCTYPE html>"));
    assert!(sandbox.read("out/000/00002.html").contains("<!DOCTYPE html>"));
}

#[test]
fn the_report_has_every_article_and_failure() {
    let sandbox = archive(4);
    sandbox.write("in/bad.txt", b"\x00\x01\xff\xfe\xff\x00");
    sandbox.write("in/index.txt", "หน้าแรกของข่าว\n");
    run(command(&sandbox, &[]), b"").ends(1, &["bad.txt", "5 of 6 articles translated", "1 failed"]);
    let report = sandbox.read("out/report.jsonl");
    let records: Vec<serde_json::Value> = report
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(records.len(), 6);
    assert_eq!(records[0]["place"], "bad.txt");
    assert!(records[0]["error"].is_string());
    let first = &records
        .iter()
        .find(|record| record["place"] == "000/00003.txt")
        .expect("an article");
    assert_eq!(first["date"], "2014-08-08");
    assert_eq!(first["segments"], 10);
    assert!(first["title"].as_str().expect("a title").contains("กลุ่มเกษตรกร"));
    let page = sandbox.read("out/index.html");
    for part in [
        "<b>6</b> articles",
        "<b>1</b> failed",
        "./000/00003.html",
        "index.txt.html",
        "failed: ",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches("<tr").count(), 7);
}

#[test]
fn one_run_at_a_time() {
    let sandbox = archive(2000);
    let mut first = start(command(&sandbox, &[]));
    let until = Instant::now() + Duration::from_secs(60);
    while !sandbox.path(DATABASE).exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    let holder = format!("process {} on ", first.id());
    run(command(&sandbox, &[]), b"").ends(2, &[&holder, "hint:"]);
    // What is killed holds nothing.
    first.kill().expect("killed");
    first.wait().expect("an end");
    run(command(&sandbox, &["--include", "0000*.txt"]), b"").ends(0, &["10 of 10 articles"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_the_batch_and_says_how_to_go_on() {
    let sandbox = archive(400);
    let mut command = command(&sandbox, &[]);
    let child = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .stdout(Stdio::null());
    let child = child.spawn().expect("the program starts");
    let until = Instant::now() + Duration::from_secs(60);
    let stored = || sandbox.path(DATABASE).exists() && fs::read_dir(sandbox.path("out/.plae/staging")).is_ok();
    while !stored() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(200));
    super::interrupt(&child);
    let output = child.wait_with_output().expect("an end");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("the same command goes on from here"), "{stderr}");
    assert!(sandbox.path("out/index.html").exists());
    run(self::command(&sandbox, &[]), b"").ends(0, &[]);
    assert_eq!(ask(&sandbox, "SELECT count(*) FROM article"), [400]);
}

#[test]
fn what_cannot_be_is_told_and_nothing_is_lost() {
    let sandbox = archive(2);
    let cases: [(&[&str], i32, &str); 4] = [
        (&["archive", "missing", "-o", "out"], 2, "is no directory"),
        (&["archive", "in", "-o", "in"], 2, "output directory is an input"),
        (
            &["archive", "in", "-o", "out", "--name", "{title}", "--dry-run"],
            2,
            "{stem}",
        ),
        (
            &[
                "archive",
                "in",
                "-o",
                "out",
                "--model",
                MODEL,
                "--memory",
                "in/000/00000.txt",
            ],
            2,
            "not a translation memory",
        ),
    ];
    for (args, code, part) in cases {
        sandbox.run(args).ends(code, &[part]);
    }
    assert_eq!(sandbox.read("in/000/00000.txt"), articles::article(0, 1));
    run(command(&sandbox, &[]), b"").ends(0, &[]);
    let before = outputs(&sandbox);
    // A damaged database: told, and the outputs stay.
    let mut bytes = fs::read(sandbox.path(DATABASE)).expect("a database");
    let whole = bytes.clone();
    bytes[4096..].fill(0x55);
    sandbox.write(DATABASE, &bytes);
    run(command(&sandbox, &[]), b"").ends(1, &["memory is damaged", "hint:"]);
    assert_eq!(outputs(&sandbox), before);
    sandbox.write(DATABASE, whole);
    // A locked one is waited for.
    let other = Connection::open(sandbox.path(DATABASE)).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    edit(&sandbox, 1, 2);
    let child = start(command(&sandbox, &[]));
    std::thread::sleep(Duration::from_millis(500));
    other.execute_batch("COMMIT").expect("unlocked");
    assert!(child.wait_with_output().expect("an end").status.success());
    // An article that goes while the plan stands, or cannot be read, is one failure.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("gone.txt", sandbox.path("in/link.txt")).expect("a link");
        run(command(&sandbox, &[]), b"").ends(0, &["2 unchanged"]);
    }
    // A file where a directory is needed.
    sandbox.write("out/d", "a file");
    sandbox.write("in/d/new.txt", "ข่าวใหม่\n");
    run(command(&sandbox, &[]), b"").ends(1, &["new.html: cannot write", "2 unchanged", "1 failed"]);
}

/// Mounts a file system in memory at `out`, or remounts it, where this process may.
#[cfg(target_os = "linux")]
fn mount(sandbox: &Sandbox, options: &str) -> bool {
    mount_at(sandbox, "out", options)
}

/// Mounts a file system in memory at a directory, or remounts it, where this process may.
#[cfg(target_os = "linux")]
pub fn mount_at(sandbox: &Sandbox, directory: &str, options: &str) -> bool {
    let mut command = Command::new("mount");
    command
        .args(["-t", "tmpfs", "-o", options, "tmpfs"])
        .arg(sandbox.path(directory))
        .stderr(Stdio::null());
    let mounted = command.status().is_ok_and(|status| status.success());
    if !mounted {
        eprintln!("skipped: no file system can be mounted here");
    }
    mounted
}

#[cfg(target_os = "linux")]
fn unmount(sandbox: &Sandbox) {
    unmount_at(sandbox, "out");
}

#[cfg(target_os = "linux")]
pub fn unmount_at(sandbox: &Sandbox, directory: &str) {
    let _ = Command::new("umount").arg(sandbox.path(directory)).status();
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_run_and_a_larger_one_goes_on() {
    let sandbox = archive(200);
    fs::create_dir(sandbox.path("out")).expect("a directory");
    if !mount(&sandbox, "size=1200k") {
        return;
    }
    let full = run(command(&sandbox, &[]), b"");
    let done = ask(&sandbox, "SELECT count(*) FROM article")[0];
    let larger = mount(&sandbox, "remount,size=60m");
    let rest = run(command(&sandbox, &[]), b"");
    let articles = ask(&sandbox, "SELECT count(*) FROM article");
    unmount(&sandbox);
    // What was done before is told.
    full.ends(1, &["no space left", &format!("{done} of 200 articles translated")]);
    assert!(larger);
    rest.ends(0, &["of 200 articles translated"]);
    assert_eq!(articles, [200]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_output_is_told_and_stays_as_it_was() {
    let sandbox = archive(3);
    fs::create_dir(sandbox.path("out")).expect("a directory");
    if !mount(&sandbox, "size=60m,ro") {
        return;
    }
    let fresh = run(command(&sandbox, &[]), b"");
    let writable = mount(&sandbox, "remount,rw");
    let first = run(command(&sandbox, &[]), b"");
    let before = outputs(&sandbox);
    edit(&sandbox, 1, 2);
    let read_only = mount(&sandbox, "remount,ro");
    let second = run(command(&sandbox, &[]), b"");
    let kept = outputs(&sandbox);
    let again = mount(&sandbox, "remount,rw");
    let third = run(command(&sandbox, &[]), b"");
    unmount(&sandbox);
    assert!(writable && read_only && again);
    fresh.ends(1, &["read-only"]);
    first.ends(0, &["3 of 3 articles translated"]);
    second.ends(1, &["read-only"]);
    assert_eq!(kept, before);
    third.ends(0, &["1 of 3 articles translated, 2 unchanged"]);
}

/// As somebody whom permissions hold off, which they do not root.
#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_cannot_be_read_is_one_failure() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = archive(3);
    sandbox.write("in/closed/new.txt", "ข่าวใหม่\n");
    let permit = |mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(sandbox.path("in/closed"), permissions).expect("permissions");
    };
    permit(0);
    let wanted = command(&sandbox, &[]);
    let mut held = Command::new("setpriv");
    held.args([
        "--bounding-set=-dac_override,-dac_read_search",
        "--inh-caps=-dac_override,-dac_read_search",
        "--",
    ])
    .arg(wanted.get_program())
    .args(wanted.get_args())
    .envs(wanted.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = wanted.get_current_dir() {
        held.current_dir(directory);
    }
    let open = fs::read_dir(sandbox.path("in/closed")).is_ok();
    if open
        && !Command::new("setpriv")
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    {
        permit(0o700);
        eprintln!("skipped: root reads everything, and there is no setpriv");
        return;
    }
    let outcome = run(if open { held } else { wanted }, b"");
    permit(0o700);
    outcome.ends(1, &["in/closed", "permission", "3 of 4 articles translated"]);
    run(command(&sandbox, &[]), b"").ends(0, &["1 of 4 articles translated, 3 unchanged"]);
}

#[test]
fn an_article_deleted_while_the_run_is_on_is_one_failure() {
    let sandbox = archive(700);
    let last = format!("in/{}", articles::place(699));
    let mut command = command(&sandbox, &["--jobs", "1"]);
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The plan is made before the database is.
    let start = Instant::now();
    while !sandbox.path(DATABASE).exists() && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(2));
    }
    fs::remove_file(sandbox.path(&last)).expect("a file");
    let ended = child.wait_with_output().expect("an end");
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(
        told.contains("699.txt") && told.contains("699 of 700 articles translated"),
        "{told}"
    );
    // Gone before the next run, it is none of its business, and its neighbours are as they were.
    run(self::command(&sandbox, &[]), b"").ends(0, &["0 of 699 articles translated, 699 unchanged"]);
    edit(&sandbox, 699, 1);
    run(self::command(&sandbox, &[]), b"").ends(0, &["1 of 700 articles translated, 699 unchanged"]);
}

/// What an earlier run, whose clock was ahead, has left.
#[test]
fn a_clock_that_went_backwards_changes_nothing() {
    let sandbox = archive(3);
    run(command(&sandbox, &[]), b"").ends(0, &["3 of 3 articles translated"]);
    let before = outputs(&sandbox);
    let connection = Connection::open(sandbox.path(DATABASE)).expect("a database");
    connection
        .execute_batch("UPDATE machine SET made = made + 1000000000")
        .expect("a later time");
    drop(connection);
    let later = std::time::SystemTime::now() + Duration::from_secs(1_000_000_000);
    let places = (0..3).map(|number| format!("in/{}", articles::place(number)));
    for place in places.chain(before.keys().map(|name| format!("out/{name}"))) {
        let file = fs::File::options()
            .append(true)
            .open(sandbox.path(&place))
            .expect("a file");
        file.set_modified(later).expect("a later time");
    }
    run(command(&sandbox, &[]), b"").ends(0, &["0 of 3 articles translated, 3 unchanged"]);
    edit(&sandbox, 1, 2);
    run(command(&sandbox, &[]), b"").ends(0, &["1 of 3 articles translated, 2 unchanged"]);
    edit(&sandbox, 1, 1);
    run(command(&sandbox, &["--force"]), b"").ends(0, &["3 of 3 articles translated", "0 sentences new"]);
    assert_eq!(outputs(&sandbox), before);
}
