//! Rejected rows: each is reported with its key and reason, and what the row names stays unchanged.

use rollcall_proto::v1::{
    DirectoryGroup, DirectoryMember, Phase, SyncCounts, SyncDirectoryRequest, SyncDirectoryResponse,
};
use rollcall_testkit::{Member, Org, TestServer};

use crate::{EVERYBODY, MEMBERS, acme, delta, everybody, groups, members, memberships, rejected, revision, sync, take};

fn group(id: &str, display_name: &str) -> DirectoryGroup {
    DirectoryGroup { group: id.to_owned(), display_name: display_name.to_owned() }
}

/// Returns the rejected rows as `kind key: reason`.
fn reasons(response: &SyncDirectoryResponse) -> Vec<String> {
    response.rejected.iter().map(|row| format!("{} {}: {}", row.kind, row.key, row.reason)).collect()
}

/// A change of the row of `d` that makes it invalid, and the reason of the rejection.
type BadMember = (fn(&mut DirectoryMember), &'static str);

const BAD_MEMBERS: [BadMember; 18] = [
    (|row| row.member.clear(), "member : the member id must have 1 to 255 characters, not 0"),
    (|row| row.member = "d\n".to_owned(), "member d\n: the member id must not have control characters"),
    (|row| row.email.clear(), "member d: the email must have 1 to 254 characters, not 0"),
    (|row| row.email = "d".to_owned(), "member d: `d` is not an email address such as name@company.example"),
    (
        |row| row.email = "d d@acme.example".to_owned(),
        "member d: `d d@acme.example` is not an email address such as name@company.example",
    ),
    (|row| row.email = "a@b".to_owned(), "member d: `a@b` is not an email address such as name@company.example"),
    (
        |row| row.email = "a@x.example,B@x.example".to_owned(),
        "member d: `a@x.example,b@x.example` is not an email address such as name@company.example",
    ),
    (
        |row| row.email = "mailto:q@x.example".to_owned(),
        "member d: `mailto:q@x.example` is not an email address such as name@company.example",
    ),
    (
        |row| row.manager_email = "q@@x.example".to_owned(),
        "member d: `q@@x.example` is not an email address such as name@company.example",
    ),
    (|row| row.email = "x".repeat(255), "member d: the email must have 1 to 254 characters, not 255"),
    (
        |row| row.email = "A@acme.example".to_owned(),
        "member d: the address a@acme.example belongs to the active member a",
    ),
    (|row| row.given_name = "x".repeat(201), "member d: the given name must have 0 to 200 characters, not 201"),
    (|row| row.family_name = "x".repeat(201), "member d: the family name must have 0 to 200 characters, not 201"),
    (|row| row.job_title = "x".repeat(201), "member d: the job title must have 0 to 200 characters, not 201"),
    (|row| row.job_title = "a\tb".to_owned(), "member d: the job title must not have control characters"),
    (
        |row| row.manager_email = "boss".to_owned(),
        "member d: `boss` is not an email address such as name@company.example",
    ),
    (|row| row.status = 0, "member d: the row must say ACTIVE or INACTIVE"),
    (|row| row.status = 9, "member d: the row must say ACTIVE or INACTIVE"),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_member_row_is_rejected_with_its_reason() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    for (spoil, reason) in BAD_MEMBERS {
        let mut row = org.row(&MEMBERS[3]);
        spoil(&mut row);
        let response = take(&server, SyncDirectoryRequest { members: vec![row], ..delta(&org) }).await;
        assert_eq!((reasons(&response), response.counts), (vec![reason.to_owned()], Some(SyncCounts::default())));
    }
    let mut twice = vec![org.row(&MEMBERS[3]); 3];
    twice[1].job_title = "Chief".to_owned();
    let response = take(&server, SyncDirectoryRequest { members: twice, ..delta(&org) }).await;
    let reason = "member d: the sync names this member twice with different values; send one row";
    assert_eq!(reasons(&response), [reason; 3]);
    assert_eq!(everybody(&server, &org).await, EVERYBODY);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_group_row_is_rejected_with_its_reason() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let twice = "the sync names this group twice with different values; send one row";
    let cases = [
        (vec![group("", "g")], vec!["group : the group id must have 1 to 255 characters, not 0".to_owned()]),
        (vec![group("g", "a\nb")], vec!["group g: the display name must not have control characters".to_owned()]),
        (
            vec![group("g", &"x".repeat(256))],
            vec!["group g: the display name must have 0 to 255 characters, not 256".to_owned()],
        ),
        (vec![group("eng", "A"), group("eng", "B")], vec![format!("group eng: {twice}"); 2]),
    ];
    for (rows, expected) in cases {
        let response = take(&server, SyncDirectoryRequest { groups: rows, ..delta(&org) }).await;
        assert_eq!(reasons(&response), expected);
    }
    assert_eq!(groups(&server, &org).await, ["eng (2)", "ops (2)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_membership_is_rejected_with_its_reason() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let request = SyncDirectoryRequest {
        memberships: memberships(&[("eng", "nobody"), ("moon", "d"), ("ops", "d"), ("", "d"), ("eng", "")]),
        removed_memberships: memberships(&[("moon", "a"), ("ops", "d"), ("ops", "nobody")]),
        ..delta(&org)
    };
    let no_group = "there is no such group; send a row for it first";
    let no_member = "there is no such member; send a row for the member first";
    let expected = [
        "membership /d: the group id must have 1 to 255 characters, not 0".to_owned(),
        "membership eng/: the member id must have 1 to 255 characters, not 0".to_owned(),
        format!("membership eng/nobody: {no_member}"),
        format!("membership moon/a: {no_group}"),
        format!("membership moon/d: {no_group}"),
        "membership ops/d: the sync both adds and removes this membership".to_owned(),
        format!("membership ops/nobody: {no_member}"),
    ];
    assert_eq!(reasons(&take(&server, request).await), expected);

    let mut request = org.full_sync(&MEMBERS);
    request.memberships.extend(memberships(&[("eng", "nobody"), ("moon", "d")]));
    let expected = [
        "membership eng/nobody: the sync has no accepted row for this member; send one, or correct it",
        "membership moon/d: the sync has no accepted row for this group; send one, or correct it",
    ];
    assert_eq!(reasons(&take(&server, request).await), expected);
    assert_eq!(everybody(&server, &org).await, EVERYBODY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_row_of_a_full_sync_counts_as_present() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let (before, revision) = (members(&server, &org).await, revision(&server, &org).await);
    let mut request = org.full_sync(&MEMBERS);
    request.members[0].email = "no address".to_owned();
    let mut contradicting = request.members[1].clone();
    contradicting.job_title = "Chief".to_owned();
    request.members.push(contradicting);
    request.members[2].status = 0;
    request.groups.push(DirectoryGroup { group: "ops".to_owned(), display_name: "Other".to_owned() });
    request.members.push(org.row(&Member::new("", &[])));
    request.memberships.extend(memberships(&[("eng", "nobody"), ("moon", "d")]));
    let response = take(&server, request).await;
    let expected = [
        "group ops",
        "group ops",
        "member ",
        "member a",
        "member b",
        "member b",
        "member c",
        "membership eng/nobody",
        "membership moon/d",
    ];
    assert_eq!(rejected(&response), expected);
    assert_eq!((response.counts, response.revision), (Some(SyncCounts::default()), revision));
    assert_eq!(members(&server, &org).await, before);
    assert_eq!(groups(&server, &org).await, ["eng (2)", "ops (2)"]);

    let request = SyncDirectoryRequest {
        memberships: memberships(&[("eng", "d"), ("moon", "d"), ("eng", "nobody")]),
        removed_memberships: memberships(&[("eng", "d"), ("ops", "nobody")]),
        ..delta(&org)
    };
    let expected = ["membership eng/d", "membership eng/nobody", "membership moon/d", "membership ops/nobody"];
    assert_eq!(rejected(&take(&server, request).await), expected);
    assert_eq!(members(&server, &org).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_rejected_rows_are_listed_and_all_are_counted() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    // More rows than the response lists, and more bytes than a client accepts.
    let row = |n: usize| DirectoryMember { member: format!("{n:05}{}", "é".repeat(250)), ..Default::default() };
    let options = SyncDirectoryRequest { members: vec![], ..org.full_sync(&[]) };
    let rows = (0..12).map(|part| SyncDirectoryRequest {
        members: (part * 1_000..(part + 1) * 1_000).map(row).collect(),
        ..Default::default()
    });
    let messages: Vec<SyncDirectoryRequest> = [options].into_iter().chain(rows).collect();
    let response = sync(&server, tokio_stream::iter(messages)).await.unwrap();
    let shown: Vec<usize> = response.rejected.iter().map(|row| row.key[..5].parse().unwrap()).collect();
    assert!(shown.len() > 1_000 && shown.iter().copied().eq(0..shown.len()), "{}", shown.len());
    assert_eq!(response.rejected_count, 12_000);
}
