//! Whether a text holds a secret, by the published forms of keys and tokens, and by assignments that look like one.
//!
//! A file in which one is found is not sent, not even in part. A key that is quoted in a test costs one file of context; one
//! that is missed costs a key. Linear in the text.

use memchr::memmem;

/// A secret that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Secret {
    /// What it is, such as "an AWS access key".
    pub kind: &'static str,
    /// 1-based.
    pub line: usize,
}

/// What the rest of a token is made of.
#[derive(Clone, Copy)]
enum Made {
    Hex,
    Upper,
    Alphanumeric,
    /// Letters, digits, `_`.
    Word,
    /// Letters, digits, `_`, `-`.
    Url,
    /// Letters, digits, `_`, `-`, `.`.
    Dotted,
    /// Base64.
    Base64,
    /// Anything but white space and quotes.
    Any,
}

impl Made {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || byte == b'_',
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
            Self::Any => byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>'),
        }
    }
}

/// A published form: how it begins, what follows, and at least how many characters of that.
type Pattern = (&'static str, Made, usize, &'static str);

/// Forms that providers document, or that scanners for keys agree on.
const PATTERNS: &[Pattern] = &[
    ("AKIA", Made::Upper, 16, "an AWS access key"),
    ("ASIA", Made::Upper, 16, "an AWS access key"),
    ("ABIA", Made::Upper, 16, "an AWS access key"),
    ("ACCA", Made::Upper, 16, "an AWS access key"),
    ("ghp_", Made::Alphanumeric, 30, "a GitHub token"),
    ("gho_", Made::Alphanumeric, 30, "a GitHub token"),
    ("ghu_", Made::Alphanumeric, 30, "a GitHub token"),
    ("ghs_", Made::Alphanumeric, 30, "a GitHub token"),
    ("ghr_", Made::Alphanumeric, 30, "a GitHub token"),
    ("github_pat_", Made::Word, 22, "a GitHub token"),
    ("glpat-", Made::Url, 20, "a GitLab token"),
    ("gldt-", Made::Url, 20, "a GitLab token"),
    ("glrt-", Made::Url, 20, "a GitLab token"),
    ("ATATT3", Made::Base64, 50, "an Atlassian token"),
    ("xoxa-", Made::Url, 10, "a Slack token"),
    ("xoxb-", Made::Url, 10, "a Slack token"),
    ("xoxe-", Made::Url, 10, "a Slack token"),
    ("xoxe.", Made::Dotted, 10, "a Slack token"),
    ("xoxo-", Made::Url, 10, "a Slack token"),
    ("xoxp-", Made::Url, 10, "a Slack token"),
    ("xoxr-", Made::Url, 10, "a Slack token"),
    ("xoxs-", Made::Url, 10, "a Slack token"),
    ("xapp-", Made::Url, 10, "a Slack token"),
    ("hooks.slack.com/services/T", Made::Any, 20, "a Slack webhook"),
    ("discord.com/api/webhooks/", Made::Any, 30, "a Discord webhook"),
    ("sk-proj-", Made::Url, 20, "an OpenAI key"),
    ("sk-svcacct-", Made::Url, 20, "an OpenAI key"),
    ("sk-admin-", Made::Url, 20, "an OpenAI key"),
    ("sk-None-", Made::Url, 20, "an OpenAI key"),
    ("sk-ant-", Made::Url, 20, "an Anthropic key"),
    ("sk-or-", Made::Url, 20, "an OpenRouter key"),
    ("sk-", Made::Alphanumeric, 32, "an OpenAI key"),
    ("AIza", Made::Url, 35, "a Google API key"),
    ("ya29.", Made::Url, 20, "a Google access token"),
    ("GOCSPX-", Made::Url, 20, "a Google client secret"),
    ("sk_live_", Made::Alphanumeric, 16, "a Stripe key"),
    ("sk_test_", Made::Alphanumeric, 16, "a Stripe key"),
    ("rk_live_", Made::Alphanumeric, 16, "a Stripe key"),
    ("rk_test_", Made::Alphanumeric, 16, "a Stripe key"),
    ("whsec_", Made::Base64, 24, "a webhook secret"),
    ("SG.", Made::Dotted, 40, "a SendGrid key"),
    ("npm_", Made::Alphanumeric, 36, "an npm token"),
    ("pypi-AgE", Made::Url, 50, "a PyPI token"),
    ("rubygems_", Made::Hex, 48, "a RubyGems key"),
    ("dop_v1_", Made::Hex, 64, "a DigitalOcean token"),
    ("doo_v1_", Made::Hex, 64, "a DigitalOcean token"),
    ("dor_v1_", Made::Hex, 64, "a DigitalOcean token"),
    ("hf_", Made::Alphanumeric, 30, "a Hugging Face token"),
    ("gsk_", Made::Alphanumeric, 40, "a Groq key"),
    ("xai-", Made::Alphanumeric, 40, "an xAI key"),
    ("r8_", Made::Alphanumeric, 30, "a Replicate token"),
    ("pplx-", Made::Alphanumeric, 40, "a Perplexity key"),
    ("dapi", Made::Hex, 32, "a Databricks token"),
    ("shpat_", Made::Hex, 32, "a Shopify token"),
    ("shpca_", Made::Hex, 32, "a Shopify token"),
    ("shppa_", Made::Hex, 32, "a Shopify token"),
    ("shpss_", Made::Hex, 32, "a Shopify secret"),
    ("sq0atp-", Made::Url, 22, "a Square token"),
    ("sq0csp-", Made::Url, 40, "a Square secret"),
    ("lin_api_", Made::Alphanumeric, 32, "a Linear key"),
    ("dp.pt.", Made::Alphanumeric, 40, "a Doppler token"),
    ("hvs.", Made::Url, 24, "a Vault token"),
    ("PMAK-", Made::Url, 40, "a Postman key"),
    ("NRAK-", Made::Upper, 27, "a New Relic key"),
    ("glsa_", Made::Word, 32, "a Grafana token"),
    ("sbp_", Made::Hex, 40, "a Supabase token"),
    ("pscale_tkn_", Made::Url, 32, "a PlanetScale token"),
    ("nfp_", Made::Alphanumeric, 36, "a Netlify token"),
    ("AccountKey=", Made::Base64, 60, "an Azure storage key"),
    ("AGE-SECRET-KEY-1", Made::Upper, 50, "an age key"),
    ("PuTTY-User-Key-File-", Made::Any, 1, "a private key"),
];

