//! `EmailExportService`: the decisions about email export.

use rollcall_app::Error;
use rollcall_decisions::{Consistency, Freshness, SubjectKey, View};
use rollcall_domain::{Email, MemberId, OrganizationId, Timestamp, Violation, email_export::Decision, names};
use rollcall_proto::v1::{
    self, batch_check_email_export_item as item_of, batch_check_email_export_result::Result as ItemResult,
    check_email_export_request as request_of, email_export_service_server::EmailExportService,
};
use tonic::{Code, Request, Response, Status};

use super::Services;
use crate::{
    call::{parse_read, respond},
    checks::Checks,
    convert::{
        enums::{to_reason, to_source},
        parse_timestamp, to_duration, to_timestamp,
    },
    tokens,
};

/// How many emails a batch may have.
const BATCH_MAX: usize = 10_000;

#[tonic::async_trait]
impl EmailExportService for Services {
    async fn check_email_export(
        &self,
        request: Request<v1::CheckEmailExportRequest>,
    ) -> Result<Response<v1::CheckEmailExportResponse>, Status> {
        let ((organization, subject, sent, consistency), at_least) = parse_read(request, |request, checks| {
            let organization = checks.organization("parent", names::parse_organization(&request.parent));
            let subject = match request.subject {
                None => Asked::Nothing,
                Some(request_of::Subject::Email(email)) => Asked::Email(email),
                Some(request_of::Subject::Member(name)) => Asked::Member(name),
            };
            let subject = subject.parse(checks);
            let sent = request.sent_time.and_then(|time| checks.take("sent_time", parse_timestamp(time)));
            Some((organization?, subject?, sent, consistency(request.fully_consistent)))
        })?;
        let subjects = [subject];
        let viewed = self.decisions.view(&organization, &subjects, Freshness { at_least, consistency }).await;
        let [subject] = &subjects;
        respond(viewed.map_err(to_error), |view| v1::CheckEmailExportResponse {
            revision: tokens::revision(&organization, view.revision()),
            age: Some(to_duration(view.age())),
            ..full(&organization, &view.decide(subject, sent))
        })
    }

    async fn batch_check_email_export(
        &self,
        request: Request<v1::BatchCheckEmailExportRequest>,
    ) -> Result<Response<v1::BatchCheckEmailExportResponse>, Status> {
        let ((batch, consistency), at_least) = parse_read(request, |request, checks| {
            let organization = checks.organization("parent", names::parse_organization(&request.parent));
            let fits = (1..=BATCH_MAX).contains(&request.items.len());
            checks.require(fits, "items", "give 1 to 10000 items; divide more into several requests");
            let view = checks.take("view", parse_view(request.view));
            let (organization, view) = (organization?, view?);
            let items = if fits { request.items } else { Vec::new() };
            Some((Batch::parse(organization, view, items), consistency(request.fully_consistent)))
        })?;
        let freshness = Freshness { at_least, consistency };
        let viewed = self.decisions.view(&batch.organization, &batch.subjects, freshness).await;
        respond(viewed.map_err(to_error), |view| batch.render(&view))
    }
}

/// Returns the error with the message and the reason that callers know.
fn to_error(error: rollcall_decisions::Error) -> Error {
    match error {
        rollcall_decisions::Error::OrganizationNotFound(id) => Error::OrganizationNotFound(id),
        rollcall_decisions::Error::RevisionUnknown => Error::RevisionUnknown,
        rollcall_decisions::Error::Unavailable(cause) => Error::Unavailable(Box::new(cause)),
        rollcall_decisions::Error::Internal(cause) => Error::Internal(Box::new(cause)),
    }
}

fn consistency(fully_consistent: bool) -> Consistency {
    if fully_consistent { Consistency::Full } else { Consistency::Bounded }
}

fn parse_view(view: i32) -> Result<v1::EmailExportView, Violation> {
    let view = v1::EmailExportView::try_from(view);
    view.map_err(|_| Violation::invalid("", "this is not a view; give FULL or DECISION"))
}

