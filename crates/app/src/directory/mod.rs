//! Directory sync, and the groups that it brought.

mod audit;
mod sync;

use rollcall_domain::{AssignmentId, GroupId, OrganizationId, Refusal};
use rollcall_store::{ReadTx, assignments, directory as store};

pub use rollcall_store::directory::GroupView;
pub use sync::{DirectorySync, Synced};

use crate::{App, Read, Result, check_revision};

/// A group with the assignments that name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedGroup {
    /// The group.
    pub group: GroupView,
    /// The assignments in evaluation order.
    pub assignments: Vec<AssignmentId>,
}

impl App {
    /// Reads one group, also one that is gone from the identity provider.
    ///
    /// # Errors
    /// An unknown organization or group.
    pub async fn get_group(
        &self,
        organization: &OrganizationId,
        group: &GroupId,
        at_least: Option<i64>,
    ) -> Result<Read<NamedGroup>> {
        self.db
            .read(organization, "get_group", async |tx: &mut ReadTx| {
                check_revision(tx.organization().revision, at_least)?;
                let found = store::find_group(tx, group).await?;
                let found = found.ok_or_else(|| Refusal::GroupNotFound(group.clone()))?;
                let list = assignments::get_list(tx).await?.list;
                let naming = list.ranked().filter(|(_, assignment)| assignment.groups.contains(group));
                let assignments = naming.map(|(_, assignment)| assignment.id.clone()).collect();
                Ok(Read::of(tx, NamedGroup { group: found, assignments }))
            })
            .await
    }

    /// Reads up to `limit` groups after one, in byte order of their ids.
    ///
    /// # Errors
    /// An unknown organization.
    pub async fn list_groups(
        &self,
        organization: &OrganizationId,
        after: Option<&str>,
        limit: u32,
        at_least: Option<i64>,
    ) -> Result<Read<Vec<GroupView>>> {
        self.db
            .read(organization, "list_groups", async |tx: &mut ReadTx| {
                check_revision(tx.organization().revision, at_least)?;
                let value = store::list_groups(tx, after, limit).await?;
                Ok(Read::of(tx, value))
            })
            .await
    }
}
