//! Errors as text for a person.

use std::collections::HashMap;

use rollcall_cli::{Error, call_failed};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

#[derive(Debug, thiserror::Error)]
#[error("outer")]
struct Outer(#[source] std::io::Error);

#[test]
fn causes_follow_what_was_tried() {
    let error = Error::doing("cannot open the door")(Outer(std::io::Error::other("no key")));
    assert_eq!(error.to_string(), "cannot open the door: outer: no key");
}

#[test]
fn a_refusal_shows_reason_values_and_fields() {
    let mut details = ErrorDetails::new();
    let metadata = HashMap::from([("resource".to_owned(), "organizations/acme".to_owned())]);
    details.set_error_info("ALREADY_EXISTS", "rollcall", metadata);
    details.add_bad_request_violation("organization_id", "is in use");
    let status = Status::with_error_details(Code::AlreadyExists, "choose another id", details);
    assert_eq!(
        call_failed("cannot create the organization")(status).to_string(),
        "cannot create the organization: choose another id\n  \
         AlreadyExists, reason ALREADY_EXISTS resource=organizations/acme\n  organization_id: is in use"
    );
}

#[test]
fn a_refusal_without_details_shows_its_code() {
    let error = call_failed("cannot list")(Status::unavailable("no server answers"));
    assert_eq!(error.to_string(), "cannot list: no server answers (Unavailable)");
}
