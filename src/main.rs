//! The `rushes` program: parse, run, exit code.

fn main() -> std::process::ExitCode {
    rushes::cli::main()
}
