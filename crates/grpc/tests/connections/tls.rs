//! Who may connect with TLS, and what happens to everybody else.

use rollcall_grpc::{ClientAuth, ConnectionLimits, RefusedCause, ServerTls, TlsFiles};
use rollcall_proto::v1::{ListOrganizationsRequest, organization_service_client::OrganizationServiceClient};
use rollcall_testkit::{TestAuthority, TestCertificate};
use tempfile::TempDir;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};

use crate::support::{LIMITS, LimitedServer, NO_FRAMES, RawClient, SHORT};

/// A server with TLS, and the authority of its certificate and of its clients.
pub(crate) struct TlsServer {
    pub(crate) server: LimitedServer,
    pub(crate) authority: TestAuthority,
}

impl TlsServer {
    /// Starts a server. Without `client_auth` it does not ask for certificates.
    async fn start(limits: ConnectionLimits, client_auth: Option<ClientAuth>) -> Self {
        let (authority, dir) = (TestAuthority::new(), TempDir::new().unwrap());
        let (certificate, key) = authority.server(&["localhost"]).write(dir.path());
        let ca = dir.path().join("ca.crt");
        std::fs::write(&ca, authority.pem()).unwrap();
        let client_ca = client_auth.map(|_| ca);
        let client_auth = client_auth.unwrap_or(ClientAuth::Required);
        let files = TlsFiles { certificate, key, client_ca, client_auth };
        let tls = ServerTls::open(files).await.unwrap();
        Self { server: LimitedServer::start_with(limits, Some(tls)).await, authority }
    }

    /// Connects and makes a call, with the certificate of a client if one is given.
    async fn call(&self, client: Option<TestCertificate>) -> Result<(), String> {
        call(&self.server, &self.authority, client).await.map(drop)
    }
}

/// Connects to a server of the authority, makes a call, and returns the channel.
pub(crate) async fn call(
    server: &LimitedServer,
    authority: &TestAuthority,
    client: Option<TestCertificate>,
) -> Result<Channel, String> {
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority.pem()));
    let tls = client.into_iter().fold(tls, |tls, it| tls.identity(Identity::from_pem(it.certificate, it.key)));
    let url = format!("https://localhost:{}", server.address.port());
    let endpoint = Channel::from_shared(url).unwrap().tls_config(tls).map_err(|error| format!("{error:?}"))?;
    let channel = endpoint.connect().await.map_err(|error| format!("{error:?}"))?;
    list(&channel).await?;
    Ok(channel)
}

/// Makes a call on a channel.
pub(crate) async fn list(channel: &Channel) -> Result<(), String> {
    let mut client = OrganizationServiceClient::new(channel.clone());
    let listed = client.list_organizations(ListOrganizationsRequest::default()).await;
    listed.map(drop).map_err(|status| format!("{status:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_knows_the_authority_is_served() {
    let server = TlsServer::start(LIMITS, None).await;
    server.call(None).await.unwrap();
    let stranger = call(&server.server, &TestAuthority::new(), None).await;
    stranger.unwrap_err();
    server.server.wait_for_refused(RefusedCause::Tls, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_required_or_optional_and_never_invalid() {
    for auth in [ClientAuth::Required, ClientAuth::Optional] {
        let server = TlsServer::start(LIMITS, Some(auth)).await;
        let (own, foreign) = (&server.authority, TestAuthority::new());
        server.call(Some(own.client("ann", "spiffe://example/ann"))).await.unwrap();
        server.call(Some(own.expired_client("ann"))).await.unwrap_err();
        server.call(Some(foreign.client("ann", "spiffe://example/ann"))).await.unwrap_err();
        let anonymous = server.call(None).await;
        assert_eq!(anonymous.is_ok(), auth == ClientAuth::Optional, "{auth:?} {anonymous:?}");
        server.server.wait_for_refused(RefusedCause::Tls, 2 + u64::from(auth == ClientAuth::Required)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_tls_is_disconnected_at_once_and_counted() {
    let server = TlsServer::start(LIMITS, None).await;
    let mut plaintext = RawClient::begin(&server.server).await;
    assert_eq!(plaintext.frames_until_closed().await, NO_FRAMES);
    server.server.wait_for_refused(RefusedCause::Plaintext, 1).await;
    server.server.call().await.unwrap().unwrap_err();
    server.call(None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_client_holds_up_nobody() {
    let server = TlsServer::start(LIMITS, None).await;
    let mut silent = RawClient::connect(&server.server).await;
    let mut half = RawClient::connect(&server.server).await;
    // The header of a record whose content does not come.
    half.send(&[22, 3, 1, 1, 0]).await;
    server.call(None).await.unwrap();
    assert!(silent.has_received_nothing() && half.has_received_nothing());
    server.server.abort();
    assert_eq!(silent.frames_until_closed().await, NO_FRAMES);
    assert_eq!(half.frames_until_closed().await, NO_FRAMES);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_of_tls_ends_at_the_time_limit() {
    let server = TlsServer::start(ConnectionLimits { handshake: SHORT, ..LIMITS }, None).await;
    let mut silent = RawClient::connect(&server.server).await;
    assert_eq!(silent.frames_until_closed().await, NO_FRAMES);
    server.server.wait_for_refused(RefusedCause::Timeout, 1).await;
}
