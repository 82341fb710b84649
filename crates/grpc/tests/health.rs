//! The health of the services while the database is frozen, stopped, or busy with all connections.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use rollcall_proto::v1::{CheckEmailExportRequest, Phase, check_email_export_request::Subject};
use rollcall_store::SystemConn;
use rollcall_testkit::{Fault, Member, Org, TestServer};
use tokio::sync::watch;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

/// Far longer than a change of the health takes.
const TIMEOUT: Duration = Duration::from_secs(60);
const NAMES: [&str; 4] = ["", "rollcall.v1.MemberService", "rollcall.v1.EmailExportService", "process"];

/// Whether each of the names is SERVING.
async fn health(server: &TestServer) -> [bool; 4] {
    let mut serving = [false; 4];
    for (serving, service) in serving.iter_mut().zip(NAMES) {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = HealthClient::new(server.channel()).check(request).await.unwrap().into_inner();
        *serving = answer.status() == ServingStatus::Serving;
    }
    serving
}

/// Waits until the health is as expected.
async fn reached(server: &TestServer, expected: [bool; 4]) {
    let look = async {
        while health(server).await != expected {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let reached = tokio::time::timeout(TIMEOUT, look).await;
    assert!(reached.is_ok(), "the health is {:?}, not {expected:?}", health(server).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_served_while_the_database_is_frozen_or_refuses_connections() {
    let (server, proxy) = TestServer::start_behind_proxy().await;
    for fault in [Fault::Silence, Fault::Refuse] {
        reached(&server, [true; 4]).await;
        proxy.inject(fault);
        reached(&server, [false, false, false, true]).await;
        proxy.heal();
    }
    reached(&server, [true; 4]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_of_organizations_in_memory_are_served_while_the_database_is_frozen() {
    let (server, proxy) = TestServer::start_behind_proxy().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    org.sync(&[Member::new("m", &[])]).await;
    let request = CheckEmailExportRequest {
        parent: "organizations/acme".to_owned(),
        subject: Some(Subject::Member("organizations/acme/members/m".to_owned())),
        ..Default::default()
    };
    server.email_export().check_email_export(request).await.unwrap();
    proxy.inject(Fault::Silence);
    reached(&server, [true, false, true, true]).await;
    proxy.heal();
    reached(&server, [true; 4]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_checks_are_served_while_all_other_connections_are_in_use() {
    let server = TestServer::start().await;
    let (release, released) = watch::channel(());
    let held: Vec<_> = (0..40)
        .map(|_| {
            let (db, mut released) = (server.app.db().clone(), released.clone());
            tokio::spawn(async move {
                let hold = async |_: &mut SystemConn| {
                    let _ = released.changed().await;
                    Ok::<(), rollcall_store::Error>(())
                };
                let _ = db.read_system("hold", hold).await;
            })
        })
        .collect();
    reached(&server, [true, false, true, true]).await;
    release.send(()).unwrap();
    reached(&server, [true; 4]).await;
    for task in held {
        task.await.unwrap();
    }
    server.stop().await;
}
