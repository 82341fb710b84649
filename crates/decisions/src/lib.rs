//! Email export decisions, answered from memory and kept fresh from the store.
//!
//! * [`Decisions`] keeps a [`Snapshot`] of each organization that was asked about: who holds which address, and what each
//!   member's setting is. It loads a snapshot on first use, follows the organization's writes, and drops the snapshots that
//!   were not used for the longest time when they need too much memory.
//! * The rules are in `rollcall-domain`. This crate only decides which state they are applied to, and how old it may be.
//!   Without a state that is fresh enough there is an [`Error`], and then nothing may be exported.

mod catalog;
mod digest;
mod engine;
mod error;
mod listen;
mod options;
mod poll;
mod read;
mod shared_array;
mod slot;
mod snapshot;
mod view;

pub use engine::{Decisions, Usage};
pub use error::Error;
pub use options::DecisionOptions;
pub use rollcall_store::email_export::SubjectKey;
pub use snapshot::Snapshot;
pub use view::{Consistency, Freshness, View};

/// The result of a question.
pub type Result<T> = std::result::Result<T, Error>;
