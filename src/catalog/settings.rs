//! Settings of the catalog: where models come from and where they are kept, read once from the environment.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Where models come from and where they are kept. The command line fills this in once, from the environment and the
/// configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Directory of the user's own manifests (`*.toml`), which add to the built-in ones or replace those of the same
    /// name (`PLAE_MANIFESTS`).
    pub manifests: Option<PathBuf>,
    /// Directory of plae's own cache, for model files assembled from Python packages (`PLAE_CACHE`).
    pub cache: PathBuf,
    /// Directory of the cache that all tools of the Hub share (`HF_HUB_CACHE`, `HF_HOME`).
    pub hub_cache: PathBuf,
    /// Web address of the Hub, without a slash at its end, and without a name and password (`HF_ENDPOINT`): messages
    /// show it.
    pub endpoint: String,
    /// Name and password for the Hub's address, as `name:password` (`https://name:password@host` in `HF_ENDPOINT`). If
    /// there are any, they are sent in place of the access token.
    pub login: Option<AccessToken>,
    /// Access token, sent to the Hub and to no other host (`HF_TOKEN`).
    pub token: Option<AccessToken>,
    /// File with the access token, read when it is needed and `token` is none (`HF_TOKEN_PATH`, `$HF_HOME/token`).
    pub token_file: Option<PathBuf>,
    /// Whether the network must not be used (`HF_HUB_OFFLINE`, `PLAE_OFFLINE`).
    pub offline: bool,
    /// Address of the proxy for requests to the Hub (`HTTPS_PROXY`, or `HTTP_PROXY` for an endpoint without TLS;
    /// `ALL_PROXY`).
    pub proxy: Option<String>,
    /// Hosts that are reached without the proxy, separated by commas (`NO_PROXY`).
    pub no_proxy: Option<String>,
    /// Command of the Python whose pip fetches packages (`PLAE_PYTHON`); none for `python3`, or `python` if there is
    /// no `python3`.
    pub python: Option<OsString>,
    /// pip's configuration file (`PIP_CONFIG_FILE`); none for those that pip finds by itself.
    pub pip_config_file: Option<PathBuf>,
    /// The longest time to wait for the host's address to be found, and again for a connection to it.
    pub connect_timeout: Duration,
    /// The longest time to wait for the next bytes of an answer.
    pub read_timeout: Duration,
    /// How often a request is sent again after a failure that may pass; the count begins anew after an attempt that
    /// got new bytes of a download.
    pub retries: u32,
    /// Waiting time before the first retry; it doubles with each further one, up to ten seconds.
    pub backoff: Duration,
}

/// An access token of the Hub, or a name and password. It is a secret, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(pub String);

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Default for Settings {
    /// Gives the settings that apply if no environment variable is set.
    fn default() -> Self {
        Self::from_vars(|_| None)
    }
}

impl Settings {
    /// Makes the settings from environment variables, which `vars` looks up, by the rules of the Hub's own tools; an
    /// empty variable counts as not set.
    ///
    /// If neither `HOME` nor `USERPROFILE` is set, the caches are in the current directory.
    pub fn from_vars(vars: impl Fn(&str) -> Option<OsString>) -> Self {
        let var = |name: &str| vars(name).filter(|value| !value.is_empty());
        let path = |name: &str| var(name).map(PathBuf::from);
        let text = |name: &str| var(name).and_then(|value| value.into_string().ok());
        let any = |names: &[&str]| names.iter().find_map(|name| text(name));
        let on = |name: &str| {
            text(name).is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "1" | "on" | "yes" | "true"))
        };

        let home = path("HOME").or_else(|| path("USERPROFILE")).unwrap_or_default();
        let caches = path("XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache"));
        let hub_home = path("HF_HOME").unwrap_or_else(|| caches.join("huggingface"));
        let endpoint = text("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".into());
        let (endpoint, login) = split_login(&endpoint);
        let implicit_token = !on("HF_HUB_DISABLE_IMPLICIT_TOKEN");
        Self {
            manifests: path("PLAE_MANIFESTS"),
            cache: path("PLAE_CACHE").unwrap_or_else(|| caches.join("plae")),
            hub_cache: path("HF_HUB_CACHE").unwrap_or_else(|| hub_home.join("hub")),
            token: text("HF_TOKEN")
                .map(|token| AccessToken(token.trim().to_owned()))
                .filter(|token| implicit_token && !token.0.is_empty()),
            token_file: implicit_token.then(|| path("HF_TOKEN_PATH").unwrap_or_else(|| hub_home.join("token"))),
            offline: on("HF_HUB_OFFLINE") || on("PLAE_OFFLINE"),
            proxy: if endpoint.starts_with("http:") {
                any(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
            } else {
                any(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
            },
            no_proxy: any(&["no_proxy", "NO_PROXY"]),
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            login: login.map(AccessToken),
            python: var("PLAE_PYTHON"),
            pip_config_file: path("PIP_CONFIG_FILE"),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            retries: 3,
            backoff: Duration::from_millis(500),
        }
    }
}

