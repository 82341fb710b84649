//! Jobs and their runs.

use rollcall_app::{
    jobs::{JobAuditEvent, JobRun, JobView},
    migration::RunRefusal,
};
use rollcall_domain::{OrganizationId, names};
use rollcall_proto::v1;

use super::{enums::to_run_state, to_timestamp};

pub(crate) fn to_job(view: &JobView) -> v1::Job {
    let schedule = view.info.schedule.as_ref();
    v1::Job {
        name: names::job(view.info.name),
        description: view.info.description.to_owned(),
        schedule: schedule.map(|schedule| schedule.cron.to_owned()).unwrap_or_default(),
        time_zone: schedule.map(|schedule| schedule.time_zone.to_owned()).unwrap_or_default(),
        next_run_time: view.next_run.map(to_timestamp),
        current_run: view.runs.current.as_ref().map(to_run),
        last_run: view.runs.last.as_ref().map(to_run),
    }
}

pub(crate) fn to_run(run: &JobRun) -> v1::JobRun {
    let count = |(name, count): (&String, &i64)| (name.clone(), i32::try_from(*count).unwrap_or(i32::MAX));
    v1::JobRun {
        name: names::job_run(&run.job, run.id),
        state: to_run_state(run.state),
        scheduled_time: Some(to_timestamp(run.scheduled_for)),
        start_time: run.started_at.map(to_timestamp),
        end_time: run.ended_at.map(to_timestamp),
        attempt: run.attempt,
        outcome: run.outcome.iter().map(count).collect(),
        failure: run.failure.clone().unwrap_or_default(),
        report: run.report.as_deref().map(names::report).unwrap_or_default(),
        cancel_time: run.cancel_requested_at.map(to_timestamp),
    }
}

pub(crate) fn to_refused(refusal: &RunRefusal) -> v1::RefusedOrganization {
    v1::RefusedOrganization {
        organization: names::organization(&OrganizationId::trusted(refusal.organization.as_str())),
        reason: refusal.reason.clone(),
        message: refusal.message.clone(),
    }
}

/// Returns the event of a run that failed or was cancelled.
pub(crate) fn to_job_audit_event(event: &JobAuditEvent) -> v1::JobAuditEvent {
    v1::JobAuditEvent {
        run: names::job_run(&event.job, event.run_id),
        time: Some(to_timestamp(event.occurred_at)),
        state: to_run_state(event.state),
        actor: event.actor.clone(),
        cause: event.cause.clone(),
    }
}
