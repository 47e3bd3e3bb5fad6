//! Downloads one file of the Hub into its blob in the cache, continuing what an earlier run left, and checks its hash.

use super::fault::{HubFault, RequestedFile, header_value, not_a_hub_error};
use super::request::Wanted;
use super::{FileMetadata, HubClient};
use crate::catalog::cache::{self, is_commit};
use crate::catalog::disk::{compute_sha256, local_file_error, lock_file};
use crate::catalog::manifest::{FileSpec, HubSource, is_sha256};
use crate::catalog::notice::Notice;
use crate::catalog::sha1::find_git_hash_difference;
use crate::catalog::unsupported::check_no_pointer;
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;
use ureq::http::StatusCode;

/// The hash that a downloaded file must have.
enum KnownHash<'a> {
    /// A sha256: the manifest's, or the Hub's for a large file.
    Sha256(&'a str),
    /// The hash by which Git names a file; the Hub gives no other for a small one.
    Git(&'a str),
}

impl<'a> KnownHash<'a> {
    /// Gives the hash that the manifest or the Hub tells of a file; none if neither tells one.
    fn of_file(file: &'a FileSpec, metadata: &'a FileMetadata) -> Option<Self> {
        let etag = metadata.etag.as_str();
        match &file.sha256 {
            Some(sha256) => Some(Self::Sha256(sha256)),
            None if is_sha256(etag) => Some(Self::Sha256(etag)),
            None if is_commit(etag) => Some(Self::Git(etag)),
            None => None,
        }
    }

    /// Compares the hash of the file `path` with this one; gives what differs, or none.
    fn find_difference(&self, path: &Path) -> io::Result<Option<String>> {
        let (name, wanted, found) = match self {
            Self::Sha256(wanted) => {
                let (found, _) = compute_sha256(File::open(path)?, |_| Ok(()))?;
                ("sha256", wanted, Some(found).filter(|found| found != wanted))
            }
            Self::Git(wanted) => ("git hash", wanted, find_git_hash_difference(path, wanted)?),
        };
        Ok(found.map(|found| format!("{name} {found}, not {wanted}")))
    }
}

impl HubClient<'_> {
    /// Downloads a file into its blob in the cache, continuing an earlier download that broke off, and checks its
    /// hash.
    pub(super) fn download_file(
        &mut self,
        source: &HubSource,
        commit: &str,
        file: &FileSpec,
        metadata: &FileMetadata,
        blob: &Path,
    ) -> Result<()> {
        if has_size(blob, metadata.size) {
            return Ok(());
        }
        let locks = self
            .settings
            .hub_cache
            .join(".locks")
            .join(cache::hf_hub_repo(source).folder_name());
        let _lock = lock_file(&locks.join(format!("{}.lock", metadata.etag)), || {
            (self.notice)(Notice::Waiting {
                file: file.name.clone(),
            });
        })?;
        if has_size(blob, metadata.size) {
            return Ok(());
        }
        if let Some(directory) = blob.parent() {
            std::fs::create_dir_all(directory).map_err(|error| local_file_error(error, directory))?;
        }
        let partial = blob.with_file_name(format!("{}.incomplete", metadata.etag));
        let about = RequestedFile {
            source,
            file: Some(&file.name),
        };
        let url = self.file_url(source, commit, &file.name);
        let known = KnownHash::of_file(file, metadata);
        let resumed = std::fs::metadata(&partial).is_ok_and(|data| data.len() > 0);
        let mut fresh = !resumed;
        loop {
            self.retry_request(|hub| hub.download_missing_bytes(&url, &about, metadata.size, &partial))?;
            let difference = known.as_ref().map(|known| known.find_difference(&partial)).transpose();
            let Some(difference) = difference.map_err(|error| local_file_error(error, &partial))?.flatten() else {
                check_no_pointer(&partial).map_err(|error| {
                    let _ = std::fs::remove_file(&partial);
                    Error::model(format!("the Hub's {}: {}", file.name, error.message))
                        .hint("the repository was not uploaded whole; take another revision or repository")
                })?;
                return std::fs::rename(&partial, blob).map_err(|error| local_file_error(error, blob));
            };
            std::fs::remove_file(&partial).map_err(|error| local_file_error(error, &partial))?;
            let error = Error::model(format!("{} came with a wrong hash: {difference}", file.name))
                .hint("the download was deleted; try again, and if it stays so, another endpoint (HF_ENDPOINT)");
            if fresh {
                return Err(error);
            }
            // The bytes that an earlier run left may be the wrong ones.
            (self.notice)(Notice::Retrying {
                error: error.to_string(),
                wait: Duration::ZERO,
            });
            fresh = true;
        }
    }

    /// Downloads the missing bytes of a file of `size` bytes and appends them to the file `partial`.
    fn download_missing_bytes(
        &mut self,
        url: &str,
        about: &RequestedFile,
        size: u64,
        partial: &Path,
    ) -> Result<(), HubFault> {
        let failed = |error: io::Error| HubFault::Final(local_file_error(error, partial));
        let mut output = File::options()
            .create(true)
            .append(true)
            .open(partial)
            .map_err(failed)?;
        let mut done = output.metadata().map_err(failed)?.len();
        if done > size {
            output.set_len(0).map_err(failed)?;
            done = 0;
        }
        let file = about.file.unwrap_or_default();
        self.report_progress(file, done, size);
        if done == size {
            return Ok(());
        }
        let response = self.send_request(url, Wanted::Body { from: done }, about)?.response;
        let offset = match (response.status(), header_value(response.headers(), "content-range")) {
            (StatusCode::PARTIAL_CONTENT, Some(range)) => {
                let range = range.strip_prefix("bytes ");
                range.and_then(|range| range.split_once('-')?.0.parse().ok())
            }
            // Some mirrors do not repeat the range; the hash tells whether it is the right one.
            (StatusCode::PARTIAL_CONTENT, None) => Some(done),
            _ => Some(0),
        };
        let start = done;
        if offset != Some(done) {
            // The server does not resume the download, or not where it was asked to.
            output.set_len(0).map_err(failed)?;
            done = 0;
            if offset != Some(0) {
                return Err(HubFault::Final(not_a_hub_error(
                    self.settings,
                    "it resumed a download at the wrong place",
                )));
            }
        }
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 18];
        let mut shown = done;
        loop {
            let n = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let error = Error::network(format!(
                        "the connection broke after {done} of {size} bytes of {file}: {error}"
                    ))
                    .hint("run it again: it goes on from there");
                    return Err(HubFault::Passing {
                        error,
                        gained: done > start,
                        retry_after: None,
                    });
                }
            };
            done += n as u64;
            if done > size {
                break;
            }
            output.write_all(&buffer[..n]).map_err(failed)?;
            if done - shown >= 1 << 20 {
                shown = done;
                self.report_progress(file, done, size);
            }
        }
        output.sync_all().map_err(failed)?;
        self.report_progress(file, done.min(size), size);
        if done == size {
            return Ok(());
        }
        let what = if done < size {
            format!("{file} broke off after {done} of {size} bytes")
        } else {
            format!("{file} is longer than the {size} bytes that were announced")
        };
        Err(HubFault::Passing {
            error: Error::network(what).hint("run it again: it goes on from there"),
            gained: done > start && done < size,
            retry_after: None,
        })
    }

    fn report_progress(&mut self, file: &str, done: u64, total: u64) {
        (self.notice)(Notice::Progress {
            file: file.to_owned(),
            done,
            total,
        });
    }
}

/// Whether a path is a file of the given size, or a link to one.
pub(super) fn has_size(path: &Path, size: u64) -> bool {
    std::fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() == size)
}
