//! What every test of the program starts from: a home of its own, without a model and without a network.

mod archive;
mod articles;
mod bilingual;
mod check;
mod ct2;
mod damage;
mod databases;
mod decoder;
mod edits;
mod exchange;
mod filter;
mod former;
mod gemma;
mod help;
mod inputs;
mod kept;
mod limits;
mod memory;
mod mending;
mod model;
mod outputs;
mod seq2seq;
mod shard;
mod signals;
mod terminal;
mod tools;
mod transformers5;
mod unloadable;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
#[cfg(unix)]
use std::time::{Duration, Instant};

/// A text without Thai: it passes through, and no model is needed.
pub const ENGLISH: &str = "Wuzhen Summit\n\nThe summit opened on Wednesday.\n";

/// A text that only a model can translate.
pub const THAI: &str = "ข่าวเด่นวันนี้\n\nฝนตกหนักในกรุงเทพมหานคร\n";

/// A directory with files, and a program that knows nothing outside it.
pub struct Sandbox {
    home: tempfile::TempDir,
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    /// An empty directory.
    pub fn new() -> Self {
        Self {
            home: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    /// A directory with these files.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let sandbox = Self::new();
        for (name, text) in files {
            sandbox.write(name, text);
        }
        sandbox
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, bytes).expect("a file");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The files below a directory, by their names, `/` between directories.
    pub fn files(&self, name: &str) -> Vec<String> {
        fn collect(path: &Path, base: &Path, names: &mut Vec<String>) {
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    collect(&path, base, names)
                } else {
                    names.push(path.strip_prefix(base).expect("below").display().to_string())
                }
            }
        }
        let mut names = Vec::new();
        collect(&self.path(name), &self.path(name), &mut names);
        names.sort();
        names
    }

    /// The program with these arguments, in this directory.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plae"));
        command
            .args(args)
            .current_dir(self.home.path())
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("PLAE_OFFLINE", "1");
        command
    }

    pub fn run(&self, args: &[&str]) -> Outcome {
        self.feed(args, "")
    }

    /// Runs with `stdin` as standard input.
    pub fn feed(&self, args: &[&str], stdin: impl AsRef<[u8]>) -> Outcome {
        run(self.command(args), stdin.as_ref())
    }
}

pub fn run(mut command: Command, stdin: &[u8]) -> Outcome {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("standard input");
    // Both at once: a filter answers before it has read all. A program that refuses its arguments does not read.
    let output = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(stdin));
        child.wait_with_output()
    });
    let output = output.expect("the program ends");
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap_or_else(|bytes| format!("{bytes:?}")),
        stderr: String::from_utf8(output.stderr).expect("messages are UTF-8"),
    }
}

/// The file of gemma-3-270m, fetched by plae itself into this user's caches where it is not there; none, with a
/// printed reason, where that cannot be.
pub fn gemma() -> Option<PathBuf> {
    static MODEL: OnceLock<Option<PathBuf>> = OnceLock::new();
    MODEL
        .get_or_init(|| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_plae"));
            command.args(["models", "pull", "gemma-3-270m"]);
            let pulled = run(command, b"");
            if pulled.code != Some(0) {
                eprintln!("skipped: gemma-3-270m can be fetched from nowhere:\n{}", pulled.stderr);
                return None;
            }
            Some(PathBuf::from(pulled.stdout.trim_end()))
        })
        .clone()
}

/// Presses Ctrl-C.
#[cfg(unix)]
pub fn interrupt(child: &std::process::Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()));
}

/// Presses Ctrl-C once `command` has begun an output in a directory, and waits for its end.
#[cfg(unix)]
pub fn interrupt_while_writing(sandbox: &Sandbox, mut command: Command, directory: &str) {
    let mut child = command.stdin(Stdio::piped()).spawn().expect("the program starts");
    // Waiting for the program would close its standard input, and end it in peace.
    let _open = child.stdin.take();
    let until = Instant::now() + Duration::from_secs(60);
    while !sandbox.files(directory).iter().any(|name| name.ends_with(".part")) {
        assert!(Instant::now() < until, "nothing is written: {:?}", child.try_wait());
        std::thread::sleep(Duration::from_millis(5));
    }
    interrupt(&child);
    assert_eq!(child.wait().expect("an end").code(), Some(130));
}

impl Outcome {
    /// Checks the exit code, and that standard error holds each of `parts`.
    #[track_caller]
    pub fn ends(self, code: i32, parts: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for part in parts {
            assert!(self.stderr.contains(part), "no {part:?} in {self:#?}");
        }
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        self
    }
}
