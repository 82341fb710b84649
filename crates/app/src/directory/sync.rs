//! One sync: checked, planned and written as one transaction and one revision.

use std::collections::BTreeMap;

use rollcall_domain::{
    Email, GroupId, MemberId, OrganizationId,
    directory::{CheckedRows, Context, Mode, RawRows, Rejection, SyncCounts, SyncPlan, plan_sync},
};
use rollcall_store::{
    WriteTx, assignments,
    directory::{self as store, Scope},
};
use serde_json::{Value, json};

use crate::{App, Caller, Changed, Preview, Result};

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
        caller: &Caller,
        organization: &OrganizationId,
        sync: Sync,
        rows: RawRows,
    ) -> Result<Changed<Synced>> {
        let checked = CheckedRows::check(rows);
        self.db
            .write(organization, "sync_directory", async |tx: &mut WriteTx| {
                let plan = plan(tx, sync, checked.clone()).await?;
                let mut revision = tx.organization().revision;
                if !plan.is_empty() && !caller.validate_only {
                    let resource = format!("organizations/{organization}/directory");
                    let event = caller.event(resource, None, Some(audit(sync.mode, &plan)));
                    revision = store::apply_sync(tx, &plan, event).await?;
                }
                let preview = caller.validate_only.then(|| Preview::of(&plan.plan));
                Ok(Changed { value: Synced { counts: plan.counts, rejected: plan.rejected }, preview, revision })
            })
            .await
    }
}

async fn plan(tx: &mut WriteTx, sync: Sync, rows: CheckedRows) -> Result<SyncPlan> {
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
        limit: (!sync.allow_mass_change).then_some(organization.mass_change_limit),
        now: tx.now(),
    };
    Ok(plan_sync(sync.mode, rows, &directory, &context)?)
}

/// What a sync changed, compact: the audit of a first sync of 100,000 members is one row.
fn audit(mode: Mode, plan: &SyncPlan) -> Value {
    let members = plan.members.iter().map(|member| {
        json!({ "member": member.id, "identity": member.identity, "active": member.active, "new": member.is_new })
    });
    let groups = plan
        .groups
        .iter()
        .map(|group| json!({ "group": group.id, "display_name": group.display_name, "present": group.present }));
    json!({
        "mode": mode,
        "counts": plan.counts,
        "members": members.collect::<Vec<_>>(),
        "groups": groups.collect::<Vec<_>>(),
        "memberships_added": by_group(&plan.added),
        "memberships_removed": by_group(&plan.removed),
    })
}

fn by_group<'a>(pairs: impl IntoIterator<Item = &'a (MemberId, GroupId)>) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (member, group) in pairs {
        groups.entry(group.as_str()).or_default().push(member.as_str());
    }
    groups
}
