//! How the connections of a process are divided: checks of email export and heartbeats of jobs have connections of their
//! own. Of the others, reads and streams may use only a part, so that some are always left for changes, and one
//! organization may use only a part of that.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rollcall_domain::OrganizationId;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::queue::{Queues, Turn};
use crate::{Error, Result};

/// With fewer connections than this, all work shares them.
const DIVIDED: usize = 8;

/// How many connections each kind of work may use. 0 means the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionShares {
    /// For checks of email export only. By default a quarter of the connections. At least two connections are left for
    /// the other work.
    pub checks: usize,
    /// For reads of organizations, at most. By default half of the connections for other work.
    pub reads: usize,
    /// For streams, at most. By default a quarter of the connections for other work.
    pub streams: usize,
    /// For directory syncs and imports, at most. By default a quarter of the connections for other work.
    pub bulk: usize,
    /// The part of the reads' and of the streams' connections that one organization may use, in percent; at least one
    /// connection.
    pub organization_percent: u32,
}

impl Default for ConnectionShares {
    fn default() -> Self {
        Self { checks: 0, reads: 0, streams: 0, bulk: 0, organization_percent: 50 }
    }
}

/// The numbers of connections of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    /// For checks of email export only; 0 if they share the connections of the other work.
    pub(super) checks: usize,
    /// For heartbeats of jobs only; 0 if they share the connections of the other work.
    pub(super) heartbeats: usize,
    /// For all other work.
    pub(super) others: usize,
    /// For reads, out of the connections for other work.
    pub(super) reads: usize,
    /// For streams, out of the connections for other work.
    pub(super) streams: usize,
    /// For bulk writes, out of the connections for other work.
    pub(super) bulk: usize,
}

impl Shares {
    /// Divides the connections of a process.
    pub(super) fn of(connections: usize, given: ConnectionShares) -> Self {
        let or_default = |given: usize, default: usize| if given == 0 { default } else { given };
        let (checks, heartbeats) = match connections {
            0..DIVIDED => (0, 0),
            _ => (or_default(given.checks, connections / 4).min(connections - 3), 1),
        };
        let others = connections - checks - heartbeats;
        let part = |given, default: usize| or_default(given, default).clamp(1, others.max(1));
        let reads = part(given.reads, if heartbeats == 0 { others } else { others / 2 });
        let (streams, bulk) = (part(given.streams, others / 4), part(given.bulk, others / 4));
        Self { checks, heartbeats, others, reads, streams, bulk }
    }
}

/// Returns the part of a number that one organization may have, at least 1.
fn part_of(number: usize, percent: u32) -> usize {
    (number * usize::try_from(percent).unwrap_or(100)).div_ceil(100).max(1)
}

/// The open streams, each of which holds a connection.
#[derive(Debug)]
pub(super) struct StreamBudget {
    max: usize,
    organization_max: usize,
    open: Mutex<HashMap<OrganizationId, usize>>,
}

impl StreamBudget {
    /// A budget of this number of streams, of which one organization gets a part.
    pub(super) fn new(max: usize, organization_percent: u32) -> Self {
        Self { max, organization_max: part_of(max, organization_percent), open: Mutex::default() }
    }

