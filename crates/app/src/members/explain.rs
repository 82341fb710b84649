//! Explaining a member: why they are where they are, and where each of their settings came from
//! (product.md 9).

use rollcall_domain::{
    AssignmentId, GroupId, Held, MemberId, MemberState, OrganizationId, Phase,
    explain::{Verdict, explain},
    history::{ExplainedSettings, SettingOrigin, explain_settings},
};
use rollcall_store::{
    ReadTx,
    assignments::{self, StoredList},
    members::history::{self, HistoryFilter},
};

use super::{MemberView, get_view};
use crate::{App, Read, Result, check_revision};

/// Why a member is in their assignment and in no other, and has what they have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The member.
    pub member: MemberView,
    /// One verdict for each assignment, in evaluation order.
    pub verdicts: Vec<Explained>,
    /// Where each setting came from.
    pub settings: Vec<SettingOrigin>,
}

/// The verdict on one assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The assignment.
    pub assignment: AssignmentId,
    /// Its name.
    pub display_name: String,
    /// Its rank.
    pub rank: u32,
    /// Why it is, or is not, the member's.
    pub verdict: Verdict,
    /// The groups that the member shares with it.
    pub shared: Vec<GroupId>,
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
                check_revision(tx, at_least)?;
                let member = get_view(tx, member).await?;
                let verdicts = verdicts(&assignments::get_list(tx).await?, &member);
                let settings = origins(tx, &member).await?;
                Ok(Read::of(tx, Explanation { member, verdicts, settings }))
            })
            .await
    }
}

fn verdicts(stored: &StoredList, member: &MemberView) -> Vec<Explained> {
    let first_ranks = stored.list.first_ranks();
    let held = Held { assignment: member.assignment.clone(), settings: member.settings.id(), export: member.export };
    let state = MemberState {
        id: member.id.clone(),
        active: member.active,
        held: Some(held),
        pin: member.pin.as_ref().map(|pin| pin.assignment.clone()),
        matching_ranks: member.groups.iter().filter_map(|group| first_ranks.get(group).copied()).collect(),
    };
    let groups = member.groups.iter().cloned().collect();
    let explained = explain(&stored.list, &state, &groups).into_iter().map(|explained| Explained {
        assignment: explained.assignment.id.clone(),
        display_name: explained.assignment.display_name.clone(),
        rank: explained.rank,
        verdict: explained.verdict,
        shared: explained.shared,
    });
    explained.collect()
}

async fn origins(tx: &mut ReadTx, member: &MemberView) -> Result<Vec<SettingOrigin>> {
    let phase = tx.organization().phase;
    let legacy = match phase {
        Phase::Legacy => history::find_beginning(tx, &member.id).await?.and_then(|beginning| beginning.legacy),
        Phase::Migrated => None,
    };
    let changes = history::list_changes(tx, &member.id, HistoryFilter::default()).await?;
    let bundles = history::list_bundles(tx, &changes).await?;
    let explained = ExplainedSettings {
        phase,
        active: member.active,
        waits_for_seat: !member.pending_seats.is_empty(),
        settings: &member.settings,
        export: member.export,
        legacy,
    };
    Ok(explain_settings(&explained, &changes, &bundles))
}
