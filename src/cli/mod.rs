//! The command-line program: arguments, configuration, the commands, messages and exit codes.

mod archive;
mod args;
mod bench;
mod check;
mod completions;
mod config;
mod doctor;
mod filter;
mod inputs;
mod interrupt;
mod man;
mod memory;
mod merge;
mod models;
mod plan;
mod printer;
mod progress;
mod render;
mod score;
mod session;
mod split;
mod style;
mod translate;
mod typed;
mod version;
mod visible;
mod words;
mod writer;

use crate::error::{Error, ErrorKind, Result};
use crate::file::{self, describe_io_error};
use config::Config;
use printer::{ColourEnvironment, Printer, Verbosity};
use std::ffi::OsString;
use std::process::ExitCode;

/// How a command ended that was not stopped by an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CommandStatus {
    Done,
    /// Some inputs failed, and an error was printed for each.
    Failed,
}

/// Runs plae with the command-line arguments `args`, the program's name first, and returns the exit code.
///
/// The code is 0 on success, 1 if some inputs failed, 2 for wrong usage or an impossible request, and 130 after
/// Ctrl-C. `stdout_closed` says that standard output was closed when the program was started, so that results would
/// be lost although writing them succeeds.
pub fn run(args: impl IntoIterator<Item = OsString>, stdout_closed: bool) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match typed::parse_command_line(&args) {
        Ok(cli) => cli,
        Err(error) => return print_clap_message(&error, stdout_closed),
    };
    let verbosity = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Default,
    };
    let printer = Printer::new(
        verbosity,
        cli.global.color.unwrap_or_default(),
        ColourEnvironment::from_variables(|name| std::env::var_os(name)),
        stdout_closed,
    );
    interrupt::install_interrupt_handlers();
    // This thread takes part in rayon's work instead of waiting for it. No pool exists yet, so building one succeeds.
    let _ = rayon::ThreadPoolBuilder::new()
        .use_current_thread()
        .num_threads(thread_count(std::env::var("RAYON_NUM_THREADS").ok().as_deref()))
        .build_global();
    match run_command(&cli.command, &printer) {
        Ok(CommandStatus::Done) => ExitCode::SUCCESS,
        Ok(CommandStatus::Failed) => ExitCode::from(1),
        Err(error) if printer::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            printer.print_error(&error);
            ExitCode::from(exit_code_for_kind(error.kind))
        }
    }
}

/// Returns the number of threads for a model's computations: the `requested` one, at most four for each core, or 0, with
/// which rayon takes one for each core.
fn thread_count(requested: Option<&str>) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let requested = requested.and_then(|count| count.parse().ok()).unwrap_or(0);
    requested.min((4 * cores).max(64))
}

/// Prints help, the version or a usage error, and returns the exit code. Help that cannot be written is a failure, but
/// for a closed pipe.
fn print_clap_message(message: &clap::Error, stdout_closed: bool) -> ExitCode {
    use std::io::{ErrorKind::BrokenPipe, Write};
    let printed = message.print().and_then(|()| std::io::stdout().flush());
    if let Some(advice) = typed::advise(message) {
        // Standard error may be closed.
        let advice = visible::escape_control_characters(&advice, visible::KeptControlCharacters::default());
        let _ = writeln!(std::io::stderr(), "hint: {advice}");
    }
    match printed {
        Err(error) if !message.use_stderr() && error.kind() != BrokenPipe => ExitCode::from(1),
        Ok(()) if !message.use_stderr() && stdout_closed => ExitCode::from(1),
        _ => ExitCode::from(u8::try_from(message.exit_code()).unwrap_or(2)),
    }
}

fn exit_code_for_kind(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Input | ErrorKind::Output => 1,
        ErrorKind::Usage | ErrorKind::Model | ErrorKind::Memory | ErrorKind::Network => 2,
        ErrorKind::Interrupted => interrupt::INTERRUPTED_EXIT_CODE,
    }
}

fn run_command(command: &args::Command, printer: &Printer) -> Result<CommandStatus> {
    use args::Command;
    let resolve = |model: &args::ModelArgs, layout| -> Result<Config> {
        let config = Config::from_sources(model, layout, |name| std::env::var_os(name), &config::config_paths())?;
        if let Some(settings) = config.describe_local_settings() {
            printer.print_note(settings);
        }
        Ok(config)
    };
    match command {
        Command::Translate(args) => {
            let config = resolve(&args.model, args.output.layout)?;
            translate::run(args, &config, printer)
        }
        Command::Archive(args) => {
            let config = resolve(&args.model, args.layout)?;
            archive::run(args, &config, printer)
        }
        Command::Memory(args) => memory::run(args, printer),
        Command::Merge(args) => merge::run(args, printer),
        Command::Bench(args) => {
            let config = resolve(&args.model, None)?;
            bench::run(args, &config, printer)
        }
        Command::Render(args) => {
            let config = resolve(&args::ModelArgs::default(), args.output.layout)?;
            render::run(args, &config, printer)
        }
        Command::Split(args) => split::run(args, &resolve(&args::ModelArgs::default(), None)?, printer),
        Command::Check(args) => {
            // Without the option no model is used, whatever the configuration says.
            let config = args.model_args().map(|model| resolve(&model, None));
            check::run(args, config.transpose()?, printer)
        }
        Command::Score(args) => score::run(args, printer),
        Command::Models(args) => {
            let model = args::ModelArgs {
                offline: args.offline,
                ..Default::default()
            };
            models::run(args, &resolve(&model, None)?, printer)
        }
        Command::Doctor(_) => doctor::run(&resolve(&args::ModelArgs::default(), None)?, printer),
        Command::Completions(args) => completions::run(args, printer),
        Command::Man(args) => man::run(args, printer),
    }
}

/// Reads a memory size in bytes from a file of Linux's `/proc`, such as the field `VmHWM` of `/proc/self/status`.
/// Returns none on other systems.
fn read_proc_memory_bytes(file: &str, field: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Whether an error concerns a single input or output, so that the run can continue with the others.
fn is_single_file_error(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Input | ErrorKind::Output) && !printer::is_broken_pipe(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_the_documented_ones() {
        let cases = [
            (ErrorKind::Input, 1),
            (ErrorKind::Output, 1),
            (ErrorKind::Usage, 2),
            (ErrorKind::Model, 2),
            (ErrorKind::Memory, 2),
            (ErrorKind::Network, 2),
            (ErrorKind::Interrupted, 130),
        ];
        for (kind, code) in cases {
            assert_eq!(exit_code_for_kind(kind), code, "{kind:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_is_read_from_the_system() {
        assert!(read_proc_memory_bytes("/proc/self/status", "VmHWM").unwrap() > 100_000);
        assert!(read_proc_memory_bytes("/proc/meminfo", "MemTotal").unwrap() > 1_000_000);
        assert_eq!(read_proc_memory_bytes("/proc/meminfo", "NoSuchField"), None);
    }
}
