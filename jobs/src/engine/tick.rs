//! What happens once a second: times that have come become runs, and runs that wait are claimed.

use std::sync::{Arc, Mutex, PoisonError};

use rollcall_app::App;
use rollcall_store::{
    Result,
    jobs::{self, JobStatus},
};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    CatchUp, EngineError, EngineOptions, JobFn, JobSpec,
    attempt::Attempt,
    help::{AtWork, Help},
    schedule::Timetable,
};

/// A job with its schedule understood.
struct Planned {
    spec: Arc<JobSpec>,
    timetable: Option<Timetable>,
}

/// What the parts of an engine share. Nothing here matters to another process.
pub(super) struct Shared {
    app: App,
    options: EngineOptions,
    jobs: Vec<Planned>,
    pub(super) wake: Arc<Notify>,
    pub(super) stop: CancellationToken,
    pub(super) kill: CancellationToken,
    attempts: Mutex<JoinSet<()>>,
    at_work: AtWork,
}

impl Shared {
    pub(super) async fn new(
        app: App,
        specs: Vec<JobSpec>,
        options: EngineOptions,
    ) -> std::result::Result<Self, EngineError> {
        let jobs = specs.into_iter().map(plan).collect::<std::result::Result<Vec<_>, _>>()?;
        let names: Vec<&str> = jobs.iter().map(|job| job.spec.name).collect();
        let scheduled: Vec<&str> = jobs.iter().filter(|job| job.timetable.is_some()).map(|job| job.spec.name).collect();
        jobs::register_jobs(app.db(), &names, &scheduled).await?;
        Ok(Self {
            app,
            options,
            jobs,
            wake: Arc::new(Notify::new()),
            stop: CancellationToken::new(),
            kill: CancellationToken::new(),
            attempts: Mutex::new(JoinSet::new()),
            at_work: AtWork::default(),
        })
    }

    pub(super) async fn tick(&self) -> Result<()> {
        let names: Vec<&str> = self.jobs.iter().map(|job| job.spec.name).collect();
        for status in jobs::list_statuses(self.app.db(), &names).await? {
            let Some(job) = self.jobs.iter().find(|job| job.spec.name == status.name) else {
                continue;
            };
            let scheduled = self.schedule(job, &status).await?;
            if scheduled || status.claimable {
                self.claim(job).await?;
            } else if let Some(help) = job.spec.help.as_ref().filter(|_| status.running) {
                self.help(&status.name, help).await?;
            }
        }
        Ok(())
    }

    /// Makes runs of the times that have come since the last ones; whether there were any.
    async fn schedule(&self, job: &Planned, status: &JobStatus) -> Result<bool> {
        let Some((timetable, until)) = job.timetable.as_ref().zip(status.scheduled_until) else { return Ok(false) };
        let mut due = timetable.between(until, status.now);
        let Some(newest) = due.last().copied() else { return Ok(false) };
        let mut skipped = Vec::new();
        if job.spec.catch_up == CatchUp::Newest {
            skipped = jobs::list_pending(self.app.db(), job.spec.name).await?;
            // A run that somebody asked for is not superseded by the schedule.
            skipped.retain(|time| *time < newest && timetable.contains(*time));
            due.pop();
            skipped.append(&mut due);
            due.push(newest);
        }
        jobs::schedule_runs(self.app.db(), job.spec.name, &due, &skipped).await?;
        Ok(true)
    }

    async fn claim(&self, job: &Planned) -> Result<()> {
        let claimed = jobs::claim_run(self.app.db(), job.spec.name, self.options.lease).await?;
        let Some(claimed) = claimed else { return Ok(()) };
        let attempt = Attempt {
            app: self.app.clone(),
            spec: job.spec.clone(),
            claimed,
            options: self.options,
            cancel: self.stop.child_token(),
            kill: self.kill.clone(),
        };
        let (wake, guard) = (self.wake.clone(), self.at_work.begin(attempt.claimed.fence));
        self.spawn(async move {
            attempt.run().await;
            drop(guard);
            // The next run of the job may wait for this one.
            wake.notify_one();
        });
        Ok(())
    }

    /// Shares the work of a run that another engine has claimed.
    async fn help(&self, job: &str, help: &JobFn) -> Result<()> {
        let Some(claimed) = jobs::find_shared_run(self.app.db(), job).await? else { return Ok(()) };
        let Some(guard) = self.at_work.begin(claimed.fence) else { return Ok(()) };
        let help = Help {
            app: self.app.clone(),
            help: help.clone(),
            claimed,
            options: self.options,
            cancel: self.stop.child_token(),
            kill: self.kill.clone(),
        };
        self.spawn(async move {
            help.run().await;
            drop(guard);
        });
        Ok(())
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        while attempts.try_join_next().is_some() {}
        attempts.spawn(work);
    }

    /// Hands over the attempts that are under way.
    pub(super) fn take_attempts(&self) -> JoinSet<()> {
        std::mem::take(&mut *self.attempts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn plan(spec: JobSpec) -> std::result::Result<Planned, EngineError> {
    let timetable = spec.schedule.as_ref().map(Timetable::parse).transpose();
    let timetable = timetable.map_err(|problem| EngineError::Schedule { job: spec.name, problem })?;
    Ok(Planned { spec: Arc::new(spec), timetable })
}
