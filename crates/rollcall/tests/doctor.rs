//! `rollcall doctor` on a server, and on the database itself.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

use std::process::Command;

use rollcall_testkit::{
    TestServer,
    standard::{MigrationHistory, StandardOrganization},
};

/// Runs the command for `acme`. Returns the exit status, what it prints, and its error.
async fn doctor(server: &TestServer, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.args(["doctor", "--organization", "acme"]).args(arguments);
    command.env("DATABASE_URL", server.database.url());
    command.env("ROLLCALL_REPORTS_URL", format!("file://{}", server.reports().display()));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim_end().to_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_prints_each_difference_and_fails() {
    let server = TestServer::start().await;
    StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let target = format!("http://{}", server.address);
    let target = ["--target", target.as_str()];
    let healthy = "the stored data of acme follows the rules".to_owned();
    assert_eq!(doctor(&server, &target).await, (Some(0), healthy.clone(), String::new()));
    assert_eq!(doctor(&server, &[]).await, (Some(0), healthy, String::new()));

    let plant = "DELETE FROM audit_events WHERE organization_id = 'acme' AND revision = 2";
    server.database.client().await.execute(plant, &[]).await.unwrap();
    let difference = "AUDIT_REVISIONS organizations/acme: revision 2 has no audit event".to_owned();
    let failure = "rollcall: the stored data of acme has 1 difference from the rules".to_owned();
    assert_eq!(doctor(&server, &target).await, (Some(1), difference.clone(), failure.clone()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_the_number_of_differences_and_no_member() {
    let server = TestServer::start().await;
    StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let plant = "DELETE FROM memberships WHERE organization_id = 'acme' AND member_id = 'cid'";
    server.database.client().await.execute(plant, &[]).await.unwrap();
    // Without a target, the server is in the process of the command, and logs to the same place.
    let (status, printed, log) = doctor(&server, &[]).await;
    assert_eq!(status, Some(1));
    assert!(
        printed.starts_with("MEMBER_ASSIGNMENT organizations/acme/members/cid: the member is in `sales`"),
        "{printed}"
    );
    for part in ["ERROR", "stored data differs from a rule", "acme", "MEMBER_ASSIGNMENT", r#""count":1"#] {
        assert!(log.contains(part), "{part} in {log}");
    }
    assert!(!log.contains("cid") && !log.contains("Cid"), "{log}");
    server.stop().await;
}
