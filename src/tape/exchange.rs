//! One line of a tape, and a whole tape.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use super::{Skimmed, Usage, VERSION, escape, skim, whole_milliseconds};

/// The first line of a tape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the format.
    pub tape: u32,
    /// Where the exchanges come from.
    pub origin: Origin,
    /// Host name of the server that answered, without scheme, port and path.
    #[serde(default)]
    pub server: Option<String>,
    /// When the tape was begun.
    pub created: Timestamp,
    /// Version of the planwave that wrote it.
    pub planwave: String,
}

/// Where a tape's exchanges come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A server answered.
    Recorded,
    /// A person or a script wrote the answers; not a recording.
    Handwritten,
}

impl Header {
    /// The header of a tape of this version.
    pub fn new(origin: Origin, server: Option<String>, created: Timestamp) -> Self {
        let created = whole_milliseconds(created);
        Self { tape: VERSION, origin, server, created, planwave: env!("CARGO_PKG_VERSION").to_owned() }
    }

    /// One line of JSON, without the line feed.
    pub fn to_line(&self) -> String {
        line_of(self)
    }
}

/// One request and what came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// [`super::request_key`] of the request.
    pub key: String,
    /// [`super::item_key`] of the request, by which a plan's own tape is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_key: Option<String>,
    /// When the last byte of the answer came.
    pub at: Timestamp,
    /// HTTP method.
    pub method: String,
    /// What follows the base URL.
    pub path: String,
    /// The request's body.
    pub request: Value,
    /// HTTP status.
    pub status: u16,
    /// The headers that matter, names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The response's body as text: an event stream, or JSON.
    pub body: String,
    /// Whether the body came to its end; false where the connection broke or the call was given up.
    #[serde(default = "yes")]
    pub complete: bool,
    /// What the provider counted, where it said.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// From request to last byte, milliseconds.
    #[serde(default)]
    pub latency_ms: u64,
    /// Whether a secret stood in the body, where there is now a mask.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub masked: bool,
}

pub(super) fn yes() -> bool {
    true
}

/// An [`Exchange`] to be written, without owning its large parts.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of `Exchange`")]
pub struct ExchangeRef<'a> {
    pub key: &'a str,
    pub item_key: &'a str,
    pub at: Timestamp,
    pub method: &'a str,
    pub path: &'a str,
    pub request: &'a RawValue,
    pub status: u16,
    pub headers: &'a BTreeMap<String, String>,
    pub body: &'a str,
    pub complete: bool,
    pub usage: Option<Usage>,
    pub latency_ms: u64,
    pub masked: bool,
}

impl ExchangeRef<'_> {
    /// One line of JSON, without the line feed: what `serde_json` writes of an [`Exchange`], but the body, which is most of
    /// it, is written by `tape::escape`.
    pub fn to_line(&self) -> String {
        #[derive(Serialize)]
        struct BeforeTheBody<'a> {
            key: &'a str,
            item_key: &'a str,
            at: Timestamp,
            method: &'a str,
            path: &'a str,
            request: &'a RawValue,
            status: u16,
            headers: &'a BTreeMap<String, String>,
        }
        #[derive(Serialize)]
        struct BehindTheBody {
            complete: bool,
            usage: Option<Usage>,
            latency_ms: u64,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            masked: bool,
        }
        let Self {
            key,
            item_key,
            at,
            method,
            path,
            request,
            status,
            headers,
            body,
            complete,
            usage,
            latency_ms,
            masked,
        } = *self;
        // An event stream is JSON itself: about one byte of seven is a quotation mark or a line end, and takes two here.
        // Room for the line feed is left, too.
        let room = request.get().len() + body.len() + body.len() / 4 + 1024;
        let mut line = Vec::with_capacity(room);
        let before = BeforeTheBody { key, item_key, at, method, path, request, status, headers };
        let behind = BehindTheBody { complete, usage, latency_ms, masked };
        // As `line_of`: this cannot fail, and what is written is text.
        if serde_json::to_writer(&mut line, &before).is_err() {
            return String::new();
        }
        // Two objects and what stands between them become one.
        line.pop();
        line.extend_from_slice(b",\"body\":");
        escape::write_stream(body, &mut line);
        let joint = line.len();
        if serde_json::to_writer(&mut line, &behind).is_err() {
            return String::new();
        }
        line[joint] = b',';
        String::from_utf8(line).unwrap_or_default()
    }
}

