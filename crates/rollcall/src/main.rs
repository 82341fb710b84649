//! The program `rollcall`. The library of this package contains everything that the program does.

use std::process::ExitCode;

fn main() -> ExitCode {
    rollcall::main()
}
