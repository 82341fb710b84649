//! Talking to a running server: the connection, and its refusals as a person reads them.

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

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A call may take long; a server that is gone is noticed all the same.
const PING_EVERY: Duration = Duration::from_secs(10);
const HEALTH_EVERY: Duration = Duration::from_millis(50);
const HEALTH_TRIES: u32 = 600;

/// A running server. Clones share its connection.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    channel: Channel,
}

macro_rules! clients {
    ($($name:ident: $client:ident,)*) => {
        impl Remote {
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

impl Remote {
    /// Connects to the server.
    ///
    /// # Errors
    /// When nothing answers there.
    pub(crate) async fn connect(target: &Url) -> Result<Self> {
        let endpoint = Endpoint::from_shared(target.as_str().to_owned())
            .map_err(Error::doing(format!("cannot use the address {target}")))?
            .connect_timeout(CONNECT_WITHIN)
            .http2_keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_EVERY);
        let channel = endpoint.connect().await;
        let channel =
            channel.map_err(Error::doing(format!("cannot reach {target}; is `rollcall serve` running there?")))?;
        Ok(Self { channel })
    }

    /// Waits until the server says that it serves.
    ///
    /// # Errors
    /// When it does not say so in time.
    pub(crate) async fn healthy(&self) -> Result {
        let mut health = HealthClient::new(self.channel.clone());
        let mut last = "it is not serving".to_owned();
        for _ in 0..HEALTH_TRIES {
            match health.check(HealthCheckRequest::default()).await {
                Ok(answer) if answer.get_ref().status() == ServingStatus::Serving => return Ok(()),
                Ok(_) => {}
                Err(status) => last = describe(&status),
            }
            sleep(HEALTH_EVERY).await;
        }
        Err(Error::failed(format!("the server is not healthy: {last}")))
    }

    /// All assignments of an organization, in evaluation order.
    ///
    /// # Errors
    /// What the server refuses.
    pub(crate) async fn all_assignments(&self, parent: &str) -> Result<Vec<Assignment>> {
        let mut all = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListAssignmentsRequest { parent: parent.to_owned(), page_token, ..Default::default() };
            let answered = self.assignments().list_assignments(request).await;
            let page = answered.map_err(refused("cannot list the assignments"))?.into_inner();
            all.extend(page.assignments);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(all);
            }
        }
    }
}

/// For `map_err`: what was tried, and all that the server says about its refusal.
pub(crate) fn refused(what: impl Into<String>) -> impl FnOnce(Status) -> Error {
    let what = what.into();
    move |status| Error::failed(format!("{what}: {}", describe(&status)))
}

/// The message, then the reason with its values and the fields, each in a line of its own.
fn describe(status: &Status) -> String {
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

/// The reason of a refusal, such as `JOB_ALREADY_RUNNING`, and one of its values.
pub(crate) fn reason_with(status: &Status, value: &str) -> Option<(String, Option<String>)> {
    let info = status.get_details_error_info()?;
    Some((info.reason, info.metadata.get(value).cloned()))
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
            refused("cannot create the organization")(status).to_string(),
            "cannot create the organization: choose another id\n  \
             AlreadyExists, reason ALREADY_EXISTS resource=organizations/acme\n  organization_id: is taken"
        );
    }

    #[test]
    fn a_refusal_without_details_shows_its_code() {
        let error = refused("cannot ask")(Status::unavailable("nobody is there"));
        assert_eq!(error.to_string(), "cannot ask: nobody is there (Unavailable)");
    }
}
