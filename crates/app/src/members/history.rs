//! The changes of a member's email export, and what it was at a time (product.md 4.9).

use rollcall_domain::{
    MemberId, OrganizationId, Refusal, Timestamp,
    email_export::MemberExport,
    history::{RecordedChange, export_at},
};
use rollcall_store::{
    ReadTx,
    members::history::{self, Beginning, HistoryFilter},
};

use crate::{App, Read, Result, check_revision};

/// A page of the changes of a member's email export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportHistory {
    /// Newest first.
    pub changes: Vec<RecordedChange>,
    /// The time that was asked about; that of the answer for none, and for one that is still to come.
    pub time: Timestamp,
    /// What the setting was then; `None` before the member was known.
    pub export: Option<MemberExport>,
}

impl App {
    /// Lists up to `limit` changes before a revision, newest first, and says what the setting was at
    /// `time`, or is now.
    ///
    /// # Errors
    /// An unknown organization or member.
    pub async fn list_email_export_changes(
        &self,
        organization: &OrganizationId,
        member: &MemberId,
        time: Option<Timestamp>,
        (before, limit): (Option<i64>, u32),
        at_least: Option<i64>,
    ) -> Result<Read<ExportHistory>> {
        self.db
            .read(organization, "list_email_export_changes", async |tx: &mut ReadTx| {
                check_revision(tx.organization().revision, at_least)?;
                let beginning = history::find_beginning(tx, member).await?;
                let beginning = beginning.ok_or_else(|| Refusal::MemberNotFound(vec![member.clone()]))?;
                let now = history::get_time(tx).await?;
                let time = time.map_or(now, |time| time.min(now));
                let export = find_at(tx, member, time, beginning).await?;
                let filter = HistoryFilter { email_export: true, before, limit: Some(limit), until: None };
                let changes = history::list_changes(tx, member, filter).await?;
                Ok(Read::of(tx, ExportHistory { changes, time, export }))
            })
            .await
    }
}

async fn find_at(
    tx: &mut ReadTx,
    member: &MemberId,
    time: Timestamp,
    beginning: Beginning,
) -> Result<Option<MemberExport>> {
    // A time that long ago need not be one that the database can represent.
    if time < beginning.known_since {
        return Ok(None);
    }
    let filter = HistoryFilter { email_export: true, before: None, until: Some(time), limit: Some(1) };
    let newest = history::list_changes(tx, member, filter).await?.pop();
    Ok(Some(export_at(newest.as_ref(), beginning.legacy)))
}
