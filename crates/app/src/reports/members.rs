//! The team members report: one organization from one read snapshot, streamed while it is read.

use std::time::Duration;

use bytes::Bytes;
use rollcall_domain::OrganizationId;
use rollcall_store::{
    ReadTx,
    members::{self, export::TeamMembers},
};
use tokio::{sync::mpsc, time::timeout};
use tracing::Instrument as _;

use super::{
    csv::{CsvPage, CsvProfile},
    layout::{CHUNK, PAGE},
    member_table::{MEMBERS_COLUMNS, write_member},
};
use crate::{App, Error, Result};

/// The chunks of the CSV in order. Dropping the receiver ends the export.
pub type CsvChunks = mpsc::Receiver<Result<Bytes>>;

/// How many chunks wait for a slow reader.
const QUEUED_CHUNKS: usize = 4;
/// How long a reader may read no chunk before the export ends and its read snapshot is released.
const READER_TIMEOUT: Duration = Duration::from_secs(60);

impl App {
    /// Streams every member of an organization as CSV, inactive members included, from one read snapshot.
    ///
    /// # Errors
    /// [`Error::OrganizationNotFound`]. A later failure is the last item of the stream.
    pub async fn export_members(&self, organization: &OrganizationId, profile: CsvProfile) -> Result<CsvChunks> {
        let mut tx = self.db.snapshot(organization).await?;
        let (chunks, receiver) = mpsc::channel(QUEUED_CHUNKS + 1);
        let mut end = StreamEnd(chunks.clone().try_reserve_owned().ok());
        let export = async move {
            let sent = tokio::select! {
                sent = send_all(&mut tx, profile, &chunks) => sent,
                // The statement of the snapshot is cancelled.
                () = chunks.closed() => return end.discard(),
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

/// A reserved place in the channel for the error that ends the stream. The error can be sent even if the reader is slow
/// or the task panics: a part of a file must never look like the whole file.
struct StreamEnd(Option<mpsc::OwnedPermit<Result<Bytes>>>);

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

async fn send_all(tx: &mut ReadTx, profile: CsvProfile, chunks: &mpsc::Sender<Result<Bytes>>) -> Result<()> {
    let organization = tx.id().clone();
    let mut page = CsvPage::new(profile);
    page.header(&MEMBERS_COLUMNS)?;
    members::prepare_pages(tx).await?;
    let mut members = TeamMembers::new(tx);
    loop {
        let rows = members.next_page(PAGE).await?;
        for member in &rows {
            write_member(&mut page, &organization, member)?;
        }
        send(chunks, page.take()?).await?;
        if rows.len() < PAGE {
            return Ok(());
        }
    }
}

async fn send(chunks: &mpsc::Sender<Result<Bytes>>, mut page: Bytes) -> Result<()> {
    while !page.is_empty() {
        let chunk = page.split_to(page.len().min(CHUNK));
        let sent = timeout(READER_TIMEOUT, chunks.send(Ok(chunk))).await;
        let sent = sent.map_err(|_| Error::Unavailable("the client has read nothing of the export for 60 s".into()))?;
        sent.map_err(|_| Error::Unavailable("the client has ended the export".into()))?;
    }
    Ok(())
}
