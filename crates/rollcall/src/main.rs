//! The program `rollcall`. The library of this package contains everything that the program does.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Gives the memory of a large call back to the system after the call. The allocator of glibc would keep it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    rollcall::main()
}
