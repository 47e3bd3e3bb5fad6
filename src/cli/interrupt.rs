//! Ctrl-C: the first press stops the run after its current step, the second ends the program at once. The signals by
//! which systems end programs (SIGTERM, and SIGHUP when a terminal is closed) count as a press.

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Whether the current work checks [`is_stop_requested`] and ends by itself, so that the first Ctrl-C need not exit.
static EXIT_IS_DEFERRED: AtomicBool = AtomicBool::new(false);
static STOP_REQUESTED: AtomicBool = AtomicBool::new(false);

/// The exit code of an interrupted run, whatever the signal: 128 plus the number of SIGINT, as shells report it.
pub const INTERRUPTED_EXIT_CODE: u8 = 130;

/// Installs the handlers for Ctrl-C and, on Unix, for SIGTERM and SIGHUP. If that fails, a signal ends the program at
/// once, as the system does by default.
pub fn install_interrupt_handlers() {
    let _ = ctrlc::set_handler(handle_interrupt);
    #[cfg(unix)]
    handle_termination_signals();
}

/// Handles SIGTERM and SIGHUP as Ctrl-C is handled. A SIGHUP that is ignored stays so: `nohup` asks for that.
#[cfg(unix)]
fn handle_termination_signals() {
    use signal_hook::consts::{SIGHUP, SIGTERM};
    let wanted = [SIGTERM, SIGHUP]
        .into_iter()
        .filter(|signal| !is_signal_ignored(*signal));
    if let Ok(mut signals) = signal_hook::iterator::Signals::new(wanted) {
        std::thread::spawn(move || {
            for _ in signals.forever() {
                handle_interrupt();
            }
        });
    }
}

/// Whether this process was started with `signal` ignored, as Linux's `/proc` says; false on other systems.
#[cfg(unix)]
fn is_signal_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Asks the run to stop; at the second time, or if nothing is waited for, ends the program.
fn handle_interrupt() {
    if STOP_REQUESTED.swap(true, SeqCst) || !EXIT_IS_DEFERRED.load(SeqCst) {
        crate::file::delete_temporary_files();
        std::process::exit(INTERRUPTED_EXIT_CODE.into());
    }
    // The handler runs in its own thread, which cannot use the printer; standard error may be closed.
    let _ = writeln!(
        std::io::stderr(),
        "\nstopping after this step; press Ctrl-C again to stop at once"
    );
}

/// Whether Ctrl-C was pressed.
pub fn is_stop_requested() -> bool {
    STOP_REQUESTED.load(SeqCst)
}

/// Returns the value for a progress callback to return: `Break` if Ctrl-C was pressed, else `Continue`.
pub fn break_if_stop_requested() -> ControlFlow<()> {
    if is_stop_requested() {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

/// A guard: while it lives, the first Ctrl-C does not end the program but only makes [`is_stop_requested`] return true.
pub struct DeferredExit(());

/// Returns a guard that lets the current work end by itself after the first Ctrl-C.
pub fn defer_exit() -> DeferredExit {
    EXIT_IS_DEFERRED.store(true, SeqCst);
    DeferredExit(())
}

impl Drop for DeferredExit {
    fn drop(&mut self) {
        EXIT_IS_DEFERRED.store(false, SeqCst);
    }
}
