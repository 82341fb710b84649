//! How a job is declared, and what it is given and answers.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use futures::{FutureExt as _, future::BoxFuture};
use rollcall_app::{
    App,
    jobs::{JobInfo, JobSchedule},
};
use rollcall_store::{
    Fence,
    jobs::{Counts, JobRun},
};
use tokio_util::sync::CancellationToken;

use super::schedule::{Schedule, Timetable};

/// A job: an idempotent function without input, and when and how it is run.
#[derive(Clone)]
pub struct JobSpec {
    /// Its name, as in `jobs/{job}`.
    pub name: &'static str,
    /// What it does, in a sentence for operators.
    pub description: &'static str,
    /// When it runs by itself; `None` for only when asked.
    pub schedule: Option<Schedule>,
    /// What happens to times that passed while no engine ran.
    pub catch_up: CatchUp,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How many attempts a run has before a failure ends it. One that was stopped does not count;
    /// one whose process died does, but a death alone never ends a run.
    pub attempts: u32,
    /// What it does.
    pub run: JobFn,
    /// What other engines do while a run is under way, to share its work, under the fence of its claim; `None` where it
    /// cannot be shared. What it answers changes nothing: only `run` ends the run.
    pub help: Option<JobFn>,
}

impl JobSpec {
    /// What is to know of the job without running it.
    #[must_use]
    pub fn info(&self) -> JobInfo {
        let schedule = self.schedule.map(|schedule| {
            // One that cannot be read is refused when the engine starts.
            let timetable = Timetable::parse(&schedule).ok();
            JobSchedule {
                cron: schedule.cron,
                time_zone: schedule.zone.name(),
                next: Arc::new(move |after| timetable.as_ref()?.next_after(after)),
            }
        });
        JobInfo { name: self.name, description: self.description, schedule }
    }
}

/// What happens to times that passed while no engine ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// Only the newest is run; the others are marked as skipped.
    Newest,
    /// Each is run, the oldest first.
    Each,
}

/// What a job does.
pub type JobFn = Arc<dyn Fn(JobContext) -> BoxFuture<'static, JobResult> + Send + Sync>;

/// Wraps a function, so that it can be declared as a job's `run`.
pub fn job_fn<F, Fut>(run: F) -> JobFn
where
    F: Fn(JobContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = JobResult> + Send + 'static,
{
    Arc::new(move |context| run(context).boxed())
}

/// What an attempt is given.
pub struct JobContext {
    /// What can be done.
    pub app: App,
    /// To be checked with every effect.
    pub fence: Fence,
    /// The run, with what earlier attempts did.
    pub run: JobRun,
    /// Where an earlier attempt left off.
    pub position: Option<String>,
    /// Cancelled when the job is to finish its chunk and answer [`Ended::Stopped`].
    pub cancel: CancellationToken,
}

/// What an attempt answers.
pub type JobResult = Result<Ended, JobError>;

/// How an attempt ended that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All is done.
    Done {
        /// What this run did, to be added to what its progress says.
        outcome: Counts,
        /// The report that it published.
        report: Option<String>,
    },
    /// It was asked to stop, and another attempt has to go on.
    Stopped,
}

/// Why an attempt failed.
#[derive(Debug)]
pub struct JobError {
    /// What operators read.
    pub message: String,
    /// Whether another attempt may help.
    pub retry: bool,
    /// What the run did nevertheless, to be added to what its progress says.
    pub outcome: Counts,
    /// The cause, for the log.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl JobError {
    /// A failure that another attempt may not have.
    pub fn retryable(message: impl Into<String>) -> Self {
        Self { message: message.into(), retry: true, outcome: Counts::new(), source: None }
    }

    /// A failure that another attempt would have too.
    pub fn final_failure(message: impl Into<String>, outcome: Counts) -> Self {
        Self { message: message.into(), retry: false, outcome, source: None }
    }

    /// The causes below the message, outermost first.
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
