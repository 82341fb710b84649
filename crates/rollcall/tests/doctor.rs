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
    let (status, printed, log) = doctor(&server, &[]).await;
    assert_eq!((status, printed), (Some(1), difference));
    // The server in the process of the command logs the number of differences, and then the command its failure.
    assert!(log.contains("stored data differs from a rule") && log.ends_with(&failure), "{log}");
    server.stop().await;
}
