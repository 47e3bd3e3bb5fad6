//! The command line: arguments, configuration, printing, exit codes.
