//! What changed since the previous report: which assignments are newly mixed, and which are resolved.
//!
//! The previous report is read while the new one is written, both in the order of organizations, so that only one
//! organization's assignments are in memory. A report must not depend on an old file: if the previous one is missing or
//! damaged, nothing is compared, and the manifest says so.

use std::collections::{BTreeMap, BTreeSet};

use rollcall_domain::OrganizationId;
use rollcall_store::{members::mixed::ReportedAssignment, reports::Report};

use super::{
    changes_table::{CHANGES_COLUMNS, ChangeKind, ComparedAssignment, write_change},
    layout::CHANGES_FILE,
    manifest::{ManifestChanges, ManifestFile},
    previous::PreviousReport,
    store::ReportStore,
    table_upload::TableUpload,
};
use crate::{Error, Result};

/// How many changes of each kind the page shows.
const SHOWN: usize = 50;

/// The first changes of each kind, which the page shows.
#[derive(Debug, Default)]
pub(super) struct ShownChanges {
    pub(super) newly_mixed: Vec<ComparedAssignment>,
    pub(super) resolved: Vec<ComparedAssignment>,
}

/// `changes.csv` after it was written.
pub(super) struct WrittenChanges {
    pub(super) file: ManifestFile,
    pub(super) counts: ManifestChanges,
    pub(super) shown: ShownChanges,
}

/// Writes `changes.csv`.
pub(super) struct ChangesWriter {
    store: ReportStore,
    folder: String,
    table: TableUpload,
    previous: Option<PreviousReport>,
    /// The organizations that the previous report lacks. Nothing is known about their changes.
    previous_missing: BTreeSet<OrganizationId>,
    counts: ManifestChanges,
    shown: ShownChanges,
}

impl ChangesWriter {
    /// Begins `changes.csv` in a folder, and opens the previous report if there is one.
    pub(super) async fn begin(store: &ReportStore, folder: &str, previous: Option<&Report>) -> Result<Self> {
        let mut opened = None;
        if let Some(report) = previous {
            opened = PreviousReport::open(store, report).await.map_err(|error| warn(&report.id, &error)).ok();
        }
        let since = opened.as_ref().map(|previous| previous.id().to_owned());
        let table = begin_table(store, folder)?;
        let counts = ManifestChanges { since, ..ManifestChanges::default() };
        let missing = previous.into_iter().flat_map(|report| &report.missing_organizations.0);
        let previous_missing = missing.map(|missing| missing.organization.clone()).collect();
        let (store, folder, shown) = (store.clone(), folder.to_owned(), ShownChanges::default());
        Ok(Self { store, folder, table, previous: opened, previous_missing, counts, shown })
    }

    /// Compares the mixed assignments of an organization. Call it in byte order of the organizations' ids.
    pub(super) async fn compare(
        &mut self,
        organization: &OrganizationId,
        mixed: Vec<ReportedAssignment>,
    ) -> Result<()> {
        let compared = |assignment| ComparedAssignment { organization: organization.clone(), assignment };
        let is_comparable = !self.previous_missing.contains(organization);
        let now = if is_comparable { mixed.into_iter().map(compared).collect() } else { Vec::new() };
        self.compare_up_to(Some(organization), now, |_| true).await
    }

    /// Skips an organization that the new report lacks: nothing is known about its changes. Call it in the same order.
    pub(super) async fn skip(&mut self, missing: &OrganizationId) -> Result<()> {
        self.compare_up_to(Some(missing), Vec::new(), |organization| organization != missing).await
    }

    /// Compares the organizations of the previous report that come after the last one of the new report.
    pub(super) async fn compare_rest(&mut self) -> Result<()> {
        self.compare_up_to(None, Vec::new(), |_| true).await
    }

