//! The built program, run whole: exit code, standard output, standard error, and the files it leaves.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod it;
