//! The error of a template that asks for something that cannot be done.

use minijinja::{Error, ErrorKind};

/// Makes the error for an operation that fails, or that goes beyond a limit.
pub fn failure(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}
