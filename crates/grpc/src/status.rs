//! Converts every error to a `google.rpc.Status`: one exhaustive match, and exactly one `ErrorInfo` (api.md).

use std::{collections::HashMap, error::Error as _, time::Duration};

use http::Response;
use rollcall_app::{Error, chain};
use rollcall_domain::{OrganizationId, Refusal, Violation, names};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::trailers;

const DOMAIN: &str = "rollcall";
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Returns the status of a request with violations.
pub(crate) fn invalid(violations: Vec<Violation>) -> Status {
    to_status(Error::Refused(Refusal::Invalid(violations)))
}

/// Returns the status of an error. The cause is logged here, once, and never sent.
pub(crate) fn to_status(error: Error) -> Status {
    let text = error.to_string();
    let message = trailers::message(&text);
    let (code, reason, metadata) = to_answer(&error);
    if let Some(cause) = error.source() {
        tracing::error!(reason, error = %chain(cause), "{message}");
    }
    let mut details = ErrorDetails::new();
    let subject = metadata.first().map(|(_, value)| value.clone()).unwrap_or_default();
    details.set_error_info(reason, DOMAIN, joined(metadata));
    match (&error, code) {
        (Error::Refused(Refusal::Invalid(violations)), _) => {
            trailers::add_violations(&mut details, violations);
        }
        (Error::RevisionUnknown, _) => {
            details.add_bad_request_violation("at_least_revision", &*message);
        }
        (Error::OffsetBeyondEnd { .. }, _) => {
            details.add_bad_request_violation("offset", &*message);
        }
        (_, Code::FailedPrecondition) => {
            details.add_precondition_failure_violation(reason, trailers::value(&subject), &*message);
        }
        (_, Code::Unavailable | Code::ResourceExhausted) => {
            details.set_retry_info(Some(RETRY_AFTER));
        }
        _ => {}
    }
    Status::with_error_details(code, message, details)
}

/// Returns the metadata as a map. Several values of one key are joined by commas.
fn joined(metadata: Vec<(&'static str, String)>) -> HashMap<String, String> {
    let mut joined: HashMap<String, String> = HashMap::new();
    for (key, value) in metadata {
        match joined.get_mut(key) {
            Some(values) => values.extend([",", &value]),
            None => drop(joined.insert(key.to_owned(), value)),
        }
    }
    joined.into_iter().map(|(key, value)| (key, trailers::value(&value))).collect()
}

fn to_answer(error: &Error) -> (Code, &'static str, Vec<(&'static str, String)>) {
    match error {
        Error::Refused(refusal) => (code_of(refusal), refusal.reason(), refusal.metadata()),
        Error::OrganizationNotFound(id) => {
            (Code::NotFound, "ORGANIZATION_NOT_FOUND", vec![("organization", id.to_string())])
        }
        Error::OrganizationExists(id) => {
            (Code::AlreadyExists, "ALREADY_EXISTS", vec![("resource", names::organization(id))])
        }
        Error::RequestIdReused(id) => (Code::AlreadyExists, "REQUEST_ID_REUSED", vec![("request_id", id.to_string())]),
        Error::RevisionUnknown => (Code::InvalidArgument, "INVALID_REQUEST", vec![]),
        Error::OffsetBeyondEnd { offset, size } => {
            let metadata = vec![("offset", offset.to_string()), ("size", size.to_string())];
            (Code::OutOfRange, "INVALID_REQUEST", metadata)
        }
        Error::ReportNotFound(report) => (Code::NotFound, "REPORT_NOT_FOUND", vec![("report", report.clone())]),
        Error::JobNotFound(job) => (Code::NotFound, "JOB_NOT_FOUND", vec![("job", job.clone())]),
        Error::JobRunNotFound(run) => (Code::NotFound, "JOB_NOT_FOUND", vec![("run", run.clone())]),
        Error::JobAlreadyRunning(run) => (Code::FailedPrecondition, "JOB_ALREADY_RUNNING", vec![("run", run.clone())]),
        Error::LockTimeout(id) => (Code::Unavailable, "OVERLOADED", vec![("organization", id.to_string())]),
        Error::QueueFull(id) | Error::TooManyStreams(id) => {
            (Code::ResourceExhausted, "OVERLOADED", vec![("organization", id.to_string())])
        }
        Error::OrganizationChanged(id) => {
            (Code::Aborted, "ORGANIZATION_CHANGED", vec![("organization", id.to_string())])
        }
        Error::Unavailable(_) => (Code::Unavailable, "STORE_UNAVAILABLE", vec![]),
        // Only jobs write reports.
        Error::FenceLost | Error::NotReportsOwner { .. } | Error::Internal(_) => {
            (Code::Internal, "STORE_UNAVAILABLE", vec![])
        }
    }
}

