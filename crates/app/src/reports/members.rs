//! The team members report: one organization, one snapshot, streamed while it is read.

use std::time::Duration;

use bytes::Bytes;
use rollcall_domain::OrganizationId;
use rollcall_store::{
    ReadTx,
    members::{self, export},
};
use tokio::{sync::mpsc, time::timeout};
use tracing::Instrument as _;

use super::{
    CHUNK, PAGE,
    csv::{CsvPage, MEMBERS_COLUMNS, Profile},
};
use crate::{App, Error, Result};

/// The pieces of the CSV in order. Dropping it ends the reading.
pub type CsvChunks = mpsc::Receiver<Result<Bytes>>;

/// How many pieces wait for a slow reader.
const WAITING: usize = 4;
/// How long a reader may take none before the snapshot is given up.
const PATIENCE: Duration = Duration::from_secs(60);

impl App {
    /// Streams every member of an organization as CSV, inactive ones included, from one snapshot.
    ///
    /// # Errors
    /// An unknown organization. What fails later comes as the last item of the stream.
    pub async fn export_members(&self, organization: &OrganizationId, profile: Profile) -> Result<CsvChunks> {
        let mut tx = self.db.snapshot(organization).await?;
        let (chunks, receiver) = mpsc::channel(WAITING + 1);
        let mut ending = Ending(chunks.clone().try_reserve_owned().ok());
        let export = async move {
            let failed = match send_all(&mut tx, profile, &chunks).await {
                Ok(()) => None,
                Err(error) => Some(tx.report_lost_connection(error).await),
            };
            ending.tell(failed);
        };
        tokio::spawn(export.in_current_span());
        Ok(receiver)
    }
}

/// A place in the channel for the error that ends it, also when the reader is slow or the task
/// panics: a piece of a file must never look like the whole.
struct Ending(Option<mpsc::OwnedPermit<Result<Bytes>>>);

impl Ending {
    fn tell(&mut self, error: Option<Error>) {
        if let (Some(place), Some(error)) = (self.0.take(), error) {
            place.send(Err(error));
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.tell(Some(Error::Internal("the export ended early".into())));
    }
}

async fn send_all(tx: &mut ReadTx, profile: Profile, chunks: &mpsc::Sender<Result<Bytes>>) -> Result<()> {
    let organization = tx.id().clone();
    let mut after = String::new();
    let mut page = CsvPage::new(profile);
    page.header(&MEMBERS_COLUMNS)?;
    members::prepare_pages(tx).await?;
    loop {
        let rows = export::list_member_rows(tx, &after, PAGE as i64).await?;
        for row in &rows {
            page.member(&organization, row)?;
        }
        send(chunks, page.finish()?).await?;
        match rows.last() {
            Some(last) if rows.len() == PAGE => after.clone_from(&last.member),
            _ => return Ok(()),
        }
        page = CsvPage::new(profile);
    }
}

async fn send(chunks: &mpsc::Sender<Result<Bytes>>, mut page: Bytes) -> Result<()> {
    while !page.is_empty() {
        let chunk = page.split_to(page.len().min(CHUNK));
        let sent = timeout(PATIENCE, chunks.send(Ok(chunk))).await;
        let sent = sent.map_err(|_| Error::Unavailable("the reader took nothing for 60 s".into()))?;
        sent.map_err(|_| Error::Unavailable("the reader has gone".into()))?;
    }
    Ok(())
}
