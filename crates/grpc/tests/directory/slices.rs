//! Syncs of more rows than one statement writes. All slices are one sync: one revision, and the same result as of a single
//! statement (product.md 6).

use rollcall_proto::v1::{DirectoryMember, MemberStatus, Phase, SyncCounts, SyncDirectoryRequest, SyncMode};
use rollcall_testkit::{Member, Org, TestServer, contract::Rpc};
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::{AUTOMATIC, DO_NOT_EXPORT, EXPORT, delta, memberships, rejected, sync, take};

/// More members than a statement writes: the store writes 10,000 rows at a time.
const CROWD: usize = 10_050;
/// The number of members in a message.
const PIECE: usize = 5_000;

fn id(number: usize) -> String {
    format!("m{number:05}")
}

/// The row of a member, with the address of the given number.
fn row(number: usize, address: usize) -> DirectoryMember {
    DirectoryMember {
        member: id(number),
        email: format!("{}@acme.example", id(address)),
        status: MemberStatus::Active.into(),
        ..Default::default()
    }
}

/// A FULL sync of everybody in the given groups. Each member has the address of the member `shift` places further.
fn everybody(org: &Org<'_>, shift: usize, groups: &[&str]) -> Vec<SyncDirectoryRequest> {
    let rows: Vec<DirectoryMember> = (0..CROWD).map(|number| row(number, (number + shift) % CROWD)).collect();
    let message = |rows: &[DirectoryMember]| {
        let pairs = rows.iter().flat_map(|row| groups.iter().map(|group| (*group, row.member.as_str())));
        let memberships = memberships(&pairs.collect::<Vec<_>>());
        SyncDirectoryRequest { memberships, members: rows.to_vec(), ..Default::default() }
    };
    let mut messages: Vec<SyncDirectoryRequest> = rows.chunks(PIECE).map(message).collect();
    let names = org.full_sync(&[Member::new("", &["eng", "ops"])]).groups;
    messages[0].parent = org.name();
    messages[0].mode = SyncMode::Full.into();
    messages[0].allow_mass_change = true;
    messages[0].groups = names;
    messages
}

async fn count(client: &Client, rows: &str) -> usize {
    let row = client.query_one(&format!("SELECT count(*) FROM {rows}"), &[]).await.unwrap();
    usize::try_from(row.get::<_, i64>(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_of_several_slices_is_one_sync() {
    let server = TestServer::start().await;
    let client = server.database.client().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    let mut named = delta(&org);
    named.groups = everybody(&org, 0, &[])[0].groups.clone();
    take(&server, named).await;
    org.assign("operations", &["ops"], AUTOMATIC, EXPORT).await;
    org.assign("engineering", &["eng"], AUTOMATIC, DO_NOT_EXPORT).await;
    let size = i32::try_from(CROWD).unwrap();

    let first = sync(&server, tokio_stream::iter(everybody(&org, 0, &["eng", "ops"]))).await.unwrap();
    let created = SyncCounts { members_created: size, memberships_added: 2 * size, ..Default::default() };
    assert_eq!((first.counts, rejected(&first).len()), (Some(created), 0));
    assert_eq!(count(&client, "members WHERE assignment_id = 'operations' AND email_export = 'EXPORT'").await, CROWD);
    assert_eq!(count(&client, "memberships").await, 2 * CROWD);

    // The document of the audit is stored in parts, and is shown like any other.
    let text = "SELECT string_agg(part, '' ORDER BY number) FROM audit_document_parts WHERE revision = 5 AND is_after";
    let text: String = client.query_one(text, &[]).await.unwrap().get(0);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["members"].as_array().unwrap().len(), CROWD);
    let listed =
        Rpc::find("AuditService/ListAuditEvents").call(&server.channel(), &json!({ "parent": org.name() })).await;
    let shown = listed.unwrap()["audit_events"][0]["after"].clone();
    assert_eq!(shown["counts"]["members_created"], f64::from(size));
    assert_eq!(
        (&shown["members"]["count"], shown["members"]["first"].as_array().unwrap().len()),
        (&json!(10_050.0), 100)
    );

    // Each member gets the address of the next one, the last member that of the first: also across slices.
    let moved = sync(&server, tokio_stream::iter(everybody(&org, 1, &["eng", "ops"]))).await.unwrap();
    let updated = SyncCounts { members_updated: size, ..Default::default() };
    assert_eq!((moved.counts, rejected(&moved).len()), (Some(updated), 0));
    assert_eq!(count(&client, "members WHERE id = 'm10049' AND email = 'm00000@acme.example' AND active").await, 1);
    assert_eq!(count(&client, "address_holdings WHERE member_id = 'm10049'").await, 2);
    assert_eq!(count(&client, "audit_subjects WHERE subject LIKE 'members/%' AND revision = 6").await, CROWD);

    // The last row wants the address of a member in the first slice, who keeps it.
    let mut taken = everybody(&org, 1, &["eng", "ops"]);
    taken.last_mut().unwrap().members.last_mut().unwrap().email = "m00001@acme.example".to_owned();
    let taken = sync(&server, tokio_stream::iter(taken)).await.unwrap();
    assert_eq!((taken.counts, rejected(&taken)), (Some(SyncCounts::default()), vec!["member m10049".to_owned()]));

    // Everybody leaves a group and enters another assignment.
    let left = sync(&server, tokio_stream::iter(everybody(&org, 1, &["eng"]))).await.unwrap();
    let rehomed = SyncCounts { memberships_removed: size, members_rehomed: size, ..Default::default() };
    assert_eq!((left.counts, rejected(&left).len()), (Some(rehomed), 0));
    let entered = "members WHERE assignment_id = 'engineering' AND email_export = 'DO_NOT_EXPORT'";
    assert_eq!(count(&client, entered).await, CROWD);
    assert_eq!(count(&client, "memberships WHERE group_id = 'eng'").await, CROWD);
    assert_eq!(count(&client, "memberships").await, CROWD);
    let history = "(SELECT revision FROM member_changes GROUP BY revision HAVING count(*) = 10050) AS revisions";
    assert_eq!(count(&client, history).await, 2);
}
