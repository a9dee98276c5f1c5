//! Where requests go and with which headers: checked once, at the start, so that no call fails over a typing error.

use std::{net::IpAddr, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::ModelConfig;

/// The path of chat requests, below the base URL.
pub(super) const CHAT_PATH: &str = "/chat/completions";

/// A checked server address with its headers. Cheap to clone.
#[derive(Clone)]
pub(super) struct Endpoint(Arc<Inner>);

struct Inner {
    /// Without a slash at its end.
    base: String,
    /// The host's name, with the port where it is not the usual one; for messages and the tape's header.
    server: String,
    loopback: bool,
    headers: HeaderMap,
    query: Option<String>,
    /// async-openai's trait wants one; the real key is only in `headers`.
    no_key: SecretString,
}

/// Model access that is set up wrongly. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No model was named.
    #[error("no model is set")]
    NoModel,
    /// The base URL cannot be used.
    #[error("the base URL {url:?} {problem}")]
    BaseUrl {
        /// As it was given, without what may be a secret.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Another machine and no key.
    #[error("there is no API key for {host}")]
    NoKey {
        /// The host.
        host: String,
    },
    /// A value that cannot stand in an HTTP header. The value is not shown: it may be a secret.
    #[error("{what} cannot be sent: {problem}")]
    Header {
        /// Which setting.
        what: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The proxy's URL cannot be used. It is not shown: it may hold a password.
    #[error("the proxy URL cannot be used")]
    Proxy,
    /// The HTTP client could not be built.
    #[error("HTTPS cannot be set up: {cause}")]
    Http {
        /// Why.
        cause: String,
    },
}

impl ConfigError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoModel => "set `model` in planwave.toml, or --model",
            Self::BaseUrl { .. } => "a base URL looks like https://api.openai.com/v1 or http://localhost:11434/v1",
            Self::NoKey { .. } => {
                "set OPENAI_API_KEY, or a command that prints the key; for a server that wants none, any text will do"
            }
            Self::Header { .. } => "use visible ASCII characters only, on one line",
            Self::Proxy => "a proxy URL looks like http://user:password@proxy.example:8080",
            Self::Http { .. } => "check that the system's root certificates are installed (Debian: ca-certificates)",
        };
        Some(hint.to_owned())
    }
}

impl Endpoint {
    /// Checks a configuration. `need_key` is false where nothing will be sent.
    pub(super) fn new(config: &ModelConfig, need_key: bool) -> Result<Self, ConfigError> {
        if config.model.trim().is_empty() {
            return Err(ConfigError::NoModel);
        }
        let url = parse_base(&config.base_url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let loopback = is_loopback(&host);
        if url.scheme() == "http" && !loopback && !config.allow_insecure_http {
            return Err(bad_url(
                &url,
                "is plain http to another machine, where the key can be read (`allow_insecure_http` permits it)",
            ));
        }
        let azure_host = [".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"]
            .iter()
            .any(|domain| host.ends_with(domain));
        let azure = azure_host || config.api_version.is_some();
        let key = config.api_key.as_ref().map(|key| key.expose_secret().trim()).filter(|key| !key.is_empty());
        if key.is_none() && need_key && !loopback {
            return Err(ConfigError::NoKey { host: server_name(&url) });
        }
        let headers = headers(config, key, azure)?;
        let server = server_name(&url);
        let base = url.as_str().trim_end_matches('/');
        let base = if azure { azure_base(base, config) } else { base.to_owned() };
        let query = config.api_version.clone();
        Ok(Self(Arc::new(Inner { base, server, loopback, headers, query, no_key: SecretString::from("") })))
    }

    /// The server as it is shown: the host's name, and the port where it is not the usual one.
    pub(super) fn server(&self) -> &str {
        &self.0.server
    }

    /// Whether it is this machine.
    pub(super) fn is_loopback(&self) -> bool {
        self.0.loopback
    }

    /// Headers of every request; values that are secret are marked so.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The whole URL of a path below the base URL.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0.base)
    }
}

impl async_openai::config::Config for Endpoint {
    fn headers(&self) -> HeaderMap {
        self.0.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        Endpoint::url(self, path)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        self.0.query.iter().map(|version| ("api-version", version.as_str())).collect()
    }

    fn api_base(&self) -> &str {
        &self.0.base
    }

    fn api_key(&self) -> &SecretString {
        &self.0.no_key
    }
}

