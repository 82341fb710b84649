//! Forgetting what is old: reports with their files, what attempts that failed have left in the report store, and runs
//! of jobs.

use chrono::TimeDelta;
use rollcall_store::{Fence, jobs, reports};

use crate::{
    App, Result,
    reports::{MIXED_REPORT_JOB, report_folder},
};

/// How old files must be that no report knows of and no run writes, by the report store's clock: time to look at them.
const LEFTOVERS: TimeDelta = TimeDelta::days(1);
/// How many runs are forgotten in one transaction.
const RUNS: u32 = 1_000;

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Reports, with their files.
    pub reports: i64,
    /// Folders of attempts that published nothing, or whose report was forgotten earlier.
    pub leftovers: i64,
    /// Runs of jobs.
    pub runs: i64,
}

impl App {
    /// Forgets what is older than the options say. Each row is removed on behalf of a run that has its lease, and files
    /// after their row: whatever is interrupted is finished the next time. `None` when it was stopped.
    ///
    /// # Errors
    /// A lost lease, or a database or report store that fails.
    pub async fn keep_house(
        &self,
        fence: Fence,
        stopped: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Option<Forgotten>> {
        let mut forgotten = Forgotten::default();
        // What an attempt that died after publishing left undone; before any files go, so that it never names those.
        self.point_to_latest_report().await?;
        for path in reports::delete_reports(&self.db, fence, self.options.keep_reports).await? {
            self.reports.remove_attempt(&path).await?;
            forgotten.reports += 1;
        }
        let Some(leftovers) = self.remove_leftovers(stopped).await? else { return Ok(None) };
        forgotten.leftovers = leftovers;
        loop {
            let gone = jobs::delete_runs(&self.db, fence, self.options.keep_runs, RUNS).await?;
            forgotten.runs += gone as i64;
            if gone < RUNS as usize {
                return Ok(Some(forgotten));
            }
            if stopped() {
                return Ok(None);
            }
        }
    }

    /// Removes folders that no report knows of, that no run which may still publish them writes to, and that nobody has
    /// written to for a day.
    async fn remove_leftovers(&self, stopped: &(dyn Fn() -> bool + Send + Sync)) -> Result<Option<i64>> {
        let mut removed = 0;
        // In this order: a folder that is published in between is of the run at work or among the known ones then.
        let folders = self.reports.list_attempts().await?;
        let at_work = jobs::list_current_and_last(&self.db, &[MIXED_REPORT_JOB]).await?;
        let at_work = at_work.into_values().filter_map(|runs| runs.current);
        let at_work: Vec<_> = at_work.map(|run| format!("{}/", report_folder(run.scheduled_for))).collect();
        let known = reports::list_report_paths(&self.db).await?;
        let before = jobs::clock(&self.db).await? - LEFTOVERS;
        for folder in folders {
            let is_at_work = at_work.iter().any(|report| folder.path.starts_with(report));
            if is_at_work || folder.changed_at >= before || known.contains(&folder.path) {
                continue;
            }
            if stopped() {
                return Ok(None);
            }
            self.reports.remove_attempt(&folder.path).await?;
            removed += 1;
        }
        Ok(Some(removed))
    }
}
