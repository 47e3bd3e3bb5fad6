//! Ctrl-C: the first press lets the current step end, the second ends the program.

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// True while the work in hand looks at [`requested`] and ends by itself.
static PATIENT: AtomicBool = AtomicBool::new(false);
static REQUESTED: AtomicBool = AtomicBool::new(false);

/// The exit code of an interrupted run.
pub const EXIT_CODE: u8 = 130;

/// Takes over Ctrl-C for the process. Where that fails the system's own way stands, which ends the program at once.
pub fn install() {
    let _ = ctrlc::set_handler(|| {
        if REQUESTED.swap(true, SeqCst) || !PATIENT.load(SeqCst) {
            crate::file::abandon();
            std::process::exit(EXIT_CODE.into());
        }
        // No printer here: this is a thread of its own, and standard error may be closed.
        let _ = writeln!(
            std::io::stderr(),
            "\nstopping after this step; press Ctrl-C again to stop at once"
        );
    });
}

/// Tells whether Ctrl-C was pressed.
pub fn requested() -> bool {
    REQUESTED.load(SeqCst)
}

/// Gives the answer of an observer of progress: `Break` once Ctrl-C was pressed.
pub fn flow() -> ControlFlow<()> {
    if requested() {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

/// While this lives, the first Ctrl-C only sets [`requested`].
pub struct Patience(());

/// Asks for time to end the work in hand.
pub fn patience() -> Patience {
    PATIENT.store(true, SeqCst);
    Patience(())
}

impl Drop for Patience {
    fn drop(&mut self) {
        PATIENT.store(false, SeqCst);
    }
}
