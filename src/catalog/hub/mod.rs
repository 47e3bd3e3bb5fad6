//! A client of the Hugging Face Hub over HTTP: lists the files of repositories, downloads them into the cache that
//! all tools of the Hub share, continues broken downloads, and checks hashes.
//!
//! The crate hf-hub 0.5 gives the names and the layout of the cache. Its download code is not used: it sets no
//! timeout, checks no hash, appends to a partial file even when the server ignores `Range`, drops the headers that
//! tell a gated repository from a missing one, and retries a 404.

mod description;
mod download;
mod fault;
mod request;

use super::cache::{self, Snapshot, UnsureFiles, is_commit, select_model_files, snapshot_directory};
use super::disk::{link_blob, local_file_error, write_reference};
use super::manifest::{FileSpec, HubSource, Manifest, is_sha256};
use super::notice::{Notice, NoticeCallback};
use super::settings::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::file::{is_safe_relative_path, percent_encode};
use description::{RepoInfo, check_architecture};
use download::has_size;
use fault::{HubFault, RequestedFile, header_value, not_a_hub_error, unreachable_hub_fault};
use hf_hub::Cache;
use request::{Answer, Wanted, make_agent};
use std::path::PathBuf;
use ureq::Agent;

/// A client of the Hub, with its connections and access token.
pub(super) struct HubClient<'a> {
    settings: &'a Settings,
    agent: Agent,
    token: Option<String>,
    notice: NoticeCallback<'a>,
}

/// The Hub's answer to a question about one file, before the file is fetched.
struct FileMetadata {
    commit: String,
    /// Name of the file's blob in the cache: the sha256 of a large file, git's hash of a small one.
    etag: String,
    size: u64,
}

