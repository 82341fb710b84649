//! Explaining a member: why they are where they are, and where each of their settings came from
//! (product.md 9).

use rollcall_domain::{
    MemberId, OrganizationId, Phase, Refusal,
    explain::{AssignmentVerdict, explain},
    history::{ExplainedSettings, SettingOrigin, explain_settings},
};
use rollcall_store::{
    ReadTx,
    assignments::StoredList,
    members::{ExplainedMember, find_explained_member, history},
};

use super::{MemberView, state};
use crate::{App, Read, Result, check_revision};

/// Why a member is in their assignment and in no other, and has what they have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The member.
    pub member: MemberView,
    /// One verdict for each assignment, in evaluation order.
    pub verdicts: Vec<AssignmentVerdict>,
    /// Where each setting came from.
    pub settings: Vec<SettingOrigin>,
}

impl App {
    /// Explains one member.
    ///
    /// # Errors
    /// An unknown organization or member.
    pub async fn explain_member(
        &self,
        organization: &OrganizationId,
        member: &MemberId,
        at_least: Option<i64>,
    ) -> Result<Read<Explanation>> {
        self.db
            .read(organization, "explain_member", async |tx: &mut ReadTx| {
                check_revision(tx.organization().revision, at_least)?;
                let found = find_explained_member(tx, member).await?;
                let found = found.ok_or_else(|| Refusal::MemberNotFound(vec![member.clone()]))?;
                let verdicts = verdicts(&found.list, &found.member);
                let settings = origins(tx, &found).await?;
                Ok(Read::of(tx, Explanation { member: found.member, verdicts, settings }))
            })
            .await
    }
}

fn verdicts(stored: &StoredList, member: &MemberView) -> Vec<AssignmentVerdict> {
    let groups = member.groups.iter().cloned().collect();
    explain(&stored.list, &state(member, stored), &groups)
}

async fn origins(tx: &mut ReadTx, found: &ExplainedMember) -> Result<Vec<SettingOrigin>> {
    let member = &found.member;
    let phase = tx.organization().phase;
    let legacy = match phase {
        Phase::Legacy => history::find_beginning(tx, &member.id).await?.and_then(|beginning| beginning.legacy),
        Phase::Migrated => None,
    };
    let explained = ExplainedSettings {
        phase,
        active: member.active,
        waits_for_seat: !member.pending_seats.is_empty(),
        settings: &member.settings,
        export: member.export,
        legacy,
    };
    Ok(explain_settings(&explained, &found.changes, &found.bundles))
}
