//! The organization's email domains (product.md 6): whose address a sync takes.

use rollcall_proto::v1::{DirectoryMember, Organization, SyncCounts, SyncDirectoryRequest};
use rollcall_testkit::{Member, TestServer};

use crate::{EVERYBODY, MEMBERS, acme, change, delta, everybody, rejected, take};

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_of_one_of_the_domains() {
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
async fn who_has_an_address_of_elsewhere_stays_as_they_are_and_can_leave() {
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
