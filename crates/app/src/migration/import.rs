//! Importing old settings, before the migration.

use std::collections::BTreeMap;

use rollcall_domain::{
    Email, OrganizationId, Phase, Refusal,
    directory::Rejection,
    migration::{CheckedRows, LegacyRow, check_rows, plan_import},
};
use rollcall_store::{WriteTx, migration as store};
use serde_json::json;

use crate::{Answer, App, Call, Changed, Preview, Result};

/// What came of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Rows that bound to a member.
    pub bound: u32,
    /// Addresses that no member has, in byte order.
    pub unmatched: Vec<Email>,
    /// Rows that say the same as another one.
    pub duplicates: u32,
    /// The addresses of those rows, in byte order.
    pub duplicate_emails: Vec<Email>,
    /// Rows that were not taken.
    pub rejected: Vec<Rejection>,
}

impl App {
    /// Imports old settings. An import that changes nothing makes no revision.
    ///
    /// # Errors
    /// An unknown organization, or one that is migrated.
    pub async fn import_legacy_settings(
        &self,
        call: &Call<'_, Imported>,
        organization: &OrganizationId,
        rows: Vec<LegacyRow>,
    ) -> Result<Answer<Imported>> {
        let checked = check_rows(rows);
        self.change(call, organization, "import_legacy_settings", async |tx: &mut WriteTx| {
            if tx.organization().phase == Phase::Migrated {
                return Err(Refusal::EmailExportAlreadyMigrated(organization.clone()).into());
            }
            import(tx, call, organization, checked.clone()).await
        })
        .await
    }
}

async fn import(
    tx: &mut WriteTx,
    call: &Call<'_, Imported>,
    organization: &OrganizationId,
    checked: CheckedRows,
) -> Result<Changed<Imported>> {
    let emails: Vec<&Email> = checked.settings.keys().collect();
    let holders = store::list_holders(tx, &emails).await?;
    let waiting = store::list_waiting(tx, &emails).await?;
    let plan = plan_import(checked, &holders, &waiting);
    let mut revision = tx.organization().revision;
    if plan.changes && !call.validate_only {
        let bound: BTreeMap<&str, bool> = plan.bound.iter().map(|(m, export)| (m.as_str(), *export)).collect();
        let unmatched: BTreeMap<&str, bool> = plan.unmatched.iter().map(|(e, export)| (e.as_str(), *export)).collect();
        let after = json!({ "bound": bound, "unmatched": unmatched, "rejected": plan.rejected.len() });
        let had = holders.values().filter_map(|holder| Some((holder.member.as_str(), holder.legacy?)));
        let had: BTreeMap<&str, bool> = had.collect();
        let waited: BTreeMap<&str, bool> = waiting.iter().map(|(email, export)| (email.as_str(), *export)).collect();
        let before = (!had.is_empty() || !waited.is_empty()).then(|| json!({ "bound": had, "unmatched": waited }));
        let event = call.event(format!("organizations/{organization}/legacySettings"), before, Some(after));
        revision = store::apply_import(tx, &plan, event).await?;
    }
    let value = Imported {
        bound: u32::try_from(plan.bound.len()).unwrap_or(u32::MAX),
        unmatched: plan.unmatched.into_iter().map(|(email, _)| email).collect(),
        duplicates: plan.duplicates,
        duplicate_emails: plan.duplicate_emails,
        rejected: plan.rejected,
    };
    let preview = call.validate_only.then(Preview::default);
    Ok(Changed { value, preview, revision, warnings: Vec::new() })
}
