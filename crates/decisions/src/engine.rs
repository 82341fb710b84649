//! The answers to questions: from memory if the snapshot is fresh enough, else from the store.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rollcall_domain::OrganizationId;
use rollcall_store::{Db, email_export::SubjectKey};
use tokio::{
    sync::{Notify, Semaphore},
    time::timeout,
};

use crate::{
    Consistency, DecisionOptions, Error, Freshness, Result, View,
    catalog::SnapshotCatalog,
    digest::DigestKey,
    listen, poll,
    read::{self, Change},
    slot::{Clock, Loaded, Refreshed, Slot},
};

/// The time limit of a load. It does not depend on the deadlines of the calls that wait for the load.
const LOAD_LIMIT: Duration = Duration::from_secs(60);

/// How long an organization that needs too much memory is answered from the store before it is loaded again.
const TOO_LARGE_FOR: Duration = Duration::from_secs(10 * 60);

/// Email export decisions from memory; cheap to clone.
#[derive(Clone)]
pub struct Decisions(Arc<DecisionEngine>);

/// How much memory the snapshots use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The number of organizations in memory.
    pub organizations: usize,
    /// The memory of their snapshots, in bytes.
    pub bytes: usize,
}

pub(crate) struct DecisionEngine {
    pub(crate) db: Db,
    pub(crate) options: DecisionOptions,
    pub(crate) catalog: SnapshotCatalog,
    pub(crate) clock: Clock,
    /// Wakes the poll: there is an organization in memory, or the engine has ended.
    pub(crate) wake: Arc<Notify>,
    /// Ends the listener.
    ended: Arc<Notify>,
    /// Whether the last poll has failed.
    is_store_gone: AtomicBool,
    /// At most this many organizations are loaded at a time, so that connections are left for the others.
    loads: Semaphore,
    key: DigestKey,
}

impl Drop for DecisionEngine {
    fn drop(&mut self) {
        self.wake.notify_one();
        self.ended.notify_one();
    }
}

impl Decisions {
    /// Starts with nothing in memory. A task follows the writes of the organizations in memory until the last clone of this
    /// value is dropped. It uses the checks' connections.
    #[must_use]
    pub fn start(db: Db, options: DecisionOptions) -> Self {
        let loads = Semaphore::new((db.for_checks().connections_max() / 2).max(1));
        let engine = Arc::new(DecisionEngine {
            db,
            options,
            catalog: SnapshotCatalog::default(),
            clock: Clock::start(),
            wake: Arc::default(),
            ended: Arc::default(),
            is_store_gone: AtomicBool::new(false),
            loads,
            key: DigestKey::random(),
        });
        let observer = Arc::downgrade(&engine);
        engine.db.observe_commits(move |organization, revision| {
            if let Some(engine) = observer.upgrade() {
                engine.note_write(organization, revision);
            }
        });
        tokio::spawn(poll::run(Arc::downgrade(&engine), engine.wake.clone(), options.poll_pause()));
        if options.listen {
            tokio::spawn(listen::run(Arc::downgrade(&engine), engine.db.clone(), engine.ended.clone()));
        }
        Self(engine)
    }

    /// Returns the state that answers questions about some members of an organization. It comes from memory, unless the
    /// caller asks for the store, or the organization needs too much memory, or memory is older than `max_staleness`.
    ///
    /// # Errors
    /// [`Error`]; then nothing may be exported.
    pub async fn view(
        &self,
        organization: &OrganizationId,
        subjects: &[SubjectKey],
        freshness: Freshness,
    ) -> Result<View> {
        let engine = &self.0;
        let at_least = freshness.at_least.unwrap_or_default();
        if freshness.consistency == Consistency::Full {
            return engine.read_store(organization, subjects, at_least).await;
        }
        let Some(loaded) = engine.find_fresh(organization, at_least).await? else {
            return engine.read_store(organization, subjects, at_least).await;
        };
        let age = engine.age(&loaded);
        if age <= engine.options.max_staleness {
            return Ok(View::of_memory(loaded, age));
        }
        engine.answer_stale(organization, subjects, at_least, loaded).await
    }

    /// Whether memory can answer questions about some organization while the store is gone.
    #[must_use]
    pub fn can_answer_without_store(&self) -> bool {
        let longest = self.0.options.max_staleness_on_outage;
        self.0.catalog.list_loaded().iter().any(|(_, loaded)| self.0.age(loaded) <= longest)
    }

    /// How much memory the snapshots use.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let (organizations, bytes) = self.0.catalog.usage();
        Usage { organizations, bytes }
    }
}

impl DecisionEngine {
    fn age(&self, loaded: &Loaded) -> Duration {
        Duration::from_nanos(self.clock.now().saturating_sub(loaded.confirmed()))
    }

    /// Answers although memory is older than `max_staleness`: from the store, or from memory while the store is gone.
    async fn answer_stale(
        self: &Arc<Self>,
        organization: &OrganizationId,
        subjects: &[SubjectKey],
        at_least: i64,
        loaded: Arc<Loaded>,
    ) -> Result<View> {
        let mut cause = Error::unavailable("the store cannot be reached");
        if !self.is_store_gone.load(Ordering::Relaxed) {
            let limit = self.options.poll_limit();
            match timeout(limit, self.read_store(organization, subjects, at_least)).await {
                Ok(Err(error @ Error::Unavailable(_))) => cause = error,
                Ok(answered) => return answered,
                Err(late) => cause = Error::unavailable(late),
            }
        }
        let age = self.age(&loaded);
        if age <= self.options.max_staleness_on_outage { Ok(View::of_memory(loaded, age)) } else { Err(cause) }
    }

