//! The work of a tick: the engine creates runs for the times of schedules, claims runs, and shares runs of other engines.
//! It ticks once a second while there is work, and else when the next run is due.

use std::{
    result::Result as StdResult,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use rollcall_app::App;
use rollcall_store::{
    Result,
    jobs::{self, ClaimedRun, JobStatus},
};
use tokio::{sync::Notify, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    EngineError, EngineOptions, JobFn, JobSpec,
    claim_context::ClaimContext,
    clock_watch::{ClockWatch, LARGEST_STEP},
    run_attempt::RunAttempt,
    schedule::Timetable,
    sharing::{ActiveClaims, SharedRunWorker},
};

/// A job with its schedule parsed.
struct EngineJob {
    spec: Arc<JobSpec>,
    timetable: Option<Timetable>,
}

impl EngineJob {
    /// Returns how long it takes until a pending run, or a time of the schedule, is due.
    fn time_until_due(&self, status: &JobStatus) -> Duration {
        let next = self.timetable.as_ref().and_then(|timetable| timetable.next_after(status.now));
        let due = status.due_at.into_iter().chain(next).min();
        due.map_or(Duration::MAX, |due| (due - status.now).to_std().unwrap_or_default())
    }
}

/// The state of an engine. No other process depends on it.
pub(super) struct EngineState {
    pub(super) app: App,
    options: EngineOptions,
    jobs: Vec<EngineJob>,
    /// Causes a tick.
    pub(super) wake: Arc<Notify>,
    /// Whether the engine is told of the runs that are requested.
    pub(super) is_listening: AtomicBool,
    /// Asks the engine to stop: it claims no further run, and its jobs finish their chunks.
    pub(super) stop: CancellationToken,
    /// Aborts the engine's jobs.
    pub(super) abort: CancellationToken,
    /// Attempts, and workers that share runs.
    tasks: Mutex<JoinSet<()>>,
    active_claims: ActiveClaims,
    clock: Mutex<ClockWatch>,
}

impl EngineState {
    pub(super) async fn new(app: App, specs: Vec<JobSpec>, options: EngineOptions) -> StdResult<Self, EngineError> {
        let jobs = specs.into_iter().map(parse_schedule).collect::<StdResult<Vec<_>, _>>()?;
        let names: Vec<&str> = jobs.iter().map(|job| job.spec.name).collect();
        let scheduled: Vec<&str> = jobs.iter().filter(|job| job.timetable.is_some()).map(|job| job.spec.name).collect();
        jobs::register_jobs(app.db(), &names, &scheduled).await?;
        Ok(Self {
            app,
            options,
            jobs,
            wake: Arc::new(Notify::new()),
            is_listening: AtomicBool::new(false),
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
            tasks: Mutex::new(JoinSet::new()),
            active_claims: ActiveClaims::default(),
            clock: Mutex::default(),
        })
    }

    /// Returns how long the engine can sleep before the next tick, if nothing wakes it.
    pub(super) async fn tick(&self) -> Result<Duration> {
        let names: Vec<&str> = self.jobs.iter().map(|job| job.spec.name).collect();
        let statuses = jobs::list_statuses(self.app.db(), &names).await?;
        if !self.accepts_clock(&statuses) {
            return Ok(Duration::ZERO);
        }
        let mut pause = if self.is_listening.load(SeqCst) { self.options.idle } else { Duration::ZERO };
        for status in statuses {
            let Some(job) = self.jobs.iter().find(|job| job.spec.name == status.name) else {
                continue;
            };
            let scheduled = self.schedule(job, &status).await?;
            if scheduled || status.claimable {
                self.claim(job).await?;
            } else if let Some(share) = job.spec.share.as_ref().filter(|_| status.running) {
                self.share(&status.name, share).await?;
            }
            let has_work = scheduled || status.claimable || status.running;
            pause = if has_work { Duration::ZERO } else { pause.min(job.time_until_due(&status)) };
        }
        Ok(pause)
    }

    fn accepts_clock(&self, statuses: &[JobStatus]) -> bool {
        let recorded = statuses.iter().filter_map(|status| status.scheduled_until).max();
        let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        statuses.first().is_none_or(|status| clock.accepts(status.now, Instant::now(), recorded))
    }

    /// Creates a run for the newest time of the schedule that has come since the last tick of any engine, and marks the
    /// older times as skipped. Returns `false` if no time has come.
    async fn schedule(&self, job: &EngineJob, status: &JobStatus) -> Result<bool> {
        let Some((timetable, until)) = job.timetable.as_ref().zip(status.scheduled_until) else { return Ok(false) };
        if until > status.now + LARGEST_STEP {
            tracing::error!(
                job = status.name, scheduled_until = %until, now = %status.now,
                "the schedule is ahead of the database's clock, after a wrong reading; it is set back"
            );
            jobs::set_schedule_back(self.app.db(), &status.name, status.now).await?;
            return Ok(false);
        }
        let mut missed = timetable.between(until, status.now);
        let Some(newest) = missed.pop() else { return Ok(false) };
        let mut skipped = jobs::list_pending(self.app.db(), job.spec.name).await?;
        // A requested run is not at a time of the schedule, and is not skipped.
        skipped.retain(|time| *time < newest && timetable.contains(*time));
        skipped.append(&mut missed);
        jobs::schedule_run(self.app.db(), job.spec.name, newest, &skipped).await?;
        Ok(true)
    }

    async fn claim(&self, job: &EngineJob) -> Result<()> {
        let claimed = jobs::claim_run(self.app.db(), job.spec.name, self.options.lease).await?;
        let Some(claimed) = claimed else { return Ok(()) };
        let (wake, guard) = (self.wake.clone(), self.active_claims.add(claimed.fence));
        let attempt = RunAttempt { spec: job.spec.clone(), claim: self.context_of(claimed) };
        self.spawn(async move {
            attempt.run().await;
            drop(guard);
            // The job's next run may be pending.
            wake.notify_one();
        });
        Ok(())
    }

    /// Shares a run that another engine has claimed.
    async fn share(&self, job: &str, share: &JobFn) -> Result<()> {
        let Some(claimed) = jobs::find_shared_run(self.app.db(), job).await? else { return Ok(()) };
        let Some(guard) = self.active_claims.add(claimed.fence) else { return Ok(()) };
        let worker = SharedRunWorker { share: share.clone(), claim: self.context_of(claimed) };
        self.spawn(async move {
            worker.run().await;
            drop(guard);
        });
        Ok(())
    }

    fn context_of(&self, claimed: ClaimedRun) -> ClaimContext {
        let (cancel, abort) = (self.stop.child_token(), self.abort.clone());
        ClaimContext { app: self.app.clone(), claimed, options: self.options, cancel, abort }
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    /// Removes the attempts and workers from the engine, and returns them.
    pub(super) fn take_tasks(&self) -> JoinSet<()> {
        std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn parse_schedule(spec: JobSpec) -> StdResult<EngineJob, EngineError> {
    let timetable = spec.schedule.as_ref().map(Timetable::parse).transpose();
    let timetable = timetable.map_err(|problem| EngineError::Schedule { job: spec.name, problem })?;
    Ok(EngineJob { spec: Arc::new(spec), timetable })
}
