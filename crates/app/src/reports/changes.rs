//! What changed since the previous report: which assignments are newly mixed, and which are resolved.
//!
//! The previous report is read while the new one is written, both in the order of organizations, so that only one
//! organization's assignments are in memory. A report must not depend on an old file: if the previous one is missing or
//! damaged, nothing is compared, and the manifest says so.

use std::collections::BTreeMap;

use rollcall_domain::OrganizationId;
use rollcall_store::{members::mixed::ReportedAssignment, reports::Report};

use super::{
    changes_table::{AssignmentChange, CHANGES_COLUMNS, ChangeKind, ComparedAssignment, write_change},
    csv::{CsvPage, Profile},
    layout::CHANGES_FILE,
    previous::PreviousReport,
    store::ReportStore,
    upload::{Upload, Uploaded},
};
use crate::{Error, Result};

/// The result of the comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ChangeCounts {
    /// The id of the previous report; `None` if there is none that can be read.
    pub(super) since: Option<String>,
    pub(super) newly_mixed: u64,
    pub(super) resolved: u64,
}

/// Writes `changes.csv`.
pub(super) struct ChangesWriter {
    store: ReportStore,
    path: String,
    upload: Upload,
    page: CsvPage,
    previous: Option<PreviousReport>,
    counts: ChangeCounts,
}

impl ChangesWriter {
    /// Begins `changes.csv` in a folder, and opens the previous report if there is one.
    pub(super) async fn begin(store: &ReportStore, folder: &str, previous: Option<&Report>) -> Result<Self> {
        let mut opened = None;
        if let Some(report) = previous {
            opened = PreviousReport::open(store, report).await.map_err(|error| warn(&report.id, &error)).ok();
        }
        let since = opened.as_ref().map(|previous| previous.id().to_owned());
        let path = format!("{folder}/{CHANGES_FILE}");
        let upload = store.begin(&path).await?;
        let counts = ChangeCounts { since, ..ChangeCounts::default() };
        Ok(Self { store: store.clone(), path, upload, page: page_with_header()?, previous: opened, counts })
    }

    /// Compares the mixed assignments of an organization. Call it in byte order of the organizations' ids.
    pub(super) async fn compare(&mut self, organization: &OrganizationId, mixed: &[ReportedAssignment]) -> Result<()> {
        let now = mixed.iter().map(|assignment| ComparedAssignment::new(organization, assignment)).collect();
        self.compare_up_to(Some(organization), now).await
    }

    /// Compares the organizations of the previous report that come after the last one of the new report.
    pub(super) async fn compare_rest(&mut self) -> Result<()> {
        self.compare_up_to(None, Vec::new()).await
    }

    async fn compare_up_to(
        &mut self,
        organization: Option<&OrganizationId>,
        now: Vec<ComparedAssignment>,
    ) -> Result<()> {
        let Some(previous) = &mut self.previous else { return Ok(()) };
        let before = match previous.take_up_to(organization).await {
            Ok(before) => before,
            Err(error) => return self.restart_without_previous(&error).await,
        };
        for change in difference(before, now) {
            match change.kind {
                ChangeKind::NewlyMixed => self.counts.newly_mixed += 1,
                ChangeKind::Resolved => self.counts.resolved += 1,
            }
            write_change(&mut self.page, &change)?;
            if self.page.is_full() {
                self.upload.put(self.page.take()?).await?;
            }
        }
        Ok(())
    }

    /// Replaces the file by an empty table, after the previous report could not be read to its end.
    async fn restart_without_previous(&mut self, error: &Error) -> Result<()> {
        warn(self.counts.since.as_deref().unwrap_or_default(), error);
        (self.previous, self.counts) = (None, ChangeCounts::default());
        self.page = page_with_header()?;
        let again = self.store.begin(&self.path).await?;
        std::mem::replace(&mut self.upload, again).abort().await;
        Ok(())
    }

    /// Finishes the file.
    pub(super) async fn finish(mut self) -> Result<(Uploaded, ChangeCounts)> {
        self.upload.put(self.page.take()?).await?;
        Ok((self.upload.finish().await?, self.counts))
    }

    /// Gives the file up.
    pub(super) async fn abort(self) {
        self.upload.abort().await;
    }
}

fn warn(report: &str, error: &Error) {
    let cause = std::error::Error::source(error);
    tracing::warn!(report, %error, cause, "the previous report cannot be read, so the new report lists no changes");
}

fn page_with_header() -> Result<CsvPage> {
    let mut page = CsvPage::new(Profile::Spreadsheet);
    page.header(&CHANGES_COLUMNS)?;
    Ok(page)
}

/// Returns the assignments that are in only one of both lists, by organization and rank.
fn difference(before: Vec<ComparedAssignment>, now: Vec<ComparedAssignment>) -> Vec<AssignmentChange> {
    let key = |assignment: &ComparedAssignment| (assignment.organization.clone(), assignment.id.clone());
    let mut before: BTreeMap<_, _> = before.into_iter().map(|assignment| (key(&assignment), assignment)).collect();
    let mut changes: Vec<AssignmentChange> = Vec::new();
    for assignment in now {
        if before.remove(&key(&assignment)).is_none() {
            changes.push(AssignmentChange { kind: ChangeKind::NewlyMixed, assignment });
        }
    }
    let resolved = before.into_values();
    changes.extend(resolved.map(|assignment| AssignmentChange { kind: ChangeKind::Resolved, assignment }));
    changes.sort_by(|a, b| order(&a.assignment).cmp(&order(&b.assignment)));
    changes
}

/// The order of assignments in a report.
fn order(assignment: &ComparedAssignment) -> (&str, u32, &str) {
    (assignment.organization.as_str(), assignment.rank, assignment.id.as_str())
}

#[cfg(test)]
mod tests {
    use rollcall_domain::{AssignmentId, UpdateMode};

    use super::*;

    fn assignment(organization: &str, rank: u32, id: &str) -> ComparedAssignment {
        ComparedAssignment {
            organization: OrganizationId::trusted(organization),
            rank,
            id: AssignmentId::trusted(id),
            name: id.to_owned(),
            update_mode: UpdateMode::ManualEditing,
            exporting: 1,
            not_exporting: 1,
        }
    }

    #[test]
    fn an_assignment_in_only_one_report_has_changed() {
        let before =
            vec![assignment("gone", 1, "a"), assignment("here", 1, "stays"), assignment("here", 2, "resolved")];
        let now = vec![assignment("here", 1, "new"), assignment("here", 4, "stays")];
        let changes = difference(before, now);
        let shown: Vec<_> = changes.iter().map(|change| (change.assignment.id.as_str(), change.kind)).collect();
        let (newly_mixed, resolved) = (ChangeKind::NewlyMixed, ChangeKind::Resolved);
        assert_eq!(shown, [("a", resolved), ("new", newly_mixed), ("resolved", resolved)]);
    }
}
