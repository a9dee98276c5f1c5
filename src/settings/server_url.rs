//! URLs of servers and proxies: checked once, never printed with the secrets they may carry.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::fmt;

use reqwest::Url;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::redact::MASK;

/// An `http`, `https` or (for proxies) `socks5` URL with a host.
///
/// `Debug`, `Display` and `Serialize` mask user, password and the values of a query; [`ServerUrl::expose`] does not.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl(Url);

impl ServerUrl {
    /// Parses a URL; `None` where it has another scheme, no host, or is none at all.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let scheme = matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h");
        (scheme && url.host_str().is_some_and(|host| !host.is_empty())).then_some(Self(url))
    }

    /// The whole URL without a trailing slash, secrets included: for requests, never for people.
    pub fn expose(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The host, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// The server as it is shown: the host, and the port where it is not the usual one.
    pub fn name(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Scheme, host and port: who gets what is sent.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Who gets what is sent: scheme, host, port and path, since one host can serve many, each at a path of its own.
    pub fn server(&self) -> String {
        format!("{}{}", self.origin(), self.0.path().trim_end_matches('/'))
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether paths of an API can be appended to it: HTTP or HTTPS, without query and fragment.
    pub(super) fn is_base(&self) -> bool {
        let plain = self.0.query().is_none() && self.0.fragment().is_none();
        plain && matches!(self.0.scheme(), "http" | "https")
    }

    /// Whether the server is on this machine: `localhost` and names below it (RFC 6761, section 6.3), 127.0.0.0/8, ::1.
    pub fn is_loopback(&self) -> bool {
        // The URL parser has already turned 127.1, 0x7f000001 and the like into dotted numbers.
        if let Ok(address) = self.host().parse::<std::net::IpAddr>() {
            return address.to_canonical().is_loopback();
        }
        let name = self.host().trim_end_matches('.');
        name == "localhost" || name.ends_with(".localhost")
    }

    fn masked(&self) -> String {
        let mut url = self.0.clone();
        let user = !url.username().is_empty() || url.password().is_some();
        // Setting these fails only for URLs without a host, which `parse` refuses.
        let removed = url.set_username("").is_ok() && url.set_password(None).is_ok();
        if user && !removed {
            return MASK.to_owned();
        }
        let query = url.query().is_some();
        url.set_query(None);
        url.set_fragment(None);
        let mut text = url.as_str().trim_end_matches('/').to_owned();
        if user && let Some(at) = text.find("://") {
            text.insert_str(at + 3, &format!("{MASK}@"));
        }
        if query {
            text.push('?');
            text.push_str(MASK);
        }
        text
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.masked())
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ServerUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ServerUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a URL of a server"))
    }
}

/// Whether a server at `base_url` has to be given an API key: all but those on this machine.
///
/// What cannot be read as a URL needs one.
pub fn needs_key(base_url: &str) -> bool {
    !ServerUrl::parse(base_url).is_some_and(|url| url.is_loopback())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_loopback_needs_no_key() {
        let cases = [
            ("http://localhost:11434/v1", false),
            ("http://LOCALHOST./v1", false),
            ("http://api.localhost/v1", false),
            ("https://127.0.0.1/v1", false),
            ("http://127.200.3.4:8080", false),
            ("http://127.1/", false),
            ("http://2130706433/", false),
            ("http://[::1]:8000/v1", false),
            ("http://[::ffff:127.0.0.1]/v1", false),
            ("https://api.openai.com/v1", true),
            ("http://0.0.0.0:8000/v1", true),
            ("http://192.168.1.5:11434/v1", true),
            ("http://localhost.example.com/v1", true),
            ("http://notlocalhost/v1", true),
            ("http://127.0.0.1.example.com/v1", true),
            ("http://localhost@example.com/v1", true),
            ("http://[::2]/", true),
            ("localhost:8000", true),
            ("", true),
        ];
        for (url, expected) in cases {
            assert_eq!(needs_key(url), expected, "{url}");
        }
    }

    #[test]
    fn what_may_be_secret_in_a_url_is_masked() {
        let cases = [
            ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
            ("https://user:pass@example.com/v1", "https://***@example.com/v1"),
            ("https://token@example.com:8443/v1", "https://***@example.com:8443/v1"),
            ("http://:pass@proxy:3128", "http://***@proxy:3128"),
            ("https://example.com/v1?key=abc&x=1#frag", "https://example.com/v1?***"),
            ("socks5://u:p@127.0.0.1:1080", "socks5://***@127.0.0.1:1080"),
        ];
        for (url, expected) in cases {
            let parsed = ServerUrl::parse(url).unwrap();
            assert_eq!(parsed.to_string(), expected);
            assert_eq!(format!("{parsed:?}"), expected);
            assert_eq!(serde_json::to_value(&parsed).unwrap(), expected);
        }
        assert_eq!(ServerUrl::parse("https://u:p@example.com/v1/").unwrap().expose(), "https://u:p@example.com/v1");
    }

    #[test]
    fn other_things_are_no_server() {
        for text in [
            "",
            "api.openai.com",
            "localhost:8080/v1",
            "ftp://example.com",
            "file:///etc/passwd",
            "https://",
            "http:///v1",
        ] {
            // A URL parser forgives `http:///v1` and reads the host `v1`; it is a host like any other.
            let expected = (text == "http:///v1").then_some("v1");
            assert_eq!(ServerUrl::parse(text).as_ref().map(ServerUrl::host), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_password_is_never_shown(user in "[a-z]{0,5}", password in "zq[a-z0-9]{6,20}", host in "[a-p]{1,9}", query in "[a-z=&]{0,9}") {
            let url = ServerUrl::parse(&format!("https://{user}:{password}@{host}.example/v1?k={password}&{query}")).unwrap();
            prop_assert!(!url.to_string().contains(&password));
            prop_assert!(url.expose().contains(&password));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in any::<String>()) {
            if let Some(url) = ServerUrl::parse(&text) {
                prop_assert!(ServerUrl::parse(url.expose()).is_some());
                prop_assert!(!url.to_string().is_empty());
            }
        }
    }
}
