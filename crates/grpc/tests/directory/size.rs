//! A DELTA sync reads what its rows name, in an organization of any size.

use rollcall_proto::v1::{DirectoryMember, MemberStatus, Phase};
use rollcall_testkit::{Member, Org, TestServer, enlarge, rows_read};

use crate::{AUTOMATIC, EXPORT, delta, memberships, take};

/// A group for ten of the copied members, and their memberships.
const GROUPS: [&str; 2] = [
    "INSERT INTO groups (organization_id, id, display_name, present)
        SELECT 'acme', 'g' || i, '', TRUE FROM generate_series(1, $1::integer / 10 + 1) AS i",
    "INSERT INTO memberships (organization_id, member_id, group_id)
        SELECT 'acme', 'u' || i, 'g' || (i / 10 + 1) FROM generate_series(1, $1::integer) AS i",
];

/// Syncs one new and one known person in an organization with this many members. Returns how many rows were read, from
/// the creation of the organization on.
async fn cost_of_a_delta(members: i32) -> i64 {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    org.sync(&[Member::new("first", &["eng"])]).await;
    org.assign("engineering", &["eng"], AUTOMATIC, EXPORT).await;
    enlarge(&server.database.client().await, members, "'{}'::jsonb", &GROUPS).await;
    let row = |id: &str| DirectoryMember {
        member: id.to_owned(),
        email: format!("{id}@other.example"),
        status: MemberStatus::Active.into(),
        ..Default::default()
    };
    let memberships = memberships(&[("eng", "new"), ("eng", "u7")]);
    let mut request = delta(&org);
    (request.members, request.memberships) = (vec![row("new"), row("u7")], memberships);
    let counts = take(&server, request).await.counts.unwrap();
    assert_eq!((counts.members_created, counts.members_updated, counts.memberships_added), (1, 1, 2));
    let tables = ["members", "groups", "memberships", "pins"];
    rows_read(&server.database.client().await, &tables).await.values().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delta_sync_of_one_person_reads_the_same_rows_in_a_small_and_in_a_large_organization() {
    let (small, large) = (cost_of_a_delta(1_000).await, cost_of_a_delta(50_000).await);
    assert!(large <= small, "{small} rows of 1,000 members, {large} rows of 50,000 members");
}
