//! What changed since the report before: which assignments are newly mixed, and which no longer are.
//!
//! The report before is read beside the one that is written, both by organization, so that no more than one
//! organization's assignments are held. A report must not depend on an old file: where that is gone or damaged, nothing
//! is compared and the manifest says so.

use std::collections::BTreeMap;

use rollcall_domain::OrganizationId;
use rollcall_store::{members::mixed::MixedAssignment, reports::Report};

use super::{
    CHANGES_FILE,
    csv::{CHANGES_COLUMNS, CsvPage, Profile},
    previous::Previous,
    store::ReportStore,
    upload::{Upload, Uploaded},
};
use crate::{Error, Result};

/// A mixed assignment, as a report names it. The order is that of the report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    pub(super) organization: String,
    pub(super) rank: i32,
    pub(super) assignment: String,
    pub(super) name: String,
    pub(super) update_mode: String,
    pub(super) exporting: i32,
    pub(super) not_exporting: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    NewlyMixed,
    Resolved,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NewlyMixed => "NEWLY_MIXED",
            Self::Resolved => "RESOLVED",
        }
    }
}

/// A line of `changes.csv`: the assignment as it is, or as it was before it was resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) kind: Kind,
    pub(super) of: Named,
}

/// What came of comparing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changed {
    /// The report that was compared with, if there is one that can be read.
    pub(super) since: Option<String>,
    pub(super) newly_mixed: u64,
    pub(super) resolved: u64,
}

/// The table of changes while it is written.
pub(super) struct Changes {
    store: ReportStore,
    path: String,
    upload: Upload,
    page: CsvPage,
    previous: Option<Previous>,
    changed: Changed,
}

impl Changes {
    /// Begins the table in a folder, to compare with the report before, if there is one.
    pub(super) async fn begin(store: &ReportStore, folder: &str, before: Option<&Report>) -> Result<Self> {
        let mut previous = None;
        if let Some(report) = before {
            previous = Previous::open(store, report).await.map_err(|error| not_compared(&report.id, &error)).ok();
        }
        let since = previous.as_ref().map(|previous| previous.report().to_owned());
        let path = format!("{folder}/{CHANGES_FILE}");
        let upload = store.begin(&path).await?;
        let changed = Changed { since, ..Changed::default() };
        Ok(Self { store: store.clone(), path, upload, page: header()?, previous, changed })
    }

    /// Compares an organization, which comes after those that were compared before.
    pub(super) async fn note(&mut self, organization: &OrganizationId, mixed: &[MixedAssignment]) -> Result<()> {
        let now = mixed.iter().map(|assignment| named(organization, assignment)).collect();
        self.compare(Some(organization.as_str()), now).await
    }

    /// Compares the end: what the report before has of later organizations is no longer there.
    pub(super) async fn note_the_rest(&mut self) -> Result<()> {
        self.compare(None, Vec::new()).await
    }

    async fn compare(&mut self, organization: Option<&str>, now: Vec<Named>) -> Result<()> {
        let Some(previous) = &mut self.previous else { return Ok(()) };
        let before = match previous.take_up_to(organization).await {
            Ok(before) => before,
            Err(error) => return self.forget(&error).await,
        };
        for change in difference(before, now) {
            match change.kind {
                Kind::NewlyMixed => self.changed.newly_mixed += 1,
                Kind::Resolved => self.changed.resolved += 1,
            }
            self.page.change(&change)?;
            if self.page.is_full() {
                self.upload.put(self.page.take()?).await?;
            }
        }
        Ok(())
    }

    /// Begins again, without anything to compare with.
    async fn forget(&mut self, error: &Error) -> Result<()> {
        not_compared(self.changed.since.as_deref().unwrap_or_default(), error);
        (self.previous, self.changed) = (None, Changed::default());
        self.page = header()?;
        let again = self.store.begin(&self.path).await?;
        std::mem::replace(&mut self.upload, again).abort().await;
        Ok(())
    }

    /// Ends the table.
    pub(super) async fn finish(mut self) -> Result<(Uploaded, Changed)> {
        self.upload.put(self.page.take()?).await?;
        Ok((self.upload.finish().await?, self.changed))
    }

    /// Gives the table up.
    pub(super) async fn abort(self) {
        self.upload.abort().await;
    }
}

fn not_compared(report: &str, error: &Error) {
    let cause = std::error::Error::source(error);
    tracing::warn!(report, %error, cause, "the report before cannot be read: what changed since is not known");
}

fn header() -> Result<CsvPage> {
    let mut page = CsvPage::new(Profile::Spreadsheet);
    page.header(&CHANGES_COLUMNS)?;
    Ok(page)
}

fn named(organization: &OrganizationId, assignment: &MixedAssignment) -> Named {
    Named {
        organization: organization.to_string(),
        rank: assignment.rank,
        assignment: assignment.id.clone(),
        name: assignment.name.clone(),
        update_mode: assignment.update_mode.clone(),
        exporting: assignment.exporting,
        not_exporting: assignment.not_exporting,
    }
}

/// What is in one of both only, in the order of the report.
fn difference(before: Vec<Named>, now: Vec<Named>) -> Vec<Change> {
    let key = |named: &Named| (named.organization.clone(), named.assignment.clone());
    let mut before: BTreeMap<_, _> = before.into_iter().map(|named| (key(&named), named)).collect();
    let mut changes: Vec<Change> = Vec::new();
    for of in now {
        if before.remove(&key(&of)).is_none() {
            changes.push(Change { kind: Kind::NewlyMixed, of });
        }
    }
    changes.extend(before.into_values().map(|of| Change { kind: Kind::Resolved, of }));
    changes.sort_by(|a, b| a.of.cmp(&b.of));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(organization: &str, rank: i32, assignment: &str) -> Named {
        let [organization, assignment, name] = [organization, assignment, assignment].map(str::to_owned);
        let update_mode = "MANUAL_EDITING".to_owned();
        Named { organization, rank, assignment, name, update_mode, exporting: 1, not_exporting: 1 }
    }

    #[test]
    fn what_is_in_one_report_only_has_changed() {
        let before = vec![named("gone", 1, "a"), named("here", 1, "stays"), named("here", 2, "resolved")];
        let now = vec![named("here", 1, "new"), named("here", 4, "stays")];
        let changes = difference(before, now);
        let shown: Vec<_> = changes.iter().map(|c| (c.of.assignment.as_str(), c.kind)).collect();
        assert_eq!(shown, [("a", Kind::Resolved), ("new", Kind::NewlyMixed), ("resolved", Kind::Resolved)]);
    }
}
