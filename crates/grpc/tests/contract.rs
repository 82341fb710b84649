//! The contract: every RPC declares a role, no field is wider than necessary, and the health service knows each
//! service. The conventions are in `conventions/`.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use prost_reflect::Kind;
use rollcall_testkit::{
    TestServer,
    contract::{Rpc, pool},
};

#[test]
fn every_rpc_declares_a_role() {
    let role = pool().get_extension_by_name("rollcall.v1.role").unwrap();
    let rpcs = Rpc::all();
    assert!(rpcs.len() >= 40, "{}", rpcs.len());
    for rpc in rpcs {
        let declared = rpc.method().options().get_extension(&role).as_enum_number().unwrap_or_default();
        assert_ne!(declared, 0, "{} declares no role", rpc.name());
    }
}

#[test]
fn no_field_has_64_bits_but_those_that_can_need_them() {
    let allowed = BTreeSet::from([
        "rollcall.v1.ReportFile.rows".to_owned(),
        "rollcall.v1.ReportFile.bytes".to_owned(),
        "rollcall.v1.DownloadReportRequest.offset".to_owned(),
        "rollcall.v1.DownloadReportResponse.bytes".to_owned(),
    ]);
    let messages = pool().all_messages().filter(|message| message.package_name() == "rollcall.v1");
    let fields = messages.flat_map(|message| message.fields().collect::<Vec<_>>());
    let wide = fields.filter(|field| matches!(field.kind(), Kind::Int64 | Kind::Uint64));
    let wide: BTreeSet<String> = wide.map(|field| field.full_name().to_owned()).collect();
    assert_eq!(wide, allowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_service_knows_each_service() {
    use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

    let server = TestServer::start().await;
    let services = Rpc::all().iter().map(|rpc| rpc.method().parent_service().full_name().to_owned()).collect();
    let services: BTreeSet<String> = services;
    for service in services.into_iter().chain([String::new()]) {
        let request = HealthCheckRequest { service: service.clone() };
        let answer = HealthClient::new(server.channel()).check(request).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
    server.stop().await;
}
