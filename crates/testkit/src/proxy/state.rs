//! The state of a proxy, which its connections share, and the faults that change it.

use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

/// The direction of bytes through a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the service to the database: statements.
    ToDatabase,
    /// From the database to the service: results.
    ToService,
}

/// A fault of the connections through a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// All connections are closed. New connections are accepted.
    Cut,
    /// No bytes are passed, and no connection is closed, as if the other side were dead or slow. New connections are
    /// accepted.
    Silence,
    /// All connections are closed, and new connections are refused.
    Refuse,
}

/// A fault that the proxy injects after a number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultTrigger {
    /// The direction of the counted bytes.
    pub direction: Direction,
    /// The number of bytes, over all connections, before the fault. No byte beyond them is passed.
    pub bytes: u64,
    /// The fault.
    pub fault: Fault,
}

/// Where the database listens.
pub(super) enum ForwardAddress {
    /// The path of a socket.
    Unix(PathBuf),
    /// A host and a port.
    Tcp(String, u16),
}

/// The data that the connections of a proxy share.
pub(super) struct ProxyShared {
    pub(super) database: ForwardAddress,
    pub(super) state: Mutex<ProxyState>,
    /// Counts the changes of `state`, so that connections notice them.
    pub(super) changed: watch::Sender<u64>,
}

/// The current state of a proxy.
#[derive(Debug, Default)]
pub(super) struct ProxyState {
    /// The generation of open connections. Connections of an earlier generation are closed.
    pub(super) generation: u64,
    pub(super) silent: bool,
    /// Whether the database side of silent connections is closed.
    pub(super) database_side_closed: bool,
    pub(super) refusing: bool,
    pub(super) trigger: Option<FaultTrigger>,
    /// Whether the trigger has injected its fault.
    pub(super) triggered: bool,
    /// The bytes passed in each [`Direction`].
    pub(super) bytes_passed: [u64; 2],
}

impl ProxyShared {
    pub(super) fn lock(&self) -> MutexGuard<'_, ProxyState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn notify_connections(&self) {
        self.changed.send_modify(|changes| *changes += 1);
    }

    pub(super) fn inject(&self, fault: Fault) {
        let mut state = self.lock();
        match fault {
            Fault::Cut => state.generation += 1,
            Fault::Silence => state.silent = true,
            Fault::Refuse => {
                state.generation += 1;
                state.refusing = true;
            }
        }
        drop(state);
        self.notify_connections();
    }

    /// Returns how many of `bytes` may be passed, and counts them as passed. If the trigger allows only a part of the
    /// bytes, its fault is injected.
    pub(super) fn allow(&self, direction: Direction, bytes: usize) -> usize {
        let mut state = self.lock();
        let mut allowed = bytes;
        let mut fault = None;
        if let Some(trigger) = state.trigger.as_mut().filter(|trigger| trigger.direction == direction) {
            let left = usize::try_from(trigger.bytes).unwrap_or(usize::MAX);
            if left < bytes {
                (allowed, fault) = (left, Some(trigger.fault));
            } else {
                trigger.bytes -= bytes as u64;
            }
        }
        state.bytes_passed[direction as usize] += allowed as u64;
        if fault.is_some() {
            state.trigger = None;
        }
        drop(state);
        if let Some(fault) = fault {
            self.inject(fault);
            self.lock().triggered = true;
        }
        allowed
    }
}
