//! Importing old settings, before the migration.

use std::collections::{BTreeMap, HashMap};

use rollcall_domain::{
    Email, OrganizationId, Plan,
    directory::Rejection,
    migration::{
        AcceptedLegacyRows, AddressHolder, ImportContext, ImportPlan, LegacyRow, check_legacy_rows, plan_import,
    },
    names,
};
use rollcall_store::{WriteOptions, WriteTx, audit::Document, migration as store};
use serde::Serialize;
use tokio::task::spawn_blocking;

use crate::{Answer, App, AuditDraft, Changed, Error, MutationContext, Result};

/// What an import did with its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportSummary {
    /// How many addresses are bound to a member.
    pub bound: u32,
    /// The addresses that no member has, in byte order.
    pub unmatched: Vec<Email>,
    /// How many rows repeat another row.
    pub duplicates: u32,
    /// The addresses of the repeated rows, in byte order.
    pub duplicate_emails: Vec<Email>,
    /// The rows that were rejected.
    pub rejected: Vec<Rejection>,
}

impl App {
    /// Imports old settings. An import that changes nothing makes no revision.
    ///
    /// # Errors
    /// [`Error::OrganizationNotFound`] or `EMAIL_EXPORT_ALREADY_MIGRATED`.
    pub async fn import_legacy_settings(
        &self,
        context: &MutationContext<'_, ImportSummary>,
        organization: &OrganizationId,
        rows: Vec<LegacyRow>,
    ) -> Result<Answer<ImportSummary>> {
        // Checking a million rows takes long. A blocking thread does it, so that this thread can serve other calls.
        let accepted = spawn_blocking(move || check_legacy_rows(rows));
        let accepted = accepted.await.map_err(|error| Error::Internal(error.into()))?;
        self.once(context, organization, WriteOptions::bulk("import_legacy_settings"), async |tx: &mut WriteTx| {
            import(tx, context, organization, &accepted).await
        })
        .await
    }
}

async fn import(
    tx: &mut WriteTx,
    context: &MutationContext<'_, ImportSummary>,
    organization: &OrganizationId,
    rows: &AcceptedLegacyRows,
) -> Result<Changed<ImportSummary>> {
    let emails: Vec<&Email> = rows.settings.keys().collect();
    let holders = store::list_address_holders(tx, &emails).await?;
    let unmatched = store::list_unmatched(tx, &emails).await?;
    let phase = tx.organization().phase;
    let legacy = ImportContext { organization, phase, holders: &holders, unmatched: &unmatched };
    let plan = plan_import(rows, &legacy)?;
    let mut revision = tx.organization().revision;
    if plan.changes && !context.caller.validate_only {
        let event = context.caller.event(AuditDraft {
            resource: names::child(organization, "legacySettings"),
            before: document_before(&holders, &unmatched),
            after: document_after(&plan, rows.rejected.len()),
        });
        revision = store::apply_import(tx, &plan, event).await?;
    }
    let preview = context.caller.validate_only.then(Plan::default);
    Ok(Changed { value: summarize(rows, plan), preview, revision, warnings: Vec::new() })
}

fn summarize(rows: &AcceptedLegacyRows, plan: ImportPlan) -> ImportSummary {
    ImportSummary {
        bound: u32::try_from(plan.bound.len()).unwrap_or(u32::MAX),
        unmatched: plan.unmatched.into_iter().map(|(email, _)| email).collect(),
        duplicates: rows.duplicates,
        duplicate_emails: rows.duplicate_emails.clone(),
        rejected: rows.rejected.clone(),
    }
}

/// The audit document of an import. It is serialized at once: a JSON value of a million rows would take far more memory
/// than its text.
#[derive(Serialize)]
struct ImportDocument<'a> {
    bound: BTreeMap<&'a str, bool>,
    unmatched: BTreeMap<&'a str, bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<usize>,
}

/// Returns the old settings before the import, or `None` where there were none.
fn document_before(holders: &HashMap<Email, AddressHolder>, unmatched: &HashMap<Email, bool>) -> Option<Document> {
    let bound = holders.values().filter_map(|holder| Some((holder.member.as_str(), holder.legacy?)));
    let unmatched = unmatched.iter().map(|(email, export)| (email.as_str(), *export));
    let document = ImportDocument { bound: bound.collect(), unmatched: unmatched.collect(), rejected: None };
    let is_empty = document.bound.is_empty() && document.unmatched.is_empty();
    if is_empty { None } else { Document::of(&document) }
}

/// Returns the old settings after the import.
fn document_after(plan: &ImportPlan, rejected: usize) -> Option<Document> {
    let bound = plan.bound.iter().map(|(member, export)| (member.as_str(), *export));
    let unmatched = plan.unmatched.iter().map(|(email, export)| (email.as_str(), *export));
    let rejected = Some(rejected);
    Document::of(&ImportDocument { bound: bound.collect(), unmatched: unmatched.collect(), rejected })
}
