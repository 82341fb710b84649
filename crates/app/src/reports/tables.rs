//! Writing the two tables of the mixed-settings report: organization by organization in byte order of their ids, each
//! from one read snapshot. The rows of an organization are in the tables either completely or not at all.

use rollcall_domain::OrganizationId;
use rollcall_store::{organizations, reports::MissingOrganization};

use super::{
    attempt::ReportAttempt,
    changes::{ChangesWriter, WrittenChanges},
    faults::{OrganizationReaction, ReportFaults},
    manifest::{ManifestFile, OrganizationCounts},
    organization_rows::{OrganizationRows, read_organization},
    page::ShownAssignments,
    row_buffer::RowBuffer,
    table_upload::TableUpload,
};
use crate::{App, Result};

/// How many ids of organizations are read at a time.
const ORGANIZATIONS_PAGE: i64 = 500;

/// The two tables after they were written.
pub(super) struct WrittenTables {
    pub(super) data: ManifestFile,
    pub(super) changes: WrittenChanges,
    pub(super) shown: ShownAssignments,
    pub(super) organizations: Vec<OrganizationCounts>,
    pub(super) missing_organizations: Vec<MissingOrganization>,
}

/// Writes the two tables.
pub(super) struct TablesWriter<'a> {
    app: &'a App,
    /// The folder of the report.
    folder: &'a str,
    data: TableUpload,
    changes: ChangesWriter,
    organizations: Vec<OrganizationCounts>,
    shown: ShownAssignments,
    faults: ReportFaults,
}

/// The result of reading an organization.
enum Reading {
    Read(Box<OrganizationRows>),
    /// The report leaves the organization out.
    LeftOut,
    /// The attempt has to stop.
    Stopped,
}

impl<'a> TablesWriter<'a> {
    pub(super) fn new(app: &'a App, folder: &'a str, data: TableUpload, changes: ChangesWriter) -> Self {
        let (organizations, shown, faults) = (Vec::new(), ShownAssignments::default(), ReportFaults::default());
        Self { app, folder, data, changes, organizations, shown, faults }
    }

    /// Writes the rows of every organization. Returns `false` when the attempt was stopped between two organizations.
    pub(super) async fn write(&mut self, attempt: &ReportAttempt<'_>) -> Result<bool> {
        let mut after: Option<OrganizationId> = None;
        loop {
            let after_id = after.as_ref().map(OrganizationId::as_str);
            let ids = organizations::list_ids_after(&self.app.db, after_id, ORGANIZATIONS_PAGE).await?;
            let Some(last) = ids.last() else { break };
            after = Some(last.clone());
            for organization in &ids {
                match self.read(attempt, organization).await? {
                    Reading::Read(rows) => self.add(organization, *rows).await?,
                    Reading::LeftOut => self.changes.skip(organization).await?,
                    Reading::Stopped => return Ok(false),
                }
            }
        }
        self.changes.compare_rest().await?;
        Ok(true)
    }

    /// Finishes the tables when every row is written. When the work was stopped, and after a failure, removes the unfinished
    /// files and returns `None` or the error.
    pub(super) async fn end(self, is_complete: Result<bool>) -> Result<Option<WrittenTables>> {
        let missing = match is_complete {
            Ok(true) => self.faults.end(self.organizations.len()).map(Some),
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        };
        let Ok(Some(missing_organizations)) = missing else {
            self.data.abort().await;
            self.changes.abort().await;
            return missing.map(|_| None);
        };
        let changes = self.changes.finish().await?;
        let data = self.data.finish().await?;
        let Self { organizations, shown, .. } = self;
        Ok(Some(WrittenTables { data, changes, shown, organizations, missing_organizations }))
    }

    /// Reads an organization, again after a fault.
    async fn read(&mut self, attempt: &ReportAttempt<'_>, organization: &OrganizationId) -> Result<Reading> {
        let mut tries = 0;
        loop {
            if (attempt.stopped)() {
                return Ok(Reading::Stopped);
            }
            let buffer = RowBuffer::new(&self.app.reports, self.folder);
            let error = match read_organization(&self.app.db, buffer, organization).await {
                Ok(rows) => {
                    self.faults.add_success();
                    return Ok(Reading::Read(Box::new(rows)));
                }
                Err(error) => error,
            };
            tries += 1;
            match self.faults.react(&self.app.db, attempt, organization, tries, error).await {
                OrganizationReaction::TryAgain => (attempt.pause)(tries).await,
                OrganizationReaction::LeaveOut => return Ok(Reading::LeftOut),
                OrganizationReaction::GiveUp(error) => return Err(error),
            }
        }
    }

    async fn add(&mut self, organization: &OrganizationId, read: OrganizationRows) -> Result<()> {
        let OrganizationRows { counts, mixed, rows } = read;
        rows.add_to(&mut self.data).await?;
        self.organizations.push(counts);
        self.shown.add(organization, &mixed);
        self.changes.compare(organization, mixed).await
    }
}
