//! Migrating one organization in one transaction, with the proof that nobody's behaviour changed.

use rollcall_domain::{
    OrganizationId, Phase,
    migration::{Proof, legacy_reading, plan_migration},
};
use rollcall_store::{
    Fence, WriteTx, assignments, jobs,
    migration::{self as store, MigrationState},
};
use serde_json::{Value, json};

use super::resource;
use crate::{App, Caller, Error, Result};

/// What came of migrating one organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MigrationOutcome {
    /// Migrated and proved; how many members it has.
    Migrated(u32),
    /// Left as it was and marked failed; why.
    Failed(String),
    /// Nothing is to be done: migrated before, or waiting for an operator after a failure or a rollback.
    Done,
    /// Another transaction works on it; it may be another worker of the same run.
    Busy,
}

impl MigrationOutcome {
    /// What it adds to what the run did.
    fn counts(&self) -> Vec<(&'static str, i64)> {
        match self {
            Self::Migrated(members) => vec![("organizations_migrated", 1), ("members", i64::from(*members))],
            Self::Failed(_) => vec![("organizations_failed", 1)],
            Self::Done | Self::Busy => Vec::new(),
        }
    }
}

/// Why a transaction was rolled back.
enum Broken {
    Proof { proof: Value, outcomes: Value, reason: String },
    Busy,
    Other(Error),
}

impl From<rollcall_store::Error> for Broken {
    fn from(error: rollcall_store::Error) -> Self {
        match error {
            rollcall_store::Error::Busy => Self::Busy,
            error => Self::Other(error.into()),
        }
    }
}

impl rollcall_store::TxError for Broken {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Other(error) if rollcall_store::TxError::is_retryable(error))
    }

    fn is_internal(&self) -> bool {
        matches!(self, Self::Other(Error::Internal(_)))
    }
}

impl App {
    /// Migrates one organization on behalf of a job's run, unless somebody else is at it. Running it twice changes
    /// nothing, and counts nothing twice.
    ///
    /// # Errors
    /// A lost lease, or a database that cannot be reached; then the organization is as it was.
    pub async fn migrate_organization(&self, organization: &OrganizationId, fence: Fence) -> Result<MigrationOutcome> {
        let migrated = self
            .db
            .write_fenced_if_free(organization, "migrate_organization", fence, async |tx: &mut WriteTx| {
                if !is_pending(tx).await? {
                    return Ok(MigrationOutcome::Done);
                }
                let outcome = migrate(tx).await?;
                count(tx, fence, &outcome).await?;
                Ok(outcome)
            })
            .await;
        match migrated {
            Ok(outcome) => Ok(outcome),
            Err(Broken::Busy) => Ok(MigrationOutcome::Busy),
            // Trying again does not help, and the others must not wait for this one.
            Err(Broken::Other(error @ Error::Internal(_))) => {
                tracing::error!(%organization, error = &error as &dyn std::error::Error, "the migration has failed");
                let reason =
                    "something went wrong on our side, which the log tells; the organization was left as it was";
                self.mark_failed(organization, fence, reason, None, &json!([])).await
            }
            Err(Broken::Other(error)) => Err(error),
            Err(Broken::Proof { proof, outcomes, reason }) => {
                self.mark_failed(organization, fence, &reason, Some(&proof), &outcomes).await
            }
        }
    }

    async fn mark_failed(
        &self,
        organization: &OrganizationId,
        fence: Fence,
        reason: &str,
        proof: Option<&Value>,
        outcomes: &Value,
    ) -> Result<MigrationOutcome> {
        let failed = MigrationOutcome::Failed(reason.to_owned());
        self.db
            .write_fenced(organization, "mark_migration_failed", fence, async |tx: &mut WriteTx| {
                // Its lock was free for a moment: another worker may have been through it since.
                if !is_pending(tx).await? {
                    return Ok(MigrationOutcome::Done);
                }
                store::upsert_migration(tx, MigrationState::Failed, Some(reason), proof, outcomes).await?;
                let after = json!({ "state": "FAILED", "reason": reason, "proof": proof });
                let event = Caller::job("settings-migration").event(resource(organization), None, Some(after));
                store::finish_migration(tx, 0, event).await?;
                count(tx, fence, &failed).await?;
                Ok(failed.clone())
            })
            .await
            .map_err(|error: rollcall_store::Error| Error::from(error))
    }
}

/// Notes with the effect what the run did: whoever did it, and whoever goes on with it, each organization counts once.
async fn count(tx: &mut WriteTx, fence: Fence, outcome: &MigrationOutcome) -> rollcall_store::Result<()> {
    jobs::add_progress_in(tx, fence, &outcome.counts()).await
}

async fn is_pending(tx: &mut WriteTx) -> rollcall_store::Result<bool> {
    let legacy = tx.organization().phase == Phase::Legacy;
    Ok(legacy && store::find_migration(tx).await?.is_none_or(|stored| stored.state == MigrationState::Pending))
}

async fn migrate(tx: &mut WriteTx) -> std::result::Result<MigrationOutcome, Broken> {
    // Before: what the LEGACY read path answers, read on its own, not from the plan.
    let legacy = store::list_legacy_members(tx).await?;
    let before = legacy_reading(&legacy);
    let list = assignments::get_list(tx).await?.list;
    let plan = plan_migration(&list, &legacy);
    store::apply_migration(tx, &plan).await?;
    // After: what the rows say that were written.
    let after = store::list_written_settings(tx).await?;
    let proof = Proof::compare(&before, &after);
    let (proved, outcomes) = (json!(proof), json!(plan.outcomes));
    if !proof.holds() {
        let reason = format!(
            "{} of {} members would have behaved differently; the organization was left as it was",
            proof.differences, proof.members
        );
        return Err(Broken::Proof { proof: proved, outcomes, reason });
    }
    store::upsert_migration(tx, MigrationState::Migrated, None, Some(&proved), &outcomes).await?;
    let after = json!({ "phase": "MIGRATED", "proof": proved, "assignments": outcomes });
    let event =
        Caller::job("settings-migration").event(resource(tx.id()), Some(json!({ "phase": "LEGACY" })), Some(after));
    store::finish_migration(tx, proof.members, event).await?;
    Ok(MigrationOutcome::Migrated(proof.members))
}