/// Splits the name and password off a web address such as `https://name:password@host/path`.
fn split_login(address: &str) -> (String, Option<String>) {
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), address),
    };
    let host_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..host_end].rsplit_once('@') {
        Some((login, host)) => (format!("{scheme}{host}{}", &rest[host_end..]), Some(login.to_owned())),
        None => (address.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Vars<'a> = &'a [(&'a str, &'a str)];

    fn from(vars: Vars) -> Settings {
        Settings::from_vars(|name| {
            vars.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn directories_follow_the_hubs_rules() {
        let cases: &[(Vars, &str, &str, &str)] = &[
            (
                &[("HOME", "/h")],
                "/h/.cache/huggingface/hub",
                "/h/.cache/plae",
                "/h/.cache/huggingface/token",
            ),
            (
                &[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")],
                "/x/huggingface/hub",
                "/x/plae",
                "/x/huggingface/token",
            ),
            (
                &[("HOME", "/h"), ("HF_HOME", "/f")],
                "/f/hub",
                "/h/.cache/plae",
                "/f/token",
            ),
            (
                &[
                    ("HOME", "/h"),
                    ("HF_HOME", "/f"),
                    ("HF_HUB_CACHE", "/c"),
                    ("HF_TOKEN_PATH", "/t"),
                    ("PLAE_CACHE", "/p"),
                ],
                "/c",
                "/p",
                "/t",
            ),
            (
                &[("HOME", "/h"), ("HF_HUB_CACHE", "")],
                "/h/.cache/huggingface/hub",
                "/h/.cache/plae",
                "/h/.cache/huggingface/token",
            ),
            (
                &[("USERPROFILE", "/u")],
                "/u/.cache/huggingface/hub",
                "/u/.cache/plae",
                "/u/.cache/huggingface/token",
            ),
        ];
        for (vars, hub, own, token) in cases {
            let settings = from(vars);
            assert_eq!(settings.hub_cache, PathBuf::from(hub), "{vars:?}");
            assert_eq!(settings.cache, PathBuf::from(own), "{vars:?}");
            assert_eq!(settings.token_file, Some(PathBuf::from(token)), "{vars:?}");
        }
    }

    #[test]
    fn switches_and_tokens() {
        assert!(!from(&[]).offline);
        for (value, offline) in [
            ("1", true),
            ("true", true),
            ("ON", true),
            ("Yes", true),
            ("0", false),
            ("no", false),
            ("", false),
        ] {
            assert_eq!(from(&[("HF_HUB_OFFLINE", value)]).offline, offline, "{value}");
        }
        assert!(from(&[("PLAE_OFFLINE", "1")]).offline);

        assert_eq!(from(&[("HF_TOKEN", " hf_x\n")]).token, Some(AccessToken("hf_x".into())));
        assert_eq!(from(&[("HF_TOKEN", " ")]).token, None);
        let silent = from(&[("HF_TOKEN", "hf_x"), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]);
        assert_eq!((silent.token, silent.token_file), (None, None));
        assert!(!format!("{:?}", from(&[("HF_TOKEN", "hf_x")])).contains("hf_x"));
    }

    #[test]
    fn endpoint_and_proxies() {
        assert_eq!(from(&[]).endpoint, "https://huggingface.co");
        assert_eq!(from(&[("HF_ENDPOINT", "http://mirror/")]).endpoint, "http://mirror");
        for (address, endpoint, login) in [
            (
                "https://me:secret@mirror:8443/hub/",
                "https://mirror:8443/hub",
                "me:secret",
            ),
            ("http://me:p@ss@mirror", "http://mirror", "me:p@ss"),
            ("hf_secret@mirror", "mirror", "hf_secret"),
        ] {
            let settings = from(&[("HF_ENDPOINT", address)]);
            assert_eq!(settings.endpoint, endpoint);
            assert_eq!(settings.login, Some(AccessToken(login.into())));
            assert!(!format!("{settings:?}").contains("secret"), "{settings:?}");
        }
        assert_eq!(from(&[("HF_ENDPOINT", "http://mirror/@me")]).login, None);
        let all = [
            ("HTTPS_PROXY", "s"),
            ("HTTP_PROXY", "p"),
            ("ALL_PROXY", "a"),
            ("NO_PROXY", "x,y"),
        ];
        assert_eq!(from(&all).proxy.as_deref(), Some("s"));
        assert_eq!(from(&all).no_proxy.as_deref(), Some("x,y"));
        assert_eq!(
            from(&[&all[..], &[("HF_ENDPOINT", "http://m")]].concat())
                .proxy
                .as_deref(),
            Some("p")
        );
        assert_eq!(from(&[("all_proxy", "a")]).proxy.as_deref(), Some("a"));
        assert_eq!(from(&[]).proxy, None);
    }
}
