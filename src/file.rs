//! Input and output files: inputs are read whole, outputs appear complete or not at all.

use crate::error::{Error, Hint, Result};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Words an input or output failure of the operating system as a short phrase, without the error code that Rust
/// appends.
pub fn describe_io_error(error: &io::Error) -> String {
    use io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "no such file or directory".into(),
        ErrorKind::PermissionDenied => "permission denied".into(),
        ErrorKind::IsADirectory => "is a directory".into(),
        ErrorKind::NotADirectory => "a part of the path is no directory".into(),
        ErrorKind::StorageFull => "no space left on the device".into(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only".into(),
        ErrorKind::BrokenPipe => "the reader has gone".into(),
        _ => match error.to_string().split_once(" (os error") {
            Some((text, _)) => text.to_lowercase(),
            None => error.to_string(),
        },
    }
}

/// Formats bytes as lower-case hexadecimal digits, two for each byte.
pub(crate) fn to_hexadecimal(bytes: &[u8]) -> String {
    const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(HEX_DIGITS[usize::from(digit)])).collect()
}

/// Formats a number of bytes for people, in decimal units: `1.50 MB`.
pub(crate) fn format_byte_size(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}

/// Encodes a path for a URL: letters, digits and `-._~/` stay, every other byte becomes `%` and two hexadecimal digits.
pub(crate) fn percent_encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                encoded.push(char::from(byte));
            }
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}

/// Whether a text is a relative path that stays inside its directory, on every operating system.
pub(crate) fn is_safe_relative_path(text: &str) -> bool {
    let char_ok = |c: char| !c.is_control() && !matches!(c, '\\' | ':' | '?' | '#' | '%');
    let part_ok = |part: &str| !part.is_empty() && part != "." && part != "..";
    text.chars().all(char_ok) && text.split('/').all(part_ok)
}

/// The most bytes of an input that is read into memory as a whole.
const MAX_INPUT_BYTES: u64 = 512 << 20;

/// Reads an input file whole.
///
/// # Errors
/// Kind `Input` for a file that cannot be read, or that has more than 537 MB.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    let opened = File::open(path).and_then(|file| {
        if file.metadata()?.is_dir() {
            Err(io::ErrorKind::IsADirectory.into())
        } else {
            Ok(file)
        }
    });
    read_to_limit(opened, path)
}

/// Reads standard input to its end.
///
/// # Errors
/// Those of [`read_file`].
pub fn read_stdin() -> Result<Vec<u8>> {
    read_to_limit(Ok(io::stdin().lock()), Path::new("standard input"))
}

/// Reads an input to its end; `name` is for its errors.
fn read_to_limit(input: io::Result<impl Read>, name: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = input.and_then(|input| input.take(MAX_INPUT_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| Error::input(describe_io_error(&error)).path(name).source(error))?;
    if bytes.len() as u64 > MAX_INPUT_BYTES {
        let limit = format_byte_size(MAX_INPUT_BYTES);
        return Err(Error::input(format!("has more than {limit}"))
            .path(name)
            .hint("divide it into several files"));
    }
    Ok(bytes)
}

/// Appends the next line of `input`, with its line end, to `line`. Returns the number of bytes read, 0 at the end of the
/// input; none for a line of more than `max_bytes`, of which only the beginning is read.
pub(crate) fn read_line(input: &mut dyn BufRead, line: &mut Vec<u8>, max_bytes: u64) -> io::Result<Option<usize>> {
    let count = input.take(max_bytes + 1).read_until(b'\n', line)?;
    Ok((count as u64 <= max_bytes || line.ends_with(b"\n")).then_some(count))
}

/// Whether a path is `-`, which stands for standard input or output.
pub fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Writes an output file so that it is complete or absent: writes a temporary file in its directory, flushes it to the
/// disk, and renames it.
///
/// Missing directories are created. Without `overwrite`, an existing file is kept and is an error. A path that is not a
/// regular file (`/dev/null`, a named pipe) is written to directly.
pub fn write_file(path: &Path, bytes: &[u8], overwrite: bool) -> Result<()> {
    write_file_with(path, None, overwrite, &mut |out| out.write_all(bytes))
}

/// Writes an output file like [`write_file()`], with the contents that `fill` writes.
///
/// If `staging` is given, the temporary file is created in that directory, which must be on the same file system. A
/// killed program then leaves nothing beside its outputs.
pub fn write_file_with(
    path: &Path,
    staging: Option<&Path>,
    overwrite: bool,
    fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let failed = |error: io::Error| output_write_error(path, error);
    // If the output is a symbolic link, the file that it points to is replaced, and the link stays.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let standing = fs::metadata(&target).ok();
    if standing.as_ref().is_some_and(|standing| !standing.is_file()) {
        let mut file = File::options().write(true).open(&target).map_err(failed)?;
        return fill(&mut file).map_err(failed);
    }
    let directory = parent_directory(&target);
    create_directory(directory, path)?;
    let mut attempt = |staging: &Path| {
        let part = fill_temporary_file(staging, fill)?;
        if let Some(standing) = standing.as_ref().filter(|_| overwrite) {
            part.file.as_file().set_permissions(standing.permissions())?;
        }
        part.file.as_file().sync_all()?;
        put_in_place(part, &target, overwrite)
    };
    match attempt(staging.unwrap_or(directory)) {
        // The staging directory is on another file system.
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => attempt(directory),
        result => result,
    }
    .map_err(failed)
}

/// Whether a file that is about to be renamed to its final path may replace what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It may not: if anything stands there, the write fails.
    Keep,
    /// It may. A link is replaced itself, not the file that it points to.
    Replace,
}

