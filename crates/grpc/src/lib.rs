//! The gRPC transport: reads requests, calls the use cases, renders the answers; deadlines,
//! spans, health and reflection.

mod asked;
mod convert;
#[cfg(test)]
mod fuzz;
mod layers;
mod masks;
mod names;
mod request;
mod seen;
mod server;
mod services;
mod status;
mod streams;
mod tokens;
mod trailers;
mod whole;

pub use server::{Error, serve};
