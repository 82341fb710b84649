//! Letting the job migrate an organization again.

use rollcall_domain::{
    OrganizationId, Plan,
    migration::{MigrationState, MigrationStatus, plan_retry},
};
use rollcall_store::{WriteTx, migration as store};
use serde_json::json;

use super::read::{load_status, migration_name};
use crate::{Answer, App, AuditDraft, Caller, Changed, MutationContext, Result, document};

impl App {
    /// Makes an organization pending whose migration failed, was rolled back or was set aside, so that the job migrates
    /// it again. Nothing is written for an organization that is pending without a recorded fault.
    ///
    /// # Errors
    /// [`crate::Error::OrganizationNotFound`] or `EMAIL_EXPORT_ALREADY_MIGRATED`.
    pub async fn retry_migration(
        &self,
        context: &MutationContext<'_, MigrationStatus>,
        organization: &OrganizationId,
    ) -> Result<Answer<MigrationStatus>> {
        self.once(context, organization, "retry_migration", async |tx: &mut WriteTx| {
            retry_in(tx, &context.caller).await.map(|retried| retried.changed)
        })
        .await
    }
}

/// A retry, or the check of one.
pub(super) struct Retried {
    pub(super) changed: Changed<MigrationStatus>,
    /// Whether the organization waited for a retry. Otherwise nothing was to be written.
    pub(super) was_waiting: bool,
}

/// Makes the organization of the transaction pending. With `validate_only` nothing is written.
pub(super) async fn retry_in(tx: &mut WriteTx, caller: &Caller) -> Result<Retried> {
    let mut value = load_status(tx).await?;
    let plan = plan_retry(tx.id(), value.phase, value.record.as_ref(), tx.now())?;
    let (mut revision, was_waiting) = (tx.organization().revision, plan.is_some());
    if let Some(plan) = plan {
        if !caller.validate_only {
            let state = |state: MigrationState| document(json!({ "state": state.as_str() }));
            let event = caller.event(AuditDraft {
                resource: migration_name(tx.id()),
                before: state(plan.state_before),
                after: state(plan.record.state),
            });
            revision = store::finish_migration(tx, &plan.record, 0, event).await?;
        }
        value.record = Some(plan.record);
    }
    let preview = caller.validate_only.then(Plan::default);
    Ok(Retried { changed: Changed { value, preview, revision, warnings: Vec::new() }, was_waiting })
}
