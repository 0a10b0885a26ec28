//! The program as its users see it: processes, files, signals, exit codes.

mod imports;
mod program;
mod settings;
mod token;
mod trace;
mod trace_file;
mod up;
