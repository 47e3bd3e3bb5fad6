//! File operations of the catalog: listing, locking, hashing, linking, reading JSON, and errors that say what to do.

use crate::error::{Error, Result};
use crate::file::to_hexadecimal;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// Lists the names of the files directly in a directory, sorted; gives an empty list if it cannot be read.
pub(super) fn list_file_names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// The greatest number of nested folders, below a model's directory, in which its files are looked for.
const MAX_DEPTH: usize = 2;
/// The most files of a directory that are looked at: no model has as many.
const MAX_FILES: usize = 10_000;

/// Lists the paths of the files in a directory and in the folders of it, relative to it, with `/` between the parts,
/// sorted. Hidden folders are left out.
pub(super) fn list_files_below(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![(String::new(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let entries = std::fs::read_dir(directory.join(&folder))
            .into_iter()
            .flatten()
            .flatten();
        for entry in entries {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = entry.path();
            if path.is_file() {
                names.push(format!("{folder}{name}"));
            } else if depth < MAX_DEPTH && !name.starts_with('.') && path.is_dir() {
                folders.push((format!("{folder}{name}/"), depth + 1));
            }
            if names.len() + folders.len() >= MAX_FILES {
                folders.clear();
                break;
            }
        }
    }
    names.sort();
    names
}

/// Reads and parses a JSON file of a model.
///
/// # Errors
/// Fails with an error of kind `Model`, with the path and, if the text is not JSON, the line.
pub(crate) fn read_json_file(path: &Path) -> Result<serde_json::Value> {
    let text = std::fs::read(path).map_err(|error| local_file_error(error, path))?;
    serde_json::from_slice(&text).map_err(|error| {
        Error::model("is not JSON")
            .path(path)
            .place(format!("line {}", error.line()))
            .hint("the file is damaged; fetch it again")
            .source(error)
    })
}

/// Locks the file `path` against other processes, including Python's Hub tools, until the result is dropped. If
/// another process holds the lock, calls `waiting` and waits. On a file system without locks nothing is locked.
///
/// # Errors
/// Fails with an error of kind `Model` if the file cannot be created.
pub(super) fn lock_file(path: &Path, waiting: impl FnOnce()) -> Result<File> {
    let create = || -> io::Result<File> {
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        File::options().create(true).truncate(false).write(true).open(path)
    };
    let file = create().map_err(|error| local_file_error(error, path))?;
    if matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)) {
        waiting();
        file.lock().map_err(|error| local_file_error(error, path))?;
    }
    Ok(file)
}

/// Makes the error, of kind `Model`, for a failed file operation on this machine, with advice on what to do.
pub(super) fn local_file_error(error: io::Error, path: &Path) -> Error {
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

/// Reads everything from a reader and gives its sha256 in lower-case hexadecimal and its number of bytes. `each` is
/// called with every block of bytes that is read.
///
/// # Errors
/// The errors of the reader and of `each`.
pub(super) fn compute_sha256(
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
    Ok((to_hexadecimal(&hasher.finalize()), size))
}

/// Makes the path `pointer` in a snapshot give the content of `blob`: by a relative symbolic link, as the Hub's other
/// tools make it, or by a hard link or a copy if the file system has no symbolic links.
pub(super) fn link_blob(blob: &Path, pointer: &Path) -> io::Result<()> {
    // Another process may have made it meanwhile.
    if std::fs::metadata(pointer).is_ok_and(|found| std::fs::metadata(blob).is_ok_and(|blob| blob.len() == found.len()))
    {
        return Ok(());
    }
    let directory = pointer.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(directory)?;
    // The link is made in a temporary directory and then moved, since another process may be making the same one: a
    // copy onto an existing link would write through it into the blob.
    let made = tempfile::Builder::new().prefix(".link-").tempdir_in(directory)?;
    let link = made.path().join("link");
    if symlink_blob(blob, pointer, &link).is_err() && std::fs::hard_link(blob, &link).is_err() {
        std::fs::copy(blob, &link)?;
    }
    std::fs::rename(&link, pointer)
}

/// Creates a symbolic link to `blob` at `link`. Its relative target is that of a link at `pointer`, where the caller then
/// moves it.
#[cfg(unix)]
fn symlink_blob(blob: &Path, pointer: &Path, link: &Path) -> io::Result<()> {
    // Goes up from `snapshots/COMMIT/file` to the directory that contains `blobs/ETAG` too; further up if the file is
    // in a subdirectory.
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

/// Fails always: outside Unix no symbolic links are made, since they need a privilege on Windows.
#[cfg(not(unix))]
fn symlink_blob(_blob: &Path, _pointer: &Path, _link: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Writes the commit for which a branch stands to the file `path`, replacing the file as a whole, so that another
/// process reads either the old commit or the new one.
pub(super) fn write_reference(path: &Path, commit: &str) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(commit.as_bytes())?;
    // A temporary file may be read by its owner only; files of a shared cache may be read by all.
    #[cfg(unix)]
    std::fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes() {
        let (hash, size) = compute_sha256(&b"abc"[..], |_| Ok(())).unwrap();
        assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(size, 3);
    }
}
