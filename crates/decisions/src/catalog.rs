//! The organizations in memory, and which of them are dropped when they need too much memory.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use rollcall_domain::OrganizationId;

use crate::slot::{Loaded, Slot};

/// The organizations in memory.
#[derive(Debug, Default)]
pub(crate) struct SnapshotCatalog {
    places: RwLock<Places>,
}

#[derive(Debug, Default)]
struct Places {
    slots: HashMap<OrganizationId, Arc<Slot>>,
    /// The memory of all snapshots, in bytes.
    bytes: usize,
}

impl Places {
    fn has(&self, slot: &Arc<Slot>) -> bool {
        self.slots.get(&slot.organization).is_some_and(|own| Arc::ptr_eq(own, slot))
    }

    fn remove(&mut self, slot: &Arc<Slot>) {
        if self.has(slot) {
            self.slots.remove(&slot.organization);
            self.bytes -= slot.bytes();
        }
    }

    /// Returns the organization that was not used for the longest time, other than `slot`.
    fn find_oldest(&self, slot: &Arc<Slot>) -> Option<Arc<Slot>> {
        let others = self.slots.values().filter(|other| !Arc::ptr_eq(other, slot) && other.bytes() > 0);
        others.min_by_key(|other| other.last_used()).cloned()
    }
}

impl SnapshotCatalog {
    /// Returns the place of an organization, if it has one.
    pub(crate) fn find(&self, organization: &OrganizationId) -> Option<Arc<Slot>> {
        self.read().slots.get(organization).cloned()
    }

    /// Returns the place of an organization, which is made if there is none.
    pub(crate) fn find_or_add(&self, organization: &OrganizationId) -> Arc<Slot> {
        if let Some(slot) = self.find(organization) {
            return slot;
        }
        let new = || Arc::new(Slot::new(organization.clone()));
        self.write().slots.entry(organization.clone()).or_insert_with(new).clone()
    }

    /// Returns every organization that has a snapshot, with the snapshot.
    pub(crate) fn list_loaded(&self) -> Vec<(Arc<Slot>, Arc<Loaded>)> {
        self.read().slots.values().filter_map(|slot| Some((slot.clone(), slot.loaded.load_full()?))).collect()
    }

    /// Whether an organization has a snapshot.
    pub(crate) fn has_loaded(&self) -> bool {
        self.read().bytes > 0
    }

    /// Removes the place of an organization.
    pub(crate) fn remove(&self, slot: &Arc<Slot>) {
        self.write().remove(slot);
    }

    /// Puts a snapshot in the place of its organization, unless the place was removed in the meantime. Removes other
    /// organizations while all snapshots need more than `max` bytes: first the one that was not used for the longest time.
    pub(crate) fn put(&self, slot: &Arc<Slot>, loaded: Option<Arc<Loaded>>, max: usize) {
        let mut places = self.write();
        if !places.has(slot) {
            return;
        }
        places.bytes -= slot.bytes();
        slot.loaded.store(loaded);
        places.bytes += slot.bytes();
        while places.bytes > max {
            let Some(oldest) = places.find_oldest(slot) else { break };
            places.remove(&oldest);
            tracing::debug!(organization = %oldest.organization, "dropped from the memory of decisions");
        }
    }

    /// Returns the number of snapshots, and their memory in bytes.
    pub(crate) fn usage(&self) -> (usize, usize) {
        let places = self.read();
        (places.slots.values().filter(|slot| slot.bytes() > 0).count(), places.bytes)
    }

    fn read(&self) -> RwLockReadGuard<'_, Places> {
        self.places.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Places> {
        self.places.write().unwrap_or_else(PoisonError::into_inner)
    }
}
