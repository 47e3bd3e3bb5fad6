//! Tells what a failed request to the Hub means, and whether the same request may succeed later.

use crate::catalog::manifest::HubSource;
use crate::catalog::settings::Settings;
use crate::error::{Error, Hint};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use std::io;
use std::time::Duration;
use ureq::Body;
use ureq::http::{HeaderMap, Response};

/// A failed request to the Hub.
pub(super) enum HubFault {
    /// The same request may succeed later.
    Passing {
        error: Error,
        /// Whether the failed request brought bytes of a file, which the next request need not ask for again.
        gained: bool,
        /// Waiting time before the next request that the server asks for.
        retry_after: Option<Duration>,
    },
    /// The same request would fail again.
    Final(Error),
}

impl From<Error> for HubFault {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// The repository and the file that a request is about, for error messages.
pub(super) struct RequestedFile<'a> {
    pub source: &'a HubSource,
    /// Path of the file in the repository; none if the request is about the repository itself.
    pub file: Option<&'a str>,
}

/// Tells what failed, from an answer to a request for `url` whose status is not success. `has_token` tells whether an
/// access token was sent.
///
/// The header `x-error-code` counts before the status, because the Hub also answers 401 for files and repositories
/// that do not exist.
pub(super) fn refused_request_fault(
    settings: &Settings,
    url: &str,
    has_token: bool,
    response: &Response<Body>,
    about: &RequestedFile,
) -> HubFault {
    let HubSource { repo, revision, .. } = about.source;
    let (endpoint, host, status) = (&settings.endpoint, address_of_host(url), response.status());
    let word = header_value(response.headers(), "x-error-code").unwrap_or_default();
    // What another server refuses, such as an address that is no longer valid, is not the Hub's word.
    if word.is_empty() && status.is_client_error() && host != address_of_host(endpoint) {
        return HubFault::Passing {
            error: Error::network(format!("{host}, to which the Hub redirects, answered {status}"))
                .hint("try again later, or another endpoint (HF_ENDPOINT)"),
            gained: false,
            retry_after: read_retry_after(response.headers()),
        };
    }
    let error = match (word, status.as_u16(), about.file) {
        ("RepoNotFound", ..) | ("", 404, None) => {
            Error::model(format!("{endpoint} has no repository {repo}, or it is private"))
                .hint("check the spelling; a private repository needs a token of its owner in HF_TOKEN")
        }
        ("RevisionNotFound", ..) => Error::model(format!("{repo} has no revision {revision}"))
            .hint(format!("{endpoint}/{repo}/tree/main lists its branches")),
        ("EntryNotFound", _, Some(file)) | ("", 404, Some(file)) => {
            Error::model(format!("{repo} has no file {file} at revision {revision}")).hint(format!(
                "it may have been renamed; another revision can be named: {repo}@REVISION"
            ))
        }
        ("GatedRepo", ..) | (_, 401 | 403, _) => match (has_token, status.as_u16()) {
            (false, _) => Error::model(format!("{repo} is gated: its owner wants the licence accepted first")).hint(
                if host == address_of_host(endpoint) {
                    format!("accept it at {endpoint}/{repo}, then put a token of that account in HF_TOKEN")
                } else {
                    format!("{endpoint} redirects to {host}, which gets no token of yours; set HF_ENDPOINT to {host}")
                },
            ),
            (true, 401) => Error::model(format!("the Hub does not accept the token that was sent for {repo}")).hint(
                format!("make a new one at {endpoint}/settings/tokens and put it in HF_TOKEN"),
            ),
            (true, _) => Error::model(format!("the account of the token has no access to {repo}")).hint(format!(
                "accept the licence at {endpoint}/{repo}, and let the token read gated repositories"
            )),
        },
        (_, 408 | 429 | 500..=599, _) => {
            let retry_after = read_retry_after(response.headers());
            let when = match retry_after {
                Some(wait) => format!("it asks to wait {} s", wait.as_secs()),
                None => "it is in trouble or busy: try again later".to_owned(),
            };
            return HubFault::Passing {
                error: Error::network(format!("{host} answered {status}")).hint(when),
                gained: false,
                retry_after,
            };
        }
        _ => not_a_hub_error(settings, &format!("it answered {status}")),
    };
    HubFault::Final(error)
}

/// Reads how long a server asks to wait before the next request (`Retry-After`): seconds, or a date.
fn read_retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = header_value(headers, "retry-after")?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTimeParser::new().parse_timestamp(text).ok()?;
    // A date that has passed allows the next request at once.
    Some(Duration::try_from(date.duration_since(Timestamp::now())).unwrap_or_default())
}

/// Tells what failed if a request for `url` got no answer, or only a part of it. `connecting` tells whether nothing of
/// an answer came.
///
/// A host whose name is unknown, or that does not answer in time, is not asked again.
pub(super) fn unreachable_hub_fault(settings: &Settings, url: &str, error: ureq::Error, connecting: bool) -> HubFault {
    let host = address_of_host(url);
    let text = error.to_string();
    let offline = Hint::CheckNetwork;
    let (passing, message, hint) = match &error {
        ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => (
            false,
            format!("{host} did not answer within {} s", settings.connect_timeout.as_secs()),
            offline,
        ),
        ureq::Error::Timeout(_) => (true, format!("{host} fell silent"), offline),
        ureq::Error::HostNotFound => (false, format!("{host} cannot be found"), offline),
        ureq::Error::Io(error) if error.to_string().contains("lookup address") => {
            (false, format!("{host} cannot be found"), offline)
        }
        ureq::Error::Io(error) => match error.kind() {
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkDown => {
                (false, format!("there is no way to {host}"), offline)
            }
            io::ErrorKind::ConnectionRefused => (true, format!("{host} refuses the connection"), offline),
            io::ErrorKind::InvalidData => (false, format!("no safe connection to {host}: {error}"), TLS_HINT.into()),
            _ if connecting => (true, format!("{host} cannot be reached: {error}"), offline),
            _ => (true, format!("the connection to {host} broke: {error}"), offline),
        },
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => {
            (false, format!("no safe connection to {host}: {text}"), TLS_HINT.into())
        }
        ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl => (
            false,
            format!("the proxy does not connect to {host}: {text}"),
            "check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY".into(),
        ),
        // The text of such an error holds the whole address, and with it a password.
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            (false, format!("{host} is not an address"), "check HF_ENDPOINT".into())
        }
        _ => (true, format!("{host} cannot be understood: {text}"), offline),
    };
    let holds_address = matches!(error, ureq::Error::BadUri(_) | ureq::Error::Http(_));
    let mut failure = Error::network(message).hint(hint);
    if !holds_address {
        failure = failure.source(error);
    }
    let error = failure;
    if passing {
        HubFault::Passing {
            error,
            gained: false,
            retry_after: None,
        }
    } else {
        HubFault::Final(error)
    }
}

const TLS_HINT: &str = "a clock that is wrong, or a proxy that opens encrypted connections, can be the cause";

/// Makes the error for a server that does not behave like a Hub; `what` says how it behaves.
pub(super) fn not_a_hub_error(settings: &Settings, what: &str) -> Error {
    Error::network(format!("{} does not answer like a Hub: {what}", settings.endpoint))
        .hint("check HF_ENDPOINT, and any proxy between")
}

/// Gives scheme, host and port of a web address, such as `https://huggingface.co`.
fn address_of_host(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find(['/', '?']).map_or(url.len(), |at| host + at);
    &url[..end]
}

/// Gives the text of a header; none if it is missing or no text.
pub(super) fn header_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