impl Exchange {
    /// One line of JSON, without the line feed.
    pub fn to_line(&self) -> String {
        line_of(self)
    }

    /// Reads one line; the error says what is wrong and where in the line.
    pub fn parse_line(line: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(line)
    }
}

pub(super) fn line_of(value: &impl Serialize) -> String {
    // These types have string keys and no fallible serializer, so this cannot fail; an empty line is skipped by `parse`.
    serde_json::to_string(value).unwrap_or_default()
}

/// A tape that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Tape {
    /// Its first line.
    pub header: Header,
    /// Its exchanges in the order of the file, each with its 1-based line.
    pub exchanges: Vec<(usize, Exchange)>,
    /// The 1-based number of a last line that was cut short (a crash while writing); it is not in `exchanges`.
    pub torn: Option<usize>,
}

impl Tape {
    /// Reads a whole tape.
    ///
    /// A last line that is cut short is left out and reported; any other line that cannot be read is an error, since
    /// answers that were paid for would be lost without a word.
    pub fn parse(text: &str) -> Result<Self, TapeError> {
        let mut reader = TapeReader::default();
        let mut exchanges = Vec::new();
        for line in text.split_inclusive('\n') {
            exchanges.extend(reader.take(line)?);
        }
        let (header, torn) = reader.end()?;
        Ok(Self { header, exchanges, torn })
    }
}

/// Reads a tape line by line, by the rules of [`Tape::parse`].
#[derive(Debug, Default)]
pub struct TapeReader {
    /// Lines taken.
    number: usize,
    header: Option<Header>,
    torn: Option<usize>,
}

impl TapeReader {
    /// Takes the next line, with its line feed where it has one; an exchange comes with its 1-based line.
    ///
    /// # Errors
    ///
    /// The line cannot be read.
    pub fn take(&mut self, raw: &str) -> Result<Option<(usize, Exchange)>, TapeError> {
        self.number += 1;
        let number = self.number;
        if number == 1 {
            self.header = Some(parse_header(raw.strip_prefix('\u{feff}').unwrap_or(raw))?);
            return Ok(None);
        }
        let line = raw.trim_end_matches(['\n', '\r']);
        if line.trim().is_empty() {
            return Ok(None);
        }
        match Exchange::parse_line(line) {
            Ok(exchange) => Ok(Some((number, exchange))),
            Err(_) if matches!(skim(line), Ok(Skimmed::GivenUp(_))) => Ok(None),
            // Only a line without its line feed can be a torn one: each line is written with it in one piece.
            Err(error) if !raw.ends_with('\n') && error.is_eof() => {
                self.torn = Some(number);
                Ok(None)
            }
            Err(error) => Err(TapeError::Line { line: number, reason: reason_of(&error) }),
        }
    }

    /// The header, and the 1-based number of a last line that was cut short.
    ///
    /// # Errors
    ///
    /// There was no line at all.
    pub fn end(self) -> Result<(Header, Option<usize>), TapeError> {
        Ok((self.header.ok_or(TapeError::Empty)?, self.torn))
    }
}

/// Whether a line is the header of a tape that this planwave reads.
pub fn check_header(first: &str) -> Result<(), TapeError> {
    parse_header(first).map(|_| ())
}

fn parse_header(first: &str) -> Result<Header, TapeError> {
    #[derive(Deserialize)]
    struct Version {
        tape: u32,
    }
    let line = first.trim_end_matches(['\n', '\r']);
    // The version first: a later format may have other fields.
    let Version { tape } = serde_json::from_str(line).map_err(|_| TapeError::NotATape)?;
    if tape == 0 || tape > VERSION {
        return Err(TapeError::Version { found: tape });
    }
    serde_json::from_str(line).map_err(|error| TapeError::Line { line: 1, reason: reason_of(&error) })
}

/// serde_json's message without its "at line 1", which is always the same in a line of JSON Lines.
fn reason_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    format!("{message} (column {})", error.column())
}

