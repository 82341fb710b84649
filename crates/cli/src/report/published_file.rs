//! Downloading the files of published reports to this machine. The checksum of each file is compared before the file
//! replaces an earlier one.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rollcall_proto::v1::{DownloadReportRequest, DownloadReportResponse, ListReportsRequest, Report};

use super::digest::FileDigest;
use crate::{
    connection::{ServerConnection, answer, call_failed},
    error::{Error, Result},
};

/// Only the user may read the file, because reports have email addresses.
const FILE_MODE: u32 = 0o600;

/// Returns the name of a report from its id or its name.
pub(super) fn report_name(report: &str) -> String {
    format!("reports/{}", report.strip_prefix("reports/").unwrap_or(report))
}

/// Returns the report that was published last.
///
/// # Errors
/// The call fails, or there is no report.
pub(super) async fn find_newest_report(server: &ServerConnection) -> Result<Report> {
    let request = ListReportsRequest { page_size: 1, ..Default::default() };
    let page = answer("cannot list the reports", server.reports().list_reports(request).await)?;
    page.reports.into_iter().next().ok_or_else(|| {
        Error::failed("there is no report yet; `rollcall job run mixed-settings-report` writes one".to_owned())
    })
}

/// Writes a file of a report, and returns its size in bytes.
///
/// # Errors
/// The call fails, the download is damaged, or the file cannot be written. A file that existed before is then unchanged.
pub(super) async fn download_file(server: &ServerConnection, report: &str, file: &str, output: &Path) -> Result<u64> {
    let target = PartialFile::create(output)?;
    let cannot_download = format!("cannot download {file} of {report}");
    let request = DownloadReportRequest { name: report.to_owned(), file: file.to_owned(), offset: 0 };
    let mut pieces = answer(&cannot_download, server.reports().download_report(request).await)?;
    let (mut digest, mut end) = (FileDigest::default(), None);
    while let Some(piece) = pieces.message().await.map_err(call_failed(&cannot_download))? {
        if piece.data.is_empty() {
            end = Some(piece);
        } else {
            digest.update(&piece.data);
            target.write(&piece.data)?;
        }
    }
    let bytes = digest.bytes();
    check_complete(digest, end).map_err(|problem| Error::failed(format!("{cannot_download}: {problem}")))?;
    target.finish(output)?;
    Ok(bytes)
}

/// Compares the received bytes with the last message.
fn check_complete(digest: FileDigest, end: Option<DownloadReportResponse>) -> std::result::Result<(), String> {
    let end = end.ok_or("the download ended early; run the command again")?;
    // A report of an old version has no checksum of its manifest.
    let is_known = !end.sha256.is_empty();
    if is_known && (i64::try_from(digest.bytes()) != Ok(end.bytes) || digest.sha256() != end.sha256) {
        return Err("the received bytes have another checksum; run the command again".to_owned());
    }
    Ok(())
}

/// A file beside the output that becomes the output when it is complete. It is removed if it is dropped before.
struct PartialFile {
    file: File,
    path: PathBuf,
}

impl PartialFile {
    fn create(output: &Path) -> Result<Self> {
        let mut name = output.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        let opened = OpenOptions::new().create(true).truncate(true).write(true).mode(FILE_MODE).open(&path);
        let file = opened.map_err(Error::doing(format!("cannot write {}", path.display())))?;
        Ok(Self { file, path })
    }

    fn write(&self, bytes: &[u8]) -> Result {
        (&self.file).write_all(bytes).map_err(Error::doing(format!("cannot write {}", self.path.display())))
    }

    fn finish(self, output: &Path) -> Result {
        let renamed = self.file.sync_all().and_then(|()| fs::rename(&self.path, output));
        renamed.map_err(Error::doing(format!("cannot write {}", output.display())))
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        // After `finish` the file has another name.
        let _ = fs::remove_file(&self.path);
    }
}
