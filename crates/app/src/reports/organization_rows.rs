//! Reading the rows of one organization for the mixed-settings report, from one read snapshot.

use rollcall_domain::{OrganizationId, Phase};
use rollcall_store::{
    Db, ReadTx,
    members::mixed::{ReportedAssignment, ReportedMembers, list_reported_assignments},
};

use super::{manifest::OrganizationCounts, mixed_table::write_mixed, row_buffer::RowBuffer};
use crate::Result;

/// Everything that a report has of one organization.
pub(super) struct OrganizationRows {
    pub(super) counts: OrganizationCounts,
    pub(super) mixed: Vec<ReportedAssignment>,
    pub(super) rows: RowBuffer,
}

/// Reads an organization.
pub(super) async fn read_organization(
    db: &Db,
    mut rows: RowBuffer,
    organization: &OrganizationId,
) -> Result<OrganizationRows> {
    let read = db
        .read(organization, "mixed_settings_report", async |tx: &mut ReadTx| {
            read_rows(tx, &mut rows, organization).await
        })
        .await;
    match read {
        Ok((phase, mixed)) => {
            let mixed_assignments = u32::try_from(mixed.len()).unwrap_or(u32::MAX);
            let organization = organization.clone();
            let counts = OrganizationCounts { organization, phase, mixed_assignments, rows: rows.rows() };
            Ok(OrganizationRows { counts, mixed, rows })
        }
        Err(error) => {
            rows.discard().await;
            Err(error)
        }
    }
}

async fn read_rows(
    tx: &mut ReadTx,
    rows: &mut RowBuffer,
    organization: &OrganizationId,
) -> Result<(Phase, Vec<ReportedAssignment>)> {
    let phase = tx.organization().phase;
    // In phase LEGACY no assignment has an email export setting, so the organization is only counted.
    let mixed = if phase == Phase::Migrated { list_reported_assignments(tx).await? } else { Vec::new() };
    let mut members = ReportedMembers::new(tx, &mixed);
    loop {
        let page = members.next_page().await?;
        if page.is_empty() {
            break;
        }
        for (assignment, member) in &page {
            rows.add_row(|page| write_mixed(page, organization, assignment, member)).await?;
        }
    }
    Ok((phase, mixed))
}
