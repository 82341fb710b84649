//! Reading members.

use rollcall_domain::{Email, MemberId, OrganizationId, Refusal, members::MemberFilter};
use rollcall_store::{ReadTx, assignments, directory, members as store, members::MemberView};

use super::get_view;
use crate::{App, Read, Result, check_revision, email_export::SubjectKey};

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

    /// Reads the member who has an address: its current holder (product.md 4.10).
    ///
    /// # Errors
    /// An unknown organization, or an address that no member has had.
    pub async fn look_up_member(
        &self,
        organization: &OrganizationId,
        email: &Email,
        at_least: Option<i64>,
    ) -> Result<Read<MemberView>> {
        let subject = SubjectKey::Email(email.clone());
        let decided = self.check_email_export(organization, &subject, None, at_least).await?;
        let member = decided.value.member.ok_or_else(|| Refusal::AddressNotFound(email.clone()))?;
        self.get_member(organization, &member, at_least).await
    }

    /// Reads up to `limit` members after one, in byte order of their ids, who meet every condition of a filter.
    ///
    /// # Errors
    /// An unknown organization; an assignment or a group of the filter that is unknown.
    pub async fn list_members(
        &self,
        organization: &OrganizationId,
        filter: &MemberFilter,
        after: Option<&str>,
        limit: u32,
        at_least: Option<i64>,
    ) -> Result<Read<Vec<MemberView>>> {
        self.db
            .read(organization, "list_members", async |tx: &mut ReadTx| {
                check_revision(tx.organization().revision, at_least)?;
                if let Some(assignment) = &filter.assignment {
                    assignments::get_list(tx).await?.list.get(assignment)?;
                }
                if let Some(group) = &filter.group
                    && directory::find_group(tx, group).await?.is_none()
                {
                    return Err(Refusal::GroupNotFound(group.clone()).into());
                }
                let value = store::list_filtered_members(tx, filter, after, limit).await?;
                Ok(Read::of(tx, value))
            })
            .await
    }
}
