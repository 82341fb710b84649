//! How the connections of a process are divided: the checks of email export and the heartbeats of jobs have connections
//! of their own, and long streams may use only some of the others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rollcall_domain::OrganizationId;

use crate::{Error, Result};

/// With fewer connections than this, all work shares them.
const DIVIDED: usize = 8;

/// The numbers of connections of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    /// For checks of email export only; 0 if they share the connections of the other work.
    pub(super) checks: usize,
    /// For heartbeats of jobs only; 0 if they share the connections of the other work.
    pub(super) heartbeats: usize,
    /// For all other work.
    pub(super) others: usize,
}

impl Shares {
    /// Divides the connections of a process: a quarter for checks, and one for heartbeats.
    pub(super) fn of(connections: usize) -> Self {
        if connections < DIVIDED {
            return Self { checks: 0, heartbeats: 0, others: connections };
        }
        let checks = connections / 4;
        Self { checks, heartbeats: 1, others: connections - checks - 1 }
    }

    /// Returns how many streams may be open at a time: half of the connections for other work.
    pub(super) fn streams(self) -> usize {
        (self.others / 2).max(1)
    }
}

/// The open streams, each of which holds a connection.
#[derive(Debug)]
pub(super) struct StreamBudget {
    max: usize,
    open: Mutex<HashMap<OrganizationId, usize>>,
}

impl StreamBudget {
    /// A budget of this number of streams. One organization gets half of it.
    pub(super) fn new(max: usize) -> Self {
        Self { max, open: Mutex::default() }
    }

    /// Takes a place for a stream of an organization.
    ///
    /// # Errors
    /// [`Error::TooManyStreams`] when the server or the organization has no place left.
    pub(super) fn take(self: &Arc<Self>, organization: &OrganizationId) -> Result<StreamPlace> {
        let mut open = self.lock();
        let of_organization = open.get(organization).copied().unwrap_or_default();
        if open.values().sum::<usize>() >= self.max || of_organization >= self.max.div_ceil(2) {
            return Err(Error::TooManyStreams(organization.clone()));
        }
        open.insert(organization.clone(), of_organization + 1);
        Ok(StreamPlace { budget: self.clone(), organization: organization.clone() })
    }

    /// Returns how many streams are open.
    pub(super) fn count(&self) -> usize {
        self.lock().values().sum()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrganizationId, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of an open stream. Dropping the value gives it back.
#[derive(Debug)]
pub(crate) struct StreamPlace {
    budget: Arc<StreamBudget>,
    organization: OrganizationId,
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut open = self.budget.lock();
        match open.get_mut(&self.organization) {
            Some(number) if *number > 1 => *number -= 1,
            _ => drop(open.remove(&self.organization)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_and_heartbeats_have_connections_of_their_own() {
        assert_eq!(Shares::of(16), Shares { checks: 4, heartbeats: 1, others: 11 });
        assert_eq!(Shares::of(8), Shares { checks: 2, heartbeats: 1, others: 5 });
        assert_eq!(Shares::of(7), Shares { checks: 0, heartbeats: 0, others: 7 });
        assert_eq!((Shares::of(16).streams(), Shares::of(1).streams()), (5, 1));
    }

    #[test]
    fn one_organization_gets_half_of_the_streams() {
        let (acme, beta) = (OrganizationId::trusted("acme"), OrganizationId::trusted("beta"));
        let budget = Arc::new(StreamBudget::new(4));
        let open = [budget.take(&acme).unwrap(), budget.take(&acme).unwrap()];
        assert!(matches!(budget.take(&acme), Err(Error::TooManyStreams(_))));
        let others = [budget.take(&beta).unwrap(), budget.take(&beta).unwrap()];
        assert!(matches!(budget.take(&OrganizationId::trusted("gamma")), Err(Error::TooManyStreams(_))));
        assert_eq!(budget.count(), 4);
        drop((open, others));
        assert!(budget.lock().is_empty());
    }
}
