//! `EmailExportService`: the data plane.

use rollcall_app::email_export::SubjectKey;
use rollcall_domain::{Email, Violation};
use rollcall_proto::v1::{
    self, check_email_export_request as request_of, email_export_service_server::EmailExportService,
};
use tonic::{Request, Response, Status};

use super::Services;
use crate::{
    convert::{
        parse_timestamp,
        settings::{to_reason, to_source},
        to_timestamp,
    },
    names,
    request::Checks,
    status::to_status,
    tokens,
};

#[tonic::async_trait]
impl EmailExportService for Services {
    async fn check_email_export(
        &self,
        request: Request<v1::CheckEmailExportRequest>,
    ) -> Result<Response<v1::CheckEmailExportResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let organization = checks.take("parent", names::parse_organization(&request.parent));
        let subject = match &request.subject {
            None => checks.take("subject", Err(Violation::invalid("", "give the member or the email to ask about"))),
            Some(request_of::Subject::Email(email)) => checks.take("email", Email::parse(email)).map(SubjectKey::Email),
            Some(request_of::Subject::Member(name)) => {
                let parsed = names::within(organization.as_ref(), name, names::parse_member(name));
                checks.take("member", parsed).map(SubjectKey::Member)
            }
        };
        let sent = request.sent_time.and_then(|time| checks.take("sent_time", parse_timestamp(time)));
        let at_least = checks.at_least(organization.as_ref(), &request.at_least_revision);
        let (organization, subject) = checks.finish_with(organization.zip(subject))?;
        let checked = self.app.check_email_export(&organization, &subject, sent, at_least);
        let read = checked.await.map_err(to_status)?;
        let decision = read.value;
        Ok(Response::new(v1::CheckEmailExportResponse {
            export: decision.export(),
            reason: to_reason(decision.reason),
            source: to_source(decision.source),
            assignment: decision.assignment.map(|id| names::assignment(&organization, &id)).unwrap_or_default(),
            export_since: decision.export_since.map(to_timestamp),
            revision: tokens::revision(&organization, read.revision),
        }))
    }
}