    async fn read_store(&self, organization: &OrganizationId, subjects: &[SubjectKey], at_least: i64) -> Result<View> {
        let asked = self.clock.now();
        let snapshot = read::read_part(&self.db, self.key, organization, subjects).await?;
        if snapshot.revision() < at_least {
            return Err(Error::RevisionUnknown);
        }
        Ok(View::of_store(snapshot, Duration::from_nanos(self.clock.now().saturating_sub(asked))))
    }

    /// Returns a snapshot that is not older than `at_least`, nor than a write that this process has acknowledged. Waits for
    /// a load or refresh if that is needed. `None` if the organization needs too much memory.
    async fn find_fresh(self: &Arc<Self>, organization: &OrganizationId, at_least: i64) -> Result<Option<Arc<Loaded>>> {
        let asked = self.clock.now();
        let mut slot = self.catalog.find_or_add(organization);
        slot.note_use(asked);
        let mut found = slot.loaded.load_full();
        loop {
            if let Some(loaded) = found {
                let (revision, required) = (loaded.snapshot.revision(), slot.required());
                if revision >= at_least.max(required) {
                    return Ok(Some(loaded));
                }
                // The store was read after the question came: it has no newer revision.
                if loaded.confirmed() >= asked {
                    slot.forget_required(required);
                    return if revision < at_least { Err(Error::RevisionUnknown) } else { Ok(Some(loaded)) };
                }
            } else if slot.is_too_large(asked) {
                return Ok(None);
            }
            slot = self.catalog.find_or_add(organization);
            found = match self.refresh(&slot).await? {
                Refreshed::Loaded(loaded) => Some(loaded),
                Refreshed::TooLarge => return Ok(None),
            };
        }
    }

    /// Brings the snapshot of an organization up to date, or loads it. All callers share one load.
    pub(crate) fn refresh(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
    ) -> impl Future<Output = Result<Refreshed>> + Send + use<> {
        slot.refresh(|| {
            let (engine, slot) = (self.clone(), slot.clone());
            async move {
                let refreshed = timeout(LOAD_LIMIT, engine.read_newest(&slot)).await;
                let refreshed = refreshed.unwrap_or_else(|late| Err(Error::unavailable(late)));
                if let Err(error) = &refreshed {
                    engine.note_failure(&slot, error);
                }
                refreshed
            }
        })
    }

    async fn read_newest(&self, slot: &Arc<Slot>) -> Result<Refreshed> {
        let asked = self.clock.now();
        if let Some(old) = slot.loaded.load_full() {
            match read::read_change(&self.db, &slot.organization, &old.snapshot).await? {
                Change::None => {
                    old.confirm(asked);
                    return Ok(Refreshed::Loaded(old));
                }
                Change::Next(next) => return Ok(self.keep(slot, Loaded::new(*next, asked))),
                Change::Unknown => tracing::debug!(organization = %slot.organization, "loading again"),
            }
        }
        let _turn = self.loads.acquire().await.map_err(Error::unavailable)?;
        let asked = self.clock.now();
        match read::load(&self.db, self.key, &slot.organization, self.memory()).await? {
            Some(snapshot) => Ok(self.keep(slot, Loaded::new(snapshot, asked))),
            None => {
                slot.set_too_large(asked + u64::try_from(TOO_LARGE_FOR.as_nanos()).unwrap_or(u64::MAX));
                self.catalog.put(slot, None, self.memory());
                Ok(Refreshed::TooLarge)
            }
        }
    }

    fn memory(&self) -> usize {
        usize::try_from(self.options.memory).unwrap_or(usize::MAX)
    }

    fn keep(&self, slot: &Arc<Slot>, loaded: Loaded) -> Refreshed {
        let loaded = Arc::new(loaded);
        self.catalog.put(slot, Some(loaded.clone()), self.memory());
        self.wake.notify_one();
        Refreshed::Loaded(loaded)
    }

    /// A place without a snapshot is of no use: the name may be of no organization.
    fn note_failure(&self, slot: &Arc<Slot>, error: &Error) {
        if matches!(error, Error::OrganizationNotFound(_)) || slot.loaded.load().is_none() {
            self.catalog.remove(slot);
        }
    }

    /// Another process says that an organization has this revision. An answer need not wait for it.
    pub(crate) fn note_signal(self: &Arc<Self>, organization: &OrganizationId, revision: i64) {
        if let Some(slot) = self.catalog.find(organization)
            && slot.loaded.load().as_ref().is_some_and(|loaded| loaded.snapshot.revision() < revision)
        {
            drop(self.refresh(&slot));
        }
    }

    /// A write of this process will be acknowledged: no answer may be older from now on.
    fn note_write(self: &Arc<Self>, organization: &OrganizationId, revision: i64) {
        if let Some(slot) = self.catalog.find(organization) {
            slot.require(revision);
            if slot.loaded.load().is_some() {
                drop(self.refresh(&slot));
            }
        }
    }

    /// Notes whether the store has answered a poll.
    pub(crate) fn set_store_gone(&self, is_gone: bool) {
        if self.is_store_gone.swap(is_gone, Ordering::Relaxed) != is_gone {
            match is_gone {
                true => tracing::warn!("the store does not answer: email export is decided from memory"),
                false => tracing::info!("the store answers again"),
            }
        }
    }
}
