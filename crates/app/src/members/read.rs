//! Reading members, and explaining why they are where they are.

use rollcall_domain::{
    AssignmentId, MemberId, OrganizationId,
    explain::{Verdict, explain},
};
use rollcall_store::{ReadTx, members as store, members::MemberView};

use super::{get_states, get_view, load_list};
use crate::{App, Read, Result, check_revision};

/// Why a member is in their assignment and in no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The member.
    pub member: MemberView,
    /// One verdict for each assignment, in evaluation order.
    pub verdicts: Vec<Explained>,
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
    pub shared: Vec<rollcall_domain::GroupId>,
}

impl App {
    /// Reads one member.
    ///
    /// # Errors
    /// An unknown organization or member.
    pub async fn get_member(
        &self,
        organization: &OrganizationId,
        member: &MemberId,
        at_least: Option<i64>,
    ) -> Result<Read<MemberView>> {
        self.db
            .read(organization, "get_member", async |tx: &mut ReadTx| {
                check_revision(tx, at_least)?;
                let value = get_view(tx, member).await?;
                Ok(Read::of(tx, value))
            })
            .await
    }

    /// Reads up to `limit` members after one, in byte order of their ids; of one assignment only,
    /// if one is given.
    ///
    /// # Errors
    /// An unknown organization or assignment.
    pub async fn list_members(
        &self,
        organization: &OrganizationId,
        assignment: Option<&AssignmentId>,
        after: Option<&str>,
        limit: u32,
        at_least: Option<i64>,
    ) -> Result<Read<Vec<MemberView>>> {
        self.db
            .read(organization, "list_members", async |tx: &mut ReadTx| {
                check_revision(tx, at_least)?;
                if let Some(assignment) = assignment {
                    load_list(tx).await?.list.get(assignment)?;
                }
                let value = store::list_members(tx, assignment, after, limit).await?;
                Ok(Read::of(tx, value))
            })
            .await
    }

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
                let view = get_view(tx, member).await?;
                let stored = load_list(tx).await?;
                let states = get_states(tx, std::slice::from_ref(member), &stored).await?;
                let groups = view.groups.iter().cloned().collect();
                let verdicts = explain(&stored.list, &states[0], &groups)
                    .into_iter()
                    .map(|explained| Explained {
                        assignment: explained.assignment.id.clone(),
                        display_name: explained.assignment.display_name.clone(),
                        rank: explained.rank,
                        verdict: explained.verdict,
                        shared: explained.shared,
                    })
                    .collect();
                Ok(Read::of(tx, Explanation { member: view, verdicts }))
            })
            .await
    }
}
