//! Reading published reports and their files.

use rollcall_domain::Timestamp;
use rollcall_store::reports::{self, Report};

use super::{
    publish::{MANIFEST_FILE, MIXED_FILE},
    store::ByteStream,
};
use crate::{App, Error, Result};

impl App {
    /// Reads up to `limit` reports, newest first, after the one with this publication time and id.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn list_reports(&self, after: Option<(Timestamp, &str)>, limit: u32) -> Result<Vec<Report>> {
        Ok(reports::list_reports(&self.db, after, limit).await?)
    }

    /// Reads one report.
    ///
    /// # Errors
    /// An unknown report.
    pub async fn get_report(&self, report: &str) -> Result<Report> {
        let found = reports::find_report(&self.db, report).await?;
        found.ok_or_else(|| Error::ReportNotFound(format!("reports/{report}")))
    }

    /// Streams a file of a report from an offset on.
    ///
    /// # Errors
    /// An unknown report or file, an offset beyond the end, or a store that fails.
    pub async fn download_report(&self, report: &str, file: &str, offset: u64) -> Result<ByteStream> {
        let name = format!("reports/{report}/{file}");
        let found = reports::find_report(&self.db, report).await?;
        match found {
            Some(found) if [MIXED_FILE, MANIFEST_FILE].contains(&file) => {
                match self.reports.read(&format!("{}/{file}", found.path), offset).await {
                    Err(Error::ReportNotFound(_)) => Err(Error::ReportNotFound(name)),
                    other => other,
                }
            }
            _ => Err(Error::ReportNotFound(name)),
        }
    }
}
