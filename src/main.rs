//! The `plae` command: everything is in the library's `cli`.

fn main() -> std::process::ExitCode {
    plae::cli::run(std::env::args_os(), startup::is_stdout_closed())
}

/// Finds out whether standard output was closed when the program was started. Before `main`, Rust's runtime opens
/// `/dev/null` in place of a closed stream, so that every write seems to succeed; therefore the state is read in a
/// function that the loader calls earlier.
#[cfg(target_os = "linux")]
mod startup {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    static STDOUT_CLOSED: AtomicBool = AtomicBool::new(false);

    /// The loader calls the functions of this section before `main`.
    #[used]
    #[expect(
        unsafe_code,
        reason = "a section cannot be named otherwise; the function itself is safe"
    )]
    #[unsafe(link_section = ".init_array")]
    static READ_STATE: extern "C" fn() = read_state;

    extern "C" fn read_state() {
        // Without /proc nothing is known, and the stream counts as open.
        let closed =
            std::fs::symlink_metadata("/proc/self").is_ok() && std::fs::symlink_metadata("/proc/self/fd/1").is_err();
        STDOUT_CLOSED.store(closed, Relaxed);
    }

    pub fn is_stdout_closed() -> bool {
        STDOUT_CLOSED.load(Relaxed)
    }
}

#[cfg(not(target_os = "linux"))]
mod startup {
    pub fn is_stdout_closed() -> bool {
        false
    }
}