/// A tape that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TapeError {
    /// No line at all.
    #[error("the tape is empty")]
    Empty,
    /// The first line is no tape header.
    #[error("line 1 is not the header of a tape")]
    NotATape,
    /// Written by a newer planwave.
    #[error("the tape has format version {found}; this planwave reads version {VERSION}")]
    Version {
        /// The version it has.
        found: u32,
    },
    /// A line that cannot be read.
    #[error("line {line} of the tape is damaged: {reason}")]
    Line {
        /// 1-based.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

impl TapeError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Empty | Self::NotATape => Some(
                r#"a tape begins with a line such as {"tape":1,"origin":"recorded",…}; `--record FILE` writes one"#
                    .to_owned(),
            ),
            Self::Version { .. } => Some("use a newer planwave, or record the tape again".to_owned()),
            Self::Line { line, .. } => {
                Some(format!("repair line {line}, or remove it: its answer is then asked for again"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn header() -> Header {
        Header::new(Origin::Handwritten, None, "2026-11-01T00:00:00Z".parse().unwrap())
    }

    fn exchange(body: &str) -> Exchange {
        Exchange {
            key: "k".to_owned(),
            item_key: None,
            at: "2026-11-01T10:00:00.123Z".parse().unwrap(),
            method: "POST".to_owned(),
            path: "/chat/completions".to_owned(),
            request: json!({"model": "m", "messages": [{"role": "user", "content": "line\nline"}]}),
            status: 200,
            headers: BTreeMap::from([("content-type".to_owned(), "text/event-stream".to_owned())]),
            body: body.to_owned(),
            complete: true,
            usage: Some(Usage { input: 10, cached: 4, output: 5, reasoning: 1, at_least: false }),
            latency_ms: 1234,
            masked: false,
        }
    }

    #[test]
    fn a_torn_last_line_is_reported_and_the_rest_is_kept() {
        let whole = format!("{}\n{}\n{}", header().to_line(), exchange("a").to_line(), exchange("b").to_line());
        for cut in 1..exchange("b").to_line().len() {
            let tape = Tape::parse(&whole[..whole.len() - cut]).unwrap();
            assert_eq!(tape.exchanges.len(), 1);
            assert_eq!(tape.torn, Some(3));
        }
        assert_eq!(Tape::parse(&whole).unwrap().torn, None);
    }

    #[test]
    fn damage_is_an_error_that_names_the_line() {
        let good = exchange("a").to_line();
        let cases = [
            (String::new(), "the tape is empty"),
            ("{}\n".to_owned(), "line 1 is not the header of a tape"),
            ("# notes\n".to_owned(), "line 1 is not the header of a tape"),
            (r#"{"tape":2,"new":true}"#.to_owned(), "the tape has format version 2; this planwave reads version 1"),
            (
                format!("{}\n{}\n{good}\n", header().to_line(), &good[..20]),
                "line 2 of the tape is damaged: EOF while parsing a string (column 20)",
            ),
            (
                format!("{}\n{good}\nnonsense", header().to_line()),
                "line 3 of the tape is damaged: expected ident (column 2)",
            ),
        ];
        for (text, message) in cases {
            let error = Tape::parse(&text).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn a_handwritten_line_needs_only_what_matters() {
        let line = r#"{"key":"k","at":"2026-11-01T00:00:00Z","method":"POST","path":"/p","request":{},"status":200,"body":""}"#;
        let read = Exchange::parse_line(line).unwrap();
        assert!(read.complete);
        assert_eq!((read.usage, read.latency_ms), (None, 0));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(bodies in prop::collection::vec(any::<String>(), 0..4), crlf: bool) {
            let end = if crlf { "\r\n" } else { "\n" };
            let mut text = format!("\u{feff}{}{end}", header().to_line());
            for body in &bodies {
                text += &exchange(body).to_line();
                text += end;
            }
            let tape = Tape::parse(&text).unwrap();
            prop_assert_eq!(tape.header, header());
            let expected: Vec<_> = bodies.iter().enumerate().map(|(index, body)| (index + 2, exchange(body))).collect();
            prop_assert_eq!(tape.exchanges, expected);
        }

        #[test]
        fn both_kinds_of_exchange_are_written_alike(body in any::<String>(), counted: bool, complete: bool) {
            let whole = Exchange { item_key: Some(String::from("i")), complete, masked: !complete, ..exchange(&body) };
            let whole = if counted { whole } else { Exchange { usage: None, ..whole } };
            let request = serde_json::value::to_raw_value(&whole.request).unwrap();
            let parts = ExchangeRef {
                key: &whole.key,
                item_key: "i",
                at: whole.at,
                method: &whole.method,
                path: &whole.path,
                request: &request,
                status: whole.status,
                headers: &whole.headers,
                body: &whole.body,
                complete,
                usage: whole.usage,
                latency_ms: whole.latency_ms,
                masked: whole.masked,
            };
            prop_assert_eq!(parts.to_line(), whole.to_line());
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = Tape::parse(&text);
        }
    }
}
