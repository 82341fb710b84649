//! One process that migrates organizations of a run, one after the other.

use std::{collections::BTreeMap, time::Duration};

use rand::seq::SliceRandom as _;
use rollcall_app::{
    Error, chain,
    migration::{MigrationOutcome, NextTry},
};
use rollcall_domain::{
    OrganizationId,
    migration::{FaultReaction, FaultTally},
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
    /// Nothing is left for this worker. The organizations that it set aside without being able to record it, each with
    /// the reason.
    Finished(BTreeMap<OrganizationId, String>),
    /// The run was cancelled, or the process stops.
    Stopped,
    /// The server works for no organization.
    GaveUp(JobError),
}

/// A process that migrates organizations of the run.
pub(super) struct Worker<'a> {
    context: &'a JobContext,
    role: Role,
    faults: FaultTally,
    unrecorded: BTreeMap<OrganizationId, String>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(context: &'a JobContext, role: Role) -> Self {
        Self { context, role, faults: FaultTally::default(), unrecorded: BTreeMap::new() }
    }

    /// Migrates the pending organizations of the run one by one, and passes those that another worker has locked.
    pub(super) async fn run(mut self) -> Result<WorkerEnd, Error> {
        loop {
            let organizations = self.list_pending().await?;
            let mut all_busy = true;
            for organization in &organizations {
                if self.context.cancel.is_cancelled() {
                    return Ok(WorkerEnd::Stopped);
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
                            return Ok(end);
                        }
                    }
                }
                all_busy = false;
            }
            if organizations.is_empty() || (all_busy && self.role == Role::Helper) {
                return Ok(WorkerEnd::Finished(self.unrecorded));
            }
            if all_busy {
                sleep(BUSY_PAUSE).await;
            }
        }
    }

    async fn list_pending(&self) -> Result<Vec<OrganizationId>, Error> {
        let mut ids = migration::list_pending(self.context.app.db(), scope(self.context), ID_BATCH).await?;
        ids.retain(|id| !self.unrecorded.contains_key(id));
        if self.role == Role::Helper {
            ids.shuffle(&mut rand::rng());
        }
        Ok(ids)
    }

    /// Reacts to a fault of the server during the migration of an organization. Returns the end of the worker, if it
    /// ends.
    async fn react(&mut self, organization: &OrganizationId, error: Error) -> Result<Option<WorkerEnd>, Error> {
        let run = jobs::find_run(self.context.app.db(), self.context.run.id).await?;
        let count = |name| run.as_ref().and_then(|run| run.outcome.get(name)).copied().unwrap_or_default();
        let finished = count("organizations_migrated") + count("organizations_failed");
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
