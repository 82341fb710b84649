//! The contract itself: every RPC declares a role, every field that is not honoured yet is
//! refused by every RPC that has it, and everything is in the reflection set.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, Value};
use rollcall_testkit::{TestServer, call_raw};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

fn pool() -> DescriptorPool {
    DescriptorPool::decode(rollcall_proto::FILE_DESCRIPTOR_SET).unwrap()
}

fn methods(pool: &DescriptorPool) -> Vec<MethodDescriptor> {
    pool.services()
        .filter(|service| service.package_name() == "rollcall.v1")
        .flat_map(|s| s.methods().collect::<Vec<_>>())
        .collect()
}

#[test]
fn every_rpc_declares_a_role() {
    let pool = pool();
    let role = pool.get_extension_by_name("rollcall.v1.role").unwrap();
    let methods = methods(&pool);
    assert!(methods.len() >= 28);
    for method in methods {
        let options = method.options();
        let declared = options.get_extension(&role).as_enum_number().unwrap_or_default();
        assert_ne!(declared, 0, "{} declares no role", method.full_name());
    }
}

#[test]
fn no_field_has_64_bits_but_those_that_can_need_them() {
    let allowed = BTreeSet::from([
        "rollcall.v1.ReportFile.rows".to_owned(),
        "rollcall.v1.ReportFile.bytes".to_owned(),
        "rollcall.v1.DownloadReportRequest.offset".to_owned(),
    ]);
    let wide: BTreeSet<String> = pool()
        .all_messages()
        .filter(|message| message.package_name() == "rollcall.v1")
        .flat_map(|message| message.fields().collect::<Vec<_>>())
        .filter(|field| matches!(field.kind(), prost_reflect::Kind::Int64 | prost_reflect::Kind::Uint64))
        .map(|field| field.full_name().to_owned())
        .collect();
    assert_eq!(wide, allowed);
}

async fn call(server: &TestServer, method: &MethodDescriptor, message: &DynamicMessage) -> Result<(), Status> {
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    call_raw(server.channel(), &path, message.encode_to_vec()).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_not_honoured_yet_is_refused_by_every_rpc_that_has_it() {
    let server = TestServer::start().await;
    let pool = pool();
    let mut refused = 0;
    for method in methods(&pool) {
        let Some(field) = method.input().get_field_by_name("request_id") else { continue };
        let mut message = DynamicMessage::new(method.input());
        message.set_field(&field, Value::String("0193f0c4-0000-7000-8000-000000000000".to_owned()));
        let status = call(&server, &method, &message).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented, "{}", method.full_name());
        let details = status.get_error_details();
        let fields = &details.bad_request().unwrap().field_violations;
        assert!(fields.iter().any(|violation| violation.field == "request_id"), "{}", method.full_name());
        refused += 1;
    }
    assert!(refused >= 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_has_a_name_for_each_service() {
    use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

    let server = TestServer::start().await;
    let pool = pool();
    let services: BTreeSet<String> =
        methods(&pool).iter().map(|method| method.parent_service().full_name().to_owned()).collect();
    for service in services.into_iter().chain([String::new()]) {
        let request = HealthCheckRequest { service: service.clone() };
        let answer = HealthClient::new(server.channel()).check(request).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
}
