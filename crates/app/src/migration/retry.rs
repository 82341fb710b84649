//! Letting the job migrate an organization again.

use rollcall_domain::{
    OrganizationId, Plan,
    migration::{MigrationState, MigrationStatus, plan_retry},
};
use rollcall_store::{WriteTx, migration as store};
use serde_json::json;

use super::read::{load_status, migration_name};
use crate::{Answer, App, AuditDraft, Changed, MutationContext, Result, document};

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
            let mut value = load_status(tx).await?;
            let plan = plan_retry(organization, value.phase, value.record.as_ref(), tx.now())?;
            let mut revision = tx.organization().revision;
            if let Some(plan) = plan {
                if !context.caller.validate_only {
                    let state = |state: MigrationState| Some(json!({ "state": state.as_str() }));
                    let (before, after) = (state(plan.state_before), state(plan.record.state));
                    let event = context.caller.event(AuditDraft {
                        resource: migration_name(organization),
                        before: before.and_then(document),
                        after: after.and_then(document),
                    });
                    revision = store::finish_migration(tx, &plan.record, 0, event).await?;
                }
                value.record = Some(plan.record);
            }
            let preview = context.caller.validate_only.then(Plan::default);
            Ok(Changed { value, preview, revision, warnings: Vec::new() })
        })
        .await
    }
}
