//! The queue of the writes of each organization in this process. A write waits here before it takes a connection, so that
//! a locked organization cannot use up the connections of the others.
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

/// The queues of the organizations that are being written.
#[derive(Debug, Default)]
pub(super) struct WriteQueues(Mutex<HashMap<OrganizationId, Queue>>);

#[derive(Debug)]
struct Queue {
    turn: Arc<Semaphore>,
    /// The writes that wait for the turn or have it.
    writes: usize,
}

impl WriteQueues {
    /// Takes a place in the queue of an organization.
    ///
    /// # Errors
    /// [`Error::QueueFull`] when more than `waiting_max` writes would wait.
    pub(super) fn join(self: &Arc<Self>, organization: &OrganizationId, waiting_max: usize) -> Result<Place> {
        let mut queues = self.lock();
        let queue = queues
            .entry(organization.clone())
            .or_insert_with(|| Queue { turn: Arc::new(Semaphore::new(1)), writes: 0 });
        // One write has the turn, and the others wait.
        if queue.writes > waiting_max {
            return Err(Error::QueueFull(organization.clone()));
        }
        queue.writes += 1;
        let turn = queue.turn.clone();
        Ok(Place { queues: self.clone(), organization: organization.clone(), turn })
    }

    /// Returns how many writes of an organization wait for the turn or have it.
    pub(super) fn count(&self, organization: &OrganizationId) -> usize {
        self.lock().get(organization).map_or(0, |queue| queue.writes)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrganizationId, Queue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue of an organization. Dropping the value leaves the queue.
#[derive(Debug)]
pub(super) struct Place {
    queues: Arc<WriteQueues>,
    organization: OrganizationId,
    turn: Arc<Semaphore>,
}

impl Place {
    /// Waits for the turn. The turns are given in the order in which the writes began to wait.
    ///
    /// # Errors
    /// [`Error::LockTimeout`] when the turn does not come until `deadline`.
    pub(super) async fn wait(self, deadline: Instant) -> Result<Turn> {
        let waiting = tokio::time::timeout_at(deadline, self.turn.clone().acquire_owned());
        match waiting.await {
            Ok(Ok(permit)) => Ok(Turn { _permit: permit, _place: self }),
            // Nothing closes the semaphore.
            Ok(Err(_)) | Err(_) => Err(Error::LockTimeout(self.organization.clone())),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Entry::Occupied(mut queue) = self.queues.lock().entry(self.organization.clone()) {
            queue.get_mut().writes -= 1;
            if queue.get().writes == 0 {
                queue.remove();
            }
        }
    }
}

/// The turn of one write. Dropping the value gives the turn to the next one.
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
        let (queues, acme) = (Arc::new(WriteQueues::default()), OrganizationId::trusted("acme"));
        let turn = queues.join(&acme, 1).unwrap().wait(soon()).await.unwrap();
        let waiting = queues.join(&acme, 1).unwrap();
        assert!(matches!(queues.join(&acme, 1), Err(Error::QueueFull(_))));
        queues.join(&OrganizationId::trusted("beta"), 1).unwrap().wait(soon()).await.unwrap();
        let late = waiting.wait(Instant::now()).await;
        assert!(matches!(late, Err(Error::LockTimeout(_))));
        assert_eq!(queues.count(&acme), 1);
        drop(turn);
        assert!(queues.lock().is_empty());
    }

    #[tokio::test]
    async fn the_turn_goes_to_the_write_that_waits_longest() {
        let (queues, acme) = (Arc::new(WriteQueues::default()), OrganizationId::trusted("acme"));
        let turn = queues.join(&acme, 9).unwrap().wait(soon()).await.unwrap();
        let order = Mutex::new(Vec::new());
        let wait = async |number: usize| {
            let turn = queues.join(&acme, 9).unwrap().wait(soon()).await.unwrap();
            order.lock().unwrap().push(number);
            drop(turn);
        };
        let abandoned = tokio::time::timeout(Duration::from_millis(1), wait(0));
        assert!(abandoned.await.is_err());
        tokio::join!(wait(1), wait(2), wait(3), async { drop(turn) });
        assert_eq!(*order.lock().unwrap(), [1, 2, 3]);
    }
}
