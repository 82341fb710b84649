//! Changing the migrations of many organizations in a run of the job `migration-changes`: requesting the run, or showing
//! what it would do.

mod apply;
mod run;

use rollcall_domain::{
    OrganizationId,
    migration::{MigrationChange, MigrationSelection},
    names,
};
use rollcall_store::{
    SystemConn, WriteTx,
    jobs::{self as store, RequestedRun, RunRefusal},
    organizations,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Answer, App, Caller, Error, MutationContext, Result,
    jobs::{JobRun, without_revision},
};

use apply::{ChangeOutcome, apply, outcome_of};
pub use run::MigrationChangesRun;

/// The job that changes the migrations of many organizations.
pub const CHANGES_JOB: &str = "migration-changes";
/// The RPC that requests a run. The audit events of the organizations name it.
const METHOD: &str = "ChangeMigrations";
/// How many organizations are read at a time.
const BATCH: u32 = 500;
/// How many organizations a check shows of each kind.
const SAMPLE: usize = 20;

/// The input of a run: the change, and for the audit who requested it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ChangesInput {
    change: MigrationChange,
    actor: String,
    trace_id: Option<String>,
    request_id: Option<String>,
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub enum RequestedChanges {
    /// The run, which is pending.
    Run(JobRun),
    /// With `validate_only`: what a run would do.
    Expected(ExpectedChanges),
}

/// What a run would do, with the first organizations of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpectedChanges {
    /// How many organizations would change.
    pub changed: u32,
    /// How many organizations need no change.
    pub unchanged: u32,
    /// How many organizations would be refused.
    pub refused: u32,
    /// Organizations that would change.
    pub changed_sample: Vec<OrganizationId>,
    /// Organizations that would be refused.
    pub refused_sample: Vec<RunRefusal>,
}

impl App {
    /// Requests a run that changes the migrations of many organizations. With `validate_only`, checks each organization
    /// instead, and writes nothing.
    ///
    /// # Errors
    /// [`Error::OrganizationNotFound`] for a named organization that does not exist, or [`Error::JobAlreadyRunning`]
    /// while another run of the job is pending or running.
    pub async fn change_migrations(
        &self,
        context: &MutationContext<'_, RequestedChanges>,
        change: &MigrationChange,
    ) -> Result<Answer<RequestedChanges>> {
        let validate_only = context.caller.validate_only;
        self.require_organizations(&change.selection).await?;
        let answer = self.once_system(context, "change_migrations", async |conn: &mut SystemConn| {
            if !validate_only {
                let run = request(conn, &context.caller, change).await?;
                return Ok(without_revision(RequestedChanges::Run(run)));
            }
            match store::find_open_run(conn, CHANGES_JOB).await? {
                Some(open) => Err(already_running(&open)),
                None => Ok(without_revision(RequestedChanges::Expected(ExpectedChanges::default()))),
            }
        });
        match answer.await? {
            Answer::New(mut changed) if validate_only => {
                changed.value = RequestedChanges::Expected(self.expect_changes(&context.caller, change).await?);
                Ok(Answer::New(changed))
            }
            answer => Ok(answer),
        }
    }

    /// Reads up to `limit` organizations that a run could not change, in byte order of their ids.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub async fn list_run_refusals(&self, run: Uuid, limit: u32) -> Result<Vec<RunRefusal>> {
        Ok(store::list_refusals(&self.db, run, i64::from(limit)).await?)
    }

    /// Checks what the change would do with each selected organization.
    async fn expect_changes(&self, caller: &Caller, change: &MigrationChange) -> Result<ExpectedChanges> {
        let (mut expected, mut after) = (ExpectedChanges::default(), None);
        loop {
            let batch = self.list_selected(&change.selection, after.as_ref()).await?;
            let Some(last) = batch.last() else { return Ok(expected) };
            after = Some(last.clone());
            for organization in batch {
                let checked = self
                    .db
                    .write(&organization, "check_migration_change", async |tx: &mut WriteTx| {
                        apply(tx, caller, change).await
                    })
                    .await;
                expected.add(organization, outcome_of(checked)?);
            }
        }
    }

    /// Refuses names of organizations that do not exist.
    async fn require_organizations(&self, selection: &MigrationSelection) -> Result<()> {
        let MigrationSelection::Organizations(named) = selection else { return Ok(()) };
        match organizations::find_unknown(&self.db, named).await? {
            Some(unknown) => Err(Error::OrganizationNotFound(unknown)),
            None => Ok(()),
        }
    }

    /// Reads the next selected organizations, in byte order of their ids.
    async fn list_selected(
        &self,
        selection: &MigrationSelection,
        after: Option<&OrganizationId>,
    ) -> Result<Vec<OrganizationId>> {
        match selection {
            MigrationSelection::Filter(filter) => {
                let listed = self.list_migrations(*filter, after.map(OrganizationId::as_str), BATCH).await?;
                Ok(listed.into_iter().map(|(organization, _)| organization).collect())
            }
            MigrationSelection::Organizations(named) => {
                Ok(named.iter().filter(|named| after.is_none_or(|after| *named > after)).cloned().collect())
            }
        }
    }
}

impl ExpectedChanges {
    fn add(&mut self, organization: OrganizationId, outcome: ChangeOutcome) {
        match outcome {
            ChangeOutcome::Changed => {
                self.changed += 1;
                if self.changed_sample.len() < SAMPLE {
                    self.changed_sample.push(organization);
                }
            }
            ChangeOutcome::NothingToDo => self.unchanged += 1,
            ChangeOutcome::Refused { reason, message } => {
                self.refused += 1;
                if self.refused_sample.len() < SAMPLE {
                    let (organization, reason) = (organization.to_string(), reason.to_owned());
                    self.refused_sample.push(RunRefusal { organization, reason, message });
                }
            }
        }
    }
}

/// Requests the run, and stores its input.
async fn request(conn: &mut SystemConn, caller: &Caller, change: &MigrationChange) -> Result<JobRun> {
    let run = match store::request_run_in(conn, CHANGES_JOB).await? {
        RequestedRun::Created(run) => run,
        RequestedRun::AlreadyOpen(open) => return Err(already_running(&open)),
    };
    let input = ChangesInput {
        change: change.clone(),
        actor: caller.actor.clone(),
        trace_id: caller.trace_id.clone(),
        request_id: caller.request.as_ref().map(|request| request.id.to_string()),
    };
    let input = serde_json::to_value(input).map_err(|error| Error::Internal(error.into()))?;
    store::update_input(conn, run.id, &input).await?;
    Ok(run)
}

fn already_running(open: &JobRun) -> Error {
    Error::JobAlreadyRunning(names::job_run(CHANGES_JOB, open.id))
}