    /// Compares the organizations up to this one that `includes` accepts.
    async fn compare_up_to(
        &mut self,
        organization: Option<&OrganizationId>,
        now: Vec<ComparedAssignment>,
        includes: impl Fn(&OrganizationId) -> bool,
    ) -> Result<()> {
        let Some(previous) = &mut self.previous else { return Ok(()) };
        let mut before = match previous.read_up_to(organization).await {
            Ok(before) => before,
            Err(error) => return self.restart_without_previous(&error).await,
        };
        before.retain(|compared| includes(&compared.organization));
        for (kind, compared) in difference(before, now) {
            self.table.add_row(|page| write_change(page, kind, &compared)).await?;
            let (count, shown) = match kind {
                ChangeKind::NewlyMixed => (&mut self.counts.newly_mixed, &mut self.shown.newly_mixed),
                ChangeKind::Resolved => (&mut self.counts.resolved, &mut self.shown.resolved),
            };
            *count += 1;
            if shown.len() < SHOWN {
                shown.push(compared);
            }
        }
        Ok(())
    }

    /// Replaces the file by an empty table, after the previous report could not be read to its end.
    async fn restart_without_previous(&mut self, error: &Error) -> Result<()> {
        warn(self.counts.since.as_deref().unwrap_or_default(), error);
        (self.previous, self.counts, self.shown) = (None, ManifestChanges::default(), ShownChanges::default());
        let empty = begin_table(&self.store, &self.folder)?;
        std::mem::replace(&mut self.table, empty).abort().await;
        Ok(())
    }

    /// Finishes the file.
    pub(super) async fn finish(self) -> Result<WrittenChanges> {
        Ok(WrittenChanges { file: self.table.finish().await?, counts: self.counts, shown: self.shown })
    }

    /// Removes the unfinished file.
    pub(super) async fn abort(self) {
        self.table.abort().await;
    }
}

fn warn(report: &str, error: &Error) {
    let cause = std::error::Error::source(error);
    tracing::warn!(report, %error, cause, "the previous report cannot be read, so the new report lists no changes");
}

fn begin_table(store: &ReportStore, folder: &str) -> Result<TableUpload> {
    TableUpload::begin(store, folder, CHANGES_FILE, &CHANGES_COLUMNS)
}

/// Returns the assignments that are in only one of both lists, by organization and rank.
fn difference(before: Vec<ComparedAssignment>, now: Vec<ComparedAssignment>) -> Vec<(ChangeKind, ComparedAssignment)> {
    let key = |compared: &ComparedAssignment| (compared.organization.clone(), compared.assignment.id.clone());
    let mut before: BTreeMap<_, _> = before.into_iter().map(|compared| (key(&compared), compared)).collect();
    let mut changes = Vec::new();
    for compared in now {
        if before.remove(&key(&compared)).is_none() {
            changes.push((ChangeKind::NewlyMixed, compared));
        }
    }
    changes.extend(before.into_values().map(|compared| (ChangeKind::Resolved, compared)));
    changes.sort_by(|(_, a), (_, b)| order(a).cmp(&order(b)));
    changes
}

/// The order of assignments in a report.
fn order(compared: &ComparedAssignment) -> (&str, u32, &str) {
    (compared.organization.as_str(), compared.assignment.rank, compared.assignment.id.as_str())
}

#[cfg(test)]
mod tests {
    use rollcall_domain::{AssignmentId, UpdateMode, email_export::Summary};

    use super::*;

    fn assignment(organization: &str, rank: u32, id: &str) -> ComparedAssignment {
        ComparedAssignment {
            organization: OrganizationId::trusted(organization),
            assignment: ReportedAssignment {
                rank,
                id: AssignmentId::trusted(id),
                name: id.to_owned(),
                update_mode: UpdateMode::ManualEditing,
                summary: Summary { exporting: 1, not_exporting: 1, inactive: 0 },
            },
        }
    }

    #[test]
    fn an_assignment_in_only_one_report_has_changed() {
        let before =
            vec![assignment("gone", 1, "a"), assignment("here", 1, "stays"), assignment("here", 2, "resolved")];
        let now = vec![assignment("here", 1, "new"), assignment("here", 4, "stays")];
        let changes = difference(before, now);
        let shown: Vec<_> = changes.iter().map(|(kind, compared)| (compared.assignment.id.as_str(), *kind)).collect();
        let (newly_mixed, resolved) = (ChangeKind::NewlyMixed, ChangeKind::Resolved);
        assert_eq!(shown, [("a", resolved), ("new", newly_mixed), ("resolved", resolved)]);
    }
}
