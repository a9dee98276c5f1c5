//! Writes `recordings/parcel-tracker.jsonl`, the tape that `planwave demo` replays.
//!
//! ```text
//! cargo run --example write_tape
//! ```
//!
//! The answers on that tape come from `examples/parcel-tracker/answers/`: people wrote them, no model did, and the tape's
//! header says so. Everything else is real: a server on loopback streams the answers, and planwave's own command line
//! runs over a copy of the plan and records. Run it again after a change to a prompt, to the plan or to an answer.
//!
//! What would differ from one run to the next (times, latencies) is replaced by what a model that begins after 0.9 s and
//! writes 70 tokens a second would have taken, so the same sources give the same file, byte for byte.

use std::{
    collections::HashMap,
    error::Error,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, ExitCode},
    sync::mpsc,
};

use jiff::{SignedDuration, Timestamp};
use planwave::{
    model::Tokenizer,
    tape::{Exchange, Header, Origin, Tape},
};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PLAN: &str = "examples/parcel-tracker";
const TAPE: &str = "recordings/parcel-tracker.jsonl";
/// When the first request of the tape is sent.
const BEGAN: &str = "2026-01-12T09:05:00Z";
/// Characters of an answer in one event of the stream, about.
const CHUNK: usize = 60;
/// Prefixes shorter than this are not cached by OpenAI, longer ones in steps of [`CACHE_STEP`] tokens.
const SHORTEST_CACHED: usize = 1024;
const CACHE_STEP: usize = 128;
const FIRST_TOKEN_MS: u64 = 900;
const TOKENS_PER_SECOND: u64 = 70;

fn main() -> ExitCode {
    // The command line is called in a process of its own, which is this program again: there its environment is empty,
    // and nobody's configuration changes the requests.
    if std::env::args().nth(1).as_deref() == Some("run") {
        return planwave::cli::main();
    }
    match write_tape() {
        Ok(exchanges) => {
            let _ = writeln!(std::io::stdout(), "{TAPE}: {exchanges} exchanges");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write_tape() -> Result<usize> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let answers = root.join(PLAN).join("answers");
    let (failed, failures) = mpsc::channel();
    // Ends with the process.
    std::thread::spawn(move || {
        let mut server = Server { answers: &answers, tokenizer: Tokenizer::O200kBase, seen: Vec::new() };
        for connection in listener.incoming() {
            if let Err(error) = connection.map_err(Into::into).and_then(|stream| server.answer(stream)) {
                let _ = failed.send(error.to_string());
            }
        }
    });
    let scratch = tempfile::tempdir()?;
    for file in ["PLAN_PARCEL-TRACKER.md", "parallel.json"] {
        fs::copy(root.join(PLAN).join(file), scratch.path().join(file))?;
    }
    let recorded = scratch.path().join("tape.jsonl");
    let mut run = Command::new(std::env::current_exe()?);
    run.args(["run", ".", "--level", "1", "--yes", "--record", "tape.jsonl"]);
    run.current_dir(scratch.path()).env_clear();
    run.env("OPENAI_BASE_URL", format!("http://{address}/v1"));
    // The demo asks (a tape of) OpenAI; on loopback that would not be guessed.
    run.env("PLANWAVE_MODEL_PROVIDER", "openai");
    // One call at a time, so that each request finds the same prefixes in the "cache" every time.
    run.env("PLANWAVE_RUN_CONCURRENCY", "1");
    for name in ["SystemRoot", "TEMP", "TMP"] {
        if let Some(value) = std::env::var_os(name) {
            run.env(name, value);
        }
    }
    let status = run.status()?;
    if let Ok(failure) = failures.try_recv() {
        return Err(failure.into());
    }
    if !status.success() {
        return Err(format!("the run over the example plan ended with {status}").into());
    }
    let tape = Tape::parse(&fs::read_to_string(recorded)?)?;
    let exchanges = with_fixed_times(tape)?;
    let header = Header::new(Origin::Handwritten, None, BEGAN.parse()?);
    let lines = std::iter::once(header.to_line()).chain(exchanges.iter().map(Exchange::to_line));
    let text: String = lines.flat_map(|line| [line, "\n".to_owned()]).collect();
    fs::create_dir_all(root.join("recordings"))?;
    fs::write(root.join(TAPE), text)?;
    Ok(exchanges.len())
}

/// An OpenAI-compatible server that answers from files.
struct Server<'a> {
    answers: &'a Path,
    tokenizer: Tokenizer,
    /// The prompts so far, for the prefixes that a provider would have cached.
    seen: Vec<String>,
}

impl Server<'_> {
    fn answer(&mut self, mut stream: TcpStream) -> Result<()> {
        let request = read_request(&stream)?;
        let asked = Asked::of(&request)?;
        let answer = fs::read_to_string(self.answers.join(asked.file(self.answers)))?;
        let usage = self.usage(&request, &answer);
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")?;
        for event in events(&asked, &answer, &usage)? {
            write!(stream, "data: {event}\n\n")?;
            stream.flush()?;
        }
        Ok(())
    }

    fn usage(&mut self, request: &Value, answer: &str) -> Value {
        let prompt: String = messages(request).map(|(role, content)| format!("{role}\n{content}\n")).collect();
        let shared = self.seen.iter().map(|earlier| common_prefix(earlier, &prompt)).max_by_key(|shared| shared.len());
        let shared = shared.map_or(0, |shared| self.tokenizer.count(shared));
        let cached = if shared < SHORTEST_CACHED { 0 } else { shared / CACHE_STEP * CACHE_STEP };
        let (input, output) = (self.tokenizer.count(&prompt), self.tokenizer.count(answer.trim_end()));
        self.seen.push(prompt);
        json!({
            "prompt_tokens": input,
            "completion_tokens": output,
            "total_tokens": input + output,
            "prompt_tokens_details": { "cached_tokens": cached },
            "completion_tokens_details": { "reasoning_tokens": 0 },
        })
    }
}

