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
    /// Migrated before, or waiting for an operator after a failure or a rollback.
    Skipped,
}

impl MigrationOutcome {
    /// What it adds to what the run did.
    fn counts(&self) -> Vec<(&'static str, i64)> {
        match self {
            Self::Migrated(members) => vec![("organizations_migrated", 1), ("members", i64::from(*members))],
            Self::Failed(_) => vec![("organizations_failed", 1)],
            Self::Skipped => vec![("organizations_skipped", 1)],
        }
    }
}

/// A transaction that was rolled back because the proof did not hold.
enum Broken {
    Proof { proof: Value, outcomes: Value, reason: String },
    Other(Error),
}

impl From<rollcall_store::Error> for Broken {
    fn from(error: rollcall_store::Error) -> Self {
        Self::Other(error.into())
    }
}

impl rollcall_store::TxError for Broken {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Other(error) if rollcall_store::TxError::is_retryable(error))
    }
}

impl App {
    /// Migrates one organization on behalf of a job's run, which is past it afterwards. Running it twice changes
    /// nothing.
    ///
    /// # Errors
    /// A lost lease, or a database that fails; then the organization is as it was.
    pub async fn migrate_organization(&self, organization: &OrganizationId, fence: Fence) -> Result<MigrationOutcome> {
        let migrated = self
            .db
            .write_fenced(organization, "migrate_organization", fence, async |tx: &mut WriteTx| {
                let outcome = if is_pending(tx).await? { migrate(tx).await? } else { MigrationOutcome::Skipped };
                pass(tx, fence, &outcome).await?;
                Ok(outcome)
            })
            .await;
        match migrated {
            Ok(outcome) => Ok(outcome),
            Err(Broken::Other(error)) => Err(error),
            Err(Broken::Proof { proof, outcomes, reason }) => {
                self.mark_failed(organization, fence, &reason, &proof, &outcomes).await
            }
        }
    }

    async fn mark_failed(
        &self,
        organization: &OrganizationId,
        fence: Fence,
        reason: &str,
        proof: &Value,
        outcomes: &Value,
    ) -> Result<MigrationOutcome> {
        let failed = MigrationOutcome::Failed(reason.to_owned());
        self.db
            .write_fenced(organization, "mark_migration_failed", fence, async |tx: &mut WriteTx| {
                store::upsert_migration(tx, MigrationState::Failed, Some(reason), Some(proof), outcomes).await?;
                let after = json!({ "state": "FAILED", "reason": reason, "proof": proof });
                let event = Caller::job("settings-migration").event(resource(organization), None, Some(after));
                store::finish_migration(tx, 0, event).await?;
                pass(tx, fence, &failed).await
            })
            .await
            .map_err(|error: rollcall_store::Error| Error::from(error))?;
        Ok(failed)
    }
}

/// Notes with the effect how far the run is and what it did: one that is taken over counts each organization once.
async fn pass(tx: &mut WriteTx, fence: Fence, outcome: &MigrationOutcome) -> rollcall_store::Result<()> {
    let organization = tx.id().clone();
    jobs::save_progress_in(tx, fence, organization.as_str(), &outcome.counts()).await
}

async fn is_pending(tx: &mut WriteTx) -> std::result::Result<bool, Broken> {
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
