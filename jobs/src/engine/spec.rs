//! The declaration of a job, its input and its result.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use futures::{FutureExt as _, future::BoxFuture};
use rollcall_app::{
    App,
    jobs::{JobInfo, JobSchedule},
};
use rollcall_store::{
    Fence,
    jobs::{JobRun, RunCounts},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    EngineOptions,
    schedule::{Schedule, Timetable},
};

/// The longest time between two attempts of most jobs.
pub const DEFAULT_MAX_BACKOFF: Duration = Duration::from_secs(300);

/// A job: an idempotent function, and when and how it runs. The function takes no input, except that of the request which
/// is stored with the run.
#[derive(Clone)]
pub struct JobSpec {
    /// The job's name, as in `jobs/{job}`.
    pub name: &'static str,
    /// What the job does, in a sentence for operators.
    pub description: &'static str,
    /// The schedule; `None` for a job that runs on request only. If several times passed while no engine ran, only the
    /// newest becomes a run, and the others are marked as skipped.
    pub schedule: Option<Schedule>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How many attempts a run has before a failure ends it. An attempt that was stopped does not count. An attempt
    /// whose process died counts, but a death alone never ends a run.
    pub attempts: u32,
    /// The longest time between two attempts. The time doubles after each failed attempt until it is this long.
    pub max_backoff: Duration,
    /// The function that does the work.
    pub run: JobFn,
    /// The function that shares the work of a run which another engine has claimed, under the fence of that claim.
    /// `None` if the work cannot be shared. Only `run` ends the run, so the result of this function is only logged.
    pub share: Option<JobFn>,
}

impl JobSpec {
    /// Returns the job's name, description and schedule.
    #[must_use]
    pub fn info(&self) -> JobInfo {
        let schedule = self.schedule.as_ref().map(|schedule| {
            // The engine does not start with a schedule that cannot be read.
            let timetable = Timetable::parse(schedule).ok();
            JobSchedule {
                cron: schedule.cron.clone().into_owned(),
                time_zone: schedule.time_zone.name(),
                next: Arc::new(move |after| timetable.as_ref()?.next_after(after)),
            }
        });
        JobInfo { name: self.name, description: self.description, schedule }
    }
}

/// The function of a job.
pub type JobFn = Arc<dyn Fn(JobContext) -> BoxFuture<'static, JobResult> + Send + Sync>;

/// Wraps an async function as a [`JobFn`].
pub fn job_fn<F, Fut>(run: F) -> JobFn
where
    F: Fn(JobContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = JobResult> + Send + 'static,
{
    Arc::new(move |context| run(context).boxed())
}

/// The input of an attempt.
pub struct JobContext {
    /// The use cases.
    pub app: App,
    /// The fence of the claim. Every effect checks it.
    pub fence: Fence,
    /// The run, with the outcome of earlier attempts.
    pub run: JobRun,
    /// Cancelled when the job has to finish its chunk and return [`JobCompletion::Stopped`].
    pub cancel: CancellationToken,
    pub(super) options: EngineOptions,
}

impl JobContext {
    /// Waits before the job continues after a fault, `in_a_row` times without success: as long as the engine waits after
    /// as many failed attempts. Returns early when the job is asked to stop.
    pub async fn pause_after_fault(&self, in_a_row: u32) {
        let in_a_row = in_a_row.try_into().unwrap_or(i32::MAX);
        let backoff = self.options.backoff_after(in_a_row, DEFAULT_MAX_BACKOFF);
        let _ = timeout(backoff, self.cancel.cancelled()).await;
    }
}

/// The result of an attempt.
pub type JobResult = Result<JobCompletion, JobError>;

/// The end of an attempt that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobCompletion {
    /// The run has done all its work.
    Done {
        /// Counts to add to the run's outcome.
        outcome: RunCounts,
        /// The id of the report that the run published.
        report: Option<String>,
    },
    /// The attempt was asked to stop. Another attempt continues the run.
    Stopped,
}

/// Returns counts by name, for the outcome of a run.
pub fn to_run_counts<const N: usize>(counts: [(&str, i64); N]) -> RunCounts {
    counts.map(|(name, count)| (name.to_owned(), count)).into()
}

/// The failure of an attempt.
#[derive(Debug)]
pub struct JobError {
    /// The message for operators.
    pub message: String,
    /// Whether another attempt can succeed.
    pub retry: bool,
    /// Counts to add to the run's outcome in spite of the failure.
    pub outcome: RunCounts,
    /// The cause, for the log.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl JobError {
    /// A failure that another attempt may not have.
    pub fn retryable(message: impl Into<String>) -> Self {
        Self { message: message.into(), retry: true, outcome: RunCounts::new(), source: None }
    }

    /// A failure that every further attempt would have too.
    pub fn final_failure(message: impl Into<String>, outcome: RunCounts) -> Self {
        Self { message: message.into(), retry: false, outcome, source: None }
    }

    /// Returns the causes below the message, outermost first.
    pub(super) fn causes(&self) -> String {
        let mut text = String::new();
        let mut cause = self.source.as_deref().and_then(std::error::Error::source);
        while let Some(error) = cause {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl From<rollcall_app::Error> for JobError {
    fn from(error: rollcall_app::Error) -> Self {
        let message = error.to_string();
        Self { source: Some(error.into()), ..Self::retryable(message) }
    }
}

impl From<rollcall_store::Error> for JobError {
    fn from(error: rollcall_store::Error) -> Self {
        rollcall_app::Error::from(error).into()
    }
}

impl fmt::Debug for JobSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobSpec").field("name", &self.name).finish_non_exhaustive()
    }
}
