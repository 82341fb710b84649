//! What a question asks for, and the state that answers it.

use std::{sync::Arc, time::Duration};

use rollcall_domain::{Timestamp, email_export::Decision};
use rollcall_store::email_export::SubjectKey;

use crate::{Snapshot, slot::Loaded};

/// How fresh the answer must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// The answer is not older than this revision.
    pub at_least: Option<i64>,
    /// Where the answer may come from.
    pub consistency: Consistency,
}

/// Where an answer may come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// From memory, if memory is as fresh as the operator has decided.
    #[default]
    Bounded,
    /// From the store, read after the question came.
    Full,
}

/// The state of an organization that answers questions about it.
#[derive(Clone, Debug)]
pub struct View {
    state: State,
    age: Duration,
}

#[derive(Clone, Debug)]
enum State {
    Memory(Arc<Loaded>),
    /// Knows only what the questions need.
    Store(Arc<Snapshot>),
}

impl View {
    pub(crate) fn of_memory(loaded: Arc<Loaded>, age: Duration) -> Self {
        Self { state: State::Memory(loaded), age }
    }

    pub(crate) fn of_store(snapshot: Snapshot, age: Duration) -> Self {
        Self { state: State::Store(Arc::new(snapshot)), age }
    }

    /// The revision that the answers are from.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.snapshot().revision()
    }

    /// How old the answers may be: the time since this state was known to be the newest one.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.age
    }

    /// Whether the answers come from memory, and not from a query of the store.
    #[must_use]
    pub fn is_from_memory(&self) -> bool {
        matches!(self.state, State::Memory(_))
    }

    /// Decides whether an email may be exported. The subject is one of those that the view was made for.
    #[must_use]
    pub fn decide(&self, subject: &SubjectKey, sent: Option<Timestamp>) -> Decision<&str> {
        self.snapshot().decide(subject, sent)
    }

    fn snapshot(&self) -> &Snapshot {
        match &self.state {
            State::Memory(loaded) => &loaded.snapshot,
            State::Store(snapshot) => snapshot,
        }
    }
}