fn server_name(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn parse_base(text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text.trim())
        .map_err(|_| ConfigError::BaseUrl { url: without_secrets(text), problem: "is not a URL" })?;
    if !matches!(url.scheme(), "http" | "https") {
        // `localhost:8080/v1` is one, too: of the scheme `localhost`.
        return Err(ConfigError::BaseUrl {
            url: without_secrets(text),
            problem: "does not begin with http:// or https://",
        });
    }
    let problem = if url.host_str().is_none_or(str::is_empty) {
        "names no host"
    } else if !url.username().is_empty() || url.password().is_some() {
        "holds a user name or password; keys have a setting of their own"
    } else if url.query().is_some() || url.fragment().is_some() {
        "has something after `?` or `#`; Azure's version goes into `api_version`"
    } else {
        return Ok(url);
    };
    Err(bad_url(&url, problem))
}

/// The URL in an error, without user name, password and query.
fn bad_url(url: &Url, problem: &'static str) -> ConfigError {
    let url = format!("{}://{}{}", url.scheme(), server_name(url), url.path());
    ConfigError::BaseUrl { url, problem }
}

/// The text of what could not be parsed, without what may be a user name, a password or a query.
fn without_secrets(text: &str) -> String {
    let after_user = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
    after_user.split(['?', '#']).next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(100).collect()
}

/// Azure has a path per deployment with dated versions, and since 2025 one like everybody's, below `/openai/v1`.
fn azure_base(base: &str, config: &ModelConfig) -> String {
    if base.contains("/openai/deployments/") || base.ends_with("/openai/v1") {
        base.to_owned()
    } else if config.api_version.is_some() {
        let base = base.strip_suffix("/openai").unwrap_or(base);
        format!("{base}/openai/deployments/{}", config.model.trim())
    } else {
        let base = base.strip_suffix("/openai").unwrap_or(base);
        format!("{base}/openai/v1")
    }
}

fn headers(config: &ModelConfig, key: Option<&str>, azure: bool) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    match key {
        Some(key) if azure => headers.insert("api-key", value("the API key", key, true)?),
        Some(key) => headers.insert(AUTHORIZATION, value("the API key", &format!("Bearer {key}"), true)?),
        None => None,
    };
    for (name, setting) in [("openai-organization", &config.organization), ("openai-project", &config.project)] {
        if let Some(text) = setting.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            headers.insert(name, value(name, text, false)?);
        }
    }
    for extra in &config.headers {
        let what = format!("the header {:?}", extra.name);
        let name = HeaderName::try_from(extra.name.as_str())
            .map_err(|_| ConfigError::Header { what: what.clone(), problem: "that is no name of a header" })?;
        headers.insert(name, value(&what, extra.value.expose_secret(), true)?);
    }
    Ok(headers)
}

fn value(what: &str, text: &str, secret: bool) -> Result<HeaderValue, ConfigError> {
    // `from_str` refuses what is not visible ASCII; `try_from` would send any bytes.
    let mut value = HeaderValue::from_str(text).map_err(|_| ConfigError::Header {
        what: what.to_owned(),
        problem: "it has a line break or a character that is not visible ASCII",
    })?;
    value.set_sensitive(secret);
    Ok(value)
}

