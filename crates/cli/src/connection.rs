//! The connection to a running server, and the server's errors as text for a person.

use std::{fmt::Write as _, time::Duration};

use rollcall_proto::v1::{
    Assignment, ListAssignmentsRequest, assignment_service_client::AssignmentServiceClient,
    directory_service_client::DirectoryServiceClient, job_service_client::JobServiceClient,
    member_service_client::MemberServiceClient, migration_service_client::MigrationServiceClient,
    organization_service_client::OrganizationServiceClient, report_service_client::ReportServiceClient,
};
use tokio::time::sleep;
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_types::StatusExt as _;
use url::Url;

use crate::error::{Error, Result};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A call may take long. Pings detect a server that is gone meanwhile.
const PING_INTERVAL: Duration = Duration::from_secs(10);
const HEALTH_INTERVAL: Duration = Duration::from_millis(50);
const HEALTH_TRIES: u32 = 600;

/// A connection to a running server. Clones share the connection.
#[derive(Clone, Debug)]
pub struct ServerConnection {
    channel: Channel,
}

macro_rules! clients {
    ($($name:ident: $client:ident,)*) => {
        impl ServerConnection {
            $(pub(crate) fn $name(&self) -> $client<Channel> {
                $client::new(self.channel.clone())
            })*
        }
    };
}

clients! {
    organizations: OrganizationServiceClient,
    directory: DirectoryServiceClient,
    assignments: AssignmentServiceClient,
    members: MemberServiceClient,
    migration: MigrationServiceClient,
    jobs: JobServiceClient,
    reports: ReportServiceClient,
}

impl ServerConnection {
    /// Connects to the server at `target`.
    ///
    /// # Errors
    /// No server answers at `target`.
    pub async fn open(target: &Url) -> Result<Self> {
        let endpoint = Endpoint::from_shared(target.as_str().to_owned())
            .map_err(Error::doing(format!("cannot use the address {target}")))?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_INTERVAL);
        let channel = endpoint.connect().await;
        let channel = channel.map_err(Error::doing(format!(
            "cannot reach {target}; start `rollcall serve` there, or give another --target"
        )))?;
        Ok(Self { channel })
    }

    /// Waits until the server reports that it is serving.
    ///
    /// # Errors
    /// The server does not report it within 30 s.
    pub async fn wait_until_serving(&self) -> Result {
        let mut health = HealthClient::new(self.channel.clone());
        let mut state = "it is not serving".to_owned();
        for _ in 0..HEALTH_TRIES {
            match health.check(HealthCheckRequest::default()).await {
                Ok(answer) if answer.get_ref().status() == ServingStatus::Serving => return Ok(()),
                Ok(_) => {}
                Err(status) => state = describe_status(&status),
            }
            sleep(HEALTH_INTERVAL).await;
        }
        Err(Error::failed(format!("the server is not healthy: {state}")))
    }

    /// Returns all assignments of an organization, in evaluation order.
    ///
    /// # Errors
    /// The server refuses the call.
    pub(crate) async fn list_all_assignments(&self, parent: &str) -> Result<Vec<Assignment>> {
        let mut all = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListAssignmentsRequest { parent: parent.to_owned(), page_token, ..Default::default() };
            let answered = self.assignments().list_assignments(request).await;
            let page = answered.map_err(call_failed("cannot list the assignments"))?.into_inner();
            all.extend(page.assignments);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(all);
            }
        }
    }
}

/// For `map_err`: puts what was tried before everything that the server says about the error.
pub(crate) fn call_failed(what: impl Into<String>) -> impl FnOnce(Status) -> Error {
    let what = what.into();
    move |status| Error::failed(format!("{what}: {}", describe_status(&status)))
}

/// Returns the message, then one line with the reason and its values, and one line for each invalid field.
fn describe_status(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    let details = status.get_error_details();
    match details.error_info() {
        Some(info) => {
            let mut values: Vec<_> = info.metadata.iter().map(|(name, value)| format!("{name}={value}")).collect();
            values.sort_unstable();
            let _ = write!(text, "\n  {:?}, reason {} {}", status.code(), info.reason, values.join(" "));
        }
        None => {
            let _ = write!(text, " ({:?})", status.code());
        }
    }
    for violation in details.bad_request().into_iter().flat_map(|request| &request.field_violations) {
        let _ = write!(text, "\n  {}: {}", violation.field, violation.description);
    }
    text.trim_end().to_owned()
}

/// Returns a value of the error's metadata, if the error has this reason, such as `JOB_ALREADY_RUNNING`.
pub(crate) fn error_metadata(status: &Status, reason: &str, value: &str) -> Option<String> {
    let info = status.get_details_error_info().filter(|info| info.reason == reason)?;
    info.metadata.get(value).cloned()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic::Code;
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn a_refusal_shows_reason_values_and_fields() {
        let mut details = ErrorDetails::new();
        let metadata = HashMap::from([("resource".to_owned(), "organizations/acme".to_owned())]);
        details.set_error_info("ALREADY_EXISTS", "rollcall", metadata);
        details.add_bad_request_violation("organization_id", "is taken");
        let status = Status::with_error_details(Code::AlreadyExists, "choose another id", details);
        assert_eq!(
            call_failed("cannot create the organization")(status).to_string(),
            "cannot create the organization: choose another id\n  \
             AlreadyExists, reason ALREADY_EXISTS resource=organizations/acme\n  organization_id: is taken"
        );
    }

    #[test]
    fn a_refusal_without_details_shows_its_code() {
        let error = call_failed("cannot ask")(Status::unavailable("nobody is there"));
        assert_eq!(error.to_string(), "cannot ask: nobody is there (Unavailable)");
    }
}
