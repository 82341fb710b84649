//! The place of one organization: its snapshot, and the load or refresh that is under way.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwapOption;
use futures::{FutureExt as _, future::BoxFuture, future::Shared};
use rollcall_domain::OrganizationId;
use tokio::{task::AbortHandle, time::Instant};

use crate::{Error, Result, Snapshot};

/// The clock of the answers' ages. Times are nanoseconds since the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// A snapshot with the time at which it was the newest state.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) snapshot: Snapshot,
    /// A time of the [`Clock`] at which the store was not ahead of the snapshot.
    confirmed: AtomicU64,
}

impl Loaded {
    /// A snapshot that was read from the store after `asked`.
    pub(crate) fn new(snapshot: Snapshot, asked: u64) -> Self {
        Self { snapshot, confirmed: AtomicU64::new(asked) }
    }

    /// Notes that the store, asked at `asked` or later, was not ahead of the snapshot.
    pub(crate) fn confirm(&self, asked: u64) {
        self.confirmed.fetch_max(asked, Ordering::AcqRel);
    }

    pub(crate) fn confirmed(&self) -> u64 {
        self.confirmed.load(Ordering::Acquire)
    }
}

/// A load or refresh, for which any number of callers wait.
type Refresh = Shared<BoxFuture<'static, Result<Refreshed>>>;

/// What a load or refresh has found.
#[derive(Clone, Debug)]
pub(crate) enum Refreshed {
    /// The newest state of the organization.
    Loaded(Arc<Loaded>),
    /// The organization needs too much memory.
    TooLarge,
}

/// The place of one organization.
pub(crate) struct Slot {
    pub(crate) organization: OrganizationId,
    pub(crate) loaded: ArcSwapOption<Loaded>,
    /// The newest revision that this process has acknowledged: an older snapshot must not answer.
    required: AtomicI64,
    /// When the organization was last asked about.
    used: AtomicU64,
    /// Until when the organization is answered from the store, because it needs too much memory.
    too_large_until: AtomicU64,
    running: Mutex<Option<(AbortHandle, Refresh)>>,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("organization", &self.organization).finish_non_exhaustive()
    }
}

impl Slot {
    pub(crate) fn new(organization: OrganizationId) -> Self {
        let [used, too_large_until] = [AtomicU64::new(0), AtomicU64::new(0)];
        let (loaded, required, running) = (ArcSwapOption::empty(), AtomicI64::new(0), Mutex::new(None));
        Self { organization, loaded, required, used, too_large_until, running }
    }

    pub(crate) fn note_use(&self, now: u64) {
        self.used.store(now, Ordering::Relaxed);
    }

    pub(crate) fn last_used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// The memory of the snapshot, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.loaded.load().as_ref().map_or(0, |loaded| loaded.snapshot.bytes())
    }

    pub(crate) fn required(&self) -> i64 {
        self.required.load(Ordering::Acquire)
    }

    /// No answer may be older than this revision from now on.
    pub(crate) fn require(&self, revision: i64) {
        self.required.fetch_max(revision, Ordering::AcqRel);
    }

    /// Gives up a required revision that the store does not have: its commit has failed, or an older backup was restored.
    pub(crate) fn forget_required(&self, required: i64) {
        let _ = self.required.compare_exchange(required, 0, Ordering::AcqRel, Ordering::Acquire);
    }

    pub(crate) fn set_too_large(&self, until: u64) {
        self.too_large_until.store(until, Ordering::Relaxed);
    }

    pub(crate) fn is_too_large(&self, now: u64) -> bool {
        now < self.too_large_until.load(Ordering::Relaxed)
    }

    /// Returns the refresh that is under way, or starts one. It runs to its end in a task of its own, whether its callers
    /// wait or not.
    pub(crate) fn refresh<F>(&self, start: impl FnOnce() -> F) -> Refresh
    where
        F: Future<Output = Result<Refreshed>> + Send + 'static,
    {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, refresh)) = running.as_ref().filter(|(task, _)| !task.is_finished()) {
            return refresh.clone();
        }
        let task = tokio::spawn(start());
        let handle = task.abort_handle();
        let ended = async { task.await.unwrap_or_else(|error| Err(Error::unavailable(error))) };
        let refresh = ended.boxed().shared();
        *running = Some((handle, refresh.clone()));
        refresh
    }
}
