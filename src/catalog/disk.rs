//! This machine's disk as the catalog uses it: listings, locks, hashes, JSON files, and what its failures mean.

use crate::error::{Error, Result};
use crate::file::hexadecimal;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// Lists the names of the files at the top of a directory, sorted; none if it cannot be read.
pub(super) fn file_names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// Reads a JSON file of a model.
///
/// # Errors
/// Of kind `Model`, with the path and, where it is not JSON, the line.
pub(crate) fn read_json(path: &Path) -> Result<serde_json::Value> {
    let text = std::fs::read(path).map_err(|error| local_error(error, path))?;
    serde_json::from_slice(&text).map_err(|error| {
        Error::model("is not JSON")
            .path(path)
            .place(format!("line {}", error.line()))
            .hint("the file is damaged; fetch it again")
            .source(error)
    })
}

/// Locks the file `path` against other processes, Python's Hub tools among them, until the result is dropped; calls `waiting`
/// first if another process holds it. A file system without locks lets everybody through.
///
/// # Errors
/// Of kind `Model`, if the file cannot be made.
pub(super) fn lock(path: &Path, waiting: impl FnOnce()) -> Result<File> {
    let create = || -> io::Result<File> {
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        File::options().create(true).truncate(false).write(true).open(path)
    };
    let file = create().map_err(|error| local_error(error, path))?;
    if matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)) {
        waiting();
        file.lock().map_err(|error| local_error(error, path))?;
    }
    Ok(file)
}

/// The error of kind `Model` for a failure of this machine's disk, with what can be done about it.
pub(super) fn local_error(error: io::Error, path: &Path) -> Error {
    let (message, hint) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (
            "the disk is full",
            "make room, or point HF_HUB_CACHE and PLAE_CACHE to another disk",
        ),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (
            "may not be written",
            "mend its permissions, or point HF_HUB_CACHE and PLAE_CACHE elsewhere",
        ),
        _ => (
            "cannot be read or written",
            "HF_HUB_CACHE and PLAE_CACHE say where models are kept",
        ),
    };
    Error::model(format!("{message} ({error})"))
        .path(path)
        .hint(hint)
        .source(error)
}

/// Hashes all that a reader gives: the sha256 in lower-case hexadecimal, and the number of bytes. `each` is called with every
/// piece on the way.
///
/// # Errors
/// Those of the reader and of `each`.
pub(super) fn sha256(
    mut reader: impl Read,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<(String, u64)> {
    use sha2::{Digest, Sha256};
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut size = 0;
    loop {
        let n = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..n]);
        each(&buffer[..n])?;
        size += n as u64;
    }
    Ok((hexadecimal(&hasher.finalize()), size))
}

/// Makes the file `pointer` of a snapshot stand for `blob`: a relative link, as the Hub's other tools make it, or a copy where
/// the file system has no links.
pub(super) fn link(blob: &Path, pointer: &Path) -> io::Result<()> {
    if pointer.exists() {
        return Ok(());
    }
    let directory = pointer.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(directory)?;
    // Made beside its place and moved there, since another process may be making the same one: a copy onto a link would write
    // through it into the blob.
    let made = tempfile::Builder::new().prefix(".link-").tempdir_in(directory)?;
    let link = made.path().join("link");
    if symlink(blob, pointer, &link).is_err() && std::fs::hard_link(blob, &link).is_err() {
        std::fs::copy(blob, &link)?;
    }
    std::fs::rename(&link, pointer)
}

/// Makes `link`, which is to be moved to `pointer`, lead to `blob` by a relative path.
#[cfg(unix)]
fn symlink(blob: &Path, pointer: &Path, link: &Path) -> io::Result<()> {
    // From `snapshots/COMMIT/file` up to what it has in common with `blobs/ETAG`; further from a file in a directory.
    let depth = pointer
        .ancestors()
        .skip(1)
        .take_while(|directory| !blob.starts_with(directory))
        .count();
    let common = pointer.ancestors().nth(depth + 1).unwrap_or(Path::new(""));
    let down = blob.strip_prefix(common).unwrap_or(blob);
    let target: std::path::PathBuf = std::iter::repeat_n(Path::new(".."), depth).chain([down]).collect();
    std::os::unix::fs::symlink(target, link)
}

/// Links need a privilege on Windows.
#[cfg(not(unix))]
fn symlink(_blob: &Path, _pointer: &Path, _link: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Writes down, in the file `path`, the commit that a branch stands for; a reader sees the old one or the new one.
pub(super) fn write_reference(path: &Path, commit: &str) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(commit.as_bytes())?;
    // A temporary file is its owner's alone; a shared cache's files are not.
    #[cfg(unix)]
    std::fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes() {
        let (hash, size) = sha256(&b"abc"[..], |_| Ok(())).unwrap();
        assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(size, 3);
    }
}
