//! Ctrl-C: the first press stops the run after its current step, the second ends the program at once.

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Whether the current work checks [`is_stop_requested`] and ends by itself, so that the first Ctrl-C need not exit.
static EXIT_IS_DEFERRED: AtomicBool = AtomicBool::new(false);
static STOP_REQUESTED: AtomicBool = AtomicBool::new(false);

/// The exit code of an interrupted run: 128 plus the number of the signal SIGINT, as shells report it.
pub const INTERRUPTED_EXIT_CODE: u8 = 130;

/// Installs the handler for Ctrl-C. If that fails, Ctrl-C ends the program at once, as the system does by default.
pub fn install_interrupt_handler() {
    let _ = ctrlc::set_handler(|| {
        if STOP_REQUESTED.swap(true, SeqCst) || !EXIT_IS_DEFERRED.load(SeqCst) {
            crate::file::delete_temporary_files();
            std::process::exit(INTERRUPTED_EXIT_CODE.into());
        }
        // The handler runs in its own thread, which cannot use the printer; standard error may be closed.
        let _ = writeln!(
            std::io::stderr(),
            "\nstopping after this step; press Ctrl-C again to stop at once"
        );
    });
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