/// The sender of an email, as a request names it.
enum Asked {
    Nothing,
    Email(String),
    Member(String),
}

impl Asked {
    fn parse(self, checks: &mut Checks) -> Option<SubjectKey> {
        match self {
            Self::Nothing => {
                checks.take("subject", Err(Violation::invalid("", "give the member or the email to ask about")))
            }
            Self::Email(email) => checks.take("email", Email::parse(&email)).map(SubjectKey::Email),
            Self::Member(name) => checks.name("member", &name, names::parse_member).map(SubjectKey::Member),
        }
    }
}

/// A parsed batch.
struct Batch {
    organization: OrganizationId,
    view: v1::EmailExportView,
    /// The subjects of the items that can be answered.
    subjects: Vec<SubjectKey>,
    /// For each item the time at which the email was sent, or why the item cannot be answered.
    items: Vec<Result<Option<Timestamp>, Vec<Violation>>>,
}

impl Batch {
    fn parse(
        organization: OrganizationId,
        view: v1::EmailExportView,
        items: Vec<v1::BatchCheckEmailExportItem>,
    ) -> Self {
        let mut batch = Self { organization, view, subjects: Vec::with_capacity(items.len()), items: Vec::new() };
        batch.items.reserve_exact(items.len());
        for item in items {
            let mut checks = Checks::of_item(&batch.organization);
            let subject = match item.subject {
                None => Asked::Nothing,
                Some(item_of::Subject::Email(email)) => Asked::Email(email),
                Some(item_of::Subject::Member(name)) => Asked::Member(name),
            };
            let subject = subject.parse(&mut checks);
            let sent = item.sent_time.and_then(|time| checks.take("sent_time", parse_timestamp(time)));
            let parsed = match (subject, checks.into_violations()) {
                (Some(subject), violations) if violations.is_empty() => {
                    batch.subjects.push(subject);
                    Ok(sent)
                }
                (_, violations) => Err(violations),
            };
            batch.items.push(parsed);
        }
        batch
    }

    fn render(self, view: &View) -> v1::BatchCheckEmailExportResponse {
        let mut subjects = self.subjects.iter();
        let results = self.items.into_iter().map(|item| {
            let result = match item {
                Err(violations) => Some(ItemResult::Status(to_item_status(violations))),
                // Every item without violations has a subject.
                Ok(sent) => subjects.next().map(|subject| {
                    let decision = view.decide(subject, sent);
                    ItemResult::Response(match self.view {
                        v1::EmailExportView::Decision => short(&decision),
                        _ => full(&self.organization, &decision),
                    })
                }),
            };
            v1::BatchCheckEmailExportResult { result }
        });
        v1::BatchCheckEmailExportResponse {
            results: results.collect(),
            revision: tokens::revision(&self.organization, view.revision()),
            age: Some(to_duration(view.age())),
        }
    }
}

fn to_item_status(violations: Vec<Violation>) -> v1::BatchCheckEmailExportStatus {
    let texts: Vec<String> =
        violations.into_iter().map(|violation| format!("{}: {}", violation.field, violation.description)).collect();
    v1::BatchCheckEmailExportStatus {
        code: Code::InvalidArgument.into(),
        reason: v1::ErrorReason::InvalidRequest.into(),
        message: texts.join("; "),
    }
}

/// Renders only the decision.
fn short(decision: &Decision<&str>) -> v1::CheckEmailExportResponse {
    v1::CheckEmailExportResponse { export: decision.export(), reason: to_reason(decision.reason), ..Default::default() }
}

/// Renders a decision without its revision and age.
fn full(organization: &OrganizationId, decision: &Decision<&str>) -> v1::CheckEmailExportResponse {
    v1::CheckEmailExportResponse {
        source: to_source(decision.source),
        assignment: decision.assignment.as_ref().map(|id| names::assignment(organization, id)).unwrap_or_default(),
        export_since: decision.export_since.map(to_timestamp),
        member: decision.member.map(|id| names::member(organization, &MemberId::trusted(id))).unwrap_or_default(),
        ..short(decision)
    }
}
