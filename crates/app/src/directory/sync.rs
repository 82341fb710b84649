//! A sync of the directory, as one transaction and one revision.

use rollcall_domain::{
    Proposal,
    directory::{ParsedRows, Rejection, SyncCounts, SyncDirectory},
    names,
};
use rollcall_store::{WriteTx, assignments::StoredList};

use super::audit;
use crate::{Applied, AuditDraft, Operation, Planned, Result};

/// A request to sync the directory. A sync that changes nothing makes no revision.
#[derive(Clone, Debug)]
pub struct DirectorySync {
    /// The rows.
    pub rows: ParsedRows,
    /// Whether the sync may change more members than the organization's limit allows.
    pub allow_mass_change: bool,
}

/// What a sync changes, and the rows that it rejects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synced {
    /// How many rows of each kind change something.
    pub counts: SyncCounts,
    /// Rows that are not accepted.
    pub rejected: Vec<Rejection>,
}

impl Operation for DirectorySync {
    type Answer = Synced;
    type Before = ();
    const NAME: &'static str = "sync_directory";
    const IS_BULK: bool = true;

    async fn propose<'a>(&'a self, _: &mut WriteTx, _: &StoredList) -> Result<(Proposal<'a>, ())> {
        let sync = SyncDirectory { rows: &self.rows, allow_mass_change: self.allow_mass_change };
        Ok((Proposal::SyncDirectory(sync), ()))
    }

    fn audit(&self, (): &(), planned: &Planned<'_>) -> AuditDraft {
        let changes = &planned.plan.directory;
        AuditDraft {
            resource: names::child(&planned.organization.id, "directory"),
            before: audit::before(changes, &planned.facts.directory),
            after: audit::after(self.rows.mode, changes),
        }
    }

    fn answer(&self, (): (), applied: &mut Applied<'_>) -> Result<Synced> {
        let changes = &mut applied.planned.plan.directory;
        Ok(Synced { counts: changes.counts, rejected: std::mem::take(&mut changes.rejected) })
    }
}
