//! The rows of the mixed-settings report: all organizations, one after the other in byte order of
//! their ids, each read from one snapshot.

use rollcall_domain::{OrganizationId, Phase};
use rollcall_store::{
    Db, ReadTx,
    members::mixed::{self, MixedAssignment, MixedMembers},
    organizations,
};

use super::{
    changes::{Changed, Changes},
    csv::{CsvPage, MIXED_COLUMNS, Profile},
    manifest::OrganizationCounts,
    upload::{Upload, Uploaded},
};
use crate::Result;

/// How many ids of organizations are read at a time.
const ORGANIZATIONS: i64 = 500;

/// What the report has of all organizations, one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) organizations: Vec<OrganizationCounts>,
    pub(super) legacy: u32,
    pub(super) mixed_assignments: u32,
    pub(super) rows: u64,
}

impl Totals {
    fn add(&mut self, counts: OrganizationCounts) {
        self.legacy += u32::from(counts.phase == Phase::Legacy);
        self.mixed_assignments += counts.mixed_assignments;
        self.rows += counts.rows;
        self.organizations.push(counts);
    }
}

/// Both tables of a report while they are written.
pub(super) struct Tables<'a> {
    db: &'a Db,
    upload: Upload,
    /// What waits to be sent.
    page: CsvPage,
    changes: Changes,
    totals: Totals,
}

/// Both tables of a report, written.
pub(super) struct Written {
    pub(super) data: Uploaded,
    pub(super) totals: Totals,
    pub(super) changes: Uploaded,
    pub(super) changed: Changed,
}

impl<'a> Tables<'a> {
    pub(super) fn new(db: &'a Db, upload: Upload, changes: Changes) -> Self {
        Self { db, upload, page: CsvPage::new(Profile::Spreadsheet), changes, totals: Totals::default() }
    }

    /// Writes the tables. `None` when it was stopped between two organizations; then, and when it fails, nothing of
    /// them is left.
    pub(super) async fn write(mut self, stopped: &(dyn Fn() -> bool + Send + Sync)) -> Result<Option<Written>> {
        match self.write_all(stopped).await {
            Ok(true) => self.finish().await.map(Some),
            other => {
                self.upload.abort().await;
                self.changes.abort().await;
                other.map(|_| None)
            }
        }
    }

    async fn finish(self) -> Result<Written> {
        let (changes, changed) = self.changes.finish().await?;
        Ok(Written { data: self.upload.finish().await?, totals: self.totals, changes, changed })
    }

    async fn write_all(&mut self, stopped: &(dyn Fn() -> bool + Send + Sync)) -> Result<bool> {
        self.page.header(&MIXED_COLUMNS)?;
        let mut after: Option<OrganizationId> = None;
        loop {
            let after_id = after.as_ref().map(OrganizationId::as_str);
            let ids = organizations::list_ids_after(self.db, after_id, ORGANIZATIONS).await?;
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
        self.changes.note_the_rest().await?;
        Ok(true)
    }

    async fn write_organization(&mut self, organization: &OrganizationId) -> Result<()> {
        let db = self.db;
        let (counts, mixed) = db
            .read(organization, "mixed_settings_report", async |tx: &mut ReadTx| {
                let phase = tx.organization().phase;
                // In phase LEGACY assignments have no setting: such an organization is only counted.
                let mixed = if phase == Phase::Migrated { mixed::list_mixed(tx).await? } else { Vec::new() };
                let rows = self.write_rows(tx, &mixed).await?;
                let mixed_assignments = u32::try_from(mixed.len()).unwrap_or(u32::MAX);
                Ok::<_, crate::Error>((
                    OrganizationCounts { organization: organization.clone(), phase, mixed_assignments, rows },
                    mixed,
                ))
            })
            .await?;
        self.totals.add(counts);
        self.changes.note(organization, &mixed).await
    }

    async fn write_rows(&mut self, tx: &mut ReadTx, mixed: &[MixedAssignment]) -> Result<u64> {
        let organization = tx.id().clone();
        let mut members = MixedMembers::of(tx, mixed);
        let mut rows = 0;
        loop {
            let page = members.next().await?;
            if page.is_empty() {
                return Ok(rows);
            }
            rows += page.len() as u64;
            for (assignment, member) in &page {
                self.page.mixed(&organization, assignment, member)?;
                if self.page.is_full() {
                    self.upload.put(self.page.take()?).await?;
                }
            }
        }
    }
}
