//! Jobs and their runs.
//!
//! A run exists once for each `(job, scheduled_for)`. A process claims it with a lease and a fence number, and every
//! effect of the run checks that fence in its own transaction. All times come from the database's clock.
//!
//! Every function fails with [`crate::Error::Unavailable`] when the database cannot be reached. `# Errors` names only
//! what a caller can act on besides.

mod cancel;
mod claim;
mod fence;
mod input;
mod notices;
mod prune;
mod read;
mod run;
mod run_attempt;
mod schedule;
mod sharing;

pub use cancel::cancel_run;
pub use claim::claim_run;
pub(crate) use fence::check_fence;
pub use input::{RunInput, RunRefusal, advance_in, advance_without_effect, find_input, list_refusals, update_input};
pub use notices::RunNotices;
pub use prune::delete_runs;
pub use read::{
    JobRuns, JobStatus, clock, find_open_run, find_run, find_run_in, list_current_and_last, list_pending, list_runs,
    list_statuses,
};
pub use run::{ClaimedRun, JobRun, RunCounts, RunState};
pub use run_attempt::{add_progress, add_progress_in, extend_lease, fail_run, finish_run, release_run, retry_run};
pub use schedule::{RequestedRun, register_jobs, request_run, request_run_in, schedule_run, set_schedule_back};
pub use sharing::{find_shared_run, is_shared_run_active};
