//! Writing the two tables of the mixed-settings report: organization by organization in byte order of their ids, each
//! from one read snapshot.

use rollcall_domain::{OrganizationId, Phase};
use rollcall_store::{
    Db, ReadTx,
    members::mixed::{ReportedMembers, list_reported_assignments},
    organizations,
};

use super::{
    changes::ChangesWriter,
    manifest::{ManifestChanges, ManifestFile, OrganizationCounts},
    mixed_table::write_mixed,
    table_upload::TableUpload,
};
use crate::{Result, jobs::IsStopped};

/// How many ids of organizations are read at a time.
const ORGANIZATIONS_PAGE: i64 = 500;

/// The two tables after they were written.
pub(super) struct WrittenTables {
    pub(super) data: ManifestFile,
    pub(super) changes: ManifestFile,
    pub(super) change_counts: ManifestChanges,
    pub(super) organizations: Vec<OrganizationCounts>,
}

/// Writes the two tables.
pub(super) struct TablesWriter<'a> {
    db: &'a Db,
    data: TableUpload,
    changes: ChangesWriter,
    organizations: Vec<OrganizationCounts>,
}

impl<'a> TablesWriter<'a> {
    pub(super) fn new(db: &'a Db, data: TableUpload, changes: ChangesWriter) -> Self {
        Self { db, data, changes, organizations: Vec::new() }
    }

    /// Writes the rows of every organization. Returns `false` when `stopped` ended the work between two organizations.
    pub(super) async fn write(&mut self, stopped: IsStopped<'_>) -> Result<bool> {
        let mut after: Option<OrganizationId> = None;
        loop {
            let after_id = after.as_ref().map(OrganizationId::as_str);
            let ids = organizations::list_ids_after(self.db, after_id, ORGANIZATIONS_PAGE).await?;
            let Some(last) = ids.last() else { break };
            after = Some(last.clone());
            for organization in &ids {
                if stopped() {
                    return Ok(false);
                }
                self.write_organization(organization).await?;
            }
        }
        self.changes.compare_rest().await?;
        Ok(true)
    }

    /// Finishes the tables when every row is written. When the work was stopped, and after a failure, removes the unfinished
    /// files and returns `None` or the error.
    pub(super) async fn end(self, is_complete: Result<bool>) -> Result<Option<WrittenTables>> {
        if !matches!(is_complete, Ok(true)) {
            self.data.abort().await;
            self.changes.abort().await;
            return is_complete.map(|_| None);
        }
        let (changes, change_counts) = self.changes.finish().await?;
        let data = self.data.finish().await?;
        Ok(Some(WrittenTables { data, changes, change_counts, organizations: self.organizations }))
    }

    async fn write_organization(&mut self, organization: &OrganizationId) -> Result<()> {
        let db = self.db;
        let (counts, mixed) = db
            .read(organization, "mixed_settings_report", async |tx: &mut ReadTx| {
                let phase = tx.organization().phase;
                // In phase LEGACY no assignment has an email export setting, so the organization is only counted.
                let mixed = if phase == Phase::Migrated { list_reported_assignments(tx).await? } else { Vec::new() };
                let (mut members, mut rows) = (ReportedMembers::new(tx, &mixed), 0);
                loop {
                    let page = members.next_page().await?;
                    if page.is_empty() {
                        break;
                    }
                    rows += page.len() as u64;
                    for (assignment, member) in &page {
                        self.data.add_row(|page| write_mixed(page, organization, assignment, member)).await?;
                    }
                }
                let mixed_assignments = u32::try_from(mixed.len()).unwrap_or(u32::MAX);
                let counts = OrganizationCounts { organization: organization.clone(), phase, mixed_assignments, rows };
                Ok::<_, crate::Error>((counts, mixed))
            })
            .await?;
        self.organizations.push(counts);
        self.changes.compare(organization, mixed).await
    }
}
