//! `AuditService`.

use std::time::Duration;

use prost_types::Timestamp as ProtoTimestamp;
use rollcall_app::audit::AuditFilter;
use rollcall_domain::{OrganizationId, Timestamp};
use rollcall_proto::v1::{self, audit_service_server::AuditService};
use tonic::{Request, Response, Status};

use super::{Services, that_fit};
use crate::{
    convert::{audit::to_audit_event, parse_timestamp},
    names,
    request::Checks,
    status::to_status,
    tokens,
};

#[tonic::async_trait]
impl AuditService for Services {
    async fn list_audit_events(
        &self,
        request: Request<v1::ListAuditEventsRequest>,
    ) -> Result<Response<v1::ListAuditEventsResponse>, Status> {
        const METHOD: &str = "ListAuditEvents";
        let request = request.into_inner();
        let (page_size, page_token, at_least_revision) = (0, String::new(), String::new());
        let arguments = v1::ListAuditEventsRequest { page_size, page_token, at_least_revision, ..request.clone() };
        let mut checks = Checks::new();
        let organization = checks.take("parent", names::parse_organization(&request.parent));
        let wanted = read_wanted(&mut checks, organization.as_ref(), &request);
        let at_least = checks.at_least(organization.as_ref(), &request.at_least_revision);
        let page = self.page(&mut checks, METHOD, &arguments, request.page_size, &request.page_token);
        let organization = checks.finish_with(organization)?;
        let before = page.after.as_deref().and_then(|revision| revision.parse().ok());
        let listed = self.app.list_audit_events(&organization, &wanted, before, page.size, at_least);
        let read = listed.await.map_err(to_status)?;
        let found = &read.value.events;
        let audit_events = that_fit(found.iter().map(|event| to_audit_event(&organization, event)));
        let last = audit_events.len().checked_sub(1).map(|last| found[last].revision.to_string());
        let more = read.value.more || audit_events.len() < found.len();
        let next_page_token = last.filter(|_| more).map(|last| self.pages.make(METHOD, &arguments, &last));
        Ok(Response::new(v1::ListAuditEventsResponse {
            audit_events,
            next_page_token: next_page_token.unwrap_or_default(),
            revision: tokens::revision(&organization, read.revision),
        }))
    }
}

/// Names of what is gone, or never was, are good names: nothing touched them.
fn read_wanted(
    checks: &mut Checks,
    organization: Option<&OrganizationId>,
    request: &v1::ListAuditEventsRequest,
) -> AuditFilter {
    let (member, assignment) = (request.member.as_str(), request.assignment.as_str());
    let member = (!member.is_empty())
        .then(|| checks.take("member", names::within(organization, member, names::parse_member(member))));
    let assignment = (!assignment.is_empty()).then(|| {
        checks.take("assignment", names::within(organization, assignment, names::parse_assignment(assignment)))
    });
    let start = read_time(checks, "start_time", request.start_time);
    let end = read_time(checks, "end_time", request.end_time);
    let ordered = start.zip(end).is_none_or(|(start, end)| start <= end);
    checks.require(ordered, "end_time", "the end must not be before the start; leave one out for no limit");
    AuditFilter { assignment: assignment.flatten(), member: member.flatten(), start, end }
}

/// The database keeps microseconds. Of those, the ones from a time on are the ones from the next one on.
fn read_time(checks: &mut Checks, field: &str, time: Option<ProtoTimestamp>) -> Option<Timestamp> {
    let time = checks.take(field, parse_timestamp(time?))?;
    let beyond = u64::from(time.timestamp_subsec_nanos() % 1_000);
    Some(if beyond == 0 { time } else { time + Duration::from_nanos(1_000 - beyond) })
}
