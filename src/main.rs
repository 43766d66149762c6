//! The `rushes` program: parse, run, exit code.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    rushes::cli::main()
}