/// Whether a host is this machine. Names are not looked up: who answers for them can change.
fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ExtraHeader;

    fn config(base_url: &str) -> ModelConfig {
        ModelConfig {
            base_url: base_url.to_owned(),
            api_key: Some(SecretString::from("sk-canary")),
            model: "gpt-x".to_owned(),
            ..ModelConfig::default()
        }
    }

    #[test]
    fn urls_and_key_headers_of_providers() {
        let azure = Some("2024-10-21".to_owned());
        let cases = [
            ("https://api.openai.com/v1", None, "https://api.openai.com/v1/chat/completions", "authorization"),
            ("https://openrouter.ai/api/v1/", None, "https://openrouter.ai/api/v1/chat/completions", "authorization"),
            ("http://localhost:11434/v1", None, "http://localhost:11434/v1/chat/completions", "authorization"),
            ("http://[::1]:8080/v1", None, "http://[::1]:8080/v1/chat/completions", "authorization"),
            (
                "https://r.openai.azure.com",
                azure.clone(),
                "https://r.openai.azure.com/openai/deployments/gpt-x/chat/completions",
                "api-key",
            ),
            (
                "https://r.openai.azure.com/openai/",
                azure.clone(),
                "https://r.openai.azure.com/openai/deployments/gpt-x/chat/completions",
                "api-key",
            ),
            (
                "https://r.openai.azure.com/openai/deployments/d",
                azure.clone(),
                "https://r.openai.azure.com/openai/deployments/d/chat/completions",
                "api-key",
            ),
            (
                "https://r.openai.azure.com/openai/v1/",
                None,
                "https://r.openai.azure.com/openai/v1/chat/completions",
                "api-key",
            ),
            ("https://r.openai.azure.com", None, "https://r.openai.azure.com/openai/v1/chat/completions", "api-key"),
            (
                "https://gateway.example/azure",
                azure,
                "https://gateway.example/azure/openai/deployments/gpt-x/chat/completions",
                "api-key",
            ),
        ];
        for (base, api_version, url, header) in cases {
            let endpoint = Endpoint::new(&ModelConfig { api_version, ..config(base) }, true).unwrap();
            assert_eq!(endpoint.url(CHAT_PATH), url);
            let value = endpoint.headers().get(header).unwrap();
            assert!(value.is_sensitive() && value.to_str().unwrap().ends_with("sk-canary"));
            assert!(!format!("{:?}", endpoint.headers()).contains("canary"));
        }
    }

    #[test]
    fn wrong_settings_are_found_at_the_start_and_secrets_not_shown() {
        let with = |change: fn(&mut ModelConfig)| {
            let mut config = config("https://api.openai.com/v1");
            change(&mut config);
            config
        };
        let cases = [
            (config("api.openai.com/v1"), "the base URL \"api.openai.com/v1\" is not a URL"),
            (config("ftp://x/v1"), "the base URL \"ftp://x/v1\" does not begin with http:// or https://"),
            (config("localhost:8080/v1"), "the base URL \"localhost:8080/v1\" does not begin with http:// or https://"),
            (config("me:canary@x/v1?key=canary"), "the base URL \"x/v1\" does not begin with http:// or https://"),
            (
                config("https://me:canary@x/v1"),
                "the base URL \"https://x/v1\" holds a user name or password; keys have a setting of their own",
            ),
            (
                config("https://x/v1?key=canary"),
                "the base URL \"https://x/v1\" has something after `?` or `#`; Azure's version goes into `api_version`",
            ),
            (
                config("http://10.0.0.7:8000/v1"),
                "the base URL \"http://10.0.0.7:8000/v1\" is plain http to another machine, where the key can be read (`allow_insecure_http` permits it)",
            ),
            (with(|c| c.api_key = None), "there is no API key for api.openai.com"),
            (with(|c| c.api_key = Some(SecretString::from(" \n"))), "there is no API key for api.openai.com"),
            (with(|c| c.model = " ".to_owned()), "no model is set"),
            (
                with(|c| c.api_key = Some(SecretString::from("canary\nx"))),
                "the API key cannot be sent: it has a line break or a character that is not visible ASCII",
            ),
            (
                with(|c| c.headers = vec![ExtraHeader { name: "a b".to_owned(), value: SecretString::from("canary") }]),
                "the header \"a b\" cannot be sent: that is no name of a header",
            ),
        ];
        for (config, message) in cases {
            let error = Endpoint::new(&config, true).err().unwrap();
            assert_eq!(error.to_string(), message);
            assert!(error.hint().is_some_and(|hint| !hint.contains("canary")));
        }
    }

    #[test]
    fn no_key_is_needed_here_or_where_nothing_is_sent() {
        for (base, need_key) in [
            ("http://127.0.0.1:8000/v1", true),
            ("http://vllm.localhost/v1", true),
            ("https://api.openai.com/v1", false),
        ] {
            let endpoint = Endpoint::new(&ModelConfig { api_key: None, ..config(base) }, need_key).unwrap();
            assert!(endpoint.headers().is_empty());
        }
        assert!(
            Endpoint::new(&ModelConfig { allow_insecure_http: true, ..config("http://10.0.0.7/v1") }, true).is_ok()
        );
    }

    #[test]
    fn a_key_with_the_line_feed_of_its_command_is_fine() {
        let config = ModelConfig { api_key: Some(SecretString::from("sk-canary\n")), ..config("https://x/v1") };
        assert_eq!(Endpoint::new(&config, true).unwrap().headers()[AUTHORIZATION], "Bearer sk-canary");
    }
}
