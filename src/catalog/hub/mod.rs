//! A client of the Hugging Face Hub over HTTP: lists the files of repositories, downloads them into the cache that
//! all tools of the Hub share, continues broken downloads, and checks hashes.
//!
//! The crate hf-hub 0.5 gives the names and the layout of the cache. Its download code is not used: it sets no
//! timeout, checks no hash, appends to a partial file even when the server ignores `Range`, drops the headers that
//! tell a gated repository from a missing one, and retries a 404.

mod description;
mod fault;

use super::cache::{self, Snapshot, is_commit, select_model_files, snapshot_directory};
use super::disk::{compute_sha256, link_blob, local_file_error, lock_file, write_reference};
use super::manifest::{FileSpec, HubSource, Manifest, is_sha256};
use super::notice::{Notice, NoticeCallback};
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::file::{is_safe_relative_path, percent_encode};
use description::{RepoInfo, check_architecture};
use fault::{HubFault, RequestedFile, hub_origin, not_a_hub_error, refused_request_fault, unreachable_hub_fault};
use hf_hub::Cache;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;
use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::{Agent, Body, Proxy};

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
        let proxy = settings
            .proxy
            .as_deref()
            .map(|proxy| parse_proxy(proxy, settings))
            .transpose()?;
        let config = Agent::config_builder()
            .proxy(proxy)
            .http_status_as_error(false)
            .user_agent(concat!("plae/", env!("CARGO_PKG_VERSION")))
            // A compressed body has neither the length nor the hash of its file.
            .accept_encoding("identity")
            .timeout_resolve(Some(settings.connect_timeout))
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_recv_response(Some(settings.read_timeout))
            .timeout_per_read(Some(settings.read_timeout))
            .redirect_auth_headers(ureq::config::RedirectAuthHeaders::SameHost)
            .build();
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
            agent: config.into(),
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
        let (mut commit, files) = if closed {
            (None, source.files.clone())
        } else {
            let info = self.fetch_repo_info(source)?;
            let names: Vec<String> = info.siblings.iter().map(|sibling| sibling.rfilename.clone()).collect();
            let files = select_model_files(source, &names)?;
            if manifest.is_none() {
                check_architecture(source, &info, &files)?;
            }
            (Some(info.sha), files)
        };

        let mut found = Vec::new();
        for file in &files {
            // All files are of one commit, even if the branch moves on meanwhile.
            let metadata = self.fetch_file_metadata(source, commit.as_deref().unwrap_or(&source.revision), file)?;
            commit = Some(metadata.commit.clone());
            found.push(metadata);
        }
        let commit = commit.ok_or_else(|| Error::model(format!("{} has no files", source.repo)))?;

        let cache = Cache::new(self.settings.hub_cache.clone()).repo(cache::hf_hub_repo(source));
        let missing = found
            .iter()
            .filter(|metadata| !cache.blob_path(&metadata.etag).exists());
        (self.notice)(Notice::Pulling {
            model: manifest.map_or(&source.repo, |manifest| &manifest.name).clone(),
            from: format!("{}/{}", self.settings.endpoint, source.repo),
            bytes: Some(missing.map(|metadata| metadata.size).sum()),
            licence: manifest.and_then(|manifest| manifest.licence.clone()),
            licence_url: manifest.and_then(|manifest| manifest.licence_url.clone()),
            non_commercial: manifest.is_some_and(|manifest| manifest.non_commercial),
        });
        let directory = snapshot_directory(source, &commit, self.settings);
        for (file, metadata) in files.iter().zip(&found) {
            let blob = cache.blob_path(&metadata.etag);
            self.download_file(source, &commit, file, metadata, &blob)?;
            let pointer = directory.join(&file.name);
            link_blob(&blob, &pointer).map_err(|error| local_file_error(error, &pointer))?;
        }
        // Written last, so that a branch never stands for a commit of which only some files are in the cache.
        if !is_commit(&source.revision) {
            let reference = cache::reference_path(source, self.settings);
            write_reference(&reference, &commit).map_err(|error| local_file_error(error, &reference))?;
        }
        Ok(Snapshot {
            directory,
            commit,
            files: files.into_iter().map(|file| file.name).collect(),
        })
    }

    /// Asks the Hub for the description of a repository at the source's revision.
    fn fetch_repo_info(&mut self, source: &HubSource) -> Result<RepoInfo> {
        let url = format!(
            "{}/api/{}",
            self.settings.endpoint,
            cache::hf_hub_repo(source).api_url()
        );
        let about = RequestedFile { source, file: None };
        let info: RepoInfo = self.retry_request(|hub| {
            let mut response = hub.send_request(hub.agent.get(&url), &about)?;
            let text = response.body_mut().with_config().limit(100 << 20).read_to_vec();
            let text = text.map_err(|error| unreachable_hub_fault(hub.settings, error, false))?;
            serde_json::from_slice(&text).map_err(|error| {
                HubFault::Final(not_a_hub_error(hub.settings, "its list of files cannot be read").source(error))
            })
        })?;
        let safe = is_commit(&info.sha)
            && info
                .siblings
                .iter()
                .all(|sibling| is_safe_relative_path(&sibling.rfilename));
        safe.then_some(info)
            .ok_or_else(|| not_a_hub_error(self.settings, "its list of files has names that are none"))
    }

    /// Asks the Hub for a file's commit, hash and size, and checks hash and size against the manifest.
    fn fetch_file_metadata(&mut self, source: &HubSource, revision: &str, file: &FileSpec) -> Result<FileMetadata> {
        let url = self.file_url(source, revision, &file.name);
        let about = RequestedFile {
            source,
            file: Some(&file.name),
        };
        let metadata = self.retry_request(|hub| {
            let mut url = url.clone();
            // For a renamed repository the Hub redirects to another path on the same host; a redirect to another host
            // leads to the file itself.
            for _ in 0..5 {
                let request = hub.agent.head(&url).config().max_redirects(0).build();
                let response = hub.send_request(request, &about)?;
                let location = header_value(response.headers(), "location");
                match location.filter(|location| location.starts_with('/') && !location.starts_with("//")) {
                    Some(path) if response.status().is_redirection() => {
                        url = format!("{}{path}", hub_origin(hub.settings))
                    }
                    _ => return hub.read_metadata(&response, revision),
                }
            }
            Err(HubFault::Final(not_a_hub_error(
                hub.settings,
                "it redirects without end",
            )))
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

    fn read_metadata(&self, response: &Response<Body>, revision: &str) -> Result<FileMetadata, HubFault> {
        let headers = response.headers();
        let etag = header_value(headers, "x-linked-etag").or_else(|| header_value(headers, "etag"));
        let etag = etag.map(|etag| etag.trim_start_matches("W/").trim_matches('"'));
        // The length of a redirect's body is not the file's.
        let own_size = header_value(headers, "content-length").filter(|_| !response.status().is_redirection());
        let size = header_value(headers, "x-linked-size").or(own_size);
        let commit = header_value(headers, "x-repo-commit").unwrap_or(revision);
        // The etag becomes a file name in the cache.
        let etag_ok = |etag: &&str| (1..=128).contains(&etag.len()) && etag.bytes().all(|b| b.is_ascii_alphanumeric());
        match (etag.filter(etag_ok), size.and_then(|size| size.parse().ok())) {
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

    /// Downloads a file into its blob in the cache, continuing an earlier download that broke off, and checks its
    /// hash.
    fn download_file(
        &mut self,
        source: &HubSource,
        commit: &str,
        file: &FileSpec,
        metadata: &FileMetadata,
        blob: &Path,
    ) -> Result<()> {
        let whole = |blob: &Path| std::fs::metadata(blob).is_ok_and(|data| data.len() == metadata.size);
        if whole(blob) {
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
        if whole(blob) {
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
        let wanted = file
            .sha256
            .as_deref()
            .or(is_sha256(&metadata.etag).then_some(metadata.etag.as_str()));
        let resumed = std::fs::metadata(&partial).is_ok_and(|data| data.len() > 0);
        let mut fresh = !resumed;
        loop {
            self.retry_request(|hub| hub.download_missing_bytes(&url, &about, metadata.size, &partial))?;
            let hash = match wanted {
                Some(_) => {
                    let hashed = File::open(&partial).and_then(|file| compute_sha256(file, |_| Ok(())));
                    Some(hashed.map_err(|error| local_file_error(error, &partial))?.0)
                }
                None => None,
            };
            if hash.as_deref() == wanted {
                return std::fs::rename(&partial, blob).map_err(|error| local_file_error(error, blob));
            }
            std::fs::remove_file(&partial).map_err(|error| local_file_error(error, &partial))?;
            let error = Error::model(format!(
                "{} came with a wrong hash: sha256 {}, not {}",
                file.name,
                hash.unwrap_or_default(),
                wanted.unwrap_or_default()
            ))
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
        let mut request = self.agent.get(url);
        if done > 0 {
            request = request.header("range", format!("bytes={done}-"));
        }
        let response = self.send_request(request, about)?;
        let offset = match response.status() {
            StatusCode::PARTIAL_CONTENT => {
                let range =
                    header_value(response.headers(), "content-range").and_then(|range| range.strip_prefix("bytes "));
                range.and_then(|range| range.split_once('-')?.0.parse().ok())
            }
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
        })
    }

    fn report_progress(&mut self, file: &str, done: u64, total: u64) {
        (self.notice)(Notice::Progress {
            file: file.to_owned(),
            done,
            total,
        });
    }

    /// Calls `attempt` again while it fails for reasons that may pass, with growing waiting times, until the settings
    /// allow no more retries.
    fn retry_request<T>(&mut self, mut attempt: impl FnMut(&mut Self) -> Result<T, HubFault>) -> Result<T> {
        let mut failures = 0;
        loop {
            let (error, gained) = match attempt(self) {
                Ok(value) => return Ok(value),
                Err(HubFault::Final(error)) => return Err(error),
                Err(HubFault::Passing { error, gained }) => (error, gained),
            };
            failures = if gained { 1 } else { failures + 1 };
            if failures > self.settings.retries {
                return Err(error);
            }
            let wait = self.settings.backoff.saturating_mul(1 << (failures - 1).min(10));
            let wait = wait.min(Duration::from_secs(10));
            (self.notice)(Notice::Retrying {
                error: error.to_string(),
                wait,
            });
            std::thread::sleep(wait);
        }
    }

    /// Sends a request with the access token, if there is one; any answer other than a success or a redirect is a
    /// [`HubFault`].
    fn send_request(
        &self,
        request: ureq::RequestBuilder<ureq::typestate::WithoutBody>,
        about: &RequestedFile,
    ) -> Result<Response<Body>, HubFault> {
        let request = match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        };
        let response = request
            .call()
            .map_err(|error| unreachable_hub_fault(self.settings, error, true))?;
        if response.status().is_success() || response.status().is_redirection() {
            Ok(response)
        } else {
            let has_token = self.token.is_some();
            Err(refused_request_fault(
                self.settings,
                has_token,
                response.status(),
                response.headers(),
                about,
            ))
        }
    }

    /// Gives the web address of a file at a revision.
    fn file_url(&self, source: &HubSource, revision: &str, file: &str) -> String {
        let revision = revision.replace('/', "%2F");
        let file = percent_encode(file);
        format!("{}/{}/resolve/{revision}/{file}", self.settings.endpoint, source.repo)
    }
}

/// Makes the proxy from its address, with the hosts of `NO_PROXY`, which are reached without it; as in other tools,
/// each host stands for its subdomains too.
fn parse_proxy(text: &str, settings: &Settings) -> Result<Proxy> {
    let wrong = |error: ureq::Error| {
        Error::usage("the proxy for the Hub is not an address")
            .hint("check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY")
            .source(error)
    };
    let proxy = Proxy::new(text).map_err(wrong)?;
    let Some(excepted) = &settings.no_proxy else {
        return Ok(proxy);
    };
    let mut builder = Proxy::builder(proxy.protocol()).host(proxy.host()).port(proxy.port());
    if let Some(name) = proxy.username() {
        builder = builder.username(name);
    }
    if let Some(password) = proxy.password() {
        builder = builder.password(password);
    }
    for host in excepted.split(',').map(str::trim).filter(|host| !host.is_empty()) {
        builder = builder.no_proxy(host);
        if !host.starts_with(['.', '*']) {
            builder = builder.no_proxy(&format!(".{host}"));
        }
    }
    builder.build().map_err(wrong)
}

fn header_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
