//! Directory sync, and the groups that it brought.

mod sync;

use rollcall_domain::OrganizationId;
use rollcall_store::{ReadTx, directory as store};

pub use rollcall_store::directory::GroupView;
pub use sync::{Sync, Synced};

use crate::{App, Read, Result, check_revision};

impl App {
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
                check_revision(tx, at_least)?;
                let value = store::list_groups(tx, after, limit).await?;
                Ok(Read::of(tx, value))
            })
            .await
    }
}
