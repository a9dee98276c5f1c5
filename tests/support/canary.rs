//! Secrets that must be seen nowhere: every test that gives a key gives one of these, and [`super::environment::TestEnv`]
//! looks for them in all that the binary prints and in every file that a test leaves.

/// A key, with characters that JSON, URLs and base64 spell in their own ways.
pub(crate) const KEY: &str = "sk-canary/01+23\"456789vqzjxkwpgy";
/// A second secret, for a header.
pub(crate) const GATEWAY: &str = "gateway-canary-7791";

/// As RFC 3986 has it: what is not reserved stays.
pub(crate) fn in_url(text: &str) -> String {
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if stays(byte) { char::from(byte).into() } else { format!("%{byte:02X}") }).collect()
}

/// As base64.
pub(crate) fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |bytes: &[u8]| {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(bytes.get(at).copied().unwrap_or_default()));
        let text: String = (0..4).map(|at| char::from(ALPHABET[bits >> (18 - 6 * at) & 63])).collect();
        text[..=bytes.len()].to_owned()
    };
    text.as_bytes().chunks(3).map(group).collect()
}

/// What gives a secret away: any six characters of its middle, as they are or encoded.
fn traces(secret: &str) -> Vec<String> {
    let mut traces = vec![secret[3..9].to_owned(), secret[secret.len() - 8..].to_owned(), in_url(&secret[9..17])];
    // From each of the three places where base64 begins a group.
    traces.extend((0..3).map(|skipped| base64(&secret[skipped + 6..skipped + 15])));
    let json = serde_json::Value::from(&secret[9..19]).to_string();
    traces.push(json.trim_matches('"').to_owned());
    traces
}

/// The first trace of a secret in these bytes.
pub(crate) fn seen(bytes: &[u8]) -> Option<String> {
    static TRACES: std::sync::LazyLock<Vec<String>> =
        std::sync::LazyLock::new(|| [traces(KEY), traces(GATEWAY)].concat());
    let text = String::from_utf8_lossy(bytes);
    TRACES.iter().find(|trace| text.contains(trace.as_str())).cloned()
}
