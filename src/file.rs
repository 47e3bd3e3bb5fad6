//! Input and output files: inputs are read whole, outputs appear complete or not at all.

use crate::error::{Error, Hint, Result};
use std::fs::{self, File};
use std::io::{self, Read, Write};
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

/// Reads an input file whole.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Error::input(describe_io_error(&error)).path(path).source(error))
}

/// Reads standard input to its end.
pub fn read_stdin() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map_err(|error| {
        Error::input(describe_io_error(&error))
            .path("standard input")
            .source(error)
    })?;
    Ok(bytes)
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
    fs::create_dir_all(directory).map_err(|error| match error.kind() {
        // The error is about a file where a directory is needed, not about an existing output.
        io::ErrorKind::AlreadyExists => failed(io::ErrorKind::NotADirectory.into()),
        _ => failed(error),
    })?;
    let mut part = create_temporary_file(staging.unwrap_or(directory)).map_err(failed)?;
    let file = &mut part.file;
    let mut buffer = io::BufWriter::new(file.as_file_mut());
    fill(&mut buffer).and_then(|()| buffer.flush()).map_err(failed)?;
    drop(buffer);
    if let Some(standing) = standing.filter(|_| overwrite) {
        file.as_file().set_permissions(standing.permissions()).map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    if overwrite {
        part.file.persist(&target)
    } else {
        part.file.persist_noclobber(&target)
    }
    .map_err(|error| failed(error.error))?;
    // The new name survives a power failure once the directory is synced, which not every system can do.
    if let Ok(directory) = File::open(directory) {
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
    let written = write_file_with(path, staging, overwrite, &mut |out| {
        let mut watched = FailureRecordingWriter { out, failure: None };
        fill(&mut watched).map_err(|error| match watched.failure {
            Some(failure) => failure,
            None => {
                reason = Some(error);
                io::Error::other("not filled")
            }
        })
    });
    reason.map_or(written, Err)
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

/// Checks, before any work is done, that a file can be created at `path`: that its directory, or the nearest one above
/// it that exists, takes a new file.
pub fn check_writable(path: &Path) -> Result<()> {
    let directory = path
        .ancestors()
        .skip(1)
        .map(|directory| {
            if directory.as_os_str().is_empty() {
                Path::new(".")
            } else {
                directory
            }
        })
        .find(|directory| !fs::symlink_metadata(directory).is_err_and(|error| error.kind() == io::ErrorKind::NotFound))
        .unwrap_or(path);
    create_temporary_file(directory)
        .map(drop)
        .map_err(|error| output_write_error(path, error))
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

fn parent_directory(path: &Path) -> &Path {
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