/// The first secret of a text.
pub fn find_secret(text: &str) -> Option<Secret> {
    let found = [private_key(text), token(text), json_web_token(text), password_in_url(text), assignment(text)];
    let (at, kind) = found.into_iter().flatten().min_by_key(|(at, _)| *at)?;
    Some(Secret { kind, line: 1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..at]).count() })
}

type Found = (usize, &'static str);

fn token(text: &str) -> Option<Found> {
    let bytes = text.as_bytes();
    let first = |(prefix, made, least, kind): &Pattern| {
        memmem::find_iter(bytes, prefix.as_bytes())
            .find(|at| begins_a_word(bytes, *at) && run(&bytes[at + prefix.len()..], *made) >= *least)
            .map(|at| (at, *kind))
    };
    PATTERNS.iter().filter_map(first).min_by_key(|(at, _)| *at)
}

fn begins_a_word(bytes: &[u8], at: usize) -> bool {
    at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || matches!(bytes[at - 1], b'_' | b'-'))
        // A line feed that is written as one: `\nAKIA…`.
        || (at >= 2 && bytes[at - 2] == b'\\')
}

fn run(bytes: &[u8], made: Made) -> usize {
    bytes.iter().take_while(|byte| made.has(**byte)).count()
}

fn private_key(text: &str) -> Option<Found> {
    let bytes = text.as_bytes();
    memmem::find_iter(bytes, b"-----BEGIN ")
        .find(|at| {
            let rest = &bytes[*at..bytes.len().min(at + 60)];
            memmem::find(rest, b"PRIVATE KEY").is_some()
        })
        .map(|at| (at, "a private key"))
}

