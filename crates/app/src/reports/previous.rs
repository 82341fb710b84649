//! The previous report: its mixed assignments, read from the data file in the order of organizations.

use std::collections::VecDeque;

use ::csv::StringRecord;
use futures::TryStreamExt as _;
use rollcall_domain::{AssignmentId, OrganizationId, UpdateMode, email_export::Summary};
use rollcall_store::{members::mixed::ReportedAssignment, reports::Report};

use super::{
    changes_table::ComparedAssignment,
    checksum::Checksum,
    errors::internal,
    layout::MIXED_FILE,
    mixed_table::MIXED_COLUMNS,
    records::CsvRecords,
    store::{ByteStream, ReportStore},
};
use crate::Result;

/// Reads the data file of a published report.
pub(super) struct PreviousReport {
    id: String,
    sha256: String,
    /// The rest of the file; `None` after its end.
    chunks: Option<ByteStream>,
    checksum: Checksum,
    records: CsvRecords,
    header_read: bool,
    /// Assignments that were read and not returned yet.
    ready: VecDeque<ComparedAssignment>,
    /// The organization and assignment of the last row: the rows of an assignment follow each other.
    last: Option<(String, String)>,
}

impl PreviousReport {
    /// Opens the data file of a report.
    pub(super) async fn open(store: &ReportStore, report: &Report) -> Result<Self> {
        let chunks = store.read(&format!("{}/{MIXED_FILE}", report.path), 0).await?;
        Ok(Self {
            id: report.id.clone(),
            sha256: report.sha256.clone(),
            chunks: Some(chunks),
            checksum: Checksum::default(),
            records: CsvRecords::default(),
            header_read: false,
            ready: VecDeque::new(),
            last: None,
        })
    }

    /// The report's id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Reads the next assignments, up to the end of `organization`; to the end of the file for `None`.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] for a damaged file, or [`crate::Error::Unavailable`] when the report store cannot be
    /// reached.
    pub(super) async fn read_up_to(
        &mut self,
        organization: Option<&OrganizationId>,
    ) -> Result<Vec<ComparedAssignment>> {
        let mut found = Vec::new();
        loop {
            let is_due = |next: &mut ComparedAssignment| organization.is_none_or(|last| next.organization <= *last);
            while let Some(next) = self.ready.pop_front_if(is_due) {
                found.push(next);
            }
            if !self.ready.is_empty() || !self.read_chunk().await? {
                return Ok(found);
            }
        }
    }

    /// Reads a chunk. Returns `false` after the end of the file.
    async fn read_chunk(&mut self) -> Result<bool> {
        let Some(chunks) = &mut self.chunks else { return Ok(false) };
        let records = match chunks.try_next().await? {
            Some(chunk) => {
                self.checksum.update(&chunk);
                self.records.push(&chunk)?
            }
            None => {
                self.chunks = None;
                if std::mem::take(&mut self.checksum).sha256() != self.sha256 {
                    return Err(internal("the file's checksum is not the published one"));
                }
                std::mem::take(&mut self.records).finish()?
            }
        };
        for record in &records {
            self.add_record(record)?;
        }
        Ok(true)
    }

    fn add_record(&mut self, record: &StringRecord) -> Result<()> {
        if !self.header_read {
            self.header_read = true;
            let known = record.iter().eq(MIXED_COLUMNS);
            return if known { Ok(()) } else { Err(internal("this version expects other columns in the file")) };
        }
        let column = |at: usize| record.get(at).unwrap_or_default();
        if self.last.as_ref().is_some_and(|(organization, id)| organization == column(0) && id == column(1)) {
            return Ok(());
        }
        let number = |at: usize| column(at).parse::<u32>().map_err(internal);
        self.last = Some((column(0).to_owned(), column(1).to_owned()));
        self.ready.push_back(ComparedAssignment {
            organization: OrganizationId::trusted(column(0)),
            assignment: ReportedAssignment {
                id: AssignmentId::trusted(column(1)),
                name: column(2).to_owned(),
                rank: number(3)?,
                update_mode: parse_update_mode(column(4))?,
                summary: Summary { exporting: number(6)?, not_exporting: number(7)?, inactive: 0 },
            },
        });
        Ok(())
    }
}

fn parse_update_mode(word: &str) -> Result<UpdateMode> {
    let modes = [UpdateMode::ManualEditing, UpdateMode::AutomaticUpdates];
    let mode = modes.into_iter().find(|mode| mode.as_str() == word);
    mode.ok_or_else(|| internal(format!("the file has the unknown update mode {word:?}")))
}
