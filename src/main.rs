//! The `planwave` command. Everything it does is in the library.

fn main() -> std::process::ExitCode {
    planwave::cli::main()
}
