//! What a caller learns about organizations that are not the caller's: nothing.

use rollcall_testkit::{TestServer, contract::Rpc, issuer::TestIssuer};
use serde_json::json;
use tonic::{Code, Request, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_types::StatusExt as _;

use crate::{describe, prepare_calls, token_for};

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_of_others_looks_like_an_absent_one() {
    let server = TestServer::start().await;
    let issuer = TestIssuer::start().await;
    let channel = server.serve_guarded(&issuer).await;
    let mut differ = Vec::new();
    for (rpc, request) in prepare_calls(&server).await {
        let token = token_for(&issuer, &rpc, &["other"]);
        let absent =
            serde_json::from_str(&request.to_string().replace("organizations/acme", "organizations/none")).unwrap();
        let mut answers = Vec::new();
        for request in [&request, &absent] {
            let status = rpc.call_as(&channel, Some(&token), request).await.unwrap_err();
            answers.push(format!("{:?} {} {:?}", status.code(), status.message(), status.get_error_details()));
        }
        if answers[0].replace("acme", "none") != answers[1] {
            differ.push(format!("{}: {answers:?}", rpc.name()));
        }
    }
    assert_eq!(differ, [""; 0]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_are_checked_before_anything_else_of_the_request() {
    let server = TestServer::start().await;
    let issuer = TestIssuer::start().await;
    let channel = server.serve_guarded(&issuer).await;
    let token = issuer.token("ann", &["TECH_ADMIN"], &["other"]);
    let invalid = json!({
        "parent": "organizations/acme", "members": ["x"], "assignment": "y", "request_id": "no uuid"
    });
    let refused = Rpc::find("MemberService/MoveMembers").call_as(&channel, Some(&token), &invalid).await.unwrap_err();
    assert_eq!(describe(&refused), "PermissionDenied PERMISSION_DENIED organization=acme");
    let spanning = json!({"page_size": -1, "page_token": "x"});
    let token = issuer.token("ann", &["OPERATOR"], &["acme"]);
    let list = Rpc::find("OrganizationService/ListOrganizations");
    let refused = list.call_as(&channel, Some(&token), &spanning).await.unwrap_err();
    assert_eq!(describe(&refused), "PermissionDenied PERMISSION_DENIED organization=-");
    // A malformed name names no organization.
    let malformed = json!({"parent": "acme"});
    let list = Rpc::find("AssignmentService/ListAssignments");
    let refused = list.call_as(&channel, Some(&token), &malformed).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_of_another_organization_is_refused_in_a_request_for_the_own_one() {
    let server = TestServer::start().await;
    let issuer = TestIssuer::start().await;
    let channel = server.serve_guarded(&issuer).await;
    prepare_calls(&server).await;
    let own = json!({"organization_id": "own", "organization": {}});
    Rpc::find("OrganizationService/CreateOrganization").call(&server.channel(), &own).await.unwrap();
    let token = issuer.token("ann", &["TECH_ADMIN"], &["own"]);
    for member in ["organizations/acme/members/ada", "organizations/acme/members/nobody"] {
        let request = json!({"parent": "organizations/own", "members": [member], "assignment": "organizations/own/assignments/default"});
        let refused =
            Rpc::find("MemberService/MoveMembers").call_as(&channel, Some(&token), &request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{member}: {refused:?}");
    }
    server.stop().await;
}

/// The code of a call with these headers `authorization`.
async fn code_with(channel: &Channel, headers: &[String]) -> Code {
    let mut request = Request::new(rollcall_proto::v1::ListJobsRequest::default());
    for header in headers {
        request.metadata_mut().append("authorization", header.parse().unwrap());
    }
    let mut jobs = rollcall_proto::v1::job_service_client::JobServiceClient::new(channel.clone());
    jobs.list_jobs(request).await.map_or_else(|status| status.code(), |_| Code::Ok)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_has_one_header_with_a_token() {
    let server = TestServer::start().await;
    let issuer = TestIssuer::start().await;
    let channel = server.serve_guarded(&issuer).await;
    let good = format!("Bearer {}", issuer.token("ann", &["OPERATOR"], &["*"]));
    let weak = format!("Bearer {}", issuer.token("bob", &[], &[]));
    assert_eq!(code_with(&channel, std::slice::from_ref(&good)).await, Code::Ok);
    assert_eq!(code_with(&channel, &[good.replace("Bearer", "bearer")]).await, Code::Ok);
    for headers in [vec![weak.clone(), good.clone()], vec![good.clone(), weak], vec![good.clone(), good.clone()]] {
        assert_eq!(code_with(&channel, &headers).await, Code::Unauthenticated);
    }
    for wrong in [good.replace("Bearer", "Basic"), good.replace("Bearer ", ""), "Bearer".to_owned()] {
        assert_eq!(code_with(&channel, &[wrong]).await, Code::Unauthenticated);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_needs_no_credentials_and_an_unknown_rpc_does() {
    let server = TestServer::start().await;
    let issuer = TestIssuer::start().await;
    let channel = server.serve_guarded(&issuer).await;
    HealthClient::new(channel.clone()).check(HealthCheckRequest::default()).await.unwrap();
    let unknown = async |token: Option<&str>| {
        let mut client = tonic::client::Grpc::new(channel.clone());
        client.ready().await.unwrap();
        let mut request = Request::new(());
        if let Some(token) = token {
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        let path = http::uri::PathAndQuery::from_static("/rollcall.v1.JobService/Unknown");
        let codec = tonic_prost::ProstCodec::<(), ()>::default();
        client.unary(request, path, codec).await.unwrap_err().code()
    };
    assert_eq!(unknown(None).await, Code::Unauthenticated);
    assert_eq!(unknown(Some(&issuer.token("ann", &["OPERATOR", "TECH_ADMIN"], &["*"]))).await, Code::PermissionDenied);
    server.stop().await;
}
