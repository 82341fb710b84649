//! The gRPC transport: reads requests, calls the use cases, renders the answers; deadlines,
//! spans, health and reflection.

mod convert;
mod layers;
mod masks;
mod names;
mod request;
mod server;
mod services;
mod status;
mod streams;
mod tokens;
mod whole;

pub use server::{Error, serve};
