//! The mixed assignments of a published report, read from its data file one organization after the other.

use std::collections::VecDeque;

use ::csv::StringRecord;
use futures::TryStreamExt as _;
use rollcall_store::reports::Report;

use super::{
    MIXED_FILE,
    changes::Named,
    checksum::Checksum,
    csv::MIXED_COLUMNS,
    records::CsvRecords,
    store::{ByteStream, ReportStore},
};
use crate::{Error, Result};

/// A published report while it is read.
pub(super) struct Previous {
    report: String,
    sha256: String,
    /// The rest of the file; `None` after its end.
    pieces: Option<ByteStream>,
    checksum: Checksum,
    records: CsvRecords,
    header_seen: bool,
    /// Assignments that were read and not taken yet.
    ready: VecDeque<Named>,
    /// The organization and assignment that were read last: the rows of an assignment stand together.
    last: Option<(String, String)>,
}

impl Previous {
    /// Begins to read a report's data file.
    pub(super) async fn open(store: &ReportStore, report: &Report) -> Result<Self> {
        let pieces = store.read(&format!("{}/{MIXED_FILE}", report.path), 0).await?;
        Ok(Self {
            report: report.id.clone(),
            sha256: report.sha256.clone(),
            pieces: Some(pieces),
            checksum: Checksum::default(),
            records: CsvRecords::default(),
            header_seen: false,
            ready: VecDeque::new(),
            last: None,
        })
    }

    /// Which report it is.
    pub(super) fn report(&self) -> &str {
        &self.report
    }

    /// The assignments of organizations up to one, in order, that were not taken before; all that are left without one.
    ///
    /// # Errors
    /// A file that cannot be read to the end, or is not the one that was published.
    pub(super) async fn take_up_to(&mut self, organization: Option<&str>) -> Result<Vec<Named>> {
        let mut taken = Vec::new();
        loop {
            while let Some(next) = self.ready.front() {
                if organization.is_some_and(|organization| next.organization.as_str() > organization) {
                    return Ok(taken);
                }
                taken.extend(self.ready.pop_front());
            }
            if !self.read_on().await? {
                return Ok(taken);
            }
        }
    }

    /// Reads a piece; `false` at the end of the file.
    async fn read_on(&mut self) -> Result<bool> {
        let Some(pieces) = &mut self.pieces else { return Ok(false) };
        let records = match pieces.try_next().await? {
            Some(piece) => {
                self.checksum.update(&piece);
                self.records.push(&piece).map_err(damaged)?
            }
            None => {
                self.pieces = None;
                if std::mem::take(&mut self.checksum).sha256() != self.sha256 {
                    return Err(damaged("it has another checksum than was published"));
                }
                std::mem::take(&mut self.records).finish().map_err(damaged)?
            }
        };
        for record in &records {
            self.take_record(record)?;
        }
        Ok(true)
    }

    fn take_record(&mut self, record: &StringRecord) -> Result<()> {
        if !self.header_seen {
            self.header_seen = true;
            let known = record.iter().eq(MIXED_COLUMNS);
            return if known { Ok(()) } else { Err(damaged("its columns are not those of this version")) };
        }
        let column = |at: usize| record.get(at).unwrap_or_default();
        if self.last.as_ref().is_some_and(|(organization, id)| organization == column(0) && id == column(1)) {
            return Ok(());
        }
        let number = |at: usize| column(at).parse().map_err(damaged);
        self.last = Some((column(0).to_owned(), column(1).to_owned()));
        self.ready.push_back(Named {
            organization: column(0).to_owned(),
            assignment: column(1).to_owned(),
            name: column(2).to_owned(),
            rank: number(3)?,
            update_mode: column(4).to_owned(),
            exporting: number(6)?,
            not_exporting: number(7)?,
        });
        Ok(())
    }
}

fn damaged(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Internal(cause.into())
}
