//! The gRPC transport: checks who may call, parses requests, calls the use cases, renders the answers; budgets, deadlines, spans, health and
//! reflection.

mod access;
mod budgets;
mod call;
mod checks;
mod connections;
mod convert;
mod deadline;
#[cfg(test)]
mod fuzz;
mod health;
mod layers;
mod list_cursor;
mod masks;
mod mutation;
mod pages;
mod requests;
mod server;
mod services;
mod status;
mod stream_completion;
mod streams;
mod tokens;
mod trailers;

pub use access::AccessControl;
pub use budgets::{CallBudgets, CallLimits, CallUse};
pub use connections::{
    ClientAuth, ConnectionLimits, RefusedCause, RefusedConnections, ServerListener, ServerTls, TlsChanges, TlsError,
    TlsFiles,
};
pub use rollcall_decisions::DecisionOptions;
pub use server::{Error, ServerLimits, serve, serve_health};
