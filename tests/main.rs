//! The built program, run whole: exit code, standard output, standard error, and the files it leaves.

mod it;
