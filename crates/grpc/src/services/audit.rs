//! `AuditService`.

use std::time::Duration;

use prost_types::Timestamp as ProtoTimestamp;
use rollcall_app::{
    audit::{AuditFilter, TouchedMember},
    jobs::JobAuditEvent,
};
use rollcall_domain::{Timestamp, names};
use rollcall_proto::v1::{self, audit_service_server::AuditService};
use tonic::{Request, Response, Status};

use super::{Services, jobs::time_and_id};
use crate::{
    call::respond,
    checks::Checks,
    convert::{
        audit::{to_audit_event, to_audit_event_member},
        jobs::to_job_audit_event,
        parse_timestamp,
    },
    pages::take_fitting,
    tokens,
};

#[tonic::async_trait]
impl AuditService for Services {
    async fn list_audit_events(
        &self,
        request: Request<v1::ListAuditEventsRequest>,
    ) -> Result<Response<v1::ListAuditEventsResponse>, Status> {
        let ((organization, wanted), page) = self.pages.parse_list(request, |request, checks| {
            let organization = checks.organization("parent", names::parse_organization(&request.parent));
            let wanted = parse_filter(checks, &request);
            Some((organization?, wanted))
        })?;
        let before = page.after().and_then(|revision| revision.parse().ok());
        let found = self.app.list_audit_events(&organization, &wanted, before, page.size(), page.at_least()).await;
        respond(found, |found| {
            let events = &found.value.events;
            let audit_events = take_fitting(events.iter().map(|event| to_audit_event(&organization, event)));
            let more = found.value.more || audit_events.len() < events.len();
            let last = events[..audit_events.len()].last().filter(|_| more);
            v1::ListAuditEventsResponse {
                next_page_token: last.map(|last| page.next_token(&last.head.revision.to_string())).unwrap_or_default(),
                audit_events,
                revision: tokens::revision(&organization, found.revision),
            }
        })
    }

    async fn list_audit_event_members(
        &self,
        request: Request<v1::ListAuditEventMembersRequest>,
    ) -> Result<Response<v1::ListAuditEventMembersResponse>, Status> {
        let ((organization, event), page) = self.pages.parse_list(request, |request, checks| {
            checks.resource("parent", names::parse_audit_event(&request.parent))
        })?;
        let (after, limit) = (page.after(), page.limit());
        let found = self.app.list_audit_event_members(&organization, event, (after, limit), page.at_least()).await;
        respond(found, |found| {
            let render = |touched: &TouchedMember| to_audit_event_member(&organization, touched);
            let (audit_event_members, next_page_token) =
                page.render(&found.value, render, |_, last| last.member.to_string());
            let revision = tokens::revision(&organization, found.revision);
            v1::ListAuditEventMembersResponse { audit_event_members, next_page_token, revision }
        })
    }

    async fn list_job_audit_events(
        &self,
        request: Request<v1::ListJobAuditEventsRequest>,
    ) -> Result<Response<v1::ListJobAuditEventsResponse>, Status> {
        let (job, page) = self
            .pages
            .parse_list(request, |request, checks| checks.take("parent", names::parse_job(&request.parent)))?;
        let job = self.one_or_all(&job)?;
        respond(self.app.list_job_audit_events(job, time_and_id(&page), page.limit()).await, |events| {
            let cursor = |_: &[JobAuditEvent], last: &JobAuditEvent| {
                format!("{} {}", last.occurred_at.timestamp_micros(), last.run_id)
            };
            let (job_audit_events, next_page_token) = page.render(&events, to_job_audit_event, cursor);
            v1::ListJobAuditEventsResponse { job_audit_events, next_page_token }
        })
    }
}

/// Parses which events are wanted. The member and the assignment need not exist: then no event touched them.
fn parse_filter(checks: &mut Checks, request: &v1::ListAuditEventsRequest) -> AuditFilter {
    let (member, assignment) = (request.member.as_str(), request.assignment.as_str());
    let member = if member.is_empty() { None } else { checks.name("member", member, names::parse_member) };
    let assignment =
        if assignment.is_empty() { None } else { checks.name("assignment", assignment, names::parse_assignment) };
    let start = parse_time(checks, "start_time", request.start_time);
    let end = parse_time(checks, "end_time", request.end_time);
    let ordered = start.zip(end).is_none_or(|(start, end)| start <= end);
    checks.require(ordered, "end_time", "the end must not be before the start; leave one out for no limit");
    AuditFilter { assignment, member, start, end }
}

/// Parses a time and rounds it up to microseconds, which the database keeps: no stored time is between the two.
fn parse_time(checks: &mut Checks, field: &str, time: Option<ProtoTimestamp>) -> Option<Timestamp> {
    let time = checks.take(field, parse_timestamp(time?))?;
    let nanoseconds = u64::from(time.timestamp_subsec_nanos() % 1_000);
    Some(if nanoseconds == 0 { time } else { time + Duration::from_nanos(1_000 - nanoseconds) })
}