/// Writes an output file like [`write_file_with`], with the contents that `fill` writes, but never through a link.
///
/// Right before the file is renamed to `path`, `decide` is called with its SHA-256 in hexadecimal; if it fails, nothing
/// is written. The file is created in `staging` if that is on the same file system. Returns the SHA-256.
///
/// # Errors
/// The errors of `fill` and of `decide`; `Output` if the file cannot be written.
pub(crate) fn write_file_checked(
    path: &Path,
    staging: &Path,
    fill: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    decide: &mut dyn FnMut(&str) -> Result<Existing>,
) -> Result<String> {
    let directory = parent_directory(path);
    create_directory(directory, path)?;
    let mut attempt = |staging: &Path| -> Result<String, io::Error> {
        let mut reason = None;
        let part = fill_temporary_file(staging, &mut keep_reason(fill, &mut reason));
        let part = reason.map_or(part, |reason| Err(io::Error::other(reason)))?;
        part.file.as_file().sync_all()?;
        let sha256 = hash_file(part.file.path())?;
        let existing = decide(&sha256).map_err(io::Error::other)?;
        let standing = fs::symlink_metadata(path).ok().filter(|standing| standing.is_file());
        if let (Existing::Replace, Some(standing)) = (existing, standing) {
            part.file.as_file().set_permissions(standing.permissions())?;
        }
        put_in_place(part, path, existing == Existing::Replace)?;
        Ok(sha256)
    };
    match attempt(staging) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => attempt(directory),
        result => result,
    }
    .map_err(|error| match error.downcast::<Error>() {
        Ok(own) => own,
        Err(error) => output_write_error(path, error),
    })
}

/// Computes the SHA-256 of a file's content, in hexadecimal.
pub(crate) fn hash_file(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(to_hexadecimal(&hash.finalize())),
            Ok(count) => hash.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Creates the directory of an output at `path`, and those above it.
fn create_directory(directory: &Path, path: &Path) -> Result<()> {
    fs::create_dir_all(directory).map_err(|error| match error.kind() {
        // The error is about a file where a directory is needed, not about an existing output.
        io::ErrorKind::AlreadyExists => output_write_error(path, io::ErrorKind::NotADirectory.into()),
        _ => output_write_error(path, error),
    })
}

/// Creates a temporary file in `directory` with the contents that `fill` writes.
fn fill_temporary_file(
    directory: &Path,
    fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
) -> io::Result<TemporaryFile> {
    let mut part = create_temporary_file(directory)?;
    let mut buffer = io::BufWriter::new(part.file.as_file_mut());
    fill(&mut buffer).and_then(|()| buffer.flush())?;
    drop(buffer);
    Ok(part)
}

/// Renames a temporary file to `target`, which must not exist without `overwrite`.
fn put_in_place(part: TemporaryFile, target: &Path, overwrite: bool) -> io::Result<()> {
    let TemporaryFile { file, _listed } = part;
    if overwrite {
        file.persist(target)
    } else {
        file.persist_noclobber(target)
    }
    .map_err(|error| error.error)?;
    // The new name survives a power failure once the directory is synced, which not every system can do.
    if let Ok(directory) = File::open(parent_directory(target)) {
        let _ = directory.sync_all();
    }
    Ok(())
}

/// Writes an output file like [`write_file_with`]. If `fill` fails with an error of its own, that error is returned.
pub fn try_write_file_with(
    path: &Path,
    staging: Option<&Path>,
    overwrite: bool,
    fill: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let mut reason = None;
    let written = write_file_with(path, staging, overwrite, &mut keep_reason(fill, &mut reason));
    reason.map_or(written, Err)
}

/// Converts a function that fails with an [`Error`] of its own to one that fails with an I/O error: its own error is put
/// into `reason`.
fn keep_reason<'a>(
    fill: &'a mut dyn FnMut(&mut dyn Write) -> Result<()>,
    reason: &'a mut Option<Error>,
) -> impl FnMut(&mut dyn Write) -> io::Result<()> + 'a {
    |out| {
        let mut watched = FailureRecordingWriter { out, failure: None };
        fill(&mut watched).map_err(|error| match watched.failure {
            Some(failure) => failure,
            None => {
                *reason = Some(error);
                io::Error::other("not filled")
            }
        })
    }
}

