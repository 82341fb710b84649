//! The queues of each organization in this process: one of its writes, and one of its reads. A transaction waits here
//! before it takes a connection, so that one organization cannot use up the connections of the others.
//!
//! One write of an organization has the turn at a time. It tries the lock of the organization without waiting; while
//! another process holds the lock, it gives its connection back, pauses, and tries again.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rollcall_domain::OrganizationId;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};

use crate::{Error, Result};

/// The queues of the organizations for which a transaction waits or has a turn.
#[derive(Debug)]
pub(super) struct Queues {
    /// How many transactions of one organization have a turn at a time.
    turns: usize,
    queues: Mutex<HashMap<OrganizationId, Queue>>,
}

#[derive(Debug)]
struct Queue {
    turns: Arc<Semaphore>,
    /// The transactions that wait for a turn or have one.
    members: usize,
}

impl Queues {
    /// Queues in which this many transactions of one organization have a turn at a time.
    pub(super) fn new(turns: usize) -> Self {
        Self { turns, queues: Mutex::default() }
    }

    /// Takes a place in the queue of an organization.
    pub(super) fn join(self: &Arc<Self>, organization: &OrganizationId) -> Place {
        self.enter(&mut self.lock(), organization)
    }

    /// The same, if at most `waiting_max` transactions then wait.
    ///
    /// # Errors
    /// [`Error::QueueFull`] when more would wait.
    pub(super) fn join_if_short(self: &Arc<Self>, organization: &OrganizationId, waiting_max: usize) -> Result<Place> {
        let mut queues = self.lock();
        let members = queues.get(organization).map_or(0, |queue| queue.members);
        if members >= waiting_max.saturating_add(self.turns) {
            return Err(Error::QueueFull(organization.clone()));
        }
        Ok(self.enter(&mut queues, organization))
    }

    fn enter(self: &Arc<Self>, queues: &mut HashMap<OrganizationId, Queue>, organization: &OrganizationId) -> Place {
        let new = || Queue { turns: Arc::new(Semaphore::new(self.turns)), members: 0 };
        let queue = queues.entry(organization.clone()).or_insert_with(new);
        queue.members += 1;
        Place { queues: self.clone(), organization: organization.clone(), turns: queue.turns.clone() }
    }

    /// Returns how many transactions of an organization wait for a turn or have one.
    pub(super) fn count(&self, organization: &OrganizationId) -> usize {
        self.lock().get(organization).map_or(0, |queue| queue.members)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrganizationId, Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue of an organization. Dropping the value leaves the queue.
#[derive(Debug)]
pub(super) struct Place {
    queues: Arc<Queues>,
    organization: OrganizationId,
    turns: Arc<Semaphore>,
}

impl Place {
    /// Waits for a turn; `None` when it does not come until `deadline`. The turns are given in the order in which the
    /// transactions began to wait.
    pub(super) async fn wait(self, deadline: Instant) -> Option<Turn> {
        let waiting = tokio::time::timeout_at(deadline, self.turns.clone().acquire_owned());
        // Nothing closes the semaphore.
        let permit = waiting.await.ok()?.ok()?;
        Some(Turn { _permit: permit, _place: self })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Entry::Occupied(mut queue) = self.queues.lock().entry(self.organization.clone()) {
            queue.get_mut().members -= 1;
            if queue.get().members == 0 {
                queue.remove();
            }
        }
    }
}

/// The turn of one transaction. Dropping the value gives the turn to the next one.
#[derive(Debug)]
pub(super) struct Turn {
    // The permit is dropped before the place: the queue exists as long as its turn is taken.
    _permit: OwnedSemaphorePermit,
    _place: Place,
}

/// The longest pause between two attempts to lock an organization.
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// The growing pauses between attempts to lock an organization that another process has locked.
#[derive(Debug)]
pub(super) struct LockPauses {
    limit: Duration,
}

impl LockPauses {
    pub(super) fn new() -> Self {
        Self { limit: Duration::from_millis(10) }
    }

    /// Waits a random time, at most until `deadline`. The longest wait doubles with each pause.
    pub(super) async fn pause(&mut self, deadline: Instant) {
        let pause = self.limit.mul_f64(rand::random_range(0.2..=1.0));
        self.limit = (self.limit * 2).min(PAUSE_MAX);
        let left = deadline.saturating_duration_since(Instant::now());
        sleep(pause.min(left)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    #[tokio::test]
    async fn a_queue_is_bounded_and_removed_when_nobody_uses_it() {
        let (queues, acme) = (Arc::new(Queues::new(1)), OrganizationId::trusted("acme"));
        let turn = queues.join_if_short(&acme, 1).unwrap().wait(soon()).await.unwrap();
        let waiting = queues.join_if_short(&acme, 1).unwrap();
        assert!(matches!(queues.join_if_short(&acme, 1), Err(Error::QueueFull(_))));
        queues.join_if_short(&OrganizationId::trusted("beta"), 1).unwrap().wait(soon()).await.unwrap();
        assert!(waiting.wait(Instant::now()).await.is_none());
        assert_eq!(queues.count(&acme), 1);
        drop(turn);
        assert!(queues.lock().is_empty());
    }

    #[tokio::test]
    async fn the_turn_goes_to_the_write_that_waits_longest() {
        let (queues, acme) = (Arc::new(Queues::new(1)), OrganizationId::trusted("acme"));
        let turn = queues.join(&acme).wait(soon()).await.unwrap();
        let order = Mutex::new(Vec::new());
        let wait = async |number: usize| {
            let turn = queues.join(&acme).wait(soon()).await.unwrap();
            order.lock().unwrap().push(number);
            drop(turn);
        };
        let abandoned = tokio::time::timeout(Duration::from_millis(1), wait(0));
        assert!(abandoned.await.is_err());
        tokio::join!(wait(1), wait(2), wait(3), async { drop(turn) });
        assert_eq!(*order.lock().unwrap(), [1, 2, 3]);
    }
}
