//! One process that migrates organizations of a run, one after the other.

use std::{collections::BTreeMap, time::Duration};

use rand::seq::SliceRandom as _;
use rollcall_app::{
    Error, chain,
    migration::{MigrationOutcome, NextTry, ORGANIZATIONS_TOTAL},
};
use rollcall_domain::{
    OrganizationId,
    migration::{FaultReaction, FaultTally, MigrationLimits, MigrationStop, MigrationTally, PendingMigration},
};
use rollcall_store::{jobs, migration};
use tokio::time::sleep;

use super::scope;
use crate::engine::{JobContext, JobError};

/// How many ids of organizations are read at a time.
const ID_BATCH: i64 = 500;
/// How long to wait while other workers have locked all organizations that are left.
const BUSY_PAUSE: Duration = Duration::from_millis(200);

/// The part of a worker in the run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The process that has claimed the run. It goes through the organizations in their order, until all are migrated.
    LeaseHolder,
    /// Any other process. It shuffles the organizations to avoid contending for the same one, and ends when other
    /// workers have locked all organizations that are left.
    Helper,
}

/// How a worker ended.
pub(super) enum WorkerEnd {
    /// Nothing is left for this worker, or the run stops itself.
    Finished {
        /// Why the run stops itself.
        stop: Option<MigrationStop>,
        /// The organizations that the worker set aside without being able to record it, each with the reason.
        unrecorded: BTreeMap<OrganizationId, String>,
    },
    /// The run was cancelled, or the process stops.
    Stopped,
    /// The server works for no organization.
    GaveUp(JobError),
}

/// How a pass over the listed organizations ended.
enum Pass {
    /// The worker has migrated organizations, or has to read again what is left.
    Worked,
    /// Other workers have locked all organizations.
    AllBusy,
    /// The worker ends.
    Ended(WorkerEnd),
}

/// A process that migrates organizations of the run.
pub(super) struct Worker<'a> {
    context: &'a JobContext,
    role: Role,
    faults: FaultTally,
    unrecorded: BTreeMap<OrganizationId, String>,
    /// How many organizations the run, in all processes, had marked as failed when its tally was last read.
    failures_seen: i64,
}

impl<'a> Worker<'a> {
    pub(super) fn new(context: &'a JobContext, role: Role) -> Self {
        Self { context, role, faults: FaultTally::default(), unrecorded: BTreeMap::new(), failures_seen: 0 }
    }

    /// Migrates the pending organizations of the run one by one, and passes those that another worker has locked.
    pub(super) async fn run(mut self) -> Result<WorkerEnd, Error> {
        loop {
            let mut pending = migration::list_pending(self.context.app.db(), scope(self.context), ID_BATCH).await?;
            pending.retain(|pending| !self.unrecorded.contains_key(&pending.organization));
            let tally = self.read_tally().await?;
            let stop = self.limits().stop(&tally).filter(|_| !pending.is_empty());
            let organizations = self.choose(&tally, &pending);
            if stop.is_some() || organizations.is_empty() {
                return Ok(WorkerEnd::Finished { stop, unrecorded: self.unrecorded });
            }
            match self.migrate_each(&organizations).await? {
                Pass::Worked => {}
                Pass::AllBusy if self.role == Role::Helper => {
                    return Ok(WorkerEnd::Finished { stop: None, unrecorded: self.unrecorded });
                }
                Pass::AllBusy => sleep(BUSY_PAUSE).await,
                Pass::Ended(end) => return Ok(end),
            }
        }
    }

