//! Writing the two tables of the mixed-settings report: organization by organization in byte order of their ids, each
//! from one read snapshot.

use rollcall_domain::{OrganizationId, Phase};
use rollcall_store::{
    Db, ReadTx,
    members::mixed::{ReportedAssignment, ReportedMembers, list_reported_assignments},
    organizations,
};

use super::{
    changes::{ChangeCounts, ChangesWriter},
    csv::{CsvPage, Profile},
    manifest::OrganizationCounts,
    mixed_table::{MIXED_COLUMNS, write_mixed},
    upload::{Upload, Uploaded},
};
use crate::Result;

/// How many ids of organizations are read at a time.
const ORGANIZATIONS_PAGE: i64 = 500;

/// The counts of a report, by organization and in total.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ReportTotals {
    pub(super) organizations: Vec<OrganizationCounts>,
    pub(super) legacy: u32,
    pub(super) mixed_assignments: u32,
    pub(super) rows: u64,
}

impl ReportTotals {
    fn add(&mut self, counts: OrganizationCounts) {
        self.legacy += u32::from(counts.phase == Phase::Legacy);
        self.mixed_assignments += counts.mixed_assignments;
        self.rows += counts.rows;
        self.organizations.push(counts);
    }
}

/// The two tables after they were written.
pub(super) struct WrittenTables {
    pub(super) data: Uploaded,
    pub(super) totals: ReportTotals,
    pub(super) changes: Uploaded,
    pub(super) change_counts: ChangeCounts,
}

/// Writes the two tables.
pub(super) struct TablesWriter<'a> {
    db: &'a Db,
    upload: Upload,
    /// The rows that were not sent yet.
    page: CsvPage,
    changes: ChangesWriter,
    totals: ReportTotals,
}

impl<'a> TablesWriter<'a> {
    pub(super) fn new(db: &'a Db, upload: Upload, changes: ChangesWriter) -> Self {
        Self { db, upload, page: CsvPage::new(Profile::Spreadsheet), changes, totals: ReportTotals::default() }
    }

    /// Writes the tables. Returns `None` when `stopped` ended the work between two organizations. Then, and after a
    /// failure, the unfinished files are removed.
    pub(super) async fn write(mut self, stopped: &(dyn Fn() -> bool + Send + Sync)) -> Result<Option<WrittenTables>> {
        match self.write_all(stopped).await {
            Ok(true) => self.finish().await.map(Some),
            other => {
                self.upload.abort().await;
                self.changes.abort().await;
                other.map(|_| None)
            }
        }
    }

    async fn finish(self) -> Result<WrittenTables> {
        let (changes, change_counts) = self.changes.finish().await?;
        Ok(WrittenTables { data: self.upload.finish().await?, totals: self.totals, changes, change_counts })
    }

    async fn write_all(&mut self, stopped: &(dyn Fn() -> bool + Send + Sync)) -> Result<bool> {
        self.page.header(&MIXED_COLUMNS)?;
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
        self.upload.put(self.page.take()?).await?;
        self.changes.compare_rest().await?;
        Ok(true)
    }

    async fn write_organization(&mut self, organization: &OrganizationId) -> Result<()> {
        let db = self.db;
        let (counts, mixed) = db
            .read(organization, "mixed_settings_report", async |tx: &mut ReadTx| {
                let phase = tx.organization().phase;
                // In phase LEGACY no assignment has an email export setting, so the organization is only counted.
                let mixed = if phase == Phase::Migrated { list_reported_assignments(tx).await? } else { Vec::new() };
                let rows = self.write_rows(tx, &mixed).await?;
                let mixed_assignments = u32::try_from(mixed.len()).unwrap_or(u32::MAX);
                let counts = OrganizationCounts { organization: organization.clone(), phase, mixed_assignments, rows };
                Ok::<_, crate::Error>((counts, mixed))
            })
            .await?;
        self.totals.add(counts);
        self.changes.compare(organization, &mixed).await
    }

    async fn write_rows(&mut self, tx: &mut ReadTx, mixed: &[ReportedAssignment]) -> Result<u64> {
        let organization = tx.id().clone();
        let mut members = ReportedMembers::new(tx, mixed);
        let mut rows = 0;
        loop {
            let page = members.next_page().await?;
            if page.is_empty() {
                return Ok(rows);
            }
            rows += page.len() as u64;
            for (assignment, member) in &page {
                write_mixed(&mut self.page, &organization, assignment, member)?;
                if self.page.is_full() {
                    self.upload.put(self.page.take()?).await?;
                }
            }
        }
    }
}
