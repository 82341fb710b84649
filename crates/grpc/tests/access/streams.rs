//! A stream ends when the token of its caller expires.

use std::time::Duration;

use jsonwebtoken::get_current_timestamp;
use rollcall_proto::v1::{
    ExportMembersCsvRequest, Phase, directory_service_client::DirectoryServiceClient,
    member_service_client::MemberServiceClient,
};
use rollcall_testkit::{Member, Org, TestServer, issuer::TestIssuer};
use serde_json::json;
use tokio_stream::StreamExt as _;
use tonic::{Code, Request, Status};

use crate::describe;

/// The time limit of an operation that must complete.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Returns a request with a token that expires in a few seconds: its `exp` is over, but not the leeway of 30 s.
fn expiring<T>(issuer: &TestIssuer, message: T) -> Request<T> {
    let claims = json!({"roles": ["TECH_ADMIN"], "organizations": ["acme"], "exp": get_current_timestamp() - 27});
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {}", issuer.sign(&claims)).parse().unwrap());
    request
}

fn check(status: &Status) {
    assert_eq!((status.code(), describe(status).as_str()), (Code::Unauthenticated, "Unauthenticated UNAUTHENTICATED"));
    assert!(status.message().contains("the token has expired while the stream was running"), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_ends_when_its_token_expires() {
    let server = TestServer::start().await;
    let issuer = TestIssuer::start().await;
    let channel = server.serve_guarded(&issuer).await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    let first = org.full_sync(&[Member::new("ada", &["eng"])]);
    let unfinished = tokio_stream::once(first).chain(tokio_stream::pending());
    let sync = async { DirectoryServiceClient::new(channel).sync_directory(expiring(&issuer, unfinished)).await };
    check(&tokio::time::timeout(TIMEOUT, sync).await.unwrap().unwrap_err());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_ends_when_its_token_expires() {
    let server = TestServer::start().await;
    let issuer = TestIssuer::start().await;
    let channel = server.serve_guarded(&issuer).await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    org.sync_large().await;
    let export = ExportMembersCsvRequest { parent: org.name(), ..Default::default() };
    let request = expiring(&issuer, export);
    let mut stream = MemberServiceClient::new(channel).export_members_csv(request).await.unwrap().into_inner();
    // The reader waits until the token has expired. The pieces that were sent before are still received.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let received = async {
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the export is complete"),
                Err(status) => return status,
            }
        }
    };
    check(&tokio::time::timeout(TIMEOUT, received).await.unwrap());
    server.stop().await;
}
