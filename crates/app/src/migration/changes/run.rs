//! The work of a run that changes the migrations of many organizations. Each organization is changed in its own
//! transaction, with the position of the run, so that a run that is continued changes each organization once.

use rollcall_domain::{OrganizationId, names};
use rollcall_store::{
    Fence, WriteOptions, WriteTx,
    jobs::{self as store, RunRefusal},
    requests::RequestKey,
};
use uuid::Uuid;

use super::{CHANGES_JOB, ChangesInput, METHOD, apply, apply::ChangeOutcome, outcome_of};
use crate::{App, Caller, Error, Result};

/// A run with its input, and how far it is.
#[derive(Clone, Debug)]
pub struct MigrationChangesRun {
    id: Uuid,
    input: ChangesInput,
    /// The last organization that the run has dealt with.
    position: Option<OrganizationId>,
}

impl MigrationChangesRun {
    /// Who changes the organizations: the caller who requested the run. The audit names the run too.
    fn caller(&self) -> Caller {
        let ChangesInput { actor, trace_id, request_id, .. } = self.input.clone();
        let request_id = request_id.and_then(|id| id.parse().ok());
        Caller {
            actor,
            method: METHOD,
            trace_id,
            validate_only: false,
            // For the audit only: the run itself is the repetition of its request.
            request: request_id.map(|id| RequestKey { id, kept_as: id, fingerprint: Vec::new() }),
            run: Some(names::job_run(CHANGES_JOB, self.id)),
        }
    }
}

impl App {
    /// Reads the input and the position of a run. Returns `None` for a run that was requested without an input.
    ///
    /// # Errors
    /// [`Error::Internal`] if the input cannot be read.
    pub async fn find_migration_changes(&self, run: Uuid) -> Result<Option<MigrationChangesRun>> {
        let Some(found) = store::find_input(&self.db, run).await? else { return Ok(None) };
        let input = serde_json::from_value(found.input).map_err(|error| Error::Internal(error.into()))?;
        Ok(Some(MigrationChangesRun { id: run, input, position: found.position.map(OrganizationId::trusted) }))
    }

    /// Counts the organizations that a run selects.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub async fn count_migrations_to_change(&self, run: &MigrationChangesRun) -> Result<i64> {
        let (mut count, mut after) = (0, None);
        loop {
            let batch = self.list_selected(&run.input.change.selection, after.as_ref()).await?;
            let Some(last) = batch.last() else { return Ok(count) };
            count += i64::try_from(batch.len()).unwrap_or(i64::MAX);
            after = Some(last.clone());
        }
    }

    /// Reads the next organizations of a run, in byte order of their ids.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub async fn list_migrations_to_change(&self, run: &MigrationChangesRun) -> Result<Vec<OrganizationId>> {
        self.list_selected(&run.input.change.selection, run.position.as_ref()).await
    }

    /// Changes the migration of one organization for a run, and moves the position of the run to this organization.
    ///
    /// # Errors
    /// [`Error::FenceLost`], or [`Error::Unavailable`]. The organization is unchanged, unless the connection was lost
    /// during the commit; then the stored position says whether it was changed.
    pub async fn change_migration_in_run(
        &self,
        run: &mut MigrationChangesRun,
        organization: OrganizationId,
        fence: Fence,
    ) -> Result<()> {
        let (caller, change) = (run.caller(), &run.input.change);
        let options = WriteOptions::fenced("change_migration", fence);
        let changed = self.db.write(&organization, options, async |tx: &mut WriteTx| {
            let is_changed = apply(tx, &caller, change).await?;
            if is_changed {
                store::advance_in(tx, fence, &[(ChangeOutcome::Changed.count(), 1)]).await?;
            }
            Ok(is_changed)
        });
        let outcome = outcome_of(changed.await)?;
        if outcome != ChangeOutcome::Changed {
            let counts = [(outcome.count(), 1)];
            let refusal = refusal_of(&organization, outcome);
            store::advance_without_effect(&self.db, fence, organization.as_str(), &counts, refusal.as_ref()).await?;
        }
        run.position = Some(organization);
        Ok(())
    }
}

fn refusal_of(organization: &OrganizationId, outcome: ChangeOutcome) -> Option<RunRefusal> {
    match outcome {
        ChangeOutcome::Refused { reason, message } => {
            Some(RunRefusal { organization: organization.to_string(), reason: reason.to_owned(), message })
        }
        ChangeOutcome::Changed | ChangeOutcome::NothingToDo => None,
    }
}
