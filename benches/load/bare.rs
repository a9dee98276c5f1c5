//! The yardstick: a loop over reqwest that sends the same bodies with the same concurrency and reads every answer to
//! its end, and does nothing else with it.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::Arc,
    time::Instant,
};

use futures_util::StreamExt as _;

use super::measure::{Measured, own_cpu};

/// Measures the loop in a process of its own.
pub(crate) fn measure_in_child(tape: &str, concurrency: usize, port: u16, most: usize) -> Measured {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["bare", tape, &concurrency.to_string(), &port.to_string(), &most.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .expect("the bare loop");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.split_whitespace().map(|number| number.parse::<f64>().expect("a number"));
    let (wall, cpu) = (numbers.next().expect("wall"), numbers.next().expect("cpu"));
    Measured { wall, cpu, peak_mb: 0.0 }
}

/// The child: prints wall and CPU seconds of the loop alone; reading the bodies is not counted.
pub(crate) fn main(arguments: &[String]) {
    let tape = BufReader::new(std::fs::File::open(&arguments[0]).expect("a tape"));
    let most: usize = arguments[3].parse().expect("a number of requests");
    let request = |line: std::io::Result<String>| {
        let exchange: serde_json::Value = serde_json::from_str(&line.expect("a line")).expect("an exchange");
        exchange["request"].to_string()
    };
    let bodies: Vec<String> = tape.lines().skip(1).take(most).map(request).collect();
    let concurrency: usize = arguments[1].parse().expect("a concurrency");
    let url = format!("http://127.0.0.1:{}/v1/chat/completions", arguments[2]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (cpu_before, began) = (own_cpu(), Instant::now());
    runtime.block_on(send_all(bodies, concurrency, url));
    println!("{} {}", began.elapsed().as_secs_f64(), own_cpu() - cpu_before);
}

async fn send_all(bodies: Vec<String>, concurrency: usize, url: String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tcp_nodelay(true)
        .pool_max_idle_per_host(concurrency)
        .build()
        .expect("a client");
    let slots = Arc::new(tokio::sync::Semaphore::new(concurrency));
    let mut tasks = tokio::task::JoinSet::new();
    for body in bodies {
        let slot = Arc::clone(&slots).acquire_owned().await.expect("a slot");
        let request = client.post(&url).header("content-type", "application/json").bearer_auth("none").body(body);
        tasks.spawn(async move {
            let _slot = slot;
            let response = request.send().await.expect("an answer");
            assert!(response.status().is_success());
            let mut stream = response.bytes_stream();
            let mut bytes = 0;
            while let Some(chunk) = stream.next().await {
                bytes += chunk.expect("a chunk").len();
            }
            assert!(bytes > 0);
        });
    }
    while let Some(result) = tasks.join_next().await {
        result.expect("a call");
    }
}