fn json_web_token(text: &str) -> Option<Found> {
    let bytes = text.as_bytes();
    memmem::find_iter(bytes, b"eyJ")
        .find(|at| {
            let token = &bytes[*at..];
            let header = run(token, Made::Url);
            let Some(rest) = token.get(header..).and_then(|rest| rest.strip_prefix(b".eyJ")) else { return false };
            let payload = run(rest, Made::Url);
            let signature = rest.get(payload..).and_then(|rest| rest.strip_prefix(b"."));
            begins_a_word(bytes, *at)
                && header >= 10
                && payload >= 6
                && signature.is_some_and(|signature| run(signature, Made::Url) >= 10)
        })
        .map(|at| (at, "a JSON Web Token"))
}

/// `scheme://user:password@host`, where the password is not one of those that every example has.
fn password_in_url(text: &str) -> Option<Found> {
    let bytes = text.as_bytes();
    memmem::find_iter(bytes, b"://").find_map(|at| {
        let rest = &bytes[at + 3..];
        let authority = &rest[..rest.iter().take(300).take_while(|b| Made::Any.has(**b) && **b != b'/').count()];
        let end = memchr::memrchr(b'@', authority)?;
        let colon = memchr::memchr(b':', &authority[..end])?;
        let password = std::str::from_utf8(&authority[colon + 1..end]).ok()?;
        let made_up = password.contains(['$', '{', '}', '%', '*', '(', '[', '…']) || password == "password";
        let has = |of: fn(&u8) -> bool| password.as_bytes().iter().any(of);
        let telling = password.len() >= 10 && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
        (telling && !made_up && !is_placeholder(password)).then_some((at, "a password in a URL"))
    })
}

/// Parts of the names of what holds a secret, in lower case.
const NAMES: &[&str] = &[
    "secret",
    "passwd",
    "password",
    "api_key",
    "apikey",
    "api-key",
    "access_key",
    "accesskey",
    "access-key",
    "private_key",
    "privatekey",
    "auth_token",
    "authtoken",
    "access_token",
    "accesstoken",
    "client_token",
    "bearer",
    "encryption_key",
    "signing_key",
    "token",
    "credential",
];

/// `name = "value"` where the name speaks of a secret and the value looks like nothing else.
fn assignment(text: &str) -> Option<Found> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        // Longer lines are data or minified code; the forms above are looked for there, too.
        if line.len() <= 2_000
            && let Some(column) = assigned(line)
        {
            return Some((at + column, "a value that looks like a secret"));
        }
        at += line.len();
    }
    None
}

fn assigned(line: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    if !bytes.iter().any(|byte| matches!(byte, b'=' | b':')) {
        return None;
    }
    let lower = line.to_ascii_lowercase();
    for name in NAMES {
        for at in memmem::find_iter(lower.as_bytes(), name.as_bytes()) {
            let behind = at + name.len();
            // The rest of the name, a closing quote, spaces, a type, the sign.
            let between = |byte: &&u8| {
                byte.is_ascii_alphanumeric()
                    || matches!(byte, b'_' | b'-' | b'"' | b'\'' | b' ' | b']' | b'&' | b':' | b'=')
            };
            let reach = bytes[behind..].iter().take(40).take_while(between).count();
            let last = bytes[behind..behind + reach].iter().rposition(|byte| matches!(byte, b'=' | b':'));
            let Some(sign) = last.map(|sign| behind + sign) else { continue };
            let value_at = bytes[sign..]
                .iter()
                .position(|byte| !matches!(byte, b'=' | b':' | b'>' | b' ' | b'\t' | b'"' | b'\'' | b'`'))
                .map(|skip| sign + skip);
            let Some(value_at) = value_at else { continue };
            let value = &line[value_at..];
            let end = value.bytes().position(|byte| !(Made::Base64.has(byte) || matches!(byte, b'_' | b'-')));
            let value = &value[..end.unwrap_or(value.len())];
            // What goes on with a point, a bracket or a call is code.
            let next = end.and_then(|end| line.as_bytes().get(value_at + end)).copied();
            if looks_random(value) && !matches!(next, Some(b'.' | b'(' | b'[' | b'{' | b':' | b'$')) {
                return Some(at);
            }
        }
    }
    None
}

fn looks_random(value: &str) -> bool {
    let bytes = value.as_bytes();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = bytes.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let hex = bytes.iter().all(u8::is_ascii_hexdigit);
    let (least, entropy) = if hex { (32, 3.0) } else { (20, 3.6) };
    (least..=400).contains(&bytes.len())
        && digits >= 2
        && letters >= 4
        && bits_per_byte(bytes) >= entropy
        && !is_placeholder(value)
}

