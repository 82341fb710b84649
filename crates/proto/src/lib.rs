//! The contract of `proto/rollcall/v1` as Rust code, which is generated at build time. Nothing is written by hand. The
//! comments of the `.proto` files are its documentation.

/// The package `rollcall.v1`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::too_many_lines, rustdoc::all)]
pub mod v1 {
    tonic::include_proto!("rollcall.v1");
}

/// The descriptor set of the package, with source information and method options, for
/// reflection and for tests that walk the contract.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rollcall_descriptor.bin"));
