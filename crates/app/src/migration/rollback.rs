//! Rolling a migration back, which changes nobody's behaviour either, and letting the job try again.

use rollcall_domain::{
    OrganizationId, Phase, Refusal,
    migration::{Proof, Reading, RollbackObstacle, legacy_reading},
};
use rollcall_store::{
    ReadTx, WriteTx,
    migration::{self as store, MigrationState},
};
use serde_json::json;

use super::{Attempt, MigrationStatus, read_status, resource};
use crate::{Answer, App, Call, Changed, Preview, Result};

impl App {
    /// Takes the migration of an organization back: its old settings decide again.
    ///
    /// # Errors
    /// An unknown organization, one in phase LEGACY, or `MIGRATION_ROLLBACK_TOO_LATE`.
    pub async fn roll_back_migration(
        &self,
        call: &Call<'_, MigrationStatus>,
        organization: &OrganizationId,
    ) -> Result<Answer<MigrationStatus>> {
        self.change(call, organization, "roll_back_migration", async |tx: &mut WriteTx| {
            refuse_too_late(tx).await?;
            // Before: what the MIGRATED read path answers. It must be what the LEGACY one would.
            let before = store::list_written_settings(tx).await?;
            let planned = prove(tx, &before).await?;
            if call.validate_only {
                let value = rolled_back(tx, planned).await?;
                let (preview, revision) = (Some(Preview::default()), tx.organization().revision);
                return Ok(Changed { value, preview, revision, warnings: Vec::new() });
            }
            store::apply_rollback(tx).await?;
            // After: what the rows say that were written.
            let proof = prove(tx, &before).await?;
            let proved = json!(proof);
            store::upsert_migration(tx, MigrationState::RolledBack, None, Some(&proved), &json!([])).await?;
            let after = json!({ "phase": "LEGACY", "proof": proved });
            let event = call.event(resource(organization), Some(json!({ "phase": "MIGRATED" })), Some(after));
            let revision = store::finish_migration(tx, proof.members, event).await?;
            let value = rolled_back(tx, proof).await?;
            Ok(Changed { value, preview: None, revision, warnings: Vec::new() })
        })
        .await
    }

    /// Lets the job migrate an organization again that failed or was rolled back. One that is pending stays so, and
    /// nothing is written.
    ///
    /// # Errors
    /// An unknown organization, or one that is migrated.
    pub async fn retry_migration(
        &self,
        call: &Call<'_, MigrationStatus>,
        organization: &OrganizationId,
    ) -> Result<Answer<MigrationStatus>> {
        self.change(call, organization, "retry_migration", async |tx: &mut WriteTx| {
            if tx.organization().phase == Phase::Migrated {
                return Err(Refusal::EmailExportAlreadyMigrated(organization.clone()).into());
            }
            let mut value = read_status(tx).await?;
            let mut revision = tx.organization().revision;
            let stuck = value.attempt.as_ref().map(|attempt| attempt.state);
            if let Some(stuck) = stuck.filter(|state| *state != MigrationState::Pending) {
                value.attempt = Some(Attempt::without_proof(MigrationState::Pending, tx.now()));
                if !call.validate_only {
                    store::upsert_migration(tx, MigrationState::Pending, None, None, &json!([])).await?;
                    let state = |state: MigrationState| Some(json!({ "state": state.as_str() }));
                    let event = call.event(resource(organization), state(stuck), state(MigrationState::Pending));
                    revision = store::finish_migration(tx, 0, event).await?;
                }
            }
            let preview = call.validate_only.then(Preview::default);
            Ok(Changed { value, preview, revision, warnings: Vec::new() })
        })
        .await
    }
}

/// Refuses where there is no migration to go back from, or a value was chosen since.
async fn refuse_too_late(tx: &mut ReadTx) -> Result<()> {
    if tx.organization().phase == Phase::Legacy {
        return Err(Refusal::EmailExportNotMigrated(tx.id().clone()).into());
    }
    match store::find_migration(tx).await? {
        None => Err(too_late(tx, RollbackObstacle::CreatedMigrated)),
        Some(stored) => match stored.chosen {
            Some(assignment) => Err(too_late(tx, RollbackObstacle::Chosen(assignment))),
            None => Ok(()),
        },
    }
}

/// Compares with what the LEGACY read path answers, for every member.
///
/// # Errors
/// `MIGRATION_ROLLBACK_TOO_LATE` if anything differs; nothing stays written then.
async fn prove(tx: &mut ReadTx, before: &Reading) -> Result<Proof> {
    let after = legacy_reading(&store::list_legacy_members(tx).await?);
    let proof = Proof::compare(before, &after);
    if proof.holds() { Ok(proof) } else { Err(too_late(tx, RollbackObstacle::Members(proof.differences))) }
}

fn too_late(tx: &ReadTx, obstacle: RollbackObstacle) -> crate::Error {
    Refusal::MigrationRollbackTooLate { organization: tx.id().clone(), obstacle }.into()
}

/// How far the migration is after a rollback at the time of this write.
async fn rolled_back(tx: &mut WriteTx, proof: Proof) -> Result<MigrationStatus> {
    let attempt = Attempt { proof: Some(proof), ..Attempt::without_proof(MigrationState::RolledBack, tx.now()) };
    let unmatched = store::count_unmatched(tx).await?;
    let wave = tx.organization().wave;
    Ok(MigrationStatus { phase: Phase::Legacy, wave, attempt: Some(attempt), unmatched })
}
