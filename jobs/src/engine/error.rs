//! The errors of the engine.

use rollcall_store::jobs::JobRun;

/// Why the engine does not start, or does not run a job.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The schedule of a job cannot be read.
    #[error("the schedule of the job {job} cannot be read: {problem}")]
    Schedule {
        /// The job's name.
        job: &'static str,
        /// What is wrong with the schedule.
        problem: String,
    },
    /// There is no such job.
    #[error("there is no job `{name}`; the jobs are {known}")]
    UnknownJob {
        /// The name that was given.
        name: String,
        /// The names of all jobs.
        known: String,
    },
    /// A run of the job is pending or running.
    #[error("the run {} of the job {} is {}; wait for its end, or cancel it", .0.id, .0.job, .0.state.as_str())]
    AlreadyOpen(Box<JobRun>),
    /// The ticker does not start.
    #[error("the ticker of the job engine does not start")]
    Ticker(#[source] tokio_cron_scheduler::JobSchedulerError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] rollcall_store::Error),
}
