//! `EmailExportService`: the decisions about email export.

use rollcall_app::email_export::SubjectKey;
use rollcall_domain::{Email, Violation, names};
use rollcall_proto::v1::{
    self, check_email_export_request as request_of, email_export_service_server::EmailExportService,
};
use tonic::{Request, Response, Status};

use super::Services;
use crate::{
    call::{parse_read, respond},
    convert::{
        enums::{to_reason, to_source},
        parse_timestamp, to_timestamp,
    },
    tokens,
};

#[tonic::async_trait]
impl EmailExportService for Services {
    async fn check_email_export(
        &self,
        request: Request<v1::CheckEmailExportRequest>,
    ) -> Result<Response<v1::CheckEmailExportResponse>, Status> {
        let ((organization, subject, sent), at_least) = parse_read(request, |request, checks| {
            let organization = checks.organization("parent", names::parse_organization(&request.parent));
            let subject = match &request.subject {
                None => {
                    checks.take("subject", Err(Violation::invalid("", "give the member or the email to ask about")))
                }
                Some(request_of::Subject::Email(email)) => {
                    checks.take("email", Email::parse(email)).map(SubjectKey::Email)
                }
                Some(request_of::Subject::Member(name)) => {
                    checks.name("member", name, names::parse_member).map(SubjectKey::Member)
                }
            };
            let sent = request.sent_time.and_then(|time| checks.take("sent_time", parse_timestamp(time)));
            Some((organization?, subject?, sent))
        })?;
        respond(self.app.check_email_export(&organization, &subject, sent, at_least).await, |found| {
            let decision = found.value;
            v1::CheckEmailExportResponse {
                export: decision.export(),
                reason: to_reason(decision.reason),
                source: to_source(decision.source),
                assignment: decision.assignment.map(|id| names::assignment(&organization, &id)).unwrap_or_default(),
                export_since: decision.export_since.map(to_timestamp),
                revision: tokens::revision(&organization, found.revision),
                member: decision.member.map(|id| names::member(&organization, &id)).unwrap_or_default(),
            }
        })
    }
}
