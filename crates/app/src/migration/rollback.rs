//! Rolling a migration back. No member's behaviour changes.

use rollcall_domain::{
    OrganizationId, Phase, Plan,
    migration::{MigrationRecord, MigrationStatus, RollbackContext, RollbackPlan, plan_rollback},
};
use rollcall_store::{WriteTx, migration as store};
use serde_json::json;

use super::read::{load_status, migration_name};
use crate::{Answer, App, AuditDraft, Caller, Changed, MutationContext, Result, document};

impl App {
    /// Rolls the migration of an organization back. Its old settings decide again.
    ///
    /// # Errors
    /// [`crate::Error::OrganizationNotFound`], `EMAIL_EXPORT_NOT_MIGRATED` or `MIGRATION_ROLLBACK_TOO_LATE`.
    pub async fn roll_back_migration(
        &self,
        context: &MutationContext<'_, MigrationStatus>,
        organization: &OrganizationId,
    ) -> Result<Answer<MigrationStatus>> {
        self.once(context, organization, "roll_back_migration", async |tx: &mut WriteTx| {
            roll_back_in(tx, &context.caller).await
        })
        .await
    }
}

/// Rolls the migration of the organization of the transaction back. With `validate_only` nothing is written.
pub(super) async fn roll_back_in(tx: &mut WriteTx, caller: &Caller) -> Result<Changed<MigrationStatus>> {
    let status = load_status(tx).await?;
    let plan = plan(tx, &status).await?;
    let rolled_back = |record| MigrationStatus { phase: Phase::Legacy, record: Some(record), ..status };
    if caller.validate_only {
        let (preview, revision) = (Some(Plan::default()), tx.organization().revision);
        let value = rolled_back(plan.preview(tx.now()));
        return Ok(Changed { value, preview, revision, warnings: Vec::new() });
    }
    let (record, revision) = apply(tx, caller, &plan).await?;
    Ok(Changed { value: rolled_back(record), preview: None, revision, warnings: Vec::new() })
}

async fn plan(tx: &mut WriteTx, status: &MigrationStatus) -> Result<RollbackPlan> {
    let before = store::list_written_settings(tx).await?;
    let members = store::list_legacy_members(tx).await?;
    let (phase, record) = (status.phase, status.record.as_ref());
    let organization = tx.id();
    Ok(plan_rollback(RollbackContext { organization, phase, record, before, members: &members })?)
}

/// Writes a rollback and proves it from the rows that it wrote. Returns the record and the new revision.
async fn apply(tx: &mut WriteTx, caller: &Caller, plan: &RollbackPlan) -> Result<(MigrationRecord, i64)> {
    store::apply_rollback(tx).await?;
    let written = store::list_legacy_members(tx).await?;
    let record = plan.conclude(&written, tx.now())?;
    let before = json!({ "phase": Phase::Migrated });
    let after = json!({ "phase": Phase::Legacy, "proof": record.proof });
    let event = caller.event(AuditDraft {
        resource: migration_name(tx.id()),
        before: document(before),
        after: document(after),
    });
    let revision = store::finish_migration(tx, &record, record.compared(), event).await?;
    Ok((record, revision))
}
