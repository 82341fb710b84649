//! The holder of an address: unique among active members, whatever the order of the rows (product.md 1, 6).

use rollcall_proto::v1::{DirectoryMember, SyncDirectoryRequest};
use rollcall_testkit::{Member, Org, TestServer};

use crate::{MEMBERS, acme, delta, members, rejected, take};

/// Returns the row of a member with another address.
fn row(org: &Org<'_>, member: &Member, email: &str) -> DirectoryMember {
    DirectoryMember { email: format!("{email}@ACME.example"), ..org.row(member) }
}

/// Returns the local part of every member's address, in the order of the ids.
async fn emails(server: &TestServer, org: &Org<'_>) -> String {
    let locals =
        members(server, org).await.into_iter().map(|member| member.email.split('@').next().unwrap().to_owned());
    locals.collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_pass_from_member_to_member_in_one_sync() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let [a, b, c, d] = &MEMBERS;
    // Each member gets the address that the previous member gives up.
    let cases: [(&[(&Member, &str)], &str); 6] = [
        (&[(b, "a"), (a, "new")], "new a c d"),
        (&[(a, "a"), (b, "b")], "a b c d"),
        (&[(c, "d"), (d, "c")], "a b d c"),
        (&[(a, "b"), (b, "d"), (c, "a")], "b d a c"),
        (&[(d, "a"), (c, "b"), (a, "c")], "c d b a"),
        (&[(d, "d"), (c, "c"), (b, "b"), (a, "a")], "a b c d"),
    ];
    for (rows, expected) in cases {
        let count = i32::try_from(rows.len()).unwrap();
        let rows = rows.iter().map(|(member, email)| row(&org, member, email)).collect();
        let moved = take(&server, SyncDirectoryRequest { members: rows, ..delta(&org) }).await;
        assert_eq!((rejected(&moved), moved.counts.unwrap().members_updated), (vec![], count));
        assert_eq!(emails(&server, &org).await, expected);
        for (local, member) in expected.split(' ').zip(&MEMBERS) {
            let found = org.check(local, None).await;
            assert_eq!(found.assignment, org.get_member(member.id).await.assignment, "{local} is {}", member.id);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_active_member_keeps_the_address() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let [a, b, c, d] = &MEMBERS;
    let with = |rows| SyncDirectoryRequest { members: rows, ..delta(&org) };
    // The address conflicts with a stored one, whatever its case.
    let response = take(&server, with(vec![row(&org, a, "D")])).await;
    assert_eq!(rejected(&response), ["member a"]);
    assert_eq!(response.rejected[0].reason, "the address d@acme.example belongs to the active member d");
    // Within one sync, the first row gets the address.
    let newcomers = ["f", "e"].map(|id| row(&org, &Member::new(id, &[]), "same"));
    let response = take(&server, with(newcomers.to_vec())).await;
    assert_eq!(rejected(&response), ["member e"]);
    assert_eq!(response.rejected[0].reason, "the address same@acme.example belongs to the active member f");
    assert_eq!(emails(&server, &org).await, "a b c d same");
    // If one row of a cycle is rejected, the whole cycle is unchanged, because no address was given up.
    let mut broken = row(&org, c, "a");
    broken.status = 0;
    let response = take(&server, with(vec![row(&org, a, "b"), row(&org, b, "c"), broken])).await;
    assert_eq!(rejected(&response), ["member a", "member b", "member c"]);
    assert_eq!(emails(&server, &org).await, "a b c d same");
    // A member who becomes inactive gives up the address, even in the same sync.
    let response = take(&server, with(vec![row(&org, a, "d"), org.row(&d.clone().inactive())])).await;
    assert_eq!((rejected(&response), emails(&server, &org).await), (vec![], "d b c d same".to_owned()));
    // The member does not get the address back while another active member has it.
    let response = take(&server, with(vec![org.row(d)])).await;
    assert_eq!(response.rejected[0].reason, "the address d@acme.example belongs to the active member a");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_absent_from_a_full_sync_gives_up_the_address() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let mut request = org.full_sync(&MEMBERS[..3]);
    request.members[0] = row(&org, &MEMBERS[0], "d");
    let response = take(&server, request).await;
    assert_eq!((rejected(&response), emails(&server, &org).await), (vec![], "d b c d".to_owned()));
    assert_eq!(org.check("d", None).await.assignment, org.assignment("engineering"));
}
