//! Reading assignments with what their members have.

use rollcall_domain::{AssignmentId, OrganizationId};
use rollcall_store::{ReadTx, assignments as store};

use super::{AssignmentView, view};
use crate::{App, Read, Result, check_revision};

/// Which assignments a page of the list has yet to show. A rank would not do: while pages are read the order changes, and
/// whatever is listed throughout is to be shown once.
pub type Unseen<'a> = dyn Fn(&AssignmentId) -> bool + Sync + 'a;

/// A part of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// In evaluation order.
    pub assignments: Vec<AssignmentView>,
    /// The etag of the order of the whole list.
    pub etag: String,
}

impl App {
    /// Reads one assignment.
    ///
    /// # Errors
    /// An unknown organization or assignment.
    pub async fn get_assignment(
        &self,
        organization: &OrganizationId,
        id: &AssignmentId,
        at_least: Option<i64>,
    ) -> Result<Read<AssignmentView>> {
        self.db
            .read(organization, "get_assignment", async |tx: &mut ReadTx| {
                check_revision(tx.organization().revision, at_least)?;
                let stored = store::get_list(tx).await?;
                let summary = store::count_members_of(tx, id).await?;
                let value = view(tx, &stored, id, summary)?;
                Ok(Read::of(tx, value))
            })
            .await
    }

    /// Reads up to `limit` assignments of those that are unseen, in evaluation order.
    ///
    /// # Errors
    /// An unknown organization.
    pub async fn list_assignments(
        &self,
        organization: &OrganizationId,
        unseen: &Unseen<'_>,
        limit: usize,
        at_least: Option<i64>,
    ) -> Result<Read<Listed>> {
        self.db
            .read(organization, "list_assignments", async |tx: &mut ReadTx| {
                check_revision(tx.organization().revision, at_least)?;
                let stored = store::get_list(tx).await?;
                let ids = stored.list.ranked().map(|(_, assignment)| &assignment.id);
                let ids: Vec<&AssignmentId> = ids.filter(|id| unseen(id)).take(limit).collect();
                let mut summaries = store::count_members(tx, Some(ids.clone())).await?;
                let views = ids.iter().map(|id| view(tx, &stored, id, summaries.remove(*id).unwrap_or_default()));
                let assignments = views.collect::<Result<Vec<_>>>()?;
                let value = Listed { assignments, etag: stored.list.order_etag() };
                Ok(Read::of(tx, value))
            })
            .await
    }
}
