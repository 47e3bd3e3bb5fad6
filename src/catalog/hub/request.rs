//! Sends requests to the Hub: follows redirects, gives the access token to the Hub's own address only, and tries again
//! after failures that may pass.

use super::HubClient;
use super::fault::{
    HubFault, RequestedFile, header_value, not_a_hub_error, refused_request_fault, unreachable_hub_fault,
};
use crate::catalog::notice::Notice;
use crate::catalog::settings::Settings;
use crate::error::{Error, Result};
use std::time::Duration;
use ureq::http::{HeaderMap, Response, Uri};
use ureq::{Agent, Body, Proxy};

/// The most redirects that are followed for one request.
const MAX_REDIRECTS: usize = 8;

/// The longest time that plae waits because a server asked it to (`Retry-After`). The Hub counts requests in windows of
/// five minutes.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// The kind of answer that a request asks for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Wanted {
    /// The headers that describe a file (`HEAD`). Redirects are followed only until these are known.
    Metadata,
    /// The body from this byte on (`GET`).
    Body {
        /// Number of bytes at the beginning to leave out.
        from: u64,
    },
}

/// An answer of the Hub, or of the server that a redirect of the Hub's led to.
pub(super) struct Answer {
    /// The last answer: a success, or a redirect that says all that was wanted.
    pub response: Response<Body>,
    /// The headers of the redirects that were followed, in order.
    redirects: Vec<HeaderMap>,
}

impl Answer {
    /// Gives a header that describes the file: of the last answer, otherwise of the last redirect that has it. A Hub
    /// gives such headers itself, before it redirects to the server that stores the file.
    pub fn file_header(&self, name: &str) -> Option<&str> {
        let all = [self.response.headers()].into_iter().chain(self.redirects.iter().rev());
        all.into_iter().find_map(|headers| header_value(headers, name))
    }

    /// Gives the file's length in bytes; none if no answer tells it.
    pub fn file_length(&self) -> Option<u64> {
        // The length of a redirect's body is not the file's.
        let is_file = !self.response.status().is_redirection();
        let own = header_value(self.response.headers(), "content-length").filter(|_| is_file);
        self.file_header("x-linked-size").or(own)?.parse().ok()
    }
}

impl HubClient<'_> {
    /// Calls `attempt` again while it fails for reasons that may pass, with growing waiting times, or as long as the
    /// server asks for, until the settings allow no more retries.
    pub(super) fn retry_request<T>(&mut self, mut attempt: impl FnMut(&mut Self) -> Result<T, HubFault>) -> Result<T> {
        let mut failures = 0;
        loop {
            let (error, gained, asked) = match attempt(self) {
                Ok(value) => return Ok(value),
                Err(HubFault::Final(error)) => return Err(error),
                Err(HubFault::Passing {
                    error,
                    gained,
                    retry_after,
                }) => (error, gained, retry_after.unwrap_or_default()),
            };
            failures = if gained { 1 } else { failures + 1 };
            if failures > self.settings.retries || asked > MAX_RETRY_AFTER {
                return Err(error);
            }
            let wait = self.settings.backoff.saturating_mul(1 << (failures - 1).min(10));
            let wait = wait.min(Duration::from_secs(10)).max(asked);
            (self.notice)(Notice::Retrying {
                error: error.to_string(),
                wait,
            });
            std::thread::sleep(wait);
        }
    }

    /// Sends a request and follows redirects, to other servers too. The access token is sent to the Hub's own address
    /// only: to the same scheme, host and port.
    ///
    /// # Errors
    /// Any answer other than a success or a redirect is a [`HubFault`].
    pub(super) fn send_request(&self, url: &str, wanted: Wanted, about: &RequestedFile) -> Result<Answer, HubFault> {
        let mut url = url.to_owned();
        let mut redirects = Vec::new();
        while redirects.len() <= MAX_REDIRECTS {
            let is_own = origin(&url).is_some_and(|own| Some(own) == origin(&self.settings.endpoint));
            let address = match &self.settings.login {
                Some(login) if is_own => url.replacen("://", &format!("://{}@", login.0), 1),
                _ => url.clone(),
            };
            let mut request = match wanted {
                Wanted::Metadata => self.agent.head(&address),
                Wanted::Body { .. } => self.agent.get(&address),
            };
            if let Wanted::Body { from: from @ 1.. } = wanted {
                request = request.header("range", format!("bytes={from}-"));
            }
            let token = self.token.as_ref().filter(|_| is_own && self.settings.login.is_none());
            if let Some(token) = token {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let response = request
                .call()
                .map_err(|error| unreachable_hub_fault(self.settings, &url, error, true))?;
            let status = response.status();
            if status.is_success() {
                return Ok(Answer { response, redirects });
            }
            if !status.is_redirection() {
                let has_token = token.is_some();
                return Err(refused_request_fault(self.settings, &url, has_token, &response, about));
            }
            let describes = |name| header_value(response.headers(), name).is_some();
            if wanted == Wanted::Metadata && describes("x-linked-etag") && describes("x-linked-size") {
                return Ok(Answer { response, redirects });
            }
            let target = header_value(response.headers(), "location").and_then(|location| resolve(&url, location));
            url = target.ok_or_else(|| not_a_hub_error(self.settings, "it redirects to no address"))?;
            redirects.push(response.into_parts().0.headers);
        }
        Err(not_a_hub_error(self.settings, "it redirects without end").into())
    }
}

