//! A server that only logs refusals answers every call, so a running installation can move to authentication.

use rollcall_auth::{AuthConfig, Authenticator, RefreshTimes};
use rollcall_grpc::AccessControl;
use rollcall_testkit::{TestServer, connect, contract::Rpc, issuer::TestIssuer};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_would_be_refused_are_answered() {
    let server = TestServer::start().await;
    let issuer = TestIssuer::start().await;
    let config = AuthConfig::parse(&issuer.config()).unwrap();
    let authenticator = Authenticator::start(config, RefreshTimes::default()).unwrap();
    let channel = connect(server.serve_to(AccessControl::log_only(authenticator)).await).await;
    let tokens = [
        (None, "anonymous"),
        (Some("no token".to_owned()), "anonymous"),
        (Some(issuer.sign(&json!({"aud": "other"}))), "anonymous"),
        (Some(issuer.token("ann", &[], &[])), "test:ann"),
        (Some(issuer.token("bob", &["OPERATOR", "TECH_ADMIN"], &["*"])), "test:bob"),
    ];
    let call = async |rpc: &str, token: Option<&str>, request| {
        Rpc::find(rpc).call_as(&channel, token, &request).await.unwrap()
    };
    for (number, (token, actor)) in tokens.into_iter().enumerate() {
        let token = token.as_deref();
        let id = format!("org-{number}");
        call("OrganizationService/CreateOrganization", token, json!({"organization_id": id})).await;
        let parent = json!({"parent": format!("organizations/{id}")});
        let events = call("AuditService/ListAuditEvents", token, parent).await;
        assert_eq!(events["audit_events"][0]["actor"], actor);
    }
    server.stop().await;
}
