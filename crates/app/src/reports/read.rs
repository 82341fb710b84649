//! Reading published reports and their files.

use futures::{StreamExt as _, stream};
use rollcall_domain::Timestamp;
use rollcall_store::reports::{self, Report, ReportFile};

use super::{
    checksum::Checksum,
    layout::{MANIFEST_FILE, MIXED_FILE},
    store::ByteStream,
};
use crate::{App, Error, Result};

/// A file of a report, read from an offset.
pub struct ReportDownload {
    /// The whole file's name, size and checksum.
    pub file: ReportFile,
    /// The bytes from the offset to the end of the file.
    pub pieces: ByteStream,
}

impl App {
    /// Reads up to `limit` reports, newest first: only those after the report with the publication time and id in
    /// `after`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub async fn list_reports(&self, after: Option<(Timestamp, &str)>, limit: u32) -> Result<Vec<Report>> {
        Ok(reports::list_reports(&self.db, after, limit).await?)
    }

    /// Reads one report.
    ///
    /// # Errors
    /// [`Error::ReportNotFound`].
    pub async fn get_report(&self, report: &str) -> Result<Report> {
        let found = reports::find_report(&self.db, report).await?;
        found.ok_or_else(|| Error::ReportNotFound(rollcall_domain::names::report(report)))
    }

    /// Streams a file of a report from an offset.
    ///
    /// # Errors
    /// [`Error::ReportNotFound`], [`Error::OffsetBeyondEnd`], [`Error::ReportDamaged`] when the file is missing in the
    /// store, or [`Error::Unavailable`] when the store cannot be reached. The stream ends with [`Error::ReportDamaged`]
    /// when the file is not the published one.
    pub async fn download_report(&self, report: &str, file: &str, offset: u64) -> Result<ReportDownload> {
        let missing = || Error::ReportNotFound(format!("{}/{file}", rollcall_domain::names::report(report)));
        let found = reports::find_report(&self.db, report).await?.ok_or_else(missing)?;
        let file = report_files(&found).into_iter().find(|known| known.file == file).ok_or_else(missing)?;
        let name = format!("{}/{}", rollcall_domain::names::report(report), file.file);
        match self.reports.read(&format!("{}/{}", found.path, file.file), offset).await {
            Ok(pieces) => Ok(ReportDownload { pieces: verified(pieces, name, file.clone(), offset), file }),
            Err(Error::ReportNotFound(_)) => Err(Error::ReportDamaged(name)),
            Err(error) => Err(error),
        }
    }
}

/// Returns the pieces of a file from an offset. They end with an error if the file is not the published one: if its size
/// differs, or, for a whole file, its checksum. The manifest of a report of an older release has no checksum.
fn verified(pieces: ByteStream, name: String, file: ReportFile, offset: u64) -> ByteStream {
    let start = (!file.sha256.is_empty()).then(Checksum::default);
    let state = Some((pieces, start, name, file));
    let next = move |state: Option<(ByteStream, Option<Checksum>, String, ReportFile)>| async move {
        let (mut pieces, mut checksum, name, file) = state?;
        match pieces.next().await {
            Some(Ok(piece)) => {
                checksum.iter_mut().for_each(|checksum| checksum.update(&piece));
                Some((Ok(piece), Some((pieces, checksum, name, file))))
            }
            Some(Err(error)) => Some((Err(error), None)),
            None => {
                let read = checksum?;
                let has_size = i64::try_from(offset.saturating_add(read.bytes())) == Ok(file.bytes);
                let is_published = has_size && (offset > 0 || read.sha256() == file.sha256);
                (!is_published).then_some((Err(Error::ReportDamaged(name)), None))
            }
        }
    };
    stream::unfold(state, next).boxed()
}

/// Returns every file of a report, the data file first. For a report that was published before the files were stored,
/// the manifest has no size and no checksum.
#[must_use]
pub fn report_files(report: &Report) -> Vec<ReportFile> {
    if !report.files.0.is_empty() {
        return report.files.0.clone();
    }
    let file = |file: &str, rows, bytes, sha256| ReportFile { file: file.to_owned(), rows, bytes, sha256 };
    vec![file(MIXED_FILE, report.rows, report.bytes, report.sha256.clone()), file(MANIFEST_FILE, 0, 0, String::new())]
}
