//! The parsed error of a refused call. Every error has exactly one `ErrorInfo`, with the domain `rollcall`
//! and a reason of the contract (AIP-193).

use std::collections::BTreeMap;

use prost::Message as _;
use rollcall_proto::v1::ErrorReason;
use tonic::{Code, Status};
use tonic_types::{StatusExt as _, pb};

/// The error of a refused call, as the contract specifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedCall {
    /// The status code.
    pub code: Code,
    /// The reason: an `ErrorReason` of the contract without its prefix.
    pub reason: String,
    /// The metadata of the `ErrorInfo`.
    pub metadata: BTreeMap<String, String>,
    /// The fields of the violations.
    pub fields: Vec<String>,
    /// The message of the status.
    pub message: String,
    /// Whether the error has a `PreconditionFailure`.
    pub precondition: bool,
    /// The subjects of the `PreconditionFailure`.
    pub subjects: Vec<String>,
    /// Whether the error has a `RetryInfo`.
    pub retry: bool,
}

impl RefusedCall {
    /// Parses the status of a refused call.
    ///
    /// # Errors
    /// A description of the violation of the contract.
    pub fn of(status: &Status) -> Result<Self, String> {
        let describe = || format!("{:?} {:?}", status.code(), status.message());
        let details = pb::Status::decode(status.details()).map_err(|error| format!("{}: {error}", describe()))?.details;
        let infos = details.iter().filter(|detail| detail.type_url.ends_with("/google.rpc.ErrorInfo")).count();
        if infos != 1 {
            return Err(format!("{}: it has {infos} ErrorInfo, expected one", describe()));
        }
        let details = status.get_error_details();
        let info = details.error_info().ok_or_else(|| format!("{}: the ErrorInfo cannot be read", describe()))?;
        if info.domain != "rollcall" {
            return Err(format!("{}: the domain is {}", describe(), info.domain));
        }
        let known = ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason));
        if known.is_none_or(|reason| reason == ErrorReason::Unspecified) {
            return Err(format!("{}: {} is not a reason of the contract", describe(), info.reason));
        }
        if status.message().is_empty() {
            return Err(format!("{}: it has no message", describe()));
        }
        let violations = details.bad_request().into_iter().flat_map(|bad| &bad.field_violations);
        Ok(Self {
            code: status.code(),
            reason: info.reason.clone(),
            metadata: info.metadata.clone().into_iter().collect(),
            fields: violations.map(|violation| violation.field.clone()).collect(),
            message: status.message().to_owned(),
            precondition: details.precondition_failure().is_some(),
            subjects: details
                .precondition_failure()
                .into_iter()
                .flat_map(|failure| failure.violations.iter().map(|violation| violation.subject.clone()))
                .collect(),
            retry: details.retry_info().is_some(),
        })
    }

    /// Returns whether the error has this code and reason.
    #[must_use]
    pub fn is(&self, code: Code, reason: &str) -> bool {
        (self.code, self.reason.as_str()) == (code, reason)
    }
}
