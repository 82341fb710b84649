//! A DELTA sync reads what its rows name, in an organization of any size.

use rollcall_proto::v1::{DirectoryMember, MemberStatus, Phase};
use rollcall_testkit::{Member, Org, TestServer};
use tokio_postgres::Client;

use crate::{AUTOMATIC, EXPORT, delta, memberships, take};

/// Copies the member `first`, each copy with an address of its own, and a group for ten of them. Without the checks of
/// foreign keys, which would read rows too.
async fn enlarge(client: &Client, members: i32) {
    let copy = "WITH first AS MATERIALIZED (SELECT * FROM members WHERE id = 'first')
        INSERT INTO members SELECT (jsonb_populate_record(
            NULL::members, to_jsonb(m) || jsonb_build_object('id', 'u' || i, 'email', 'u' || i || '@acme.example')
        )).* FROM first AS m, generate_series(1, $1::integer) AS i";
    let groups = "INSERT INTO groups (organization_id, id, display_name, present)
        SELECT 'acme', 'g' || i, '', TRUE FROM generate_series(1, $1::integer / 10 + 1) AS i";
    let memberships = "INSERT INTO memberships (organization_id, member_id, group_id)
        SELECT 'acme', 'u' || i, 'g' || (i / 10 + 1) FROM generate_series(1, $1::integer) AS i";
    client.batch_execute("SET session_replication_role = replica").await.unwrap();
    for sql in [copy, groups, memberships] {
        client.execute(sql, &[&members]).await.unwrap();
    }
    client.batch_execute("ANALYZE").await.unwrap();
}

/// Returns how many rows and index entries of the directory all sessions have read. Ends the other sessions: then
/// their counts are complete.
async fn rows_read(client: &Client) -> i64 {
    let end = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    client.query(end, &[]).await.unwrap();
    let tables = "('members', 'groups', 'memberships', 'pins')";
    let sql = format!(
        "SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname IN {tables})::bigint
            + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname IN {tables})::bigint"
    );
    client.query_one(&sql, &[]).await.unwrap().get(0)
}

/// Syncs one new and one known person in an organization with this many members. Returns how many rows were read, from
/// the creation of the organization on.
async fn cost_of_a_delta(members: i32) -> i64 {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    org.sync(&[Member::new("first", &["eng"])]).await;
    org.assign("engineering", &["eng"], AUTOMATIC, EXPORT).await;
    enlarge(&server.database.client().await, members).await;
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
    rows_read(&server.database.client().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delta_sync_of_one_person_reads_the_same_rows_in_a_small_and_in_a_large_organization() {
    let (small, large) = (cost_of_a_delta(1_000).await, cost_of_a_delta(50_000).await);
    assert!(large <= small, "{small} rows of 1,000 members, {large} rows of 50,000 members");
}