/// Which document a request is about, told from the first line of its task.
struct Asked {
    /// Such as `subplan_1.1` or `execution_1.2_02`.
    document: String,
    achievement: String,
    /// Answers that were sent back, as the request quotes them.
    rejected: usize,
}

impl Asked {
    fn of(request: &Value) -> Result<Self> {
        let rejected = messages(request).filter(|(role, _)| *role == "assistant").count();
        let (_, task) = messages(request).find(|(role, _)| *role == "user").ok_or("the request has no task")?;
        let order = task.rsplit("<task>\n").next().unwrap_or_default().lines().next().unwrap_or_default();
        let words: Vec<&str> = order.split(',').next().unwrap_or_default().split_whitespace().collect();
        let (document, achievement) = match words.as_slice() {
            ["Write", "the", "SUBPLAN", "of", "achievement", id] => (format!("subplan_{id}"), id),
            ["Write", "EXECUTION_TASK", number, "of", "achievement", id] => (format!("execution_{id}_{number}"), id),
            _ => return Err(format!("cannot tell what is asked for: {order}").into()),
        };
        Ok(Self { document, achievement: (*achievement).to_owned(), rejected })
    }

    /// The faulty answer first, where there is one.
    fn file(&self, answers: &Path) -> String {
        let faulty = format!("{}.rejected.md", self.document);
        if self.rejected == 0 && answers.join(&faulty).exists() { faulty } else { format!("{}.md", self.document) }
    }
}

fn messages(request: &Value) -> impl Iterator<Item = (&str, &str)> {
    let messages = request["messages"].as_array().into_iter().flatten();
    messages.filter_map(|message| Some((message["role"].as_str()?, message["content"].as_str()?)))
}

/// Reads the body of one POST.
fn read_request(stream: &TcpStream) -> Result<Value> {
    let mut reader = BufReader::new(stream);
    let mut length = 0_usize;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

/// The data of the events of a streamed answer.
fn events(asked: &Asked, answer: &str, usage: &Value) -> Result<Vec<String>> {
    let id = format!("handwritten-{}-{}", asked.document, asked.rejected + 1);
    let created = BEGAN.parse::<Timestamp>()?.as_second();
    let event = |choices: Value, usage: &Value| {
        let event = json!({
            "id": id, "object": "chat.completion.chunk", "created": created, "model": "handwritten",
            "choices": choices, "usage": usage,
        });
        event.to_string()
    };
    let delta = |delta: Value, finish: Value| json!([{ "index": 0, "delta": delta, "finish_reason": finish }]);
    let begin = event(delta(json!({ "role": "assistant", "content": "" }), Value::Null), &Value::Null);
    let text = chunks(answer.trim_end());
    let text = text.into_iter().map(|text| event(delta(json!({ "content": text }), Value::Null), &Value::Null));
    let end = event(delta(json!({}), json!("stop")), &Value::Null);
    let bill = event(json!([]), usage);
    Ok(std::iter::once(begin).chain(text).chain([end, bill, "[DONE]".to_owned()]).collect())
}

/// Cuts a text in front of words, into pieces of about [`CHUNK`] characters.
fn chunks(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((least, _)) = rest.char_indices().nth(CHUNK) {
        let Some(space) = rest[least..].find(char::is_whitespace) else { break };
        let (piece, behind) = rest.split_at(least + space);
        pieces.push(piece);
        rest = behind;
    }
    pieces.push(rest);
    pieces
}

fn common_prefix<'a>(left: &str, right: &'a str) -> &'a str {
    let mut end = left.bytes().zip(right.bytes()).take_while(|(left, right)| left == right).count();
    while !right.is_char_boundary(end) {
        end -= 1;
    }
    &right[..end]
}

/// Gives each exchange the time and the latency it would have had if all calls that can be in flight together had been,
/// and sorts by time, as a recorder would have.
fn with_fixed_times(tape: Tape) -> Result<Vec<Exchange>> {
    let began: Timestamp = BEGAN.parse()?;
    // When the last SUBPLAN answer of an achievement was complete.
    let mut subplan_ended: HashMap<String, Timestamp> = HashMap::new();
    let mut exchanges = Vec::new();
    for (_, mut exchange) in tape.exchanges {
        let asked = Asked::of(&exchange.request)?;
        let output = exchange.usage.map_or(0, |usage| usage.output);
        exchange.latency_ms = FIRST_TOKEN_MS + output * 1000 / TOKENS_PER_SECOND;
        let started = subplan_ended.get(&asked.achievement).copied().unwrap_or(began);
        exchange.at = started + SignedDuration::from_millis(i64::try_from(exchange.latency_ms)?);
        if asked.document.starts_with("subplan") {
            subplan_ended.insert(asked.achievement, exchange.at);
        }
        exchanges.push(exchange);
    }
    exchanges.sort_by_key(|exchange| exchange.at);
    Ok(exchanges)
}
