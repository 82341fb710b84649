//! Why the engine refuses.

use rollcall_store::jobs::JobRun;

/// Why the engine refuses.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A declared schedule that cannot be read.
    #[error("the schedule of the job {job} cannot be read: {problem}")]
    Schedule {
        /// The job.
        job: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// There is no such job.
    #[error("there is no job `{name}`; the jobs are {known}")]
    UnknownJob {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// Another run of the job waits or is under way.
    #[error("the run {} of the job {} is {}; wait for its end", .0.id, .0.job, .0.state.as_str())]
    AlreadyOpen(Box<JobRun>),
    /// The ticker does not start.
    #[error("the ticker does not start")]
    Ticker(#[source] tokio_cron_scheduler::JobSchedulerError),
    /// The database.
    #[error(transparent)]
    Store(#[from] rollcall_store::Error),
}
