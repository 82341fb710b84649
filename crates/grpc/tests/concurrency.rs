//! Write locks: a write waits for the other writes of its own organization, and not for those of another
//! organization.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics if its setup fails")]

use std::time::Duration;

use rollcall_proto::v1::{EmailExport, Phase, UpdateMode};
use rollcall_testkit::{Member, Org, TestServer};

/// The time limit of an operation that must complete.
const TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_write_waits_only_for_writes_of_its_own_organization() {
    let server = TestServer::start().await;
    let held = Org::create(&server, "held", Phase::Migrated).await;
    let free = Org::create(&server, "free", Phase::Migrated).await;
    for org in [held, free] {
        org.sync(&[Member::new("ada", &["eng"])]).await;
    }
    let lock_holder = server.database.client().await;
    lock_holder.batch_execute("BEGIN").await.unwrap();
    lock_holder.batch_execute("SELECT FROM organizations WHERE id = 'held' FOR UPDATE").await.unwrap();

    let request = held.new_assignment("eng", &["eng"], UpdateMode::AutomaticUpdates, Some(EmailExport::Export));
    let mut assignments = server.assignments();
    let waiting = tokio::spawn(async move { assignments.create_assignment(request).await });
    server.wait_for_queued_writes("held", 1).await;

    let other_write = free.assign("eng", &["eng"], UpdateMode::AutomaticUpdates, Some(EmailExport::Export));
    tokio::time::timeout(TIMEOUT, other_write).await.expect("a write of another organization waits");
    assert_eq!(free.get_member("ada").await.email_export(), EmailExport::Export);
    assert_eq!(held.get_member("ada").await.email_export(), EmailExport::DoNotExport, "a read waits");
    server.wait_for_queued_writes("held", 1).await;
    assert!(!waiting.is_finished());

    lock_holder.batch_execute("COMMIT").await.unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(held.get_member("ada").await.email_export(), EmailExport::Export);
    server.stop().await;
}