/// Makes the agent that sends requests by the settings. It follows no redirects of its own accord.
///
/// # Errors
/// Fails with an error of kind `Usage` if the proxy is not a valid address.
pub(super) fn make_agent(settings: &Settings) -> Result<Agent> {
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
        .max_redirects(0)
        .build();
    Ok(config.into())
}

/// Gives scheme, host and port of a web address; none if it is not one.
fn origin(url: &str) -> Option<(String, String, u16)> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let port = uri.port_u16().unwrap_or(if scheme == "http" { 80 } else { 443 });
    Some((scheme, uri.host()?.to_ascii_lowercase(), port))
}

/// Gives the address to which a redirect from `url` leads; none if it leads to no web address.
fn resolve(url: &str, location: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let is_web_address = |text: &str| text.starts_with("http://") || text.starts_with("https://");
    if is_web_address(location) {
        return Some(location.to_owned());
    }
    if location.starts_with("//") {
        return Some(format!("{scheme}:{location}"));
    }
    let host = rest.split(['/', '?']).next()?;
    if location.starts_with('/') {
        return Some(format!("{scheme}://{host}{location}"));
    }
    // Anything else with a scheme, such as `ftp:`, is no place to go.
    if location.is_empty() || location.split(['/', '?']).next()?.contains(':') {
        return None;
    }
    let path = rest.split('?').next()?;
    let directory = path.rsplit_once('/').map_or(host, |(directory, _)| directory);
    Some(format!("{scheme}://{directory}/{location}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_to_web_addresses() {
        let from = "https://h:8/a/b?q=1";
        for (location, target) in [
            ("/x?y=z", Some("https://h:8/x?y=z")),
            ("http://other/x", Some("http://other/x")),
            ("//other/x", Some("https://other/x")),
            ("x/y?z", Some("https://h:8/a/x/y?z")),
            ("ftp://other/x", None),
            ("file:///x", None),
            ("", None),
        ] {
            assert_eq!(resolve(from, location).as_deref(), target, "{location}");
        }
        assert_eq!(resolve("http://h", "x").as_deref(), Some("http://h/x"));
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert_eq!(origin("https://Hub.test/a"), origin("https://hub.test:443/b"));
        for other in [
            "http://hub.test/a",
            "https://hub.test:8443/a",
            "https://hub.test.evil/a",
            "hub.test",
        ] {
            assert_ne!(origin("https://hub.test/a"), origin(other), "{other}");
        }
    }
}