fn code_of(refusal: &Refusal) -> Code {
    match refusal {
        Refusal::Invalid(_) | Refusal::OrderSetMismatch(_) => Code::InvalidArgument,
        Refusal::AssignmentNotFound(_) | Refusal::MemberNotFound(_) | Refusal::GroupNotFound(_) => Code::NotFound,
        Refusal::AssignmentExists { .. } => Code::AlreadyExists,
        Refusal::StaleEtag { .. } => Code::Aborted,
        Refusal::EmailExportUnresolved { .. }
        | Refusal::EmailExportNotMigrated(_)
        | Refusal::EmailExportAlreadyMigrated(_)
        | Refusal::NothingToMigrate(_)
        | Refusal::NothingToRetry(_)
        | Refusal::NothingToRollBack { .. }
        | Refusal::MemberLockedByAssignment { .. }
        | Refusal::DefaultAssignmentFixed(_)
        | Refusal::AssignmentHasMembers { .. }
        | Refusal::MigrationRollbackTooLate { .. }
        | Refusal::CatalogEntryInUse { .. }
        | Refusal::MassChangeBlocked { .. } => Code::FailedPrecondition,
    }
}

/// Returns the status of an error response that the transport itself has made, with a reason added; `None` for other
/// responses. The transport reports a malformed message as INTERNAL, but it is the caller's error.
pub(crate) fn of_transport_error<B>(response: &Response<B>) -> Option<Status> {
    let bare = Status::from_header_map(response.headers()).filter(|status| status.details().is_empty())?;
    match bare.code() {
        Code::Ok => None,
        Code::Internal | Code::OutOfRange => Some(with_info(Code::InvalidArgument, bare.message())),
        code => Some(with_info(code, bare.message())),
    }
}

/// Returns the status of an error that does not come from a use case.
pub(crate) fn with_info(code: Code, message: &str) -> Status {
    let reason = match code {
        Code::Internal | Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => "STORE_UNAVAILABLE",
        _ => "INVALID_REQUEST",
    };
    Status::with_error_details(code, message, ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new()))
}

/// Returns the status of a call that a budget refuses. `retry` says whether the same call may succeed later.
pub(crate) fn overloaded(message: &str, organization: Option<&OrganizationId>, retry: bool) -> Status {
    let metadata: HashMap<String, String> =
        organization.map(|id| ("organization".to_owned(), id.to_string())).into_iter().collect();
    let mut details = ErrorDetails::with_error_info("OVERLOADED", DOMAIN, metadata);
    if retry {
        details.set_retry_info(Some(RETRY_AFTER));
    }
    Status::with_error_details(Code::ResourceExhausted, message, details)
}

/// Returns the status of a call that is refused because of its caller.
pub(crate) fn refused_access(code: Code, reason: &str, message: &str, metadata: Option<(&str, &str)>) -> Status {
    let metadata: HashMap<_, _> = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect();
    Status::with_error_details(code, message, ErrorDetails::with_error_info(reason, DOMAIN, metadata))
}

/// Returns the status of a call that may succeed later.
pub(crate) fn with_retry(code: Code, reason: &str, message: &str) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    details.set_retry_info(Some(RETRY_AFTER));
    Status::with_error_details(code, message, details)
}

/// Returns the status at the end of a stream that has reached its time limit.
pub(crate) fn stream_time_limit(limit: Duration) -> Status {
    let message = format!("a stream may take {limit:?}; resume it after what was received");
    let details = ErrorDetails::with_error_info("STREAM_TIME_LIMIT", DOMAIN, HashMap::new());
    Status::with_error_details(Code::DeadlineExceeded, message, details)
}

/// Returns the status of a call that panicked.
pub(crate) fn internal() -> Status {
    to_status(Error::Internal("a call panicked".into()))
}
