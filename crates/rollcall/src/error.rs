//! The error of a command. `rollcall-cli` defines it, so that all commands report errors in the same way.

pub(crate) use rollcall_cli::error::{Error, Result, with_causes};