    /// Takes a place for a stream of an organization.
    ///
    /// # Errors
    /// [`Error::TooManyStreams`] when the server or the organization has no place left.
    pub(super) fn take(self: &Arc<Self>, organization: &OrganizationId) -> Result<StreamPlace> {
        let mut open = self.lock();
        let of_organization = open.get(organization).copied().unwrap_or_default();
        if open.values().sum::<usize>() >= self.max || of_organization >= self.organization_max {
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

/// The connections that reads of organizations use. A read waits for its turn before it takes a connection: first for
/// one of its organization's turns, then for one of the server's.
#[derive(Debug)]
pub(super) struct ReadBudget {
    max: usize,
    turns: Arc<Semaphore>,
    organizations: Arc<Queues>,
}

impl ReadBudget {
    /// A budget of this number of reads, of which one organization gets a part.
    pub(super) fn new(max: usize, organization_percent: u32) -> Self {
        let organizations = Arc::new(Queues::new(part_of(max, organization_percent)));
        Self { max, turns: Arc::new(Semaphore::new(max)), organizations }
    }

    /// Waits until a read of an organization may take a connection.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the turn does not come until `deadline`.
    pub(super) async fn wait(&self, organization: &OrganizationId, deadline: Instant) -> Result<ReadTurn> {
        let late = || Error::Unavailable("other reads use all connections that reads may use".into());
        let place = self.organizations.join(organization);
        let turn = place.wait(deadline).await.ok_or_else(late)?;
        let permit = tokio::time::timeout_at(deadline, self.turns.clone().acquire_owned()).await;
        let permit = permit.ok().and_then(std::result::Result::ok).ok_or_else(late)?;
        Ok(ReadTurn { _permit: permit, _turn: turn })
    }

    /// Returns how many reads use a connection.
    pub(super) fn count(&self) -> usize {
        self.max - self.turns.available_permits()
    }
}

/// The turn of a read. Dropping the value gives it to the next one.
#[derive(Debug)]
pub(super) struct ReadTurn {
    _permit: OwnedSemaphorePermit,
    _turn: Turn,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn checks_and_heartbeats_have_connections_of_their_own() {
        let shares = |connections| Shares::of(connections, ConnectionShares::default());
        assert_eq!(shares(16), Shares { checks: 4, heartbeats: 1, others: 11, reads: 5, streams: 2, bulk: 2 });
        assert_eq!(shares(8), Shares { checks: 2, heartbeats: 1, others: 5, reads: 2, streams: 1, bulk: 1 });
        assert_eq!(shares(7), Shares { checks: 0, heartbeats: 0, others: 7, reads: 7, streams: 1, bulk: 1 });
        assert_eq!(shares(1), Shares { checks: 0, heartbeats: 0, others: 1, reads: 1, streams: 1, bulk: 1 });
    }

    #[test]
    fn given_shares_leave_two_connections_for_other_work() {
        let given = ConnectionShares { checks: 100, reads: 3, streams: 100, bulk: 1, organization_percent: 50 };
        assert_eq!(
            Shares::of(16, given),
            Shares { checks: 13, heartbeats: 1, others: 2, reads: 2, streams: 2, bulk: 1 }
        );
        let given = ConnectionShares { checks: 2, ..given };
        assert_eq!(
            Shares::of(16, given),
            Shares { checks: 2, heartbeats: 1, others: 13, reads: 3, streams: 13, bulk: 1 }
        );
    }

    #[test]
    fn one_organization_gets_a_part_of_the_streams() {
        let (acme, beta) = (OrganizationId::trusted("acme"), OrganizationId::trusted("beta"));
        let budget = Arc::new(StreamBudget::new(4, 50));
        let open = [budget.take(&acme).unwrap(), budget.take(&acme).unwrap()];
        assert!(matches!(budget.take(&acme), Err(Error::TooManyStreams(_))));
        let others = [budget.take(&beta).unwrap(), budget.take(&beta).unwrap()];
        assert!(matches!(budget.take(&OrganizationId::trusted("gamma")), Err(Error::TooManyStreams(_))));
        assert_eq!(budget.count(), 4);
        drop((open, others));
        assert!(budget.lock().is_empty());
    }

    #[tokio::test]
    async fn reads_of_one_organization_leave_turns_for_the_others() {
        let (acme, beta) = (OrganizationId::trusted("acme"), OrganizationId::trusted("beta"));
        let budget = ReadBudget::new(3, 50);
        let soon = || Instant::now() + Duration::from_secs(30);
        let first = budget.wait(&acme, soon()).await.unwrap();
        let _second = budget.wait(&acme, soon()).await.unwrap();
        assert!(matches!(budget.wait(&acme, Instant::now()).await, Err(Error::Unavailable(_))));
        let _third = budget.wait(&beta, soon()).await.unwrap();
        assert!(matches!(budget.wait(&beta, Instant::now()).await, Err(Error::Unavailable(_))));
        assert_eq!(budget.count(), 3);
        let (waiting, ()) = tokio::join!(budget.wait(&beta, soon()), async { drop(first) });
        waiting.unwrap();
    }
}