impl<'a> HubClient<'a> {
    /// Makes a client of the Hub by the settings; `notice` is called with its events.
    ///
    /// # Errors
    /// Fails with an error of kind `Usage` if the proxy is not a valid address, or the token has characters that
    /// cannot be sent.
    pub fn new(settings: &'a Settings, notice: NoticeCallback<'a>) -> Result<Self> {
        let stored = || {
            let text = std::fs::read_to_string(settings.token_file.as_ref()?).ok()?;
            Some(text.trim().to_owned()).filter(|token| !token.is_empty())
        };
        let token = settings.token.as_ref().map(|token| token.0.clone()).or_else(stored);
        if token
            .as_ref()
            .is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(Error::usage("the Hub's token has characters that no token has")
                .hint("check HF_TOKEN and the token file"));
        }
        Ok(Self {
            settings,
            agent: make_agent(settings)?,
            token,
            notice,
        })
    }

    /// Fetches all files of a source that a loader needs into the Hub's cache, unless they are there.
    ///
    /// # Errors
    /// Fails with an error of kind `Network` if the Hub cannot be reached or keeps failing; `Model` if it refuses
    /// access, lacks a file, has another file than the manifest names, or has an architecture that this build cannot
    /// load.
    pub fn download_snapshot(&mut self, source: &HubSource, manifest: Option<&Manifest>) -> Result<Snapshot> {
        let closed = !source.files.is_empty() && source.patterns.is_empty();
        let (mut commit, files, absent) = if closed {
            (None, source.files.clone(), Vec::new())
        } else {
            let info = self.fetch_repo_info(source)?;
            let (names, base) = (info.file_names(), info.base_model());
            let mut read = |name: &str| self.fetch_json(source, &info.sha, name);
            let selected = select_model_files(source, &names, base.as_deref(), &mut read);
            let selected = selected.map_err(|error| self.name_repository(error, source))?;
            if manifest.is_none() {
                check_architecture(source, &info, selected.model_type.as_deref())?;
            }
            (Some(info.sha), selected.files, selected.absent)
        };

        let mut found = Vec::new();
        for file in &files {
            // All files are of one commit, even if the branch moves on meanwhile.
            let metadata = self.fetch_file_metadata(source, commit.as_deref().unwrap_or(&source.revision), file)?;
            commit = Some(metadata.commit.clone());
            found.push(metadata);
        }
        let commit = commit.ok_or_else(|| Error::model(format!("{} has no files", source.repo)))?;

        let missing = files.iter().zip(&found).filter(|(file, metadata)| {
            let [pointer, blob] = self.cached_paths(source, &commit, file, metadata);
            !has_size(&pointer, metadata.size) && !has_size(&blob, metadata.size)
        });
        let bytes = missing.map(|(_, metadata)| metadata.size).sum();
        if bytes > 0 {
            (self.notice)(Notice::Pulling {
                model: manifest.map_or(&source.repo, |manifest| &manifest.name).clone(),
                from: format!("{}/{}", self.settings.endpoint, source.repo),
                bytes: Some(bytes),
                licence: manifest.and_then(|manifest| manifest.licence.clone()),
                licence_url: manifest.and_then(|manifest| manifest.licence_url.clone()),
                non_commercial: manifest.is_some_and(|manifest| manifest.non_commercial),
            });
        }
        for (file, metadata) in files.iter().zip(&found) {
            self.place_file(source, &commit, file, metadata)?;
        }
        cache::record_absent_files(source, &commit, &absent, self.settings);
        // Written last, so that a branch never stands for a commit of which only some files are in the cache. A cache
        // that is whole is not written to: it may be shared and read-only.
        let reference = cache::reference_path(source, self.settings);
        let known = std::fs::read_to_string(&reference).ok();
        if !is_commit(&source.revision) && known.as_deref().map(str::trim) != Some(commit.as_str()) {
            write_reference(&reference, &commit).map_err(|error| local_file_error(error, &reference))?;
        }
        Ok(Snapshot {
            directory: snapshot_directory(source, &commit, self.settings),
            commit,
            files: files.into_iter().map(|file| file.name).collect(),
            unsure: Vec::new(),
        })
    }

    /// Asks the Hub for the paths of all files of a snapshot's commit.
    ///
    /// # Errors
    /// The errors of [`download_snapshot`](Self::download_snapshot).
    pub fn list_files(&mut self, snapshot: &UnsureFiles) -> Result<Vec<String>> {
        Ok(self.fetch_repo_info(&snapshot.source_at_commit())?.file_names())
    }

    /// Fetches those of the files `unsure` that are among `all`, the files of the commit; of the others the cache
    /// remembers that they do not exist.
    ///
    /// # Errors
    /// The errors of [`download_snapshot`](Self::download_snapshot).
    pub fn complete_snapshot(&mut self, unsure: &UnsureFiles, all: &[String]) -> Result<()> {
        let (source, commit) = (unsure.source_at_commit(), &unsure.commit);
        let (present, absent): (Vec<String>, Vec<String>) =
            unsure.names.iter().cloned().partition(|name| all.contains(name));
        for name in present {
            let file = FileSpec::unverified(name);
            let metadata = self.fetch_file_metadata(&source, commit, &file)?;
            self.place_file(&source, commit, &file, &metadata)?;
        }
        cache::record_absent_files(&source, commit, &absent, self.settings);
        Ok(())
    }

    /// Gives the paths in the cache of a file in its snapshot and of the blob that has its content.
    fn cached_paths(&self, source: &HubSource, commit: &str, file: &FileSpec, metadata: &FileMetadata) -> [PathBuf; 2] {
        let cache = Cache::new(self.settings.hub_cache.clone()).repo(cache::hf_hub_repo(source));
        let directory = snapshot_directory(source, commit, self.settings);
        [directory.join(&file.name), cache.blob_path(&metadata.etag)]
    }

    /// Downloads a file and puts it into its snapshot, unless it is there. A copy of a cache may have no blobs.
    fn place_file(&mut self, source: &HubSource, commit: &str, file: &FileSpec, metadata: &FileMetadata) -> Result<()> {
        let [pointer, blob] = self.cached_paths(source, commit, file, metadata);
        if has_size(&pointer, metadata.size) {
            return Ok(());
        }
        self.download_file(source, commit, file, metadata, &blob)?;
        link_blob(&blob, &pointer).map_err(|error| local_file_error(error, &pointer))
    }

    /// Asks the Hub for the description of a repository at the source's revision.
    fn fetch_repo_info(&mut self, source: &HubSource) -> Result<RepoInfo> {
        let url = format!(
            "{}/api/{}",
            self.settings.endpoint,
            cache::hf_hub_repo(source).api_url()
        );
        let about = RequestedFile { source, file: None };
        let text = self.fetch_text(&url, &about)?;
        let info: RepoInfo = serde_json::from_slice(&text)
            .map_err(|error| not_a_hub_error(self.settings, "its list of files cannot be read").source(error))?;
        let safe = is_commit(&info.sha)
            && info
                .siblings
                .iter()
                .all(|sibling| is_safe_relative_path(&sibling.rfilename));
        safe.then_some(info)
            .ok_or_else(|| not_a_hub_error(self.settings, "its list of files has names that are none"))
    }

    /// Reads a small JSON file of a repository, without keeping it.
    fn fetch_json(&mut self, source: &HubSource, commit: &str, name: &str) -> Result<serde_json::Value> {
        let url = self.file_url(source, commit, name);
        let about = RequestedFile {
            source,
            file: Some(name),
        };
        let text = self.fetch_text(&url, &about)?;
        serde_json::from_slice(&text).map_err(|error| {
            Error::model(format!("{name} of {} is not JSON", source.repo))
                .place(format!("line {}", error.line()))
                .hint("the repository is damaged; take another revision or repository")
                .source(error)
        })
    }

    /// Fetches a text of up to 100 MiB.
    fn fetch_text(&mut self, url: &str, about: &RequestedFile) -> Result<Vec<u8>> {
        self.retry_request(|hub| {
            let mut response = hub.send_request(url, Wanted::Body { from: 0 }, about)?.response;
            let text = response.body_mut().with_config().limit(100 << 20).read_to_vec();
            text.map_err(|error| unreachable_hub_fault(hub.settings, url, error, false))
        })
    }

    /// Asks the Hub for a file's commit, hash and size, and checks hash and size against the manifest.
    fn fetch_file_metadata(&mut self, source: &HubSource, revision: &str, file: &FileSpec) -> Result<FileMetadata> {
        let url = self.file_url(source, revision, &file.name);
        let about = RequestedFile {
            source,
            file: Some(&file.name),
        };
        let metadata = self.retry_request(|hub| {
            let answer = hub.send_request(&url, Wanted::Metadata, &about)?;
            let length = match answer.file_length() {
                Some(length) => Some(length),
                // Some mirrors tell a file's length only where they send the file; of that the beginning is enough.
                None => hub.send_request(&url, Wanted::Body { from: 0 }, &about)?.file_length(),
            };
            hub.read_metadata(&answer, length, revision)
        })?;
        let differs = |what: &str| {
            Error::model(format!(
                "{} on the Hub is not the file that the manifest names: {what}",
                file.name
            ))
            .hint("the repository has changed; nothing was downloaded")
        };
        if let Some(wanted) = file.sha256.as_ref().filter(|_| is_sha256(&metadata.etag))
            && *wanted != metadata.etag
        {
            return Err(differs(&format!("sha256 {}", metadata.etag)));
        }
        if file.size.is_some_and(|size| size != metadata.size) {
            return Err(differs(&format!("{} bytes", metadata.size)));
        }
        Ok(metadata)
    }

    fn read_metadata(&self, answer: &Answer, length: Option<u64>, revision: &str) -> Result<FileMetadata, HubFault> {
        let own_etag = header_value(answer.response.headers(), "etag");
        let etag = answer.file_header("x-linked-etag").or(own_etag);
        let etag = etag.map(|etag| etag.trim_start_matches("W/").trim_matches('"'));
        let commit = answer.file_header("x-repo-commit").unwrap_or(revision);
        // The etag becomes a file name in the cache.
        let etag_ok = |etag: &&str| (1..=128).contains(&etag.len()) && etag.bytes().all(|b| b.is_ascii_alphanumeric());
        match (etag.filter(etag_ok), length) {
            (Some(etag), Some(size)) if is_commit(commit) => Ok(FileMetadata {
                commit: commit.to_owned(),
                etag: etag.to_owned(),
                size,
            }),
            _ => Err(HubFault::Final(not_a_hub_error(
                self.settings,
                "it does not tell a file's commit, hash and size",
            ))),
        }
    }

    /// Gives the web address of a file at a revision.
    fn file_url(&self, source: &HubSource, revision: &str, file: &str) -> String {
        let revision = revision.replace('/', "%2F");
        let file = percent_encode(file);
        format!("{}/{}/resolve/{revision}/{file}", self.settings.endpoint, source.repo)
    }

    /// Adds the repository to an error about what it holds. Errors about a request name what they are about already.
    fn name_repository(&self, error: Error, source: &HubSource) -> Error {
        if error.kind == ErrorKind::Network || error.message.contains(&source.repo) {
            return error;
        }
        let list = format!("{}/{}/tree/{}", self.settings.endpoint, source.repo, source.revision);
        error.path(&source.repo).hint(format!("{list} lists its files"))
    }
}
