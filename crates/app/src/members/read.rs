//! Reading members.

use rollcall_domain::{AssignmentId, MemberId, OrganizationId};
use rollcall_store::{ReadTx, assignments, members as store, members::MemberView};

use super::get_view;
use crate::{App, Read, Result, check_revision};

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
                check_revision(tx.organization().revision, at_least)?;
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
                check_revision(tx.organization().revision, at_least)?;
                if let Some(assignment) = assignment {
                    assignments::get_list(tx).await?.list.get(assignment)?;
                }
                let value = store::list_members(tx, assignment, after, limit).await?;
                Ok(Read::of(tx, value))
            })
            .await
    }
}
