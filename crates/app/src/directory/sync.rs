//! One sync: checked, planned and written as one transaction and one revision.

use rollcall_domain::{
    Email, OrganizationId, Plan,
    directory::{CheckedRows, Context, Mode, RawRows, Rejection, SyncCounts, SyncPlan, plan_sync},
    names,
    seats::Claimant,
};
use rollcall_store::{
    WriteTx, assignments,
    audit::{AuditEvent, Document},
    directory::{self as store, Scope},
};
use tokio::task::block_in_place;

use super::audit;
use crate::{Answer, App, Call, Changed, Preview, Result, Warning, seats};

/// A sync as it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Sync {
    /// What the rows are.
    pub mode: Mode,
    /// Apply even beyond the organization's mass-change limit.
    pub allow_mass_change: bool,
}

/// What came of a sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synced {
    /// What was changed, or would be.
    pub counts: SyncCounts,
    /// Rows that were not taken.
    pub rejected: Vec<Rejection>,
}

impl App {
    /// Takes over the directory. A sync that changes nothing makes no revision.
    ///
    /// # Errors
    /// An unknown organization, or `MASS_CHANGE_BLOCKED`.
    pub async fn sync_directory(
        &self,
        call: &Call<'_, Synced>,
        organization: &OrganizationId,
        sync: Sync,
        rows: RawRows,
    ) -> Result<Answer<Synced>> {
        let checked = block_in_place(|| CheckedRows::check(sync.mode, rows))?;
        self.change(call, organization, "sync_directory", async |tx: &mut WriteTx| {
            let (plan, before, warnings) = plan(tx, sync, &checked, call.validate_only).await?;
            let mut revision = tx.organization().revision;
            if !plan.is_empty() && !call.validate_only {
                let resource = names::child(organization, "directory");
                let event =
                    AuditEvent { before, after: audit::after(sync.mode, &plan), ..call.event(resource, None, None) };
                revision = store::apply_sync(tx, &plan, event).await?;
            }
            let preview = call.validate_only.then(|| Preview::of(&plan.plan));
            let value = Synced { counts: plan.counts, rejected: plan.rejected };
            Ok(Changed { value, preview, revision, warnings })
        })
        .await
    }
}

/// The plan, what it changes as it is now, and what to know.
async fn plan(
    tx: &mut WriteTx,
    sync: Sync,
    rows: &CheckedRows,
    preview: bool,
) -> Result<(SyncPlan, Option<Document>, Vec<Warning>)> {
    let emails: Vec<&Email> = rows.emails().collect();
    let scope = match sync.mode {
        Mode::Full => Scope::Everything,
        Mode::Delta => Scope::Named(rows.named_members(), emails.clone()),
    };
    let directory = store::list_directory(tx, &scope, &emails).await?;
    let stored = assignments::get_list(tx).await?;
    let summaries = assignments::count_unchosen(tx, &stored.list).await?;
    let organization = tx.organization();
    let context = Context {
        phase: organization.phase,
        list: &stored.list,
        summaries: &summaries,
        email_domains: &organization.email_domains,
        limit: (!sync.allow_mass_change).then_some(organization.mass_change_limit),
        now: tx.now(),
    };
    // A large sync is planned for longer than others should wait for this thread.
    let mut planned = block_in_place(|| plan_sync(rows, &directory, &context))?;
    let claimants = |plan: &Plan| Claimant::of_sync(&planned.members, plan, &directory);
    let warnings = seats::settle(tx, &mut planned.plan, claimants, preview).await?;
    let before = audit::before(&planned, &directory);
    Ok((planned, before, warnings))
}
