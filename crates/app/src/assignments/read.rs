//! Reading assignments with what their members have.

use rollcall_domain::{AssignmentId, OrganizationId};
use rollcall_store::{ReadTx, assignments as store};

use super::{AssignmentView, get_view, view};
use crate::{App, Read, Result, check_revision};

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
                check_revision(tx, at_least)?;
                let value = get_view(tx, id).await?;
                Ok(Read::of(tx, value))
            })
            .await
    }

    /// Reads up to `limit` assignments of ranks above `after_rank`, in evaluation order.
    ///
    /// # Errors
    /// An unknown organization.
    pub async fn list_assignments(
        &self,
        organization: &OrganizationId,
        after_rank: u32,
        limit: usize,
        at_least: Option<i64>,
    ) -> Result<Read<Vec<AssignmentView>>> {
        self.db
            .read(organization, "list_assignments", async |tx: &mut ReadTx| {
                check_revision(tx, at_least)?;
                let stored = store::get_list(tx).await?;
                let ids: Vec<AssignmentId> = stored
                    .list
                    .ranked()
                    .filter(|(rank, _)| *rank > after_rank)
                    .map(|(_, assignment)| assignment.id.clone())
                    .take(limit)
                    .collect();
                let mut summaries = store::count_members(tx, Some(ids.iter().collect())).await?;
                let views = ids.iter().map(|id| view(tx, &stored, id, summaries.remove(id).unwrap_or_default()));
                let value = views.collect::<Result<Vec<_>>>()?;
                Ok(Read::of(tx, value))
            })
            .await
    }
}
