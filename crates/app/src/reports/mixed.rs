//! The rows of the mixed-settings report: all organizations, one after the other in byte order of
//! their ids, each read from one snapshot.

use rollcall_domain::{OrganizationId, Phase};
use rollcall_store::{
    Db, ReadTx,
    members::export::{self, MixedKey, MixedRow},
    organizations,
};
use serde::Serialize;

use super::{
    PAGE,
    csv::{CsvPage, MIXED_COLUMNS, Profile},
    upload::Upload,
};
use crate::Result;

/// How many ids of organizations are read at a time.
const ORGANIZATIONS: i64 = 500;

/// What the report has of one organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct OrganizationCounts {
    organization: OrganizationId,
    phase: Phase,
    mixed_assignments: u32,
    rows: u64,
}

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

/// Writes the header and every row. `None` when it was stopped between two organizations.
pub(super) async fn write_rows(
    db: &Db,
    upload: &mut Upload,
    stopped: &(dyn Fn() -> bool + Send + Sync),
) -> Result<Option<Totals>> {
    let mut header = CsvPage::new(Profile::Spreadsheet);
    header.header(&MIXED_COLUMNS)?;
    upload.put(header.finish()?).await?;
    let mut totals = Totals::default();
    let mut after: Option<OrganizationId> = None;
    loop {
        let after_id = after.as_ref().map(OrganizationId::as_str);
        let ids = organizations::list_ids_after(db, after_id, ORGANIZATIONS).await?;
        let Some(last) = ids.last() else { return Ok(Some(totals)) };
        after = Some(last.clone());
        for organization in &ids {
            if stopped() {
                return Ok(None);
            }
            totals.add(write_organization(db, organization, upload).await?);
        }
    }
}

async fn write_organization(db: &Db, organization: &OrganizationId, upload: &mut Upload) -> Result<OrganizationCounts> {
    db.read(organization, "mixed_settings_report", async |tx: &mut ReadTx| {
        let mut counts = OrganizationCounts {
            organization: organization.clone(),
            phase: tx.organization().phase,
            mixed_assignments: 0,
            rows: 0,
        };
        // In phase LEGACY assignments have no setting: such an organization is only counted.
        if counts.phase == Phase::Migrated {
            write_mixed_rows(tx, upload, &mut counts).await?;
        }
        Ok(counts)
    })
    .await
}

async fn write_mixed_rows(tx: &mut ReadTx, upload: &mut Upload, counts: &mut OrganizationCounts) -> Result<()> {
    let mut after: MixedKey = (0, String::new(), String::new());
    let mut assignment = String::new();
    loop {
        let rows = export::list_mixed_rows(tx, &after, PAGE as i64).await?;
        let mut page = CsvPage::new(Profile::Spreadsheet);
        for row in &rows {
            page.mixed(&counts.organization, row)?;
            counts.rows += 1;
            // Sorted by rank: the rows of an assignment stand together.
            if row.assignment != assignment {
                assignment.clone_from(&row.assignment);
                counts.mixed_assignments += 1;
            }
        }
        upload.put(page.finish()?).await?;
        match rows.last() {
            Some(last) if rows.len() == PAGE => after = key(last),
            _ => return Ok(()),
        }
    }
}

fn key(row: &MixedRow) -> MixedKey {
    (row.assignment_rank, row.email.clone(), row.member.clone())
}
