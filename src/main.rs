//! The `plae` command: everything is in the library's `cli`.

fn main() -> std::process::ExitCode {
    plae::cli::run(std::env::args_os())
}
