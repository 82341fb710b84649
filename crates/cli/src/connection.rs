//! The connection to a running server, and the server's errors as text for a person.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use rollcall_proto::v1::{
    Assignment, ListAssignmentsRequest, assignment_service_client::AssignmentServiceClient,
    directory_service_client::DirectoryServiceClient, email_export_service_client::EmailExportServiceClient,
    job_service_client::JobServiceClient, member_service_client::MemberServiceClient,
    migration_service_client::MigrationServiceClient, organization_service_client::OrganizationServiceClient,
    report_service_client::ReportServiceClient,
};
use tokio::time::sleep;
use tonic::{
    Response, Status,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_types::StatusExt as _;
use url::Url;

use crate::{
    client_tls::{ClientTlsArguments, advice, advice_if_closed},
    error::{Error, Result, add_causes},
    token::{AuthorizedChannel, TokenFile},
    values,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A call may take long. Pings detect a server that is gone meanwhile.
const PING_INTERVAL: Duration = Duration::from_secs(10);
const HEALTH_INTERVAL: Duration = Duration::from_millis(50);
/// Calls before [`ServerConnection::wait_until_serving`] gives up.
const HEALTH_TRIES: u32 = 600;

/// The argument of a command that needs only a server.
#[derive(Debug, clap::Args)]
pub struct TargetArguments {
    /// The running server, such as http://localhost:50051 [default: the database]
    #[arg(long, value_name = "URL", value_parser = values::server_url)]
    pub target: Option<Url>,
}

/// A connection to a running server.
#[derive(Debug)]
pub struct ServerConnection {
    channel: Channel,
    token: TokenFile,
}

macro_rules! clients {
    ($($name:ident: $client:ident,)*) => {
        impl ServerConnection {
            $(pub(crate) fn $name(&self) -> $client<AuthorizedChannel> {
                $client::with_interceptor(self.channel.clone(), self.token.clone())
            })*
        }
    };
}

clients! {
    organizations: OrganizationServiceClient,
    directory: DirectoryServiceClient,
    assignments: AssignmentServiceClient,
    members: MemberServiceClient,
    email_export: EmailExportServiceClient,
    migration: MigrationServiceClient,
    jobs: JobServiceClient,
    reports: ReportServiceClient,
}

impl ServerConnection {
    /// Connects to the server at `target`. The token in the file is sent with each call.
    ///
    /// # Errors
    /// No server answers at `target`, or the settings of TLS do not fit it. The token cannot be read, or others could read it
    /// on its way. The text says what to do.
    pub async fn open(target: &Url, tls: &ClientTlsArguments, token_file: Option<&Path>) -> Result<Self> {
        let token = TokenFile::open(token_file, target)?;
        let mut endpoint = Endpoint::from_shared(target.as_str().to_owned())
            .map_err(Error::doing(format!("cannot use the address {target}")))?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_INTERVAL);
        if let Some(tls) = tls.settings(target)? {
            endpoint = endpoint.tls_config(tls).map_err(Error::doing("cannot use the files of TLS"))?;
        }
        let channel =
            endpoint.connect().await.map_err(|error| unreachable_server(target, advice(target, &error), &error))?;
        let server = Self { channel, token };
        server.check_transport(target).await?;
        Ok(server)
    }

    /// Checks that the other side speaks gRPC. A server with TLS accepts a connection without TLS, and one that asks for
    /// a certificate a connection without a certificate, and both close it when they receive something.
    async fn check_transport(&self, target: &Url) -> Result {
        let mut request = tonic::Request::new(HealthCheckRequest::default());
        request.set_timeout(CONNECT_TIMEOUT);
        let answered = HealthClient::new(self.channel.clone()).check(request).await;
        // Only an error of the connection has a cause. Any answer of a server will do.
        match answered.as_ref().err().and_then(std::error::Error::source) {
            Some(cause) => Err(unreachable_server(target, advice_if_closed(target), cause)),
            None => Ok(()),
        }
    }

    /// Connects to a server in this process, and waits until it is serving.
    ///
    /// # Errors
    /// The server does not report within 30 s that it is serving. The token cannot be read.
    pub async fn open_local(address: SocketAddr, token_file: Option<&Path>) -> Result<Self> {
        let text = format!("http://{}", local_address(address));
        let url = Url::parse(&text).map_err(Error::doing(format!("cannot use the address {text}")))?;
        let server = Self::open(&url, &ClientTlsArguments::default(), token_file).await?;
        server.wait_until_serving().await?;
        Ok(server)
    }

    async fn wait_until_serving(&self) -> Result {
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
        let mut request = ListAssignmentsRequest { parent: parent.to_owned(), ..Default::default() };
        loop {
            let call = self.assignments().list_assignments(request.clone()).await;
            let page = answer("cannot list the assignments", call)?;
            all.extend(page.assignments);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                return Ok(all);
            }
        }
    }
}

fn unreachable_server(target: &Url, advice: &str, error: &(dyn std::error::Error + 'static)) -> Error {
    let text = format!("cannot reach {target}; {advice}");
    Error::failed(add_causes(format!("{text}: {error}"), error))
}

/// Returns the address for a client on this machine. A server that listens on all addresses listens on loopback, too.
pub(crate) fn local_address(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Returns the message of an answer. An error says what was tried, and everything that the server says about it.
pub(crate) fn answer<T>(what: impl Into<String>, result: std::result::Result<Response<T>, Status>) -> Result<T> {
    result.map(Response::into_inner).map_err(call_failed(what))
}

/// Returns a conversion for `map_err`, which puts what was tried before everything that the server says about the error.
pub fn call_failed(what: impl Into<String>) -> impl FnOnce(Status) -> Error {
    let what = what.into();
    move |status| Error::failed(format!("{what}: {}", describe_status(&status)))
}

/// Returns the message, then one line with the reason and its values, and one line for each invalid field.
fn describe_status(status: &Status) -> String {
    let mut text = add_causes(status.message().to_owned(), status);
    let details = status.get_error_details();
    let _ = match details.error_info() {
        Some(info) => {
            let values: BTreeMap<_, _> = info.metadata.iter().collect();
            let values: Vec<_> = values.iter().map(|(name, value)| format!("{name}={value}")).collect();
            write!(text, "\n  {:?}, reason {} {}", status.code(), info.reason, values.join(" "))
        }
        None => write!(text, " ({:?})", status.code()),
    };
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
