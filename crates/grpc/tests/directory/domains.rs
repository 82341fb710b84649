//! The email domains of an organization (product.md 6): the addresses that a sync accepts.

use rollcall_proto::v1::{DirectoryMember, Organization, SyncCounts, SyncDirectoryRequest};
use rollcall_testkit::{Member, TestServer};

use crate::{EVERYBODY, MEMBERS, acme, change, delta, everybody, rejected, take};

#[tokio::test(flavor = "multi_thread")]
async fn an_address_must_have_one_of_the_domains() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let domains = ["ACME.example", "acme.org"].map(str::to_owned).to_vec();
    change(&server, &org, Organization { email_domains: domains, ..Default::default() }).await;
    let row =
        |id: &'static str, email: &str| DirectoryMember { email: email.to_owned(), ..org.row(&Member::new(id, &[])) };
    let request = SyncDirectoryRequest {
        members: vec![
            row("ok", "ok@Acme.Org"),
            row("x1", "x@else.example"),
            row("x2", "x@eu.acme.example"),
            row("x3", "x@notacme.example"),
        ],
        ..delta(&org)
    };
    let response = take(&server, request).await;
    assert_eq!(rejected(&response), ["member x1", "member x2", "member x3"]);
    let reason = "the address x@else.example is not of the organization's email domains: acme.example, acme.org";
    assert_eq!(response.rejected[0].reason, reason);
    assert_eq!(response.counts, Some(SyncCounts { members_created: 1, ..Default::default() }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_with_a_foreign_address_stays_unchanged_and_can_become_inactive() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    change(&server, &org, Organization { email_domains: vec!["acme.org".to_owned()], ..Default::default() }).await;
    let response = org.sync(&MEMBERS).await;
    assert_eq!((rejected(&response).len(), response.counts), (4, Some(SyncCounts::default())));
    assert_eq!(everybody(&server, &org).await, EVERYBODY);
    let leaving = vec![org.row(&MEMBERS[0].clone().inactive())];
    let response = take(&server, SyncDirectoryRequest { members: leaving, ..delta(&org) }).await;
    assert_eq!((rejected(&response), response.counts.unwrap().members_deactivated), (vec![], 1));
}