    /// Tries to migrate each of these organizations, until an organization has failed in any process.
    async fn migrate_each(&mut self, organizations: &[OrganizationId]) -> Result<Pass, Error> {
        let mut pass = Pass::AllBusy;
        for organization in organizations {
            if self.context.cancel.is_cancelled() {
                return Ok(Pass::Ended(WorkerEnd::Stopped));
            }
            if self.count("organizations_failed").await? > self.failures_seen {
                return Ok(Pass::Worked);
            }
            let (app, fence) = (&self.context.app, self.context.fence);
            match app.migrate_organization(organization, scope(self.context), fence).await {
                Ok(MigrationOutcome::Busy) => continue,
                Ok(MigrationOutcome::Failed(reason)) => {
                    tracing::error!(%organization, reason, "the organization was not migrated");
                }
                Ok(MigrationOutcome::Migrated(_) | MigrationOutcome::NotPending) => {}
                Err(Error::FenceLost) => return Err(Error::FenceLost),
                Err(error) => {
                    if let Some(end) = self.react(organization, error).await? {
                        return Ok(Pass::Ended(end));
                    }
                }
            }
            pass = Pass::Worked;
        }
        Ok(pass)
    }

    /// Returns those of the pending organizations that this worker may migrate now, in the order in which it tries them.
    fn choose(&self, tally: &MigrationTally, pending: &[PendingMigration]) -> Vec<OrganizationId> {
        let mut organizations = self.limits().admit(tally, pending);
        if self.role == Role::Helper {
            organizations.shuffle(&mut rand::rng());
        }
        organizations
    }

    fn limits(&self) -> MigrationLimits {
        self.context.app.options().migration_limits
    }

    /// Reads what the run has done so far, in all processes.
    async fn read_tally(&mut self) -> Result<MigrationTally, Error> {
        // A failure after this read causes another read.
        self.failures_seen = self.count("organizations_failed").await?;
        let (db, since) = (self.context.app.db(), self.context.run.scheduled_for);
        let organizations = self.count(ORGANIZATIONS_TOTAL).await?;
        Ok(MigrationTally {
            organizations: u32::try_from(organizations).unwrap_or(u32::MAX),
            waves: migration::list_wave_tallies(db, since).await?,
            failed_in_a_row: migration::count_failed_in_a_row(db, since, self.limits().failures_in_a_row).await?,
        })
    }

    /// Returns a count of the run, over all processes.
    async fn count(&self, name: &str) -> Result<i64, Error> {
        let run = jobs::find_run(self.context.app.db(), self.context.run.id).await?;
        Ok(run.and_then(|run| run.outcome.get(name).copied()).unwrap_or_default())
    }

    /// Reacts to a fault of the server during the migration of an organization. Returns the end of the worker, if it
    /// ends.
    async fn react(&mut self, organization: &OrganizationId, error: Error) -> Result<Option<WorkerEnd>, Error> {
        let finished = self.count("organizations_migrated").await? + self.count("organizations_failed").await?;
        let reaction = self.faults.add(organization, finished);
        let cause = chain(&error);
        tracing::error!(%organization, cause, ?reaction, "a fault of the server: the organization stays pending");
        match reaction {
            FaultReaction::Continue { in_a_row } => {
                self.context.pause_after_fault(in_a_row).await;
                Ok(None)
            }
            FaultReaction::SetAside => {
                self.record(organization, NextTry::LaterRun).await?;
                Ok(None)
            }
            FaultReaction::GiveUp => {
                if self.role == Role::LeaseHolder {
                    self.record(organization, NextTry::ThisRun).await?;
                }
                let message = format!(
                    "the database fails for each organization, at last for {organization}; the log names the \
                     statement and the cause"
                );
                Ok(Some(WorkerEnd::GaveUp(JobError { source: Some(error.into()), ..JobError::retryable(message) })))
            }
        }
    }

    /// Records the faults of an organization. If that fails too, this worker remembers the organization.
    async fn record(&mut self, organization: &OrganizationId, next: NextTry) -> Result<(), Error> {
        let (app, fence) = (&self.context.app, self.context.fence);
        match app.record_migration_fault(organization, scope(self.context), fence, next).await {
            Ok(()) => Ok(()),
            Err(Error::FenceLost) => Err(Error::FenceLost),
            Err(error) => {
                let cause = chain(&error);
                tracing::error!(%organization, cause, "the faults of the organization cannot be recorded");
                let reason = "the database failed each time, also when this was to be recorded; the log of the service \
                              names the statement and the cause";
                self.unrecorded.insert(organization.clone(), reason.to_owned());
                Ok(())
            }
        }
    }
}
