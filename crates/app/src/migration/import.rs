//! Importing old settings, before the migration.

use std::collections::{BTreeMap, HashMap};

use rollcall_domain::{
    Email, OrganizationId, Phase, Refusal,
    directory::Rejection,
    migration::{CheckedRows, Holder, ImportPlan, LegacyRow, check_rows, plan_import},
    names,
};
use rollcall_store::{WriteTx, audit::Document, migration as store};
use serde::Serialize;
use tokio::task::spawn_blocking;

use crate::{Answer, App, Call, Changed, Error, Preview, Result};

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
        // A million rows take a while, in which this thread has others to serve.
        let checked = spawn_blocking(move || check_rows(rows)).await.map_err(|error| Error::Internal(error.into()))?;
        self.change(call, organization, "import_legacy_settings", async |tx: &mut WriteTx| {
            if tx.organization().phase == Phase::Migrated {
                return Err(Refusal::EmailExportAlreadyMigrated(organization.clone()).into());
            }
            import(tx, call, organization, &checked).await
        })
        .await
    }
}

async fn import(
    tx: &mut WriteTx,
    call: &Call<'_, Imported>,
    organization: &OrganizationId,
    checked: &CheckedRows,
) -> Result<Changed<Imported>> {
    let emails: Vec<&Email> = checked.settings.keys().collect();
    let holders = store::list_holders(tx, &emails).await?;
    let waiting = store::list_waiting(tx, &emails).await?;
    let plan = plan_import(checked, &holders, &waiting);
    let mut revision = tx.organization().revision;
    if plan.changes && !call.validate_only {
        let mut event = call.event(names::child(organization, "legacySettings"), None, None);
        event.before = before(&holders, &waiting);
        event.after = after(&plan);
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

/// What the audit keeps of an import: text at once, since that of a million rows would take far more as a value.
#[derive(Serialize)]
struct Kept<'a> {
    bound: BTreeMap<&'a str, bool>,
    unmatched: BTreeMap<&'a str, bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<usize>,
}

/// The old settings that were there; nothing where all are new.
fn before(holders: &HashMap<Email, Holder>, waiting: &HashMap<Email, bool>) -> Option<Document> {
    let had = holders.values().filter_map(|holder| Some((holder.member.as_str(), holder.legacy?)));
    let waited = waiting.iter().map(|(email, export)| (email.as_str(), *export));
    let kept = Kept { bound: had.collect(), unmatched: waited.collect(), rejected: None };
    Document::of(&kept).filter(|_| !kept.bound.is_empty() || !kept.unmatched.is_empty())
}

/// The old settings as the import leaves them.
fn after(plan: &ImportPlan) -> Option<Document> {
    let bound = plan.bound.iter().map(|(member, export)| (member.as_str(), *export));
    let unmatched = plan.unmatched.iter().map(|(email, export)| (email.as_str(), *export));
    let rejected = Some(plan.rejected.len());
    Document::of(&Kept { bound: bound.collect(), unmatched: unmatched.collect(), rejected })
}
