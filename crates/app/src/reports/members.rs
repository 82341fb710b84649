//! The team members report: one organization from one read snapshot, streamed while it is read.

use std::time::Duration;

use bytes::Bytes;
use rollcall_domain::{MemberId, OrganizationId};
use rollcall_store::{
    ReadTx,
    members::{self, export::TeamMembers},
};
use tokio::{sync::mpsc, time::timeout};
use tracing::Instrument as _;

use super::{
    csv::{CsvPage, CsvProfile},
    layout::PAGE,
    member_table::{MEMBERS_COLUMNS, write_member},
};
use crate::{App, Error, Result, check_revision, members::get_view};

/// A piece of the CSV: whole rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportPiece {
    /// The text of the rows. It may be empty in the last piece of a resumed export.
    pub data: Bytes,
    /// The member of the last row so far; `None` when there is no row yet.
    pub last_member: Option<MemberId>,
    /// The revision that the export shows.
    pub revision: i64,
}

/// Where an interrupted export goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportPosition {
    /// The member of the last row that the caller has.
    pub after: MemberId,
    /// The revision of the rows that the caller has.
    pub revision: i64,
}

/// The pieces of the CSV in order. Dropping the receiver ends the export.
pub type ExportPieces = mpsc::Receiver<Result<ExportPiece>>;

/// How many pieces wait for a slow reader.
const QUEUED_PIECES: usize = 4;
/// How long a reader may read no piece before the export ends and its read snapshot is released.
const READER_TIMEOUT: Duration = Duration::from_secs(60);

impl App {
    /// Streams every member of an organization as CSV, inactive members included, from one read snapshot. A resumed export
    /// streams the rows after its position, without the header.
    ///
    /// # Errors
    /// [`Error::OrganizationNotFound`], [`Error::TooManyStreams`], [`Error::RevisionUnknown`] when `at_least` is newer than
    /// the organization, `MEMBER_NOT_FOUND`, or [`Error::OrganizationChanged`] when the organization is no longer of the position's revision.
    /// A later failure is the last item of the stream.
    pub async fn export_members(
        &self,
        organization: &OrganizationId,
        profile: CsvProfile,
        resumed: Option<ExportPosition>,
        at_least: Option<i64>,
    ) -> Result<ExportPieces> {
        let mut tx = self.db.snapshot(organization).await?;
        let revision = tx.organization().revision;
        let checked = match check_revision(revision, at_least) {
            Ok(()) => check_position(&mut tx, resumed.as_ref()).await,
            error => error,
        };
        if let Err(error) = checked {
            tx.end().await;
            return Err(error);
        }
        let (pieces, receiver) = mpsc::channel(QUEUED_PIECES + 1);
        let mut end = StreamEnd(pieces.clone().try_reserve_owned().ok());
        let export = async move {
            let after = resumed.as_ref().map(|position| &position.after);
            let sent = tokio::select! {
                sent = send_all(&mut tx, profile, after, &pieces) => sent,
                // The statement of the snapshot is cancelled.
                () = pieces.closed() => return end.discard(),
            };
            match sent {
                Ok(()) => {
                    tx.end().await;
                    end.discard();
                }
                Err(error) => end.send(tx.report_lost_connection(error).await),
            }
        };
        tokio::spawn(export.in_current_span());
        Ok(receiver)
    }
}

/// Checks that the rows after a position fit those before it.
async fn check_position(tx: &mut ReadTx, position: Option<&ExportPosition>) -> Result<()> {
    let Some(position) = position else { return Ok(()) };
    get_view(tx, &position.after).await?;
    if position.revision == tx.organization().revision {
        return Ok(());
    }
    Err(Error::OrganizationChanged(tx.id().clone()))
}

/// A reserved place in the channel for the error that ends the stream. The error can be sent even if the reader is slow
/// or the task panics: a part of a file must never look like the whole file.
struct StreamEnd(Option<mpsc::OwnedPermit<Result<ExportPiece>>>);

impl StreamEnd {
    fn send(&mut self, error: Error) {
        if let Some(place) = self.0.take() {
            place.send(Err(error));
        }
    }

    /// Gives the place back: the stream is complete, or has no reader.
    fn discard(&mut self) {
        self.0 = None;
    }
}

impl Drop for StreamEnd {
    fn drop(&mut self) {
        self.send(Error::Internal("the export ended before all members were sent".into()));
    }
}

async fn send_all(
    tx: &mut ReadTx,
    profile: CsvProfile,
    after: Option<&MemberId>,
    pieces: &mpsc::Sender<Result<ExportPiece>>,
) -> Result<()> {
    let (organization, revision) = (tx.id().clone(), tx.organization().revision);
    let mut page = CsvPage::new(profile);
    if after.is_none() {
        page.header(&MEMBERS_COLUMNS)?;
    }
    members::prepare_pages(tx).await?;
    let mut last_member = after.cloned();
    let mut members = TeamMembers::new(tx, after);
    loop {
        let rows = members.next_page(PAGE).await?;
        let is_last = rows.len() < PAGE;
        for member in rows {
            write_member(&mut page, &organization, &member)?;
            last_member = Some(member.id);
            if page.is_full() {
                send(pieces, ExportPiece { data: page.take()?, last_member: last_member.clone(), revision }).await?;
            }
        }
        if is_last {
            return send(pieces, ExportPiece { data: page.take()?, last_member, revision }).await;
        }
    }
}

async fn send(pieces: &mpsc::Sender<Result<ExportPiece>>, piece: ExportPiece) -> Result<()> {
    let sent = timeout(READER_TIMEOUT, pieces.send(Ok(piece))).await;
    let sent = sent.map_err(|_| Error::Unavailable("the client has read nothing of the export for 60 s".into()))?;
    sent.map_err(|_| Error::Unavailable("the client has ended the export".into()))
}
