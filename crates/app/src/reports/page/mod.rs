//! `index.html`: the report as a page for people. One file without scripts, from the template
//! `templates/mixed_settings.html` (ADR 35).
//!
//! The page reads no clock. It depends only on the time for which the run was scheduled, on the rows of the report, and on
//! the reports that were published before.

mod plot;
mod shown_assignments;
mod text;
mod views;

use askama::Template;
use rollcall_domain::{Phase, Timestamp};
use rollcall_store::{
    jobs::JobRun,
    reports::{self, MixedCount, Report},
};

pub(super) use self::shown_assignments::ShownAssignments;
use self::{
    plot::Plot,
    text::minute,
    views::{AssignmentSection, ChangeTable, MissingView, OrganizationSection},
};
use super::{
    errors::internal,
    layout::{CHANGES_FILE, MANIFEST_FILE, MIXED_FILE, SCHEMA_FILE, report_id},
    manifest::ManifestFile,
    tables::WrittenTables,
};
use crate::{App, Result};

/// How many organizations that the report lacks the page names.
const MISSING_SHOWN: usize = 100;

impl App {
    /// Reads the counts of the reports that the plot shows, for the run that was scheduled for this time.
    pub(super) async fn list_nights(&self, scheduled_for: Timestamp) -> Result<Vec<MixedCount>> {
        Ok(reports::list_mixed_counts(&self.db, plot::first_night(scheduled_for), scheduled_for).await?)
    }
}

/// Returns the page. `nights` are the counts of earlier reports, in order of time.
///
/// # Errors
/// [`crate::Error::Internal`], which no data causes.
pub(super) fn render(
    run: &JobRun,
    written: &WrittenTables,
    previous: Option<&Report>,
    nights: &[MixedCount],
) -> Result<String> {
    ReportPage::new(run.scheduled_for, written, previous, nights).render().map_err(internal)
}

/// The page, as the template needs it.
#[derive(Template)]
#[template(path = "mixed_settings.html")]
struct ReportPage<'a> {
    time: String,
    report: String,
    written: &'a WrittenTables,
    /// The time of the report with which this one was compared.
    compared: Option<String>,
    mixed: u64,
    /// The number of organizations with a mixed assignment.
    mixed_organizations: u64,
    legacy: u64,
    missing: Vec<MissingView<'a>>,
    changes: [ChangeTable<'a>; 2],
    plot: Plot,
    organizations: Vec<OrganizationSection<'a>>,
    tables: [&'a ManifestFile; 2],
}

impl<'a> ReportPage<'a> {
    fn new(
        scheduled_for: Timestamp,
        written: &'a WrittenTables,
        previous: Option<&Report>,
        nights: &[MixedCount],
    ) -> Self {
        let counts = &written.organizations;
        let mixed = counts.iter().map(|organization| u64::from(organization.mixed_assignments)).sum();
        let count = |found: usize| u64::try_from(found).unwrap_or(u64::MAX);
        let is_compared = written.changes.counts.since.is_some();
        Self {
            time: minute(scheduled_for),
            report: report_id(scheduled_for),
            written,
            compared: previous.filter(|_| is_compared).map(|report| minute(report.data_as_of)),
            mixed,
            mixed_organizations: count(counts.iter().filter(|one| one.mixed_assignments > 0).count()),
            legacy: count(counts.iter().filter(|one| one.phase == Phase::Legacy).count()),
            missing: written.missing_organizations.iter().take(MISSING_SHOWN).map(MissingView).collect(),
            changes: change_tables(written),
            plot: Plot::new(scheduled_for, nights, mixed),
            organizations: organization_views(written),
            tables: [&written.data, &written.changes.file],
        }
    }

    /// The shown assignments that need action.
    fn actions(&self) -> Vec<&AssignmentSection<'a>> {
        let shown = self.organizations.iter().flat_map(|organization| &organization.shown);
        shown.filter(|view| view.requires_action()).collect()
    }

    fn action_required(&self) -> u64 {
        self.written.shown.action_required
    }

    fn actions_not_shown(&self) -> u64 {
        self.action_required() - self.actions().len() as u64
    }

    fn missing_not_shown(&self) -> u64 {
        (self.written.missing_organizations.len() - self.missing.len()) as u64
    }

    fn not_shown(&self) -> u64 {
        let shown: usize = self.organizations.iter().map(|organization| organization.shown.len()).sum();
        self.mixed - shown as u64
    }

    fn organizations_not_shown(&self) -> u64 {
        self.mixed_organizations - self.organizations.len() as u64
    }

    fn has_no_changes(&self) -> bool {
        self.changes.iter().all(|table| table.count == 0)
    }
}

fn change_tables(written: &WrittenTables) -> [ChangeTable<'_>; 2] {
    let (counts, shown) = (&written.changes.counts, &written.changes.shown);
    [
        ChangeTable::new("Newly mixed", counts.newly_mixed, &shown.newly_mixed, &written.shown),
        ChangeTable::new("Resolved", counts.resolved, &shown.resolved, &written.shown),
    ]
}

fn organization_views(written: &WrittenTables) -> Vec<OrganizationSection<'_>> {
    let mut views = Vec::new();
    for (id, shown) in written.shown.by_organization() {
        let place = written.organizations.binary_search_by(|counts| counts.organization.cmp(id));
        let counts = place.ok().and_then(|place| written.organizations.get(place));
        let shown: Vec<_> =
            shown.into_iter().map(|assignment| AssignmentSection { organization: id, assignment }).collect();
        views.push(OrganizationSection {
            id,
            mixed_assignments: counts.map_or(shown.len() as u64, |counts| counts.mixed_assignments.into()),
            members: counts.map_or(0, |counts| counts.rows),
            shown,
        });
    }
    views
}

#[cfg(test)]
mod tests;
