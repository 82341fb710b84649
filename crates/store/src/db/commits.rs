//! Who is told of the writes of this process: the answers from memory, which must not be older than an acknowledged write.

use std::{
    fmt,
    sync::{PoisonError, RwLock},
};

use rollcall_domain::OrganizationId;

type Observer = Box<dyn Fn(&OrganizationId, i64) + Send + Sync>;

/// The observers of the writes.
#[derive(Default)]
pub(super) struct Commits(RwLock<Vec<Observer>>);

impl Commits {
    pub(super) fn add(&self, observer: Observer) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(observer);
    }

    /// Tells every observer that an organization may have a new revision.
    pub(super) fn report(&self, organization: &OrganizationId, revision: i64) {
        for observer in self.0.read().unwrap_or_else(PoisonError::into_inner).iter() {
            observer(organization, revision);
        }
    }
}

impl fmt::Debug for Commits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Commits")
    }
}
