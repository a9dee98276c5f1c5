# The daily commands. `just` lists them; each is one line that also works without just.

_default:
    @just --list

# Type-check everything, tests and benchmarks included.
check:
    cargo check --locked --all-targets

# Format, then lint with warnings denied.
lint:
    cargo fmt
    cargo clippy --locked --all-targets -- -D warnings

# Run the tests whose name contains FILTER (all of the library by default).
test FILTER="":
    cargo test --locked --lib {{FILTER}}

# Run every test of every suite.
test-all:
    cargo test --locked

# Run every test with nextest: a process per test, slow ones named.
nextest:
    cargo nextest run --locked

# Write the demo's tape again, after a change to prompts or to its answers.
tape:
    cargo run --locked --example write_tape

# Fuzz the readers with CASES inputs each.
fuzz CASES="100000":
    PLANWAVE_FUZZ_CASES={{CASES}} cargo test --locked --release --test fuzz

# Line coverage by file (needs cargo-llvm-cov and the llvm-tools component).
coverage:
    cargo llvm-cov --locked --summary-only

# Licences, sources and bans of dependencies (needs cargo-deny).
deny:
    cargo deny check bans licenses sources

# What has to hold before a change lands, from this checkout.
ci:
    bash .ci/run
