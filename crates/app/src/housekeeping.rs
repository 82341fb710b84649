//! Deleting old data: reports with their files, the files of failed attempts at a report, and runs of jobs.

use chrono::TimeDelta;
use rollcall_store::{Fence, jobs, reports};

use crate::{
    App, Result,
    jobs::IsStopped,
    reports::{MIXED_REPORT_JOB, report_folder},
};

/// How old the files of a failed attempt are when they are removed, by the report store's clock. Until then an operator
/// can inspect them.
const LEFTOVER_AGE: TimeDelta = TimeDelta::days(1);
/// How many runs are deleted in one transaction.
const RUNS_PER_TRANSACTION: u32 = 1_000;

/// How much was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PruneCounts {
    /// Reports with their files.
    pub reports: i64,
    /// Folders of attempts without a report, because the attempt failed or its report was deleted earlier.
    pub leftovers: i64,
    /// Runs of jobs.
    pub runs: i64,
}

impl App {
    /// Deletes reports and runs that are older than the options allow, and leftover files. Returns `None` when
    /// `stopped` ended the work early.
    ///
    /// Each row is deleted in a transaction that checks `fence`, and files are removed after their row, so that the
    /// next call finishes what a killed process has begun.
    ///
    /// # Errors
    /// [`crate::Error::FenceLost`], [`crate::Error::NotReportsOwner`], or [`crate::Error::Unavailable`] when the database or the report store cannot be
    /// reached.
    pub async fn prune(&self, fence: Fence, stopped: IsStopped<'_>) -> Result<Option<PruneCounts>> {
        self.check_reports_owner().await?;
        let mut deleted = PruneCounts::default();
        // A process may have died between publishing a report and writing `latest.json`. That is repaired before any
        // file is removed, so that `latest.json` never names a removed file.
        self.point_to_latest_report().await?;
        for path in reports::delete_reports(&self.db, fence, self.options.keep_reports).await? {
            self.remove_attempt(&path).await?;
            deleted.reports += 1;
        }
        let Some(leftovers) = self.remove_leftovers(stopped).await? else { return Ok(None) };
        deleted.leftovers = leftovers;
        loop {
            let runs = jobs::delete_runs(&self.db, fence, self.options.keep_runs, RUNS_PER_TRANSACTION).await?;
            deleted.runs += runs as i64;
            if runs < RUNS_PER_TRANSACTION as usize {
                return Ok(Some(deleted));
            }
            if stopped() {
                return Ok(None);
            }
        }
    }

    /// Removes the folders of attempts that have no report, belong to no open run, and have not changed for a day.
    async fn remove_leftovers(&self, stopped: IsStopped<'_>) -> Result<Option<i64>> {
        let mut removed = 0;
        // The folders are listed first: a folder whose report is published meanwhile belongs to the open run, or to the
        // published reports that are read after it.
        let folders = self.reports.list_attempts().await?;
        let open_runs = jobs::list_current_and_last(&self.db, &[MIXED_REPORT_JOB]).await?;
        let open_runs = open_runs.into_values().filter_map(|runs| runs.current);
        let open_folders: Vec<_> = open_runs.map(|run| format!("{}/", report_folder(run.scheduled_for))).collect();
        let published = reports::list_report_paths(&self.db).await?;
        let before = jobs::clock(&self.db).await? - LEFTOVER_AGE;
        for folder in folders {
            let is_open = open_folders.iter().any(|report| folder.path.starts_with(report));
            if is_open || folder.changed_at >= before || published.contains(&folder.path) {
                continue;
            }
            if stopped() {
                return Ok(None);
            }
            self.remove_attempt(&folder.path).await?;
            removed += 1;
        }
        Ok(Some(removed))
    }

    async fn remove_attempt(&self, path: &str) -> Result<()> {
        self.check_reports_owner().await?;
        self.reports.remove_attempt(path).await
    }
}
