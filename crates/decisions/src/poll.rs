//! The poll: at short intervals the store is asked for the versions of the organizations in memory. Those that have changed
//! are refreshed; the others are confirmed to be current.
//!
//! The poll compares versions, so it cannot miss a write, in whatever order writes commit. Nothing is asked while no
//! organization is in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use rollcall_domain::OrganizationId;
use rollcall_store::decisions::{self, Version};
use tokio::{sync::Notify, time::timeout};

use crate::engine::DecisionEngine;

/// Polls until the engine is dropped.
pub(crate) async fn run(engine: Weak<DecisionEngine>, wake: Arc<Notify>, interval: Duration) {
    loop {
        let Some(has_loaded) = engine.upgrade().map(|engine| engine.catalog.has_loaded()) else { return };
        if !has_loaded {
            wake.notified().await;
            continue;
        }
        tokio::time::sleep(interval).await;
        let Some(engine) = engine.upgrade() else { return };
        poll(&engine).await;
    }
}

async fn poll(engine: &Arc<DecisionEngine>) {
    let loaded = engine.catalog.list_loaded();
    if loaded.is_empty() {
        return;
    }
    let organizations: Vec<OrganizationId> = loaded.iter().map(|(slot, _)| slot.organization.clone()).collect();
    let asked = engine.clock.now();
    let asking = decisions::list_versions(&engine.db, &organizations);
    let versions = match timeout(engine.options.poll_limit(), asking).await {
        Ok(Ok(versions)) => versions,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a poll has failed");
            return engine.set_store_gone(true);
        }
        Err(_) => return engine.set_store_gone(true),
    };
    engine.set_store_gone(false);
    let versions: HashMap<OrganizationId, Version> = versions.into_iter().collect();
    for (slot, loaded) in loaded {
        match versions.get(&slot.organization) {
            Some(version) if *version == loaded.snapshot.version() => loaded.confirm(asked),
            Some(_) => drop(engine.refresh(&slot)),
            // A restored backup does not have the organization.
            None => engine.catalog.remove(&slot),
        }
    }
}
