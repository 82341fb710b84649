//! The connections of clients: their number is limited, useless ones are closed, a shutdown waits only for calls, and TLS
//! tells who may connect.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics if its setup fails")]

mod limits;
mod support;
mod tls;
mod tls_files;
