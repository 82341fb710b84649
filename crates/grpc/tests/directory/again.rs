//! A repeated sync changes nothing: it writes no row and creates no revision (product.md 6).

use rollcall_proto::v1::{MoveMembersRequest, SyncCounts, SyncDirectoryResponse};
use rollcall_testkit::{Member, TestServer, difference, dump};

use crate::{EXPORT, MANUAL, acme, delta, memberships, revision, take};

/// Returns the version of every row. Every write creates a new version, even with the same values.
async fn versions(server: &TestServer) -> Vec<String> {
    let client = server.database.client().await;
    let tables = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
                  AND relname NOT IN ('jobs', 'job_runs') ORDER BY 1";
    let mut versions = Vec::new();
    for table in client.query(tables, &[]).await.unwrap() {
        let table: String = table.get(0);
        let sql = format!("SELECT format('{table} %s %s', ctid, xmin) FROM {table} ORDER BY ctid");
        versions.extend(client.query(&sql, &[]).await.unwrap().iter().map(|row| row.get::<_, String>(0)));
    }
    versions
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_full_sync_writes_nothing() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    org.sync(&[Member::new("z", &["hand"])]).await;
    org.assign("by-hand", &["hand"], MANUAL, EXPORT).await;
    let pinned = MoveMembersRequest {
        parent: org.name(),
        members: vec![org.member("d")],
        assignment: org.assignment("by-hand"),
        ..Default::default()
    };
    server.members().move_members(pinned).await.unwrap();
    // An inactive member, an absent member, an absent group, and rejected rows.
    let people = [
        Member::new("a", &["eng", "hand"]),
        Member::new("b", &["eng"]),
        Member::new("c", &[]).inactive(),
        Member::new("n", &["new"]),
    ];
    let mut request = org.full_sync(&people);
    request.members[1].manager_email = "A@acme.example".to_owned();
    request.members.push(org.row(&Member::new("d", &[])));
    request.members[4].status = 0;
    request.members.push(request.members[0].clone());
    request.members[5].member = "twin".to_owned();
    request.memberships.extend(memberships(&[("moon", "a"), ("eng", "a")]));
    let first = take(&server, request.clone()).await;
    assert_eq!(first.rejected_count, 3, "{:?}", first.rejected);

    let (before, rows) = (versions(&server).await, dump(&server.database, None).await);
    let again = take(&server, request.clone()).await;
    let expected = SyncDirectoryResponse { counts: Some(SyncCounts::default()), ..first };
    assert_eq!(again, expected, "the same rows are rejected under the same revision");
    let after = dump(&server.database, None).await;
    assert_eq!((difference(&rows, &after), versions(&server).await == before), (None, true));

    let nothing = take(&server, delta(&org)).await;
    assert_eq!((nothing.counts, nothing.revision), (Some(SyncCounts::default()), revision(&server, &org).await));
    assert_eq!(versions(&server).await, before);
}
