//! The answers to callers who may not call.

use http::HeaderValue;
use rollcall_auth::{CallerRole, TokenRejection};
use rollcall_domain::OrganizationId;
use tonic::{Code, Status};

use crate::status::{refused_access, with_retry};

/// The reasons of these answers.
const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
const PERMISSION_DENIED: &str = "PERMISSION_DENIED";

/// What a caller without credentials does.
pub(super) const NO_CREDENTIALS: &str = "the call has no credentials; send an access token in the header `authorization: Bearer TOKEN`, or a client certificate";

/// What a caller with a certificate does that no rule names.
pub(super) const UNKNOWN_CERTIFICATE: &str =
    "no caller is configured for this client certificate; ask the operator to add its name, or send an access token";

/// What a caller does whose token expires while a stream runs.
const EXPIRED_IN_STREAM: &str = "the token has expired while the stream was running; get a new token, then resume an \
     export or a download after what was received, or repeat a sync or an import";

/// Returns the answer to a call without valid credentials.
pub(super) fn unauthenticated(message: &str, challenge: &'static str) -> Status {
    let mut status = refused_access(Code::Unauthenticated, UNAUTHENTICATED, message, None);
    status.metadata_mut().as_mut().insert("www-authenticate", HeaderValue::from_static(challenge));
    status
}

/// Returns the answer to a refused token.
pub(super) fn rejected(rejection: TokenRejection) -> Status {
    let message = rejection.to_string();
    if rejection.is_temporary() {
        return with_retry(Code::Unavailable, UNAUTHENTICATED, &message);
    }
    unauthenticated(&message, "Bearer error=\"invalid_token\"")
}

/// Returns the end of a stream whose caller's token has expired.
pub(super) fn expired_in_stream() -> Status {
    unauthenticated(EXPIRED_IN_STREAM, "Bearer error=\"invalid_token\"")
}

/// Returns the answer to a caller who lacks a role.
pub(super) fn lacks_role(role: CallerRole) -> Status {
    let role = role.name();
    let message = format!("the caller does not have the role {role}; ask the administrator of the callers for it");
    refused_access(Code::PermissionDenied, PERMISSION_DENIED, &message, Some(("role", role)))
}

/// Returns the answer to a call of an RPC for which the contract declares no role.
pub(super) fn has_no_role() -> Status {
    let message = "the server has no RPC with this name that callers may use; compare the name with the contract";
    refused_access(Code::PermissionDenied, PERMISSION_DENIED, message, None)
}

/// Returns the answer to a caller who may not act on an organization. It is the same whether the organization exists or not.
pub(super) fn other_organization(organization: &OrganizationId) -> Status {
    let message = format!(
        "the caller may not act on the organization {organization}; check the name, or ask the administrator of the \
         callers for this organization"
    );
    let metadata = ("organization", organization.as_str());
    refused_access(Code::PermissionDenied, PERMISSION_DENIED, &message, Some(metadata))
}

/// Returns the answer to a caller who may not act on all organizations.
pub(super) fn spans_organizations() -> Status {
    let message = "the call concerns all organizations, and the caller may act on some only; ask the administrator of the \
         callers for all organizations";
    refused_access(Code::PermissionDenied, PERMISSION_DENIED, message, Some(("organization", "-")))
}
