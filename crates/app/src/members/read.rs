//! Reading members.

use rollcall_domain::{Email, MemberId, OrganizationId, Refusal, email_export::find_holder, members::MemberFilter};
use rollcall_store::{
    ReadTx, address_holdings, assignments, directory,
    email_export::{FoundSubject, SubjectKey, find_subject},
    members as store,
    members::MemberView,
};

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
        let holder = loop {
            let known = find_subject(&self.db, organization, &subject).await?;
            check_revision(known.revision, at_least)?;
            match known.subject {
                FoundSubject::Member(member) => break member.map(|member| member.member),
                FoundSubject::Address(holdings) => {
                    break find_holder(&holdings, None).map(|holder| holder.member.clone());
                }
                FoundSubject::UnfilledAddress => address_holdings::fill_one(&self.db, organization).await?,
            }
        };
        let member = holder.ok_or_else(|| Refusal::AddressNotFound(email.clone()))?;
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
