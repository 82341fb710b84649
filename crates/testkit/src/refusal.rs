//! How a call is refused, and what holds for every refusal: exactly one `ErrorInfo`, of our domain,
//! with a reason of the contract (AIP-193).

use std::collections::BTreeMap;

use prost::Message as _;
use rollcall_proto::v1::ErrorReason;
use tonic::{Code, Status};
use tonic_types::{StatusExt as _, pb};

/// A refusal that is as the contract has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub code: Code,
    /// The reason, by the word in the contract.
    pub reason: String,
    /// What the message mentions.
    pub metadata: BTreeMap<String, String>,
    /// The fields that are bad.
    pub fields: Vec<String>,
    /// The message.
    pub message: String,
    /// Whether it says which state is in the way.
    pub precondition: bool,
    /// Whether it says when to try again.
    pub retry: bool,
}

impl Refusal {
    /// Reads a refusal.
    ///
    /// # Errors
    /// What about it is not as the contract has it.
    pub fn of(status: &Status) -> Result<Self, String> {
        let shown = || format!("{:?} {:?}", status.code(), status.message());
        let details = pb::Status::decode(status.details()).map_err(|error| format!("{}: {error}", shown()))?.details;
        let infos = details.iter().filter(|detail| detail.type_url.ends_with("/google.rpc.ErrorInfo")).count();
        if infos != 1 {
            return Err(format!("{}: it has {infos} ErrorInfo and not one", shown()));
        }
        let details = status.get_error_details();
        let info = details.error_info().ok_or_else(|| format!("{}: the ErrorInfo cannot be read", shown()))?;
        if info.domain != "rollcall" {
            return Err(format!("{}: the domain is {}", shown(), info.domain));
        }
        let known = ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason));
        if known.is_none_or(|reason| reason == ErrorReason::Unspecified) {
            return Err(format!("{}: {} is no reason of the contract", shown(), info.reason));
        }
        if status.message().is_empty() {
            return Err(format!("{}: it has no message", shown()));
        }
        let violations = details.bad_request().into_iter().flat_map(|bad| &bad.field_violations);
        Ok(Self {
            code: status.code(),
            reason: info.reason.clone(),
            metadata: info.metadata.clone().into_iter().collect(),
            fields: violations.map(|violation| violation.field.clone()).collect(),
            message: status.message().to_owned(),
            precondition: details.precondition_failure().is_some(),
            retry: details.retry_info().is_some(),
        })
    }

    /// Whether it is this one.
    #[must_use]
    pub fn is(&self, code: Code, reason: &str) -> bool {
        (self.code, self.reason.as_str()) == (code, reason)
    }
}