/// A writer that remembers its first failure, so that the failure can be reported with the path of the file.
struct FailureRecordingWriter<'a> {
    out: &'a mut dyn Write,
    failure: Option<io::Error>,
}

impl FailureRecordingWriter<'_> {
    fn record_failure<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| match error.kind() {
            // Writers try again after an interrupted call.
            io::ErrorKind::Interrupted => error,
            kind => {
                self.failure.get_or_insert(error);
                kind.into()
            }
        })
    }
}

impl Write for FailureRecordingWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.record_failure(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.record_failure(flushed)
    }
}

/// Makes the error for a failed write; the caller adds the path.
pub(crate) fn failed_write_error(error: io::Error) -> Error {
    Error::output(describe_io_error(&error)).source(error)
}

/// Checks, before any work is done, that a file can be created at `path`: that the file system takes its name, and that
/// its directory, or the nearest one above it that exists, takes a new file.
pub fn check_writable(path: &Path) -> Result<()> {
    check_name_length(path)?;
    create_temporary_file(nearest_directory(path))
        .map(drop)
        .map_err(|error| output_write_error(path, error))
}

/// Checks that no name in the path of an output, and not the whole path either, is too long for the file system. The
/// path need not exist.
pub fn check_name_length(path: &Path) -> Result<()> {
    /// Number of bytes of a name, and of a path, that every file system takes.
    const ALWAYS_SHORT: (usize, usize) = (100, 1000);
    let directory = nearest_directory(path);
    let is_too_long =
        |path: &Path| fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::InvalidFilename);
    let refused = |what: &str, bytes: usize| {
        Err(
            Error::output(format!("{what} of {bytes} bytes is too long for the file system"))
                .path(path)
                .hint(Hint::ShortenName),
        )
    };
    for name in path.iter().filter(|name| name.len() > ALWAYS_SHORT.0) {
        if is_too_long(&directory.join(name)) {
            return refused("a name", name.len());
        }
    }
    match path.as_os_str().len() {
        bytes if bytes > ALWAYS_SHORT.1 && is_too_long(path) => refused("a path", bytes),
        _ => Ok(()),
    }
}

/// Returns the nearest directory above `path` that exists.
fn nearest_directory(path: &Path) -> &Path {
    let exists = |directory: &&Path| {
        use io::ErrorKind::{InvalidFilename, NotFound};
        let missing = |error: io::Error| matches!(error.kind(), NotFound | InvalidFilename);
        !fs::symlink_metadata(directory).is_err_and(missing)
    };
    path.ancestors()
        .skip(1)
        .map(|directory| {
            if directory.as_os_str().is_empty() {
                Path::new(".")
            } else {
                directory
            }
        })
        .find(exists)
        .unwrap_or(path)
}

/// Makes the error for an output file at `path` that cannot be written.
pub(crate) fn output_write_error(path: &Path, error: io::Error) -> Error {
    let output = Error::output(format!("cannot write: {}", describe_io_error(&error))).path(path);
    match error.kind() {
        io::ErrorKind::AlreadyExists => return output_exists_error(path),
        io::ErrorKind::StorageFull => output.hint(Hint::FreeSpace),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => output.hint(Hint::WriteElsewhere),
        _ => output,
    }
    .source(error)
}

/// Makes the error for an output file that exists already.
pub fn output_exists_error(path: &Path) -> Error {
    Error::output("the output exists").path(path).hint(Hint::Overwrite)
}

pub(crate) fn parent_directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

/// Paths of all temporary files that exist now, for [`delete_temporary_files`] to delete: a program that is ended at once runs no
/// destructors.
static TEMPORARY_FILE_PATHS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn lock_temporary_files() -> MutexGuard<'static, Vec<PathBuf>> {
    TEMPORARY_FILE_PATHS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Deletes all temporary files of incomplete outputs, for a program that is about to exit. No output can be started
/// afterwards.
pub fn delete_temporary_files() {
    let parts = lock_temporary_files();
    for part in parts.iter() {
        let _ = fs::remove_file(part);
    }
    // Keeps the list locked, so that no other thread creates another temporary file.
    std::mem::forget(parts);
}

/// A temporary file that is deleted on drop unless it was renamed. The file is dropped first, then its path is removed
/// from [`TEMPORARY_FILE_PATHS`].
struct TemporaryFile {
    file: tempfile::NamedTempFile,
    _listed: ListedTemporaryPath,
}

/// A path that is in [`TEMPORARY_FILE_PATHS`] until this value is dropped.
struct ListedTemporaryPath(PathBuf);