/// Whether a value says itself that it is none.
fn is_placeholder(value: &str) -> bool {
    const WORDS: &[&str] =
        &["your", "changeme", "placeholder", "dummy", "fake", "xxx", "xxxx", "replace", "todo", "insert"];
    let lower = value.to_ascii_lowercase();
    lower.split(['-', '_', '.']).any(|word| WORDS.contains(&word)) || lower.contains("xxxxx")
}

/// Shannon entropy.
fn bits_per_byte(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let all = bytes.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / all)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text of a given length that no pattern of letters repeats.
    fn letters(length: usize) -> String {
        "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8bC0fG".chars().cycle().take(length).collect()
    }

    #[test]
    fn every_published_form_is_found_and_a_shorter_one_is_not() {
        for (prefix, made, least, kind) in PATTERNS {
            let filler = match made {
                Made::Hex => "0a1b2c3d4e5f6789",
                Made::Upper => "ABCDEFGH23456789",
                _ => "aB3dE5gH7jK9mN1p",
            };
            let rest: String = filler.chars().cycle().take(*least).collect();
            let text = format!("one\n\ntwo = {prefix}{rest}\n");
            assert_eq!(find_secret(&text), Some(Secret { kind, line: 3 }), "{prefix}");
            assert_eq!(find_secret(&format!("see {prefix} and {prefix}")), None, "{prefix} alone");
            assert_eq!(
                find_secret(&format!("x{prefix}{rest}")).filter(|s| s.kind == *kind),
                None,
                "{prefix} in a word"
            );
        }
    }

    #[test]
    fn keys_tokens_and_passwords_are_found() {
        let jwt = format!("eyJ{}.eyJ{}.{}", letters(20), letters(20), letters(30));
        let random = letters(40);
        for (text, kind) in [
            (format!("-----BEGIN {} PRIVATE KEY-----", "RSA"), "a private key"),
            (String::from("-----BEGIN PRIVATE") + " KEY-----", "a private key"),
            (format!("-----BEGIN {} PRIVATE KEY BLOCK-----", "PGP"), "a private key"),
            (format!("Authorization: Bearer {jwt}"), "a JSON Web Token"),
            (format!("postgres://app:{}@db.internal/x", letters(14)), "a password in a URL"),
            (format!("aws_secret_access_key = {random}"), "a value that looks like a secret"),
            (format!("\"apiKey\": \"{random}\","), "a value that looks like a secret"),
            (format!("DB_PASSWORD={}", letters(24)), "a value that looks like a secret"),
            (format!("client_secret: '{random}'"), "a value that looks like a secret"),
            (format!("const TOKEN: &str = \"{random}\";"), "a value that looks like a secret"),
            (format!("token => \"{}\"", "0123456789abcdef".repeat(2)), "a value that looks like a secret"),
        ] {
            let found = find_secret(&text);
            assert_eq!(found.map(|found| found.kind), Some(kind), "{text}");
        }
    }

    #[test]
    fn code_that_speaks_of_secrets_holds_none() {
        for text in [
            "let token = tokens.next();",
            "api_key = os.environ[\"OPENAI_API_KEY\"]",
            "password: String,",
            "secret: process.env.CLIENT_SECRET_VALUE_2024_LONG,",
            "token = generate_access_token_for_user_2(user)",
            "PASSWORD=changeme-changeme-12345-abcdef",
            "api_key: your-api-key-goes-here-1234567890",
            "postgres://postgres:postgres@localhost:5432/app",
            "https://user:${PASSWORD_12345}@example.com",
            "pub(super) fn find_secret(text: &str) -> Option<Secret>",
            "max_output_tokens: 8192, tokens_per_minute = 1000000",
            "-----BEGIN CERTIFICATE-----",
            "task-sk-analysis risk-assessment-of-everything-that-can-go-wrong",
            "sha256 = 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(find_secret(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String, password in "[a-z]{0,3}(://)?[a-z:@é]{0,20}") {
            let _ = find_secret(&text);
            let _ = find_secret(&format!("token={text}"));
            let _ = find_secret(&password);
        }
    }
}
