//! The `aam-backup` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    aam_auto_backup::main()
}