impl Drop for ListedTemporaryPath {
    fn drop(&mut self) {
        lock_temporary_files().retain(|part| *part != self.0);
    }
}

/// Creates a temporary file in `directory`, with the permissions that the umask allows.
fn create_temporary_file(directory: &Path) -> io::Result<TemporaryFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".plae-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut parts = lock_temporary_files();
    let file = builder.tempfile_in(directory).map_err(strip_path_from_error)?;
    parts.push(file.path().to_path_buf());
    let _listed = ListedTemporaryPath(file.path().to_path_buf());
    Ok(TemporaryFile { file, _listed })
}

/// Removes the temporary file's name, which tempfile puts into its errors: users know only the output's name.
fn strip_path_from_error(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(_) => error,
        None => io::Error::from(error.kind()),
    }
}

/// Resolves links, `.` and, as far as the path exists, `..`, so that paths can be compared. The path need not exist.
pub fn resolve_path(path: &Path) -> PathBuf {
    let mut rest = Vec::new();
    let mut head = path;
    loop {
        if let Ok(real) = fs::canonicalize(if head.as_os_str().is_empty() {
            Path::new(".")
        } else {
            head
        }) {
            return rest.iter().rev().fold(real, |path, name| path.join(name));
        }
        match (head.parent(), head.file_name()) {
            (Some(parent), Some(name)) => {
                rest.push(name.to_os_string());
                head = parent;
            }
            _ => return path.to_path_buf(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn system_errors_read_as_phrases() {
        let missing = std::fs::read("/does/not/exist").unwrap_err();
        assert_eq!(describe_io_error(&missing), "no such file or directory");
        let odd = io::Error::from_raw_os_error(27);
        assert!(
            !describe_io_error(&odd).contains("os error"),
            "{}",
            describe_io_error(&odd)
        );
    }

    #[test]
    fn urls_keep_what_has_no_meaning_in_them() {
        assert_eq!(percent_encode("a b/ก-1.html#x"), "a%20b/%E0%B8%81-1.html%23x");
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn writes_once_and_overwrites_when_told() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("new/dir/a.html");
        write_file(&path, b"one", false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        let refused = write_file(&path, b"two", false).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Output);
        assert!(refused.hint.as_deref() == Some(&Hint::Overwrite));
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write_file(&path, b"two", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(path.parent().unwrap()), ["a.html"]);
        assert!(!lock_temporary_files().iter().any(|part| part.starts_with(home.path())));
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_an_ordinary_file_and_are_kept() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let ordinary = home.path().join("ordinary");
        File::create(&ordinary).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let path = home.path().join("a.html");
        write_file(&path, b"one", false).unwrap();
        assert_eq!(mode(&path), mode(&ordinary));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        write_file(&path, b"two", true).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let home = tempfile::tempdir().unwrap();
        let (file, link) = (home.path().join("file"), home.path().join("link"));
        write_file(&file, b"one", false).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_file(&link, b"two", true).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn a_file_in_the_way_of_a_directory_is_an_output_error() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        write_file(&file, b"one", false).unwrap();
        for failed in [
            write_file(&file.join("a.html"), b"", false),
            check_writable(&file.join("deep/a.html")),
        ] {
            assert_eq!(failed.unwrap_err().kind, ErrorKind::Output);
        }
        check_writable(&home.path().join("deep/er/a.html")).unwrap();
        assert_eq!(names(home.path()), ["file"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_named() {
        let error = write_file(Path::new("/dev/full"), b"text", false).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Output);
        assert!(error.message.contains("no space"), "{}", error.message);
        write_file(Path::new("/dev/null"), b"text", false).unwrap();
    }

    #[test]
    fn whoever_fills_a_file_may_fail_and_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.html");
        let error = try_write_file_with(&path, None, false, &mut |out| {
            out.write_all(b"text").map_err(failed_write_error)?;
            Err(Error::usage("no more"))
        });
        assert_eq!(error.unwrap_err().to_string(), "no more");
        assert!(names(home.path()).is_empty());
        try_write_file_with(&path, None, false, &mut |out| {
            out.write_all(b"text").map_err(failed_write_error)
        })
        .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"text");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_named_with_its_path_whoever_fills_it() {
        let full = Path::new("/dev/full");
        let error = try_write_file_with(full, None, false, &mut |out| {
            out.write_all(b"text").map_err(failed_write_error)
        })
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "/dev/full: cannot write: no space left on the device"
        );
        assert!(error.hint.is_some());
    }

    #[test]
    fn real_paths_compare() {
        let home = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(home.path()).unwrap();
        fs::create_dir(base.join("sub")).unwrap();
        assert_eq!(resolve_path(&base.join("sub/../a/b.txt")), base.join("a/b.txt"));
        assert_eq!(resolve_path(&base.join("./a")), base.join("a"));
    }
}
